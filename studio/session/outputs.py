"""Ways out of the session beside its screen: other programs, and a browser. All off until they are asked for.

Each way has a thread of its own that composes the programme and hands it on; one that is slow or fails stops alone.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from studio.devices.outputs import Kind, OutputError, Sender, kinds, open_output
from studio.devices.preview import PORT, SIZE, Preview, PreviewError
from studio.engine.threads import PICTURES, spawn
from studio.session.programme import Composer, look

if TYPE_CHECKING:
    from studio.session.core import Core

OUT_SIZE = (1280, 720)
"""Pixels (width, height) that other programs get."""
OUT_FPS = 30.0


@dataclass
class Way:
    """One way out: ``state`` is off, opening, on or failed (with ``reason``); ``sent`` counts frames."""

    kind: Kind
    state: str = "off"
    reason: str = ""
    sent: int = 0
    late: int = 0
    stop: threading.Event = field(default_factory=threading.Event)


class Outputs:
    """See the module. Made and used on the session's thread; news of a change is ``outputs``."""

    def __init__(self, session: Core) -> None:
        self._session = session
        self.ways = {kind.key: Way(kind) for kind in kinds()}
        self.preview = Preview(Composer(SIZE, lambda: look(session)), lambda: facts(session))

    # --- other programs ---

    def start(self, key: str) -> None:
        """Open a way out; it says by a notice when it cannot be. Returns at once. Raises KeyError."""
        way = self.ways[key]
        if way.state in ("opening", "on"):
            return
        way = self.ways[key] = Way(way.kind, "opening")
        spawn(f"reverie output {key}", lambda: self._work(way), way.stop.set, nice=PICTURES)
        self._session.post("outputs")

    def stop(self, key: str) -> None:
        """Close a way out; returns at once."""
        way = self.ways[key]
        way.stop.set()
        if way.state in ("opening", "on"):
            way.state = "off"
        self._session.post("outputs")

    def toggle(self, key: str) -> None:
        """Open or close."""
        (self.stop if self.ways[key].state in ("opening", "on") else self.start)(key)

    def _work(self, way: Way) -> None:
        sender: Sender | None = None
        try:
            sender = open_output(way.kind.key, OUT_SIZE, OUT_FPS)
            if not way.stop.is_set():
                way.state = "on"
                self._session.post("outputs")
                self._session.notice(f"{way.kind.title} is on", source="Output")
            self._send(way, sender)
        except Exception as error:  # a foreign library may raise anything; only this way ends
            way.state, way.reason = "failed", " ".join(str(error).split())[:300] or type(error).__name__
            cure = error.cure if isinstance(error, OutputError) else ""
            self._session.notice(f"{way.reason}; everything else goes on", level="warning", cure=cure, source="Output")
        finally:
            if sender is not None:
                sender.close()
            self._session.post("outputs")

    def _send(self, way: Way, sender: Sender) -> None:
        compose = Composer(OUT_SIZE, lambda: look(self._session))
        due = time.monotonic()
        while not way.stop.is_set():
            sender.send(compose())
            way.sent += 1
            due += 1.0 / OUT_FPS
            now = time.monotonic()
            if due < now:  # too late for that one: no hurrying after it
                way.late, due = way.late + 1, now
            way.stop.wait(due - now)

    # --- the browser ---

    def start_preview(self, port: int = PORT, *, open_to_all: bool = False) -> str:
        """Let a browser look; returns the address with its token. Raises PreviewError with the reason and the cure."""
        if self._session.settings["safe_mode"]:
            raise PreviewError("the studio was started in safe mode, without network ports; start it without")
        self.preview.start(port, open_to_all=open_to_all)
        self._session.post("outputs")
        return self.preview.address

    def stop_preview(self) -> None:
        """Nobody looks any more."""
        self.preview.stop()
        self._session.post("outputs")

    def close(self) -> None:
        """End everything; returns soon."""
        for way in self.ways.values():
            way.stop.set()
        self.preview.stop()


def facts(session: Core) -> dict[str, Any]:
    """What the page below the picture says: short names and values. Any thread may ask."""
    mix = session.mix
    moment = session.clock.read()
    found: dict[str, Any] = {
        "bpm": f"{moment.bpm:.1f}", "beat": int(moment.bar % 1.0 * session.clock.beats_per_bar + 1e-6) + 1}
    for name, line in session.decks.items():
        if not line.slots:
            continue
        status = line.status()
        state = f"{status.fps:.0f} fps" if status.state == "running" and not line.stopped else line.state
        found[name] = " · ".join(part for part in (line.slots[0].title, state, status.rung) if part)
    share = mix.crossfade
    found["mix"] = f"A {1 - share:.0%}" if share < 0.5 else f"B {share:.0%}"
    switches = [word for word, on in (("BLACKOUT", mix.blackout), ("FROZEN", mix.freeze), ("SAFE", mix.safe)) if on]
    if switches:
        found["now"] = " ".join(switches)
    return found
