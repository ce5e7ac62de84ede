"""One deck: its picture, its chain, how it does, and what feeds it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QVBoxLayout, QWidget

from studio.session.line import Line
from studio.session.session import Session
from studio.ui import theme
from studio.ui.decks.chain_strip import ChainStrip
from studio.ui.kit.buttons import tool_button
from studio.ui.kit.dialogs import pick_file
from studio.ui.kit.frame_view import FrameView
from studio.ui.kit.small import Badge
from studio.ui.views.feed_row import PICTURES_AND_VIDEO

_STATES = {
    "empty": "empty", "loading": "loading", "starting": "loading", "absent": "absent", "failed": "failed",
    "hung": "failed", "paused": "failed", "stopped": "running", "finished": "running", "running": "running",
}
_BUTTONS = {"failed": "Restart", "hung": "Replace it", "paused": "Restart", "absent": "Look again"}

_SHORT = {"less precision": "16 bit", "every other frame": "½ fps"}

SLOW = 0.8
"""A deck under this share of its wished rate is marked."""


class DeckTile(QWidget):
    """See the module. ``dropped(line name, what)`` for what only the window knows how to use."""

    dropped = Signal(str, object)

    def __init__(
        self, session: Session, line: Line, menu_for: Callable[[Line], QMenu], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self.line = session, line
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.space(1))
        head = QHBoxLayout()
        head.setSpacing(theme.space(2))
        self.title = QLabel(line.title)
        self.title.setFont(theme.font("title"))
        self.badge = Badge("", "dim", gives_way=True)
        self.power = tool_button("pause", f"Stop or run {line.title}", size=14, clicked=self._toggle,
                                 tip=f"Stop or run {line.title}; the picture stays")
        self.more = tool_button("more", f"More for {line.title}", size=14, clicked=self._menu)
        head.addWidget(self.title)
        head.addWidget(self.badge)
        head.addStretch(1)
        head.addWidget(self.power)
        head.addWidget(self.more)
        column.addLayout(head)
        self.view = FrameView(line.frame)
        self.view.setAccessibleName(f"Picture of {line.title}")
        self.view.setToolTip("In the corner: pictures per second and time per step; orange when slower than wished")
        self.view.clicked.connect(self._choose)
        self.view.dropped.connect(lambda what: self.dropped.emit(line.name, what))
        self.view.activated.connect(lambda: session.restart(line.name))
        column.addWidget(self.view, 1)
        self.strip = ChainStrip(session, line, menu_for)
        column.addWidget(self.strip)
        self._shown: tuple[object, ...] = ()
        self.show_line()

    def _choose(self) -> None:
        if self.line.slots:
            self._session.select(self.line.name, 0)

    def _toggle(self) -> None:
        (self._session.start if self.line.stopped else self._session.stop)(self.line.name)

    def _menu(self) -> None:
        line, session = self.line, self._session
        menu = QMenu(self)
        menu.addAction("Restart from the beginning", lambda: session.restart(line.name))
        other = "B" if line.name == "A" else "A"
        if other in session.decks:
            menu.addAction(f"Copy the look to deck {other}",
                           lambda: session.paste_look(other, session.copy_look(line.name)))
        inputs = menu.addMenu("Input of effects")
        for text, spec in (("Sample scene", "scene"), ("Camera 0", "camera:0"), ("Camera 1", "camera:1")):
            action = inputs.addAction(text, functools.partial(session.set_input, line.name, spec))
            action.setCheckable(True)
            action.setChecked(line.input_spec == spec)
        inputs.addAction("Picture or video …", self._pick_input)
        sizes = menu.addMenu("Working size")
        for text, size in (("As the generator likes", None), ("256 × 256", (256, 256)), ("512 × 512", (512, 512)),
                           ("640 × 360", (640, 360)), ("960 × 540", (960, 540)), ("1280 × 720", (1280, 720)),
                           ("1920 × 1080", (1920, 1080))):
            action = sizes.addAction(text, functools.partial(session.set_size, line.name, size))
            action.setCheckable(True)
            action.setChecked(line.size == size)
        degrade = menu.addAction("Give way when too slow", lambda: session.set_degrades(line.name, not line.degrades))
        degrade.setCheckable(True)
        degrade.setChecked(line.degrades)
        degrade.setToolTip("Smaller, then less precise, then fewer pictures with dissolves between them; "
                           "back again when there is time")
        menu.addSeparator()
        menu.addAction("Empty the deck", lambda: session.clear_line(line.name))
        menu.exec(self.more.mapToGlobal(self.more.rect().bottomLeft()))

    def _pick_input(self) -> None:
        pick_file(self, f"What {self.line.title} works on", self._take_input, kinds=PICTURES_AND_VIDEO)

    def _take_input(self, path: Path) -> None:
        self._session.set_input(self.line.name, str(path))

    def show_line(self) -> None:
        """The line changed: its chain, title and state."""
        self.strip.rebuild()
        self._shown = ()
        self.slow_refresh()

    def refresh(self) -> None:
        """Pull the newest picture."""
        self.view.refresh()

    def slow_refresh(self) -> None:
        """State and figures; a few times a second."""
        line = self.line
        state, why, status = line.state, line.why(), line.status()
        feed = line.feed
        stale = f"input: no picture for {feed.age:.0f} s" if feed and feed.state != "opening" and feed.age > 2.0 and (
            feed.spec.startswith("camera:")) else ""
        slow = state == "running" and status.fps > 0 and bool(line.worker.fps) and (
            status.fps < SLOW * float(line.worker.fps or 1))
        figures = f"{status.fps:.0f} fps · {status.step_ms:.0f} ms" if state == "running" and status.fps else ""
        rung = status.rung if state == "running" else ""
        key = (state, why, figures, slow, stale, line.stopped, rung, status.rung_why)
        if key == self._shown:
            return
        self._shown = key
        self.view.set_overlay(figures, "warning" if slow else "dim")
        self.badge.set(*_badge(state, stale, rung))
        self.badge.setVisible(bool(self.badge.text()))
        self.badge.setToolTip(_given_up(rung, status.rung_why) or why or stale)
        empty = "Drop a generator here, or press +" if state == "empty" else why
        self.view.set_state(_STATES.get(state, "running"), empty, button=_BUTTONS.get(state, ""))
        self.power.setEnabled(bool(line.slots))
        from studio.ui import icons

        self.power.setIcon(icons.icon("play" if line.stopped else "pause"))


def _given_up(rung: str, why: str) -> str:
    """What the operator should know of a rung of the ladder."""
    if not rung:
        return ""
    return (f"{why[:1].upper()}{why[1:]}.\nGoing on with {rung}, and back again when there is room. "
            "The deck's menu switches this off.")


def _badge(state: str, stale: str, rung: str = "") -> tuple[str, str]:
    if stale:
        return "STALE", "warning"
    if rung:
        last = rung.split(" · ")[-1]  # the lowest; the tooltip names all
        return _SHORT.get(last, last.removesuffix(" size")), "warning"
    return {  # short: it stands beside the title of a narrow deck; that it loads the picture says
        "failed": ("FAILED", "danger"), "paused": ("FAULT", "danger"), "hung": ("HANGS", "danger"),
        "absent": ("AWAY", "warning"), "stopped": ("OFF", "dim"), "finished": ("ENDED", "dim"),
    }.get(state, ("", "dim"))
