"""The programme: blends, scaling, freeze, pattern; painted for real from real decks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter

from studio.session.mix import BLENDS
from studio.session.session import Session
from studio.ui.programme import Programme
from studio.ui.programme.compose import placed, wiped
from studio.ui.programme.pattern import BARS, paint_pattern
from tests.ui.stand import level, pumped


def show(session: Session, qtbot: Any, a: float, b: float) -> Programme:
    """Two decks of one grey each."""
    for name, grey in (("A", a), ("B", b)):
        session.load(name, "test.shade", params={"level": grey})
        pumped(session, qtbot, lambda name=name, grey=grey: level(session, name) == round(grey * 255))
    return Programme(session)


def grey(programme: Programme, session: Session) -> int:
    session.pump()
    programme.refresh()
    return programme.picture(64, 48).pixelColor(32, 24).red()


def wanted(blend: str, a: float, b: float, share: float) -> float:
    """What the blends are, written down plainly: A alone, both in the middle, B alone."""
    both = {"add": min(1.0, a + b), "screen": a + b - a * b, "multiply": a * b, "difference": abs(a - b)}[blend]
    alone, part = (a, 2 * share) if share <= 0.5 else (b, 2 * (1 - share))
    return alone + (both - alone) * part


@pytest.mark.parametrize("blend", ["add", "screen", "multiply", "difference"])
@pytest.mark.parametrize(("a", "b"), [(0.8, 0.4), (0.2, 1.0), (0.0, 0.6)])
def test_blends_are_what_their_names_say(session: Session, qtbot: Any, blend: str, a: float, b: float) -> None:
    programme = show(session, qtbot, a, b)
    session.set_blend(blend)
    for share in (0.0, 0.25, 0.5, 0.8, 1.0):
        session.set_crossfade(share)
        assert grey(programme, session) == pytest.approx(255 * wanted(blend, a, b, share), abs=3), share


@pytest.mark.parametrize("blend", BLENDS)
def test_no_blend_jumps_on_its_way(session: Session, qtbot: Any, blend: str) -> None:
    programme = show(session, qtbot, 0.2, 0.6)
    session.set_blend(blend)
    seen = []
    for share in np.linspace(0.0, 1.0, 101):
        session.set_crossfade(float(share))
        seen.append(grey(programme, session))
    assert seen[0] == 51 and seen[-1] == 153
    assert np.abs(np.diff(seen)).max() <= (16 if blend == "luma" else 5)


def test_the_luma_wipe_shows_the_bright_parts_first() -> None:
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 8, 0).repeat(3, 2)
    image = QImage(ramp.tobytes(), 256, 8, 768, QImage.Format.Format_RGB888)
    alphas = {share: [wiped(image, share).pixelColor(x, 4).alpha() for x in range(256)] for share in (0.0, 0.5, 1.0)}
    assert set(alphas[0.0]) == {0} and set(alphas[1.0]) == {255}
    half = alphas[0.5]
    assert half == sorted(half) and half[60] == 0 and half[200] == 255


def test_freeze_holds_the_picture_and_the_master_still_fades(session: Session, qtbot: Any) -> None:
    programme = show(session, qtbot, 1.0, 0.0)
    assert grey(programme, session) == 255
    session.mix.set("freeze", True)
    session.set_crossfade(1.0)
    session.set_value("A", 0, "level", 0.5)
    pumped(session, qtbot, lambda: level(session) == 128)
    assert grey(programme, session) == 255
    session.mix.set("fade", 0.5)
    assert grey(programme, session) == pytest.approx(128, abs=1)
    session.mix.set("blackout", True)
    assert grey(programme, session) == 0
    for name in ("blackout", "freeze"):
        session.mix.set(name, False)
    session.mix.set("fade", 0.0)
    assert grey(programme, session) == 0  # deck B, where the crossfader is by now


@pytest.mark.parametrize(("scaling", "target", "source"), [
    ("fit", (100, 0, 200, 200), (0, 0, 100, 100)), ("fill", (0, 0, 400, 200), (0, 25, 100, 50)),
    ("stretch", (0, 0, 400, 200), (0, 0, 100, 100)), ("1:1", (150, 50, 100, 100), (0, 0, 100, 100)),
])
def test_scaling(scaling: str, target: tuple[int, ...], source: tuple[int, ...]) -> None:
    assert placed(QSize(100, 100), QRectF(0, 0, 400, 200), scaling) == (QRectF(*target), QRectF(*source))


def test_one_to_one_is_exact_on_a_screen_of_two_pixels_a_point() -> None:
    target, _ = placed(QSize(101, 101), QRectF(0, 0, 400, 200), "1:1", 2.0)
    assert (target.width(), target.height()) == (50.5, 50.5)
    assert target.x() * 2 == round(target.x() * 2) and target.y() * 2 == round(target.y() * 2)


def test_the_pattern_reaches_every_edge_and_its_circle_is_round() -> None:
    image = QImage(640, 360, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.blue)
    painter = QPainter(image)
    paint_pattern(painter, QRectF(0, 0, 640, 360), "DUMMY1", "640 × 360")
    painter.end()
    for x, y in ((0, 0), (639, 0), (0, 359), (639, 359), (320, 0), (0, 180)):
        assert image.pixelColor(x, y).name() == "#ff3030"
    for place, color in enumerate(BARS):
        assert image.pixelColor(round(640 * (place + 0.5) / 8) + 7, 90).name() == color
    radius = round(360 * 0.46)
    for x, y in ((320 - radius, 185), (320 + radius, 185), (325, 180 - radius), (325, 180 + radius)):
        near = [image.pixelColor(x + dx, y + dy).lightness() for dx in (-1, 0, 1) for dy in (-1, 0, 1)]
        assert max(near) > 200, (x, y)
