"""How sound is heard: gain, range, gate, attack and release, sensitivity, weighting."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QCheckBox, QGridLayout, QLabel, QWidget

from studio.control.audio import SETTINGS
from studio.params import Bool, Choice, Float
from studio.session.audio_in import AudioIn
from studio.ui import theme
from studio.ui.inspector.controls import Segments
from studio.ui.kit.slider import Slider

ROWS = ("gain", "automatic", "gate", "attack", "release", "sensitivity", "weighting")
LABELS = {"automatic": "Range"}


class HearingForm(QWidget):
    """One line per setting; a drag is one step of undo."""

    def __init__(self, ear: AudioIn, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.ear = ear
        self.fields: dict[str, Any] = {}
        self._texts: dict[str, QLabel] = {}
        self._gesture = 0
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(theme.space(1))
        grid.setVerticalSpacing(theme.space(1))
        grid.setColumnStretch(1, 1)
        for place, name in enumerate(ROWS):
            param = SETTINGS[name]
            label = QLabel(LABELS.get(name, param.label))
            theme.set_role(label, "dim")
            label.setFixedWidth(theme.px(72))
            label.setToolTip(param.help)
            grid.addWidget(label, place, 0)
            if isinstance(param, Float):
                self.fields[name] = self._slider(name, param)
                grid.addWidget(self.fields[name], place, 1)
                grid.addWidget(self._texts[name], place, 2)
            elif isinstance(param, Bool):
                self.fields[name] = self._switch(name, param)
                grid.addWidget(self.fields[name], place, 1, 1, 2)
            elif isinstance(param, Choice):
                self.fields[name] = self._choice(name, param)
                grid.addWidget(self.fields[name], place, 1, 1, 2)
        self.show_values()

    def _slider(self, name: str, param: Float) -> Slider:
        made = Slider(origin=param.to_norm(0.0) if param.low < 0.0 < param.high else 0.0)
        made.setAccessibleName(param.label)
        unit = f" {param.unit}" if param.unit else ""
        made.setToolTip(f"{param.help}\n{param.low:g} to {param.high:g}{unit}, usually {param.default:g}{unit}")
        text = self._texts[name] = QLabel()
        text.setFont(theme.font("mono"))
        text.setFixedWidth(theme.px(62))
        made.pressed.connect(self._begin)
        made.moved.connect(lambda norm: self._set(name, param.from_norm(norm)))
        made.reset.connect(lambda: self._set(name, param.default))
        return made

    def _begin(self) -> None:
        self._gesture += 1

    def _switch(self, name: str, param: Bool) -> QCheckBox:
        made = QCheckBox("automatic" if name == "automatic" else param.label)
        made.setToolTip(param.help)
        made.setAccessibleName(param.label)
        made.clicked.connect(lambda on: self._set(name, on))
        return made

    def _choice(self, name: str, param: Choice) -> Segments:
        made = Segments(param.choices)
        made.setAccessibleName(param.label)
        made.setToolTip(param.help)
        made.chosen.connect(lambda word: self._set(name, word))
        return made

    def _set(self, name: str, value: Any) -> None:
        self.ear.set(gesture=("audio", name, self._gesture), **{name: value})
        self.show_values()

    def show_values(self) -> None:
        """Show the settings as they are."""
        for name, field in self.fields.items():
            param, value = SETTINGS[name], self.ear.settings[name]
            if isinstance(param, Float):
                if not field.is_down():
                    field.set_norm(param.to_norm(value))
                shown = f"{value:.2f}" if param.high - param.low <= 1.0 else f"{value:.0f}"
                self._texts[name].setText(f"{shown} {param.unit}".strip())
            elif isinstance(param, Bool):
                field.setChecked(value)
            else:
                field.set_current(value)
