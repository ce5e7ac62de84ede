"""Frames as images: no copy, the memory stays, crops and greys work, wrong arrays are refused."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QColor, QImage, QPainter

from studio.ui.kit.painting import covering, fitted, paint_lines, scaled, to_qimage


def rgb(image: QImage, x: int, y: int) -> tuple[int, int, int]:
    color = image.pixelColor(x, y)
    return color.red(), color.green(), color.blue()


def test_image_shares_the_memory_of_the_frame() -> None:
    frame = np.zeros((5, 7, 3), np.uint8)
    image = to_qimage(frame)
    assert (image.width(), image.height()) == (7, 5)
    frame[2, 3] = (10, 20, 30)
    assert rgb(image, 3, 2) == (10, 20, 30)


def test_image_keeps_the_frame_alive() -> None:
    frame = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    alive = weakref.ref(frame)
    wanted = tuple(int(v) for v in frame[63, 63])
    image = to_qimage(frame)
    del frame
    gc.collect()
    assert alive() is not None
    assert rgb(image, 63, 63) == wanted
    del image
    gc.collect()
    assert alive() is None


@pytest.mark.parametrize("make", [
    lambda full: full[10:30, 5:25],  # a crop: rows are followed by others' bytes
    lambda full: full[-20:, -20:],  # its last row ends where the memory ends
    lambda full: full[::2, :30],
    lambda full: full[::-1],
    lambda full: full[:, ::-1],
    lambda full: full[..., ::-1],
    lambda full: full.transpose(1, 0, 2),
    lambda full: full[:1, :1],
])
def test_views_of_a_frame_show_what_they_hold(make) -> None:
    view = make(np.random.default_rng(1).integers(0, 255, (40, 44, 3), np.uint8))
    image = to_qimage(view)
    for y in (0, view.shape[0] // 2, view.shape[0] - 1):
        for x in (0, view.shape[1] // 2, view.shape[1] - 1):
            assert rgb(image, x, y) == tuple(int(v) for v in view[y, x])


def test_read_only_frames_greys_and_alpha() -> None:
    frame = np.full((3, 5, 3), 9, np.uint8)
    frame.flags.writeable = False
    assert rgb(to_qimage(frame), 4, 2) == (9, 9, 9)
    assert rgb(to_qimage(np.full((3, 5), 77, np.uint8)), 4, 2) == (77, 77, 77)
    alpha = np.full((3, 5, 4), 255, np.uint8)
    alpha[..., 3] = 128
    assert to_qimage(alpha).pixelColor(4, 2).alpha() == 128
    assert to_qimage(np.zeros((0, 5, 3), np.uint8)).isNull()


@pytest.mark.parametrize("frame", [
    np.zeros((4, 4, 3), np.float32), np.zeros((4, 4, 2), np.uint8), np.zeros(4, np.uint8),
    np.zeros((1, 4, 4, 3), np.uint8),
])
def test_other_arrays_are_refused_with_a_sentence(frame: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"a picture is uint8 \(height, width\[, 3 or 4\]\), not"):
        to_qimage(frame)


@pytest.mark.parametrize("shape", [(64, 64), (1000, 1600), (900, 40)])
def test_scaling_keeps_the_mean(shape: tuple[int, int]) -> None:
    frame = np.random.default_rng(2).integers(0, 255, (*shape, 3), np.uint8)
    small = scaled(to_qimage(frame), QSize(40, 30))
    assert small.size() == QSize(40, 30)
    pixels = [rgb(small, x, y) for x in range(40) for y in range(30)]
    assert np.mean(pixels) == pytest.approx(float(frame.mean()), abs=4)


def test_scaled_image_does_not_point_into_the_frame() -> None:
    frame = np.full((400, 40, 3), 50, np.uint8)
    small = scaled(to_qimage(frame), QSize(40, 20))
    frame[:] = 200
    assert rgb(small, 20, 10) == (50, 50, 50)


def test_fitted_and_covering() -> None:
    assert fitted(QSize(200, 100), QRectF(0, 0, 100, 100)) == QRectF(0, 25, 100, 50)
    assert covering(QSize(200, 100), QRectF(0, 0, 100, 100)) == QRectF(50, 0, 100, 100)
    assert fitted(QSize(0, 0), QRectF(0, 0, 10, 10)).isEmpty()
    assert covering(QSize(10, 10), QRectF()).isEmpty()


def test_lines_stay_in_their_room(qapp) -> None:
    image = QImage(120, 80, QImage.Format.Format_RGB32)
    image.fill(QColor("black"))
    painter = QPainter(image)
    painter.setPen(QColor("white"))
    line = painter.fontMetrics().lineSpacing()
    room = QRectF(10, 10, 100, 2 * line)
    paint_lines(painter, "one sentence that needs far more room than the two lines it is given here", room)
    painter.end()
    lit = [(x, y) for x in range(120) for y in range(80) if image.pixelColor(x, y).lightness() > 60]
    assert lit
    assert all(9 <= x <= 111 and 9 <= y <= room.bottom() + 1 for x, y in lit)
    assert any(y > 10 + line for _, y in lit)
