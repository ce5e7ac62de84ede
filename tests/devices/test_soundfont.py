"""The native sound-font player in the mixer: in time to the sample, in balance, below full scale, nothing hangs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from studio.devices import soundfont
from studio.devices.mixer import BLOCK, CEILING, Mixer
from studio.devices.soundfont import DRUMS, Font, FontProblem, FontVoices
from studio.export.soundfont.make import house_font

RATE = 48_000
Wave = NDArray[np.float32]


@pytest.fixture(scope="module")
def font() -> Font:
    pytest.importorskip("tinysoundfont", reason="the sound-font player is not installed")
    return Font(house_font())


def player(font: Font, *, gain: float = 0.9) -> tuple[Mixer, FontVoices]:
    mixer, voices = Mixer(RATE, gain=gain), FontVoices(font, RATE)
    mixer.attach("a", voices)
    return mixer, voices


def heard(mixer: Mixer, seconds: float) -> Wave:
    """What the mixer makes, without the block by which the limiter looks ahead."""
    return np.concatenate([mixer.mix() for _ in range(round(seconds * RATE / BLOCK) + 1)])[BLOCK:]


def rms(wave: Wave) -> float:
    return float(np.sqrt(np.mean(wave.astype(np.float64) ** 2)))


def decibels(value: float) -> float:
    return 20.0 * float(np.log10(max(value, 1e-9)))


def test_sixteenths_lie_on_the_grid_to_the_sample(font: Font) -> None:
    mixer, voices = player(font)
    grid = [round((0.05 + index * 60.0 / 140.0 / 4.0) * RATE) for index in range(32)]
    for place in reversed(grid):  # in any order
        voices.note_on(DRUMS, 37, 100, place)
        voices.note_off(DRUMS, 37, place + 400)
    wave = np.abs(heard(mixer, 4.0)).max(axis=1)
    for place in grid:
        before, after = wave[place - 240 : place], wave[place : place + 240]
        first = int(np.flatnonzero(after > 0.02)[0])
        assert first <= 24 and before.max() < 0.02, f"a stick {first} samples after its place"


def test_a_program_sounds_at_its_pitch_and_ends_with_its_key(font: Font) -> None:
    for program in (0, 4, 11, 19, 24, 33, 48, 52, 73):
        mixer, voices = player(font)
        voices.program(2, program, 0)
        voices.note_on(2, 57, 90, 1000)
        voices.note_off(2, 57, RATE)
        wave = heard(mixer, 4.0).mean(axis=1)
        spectrum = np.abs(np.fft.rfft(wave[4800 : 4800 + 32_768] * np.hanning(32_768), 1 << 18))
        hertz = np.arange(len(spectrum)) * RATE / (1 << 18)
        near = (hertz > 205.0) & (hertz < 236.0)
        assert abs(1200 * np.log2(hertz[near][spectrum[near].argmax()] / 220.0)) < 12.0, program
        assert rms(wave[4800:40_000]) > 0.01
        assert rms(wave[3 * RATE :]) < 0.03 * rms(wave[4800:40_000]), program
        assert not wave[:1000].any()


def test_drums_and_melody_stand_beside_each_other(font: Font) -> None:
    mixer, voices = player(font)
    for voice, pitch in enumerate((72, 67, 60, 48)):
        voices.program(voice, 48, 0)
        voices.note_on(voice, pitch, 80, 0)
    song = heard(mixer, 2.0)[RATE // 2 :]
    mixer, voices = player(font)
    for beat in range(8):
        at = beat * RATE // 4
        for pitch in (42, 36 if beat % 2 == 0 else 38):
            voices.note_on(DRUMS, pitch, 90, at)
    kit = heard(mixer, 2.0)
    assert -26.0 < decibels(rms(song)) < -12.0
    assert -30.0 < decibels(rms(kit)) < -12.0
    assert abs(decibels(float(np.abs(song).max()) / float(np.abs(kit).max()))) < 10.0


def test_however_much_sounds_nothing_passes_full_scale(font: Font) -> None:
    mixer, voices = player(font)
    rng = np.random.default_rng(5)
    for pitch in range(24, 100):
        for channel, program in enumerate((0, 19, 48, 56, 80)):
            voices.program(channel, program, 0)
            voices.note_on(channel, pitch, 127, int(rng.integers(0, RATE // 2)))
    for place in range(0, RATE, 3000):
        for pitch in (36, 38, 49):
            voices.note_on(DRUMS, pitch, 127, place)
    wave = heard(mixer, 1.5)
    assert 0.85 * CEILING < np.abs(wave).max() <= CEILING * (1 + 1e-6)
    assert np.isfinite(wave).all()


def test_quiet_ends_everything_without_a_click_and_forgets_what_waits(font: Font) -> None:
    mixer, voices = player(font)
    voices.program(0, 48, 0)
    for pitch in (48, 55, 64):
        voices.note_on(0, pitch, 100, 0)
    voices.note_on(0, 80, 100, 2 * RATE)
    voices.control(0, 64, 127, 0)
    before = heard(mixer, 1.0)
    voices.quiet()
    after = np.concatenate([mixer.mix() for _ in range(200)])
    assert rms(before[RATE // 2 :]) > 0.02
    assert not np.abs(after[RATE // 5 :]).max() > 1e-4, "an ended key or one that was to come still sounds"
    bend = float(np.abs(np.diff(before[RATE // 2 :, 0], 2)).max())
    assert float(np.abs(np.diff(after[: RATE // 5, 0], 2)).max()) < 6 * bend + 1e-3
    voices.note_on(0, 60, 100, mixer.position)
    assert rms(heard(mixer, 1.0)) > 0.01, "it plays on afterwards"


def test_an_event_that_comes_late_happens_at_once(font: Font) -> None:
    mixer, voices = player(font)
    heard(mixer, 0.5)
    voices.note_on(0, 60, 100, 10)
    wave = heard(mixer, 0.5)
    assert np.flatnonzero(np.abs(wave).max(axis=1) > 0.005)[0] < 2 * BLOCK


def test_levels_are_heard_and_reached_along_a_ramp(font: Font) -> None:
    mixer, voices = player(font)
    voices.program(0, 71, 0)  # one pipe: nothing beats
    voices.note_on(0, 60, 90, 0)
    loud = rms(heard(mixer, 1.0)[RATE // 2 :])
    mixer.set_level("a", 0.25)
    soft = heard(mixer, 1.0)
    assert rms(soft[RATE // 2 :]) == pytest.approx(0.25 * loud, rel=0.12)


def test_players_have_keys_of_their_own(font: Font) -> None:
    mixer = Mixer(RATE)
    one, two = FontVoices(font, RATE), FontVoices(font, RATE)
    mixer.attach("one", one)
    mixer.attach("two", two)
    for voices in (one, two):
        voices.program(0, 19, 0)
        voices.note_on(0, 60, 90, 0)
    both = rms(heard(mixer, 0.5)[RATE // 4 :])
    one.note_off(0, 60, mixer.position)
    assert 0.3 * both < rms(heard(mixer, 1.5)[RATE:]) < 0.75 * both


def test_what_is_no_font_is_said(tmp_path: Path) -> None:
    pytest.importorskip("tinysoundfont", reason="the sound-font player is not installed")
    for name, data, why in (("a.sf2", b"nothing", "no sound font"), ("b.sf2", b"RIFF\x04\0\0\0sfbk", "damaged"),
                            ("c.sf2", house_font().read_bytes()[:9000], "damaged|no sound font")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(FontProblem, match=why) as caught:
            Font(tmp_path / name)
        assert name in str(caught.value) and caught.value.cure
    with pytest.raises(FontProblem, match=r"gone\.sf2 cannot be read"):
        Font(tmp_path / "gone.sf2")


def test_a_player_that_is_not_installed_is_said_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soundfont.importlib.util, "find_spec", lambda name: None)
    assert "own voices play instead" in soundfont.absent() and "--no-deps" in soundfont.CURE
    monkeypatch.setattr(soundfont.importlib.util, "find_spec", lambda name: object())
    assert soundfont.absent() == ""
