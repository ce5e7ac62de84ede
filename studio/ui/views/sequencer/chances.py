"""Chances as bars: of the letter under the pointer, and of what could come next."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QGuiApplication, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QVBoxLayout, QWidget

from studio.session.playback_track import Letter
from studio.ui import theme
from studio.ui.kit.painting import focus_ring
from studio.ui.views.sequencer.looks import chance_color, shown


def percent(chance: float) -> str:
    """12 %, or < 1 %."""
    return f"{chance:.0%}" if chance >= 0.01 else "< 1 %"


class ChancesPopup(QWidget):
    """What a letter was chosen among; it never takes the keyboard."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.ToolTip | Qt.WindowType.FramelessWindowHint)
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground)
        self.letter: Letter | None = None
        self._rows: list[tuple[str, float, bool]] = []

    def show_letter(self, letter: Letter | None, place: QPoint) -> None:
        """Show one beside ``place`` (global), or hide."""
        if letter is None or letter.chance is None:
            self.letter = None
            self.hide()
            return
        if letter is not self.letter:
            self.letter = letter
            rows = [(character, chance, character == letter.character) for character, chance in letter.choices]
            if not any(row[2] for row in rows):
                rows.append((letter.character, letter.chance, True))
            self._rows = rows
            self.setAccessibleName(f"{shown(letter.character)} had {percent(letter.chance)}")
            self.resize(theme.px(184), theme.space(4) + theme.px(20) * len(rows))
            self.update()
        screen = QGuiApplication.screenAt(place) or QGuiApplication.primaryScreen()
        area = screen.availableGeometry()
        x = min(place.x() + theme.px(14), area.right() - self.width())
        y = place.y() + theme.px(20)
        if y + self.height() > area.bottom():
            y = place.y() - self.height() - theme.px(12)
        self.move(x, y)
        self.show()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(theme.color("edge"))
        painter.setBrush(theme.color("raised"))
        painter.drawRoundedRect(rect, theme.px(6), theme.px(6))
        y = rect.top() + theme.space(2)
        for character, chance, chosen in self._rows:
            row = QRectF(rect.left() + theme.space(2), y, rect.width() - theme.space(4), theme.px(20))
            paint_row(painter, row, shown(character), chance, chosen=chosen)
            y += theme.px(20)


def paint_row(
    painter: QPainter, row: QRectF, text: str, chance: float, *, chosen: bool = False, name: float = 24.0,
    ink: QColor | None = None,
) -> None:
    """A name, a bar and a figure. ``name`` is the name's width in pixels at scale 1; the bar grows with the root of the
    chance, so that small ones can be told apart."""
    painter.setFont(theme.font("strong" if chosen else "body"))
    painter.setPen(theme.color("text" if chosen else "dim"))
    label = QRectF(row.left(), row.top(), theme.px(name), row.height())
    text = QFontMetricsF(painter.font()).elidedText(text, Qt.TextElideMode.ElideRight, label.width())
    painter.drawText(label, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
    figure = QRectF(row.right() - theme.px(36), row.top(), theme.px(36), row.height())
    painter.setFont(theme.font("tiny"))
    painter.drawText(figure, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, percent(chance))
    room = QRectF(label.right() + theme.px(6), row.center().y() - theme.px(3), 0, theme.px(6))
    room.setRight(figure.left() - theme.px(6))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.color("line"))
    painter.drawRoundedRect(room, theme.px(3), theme.px(3))
    room.setWidth(max(theme.px(3), room.width() * chance**0.5))
    painter.setBrush(ink or (chance_color(chance) if chosen else theme.color("faint")))
    painter.drawRoundedRect(room, theme.px(3), theme.px(3))


class NextButton(QAbstractButton):
    """One way to go on, with its chance; a click writes it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.value, self.chance = "", 0.0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def put(self, value: str, chance: float, stem: str = "") -> None:
        """Offer this; ``stem`` is the begun word that it finishes."""
        name = "".join(shown(c) if c in "\n\t" else c for c in stem + value).strip() or shown(value[:1])
        if (value, chance, name) != (self.value, self.chance, self.text()):
            self.value, self.chance = value, chance
            self.setText(name)
            self.setAccessibleName(f"Write {name}, {percent(chance)}")
            self.setToolTip(f"Write “{name}” next")
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(theme.px(180), theme.px(26))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        if self.underMouse() or self.isDown():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("pressed" if self.isDown() else "hover"))
            painter.drawRoundedRect(rect, theme.px(4), theme.px(4))
        row = rect.adjusted(theme.px(6), 0, -theme.px(6), 0)
        paint_row(painter, row, self.text(), self.chance, chosen=True, name=84.0, ink=theme.color("text_media"))
        if self.hasFocus():
            focus_ring(painter, rect, theme.px(4))


class NextList(QWidget):
    """Ways to go on, likeliest first. ``picked`` has the text to write."""

    picked = Signal(str)

    def __init__(self, most: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self.buttons = [NextButton(self) for _ in range(most)]
        for button in self.buttons:
            button.hide()
            button.clicked.connect(lambda _=False, b=button: self.picked.emit(b.value))
            self._column.addWidget(button)

    def put(self, items: Sequence[tuple[str, float]], stem: str = "") -> None:
        """Offer these; ``stem`` is the begun word that those finish which begin with a letter."""
        for place, button in enumerate(self.buttons):
            if place < len(items):
                value, chance = items[place]
                button.put(value, chance, stem if value[:1].isalnum() or value[:1] in "'-" else "")
            button.setVisible(place < len(items))
