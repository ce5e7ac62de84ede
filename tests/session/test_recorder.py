"""The recorder of a session: what is seen goes into a file with its recipe and its take, whatever happens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.engine.threads import stop_all
from studio.export import read_recipe
from studio.files import FileError
from studio.session import recording
from studio.session.session import Session
from studio.session.takes import read_take
from tests.session.take_stand import live, make_session
from tests.stand import until

CHILD = Path(__file__).with_name("recorder_child.py")


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setenv("REVERIE_HOME", str(tmp_path / "home"))
    made = make_session(tmp_path)
    made.settings.set("record_size", "640x360")
    made.load("A", "test.teller", params={"level": 1.0})
    until(made, lambda: made.decks["A"].frame() is not None)
    yield made
    made.close()
    assert not stop_all(5.0)


def frames_of(path: Path) -> list[np.ndarray[Any, Any]]:
    import av

    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]


def finished(session: Session) -> recording.Recorded:
    until(session, lambda: session.recorder.state().state == "off" and session.jobs.jobs)
    job = session.jobs.jobs[0]
    until(session, lambda: job.state != "running")
    assert job.state == "done", job.error
    result = job.result()
    assert isinstance(result, recording.Recorded)
    return result


def test_a_film_that_cannot_be_finished_is_offered_again(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> dict[str, Any]:
        raise FileError("cannot write show.mp4: the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(recording, "finish", full)
        assert session.recorder.start("video")
        until(session, lambda: session.recorder.state().seconds > 0.4)
        session.recorder.stop()
        until(session, lambda: session.jobs.jobs and session.jobs.jobs[0].state == "failed")
    left = recording.unfinished()
    assert len(left) == 1 and left[0].part.is_file() and not left[0].final.exists()
    job = session.recorder.finish_left(left[0])
    until(session, lambda: job.state == "done")
    assert left[0].final.is_file() and not left[0].part.exists() and not recording.unfinished()


def test_video_take_and_recipe_of_what_is_seen(session: Session) -> None:
    news: list[str] = []
    session.on("recording", lambda _: news.append(session.recorder.state().state))
    assert session.recorder.start()
    until(session, lambda: session.recorder.state().seconds > 0.4)
    session.mix.set("blackout", True)
    live(session, 0.4)
    state = session.recorder.state()
    assert state.state == "recording" and state.take is not None and state.video is not None and not state.low
    session.recorder.stop()
    made = finished(session)
    assert made.path.parent == session.recorder.folder and made.report["frames"] > 20
    shown = frames_of(made.path)
    assert len(shown) == made.report["frames"] and shown[0].shape == (360, 640)
    bright = [frame[20:50, 200:440].mean() for frame in shown]  # the first row of the teller is its level
    assert bright[2] > 220 and bright[-1] < 5
    recipe = read_recipe(made.path)
    assert recipe["stages"][0]["generator"] == "test.teller" and recipe["take"] == state.take.name
    take = read_take(state.take)
    assert take.whole and abs(take.seconds - made.report["seconds"]) < 0.5 and take.size == (640, 360)
    assert any(event["name"] == "blackout" for event in take.of("mix"))
    assert session.recorder.recordings() and set(session.recorder.recordings()) == {made.path, state.take}
    assert not recording.unfinished() and "recording" in news and news[-1] == "off"


def test_a_take_alone_and_a_wait_for_the_bar(session: Session) -> None:
    session.recorder.start("take", on_bar=True)
    assert session.recorder.state().state == "armed" and session.recorder.active
    bar = int(session.clock.read().bar) + 1
    until(session, lambda: session.recorder.state().state == "recording")
    assert bar <= session.clock.read().bar < bar + 0.5
    state = session.recorder.state()
    assert state.video is None and state.take is not None
    live(session, 0.2)
    session.recorder.toggle()
    assert session.recorder.state().state == "off" and not session.jobs.jobs
    assert read_take(state.take).whole
    session.recorder.start("video", on_bar=True)
    session.recorder.toggle()  # changed their mind
    live(session, 1.1)
    assert session.recorder.state().state == "off"


def test_begun_anew_the_decks_restart_with_the_take(session: Session) -> None:
    runs = session.decks["A"].worker.runs
    session.recorder.start("take", anew=True)
    take = session.recorder.state().take
    until(session, lambda: session.decks["A"].worker.runs > runs)
    live(session, 0.4)
    session.recorder.stop()
    assert take is not None
    chains = list(read_take(take).of("chain"))
    assert chains[-1]["fresh"] and chains[-1]["t"] < 2.0


def test_no_room_is_said_and_nothing_begins(session: Session, monkeypatch: Any) -> None:
    class Usage:
        free = 10**8

    monkeypatch.setattr("shutil.disk_usage", lambda folder: Usage)
    assert not session.recorder.start()
    session.pump()
    assert session.recorder.state().state == "off" and "100 MB are free" in session.notices[-1].text


def test_a_folder_that_cannot_be_is_said(session: Session, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    session.settings.set("record_folder", str(tmp_path / "file" / "inside"))
    assert not session.recorder.start("both")
    session.pump()
    assert session.notices[-1].level == "error" and "folder" in session.notices[-1].text
    assert session.decks["A"].state == "running"


def test_a_disk_that_fills_up_ends_it_and_keeps_everything(session: Session, monkeypatch: Any) -> None:
    session.recorder.start("both")
    until(session, lambda: session.recorder.state().seconds > 0.3)

    class Usage:
        free = 10**7

    monkeypatch.setattr("shutil.disk_usage", lambda folder: Usage)
    until(session, lambda: session.recorder.state().state == "off")
    session.pump()
    assert any("nearly full" in notice.text for notice in session.notices)
    made = finished(session)
    assert not made.report["plain"] and len(frames_of(made.path)) == made.report["frames"]
    take = next(path for path in session.recorder.recordings() if path.suffix == ".take")
    assert read_take(take).whole and session.decks["A"].state == "running"


def test_the_end_of_the_studio_finishes_the_file(session: Session) -> None:
    session.recorder.start("both")
    until(session, lambda: session.recorder.state().seconds > 0.3)
    folder = session.recorder.folder
    session.close()
    names = sorted(path.suffix for path in folder.iterdir())
    assert names == [".mp4", ".take"] and not list(folder.glob("*.part.mp4")) and not recording.unfinished()


def test_a_killed_studio_leaves_its_recording_and_its_take_and_the_next_one_finishes_it(
    session: Session, tmp_path: Path,
) -> None:
    environment = {**os.environ, "REVERIE_HOME": str(tmp_path / "home")}
    with subprocess.Popen([sys.executable, str(CHILD), str(tmp_path)], stdout=subprocess.PIPE, text=True,
                          env=environment) as child:
        assert child.stdout is not None
        seconds = 0.0
        for line in child.stdout:
            if line.startswith("{"):
                seconds = json.loads(line)["seconds"]
                assert not recording.unfinished()  # it lives
                if seconds > 1.5:
                    break
        child.send_signal(signal.SIGKILL) if hasattr(signal, "SIGKILL") else child.kill()
    left = recording.unfinished()
    assert len(left) == 1 and left[0].part.is_file()
    job = session.recorder.finish_left(left[0])
    until(session, lambda: job.state != "running")
    made = job.result()
    assert made.path == left[0].final and made.report["seconds"] > seconds - 1.2
    assert len(frames_of(made.path)) == made.report["frames"] and not recording.unfinished()
    take = read_take(left[0].final.with_suffix(".take"))
    assert not take.whole and take.seconds > seconds - 0.6 and "its end is missing" in take.report[-1]
    levels = [event["value"] for event in take.of("set") if event["name"] == "level"]
    assert len(levels) > 10


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"part": 3, "final": null}', "\0\xff"])
def test_damaged_notes_are_passed_over(session: Session, text: str) -> None:
    folder = Path(os.environ["REVERIE_HOME"]) / "data" / "recordings"
    folder.mkdir(parents=True)
    (folder / "a.json").write_text(text, encoding="latin-1")
    assert recording.unfinished() == []
