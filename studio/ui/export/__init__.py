"""Exporting: the dialog that turns a line or the mix into a file, beside the live picture."""

from studio.ui.export.dialog import ExportDialog
from studio.ui.library.dropping import restore_from_file, save_frame

__all__ = ["ExportDialog", "restore_from_file", "save_frame"]
