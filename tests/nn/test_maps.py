"""Maps of pictures: lines where contrasts are, flat colours, and the same from near and far."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from studio.nn.maps import KINDS, Picture, as_paper, make_map


def disc(side: int = 128) -> Picture:
    y, x = np.mgrid[0:side, 0:side] / side - 0.5
    picture = np.full((side, side, 3), 210, np.uint8)
    picture[x**2 + y**2 < 0.09] = (160, 40, 50)
    return picture


@pytest.mark.parametrize("kind", ["lines", "edges"])
def test_lines_are_on_the_contour_and_nowhere_else(kind: str) -> None:
    found = make_map(disc(), kind)[:, :, 0] / 255.0
    y, x = np.mgrid[0:128, 0:128] / 128 - 0.5
    distance = np.abs(np.hypot(x, y) - 0.3) * 128
    assert found[distance > 8].min() > 0.95
    # all the way round there is ink within four pixels of the contour
    angle = np.arctan2(y, x)
    for start in np.linspace(-np.pi, np.pi, 12, endpoint=False):
        assert found[(distance < 4) & (angle >= start) & (angle < start + 0.5)].min() < 0.5


def scene(side: int = 128) -> NDArray[np.float64]:
    """Bold forms with finer and fainter ones on them."""
    rng, made = np.random.default_rng(0), np.zeros((side, side, 3))
    for count, depth in ((5, 60), (12, 20), (30, 8)):
        blocks = rng.normal(0, depth, (count, count, 3)).astype(np.float32)
        made += cv2.resize(blocks, (side, side), interpolation=cv2.INTER_AREA)
    return made + 128


def test_more_detail_is_more_ink() -> None:
    picture = np.clip(scene(), 0, 255).astype(np.uint8)
    for kind in ("lines", "edges"):
        ink = [255 - float(make_map(picture, kind, detail).mean()) for detail in (0.1, 0.5, 1.0)]
        assert 0 < ink[0] < ink[1] < ink[2], kind


def test_camera_noise_moves_lines_less_than_edges() -> None:
    rng, change = np.random.default_rng(1), {}
    for kind in ("lines", "edges"):
        frames = [np.clip(scene() + rng.normal(0, 4, (128, 128, 3)), 0, 255).astype(np.uint8) for _ in range(2)]
        one, two = (make_map(frame, kind, 0.5).astype(float) for frame in frames)
        change[kind] = np.abs(one - two).mean() / (255 - one).mean()
    assert 0 < change["lines"] < 0.8 * change["edges"]


def test_shapes_are_flat_and_few() -> None:
    found = make_map(disc(), "shapes", 0.0)
    assert set(np.unique(found)) <= {0, 128, 255} and len(np.unique(found.reshape(-1, 3), axis=0)) <= 3
    assert found[64, 64].tolist() == [128, 0, 0] and found[2, 2].tolist() == [255, 255, 255]


def test_paper_is_white_whichever_way_it_was_drawn() -> None:
    drawn = make_map(disc(), "lines")
    assert np.array_equal(as_paper(drawn), drawn) and np.array_equal(as_paper(255 - drawn), drawn)


def test_small_wide_and_unknown() -> None:
    for kind in KINDS:
        for shape in ((1, 1, 3), (3, 200, 3)):
            assert make_map(np.zeros(shape, np.uint8), kind, 7.0).shape == shape
    with pytest.raises(ValueError, match="lines, edges, shapes"):
        make_map(disc(), "colours")
