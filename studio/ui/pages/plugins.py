"""The plugins: what was found, what is on, what failed and why; check, reload, write a new one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QVBoxLayout, QWidget

from studio.engine import Job
from studio.files import FileError
from studio.plugins import (
    Finding,
    Plugin,
    PluginError,
    check_plugin,
    create_plugin,
    disable,
    enable,
    install_plugin,
    user_plugins,
)
from studio.plugins.template import plain_name
from studio.plugins.watch import find_new, read_again
from studio.session.core import Core
from studio.ui import reveal, theme
from studio.ui.background import background
from studio.ui.kit import Badge, Elided, SearchField, ask_text, button, mime, pick_file
from studio.ui.kit.painting import card_ground, focus_ring, rounded
from studio.ui.library.placing import put
from studio.ui.pages.parts import Page, clear, scrolled
from studio.ui.pages.plugin_detail import ORIGINS, STATES, PluginDetail


class PluginsPage(Page):
    """See the module."""

    widest = 2000

    def __init__(self, session: Core, parent: QWidget | None = None) -> None:
        super().__init__(session, "Plugins", "Every generator is a plugin. A file that is saved is read anew while it "
                         "runs.", parent)
        self.rows: list[PluginRow] = []
        self.current: Plugin | None = None
        self._signature: list[tuple[str, str, str]] = []
        self._build()
        self.hear("library", lambda _: self.refresh())
        self.setAcceptDrops(True)
        self.refresh()

    def _build(self) -> None:
        self.search = SearchField("Search plugins")
        self.search.setFixedWidth(theme.px(200))
        self.search.searched.connect(lambda _: self._filter())
        self.tools.addWidget(self.search)
        self.tools.addWidget(button("Open folder", "folder-open", tip="Your plugin folder; what lies there is used",
                                    clicked=self.open_folder))
        self.tools.addWidget(button("Install…", "import", tip="Install a plugin from a .zip; it can also be dropped "
                                    "on this page", clicked=self._browse))
        self.new = button("New plugin…", "plus", role="primary", tip="Write a small plugin that runs at once",
                          clicked=self.ask_new)
        self.tools.addWidget(self.new)
        self._list = QVBoxLayout()
        self._list.setSpacing(theme.space(1.5))
        holder = QWidget()
        inner = QVBoxLayout(holder)
        inner.setContentsMargins(0, 0, theme.space(2), 0)
        inner.addLayout(self._list)
        inner.addStretch(1)
        self.detail = PluginDetail(self.reload, self.check, self.put)
        self.detail.setFixedWidth(theme.px(420))
        row = QHBoxLayout()
        row.setSpacing(theme.space(5))
        row.addWidget(scrolled(holder), 1)
        row.addWidget(self.detail)
        self.body.addLayout(row, 1)

    # --- the list ---

    def refresh(self) -> None:
        """Show what has changed."""
        plugins = sorted(self.session.registry, key=lambda p: (p.origin == "built-in", p.title.casefold()))
        signature = [(plugin.name, str(plugin.state), plugin.reason) for plugin in plugins]
        if signature == self._signature:
            return
        if [name for name, _, _ in signature] == [name for name, _, _ in self._signature]:
            for row in self.rows:
                row.refresh()
        else:
            self._rebuild(plugins)
        self._signature = signature
        if self.current is None and plugins:
            self.choose(next((plugin for plugin in plugins if plugin.state == "failed"), plugins[0]))
        elif self.current is not None:
            self.detail.show_plugin(self.current)

    def _rebuild(self, plugins: Sequence[Plugin]) -> None:
        clear(self._list)
        self.rows = []
        for plugin in plugins:
            row = PluginRow(plugin)
            row.chosen.connect(self.choose)
            row.switched.connect(self.switch)
            row.set_current(plugin is self.current)
            self.rows.append(row)
            self._list.addWidget(row)
        self._filter()

    def _filter(self) -> None:
        words = self.search.text().casefold().split()
        for row in self.rows:
            text = f"{row.plugin.title} {row.plugin.id} {row.plugin.state} {row.plugin.reason}".casefold()
            row.setVisible(all(word in text for word in words))

    def choose(self, plugin: Plugin) -> None:
        """Show one plugin in full."""
        self.current = plugin
        for row in self.rows:
            row.set_current(row.plugin is plugin)
        self.detail.show_plugin(plugin)

    # --- what can be done ---

    def switch(self, plugin: Plugin, on: bool) -> None:
        """Enable or disable."""
        try:
            (enable if on else disable)(plugin)
        except (PluginError, FileError) as error:
            self.session.notice(str(error), level="error")
        self._signature = []
        self.session.post("library")
        self.refresh()

    def reload(self, plugin: Plugin) -> None:
        """Read a plugin's files anew; what runs keeps its values."""
        def work() -> None:
            read_again(plugin)

        def done(_: None) -> None:
            if plugin.id and plugin.state != "found":
                self.session.reload_plugin(plugin.id)
            else:
                self.session.post("library")

        background(self.session, work, done, owner=self)

    def put(self, plugin: Plugin, deck: str) -> None:
        """Put a plugin on a deck, as source or effect; without one into a player. Then show the stage."""
        session: Any = self.session
        put(session, plugin, deck)
        self.show_page.emit("stage")

    def check(self, plugin: Plugin) -> None:
        """Try the plugin out in a process of its own."""
        self.detail.checking(True)

        def work(job: Job[Any]) -> list[Finding]:
            job.check(0.05, "trying it in a process of its own")
            found = check_plugin(plugin.place)
            self.session.events.call(lambda: self._checked(plugin, found))
            return found

        self.session.jobs.run(f"Check {plugin.title}", work)

    def _checked(self, plugin: Plugin, found: list[Finding]) -> None:
        import shiboken6

        if not shiboken6.isValid(self):
            return
        self.detail.findings[plugin.name] = found
        if plugin is self.current:
            self.detail.show_plugin(plugin, again=True)

    def open_folder(self) -> None:
        """Show the user's plugin folder, which is made first."""
        folder = user_plugins()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self.session.notice(f"the folder {folder} cannot be made: {error.strerror}", level="error")
            return
        reveal.open_file(folder)

    def ask_new(self) -> None:
        """Ask for a name, then write a plugin."""
        def fault(text: str) -> str:
            try:
                name = plain_name(text)
            except PluginError as error:
                return f"{str(error)[:1].upper()}{str(error)[1:]}."
            return "There is already one of this name." if (user_plugins() / name).exists() else ""

        ask_text(self, "New plugin", "name", "", self.make, button_text="Write it", check=fault,
                 text="A folder with a small generator that runs at once. Change its file: it is read anew when saved.")

    def make(self, name: str) -> None:
        """Write a plugin from the template, use it, show its folder."""
        def work() -> Path:
            files = create_plugin(name)
            find_new(self.session.registry)
            return files[0].parent

        def done(place: Path) -> None:
            self._take_in(place)
            reveal.open_file(place)

        background(self.session, work, done, owner=self)

    def _browse(self) -> None:
        pick_file(self, "Install a plugin", self.install, kinds=[("Plugins", ["*.zip"])])

    def install(self, archive: Path) -> None:
        """Unpack a zip into the plugin folder, in the background."""
        def work() -> Path:
            place = install_plugin(archive).place
            find_new(self.session.registry)
            return place

        background(self.session, work, self._take_in, owner=self)

    def _take_in(self, place: Path) -> None:
        """A plugin that has just come."""
        self._signature = []
        self.refresh()
        found = next((p for p in self.session.registry if p.place.resolve() == place.resolve()), None)
        if found is not None:
            self.choose(found)
            good = found.state != "failed"
            self.session.notice(f"{found.title} is here" if good else f"{found.title}: {found.reason}")
        self.session.post("library")

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        what = mime.read(event.mimeData())
        if what is not None and any(path.suffix.lower() == ".zip" for path in what.files):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        what = mime.read(event.mimeData())
        for path in what.files if what is not None else ():
            if path.suffix.lower() == ".zip":
                self.install(path)
        event.acceptProposedAction()


class PluginRow(QFrame):
    """One plugin in the list, with its switch."""

    chosen = Signal(object)
    switched = Signal(object, bool)

    def __init__(self, plugin: Plugin) -> None:
        super().__init__()
        self.plugin = plugin
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.title = Elided(plugin.title)
        self.title.setProperty("role", "strong")
        self.line = Elided("")
        self.badge = Badge("", "dim")
        self.switch = QCheckBox()
        self.switch.setAccessibleName(f"Use {plugin.title}")
        self.switch.clicked.connect(lambda on: self.switched.emit(self.plugin, on))
        kind = plugin.manifest.makes if plugin.manifest else ""
        self._kind, self._on = kind, False
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(self.title)
        words.addWidget(self.line)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(*(theme.space(n) for n in (5, 2, 3, 2)))
        layout.setSpacing(theme.space(3))
        layout.addLayout(words, 1)
        layout.addWidget(self.badge)
        layout.addWidget(self.switch)
        self.set_current(False)
        self.refresh()

    def refresh(self) -> None:
        """Show the plugin's state."""
        plugin = self.plugin
        word, role = STATES.get(plugin.state, (plugin.state, "dim"))
        self.badge.set(word, role)
        self.line.setText(plugin.reason or (plugin.manifest.about if plugin.manifest else "") or ORIGINS[plugin.origin])
        theme.set_role(self.line, "danger" if plugin.state == "failed" else "small")
        self.switch.setChecked(plugin.state not in ("found", "failed"))
        self.switch.setEnabled(plugin.state != "failed" and bool(plugin.id))
        self.switch.setToolTip("Whether the studio offers it" if self.switch.isEnabled() else "It does not work")
        self.setAccessibleName(f"{plugin.title}, {word}")
        self.setToolTip(f"{plugin.id or plugin.name}: {ORIGINS[plugin.origin]}")

    def set_current(self, on: bool) -> None:
        """Whether it is the one that is shown in full."""
        self._on = on
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = card_ground(painter, self, on=self._on)
        stripe = rect.adjusted(theme.space(2), theme.space(2), 0, -theme.space(2))
        stripe.setWidth(theme.px(3))
        painter.fillPath(rounded(stripe, 1), theme.kind_color(self._kind) if self._kind else theme.color("danger"))
        if self.hasFocus():
            focus_ring(painter, rect, theme.px(8))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit(self.plugin)

    def keyPressEvent(self, event: Any) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.chosen.emit(self.plugin)
        elif event.key() == Qt.Key.Key_Space:
            self.switch.click()
        elif event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            self.focusNextPrevChild(event.key() == Qt.Key.Key_Down)
        else:
            super().keyPressEvent(event)
