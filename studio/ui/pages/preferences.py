"""Preferences: every setting from its declaration, what is connected, and where things are kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QDoubleSpinBox,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from studio import paths
from studio.devices.listing import Kind, list_devices
from studio.engine.threads import spawn
from studio.library.settings import AFTER_RESTART, SETTINGS, save_settings
from studio.params import Bool, Choice, Float, Int, Param
from studio.params import Path as PathParam
from studio.plugins import user_plugins
from studio.session.core import Core
from studio.ui import reveal, theme
from studio.ui.background import background
from studio.ui.kit import Badge, Combo, Elided, button, pick_folder, tool_button
from studio.ui.pages.parts import Page, clear, column, label, no_wheel, scrolled

SCALES = (0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0)
TITLES = {"compute": "Compute", "cameras": "Cameras", "audio": "Sound", "MIDI": "MIDI", "screens": "Screens"}
SAVE_MS = 300


class PreferencesPage(Page):
    """See the module. What can be used at once is; the rest is marked."""

    widest = 1500

    def __init__(self, session: Core, parent: QWidget | None = None) -> None:
        super().__init__(session, "Preferences", "Everything is kept at once.", parent)
        self.widgets: dict[str, QWidget] = {}
        self.kinds: list[Kind] = []
        self._save = QTimer(self, singleShot=True, interval=SAVE_MS)
        self._save.timeout.connect(self._write)
        self._build()
        self.hear("settings", lambda _: self._sync())
        self.look()

    def _sync(self) -> None:
        """Settings that were changed on another page."""
        for name, widget in self.widgets.items():
            value = self.session.settings[name]
            widget.blockSignals(True)
            if isinstance(widget, QCheckBox):
                widget.setChecked(bool(value))
            elif isinstance(widget, (QSpinBox, QDoubleSpinBox)):
                widget.setValue(value)
            elif isinstance(widget, QLineEdit) and not widget.hasFocus():
                widget.setText(str(value))
            widget.blockSignals(False)

    def _build(self) -> None:
        left = QVBoxLayout()
        left.setSpacing(theme.space(2))
        groups: dict[str, list[str]] = {}
        for name, param in SETTINGS.items():
            groups.setdefault(param.group or "Other", []).append(name)
        for title, names in groups.items():
            left.addWidget(label(title, "title"))
            for name in names:
                left.addWidget(self._row(name, SETTINGS[name]))
            left.addSpacing(theme.space(3))
        left.addWidget(label("Where things are", "title"))
        for title, folder in self._folders():
            left.addWidget(_folder_row(title, folder))
        left.addStretch(1)
        self.saved = label("", "small")
        self.devices = QVBoxLayout()
        self.devices.setSpacing(theme.space(3))
        self.looking = QProgressBar()
        self.looking.setRange(0, 0)
        self.looking.setTextVisible(False)
        self.looking.setAccessibleName("Devices are being looked for")
        head = QHBoxLayout()
        head.addWidget(label("What is connected", "title"), 1)
        self.again = button("Look again", "refresh", clicked=self.look, tip="Look for devices once more")
        head.addWidget(self.again)
        holder = QWidget()
        right = QVBoxLayout(holder)
        right.setContentsMargins(0, 0, theme.space(2), 0)
        right.setSpacing(theme.space(2))
        right.addLayout(head)
        right.addWidget(self.looking)
        right.addLayout(self.devices)
        right.addStretch(1)
        row = QHBoxLayout()
        row.setSpacing(theme.space(8))
        row.addWidget(scrolled(column(left, margins=(0, 0, 3, 0))), 1)
        row.addWidget(scrolled(holder), 1)
        self.body.addLayout(row, 1)
        self.tools.addWidget(self.saved)

    def _folders(self) -> list[tuple[str, Path]]:
        data = paths.user_folder("data")
        return [
            ("Your models", paths.model_folders()[0]), ("Your plugins", user_plugins()),
            ("Trainings", data / "trainings"),
            ("Settings", paths.user_folder("config")), ("Log", paths.user_folder("log")),
            ("Cache, may be deleted", paths.user_folder("cache")),
        ]

    # --- a row for a setting ---

    def _row(self, name: str, param: Param[Any]) -> QWidget:
        widget = self._widget(name, param)
        title = param.label or name.replace("_", " ").capitalize()
        widget.setAccessibleName(title)
        note = "; counts from the next start" if name in AFTER_RESTART else ""
        widget.setToolTip(f"{param.help}{note}")
        self.widgets[name] = widget
        words = QVBoxLayout()
        words.setSpacing(0)
        head = QHBoxLayout()
        head.setSpacing(theme.space(2))
        head.addWidget(label(title))
        if note:
            head.addWidget(Badge("after restart", "dim"))
        head.addStretch(1)
        words.addLayout(head)
        words.addWidget(label(param.help, "small", wrap=True))
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(theme.space(4))
        line.addLayout(words, 1)
        line.addWidget(widget)
        return row

    def _widget(self, name: str, param: Param[Any]) -> QWidget:
        value = self.session.settings[name]
        change: Callable[..., None] = partial(self.change, name)
        if isinstance(param, Bool):
            switch = QCheckBox()
            switch.setChecked(bool(value))
            switch.toggled.connect(change)
            return switch
        if name == "scale":
            return self._combo([(f"{round(100 * scale)} %", scale) for scale in SCALES], float(value), change)
        if isinstance(param, Choice):
            options = [(theme.title(o) if name == "theme" else str(o), o) for o in param.choices]
            return self._combo(options, value, change)
        if name in ("device", "sound_output"):
            usual = ("automatic", "auto") if name == "device" else ("the system's choice", "")
            return self._combo([usual], value, change)
        if isinstance(param, Int):
            spin = QSpinBox()
            spin.setRange(int(param.low), int(param.high))
            spin.setSuffix(f" {param.unit}" if param.unit else "")
            spin.setValue(int(value))
            spin.valueChanged.connect(change)
            no_wheel(spin)
            spin.setFixedWidth(theme.px(120))
            return spin
        if isinstance(param, Float):
            real = QDoubleSpinBox()
            real.setRange(param.low, param.high)
            real.setValue(float(value))
            real.valueChanged.connect(change)
            no_wheel(real)
            return real
        if isinstance(param, PathParam):
            return self._path(str(value), change)
        line = QLineEdit(str(value))
        line.editingFinished.connect(lambda: change(line.text()))
        return line

    def _combo(self, options: list[tuple[str, Any]], value: Any, change: Callable[..., None]) -> Combo:
        combo = Combo(options)
        if combo.findData(value) < 0:
            combo.addItem(str(value), value)
        combo.setCurrentIndex(combo.findData(value))
        combo.activated.connect(lambda _: change(combo.currentData()))
        combo.setFixedWidth(theme.px(170))
        return combo

    def _path(self, value: str, change: Callable[..., None]) -> QWidget:
        holder = QWidget()
        line = QLineEdit(value)
        line.setPlaceholderText("Videos/Reverie")
        line.setAccessibleName("Folder for exports")
        line.editingFinished.connect(lambda: change(line.text()))

        def take(folder: Path) -> None:
            line.setText(str(folder))
            change(str(folder))

        browse = tool_button("folder-open", "Choose a folder", clicked=lambda: pick_folder(
            self, "Where exports are written", take, folder=Path(line.text()) if line.text() else None))
        layout = QHBoxLayout(holder)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(line)
        layout.addWidget(browse)
        holder.setFixedWidth(theme.px(220))
        return holder

    # --- changing, using, saving ---

    def change(self, name: str, value: Any) -> None:
        """Another value for a setting: used at once where that can be, and kept."""
        if self.session.settings[name] == value:
            return
        note = self.session.settings.set(name, value)
        if note:
            self.session.notice(note, level="warning")
        apply_setting(self.session, name)
        self.saved.setText("")
        self._save.start()

    def _write(self) -> None:
        settings = self.session.settings
        background(self.session, lambda: save_settings(settings), lambda _: self.saved.setText("kept"),
                   lambda why: self._not_saved(why), owner=self)

    def _not_saved(self, why: str) -> None:
        self.saved.setText("not kept")
        self.session.notice(why, level="error", source="Preferences")

    def close_page(self) -> None:
        """The window closes: what was not kept yet is kept now."""
        if self._save.isActive():
            self._save.stop()
            self._write()

    # --- devices ---

    def look(self) -> None:
        """Look for devices; drivers may take seconds, so on a thread of its own."""
        self.looking.show()
        self.again.setEnabled(False)

        def work() -> None:
            kinds = list_devices()
            self.session.events.call(lambda: self._found(kinds))

        spawn("reverie devices", work, lambda: None)

    def _found(self, kinds: list[Kind]) -> None:
        import shiboken6

        if not shiboken6.isValid(self):
            return
        self.kinds = kinds
        self.looking.hide()
        self.again.setEnabled(True)
        clear(self.devices)
        for kind in kinds:
            self.devices.addWidget(self._kind(kind))
        self._fill("device", [(name, name) for kind in kinds if kind.name == "compute" for name, _ in kind.found])
        outputs = [(bare(name), bare(name)) for kind in kinds if kind.name == "audio" for name, detail in kind.found
                   if not detail.split(" out")[0].endswith(" 0")]
        self._fill("sound_output", outputs)

    def _fill(self, name: str, options: list[tuple[str, str]]) -> None:
        """Offer what is there now; what is chosen stays, also while it is unplugged."""
        combo = self.widgets[name]
        assert isinstance(combo, Combo)
        chosen = combo.currentData()
        while combo.count() > 1:
            combo.removeItem(1)
        for text, data in options:
            combo.addItem(text, data)
        if combo.findData(chosen) < 0:
            combo.addItem(f"{chosen} (not here)", chosen)
        combo.setCurrentIndex(combo.findData(chosen))

    def _kind(self, kind: Kind) -> QWidget:
        card = QFrame()
        card.setProperty("role", "card")
        card.setAccessibleName(TITLES.get(kind.name, kind.name))
        layout = QVBoxLayout(card)
        layout.setContentsMargins(*(theme.space(n) for n in (3, 2.5, 3, 2.5)))
        layout.setSpacing(theme.space(1.5))
        head = QHBoxLayout()
        head.addWidget(label(TITLES.get(kind.name, kind.name), "strong"), 1)
        head.addWidget(Badge(f"{len(kind.found)} here" if kind.found else "none", "good" if kind.found else "warning"))
        layout.addLayout(head)
        for name, detail in kind.found:
            line = QHBoxLayout()
            line.setSpacing(theme.space(2))
            line.addWidget(label(name, select=True))
            more = Elided(detail)
            more.setProperty("role", "small")
            line.addWidget(more, 1)
            if kind.name == "cameras":
                line.addWidget(button("Into the deck", "camera", role="ghost", clicked=partial(self._camera, name),
                                      tip="Let this camera feed the selected deck"))
            layout.addLayout(line)
        if kind.reason:
            layout.addWidget(label(kind.reason[:1].upper() + kind.reason[1:], wrap=True, select=True))
        if kind.cure:
            layout.addWidget(label(f"What helps: {kind.cure}", "small", wrap=True, select=True))
        return card

    def _camera(self, name: str) -> None:
        chosen = self.session.selection[0]
        deck = chosen if chosen in self.session.decks else "A"
        self.session.set_input(deck, name)  # type: ignore[attr-defined]
        self.session.notice(f"{name} feeds deck {deck}")
        self.show_page.emit("stage")


def bare(name: str) -> str:
    """A sound device's name without its number."""
    return name.partition(": ")[2] or name


def apply_setting(session: Core, name: str) -> None:
    """Use a setting's new value now, where that can be."""
    value = session.settings[name]
    application = QApplication.instance()
    if name in ("theme", "scale") and isinstance(application, QApplication):
        theme.apply(application, str(session.settings["theme"]), float(session.settings["scale"]))
    elif name == "fps":
        for deck in session.decks.values():
            deck.worker.fps = float(value)
    elif name == "threads":
        for line in session.lines():
            line.worker.threads = int(value) or None
    elif name == "sound_output":
        playback = getattr(session, "playback", None)
        if playback is not None:
            playback.choose_output(str(value))
    elif name == "device":
        _use_device(session, str(value))


def _use_device(session: Core, wanted: str) -> None:
    """Ask torch whether it can use the device, then let lines that start from now on use it."""
    def work() -> None:
        from studio.nn.device import choose

        try:
            device = choose(wanted)
        except ValueError as error:
            session.notice(str(error), level="warning", source="Preferences")
            return

        def use() -> None:
            session.device = device
            for line in session.lines():
                line.worker.device = device
            session.notice(f"networks run on {device}; what plays already does after its restart")

        session.events.call(use)

    spawn("reverie device", work, lambda: None)


def _folder_row(title: str, folder: Path) -> QWidget:
    row = QWidget()
    line = QHBoxLayout(row)
    line.setContentsMargins(0, 0, 0, 0)
    name = label(title)
    name.setFixedWidth(theme.px(150))
    line.addWidget(name)
    where = Elided(str(folder))
    where.setProperty("role", "small")
    line.addWidget(where, 1)
    line.addWidget(tool_button("folder", f"Open: {title}", clicked=partial(_open, folder), size=14))
    return row


def _open(folder: Path) -> None:
    reveal.open_file(next(place for place in (folder, *folder.parents) if place.is_dir()))


