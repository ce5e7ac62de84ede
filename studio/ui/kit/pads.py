"""A pad for two values at once, and colours."""

from __future__ import annotations

import re

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QKeyEvent,
    QLinearGradient,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QSizePolicy, QVBoxLayout, QWidget

from studio.ui import theme
from studio.ui.kit.painting import focus_ring, rounded

_HEX = re.compile(r"#?([0-9a-fA-F]{6}|[0-9a-fA-F]{3})\Z")


class _Pad(QWidget):
    """A point in a square: x to the right and y upwards, both 0..1."""

    moved = Signal(float, float)
    pressed = Signal()
    released = Signal()
    reset = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._point = (0.5, 0.5)
        self._last: QPointF | None = None
        self._burst = QTimer(self, singleShot=True, interval=500)
        self._burst.timeout.connect(self.released)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.CrossCursor)

    def point(self) -> tuple[float, float]:
        """Where it is."""
        return self._point

    def set_point(self, x: float, y: float) -> None:
        """Move it without a signal; clamped."""
        self._point = (min(1.0, max(0.0, x)), min(1.0, max(0.0, y)))
        self.update()

    def _area(self) -> QRectF:
        inset = theme.px(7)
        return QRectF(self.rect()).adjusted(inset, inset, -inset, -inset)

    def _spot(self) -> QPointF:
        area = self._area()
        return QPointF(area.left() + self._point[0] * area.width(), area.bottom() - self._point[1] * area.height())

    def _user(self, x: float, y: float) -> None:
        before = self._point
        self.set_point(x, y)
        if self._point != before:
            self.moved.emit(*self._point)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        if self._burst.isActive():
            self._burst.stop()
            self.released.emit()
        self._last = event.position()
        self.pressed.emit()
        if not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            area = self._area()
            self._user((self._last.x() - area.left()) / area.width(), (area.bottom() - self._last.y()) / area.height())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._last is None:
            return
        area, now = self._area(), event.position()
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            x = self._point[0] + 0.1 * (now.x() - self._last.x()) / area.width()
            y = self._point[1] - 0.1 * (now.y() - self._last.y()) / area.height()
        else:
            x, y = (now.x() - area.left()) / area.width(), (area.bottom() - now.y()) / area.height()
        self._last = now
        self._user(x, y)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._last is not None:
            self._last = None
            self.released.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.reset.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        ways = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Down: (0, -1)}
        way = ways.get(Qt.Key(event.key()))
        if way is None:
            if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
                self.reset.emit()
            else:
                event.ignore()
            return
        if not self._burst.isActive():
            self.pressed.emit()
        self._burst.start()
        step = 0.002 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 0.02
        self._user(self._point[0] + way[0] * step, self._point[1] + way[1] * step)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.update()

    def _paint_spot(self, painter: QPainter, ink: QColor) -> None:
        spot, radius = self._spot(), theme.px(6)
        painter.setPen(QPen(theme.color("picture_bg"), theme.px(3)))
        painter.setBrush(ink)
        painter.drawEllipse(spot, radius, radius)
        painter.setPen(QPen(theme.color("text"), theme.px(1.5)))
        painter.drawEllipse(spot, radius, radius)


class XYPad(_Pad):
    """Two values with one hand: drag, Shift for a tenth, arrow keys, double click for the default."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._ghost: tuple[float, float] | None = None
        self._accent = "accent"
        self.setAccessibleName("Pad")
        self.setToolTip("Drag; Shift for fine steps; arrow keys; double click for the default")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_ghost(self, point: tuple[float, float] | None) -> None:
        """A second mark: what modulation makes of it."""
        if point != self._ghost:
            self._ghost = point
            self.update()

    def set_accent(self, role: str) -> None:
        """The colour of the point."""
        self._accent = role
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(theme.px(160), theme.px(110))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.px(72), theme.px(72))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QPen(theme.color("line"), 1))
        painter.setBrush(theme.color("field"))
        painter.drawRoundedRect(rect, theme.px(6), theme.px(6))
        area, spot = self._area(), self._spot()
        painter.setPen(QPen(theme.color("line"), 1))
        for part in (0.25, 0.5, 0.75):
            x, y = area.left() + part * area.width(), area.top() + part * area.height()
            painter.drawLine(QPointF(x, rect.top()), QPointF(x, rect.bottom()))
            painter.drawLine(QPointF(rect.left(), y), QPointF(rect.right(), y))
        ink = theme.color(self._accent if self.isEnabled() else "edge")
        painter.setPen(QPen(theme.blend(theme.color("field"), ink, 0.6), 1))
        painter.drawLine(QPointF(spot.x(), rect.top()), QPointF(spot.x(), rect.bottom()))
        painter.drawLine(QPointF(rect.left(), spot.y()), QPointF(rect.right(), spot.y()))
        if self._ghost is not None:
            x, y = self._ghost
            painter.setPen(QPen(theme.color("warning"), theme.px(1.5)))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            at = QPointF(area.left() + x * area.width(), area.bottom() - y * area.height())
            painter.drawEllipse(at, theme.px(4), theme.px(4))
        self._paint_spot(painter, ink)
        if self.hasFocus():
            focus_ring(painter, rect, theme.px(6))


class _Shade(_Pad):
    """Saturation to the right, brightness upwards, of one hue."""

    def __init__(self) -> None:
        super().__init__()
        self._hue = 0.0
        self.setAccessibleName("Saturation and brightness")
        self.setMinimumSize(theme.px(180), theme.px(130))

    def set_hue(self, hue: float) -> None:
        self._hue = hue
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = self._area()
        painter.save()
        painter.setClipPath(rounded(area, theme.px(4)))
        across = QLinearGradient(area.topLeft(), area.topRight())
        across.setColorAt(0, QColor("white"))
        across.setColorAt(1, QColor.fromHsvF(self._hue, 1, 1))
        painter.fillRect(area, across)
        down = QLinearGradient(area.topLeft(), area.bottomLeft())
        down.setColorAt(0, QColor(0, 0, 0, 0))
        down.setColorAt(1, QColor("black"))
        painter.fillRect(area, down)
        painter.restore()
        self._paint_spot(painter, QColor.fromHsvF(self._hue, self._point[0], self._point[1]))
        if self.hasFocus():
            focus_ring(painter, QRectF(self.rect()), theme.px(6))


class _Hue(_Pad):
    """The hue, left to right."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Hue")
        self.setFixedHeight(theme.px(24))

    def _spot(self) -> QPointF:
        return QPointF(super()._spot().x(), self._area().center().y())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = self._area()
        sweep = QLinearGradient(area.topLeft(), area.topRight())
        for part in range(7):
            sweep.setColorAt(part / 6, QColor.fromHsvF(min(part / 6, 0.9999), 0.85, 1))
        painter.fillPath(rounded(area, area.height() / 2), sweep)
        self._paint_spot(painter, QColor.fromHsvF(min(self._point[0], 0.9999), 1, 1))
        if self.hasFocus():
            focus_ring(painter, QRectF(self.rect()), theme.px(6))


class ColorPicker(QFrame):
    """Pick a colour: square, hue, ``#rrggbb``."""

    picked = Signal(str)
    pressed = Signal()
    released = Signal()

    def __init__(self, color: str = "#ffffff", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self._shade, self._hue, self._text = _Shade(), _Hue(), QLineEdit()
        self._text.setAccessibleName("Colour as #rrggbb")
        self._text.setToolTip("Colour as #rrggbb or #rgb")
        self._text.setFont(theme.font("mono"))
        self._text.returnPressed.connect(self._typed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.space(2), theme.space(2), theme.space(2), theme.space(2))
        layout.setSpacing(theme.space(1))
        for part in (self._shade, self._hue, self._text):
            layout.addWidget(part)
        for pad in (self._shade, self._hue):
            pad.moved.connect(self._moved)
            pad.pressed.connect(self.pressed)
            pad.released.connect(self.released)
        self.set_color(color)

    def color(self) -> str:
        """The colour as ``#rrggbb``."""
        saturation, brightness = self._shade.point()
        return QColor.fromHsvF(min(self._hue.point()[0], 0.9999), saturation, brightness).name()

    def set_color(self, color: str) -> None:
        """Show a colour without a signal."""
        value = QColor(color)
        if value.name() == self.color() and self._text.text():
            return
        if value.hsvHueF() >= 0:  # a grey keeps the hue that was there
            self._hue.set_point(value.hsvHueF(), 0.5)
        self._shade.set_hue(min(self._hue.point()[0], 0.9999))
        self._shade.set_point(value.hsvSaturationF(), value.valueF())
        self._text.setText(value.name())

    def _moved(self, *_: float) -> None:
        self._shade.set_hue(min(self._hue.point()[0], 0.9999))
        self._text.setText(self.color())
        self.picked.emit(self.color())

    def _typed(self) -> None:
        found = _HEX.match(self._text.text().strip())
        theme.set_role(self._text, "" if found else "wrong")
        if found:
            self.pressed.emit()
            self.set_color(f"#{found[1]}")
            self.picked.emit(self.color())
            self.released.emit()


class ColorSwatch(QWidget):
    """A patch of colour that can be pressed."""

    clicked = Signal()

    def __init__(self, color: str = "#ffffff", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._color = QColor(color)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName("Colour")
        self.setFixedSize(theme.px(40), theme.px(26))
        self.set_color(color)

    def color(self) -> str:
        """The colour as ``#rrggbb``."""
        return self._color.name()

    def set_color(self, color: str) -> None:
        """Show a colour."""
        self._color = QColor(color)
        self.setAccessibleDescription(color)
        self.setToolTip(f"{color}: click or Space to pick another")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QPen(theme.color("edge" if self.isEnabled() else "line"), 1))
        painter.setBrush(self._color if self.isEnabled() else theme.blend(self._color, theme.color("panel"), 0.7))
        painter.drawRoundedRect(rect, theme.px(5), theme.px(5))
        if self.hasFocus():
            focus_ring(painter, rect, theme.px(5))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.clicked.emit()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.clicked.emit()
        else:
            super().keyPressEvent(event)


class ColorField(QWidget):
    """A patch and its ``#rrggbb``; the patch opens the picker. ``pressed`` and ``released`` enclose one gesture."""

    changed = Signal(str)
    pressed = Signal()
    released = Signal()

    def __init__(self, color: str = "#ffffff", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.swatch = ColorSwatch(color)
        self.text = QLineEdit(color)
        self.text.setAccessibleName("Colour as #rrggbb")
        self.text.setToolTip("Colour as #rrggbb or #rgb")
        self.text.setFont(theme.font("mono"))
        self.text.setMaximumWidth(theme.px(96))
        self.text.editingFinished.connect(self._typed)
        self.swatch.clicked.connect(self.open_picker)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.space(2))
        row.addWidget(self.swatch)
        row.addWidget(self.text)
        row.addStretch(1)
        self.setFocusProxy(self.swatch)
        self.picker: ColorPicker | None = None

    def color(self) -> str:
        """The colour as ``#rrggbb``."""
        return self.swatch.color()

    def set_color(self, color: str) -> None:
        """Show a colour without a signal."""
        self.swatch.set_color(color)
        if not self.text.hasFocus():
            self.text.setText(color)
        if self.picker is not None:
            self.picker.set_color(color)

    def open_picker(self) -> None:
        """Open the picker below the patch."""
        picker = ColorPicker(self.color(), self)
        picker.setWindowFlags(Qt.WindowType.Popup)
        picker.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        picker.destroyed.connect(self._forget)
        picker.picked.connect(self._picked)
        picker.pressed.connect(self.pressed)
        picker.released.connect(self.released)
        self.picker = picker
        picker.adjustSize()
        picker.move(self.swatch.mapToGlobal(self.swatch.rect().bottomLeft()))
        picker.show()

    def _forget(self) -> None:
        self.picker = None

    def _picked(self, color: str) -> None:
        self.swatch.set_color(color)
        self.text.setText(color)
        self.changed.emit(color)

    def _typed(self) -> None:
        found = _HEX.match(self.text.text().strip())
        theme.set_role(self.text, "" if found else "wrong")
        if not found:
            return
        color = QColor(f"#{found[1]}").name()
        self.text.setText(color)
        if color != self.color():
            self.pressed.emit()
            self.swatch.set_color(color)
            self.changed.emit(color)
            self.released.emit()
