"""The principal directions: a slider each, with what lies at both of its ends."""

from __future__ import annotations

import time

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QWidget

from studio.nn.places import Place, combine
from studio.session.latent_places import DIRECTIONS
from studio.ui import theme
from studio.ui.kit.slider import Slider
from studio.ui.views.latent.bench import Bench
from studio.ui.views.latent.tiles import Tile

REACH = 3.0
"""Standard deviations at which the end pictures are."""

LIMIT = 4.0
PATIENCE = 1.5
"""Seconds between two looks at a picture that moves."""


class DirectionsPage(QWidget):
    """Eight rows: the picture at −3 σ, the slider, the picture at +3 σ. Clicking a picture goes there."""

    def __init__(self, bench: Bench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        self._base: Place | None = None
        self._looked = 0.0
        self._gesture: tuple[str, str, int] | None = None
        self.sliders: list[Slider] = []
        self.ends: list[tuple[Tile, Tile]] = []
        self._numbers: list[QLabel] = []
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(theme.space(2))
        grid.setVerticalSpacing(theme.space(1))
        for row, name in enumerate(DIRECTIONS):
            self._add(grid, row % 4, 0 if row < 4 else 5, row, name)
        for column in (1, 6):
            grid.setColumnStretch(column, 3)
        grid.setColumnMinimumWidth(4, theme.space(2))
        self.setAccessibleName("Principal directions")
        bench.changed.connect(self._values_changed)
        self._values_changed()

    def _add(self, grid: QGridLayout, row: int, column: int, index: int, name: str) -> None:
        ends = []
        for sign in (-1, 1):
            tile = Tile(f"Direction {index + 1} at {sign * REACH:+.0f} σ")
            tile.setToolTip(f"The picture at {sign * REACH:+.0f} σ of direction {index + 1}; click to go there")
            tile.picked.connect(lambda _, sign=sign: self._bench.set("Direction", **{name: sign * REACH}))
            tile.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
            tile.setMinimumSize(theme.px(44), theme.px(44))
            tile.setMaximumSize(theme.px(96), theme.px(96))
            ends.append(tile)
        slider = Slider(norm=0.5, origin=0.5, step=0.0125)
        slider.setAccessibleName(f"Direction {index + 1}")
        slider.setToolTip(f"Direction {index + 1}: −{LIMIT:.0f} to +{LIMIT:.0f} standard deviations; double click: 0")
        slider.pressed.connect(lambda: self._begin(name))
        slider.moved.connect(lambda norm: self._moved(name, norm))
        slider.released.connect(self._end)
        slider.reset.connect(lambda: self._bench.set("Direction", **{name: 0.0}))
        number = QLabel("0.0")
        number.setProperty("role", "small")
        number.setAlignment(Qt.AlignmentFlag.AlignCenter)
        number.setMinimumWidth(theme.px(64))
        middle = QWidget()
        inner = QGridLayout(middle)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(0)
        inner.addWidget(number, 0, 0, Qt.AlignmentFlag.AlignBottom)
        inner.addWidget(slider, 1, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(ends[0], row, column)
        grid.addWidget(middle, row, column + 1)
        grid.addWidget(ends[1], row, column + 2)
        grid.setRowStretch(row, 1)
        self.sliders.append(slider)
        self.ends.append((ends[0], ends[1]))
        self._numbers.append(number)

    def _begin(self, name: str) -> None:
        self._gesture = self._bench.begin(name)

    def _moved(self, name: str, norm: float) -> None:
        value = (norm - 0.5) * 2 * LIMIT
        self._bench.set("Direction", gesture=self._gesture, **{name: round(value, 3)})
        self._values_changed()

    def _end(self) -> None:
        self._gesture = None
        self._bench.end()

    def _values_changed(self) -> None:
        for index, (name, slider, number) in enumerate(zip(DIRECTIONS, self.sliders, self._numbers, strict=True)):
            value = float(self._bench.get(name, 0.0))
            if not slider.is_down():
                slider.set_norm(value / LIMIT / 2 + 0.5)
            number.setText(f"{index + 1}   {value:+.1f} σ" if value else f"{index + 1}")
        self._looked = 0.0

    # --- the end pictures ---

    def _wanted(self, base: Place) -> list[tuple[Tile, str]]:
        truncation = float(self._bench.get("truncation", 1.0))
        scale = 1.0 / truncation if abs(truncation) > 0.05 else 1.0
        found = []
        for name, ends in zip(DIRECTIONS, self.ends, strict=True):
            here = float(self._bench.get(name, 0.0))
            for sign, tile in zip((-1, 1), ends, strict=True):
                way = Place(((name, (sign * REACH - here) * scale),))
                found.append((tile, str(combine([(base, 1.0), (way, 1.0)]))))
        return found

    def refresh(self, fresh: bool) -> None:
        """Follow the picture: at once when a value changed, now and then while it moves by itself."""
        if not self.isVisible():
            return
        now = time.monotonic()
        if now - self._looked > PATIENCE and self._gesture is None:
            self._looked = now
            base = self._bench.here()
            if base != self._base:
                self._base, fresh = base, True
        if fresh and self._base is not None:
            self._show(self._base)

    def _show(self, base: Place) -> None:
        wanted = self._wanted(base)
        truncation = self._bench.truncation
        self._bench.pictures.wish("directions", [(place, truncation) for _, place in wanted], 3)
        for tile, place in wanted:
            image = self._bench.pictures.image(place, truncation)
            if image is not None or not tile.place:
                tile.show_place(place, image)

    def showEvent(self, event: object) -> None:
        self._looked = 0.0

    def hideEvent(self, event: object) -> None:
        self._bench.pictures.wish("directions", [])
