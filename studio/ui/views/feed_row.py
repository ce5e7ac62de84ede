"""What feeds a deck: the sample scene, a camera, a file; and how that goes."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from studio.session.feed import SCENE
from studio.session.line import Line
from studio.session.session import Session
from studio.ui import theme
from studio.ui.background import background
from studio.ui.kit.buttons import tool_button
from studio.ui.kit.dialogs import pick_file

PICTURES_AND_VIDEO = (
    ("Pictures and video", (
        "*.png", "*.jpg", "*.jpeg", "*.webp", "*.gif", "*.bmp", "*.tif", "*.tiff", "*.mp4", "*.m4v", "*.mov", "*.mkv",
        "*.webm", "*.avi", "*.mpg", "*.mpeg", "*.ogv", "*.ts")),
    ("All files", ("*",)),
)
"""What can be chosen as input in a file dialog."""


class Elided(QLabel):
    """One line of text that is cut with dots where there is no room, and whole in its tooltip."""

    def __init__(self, text: str = "", parent: QWidget | None = None, *, mode: Qt.TextElideMode | None = None) -> None:
        super().__init__(parent)
        self._full = ""
        self._mode = mode or Qt.TextElideMode.ElideRight
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.set_full(text)

    def set_full(self, text: str) -> None:
        """The whole text."""
        if text != self._full:
            self._full = text
            self.setToolTip(text)
            self.setAccessibleName(text)
            self._cut()

    def full(self) -> str:
        """The text as it was set."""
        return self._full

    def minimumSizeHint(self) -> QSize:
        return QSize(0, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._cut()

    def _cut(self) -> None:
        self.setText(self.fontMetrics().elidedText(self._full, self._mode, max(0, self.width())))


class FeedRow(QWidget):
    """The input of a deck. Call ``refresh`` from a timer; it costs nothing while nothing changes.

    ``chosen`` is emitted when the user has chosen another input; its first picture comes later.
    """

    chosen = Signal()

    def __init__(self, session: Session, line: Line, index: int = 0, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._line, self._index = session, line, index
        self._cameras: dict[str, str] = {}
        self._shown: tuple[object, ...] = ()
        self.setAccessibleName("Input")
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.space(1))
        self._label = QLabel("Input")
        self._label.setProperty("role", "dim")
        row.addWidget(self._label)
        self.scene = self._choice("Scene", "waves", "The studio's own moving scene", lambda: self.choose(SCENE))
        self.file = self._choice("File…", "film", "A video or a picture; or drop one on the picture", self._browse)
        self.camera = self._choice("Camera", "camera", "Looking for cameras…", lambda: self.choose("camera:0"))
        self.camera.setEnabled(False)
        self._row = row
        for made in (self.scene, self.camera, self.file):
            row.addWidget(made)
        self.again = tool_button("refresh", "Look for cameras again", size=14, clicked=self.look)
        self.again.setAutoRaise(True)
        row.addWidget(self.again)
        self.state = Elided()
        self.state.setProperty("role", "dim")
        row.addSpacing(theme.space(1))
        row.addWidget(self.state, 1)
        self._more: list[QToolButton] = []
        self.look()
        self.refresh()

    def _choice(self, text: str, icon: str, tip: str, clicked: object) -> QToolButton:
        made = tool_button(icon, f"Input: {text}", tip=tip, checkable=True, text=text, size=15)
        made.clicked.connect(clicked)
        self._group.addButton(made)
        return made

    # ---- cameras

    def look(self) -> None:
        """Ask in the background which cameras there are."""
        def work() -> tuple[list[tuple[str, str]], str]:
            from studio.devices.listing import cameras

            kind = cameras()
            return kind.found, ". ".join(part for part in (kind.reason, kind.cure) if part)

        background(self._session, work, lambda found: self._found(*found), owner=self)

    def _found(self, cameras: list[tuple[str, str]], why: str) -> None:
        for extra in self._more:
            self._group.removeButton(extra)
            extra.deleteLater()
        self._more = []
        self._cameras = dict(cameras)
        self.camera.setEnabled(bool(cameras))
        self.camera.setText("Camera")
        none = f"No camera: {why}. Press File…, or drop a video on the picture"
        self.camera.setToolTip(f"{cameras[0][0]}: {cameras[0][1]}" if cameras else none)
        self.camera.setAccessibleDescription(self.camera.toolTip())
        for number, (spec, about) in enumerate(cameras[1:], 1):
            made = self._choice(spec.removeprefix("camera:"), "camera", f"{spec}: {about}",
                                lambda _=0, spec=spec: self.choose(spec))
            self._row.insertWidget(self._row.indexOf(self.camera) + number, made)
            self._more.append(made)
        self._shown = ()
        self.refresh()

    # ---- room

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Icons alone where the words have no room: a word cut to "S…e" tells nobody anything."""
        parts = (self.scene, self.camera, self.file, *self._more)
        for part in parts:
            part.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            part.setMinimumWidth(0)
        shown = [part for part in (self._label, *parts, self.again) if not part.isHidden()]
        needed = sum(part.sizeHint().width() for part in shown) + self._row.spacing() * (len(shown) + 2)
        if needed > self.width():
            for part in parts:
                part.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        for part in parts:
            part.setMinimumWidth(part.sizeHint().width())

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.px(160), super().minimumSizeHint().height())

    # ---- choosing

    def choose(self, spec: str) -> None:
        """Let the deck be fed from ``spec``."""
        if spec == "camera:0" and self._cameras:
            spec = next(iter(self._cameras))
        if spec != (self._line.input or SCENE):
            self._session.set_input(self._line.name, spec)
            self.chosen.emit()
        self._shown = ()
        self.refresh()

    def _browse(self) -> None:
        dialog = pick_file(self, "A video or a picture as input", lambda path: self.choose(str(path)),
                           kinds=PICTURES_AND_VIDEO)
        dialog.finished.connect(self._browsed)

    def _browsed(self) -> None:
        self._shown = ()  # the button that opened it looks as if it were chosen
        self.refresh()

    # ---- what is seen

    def refresh(self) -> None:
        """Show the input as it is now."""
        feed = self._line.feed
        before = self._line.slots[self._index - 1].title if 0 < self._index <= len(self._line.slots) else ""
        now = (self._line.input, feed.state if feed else "", feed.reason if feed else "", before)
        if now == self._shown:
            return
        self._shown = now
        spec = self._line.input or SCENE
        for part in (self.scene, self.camera, self.file, self.again, *self._more):
            part.setVisible(not before)
        is_camera = spec.startswith("camera:")
        wanted = self.scene if spec == SCENE else self.camera if is_camera else self.file
        for part, name in zip(self._more, list(self._cameras)[1:], strict=False):
            if name == spec:
                wanted = part
        wanted.setChecked(True)
        text, role = self._sentence(spec, before)
        theme.set_role(self.state, role)
        self.state.set_full(text)
        self._fit()

    def trouble(self) -> str:
        """Why something else than what was chosen comes in, and what; '' where all is well."""
        feed = self._line.feed
        if feed is None or feed.state != "substitute":
            return ""
        return f"{feed.reason}: the sample scene takes its place"

    def _sentence(self, spec: str, before: str) -> tuple[str, str]:
        feed = self._line.feed
        if before:
            return f"the picture of {before}, which stands before it", "dim"
        if self.trouble():
            return self.trouble(), "warning"
        if feed is not None and feed.state == "opening":
            return "opening…", "dim"
        if spec == SCENE:
            return "", "dim"
        return (self._cameras.get(spec, spec) if spec.startswith("camera:") else Path(spec).name), "dim"
