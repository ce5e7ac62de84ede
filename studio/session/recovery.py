"""After a crash: the last state of a studio that did not end as it should.

Each running studio owns a slot in the recovery folder: ``NAME.lock``, which it holds locked (the system lets go of it
however the process ends), and ``NAME.reverie``, written every half minute while something changed. A clean end removes
both. A slot whose lock can be taken belonged to a studio that died. Its file is offered, and kept until the user has
decided.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from studio import paths

KEPT = 10
"""Most states of dead studios that are kept."""


@dataclass(frozen=True)
class Recoverable:
    """A state that was left behind; ``when`` is the time (seconds since the epoch) it was written."""

    path: Path
    when: float


def recovery_folder() -> Path:
    return paths.user_folder("data") / "recovery"


def try_lock(file: IO[bytes]) -> bool:
    """Lock a file that stays open; False when another process has it. The system unlocks it when the process ends."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


class RecoverySlot:
    """The slot of this studio. Without a writable folder it does nothing: a show goes on without a net."""

    def __init__(self) -> None:
        self.path: Path | None = None
        self._file: IO[bytes] | None = None
        folder = recovery_folder()
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            place = folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}-{time.monotonic_ns() % 10**6}.lock"
            file = place.open("wb")
            if try_lock(file):
                self._file, self.path = file, place.with_suffix(".reverie")
            else:
                file.close()

    def close(self) -> None:
        """A clean end: nothing is left."""
        if self._file is None or self.path is None:
            return
        self._file.close()
        self._file = None
        for place in (self.path, self.path.with_suffix(".lock")):
            with contextlib.suppress(OSError):
                place.unlink(missing_ok=True)


def recoverable() -> list[Recoverable]:
    """States that dead studios left, the newest first; older ones than KEPT are removed."""
    found: list[Recoverable] = []
    folder = recovery_folder()
    for place in folder.glob("*.lock"):
        try:
            with place.open("rb+") as file:
                if not try_lock(file):
                    continue
                left = place.with_suffix(".reverie")
                if left.is_file():
                    found.append(Recoverable(left, left.stat().st_mtime))
                    continue
            place.unlink(missing_ok=True)
        except OSError:
            continue
    found.sort(key=lambda item: item.when, reverse=True)
    for old in found[KEPT:]:
        discard(old)
    return found[:KEPT]


def discard(item: Recoverable) -> None:
    """Remove a state: it was brought back and saved, or is not wanted."""
    for place in (item.path, item.path.with_suffix(".lock"), item.path.with_name(item.path.name + ".bak")):
        with contextlib.suppress(OSError):
            place.unlink(missing_ok=True)
