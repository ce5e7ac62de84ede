"""The inspector: one row per declared parameter, whoever wrote the generator."""

from studio.ui.inspector.inspector import Inspector
from studio.ui.inspector.row import ParamRow
from studio.ui.inspector.rows import make_row

__all__ = ["Inspector", "ParamRow", "make_row"]
