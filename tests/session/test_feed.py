"""The pictures that come into a deck: files at their own pace, the studio's scene as often as somebody looks."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from studio.engine import Mailbox
from studio.engine.threads import stop_all
from studio.media import Frame
from studio.plugins import Registry, discover
from studio.session.feed import SCENE, SCENE_SIZE, Feed


def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.005)  # waits for a condition, not for a time


@pytest.fixture(scope="module")
def registry() -> Registry:
    return discover(builtin_only=True)


def test_the_scene_is_drawn_once_for_each_picture_that_is_taken(registry: Registry) -> None:
    box: Mailbox[Frame] = Mailbox()
    feed = Feed(SCENE, box, registry, fps=1000.0)
    try:
        until(lambda: feed.pictures == 1)
        assert not box.wait_taken(0.05) and feed.pictures == 1  # nobody looks: nothing is drawn
        seen = []
        for count in range(2, 6):
            frame = box.take(timeout=20.0)
            assert frame is not None and frame.shape == (SCENE_SIZE[1], SCENE_SIZE[0], 3)
            seen.append(frame)
            until(lambda count=count: feed.pictures >= count)  # type: ignore[misc]
        assert feed.pictures == 5 and feed.state == "playing"
        assert any((a != b).any() for a, b in itertools.pairwise(seen))
    finally:
        feed.stop()
        assert not stop_all(8.0)


def test_a_picture_that_cannot_be_read_gives_way_to_the_scene(registry: Registry, tmp_path: Path) -> None:
    told: list[str] = []
    box: Mailbox[Frame] = Mailbox()
    feed = Feed(str(tmp_path / "gone.png"), box, registry, notice=told.append)
    try:
        until(lambda: box.last is not None)
        assert feed.state == "substitute" and "gone.png" in feed.reason
        assert len(told) == 1 and "sample scene" in told[0]
    finally:
        feed.stop()
        assert not stop_all(8.0)


def test_a_still_comes_once(registry: Registry, tmp_path: Path) -> None:
    place = tmp_path / "red.png"
    Image.new("RGB", (48, 32), (255, 0, 0)).save(place)
    box: Mailbox[Frame] = Mailbox()
    feed = Feed(str(place), box, registry)
    try:
        frame = box.take(timeout=20.0)
        assert frame is not None and (frame == (255, 0, 0)).all()
        assert feed.state == "playing" and feed.pictures == 1
    finally:
        feed.stop()
        assert not stop_all(8.0)
