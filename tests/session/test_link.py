"""Ableton Link: tempo both ways, the beat approached, nothing where it is not installed. On loopback only."""

from __future__ import annotations

import importlib.util
import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from studio.engine import Clock
from studio.plugins import Registry
from studio.session import link
from studio.session.link import Following
from studio.session.session import Session

ROOT = Path(__file__).resolve().parents[2]


class Time:
    seconds = 10.0

    def __call__(self) -> float:
        return self.seconds


def test_tempo_goes_both_ways_and_is_clamped() -> None:
    now = Time()
    clock = Clock(120.0, now=now)
    following = Following(clock)
    assert following.meet(133.0, 0.0) is None and clock.bpm == 133.0, "who comes takes what is there"
    clock.bpm = 140.0
    assert following.meet(133.0, 0.0) == 140.0
    assert following.meet(140.0, 0.0) is None
    assert following.meet(999.0, 0.0) is None and clock.bpm == 400.0
    assert following.meet(20.0, 0.0) is None and clock.bpm == 20.0


def test_the_beat_is_approached_gently_and_the_bar_is_the_networks() -> None:
    now = Time()
    clock = Clock(120.0, now=now)
    following = Following(clock)
    now.seconds += 3.15
    before = clock.read().beat
    phase = 2.6
    beats = [before]
    for _ in range(200):
        following.meet(120.0, phase % 4.0)
        now.seconds += 0.05
        phase += 0.1
        beats.append(clock.read().beat)
    steps = [late - early for early, late in itertools.pairwise(beats)]
    assert min(steps) > 0.0 and max(steps) < 0.1 * 1.26, "it neither jumps nor runs back"
    assert (clock.read().bar * 4.0 - phase) % 4.0 == pytest.approx(0.0, abs=1e-3) or (
        phase - clock.read().bar * 4.0) % 4.0 == pytest.approx(0.0, abs=1e-3)


def test_where_it_is_missing_the_cure_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVERIE_HOME", str(tmp_path))
    monkeypatch.setattr(link, "installed", lambda: False)
    session = Session(Registry([]))
    try:
        source = next(known for known in session.clock_sources.sources if known.name == "link")
        assert "pip install" in source.missing and "GPL" in source.missing
        session.settings.set("link", True)
        session.link.apply()
        assert session.link._thread is None and source.state().word == "not installed"
    finally:
        session.close()


LOOPBACK = '''
import asyncio, sys, time
import aalink
from studio.plugins import Registry
from studio.session.session import Session

def wait(true, what):
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end, what
        session.pump()
        loop.run_until_complete(asyncio.sleep(0.01))

loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
async def make():
    return aalink.Link(133.0)
other = loop.run_until_complete(make())
other.quantum = 4.0
other.enabled = True
session = Session(Registry([]))
session.clock_sources.choose("link")
session.link.apply()
wait(lambda: session.clock_sources.state().word == "following", "they find each other")
wait(lambda: abs(session.clock.bpm - other.tempo) < 0.05, "one tempo")
session.set_bpm(90.0)
wait(lambda: abs(other.tempo - 90.0) < 0.05, "ours is heard")
other.tempo = 170.0
wait(lambda: abs(session.clock.bpm - 170.0) < 0.05, "theirs is heard")
def apart():
    away = (session.clock.read().bar * 4.0 - other.phase) % 4.0
    return min(away, 4.0 - away)
wait(lambda: apart() < 0.02, "one beat and one bar")
other.enabled = False
wait(lambda: session.clock_sources.state().word == "alone", "alone again")
session.close()
print("in step")
'''


def test_two_programs_on_loopback_share_tempo_and_beat(tmp_path: Path) -> None:
    if importlib.util.find_spec("aalink") is None:
        pytest.skip("aalink, an optional extra, is not installed")
    alone = shutil.which("unshare")
    if alone is None or subprocess.run([alone, "-n", "true"], capture_output=True).returncode:
        pytest.skip("a network of its own cannot be made here, and outside one Link would speak to strangers")
    done = subprocess.run(
        [alone, "-n", "sh", "-c", f'ip link set lo up && exec {sys.executable} -c "$CODE"'], cwd=ROOT, text=True,
        env={**os.environ, "CODE": LOOPBACK, "REVERIE_HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(
            [str(ROOT), os.environ.get("PYTHONPATH", "")])}, capture_output=True, timeout=120)
    assert done.returncode == 0 and "in step" in done.stdout, done.stderr[-2000:]
