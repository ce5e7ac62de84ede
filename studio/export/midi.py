"""Notes -> Standard MIDI File, format 1: a conductor track, then one track for each channel.

Nothing can hang or overlap in such a file: a note that begins while the same key still sounds cuts the earlier one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from studio.export.recipe import marked
from studio.export.writers import Writer
from studio.files import FileError
from studio.media import Note
from studio.params import Int, Text

TICKS = 480
"""Ticks of a quarter note."""
DRUM_CHANNEL = 9
"""Channel 10 of the specification, which counts from 1."""
MAX_NOTES = 1_000_000

Event = tuple[int, int, int, int, int]
"""(start, end, channel, pitch, velocity), times in ticks."""


def to_ticks(notes: Iterable[Note], *, ticks: int = TICKS) -> list[Event]:
    """Notes (beats) -> events in ticks without overlaps of equal pitch, in order of start.

    Pitches are wrapped by octaves into 0..127 (never silently lost), velocities clamped to 1..127, channels to 0..15;
    notes of no length get one tick. Two equal notes at once become one, as long and loud as the larger.
    """
    by_key: dict[tuple[int, int], dict[int, tuple[int, int]]] = {}
    for note in notes:
        pitch = int(note.pitch)
        while pitch > 127:
            pitch -= 12
        while pitch < 0:
            pitch += 12
        start = max(0, round(note.start * ticks))
        end = max(start + 1, round((note.start + note.duration) * ticks))
        velocity = min(127, max(1, round(note.velocity)))
        row = by_key.setdefault((min(15, max(0, int(note.channel))), pitch), {})
        old_end, old_velocity = row.get(start, (0, 0))
        row[start] = (max(end, old_end), max(velocity, old_velocity))
    events: list[Event] = []
    for (channel, pitch), row in by_key.items():
        starts = sorted(row)
        for index, start in enumerate(starts):
            end, velocity = row[start]
            if index + 1 < len(starts):
                end = min(end, starts[index + 1])
            events.append((start, end, channel, pitch, velocity))
    return sorted(events)


def parse_pairs(text: str, name: str) -> dict[int, str]:
    """``"0=Choir, 9=Drums"`` -> {0: "Choir", 9: "Drums"}; channels 0..15. Raises FileError."""
    found: dict[int, str] = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        channel, sign, value = part.partition("=")
        if not sign or not channel.strip().isdecimal() or not 0 <= int(channel) <= 15:
            raise FileError(f"option {name}: {part[:40]!r} is not like '0=value' with a channel of 0 to 15")
        found[int(channel)] = value.strip()
    return found


class MidiWriter(Writer):
    """MID: tempo, time signature, track names, programs; drums on channel 10."""

    kind, takes = "notes", ("notes",)
    beats_per_bar = Int(4, 1, 32, help="Upper number of the time signature")
    beat_unit = Int(4, 1, 32, help="Lower number of the time signature: 1, 2, 4, 8, 16 or 32")
    names = Text("", help="Track names by channel: '0=Soprano, 1=Alto'; drums are named by themselves")
    programs = Text("", help="General MIDI programs by channel, from 0: '0=19' is church organ, '0=4' electric piano")

    def _begin(self) -> None:
        self._notes: list[Note] = []
        self._offset = 0.0
        self._names = parse_pairs(self.names, "names")
        self._programs: dict[int, int] = {}
        for channel, value in parse_pairs(self.programs, "programs").items():
            if not value.isdecimal() or not 0 <= int(value) <= 127:
                raise FileError(f"option programs: {value[:20]!r} is not a program number of 0 to 127")
            self._programs[channel] = int(value)
        if self.beat_unit not in (1, 2, 4, 8, 16, 32):
            raise FileError(f"option beat_unit: {self.beat_unit} is not 1, 2, 4, 8, 16 or 32")

    def _add(self, media: Any) -> None:
        self._notes.extend(note.shifted(self._offset) for note in media.notes)
        self._offset += media.length
        if len(self._notes) > MAX_NOTES:
            raise self._fault(f"it has more than {MAX_NOTES:,} notes; make it shorter")

    def _finish(self) -> None:
        events = to_ticks(self._notes)
        data = midi_bytes(
            events, bpm=self.bpm, length=round(self._offset * TICKS), signature=(self.beats_per_bar, self.beat_unit),
            names=self._names, programs=self._programs, title=self.path.stem,
            text=None if self.recipe is None else marked(self.recipe),
        )
        self._temporary.write_bytes(data)
        self.report.update(notes=len(events), beats=self._offset, seconds=self._offset * 60.0 / self.bpm)


def midi_bytes(
    events: list[Event], *, bpm: float, length: int, signature: tuple[int, int] = (4, 4),
    names: Mapping[int, str] | None = None, programs: Mapping[int, int] | None = None, title: str = "",
    text: bytes | None = None,
) -> bytes:
    """A whole MIDI file; ``events`` and ``length`` in ticks, ``text`` as a text event of the conductor track."""
    tempo = min(0xFFFFFF, max(1, round(60e6 / bpm)))
    power = signature[1].bit_length() - 1
    last = max([length, *(end for _, end, *_ in events)])
    conductor = [
        _meta(0, 0x03, title.encode("utf-8", "replace")[:1000]), _meta(0, 0x51, tempo.to_bytes(3, "big")),
        _meta(0, 0x58, bytes([signature[0], power, 24, 8])),
    ]
    if text is not None:
        conductor.append(_meta(0, 0x01, text))
    conductor.append(_meta(last, 0x2F, b""))
    tracks = [b"".join(conductor)]
    for channel in sorted({event[2] for event in events}):
        tracks.append(_track([e for e in events if e[2] == channel], channel, last, names or {}, programs or {}))
    header = b"MThd" + b"".join(n.to_bytes(s, "big") for n, s in ((6, 4), (1, 2), (len(tracks), 2), (TICKS, 2)))
    return header + b"".join(b"MTrk" + len(track).to_bytes(4, "big") + track for track in tracks)


def _track(
    events: list[Event], channel: int, last: int, names: Mapping[int, str], programs: Mapping[int, int]
) -> bytes:
    name = names.get(channel) or ("Drums" if channel == DRUM_CHANNEL else f"Channel {channel + 1}")
    parts = [_meta(0, 0x03, name.encode("utf-8", "replace")[:1000])]
    if channel in programs or channel != DRUM_CHANNEL:
        parts += [_varlen(0), bytes([0xC0 | channel, programs.get(channel, 0)])]
    # at one time, ends stand before starts, so that a repeated note is not cut by the end of the one before
    steps = [(start, 1, pitch, velocity) for start, _, _, pitch, velocity in events]
    steps += [(end, 0, pitch, 64) for _, end, _, pitch, _ in events]
    time = 0
    for at, on, pitch, velocity in sorted(steps):
        parts += [_varlen(at - time), bytes([(0x90 if on else 0x80) | channel, pitch, velocity])]
        time = at
    parts.append(_meta(max(0, last - time), 0x2F, b""))
    return b"".join(parts)


def _meta(delta: int, kind: int, payload: bytes) -> bytes:
    return _varlen(delta) + bytes([0xFF, kind]) + _varlen(len(payload)) + payload


def _varlen(value: int) -> bytes:
    out = [value & 0x7F]
    while value := value >> 7:
        out.append(value & 0x7F | 0x80)
    return bytes(reversed(out))
