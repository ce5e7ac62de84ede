"""Many small pictures to choose from: a grid that fits its room, or rows that scroll sideways."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.ui import icons, theme
from studio.ui.kit.painting import covering, focus_ring, rounded
from studio.ui.views.slots import veil


@dataclass(frozen=True)
class Tile:
    """One thing to choose. ``why`` is the reason that it cannot be chosen, '' where it can."""

    key: str
    title: str
    tip: str = ""
    why: str = ""


class TileView(QWidget):
    """Tiles with pictures. ``fit`` makes them as large as the room allows, else they are ``side`` and scroll sideways.

    Click or Enter chooses, with Shift it adds. Arrow keys move, the wheel scrolls.
    """

    chosen = Signal(str)
    added = Signal(str)
    scrolled = Signal()

    def __init__(self, name: str, parent: QWidget | None = None, *, fit: bool = False, side: int = 64) -> None:
        super().__init__(parent)
        self._fit, self._side = fit, side
        self._tiles: tuple[Tile, ...] = ()
        self._pictures: dict[str, QImage] = {}
        self._marks: dict[str, float] = {}
        self._focus, self._offset = 0, 0.0
        self._hover: int | None = None
        self._pressed: int | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(name)

    # ---- what is shown

    def set_tiles(self, tiles: Sequence[Tile]) -> None:
        """What there is to choose from; pictures of keys that stay are kept."""
        if tuple(tiles) == self._tiles:
            return
        self._tiles = tuple(tiles)
        keys = {tile.key for tile in self._tiles}
        self._pictures = {key: picture for key, picture in self._pictures.items() if key in keys}
        self._focus, self._offset, self._hover = 0, 0.0, None
        self.update()
        self.scrolled.emit()

    def tiles(self) -> tuple[Tile, ...]:
        """What there is to choose from."""
        return self._tiles

    def set_picture(self, key: str, picture: QImage) -> None:
        """The picture of one tile."""
        self._pictures[key] = picture
        self.update()

    def picture(self, key: str) -> QImage | None:
        """The picture of one tile, None until there is one."""
        return self._pictures.get(key)

    def set_marks(self, marks: dict[str, float]) -> None:
        """Which tiles are chosen, with their weights; a negative one is avoided."""
        if marks != self._marks:
            self._marks = dict(marks)
            self.setAccessibleDescription(", ".join(marks))
            self.update()

    def visible_keys(self) -> list[str]:
        """Keys of the tiles that can be seen now."""
        room = QRectF(self.rect())
        return [tile.key for k, tile in enumerate(self._tiles) if self.tile_rect(k).intersects(room)]

    # ---- geometry

    def sizeHint(self) -> QSize:
        return QSize(theme.px(5 * self._side), theme.px(self._side))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.px(2 * self._side), theme.px(min(self._side, 48)))

    def _gap(self) -> int:
        return theme.space(1.5)

    def _grid(self) -> tuple[int, int, float, float]:
        """Columns, rows, width and height of a tile."""
        count, gap = max(1, len(self._tiles)), self._gap()
        if not self._fit:
            rows = max(1, int((self.height() + gap) // (theme.px(self._side) + gap)))
            side = (self.height() - gap * (rows - 1) - (theme.px(5) if self._scrolls(rows) else 0)) / rows
            return math.ceil(count / rows), rows, side, side
        best, found = -1.0, (1, count, 1.0, 1.0)
        for columns in range(1, count + 1):
            rows = math.ceil(count / columns)
            width = (self.width() - gap * (columns - 1)) / columns
            height = (self.height() - gap * (rows - 1)) / rows
            if min(width, height) > best:
                best, found = min(width, height), (columns, rows, width, min(height, 1.3 * width))
        return found

    def _scrolls(self, rows: int) -> bool:
        gap = self._gap()
        side = (self.height() - gap * (rows - 1)) / rows
        return math.ceil(len(self._tiles) / rows) * (side + gap) - gap > self.width()

    def tile_rect(self, place: int) -> QRectF:
        """Where a tile is now."""
        columns, rows, width, height = self._grid()
        gap = self._gap()
        if self._fit:
            row, column = divmod(place, columns)
            return QRectF(column * (width + gap), row * (height + gap), width, height)
        column, row = divmod(place, rows)
        return QRectF(column * (width + gap) - self._offset, row * (height + gap), width, height)

    def _reach(self) -> float:
        """How far it can be scrolled."""
        columns, _, width, _ = self._grid()
        return 0.0 if self._fit else max(0.0, columns * (width + self._gap()) - self._gap() - self.width())

    def _scroll_to(self, offset: float) -> None:
        offset = min(self._reach(), max(0.0, offset))
        if offset != self._offset:
            self._offset = offset
            self.update()
            self.scrolled.emit()

    def place_at(self, point: QPointF) -> int | None:
        """The tile at a point."""
        return next((k for k in range(len(self._tiles)) if self.tile_rect(k).contains(point)), None)

    # ---- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        room = QRectF(self.rect())
        for place, tile in enumerate(self._tiles):
            area = self.tile_rect(place)
            if area.intersects(room):
                self._paint_tile(painter, place, tile, area)
        if self.hasFocus() and self._tiles:
            focus_ring(painter, self.tile_rect(self._focus), theme.px(5))
        reach = self._reach()
        if reach > 0:
            whole = reach + self.width()
            bar = QRectF(self._offset / whole * self.width(), self.height() - theme.px(3),
                         self.width() * self.width() / whole, theme.px(3))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("edge"))
            painter.drawRoundedRect(bar, bar.height() / 2, bar.height() / 2)

    def _paint_tile(self, painter: QPainter, place: int, tile: Tile, area: QRectF) -> None:
        radius = theme.px(5)
        shape = rounded(area, radius)
        painter.fillPath(shape, theme.color("field"))
        picture = self._pictures.get(tile.key)
        if picture is not None:
            painter.save()
            painter.setClipPath(shape)
            painter.setOpacity(0.3 if tile.why else 1.0)
            painter.drawImage(area, picture, covering(picture.size(), area))
            painter.restore()
        elif not tile.why:
            side = theme.px(14)
            spot = QRectF(area.center().x() - side / 2, area.center().y() - side * 0.8, side, side)
            icons.paint(painter, "hourglass", spot, theme.color("edge"))
        painter.setFont(theme.font("tiny"))
        metrics = painter.fontMetrics()
        if picture is not None:
            veil(painter, area, radius, metrics.height() + theme.space(0.5))
        painter.setPen(QColor(255, 255, 255) if picture is not None else theme.color("disabled" if tile.why else "dim"))
        room = area.adjusted(theme.space(1.25), 0, -theme.space(1), -theme.space(0.75))
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom,
                         metrics.elidedText(tile.title, Qt.TextElideMode.ElideRight, int(room.width())))
        self._paint_edge(painter, place, tile, area, radius)

    def _paint_edge(self, painter: QPainter, place: int, tile: Tile, area: QRectF, radius: float) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        weight = self._marks.get(tile.key)
        if weight is not None:
            painter.setPen(QPen(theme.color("picture_bg"), theme.px(4)))
            painter.drawRoundedRect(area.adjusted(2, 2, -2, -2), radius, radius)
            ring = theme.kind_color("image") if weight >= 0 else theme.color("danger")
            painter.setPen(QPen(ring, theme.px(2.4)))
            painter.drawRoundedRect(area.adjusted(1.2, 1.2, -1.2, -1.2), radius, radius)
        elif tile.why:
            painter.setPen(QPen(theme.color("line"), theme.px(1), Qt.PenStyle.DashLine))
            painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)
        elif self._hover == place:
            painter.setPen(QPen(theme.color("text"), theme.px(1.2)))
            painter.drawRoundedRect(area.adjusted(0.6, 0.6, -0.6, -0.6), radius, radius)

    # ---- hands

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._scroll_to(self._offset)
        self.scrolled.emit()

    def _pick(self, place: int, add: bool) -> None:
        tile = self._tiles[place]
        if not tile.why:
            (self.added if add else self.chosen).emit(tile.key)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed = self.place_at(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        place, start, self._pressed = self.place_at(event.position()), self._pressed, None
        if event.button() == Qt.MouseButton.LeftButton and place is not None and place == start:
            self._focus = place
            self._pick(place, bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        hover = self.place_at(event.position())
        if hover != self._hover:
            self._hover = hover
            self._say(hover)
            self.update()

    def _say(self, place: int | None) -> None:
        tile = self._tiles[place] if place is not None else None
        self.setToolTip("" if tile is None else tile.why or tile.tip)
        able = tile is not None and not tile.why
        self.setCursor(Qt.CursorShape.PointingHandCursor if able else Qt.CursorShape.ArrowCursor)

    def leaveEvent(self, event: QEvent) -> None:
        self._hover = None
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self._reach() <= 0:
            event.ignore()
            return
        turned = event.angleDelta().y() or event.angleDelta().x()
        self._scroll_to(self._offset - turned / 120 * self._grid()[2])
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        columns, rows, _, _ = self._grid()
        across, down = (1, columns) if self._fit else (rows, 1)
        key = Qt.Key(event.key())
        steps = {Qt.Key.Key_Left: -across, Qt.Key.Key_Right: across, Qt.Key.Key_Up: -down, Qt.Key.Key_Down: down,
                 Qt.Key.Key_Home: -self._focus, Qt.Key.Key_End: len(self._tiles) - 1 - self._focus}
        if not self._tiles:
            super().keyPressEvent(event)
        elif key in steps:
            self._focus = min(len(self._tiles) - 1, max(0, self._focus + steps[key]))
            self._say(self._focus)
            self._into_view()
            self.update()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._pick(self._focus, bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        else:
            super().keyPressEvent(event)

    def _into_view(self) -> None:
        area = self.tile_rect(self._focus)
        if area.left() < 0:
            self._scroll_to(self._offset + area.left())
        elif area.right() > self.width():
            self._scroll_to(self._offset + area.right() - self.width())

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.update()
