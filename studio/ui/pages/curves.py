"""The curves of a training: losses of the steps faint, a smoothed line over them, validation as dots.

Where values span more than a decade the axis is logarithmic: a loss that falls from 50 to 0.5 is then seen all the way.
"""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from studio.session.core import Core
from studio.training.curves import DECADE, Curve, beside, shown_figures, smoothed
from studio.ui import theme
from studio.ui.background import background

INKS = ("accent", "image", "notes", "good", "text_media", "dim")


def _load() -> Any:
    import pyqtgraph

    return pyqtgraph


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
            if side == "left":
                self._left = axis
        self._items: dict[str, list[Any]] = {}
        self._ranges: dict[str, tuple[float, float]] = {}
        self.logarithmic = False
        self._names: list[str] = []
        self._legend = QLabel()
        self._legend.setProperty("role", "small")
        self._legend.setTextFormat(Qt.TextFormat.RichText)
        self._legend.setWordWrap(True)
        self._legend.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.widget = QWidget()
        layout = QVBoxLayout(self.widget)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.space(1))
        layout.addWidget(self._legend)
        layout.addWidget(self.view, 1)

    def clear(self) -> None:
        """Take all curves out."""
        self._box.clear()
        for known in (self._items, self._ranges, self._names):
            known.clear()
        self._scale(False)

    def draw(self, name: str, ink: QColor, steps: list[int], values: list[float], *, dots: bool) -> list[Any]:
        """A curve of dots joined by a line, or a faint one with a smooth one over it; returns what draws it."""
        if name not in self._items:
            self._items[name] = self._add(name, ink, dots)
        positive = [value for value in values if value > 0]
        self._ranges[name] = (min(positive, default=0.0), max(positive, default=0.0))
        known = [pair for pair in self._ranges.values() if pair[1] > 0]
        all_positive = all(value >= 0 for value in values)
        wanted = bool(known) and all_positive and max(h for _, h in known) > DECADE * min(low for low, _ in known)
        self._scale(wanted)
        if all_positive:  # a share of exactly 0 says nothing, and a logarithmic axis has no place for it
            steps, values = [step for step, value in zip(steps, values, strict=True) if value > 0], positive
        made = self._items[name]
        made[0].setData(steps, values)
        if not dots:
            made[1].setData(steps, smoothed(values))
        return made

    def _add(self, name: str, ink: QColor, dots: bool) -> list[Any]:
        pg, width = self._pg, theme.px(2)
        if dots:
            made = [pg.PlotDataItem(
                pen=pg.mkPen(ink, width=max(1, width // 2)), symbol="o", symbolBrush=ink, symbolPen=None,
                symbolSize=theme.px(6),
            )]
        else:
            faint = QColor(ink)
            faint.setAlpha(70)
            made = [pg.PlotDataItem(pen=pg.mkPen(pen, width=wide))
                    for pen, wide in ((faint, 1), (ink, width))]
        for item in made:
            self._box.addItem(item)
            item.setLogMode(False, self.logarithmic)
        mark = "●" if dots else "▬"
        self._names.append(f'<span style="color:{ink.name()}">{mark}</span>&nbsp;{name.strip().replace(" ", "&nbsp;")}')
        self._write()
        return made

    def _scale(self, on: bool) -> None:
        if on == self.logarithmic:
            return
        self.logarithmic = on
        self._left.setLogMode(False, on)
        self._left.setStyle(maxTextLevel=0 if on else 2)  # the decades alone: what lies between would run together
        for made in self._items.values():
            for item in made:
                item.setLogMode(False, on)
        self._write()

    def _write(self) -> None:
        """The legend, which takes a second line where one is too short."""
        note = [f'<span style="color:{theme.color("dim").name()}">log&nbsp;scale</span>'] if self.logarithmic else []
        self._legend.setText(" &nbsp; ".join(self._names + note))


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
        for place, (name, points) in enumerate(list(train.items())[: len(INKS)]):
            self._draw(self._plot(0), name, list(points), theme.color(INKS[place]), dots=False)
        for name in shown_figures(dict(valid))[:1]:
            plot = self._plot(0 if beside(name) else 1)
            self._draw(plot, f"{name} ", list(valid[name]), theme.color("warning"), dots=True)

    def _draw(self, plot: _Plot, name: str, points: Curve, ink: QColor, *, dots: bool) -> None:
        good = [(step, value) for step, value in points if math.isfinite(value)]
        if self._shown.get(name) == len(good) or not any(value for _, value in good):
            return
        self._shown[name] = len(good)
        steps, values = [step for step, _ in good], [value for _, value in good]
        self.lines[name] = plot.draw(name.replace("_", " "), ink, steps, values, dots=dots)
