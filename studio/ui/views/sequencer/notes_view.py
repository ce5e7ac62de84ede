"""The view of a player of notes: bar, roll, and ways to go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeyEvent
from PySide6.QtWidgets import QMenu, QToolButton, QVBoxLayout, QWidget

from studio.params import Path as PathParam
from studio.session.line import Line
from studio.session.playback import Playing
from studio.session.playback_files import save_played
from studio.session.playback_steer import Option
from studio.session.playback_track import Placed, Played
from studio.session.session import Session
from studio.ui import theme
from studio.ui.kit import mime
from studio.ui.kit.buttons import tool_button
from studio.ui.kit.dialogs import pick_file
from studio.ui.views.sequencer.bar import PlayerBar
from studio.ui.views.sequencer.choices_row import ChoicesRow, notes_of
from studio.ui.views.sequencer.looks import DRUMS
from studio.ui.views.sequencer.roll import Roll
from studio.ui.views.sequencer.roll_state import RollState, chances_at
from studio.ui.views.stage import StageView

KINDS = (("MIDI", ("*.mid",)), ("Sound", ("*.wav",)))
COUNTS, LENGTHS = (2, 3, 4, 6, 8), (1, 2, 4)


class NotesView(StageView):
    """Any generator of notes, or of sound."""

    def __init__(self, session: Session, line: Line | str, index: int, parent: QWidget | None = None) -> None:
        super().__init__(session, line, index, parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.space(2), theme.space(1), theme.space(2), theme.space(2))
        column.setSpacing(theme.space(1))
        self.bar = PlayerBar(session, self.line, anew="New piece", anew_tip=self._anew_tip())
        self.save = tool_button("save", "Save what was played", tip="Save what was played as MIDI or WAV", size=16,
                                clicked=self.ask_save)
        self.bar.add(self.save)
        column.addWidget(self.bar)
        self.roll = Roll(self._look, self)
        column.addWidget(self.roll, 1)
        self.setAcceptDrops(True)

    def _anew_tip(self) -> str:
        return "Begin a new piece"

    # --- what is seen ---

    def _look(self, low: float, high: float) -> RollState | None:
        known = self.bar.playing
        if known is None:
            return None
        played, coming = known.notes.window(low, high)
        state = RollState(
            position=known.position(), moving=known.state == "playing", played=played, coming=coming,
            bar=self.session.clock.beats_per_bar, drums=_drums(known, played, coming),
        )
        self._more(known, state)
        return state

    def _more(self, known: Playing, state: RollState) -> None:
        """What a generator shows beside its notes."""

    def refresh(self) -> None:
        """Follow the player; the roll moves by itself."""
        self.bar.refresh(self._status)
        known = self.bar.playing
        self.save.setEnabled(known is not None and bool(known.notes.played))

    def _status(self, known: Playing) -> str:
        bar = int(known.position() // self.session.clock.beats_per_bar) + 1
        late = f"{known.notes.late} late" if known.notes.late else ""
        return " · ".join(part for part in (f"bar {max(1, bar)}", late) if part)

    # --- files ---

    def ask_save(self) -> None:
        """Choose where what was played is kept."""
        pick_file(self, "Save what was played", self.save_to, kinds=KINDS, save=True, name="played.mid")

    def save_to(self, path: Path) -> None:
        """Write what was played, as a job."""
        save_played(self.session, self.line, path)

    def _primer(self) -> str:
        values = self.values
        return next((name for name, param in values.params.items()
                     if isinstance(param, PathParam) and param.accepts == "midi"), "") if values is not None else ""

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        dropped = mime.read(event.mimeData())
        if dropped is not None and _midi(dropped.files) is not None and self._primer():
            event.acceptProposedAction()
        else:
            event.ignore()

    def dropEvent(self, event: QDropEvent) -> None:
        dropped = mime.read(event.mimeData())
        path = _midi(dropped.files) if dropped is not None else None
        name, values = self._primer(), self.values
        if path is not None and name and values is not None:
            self.edit({name: str(path)}, f"Primer {path.name}")
            if values.params[name].live:  # else its generator begins anew by itself
                self.session.playback.new_piece(self.line.name)
            event.acceptProposedAction()

    def close_view(self) -> None:
        self.bar.close_bar()
        super().close_view()


class MidiView(NotesView):
    """The MIDI sequencer: also what was chosen from, and other ways to go on."""

    def __init__(self, session: Session, line: Line | str, index: int, parent: QWidget | None = None) -> None:
        super().__init__(session, line, index, parent)
        self.count, self.length = 4, 2
        self._options: list[Option] = []
        self._after: Placed | None = None
        self._preview = -1
        self._asked = 0
        self._give_up: Callable[[], None] | None = None
        self.pick = tool_button("shuffle", "Pick among continuations", text="Pick next",
                                tip="Try several ways to go on and pick one (P)", size=16, clicked=self.propose)
        self.pick.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        self.pick.setMenu(self._pick_menu())
        self.bar.add(self.pick)
        self.choices = ChoicesRow(self)
        self.choices.hide()
        self.choices.chosen.connect(self.take)
        self.choices.looked_at.connect(self._look_at)
        self.choices.again.connect(self.propose)
        self.choices.closed.connect(self.close_choices)
        layout = self.layout()
        assert layout is not None
        layout.addWidget(self.choices)

    def _anew_tip(self) -> str:
        return "Begin a new piece after this bar"

    def _pick_menu(self) -> QMenu:
        menu = QMenu(self.pick)
        for text, name, values in (("ways", "count", COUNTS), ("bars long", "length", LENGTHS)):
            for value in values:
                action = menu.addAction(f"{value} {text if value > 1 else text.replace('bars', 'bar')}")
                action.setCheckable(True)
                action.setData((name, value))
                action.triggered.connect(lambda _=False, n=name, v=value: self._set(n, v))
            menu.addSeparator()
        menu.aboutToShow.connect(lambda: self._check(menu))
        return menu

    def _check(self, menu: QMenu) -> None:
        for action in menu.actions():
            if action.data():
                name, value = action.data()
                action.setChecked(getattr(self, name) == value)

    def _set(self, name: str, value: int) -> None:
        setattr(self, name, value)
        self.propose()

    def _more(self, known: Playing, state: RollState) -> None:
        details = self.details()
        state.drums = bool(details.get("drums", state.drums))
        state.voices = details.get("voices") or {}
        with known.notes.lock:
            blocks = list(known.notes.blocks)
        state.chances = chances_at(blocks, details.get("chances"), state.position)
        if 0 <= self._preview < len(self._options):
            after = self.session.playback.place_of(self.line.name, self._after)
            state.boundary = after.end if after is not None else state.position
            state.preview = notes_of(self._options[self._preview], state.boundary)

    def _status(self, known: Playing) -> str:
        label = str(self.details().get("label") or "")
        return " · ".join(part for part in (label, super()._status(known)) if part)

    # --- ways to go on ---

    def propose(self) -> None:
        """Let a thread try other continuations of what plays."""
        if self._give_up is not None:
            self._give_up()
        self._asked += 1
        self._options, self._preview = [], -1
        self.choices.wait(self.count)
        self.choices.show()
        beats = float(self.length * self.session.clock.beats_per_bar)
        self._give_up = self.session.playback.propose(
            self.line.name, self.count, beats, self._proposed, self.choices.fail, seed=self._asked,
        )

    def _proposed(self, options: Sequence[Option], after: Placed | None) -> None:
        self._options, self._after = list(options), after
        self.choices.show_options(options, self.session.clock.beats_per_bar)
        self.refresh()

    def refresh(self) -> None:
        super().refresh()
        if self._options and self.choices.isVisible():
            after = self.session.playback.place_of(self.line.name, self._after)
            self.choices.set_place(after.end / self.session.clock.beats_per_bar if after is not None else None)

    def _look_at(self, place: int) -> None:
        self._preview = place
        self.roll.update()

    def take(self, place: int) -> None:
        """Play this option next."""
        if 0 <= place < len(self._options):
            self.session.playback.take(self.line.name, self._options[place], self._after)
            self.close_choices()

    def close_choices(self) -> None:
        """Go on as it would have."""
        if self._give_up is not None:
            self._give_up()
            self._give_up = None
        self._options, self._preview = [], -1
        self.choices.hide()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        number = event.key() - Qt.Key.Key_1
        if event.key() == Qt.Key.Key_P:
            self.propose()
        elif event.key() == Qt.Key.Key_Escape and self.choices.isVisible():
            self.close_choices()
        elif self.choices.isVisible() and 0 <= number < len(self._options):
            self.take(number)
        else:
            super().keyPressEvent(event)

    def close_view(self) -> None:
        self.close_choices()
        super().close_view()


def _drums(known: Playing, played: Sequence[Played], coming: Sequence[Played]) -> bool:
    """Whether it is the drum channel alone that plays."""
    return bool(played or coming) and all(item.note.channel == DRUMS for item in (*played, *coming))


def _midi(files: Sequence[Path]) -> Path | None:
    return next((path for path in files if path.suffix.lower() in (".mid", ".midi")), None)
