"""Control of a session: bindings, learning, modulators, MIDI and OSC, at work on a thread of its own.

Edits (``bind``, ``add_modulator``, …) belong to the session's thread and are steps of undo. What controllers move is no
step: see ``control_board``. The thread runs only while there is something to do.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from studio.control import midi
from studio.control.binding import MODULATOR, OSC, PLAYER, Binding, Source, Target, parse_bindings
from studio.control.modulators import Bank, Lfo, Modulator, Step, parse_modulators, to_json
from studio.control.profile import Profile
from studio.control.router import Router
from studio.control.routes import Route, offsets, parse_routes
from studio.engine.threads import spawn
from studio.params import ParamError, ParamSet
from studio.session.audio_in import AudioIn
from studio.session.control_board import SessionBoard
from studio.session.control_ports import Ports
from studio.session.control_sources import PlayerEar

if TYPE_CHECKING:
    from studio.session.core import Core

log = logging.getLogger("reverie.control")

TICK, SOONEST = 0.01, 0.002
"""Seconds between two ticks, and at the least after a button."""
TELL = 0.05
"""Seconds between two times that the window is told of moved values."""
MOST_DT = 0.25
"""After a pause a modulator goes on, it does not leap."""


class Controls:
    """See the module. ``bindings``, ``modulators`` and ``routes`` are read; change them through the methods."""

    def __init__(self, session: Core) -> None:
        self.session = session
        self.board = SessionBoard(session)
        self.router = Router()
        self.bank = Bank()
        self.routes: list[Route] = []
        self.learning_for: Target | None = None
        self.ports = Ports(session, self.router, self.board, self._woken, self._again)
        self.audio = AudioIn(session, self.router)
        self._ear: PlayerEar | None = None
        self._lock = threading.Lock()  # bindings, modulators and routes change together, between ticks
        self._wake, self._stop = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._moved: dict[tuple[int, str], ParamSet] = {}  # the sets themselves: a slot may be replaced or taken out
        self._last: tuple[float, float] | None = None
        self._told = 0.0
        self._fault = ""
        self._tree: dict[str, Any] | None = None
        self.watching = False
        """Whether somebody looks at what comes in: then ports are open that nothing is bound to."""

    @property
    def bindings(self) -> list[Binding]:
        """All bindings, in the order they were made."""
        return list(self.router.bindings)

    @property
    def modulators(self) -> list[Modulator]:
        """All modulators, in the order they are stepped."""
        return list(self.bank.modulators)

    # --- edits: the session's thread ---

    def bind(self, source: Source, target: Target, **options: Any) -> Binding:
        """Let ``source`` move ``target``; options are those of ``Binding``. A binding of the same pair is replaced."""
        made = Binding(source, target, **options)
        with self.session.edit(f"Bind {target.text()}"):
            kept = [b for b in self.router.bindings if (b.source, b.target) != (source, target)]
            self._use(bindings=[*kept, made])
        return made

    def unbind(self, *bindings: Binding) -> None:
        """Take bindings away."""
        with self.session.edit("Remove a binding" if len(bindings) == 1 else "Remove bindings"):
            gone = {id(binding) for binding in bindings}
            self._use(bindings=[b for b in self.router.bindings if id(b) not in gone])

    def change(self, binding: Binding, *, gesture: Any = None, **changes: Any) -> Binding:
        """The same binding with other options; returns the new one."""
        made = replace(binding, **changes)
        with self.session.edit(f"Binding of {binding.target.text()}", gesture):
            self._use(bindings=[made if b is binding else b for b in self.router.bindings])
        return made

    def bindings_of(self, line: str, slot: int, name: str) -> list[Binding]:
        """The bindings that move a parameter."""
        return [b for b in self.router.bindings if b.target.line == line and b.target.name == name
                and self._is_at(b.target, slot)]

    def routes_of(self, line: str, slot: int, name: str) -> list[Route]:
        """The routes that modulate a parameter."""
        return [r for r in self.routes if r.target.line == line and r.target.name == name
                and self._is_at(r.target, slot)]

    def _is_at(self, target: Target, slot: int) -> bool:
        found = self.board.find(target)
        if found is None or PLAYER in (slot, target.slot):
            return target.slot == slot
        slots = found[0].slots
        return slot < len(slots) and slots[slot] is found[1]

    def target(self, line: str, slot: int, name: str, axis: str = "") -> Target:
        """The target for a parameter of a slot (from 0), which finds it again when it is moved."""
        slots = self.session.line(line).slots
        generator = slots[slot].generator if 0 <= slot < len(slots) else ""
        return Target(name, line, slot, generator, axis)

    def learn(self, target: Target, done: Callable[[Binding], None] | None = None, **options: Any) -> None:
        """Bind ``target`` to the control that is moved next. ``done(binding)`` hears of it on the session's thread."""
        self.learning_for = target

        def found(source: Source) -> None:
            self.session.events.call(lambda: self._learned(source, target, done, options))

        self.router.learn(found)
        self.apply_settings()
        self._run()
        self.session.post("controls")

    def _learned(
        self, source: Source, target: Target, done: Callable[[Binding], None] | None, options: dict[str, Any]
    ) -> None:
        if self.learning_for is not target:
            return
        self.learning_for = None
        if source.kind == OSC:
            options = {"takeover": "jump", **options}
        made = self.bind(source, target, **options)
        if done is not None:
            done(made)

    def relearn(self, binding: Binding, done: Callable[[Binding], None] | None = None) -> None:
        """Let the control that is moved next take the place of a binding's source; its options stay."""
        self.learning_for = target = binding.target

        def learned(source: Source) -> None:
            if self.learning_for is target:
                self.learning_for = None
                here = next((b for b in self.router.bindings if b is binding), None)
                made = self.change(here, source=source) if here is not None else self.bind(source, target)
                if done is not None:
                    done(made)

        self.router.learn(lambda source: self.session.events.call(lambda: learned(source)))
        self.apply_settings()
        self._run()
        self.session.post("controls")

    def watch(self, on: bool) -> None:
        """Keep a monitor of what comes in, see ``ports.monitor``."""
        self.watching = self.ports.monitor.on = on
        self.apply_settings()

    def cancel_learn(self) -> None:
        """Wait for no control any more."""
        self.learning_for = None
        self.router.learn(None)
        self.session.post("controls")

    def add_modulator(self, modulator: Modulator) -> Modulator:
        """Add a modulator; a name that is taken gets a number."""
        names = {known.name for known in self.bank.modulators}
        base, number = modulator.name or modulator.kind, 1
        modulator.name = base
        while modulator.name in names:
            number += 1
            modulator.name = f"{base} {number}"
        self._align(modulator)
        with self.session.edit(f"Add {modulator.name}"):
            self._use(modulators=[*self.bank.modulators, modulator])
        return modulator

    def change_modulator(self, name: str, *, gesture: Any = None, **changes: Any) -> Modulator:
        """Change a modulator's fields, checked as in a file. Raises ValueError with a reason, KeyError without one."""
        old = next((known for known in self.bank.modulators if known.name == name), None)
        if old is None:
            raise KeyError(name)
        report: list[str] = []
        made = parse_modulators([{**to_json(old), **changes, "name": name}], "modulator", report)[0]
        if report:
            raise ValueError("; ".join(report))
        if isinstance(old, Lfo) and isinstance(made, Lfo):
            made.turns = old.turns
        made.value = old.value
        if {"rate", "synced"} & set(changes):
            self._align(made)
        with self.session.edit(f"Change {name}", gesture):
            self._use(modulators=[made if known is old else known for known in self.bank.modulators])
        return made

    def _align(self, modulator: Modulator) -> None:
        if isinstance(modulator, Lfo):
            modulator.align(self.session.clock.read().beat)

    def remove_modulator(self, name: str) -> None:
        """Take a modulator away, with its routes."""
        with self.session.edit(f"Remove {name}"):
            self._use(modulators=[known for known in self.bank.modulators if known.name != name],
                      routes=[route for route in self.routes if route.modulator != name])

    def route(self, modulator: str, target: Target, depth: float = 0.25, *, bipolar: bool = True,
              gesture: Any = None) -> Route:
        """Let a modulator move a parameter; the same pair again changes its depth. One of 0 is kept.

        Raises ValueError where the parameter cannot be modulated.
        """
        found = self.board.find(target)
        if found is not None:
            found[2].modulate(target.name, 0.0)  # ParamError, a ValueError, says why not
        made = Route(modulator, target, min(1.0, max(-1.0, depth)), bipolar)
        with self.session.edit(f"Modulate {target.text()}", gesture):
            kept = [r for r in self.routes if (r.modulator, r.target) != (modulator, target)]
            self._use(routes=[*kept, made])
        return made

    def unroute(self, *routes: Route) -> None:
        """Take routes away."""
        with self.session.edit("Remove modulation"):
            self._use(routes=[route for route in self.routes if route not in routes])

    def use_profile(self, profile: Profile) -> None:
        """Add a controller profile's bindings; those it replaces go."""
        with self.session.edit(f"Controller {profile.name}"):
            pairs = {(b.source, b.target) for b in profile.bindings}
            kept = [b for b in self.router.bindings if (b.source, b.target) not in pairs]
            self._use(bindings=[*kept, *profile.bindings])

    def make_profile(self, name: str, device: str = "") -> Profile:
        """The bindings of a controller (of all with '') under a name."""
        return Profile(name, device, [b for b in self.router.bindings if device in ("", b.source.device)])

    def _use(
        self, *, bindings: list[Binding] | None = None, modulators: list[Modulator] | None = None,
        routes: list[Route] | None = None,
    ) -> None:
        with self._lock:
            if bindings is not None:
                self.router.set_bindings(bindings)
            if modulators is not None:
                self.bank.set(modulators)
            if routes is not None:
                self.routes = routes
            self._tree = None
        self.apply_settings()
        self._run()
        self.session.post("controls")

    # --- files and undo ---

    def dump(self) -> dict[str, Any]:
        """Everything as a session file holds it. The same object until something changes."""
        if self._tree is None:
            self._tree = {
                "bindings": [binding.to_json() for binding in self.router.bindings],
                "modulators": [to_json(modulator) for modulator in self.bank.modulators],
                "routes": [route.to_json() for route in self.routes],
                "audio": self.audio.dump(),
            }
        return self._tree

    def forget_tree(self) -> None:
        """Something that ``dump`` holds was changed elsewhere."""
        self._tree = None

    def load(self, tree: Any, report: list[str]) -> None:
        """Take everything from a file, in place of what is here; what cannot be used is reported."""
        if not isinstance(tree, dict):
            if tree is not None:
                report.append("controls: not an object; nothing is bound")
            tree = {}
        made = (parse_bindings(tree.get("bindings"), "controls.bindings", report),
                parse_modulators(tree.get("modulators"), "controls.modulators", report),
                parse_routes(tree.get("routes"), "controls.routes", report))
        old = {str(to_json(known)): known for known in self.bank.modulators}
        kept = {str(binding.to_json()): binding for binding in self.router.bindings}
        for modulator in made[1]:
            self._align(modulator)
        self._use(bindings=[kept.get(str(b.to_json()), b) for b in made[0]],
                  modulators=[old.get(str(to_json(m)), m) for m in made[1]], routes=made[2])
        self.audio.load(tree.get("audio") or None, report)

    # --- at work ---

    def apply_settings(self) -> None:
        """Open and close ports as settings and bindings ask for it; cheap when nothing changed."""
        bound = any(b.source.kind in midi.KINDS for b in self.router.bindings)
        self.ports.apply(wants_midi=bound or self.router.learning or self.watching or self.session.playback.ear.on)
        self.audio.apply()
        if self.ports.active:
            self._run()

    def _woken(self) -> None:
        self._wake.set()

    def _again(self, device: str) -> None:
        self.router.forget(device)

    def _run(self) -> None:
        busy = self.router.bindings or self.routes or self.bank.modulators or self.ports.active or self.router.learning
        if busy and not self._stop.is_set() and (self._thread is None or not self._thread.is_alive()):
            self._thread = spawn("reverie control", self._work, self.close)

    def _work(self) -> None:
        while not self._stop.is_set():
            begin = time.perf_counter()
            try:
                self.tick(begin)
            except Exception as error:  # a target that goes away in the middle of a tick
                if str(error) != self._fault:
                    self._fault = str(error)
                    log.exception("control failed")
            if self._wake.wait(max(0.0, TICK - (time.perf_counter() - begin))):
                self._wake.clear()
                self._stop.wait(SOONEST)

    def tick(self, now: float) -> None:
        """Move everything to ``now`` (``perf_counter``): on the control thread, or in a test without one."""
        session = self.session
        self.ports.take_osc(now)
        with self._lock:
            modulators, routes = list(self.bank.modulators), list(self.routes)
            if modulators:
                self._modulate(now, routes)
        if self._moved and not modulators:
            self._set_offsets({})
        for device, message in self.router.tick(now, self.board):
            self.ports.light(device, message)
        self.ports.send_osc(now)
        if self.board.touched and now - self._told >= TELL:
            self._told = now
            touched, self.board.touched = self.board.touched, set()
            for name in touched:
                line = session.decks.get(name) or session.players.get(name)
                if line is not None:
                    session.post("values", line)

    def _modulate(self, now: float, routes: list[Route]) -> None:
        moment = self.session.clock.read()
        if self._ear is None:
            self._ear = PlayerEar(self.session.playback)
        t, beat = self._last or (now, moment.beat)
        self._last = now, moment.beat
        dt = min(MOST_DT, max(0.0, now - t))
        beats = min(MOST_DT * 7.0, max(0.0, moment.beat - beat))
        values = self.bank.step(Step(dt, beats, tuple(self._ear.listen(moment.bpm)), self.audio.values))
        for modulator in self.bank.modulators:
            if self.router.hears(MODULATOR, modulator.name):
                self.router.push_value(MODULATOR, modulator.name, modulator.value, now, on=modulator.pressed)
        self._set_offsets(offsets(routes, values))

    def _set_offsets(self, wanted: dict[Target, float]) -> None:
        sums: dict[tuple[int, str], tuple[ParamSet, float]] = {}
        for target, amount in wanted.items():
            found = self.board.find(target)
            if found is not None:
                key = id(found[2]), target.name
                sums[key] = found[2], amount + (sums[key][1] if key in sums else 0.0)
        for (number, name), values in self._moved.items():
            if (number, name) not in sums:
                values.modulate(name, None)
        self._moved = {}
        for key, (values, amount) in sums.items():
            try:
                values.modulate(key[1], amount)
            except ParamError:  # a file's route to what cannot be modulated
                continue
            self._moved[key] = values

    def close(self) -> None:
        """Stop; returns at once."""
        self._stop.set()
        self._wake.set()
        self.ports.close()
        self.audio.close()
