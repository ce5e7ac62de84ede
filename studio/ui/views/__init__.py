"""The generators' own views, by generator id; each module is imported when its view is first shown.

A view is a widget ``View(session, line, index, parent=None)``. The window calls ``refresh()`` about 15 times a second
while it is visible, and ``close_view()`` when another takes its place.
"""

from __future__ import annotations

import importlib
from typing import Any

VIEWS = {
    "reverie.latent_explorer": "studio.ui.views.latent:LatentView",
    "reverie.text_sequencer": "studio.ui.views.sequencer:TextView",
    "reverie.midi_sequencer": "studio.ui.views.sequencer:MidiView",
    "reverie.style_camera": "studio.ui.views.style:StyleView",
    "reverie.style_painting": "studio.ui.views.style:PaintingView",
    "reverie.deep_dream": "studio.ui.views.dream:DreamView",
}
"""Generators with a view of their own."""

BY_KIND = {
    "notes": "studio.ui.views.sequencer:NotesView",
    "audio": "studio.ui.views.sequencer:NotesView",
    "text": "studio.ui.views.sequencer:GenericTextView",
}
"""What generators of users' plugins get, by the kind of media they make; pictures get ``PlainView``."""

PLAIN = "studio.ui.views.plain:PlainView"


def view_class(generator: str, makes: str) -> Any:
    """The class of the view for a generator."""
    module, _, name = VIEWS.get(generator, BY_KIND.get(makes, PLAIN)).partition(":")
    return getattr(importlib.import_module(module), name)
