"""A real plugin file, edited while it runs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.engine import threads
from studio.plugins import user_plugins
from studio.session.live_reload import LiveReload
from studio.session.session import Session
from tests.stand import until

CODE = '''
import numpy as np
from studio.api import Float, Generator


class Flat(Generator):
    """One colour."""

    id, version, makes = "test.flat", 1, "image"
    level = Float(0.5, 0.0, 1.0)

    def step(self, ctx):
        return np.full((16, 16, 3), self.level * WORTH, np.float32)
'''


def write(worth: str, name: str = "flat") -> Path:
    """Save as editors do: a temporary file, renamed."""
    place = user_plugins() / f"{name}.py"
    place.parent.mkdir(parents=True, exist_ok=True)
    temporary = place.with_suffix(".tmp")
    temporary.write_text(CODE.replace("WORTH", worth).replace("test.flat", f"test.{name}"))
    temporary.replace(place)
    return place


@pytest.fixture
def session() -> Iterator[Session]:
    write("0.5")
    made = Session()
    yield made
    made.close()
    assert not threads.stop_all(10.0)


def shown(session: Session) -> int:
    frame = session.line("A").frame()
    return -1 if frame is None else int(frame[0, 0, 0])


def test_a_saved_plugin_shows_its_new_picture_with_the_values_of_before(session: Session) -> None:
    live = LiveReload(session)
    session.load("A", "test.flat")
    until(session, lambda: shown(session) in (63, 64))
    session.set_value("A", 0, "level", 1.0)
    until(session, lambda: shown(session) in (127, 128))
    write("1.0")
    until(session, lambda: shown(session) == 255)
    assert session.line("A").slots[0].stage.values["level"] == 1.0, "the value is kept"

    write("1.0 +")
    until(session, lambda: session.line("A").why())
    assert "the version before goes on" in session.line("A").why() and "flat.py, line 13" in session.line("A").why()
    count = session.line("A").worker.mailbox.put_count
    until(session, lambda: session.line("A").worker.mailbox.put_count > count + 3)
    assert shown(session) == 255 and session.line("A").state == "running", "the old code goes on"
    assert any(notice.level == "error" and "flat.py, line 13" in notice.text for notice in session.notices)

    write("0.25")
    until(session, lambda: shown(session) in (63, 64))
    assert session.line("A").why() == ""
    live.stop()


def test_a_new_file_in_the_folder_is_a_new_plugin(session: Session) -> None:
    live = LiveReload(session)
    saved = [0.0]

    def found() -> bool:
        if time.monotonic() - saved[0] > 1.0:  # the first may be written before the system watches
            saved[0] = time.monotonic()
            write("0.9", "other")
        return any(plugin.id == "test.other" for plugin in session.registry)

    until(session, found)
    until(session, lambda: any("was found" in notice.text for notice in session.notices))
    session.load("A", "test.other")
    until(session, lambda: shown(session) in (114, 115))
    live.stop()
