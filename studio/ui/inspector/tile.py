"""A wide button that shows a file or a model: picture or sign, name, a line of facts, and a fault in its place."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QDropEvent,
    QImage,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPixmap,
)
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from studio.media import Frame
from studio.ui import icons, theme
from studio.ui.inspector.controls import keep_keys
from studio.ui.inspector.measure import font
from studio.ui.kit.drops import TakesDrops


def to_pixmap(frame: Frame | None) -> QPixmap | None:
    """A small uint8 RGB picture ``(h, w, 3)`` for painting."""
    if frame is None:
        return None
    high, wide = frame.shape[:2]
    image = QImage(frame.tobytes(), wide, high, wide * 3, QImage.Format.Format_RGB888)
    return QPixmap.fromImage(image.copy())


def sign(title: str, icon: str, side: int = 80) -> QPixmap:
    """A quiet stand-in for a picture that is not there: an icon on a ground whose hue comes from the title."""
    picture = QPixmap(side, side)
    hue = sum(ord(letter) * (place + 1) for place, letter in enumerate(title)) % 360
    picture.fill(QColor.fromHsl(hue, 70, 62))
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    icons.paint(painter, icon, QRectF(side * 0.25, side * 0.25, side * 0.5, side * 0.5), QColor.fromHsl(hue, 90, 190))
    painter.end()
    return picture


class Tile(TakesDrops, QAbstractButton):
    """Click or Enter asks for a choice; files can be dropped on it."""

    dropped = Signal(str)
    leave = Signal(int)
    stepped = Signal(int)
    reset_wanted = Signal()
    paste_wanted = Signal()

    def __init__(
        self, icon: str, parent: QWidget | None = None, *, menu: bool = False,
        elide: Qt.TextElideMode = Qt.TextElideMode.ElideMiddle,
    ) -> None:
        super().__init__(parent)
        self._icon, self._menu, self._elide = icon, menu, elide
        self.title, self.note, self.fault = "", "", ""
        self.empty = False
        self._picture: QPixmap | None = None
        self.setAcceptDrops(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_item(
        self, title: str, note: str = "", *, fault: str = "", picture: QPixmap | None = None, empty: bool = False
    ) -> None:
        """Show this; ``empty`` means that nothing is chosen and ``title`` says what to do."""
        self.title, self.note, self.fault, self.empty, self._picture = title, note, fault, empty, picture
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(theme.space(50), theme.space(12))

    def event(self, event: QEvent) -> bool:
        keys = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Delete, Qt.Key.Key_Space)
        return keep_keys(event, keys) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if event.matches(QKeySequence.StandardKey.Paste):
            self.paste_wanted.emit()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_F2):
            self.click()
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.leave.emit(-1 if key == Qt.Key.Key_Up else 1)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.stepped.emit(1 if key == Qt.Key.Key_Right else -1)
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.reset_wanted.emit()
        else:
            super().keyPressEvent(event)

    # --- dropping

    def fits(self, event: QDropEvent) -> str:
        urls = event.mimeData().urls() if event.mimeData().hasUrls() else []
        return next((url.toLocalFile() for url in urls if url.isLocalFile()), "")

    def take(self, what: str) -> None:
        self.dropped.emit(what)

    # --- picture

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        near = self.underMouse() or self.isDown()
        edge = "accent" if self.hasFocus() or self._over else "danger" if self.fault else "edge" if near else "line"
        pen = QPen(theme.color(edge), 2 if self._over else 1)
        if self.empty and not self._over and not self.hasFocus():
            pen.setStyle(Qt.PenStyle.DashLine)
        ground = "accent_soft" if self._over else "hover" if near else "field"
        painter.setPen(pen)
        painter.setBrush(theme.color(ground))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), theme.px(4), theme.px(4))
        side = theme.space(10)
        box = QRectF(theme.space(1), (self.height() - side) / 2, side, side)
        self._paint_picture(painter, box)
        right = theme.space(2)
        if self._menu:
            arrow = theme.px(12)
            spot = QRectF(self.width() - arrow - theme.space(1.5), (self.height() - arrow) / 2, arrow, arrow)
            icons.paint(painter, "chevron-down", spot, theme.color("dim"))
            right += arrow + theme.space(1)
        left = round(box.right()) + theme.space(2)
        self._paint_words(painter, QRect(left, 0, self.width() - left - right, self.height()))

    def _paint_picture(self, painter: QPainter, box: QRectF) -> None:
        if self._picture is None:
            inner = box.adjusted(box.width() * 0.25, box.height() * 0.25, -box.width() * 0.25, -box.height() * 0.25)
            role = "danger" if self.fault else "faint" if self.empty else "dim"
            icons.paint(painter, "warning" if self.fault else self._icon, inner, theme.color(role))
            return
        shape = QPainterPath()
        shape.addRoundedRect(box, theme.px(3), theme.px(3))
        painter.save()
        painter.setClipPath(shape)
        painter.drawPixmap(box, self._picture, QRectF(self._picture.rect()))
        painter.restore()

    def _paint_words(self, painter: QPainter, room: QRect) -> None:
        middle, line = self.height() // 2, theme.space(5)
        note = self.fault or self.note
        painter.setFont(font("body"))
        painter.setPen(theme.color("dim" if self.empty else "text" if self.isEnabled() else "disabled"))
        title = painter.fontMetrics().elidedText(self.title, self._elide, room.width())
        upper = QRect(room.x(), middle - line + 1, room.width(), line) if note else room
        painter.drawText(upper, int(Qt.AlignmentFlag.AlignVCenter), title)
        if note:
            painter.setFont(font("small"))
            painter.setPen(theme.color("danger" if self.fault else "dim"))
            words = "Not found" if self.fault and not self.note else note
            text = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, room.width())
            lower = QRect(room.x(), middle, room.width(), line)
            painter.drawText(lower, int(Qt.AlignmentFlag.AlignVCenter), text)
