"""Recording from the window: the button in the transport with its menu, and rendering a take."""

from studio.ui.recording.button import RecordButton
from studio.ui.recording.take_dialog import TakeDialog, open_take

__all__ = ["RecordButton", "TakeDialog", "open_take"]
