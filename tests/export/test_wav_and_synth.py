"""WAV files and the synth: levels, silence, no clicks, no clipping, pitches and drums where they belong."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.export import open_writer
from studio.export.drums import drum
from studio.export.synth import CEILING, render_notes
from studio.export.voices import bass, choir, mallet, organ, piano, strings, voice_for
from studio.files import FileError
from studio.media import Audio, MediaError, Note, Notes

VOICES = [piano, strings, choir, organ, bass, mallet]
CHORALE = [Note(p, 80, 2.0 * i, 2.0, c) for i in range(3) for c, p in enumerate((72 - i, 67, 64 - i, 48 + 2 * i))]


def read(path: Path) -> tuple[np.ndarray, int, int]:
    with wave.open(str(path)) as file:
        width, channels = file.getsampwidth(), file.getnchannels()
        raw = np.frombuffer(file.readframes(file.getnframes()), np.uint8).reshape(-1, width)
        whole = np.zeros((len(raw), 4), np.uint8)
        whole[:, 4 - width :] = raw
        return whole.view("<i4").reshape(-1, channels) / 2**31, file.getframerate(), width


@pytest.mark.parametrize(("bits", "floor"), [("16", 2e-5), ("24", 1e-7)])
def test_samples_come_back_with_dither_and_no_more(tmp_path: Path, bits: str, floor: float) -> None:
    t = np.arange(48_000) / 48_000
    samples = np.stack([0.5 * np.sin(2 * np.pi * 440 * t), np.zeros_like(t)], 1).astype(np.float32)
    with open_writer(tmp_path / "a.wav", options={"bits": bits}) as writer:
        for part in np.array_split(samples, 7):
            writer.add(Audio(part))
    found, rate, width = read(tmp_path / "a.wav")
    assert rate == 48_000 and width == int(bits) // 8 and found.shape == samples.shape
    error = found[:, 0] - samples[:, 0] * (1 - 2.0 ** (1 - int(bits)))
    assert np.sqrt(np.mean(error**2)) < floor and abs(error.mean()) < floor / 20
    assert not found[:, 1].any()  # digital silence stays silent
    assert np.abs(np.fft.rfft(error[:4096] * np.hanning(4096))).max() < floor * 4096  # noise, no distortion products
    assert writer.report["seconds"] == pytest.approx(1.0)


def test_odd_lengths_and_other_rates(tmp_path: Path) -> None:
    with open_writer(tmp_path / "a.wav", options={"bits": "24"}) as writer:
        writer.add(Audio(np.full((3, 1), 0.1, np.float32), 8000))
    assert read(tmp_path / "a.wav")[1] == 8000 and (tmp_path / "a.wav").stat().st_size % 2 == 0


def test_too_loud_is_clipped_and_said(tmp_path: Path) -> None:
    with open_writer(tmp_path / "a.wav") as writer:
        writer.add(Audio(np.full((480, 1), 2.0, np.float32)))
    assert any("6.0 dB over full scale" in notice for notice in writer.notices)


@pytest.mark.parametrize("bad", [
    Audio(np.full((4, 1), np.nan, np.float32)), Audio(np.zeros((4, 1), np.float32), 44_100), Notes((), 1.0),
    Audio(np.zeros((4, 2), np.float32)),
])
def test_bad_sound_is_a_sentence(tmp_path: Path, bad: Any) -> None:
    with pytest.raises(FileError, match="cannot write"), open_writer(tmp_path / "a.wav") as writer:
        writer.add(Audio(np.zeros((4, 1), np.float32)))
        writer.add(bad)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("pitch", [28, 60, 96, 120])
def test_voices_begin_and_end_in_silence_and_are_in_tune(voice: Any, pitch: int) -> None:
    frequency = 440 * 2 ** ((pitch - 69) / 12)
    for seconds in (0.005, 0.15, 1.5):
        for velocity in (1 / 127, 1.0):
            sound = voice(frequency, seconds, velocity, 48_000)
            assert sound.dtype == np.float32 and sound.shape[1] == 2 and np.isfinite(sound).all()
            assert np.abs(sound[[0, -1]]).max() < 0.01 and np.abs(sound).max() < 1.2
            slope = np.abs(np.diff(sound, n=2, axis=0)).max()
            assert slope < 0.9  # no jump between neighbouring samples
    sound = voice(frequency, 1.5, 0.7, 48_000).sum(axis=1)[4800:]
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 1 << 19))
    peaks = np.fft.rfftfreq(1 << 19, 1 / 48_000)
    near = np.abs(peaks - frequency) < frequency * 0.03
    assert abs(peaks[near][spectrum[near].argmax()] / frequency - 1) < 0.006
    assert spectrum[near].max() > 0.25 * spectrum.max()


@pytest.mark.parametrize("program", range(0, 128, 9))
def test_every_program_has_a_voice(program: int) -> None:
    assert voice_for(program) in VOICES


@pytest.mark.parametrize("pitch", [*range(35, 60), 22, 26, 69, 70, 76, 99])
def test_drums(pitch: int) -> None:
    loud, soft = drum(pitch, 1.0, 48_000), drum(pitch, 0.2, 48_000)
    assert np.isfinite(loud).all() and 0.05 < np.abs(loud).max() < 1.5
    assert np.abs(loud[[0, -1]]).max() < 1e-4
    assert np.square(soft).sum() < 0.3 * np.square(loud).sum()
    if pitch != 56:  # a cowbell is always the same
        assert not np.array_equal(drum(pitch, 1.0, 48_000, 0), drum(pitch, 1.0, 48_000, 1))
    power = np.abs(np.fft.rfft(loud.sum(axis=1))) ** 2
    centre = (power * np.fft.rfftfreq(len(loud), 1 / 48_000)).sum() / power.sum()
    if pitch in (35, 36):
        assert centre < 250
    if pitch in (42, 44, 46, 49, 51):
        assert centre > 2500


def test_a_chorale_is_even_clean_and_rings_out() -> None:
    sound = render_notes(CHORALE, 80)
    assert sound.rate == 48_000 and sound.samples.dtype == np.float32
    assert 4.5 + 0.3 < len(sound.samples) / 48_000 < 4.5 + 4
    assert 0.15 < np.abs(sound.samples).max() <= CEILING
    body = sound.samples[4800 : round(4.5 * 48_000)]
    level = 20 * np.log10(np.sqrt(np.mean(body.astype(float) ** 2)))
    assert -23 < level < -16
    assert np.abs(sound.samples[-1]).max() == 0 and abs(float(sound.samples.mean())) < 1e-3
    assert np.abs(np.diff(sound.samples, n=2, axis=0)).max() < 0.05  # no clicks
    assert 0.1 < np.corrcoef(sound.samples.T)[0, 1] < 0.98  # stereo, but mono-compatible


def test_the_loudest_music_does_not_clip() -> None:
    voices = ((0, 40), (1, 52), (2, 64), (9, 36), (9, 49), (9, 38))
    notes = [Note(p, 127, i / 8, 1.0, c) for i in range(16) for c, p in voices]
    sound = render_notes(notes, 120)
    assert 0.7 < np.abs(sound.samples).max() <= CEILING + 1e-6
    flat = np.sum(np.abs(np.diff(sound.samples[:, 0])) == 0) / len(sound.samples)
    assert flat < 0.2  # limited by gain, not cut off


def test_the_same_notes_sound_the_same_and_timing_is_right() -> None:
    notes = [Note(36, 100, 0.0, 0.1, 9), Note(38, 100, 2.0, 0.1, 9)]
    one, two = render_notes(notes, 60), render_notes(notes, 60)
    assert np.array_equal(one.samples, two.samples)
    loud = np.abs(one.samples).max(axis=1)
    assert loud[:200].max() > 0.01
    onset = 48_000 * 2
    assert loud[onset : onset + 300].max() > 4 * loud[onset - 300 : onset].max()


def test_an_open_hat_is_closed_by_the_next() -> None:
    open_hat, closed = Note(46, 100, 0.0, 0.1, 9), Note(42, 100, 0.25, 0.1, 9)
    ringing, choked = (render_notes(n, 120).samples for n in ([open_hat], [open_hat, closed]))
    late = slice(round(0.30 * 48_000), round(0.5 * 48_000))
    assert np.square(choked[late]).sum() < 0.7 * np.square(ringing[late]).sum()


def test_nothing_short_and_too_long() -> None:
    assert len(render_notes([], 120, length=4).samples) == 48_000 * 2
    assert len(render_notes([], 120).samples) > 0
    with pytest.raises(MediaError, match="too long"):
        render_notes([Note(60, 80, 0, 1)], 120, length=10_000)


def test_notes_become_a_wav(tmp_path: Path) -> None:
    with open_writer(tmp_path / "a.wav", bpm=80, options={"programs": "0=19"}) as writer:
        for start in range(0, 6, 2):
            writer.add(Notes(tuple(n.shifted(-start) for n in CHORALE if n.start == start), 2.0))
    found, rate, _ = read(tmp_path / "a.wav")
    assert rate == 48_000 and found.shape[1] == 2 and 0.1 < np.abs(found).max() < 0.9
