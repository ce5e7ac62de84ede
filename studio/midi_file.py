"""Reading Standard MIDI Files from strangers into notes.

A reader of our own: files in the wild have no tempo, no end, notes that never stop and lengths that lie, and each of
these has to give either a repaired song or one sentence. Works on bytes with hard limits; no other library is needed.
Format: "The Complete MIDI 1.0 Detailed Specification", Standard MIDI Files 1.0 (RP-001).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path

from studio.files import FileError, read_bytes, short_path
from studio.media import Note

MAX_FILE_BYTES = 16 * 1024 * 1024
"""Largest MIDI file (bytes)."""
MAX_EVENTS = 1_000_000
"""Most events of all tracks together."""
MAX_TRACKS = 1024
"""Most tracks."""
MAX_BEATS = 100_000.0
"""Longest song (quarter notes): about 14 hours at 120 beats per minute."""
HUNG_BEATS = 4.0
"""A note that never ends is cut to this length, or at the end of its track if that comes first."""

_DATA_BYTES = {0x8: 2, 0x9: 2, 0xA: 2, 0xB: 2, 0xC: 1, 0xD: 1, 0xE: 2}
_SYSTEM_BYTES = {0xF1: 1, 0xF2: 2, 0xF3: 1, 0xF4: 0, 0xF5: 0, 0xF6: 0, 0xF8: 0, 0xF9: 0, 0xFA: 0, 0xFB: 0, 0xFC: 0,
                 0xFD: 0, 0xFE: 0}
_MAJOR = "Cb Gb Db Ab Eb Bb F C G D A E B F# C#".split()
_MINOR = "Abm Ebm Bbm Fm Cm Gm Dm Am Em Bm F#m C#m G#m D#m A#m".split()


class MidiFileError(FileError):
    """A MIDI file that cannot be used; the message is a sentence that names the file, the reason and the cure."""


@dataclass(frozen=True, slots=True)
class MidiTrack:
    """One track: its notes in order of start (beats), its name and General MIDI program (0..127, or None)."""

    name: str
    program: int | None
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class MidiSong:
    """What a MIDI file holds. Times are beats (quarter notes) from its start."""

    notes: tuple[Note, ...]
    """All notes of all tracks, by start, channel and pitch."""
    bpm: float
    """Tempo at the start, quarter notes per minute."""
    time_signature: tuple[int, int]
    """The first one, (4, 4) when there is none."""
    key: str
    """The first key signature such as 'G' or 'Em', '' when there is none."""
    tracks: tuple[MidiTrack, ...]
    tempos: tuple[tuple[float, float], ...]
    """(beat, bpm) of every tempo, the first at beat 0."""
    programs: dict[int, int] = field(default_factory=dict)
    """First General MIDI program of each channel."""
    texts: tuple[str, ...] = ()
    """Text events, in file order."""
    length: float = 0.0
    """Beats to the end of the last note."""
    repairs: tuple[str, ...] = ()
    """What had to be repaired, a sentence each."""

    def seconds(self, beat: float) -> float:
        """Time of ``beat`` in seconds from the start, through all tempo changes."""
        total = 0.0
        for (start, bpm), following in zip(self.tempos, [*(t[0] for t in self.tempos[1:]), beat], strict=True):
            if start >= beat:
                break
            total += (min(following, beat) - start) * 60.0 / bpm
        return total


def read_midi(path: Path | str) -> MidiSong:
    """Read a .mid file. Raises MidiFileError for anything that is not a usable MIDI file, FileError for the file."""
    return parse_midi(read_bytes(path, limit=MAX_FILE_BYTES), where=short_path(path))


def parse_midi(data: bytes, *, where: str = "MIDI data") -> MidiSong:
    """Parse the bytes of a Standard MIDI File (format 0, 1 or 2; also wrapped in RIFF). Raises MidiFileError."""
    try:
        return _Reader(data).song()
    except _Fault as fault:
        raise MidiFileError(f"cannot read {where}: {fault}; choose another MIDI file") from None


class _Fault(Exception):
    """Reason inside the sentence of a MidiFileError."""


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = _unwrap(data)
        self.events = 0
        self.tempos: list[tuple[int, int]] = []
        self.signature: tuple[int, int, int] | None = None
        self.key: tuple[int, str] | None = None
        self.programs: dict[int, int] = {}
        self.texts: list[str] = []
        self.counts: dict[str, int] = {}

    def song(self) -> MidiSong:
        position, ticks_per_beat, smpte = self._header()
        tracks: list[MidiTrack] = []
        raw: list[tuple[str, int | None, list[tuple[int, int, int, int, int]]]] = []
        damage = ""
        while position + 8 <= len(self.data):
            kind, length = self.data[position : position + 4], _u32(self.data, position + 4)
            body = self.data[position + 8 : position + 8 + length]
            position += 8 + length
            if kind != b"MTrk":
                continue
            if len(raw) >= MAX_TRACKS:
                raise _Fault(f"it has more than {MAX_TRACKS} tracks")
            if len(body) < length:
                self._note("cut")
            try:
                raw.append(self._track(body, round(MAX_BEATS * ticks_per_beat), ticks_per_beat))
            except _Cut as cut:
                self._note("cut")
                damage = damage or str(cut)
                raw.append(cut.track)
        if not raw:
            raise _Fault("it has no tracks")
        if damage and not any(notes for _, _, notes in raw):
            raise _Fault(damage)
        for name, program, notes in raw:
            notes.sort()
            made = (
                Note(pitch, velocity, start / ticks_per_beat, (end - start) / ticks_per_beat, channel)
                for start, channel, pitch, end, velocity in notes
            )
            tracks.append(MidiTrack(name, program, tuple(made)))
        everything = sorted((n for t in tracks for n in t.notes), key=lambda n: (n.start, n.channel, n.pitch))
        tempos = self._tempo_map(ticks_per_beat, smpte)
        return MidiSong(
            notes=tuple(everything), bpm=tempos[0][1],
            time_signature=self.signature[1:] if self.signature else (4, 4),
            key=self.key[1] if self.key else "", tracks=tuple(tracks), tempos=tempos, programs=dict(self.programs),
            texts=tuple(self.texts), length=max((n.start + n.duration for n in everything), default=0.0),
            repairs=tuple(_REPAIRS[name].format(count) for name, count in self.counts.items()),
        )

    def _header(self) -> tuple[int, float, bool]:
        """Position after the header chunk, ticks per beat, whether time is counted in SMPTE frames."""
        data = self.data
        if data[:4] != b"MThd":
            raise _Fault("it is not a MIDI file")
        if len(data) < 14 or _u32(data, 4) < 6:
            raise _Fault("its header is cut short")
        division = struct.unpack(">H", data[12:14])[0]
        if division & 0x8000:
            rate = {24: 24.0, 25: 25.0, 29: 30000 / 1001, 30: 30.0}.get(256 - (division >> 8))
            resolution = division & 0xFF
            if rate is None or not resolution:
                raise _Fault("its SMPTE time division is not valid")
            return 8 + _u32(data, 4), rate * resolution / 2.0, True  # as if at 120 beats per minute
        if not division:
            raise _Fault("it has 0 ticks per beat")
        return 8 + _u32(data, 4), float(division), False

    def _track(
        self, body: bytes, latest: int, ticks_per_beat: float
    ) -> tuple[str, int | None, list[tuple[int, int, int, int, int]]]:
        """Name, program and notes ``(start, channel, pitch, end, velocity)`` in ticks."""
        notes: list[tuple[int, int, int, int, int]] = []
        sounding: dict[tuple[int, int], tuple[int, int]] = {}
        names: list[str] = []
        programs: list[int] = []
        time = 0
        try:
            position = status = 0
            while position < len(body):
                delta, position = _varlen(body, position)
                time += delta
                if time > latest:
                    raise _Fault(f"it is longer than {MAX_BEATS:,.0f} beats")
                self.events += 1
                if self.events > MAX_EVENTS:
                    raise _Fault(f"it has more than {MAX_EVENTS:,} events")
                byte = _byte(body, position)
                if byte == 0xFF:
                    kind = _byte(body, position + 1)
                    length, position = _varlen(body, position + 2)
                    payload = body[position : position + length]
                    position += length
                    if len(payload) < length:
                        raise _Short("a meta event is cut short")
                    if kind == 0x2F:
                        break
                    self._meta(kind, payload, time, names)
                    continue
                if byte in (0xF0, 0xF7):
                    length, position = _varlen(body, position + 1)
                    if position + length > len(body):
                        raise _Short("a system exclusive event is cut short")
                    position += length
                    status = 0
                    continue
                if byte >= 0xF0:
                    position += 1 + _SYSTEM_BYTES.get(byte, 0)
                    continue
                if byte & 0x80:
                    status = byte
                    position += 1
                elif not status:
                    raise _Short("an event has no status")
                count = _DATA_BYTES[status >> 4]
                first = min(_byte(body, position), 127)
                second = min(_byte(body, position + 1), 127) if count == 2 else 0
                position += count
                command, channel = status >> 4, status & 0x0F
                if command == 0x9 and second:
                    self._end(notes, sounding, (channel, first), time)
                    sounding[channel, first] = (time, second)
                elif command in (0x8, 0x9):
                    self._end(notes, sounding, (channel, first), time)
                elif command == 0xC:
                    programs.append(first)
                    self.programs.setdefault(channel, first)
        except _Short as short:
            self._hung(notes, sounding, time, ticks_per_beat)
            raise _Cut(str(short), (_first(names), programs[0] if programs else None, notes)) from None
        self._hung(notes, sounding, time, ticks_per_beat)
        return _first(names), programs[0] if programs else None, notes

    def _meta(self, kind: int, payload: bytes, time: int, names: list[str]) -> None:
        if kind == 0x51 and len(payload) >= 3:
            tempo = int.from_bytes(payload[:3], "big")
            if tempo:
                self.tempos.append((time, tempo))
            else:
                self._note("tempo")
        elif kind == 0x58 and len(payload) >= 2:
            upper, power = payload[0], payload[1]
            if not upper or power > 6:
                self._note("signature")
            elif self.signature is None or time < self.signature[0]:
                self.signature = (time, upper, 2**power)
        elif kind == 0x59 and len(payload) >= 2:
            sharps, minor = struct.unpack("bB", payload[:2])
            if -7 <= sharps <= 7 and minor <= 1:
                if self.key is None or time < self.key[0]:
                    self.key = (time, (_MINOR if minor else _MAJOR)[sharps + 7])
            else:
                self._note("key")
        elif kind == 0x03:
            names.append(_text(payload))
        elif kind == 0x01:
            self.texts.append(_text(payload))

    def _end(
        self, notes: list[tuple[int, int, int, int, int]], sounding: dict[tuple[int, int], tuple[int, int]],
        key: tuple[int, int], time: int,
    ) -> None:
        begun = sounding.pop(key, None)
        if begun is not None:
            start, velocity = begun
            notes.append((start, key[0], key[1], max(time, start + 1), velocity))

    def _hung(
        self, notes: list[tuple[int, int, int, int, int]], sounding: dict[tuple[int, int], tuple[int, int]],
        time: int, ticks_per_beat: float,
    ) -> None:
        longest = max(1, round(HUNG_BEATS * ticks_per_beat))
        for key, (start, _) in list(sounding.items()):
            self._note("hung")
            self._end(notes, sounding, key, min(time, start + longest) if time > start else start + longest)

    def _tempo_map(self, ticks_per_beat: float, smpte: bool) -> tuple[tuple[float, float], ...]:
        if smpte:  # time is absolute there: tempo events have no meaning
            return ((0.0, 120.0),)
        latest: dict[int, int] = {}
        for time, tempo in self.tempos:
            latest[time] = tempo
        found = [(time / ticks_per_beat, 60e6 / tempo) for time, tempo in sorted(latest.items())]
        if not found or found[0][0] > 0:
            found.insert(0, (0.0, 120.0))
        return tuple(found)

    def _note(self, name: str) -> None:
        self.counts[name] = self.counts.get(name, 0) + 1


_REPAIRS = {
    "cut": "{} damaged or cut track(s) were read as far as they go",
    "tempo": "{} tempo(s) of 0 were ignored",
    "signature": "{} time signature(s) that do not exist were ignored",
    "key": "{} key signature(s) that do not exist were ignored",
    "hung": "{} note(s) that never ended were cut",
}


class _Short(Exception):
    """The bytes of a track end in the middle of an event."""


class _Cut(Exception):
    def __init__(self, reason: str, track: tuple[str, int | None, list[tuple[int, int, int, int, int]]]) -> None:
        super().__init__(reason)
        self.track = track


def _unwrap(data: bytes) -> bytes:
    """The MIDI file inside a RIFF (.rmi) file, or ``data`` itself."""
    if data[:4] != b"RIFF" or data[8:12] != b"RMID":
        return data
    position = 12
    while position + 8 <= len(data):
        length = int.from_bytes(data[position + 4 : position + 8], "little")
        if data[position : position + 4] == b"data":
            return data[position + 8 : position + 8 + length]
        position += 8 + length + length % 2
    raise _Fault("it is a RIFF file without MIDI data")


def _u32(data: bytes, position: int) -> int:
    return int.from_bytes(data[position : position + 4], "big")


def _byte(body: bytes, position: int) -> int:
    if position >= len(body):
        raise _Short("an event is cut short")
    return body[position]


def _varlen(body: bytes, position: int) -> tuple[int, int]:
    """A variable-length number of at most four bytes, and the position after it."""
    value = 0
    for _ in range(4):
        byte = _byte(body, position)
        position += 1
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, position
    raise _Short("a length has more than four bytes")


def _text(payload: bytes) -> str:
    try:
        return payload.decode("utf-8")
    except UnicodeDecodeError:
        return payload.decode("latin-1")


def _first(names: list[str]) -> str:
    return names[0].strip("\0 ") if names else ""
