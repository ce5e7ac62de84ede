"""What works beside the show, and what was said: a strip at the foot of the window and the panel over it.

The strip has the newest message and the newest job; its two buttons open the panel with all of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QSizePolicy, QWidget

from studio.session.core import Core
from studio.session.events import Notice
from studio.session.jobs import is_active
from studio.ui import icons, reveal, theme
from studio.ui.jobs_panel import LEVELS, Elided, Panel, message_text, result_path, state_text
from studio.ui.kit import Badge, button, left_text, tool_button

STAY = 12.0
"""Seconds a message stays in the strip; warnings and errors stay until they were seen."""


class JobsStrip(QWidget):
    """See the module. The window calls ``refresh`` a few times a second."""

    def __init__(self, session: Core, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.setAccessibleName("Messages and jobs")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._panel: Panel | None = None
        self._closed_at = 0.0
        self._unseen = 0
        self._said = 0.0
        self._level = "info"
        self._build()
        self._offs = [session.on("notice", self._notice), session.on("jobs", lambda _: self._jobs_changed())]
        self.destroyed.connect(_Ends(self._offs))
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._sync)
        for notice in session.notices[-1:]:
            self._show(notice)
        self._sync()

    def _build(self) -> None:
        self.bell = tool_button("message", "Messages", tip="All messages", size=16, clicked=self.toggle_panel)
        self.badge = Badge("", "warning")
        self.badge.hide()
        self.icon = QLabel()
        self.text = Elided()
        self.text.clicked.connect(self.toggle_panel)
        self.title = QLabel()
        self.title.setFont(theme.font("small"))
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(theme.px(120))
        self.bar.setAccessibleName("Progress of the newest job")
        self.left = QLabel()
        self.left.setFont(theme.font("small"))
        theme.set_role(self.left, "small")
        self.cancel = tool_button("close", "Cancel the job", size=14, clicked=self._cancel)
        self.open = button("Open", role="link", tip="Open what was made", clicked=lambda: self._go(reveal.open_file))
        self.show_it = button("Show in folder", role="link", tip="Show the file where it lies",
                              clicked=lambda: self._go(reveal.show_in_folder))
        self.button = tool_button("jobs", "Jobs", tip="All jobs", size=16, clicked=self.toggle_panel)
        self.count = Badge("", "accent")
        self.count.hide()
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.space(1), 0, theme.space(1), 0)
        row.setSpacing(theme.space(1.5))
        for part in (self.bell, self.badge, self.icon):
            row.addWidget(part)
        row.addWidget(self.text, 1)
        row.addSpacing(theme.space(4))
        for widget in (self.title, self.bar, self.left, self.cancel, self.open, self.show_it, self.button, self.count):
            row.addWidget(widget)
        self.setFixedHeight(theme.px(32))

    # --- messages ---

    def _notice(self, notice: Notice) -> None:
        if notice.level != "info" and not (self._panel is not None and self._panel.isVisible()):
            self._unseen += 1
        self._show(notice)
        if self._panel is not None:
            self._panel.add_notice(notice)

    def _show(self, notice: Notice) -> None:
        icon, role = LEVELS.get(notice.level, LEVELS["info"])
        side = theme.px(16)
        self.icon.setPixmap(icons.icon(icon, role).pixmap(QSize(side, side), self.devicePixelRatioF()))
        cure = f" — {notice.cure}" if notice.cure else ""
        self.text.set(f"{notice.said}{cure}", message_text(notice))
        theme.set_role(self.text, role if notice.level != "info" else "")
        self._said, self._level = time.monotonic(), notice.level
        self._show_badge()

    def _show_badge(self) -> None:
        self.badge.setVisible(self._unseen > 0)
        self.badge.set(str(min(self._unseen, 99)), "danger" if self._level == "error" else "warning")
        self.badge.setToolTip(f"{self._unseen} warnings that were not looked at yet")

    # --- jobs ---

    def shown_job(self) -> Any:
        """The job in the strip: the newest that works, else the newest that ended a short while ago."""
        jobs = self.session.jobs
        return next(iter(jobs.active), jobs.jobs[0] if jobs.jobs else None)

    def _jobs_changed(self) -> None:
        if not self._soon.isActive():
            self._soon.start()

    def _sync(self) -> None:
        self._refresh_job()
        if self._panel is not None and self._panel.isVisible():
            self._panel.sync()

    def _refresh_job(self) -> None:
        job = self.shown_job()
        active = job is not None and is_active(job)
        path = result_path(job) if job is not None and not active else None
        for part in (self.bar, self.cancel):
            part.setVisible(active)
        self.title.setVisible(job is not None)
        self.left.setVisible(active)
        self.open.setVisible(path is not None)
        self.show_it.setVisible(path is not None)
        count = len(self.session.jobs.active)
        self.count.setVisible(count > 1)
        self.count.set(str(count))
        if job is None:
            return
        theme.set_role(self.title, {"failed": "danger", "done": "good"}.get(job.state, "dim"))
        words = {"done": "done", "failed": "failed", "cancelled": "cancelled"}.get(job.state, "")
        short = self.title.fontMetrics().elidedText(job.title, Qt.TextElideMode.ElideMiddle, theme.px(240))
        self.title.setText(f"{short} {words}".strip())
        self.title.setToolTip(f"{job.title}: {state_text(job)}")
        self.bar.setValue(round(1000 * float(job.progress)))
        self.left.setText(left_text(job.left))
        self.cancel.setAccessibleName(f"Cancel {job.title}")
        self.cancel.setToolTip(f"Cancel {job.title}; nothing half-made is left")

    def _cancel(self) -> None:
        job = self.shown_job()
        if job is not None:
            job.cancel()

    def _go(self, work: Callable[[Path], bool]) -> None:
        path = result_path(self.shown_job())
        if path is not None and not work(path):
            self.session.notice(f"The system has no program for {path.name}", level="warning", cure=str(path))

    # --- the panel ---

    def toggle_panel(self) -> None:
        """Open the panel over the strip, or close it."""
        if self._panel is not None and self._panel.isVisible():
            self._panel.close()
            return
        if time.monotonic() - self._closed_at < 0.2:
            return  # the press that closed it
        if self._panel is None:
            self._panel = Panel(self.session, self)
            self._panel.installEventFilter(self)
        self._unseen = 0
        self._show_badge()
        self._panel.sync()
        width = min(max(theme.px(640), self.width() - theme.space(8)), theme.px(980))
        height = theme.px(340)
        corner = self.mapToGlobal(QPoint(self.width() - width - theme.space(2), -height - theme.space(1)))
        screen = self.screen().availableGeometry()
        corner.setX(max(screen.left(), corner.x()))
        corner.setY(max(screen.top(), corner.y()))
        self._panel.setGeometry(corner.x(), corner.y(), width, height)
        self._panel.show()

    def panel(self) -> Panel | None:
        """The panel, when it was opened once."""
        return self._panel

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Hide:
            self._closed_at = time.monotonic()
        return False

    def refresh(self) -> None:
        """Progress and times; about four times a second."""
        if self.session.jobs.active or self.bar.isVisible():
            self._sync()
        if self._said and self._level == "info" and time.monotonic() - self._said > STAY:
            self._said = 0.0
            self.text.set("")
            self.icon.clear()


class _Ends:
    """Ends subscriptions when a widget goes; holds no reference to the widget."""

    def __init__(self, offs: list[Callable[[], None]]) -> None:
        self._offs = offs

    def __call__(self, *_: object) -> None:
        for off in self._offs:
            off()
