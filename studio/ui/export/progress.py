"""The foot of the export dialog: its buttons, or how the job does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QWidget

from studio.session.jobs import is_active
from studio.ui import theme
from studio.ui.kit import button, clock_text, left_text


class ProgressFoot(QWidget):
    """Close and Export; while a job works its bar, time left and Cancel; at its end Open and Show in folder."""

    def __init__(
        self, start: Callable[[], object], cancel: Callable[[], object], close: Callable[[], object],
        open_it: Callable[[], object], show_it: Callable[[], object], parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of the export")
        self.words = QLabel("")
        theme.set_role(self.words, "small")
        self.open = button("Open", icon="external", tip="Open it with the system's program", clicked=open_it)
        self.show_it = button("Show in folder", icon="folder-open", tip="Show the file where it lies", clicked=show_it)
        self.cancel = button("Cancel", tip="End it; nothing half-made is left", clicked=cancel)
        self.close_it = button("Close", tip="Close this window; an export goes on", clicked=close)
        self.start = button("Export", role="primary", icon="export", tip="Export the look of this moment",
                            clicked=start)
        self.start.setDefault(True)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.space(2))
        row.addWidget(self.bar, 1)
        row.addWidget(self.words)
        row.addStretch(0)
        # Close stands last, in one place: a click on it as the job ends must not meet "Export again"
        for part in (self.open, self.show_it, self.start, self.cancel, self.close_it):
            row.addWidget(part)
        self._row = row
        self._arrange("ready")

    def _arrange(self, state: str) -> None:
        running = state == "running"
        self.bar.setVisible(running)
        self.words.setVisible(running)
        self.cancel.setVisible(running)
        self.open.setVisible(state == "done")
        self.show_it.setVisible(state == "done")
        self.start.setVisible(not running)
        self._row.setStretch(2, 0 if running else 1)

    def set_ready(self, on: bool) -> None:
        """Whether there is something that can be exported."""
        self.start.setEnabled(on)

    def show_job(self, job: Any) -> None:
        """How the job does now."""
        active = is_active(job)
        self._arrange("running" if active else "done" if job.state == "done" else "ready")
        self.start.setText("Export again" if job.state == "done" else "Export")
        if active:
            self.bar.setValue(round(1000 * float(job.progress)))
            parts = [clock_text(job.elapsed), left_text(job.left)]
            if "camera" in job.message:
                parts.append(job.message)
            self.words.setText(" · ".join(part for part in parts if part))
