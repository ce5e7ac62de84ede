"""ParamRow: what every row of the inspector shares, whatever kind of parameter it shows.

A row is a line with the label and, beside or below it, the controls of its kind. In the gutter on the left stands the
reset button of a value that differs from its default, on the right the lock. Label, marks and message are painted: a
generator has dozens of rows, and each widget less makes them appear sooner.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable
from typing import Any

from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QMenu, QSizePolicy, QWidget

from studio.params import Param, ParamError, Trigger
from studio.ui import icons, theme
from studio.ui.inspector.describe import spoken, tooltip, value_text
from studio.ui.inspector.editing import StageEdits
from studio.ui.inspector.measure import font, wrapping
from studio.ui.inspector.row_drop import TakesSound
from studio.ui.inspector.row_layout import GUTTER, LINE, Parts, Plan, arrange
from studio.ui.inspector.row_menu import from_clipboard, row_menu, to_clipboard
from studio.ui.inspector.veil import Veil

NOTE_MS = 6000
"""How long a note stays at a row; an error stays until it is mended."""


class ParamRow(TakesSound):
    """One parameter. Subclasses make their controls, hand them to ``place`` and show values in ``show_value``."""

    bind_requested = Signal(str)
    """A controller is wanted for the parameter of this name."""
    leave = Signal(int)
    """The keyboard goes to the row above (-1) or below (1)."""

    show_label = True
    bleed = 0
    """Pixels by which the body reaches into the gutters, so that a track begins where the label does."""

    def __init__(self, param: Param[Any], edits: StageEdits, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.param, self.edits, self.name = param, edits, param.name
        self.lockable = param.automatable and not isinstance(param, Trigger)
        self.changed = False
        self.locked = edits.locked(param.name) if self.lockable else False
        self.message, self.level = "", "info"
        self.idle = ""
        self._veil = Veil(self) if param.applies else None
        self._head: QWidget | None = None
        self._body: QWidget | None = None
        self._wide = False
        self._hot = ""
        self._hovered = False
        self._gesture: Hashable | None = None
        self._shown: Any = _NOTHING
        self._plans: dict[int, Plan] = {}
        self.setMouseTracking(True)
        self.setAcceptDrops(True)
        self.setToolTip(tooltip(param))
        self.setAccessibleName(param.label)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    # --- for subclasses

    def place(self, *, head: QWidget | None = None, body: QWidget | None = None, wide: bool = False) -> None:
        """Set the controls: ``head`` stands at the right of the label (below it when ``wide`` and there is no room),
        ``body`` below it."""
        self._head, self._body, self._wide = head, body, wide
        for widget in (head, body):
            if widget is not None:
                widget.setParent(self)
                self.describe(widget)
        if self._veil is not None:
            self._veil.raise_()

    def describe(self, widget: QWidget, part: str = "") -> None:
        """Give a control the parameter's name, description and tool tip."""
        widget.setAccessibleName(f"{self.param.label} {part}".strip())
        widget.setAccessibleDescription(spoken(self.param))
        widget.setToolTip(widget.toolTip() or self.toolTip())

    @abstractmethod
    def show_value(self, value: Any) -> None:
        """Bring the controls to a value; called when it differs from the one that was shown last."""

    @property
    def busy(self) -> bool:
        """Whether the user is in the middle of changing it: then nothing else may change what it shows."""
        return False

    def first_focus(self) -> QWidget | None:
        """The control that takes the keyboard first."""
        return self._body or self._head

    # --- values

    @property
    def value(self) -> Any:
        return self.edits[self.name]

    def sync(self) -> None:
        """Show the current value, unless the user is changing it."""
        value = self.value
        if self.busy or value == self._shown:
            return
        self.refresh_value()

    def refresh_value(self) -> None:
        """Show the current value and its marks."""
        value = self.value
        self._shown = value
        self.show_value(value)
        self._mark(value)

    def _mark(self, value: Any) -> None:
        changed = not isinstance(self.param, Trigger) and value != self.param.default
        if changed != self.changed:
            self.changed = changed
            self.update()

    def sync_lock(self) -> None:
        """Show whether it is locked."""
        locked = self.lockable and self.edits.locked(self.name)
        if locked != self.locked:
            self.locked = locked
            self.update()

    def sync_idle(self) -> None:
        """Show whether it does nothing with the other values as they are, and why."""
        if self._veil is None:
            return
        idle = self.edits.values.why_idle(self.name)
        if idle == self.idle:
            return
        old, new = tooltip(self.param, self.idle), tooltip(self.param, idle)
        self.idle = idle
        self._veil.setVisible(bool(idle))
        self._veil.raise_()  # over controls that were made after it
        self.setToolTip(self._tip())
        for widget in self.findChildren(QWidget):
            if widget.toolTip() == old:
                widget.setToolTip(new)
        for control in (self._head, self._body):
            if control is not None:
                control.setAccessibleDescription(f"{idle} {spoken(self.param)}".strip())

    def new_gesture(self) -> Hashable:
        """Begin a gesture: what is changed under its key is one step of undo."""
        self._gesture = ("hold", self.name, object())
        return self._gesture

    def commit(self, value: Any, gesture: Hashable | None = None, note: str = "") -> None:
        """Hand a value to the session and show what became of it; ``note`` stands at the row for a while."""
        try:
            self.edits.set(self.name, value, gesture if gesture is not None else self.new_gesture())
        except ParamError as error:
            self.say(str(error), "danger")
            return
        self.say(note or self.idle)  # a value may be made ready before it counts: then that is said
        self._mark(self.value)

    def reset(self, gesture: Hashable | None = None) -> None:
        """Back to the default."""
        self.commit(self.param.default, gesture)
        self.refresh_value()

    def say(self, text: str, level: str = "info") -> None:
        """Put a sentence below the controls ('' takes it away). ``level``: info, warning or danger."""
        if (text, level) == (self.message, self.level):
            return
        self.message, self.level = text, level
        self.setAccessibleDescription(text)
        if text and level == "info":
            QTimer.singleShot(NOTE_MS, self, lambda said=text: self.say("") if self.message == said else None)
        self._replan()

    # --- layout

    def _plan(self, width: int) -> Plan:
        """Where everything stands for a width."""
        found = self._plans.get(width)
        if found is None:
            gutter = theme.space(GUTTER)
            parts = Parts(
                self.param.label if self.show_label else "", not self.param.live, self._head, self._body, self._wide,
                theme.px(self.bleed) if self.bleed else 0, self.message,
            )
            found = arrange(parts, QRect(gutter, 0, max(1, width - 2 * gutter), 0))
            if len(self._plans) > 3:
                self._plans.clear()
            self._plans[width] = found
        return found

    def _arrange(self) -> None:
        plan = self._plan(self.width())
        if self._head is not None:
            self._head.setGeometry(plan.head)
        if self._body is not None:
            self._body.setGeometry(plan.body)

    def _replan(self) -> None:
        self._plans.clear()
        self._arrange()
        self.updateGeometry()
        self.update()

    def heightForWidth(self, width: int) -> int:
        return self._plan(width).height

    def hasHeightForWidth(self) -> bool:
        return True

    def sizeHint(self) -> QSize:
        return QSize(theme.space(75), self._plan(self.width()).height)

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.space(40), theme.space(LINE))

    def resizeEvent(self, _event: QResizeEvent) -> None:
        self._arrange()
        if self._veil is not None:
            self._veil.setGeometry(self.rect())

    # --- picture

    def _reset_box(self) -> QRect:
        return QRect(0, theme.px(2) if self.show_label else theme.px(4), theme.space(GUTTER), theme.space(LINE))

    def _lock_box(self) -> QRect:
        return self._reset_box().translated(self.width() - theme.space(GUTTER), 0)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        near = self._hovered or self._holds_focus()
        if near:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.blend(theme.color("panel"), theme.color("raised"), 0.6))
            painter.drawRoundedRect(QRectF(self.rect()), theme.px(4), theme.px(4))
        if self.show_label:
            self._paint_label(painter)
        if self.changed:
            self._paint_icon(painter, "reset", self._reset_box(), "text" if self._hot == "reset" else "accent")
        if self.lockable and (self.locked or near):
            role = "text" if self._hot == "lock" else "warning" if self.locked else "faint"
            self._paint_icon(painter, "lock" if self.locked else "unlock", self._lock_box(), role)
        if self.message:
            painter.setFont(font("small"))
            painter.setPen(theme.color("dim" if self.level == "info" else self.level))
            box = self._plan(self.width()).message
            painter.drawText(box, int(wrapping(self.message, "small", box.width())), self.message)

    def _paint_label(self, painter: QPainter) -> None:
        plan = self._plan(self.width())
        box = plan.label
        painter.setFont(font("body"))
        painter.setPen(theme.color("text" if self.isEnabled() else "disabled"))
        flags = wrapping(self.param.label, "body", box.width()) | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(box, int(flags), self.param.label)
        if not self.param.live:
            size = theme.px(12)
            target = QRect(plan.mark_x, box.y() + (box.height() - size) // 2, size, size)
            self._paint_icon(painter, "refresh", target, "dim")

    def _paint_icon(self, painter: QPainter, name: str, box: QRect, role: str) -> None:
        size = min(theme.px(14), box.width())
        target = QRectF(0, 0, size, size)
        target.moveCenter(QRectF(box).center())
        icons.paint(painter, name, target, theme.color(role))

    def _holds_focus(self) -> bool:
        focus = self.window().focusWidget() if self.window() is not None else None
        return focus is not None and focus.hasFocus() and self.isAncestorOf(focus)

    # --- mouse

    def enterEvent(self, event: Any) -> None:
        self._hovered = True
        self.update()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._hovered, self._hot = False, ""
        self.setToolTip(self._tip())
        self.update()
        super().leaveEvent(event)

    def _spot(self, at: QPoint) -> str:
        if self.changed and self._reset_box().contains(at):
            return "reset"
        if self.lockable and self._lock_box().contains(at):
            return "lock"
        return ""

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        hot = self._spot(event.position().toPoint())
        if hot != self._hot:
            self._hot = hot
            self.setCursor(Qt.CursorShape.PointingHandCursor if hot else Qt.CursorShape.ArrowCursor)
            self.setToolTip(self._tip())
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        spot = self._spot(event.position().toPoint())
        if spot == "reset":
            self.reset()
        elif spot == "lock":
            self.toggle_lock()
        else:
            target = self.first_focus()
            if target is not None:
                target.setFocus(Qt.FocusReason.MouseFocusReason)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        label = self._plan(self.width()).label
        if event.button() == Qt.MouseButton.LeftButton and label.contains(event.position().toPoint()):
            self.reset()

    def toggle_lock(self) -> None:
        """Leave it out of randomising, or let it in again."""
        self.edits.lock(self.name, not self.edits.locked(self.name))
        self.sync_lock()

    def _tip(self) -> str:
        """What the pointer is told at the spot where it is."""
        if self._hot == "reset":
            return f"Reset to {value_text(self.param, self.param.default)} (Delete)"
        if self._hot == "lock" and self.locked:
            return "Locked: randomise, mutate and reset all leave it as it is. Click to unlock"
        if self._hot == "lock":
            return "Lock it, so that randomise, mutate and reset all leave it as it is"
        return tooltip(self.param, self.idle)

    # --- keys and menu

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down) and not event.modifiers():
            self.leave.emit(-1 if event.key() == Qt.Key.Key_Up else 1)
        elif event.key() == Qt.Key.Key_Delete and not event.modifiers():
            self.reset()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = self.menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(event.globalPos())

    def menu(self) -> QMenu:
        """The row's menu; made when it is asked for."""
        return row_menu(self)

    def randomise(self) -> None:
        """Another value at random."""
        self.edits.randomise(self.name)
        self.refresh_value()

    def copy_value(self) -> None:
        """Put the value on the clipboard as text."""
        to_clipboard(self.param, self.value)

    def paste_value(self) -> None:
        """Take the value from the clipboard; what does not fit is told at the row."""
        try:
            value, note = from_clipboard(self.param)
        except ParamError as error:
            self.say(f"The clipboard does not fit: {error}", "danger")
            return
        self.commit(value, note=note)
        self.refresh_value()


class _Nothing:
    """Equal to no value, so that the first one is always shown."""

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment]


_NOTHING = _Nothing()
