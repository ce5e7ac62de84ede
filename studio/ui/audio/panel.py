"""The panel of sound in: where it comes from, what is heard, and what that can move."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from studio.control.audio import DEVICE, FILE, OFF
from studio.devices.sound_in import SoundError, SoundSource, sound_inputs
from studio.session.session import Session
from studio.ui import theme
from studio.ui.audio.features import SHOWN, FeatureRow
from studio.ui.audio.hearing import HearingForm
from studio.ui.audio.meters import Bands, BeatLine, Scope
from studio.ui.background import Task, background
from studio.ui.control.keep import keep_settings
from studio.ui.inspector.controls import Segments
from studio.ui.kit import Combo, Elided, Section, clock_text, pick_file, tool_button
from studio.ui.listen import listen

ENDINGS = (".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".aif", ".aiff", ".mp4", ".mov", ".webm",
           ".mkv")
KINDS = (("Sounds", tuple(f"*{ending}" for ending in ENDINGS)),)
_WORDS = {"Off": OFF, "Input": DEVICE, "File": FILE}
_SYSTEM = "The system's choice"


class AudioPanel(QWidget):
    """See the module. ``refresh`` about 15 times a second while it is seen."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session, self.ear = session, session.controls.audio
        self.setAccessibleName("Sound in")
        self.setMinimumWidth(theme.px(220))
        self.setAcceptDrops(True)
        self.found: list[SoundSource] = []
        self._task: Task | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(*[theme.space(1.5)] * 4)
        column.setSpacing(theme.space(1.5))
        self._build_source(column)
        body = QWidget()
        body.setProperty("role", "page")
        self._body = QVBoxLayout(body)
        self._body.setContentsMargins(0, 0, theme.space(1), 0)
        self._body.setSpacing(theme.space(1.5))
        self._build_body()
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(body)
        column.addWidget(area, 1)
        for kind in ("audio", "session", "history"):
            listen(self, session, kind, lambda _: self.reload())
        listen(self, session, "controls", lambda _: self._repaint())
        self.reload()

    # --- building ---

    def _build_source(self, column: QVBoxLayout) -> None:
        self.source = Segments(tuple(_WORDS))
        self.source.setAccessibleName("Where the sound comes from")
        self.source.setToolTip("Nothing, a microphone or sound card, or a sound file that plays in time")
        self.source.chosen.connect(self._source_chosen)
        column.addWidget(self.source)
        self.devices = Combo(name="Sound input")
        self.devices.setToolTip("The device that is heard; one that is unplugged is taken up again by its name")
        self.devices.activated.connect(lambda _: self.ear.set(device=self.devices.currentData()))
        self.again = tool_button("refresh", "Look for inputs again", size=16, clicked=self.look)
        self.channels = Combo(name="Channels")
        self.channels.setToolTip("Which channels are mixed and heard")
        self.channels.activated.connect(lambda _: self.ear.set(channels=self.channels.currentData()))
        self.input_row = _row((self.devices, 1), (self.channels, 0), (self.again, 0))
        column.addWidget(self.input_row)
        self.file_name = Elided("")
        self.file_name.setAccessibleName("Sound file")
        self.rewind = tool_button("previous", "From the beginning", size=16, clicked=self.ear.rewind)
        self.aloud = tool_button("sound", "Play it aloud", tip="The file is also played through the sound output",
                                 size=16, checkable=True, clicked=lambda: self.ear.set(aloud=self.aloud.isChecked()))
        self.pick = tool_button("folder-open", "Choose a sound file", size=16, clicked=self.choose_file)
        self.file_row = _row((self.file_name, 1), (self.rewind, 0), (self.aloud, 0), (self.pick, 0))
        column.addWidget(self.file_row)
        self.state = QLabel("", wordWrap=True)
        self.state.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column.addWidget(self.state)

    def _build_body(self) -> None:
        ear = self.ear
        self.scope, self.bands, self.beat = Scope(ear), Bands(ear), BeatLine(ear)
        for meter in (self.scope, self.bands, self.beat):
            self._body.addWidget(meter)
        self.follow = QCheckBox("The clock follows this beat")
        self.follow.setToolTip("Tempo and beat of the studio come from the sound while its beat is clear; ×2 and ÷2 of "
                               "the transport choose half or twice the tempo")
        self.follow.clicked.connect(self._follow)
        self._body.addWidget(self.follow)
        self.hint = QLabel("Drag one of these onto a parameter, or click it.", wordWrap=True)
        theme.set_role(self.hint, "small")
        self._body.addWidget(self.hint)
        self.rows = {name: FeatureRow(self.session, name) for name in SHOWN}
        rows = QVBoxLayout()
        rows.setSpacing(0)
        for row in self.rows.values():
            rows.addWidget(row)
        self._body.addLayout(rows)
        self.hearing = HearingForm(ear)
        section = Section("How it is heard", "audio-hearing", is_open=True)
        section.add(self.hearing)
        self._body.addWidget(section)
        self._body.addStretch(1)

    # --- choosing ---

    def _source_chosen(self, word: str) -> None:
        kind = _WORDS[word]
        self.ear.set(source=kind)
        if kind == DEVICE:
            self.look()
        elif kind == FILE and not self.ear.settings["file"]:
            self.choose_file()

    def choose_file(self) -> None:
        """Ask for a sound file."""
        here = Path(str(self.ear.settings["file"])).parent if self.ear.settings["file"] else None
        pick_file(self, "Choose a sound file", self.use_file, kinds=KINDS, folder=here)

    def use_file(self, path: Path) -> None:
        """Play and hear this file."""
        self.ear.set(source=FILE, file=str(path))

    def look(self) -> None:
        """Ask for the inputs, off this thread."""
        if self._task is None:
            self._task = background(self.session, _inputs, self._looked, lambda _: self._looked([]), owner=self)

    def _looked(self, found: list[SoundSource]) -> None:
        self._task, self.found = None, found
        self.reload()

    def _follow(self, on: bool) -> None:
        if self.session.clock_sources.choose("audio" if on else "internal"):
            keep_settings(self.session, self)
        self.reload()

    # --- showing ---

    def reload(self) -> None:
        """Show the settings and what there is."""
        settings = self.ear.settings
        kind = settings["source"]
        self.source.set_current(next(word for word, value in _WORDS.items() if value == kind))
        self.input_row.setVisible(kind == DEVICE)
        self.file_row.setVisible(kind == FILE)
        self._fill_devices(str(settings["device"]))
        self._fill_channels(str(settings["channels"]))
        self.file_name.setText(Path(str(settings["file"])).name or "no file")
        self.file_name.setToolTip(str(settings["file"]))
        self.rewind.setEnabled(bool(settings["file"]))
        self.aloud.setChecked(bool(settings["aloud"]))
        self.follow.setChecked(self.session.clock_sources.chosen.name == "audio")
        self.hearing.show_values()
        self._show_state()

    def _fill_devices(self, chosen: str) -> None:
        names = [device.name for device in self.found]
        items = [(_SYSTEM, ""), *((name, name) for name in names)]
        if chosen and chosen not in names:
            items.append((chosen if not self.found else f"{chosen} (not there)", chosen))
        self.devices.clear()
        for text, data in items:
            self.devices.addItem(text, data)
        self.devices.choose(chosen)

    def _fill_channels(self, chosen: str) -> None:
        source = self.ear.source
        count = source.channels if source is not None else 2
        names = ["", *(str(number) for number in range(1, count + 1)),
                 *(f"{number}+{number + 1}" for number in range(1, count, 2) if count > 2)]
        if chosen not in names:
            names.append(chosen)
        self.channels.clear()
        for name in names:
            self.channels.addItem(name or "all", name)
        self.channels.choose(chosen)

    def _show_state(self) -> None:
        text, role = self._state()
        if text != self.state.text():
            self.state.setText(text)
        theme.set_role(self.state, role)
        self.state.setVisible(bool(text))

    def _state(self) -> tuple[str, str]:
        ear = self.ear
        if not ear.on:
            return "Choose an input or a file; what is heard can then move any parameter.", "dim"
        if ear.reason:
            return f"{_sentence(ear.reason)} {_sentence(ear.cure)}".strip(), "danger"
        if ear.source is not None:
            latency = f" · {ear.latency * 1000:.0f} ms" if ear.latency else ""
            return f"{ear.source.name} · {ear.source.rate / 1000:g} kHz{latency}", "small"
        if ear.file is not None and ear.running:
            total = f" of {clock_text(ear.file.seconds)}" if ear.file.seconds else ""
            return f"{clock_text(ear.file.position)}{total}, then again", "small"
        return "opening …", "dim"

    def _repaint(self) -> None:
        for row in self.rows.values():
            row.update()

    def refresh(self) -> None:
        """Draw what was heard since the last time."""
        for meter in (self.scope, self.bands, self.beat):
            meter.refresh()
        values = self.ear.values
        for name, row in self.rows.items():
            row.show_value(values[name])
        self._show_state()

    # --- dropping ---

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        event.setAccepted(_sound_of(event) is not None)

    def dropEvent(self, event: QDropEvent) -> None:
        path = _sound_of(event)
        if path is not None:
            self.use_file(path)
            event.acceptProposedAction()


def _sound_of(event: QDragEnterEvent | QDropEvent) -> Path | None:
    """The sound file that is dragged, if it is one."""
    for url in event.mimeData().urls():
        if url.isLocalFile() and Path(url.toLocalFile()).suffix.lower() in ENDINGS:
            return Path(url.toLocalFile())
    return None


def _inputs() -> list[SoundSource]:
    """What there is; why there is none says the session's own try to open one."""
    try:
        return sound_inputs(refresh=True)
    except SoundError:
        return []


def _row(*widgets: tuple[QWidget, int]) -> QWidget:
    holder = QWidget()
    row = QHBoxLayout(holder)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(theme.space(1))
    for widget, stretch in widgets:
        row.addWidget(widget, stretch)
    return holder


def _sentence(text: str) -> str:
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if not text or text.endswith(".") else ".")


