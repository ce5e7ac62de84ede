"""The map of the latent space with hands on it: seeds as pictures on the plane of its first two directions."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import (
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QWheelEvent,
)

from studio.nn.places import as_place, of_seed
from studio.session.latent_places import DIRECTIONS
from studio.ui import theme
from studio.ui.views.latent.map_ground import MapGround
from studio.ui.views.latent.steer import place_at
from studio.ui.views.latent.tiles import drag_place

TRAIL_SECONDS = 14.0
NEAREST, FURTHEST = 1200.0, 24.0
"""Pixels per standard deviation, at scale 1."""

STEP = 0.15


class MapView(MapGround):
    """Drag the ground to move, turn the wheel or pinch to zoom, drag the ring to steer, click a picture to go there.

    Keys: arrows steer, with Shift finely; ``+`` and ``-`` zoom, Home shows everything, Enter goes to the nearest seed.
    ``pin_wanted`` is emitted for a double click on the ring and P.
    """

    pin_wanted = Signal()

    # --- hands ---

    def head_at(self, point: QPointF) -> bool:
        """Whether the ring is under a point."""
        if self._spot is None:
            return False
        away = self.to_screen(*self._spot) - point
        return math.hypot(away.x(), away.y()) <= theme.px(16)

    def seed_at(self, point: QPointF) -> int:
        """The seed whose picture is under a point, -1 where none is."""
        space = self._bench.pictures.space
        if space is None:
            return -1
        shown = self.shown()
        if not len(shown):
            return -1
        x, y = self.to_plane(point)
        away = np.abs(space.seeds[shown] - (x, y)).max(1)
        index = int(away.argmin())
        return int(shown[index]) if away[index] * self.scale() <= self._tile() / 2 else -1

    def steer(self, x: float, y: float) -> None:
        """Send the picture to a spot on the plane."""
        space = self._bench.pictures.space
        if space is None:
            return
        place = place_at(x, y, self.shown(margin=3.0), space.seeds)
        self._bench.go(place, "Steer", gesture=self._gesture or "latent keys", keep=DIRECTIONS[2:])

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed = self._last = event.position()
        if event.button() == Qt.MouseButton.LeftButton and self.head_at(event.position()):
            self._drag, self._gesture = "head", self._bench.begin("steer")
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._drag = "ground"
        else:
            event.ignore()
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        point = event.position()
        if self._drag == "head":
            self.steer(*self.to_plane(point))
        elif self._drag == "ground":
            if (point - self._pressed).manhattanLength() > 4 or self._last != self._pressed:
                alt = event.modifiers() & (Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.ControlModifier)
                seed = self.seed_at(self._pressed)
                if alt and seed >= 0:
                    self._drag = ""
                    drag_place(self, str(seed), self._bench.pictures.image(str(seed), self._bench.truncation))
                    return
                step = point - self._last
                self._last = point
                self.setCursor(Qt.CursorShape.SizeAllCursor)
                self._move(-step.x() / self.scale(), step.y() / self.scale())
        else:
            hover = -1 if self.head_at(point) else self.seed_at(point)
            self.setCursor(Qt.CursorShape.OpenHandCursor if self.head_at(point) else
                           Qt.CursorShape.PointingHandCursor if hover >= 0 else Qt.CursorShape.ArrowCursor)
            if hover != self._hover:
                self._hover = hover
                self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        was, self._drag = self._drag, ""
        self.unsetCursor()
        if was == "head":
            self._bench.end()
            self._gesture = None
        elif was == "ground" and self._last == self._pressed and event.button() == Qt.MouseButton.LeftButton:
            self._clicked(event.position())
        self.update()

    def _clicked(self, point: QPointF) -> None:
        for _, where in self._bench.points().items():
            shot = self._bench.pictures.shot(str(as_place(where)), self._bench.truncation)
            if shot is not None:
                away = self.to_screen(shot.x, shot.y) - point
                if math.hypot(away.x(), away.y()) <= theme.px(8):
                    self._bench.go(where, "Go to a pin")
                    return
        seed = self.seed_at(point)
        if seed >= 0:
            self._bench.go(of_seed(seed), f"Go to seed {seed}")

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self.head_at(event.position()):
            self.pin_wanted.emit()
        else:
            self.mousePressEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._hover = -1
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        turns = (event.angleDelta().y() or event.pixelDelta().y()) / 120
        self.zoom(1.2**turns, event.position())
        event.accept()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QNativeGestureEvent) and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
            self.zoom(1.0 + event.value(), event.position())
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Down: (0, -1)}
        key, spot = Qt.Key(event.key()), self._bench.spot()
        if key in steps and spot is not None:
            step = STEP * (0.2 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0) * 100 / self.scale()
            self.steer(spot[0] + steps[key][0] * step, spot[1] + steps[key][1] * step)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom(1.25)
        elif key == Qt.Key.Key_Minus:
            self.zoom(0.8)
        elif key == Qt.Key.Key_Home:
            self.show_all()
        elif key == Qt.Key.Key_P:
            self.pin_wanted.emit()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and spot is not None:
            self._go_nearest(spot)
        else:
            super().keyPressEvent(event)

    def _go_nearest(self, spot: tuple[float, float]) -> None:
        space, shown = self._bench.pictures.space, self.shown()
        if space is not None and len(shown):
            seed = int(shown[np.abs(space.seeds[shown] - spot).sum(1).argmin()])
            self._bench.go(of_seed(seed), f"Go to seed {seed}")
