"""From a bare Python to a running studio: makes ``.venv``, installs the pinned packages, hands over.

Only the standard library is used. Every stage may be interrupted: a stamp in the environment says what is complete
(a hash of pyproject.toml, constraints.txt and the Python version), and what lacks its stamp is done again.
"""

from __future__ import annotations

import contextlib
import ctypes.util
import hashlib
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
"""PyTorch's own index of builds without CUDA; asked only where there is no GPU and pip's sources have no such build."""
SPINNER = "|/-\\"
ALONE = ("tinysoundfont",)
"""Packages that are installed without what they ask for (pyproject.toml says why); the studio runs without them too."""


class SetupError(Exception):
    """Set-up cannot go on; the message says why and what to do."""


@dataclass(frozen=True)
class Library:
    """A system library that a Python package needs on Linux: how to find it, and what each package manager calls it."""

    find: str
    package: str
    purpose: str
    names: dict[str, str]


LIBRARIES = (
    Library("portaudio", "sounddevice", "sound", {
        "apt-get": "libportaudio2", "dnf": "portaudio", "pacman": "portaudio", "zypper": "libportaudio2"}),
    Library("EGL", "PySide6-Essentials", "the window", {
        "apt-get": "libegl1", "dnf": "mesa-libEGL", "pacman": "libglvnd", "zypper": "Mesa-libEGL1"}),
    Library("GL", "PySide6-Essentials", "the window", {
        "apt-get": "libgl1", "dnf": "mesa-libGL", "pacman": "libglvnd", "zypper": "Mesa-libGL1"}),
    Library("xkbcommon", "PySide6-Essentials", "the window", {
        "apt-get": "libxkbcommon0", "dnf": "libxkbcommon", "pacman": "libxkbcommon", "zypper": "libxkbcommon0"}),
    *(
        Library(find, "PySide6-Essentials", "the window on X11", {
            "apt-get": apt, "dnf": other, "pacman": other, "zypper": apt})
        for find, apt, other in (
            ("xcb-cursor", "libxcb-cursor0", "xcb-util-cursor"), ("xcb-icccm", "libxcb-icccm4", "xcb-util-wm"),
            ("xcb-image", "libxcb-image0", "xcb-util-image"), ("xcb-keysyms", "libxcb-keysyms1", "xcb-util-keysyms"),
            ("xcb-render-util", "libxcb-render-util0", "xcb-util-renderutil"),
            ("xcb-shape", "libxcb-shape0", "libxcb"), ("xkbcommon-x11", "libxkbcommon-x11-0", "libxkbcommon-x11"),
        )
    ),
)
INSTALL = {
    "apt-get": ["apt-get", "install", "-y", "--no-install-recommends"], "dnf": ["dnf", "install", "-y"],
    "pacman": ["pacman", "-S", "--noconfirm", "--needed"], "zypper": ["zypper", "--non-interactive", "install"],
}


def missing_libraries(packages: Sequence[str]) -> list[Library]:
    """The system libraries that these packages need and that are not here. Wheels bring them on macOS and Windows."""
    if not sys.platform.startswith("linux"):
        return []
    wanted = [library for library in LIBRARIES if library.package.lower() in {name.lower() for name in packages}]
    return [library for library in wanted if ctypes.util.find_library(library.find) is None]


def install_command(libraries: Sequence[Library]) -> list[str]:
    """The command that installs them with this system's package manager; empty where none is known."""
    for manager, command in INSTALL.items():
        if shutil.which(manager):
            return [*command, *dict.fromkeys(library.names[manager] for library in libraries)]
    return []


def has_nvidia_gpu() -> bool:
    """Whether the NVIDIA driver is loaded."""
    return Path("/proc/driver/nvidia/version").exists() or Path("/dev/nvidiactl").exists()


class Progress:
    """One line that moves on a terminal; plain lines elsewhere. Everything also goes to the log."""

    def __init__(self, log: IO[str]) -> None:
        self.log = log
        self.live = sys.stderr.isatty()
        self.started = time.monotonic()
        self.text = ""

    def say(self, text: str) -> None:
        """A line that stays."""
        self._clear()
        print(text, file=sys.stderr, flush=True)
        self.log.write(text + "\n")

    def stage(self, text: str) -> None:
        """What is going on now."""
        if text != self.text:
            self.text = text
            if not self.live:
                print(f"  {text}", file=sys.stderr, flush=True)
        self.tick()

    def tick(self) -> None:
        """Show that it is alive."""
        if self.live:
            seconds = int(time.monotonic() - self.started)
            width = shutil.get_terminal_size().columns - 1
            line = f"  {SPINNER[seconds % 4]} {seconds // 60}:{seconds % 60:02d}  {self.text}"
            print(f"\r\x1b[K{line[:width]}", end="", file=sys.stderr, flush=True)

    def _clear(self) -> None:
        if self.live:
            print("\r\x1b[K", end="", file=sys.stderr)


class Setup:
    """The environment of one checkout."""

    def __init__(self, root: Path) -> None:
        self.root, self.venv = root, root / ".venv"
        self.stamp, self.log_path = self.venv / "reverie-setup.json", root / "setup.log"
        self.unfinished = self.venv / "reverie-unfinished"
        windows = sys.platform == "win32"
        self.python = self.venv / ("Scripts/python.exe" if windows else "bin/python")
        with (root / "pyproject.toml").open("rb") as file:
            project: dict[str, Any] = tomllib.load(file)["project"]
        self.dependencies: list[str] = project["dependencies"]
        self.extras: dict[str, list[str]] = project["optional-dependencies"]
        digest = hashlib.sha256(repr((sys.version_info[:2], sys.platform, str(root))).encode())
        for name in ("pyproject.toml", "constraints.txt"):
            digest.update((root / name).read_bytes())
        self.hash = digest.hexdigest()

    def done(self) -> list[str] | None:
        """Extras that are completely installed; None when the environment itself is not complete."""
        try:
            stamp = json.loads(self.stamp.read_text(encoding="utf-8"))
            return list(stamp["extras"]) if stamp["hash"] == self.hash and self.python.exists() else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def ensure(self, extras: Sequence[str], *, system: bool) -> None:
        """Make the environment complete, with ``extras``. Raises SetupError."""
        done = self.done()
        if done is not None and set(extras) <= set(done) and not system:
            return
        with self.log_path.open("a", encoding="utf-8") as log:
            show = Progress(log)
            show.say(f"Setting up Reverie in {self.venv} (log: {self.log_path})")
            self._environment(show)
            self._packages(show, extras)
            self._libraries(show, system)
            wanted = sorted({*(done or []), *extras})
            part = self.stamp.with_suffix(".part")
            part.write_text(json.dumps({"hash": self.hash, "extras": wanted}), encoding="utf-8")
            part.replace(self.stamp)
            show.say(f"Set up in {time.monotonic() - show.started:.0f} s.")

    def _environment(self, show: Progress) -> None:
        if self.venv.exists() and not self.unfinished.exists() and self._works():
            return
        if self.venv.exists():
            if self.venv.resolve() == Path(sys.prefix).resolve():
                raise SetupError(f"{self.venv} is damaged and runs this very Python; start main.py with the system's")
            if not (self.unfinished.exists() or (self.venv / "pyvenv.cfg").exists() or not any(self.venv.iterdir())):
                raise SetupError(f"{self.venv} exists and is not a Python environment; move it away and start again")
            show.stage("removing a half-made environment")
            shutil.rmtree(self.venv)
        show.stage("making the environment")
        self.venv.mkdir()
        self.unfinished.touch()
        if self._run([sys.executable, "-m", "venv", str(self.venv)], show) or not self._works():
            version = f"{sys.version_info[0]}.{sys.version_info[1]}"
            raise SetupError(
                f"Python could not make an environment (see {self.log_path}); on Debian and Ubuntu install its venv "
                f"module with: sudo apt-get install python{version}-venv"
            )
        self.unfinished.unlink()

    def _works(self) -> bool:
        code = f"import sys, pip; sys.exit(sys.version_info[:2] != {tuple(sys.version_info[:2])})"
        command = [str(self.python), "-c", code]
        try:
            return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60).returncode == 0
        except (OSError, subprocess.TimeoutExpired):
            return False

    def _pip(self, show: Progress, *arguments: str) -> int:
        command = [
            str(self.python), "-m", "pip", "install", "--no-input", "--disable-pip-version-check",
            "--progress-bar", "off", "-c", str(self.root / "constraints.txt"), *arguments,
        ]
        return self._run(command, show)

    def _packages(self, show: Progress, extras: Sequence[str]) -> None:
        self._light_torch(show)
        wanted = [*self.dependencies, *(package for extra in extras for package in self.extras[extra])]
        if self._pip(show, *wanted):
            tail = "\n".join("    " + line for line in self._tail() if "ERROR" in line)
            raise SetupError(
                f"pip could not install the packages:\n{tail}\n  The whole output is in {self.log_path}. "
                "Check the network or the package index, then start again: what is installed stays."
            )
        for package in ALONE:
            if self._pip(show, "--no-deps", package):
                show.say(f"{package} could not be installed; the rest works without it.")
        # the checkout itself, so that tools started from anywhere find it
        folder = subprocess.check_output(
            [str(self.python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True).strip()
        Path(folder, "reverie_checkout.pth").write_text(f"{self.root}\n", encoding="utf-8")

    def _light_torch(self, show: Progress) -> None:
        """On Linux without an NVIDIA GPU prefer the build of torch without its gigabytes of CUDA packages."""
        if not sys.platform.startswith("linux") or has_nvidia_gpu():
            return
        pin = re.search(r"^torch==(\S+)$", (self.root / "constraints.txt").read_text(encoding="utf-8"), re.M)
        if pin is None:
            return
        show.stage("looking for torch without CUDA (there is no NVIDIA GPU here)")
        light = f"torch=={pin[1]}+cpu"
        if self._pip(show, "--no-deps", light) == 0:
            return
        if self._pip(show, "--no-deps", "--retries", "1", "--timeout", "15", "--index-url", TORCH_CPU_INDEX, light):
            show.say("No CPU build of torch was found; the ordinary one follows, which can take several gigabytes.")

    def _libraries(self, show: Progress, system: bool) -> None:
        missing = missing_libraries([re.split(r"[^\w-]", package)[0] for package in self.dependencies])
        if not missing:
            return
        command = install_command(missing)
        wants = ", ".join(f"{library.find} (for {library.purpose})" for library in missing)
        is_root = getattr(os, "geteuid", lambda: 1)() == 0
        if command and (is_root or system):
            show.stage(f"installing {wants}")
            elevate = [] if is_root else ["sudo"]
            if command[0] == "apt-get":
                self._run([*elevate, "apt-get", "update"], show)
            if self._run([*elevate, *command], show) == 0:
                return
        how = "with your package manager"
        if command:
            how = f"with: sudo {' '.join(command)}   (or start main.py with --system)"
        show.say(f"Missing system library: {wants}; the rest works without it. Install it {how}")

    def _tail(self) -> list[str]:
        return self.log_path.read_text(encoding="utf-8", errors="replace").splitlines()[-40:]

    def _run(self, command: list[str], show: Progress) -> int:
        """Run a command with its output in the log and its state on the progress line; returns its exit code."""
        show.log.write("$ " + " ".join(command) + "\n")
        show.log.flush()
        try:
            process = subprocess.Popen(
                command, stdin=None if command[0] == "sudo" else subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, encoding="utf-8", errors="replace",
                env={**os.environ, "PYTHONUNBUFFERED": "1", "DEBIAN_FRONTEND": "noninteractive"},
            )
        except OSError as error:
            show.log.write(f"{error}\n")
            return 127
        try:
            for line in _lines(process, show):
                show.log.write(line)
                if stage := _stage(line):
                    show.stage(stage)
            return process.wait()
        finally:
            if process.poll() is None:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(10)
            show.log.flush()


def _lines(process: subprocess.Popen[str], show: Progress) -> Iterator[str]:
    """Lines as they come; the progress line ticks while none do."""
    assert process.stdout is not None
    lines: queue.Queue[str | None] = queue.Queue()
    stdout = process.stdout

    def read() -> None:
        for line in stdout:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=0.5)
        except queue.Empty:
            show.tick()
            continue
        if line is None:
            return
        yield line


def _stage(line: str) -> str:
    """What a line of pip's output means to a person; '' for nothing worth saying."""
    line = line.strip()
    if match := re.match(r"(Collecting|Downloading|Using cached|Building wheel for|Processing) (\S+)(.*)", line):
        verbs = {"Collecting": "finding", "Using cached": "using", "Processing": "reading"}
        verb = verbs.get(match[1], match[1].lower())
        name = re.split(r"[<>=!;\[ ]|-\d", match[2].rsplit("/", 1)[-1])[0]
        size = re.search(r"\(([\d.]+ ?[kMG]?B)\)", match[3])
        return f"{verb} {name}" + (f" ({size[1]})" if size else "")
    if line.startswith("Installing collected packages:"):
        count = line.count(",") + 1
        return f"installing {count} packages" if count > 1 else "installing it"
    return ""


def spread(arguments: list[str]) -> list[str]:
    """Options that let the whole suite run on several cores; a few named tests start sooner on one."""
    cores = min(4, os.cpu_count() or 1)
    named = any(not argument.startswith("-") for argument in arguments)
    return [] if named or cores < 2 else ["-n", str(cores), "--dist", "loadfile"]


def main(arguments: list[str], root: Path) -> int:
    """``main.py [--system] [test | COMMAND …]``: set up, then run the tests or the studio's own command line."""
    system = "--system" in arguments[:1]
    arguments = arguments[1:] if system else arguments
    testing = arguments[:1] == ["test"]
    try:
        setup = Setup(root)
        setup.ensure(["test"] if testing else [], system=system)
    except SetupError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except OSError as error:
        where = error.filename or root
        print(f"\nSet-up stopped: {where}: {error.strerror or error}. Mend that and start again.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nSet-up was interrupted; start it again and it goes on from here.", file=sys.stderr)
        return 1
    tail = ["pytest", *spread(arguments[1:]), *arguments[1:]] if testing else ["studio.cli", *arguments]
    command = [str(setup.python), "-m", *tail]
    environment = {**os.environ, "REVERIE_COMMAND": f"{Path(sys.executable).stem} {Path(sys.argv[0]).name}"}
    if testing:
        os.chdir(root)
    if sys.platform == "win32":
        with contextlib.suppress(KeyboardInterrupt):  # the child got the same Ctrl-C and answers it
            return subprocess.call(command, env=environment)
        return 1
    sys.stdout.flush()
    os.execve(command[0], command, environment)  # noqa: S606 - signals and exit code are the studio's own
