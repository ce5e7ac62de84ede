"""Pictures of every page of the window, with everything in it really running."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEventLoop
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QApplication, QWidget

from studio.session.session import Session
from studio.ui import theme
from studio.ui.app import FIRST_GENERATOR, FIRST_PRESET, make_application, make_session
from studio.ui.garbage import Garbage
from studio.ui.rail import PAGES
from studio.ui.screenshots_control import control_scenes, sound_check
from studio.ui.screenshots_stage import stage_scenes
from studio.ui.window import MainWindow

Sizes = Sequence[tuple[int, int]]

SIZES: Sizes = ((1280, 720), (1920, 1080))
PATIENCE = 60.0
"""Seconds that a generator may take until its first picture."""

DECKS = (
    ("latent", FIRST_GENERATOR, FIRST_PRESET), ("style", "reverie.style_camera", "starry-night"),
    ("painting", "reverie.style_painting", ""), ("dream", "reverie.deep_dream", "the-long-way"),
)
PLAYERS = (("music", "reverie.midi_sequencer", "evensong"), ("text", "reverie.text_sequencer", "to-be"))


class Photographer:
    """Waits for what should be seen and takes the pictures."""

    def __init__(
        self, folder: Path, window: MainWindow, say: Callable[[str], None], sizes: Sizes = SIZES,
    ) -> None:
        self.folder, self.window, self.say, self.sizes = folder, window, say, sizes
        self.session: Session = window.session
        self.over: Callable[[QPainter], object] | None = None
        """Draws what is a window of its own, such as an open menu, onto the picture."""

    def until(self, true: Callable[[], object], seconds: float = PATIENCE) -> bool:
        """Let the window live until ``true()``; False when it does not come."""
        end = time.monotonic() + seconds
        while not true():
            if time.monotonic() > end:
                return False
            QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)
        return True

    def live(self, seconds: float) -> None:
        """Let the window live for a while."""
        self.until(lambda: False, seconds)

    def take(self, name: str, widget: QWidget | None = None) -> None:
        """One picture at each size."""
        for width, height in self.sizes:
            self.window.resize(width, height)
            self.live(1.2)
            path = self.folder / f"{name}-{width}x{height}.png"
            picture = (widget or self.window).grab()
            if self.over is not None:
                painter = QPainter(picture)
                self.over(painter)
                painter.end()
            if not picture.save(str(path)):
                raise OSError(f"{path} could not be written; choose another folder")
            self.say(path.name)


def take_all(
    folder: Path, say: Callable[[str], None] = print, *, only: str = "", sizes: Sizes = (), look: str = "",
    scale: float = 0.0,
) -> list[Path]:
    """Screenshots of every page into ``folder``; ``only`` a part of their names. Returns the files.

    ``sizes`` are width and height of the window in logical pixels, ``look`` the name of a theme and ``scale`` its
    factor (0.75..2); without them the usual sizes and the user's settings. The screen's own scale comes on top; the
    environment's QT_SCALE_FACTOR plays another screen.
    """
    folder.mkdir(parents=True, exist_ok=True)
    application = make_application()
    garbage = Garbage()
    session = make_session()
    theme.apply(
        application, look or str(session.settings["theme"]), scale or float(session.settings["scale"]))
    window = MainWindow(session)
    sizes = sizes or SIZES
    window.resize(*sizes[0])
    window.show()
    try:
        photographer = Photographer(folder, window, say, sizes)
        for name, work in _scenes(photographer):
            if only in name:
                work()
                photographer.take(name)
    finally:
        window.close_now()
        garbage.end()
    return sorted(folder.glob("*.png"))


def _scenes(photographer: Photographer) -> Iterator[tuple[str, Callable[[], object]]]:
    window, session = photographer.window, photographer.session

    def deck(generator: str, preset: str) -> None:
        window.own.hide_welcome()
        window.show_page("stage")
        before = session.decks["A"].frame()
        session.load("A", generator, preset=preset)
        photographer.until(lambda: session.decks["A"].frame() is not before and session.decks["A"].state == "running")
        photographer.live(9.0)

    def player(generator: str, preset: str) -> None:
        window.own.hide_welcome()
        window.show_page("stage")
        line = session.add_player()
        session.load(line.name, generator, preset=preset)
        photographer.until(lambda: line.state in ("running", "finished"))
        photographer.live(9.0)

    def welcome() -> None:
        deck(FIRST_GENERATOR, FIRST_PRESET)
        window.welcome()

    def perform() -> None:
        deck(FIRST_GENERATOR, FIRST_PRESET)
        window.layout_as("perform")

    def training() -> None:
        page: Any = window.show_page("training")
        photographer.until(lambda: page.ready)
        photographer.live(0.5)

    yield "welcome", welcome
    for name, generator, preset in DECKS:
        yield name, partial(deck, generator, preset)
    for name, generator, preset in PLAYERS:
        yield name, partial(player, generator, preset)
    yield "perform", perform
    yield from stage_scenes(photographer)
    for name, _, _, _ in PAGES[1:]:
        if name == "control":
            yield from control_scenes(photographer)
        elif name == "soundcheck":
            yield name, partial(sound_check, photographer)
        elif name == "training":
            yield name, training
        else:
            yield name, partial(window.show_page, name)
