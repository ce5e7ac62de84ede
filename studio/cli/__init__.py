"""The command line. Importing it, and every ``--help``, loads neither torch nor numpy: commands import late."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from studio import __version__
from studio.cli import errors

COMMANDS = {
    "render": "make a picture, a video, a text, MIDI or sound with a generator",
    "demo": "make a gallery with every generator and a page that shows it",
    "generators": "list the generators and effects",
    "params": "list the parameters of a generator",
    "presets": "list the looks that come with the generators",
    "take": "show what is in a take, or render it again at any size",
    "recipe": "print how an exported file was made",
    "models": "list the networks, show a card, import a file",
    "train": "train a network on your own texts, MIDI files or pictures",
    "place": "find the place of a photograph in a generator's latent space",
    "humanise": "play the drums of a MIDI file as drummers would",
    "text": "tell from a text who may have written it, by a model that knows labels",
    "plugins": "list, write, check and enable plugins",
    "osc": "list the OSC addresses of a session or a generator",
    "check": "sound check: is everything there that a show needs",
    "devices": "list GPU, cameras, audio, MIDI ports and screens",
    "soak": "play a set by itself with every fault of a stage, and measure it",
    "bench": "measure the studio against plain references",
    "screenshots": "take pictures of every page of the window",
}
"""Every command and its one line; its module ``studio.cli.<name>_cmd`` has ``add(parser)`` and ``run(args)``."""


def command_name() -> str:
    """What a person types to reach this program: ``reverie``, or ``python3 main.py`` in a checkout."""
    return os.environ.get("REVERIE_COMMAND", "reverie")


class Parser(argparse.ArgumentParser):
    """argparse with the examples kept as they are written."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        keywords.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        keywords["allow_abbrev"] = False  # an option added later must not change what a script meant
        super().__init__(*arguments, **keywords)


def examples(*lines: str) -> str:
    """The epilogue of a command's help."""
    return "examples:\n" + "\n".join(f"  {command_name()} {line}" for line in lines)


def build_parser(only: str | None = None) -> Parser:
    """The whole parser; with ``only`` the arguments of that one command are filled in (the others are not imported)."""
    parser = Parser(
        prog=command_name(), description="Reverie Studio: an instrument for art made with neural networks.",
        epilog=examples(
            "demo", "render deep_dream --preset cathedral -o dream.mp4", "render text_sequencer -o text.txt",
            "render style_camera --help",
        ),
    )
    parser.add_argument("--version", action="version", version=f"Reverie Studio {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands", required=True)
    for name, line in COMMANDS.items():
        sub = commands.add_parser(name, help=line, description=line[0].upper() + line[1:] + ".")
        if name == only:
            _module(name).add(sub)
    return parser


def _module(name: str) -> Any:
    return importlib.import_module(f"studio.cli.{name}_cmd")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 1 failed with a sentence, 2 wrong arguments."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or _is_document(arguments):
        return _window(arguments[0] if arguments else "")
    for stream in (sys.stdout, sys.stderr):  # names of files and texts hold characters that a console may lack
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    name = next((word for word in arguments if not word.startswith("-")), None)
    try:
        parsed = build_parser(name if name in COMMANDS else None).parse_args(arguments)
    except SystemExit as stop:  # argparse has said it: 0 after help, 2 after a wrong argument
        return stop.code if isinstance(stop.code, int) else errors.WRONG
    run: Callable[[argparse.Namespace], int] = _module(parsed.command).run
    errors.start_log()
    try:
        code = run(parsed)
        sys.stdout.flush()
        return code
    except SystemExit as stop:  # a recipe's own arguments
        return stop.code if isinstance(stop.code, int) else errors.WRONG
    except KeyboardInterrupt:
        print("\nreverie: stopped; nothing half-made was left", file=sys.stderr)
        return errors.FAILED
    except BrokenPipeError:  # the reader (head, less) has gone; what it read was right
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return errors.DONE
    except Exception as error:
        return errors.report(error)
    finally:
        errors.stop_log()


def _is_document(arguments: Sequence[str]) -> bool:
    """Whether the studio is asked to open a file, as a desktop does with a double click."""
    return len(arguments) == 1 and arguments[0] not in COMMANDS and arguments[0].endswith(".reverie")


def _window(path: str) -> int:
    """Open the window; where there is no display, say so and name what works without one."""
    errors.start_log()
    code = errors.DONE  # set up, and nothing is wrong: there is only nobody to see a window
    try:
        from studio.ui import app
    except ImportError as error:  # one of Qt's own libraries: EGL, xkbcommon
        why, code = f"the window cannot be shown: {error}", errors.FAILED
    else:
        why = app.display_missing()
        if not why:
            return app.run(path)
    print(
        f"Reverie Studio {__version__}: {why}.\nEverything but the window works without:\n\n"
        f"  {command_name()} demo      makes a gallery of pictures, video, text and music (a minute or two)\n"
        f"  {command_name()} --help    shows all commands"
    )
    return code
