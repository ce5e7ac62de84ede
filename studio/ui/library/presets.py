"""Presets: a grid with pictures, of the chosen generator or of all."""

from __future__ import annotations

import functools
from pathlib import Path

from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QMenu, QVBoxLayout, QWidget

from studio.engine import Deck
from studio.params import ParamError
from studio.session.session import Session
from studio.ui import reveal, theme
from studio.ui.kit import Thumb, ThumbGrid, ask, ask_text, button, mime, pick_file, tool_button
from studio.ui.library.placing import apply_preset
from studio.ui.library.rows import add_action
from studio.ui.library.store import Known, PresetStore

KINDS = (("Presets", ("*.json",)),)


class PresetsPanel(QWidget):
    """See the module. ``store`` is shared with what drops files on the window."""

    def __init__(self, session: Session, store: PresetStore, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session, self.store = session, store
        self._generator = ""
        self._chose = False
        self.grid = ThumbGrid(name="Presets")
        self.grid.set_size(88)
        self.grid.set_editable(True)
        self.grid.set_drag(self._drag)
        self.grid.set_drop(lambda what: what.kind == "files" and any(f.suffix == ".json" for f in what.files))
        self.grid.dropped.connect(lambda what: self.import_files([f for f in what.files if f.suffix == ".json"]))
        self.grid.set_menu(self._menu)
        self.grid.activated.connect(self.apply)
        self.grid.renamed.connect(store.rename)
        self.grid.wants_picture.connect(lambda key: store.ask_picture(key, self._show_picture))
        self.one = button("This generator", role="ghost", checkable=True, tip="Presets of the selected generator")
        self.every = button("All", role="ghost", checkable=True, tip="Presets of all generators")
        group = QButtonGroup(self)
        group.setExclusive(True)
        for part in (self.one, self.every):
            group.addButton(part)
            part.toggled.connect(lambda _: self.show_presets())
            part.clicked.connect(self._scope_chosen)
        self.keep = button("Save this look …", icon="plus", tip="Keep the selected generator's values as a preset",
                           clicked=self.ask_name)
        self.bring = tool_button("import", "Import presets", tip="Import preset files (or drop them here)", size=16,
                                 clicked=self._pick)
        self._lay_out()
        store.changed.connect(self.show_presets)
        self.every.setChecked(True)

    def _lay_out(self) -> None:
        scope = QHBoxLayout()
        scope.setSpacing(theme.space(1))
        scope.addWidget(self.one)
        scope.addWidget(self.every)
        scope.addStretch(1)
        scope.addWidget(self.bring)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.space(1))
        layout.addLayout(scope)
        layout.addWidget(self.grid, 1)
        layout.addWidget(self.keep)

    # --- what is shown ---

    def follow(self) -> None:
        """The selection changed: another generator, perhaps."""
        chosen = self.session.selected
        generator = chosen[1].generator if chosen is not None else ""
        ready = chosen is not None and chosen[1].stage is not None
        self.keep.setEnabled(ready)
        self.keep.setToolTip(
            "Keep the selected generator's values as a preset, with its picture" if ready else
            "Load a generator first: there is nothing to keep"
        )
        if generator != self._generator:
            self._generator = generator
            name = chosen[1].title if chosen is not None else ""
            self.one.setEnabled(bool(generator))
            self.one.setText(self.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, theme.px(130))
                             or "This generator")
            self.one.setToolTip(f"Presets of {name}" if name else "Presets of the selected generator")
            if not self._chose or not generator:
                (self.one if generator else self.every).setChecked(True)
            self.show_presets()

    def _scope_chosen(self) -> None:
        self._chose = True

    def shown(self) -> list[Known]:
        """The presets of the chosen scope, the user's own first."""
        found = [
            known for known in self.store.known.values()
            if self.every.isChecked() or known.preset.generator == self._generator
        ]
        order = {plugin.id: place for place, plugin in enumerate(self.session.registry)}
        found.sort(key=lambda known: (
            not known.own, order.get(known.preset.generator, 999), known.preset.name.casefold()))
        return found

    def show_presets(self) -> None:
        """Fill the grid."""
        self.grid.set_items([self._thumb(known) for known in self.shown()])
        if not self.store.loaded:
            self.grid.set_empty("hourglass", "Reading presets …")
        else:
            self.grid.set_empty("preset", "No presets yet", "Set the values as you like them, then save the look.")

    def _thumb(self, known: Known) -> Thumb:
        preset = known.preset
        plugin = next((found for found in self.session.registry if found.id == preset.generator), None)
        title = plugin.title if plugin is not None else preset.generator
        return Thumb(
            known.key, preset.name, preset.about or title, self.store.pictures.get(known.key),
            (*preset.tags, title), known.kind, "preset", "own" if known.own else "",
            tip=f"{title}\n{preset.about}\nDouble click applies it; drag it to a deck.",
        )

    def _show_picture(self, key: str, image: QImage) -> None:
        self.grid.set_picture(key, image)

    def _drag(self, keys: list[str]) -> QMimeData | None:
        return mime.make(mime.PRESET, keys[0]) if keys else None

    # --- doing ---

    def apply(self, key: str, line: str = "") -> None:
        """Apply a preset where it fits."""
        known = self.store.known.get(key)
        if known is not None:
            apply_preset(self.session, known.preset, line)

    def ask_name(self) -> None:
        """Ask for a name, then keep the selected generator's values under it."""
        chosen = self.session.selected
        if chosen is None or chosen[1].stage is None:
            return
        generator = chosen[1].generator

        def check(name: str) -> str:
            taken = self.store.named(name, generator)
            return f"There is a preset {name} already; choose another name." if taken else ""

        ask_text(self, "Save this look", "Name", "", self.save_current, button_text="Save", check=check,
                 text=f"All values of {chosen[1].title}, with the picture it shows now.")

    def save_current(self, name: str) -> None:
        """Keep the selected generator's present values."""
        line, index = self.session.selection
        try:
            preset = self.session.make_preset(line, index, name)
        except (ParamError, KeyError, IndexError) as error:
            self.session.notice(f"The look was not saved: {error}", level="error", cure="load a generator first")
            return
        target = self.session.line(line)
        frame = target.frame() if isinstance(target.worker, Deck) else None
        path = self.store.add(preset, frame)
        target.slots[index].preset = path.stem
        self.session.notice(f"The preset {name} was saved")

    def import_files(self, files: list[Path]) -> None:
        """Take preset files in."""
        for file in files[:200]:
            self.store.import_file(file)

    def _pick(self) -> None:
        pick_file(self, "Import a preset", lambda path: self.import_files([path]), kinds=KINDS)

    def _menu(self, keys: list[str], menu: QMenu) -> None:
        if not keys:
            add_action(menu, "import", "Import …", self._pick)
            return
        key = keys[0]
        known = self.store.known.get(key)
        if known is None:
            return
        add_action(menu, "play", "Apply", lambda: self.apply(key))
        if known.kind == "image":
            for name, deck in self.session.decks.items():
                add_action(menu, f"deck-{name.lower()}", f"Apply to {deck.title}",
                           functools.partial(self.apply, key, name))
        menu.addSeparator()
        add_action(menu, "rename", "Rename", lambda: self.grid.edit(key))
        add_action(menu, "tag", "Tags …", lambda: self.ask_tags(key), known.own)
        add_action(menu, "text", "Description …", lambda: self.ask_about(key), known.own)
        add_action(menu, "copy", "Duplicate", lambda: self.store.duplicate(key))
        add_action(menu, "export", "Export …", lambda: self._ask_export(key))
        menu.addSeparator()
        add_action(menu, "folder-open", "Show in folder", lambda: reveal.show_in_folder(Path(key)))
        add_action(menu, "trash", "Delete" if known.own else "Delete (it came with the studio)",
                   lambda: self.ask_delete(key), known.own)

    def ask_tags(self, key: str) -> None:
        """Ask for the tags of one of the user's presets."""
        known = self.store.known.get(key)
        if known is None:
            return
        ask_text(
            self, f"Tags of {known.preset.name}", "calm, red, opening", ", ".join(known.preset.tags),
            lambda text: self.store.set_tags(key, [part.strip() for part in text.split(",") if part.strip()]),
            text="Words to find it by, with commas between them.", button_text="Save",
        )

    def ask_about(self, key: str) -> None:
        """Ask for a sentence about one of the user's presets."""
        known = self.store.known.get(key)
        if known is not None:
            ask_text(self, known.preset.name, "What is it like?", known.preset.about,
                     lambda text: self.store.set_about(key, text), button_text="Save")

    def _ask_export(self, key: str) -> None:
        pick_file(self, "Export a preset", lambda path: self.store.export_file(key, path), kinds=KINDS, save=True,
                  name=Path(key).name)

    def ask_delete(self, key: str) -> None:
        """Delete one of the user's presets, after asking."""
        known = self.store.known.get(key)
        if known is None or not known.own:
            return
        ask(self, f"Delete {known.preset.name}?", "Its file is removed. Looks that use it keep their values.",
            ["Cancel", "Delete"], lambda answer: self.store.remove(key) if answer == "Delete" else None,
            danger="Delete", icon="trash")
