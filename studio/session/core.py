"""The heart of a session: its lines, the plugins they need, news and undo."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from studio.control.binding import Binding
from studio.control.modulators import Modulator
from studio.engine import Clock, Deck, Player
from studio.engine.heap import share_arenas
from studio.engine.threads import BESIDE, be_nice, spawn
from studio.export.recording_file import load_encoder
from studio.library.presets import apply_params, find_preset
from studio.library.settings import SETTINGS
from studio.params import ParamSet
from studio.plugins import PluginError, Registry, discover
from studio.session import audio_clock, state
from studio.session.clock_sources import ClockSources
from studio.session.controls import Controls
from studio.session.events import Events, Notice, news_of
from studio.session.fades import Fades
from studio.session.feed import Feed
from studio.session.history import History
from studio.session.jobs import JobList
from studio.session.line import Line, Slot
from studio.session.link import LinkClock
from studio.session.mix import Mix
from studio.session.playback import Playback
from studio.session.playback_words import WordsOut
from studio.session.programme import Shown
from studio.session.recording import Recorder
from studio.session.setlist import SetList
from studio.session.snapshots import Snapshot
from studio.session.warmup import Warmed

if TYPE_CHECKING:
    from studio.session.outputs import Outputs

log = logging.getLogger("reverie.session")

NOTICES = 500
"""Notices that are remembered."""


class Core:
    """Lines, news, plugins and undo; ``Session`` has the rest.

    Kinds of news (``on``): line, values, selection, notice, jobs, library, history, session, mix, controls, settings,
    soundcheck, recording, outputs, photo.
    """

    def __init__(
        self, registry: Registry | None = None, *, settings: ParamSet | None = None, device: str = "cpu",
        clock: Clock | None = None,
    ) -> None:
        share_arenas()
        self.events = Events()
        self.settings = settings if settings is not None else ParamSet(SETTINGS)
        self.registry = registry if registry is not None else discover(
            builtin_only=bool(self.settings["safe_mode"]), contain=bool(self.settings["contain_plugins"]))
        self.clock = clock or Clock()
        self.device = device
        self.mix = Mix(lambda: self.post("mix"))
        self.shown = Shown()
        self.jobs = JobList(lambda job: self.post("jobs"))
        self.notices: list[Notice] = []
        self.snapshots: list[Snapshot] = []
        self.selection: tuple[str, int] = ("A", 0)
        self.graveyard: dict[int, Slot] = {}
        self.decks: dict[str, Line] = {name: self._make_deck(name) for name in ("A", "B")}
        self.players: dict[str, Line] = {}
        self.history = History(
            lambda: {**state.capture(self), "controls": self.controls.dump(), "looks": self.setlist.capture()},
            self._restore, lambda: self.post("history"),
        )
        self.closed = self._editing = self._modified = False
        self.edit_count = 0
        """How often something was changed: tells whether that happened while a file was written."""
        self.fades = Fades(self)
        self.setlist = SetList(self)
        self.playback = Playback(self)
        self._words = WordsOut()
        self.controls = Controls(self)
        self.recorder = Recorder(self)
        self.clock_sources = ClockSources(self)
        self.link = LinkClock(self)
        self.clock_sources.add(self.link.source())
        self.warmed = Warmed()
        self.clock_sources.add(audio_clock.offer(self, self.controls.audio.clock))

    # --- news ---

    def on(self, kind: str, callback: Callable[[Any], None]) -> Callable[[], None]:
        """Hear of one kind of news, in ``pump``; the returned function ends that."""
        return self.events.on(kind, callback)

    def post(self, kind: str, subject: Any = None) -> None:
        """Tell of something, from any thread."""
        self.events.post(kind, subject)

    def pump(self) -> None:
        """Deliver news and attach what was loaded; call it about 60 times a second."""
        self.events.pump()
        self.fades.tick()
        self.setlist.tick()
        self._words.tell(self)
        self.recorder.tick()
        self.controls.apply_settings()
        self.history.sample()

    def notice(self, text: str, *, level: str = "info", cure: str = "", source: str = "") -> None:
        """Say something to the user, from any thread."""
        made = Notice(text, level, cure, source)
        log.log({"error": logging.ERROR, "warning": logging.WARNING}.get(level, logging.INFO), "%s", made.said)

        def keep() -> None:
            self.notices.append(made)
            del self.notices[:-NOTICES]
            self.post("notice", made)

        self.events.call(keep)

    # --- control ---

    @property
    def bindings(self) -> list[Binding]:
        """What moves what; change them through ``controls``."""
        return self.controls.bindings

    @property
    def modulators(self) -> list[Modulator]:
        """What moves by itself; change them through ``controls``."""
        return self.controls.modulators

    # --- ways out ---

    @functools.cached_property
    def outputs(self) -> Outputs:
        """Other programs and the preview in a browser; nothing of it is loaded before somebody asks."""
        from studio.session.outputs import Outputs

        return Outputs(self)

    # --- lines ---

    def _make_deck(self, name: str) -> Line:
        return Line(name, "deck", Deck(f"deck {name}", **self._worker_settings(f"Deck {name}", self.settings["fps"])))

    def _worker_settings(self, title: str, fps: int | None) -> dict[str, Any]:
        return {
            "clock": self.clock, "device": self.device, "fps": fps, "threads": self.settings["threads"] or None,
            **news_of(title, self.notice),
        }

    def lines(self) -> list[Line]:
        """Decks, then players."""
        return [*self.decks.values(), *self.players.values()]

    def line(self, name: str) -> Line:
        """A deck or player by name. Raises KeyError."""
        return self.decks[name] if name in self.decks else self.players[name]

    def make_player(self, name: str) -> Line:
        """An empty player of this name; for ``state.restore`` and ``add_player``."""
        line = Line(name, "player", Player(f"player {name}", **self._worker_settings(f"Player {name}", None)))
        self.players[name] = line
        self.playback.follow(line)
        self.post("line", line)
        return line

    def drop_line(self, name: str) -> None:
        """Take a player away; for ``state.restore`` and ``remove_player``."""
        line = self.players.pop(name)
        line.worker.stop(0.0)
        state.bury(self, line.slots)
        line.slots = []
        self.playback.forget(line)
        self.post("line", line)
        if self.selection[0] == name:
            self.select("A", 0)

    def set_degrades(self, line: str, on: bool) -> None:
        """Whether a line gives way when it is too slow; a choice like a setting, kept in the session."""
        target = self.line(line)
        target.degrades = on
        self.modified = True
        self.post("line", target)

    @property
    def modified(self) -> bool:
        """Whether something was changed since the session was saved or opened."""
        return self._modified

    @modified.setter
    def modified(self, on: bool) -> None:
        self._modified = on
        self.edit_count += on

    def select(self, line: str, index: int = 0) -> None:
        """Choose what the inspector and the generator's own view show."""
        if self.selection != (line, index):
            self.selection = (line, index)
            self.post("selection")

    @property
    def selected(self) -> tuple[Line, Slot] | None:
        """The selected line and slot, if there is one."""
        name, index = self.selection
        line = self.decks.get(name) or self.players.get(name)
        return (line, line.slots[index]) if line is not None and index < len(line.slots) else None

    # --- generators ---

    def find_plugin(self, slot: Slot) -> None:
        """Look up a slot's plugin; one that is not here leaves the slot absent, with its data."""
        try:
            slot.plugin = self.registry.get(slot.generator)
        except PluginError as error:
            slot.state, slot.reason = "absent", f"{error}; its values are kept"
            return
        slot.generator = slot.plugin.id or slot.generator
        slot.data.generator = slot.generator

    def settle(self, line: Line, *, fresh: bool = False) -> None:
        """Let a line run what its slots hold now, importing what is missing."""
        for slot in line.slots:
            if slot.stage is None and slot.plugin is not None and slot.state == "loading":
                self._import(line, slot)
        self._feed(line)
        line.sync(fresh=fresh)
        self.playback.follow(line)
        self.post("line", line)
        self.post("values", line)
        if self.selection[0] == line.name and self.selection[1] >= len(line.slots):
            self.select(line.name, max(0, len(line.slots) - 1))

    def _import(self, line: Line, slot: Slot) -> None:
        """Import the plugin on a thread of its own: torch takes seconds the first time."""
        slot.state = "importing"
        plugin = slot.plugin
        assert plugin is not None

        def work() -> None:
            try:
                generator = plugin.load()
                if slot.preset:
                    folders = [plugin.folder / "presets"]
                    try:
                        preset = find_preset(generator.id, slot.preset, folders)
                    except ValueError as error:
                        self.notice(str(error), level="warning", source=slot.title)
                    else:
                        slot.data.params = {**preset.params, **slot.data.params}
            except PluginError as error:
                why = str(error)
                self.events.call(lambda: self._failed(line, slot, why))
            else:
                self.events.call(lambda: self._attach(line, slot))
            be_nice(BESIDE)
            load_encoder()  # so that a recording begins with its first picture

        spawn(f"reverie import {slot.generator}", work, lambda: None)

    def _failed(self, line: Line, slot: Slot, why: str) -> None:
        slot.state, slot.reason = "failed", why
        self.notice(why, level="error", source=line.title)
        self.post("line", line)
        self.post("library")

    def _attach(self, line: Line, slot: Slot) -> None:
        """The code is here: make its values, and run it if the slot still stands in the line."""
        from studio.engine import Stage

        assert slot.plugin is not None
        generator = slot.plugin.load()  # imported already: only looked up
        values = ParamSet(generator.params)
        for text in apply_params(slot.data.params, slot.data.version, values, generator):
            self.notice(f"{slot.title}: {text}", source=line.title)
        slot.stage = Stage(generator, values, slot.plugin.folder, slot.bypass)
        slot.state, slot.reason = "ready", ""
        if slot in line.slots:
            self._feed(line)
            line.sync()
            self.playback.follow(line)
            self.post("line", line)
            self.post("values", line)

    def _feed(self, line: Line) -> None:
        """Start, change or end the pictures that come into a deck."""
        if line.kind != "deck" or not isinstance(line.worker, Deck):
            return
        wanted = line.input_spec if line.wants_input and not line.stopped and not self.closed else None
        line.worker.awaits_input = wanted is not None
        if line.feed is not None and line.feed.spec != wanted:
            line.feed.stop()
            line.feed = None
            line.worker.input.clear()
        if wanted is not None and line.feed is None:
            line.feed = Feed(
                wanted, line.worker.input, self.registry, fps=float(self.settings["fps"]),
                notice=lambda text: self.notice(text, level="warning", source=line.title,
                                                cure="reverie devices lists what is there; choose another input"),
            )

    def reload_plugin(self, name: str) -> bool:
        """Import a plugin's code anew and let every line use it, with its present values. The old code runs on until
        the new one is here; when it fails to import, the old one stays. False when there is no such plugin."""
        try:
            plugin = self.registry.get(name)
        except PluginError as error:
            self.notice(str(error), level="error")
            return False

        def work() -> None:
            try:
                plugin.reload()
            except PluginError as error:
                self.notice(f"{error}; the version before goes on", level="error", source=plugin.title)
                self.post("library")
            else:
                self.events.call(lambda: self._use_reloaded(plugin.id))

        spawn(f"reverie reload {name}", work, lambda: None)
        return True

    def _use_reloaded(self, generator: str) -> None:
        for line in self.lines():
            touched = False
            for slot in line.slots:
                if slot.generator == generator and slot.plugin is not None:
                    slot.data = slot.current()
                    self._attach_again(line, slot)
                    touched = True
            if touched:
                line.sync()
                self.post("line", line)
                self.post("values", line)
        self.notice(f"{next((p.title for p in self.registry if p.id == generator), generator)} was read anew")
        self.post("library")

    def _attach_again(self, line: Line, slot: Slot) -> None:
        """A new stage, of which the line's worker makes new generators; the values are those of before."""
        slot.stage = None
        self._attach(line, slot)

    # --- undo ---

    @contextmanager
    def edit(self, label: str, gesture: Any = None) -> Iterator[None]:
        """Everything done inside is one step of undo."""
        if self._editing:
            yield
            return
        self.history.begin(label, gesture)
        self._editing = True
        try:
            yield
        finally:
            self._editing = False
            self.modified = True
            self.history.commit()

    def undo(self) -> str:
        """Take the newest step back; returns its label."""
        self.modified = True
        return self.fades.before_undo() or self.history.undo()

    def redo(self) -> str:
        """Do once more what was taken back last; returns its label."""
        self.modified = True
        return self.history.redo()

    def _restore(self, target: dict[str, Any], current: dict[str, Any]) -> None:
        state.restore(self, target, current)
        if target["controls"] != current["controls"]:
            self.controls.load(target["controls"], [])
        self.setlist.restore(target["looks"], current["looks"])

    def go_back(self, seconds: float = 10.0) -> bool:
        """Return to the look of so long ago; itself a step that can be undone."""
        self.modified = True
        self.fades.stop()
        return self.history.go_back(seconds)

    # --- the end ---

    def close(self) -> None:
        """Stop everything; returns at once. ``studio.engine.threads.stop_all`` waits for the threads."""
        self.recorder.close()
        self.closed = True
        if "outputs" in self.__dict__:
            self.outputs.close()
        self.playback.close()
        self.controls.close()
        self.jobs.cancel_all()
        for line in self.lines():
            line.worker.stop(0.0)
            if line.feed is not None:
                line.feed.stop()
                line.feed = None
