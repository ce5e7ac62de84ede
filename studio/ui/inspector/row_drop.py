"""A row takes what is dragged onto it: a feature of the sound, which then moves its parameter."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QWidget

from studio.control.audio import FEATURES
from studio.ui.audio.use import use
from studio.ui.kit import mime
from studio.ui.kit.toast import Toast

if TYPE_CHECKING:
    from studio.ui.inspector.row import ParamRow


class TakesSound(QWidget):
    """What ``ParamRow`` has of it."""

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        row = cast("ParamRow", self)
        event.setAccepted(event.mimeData().hasFormat(mime.AUDIO) and row.param.automatable)

    def dropEvent(self, event: QDropEvent) -> None:
        row = cast("ParamRow", self)
        feature = bytes(event.mimeData().data(mime.AUDIO).data()).decode("utf-8", "replace")
        if feature not in FEATURES:
            return
        event.acceptProposedAction()
        edits = row.edits
        said = use(edits.session, feature, edits.line, edits.index, row.name)
        if said:
            Toast.show_in(self.window(), said, "good", ("Undo", edits.session.undo))
