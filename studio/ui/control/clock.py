"""The clock: tempo by hand or tap, who leads, and what changes wait for."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QDoubleSpinBox, QFrame, QGridLayout, QHBoxLayout, QRadioButton, QVBoxLayout, QWidget

from studio.session.clock_sources import ClockSource
from studio.session.core import Core
from studio.session.mix import STARTS
from studio.ui import theme
from studio.ui.control.keep import keep_settings
from studio.ui.control.ports import Lamp
from studio.ui.kit import button
from studio.ui.listen import listen
from studio.ui.pages.parts import clear, label, no_wheel

START_WORDS = {
    "now": ("Nothing", "Changes come at once"), "beat": ("The next beat", "Until then the old values run on"),
    "bar": ("The next bar", "Until then the old values run on"),
    "phrase": ("The next four bars", "Bars are counted from the first one: press “Now is one” when it comes"),
}
NUDGE = 0.05


class BigBeat(QWidget):
    """The bar as large lights, to be seen from afar."""

    def __init__(self, session: Core) -> None:
        super().__init__()
        self._session = session
        self._seen = (0, 0.0)
        self.setAccessibleName("The beat of the bar")

    def sizeHint(self) -> QSize:
        return QSize(theme.px(220), theme.px(34))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.px(120), theme.px(34))

    def tick(self) -> None:
        """Follow the clock."""
        clock = self._session.clock
        beats = clock.read().bar * clock.beats_per_bar
        seen = math.floor(beats + 1e-6) % clock.beats_per_bar, round(1.0 - beats % 1.0, 1)
        if seen != self._seen:
            self._seen = seen
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        count, gap = self._session.clock.beats_per_bar, theme.px(8)
        wide = (self.width() - gap * (count - 1)) / count
        for beat in range(count):
            color = theme.color("field")
            if beat == self._seen[0]:
                bright = theme.color("warning" if beat == 0 else "accent")
                color = theme.blend(color, bright, 0.25 + 0.75 * self._seen[1])
            painter.setBrush(color)
            painter.drawRoundedRect(QRectF(beat * (wide + gap), 0, wide, self.height()), theme.px(6), theme.px(6))


class SourceCard(QFrame):
    """One source: a choice, how it is, and what helps."""

    def __init__(self, source: ClockSource, panel: ClockPanel) -> None:
        super().__init__()
        self.source = source
        theme.set_role(self, "card")
        self.choice = QRadioButton(source.title)
        self.choice.setAutoExclusive(False)
        self.choice.setToolTip(source.about)
        self.choice.clicked.connect(partial(panel.choose, source.name))
        self.lamp, self.word = Lamp("edge"), label("", "small")
        self.text = label("", "", wrap=True)
        self.cure = label("", "small", wrap=True)
        head = QHBoxLayout()
        head.addWidget(self.choice, 1)
        head.addWidget(self.word)
        head.addWidget(self.lamp)
        column = QVBoxLayout(self)
        column.setContentsMargins(*(theme.space(n) for n in (3, 2, 3, 2)))
        column.setSpacing(theme.space(1))
        column.addLayout(head)
        for part in (label(source.about, "small", wrap=True), self.text, self.cure):
            column.addWidget(part)

    def show_state(self, on: bool) -> None:
        """As it is; one that does not lead is quiet."""
        self.choice.setChecked(on)
        missing = self.source.missing
        self.choice.setEnabled(not missing or on)
        state = self.source.state() if on or missing else None
        self.word.setText(state.word if state else "")
        self.lamp.set(state.level if state and on else "edge")
        self.text.setText(f"{state.text[:1].upper()}{state.text[1:]}." if state and on else "")
        self.text.setVisible(bool(self.text.text()))
        self.cure.setText(f"What helps: {state.cure}." if state and state.cure else "")
        self.cure.setVisible(bool(self.cure.text()))
        self.setAccessibleName(f"{self.source.title}{', ' + state.word if state else ''}")


class ClockPanel(QWidget):
    """See the module. Others add what belongs to the clock with ``add_section``."""

    def __init__(self, session: Core, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.setAccessibleName("Clock")
        self.cards: dict[str, SourceCard] = {}
        self._sources: list[ClockSource] = []
        left, right = QVBoxLayout(), QVBoxLayout()
        for side in (left, right):
            side.setSpacing(theme.space(2))
        left.addWidget(label("Tempo", "title"))
        left.addWidget(self._tempo())
        left.addSpacing(theme.space(2))
        left.addWidget(label("What changes wait for", "title"))
        left.addWidget(self._waits())
        self._sections = QVBoxLayout()
        self._sections.setSpacing(theme.space(2))
        left.addLayout(self._sections)
        left.addStretch(1)
        right.addWidget(label("Who leads", "title"))
        self._cards = QVBoxLayout()
        self._cards.setSpacing(theme.space(2))
        right.addLayout(self._cards)
        right.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, theme.space(3), 0, 0)
        row.setSpacing(theme.space(6))
        row.addLayout(left, 1)
        row.addLayout(right, 1)
        for kind in ("session", "mix", "settings", "controls"):
            listen(self, session, kind, lambda _: self.refresh())
        self.refresh()

    def _tempo(self) -> QWidget:
        session = self.session
        card = QFrame()
        theme.set_role(card, "card")
        card.setAccessibleName("Tempo")
        self.bpm = QDoubleSpinBox()
        self.bpm.setRange(20.0, 400.0)
        self.bpm.setDecimals(1)
        self.bpm.setSuffix(" bpm")
        self.bpm.setFont(theme.font("title"))
        self.bpm.setKeyboardTracking(False)
        self.bpm.setAccessibleName("Tempo")
        self.bpm.setToolTip("Tempo, 20–400 beats per minute")
        no_wheel(self.bpm)
        self.bpm.valueChanged.connect(lambda value: session.set_bpm(value))  # type: ignore[attr-defined]
        self.tap = button("Tap", "tap", role="primary", tip="Tap the tempo (T)", clicked=self._tap)
        self.beat = BigBeat(session)
        first = QHBoxLayout()
        first.setSpacing(theme.space(2))
        first.addWidget(self.bpm, 1)
        first.addWidget(self.tap, 1)
        second = QHBoxLayout()
        second.setSpacing(theme.space(1.5))
        for text, tip, work in (
            ("÷2", "Half the tempo", session.clock.halve), ("×2", "Twice the tempo", session.clock.double),
            ("◂ nudge", "A little back (a twentieth of a beat)", partial(session.clock.nudge, -NUDGE)),
            ("nudge ▸", "A little ahead (a twentieth of a beat)", partial(session.clock.nudge, NUDGE)),
            ("Now is one", "Now is the first beat of a bar", partial(session.clock.align, bar=True)),
        ):
            made = button(text, tip=tip, clicked=partial(self._do, work))
            made.setAccessibleName(tip)
            second.addWidget(made, 1)
        column = QVBoxLayout(card)
        column.setContentsMargins(*(theme.space(n) for n in (3, 3, 3, 3)))
        column.setSpacing(theme.space(2))
        column.addLayout(first)
        column.addWidget(self.beat)
        column.addLayout(second)
        self.led = label("", "small", wrap=True)
        column.addWidget(self.led)
        return card

    def _waits(self) -> QWidget:
        card = QFrame()
        theme.set_role(card, "card")
        card.setAccessibleName("What changes wait for")
        column = QVBoxLayout(card)
        column.setContentsMargins(*(theme.space(n) for n in (3, 2, 3, 2)))
        column.setSpacing(theme.space(1))
        column.addWidget(label("Fades, cuts and snapshots that are fired wait for", "small"))
        self.waits: dict[str, QRadioButton] = {}
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme.space(4))
        grid.setVerticalSpacing(theme.space(1))
        column.addLayout(grid)
        for place, start in enumerate(STARTS):
            text, about = START_WORDS.get(start, (start, ""))
            choice = QRadioButton(text)
            choice.setToolTip(about)
            choice.clicked.connect(partial(self._wait_for, start))
            self.waits[start] = choice
            grid.addWidget(choice, place % 2, place // 2)
        grid.setColumnStretch(1, 1)
        return card

    def _wait_for(self, start: str, _on: bool = True) -> None:
        self.session.mix.set("fade_start", start)

    def _tap(self) -> None:
        self._do(self.session.clock.tap)

    def _do(self, work: Callable[[], object]) -> None:
        work()
        self.session.post("session")

    def add_section(self, title: str, widget: QWidget) -> None:
        """Something more that belongs to the clock, such as a clock out, below what changes wait for."""
        self._sections.addSpacing(theme.space(2))
        self._sections.addWidget(label(title, "title"))
        self._sections.addWidget(widget)

    def choose(self, name: str, _on: bool = True) -> None:
        """Follow this source from now on."""
        if self.session.clock_sources.choose(name):
            keep_settings(self.session, self)
        self.refresh()

    def tick(self) -> None:
        """Move the lights."""
        self.beat.tick()

    def refresh(self) -> None:
        """Tempo, sources and their states as they are."""
        sources = self.session.clock_sources
        if sources.sources != self._sources:
            self._sources = list(sources.sources)
            clear(self._cards)
            self.cards = {}
            for source in self._sources:
                card = self.cards[source.name] = SourceCard(source, self)
                self._cards.addWidget(card)
        chosen = sources.chosen
        for name, card in self.cards.items():
            card.show_state(name == chosen.name)
        led = chosen is not sources.sources[0]
        text = f"{chosen.title} leads: what is typed or tapped here lasts until its next beat."
        self.led.setText(text if led else "")
        self.led.setVisible(led)
        if not self.bpm.hasFocus() or abs(self.bpm.value() - self.session.clock.bpm) > 0.05:
            self.bpm.blockSignals(True)
            self.bpm.setValue(self.session.clock.bpm)
            self.bpm.blockSignals(False)
        self.waits[self.session.mix.fade_start].setChecked(True)
