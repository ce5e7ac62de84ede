"""The ground of the map: seeds as pictures on the plane of the first two principal directions, trail, pins, ring."""

from __future__ import annotations

import math
import time
from collections import OrderedDict, deque
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QImage,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.nn.places import as_place
from studio.ui import theme
from studio.ui.kit.painting import focus_ring, pill, rounded
from studio.ui.views.latent.bench import Bench
from studio.ui.views.latent.tiles import outline, paint_picture, ready

TRAIL_SECONDS = 14.0
PATIENCE = 0.2
"""Seconds between two paintings of the ground while small pictures come in."""

NEAREST, FURTHEST = 1200.0, 24.0
"""Pixels per standard deviation, at scale 1."""

STEP = 0.15


class MapGround(QWidget):
    """What is painted, and where; the hands are in ``MapView``."""

    def __init__(self, bench: Bench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        self._center, self._scale = (0.0, 0.0), 0.0  # in standard deviations; pixels per standard deviation
        self._trail: deque[tuple[float, float, float]] = deque(maxlen=400)
        self._spot: tuple[float, float] | None = None
        self._drag = ""  # ground, head, picture
        self._last = self._pressed = QPointF()
        self._gesture: tuple[str, str, int] | None = None
        self._hover = -1
        self._ground: QPixmap | None = None
        self._ground_of: object = None
        self._tiles: OrderedDict[tuple[int, int, int], QPixmap] = OrderedDict()
        self._place = ""
        self._stale, self._painted = False, 0.0
        self._shown_of: tuple[float, object] = (0.0, None)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(theme.px(200), theme.px(120))
        self.setAccessibleName("Map of the latent space")
        self.setAccessibleDescription(
            "Seeds on the first two principal directions. Arrows steer the picture, with Shift finely; plus and minus "
            "zoom, Home shows everything, Enter goes to the nearest seed, P pins the place.")
        bench.changed.connect(self._values_changed)

    # --- from plane to screen ---

    def _tile(self) -> int:
        """Side of a picture on the map, in pixels."""
        side = min(self.width(), self.height())
        return theme.px(max(38, min(72, side / theme.scale() / 7.5)))

    def scale(self) -> float:
        """Pixels per standard deviation."""
        if not self._scale:
            return max(min(self.width() / 7.0, self.height() / 5.0), self.width() / 10.0) or 1.0
        return self._scale

    def to_screen(self, x: float, y: float) -> QPointF:
        """A place on the plane in pixels of the widget; y upwards."""
        scale = self.scale()
        x, y = x - self._center[0], y - self._center[1]
        return QPointF(self.width() / 2 + x * scale, self.height() / 2 - y * scale)

    def to_plane(self, point: QPointF) -> tuple[float, float]:
        """A pixel on the plane."""
        scale = self.scale()
        return (self._center[0] + (point.x() - self.width() / 2) / scale,
                self._center[1] - (point.y() - self.height() / 2) / scale)

    def zoom(self, factor: float, around: QPointF | None = None) -> None:
        """Nearer (above 1) or further, with the place under ``around`` staying where it is."""
        point = around or QPointF(self.width() / 2, self.height() / 2)
        before = self.to_plane(point)
        self._scale = max(theme.px(FURTHEST), min(theme.px(NEAREST), self.scale() * factor))
        after = self.to_plane(point)
        self._move(before[0] - after[0], before[1] - after[1])

    def show_all(self) -> None:
        """The whole cloud."""
        self._scale, self._center = 0.0, (0.0, 0.0)
        self._changed()

    def find_head(self) -> None:
        """Bring the picture's place to the middle."""
        if self._spot is not None:
            self._center = self._spot
            self._move(0.0, 0.0)

    def _move(self, x: float, y: float) -> None:
        self._center = (max(-5.0, min(5.0, self._center[0] + x)), max(-5.0, min(5.0, self._center[1] + y)))
        self._changed()

    def _changed(self) -> None:
        self._ground = None
        self._wish()
        self.update()

    # --- what is shown ---

    def shown(self, margin: float = 0.0) -> NDArray[np.int64]:
        """The seeds whose pictures are shown at this distance, those in sight and ``margin`` tiles around."""
        space = self._bench.pictures.space
        if space is None:
            return np.zeros(0, np.int64)
        least = self._tile() * 0.88 / self.scale()
        level = next((seeds for distance, seeds in reversed(space.levels) if distance >= least), space.levels[0][1])
        reach = self._tile() * (0.5 + margin) / self.scale()
        half_x, half_y = self.width() / 2 / self.scale() + reach, self.height() / 2 / self.scale() + reach
        near = np.abs(space.seeds[level] - np.array(self._center, np.float32)) <= (half_x, half_y)
        return level[near.all(1)]

    def _wish(self) -> None:
        if not self.isVisible():
            self._bench.pictures.wish("map", [])
            return
        space, truncation = self._bench.pictures.space, self._bench.truncation
        seeds = self.shown()
        if space is None:
            self._bench.pictures.wish("map", [("0", truncation)], 6)
            return
        middle = np.abs(space.seeds[seeds] - np.array(self._center, np.float32)).max(1)
        self._bench.pictures.wish("map", [(str(seed), truncation) for seed in seeds[np.argsort(middle)]], 6)

    def refresh(self, fresh: bool) -> None:
        """Follow the picture; ``fresh`` says that new small pictures are there."""
        now = time.monotonic()
        self._stale = self._stale or fresh
        if self._stale and now - self._painted > PATIENCE:
            self._stale, self._painted = False, now
            self._changed()
        spot = self._bench.spot()
        if spot is not None and (not self._trail or spot != self._trail[-1][:2]):
            self._trail.append((*spot, now))
        while self._trail and now - self._trail[0][2] > TRAIL_SECONDS:
            self._trail.popleft()
        if spot != self._spot or self._trail:
            self._spot = spot
            self.update()

    def _values_changed(self) -> None:
        place = (self._bench.get("place", ""), self._bench.get("seed", 0))
        if str(place) != self._place:
            self._place = str(place)
            if not self._drag:
                self._trail.clear()  # a jump is no path
        if (self._bench.truncation, self._bench.get("model")) != self._shown_of:
            self._shown_of = (self._bench.truncation, self._bench.get("model"))
            self._changed()
        self.update()

    def showEvent(self, event: QEvent) -> None:
        self._changed()

    def hideEvent(self, event: QEvent) -> None:
        self._bench.pictures.wish("map", [])
        self._trail.clear()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._changed()

    def sizeHint(self) -> QSize:
        return QSize(theme.px(480), theme.px(260))

    # --- painting ---

    def paintEvent(self, event: QPaintEvent) -> None:
        state = (self.size().toTuple(), self.devicePixelRatioF(), theme.current())
        if self._ground is None or self._ground_of != state:
            self._ground, self._ground_of = self._paint_ground(), state
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._ground)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_hover(painter)
        self._paint_pins(painter)
        self._paint_trail(painter)
        self._paint_head(painter)
        if self.hasFocus():
            focus_ring(painter, QRectF(self.rect()), theme.px(8))

    def _paint_ground(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        ground = QPixmap(self.size() * ratio)
        ground.setDevicePixelRatio(ratio)
        ground.fill(Qt.GlobalColor.transparent)
        painter = QPainter(ground)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("picture_bg"))
        painter.drawRoundedRect(QRectF(self.rect()), theme.px(8), theme.px(8))
        self._paint_rings(painter)
        space = self._bench.pictures.space
        if space is None:
            self._paint_state(painter)
        else:
            side, radius = self._tile(), theme.px(7)
            for seed in self.shown():
                point = self.to_screen(*space.seeds[seed])
                corner = point - QPointF(side / 2, side / 2)
                image = self._bench.pictures.image(str(seed), self._bench.truncation)
                if image is None:
                    paint_picture(painter, QRectF(corner, QSize(side, side)), None, radius, opacity=0.5)
                else:
                    painter.drawPixmap(corner, self._ready(int(seed), image, side, ratio, radius))
        # round corners, whatever was painted over them
        outside = QPainterPath()
        outside.addRect(QRectF(self.rect()))
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Clear)
        painter.fillPath(outside.subtracted(rounded(QRectF(self.rect()), theme.px(8))), theme.color("window"))
        painter.end()
        return ground

    def _ready(self, seed: int, image: QImage, side: int, ratio: float, radius: float) -> QPixmap:
        key = (seed, image.cacheKey(), round(side * ratio))
        found = self._tiles.get(key)
        if found is None:
            found = self._tiles[key] = ready(image, side, ratio, radius)
            while len(self._tiles) > 1500:
                self._tiles.popitem(last=False)
        return found

    def _paint_rings(self, painter: QPainter) -> None:
        """One, two and three standard deviations: where pictures are common and where they grow rare."""
        center = self.to_screen(0.0, 0.0)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for number in (1, 2, 3):
            painter.setPen(QPen(theme.color("line"), 1.0))
            painter.drawEllipse(center, number * self.scale(), number * self.scale())

    def _paint_state(self, painter: QPainter) -> None:
        text = self._bench.pictures.reason or "The network is loading …"
        painter.setPen(theme.color("danger" if self._bench.pictures.reason else "dim"))
        painter.setFont(theme.font("body"))
        inset = theme.space(6)
        painter.drawText(QRectF(self.rect()).adjusted(inset, 0, -inset, 0),
                         Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, text)

    def _paint_hover(self, painter: QPainter) -> None:
        space = self._bench.pictures.space
        if self._hover < 0 or space is None or self._drag == "head":
            return
        side = self._tile()
        large = round(side * 1.5)
        rect = QRectF(self.to_screen(*space.seeds[self._hover]) - QPointF(large / 2, large / 2), QSize(large, large))
        bounds = QRectF(self.rect()).adjusted(4, 4, -4, -4)
        rect.moveLeft(max(bounds.left(), min(rect.left(), bounds.right() - large)))
        rect.moveTop(max(bounds.top(), min(rect.top(), bounds.bottom() - large)))
        paint_picture(painter, rect, self._bench.pictures.image(str(self._hover), self._bench.truncation), theme.px(8))
        outline(painter, rect, theme.px(8), theme.color("text"), 1.5)
        ground = QColor(theme.color("window"))
        ground.setAlphaF(0.85)
        corner = rect.topLeft() + QPointF(theme.px(4), theme.px(4))
        pill(painter, f"seed {self._hover}", corner, ground, theme.color("text"))

    def _paint_pins(self, painter: QPainter) -> None:
        for name, where in self._bench.points().items():
            shot = self._bench.pictures.shot(str(as_place(where)), self._bench.truncation)
            if shot is None:
                continue
            point = self.to_screen(shot.x, shot.y)
            if not self.rect().contains(point.toPoint()):
                continue
            painter.setPen(QPen(theme.color("window"), 1.5))
            painter.setBrush(theme.color("accent"))
            painter.drawEllipse(point, theme.px(5), theme.px(5))
            if self.scale() > theme.px(110) or len(self._bench.points()) <= 6:
                ground = QColor(theme.color("window"))
                ground.setAlphaF(0.8)
                short = name if len(name) <= 18 else f"{name[:17]}…"
                pill(painter, short, point + QPointF(theme.px(8), -theme.px(9)), ground, theme.color("accent"))

    def _paint_trail(self, painter: QPainter) -> None:
        points = list(self._trail)
        now = time.monotonic()
        color = theme.color("image")
        for (x0, y0, _), (x1, y1, when) in pairwise(points):
            age = (now - when) / TRAIL_SECONDS
            color.setAlphaF(max(0.0, min(1.0, 1.0 - age)) ** 1.5 * 0.95)
            painter.setPen(QPen(color, theme.px(2.5), Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawLine(self.to_screen(x0, y0), self.to_screen(x1, y1))

    def _paint_head(self, painter: QPainter) -> None:
        if self._spot is None:
            return
        point, color = self.to_screen(*self._spot), theme.color("image")
        inside = QRectF(self.rect()).adjusted(theme.px(12), theme.px(12), -theme.px(12), -theme.px(12))
        if not inside.contains(point):
            self._paint_pointer(painter, point, inside, color)
            return
        radius = theme.px(11 if self._drag == "head" else 9)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.color("window"), theme.px(5)))
        painter.drawEllipse(point, radius, radius)
        painter.setPen(QPen(color, theme.px(3)))
        painter.drawEllipse(point, radius, radius)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("text"))
        painter.drawEllipse(point, theme.px(2), theme.px(2))

    def _paint_pointer(self, painter: QPainter, point: QPointF, inside: QRectF, color: QColor) -> None:
        """Out of sight: an arrow at the edge says where."""
        edge = QPointF(
            max(inside.left(), min(inside.right(), point.x())), max(inside.top(), min(inside.bottom(), point.y())))
        angle = math.degrees(math.atan2(point.y() - edge.y(), point.x() - edge.x()))
        painter.save()
        painter.translate(edge)
        painter.rotate(angle)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        long, wide = theme.px(9), theme.px(7)
        painter.drawPolygon([QPointF(long, 0), QPointF(-long / 2, wide), QPointF(-long / 2, -wide)])
        painter.restore()
