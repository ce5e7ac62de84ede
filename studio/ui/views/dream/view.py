"""The view of DeepDream: before and after, visions, flight and octaves, pictures."""

from __future__ import annotations

import functools
from typing import Any

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QButtonGroup,
    QHBoxLayout,
    QScrollArea,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.session.line import Line
from studio.session.session import Session
from studio.ui import theme
from studio.ui.kit import mime
from studio.ui.kit.buttons import tool_button
from studio.ui.kit.frame_view import Frame
from studio.ui.library.dropping import use_on
from studio.ui.views.compare import CompareView
from studio.ui.views.dream import visions
from studio.ui.views.dream.flight import FlightPad
from studio.ui.views.dream.geometry import Flight
from studio.ui.views.dream.octaves import OctavePad
from studio.ui.views.dream.sources import SourcePanel
from studio.ui.views.dream.vision_panel import VisionChips, VisionPanel
from studio.ui.views.feed_row import FeedRow
from studio.ui.views.slots import small
from studio.ui.views.stage import StageView

PANES = {"vision": ("Vision", "eye", "What is dreamt of: layers and channels of the network"),
         "flight": ("Flight", "path", "Where the camera flies, and the sizes that are dreamt at"),
         "sources": ("Pictures", "image", "What it begins with, and pictures that guide it")}
WIDE, HIGH = 1180, 400
"""From these sizes (pixels at scale 1) on everything is shown at once."""


class DreamView(StageView):
    """Three panes where there is little room, all of them where there is more."""

    pane_changed = Signal(str)

    def __init__(self, session: Session, line: Line | str, index: int, parent: QWidget | None = None) -> None:
        super().__init__(session, line, index, parent)
        self._model = ""
        self._pane = "vision"
        self._all = False
        self._start: Frame | None = None
        self.setAccessibleName("DeepDream")
        self.picture = CompareView(self.line.frame, lambda: self.details().get("before"), before="Start", after="Dream",
                                   split=0.0)
        self.picture.accepts = lambda what: what.kind == "files"
        self.picture.setAcceptDrops(True)
        self.picture.dropped.connect(self._drop)
        self.feed = FeedRow(session, self.line, index)
        self.vision = VisionPanel(session, self._seen)
        self.chips = VisionChips()
        self.flight = FlightPad(self.line.frame)
        self.octaves = OctavePad()
        self.sources = SourcePanel(self)
        self._build()
        self._connect()
        self.refresh()

    def _build(self) -> None:
        self._left = QWidget()
        left = QVBoxLayout(self._left)
        left.setContentsMargins(0, 0, 0, 0)
        left.setSpacing(theme.space(1.5))
        left.addWidget(self.picture, 1)
        left.addWidget(self.feed)
        self._motion = QWidget()
        self._motion_row = QHBoxLayout(self._motion)
        self._motion_row.setContentsMargins(0, 0, 0, 0)
        self._motion_row.setSpacing(theme.space(2))
        self._motion_row.addWidget(self.flight, 3)
        self._motion_row.addWidget(self.octaves, 2)
        self._tabs = QButtonGroup(self)
        self._buttons: dict[str, QToolButton] = {}
        head = QHBoxLayout()
        head.setSpacing(theme.space(1))
        for name, (title, icon, tip) in PANES.items():
            made = tool_button(icon, title, tip=tip, checkable=True, text=title, size=15,
                               clicked=functools.partial(self.show_pane, name))
            self._tabs.addButton(made)
            self._buttons[name] = made
            head.addWidget(made)
        self.restart = tool_button("reset", "Begin again", tip="Begins again from the start picture", size=15,
                                   clicked=lambda: self.session.fire(self.line.name, self.index, "restart"))
        self.restart.setAutoRaise(True)
        head.addSpacing(theme.space(2))
        self._chips_area = QScrollArea(widgetResizable=True)
        self._chips_area.setFrameShape(QScrollArea.Shape.NoFrame)
        self._chips_area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._chips_area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._chips_area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._chips_area.setFixedHeight(theme.px(30))
        self._chips_area.setMinimumWidth(theme.px(112))
        self._chips_area.setWidget(self.chips)
        for part in (self.chips, self._chips_area.viewport()):
            part.setAutoFillBackground(False)
        head.addWidget(self._chips_area, 1)
        head.addWidget(self.restart)
        self._stack = QStackedWidget()
        self._side = QWidget()
        self._side_column = QVBoxLayout(self._side)
        self._side_column.setContentsMargins(0, 0, 0, 0)
        self._side_column.setSpacing(theme.space(2))
        self._body = QHBoxLayout()
        self._body.setSpacing(theme.space(3))
        self._body.addWidget(self._stack, 1)
        self._body.addWidget(self._side, 1)
        right = QVBoxLayout()
        right.setSpacing(theme.space(1.5))
        right.addLayout(head)
        right.addLayout(self._body, 1)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(theme.space(2), theme.space(2), theme.space(2), theme.space(2))
        whole.setSpacing(theme.space(3))
        whole.addWidget(self._left)
        whole.addLayout(right, 1)
        self._arrange(False)

    def _arrange(self, everything: bool) -> None:
        """All panes side by side, or one at a time."""
        self._all = everything
        for pane in (self.vision, self._motion, self.sources):
            pane.setParent(None)
        self._stack.addWidget(self.vision)
        if everything:
            self._side_column.addWidget(self._motion, 3)
            self._side_column.addWidget(self.sources, 2)
        else:
            self._stack.addWidget(self._motion)
            self._stack.addWidget(self.sources)
        self._side.setVisible(everything)
        for made in self._buttons.values():
            made.setVisible(not everything)
        for pane in (self._motion, self.sources) if everything else ():
            pane.show()  # the stack shows and hides its own
        self.show_pane(self._pane)

    def show_pane(self, name: str) -> None:
        """Bring a pane to the front: vision, flight or sources."""
        self._pane = name
        self._buttons[name].setChecked(True)
        if not self._all:
            self._stack.setCurrentIndex(list(PANES).index(name))
        self.pane_changed.emit(name)

    def _connect(self) -> None:
        self.vision.changed.connect(self._dream_of)
        self.chips.weighed.connect(self._weigh)
        self.chips.released.connect(self.release)
        self.chips.removed.connect(self._remove)
        self.flight.flown.connect(self._fly)
        self.flight.released.connect(self.release)
        self.flight.reset.connect(lambda: self._fly(Flight(), gesture=""))
        self.octaves.changed.connect(
            lambda count, scale: self.edit({"octaves": count, "octave_scale": scale}, "Octaves", gesture="octaves"))
        self.octaves.released.connect(self.release)
        self.octaves.reset.connect(self._default_octaves)

    # ---- edits

    def _visions(self) -> list[visions.Vision]:
        values = self.values
        if values is None:
            return []
        try:
            return visions.read({name: values[name] for name in values.params})
        except ValueError:
            return []  # the deck shows the sentence

    def _write(self, wanted: list[visions.Vision], label: str, gesture: str = "") -> None:
        values = self.values
        if values is None or not wanted:
            return
        alone = len(wanted) == 1 and not gesture
        if not alone and visions.stops({"targets": values["targets"]}) > 1:
            changes = visions.write_first_stop(wanted, values["targets"])
        else:
            changes = visions.write(wanted, getattr(values.params["layer"], "choices", ()))
        self.edit(changes, label, gesture=gesture)
        self._show_values()

    def _dream_of(self, wanted: list[visions.Vision], label: str, gesture: str) -> None:
        self._write(wanted, label, gesture)

    def _weigh(self, place: int, weight: float) -> None:
        now = self._visions()
        if place < len(now):
            self._write(visions.weigh(now, place, weight), f"Weight of {now[place].key}", "weight")

    def _remove(self, place: int) -> None:
        now = self._visions()
        if len(now) > 1 and place < len(now):
            self._write([known for k, known in enumerate(now) if k != place], f"Without {now[place].key}")

    def _fly(self, flight: Flight, gesture: str = "flight") -> None:
        drift = (flight.right, flight.down)
        changes: dict[str, Any] = {"zoom": flight.zoom, "rotation": flight.rotation, "drift": drift}
        self.edit(changes, "Flight", gesture=gesture)
        self.flight.set_flight(flight)

    def _default_octaves(self) -> None:
        values = self.values
        if values is not None:
            self.edit({name: values.params[name].default for name in ("octaves", "octave_scale")}, "Octaves")

    def _drop(self, what: mime.Dropped) -> None:
        """A picture to dream on, or a video to feed the deck."""
        if what.files:
            use_on(self, what.files[0])
            self.feed.refresh()

    # ---- what is seen

    def _seen(self) -> Frame | None:
        """The picture that channels are asked about: what the dream came from, else the dream."""
        before = self.details().get("before")
        return before if before is not None else self.line.frame()

    def refresh(self) -> None:
        """Show what is new; called by the window's timer while the view is seen."""
        values = self.values
        model = str(self.value("model", ""))
        if values is not None and model and model != self._model:
            self._model = model
            self.vision.open(model, getattr(values.params["layer"], "choices", ()))
        if self.changed():
            self._show_values()
        details = self.details()
        follows = bool(details.get("follows"))
        self.picture.set_names("Input" if follows else "Start", "Dream")
        self.picture.refresh()
        self._show_state()
        self._show_start(details.get("before"), follows)
        self.feed.refresh()
        if self.flight.isVisible():
            self.flight.refresh()
        frame = self.line.frame()
        if frame is not None:
            height, width = frame.shape[:2]
            self.octaves.set_size(max(width, height), float(details.get("smallest", 32)), width / height)

    def _show_start(self, before: Frame | None, follows: bool) -> None:
        if before is self._start or (follows and self._start is not None) or not self.sources.isVisible():
            return  # a dream that follows its input has a new one in every frame: the first will do
        self._start = before
        self.sources.show_start(small(before, 240) if before is not None else None)

    def _show_state(self) -> None:
        if self.line.state in ("failed", "hung", "paused"):
            self.picture.set_state("failed", self.line.why())
        elif self.line.frame() is not None and self.feed.trouble():
            self.picture.set_state("absent", self.feed.trouble())
        elif self.line.frame() is None:
            self.picture.set_state("loading", "The first vision comes in a moment")
        else:
            self.picture.set_state("running")

    def _show_values(self) -> None:
        if self.values is None:
            return
        now = self._visions()
        self.vision.set_visions(now)
        self.chips.set_visions(now, visions.stops({"targets": self.value("targets")}))
        right, down = self.value("drift")
        self._crowd(len(now))
        self.flight.set_flight(Flight(self.value("zoom"), self.value("rotation"), right, down))
        self.octaves.set_octaves(int(self.value("octaves")), float(self.value("octave_scale")))
        self.sources.show_values()

    # ---- room

    def _crowd(self, count: int) -> None:
        """With several weights to show in little room the panes are named by their icons alone."""
        tight = count > 1 and self.width() < theme.px(760 + 160 * count)
        icons_only, both = Qt.ToolButtonStyle.ToolButtonIconOnly, Qt.ToolButtonStyle.ToolButtonTextBesideIcon
        for made in self._buttons.values():
            made.setToolButtonStyle(icons_only if tight else both)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._place()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.StyleChange:
            self._place()
        super().changeEvent(event)

    def _place(self) -> None:
        self._crowd(len(self.chips.sliders()))
        room = self.height() - 2 * theme.space(2) - theme.space(1.5) - self.feed.sizeHint().height()
        everything = self.width() >= theme.px(WIDE) and self.height() >= theme.px(HIGH)
        if everything != self._all:
            self._arrange(everything)
        most = round(self.width() * (0.34 if everything else 0.4))
        self._left.setFixedWidth(max(theme.px(180), min(round(room * 4 / 3), most)))
        narrow = self.width() < theme.px(720)
        self._motion_row.setDirection(QBoxLayout.Direction.TopToBottom if narrow and self.height() > theme.px(420)
                                      else QBoxLayout.Direction.LeftToRight)

    def close_view(self) -> None:
        self.vision.stop()
        super().close_view()


