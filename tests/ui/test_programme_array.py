"""What is recorded is what the audience sees: the programme as an array and as Qt paints it agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

from studio.media import Frame
from studio.session import programme as array
from studio.session.mix import BLENDS
from studio.session.session import Session
from studio.ui.programme import Programme


def picture(seed: int, width: int, height: int) -> Frame:
    """Smooth coloured noise: enlarging it is no matter of taste."""
    import cv2

    noise = np.random.default_rng(seed).integers(0, 256, (height // 12 + 2, width // 12 + 2, 3), dtype=np.uint8)
    return np.ascontiguousarray(cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC))


def painted(programme: Programme, width: int, height: int) -> np.ndarray[Any, Any]:
    programme.refresh()
    image = QImage(width, height, QImage.Format.Format_RGB888)
    painter = QPainter(image)
    programme.paint(painter, QRectF(0, 0, width, height))
    painter.end()
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(height, image.bytesPerLine())
    return rows[:, : width * 3].reshape(height, width, 3).astype(int)


def put(session: Session, **frames: Frame) -> None:
    for name, frame in frames.items():
        session.decks[name.upper()].worker.mailbox.put(frame)  # type: ignore[union-attr]


def compare(session: Session, programme: Programme, size: tuple[int, int], *, most: float, mean: float) -> None:
    session.pump()
    qt, ours = painted(programme, *size), array.compose(array.look(session), size).astype(int)
    assert ours.shape == qt.shape
    off = np.abs(ours - qt)
    assert off.mean() <= mean and np.percentile(off, 99.5) <= most


@pytest.mark.parametrize("blend", BLENDS)
def test_every_blend_at_its_own_size(session: Session, blend: str) -> None:
    programme = Programme(session)
    put(session, a=picture(1, 96, 64), b=picture(2, 96, 64))
    session.set_blend(blend)
    for share in (0.0, 0.2, 0.5, 0.85, 1.0):
        session.set_crossfade(share)
        compare(session, programme, (96, 64), most=3, mean=1.0)


@pytest.mark.parametrize("blend", BLENDS)
def test_decks_of_different_sizes_scaled(session: Session, blend: str) -> None:
    programme = Programme(session)
    put(session, a=picture(3, 96, 64), b=picture(4, 64, 96))
    session.set_blend(blend)
    session.set_crossfade(0.4)
    compare(session, programme, (320, 180), most=14 if blend != "luma" else 60, mean=2.0)


def test_one_deck_alone_fades_to_nothing(session: Session) -> None:
    programme = Programme(session)
    put(session, a=picture(5, 96, 64))
    for share in (0.0, 0.3, 1.0):
        session.set_crossfade(share)
        compare(session, programme, (160, 96), most=10, mean=1.5)


def test_blackout_safe_look_and_master(session: Session) -> None:
    programme = Programme(session)
    put(session, a=picture(6, 96, 64), b=picture(7, 96, 64))
    for name, value in (("fade", 0.5), ("safe", True), ("fade", 0.0), ("blackout", True)):
        session.mix.set(name, value)
        compare(session, programme, (96, 64), most=3, mean=1.2)
    assert array.compose(array.look(session), (96, 64)).max() == 0


def test_frozen_both_hold_the_same_picture(session: Session) -> None:
    programme = Programme(session)
    put(session, a=picture(8, 96, 64))
    compare(session, programme, (96, 64), most=2, mean=1.0)
    session.mix.set("freeze", True)
    held = array.compose(array.look(session), (96, 64))
    put(session, a=picture(9, 96, 64), b=picture(10, 96, 64))
    session.set_crossfade(1.0)
    compare(session, programme, (96, 64), most=2, mean=1.0)
    assert np.array_equal(array.compose(array.look(session), (96, 64)), held)
    session.mix.set("freeze", False)
    assert not np.array_equal(array.compose(array.look(session), (96, 64)), held)


def test_it_is_composed_only_when_something_changed(session: Session) -> None:
    put(session, a=picture(11, 96, 64))
    composer = array.Composer((64, 36), lambda: array.look(session))
    first = composer()
    assert composer() is first
    session.mix.set("fade", 0.25)
    second = composer()
    assert second is not first and second.mean() < first.mean()
    put(session, a=picture(12, 96, 64))
    assert composer() is not second
