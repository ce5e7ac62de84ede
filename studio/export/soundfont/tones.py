"""Samples for the sound font: tones that loop without a seam, and decaying ones that end in such a loop.

Ensembles are made as in P. Nasca's PADsynth: every harmonic is a narrow band of noise in one long spectrum, and the
inverse transform of a spectrum repeats exactly. Everything is float64 ``(samples,)`` at ``RATE`` and seeded.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from studio.export.soundfont.sf2 import Sample

RATE = 32_000
_TAU = 2.0 * np.pi
_HIGHEST = 13_000.0

Wave = NDArray[np.float64]


@dataclass(frozen=True)
class Tone:
    """A sample's wave, where it loops (None: it does not), and how fast it falls there (dB per second)."""

    wave: Wave
    loop: tuple[int, int] | None = None
    fall: float = 0.0
    cents: int = 0


def frequency(key: int) -> float:
    """Hertz of a key, equal temperament, A4 = 440."""
    return float(440.0 * 2.0 ** ((key - 69) / 12.0))


def hill(hertz: float, centre: float, width: float, height: float) -> float:
    """A formant: ``height`` at its ``centre``, gone ``width`` octaves beside it."""
    return height * math.exp(-((math.log2(hertz / centre) / width) ** 2))


def band_tone(
    key: int, level: Callable[[int, float], float], *, count: int, cents: float, seed: int, growth: float = 1.0,
    air: Callable[[float], float] | None = None,
) -> Tone:
    """A sustained tone of ``count`` samples that is one loop: harmonics ``level(number, hertz)``, each ``cents`` wide.

    ``growth`` is how the width grows with the harmonic; ``air(hertz)`` adds breath between the harmonics.
    """
    wished = frequency(key)
    fold = RATE / count
    # the fundamental is on a place of the spectrum: the player corrects its pitch
    base = max(1, round(wished / fold)) * fold
    correction = round(1200.0 * math.log2(wished / base))
    rng = np.random.default_rng([seed, key])
    places = np.arange(count // 2 + 1) * fold
    spectrum = np.zeros(len(places))
    number = 1
    while base * number < _HIGHEST:
        centre, amount = base * number, level(number, base * number)
        if cents > 0.0:
            width = max(0.5 * fold, (2.0 ** (cents / 1200.0) - 1.0) * base * number**growth)
            shape = np.exp(-(((places - centre) / width) ** 2))
            spectrum += amount * shape / math.sqrt(float(np.sum(shape * shape)) + 1e-12)
        else:
            spectrum[round(centre / fold)] += amount
        number += 1
    if air is not None:
        spectrum[1:] = np.hypot(spectrum[1:], [air(hertz) for hertz in places[1:]])
    phases = rng.random(len(places)) * _TAU
    wave = np.fft.irfft(spectrum * np.exp(1j * phases), count)
    return Tone(wave, (0, count), 0.0, max(-50, min(50, correction)))


def string_tone(
    key: int, seconds: float, *, level: Callable[[int, float], float], ring: Callable[[float], float],
    stiffness: float = 0.0, beating: float = 0.0, knock: float = 0.0, knock_high: float = 2500.0, seed: int = 0,
    early: float = 0.6,
) -> Tone:
    """A struck or plucked string: partials ``level(number, hertz)`` that fall in ``ring(hertz)`` seconds, first fast
    (the part ``early``), then slowly; ``stiffness`` stretches them, ``beating`` (cents) is between its strings."""
    base = frequency(key)
    t = np.arange(round(seconds * RATE)) / RATE
    rng = np.random.default_rng([seed, key])
    wave = np.zeros_like(t)
    number = 1
    while True:
        hertz = base * number * math.sqrt(1.0 + stiffness * number * number)
        if hertz > _HIGHEST or number > 60:
            break
        slow = ring(hertz)
        fall = early * np.exp(-t / (0.22 * slow)) + (1.0 - early) * np.exp(-t / slow)
        strings = (-beating, beating) if beating else (0.0,)
        for detune in strings:
            tuned = hertz * 2.0 ** (detune * (1.0 + 0.3 * rng.standard_normal()) / 1200.0)
            wave += level(number, hertz) / len(strings) * fall * np.sin(_TAU * tuned * t + rng.random() * 0.6)
        number += 1
    if knock:
        wave += knock * noise(len(t), rng, 120.0, knock_high) * np.exp(-t / 0.018)
    return with_tail(wave, base)


def noise(count: int, rng: np.random.Generator, low: float, high: float) -> Wave:
    """Noise between two frequencies with soft edges, RMS one."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    hertz = np.fft.rfftfreq(count, 1.0 / RATE) + 1e-9
    spectrum *= 1.0 / (1.0 + (low / hertz) ** 4) / (1.0 + (hertz / high) ** 4)
    wave: Wave = np.fft.irfft(spectrum, count)
    return wave / float(np.sqrt(np.mean(wave * wave) + 1e-12))


def with_tail(wave: Wave, base: float, *, seconds: float = 0.16) -> Tone:
    """The end of a decaying tone made a loop of whole periods: what falls within it is raised, its seam is blended.

    The player's envelope goes on falling as the tone did (``Tone.fall``).
    """
    period = RATE / base
    most = max(1, int(seconds * RATE / period))
    count = min(range(max(1, most // 2), most + 1), key=lambda k: (abs(k * period - round(k * period)), -k))
    size = round(count * period)
    begin = len(wave) - size
    before, inside = wave[begin - size : begin], wave[begin:]
    fall = math.log(max(1e-9, float(np.mean(before * before))) / max(1e-9, float(np.mean(inside * inside)))) / 2.0
    rate = max(0.0, fall / size)  # nepers per sample
    made = wave.copy()
    steps = np.arange(-size, size)
    flat = wave[begin - size :] * np.exp(rate * np.maximum(steps, 0) + rate * np.minimum(steps, 0))
    blend = 0.5 - 0.5 * np.cos(np.pi * (np.arange(size) + 1.0) / size)
    made[begin:] = flat[size:] * (1.0 - blend) + flat[:size] * blend
    return Tone(made, (begin, len(wave)), rate * RATE * 20.0 / math.log(10.0))


def sample(name: str, tone: Tone, key: int, *, peak: float = 0.0, rms: float = 0.0) -> Sample:
    """As int16, at a ``peak`` (0..1) or an ``rms``; of an ``rms`` no peak is above 0.95. A loop gets the samples after
    it that a player reads to interpolate."""
    wave = tone.wave
    top = float(np.abs(wave).max())
    scale = peak / top if peak else min(rms / float(np.sqrt(np.mean(wave * wave))), 0.95 / top)
    wave = wave * scale
    if tone.loop is not None:
        first, last = tone.loop
        wave = np.concatenate([wave[:last], wave[first : first + 8]])
    if tone.loop is None or tone.loop[0] > 0:  # a loop from the start needs no fade: the envelope has one
        wave[:8] *= np.linspace(0.0, 1.0, 8)
    data = np.round(wave * 32_767.0).astype(np.int16)
    return Sample(name, data, RATE, key, tone.loop, tone.cents)


def ranges(keys: Sequence[int]) -> list[tuple[int, int]]:
    """The range of keys around each of the ``keys`` (rising) that its sample plays; together they are all 128."""
    edges = [0, *(-(-(a + b) // 2) for a, b in itertools.pairwise(keys)), 128]
    return [(low, high - 1) for low, high in itertools.pairwise(edges)]
