"""Maps of a picture that a hand could draw: lines, edges, flat shapes. What image-to-image networks begin from.

The same function makes the maps a network learns from and those of a camera on stage, so what it sees live is what it
knows. Pictures and maps are ``uint8 (height, width, 3)``; lines and edges are dark on white, as on paper.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

KINDS = ("lines", "edges", "shapes")
"""``lines``: soft pencil lines (steady live); ``edges``: thin hard contours; ``shapes``: flat colours."""
REFERENCE = 256
"""Side (pixels) of the picture for which the radii below are meant; others scale with it."""

Picture = NDArray[np.uint8]


def make_map(picture: Picture, kind: str, detail: float = 0.5) -> Picture:
    """The map ``kind`` of a picture. ``detail`` 0..1: from the boldest forms alone to fine texture."""
    if kind not in KINDS:
        raise ValueError(f"there is no map {kind!r}; there are: {', '.join(KINDS)}")
    maker = {"lines": lines, "edges": edges, "shapes": shapes}[kind]
    return maker(np.ascontiguousarray(picture), min(1.0, max(0.0, detail)))


def _unit(picture: Picture) -> float:
    return max(0.25, float(min(picture.shape[:2])) / REFERENCE)


def lines(picture: Picture, detail: float = 0.5) -> Picture:
    """Pencil lines by a soft threshold on a difference of Gaussians (XDoG, Winnemöller, Kyprianidis, Olsen 2012).

    A small change of the picture changes them a little: they do not flicker as thresholded edges do.
    """
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255.0
    sigma = (1.9 - 1.2 * detail) * _unit(picture)
    narrow, wide = (cv2.GaussianBlur(grey, (0, 0), s, borderType=cv2.BORDER_REFLECT) for s in (sigma, 1.6 * sigma))
    # dark side of a contrast only, as a line of one's own, not a double one
    strength = (wide - narrow) - (0.024 - 0.016 * detail)
    ink = np.tanh(np.maximum(strength, 0.0) * 45.0)
    return _on_paper(255.0 * ink)


def edges(picture: Picture, detail: float = 0.5) -> Picture:
    """Contours one pixel wide (Canny 1986), after a blur that leaves fine texture out."""
    grey = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), (0, 0), (2.2 - 1.5 * detail) * _unit(picture))
    high = 150.0 - 100.0 * detail
    return _on_paper(cv2.Canny(grey, 0.4 * high, high))


def _on_paper(ink: NDArray[Any]) -> Picture:
    """Ink ``(height, width)``, 0..255, as dark on white."""
    return np.asarray(cv2.cvtColor(np.round(255.0 - ink).astype(np.uint8), cv2.COLOR_GRAY2RGB), np.uint8)


def shapes(picture: Picture, detail: float = 0.5) -> Picture:
    """Flat patches of a few tones, as cut from coloured paper: a map like those of label maps, made without labels."""
    radius = round((9 - 6 * detail) * _unit(picture)) | 1
    flat = cv2.medianBlur(cv2.medianBlur(picture, max(3, radius)), max(3, radius))
    tones = 3 + round(4 * detail)
    steps = np.round(np.arange(256) / 255 * (tones - 1))
    return np.asarray(np.round(steps * (255 / (tones - 1)))[flat], np.uint8)


def as_paper(drawing: Picture) -> Picture:
    """A drawing as dark lines on white, whichever way it was drawn: a dark ground is turned into paper."""
    return np.asarray(255 - drawing, np.uint8) if float(drawing.mean()) < 110.0 else drawing
