"""Tries a plugin out: ``python -m studio.plugins.probe PLACE REPORT``. Runs in a process of its own.

What it finds goes to the file REPORT as JSON lines, as it is found: when the plugin takes the process down or hangs,
``check`` still knows what was being done. A line is ``{"stage": …}``, ``{"finding": [level, where, message]}`` or, at
the end, ``{"done": 1}``.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from studio import safe_json
from studio.files import FileError
from studio.generator import Cancelled, Context, Finished, Generator
from studio.media import Audio, MediaError, Note, Notes, Words, check_audio, check_notes, to_frame
from studio.params import ParamSet
from studio.plugins.discovery import read_plugin
from studio.plugins.findings import Finding, advice, fault
from studio.plugins.manifest import PluginError
from studio.plugins.registry import Plugin, explain

SIZE = (128, 96)
"""Wished size (width, height) of the trial pictures."""
FRAMES = 5
"""Steps of a trial run."""
PARTS = 6
"""Parts that are taken from a step that yields."""
BUDGET = 25.0
"""Seconds for each trial run; a step that calls ctx.check() is ended there."""
PATIENCE = 1.0
"""Seconds that a step may work without calling ctx.check()."""


class StepFault(Exception):  # noqa: N818 - a finding on its way up
    """A step did something wrong; the text is the message of the finding."""


class Trial:
    """One generator at work on made-up input, with every result checked and fingerprinted."""

    def __init__(
        self, plugin: Plugin, made: type[Generator], values: ParamSet, *, blind: bool = False, seconds: float = BUDGET
    ) -> None:
        self.plugin, self.made, self.values, self.blind = plugin, made, values, blind
        self.end = time.monotonic() + seconds
        self.last_sign = time.thread_time()
        self.longest = 0.0
        self.ctx = Context(
            seed=7, folder=plugin.folder, size=SIZE, cancelled=self._cancelled, on_progress=lambda _: None
        )
        self.generator: Generator | None = None

    def _cancelled(self) -> bool:
        self._sign()
        return time.monotonic() > self.end

    def _sign(self) -> None:
        now = time.thread_time()  # not the clock on the wall: other programs may be busy too
        self.longest = max(self.longest, now - self.last_sign)
        self.last_sign = now

    def step(self) -> list[str]:
        """Set up where due, run one step; fingerprints of what it made. Raises StepFault, Cancelled, Finished."""
        values = self.values.take()
        when = "setup"
        try:
            self.last_sign = time.thread_time()
            fresh = self.generator is None
            generator = self.generator = self.generator or self.made()
            if generator.freeze(values) or fresh:
                generator.setup(self.ctx)
            when = f"step {self.ctx.frame + 1}"
            self.last_sign = time.thread_time()
            self._feed()
            result = generator.step(self.ctx)
            parts = []
            for part in self._parts(result):
                self._sign()
                if part is not None:
                    parts.append(self._fingerprint(part))
            self._sign()
        except (Cancelled, Finished):
            raise
        except MediaError as error:
            raise StepFault(f"{when} made something that cannot be used: {error}") from error
        except (Exception, SystemExit) as error:
            raise StepFault(f"{when} failed: {explain(error, self.plugin.folder)}") from error
        self.ctx.advance(self.ctx.dt)
        return parts

    def run(self, frames: int) -> list[str]:
        """Up to ``frames`` steps, fewer when the time or the generator ends; then ``close``."""
        prints: list[str] = []
        try:
            for _ in range(frames):
                prints.extend(self.step())
                if time.monotonic() > self.end:
                    break
        except (Cancelled, Finished):
            pass
        finally:
            self.close()
        return prints

    def close(self) -> None:
        """Close the generator. Raises StepFault when that fails."""
        generator, self.generator = self.generator, None
        if generator is not None:
            try:
                generator.close()
            except Exception as error:
                raise StepFault(f"close failed: {explain(error, self.plugin.folder)}") from error

    def _parts(self, result: Any) -> Iterator[Any]:
        if not hasattr(result, "__next__"):
            yield result
            return
        try:
            for number, part in enumerate(result, 1):
                yield part
                if number == PARTS:
                    break
        finally:
            close = getattr(result, "close", None)
            if close is not None:
                close()

    def _feed(self) -> None:
        """What a camera, a deck or a player would send: pictures that move, notes, words, loudness."""
        ctx, frame = self.ctx, self.ctx.frame
        ctx.audio = {"level": 0.5 + 0.5 * float(np.sin(frame)), "onset": float(frame % 3 == 0)}
        ctx.notes = (Note(60 + frame % 12, 100, 0.0, 0.5),) if frame % 2 == 0 else ()
        ctx.words = (Words("a wo" if frame % 2 else "rd\n", "1"),)
        takes, wants = self.made.takes, self.made.wants
        if takes is None or self.blind:
            ctx.input = None
        elif takes == "image":
            rows, columns = np.mgrid[0 : SIZE[1], 0 : SIZE[0]].astype(np.float32)
            planes = [(columns + 3 * frame) / SIZE[0] % 1, rows / SIZE[1], (rows + columns + frame) / sum(SIZE) % 1]
            ctx.input = np.stack(planes, axis=2)
            if wants == "tensor":
                import torch

                ctx.input = torch.from_numpy(ctx.input).permute(2, 0, 1).contiguous()
        elif takes == "notes":
            ctx.input = Notes(ctx.notes, 1.0)
        elif takes == "text":
            ctx.input = "a dream of light "
        else:
            wave = 0.3 * np.sin(np.arange(4800, dtype=np.float32) / 20)
            ctx.input = Audio(wave[:, None].astype(np.float32))

    def _fingerprint(self, part: Any) -> str:
        kind = self.made.makes
        if kind == "image":
            frame = to_frame(part)
            data = f"{frame.shape}".encode() + frame.tobytes()
        elif kind == "notes":
            data = repr(check_notes(part)).encode()
        elif kind == "audio":
            data = check_audio(part).samples.tobytes()
        elif isinstance(part, str):
            data = part.encode("utf-8", "surrogatepass")
        else:
            raise MediaError(f"a text generator returned {type(part).__name__}; it must return str")
        return hashlib.sha256(data).hexdigest()


def probe(place: Path, stage: Callable[[str], None]) -> Iterator[Finding]:
    """Everything that running the plugin shows. ``stage`` is told what is being done."""
    plugin = read_plugin(place)
    stage("importing it")
    started, threads = time.thread_time(), threading.active_count()
    try:
        made = plugin.load()
    except PluginError as error:
        yield fault(place.name, plugin.reason or str(error))
        return
    seconds = time.thread_time() - started
    if seconds > 10:  # torch alone takes up to five
        yield advice(place.name, f"importing it took {seconds:.0f} s of work; move that into setup")
    if threading.active_count() > threads:
        yield advice(place.name, "importing it starts threads; start them in setup and end them in close")
    if any(name in sys.modules for name in ("PySide6", "PyQt6", "PyQt5", "PySide2")):
        yield fault(place.name, "importing it loads Qt; a generator must run where there is no window")
    yield from _declaration(made)
    stage("running its first steps")
    found = list(_first_steps(plugin, made))
    yield from found
    works = not any(finding.level == "fault" for finding in found)
    if threading.active_count() > threads:
        yield advice(made.__name__, "threads go on running after close(); end them there")
    stage("opening its presets")
    yield from _presets(plugin, made, stage, run=works)
    if works:  # else every value would only repeat the fault
        yield from _extremes(plugin, made, stage)


def _declaration(made: type[Generator]) -> Iterator[Finding]:
    if not inspect.cleandoc(made.__dict__.get("__doc__") or ""):
        yield advice(made.__name__, "it has no docstring; the first line is what people read about it")
    for name, param in made.params.items():
        if not param.help.strip():
            yield fault(name, "the parameter has no help; say in a few words what it does, people see it as a tooltip")


def _first_steps(plugin: Plugin, made: type[Generator]) -> Iterator[Finding]:
    where = made.__name__
    first = Trial(plugin, made, ParamSet(made.params))
    try:
        prints = first.run(FRAMES)
        if not prints:
            yield advice(where, f"it made nothing in {FRAMES} steps or {BUDGET:.0f} s")
        if first.longest > PATIENCE:
            what = f"it worked for {first.longest:.1f} s without calling ctx.check()"
            yield advice(where, f"{what}, so it cannot be stopped meanwhile; call it more often")
        again = Trial(plugin, made, ParamSet(made.params)).run(FRAMES)
        same = min(len(prints), len(again))
        if prints[:same] != again[:same]:
            cure = "take random numbers from ctx.rng or ctx.torch_rng(), and keep all state on self"
            yield fault(where, f"two runs with the same seed and values made different things; {cure}")
        if made.takes is not None:
            try:
                Trial(plugin, made, ParamSet(made.params), blind=True).run(2)
            except StepFault as error:
                yield fault(where, f"without input (ctx.input is None: no camera yet) {error}")
    except StepFault as error:
        yield fault(where, str(error))


def _presets(
    plugin: Plugin, made: type[Generator], stage: Callable[[str], None], *, run: bool
) -> Iterator[Finding]:
    end = time.monotonic() + 2 * BUDGET
    if plugin.file is None and not plugin.presets:
        yield advice("presets", "there are none; a look or two in presets/*.json shows people what it can do")
    for path in plugin.presets:
        where = f"presets/{path.name}"
        stage(f"trying {where}")
        try:
            data = safe_json.load_object(path)
        except FileError as error:
            yield fault(where, str(error))
            continue
        values = ParamSet(made.params)
        if data.get("format") != "reverie.preset" or data.get("format_version") != 1:
            yield fault(where, "it must begin with \"format\": \"reverie.preset\" and \"format_version\": 1")
        if data.get("generator") != made.id:
            yield fault(where, f"\"generator\" is {data.get('generator')!r}, but the plugin's id is {made.id!r}")
        version = data.get("generator_version")
        if not isinstance(version, int) or not 1 <= version <= made.version:
            yield fault(where, f"\"generator_version\" is {version!r}; it must be a number from 1 to {made.version}")
            version = made.version
        for name in ("name", "about"):
            if not isinstance(data.get(name), str) or not data[name].strip():
                yield fault(where, f"the field {name!r} is missing; say it in a few words")
        params = data.get("params")
        if isinstance(params, dict) and version < made.version:
            params = made.migrate(params, version)
        for line in values.load(params if isinstance(params, dict) else {}):
            yield fault(where, line)
        if not isinstance(params, dict):
            yield fault(where, "the field 'params' is missing; it holds the values by name: {\"speed\": 0.5}")
        left = end - time.monotonic()
        try:
            if run and left > 0:
                Trial(plugin, made, values, seconds=min(left, BUDGET)).run(1)
        except StepFault as error:
            yield fault(where, str(error))


def _extremes(plugin: Plugin, made: type[Generator], stage: Callable[[str], None]) -> Iterator[Finding]:
    """One step with each parameter at either end of its range, as a hand on a controller will do."""
    end = time.monotonic() + BUDGET
    for name, param in made.params.items():
        if not param.automatable:
            continue
        for word, position in (("lowest", 0.0), ("highest", 1.0)):
            left = end - time.monotonic()
            if left <= 0:
                return
            stage(f"trying {name} at its {word}")
            values = ParamSet(made.params)
            values.set_norm(name, position)
            try:
                Trial(plugin, made, values, seconds=left).run(1)
            except StepFault as error:
                yield fault(name, f"at its {word} value {str(values[name])[:40]}: {error}")


def main(place: Path, report: Path) -> None:
    """Write the report; it is flushed line by line."""
    with report.open("w", encoding="utf-8") as file:

        def write(line: dict[str, Any]) -> None:
            file.write(json.dumps(line) + "\n")
            file.flush()

        for finding in probe(place, lambda text: write({"stage": text})):
            write({"finding": [finding.level, finding.where, finding.message]})
        write({"done": 1})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
