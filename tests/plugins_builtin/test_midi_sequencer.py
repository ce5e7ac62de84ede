"""The MIDI sequencer: nothing hangs or overlaps, masks hold, primer, drums, form, reproducible."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from studio.api import Context
from studio.engine import GeneratorError, Stage, render
from studio.media import Note, Notes
from studio.midi_file import read_midi
from studio.nn.lstm import ROLL, RNNSpec, RollRNN, SequenceRNN, pack
from studio.nn.music import EVENTS, KEYS, SCALES, EventVocabulary, VoiceNote, duration_grid
from studio.nn.weights import save_model
from studio.params import ParamSet
from studio.plugins import discover
from studio.training.events import write_sample
from tests.plugins_builtin.preset_stand import presets_of, stage_of_preset

torch.set_num_threads(1)

CHORALES = EventVocabulary(
    4, 1, tuple((v, p) for v in range(4) for p in range(60 - 8 * v, 82 - 8 * v)), duration_grid(4)[:12], (), (),
    tuple(f"{tonic} {mode}" for mode in ("major", "minor") for tonic in KEYS),
)
DRUMS = EventVocabulary(
    4, 4, tuple((0, p) for p in (22, 26, 36, 38, 42, 46)), (), (30, 70, 110), (-0.4, -0.2, 0.0, 0.2, 0.4),
    ("funk", "rock"),
)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    made = {}
    for kind, words in (("midi", CHORALES), ("drums", DRUMS)):
        torch.manual_seed(1)
        network = SequenceRNN(RNNSpec(words.size, 8, 24, 2))
        made[kind] = folder / f"{kind}.safetensors"
        config = {"network": network.spec.to_json(), "kind": kind, "vocabulary": words.to_json()}
        save_model(made[kind], pack(network.state_dict()), EVENTS, config)
    made["roll"] = folder / "roll.safetensors"
    save_roll(made["roll"])
    return made


def save_roll(path: Path) -> None:
    """An untrained piano-roll model with some four keys to a chord, which change slowly."""
    torch.manual_seed(3)
    network = RollRNN(RNNSpec(88, 1, 12, 1, nade=6))
    with torch.no_grad():
        network.head.bias[:] = -7.0
        network.head.bias[24:60] = -2.2
        network.head.weight.mul_(3.0)
    config = {"network": network.spec.to_json(), "kind": "roll", "members": 1, "voices": 4, "frames_per_beat": 1}
    save_model(path, pack(network.state_dict()), ROLL, config)


@pytest.fixture(scope="module")
def plugin() -> Any:
    return discover().get("midi_sequencer")


def play(plugin: Any, model: Path, *, frames: int | None = 8, automate: Any = None, **sets: Any) -> list[Notes]:
    generator = plugin.load()
    values = ParamSet(generator.params)
    for name, value in {"model": str(model), **sets}.items():
        assert values.set(name, value) == ""
    play.notices = []  # type: ignore[attr-defined]
    return list(render(
        [Stage(generator, values, plugin.folder)], frames=frames, automate=automate,
        on_notice=play.notices.append,  # type: ignore[attr-defined]
    ))


def joined(blocks: Sequence[Notes]) -> list[Note]:
    offset, notes = 0.0, []
    for block in blocks:
        notes += [note.shifted(offset) for note in block.notes]
        offset += block.length
    return sorted(notes, key=lambda n: n.start)


def assert_playable(notes: Sequence[Note]) -> None:
    sounding: dict[tuple[int, int], float] = {}
    assert notes
    for note in notes:
        key = (note.channel, note.pitch)
        assert note.start >= sounding.get(key, 0.0) - 1e-9 and 0 < note.duration <= 16
        sounding[key] = note.start + note.duration


@pytest.mark.parametrize("kind", ["midi", "drums"])
@pytest.mark.parametrize("block", ["bar", "beat"])
@pytest.mark.parametrize("pace", ["half", "double"])
def test_nothing_hangs_or_overlaps(plugin: Any, models: dict[str, Path], kind: str, block: str, pace: str) -> None:
    blocks = play(plugin, models[kind], block=block, pace=pace, frames=12, humanise=1.0, temperature=1.5)
    size = {"bar": 4, "beat": 1}[block] * {"half": 2.0, "double": 0.5}[pace]
    assert [b.length for b in blocks] == [size] * 12
    assert_playable(joined(blocks))
    assert play(plugin, models[kind], block=block, pace=pace, frames=12, humanise=1.0, temperature=1.5) == blocks
    assert all(0 <= note.start < size for b in blocks for note in b.notes)


def test_scale_range_and_density_are_masks(plugin: Any, models: dict[str, Path]) -> None:
    sets = {"root": "D", "scale": "dorian", "low": 50, "high": 70, "notes_per_beat": 2, "polyphony": 2, "full": False,
            "transpose": 3, "humanise": 0.0}
    notes = joined(play(plugin, models["midi"], frames=16, **sets))
    classes = {(2 + 3 + step) % 12 for step in SCALES["dorian"]}
    assert {n.pitch % 12 for n in notes} <= classes and all(50 <= n.pitch <= 70 for n in notes)
    for note in notes:
        assert sum(int(n.start) == int(note.start) for n in notes) <= 2
        assert sum(n.start <= note.start < n.start + n.duration for n in notes) <= 2
    free = joined(play(plugin, models["midi"], frames=16, **{**sets, "lock": False}))
    assert not {n.pitch % 12 for n in free} <= classes


def test_voices_have_channels_that_leave_the_drums_out(plugin: Any, models: dict[str, Path]) -> None:
    assert {n.channel for n in joined(play(plugin, models["midi"], channel=7))} == {7, 8, 10, 11}
    notes = joined(play(plugin, models["drums"]))
    assert {n.channel for n in notes} == {9} and not {22, 26} & {n.pitch for n in notes}
    assert {22, 26} & {n.pitch for n in joined(play(plugin, models["drums"], kit="as played"))}


def test_drums_keep_dynamics_and_micro_timing(plugin: Any, models: dict[str, Path]) -> None:
    notes = joined(play(plugin, models["drums"], frames=16))
    assert len({n.velocity for n in notes}) == 3
    assert len({round(n.start * 4 % 1, 3) for n in notes}) >= 4
    flat = joined(play(plugin, models["drums"], frames=16, dynamics=0.0, velocity=90))
    assert {n.velocity for n in flat} == {90}


def test_a_piece_ends(plugin: Any, models: dict[str, Path]) -> None:
    blocks = play(plugin, models["midi"], frames=None, bars=6)
    assert 5 <= len(blocks) <= 10
    end = sum(b.length for b in blocks)
    notes = joined(blocks)
    assert max(n.start + n.duration for n in notes) <= end


def test_two_models_are_faded_by_their_chances(plugin: Any, models: dict[str, Path], tmp_path: Path) -> None:
    torch.manual_seed(9)
    network = SequenceRNN(RNNSpec(CHORALES.size, 8, 32, 1))
    other = tmp_path / "other.safetensors"
    config = {"network": network.spec.to_json(), "kind": "midi", "vocabulary": CHORALES.to_json()}
    save_model(other, pack(network.state_dict()), EVENTS, config)
    first, second = models["midi"], str(other)
    alone = play(plugin, first)
    assert play(plugin, first, second=second, mix=0.0) == alone
    middle = play(plugin, first, second=second, mix=0.5, candidates=2)
    assert_playable(joined(middle))
    assert play(plugin, first, second=second, mix=1.0) != alone
    assert play.notices == []  # type: ignore[attr-defined]

    def automate(step: int, values: list[ParamSet]) -> None:
        if step >= 3:
            values[0].set("second", second)
            values[0].set("mix", (step - 3) / 4)

    faded = play(plugin, first, automate=automate)
    assert faded[:3] == alone[:3] and faded[5:] != alone[5:]
    assert_playable(joined(faded))


def test_a_model_of_other_symbols_does_not_join(plugin: Any, models: dict[str, Path]) -> None:
    alone = play(plugin, models["midi"])
    assert play(plugin, models["midi"], second=str(models["drums"]), mix=1.0) == alone
    (notice,) = play.notices  # type: ignore[attr-defined]
    assert "other symbols" in notice and "plays alone" in notice
    assert play(plugin, models["midi"], second="nowhere", mix=1.0) == alone
    assert "there is no model 'nowhere'" in play.notices[0]  # type: ignore[attr-defined]


def test_several_candidates_and_restart(plugin: Any, models: dict[str, Path]) -> None:
    one = play(plugin, models["midi"], candidates=4)
    assert one == play(plugin, models["midi"], candidates=4)

    def automate(step: int, values: list[ParamSet]) -> None:
        if step == 4:
            values[0].set("restart", True)

    assert_playable(joined(play(plugin, models["midi"], automate=automate)))


@pytest.mark.parametrize("kind", ["midi", "drums"])
def test_a_primer_is_played_and_gone_on_from(plugin: Any, models: dict[str, Path], tmp_path: Path, kind: str) -> None:
    pitches = (36, 38) if kind == "drums" else (72, 64, 57, 50)
    notes = [
        VoiceNote(place, pitch, float(beat), 1.0, 70)
        for beat in range(8) for place, pitch in enumerate(pitches)
    ]
    write_sample(tmp_path / "p.mid", notes, drums=kind == "drums")
    sets = {"primer": str(tmp_path / "p.mid"), "primer_bars": 2, "humanise": 0.0}
    blocks = play(plugin, models[kind], **sets)
    # an early stroke of the third bar may sound at the end of the second
    heard = sorted((n.start, n.pitch) for n in joined(blocks[:2]) if n.start < 7.5)
    assert heard == sorted((n.start, n.pitch) for n in notes)
    assert_playable(joined(blocks))
    alone = play(plugin, models[kind], play_primer=False, **sets)
    assert joined(alone[:1]) and sorted((n.start, n.pitch) for n in joined(alone[:2])) != heard


def test_files_and_models_that_cannot_be_used_are_sentences(
    plugin: Any, models: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "x.mid").write_bytes(b"random bytes, no music")
    with pytest.raises(GeneratorError, match="not a MIDI file"):
        play(plugin, models["midi"], primer=str(tmp_path / "x.mid"))
    network = SequenceRNN(RNNSpec(9, 8, 24, 1))
    for words in ({}, CHORALES.to_json()):
        config = {"network": network.spec.to_json(), "vocabulary": words}
        save_model(tmp_path / "m.safetensors", pack(network.state_dict()), EVENTS, config)
        with pytest.raises(GeneratorError, match="no usable event model"):
            play(plugin, tmp_path / "m.safetensors")
    play(plugin, models["drums"], style="polka", frames=1)
    assert any("no label 'polka'" in line for line in play.notices)  # type: ignore[attr-defined]


def tune(path: Path, *pitches: int) -> list[tuple[int, float, float]]:
    notes = [VoiceNote(0, pitch, float(place), 1.0 if place % 3 else 0.5, 70) for place, pitch in enumerate(pitches)]
    write_sample(path, [*notes, *(VoiceNote(1, 45, float(place), 1.0, 60) for place in range(len(pitches)))])
    read = read_midi(path).notes
    return [(n.pitch, n.start, n.duration) for n in read if n.pitch > 50]


def test_a_melody_is_kept_and_gets_voices(plugin: Any, models: dict[str, Path], tmp_path: Path) -> None:
    wanted = tune(tmp_path / "t.mid", 67, 69, 71, 72, 74, 72, 71, 69, 67)
    sets: dict[str, Any] = {"melody": str(tmp_path / "t.mid"), "humanise": 0.6, "frames": None, "hold": 0.0}
    blocks = play(plugin, models["midi"], **sets)
    notes = joined(blocks)
    assert [(n.pitch, n.start, n.duration) for n in notes if n.channel == 0] == wanted
    assert {n.channel for n in notes} == {0, 1, 2, 3} and sum(block.length for block in blocks) == 12.0
    assert_playable(notes)
    assert joined(play(plugin, models["midi"], **sets)) == notes
    other = joined(play(plugin, models["midi"], seed=2, **sets))
    assert [n for n in other if n.channel == 0] == [n for n in notes if n.channel == 0] and other != notes
    higher = joined(play(plugin, models["midi"], transpose=5, style="E minor", **sets))
    assert [n.pitch for n in higher if n.channel == 0] == [pitch + 5 for pitch, _, _ in wanted]
    with pytest.raises(GeneratorError, match="melody: the model has no voices"):
        play(plugin, models["drums"], **sets)
    tune(tmp_path / "wide.mid", 52, 100)
    with pytest.raises(GeneratorError, match="semitones"):
        play(plugin, models["midi"], **{**sets, "melody": str(tmp_path / "wide.mid")})


def test_a_model_of_one_key_plays_in_any(plugin: Any, tmp_path: Path) -> None:
    words = replace(CHORALES, labels=("C major", "A minor"))
    torch.manual_seed(1)
    network = SequenceRNN(RNNSpec(words.size, 8, 24, 2))
    path = tmp_path / "home.safetensors"
    save_model(path, pack(network.state_dict()), EVENTS, {
        "network": network.spec.to_json(), "kind": "midi", "vocabulary": words.to_json()})
    sets: dict[str, Any] = {"humanise": 0.0, "dynamics": 0.0}
    home = joined(play(plugin, path, style="C major", **sets))
    moved = joined(play(plugin, path, style="Eb major", **sets))
    assert [(n.pitch + 3, n.start) for n in home] == [(n.pitch, n.start) for n in moved]
    assert not play.notices  # type: ignore[attr-defined]
    locked = joined(play(plugin, path, root="E", scale="minor", frames=12, **sets))
    assert {(n.pitch - 4) % 12 for n in locked} <= set(SCALES["minor"])
    within = joined(play(plugin, path, style="G minor", low=50, high=70, full=False, **sets))
    assert all(50 <= n.pitch <= 70 for n in within)
    first = [VoiceNote(v, p, float(beat), 1.0) for beat in range(4) for v, p in enumerate((70, 62, 58, 43))]  # G minor
    write_sample(tmp_path / "p.mid", first)
    going_on = play(plugin, path, primer=str(tmp_path / "p.mid"), primer_bars=1, frames=2, **sets)
    assert {n.pitch for n in going_on[0].notes} == {70, 62, 58, 43}


def chords(notes: Sequence[Note], beats: int, step: float = 1.0) -> list[dict[int, int]]:
    """What each channel plays at the middle of each frame."""
    times = [(frame + 0.5) * step for frame in range(round(beats / step))]
    return [{n.channel: n.pitch for n in notes if n.start <= t < n.start + n.duration} for t in times]


def test_a_piano_roll_is_sung_by_four_voices(plugin: Any, models: dict[str, Path]) -> None:
    roll = models["roll"]
    still: dict[str, Any] = {"humanise": 0.0, "style": "D major"}
    blocks = play(plugin, roll, **still)
    assert [b.length for b in blocks] == [4.0] * 8
    notes = joined(blocks)
    assert_playable(notes)
    assert play(plugin, roll, **still) == blocks and play(plugin, roll, seed=2, **still) != blocks
    sung = chords(notes, 32)
    assert all(len(chord) == 4 and list(chord.values()) == sorted(chord.values(), reverse=True)
               for chord in (dict(sorted(chord.items())) for chord in sung))
    assert {pitch % 12 for pitch in sung[0].values()} <= {2, 6, 9}, "it begins in its key"
    assert any(n.duration > 1.0 for n in notes) and max(n.duration for n in notes) <= 4.0
    for channel in range(4):  # a kept pitch is one note, also over the bar line
        line = [n for n in notes if n.channel == channel]
        for one, other in itertools.pairwise(line):
            assert one.pitch != other.pitch or one.duration == 4.0
    by_beat = play(plugin, roll, block="beat", frames=32, **still)
    assert chords(joined(by_beat), 32) == sung


def test_knobs_act_on_a_piano_roll(plugin: Any, models: dict[str, Path]) -> None:
    roll = models["roll"]
    still: dict[str, Any] = {"humanise": 0.0, "style": "D major"}
    plain, higher = (joined(play(plugin, roll, transpose=shift, **still)) for shift in (0, 5))
    assert [(n.pitch + 5, n.start) for n in plain] == [(n.pitch, n.start) for n in higher]
    wild, tame = (joined(play(plugin, roll, frames=16, temperature=t, **still)) for t in (2.0, 0.05))
    assert len({n.pitch for n in wild}) > len({n.pitch for n in tame})
    few = joined(play(plugin, roll, frames=16, polyphony=2, low=50, high=72, humanise=0.0, root="E", scale="minor"))
    assert all(len(chord) <= 2 for chord in chords(few, 64)) and all(50 <= n.pitch <= 72 for n in few)
    assert {(n.pitch - 4) % 12 for n in few} <= set(SCALES["minor"])
    slow = play(plugin, roll, pace="half", **still)
    assert [b.length for b in slow] == [8.0] * 8 and len(joined(slow)) == len(plain)
    piece = play(plugin, roll, frames=None, bars=6, **still)
    end = sum(b.length for b in piece)
    assert 5 <= len(piece) <= 11 and max(n.start + n.duration for n in joined(piece)) <= end


def test_a_piano_roll_goes_on_from_a_primer(plugin: Any, models: dict[str, Path], tmp_path: Path) -> None:
    first = [VoiceNote(v, p, float(beat), 1.0) for beat in range(4) for v, p in enumerate((70, 62, 58, 43))]
    write_sample(tmp_path / "p.mid", first)
    sets: dict[str, Any] = {"primer": str(tmp_path / "p.mid"), "primer_bars": 1, "frames": 2, "humanise": 0.0}
    going_on = play(plugin, models["roll"], **sets)
    assert {n.pitch for n in going_on[0].notes} == {70, 62, 58, 43} and going_on[1].notes
    unheard = play(plugin, models["roll"], play_primer=False, **sets)
    assert [n.pitch for n in unheard[0].notes] == [n.pitch for n in going_on[1].notes]


def test_other_ways_to_go_on_from_a_piano_roll_differ_at_once(plugin: Any, models: dict[str, Path]) -> None:
    player = plugin.load()()
    values = ParamSet(player.params)
    assert values.set("model", str(models["roll"])) == ""
    player.freeze(values.take())
    ctx = Context(seed=1, bpm=100.0, on_detail=lambda name, value: None)
    player.setup(ctx)
    player.step(ctx)
    branch = player.past[-1][1]
    options = branch.options(4, 4.0, 9, lambda: None)
    firsts = {tuple(n.pitch for n in option.blocks[0].notes if n.start < 0.5) for option in options}
    assert len(firsts) > 1
    again = branch.options(4, 4.0, 9, lambda: None)
    assert [option.blocks for option in again] == [option.blocks for option in options]
    times, odds = player.past[-1][2]
    assert len(times) == 4 and odds.shape == (4, 128) and (odds.sum(1) > 0.9).all()


def test_a_piano_roll_is_played_beneath_a_melody(plugin: Any, models: dict[str, Path], tmp_path: Path) -> None:
    wanted = tune(tmp_path / "t.mid", 72, 74, 76, 72, 79, 77, 76)
    sets: dict[str, Any] = {"melody": str(tmp_path / "t.mid"), "humanise": 0.0, "frames": None, "hold": 0.0}
    blocks = play(plugin, models["roll"], **sets)
    notes = joined(blocks)
    assert_playable(notes)
    assert [(n.pitch, n.start) for n in notes if n.channel == 0] == [(pitch, start) for pitch, start, _ in wanted]
    for pitch, start, _ in wanted:
        chord = {n.channel: n.pitch for n in notes if n.start <= start + 0.25 < n.start + n.duration}
        assert set(chord) == {0, 1, 2, 3} and max(chord.values()) == chord[0] == pitch
    assert play(plugin, models["roll"], **sets) == blocks and play(plugin, models["roll"], seed=3, **sets) != blocks


def test_what_a_piano_roll_cannot_do_is_said(plugin: Any, models: dict[str, Path], tmp_path: Path) -> None:
    write_sample(tmp_path / "tune.mid", [VoiceNote(0, 5, float(beat), 1.0) for beat in range(4)])
    with pytest.raises(GeneratorError, match="melody: the melody leaves the range 21 to 108"):
        play(plugin, models["roll"], melody=str(tmp_path / "tune.mid"))
    assert joined(play(plugin, models["roll"], second=str(models["midi"]), mix=0.5))
    assert any("plays alone" in str(notice) for notice in play.notices)  # type: ignore[attr-defined]
    plain = RollRNN(RNNSpec(88, 1, 8, 1))
    save_model(tmp_path / "plain.safetensors", pack(plain.state_dict()), ROLL, {"network": plain.spec.to_json()})
    with pytest.raises(GeneratorError, match="every key for itself"):
        play(plugin, tmp_path / "plain.safetensors")
    save_model(tmp_path / "other.safetensors", pack(plain.state_dict()), "sequence-rnn", {})
    with pytest.raises(GeneratorError, match="event-rnn or roll-rnn is wanted"):
        play(plugin, tmp_path / "other.safetensors")


def test_instruments_become_programs_of_the_file(plugin: Any) -> None:
    generator = plugin.load()
    values = ParamSet(generator.params)
    assert generator.export_options(values.dump()) == {}
    values.set("instrument", "brass")
    values.set("programs", "0=1")
    assert generator.export_options(values.dump())["programs"].startswith("0=1, 1=60, 2=57, 3=58")


PRESETS = presets_of("midi_sequencer")


def test_there_are_presets() -> None:
    assert len(PRESETS) >= 6


@pytest.mark.parametrize("path", PRESETS, ids=lambda p: p.stem)
def test_presets_play(plugin: Any, path: Path) -> None:
    notes = joined(list(render([stage_of_preset(plugin, path)], frames=2)))
    assert_playable(notes)
