"""The train of tokens: the last characters and those that wait, each in the colour of its chance."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.session.playback_track import Letter
from studio.ui import theme
from studio.ui.views.sequencer.looks import chance_color, shown
from studio.ui.views.sequencer.roll_paint import faded

NEXT = 6
"""Characters that wait and are shown."""


class Train(QWidget):
    """``hovered`` tells of the letter under the pointer (None: of none)."""

    hovered = Signal(object, QPoint)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._written: list[Letter] = []
        self._coming: list[Letter] = []
        self._key: object = None
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Last characters and their chances")

    def sizeHint(self) -> QSize:
        return QSize(theme.px(320), theme.px(34))

    @property
    def room(self) -> int:
        """How many characters have room."""
        return max(1, self.width() // self._side())

    @staticmethod
    def _side() -> int:
        return theme.px(21)

    def put(self, written: Sequence[Letter], coming: Sequence[Letter]) -> None:
        """Show the ends of these."""
        self._coming = list(coming[:NEXT])
        self._written = list(written[-max(1, self.room - NEXT) :])
        key = [id(letter) for letter in (*self._written, *self._coming)]
        if key != self._key:
            self._key = key
            self.update()

    def letter_at(self, place: QPoint) -> Letter | None:
        """The letter under a point."""
        start = self._start()
        number = (place.x() - start) // self._side()
        everything = [*self._written, *self._coming]
        return everything[number] if place.x() >= start and number < len(everything) else None

    def _start(self) -> int:
        return (self.room - NEXT - len(self._written)) * self._side()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place = event.position().toPoint()
        self.hovered.emit(self.letter_at(place), self.mapToGlobal(place))

    def leaveEvent(self, event: QEvent) -> None:
        self.hovered.emit(None, QPoint())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font("mono"))
        side, x = self._side(), self._start()
        top, height = theme.px(4), self.height() - theme.px(8)
        for place, letter in enumerate((*self._written, *self._coming)):
            coming = place >= len(self._written)
            ink = chance_color(letter.chance)
            box = QRectF(x + 1, top, side - 2, height)
            painter.setPen(faded(ink, 0.5) if coming else Qt.PenStyle.NoPen)
            painter.setBrush(faded(ink, 0.0 if coming else 0.20))
            painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), theme.px(4), theme.px(4))
            if not coming:
                share = letter.chance if letter.chance is not None else 0.0
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(ink)
                painter.drawRoundedRect(QRectF(box.left() + 3, box.bottom() - theme.px(3),
                                               max(2.0, (box.width() - 6) * share), theme.px(2)), 1, 1)
            painter.setPen(theme.color("faint" if coming or letter.character in " \n\t" else "text"))
            painter.drawText(box.adjusted(0, -1, 0, -2), Qt.AlignmentFlag.AlignCenter, shown(letter.character))
            x += side
            if place == len(self._written) - 1:
                painter.fillRect(QRectF(x - 0.75, theme.px(2), 1.5, self.height() - theme.px(4)),
                                 theme.color("text_media"))
