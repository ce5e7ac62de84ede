"""Live frames are scaled on a thread of their own; the newest wins, nothing late is shown, nothing is left running."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QSize
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from studio.ui.kit import FrameView, scaler
from studio.ui.kit.painting import scaled, to_qimage


def plain(value: int, width: int = 64, height: int = 48) -> np.ndarray:
    return np.full((height, width, 3), (value, 255 - value, 40), np.uint8)


class Feed:
    def __init__(self) -> None:
        self.frame: np.ndarray | None = None

    def __call__(self) -> np.ndarray | None:
        return self.frame


@pytest.fixture
def feed() -> Feed:
    return Feed()


@pytest.fixture
def view(qtbot: QtBot, feed: Feed) -> FrameView:
    made = FrameView(feed)
    qtbot.addWidget(made)
    made.resize(320, 240)
    made.show()
    qtbot.waitExposed(made)
    return made


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Who scaled, in order."""
    names: list[str] = []
    real = scaler.scale

    def noted(frame: np.ndarray, width: int, height: int) -> np.ndarray:
        names.append(threading.current_thread().name)
        return real(frame, width, height)

    monkeypatch.setattr(scaler, "scale", noted)
    return names


def middle(view: FrameView) -> QColor:
    return view.grab().toImage().pixelColor(QPoint(view.width() // 2, view.height() // 2))


def stream(view: FrameView, feed: Feed, values: range) -> None:
    for value in values:
        feed.frame = plain(value)
        assert view.refresh()
        view.grab()


def test_live_frames_are_scaled_elsewhere_and_the_last_is_shown(
    qtbot: QtBot, view: FrameView, feed: Feed, threads: list[str]
) -> None:
    stream(view, feed, range(10, 40))
    qtbot.waitUntil(lambda: middle(view) == QColor(39, 216, 40))
    assert threads and set(threads) == {"picture scaler"}


def test_first_frames_are_shown_at_once(view: FrameView, feed: Feed, threads: list[str]) -> None:
    for value in (10, 20, 30):
        feed.frame = plain(value)
        view.refresh()
        assert middle(view) == QColor(value, 255 - value, 40)
    assert threads == []


def test_what_is_set_by_hand_is_not_covered_by_a_late_frame(qtbot: QtBot, view: FrameView, feed: Feed) -> None:
    stream(view, feed, range(10, 30))
    view.set_frame(plain(200))
    qtbot.waitUntil(lambda: scaler.shared()._thread is None)
    QApplication.processEvents()
    assert middle(view) == QColor(200, 55, 40)


def test_no_frame_after_a_stream_is_the_placeholder(qtbot: QtBot, view: FrameView, feed: Feed) -> None:
    stream(view, feed, range(10, 30))
    feed.frame = None
    assert view.refresh()
    qtbot.waitUntil(lambda: scaler.shared()._thread is None)
    QApplication.processEvents()
    assert view.frame() is None and view.picture_rect().isEmpty()


def test_another_size_of_frame_or_widget_is_right_at_once(view: FrameView, feed: Feed) -> None:
    stream(view, feed, range(10, 30))
    feed.frame = plain(90, 100, 20)
    view.refresh()
    assert middle(view) == QColor(90, 165, 40)
    stream(view, feed, range(30, 50))
    view.resize(400, 120)
    assert middle(view) == QColor(49, 206, 40)


def test_a_hidden_view_gives_nothing_away(view: FrameView, feed: Feed, threads: list[str]) -> None:
    view.hide()
    for value in range(10, 40):
        feed.frame = plain(value)
        view.refresh()
    assert threads == []


def test_a_frame_that_cannot_be_scaled_there_is_scaled_here(
    qtbot: QtBot, view: FrameView, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ImportError("no OpenCV here")

    monkeypatch.setattr(scaler, "scale", broken)
    stream(view, feed, range(10, 40))
    qtbot.waitUntil(lambda: middle(view) == QColor(39, 216, 40))


def test_thread_ends_when_nothing_comes_and_starts_again(qtbot: QtBot, view: FrameView, feed: Feed) -> None:
    def alive() -> bool:
        return any(thread.name == "picture scaler" for thread in threading.enumerate())

    stream(view, feed, range(10, 30))
    assert alive()
    qtbot.waitUntil(lambda: not alive(), timeout=3000)
    stream(view, feed, range(30, 50))
    assert alive()
    scaler.shared().stop()
    assert not alive()
    stream(view, feed, range(50, 60))
    qtbot.waitUntil(lambda: middle(view) == QColor(59, 196, 40))


@pytest.mark.parametrize("shape", [(48, 64, 3), (480, 640, 3), (48, 64), (7, 300, 3)])
def test_it_looks_like_what_qt_would_paint(shape: tuple[int, ...]) -> None:
    ramp = np.linspace(0, 255, shape[1]).astype(np.uint8)
    frame = np.ascontiguousarray(np.broadcast_to(ramp if len(shape) == 2 else ramp[:, None], shape))
    pixels = scaler.scale(frame, 160, 120)
    assert pixels.shape == (120, 160, 4) and pixels.dtype == np.uint8
    image = scaled(to_qimage(frame), QSize(160, 120))
    for x in (3, 40, 80, 156):
        assert abs(int(pixels[60, x, 2]) - image.pixelColor(x, 60).red()) <= 6


def test_colours_are_not_swapped() -> None:
    frame = np.zeros((4, 4, 3), np.uint8)
    frame[..., 0] = 200
    assert tuple(scaler.scale(frame, 8, 8)[3, 3]) == (0, 0, 200, 255)
    assert tuple(scaler.scale(frame[:, ::-1], 4, 4)[3, 3]) == (0, 0, 200, 255)
