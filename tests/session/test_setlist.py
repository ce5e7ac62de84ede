"""The set list: go, back, holds, unattended, files; headless, with a clock that the test moves."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from studio.engine import Clock
from studio.engine.threads import stop_all
from studio.params import ParamSet
from studio.plugins import Registry
from studio.session.session import Session
from studio.session.setlist import RESTART_AFTER, UNATTENDED_HOLD, Step
from tests.session.test_fades import Hands, pass_time
from tests.stand import SHADE, until, write_plugin


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def session(tmp_path: Path, hands: Hands) -> Iterator[Session]:
    made = Session(Registry([write_plugin(tmp_path, "shade", SHADE)]), clock=Clock(120.0, now=hands))
    made.load("A", "test.shade", params={"level": 0.0})
    until(made, lambda: made.decks["A"].stages())
    for level in (0.2, 0.5, 1.0):
        made.set_value("A", 0, "level", level)
        made.setlist.add(made.take_snapshot(f"Look {level}"))
    made.set_value("A", 0, "level", 0.0)
    yield made
    made.close()
    assert not stop_all(5.0)


def shown(session: Session) -> float:
    values: ParamSet = session.decks["A"].stages()[0].values
    return float(values["level"])


def test_go_and_back(session: Session, hands: Hands) -> None:
    setlist = session.setlist
    assert not setlist.back()
    assert setlist.go() and setlist.position == 0
    pass_time(session, hands, 1.0, 4)
    assert shown(session) == pytest.approx(0.1)
    assert setlist.go()  # in mid-fade: on from where it is
    pass_time(session, hands, 1.0, 4)
    assert shown(session) == pytest.approx(0.3)
    pass_time(session, hands, 1.1)
    assert shown(session) == 0.5
    assert setlist.back() and setlist.position == 0
    pass_time(session, hands, 2.1)
    assert shown(session) == 0.2
    setlist.jump(2)
    pass_time(session, hands, 2.1)
    assert shown(session) == 1.0 and not setlist.go()
    assert session.undo() == "Snapshot Look 1.0" and shown(session) == 0.2


def test_each_step_has_its_own_fade_and_tempo(session: Session, hands: Hands) -> None:
    setlist = session.setlist
    setlist.update(0, fade=1.0, unit="bars", start="bar", bpm=240.0)
    setlist.update(1, fade=0.0)
    pass_time(session, hands, 0.5)
    setlist.go()
    pass_time(session, hands, 1.4)
    assert shown(session) == 0.0
    pass_time(session, hands, 0.1 + 1e-6)
    assert 0.0 <= shown(session) < 0.01
    pass_time(session, hands, 2.0, 100)  # a bar that grows faster as the tempo glides
    assert shown(session) == 0.2 and session.clock.bpm == 240.0
    setlist.go()
    session.pump()
    assert shown(session) == 0.5 and session.clock.bpm == 120.0  # a cut, to the look's own tempo


def test_holds_begin_after_the_fade_and_go_on_by_themselves(session: Session, hands: Hands) -> None:
    setlist = session.setlist
    setlist.update(0, hold=3.0)
    setlist.update(1, hold=2.0, hold_unit="bars")
    setlist.go()
    pass_time(session, hands, 2.0, 20)
    assert setlist.remaining() == pytest.approx(3.0)
    pass_time(session, hands, 2.9, 10)
    assert setlist.position == 0
    pass_time(session, hands, 0.2, 4)
    assert setlist.position == 1 and setlist.remaining() is None
    pass_time(session, hands, 2.0, 20)
    assert setlist.remaining() == pytest.approx(4.0, abs=0.3)  # two bars of 120 bpm
    pass_time(session, hands, 4.1, 40)
    assert setlist.position == 2
    pass_time(session, hands, 500.0, 50)
    assert setlist.position == 2 and shown(session) == 1.0  # the last one stays
    setlist.set_modes(auto=False)
    setlist.jump(0)
    pass_time(session, hands, 60.0, 30)
    assert setlist.position == 0


def test_unattended_it_starts_goes_round_and_restarts_what_gave_up(session: Session, hands: Hands) -> None:
    setlist = session.setlist
    setlist.update(1, hold=5.0)
    setlist.set_modes(unattended=True)
    session.pump()
    assert setlist.position == 0
    order = [0]
    for _ in range(400):
        pass_time(session, hands, 0.5)
        if setlist.position != order[-1]:
            order.append(setlist.position)
    rounds = 200.0 / (3 * 2.0 + 2 * UNATTENDED_HOLD + 5.0)
    assert order[:4] == [0, 1, 2, 0] and abs(len(order) / 3 - rounds) < 1
    session.set_value("A", 0, "broken", True)
    until(session, lambda: session.decks["A"].state == "paused")
    session.pump()  # now the list knows it too
    session.set_value("A", 0, "broken", False)
    runs = session.decks["A"].worker.runs
    pass_time(session, hands, RESTART_AFTER - 0.5, 2)
    assert session.decks["A"].worker.runs == runs
    pass_time(session, hands, 1.0, 2)
    until(session, lambda: session.decks["A"].state == "running")
    assert session.decks["A"].worker.runs == runs + 1
    assert any("is restarted" in notice.text for notice in session.notices)


def test_a_line_that_fails_again_and_again_waits_longer(session: Session, hands: Hands) -> None:
    session.setlist.set_modes(unattended=True)
    session.set_value("A", 0, "broken", True)
    runs = []
    for _ in range(3):
        until(session, lambda: session.decks["A"].state == "paused")
        began = hands.now
        run = session.decks["A"].worker.runs
        while session.decks["A"].worker.runs == run:
            session.set_value("A", 0, "broken", True)  # the looks of the list would mend it
            pass_time(session, hands, 0.25)
        runs.append(hands.now - began)
    assert all(later > 1.5 * earlier for earlier, later in itertools.pairwise(runs))


def test_editing_keeps_the_present_step(session: Session, hands: Hands) -> None:
    setlist = session.setlist
    setlist.jump(1)
    here = setlist.steps[1]
    setlist.move(1, 0)
    assert setlist.position == 0 and setlist.steps[0] is here
    setlist.add(session.snapshots[2], at=0)
    assert setlist.position == 1 and setlist.steps[1] is here
    setlist.remove(0)
    assert setlist.position == 0
    session.remove_snapshot(here.snapshot)
    assert setlist.position == -1 and len(setlist.steps) == 2
    for wrong, said in (({"fade": -1}, "fade is a number"), ({"unit": "hours"}, "unit is one of"),
                        ({"bpm": 1e9}, "bpm is a number"), ({"hold": float("nan")}, "hold is a number"),
                        ({"start": 3}, "start is one of")):
        with pytest.raises(ValueError, match=said):
            setlist.update(0, **wrong)


def test_it_is_kept_in_the_session(session: Session, tmp_path: Path) -> None:
    session.setlist.update(0, fade=4.0, unit="bars", start="bar", bpm=97.5, hold=8.0, hold_unit="bars", flip=0.0)
    session.setlist.move(2, 0)
    session.setlist.set_modes(auto=False, unattended=False)
    path = tmp_path / "set.reverie"
    session.save(path)
    kept = [(step.snapshot.name, step.text(), step.flip) for step in session.setlist.steps]
    session.new()
    assert session.setlist.steps == [] and session.setlist.auto
    assert session.open(path) == []
    assert [(step.snapshot.name, step.text(), step.flip) for step in session.setlist.steps] == kept
    assert kept[1][1] == "4 bars, on the bar · 97.5 bpm · stays 8 bars" and not session.setlist.auto
    tree = json.loads(path.read_text())
    tree["setlist"]["steps"] += [{"snapshot": 99}, 7, {"snapshot": 0, "fade": "long"}]
    path.write_text(json.dumps(tree))
    report = session.open(path)
    assert len(report) == 3 and len(session.setlist.steps) == 3
    assert "setlist.steps[3]: it does not name a snapshot" in report[0] and "fade is a number" in report[2]


def test_triggers_of_the_mix_go_through_it(session: Session, hands: Hands) -> None:
    session.mix.set_norm("go", 1.0)
    session.mix.set_norm("go", 0.0)
    session.mix.set_norm("go", 1.0)
    session.pump()
    assert session.setlist.position == 1
    session.mix.set("back", True)
    session.pump()
    assert session.setlist.position == 0


def test_a_step_reads_well(session: Session) -> None:
    look = session.snapshots[0]
    assert Step(look).text() == "2 s" and Step(look, fade=0.0).text() == "cut"
    assert Step(look, 1.0, "bars").text() == "1 bar" and Step(look, 0.0, start="beat").text() == "cut, on the beat"


def test_every_edit_of_the_list_can_be_undone(session: Session, hands: Hands) -> None:
    setlist, looks = session.setlist, list(session.snapshots)
    edits: tuple[Callable[[], object], ...] = (
        lambda: setlist.update(0, hold=7.0), lambda: setlist.move(0, 2), lambda: setlist.remove(1),
        lambda: setlist.add(looks[0], 0), lambda: setlist.set_modes(unattended=True),
        lambda: session.remove_snapshot(looks[1]),
    )
    for edit in edits:
        before = setlist.to_json(), list(session.snapshots)
        edit()
        after = setlist.to_json(), list(session.snapshots)
        assert after != before
        assert session.undo() and (setlist.to_json(), session.snapshots) == before
        assert session.redo() and (setlist.to_json(), session.snapshots) == after
        session.undo()


def test_what_is_undone_leaves_snapshots_that_were_taken_since(session: Session, hands: Hands) -> None:
    setlist = session.setlist
    setlist.remove(0)
    setlist.go()
    pass_time(session, hands, 1.0, 4)
    taken = session.take_snapshot("in mid-fade")
    pass_time(session, hands, 2.0, 4)
    assert session.undo() == "Snapshot Look 0.5" and shown(session) == 0.0 and taken in session.snapshots
    assert session.undo().startswith("Take Look 0.2") and len(setlist.steps) == 3
    assert taken in session.snapshots
    assert session.go_back(0.0) and taken in session.snapshots and len(setlist.steps) == 3


def test_what_a_file_says_besides_is_kept_and_what_is_left_out_is_backed_up(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "set.reverie"
    session.save(path)
    tree = json.loads(path.read_text())
    for place in (tree, tree["mix"], tree["setlist"], tree["setlist"]["steps"][0], tree["snapshots"][0]):
        place["later"] = [1]
    for look in tree["snapshots"]:
        for line in look["state"]["lines"].values():
            for slot in line["slots"]:
                slot.pop("uid")  # a number of this run
    path.write_text(json.dumps(tree))
    assert session.open(path) == []
    session.save()
    assert json.loads(path.read_text()) == tree and not path.with_name(f"{path.name}.bak").exists()
    tree["controls"] = {"bindings": [{"source": {"kind": "smell"}, "target": {"name": "fade"}}]}
    written = json.dumps(tree)
    path.write_text(written)
    assert "smell" in session.open(path)[0]
    session.save()
    assert path.with_name(f"{path.name}.bak").read_text() == written
