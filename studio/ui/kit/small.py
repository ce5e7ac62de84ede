"""Small parts: badge, search field, times, the page that says why it is empty."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFontMetrics, QIcon, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QLineEdit, QSizePolicy, QVBoxLayout, QWidget

from studio.ui import icons, theme
from studio.ui.kit.buttons import button
from studio.ui.kit.painting import pill


class Badge(QWidget):
    """A small word in a pill, coloured by role: ``LIVE``, ``failed``, ``GPU``."""

    def __init__(
        self, text: str = "", role: str = "dim", *, filled: bool = False, gives_way: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        """With ``gives_way`` it asks for no room: where there is little its word is cut, and whole in the tooltip."""
        super().__init__(parent)
        self._text, self._role, self._filled, self._gives_way = "", role, filled, gives_way
        wide = QSizePolicy.Policy.Maximum if gives_way else QSizePolicy.Policy.Fixed
        self.setSizePolicy(wide, QSizePolicy.Policy.Fixed)
        self.set(text, role)

    def set(self, text: str, role: str | None = None) -> None:
        """Another word, and another colour where ``role`` is given."""
        if (text, role or self._role) == (self._text, self._role):
            return
        self._text, self._role = text, role or self._role
        self.setAccessibleName(text)
        self.updateGeometry()
        self.update()

    def text(self) -> str:
        """The word."""
        return self._text

    def sizeHint(self) -> QSize:
        metrics = QFontMetrics(theme.font("tiny"))
        return QSize(metrics.horizontalAdvance(self._text) + theme.space(3), metrics.height() + theme.space(1))

    def minimumSizeHint(self) -> QSize:
        return QSize(0, self.sizeHint().height()) if self._gives_way else self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        text = self._text
        if self.width() < self.sizeHint().width():
            room = max(0, self.width() - theme.space(3))
            text = QFontMetrics(theme.font("tiny")).elidedText(text, Qt.TextElideMode.ElideRight, room)
        ink = theme.color(self._role if self.isEnabled() else "disabled")
        ground = QColor(ink) if self._filled else theme.blend(theme.color("panel"), ink, 0.16)
        pill(painter, text, QPointF(0, 0), ground, theme.color("on_accent") if self._filled else ink)


class Elided(QLabel):
    """A label that ends in dots where it has no room; its tooltip is then the whole text."""

    def __init__(self, text: str = "", parent: QWidget | None = None, *, tip: str = "") -> None:
        super().__init__(text, parent)
        self._tip = tip
        self.setMinimumWidth(theme.px(24))
        self.setToolTip(tip or text)

    def set_tip(self, tip: str) -> None:
        """What the tooltip says after the whole text."""
        self._tip = tip
        self.setToolTip(tip or self.text())

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.px(24), super().minimumSizeHint().height())

    def is_cut(self) -> bool:
        """Whether dots are shown."""
        return self.fontMetrics().horizontalAdvance(self.text()) > self.contentsRect().width()

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self.is_cut():
            super().paintEvent(event)
            return
        painter = QPainter(self)
        rect = self.contentsRect()
        text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, rect.width())
        role = self.foregroundRole()
        self.style().drawItemText(painter, rect, int(self.alignment()), self.palette(), self.isEnabled(), text, role)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip:
            parts = [self.text() if self.is_cut() else "", self._tip]
            self.setToolTip("\n".join(part for part in parts if part))
        return super().event(event)


class SearchField(QLineEdit):
    """Search while typing; ``searched`` comes when the hand rests. Escape clears it."""

    searched = Signal(str)

    def __init__(self, hint: str = "Search", parent: QWidget | None = None, *, wait_ms: int = 120) -> None:
        super().__init__(parent)
        self.setProperty("role", "search")
        self.setPlaceholderText(hint)
        self.setAccessibleName(hint)
        self.setToolTip(f"{hint}: words of the title or a tag; Escape clears")
        self.addAction(icons.icon("search", "faint"), QLineEdit.ActionPosition.LeadingPosition)
        self._clear = self.addAction(icons.icon("close", "dim"), QLineEdit.ActionPosition.TrailingPosition)
        self._clear.setToolTip("Clear the search")
        self._clear.setVisible(False)
        self._clear.triggered.connect(self.clear)
        self._wait = QTimer(self, singleShot=True, interval=wait_ms)
        self._wait.timeout.connect(self._emit)
        self._last = ""
        self.textChanged.connect(self._typed)

    def event(self, event: QEvent) -> bool:
        """Leaves Ctrl+E and Ctrl+K to the window; Qt's fields take them for the end of the line on some systems."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and (
            event.modifiers() == Qt.KeyboardModifier.ControlModifier and event.key() in (Qt.Key.Key_E, Qt.Key.Key_K)
        ):
            event.ignore()
            return True
        return super().event(event)

    def _typed(self, text: str) -> None:
        self._clear.setVisible(bool(text))
        if text:
            self._wait.start()
        else:
            self._emit()

    def _emit(self) -> None:
        self._wait.stop()
        if self.text() != self._last:
            self._last = self.text()
            self.searched.emit(self._last)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._emit()
        elif event.key() == Qt.Key.Key_Down:
            self._emit()
            self.focusNextChild()
        else:
            super().keyPressEvent(event)


def clock_text(seconds: float) -> str:
    """``0:05``, ``12:34`` or ``1:02:03``."""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{left:02d}" if hours else f"{minutes}:{left:02d}"


def left_text(seconds: float | None) -> str:
    """What is left as people say it: ``a few seconds left``, ``about 2 min left``; empty when it is not known."""
    if seconds is None or seconds != seconds or seconds < 0:
        return ""
    if seconds < 8:
        return "a few seconds left"
    if seconds < 55:
        return f"about {round(seconds / 5) * 5} s left"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"about {max(1, minutes)} min left"
    hours, rest = divmod(round(seconds / 300) * 5, 60)
    return f"about {hours} h {rest} min left" if rest else f"about {hours} h left"


class TimeText(QLabel):
    """A time in digits of one width."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFont(theme.font("number"))
        self.setProperty("role", "dim")

    def set_elapsed(self, seconds: float, total: float | None = None) -> None:
        """``0:42``, or ``0:42 / 3:00``."""
        self.setText(clock_text(seconds) if total is None else f"{clock_text(seconds)} / {clock_text(total)}")

    def set_left(self, seconds: float | None) -> None:
        """``about 2 min left``; empty when it is not known."""
        self.setText(left_text(seconds))


class EmptyState(QWidget):
    """Why a page or list is empty, and the one thing to do about it."""

    activated = Signal()

    def __init__(
        self, icon: str, title: str, text: str = "", button_text: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._icon = icon
        self._picture = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self._title = QLabel(title, alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
        self._title.setProperty("role", "title")
        self._text = QLabel(text, alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
        self._text.setProperty("role", "dim")
        self.button = button(button_text, role="primary", clicked=self.activated.emit)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.space(6), theme.space(6), theme.space(6), theme.space(6))
        layout.setSpacing(theme.space(2))
        layout.addStretch(2)
        for part in (self._picture, self._title, self._text):
            layout.addWidget(part)
        layout.addSpacing(theme.space(1))
        layout.addWidget(self.button, alignment=Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(3)
        self.set(icon, title, text, button_text)

    def set(self, icon: str, title: str, text: str = "", button_text: str = "") -> None:
        """Say something else."""
        self._icon = icon
        self._title.setText(title)
        self._text.setText(text)
        self._text.setVisible(bool(text))
        self.button.setText(button_text)
        self.button.setVisible(bool(button_text))
        self.setAccessibleName(title)
        self.setAccessibleDescription(text)
        self._draw()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.StyleChange:
            self._draw()
        super().changeEvent(event)

    def _draw(self) -> None:
        picture: QIcon = icons.icon(self._icon, "faint")
        side = theme.px(36)
        self._picture.setPixmap(picture.pixmap(QSize(side, side), self.devicePixelRatioF()))
