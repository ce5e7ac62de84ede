"""Size and length of an export."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QLabel, QSpinBox, QVBoxLayout, QWidget

from studio.params import Param
from studio.ui import theme
from studio.ui.inspector.controls import Segments
from studio.ui.kit.combo import Combo

SIZES: tuple[tuple[str, tuple[int, int] | None], ...] = (
    ("As on screen", None), ("HD", (1280, 720)), ("Full HD", (1920, 1080)), ("QHD", (2560, 1440)), ("4K", (3840, 2160)),
    ("8K", (7680, 4320)), ("Square", (1080, 1080)), ("Large square", (2048, 2048)), ("Upright", (1080, 1920)),
    ("Own size", None),
)
LARGEST = 8192
RATES = (12.0, 15.0, 20.0, 24.0, 25.0, 30.0, 50.0, 60.0)


class SizeRow(QWidget):
    """A size by name or by numbers (pixels)."""

    changed = Signal()

    def __init__(self, shown: tuple[int, int] | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.shown = shown
        self.names = Combo(name="Size")
        self.names.setSizeAdjustPolicy(Combo.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.names.setMinimumContentsLength(10)
        self.names.setToolTip("Pixels of the picture, up to 8K where memory allows")
        for place, (name, size) in enumerate(SIZES):
            pixels = size or (shown if place == 0 else None)
            self.names.addItem(name)
            tip = f"{pixels[0]} × {pixels[1]} pixels" if pixels else "Type width and height"
            self.names.setItemData(place, tip, Qt.ItemDataRole.ToolTipRole)
        self.width_box, self.height_box = self._box("Width"), self._box("Height")
        self._times = QLabel("×")
        theme.set_role(self._times, "dim")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.space(2))
        row.addWidget(self.names, 1)
        for part in (self.width_box, self._times, self.height_box):
            row.addWidget(part)
        start = shown or (512, 512)
        self.width_box.setValue(start[0])
        self.height_box.setValue(start[1])
        self.names.currentIndexChanged.connect(self._named)
        for box in (self.width_box, self.height_box):
            box.valueChanged.connect(self._typed)

    def _box(self, name: str) -> QSpinBox:
        box = QSpinBox()
        box.setRange(16, LARGEST)
        box.setSuffix(" px")
        box.setFixedWidth(theme.px(90))
        box.setAccessibleName(name)
        box.setToolTip(f"{name} in pixels, 16 to {LARGEST}")
        return box

    def _named(self, index: int) -> None:
        size = SIZES[index][1] or (self.shown if index == 0 else None)
        if size is not None:
            for box, side in ((self.width_box, size[0]), (self.height_box, size[1])):
                box.blockSignals(True)
                box.setValue(side)
                box.blockSignals(False)
        self.changed.emit()

    def _typed(self) -> None:
        self.names.blockSignals(True)
        self.names.setCurrentIndex(len(SIZES) - 1)
        self.names.blockSignals(False)
        self.changed.emit()

    def on_screen(self) -> bool:
        """Whether the size of the picture on screen is chosen."""
        return self.names.currentIndex() == 0

    def choose(self, name: str) -> None:
        """Choose a size by its name."""
        self.names.setCurrentIndex(next(place for place, (known, _) in enumerate(SIZES) if known == name))

    def value(self) -> tuple[int, int] | None:
        """Width and height in pixels; None lets the generator choose (nothing is on screen yet)."""
        if self.on_screen() and self.shown is None:
            return None
        return self.width_box.value(), self.height_box.value()


SECONDS, BEATS, LOOP, WHOLE = "seconds", "beats", "one loop", "until it ends"


class LengthRow(QWidget):
    """A length: seconds, beats of the session's tempo, one loop of the generator, or until it ends by itself."""

    changed = Signal()

    def __init__(
        self, modes: tuple[str, ...], mode: str, amount: float, *, loop: float | None = None, least: float = 0.04,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._loop, self._own = loop, amount
        self.touched = False
        """Whether a person has set it."""
        self.modes = Segments(modes)
        self.modes.set_current(mode)
        self.modes.setAccessibleName("Length in")
        self.modes.setToolTip("What the length counts in; beats follow the session's tempo")
        self.modes.chosen.connect(self._mode)
        self.amount = QDoubleSpinBox()
        self.amount.setDecimals(2)
        self.amount.setRange(least, 36_000.0)
        self.amount.setValue(amount)
        self.amount.setFixedWidth(theme.px(104))
        self.amount.setAccessibleName("Length")
        self.amount.valueChanged.connect(self._typed)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.space(2))
        row.addWidget(self.modes, 1)
        row.addWidget(self.amount)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row)
        self._show()

    def _mode(self, name: str) -> None:
        self.touched = True
        self.modes.set_current(name)
        self._show()
        self.changed.emit()

    def _typed(self, value: float) -> None:
        if self.amount.isEnabled():
            self._own, self.touched = value, True
            self.changed.emit()

    def _show(self) -> None:
        mode = self.mode()
        free = mode in (SECONDS, BEATS)
        self.amount.setEnabled(False)
        self.amount.setVisible(mode != WHOLE)
        self.amount.setValue(self._own if free else self._loop or self._own)
        self.amount.setEnabled(free)
        self.amount.setSuffix(" beats" if mode == BEATS else " s")
        self.amount.setToolTip("Length in seconds" if mode == SECONDS else "Length in quarter notes")

    def mode(self) -> str:
        """Which of the modes."""
        return self.modes.current

    def choose(self, mode: str, amount: float | None = None) -> None:
        """Set it."""
        if amount is not None:
            self._own = amount
        self._mode(mode)


    def offer(self, seconds: float, why: str) -> None:
        """A length in seconds to begin with, which nobody has chosen."""
        self._own = seconds
        self.modes.set_current(SECONDS)
        self._show()
        self.amount.setToolTip(f"Length in seconds, {why} to begin with")
        self.touched = False


class RateRow(Combo):
    """Frames per second: a usual one or a typed one."""

    changed = Signal()

    def __init__(self, fps: float, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent, name="Rate")
        self.setEditable(True)
        self.setToolTip("Frames per second, 1 to 240; a GIF shows at most 50")
        self.setFixedWidth(theme.px(110))
        rates = sorted({*RATES, fps})
        self.addItems([f"{rate:g} fps" for rate in rates])
        self.setCurrentIndex(rates.index(fps))
        self._last = fps
        self.currentTextChanged.connect(self._typed)

    def _typed(self, text: str) -> None:
        try:
            rate = float(text.replace("fps", "").replace(",", ".").strip())
        except ValueError:
            return
        if 1.0 <= rate <= 240.0 and rate != self._last:
            self._last = rate
            self.changed.emit()

    def offer(self, fps: float) -> None:
        """A rate to begin with, which nobody has chosen."""
        if not 1.0 <= fps <= 240.0:
            return
        self.blockSignals(True)
        text = f"{fps:g} fps"
        if self.findText(text) < 0:
            self.addItem(text)
        self.setCurrentText(text)
        self._last = fps
        self.blockSignals(False)

    def value(self) -> float:
        """Frames per second; the last good one while something else is typed."""
        return self._last


def way_to_loop(params: Mapping[str, Param[Any]]) -> str:
    """What to set in the inspector for a loop of another length: ``set Mode to loop, then Loop length``."""
    name = next((name for name in params if name.startswith("loop")), "")
    if not name:
        return "see the inspector"
    needs = [(other, value) for other, value in (params[name].applies or ({},))[0].items() if isinstance(value, str)]
    first = "".join(f"set {_words(other)} to {value}, then " for other, value in needs)
    return f"{first or 'set '}{_words(name)} in the inspector"


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()
