"""From what a network chose to what is heard: velocity, channels, drum kits, timing; nothing overlaps itself."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from studio.api import Note
from studio.nn.music import VoiceNote

DRUM_CHANNEL = 9

GENERAL_MIDI_KIT = {22: 42, 26: 46, 40: 38, 47: 45, 50: 48, 52: 49, 55: 57, 58: 43}
"""Rims and edges of a Roland kit to the drum of General MIDI that they belong to."""

INSTRUMENTS = {
    "as the player chooses": (), "choir": (52,), "church organ": (19,), "strings": (48, 48, 48, 48), "string quartet":
    (40, 40, 41, 42), "woodwind": (73, 68, 71, 70), "brass": (56, 60, 57, 58), "piano": (0,), "electric piano": (4,),
    "harpsichord": (6,), "music box": (10,), "vibraphone": (11,), "guitar": (24,), "soft pad": (89,), "glass": (92,),
}
"""General MIDI programs, counted from 0, by voice from the highest down; the last one serves all further voices."""

SHORTEST = 1 / 32
"""Shortest note (beats)."""


@dataclass(frozen=True)
class Touch:
    """How notes are played. ``velocity`` the middle one; ``dynamics`` how far it moves; ``humanise`` 0..1 of looseness;
    ``known`` whether the network itself chose velocities."""

    velocity: int = 76
    dynamics: float = 1.0
    humanise: float = 0.0
    known: bool = False
    bar: int = 4
    """Beats per bar, for accents."""


def shaped(note: VoiceNote, touch: Touch, rng: np.random.Generator) -> VoiceNote:
    """``note`` with its velocity, and a little late with ``humanise``; draws two random numbers."""
    loose, late = (float(x) for x in rng.random(2))
    if touch.known:
        velocity = touch.velocity + (note.velocity - 76) * touch.dynamics
    else:
        place = note.start % touch.bar
        accent = 5.0 if place < 1e-6 else 2.0 if place == touch.bar / 2 else 0.0 if place == int(place) else -4.0
        swell = 7.0 * math.sin(math.pi * (note.start % (4 * touch.bar)) / (4 * touch.bar)) - 3.0
        balance = 5.0 if note.voice == 0 else 0.0
        height = 0.25 * (note.pitch - 60)
        velocity = touch.velocity + (accent + swell + balance + height) * touch.dynamics
    velocity += (loose - 0.5) * 16.0 * touch.humanise
    delay = min(0.045 * late * touch.humanise, 0.25 * note.duration)
    return replace(
        note, velocity=min(127, max(1, round(velocity))), start=note.start + delay, duration=note.duration - delay
    )


def played(notes: Iterable[VoiceNote], *, drums: bool, channel: int, kit: bool, shift: int) -> list[Note]:
    """Notes on their channels: drums on 9, voices from ``channel`` upwards; ``kit`` maps pads to General MIDI."""
    result = []
    for note in notes:
        if drums:
            pitch = GENERAL_MIDI_KIT.get(note.pitch, note.pitch) if kit else note.pitch
            result.append(Note(pitch, note.velocity, note.start, note.duration, DRUM_CHANNEL))
        else:
            pitch = min(127, max(0, note.pitch + shift))
            result.append(Note(pitch, note.velocity, note.start, note.duration, channel_of(channel, note.voice)))
    return result


def channel_of(first: int, voice: int) -> int:
    """The channel of a voice, counted from ``first`` (0..15) without that of the drums."""
    others = [c for c in range(16) if c != DRUM_CHANNEL]
    start = others.index(first) if first in others else 0
    return others[(start + voice) % len(others)]


def untangled(notes: Sequence[Note]) -> list[Note]:
    """The notes by start; of two equal ones at once the louder stays; a note ends where its key begins again."""
    by_key: dict[tuple[int, int], list[Note]] = {}
    for note in sorted(notes, key=lambda n: (n.start, -n.velocity)):
        row = by_key.setdefault((note.channel, note.pitch), [])
        if row and note.start - row[-1].start < SHORTEST:
            continue
        if row and row[-1].start + row[-1].duration > note.start:
            row[-1] = replace(row[-1], duration=note.start - row[-1].start)
        row.append(note)
    return sorted((n for row in by_key.values() for n in row), key=lambda n: (n.start, n.channel, n.pitch))


def programs_of(values: Mapping[str, object]) -> dict[int, str]:
    """General MIDI programs by channel: those of the instrument, and over them those that are set by hand."""
    chosen = INSTRUMENTS.get(str(values.get("instrument")), ())
    first = int(str(values.get("channel", 0)))
    found = {channel_of(first, voice): str(chosen[min(voice, len(chosen) - 1)]) for voice in range(8) if chosen}
    for part in str(values.get("programs", "")).replace(",", " ").split():
        channel, sign, program = part.partition("=")
        numbers = sign and channel.isdecimal() and program.isdecimal()
        if numbers and int(channel) < 16 and int(program) < 128:
            found[int(channel)] = program
    return found
