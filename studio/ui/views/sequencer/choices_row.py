"""Ways to go on, side by side as small rolls: one click and it is what plays next."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QEnterEvent, QFocusEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from studio.session.playback_steer import Option
from studio.session.playback_track import Played
from studio.ui import theme
from studio.ui.kit.buttons import tool_button
from studio.ui.kit.painting import focus_ring
from studio.ui.views.sequencer.looks import DRUMS
from studio.ui.views.sequencer.roll_paint import note_color
from studio.ui.views.sequencer.roll_state import DRUM_ORDER


def notes_of(option: Option, begin: float = 0.0) -> list[Played]:
    """An option's notes from beat ``begin`` on."""
    found: list[Played] = []
    for block in option.blocks:
        found += [Played(begin + note.start, note) for note in block.notes]
        begin += block.length
    return found


class MiniRoll(QAbstractButton):
    """One way to go on. ``entered`` and ``left`` tell of the pointer or the keyboard on it."""

    entered = Signal(int)
    left = Signal(int)

    def __init__(self, number: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.number = number
        self.notes: list[Played] = []
        self.beats = 8.0
        self.bar = 4
        self.range = (48, 72)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.set_waiting()

    def set_waiting(self) -> None:
        """Nothing yet."""
        self.notes = []
        self.setEnabled(False)
        self.setAccessibleName(f"Continuation {self.number + 1}: being made")
        self.update()

    def show_notes(self, notes: list[Played], beats: float, bar: int, span: tuple[int, int]) -> None:
        """Show what it would play."""
        self.notes, self.beats, self.bar, self.range = notes, max(1.0, beats), bar, span
        self.setEnabled(True)
        self.setAccessibleName(f"Continuation {self.number + 1}: {len(notes)} notes")
        self.setToolTip(f"Play this next (key {self.number + 1})")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(theme.px(150), theme.px(72))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.px(48), theme.px(48))

    def enterEvent(self, event: QEnterEvent) -> None:
        self.entered.emit(self.number)
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self.left.emit(self.number)
        super().leaveEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.entered.emit(self.number)
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.left.emit(self.number)
        super().focusOutEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        over = self.isEnabled() and (self.underMouse() or self.isDown())
        painter.setPen(theme.color("accent" if over else "line"))
        painter.setBrush(theme.color("hover" if over else "raised" if self.isEnabled() else "panel"))
        radius = theme.px(6)
        painter.drawRoundedRect(rect, radius, radius)
        if self.notes:
            self._paint_notes(painter, rect.adjusted(theme.px(8), theme.px(8), -theme.px(8), -theme.px(8)))
        elif self.isEnabled():
            painter.setPen(theme.color("faint"))
            painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, "silence")
        painter.setFont(theme.font("tiny"))
        painter.setPen(theme.color("dim" if self.isEnabled() else "disabled"))
        corner = rect.adjusted(theme.px(6), theme.px(3), 0, 0)
        painter.drawText(corner, Qt.AlignmentFlag.AlignLeft, f"{self.number + 1}")
        if self.hasFocus():
            focus_ring(painter, rect, radius)

    def _paint_notes(self, painter: QPainter, area: QRectF) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        for beat in range(self.bar, round(self.beats), self.bar):
            x = area.left() + beat / self.beats * area.width()
            painter.fillRect(QRectF(x, area.top(), 1, area.height()), theme.color("line"))
        drums = all(item.note.channel == DRUMS for item in self.notes)
        rank = {pitch: place for place, pitch in enumerate(DRUM_ORDER)}
        used = sorted({item.note.pitch for item in self.notes}, key=lambda p: rank.get(p, 99))
        low, high = self.range
        rows = len(used) if drums else high - low + 1
        height = area.height() / max(1, rows)
        for item in self.notes:
            row = used.index(item.note.pitch) if drums else item.note.pitch - low
            top = area.bottom() - (row + 1) * height
            width = max(2.0, (0.2 if drums else item.note.duration) / self.beats * area.width() - 1.0)
            left = area.left() + item.beat / self.beats * area.width()
            painter.setBrush(note_color(item, drums))
            bar = max(2.0, min(height * 0.8, theme.px(7)))
            painter.drawRoundedRect(QRectF(left, top + (height - bar) / 2, min(width, area.right() - left), bar), 1, 1)


class ChoicesRow(QWidget):
    """The row of options. ``chosen(place)``, ``looked_at(place or -1)``, ``again`` and ``closed`` say what is asked."""

    chosen = Signal(int)
    looked_at = Signal(int)
    again = Signal()
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.space(1))
        head = QHBoxLayout()
        head.setSpacing(theme.space(1))
        self.label = QLabel()
        theme.set_role(self.label, "dim")
        head.addWidget(self.label, 1)
        head.addWidget(tool_button("dice", "Other ones", tip="Make other continuations", size=14,
                                   clicked=self.again.emit))
        head.addWidget(tool_button("close", "Close", tip="Go on as it would (Escape)", size=14,
                                   clicked=self.closed.emit))
        column.addLayout(head)
        self._row = QHBoxLayout()
        self._row.setSpacing(theme.space(2))
        column.addLayout(self._row, 1)
        self.cards: list[MiniRoll] = []
        self.setFixedHeight(theme.px(104))

    def wait(self, count: int) -> None:
        """So many are being made."""
        while len(self.cards) > count:
            card = self.cards.pop()
            self._row.removeWidget(card)
            card.deleteLater()
        while len(self.cards) < count:
            card = MiniRoll(len(self.cards), self)
            card.clicked.connect(lambda _=False, n=card.number: self.chosen.emit(n))
            card.entered.connect(self.looked_at)
            card.left.connect(lambda _: self.looked_at.emit(-1))
            self.cards.append(card)
            self._row.addWidget(card)
        for card in self.cards:
            card.set_waiting()
        self.label.setText(f"Trying {count} ways to go on…")

    def show_options(self, options: Sequence[Option], bar: int) -> None:
        """They are made."""
        made = [notes_of(option) for option in options]
        pitches = [item.note.pitch for notes in made for item in notes] or [60]
        span = min(pitches) - 1, max(pitches) + 1
        for card, option, notes in zip(self.cards, options, made, strict=False):
            card.show_notes(notes, sum(block.length for block in option.blocks), bar, span)
        if self.cards and self.isVisible():
            self.cards[0].setFocus(Qt.FocusReason.OtherFocusReason)

    def set_place(self, bars: float | None) -> None:
        """Say after how many bars they would begin."""
        whole = bars is not None and abs(bars - round(bars)) < 0.01
        where = f"after bar {round(bars)}" if whole and bars is not None else "next"
        self.label.setText(f"Pick what comes {where}")

    def fail(self, why: str) -> None:
        """They could not be made."""
        self.label.setText(f"No continuation: {why}")
