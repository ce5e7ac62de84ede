"""The studio's side: a generator class that looks like the plugin's own and passes everything on to its process.

The engine treats it as any other generator. When the process dies, the step raises; the engine then makes a new
generator, and with it a new process, with the same values.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import queue
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, ClassVar

from studio.generator import Cancelled, Context, Finished, Generator
from studio.params import Trigger
from studio.params.described import from_dict
from studio.plugins.hosting import wire
from studio.plugins.manifest import PluginError

START_SECONDS = 60.0
"""Until a plugin has been imported; torch takes its time on a cold disk."""

HANG_SECONDS = 5.0
"""A process that says nothing in a step for so long is ended. ``ctx.check()`` is a sign of life."""

SETUP_SECONDS = 120.0
CANCEL_SECONDS = 0.5
_ROOT = Path(__file__).resolve().parents[3]
_alive: weakref.WeakSet[Process] = weakref.WeakSet()


class PluginFault(OSError):  # noqa: N818 - what happened, in a word
    """The plugin's own error, in a sentence that its process made."""

    told = True


class PluginCrash(PluginFault):
    """The plugin's process ended or fell silent; the message says how."""


class Process:
    """One child process with a thread that reads what it says."""

    def __init__(self, place: Path) -> None:
        folders = os.pathsep.join([str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        command = [sys.executable, "-m", "studio.plugins.hosting.child", str(place)]
        self._process = subprocess.Popen(  # noqa: S603 - our own module; containing what the plugin does is its work
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": folders},
        )
        assert self._process.stdout is not None and self._process.stdin is not None
        self._in: IO[bytes] = self._process.stdin
        self._messages: queue.Queue[tuple[dict[str, Any], bytes] | None] = queue.Queue(64)
        self._stopped = False
        out = self._process.stdout
        threading.Thread(target=self._read, args=(out,), name=f"plugin {place.name}", daemon=True).start()
        _alive.add(self)

    def _read(self, out: IO[bytes]) -> None:
        with contextlib.suppress(wire.WireError, OSError, ValueError), out:
            while (found := wire.read(out)) is not None:  # type: ignore[arg-type]
                while not self._stopped:
                    with contextlib.suppress(queue.Full):
                        self._messages.put(found, timeout=0.5)
                        break
                if self._stopped:
                    break
        with contextlib.suppress(queue.Full):
            self._messages.put_nowait(None)

    def send(self, message: dict[str, Any], blob: bytes | memoryview = b"") -> None:
        """Ask for something. Raises PluginCrash."""
        try:
            wire.write(self._in, message, blob)  # type: ignore[arg-type]
        except (OSError, ValueError):
            raise PluginCrash(self.how_it_ended()) from None

    def receive(self, seconds: float, cancelled: Callable[[], bool] = lambda: False) -> tuple[dict[str, Any], bytes]:
        """The next message. Raises PluginCrash when the process ended or was silent too long, and Cancelled."""
        left = seconds
        while left > 0:
            if cancelled():
                raise Cancelled
            try:
                found = self._messages.get(timeout=0.05)
            except queue.Empty:
                left -= 0.05
                if self._process.poll() is not None and self._messages.empty():
                    break
                continue
            if found is None:
                break
            return found
        if left <= 0:
            self.kill()
            raise PluginCrash(f"it hung: no sign of life for {seconds:.0f} s, so its process was ended")
        raise PluginCrash(self.how_it_ended())

    def how_it_ended(self) -> str:
        """A sentence about the process's end."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
        code = self._process.poll()
        if code is None:
            return "its process does not answer"
        if code < 0:
            import signal

            name = signal.Signals(-code).name if -code in {int(known) for known in signal.Signals} else str(-code)
            return f"its process crashed ({name}); nothing else was touched"
        return f"its process ended by itself (exit code {code})"

    def kill(self) -> None:
        """End it now."""
        self._stopped = True
        with contextlib.suppress(OSError):
            self._process.kill()
        with contextlib.suppress(OSError, ValueError):
            self._in.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
        _alive.discard(self)

    def close(self) -> None:
        """Let it end by itself, briefly."""
        with contextlib.suppress(PluginCrash):
            self.send({"op": "close"})
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(CANCEL_SECONDS)
        self.kill()


def _end_all() -> None:
    for process in list(_alive):
        process.kill()


atexit.register(_end_all)


class Hosted(Generator):
    """Base of the stand-ins that ``load_hosted`` makes."""

    _place: ClassVar[Path]
    _process: Process | None = None

    def setup(self, ctx: Context) -> None:
        if self._process is None:
            self._process = Process(self._place)
            self._expect("declared", START_SECONDS, ctx)
        self._process.send({
            "op": "setup", "values": self._json_values(), "seed": ctx.seed, "device": ctx.device, "fps": 1.0 / ctx.dt,
            "size": ctx.size, "bpm": ctx.bpm, "beats_per_bar": ctx.beats_per_bar, "offline": ctx.offline,
        })
        for _ in self._answers(SETUP_SECONDS, ctx):
            pass

    def _json_values(self) -> dict[str, Any]:
        return {name: bool(self._values[name]) if isinstance(param, Trigger) else param.to_json(self._values[name])
                for name, param in self.params.items()}

    def _expect(self, op: str, seconds: float, ctx: Context) -> None:
        assert self._process is not None
        message, _ = self._process.receive(seconds, lambda: _asks(ctx))
        if message["op"] != op:
            raise PluginCrash(str(message.get("text", "it did not start")))

    def step(self, ctx: Context) -> Iterator[Any]:
        if self._process is None:
            self.setup(ctx)  # tried again after a crash
        assert self._process is not None
        content: dict[str, Any] | None = None
        blob: bytes | memoryview = b""
        if self.takes is not None and ctx.input is not None:
            content, blob = wire.pack(ctx.input, self.takes)
        notes = [[float(x) for x in (n.pitch, n.velocity, n.start, n.duration, n.channel)] for n in ctx.notes]
        wishes = {name: value for name, value in ctx.wishes.items() if isinstance(value, (str, bool, int, float))}
        self._process.send({
            "op": "step", "values": self._json_values(), "t": ctx.t, "dt": ctx.dt, "frame": ctx.frame, "beat": ctx.beat,
            "bar": ctx.bar, "bpm": ctx.bpm, "audio": dict(ctx.audio), "notes": notes, "input": content,
            "words": [[piece.player, piece.text] for piece in ctx.words], "size_now": ctx.size, "wishes": wishes,
        }, blob)
        yield from self._answers(HANG_SECONDS, ctx)

    def _answers(self, seconds: float, ctx: Context) -> Iterator[Any]:
        """Parts until the end of the request; notices, details and progress are passed on."""
        process = self._process
        assert process is not None
        try:
            while True:
                message, blob = process.receive(seconds, lambda: _asks(ctx))
                op = message["op"]
                if op == "part":
                    yield wire.unpack(message, blob, self.makes)
                elif op == "end":
                    return
                elif op == "finished":
                    raise Finished
                elif op == "cancelled":
                    raise Cancelled
                elif op == "error":
                    if message.get("memory"):
                        raise MemoryError(str(message["text"]))
                    raise PluginFault(str(message["text"]))
                elif op == "notice":
                    ctx.notice(str(message["text"]))
                elif op == "detail":
                    ctx.expose(str(message["name"]), message["value"])
                elif op == "progress":
                    ctx.check(float(message["done"]))
        except (Cancelled, GeneratorExit):
            self._cancel(process)
            raise
        except PluginCrash:
            self.close()
            raise

    def _cancel(self, process: Process) -> None:
        """Ask a step that nobody wants to end; a process that goes on all the same is ended."""
        with contextlib.suppress(PluginCrash, Cancelled):
            process.send({"op": "cancel"})
            while True:
                message, _ = process.receive(CANCEL_SECONDS)
                if message["op"] in ("cancelled", "end", "error", "finished"):
                    return
        self.close()

    def close(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.close()


def _asks(ctx: Context) -> bool:
    """Whether the step is no longer wanted; a sign of life to the engine as well."""
    try:
        ctx.check()
    except Cancelled:
        return True
    return False


def load_hosted(place: Path, seconds: float = START_SECONDS) -> type[Generator]:
    """A generator class for the plugin at ``place``, whose code is imported in a process only. Raises PluginError."""
    process = Process(place)
    try:
        message, _ = process.receive(seconds)
    except PluginCrash as error:
        raise PluginError(f"the plugin {place.name} does not work: {error}") from None
    finally:
        process.close()
    if message["op"] != "declared":
        raise PluginError(str(message.get("text", f"the plugin {place.name} does not work")))
    return stand_in(message, place)


def stand_in(declared: dict[str, Any], place: Path) -> type[Generator]:
    """The class for what a process declared. Raises PluginError when that makes no sense."""
    try:
        params = {str(name): from_dict(data) for name, data in declared["params"].items()}
        body: dict[str, Any] = {
            **params, "id": str(declared["id"]), "version": int(declared["version"]), "title": str(declared["title"]),
            "makes": declared["makes"], "takes": declared["takes"], "wants": "array", "_place": place,
            "__doc__": str(declared["doc"]), "__module__": __name__,
        }
        made: type[Generator] = type(f"Hosted_{place.stem}", (Hosted,), body)
        return made
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise PluginError(f"the plugin {place.name} declares what cannot be used: {error}") from None
