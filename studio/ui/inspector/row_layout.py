"""Where the parts of a row stand: label with its mark, controls beside or below it, message."""

from __future__ import annotations

from dataclasses import dataclass, field

from PySide6.QtCore import QRect
from PySide6.QtWidgets import QWidget

from studio.ui import theme
from studio.ui.inspector.measure import metrics, text_box

GUTTER = 5
"""Width of each gutter in steps of the grid."""
LINE = 5.5
"""Height of the label's line in steps of the grid."""


@dataclass(frozen=True)
class Parts:
    """What a row consists of; see ``ParamRow.place``. ``mark`` stands after the label, ``bleed`` is in pixels."""

    label: str
    mark: bool
    head: QWidget | None
    body: QWidget | None
    wide: bool
    bleed: int
    message: str


@dataclass
class Plan:
    """Where the parts of a row stand for one width (pixels)."""

    label: QRect = field(default_factory=QRect)
    mark_x: int = 0
    head: QRect = field(default_factory=QRect)
    body: QRect = field(default_factory=QRect)
    message: QRect = field(default_factory=QRect)
    height: int = 0


def arrange(parts: Parts, box: QRect) -> Plan:
    """Where everything stands within ``box``, the row between its gutters."""
    plan, y = Plan(), theme.px(2)
    if parts.label:
        y = _measure_label(parts, plan, box, y)
    elif parts.head is not None:
        height = parts.head.sizeHint().height()
        plan.head = QRect(box.x(), y + theme.px(2), box.width(), height)
        y += height + theme.px(4)
    if parts.body is not None:
        body = parts.body
        height = body.heightForWidth(box.width()) if body.hasHeightForWidth() else body.sizeHint().height()
        reach = parts.bleed
        plan.body = QRect(box.x() - reach, y, box.width() + 2 * reach, height)
        y += height
    if parts.message:
        y += theme.px(2)
        plan.message = text_box(parts.message, "small", QRect(box.x(), y, box.width(), 0))
        y = plan.message.bottom() + theme.px(3)
    plan.height = y + theme.px(3)
    return plan


def _measure_label(parts: Parts, plan: Plan, box: QRect, y: int) -> int:
    line, gap = theme.space(LINE), theme.space(1)
    mark = theme.px(16) if parts.mark else 0
    natural = metrics("body").horizontalAdvance(parts.label) + mark + 1
    head, below, wide = parts.head, False, 0
    if head is None:
        room = box.width()
    elif parts.wide:
        split = box.width() * 45 // 100
        below = natural > split or head.minimumSizeHint().width() > box.width() - split - gap
        room = box.width() if below else split
        wide = box.width() if below else box.width() - split - gap
    else:
        wide = head.sizeHint().width()
        room = box.width() - wide - gap
    room = max(line, room - mark)
    tall = line
    if natural - mark > room:
        wrapped = text_box(parts.label, "body", QRect(0, 0, room, 0))
        tall = max(line, wrapped.height() + theme.px(6))
    plan.label = QRect(box.x(), y, room, tall)
    plan.mark_x = box.x() + min(natural - mark, room) + theme.px(4)
    if head is None:
        return y + tall
    height = head.heightForWidth(wide) if head.hasHeightForWidth() else head.sizeHint().height()
    if below:
        plan.head = QRect(box.x(), y + tall, box.width(), height)
        return y + tall + height
    high = max(tall, height)
    if tall == line:
        plan.label.setHeight(high)
    top = y + (min(high, max(line, height)) - height) // 2
    plan.head = QRect(box.right() + 1 - wide, top, wide, height)
    return y + high
