"""``reverie check``: the sound check of a session, without a window."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from studio.cli import errors, examples
from studio.cli.errors import Refusal
from studio.cli.output import add_json, print_json, table

PATIENCE = 20.0
"""Seconds that generators and devices may take to come."""


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("session", nargs="?", type=Path, default=None, metavar="FILE",
                        help="a session (*.reverie) whose looks, ports and models are looked for too")
    parser.add_argument("--warm", action="store_true", help="load and run every look once, to see that it can be")
    add_json(parser)
    parser.epilog = examples("check", "check my_set.reverie --warm", "check my_set.reverie --json")


def run(args: argparse.Namespace) -> int:
    """Print the list; exit code 1 when something is bad."""
    from studio.engine import Job
    from studio.engine.threads import stop_all
    from studio.library.settings import load_settings
    from studio.session import soundcheck, warmup
    from studio.session.session import Session

    if args.session is not None and not args.session.is_file():
        raise Refusal(f"there is no session {args.session}; give the name of a .reverie file")
    settings, _ = load_settings()
    session = Session(settings=settings, device=_device(str(settings["device"])))
    try:
        if args.session is not None:
            session.open(args.session)
        else:
            session.controls.apply_settings()
        _settle(session)
        if args.warm:
            looks = warmup.looks_of(session)
            warmup.warm_all(session, looks, Job("Warm up", lambda job: None))
            session.pump()
        checks = soundcheck.run(soundcheck.ask(session))
    finally:
        session.close()
        stop_all(5.0)
    if args.json:
        print_json({"ready": soundcheck.is_ready(checks), "summary": soundcheck.summary(checks),
                    "checks": [check.to_json() for check in checks]})
    else:
        marks = {soundcheck.GOOD: "ok", soundcheck.DOUBTFUL: "look", soundcheck.BAD: "MEND"}
        rows = []
        for check in checks:
            cure = f" What helps: {check.cure}." if check.cure else ""
            rows.append((marks[check.level], check.title, f"{check.text}.{cure}"))
        print(table(rows))
        print(f"{soundcheck.summary(checks)}.")
    return errors.DONE if soundcheck.is_ready(checks) else errors.FAILED


def _device(wanted: str) -> str:
    from studio.nn.device import choose

    try:
        return choose(wanted)
    except ValueError:  # said by the check of the GPU: the processor always works
        return "cpu"


def _settle(session: object) -> None:
    """Let generators be imported and ports be looked for, as long as there is something to wait for."""
    from studio.session.session import Session

    assert isinstance(session, Session)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        session.pump()
        waits = any(slot.state in ("loading", "importing") for line in session.lines() for slot in line.slots)
        inputs = session.controls.ports.inputs
        if not waits and (inputs is None or inputs.looks):
            return
        time.sleep(0.02)
