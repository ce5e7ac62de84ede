"""What a user can do to the lines of a session and to the whole of it; every edit is one step of undo."""

from __future__ import annotations

import copy
import time
from collections.abc import Hashable
from typing import Any

from studio.engine import GeneratorError
from studio.library.session import StageData
from studio.plugins import PluginError
from studio.session import state
from studio.session.fades import Fade
from studio.session.line import Line, Slot, begin_anew
from studio.session.mix import Span
from studio.session.snapshots import Snapshot
from studio.session.value_edits import ValueEdits


class Edits(ValueEdits):
    """The edits."""

    # --- what stands in a line ---

    def load(
        self, line: str, generator: str, *, preset: str = "", params: dict[str, Any] | None = None,
        index: int = 0,
    ) -> Slot | None:
        """Put a generator at ``index`` (0 is the source), in place of what is there; effects after it stay if they fit.

        Returns at once, with the slot; the code is imported on another thread. None, and a notice, when it cannot be.
        """
        target = self.line(line)
        slot = self._new_slot(generator, preset, params)
        if slot is None or not self._accepts(target, slot):
            return None
        with self.edit(f"Load {slot.title}"):
            old = target.slots[index : index + 1]
            target.slots[index : index + 1] = [slot]
            state.bury(self, old)
            target.stopped = False
            self.settle(target)
        self.select(line, target.slots.index(slot))
        return slot

    def add_effect(
        self, line: str, generator: str, *, preset: str = "", params: dict[str, Any] | None = None,
        at: int | None = None,
    ) -> Slot | None:
        """Put an effect into a line, at the end or at ``at``; in an empty deck it works on the deck's input."""
        target = self.line(line)
        slot = self._new_slot(generator, preset, params)
        if slot is None or not self._accepts(target, slot):
            return None
        manifest = slot.plugin.manifest if slot.plugin else None
        if manifest is not None and manifest.takes is None and target.slots:
            self.notice(f"{slot.title} takes no input, so it cannot follow another generator; load it as a source",
                        level="warning")
            return None
        with self.edit(f"Add {slot.title}"):
            target.slots.insert(len(target.slots) if at is None else max(0, min(at, len(target.slots))), slot)
            self.settle(target)
        self.select(line, target.slots.index(slot))
        return slot

    def _new_slot(self, generator: str, preset: str, params: dict[str, Any] | None) -> Slot | None:
        try:
            plugin = self.registry.get(generator)
        except PluginError as error:
            self.notice(str(error), level="error")
            return None
        if plugin.state in ("failed", "found"):
            why = plugin.reason or "it is not enabled"
            self.notice(f"{plugin.title} cannot be used: {why}", level="error", cure="see the plugins page")
            return None
        extra = {"preset": preset} if preset else {}
        version = plugin.manifest.version if plugin.manifest else 1
        return state.slot_from(self, StageData(plugin.id, version, dict(params or {}), extra))

    def _accepts(self, line: Line, slot: Slot) -> bool:
        makes = slot.plugin.manifest.makes if slot.plugin and slot.plugin.manifest else "image"
        if (line.kind == "deck") == (makes == "image"):
            return True
        where = "a player" if line.kind == "deck" else "a deck"
        self.notice(f"{slot.title} makes {makes}, which {line.title} cannot hold; put it into {where}", level="warning")
        return False

    def remove_stage(self, line: str, index: int) -> None:
        """Take a generator out."""
        target = self.line(line)
        if not 0 <= index < len(target.slots):
            return
        with self.edit(f"Remove {target.slots[index].title}"):
            state.bury(self, [target.slots.pop(index)])
            self.settle(target)

    def move_stage(self, line: str, index: int, to: int) -> None:
        """Move an effect to another place in its line; refused with a notice where it would not fit."""
        target = self.line(line)
        if not (0 <= index < len(target.slots) and 0 <= to < len(target.slots)) or index == to:
            return
        order = list(target.slots)
        order.insert(to, order.pop(index))
        generators = [slot.stage.generator for slot in order if slot.stage is not None]
        if why := target.fits(generators):
            self.notice(why, level="warning", source=target.title)
            return
        with self.edit(f"Move {target.slots[index].title}"):
            target.slots = order
            self.settle(target)
        self.select(line, to)

    def set_bypass(self, line: str, index: int, on: bool) -> None:
        """Let an effect hand on what it is given."""
        target = self.line(line)
        slot = target.slots[index]
        with self.edit(f"{'Bypass' if on else 'Use'} {slot.title}"):
            slot.bypass = on
            self.settle(target)

    def clear_line(self, line: str) -> None:
        """Empty a line; a deck's last picture goes too."""
        target = self.line(line)
        with self.edit(f"Empty {target.title}"):
            state.bury(self, target.slots)
            target.slots = []
            self.settle(target)
        mailbox = getattr(target.worker, "mailbox", None)
        if mailbox is not None:
            mailbox.clear()

    def set_input(self, line: str, spec: str) -> None:
        """Choose what feeds a deck: ``camera:N``, a file, ``scene``; '' for the scene."""
        target = self.line(line)
        before = target.feed
        with self.edit(f"Input of {target.title}"):
            target.input = spec
            self.settle(target)
        if target.feed is not None and target.feed is not before:
            target.feed.once(lambda: begin_anew(target))

    def set_size(self, line: str, size: tuple[int, int] | None) -> None:
        """Pixels (width, height) that a line is asked for; None lets its generator choose. Restarts it."""
        target = self.line(line)
        with self.edit(f"Size of {target.title}"):
            target.size = size
            self.settle(target, fresh=True)

    def add_player(self) -> Line:
        """An empty player with the next free number."""
        number = next(n for n in range(1, 1000) if str(n) not in self.players)
        with self.edit("Add a player"):
            return self.make_player(str(number))

    def remove_player(self, name: str) -> None:
        """Take a player away."""
        with self.edit(f"Remove player {name}"):
            self.drop_line(name)

    # --- running ---

    def start(self, line: str) -> None:
        """Run a line that was stopped."""
        target = self.line(line)
        target.stopped = False
        self.settle(target)

    def stop(self, line: str) -> None:
        """Stop a line; its last picture stays."""
        target = self.line(line)
        target.stopped = True
        self.settle(target)

    def restart(self, line: str) -> None:
        """Run a line from its beginning with new generators; plugins that failed to import are tried again."""
        target = self.line(line)
        target.stopped = False
        for slot in target.slots:
            if slot.stage is None and slot.state in ("failed", "absent"):
                slot.state, slot.reason = "loading", ""
                self.find_plugin(slot)
                if slot.plugin is not None and slot.plugin.state == "failed":
                    slot.plugin.state = "enabled"
        self.settle(target, fresh=True)

    # --- looks ---

    def copy_look(self, line: str) -> dict[str, Any]:
        """A line's generators and values, for ``paste_look``; plain data."""
        look = state.capture_line(self.line(line))
        for slot in look["slots"]:
            slot.pop("uid", None)
        return copy.deepcopy(look)

    def paste_look(self, line: str, look: dict[str, Any]) -> None:
        """Make a line look as another did. A deck's look does not fit a player."""
        target = self.line(line)
        if look.get("kind") != target.kind:
            self.notice(f"this look is of a {look.get('kind')}; {target.title} cannot take it", level="warning")
            return
        with self.edit(f"Paste a look into {target.title}"):
            state.restore_line(self, target, copy.deepcopy(look), state.capture_line(target))

    def take_snapshot(self, name: str = "", picture: bytes = b"") -> Snapshot:
        """Keep the whole studio as it is now; ``picture`` is a small JPEG."""
        made = Snapshot(name or f"{time.strftime('%H:%M:%S')}", copy.deepcopy(state.capture(self)), picture)
        self.snapshots.append(made)
        self.modified = True
        self.post("session")
        return made

    def recall(
        self, snapshot: Snapshot, *, seconds: float = 0.0, beats: float = 0.0, bars: float = 0.0, start: str = "now",
        flip: float = 0.5,
    ) -> Fade | None:
        """Go to a snapshot; what is not in it stays. With a time it is a fade from here, which may wait for the next
        "beat", "bar" or "phrase" (four bars): numbers glide, colours and places in a latent space travel, what has
        nothing in between changes at ``flip`` (0..1) of the way. Raises ValueError for a time that there is not."""
        unit, length = next(
            ((name, value) for name, value in (("bars", bars), ("beats", beats)) if value), ("seconds", seconds))
        span = Span(length, unit, start)
        if length or start != "now":
            return self.fades.recall(snapshot.name, snapshot.state, span, flip)
        self.fades.stop()
        with self.edit(f"Snapshot {snapshot.name}"):
            now = state.capture(self)
            target = copy.deepcopy(snapshot.state)
            target["lines"] = {**now["lines"], **target["lines"]}
            target["mix"] = {**now["mix"], **target["mix"]}
            try:
                state.restore(self, target, now)
            except GeneratorError as error:
                self.notice(str(error), level="error")
        return None

    def remove_snapshot(self, snapshot: Snapshot) -> None:
        """Forget a snapshot."""
        if snapshot in self.snapshots:
            with self.edit(f"Delete {snapshot.name}"):
                self.setlist.forget(snapshot)
                self.snapshots.remove(snapshot)
            self.post("session")

    # --- the whole ---

    def set_crossfade(self, share: float, *, gesture: Hashable = "crossfade") -> None:
        """0 is deck A, 1 is deck B. A timed fade of it ends."""
        self.fades.stop("crossfade")
        with self.edit("Crossfade", gesture):
            self.mix.set("crossfade", share)

    def fade_to(self, share: float, span: Span | None = None) -> Fade:
        """Move the crossfader to ``share`` (0 is deck A, 1 is deck B) in time; without ``span`` as ``mix.span`` says.
        From where it is: a fade that is under way is turned round without a jump."""
        return self.fades.crossfade(min(1.0, max(0.0, share)), span or self.mix.span)

    def fade_over(self, *, cut: bool = False) -> Fade:
        """Fade to the other deck, at once with ``cut`` (which waits for the beat or bar all the same)."""
        under_way = self.fades.of("crossfade")
        there = under_way.share if under_way is not None else self.mix.crossfade
        return self.fade_to(0.0 if there >= 0.5 else 1.0, Span(0.0, start=self.mix.fade_start) if cut else None)

    def set_blend(self, blend: str) -> None:
        """How the decks meet, one of ``mix.BLENDS``. Raises ValueError for another."""
        with self.edit("Blend"):
            self.mix.set("blend", blend)

    def set_bpm(self, bpm: float, *, gesture: Hashable = "bpm") -> None:
        """The tempo, 20..400."""
        with self.edit("Tempo", gesture):
            self.clock.bpm = bpm
        self.post("session")
