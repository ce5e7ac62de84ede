"""The curves of a training: losses of the steps faint, a smoothed line over them, validation as dots."""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QWidget

from studio.session.core import Core
from studio.ui import theme
from studio.ui.background import background

Curve = list[tuple[int, float]]
INKS = ("accent", "image", "notes", "good")


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


def beside(name: str) -> bool:
    """Whether a validation figure is of the kind of the losses, so that one axis serves both."""
    return "nats" in name or "loss" in name


class Curves(QWidget):
    """Losses, and beside them the figure of validation where it is of another kind.

    The plotting library takes half a second to import, so it comes in the background.
    """

    def __init__(self, session: Core, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = title
        self._pg: Any = None
        self.plots: list[Any] = []
        self._legends: list[Any] = []
        self.lines: dict[str, list[Any]] = {}
        self._shown: dict[str, int] = {}
        self._data: tuple[dict[str, Curve], dict[str, Curve]] = ({}, {})
        self.setAccessibleName(title)
        self.setMinimumHeight(theme.px(130))
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(theme.space(2))
        background(session, _load, self._make, owner=self)

    def ready(self) -> bool:
        """Whether the plots are there."""
        return bool(self.plots)

    def _make(self, pg: Any) -> None:
        self._pg = pg
        for name in (self._title, "Validation"):
            self.plots.append(self._make_plot(name))
        self.plots[1].hide()
        self.show_curves(*self._data)

    def _make_plot(self, name: str) -> Any:
        pg = self._pg
        plot = pg.PlotWidget(background=theme.color("field"), enableMenu=False)
        plot.setAccessibleName(name)
        plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        plot.hideButtons()
        plot.setMouseEnabled(x=True, y=False)
        plot.showGrid(x=False, y=True, alpha=0.12)
        item = plot.getPlotItem()
        if item.ctrlMenu is not None:  # made without a parent: it would outlive the page
            item.ctrlMenu.setParent(plot, item.ctrlMenu.windowFlags())
        item.setContentsMargins(*(theme.px(n) for n in (4, 8, 12, 4)))
        for side in ("left", "bottom"):
            axis = item.getAxis(side)
            axis.setPen(pg.mkPen(theme.color("line")))
            axis.setTextPen(theme.color("dim"))
            axis.setStyle(tickFont=theme.font("tiny"), tickLength=theme.px(3))
        item.getAxis("left").setWidth(theme.px(48))
        ground = theme.color("field")
        ground.setAlpha(190)
        self._legends.append(item.addLegend(
            offset=(-4, 2), colCount=2, labelTextColor=theme.color("text"), labelTextSize="8pt",
            brush=pg.mkBrush(ground),
        ))
        self._layout.addWidget(plot)
        return plot

    def clear(self) -> None:
        """Forget the curves of before."""
        for plot, legend in zip(self.plots, self._legends, strict=True):
            plot.clear()
            legend.clear()
        for plot in self.plots[1:]:
            plot.hide()
        self.lines.clear()
        self._shown.clear()

    def show_curves(self, train: dict[str, Curve], valid: dict[str, Curve]) -> None:
        """Draw what is new: ``train`` as lines, the first figure of ``valid`` as dots joined by a line."""
        self._data = (train, valid)
        if not self.plots:
            return
        for place, (name, points) in enumerate(list(train.items())[:4]):
            self._draw(self.plots[0], name, list(points), theme.color(INKS[place % len(INKS)]), dots=False)
        named = [(name, points) for name, points in list(valid.items()) if name != "score" and "bits" not in name]
        for name, points in named[:1]:
            plot = self.plots[0 if beside(name) else 1]
            plot.show()
            self._draw(plot, f"{name} ", list(points), theme.color("warning"), dots=True)

    def _draw(self, plot: Any, name: str, points: Curve, ink: QColor, *, dots: bool) -> None:
        good = [(step, value) for step, value in points if math.isfinite(value)]
        if self._shown.get(name) == len(good) or not good:
            return
        self._shown[name] = len(good)
        steps, values = [step for step, _ in good], [value for _, value in good]
        if name not in self.lines:
            self.lines[name] = self._items(plot, name.replace("_", " "), ink, dots)
        lines = self.lines[name]
        lines[0].setData(steps, values)
        if not dots:
            lines[1].setData(steps, smoothed(values))

    def _items(self, plot: Any, name: str, ink: QColor, dots: bool) -> list[Any]:
        pg = self._pg
        width = theme.px(2)
        if dots:
            return [plot.plot(
                [], [], name=name, pen=pg.mkPen(ink, width=max(1, width // 2)), symbol="o", symbolBrush=ink,
                symbolPen=None, symbolSize=theme.px(6),
            )]
        faint = QColor(ink)
        faint.setAlpha(70)
        return [
            plot.plot([], [], pen=pg.mkPen(faint, width=1)),
            plot.plot([], [], name=name, pen=pg.mkPen(ink, width=width)),
        ]
