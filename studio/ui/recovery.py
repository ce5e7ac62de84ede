"""After a crash: what studios that died left behind, to restore, to keep for later, or to discard."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QDialog, QFrame, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from studio import safe_json
from studio.files import FileError
from studio.session import recovery
from studio.session.recovery import Recoverable
from studio.session.session import Session
from studio.ui import icons, theme
from studio.ui.background import background
from studio.ui.kit import button
from studio.ui.kit.painting import covering, rounded


def alive(owner: QObject) -> bool:
    """Whether a Qt object is still there when news of slow work arrives."""
    import shiboken6

    return shiboken6.isValid(owner)


@dataclass
class Glimpse:
    """What is known of a state that was left behind: its name, its generators by line, a small picture."""

    name: str = ""
    lines: list[str] = field(default_factory=list)
    picture: bytes = b""
    fault: str = ""


def glimpse(item: Recoverable, titles: dict[str, str]) -> Glimpse:
    """Read a state; on the background thread. ``titles`` are the generators' names by id."""
    try:
        tree = safe_json.load_object(item.path)
    except FileError as error:
        return Glimpse(fault=str(error))
    found = Glimpse(Path(str(tree.get("recovered_from") or "")).stem or "Untitled")
    for kind, word in (("decks", "Deck"), ("players", "Player")):
        lines = tree.get(kind)
        for line in lines if isinstance(lines, list) else []:
            stages = line.get("stages") if isinstance(line, dict) else None
            names = [str(stage.get("generator", "")) for stage in stages or [] if isinstance(stage, dict)]
            if names:
                chain = " → ".join(titles.get(name, name) for name in names)
                found.lines.append(f"{word} {line.get('name', '')}: {chain}")
            if not found.picture and stages:
                found.picture = _preset_picture(stages)
    from studio.session.snapshots import read_snapshots

    snapshots = read_snapshots(tree.get("snapshots"), [])
    if snapshots and snapshots[-1].picture:
        found.picture = snapshots[-1].picture
    return found


def _preset_picture(stages: list[Any]) -> bytes:
    """The small picture of the preset that the last generator stood on."""
    from studio.library.presets import find_preset
    from studio.session.thumbnails import key_of, read_thumb

    for stage in reversed(stages):
        name = stage.get("preset") if isinstance(stage, dict) else None
        if isinstance(name, str) and name:
            try:
                return read_thumb(key_of(find_preset(str(stage.get("generator")), name)))
            except FileError:
                continue
    return b""


def when_text(when: float, now: float | None = None) -> str:
    """``4 minutes ago, at 13:41``; for people."""
    now = time.time() if now is None else now
    ago = max(0, int(now - when))
    clock = time.strftime("%H:%M", time.localtime(when))
    if ago < 90:
        return f"a moment ago, at {clock}"
    if ago < 5400:
        return f"{round(ago / 60)} minutes ago, at {clock}"
    if time.localtime(when)[:3] == time.localtime(now)[:3]:
        return f"today at {clock}"
    return time.strftime("%d %B %Y at %H:%M", time.localtime(when)).lstrip("0")


class _Picture(QWidget):
    """A small picture with round corners, or the studio's mark."""

    def __init__(self) -> None:
        super().__init__()
        self._image: QImage | None = None
        self.setFixedSize(theme.px(128), theme.px(96))

    def show_jpeg(self, data: bytes) -> None:
        image = QImage.fromData(data)
        self._image = None if image.isNull() else image
        self.update()

    def has_picture(self) -> bool:
        """Whether there is one."""
        return self._image is not None

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        area = QRectF(self.rect())
        painter.setClipPath(rounded(area, theme.px(6)))
        painter.fillRect(area, theme.color("picture_bg"))
        if self._image is not None:
            painter.drawImage(area, self._image, covering(self._image.size(), area))
        else:
            side = theme.px(30)
            place = QRectF(area.center().x() - side / 2, area.center().y() - side / 2, side, side)
            icons.paint(painter, "session", place, theme.color("faint"))


class RecoveryRow(QFrame):
    """One state that was left behind."""

    def __init__(self, dialog: RecoveryDialog, item: Recoverable) -> None:
        super().__init__()
        self.item = item
        theme.set_role(self, "card")
        self.picture = _Picture()
        self.name = QLabel("…")
        self.name.setFont(theme.font("strong"))
        self.when = QLabel(when_text(item.when))
        theme.set_role(self.when, "small")
        self.what = QLabel("", wordWrap=True)
        theme.set_role(self.what, "dim")
        self.discard = button("Discard", role="ghost", icon="trash", tip="Remove this state for good",
                              clicked=lambda: dialog.discard(self))
        self.restore = button("Restore", role="primary", tip="Go on where it ended",
                              clicked=lambda: dialog.restore(self))
        words = QVBoxLayout()
        words.setSpacing(theme.space(1))
        words.addWidget(self.name)
        words.addWidget(self.when)
        words.addWidget(self.what, 1, Qt.AlignmentFlag.AlignTop)
        row = QHBoxLayout()
        row.setSpacing(theme.space(2))
        row.addStretch(1)
        row.addWidget(self.discard)
        row.addWidget(self.restore)
        words.addLayout(row)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(theme.space(3), theme.space(3), theme.space(3), theme.space(3))
        layout.setSpacing(theme.space(4))
        layout.addWidget(self.picture, alignment=Qt.AlignmentFlag.AlignTop)
        layout.addLayout(words, 1)

    def show_glimpse(self, found: Glimpse) -> None:
        """What was read of it."""
        self.name.setText(found.name or "A damaged state")
        self.what.setText(found.fault or "\n".join(found.lines) or "An empty session")
        self.setAccessibleName(f"{self.name.text()}, {self.when.text()}")
        self.restore.setEnabled(not found.fault)
        if found.picture:
            self.picture.show_jpeg(found.picture)


class RecoveryDialog(QDialog):
    """Restore, later, or discard."""

    restored = Signal()

    def __init__(self, session: Session, left: list[Recoverable], parent: QWidget) -> None:
        super().__init__(parent)
        self.session = session
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Recovery")
        self.setMinimumWidth(theme.px(560))
        title = QLabel("The studio did not end as it should")
        theme.set_role(title, "title")
        text = QLabel("This is how it was before. Your files are untouched; a restored session is unsaved until you "
                      "save it.", wordWrap=True)
        theme.set_role(text, "dim")
        self.rows = [RecoveryRow(self, item) for item in left]
        page = QWidget()
        page.setProperty("role", "page")
        self.list = QVBoxLayout(page)
        self.list.setContentsMargins(0, 0, 0, 0)
        self.list.setSpacing(theme.space(2))
        for row in self.rows:
            self.list.addWidget(row)
        self.list.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidget(page)
        area.setMinimumHeight(min(3, len(left)) * theme.px(152))
        self.later = button("Later", tip="Keep it; it is offered again at the next start", clicked=self.reject)
        foot = QHBoxLayout()
        foot.addStretch(1)
        foot.addWidget(self.later)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.space(5), theme.space(5), theme.space(5), theme.space(4))
        column.setSpacing(theme.space(3))
        for part in (title, text, area):
            column.addWidget(part)
        column.addLayout(foot)
        self.rows[0].restore.setFocus()
        titles = {plugin.id: plugin.title for plugin in session.registry if plugin.id}
        for row in self.rows:
            background(session, lambda row=row: glimpse(row.item, titles), row.show_glimpse, owner=row)  # type: ignore[misc]

    def sizeHint(self) -> QSize:
        return QSize(theme.px(600), super().sizeHint().height())

    def restore(self, row: RecoveryRow) -> None:
        """Bring a state back and close."""
        def done(_: list[str]) -> None:
            self.session.notice(f"Everything is back as it was {when_text(row.item.when)}", cure="save it to keep it")
            if alive(self):
                self.restored.emit()
                self.accept()

        def failed(error: FileError) -> None:
            if alive(self):
                for other in self.rows:
                    other.restore.setEnabled(True)
                row.restore.setText("Restore")
                row.show_glimpse(Glimpse(fault=str(error)))

        for other in self.rows:
            other.restore.setEnabled(False)
        row.restore.setText("Restoring…")
        self.session.recover_later(row.item, done, failed)

    def discard(self, row: RecoveryRow) -> None:
        """Remove a state, after one more click: it cannot be undone."""
        if row.discard.text() == "Discard":
            row.discard.setText("Really discard")
            theme.set_role(row.discard, "danger")
            return
        recovery.discard(row.item)
        self.rows.remove(row)
        self.list.removeWidget(row)
        row.deleteLater()
        if not self.rows:
            self.accept()
