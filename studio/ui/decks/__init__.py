"""Decks A and B, the programme between them, and the crossfader."""

from studio.ui.decks.panel import DecksPanel

__all__ = ["DecksPanel"]
