"""A training process that is watched: started at low priority, its events read from a file, words sent to it."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from studio import paths
from studio.engine.threads import spawn

LOOK = 0.1
"""Seconds between two looks at the events."""
_numbers = itertools.count(1)


class TrainChild:
    """``reverie train`` in a process of its own. The callbacks come on the watching thread.

    The process ends with this one: the end of its stdin tells it to write a checkpoint and stop.
    """

    def __init__(
        self, arguments: Sequence[str], on_event: Callable[[dict[str, Any]], None], on_end: Callable[[int, str], None],
    ) -> None:
        """``arguments`` follow ``reverie train``; ``on_end(exit code, last words)`` is called once."""
        self._arguments, self._on_event, self._on_end = list(arguments), on_event, on_end
        self._child: subprocess.Popen[bytes] | None = None
        self._leave, self._lock = threading.Event(), threading.Lock()
        self._killed = False

    def start(self, name: str) -> None:
        """Begin; returns at once."""
        spawn(f"reverie watch {name}", self._watch, self._abandon)

    def say(self, word: str) -> None:
        """Send a word: pause, resume, finish or stop. A process that is gone does not hear it."""
        with self._lock:
            child = self._child
            if child is not None and child.stdin is not None:
                with contextlib.suppress(OSError, ValueError):
                    child.stdin.write(f"{word}\n".encode())
                    child.stdin.flush()

    def kill(self) -> None:
        """End it at once; what it did since its last checkpoint is lost."""
        with self._lock:
            self._killed = True
            if self._child is not None:
                self._child.kill()

    def _abandon(self) -> None:
        """The studio ends: the process saves and ends by itself, nobody waits for it."""
        self._leave.set()

    def _watch(self) -> None:
        folder = paths.user_folder("cache") / "training"
        stem = f"{os.getpid()}-{next(_numbers)}"
        events, words = folder / f"{stem}.jsonl", folder / f"{stem}.txt"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            events.touch()
            self._run(events, words)
        except OSError as error:
            self._on_end(-1, f"the training process could not be started ({error.strerror or error})")
        finally:
            for path in (events, words):
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)

    def _run(self, events: Path, words: Path) -> None:
        root = Path(__file__).resolve().parents[2]
        environment = {
            **os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")])),
            "OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 2) - 1)),
        }
        command = [
            sys.executable, "-m", "studio.cli", "train", *self._arguments, "--events", str(events), "--low-priority",
        ]
        with words.open("wb") as output, self._lock:
            if self._killed or self._leave.is_set():
                self._killed = True
                self._on_end(-9, "")
                return
            self._child = child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=output,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0), start_new_session=os.name == "posix",
            )
        with events.open("rb") as file:
            rest = b""
            while True:
                ended = child.poll() is not None
                block = file.read()
                rest = self._tell(rest + block)
                if ended and not block:
                    break
                if self._leave.is_set():
                    self._let_go(child)
                    return
                if not block and not ended:
                    self._leave.wait(LOOK)
        with self._lock:
            if child.stdin is not None:
                with contextlib.suppress(OSError):
                    child.stdin.close()
        self._on_end(child.returncode, _last_words(words))

    def _tell(self, data: bytes) -> bytes:
        """Hand on the whole lines; returns what follows the last."""
        *lines, rest = data.split(b"\n")
        for line in lines:
            try:
                event = json.loads(line)
            except ValueError:  # the line of a process that died in the middle
                continue
            if isinstance(event, dict):
                self._on_event(event)
        return rest

    def _let_go(self, child: subprocess.Popen[bytes]) -> None:
        with self._lock:
            if child.stdin is not None:
                with contextlib.suppress(OSError):
                    child.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(0.3)
        child.returncode = child.returncode if child.returncode is not None else 0  # it goes on alone, to save


def _last_words(words: Path) -> str:
    """What the process said last on stderr: its own sentence, else the last line."""
    try:
        lines = words.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return ""
    said = [line.strip() for line in reversed(lines) if line.strip()]
    return next((line for line in said if line.startswith("reverie")), said[0] if said else "")[:300]
