# ruff: noqa: F811 - fixtures of another file
"""How players play, in a session: heard at once, moved by controllers, undone, saved; a bar that is held."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_playback import Recorder, Time, run, session, stage, until  # noqa: F401

from studio.control.binding import PLAYER, Binding, Source, Target, parse_binding
from studio.control.osc import address_of, target_of
from studio.engine import Clock
from studio.session.feel import FEEL
from studio.session.session import Session

Stage = tuple[Session, Recorder, Time, Clock]


def target(name: str) -> Target:
    return Target(name, "1", PLAYER)


def test_what_is_turned_is_heard_within_moments(stage: Stage) -> None:
    session, recorder, now, _ = stage
    session.add_player()
    session.load("1", "test.steps")
    run(session, now, 3.0)
    session.playback.set_feel("1", transpose=7)
    count = len(recorder.notes)
    run(session, now, 2.0)
    pitches = [note.pitch for _, note, *_ in recorder.notes[count:]]
    assert pitches[1:] == [67] * len(pitches[1:]) and len(pitches) >= 3
    session.undo()
    count = len(recorder.notes)
    run(session, now, 2.0)
    assert {note.pitch for _, note, *_ in recorder.notes[count + 1 :]} == {60}
    session.playback.set_feel("1", steps="x---x---------------")
    run(session, now, 1.0)
    count = len(recorder.notes)
    run(session, now, 5.0)  # ten beats, of which two in five sound
    assert 3 <= len(recorder.notes) - count <= 5
    assert session.playback.playing["1"].notes.played[-1].beat % 1.0 == 0.0


def test_any_controller_moves_them(stage: Stage) -> None:
    session, recorder, now, _ = stage
    session.add_player()
    session.load("1", "test.steps")
    known = session.playback.playing["1"]
    board = session.controls.board
    assert board.style(target("swing")) == "number" and board.style(target("latch")) == "switch"
    assert not board.style(target("nothing")) and "no nothing" in board.why_not(target("nothing"))
    board.write(target("volume"), 0.25)
    board.write(target("swing"), 1.0)
    assert known.feel["swing"] == 75.0
    run(session, now, 1.0)
    assert known.options.volume == pytest.approx(0.25)
    session.post("values", known.line)  # as the control thread does
    session.pump()
    stored = known.line.extra["playback"]
    assert stored["volume"] == pytest.approx(0.25) and stored["feel"]["swing"] == 75.0
    made = Binding(Source("cc", 7), target("humanise"))
    assert parse_binding(made.to_json())[0] == made and made.target.text() == "1 humanise"
    address = address_of(target("swing"))
    assert address == "/reverie/1/0/swing" and target_of(address) == (target("swing"), False)
    board.apply(target("swing"), False, (60.0,))
    assert known.feel["swing"] == 60.0
    known.feel.modulate("chance", -1.0)
    run(session, now, 1.0)
    count = len(recorder.notes)
    run(session, now, 2.0)
    assert len(recorder.notes) <= count + 1, "an LFO at its lowest leaves every step out"


def test_they_are_saved_and_opened(session: Session, tmp_path: Path) -> None:
    session.add_player()
    session.playback.set_options("1", sink="silent")
    session.playback.set_feel("1", swing=62.0, steps="x-", transpose=-5)
    session.playback.set_options("1", volume=0.4)
    path = tmp_path / "s.reverie"
    session.save(path)
    session.new()
    session.open(path)
    feel = session.playback.playing["1"].feel
    assert (feel["swing"], feel["steps"], feel["transpose"], feel["volume"]) == (62.0, "x-", -5, 0.4)
    session.players["1"].extra["playback"] = {"feel": {"swing": "much", "transpose": 99, "later": 3}}
    session.playback.follow(session.players["1"])
    assert feel["swing"] == FEEL["swing"].default and feel["transpose"] == 24
    session.players["1"].extra["playback"] = {"feel": [1]}
    session.playback.follow(session.players["1"])
    assert feel["transpose"] == 0


def test_a_bar_is_held_and_released(stage: Stage) -> None:
    session, recorder, now, _ = stage
    session.add_player()
    session.load("1", "test.steps")
    run(session, now, 3.0)
    known = session.playback.playing["1"]
    bar = known.notes.current(known.notes.time.position(session.playback.clock.read()))
    assert bar is not None
    velocity = bar.block.notes[0].velocity  # type: ignore[union-attr]
    session.playback.set_feel("1", latch=True)
    for _ in range(900):
        now.seconds += 0.01
        session.playback.tick()
    held = [note.velocity for _, note, *_ in recorder.notes[-12:]]
    assert held == [velocity] * 12 and known.notes.loops >= 3
    assert not any("late" in notice.text for notice in session.notices)
    session.playback.set_feel("1", latch=False)
    run(session, now, 6.0)
    after = [note.velocity for _, note, *_ in recorder.notes[-4:]]
    assert velocity < after[0] <= velocity + 3, "it goes on where it was held"


def test_a_player_that_begins_while_its_bar_is_held_repeats_its_first_bar(stage: Stage, tmp_path: Path) -> None:
    session, recorder, now, _ = stage
    session.add_player()
    session.playback.set_feel("1", latch=True)
    session.load("1", "test.steps")

    def heard() -> None:
        count = len(recorder.notes)
        run(session, now, 9.0)
        velocities = {note.velocity for _, note, *_ in recorder.notes[count:]}
        assert len(recorder.notes) - count >= 12 and len(velocities) == 1

    heard()
    session.stop("1")
    run(session, now, 0.5)
    session.playback.play("1")
    heard()
    path = tmp_path / "held.reverie"
    session.save(path)
    session.open(path)
    heard()
    session.playback.set_feel("1", latch=False)
    run(session, now, 6.0)
    assert len({note.velocity for _, note, *_ in recorder.notes[-6:]}) > 1, "it goes on"


def test_a_drummer_and_a_melody_play_on_one_bar_line(stage: Stage) -> None:
    session, recorder, now, clock = stage
    for name in ("1", "2"):
        session.add_player()
        session.load(name, "test.steps")
        run(session, now, 1.3)
    run(session, now, 6.0)
    one, two = (session.playback.playing[name].notes.time.origin for name in ("1", "2"))
    assert one is not None and two is not None and (two - one) % 1.0 == pytest.approx(0.0)
    assert two % clock.beats_per_bar == pytest.approx(0.0), "the second begins on a bar of the clock"
    times = sorted(at for at, *_ in recorder.notes if at > now.seconds - 3.0)
    pairs = [later - early for early, later in zip(times[::2], times[1::2], strict=False)]
    assert max(pairs) < 1e-6, "both strike together"
