"""The views of players, driven with real events: the roll that moves, continuations to pick, the page that types."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication, QTextCursor, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from studio.devices.midi_out import MidiError
from studio.devices.sound import SoundDevice
from studio.engine import Stage
from studio.engine.threads import stop_all
from studio.media import Note, Notes
from studio.midi_file import read_midi
from studio.plugins import Registry
from studio.session.playback_track import Letter, NotesTrack, Placed, Played
from studio.session.session import Session
from studio.ui import theme
from studio.ui.theme.tokens import NAMES, contrast
from studio.ui.views import view_class
from studio.ui.views.sequencer import GenericTextView, MidiView, NotesView, TextView, outputs
from studio.ui.views.sequencer.looks import chance_color, channel_color, drum_name, key_name, shown
from studio.ui.views.sequencer.roll import Roll
from studio.ui.views.sequencer.roll_paint import ivory, note_color
from studio.ui.views.sequencer.roll_state import Lanes, RollState, chances_at
from tests.stand import write_plugins

NOTES = '''
import numpy as np
from studio.api import Generator, Int, Note, Notes, Path

class Option:
    def __init__(self, blocks): self.blocks = blocks

class Branch:
    def options(self, count, beats, seed, check):
        return [Option((Notes((Note(80 + n, 90, 0.0, 1.0),), beats),)) for n in range(count)]

class Steps(Generator):
    """Four voices."""
    id, version, makes, title = "test.steps", 1, "notes", "Steps"
    pitch = Int(60, 0, 90)
    primer = Path("", accepts="midi", live=False)

    def setup(self, ctx):
        self.past, self.given = [], []

    def step(self, ctx):
        if "take" in ctx.wishes:
            self.given = list(ctx.wishes["take"].blocks)
        made = self.given.pop(0) if self.given else Notes(
            tuple(Note(self.pitch + 4 * v, 70 + 10 * v, float(b), 0.9, v) for b in range(4) for v in range(3)), 4.0)
        self.past = [*self.past[-7:], (made, Branch())]
        ctx.expose("branches", tuple(self.past))
        row = np.zeros((1, 128), np.float32); row[0, self.pitch] = 0.7; row[0, self.pitch + 2] = 0.2
        ctx.expose("chances", tuple((block, np.zeros(1, np.float32), row) for block, _ in self.past))
        ctx.expose("label", "C major")
        return made
'''

TEXT = '''
from studio.api import Generator

class Piece(str):
    choices = ()

class Writer:
    def words(self, text, count, check):
        return [("ly", 0.6), (" then", 0.3)] if text[-1:].isalpha() else [("once", 0.5), (",", 0.1)]

class Count(Generator):
    id, version, makes, title = "test.count", 1, "text", "Count"

    def setup(self, ctx):
        self.place, self.base = 0, "say it "

    def step(self, ctx):
        ctx.expose("writer", Writer())
        if "continue_from" in ctx.wishes:
            self.base, self.place = "<" + str(len(ctx.wishes["continue_from"])) + ">", 0
        letter = self.base[self.place % len(self.base)]
        self.place += 1
        made = Piece(letter)
        made.choices = ((0.5, ((letter, 0.5), ("q", 0.25), ("z", 0.125))),)
        return made
'''


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    made = Session(Registry(write_plugins(tmp_path, {"steps": NOTES, "count": TEXT})))
    yield made
    made.close()
    assert not stop_all(8.0)


class Shown:
    """A view with its session running."""

    def __init__(self, qtbot: QtBot, session: Session, view: type[Any], generator: str) -> None:
        self.qtbot, self.session = qtbot, session
        session.set_bpm(240.0)
        self.line = session.add_player()
        session.load("1", generator)
        session.playback.set_options("1", sink="silent")
        self.until(lambda: self.line.stages())
        self.view = view(session, self.line, 0)
        qtbot.addWidget(self.view)
        self.view.resize(1000, 460)
        self.view.show()
        qtbot.waitExposed(self.view)
        self.known = session.playback.playing["1"]

    def pump(self) -> bool:
        self.session.pump()
        if hasattr(self, "view"):
            self.view.refresh()
        return True

    def until(self, true: Callable[[], object]) -> None:
        self.qtbot.waitUntil(lambda: self.pump() and bool(true()), timeout=20_000)

    def click(self, widget: QWidget) -> None:
        self.qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)
        self.pump()


@pytest.fixture
def notes(qtbot: QtBot, session: Session) -> Iterator[Shown]:
    made = Shown(qtbot, session, MidiView, "test.steps")
    yield made
    made.view.close_view()


@pytest.fixture
def text(qtbot: QtBot, session: Session) -> Iterator[Shown]:
    made = Shown(qtbot, session, TextView, "test.count")
    made.session.playback.set_options("1", rate=60.0)
    yield made
    made.view.close_view()


def wheel(widget: QWidget, turns: int, keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    place = QPointF(widget.rect().center())
    event = QWheelEvent(place, QPointF(widget.mapToGlobal(place.toPoint())), QPoint(), QPoint(0, 120 * turns),
                        Qt.MouseButton.NoButton, keys, Qt.ScrollPhase.NoScrollPhase, False)
    QApplication.sendEvent(widget, event)


# --- notes ---


def test_the_roll_moves_with_the_music(notes: Shown) -> None:
    roll = notes.view.roll
    notes.until(lambda: roll.state.played and roll.state.moving)
    first, painted = roll.frame.left, roll.painted
    notes.until(lambda: roll.frame.left > first + 1.0)
    assert roll.painted > painted + 5
    assert roll.taped < roll.painted, "what only moves is not painted each time"
    notes.until(lambda: "C major · bar" in notes.view.bar.status.text())
    assert roll.state.coming, "what comes is known"


def test_what_sounds_is_lit_and_ghosts_are_faint(notes: Shown) -> None:
    roll = notes.view.roll
    notes.until(lambda: len(roll.state.played) > 20 and roll.state.coming)
    notes.session.playback.pause("1")
    roll.advance()
    image = roll.grab().toImage()
    frame = roll.frame
    ground = image.pixelColor(round(frame.grid.left()) + 3, round(frame.grid.bottom()) - 3)

    def strength(item: Played) -> int:
        rect = frame.rect(item, roll.lanes)
        assert rect is not None
        color = image.pixelColor(rect.center().toPoint())
        return sum(abs(a - b) for a, b in zip(color.getRgb()[:3], ground.getRgb()[:3], strict=True))

    played = next(item for item in reversed(roll.state.played) if item.beat < roll.state.position - 1.5)
    ghost = next((item for item in sorted(roll.state.coming, key=lambda i: i.beat)
                  if frame.x(item.beat + 0.9) < frame.grid.right()), None)
    assert ghost is not None and strength(played) > 2 * strength(ghost) > 0


def test_chances_are_shown_beside_the_roll(notes: Shown) -> None:
    roll = notes.view.roll
    notes.until(lambda: roll._odds[60] > 0.5)
    y = roll.lanes.top(60, roll.frame.strip) + roll.lanes.height(roll.frame.strip) / 2
    assert roll.describe(QPointF(roll.frame.strip.center().x(), y)).startswith("C4 · ")


def test_pause_play_stop_by_mouse(notes: Shown) -> None:
    bar = notes.view.bar
    notes.until(lambda: notes.known.state == "playing")
    notes.click(bar.play)
    assert notes.known.state == "paused" and bar.play.accessibleName() == "Play"
    assert bar.status.text().startswith("Paused")
    place = notes.known.position()
    notes.click(bar.play)
    notes.until(lambda: notes.known.position() > place + 1.0)
    notes.click(bar.stop)
    assert notes.known.state == "stopped" and not bar.stop.isEnabled()
    notes.click(bar.play)
    notes.until(lambda: notes.known.state == "playing" and notes.known.notes.played)


def test_mute_volume_and_panic(notes: Shown) -> None:
    bar = notes.view.bar
    notes.click(bar.mute)
    assert notes.known.options.mute and not bar.volume.isEnabled()
    notes.click(bar.mute)
    notes.session.playback.set_options("1", sink="synth")
    notes.pump()
    slider = bar.volume
    start = QPoint(slider.width() // 2, slider.height() // 2)
    notes.qtbot.mousePress(slider, Qt.MouseButton.LeftButton, pos=start)
    for x in range(start.x(), 14, -4):
        notes.qtbot.mouseMove(slider, QPoint(x, start.y()))
        QApplication.processEvents()
    notes.qtbot.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=QPoint(14, start.y()))
    assert notes.known.options.volume < 0.3
    notes.session.undo()
    assert notes.known.options.volume == 0.8, "a drag is one step"
    notes.click(bar.panic)
    assert notes.known.state == "playing"


def test_scroll_zoom_and_back(notes: Shown) -> None:
    roll = notes.view.roll
    notes.until(lambda: roll.state.played)
    low = roll.lanes.low
    wheel(roll, 2)
    assert roll.lanes.low > low and not roll.lanes.auto
    beats = roll.beats
    wheel(roll, 2, Qt.KeyboardModifier.ControlModifier)
    assert roll.beats < beats
    wheel(roll, -4, Qt.KeyboardModifier.ControlModifier)
    assert roll.beats > beats
    span = roll.lanes.high - roll.lanes.low
    wheel(roll, 2, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert roll.lanes.high - roll.lanes.low < span
    notes.until(lambda: roll.state.position > 6.0)
    middle = roll.rect().center()
    notes.qtbot.mousePress(roll, Qt.MouseButton.LeftButton, pos=middle)
    notes.qtbot.mouseMove(roll, middle + QPoint(40, 10))
    notes.qtbot.mouseMove(roll, middle + QPoint(120, 20))
    notes.qtbot.mouseRelease(roll, Qt.MouseButton.LeftButton, pos=middle + QPoint(120, 20))
    assert roll.pan < 0.0
    notes.until(lambda: roll._back.width() > 0)
    notes.qtbot.mouseClick(roll, Qt.MouseButton.LeftButton, pos=roll._back.center().toPoint())
    assert roll.pan == 0.0 and roll.lanes.auto
    roll.setFocus()
    notes.qtbot.keyClick(roll, Qt.Key.Key_Left)
    notes.qtbot.keyClick(roll, Qt.Key.Key_Up)
    assert roll.pan < 0.0 and not roll.lanes.auto
    notes.qtbot.keyClick(roll, Qt.Key.Key_Home)
    assert roll.pan == 0.0 and roll.lanes.auto


def test_a_note_under_the_pointer_is_described(notes: Shown) -> None:
    roll = notes.view.roll
    notes.until(lambda: len(roll.state.played) > 12)
    notes.session.playback.pause("1")
    roll.advance()
    item = next(item for item in roll.state.played if item.beat < roll.state.position - 0.5 and item.note.pitch == 64)
    rect = roll.frame.rect(item, roll.lanes)
    assert rect is not None
    assert roll.describe(rect.center()) == "E4 · velocity 80 · 0.9 beats"
    assert roll.describe(QPointF(2, 2)) == ""


def test_one_of_several_ways_is_picked_with_a_click(notes: Shown) -> None:
    view = notes.view
    notes.until(lambda: notes.known.state == "playing" and notes.known.notes.played)
    notes.click(view.pick)
    assert view.choices.isVisible() and len(view.choices.cards) == 4
    notes.until(lambda: all(card.isEnabled() for card in view.choices.cards))
    assert "after bar" in view.choices.label.text()
    card = view.choices.cards[2]
    QApplication.sendEvent(card, QEvent(QEvent.Type.Leave))
    card.entered.emit(2)
    view.roll.advance()
    assert view.roll.state.preview and view.roll.state.preview[0].note.pitch == 82
    notes.click(card)
    assert not view.choices.isVisible()
    notes.until(lambda: any(item.note.pitch == 82 for item in notes.known.notes.played))
    assert not any(item.note.pitch in (80, 81, 83) for item in notes.known.notes.played)


def test_continuations_by_keys(notes: Shown) -> None:
    view = notes.view
    notes.until(lambda: notes.known.state == "playing" and notes.known.notes.played)
    view.setFocus()
    notes.qtbot.keyClick(view, Qt.Key.Key_P)
    notes.until(lambda: view._options)
    notes.qtbot.keyClick(view, Qt.Key.Key_Escape)
    assert not view.choices.isVisible() and not view._options
    menu = view.pick.menu()
    next(action for action in menu.actions() if action.data() == ("count", 6)).trigger()
    notes.until(lambda: len(view._options) == 6)
    notes.qtbot.keyClick(view, Qt.Key.Key_2)
    notes.until(lambda: any(item.note.pitch == 81 for item in notes.known.notes.played))


def test_what_was_played_is_saved(notes: Shown, tmp_path: Path) -> None:
    notes.until(lambda: len(notes.known.notes.played) > 12)
    assert notes.view.save.isEnabled()
    notes.view.save_to(tmp_path / "x.mid")
    job = notes.session.jobs.jobs[0]
    notes.until(lambda: job.state not in ("waiting", "running"))
    assert len(read_midi(tmp_path / "x.mid").notes) > 12
    notes.click(notes.view.save)
    dialog = next(w for w in QApplication.topLevelWidgets() if w.windowTitle() == "Save what was played")
    dialog.close()


def test_a_dropped_midi_file_is_the_primer(notes: Shown, tmp_path: Path) -> None:
    path = tmp_path / "p.mid"
    path.write_bytes(b"")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    view = notes.view
    enter = QDragEnterEvent(QPoint(50, 50), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
                            Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(view, enter)
    assert enter.isAccepted()
    drop = QDropEvent(QPointF(50, 50), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
                      Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(view, drop)
    assert view.value("primer") == str(path)
    assert notes.session.history.undo_label == "Primer p.mid"
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "p.png"))])
    enter = QDragEnterEvent(QPoint(50, 50), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
                            Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(view, enter)
    assert not enter.isAccepted()


def test_where_it_is_heard_is_chosen_in_a_menu(notes: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs, "sound_outputs", lambda: [SoundDevice("Card", 0, 48000)])
    monkeypatch.setattr(outputs, "midi_outputs", lambda: ["Synth 128:0"])
    chooser = notes.view.bar.outputs
    chooser.menu.aboutToShow.emit()
    notes.until(lambda: chooser._found is not None)
    names = [action.text() for action in chooser.menu.actions() if action.text()]
    assert {"Built-in synth", "Synth 128:0", "Silent", "Synth plays through"} <= set(names)
    next(action for action in chooser.menu.actions() if action.text() == "Synth 128:0").trigger()
    assert (notes.known.options.sink, notes.known.options.port) == ("midi", "Synth 128:0")
    notes.until(lambda: "Synth 128:0" in chooser.button.toolTip())

    def none() -> list[str]:
        raise MidiError("no MIDI port is there", "plug in an instrument")

    monkeypatch.setattr(outputs, "midi_outputs", none)
    chooser.menu.aboutToShow.emit()
    notes.until(lambda: chooser._found is not None and chooser._found.no_ports)
    reason = next(action for action in chooser.menu.actions() if "plug in" in action.text())
    assert not reason.isEnabled()


def test_users_plugins_get_the_general_views(qtbot: QtBot, session: Session) -> None:
    assert view_class("test.steps", "notes") is NotesView and view_class("test.count", "text") is GenericTextView
    shown_view = Shown(qtbot, session, NotesView, "test.steps")
    shown_view.until(lambda: shown_view.view.roll.state.played)
    assert shown_view.view.roll.state.chances is None
    shown_view.view.close_view()


# --- without a session ---


def test_lanes_follow_pitches_and_drums() -> None:
    lanes = Lanes()
    high = [Played(0.0, Note(100, 80, 0.0, 1.0)), Played(1.0, Note(90, 80, 0.0, 1.0))]
    for _ in range(200):
        moves = lanes.follow(high, False)
    assert lanes.low <= 88 and lanes.high >= 102 and not moves
    lanes.move(-20.0)
    where = lanes.low
    lanes.follow(high, False)
    assert lanes.low == where, "a hand's choice stays"
    drums = Lanes()
    assert drums.follow([Played(0.0, Note(56, 80, 0.0, 0.1, 9))], True)
    assert drums.rows[0] == 36 and 56 in drums.rows
    assert not drums.follow([Played(0.0, Note(56, 80, 0.0, 0.1, 9))], True)


def test_chances_belong_to_the_block_that_plays() -> None:
    one, two = Notes((), 4.0), Notes((Note(60, 80, 0.0, 1.0),), 4.0)
    rows = np.eye(128, dtype=np.float32)[:3]
    exposed = [(one, np.array([0.0, 1.0, 2.0], np.float32), rows), (two, np.zeros(0, np.float32), rows[:0])]
    blocks = [Placed(8.0, one, 4.0), Placed(12.0, two, 4.0)]
    for position, row in ((8.0, 0), (9.2, 1), (11.9, 2)):
        found = chances_at(blocks, exposed, position)
        assert found is not None and found[row] == 1.0
    assert chances_at(blocks, exposed, 13.0) is None and chances_at(blocks, None, 9.0) is None


@pytest.mark.parametrize("name", NAMES)
def test_the_names_of_octaves_can_be_read(qtbot: QtBot, name: str) -> None:
    before = theme.current()
    theme.apply(QApplication.instance(), name)
    try:
        assert contrast(ivory().name(), theme.color("window").name()) >= 9.0
    finally:
        theme.apply(QApplication.instance(), before)


def test_names_and_colours() -> None:
    assert key_name(60) == "C4" and drum_name(36) == "Bass drum" and drum_name(3) == "Drum 3"
    assert shown("\n") == "⏎" and shown("a") == "a"
    assert len({channel_color(channel).name() for channel in range(4)}) == 4
    loud, soft = (note_color(Played(0.0, Note(60, v, 0.0, 1.0)), False).lightness() for v in (120, 20))
    assert loud > soft
    assert len({chance_color(chance).name() for chance in (None, 0.02, 0.3, 0.95)}) == 4


def test_a_long_piece_is_painted_in_time(qtbot: QtBot) -> None:
    track = NotesTrack()
    roll = Roll(lambda low, high: RollState(position=20_000.0, moving=True, played=track.window(low, high)[0]))
    track.played = [Played(n / 2, Note(40 + n % 50, 80, 0.0, 0.5)) for n in range(40_000)]
    qtbot.addWidget(roll)
    roll.resize(900, 300)
    roll.show()
    roll.advance()
    begin = time.perf_counter()
    for _ in range(10):
        roll.advance()
    assert time.perf_counter() - begin < 1.0 and len(roll.state.played) < 200


# --- text ---


def test_text_appears_as_it_is_typed(text: Shown) -> None:
    page = text.view.page
    text.until(lambda: page.toPlainText().startswith("say it say it"))
    assert [letter.character for letter in page.letters] == list(page.toPlainText())
    count = len(page.letters)
    text.until(lambda: len(page.letters) > count)
    text.until(lambda: "characters" in text.view.bar.status.text())
    text.until(lambda: text.view.train._coming and text.view.train._written)


def test_a_letter_shows_what_it_was_chosen_from(text: Shown) -> None:
    page, popup = text.view.page, text.view.popup
    text.until(lambda: len(page.letters) > 10)
    text.session.playback.pause("1")
    text.view.advance()
    cursor = QTextCursor(page.document())
    cursor.setPosition(1)
    left = page.cursorRect(cursor)
    text.qtbot.mouseMove(page.viewport(), left.center() + QPoint(4, 0))
    text.until(lambda: popup.isVisible())
    assert popup.letter is page.letters[1] and popup.accessibleName() == "a had 50%"
    text.qtbot.mouseMove(page.viewport(), QPoint(page.viewport().width() - 4, page.viewport().height() - 4))
    text.until(lambda: not popup.isVisible())
    place = QPoint(text.view.train._start() + 30, 12)
    text.qtbot.mouseMove(text.view.train, place)
    text.until(lambda: popup.isVisible())


def test_the_next_word_and_letter_are_picked(text: Shown) -> None:
    view = text.view
    text.until(lambda: view.words.buttons[0].isVisible() and len(view.page.letters) > 8)
    text.session.playback.pause("1")
    text.until(lambda: view._task is None and view._offered and view._offered == view.page.letters)
    before = view.page.toPlainText()
    word = view.words.buttons[0]
    text.click(word)
    text.until(lambda: len(view.page.letters) > len(before) + len(word.value) + 3)
    assert view.page.toPlainText().startswith(before + word.value + f"<{len(before + word.value)}>"[:3])
    text.session.playback.pause("1")
    text.until(lambda: view.next_letters.buttons[1].isVisible())
    view.advance()
    before = view.page.toPlainText()
    letter = view.next_letters.buttons[1].value
    text.click(view.next_letters.buttons[1])
    view.advance()
    assert view.page.toPlainText().startswith(before + letter) and letter == "q"
    assert view.page.letters[len(before)].chance == 0.25


def test_edit_and_continue_from_the_cursor(text: Shown) -> None:
    view, page = text.view, text.view.page
    text.until(lambda: len(page.letters) > 12)
    page.setFocus()
    page.moveCursor(QTextCursor.MoveOperation.Start)
    text.qtbot.keyClicks(page, "Oh ")
    assert page.toPlainText().startswith("Oh say it") and text.known.state == "paused"
    assert view.edit_row.isVisible()
    assert page.letters[0] == Letter("O") and page.letters[3].chance == 0.5
    assert len(page.letters) == len(page.toPlainText())
    for _ in range(3):
        text.qtbot.keyClick(page, Qt.Key.Key_Right)
    text.qtbot.keyClick(page, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert not view.edit_row.isVisible()
    text.until(lambda: page.toPlainText().startswith("Oh say<6><6>"))
    assert text.known.state == "playing"


def test_the_row_of_an_edit_has_its_place_reserved(text: Shown) -> None:
    view = text.view
    before, page = view.minimumSizeHint(), view.page.height()
    assert not view.edit_row.isVisible()
    view._edited()
    assert view.edit_row.isVisible()
    text.qtbot.waitUntil(lambda: view.edit_row.height() > 0)
    assert view.minimumSizeHint() == before and view.page.height() == page


def test_edits_can_be_undone(text: Shown) -> None:
    view, page = text.view, text.view.page
    text.until(lambda: len(page.letters) > 12)
    page.setFocus()
    text.qtbot.keyClicks(page, "xyz")
    text.qtbot.keyClick(page, Qt.Key.Key_Backspace)
    assert page.toPlainText().endswith("xy")
    text.click(view.drop_edits)
    assert page.toPlainText() == text.known.text.text and "x" not in page.toPlainText()
    text.click(view.bar.play)
    count = len(page.letters)
    text.until(lambda: len(page.letters) > count)


def test_speed_per_beat_face_copy_clear_and_save(text: Shown, tmp_path: Path) -> None:
    view, page = text.view, text.view.page
    text.until(lambda: len(page.letters) > 6)
    slider = view.rate
    text.qtbot.mouseClick(slider, Qt.MouseButton.LeftButton, pos=QPoint(slider.width() - 7, slider.height() // 2))
    assert text.known.options.rate > 300.0
    text.click(view.per_beat)
    assert text.known.options.per_beat
    text.pump()
    assert view.rate_label.text().endswith("/beat")
    width = page.fontMetrics().horizontalAdvance("iiii")
    text.click(view.face)
    assert page.mono and page.fontMetrics().horizontalAdvance("iiii") != width
    text.session.playback.pause("1")
    view.advance()
    text.click(view.copy)
    assert QGuiApplication.clipboard().text() == page.toPlainText()
    view.save_to(tmp_path / "t.txt")
    job = text.session.jobs.jobs[0]
    text.until(lambda: job.state not in ("waiting", "running"))
    assert (tmp_path / "t.txt").read_text() == page.toPlainText()
    text.click(view.clear)
    assert page.toPlainText() == "" and not text.known.text.letters


def test_who_reads_further_up_is_not_pulled_down(text: Shown) -> None:
    view, page = text.view, text.view.page
    view.write([Letter(character) for character in "line\n" * 200])
    text.until(lambda: len(page.letters) > 1010)
    page.verticalScrollBar().setValue(0)
    count = len(page.letters)
    text.until(lambda: len(page.letters) > count + 5)
    assert page.verticalScrollBar().value() == 0


def test_a_small_view_keeps_its_page(text: Shown) -> None:
    text.view.resize(480, 200)
    QApplication.processEvents()
    assert not text.view.side.isVisible() and text.view.page.isVisible()
    text.view.resize(900, 240)
    QApplication.processEvents()
    assert text.view.side.isVisible() and not text.view.next_letters.isVisible()


def test_stages_are_not_touched_by_the_views(text: Shown) -> None:
    stage = text.line.stages()[0]
    assert isinstance(stage, Stage) and not stage.values.unknown
