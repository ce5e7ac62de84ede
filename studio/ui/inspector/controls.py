"""Small painted controls of the rows: segments, a switch, a pad. They show what they are told, and ask."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from studio.ui import theme
from studio.ui.inspector.measure import font, metrics

_ARROWS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Down: (0, -1)}


def keep_keys(event: QEvent, keys: tuple[Qt.Key, ...]) -> bool:
    """Whether the event asks if a key is the control's own rather than a shortcut of the window; then it is taken."""
    if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
        return False
    strong = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
    if event.modifiers() & strong or event.key() not in keys:
        return False
    event.accept()
    return True


class Segments(QWidget):
    """A few short names in a row, one of them chosen; they go on in a second line where the width calls for it."""

    chosen = Signal(str)
    leave = Signal(int)
    reset_wanted = Signal()

    def __init__(self, names: tuple[str, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.names, self.current = names, names[0]
        self.accent = QColor(theme.color("accent"))
        self._pressed, self._under = "", ""
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def set_current(self, name: str) -> None:
        if name != self.current:
            self.current = name
            self.update()

    def boxes(self, width: int) -> dict[str, QRect]:
        """Where each name stands for a width: lines are filled to the brim, wider names get more room."""
        measure = metrics("small")
        pad, high = theme.space(4), theme.space(6)
        natural = {name: measure.horizontalAdvance(name or "—") + pad for name in self.names}
        lines: list[list[str]] = [[]]
        for name in self.names:
            if lines[-1] and sum(natural[n] for n in lines[-1]) + natural[name] > width:
                lines.append([])
            lines[-1].append(name)
        found: dict[str, QRect] = {}
        for row, line in enumerate(lines):
            spare = max(0, width - sum(natural[name] for name in line)) / len(line)
            x = 0.0
            for name in line:
                wide = natural[name] + spare
                found[name] = QRect(round(x), row * high, round(x + wide) - round(x), high)
                x += wide
        return found

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return max(box.bottom() for box in self.boxes(width).values()) + 1

    def sizeHint(self) -> QSize:
        measure = metrics("small")
        wide = sum(measure.horizontalAdvance(name or "—") + theme.space(4) for name in self.names)
        return QSize(wide, theme.space(6))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def _at(self, event: QMouseEvent) -> str:
        spot = event.position().toPoint()
        return next((name for name, box in self.boxes(self.width()).items() if box.contains(spot)), "")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        name = self._at(event)
        if name in self.names:
            self.chosen.emit(name)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._under = self._at(event)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._under = ""
        self.update()
        super().leaveEvent(event)

    def event(self, event: QEvent) -> bool:
        keys = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_End)
        return keep_keys(event, (*keys, Qt.Key.Key_Delete)) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, place = event.key(), self.names.index(self.current)
        if key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            target = place + (1 if key == Qt.Key.Key_Right else -1)
            if 0 <= target < len(self.names):
                self.chosen.emit(self.names[target])
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self.chosen.emit(self.names[0 if key == Qt.Key.Key_Home else -1])
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.leave.emit(-1 if key == Qt.Key.Key_Up else 1)
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.reset_wanted.emit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        radius = theme.px(4)
        painter.setPen(QPen(theme.color("accent" if self.hasFocus() else "line"), 1))
        painter.setBrush(theme.color("field"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)
        painter.setFont(font("small"))
        for name, box in self.boxes(self.width()).items():
            inner = QRectF(box).adjusted(2, 2, -2, -2)
            ground = None
            if name == self.current:
                ground = self.accent if self.isEnabled() else theme.color("line")
            elif name == self._under:
                ground = theme.color("hover")
            if ground is not None:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(ground)
                painter.drawRoundedRect(inner, radius - 1, radius - 1)
            ink = theme.on_color(self.accent) if name == self.current else theme.color("text")
            painter.setPen(ink if self.isEnabled() else theme.color("disabled"))
            painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), name or "—")


class Switch(QAbstractButton):
    """On or off. It does not switch itself: ``asked`` says what is wanted."""

    asked = Signal(bool)
    leave = Signal(int)
    reset_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.accent = QColor(theme.color("accent"))
        self.clicked.connect(self._ask)

    def _ask(self, on: bool) -> None:
        self.asked.emit(on)

    def sizeHint(self) -> QSize:
        return QSize(theme.px(34), theme.space(6))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def event(self, event: QEvent) -> bool:
        keys = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Delete, Qt.Key.Key_Space)
        return keep_keys(event, keys) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            if self.isChecked() != (key == Qt.Key.Key_Right):
                self.click()
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.leave.emit(-1 if key == Qt.Key.Key_Up else 1)
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.reset_wanted.emit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        high, wide = theme.px(18), theme.px(32)
        track = QRectF(self.width() - wide - 1, (self.height() - high) / 2, wide, high)
        on, enabled = self.isChecked(), self.isEnabled()
        edge = theme.color("text" if self.hasFocus() else "dim" if self.underMouse() else "edge")
        ground = theme.color("field")
        if on:
            ground = self.accent if enabled else theme.color("line")
            edge = theme.color("text") if self.hasFocus() or self.underMouse() else ground
        painter.setPen(QPen(edge if enabled else theme.color("line"), 1.5))
        painter.setBrush(ground)
        painter.drawRoundedRect(track, high / 2, high / 2)
        knob = high / 2
        middle = QPointF(track.right() - knob if on else track.left() + knob, track.center().y())
        painter.setPen(Qt.PenStyle.NoPen)
        ink = theme.on_color(self.accent) if on else theme.color("dim")
        painter.setBrush(ink if enabled else theme.color("disabled"))
        painter.drawEllipse(middle, theme.px(5.5), theme.px(5.5))


class Pad(QWidget):
    """A place on a plane, both coordinates 0..1 with y upwards. It does not move itself: it says what is wanted."""

    grabbed = Signal()
    dragged = Signal(float, float)
    dropped = Signal()
    cancelled = Signal()
    stepped = Signal(int, int, bool, bool)
    """Steps right, steps up, fine, and whether the key is being held."""
    reset_wanted = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.place, self.default = (0.5, 0.5), (0.5, 0.5)
        self.accent = QColor(theme.color("accent"))
        self._raw, self._last = (0.5, 0.5), QPointF()
        self._dragging = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.CrossCursor)

    @property
    def dragging(self) -> bool:
        return self._dragging

    def show_place(self, place: tuple[float, float]) -> None:
        if place != self.place:
            self.place = place
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(theme.space(28), theme.space(28))

    def _field(self) -> QRectF:
        inset = theme.px(7)
        return QRectF(self.rect()).adjusted(inset, inset, -inset, -inset)

    def spot(self, place: tuple[float, float]) -> QPointF:
        """Where a place is, in pixels of the pad."""
        field = self._field()
        return QPointF(field.x() + place[0] * field.width(), field.bottom() - place[1] * field.height())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        self._dragging, self._last, self._raw = True, event.position(), self.place
        self.grabbed.emit()
        fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        away = event.position() - self.spot(self.place)
        if not fine and abs(away.x()) + abs(away.y()) > theme.px(9):
            field = self._field()
            x, y = event.position().x() - field.x(), field.bottom() - event.position().y()
            self._raw = (x / max(1.0, field.width()), y / max(1.0, field.height()))
            self._tell()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if not self._dragging or event.position() == self._last:
            return
        field = self._field()
        share = 0.1 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
        moved = event.position() - self._last
        self._last = event.position()
        x, y = moved.x() / max(1.0, field.width()), -moved.y() / max(1.0, field.height())
        self._raw = (self._raw[0] + x * share, self._raw[1] + y * share)
        self._tell()

    def _tell(self) -> None:
        x, y = (min(1.0, max(0.0, part)) for part in self._raw)
        self.dragged.emit(x, y)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._dragging and event.button() == Qt.MouseButton.LeftButton:
            self._dragging = False
            self.dropped.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._dragging = False
            self.reset_wanted.emit(True)

    def event(self, event: QEvent) -> bool:
        return keep_keys(event, (*_ARROWS, Qt.Key.Key_Delete)) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Escape and self._dragging:
            self._dragging = False
            self.cancelled.emit()
        elif key in _ARROWS:
            fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self.stepped.emit(*_ARROWS[key], fine, event.isAutoRepeat())
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.reset_wanted.emit(False)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.color("accent" if self.hasFocus() else "edge"), 1))
        painter.setBrush(theme.color("field"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), theme.px(4), theme.px(4))
        field, spot, home = self._field(), self.spot(self.place), self.spot(self.default)
        painter.setPen(QPen(theme.color("line"), 1))
        for i in (0.25, 0.5, 0.75):
            x, y = field.x() + field.width() * i, field.y() + field.height() * i
            painter.drawLine(QPointF(x, field.top()), QPointF(x, field.bottom()))
            painter.drawLine(QPointF(field.left(), y), QPointF(field.right(), y))
        painter.setPen(QPen(theme.color("faint"), 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(home, theme.px(3), theme.px(3))
        accent = self.accent if self.isEnabled() else theme.color("disabled")
        ray = QColor(accent)
        ray.setAlpha(110)
        painter.setPen(QPen(ray, 1))
        painter.drawLine(QPointF(field.left(), spot.y()), QPointF(field.right(), spot.y()))
        painter.drawLine(QPointF(spot.x(), field.top()), QPointF(spot.x(), field.bottom()))
        painter.setPen(QPen(theme.color("field"), 1.5))
        painter.setBrush(theme.color("text") if self._dragging else accent)
        painter.drawEllipse(spot, theme.px(6), theme.px(6))
