"""Session files in the window: new, open, save, the recent ones, unsaved changes.

The disk's work is done beside the window; what became of it is said when it is known.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QDialog, QMenu, QWidget

from studio import paths, safe_json
from studio.files import FileError
from studio.session.session import Session
from studio.ui import icons
from studio.ui.kit import ask, pick_file
from studio.ui.recovery import RecoveryDialog, alive

KINDS = (("Reverie sessions", ("*.reverie",)),)
MOST_RECENT = 12


def recent_file() -> Path:
    """Where the names of recent sessions are kept."""
    return paths.user_folder("config") / "recent.json"


def load_recent() -> list[Path]:
    """The recent sessions, newest first; what cannot be read counts as none."""
    try:
        found = safe_json.load(recent_file()) if recent_file().is_file() else []
    except FileError:
        return []
    return [Path(item) for item in found if isinstance(item, str)][:MOST_RECENT] if isinstance(found, list) else []


def keep_recent(files: list[Path]) -> None:
    """Keep them; a folder that cannot be written is no reason to stop."""
    try:
        safe_json.save(recent_file(), [str(file) for file in files[:MOST_RECENT]], parents=True)
    except FileError:
        return


class SessionFiles(QObject):
    """What the Session menu does. Every question is asked without blocking.

    ``opened`` is emitted when a file or what a crash left has taken the place of what was there.
    """

    opened = Signal()

    def __init__(self, session: Session, window: QWidget) -> None:
        super().__init__(window)
        self.session, self.window = session, window
        self.recent = load_recent()
        self.recent_menu = QMenu("Open &recent", window)
        self.recent_menu.setToolTipsVisible(True)
        self.recent_menu.aboutToShow.connect(self._fill_recent)
        self._fill_recent()
        self.dialog: QDialog | None = None

    # --- new, open, save ---

    def new(self) -> None:
        """An empty session, after the question about unsaved changes."""
        self._after_saving("Begin a new session?", self.session.new)

    def open(self, path: Path | None = None) -> None:
        """Open a session file; without ``path`` a dialog asks for it."""
        if path is None:
            self.dialog = pick_file(self.window, "Open a session", self.open, folder=self._folder(), kinds=KINDS)
            return
        chosen = path
        self._after_saving(f"Open {path.stem}?", lambda: self._open(chosen))

    def _open(self, path: Path) -> None:
        def done(report: list[str]) -> None:
            if not alive(self):
                return
            self._remember(path)
            words = f", with {len(report)} notes in the messages" if report else ""
            self.session.notice(f"{path.stem} is open{words}")
            self.opened.emit()

        def failed(error: FileError) -> None:
            if not alive(self):
                return
            self.dialog = ask(self.window, "This session cannot be opened", f"{error}. The present one stays as it is.",
                              ["OK"], icon="error")
            self._forget(path)

        self.session.open_later(path, done, failed)

    def save(self, then: Callable[[], None] | None = None) -> None:
        """Save the session where it came from, or ask for a place."""
        if self.session.path is None:
            self.save_as(then)
        else:
            self._save(self.session.path, then)

    def save_as(self, then: Callable[[], None] | None = None) -> None:
        """Save the session under a name that is asked for."""
        name = f"{self.session.shown_name()}.reverie"
        self.dialog = pick_file(self.window, "Save the session", lambda path: self._save(path, then),
                                folder=self._folder(), kinds=KINDS, save=True, name=name)

    def _save(self, path: Path, then: Callable[[], None] | None) -> None:
        if path.suffix != ".reverie":
            path = path.with_name(f"{path.name}.reverie")
        def done(path: Path) -> None:
            if not alive(self):
                return
            self._remember(path)
            self.session.notice(f"Saved as {path.name}")
            if then is not None:
                then()

        def failed(error: FileError) -> None:
            if alive(self):
                self.dialog = ask(self.window, "The session was not saved", str(error), ["Cancel", "Save as …"],
                                  lambda answer: self.save_as(then) if answer == "Save as …" else None, icon="error")

        try:
            self.session.save_later(path, done, failed)
        except FileError as error:
            failed(error)

    def _folder(self) -> Path:
        if self.session.path is not None:
            return self.session.path.parent
        return next((file.parent for file in self.recent if file.parent.is_dir()), Path.home())

    # --- unsaved changes ---

    def _after_saving(self, question: str, work: Callable[[], None]) -> None:
        """Do ``work`` at once, or after the user has decided about unsaved changes."""
        if not self.session.modified or not self._worth_keeping():
            work()
            return

        def answered(answer: str | None) -> None:
            if answer == "Save":
                self.save(work)
            elif answer == "Do not save":
                work()

        self.dialog = ask(
            self.window, question, f"{self.session.shown_name()} has changes that were not saved.",
            ["Cancel", "Do not save", "Save"], answered, danger="Do not save", icon="save",
        )

    def _worth_keeping(self) -> bool:
        return any(line.slots for line in self.session.lines()) or bool(self.session.snapshots)

    def ask_before_close(self, close_now: Callable[[], None]) -> bool:
        """True when the window may close at once; else asks, and calls ``close_now`` if the answer is to close."""
        unsaved = self.session.modified and self._worth_keeping()
        jobs = [job.title for job in self.session.jobs.active]
        if not unsaved and not jobs:
            return True
        if self.dialog is not None and _visible(self.dialog):
            self.dialog.raise_()
            return False
        lines = []
        if jobs:
            names = ", ".join(jobs[:3]) + (f" and {len(jobs) - 3} more" if len(jobs) > 3 else "")
            lines.append(f"Still at work: {names}. Closing cancels it; trainings can be resumed.")
        if unsaved:
            lines.append(f"{self.session.shown_name()} has changes that were not saved.")

        def answered(answer: str | None) -> None:
            if answer == "Save and close":
                self.save(close_now)
            elif answer in ("Close without saving", "Close"):
                close_now()

        buttons = ["Stay", "Close without saving", "Save and close"] if unsaved else ["Stay", "Close"]
        self.dialog = ask(self.window, "Close the studio?", "\n\n".join(lines), buttons, answered,
                          danger="Close without saving" if unsaved else "Close", icon="power")
        return False

    # --- recent ---

    def _fill_recent(self) -> None:
        self.recent_menu.clear()
        for file in self.recent:
            there = file.is_file()
            action = self.recent_menu.addAction(icons.icon("session"), file.stem if there else f"{file.stem} (gone)")
            action.setEnabled(there)
            action.setToolTip(str(file) if there else f"{file} is no longer there")
            action.triggered.connect(lambda _=False, file=file: self.open(file))
        if self.recent:
            self.recent_menu.addSeparator()
            self.recent_menu.addAction("Clear this list", self._clear_recent)
        else:
            self.recent_menu.addAction("No sessions yet").setEnabled(False)

    def _remember(self, path: Path) -> None:
        path = path.absolute()
        self.recent = [path, *(file for file in self.recent if file != path)][:MOST_RECENT]
        self._keep_recent()

    def _forget(self, path: Path) -> None:
        self.recent = [file for file in self.recent if file != path.absolute()]
        self._keep_recent()

    def _clear_recent(self) -> None:
        self.recent = []
        self._keep_recent()

    def _keep_recent(self) -> None:
        files = list(self.recent)
        self.session.disk.do(lambda: keep_recent(files))

    # --- after a crash ---

    def offer_recovery(self) -> QDialog | None:
        """At the start: offer what studios that died left behind; None where nothing was."""
        left = self.session.recoverable()
        if not left:
            return None
        dialog = RecoveryDialog(self.session, left, self.window)
        dialog.restored.connect(self.opened)
        self.dialog = dialog
        dialog.open()
        return dialog


def _visible(dialog: QDialog) -> bool:
    return alive(dialog) and dialog.isVisible()
