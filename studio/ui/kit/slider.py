"""A slider for a value in 0..1: filled track, fine drag, keys, wheel, a second mark for the modulated value."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QEnterEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractSlider, QSizePolicy, QWidget

from studio.ui import theme

_STEPS = 10_000  # what assistive technology counts in
_FINE = 0.1
_BURST_MS = 500


class Slider(QAbstractSlider):
    """A horizontal slider over 0..1.

    Press on the track to go there, drag, hold Shift for a tenth of the speed. Arrow keys and the wheel (when it has the
    focus) go one step, Page up and down ten, Home and End to the ends. Double click or Delete asks for the default
    (``reset``), Ctrl+click, Enter or F2 for typing (``edit_requested``). ``pressed`` and ``released`` enclose one
    gesture: a drag, or a burst of keys or wheel turns.
    """

    moved = Signal(float)
    pressed = Signal()
    released = Signal()
    reset = Signal()
    edit_requested = Signal()

    def __init__(
        self, parent: QWidget | None = None, *, norm: float = 0.0, origin: float = 0.0, step: float = 0.01
    ) -> None:
        super().__init__(parent)
        self._norm = 0.0
        self._origin = origin
        self._step = step
        self._ghost: float | None = None
        self._accent: str | QColor = "accent"
        self._drag_x: float | None = None
        self._drag_norm = 0.0
        self._hover = False
        self._own_change = False
        self._burst = QTimer(self, singleShot=True, interval=_BURST_MS)
        self._burst.timeout.connect(self.released)
        self.setOrientation(Qt.Orientation.Horizontal)
        self.setRange(0, _STEPS)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Value")
        self.valueChanged.connect(self._from_outside)
        self.set_norm(norm)

    # ---- values

    def norm(self) -> float:
        """The position, 0..1."""
        return self._norm

    def set_norm(self, norm: float) -> None:
        """Move it without a signal; clamped to 0..1. A drag in progress goes on from where the hand is."""
        self._norm = min(1.0, max(0.0, norm))
        self._own_change = True
        self.setValue(round(self._norm * _STEPS))
        self._own_change = False
        self.update()

    def set_ghost(self, norm: float | None) -> None:
        """A thin second mark: what modulation makes of the value just now; None takes it away."""
        ghost = None if norm is None else min(1.0, max(0.0, norm))
        if ghost != self._ghost:
            self._ghost = ghost
            self.update()

    def ghost(self) -> float | None:
        """The second mark."""
        return self._ghost

    def set_origin(self, origin: float) -> None:
        """Where the filled part begins, 0..1: the middle for a range around zero."""
        self._origin = min(1.0, max(0.0, origin))
        self.update()

    def set_step(self, step: float) -> None:
        """How far an arrow key goes, in 0..1; one over the count for whole numbers."""
        self._step = step

    def set_accent(self, accent: str | QColor) -> None:
        """The colour of the filled part: a role or a colour."""
        self._accent = accent
        self.update()

    def is_down(self) -> bool:
        """Whether a hand is on it."""
        return self._drag_x is not None or self._burst.isActive()

    def _user(self, norm: float) -> None:
        norm = min(1.0, max(0.0, norm))
        if norm != self._norm:
            self.set_norm(norm)
            self.moved.emit(norm)

    def _from_outside(self, value: int) -> None:
        if not self._own_change:
            self._start_burst()
            self._norm = value / _STEPS
            self.update()
            self.moved.emit(self._norm)

    def _start_burst(self) -> None:
        if not self._burst.isActive():
            self.pressed.emit()
        self._burst.start()

    # ---- geometry and painting

    def sizeHint(self) -> QSize:
        return QSize(theme.px(140), theme.px(22))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.px(48), theme.px(22))

    def _track(self) -> QRectF:
        inset, height = theme.px(6), theme.px(4)
        return QRectF(inset, (self.height() - height) / 2, max(1, self.width() - 2 * inset), height)

    def _at(self, x: float) -> float:
        track = self._track()
        return (x - track.left()) / track.width()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        track = self._track()
        enabled = self.isEnabled()
        accent = theme.color(self._accent) if isinstance(self._accent, str) else QColor(self._accent)
        if not enabled:
            accent = theme.color("edge")
        x = track.left() + self._norm * track.width()
        origin = track.left() + self._origin * track.width()
        radius = track.height() / 2
        painter.setBrush(theme.color("edge" if self._hover and enabled else "line"))
        painter.drawRoundedRect(track, radius, radius)
        painter.setBrush(accent)
        filled = QRectF(min(x, origin), track.top(), abs(x - origin), track.height())
        painter.drawRoundedRect(filled, radius, radius)
        if self._origin > 0.0:
            painter.setBrush(theme.color("faint"))
            painter.drawRect(QRectF(origin - 0.5, track.top() - theme.px(3), 1, track.height() + 2 * theme.px(3)))
        if self._ghost is not None:
            painter.setBrush(theme.color("warning"))
            ghost = track.left() + self._ghost * track.width()
            mark = QRectF(ghost - theme.px(1), track.center().y() - theme.px(8), theme.px(2), theme.px(16))
            painter.drawRoundedRect(mark, 1, 1)
        self._paint_handle(painter, x, track.center().y(), accent)

    def _paint_handle(self, painter: QPainter, x: float, y: float, accent: QColor) -> None:
        radius = theme.px(6 if not self.is_down() else 5)
        if self.hasFocus():
            ring = QColor(theme.color("accent"))
            painter.setBrush(theme.color("panel"))
            painter.drawEllipse(QRectF(x - radius, y - radius, 2 * radius, 2 * radius).adjusted(-2, -2, 2, 2))
            painter.setBrush(ring)
            painter.drawEllipse(QRectF(x - radius, y - radius, 2 * radius, 2 * radius).adjusted(-1, -1, 1, 1))
        painter.setBrush(theme.color("text") if self.isEnabled() else theme.color("disabled"))
        inner = radius - theme.px(1)
        painter.drawEllipse(QRectF(x - inner, y - inner, 2 * inner, 2 * inner))
        if self.is_down():
            painter.setBrush(accent)
            dot = inner - theme.px(2)
            painter.drawEllipse(QRectF(x - dot, y - dot, 2 * dot, 2 * dot))

    # ---- hands

    def enterEvent(self, event: QEnterEvent) -> None:
        self._hover = True
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._hover = False
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.edit_requested.emit()
            return
        self._end_burst()
        self._drag_x = event.position().x()
        self._drag_norm = self._norm
        self.pressed.emit()
        if not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._drag_norm = self._at(self._drag_x)
            self._user(self._drag_norm)
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._drag_x is None:
            return
        fine = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        x = event.position().x()
        self._drag_norm += (x - self._drag_x) / self._track().width() * (_FINE if fine else 1.0)
        self._drag_x = x
        self._user(self._drag_norm)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._drag_x is not None:
            self._drag_x = None
            self.released.emit()
            self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.reset.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        # turning the wheel over a long list must scroll it, not change what it passes
        if not self.hasFocus():
            event.ignore()
            return
        turns = (event.angleDelta().y() or event.angleDelta().x()) / 120
        self._nudge(turns * self._step, event.modifiers())
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        steps = {
            Qt.Key.Key_Right: 1, Qt.Key.Key_Up: 1, Qt.Key.Key_Left: -1, Qt.Key.Key_Down: -1,
            Qt.Key.Key_PageUp: 10, Qt.Key.Key_PageDown: -10,
        }
        if key in steps:
            self._nudge(steps[Qt.Key(key)] * self._step, event.modifiers())
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self._start_burst()
            self._user(0.0 if key == Qt.Key.Key_Home else 1.0)
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.reset.emit()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_F2):
            self.edit_requested.emit()
        else:
            event.ignore()

    def _nudge(self, amount: float, modifiers: Qt.KeyboardModifier) -> None:
        fine = modifiers & Qt.KeyboardModifier.ShiftModifier
        self._start_burst()
        self._user(self._norm + amount * (_FINE if fine else 1.0))

    def _end_burst(self) -> None:
        if self._burst.isActive():
            self._burst.stop()
            self.released.emit()
