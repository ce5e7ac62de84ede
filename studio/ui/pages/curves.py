"""The curves of a training: losses of the steps faint, a smoothed line over them, validation as dots."""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

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


class _Plot:
    """Two axes, curves, and their names above them. Put together from parts: the library's own plot brings hidden forms
    and menus, which take a tenth of a second to make and outlive it."""

    def __init__(self, pg: Any, name: str) -> None:
        self._pg = pg
        self.view = pg.GraphicsLayoutWidget()
        self.view.setBackground(theme.color("field"))
        self.view.setAccessibleName(name)
        self.view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.view.ci.setContentsMargins(*(theme.px(n) for n in (4, 8, 12, 4)))
        self.view.ci.setSpacing(0)
        self._box = self.view.addViewBox(row=0, col=1, enableMenu=False)
        self._box.setMouseEnabled(x=True, y=False)
        for side, row, column in (("left", 0, 0), ("bottom", 1, 1)):
            axis = pg.AxisItem(side)
            axis.linkToView(self._box)
            axis.setPen(pg.mkPen(theme.color("line")))
            axis.setTextPen(theme.color("dim"))
            axis.setStyle(tickFont=theme.font("tiny"), tickLength=theme.px(3))
            if side == "left":
                axis.setWidth(theme.px(48))
                axis.setGrid(28)
            self.view.addItem(axis, row, column)
        self._names: list[str] = []
        self._legend = QLabel()
        self._legend.setProperty("role", "small")
        self._legend.setTextFormat(Qt.TextFormat.RichText)
        self._legend.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.widget = QWidget()
        layout = QVBoxLayout(self.widget)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.space(1))
        layout.addWidget(self._legend)
        layout.addWidget(self.view, 1)

    def clear(self) -> None:
        """Take all curves out."""
        self._box.clear()
        self._names.clear()
        self._legend.setText("")

    def add(self, name: str, ink: QColor, dots: bool) -> list[Any]:
        """A curve of dots, or a faint one and a smooth one; they get their data later."""
        pg, width = self._pg, theme.px(2)
        if dots:
            made = [pg.PlotDataItem(
                pen=pg.mkPen(ink, width=max(1, width // 2)), symbol="o", symbolBrush=ink, symbolPen=None,
                symbolSize=theme.px(6),
            )]
        else:
            faint = QColor(ink)
            faint.setAlpha(70)
            made = [pg.PlotDataItem(pen=pg.mkPen(faint, width=1)), pg.PlotDataItem(pen=pg.mkPen(ink, width=width))]
        for item in made:
            self._box.addItem(item)
        mark = "●" if dots else "▬"
        self._names.append(f'<span style="color:{ink.name()}">{mark}</span>&nbsp;{name.strip()}')
        self._legend.setText("&nbsp;&nbsp; ".join(self._names))
        self._legend.setToolTip(self._legend.text())
        return made


class Curves(QWidget):
    """Losses, and beside them the figure of validation where it is of another kind.

    The plotting library takes half a second to import, so it comes in the background.
    """

    def __init__(self, session: Core, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = title
        self._pg: Any = None
        self.plots: list[_Plot] = []
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
        self._plot(0)
        self.show_curves(*self._data)

    def _plot(self, place: int) -> _Plot:
        """The plot of losses (0) or the one beside it (1), which is made when it is first needed."""
        if place == len(self.plots):
            made = _Plot(self._pg, (self._title, "Validation")[place])
            self.plots.append(made)
            self._layout.addWidget(made.widget)
        self.plots[place].widget.show()
        return self.plots[place]

    def clear(self) -> None:
        """Forget the curves of before."""
        for plot in self.plots:
            plot.clear()
        for plot in self.plots[1:]:
            plot.widget.hide()
        self.lines.clear()
        self._shown.clear()

    def show_curves(self, train: dict[str, Curve], valid: dict[str, Curve]) -> None:
        """Draw what is new: ``train`` as lines, the first figure of ``valid`` as dots joined by a line."""
        self._data = (train, valid)
        if not self.plots:
            return
        for place, (name, points) in enumerate(list(train.items())[:4]):
            self._draw(self._plot(0), name, list(points), theme.color(INKS[place % len(INKS)]), dots=False)
        named = [(name, points) for name, points in list(valid.items()) if name != "score" and "bits" not in name]
        for name, points in named[:1]:
            plot = self._plot(0 if beside(name) else 1)
            self._draw(plot, f"{name} ", list(points), theme.color("warning"), dots=True)

    def _draw(self, plot: _Plot, name: str, points: Curve, ink: QColor, *, dots: bool) -> None:
        good = [(step, value) for step, value in points if math.isfinite(value)]
        if self._shown.get(name) == len(good) or not good:
            return
        self._shown[name] = len(good)
        steps, values = [step for step, _ in good], [value for _, value in good]
        if name not in self.lines:
            self.lines[name] = plot.add(name.replace("_", " "), ink, dots)
        lines = self.lines[name]
        lines[0].setData(steps, values)
        if not dots:
            lines[1].setData(steps, smoothed(values))
