"""A place for a picture: drop one, click to choose one, see which it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QDropEvent,
    QImage,
    QKeyEvent,
    QLinearGradient,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.media import Frame
from studio.picture import ENDINGS
from studio.session.core import Core
from studio.ui import icons, theme
from studio.ui.background import Task, background
from studio.ui.kit import mime
from studio.ui.kit.buttons import tool_button
from studio.ui.kit.dialogs import pick_file
from studio.ui.kit.drops import TakesDrops
from studio.ui.kit.painting import covering, focus_ring, rounded, to_qimage

SIDE = 480
"""Longest side (pixels) of the thumbnails that are kept."""

KINDS = (("Pictures", tuple(f"*{ending}" for ending in ENDINGS)),)


def is_picture(path: Path) -> bool:
    """Whether a dropped file's name says picture; whether it is one is seen when it is read."""
    return path.suffix.lower() in ENDINGS


def first_picture(dropped: mime.Dropped | None) -> Path | None:
    """The first picture among dropped files."""
    if dropped is None or dropped.kind != "files":
        return None
    return next((path for path in dropped.files if is_picture(path)), None)


def small(frame: Frame, side: int = SIDE) -> QImage:
    """A frame as an image of at most ``side`` pixels that owns its memory. May be called on any thread."""
    image = to_qimage(frame)
    if max(image.width(), image.height()) <= side:
        return image.copy()
    whole, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    return image.scaled(QSize(side, side), whole, smooth)


def read_small(path: str, side: int = SIDE) -> QImage:
    """A picture file as a thumbnail; for the background. Raises FileError with a sentence."""
    from studio.picture import read_image

    return small(read_image(Path(path).expanduser()), side)


class PictureSlot(TakesDrops, QWidget):
    """Shows a picture with a caption. Emits ``chosen`` with a path, or '' when it was emptied.

    Drop a picture, click or press Enter for the file dialog, Delete empties it.
    """

    chosen = Signal(str)

    def __init__(
        self, session: Core, title: str, hint: str, parent: QWidget | None = None, *, icon: str = "image",
    ) -> None:
        super().__init__(parent)
        self._session, self._title, self._hint, self._icon = session, title, hint, icon
        self._path, self._fault, self._caption = "", "", ""
        self._image: QImage | None = None
        self._live: Callable[[], QImage | None] | None = None
        self._task: Task | None = None
        self._pressed = False
        self.clear_button = tool_button("close", f"Empty: {title}", size=13, clicked=self.clear, parent=self)
        self.clear_button.setAutoRaise(True)
        self.clear_button.hide()
        self.setAcceptDrops(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(title)
        self.setToolTip(f"{title}: {hint}\nDrop a picture here or click to choose one; Delete empties it")

    # ---- what is in it

    def path(self) -> str:
        """The file that is shown, '' where there is none."""
        return self._path

    def image(self) -> QImage | None:
        """The picture that is shown."""
        return self._image

    def fault(self) -> str:
        """Why the file could not be read, ''."""
        return self._fault

    def set_path(self, path: str) -> None:
        """Show a file; it is read in the background."""
        if path == self._path:
            return
        self._path, self._fault, self._image = path, "", None
        self.clear_button.setVisible(bool(path))
        self.setAccessibleDescription(path)
        if self._task is not None:
            self._task.cancel()
        if path:
            self._task = background(self._session, lambda: read_small(path), self._show, self._fail, owner=self)
        self.update()

    def set_image(self, image: QImage | None, caption: str = "") -> None:
        """What is shown while no file is chosen, with its name."""
        if self._path:
            return
        if image is not self._image or caption != self._caption:
            self._image, self._caption = image, caption
            self.update()

    def clear(self) -> None:
        """Empty it and say so."""
        if self._path:
            self.set_path("")
            self.chosen.emit("")

    def _show(self, image: QImage) -> None:
        self._image = image
        self.update()

    def _fail(self, why: str) -> None:
        self._fault = why
        self.setToolTip(why)
        self.update()

    # ---- painting

    def sizeHint(self) -> QSize:
        return QSize(theme.px(180), theme.px(140))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.px(88), theme.px(66))

    def resizeEvent(self, event: QResizeEvent) -> None:
        hint = self.clear_button.sizeHint()
        self.clear_button.resize(hint)
        self.clear_button.move(self.width() - hint.width() - theme.space(1), theme.space(1))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        area, radius = QRectF(self.rect()).adjusted(1, 1, -1, -1), theme.px(6)
        shape = rounded(area, radius)
        painter.fillPath(shape, theme.color("field"))
        if self._image is not None and not self._image.isNull():
            painter.save()
            painter.setClipPath(shape)
            painter.drawImage(area, self._image, covering(self._image.size(), area))
            painter.restore()
        else:
            self._paint_empty(painter, area)
        self._paint_caption(painter, area, radius)
        pen = QPen(theme.color("edge"), theme.px(1))
        if self._image is None:
            pen.setStyle(Qt.PenStyle.DashLine)
        if self._over:
            pen = QPen(theme.kind_color("image"), theme.px(2))
        elif self.underMouse():
            pen.setColor(theme.color("dim"))
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(area, radius, radius)
        if self.hasFocus():
            focus_ring(painter, QRectF(self.rect()), radius)

    def _paint_empty(self, painter: QPainter, area: QRectF) -> None:
        faulty = bool(self._fault)
        text = self._fault or (Path(self._path).name + " is read…" if self._path else self._hint)
        side = theme.px(24)
        painter.setFont(theme.font("small"))
        flags = int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap)
        room = area.adjusted(theme.space(3), theme.space(6), -theme.space(3), -theme.space(1))
        box = painter.boundingRect(room, flags, text)
        icon_fits = box.height() + side + theme.space(2) <= room.height()
        total = box.height() + (side + theme.space(2) if icon_fits else 0)
        top = room.top() + max(0.0, (room.height() - total) / 2)
        if icon_fits:
            place = QRectF(area.center().x() - side / 2, top, side, side)
            ink = theme.color("danger" if faulty else "faint")
            icons.paint(painter, "warning" if faulty else self._icon, place, ink)
            top += side + theme.space(2)
        painter.setPen(theme.color("danger" if faulty else "faint"))
        painter.drawText(QRectF(room.left(), top, room.width(), room.bottom() - top), flags, text)

    def _paint_caption(self, painter: QPainter, area: QRectF, radius: float) -> None:
        painter.setFont(theme.font("tiny"))
        metrics = painter.fontMetrics()
        name = Path(self._path).name if self._path else self._caption
        if self._image is not None:
            veil(painter, area, radius, metrics.height() + theme.space(4), top=True)
            if name:
                veil(painter, area, radius, metrics.height() + theme.space(4))
        room = area.adjusted(theme.space(2), theme.space(1.5), -theme.space(2), -theme.space(1.5))
        top = QRectF(room)
        if self.clear_button.isVisible():
            top.setRight(self.clear_button.x() - 2)
        painter.setPen(QColor(255, 255, 255) if self._image is not None else theme.color("dim"))
        painter.drawText(top, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop,
                         metrics.elidedText(self._title, Qt.TextElideMode.ElideRight, int(top.width())))
        if name and self._image is not None:
            painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom,
                             metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, int(room.width())))

    # ---- hands

    def browse(self) -> None:
        """Choose a file in a dialog."""
        folder = Path(self._path).expanduser().parent if self._path else None
        pick_file(self, self._title, lambda path: self._take(str(path)), kinds=KINDS,
                  folder=folder if folder is not None and folder.is_dir() else None)

    def _take(self, path: str) -> None:
        self.set_path(path)
        self.chosen.emit(path)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed = event.button() == Qt.MouseButton.LeftButton

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._pressed and self.rect().contains(event.position().toPoint()):
            self._pressed = False
            self.browse()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.browse()
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.clear()
        else:
            super().keyPressEvent(event)

    def fits(self, event: QDropEvent) -> Path | None:
        return first_picture(mime.read(event.mimeData()))

    def take(self, what: Path) -> None:
        self._take(str(what))


def veil(painter: QPainter, area: QRectF, radius: float, height: float, *, top: bool = False) -> None:
    """A soft shadow at the foot (or head) of a picture, for white text on it."""
    painter.save()
    painter.setClipPath(rounded(area, radius))
    edge = area.top() if top else area.bottom()
    inner = edge + height * 1.5 if top else edge - height * 1.5
    shade = QLinearGradient(QPointF(0, edge), QPointF(0, inner))
    shade.setColorAt(0.0, QColor(0, 0, 0, 215))
    shade.setColorAt(0.5, QColor(0, 0, 0, 140))
    shade.setColorAt(1.0, QColor(0, 0, 0, 0))
    painter.fillRect(QRectF(area.left(), min(edge, inner), area.width(), abs(inner - edge)), shade)
    painter.restore()
