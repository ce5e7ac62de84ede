"""Seeing and steering what players make: the piano roll of notes and the page of text."""

from studio.ui.views.sequencer.notes_view import MidiView, NotesView
from studio.ui.views.sequencer.text_view import GenericTextView, TextView

__all__ = ["GenericTextView", "MidiView", "NotesView", "TextView"]
