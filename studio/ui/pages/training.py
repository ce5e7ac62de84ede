"""Training: choose what it shall become, give it material, see what is there, start, watch, use."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from studio.files import FileError
from studio.library.models import Model, list_models
from studio.session.core import Core
from studio.session.training import DataCheck, Plan, TrainingRun, discard, free_name, start_training, unfinished
from studio.training.describe import Setting
from studio.training.recipes import About, about
from studio.ui import theme
from studio.ui.background import background
from studio.ui.kit import Section, ask, button, mime, pick_file, pick_folder
from studio.ui.pages.form import SettingsForm
from studio.ui.pages.parts import DropArea, Facts, Page, column, label, rule, scrolled
from studio.ui.pages.recipe_card import RecipeCard
from studio.ui.pages.recipe_choice import all_settings, is_picture, recipe_for, shelves
from studio.ui.pages.run_view import Resting, RunView, report_rows


class TrainingPage(Page):
    """See the module."""

    widest = 2400

    def __init__(self, session: Core, parent: QWidget | None = None) -> None:
        super().__init__(session, "Train", "A model of your own, from your own pictures, texts or music.", parent)
        self.recipe = ""
        self.data: Path | None = None
        self.check: DataCheck | None = None
        self.run: TrainingRun | None = None
        self._settings: dict[str, list[Setting]] = {}
        self._models: list[Model] = []
        self._wanted: tuple[str, str] | None = None
        self._named = self._by_hand = False
        self._looked_at: dict[str, str] = {}
        self.setAcceptDrops(True)
        self._build()
        self.hear("library", lambda _: self._read())
        self._read()
        self._find_run()

    # --- building ---

    def _build(self) -> None:
        columns = QHBoxLayout()
        columns.setSpacing(theme.space(5))
        columns.addWidget(self._recipes(), 2)
        columns.addWidget(self._setup(), 3)
        self.view = RunView(self.session)
        self.view.go_on.connect(self._go_on)
        self.view.used.connect(lambda: self.show_page.emit("stage"))
        self.resting = Resting()
        self.resting.go_on.connect(self._go_on)
        self.resting.discard.connect(self._ask_discard)
        self.right = QStackedWidget()
        self.right.addWidget(self.resting)
        self.right.addWidget(self.view)
        columns.addWidget(self.right, 5)
        self.body.addLayout(columns, 1)

    def _recipes(self) -> QWidget:
        self.cards: dict[str, RecipeCard] = {}
        group = QButtonGroup(self)
        rows = QVBoxLayout()
        rows.setSpacing(theme.space(1.5))
        for title, names in shelves():
            rows.addWidget(label(title, "dim"))
            for name in names:
                card = RecipeCard(name, about(name))
                card.clicked.connect(partial(self._pressed, name))
                group.addButton(card)
                self.cards[name] = card
                rows.addWidget(card)
            rows.addSpacing(theme.space(2))
        rows.addStretch(1)
        area = scrolled(column(rows, margins=(0, 0, 2, 0)))
        area.setMinimumWidth(theme.px(176))
        area.setMaximumWidth(theme.px(228))
        return area

    def _setup(self) -> QWidget:
        self.drop = DropArea("folder-open", "Drop a folder or a file", "or press to choose one")
        self.drop.dropped.connect(self.take_all)
        self.drop.pressed.connect(self._browse)
        self.needs = label("", "small", wrap=True)
        self.checking = QProgressBar()
        self.checking.setRange(0, 0)
        self.checking.setTextVisible(False)
        self.checking.setAccessibleName("The data is looked at")
        self.facts = Facts()
        self.fault = label("", "danger", wrap=True, select=True)
        self.skipped = Section("Skipped", is_open=False)
        self._skipped_text = label("", "small", wrap=True, select=True)
        self.skipped.add(self._skipped_text)
        self.form = SettingsForm()
        self.form.edited.connect(self._edited)
        self._again = QTimer(self, singleShot=True, interval=700)  # data that would not do is looked at once more
        self._again.timeout.connect(self._look)
        inner = column(
            label("Learn from", "strong"), self.needs, self.drop, self.checking, self.fault, self.facts, self.skipped,
            rule(), label("Settings", "strong"), self.form, margins=(0, 0, 3, 2), stretch=True,
        )
        self.name = QLineEdit()
        self.name.setPlaceholderText("name of the model")
        self.name.setAccessibleName("Name of the model")
        self.name.setToolTip("The name that the model gets among your models")
        self.name.textEdited.connect(self._name_edited)
        self.start = button("Start", "train", role="primary", clicked=self._start, tip="Start the training")
        self.why = label("", "small", wrap=True)
        foot = QHBoxLayout()
        foot.setSpacing(theme.space(2))
        foot.addWidget(self.name, 1)
        foot.addWidget(self.start)
        holder = QWidget()
        layout = QVBoxLayout(holder)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.space(2))
        layout.addWidget(scrolled(inner), 1)
        layout.addWidget(rule())
        layout.addWidget(self.why)
        layout.addLayout(foot)
        holder.setMinimumWidth(theme.px(300))
        holder.setMaximumWidth(theme.px(352))
        for part in (self.checking, self.fault, self.skipped, self.facts):
            part.hide()
        self.setup = holder
        return holder

    # --- what is known, read in the background ---

    def _read(self) -> None:
        def work() -> tuple[list[Model], list[Plan], dict[str, list[Setting]]]:
            return list_models(), unfinished(), self._settings or all_settings()

        background(self.session, work, self._known, owner=self)

    @property
    def ready(self) -> bool:
        """Whether the recipes and their settings are known; torch is imported for them."""
        return bool(self._settings)

    def _known(self, found: tuple[list[Model], list[Plan], dict[str, list[Setting]]]) -> None:
        fresh = not self._settings
        self._models, plans, self._settings = found
        active = self.run.plan.name if self.run is not None and self.run.state in ("running", "paused") else ""
        self.resting.show_plans([plan for plan in plans if plan.name != active])
        if fresh and self._wanted is not None:
            self.choose(self._wanted[0])
        elif fresh:
            self.choose(self.recipe or next(iter(self.cards)))

    def _find_run(self) -> None:
        """A training that the session has already."""
        runs = [job for job in self.session.jobs.jobs if isinstance(job, TrainingRun)]
        if runs:
            self._watch(runs[0])

    # --- choosing ---

    def prefill(self, recipe: str, data: str) -> None:
        """Choose a recipe and give it data, for other parts of the window."""
        self._wanted = (recipe, data)
        self._by_hand = True
        self.choose(recipe)
        if data:
            self.take(Path(data))

    def _pressed(self, recipe: str, *_: object) -> None:
        self._by_hand = True
        self.choose(recipe)

    def choose(self, recipe: str) -> None:
        """Choose a recipe. Raises KeyError for one that is not there."""
        self.cards[recipe].setChecked(True)
        changed = recipe != self.recipe
        self.recipe = recipe
        what = about(recipe)
        self.needs.setText(what.needs)
        if recipe in self._settings and (changed or not self.form.fields):
            self.form.show_settings(self._settings[recipe], what, self._models)
        if changed and self.data is not None:
            self._look()
        self._update()

    def take_all(self, files: list[Path]) -> None:
        """Learn from what was dropped: the first, or several paintings of one folder."""
        one = {file.parent for file in files} == {files[0].parent}
        if len(files) > 1 and one and all(is_picture(file) for file in files) and (
            self.recipe == "style" or not self._by_hand
        ):
            self.choose("style")
            self.take(files[0].parent, ",".join(file.stem for file in files))
        else:
            self.take(files[0])

    def take(self, path: Path, styles: str = "") -> None:
        """Learn from this folder or file; a file that the recipe does not take chooses one that does. ``styles`` are
        the paintings of a folder that are meant, by name; '' for all."""
        what = about(self.recipe)
        if path.is_file() and path.suffix.lower() not in what.endings:
            if self._by_hand and what.folder and what.kind == "image" and is_picture(path):
                path = path.parent  # one of the pictures of the folder that was meant
            elif other := recipe_for(path):
                self.choose(other)
            elif what.folder:
                path = path.parent
        self.data = path
        if "styles" in self.form.fields:
            self.form.fields["styles"].set(styles)
        self.drop.set("folder-open" if path.is_dir() else "file", path.name, str(path.parent))
        if not self._named:
            self.name.setText(free_name(path.stem))
        self._look()
        self._update()

    def _browse(self) -> None:
        what = about(self.recipe)
        folder = self.data.parent if self.data is not None else None
        if what.endings and not what.folder:
            pick_file(self, "Learn from", self.take, folder=folder, kinds=[("Data", [f"*{e}" for e in what.endings])])
        elif not what.endings:
            pick_folder(self, "Learn from", self.take, folder=folder)
        else:
            self._file_or_folder(what, folder)

    def _file_or_folder(self, what: About, folder: Path | None) -> None:
        kinds = [("Data", [f"*{ending}" for ending in what.endings])]

        def go(answer: str | None) -> None:
            if answer == "A file":
                pick_file(self, "Learn from", self.take, folder=folder, kinds=kinds)
            elif answer == "A folder":
                pick_folder(self, "Learn from", self.take, folder=folder)

        ask(self, "Learn from a file or a folder?", what.needs, ["A file", "A folder"], go, icon="folder-open")

    def _name_edited(self) -> None:
        self._named = bool(self.name.text().strip())
        self._update()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        what = mime.read(event.mimeData())
        if what is not None and what.files:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        what = mime.read(event.mimeData())
        if what is not None and what.files:
            event.acceptProposedAction()
            self.take_all(list(what.files))

    # --- the check of the data ---

    def _look(self) -> None:
        if self.check is not None:
            self.check.cancel()
        assert self.data is not None
        self.fault.hide()
        self.facts.hide()
        self.skipped.hide()
        self.checking.show()
        self._again.stop()
        self._looked_at = self._data_settings()
        values = self.form.values() if not self.form.fault() else {}
        self.check = DataCheck(self.recipe, self.data, values, self._checked_from_thread)

    def _checked_from_thread(self, check: DataCheck) -> None:
        self.session.events.call(_guarded(self, lambda: self._checked(check)))

    def _checked(self, check: DataCheck) -> None:
        if check is not self.check:
            return
        self.checking.hide()
        self.fault.setText(check.error)
        self.fault.setVisible(bool(check.error))
        if check.state == "done":
            rows, skipped = report_rows(check.report)
            self.facts.set(rows)
            self.facts.show()
            self.skipped.set_title(f"Skipped or mended ({len(skipped)})")
            self._skipped_text.setText("\n".join(skipped[:50]))
            self.skipped.setVisible(bool(skipped))
        self._update()

    # --- starting ---

    def _why_not(self) -> str:
        """Why it cannot start yet, '' when it can."""
        if not self._settings:
            return "The recipes are being read."
        if self.data is None:
            return "Drop what it shall learn from first."
        if self.run is not None and self.run.state in ("waiting", "running", "paused"):
            return f"{self.run.plan.name} is in training; stop it, or wait for its end."
        if self.check is not None and self.check.state == "running":
            return "The data is being looked at."
        if self.check is not None and self.check.state == "failed":
            return "The data will not do, see above; change the settings or choose other data."
        if why := self.form.fault():
            return why
        return "" if self.name.text().strip() else "Give the model a name."

    def _edited(self) -> None:
        failed = self.check is not None and self.check.state == "failed"
        if (failed or self._data_settings() != self._looked_at) and self.data is not None and not self.form.fault():
            self._again.start()
        self._update()

    def _data_settings(self) -> dict[str, str]:
        """The settings that say what is learned from, as they are."""
        texts = {name: field.text() for name, field in self.form.fields.items()}
        return {name: texts[name] for name in about(self.recipe).data_settings if texts.get(name)}

    def _update(self) -> None:
        why = self._why_not()
        self.why.setText(why)
        self.why.setVisible(bool(why))
        self.start.setEnabled(not why)
        self.start.setToolTip(why or "Start the training")

    def _start(self) -> None:
        if self._why_not() or self.data is None:
            return
        settings = self.form.values()
        if "source" in self.form.fields and not settings.get("source"):
            settings["source"] = self.data.stem  # the card is about this material
        plan = Plan(self.recipe, self.data, free_name(self.name.text()), settings)
        self._launch(plan, resume=False)
        self._named = False

    def _launch(self, plan: Plan, *, resume: bool) -> None:
        try:
            run = start_training(self.session, plan, resume=resume)
        except FileError as error:
            self.session.notice(str(error), level="error")
            return
        self._watch(run)

    def _watch(self, run: TrainingRun) -> None:
        self.run = run
        self.view.show_run(run)
        self.right.setCurrentWidget(self.view)
        self._update()

    def _go_on(self, plan: Plan) -> None:
        if self.run is not None and self.run.state in ("waiting", "running", "paused"):
            self.session.notice(f"{self.run.plan.name} is in training; stop it first", level="warning")
            return
        self._launch(plan, resume=True)

    def _ask_discard(self, plan: Plan) -> None:
        def go(answer: str | None) -> None:
            if answer == "Discard":
                background(self.session, lambda: discard(plan), lambda _: self._read(), owner=self)

        ask(self, f"Discard the training of {plan.name}?", "Its checkpoint and samples are deleted; a model that was "
            "kept stays.", ["Discard", "Keep"], go, danger="Discard")

    # --- the timer and the end ---

    def refresh(self) -> None:
        """Pull what is new from the training."""
        if self.run is None:
            self._find_run()
        if self.run is not None:
            self.view.refresh()
            self._update()

    def close_page(self) -> None:
        """The window closes: a training that runs saves itself and ends with the studio."""
        if self.check is not None:
            self.check.cancel()


def _guarded(owner: Any, call: Callable[[], None]) -> Callable[[], None]:
    import shiboken6

    def run() -> None:
        if shiboken6.isValid(owner):
            call()

    return run
