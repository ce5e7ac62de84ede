"""The first minute: five ways in, each of which leads to something that moves or sounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from studio.session.session import Session
from studio.ui import icons, theme
from studio.ui.kit.painting import focus_ring, rounded


@dataclass(frozen=True)
class Way:
    """One way in."""

    key: str
    icon: str
    kind: str
    title: str
    text: str


WAYS = (
    Way("latent", "latent", "image", "Explore a latent space",
        "Wander through flowers that never grew: drag through the map, breed, set keyframes."),
    Way("text", "text", "text", "Write with a network",
        "It writes in Shakespeare's voice, a character at a time. Pick a word, go on from there."),
    Way("music", "notes", "notes", "Play the chorale model",
        "Four voices that know where they are going, played by the built-in synth."),
    Way("style", "style", "image", "Step into a painting",
        "Your camera, or our sample scene, painted live in sixteen styles and what lies between."),
    Way("dream", "dream", "image", "Dream",
        "Ask a network what it sees, and fall into it: an endless zoom."),
)


class WayCard(QWidget):
    """A large button with icon, title and a sentence."""

    chosen = Signal(str)

    def __init__(self, way: Way, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.way = way
        self._hover = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(way.title)
        self.setAccessibleDescription(way.text)
        self.setToolTip(way.text)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(theme.px(76), theme.px(92))

    def sizeHint(self) -> QSize:
        return QSize(theme.px(190), theme.px(140))

    def enterEvent(self, event: object) -> None:
        self._hover = True
        self.update()

    def leaveEvent(self, event: object) -> None:
        self._hover = False
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.chosen.emit(self.way.key)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.chosen.emit(self.way.key)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        accent = theme.kind_color(self.way.kind)
        ground = theme.blend(theme.color("raised"), accent, 0.16 if self._hover or self.hasFocus() else 0.05)
        painter.fillPath(rounded(area, theme.px(10)), ground)
        pad, side = theme.px(14 if self.width() > theme.px(110) else 7), theme.px(26)
        bold = theme.font("body")
        bold.setBold(True)
        painter.setFont(bold)
        painter.setPen(theme.color("text"))
        inner = area.adjusted(pad, pad, -pad, -theme.px(8))
        if self._lines_missing(inner, side):  # little height: all icons make room for the words
            side = -theme.px(8)
        wrapped = Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignTop
        if side > 0:
            icons.paint(painter, self.way.icon, QRectF(area.left() + pad, area.top() + pad, side, side), accent)
        room = QRectF(inner.left(), inner.top() + side + theme.px(8), inner.width(), inner.height())
        title = painter.boundingRect(room, wrapped, self.way.title)
        painter.drawText(title, wrapped, self.way.title)
        painter.setFont(theme.font("body"))
        painter.setPen(theme.color("dim"))
        text = QRectF(inner.left(), title.bottom() + theme.px(4), inner.width(), inner.bottom() - title.bottom())
        if text.height() > theme.px(16):
            one, two = (painter.boundingRect(text, wrapped, lines).height() for lines in ("x", "x\nx"))
            room_for = max(1, int((inner.bottom() - text.top() - one) // (two - one)) + 1)
            text.setHeight(one + (room_for - 1) * (two - one))  # whole lines, never half of one
            painter.setClipRect(text)
            painter.drawText(text, wrapped, self.way.text)
            painter.setClipping(False)
        if self.hasFocus():
            focus_ring(painter, area, theme.px(10))

    def _lines_missing(self, inner: QRectF, side: float) -> bool:
        """Whether icon, title and sentence of any way are higher than such a card: all cards look alike, though
        some are a pixel wider."""
        plain = theme.font("body")
        bold = theme.font("body")
        bold.setBold(True)
        parent = self.parentWidget()
        narrow = min((card.width() for card in parent.findChildren(WayCard)) if parent else (), default=self.width())
        wrap, room = int(Qt.TextFlag.TextWordWrap.value), QRectF(0, 0, inner.width() + narrow - self.width(), 10_000)
        words = max(sum(QFontMetricsF(font).boundingRect(room, wrap, text).height()
                        for font, text in ((bold, way.title), (plain, way.text))) for way in WAYS)
        return side + theme.px(12) + words > inner.height()


class Welcome(QWidget):
    """The cards. ``chosen(key)`` names a way; ``closed`` is emitted when the user wants none."""

    chosen = Signal(str)
    closed = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        middle = QWidget()  # on a very large screen the cards stay cards, in the middle
        middle.setMaximumSize(theme.px(1560), theme.px(320))
        around = QGridLayout(self)
        around.setContentsMargins(0, 0, 0, 0)
        around.addWidget(middle, 1, 1)
        for place, share in ((0, 1), (1, 1000), (2, 1)):
            around.setColumnStretch(place, share)
            around.setRowStretch(place, share)
        column = QVBoxLayout(middle)
        column.setContentsMargins(theme.space(5), theme.space(4), theme.space(5), theme.space(3))
        column.setSpacing(theme.space(3))
        head = QHBoxLayout()
        title = QLabel("What shall it be?")
        title.setFont(theme.font("title"))
        head.addWidget(title)
        note = QLabel("Everything here was made by small networks that this studio trained itself.")
        theme.set_role(note, "dim")
        note.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        head.addSpacing(theme.space(3))
        head.addWidget(note, 1)
        column.addLayout(head)
        grid = QGridLayout()
        grid.setSpacing(theme.space(3))
        self.cards = [WayCard(way) for way in WAYS]
        for place, card in enumerate(self.cards):
            card.chosen.connect(self.chosen)
            grid.addWidget(card, 0, place)
            grid.setColumnStretch(place, 1)
        column.addLayout(grid, 1)
        foot = QHBoxLayout()
        self.again = QCheckBox("Show this at every start")
        self.again.setChecked(True)
        foot.addWidget(self.again)
        foot.addStretch(1)
        close = QPushButton("Go to the studio")
        close.setToolTip("Close this page (Escape); Help › Welcome brings it back")
        close.clicked.connect(self.closed)
        foot.addWidget(close)
        column.addLayout(foot)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)


def take_way(session: Session, key: str) -> None:
    """Do what a card says; where something already plays, its values are kept and it is only brought forward."""
    starts: dict[str, Callable[[], None]] = {
        "latent": lambda: _deck(session, "reverie.latent_explorer", "garden-walk"),
        "style": lambda: _deck(session, "reverie.style_camera", "starry-night"),
        "dream": lambda: _deck(session, "reverie.deep_dream", "the-long-way"),
        "text": lambda: _player(session, "reverie.text_sequencer", "to-be"),
        "music": lambda: _player(session, "reverie.midi_sequencer", "evensong"),
    }
    starts[key]()


def _deck(session: Session, generator: str, preset: str) -> None:
    for line in session.decks.values():
        if line.slots and line.slots[0].generator == generator:
            session.select(line.name, 0)
            return
    if generator == "reverie.style_camera" and not session.decks["A"].input:
        session.set_input("A", "camera:0")
    session.load("A", generator, preset=preset)
    session.set_crossfade(0.0, gesture=None)


def _player(session: Session, generator: str, preset: str) -> None:
    for line in session.players.values():
        if line.slots and line.slots[0].generator == generator:
            session.start(line.name)
            session.select(line.name, 0)
            return
    empty = next((line for line in session.players.values() if not line.slots), None)
    session.load((empty or session.add_player()).name, generator, preset=preset)
