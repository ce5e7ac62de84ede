"""The menu *Control*: bindings, modulators, OSC, clock and the sound check by name and key."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from studio.control.modulators import KINDS
from studio.ui.control.keep import change_setting
from studio.ui.control.modulator_form import KIND_WORDS
from studio.ui.learn_mode import LearnMode

if TYPE_CHECKING:
    from studio.ui.window import MainWindow

MENU = "&Control"


def connect_page(window: MainWindow, name: str) -> None:
    """Give a page that was just made what only the window can do."""
    page: Any = window.pages[name]
    if name == "control":
        page.learning = window.toggle_learning
    elif name == "soundcheck":
        page.output_screen = lambda: window.output.screen_name or str(window.places.get("output", {}).get("screen", ""))
        page.window_acts = {"pattern": window.screens.toggle_pattern, "output": window.screens.toggle}
        for part in ("bindings", "osc", "clock"):
            page.window_acts[part] = partial(_show_part, window, part)


def _show_part(window: MainWindow, name: str) -> Any:
    page: Any = window.show_page("control")
    return page.show_part(name)


def add_control_commands(window: MainWindow) -> None:
    """Fill the menu."""
    add, session = window.actions_.add, window.session
    window.learn_mode = LearnMode(window)

    part = partial(_show_part, window)

    def on_part(name: str, method: str) -> Callable[[], object]:
        return lambda: getattr(part(name), method)()

    add(MENU, "&Learn by clicking", window.toggle_learning, "Ctrl+L", icon="target",
        tip="Click any control, then move a knob; Escape ends it")
    add(MENU, "Learn for a &parameter …", on_part("bindings", "choose_target"), "Ctrl+Shift+L", icon="plus",
        tip="Choose what shall move by its name, then move a knob")
    add(MENU, "Learn the chosen binding &again", on_part("bindings", "relearn"), "Ctrl+Alt+L", icon="faders",
        tip="The control that moves next takes the place of the chosen binding's")
    window.actions_.separator(MENU)
    for name, title, icon, keys in (
        ("bindings", "Bindings", "faders", "Ctrl+Shift+1"), ("modulators", "Modulators", "waves", "Ctrl+Shift+2"),
        ("osc", "OSC", "share", "Ctrl+Shift+3"), ("clock", "Clock", "bpm", "Ctrl+Shift+4"),
    ):
        add(MENU, title, partial(part, name), keys, icon=icon, tip=f"Control: {title.lower()}")
    window.actions_.separator(MENU)
    for kind in KINDS:
        title, about, icon = KIND_WORDS[kind]
        add(MENU, f"Add a modulator: {title}", lambda kind=kind: part("modulators").add(kind), icon=icon,  # type: ignore[misc]
            tip=about)
    add(MENU, "Rename the chosen modulator …", on_part("modulators", "ask_name"), icon="rename",
        tip="Another name; what it moves follows")
    window.actions_.separator(MENU)

    def profiles(method: str) -> None:
        getattr(part("bindings").profiles, method)()

    add(MENU, "Save a controller profile …", partial(profiles, "ask_save"), icon="save",
        tip="Keep the bindings under a name for other sessions")
    add(MENU, "Import a controller profile …", partial(profiles, "ask_import"), icon="import",
        tip="Use the bindings of a file, and keep them")
    add(MENU, "Export the bindings …", partial(profiles, "ask_export"), icon="export",
        tip="Write the bindings to a file")
    window.actions_.separator(MENU)
    add(MENU, "OSC on or off", lambda: change_setting(session, window, "osc", not session.settings["osc"]),
        icon="share", tip="Listen to OSC on this computer, or no more")
    add(MENU, "Write the page of OSC addresses", on_part("osc", "write_reference"), icon="book",
        tip="All addresses of this session, as a page beside your exports")
    for source in session.clock_sources.sources:
        add(MENU, f"Clock: {source.title}", lambda name=source.name: part("clock").choose(name), icon="bpm",  # type: ignore[misc]
            tip=source.about)
    add(MENU, "Send MIDI clock, or no more",
        lambda: change_setting(session, window, "clock_out", not session.settings["clock_out"]), icon="midi",
        tip="Let another machine follow the studio's tempo and start; its port is chosen under Clock")
    window.actions_.separator(MENU)

    def sound_check(method: str) -> None:
        getattr(window.show_page("soundcheck"), method)()

    add(MENU, "Sound check: look again", partial(sound_check, "look"), "Ctrl+Shift+K", icon="shield",
        tip="Is everything there that the show needs")
    add(MENU, "Warm everything up", partial(sound_check, "warm_up"), "Ctrl+Shift+W", icon="lightning",
        tip="Load and run every look once, so that nothing loads on stage")
    add(MENU, "Twice the tempo", session.clock.double, icon="bpm")
    add(MENU, "Half the tempo", session.clock.halve, icon="bpm")
    add(MENU, "Nudge the beat back", lambda: session.clock.nudge(-0.05), "Ctrl+Alt+Left", icon="left",
        tip="A twentieth of a beat back")
    add(MENU, "Nudge the beat ahead", lambda: session.clock.nudge(0.05), "Ctrl+Alt+Right", icon="right",
        tip="A twentieth of a beat ahead")
    add(MENU, "Now is one", lambda: session.clock.align(bar=True), "Ctrl+Alt+1", icon="target",
        tip="Now is the first beat of a bar")
