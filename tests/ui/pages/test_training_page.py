"""The training page with real trainings of a few seconds, driven by mouse and keys."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QComboBox, QSpinBox

from studio import paths
from studio.session.training import TrainingRun, unfinished
from studio.training.recipes import RECIPES, about
from studio.ui.pages import TrainingPage
from studio.ui.pages.curves import Curves
from studio.ui.pages.recipe_choice import shelves
from studio.ui.pages.run_view import report_rows
from studio.ui.pages.samples import load_sample

LEFT = Qt.MouseButton.LeftButton
SMALL = {"hidden": "16", "embedding": "8", "batch": "4", "window": "24", "layers": "1"}


@pytest.fixture
def poems(tmp_path: Path) -> Path:
    chosen = random.Random(1)
    folder = tmp_path / "Gedichte über Übergänge"
    folder.mkdir()
    for number in range(3):
        text = " ".join(chosen.choice("rain falls on the old town and nobody sings".split()) for _ in range(1500))
        (folder / f"{number}.txt").write_text(text)
    (folder / "broken.txt").write_bytes(bytes(range(256)) * 40)
    return folder


def drop(target, files: list[Path]) -> None:  # type: ignore[no-untyped-def]
    """Drop files as the system does."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in files])
    copy, none = Qt.DropAction.CopyAction, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(10, 10), copy, data, LEFT, none)
    QApplication.sendEvent(target, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(target, QDropEvent(QPointF(10, 10), copy, data, LEFT, none))


def fill(page: TrainingPage, qtbot, **values: str) -> None:  # type: ignore[no-untyped-def]
    """Type values into the form."""
    for name, text in values.items():
        widget = page.form.fields[name].widget
        if isinstance(widget, QSpinBox):
            line = widget.lineEdit()
            line.selectAll()
            qtbot.keyClicks(line, text)
            qtbot.keyClick(line, Qt.Key.Key_Tab)
        elif isinstance(widget, QComboBox):
            page.form.fields[name].set(text)
        else:
            widget.selectAll()
            qtbot.keyClicks(widget, text)


def ready(page: TrainingPage, qtbot) -> None:  # type: ignore[no-untyped-def]
    qtbot.waitUntil(lambda: bool(page._settings and page.form.fields), timeout=30_000)


def test_a_folder_becomes_a_model_that_is_used(show, wheels, qtbot, poems: Path) -> None:  # type: ignore[no-untyped-def]
    page = show(TrainingPage)
    ready(page, qtbot)
    assert not page.start.isEnabled() and "Drop what it shall learn from" in page.why.text()
    qtbot.mouseClick(page.cards["text"], LEFT)
    assert page.recipe == "text" and "text file" in page.needs.text()
    drop(page.drop, [poems])
    qtbot.waitUntil(lambda: page.drop.title() == poems.name)
    qtbot.waitUntil(lambda: page.check is not None and page.check.state == "done", timeout=30_000)
    qtbot.waitUntil(lambda: page.facts.isVisible())
    facts = dict(page.facts.rows())
    assert facts["Files"] == "3" and facts["Skipped"] == "1" and page.skipped.isVisible()
    assert page.name.text() == "gedichte-ber-berg-nge" or page.name.text().startswith("gedichte")
    fill(page, qtbot, steps="100000", sample_every="200", validate_every="200", **SMALL)
    page.name.setFocus()
    page.name.selectAll()
    qtbot.keyClicks(page.name, "rain songs")
    assert page.start.isEnabled(), page.why.text()
    qtbot.mouseClick(page.start, LEFT)
    run = page.run
    assert isinstance(run, TrainingRun) and run in wheels.session.jobs.jobs and page.right.currentWidget() is page.view
    assert not page.start.isEnabled() and "is in training" in page.why.text()
    qtbot.waitUntil(lambda: len(run.samples) > 0 and page.view.samples.text.toPlainText() != "", timeout=60_000)
    qtbot.waitUntil(page.view.curves.ready, timeout=30_000)
    qtbot.waitUntil(lambda: page.view.badge.text() == "training" and "steps/s" in page.view.line.text())

    qtbot.mouseClick(page.view.pause, LEFT)
    qtbot.waitUntil(lambda: page.view.pause.text() == "Resume" and page.view.badge.text() == "paused", timeout=30_000)
    assert run.plan.checkpoint.is_file()
    qtbot.mouseClick(page.view.pause, LEFT)
    qtbot.waitUntil(lambda: page.view.pause.text() == "Pause", timeout=30_000)

    qtbot.mouseClick(page.view.finish, LEFT)
    qtbot.waitUntil(lambda: page.view.use.isVisible(), timeout=60_000)
    assert run.state == "done" and run.model == paths.model_folders()[0] / "rain-songs.safetensors"
    assert page.view.curves.lines, "the curves are drawn"
    with qtbot.waitSignal(page.show_page) as shown:
        qtbot.mouseClick(page.view.use, LEFT)
    assert shown.args == ["stage"]
    qtbot.waitUntil(lambda: wheels.session.players["1"].slots[0].stage is not None, timeout=30_000)
    assert wheels.session.players["1"].slots[0].stage.values["model"] == "rain-songs"


@pytest.fixture
def painting(tmp_path: Path) -> Path:
    folder = tmp_path / "Bilder"
    (folder / "Urlaub").mkdir(parents=True)
    rng = np.random.default_rng(3)
    for name in ("meadow.png", *(f"Urlaub/{k}.png" for k in range(6))):
        small = Image.fromarray(rng.integers(0, 255, (5, 6, 3), np.uint8))
        small.resize((90, 80), Image.Resampling.BICUBIC).save(folder / name)
    return folder / "meadow.png"


@pytest.mark.slow
def test_one_painting_becomes_a_style_on_a_deck(show, wheels, qtbot, painting: Path) -> None:  # type: ignore[no-untyped-def]
    page = show(TrainingPage)
    ready(page, qtbot)
    qtbot.mouseClick(page.cards["style"], LEFT)
    drop(page.form.fields["photos"].widget, [painting.parent / "Urlaub"])
    drop(page, [painting])  # anywhere on the page
    assert page.data == painting and page.name.text() == "meadow"
    qtbot.waitUntil(lambda: page.facts.isVisible() and page.start.isEnabled(), timeout=60_000)
    assert dict(page.facts.rows())["Photos from"] == "Urlaub"
    fill(page, qtbot, steps="3", size="64", style_size="64", batch="1")
    qtbot.mouseClick(page.start, LEFT)
    qtbot.waitUntil(lambda: page.view.use.isVisible() or page.run.state == "failed", timeout=120_000)
    assert page.run.error == ""
    qtbot.mouseClick(page.view.use, LEFT)
    deck = wheels.session.decks["A"]
    qtbot.waitUntil(lambda: bool(deck.slots) and deck.slots[-1].stage is not None, timeout=60_000)
    assert deck.slots[-1].generator == "reverie.style_camera"
    assert deck.slots[-1].stage.values["model"] == "meadow"


def test_several_paintings_are_several_styles(show, qtbot, painting: Path) -> None:  # type: ignore[no-untyped-def]
    page = show(TrainingPage)
    ready(page, qtbot)
    assert page.recipe == "gan"
    drop(page.drop, [painting])
    assert page.recipe == "style" and page.data == painting, "nobody chose another recipe"
    drop(page.drop, [painting.parent / "Urlaub" / f"{k}.png" for k in (1, 3)])
    assert page.data == painting.parent / "Urlaub" and page.form.fields["styles"].text() == "1,3"
    qtbot.waitUntil(lambda: dict(page.facts.rows()).get("Styles") == "1.png, 3.png", timeout=60_000)
    facts = dict(page.facts.rows())
    assert "studio's own" in facts["Photos from"] and "photographs of your own" in facts["What helps"]


def test_stop_and_go_on(show, wheels, qtbot, poems: Path) -> None:  # type: ignore[no-untyped-def]
    page = show(TrainingPage)
    page.prefill("text", str(poems))
    ready(page, qtbot)
    fill(page, qtbot, steps="100000", **SMALL)
    qtbot.waitUntil(lambda: page.start.isEnabled(), timeout=30_000)
    qtbot.mouseClick(page.start, LEFT)
    qtbot.waitUntil(lambda: page.run.step > 10, timeout=60_000)
    qtbot.mouseClick(page.view.stop, LEFT)
    qtbot.waitUntil(lambda: page.view.again.isVisible(), timeout=60_000)
    assert page.run.state == "cancelled" and [plan.name for plan in unfinished()] == [page.run.plan.name]
    stopped = page.run.step
    qtbot.mouseClick(page.view.again, LEFT)
    qtbot.waitUntil(lambda: page.run.state == "running" and page.run.step > stopped, timeout=60_000)
    page.run.kill()
    qtbot.waitUntil(lambda: page.run.state == "cancelled", timeout=30_000)


def test_a_stopped_training_is_offered_and_discarded(show, wheels, qtbot, poems: Path) -> None:  # type: ignore[no-untyped-def]
    from PySide6.QtWidgets import QPushButton, QToolButton

    from studio.session.training import Plan
    from tests.ui.pages.conftest import press

    plan = Plan("text", poems, "old-songs", {}, 40, 100)
    plan.save()
    plan.checkpoint.write_bytes(b"x")
    page = show(TrainingPage)
    qtbot.waitUntil(lambda: any(b.text() == "Go on" for b in page.resting.findChildren(QPushButton)), timeout=30_000)
    trash = next(b for b in page.resting.findChildren(QToolButton) if "old-songs" in b.accessibleName())
    qtbot.mouseClick(trash, LEFT)
    press(page, "Discard", qtbot)
    qtbot.waitUntil(lambda: unfinished() == [])


def test_data_that_will_not_do_is_a_sentence_and_a_setting_mends_it(show, wheels, qtbot, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(10):
        noise = np.random.default_rng(number).integers(0, 255, (40, 40, 3), np.uint8)
        Image.fromarray(noise).save(folder / f"{number}.png")
    page = show(TrainingPage)
    page.prefill("gan", str(folder / "3.png"))
    assert page.data == folder, "one picture of a folder means the folder"
    ready(page, qtbot)
    qtbot.waitUntil(lambda: page.fault.isVisible(), timeout=30_000)
    assert "10 usable pictures" in page.fault.text() and not page.start.isEnabled()
    fill(page, qtbot, batch="4")
    qtbot.waitUntil(lambda: page.facts.isVisible() and not page.fault.isVisible(), timeout=30_000)
    assert dict(page.facts.rows())["Pictures"] == "10"
    qtbot.waitUntil(lambda: page.start.isEnabled())
    fill(page, qtbot, augment="much")
    assert "not a number" in page.why.text() and page.form.fields["augment"].widget.property("role") == "wrong"


def test_every_setting_of_every_recipe_has_a_field_with_its_help(show, qtbot) -> None:  # type: ignore[no-untyped-def]
    page = show(TrainingPage)
    ready(page, qtbot)
    for name, card in page.cards.items():
        qtbot.keyClick(card, Qt.Key.Key_Space)
        assert page.recipe == name and set(page.form.fields) == {setting.name for setting in page._settings[name]}
        for field in page.form.fields.values():
            assert field.widget.accessibleName() and field.widget.toolTip()
        assert set(page.form.values()) <= {setting for setting, _ in about(name).defaults}
    qtbot.mouseClick(page.cards["features"], LEFT)
    assert "Teacher is needed" in page.form.fault()


def test_every_recipe_stands_once_below_its_heading() -> None:
    listed = [name for _, names in shelves() for name in names]
    assert sorted(listed) == sorted(RECIPES) and listed[0] == "gan"
    assert all(about(name).kind == "notes" for name in dict(shelves())["Music"])


def test_curves_that_are_decades_apart_are_all_seen(wheels, qtbot) -> None:  # type: ignore[no-untyped-def]
    curves = Curves(wheels.session, "Curves")
    qtbot.addWidget(curves)
    curves.resize(600, 260)
    curves.show()
    qtbot.waitUntil(curves.ready, timeout=30_000)
    near = {"loss": [(step, 2.0 - step / 100) for step in range(100)]}
    curves.show_curves(near, {})
    assert not curves.plots[0].logarithmic
    far = {
        **near, "tiny": [(step, 0.001) for step in range(100)], "rare": [(step, 0.5 * (step % 2)) for step in range(9)],
        "never": [(0, 0.0), (1, 0.0)],
    }
    curves.show_curves(far, {"score": [(1, 2.0)], "style_x": [(1, 0.3), (50, 0.01)]})
    assert curves.plots[0].logarithmic and curves.plots[1].logarithmic
    assert set(curves.lines) == {"loss", "tiny", "rare", "style_x "}, "what is always 0 has no curve"
    assert all(name in curves.plots[0]._legend.text() for name in ("loss", "tiny", "rare", "log&nbsp;scale"))
    curves.grab()  # paints gaps without a warning
    low, high = curves.plots[0]._box.viewRange()[1]
    assert low < -2.9 and high > 0.2, "all of them are in view, in decades"
    curves.clear()
    curves.show_curves({"change": [(0, -1.0), (1, 50.0)]}, {})
    assert not curves.plots[0].logarithmic


def test_samples_of_every_kind_are_shown(tmp_path: Path, data_folder: Path) -> None:
    picture = tmp_path / "a.png"
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(picture)
    assert load_sample(picture).width() == 8
    text = tmp_path / "a.txt"
    text.write_text("words")
    assert load_sample(text) == "words"
    tune = next((data_folder / "midi").rglob("*.mid"))
    notes = load_sample(tune)
    assert notes and all(len(note) == 4 for note in notes)
    (tmp_path / "bad.png").write_bytes(b"x")
    with pytest.raises(ValueError, match="cannot be shown"):
        load_sample(tmp_path / "bad.png")


def test_a_report_becomes_rows() -> None:
    report = {"pictures": 3909, "skipped": 2, "skipped_first": ["a.png is damaged"], "styles": {"x": 3}}
    rows, skipped = report_rows(report)
    assert ("Pictures", "3,909") in rows and ("Skipped", "2") in rows and skipped == ["a.png is damaged"]
    assert ("Styles", "x 3") in rows


def test_nothing_is_clipped_at_two_sizes(show, qtbot) -> None:  # type: ignore[no-untyped-def]
    page = show(TrainingPage)
    ready(page, qtbot)
    for width, height in ((916, 500), (1180, 560), (1860, 930)):
        page.resize(width, height)
        qtbot.waitUntil(lambda w=width: page.width() == w)
        for widget in (page.start, page.name, page.drop, page.right):
            corner = widget.mapTo(page, QPoint(widget.width(), widget.height()))
            assert corner.x() <= page.width() and corner.y() <= page.height(), widget.accessibleName()
