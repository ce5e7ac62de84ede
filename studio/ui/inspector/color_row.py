"""The row of a Color: a swatch, the number, and a picker that drops down."""

from __future__ import annotations

import colorsys
from typing import Any

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QColor, QKeyEvent, QLinearGradient, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QFrame, QHBoxLayout, QVBoxLayout, QWidget

from studio.params import Color, ParamError
from studio.ui import theme
from studio.ui.inspector.controls import keep_keys
from studio.ui.inspector.describe import color_hex
from studio.ui.inspector.dragged_row import DraggedRow
from studio.ui.inspector.editing import StageEdits
from studio.ui.inspector.fields import Entry
from studio.ui.inspector.popup import paint_frame

Rgb = tuple[float, float, float]


class _Plane(QWidget):
    """Two coordinates 0..1 (y upwards) over a painted ground; the base of both parts of the picker."""

    moved = Signal(float, float)
    grabbed = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.at = (0.0, 0.0)
        self.hue = 0.0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setAccessibleName(name)
        self.setToolTip(f"{name}; arrow keys move it, with Shift in small steps")

    def put(self, x: float, y: float, hue: float) -> None:
        self.at, self.hue = (x, y), hue
        self.update()

    def _go(self, event: QMouseEvent) -> None:
        x = event.position().x() / max(1, self.width() - 1)
        y = 1 - event.position().y() / max(1, self.height() - 1)
        self.moved.emit(min(1.0, max(0.0, x)), min(1.0, max(0.0, y)))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.grabbed.emit()
        self._go(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._go(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = 0.01 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 0.05
        ways = {
            Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Down: (0, -1),
        }
        if event.key() not in ways:
            super().keyPressEvent(event)
            return
        right, up = ways[Qt.Key(event.key())]
        if not event.isAutoRepeat():
            self.grabbed.emit()
        self.moved.emit(min(1.0, max(0.0, self.at[0] + right * step)), min(1.0, max(0.0, self.at[1] + up * step)))

    def _mark(self, painter: QPainter, at: QPointF) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor("black"), 3))
        painter.drawEllipse(at, 6, 6)
        painter.setPen(QPen(QColor("white"), 1.5))
        painter.drawEllipse(at, 6, 6)

    def _frame(self, painter: QPainter) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.color("accent" if self.hasFocus() else "line"), 1))
        painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))


class _Shade(_Plane):
    """Saturation to the right, brightness upwards."""

    def sizeHint(self) -> QSize:
        return QSize(theme.space(56), theme.space(36))

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect())
        across = QLinearGradient(box.topLeft(), box.topRight())
        across.setColorAt(0, QColor("white"))
        across.setColorAt(1, QColor.fromHsvF(min(0.999, self.hue), 1, 1))
        painter.fillRect(box, across)
        down = QLinearGradient(box.topLeft(), box.bottomLeft())
        down.setColorAt(0, QColor(0, 0, 0, 0))
        down.setColorAt(1, QColor("black"))
        painter.fillRect(box, down)
        self._frame(painter)
        self._mark(painter, QPointF(self.at[0] * (self.width() - 1), (1 - self.at[1]) * (self.height() - 1)))


class _Hue(_Plane):
    """The hue along a bar."""

    def sizeHint(self) -> QSize:
        return QSize(theme.space(56), theme.space(5))

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect())
        across = QLinearGradient(box.topLeft(), box.topRight())
        for i in range(7):
            across.setColorAt(i / 6, QColor.fromHsvF(min(0.999, i / 6), 1, 1))
        painter.fillRect(box, across)
        self._frame(painter)
        self._mark(painter, QPointF(self.at[0] * (self.width() - 1), self.height() / 2))


class ColorPopup(QFrame):
    """A picker below the swatch. Esc leaves, and takes back what was changed in it."""

    picked = Signal(tuple)
    grabbed = Signal()
    given_up = Signal()
    closed = Signal()

    def __init__(self, value: Rgb, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAccessibleName(title)
        self.hue, self.saturation, self.brightness = colorsys.rgb_to_hsv(*value)
        self.shade, self.bar = _Shade("Saturation and brightness"), _Hue("Hue")
        layout = QVBoxLayout(self)
        edge = theme.space(2)
        layout.setContentsMargins(edge, edge, edge, edge)
        layout.setSpacing(theme.space(2))
        for part in (self.shade, self.bar):
            part.setFixedSize(part.sizeHint())
            part.grabbed.connect(self.grabbed)
            layout.addWidget(part)
        self.shade.moved.connect(self._shade)
        self.bar.moved.connect(self._hue)
        self._show()

    def open_below(self, widget: QWidget) -> None:
        """Show it below a widget, within the screen."""
        self.adjustSize()
        screen = widget.screen().availableGeometry()
        at = widget.mapToGlobal(QPoint(0, widget.height() + 2))
        if at.y() + self.height() > screen.bottom():
            at = widget.mapToGlobal(QPoint(0, -self.height() - 2))
        at.setX(max(screen.left(), min(at.x(), screen.right() - self.width())))
        self.move(at)
        self.show()
        self.shade.setFocus(Qt.FocusReason.PopupFocusReason)

    def _shade(self, x: float, y: float) -> None:
        self.saturation, self.brightness = x, y
        self._tell()

    def _hue(self, x: float, _y: float) -> None:
        self.hue = x
        self._tell()

    def _tell(self) -> None:
        self._show()
        self.picked.emit(colorsys.hsv_to_rgb(self.hue, self.saturation, self.brightness))

    def _show(self) -> None:
        self.shade.put(self.saturation, self.brightness, self.hue)
        self.bar.put(self.hue, 0.5, self.hue)

    def paintEvent(self, _event: QPaintEvent) -> None:
        paint_frame(self)

    def closeEvent(self, event: QCloseEvent) -> None:
        super().closeEvent(event)
        self.closed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.given_up.emit()
            self.close()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.close()
        else:
            super().keyPressEvent(event)


class Swatch(QAbstractButton):
    """The colour itself; opens the picker."""

    leave = Signal(int)
    reset_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.color = QColor("black")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def sizeHint(self) -> QSize:
        return QSize(theme.space(9), theme.space(7))

    def event(self, event: QEvent) -> bool:
        keys = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Delete, Qt.Key.Key_Space)
        return keep_keys(event, keys) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        elif event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.leave.emit(-1 if event.key() == Qt.Key.Key_Up else 1)
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.reset_wanted.emit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.color("accent" if self.hasFocus() else "edge"), 2 if self.hasFocus() else 1))
        painter.setBrush(self.color if self.isEnabled() else theme.color("disabled"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), theme.px(4), theme.px(4))


class _Strip(QWidget):
    def minimumSizeHint(self) -> QSize:
        return QSize(theme.space(30), theme.space(7))

    def sizeHint(self) -> QSize:
        return QSize(theme.space(34), theme.space(7))


class ColorRow(DraggedRow):
    """See the module."""

    def __init__(self, param: Color, edits: StageEdits, parent: QWidget | None = None) -> None:
        super().__init__(param, edits, parent)
        self.param: Color = param
        self.swatch, self.field = Swatch(), Entry()
        self.field.setFont(theme.font("mono"))
        self.popup: ColorPopup | None = None
        strip = _Strip()
        layout = QHBoxLayout(strip)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.space(1))
        self.swatch.setFixedSize(self.swatch.sizeHint())
        layout.addWidget(self.swatch)
        layout.addWidget(self.field, 1)
        self.place(head=strip, wide=True)
        self.describe(self.swatch, "colour picker")
        self.describe(self.field, "as a number")
        self.swatch.clicked.connect(self.open_picker)
        self.swatch.leave.connect(self.leave)
        self.swatch.reset_wanted.connect(self.reset)
        self.field.taken.connect(self._typed)
        self.setFocusProxy(self.swatch)
        self.refresh_value()

    def show_value(self, value: Any) -> None:
        self.swatch.color = QColor.fromRgbF(*value)
        self.swatch.update()
        self.field.show_text(color_hex(value))

    @property
    def busy(self) -> bool:
        return self.field.typing or self._held is not None

    def open_picker(self) -> None:
        """Drop the picker down."""
        self._before = self.value
        popup = ColorPopup(self.value, self.param.label, self)
        popup.grabbed.connect(self.new_gesture)
        popup.picked.connect(self._pick)
        popup.given_up.connect(self._cancel)
        popup.closed.connect(self._closed)
        self.popup = popup
        popup.open_below(self.swatch)

    def _closed(self) -> None:
        self.popup = None
        self._drop()

    def _pick(self, value: Rgb) -> None:
        self._drag_to(value)
        if self._held is not None:
            self.show_value(value)
        else:
            self.refresh_value()

    def _typed(self, text: str, stay: bool) -> None:
        try:
            value, note = self.param.clean(text)
        except ParamError:
            self.say(f"{text!r} is not a colour; type one like #ff8800", "danger")
            if not stay:
                self.field.give_up()
            return
        self.commit(value, note=note)
        self.field.settled(color_hex(self.value))
        self.refresh_value()
