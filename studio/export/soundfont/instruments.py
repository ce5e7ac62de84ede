"""The instruments of the house sound font, and which General MIDI program plays which."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from studio.export import drums, voices
from studio.export.soundfont.sf2 import Instrument, Preset, Sample, Zone, pitchcents, timecents
from studio.export.soundfont.tones import (
    RATE,
    Tone,
    band_tone,
    frequency,
    hill,
    ranges,
    sample,
    string_tone,
    with_tail,
)

Level = Callable[[int, float], float]
"""How strong a harmonic is: of its number and its frequency (Hz)."""
_LONG = 24_576
_SHORT = 8_192
_OPEN = 13_500
"""A filter at this many cents is open."""


# --- sustained ---

def _sustained(
    name: str, keys: Sequence[int], tone: Callable[[int], Tone], *, rms: float, attack: float, release: float,
    sides: float = 0.0, bright: float = 20_000.0, soft: float = 0.0, vibrato: tuple[float, float, float] | None = None,
    more: Mapping[str, int] | None = None,
) -> Instrument:
    """``sides`` > 0: two players, that many cents apart, left and right. ``soft`` Hz: how dark a soft touch is.
    ``vibrato``: delay (seconds), frequency (Hz), depth (cents)."""
    amounts = {"attack": timecents(attack), "release": timecents(release), "loop": 1, **(more or {})}
    if vibrato is not None:
        delay, hertz, depth = vibrato
        amounts |= {"vib_lfo_delay": timecents(delay), "vib_lfo_freq": pitchcents(hertz),
                    "vib_lfo_to_pitch": round(depth)}
    zones = []
    for key, reach in zip(keys, ranges(keys), strict=True):
        made = sample(f"{name} {key}", tone(key), key, rms=rms)
        for velocities, cutoff in _touches(soft, bright):
            filtered = {**amounts, **({"filter_cutoff": min(_OPEN, pitchcents(cutoff))} if cutoff < 15_000 else {})}
            if sides:
                half = len(made.data) // 2 if made.loop == (0, len(made.data) - 8) else 0
                zones.append(Zone(made, reach, velocities, {**filtered, "pan": -330, "fine_tune": -round(sides / 2)}))
                # the second player begins elsewhere in the loop, so that the two are not one
                zones.append(Zone(made, reach, velocities, {
                    **filtered, "pan": 330, "fine_tune": round(sides / 2), "start_offset": half}))
            else:
                zones.append(Zone(made, reach, velocities, filtered))
    return Instrument(name, zones)


def _touches(soft: float, bright: float) -> list[tuple[tuple[int, int], float]]:
    """Ranges of velocity with the filter of each: a softer touch is darker."""
    if not soft:
        return [((0, 127), bright)]
    middle = math.sqrt(soft * min(bright, 12_000.0))
    return [((0, 47), soft), ((48, 87), middle), ((88, 127), bright)]


def _falling(power: float, top: float, formants: Sequence[tuple[float, float, float]] = ()) -> Level:
    """Harmonics falling by ``number ** -power``, gone towards ``top`` Hz, with hills (centre, octaves, height)."""
    def level(number: int, hertz: float) -> float:
        shape = 1.0 + sum(hill(hertz, *formant) for formant in formants)
        return float(number**-power) * shape / (1.0 + (hertz / top) ** 4)
    return level


def _strings() -> Instrument:
    level = _falling(1.15, 5200.0, ((520.0, 0.7, 0.9), (1500.0, 0.6, 0.7), (2900.0, 0.5, 0.5)))
    return _sustained("Strings", (36, 43, 50, 57, 64, 71, 78, 86),
                      lambda key: band_tone(key, level, count=_LONG, cents=13.0, seed=1, growth=0.9),
                      rms=0.14, attack=0.09, release=0.42, sides=5.0, soft=1900.0, bright=9000.0)


def _solo_string() -> Instrument:
    level = _falling(1.0, 5600.0, ((450.0, 0.5, 0.8), (1100.0, 0.5, 0.9), (2700.0, 0.5, 0.9)))
    return _sustained("Solo string", (38, 48, 57, 66, 74, 83),
                      lambda key: band_tone(key, level, count=_SHORT * 2, cents=3.0, seed=2, growth=0.8,
                                            air=lambda hertz: 0.004 * hill(hertz, 3500.0, 1.2, 1.0)),
                      rms=0.2, attack=0.06, release=0.2, soft=2200.0, bright=9000.0, vibrato=(0.25, 5.4, 11.0))


def _choir() -> Instrument:
    level = _falling(1.35, 4200.0, ((430.0, 0.55, 1.2), (820.0, 0.4, 1.5), (2700.0, 0.3, 0.8), (3500.0, 0.3, 0.5)))
    return _sustained("Choir", (40, 47, 54, 61, 68, 75, 82),
                      lambda key: band_tone(key, level, count=_LONG, cents=19.0, seed=3, growth=0.95,
                                            air=lambda hertz: 0.006 * hill(hertz, 2600.0, 1.4, 1.0)),
                      rms=0.14, attack=0.13, release=0.5, sides=7.0, soft=1500.0, bright=7000.0)


def _pad() -> Instrument:
    level = _falling(1.55, 3000.0)
    return _sustained("Soft pad", (40, 52, 64, 76),
                      lambda key: band_tone(key, level, count=_LONG, cents=26.0, seed=4, growth=0.8),
                      rms=0.14, attack=0.35, release=0.9, sides=9.0, bright=5200.0)


def _glass() -> Instrument:
    def level(number: int, hertz: float) -> float:
        return {1: 1.0, 2: 0.22, 3: 0.35, 5: 0.16, 8: 0.12, 11: 0.05}.get(number, 0.0) / (1.0 + (hertz / 7000.0) ** 4)
    return _sustained("Glass", (48, 60, 72, 84),
                      lambda key: band_tone(key, level, count=_LONG, cents=8.0, seed=5, growth=0.6),
                      rms=0.12, attack=0.05, release=1.1, sides=6.0,
                      more={"decay": timecents(6.0), "sustain": 180})


def _brass() -> Instrument:
    level = _falling(0.85, 4600.0, ((900.0, 0.8, 0.8),))
    return _sustained("Brass", (36, 45, 53, 61, 69, 77),
                      lambda key: band_tone(key, level, count=_SHORT * 2, cents=4.0, seed=6, growth=0.7),
                      rms=0.14, attack=0.035, release=0.16, sides=5.0, soft=900.0, bright=3800.0,
                      more={"mod_env_to_filter": 1500, "mod_env_attack": timecents(0.05),
                            "mod_env_decay": timecents(0.5), "mod_env_sustain": 450})


def _flute() -> Instrument:
    def level(number: int, hertz: float) -> float:
        if number > 5:
            return 0.0
        return (1.0, 0.34, 0.14, 0.05, 0.02)[number - 1] / (1.0 + (hertz / 5000.0) ** 4)
    return _sustained("Flute", (55, 63, 71, 79, 87, 95),
                      lambda key: band_tone(key, level, count=_SHORT, cents=0.0, seed=7,
                                            air=lambda hertz: 0.0035 * hill(hertz, 2.6 * frequency(key), 1.3, 1.0)),
                      rms=0.21, attack=0.05, release=0.14, vibrato=(0.35, 4.9, 9.0))


def _reed() -> Instrument:
    def level(number: int, hertz: float) -> float:
        odd = 1.0 if number % 2 else 0.12 + 0.05 * number
        return odd * float(number**-1.05) * (1.0 + hill(hertz, 1500.0, 0.5, 0.6)) / (1.0 + (hertz / 4800.0) ** 4)
    return _sustained("Reed", (43, 51, 59, 67, 75, 83),
                      lambda key: band_tone(key, level, count=_SHORT, cents=0.0, seed=8,
                                            air=lambda hertz: 0.0012 * hill(hertz, 2500.0, 1.3, 1.0)),
                      rms=0.2, attack=0.035, release=0.12, soft=2200.0, bright=9000.0, vibrato=(0.5, 4.7, 5.0))


def _organ() -> Instrument:
    registers = {1: 1.0, 2: 0.55, 3: 0.22, 4: 0.26, 6: 0.07, 8: 0.10, 12: 0.03, 16: 0.02}

    def level(number: int, hertz: float) -> float:
        return registers.get(number, 0.0) / (1.0 + (hertz / 8000.0) ** 4)
    return _sustained("Organ", (36, 45, 54, 63, 72, 81, 90),
                      lambda key: band_tone(key, level, count=_SHORT, cents=0.0, seed=9,
                                            air=lambda hertz: 0.0007 * hill(hertz, 3000.0, 1.4, 1.0)),
                      rms=0.13, attack=0.028, release=0.2, sides=3.0)


def _lead() -> Instrument:
    level = _falling(1.0, 9000.0)
    return _sustained("Lead", (36, 48, 60, 72, 84),
                      lambda key: band_tone(key, level, count=_SHORT, cents=0.0, seed=10),
                      rms=0.13, attack=0.006, release=0.12, sides=8.0, soft=1400.0, bright=5200.0,
                      vibrato=(0.4, 5.3, 6.0),
                      more={"mod_env_to_filter": 1800, "mod_env_attack": timecents(0.004),
                            "mod_env_decay": timecents(0.45), "mod_env_sustain": 600})


# --- struck and plucked ---

def _decaying(
    name: str, keys: Sequence[int], tone: Callable[[int], Tone], *, peak: float, release: float, soft: float = 0.0,
    bright: float = 20_000.0, more: Mapping[str, int] | None = None,
) -> Instrument:
    zones = []
    for key, reach in zip(keys, ranges(keys), strict=True):
        found = tone(key)
        assert found.loop is not None
        made = sample(f"{name} {key}", found, key, peak=peak)
        amounts = {
            "attack": timecents(0.001), "hold": timecents(found.loop[0] / RATE), "loop": 1,
            # an envelope's decay is how long it takes to fall by 100 dB
            "decay": timecents(min(60.0, 100.0 / max(4.0, found.fall))), "sustain": 1000,
            "release": timecents(release), "pan": max(-250, min(250, round((key - 62) * 7))), **(more or {}),
        }
        for velocities, cutoff in _touches(soft, bright):
            filtered = {"filter_cutoff": pitchcents(cutoff)} if cutoff < 15_000 else {}
            zones.append(Zone(made, reach, velocities, {**amounts, **filtered}))
    return Instrument(name, zones)


def _piano() -> Instrument:
    def tone(key: int) -> Tone:
        base = frequency(key)

        def level(number: int, hertz: float) -> float:
            hammer = abs(math.sin(math.pi * number * 0.121)) + 0.08
            return hammer * float(number**-0.75) / (1.0 + (hertz / (1700.0 + 1.6 * base)) ** 2)

        def ring(hertz: float) -> float:
            return 5.5 * float((130.0 / base) ** 0.55) / (1.0 + hertz / 1800.0)
        return string_tone(key, 1.5 if key < 70 else 1.0, level=level, ring=ring, beating=0.45, knock=0.012, seed=20,
                           stiffness=1.6e-4 * 2.0 ** ((key - 48) / 14.0))
    return _decaying("Piano", (33, 43, 52, 60, 68, 77, 88), tone, peak=0.72, release=0.22, soft=1800.0,
                     bright=11_000.0)


def _guitar() -> Instrument:
    def level(number: int, hertz: float) -> float:
        return abs(math.sin(math.pi * number * 0.17)) * float(number**-1.15) / (1.0 + (hertz / 4200.0) ** 2) \
            * (1.0 + hill(hertz, 210.0, 0.4, 0.6))
    return _decaying("Guitar", (40, 48, 56, 64, 73),
                     lambda key: string_tone(key, 1.0, level=level, knock=0.02, seed=21, knock_high=900.0, early=0.7,
                                             ring=lambda hertz: 2.6 * (150.0 / frequency(key)) ** 0.4
                                             / (1.0 + hertz / 1500.0)),
                     peak=0.62, release=0.15, soft=1700.0, bright=9000.0)


def _harpsichord() -> Instrument:
    def level(number: int, hertz: float) -> float:
        return (abs(math.sin(math.pi * number * 0.11)) + 0.1) * float(number**-0.7) / (1.0 + (hertz / 6500.0) ** 4)
    return _decaying("Harpsichord", (36, 46, 56, 66, 78),
                     lambda key: string_tone(key, 0.9, level=level, beating=0.9, knock=0.02, seed=22, knock_high=6000.0,
                                             ring=lambda hertz: 3.2 * (180.0 / frequency(key)) ** 0.4
                                             / (1.0 + hertz / 6000.0), early=0.25),
                     peak=0.8, release=0.1)


def _voiced(
    name: str, keys: Sequence[int], voice: voices.Voice, seconds: float, *, peak: float, release: float,
    touch: float = 0.85, soft: float = 0.0, bright: float = 20_000.0, more: Mapping[str, int] | None = None,
) -> Instrument:
    """A voice of the studio's own synth, held for ``seconds``."""
    def tone(key: int) -> Tone:
        wave = voice(frequency(key), seconds + 0.5, touch, RATE).mean(axis=1).astype(np.float64)
        return with_tail(wave[: round(seconds * RATE)], frequency(key))
    return _decaying(name, keys, tone, peak=peak, release=release, soft=soft, bright=bright, more=more)


_BELL = ((0.5, 0.5, 2.6), (1.0, 1.0, 1.9), (1.193, 0.35, 1.2), (1.5, 0.18, 0.9), (2.0, 0.6, 1.1), (2.514, 0.22, 0.5),
         (2.662, 0.18, 0.45), (3.011, 0.2, 0.4), (4.166, 0.16, 0.3), (5.43, 0.1, 0.2))
"""Partials of a bell tuned by hand (hum, prime, tierce, quint, nominal ...): ratio, level, ring (seconds)."""


def _bell() -> Instrument:
    def tone(key: int) -> Tone:
        base = frequency(key)
        t = np.arange(round(1.0 * RATE)) / RATE
        wave = np.zeros_like(t)
        for ratio, level, ring in _BELL:
            if base * ratio < 12_000:
                wave += level * np.exp(-t / (ring * (500.0 / base) ** 0.3)) * np.sin(2.0 * np.pi * base * ratio * t)
        return with_tail(wave, base / 2.0)
    return _decaying("Bells", (48, 60, 72, 84), tone, peak=0.55, release=1.2)


# --- drums ---

_LAYERS = {"snare": 3, "hat": 2, "kick": 2}
_TOP = 0.9


def kit() -> Instrument:
    """The studio's own drums by General MIDI pitch: softer hits are darker and further below."""
    zones: list[Zone] = []
    made: dict[tuple[str, float, int], Sample] = {}
    loudest = max(float(np.abs(drums.sound(kind, tuning, 6, RATE, 0)).max()) for kind, tuning, _ in drums.KIT.values())
    for pitch, (kind, tuning, place) in sorted(drums.KIT.items()):
        # drums that differ by little are one sample, played higher or lower
        own, cents = _shared(kind, tuning)
        layers = _LAYERS.get(kind, 1)
        for number, (velocities, level, quieter) in enumerate(_split(layers)):
            key = kind, own, level
            if key not in made:
                wave = drums.sound(kind, own, level, RATE, number).astype(np.float64)
                heard = np.flatnonzero(np.abs(wave) > 0.0012 * np.abs(wave).max())
                wave = wave[: int(heard[-1]) + 1]
                wave[-320:] *= np.linspace(1.0, 0.0, 320)
                peak = _TOP * float(np.abs(wave).max()) / loudest
                made[key] = sample(f"{kind} {round(own)} {level}", Tone(wave), 60, peak=peak)
            amounts = {"root": pitch, "pan": round(400 * place), "fine_tune": round(cents),
                       "attenuation": quieter, "hold": timecents(4.0), "release": timecents(4.0)}
            if pitch in drums.HATS or pitch in drums.OPEN_HATS:
                amounts |= {"exclusive": 1}
            zones.append(Zone(made[key], (pitch, pitch), velocities, amounts))
    return Instrument("House kit", zones)


def _split(layers: int) -> list[tuple[tuple[int, int], int, int]]:
    """Velocities, hardness of the drum and attenuation (centibels) of each layer."""
    if layers == 1:
        return [((0, 40), 5, 70), ((41, 127), 5, 0)]
    if layers == 2:
        return [((0, 50), 2, 60), ((51, 88), 2, 15), ((89, 127), 6, 0)]
    return [((0, 46), 2, 70), ((47, 88), 4, 20), ((89, 127), 6, 0)]


def _shared(kind: str, tuning: float) -> tuple[float, float]:
    """The tuning whose sample plays a drum, and how many cents it is raised."""
    near = {"tom": (90.0, 140.0, 250.0)}.get(kind, (1.0,))
    own = min(near, key=lambda other: abs(math.log2(tuning / other)))
    return own, 1200.0 * math.log2(tuning / own)


# --- General MIDI ---

def presets() -> list[Preset]:
    """All 128 programs and the drum kit."""
    made = {
        "piano": _piano(), "organ": _organ(), "guitar": _guitar(), "strings": _strings(), "solo": _solo_string(),
        "choir": _choir(), "pad": _pad(), "glass": _glass(), "brass": _brass(), "flute": _flute(), "reed": _reed(),
        "lead": _lead(), "harpsichord": _harpsichord(), "bell": _bell(),
        "epiano": _voiced("Electric piano", (36, 46, 55, 64, 74, 84), voices.piano, 1.0, peak=0.6, release=0.25,
                          soft=1500.0, bright=12_000.0),
        "vibes": _voiced("Vibraphone", (48, 58, 68, 78, 88), voices.mallet, 0.9, peak=0.55, release=0.9,
                         more={"mod_lfo_to_volume": 14, "mod_lfo_freq": pitchcents(4.3)}),
        "bass": _voiced("Bass", (28, 36, 44, 54), voices.bass, 0.8, peak=0.7, release=0.1, soft=700.0, bright=6000.0),
    }
    found = []
    for program, name in enumerate(_programs()):
        tweak = {10: {"coarse_tune": 12}, 8: {"coarse_tune": 12}, 9: {"coarse_tune": 12}}.get(program, {})
        found.append(Preset(made[name].name, program, made[name], 0, tweak))
    found.append(Preset("House kit", 0, kit(), 128))
    return found


def _programs() -> list[str]:
    """The instrument of each General MIDI program."""
    names: list[str] = []
    for end, name in (
        (4, "piano"), (6, "epiano"), (7, "harpsichord"), (8, "epiano"), (12, "vibes"), (14, "vibes"), (15, "bell"),
        (16, "harpsichord"), (24, "organ"), (32, "guitar"), (40, "bass"), (44, "solo"), (45, "strings"), (47, "guitar"),
        (48, "bass"), (52, "strings"), (55, "choir"), (56, "brass"), (64, "brass"), (72, "reed"), (80, "flute"),
        (88, "lead"), (92, "pad"), (93, "glass"), (96, "choir"), (98, "glass"), (99, "bell"), (104, "pad"),
        (108, "guitar"), (110, "solo"), (112, "reed"), (114, "bell"), (120, "vibes"), (128, "glass"),
    ):
        names += [name] * (end - len(names))
    return names
