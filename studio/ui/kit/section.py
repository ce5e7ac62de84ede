"""A part of a panel that folds away and remembers that it did."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from studio.ui import icons, theme
from studio.ui.kit.painting import focus_ring

_open: dict[str, bool] = {}


def section_states() -> dict[str, bool]:
    """Which sections stand open, by key: what a layout file keeps."""
    return dict(_open)


def restore_section_states(states: dict[str, bool]) -> None:
    """Take over what ``section_states`` gave; holds for sections made from now on."""
    _open.update({str(key): bool(value) for key, value in states.items()})


class _Header(QFrame):
    clicked = Signal()
    step = Signal(bool)

    def __init__(self, title: str) -> None:
        super().__init__()
        self.is_open = True
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.label = QLabel(title)
        self.label.setFont(theme.font("strong"))
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(theme.space(6), theme.space(1), theme.space(1), theme.space(1))
        self.row.setSpacing(theme.space(1))
        self.row.addWidget(self.label, 1)
        self.setMinimumHeight(theme.px(30))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        side = theme.px(12)
        rect = self.rect().toRectF()
        icon = rect.adjusted(theme.space(1.5), 0, 0, 0)
        icon.setWidth(side)
        hover = self.underMouse()
        icons.paint(painter, "chevron-down" if self.is_open else "chevron-right", icon,
                    theme.color("text" if hover else "dim"))
        if self.hasFocus():
            focus_ring(painter, rect.adjusted(1, 1, -1, -1), theme.px(5))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.clicked.emit()
        elif event.key() in (Qt.Key.Key_Right, Qt.Key.Key_Left):
            self.step.emit(event.key() == Qt.Key.Key_Right)
        else:
            super().keyPressEvent(event)


class Section(QWidget):
    """A header with a triangle over a body. With a ``key`` it opens as it was left."""

    toggled = Signal(bool)

    def __init__(self, title: str, key: str = "", *, is_open: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._key = key
        self._header = _Header(title)
        self._header.clicked.connect(lambda: self.set_open(not self.is_open()))
        self._header.step.connect(self.set_open)
        self.body = QWidget()
        self.body_layout = QVBoxLayout(self.body)
        self.body_layout.setContentsMargins(theme.space(2), 0, theme.space(2), theme.space(3))
        self.body_layout.setSpacing(theme.space(1))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._header)
        layout.addWidget(self.body)
        self._header.setAccessibleName(title)
        self._header.setToolTip("Click, or Space, to open and fold")
        self._apply(_open.get(key, is_open))

    def add(self, widget: QWidget) -> None:
        """Put a widget at the end of the body."""
        self.body_layout.addWidget(widget)

    def add_to_header(self, widget: QWidget) -> None:
        """Put a small widget, such as a reset button, at the right of the header."""
        self._header.row.addWidget(widget)

    def title(self) -> str:
        """The header's text."""
        return self._header.label.text()

    def set_title(self, title: str) -> None:
        """Change the header's text."""
        self._header.label.setText(title)
        self._header.setAccessibleName(title)

    def is_open(self) -> bool:
        """Whether the body is shown."""
        return self._header.is_open

    def set_open(self, on: bool) -> None:
        """Show or fold the body."""
        if on == self.is_open():
            return
        self._apply(on)
        if self._key:
            _open[self._key] = on
        self.toggled.emit(on)

    def _apply(self, on: bool) -> None:
        self._header.is_open = on
        self.body.setVisible(on)
        self._header.setAccessibleDescription("open" if on else "folded")
        self._header.update()
