"""The studio without a window: lines, edits, undo, files and recovery, with real plugins and threads."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from studio.engine.threads import stop_all
from studio.files import FileError
from studio.plugins import Registry, read_plugin
from studio.session import recovery
from studio.session.session import Session
from tests.stand import until, write_plugin, write_plugins

SOURCE = '''
import numpy as np
from studio.api import Bool, Choice, Float, Generator, Int, Seed, Trigger

class Shade(Generator):
    """One grey."""
    id, version, makes, title = "test.shade", 1, "image", "Shade"
    level = Float(0.25, 0.0, 1.0)
    steps = Int(3, 1, 9)
    kind = Choice("a", ("a", "b"))
    motif = Choice("dog", ("dog", "cat", "bird"))
    seed = Seed(1)
    broken = Bool(False)
    go = Trigger()

    @classmethod
    def choices_now(cls, values, model):
        if values["steps"] == 9:
            raise ValueError("a mistake of the plugin")
        return {"motif": ("dog", "bird"), "other": ("x",)}

    def setup(self, ctx):
        self.count = 0

    def step(self, ctx):
        if self.broken:
            raise ValueError("broken on purpose")
        self.count += 1
        ctx.expose("count", self.count)
        return np.full((8, 8, 3), self.level, np.float32)
'''

EFFECT = '''
from studio.api import Bool, Float, Generator

class Dim(Generator):
    id, version, makes, takes, title = "test.dim", 1, "image", "image", "Dim"
    by = Float(0.5, 0.0, 1.0)
    fails = Bool(False)

    def setup(self, ctx):
        if self.fails:
            raise ValueError("this effect cannot be set up")

    def step(self, ctx):
        return ctx.input * self.by
'''


HELD = '''
import threading
import numpy as np
from studio.api import Generator

class Held(Generator):
    """Steps when it is let."""
    id = "test.held"
    entered, gate = threading.Event(), threading.Event()

    def step(self, ctx):
        Held.entered.set()
        Held.gate.wait(20.0)
        return np.zeros((2, 2, 3), np.uint8)
'''


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setenv("REVERIE_HOME", str(tmp_path / "home"))
    made = Session(Registry(write_plugins(tmp_path, {"shade": SOURCE, "dim": EFFECT, "held": HELD})))
    yield made
    made.close()
    assert not stop_all(5.0)


def level(session: Session, name: str = "A") -> int:
    frame = session.line(name).frame()
    return -1 if frame is None else int(frame[0, 0, 0])


def test_a_generator_is_loaded_and_runs(session: Session) -> None:
    news: list[str] = []
    session.on("line", lambda line: news.append(line.name))
    session.load("A", "test.shade", params={"level": 1.0})
    assert session.decks["A"].state == "loading"
    until(session, lambda: level(session) == 255)
    assert "A" in news and session.decks["A"].state == "running"
    until(session, lambda: session.decks["A"].details(0).get("count", 0) > 3)


def test_what_is_taken_back_before_the_deck_has_taken_it_up_never_runs(session: Session) -> None:
    session.load("A", "test.held")
    until(session, lambda: session.decks["A"].stages() and session.decks["A"].stages()[0].generator.id == "test.held")
    held = cast(Any, session.decks["A"].stages()[0].generator)
    until(session, held.entered.is_set)
    before = session.decks["A"].stages()
    session.add_effect("A", "test.dim", params={"fails": True})
    until(session, lambda: len(session.decks["A"].stages()) == 2)
    worker = session.decks["A"].worker
    assert worker.stages == before and worker.asked == session.decks["A"].stages()
    session.undo()
    assert worker.asked == before == session.decks["A"].stages()
    steps = worker.status().steps
    held.gate.set()
    until(session, lambda: worker.status().steps > steps + 2)
    assert worker.stages == before and not any("cannot be set up" in notice.text for notice in session.notices)


def test_values_and_undo(session: Session) -> None:
    session.load("A", "test.shade")
    until(session, lambda: level(session) == 64)
    for position in np.linspace(0.3, 1.0, 20):
        session.set_norm("A", 0, "level", float(position), gesture=("hold", 1))
    session.end_gesture()
    until(session, lambda: level(session) == 255)
    session.set_value("A", 0, "kind", "b")
    assert session.history.undo_label == "Kind"
    session.undo()
    values = session.decks["A"].stages()[0].values
    assert values["kind"] == "a" and values["level"] == 1.0
    session.undo()  # the whole drag
    until(session, lambda: level(session) == 64)
    session.redo()
    session.redo()
    assert values["kind"] == "b" and values["level"] == 1.0
    assert not session.history.can_redo


def test_undo_leaves_what_others_moved_alone(session: Session) -> None:
    session.load("A", "test.shade")
    until(session, lambda: level(session) >= 0)
    values = session.decks["A"].stages()[0].values
    session.set_value("A", 0, "level", 0.75)
    session.set_value("A", 0, "kind", "b")
    values.set("steps", 7)  # a controller
    session.undo()
    session.undo()
    assert values["level"] == 0.25 and values["kind"] == "a" and values["steps"] == 7


def test_an_effect_comes_and_goes_while_the_source_runs_on(session: Session) -> None:
    session.load("A", "test.shade", params={"level": 1.0})
    until(session, lambda: level(session) == 255)
    before = session.decks["A"].details(0)["count"]
    session.add_effect("A", "test.dim")
    until(session, lambda: level(session) == 128)
    assert session.decks["A"].details(0)["count"] > before  # not begun anew
    session.set_bypass("A", 1, True)
    until(session, lambda: level(session) == 255)
    session.set_bypass("A", 1, False)
    until(session, lambda: level(session) == 128)
    session.remove_stage("A", 1)
    until(session, lambda: level(session) == 255)
    session.undo()
    until(session, lambda: level(session) == 128)
    assert session.decks["A"].details(0)["count"] > before


def test_an_effect_that_cannot_be_set_up_does_not_stop_the_deck(session: Session) -> None:
    session.load("A", "test.shade", params={"level": 1.0})
    until(session, lambda: level(session) == 255)
    session.add_effect("A", "test.dim", params={"fails": True})
    until(session, lambda: any("cannot be set up" in notice.text for notice in session.notices))
    count = session.decks["A"].details(0)["count"]
    until(session, lambda: session.decks["A"].details(0)["count"] > count)
    assert session.decks["A"].state == "running" and level(session) == 255


def test_a_failing_generator_keeps_its_last_picture_and_restarts(session: Session) -> None:
    session.load("A", "test.shade", params={"level": 1.0})
    until(session, lambda: level(session) == 255)
    session.set_value("A", 0, "broken", True)
    until(session, lambda: session.decks["A"].state == "paused")
    assert level(session) == 255 and "broken on purpose" in session.decks["A"].why()
    session.set_value("A", 0, "broken", False)
    session.set_value("A", 0, "level", 0.0)
    session.restart("A")
    until(session, lambda: level(session) == 0)


def test_randomise_keeps_to_the_choices_that_make_sense(session: Session) -> None:
    session.load("A", "test.shade")
    until(session, lambda: session.decks["A"].slots[0].stage is not None)
    values = session.decks["A"].slots[0].stage.values
    seen = set()
    for _ in range(60):
        session.randomise("A", 0, names=["motif"])
        seen.add(values["motif"])
    assert seen == {"dog", "bird"}
    session.set_value("A", 0, "steps", 9)
    for _ in range(60):
        session.randomise("A", 0, names=["motif"])
        seen.add(values["motif"])
    assert seen == {"dog", "bird", "cat"}, "where the plugin cannot say, all of them are taken"


def test_randomise_respects_locks(session: Session) -> None:
    session.load("A", "test.shade")
    until(session, lambda: level(session) >= 0)
    values = session.decks["A"].stages()[0].values
    session.set_lock("A", 0, "level", True)
    for _ in range(20):
        session.randomise("A", 0)
    assert values["level"] == 0.25
    session.set_lock("A", 0, "level", False)
    seen = set()
    for _ in range(5):
        session.randomise("A", 0)
        seen.add(values["level"])
    assert len(seen) == 5
    session.mutate("A", 0, 0.2)
    session.reset_all("A", 0)
    assert values["level"] == 0.25


def test_looks_and_snapshots(session: Session) -> None:
    session.load("A", "test.shade", params={"level": 1.0})
    session.add_effect("A", "test.dim", params={"by": 0.25})
    until(session, lambda: level(session) == 64)
    snapshot = session.take_snapshot("dim")
    session.paste_look("B", session.copy_look("A"))
    until(session, lambda: level(session, "B") == 64)
    session.set_value("A", 0, "level", 0.0)
    session.set_value("B", 0, "level", 0.0)
    until(session, lambda: level(session) == 0 and level(session, "B") == 0)
    session.recall(snapshot)
    until(session, lambda: level(session) == 64)
    session.undo()
    until(session, lambda: level(session) == 0)


def test_back_ten_seconds(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    session.load("A", "test.shade")
    until(session, lambda: level(session) == 64)
    now = [time.monotonic()]
    monkeypatch.setattr("studio.session.history.time.monotonic", lambda: now[0])
    for value in (0.5, 0.75, 1.0):
        now[0] += 5.0
        session.set_value("A", 0, "level", value)
        session.history.sample()
    now[0] += 1.0
    assert session.go_back(10.0)
    assert session.decks["A"].stages()[0].values["level"] == 0.5
    session.undo()
    assert session.decks["A"].stages()[0].values["level"] == 1.0


def test_a_session_file_round_trips(session: Session, tmp_path: Path) -> None:
    session.load("A", "test.shade", params={"level": 1.0})
    session.add_effect("A", "test.dim")
    until(session, lambda: level(session) == 128)
    session.set_lock("A", 0, "level", True)
    session.set_crossfade(0.25)
    session.take_snapshot("first", b"not a picture")
    session.save(tmp_path / "show.reverie")
    assert not session.modified
    session.new()
    assert session.decks["A"].state == "empty" and level(session) == -1
    assert session.open(tmp_path / "show.reverie") == []
    until(session, lambda: level(session) == 128)
    assert session.mix.crossfade == 0.25 and session.is_locked("A", 0, "level")
    assert [snapshot.name for snapshot in session.snapshots] == ["first"]
    session.recall(session.snapshots[0])


def test_an_absent_plugin_keeps_its_data_byte_for_byte(session: Session, tmp_path: Path) -> None:
    file = tmp_path / "show.reverie"
    stage = {"generator": "far.away", "version": 7, "params": {"x": [1, {"y": None}], "z": "ü"}, "own": {"a": 1.5}}
    file.write_text(json.dumps({
        "format": "reverie.session", "format_version": 1, "name": "n",
        "decks": [{"name": "A", "stages": [stage]}], "players": [{"name": "1", "stages": [stage]}],
    }))
    session.open(file)
    session.pump()
    assert session.decks["A"].state == "absent" and "far.away" in session.decks["A"].why()
    session.load("B", "test.shade")
    until(session, lambda: level(session, "B") == 64)
    session.save()
    saved = json.loads(file.read_text())
    assert saved["decks"][0]["stages"] == [stage] and saved["players"][0]["stages"] == [stage]
    assert session.undo() and session.redo()


def test_a_foreign_file_is_refused_and_nothing_is_lost(session: Session, tmp_path: Path) -> None:
    session.load("A", "test.shade")
    until(session, lambda: level(session) == 64)
    (tmp_path / "x.reverie").write_text("[1, 2")
    with pytest.raises(FileError):
        session.open(tmp_path / "x.reverie")
    assert session.decks["A"].state == "running"


def test_wrong_edits_are_sentences(session: Session) -> None:
    assert session.load("A", "test.shad") is None
    assert session.add_effect("A", "nothing") is None
    player = session.add_player()
    assert session.load(player.name, "test.shade") is None
    until(session, lambda: len(session.notices) == 3)
    assert "did you mean" in session.notices[0].text and "a deck" in session.notices[2].text


def test_an_input_that_is_not_there_becomes_the_scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVERIE_HOME", str(tmp_path))
    from studio.plugins import discover

    registry = discover(builtin_only=True)
    registry.add(write_plugin(tmp_path, "dim", EFFECT))
    session = Session(registry)
    try:
        session.load("A", "test.dim")
        session.set_input("A", str(tmp_path / "no.mp4"))
        until(session, lambda: session.decks["A"].frame() is not None)
        until(session, lambda: any("no.mp4" in notice.text for notice in session.notices))
        feed = session.decks["A"].feed
        assert feed is not None and feed.state == "substitute" and "no.mp4" in feed.reason
    finally:
        session.close()
        assert not stop_all(5.0)


KILLED = """
import os, sys, time
from pathlib import Path
from studio.plugins import Registry, read_plugin
from studio.session import storage
from studio.session.session import Session
session = Session(Registry([read_plugin(Path(sys.argv[1]))]))
session.load("A", "test.shade", params={"level": 0.5})
while session.decks["A"].frame() is None:
    session.pump()
    time.sleep(0.01)
session.autosave()
while not session._slot.path.exists():
    time.sleep(0.01)
os.kill(os.getpid(), 9)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL on Windows")
def test_the_state_survives_kill_9(session: Session, tmp_path: Path) -> None:
    assert session.recoverable() == []  # its own slot is no left-over
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "shade.py")], timeout=60, check=False)
    assert killed.returncode == -9
    left = session.recoverable()
    assert len(left) == 1
    session.recover(left[0])
    until(session, lambda: level(session) == 128)
    assert session.modified and session.path is None and session.recoverable() == []


def test_a_clean_end_leaves_nothing(session: Session) -> None:
    session.load("A", "test.shade")
    until(session, lambda: level(session) == 64)
    session.autosave()
    until(session, lambda: any(recovery.recovery_folder().glob("*.reverie")))
    until(session, lambda: not session._writing)
    session.close()
    assert list(recovery.recovery_folder().iterdir()) == []


def test_a_stopped_deck_goes_on_from_where_it_stood(session: Session) -> None:
    session.load("A", "test.shade")
    until(session, lambda: session.decks["A"].details(0).get("count", 0) > 5)
    session.stop("A")
    assert session.decks["A"].state == "stopped"
    mailbox = session.decks["A"].worker.mailbox  # type: ignore[union-attr]
    stood = [-1]

    def still() -> bool:
        last, stood[0] = stood[0], mailbox.put_count
        time.sleep(0.2)
        return last == mailbox.put_count

    until(session, still)
    count = session.decks["A"].details(0)["count"]
    session.start("A")
    until(session, lambda: session.decks["A"].details(0)["count"] > count)
    assert session.decks["A"].details(0)["count"] < count + 50
    session.restart("A")
    until(session, lambda: session.decks["A"].details(0)["count"] < count)


def test_what_a_deck_says_is_logged_once_and_good_news_is_no_warning(
    session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    place = session.registry.get("test.shade").file
    assert place is not None
    broken = place.with_name("broken.py")
    source = SOURCE.replace("test.shade", "test.broken").replace("        return np", "        rain\n        return np")
    broken.write_text(source)
    session.registry.add(read_plugin(broken))
    caplog.set_level("INFO")
    session.load("A", "test.broken")
    until(session, lambda: session.line("A").state == "paused")
    assert "broken.py, line" in session.line("A").why() and "NameError: name 'rain'" in session.line("A").why()
    session.line("A").worker.ladder._better("deck A: back to the full picture")
    until(session, lambda: any(notice.text == "Back to the full picture" for notice in session.notices))
    levels = {notice.text: notice.level for notice in session.notices}
    assert levels.pop("Back to the full picture") == "info" and set(levels.values()) == {"warning"}
    said = [notice.said for notice in session.notices]
    logged = [record.getMessage() for record in caplog.records]
    assert all(logged.count(text) == 1 for text in said), logged
    assert sum("NameError" in text for text in logged) == len([text for text in said if "NameError" in text])
    assert sum(record.exc_info is not None for record in caplog.records) == 1, "the traceback is kept, once"
    assert sum("back to the full picture" in text.lower() for text in logged) == 1
