"""Snapshots: the whole studio at one moment, to go back to with a double click."""

from __future__ import annotations

from PySide6.QtCore import QBuffer, QByteArray, QIODevice
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QMenu, QVBoxLayout, QWidget

from studio.session.session import Session
from studio.session.snapshots import Snapshot, rename, retake, set_tags
from studio.ui import theme
from studio.ui.kit import Thumb, ThumbGrid, ask, ask_text, button, mime
from studio.ui.library.rows import add_action
from studio.ui.programme import Programme


def lines_text(snapshot: Snapshot) -> str:
    """What a snapshot holds, in a few words: the generators of its lines."""
    parts = []
    for name, line in snapshot.state.get("lines", {}).items():
        names = [str(slot.get("generator", "")).rpartition(".")[2].replace("_", " ") for slot in line.get("slots", ())]
        if names:
            parts.append(f"{name}: {' → '.join(names)}")
    return ", ".join(parts)


class SnapshotsPanel(QWidget):
    """See the module."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self._programme: Programme | None = None
        self._pictures: dict[str, tuple[bytes, QImage]] = {}
        self.grid = ThumbGrid(name="Snapshots")
        self.grid.set_size(88)
        self.grid.set_editable(True)
        self.grid.set_drag(lambda keys: mime.make(mime.SNAPSHOT, keys[0]) if keys else None)
        self.grid.set_menu(self._menu)
        self.grid.activated.connect(self.recall)
        self.grid.renamed.connect(self._rename)
        self.grid.empty.activated.connect(self._cure)
        self.grid.set_empty("snapshot", "No snapshots yet",
                            "A snapshot keeps decks, players and mix as they are now.", "Take one")
        self.take = button("Take a snapshot", icon="snapshot", tip="Keep decks, players and mix as they are now (F5)",
                           clicked=self.take_snapshot)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.space(1))
        layout.addWidget(self.grid, 1)
        layout.addWidget(self.take)
        self.reload()

    def _cure(self) -> None:
        if not self.session.snapshots:
            self.take_snapshot()

    def reload(self) -> None:
        """Show the snapshots of the session, newest first."""
        items = [self._thumb(snapshot) for snapshot in reversed(self.session.snapshots)]
        if items != self.grid.model.items():
            self.grid.set_items(items)
        self.take.setVisible(bool(items))

    def _thumb(self, snapshot: Snapshot) -> Thumb:
        held = self._pictures.get(snapshot.key)
        if held is None or held[0] is not snapshot.picture:
            image = QImage.fromData(snapshot.picture) if snapshot.picture else QImage()
            held = self._pictures[snapshot.key] = (snapshot.picture, image)
        picture = None if held[1].isNull() else held[1]
        return Thumb(snapshot.key, snapshot.name, lines_text(snapshot), picture, tuple(snapshot.tags), icon="snapshot",
                     tip=f"{lines_text(snapshot)}\nDouble click goes back to it; it can be undone.")

    def _find(self, key: str) -> Snapshot | None:
        return next((snapshot for snapshot in self.session.snapshots if snapshot.key == key), None)

    def picture(self) -> bytes:
        """A small JPEG of the programme as it is now; b'' where nothing is seen."""
        if self._programme is None:
            self._programme = Programme(self.session)
        self._programme.refresh()
        if self._programme.empty:
            return b""
        data = QByteArray()
        buffer = QBuffer(data)
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        self._programme.picture().save(buffer, "JPEG", 85)  # type: ignore[call-overload]
        return bytes(data.data())

    def take_snapshot(self) -> None:
        """Keep everything as it is now."""
        made = self.session.take_snapshot(picture=self.picture())
        self.reload()
        self.grid.select(made.key)

    def recall(self, key: str) -> None:
        """Go back to a snapshot."""
        found = self._find(key)
        if found is not None:
            self.session.recall(found)

    def fade_to(self, snapshot: Snapshot) -> None:
        """Go to a snapshot in the time of the fades."""
        span = self.session.mix.span
        self.session.recall(snapshot, start=span.start, **{span.unit: span.length})

    def _rename(self, key: str, name: str) -> None:
        found = self._find(key)
        if found is not None:
            rename(self.session, found, name)

    def _menu(self, keys: list[str], menu: QMenu) -> None:
        found = self._find(keys[0]) if keys else None
        if found is None:
            add_action(menu, "snapshot", "Take a snapshot", self.take_snapshot)
            return
        add_action(menu, "history", "Go back to it", lambda: self.recall(found.key))
        span = self.session.mix.span
        add_action(menu, "timer", f"Fade to it: {span.text()}", lambda: self.fade_to(found))
        add_action(menu, "rows", "Add to the set list", lambda: self.session.setlist.add(found))
        add_action(menu, "refresh", "Take it again", lambda: retake(self.session, found, self.picture()))
        menu.addSeparator()
        add_action(menu, "rename", "Rename", lambda: self.grid.edit(found.key))
        add_action(menu, "tag", "Tags …", lambda: self.ask_tags(found))
        menu.addSeparator()
        add_action(menu, "trash", "Delete", lambda: self.ask_delete(found))

    def ask_tags(self, snapshot: Snapshot) -> None:
        """Ask for the tags of a snapshot."""
        ask_text(self, f"Tags of {snapshot.name}", "verse, calm, finale", ", ".join(snapshot.tags),
                 lambda text: set_tags(self.session, snapshot, text.split(",")),
                 text="Words to find it by, with commas between them.", button_text="Save")

    def ask_delete(self, snapshot: Snapshot) -> None:
        """Delete a snapshot, after asking."""
        ask(self, f"Delete the snapshot {snapshot.name}?", "It cannot be brought back.", ["Cancel", "Delete"],
            lambda answer: self.session.remove_snapshot(snapshot) if answer == "Delete" else None,
            danger="Delete", icon="trash")
