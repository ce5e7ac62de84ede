"""A training that runs: how far it is, its curves, what it has made so far, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QSizePolicy, QSplitter, QVBoxLayout, QWidget

from studio.session.core import Core
from studio.session.training import Plan, TrainingRun, fitting_generator, use_model
from studio.session.use import said_where
from studio.ui import icons, reveal, theme
from studio.ui.kit import Badge, Elided, EmptyState, TimeText, button, clock_text, left_text, tool_button
from studio.ui.pages.curves import Curves
from studio.ui.pages.parts import clear, label, rule, scrolled
from studio.ui.pages.samples import Samples

STATES = {
    "waiting": ("waiting", "dim"), "running": ("training", "accent"), "paused": ("paused", "warning"),
    "done": ("done", "good"), "failed": ("failed", "danger"), "cancelled": ("stopped", "dim"),
}

TITLES = {"helps": "What helps", "held_out": "To measure on"}
"""Names of facts that are not their keys."""


class RunView(QWidget):
    """Shows one ``TrainingRun``. ``go_on`` carries a plan that is to be gone on with, ``used`` comes after a model was
    put to use."""

    go_on = Signal(object)
    used = Signal()

    def __init__(self, session: Core, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.run: TrainingRun | None = None
        self.title = Elided()
        self.title.setProperty("role", "title")
        self.badge = Badge("", "dim")
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of the training")
        self.line = Elided("")
        self.line.setProperty("role", "small")
        self.line.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.time = TimeText()
        self.error = label("", "danger", wrap=True, select=True)
        self.pause = button("Pause", "pause", tip="Wait after this step; a checkpoint is written first",
                            clicked=self._pause)
        self.finish = button("Keep now", "check", clicked=lambda: self._with(TrainingRun.finish),
                             tip="End here and keep the model as it is; it can be trained further later")
        self.stop = button("Stop", "stop", tip="Write a checkpoint and end; it can be gone on with",
                           clicked=lambda: self._with(TrainingRun.cancel))
        self.again = button("Go on", "play", role="primary", tip="Go on from the checkpoint, exactly",
                            clicked=lambda: self._with(lambda run: self.go_on.emit(run.plan)))
        self.use = button("Use it now", "play", role="primary", tip="Put the model into the generator that plays it",
                          clicked=self._use)
        self.folder = tool_button("folder", "Open the folder of this training", clicked=self._folder)
        self.curves = Curves(session, "Curves of the training")
        self.samples = Samples(session)
        self._lay_out()
        self.refresh()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(theme.space(2))
        head.addWidget(self.title, 1)
        head.addWidget(self.time)
        head.addWidget(self.badge)
        foot = QHBoxLayout()
        foot.setSpacing(theme.space(2))
        foot.addWidget(self.line, 1)
        for part in (self.folder, self.pause, self.stop, self.finish, self.again, self.use):
            part.hide()
            foot.addWidget(part)
        self.split = QSplitter(Qt.Orientation.Vertical)
        self.split.addWidget(self.curves)
        self.split.addWidget(self.samples)
        self.split.setChildrenCollapsible(False)
        self.split.setSizes([400, 460])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.space(2))
        layout.addLayout(head)
        layout.addWidget(self.bar)
        layout.addLayout(foot)
        layout.addWidget(self.error)
        layout.addWidget(self.split, 1)

    def show_run(self, run: TrainingRun) -> None:
        """Show another training."""
        if run is not self.run:
            self.run = run
            self.curves.clear()
            self.samples.show_files([])
        self.refresh()

    def refresh(self) -> None:
        """Pull what is new."""
        run = self.run
        if run is None:
            return
        word, role = STATES.get(run.state, (run.state, "dim"))
        if run.state == "running" and run.phase != "training":
            word = "starting"
        self.badge.set(word, role)
        self.title.setText(run.plan.name)
        self.bar.setValue(round(run.progress * 1000))
        self.bar.setRange(0, 0 if run.state == "running" and not run.steps else 1000)
        self.line.setText(run.message)
        self.time.setText(left_text(run.left) if run.state == "running" else clock_text(run.elapsed))
        self.error.setText(run.error)
        self.error.setVisible(bool(run.error))
        active, paused = run.state in ("running", "paused"), run.state == "paused"
        self.pause.setText("Resume" if paused else "Pause")
        self.folder.show()
        self.pause.setVisible(active)
        self.pause.setEnabled(bool(run.config))
        self.stop.setVisible(active)
        self.finish.setVisible(active)
        self.finish.setEnabled(run.step > 0 and bool(run.config))
        self.use.setVisible(run.model is not None)
        self.use.setEnabled(bool(fitting_generator(run.plan.recipe)))
        if not self.use.isEnabled():
            self.use.setToolTip("No generator plays such models yet; it is among your models")
        self.again.setVisible(not active and run.plan.checkpoint.is_file() if not active else False)
        if run.model is not None:
            theme.set_role(self.again, "")
            self.again.setIcon(icons.icon("play"))
        else:
            theme.set_role(self.again, "primary")
            self.again.setIcon(icons.icon("play", "on_accent"))
        self.curves.show_curves(run.train, run.valid)
        self.samples.show_files(list(run.samples))

    def _with(self, do: Callable[[TrainingRun], object]) -> None:
        if self.run is not None:
            do(self.run)

    def _pause(self) -> None:
        if self.run is not None:
            (self.run.resume if self.run.state == "paused" else self.run.pause)()

    def _use(self) -> None:
        run = self.run
        if run is None or run.model is None:
            return
        from studio.library.models import read_model

        model = read_model(run.model)
        place = use_model(self._session, model.name, model.architecture, prefer=fitting_generator(run.plan.recipe))
        if place is not None:
            said_where(self._session, model.name, place[0])
            self.used.emit()

    def _folder(self) -> None:
        if self.run is not None:
            reveal.show_in_folder(self.run.plan.folder)


class Resting(QWidget):
    """What stands in place of a training: a hint, and trainings that can be gone on with."""

    go_on = Signal(object)
    discard = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.hint = EmptyState(
            "train", "Train on your own material",
            "Choose at the left what it shall become, drop a folder or a file, and start. The show goes on beside it.",
        )
        self._list = QVBoxLayout()
        self._list.setSpacing(theme.space(2))
        holder = QWidget()
        inner = QVBoxLayout(holder)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.addLayout(self._list)
        inner.addStretch(1)
        self._area = scrolled(holder)
        self._area.setMaximumHeight(theme.px(240))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.hint, 1)
        layout.addWidget(self._area)
        self.show_plans([])

    def show_plans(self, plans: list[Plan]) -> None:
        """Trainings that were stopped."""
        clear(self._list)
        self._area.setVisible(bool(plans))
        if not plans:
            return
        self._list.addWidget(label("Stopped before their end", "strong"))
        self._list.addWidget(rule())
        for plan in plans:
            self._list.addWidget(self._row(plan))

    def _row(self, plan: Plan) -> QWidget:
        row = QFrame()
        row.setProperty("role", "card")
        line = QHBoxLayout(row)
        line.setContentsMargins(*(theme.space(n) for n in (3, 2, 2, 2)))
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(label(plan.name, "strong"))
        words.addWidget(label(f"{plan.recipe}, step {plan.step:,} of {plan.steps:,}, from {plan.data.name}", "small"))
        line.addLayout(words, 1)
        line.addWidget(tool_button("trash", f"Discard {plan.name}", tip="Delete its checkpoint and samples",
                                   clicked=partial(self.discard.emit, plan)))
        line.addWidget(button("Go on", "play", clicked=partial(self.go_on.emit, plan)))
        return row


def report_rows(report: dict[str, Any]) -> tuple[list[tuple[str, str]], list[str]]:
    """A data report as rows of facts, and what was skipped with reasons."""
    rows: list[tuple[str, str]] = []
    skipped: list[str] = []
    count = 0
    for key, value in report.items():
        name = TITLES.get(key) or key.replace("_", " ").capitalize()
        if key in ("skipped", "skipped_first", "notices"):
            if isinstance(value, list):
                skipped += [str(item) for item in value]
            elif isinstance(value, int):
                count = value
        elif isinstance(value, bool) or value is None:
            rows.append((name, "yes" if value else "no"))
        elif isinstance(value, (int, float)):
            rows.append((name, f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"))
        elif isinstance(value, str):
            rows.append((name, value))
        elif isinstance(value, dict):
            rows.append((name, ", ".join(_pair(str(k), v) for k, v in list(value.items())[:12])))
        elif isinstance(value, list):
            rows.append((name, ", ".join(map(str, value[:8])) + (" …" if len(value) > 8 else "")))
    count = max(count, len(skipped))
    rows.append(("Skipped", f"{count:,}" if count else "nothing"))
    return rows, skipped


def _pair(name: str, value: Any) -> str:
    """A name and its value; of a file that is called so, the file alone."""
    return str(value) if str(value).startswith(f"{name}.") else f"{name} {value}"
