"""A take becomes a file: a video (with what the players played), pictures, a MIDI file or a sound file."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio.export import accepted_kinds, open_writer
from studio.export.midi import DRUM_CHANNEL
from studio.export.movie_sound import join
from studio.export.synth import MAX_SECONDS, render_notes
from studio.files import FileError, atomic_write
from studio.generator import Cancelled
from studio.media import Audio, Note, Notes
from studio.plugins import Registry
from studio.session.render_job import options_for
from studio.session.take_replay import Replay
from studio.session.takes import Take, TakeError

_SECOND = 60.0
"""Tempo at which a beat is a second: notes of a take have their times in seconds."""
WITH_SOUND = (".mp4", ".m4v", ".mov")


@dataclass
class TakeResult:
    """What was written: ``path`` the first file; ``files`` each with its report; ``frames``; ``seconds`` of work."""

    path: Path
    files: list[tuple[Path, dict[str, Any]]] = field(default_factory=list)
    frames: int = 0
    seconds: float = 0.0


def render_take(
    take: Take, outs: Sequence[Path], registry: Registry, *, size: tuple[int, int] | None = None,
    fps: float | None = None, start: float = 0.0, end: float | None = None, device: str = "cpu",
    options: dict[str, Any] | None = None, name: str = "", cancelled: Callable[[], bool] | None = None,
    on_progress: Callable[[float], None] | None = None, notice: Callable[[str], None] = lambda text: None,
) -> TakeResult:
    """Play a take again into files; their endings choose what they hold.

    ``size`` (width, height) and ``fps`` default to those of the show, ``start`` and ``end`` (seconds) to all of it.
    ``name`` is the take's, for the recipe. Raises TakeError, FileError, GeneratorError, and Cancelled: no half file is
    left then.
    """
    began = time.monotonic()
    until = take.seconds if end is None else min(end, take.seconds)
    if not 0.0 <= start < until:
        raise TakeError(f"the take lasts {take.seconds:.1f} s; from {start:g} to {until:g} s there is nothing in it")
    result = TakeResult(Path(outs[0]))
    notes, programs = notes_of(take, start, until)
    kinds = {out: accepted_kinds(out) for out in outs}
    movies = [out for out in outs if "image" in kinds[out]]
    sounds = [out for out in outs if "image" not in kinds[out]]
    for out in sounds:
        if "notes" not in kinds[out]:
            raise TakeError(f"{Path(out).name} cannot hold a take; choose .mp4, .mov, .webm, .mid or .wav")
        if not notes:
            raise TakeError("no player played in this part of the take; leave out the MIDI and sound files")
    if movies:
        replay = Replay(take, registry, size=size, fps=fps, device=device, cancelled=cancelled, notice=notice)
        recipe = recipe_of_take(take, replay, name)
        audio = _sound(notes, programs, until - start, notice) if any(map(_sounding, movies)) and notes else None
        _render_movies(replay, movies, (start, until), recipe, options or {}, audio, result, on_progress, notice)
    for out in sounds:
        _write_notes(take, out, notes, programs, until - start, result)
    result.files.sort(key=lambda item: [Path(out) for out in outs].index(item[0]))
    result.seconds = time.monotonic() - began
    return result


def _sounding(out: Path) -> bool:
    return Path(out).suffix.lower() in WITH_SOUND


def _render_movies(
    replay: Replay, outs: Sequence[Path], span: tuple[float, float], recipe: dict[str, Any] | None,
    options: dict[str, Any], audio: Audio | None, result: TakeResult, on_progress: Callable[[float], None] | None,
    notice: Callable[[str], None],
) -> None:
    # of what comes before the beginning nothing is seen, but it takes its time as well
    total = max(1, round(span[1] * replay.fps))
    hidden = total - max(1, round((span[1] - span[0]) * replay.fps))
    with contextlib.ExitStack() as stack:
        writers = []
        for out in outs:
            place = out
            if audio is not None and _sounding(out):
                final = stack.enter_context(atomic_write(out))
                place = final.with_name(f".{final.stem.lstrip('.')}.video{out.suffix}")
                stack.callback(place.unlink, missing_ok=True)
                stack.push(_Joins(place, final, audio, out, result))
            writer = open_writer(place, fps=replay.fps, recipe=recipe, options=options_for(out, options))
            writers.append((out, stack.enter_context(writer)))
        for frame in replay.frames(*span):
            for _, writer in writers:
                writer.add(frame)
            result.frames += 1
            if on_progress is not None:
                on_progress(min(1.0, (hidden + result.frames) / total))
    for out, writer in writers:
        for line in writer.notices:
            notice(line)
        if not (audio is not None and _sounding(out)):
            result.files.append((out, dict(writer.report)))


class _Joins:
    """At the end of a block that went well: a video and its sound become one file."""

    def __init__(self, video: Path, final: Path, audio: Audio, out: Path, result: TakeResult) -> None:
        self._video, self._final, self._audio, self._out, self._result = video, final, audio, out, result

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if kind is None:
            join(self._video, self._audio, self._final)
            report = {"frames": self._result.frames, "sound": f"{len(self._audio.samples) / self._audio.rate:.1f} s",
                      "bytes": self._final.stat().st_size}
            self._result.files.append((self._out, report))


def recipe_of_take(take: Take, replay: Replay, name: str) -> dict[str, Any] | None:
    """The recipe that a file of a take carries: the first deck's look at its beginning, and the take's name."""
    from studio import __version__

    first = next((event for event in take.of("chain")), None)
    if first is None:
        return None
    return {
        "format": "reverie.recipe", "format_version": 1, "studio": __version__,
        "stages": [{"generator": item["generator"], "version": item["version"], "params": item["params"]}
                   for item in first["stages"]],
        "seed": first["seed"], "fps": replay.fps, "frames": None, "size": list(replay.size),
        "bpm": float(take.header["clock"][1]), "input": None, "models": {}, "options": {}, "take": name[:200],
    }


# --- what the players played ----------------------------------------------------------------------------------------


def notes_of(take: Take, start: float, end: float) -> tuple[list[Note], dict[int, int]]:
    """The players' notes that begin from ``start`` to ``end``, in seconds from ``start``, and programs by channel.

    Each player's channel gets one of its own while there are any; drums stay on theirs.
    """
    free = [channel for channel in range(16) if channel != DRUM_CHANNEL]
    places: dict[tuple[str, int], int] = {}
    programs: dict[int, int] = {}
    notes = []
    for event in take.of("note"):
        if not start <= event["at"] < end:
            continue
        key = event["line"], event["channel"]
        if key not in places:
            drums = event["channel"] == DRUM_CHANNEL
            places[key] = DRUM_CHANNEL if drums else free.pop(0) if free else event["channel"]
        channel = places[key]
        program = event.get("program")
        if isinstance(program, int) and 0 <= program <= 127:
            programs.setdefault(channel, program)
        notes.append(Note(event["pitch"], event["velocity"], event["at"] - start, event["seconds"], channel))
    return notes, programs


def _sound(
    notes: list[Note], programs: dict[int, int], seconds: float, notice: Callable[[str], None]
) -> Audio | None:
    if seconds > MAX_SECONDS:
        notice(f"the sound of more than {MAX_SECONDS / 60:.0f} minutes is not rendered; the video has none. Render "
               "shorter parts, or take the sound from the recording")
        return None
    made = render_notes(notes, _SECOND, programs=programs, length=seconds)
    return Audio(made.samples[: round(seconds * made.rate)], made.rate)


def _write_notes(
    take: Take, out: Path, notes: list[Note], programs: dict[int, int], seconds: float, result: TakeResult
) -> None:
    tempo = float(take.header["clock"][1])
    beats = tempo / 60.0
    scaled = tuple(Note(note.pitch, note.velocity, note.start * beats, note.duration * beats, note.channel)
                   for note in notes)
    options = {"programs": ", ".join(f"{channel}={program}" for channel, program in sorted(programs.items()))}
    if not 1.0 <= tempo <= 1000.0:
        raise FileError(f"cannot write {Path(out).name}: the take has a tempo of {tempo:g} beats a minute")
    with open_writer(out, bpm=tempo, options=options_for(out, options)) as writer:
        writer.add(Notes(scaled, seconds * beats))
    result.files.append((Path(out), dict(writer.report)))


__all__ = ["Cancelled", "TakeResult", "notes_of", "recipe_of_take", "render_take"]
