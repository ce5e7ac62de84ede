"""The models: those of the house and the user's own, the catalogue, one card at a time in full."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from studio.engine import Job
from studio.library.catalogue import Entry, catalogue, fetch_model, remove_model
from studio.library.importer import ENDINGS
from studio.library.models import Model, list_models, verify
from studio.session.core import Core
from studio.session.jobs import is_active
from studio.session.training import use_model
from studio.session.use import said_where
from studio.ui import reveal, theme
from studio.ui.background import background
from studio.ui.kit import Badge, Elided, EmptyState, Thumb, ThumbGrid, ask, button, pick_file, tool_button
from studio.ui.pages.model_card import card_rows, kind_of, kind_title, picture_of, preset_pictures
from studio.ui.pages.parts import DropArea, Facts, Page, clear, label, rule, scrolled, size_text


class ModelsPage(Page):
    """See the module."""

    def __init__(self, session: Core, parent: QWidget | None = None) -> None:
        super().__init__(session, "Models", "Networks that came with the studio, your own, and public ones to fetch.",
                         parent)
        self.models: dict[str, Model] = {}
        self._entries: list[Entry] = []
        self._jobs: dict[str, Job[Any]] = {}
        self._pictures: dict[str, QImage] = {}
        self._build()
        self.hear("library", lambda _: self.read())
        self.hear("jobs", lambda _: self._show_catalogue_progress())
        self.read()

    # --- building ---

    def _build(self) -> None:
        self.grid = ThumbGrid(name="Models")
        self.search = self.grid.search
        self.search.setFixedWidth(theme.px(220))
        self.tools.addWidget(self.search)
        self.tools.addWidget(button("Import…", "import", tip="Bring in a .safetensors, .pt, .pth or .pkl file; nothing "
                                    "in it is run", clicked=self._browse))
        self.grid.selected.connect(self.show_model)
        self.grid.activated.connect(self.use)
        self.grid.set_menu(self._menu)
        self.grid.set_drop(lambda what: what.kind == "files")
        self.grid.dropped.connect(lambda what: self.bring(what.files))
        self.grid.set_size(164)
        self.grid.set_empty("model", "Reading models …")
        self.catalogue_rows = QGridLayout()
        self.catalogue_rows.setSpacing(theme.space(1.5))
        holder = QWidget()
        inner = QVBoxLayout(holder)
        inner.setContentsMargins(0, 0, theme.space(2), 0)
        inner.addLayout(self.catalogue_rows)
        inner.addStretch(1)
        area = scrolled(holder)
        area.setFixedHeight(theme.px(112))
        left = QVBoxLayout()
        left.setSpacing(theme.space(2))
        left.addWidget(self.grid, 1)
        left.addWidget(rule())
        left.addWidget(label("Public weights that can be fetched", "strong"))
        left.addWidget(area)
        self.detail = _Detail(self)
        self.detail.setFixedWidth(theme.px(396))
        row = QHBoxLayout()
        row.setSpacing(theme.space(5))
        row.addLayout(left, 1)
        row.addWidget(self.detail)
        self.body.addLayout(row, 1)
        self.setAcceptDrops(True)

    # --- what there is ---

    def read(self) -> None:
        """Read the list anew, in the background."""
        def work() -> tuple[list[Model], list[Entry]]:
            models = list_models()
            looks = {} if self._pictures else preset_pictures(self.session.registry)
            for model in models:
                if model.name not in self._pictures:
                    own = picture_of(model)
                    self._pictures[model.name] = looks.get(model.name, own) if own.isNull() else own
            return models, catalogue()

        background(self.session, work, self._known, owner=self)

    def _known(self, found: tuple[list[Model], list[Entry]]) -> None:
        models, entries = found
        before = self.grid.current()
        self.models = {model.name: model for model in sorted(models, key=lambda m: (m.house, m.title.casefold()))}
        self.grid.set_empty("model", "No models yet", "Drop a network here, train one, or fetch one from below.")
        self.grid.set_items([self._thumb(model) for model in self.models.values()])
        if entries != self._entries:
            self._entries = entries
            self._show_catalogue()
        self._show_catalogue_progress()
        chosen = before if before in self.models else next(iter(self.models), None)
        if chosen is not None:
            self.grid.select(chosen)
            self.show_model(chosen)

    def _thumb(self, model: Model) -> Thumb:
        picture = self._pictures.get(model.name)
        count = model.parameters
        numbers = f"{count / 1e6:.1f} M" if count >= 1e5 else f"{count / 1e3:.0f} k" if count else ""
        subtitle = " · ".join(part for part in (kind_title(model), numbers, size_text(model.size)) if part)
        return Thumb(
            model.name, model.title if model.house else model.name, subtitle,
            None if picture is None or picture.isNull() else picture,
            tags=(model.name, model.title, model.architecture), kind=kind_of(model),
            icon="warning" if model.fault else "model",
            badge="" if model.house else "yours", reason=model.fault, tip=str(model.card.get("about", "")),
        )

    def show_model(self, name: str) -> None:
        """Show a model's card."""
        model = self.models.get(name)
        if model is not None:
            self.detail.show_model(model, self._pictures.get(name))

    # --- what can be done ---

    def _menu(self, names: list[str], menu: QMenu) -> None:
        model = self.models.get(names[0]) if names else None
        if model is None:
            return
        menu.addAction("Use it now", partial(self.use, model.name)).setEnabled(not model.fault)
        menu.addAction("Check its bytes", partial(self.verify, model))
        menu.addAction("Show in folder", partial(reveal.show_in_folder, model.path))
        menu.addSeparator()
        menu.addAction("Delete…", partial(self.ask_delete, model)).setEnabled(not model.house)

    def use(self, name: str) -> None:
        """Play a model at once."""
        model = self.models[name]
        if model.fault:
            self.session.notice(model.fault, level="warning")
        elif (place := use_model(self.session, model.name, model.architecture)) is not None:
            said_where(self.session, model.title, place[0])
            self.show_page.emit("stage")

    def verify(self, model: Model) -> None:
        """Compare the file with its card, in the background."""
        self.detail.say("Reading all of it…", "dim")

        def done(fault: str) -> None:
            self.detail.say(fault or "Every byte is as its card says.", "danger" if fault else "good", model)

        background(self.session, lambda: verify(model.path), done, owner=self)

    def ask_delete(self, model: Model) -> None:
        """Ask, then delete one of the user's models."""
        def go(answer: str | None) -> None:
            if answer == "Delete":
                background(self.session, lambda: remove_model(model.path), lambda _: self._deleted(model), owner=self)

        ask(self, f"Delete {model.title}?", f"{model.path.name} ({size_text(model.size)}) and its card are deleted for "
            "good.", ["Delete", "Keep"], go, danger="Delete")

    def _deleted(self, model: Model) -> None:
        self._pictures.pop(model.name, None)
        self.session.notice(f"{model.title} was deleted")
        self.session.post("library")

    def _browse(self) -> None:
        pick_file(self, "Import a model", lambda path: self.bring((path,)),
                  kinds=[("Networks", [f"*{ending}" for ending in ENDINGS])])

    def bring(self, files: tuple[Path, ...]) -> None:
        """Import files as jobs."""
        for path in files[:20]:
            self.session.jobs.run(f"Import {path.name}", partial(self._import, path))

    def _import(self, path: Path, job: Job[Any]) -> Any:
        """On the job's thread."""
        from studio.library.importer import import_model

        job.check(0.1, "reading it in a process of its own")
        done = import_model(path, cancelled=job.cancelled)
        for line in done.report:
            self.session.notice(f"{done.path.stem}: {line}")
        what = f"a {done.layout.name} network" if done.layout else "a network of an unknown layout"
        self.session.notice(f"{done.path.stem} was imported: {what}")
        self.session.post("library")
        return done

    # --- the catalogue ---

    def _show_catalogue(self) -> None:
        clear(self.catalogue_rows)
        self.rows: dict[str, _EntryRow] = {}
        for place, entry in enumerate(self._entries):
            self.rows[entry.name] = row = _EntryRow(entry)
            row.get.clicked.connect(partial(self.ask_fetch, entry))
            self.catalogue_rows.addWidget(row, place // 2, place % 2)
        self._show_catalogue_progress()

    def ask_fetch(self, entry: Entry, *_: object) -> None:
        """Ask, then fetch; a press while it is fetched cancels that."""
        job = self._jobs.get(entry.name)
        if job is not None and is_active(job):
            job.cancel()
            return

        def go(answer: str | None) -> None:
            if answer == "Fetch":
                self._jobs[entry.name] = self.session.jobs.run(f"Fetch {entry.title}", partial(self._fetch, entry))

        ask(self, f"Fetch {entry.title}?", entry.question(), ["Cancel", "Fetch"], go, icon="download")

    def _fetch(self, entry: Entry, job: Job[Any]) -> Any:
        """On the job's thread."""
        done = fetch_model(entry, check=job.check, cancelled=job.cancelled)
        self.session.notice(f"{entry.title} is among your models")
        self.session.post("library")
        return done

    def _show_catalogue_progress(self) -> None:
        for entry in self._entries:
            row = getattr(self, "rows", {}).get(entry.name)
            if row is not None:
                row.show_job(self._jobs.get(entry.name))

    def refresh(self) -> None:
        """Pull the progress of what is fetched."""
        self._show_catalogue_progress()


class _EntryRow(QFrame):
    """One entry of the catalogue."""

    def __init__(self, entry: Entry) -> None:
        super().__init__()
        self.entry = entry
        self.setProperty("role", "card")
        self.setAccessibleName(entry.title)
        self.setToolTip(f"{entry.about}\n{entry.licence}\n{entry.url}\nsha256 {entry.sha256}")
        self.text = Elided("")
        self.text.setProperty("role", "small")
        self.text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        words = QVBoxLayout()
        words.setSpacing(0)
        title = Elided(entry.title)
        title.setProperty("role", "strong")
        words.addWidget(title)
        words.addWidget(self.text)
        self.badge = Badge("here", "good")
        self.get = button("Fetch", "download", tip=f"Ask, then fetch {entry.title} from {entry.host}")
        self.get.setAccessibleName(f"Fetch {entry.title}")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(*(theme.space(n) for n in (3, 1.5, 2, 1.5)))
        layout.addLayout(words, 1)
        layout.addWidget(label(size_text(entry.size), "small"))
        layout.addWidget(self.badge)
        layout.addWidget(self.get)

    def show_job(self, job: Job[Any] | None) -> None:
        """How fetching it goes."""
        active = job is not None and is_active(job)
        here = self.entry.present
        self.badge.setVisible(here and not active)
        self.get.setVisible(not here or active)
        self.get.setText("Cancel" if active else "Fetch")
        text, role = self.entry.about, "small"
        if job is not None and active:
            text = f"{job.progress * 100:.0f} %  {job.message}"
        elif job is not None and job.state == "failed":
            text, role = job.error.removeprefix(f"{job.title}: "), "warning"
        self.text.setText(text)
        theme.set_role(self.text, role)


class _Detail(QWidget):
    """One model's card in full."""

    def __init__(self, page: ModelsPage) -> None:
        super().__init__()
        self._page = page
        self._model: Model | None = None
        self.picture = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self.picture.setFixedHeight(theme.px(150))
        self.title = label("", "title", wrap=True, select=True)
        self.about = label("", "dim", wrap=True, select=True)
        self.fault = label("", "danger", wrap=True, select=True)
        self.said = label("", "dim", wrap=True)
        self.facts = Facts()
        self.use = button("Use it now", "play", role="primary", tip="Put it into the generator that plays it",
                          clicked=lambda: self._with(lambda model: page.use(model.name)))
        self.check = button("Check", "shield", tip="Compare every byte with the card's sha256",
                            clicked=lambda: self._with(page.verify))
        self.folder = tool_button("folder", "Show in folder",
                                  clicked=lambda: self._with(lambda model: reveal.show_in_folder(model.path)))
        self.delete = tool_button("trash", "Delete this model", tip="Delete this model; only your own can be",
                                  clicked=lambda: self._with(page.ask_delete))
        buttons = QHBoxLayout()
        buttons.setSpacing(theme.space(2))
        for press in (self.use, self.check):
            buttons.addWidget(press)
        buttons.addStretch(1)
        buttons.addWidget(self.folder)
        buttons.addWidget(self.delete)
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, theme.space(3), 0)
        column.setSpacing(theme.space(2.5))
        for text in (self.picture, self.title, self.about, self.fault):
            column.addWidget(text)
        column.addLayout(buttons)
        for part in (self.said, rule(), self.facts):
            column.addWidget(part)
        column.addStretch(1)
        self.empty = EmptyState("model", "No model chosen", "Choose one at the left to read its card.")
        self.drop = DropArea("import", "Drop a network here", ".safetensors, .pt, .pth, .pkl; nothing in it is run")
        self.drop.dropped.connect(lambda files: page.bring(tuple(files)))
        self.drop.pressed.connect(page._browse)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.empty)
        self.stack.addWidget(scrolled(inner))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.stack, 1)
        layout.addWidget(self.drop)

    def _with(self, do: Callable[[Model], object]) -> None:
        if self._model is not None:
            do(self._model)

    def say(self, text: str, role: str, model: Model | None = None) -> None:
        """The answer to a check; one for another model than the one shown is dropped."""
        if model is not None and (self._model is None or model.path != self._model.path):
            return
        self.said.setText(text)
        self.said.setVisible(bool(text))
        theme.set_role(self.said, role)

    def show_model(self, model: Model, picture: QImage | None) -> None:
        """Show another card."""
        self._model = model
        self.stack.setCurrentIndex(1)
        self.title.setText(model.title)
        about = str(model.card.get("about", ""))
        self.about.setText(about)
        self.about.setVisible(bool(about))
        self.fault.setText(model.fault)
        self.fault.setVisible(bool(model.fault))
        has = picture is not None and not picture.isNull()
        self.picture.setVisible(has)
        if has and picture is not None:
            ratio = self.devicePixelRatioF()
            size = QSize(round(theme.px(380) * ratio), round(theme.px(150) * ratio))
            smooth = Qt.TransformationMode.SmoothTransformation
            scaled = picture.scaled(size, Qt.AspectRatioMode.KeepAspectRatio, smooth)
            scaled.setDevicePixelRatio(ratio)
            self.picture.setPixmap(QPixmap.fromImage(scaled))
        self.use.setEnabled(not model.fault)
        self.delete.setEnabled(not model.house)
        self.delete.setToolTip("Delete this model" if not model.house else "House models stay with the studio")
        self.check.setEnabled(bool(model.card.get("sha256")))
        self.say("", "dim")
        self.facts.set(card_rows(model))
