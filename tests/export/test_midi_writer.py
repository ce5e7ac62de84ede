"""MIDI files that other software opens: read back by mido, by symusic and by our own reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mido
import pytest
import symusic
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.export import open_writer
from studio.export.midi import TICKS, midi_bytes, to_ticks
from studio.files import FileError
from studio.media import Note, Notes
from studio.midi_file import parse_midi, read_midi

CHORD = Notes((Note(60, 80, 0.0, 2.0, 0), Note(64, 70, 0.0, 2.0, 1), Note(67, 60, 1.0, 1.0, 1)), 2.0)
BEAT = Notes((Note(36, 110, 0.0, 0.25, 9), Note(42, 60, 0.5, 0.25, 9)), 2.0)


def write(path: Path, blocks: list[Notes], bpm: float = 96.0, **options: Any) -> Any:
    with open_writer(path, bpm=bpm, options=options) as writer:
        for block in blocks:
            writer.add(block)
    return writer


def test_three_readers_agree(tmp_path: Path) -> None:
    path = tmp_path / "Lied — 歌.mid"
    options = {"names": "0=Soprano, 1=Älto", "programs": "0=52, 1=48", "beats_per_bar": 3, "beat_unit": 8}
    writer = write(path, [CHORD, BEAT, CHORD], **options)
    assert writer.report["notes"] == 8 and writer.report["seconds"] == pytest.approx(6 * 60 / 96)
    ours = read_midi(path)
    assert ours.bpm == pytest.approx(96) and ours.time_signature == (3, 8) and ours.repairs == ()
    assert [t.name for t in ours.tracks] == ["Lied — 歌", "Soprano", "Älto", "Drums"]
    assert ours.programs == {0: 52, 1: 48}
    assert [(n.pitch, n.start, n.duration, n.velocity) for n in ours.notes if n.channel == 1] == [
        (64, 0, 2, 70), (67, 1, 1, 60), (64, 4, 2, 70), (67, 5, 1, 60),
    ]

    song = mido.MidiFile(path, charset="utf-8")
    assert (song.type, song.ticks_per_beat) == (1, 480) and song.length == pytest.approx(6 * 60 / 96, abs=1e-4)
    sounding: set[tuple[int, int]] = set()
    for message in mido.merge_tracks(song.tracks):
        if message.type == "note_on":
            assert (message.channel, message.note) not in sounding and 1 <= message.velocity <= 127
            sounding.add((message.channel, message.note))
        elif message.type == "note_off":
            sounding.remove((message.channel, message.note))
    assert not sounding
    assert [t.name for t in song.tracks] == ["Lied — 歌", "Soprano", "Älto", "Drums"]

    score = symusic.Score(path, ttype="quarter")
    assert [(t.name, t.program, t.is_drum, len(t.notes)) for t in score.tracks] == [
        ("Soprano", 52, False, 2), ("Älto", 48, False, 4), ("Drums", 0, True, 2),
    ]
    assert score.tempos[0].qpm == pytest.approx(96) and score.time_signatures[0].numerator == 3


def test_a_repeated_key_is_cut_not_lost() -> None:
    events = to_ticks([Note(60, 80, 0.0, 2.0), Note(60, 90, 1.0, 2.0), Note(60, 70, 1.0, 0.5), Note(60, 1, 3.0, 0.0)])
    assert events == [(0, 480, 0, 60, 80), (480, 1440, 0, 60, 90), (1440, 1441, 0, 60, 1)]


def test_values_out_of_range_are_brought_back() -> None:
    events = to_ticks([Note(130, 300, 0, 1, 20), Note(-1, 0, 0, 1, -3), Note(60, 5, -2.0, 1.0)])
    assert sorted(events) == sorted([(0, 480, 15, 118, 127), (0, 480, 0, 11, 1), (0, 1, 0, 60, 5)])


@pytest.mark.parametrize("options", [
    {"beat_unit": 3}, {"programs": "0=200"}, {"programs": "x=1"}, {"names": "99=Bass"}, {"names": "Bass"},
])
def test_bad_options_are_sentences_and_leave_nothing(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(FileError, match=r"option (beat_unit|programs|names): "):
        write(tmp_path / "a.mid", [CHORD], **options)
    assert list(tmp_path.iterdir()) == []


_notes = st.builds(
    Note, pitch=st.integers(-5, 135), velocity=st.integers(-5, 200), start=st.floats(0, 64), duration=st.floats(0, 8),
    channel=st.integers(0, 15),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(notes=st.lists(_notes, max_size=60), bpm=st.floats(4, 400))
def test_no_note_overlaps_hangs_or_is_lost(tmp_path: Path, notes: list[Note], bpm: float) -> None:
    events = to_ticks(notes)
    data = midi_bytes(events, bpm=bpm, length=round(72 * TICKS))
    song = parse_midi(data)
    assert song.repairs == () and song.bpm == pytest.approx(bpm, rel=1e-4)
    assert [(round(n.start * TICKS), round((n.start + n.duration) * TICKS), n.channel, n.pitch, n.velocity)
            for n in song.notes] == sorted(events, key=lambda e: (e[0], e[2], e[3]))
    by_key: dict[tuple[int, int], int] = {}
    for start, end, channel, pitch, velocity in events:
        assert start >= by_key.get((channel, pitch), 0) and end > start and 1 <= velocity <= 127
        by_key[channel, pitch] = end
    (tmp_path / "a.mid").write_bytes(data)
    assert sum(m.type == "note_on" for t in mido.MidiFile(tmp_path / "a.mid").tracks for m in t) == len(events)
    assert sum(len(t.notes) for t in symusic.Score(tmp_path / "a.mid").tracks) == len(events)


def test_what_is_read_is_written_again(tmp_path: Path, data_folder: Path) -> None:
    found = sorted((data_folder / "midi").rglob("*.mid"))[::120] or pytest.skip("no MIDI files here")
    for path in found:
        song = read_midi(path)
        with open_writer(tmp_path / "a.mid", bpm=song.bpm) as writer:
            writer.add(Notes(song.notes, song.length))
        again = read_midi(tmp_path / "a.mid")
        assert again.repairs == () and len(again.notes) >= 0.97 * len(song.notes), path.name
