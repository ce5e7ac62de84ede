"""The options of a writer as a form, made from its declarations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QDoubleSpinBox, QGridLayout, QHBoxLayout, QLabel, QSpinBox, QWidget

from studio.export import writer_options
from studio.params import Bool, Choice, Float, Int, Param
from studio.ui import theme
from studio.ui.inspector.controls import Segments
from studio.ui.kit import Slider

ICONS = {
    "png": "image", "jpg": "photo", "svg": "image", "gif": "gif", "webp": "film", "mp4": "film", "webm": "globe",
    "mov": "film", "sequence": "images", "txt": "text", "mid": "piano", "wav": "sound",
}
"""The icon of each format."""
LABEL = 92
"""Pixels of the labels at the left of every row."""
HIDDEN = {"gif": {"palette"}, "webp": {"frames"}, "sequence": {"quality", "encoding"}}
"""Options that make no sense for what the dialog offers, or are decided by it."""


def label_for(text: str, tip: str = "") -> QLabel:
    """The label of a row."""
    label = QLabel(text)
    theme.set_role(label, "dim")
    label.setFixedWidth(theme.px(LABEL))
    label.setToolTip(tip)
    return label


LABELS = {
    "crf": "Quality (CRF)", "compress": "Compression", "first": "First number", "full_colour": "Full colour",
    "loop": "Repeats",
}
"""Where the declared name says too little to a person."""


LOWEST = {"loop": "forever"}
"""What the lowest value of an option means, where the number alone says nothing."""


class Row:
    """One option: its widget, its value, back to the default."""

    def __init__(self, param: Param[Any], changed: Callable[[], None]) -> None:
        self.param, self._changed = param, changed
        self.widget = self._make()
        self.widget.setToolTip(_tip(param))

    def _make(self) -> QWidget:
        param = self.param
        if isinstance(param, Bool):
            self.box = QCheckBox()
            self.box.setChecked(param.default)
            self.box.setAccessibleName(param.label)
            self.box.toggled.connect(lambda _: self._changed())
            return self.box
        if isinstance(param, Choice):
            self.segments = Segments(tuple(param.choices))
            self.segments.set_current(param.default)
            self.segments.setAccessibleName(param.label)
            self.segments.chosen.connect(self._chosen)
            return self.segments
        assert isinstance(param, (Int, Float))
        return self._number(param)

    def _number(self, param: Int | Float) -> QWidget:
        holder = QWidget()
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.space(2))
        self.slider = Slider(holder, step=1.0 / (param.high - param.low) if isinstance(param, Int) else 0.01)
        self.slider.setAccessibleName(param.label)
        self.slider.set_norm(param.to_norm(param.default))  # type: ignore[arg-type]
        self.spin: QSpinBox | QDoubleSpinBox
        if isinstance(param, Int):
            self.spin = QSpinBox()
            self.spin.setRange(int(param.low), int(param.high))
            self.spin.setSpecialValueText(LOWEST.get(param.name, ""))
        else:
            self.spin = QDoubleSpinBox()
            self.spin.setRange(param.low, param.high)
            self.spin.setSingleStep(0.05)
        self.spin.setValue(param.default)  # type: ignore[arg-type]
        self.spin.setAccessibleName(param.label)
        self.spin.setFixedWidth(theme.px(84))
        self.spin.setToolTip(_tip(param))
        wide = param.high - param.low > 5000  # a knob over such a range would hit nothing
        self.slider.setVisible(not wide)
        self.slider.moved.connect(self._moved)
        self.slider.reset.connect(lambda: self.spin.setValue(param.default))  # type: ignore[arg-type]
        self.spin.valueChanged.connect(self._typed)
        row.addWidget(self.slider, 1)
        if wide:
            row.addStretch(1)
        row.addWidget(self.spin)
        return holder

    def _chosen(self, name: str) -> None:
        self.segments.set_current(name)
        self._changed()

    def _moved(self, norm: float) -> None:
        self.spin.setValue(self.param.from_norm(norm))

    def _typed(self, value: float) -> None:
        self.slider.set_norm(self.param.to_norm(value))
        self._changed()

    def value(self) -> Any:
        """What is set."""
        if isinstance(self.param, Bool):
            return self.box.isChecked()
        if isinstance(self.param, Choice):
            return self.segments.current
        return self.spin.value()


def _tip(param: Param[Any]) -> str:
    parts = [param.help]
    if isinstance(param, (Int, Float)):
        unit = f" {param.unit}" if param.unit else ""
        parts.append(f"{param.low:g} to {param.high:g}{unit}, usually {param.default:g}")
    return "\n".join(part for part in parts if part)


class OptionsForm(QWidget):
    """All options of one format, two columns of label and control. ``changed`` comes with every change."""

    changed = Signal()

    def __init__(self, key: str, pattern: str, wishes: dict[str, Any], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        hidden = HIDDEN.get(key, set())
        self.rows = {
            name: Row(param, self.changed.emit) for name, param in writer_options(pattern).items()
            if name not in hidden and isinstance(param, (Bool, Choice, Int, Float)) and name not in wishes
        }
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(theme.space(2))
        grid.setVerticalSpacing(theme.space(1.5))
        grid.setColumnStretch(1, 1)
        for place, row in enumerate(self.rows.values()):
            text = LABELS.get(row.param.name, row.param.label)
            grid.addWidget(label_for(text, _tip(row.param)), place, 0)
            left = Qt.AlignmentFlag.AlignLeft if isinstance(row.param, Bool) else Qt.AlignmentFlag(0)
            grid.addWidget(row.widget, place, 1, left)

    def values(self) -> dict[str, Any]:
        """The options that differ from their defaults."""
        return {name: row.value() for name, row in self.rows.items() if row.value() != row.param.default}
