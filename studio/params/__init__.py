"""Parameters: declared once on a generator, read by widget, file, controller and documentation.

A parameter is a typed descriptor with one mapping between its value and a position ``0..1``. Slider, MIDI controller,
OSC, LFO and audio feature all use that one mapping, so a knob feels the same everywhere. Only the standard library is
used here, so that reading a generator's declaration costs nothing.
"""

from studio.params.base import MAX_NUMBER, Param, ParamError, brief
from studio.params.compound import MAX_TEXT, Color, Model, Path, Point, Text
from studio.params.paramset import ParamSet
from studio.params.scalar import Bool, Choice, Curve, Float, Int, Seed, Trigger

__all__ = [
    "MAX_NUMBER", "MAX_TEXT", "Bool", "Choice", "Color", "Curve", "Float", "Int", "Model", "Param", "ParamError",
    "ParamSet", "Path", "Point", "Seed", "Text", "Trigger", "brief",
]
