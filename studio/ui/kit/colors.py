"""Colours: a patch that can be pressed, a field to type in, a picker."""

from __future__ import annotations

import re

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QLinearGradient, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from studio.ui import theme
from studio.ui.kit.pads import Pad
from studio.ui.kit.painting import focus_ring, rounded

_HEX = re.compile(r"#?([0-9a-fA-F]{6}|[0-9a-fA-F]{3})\Z")


class _Shade(Pad):
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


class _Hue(Pad):
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
