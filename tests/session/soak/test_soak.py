"""The soak's score is the same for the same seed and leaves nothing out; its figures and its verdict are right."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.cli import main
from studio.session.soak.acts import ACTS
from studio.session.soak.faulty import FAULTS, SOURCE
from studio.session.soak.figures import Held, Levels, Pace, held
from studio.session.soak.report import GROWTH, Report
from studio.session.soak.score import FIRST, LAST, PERIODS, compose


@given(st.integers(0, 2**32 - 1), st.floats(12.0, 1000.0))
def test_a_seed_gives_one_score_in_order_and_in_time(seed: int, seconds: float) -> None:
    events = compose(seed, seconds)
    assert events == compose(seed, seconds)
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert all(FIRST <= event.at <= max(FIRST, seconds - LAST) for event in events)
    assert {event.act for event in events} <= set(ACTS)


@given(st.integers(0, 2**32 - 1))
def test_two_minutes_hold_every_act_and_every_fault(seed: int) -> None:
    events = compose(seed, 120.0)
    assert {event.act for event in events} == set(PERIODS) == set(ACTS)
    assert {event.detail for event in events if event.act == "fault"} == set(FAULTS)


def test_the_faults_are_those_that_the_plugin_has() -> None:
    compile(SOURCE, "faulty.py", "exec")
    assert all(f'self.fault == "{fault}"' in SOURCE for fault in FAULTS)


def test_a_gap_of_more_than_one_and_a_half_periods_is_late() -> None:
    pace = Pace(0.1)
    for now in (0.0, 0.1, 0.2, 0.34, 0.5):
        pace.mark(now)
    assert (pace.count, pace.late) == (5, 1) and pace.worst == pytest.approx(0.16)
    pace.pause()
    pace.mark(9.0)  # not compared with what was before the pause
    assert pace.late == 1


def _report(*memory: float, planned: float = 3600.0, threads: int = 9) -> Report:
    levels = Levels([(5.0 * at, Held(value, 9, 20, 1)) for at, value in enumerate(memory)])
    levels.rows.append((9999.0, Held(memory[-1], threads, 20, 1)))
    report = Report(1, planned)
    report.take(Pace(0.1), {}, levels)
    return report


def test_memory_that_grows_is_a_fault_in_a_long_show_only() -> None:
    flat, grown = [100.0] * 40, [100.0] * 20 + [100.0 + 2 * n for n in range(20)]
    assert not _report(*flat).faults
    assert _report(*grown).growth > GROWTH and "memory grew" in _report(*grown).faults[0]
    assert not _report(*grown, planned=60.0).faults


def test_threads_stuck_notes_and_what_was_not_survived_are_faults() -> None:
    report = _report(*[100.0] * 9, threads=99)
    assert report.faults == ["threads: 9 at first, 99 at the end"]
    report.stuck, report.left_behind = 2, ["reverie deck A"]
    report.failures.append("12 s, fault hang: not within 30 s")
    assert len(report.faults) == 4
    assert [what for what, _ in report.rows()].count("NOT SURVIVED") == 4
    json.dumps(report.to_json())


def test_what_the_process_holds_is_told() -> None:
    now = held()
    assert now.threads >= 1 and now.memory >= 0.0


def test_the_command_lists_what_would_happen(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["soak", "--minutes", "2", "--seed", "5", "--list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [event["act"] for event in listed] == [event.act for event in compose(5, 120.0)]
    assert main(["soak", "--minutes", "0"]) == 2
    assert "between" in capsys.readouterr().err
