"""The panel over the foot of the window: all jobs, all messages."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication, QIcon, QKeyEvent, QKeySequence, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from studio.session.core import Core
from studio.session.events import Notice
from studio.session.jobs import is_active
from studio.ui import icons, reveal, theme
from studio.ui.kit import EmptyState, button, clock_text, left_text, tool_button

LEVELS = {"info": ("info", "dim"), "warning": ("warning", "warning"), "error": ("error", "danger")}
SHOWN = 300
"""Messages in the panel."""


def result_path(job: Any) -> Path | None:
    """The file that a finished job made, if it made one that is still there."""
    if job.state != "done":
        return None
    found = job.result() if hasattr(job, "result") else None
    path = found if isinstance(found, Path) else getattr(found, "path", None)
    # a model is no document: the training page puts it to use
    return path if isinstance(path, Path) and path.exists() and path.suffix != ".safetensors" else None


def state_text(job: Any) -> str:
    """How a job does, in a few words."""
    if job.state == "running":
        parts = [getattr(job, "message", ""), left_text(job.left)]
        return " · ".join(part for part in parts if part) or "working"
    words = {"waiting": "waits", "paused": "paused", "cancelled": "cancelled; nothing half-made was left"}
    if job.state == "failed":
        return str(getattr(job, "error", "") or "failed").removeprefix(f"{job.title}: ")
    if job.state == "done":
        path = result_path(job)
        took = f"done in {clock_text(job.elapsed)}"
        return f"{took} · {path.name}" if path is not None else took
    return words.get(job.state, str(job.state))


class Elided(QLabel):
    """One line that ends in … where there is no room; the tooltip has all of it."""

    clicked = Signal()

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._whole = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setMinimumWidth(theme.px(40))
        self.set(text)

    def set(self, text: str, tip: str = "") -> None:
        """Another text."""
        self._whole = " ".join(text.split())
        self.setToolTip(tip or self._whole)
        self.setAccessibleName(self._whole)
        self._fit()

    def whole(self) -> str:
        """All of the text."""
        return self._whole

    def _fit(self) -> None:
        self.setText(self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideRight, self.width()))

    def sizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance(self._whole) + 2, super().sizeHint().height())

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self._fit()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.clicked.emit()


class JobRow(QFrame):
    """One job in the panel."""

    def __init__(self, session: Core, job: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.job, self._session = job, session
        theme.set_role(self, "card")
        self.setAccessibleName(job.title)
        self.title = Elided(job.title)
        self.title.setFont(theme.font("strong"))
        self.state = QLabel("", wordWrap=True)
        self.state.setFont(theme.font("small"))
        self.state.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(f"Progress of {job.title}")
        self.cancel = tool_button("close", f"Cancel {job.title}", tip="Cancel; nothing half-made is left", size=14,
                                  clicked=job.cancel)
        self.remove = tool_button("trash", f"Take {job.title} off the list", tip="Take it off the list; files stay",
                                  size=14, clicked=lambda: session.jobs.remove(job))
        self.open = button("Open", role="ghost", icon="external", tip="Open with the system's program",
                           clicked=lambda: self._go(reveal.open_file))
        self.show_it = button("Show in folder", role="ghost", icon="folder-open", tip="Show the file where it lies",
                              clicked=lambda: self._go(reveal.show_in_folder))
        self.copy = button("Copy the reason", role="ghost", icon="copy", tip="Copy what went wrong",
                           clicked=lambda: QGuiApplication.clipboard().setText(state_text(job)))
        head = QHBoxLayout()
        head.setSpacing(theme.space(1))
        head.addWidget(self.title, 1)
        head.addWidget(self.cancel)
        head.addWidget(self.remove)
        foot = QHBoxLayout()
        foot.setSpacing(theme.space(1))
        for part in (self.open, self.show_it, self.copy):
            foot.addWidget(part)
        foot.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.space(3), theme.space(1.5), theme.space(1.5), theme.space(2))
        column.setSpacing(theme.space(1))
        column.addLayout(head)
        column.addWidget(self.bar)
        column.addWidget(self.state)
        column.addLayout(foot)
        self.refresh()

    def _go(self, work: Callable[[Path], bool]) -> None:
        path = result_path(self.job)
        if path is None:
            self._session.notice(f"{self.job.title}: its file is no longer there", level="warning",
                                 cure="export it again")
        elif not work(path):
            self._session.notice(f"The system has no program for {path.name}", level="warning", cure=str(path))

    def refresh(self) -> None:
        """Show how it does now."""
        active, state = is_active(self.job), self.job.state
        self.bar.setVisible(active)
        self.bar.setValue(round(1000 * float(self.job.progress)))
        self.state.setText(state_text(self.job))
        theme.set_role(self.state, {"failed": "danger", "done": "good"}.get(state, "dim"))
        self.cancel.setVisible(active)
        self.remove.setVisible(not active)
        path = result_path(self.job)
        self.open.setVisible(path is not None)
        self.show_it.setVisible(path is not None)
        self.copy.setVisible(state == "failed")


class MessageList(QListWidget):
    """All messages, newest first; Ctrl+C copies."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Messages")
        self.setWordWrap(True)
        self.setUniformItemSizes(False)
        self.setProperty("role", "bare")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.setSelectionMode(QListWidget.SelectionMode.ExtendedSelection)
        self.setIconSize(QSize(theme.px(16), theme.px(16)))
        self.setToolTip("Ctrl+C copies the chosen messages")

    def add(self, notice: Notice) -> None:
        """Put one on top."""
        icon, role = LEVELS.get(notice.level, LEVELS["info"])
        item = QListWidgetItem(QIcon(icons.icon(icon, role)), message_text(notice))
        item.setData(Qt.ItemDataRole.UserRole, notice.level)
        self.insertItem(0, item)
        while self.count() > SHOWN:
            self.takeItem(self.count() - 1)

    def copy(self) -> None:
        """The chosen messages, or all, to the clipboard."""
        items = self.selectedItems() or [self.item(row) for row in range(self.count())]
        QGuiApplication.clipboard().setText("\n".join(item.text().replace("\n", " — ") for item in items))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self.doItemsLayout()


def message_text(notice: Notice) -> str:
    """``12:03:44  Deck A: the sentence``, what helps below."""
    when = time.strftime("%H:%M:%S", time.localtime(notice.when))
    cure = f"\n→ {notice.cure}" if notice.cure else ""
    return f"{when}   {notice.said}{cure}"


class Panel(QFrame):
    """Jobs at the left, messages at the right, over the strip; a click beside it or Escape closes it."""

    def __init__(self, session: Core, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.session = session
        self.setObjectName("jobs-panel")
        self.setAccessibleName("Jobs and messages")
        self.rows: dict[int, JobRow] = {}
        self.messages = MessageList()
        self.clear = button("Remove ended", role="ghost", tip="Take all ended jobs off the list; files stay",
                            clicked=self._clear_jobs)
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.space(3), theme.space(2), theme.space(3), theme.space(3))
        row.setSpacing(theme.space(4))
        row.addLayout(self._column("Jobs", self._build_jobs(), self.clear), 1)
        copy = button("Copy", role="ghost", icon="copy", tip="Copy the chosen messages, or all",
                      clicked=self.messages.copy)
        self.quiet = EmptyState("message", "All quiet", "What the studio has to say appears here.")
        self.spoken = QWidget()
        inner = QVBoxLayout(self.spoken)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.addWidget(self.messages)
        inner.addWidget(self.quiet)
        row.addLayout(self._column("Messages", self.spoken, copy), 1)
        for notice in session.notices[-SHOWN:]:
            self.messages.add(notice)
        self._show_quiet()

    def _column(self, title: str, body: QWidget, action: QWidget) -> QVBoxLayout:
        head = QHBoxLayout()
        label = QLabel(title)
        label.setFont(theme.font("strong"))
        head.addWidget(label, 1)
        head.addWidget(action)
        column = QVBoxLayout()
        column.setSpacing(theme.space(1))
        column.addLayout(head)
        column.addWidget(body, 1)
        return column

    def _build_jobs(self) -> QWidget:
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        page = QWidget()
        page.setProperty("role", "page")
        self.list = QVBoxLayout(page)
        self.list.setContentsMargins(0, 0, theme.space(1), 0)
        self.list.setSpacing(theme.space(1.5))
        self.idle = EmptyState("jobs", "No jobs", "Exports, trainings and imports work here, beside the show.")
        self.list.addWidget(self.idle)
        self.list.addStretch(1)
        self.area.setWidget(page)
        return self.area

    def _clear_jobs(self) -> None:
        for job in list(self.session.jobs.jobs):
            if not is_active(job):
                self.session.jobs.remove(job)

    def add_notice(self, notice: Notice) -> None:
        """Put a message on top."""
        self.messages.add(notice)
        self._show_quiet()

    def _show_quiet(self) -> None:
        self.quiet.setVisible(not self.messages.count())
        self.messages.setVisible(bool(self.messages.count()))

    def sync(self) -> None:
        """Rows for the jobs that there are, in their order."""
        jobs = list(self.session.jobs.jobs)
        for key in [key for key, row in self.rows.items() if row.job not in jobs]:
            row = self.rows.pop(key)
            self.list.removeWidget(row)
            row.deleteLater()
        for place, job in enumerate(jobs):
            known = self.rows.get(id(job))
            if known is None:
                known = self.rows[id(job)] = JobRow(self.session, job)
            if self.list.indexOf(known) != place:
                self.list.insertWidget(place, known)
            known.refresh()
        self.idle.setVisible(not jobs)
        self.clear.setEnabled(any(not is_active(job) for job in jobs))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.color("panel"))
        painter.setPen(theme.color("edge"))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close()
        else:
            super().keyPressEvent(event)
