"""The conductor as a process: in time, gone with its studio, started again with everything, nothing hanging."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from studio.devices.conductor.client import Conductor
from studio.devices.conductor.tempo import Tempo
from studio.engine.threads import stop_all

ROOT = Path(__file__).resolve().parents[3]


def until(true: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


def read(path: Path) -> list[tuple[float, bytes]]:
    """What was sent, with its times."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [(float(line.split()[0]), bytes.fromhex(line.split()[1])) for line in lines if len(line.split()) == 2]


def sounding(path: Path) -> Counter[tuple[int, int]]:
    """(channel, pitch) of what began and did not end."""
    down: Counter[tuple[int, int]] = Counter()
    for _, message in read(path):
        if message[0] & 0xF0 == 0x90:
            down[message[0] & 15, message[1]] += 1
        elif message[0] & 0xF0 == 0x80:
            down[message[0] & 15, message[1]] -= 1
    return +down


def gone(pid: int) -> bool:
    """Whether a process has ended (one that nobody waited for counts as ended)."""
    try:
        return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return False


@pytest.fixture
def told() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def conductor(told: list[tuple[str, str]]) -> Iterator[Conductor]:
    made = Conductor(lambda out, reason, cure: told.append((out, reason)))
    yield made
    made.close()
    assert not stop_all(8.0)


def begin(conductor: Conductor, rate: float = 2.0) -> float:
    """Beat 0 is now; returns the time."""
    now = time.perf_counter()
    conductor.tempo(Tempo(now, 0.0, rate))
    return now


def test_notes_go_out_in_time_and_the_figures_say_so(conductor: Conductor, tmp_path: Path) -> None:
    log = tmp_path / "sent"
    conductor.open("out", "log", {"path": str(log)})
    conductor.trace(True)
    until(lambda: conductor.state("out")[0])
    now = begin(conductor, 4.0)
    for place in range(40):
        conductor.plan("out", "1", 0, 40 + place, 90, 2.0 + place * 0.1, 2.05 + place * 0.1)
    until(lambda: len(conductor.sent.get("out", [])) == 40)
    due = [now + (2.0 + place * 0.1) / 4.0 for place in range(40)]
    assert [round(at, 5) for at, _ in conductor.sent["out"]] == [round(at, 5) for at in due]
    late = sorted(sent - at for at, sent in conductor.sent["out"])
    assert late[0] >= 0.0, "nothing is early"
    assert late[20] < 0.005, "half of the notes is within 5 ms even on a busy machine"
    until(lambda: not sounding(log))
    assert conductor.figures("out")["sent"] == 40


def test_quiet_and_shut_end_notes(conductor: Conductor, tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    conductor.open("a", "log", {"path": str(first)})
    conductor.open("b", "log", {"path": str(second)})
    until(lambda: conductor.state("a")[0] and conductor.state("b")[0])
    begin(conductor)
    for out in "ab":
        conductor.plan(out, "1", 0, 60, 90, 1.5, 50.0)
        conductor.plan(out, "1", 0, 61, 90, 40.0, 50.0)
    until(lambda: sounding(first) and sounding(second))
    conductor.quiet("a")
    until(lambda: not sounding(first))
    assert sounding(second)
    conductor.shut("b")
    until(lambda: not sounding(second))


def test_a_damaged_output_or_message_is_told_and_stops_nothing_else(
    conductor: Conductor, told: list[tuple[str, str]], tmp_path: Path
) -> None:
    conductor.open("bad", "log", {"path": str(tmp_path / "no" / "such" / "folder")})
    conductor.open("odd", "trumpet", {})
    conductor.open("good", "log", {"path": str(tmp_path / "good")})
    until(lambda: len(told) == 2)
    assert "cannot be written" in told[0][1] and "trumpet" in told[1][1]
    conductor._send("note", "good", "1", "x")
    conductor._send("nonsense", 1, 2)
    conductor._send("note", "good", "1", 0, 60, 90, float("nan"), 1.0)
    begin(conductor)
    conductor.plan("good", "1", 0, 60, 90, 1.5, 1.7)
    until(lambda: len(read(tmp_path / "good")) >= 2)
    assert conductor.alive and conductor.starts == 1


def test_the_killed_process_is_started_again_with_what_was_to_be_played(
    conductor: Conductor, told: list[tuple[str, str]], tmp_path: Path
) -> None:
    log = tmp_path / "sent"
    conductor.open("out", "log", {"path": str(log)})
    until(lambda: conductor.state("out")[0])
    begin(conductor)
    conductor.plan("out", "1", 3, 60, 90, 1.5, 60.0)
    conductor.plan("out", "1", 3, 62, 90, 6.0, 6.5)
    conductor.plan("out", "1", 3, 64, 90, 70.0, 71.0)
    until(lambda: sounding(log))
    until(lambda: conductor.figures("out")["sent"] == 1)
    first = conductor.pid
    os.kill(first, signal.SIGKILL)
    until(lambda: conductor.alive and conductor.pid != first)
    until(lambda: bytes([0x93, 62, 90]) in [m for _, m in read(log)])
    until(lambda: conductor.figures("out")["sent"] >= 2)  # of both processes; one that was due just then comes again
    assert 0.0 < conductor.figures("out")["worst_ever"] < 5.0
    assert next(why for out, why in told if not out and why).startswith("the process that keeps the time ended")
    assert ("", "") in told
    assert conductor.figures("out") is not None and conductor.starts == 2


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGSTOP")
def test_a_process_that_hangs_is_replaced(
    conductor: Conductor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.devices.conductor.client.SILENT", 0.6)
    conductor.open("out", "log", {"path": str(tmp_path / "sent")})
    until(lambda: conductor.alive)
    first = conductor.pid
    os.kill(first, signal.SIGSTOP)

    def replaced() -> bool:
        conductor.look(time.perf_counter())
        return conductor.alive and conductor.pid != first

    until(replaced)
    until(lambda: conductor.state("out")[0])


STUDIO = """
import sys, time
from studio.devices.conductor.client import Conductor
from studio.devices.conductor.tempo import Tempo
c = Conductor()
c.open("out", "log", {"path": sys.argv[1]})
end = time.monotonic() + 30
while not c.state("out")[0]:
    time.sleep(0.01)
    assert time.monotonic() < end
c.tempo(Tempo(time.perf_counter(), 0.0, 2.0))
for pitch in (60, 64, 67):
    c.plan("out", "1", 5, pitch, 90, 1.5, 50.0)
c.control("out", "1", 5, 64, 127, 1.4)
c.plan("out", "1", 5, 72, 90, 30.0, 50.0)
while not c.figures("out").get("sounding") == 3:
    time.sleep(0.01)
    assert time.monotonic() < end
print(c.pid, flush=True)
how = sys.argv[2]
if how == "raise":
    raise RuntimeError("a fault in the studio")
if how == "leave":
    sys.exit(0)
time.sleep(60)
"""


@pytest.mark.parametrize("how", ["kill", "terminate", "raise", "leave"])
def test_whatever_ends_the_studio_its_notes_end(how: str, tmp_path: Path) -> None:
    log = tmp_path / "sent"
    studio = subprocess.Popen([sys.executable, "-c", STUDIO, str(log), how], cwd=ROOT, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
    assert studio.stdout is not None
    pid = int(studio.stdout.readline())
    if how == "kill":
        assert sounding(log) == {(5, 60): 1, (5, 64): 1, (5, 67): 1}
        studio.kill()
    elif how == "terminate":
        studio.terminate()
    until(lambda: gone(pid))
    studio.wait(10)
    studio.stdout.close()
    messages = [message for _, message in read(log)]
    assert not sounding(log)
    assert bytes([0xB5, 64, 127]) in messages and messages.index(bytes([0xB5, 64, 0])) > messages.index(
        bytes([0xB5, 64, 127])), "the pedal comes up"
    assert bytes([0x95, 72, 90]) not in messages


def test_it_starts_quickly_and_loads_nothing_heavy() -> None:
    code = ("import sys, studio.devices.conductor.__main__\n"
            "print(*{'numpy', 'torch', 'PySide6', 'sounddevice', 'rtmidi'} & set(sys.modules))")
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "" and time.perf_counter() - began < 5.0
