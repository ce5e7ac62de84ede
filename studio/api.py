"""Everything a plugin may import from the studio, apart from ``studio.nn``."""

from studio.generator import API_VERSION, Cancelled, Context, Finished, Generator
from studio.media import Audio, Drawing, MediaError, Note, Notes, Stroke, Words, to_float, to_frame
from studio.midi_file import MidiFileError, MidiSong, read_midi
from studio.params import Bool, Choice, Color, Float, Int, Model, Path, Point, Seed, Text, Trigger
from studio.picture import PictureError, read_image

__all__ = [
    "API_VERSION", "Audio", "Bool", "Cancelled", "Choice", "Color", "Context", "Drawing", "Finished", "Float",
    "Generator", "Int", "MediaError", "MidiFileError", "MidiSong", "Model", "Note", "Notes", "Path", "PictureError",
    "Point", "Seed", "Stroke", "Text", "Trigger", "Words", "read_image", "read_midi", "to_float", "to_frame",
]
