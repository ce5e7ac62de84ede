"""Pictures of the pages Control and Sound check, with bindings and modulators that really move something."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from studio.control.binding import MODULATOR, OSC, Source, Target
from studio.control.modulators import Envelope, FromPlayer, Hold, Lfo, Math, Walk
from studio.session.control_status import targets

if TYPE_CHECKING:
    from studio.ui.screenshots import Photographer


def control_scenes(photographer: Photographer) -> Iterator[tuple[str, Callable[[], object]]]:
    """A scene for each part of the page Control."""
    for part, seconds in (("bindings", 1.0), ("modulators", 7.0), ("osc", 1.0), ("clock", 1.0)):
        yield f"control-{part}", partial(_show, photographer, part, seconds)


def sound_check(photographer: Photographer) -> None:
    """The page, once it has looked."""
    page: Any = photographer.window.show_page("soundcheck")
    photographer.until(lambda: page.checks is not None)


def _show(photographer: Photographer, part: str, seconds: float) -> None:
    _fill(photographer)
    page: Any = photographer.window.show_page("control")
    page.show_part(part)
    if page.bindings.list.current() is None and page.bindings.list.rows.rows:
        page.bindings.list.setCurrentIndex(page.bindings.list.rows.index(0))
    photographer.live(seconds)


def _fill(photographer: Photographer) -> None:
    """A scene on deck A, bound and modulated; once."""
    session, controls = photographer.session, photographer.session.controls
    photographer.window.own.hide_welcome()
    if controls.bindings:
        return
    session.clear_line("A")
    session.load("A", "reverie.sample_scene")
    photographer.until(lambda: session.decks["A"].state == "running")
    moved = [offer.target for offer in targets(session) if offer.target.line == "A" and offer.modulated]
    controls.bind(Source("mod", address="Slow wave"), moved[0], smooth=0.2)
    controls.bind(Source("mod", address="Slow wave"), moved[1], low=0.2, high=0.8, invert=True)
    controls.bind(Source("cc", 7, 1, "nanoKONTROL2"), moved[2], curve="exp")
    controls.bind(Source("note", 36), Target("blackout"))
    controls.bind(Source("cc", 16, 1, encoder="twos"), Target("bpm"))
    controls.bind(Source(OSC, address="/1/fader1"), Target("crossfade"))
    for modulator in (
        Lfo("Slow wave", rate=0.25, synced=True), Walk("Wander"), Hold("Steps", source="Wander", rate=2.0),
        Envelope("Notes"), FromPlayer("Rain", event="word", word="rain"),
        Math("Both", operation="multiply", first="Slow wave", second="Wander"),
    ):
        controls.add_modulator(modulator)
    controls.route("Slow wave", moved[3], 0.3)
    controls.route("Slow wave", moved[4], -0.5, bipolar=False)
    controls.bind(Source(MODULATOR, address="Rain"), Target("cut"))
