"""Everything a plugin may import from the studio, apart from ``studio.nn``."""

from studio.generator import API_VERSION, Cancelled, Context, Finished, Generator
from studio.media import Audio, MediaError, Note, Notes, to_float, to_frame
from studio.params import Bool, Choice, Color, Float, Int, Model, Path, Point, Seed, Text, Trigger

__all__ = [
    "API_VERSION", "Audio", "Bool", "Cancelled", "Choice", "Color", "Context", "Finished", "Float", "Generator", "Int",
    "MediaError", "Model", "Note", "Notes", "Path", "Point", "Seed", "Text", "Trigger", "to_float", "to_frame",
]
