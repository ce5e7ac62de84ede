"""Following a MIDI clock through jitter, jumps, loss and return; making one that loses no pulse."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.control.midi_clock import CLOCK, Beat, ClockFollower, ClockMaker

PULSE = bytes([0xF8])


def play(follower: ClockFollower, bpm: float, pulses: int, begin: float, jitter: float = 0.0, seed: int = 1) -> float:
    """Send so many pulses; returns when the next one would come. What is heard is kept in ``HEARD``."""
    chance, period = random.Random(seed), 60.0 / bpm / 24
    for place in range(pulses):
        beat = follower.hear(PULSE, begin + place * period + chance.uniform(-jitter, jitter))
        if beat is not None:
            HEARD.append(beat)
    return begin + pulses * period


HEARD: list[Beat] = []


@pytest.fixture(autouse=True)
def fresh() -> None:
    HEARD.clear()


@given(st.floats(20.0, 400.0), st.integers(0, 99))
def test_position_and_tempo_in_spite_of_jitter(bpm: float, seed: int) -> None:
    HEARD.clear()
    follower = ClockFollower()
    follower.hear(bytes([0xFA]), 0.0)
    jitter = min(0.005, 60.0 / bpm / 24 / 2.5)
    play(follower, bpm, 24 * 8, 1.0, jitter, seed)
    assert HEARD[-1].position == pytest.approx(8.0 - 1 / 24, abs=0.02 + jitter * bpm / 60.0 / 2)
    assert HEARD[-1].bpm == pytest.approx(bpm, rel=0.02)
    bpms = [beat.bpm for beat in HEARD[60:]]
    assert max(bpms) / min(bpms) < 1.08
    positions = [beat.position or 0.0 for beat in HEARD[60:]]
    worst = max(abs(b - a - 1 / 24) for a, b in itertools.pairwise(positions))
    assert worst <= 2.0 * jitter * bpm / 60.0 + 0.01


def test_pulses_before_a_start_tell_only_the_tempo_and_the_first_is_marked() -> None:
    follower = ClockFollower()
    after = play(follower, 120, 30, 0.0)
    assert all(beat.position is None for beat in HEARD) and HEARD[-1].bpm == pytest.approx(120.0)
    follower.hear(bytes([0xFA]), after - 0.001)
    HEARD.clear()
    play(follower, 120, 30, after)
    assert HEARD[0].first and HEARD[0].position == pytest.approx(0.0, abs=1e-6)
    assert not HEARD[1].first and HEARD[24].position == pytest.approx(1.0)


def test_stop_song_position_and_continue() -> None:
    follower = ClockFollower()
    follower.hear(bytes([0xFA]), 0.0)
    after = play(follower, 120, 48, 0.0)
    follower.hear(bytes([0xFC]), after)
    HEARD.clear()
    after = play(follower, 120, 10, after)
    assert all(beat.position is None for beat in HEARD), "it stands, the tempo is still told"
    follower.hear(bytes([0xF2, 34, 0]), after)  # 34 sixteenths: beat 8.5
    follower.hear(bytes([0xFB]), after)
    HEARD.clear()
    play(follower, 120, 13, after)
    assert HEARD[0].first and HEARD[0].position == pytest.approx(8.5)
    assert HEARD[12].position == pytest.approx(9.0)
    follower.hear(bytes([0xFC]), after + 1.0)
    follower.hear(bytes([0xFB]), after + 1.0)  # continue without a position goes on
    HEARD.clear()
    play(follower, 120, 1, after + 13 * 60 / 120 / 24)
    assert HEARD[0].position == pytest.approx(8.5 + 13 / 24, abs=0.01)


@pytest.mark.parametrize(("slow", "fast"), [(30.0, 300.0), (300.0, 30.0)])
def test_a_jump_of_tempo_is_followed_in_steps(slow: float, fast: float) -> None:
    follower = ClockFollower()
    follower.hear(bytes([0xFA]), 0.0)
    after = play(follower, slow, 96, 0.0, 0.002)
    count = len(HEARD)
    play(follower, fast, 96, after, 0.002)
    assert HEARD[-1].bpm == pytest.approx(fast, rel=0.05)
    steps = [b.bpm / a.bpm for a, b in zip(HEARD[count - 1:], HEARD[count:], strict=False)]
    assert 1 / 1.0501 < min(steps) and max(steps) < 1.0501
    assert HEARD[-1].position == pytest.approx(191 / 24, abs=0.05), "no pulse was lost or counted twice"


def test_a_loss_and_the_return_keep_the_place() -> None:
    follower = ClockFollower()
    follower.hear(bytes([0xFA]), 0.0)
    after = play(follower, 120, 96, 0.0, 0.002)
    assert not follower.lost(after) and follower.lost(after + 1.0)
    HEARD.clear()
    play(follower, 120, 48, after + 4.0, 0.002)  # eight beats were not heard
    assert HEARD[-1].position == pytest.approx(4.0 + 8.0 + 47 / 24, abs=0.06)


@given(st.lists(st.tuples(st.binary(max_size=4), st.floats(-1.0, 3.0)), max_size=120))
def test_any_messages_and_times_are_survived(messages: list[tuple[bytes, float]]) -> None:
    follower, now = ClockFollower(), 0.0
    for message, wait in messages:
        now += wait
        beat = follower.hear(message or PULSE, now)
        if beat is not None:
            assert 15.0 <= beat.bpm <= 410.0


@given(st.lists(st.floats(0.001, 0.9), min_size=1, max_size=60))
def test_a_clock_out_loses_and_doubles_nothing(steps: list[float]) -> None:
    maker, beat = ClockMaker(), 0.0
    found: list[tuple[float, bytes]] = []
    maker.start(0.0)
    for step in steps:
        found += maker.between(beat, beat + step)
        beat += step
    assert found[0] == (0.0, bytes([0xFA]))
    places = [round(at * 24) for at, message in found if message[0] == CLOCK]
    assert places == list(range(len(places))) and len(places) in (int(beat * 24), int(beat * 24) + 1)


def test_a_clock_out_is_followed_by_a_clock_in() -> None:
    maker, follower = ClockMaker(), ClockFollower()
    maker.start(2.5, position=4.25)
    heard = [follower.hear(message, at * 60 / 90) for at, message in maker.between(1.0, 9.0)]
    last = [beat for beat in heard if beat is not None][-1]
    assert last.bpm == pytest.approx(90.0) and last.position == pytest.approx(4.25 + 9.0 - 1 / 24 - 2.5, abs=0.01)
    assert maker.stop() == bytes([0xFC])
