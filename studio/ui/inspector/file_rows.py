"""Rows of Path and Model: a tile with a picture, a browser, a place to drop files."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QPixmap
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QSizePolicy, QToolButton, QWidget

from studio.params import Model, Path
from studio.ui import theme
from studio.ui.inspector.editing import StageEdits
from studio.ui.inspector.fields import square
from studio.ui.inspector.files import FileInfo, ModelInfo, dialog_filter, look_at, model_at, models_of, suits
from studio.ui.inspector.popup import Entry, PickPopup
from studio.ui.inspector.row import ParamRow
from studio.ui.inspector.tile import Tile, sign, to_pixmap
from studio.ui.kit import folders

_ICONS = {"image": "image", "video": "film", "midi": "notes", "text": "text", "audio": "sound"}


_KINDS = {
    "image": "a picture", "video": "a video", "midi": "a MIDI file", "text": "a text file", "audio": "a sound",
}


def _body(tile: Tile, *buttons: QToolButton) -> QWidget:
    body = QWidget()
    body.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    layout = QHBoxLayout(body)
    layout.setContentsMargins(0, 0, 0, theme.px(2))
    layout.setSpacing(theme.space(0.5))
    layout.addWidget(tile, 1)
    for button in buttons:
        layout.addWidget(button)
    return body


class _FileRow(ParamRow):
    """What rows of files and of models share."""

    def __init__(self, param: Path, edits: StageEdits, tile: Tile, parent: QWidget | None = None) -> None:
        super().__init__(param, edits, parent)
        self.param: Path = param
        self.tile = tile
        self.dialog: QFileDialog | None = None
        tile.dropped.connect(self.take_file)
        tile.leave.connect(self.leave)
        tile.reset_wanted.connect(self.reset)
        tile.paste_wanted.connect(self._paste)
        self.setFocusProxy(tile)

    def take_file(self, path: str) -> None:
        """Use a file, if its kind fits."""
        why = suits(path, self.param.accepts)
        if why:
            self.say(why, "danger")
            return
        self.commit(path)
        self.refresh_value()

    def browse(self) -> None:
        """Open the file dialog; the window stays alive meanwhile."""
        if self.dialog is not None:
            self.dialog.raise_()
            return
        dialog = QFileDialog(self, f"Choose a file for {self.param.label}")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters(dialog_filter(self.param.accepts).split(";;"))
        here = FilePath(self.value).expanduser().parent if self.value else None
        kind = self.param.accepts.capitalize()
        dialog.setDirectory(str(here if here is not None and here.is_absolute() else folders.start(kind)))
        dialog.fileSelected.connect(lambda path: folders.remember(kind, FilePath(path).parent))
        dialog.fileSelected.connect(self.take_file)
        dialog.finished.connect(self._closed)
        self.dialog = dialog
        dialog.open()

    def _closed(self, *_: object) -> None:
        self.dialog = None

    def _paste(self) -> None:
        data = QGuiApplication.clipboard().mimeData()
        file = next((url.toLocalFile() for url in data.urls() if url.isLocalFile()), "") if data.hasUrls() else ""
        if file:
            self.take_file(file)
        else:
            self.paste_value()


class PathRow(_FileRow):
    """A file: thumbnail, name, facts; a missing one says so and how to mend it."""

    def __init__(self, param: Path, edits: StageEdits, parent: QWidget | None = None) -> None:
        super().__init__(param, edits, Tile(_ICONS.get(param.accepts, "file")), parent)
        label = param.label
        self.browse_button = square("folder-open", f"{label}: browse", "Choose a file (Enter)", self.browse)
        self.clear_button = square("close", f"{label}: clear", "No file (Delete)", self.clear)
        self.tile.clicked.connect(self.browse)
        self.place(body=_body(self.tile, self.browse_button, self.clear_button))
        self.describe(self.tile)
        self.refresh_value()

    def clear(self) -> None:
        """No file."""
        if self.value:
            self.commit("")
        self.refresh_value()

    def show_value(self, value: Any) -> None:
        self.clear_button.setEnabled(bool(value))
        if not value:
            kind = _KINDS.get(self.param.accepts, "a file")
            self.tile.show_item("None", f"Drop {kind} or click", empty=True)
            self._name("none")
            self.say("")
            return
        self.tile.show_item(FilePath(value).name or value, "…")
        self._name(value)
        accepts, folder = self.param.accepts, self.edits.folder
        self.edits.later(lambda: look_at(value, accepts, folder), self._looked, owner=self)

    def _looked(self, info: FileInfo) -> None:
        if info.path != self.value:
            return
        self.tile.show_item(info.name, info.note, fault=info.fault, picture=to_pixmap(info.picture))
        self.say(info.fault, "danger" if info.fault else "info")
        self._name(info.fault or info.name)

    def _name(self, text: str) -> None:
        self.tile.setAccessibleName(f"{self.param.label}: {text}")


class ModelRow(_FileRow):
    """A network: its picture, title and size; a list of those that fit, and the way to any file."""

    def __init__(self, param: Model, edits: StageEdits, parent: QWidget | None = None) -> None:
        super().__init__(param, edits, Tile("model", menu=True, elide=Qt.TextElideMode.ElideRight), parent)
        self.param: Model = param
        self.models: list[ModelInfo] = []
        self.known = False
        self.tile.clicked.connect(self.open_list)
        self.tile.stepped.connect(self._step)
        self.place(body=_body(self.tile))
        self.describe(self.tile)
        self.refresh_value()
        self.reload()

    def reload(self) -> None:
        """Look again which models are there."""
        kinds = self.param.architectures
        self.edits.later(lambda: models_of(kinds), self._found, owner=self)

    def _found(self, models: list[ModelInfo]) -> None:
        self.models, self.known = models, True
        self.refresh_value()

    def show_value(self, value: Any) -> None:
        known = next((model for model in self.models if model.key == value), None)
        if known is not None:
            self._show(known)
        elif not value:
            self.tile.show_item(f"Choose a model of the kind {' or '.join(self.param.architectures)}", empty=True)
            self.say("")
        elif not self.known:
            self.tile.show_item(value, "…")
        else:
            kinds = self.param.architectures
            self.edits.later(lambda: model_at(value, kinds), self._looked, owner=self)
        self.tile.setAccessibleName(f"{self.param.label}: {known.title if known else value or 'none'}")

    def _looked(self, model: ModelInfo) -> None:
        if model.key == self.value:
            self._show(model)

    def _show(self, model: ModelInfo) -> None:
        picture = None if model.fault else _picture(model)
        self.tile.show_item(model.title, model.note, fault=model.fault, picture=picture)
        self.say(model.fault, "danger" if model.fault else "info")

    def _step(self, by: int) -> None:
        keys = [model.key for model in self.models]
        place = keys.index(self.value) + by if self.value in keys else 0
        if 0 <= place < len(keys):
            self._choose(keys[place])

    def _choose(self, key: str) -> None:
        if key != self.value:
            self.commit(key)
        self.refresh_value()

    def open_list(self) -> None:
        """Offer the models that fit."""
        entries = [Entry(model.key, model.title, model.note, _picture(model)) for model in self.models]
        empty = f"No model of the kind {' or '.join(self.param.architectures)} is here" if self.known else "Looking…"
        popup = PickPopup(
            entries, self.value, title=self.param.label, tall=True, browse="Use a file…", empty=empty, parent=self
        )
        popup.chosen.connect(self._choose)
        popup.browse.connect(self.browse)
        popup.open_below(self.tile)


def _picture(model: ModelInfo) -> QPixmap:
    return to_pixmap(model.picture) or sign(model.title, "model")
