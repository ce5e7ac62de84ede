"""A session's players through the conductor's process: a bar ahead, taken back when wanted, no silence, no burst."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.devices.conductor.part import LATE
from studio.engine.threads import stop_all
from studio.plugins import Registry
from studio.session.session import Session
from tests.stand import until, write_plugin

STEPS = '''
import time
from pathlib import Path
from studio.api import Generator, Note, Notes

class Steps(Generator):
    """A note per beat; after two bars it waits until the file "go" is there."""
    id, version, makes, title = "test.steps", 1, "notes", "Steps"

    def setup(self, ctx):
        self.count = 0

    def step(self, ctx):
        while self.count >= 2 and not (Path(__file__).parent / "go").exists():
            ctx.check()
            time.sleep(0.005)
        self.count += 1
        return Notes(tuple(Note(10 * self.count + beat, 64, float(beat), 0.5) for beat in range(4)), 4.0)
'''
BPM = 300.0
BEAT = 60.0 / BPM


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "sent"


@pytest.fixture
def session(tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setenv("REVERIE_HOME", str(tmp_path / "home"))
    made = Session(Registry([write_plugin(tmp_path, "steps", STEPS)]))
    conductor = made.playback.ports.conductor
    opened = conductor.open
    # what would go to a port is written down, by the real process
    monkeypatch.setattr(conductor, "open", lambda out, kind, settings: opened(out, "log", {"path": str(log)}))
    made.add_player()
    made.playback.set_options("1", sink="midi", port="Keys")
    made.set_bpm(BPM)
    until(made, lambda: conductor.state("midi:Keys")[0])
    yield made
    made.close()
    assert not stop_all(8.0)


def read(log: Path) -> list[tuple[float, bytes]]:
    lines = log.read_text().splitlines() if log.exists() else []
    return [(float(row[0]), bytes.fromhex(row[1])) for row in map(str.split, lines) if len(row) == 2]


def begun(log: Path) -> list[tuple[float, int, int]]:
    """(time, pitch, velocity) of every note-on."""
    return [(at, message[1], message[2]) for at, message in read(log) if message[0] & 0xF0 == 0x90]


def down(log: Path) -> Counter[int]:
    keys: Counter[int] = Counter()
    for _, message in read(log):
        if message[0] & 0xE0 == 0x80:
            keys[message[1]] += 1 if message[0] & 0x10 else -1
    return +keys


def test_a_late_model_is_bridged_by_its_last_bar_without_a_gap_or_a_burst(
    session: Session, log: Path, tmp_path: Path
) -> None:
    session.load("1", "test.steps")
    until(session, lambda: len(begun(log)) >= 20)
    (tmp_path / "go").touch()
    until(session, lambda: {pitch for _, pitch, _ in begun(log)} >= {30, 33, 40})
    notes = begun(log)
    bars = [tuple(pitch for _, pitch, _ in notes[place : place + 4]) for place in range(0, 24, 4)]
    assert bars[:2] == [(10, 11, 12, 13), (20, 21, 22, 23)] and bars[2] == bars[1], "the last bar came again"
    gaps = [late - early for (early, *_), (late, *_) in itertools.pairwise(notes)]
    assert max(gaps) < 2.5 * BEAT, "never silence"
    assert min(gaps) > 0.4 * BEAT, "never a burst"
    assert session.playback.playing["1"].notes.loops >= 2
    assert any("is late; the last bar plays again" in notice.text for notice in session.notices)


def test_a_pause_takes_back_what_was_planned_and_going_on_plays_it(session: Session, log: Path, tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    session.load("1", "test.steps")
    until(session, lambda: len(begun(log)) >= 3)
    session.playback.pause("1")
    until(session, lambda: not down(log))
    paused = time.perf_counter()
    end = paused + 6 * BEAT
    until(session, lambda: time.perf_counter() > end)
    early = [pitch for at, pitch, _ in begun(log)]
    assert not [at for at, *_ in begun(log) if at > paused + 0.1]
    session.playback.play("1")
    looks = [time.perf_counter()]

    def six_more() -> bool:
        looks.append(time.perf_counter())
        return len(begun(log)) >= len(early) + 6

    until(session, six_more)
    played = [pitch for _, pitch, _ in begun(log)]
    assert played == sorted(played) and len(set(played)) == len(played), "each once, in order"
    wanted = [10 * bar + beat for bar in range(1, 9) for beat in range(4)]
    missing = [pitch for pitch in wanted if pitch < played[-1] and pitch not in played]
    conductor = session.playback.ports.conductor
    until(session, lambda: conductor.figures("midi:Keys")["dropped"] >= len(missing))  # what was too late is counted
    stood_still = max(late - early for early, late in itertools.pairwise(looks))
    assert not missing or stood_still > LATE, "none left out, unless the machine itself stood still"


def test_tempo_volume_and_panic_count_at_once_though_a_bar_is_planned(
    session: Session, log: Path, tmp_path: Path
) -> None:
    (tmp_path / "go").touch()
    session.set_bpm(100.0)
    session.load("1", "test.steps")
    until(session, lambda: len(begun(log)) >= 2)
    session.set_bpm(BPM)
    session.playback.set_options("1", volume=0.4)
    changed = time.perf_counter() + 0.1
    until(session, lambda: len([at for at, *_ in begun(log) if at > changed]) >= 5)
    later = [(at, velocity) for at, _, velocity in begun(log) if at > changed]
    assert {velocity for _, velocity in later} == {32}
    steps = [late - early for (early, _), (late, _) in itertools.pairwise(later)]
    assert sorted(steps)[len(steps) // 2] == pytest.approx(BEAT, abs=0.05)
    session.playback.panic()
    count = len(begun(log))
    until(session, lambda: len(begun(log)) > count + 3)
    pitches = [pitch for _, pitch, _ in begun(log)]
    assert len(set(pitches)) == len(pitches), "who plays, plays on"
    session.playback.stop("1")
    until(session, lambda: not down(log))


def test_the_song_is_started_stopped_and_gone_on_with_for_whoever_follows(
    session: Session, log: Path, tmp_path: Path
) -> None:
    (tmp_path / "go").touch()
    session.settings.set("clock_out", True)
    session.settings.set("clock_out_port", "Keys")
    session.post("settings")
    session.load("1", "test.steps")
    words: dict[str, Any] = {"start": b"\xfa", "stop": b"\xfc", "go on": b"\xfb"}
    until(session, lambda: len(begun(log)) >= 2)
    sent = read(log)
    start = next(at for at, message in sent if message == words["start"])
    first = begun(log)[0][0]
    assert start <= first + 0.005 and first - start < 0.05, "the song begins with its first note"
    session.playback.pause("1")
    until(session, lambda: words["stop"] in [message for _, message in read(log)])
    session.playback.play("1")
    until(session, lambda: words["go on"] in [message for _, message in read(log)])
    place = next(message for _, message in read(log) if message[0] == 0xF2)
    assert place[1] | place[2] << 7 > 0
    pulses = [at for at, message in read(log) if message == b"\xf8"]
    gaps = sorted(late - early for early, late in itertools.pairwise(pulses))
    assert gaps[len(gaps) // 2] == pytest.approx(BEAT / 24, abs=0.003), "pulses go on whatever the song does"
