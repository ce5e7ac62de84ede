"""What is heard reaches a recording: unbroken, in its place in time, silence where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.devices.sound_tap import RATE, SAMPLES, SoundRing, TapSound, Together, ring_bytes


def numbered(first: int, count: int) -> np.ndarray:
    return np.repeat(np.arange(first, first + count, dtype=np.float32)[:, None], 2, 1)


@given(st.lists(st.integers(1, 900), min_size=1, max_size=30), st.integers(0, 3 * SAMPLES))
def test_samples_come_back_by_their_number(blocks: list[int], start: int) -> None:
    ring = SoundRing()
    position = start
    for count in blocks:
        ring.keep(position, numbered(position, count), 0.0, RATE)
        position += count
    assert np.array_equal(ring.at(start, position - start), numbered(start, position - start))
    assert not ring.at(position, 50).any()
    assert not ring.at(max(0, position - SAMPLES) - 40, 40).any()


def test_a_stream_is_unbroken_though_the_clocks_differ_a_little() -> None:
    ring = SoundRing()
    tap = TapSound(lambda: ring)
    ring.keep(0, numbered(0, 2 * RATE), 100.0, RATE)
    made = []
    for index in range(30):
        when = 100.2 + index * 0.0333 + (0.004 if index % 2 else -0.004)  # the device's clock is not ours
        made.append(tap.read(when, 1600))
    stream = np.concatenate(made)[:, 0]
    assert np.all(np.diff(stream) == 1.0)
    assert abs(stream[0] - 0.2 * RATE) <= 0.005 * RATE


def test_another_rate_is_resampled_without_a_seam() -> None:
    ring = SoundRing(bytearray(ring_bytes()))
    wave = np.sin(2 * np.pi * 440.0 * np.arange(44_100) / 44_100).astype(np.float32)
    ring.keep(0, np.stack([wave, wave], axis=1), 5.0, 44_100)
    tap = TapSound(lambda: ring)
    stream = np.concatenate([tap.read(5.1 + index / 50, 960) for index in range(40)])[:, 0]
    wanted = np.sin(2 * np.pi * 440.0 * (0.1 + np.arange(len(stream)) / RATE))
    assert np.abs(stream - wanted).max() < 0.01


@pytest.mark.parametrize("ring", [None, SoundRing()])
def test_silence_where_nothing_plays(ring: SoundRing | None) -> None:
    assert not TapSound(lambda: ring).read(1.0, 500).any()


def test_two_sounds_together_never_pass_full_scale() -> None:
    one, two = SoundRing(), SoundRing()
    one.keep(0, np.full((RATE, 2), 0.75, np.float32), 0.0, RATE)
    two.keep(0, np.full((RATE // 2, 2), 0.5, np.float32), 0.0, RATE)
    both = Together(TapSound(lambda: one), TapSound(lambda: two))
    stream = np.concatenate([both.read(index / 10, RATE // 10) for index in range(10)])
    assert np.allclose(stream[: RATE // 2], 1.0) and np.allclose(stream[RATE // 2 :], 0.75)
