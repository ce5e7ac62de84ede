"""A synthesised drum kit by General MIDI pitch. Every sound is made here, from sines and shaped noise.

``drum(pitch, velocity, rate, take)`` -> float32 ``(samples, 2)``. Four takes of each drum differ a little, so that a
roll is no machine gun.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
_Maker = Callable[[float, float, int, np.random.Generator], NDArray[np.float64]]

TAKES = 4
_TAU = 2.0 * np.pi
KIT: dict[int, tuple[str, float, float]] = {  # pitch: (drum, tuning, place -1 left .. 1 right)
    35: ("kick", 0.92, 0.0), 36: ("kick", 1.0, 0.0), 37: ("stick", 1.0, -0.15), 38: ("snare", 1.0, -0.05),
    39: ("clap", 1.0, 0.1), 40: ("snare", 1.08, -0.05), 41: ("tom", 82.0, 0.45), 43: ("tom", 98.0, 0.35),
    45: ("tom", 118.0, 0.2), 47: ("tom", 140.0, 0.0), 48: ("tom", 165.0, -0.2), 50: ("tom", 196.0, -0.35),
    58: ("tom", 98.0, 0.35), 42: ("hat", 1.0, -0.3), 22: ("hat", 1.03, -0.3), 44: ("pedal", 1.0, -0.3),
    46: ("open", 1.0, -0.3), 26: ("open", 1.03, -0.3), 49: ("crash", 1.0, -0.4), 57: ("crash", 0.9, 0.45),
    55: ("splash", 1.2, -0.2), 52: ("crash", 0.8, 0.5), 51: ("ride", 1.0, 0.4), 59: ("ride", 0.93, 0.4),
    53: ("bell", 1.0, 0.4), 54: ("tambourine", 1.0, 0.25), 56: ("cowbell", 1.0, 0.2), 69: ("shaker", 1.0, 0.3),
    70: ("shaker", 1.1, 0.3), 82: ("shaker", 1.05, 0.3), 75: ("stick", 1.25, 0.3), 76: ("stick", 1.1, 0.25),
    77: ("stick", 0.85, 0.25), 60: ("tom", 250.0, 0.25), 61: ("tom", 190.0, 0.25), 62: ("tom", 290.0, -0.25),
    63: ("tom", 260.0, -0.25), 64: ("tom", 205.0, -0.25), 65: ("tom", 330.0, 0.3), 66: ("tom", 260.0, 0.3),
}
"""The drum, its tuning and its place of each General MIDI pitch."""
HATS = frozenset({22, 42, 44})
"""Sounds that choke an open hi-hat."""
OPEN_HATS = frozenset({26, 46})


def drum(pitch: int, velocity: float, rate: int, take: int = 0) -> Samples:
    """One hit, ``velocity`` 0..1: harder is louder, brighter and a little longer. Unknown pitches are a wood block."""
    kind, tuning, place = KIT.get(pitch, ("stick", 0.8 + (pitch % 12) / 20.0, 0.0))
    level = 6 if velocity > 0.75 else 4 if velocity > 0.4 else 2  # three layers, so that a song makes few sounds
    wave = sound(kind, tuning, level, rate, take % TAKES)
    angle = (place + 1.0) * np.pi / 4.0
    sides = np.array([np.cos(angle), np.sin(angle)], np.float32) * np.float32(1.4142 * (0.06 + 0.94 * velocity**1.6))
    made: Samples = wave[:, None] * sides
    return made


@lru_cache(maxsize=512)
def sound(kind: str, tuning: float, layer: int, rate: int, take: int) -> Samples:
    """One drum of the kit, mono float32; ``layer`` 0..6 is how hard it is struck. Not to be written to: it is kept."""
    rng = np.random.default_rng([take, layer, *kind.encode()])
    hard = layer / 6.0
    wave = _MAKERS[kind](tuning, hard, rate, rng)
    fade = min(len(wave), rate // 200)
    wave[-fade:] *= np.linspace(1.0, 0.0, fade)
    wave[:24] *= np.linspace(0.0, 1.0, 24)
    return np.asarray(wave, np.float32)


def _t(seconds: float, rate: int) -> NDArray[np.float64]:
    return np.arange(round(seconds * rate)) / rate


def _noise(count: int, rate: int, rng: np.random.Generator, low: float, high: float) -> NDArray[np.float64]:
    """White noise between two frequencies with soft edges (about an octave), RMS one."""
    size = 1 << max(8, (count - 1).bit_length())
    spectrum = np.fft.rfft(rng.standard_normal(size))
    f = np.fft.rfftfreq(size, 1.0 / rate) + 1e-9
    spectrum *= 1.0 / (1.0 + (low / f) ** 4) / (1.0 + (f / high) ** 4)
    wave = np.fft.irfft(spectrum)[:count]
    made: NDArray[np.float64] = wave / np.sqrt(np.mean(wave * wave) + 1e-12)
    return made


def _kick(tuning: float, hard: float, rate: int, rng: np.random.Generator) -> NDArray[np.float64]:
    t = _t(0.5, rate)
    sweep = 49.0 * tuning * t + 4.2 * tuning * (1.0 - np.exp(-t / 0.035)) * (0.7 + 0.3 * hard)
    body = np.tanh(1.5 * np.sin(_TAU * sweep)) * np.exp(-t / 0.16)
    click = _noise(len(t), rate, rng, 1500, 6000) * np.exp(-t / 0.004) * 0.10 * hard
    return 0.85 * body + click


def _snare(tuning: float, hard: float, rate: int, rng: np.random.Generator) -> NDArray[np.float64]:
    t = _t(0.42, rate)
    drift = 1.0 + 0.012 * rng.standard_normal()
    head = 0.55 * np.sin(_TAU * (188 * tuning * drift * t + 0.9 * (1 - np.exp(-t / 0.012)))) * np.exp(-t / 0.075)
    head += 0.30 * np.sin(_TAU * 331 * tuning * t) * np.exp(-t / 0.05)
    wires = _noise(len(t), rate, rng, 1300, 5500 + 5500 * hard)
    wires *= 0.75 * np.exp(-t / (0.07 + 0.03 * hard)) + 0.5 * np.exp(-t / 0.018)
    return 0.6 * head + 0.24 * wires


def _tom(tuning: float, hard: float, rate: int, rng: np.random.Generator) -> NDArray[np.float64]:
    t = _t(0.75, rate)
    ring = 0.16 * (140.0 / tuning) ** 0.35 + 0.04
    sweep = tuning * t + tuning * 0.018 * (1.0 - np.exp(-t / 0.04)) * (0.6 + hard)
    body = np.sin(_TAU * sweep) * np.exp(-t / ring) + 0.25 * np.sin(_TAU * 1.59 * sweep) * np.exp(-t / (0.4 * ring))
    skin = _noise(len(t), rate, rng, 300, 3500) * np.exp(-t / 0.012) * 0.12 * hard
    return np.asarray(0.65 * body + skin)


_METAL = (205.3, 304.4, 369.6, 522.7, 540.0, 800.0, 1047.3, 1310.9)


def _metal(t: NDArray[np.float64], tuning: float, rate: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Inharmonic clang: upper harmonics of detuned oscillators, as in the analogue cymbals of the eighties."""
    total = np.zeros_like(t)
    for index, frequency in enumerate(_METAL):
        base = frequency * tuning * (1.0 + 0.004 * rng.standard_normal())
        for harmonic in (7, 11, 13, 17, 23):
            if base * harmonic < 16_500:
                total += np.sin(_TAU * base * harmonic * t + rng.random() * _TAU) / (1.0 + 0.3 * index)
    made: NDArray[np.float64] = total / np.sqrt(np.mean(total * total) + 1e-12)
    return made


def _cymbal(
    seconds: float, decay: float, low: float, metal: float, level: float, bite: float
) -> _Maker:
    def make(tuning: float, hard: float, rate: int, rng: np.random.Generator) -> NDArray[np.float64]:
        t = _t(seconds, rate)
        hiss = _noise(len(t), rate, rng, low, 9_000 + 5_000 * hard)
        fall = np.exp(-t / (decay * (0.8 + 0.3 * hard)))
        clang = metal * _metal(t, tuning, rate, rng) * fall
        hit = (1 - metal) * hiss * (0.7 * fall + bite * np.exp(-t / 0.012))
        return np.asarray(level * (clang + hit))

    return make


def _ride(tuning: float, hard: float, rate: int, rng: np.random.Generator) -> NDArray[np.float64]:
    t = _t(1.6, rate)
    ping = sum(
        level * np.sin(_TAU * f * tuning * t) * np.exp(-t / ring)
        for f, level, ring in ((2960, 0.5, 0.25), (4130, 0.4, 0.3), (5470, 0.4, 0.35), (7210, 0.25, 0.3))
    )
    wash = 0.55 * _noise(len(t), rate, rng, 4500, 12_000) + 0.45 * _metal(t, tuning, rate, rng)
    return np.asarray(0.085 * ping + 0.055 * wash * np.exp(-t / 0.5) * (0.4 + 0.6 * hard))


def _bell(tuning: float, hard: float, rate: int, rng: np.random.Generator) -> NDArray[np.float64]:
    t = _t(1.3, rate)
    modes = ((790, 0.4), (1630, 0.35), (2570, 0.3), (4410, 0.2))
    tone = sum(np.sin(_TAU * f * tuning * t) * np.exp(-t / r) for f, r in modes)
    return np.asarray(0.09 * tone) + 0.02 * _noise(len(t), rate, rng, 5000, 12_000) * np.exp(-t / 0.3) * hard


def _stick(tuning: float, hard: float, rate: int, rng: np.random.Generator) -> NDArray[np.float64]:
    t = _t(0.14, rate)
    wood = np.sin(_TAU * 1720 * tuning * t) * np.exp(-t / 0.016)
    wood += 0.6 * np.sin(_TAU * 905 * tuning * t) * np.exp(-t / 0.022)
    return 0.38 * wood + 0.06 * _noise(len(t), rate, rng, 2000, 8000) * np.exp(-t / 0.008) * hard


def _clap(tuning: float, hard: float, rate: int, rng: np.random.Generator) -> NDArray[np.float64]:
    t = _t(0.36, rate)
    bursts = sum(np.exp(-np.maximum(t - at, 0) / 0.006) * (t >= at) for at in (0.0, 0.011, 0.022)) * 0.5
    bursts = np.asarray(bursts) + np.exp(-np.maximum(t - 0.031, 0) / 0.075) * (t >= 0.031)
    return np.asarray(0.22 * _noise(len(t), rate, rng, 850 * tuning, 3800) * bursts)


def _cowbell(tuning: float, hard: float, rate: int, rng: np.random.Generator) -> NDArray[np.float64]:
    t = _t(0.4, rate)
    tone = sum(np.sin(_TAU * f * n * tuning * t) / n for f in (548.0, 815.0) for n in (1, 3, 5))
    return np.asarray(0.14 * tone * (0.6 * np.exp(-t / 0.03) + 0.4 * np.exp(-t / 0.12)))


def _shaker(tuning: float, hard: float, rate: int, rng: np.random.Generator) -> NDArray[np.float64]:
    t = _t(0.12, rate)
    swell = np.minimum(1.0, t / 0.02) * np.exp(-np.maximum(t - 0.02, 0) / 0.025)
    return np.asarray(0.12 * _noise(len(t), rate, rng, 5200 * tuning, 12_000) * swell)


_MAKERS: dict[str, _Maker] = {
    "kick": _kick, "snare": _snare, "tom": _tom, "stick": _stick, "clap": _clap, "cowbell": _cowbell,
    "shaker": _shaker, "ride": _ride, "bell": _bell,
    "hat": _cymbal(0.16, 0.032, 6200, 0.42, 0.24, 0.9), "pedal": _cymbal(0.12, 0.024, 5000, 0.42, 0.16, 0.3),
    "open": _cymbal(0.9, 0.22, 5600, 0.45, 0.17, 0.7), "crash": _cymbal(2.6, 0.62, 3200, 0.28, 0.18, 0.8),
    "splash": _cymbal(1.1, 0.22, 4200, 0.25, 0.14, 0.8), "tambourine": _cymbal(0.28, 0.06, 6500, 0.55, 0.12, 0.6),
}
