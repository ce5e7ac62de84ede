"""Visions as parameters, the geometry of the flight against the real movement, octaves; pads under a real mouse."""

from __future__ import annotations

import math

import pytest
import stage_stand as stand
import torch
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from studio.nn.dream import octave_sizes
from studio.nn.googlenet import LAYERS
from studio.nn.imaging import move
from studio.ui.views.dream import visions
from studio.ui.views.dream.flight import FlightPad, describe
from studio.ui.views.dream.geometry import Flight, from_frame, octave_sides
from studio.ui.views.dream.octaves import OctavePad
from studio.ui.views.dream.visions import Vision

PLAIN = {"layer": "4c", "channel": -1, "weight": 1.0, "layer_b": "3b", "channel_b": -1, "weight_b": 0.0, "targets": ""}

speeds = st.builds(
    Flight, st.floats(-1.9, 1.9), st.floats(-170, 170), st.floats(-0.3, 0.3), st.floats(-0.3, 0.3))


@given(speeds, st.floats(0.5, 2.0))
def test_a_frame_and_its_flight_are_the_same(flight: Flight, aspect: float) -> None:
    found = from_frame(*flight.frame(1.0, aspect), aspect)
    assert found.zoom == pytest.approx(flight.zoom, abs=1e-6)
    assert found.rotation == pytest.approx(flight.rotation, abs=1e-4)
    assert (found.right, found.down) == pytest.approx((flight.right, flight.down), abs=1e-6)


def test_a_flight_stays_within_what_the_parameters_allow() -> None:
    found = from_frame(complex(0.0001), complex(90, -90), 4 / 3)
    assert (found.zoom, found.right, found.down) == (2.0, 1.0, -1.0)


@pytest.mark.parametrize(
    "flight", [Flight(0.6, 0, 0, 0), Flight(0, 60, 0, 0), Flight(0, 0, 0.2, -0.1), Flight(0.4, -50, 0.1, 0.1)])
def test_the_frame_is_where_the_picture_really_comes_from(flight: Flight) -> None:
    """Many small real moves of one second together bring the frame's middle to the middle of the picture."""
    height, width, steps = 121, 161, 25
    aspect = width / height
    _, middle = flight.frame(1.0, aspect)
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    at_x, at_y = width / 2 + middle.real * height, height / 2 + middle.imag * height
    picture = torch.exp(-((x + 0.5 - at_x) ** 2 + (y + 0.5 - at_y) ** 2) / 40.0)[None, None].repeat(1, 3, 1, 1)
    dt = 1 / steps
    for _ in range(steps):
        shift = (flight.right * dt, flight.down * dt)
        picture = move(picture, zoom=math.exp(flight.zoom * dt), degrees=flight.rotation * dt, shift=shift)
    bright = picture[0, 0].flatten().argmax().item()
    row, column = divmod(bright, width)
    assert abs(column + 0.5 - width / 2) <= 3 and abs(row + 0.5 - height / 2) <= 3


def test_a_corner_of_the_frame_becomes_the_corner_of_the_picture() -> None:
    flight = Flight(0.5, 40.0, 0.0, 0.0)
    height = width = 121
    a, b = flight.frame(1.0, 1.0)
    corner = a * complex(-0.3, -0.4) + b
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    at_x, at_y = (0.5 + corner.real) * width, (0.5 + corner.imag) * height
    picture = torch.exp(-((x + 0.5 - at_x) ** 2 + (y + 0.5 - at_y) ** 2) / 30.0)[None, None].repeat(1, 3, 1, 1)
    for _ in range(10):
        picture = move(picture, zoom=math.exp(0.05), degrees=4.0)
    row, column = divmod(picture[0, 0].flatten().argmax().item(), width)
    assert (column + 0.5) / width - 0.5 == pytest.approx(-0.3, abs=0.03)
    assert (row + 0.5) / height - 0.5 == pytest.approx(-0.4, abs=0.03)


def test_octaves_are_those_that_the_dream_works_at() -> None:
    shown = octave_sides(448, 6, 1.4, 80 * 4 / 3)
    real = octave_sizes((336, 448), 6, 1.4, 80)
    used = [side for side, good in shown if good]
    assert len(used) == len(real)
    assert used == pytest.approx([size[1] for size in reversed(real)], abs=1)


# ---- visions

wishes = st.lists(
    st.builds(Vision, st.sampled_from(LAYERS), st.sampled_from([(), (0,), (97,), (3, 4, 9)]),
              st.sampled_from([0.01, 0.5, 1.0, 2.0, -1.0, -0.75])),
    min_size=1, max_size=4, unique_by=lambda vision: vision.key)


@given(wishes)
def test_visions_come_back_as_they_were_written(wanted: list[Vision]) -> None:
    values = {**PLAIN, **visions.write(wanted, LAYERS)}
    assert visions.read(values) == wanted


def test_two_go_into_their_own_parameters_more_into_targets() -> None:
    assert visions.write([Vision("4d")], LAYERS)["targets"] == ""
    pair = visions.write([Vision("4d"), Vision("3a", (7,), -0.5)], LAYERS)
    assert (pair["layer_b"], pair["channel_b"], pair["weight_b"]) == ("3a", 7, -0.5)
    three = visions.write([Vision("4d"), Vision("3a", (7,), -0.5), Vision("4a")], LAYERS)
    assert three == {"targets": "4d - 3a:7*0.50 + 4a"}
    assert visions.write([Vision("relu3_1")], LAYERS) == {"targets": "relu3_1"}


def test_adding_again_takes_away_but_never_the_last() -> None:
    both = visions.add([Vision("4c")], Vision("3b"))
    assert [vision.key for vision in both] == ["4c", "3b"]
    assert [vision.key for vision in visions.add(both, Vision("4c"))] == ["3b"]
    assert visions.add([Vision("4c")], Vision("4c")) == [Vision("4c")]


def test_the_first_stop_of_a_journey_is_shown() -> None:
    values = {**PLAIN, "targets": "4c:97 | 4d + 3b"}
    assert visions.read(values) == [Vision("4c", (97,))]
    assert visions.stops(values) == 2
    with pytest.raises(ValueError, match="cannot read"):
        visions.read({**PLAIN, "targets": "4c ++ 4d"})


def test_another_first_stop_leaves_the_rest_of_a_journey() -> None:
    changed = visions.write_first_stop([Vision("3a"), Vision("4c", (5,))], "4c:97 | 4d + 3b | conv2")
    assert changed == {"targets": "3a + 4c:5*1.00 | 4d + 3b | conv2"}


# ---- the flight pad


@pytest.fixture
def pad(qtbot: QtBot) -> FlightPad:
    made = FlightPad(lambda: None)
    qtbot.addWidget(made)
    made.resize(400, 300)
    made.show()
    return made


def test_one_drag_of_a_corner_zooms_and_turns(qtbot: QtBot, pad: FlightPad) -> None:
    corner, middle = pad.corner_points()[2], pad.centre_point()
    away = corner - middle
    turned = QPointF(away.x() * 0.7 - away.y() * 0.25, away.y() * 0.7 + away.x() * 0.25)
    with qtbot.waitSignal(pad.released, timeout=1000):
        stand.drag(pad, corner, middle + turned)
    flight = pad.flight()
    assert flight.zoom == pytest.approx(-math.log(math.hypot(0.7, 0.25)), abs=0.03)
    assert flight.rotation == pytest.approx(math.degrees(math.atan2(0.25, 0.7)), abs=1.5)
    assert (flight.right, flight.down) == pytest.approx((0, 0), abs=0.01)


def test_shift_only_zooms_and_control_only_turns(pad: FlightPad) -> None:
    corner, middle = pad.corner_points()[2], pad.centre_point()
    away = corner - middle
    target = middle + QPointF(away.x() * 0.6 - away.y() * 0.4, away.y() * 0.6 + away.x() * 0.4)
    stand.drag(pad, corner, target, modifiers=Qt.KeyboardModifier.ShiftModifier)
    assert pad.flight().rotation == 0.0 and pad.flight().zoom > 0.2
    pad.set_flight(Flight())
    stand.drag(pad, corner, target, modifiers=Qt.KeyboardModifier.ControlModifier)
    assert pad.flight().zoom == 0.0 and pad.flight().rotation == pytest.approx(33.7, abs=1.5)


def test_a_drag_inside_drifts_and_the_middle_follows_the_hand(pad: FlightPad) -> None:
    pad.set_flight(Flight(0.4, 25.0, 0.0, 0.0))
    start = pad.centre_point()
    stand.drag(pad, start, start + QPointF(40, -25))
    assert (pad.centre_point() - start - QPointF(40, -25)).manhattanLength() < 2
    assert pad.flight().zoom == pytest.approx(0.4) and pad.flight().rotation == pytest.approx(25.0)


def test_a_press_on_nothing_moves_nothing(qtbot: QtBot, pad: FlightPad) -> None:
    with qtbot.assertNotEmitted(pad.flown):
        stand.drag(pad, QPointF(4, 4), QPointF(90, 60))


def test_the_flight_by_keys(qtbot: QtBot, pad: FlightPad) -> None:
    for key in (Qt.Key.Key_Plus, Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Comma):
        QTest.keyClick(pad, key)
    assert pad.flight() == Flight(0.05, 3.0, 0.02, 0.02)
    assert describe(pad.flight()) == "in 0.05/s · turns left 3°/s · drifts 0.02 right, 0.02 down"
    with qtbot.waitSignal(pad.reset, timeout=1000):
        QTest.mouseDClick(pad, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, pad.centre_point().toPoint())


def test_corners_can_be_reached_even_when_the_frame_is_larger_than_the_room(pad: FlightPad) -> None:
    pad.set_flight(Flight(-2.0, 30.0, 0.5, 0.5))
    assert all(pad.rect().toRectF().contains(point) for point in pad.corner_points())


# ---- the octave pad


@pytest.fixture
def octaves(qtbot: QtBot) -> OctavePad:
    made = OctavePad()
    qtbot.addWidget(made)
    made.resize(260, 240)
    made.show()
    return made


def test_the_handle_is_the_ratio_and_the_buttons_the_number(qtbot: QtBot, octaves: OctavePad) -> None:
    handle, full = octaves.handle(), octaves.frame_rect(0)
    target = QPointF(full.left() + full.width() / 1.8, full.bottom() - full.height() / 1.8)
    with qtbot.waitSignal(octaves.released, timeout=1000):
        stand.drag(octaves, handle, target)
    assert octaves.octaves() == (4, pytest.approx(1.8, abs=0.03))
    minus, plus = octaves._buttons()
    stand.click(octaves, plus.center())
    stand.click(octaves, plus.center())
    stand.click(octaves, minus.center())
    assert octaves.octaves()[0] == 5
    stand.drag(octaves, octaves.handle(), full.topRight() + QPointF(50, -50))
    assert octaves.octaves()[1] == 1.1


def test_octaves_by_keys_within_their_range(octaves: OctavePad) -> None:
    for _ in range(12):
        QTest.keyClick(octaves, Qt.Key.Key_Plus)
    assert octaves.octaves() == (10, 1.4)
    for _ in range(12):
        QTest.keyClick(octaves, Qt.Key.Key_Minus)
    QTest.keyClick(octaves, Qt.Key.Key_Right)
    assert octaves.octaves() == (1, 1.42)
