"""Training in a process of its own: watched, paused, stopped, gone on with, killed; real processes, tiny networks."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from studio import paths
from studio.engine import threads
from studio.library.models import read_model, verify
from studio.session.session import Session
from studio.session.training import DataCheck, Plan, TrainingRun, discard, free_name, start_training, unfinished
from studio.session.use import place_model
from tests.conftest import ROOT

TINY = {"hidden": "16", "embedding": "8", "layers": "1", "batch": "4", "window": "24", "validate_every": "20"}


def until(true: Callable[[], object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


@pytest.fixture
def words(tmp_path: Path) -> Path:
    chosen = random.Random(1)
    text = " ".join(chosen.choice("rain falls on the old town and nobody sings".split()) for _ in range(3000))
    path = tmp_path / "rain.txt"
    path.write_text(text)
    return path


@pytest.fixture
def session() -> Iterator[Session]:
    made = Session()
    yield made
    made.close()
    assert not threads.stop_all(10.0)


def plan(words: Path, name: str = "rain", **settings: str) -> Plan:
    made = Plan("text", words, name, {**TINY, **settings})
    made.save()
    return made


def test_a_training_is_a_job_and_its_model_is_used(words: Path, session: Session) -> None:
    run = start_training(session, plan(words, steps="60", sample_every="30"))
    assert session.jobs.jobs == [run] and run.state == "running"
    until(lambda: (session.pump(), run.wait(0))[1])
    assert run.state == "done" and run.progress == 1.0 and run.error == ""
    assert run.result() == paths.model_folders()[0] / "rain.safetensors"
    model = read_model(run.result())
    assert model.architecture == "sequence-rnn" and model.card["steps"] == 60 and verify(run.result()) == ""
    assert str(words.parent) not in json.dumps(model.card), "the card must not say on whose machine it was made"
    assert [path.suffix for path in run.samples] == [".txt", ".txt"] and all(path.is_file() for path in run.samples)
    assert [step for step, _ in run.valid["validation_nats_per_character"]] == [20, 40, 60]
    assert run.train["loss"][-1][1] < 3.3 and run.report["files"] == 1
    assert unfinished() == [], "what is done need not be gone on with"
    assert place_model(session, "rain", model.architecture) == ("1", 0)
    until(lambda: (session.pump(), session.players["1"].slots[0].stage)[1])
    assert session.players["1"].slots[0].stage.values["model"] == "rain"
    # once more: the generator that runs gets the model, nothing new is loaded
    assert place_model(session, "shakespeare", model.architecture) == ("1", 0)
    assert session.players["1"].slots[0].stage.values["model"] == "shakespeare"
    session.stop("1")
    assert place_model(session, "rain", model.architecture) == ("1", 0)
    assert not session.players["1"].stopped, "what is used now plays now"
    assert model.title == "rain", "one's own models are told apart by their names"


@pytest.mark.parametrize(("recipe", "model"), [
    ("gan", "flowers"), ("style", "house_styles"), ("features", "dream_features"), ("text", "whitman"),
    ("midi", "chorales"), ("drums", "drums"), ("roll", "chorale_roll"), ("draw", "draw_digits"),
    ("pix2pix", "lines_to_van_gogh"),
])
def test_a_model_of_every_recipe_is_put_where_it_plays(session: Session, recipe: str, model: str) -> None:
    from studio.session.training import fitting_generator, use_model
    from studio.session.use import said_where

    session.load("A", "reverie.sample_scene")  # the show goes on: what is new goes to the deck that is free
    architecture = read_model(paths.find_model(model)).architecture
    place = use_model(session, model, architecture, prefer=fitting_generator(recipe))
    assert place is not None
    line = session.line(place[0])
    assert line.name == ("B" if line.kind == "deck" else "1")
    until(lambda: (session.pump(), line.slots[place[1]].stage)[1])
    slot = line.slots[place[1]]
    assert slot.generator == fitting_generator(recipe) and model in slot.stage.values.dump().values()
    said: list[object] = []
    session.on("notice", said.append)
    said_where(session, model, line.name)
    session.pump()
    assert f"{model} plays in {line.title}" in said[0].text  # type: ignore[attr-defined]
    assert ("crossfader" in said[0].cure) == (line.kind == "deck")  # type: ignore[attr-defined]


def test_a_pause_loses_nothing_and_costs_no_time(words: Path) -> None:
    run = TrainingRun(plan(words, steps="2000000")).start()
    until(lambda: run.step > 20)
    run.pause()
    until(lambda: run.state == "paused")
    assert run.plan.checkpoint.is_file(), "a pause saves first"
    step = run.step
    before = len(run.train["loss"])
    time.sleep(1.3)  # more than a second: a running training would have told a step
    assert run.step == step and len(run.train["loss"]) == before and run.left is None
    run.resume()
    until(lambda: run.state == "running" and run.step > step)
    run.finish()
    assert run.wait(60) and run.state == "done" and run.step < run.steps
    assert read_model(run.result()).card["steps"] == run.step
    seconds = read_model(run.result()).card["seconds"]
    assert seconds < run.elapsed - 1.0, "the pause is no training time"
    assert [item.name for item in unfinished()] == ["rain"], "a model that ended early can be trained further"


def test_stop_and_go_on_gives_what_an_uninterrupted_run_gives(words: Path) -> None:
    whole = TrainingRun(plan(words, "whole", steps="400")).start()
    assert whole.wait(90) and whole.state == "done"
    first = TrainingRun(plan(words, "parts", steps="400", checkpoint_every="50")).start()
    until(lambda: first.step >= 20)
    first.cancel()
    assert first.wait(60) and first.state == "cancelled" and 20 <= first.step < 400
    waiting = unfinished()
    assert [(item.name, item.step, item.steps) for item in waiting] == [("parts", first.step, 400)]
    second = TrainingRun(waiting[0], resume=True).start()
    assert second.wait(90) and second.state == "done"
    figure = "validation_nats_per_character"
    assert second.valid[figure][-1] == whole.valid[figure][-1]
    assert unfinished() == []


def test_a_killed_training_is_a_sentence_and_can_be_gone_on_with(words: Path) -> None:
    run = TrainingRun(plan(words, steps="2000000", checkpoint_every="10")).start()
    until(lambda: any(event["kind"] == "checkpoint" for event in run.events))
    os.kill(next(event["pid"] for event in run.events if event["kind"] == "preparing"), signal.SIGKILL)
    assert run.wait(30) and run.state == "failed"
    assert "ended by the system" in run.error and "last checkpoint" in run.error
    assert [item.name for item in unfinished()] == ["rain"]
    discard(unfinished()[0])
    assert unfinished() == []


def test_bad_data_and_bad_settings_are_sentences(tmp_path: Path, words: Path) -> None:
    empty = tmp_path / "nothing"
    empty.mkdir()
    run = TrainingRun(plan(empty)).start()
    assert run.wait(60) and run.state == "failed"
    assert "holds no .txt files" in run.error and "Traceback" not in run.error
    run = TrainingRun(plan(words, steps="many")).start()
    assert run.wait(60) and run.state == "failed" and "--steps" in run.error
    with pytest.raises(Exception, match="steps"):
        run.result()


def test_stop_before_the_first_step_leaves_no_process(words: Path) -> None:
    run = TrainingRun(plan(words)).start()
    run.cancel()
    assert run.wait(30) and run.state == "cancelled"


def test_the_training_ends_with_the_studio_and_is_saved(words: Path, tmp_path: Path) -> None:
    """The studio is killed: its training sees the end of stdin, writes its checkpoint and goes."""
    plan(words, steps="2000000")
    script = (
        "import sys, time\n"
        "from studio.session.training import TrainingRun, Plan\n"
        "from pathlib import Path\n"
        f"run = TrainingRun(Plan('text', Path({str(words)!r}), 'rain', {({**TINY, 'steps': '2000000'})!r})).start()\n"
        "while run.step < 20: time.sleep(0.01)\n"
        "print([e['pid'] for e in run.events if e['kind'] == 'preparing'][0], flush=True)\n"
        "time.sleep(100)\n"
    )
    studio = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert studio.stdout is not None
    pid = int(studio.stdout.readline())
    studio.kill()
    studio.wait()
    studio.stdout.close()

    def gone() -> bool:
        state = Path(f"/proc/{pid}/stat")
        return not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z"

    until(gone)
    assert [item.name for item in unfinished()] == ["rain"]
    lines = (unfinished()[0].folder / "rain.safetensors.events.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    assert events[-1]["kind"] == "stopped" and events[-1]["step"] >= 20


def test_the_training_lets_others_go_first(words: Path) -> None:
    run = TrainingRun(plan(words, steps="2000000")).start()
    until(lambda: run.step > 1)
    pid = next(event["pid"] for event in run.events if event["kind"] == "preparing")
    assert os.getpriority(os.PRIO_PROCESS, pid) >= os.getpriority(os.PRIO_PROCESS, 0) + 5
    run.kill()
    assert run.wait(30) and run.state == "cancelled"


def test_the_data_check_counts_and_names_what_it_skips(words: Path, tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "good.txt").write_text(words.read_text())
    (folder / "bad.txt").write_bytes(bytes(range(256)) * 50)
    ended: list[DataCheck] = []
    check = DataCheck("text", folder, {"rare": "2"}, ended.append)
    until(lambda: ended)
    assert check.state == "done" and check.report["files"] == 1
    assert "bad.txt" in check.report["skipped"][0] and "not a text file" in check.report["skipped"][0]
    wrong = DataCheck("gan", words, {}, ended.append)
    until(lambda: len(ended) == 2)
    assert wrong.state == "failed" and "not a folder of pictures" in wrong.error


def test_names_of_trainings_are_free() -> None:
    assert free_name("Flowers") == "flowers-2", "house models keep their names"
    assert free_name("Poems & Tales") == "poems-tales"


def test_what_happens_on_the_way_is_said(words: Path, session: Session) -> None:
    """The events of a process that rolled back, ran out of memory and found the disk full, as the user reads them."""
    said: list[object] = []
    session.on("notice", said.append)
    run = start_training(session, plan(words, steps="40"))
    for event in (
        {"kind": "rollback", "step": 30, "reason": "the loss exploded", "to": 20, "factor": 0.25},
        {"kind": "memory", "step": 31, "reason": "CUDA out of memory", "batch": 8, "pieces": 2, "piece": 4, "to": 31},
        {"kind": "unsaved", "step": 32, "message": "cannot write m.ckpt: the disk is full"},
    ):
        run._hear(event)
        assert run.message.startswith(f"step {event['step']}: ")
    assert "back to step 20 at 0.25 times the learning rate" in run.remarks[0]
    assert "a batch of 8 is worked through in 2 pieces" in run.remarks[1] and "disk is full" in run.remarks[2]
    until(lambda: (session.pump(), run.wait(0))[1])
    warnings = [notice for notice in said if notice.level == "warning"]  # type: ignore[attr-defined]
    assert [notice.text for notice in warnings] == [f"rain: {words}" for words in run.remarks]  # type: ignore[attr-defined]
