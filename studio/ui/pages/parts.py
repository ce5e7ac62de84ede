"""What the pages share: the frame with its heading, rows of facts, a place to drop files on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QObject, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QDropEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from studio.session.core import Core
from studio.ui import icons, theme
from studio.ui.kit import mime
from studio.ui.kit.drops import TakesDrops
from studio.ui.kit.painting import focus_ring


class Page(QFrame):
    """A page: title and one line about it at the top left, what can be done at the top right, and the body below.

    ``hears`` remembers what ``session.on`` gave, and ends it with the page.
    """

    widest = 0
    """Widest body (pixels at scale 1) where rows would be too long for the eye on a very large screen; 0: any width."""

    show_page = Signal(str)  # the name of another page that is wanted

    def __init__(self, session: Core, title: str, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.setObjectName(f"page-{title.lower()}")
        self.setAccessibleName(title)
        theme.set_role(self, "panel")
        head = QLabel(title)
        head.setProperty("role", "display")
        self.about = QLabel(text)
        self.about.setProperty("role", "dim")
        self.about.setWordWrap(True)
        words = QVBoxLayout()
        words.setSpacing(theme.space(0.5))
        words.addWidget(head)
        words.addWidget(self.about)
        if not text:  # never shown here: without a parent it would be a window for a moment, and take the focus
            self.about.hide()
        self.tools = QHBoxLayout()
        self.tools.setSpacing(theme.space(2))
        top = QHBoxLayout()
        top.addLayout(words, 1)
        top.addLayout(self.tools)
        self.body = QVBoxLayout()
        self.body.setSpacing(theme.space(3))
        layout = QVBoxLayout(self)
        self._set_margins()
        layout.setSpacing(theme.space(4))
        layout.addLayout(top)
        layout.addLayout(self.body, 1)
        self._offs: list[Callable[[], None]] = []
        self.destroyed.connect(_ender(self._offs))

    def _set_margins(self) -> None:
        layout, side = self.layout(), theme.space(6)
        spare = max(0, self.width() - 2 * side - theme.px(self.widest)) if self.widest else 0
        if layout is not None:
            layout.setContentsMargins(side, theme.space(4), side + spare, theme.space(4))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._set_margins()

    def hear(self, kind: str, callback: Callable[[Any], None]) -> None:
        """Hear of news of the session for as long as the page is there."""
        self._offs.append(self.session.on(kind, callback))

    def refresh(self) -> None:
        """Called about four times a second while the page is shown."""


def _ender(offs: list[Callable[[], None]]) -> Callable[..., None]:
    def end(*_: object) -> None:
        for off in offs:
            off()
        offs.clear()

    return end


def label(text: str = "", role: str = "", *, wrap: bool = False, select: bool = False) -> QLabel:
    """A label with a role of the theme."""
    made = QLabel(text)
    if role:
        made.setProperty("role", role)
    made.setWordWrap(wrap)
    if wrap:
        made.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    if select:
        made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return made


def rule() -> QFrame:
    """A thin line between two parts."""
    made = QFrame()
    made.setProperty("role", "rule")
    return made


def scrolled(inner: QWidget, *, role: str = "") -> QScrollArea:
    """A column that scrolls up and down only."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    inner.setProperty("role", role or "page")
    area.setWidget(inner)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return area


def column(
    *parts: QWidget | QHBoxLayout | QVBoxLayout, space: float = 2, margins: Sequence[float] = (0, 0, 0, 0),
    stretch: bool = False,
) -> QWidget:
    """Widgets one below the other; with ``stretch`` the room that is left stays at the foot."""
    made = QWidget()
    layout = QVBoxLayout(made)
    layout.setContentsMargins(*(theme.space(n) for n in margins))
    layout.setSpacing(theme.space(space))
    for part in parts:
        if isinstance(part, QWidget):
            layout.addWidget(part)
        else:
            layout.addLayout(part)
    if stretch:
        layout.addStretch(1)
    return made


def clear(layout: Any) -> None:
    """Take everything out of a layout."""
    while layout.count():
        item = layout.takeAt(0)
        widget = item.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
        elif item.layout() is not None:
            clear(item.layout())


def breakable(text: str, longest: int = 30) -> str:
    """Let very long words (paths, hashes) wrap, with spaces of no width."""
    return " ".join(
        word if len(word) <= longest else "\u200b".join(word[i : i + 10] for i in range(0, len(word), 10))
        for word in text.split(" ")
    )


class Facts(QWidget):
    """Rows of a name and what is known: a card, a report, a list of devices."""

    def __init__(
        self, rows: Iterable[tuple[str, str]] = (), parent: QWidget | None = None, *, name_width: int = 0
    ) -> None:
        super().__init__(parent)
        self._name_width = name_width
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(theme.space(4))
        self._grid.setVerticalSpacing(theme.space(1.5))
        self._grid.setColumnStretch(1, 1)
        self._rows: list[tuple[str, str]] = []
        self.set(rows)

    def set(self, rows: Iterable[tuple[str, str]]) -> None:
        """Show other rows; nothing is rebuilt when they are the same."""
        wanted = list(rows)
        if wanted == self._rows:
            return
        clear(self._grid)
        self._rows = wanted
        for place, (name, text) in enumerate(wanted):
            head = label(name, "dim", wrap=bool(self._name_width))
            if self._name_width:
                head.setFixedWidth(theme.px(self._name_width))
            self._grid.addWidget(head, place, 0, Qt.AlignmentFlag.AlignTop)
            value = label(breakable(text), wrap=True, select=True)
            value.setMinimumWidth(1)
            value.setAccessibleName(f"{name}: {text}")
            value.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
            self._grid.addWidget(value, place, 1)

    def rows(self) -> list[tuple[str, str]]:
        """What is shown."""
        return list(self._rows)


class DropArea(TakesDrops, QWidget):
    """A dashed field that takes files by drop, click or key, and shows what it was given."""

    dropped = Signal(object)  # list[Path]
    pressed = Signal()

    def __init__(self, icon: str, title: str, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon, self._title, self._text = icon, title, text
        self.setAcceptDrops(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.set(icon, title, text)

    def set(self, icon: str, title: str, text: str) -> None:
        """Say something else."""
        self._icon, self._title, self._text = icon, title, text
        self.setAccessibleName(f"{title}. {text}")
        self.setToolTip(f"{text}\nDrop here, or press to choose")
        self.update()

    def title(self) -> str:
        """The upper line."""
        return self._title

    def sizeHint(self) -> QSize:
        return QSize(theme.px(240), theme.px(68))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        hot = self._over or self.underMouse()
        painter.setBrush(theme.color("accent_soft" if self._over else "hover" if hot else "field"))
        pen = QPen(theme.color("accent" if self._over else "edge"), 1)
        pen.setStyle(Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.drawRoundedRect(rect, theme.px(8), theme.px(8))
        side = theme.px(24)
        icon = QRectF(rect.left() + theme.space(4), rect.center().y() - side / 2, side, side)
        icons.paint(painter, self._icon, icon, theme.color("accent" if hot else "dim"))
        room = rect.adjusted(side + theme.space(8), theme.space(3), -theme.space(3), -theme.space(3))
        painter.setFont(theme.font("strong"))
        metrics = painter.fontMetrics()
        both = metrics.height() * 2 + theme.space(1)
        top = room.center().y() - both / 2
        painter.setPen(theme.color("text"))
        title = metrics.elidedText(self._title, Qt.TextElideMode.ElideMiddle, int(room.width()))
        upper = QRectF(room.left(), top, room.width(), metrics.height())
        painter.drawText(upper, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, title)
        painter.setFont(theme.font("small"))
        painter.setPen(theme.color("dim"))
        text = painter.fontMetrics().elidedText(self._text, Qt.TextElideMode.ElideRight, int(room.width()))
        lower = upper.translated(0, metrics.height() + theme.space(1))
        painter.drawText(lower, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
        if self.hasFocus():
            focus_ring(painter, rect, theme.px(8))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.pressed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.pressed.emit()
        else:
            super().keyPressEvent(event)

    def fits(self, event: QDropEvent) -> list[Path]:
        what = mime.read(event.mimeData())
        return list(what.files) if what is not None else []

    def take(self, what: list[Path]) -> None:
        self.dropped.emit(what)


class _NoWheel(QObject):
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return False


def no_wheel(widget: QAbstractSpinBox) -> None:
    """Turning the wheel over a long form scrolls it and changes nothing that it passes."""
    widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    widget.installEventFilter(_NoWheel(widget))


def size_text(count: float) -> str:
    """Bytes as people write them."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count:,.0f} B"
