"""The row of a Seed: its number, a die, one back and forth, and the seeds it had before."""

from __future__ import annotations

import random
import time
from typing import Any

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QHBoxLayout, QWidget

from studio.params import ParamError, Seed
from studio.ui import theme
from studio.ui.inspector.editing import StageEdits
from studio.ui.inspector.fields import Entry, square
from studio.ui.inspector.popup import Entry as Line
from studio.ui.inspector.popup import PickPopup
from studio.ui.inspector.row import ParamRow

STEADY = 1.0
"""A seed that something else set is remembered when the one before stood at least so long (seconds)."""


class _Strip(QWidget):
    def minimumSizeHint(self) -> QSize:
        return QSize(theme.space(46), theme.space(7))

    def sizeHint(self) -> QSize:
        return QSize(theme.space(50), theme.space(7))


class SeedRow(ParamRow):
    """See the module."""

    def __init__(self, param: Seed, edits: StageEdits, parent: QWidget | None = None) -> None:
        super().__init__(param, edits, parent)
        self.param: Seed = param
        self.history = edits.seeds(param.name)
        self.field = Entry(steps=True)
        self.field.setFont(theme.font("number"))
        self.field.taken.connect(self._typed)
        self.field.stepped.connect(lambda by, _fine: self._by(by))
        label = param.label
        self.dice = square("dice", f"{label}: roll the dice", "Another number at random", self.roll)
        self.before = square("chevron-left", f"{label}: one lower", "One lower", lambda: self._by(-1))
        self.after = square("chevron-right", f"{label}: one higher", "One higher", lambda: self._by(1))
        self.earlier = square("history", f"{label}: earlier seeds", "The last 20 seeds", self.open_history)
        strip = _Strip()
        layout = QHBoxLayout(strip)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.field, 1)
        for button in (self.before, self.after, self.dice, self.earlier):
            layout.addWidget(button)
        layout.insertSpacing(1, theme.space(1))
        self.place(head=strip, wide=True)
        self.describe(self.field)
        self.setFocusProxy(self.field)
        self._changed_at = -STEADY
        self.refresh_value()

    @property
    def busy(self) -> bool:
        return self.field.typing

    def show_value(self, value: Any) -> None:
        self.field.show_text(str(value))
        now = time.monotonic()
        if now - self._changed_at >= STEADY or not self.history.seeds:
            self.history.saw(value)
        self._changed_at = now

    def set_seed(self, seed: int) -> None:
        """Take a number, and remember the one before it."""
        self.history.saw(self.value)
        self.commit(seed)
        self.history.saw(self.value)
        self.field.settled(str(self.value))
        self.refresh_value()

    def roll(self) -> None:
        """Any number."""
        self.set_seed(random.randrange(self.param.LIMIT + 1))

    def _by(self, step: int) -> None:
        self.set_seed((self.value + step) % (self.param.LIMIT + 1))

    def _typed(self, text: str, stay: bool) -> None:
        try:
            value, note = self.param.clean(text)
        except ParamError:
            self.say(f"{text!r} is not a whole number; type one up to {self.param.LIMIT}", "danger")
            if not stay:
                self.field.give_up()
            return
        self.set_seed(value)
        self.say(note.removeprefix(f"{self.name}: "))

    def open_history(self) -> None:
        """Offer the seeds of before, the newest first."""
        entries = [Line(str(seed), str(seed)) for seed in reversed(self.history.seeds)]
        popup = PickPopup(entries, str(self.value), title=f"Earlier seeds of {self.param.label}", parent=self)
        popup.chosen.connect(lambda text: self.set_seed(int(text)))
        popup.open_below(self.earlier)
