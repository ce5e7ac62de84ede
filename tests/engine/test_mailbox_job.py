"""Mailbox, queue and job: nothing grows, nothing blocks for ever, cancel is heard."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from studio.engine import Job, Mailbox, PartQueue
from studio.engine.threads import running

ROOT = Path(__file__).resolve().parents[2]


def test_newest_wins_and_dropped_are_counted() -> None:
    box: Mailbox[int] = Mailbox()
    assert box.take() is None and box.last is None
    for n in range(5):
        box.put(n)
    assert box.take() == 4 and box.take() is None and box.last == 4
    assert (box.put_count, box.dropped) == (5, 4)
    box.clear()
    assert box.last is None


def test_take_waits_for_a_put_from_another_thread() -> None:
    box: Mailbox[int] = Mailbox()
    threading.Thread(target=lambda: box.put(7)).start()
    assert box.take(timeout=5.0) == 7
    assert box.take(timeout=0.001) is None


def test_a_mailbox_holds_one_item() -> None:
    box: Mailbox[bytearray] = Mailbox()
    import weakref

    class Big(bytearray):
        pass

    first = Big(10)
    gone = weakref.ref(first)
    box.put(first)
    del first
    box.put(Big(10))
    assert gone() is None


def test_the_queue_makes_its_writer_wait_and_loses_nothing() -> None:
    queue: PartQueue[int] = PartQueue(2)
    writer = threading.Thread(target=lambda: [queue.put(n, lambda: False) for n in range(50)])
    writer.start()
    assert [queue.take(timeout=5.0) for _ in range(50)] == list(range(50))
    writer.join(5.0)
    assert not writer.is_alive() and queue.take() is None
    queue.put(1, lambda: False)
    queue.put(2, lambda: False)
    assert queue.put(3, lambda: True) is False and len(queue) == 2
    queue.clear()
    assert len(queue) == 0
    with pytest.raises(ValueError, match="one part or more"):
        PartQueue(0)


def test_a_job_reports_and_returns() -> None:
    told: list[tuple[str, float]] = []

    def work(job: Job[int]) -> int:
        for n in range(10):
            job.check(n / 10, f"part {n}")
        return 42

    job = Job("Count", work, on_change=lambda j: told.append((j.state, j.progress))).start()
    assert job.result() == 42 and job.wait(1.0)
    assert (job.state, job.progress, job.message, job.error) == ("done", 1.0, "part 9", "")
    assert told[0] == ("running", 0.0)
    assert job.left is None and job.elapsed > 0
    with pytest.raises(RuntimeError, match="already started"):
        job.start()


def test_a_job_that_fails_has_a_sentence(caplog: pytest.LogCaptureFixture) -> None:
    def work(job: Job[None]) -> None:
        raise ValueError("the file is missing; choose another")

    job = Job("Export", work).start()
    with pytest.raises(ValueError, match="missing"):
        job.result()
    assert job.state == "failed" and job.error == "Export: the file is missing; choose another"
    assert "Traceback" in caplog.text


def test_a_job_is_cancelled_at_its_next_check() -> None:
    from studio.api import Cancelled

    began = threading.Event()

    def work(job: Job[None]) -> None:
        while True:
            began.set()
            job.check(0.5)

    job = Job("Endless", work).start()
    assert began.wait(5.0)
    job.cancel()
    assert job.wait(5.0)
    assert job.state == "cancelled" and job.error == ""
    with pytest.raises(Cancelled):
        job.result()


def test_time_left_follows_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("studio.engine.job.time.monotonic", lambda: now[0])
    go = threading.Event()
    job: Job[None] = Job("Slow", lambda j: (go.wait(5.0), None)[1])
    job.start()
    assert job.left is None
    now[0] += 10.0
    job.progress = 0.25
    assert job.left == pytest.approx(30.0)
    go.set()
    assert job.wait(5.0)


def test_an_error_in_the_listener_does_not_hurt_the_job(caplog: pytest.LogCaptureFixture) -> None:
    assert Job("J", lambda j: 1, on_change=lambda j: 1 / 0).start().result() == 1
    assert "could not be shown" in caplog.text


EXIT = """
import sys, threading
import numpy as np
from studio.api import Generator
from studio.engine import Deck, Job, Player, Stage
from studio.params import ParamSet
import torch

class Net(Generator):
    id = "t.net"
    def setup(self, ctx): self.net = torch.nn.Conv2d(3, 8, 3, padding=1)
    def step(self, ctx):
        with torch.no_grad(): return self.net(torch.rand(1, 3, 128, 128))[0, :3]

decks = [Deck(f"d{n}") for n in range(2)]
for deck in decks: deck.start([Stage(Net, ParamSet({}))])
job = Job("job", lambda j: [j.check() for _ in iter(int, 1)]).start()
for deck in decks: assert deck.mailbox.take(30) is not None
print("leaving")
"""


@pytest.mark.parametrize("end", ["", "raise SystemExit(3)", "from studio.engine.threads import leave; leave(5)"])
def test_the_process_ends_cleanly_while_decks_and_jobs_run(end: str) -> None:
    """A torch thread that still runs at exit aborts the process (code 134); ours are stopped and joined first."""
    done = subprocess.run([sys.executable, "-c", EXIT + end], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "leaving", done.stderr
    assert done.returncode == (3 if "3" in end else 5 if "5" in end else 0), done.stderr


def test_leave_does_not_wait_for_a_hung_worker() -> None:
    code = (
        "import threading\nfrom studio.engine import threads\nthreads.STOP_SECONDS = 0.2\n"
        "threads.stop_all.__defaults__ = (0.2,)\n"
        "threads.spawn('hung', threading.Event().wait, lambda: None)\nprint('x')\nthreads.leave(4)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout.strip()) == (4, "x"), done.stderr


def test_no_worker_is_left_over() -> None:
    for thread in running():
        thread.join(5.0)
    assert not running()


def test_a_maker_can_wait_until_its_item_was_taken() -> None:
    box: Mailbox[int] = Mailbox()
    assert box.wait_taken(0.0)  # nothing there to take
    box.put(1)
    assert not box.wait_taken(0.001)
    threading.Thread(target=box.take).start()
    assert box.wait_taken(5.0)
