"""Paints one cell of a thumbnail grid."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QImage, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from studio.ui import icons, theme
from studio.ui.kit.card import Picture
from studio.ui.kit.painting import covering, pill, rounded, to_qimage

if TYPE_CHECKING:
    from studio.ui.kit.thumb_model import Thumb

Index = QModelIndex | QPersistentModelIndex
_KEPT = 600  # scaled pictures in memory: a few screens full


class ThumbDelegate(QStyledItemDelegate):
    """Picture, title, one line; scaled pictures are kept, so scrolling paints finished ones."""

    def __init__(self, view: QListView, item_role: int, ask_picture: Callable[[str], None]) -> None:
        super().__init__(view)
        self._view = view
        self._role = item_role
        self._ask = ask_picture
        self._side = 108
        self._width = 0
        self._cache: OrderedDict[tuple[str, int], tuple[Picture, QPixmap]] = OrderedDict()

    def set_side(self, side: int) -> None:
        """The least width of a picture, in pixels at scale 1."""
        self._side = side
        self._cache.clear()

    def fill(self, width: int) -> bool:
        """Make the pictures as wide as lets whole columns fill ``width`` pixels; returns whether that changed them."""
        padding = theme.space(3)
        columns = max(1, width // (theme.px(self._side) + padding))
        now = max(theme.px(self._side), min(width // columns - padding, round(theme.px(self._side) * 1.6)))
        changed = now != self._width
        self._width = now
        return changed

    def forget(self, key: str | None = None) -> None:
        """Scale the picture of ``key`` (or all) again."""
        if key is None:
            self._cache.clear()
            return
        for entry in [entry for entry in self._cache if entry[0] == key]:
            del self._cache[entry]

    def _shown(self) -> int:
        return self._width or theme.px(self._side)

    def _heights(self) -> tuple[int, int]:
        return QFontMetrics(theme.font("small")).height(), QFontMetrics(theme.font("tiny")).height()

    def cell(self) -> QSize:
        """The size of one cell."""
        title, line = self._heights()
        side = self._shown()
        return QSize(side + theme.space(3), round(side * 0.75) + title + line + theme.space(5))

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return self.cell()

    def _picture_rect(self, cell: QRectF) -> QRectF:
        side = self._shown()
        left = cell.left() + (cell.width() - side) / 2
        return QRectF(left, cell.top() + theme.space(1.5), side, round(side * 0.75))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        item: Thumb | None = index.data(self._role)
        if item is None:
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        cell = QRectF(option.rect)
        state = option.state
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        hover = bool(state & QStyle.StateFlag.State_MouseOver)
        focus = bool(state & QStyle.StateFlag.State_HasFocus)
        ground = cell.adjusted(1, 1, -1, -1)
        if chosen or hover:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("accent_soft" if chosen else "hover"))
            painter.drawRoundedRect(ground, theme.px(7), theme.px(7))
        picture = self._picture_rect(cell)
        self._paint_picture(painter, item, picture)
        if chosen or focus:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.color("accent"), theme.px(1.5) if focus else 1))
            painter.drawRoundedRect(ground, theme.px(7), theme.px(7))
        self._paint_text(painter, item, picture)
        painter.restore()

    def _paint_picture(self, painter: QPainter, item: Thumb, rect: QRectF) -> None:
        pixmap = self._pixmap(item, rect.size().toSize(), painter.device().devicePixelRatioF())
        painter.setOpacity(0.35 if item.reason else 1.0)
        if pixmap is not None:
            painter.drawPixmap(rect.topLeft(), pixmap)
        else:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("picture_bg"))
            painter.drawRoundedRect(rect, theme.px(5), theme.px(5))
            side = theme.px(min(28, self._side * 0.35))
            icon = QRectF(rect.center().x() - side / 2, rect.center().y() - side / 2, side, side)
            icons.paint(painter, item.icon, icon, theme.kind_color(item.kind) if item.kind else theme.color("faint"))
            if item.picture is None:
                self._ask(item.key)
        painter.setOpacity(1.0)
        if item.badge:
            dark = theme.color("picture_bg")
            dark.setAlpha(205)
            corner = rect.topRight() + QPointF(-theme.space(1), theme.space(1))
            pill(painter, item.badge, corner, dark, theme.color("text"), right=True)

    def _pixmap(self, item: Thumb, size: QSize, ratio: float) -> QPixmap | None:
        if item.picture is None:
            return None
        width = round(size.width() * ratio)
        name = (item.key, width)
        known, found = self._cache.get(name, (None, None))
        if found is not None and known is item.picture:
            self._cache.move_to_end(name)
            return found
        image = item.picture if isinstance(item.picture, QImage) else to_qimage(item.picture)
        if image.isNull():
            return None
        target = QSize(width, round(size.height() * ratio))
        part = covering(image.size(), QRectF(0, 0, target.width(), target.height())).toRect()
        small = image.copy(part).scaled(
            target, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        result = QPixmap(target)
        result.fill(Qt.GlobalColor.transparent)
        painter = QPainter(result)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        radius = theme.px(5) * ratio
        painter.setClipPath(rounded(QRectF(0, 0, target.width(), target.height()), radius))
        painter.drawImage(0, 0, small)
        painter.end()
        result.setDevicePixelRatio(ratio)
        self._cache[name] = (item.picture, result)
        self._cache.move_to_end(name)
        while len(self._cache) > _KEPT:
            self._cache.popitem(last=False)
        return result

    def _paint_text(self, painter: QPainter, item: Thumb, picture: QRectF) -> None:
        title, line = self._heights()
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        room = QRectF(picture.left() + 1, picture.bottom() + theme.space(1), picture.width() - 2, title)
        painter.setFont(theme.font("small"))
        painter.setPen(theme.color("disabled" if item.reason else "text"))
        if item.kind:
            dot = theme.px(6)
            painter.save()
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.kind_color(item.kind))
            painter.drawEllipse(QRectF(room.left(), room.center().y() - dot / 2, dot, dot))
            painter.restore()
            room.setLeft(room.left() + dot + theme.space(1))
        text = painter.fontMetrics().elidedText(item.title, Qt.TextElideMode.ElideRight, int(room.width()))
        painter.drawText(room, left, text)
        below = QRectF(picture.left() + 1, room.bottom(), picture.width() - 2, line)
        painter.setFont(theme.font("tiny"))
        painter.setPen(theme.color("warning" if item.reason else "faint"))
        text = item.reason or item.subtitle
        text = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(below.width()))
        painter.drawText(below, left, text)

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:
        picture = self._picture_rect(QRectF(option.rect))
        height = self._heights()[0] + theme.space(2)
        editor.setGeometry(QRect(int(picture.left()) - 2, int(picture.bottom()) + 1, int(picture.width()) + 4, height))
