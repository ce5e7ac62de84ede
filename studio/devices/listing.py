"""What is connected to this machine, and for what is not: why, and the cure. Nothing here raises or hangs."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from studio import bootstrap

PROBE_SECONDS = 4.0
"""A driver that does not answer within this time is reported as such."""


@dataclass
class Kind:
    """One kind of device: those that are there (name, detail), or the reason that there are none and the cure."""

    name: str
    found: list[tuple[str, str]] = field(default_factory=list)
    reason: str = ""
    cure: str = ""


def list_devices() -> list[Kind]:
    """Processor and GPU, cameras, audio, MIDI ports, screens."""
    probes: dict[str, Callable[[], Kind]] = {
        "compute": compute, "cameras": cameras, "audio": audio, "MIDI": midi, "screens": screens,
    }
    return [_within(name, probe) for name, probe in probes.items()]


def _within(name: str, probe: Callable[[], Kind]) -> Kind:
    """Run a probe with a time limit; every fault becomes a reason."""
    result: list[Kind] = []

    def work() -> None:
        try:
            result.append(probe())
        except Exception as error:
            brief = " ".join(str(error).split())[:160] or type(error).__name__
            result.append(Kind(name, reason=f"asking for them failed ({brief})", cure="see the log; update the driver"))

    # importing torch may take long on a cold disk: the limit is for drivers
    thread = threading.Thread(target=work, daemon=True, name=f"probe {name}")
    thread.start()
    thread.join(60.0 if name == "compute" else PROBE_SECONDS)
    if result:
        return result[0]
    return Kind(name, reason="the driver does not answer", cure="unplug the device or restart the system's service")


_quiet_lock = threading.Lock()
_quiet: list[int] = []
"""The true stderr while it is kept quiet, and how many keep it so."""


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Keep what C libraries (ALSA, JACK) write to stderr from the screen; it says nothing to a user.

    Threads may overlap in it: the first turns it off, the last turns it on again.
    """
    with _quiet_lock:
        if not _quiet:
            sys.stderr.flush()
            _quiet[:] = [os.dup(2), 0]
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 2)
            os.close(null)
        _quiet[1] += 1
    try:
        yield
    finally:
        with _quiet_lock:
            _quiet[1] -= 1
            if not _quiet[1]:
                os.dup2(_quiet[0], 2)
                os.close(_quiet[0])
                _quiet.clear()


def compute() -> Kind:
    """Processor, and GPUs that torch can use."""
    import torch

    kind = Kind("compute")
    threads = torch.get_num_threads()
    kind.found.append(("cpu", f"{os.cpu_count()} cores, torch {torch.__version__} on {threads} threads"))
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        about = torch.cuda.get_device_properties(index)
        kind.found.append((f"cuda:{index}", f"{about.name}, {about.total_memory / 2**30:.0f} GiB"))
    if torch.backends.mps.is_available():
        kind.found.append(("mps", "Apple GPU"))
    if len(kind.found) == 1:
        if bootstrap.has_nvidia_gpu():
            kind.reason = "an NVIDIA GPU is here, but this build of torch cannot use it"
            kind.cure = "remove .venv/ and start main.py again, or install torch for CUDA as pytorch.org shows"
        elif shutil.which("lspci") and "NVIDIA" in _output(["lspci"]):
            kind.reason, kind.cure = "an NVIDIA GPU is here without its driver", "install the NVIDIA driver and restart"
        else:
            kind.reason, kind.cure = "no GPU that torch can use; everything runs on the processor", ""
    return kind


def cameras() -> Kind:
    """Cameras that give a picture when opened."""
    from studio.devices.camera import open_capture

    kind = Kind("cameras")
    if sys.platform.startswith("linux"):
        nodes = sorted(Path("/dev").glob("video[0-9]*"), key=lambda node: int(node.name[5:]))
        if not nodes:
            kind.reason = "no camera is connected (there is no /dev/video*)"
            kind.cure = "plug one in, or use a video file instead"
            return kind
        blocked = [node for node in nodes if not os.access(node, os.R_OK | os.W_OK)]
        if len(blocked) == len(nodes):
            kind.reason = f"{nodes[0]} belongs to another group of users"
            kind.cure = "sudo usermod -aG video $USER, then log in again"
            return kind
        numbers = [int(node.name[5:]) for node in nodes if node not in blocked]
    else:
        numbers = list(range(4))
    for number in numbers:
        with quiet_stderr():
            capture = open_capture(number)
            if capture.isOpened():
                width, height = int(capture.get(3)), int(capture.get(4))
                label = Path(f"/sys/class/video4linux/video{number}/name")
                name = label.read_text(encoding="utf-8").strip() if label.exists() else "camera"
                kind.found.append((f"camera:{number}", f"{name}, {width}x{height}"))
            capture.release()
    if not kind.found:
        kind.reason = "no camera could be opened"
        kind.cure = "close other programs that use it; on macOS allow the terminal under Privacy, Camera"
    return kind


def audio() -> Kind:
    """Sound inputs and outputs."""
    kind = Kind("audio")
    with quiet_stderr():
        try:
            import sounddevice

            devices = list(sounddevice.query_devices())
        except OSError:
            kind.reason = "the system library PortAudio is missing"
            kind.cure = " ".join(bootstrap.install_command(bootstrap.LIBRARIES[:1])) or "install PortAudio"
            return kind
    for index, device in enumerate(devices):
        ins, outs = device["max_input_channels"], device["max_output_channels"]
        rate = device["default_samplerate"]
        kind.found.append((f"{index}: {device['name']}", f"{ins} in, {outs} out, {rate:.0f} Hz"))
    if not kind.found:
        kind.reason = "no sound card is connected, or its server is not running"
        kind.cure = "connect one or start PipeWire or PulseAudio; exports to WAV need none"
    return kind


def midi() -> Kind:
    """MIDI ports, asked of a fresh client: an old one does not see what was plugged in later."""
    import rtmidi

    kind = Kind("MIDI")
    with quiet_stderr():
        try:
            for client, direction in ((rtmidi.MidiIn, "in"), (rtmidi.MidiOut, "out")):
                port = client()
                kind.found += [(name, direction) for name in port.get_ports()]
                port.delete()
        except Exception:  # rtmidi's own SystemError where the sequencer is absent
            if sys.platform.startswith("linux") and not Path("/dev/snd/seq").exists():
                kind.reason, kind.cure = "the ALSA sequencer is missing (no /dev/snd/seq)", "sudo modprobe snd-seq"
            else:
                kind.reason, kind.cure = "the system's MIDI service does not answer", "restart it or the computer"
            return kind
    if not kind.found:
        kind.reason, kind.cure = "no MIDI port is there", "plug in a controller, or start a software synthesizer"
    return kind


def screens() -> Kind:
    """Screens, without a GUI library."""
    kind = Kind("screens")
    if sys.platform == "darwin":
        lines = _output(["system_profiler", "SPDisplaysDataType"]).splitlines()
        sizes = [line.split(":", 1)[1].strip() for line in lines if "Resolution:" in line]
        kind.found = [(f"screen {index}", size) for index, size in enumerate(sizes)]
    elif sys.platform == "win32":
        import ctypes

        metrics = ctypes.windll.user32.GetSystemMetrics
        count, size = metrics(80), f"main screen {metrics(0)}x{metrics(1)}"
        kind.found = [(f"screen {index}", size if index == 0 else "") for index in range(count)]
    else:
        display = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY")
        if not display:
            kind.reason = "no graphical session (neither DISPLAY nor WAYLAND_DISPLAY is set)"
            kind.cure = "start from a desktop; nothing on the command line needs a screen"
            return kind
        for line in _output(["xrandr", "--query"]).splitlines() if shutil.which("xrandr") else []:
            words = line.split()
            if len(words) > 2 and words[1] == "connected":
                size = next((word for word in words if "x" in word and "+" in word), "off")
                kind.found.append((words[0], size))
        if not kind.found:
            kind.found = [(display, "a graphical session")]
    if not kind.found:
        kind.reason, kind.cure = "no screen is connected", "connect one"
    return kind


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PROBE_SECONDS, stdin=subprocess.DEVNULL)
        return done.stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
