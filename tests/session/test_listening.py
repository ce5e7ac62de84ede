"""Call and response: keys that are played in become calls on the bar line, and a sequencer answers them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from studio.api import Context
from studio.engine.threads import stop_all
from studio.media import Note, Notes
from studio.nn.lstm import RNNSpec, SequenceRNN, pack
from studio.nn.music import EVENTS, KEYS, EventVocabulary, duration_grid
from studio.nn.weights import save_model
from studio.params import ParamSet
from studio.plugins import discover
from studio.session.listening import MARGIN, Call, Ear, listens
from studio.session.session import Session

WORDS = EventVocabulary(
    4, 1, tuple((v, p) for v in range(4) for p in range(48 - 4 * v, 84)), duration_grid(4)[:12], (), (),
    tuple(f"{tonic} {mode}" for mode in ("major", "minor") for tonic in KEYS),
)


class Beat:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def strike(ear: Ear, beat: Beat, at: float, pitch: int, velocity: int = 90, channel: int = 0) -> None:
    beat.now = at
    ear.hear(bytes([(0x90 if velocity else 0x80) | channel, pitch, velocity]))


def test_a_call_begins_on_its_bar_and_is_as_long_as_it_is_said() -> None:
    beat = Beat()
    ear, call = Ear(beat), Call()
    ear.on = True
    assert call.look(ear, 100.0, 101.0, 120.0, 4.0, 8.0) is None
    strike(ear, beat, 107.9, 60)  # a little before the bar that begins at 108
    strike(ear, beat, 109.0, 60, 0)
    strike(ear, beat, 110.0, 64)
    strike(ear, beat, 111.0, 64)  # struck again without an end
    strike(ear, beat, 114.5, 67, channel=9)
    assert call.look(ear, 100.0, 115.0, 120.0, 4.0, 8.0) is None, "two bars are not over"
    found = call.look(ear, 100.0, 116.0 - MARGIN * 2.0, 120.0, 4.0, 8.0)
    assert found is not None
    end, notes = found
    assert end == 16.0 and notes.length == 8.0
    assert [(n.pitch, n.start, n.channel) for n in notes.notes] == [
        (60, 0.0, 0), (64, 2.0, 0), (64, 3.0, 0), (67, 6.5, 9)]
    assert [n.duration for n in notes.notes] == pytest.approx([1.0, 1.0, 5.0, 1.5])
    assert call.look(ear, 100.0, 117.0, 120.0, 4.0, 8.0) is None, "it was heard once"
    strike(ear, beat, 118.0, 72)
    again = call.look(ear, 100.0, 123.9, 120.0, 4.0, 8.0)
    assert again is not None and again[0] == 24.0 and again[1].notes[0].start == pytest.approx(2.0)


def test_nothing_is_kept_while_nobody_listens_and_noise_is_no_note() -> None:
    beat = Beat()
    ear = Ear(beat)
    strike(ear, beat, 1.0, 60)
    assert not ear.since(0.0)
    ear.on = True
    for message in (b"", b"\x90", b"\xb0\x01\x40", b"\xf8", b"\xe0\x00\x40", b"\x80\x3c\x40"):
        ear.hear(message)
    assert not ear.since(0.0)
    strike(ear, beat, 2.0, 60)
    ear.forget(3.0)
    assert not ear.since(0.0)
    assert [listens({"listens": x}) for x in (8.0, 0, -1, "long", None, 1e9)] == [8.0, 0.0, 0.0, 0.0, 0.0, 0.0]


# --- the sequencer ---

@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(3)
    network = SequenceRNN(RNNSpec(WORDS.size, 8, 24, 1))
    path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    save_model(path, pack(network.state_dict()), EVENTS, {
        "network": network.spec.to_json(), "kind": "midi", "vocabulary": WORDS.to_json()})
    return path


CALL = Notes(tuple(Note(p, 90, float(b), 0.9) for b, p in enumerate((62, 65, 69, 74, 73, 69, 64, 62))), 8.0)


class Conversation:
    """The sequencer, step by step, with what it exposes."""

    def __init__(self, model: Path, **sets: Any) -> None:
        generator = discover().get("midi_sequencer").load()
        self.values = ParamSet(generator.params)
        for name, value in {"model": str(model), "notes_per_beat": 4, **sets}.items():
            assert self.values.set(name, value) == ""
        self.shown: dict[str, Any] = {}
        self.notices: list[str] = []
        self.ctx = Context(on_detail=self.shown.__setitem__, on_notice=self.notices.append)
        self.made = generator()
        self.made.freeze(self.values.take())
        self.made.setup(self.ctx)

    def step(self, **wishes: Any) -> Notes:
        self.made.freeze(self.values.take())
        self.ctx.wishes = wishes
        block = self.made.step(self.ctx)
        self.ctx.advance(2.0)
        return block


def test_it_rests_until_it_is_called_and_answers_as_long(model: Path) -> None:
    talk = Conversation(model, respond="answer", call_bars=2)
    assert [talk.step().notes for _ in range(3)] == [()] * 3
    assert talk.shown["listens"] == 8.0
    blocks = [talk.step(call=CALL), *(talk.step() for _ in range(3))]
    assert [bool(block.notes) for block in blocks] == [True, True, False, False]
    assert talk.shown["label"] and all(block.length == 4.0 for block in blocks)
    other = Conversation(model, respond="answer")
    other.step()
    different = other.step(call=Notes((Note(50, 90, 0.0, 4.0),), 8.0))
    assert different != blocks[0], "the answer does not depend on the call"
    talk.values.set("respond", "off")
    assert talk.step().notes and talk.shown["listens"] == 0.0, "it plays by itself again"


def test_it_repeats_or_changes_what_it_heard(model: Path) -> None:
    loop = Conversation(model, respond="loop")
    loop.step()
    heard = [loop.step(call=CALL), *(loop.step() for _ in range(5))]
    first = tuple(n for n in CALL.notes if n.start < 4.0)
    assert heard[0].notes == heard[2].notes == heard[4].notes == first
    assert heard[1].notes == heard[3].notes == tuple(n.shifted(-4.0) for n in CALL.notes if n.start >= 4.0)
    mutate = Conversation(model, respond="mutate", mutation=0.5)
    mutate.step()
    turns = [[mutate.step(**({"call": CALL} if turn == half == 0 else {})) for half in (0, 1)] for turn in range(6)]
    assert turns[0][0].notes == first, "the first time it is what was played"
    assert turns[1] != turns[0] and turns[5] != turns[1]
    assert {n.pitch for turn in turns for block in turn for n in block.notes} <= {n.pitch for n in CALL.notes}
    assert all(0.0 <= n.start < 4.0 for turn in turns for block in turn for n in block.notes)
    assert all(7 <= sum(len(block.notes) for block in turn) <= 8 for turn in turns)


def test_it_plays_what_it_heard_with_voices_beneath_it(model: Path) -> None:
    talk = Conversation(model, respond="harmonise", transpose=2, humanise=0.3)
    talk.step()
    blocks = [talk.step(call=CALL), *(talk.step() for _ in range(2))]
    assert [bool(block.notes) for block in blocks] == [True, True, False]
    heard = [n.shifted(4.0 * bar) for bar, block in enumerate(blocks) for n in block.notes]
    own = [(n.pitch, n.velocity, n.start, n.duration) for n in heard if n.channel == 0]
    assert own == [(n.pitch, n.velocity, n.start, n.duration) for n in CALL.notes]
    assert {n.channel for n in heard} == {0, 1, 2, 3} and talk.shown["label"] == "D minor"
    talk.step(call=Notes((Note(10, 90, 0.0, 1.0), Note(110, 90, 1.0, 1.0)), 8.0))
    assert "semitones" in talk.notices[-1] and not talk.step().notes


def test_the_key_of_a_call_is_heard(model: Path) -> None:
    talk = Conversation(model, respond="answer")
    key_of = type(talk.made).taking_turns.__globals__["key_of"]
    assert key_of(CALL.notes) == "D minor"
    assert key_of([Note(p, 90, 0.0, 1.0) for p in (60, 64, 67, 72, 65, 69, 71)]) == "C major"


def test_keys_that_are_played_in_reach_the_player(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVERIE_HOME", str(tmp_path))
    session = Session(discover(builtin_only=True))
    opened: list[bool] = []  # the ports of this machine may sound
    monkeypatch.setattr(session.controls.ports, "apply", lambda wants_midi: opened.append(wants_midi))
    try:
        session.set_bpm(240.0)
        session.add_player()
        session.playback.set_options("1", sink="silent")
        session.load("1", "reverie.midi_sequencer", params={"model": str(model), "respond": "loop", "call_bars": 1})
        known, clock = session.playback.playing["1"], session.clock

        def until(true: Any) -> None:
            end = time.monotonic() + 30.0
            while not true():
                assert time.monotonic() < end, session.notices
                session.pump()
                time.sleep(0.002)

        until(lambda: session.playback.ear.on and opened and opened[-1])
        assert not known.notes.played
        until(lambda: clock.read().beat > (known.notes.time.origin or 1e9) + 0.5)
        session.controls.ports._midi("Keys", b"\x90\x45\x5a", time.perf_counter())
        until(lambda: clock.read().beat > session.playback.ear.since(0.0)[0].begin + 0.5)
        session.controls.ports._midi("Keys", b"\x80\x45\x00", time.perf_counter())
        until(lambda: len(known.notes.played) >= 3)
        assert {item.note.pitch for item in known.notes.played} == {0x45}
        beats = [item.beat for item in known.notes.played]
        assert beats[1] - beats[0] == pytest.approx(4.0) and beats[2] - beats[1] == pytest.approx(4.0)
    finally:
        session.close()
    assert not stop_all(8.0)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    torch.set_num_threads(1)
    yield
