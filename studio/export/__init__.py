"""Everything that comes out: pictures, animations, video, text, MIDI and sound, each with its recipe inside.

``with open_writer(path, fps=30, recipe=recipe) as writer: writer.add(media)`` — the ending of the path chooses the
writer. The file appears under its name only when the block ends without an exception; see docs/formats.md.
"""

from studio.export.recipe import RecipeError, check_recipe, read_recipe
from studio.export.writers import Writer, accepted_kinds, endings, media_kind, open_writer, writer_options

__all__ = [
    "RecipeError", "Writer", "accepted_kinds", "check_recipe", "endings", "media_kind", "open_writer", "read_recipe",
    "writer_options",
]
