"""What the audience sees: composed from both decks, shown in the window and on a screen of its own."""

from studio.ui.programme.compose import SCALINGS, SMALL_PICTURE, Programme
from studio.ui.programme.control import OutputControl
from studio.ui.programme.output import OutputWindow
from studio.ui.programme.view import ProgrammeView

__all__ = ["SCALINGS", "SMALL_PICTURE", "OutputControl", "OutputWindow", "Programme", "ProgrammeView"]
