"""The shelf: a card per style; a click chooses, a drag from one card to another blends the two."""

from __future__ import annotations

import math
from pathlib import Path

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QDropEvent,
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QApplication, QSizePolicy, QWidget

from studio.ui import icons, theme
from studio.ui.kit import mime
from studio.ui.kit.drops import TakesDrops
from studio.ui.kit.painting import covering, focus_ring, rounded
from studio.ui.views.slots import first_picture, veil

LEAST = 104
"""Narrowest card (pixels at scale 1); with less room the shelf scrolls."""

_ASPECT = 4 / 3
_HANDLE = 11


def title_of(style: str) -> str:
    """A style's name for people: ``starry_night`` is Starry night, and a picture is called by its file's name."""
    words = (Path(style).stem if Path(style).is_absolute() else style).replace("_", " ").strip()
    return words[:1].upper() + words[1:]


class StyleShelf(TakesDrops, QWidget):
    """Cards in a grid that fills the room. The last place is for a picture of one's own.

    Click or Enter chooses a style, Shift with it makes it the second one. A drag from one card to another blends them;
    the handle on the line between them, or + and -, moves the mix.
    """

    chosen = Signal(str)
    second_chosen = Signal(str)
    linked = Signal(str, str)
    mixed = Signal(float)
    released = Signal()
    own_requested = Signal(str)  # a picture's path, or ''

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._styles: tuple[str, ...] = ()
        self._pictures: dict[str, QImage] = {}
        self._first, self._second, self._blend = "", "", 0.0
        self._focus = 0
        self._hover: int | None = None
        self._pressed: int | None = None
        self._press_at = QPointF()
        self._line_to: QPointF | None = None
        self._holding = False
        self.setAcceptDrops(True)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Styles")

    # ---- what is shown

    def set_styles(self, styles: tuple[str, ...]) -> None:
        """The names of the styles, in their order."""
        if styles != self._styles:
            self._styles = styles
            self._focus = min(self._focus, len(styles))
            self.updateGeometry()
            self.update()

    def styles(self) -> tuple[str, ...]:
        """The names of the styles."""
        return self._styles

    def set_pictures(self, pictures: dict[str, QImage]) -> None:
        """A picture for each style, by name."""
        self._pictures = dict(pictures)
        self.update()

    def pictures(self) -> dict[str, QImage]:
        """The pictures that are shown."""
        return dict(self._pictures)

    def set_choice(self, first: str, second: str, blend: float) -> None:
        """Which style is chosen, which is the second one, and how much of it (0..1) there is."""
        if (first, second, blend) != (self._first, self._second, self._blend):
            self._first, self._second, self._blend = first, second, blend
            mix = f", {round(blend * 100)} percent {title_of(second)}" if blend else ""
            self.setAccessibleDescription(f"{title_of(first)}{mix}")
            self.update()

    def share(self, style: str) -> float:
        """How much of a style there is, 0..1."""
        blend = self._blend if self._first != self._second else 0.0
        return {self._second: blend, self._first: 1.0 - blend}.get(style, 0.0)

    # ---- geometry

    def sizeHint(self) -> QSize:
        return QSize(theme.px(480), theme.px(240))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.px(LEAST), theme.px(72))

    def least_height(self, width: int) -> int:
        """How high it must be at this width for cards that are not too small."""
        columns = max(1, int((width + self._gap()) // (theme.px(LEAST) + self._gap())))
        rows = math.ceil((len(self._styles) + 1) / min(columns, len(self._styles) + 1))
        return int(rows * (theme.px(LEAST) * 0.66 + self._gap()))

    def _gap(self) -> int:
        return theme.space(2)

    def _columns(self) -> int:
        """The number of columns with which the cards come nearest to their shape and are largest."""
        count, gap = len(self._styles) + 1, self._gap()
        best, found = -1.0, 1
        for columns in range(1, count + 1):
            rows = math.ceil(count / columns)
            width = (self.width() - gap * (columns - 1)) / columns
            height = (self.height() - gap * (rows - 1)) / rows
            size = min(width, height * _ASPECT)
            if size > best:
                best, found = size, columns
        return found

    def card_rect(self, place: int) -> QRectF:
        """Where a card is; the one after the last style is for a picture of one's own."""
        count, gap = len(self._styles) + 1, self._gap()
        columns = self._columns()
        rows = math.ceil(count / columns)
        width = (self.width() - gap * (columns - 1)) / columns
        height = (self.height() - gap * (rows - 1)) / rows
        height = min(height, width * 1.05)
        top = (self.height() - rows * height - gap * (rows - 1)) / 2 if rows * height < self.height() else 0.0
        row, column = divmod(place, columns)
        left = column * (width + gap)
        if place == count - 1:  # the last one takes the rest of its row
            width = self.width() - left
        return QRectF(left, min(top, gap) + row * (height + gap), width, height)

    def place_at(self, point: QPointF) -> int | None:
        """The card at a point."""
        return next((k for k in range(len(self._styles) + 1) if self.card_rect(k).contains(point)), None)

    def _ends(self) -> tuple[QPointF, QPointF] | None:
        """Both ends of the line, where two styles are blended."""
        if self._first not in self._styles or self._second not in self._styles or self._first == self._second:
            return None
        places = (self._styles.index(self._first), self._styles.index(self._second))
        one, other = (self.card_rect(place).center() for place in places)
        return one, other

    def handle(self) -> QPointF | None:
        """Where the handle of the mix is; None where nothing is blended."""
        ends = self._ends()
        if ends is None or (self._blend <= 0 and not self._holding):
            return None
        return _curve(*ends).pointAtPercent(self._blend)

    # ---- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        for place, name in enumerate(self._styles):
            self._paint_card(painter, place, name)
        self._paint_own(painter, self.card_rect(len(self._styles)))
        if self.hasFocus():
            focus_ring(painter, self.card_rect(self._focus).adjusted(-2, -2, 2, 2), theme.px(8))
        self._paint_link(painter)
        if self._over:
            painter.setPen(QPen(theme.kind_color("image"), theme.px(2), Qt.PenStyle.DashLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), theme.px(6), theme.px(6))

    def _paint_card(self, painter: QPainter, place: int, name: str) -> None:
        area, radius = self.card_rect(place), theme.px(6)
        shape = rounded(area, radius)
        picture = self._pictures.get(name)
        painter.fillPath(shape, theme.color("field"))
        if picture is not None:
            painter.save()
            painter.setClipPath(shape)
            painter.drawImage(area, picture, covering(picture.size(), area))
            painter.restore()
        else:
            side = theme.px(22)
            spot = QRectF(area.center().x() - side / 2, area.center().y() - side / 2, side, side)
            icons.paint(painter, "style", spot, theme.color("faint"))
        painter.setFont(theme.font("small"))
        metrics = painter.fontMetrics()
        if picture is not None:
            veil(painter, area, radius, metrics.height() + theme.space(2))
        room = area.adjusted(theme.space(2), 0, -theme.space(2), -theme.space(1.5))
        painter.setPen(QColor(255, 255, 255) if picture is not None else theme.color("text"))
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom,
                         metrics.elidedText(title_of(name), Qt.TextElideMode.ElideRight, int(room.width())))
        accent = theme.kind_color("image")
        share = self.share(name)
        target = self._line_to is not None and self._hover == place and self._pressed not in (None, place)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if share > 0 or target:
            painter.setPen(QPen(theme.color("picture_bg"), theme.px(4)))
            painter.drawRoundedRect(area.adjusted(2, 2, -2, -2), radius, radius)
            ring = QColor(accent)
            ring.setAlphaF(1.0 if target else 0.45 + 0.55 * share)
            painter.setPen(QPen(ring, theme.px(1.2 + 1.6 * max(share, float(target)))))
            painter.drawRoundedRect(area.adjusted(1, 1, -1, -1), radius, radius)
            if share > 0:
                self._paint_share(painter, area, share)
        elif self._hover == place:
            painter.setPen(QPen(theme.color("text"), theme.px(1)))
            painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)

    def _paint_share(self, painter: QPainter, area: QRectF, share: float) -> None:
        """How much of this style there is, in the corner of its card."""
        painter.setFont(theme.font("tiny"))
        text = f"{round(share * 100)} %"
        metrics = painter.fontMetrics()
        width, height = metrics.horizontalAdvance(text) + theme.space(3), metrics.height() + theme.space(0.5)
        place = QRectF(area.right() - width - theme.space(1.5), area.top() + theme.space(1.5), width, height)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.kind_color("image"))
        painter.drawRoundedRect(place, height / 2, height / 2)
        painter.setPen(theme.color("on_accent"))
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)

    def _paint_own(self, painter: QPainter, area: QRectF) -> None:
        radius, hovered = theme.px(6), self._hover == len(self._styles)
        painter.setPen(QPen(theme.color("dim" if hovered else "edge"), theme.px(1), Qt.PenStyle.DashLine))
        painter.setBrush(theme.color("field"))
        painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)
        painter.setFont(theme.font("small"))
        room = area.adjusted(theme.space(2), theme.space(1), -theme.space(2), -theme.space(1))
        flags = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
        text = "Drop any picture\nas a style"
        box = painter.boundingRect(room, flags, text)
        side = theme.px(20)
        both = box.height() + side + theme.space(1.5) < room.height()
        top = area.center().y() - (box.height() + (side + theme.space(1.5) if both else 0)) / 2
        ink = theme.color("text" if hovered else "dim")
        if both:
            icons.paint(painter, "plus", QRectF(area.center().x() - side / 2, top, side, side), ink)
            top += side + theme.space(1.5)
        painter.setPen(ink)
        painter.drawText(QRectF(room.left(), top, room.width(), box.height()), flags, text)

    def _paint_link(self, painter: QPainter) -> None:
        accent = theme.kind_color("image")
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if self._line_to is not None and self._pressed is not None:
            start = self.card_rect(self._pressed).center()
            _stroke(painter, _curve(start, self._line_to), accent)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(accent)
            painter.drawEllipse(self._line_to, theme.px(5), theme.px(5))
            return
        place, ends = self.handle(), self._ends()
        if place is None or ends is None:
            return
        _stroke(painter, _curve(*ends), accent)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(accent)
        for end in ends:
            painter.drawEllipse(end, theme.px(4), theme.px(4))
        radius = theme.px(_HANDLE if self._holding else _HANDLE - 1.5)
        painter.setPen(QPen(QColor(0, 0, 0, 150), theme.px(3)))
        painter.setBrush(QColor(255, 255, 255))
        painter.drawEllipse(place, radius, radius)
        painter.setPen(QPen(accent, theme.px(2)))
        painter.drawEllipse(place, radius - theme.px(3), radius - theme.px(3))

    # ---- hands

    def _on_handle(self, point: QPointF) -> bool:
        place = self.handle()
        return place is not None and math.dist((place.x(), place.y()), (point.x(), point.y())) <= theme.px(_HANDLE + 4)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        self._press_at = event.position()
        if self._on_handle(event.position()):
            self._holding = True
        else:
            self._pressed = self.place_at(event.position())
            if self._pressed is not None:
                self._focus = self._pressed
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        point = event.position()
        if self._holding:
            self._mix_at(point)
            return
        hover = self.place_at(point)
        if self._pressed is not None and self._pressed < len(self._styles):
            moved = (point - self._press_at).manhattanLength() >= QApplication.startDragDistance()
            if self._line_to is not None or moved:
                self._line_to = point
        if hover != self._hover or self._line_to is not None:
            self._hover = hover
            self._say(hover)
            self.update()
        self.setCursor(Qt.CursorShape.SizeAllCursor if self._on_handle(point) else
                       Qt.CursorShape.PointingHandCursor if hover is not None else Qt.CursorShape.ArrowCursor)

    def _say(self, place: int | None) -> None:
        if place is None:
            self.setToolTip("")
        elif place == len(self._styles):
            self.setToolTip("Drop a picture anywhere on the shelf, or click to open the training page")
        else:
            self.setToolTip(f"{title_of(self._styles[place])}: click to choose it, drag to another card to blend\n"
                            "Shift+click makes it the second style")

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        place, start, drawn = self.place_at(event.position()), self._pressed, self._line_to is not None
        holding, self._holding, self._pressed, self._line_to = self._holding, False, None, None
        if holding:
            self.released.emit()
        elif start is not None and place is not None:
            if place == start:
                self._choose(place, bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
            elif drawn and place < len(self._styles):
                self.linked.emit(self._styles[start], self._styles[place])
        self.update()

    def _choose(self, place: int, second: bool) -> None:
        if place == len(self._styles):
            self.own_requested.emit("")
        elif second:
            self.second_chosen.emit(self._styles[place])
        else:
            self.chosen.emit(self._styles[place])

    def _mix_at(self, point: QPointF) -> None:
        """The mix whose place on the line is nearest to the pointer."""
        ends = self._ends()
        if ends is None:
            return
        curve = _curve(*ends)
        spots = [(k / 100, curve.pointAtPercent(k / 100)) for k in range(101)]
        share = min(spots, key=lambda spot: math.dist((spot[1].x(), spot[1].y()), (point.x(), point.y())))[0]
        self.mixed.emit(share)

    def leaveEvent(self, event: QEvent) -> None:
        self._hover = None
        self.update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        columns = self._columns()
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -columns, Qt.Key.Key_Down: columns}
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Escape and self._line_to is not None:
            self._pressed, self._line_to = None, None
        elif key in steps:
            if 0 <= self._focus + steps[key] <= len(self._styles):
                self._focus += steps[key]
            self._say(self._focus)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._choose(self._focus, bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus) and self._ends() is not None:
            self.mixed.emit(min(1.0, max(0.0, self._blend + (-0.05 if key == Qt.Key.Key_Minus else 0.05))))
            self.released.emit()
        else:
            super().keyPressEvent(event)
            return
        self.update()

    # ---- pictures from outside

    def fits(self, event: QDropEvent) -> Path | None:
        return first_picture(mime.read(event.mimeData()))

    def take(self, what: Path) -> None:
        self.own_requested.emit(str(what))


def _curve(one: QPointF, other: QPointF) -> QPainterPath:
    """A line that bows a little, so that it is seen to lie above the cards."""
    path = QPainterPath(one)
    across = other - one
    lift = min(theme.px(26), 0.18 * math.hypot(across.x(), across.y()))
    middle = (one + other) / 2 + QPointF(across.y(), -across.x()) / max(1.0, math.hypot(across.x(), across.y())) * lift
    path.quadTo(middle, other)
    return path


def _stroke(painter: QPainter, path: QPainterPath, color: QColor) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen in (QPen(QColor(0, 0, 0, 140), theme.px(6)), QPen(color, theme.px(2.5))):
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.drawPath(path)
