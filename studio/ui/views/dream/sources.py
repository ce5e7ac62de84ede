"""What a dream begins with, and the pictures that guide it and give it their colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from studio.ui import theme
from studio.ui.kit.combo import Combo
from studio.ui.kit.slider import Slider
from studio.ui.views.slots import PictureSlot

if TYPE_CHECKING:
    from studio.ui.views.dream.view import DreamView

STARTS = {"input": ("Input", "What comes into the deck: scene, camera or file"),
          "clouds": ("Clouds", "A sky of the studio's own making"),
          "noise": ("Noise", "Coloured noise"), "grey": ("Grey", "Nearly nothing: all comes from the network")}


class SourcePanel(QWidget):
    """Three slots: start picture, guide and palette, with what belongs to each below it."""

    def __init__(self, view: DreamView) -> None:
        super().__init__()
        self._view = view
        session = view.session
        self.start = PictureSlot(session, "Start picture", "Drop a picture to dream on", icon="image")
        self.guide = PictureSlot(session, "Guide", "Drop a picture whose motifs are dreamt of", icon="compass")
        self.palette_slot = PictureSlot(session, "Palette", "Drop a picture whose colours are held", icon="swatches")
        self.start.chosen.connect(lambda path: view.edit({"picture": path}, "Start picture"))
        self.guide.chosen.connect(lambda path: view.edit({"guide": path}, "Guide"))
        self.palette_slot.chosen.connect(lambda path: view.edit({"palette_picture": path}, "Palette"))
        self.guide_weight = self._slider("guide_weight", "Guide")
        self.hold = self._slider("hold", "Hold of the palette")
        whole = QHBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(theme.space(2))
        whole.addLayout(self._column(self.start, self._starts()), 1)
        whole.addLayout(self._column(self.guide, self._labelled("Pull", self.guide_weight)), 1)
        whole.addLayout(self._column(self.palette_slot, self._labelled("Hold", self.hold)), 1)

    @staticmethod
    def _column(slot: PictureSlot, below: QWidget) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(theme.space(1))
        column.addWidget(slot, 1)
        below.setFixedHeight(theme.px(30))
        column.addWidget(below)
        return column

    def _starts(self) -> QWidget:
        self.starts = Combo(name="Begin with")
        self.starts.setToolTip("What the dream begins with where there is no start picture")
        self.starts.setMinimumContentsLength(5)
        self.starts.setSizeAdjustPolicy(Combo.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        for place, (name, (title, tip)) in enumerate(STARTS.items()):
            self.starts.addItem(title, name)
            self.starts.setItemData(place, tip, Qt.ItemDataRole.ToolTipRole)
        self.starts.activated.connect(lambda place: self._begin(str(self.starts.itemData(place))))
        return self._labelled("Or", self.starts)

    def _begin(self, name: str) -> None:
        self._view.edit({"start": name, "picture": ""}, f"Begin with {STARTS[name][0].lower()}")
        self._view.session.fire(self._view.line.name, self._view.index, "restart")

    def _slider(self, name: str, label: str) -> Slider:
        slider = Slider()
        slider.set_accent(theme.kind_color("image"))
        slider.setAccessibleName(label)
        slider.moved.connect(lambda norm: self._view.edit({name: norm}, label, gesture=name))
        slider.released.connect(self._view.release)
        slider.reset.connect(lambda: self._reset(name, label))
        return slider

    def _reset(self, name: str, label: str) -> None:
        values = self._view.values
        if values is not None:
            self._view.edit({name: values.params[name].default}, label)

    @staticmethod
    def _labelled(text: str, control: QWidget) -> QWidget:
        part = QWidget()
        row = QHBoxLayout(part)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.space(1))
        label = QLabel(text)
        label.setProperty("role", "dim")
        row.addWidget(label)
        row.addWidget(control, 1)
        return part

    def show_start(self, image: QImage | None) -> None:
        """What it began with, seen where no picture of one's own is."""
        name = STARTS.get(str(self._view.value("start", "")), ("",))[0]
        self.start.set_image(image, name)

    def show_values(self) -> None:
        """Show the parameters as they are."""
        value = self._view.value
        self.start.set_path(str(value("picture", "")))
        self.guide.set_path(str(value("guide", "")))
        self.palette_slot.set_path(str(value("palette_picture", "")))
        self.guide_weight.set_norm(float(value("guide_weight", 0.8)))
        self.hold.set_norm(float(value("hold", 1.0)))
        self.guide_weight.setEnabled(bool(value("guide", "")))
        self.guide_weight.setToolTip("0: the layers alone, 1: the guide picture alone" if value("guide", "")
                                     else "Drop a guide picture first; then: 0 the layers alone, 1 the guide alone")
        self.hold.setToolTip("How firmly the colours are held over time, 0 to 1")
        self.starts.setCurrentIndex(self.starts.findData(str(value("start", ""))))
