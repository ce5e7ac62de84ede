"""The pitched voices of the synth: electric piano (FM), strings, organ, choir, bass, mallets. Mono or stereo numpy.

Each is one function of a note: frequency (Hz), sounding time (seconds), velocity 0..1, rate -> float32 ``(samples, 2)``
that begins and ends at zero. FM after Chowning, "The synthesis of complex audio spectra by means of frequency
modulation" (1973); the sums of harmonics use the Chebyshev recurrence, two operations for each partial.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
Voice = Callable[[float, float, float, int], Samples]

_TAU = 2.0 * np.pi
_BRIGHTEST = 11_000.0
"""Hz above which a warm voice has no partials."""


def envelope(count: int, held: int, attack: int, release: int) -> Samples:
    """Raised-cosine attack, one while held, raised-cosine release; ``count`` samples, zero at both ends."""
    curve = np.ones(count, np.float32)
    attack = max(1, min(attack, held))
    curve[:attack] = 0.5 - 0.5 * np.cos(np.pi * np.arange(attack) / attack)
    tail = count - held
    release = max(1, min(release, tail))
    level = curve[held - 1] if held < attack else 1.0
    fade = (0.5 + 0.5 * np.cos(np.pi * np.arange(1, release + 1) / release)).astype(np.float32)
    curve[held : held + release] = level * fade * fade
    curve[held + release :] = 0.0
    return curve


def harmonics(phase: NDArray[np.float64], levels: Sequence[float]) -> NDArray[np.float64]:
    """Sum of ``levels[n] * sin((n + 1) * phase)``."""
    twice, previous, current = 2.0 * np.cos(phase), np.zeros_like(phase), np.sin(phase)
    total = levels[0] * current
    for level in levels[1:]:
        previous, current = current, twice * current - previous
        if level:
            total += level * current
    return total


def _partials(frequency: float, most: int, slope: float, formant: float = 0.0) -> list[float]:
    """Levels of harmonics falling by ``n ** -slope``, softened towards the top; ``formant`` Hz is a gentle hill."""
    count = max(1, min(most, int(_BRIGHTEST / frequency)))
    levels = []
    for n in range(1, count + 1):
        level = n**-slope * (1.0 - (n * frequency / (_BRIGHTEST * 1.1)) ** 2)
        if formant:
            level *= 1.0 + 1.6 * np.exp(-(((n * frequency - formant) / (0.45 * formant)) ** 2))
        levels.append(float(level))
    scale = float(np.sqrt(np.sum(np.square(levels))))
    return [level / scale for level in levels]


def _time(seconds: float, tail: float, rate: int) -> tuple[NDArray[np.float64], int]:
    held = max(1, round(seconds * rate))
    return np.arange(held + round(tail * rate)) / rate, held


def _ensemble(
    frequency: float, seconds: float, rate: int, *, levels: list[float], tail: float, cents: float, vibrato: float,
    attack: float,
) -> Samples:
    """Two detuned players, one to each side, with a vibrato that comes in late."""
    t, held = _time(seconds, tail, rate)
    sway = vibrato * np.minimum(1.0, t / 0.8) ** 2
    sides = []
    for side in (-1.0, 1.0):
        tuned = frequency * 2.0 ** (side * cents / 1200.0)
        wobble = sway * np.sin(_TAU * (5.1 + 0.35 * side) * t + side) / (_TAU * 5.1)
        sides.append(harmonics(_TAU * tuned * (t + wobble) + 1.3 * side, levels))
    left, right = sides
    stereo = np.stack([0.8 * left + 0.35 * right, 0.35 * left + 0.8 * right], axis=1)
    return (stereo * envelope(len(t), held, round(attack * rate), round(tail * rate))[:, None]).astype(np.float32)


def strings(frequency: float, seconds: float, velocity: float, rate: int) -> Samples:
    """Warm string ensemble: slow bow, soft top."""
    levels = _partials(frequency, 14, 1.75 - 0.45 * velocity, formant=520.0)
    attack = min(0.16 - 0.09 * velocity, 0.45 * seconds)
    made = _ensemble(
        frequency, seconds, rate, levels=levels, tail=0.45, cents=4.5, vibrato=0.0022, attack=attack,
    )
    return made * np.float32(0.24 * (0.35 + 0.65 * velocity))


def choir(frequency: float, seconds: float, velocity: float, rate: int) -> Samples:
    """Voices on 'ooh': few harmonics, a hill at 700 Hz."""
    levels = _partials(frequency, 9, 2.1 - 0.4 * velocity, formant=700.0)
    made = _ensemble(frequency, seconds, rate, levels=levels, tail=0.5, cents=7.0, vibrato=0.0032, attack=0.12)
    return made * np.float32(0.25 * (0.4 + 0.6 * velocity))


def organ(frequency: float, seconds: float, velocity: float, rate: int) -> Samples:
    """Chamber organ: stopped 8' flute, 4' and a little 2 2/3', with the chiff of a pipe that begins to speak."""
    t, held = _time(seconds, 0.22, rate)
    registers = ((1.0, 1.0), (2.0, 0.5), (3.0, 0.2), (4.0, 0.22), (6.0, 0.05), (8.0, 0.07))
    total = np.zeros_like(t)
    other = np.zeros_like(t)
    for index, (ratio, level) in enumerate(registers):
        pitch = frequency * ratio
        if pitch > _BRIGHTEST:
            break
        slow = np.minimum(1.0, t / (0.045 + 0.02 * index))
        total += level * slow * np.sin(_TAU * pitch * 1.0009 * t + index)
        other += level * slow * np.sin(_TAU * pitch * 0.9991 * t + 2.0 * index)
    chiff = np.exp(-t / 0.035) * np.sin(_TAU * frequency * 5.02 * t) * 0.06
    stereo = np.stack([total * 0.75 + other * 0.35 + chiff, total * 0.35 + other * 0.75 + chiff], axis=1)
    made = stereo * envelope(len(t), held, round(0.03 * rate), round(0.22 * rate))[:, None]
    return np.asarray(made * (0.17 * (0.7 + 0.3 * velocity)), np.float32)


def piano(frequency: float, seconds: float, velocity: float, rate: int) -> Samples:
    """Electric piano: an FM body whose brightness follows the touch, and the short bell of the tine."""
    t, held = _time(seconds, 0.28, rate)
    decay = 1.9 * (220.0 / frequency) ** 0.45
    index = (0.25 + 1.5 * velocity**1.5) * min(1.4, (330.0 / frequency) ** 0.35)
    body = np.sin(_TAU * frequency * t + index * np.exp(-t / (0.28 * decay)) * np.sin(_TAU * frequency * t))
    tine_ratio = next(r for r in (14.0, 9.0, 7.0, 5.0, 3.0, 1.0) if frequency * r < 9_000 or r == 1.0)
    tine = np.sin(_TAU * frequency * t + 0.9 * velocity * np.exp(-t / 0.09) * np.sin(_TAU * frequency * tine_ratio * t))
    warm = body * np.exp(-t / decay) + 0.32 * (0.3 + 0.7 * velocity) * tine * np.exp(-t / (0.45 * decay))
    second = np.sin(_TAU * frequency * 1.0012 * t + 0.7) * np.exp(-t / decay)
    sway = 0.10 * np.sin(_TAU * 1.7 * t)
    stereo = np.stack([warm * (1.0 - sway) + 0.28 * second, warm * (1.0 + sway) - 0.10 * second], axis=1)
    made = stereo * envelope(len(t), held, round(0.003 * rate), round(0.28 * rate))[:, None]
    return np.asarray(made * (0.30 * velocity**1.2 + 0.03), np.float32)


def bass(frequency: float, seconds: float, velocity: float, rate: int) -> Samples:
    """Round plucked bass."""
    t, held = _time(seconds, 0.12, rate)
    index = (0.6 + 1.6 * velocity) * np.exp(-t / 0.18) * min(1.0, 500.0 / frequency)
    wave = np.sin(_TAU * frequency * t + index * np.sin(_TAU * frequency * t)) + 0.35 * np.sin(_TAU * 2 * frequency * t)
    wave *= np.exp(-t / 1.4) * envelope(len(t), held, round(0.004 * rate), round(0.12 * rate))
    made = np.stack([wave, wave], axis=1) * (0.34 * (0.3 + 0.7 * velocity))
    return np.asarray(made, np.float32)


def mallet(frequency: float, seconds: float, velocity: float, rate: int) -> Samples:
    """Vibraphone: the first, fourth and tenth modes of a tuned bar; it rings on after the key."""
    ring = 1.3 * (440.0 / frequency) ** 0.4
    t, held = _time(seconds, min(1.2, ring), rate)
    wave = np.sin(_TAU * frequency * t) * np.exp(-t / ring)
    for ratio, level, share in ((3.984, 0.32, 0.30), (9.92, 0.12, 0.08)):
        if frequency * ratio < _BRIGHTEST:
            wave += level * velocity * np.sin(_TAU * frequency * ratio * t) * np.exp(-t / (ring * share))
    sway = 0.22 * np.sin(_TAU * 4.3 * t)
    stereo = np.stack([wave * (1 + sway), wave * (1 - sway)], axis=1)
    made = stereo * envelope(len(t), held, round(0.002 * rate), round(min(1.2, ring) * rate))[:, None]
    return np.asarray(made * (0.30 * (0.15 + 0.85 * velocity)), np.float32)


def voice_for(program: int) -> Voice:
    """The voice nearest to a General MIDI program (0..127)."""
    for end, voice in ((8, piano), (16, mallet), (24, organ), (32, piano), (40, bass), (52, strings), (55, choir),
                       (80, strings), (88, organ), (96, choir), (104, strings), (112, piano)):
        if program < end:
            return voice
    return mallet
