"""Sessions as files: new, open, save, autosave, and what is left of a crash."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from studio import safe_json
from studio.engine.threads import spawn
from studio.files import FileError, write_text
from studio.library.session import (
    LineData,
    SessionData,
    load_session,
    save_session,
    session_text,
    write_session,
)
from studio.plugins import Registry
from studio.session import recovery, state
from studio.session.disk import Disk
from studio.session.edits import Edits
from studio.session.line import Line
from studio.session.recovery import Recoverable, RecoverySlot
from studio.session.snapshots import read_snapshots

AUTOSAVE_SECONDS = 20.0
"""How often a changed session is written to the recovery folder."""
CLOSE_WAIT = 5.0
"""Seconds that closing waits for files that are still being written."""


class Storage(Edits):
    """A session and its files. ``path`` is the file it was opened from or saved to last."""

    def __init__(self, registry: Registry | None = None, **options: Any) -> None:
        """``options`` are those of ``Core``: settings, device."""
        super().__init__(registry, **options)
        self.path: Path | None = None
        self.disk = Disk(self.events)
        self._slot = RecoverySlot()
        self._data = SessionData()
        self._saved_at = time.monotonic()
        self._written = ""
        self._writing = False
        self.mix.actions.update(  # a controller's thread may fire them
            auto=lambda: self.events.call(self.fade_over),
            cut=lambda: self.events.call(lambda: self.fade_over(cut=True)),
            go=lambda: self.events.call(self.setlist.go), back=lambda: self.events.call(self.setlist.back),
        )

    def close(self) -> None:
        """Stop everything, cleanly: what is being saved is saved, and no recovery file stays."""
        written = self.disk.wait(CLOSE_WAIT)
        super().close()
        if written:
            self._slot.close()

    def to_data(self) -> SessionData:
        """Everything as a session file holds it; plugins that are absent keep their data as it came."""
        data = self._data
        data.decks = [self._line_data(line) for line in self.decks.values()]
        data.players = [self._line_data(line) for line in self.players.values()]
        data.bpm, data.crossfade = self.clock.bpm, self.mix.crossfade
        mix = data.extra.get("mix")
        data.extra["mix"] = {**(mix if isinstance(mix, dict) else {}), **self.mix.settings()}
        controls = self.controls.dump()
        if any(controls.values()) or "controls" in data.extra:
            known = data.extra.get("controls")
            data.extra["controls"] = {**known, **controls} if isinstance(known, dict) else controls
        if self.snapshots or "snapshots" in data.extra:
            data.extra["snapshots"] = [snapshot.to_json() for snapshot in self.snapshots]
        if self.setlist.steps or "setlist" in data.extra:
            setlist = data.extra.get("setlist")
            data.extra["setlist"] = {**(setlist if isinstance(setlist, dict) else {}), **self.setlist.to_json()}
        return data

    @staticmethod
    def _line_data(line: Line) -> LineData:
        stages = [slot.current() for slot in line.slots]
        return LineData(line.name, stages, line.seed, line.size, line.input, line.extra)

    def save(self, path: Path | None = None) -> None:
        """Write the session to ``path``, or where it came from. Raises FileError with a sentence."""
        target = path or self.path
        if target is None:
            raise FileError("the session has no file yet; choose one")
        data = self.to_data()
        data.name = data.name or target.stem
        save_session(target, data)
        self.path, self.modified = target, False
        self.post("session")

    def save_later(
        self, path: Path | None = None, done: Callable[[Path], object] | None = None,
        failed: Callable[[FileError], object] | None = None,
    ) -> None:
        """As ``save``, with the disk's work on another thread: what the session is *now* will be in the file, whatever
        is edited meanwhile, and saves keep their order. ``done`` or ``failed`` is called in a later ``pump``; until
        then the session counts as changed. Raises FileError where it cannot even begin."""
        target = path or self.path
        if target is None:
            raise FileError("the session has no file yet; choose one")
        data = self.to_data()
        data.name = data.name or target.stem
        text, backup = session_text(data), data.changed
        edits = self.edit_count

        def written(_: None) -> None:
            data.changed = False
            if self._data is data:  # else another session has been opened meanwhile
                self.path = target
                if self.edit_count == edits:
                    self.modified = False
            self.post("session")
            if done is not None:
                done(target)

        self.disk.do(lambda: write_session(target, text, backup=backup), written, failed)

    def open_later(
        self, path: Path, done: Callable[[list[str]], object] | None = None,
        failed: Callable[[FileError], object] | None = None,
    ) -> None:
        """As ``open``, with the file read on another thread, after all that is still to be saved."""
        def read(found: tuple[SessionData, list[str]]) -> None:
            report = self._adopt(path, *found)
            if done is not None:
                done(report)

        self.disk.do(lambda: load_session(path), read, failed)

    def open(self, path: Path) -> list[str]:
        """Replace everything by a session file; returns what was changed or ignored. Raises FileError; nothing is lost
        then."""
        return self._adopt(path, *load_session(path))

    def _adopt(self, path: Path, data: SessionData, report: list[str]) -> list[str]:
        self._apply(data, report)
        data.changed = data.changed or bool(report)  # what was left out is backed up before it is saved over
        self.path, self.modified = path, False
        for line in report:
            self.notice(f"{path.name}: {line}", level="warning")
        self.post("session")
        return report

    def new(self) -> None:
        """An empty session."""
        self._apply(SessionData(), [])
        self.path, self.modified = None, False
        self.post("session")

    def _apply(self, data: SessionData, report: list[str]) -> None:
        for name in list(self.players):
            self.drop_line(name)
        self._data = data
        self.snapshots = read_snapshots(data.extra.get("snapshots"), report)
        self.setlist.load(data.extra.get("setlist"), report)
        self.controls.load(data.extra.get("controls"), report)
        self.fades.stop()
        self.clock.bpm = data.bpm
        self.mix.load(data.extra.get("mix", {}), report)
        self.mix.set("crossfade", data.crossfade)
        stored = {line.name: line for line in data.decks if line.name in self.decks}
        unnamed = [line for line in data.decks if line.name not in self.decks]
        for name, deck in self.decks.items():
            self._fill(deck, stored.get(name) or (unnamed.pop(0) if unnamed else LineData(name)))
            if not deck.slots:
                deck.worker.mailbox.clear()  # type: ignore[union-attr]
        for number, player in enumerate(data.players, 1):
            name = player.name if player.name.isdigit() and player.name not in self.players else str(number)
            while name in self.players:
                name = str(int(name) + 1)
            self._fill(self.make_player(name), player)
        self.history.clear()
        self.select("A", 0)
        self.post("selection")

    def _fill(self, line: Line, data: LineData) -> None:
        state.bury(self, line.slots)
        line.slots = [state.slot_from(self, stage) for stage in data.stages]
        for slot in line.slots:
            slot.preset = ""  # its values are stored: the name is only a label
            slot.preset = str(slot.data.extra.pop("preset", ""))[:200]
        line.seed, line.size, line.input, line.extra = data.seed, data.size, data.input, data.extra
        line.stopped = False
        self.settle(line, fresh=True)

    # --- recovery ---

    def autosave_tick(self) -> None:
        """Call now and then: writes a changed session to the recovery folder, on another thread."""
        now = time.monotonic()
        if self._slot.path is None or self._writing or now - self._saved_at < AUTOSAVE_SECONDS:
            return
        self.autosave()

    def autosave(self) -> None:
        """Write the recovery file now, if anything changed since the last time."""
        self._saved_at = time.monotonic()
        path = self._slot.path
        if path is None or not self.modified:
            return
        tree = self.to_data().to_json()
        tree["recovered_from"] = str(self.path) if self.path else ""
        text = safe_json.dumps(tree)
        if text == self._written:
            return
        self._written, self._writing = text, True

        def work() -> None:
            try:
                write_text(path, text)
            except FileError as error:
                self.notice(f"the recovery copy could not be written: {error}", level="warning")
            finally:
                self._writing = False

        spawn("reverie autosave", work, lambda: None)

    def recoverable(self) -> list[Recoverable]:
        """States that studios which died left behind, the newest first."""
        return recovery.recoverable()

    def recover(self, item: Recoverable) -> list[str]:
        """Bring such a state back, as an unsaved session. The file goes when this session is saved or closed well."""
        report = self._recovered(self.open(item.path))
        recovery.discard(item)
        return report

    def recover_later(
        self, item: Recoverable, done: Callable[[list[str]], object], failed: Callable[[FileError], object],
    ) -> None:
        """As ``recover``, with the file read on another thread."""

        def opened(report: list[str]) -> None:
            self._recovered(report)
            self.disk.do(lambda: recovery.discard(item), lambda _: done(report))

        self.open_later(item.path, opened, failed)

    def _recovered(self, report: list[str]) -> list[str]:
        came_from = self._data.extra.pop("recovered_from", "")
        self.path = Path(came_from) if isinstance(came_from, str) and came_from.endswith(".reverie") else None
        self.modified = True
        self._written = ""
        self.autosave()
        self.post("session")
        return report

    def shown_name(self) -> str:
        """The session's name for a title bar."""
        return self.path.stem if self.path else "Untitled"
