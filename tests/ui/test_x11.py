"""The real program on a real X server, driven by real key presses and clicks from outside."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

TOOLS = ("Xvfb", "xdotool", "openbox")
ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in TOOLS), reason=f"needs {', '.join(TOOLS)} on the PATH"
)


def until(true: Callable[[], object], seconds: float, what: str) -> None:
    """Wait for a condition outside this process."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.05)


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    """An X server of 1280 x 800 with a window manager."""
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x800x24", "-nolisten", "tcp"], pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as pipe:
        number = pipe.readline().strip()
    name = f":{number}"
    manager = subprocess.Popen(["openbox"], env={**os.environ, "DISPLAY": name}, stderr=subprocess.DEVNULL)
    yield name
    for process in (manager, server):
        process.terminate()
        process.wait(10)


class Studio:
    """The program, as a user starts it."""

    def __init__(self, display: str, home: Path) -> None:
        self.home = home
        environment = {name: value for name, value in os.environ.items() if not name.startswith("QT_")}
        self.environment = {**environment, "DISPLAY": display, "REVERIE_HOME": str(home)}
        self.log = (home.parent / "output.txt").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "studio.cli"], cwd=ROOT, env=self.environment, stdout=self.log, stderr=self.log)

    def do(self, *words: str) -> str:
        """One command of xdotool."""
        done = subprocess.run(["xdotool", *words], env=self.environment, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    def window(self) -> str:
        """The id of the main window, '' while there is none."""
        return self.do("search", "--onlyvisible", "--name", "Reverie Studio").split("\n")[0]

    def frames(self) -> list[Path]:
        """Pictures that were saved."""
        found = (self.home.parent / "exports").rglob("*.png")
        return sorted(path for path in found if not path.name.startswith("."))  # one that is being written


@pytest.fixture
def studio(display: str, tmp_path: Path) -> Iterator[Studio]:
    home = tmp_path / "home"
    (home / "config").mkdir(parents=True)
    exports = tmp_path / "exports"
    exports.mkdir()
    (home / "config" / "settings.json").write_text(
        f'{{"format": "reverie.settings", "format_version": 1, "values": {{"export_folder": "{exports}"}}}}')
    made = Studio(display, home)
    yield made
    if made.process.poll() is None:
        made.process.kill()
        made.process.wait(10)
    made.log.close()


def test_start_save_a_frame_and_quit(studio: Studio) -> None:
    until(studio.window, 60, "no window came")
    window = studio.window()
    studio.do("windowactivate", "--sync", window)

    def saved() -> bool:
        studio.do("key", "--window", window, "F9")
        time.sleep(0.5)  # the key has to travel through the server; asking too often only saves more pictures
        return bool(studio.frames())

    until(saved, 60, "F9 saved no picture")
    from studio.export.recipe import read_recipe

    recipe = read_recipe(studio.frames()[0])
    assert recipe is not None and recipe["stages"][0]["generator"] == "reverie.latent_explorer"
    studio.do("key", "--window", window, "ctrl+q")

    def ended() -> bool:
        # the frames were saved from a session that was not: the question is answered with its default key
        if studio.process.poll() is None:
            studio.do("key", "alt+d")
        return studio.process.poll() is not None

    until(ended, 15, "the studio did not end")
    assert studio.process.returncode == 0


def test_sigterm_is_a_clean_end(studio: Studio) -> None:
    until(studio.window, 60, "no window came")
    studio.process.send_signal(signal.SIGTERM)
    until(lambda: studio.process.poll() is not None, 15, "the studio did not end")
    assert studio.process.returncode == 0
    recovery = studio.home / "data" / "recovery"
    assert not recovery.is_dir() or not list(recovery.iterdir())
