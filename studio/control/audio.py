"""What sound says to pictures: level, bands, centroid, onsets, beat and tempo, a hundred times a second.

Everything is computed in hops counted from the first sample: how the sound is cut into blocks changes nothing, and a
file gives the same values in a show, in a render and on another day.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.control.audio_levels import AutoRange, Follower
from studio.control.audio_onsets import OnsetFinder
from studio.control.audio_spectrum import BANDS, HOPS, QUIETEST, Samples, Spectra
from studio.control.audio_tempo import FASTEST, SLOWEST, SURE, TempoTracker
from studio.params import Bool, Choice, Float, Param, ParamSet, Text
from studio.params import Path as PathParam

OFF, DEVICE, FILE = "off", "device", "file"


def _declare(**declared: Param[Any]) -> dict[str, Param[Any]]:
    for name, param in declared.items():
        param.__set_name__(ParamSet, name)  # as a class body would
        param.declare(ParamSet, name)
    return declared


SETTINGS: dict[str, Param[Any]] = _declare(
    source=Choice(OFF, (OFF, DEVICE, FILE), help="Where the sound comes from"),
    device=Text("", help="Sound input by name; empty is the system's choice"),
    channels=Text("", help="Which channels are mixed and heard, such as 1 or 3+4; empty is all of them"),
    file=PathParam("", accepts="audio", help="The sound file that is played and heard"),
    aloud=Bool(True, label="Play it aloud", help="A sound file is also played through the sound output"),
    gain=Float(0.0, -20.0, 40.0, unit="dB", help="Made louder or softer before anything is measured"),
    automatic=Bool(True, label="Automatic range", help="The loudest of the last seconds counts as 1, for each band"),
    gate=Float(-60.0, -90.0, -20.0, unit="dB", help="What is softer counts as silence"),
    attack=Float(5.0, 0.0, 1000.0, unit="ms", curve="exp", help="How fast envelope and bands rise: 63 % in this time"),
    release=Float(200.0, 0.0, 5000.0, unit="ms", curve="exp", help="How fast envelope and bands fall"),
    sensitivity=Float(0.5, 0.0, 1.0, help="How small an onset may be"),
    weighting=Choice("flat", ("flat", "A"), help="Level as it is, or as the ear hears it (the A curve)"),
)
"""The settings of the sound that is heard; stored in the session."""

BAND_NAMES = tuple(f"band{number}" for number in range(1, len(BANDS) + 1))
FEATURES: dict[str, str] = {
    "level": "Level", "envelope": "Envelope", "bass": "Bass", "mid": "Middle", "treble": "Treble",
    "onset": "Onset", "beat": "Beat", "phase": "Phase of the beat", "centroid": "Brightness", "tempo": "Tempo",
    "confidence": "Certainty of the beat",
    **{name: f"Band {centre:g} Hz" for name, centre in zip(BAND_NAMES, BANDS, strict=True)},
}
"""What can be bound, by name, with the words for it."""
PRESSES = ("onset", "beat")
"""Features that happen: each is a press, and its value falls from 1 until the next."""

FALL = 0.2
"""Seconds in which the value of an onset falls to 0."""
CLIP = 0.999
"""A sample from here on (of full scale) is clipped."""
LOW, HIGH = 100.0, 8000.0
"""Centroids (Hz) that count as 0 and 1; on a scale of ratios."""
_CHANNELS = re.compile(r"\s*\d{1,3}(\s*[+,]\s*\d{1,3})*\s*\Z")


@dataclass(frozen=True, slots=True)
class AudioFrame:
    """One hop. ``at`` is the sample after its last; ``values`` are the features, 0..1; levels in dB of full scale."""

    at: int
    values: Mapping[str, float]
    level: float = QUIETEST
    peak: float = 0.0
    bands: tuple[float, ...] = field(default=(QUIETEST,) * len(BANDS))
    centroid: float = 0.0
    bpm: float = 0.0
    confidence: float = 0.0
    phase: float = 0.0
    onset: bool = False
    beat: bool = False

    @property
    def clipped(self) -> bool:
        """Whether the sound went to the end of what the device can say."""
        return self.peak >= CLIP


SILENT: dict[str, float] = dict.fromkeys(FEATURES, 0.0)


def parse_channels(text: str) -> tuple[int, ...]:
    """Channels from 0 that a text such as ``3+4`` names; () for all. Raises ValueError."""
    if not text.strip():
        return ()
    if not _CHANNELS.match(text):
        raise ValueError(f"{text[:30]!r} names no channels; write 1, or 3+4, or leave it empty for all")
    found = tuple(int(part) - 1 for part in re.split(r"[+,]", text))
    if min(found) < 0:
        raise ValueError("channels are counted from 1")
    return tuple(dict.fromkeys(found))


def mixed(samples: Samples, channels: tuple[int, ...]) -> Samples:
    """``(frames, channels)`` -> ``(frames,)``: the mean of the chosen channels that are there, of all with ()."""
    if samples.ndim == 1:
        return samples
    there = [channel for channel in channels if channel < samples.shape[1]]
    made: Samples = (samples[:, there] if there else samples).mean(axis=1, dtype=np.float32)
    return made


class Analyser:
    """One stream of sound at ``rate`` Hz. ``settings`` are read with each hop; not thread-safe."""

    def __init__(self, rate: int, settings: Mapping[str, Any] | ParamSet | None = None) -> None:
        if not 4_000 <= rate <= 400_000:
            raise ValueError(f"sound at {rate} Hz cannot be analysed; 4,000 to 400,000 Hz can")
        self.settings: Mapping[str, Any] | ParamSet = settings if settings is not None else ParamSet(SETTINGS)
        self.spectra = Spectra(rate)
        self.rate = rate
        self.onsets = OnsetFinder()
        self.tempo = TempoTracker(self.delay, rate / self.spectra.hop)
        self._history: Samples = np.zeros(self.spectra.size, np.float32)
        self._waiting: list[Samples] = []
        self._held = 0
        self._hops = 0
        self._fall = 0.0
        self._bright = 0.0
        count = 1 + len(BANDS) + 3
        self._range, self._follower = AutoRange(count, HOPS), Follower(count, HOPS)

    @property
    def delay(self) -> float:
        """Seconds between a sound and the hop in which its onset is found, about."""
        return 0.3 * self.spectra.short / self.rate

    def feed(self, samples: Samples) -> list[AudioFrame]:
        """Take the next mono samples, any number of them; returns a frame for each hop that is complete.

        What is not a finite number counts as silence.
        """
        hop = self.spectra.hop
        self._waiting.append(np.nan_to_num(np.asarray(samples, np.float32), nan=0.0, posinf=0.0, neginf=0.0))
        self._held += len(samples)
        if self._held < hop:
            return []
        sound = np.concatenate(self._waiting)
        whole = len(sound) // hop * hop
        frames = [self._hop(sound[start : start + hop]) for start in range(0, whole, hop)]
        self._waiting, self._held = [sound[whole:]], len(sound) - whole
        return frames

    def _hop(self, fresh: Samples) -> AudioFrame:
        settings, spectra = self.settings, self.spectra
        gain = 10.0 ** (float(settings["gain"]) / 20.0)
        self._history = np.concatenate((self._history[len(fresh) :], fresh))
        self._hops += 1
        heard = self._history.astype(np.float64) * gain
        powers = spectra.powers(heard)
        level = spectra.level(powers, str(settings["weighting"]))
        bands = spectra.bands(powers)
        onset = self.onsets.step(spectra.loudness_of_mels(heard[-spectra.short :]), float(settings["sensitivity"]))
        gate = float(settings["gate"])
        peak = float(np.abs(fresh).max(initial=0.0))
        # the window's newest samples hardly count in the level: out of silence their peak tells first
        loud = level > gate or 20.0 * math.log10(max(peak * gain, 1e-9)) > gate
        onset = onset and loud and self._hops * spectra.hop > spectra.size
        beat = self.tempo.step(self.onsets.flux if loud else 0.0)
        values = self._values(level, bands, gate, spectra.centroid(powers), onset)
        return AudioFrame(
            self._hops * spectra.hop, values, level, peak,
            tuple(bands[: len(BANDS)].tolist()), spectra.centroid(powers) if level > gate else 0.0,
            self.tempo.bpm, self.tempo.confidence, self.tempo.phase, onset, beat,
        )

    def _values(
        self, level: float, bands: NDArray[np.float64], gate: float, centroid: float, onset: bool
    ) -> dict[str, float]:
        settings, tempo = self.settings, self.tempo
        raw = self._range.step(np.concatenate(([level], bands)), gate, bool(settings["automatic"]))
        smooth = self._follower.step(raw, float(settings["attack"]) / 1000.0, float(settings["release"]) / 1000.0)
        self._fall = 1.0 if onset else max(0.0, self._fall - 1.0 / (FALL * HOPS))
        if level > gate and centroid > 0.0:  # in silence it stays where it was
            place = math.log(centroid / LOW) / math.log(HIGH / LOW)
            self._bright += 0.2 * (min(1.0, max(0.0, place)) - self._bright)
        sure = tempo.confidence >= SURE and tempo.bpm > 0.0
        first = 1 + len(BANDS)
        values = {
            "level": float(raw[0]), "envelope": float(smooth[0]), "bass": float(smooth[first]),
            "mid": float(smooth[first + 1]), "treble": float(smooth[first + 2]), "onset": self._fall,
            "beat": 1.0 - tempo.phase if sure else 0.0, "phase": tempo.phase if sure else 0.0,
            "centroid": self._bright, "confidence": tempo.confidence,
            "tempo": min(1.0, max(0.0, (tempo.bpm - SLOWEST) / (FASTEST - SLOWEST))) if tempo.bpm else 0.0,
        }
        values.update(zip(BAND_NAMES, (float(value) for value in smooth[1:first]), strict=True))
        return values
