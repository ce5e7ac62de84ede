"""The window's actions for recording, and what is done at the start about recordings that were cut off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.session.recording import unfinished
from studio.session.session import Session
from studio.ui.recording.take_dialog import open_take

if TYPE_CHECKING:
    from studio.ui.window import MainWindow


def add_recording(window: MainWindow) -> None:
    """In the menu *Play*: they work from the output window too."""
    add, session, menu = window.actions_.add, window.session, "&Play"
    add(menu, "Record, or end the recording", window.transport.record.toggle, "Shift+F9", icon="record",
        tip="The programme as a video, a take of it, or both, as chosen beside Rec in the bar")
    add(menu, "Record a take alone", lambda: window.transport.record.toggle("take"), "Ctrl+F9", icon="history",
        tip="Every control with its time, to render the show again at any size; again ends it")
    add(menu, "Render a take …", lambda: open_take(session, window), "Ctrl+Shift+F9", icon="film",
        tip="Play a recorded show again into a file, at any size and rate")


def finish_left(session: Session) -> None:
    """Recordings that a studio left when it died become plain files, as jobs; nothing in them is lost."""
    for item in unfinished():
        session.notice(f"The recording {item.part.name} was cut off; it is made whole as {item.final.name}",
                       source="Recording")
        session.recorder.finish_left(item)
