"""Sound check: what the show needs, each line good, doubtful or bad, with the cure and a button where one helps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import shiboken6
from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from studio.engine.threads import spawn
from studio.session import soundcheck
from studio.session.core import Core
from studio.session.jobs import is_active
from studio.session.soundcheck import BAD, DOUBTFUL, GOOD, Act, Check
from studio.session.soundcheck_acts import do
from studio.ui import theme
from studio.ui.control.ports import Lamp
from studio.ui.kit import ask, button
from studio.ui.pages.parts import Page, clear, label, scrolled

AGAIN_MS = 300
WORDS = {GOOD: "good", DOUBTFUL: "look", BAD: "mend"}
PAGES = {"preferences": "preferences", "models": "models", "plugins": "plugins"}
"""Acts that open a page."""


class CheckRow(QFrame):
    """One line of the list."""

    def __init__(self, check: Check, act: Callable[[Act], None]) -> None:
        super().__init__()
        self.check = check
        theme.set_role(self, "card")
        self.setAccessibleName(f"{check.title}, {WORDS[check.level]}: {check.text}")
        title = label(check.title, "strong")
        title.setFixedWidth(theme.px(124))
        title.setWordWrap(True)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(label(f"{check.text}.", wrap=True, select=True))
        if check.cure:
            words.addWidget(label(f"What helps: {check.cure}.", "small", wrap=True, select=True))
        self.buttons = {one.name: button(one.label, clicked=partial(act, one)) for one in check.acts}
        lamp = Lamp(check.level)
        lamp.setAccessibleName(WORDS[check.level])
        row = QHBoxLayout(self)
        row.setContentsMargins(*(theme.space(n) for n in (3, 1.5, 2, 1.5)))
        row.setSpacing(theme.space(2))
        row.addWidget(lamp)
        row.addWidget(title)
        row.addLayout(words, 1)
        for made in self.buttons.values():
            row.addWidget(made)


class SoundcheckPage(Page):
    """See the module. It looks by itself when it is opened and when something it depends on has changed."""

    widest = 1400

    def __init__(self, session: Core, parent: QWidget | None = None) -> None:
        super().__init__(session, "Sound check", "Everything that the show needs, before the doors open.", parent)
        self.checks: list[Check] | None = None
        self.rows: dict[str, CheckRow] = {}
        self.window_acts: dict[str, Callable[[], object]] = {}
        """What only the window can do: test pattern, output, parts of the page Control. The window puts it in."""
        self.output_screen: Callable[[], str] = str
        self._job: Any = None
        self._looking = self._wanted = False
        self._build()
        self._again = QTimer(self, singleShot=True, interval=AGAIN_MS)
        self._again.timeout.connect(self.look)
        for kind in ("soundcheck", "line", "controls", "settings", "library"):
            self.hear(kind, lambda _: self._soon())

    def _build(self) -> None:
        self.verdict = label("looking …", "dim")
        self.verdict.setFont(theme.font("strong"))
        self.verdict.setAccessibleName("Verdict")
        self.again = button("Check again", "refresh", tip="Look at everything once more", clicked=self.look)
        self.warm = button("Warm everything up", "lightning", role="primary", clicked=self.warm_up,
                           tip="Load and run every deck, player and look once beside the show, so that nothing "
                               "loads on stage")
        for part in (self.verdict, self.again, self.warm):
            self.tools.addWidget(part)
        self.progress = QProgressBar()
        self.progress.setAccessibleName("Warming up")
        self.progress.setTextVisible(True)
        self.progress.hide()
        self.busy = QProgressBar()
        self.busy.setRange(0, 0)
        self.busy.setTextVisible(False)
        self.busy.setAccessibleName("Devices are being looked for")
        self._list = QVBoxLayout()
        self._list.setSpacing(theme.space(1.5))
        holder = QWidget()
        inner = QVBoxLayout(holder)
        inner.setContentsMargins(0, 0, theme.space(2), 0)
        inner.addLayout(self._list)
        inner.addStretch(1)
        self.body.addWidget(self.progress)
        self.body.addWidget(self.busy)
        self.body.addWidget(scrolled(holder), 1)

    # --- looking ---

    def _soon(self) -> None:
        """What is shown may be old: look again in a moment, while somebody sees it."""
        if self.isVisible():
            self._again.start()

    def look(self) -> None:
        """Ask for everything; drivers may take seconds, so on a thread of its own."""
        if self._looking:
            self._wanted = True
            return
        self._looking, self._wanted = True, False
        self.busy.setVisible(self.checks is None)
        self.again.setEnabled(False)
        screens = [(screen.name(), f"{screen.size().width()}×{screen.size().height()}")
                   for screen in QGuiApplication.screens()]
        asked = replace(soundcheck.ask(self.session), screens=screens, output_screen=self.output_screen())

        def work() -> None:
            found = soundcheck.run(asked)
            self.session.events.call(lambda: self._found(found))

        spawn("reverie sound check", work, lambda: None)

    def _found(self, checks: list[Check]) -> None:
        if not shiboken6.isValid(self):
            return
        self._looking = False
        self.busy.hide()
        self.again.setEnabled(True)
        bad, doubtful = (any(check.level == level for check in checks) for level in (BAD, DOUBTFUL))
        self.verdict.setText(soundcheck.summary(checks))
        theme.set_role(self.verdict, BAD if bad else DOUBTFUL if doubtful else GOOD)
        # what has to be mended stands first
        shown = sorted(checks, key=lambda check: (BAD, DOUBTFUL, GOOD).index(check.level))
        if shown != self.checks:
            self.checks = shown
            focused = next((key for key, row in self.rows.items() if row.isAncestorOf(self.focusWidget() or self)), "")
            clear(self._list)
            self.rows = {}
            for check in shown:
                row = self.rows[check.key] = CheckRow(check, self.act)
                self._list.addWidget(row)
            if focused in self.rows and self.rows[focused].buttons:
                next(iter(self.rows[focused].buttons.values())).setFocus()
        if self._wanted:
            self._again.start()

    # --- doing ---

    def act(self, act: Act) -> None:
        """Do what a button says."""
        if act.name == "warm":
            self.warm_up()
        elif act.name == "fetch":
            self._ask_fetch(act)
        elif act.name in PAGES:
            self.show_page.emit(PAGES[act.name])
        elif act.name in self.window_acts:
            self.window_acts[act.name]()
        else:
            do(self.session, act)  # type: ignore[arg-type]
            self._soon()

    def _ask_fetch(self, act: Act) -> None:
        from studio.library.catalogue import find_entry

        entry = find_entry(act.value)

        def go(answer: str | None) -> None:
            if answer == "Fetch":
                do(self.session, act)  # type: ignore[arg-type]

        ask(self, f"Fetch {entry.title}?", entry.question(), ["Cancel", "Fetch"], go, icon="download")

    def warm_up(self) -> None:
        """Load and run every look once; pressed again while it works, stop."""
        from studio.session.warmup import start_warm_up

        if self._job is not None and is_active(self._job):
            self._job.cancel()
            return
        self._job = start_warm_up(self.session)
        self.refresh()

    def refresh(self) -> None:
        """The progress of warming up."""
        job = self._job
        active = job is not None and is_active(job)
        self.progress.setVisible(active)
        self.warm.setText("Stop warming up" if active else "Warm everything up")
        if active:
            self.progress.setRange(0, 1000)
            self.progress.setValue(round(1000 * (job.progress or 0.0)))
            self.progress.setFormat(job.message or "Warming up")
        elif job is not None:
            self._job = None
            self.look()

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        self.look()
