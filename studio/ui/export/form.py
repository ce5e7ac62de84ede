"""The middle of the export dialog: the rows that a format needs, and the plan that they make."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QScrollArea, QSpinBox, QVBoxLayout, QWidget

from studio.devices.inputs import Clip, read_clip
from studio.session.audio_score import AudioScore
from studio.session.core import Core
from studio.session.exporting import ExportPlan, Format, Look
from studio.ui import theme
from studio.ui.background import background
from studio.ui.export.gif_panel import GifPanel
from studio.ui.export.options import OptionsForm, label_for
from studio.ui.export.sizes import BEATS, LOOP, SECONDS, SIZES, WHOLE, LengthRow, RateRow, SizeRow
from studio.ui.export.sound_row import SoundRow
from studio.ui.inspector.controls import Segments
from studio.ui.kit import FrameView

SCREEN, ANEW = "the picture on screen", "rendered anew"
VIDEOS = ("mp4", "webm", "mov")
"""Formats that carry a sound."""
MAX_PIECES = 100_000


class ExportForm(QScrollArea):
    """Size, length, rate and options of one format; ``side`` is the picture or the GIF's trial beside them."""

    changed = Signal()

    def __init__(self, session: Core, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.look: Look | None = None
        self.format: Format | None = None
        self._own_rate: float | None = None
        self._sound: str | None = None
        """The sound file that is heard, '' for none; None until a look is known."""
        self._clips: dict[str, Clip | None] = {}
        self.size_row: SizeRow | None = None
        self.length: LengthRow | None = None
        self.rate: RateRow | None = None
        self.sound: SoundRow | None = None
        self.options: OptionsForm | None = None
        self.gif: GifPanel | None = None
        self.still: Segments | None = None
        self.pieces: QSpinBox | None = None
        page = QWidget()
        page.setProperty("role", "page")
        self.form = QVBoxLayout(page)
        self.form.setContentsMargins(0, 0, theme.space(2), 0)
        self.form.setSpacing(theme.space(4))
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(page)
        self.side = QWidget()
        self.side_layout = QVBoxLayout(self.side)
        self.side_layout.setContentsMargins(0, 0, 0, 0)
        self.side.setFixedWidth(theme.px(264))

    def clear(self) -> None:
        """Take all rows away."""
        for layout in (self.form, self.side_layout):
            while layout.count():
                item = layout.takeAt(0)
                widget = item.widget() if item is not None else None
                if widget is not None:
                    widget.hide()
                    widget.deleteLater()
        self.stop()
        self.size_row, self.length, self.rate, self.sound, self.options = None, None, None, None, None
        self.gif, self.still, self.pieces = None, None, None

    def stop(self) -> None:
        """Forget what is being tried."""
        if self.gif is not None:
            self.gif.stop()

    def build(self, look: Look, form: Format) -> None:
        """The rows that this format needs for this look."""
        self.look, self.format = look, form
        named = self.size_row.names.currentIndex() if self.size_row is not None else 0
        if self._sound is None:
            self._sound = look.heard.path if look.heard is not None else ""
        self.clear()
        picture = look.makes == "image"
        rows: list[tuple[str, QWidget]] = []
        if picture and not form.moving:
            rows.append(("Picture", self._still_row(look)))
        if picture:
            self.size_row = SizeRow(look.size)
            self.size_row.changed.connect(self.changed)
            self.size_row.names.setCurrentIndex(named if SIZES[named][1] else 0)
            rows.append(("Size", self.size_row))
        if form.moving or picture:
            self.length = self._length_row(look, form)
            rows.append(("Length" if form.moving else "Moment", self.length))
        if picture and form.moving:
            usual = 25.0 if form.key == "gif" else float(self.session.settings["fps"])
            self.rate = RateRow(self._own_rate or usual)
            self.rate.changed.connect(self._rate_chosen)
            rows.append(("Rate", self.rate))
            if form.key != "gif":
                self.sound = SoundRow(self._sound, carried=form.key in VIDEOS)
                self.sound.changed.connect(self._sound_chosen)
                rows.append(("Sound", self.sound))
        if look.makes == "text":
            rows.append(("At most", self._pieces_row()))
        self.form.addWidget(_block(rows))
        self._as_the_clip(look)
        wishes = {**look.stages[-1].generator.export_options(look.stages[-1].values.dump()), **look.options}
        self.options = OptionsForm(form.key, form.pattern, wishes)
        self.options.changed.connect(self.changed)
        if self.options.rows:
            head = QLabel(f"{form.title}: {form.about}")
            theme.set_role(head, "small")
            self.form.addWidget(head)
            self.form.addWidget(self.options)
        self.form.addStretch(1)
        self.side.setVisible(picture)
        if form.key == "gif":
            self.gif = GifPanel(self.session)
            self.side_layout.addWidget(self.gif)
        elif picture:
            self.side_layout.addWidget(self._picture(look))
            self.side_layout.addStretch(1)
        self._show_still()

    def _as_the_clip(self, look: Look) -> None:
        """A line that plays a clip is exported as long and as fast as the clip, unless it goes round by itself."""
        row, path = self.rate, look.source
        round_by_itself = self.length is not None and LOOP in self.length.modes.names
        if row is None or not path or look.live is not None or round_by_itself:
            return
        if path in self._clips:
            self._clip_known(self._clips[path])
            return

        def known(clip: Clip | None) -> None:
            self._clips[path] = clip
            if self.rate is row:  # another format was chosen meanwhile: it has asked too
                self._clip_known(clip)
                self.changed.emit()

        background(self.session, lambda: read_clip(path), known, lambda _: known(None), owner=row)

    def _clip_known(self, clip: Clip | None) -> None:
        if clip is None or self.length is None or self.rate is None:
            return
        if not self.length.touched and not self._sound:
            self.length.offer(clip.seconds, "as long as the clip")
        if self._own_rate is None and (self.format is None or self.format.key != "gif" or clip.fps <= 25.0):
            self.rate.offer(clip.fps)

    def _picture(self, look: Look) -> QWidget:
        view = FrameView()
        view.setAccessibleName("What is exported")
        view.set_overlay(look.title)
        view.set_frame(look.frame)
        view.set_state("running" if look.frame is not None else "loading", "It has made no picture yet.")
        if look.size is not None:
            width, height = look.size
            view.setFixedHeight(max(theme.px(80), min(theme.px(330), round(self.side.width() * height / width))))
        return view

    def _sound_chosen(self) -> None:
        """As long as the sound is, unless it cannot be read."""
        row = self.sound
        self._sound = row.path if row is not None else self._sound
        if row is not None and row.path and not row.wrong:
            score = AudioScore(row.path)
            background(self.session, score.seconds, self._sound_known, row.refuse, owner=row)
        self.changed.emit()

    def _sound_known(self, seconds: float) -> None:
        if seconds > 0.0 and self.length is not None:
            self.length.choose(SECONDS, seconds)

    def _rate_chosen(self) -> None:
        self._own_rate = self.rate.value() if self.rate is not None else None
        self.changed.emit()

    def _still_row(self, look: Look) -> QWidget:
        self.still = Segments((SCREEN, ANEW))
        self.still.setAccessibleName("Which picture")
        self.still.setToolTip("The very picture that is on screen, or one rendered anew in any size")
        shown = look.frame is not None and not (self.format is not None and self.format.pen)
        self.still.set_current(SCREEN if shown else ANEW)
        self.still.setEnabled(shown)
        self.still.chosen.connect(self._still_chosen)
        return self.still

    def _still_chosen(self, name: str) -> None:
        assert self.still is not None
        self.still.set_current(name)
        self._show_still()
        self.changed.emit()

    def _show_still(self) -> None:
        if self.still is not None:
            anew = self.still.current == ANEW
            for row in (self.size_row, self.length):
                if row is not None:
                    row.setEnabled(anew)

    def _length_row(self, look: Look, form: Format) -> LengthRow:
        loop = look.loop_seconds() if look.makes == "image" and form.moving else None
        if look.makes == "notes":
            own = bool(look.own_bars())
            modes = ((WHOLE,) if own else ()) + (BEATS, SECONDS)
            row = LengthRow(modes, modes[0], 32.0)
        elif not form.moving:
            row = LengthRow((SECONDS, BEATS), SECONDS, 0.0, least=0.0)
            row.amount.setToolTip("How long after the beginning the picture is taken")
        else:
            modes = ((LOOP,) if loop else ()) + (SECONDS, BEATS)
            row = LengthRow(modes, modes[0], 4.0, loop=loop)
            if loop:
                row.modes.setToolTip(f"One loop takes {loop:g} s: its last frame leads back to the first")
        row.changed.connect(self.changed)
        return row

    def _pieces_row(self) -> QWidget:
        self.pieces = QSpinBox()
        self.pieces.setRange(1, MAX_PIECES)
        self.pieces.setValue(5000)
        self.pieces.setSuffix(" pieces")
        self.pieces.setAccessibleName("At most")
        self.pieces.setToolTip("A text that does not end by itself ends after so many pieces (mostly characters)")
        self.pieces.valueChanged.connect(lambda _: self.changed.emit())
        return self.pieces

    # --- the plan ---

    def seconds(self) -> float | None:
        """The length in seconds; None where it ends by itself."""
        if self.length is None or self.look is None:
            return None
        mode, amount = self.length.mode(), self.length.amount.value()
        if mode == SECONDS:
            return amount
        if mode == BEATS:
            return amount * 60.0 / self.look.bpm
        return self.look.loop_seconds() if mode == LOOP else None

    def plan(self, path: Path) -> ExportPlan | None:
        """What is chosen now, for a file of this name; None before there is a format."""
        form, look = self.format, self.look
        if form is None or look is None:
            return None
        fps = self.rate.value() if self.rate is not None else float(self.session.settings["fps"])
        made = ExportPlan(form, path, self.size_row.value() if self.size_row is not None else None, fps)
        made.options = self.options.values() if self.options is not None else {}
        made.sound = (self._sound or "") if look.makes == "image" and form.moving else ""
        seconds = self.seconds()
        if self.still is not None and self.still.current == SCREEN:
            return replace(made, size=look.size, frames=1, screen=True)
        if look.makes == "image" and seconds is not None:
            made.frames = max(1, round(seconds * fps))
            if self.length is not None and self.length.mode() == LOOP and seconds > 0:
                made.fps = made.frames / seconds  # the loop closes to the frame
        elif look.makes == "notes" and seconds is not None:
            made.beats = seconds * look.bpm / 60.0
        elif self.pieces is not None:
            made.frames = self.pieces.value()
        return made


def _block(rows: list[tuple[str, QWidget]]) -> QWidget:
    holder = QWidget()
    grid = QGridLayout(holder)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(theme.space(2))
    grid.setVerticalSpacing(theme.space(2))
    grid.setColumnStretch(1, 1)
    for place, (text, widget) in enumerate(rows):
        grid.addWidget(label_for(text), place, 0)
        stays = isinstance(widget, (RateRow, QSpinBox))
        grid.addWidget(widget, place, 1, Qt.AlignmentFlag.AlignLeft if stays else Qt.AlignmentFlag(0))
    return holder
