"""The curves of a training: losses of the steps faint, a smoothed line over them, validation as dots."""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QVBoxLayout, QWidget

from studio.session.core import Core
from studio.ui import theme
from studio.ui.background import background

Curve = list[tuple[int, float]]
INKS = ("accent", "image", "notes", "text_media", "audio", "good", "warning")


def _load() -> Any:
    import pyqtgraph

    return pyqtgraph


def smoothed(values: list[float]) -> list[float]:
    """Exponential average, unbiased at its start, over about a thirtieth of what there is."""
    kept, weight, out = 0.0, 0.0, []
    share = min(0.95, max(0.0, 1 - 30 / max(1, len(values))))
    for value in values:
        kept = share * kept + (1 - share) * value
        weight = share * weight + (1 - share)
        out.append(kept / weight)
    return out


class Curves(QWidget):
    """A plot with a legend. The plotting library takes half a second to import, so it comes in the background."""

    def __init__(self, session: Core, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = title
        self._plot: Any = None
        self._lines: dict[str, list[Any]] = {}
        self._shown: dict[str, int] = {}
        self._data: tuple[dict[str, Curve], dict[str, Curve]] = ({}, {})
        self.setAccessibleName(title)
        self.setMinimumHeight(theme.px(130))
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        background(session, _load, self._make, owner=self)

    def ready(self) -> bool:
        """Whether the plot is there."""
        return self._plot is not None

    def _make(self, pg: Any) -> None:
        self._pg = pg
        self._plot = pg.PlotWidget(background=theme.color("field"), enableMenu=False)
        self._plot.setAccessibleName(self._title)
        self._plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._plot.setMenuEnabled(False)
        self._plot.hideButtons()
        self._plot.setMouseEnabled(x=True, y=False)
        self._plot.showGrid(x=False, y=True, alpha=0.12)
        item = self._plot.getPlotItem()
        if item.ctrlMenu is not None:  # made without a parent: it would outlive the page
            item.ctrlMenu.setParent(self._plot)
        item.setContentsMargins(*(theme.px(n) for n in (4, 8, 12, 4)))
        ink = theme.color("dim")
        for side in ("left", "bottom"):
            axis = item.getAxis(side)
            axis.setPen(pg.mkPen(theme.color("line")))
            axis.setTextPen(ink)
            axis.setStyle(tickFont=theme.font("tiny"), tickLength=theme.px(3))
        item.getAxis("left").setWidth(theme.px(52))
        self._legend = item.addLegend(offset=(-8, 4), labelTextColor=theme.color("text"), labelTextSize="9pt")
        self._layout.addWidget(self._plot)
        self.show_curves(*self._data)

    def clear(self) -> None:
        """Forget the curves of before."""
        if self._plot is not None:
            self._plot.clear()
            self._legend.clear()
        self._lines.clear()
        self._shown.clear()

    def show_curves(self, train: dict[str, Curve], valid: dict[str, Curve]) -> None:
        """Draw what is new: ``train`` as lines, ``valid`` as dots joined by a line."""
        self._data = (train, valid)
        if self._plot is None:
            return
        for place, (name, points) in enumerate(list(train.items())[:4]):
            self._draw(name, list(points), QColor(theme.color(INKS[place % len(INKS)])), dots=False)
        shown = [(name, points) for name, points in valid.items() if name != "score" and "bits" not in name][:2]
        for place, (name, points) in enumerate(shown):
            self._draw(f"{name} ", list(points), QColor(theme.color(INKS[-1 - place])), dots=True)

    def _draw(self, name: str, points: Curve, ink: QColor, *, dots: bool) -> None:
        good = [(step, value) for step, value in points if math.isfinite(value)]
        if self._shown.get(name) == len(good) or not good:
            return
        self._shown[name] = len(good)
        steps, values = [step for step, _ in good], [value for _, value in good]
        if name not in self._lines:
            self._lines[name] = self._items(name.replace("_", " "), ink, dots)
        lines = self._lines[name]
        lines[0].setData(steps, values)
        if not dots:
            lines[1].setData(steps, smoothed(values))

    def _items(self, name: str, ink: QColor, dots: bool) -> list[Any]:
        pg = self._pg
        width = theme.px(2)
        if dots:
            return [self._plot.plot(
                [], [], name=name, pen=pg.mkPen(ink, width=max(1, width // 2)), symbol="o", symbolBrush=ink,
                symbolPen=None, symbolSize=theme.px(6),
            )]
        faint = QColor(ink)
        faint.setAlpha(70)
        return [
            self._plot.plot([], [], pen=pg.mkPen(faint, width=1)),
            self._plot.plot([], [], name=name, pen=pg.mkPen(ink, width=width)),
        ]
