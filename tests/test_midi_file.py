"""MIDI files from strangers: notes, tempo and names are read; faults are repaired or one sentence."""

from __future__ import annotations

import io
import struct
import time
from pathlib import Path

import mido
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.files import FileError
from studio.midi_file import MidiFileError, MidiSong, parse_midi, read_midi


def file_of(*tracks: bytes, division: int = 480, kind: int = 1) -> bytes:
    head = b"MThd" + struct.pack(">IHHH", 6, kind, len(tracks), division)
    return head + b"".join(b"MTrk" + struct.pack(">I", len(t)) + t for t in tracks)


END = b"\x00\xff\x2f\x00"
NOTE = b"\x00\x90\x3c\x64\x83\x60\x80\x3c\x00"  # middle C for 480 ticks


def with_mido(ticks: int = 480) -> bytes:
    song = mido.MidiFile(type=1, ticks_per_beat=ticks)
    first, second = mido.MidiTrack(), mido.MidiTrack()
    song.tracks += [first, second]
    first += [
        mido.MetaMessage("track_name", name="Song"), mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(90)),
        mido.MetaMessage("time_signature", numerator=3, denominator=8), mido.MetaMessage("key_signature", key="F#m"),
        mido.MetaMessage("text", text="hello"),
        mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(180), time=2 * ticks),
    ]
    second += [
        mido.MetaMessage("track_name", name="Cello"), mido.Message("program_change", channel=2, program=42),
        mido.Message("note_on", channel=2, note=60, velocity=80),
        mido.Message("note_on", channel=2, note=64, velocity=90),
        mido.Message("note_on", channel=2, note=60, velocity=0, time=ticks),
        mido.Message("note_off", channel=2, note=64, time=ticks),
        mido.Message("note_on", channel=9, note=36, velocity=127),
        mido.Message("note_off", channel=9, note=36, time=ticks // 2),
    ]
    out = io.BytesIO()
    song.save(file=out)
    return out.getvalue()


@pytest.mark.parametrize("ticks", [96, 480, 960])
def test_a_song_is_read(ticks: int) -> None:
    song = parse_midi(with_mido(ticks))
    assert [(n.pitch, n.velocity, n.start, n.duration, n.channel) for n in song.notes] == [
        (60, 80, 0.0, 1.0, 2), (64, 90, 0.0, 2.0, 2), (36, 127, 2.0, 0.5, 9),
    ]
    assert song.bpm == pytest.approx(90, abs=1e-3) and song.time_signature == (3, 8) and song.key == "F#m"
    assert [t.name for t in song.tracks] == ["Song", "Cello"] and song.tracks[1].program == 42
    assert song.programs == {2: 42} and song.texts == ("hello",) and song.length == 2.5 and song.repairs == ()
    assert song.seconds(2.0) == pytest.approx(2 * 60 / 90, rel=1e-5)
    assert song.seconds(4.0) == pytest.approx(2 * 60 / 90 + 2 * 60 / 180, rel=1e-5)


def test_riff_wrapper_and_system_bytes() -> None:
    body = file_of(b"\x00\xf0\x03abc" + b"\x00\xf8" + NOTE + END)
    riff = b"RIFF" + struct.pack("<I", len(body) + 12) + b"RMID" + b"data" + struct.pack("<I", len(body)) + body
    assert len(parse_midi(riff).notes) == 1
    with pytest.raises(MidiFileError, match="RIFF file without MIDI data"):
        parse_midi(b"RIFF\x04\x00\x00\x00RMID")


def test_running_status() -> None:
    body = b"\x00\x90\x3c\x64" + b"\x60\x3c\x00" + b"\x00\x40\x64" + b"\x60\x40\x00" + END
    song = parse_midi(file_of(body, division=96))
    assert [(n.pitch, n.start, n.duration) for n in song.notes] == [(60, 0, 1), (64, 1, 1)]


def test_hung_notes_are_cut_and_reported() -> None:
    song = parse_midi(file_of(b"\x00\x90\x3c\x64" + b"\x00\x91\x40\x64" + b"\x8f\x00\x90\x43\x64"))
    assert [(n.pitch, n.duration) for n in song.notes] == [(60, 4.0), (64, 4.0), (67, 4.0)]
    assert any("3 note(s) that never ended" in line for line in song.repairs)


def test_a_note_struck_again_ends_the_first() -> None:
    song = parse_midi(file_of(b"\x00\x90\x3c\x64" + b"\x60\x90\x3c\x50" + b"\x60\x80\x3c\x00" + END, division=96))
    assert [(n.start, n.duration, n.velocity) for n in song.notes] == [(0, 1, 100), (1, 1, 80)]


def test_no_time_signature_no_tempo_no_end_of_track() -> None:
    song = parse_midi(file_of(NOTE))
    assert (song.bpm, song.time_signature, song.tempos) == (120.0, (4, 4), ((0.0, 120.0),))


def test_tempo_zero_and_impossible_signatures_are_ignored_and_reported() -> None:
    tempo = b"\x00\xff\x51\x03\x00\x00\x00"
    body = tempo + b"\x00\xff\x58\x04\x00\x40\x18\x08" + b"\x00\xff\x59\x02\x55\x07" + NOTE + END
    song = parse_midi(file_of(body))
    assert song.bpm == 120.0 and song.time_signature == (4, 4) and len(song.repairs) == 3


def test_smpte_time_is_read_as_if_at_120() -> None:
    body = b"\x00\x90\x3c\x64" + b"\x87\x68\x80\x3c\x00" + END
    song = parse_midi(file_of(body, division=0xE728))  # 25 frames x 40 = 1000 ticks a second
    assert song.notes[0].duration == pytest.approx(2.0) and song.seconds(2.0) == pytest.approx(1.0)
    with pytest.raises(MidiFileError, match="SMPTE"):
        parse_midi(file_of(NOTE, division=0xE700))


@pytest.mark.parametrize(("data", "reason"), [
    (b"", "not a MIDI file"), (b"\x89PNG\r\n\x1a\n" + b"x" * 99, "not a MIDI file"),
    (b"MThd\0\0", "header is cut short"),
    (file_of(NOTE, division=0), "0 ticks per beat"), (file_of(), "no tracks"),
    (file_of(*[END] * 1025), "more than 1024 tracks"),
    (file_of(b"\xff\xff\xff\x7f\x90\x3c\x64" + END, division=480), "longer than 100,000 beats"),
    (file_of(b"\x00\x3c\x64" + END), "no status"), (file_of(b"\xff\xff\xff\xff\x00"), "more than four bytes"),
])
def test_faults_are_one_sentence(data: bytes, reason: str) -> None:
    with pytest.raises(MidiFileError, match=f"cannot read x.mid: .*{reason}.*; choose another MIDI file"):
        parse_midi(data, where="x.mid")


def test_too_many_events_end_soon() -> None:
    begun = time.perf_counter()
    with pytest.raises(MidiFileError, match="more than 1,000,000 events"):
        parse_midi(file_of(b"\x00\x90\x3c" + b"\x40\x00\x3c" * 1_100_000))
    assert time.perf_counter() - begun < 20


def test_a_cut_file_is_read_as_far_as_it_goes() -> None:
    whole = file_of(NOTE + NOTE + NOTE + END)
    song = parse_midi(whole[:-8])
    assert len(song.notes) == 3 and any("damaged or cut" in line for line in song.repairs)


def test_files(tmp_path: Path) -> None:
    (tmp_path / "a.mid").write_bytes(with_mido())
    assert len(read_midi(tmp_path / "a.mid").notes) == 3
    with pytest.raises(FileError, match="there is no such file"):
        read_midi(tmp_path / "b.mid")
    with (tmp_path / "big.mid").open("wb") as file:
        file.truncate(17 * 1024 * 1024)
    with pytest.raises(FileError, match="at most 17 MB"):
        read_midi(tmp_path / "big.mid")


def check(song: MidiSong) -> None:
    assert song.bpm > 0 and song.time_signature[0] > 0
    for note in song.notes:
        assert 0 <= note.pitch <= 127 and 1 <= note.velocity <= 127 and 0 <= note.channel <= 15
        assert note.start >= 0 and note.duration > 0


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=400))
def test_random_tracks_give_a_song_or_a_sentence(body: bytes) -> None:
    for data in (body, file_of(body), file_of(body)[: 22 + len(body) // 2], b"MThd" + body):
        try:
            check(parse_midi(data))
        except MidiFileError as error:
            assert str(error).startswith("cannot read")


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=8), st.booleans())
def test_mutated_files_give_a_song_or_a_sentence(changes: list[tuple[int, int]], cut: bool) -> None:
    data = bytearray(with_mido())
    for place, value in changes:
        data[place % len(data)] = value
    try:
        check(parse_midi(bytes(data[: changes[0][0] % len(data)] if cut else data)))
    except MidiFileError as error:
        assert str(error).startswith("cannot read")


def test_real_files_agree_with_a_second_reader(data_folder: Path) -> None:
    import symusic

    found = sorted((data_folder / "midi").rglob("*.mid"))[:400:10] or pytest.skip("no MIDI files here")
    for path in found:
        try:
            reference = symusic.Score(path, ttype="quarter")
        except RuntimeError:
            continue
        song = read_midi(path)
        ours = sorted((n.pitch, round(n.start * 480)) for n in song.notes)
        theirs = sorted((n.pitch, round(n.start * 480)) for track in reference.tracks for n in track.notes)
        assert len(ours) >= 0.98 * len(theirs), path.name
        assert len(set(ours) & set(theirs)) >= 0.97 * len(set(theirs)), path.name
