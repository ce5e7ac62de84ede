"""The output window on a real X server with two screens, of which one is unplugged and comes back."""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

TOOLS = ("Xorg", "xrandr", "openbox", "xdotool")
CONFIGURATION = """
Section "Device"
  Identifier "d"
  Driver "dummy"
  VideoRam 256000
EndSection
Section "Monitor"
  Identifier "m"
  HorizSync 5-1000
  VertRefresh 5-200
EndSection
Section "Screen"
  Identifier "s"
  Device "d"
  Monitor "m"
  DefaultDepth 24
  SubSection "Display"
    Depth 24
    Virtual 3840 2160
  EndSubSection
EndSection
Section "ServerFlags"
  Option "AutoAddDevices" "false"
EndSection
"""

pytestmark = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in TOOLS), reason=f"needs {', '.join(TOOLS)} on the PATH"
)


class Desk:
    """A laptop's screen and a projector."""

    def __init__(self, folder: Path) -> None:
        (folder / "xorg.conf").write_text(CONFIGURATION)
        read, write = os.pipe()
        self.server = subprocess.Popen(
            ["Xorg", "-displayfd", str(write), "-config", str(folder / "xorg.conf"), "-logfile",
             str(folder / "xorg.log"), "-noreset", "-nolisten", "tcp", "-novtswitch", "-sharevts"],
            pass_fds=[write], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )
        os.close(write)
        with os.fdopen(read) as pipe:
            number = pipe.readline().strip()
        if not number:
            self.server.wait(10)
            pytest.skip("Xorg with its dummy driver does not start here (it needs root and xserver-xorg-video-dummy)")
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("QT_")},
            "DISPLAY": f":{number}", "REVERIE_HOME": str(folder / "home"), "QT_QPA_PLATFORM": "xcb",
        }
        self.xrandr("--output", "DUMMY0", "--mode", "1280x800", "--pos", "0x0")
        self.xrandr("--addmode", "DUMMY1", "1280x720")
        self.plug()
        self.manager = subprocess.Popen(["openbox"], env=self.environment, stderr=subprocess.DEVNULL)

    def xrandr(self, *words: str) -> None:
        subprocess.run(["xrandr", *words], env=self.environment, check=True, capture_output=True)

    def plug(self, mode: str = "1280x720") -> None:
        self.xrandr("--output", "DUMMY1", "--mode", mode, "--right-of", "DUMMY0")

    def unplug(self) -> None:
        self.xrandr("--output", "DUMMY1", "--off")

    def keys(self, *names: str) -> None:
        subprocess.run(["xdotool", "key", *names], env=self.environment, check=True)

    def end(self) -> None:
        for process in (self.manager, self.server):
            process.terminate()
            process.wait(10)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.end()


class Child:
    """The studio in a process of its own, and everything it says."""

    def __init__(self, desk: Desk) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "output_child.py")], env=desk.environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        self.states: list[dict[str, Any]] = []
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def tell(self, words: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()

    def until(self, what: str, seconds: float = 20.0, **wanted: Any) -> dict[str, Any]:
        """The first state from now on in which everything is as wanted."""
        end = time.monotonic() + seconds
        while True:
            now = self.states[-1] if self.states else {}
            if now and all(now[name] == value for name, value in wanted.items()):
                return now
            try:
                line = self._lines.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"{what}: {self.states[-1:]}") from None
            self.states.append(json.loads(line))

    def end(self) -> None:
        if self.process.poll() is None:
            self.tell("quit")
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        self._reader.join(5)
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture
def child(desk: Desk) -> Iterator[Child]:
    made = Child(desk)
    yield made
    made.end()


def test_it_hides_with_its_screen_and_returns_with_it(desk: Desk, child: Child) -> None:
    start = child.until("two screens", 60, running="running", screens=["DUMMY0", "DUMMY1"])
    assert start["own"] == "DUMMY0" and not start["visible"]
    child.tell("show DUMMY1")
    there = [1280, 0, 1280, 720]
    child.until("the output on the projector", visible=True, on="DUMMY1", area=there)
    for mode, area in (("1280x720", there), ("1024x768", [1280, 0, 1024, 768])):
        before = len(child.states)
        desk.unplug()
        child.until("hidden", visible=False, screens=["DUMMY0"])
        if mode != "1280x720":
            desk.xrandr("--addmode", "DUMMY1", mode)
        desk.plug(mode)
        child.until("back", visible=True, on="DUMMY1", area=area)
        covering = [state for state in child.states[before:] if state["visible"] and state["on"] != "DUMMY1"]
        assert not covering, "it was seen over the controls"
    assert [text for text in child.states[-1]["notices"] if "DUMMY1" in text][:2] == [
        "The output screen DUMMY1 is gone; the output returns with it", "The output is back on DUMMY1"]


def test_another_screen_that_comes_is_not_taken(desk: Desk, child: Child) -> None:
    child.until("two screens", 60, running="running", screens=["DUMMY0", "DUMMY1"])
    child.tell("show DUMMY1")
    child.until("the output on the projector", visible=True, on="DUMMY1")
    desk.unplug()
    child.until("hidden", visible=False, screens=["DUMMY0"])
    desk.xrandr("--addmode", "DUMMY2", "1280x720")
    desk.xrandr("--output", "DUMMY2", "--mode", "1280x720", "--right-of", "DUMMY0")
    child.until("another", screens=["DUMMY0", "DUMMY2"])
    assert not child.states[-1]["visible"]
    desk.xrandr("--output", "DUMMY1", "--mode", "1280x720", "--right-of", "DUMMY2")
    child.until("back on its own", visible=True, on="DUMMY1", area=[2560, 0, 1280, 720])


def test_on_the_only_screen_escape_gives_the_controls_back(desk: Desk, child: Child) -> None:
    child.until("it runs", 60, running="running", own="DUMMY0")
    child.tell("show DUMMY0")
    child.until("over the controls", visible=True, on="DUMMY0", area=[0, 0, 1280, 800])
    subprocess.run(["xdotool", "search", "--sync", "--name", "Reverie output", "windowfocus", "--sync"],
                   env=desk.environment, check=True, timeout=20)
    desk.keys("Escape")
    child.until("closed", visible=False, wanted="")
