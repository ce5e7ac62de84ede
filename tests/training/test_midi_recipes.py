"""Recipes midi, drums and roll: reading, keys, exact resume, what the models play."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest
import torch

from studio.midi_file import read_midi
from studio.nn.lstm import ROLL, RollRNN, build_roll, build_sequence
from studio.nn.music import EVENTS, EventVocabulary, Limits, VoiceNote
from studio.nn.roll_player import load_improviser
from studio.nn.sampling import Sampling
from studio.nn.weights import load_model
from studio.training.drums import DrumRecipe, DrumSettings
from studio.training.events import Piece, find_key, improvise, write_sample
from studio.training.loop import Recipe, TrainingError, train
from studio.training.midi import MidiRecipe, MidiSettings, fitting_shifts, notes_of_frames, voice_spans
from studio.training.recipes import RECIPES
from studio.training.roll import RollRecipe, RollSettings, read_rolls, score_rolls

torch.set_num_threads(1)  # many tiny products: a second thread only waits

SMALL: dict[str, Any] = {
    "steps": 8, "hidden": 12, "batch": 2, "validate_every": 4, "sample_every": 8, "checkpoint_every": 3, "seed": 1,
    "precision": "float32", "lr": 0.01,
}


def chorale(root: int, frames: int = 32) -> list[list[int]]:
    chords = [(12, 7, 4, 0), (11, 7, 2, -5), (12, 9, 5, -7), (12, 7, 4, 0)]
    return [[root + step for step in chords[place // 4 % 4]] for place in range(frames)]


@pytest.fixture
def chorales(tmp_path: Path) -> Path:
    path = tmp_path / "chorales.json"
    tree = {"train": [chorale(r) for r in (58, 60, 62)], "valid": [chorale(60, 40)], "test": [chorale(59)]}
    path.write_text(json.dumps(tree), encoding="utf-8")
    return path


@pytest.fixture
def groove(tmp_path: Path) -> Path:
    folder = tmp_path / "groove"
    folder.mkdir()
    rows = ["style,beat_type,time_signature,midi_filename,split"]
    rng = np.random.default_rng(0)
    for number, split in enumerate(["train"] * 4 + ["validation", "test"]):
        notes = [
            VoiceNote(0, (36, 22, 38, 26)[s % 4], s / 4 + float(rng.uniform(-0.05, 0.05)), 0.1, 40 + 20 * (s % 4))
            for s in range(32)
        ]
        write_sample(folder / f"{number}.mid", notes, drums=True)
        rows.append(f"{'jazz/swing' if number % 2 else 'rock'},beat,4-4,{number}.mid,{split}")
    rows.append("rock,beat,4-4,../../outside.mid,train")
    (folder / "info.csv").write_text("\n".join(rows), encoding="utf-8")
    return folder


def recipe(kind: str, **changes: Any) -> Recipe:
    if kind == "three rolls":
        changes = {"members": 3, "weight_dropout": 0.3, "input_dropout": 0.1, "average": 0.9, **changes}
    if kind == "three joint rolls":
        changes = {"members": 3, "nade": 8, "weight_dropout": 0.3, "input_dropout": 0.1, "average": 0.9, **changes}
    if kind.endswith(("roll", "rolls")):
        return RollRecipe(RollSettings(**{**SMALL, **changes}))
    if kind == "drums":
        return DrumRecipe(DrumSettings(**{**SMALL, "embedding": 8, "window": 40, **changes}))
    return MidiRecipe(MidiSettings(**{**SMALL, "embedding": 8, "window": 40, **changes}))


@pytest.fixture
def rolls(tmp_path: Path, chorales: Path) -> Path:
    tree = json.loads(chorales.read_text(encoding="utf-8"))
    path = tmp_path / "rolls.json"
    quarters = {split: [[sorted(frame) for frame in p[::4]] for p in pieces] for split, pieces in tree.items()}
    path.write_text(json.dumps(quarters), encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", ["midi", "drums", "roll", "three rolls", "three joint rolls"])
def test_resuming_gives_the_same_figures(
    kind: str, chorales: Path, groove: Path, rolls: Path, tmp_path: Path
) -> None:
    data = {"midi": chorales, "drums": groove}.get(kind, rolls)
    whole = train(recipe(kind), data, tmp_path / "a.safetensors")
    calls = iter([False] * 4 + [True] * 100)
    assert train(recipe(kind), data, tmp_path / "b.safetensors", should_stop=lambda: next(calls))["step"] == 5
    assert train(recipe(kind), data, tmp_path / "b.safetensors", resume=True) == whole
    one, other = (load_model(tmp_path / f"{name}.safetensors").tensors for name in "ab")
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_chorale_model_plays_what_it_may(chorales: Path, tmp_path: Path) -> None:
    train(recipe("midi"), chorales, tmp_path / "m.safetensors")
    model = load_model(tmp_path / "m.safetensors", EVENTS)
    words = EventVocabulary.from_json(model.config["vocabulary"])
    assert words.voices == 4 and words.bar == 1 and "C major" in words.labels and words.velocities == ()
    notes = improvise(build_sequence(model), words, label="C major", beats=16, seed=4)
    assert notes and notes == improvise(build_sequence(model), words, label="C major", beats=16, seed=4)
    assert {n.pitch for n in notes} <= {pitch for _, pitch in words.notes}
    sample = read_midi(tmp_path / "samples" / "midi-000008.mid")
    assert sample.notes and not sample.repairs


def test_pieces_are_brought_to_one_key(chorales: Path, tmp_path: Path) -> None:
    made = recipe("midi", one_key=True, weight_dropout=0.2, average=0.9)
    assert isinstance(made, MidiRecipe)
    made.prepare(chorales)
    plain = recipe("midi")
    plain.prepare(chorales)
    assert made.vocabulary.labels == ("C major", "A minor")
    for piece, before in zip(made.splits["train"], plain.splits["train"], strict=True):  # type: ignore[attr-defined]
        assert find_key(piece.notes) == piece.label in ("C major", "A minor")
        shifts = {after.pitch - note.pitch for after, note in zip(piece.notes, before.notes, strict=True)}
        assert len(shifts) == 1 and -6 <= min(shifts) <= 5
    assert all(shifts == [0] for shifts in made.shifts)
    train(made, chorales, tmp_path / "m.safetensors")
    with pytest.raises(TrainingError, match="one-key"):
        recipe("midi", one_key=True, keys=False).prepare(chorales)


def test_drums_keep_their_touch_their_time_and_the_edges_of_the_hi_hat(groove: Path, tmp_path: Path) -> None:
    made = recipe("drums")
    report = made.prepare(groove)
    assert report["pitches"] == [22, 26, 36, 38] and report["train_pieces"] == 4 and report["valid_pieces"] == 1
    assert isinstance(made, DrumRecipe)
    assert made.vocabulary.labels == ("jazz", "rock") and len(made.vocabulary.offsets) == 9
    assert len(made.vocabulary.velocities) >= 4 and made.vocabulary.bar == 4


def test_drums_without_a_list_are_split(groove: Path) -> None:
    (groove / "info.csv").unlink()
    report = recipe("drums").prepare(groove)
    assert report["valid_pieces"] == 1 and report["train_pieces"] == 5


def test_a_folder_of_files_with_voices(tmp_path: Path) -> None:
    for number in range(4):
        song = mido.MidiFile(ticks_per_beat=96)
        for pitch in (72 + number, 48):
            track = mido.MidiTrack()
            for _ in range(16):
                track.append(mido.Message("note_on", note=pitch, velocity=64, time=0))
                track.append(mido.Message("note_off", note=pitch, velocity=0, time=96))
            song.tracks.append(track)
        song.save(tmp_path / f"{number}.mid")
    (tmp_path / "broken.mid").write_bytes(b"MThd nonsense")
    made = MidiRecipe(MidiSettings(**{**SMALL, "keys": False}))
    report = made.prepare(tmp_path)
    assert report["voices"] == 2 and report["train_pieces"] == 3 and len(report["skipped"]) == 1
    assert made.vocabulary.bar == 4 and made.vocabulary.velocities == ()


def test_keys() -> None:
    scale = [VoiceNote(0, 60 + step, float(place), 1.0) for place, step in enumerate((0, 2, 4, 5, 7, 9, 11, 12, 7, 0))]
    assert find_key(scale) == "C major"
    minor = [VoiceNote(0, 57 + s, float(p), 1.0) for p, s in enumerate((0, 2, 3, 5, 7, 8, 11, 12, 7, 3, 0))]
    assert find_key(minor) == "A minor"
    assert Piece(tuple(scale), 10, "C major").transposed(-1).label == "B major"
    assert Piece(tuple(scale), 10, "rock").transposed(3).label == "rock"
    assert find_key([]) == ""


def test_transpositions_stay_in_the_voices() -> None:
    pieces = [Piece((VoiceNote(0, 60, 0, 1), VoiceNote(0, 70, 1, 1)), 2), Piece((VoiceNote(0, 65, 0, 1),), 1)]
    spans = voice_spans(pieces)
    assert fitting_shifts(pieces[0], spans, 6, 5) == [0]
    assert fitting_shifts(pieces[1], spans, 6, 5) == list(range(-5, 6))


def test_frames_become_notes() -> None:
    notes = notes_of_frames([[60, 48], [60, -1], [62, 48], [62, 48]], 4)
    assert notes == [
        VoiceNote(0, 60, 0.0, 0.5), VoiceNote(0, 62, 0.5, 0.5), VoiceNote(1, 48, 0.0, 0.25), VoiceNote(1, 48, 0.5, 0.5),
    ]


@pytest.mark.parametrize("text", ["[]", "{", '{"train": [[["x"]]], "valid": [], "test": []}', '{"train": 3}'])
def test_json_of_another_layout_is_a_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text, encoding="utf-8")
    for kind in ("midi", "roll"):
        with pytest.raises(TrainingError):
            recipe(kind).prepare(path)
    with pytest.raises(TrainingError, match="not a folder"):
        recipe("drums").prepare(path)
    with pytest.raises(TrainingError, match="no usable"):
        recipe("midi").prepare(tmp_path)


def test_the_figure_of_the_literature_is_computed_as_described(rolls: Path) -> None:
    pieces = read_rolls(rolls)["valid"]
    made = recipe("roll")
    made.prepare(rolls)
    made.build()
    network = made.modules["network"].eval()
    assert isinstance(network, RollRNN)
    total, frames = 0.0, 0
    for piece in pieces:
        with torch.no_grad():
            chances = torch.sigmoid(network(torch.from_numpy(piece[None, :-1]))[0][0]).double().numpy()
        total -= float(np.log(np.where(piece[1:] > 0, chances, 1 - chances)).sum())
        frames += len(piece) - 1
    assert score_rolls(network, pieces) == pytest.approx(total / frames, rel=1e-5)


@pytest.mark.parametrize("members", [1, 2])
def test_the_figure_of_a_joint_model_is_that_of_its_frames(rolls: Path, members: int) -> None:
    """Neither the first frame of a piece nor the silence after it counts, though both are learned."""
    pieces = read_rolls(rolls)["valid"]
    made = recipe("roll", nade=5, members=members)
    made.prepare(rolls)
    made.build()
    network = made.modules["network"].eval()
    total, frames = 0.0, 0
    for piece in pieces:
        heard = torch.from_numpy(np.concatenate([np.zeros_like(piece[:1]), piece]))[None]
        with torch.no_grad():
            nats = network.log_likelihood(heard[:, :-1], heard[:, 1:])[0]  # type: ignore[operator]
        total -= float(nats[1:].double().sum())
        frames += len(piece) - 1
    assert score_rolls(network, pieces) == pytest.approx(total / frames, rel=1e-5)  # type: ignore[arg-type]


def test_a_joint_model_learns_what_sounds_together_how_pieces_begin_and_when_they_end(
    tmp_path: Path
) -> None:
    """Chords that are drawn from four, at most log 4 nats a frame, but far more where keys are drawn alone; all pieces
    begin with the same one and close with another."""
    rng = np.random.default_rng(0)
    words = [[48, 60, 64, 67], [50, 62, 65, 69], [43, 59, 62, 71], [45, 57, 61, 76]]
    last = [41, 60, 65, 69]
    places = [rng.integers(0, 4, rng.integers(4, 9)) for _ in range(220)]
    drawn = [[words[0], *(words[int(place)] for place in row), last] for row in places]
    path = tmp_path / "chords.json"
    path.write_text(json.dumps({"train": drawn[:200], "valid": drawn[200:210], "test": drawn[210:]}), encoding="utf-8")
    changes = {"steps": 200, "hidden": 10, "lr": 0.1, "dropout": 0.0, "down": 0, "up": 0, "validate_every": 200,
               "sample_every": 200, "batch": 4}
    train(recipe("roll", nade=24, **changes), path, tmp_path / "joint.safetensors")
    train(recipe("roll", **changes), path, tmp_path / "alone.safetensors")
    joint, alone = (load_model(tmp_path / f"{name}.safetensors", ROLL) for name in ("joint", "alone"))
    assert joint.config["voices"] == 4 and joint.config["frames_per_beat"] == 1
    pieces = read_rolls(path)["valid"]
    assert score_rolls(build_roll(joint), pieces) < np.log(4) + 0.6 and score_rolls(build_roll(alone), pieces) > 6.0
    sample = read_midi(tmp_path / "samples" / "roll-000200.mid")
    assert sample.notes and not sample.repairs
    player = load_improviser(joint, seed=1)
    notes = player.play(40.0, Sampling(0.5), Limits())
    assert player.ended
    assert {n.pitch for n in notes if n.start == 0.0} == set(words[0])
    chords = [{n.pitch for n in notes if n.start <= beat < n.start + n.duration} for beat in range(int(player.now))]
    assert chords[-1] == set(last) and all(chord in [set(word) for word in words] for chord in chords[:-1])


def test_rates_that_cannot_be_are_refused(rolls: Path) -> None:
    made = recipe("roll", nade=4, frames_per_beat=0)
    made.prepare(rolls)
    with pytest.raises(TrainingError, match="frames-per-beat: 0 is not from 1 to 24"):
        made.build()
    made = recipe("roll", nade=4, lift=40)
    made.prepare(rolls)
    with pytest.raises(TrainingError, match="lift: 40 is not from -19 to 19"):
        made.build()
    made = recipe("roll", nade=-1)
    made.prepare(rolls)
    with pytest.raises(TrainingError, match="nade: -1 is not"):
        made.build()


def test_the_house_roll_has_the_figure_of_its_card(data_folder: Path) -> None:
    model = load_model(Path(__file__).resolve().parents[2] / "resources" / "models" / "chorale_roll.safetensors", ROLL)
    test = read_rolls(data_folder / "midi" / "polymusic" / "JSB_Chorales.pitches.json")["test"]
    assert score_rolls(build_roll(model), test) == pytest.approx(4.494, abs=0.01)


def test_every_recipe_in_the_list_is_there() -> None:
    from importlib import import_module

    for name, place in RECIPES.items():
        module, _, kind = place.partition(":")
        found = getattr(import_module(module), kind)
        assert issubclass(found, Recipe) and found.name == name and found.help
