"""The sound of an export: a file that the generators hear and that a video carries."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from studio.ui import theme
from studio.ui.audio.panel import KINDS
from studio.ui.kit import Elided, pick_file, tool_button

NONE = "none"


class SoundRow(QWidget):
    """See the module. ``path`` is '' for silence."""

    changed = Signal()

    def __init__(self, path: str, *, carried: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.path, self.wrong = path, ""
        self.name = Elided("")
        self.name.setAccessibleName("Sound")
        tip = "A sound file: what is bound to sound moves with it" + (", and the video carries it" if carried else "")
        self.name.setToolTip(tip)
        self.pick = tool_button("folder-open", "Choose a sound file", tip=tip, size=16, clicked=self._ask)
        self.clear = tool_button("close", "No sound", size=16, clicked=lambda: self.choose(""))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.space(1))
        row.addWidget(self.name, 1)
        row.addWidget(self.clear)
        row.addWidget(self.pick)
        self._show()

    def _ask(self) -> None:
        folder = Path(self.path).parent if self.path else None
        pick_file(self, "Choose a sound file", lambda path: self.choose(str(path)), kinds=KINDS, folder=folder)

    def choose(self, path: str) -> None:
        """Take this file; '' for none."""
        self.path, self.wrong = path, ""
        self._show()
        self.changed.emit()

    def refuse(self, why: str) -> None:
        """Say that the file cannot be used."""
        self.wrong = why
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        self.name.setText(Path(self.path).name if self.path else NONE)
        theme.set_role(self.name, "danger" if self.wrong else "" if self.path else "dim")
        self.clear.setEnabled(bool(self.path))
