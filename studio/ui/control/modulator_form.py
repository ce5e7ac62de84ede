"""The fields of one modulator, made from what it has; every change counts at once and can be undone."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QDoubleSpinBox, QGridLayout, QLineEdit, QSpinBox, QWidget

from studio.control.audio import FEATURES
from studio.control.modulators import EVENTS, OPERATIONS, SHAPES, Modulator, to_json
from studio.session.core import Core
from studio.ui import theme
from studio.ui.kit import Combo
from studio.ui.pages.parts import clear, label, no_wheel

KIND_WORDS = {
    "lfo": ("LFO", "A shape that goes round, by the second or by the beat", "waves"),
    "walk": ("Random walk", "Wanders in small steps", "path"),
    "hold": ("Sample and hold", "Takes a value now and then and keeps it", "pin"),
    "envelope": ("Envelope", "Opened by the notes of a player", "chart"),
    "player": ("From a player", "Notes, their velocity and pitch, or a word of the text", "player"),
    "math": ("Two together", "Adds, multiplies or compares two others", "plus"),
    "audio": ("From the sound", "Loudness, bands, onsets and beat of the sound that comes in", "microphone"),
}
CHOICES = {
    "shape": [(name.capitalize(), name) for name in SHAPES],
    "event": [("each note", "note"), ("velocity", "velocity"), ("pitch", "pitch"), ("pitch class", "pitch_class"),
              ("a word of the text", "word")],
    "operation": [(name, name) for name in OPERATIONS], "feature": [(text, name) for name, text in FEATURES.items()],
}
assert [name for _, name in CHOICES["event"]] == list(EVENTS)
_LABELS = {
    "shape": "Shape", "rate": "Rate", "synced": "With the beat", "phase": "Phase", "seed": "Seed", "size": "Step size",
    "attack": "Attack", "decay": "Decay", "sustain": "Sustain", "release": "Release", "player": "Player",
    "event": "Follows", "word": "Word", "fall": "Falls within", "source": "Takes", "operation": "Operation",
    "first": "First", "second": "Second", "feature": "Follows",
}
_TIPS = {
    "rate": "How often it turns or steps: 0–100 a second, or a beat", "synced": "Counts beats instead of seconds",
    "phase": "Where in its turn it begins, 0–1", "seed": "Another seed, other chances; the same, the same again",
    "size": "The longest step, 0–1 of the way", "sustain": "Level while a note is held, 0–1",
    "attack": "Seconds up to the top, 0–60", "decay": "Seconds down to sustain, 0–60",
    "release": "Seconds down to nothing after the note, 0–60", "fall": "Seconds from 1 to 0 after a note or word, 0–60",
    "word": "The word that is waited for; case and punctuation do not count",
    "source": "What it takes: another modulator, or a number by chance",
}
_UNITS = {"attack": " s", "decay": " s", "release": " s", "fall": " s"}
_ORDER = ("shape", "operation", "event", "feature", "player", "word", "source", "first", "second", "synced", "rate",
          "phase", "size", "attack", "decay", "sustain", "release", "fall", "seed")
PACE = ((1 / 16, "four bars"), (1 / 8, "two bars"), (1 / 4, "a bar"), (1 / 2, "two beats"), (1.0, "a beat"),
        (2.0, "half a beat"), (3.0, "a third"), (4.0, "a quarter"))
"""Turns per beat, and what one turn takes in bars of four."""


class ModulatorForm(QWidget):
    """See the module. ``refused`` has a sentence for what cannot be."""

    refused = Signal(str)

    def __init__(self, session: Core, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.name = ""
        self.fields: dict[str, QWidget] = {}
        self._shape: tuple[Any, ...] = ()
        self._filling = False
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(theme.space(3))
        self._grid.setVerticalSpacing(theme.space(1.5))
        for column in (1, 3):
            self._grid.setColumnStretch(column, 1)

    def show_modulator(self, modulator: Modulator) -> None:
        """Show its values; the fields are made anew only for another kind."""
        values = to_json(modulator)
        shape = (modulator.name, modulator.kind, tuple(self._names(modulator)), tuple(self.session.players),
                 bool(values.get("synced")), tuple(self._shown(modulator, values)))
        self._filling = True
        self.name = modulator.name
        if shape != self._shape:
            self._shape = shape
            self._make(modulator, values)
        for key, widget in self.fields.items():
            self._fill(widget, values[key])
        self._filling = False

    def _names(self, modulator: Modulator) -> list[str]:
        return [other.name for other in self.session.controls.modulators if other.name != modulator.name]

    def _shown(self, modulator: Modulator, values: dict[str, Any]) -> list[str]:
        """Fields that do something now."""
        keys = [key for key in _ORDER if key in values]
        if modulator.kind == "lfo" and values["shape"] not in ("random", "smooth"):
            keys.remove("seed")
        if modulator.kind in ("envelope", "player", "math", "audio"):
            keys.remove("seed")
        event = values.get("event")
        if modulator.kind == "player" and event != "word":
            keys.remove("word")
        if modulator.kind == "player" and event not in ("note", "word"):
            keys.remove("fall")
        if modulator.kind == "hold" and values["source"]:
            keys.remove("seed")
        if modulator.kind == "hold" and values["rate"] > 0.0:
            keys.remove("player")
        return keys

    def _make(self, modulator: Modulator, values: dict[str, Any]) -> None:
        focused = next((key for key, widget in self.fields.items() if widget.hasFocus()), "")
        clear(self._grid)
        self.fields = {}
        for place, key in enumerate(self._shown(modulator, values)):
            widget = self._widget(modulator, key, values)
            widget.setAccessibleName(f"{_LABELS[key]} of {modulator.name}")
            widget.setToolTip(_TIPS.get(key, _LABELS[key]))
            self.fields[key] = widget
            row, column = divmod(place, 2)
            head = label(_LABELS[key], "dim")
            head.setBuddy(widget)
            self._grid.addWidget(head, row, 2 * column)
            self._grid.addWidget(widget, row, 2 * column + 1)
        if focused in self.fields:
            self.fields[focused].setFocus()

    def _widget(self, modulator: Modulator, key: str, values: dict[str, Any]) -> QWidget:
        value = values[key]
        if key == "rate" and values.get("synced"):
            return self._combo(key, [(f"once in {text}", pace) for pace, text in PACE])
        if key in CHOICES:
            return self._combo(key, CHOICES[key])
        if key == "player":
            players = [(f"Player {name}", name) for name in self.session.players]
            return self._combo(key, [("any player", ""), *players])
        if key in ("source", "first", "second"):
            nothing = "a number by chance" if key == "source" else "nothing"
            return self._combo(key, [(nothing, ""), *((name, name) for name in self._names(modulator))])
        if isinstance(value, bool):
            switch = QCheckBox()
            switch.clicked.connect(lambda on: self._change(key, on))
            return switch
        if isinstance(value, int):
            whole = QSpinBox()
            whole.setRange(0, 2**31 - 1)
            whole.setKeyboardTracking(False)
            no_wheel(whole)
            whole.valueChanged.connect(lambda number: self._change(key, number))
            return whole
        if isinstance(value, float):
            return self._spin(key, synced=bool(values.get("synced")))
        line = QLineEdit()
        line.setPlaceholderText("rain")
        line.editingFinished.connect(lambda: self._change(key, line.text().strip()))
        return line

    def _spin(self, key: str, *, synced: bool) -> QDoubleSpinBox:
        spin = QDoubleSpinBox()
        low, high, step = {
            "rate": (0.0, 100.0, 0.05), "phase": (0.0, 1.0, 0.05), "size": (0.0, 1.0, 0.05),
            "sustain": (0.0, 1.0, 0.05),
        }.get(key, (0.0, 60.0, 0.05))
        spin.setRange(low, high)
        spin.setSingleStep(step)
        spin.setDecimals(3 if key == "rate" else 2)
        spin.setSuffix((" a beat" if synced else " Hz") if key == "rate" else _UNITS.get(key, ""))
        spin.setKeyboardTracking(False)
        no_wheel(spin)
        spin.valueChanged.connect(lambda number: self._change(key, number))
        return spin

    def _combo(self, key: str, items: list[tuple[str, Any]]) -> Combo:
        combo = Combo(items)
        combo.activated.connect(lambda _: self._change(key, combo.currentData()))
        return combo

    @staticmethod
    def _fill(widget: QWidget, value: Any) -> None:
        if isinstance(widget, Combo):
            if not widget.choose(value):
                known = isinstance(value, (int, float))
                widget.addItem(f"{value:g} turns a beat" if known else f"{value} (not here)", value)
                widget.choose(value)
        elif isinstance(widget, QCheckBox):
            widget.setChecked(value)
        elif isinstance(widget, (QSpinBox, QDoubleSpinBox)):
            if abs(widget.value() - value) > 1e-6:
                widget.setValue(value)
        elif isinstance(widget, QLineEdit) and not widget.hasFocus():
            widget.setText(value)

    def _change(self, key: str, value: Any) -> None:
        if self._filling or not self.name:
            return
        known = next((other for other in self.session.controls.modulators if other.name == self.name), None)
        if known is None or getattr(known, key) == value:
            return
        changes = {key: value}
        if key == "synced":  # a wave a second and a wave a beat are about the same
            changes["rate"] = _nearest(known.rate) if value else known.rate  # type: ignore[attr-defined]
        try:
            self.session.controls.change_modulator(self.name, gesture=("modulator", self.name, key), **changes)
        except ValueError as error:
            self.refused.emit(str(error))


def _nearest(rate: float) -> float:
    return min((pace for pace, _ in PACE), key=lambda pace: abs(pace - rate))
