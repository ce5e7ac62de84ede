"""The export dialog: what, how large, how long, how good, where to; then it works beside the live picture."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QIcon
from PySide6.QtWidgets import (
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from studio.engine import Job
from studio.session import memory
from studio.session.exporting import (
    MIX,
    Exported,
    ExportPlan,
    Format,
    Look,
    export_folder,
    file_name,
    look_of,
    refuse,
    start_export,
)
from studio.session.jobs import is_active
from studio.session.render_job import JobError
from studio.session.session import Session
from studio.ui import icons, reveal, theme
from studio.ui.export.closing import Cure, closes, cure_for
from studio.ui.export.form import ExportForm
from studio.ui.export.options import ICONS, label_for
from studio.ui.export.progress import ProgressFoot
from studio.ui.export.sizes import LOOP, way_to_loop
from studio.ui.inspector.controls import Segments
from studio.ui.kit import ask, button, pick_file, pick_folder, tool_button


class ExportDialog(QDialog):
    """See the module. ``line`` is a line's name, or ``mix``."""

    def __init__(self, session: Session, line: str = MIX, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session, self.line = session, line
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Export")
        self.setMinimumSize(theme.px(860), theme.px(500))
        self.resize(theme.px(980), theme.px(580))
        self.look: Look | None = None
        self.job: Job[Exported] | None = None
        self.format: Format | None = None
        self._chosen_folder: Path | None = None
        self._typed_name = False
        self._build()
        self._timer = QTimer(self, interval=200)
        self._timer.timeout.connect(self._watch)
        self._take_look()

    # --- building ---

    def _build(self) -> None:
        self.lines = Segments(tuple(self._line_titles()))
        self.lines.setAccessibleName("What to export")
        self.lines.setToolTip("The programme as it is mixed, or one deck or player alone")
        self.lines.chosen.connect(self._line_chosen)
        self.formats = QListWidget()
        self.formats.setAccessibleName("Format")
        self.formats.setIconSize(QSize(theme.px(20), theme.px(20)))
        self.formats.setFixedWidth(theme.px(176))
        self.formats.currentRowChanged.connect(self._format_chosen)
        self.form = ExportForm(self.session)
        self.form.changed.connect(self._changed)
        self.name = QLineEdit()
        self.name.setAccessibleName("File")
        self.name.setToolTip("The name of the file or folder, with its ending")
        self.name.textEdited.connect(self._name_typed)
        self.browse = tool_button("folder-open", "Choose the place", size=18, clicked=self._pick)
        self.folder = QLabel("")
        theme.set_role(self.folder, "small")
        self.note = QLabel("", wordWrap=True)
        self.note.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.close_loop = button("", "loop", clicked=self._close_loop, tip="Let its end lead back to its beginning")
        self.close_loop.hide()
        self.foot = ProgressFoot(self.start, self._cancel, self.close, self._open, self._show_it)
        body = QHBoxLayout()
        body.setSpacing(theme.space(4))
        body.addWidget(self.formats)
        body.addWidget(self.form, 1)
        body.addWidget(self.form.side)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.space(4), theme.space(4), theme.space(4), theme.space(3))
        column.setSpacing(theme.space(3))
        column.addWidget(self.lines)
        column.addLayout(body, 1)
        column.addLayout(self._target())
        said = QHBoxLayout()
        said.addWidget(self.note, 1)
        said.addWidget(self.close_loop)
        column.addLayout(said)
        column.addWidget(self.foot)

    def _target(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme.space(2))
        grid.setVerticalSpacing(theme.space(1))
        grid.addWidget(label_for("Save as"), 0, 0)
        grid.addWidget(self.name, 0, 1)
        grid.addWidget(self.browse, 0, 2)
        grid.addWidget(self.folder, 1, 1)
        grid.setColumnStretch(1, 1)
        return grid

    def _line_titles(self) -> dict[str, str]:
        titles = {}
        if any(deck.slots for deck in self.session.decks.values()):
            titles["Programme"] = MIX
        for line in self.session.lines():
            if line.slots:
                titles[line.title] = line.name
        return titles or {"Programme": MIX}

    # --- what is exported ---

    def _take_look(self) -> None:
        titles = self._line_titles()
        if self.line not in titles.values():
            self.line = next(iter(titles.values()))
        self.lines.set_current(next(title for title, name in titles.items() if name == self.line))
        try:
            self.look = look_of(self.session, self.line)
        except (JobError, KeyError, ValueError) as error:
            self.look = None
            self._say(str(error), "danger")
            self.foot.set_ready(False)
            self.formats.clear()
            return
        self._fill_formats(self.look)

    def _line_chosen(self, title: str) -> None:
        self.line = self._line_titles().get(title, MIX)
        self._typed_name = False
        self._take_look()

    def _fill_formats(self, look: Look) -> None:
        known = look.formats()
        before = self.format.key if self.format is not None else ""
        self.formats.blockSignals(True)
        self.formats.clear()
        for form in known:
            item = QListWidgetItem(QIcon(icons.icon(ICONS.get(form.key, "file"), "dim")), form.title)
            item.setToolTip(f"{form.title}: {form.about}")
            item.setData(Qt.ItemDataRole.UserRole, form.key)
            item.setSizeHint(QSize(theme.px(150), theme.px(34)))
            self.formats.addItem(item)
        self.formats.blockSignals(False)
        keys = [form.key for form in known]
        self.formats.setCurrentRow(keys.index(before) if before in keys else 0)

    def choose_format(self, key: str) -> None:
        """Choose a format by its key (``gif``, ``mp4`` …)."""
        for row in range(self.formats.count()):
            if self.formats.item(row).data(Qt.ItemDataRole.UserRole) == key:
                self.formats.setCurrentRow(row)

    def _format_chosen(self, row: int) -> None:
        if row < 0 or self.look is None:
            return
        self.format = self.look.formats()[row]
        self.form.build(self.look, self.format)
        if not self._typed_name:
            self._propose_name()
        else:
            self.name.setText(self._with_ending(self.name.text()))
        self._changed()

    # --- the plan ---

    def path(self) -> Path:
        """The file that is named."""
        folder = self._chosen_folder or export_folder(self.session)
        return folder / (self.name.text().strip() or "export")

    def _propose_name(self) -> None:
        if self.look is not None and self.format is not None:
            folder = self._chosen_folder or export_folder(self.session)
            self.name.setText(file_name(self.look, self.format, folder).name)

    def _with_ending(self, name: str) -> str:
        if self.format is None:
            return name
        stem = Path(name).stem if Path(name).suffix.lower() in _ENDINGS else name
        return stem if self.format.many else stem + self.format.ending

    def _name_typed(self) -> None:
        self._typed_name = True
        self._changed()

    def _pick(self) -> None:
        folder = self._chosen_folder or export_folder(self.session)
        there = next((place for place in (folder, *folder.parents) if place.is_dir()), Path.home())
        if self.format is not None and self.format.many:
            pick_folder(self, "Choose where the folder goes", self._folder_picked, folder=there)
        elif self.format is not None:
            kinds = ((self.format.title, (f"*{self.format.ending}",)),)
            pick_file(self, "Save as", self._picked, folder=there, kinds=kinds, save=True, name=self.name.text())

    def _folder_picked(self, folder: Path) -> None:
        self._chosen_folder = folder
        self._changed()

    def _picked(self, path: Path) -> None:
        self._chosen_folder, self._typed_name = path.parent, True
        self.name.setText(self._with_ending(path.name))
        self._asked = path  # the file dialog has asked about replacing it
        self._changed()

    _asked: Path | None = None
    _cure: Cure | None = None

    def _changed(self) -> None:
        """Say what it will be, or why it cannot be."""
        plan, look = self.form.plan(self.path()), self.look
        self.folder.setText(f"in {self.path().parent}")
        if plan is None or look is None or (self.job is not None and is_active(self.job)):
            return
        self.close_loop.hide()
        why = self._wrong(look, plan)
        self._say(why or self._summary(look, plan), "danger" if why else "dim")
        self.foot.set_ready(not why)
        if self.form.gif is not None:
            self.form.gif.ask(look, plan)

    def _wrong(self, look: Look, plan: ExportPlan) -> str:
        name = self.name.text().strip()
        if not name or name in (".", "..") or "/" in name or "\\" in name or "\0" in name:
            return "Give the file a name without slashes."
        ending = Path(name).suffix.lower()
        if not plan.format.many and ending not in _same(plan.format.ending):
            return f"The name must end in {plan.format.ending}."
        if plan.frames is not None and look.makes == "image" and plan.frames > 500_000:
            return f"{plan.frames:,} frames are too many; make it shorter or choose a lower rate."
        if self.form.sound is not None and self.form.sound.wrong:
            return self.form.sound.wrong
        return refuse(look, plan)

    def _summary(self, look: Look, plan: ExportPlan) -> str:
        parts: list[str] = []
        size = plan.size or look.size
        if look.makes == "image" and size is not None:
            parts.append(f"{size[0]} × {size[1]}")
        if plan.format.moving and plan.frames is not None and look.makes == "image":
            seconds = plan.frames / plan.fps
            parts.append(f"{plan.frames:,} frames, {seconds:.1f} s{self._closing(look, seconds)}")
        if plan.beats is not None:
            parts.append(f"{plan.beats:g} beats, {plan.beats * 60 / look.bpm:.1f} s at {look.bpm:g} bpm")
        if look.makes == "image" and size is not None and not plan.screen:
            free = memory.available()
            need = memory.text(memory.needed(size, look.peaks, plan.format.key))
            parts.append(f"about {need} of memory" + (f", {memory.text(free)} are free" if free else ""))
        if look.live is not None and plan.frames:
            parts.append("the camera is recorded first")
        return " · ".join([*parts, *look.warnings])

    def _closing(self, look: Look, seconds: float) -> str:
        """Whether the end leads back to the beginning, where the generator goes round."""
        loop = look.loop_seconds()
        if not loop or self.form.length is None:
            return ""
        if self.form.length.mode() == LOOP:
            return " (one loop, closed)"
        if closes(loop, seconds):
            return ""
        self._cure = cure_for(self.session, look, loop, seconds)
        self.close_loop.setText(self._cure.text)
        self.close_loop.show()
        cure = way_to_loop(look.stages[0].values.params)
        return f" (it jumps at its end: a loop takes {loop:g} s; {cure} for another)"

    def _close_loop(self) -> None:
        """Let the end lead back to the beginning, as the button says."""
        cure = self._cure
        if cure is not None and cure.name:
            self.session.set_value(cure.line, cure.index, cure.name, cure.value)
            self._take_look()
        if self.form.length is not None and LOOP in self.form.length.modes.names:
            self.form.length.choose(LOOP)

    def _say(self, text: str, role: str) -> None:
        self.note.setText(text)
        theme.set_role(self.note, role)

    # --- doing ---

    def start(self) -> None:
        """Export what the line looks like at this moment."""
        try:
            self.look = self.form.look = look_of(self.session, self.line)
        except (JobError, KeyError, ValueError) as error:
            self._say(f"It cannot be exported: {error}", "danger")
            return
        plan = self.form.plan(self.path())
        if plan is None:
            return
        there = plan.path.exists() and not (plan.path.is_dir() and not any(plan.path.iterdir()))
        if there and plan.path != self._asked:
            what = "folder" if plan.format.many else "file"
            ask(self, f"Replace {plan.path.name}?", f"There is a {what} of this name in {plan.path.parent}.",
                ["Cancel", "Replace"], lambda answer: self._go(plan) if answer == "Replace" else None,
                danger="Replace", icon="export")
        else:
            self._go(plan)

    def _go(self, plan: ExportPlan) -> None:
        if self.look is None:
            return
        try:
            plan.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self._say(f"It cannot be exported: {error}", "danger")
            return
        self._asked = None
        self.job = start_export(self.session, self.look, plan)
        self.foot.show_job(self.job)
        self.close_loop.hide()
        for part in (self.lines, self.formats, self.form, self.name, self.browse):
            part.setEnabled(False)
        self._say("It works beside the live picture; this window can be closed.", "dim")
        self._timer.start()

    def _watch(self) -> None:
        if self.job is None:
            return
        self.foot.show_job(self.job)
        if is_active(self.job):
            return
        self._timer.stop()
        for part in (self.lines, self.formats, self.form, self.name, self.browse):
            part.setEnabled(True)
        job = self.job
        if job.state == "done":
            made = job.result()
            size = made.report.get("bytes")
            words = f", {memory.text(int(size))}" if isinstance(size, int) else ""
            self._typed_name = False
            self._propose_name()
            self._say(f"{made.path.name} is ready{words}.", "good")
        elif job.state == "failed":
            self._say(job.error.removeprefix(f"{job.title}: "), "danger")
        else:
            self._say("Cancelled; nothing half-made was left.", "dim")

    def _cancel(self) -> None:
        if self.job is not None:
            self.job.cancel()

    def _result(self) -> Path | None:
        return self.job.result().path if self.job is not None and self.job.state == "done" else None

    def _open(self) -> None:
        if (path := self._result()) is not None and not reveal.open_file(path):
            self._say(f"The system has no program for {path.name}; it is in {path.parent}", "danger")

    def _show_it(self) -> None:
        if (path := self._result()) is not None:
            reveal.show_in_folder(path)

    def closeEvent(self, event: QCloseEvent) -> None:
        self._end()
        super().closeEvent(event)

    def reject(self) -> None:
        self._end()
        super().reject()

    def _end(self) -> None:
        self._timer.stop()
        self.form.stop()


_ENDINGS = {".png", ".jpg", ".jpeg", ".svg", ".gif", ".webp", ".mp4", ".m4v", ".webm", ".mov", ".txt", ".srt", ".vtt",
            ".mid", ".midi", ".wav"}


def _same(ending: str) -> tuple[str, ...]:
    """Endings that mean the same format."""
    return {".jpg": (".jpg", ".jpeg"), ".mid": (".mid", ".midi"), ".mp4": (".mp4", ".m4v")}.get(ending, (ending,))
