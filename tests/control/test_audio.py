"""What is heard in sounds of known level, frequency and tempo; blocks of any size; silence, clipping and nonsense."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from studio.control.audio import (
    BAND_NAMES,
    FEATURES,
    SETTINGS,
    Analyser,
    AudioFrame,
    mixed,
    parse_channels,
)
from studio.control.audio_levels import Follower
from studio.control.audio_spectrum import BANDS, QUIETEST, a_weighting
from studio.params import ParamSet

RATE = 48_000
Sound = NDArray[np.float32]


def tuned(**values: Any) -> ParamSet:
    made = ParamSet(SETTINGS)
    for name, value in values.items():
        assert made.set(name, value) == ""
    return made


def tone(hertz: float, level: float = 0.0, seconds: float = 0.5, rate: int = RATE) -> Sound:
    """A sine of so many dB of full scale."""
    wave = np.sin(2.0 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    return (10.0 ** (level / 20.0) * wave).astype(np.float32)


def clicks(bpm: float, seconds: float, noise: float, rate: int, seed: int = 0) -> tuple[Sound, list[float]]:
    """Short tones in time over noise (of this RMS), and when they begin."""
    sound = noise * np.random.default_rng(seed).standard_normal(round(seconds * rate))
    steps = np.arange(round(0.03 * rate)) / rate
    click = 0.5 * np.exp(-steps / 0.006) * np.sin(2.0 * np.pi * 1000.0 * steps)
    times = [0.15 + 60.0 / bpm * number for number in range(int((seconds - 0.3) * bpm / 60.0) + 1)]
    for when in times:
        sound[round(when * rate) :][: len(click)] += click
    return sound.astype(np.float32), times


@pytest.mark.parametrize("rate", (44_100, 48_000, 96_000))
@pytest.mark.parametrize("level", (0.0, -20.0, -50.0))
def test_a_sine_has_the_level_that_it_has(rate: int, level: float) -> None:
    for hertz in (100.0, 997.0, 9000.0):
        frame = Analyser(rate).feed(tone(hertz, level, rate=rate))[-1]
        assert frame.level == pytest.approx(level, abs=0.15)
        assert frame.centroid == pytest.approx(hertz, rel=0.05)


def test_gain_is_added_and_an_offset_is_no_sound() -> None:
    assert Analyser(RATE, tuned(gain=12.0)).feed(tone(440.0, -30.0))[-1].level == pytest.approx(-18.0, abs=0.1)
    assert Analyser(RATE).feed(np.full(RATE, 0.5, np.float32))[-1].level < -100.0


@pytest.mark.parametrize(("place", "centre"), list(enumerate(BANDS)))
def test_an_octave_has_its_own_tones(place: int, centre: float) -> None:
    frame = Analyser(RATE).feed(tone(centre, -12.0))[-1]
    assert frame.bands[place] == pytest.approx(-12.0, abs=1.2)
    assert all(level < -22.0 for other, level in enumerate(frame.bands) if other != place)
    assert frame.values[BAND_NAMES[place]] > 0.9
    wide = "bass" if centre < 178.0 else "mid" if centre < 2818.0 else "treble"
    assert frame.values[wide] > 0.9
    assert max(frame.values[name] for name in {"bass", "mid", "treble"} - {wide}) < 0.8


def test_the_a_curve_is_that_of_the_standard() -> None:
    # IEC 61672-1:2013, table 3
    hertz = np.array([31.5, 63.0, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16000.0])
    table = [-39.4, -26.2, -16.1, -8.6, -3.2, 0.0, 1.2, 1.0, -1.1, -6.6]
    assert 10.0 * np.log10(a_weighting(hertz)) == pytest.approx(table, abs=0.15)
    heard = Analyser(RATE, tuned(weighting="A")).feed(tone(250.0, -10.0))[-1]
    assert heard.level == pytest.approx(-18.6, abs=0.4)


@given(st.lists(st.integers(7, 5000), min_size=1, max_size=30), st.sampled_from((44_100, 48_000)))
@settings(max_examples=6)
def test_how_sound_is_cut_into_blocks_changes_nothing(sizes: list[int], rate: int) -> None:
    sound, _ = clicks(140.0, 0.7, 0.02, rate)
    whole = Analyser(rate).feed(sound)
    other, parts = Analyser(rate), []
    place = 0
    for size in itertools.cycle(sizes):
        if place >= len(sound):
            break
        parts += other.feed(sound[place : place + size])
        place += size
    assert parts == whole
    assert [frame.at for frame in whole] == [whole[0].at * number for number in range(1, len(whole) + 1)]


TEMPOS = (60.0, 73.0, 90.0, 104.5, 120.0, 128.0, 150.0, 174.0, 180.0)


@pytest.mark.parametrize(("bpm", "noise", "rate"), [
    (bpm, noise, rate) for place, bpm in enumerate(TEMPOS)
    for noise, rate in (((0.0, 48_000), (0.05, 44_100)) if place % 2 else ((0.0, 44_100), (0.05, 48_000)))
])
def test_tempo_onsets_and_beats_of_clicks(bpm: float, noise: float, rate: int) -> None:
    sound, times = clicks(bpm, 10.5, noise, rate, seed=int(bpm))
    ear = Analyser(rate)
    frames = ear.feed(sound)
    for frame in frames[len(frames) * 8 // 10 :]:
        assert frame.bpm == pytest.approx(bpm, abs=1.0)
        assert frame.confidence > 0.6
    found = [frame.at / rate for frame in frames if frame.onset]
    assert len(found) == len(times)
    assert max(abs(one - other) for one, other in zip(found, times, strict=True)) < 0.02
    beats = [frame.at / rate for frame in frames if frame.beat and frame.at > 8 * rate]
    assert len(beats) >= 2.0 * bpm / 60.0 - 1.0
    phases = [(beat - times[0]) * bpm / 60.0 for beat in beats]
    assert max(abs(phase - round(phase)) for phase in phases) * 60.0 / bpm < 0.03


def test_onsets_of_notes_of_many_pitches() -> None:
    chance, rate = np.random.default_rng(4), 44_100
    sound, times = 0.002 * chance.standard_normal(10 * rate), []
    for number in range(28):
        when = 0.3 + 0.33 * number + chance.uniform(0.0, 0.1)
        steps = np.arange(round(0.5 * rate)) / rate
        pitch = 110.0 * 2.0 ** (chance.integers(0, 36) / 12.0)
        note = sum(np.sin(2.0 * np.pi * pitch * part * steps) / part for part in (1, 2, 3, 4))
        note = 0.2 * note * np.minimum(1.0, steps / 0.004) * np.exp(-steps * 5.0)
        place = round(when * rate)
        sound[place : place + len(note)] += note[: len(sound) - place]
        times.append(when)
    found = [frame.at / rate for frame in Analyser(rate).feed(sound.astype(np.float32)) if frame.onset]
    hits = sum(any(abs(one - when) < 0.025 for one in found) for when in times)
    assert hits >= 27 and len(found) <= hits + 1


def test_another_tempo_is_followed() -> None:
    first, second = clicks(100.0, 8.0, 0.01, RATE)[0], clicks(135.0, 14.0, 0.01, RATE)[0]
    ear = Analyser(RATE)
    assert ear.feed(first)[-1].bpm == pytest.approx(100.0, abs=1.0)
    assert ear.feed(second)[-1].bpm == pytest.approx(135.0, abs=1.0)


def test_noise_has_no_beat() -> None:
    noise = (0.1 * np.random.default_rng(1).standard_normal(10 * RATE)).astype(np.float32)
    frames = Analyser(RATE).feed(noise)
    assert not any(frame.beat for frame in frames) and frames[-1].confidence < 0.15
    assert sum(frame.onset for frame in frames) <= 2


def quiet(seconds: float, level: float) -> Sound:
    made = 10.0 ** (level / 20.0) * np.random.default_rng(2).standard_normal(round(seconds * RATE))
    return made.astype(np.float32)


@pytest.mark.parametrize("level", (-200.0, -75.0))
def test_silence_stays_silence_however_long_the_range_looks_for_something(level: float) -> None:
    ear = Analyser(RATE)
    ear.feed(tone(1000.0, -6.0, 1.0))
    frames = ear.feed(quiet(12.0, level))
    last = frames[-1].values
    assert all(last[name] == 0.0 for name in FEATURES if name not in ("centroid", "tempo", "confidence"))
    assert not any(frame.onset or frame.beat for frame in frames[50:])
    assert last["centroid"] == pytest.approx(frames[100].values["centroid"])


def test_the_range_finds_the_loudest_and_forgets_it() -> None:
    ear = Analyser(RATE)
    ear.feed(tone(1000.0, -3.0, 1.0))
    soft = ear.feed(tone(1000.0, -33.0, 12.0))
    assert soft[30].values["level"] < 0.3 < 0.9 < soft[-1].values["level"]
    fixed = Analyser(RATE, tuned(automatic=False, gate=-60.0)).feed(tone(1000.0, -30.0, 1.0))
    assert fixed[-1].values["level"] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(("attack", "release"), [(0.05, 0.4), (0.3, 0.1)])
def test_attack_and_release_are_times_to_63_percent(attack: float, release: float) -> None:
    follower, hops = Follower(1, 100.0), 100.0
    up = [float(follower.step(np.ones(1), attack, release)[0]) for _ in range(1000)]
    down = [float(follower.step(np.zeros(1), attack, release)[0]) for _ in range(1000)]
    part = 1.0 - math.exp(-1.0)
    assert next(place for place, value in enumerate(up, 1) if value >= part - 1e-9) == round(attack * hops)
    assert next(place for place, value in enumerate(down, 1) if value <= 1.0 - part + 1e-6) == round(release * hops)
    assert down[-1] == 0.0
    assert float(Follower(1, hops).step(np.ones(1), 0.0, 0.0)[0]) == 1.0


def test_clipping_is_seen_and_nonsense_is_silence() -> None:
    loud = np.clip(tone(440.0, 12.0), -1.0, 1.0)
    assert Analyser(RATE).feed(loud)[-1].clipped
    assert not Analyser(RATE).feed(tone(440.0, -1.0))[-1].clipped
    bad = np.full(RATE // 2, np.nan, np.float32)
    bad[::3] = np.inf
    frame = Analyser(RATE).feed(bad)[-1]
    assert frame.level == QUIETEST and all(map(math.isfinite, frame.values.values()))


ANYTHING = st.one_of(
    st.floats(), st.integers(), st.text(max_size=8), st.booleans(), st.none(), st.lists(st.integers(), max_size=2)
)


@given(st.dictionaries(st.sampled_from(sorted(SETTINGS)), ANYTHING), st.integers(0, 2**32 - 1), st.floats(-120.0, 20.0))
@settings(max_examples=25)
def test_whatever_the_settings_and_the_sound_values_are_0_to_1(tree: dict[str, Any], seed: int, level: float) -> None:
    values = ParamSet(SETTINGS)
    values.load(tree)
    noise = np.random.default_rng(seed).standard_normal(RATE // 5)
    frames = Analyser(RATE, values).feed((10.0 ** (level / 20.0) * noise).astype(np.float32))
    for frame in frames:
        assert set(frame.values) == set(FEATURES)
        assert all(0.0 <= value <= 1.0 for value in frame.values.values())


def test_channels_are_chosen_by_their_numbers() -> None:
    assert parse_channels(" 3+4 ") == (2, 3) and parse_channels("") == () and parse_channels("2,2") == (1,)
    for bad in ("0", "x", "1+", "1-2", "+", "9999"):
        with pytest.raises(ValueError):
            parse_channels(bad)
    sound = np.stack([np.zeros(4), np.ones(4), np.full(4, 3.0)], axis=1).astype(np.float32)
    assert mixed(sound, (1,))[0] == 1.0 and mixed(sound, (1, 2))[0] == 2.0
    assert mixed(sound, ())[0] == pytest.approx(4.0 / 3.0) and mixed(sound, (7,))[0] == pytest.approx(4.0 / 3.0)


def test_a_rate_that_no_device_has_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be analysed"):
        Analyser(100)


def test_a_frame_before_any_sound_is_silent() -> None:
    assert not AudioFrame(0, {}).clipped and AudioFrame(0, {}).level == QUIETEST
