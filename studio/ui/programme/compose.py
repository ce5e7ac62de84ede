"""The programme: decks A and B through crossfader and blend, under fade, blackout, freeze and safe look.

Painting happens on the GUI thread from the last good frames, so it works whatever the generators do.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QColor, QImage, QLinearGradient, QPainter

from studio.media import Frame
from studio.session.core import Core
from studio.session.programme import SAFE_LOOK, look, wipe_levels
from studio.ui.kit.painting import covering, fitted, to_qimage

SMALL_PICTURE = (256, 144)
"""Pixels of the small pictures that snapshots and the like keep."""

SCALINGS = ("fit", "fill", "stretch", "1:1")
"""Whole picture with black beside it; cut to fill; pulled to fill; one pixel of the picture on one of the screen."""

_Mode = QPainter.CompositionMode
_MODES = {
    "add": _Mode.CompositionMode_Plus, "screen": _Mode.CompositionMode_Screen,
    "multiply": _Mode.CompositionMode_Multiply, "difference": _Mode.CompositionMode_Difference,
}


class Programme:
    """Composes the programme; several widgets may paint from one."""

    def __init__(self, session: Core) -> None:
        self._session = session
        self._frames: dict[str, Frame | None] = {"A": None, "B": None}
        self._images: dict[str, QImage | None] = {"A": None, "B": None}
        self._shown = (0.0, "mix")
        self._wiped: tuple[QImage | None, float, QImage] = (None, 0.0, QImage())
        self._composed: tuple[tuple[object, ...], QImage] = ((), QImage())
        self.revision = 0
        self.off = session.on("mix", lambda _: self._touch())

    def _touch(self) -> None:
        self.revision += 1

    def refresh(self) -> bool:
        """Pull the newest frames (unless frozen); returns whether there is anything new to paint."""
        before, seen = self.revision, look(self._session)
        self._shown = (seen.crossfade, seen.blend)
        for name, frame in (("A", seen.a), ("B", seen.b)):
            if frame is not self._frames[name]:
                self._frames[name] = frame
                # 32 bits a pixel: a copy of its own, and drawn twice as fast as 24
                image = None if frame is None else to_qimage(frame).convertToFormat(QImage.Format.Format_RGB32)
                self._images[name] = image
                self.revision += 1
        return self.revision != before

    @property
    def empty(self) -> bool:
        """Whether no deck has a picture."""
        return not any(self._images.values())

    def size(self) -> QSize:
        """Pixels of the larger picture that is seen."""
        sizes = [image.size() for image in self._images.values() if image is not None]
        return max(sizes, key=lambda size: size.width() * size.height(), default=QSize(512, 512))

    def paint(self, painter: QPainter, area: QRectF, *, scaling: str = "fit") -> None:
        """Paint into ``area``, one of SCALINGS."""
        painter.fillRect(area, Qt.GlobalColor.black)
        mix = self._session.mix
        if mix.blackout:
            return
        if mix.safe:
            _safe_look(painter, area)
        else:
            painter.save()
            painter.setClipRect(area)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, scaling != "1:1")
            # frozen, the crossfader moves on unseen: what is held is the picture, not what it is made of
            share, blend = self._shown if mix.freeze else (mix.crossfade, mix.blend)
            self._decks(painter, area, scaling, share, blend)
            painter.restore()
        if mix.fade > 0:
            painter.fillRect(area, QColor.fromRgbF(0, 0, 0, mix.fade))

    def _decks(self, painter: QPainter, area: QRectF, scaling: str, share: float, blend: str) -> None:
        a, b = self._images["A"], self._images["B"]
        if a is None or b is None or a.isNull() or b.isNull():  # a fade to or from nothing
            for image, part in ((a, 1.0 - share), (b, share)):
                _draw(painter, image, part, area, scaling)
        elif share in (0.0, 1.0):
            _draw(painter, b if share else a, 1.0, area, scaling)
        elif a.size() == b.size():  # blended small and once for all who paint; enlarging is what costs
            key = (a, b, share, blend)
            # the same objects: comparing pictures would cost as much as blending them
            if len(self._composed[0]) != 4 or any(
                new is not old for new, old in zip(key[:2], self._composed[0], strict=False)
            ) or key[2:] != self._composed[0][2:]:
                both = QImage(a.size(), QImage.Format.Format_RGB32)
                inner = QPainter(both)
                self._blend(inner, QRectF(both.rect()), "1:1", a, b, share, blend)
                inner.end()
                self._composed = (key, both)
            _draw(painter, self._composed[1], 1.0, area, scaling)
        else:
            self._blend(painter, area, scaling, a, b, share, blend)

    def _blend(
        self, painter: QPainter, area: QRectF, scaling: str, a: QImage, b: QImage, share: float, blend: str,
    ) -> None:
        if blend == "luma":
            _draw(painter, a, 1.0, area, scaling)
            _draw(painter, self._wipe(b, share), 1.0, area, scaling)
        elif blend in _MODES:
            # from A alone, over both blended in the middle, to B alone; all of these blends are symmetrical
            under, over = (a, b) if share <= 0.5 else (b, a)
            _draw(painter, under, 1.0, area, scaling)
            _draw(painter, over, 2.0 * min(share, 1.0 - share), area, scaling, _MODES[blend])
        else:  # over an opaque A, B at its share: exactly the linear mix where both cover the same place
            _draw(painter, a, 1.0, area, scaling)
            _draw(painter, b, share, area, scaling)

    def _wipe(self, image: QImage, share: float) -> QImage:
        """``image`` where the wipe has come to it; computed once for all who paint."""
        if self._wiped[0] is not image or self._wiped[1] != share:
            self._wiped = (image, share, wiped(image, share))
        return self._wiped[2]

    def picture(self, width: int = SMALL_PICTURE[0], height: int = SMALL_PICTURE[1]) -> QImage:
        """The programme as an image of this size, filled."""
        image = QImage(width, height, QImage.Format.Format_RGB888)
        painter = QPainter(image)
        self.paint(painter, QRectF(0, 0, width, height), scaling="fill")
        painter.end()
        return image


def _draw(
    painter: QPainter, image: QImage | None, share: float, area: QRectF, scaling: str,
    mode: QPainter.CompositionMode = _Mode.CompositionMode_SourceOver,
) -> None:
    if image is None or image.isNull() or share <= 0:
        return
    painter.setOpacity(share)
    painter.setCompositionMode(mode)
    target, source = placed(image.size(), area, scaling, painter.device().devicePixelRatioF())
    painter.drawImage(target, image, source)
    painter.setCompositionMode(_Mode.CompositionMode_SourceOver)
    painter.setOpacity(1.0)


def placed(size: QSize, area: QRectF, scaling: str, ratio: float = 1.0) -> tuple[QRectF, QRectF]:
    """Where a picture of ``size`` goes in ``area``, and which part of it; ``ratio`` is the screen's device pixels."""
    whole = QRectF(0, 0, size.width(), size.height())
    if scaling == "fill":
        return area, covering(size, area)
    if scaling == "stretch":
        return area, whole
    if scaling == "1:1":
        shown = QSizeF(size) / ratio
        corner = area.center() - QPointF(shown.width() / 2, shown.height() / 2)
        # on whole device pixels: half a pixel beside them everything is soft
        corner = QPointF(round(corner.x() * ratio) / ratio, round(corner.y() * ratio) / ratio)
        return QRectF(corner, shown), whole
    return fitted(size, area), whole


def wiped(image: QImage, share: float) -> QImage:
    """``image`` with its bright parts opaque and its dark ones not yet: nothing at ``share`` 0, all of it at 1."""
    grey = image.convertToFormat(QImage.Format.Format_Grayscale8)
    table = wipe_levels(share)
    mask: np.ndarray[Any, Any] = table[np.frombuffer(grey.constBits(), np.uint8)]
    alpha = QImage(mask.data, grey.width(), grey.height(), grey.bytesPerLine(), QImage.Format.Format_Grayscale8)
    result = image.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
    result.setAlphaChannel(alpha)
    return result


def _safe_look(painter: QPainter, area: QRectF) -> None:
    """A dim, calm gradient that needs no generator."""
    gradient = QLinearGradient(area.topLeft(), area.bottomRight())
    for at, color in SAFE_LOOK:
        gradient.setColorAt(at, QColor(*color))
    painter.fillRect(area, gradient)
