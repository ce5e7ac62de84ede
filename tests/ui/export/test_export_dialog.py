"""The export dialog, driven by mouse and keys; the files it makes are read again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QDialog, QPushButton

from studio import picture
from studio.export import open_writer, read_recipe
from studio.media import Audio
from studio.midi_file import read_midi
from studio.params import Choice, Float
from studio.session.session import Session
from studio.ui.export import ExportDialog
from studio.ui.export.sizes import way_to_loop
from studio.ui.inspector.controls import Segments
from tests.stand import write_plugin
from tests.ui.stand import pumped

WAVE = '''
import numpy as np
from studio.api import Float, Generator

class Wave(Generator):
    """Colours that come round."""
    id, version, makes, title = "test.wave", 1, "image", "Wave"
    period = Float(1.0, 0.1, 10.0, unit="s")

    @classmethod
    def loop_seconds(cls, values, bpm):
        return values["period"]

    def step(self, ctx):
        width, height = ctx.size or (64, 48)
        x = np.linspace(0.0, 1.0, width, dtype=np.float32)
        turn = 2 * np.pi * (x + ctx.t / self.period)
        row = np.stack([0.5 + 0.5 * np.cos(turn), 0.5 + 0.5 * np.sin(turn), x], axis=1)
        return np.repeat(row[None], height, axis=0)
'''


PLAIN = '''
import numpy as np
from studio.api import Generator

class Plain(Generator):
    """What comes in."""
    id, version, makes, takes, title = "test.plain", 1, "image", "image", "Plain"

    def step(self, ctx):
        return ctx.input if ctx.input is not None else np.zeros((48, 64, 3), np.float32)
'''


@pytest.fixture
def session(session: Session, tmp_path: Path) -> Session:
    session.registry.add(write_plugin(tmp_path, "wave", WAVE))
    session.settings.set("export_folder", str(tmp_path / "out"))
    return session


@pytest.fixture
def waving(session: Session, qtbot: Any) -> Session:
    session.load("A", "test.wave")
    pumped(session, qtbot, lambda: session.decks["A"].frame() is not None)
    return session


def opened(session: Session, qtbot: Any, line: str = "A") -> ExportDialog:
    made = ExportDialog(session, line)
    made.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    return made


def click(qtbot: Any, segments: Segments, name: str) -> None:
    box = segments.boxes(segments.width())[name]
    qtbot.mouseClick(segments, Qt.MouseButton.LeftButton, pos=box.center())


def choose(qtbot: Any, dialog: ExportDialog, key: str) -> None:
    """Click a format in the list."""
    for row in range(dialog.formats.count()):
        item = dialog.formats.item(row)
        if item.data(Qt.ItemDataRole.UserRole) == key:
            spot = dialog.formats.visualItemRect(item).center()
            qtbot.mouseClick(dialog.formats.viewport(), Qt.MouseButton.LeftButton, pos=spot)
            return
    raise AssertionError(f"{key} is not offered")


def type_name(qtbot: Any, dialog: ExportDialog, name: str) -> None:
    dialog.name.setFocus()
    dialog.name.selectAll()
    qtbot.keyClicks(dialog.name, name)


def export(qtbot: Any, dialog: ExportDialog) -> Path:
    qtbot.mouseClick(dialog.foot.start, Qt.MouseButton.LeftButton)
    assert dialog.job is not None
    job = dialog.job
    pumped(dialog.session, qtbot, lambda: job.state != "running")
    assert job.state == "done", job.error
    qtbot.waitUntil(lambda: dialog.foot.open.isVisible())
    return job.result().path


def asked() -> QDialog | None:
    return next((w for w in QApplication.topLevelWidgets() if isinstance(w, QDialog) and w.isVisible()
                 and not isinstance(w, ExportDialog)), None)


def press(qtbot: Any, dialog: QDialog, text: str) -> None:
    button = next(found for found in dialog.findChildren(QPushButton) if found.text() == text)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_the_picture_on_screen_is_one_click(waving: Session, qtbot: Any) -> None:
    dialog = opened(waving, qtbot)
    assert dialog.name.text().endswith(".png")
    assert dialog.form.size_row is not None and not dialog.form.size_row.isEnabled()
    path = export(qtbot, dialog)
    assert picture.read_image(path).shape == (48, 64, 3)
    assert read_recipe(path)["stages"][0]["generator"] == "test.wave"
    assert "ready" in dialog.note.text() and dialog.foot.open.isVisible()


def test_a_still_is_rendered_anew_in_any_size(waving: Session, qtbot: Any) -> None:
    dialog = opened(waving, qtbot)
    assert dialog.form.still is not None and dialog.form.size_row is not None
    click(qtbot, dialog.form.still, "rendered anew")
    assert dialog.form.size_row.isEnabled()
    dialog.form.size_row.choose("Square")
    assert "1080 × 1080" in dialog.note.text() and "memory" in dialog.note.text()
    path = export(qtbot, dialog)
    assert picture.read_image(path).shape == (1080, 1080, 3)


def test_the_way_to_a_loop_of_another_length_is_named() -> None:
    both = {"mode": Choice("walk", ["walk", "loop"]), "loop_length": Float(8.0, 1.0, 9.0, applies={"mode": "loop"})}
    assert way_to_loop(both) == "set Mode to loop, then Loop length in the inspector"
    assert way_to_loop({"loop_time": Float(8.0, 1.0, 9.0)}) == "set Loop time in the inspector"
    assert way_to_loop({}) == "see the inspector"


def test_one_loop_closes_to_the_frame(waving: Session, qtbot: Any) -> None:
    waving.set_value("A", 0, "period", 0.93)
    dialog = opened(waving, qtbot)
    choose(qtbot, dialog, "sequence")
    assert dialog.form.length is not None and dialog.form.length.mode() == "one loop"
    assert "one loop, closed" in dialog.note.text()
    plan = dialog.form.plan(dialog.path())
    assert plan is not None and plan.frames == 28 and plan.frames / plan.fps == pytest.approx(0.93)
    folder = export(qtbot, dialog)
    frames = sorted(folder.iterdir())
    assert len(frames) == 28
    first, second, last = (picture.read_image(frames[i]).astype(int) for i in (0, 1, 27))
    there, back = np.abs(second - first).max(), np.abs(first - last).max()
    assert abs(there - back) <= 3  # the seam is a step like the others


def test_a_length_that_does_not_close_says_so(waving: Session, qtbot: Any) -> None:
    waving.set_value("A", 0, "period", 0.8)
    dialog = opened(waving, qtbot)
    choose(qtbot, dialog, "gif")
    assert dialog.form.length is not None
    dialog.form.length.choose("seconds", 0.5)
    assert "a loop takes 0.8 s" in dialog.note.text()
    dialog.form.length.choose("seconds", 1.6)  # two loops, which close
    assert "a loop takes" not in dialog.note.text()


def test_one_button_takes_the_loops_own_length(waving: Session, qtbot: Any) -> None:
    waving.set_value("A", 0, "period", 0.8)
    dialog = opened(waving, qtbot)
    choose(qtbot, dialog, "mp4")
    assert dialog.form.length is not None and not dialog.close_loop.isVisible()
    dialog.form.length.choose("seconds", 0.5)
    assert dialog.close_loop.isVisible() and dialog.close_loop.text() == "Use its own loop of 0.8 s"
    qtbot.mouseClick(dialog.close_loop, Qt.MouseButton.LeftButton)
    assert "one loop, closed" in dialog.note.text() and not dialog.close_loop.isVisible()
    plan = dialog.form.plan(dialog.path())
    assert plan is not None and plan.frames == 24


@pytest.mark.parametrize("line", ["A", "mix"])
def test_one_button_makes_the_loop_as_long_as_wished(session: Session, qtbot: Any, tmp_path: Path, line: str) -> None:
    beats = WAVE.replace("test.wave", "test.turn").replace("period", "loop_beats").replace(
        'return values["loop_beats"]', 'return values["loop_beats"] * 60.0 / bpm')
    assert "60.0 / bpm" in beats
    session.registry.add(write_plugin(tmp_path, "turn", beats))
    session.load("A", "test.turn")
    pumped(session, qtbot, lambda: session.decks["A"].frame() is not None)
    session.set_bpm(90.0)
    dialog = opened(session, qtbot, line)
    choose(qtbot, dialog, "mp4")
    assert dialog.form.length is not None
    dialog.form.length.choose("seconds", 1.0)
    assert dialog.close_loop.text() == "Make its loop 1 s long"
    qtbot.mouseClick(dialog.close_loop, Qt.MouseButton.LeftButton)
    assert session.decks["A"].slots[0].stage.values["loop_beats"] == pytest.approx(1.5)  # type: ignore[union-attr]
    plan = dialog.form.plan(dialog.path())
    assert plan is not None and plan.frames == 30 and "one loop, closed" in dialog.note.text()
    assert not dialog.close_loop.isVisible()
    session.undo()
    assert session.decks["A"].slots[0].stage.values["loop_beats"] != pytest.approx(1.5)  # type: ignore[union-attr]


def test_a_clip_offers_its_own_length_and_rate(session: Session, qtbot: Any, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    with open_writer(clip, fps=12.5) as writer:
        for number in range(20):
            writer.add(np.full((48, 64, 3), number * 10, np.uint8))
    session.registry.add(write_plugin(tmp_path, "plain", PLAIN))
    session.add_effect("A", "test.plain")
    session.set_input("A", str(clip))
    pumped(session, qtbot, lambda: session.decks["A"].frame() is not None)
    dialog = opened(session, qtbot)
    choose(qtbot, dialog, "mp4")
    form = dialog.form
    pumped(session, qtbot, lambda: form.seconds() == pytest.approx(1.6, abs=0.01))
    assert form.rate is not None and form.rate.value() == pytest.approx(12.5) and "12.5" in form.rate.currentText()
    plan = form.plan(dialog.path())
    assert plan is not None and plan.frames == 20
    choose(qtbot, dialog, "webm")
    assert form.length is not None and form.seconds() == pytest.approx(1.6, abs=0.01), "known at once"
    form.length.choose("seconds", 3.0)
    assert form.seconds() == 3.0


def test_close_stands_in_one_place(waving: Session, qtbot: Any) -> None:
    dialog = opened(waving, qtbot)
    choose(qtbot, dialog, "sequence")
    foot = dialog.foot
    before = foot.close_it.mapTo(dialog, foot.close_it.rect().bottomRight())
    qtbot.mouseClick(foot.start, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: foot.cancel.isVisible())
    assert foot.close_it.mapTo(dialog, foot.close_it.rect().bottomRight()) == before
    pumped(waving, qtbot, lambda: foot.start.isVisible() and foot.open.isVisible())
    qtbot.waitUntil(lambda: foot.close_it.mapTo(dialog, foot.close_it.rect().bottomRight()) == before)


def test_it_is_the_look_of_the_click(waving: Session, qtbot: Any) -> None:
    dialog = opened(waving, qtbot)
    choose(qtbot, dialog, "sequence")
    waving.set_value("A", 0, "period", 0.2)  # while the dialog is open
    folder = export(qtbot, dialog)
    assert len(list(folder.iterdir())) == 6
    assert read_recipe(folder)["stages"][0]["params"]["period"] == pytest.approx(0.2)


def test_length_in_beats_follows_the_tempo(waving: Session, qtbot: Any) -> None:
    waving.set_bpm(60.0)
    dialog = opened(waving, qtbot)
    choose(qtbot, dialog, "mp4")
    assert dialog.form.length is not None
    click(qtbot, dialog.form.length.modes, "beats")
    dialog.form.length.amount.setFocus()
    dialog.form.length.amount.selectAll()
    qtbot.keyClicks(dialog.form.length.amount, "3")
    qtbot.keyClick(dialog.form.length.amount, Qt.Key.Key_Tab)
    plan = dialog.form.plan(dialog.path())
    assert plan is not None and plan.frames == 90


def test_a_gif_is_shown_before_it_is_made(waving: Session, qtbot: Any, tmp_path: Path) -> None:
    dialog = opened(waving, qtbot)
    choose(qtbot, dialog, "gif")
    gif = dialog.form.gif
    assert gif is not None and dialog.form.options is not None
    pumped(waving, qtbot, lambda: gif.result is not None)
    assert len(gif.swatches.colours()) >= 60 and "about" in gif.size_text.text()
    before = gif.result
    repeats = dialog.form.options.rows["loop"].spin
    assert repeats.text() == "forever" and repeats.value() == 0
    repeats.setValue(3)
    assert repeats.text() == "3"
    repeats.setValue(0)
    colours = dialog.form.options.rows["colours"].spin
    colours.setFocus()
    colours.selectAll()
    qtbot.keyClicks(colours, "8")
    qtbot.keyClick(colours, Qt.Key.Key_Tab)
    pumped(waving, qtbot, lambda: gif.result is not before)
    assert gif.result is not None and before is not None
    assert len(gif.swatches.colours()) <= 8 and gif.result.size < before.size
    path = export(qtbot, dialog)
    assert 0.4 < gif.result.size / path.stat().st_size < 2.5
    assert read_recipe(path)["options"]["colours"] == 8
    qtbot.mouseMove(gif.wipe, QPoint(10, gif.wipe.height() // 2))
    qtbot.keyClick(gif.wipe, Qt.Key.Key_Right)
    assert gif.wipe.share > 0


def test_two_seconds_of_video_are_sixty_pictures_that_move(waving: Session, qtbot: Any) -> None:
    import av

    dialog = opened(waving, qtbot)
    choose(qtbot, dialog, "mp4")
    assert dialog.form.length is not None
    click(qtbot, dialog.form.length.modes, "seconds")
    dialog.form.length.amount.setFocus()
    dialog.form.length.amount.selectAll()
    qtbot.keyClicks(dialog.form.length.amount, "2")
    qtbot.keyClick(dialog.form.length.amount, Qt.Key.Key_Tab)
    path = export(qtbot, dialog)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == 30
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
    assert len(pictures) == 60 and {made.shape for made in pictures} == {(48, 64, 3)}
    # the wave comes round in one second: half of it is far away, the whole is here again
    apart = [np.abs(pictures[place].astype(int) - pictures[10]).mean() for place in (25, 40)]
    assert apart[0] > 60 and apart[1] < 12


def test_what_memory_does_not_allow_cannot_be_started(
    waving: Session, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from studio.session import memory

    monkeypatch.setattr(memory, "available", lambda: 1_500_000_000)
    dialog = opened(waving, qtbot)
    choose(qtbot, dialog, "mp4")
    assert dialog.form.size_row is not None
    dialog.form.size_row.choose("8K")
    assert "7680x4320" in dialog.note.text() and "1.5 GB" in dialog.note.text()
    assert not dialog.foot.start.isEnabled()
    dialog.form.size_row.choose("HD")
    assert dialog.foot.start.isEnabled()


def test_a_file_that_is_there_is_asked_about(waving: Session, qtbot: Any, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.png").write_bytes(b"keep me")
    dialog = opened(waving, qtbot)
    type_name(qtbot, dialog, "mine.png")
    qtbot.mouseClick(dialog.foot.start, Qt.MouseButton.LeftButton)
    question = asked()
    assert question is not None and dialog.job is None
    press(qtbot, question, "Cancel")
    assert (tmp_path / "out" / "mine.png").read_bytes() == b"keep me"
    qtbot.mouseClick(dialog.foot.start, Qt.MouseButton.LeftButton)
    question = asked()
    assert question is not None
    press(qtbot, question, "Replace")
    job = dialog.job
    assert job is not None
    pumped(waving, qtbot, lambda: job.state == "done")
    assert read_recipe(tmp_path / "out" / "mine.png")


@pytest.mark.parametrize("name", ["a.gif", "a/b.png", "  ", "noending"])
def test_names_that_cannot_be_are_refused(waving: Session, qtbot: Any, name: str) -> None:
    dialog = opened(waving, qtbot)
    type_name(qtbot, dialog, name)
    assert not dialog.foot.start.isEnabled() and dialog.note.text()


def test_cancel_leaves_nothing_and_the_dialog_may_be_closed_meanwhile(
    waving: Session, qtbot: Any, tmp_path: Path
) -> None:
    dialog = opened(waving, qtbot)
    choose(qtbot, dialog, "mp4")
    assert dialog.form.length is not None
    dialog.form.length.choose("seconds", 5000.0)
    qtbot.mouseClick(dialog.foot.start, Qt.MouseButton.LeftButton)
    job = dialog.job
    assert job is not None
    pumped(waving, qtbot, lambda: job.progress > 0)
    qtbot.waitUntil(lambda: dialog.foot.bar.isVisible() and dialog.foot.words.text() != "")
    qtbot.mouseClick(dialog.foot.cancel, Qt.MouseButton.LeftButton)
    pumped(waving, qtbot, lambda: job.state == "cancelled")
    qtbot.waitUntil(lambda: "Cancelled" in dialog.note.text())
    assert list((tmp_path / "out").iterdir()) == []
    qtbot.mouseClick(dialog.foot.start, Qt.MouseButton.LeftButton)
    again = dialog.job
    assert again is not None and again is not job
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible() and again.state == "running"
    again.cancel()
    pumped(waving, qtbot, lambda: again.state == "cancelled")


def test_a_player_becomes_midi_and_sound(session: Session, qtbot: Any) -> None:
    player = session.add_player()
    session.load(player.name, "test.count")
    pumped(session, qtbot, lambda: player.stages())
    dialog = opened(session, qtbot, player.name)
    keys = [dialog.formats.item(row).data(Qt.ItemDataRole.UserRole) for row in range(dialog.formats.count())]
    assert keys == ["mid", "wav"]
    assert dialog.form.length is not None
    dialog.form.length.choose("beats", 8.0)
    assert "8 beats" in dialog.note.text()
    assert len(read_midi(export(qtbot, dialog)).notes) == 8


def test_lines_can_be_switched_and_the_finished_file_is_shown(
    waving: Session, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    waving.load("B", "test.shade")
    pumped(waving, qtbot, lambda: waving.decks["B"].frame() is not None)
    dialog = opened(waving, qtbot)
    click(qtbot, dialog.lines, "Deck B")
    assert dialog.line == "B" and dialog.name.text().startswith("shade")
    click(qtbot, dialog.lines, "Programme")
    path = export(qtbot, dialog)
    shown: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: shown.append(url.toLocalFile()) or True)
    qtbot.mouseClick(dialog.foot.open, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(dialog.foot.show_it, Qt.MouseButton.LeftButton)
    assert shown[0] == str(path)


def test_an_empty_studio_says_so(session: Session, qtbot: Any) -> None:
    dialog = opened(session, qtbot)
    assert "empty" in dialog.note.text() and not dialog.foot.start.isEnabled()


def test_what_failed_says_why(waving: Session, qtbot: Any, tmp_path: Path) -> None:
    dialog = opened(waving, qtbot)
    choose(qtbot, dialog, "mp4")
    (tmp_path / "out").write_text("a file where the folder should be")
    qtbot.mouseClick(dialog.foot.start, Qt.MouseButton.LeftButton)
    assert "cannot be exported" in dialog.note.text() and dialog.job is None


def test_a_video_takes_the_sound_that_is_chosen(session: Session, qtbot: Any, tmp_path: Path) -> None:
    sound = tmp_path / "song.wav"
    with open_writer(sound) as writer:
        writer.add(Audio(np.zeros((24_000, 2), np.float32), 48_000))
    session.controls.audio.settings.set("file", str(sound))
    session.controls.audio.settings.set("source", "file")
    session.load("A", "test.wave")
    pumped(session, qtbot, lambda: session.decks["A"].frame() is not None)
    dialog = ExportDialog(session, "A")
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.choose_format("png")
    assert dialog.form.sound is None
    dialog.choose_format("mp4")
    row = dialog.form.sound
    assert row is not None and row.name.text() == "song.wav"  # what plays in the session is proposed
    row.choose(str(tmp_path / "gone.wav"))
    pumped(session, qtbot, lambda: "gone.wav" in dialog.note.text())
    row.choose("")
    assert row.name.text() == "none" and not dialog.form.plan(dialog.path()).sound  # type: ignore[union-attr]
    row.choose(str(sound))
    pumped(session, qtbot, lambda: dialog.form.seconds() == pytest.approx(0.5, abs=0.01))
    dialog.choose_format("gif")  # it carries no sound; what moves with the sound goes on moving
    assert dialog.form.sound is None and dialog.form.plan(dialog.path()).sound == str(sound)  # type: ignore[union-attr]
    dialog.choose_format("webm")
    dialog.choose_format("mp4")
    assert dialog.form.sound is not None and dialog.form.sound.path == str(sound)
    session.controls.audio.settings.reset("source")
    dialog.start()
    assert dialog.job is not None
    pumped(session, qtbot, lambda: dialog.job is not None and dialog.job.state == "done")
    assert dialog.job.result().report["sound"] == "aac"
