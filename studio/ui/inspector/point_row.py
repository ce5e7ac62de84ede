"""The row of a Point: a pad and both numbers."""

from __future__ import annotations

import time
from collections.abc import Hashable
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from studio.params import Float, ParamError, Point
from studio.ui import theme
from studio.ui.inspector.controls import Pad
from studio.ui.inspector.dragged_row import DraggedRow
from studio.ui.inspector.editing import StageEdits
from studio.ui.inspector.fields import Entry
from studio.ui.inspector.number_row import HELD
from studio.ui.inspector.numbers import digits_of, parse, stepped, tidy

Place = tuple[float, float]


class PointRow(DraggedRow):
    """See the module. y points upwards."""

    def __init__(self, param: Point, edits: StageEdits, parent: QWidget | None = None) -> None:
        super().__init__(param, edits, parent)
        self.param: Point = param
        self.axis = Float(param.low, param.low, param.high, unit=param.unit)
        self.axis.name = param.name
        self.pad = Pad()
        self.pad.accent = theme.kind_color(edits.kind)
        self.pad.default = self._norms(param.default)
        self.fields = (Entry(steps=True), Entry(steps=True))
        self._at = 0.0
        self.place(body=self._make_body())
        self.describe(self.pad, "pad")
        self.setFocusProxy(self.pad)
        self._connect()
        self.refresh_value()

    def _make_body(self) -> QWidget:
        body = QWidget()
        grid = QGridLayout(body)
        grid.setContentsMargins(0, 0, 0, theme.space(1))
        grid.setHorizontalSpacing(theme.space(2))
        grid.setVerticalSpacing(theme.space(1))
        self.pad.setFixedSize(self.pad.sizeHint())
        grid.addWidget(self.pad, 0, 0, 4, 1)
        for row, (letter, field) in enumerate(zip("xy", self.fields, strict=True)):
            label = QLabel(letter)
            theme.set_role(label, "dim")
            field.setFont(theme.font("number"))
            field.setAlignment(Qt.AlignmentFlag.AlignRight)
            self.describe(field, letter)
            label.setBuddy(field)
            grid.addWidget(label, row, 1)
            grid.addWidget(field, row, 2)
        if self.param.unit:
            unit = QLabel(self.param.unit)
            theme.set_role(unit, "dim")
            unit.setAlignment(Qt.AlignmentFlag.AlignRight)
            grid.addWidget(unit, 2, 2)
        grid.setColumnStretch(2, 1)
        grid.setRowStretch(3, 1)
        return body

    def _connect(self) -> None:
        pad = self.pad
        pad.grabbed.connect(self._grab)
        pad.dragged.connect(self._drag)
        pad.dropped.connect(self._drop)
        pad.cancelled.connect(self._cancel)
        pad.stepped.connect(self._step)
        pad.reset_wanted.connect(lambda doubled: self.reset(self._gesture if doubled else None))
        for place, field in enumerate(self.fields):
            field.taken.connect(lambda text, stay, axis=place: self._typed(axis, text, stay))
            field.stepped.connect(lambda by, fine, axis=place: self._step(by * (axis == 0), by * axis, fine, True))

    def _norms(self, value: Place) -> Place:
        return self.axis.to_norm(value[0]), self.axis.to_norm(value[1])

    def show_value(self, value: Any) -> None:
        self.pad.show_place(self._norms(value))
        for field, number in zip(self.fields, value, strict=True):
            field.show_text(digits_of(self.axis, number))

    @property
    def busy(self) -> bool:
        return self.pad.dragging or any(field.typing for field in self.fields)

    def _drag(self, x: float, y: float) -> None:
        value = tidy(self.axis, x), tidy(self.axis, y)
        if abs(x - self.pad.default[0]) < 0.02 and abs(y - self.pad.default[1]) < 0.02:
            value = self.param.default
        self.show_value(value)
        self._drag_to(value)

    def _step(self, right: int, up: int, fine: bool, held: bool) -> None:
        now = time.monotonic()
        going_on = held and now - self._at < HELD and self._gesture is not None
        gesture: Hashable = self._gesture if going_on else self.new_gesture()
        self._at = now
        x, y = self.value
        x = stepped(self.axis, x, right, fine=fine) if right else x
        y = stepped(self.axis, y, up, fine=fine) if up else y
        self.commit((x, y), gesture)
        for field in self.fields:
            field.settled("")
        self.refresh_value()

    def _typed(self, axis: int, text: str, stay: bool) -> None:
        field = self.fields[axis]
        try:
            number, note = parse(self.axis, text)
        except ParamError as error:
            self.say(str(error), "danger")
            if not stay:
                field.give_up()
            return
        x, y = self.value
        self.commit((number, y) if axis == 0 else (x, number), note=note)
        field.settled(digits_of(self.axis, self.value[axis]))
        self.refresh_value()
