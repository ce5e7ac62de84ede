"""Writing SoundFont 2 files (SoundFont Technical Specification 2.01, Creative Technology, 1998)."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

GENERATORS = {
    "start_offset": 0, "mod_lfo_to_pitch": 5, "vib_lfo_to_pitch": 6, "mod_env_to_pitch": 7, "filter_cutoff": 8,
    "filter_q": 9, "mod_env_to_filter": 11, "mod_lfo_to_volume": 13, "pan": 17, "mod_lfo_delay": 21, "mod_lfo_freq": 22,
    "vib_lfo_delay": 23, "vib_lfo_freq": 24, "mod_env_attack": 26, "mod_env_hold": 27, "mod_env_decay": 28,
    "mod_env_sustain": 29, "mod_env_release": 30, "attack": 34, "hold": 35, "decay": 36, "sustain": 37, "release": 38,
    "attenuation": 48, "coarse_tune": 51, "fine_tune": 52, "loop": 54, "scale_tuning": 56, "exclusive": 57, "root": 58,
}
"""The generators of section 8.1.2 that we use, by a name of ours; amounts are the specification's units."""
_INSTRUMENT, _KEYS, _VELOCITIES, _SAMPLE = 41, 43, 44, 53
_SILENCE = 46
"""Zero samples that have to follow each sample (section 6.1)."""


class FontError(ValueError):
    """A font that cannot be written; the message says what of it, and why."""


@dataclass(frozen=True, eq=False)
class Sample:
    """Mono int16 ``data``; ``loop`` (first, after the last) or None; ``root`` is its key, ``cents`` by how much
    playback has to be raised for that key to be in tune (-50..50)."""

    name: str
    data: NDArray[np.int16]
    rate: int
    root: int
    loop: tuple[int, int] | None = None
    cents: int = 0


@dataclass(frozen=True, eq=False)
class Zone:
    """A sample on a range of keys and velocities, with amounts of ``GENERATORS``."""

    sample: Sample
    keys: tuple[int, int] = (0, 127)
    velocities: tuple[int, int] = (0, 127)
    amounts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Instrument:
    """Zones that sound together where they overlap."""

    name: str
    zones: Sequence[Zone]


@dataclass(frozen=True, eq=False)
class Preset:
    """What a program (0..127) of a bank (0..128; 128 are drums) plays: one instrument, with amounts that are added."""

    name: str
    program: int
    instrument: Instrument
    bank: int = 0
    amounts: Mapping[str, int] = field(default_factory=dict)


def timecents(seconds: float) -> int:
    """A time as envelopes have it; nothing shorter than 1 ms."""
    return round(1200.0 * math.log2(max(0.001, seconds)))


def pitchcents(hertz: float) -> int:
    """A frequency as filters and oscillators have it."""
    return round(1200.0 * math.log2(hertz / 8.176))


def encode(presets: Sequence[Preset], *, name: str, copyright: str, comment: str = "") -> bytes:
    """The bytes of a font: the same presets give the same bytes. Raises FontError."""
    if not presets:
        raise FontError("a sound font needs a preset")
    places = [(preset.bank, preset.program) for preset in presets]
    if len(set(places)) < len(places) or not all(0 <= bank <= 128 and 0 <= number <= 127 for bank, number in places):
        raise FontError("every preset needs a bank (0..128) and a program (0..127) of its own")
    instruments = list({id(preset.instrument): preset.instrument for preset in presets}.values())
    samples = list({id(zone.sample): zone.sample for made in instruments for zone in made.zones}.values())
    info = b"".join((
        _chunk(b"ifil", struct.pack("<HH", 2, 1)), _text(b"isng", "EMU8000"), _text(b"INAM", name),
        _text(b"ICOP", copyright), _text(b"ICMT", comment) if comment else b"", _text(b"ISFT", "Reverie Studio"),
    ))
    data, headers = _samples(samples)
    hydra = _presets(sorted(presets, key=lambda preset: (preset.bank, preset.program)), instruments)
    hydra += _instruments(instruments, samples) + _chunk(b"shdr", headers)
    body = b"".join((_list(b"INFO", info), _list(b"sdta", _chunk(b"smpl", data)), _list(b"pdta", hydra)))
    return _chunk(b"RIFF", b"sfbk" + body)


def _samples(samples: Sequence[Sample]) -> tuple[bytes, bytes]:
    parts, headers, at = [], [], 0
    for sample in samples:
        length = len(sample.data)
        first, last = sample.loop or (0, length)
        if sample.data.dtype != np.int16 or sample.data.ndim != 1 or length < 48:
            raise FontError(f"the sample {sample.name!r} is no mono int16 sound of 48 samples or more")
        if not 0 <= first < last <= length or not 0 <= sample.root <= 127 or not -50 <= sample.cents <= 50:
            raise FontError(f"the sample {sample.name!r} has a loop, key or tuning outside its range")
        headers.append(struct.pack("<20sIIIIIBbHH", _name(sample.name), at, at + length, at + first, at + last,
                                   sample.rate, sample.root, sample.cents, 0, 1))
        parts += [sample.data.astype("<i2").tobytes(), bytes(2 * _SILENCE)]
        at += length + _SILENCE
    headers.append(struct.pack("<20sIIIIIBbHH", b"EOS", 0, 0, 0, 0, 0, 0, 0, 0, 0))
    return b"".join(parts), b"".join(headers)


def _presets(presets: Sequence[Preset], instruments: Sequence[Instrument]) -> bytes:
    place = {id(made): number for number, made in enumerate(instruments)}
    headers: list[bytes] = []
    bags: list[bytes] = []
    generators: list[bytes] = []
    for preset in presets:
        headers.append(struct.pack("<20sHHHIII", _name(preset.name), preset.program, preset.bank, len(bags), 0, 0, 0))
        bags.append(struct.pack("<HH", len(generators), 0))
        generators += [*_amounts(preset.amounts), struct.pack("<HH", _INSTRUMENT, place[id(preset.instrument)])]
    headers.append(struct.pack("<20sHHHIII", b"EOP", 0, 0, len(bags), 0, 0, 0))
    return _bags(b"phdr", b"pbag", b"pmod", b"pgen", headers, bags, generators)


def _instruments(instruments: Sequence[Instrument], samples: Sequence[Sample]) -> bytes:
    place = {id(sample): number for number, sample in enumerate(samples)}
    headers: list[bytes] = []
    bags: list[bytes] = []
    generators: list[bytes] = []
    for made in instruments:
        if not made.zones:
            raise FontError(f"the instrument {made.name!r} has no sample")
        headers.append(struct.pack("<20sH", _name(made.name), len(bags)))
        for zone in made.zones:
            for low, high in (zone.keys, zone.velocities):
                if not 0 <= low <= high <= 127:
                    raise FontError(f"the instrument {made.name!r} has a range {low}..{high} outside 0..127")
            bags.append(struct.pack("<HH", len(generators), 0))
            # the order is the specification's: key range, velocity range, the others, the sample
            generators += [
                struct.pack("<HBB", _KEYS, *zone.keys), struct.pack("<HBB", _VELOCITIES, *zone.velocities),
                *_amounts(zone.amounts), struct.pack("<HH", _SAMPLE, place[id(zone.sample)]),
            ]
    headers.append(struct.pack("<20sH", b"EOI", len(bags)))
    return _bags(b"inst", b"ibag", b"imod", b"igen", headers, bags, generators)


def _bags(head: bytes, bag: bytes, mod: bytes, gen: bytes, headers: list[bytes], bags: list[bytes],
          generators: list[bytes]) -> bytes:
    if len(bags) >= 65_535 or len(generators) >= 65_535:
        raise FontError("a sound font holds no more than 65,534 zones and amounts")
    end = struct.pack("<HH", len(generators), 0)
    return b"".join((_chunk(head, b"".join(headers)), _chunk(bag, b"".join([*bags, end])), _chunk(mod, bytes(10)),
                     _chunk(gen, b"".join([*generators, bytes(4)]))))


def _amounts(amounts: Mapping[str, int]) -> list[bytes]:
    made = []
    for name, amount in sorted(amounts.items()):
        if name not in GENERATORS or not -32_768 <= amount <= 32_767:
            raise FontError(f"{name} = {amount} is no generator and amount of a sound font")
        made.append(struct.pack("<Hh", GENERATORS[name], amount))
    return made


def _name(text: str) -> bytes:
    return text.encode("ascii", "replace")[:19]


def _text(kind: bytes, text: str) -> bytes:
    data = text.encode("ascii", "replace")[:255] + b"\0"
    return _chunk(kind, data + b"\0" * (len(data) % 2))


def _list(kind: bytes, data: bytes) -> bytes:
    return _chunk(b"LIST", kind + data)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
