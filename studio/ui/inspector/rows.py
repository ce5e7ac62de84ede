"""Which row shows which kind of parameter. A kind that is not known here gets a row that shows its value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtWidgets import QLabel, QWidget

from studio.params import Bool, Choice, Color, Float, Int, Model, Param, Path, Point, Seed, Text, Trigger
from studio.ui import theme
from studio.ui.inspector.choice_rows import BoolRow, ChoiceRow, TriggerRow
from studio.ui.inspector.color_row import ColorRow
from studio.ui.inspector.describe import value_text
from studio.ui.inspector.editing import StageEdits
from studio.ui.inspector.file_rows import ModelRow, PathRow
from studio.ui.inspector.number_row import NumberRow
from studio.ui.inspector.point_row import PointRow
from studio.ui.inspector.row import ParamRow
from studio.ui.inspector.seed_row import SeedRow
from studio.ui.inspector.text_row import TextRow

# a Model is a Path and a Path is a Text: the narrower kind comes first
ROWS: tuple[tuple[type[Param[Any]], Callable[[Any, StageEdits], ParamRow]], ...] = (
    (Float, NumberRow), (Int, NumberRow), (Bool, BoolRow), (Choice, ChoiceRow), (Trigger, TriggerRow), (Seed, SeedRow),
    (Color, ColorRow), (Point, PointRow), (Model, ModelRow), (Path, PathRow), (Text, TextRow),
)


class PlainRow(ParamRow):
    """A kind this version has no controls for: its value as text."""

    def __init__(self, param: Param[Any], edits: StageEdits, parent: QWidget | None = None) -> None:
        super().__init__(param, edits, parent)
        self.text = QLabel()
        theme.set_role(self.text, "dim")
        self.place(head=self.text, wide=True)
        self.refresh_value()

    def show_value(self, value: Any) -> None:
        self.text.setText(value_text(self.param, value))


def make_row(param: Param[Any], edits: StageEdits) -> ParamRow:
    """The row of a parameter, whoever declared it."""
    for kind, row in ROWS:
        if isinstance(param, kind):
            return row(param, edits)
    return PlainRow(param, edits)
