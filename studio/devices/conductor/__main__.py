"""The conductor's process: ``python -m studio.devices.conductor``, started and fed by ``client.Conductor``.

One thread keeps the time: it sleeps until shortly before an event, then waits for it. One only takes in bytes, one
only gives out lines, one ends the process should the first hang. Where the system allows it the process comes before
others. It ends, with every note, when its input does.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import threading
import time
from collections import deque
from typing import Any

from studio.devices.conductor.core import Core
from studio.devices.conductor.outputs import Instrument, make
from studio.devices.conductor.wire import VERSION, Lines, decode, encode

SPIN_LEAST, SPIN_MOST = 0.0002, 0.002
"""Seconds before an event from which it is waited for without sleeping: as little as the system's sleep allows."""
TEND, REPORT = 0.05, 0.25
HUNG = 4.0
"""Seconds without a sign of life of the time-keeping thread after which the process is ended (and started again)."""
SLACK = 0.0008
"""Seconds that must be free before messages are read."""
HUNG_CODE = 4
RT = 10
"""Real-time priority, where the system allows one: below that of sound servers."""


class Process:
    """Streams, threads and the loop around ``core.Core``."""

    def __init__(self) -> None:
        self.core = Core(self.tell, make=_make)
        self._heard: deque[bytes] = deque()
        self._lines: deque[bytes] = deque()
        self._said: deque[bytes] = deque(maxlen=2000)  # a studio that does not listen loses news, not notes
        self._wake = threading.Lock()
        self._wake.acquire()
        self._speak = threading.Event()
        self._ended = False
        self._lines_in = Lines()
        self._alive = time.perf_counter()
        self._spin = 0.001
        self._over = 0.0001
        self._tended = self._reported = 0.0

    def tell(self, *message: Any) -> None:
        """Say something to the studio."""
        with contextlib.suppress(ValueError, TypeError):
            self._said.append(encode(*message))
            self._speak.set()

    # --- threads ---

    def listen(self) -> None:
        """Take in what the studio says; its end is ours."""
        while True:
            try:
                data = os.read(0, 65_536)
            except OSError:
                data = b""
            self._heard.append(data)
            with contextlib.suppress(RuntimeError):
                self._wake.release()
            if not data:
                return

    def speak(self) -> None:
        """Give out what there is to say."""
        with contextlib.suppress(OSError):
            while not (self._ended and not self._said):
                self._speak.wait(1.0)
                self._speak.clear()
                while self._said:
                    os.write(1, self._said.popleft())

    def watch(self) -> None:
        """End a process that hangs (in a driver): the studio starts another."""
        while not self._ended:
            time.sleep(HUNG / 4)
            if time.perf_counter() - self._alive > HUNG and not self._ended:
                os._exit(HUNG_CODE)

    # --- the loop ---

    def run(self) -> None:
        """Until the studio says so, or is no more."""
        for work in (self.listen, self.watch):
            threading.Thread(target=work, daemon=True).start()
        speaker = threading.Thread(target=self.speak, daemon=True)
        speaker.start()
        self.tell("ready", VERSION, os.getpid(), time.perf_counter())
        parent = os.getppid()
        _priority(RT + 2)
        try:
            while not self.core.closed:
                self.turn()
                if os.getppid() != parent and os.name == "posix":
                    break
        finally:
            self._alive = time.perf_counter()
            self.core.close()
            self._ended = True
            self._speak.set()
            speaker.join(0.3)

    def turn(self) -> None:
        """One round: an event, a message, or a look at the outputs; else sleep."""
        self._alive = now = time.perf_counter()
        due = self.core.due()
        left = due - now if due is not None else 1.0
        if left <= 0.0:
            self.core.fire(now)
            left = 0.0
        elif left <= self._spin:
            while time.perf_counter() < due:  # type: ignore[operator]
                pass
            self.core.fire(time.perf_counter())
        if self._lines or self._heard:
            self._read(left)
        elif now - self._tended > TEND and (left > 0.003 or now - self._tended > 4 * TEND):
            self._tend(now, left)
        elif left > self._spin:
            self._sleep(now, left - self._spin)

    def _read(self, left: float) -> None:
        """Take messages while there is time: one at the least."""
        until = time.perf_counter() + max(0.0, left - SLACK)
        while True:
            if not self._lines and not self._hear():
                return
            if self._lines:
                message = decode(self._lines.popleft())
                if message is not None:
                    self.core.take(message)
            if time.perf_counter() >= until:
                return
            due = self.core.due()
            if due is not None:
                until = min(until, due - SLACK)

    def _hear(self) -> bool:
        if not self._heard:
            return False
        data = self._heard.popleft()
        if not data:
            self.core.closed = True
            return False
        self._lines.extend(self._lines_in.feed(data))
        return True

    def _tend(self, now: float, left: float) -> None:
        self._tended = now
        self.core.tend(left)
        if now - self._reported > REPORT:
            self._reported = now
            self.core.report()
            if left > 0.05:
                gc.collect(1)

    def _sleep(self, now: float, seconds: float) -> None:
        """Sleep, and learn how exactly this machine wakes up."""
        seconds = min(seconds, max(0.0, self._tended + TEND - now) + 0.001)
        until = now + seconds
        if self._wake.acquire(timeout=seconds):
            return
        over = time.perf_counter() - until
        # quick to grow, slow to shrink: the spin covers nearly every wake-up
        self._over = over if over > self._over else self._over + 0.01 * (over - self._over)
        self._over = min(SPIN_MOST, max(0.0, self._over))
        self._spin = min(SPIN_MOST, max(SPIN_LEAST, 1.5 * self._over))


def come_first() -> list[str]:
    """Ask the system to let this process come before others; what it allowed."""
    got = []
    if sys.platform == "win32":  # its timers are coarse unless asked
        with contextlib.suppress(Exception):
            import ctypes

            ctypes.windll.winmm.timeBeginPeriod(1)
            ctypes.windll.kernel32.SetPriorityClass(ctypes.windll.kernel32.GetCurrentProcess(), 0x80)
            got.append("high priority")
        return got
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, 0, -10)
        got.append("nice -10")
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(RT))
        got.append(f"SCHED_RR {RT}")
    if sys.platform.startswith("linux"):
        with contextlib.suppress(Exception):
            import ctypes

            ctypes.CDLL(None).prctl(29, 1, 0, 0, 0)  # PR_SET_TIMERSLACK: a nanosecond instead of 50 µs
    return got


def _priority(level: int) -> None:
    """Another real-time priority for this thread, and those that it starts, where it has one."""
    with contextlib.suppress(OSError, AttributeError):
        if os.sched_getscheduler(0) == os.SCHED_RR:
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(level))


def _make(kind: str, settings: dict[str, Any]) -> Instrument:
    """An instrument whose threads come after the one that keeps the time."""
    _priority(RT)
    try:
        return make(kind, settings)
    finally:
        _priority(RT + 2)


def _ask_to_end(process: Process) -> None:
    def end(*_: object) -> None:
        process.core.closed = True

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is the studio's, which then says goodbye
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), end)


def main() -> int:
    """Run until the end of the input."""
    with contextlib.suppress(OSError):  # what C libraries write says nothing to a user; ours goes through ``tell``
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 2)
        os.close(null)
    os.environ.setdefault("JACK_NO_START_SERVER", "1")
    sys.setswitchinterval(0.0005)
    process = Process()
    _ask_to_end(process)
    for what in come_first():
        process.tell("log", what)
    gc.collect()
    gc.freeze()
    gc.disable()  # by hand, when nothing is due
    process.run()
    return 0


if __name__ == "__main__":
    os._exit(main())  # nothing of a driver is unwound: everything has been closed by hand
