"""The models that are here: house models and the user's own; drop a file to import one."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QMenu, QVBoxLayout, QWidget

from studio.library.importer import ENDINGS
from studio.session.memory import text as size_text
from studio.session.session import Session
from studio.ui import reveal, theme
from studio.ui.background import background
from studio.ui.kit import EmptyState, button, mime, pick_file
from studio.ui.library.rows import Row, RowList, add_action

if TYPE_CHECKING:
    from studio.library.models import Model

KINDS = (("Models", tuple(f"*{ending}" for ending in ENDINGS)),)
ARCHITECTURES = {
    "gan": ("Pictures (GAN)", "image", "latent"), "encoder": ("Photo to place", "image", "photo"),
    "features": ("Feature networks", "image", "eye"),
    "style_net": ("Live styles", "image", "style"), "sequence-rnn": ("Text", "text", "text"),
    "event-rnn": ("Music", "notes", "piano"), "roll-rnn": ("Music", "notes", "piano"),
    "pix2pix": ("Drawing to picture", "image", "wand"), "draw": ("Drawing in strokes", "image", "edit"),
}


SHORT = 32
"""Longest title (characters) that is shown as it is; beyond it the file's name says it quicker."""


def import_models(session: Session, files: list[Path]) -> None:
    """Import checkpoints, each as a job; says what it is, or why it is refused."""
    for file in files[:20]:
        session.jobs.run(f"Import {file.name}", functools.partial(_import, session, file))


def _import(session: Session, file: Path, job: Any) -> Any:
    from studio.library.importer import import_model

    job.check(0.0, "reading and checking")
    made = import_model(file, cancelled=job.cancelled)
    for line in made.report:
        session.notice(f"{file.name}: {line}", level="warning")
    what = made.layout.name if made.layout is not None else "a network"
    session.notice(f"The model {made.path.stem} was imported: {what}, {made.tensors} tensors")
    session.post("library")
    return made


class ModelsPanel(QWidget):
    """See the module."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.models: dict[str, Model] = {}
        self._reading = self._again = False
        self.setAcceptDrops(True)
        self.list = RowList("Models")
        self.list.activated.connect(self.use)
        self.list.set_menu(self._menu)
        self.list.set_drag(lambda key: mime.files([Path(key)]))
        self.wait = EmptyState("model", "Reading models …")
        self.bring = button("Import a model …", icon="import", clicked=self._pick,
                            tip="A .safetensors file, or a torch checkpoint; dropping one here does the same")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.space(1))
        layout.addWidget(self.list, 1)
        layout.addWidget(self.wait, 1)
        layout.addWidget(self.bring)
        self.list.hide()

    def reload(self) -> None:
        """Look at the model folders again, in the background."""
        if self._reading:
            self._again = True
            return
        self._reading = True

        def work() -> list[Model]:
            from studio.library.models import list_models

            return list_models()

        background(self.session, work, self._show, self._failed, owner=self)

    def _failed(self, why: str) -> None:
        self._reading = False
        self.wait.set("warning", "The models cannot be read", why)

    def _show(self, found: list[Model]) -> None:
        self._reading = False
        self.models = {str(model.path): model for model in found}
        self.list.set_rows(_rows(found))
        self.list.setVisible(bool(found))
        self.wait.setVisible(not found)
        self.wait.set("model", "No models", "Train one, or import a file.")
        if self._again:
            self._again = False
            self.reload()

    def use(self, key: str) -> None:
        """Let a generator that fits work with a model."""
        from studio.session.use import place_model

        model = self.models.get(key)
        if model is None:
            return
        if model.fault:
            self.session.notice(f"{model.title} cannot be used: {model.fault}", level="error")
            return
        with self.session.edit(f"Use {model.title}"):
            place_model(self.session, model.name, model.architecture)

    def _menu(self, key: str, menu: QMenu) -> None:
        model = self.models.get(key)
        if model is not None:
            add_action(menu, "play", "Use it", lambda: self.use(key), not model.fault)
            add_action(menu, "folder-open", "Show in folder", lambda: reveal.show_in_folder(model.path))

    def _pick(self) -> None:
        pick_file(self, "Import a model", lambda path: import_models(self.session, [path]), kinds=KINDS)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        what = mime.read(event.mimeData())
        if what is not None and any(file.suffix.lower() in ENDINGS for file in what.files):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        what = mime.read(event.mimeData())
        files = [file for file in what.files if file.suffix.lower() in ENDINGS] if what is not None else []
        if files:
            event.acceptProposedAction()
            import_models(self.session, files)


def _rows(models: list[Model]) -> list[Row]:
    groups: dict[str, list[Row]] = {}
    kinds: dict[str, str] = {}
    for model in models:
        title, kind, icon = ARCHITECTURES.get(model.architecture, ("Other networks", "", "model"))
        short = model.title if len(model.title) <= SHORT else model.name.replace("_", " ").capitalize()
        about = model.card.get("about") or (model.title if short != model.title else model.architecture)
        text = f"{size_text(model.size)} · {about}" if isinstance(about, str) and about else size_text(model.size)
        licence = model.card.get("licence") or model.card.get("license")
        tip = "\n".join([f"{model.parameters:,} numbers, file {model.path.name}", f"Licence: {licence or 'unknown'}",
                         "Double click: let a generator work with it"])
        row = Row(str(model.path), short, text, kind, icon, "house" if model.house else "own", model.fault, tip,
                  words=f"{model.name} {model.architecture} {model.path.name}")
        groups.setdefault(title, []).append(row)
        kinds[title] = kind
    rows: list[Row] = []
    for title, members in groups.items():
        rows.append(Row(f"heading {title}", title, kind=kinds[title], heading=True))
        rows += members
    return rows
