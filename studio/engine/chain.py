"""The chain: one source generator and the effects after it, run step by step on the thread that calls.

Used alike by the offline render and by the live deck. Along the chain a picture stays what its maker returned (a tensor
stays on its device); only the end of the chain is copied to the host, by ``host``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Generator as Parts
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio import paths
from studio.engine.convert import Media, host, to_input
from studio.files import own_place
from studio.generator import Cancelled, Context, Finished, Generator
from studio.media import Audio, Drawing, Notes
from studio.params import ParamSet, Trigger

log = logging.getLogger("reverie.engine")


class GeneratorError(RuntimeError):
    """A generator failed; the message is a sentence that names it. The cause is chained and has the traceback.

    ``generator`` is its id, ``stage`` its place in the chain from 0, ``when`` is ``setup`` or ``step``;
    ``out_of_memory`` tells whether a smaller working size may help.
    """

    def __init__(
        self, message: str, *, generator: str = "", stage: int = 0, when: str = "step", out_of_memory: bool = False
    ) -> None:
        super().__init__(message)
        self.generator, self.stage, self.when, self.out_of_memory = generator, stage, when, out_of_memory


@dataclass
class Stage:
    """One place in a chain: a generator class, its parameter values, and the plugin's folder (for its assets).

    A ``bypass``-ed effect hands on what it was given. ``details`` is what the generator exposed, newest by name.
    """

    generator: type[Generator]
    values: ParamSet
    folder: Path | None = None
    bypass: bool = False
    details: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out, on the host or on a device; torch is not imported for it."""
    if isinstance(error, MemoryError) or type(error).__name__ in ("OutOfMemoryError", "_ArrayMemoryError"):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text)


def reason(error: BaseException, folder: Path | None = None) -> str:
    """What went wrong, for a person: the message alone where it is a sentence, else the kind of error before it.

    Before that the file and line of the plugin in ``folder``, where its own code is in it; our own plugins' sentences
    speak for themselves.
    """
    text = " ".join(str(error).split())
    if len(text) > 300:
        text = text[:297] + "..."
    if is_out_of_memory(error):
        return "the memory is full; choose a smaller size or close other programs"
    # the first kind carries sentences by the rules of the house; a KeyError's text is only the key
    plain = bool(text) and isinstance(error, (ValueError, OSError)) and not isinstance(error, UnicodeError)
    where = "" if plain and _is_ours(folder) else own_place(error, folder)
    kind = type(error).__name__
    said = text if plain else f"{kind}: {text}" if text else kind
    return f"{where}: {said}" if where else said


def _is_ours(folder: Path | None) -> bool:
    return folder is None or folder.is_relative_to(paths.bundled("plugins"))


def check_stages(stages: Sequence[Stage]) -> None:
    """Raise GeneratorError with a sentence when the stages do not fit together."""
    if not stages:
        raise GeneratorError("there is nothing to run; name a generator")
    for place, stage in enumerate(stages[1:], 1):
        before, here = stages[place - 1].generator, stage.generator
        if here.takes is None:
            text = f"{title(here)} takes no input, so it cannot follow {title(before)}; only effects can"
        elif here.takes != before.makes:
            text = f"{title(here)} takes {here.takes}, but {title(before)} before it makes {before.makes}"
        else:
            continue
        raise GeneratorError(text, generator=here.id, stage=place, when="setup")


def title(generator: type[Generator]) -> str:
    """The name of a generator as people know it."""
    return generator.title or generator.id or generator.__name__


def seconds(value: Media, bpm: float) -> float:
    """How long a piece of media lasts; 0 for pictures and text, which the frame rate paces."""
    if isinstance(value, Notes):
        return value.length * 60.0 / bpm
    if isinstance(value, Audio):
        return float(value.samples.shape[0]) / value.rate
    return 0.0


class Runner:
    """One stage at work. ``step`` takes the values, runs setup again when due, and yields what the stage makes."""

    def __init__(self, stage: Stage, ctx: Context, place: int = 0) -> None:
        self.stage, self.ctx, self.place = stage, ctx, place
        self.generator: Generator | None = None
        self.last: Any = None
        self.ready = False
        self.renewed = 0
        """How often the generator was set up again because a ``live=False`` value changed."""
        self.fired: dict[str, bool] = {}

    def setup(self) -> None:
        """Make the generator and set it up. Raises GeneratorError."""
        values = self.stage.values.take()
        try:
            self.generator = self.stage.generator()
            self.generator.freeze(values)
            self.generator.setup(self.ctx)
        except (Cancelled, Finished):
            raise
        except Exception as error:
            raise self.failure(error, "setup") from error
        # a trigger fired before the start belongs to the first step
        self.fired = {n: True for n, p in self.stage.values.params.items() if isinstance(p, Trigger) and values[n]}
        self.ready = True

    def step(self, value: Any, on_preview: Callable[[Any], None] | None = None) -> Iterator[Any]:
        """Run one step on ``value`` (the picture, notes or text from the stage before, or None).

        Yields at most one picture, or any number of other parts. Raises GeneratorError, Cancelled or Finished.
        """
        if self.generator is None or not self.ready:
            self.setup()
        assert self.generator is not None
        kind = self.generator.makes
        try:
            values = {**self.stage.values.take(), **self.fired}
            self.fired = {}
            if self.generator.freeze(values):
                self.setup_again()
            if self.generator.takes == "image":
                value = to_input(value, self.generator.wants, self.ctx)
            self.ctx.input = value
            result = self.generator.step(self.ctx)
            if hasattr(result, "__next__"):
                yield from self._parts(result, kind, on_preview)
                return
        except (Cancelled, Finished, GeneratorError):
            raise
        except Exception as error:
            raise self.failure(error, "step") from error
        if result is not None:
            if kind == "image":
                self.last = result
            yield result
        elif kind == "image" and self.last is not None:
            yield self.last  # nothing new: the picture stands

    def setup_again(self) -> None:
        """A ``live=False`` value or the size changed. When its setup fails, the generator is half made: no step."""
        assert self.generator is not None
        self.renewed += 1
        try:
            self.generator.setup(self.ctx)
        except (Cancelled, Finished):
            raise
        except Exception as error:
            self.close()
            raise self.failure(error, "setup") from error

    def _parts(self, parts: Iterator[Any], kind: str, on_preview: Callable[[Any], None] | None) -> Iterator[Any]:
        finished: Finished | None = None
        try:
            while True:
                try:
                    self.ctx.check()
                    part = next(parts, _END)
                except (Cancelled, GeneratorError):
                    raise
                except Finished as end:  # the last picture so far is the picture
                    finished, part = end, _END
                except Exception as error:
                    raise self.failure(error, "step") from error
                if part is _END:
                    break
                if part is None:
                    continue
                if kind != "image":
                    yield part
                    continue
                self.last = part
                if on_preview is not None:
                    on_preview(part)
            if kind == "image" and self.last is not None:
                yield self.last
        finally:
            close = getattr(parts, "close", None)
            if close is not None:
                close()
        if finished is not None:
            raise finished

    def failure(self, error: BaseException, when: str) -> GeneratorError:
        """The sentence for an error in this stage."""
        if isinstance(error, GeneratorError):
            return error
        name, full = title(self.stage.generator), is_out_of_memory(error)
        verb = "could not be set up" if when == "setup" else "stopped"
        message = f"{name} {verb}: {reason(error, self.stage.folder)}"
        return GeneratorError(
            message, generator=self.stage.generator.id, stage=self.place, when=when, out_of_memory=full
        )

    def close(self) -> None:
        """Let the generator go. An error in its ``close`` is logged: nothing depends on it any more."""
        generator, self.generator, self.ready, self.last = self.generator, None, False, None
        if generator is not None:
            try:
                generator.close()
            except Exception:
                log.exception("%s failed while closing", title(type(generator)))


_END: Any = object()


def _fit(stages: Sequence[Stage]) -> bool:
    try:
        check_stages(stages)
    except GeneratorError:
        return False
    return True


def _close(runners: Sequence[Runner]) -> None:
    for runner in reversed(runners):
        runner.close()


class Chain:
    """Runners in a row. Not thread-safe: one thread sets up, steps and closes."""

    def __init__(self, stages: Sequence[Stage], make_context: Callable[[Stage], Context]) -> None:
        check_stages(stages)
        self._make_context = make_context
        self.runners = [Runner(stage, make_context(stage), place) for place, stage in enumerate(stages)]
        self.makes = stages[-1].generator.makes
        self.takes = stages[0].generator.takes

    @property
    def contexts(self) -> list[Context]:
        return [runner.ctx for runner in self.runners]

    def setup(self) -> None:
        """Set every stage up, first to last."""
        for runner in self.runners:
            if not runner.ready:
                runner.setup()

    def rearrange(self, stages: Sequence[Stage]) -> list[tuple[Stage, str]]:
        """Run ``stages`` from now on. Stages that are here already go on with their generators; others are set up.

        Returns the newcomers that could not be set up, each with a sentence; they are left out where the rest still
        fits, else nothing changes. Raises GeneratorError when the stages themselves do not fit, and Cancelled.
        """
        check_stages(stages)
        old, refused = self.runners, []
        wanted: list[Runner] = []
        try:
            for place, stage in enumerate(stages):
                runner = next((known for known in old if known.stage is stage), None)
                try:
                    wanted.append(runner or self._newcomer(stage, place))
                except GeneratorError as error:
                    refused.append((stage, str(error)))
            if refused:
                left = [runner.stage for runner in wanted]
                if refused[0][0] is stages[0] or not _fit(left):
                    wanted, added = old, wanted
                    _close([runner for runner in added if runner not in old])
        except BaseException:
            _close([runner for runner in wanted if runner not in old])
            raise
        _close([runner for runner in old if runner not in wanted])
        self.runners = wanted
        for place, runner in enumerate(wanted):
            runner.place = place
        self.makes = wanted[-1].stage.generator.makes
        self.takes = wanted[0].stage.generator.takes
        return refused

    def _newcomer(self, stage: Stage, place: int) -> Runner:
        """A runner, set up, whose time is that of those already here."""
        runner = Runner(stage, self._make_context(stage), place)
        now = self.runners[0].ctx
        runner.ctx.t, runner.ctx.beat, runner.ctx.bar = now.t, now.beat, now.bar
        try:
            runner.setup()
        except BaseException:
            runner.close()
            raise
        return runner

    def step(
        self, value: Any = None, on_preview: Callable[[Media], None] | None = None
    ) -> Parts[Media, None, None]:
        """One step of the whole chain on ``value`` (a picture for the first stage, or None).

        Yields host media: at most one frame, or any number of parts. ``on_preview`` gets the unfinished pictures of
        the last stage, as frames. Raises GeneratorError, Cancelled or Finished.
        """
        yield from self._feed(0, value, on_preview)

    def _feed(self, place: int, value: Any, on_preview: Callable[[Media], None] | None) -> Iterator[Media]:
        runner, last = self.runners[place], place == len(self.runners) - 1
        if runner.stage.bypass and value is not None and runner.stage.generator.takes == runner.stage.generator.makes:
            if last:
                yield self._host(runner, value)
            else:
                yield from self._feed(place + 1, value, on_preview)
            return

        def preview(part: Any) -> None:
            if on_preview is not None:
                on_preview(self._host(runner, part))

        for part in runner.step(value, preview if last and on_preview is not None else None):
            if last:
                yield self._host(runner, part)
            else:
                yield from self._feed(place + 1, part, on_preview)

    def _host(self, runner: Runner, part: Any) -> Media:
        try:
            return host(part, self.makes)
        except Exception as error:
            raise runner.failure(error, "step") from error

    def advance(self, dt: float) -> None:
        """Move every stage's clock on."""
        for runner in self.runners:
            runner.ctx.advance(dt)

    def resize(self, size: tuple[int, int] | None) -> None:
        """Work at another size from now on: the same generators are set up again. Raises GeneratorError, Cancelled."""
        for runner in self.runners:
            if runner.ctx.size != size:
                runner.ctx.size = size
                if runner.ready:
                    runner.setup_again()

    def drawing(self) -> Drawing | None:
        """What the last stage's pen has drawn so far; None where it has none."""
        last = self.runners[-1]
        return None if last.generator is None or not last.ready else last.generator.as_strokes()

    def close(self) -> None:
        """Close every stage, last to first. May be called twice."""
        _close(self.runners)
