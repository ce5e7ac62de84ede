"""A .mid file with the feel of drummers: only its drums change, and what cannot be done is a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.cli import main
from studio.export import open_writer
from studio.media import Note, Notes
from studio.midi_file import read_midi
from studio.session.humanise import HumaniseError, humanise_file


def beat(path: Path) -> Path:
    notes = [Note(60, 70, 0.0, 4.0, 0), Note(99, 70, 1.0, 0.1, 9)]
    for step in range(16):
        notes.append(Note(42, 80, step / 4, 0.1, 9))
    notes += [Note(38 if place % 2 else 36, 80, float(place), 0.1, 9) for place in range(4)]
    with open_writer(path, bpm=96.0, options={"programs": "0=48", "beats_per_bar": 4}) as writer:
        writer.add(Notes(tuple(sorted(notes, key=lambda n: n.start)), 4.0))
    return path


def test_only_the_drums_change_and_they_swing_as_drummers_do(tmp_path: Path) -> None:
    source = beat(tmp_path / "a.mid")
    done = humanise_file(source, tmp_path / "b.mid", freedom=0.0)
    before, after = read_midi(source), read_midi(tmp_path / "b.mid")
    assert after.bpm == pytest.approx(96.0, abs=0.01) and after.programs[0] == 48
    still = [n for n in after.notes if n.channel == 0 or n.pitch == 99]
    assert [(n.pitch, n.start, n.velocity) for n in still] == [
        (n.pitch, n.start, n.velocity) for n in before.notes if n.channel == 0 or n.pitch == 99]
    assert done.hits == 20 and done.unknown == 1 and done.velocity > 5.0
    hats = [n.velocity for n in after.notes if n.pitch == 42]
    assert len(set(hats)) > 3, "no machine"
    loud = {pitch: max(n.velocity for n in after.notes if n.pitch == pitch) for pitch in (38, 42)}
    assert loud[38] > loud[42], "a backbeat is louder than its hi-hat"


def test_amount_seed_and_freedom(tmp_path: Path) -> None:
    source = beat(tmp_path / "a.mid")

    def made(**values: float) -> list[tuple[int, float, int]]:
        humanise_file(source, tmp_path / "b.mid", **values)  # type: ignore[arg-type]
        return [(n.pitch, n.start, n.velocity) for n in read_midi(tmp_path / "b.mid").notes]

    assert made(amount=0.0) == [(n.pitch, n.start, n.velocity) for n in read_midi(source).notes]
    assert made(seed=1, freedom=1.0) == made(seed=1, freedom=1.0) != made(seed=2, freedom=1.0)
    assert made(seed=1, freedom=0.0) == made(seed=2, freedom=0.0)


def test_the_command_writes_and_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = beat(tmp_path / "a.mid")
    assert main(["humanise", str(source), "-o", str(tmp_path / "b.mid"), "--straight", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["hits"] == 20
    assert main(["humanise", str(source), "-o", str(tmp_path / "c.wav"), "--amount", "0.5"]) == 0
    assert (tmp_path / "c.wav").stat().st_size > 100_000
    assert main(["humanise", str(source), "-o", str(tmp_path / "b.png")]) == 2
    assert main(["humanise", str(source), "-o", str(tmp_path / "b.mid"), "--amount", "3"]) == 2
    capsys.readouterr()
    assert main(["humanise", str(source), "-o", str(tmp_path / "b.mid"), "--model", "drums"]) == 1
    assert "drum-feel" in capsys.readouterr().err


def test_a_file_without_drums_is_a_sentence(tmp_path: Path) -> None:
    with open_writer(tmp_path / "a.mid") as writer:
        writer.add(Notes((Note(42, 70, 0.0, 1.0, 0),), 4.0))
    with pytest.raises(HumaniseError, match="no drums"):
        humanise_file(tmp_path / "a.mid", tmp_path / "b.mid")
    assert humanise_file(tmp_path / "a.mid", tmp_path / "b.mid", every_channel=True).hits == 1
