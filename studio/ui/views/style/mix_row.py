"""The mix of two styles: first name, slider, second name to choose, swap."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from studio.ui import theme
from studio.ui.kit.buttons import tool_button
from studio.ui.kit.combo import Combo
from studio.ui.kit.slider import Slider
from studio.ui.views.style.shelf import title_of


class MixRow(QWidget):
    """``mixed`` while the slider moves, ``released`` at the end of a gesture, ``second`` with the place in the list."""

    mixed = Signal(float)
    released = Signal()
    reset = Signal()
    second = Signal(int)
    swapped = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names: tuple[str, ...] = ()
        self.first = QLabel()
        self.slider = Slider()
        self.slider.set_accent(theme.kind_color("image"))
        self.slider.setAccessibleName("Mix of the two styles")
        self.slider.setToolTip("From the first style (left, 0) to the second (right, 1)\n"
                               "Shift drags finely, double click goes back to the first")
        self.other = Combo(name="Second style")
        self.other.setToolTip("The style that the mix goes to")
        self.other.setMinimumContentsLength(8)
        self.other.setSizeAdjustPolicy(Combo.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.swap = tool_button("swap", "Swap the two styles", size=15, clicked=self.swapped.emit)
        self.swap.setAutoRaise(True)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.space(2))
        row.addWidget(self.first)
        row.addWidget(self.slider, 1)
        row.addWidget(self.other)
        row.addWidget(self.swap)
        self.slider.moved.connect(self.mixed)
        self.slider.released.connect(self.released)
        self.slider.reset.connect(self.reset)
        self.other.activated.connect(self.second)

    def set_names(self, names: Sequence[str]) -> None:
        """The styles to choose the second one from."""
        if tuple(names) != self._names:
            self._names = tuple(names)
            self.other.clear()
            self.other.addItems([title_of(name) for name in names])

    def show_mix(self, first: str, second: str, blend: float) -> None:
        """Show what is set; ``second`` may be a name that is not in the list."""
        self.first.setText(title_of(first))
        self.slider.set_norm(blend)
        self.other.setCurrentIndex(self._names.index(second) if second in self._names else -1)
        self.other.setPlaceholderText(title_of(second))
