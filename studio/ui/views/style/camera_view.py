"""The view of the style camera: the picture before and after, the shelf of styles, the mix."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from studio.session.line import Line
from studio.session.session import Session
from studio.ui import theme
from studio.ui.kit import mime
from studio.ui.kit.buttons import tool_button
from studio.ui.kit.frame_view import Frame
from studio.ui.library.dropping import use_on
from studio.ui.views.compare import CompareView
from studio.ui.views.feed_row import Elided, FeedRow
from studio.ui.views.stage import StageView
from studio.ui.views.style.mix_row import MixRow
from studio.ui.views.style.offer import PictureOffer
from studio.ui.views.style.previews import Batch, Previews
from studio.ui.views.style.shelf import StyleShelf, title_of

MOST_TAKEN = 4
"""Pictures that keep a card on the shelf as styles."""
PERIOD = 5.0
"""Seconds between two rounds of previews while the view is seen; a click asks for one at once."""


class StyleView(StageView):
    """Choose, blend and compare styles. ``train_requested`` carries the picture to learn, '' for none."""

    train_requested = Signal(str)

    def __init__(self, session: Session, line: Line | str, index: int, parent: QWidget | None = None) -> None:
        super().__init__(session, line, index, parent)
        self._styles: tuple[str, ...] = ()
        self._taken: tuple[str, ...] = ()
        """Pictures that were taken as styles, the newest first."""
        self._settled = ""
        """The model whose styles have been compared with the chosen ones."""
        self._model, self._fault = "", ""
        self._made_at = 0.0
        self._input: Frame | None = None
        self._previews = Previews(session, self, self._show_previews, self._previews_failed)
        self.setAccessibleName("Style camera")
        self.picture = CompareView(self.line.frame, self._before, self, before="Input", after="Painted", split=0.5)
        self.picture.accepts = lambda what: what.kind == "files"
        self.picture.setAcceptDrops(True)
        self.picture.dropped.connect(self._drop_input)
        self.feed = FeedRow(session, self.line, index, self)
        self.shelf = StyleShelf()
        self.offer = PictureOffer(session, self)
        self.mix = MixRow()
        self._build()
        self._connect()
        self.refresh()

    def _build(self) -> None:
        self._scroll = QScrollArea(widgetResizable=True)
        self._scroll.setWidget(self.shelf)
        self._scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._title = Elided("Styles")
        self._title.setFont(theme.font("strong"))
        self.again = tool_button("refresh", "Paint the previews again, on the picture of now", size=15,
                                 clicked=lambda: self.ask_previews(force=True))
        self.again.setAutoRaise(True)
        head = QHBoxLayout()
        head.addWidget(self._title, 1)
        head.addWidget(self.again)
        left = QVBoxLayout()
        left.setSpacing(theme.space(1.5))
        left.addWidget(self.picture, 1)
        left.addWidget(self.feed)
        right = QVBoxLayout()
        right.setSpacing(theme.space(1.5))
        right.addLayout(head)
        right.addWidget(self._scroll, 1)
        right.addWidget(self.offer)
        right.addWidget(self.mix)
        self._left = QWidget()
        left.setContentsMargins(0, 0, 0, 0)
        self._left.setLayout(left)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(theme.space(2), theme.space(2), theme.space(2), theme.space(2))
        whole.setSpacing(theme.space(3))
        whole.addWidget(self._left)
        whole.addLayout(right, 1)

    def _connect(self) -> None:
        self.shelf.chosen.connect(self.choose)
        self.shelf.second_chosen.connect(lambda name: self.link(self.first(), name))
        self.shelf.linked.connect(self.link)
        self.shelf.mixed.connect(self._mix)
        self.shelf.released.connect(self.release)
        self.shelf.own_requested.connect(self._own)
        self.mix.mixed.connect(self._mix)
        self.mix.released.connect(self.release)
        self.mix.reset.connect(lambda: self.edit({"blend": 0.0}, "Blend"))
        self.mix.second.connect(lambda place: self.edit(self._naming(self._styles[place], "second"), "Second style"))
        self.mix.swapped.connect(self._swap)
        self.offer.shown.connect(lambda shown: self.mix.setVisible(not shown))
        self.offer.take.connect(self.take)
        self.offer.train.connect(self.train_requested)
        self.offer.paint.connect(self._paint_still)
        self.offer.use_input.connect(self.feed.choose)

    # ---- what is chosen

    def _named(self, picture: str, own: str, house: str, place: int) -> str:
        """The style that the generator shows for these values; a name the model lacks falls back by place."""
        name = self.value(picture, "")
        if not name or (self._styles and name not in self._styles):
            name = self.value(own, "") or self.value(house, "")
        if not self._styles or name in self._styles:
            return str(name)
        return self._styles[min(place, len(self._styles) - 1)]

    def first(self) -> str:
        """The chosen style."""
        return self._named("picture", "own_style", "style", 0)

    def other(self) -> str:
        """The second style."""
        return self._named("second_picture", "own_second", "second", 1)

    def _naming(self, name: str, which: str) -> dict[str, Any]:
        """The values that name a style: a model of one's own has names that no choice lists."""
        own, picture = ("own_style", "picture") if which == "style" else ("own_second", "second_picture")
        if name in self._pictures():
            return {picture: name}
        values = self.values
        listed = values is not None and name in getattr(values.params[which], "choices", ())
        return {which: name, own: "", picture: ""} if listed else {own: name, picture: ""}

    def _pictures(self) -> tuple[str, ...]:
        """The pictures that are styles here: those in use first."""
        used = [str(self.value(name, "")) for name in ("picture", "second_picture")]
        return tuple(dict.fromkeys(path for path in (*used, *self._taken) if path))

    def choose(self, name: str) -> None:
        """This style alone."""
        self.edit({**self._naming(name, "style"), "blend": 0.0}, f"Style {title_of(name)}")
        self.refresh()

    def link(self, one: str, other: str) -> None:
        """Blend two styles, half and half."""
        if one == other:
            self.choose(one)
            return
        self.edit({**self._naming(one, "style"), **self._naming(other, "second"), "blend": 0.5},
                  f"Blend {title_of(one)} and {title_of(other)}")
        self.refresh()

    def _mix(self, share: float) -> None:
        self.edit({"blend": share}, "Blend", gesture="blend")
        self._show_values()

    def _swap(self) -> None:
        first, second, blend = self.first(), self.other(), float(self.value("blend", 0.0))
        changes = {**self._naming(second, "style"), **self._naming(first, "second"), "blend": 1.0 - blend}
        self.edit(changes, "Swap the styles")
        self.refresh()

    # ---- pictures of one's own

    def take(self, path: str) -> None:
        """Paint in the style of a picture from now on."""
        self._taken = (path, *(other for other in self._taken if other != path))[:MOST_TAKEN]
        self.edit({"picture": path, "blend": 0.0}, f"Style of {Path(path).name}")
        self.refresh()
        self.ask_previews(force=True)

    def _own(self, path: str) -> None:
        if path:
            self.offer.offer(path, str(self.value("model", "")))
        else:
            self.train_requested.emit("")

    def _paint_still(self, path: str) -> None:
        deck = "B" if self.line.name == "A" else "A"
        self.session.load(deck, "reverie.style_painting", params={"own_style": path})

    def _drop_input(self, what: mime.Dropped) -> None:
        if what.files:
            use_on(self, what.files[0])
            self.feed.refresh()

    # ---- frames

    def _before(self) -> Frame | None:
        shown = self.details().get("input")
        return shown if shown is not None else self._input

    def _plain(self) -> Frame | None:
        """The newest picture without a style, whatever can be had."""
        shown = self.details().get("input")
        if shown is None and self.index == 0:
            shown = getattr(self.line.worker, "input").last  # noqa: B009 — decks have it, players do not
        return shown

    def refresh(self) -> None:
        """Show what is new; called by the window's timer while the view is seen."""
        self._input = self._plain()
        self.picture.refresh()
        self.picture.set_state(*self._state())
        self.feed.refresh()
        model = str(self.value("model", ""))
        if model and model != self._model:
            self._model = model
            self._previews.cancel()
            self.ask_previews(force=True)
        if self.changed():
            self._show_values()
        self.ask_previews()

    def _state(self) -> tuple[str, str]:
        state = self.line.state
        if state in ("failed", "hung", "paused"):
            return "failed", self.line.why()
        if self.line.frame() is not None and self.feed.trouble():
            return "absent", self.feed.trouble()
        return ("loading", "The first picture comes in a moment") if self.line.frame() is None else ("running", "")

    def ask_previews(self, *, force: bool = False) -> None:
        """Paint the previews on the picture of now, when it is time or with ``force``; not while hidden."""
        if not self._model or not self.isVisible() or self._previews.busy:
            return
        frame = self._plain()
        waited = time.monotonic() - self._made_at
        missing = not self.shelf.pictures() and frame is not None
        if force or (waited >= PERIOD and not self._fault) or (missing and waited >= 0.5):
            self._made_at = time.monotonic()
            self._previews.ask(self._model, frame, self._pictures())

    def _show_previews(self, batch: Batch) -> None:
        self._fault = ""
        self._made_at = time.monotonic()
        self._styles = batch.styles
        self.shelf.set_styles(batch.styles)
        if batch.pictures:
            self.shelf.set_pictures(batch.pictures)
        self.mix.set_names(batch.styles)
        self._title.set_full(f"{len(batch.styles)} style{'s' * (len(batch.styles) != 1)} in {batch.model}")
        theme.set_role(self._title, "")
        self._place()
        if self._settled != batch.model == str(self.value("model", "")):
            self._settled = batch.model  # once for each model, or undo could not go past it
            self._settle(batch)
        self._show_values()

    def _settle(self, batch: Batch) -> None:
        """Let the first styles of a model take the place of those that it does not have."""
        changes: dict[str, Any] = {}
        said: list[str] = []
        for place, (house, own) in enumerate((("style", "own_style"), ("second", "own_second"))):
            named = str(self.value(own, "") or self.value(house, ""))
            if batch.styles and named not in batch.styles:
                instead = batch.styles[min(place, len(batch.styles) - 1)]
                changes.update(self._naming(instead, house))
                said.append(f"{title_of(instead)} takes the place of {title_of(named)}")
        if changes:
            self.edit(changes, "Styles of the model")
            text = f"{title_of(Path(batch.model).stem)} has other styles: {', '.join(said)}"
            self.session.notice(text, source=self.line.title)

    def _previews_failed(self, why: str) -> None:
        self._fault = why
        self.shelf.set_styles(())
        self._title.set_full(why)
        theme.set_role(self._title, "danger")

    def _show_values(self) -> None:
        first, second, blend = self.first(), self.other(), float(self.value("blend", 0.0))
        self.shelf.set_choice(first, second, blend)
        self.mix.show_mix(first, second, blend)
        self.mix.setEnabled(self.values is not None and bool(self._styles))

    # ---- room

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._place()

    def _place(self) -> None:
        """The picture gets the width of its height, at most two fifths; the shelf the rest."""
        room = self.height() - 2 * theme.space(2) - theme.space(1.5) - self.feed.sizeHint().height()
        width = min(round(room * 4 / 3), round(self.width() * 0.46))
        self._left.setFixedWidth(max(theme.px(180), width))
        inner = self.width() - self._left.width() - theme.space(7)
        self.shelf.setMinimumHeight(min(self.shelf.least_height(inner), 1 << 14))

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.StyleChange:
            self._place()
        super().changeEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._place()

    def hideEvent(self, event: QHideEvent) -> None:
        self._previews.cancel()
        super().hideEvent(event)

    def close_view(self) -> None:
        self._previews.cancel()
        super().close_view()
