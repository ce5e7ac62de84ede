"""Rows of Float and Int: a slider along the declared curve and a value that can be typed."""

from __future__ import annotations

import time
from collections.abc import Hashable
from typing import Any

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QHideEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from studio.params import Float, Int, ParamError
from studio.session.control_status import reach_of
from studio.ui import theme
from studio.ui.inspector.dragged_row import DraggedRow
from studio.ui.inspector.editing import StageEdits
from studio.ui.inspector.measure import font, metrics
from studio.ui.inspector.numbers import digits_of, parse, stepped, tidy, to_text
from studio.ui.inspector.slider import INSET, ValueSlider

HELD = 0.7
"""Key presses and wheel turns with less time (seconds) between them are one step of undo."""


class ValueText(QWidget):
    """A value as text; a click on it asks to type another."""

    clicked = Signal()

    def __init__(self, widest: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text, self._widest = "", metrics("number").horizontalAdvance(widest)
        self.setCursor(Qt.CursorShape.IBeamCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def set_text(self, text: str) -> None:
        if text != self.text:
            self.text = text
            self.update()

    def sizeHint(self) -> QSize:
        width = max(self._widest, metrics("number").horizontalAdvance(self.text))
        return QSize(width + theme.space(2), theme.space(5.5))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.setAccepted(event.button() == Qt.MouseButton.LeftButton)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        event.accept()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        if self.underMouse():
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(theme.color("edge"))
            painter.setBrush(theme.color("field"))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), theme.px(3), theme.px(3))
        painter.setFont(font("number"))
        painter.setPen(theme.color("text" if self.isEnabled() else "disabled"))
        room = self.rect().adjusted(0, 0, -theme.px(4) if self.underMouse() else 0, 0)
        painter.drawText(room, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), self.text)


class TypedField(QLineEdit):
    """A line to type a value in: Enter takes it, Esc leaves all as it was, Tab takes it and goes on."""

    taken = Signal(str, bool)
    """The text, and whether the keyboard stays here."""
    given_up = Signal()
    stepped = Signal(int, bool)

    def __init__(self, text: str, parent: QWidget) -> None:
        super().__init__(text, parent)
        self.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.setFont(theme.font("number"))
        self.setStyleSheet("min-height: 0; padding: 0 3px")  # as low as the line of a row
        self.selectAll()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.taken.emit(self.text(), True)
        elif key == Qt.Key.Key_Escape:
            self.given_up.emit()
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self.stepped.emit(1 if key == Qt.Key.Key_Up else -1, fine)
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason:  # its own menu of copy and paste
            self.taken.emit(self.text(), False)


class NumberRow(DraggedRow):
    """Float and Int."""

    bleed = INSET

    def __init__(self, param: Float | Int, edits: StageEdits, parent: QWidget | None = None) -> None:
        super().__init__(param, edits, parent)
        self.param: Float | Int = param
        widest = max((to_text(param, value, full=True) for value in (param.low, param.high, param.default)), key=len)
        self.text = ValueText(widest)
        self.slider = ValueSlider()
        self.slider.accent = theme.kind_color(edits.kind)
        self.slider.default = param.to_norm(param.default)  # type: ignore[arg-type]  # each kind takes its own
        self.slider.origin = param.to_norm(0) if param.low < 0 < param.high else 0.0
        if isinstance(param, Int) and param.high - param.low <= 24 and param.curve == "linear":
            self.slider.ticks = int(param.high - param.low) + 1
        self._field: TypedField | None = None
        self._at = 0.0
        self.place(head=self.text, body=self.slider)
        self.setFocusProxy(self.slider)
        self._connect()
        self.refresh_value()

    def _connect(self) -> None:
        slider = self.slider
        slider.grabbed.connect(self._grab)
        slider.dragged.connect(self._drag)
        slider.dropped.connect(self._drop)
        slider.cancelled.connect(self._cancel)
        slider.stepped.connect(self._step)
        slider.jumped.connect(lambda position: self._take(self.param.from_norm(position), self.new_gesture()))
        slider.reset_wanted.connect(self._reset_by_slider)
        slider.typing_wanted.connect(self.start_typing)
        slider.leave.connect(self.leave)
        self.text.clicked.connect(self.start_typing)

    # --- showing

    def sync(self) -> None:
        super().sync()
        self.slider.show_ghost(self.edits.values.modulated(self.name))
        self.slider.show_reach(reach_of(self.edits.session, self.edits.line, self.edits.index, self.name))

    def show_value(self, value: Any) -> None:
        self.text.set_text(to_text(self.param, value))
        self.slider.show_position(self.param.to_norm(value))

    @property
    def busy(self) -> bool:
        return self.slider.dragging or self._field is not None

    # --- dragging

    def _drag(self, position: float, fine: bool) -> None:
        value = self.param.default if position == self.slider.default else tidy(self.param, position, fine=fine)
        self.text.set_text(to_text(self.param, value, full=True))
        self.slider.show_position(position)
        self._drag_to(value)

    def _reset_by_slider(self, doubled: bool) -> None:
        # the first click of a double click moved the handle: both together are one step of undo
        self._held = None
        self.reset(self._gesture if doubled else None)

    # --- keys

    def _step(self, steps: int, fine: bool, held: bool) -> None:
        going_on = held and time.monotonic() - self._at < HELD
        gesture = self._gesture if going_on and self._gesture is not None else self.new_gesture()
        value = stepped(self.param, self.value, 1 if steps > 0 else -1, fine=fine, share=abs(steps) * 0.01)
        self._take(value, gesture)

    def _take(self, value: Any, gesture: Hashable) -> None:
        self._at = time.monotonic()
        if value != self.value:
            self.commit(value, gesture)
        self.refresh_value()

    # --- typing

    def start_typing(self) -> None:
        """Open the field over the value."""
        if self._field is not None:
            return
        field = TypedField(digits_of(self.param, self.value), self)
        box = self.text.geometry()
        width = max(box.width(), theme.space(20))
        field.setGeometry(box.right() + 1 - width, box.y(), width, box.height())
        self.describe(field)
        field.taken.connect(self._typed)
        field.given_up.connect(lambda: self._stop_typing(True))
        field.stepped.connect(self._step_typing)
        self._field = field
        field.show()
        field.setFocus(Qt.FocusReason.OtherFocusReason)

    def _typed(self, text: str, stay: bool) -> None:
        if self._field is None:
            return
        if text == digits_of(self.param, self.value):
            self._stop_typing(stay)
            return
        try:
            value, note = parse(self.param, text)
        except ParamError as error:
            if stay:
                self.say(str(error), "danger")
                self._field.selectAll()
            else:
                self._stop_typing(False)
                self.say(f"{error}. It stays at {to_text(self.param, self.value)}")
            return
        self._stop_typing(stay)
        self.commit(value, note=note)
        self.refresh_value()

    def _step_typing(self, direction: int, fine: bool) -> None:
        if self._field is not None:
            self._step(direction, fine, True)
            self._field.setText(digits_of(self.param, self.value))
            self._field.selectAll()

    def _stop_typing(self, stay: bool) -> None:
        field, self._field = self._field, None
        if field is None:
            return
        field.hide()
        field.deleteLater()
        self.say("")
        if stay:
            self.slider.setFocus(Qt.FocusReason.OtherFocusReason)
        self.refresh_value()

    def hideEvent(self, event: QHideEvent) -> None:
        self._stop_typing(False)
        super().hideEvent(event)
