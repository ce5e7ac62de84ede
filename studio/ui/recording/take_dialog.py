"""Rendering a take: which one, how large, how fast, which part of it, into which file. The work is a job."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDoubleSpinBox, QGridLayout, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from studio.files import FileError
from studio.session.session import Session
from studio.session.take_jobs import start_take_render, summary
from studio.session.takes import ENDING, Take, read_take
from studio.ui import theme
from studio.ui.background import background
from studio.ui.kit import button, clock_text, pick_file, tool_button
from studio.ui.kit.combo import Combo

SIZES = ("640x360", "1280x720", "1920x1080", "2560x1440", "3840x2160", "1080x1080", "2160x2160", "1080x1920")
RATES = ("24", "25", "30", "50", "60", "120")
FORMATS = (
    ("Video, MP4 with sound", ".mp4"), ("Video, ProRes MOV with sound", ".mov"), ("Video, WebM", ".webm"),
    ("What the players played, MIDI", ".mid"), ("What the players played, WAV", ".wav"),
)


def open_take(session: Session, window: QWidget | None, path: Path | None = None) -> None:
    """The dialog for a take; without one a file is chosen first."""
    if path is not None:
        TakeDialog(session, path, window).open()
        return
    folder = session.recorder.folder
    pick_file(window, "Render a take", lambda chosen: TakeDialog(session, chosen, window).open(),
              folder=folder if folder.is_dir() else None, kinds=[("Takes", (f"*{ENDING}",))])


class TakeDialog(QDialog):
    """See the module."""

    def __init__(self, session: Session, path: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session, self.path = session, path
        self.take: Take | None = None
        self._named = False
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Render a take")
        self.setMinimumWidth(theme.px(560))
        self._build()
        self._sync()
        background(session, lambda: read_take(path), self._read, self._failed, owner=self)

    def _build(self) -> None:
        head = QLabel(self.path.name)
        head.setProperty("role", "title")
        self.about = QLabel("Reading …", wordWrap=True)
        self.about.setProperty("role", "dim")
        self.note = QLabel("", wordWrap=True)
        self.note.setProperty("role", "warning")
        self.note.hide()
        self.format = Combo(FORMATS, name="Format")
        self.format.currentIndexChanged.connect(lambda _: self._sync())
        self.pixels = Combo([(text.replace("x", " × "), text) for text in SIZES], name="Size")
        self.rate = Combo([(f"{text} frames per second", text) for text in RATES], name="Frames per second")
        self.begin, self.end = _time("From"), _time("To")
        for field in (self.begin, self.end):
            field.valueChanged.connect(lambda _: self._sync())
        self.name = QLineEdit()
        self.name.setAccessibleName("File")
        self.name.textEdited.connect(self._typed)
        browse = tool_button("folder-open", "Choose the place", size=18, clicked=self._pick)
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme.space(3))
        grid.setVerticalSpacing(theme.space(2))
        grid.setColumnStretch(1, 1)
        part = QHBoxLayout()
        part.setSpacing(theme.space(2))
        self.to = QLabel("to")
        for widget in (self.begin, self.to, self.end):
            part.addWidget(widget)
        part.addStretch(1)
        target = QHBoxLayout()
        target.setSpacing(theme.space(2))
        target.addWidget(self.name, 1)
        target.addWidget(browse)
        rows: list[tuple[str, QWidget | QHBoxLayout]] = [
            ("Format", self.format), ("Size", self.pixels), ("Rate", self.rate), ("Part", part), ("Save as", target)]
        for row, (words, shown) in enumerate(rows):
            label = QLabel(words)
            label.setProperty("role", "dim")
            grid.addWidget(label, row, 0)
            if isinstance(shown, QWidget):
                grid.addWidget(shown, row, 1)
            else:
                grid.addLayout(shown, row, 1)
        self.go = button("Render", role="primary", icon="film", tip="Render it beside the show, as a job",
                         clicked=self.start)
        self.go.setDefault(True)
        foot = QHBoxLayout()
        foot.setSpacing(theme.space(2))
        foot.addStretch(1)
        foot.addWidget(button("Cancel", clicked=self.reject))
        foot.addWidget(self.go)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.space(5), theme.space(5), theme.space(5), theme.space(4))
        column.setSpacing(theme.space(3))
        for widget in (head, self.about):
            column.addWidget(widget)
        column.addLayout(grid)
        column.addWidget(self.note)
        column.addStretch(1)
        column.addLayout(foot)

    # --- the take ---

    def _read(self, take: Take) -> None:
        self.take = take
        facts = summary(take)
        decks = ", ".join(f"deck {name}: {', '.join(used)}" for name, used in facts["decks"].items()) or "no deck ran"
        notes = f", {facts['notes']} notes of players" if facts["notes"] else ""
        self.about.setText(f"{clock_text(take.seconds)} · {take.size[0]} × {take.size[1]} at {take.fps:g} frames per "
                           f"second · {decks}{notes}")
        for field in (self.begin, self.end):
            field.setMaximum(take.seconds)
        self.end.setValue(take.seconds)
        own = f"{take.size[0]}x{take.size[1]}"
        if not self.pixels.choose(own):
            self.pixels.insertItem(0, own.replace("x", " × "), own)
            self.pixels.setCurrentIndex(0)
        self.rate.choose(f"{take.fps:g}")
        if take.report:
            self.note.setText(take.report[-1].capitalize() + ".")
            self.note.show()
        self._sync()

    def _failed(self, why: str) -> None:
        self.about.setText(why)
        self.about.setProperty("role", "danger")
        theme.set_role(self.about, "danger")
        self._sync()

    def _sync(self) -> None:
        ending = str(self.format.currentData())
        pictures = ending in (".mp4", ".mov", ".webm")
        for widget in (self.pixels, self.rate):
            widget.setEnabled(self.take is not None and pictures)
        for field in (self.format, self.begin, self.end, self.name):
            field.setEnabled(self.take is not None)
        notes = self.take is not None and any(True for _ in self.take.of("note"))
        silent = self.take is not None and not pictures and not notes
        if silent:
            self.note.setText("No player played in this take: there is nothing to write.")
        self.note.setVisible(silent or (self.take is not None and bool(self.take.report)))
        if not self._named:
            self.name.setText(str(self._free(ending)))
        self.go.setEnabled(self.take is not None and not silent and self.begin.value() < self.end.value())

    def _free(self, ending: str) -> Path:
        folder, stem, number = self.path.parent, f"{self.path.stem} render", 2
        place = folder / f"{stem}{ending}"
        while place.exists():
            place, number = folder / f"{stem} {number}{ending}", number + 1
        return place

    def _typed(self) -> None:
        self._named = bool(self.name.text().strip())
        self._sync()

    def _pick(self) -> None:
        ending = str(self.format.currentData())

        def chosen(path: Path) -> None:
            self._named = True
            self.name.setText(str(path))

        current = Path(self.name.text() or self._free(ending))
        kinds = [(f"{ending[1:].upper()} files", (f"*{ending}",))]
        pick_file(self, "Render to", chosen, folder=current.parent, kinds=kinds, save=True, name=current.name)

    def start(self) -> None:
        """Begin the job and close."""
        if self.take is None:
            return
        ending = str(self.format.currentData())
        out = Path(self.name.text().strip() or self._free(ending)).expanduser()
        if out.suffix.lower() != ending:
            out = out.with_name(out.name + ending)
        width, _, height = str(self.pixels.currentData()).partition("x")
        try:
            start_take_render(
                self.session, self.take, self.path.name, out, size=(int(width), int(height)),
                fps=float(str(self.rate.currentData())), start=self.begin.value(),
                end=None if self.end.value() >= self.end.maximum() else self.end.value())
        except FileError as error:
            self.note.setText(str(error))
            self.note.show()
            return
        self.accept()


def _time(name: str) -> QDoubleSpinBox:
    field = QDoubleSpinBox()
    field.setAccessibleName(name)
    field.setDecimals(1)
    field.setSuffix(" s")
    field.setMaximum(0.0)
    field.setFixedWidth(theme.px(110))
    return field
