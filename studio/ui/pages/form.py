"""A form made from a recipe's settings: what matters first, the rest folded, each with its help."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QCheckBox, QGridLayout, QLabel, QLineEdit, QSpinBox, QVBoxLayout, QWidget

from studio.library.models import Model
from studio.training.describe import Setting
from studio.training.recipes import About
from studio.ui import icons, theme
from studio.ui.kit import Combo, Section, mime, pick_folder
from studio.ui.pages.parts import clear, label, no_wheel

MOST = 2_000_000_000
FOLDER_FIELDS = {"photos": "the studio's own"}
"""Settings that name a folder, and what it means to name none."""


class FolderField(QLineEdit):
    """A folder: typed, dropped or chosen."""

    def __init__(self, title: str, none: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = title
        self.setPlaceholderText(none)
        self.setClearButtonEnabled(True)
        self.browse = self.addAction(icons.icon("folder-open", "dim"), QLineEdit.ActionPosition.TrailingPosition)
        self.browse.setText(f"{title}: choose a folder")
        self.browse.setToolTip("Choose a folder")
        self.browse.triggered.connect(self._choose)

    def _choose(self) -> None:
        start = Path(self.text()) if self.text().strip() else None
        pick_folder(self, self._title, lambda folder: self.setText(str(folder)), folder=start)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        what = mime.read(event.mimeData())
        if what is not None and what.files:
            event.acceptProposedAction()
        else:
            super().dragEnterEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        what = mime.read(event.mimeData())
        if what is None or not what.files:
            super().dropEvent(event)
            return
        first = what.files[0]
        self.setText(str(first if first.is_dir() else first.parent))  # a photograph of it means the folder
        event.acceptProposedAction()


class Field:
    """One setting with its widget. ``text`` is its value as the command line takes it."""

    def __init__(self, setting: Setting, models: list[Model] | None, changed: Callable[[], None]) -> None:
        """``models`` are the files that fit, for a setting that names a model, else None."""
        self.setting = setting
        self.widget, self._read, self._write = self._make(setting, models, changed)
        self.widget.setAccessibleName(setting.label)
        usual = "empty" if setting.default in ("", None) else setting.default
        self.widget.setToolTip(f"{setting.help or setting.label} (default {usual})")
        self.default = self.text()

    def text(self) -> str:
        """The value as text."""
        return self._read()

    def set(self, text: str) -> None:
        """Another value."""
        self._write(text)

    def fault(self) -> str:
        """What is wrong with the value, '' when nothing is."""
        text = self.text()
        if not text and (self.setting.optional or self.setting.kind in ("text", "list")):
            return ""
        try:
            self.setting.read(text)
        except ValueError as error:
            return str(error)
        return ""

    def _make(
        self, setting: Setting, models: list[Model] | None, changed: Callable[[], None]
    ) -> tuple[QWidget, Callable[[], str], Callable[[str], None]]:
        default = setting.default
        if setting.kind == "bool":
            switch = QCheckBox()
            switch.setChecked(bool(default))
            switch.toggled.connect(changed)
            return switch, lambda: str(switch.isChecked()).lower(), lambda text: switch.setChecked(text == "true")
        if setting.kind == "choice" or models is not None:
            return self._combo(setting, models, changed)
        if setting.kind == "int" and not setting.optional:
            spin = QSpinBox()
            spin.setRange(-1, MOST)
            spin.setGroupSeparatorShown(True)
            spin.setValue(int(default))
            spin.setSingleStep(max(1, int(default) // 10))
            spin.valueChanged.connect(changed)
            no_wheel(spin)
            return spin, lambda: str(spin.value()), lambda text: spin.setValue(int(text))
        if isinstance(default, (tuple, list)):
            start = ",".join(map(str, default))
        else:
            start = "" if default is None else f"{default:g}" if isinstance(default, float) else str(default)
        if setting.name in FOLDER_FIELDS:
            line: QLineEdit = FolderField(setting.label, FOLDER_FIELDS[setting.name])
            line.textChanged.connect(changed)
        else:
            line = QLineEdit(start)
            line.setPlaceholderText("none" if setting.optional else "")
            line.textEdited.connect(changed)
        return line, lambda: line.text().strip(), line.setText

    def _combo(
        self, setting: Setting, models: list[Model] | None, changed: Callable[[], None]
    ) -> tuple[QWidget, Callable[[], str], Callable[[str], None]]:
        combo = Combo()
        combo.setSizeAdjustPolicy(Combo.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        combo.setMinimumContentsLength(8)
        for choice in setting.choices:
            combo.addItem(choice, choice)
        if models is not None:
            combo.addItem("none", "")
            for model in models:
                combo.addItem(model.name, str(model.path))
                combo.setItemData(combo.count() - 1, model.title, Qt.ItemDataRole.ToolTipRole)

        def choose(text: str) -> None:
            place = combo.findData(text)
            place = place if place >= 0 else combo.findText(text)
            if place < 0:
                combo.addItem(text, text)
                place = combo.count() - 1
            combo.setCurrentIndex(place)

        choose(str(setting.default or ""))
        combo.currentIndexChanged.connect(changed)
        return combo, lambda: str(combo.currentData() or ""), choose


class SettingsForm(QWidget):
    """The settings of a recipe. ``edited`` comes after every change; ``fault`` says what is wrong."""

    edited = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(theme.space(1))
        self.fields: dict[str, Field] = {}
        self._required: tuple[str, ...] = ()

    def show_settings(self, settings: list[Setting], about: About, models: Iterable[Model]) -> None:
        """Make the form anew."""
        clear(self._layout)
        wanted, known = dict(about.models), list(models)

        def fitting(name: str) -> list[Model] | None:
            kind = wanted.get(name)
            return None if kind is None else [m for m in known if m.architecture == kind and not m.fault]

        self.fields = {setting.name: Field(setting, fitting(setting.name), self._changed) for setting in settings}
        self._required = about.required
        basics = [name for name in about.basics if name in self.fields] or list(self.fields)[:6]
        for name, text in about.defaults:
            if name in self.fields:
                self.fields[name].set(text)
        self._layout.addWidget(self._rows(basics))
        rest = [name for name in self.fields if name not in basics]
        if rest:
            more = Section(f"More settings ({len(rest)})", is_open=False)
            more.add(self._rows(rest))
            self._layout.addWidget(more)
        self._changed()

    def _rows(self, names: list[str]) -> QWidget:
        holder = QWidget()
        grid = QGridLayout(holder)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(theme.space(3))
        grid.setVerticalSpacing(theme.space(0.5))
        grid.setColumnStretch(0, 1)
        for place, name in enumerate(names):
            field = self.fields[name]
            head = label(field.setting.label)
            head.setBuddy(field.widget)
            grid.addWidget(head, 3 * place, 0)
            grid.addWidget(field.widget, 3 * place, 1)
            if isinstance(field.widget, QCheckBox):
                grid.setAlignment(field.widget, Qt.AlignmentFlag.AlignRight)
            else:
                field.widget.setFixedWidth(theme.px(150))
            if field.setting.help:
                text: QLabel = label(field.setting.help, "small", wrap=True)
                grid.addWidget(text, 3 * place + 1, 0, 1, 2)
            grid.setRowMinimumHeight(3 * place + 2, theme.space(2))
        return holder

    def values(self) -> dict[str, str]:
        """Settings that differ from the recipe's defaults, as text."""
        return {name: field.text() for name, field in self.fields.items() if field.text() != field.default}

    def fault(self) -> str:
        """The first thing that is wrong, '' when nothing is."""
        for name, field in self.fields.items():
            if why := field.fault():
                return why
            if name in self._required and not field.text():
                return f"{field.setting.label} is needed: {field.setting.help}"
        return ""

    def _changed(self, *_: object) -> None:
        for field in self.fields.values():
            theme.set_role(field.widget, "wrong" if field.fault() else "")
        self.edited.emit()
