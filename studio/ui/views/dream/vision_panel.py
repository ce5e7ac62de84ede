"""What to dream of: a picture for each layer, the channels of one of them, the weights of those that are chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, Signal
from PySide6.QtGui import QHideEvent, QImage, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from studio.media import Frame
from studio.session.core import Core
from studio.ui import theme
from studio.ui.kit.buttons import tool_button
from studio.ui.kit.slider import Slider
from studio.ui.views.dream import visions
from studio.ui.views.dream.maker import Key, TileMaker
from studio.ui.views.dream.visions import Vision
from studio.ui.views.feed_row import Elided
from studio.ui.views.tiles import Tile, TileView

_ABOUT = {
    "conv1": "edges and spots of colour", "conv2": "weaves and gratings", "3a": "scales, beads, first eyes",
    "3b": "eyes and pebbles", "4a": "fur, wheels, muzzles", "4b": "faces in fur", "4c": "animals, arches, eyes",
    "4d": "whole figures", "4e": "figures and places", "5a": "scenes", "5b": "scenes and objects",
}


class VisionPanel(QWidget):
    """``changed`` carries the new visions, a label and a gesture ('' for a step of its own)."""

    changed = Signal(list, str, str)
    released = Signal()

    def __init__(self, session: Core, get_frame: Callable[[], Frame | None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._get_frame = get_frame
        self._visions: list[Vision] = []
        self._layers: dict[str, int] = {}
        self._choices: tuple[str, ...] = ()
        self._layer = ""
        self._by_picture = True
        self._maker = TileMaker(session, self, self._opened, self._got, self._fail)
        self.layers = TileView("Layers", fit=True)
        self.channels = TileView("Channels", side=60)
        self.words = Elided()
        self.words.setFont(theme.font("small"))
        self.words.setProperty("role", "dim")
        self.ranking = tool_button(
            "sort", "Order channels by the picture", checkable=True, size=14, clicked=self._rank,
            tip="On: first the channels that fire on the picture of now (press again to look anew); off: by number")
        self.ranking.setAutoRaise(True)
        self.ranking.setChecked(True)
        head = QHBoxLayout()
        head.setSpacing(theme.space(1))
        head.addWidget(self.words, 1)
        head.addWidget(self.ranking)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(theme.space(1))
        whole.addWidget(self.layers, 1)
        whole.addLayout(head)
        whole.addWidget(self.channels)
        self.layers.chosen.connect(lambda key: self._choose(Vision(key)))
        self.layers.added.connect(lambda key: self._add(Vision(key)))
        self.channels.chosen.connect(lambda key: self._choose(_vision(key)))
        self.channels.added.connect(lambda key: self._add(_vision(key)))
        self.channels.scrolled.connect(self._want)
        self._place()

    # ---- what is shown

    def open(self, model: str, choices: Sequence[str]) -> None:
        """Browse another network; ``choices`` are the layers that the parameters can name."""
        self._choices = tuple(choices)
        self._maker.open(model)

    def set_visions(self, wanted: Sequence[Vision]) -> None:
        """Show what is dreamt of."""
        self._visions = list(wanted)
        marks: dict[str, float] = {}
        for vision in wanted:
            marks[vision.layer] = max(marks.get(vision.layer, vision.weight), vision.weight)
        self.layers.set_marks(marks)
        self.channels.set_marks({
            key: vision.weight for vision in wanted for key in
            ([vision.layer] if not vision.channels else [f"{vision.layer}:{channel}" for channel in vision.channels])
        })
        if wanted and (not self._layer or all(vision.layer != self._layer for vision in wanted)):
            self._browse(wanted[-1].layer)

    def picture(self, vision: Vision) -> QImage | None:
        """What a vision looks like, if its picture is here."""
        if vision.channel is not None:
            found = self.channels.picture(vision.key)
            if found is not None:
                return found
        return self.layers.picture(vision.layer)

    def _opened(self, layers: dict[str, int]) -> None:
        self._layers = layers
        absent = [name for name in self._choices if name not in layers] if set(self._choices) & set(layers) else []
        last = next(reversed(layers), "")
        tiles = [Tile(name, name, f"{_title(name)}, {count} channels\nClick to dream of it, Shift+click to add it")
                 for name, count in layers.items()]
        why = f"This network ends at {last}; a larger one has this layer"
        tiles += [Tile(name, name, why=why) for name in absent]
        self.layers.set_tiles(tiles)
        self._want()
        layer, self._layer = self._layer, ""
        self._browse(layer if layer in layers else next(iter(layers), ""))

    def _fail(self, why: str) -> None:
        self.words.set_full(why)
        theme.set_role(self.words, "danger")

    def _browse(self, layer: str) -> None:
        """Show the channels of a layer."""
        if layer == self._layer:
            return
        self._layer = layer
        if layer in self._layers:
            self._rank()

    def _rank(self) -> None:
        """Order the channels of the layer."""
        if self._layer not in self._layers:
            return
        theme.set_role(self.words, "dim")
        layer = self._layer
        if not self.ranking.isChecked():
            self._ordered(layer, list(range(self._layers[layer])), "by number")
            return
        self.words.set_full(f"Channels of {layer}: looking which fire on this picture…")
        how = "those first that fire on this picture"
        self._maker.rank(layer, self._get_frame(), lambda order: self._ordered(layer, order, how))

    def _ordered(self, layer: str, order: list[int], how: str) -> None:
        if layer != self._layer:
            return
        self.words.set_full(f"{len(order)} channels of {layer}, {how}")
        tiles = [Tile(layer, "all", f"The whole of {_title(layer)}")]
        tiles += [Tile(f"{layer}:{channel}", str(channel), f"Channel {channel} of {layer}\nClick to dream of it alone, "
                       "Shift+click to add it") for channel in order]
        self.channels.set_tiles(tiles)
        self.set_visions(self._visions)
        self._want()

    def _want(self) -> None:
        """Ask for the pictures that can be seen: layers first, then channels."""
        if not self.isVisible():
            return
        keys: list[Key] = [(tile.key, None) for tile in self.layers.tiles() if not tile.why]
        for key in self.channels.visible_keys():
            vision = _vision(key)
            keys.append((vision.layer, vision.channel))
        self._maker.want(list(dict.fromkeys(keys)))
        for key in self.channels.visible_keys():  # the layer's own picture is here already
            picture = self.layers.picture(key)
            if picture is not None and self.channels.picture(key) is None:
                self.channels.set_picture(key, picture)

    def _got(self, key: Key, image: QImage) -> None:
        layer, channel = key
        if channel is None:
            self.layers.set_picture(layer, image)
            if layer == self._layer:
                self.channels.set_picture(layer, image)
        else:
            self.channels.set_picture(f"{layer}:{channel}", image)

    # ---- choosing

    def _choose(self, vision: Vision) -> None:
        self._browse(vision.layer)
        self.changed.emit([vision], f"Dream of {vision.key}", "")

    def _add(self, vision: Vision) -> None:
        self._browse(vision.layer)
        self.changed.emit(visions.add(self._visions, vision), f"Dream of {vision.key} as well", "")

    # ---- room

    def _place(self) -> None:
        """The strip of channels gets two fifths at the most, in whole rows."""
        self.channels.setFixedHeight(max(theme.px(58), min(theme.px(196), round(self.height() * 0.34))))

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._place()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.StyleChange:
            self._place()
        super().changeEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._want()

    def hideEvent(self, event: QHideEvent) -> None:
        self._maker.stop()
        super().hideEvent(event)

    def stop(self) -> None:
        """The view goes."""
        self._maker.stop()


class VisionChips(QWidget):
    """The visions that are chosen, each with its weight (-2..2) and a cross."""

    weighed = Signal(int, float)
    released = Signal()
    removed = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._keys: tuple[str, ...] = ()
        self._sliders: list[Slider] = []
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(theme.space(2))

    def sliders(self) -> list[Slider]:
        """The weights, in the order of the visions."""
        return list(self._sliders)

    def set_visions(self, wanted: Sequence[Vision], stops: int = 1) -> None:
        """Show these, the first of so many ``stops`` of a journey; a hand on a slider is not disturbed."""
        keys = (*(vision.key for vision in wanted), str(stops))
        if keys != self._keys:
            self._keys = keys
            self._build(wanted, stops)
        for vision, slider in zip(wanted, self._sliders, strict=True):
            norm = (vision.weight + visions.LIMIT) / (2 * visions.LIMIT)
            if abs(slider.norm() - norm) > 1e-3:
                slider.set_norm(norm)

    def _build(self, wanted: Sequence[Vision], stops: int) -> None:
        while (item := self._row.takeAt(0)) is not None:
            part = item.widget()
            if part is not None:
                part.hide()
                part.deleteLater()
        self._sliders = []
        for place, vision in enumerate(wanted):
            self._row.addWidget(self._chip(place, vision, len(wanted) > 1), 8)
        if stops > 1:
            journey = QLabel(f"1/{stops}")
            journey.setAccessibleName(f"Stop 1 of {stops}")
            journey.setProperty("role", "dim")
            journey.setToolTip(f"A journey of {stops} stops (parameter Targets); its first stop is changed here")
            self._row.addWidget(journey)
        self._row.addStretch(1)

    def _chip(self, place: int, vision: Vision, can_go: bool) -> QWidget:
        chip = QWidget()
        chip.setMaximumWidth(theme.px(240))
        row = QHBoxLayout(chip)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.space(1))
        label = QLabel(vision.key)
        label.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        slider = Slider(origin=0.5)
        slider.set_accent(theme.kind_color("image"))
        slider.setAccessibleName(f"Weight of {vision.key}")
        slider.setToolTip(f"How strongly {vision.key} pulls, -2 to 2; below 0 it is avoided\nDouble click: 1")
        slider.moved.connect(lambda norm: self.weighed.emit(place, norm * 2 * visions.LIMIT - visions.LIMIT))
        slider.released.connect(self.released)
        slider.reset.connect(lambda: self.weighed.emit(place, 1.0))
        row.addWidget(label)
        row.addWidget(slider, 1)
        if can_go:
            gone = tool_button("close", f"Take {vision.key} away", size=12, clicked=lambda: self.removed.emit(place))
            gone.setAutoRaise(True)
            row.addWidget(gone)
        self._sliders.append(slider)
        return chip


def _vision(key: str) -> Vision:
    layer, _, channel = key.partition(":")
    return Vision(layer, (int(channel),) if channel else ())


def _title(layer: str) -> str:
    about = _ABOUT.get(layer)
    return f"layer {layer} ({about})" if about else f"layer {layer}"
