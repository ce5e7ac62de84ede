"""How the decks meet: blend, the time of the fades, cut."""

from __future__ import annotations

import functools
from collections.abc import Callable

from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSizePolicy, QToolButton, QWidget

from studio.session.mix import BLENDS, Span
from studio.session.session import Session
from studio.ui import theme
from studio.ui.kit.buttons import tool_button
from studio.ui.listen import listen

BLEND_WORDS = {
    "mix": "Mix", "add": "Add", "screen": "Screen", "multiply": "Multiply", "difference": "Difference",
    "luma": "Luma wipe",
}
TIMES = {
    "seconds": (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0), "beats": (1.0, 2.0, 4.0), "bars": (1.0, 2.0, 4.0, 8.0, 16.0),
}
START_WORDS = {
    "now": "Begin at once", "beat": "Begin on the beat", "bar": "Begin on the bar", "phrase": "Begin on four bars",
}


class MixRow(QWidget):
    """See the module."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.space(1))
        self.blend = _menu_button("drop", "Blend", "How the decks meet between A and B", self._fill_blends)
        self.time = _menu_button("timer", "Fade time", "How long the fades take, and what they wait for",
                                 self._fill_times)
        self.cut = tool_button("swap", "Cut", text="Cut", clicked=lambda: session.fade_over(cut=True),
                               tip="To the other deck at once, or on the beat or bar that fades wait for (Ctrl+3)")
        for widget in (self.blend, self.time):
            row.addWidget(widget, 1)
        row.addWidget(self.cut)
        listen(self, session, "mix", lambda _: self.show_mix())
        self.show_mix()

    def show_mix(self) -> None:
        """As the session has it."""
        mix, fade = self._session.mix, self._session.fades.of("crossfade")
        for button, text in ((self.blend, BLEND_WORDS[mix.blend]), (self.time, mix.span.text())):
            button.setText(text)
        waits = fade is not None and fade.progress is None
        self.cut.setText("Waits …" if waits else "Cut")

    def _fill_blends(self, menu: QMenu) -> None:
        group = QActionGroup(menu)
        for blend in BLENDS:
            action = menu.addAction(BLEND_WORDS[blend])
            action.setCheckable(True)
            action.setChecked(blend == self._session.mix.blend)
            action.triggered.connect(functools.partial(self._choose_blend, blend))
            group.addAction(action)

    def _choose_blend(self, blend: str, _checked: bool = False) -> None:
        self._session.set_blend(blend)

    def _fill_times(self, menu: QMenu) -> None:
        mix = self._session.mix
        group = QActionGroup(menu)
        for unit, lengths in TIMES.items():
            menu.addSection(unit.capitalize())
            for length in lengths:
                action = menu.addAction(Span(length, unit).text())
                action.setCheckable(True)
                action.setChecked((mix.fade_unit, mix.fade_length) == (unit, length))
                action.triggered.connect(functools.partial(self._choose_time, unit, length))
                group.addAction(action)
        menu.addSeparator()
        starts = QActionGroup(menu)
        for start, words in START_WORDS.items():
            action = menu.addAction(words)
            action.setCheckable(True)
            action.setChecked(mix.fade_start == start)
            action.triggered.connect(functools.partial(self._choose_start, start))
            starts.addAction(action)

    def _choose_time(self, unit: str, length: float, _checked: bool = False) -> None:
        self._session.mix.set("fade_unit", unit)
        self._session.mix.set("fade_length", length)

    def _choose_start(self, start: str, _checked: bool = False) -> None:
        self._session.mix.set("fade_start", start)


def _menu_button(icon: str, name: str, tip: str, fill: Callable[[QMenu], None]) -> QToolButton:
    button = tool_button(icon, name, tip=tip, text=name)
    button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    menu = QMenu(button)

    def refill() -> None:
        menu.clear()
        fill(menu)

    menu.aboutToShow.connect(refill)
    button.setMenu(menu)
    return button

