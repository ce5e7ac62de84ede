"""The generators and effects that there are, by what they make."""

from __future__ import annotations

import functools

from PySide6.QtWidgets import QMenu, QVBoxLayout, QWidget

from studio.plugins import Plugin
from studio.session.session import Session
from studio.ui import theme
from studio.ui.kit import mime
from studio.ui.library.placing import put
from studio.ui.library.rows import Row, RowList, add_action

GROUPS = (
    ("Pictures", "image", False), ("Effects on pictures", "image", True), ("Notes", "notes", False),
    ("Text", "text", False), ("Sound", "audio", False),
)
ICONS = {
    "latent_explorer": "latent", "deep_dream": "dream", "style_camera": "style", "style_painting": "brush",
    "sample_scene": "day", "midi_sequencer": "piano", "text_sequencer": "text", "gan_lesson": "target",
    "digit_lesson": "grid", "draw_writer": "edit", "edges_to_picture": "wand",
}
KIND_ICONS = {"image": "generator", "notes": "notes", "text": "text", "audio": "sound"}
STATES = {"found": "not enabled", "failed": "failed"}


def icon_of(plugin: Plugin) -> str:
    """The icon of a generator: its own where we have one, else that of its kind."""
    if plugin.name in ICONS:
        return ICONS[plugin.name]
    if plugin.manifest is not None and plugin.manifest.takes is not None:
        return "effect"
    return KIND_ICONS.get(plugin.manifest.makes if plugin.manifest else "", "puzzle")


def rows_of(session: Session) -> list[Row]:
    """All plugins as rows under headings; those that cannot be used last in theirs, with the reason."""
    rows: list[Row] = []
    left = list(session.registry)
    for title, makes, effect in GROUPS:
        members = [
            plugin for plugin in left if plugin.manifest is not None and plugin.manifest.makes == makes
            and (plugin.manifest.takes is not None) == effect
        ]
        if members:
            rows.append(Row(f"heading {title}", title, kind=makes, heading=True))
            members.sort(key=lambda plugin: plugin.state in STATES)
            rows += [_row(plugin, makes) for plugin in members]
    broken = [plugin for plugin in left if plugin.manifest is None]
    if broken:
        rows.append(Row("heading broken", "Cannot be read", heading=True))
        rows += [_row(plugin, "") for plugin in broken]
    return rows


def _row(plugin: Plugin, makes: str) -> Row:
    about = plugin.manifest.about if plugin.manifest is not None else ""
    reason = ""
    if plugin.state in STATES:
        reason = plugin.reason or STATES[plugin.state]
        cure = "Enable it on the plugins page." if plugin.state == "found" else "Reload it on the plugins page."
    else:
        cure = "Double click or Enter opens it; drag it to a deck."
    return Row(
        plugin.id or f"broken {plugin.name}", plugin.title, about, makes, icon_of(plugin), reason=reason, tip=cure,
        badge="" if plugin.origin == "built-in" else "own", words=plugin.id,
    )


class GeneratorsPanel(QWidget):
    """See the module."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.list = RowList("Generators")
        self.list.activated.connect(self.open)
        self.list.set_drag(lambda key: mime.make(mime.GENERATOR, key))
        self.list.set_menu(self._menu)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.space(1))
        layout.addWidget(self.list)
        self.reload()

    def reload(self) -> None:
        """Look at the registry again."""
        self.list.set_rows(rows_of(self.session))

    def _plugin(self, key: str) -> Plugin | None:
        return next((plugin for plugin in self.session.registry if plugin.id == key and key), None)

    def open(self, key: str, line: str = "") -> None:
        """Open a generator in a line that fits."""
        plugin = self._plugin(key)
        row = self.list.row(key)
        if plugin is None:
            self.session.notice(f"{row.title if row else key} cannot be used: {row.reason if row else ''}",
                                level="error", cure="see the plugins page")
            return
        put(self.session, plugin, line)

    def _menu(self, key: str, menu: QMenu) -> None:
        plugin = self._plugin(key)
        usable = plugin is not None and plugin.state not in STATES
        add_action(menu, "play", "Open", lambda: self.open(key), usable)
        if plugin is not None and plugin.manifest is not None and plugin.manifest.makes == "image":
            for name, deck in self.session.decks.items():
                add_action(menu, f"deck-{name.lower()}", f"Open in {deck.title}",
                           functools.partial(self.open, key, name), usable)
