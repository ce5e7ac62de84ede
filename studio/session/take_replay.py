"""A take played again, offline: the same controls at the same times, at any size and rate.

The decks run the chains of the engine with a fixed step, their values come from the file, and the programme is composed
as it was live. One take gives the same pictures bit for bit, from run to run, on one machine's CPU.
"""

from __future__ import annotations

import bisect
import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from studio.devices.inputs import open_source
from studio.engine import Stage
from studio.engine.chain import Chain
from studio.files import FileError
from studio.generator import Cancelled, Context, Finished
from studio.library.presets import apply_params
from studio.media import Frame, Note, Words
from studio.params import ParamError, ParamSet
from studio.plugins import PluginError, Registry
from studio.session.feed import SCENE, SCENE_PLUGIN, SCENE_SIZE
from studio.session.mix import Mix
from studio.session.programme import Seen, Shown, compose, fitted
from studio.session.takes import Take, TakeError

Notice = Callable[[str], None]


class Musical:
    """The clock of a take: beat, bar and tempo at any time."""

    def __init__(self, take: Take) -> None:
        points = [(0.0, *take.header["clock"])] + [(event["t"], *event["clock"]) for event in take.of("clock")]
        self._times = [point[0] for point in points]
        self._points = points

    def at(self, t: float) -> tuple[float, float, float]:
        """Beat, bar (both fractional) and tempo at ``t`` seconds."""
        place = max(0, bisect.bisect_right(self._times, t) - 1)
        begin, beat, bpm, zero, beats = self._points[place]
        if place + 1 < len(self._points) and self._times[place + 1] > begin:
            after = self._points[place + 1]
            here = beat + (after[1] - beat) * (t - begin) / (after[0] - begin)
        else:
            here = beat + (t - begin) * bpm / 60.0
        return here, (here - zero) / beats, bpm


class Pace:
    """How a deck's time went: a standstill, a slow machine and a pause are played again as they were."""

    def __init__(self, take: Take, line: str) -> None:
        edges: list[tuple[float, float, float]] = []  # begin, end, rate
        held: float | None = None
        for event in take.of("hold"):
            if event["line"] == line:
                if event["on"] and held is None:
                    held = event["t"]
                elif not event["on"] and held is not None:
                    edges.append((held, event["t"], 0.0))
                    held = None
        if held is not None:
            edges.append((held, float("inf"), 0.0))
        lost = [(max(0.0, event["t"] - event["took"]), event["t"], min(1.0, event["moved"] / event["took"]))
                for event in take.of("pace") if event["line"] == line]
        cuts = sorted({0.0, *(edge for begin, end, _ in (*edges, *lost) for edge in (begin, end) if edge < 1e9)})
        self._times, rates = np.array(cuts), np.ones(len(cuts))
        for begin, end, rate in (*edges, *lost):  # what a step tells of itself is nearer to the truth
            rates[(self._times >= begin) & (self._times < end)] = rate
        self._rates = rates
        self._moved = np.concatenate([[0.0], np.cumsum(np.diff(self._times) * rates[:-1])])

    def moved(self, t: float) -> float:
        """Seconds by which the deck's generators have moved on at ``t``."""
        place = max(0, int(np.searchsorted(self._times, t, side="right")) - 1)
        return float(self._moved[place] + (t - self._times[place]) * self._rates[place])


class _Input:
    """The pictures that came into a deck."""

    def __init__(self, spec: str, registry: Registry, fps: float, notice: Notice) -> None:
        self.spec, self._fps = spec, fps
        self._chain: Chain | None = None
        self._frames: Any = None
        self._last: Frame | None = None
        if spec.startswith("camera:"):
            notice(f"{spec} is not in a take: the sample scene takes its place")
        elif spec != SCENE:
            try:
                self._frames = open_source(spec, fps)
            except (FileError, ValueError, OSError) as error:
                notice(f"{error}. The sample scene takes its place")
        if self._frames is None:
            plugin = registry.get(SCENE_PLUGIN)
            generator = plugin.load()
            stage = Stage(generator, ParamSet(generator.params), plugin.folder)
            self._chain = Chain([stage], lambda stage: Context(folder=stage.folder, size=SCENE_SIZE, fps=fps))

    def next(self, dt: float) -> Frame | None:
        """The picture of the next step."""
        if self._chain is not None:
            for ctx in self._chain.contexts:
                ctx.dt = dt
            for part in self._chain.step(None):
                self._last = part  # type: ignore[assignment]
            self._chain.advance(dt)
            return self._last
        try:
            self._last = next(self._frames)
        except StopIteration:  # from the beginning, as live
            self._frames.close()
            self._frames = open_source(self.spec, self._fps)
            self._last = next(self._frames, self._last)
        return self._last

    def close(self) -> None:
        for part in (self._chain, self._frames):
            if part is not None:
                part.close()


class _Deck:
    """One deck: its chain, the last picture, and what waits for the next step."""

    def __init__(self, replay: Replay, name: str) -> None:
        self.name, self._replay = name, replay
        self.pace = Pace(replay.take, name)
        self._shapes = [(event["t"], event["size"]) for event in replay.take.of("shape") if event["line"] == name]
        self._chains = [event["t"] for event in replay.take.of("chain") if event["line"] == name]
        self.chain: Chain | None = None
        self.frame: Frame | None = None
        self._input: _Input | None = None
        self.audio: dict[str, float] = {}
        self.notes: list[Note] = []
        self.words: list[Words] = []
        self.wishes: dict[str, Any] = {}

    def use(self, event: dict[str, Any]) -> None:
        """Run the chain of an event from the next step on."""
        replay = self._replay
        stages = [replay.stage(item, again=not event["fresh"]) for item in event["stages"]]

        def context(stage: Stage) -> Context:
            return Context(
                seed=event["seed"], device=replay.device, folder=stage.folder, size=self._size(event), fps=replay.fps,
                bpm=replay.clock.at(event["t"])[2], offline=True, cancelled=replay.cancelled, on_notice=replay.notice,
            )

        if self.chain is not None and not event["fresh"]:
            self.chain.rearrange(stages)
        else:
            if self.chain is not None:
                self.chain.close()
            self.chain = Chain(stages, context)
            self.chain.setup()
        wanted = event["input"] if self.chain.takes == "image" else None
        if self._input is not None and self._input.spec != wanted:
            self._input.close()
            self._input = None
        if wanted is not None and self._input is None:
            self._input = _Input(wanted, replay.registry, replay.fps, replay.notice)

    def _size(self, event: dict[str, Any]) -> tuple[int, int] | None:
        """The working size: as live, or so much larger or smaller as the whole programme is."""
        if self._replay.size == self._replay.take.size:
            return tuple(event["size"]) if event["size"] else None
        after = next((t for t in self._chains if t > event["t"]), float("inf"))
        shapes = [size for t, size in self._shapes if event["t"] <= t < after]
        shapes = shapes or [size for _, size in self._shapes[-1:]]
        live = shapes[0] if shapes else event["size"] or self._replay.size
        _, _, width, height = fitted((live[0], live[1]), self._replay.size)
        return max(16, round(width / 2) * 2), max(16, round(height / 2) * 2)

    def step(self, dt: float, beat: float, bar: float, bpm: float) -> None:
        """One picture further."""
        if self.chain is None or dt <= 1e-9:
            return
        notes, self.notes = tuple(self.notes), []
        words, self.words = tuple(self.words), []
        wishes, self.wishes = self.wishes, {}
        for ctx in self.chain.contexts:
            ctx.bpm, ctx.notes, ctx.words, ctx.audio, ctx.wishes = bpm, notes, words, self.audio, wishes
            ctx.beat, ctx.bar, ctx.dt = beat, bar, dt
        picture = self._input.next(dt) if self._input is not None else None
        try:
            with contextlib.closing(self.chain.step(picture)) as parts:
                for part in parts:
                    self.frame = part  # type: ignore[assignment]
        except Finished:
            self.chain.close()
            self.chain = None
            return
        self.chain.advance(dt)

    def close(self) -> None:
        for part in (self.chain, self._input):
            if part is not None:
                part.close()
        self.chain = self._input = None


class Replay:
    """Plays a take. ``size`` (width, height) and ``fps`` default to those of the show; ``notice`` hears what is not as
    it was. ``frames`` raises TakeError, GeneratorError and Cancelled."""

    def __init__(
        self, take: Take, registry: Registry, *, size: tuple[int, int] | None = None, fps: float | None = None,
        device: str = "cpu", cancelled: Callable[[], bool] | None = None, notice: Notice = lambda text: None,
    ) -> None:
        self.take, self.registry, self.device = take, registry, device
        self.size, self.fps = size or take.size, fps or take.fps
        self.cancelled, self.notice = cancelled, _once(notice)
        self.clock = Musical(take)
        self.mix = Mix()
        for name, value in take.header["mix"].items():
            self._set_mix(name, value)
        self._stages: dict[int, Stage] = {}
        self._shown = Shown()
        self.decks = {name: _Deck(self, name) for name in ("A", "B")}

    def stage(self, item: dict[str, Any], *, again: bool) -> Stage:
        """The stage that an event names, with the values that it had then; ``again``: the one that runs, if it does."""
        known = self._stages.get(item["id"])
        if known is None or known.generator.id != item["generator"]:
            try:
                plugin = self.registry.get(item["generator"])
                generator = plugin.load()
            except PluginError as error:
                raise TakeError(f"the take needs a generator that is not here: {error}") from None
            known = self._stages[item["id"]] = Stage(generator, ParamSet(generator.params), plugin.folder)
        for line in apply_params(item["params"], item["version"], known.values, known.generator):
            self.notice(f"{known.generator.title or known.generator.id}: {line}")
        for name in known.values.offsets:
            known.values.modulate(name, None)
        for name, offset in item.get("offsets", {}).items():
            self._modulate(known, name, offset)
        known.bypass = item.get("bypass") is True
        return known

    def frames(self, start: float = 0.0, end: float | None = None) -> Iterator[Frame]:
        """The programme from ``start`` to ``end`` (seconds of the take), uint8 ``(height, width, 3)``. What comes
        before ``start`` is played too, unseen, so that everything is then as it was."""
        until = self.take.seconds if end is None else min(end, self.take.seconds)
        events, place = self.take.events, 0
        seen: Seen | None = None
        picture: Frame | None = None
        moved = dict.fromkeys(self.decks, 0.0)
        try:
            for number in range(max(1, round(until * self.fps))):
                if self.cancelled is not None and self.cancelled():
                    raise Cancelled
                t = number / self.fps
                while place < len(events) and events[place]["t"] <= t + 1e-9:
                    self._do(events[place])
                    place += 1
                beat, bar, bpm = self.clock.at(t)
                for name, deck in self.decks.items():
                    now = deck.pace.moved(t)
                    deck.step(now - moved[name] if number else 1.0 / self.fps, beat, bar, bpm)
                    moved[name] = now
                look = self._shown.look(self.mix, self.decks["A"].frame, self.decks["B"].frame)
                if t + 1e-9 < start:
                    continue
                if picture is None or not look.same(seen):
                    seen, picture = look, compose(look, self.size)
                yield picture
        finally:
            for deck in self.decks.values():
                deck.close()

    # --- events ---

    def _do(self, event: dict[str, Any]) -> None:
        work = getattr(self, f"_do_{event['e']}", None)
        if work is not None:
            work(event)

    def _do_chain(self, event: dict[str, Any]) -> None:
        if event["line"] in self.decks:
            self.decks[event["line"]].use(event)

    def _do_set(self, event: dict[str, Any]) -> None:
        stage = self._stages.get(event["id"])
        if stage is not None:
            try:
                stage.values.set(event["name"], event["value"])
            except ParamError as error:
                self.notice(f"{error}; it is left as it was")

    def _do_mod(self, event: dict[str, Any]) -> None:
        stage = self._stages.get(event["id"])
        if stage is not None:
            self._modulate(stage, event["name"], event["offset"])

    def _modulate(self, stage: Stage, name: str, offset: Any) -> None:
        try:
            stage.values.modulate(name, offset)
        except (ParamError, TypeError) as error:
            self.notice(f"{error}; it is left as it was")

    def _do_bypass(self, event: dict[str, Any]) -> None:
        stage = self._stages.get(event["id"])
        if stage is not None:
            stage.bypass = event["on"]

    def _do_mix(self, event: dict[str, Any]) -> None:
        self._set_mix(event["name"], event["value"])

    def _set_mix(self, name: str, value: Any) -> None:
        try:
            self.mix.set(name, value)
        except (KeyError, TypeError, ValueError):
            self.notice(f"mix: {str(name)[:40]} cannot be {str(value)[:40]}; it is left as it was")

    def _do_clear(self, event: dict[str, Any]) -> None:
        deck = self.decks.get(event["line"])
        if deck is not None:
            deck.close()
            deck.frame = None

    def _do_audio(self, event: dict[str, Any]) -> None:
        if event["line"] in self.decks:
            self.decks[event["line"]].audio = {name: float(value) for name, value in event["values"].items()}

    def _do_notes(self, event: dict[str, Any]) -> None:
        if event["line"] in self.decks:
            self.decks[event["line"]].notes += [
                Note(int(pitch), int(velocity), 0.0, float(duration), int(channel))
                for pitch, velocity, duration, channel in event["notes"] if duration > 0
            ]

    def _do_words(self, event: dict[str, Any]) -> None:
        if event["line"] in self.decks:
            self.decks[event["line"]].words += [Words(text, player) for player, text in event["words"]]

    def _do_wish(self, event: dict[str, Any]) -> None:
        if event["line"] in self.decks:
            self.decks[event["line"]].wishes.update(event["values"])


def _once(notice: Notice) -> Notice:
    """The same sentence is said once, and a hundred at the most."""
    said: set[str] = set()

    def say(text: str) -> None:
        if text not in said and len(said) < 100:
            said.add(text)
            notice(text)

    return say
