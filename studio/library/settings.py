"""The user's settings: declared as parameters, kept as JSON in the config folder. Loading never fails."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from studio import paths, safe_json
from studio.files import FileError, short_path
from studio.library.migrations import CURRENT, open_document
from studio.params import Bool, Choice, Float, Int, Param, ParamSet, Text
from studio.params import Path as PathParam

FORMAT = "reverie.settings"


def _declare(**declared: Param[Any]) -> dict[str, Param[Any]]:
    for name, param in declared.items():
        param.__set_name__(ParamSet, name)  # as a class body would
        param.declare(ParamSet, name)
    return declared


SETTINGS: dict[str, Param[Any]] = _declare(
    theme=Choice("dark", ("dark", "contrast"), group="Look", help="Colours of the window"),
    scale=Float(1.0, 0.75, 2.0, group="Look", help="Size of everything, on top of the screen's own scale"),
    device=Text("auto", label="Networks run on", group="Devices", help="Where networks run: auto, cpu, cuda:0, mps"),
    sound_output=Text(
        "", group="Devices", help="Sound output of the built-in synth, by name; empty is the system's choice"
    ),
    fps=Int(
        30, 1, 240, unit="fps", label="Frame rate", group="Performance",
        help="Frames per second that decks aim at and exports have",
    ),
    threads=Int(0, 0, 256, group="Performance", help="Torch threads while live; 0 leaves one core free"),
    export_folder=PathParam("", group="Folders", help="Where exports are written when only a name is given"),
    record_what=Choice("both", ("both", "video", "take"), group="Recording", label="Record",
                       help="The video, a take (every control with its time, to render the show again), or both"),
    record_size=Choice("1280x720", ("640x360", "960x540", "1280x720", "1920x1080", "2560x1440", "3840x2160"),
                       group="Recording", label="Recording size", help="Pixels of the recorded video"),
    record_fps=Choice("30", ("24", "25", "30", "50", "60"), group="Recording", label="Recording rate",
                      help="Frames per second of the recorded video"),
    record_on_bar=Bool(False, group="Recording", label="Begin on the bar", help="A recording begins with the next bar"),
    record_anew=Bool(False, group="Recording", label="Begin with new generators",
                     help="Restarts the decks as a recording begins: then the take renders exactly as it was from its "
                          "first picture"),
    record_folder=PathParam("", group="Folders", label="Recordings folder",
                            help="Where recordings go; empty: Recordings where exports go"),
    midi_clock=Bool(False, label="Follow MIDI clock", group="Control",
                    help="Tempo and beat come from the MIDI clock of a connected machine"),
    link=Bool(False, label="Ableton Link", group="Control",
              help="Share tempo and beat with programs on this network; an extra: pip install 'reverie-studio[link]'"),
    clock_out=Bool(False, label="Send MIDI clock", group="Control",
                   help="Let a drum machine, a sequencer or another program follow the studio's tempo and start"),
    clock_out_port=Text("", label="Clock goes to", group="Control", help="Name of the MIDI port that hears the clock"),
    midi_dark=Text("", label="No feedback to", group="Control",
                   help="Controllers whose lights and motors are left alone: names of ports, with ; between them"),
    audio_clock=Bool(False, label="Follow the sound", group="Control",
                     help="Tempo and beat come from the sound that is heard, while it has a clear beat"),
    osc=Bool(False, label="Listen to OSC", group="Control", help="Take OSC messages from programs on this computer"),
    osc_port=Int(9123, 1024, 65535, label="OSC port", group="Control", help="UDP port that OSC messages come in at"),
    osc_open=Bool(False, label="OSC from the network", group="Control",
                  help="Take OSC messages from other computers too: anybody on the network can move controls then"),
    osc_send=Text("", label="Send OSC to", group="Control",
                  help="Where changed values are sent: host:port, several with ; between; empty sends nothing"),
    live_reload=Bool(True, group="Plugins", help="Read a plugin anew, with its values, when its file is saved"),
    contain_plugins=Bool(True, group="Plugins",
                         help="Run plugins of your own folder in processes of their own, so that "
                         "a crash there stops nothing else; off is a little faster"),
    safe_mode=Bool(False, group="Plugins", help="Start without third-party plugins and without network ports"),
)
"""Every setting, by name; a widget or a command-line option comes from this declaration."""

AFTER_RESTART = frozenset({"contain_plugins", "safe_mode"})
"""Settings that count from the next start; the others are used at once."""


def settings_path() -> Path:
    return paths.user_folder("config") / "settings.json"


def load_settings(path: Path | None = None) -> tuple[ParamSet, list[str]]:
    """The settings and a report. A file that cannot be read is put aside as ``*.damaged`` and the defaults are used."""
    place, values = path or settings_path(), ParamSet(SETTINGS)
    if not place.exists():
        return values, []
    try:
        document = open_document(place, FORMAT)
    except FileError as error:
        aside = place.with_name(place.name + ".damaged")
        with contextlib.suppress(OSError):
            place.replace(aside)
        return values, [f"{error}; the defaults are used and the file was put aside as {short_path(aside.name)}"]
    stored = document.data.get("values", {})
    if not isinstance(stored, dict):
        found = safe_json.kind(stored)
        return values, [*document.report, f"values: {found} where an object is needed; the defaults are used"]
    return values, document.report + values.load(stored)


def save_settings(values: ParamSet, path: Path | None = None) -> None:
    """Write the settings atomically; unknown names from a newer version are kept. Raises FileError."""
    tree = {"format": FORMAT, "format_version": CURRENT[FORMAT], "values": values.dump()}
    safe_json.save(path or settings_path(), tree, parents=True)
