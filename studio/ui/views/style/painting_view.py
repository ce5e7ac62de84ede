"""The view of the style painting: two pictures in, one that grows."""

from __future__ import annotations

import time
from typing import Any

from PySide6.QtCore import QEvent
from PySide6.QtGui import QImage, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from studio.session.line import Line
from studio.session.session import Session
from studio.ui import theme
from studio.ui.background import background
from studio.ui.kit.buttons import button
from studio.ui.kit.frame_view import Frame
from studio.ui.kit.small import left_text
from studio.ui.views.compare import CompareView
from studio.ui.views.feed_row import Elided, FeedRow
from studio.ui.views.slots import PictureSlot, small
from studio.ui.views.stage import StageView
from studio.ui.views.style.mix_row import MixRow
from studio.ui.views.style.shelf import title_of
from studio.ui.views.tiles import Tile, TileView

PAUSE = 0.5
"""Seconds after the last change until an unfinished painting is begun anew."""


class PaintingView(StageView):
    """Drop a picture and a style, watch the painting grow, compare, begin again."""

    def __init__(self, session: Session, line: Line | str, index: int, parent: QWidget | None = None) -> None:
        super().__init__(session, line, index, parent)
        self._asked: set[str] = set()
        self._known, self._due = False, 0.0
        self._content: Frame | None = None
        self._content_image: QImage | None = None
        self.setAccessibleName("Style painting")
        self.content = PictureSlot(session, "Picture", "Drop the picture to paint", icon="image")
        self.style_slot = PictureSlot(session, "Style", "Drop a painting of yours", icon="style")
        self.second_slot = PictureSlot(session, "Second style", "Drop a second one", icon="style")
        self.swatches = TileView("Style pictures of the studio", fit=True)
        self.mix = MixRow()
        self.picture = CompareView(self.line.frame, lambda: self.details().get("content"), before="Picture",
                                   after="Painting")
        self.feed = FeedRow(session, self.line, index)
        self.progress = QProgressBar(textVisible=False)
        self.progress.setRange(0, 1000)
        self.progress.setAccessibleName("Progress of the painting")
        self.progress.setFixedHeight(theme.px(6))
        self.words = Elided()
        self.words.setProperty("role", "dim")
        self.again = button("Paint again", "reset", tip="Begins this painting again from its start",
                            clicked=lambda: self.session.restart(self.line.name))
        self._build()
        self._connect()
        self.refresh()

    def _build(self) -> None:
        slots = QHBoxLayout()
        slots.setSpacing(theme.space(2))
        for slot in (self.content, self.style_slot, self.second_slot):
            slots.addWidget(slot, 1)
        self.swatches.setFixedHeight(theme.px(50))
        left = QVBoxLayout()
        left.setContentsMargins(0, 0, 0, 0)
        left.setSpacing(theme.space(1.5))
        left.addLayout(slots, 1)
        left.addWidget(self.feed)
        left.addWidget(self.swatches)
        left.addWidget(self.mix)
        foot = QHBoxLayout()
        foot.setSpacing(theme.space(2))
        foot.addWidget(self.words, 1)
        foot.addWidget(self.again)
        right = QVBoxLayout()
        right.setSpacing(theme.space(1.5))
        right.addWidget(self.picture, 1)
        right.addWidget(self.progress)
        right.addLayout(foot)
        self._left = QWidget()
        self._left.setLayout(left)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(theme.space(2), theme.space(2), theme.space(2), theme.space(2))
        whole.setSpacing(theme.space(3))
        whole.addWidget(self._left)
        whole.addLayout(right, 1)

    def _connect(self) -> None:
        self.content.chosen.connect(lambda path: self.edit({"content": path}, "Picture to paint"))
        self.style_slot.chosen.connect(lambda path: self.edit({"own_style": path}, "Style picture"))
        self.second_slot.chosen.connect(self._drop_second)
        self.swatches.chosen.connect(self._first)
        self.swatches.added.connect(self._second)
        self.mix.mixed.connect(lambda share: self.edit({"blend": share}, "Blend", gesture="blend"))
        self.mix.released.connect(self.release)
        self.mix.reset.connect(lambda: self.edit({"blend": 0.0}, "Blend"))
        self.mix.second.connect(lambda place: self._second(self._names()[place]))
        self.mix.swapped.connect(self._swap)
        self.picture.setAcceptDrops(False)

    # ---- edits

    def _names(self) -> tuple[str, ...]:
        values = self.values
        return tuple(getattr(values.params["style"], "choices", ())) if values is not None else ()

    def _half(self) -> float:
        """The mix once a second style was chosen: what there is, or half and half."""
        return float(self.value("blend", 0.0)) or 0.5

    def _first(self, name: str) -> None:
        self.edit({"style": name, "own_style": ""}, f"Style {title_of(name)}")

    def _second(self, name: str) -> None:
        self.edit({"second": name, "own_second": "", "blend": self._half()}, f"Second style {title_of(name)}")

    def _drop_second(self, path: str) -> None:
        changes: dict[str, Any] = {"own_second": path}
        if path:
            changes["blend"] = self._half()
        self.edit(changes, "Second style picture")

    def _swap(self) -> None:
        value = self.value
        self.edit({
            "style": value("second"), "own_style": value("own_second"), "second": value("style"),
            "own_second": value("own_style"), "blend": 1.0 - float(value("blend", 0.0)),
        }, "Swap the styles")

    # ---- what is seen

    def refresh(self) -> None:
        """Show what is new; called by the window's timer while the view is seen."""
        self._make_swatches()
        if self.changed():
            self._show_values()
            self._begin_later()
        self._begin_when_due()
        content = self.details().get("content")
        if content is not self._content:
            self._content = content
            self._content_image = small(content) if content is not None else None
        self._show_content()
        self.picture.refresh()
        self._show_state()
        self.feed.refresh()

    def _unfinished(self) -> bool:
        progress = self.details().get("progress")
        return progress is not None and float(progress["share"]) < 1.0

    def _begin_later(self) -> None:
        """A painting that is still made was begun with other values: begin anew when the hand rests."""
        if self._known and self._unfinished():
            self._due = time.monotonic() + PAUSE
        self._known = self.values is not None

    def _begin_when_due(self) -> None:
        if self._due and time.monotonic() >= self._due:
            self._due = 0.0
            if self._unfinished() and self.line.state in ("running", "starting"):
                self.session.restart(self.line.name)

    def _make_swatches(self) -> None:
        """Draw the style pictures in the background, one by one."""
        slot = self.slot
        names = self._names()
        if slot is None or slot.stage is None or not names or self._asked:
            return
        self._asked.update(names)
        self.swatches.set_tiles([Tile(name, title_of(name), f"{title_of(name)}: click to take it as the style, "
                                      "Shift+click as the second one") for name in names])
        self.mix.set_names(names)
        draw = slot.stage.generator.swatch  # type: ignore[attr-defined]

        def work(name: str) -> QImage:
            return small(draw(name), 320)

        for name in names:
            background(self.session, lambda name=name: work(name),  # type: ignore[misc]
                       lambda image, name=name: self._swatch_made(name, image), owner=self)  # type: ignore[misc]

    def _swatch_made(self, name: str, image: QImage) -> None:
        self.swatches.set_picture(name, image)
        self._show_values()

    def _show_values(self) -> None:
        first, second = str(self.value("style", "")), str(self.value("second", ""))
        blend = float(self.value("blend", 0.0))
        own, other = str(self.value("own_style", "")), str(self.value("own_second", ""))
        self.content.set_path(str(self.value("content", "")))
        for slot, path, name in ((self.style_slot, own, first), (self.second_slot, other, second)):
            slot.set_path(path)
            slot.set_image(self.swatches.picture(name), title_of(name))
        self.second_slot.setVisible(blend > 0 or bool(other))
        self.mix.show_mix("yours" if own else first, "yours" if other else second, blend)
        marks = {} if own else {first: 1.0 - blend}
        if blend > 0 and not other and second != first:
            marks[second] = blend
        self.swatches.set_marks(marks)
        self.mix.setEnabled(self.values is not None)

    def _show_content(self) -> None:
        """Without a file of its own the slot shows what comes in, or the picture that came with the plugin."""
        fed = self.line.wants_input or self.index > 0
        self.content.set_image(self._content_image, "what comes in" if fed else "")
        self.feed.setVisible(not self.value("content", ""))

    def _show_state(self) -> None:
        state, why = self.line.state, self.line.why()
        if state in ("failed", "hung", "paused"):
            self.picture.set_state("failed", why)
            self.words.set_full(why)
            theme.set_role(self.words, "danger")
            return
        if self.line.frame() is None:
            self.picture.set_state("loading", "The first strokes come in a moment")
        elif self.feed.trouble() and not self.value("content", ""):
            self.picture.set_state("absent", self.feed.trouble())
        else:
            self.picture.set_state("running")
        theme.set_role(self.words, "dim")
        progress = self.details().get("progress")
        if not progress:
            self.words.set_full("Getting ready…")
            return
        share, steps = float(progress["share"]), int(progress["steps"])
        self.progress.setValue(round(1000 * share))
        if share >= 1.0:
            self.words.set_full(f"Finished after {steps} steps")
            return
        left = left_text(float(progress["spent"]) * (1 - share) / share) if share > 0.05 else ""
        self.words.set_full(" · ".join(filter(None, (f"Step {progress['step']} of {steps}", left))))

    # ---- room

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._place()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.StyleChange:
            self._place()
        super().changeEvent(event)

    def _place(self) -> None:
        """The growing picture gets the width of its height, at most half; slots and styles the rest."""
        room = self.height() - theme.space(12)
        picture = min(round(room * 4 / 3), self.width() // 2)
        self._left.setFixedWidth(max(theme.px(320), self.width() - picture - theme.space(7)))
