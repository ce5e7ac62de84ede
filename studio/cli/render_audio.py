"""The part of ``reverie render`` that lets pictures hear a sound: ``--audio``, ``--bind``, ``--hear``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from studio.cli.errors import UsageError

if TYPE_CHECKING:
    from studio.engine import Stage
    from studio.session.render_job import RenderJob


def add_audio(job: RenderJob, args: argparse.Namespace, notice: Any) -> None:
    """Give a job the sound that the arguments name. Raises UsageError, and InputError for a file that is none."""
    if args.audio is None and job.audio is None:
        if args.binds or args.hears:
            raise UsageError("--bind and --hear need a sound: --audio FILE")
        return
    from studio.control.audio import SETTINGS, parse_channels
    from studio.devices.sound_file import SoundFile
    from studio.params import ParamError, ParamSet
    from studio.session.audio_score import AudioScore, ScoreError, binding_from_text

    score = job.audio = job.audio or AudioScore(args.audio)
    SoundFile(score.path).close()  # says now, not after an hour, that it cannot be read
    values = ParamSet(SETTINGS)
    for text in args.hears:
        name, equals, value = text.partition("=")
        try:
            if not equals:
                raise ParamError("write NAME=VALUE, such as --hear release=400")
            if note := values.set(name.strip(), value):
                notice(note)
            score.settings[name.strip()] = values[name.strip()]
            parse_channels(values["channels"])
        except ValueError as error:
            raise UsageError(f"--hear {text[:80]}: {error}") from None

    def find(key: str) -> tuple[int, Stage, str]:
        owner, dot, rest = key.rpartition(".")
        names = [args.generator or "", *(text.partition(":")[0] for text in args.chain)]
        if not dot or owner == names[0]:
            return 0, job.stages[0], rest
        if owner not in names:
            raise ScoreError(f"--bind {key}: there is no effect {owner!r} in the chain")
        place = names.index(owner)
        return place, job.stages[place], rest

    for text in args.binds:
        try:
            score.bindings.append(binding_from_text(text, find))
        except ScoreError as error:
            raise UsageError(f"--bind {error}" if not str(error).startswith("--bind") else str(error)) from None
