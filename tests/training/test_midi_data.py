"""What is taken from MIDI files: kits, programs, stretching, and sentences about what was left out."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import mido
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.media import Note
from studio.midi_file import read_midi
from studio.nn.music import VoiceNote
from studio.training.drums import DrumRecipe, DrumSettings
from studio.training.events import Piece, write_sample
from studio.training.loop import TrainingError
from studio.training.midi import MidiRecipe, MidiSettings
from studio.training.midi_data import FAMILIES, Kit, kit_of, pitched, programs_of, stretches_of, told
from studio.training.roll import RollRecipe, RollSettings


def hits(*pitches: int) -> list[Note]:
    return [Note(pitch, 90, float(place), 0.25, 9) for place, pitch in enumerate(pitches)]


def song(path: Path, parts: list[tuple[int, int | None, list[int]]]) -> Path:
    """A file of tracks: channel, program (0..127) and pitches, a beat each."""
    made = mido.MidiFile(ticks_per_beat=96)
    for channel, program, pitches in parts:
        track = mido.MidiTrack()
        if program is not None:
            track.append(mido.Message("program_change", channel=channel, program=program))
        for pitch in pitches:
            track.append(mido.Message("note_on", channel=channel, note=pitch, velocity=80))
            track.append(mido.Message("note_off", channel=channel, note=pitch, time=96))
        made.tracks.append(track)
    made.save(path)
    return path


def test_kits_bring_an_electronic_kit_to_general_midi(tmp_path: Path) -> None:
    counts: Counter[str] = Counter()
    assert [n.pitch for n in kit_of("roland").apply(hits(22, 26, 36, 58, 7), counts)] == [42, 46, 36, 43]
    assert counts == {
        "drum notes moved from pitch 22 to 42": 1, "drum notes moved from pitch 26 to 46": 1,
        "drum notes moved from pitch 58 to 43": 1, "drum notes of pitch 7, which the kit roland leaves out": 1,
    }
    assert "1 drum notes of pitch 7" in " ".join(told(counts))
    plain: Counter[str] = Counter()
    assert kit_of("").apply(hits(22, 7), plain) == tuple(hits(22, 7)) and not plain
    assert [n.pitch for n in kit_of("GM").apply(hits(22, 36, 81, 82), plain)] == [36, 81]
    # of the Groove dataset's pitches each has a place among nine drums
    groove = (22, 26, 36, 37, 38, 40, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 55, 57, 58, 59)
    assert {kit_of("nine").pitch(pitch) for pitch in groove} == {36, 38, 42, 43, 46, 47, 49, 50, 51}


def test_a_kit_of_ones_own(tmp_path: Path) -> None:
    mine = tmp_path / "pads.toml"
    mine.write_text('[kit]\n22 = 42\n31 = "drop"\n', encoding="utf-8")
    kit = kit_of(str(mine))
    assert (kit.pitch(22), kit.pitch(31), kit.pitch(60)) == (42, None, 60)
    other = tmp_path / "pads.json"
    other.write_text('{"22": 42}', encoding="utf-8")
    assert kit_of(str(other)).to == {22: 42}
    for text, why in (("[kit]\n22 = 200", "22 = 200"), ("x = 3", "x = 3"), ("", "holds no pitches"), ("[", "such as")):
        mine.write_text(text, encoding="utf-8")
        with pytest.raises(TrainingError, match=why):
            kit_of(str(mine))
    with pytest.raises(TrainingError, match=r"neither a file nor one of none, general-midi"):
        kit_of("rolnad")


PITCH = st.integers(0, 127)


@given(st.lists(PITCH, max_size=30), st.dictionaries(PITCH, PITCH | st.none()))
def test_a_kit_counts_every_note_that_it_changes(pitches: list[int], to: dict[int, int | None]) -> None:
    counts: Counter[str] = Counter()
    made = Kit("mine", to).apply(hits(*pitches), counts)
    assert len(made) == sum(to.get(pitch, pitch) is not None for pitch in pitches)
    assert sum(counts.values()) == sum(to.get(pitch, pitch) != pitch for pitch in pitches)


def test_programs_are_numbers_ranges_and_families() -> None:
    assert programs_of("") is None and programs_of("1") == frozenset({0})
    assert programs_of("41-43, 1") == frozenset({0, 40, 41, 42})
    assert programs_of("Strings") == frozenset(range(40, 48)) and len(FAMILIES) * 8 == 128
    for wrong in ("0", "129", "5-2", "violin", "3-"):
        with pytest.raises(TrainingError, match="programs:"):
            programs_of(wrong)


def test_tracks_are_chosen_by_program_also_within_a_track(tmp_path: Path) -> None:
    path = song(tmp_path / "band.mid", [(0, 0, [60, 62]), (1, 48, [70]), (9, None, [36, 38, 42]), (2, None, [50])])
    counts: Counter[str] = Counter()
    kept = pitched(read_midi(path), programs_of("piano"), counts)
    assert sorted(note.pitch for note in kept.notes) == [50, 60, 62]  # a track without a program is a piano
    assert counts == {"notes on the drum channel were left out": 3,
                      "notes of other programs (ensemble) were left out": 1}
    everything: Counter[str] = Counter()
    assert len(pitched(read_midi(path), None, everything).notes) == 4


def test_a_folder_says_what_it_left_out(tmp_path: Path) -> None:
    for number in range(3):
        song(tmp_path / f"{number}.mid", [(0, 0, [60 + number, 64, 67, 72] * 4), (1, 60, [40] * 4)])
    song(tmp_path / "drums.mid", [(9, None, [36] * 4)])
    song(tmp_path / "rests.mid", [(0, 0, [])])
    song(tmp_path / "horn.mid", [(0, 60, [50] * 4)])
    report = MidiRecipe(MidiSettings(programs="piano")).prepare(tmp_path)
    assert report["files"] == 6 and report["train_pieces"] + report["valid_pieces"] == 3
    assert sorted(line.split()[0] for line in report["skipped"]) == ["drums.mid", "horn.mid", "rests.mid"]
    assert "16 notes of other programs (brass) were left out" in report["notices"]
    with pytest.raises(TrainingError, match="no pitched notes"):
        MidiRecipe(MidiSettings(programs="organ")).prepare(tmp_path)


def test_drum_files_without_notes_are_named_and_kits_reach_the_vocabulary(tmp_path: Path) -> None:
    for number in range(4):
        notes = [VoiceNote(0, (36, 22, 38, 26)[step % 4], step / 4, 0.1, 60 + 8 * (step % 4)) for step in range(32)]
        write_sample(tmp_path / f"{number}.mid", notes, drums=True)
    song(tmp_path / "silent.mid", [(9, None, [])])
    made = DrumRecipe(DrumSettings(kit="roland"))
    report = made.prepare(tmp_path)
    assert report["pitches"] == [36, 38, 42, 46] and report["skipped"] == ["silent.mid has no notes"]
    assert "32 drum notes moved from pitch 22 to 42" in report["notices"]


def test_stretched_pieces_keep_their_notes_and_take_longer() -> None:
    piece = Piece((VoiceNote(0, 60, 0.0, 1.0), VoiceNote(0, 62, 3.0, 1.0)), 4, "C major")
    twice = piece.stretched(2)
    assert [(n.pitch, n.start, n.duration) for n in twice.notes] == [(60, 0.0, 2.0), (62, 6.0, 2.0)]
    assert twice.beats == 8 and twice.label == "C major" and piece.stretched(1) is piece
    assert piece.stretched(0.5).beats == 2 and piece.stretched(0.55).beats == 3
    assert stretches_of((0.5, 1, 2)) == (0.5, 2.0)
    for wrong in (0.0, 5.0, float("nan"), -1.0):
        with pytest.raises(TrainingError, match="stretch"):
            stretches_of((wrong,))


def test_training_meets_every_stretch(tmp_path: Path) -> None:
    for number in range(3):
        song(tmp_path / f"{number}.mid", [(0, 0, [60 + number, 64, 67, 72] * 4)])
    made = MidiRecipe(MidiSettings(stretch=(0.5, 2.0), down=0, up=0, batch=2))
    made.prepare(tmp_path)
    lengths = {len(made._crop()) for _ in range(60)}
    made.rng = np.random.default_rng(0)
    assert {key[2] for key in made._cache} == {0.5, 1.0, 2.0} and len(lengths) > 1


def test_rests_alone_are_said(tmp_path: Path) -> None:
    path = tmp_path / "voices.json"
    sung, rest = [[60 + place % 3, 48] for place in range(16)], [[-1, -1]] * 8
    path.write_text(json.dumps({"train": [sung, rest, sung], "valid": [sung]}), encoding="utf-8")
    assert MidiRecipe(MidiSettings()).prepare(path)["skipped"] == ["piece 2 of train has rests only"]
    path.write_text(json.dumps({"train": [rest], "valid": [rest]}), encoding="utf-8")
    with pytest.raises(TrainingError, match=r"no usable pieces; piece 1 of train has rests only"):
        MidiRecipe(MidiSettings()).prepare(path)
    rolls = {"train": [[[60], [62]], [[], []]], "valid": [[[60], [62]]], "test": [[[60], [62]]]}
    path.write_text(json.dumps(rolls), encoding="utf-8")
    said = RollRecipe(RollSettings()).prepare(path)["skipped"]
    assert said == ["1 pieces of train have a single frame or rests only"]
    path.write_text(json.dumps({**rolls, "valid": [[[], []]]}), encoding="utf-8")
    with pytest.raises(TrainingError, match="at least two frames with a note"):
        RollRecipe(RollSettings()).prepare(path)
