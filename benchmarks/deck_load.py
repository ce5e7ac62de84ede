"""Does loading a model into deck B make deck A late? Real generators, real models, the session as the window uses it.

    python benchmarks/deck_load.py [--seconds 6] [--fps 12] [--a ID] [--b ID ...]

Deck A plays; after a while of playing alone, B gets one generator after another. Printed are the times between A's
frames in units of one frame time: alone, while B imports, loads and makes its first picture, and while both play. The
aim for loading is that no frame comes more than 1.5 frame times late. What B's own work costs once it plays is another
matter: two networks share one processor, and the figure "both" says how. On a machine that is busy with other things
the row "A alone" is late already, and the others say nothing.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Callable

from studio.engine.threads import leave
from studio.session.session import Session

LATE = 1.5


class Watch:
    """When each frame of a deck came, seen from a thread of its own."""

    def __init__(self, session: Session, name: str) -> None:
        self._mailbox = session.decks[name].worker.mailbox
        self._end = threading.Event()
        self.times: list[float] = []
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._end.is_set():
            if self._mailbox.take(0.1) is not None:
                self.times.append(time.perf_counter())

    def between(self, start: float, end: float, frame: float) -> list[float]:
        """Gaps, in frame times, that end in this span."""
        pairs = zip(self.times, self.times[1:], strict=False)
        return [(late - early) / frame for early, late in pairs if start <= late <= end]

    def stop(self) -> None:
        self._end.set()
        self._thread.join(1.0)


def pump(session: Session, seconds: float, until: Callable[[], object] = lambda: False) -> float:
    """The window's timer, without a window; returns the longest turn in milliseconds."""
    end, longest = time.perf_counter() + seconds, 0.0
    while time.perf_counter() < end and not until():
        began = time.perf_counter()
        session.pump()
        longest = max(longest, time.perf_counter() - began)
        time.sleep(0.016)
    return longest * 1000.0


def row(what: str, gaps: list[float], note: str = "") -> float:
    """One line of the table; returns how late the latest frame was, in frame times."""
    if not gaps:
        print(f"{what:<38} no frames {note}")
        return float("inf")
    ordered = sorted(gaps)
    latest = ordered[-1] - 1.0
    print(f"{what:<38} {len(gaps):>6} {ordered[len(gaps) // 2]:>8.2f} {ordered[round(0.99 * (len(gaps) - 1))]:>8.2f} "
          f"{latest:>8.2f} {sum(gap > 1.0 + LATE for gap in gaps):>6}  {note}")
    return latest


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--fps", type=float, default=12.0, help="of both decks; A must be able to hold it alone")
    parser.add_argument("--a", default="reverie.latent_explorer")
    parser.add_argument("--b", nargs="+", default=["reverie.latent_explorer", "reverie.style_camera",
                                                  "reverie.deep_dream"])
    options = parser.parse_args()
    sys.setswitchinterval(0.0005)  # as the studio does
    session = Session()
    frame = 1.0 / options.fps
    for deck in session.decks.values():
        deck.degrades = False  # what is measured is the loading, at one size
        deck.worker.fps = options.fps
    session.load("A", options.a, params={"size": 256} if options.a == "reverie.latent_explorer" else None)
    pump(session, 60.0, lambda: session.decks["A"].frame() is not None)
    pump(session, 2.0)
    watch = Watch(session, "A")
    print(f"A: {options.a} at {options.fps:g} fps; gaps in frame times; late: more than {LATE:g} of them too late\n")
    print(f"{'':<38} {'frames':>6} {'median':>8} {'p99':>8} {'latest':>8} {'late':>6}")
    start = time.perf_counter()
    pump(session, options.seconds)
    row("A alone", watch.between(start, time.perf_counter(), frame))
    worst = 0.0
    for name in options.b:
        session.clear_line("B")
        pump(session, 1.0)
        # B holds still after its first picture, so that what is measured is the loading and not two decks at work
        start = time.perf_counter()
        session.load("B", name)
        turn = pump(session, 60.0, lambda: session.decks["B"].frame() is not None)
        session.stop("B")
        pump(session, 0.3)
        loaded = time.perf_counter()
        worst = max(worst, row(f"B loads {name}", watch.between(start, loaded, frame),
                               f"{loaded - start:.1f} s; longest turn of the window's timer {turn:.0f} ms"))
        session.start("B")
        start = time.perf_counter()
        pump(session, options.seconds)
        row(f"both play, B {name}", watch.between(start, time.perf_counter(), frame))
    watch.stop()
    session.close()
    print(f"\nlatest frame of A while B was loaded: {worst:.2f} frame times late (aim: at most {LATE:g})")
    leave(0)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
