"""Rows of Choice, Bool and Trigger."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from studio.params import Bool, Choice, Trigger
from studio.ui import icons, theme
from studio.ui.inspector.controls import Segments, Switch, keep_keys
from studio.ui.inspector.editing import StageEdits
from studio.ui.inspector.measure import font, metrics
from studio.ui.inspector.popup import Entry, PickPopup
from studio.ui.inspector.row import ParamRow

MOST_SEGMENTS, MOST_LETTERS = 5, 30
FLASH_MS = 220


class PickButton(QAbstractButton):
    """Shows the chosen name and opens the list; arrows left and right go through the names."""

    asked_list = Signal(str)
    """Open the list; with the letter that was typed, if one was."""
    stepped = Signal(int)
    leave = Signal(int)
    reset_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.clicked.connect(lambda: self.asked_list.emit(""))

    def set_text(self, text: str) -> None:
        if text != self.text():
            self.setText(text)

    def sizeHint(self) -> QSize:
        return QSize(theme.space(30), theme.space(6))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.space(20), theme.space(6))

    def event(self, event: QEvent) -> bool:
        keys = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Delete, Qt.Key.Key_Space)
        return keep_keys(event, keys) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.stepped.emit(1 if key == Qt.Key.Key_Right else -1)
        elif key == Qt.Key.Key_Down and event.modifiers() & Qt.KeyboardModifier.AltModifier:
            self.asked_list.emit("")
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.leave.emit(-1 if key == Qt.Key.Key_Up else 1)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_F2):
            self.asked_list.emit("")
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.reset_wanted.emit()
        elif event.text().isalnum() and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.asked_list.emit(event.text())
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        near = self.underMouse() or self.isDown()
        painter.setPen(QPen(theme.color("accent" if self.hasFocus() else "edge" if near else "line"), 1))
        painter.setBrush(theme.color("hover" if near else "raised"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), theme.px(4), theme.px(4))
        side = theme.px(12)
        arrow = QRectF(self.width() - side - theme.space(1.5), (self.height() - side) / 2, side, side)
        icons.paint(painter, "chevron-down", arrow, theme.color("dim"))
        room = self.rect().adjusted(theme.space(2), 0, -side - theme.space(2), 0)
        painter.setFont(font("body"))
        painter.setPen(theme.color("text" if self.isEnabled() else "disabled"))
        text = painter.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter), text)


def segments_suit(choices: tuple[str, ...]) -> bool:
    """Whether names are few and short enough to stand side by side."""
    return 1 < len(choices) <= MOST_SEGMENTS and sum(len(name) for name in choices) <= MOST_LETTERS


class ChoiceRow(ParamRow):
    """A few short names as segments, else a button with a list in which one types to find."""

    def __init__(self, param: Choice, edits: StageEdits, parent: QWidget | None = None) -> None:
        super().__init__(param, edits, parent)
        self.param: Choice = param
        self.segments: Segments | None = None
        self.button: PickButton | None = None
        control: Segments | PickButton
        if segments_suit(param.choices):
            control = self.segments = Segments(param.choices)
            self.segments.chosen.connect(self._choose)
            self.place(body=control) if len(param.choices) > 2 else self.place(head=control, wide=True)
        else:
            control = self.button = PickButton()
            self.button.asked_list.connect(self.open_list)
            self.button.stepped.connect(self._step)
            self.place(head=control, wide=True)
        if self.segments is not None:
            self.segments.accent = theme.kind_color(edits.kind)
        control.leave.connect(self.leave)
        control.reset_wanted.connect(self.reset)
        self.setFocusProxy(control)
        self.refresh_value()

    def show_value(self, value: Any) -> None:
        if self.segments is not None:
            self.segments.set_current(value)
            self.segments.setAccessibleDescription(f"{value} is chosen. {self.param.help}")
        if self.button is not None:
            self.button.set_text(value or "none")
            self.button.setAccessibleName(f"{self.param.label}: {value or 'none'}")

    def _choose(self, name: str) -> None:
        if name != self.value:
            self.commit(name)
        self.refresh_value()

    def _step(self, by: int) -> None:
        place = self.param.choices.index(self.value) + by
        if 0 <= place < len(self.param.choices):
            self._choose(self.param.choices[place])

    def open_list(self, typed: str = "") -> None:
        """Drop the list down."""
        assert self.button is not None
        entries = [Entry(name, name or "none") for name in self.param.choices]
        popup = PickPopup(entries, self.value, title=self.param.label, parent=self)
        popup.chosen.connect(self._choose)
        popup.open_below(self.button)
        if typed:
            popup.search.setText(typed)


class BoolRow(ParamRow):
    """A switch at the end of the line; a click on the label switches too."""

    def __init__(self, param: Bool, edits: StageEdits, parent: QWidget | None = None) -> None:
        super().__init__(param, edits, parent)
        self.param: Bool = param
        self.switch = Switch()
        self.switch.accent = theme.kind_color(edits.kind)
        self.switch.asked.connect(self._ask)
        self.switch.leave.connect(self.leave)
        self.switch.reset_wanted.connect(self.reset)
        self.place(head=self.switch)
        self.setFocusProxy(self.switch)
        self.refresh_value()

    def show_value(self, value: Any) -> None:
        self.switch.setChecked(value)

    def _ask(self, on: bool) -> None:
        self.commit(on)
        self.refresh_value()


class TriggerButton(QAbstractButton):
    """Fires, and flashes so that one sees it did."""

    leave = Signal(int)

    def __init__(self, label: str, accent: QColor, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.accent = accent
        self.lit = False
        self.setText(label)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self._timer = QTimer(self, singleShot=True, interval=FLASH_MS)
        self._timer.timeout.connect(self._out)

    def flash(self) -> None:
        self.lit = True
        self._timer.start()
        self.update()

    def _out(self) -> None:
        self.lit = False
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(theme.space(40), theme.space(7))

    def event(self, event: QEvent) -> bool:
        return keep_keys(event, (Qt.Key.Key_Space, Qt.Key.Key_Up, Qt.Key.Key_Down)) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.leave.emit(-1 if event.key() == Qt.Key.Key_Up else 1)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.isAutoRepeat():
            self.click()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        near = self.underMouse() or self.isDown()
        ground = self.accent if self.lit else theme.color("pressed" if self.isDown() else "hover" if near else "raised")
        painter.setPen(QPen(theme.color("accent" if self.hasFocus() else "edge" if near else "line"), 1))
        painter.setBrush(ground)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), theme.px(4), theme.px(4))
        ink = theme.on_color(ground) if self.lit else theme.color("text" if self.isEnabled() else "disabled")
        side, measure = theme.px(14), metrics("body")
        room = self.width() - theme.space(5) - side
        text = measure.elidedText(self.text(), Qt.TextElideMode.ElideRight, room)
        left = (self.width() - measure.horizontalAdvance(text) - side - theme.space(1)) / 2
        icons.paint(painter, "lightning", QRectF(left, (self.height() - side) / 2, side, side), ink)
        painter.setFont(font("body"))
        painter.setPen(ink)
        words = self.rect().adjusted(round(left + side + theme.space(1)), 0, 0, 0)
        painter.drawText(words, int(Qt.AlignmentFlag.AlignVCenter), text)


class TriggerRow(ParamRow):
    """A button over the whole width."""

    show_label = False

    def __init__(self, param: Trigger, edits: StageEdits, parent: QWidget | None = None) -> None:
        super().__init__(param, edits, parent)
        self.param: Trigger = param
        self.button = TriggerButton(param.label, theme.kind_color(edits.kind))
        self.button.pressed.connect(self._fire)  # on the way down: it is played like an instrument
        self.button.leave.connect(self.leave)
        self.place(head=self.button)
        self.setFocusProxy(self.button)

    def show_value(self, value: Any) -> None:
        """A shot leaves nothing to show."""

    def sync(self) -> None:
        """A shot fired elsewhere is over before one could see it."""

    def _fire(self) -> None:
        self.edits.fire(self.name)
        self.button.flash()
