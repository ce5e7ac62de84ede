"""A studio that records and is killed: ``recorder_child.py FOLDER``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.session.take_stand import live, make_session
from tests.stand import until


def main() -> None:
    session = make_session(Path(sys.argv[1]))
    session.settings.set("record_size", "640x360")
    session.load("A", "test.teller")
    until(session, lambda: session.decks["A"].frame() is not None)
    session.recorder.start("both")
    for index in range(10_000):
        live(session, 0.05)
        session.set_value("A", 0, "level", (index % 10) / 10)
        print(json.dumps({"seconds": session.recorder.state().seconds}), flush=True)


if __name__ == "__main__":
    main()
