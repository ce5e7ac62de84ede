"""Pictures of a show: a set list with looks that differ, words on stage, sound in, and the menus of Rec and Output."""

from __future__ import annotations

import math
import tempfile
import wave
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QPoint
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QMenu, QToolButton

from studio.control.modulators import FromAudio
from studio.ui import layouts

if TYPE_CHECKING:
    from studio.ui.screenshots import Photographer

LATENT, SCENE, WORDS = "reverie.latent_explorer", "reverie.sample_scene", "reverie.words"
SIZE = (480, 360)
DECKS = (("A", "golden-hour"), ("B", "red-sunset"))
SET: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("Doors open", SCENE, "autumn-mist", {"fade": 8.0}),
    ("Lake", SCENE, "golden-hour", {"fade": 1.0, "unit": "bars", "start": "bar", "bpm": 96.0}),
    ("Garden", LATENT, "garden-walk", {"fade": 2.0, "unit": "bars", "start": "bar", "bpm": 112.0}),
    ("Kaleidoscope", LATENT, "mandala-loop", {"fade": 0.0, "start": "beat", "bpm": 128.0, "hold": 32.0,
                                              "hold_unit": "bars"}),
    ("Encore", SCENE, "moonlit", {"fade": 16.0, "unit": "beats", "bpm": 120.0}),
)
"""Looks of the set: name, generator, preset and step."""
RATE = 48_000
MARGIN = 8
"""Pixels between a menu and the edge of the window."""


def stage_scenes(photographer: Photographer) -> Iterator[tuple[str, Callable[[], object]]]:
    """The scenes, each of which brings about by itself what it shows."""
    yield "setlist", partial(set_list, photographer)
    yield "words", partial(_words, photographer)
    folder = tempfile.TemporaryDirectory(prefix="reverie-pictures-", ignore_cleanup_errors=True)
    yield "sound-in", partial(_sound, photographer, Path(folder.name))
    photographer.session.controls.audio.set(source="off")
    folder.cleanup()
    for name, button in (("menu-rec", "record"), ("menu-output", "output")):
        yield name, partial(_menu, photographer, button)
        photographer.over = None


def set_list(photographer: Photographer) -> None:
    """Five looks in the set list, the second one playing, another on deck B."""
    window, session = photographer.window, photographer.session
    window.own.hide_welcome()
    window.show_page("stage")
    if not session.setlist.steps:
        for name, generator, preset, step in SET:
            _deck(photographer, "A", generator, preset)
            window.take_snapshot()
            session.snapshots[-1].name = name
            session.setlist.add(session.snapshots[-1])
            session.setlist.update(len(session.setlist.steps) - 1, **step)
        session.setlist.jump(1)
        photographer.until(lambda: not session.fades.active)
    _show(photographer)
    window.layout_as(layouts.PERFORM)
    window.docks["inspector"].hide()
    _dock(photographer, "setlist")
    window.setlist.list.setCurrentRow(1)
    photographer.live(6.0)


def _words(photographer: Photographer) -> None:
    """What a text player writes, over the picture."""
    window, session = photographer.window, photographer.session
    _show(photographer)
    _deck(photographer, "A", SCENE, "moonlit")  # light letters are read best on a dark picture
    if len(session.decks["A"].slots) < 2:
        session.add_effect("A", WORDS, preset="poem")
        player = session.add_player()
        session.load(player.name, "reverie.text_sequencer", preset="leaves-at-dusk")
        photographer.until(lambda: player.state == "running")
    session.select("A", 1)
    window.layout_as(layouts.PERFORM)
    photographer.live(20.0)


def _sound(photographer: Photographer, folder: Path) -> None:
    """A file that is heard, and what it moves."""
    window, session, controls = photographer.window, photographer.session, photographer.session.controls
    _show(photographer)
    path = folder / "four to the floor.wav"
    _beat(path)
    controls.audio.set(source="file", file=str(path), aloud=False)
    if not any(isinstance(modulator, FromAudio) for modulator in controls.modulators):
        controls.add_modulator(FromAudio("Thump", feature="bass"))
        controls.route("Thump", controls.target("A", 0, "clouds"), 0.6)
    session.select("A", 0)
    window.layout_as(layouts.PERFORM)
    _dock(photographer, "sound")
    photographer.until(lambda: controls.audio.values["confidence"] > 0.3, 30.0)
    photographer.live(4.0)


def _menu(photographer: Photographer, name: str) -> None:
    """One of the bar's menus, open."""
    _show(photographer)
    photographer.window.layout_as(layouts.PERFORM)
    photographer.live(3.0)
    photographer.over = partial(_paint_menu, photographer, getattr(photographer.window.transport, name))


def _paint_menu(photographer: Photographer, button: QToolButton, painter: QPainter) -> None:
    """A menu is a window of its own: it is drawn where it opens, whatever screen there is."""
    window: Any = photographer.window
    menu: QMenu = button.menu()
    menu.aboutToShow.emit()
    menu.resize(menu.sizeHint())
    place = button.mapTo(window, QPoint(0, button.height()))
    place.setX(max(MARGIN, min(place.x(), window.width() - menu.width() - MARGIN)))
    painter.drawPixmap(place, menu.grab())


def _show(photographer: Photographer) -> None:
    """Something on both decks, whatever was there before."""
    window, session = photographer.window, photographer.session
    window.own.hide_welcome()
    window.show_page("stage")
    for name in ("setlist", "sound"):
        window.docks[name].hide()
    for name, preset in DECKS:
        slots = session.decks[name].slots
        if not slots or slots[0].generator != SCENE:
            _deck(photographer, name, SCENE, preset)


def _deck(photographer: Photographer, name: str, generator: str, preset: str) -> None:
    deck = photographer.session.decks[name]
    photographer.session.set_degrades(name, False)  # pictures show no ladder, however busy the machine is
    if generator == SCENE:
        photographer.session.set_size(name, SIZE)
    before = deck.frame()
    photographer.session.load(name, generator, preset=preset)
    photographer.until(lambda: deck.frame() is not before and deck.state == "running")
    photographer.live(3.0 if generator == SCENE else 6.0)


def _dock(photographer: Photographer, name: str) -> None:
    for other in ("library", "setlist", "sound"):
        photographer.window.docks[other].setVisible(other == name)
    photographer.window.docks[name].raise_()


def _beat(path: Path) -> None:
    """Eight bars at 124 bpm: a drum on each beat, a hat between, a bass; 16-bit WAV, mono."""
    beat = round(RATE * 60.0 / 124.0)
    time = np.arange(32 * beat) / RATE
    at = np.arange(32 * beat) % beat / RATE
    off = (np.arange(32 * beat) + beat // 2) % beat / RATE
    drum = np.sin(2.0 * math.pi * (50.0 * at + 4.0 * (1.0 - np.exp(-30.0 * at)))) * np.exp(-9.0 * at)
    hat = np.random.default_rng(1).standard_normal(len(time)) * np.exp(-45.0 * off)
    bass = np.sin(2.0 * math.pi * 110.0 * 2.0 ** (np.floor(time * 124.0 / 240.0) % 4 * 3 / 12) * time)
    samples = 0.6 * drum + 0.08 * hat + 0.12 * bass
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes((np.clip(samples, -1.0, 1.0) * 32767.0).astype("<i2").tobytes())
