"""The style camera's view: shelf, blends, wipe, input, pictures that are dropped; with the real network at work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import stage_stand as stand
import torch
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from studio import paths
from studio.nn.style import StyleNet, load_net
from studio.nn.style_reader import StyleReader, tensors_of
from studio.nn.vgg import VGG
from studio.nn.weights import save_model
from studio.session.session import Session
from studio.ui.views.feed_row import FeedRow
from studio.ui.views.style import StyleView
from studio.ui.views.style.offer import AT_ONCE, StyleModel, why_not
from studio.ui.views.style.shelf import StyleShelf, title_of

HOUSE = load_net(paths.find_model("house_styles")).styles


@pytest.fixture
def session() -> Iterator[Session]:
    made = stand.real_session("style_camera", "style_painting")
    made.load("A", "reverie.style_camera", params={"size": 128})
    yield made
    stand.close(made)


@pytest.fixture
def view(session: Session, qtbot: QtBot) -> Iterator[StyleView]:
    made = StyleView(session, session.decks["A"], 0)
    qtbot.addWidget(made)
    made.resize(900, 300)
    made.show()
    stand.wait(qtbot, session, made, lambda: len(made.shelf.pictures()) == len(HOUSE))
    yield made
    made.close_view()


def value(session: Session, name: str) -> object:
    stage = session.decks["A"].slots[0].stage
    assert stage is not None
    return stage.values[name]


def centre(shelf: StyleShelf, style: str) -> QPointF:
    return shelf.card_rect(shelf.styles().index(style)).center()


def test_every_style_has_its_own_picture_of_the_frame(view: StyleView) -> None:
    pictures = view.shelf.pictures()
    assert list(pictures) == list(view.shelf.styles())
    seen = [np.frombuffer(p.constBits(), np.uint8).astype(float).reshape(-1) for p in pictures.values()]
    assert {p.size for p in seen} == {seen[0].size}
    for k, one in enumerate(seen):
        for other in seen[k + 1 :]:
            assert np.abs(one - other).mean() > 4  # two styles never look alike


def test_a_click_chooses_and_is_one_step(session: Session, view: StyleView) -> None:
    stand.click(view.shelf, centre(view.shelf, "udnie"))
    assert (value(session, "style"), value(session, "blend")) == ("udnie", 0.0)
    assert view.shelf.share("udnie") == 1.0
    assert session.undo() == "Style Udnie"
    assert value(session, "style") == "starry_night"


def test_a_drag_from_card_to_card_blends_and_the_handle_moves_the_mix(session: Session, view: StyleView) -> None:
    shelf = view.shelf
    stand.drag(shelf, centre(shelf, "the_scream"), centre(shelf, "red_circles"))
    assert [value(session, name) for name in ("style", "second", "blend")] == ["the_scream", "red_circles", 0.5]
    handle, end = shelf.handle(), centre(shelf, "red_circles")
    assert handle is not None
    stand.drag(shelf, handle, handle + (end - handle) * 0.5)
    mixed = value(session, "blend")
    assert isinstance(mixed, float) and 0.6 < mixed < 0.9
    assert view.mix.slider.norm() == pytest.approx(mixed, abs=1e-3)
    session.undo()
    view.refresh()
    assert value(session, "blend") == 0.5  # the whole drag was one step
    session.undo()
    assert (value(session, "style"), value(session, "blend")) == ("starry_night", 0.0)


def test_the_slider_the_list_and_swap(session: Session, view: StyleView) -> None:
    view.mix.slider.setFocus()
    QTest.keyClick(view.mix.slider, Qt.Key.Key_End)
    assert value(session, "blend") == 1.0
    QTest.keyClick(view.mix.other, Qt.Key.Key_Down)
    assert value(session, "second") == "the_scream"
    QTest.mouseClick(view.mix.swap, Qt.MouseButton.LeftButton)
    assert [value(session, name) for name in ("style", "second", "blend")] == ["the_scream", "starry_night", 0.0]


def test_the_shelf_by_keys(session: Session, view: StyleView) -> None:
    view.shelf.setFocus()
    QTest.keyClick(view.shelf, Qt.Key.Key_Right)
    QTest.keyClick(view.shelf, Qt.Key.Key_Return)
    assert value(session, "style") == "great_wave"
    QTest.keyClick(view.shelf, Qt.Key.Key_Right)
    QTest.keyClick(view.shelf, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert (value(session, "second"), value(session, "blend")) == ("the_scream", 0.5)
    QTest.keyClick(view.shelf, Qt.Key.Key_Plus)
    assert value(session, "blend") == pytest.approx(0.55)


def test_the_wipe_shows_the_input_at_its_left(qtbot: QtBot, session: Session, view: StyleView) -> None:
    stand.wait(qtbot, session, view, view.picture.compares)
    area = view.picture.picture_rect()
    stand.drag(view.picture, area.center(), QPointF(area.left() + 0.8 * area.width(), area.center().y()))
    assert view.picture.split() == pytest.approx(0.8, abs=0.02)
    QTest.keyClick(view.picture, Qt.Key.Key_Left)
    assert view.picture.split() == pytest.approx(0.78, abs=0.02)
    before = session.decks["A"].details(0)["input"]
    view.picture.set_split(1.0)
    shown = view.picture.grab().toImage()
    place = QPointF(area.left() + 0.3 * area.width(), area.top() + 0.2 * area.height()).toPoint()
    row, column = round(0.2 * before.shape[0]), round(0.3 * before.shape[1])
    around = before[row - 3 : row + 4, column - 3 : column + 4].reshape(-1, 3).astype(int)
    colour = shown.pixelColor(place)
    found = np.array([colour.red(), colour.green(), colour.blue()])
    assert (np.abs(found - around).max(1)).min() < 40


def test_a_dropped_painting_is_offered_for_training(
    qtbot: QtBot, session: Session, view: StyleView, tmp_path: Path
) -> None:
    path = stand.picture(tmp_path / "mine.png")
    assert not stand.drop(view.shelf, tmp_path / "notes.txt")
    assert stand.drop(view.shelf, path)
    assert view.offer.isVisible()
    with qtbot.waitSignal(view.train_requested, timeout=2000) as asked:
        QTest.mouseClick(view.offer.train_button, Qt.MouseButton.LeftButton)
    assert asked.args == [str(path)]
    assert not view.offer.isVisible() and view.mix.isVisible()


def test_a_picture_that_cannot_be_read_is_not_offered(
    qtbot: QtBot, session: Session, view: StyleView, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG and nothing more")
    stand.drop(view.shelf, broken)
    stand.wait(qtbot, session, view, lambda: "broken.png" in view.offer.text())
    assert not view.offer.train_button.isEnabled()


def test_another_picture_as_a_still_goes_to_the_other_deck(
    qtbot: QtBot, session: Session, view: StyleView, tmp_path: Path
) -> None:
    path = stand.picture(tmp_path / "mine.png")
    stand.drop(view.shelf, path)
    QTest.mouseClick(view.offer.paint_button, Qt.MouseButton.LeftButton)
    slot = session.decks["B"].slots[0]
    assert slot.generator == "reverie.style_painting"
    assert slot.data.params["own_style"] == str(path)


def test_the_input_row_names_what_feeds_and_why_not(
    qtbot: QtBot, session: Session, view: StyleView, tmp_path: Path
) -> None:
    deck, row = session.decks["A"], view.feed
    assert row.scene.isChecked()
    stand.drop(view.picture, stand.picture(tmp_path / "view.png", (20, 200, 90)))
    assert deck.input == str(tmp_path / "view.png") and row.file.isChecked()
    stand.wait(qtbot, session, view, lambda: row.state.full() == "view.png")
    session.set_input("A", "camera:99")
    stand.wait(qtbot, session, view, lambda: "sample scene takes its place" in row.state.full())
    assert "99" in row.state.full()
    assert view.picture.state() == "absent" and row.state.full() == row.trouble()
    QTest.mouseClick(row.scene, Qt.MouseButton.LeftButton)
    assert deck.input == "scene"
    session.undo()
    assert deck.input == "camera:99"


def test_the_input_row_shows_whole_words_or_icons_alone(qtbot: QtBot, session: Session) -> None:
    row = FeedRow(session, session.decks["A"])
    qtbot.addWidget(row)
    row.show()
    for width, words in ((720, True), (230, False), (720, True)):
        row.resize(width, 40)
        QApplication.processEvents()
        for part in (row.scene, row.camera, row.file):
            assert (part.toolButtonStyle() != Qt.ToolButtonStyle.ToolButtonIconOnly) == words
            assert part.width() >= part.sizeHint().width() and part.toolTip()


def test_an_absent_camera_is_greyed_with_its_reason(
    qtbot: QtBot, session: Session, view: StyleView, monkeypatch: pytest.MonkeyPatch
) -> None:
    from studio.devices import listing

    monkeypatch.setattr(listing, "cameras", lambda: listing.Kind("cameras", reason="none is there", cure="plug one in"))
    view.feed.look()
    says = "No camera: none is there. plug one in. Press File…"
    stand.wait(qtbot, session, view, lambda: says in view.feed.camera.toolTip())
    assert not view.feed.camera.isEnabled()
    two = listing.Kind("cameras", found=[("camera:0", "Front, 640x480"), ("camera:2", "Rear, 640x480")])
    monkeypatch.setattr(listing, "cameras", lambda: two)
    view.feed.look()
    stand.wait(qtbot, session, view, view.feed.camera.isEnabled)
    extra = next(b for b in view.feed.findChildren(type(view.feed.camera)) if b.toolTip().startswith("camera:2"))
    QTest.mouseClick(extra, Qt.MouseButton.LeftButton)
    assert session.decks["A"].input == "camera:2"


def test_previews_rest_while_hidden(qtbot: QtBot, session: Session, view: StyleView) -> None:
    view.hide()
    before = view.shelf.pictures()["udnie"].cacheKey()
    view.ask_previews(force=True)
    assert not view._previews.busy
    view.show()
    QTest.mouseClick(view.again, Qt.MouseButton.LeftButton)
    stand.wait(qtbot, session, view, lambda: view.shelf.pictures()["udnie"].cacheKey() != before)


def test_a_model_that_is_not_there_is_a_sentence(qtbot: QtBot, session: Session, view: StyleView) -> None:
    session.set_value("A", 0, "model", "no_such_model")
    stand.wait(qtbot, session, view, lambda: "no_such_model" in view._title.full())
    assert view.shelf.styles() == ()


def test_why_not(tmp_path: Path) -> None:
    learned, reads = StyleModel("a", tmp_path / "a.safetensors", False), StyleModel("b", tmp_path / "b.st", True)
    assert why_not([learned, reads], "b") == why_not([reads], str(reads.path)) == ""
    assert "a knows only paintings from training, and b takes any picture" in why_not([learned, reads], "a")
    assert "gone knows only paintings from training, and no model here" in why_not([learned], "gone.safetensors")
    assert "no style model" in why_not([], "a")
    assert title_of(str(tmp_path / "my_wall.png")) == "My wall"
    assert title_of("woman_with_a_hat") == "Woman with a hat"


def test_nothing_is_clipped_in_small_room(view: StyleView) -> None:
    view.resize(640, 300)
    for place in range(len(view.shelf.styles()) + 1):
        card = view.shelf.card_rect(place)
        assert card.width() >= 90 and card.height() >= 60
        assert view.shelf.rect().toRectF().adjusted(-1, -1, 1, 1).contains(card)


def test_a_model_with_other_styles_brings_its_first_ones(
    session: Session, view: StyleView, qtbot: QtBot, tmp_path: Path
) -> None:
    path = tmp_path / "small.safetensors"
    net = StyleNet(["my_sea", "my_hill", "udnie"], 16, 24, 1)
    save_model(path, dict(net.state_dict()), "style_net", net.config)
    view.edit({"second": "udnie"}, "Second style")  # this one the new model has too
    session.set_value("A", 0, "model", str(path))
    stand.wait(qtbot, session, view, lambda: value(session, "own_style") == "my_sea")
    assert (view.first(), view.other(), value(session, "own_second")) == ("my_sea", "udnie", "")
    session.pump()
    text = "Small has other styles: My sea takes the place of Starry night"
    assert [(n.level, n.text) for n in session.notices if "other styles" in n.text] == [("info", text)]
    assert view.mix.first.text() == "My sea"
    session.undo()
    session.undo()
    stand.wait(qtbot, session, view, lambda: view.shelf.styles()[0] == "starry_night")
    assert (value(session, "style"), value(session, "own_style"), view.first()) == ("starry_night", "", "starry_night")


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model of two styles that takes any picture."""
    torch.manual_seed(4)
    net = StyleNet(["my_sea", "my_hill"], 16, 24, 1)
    reader = StyleReader(VGG(["1_1", "2_1", "3_1", "4_1"], [4, 4, 6, 6], padding="reflect"), net.width, 8)
    torch.nn.init.normal_(reader.last.weight, std=0.3)
    path = tmp_path_factory.mktemp("reading") / "reading.safetensors"
    config = {**net.config, "reader": reader.config}
    save_model(path, {**net.state_dict(), **tensors_of(reader)}, "style_net", config)
    return path


def test_a_dropped_picture_is_a_style_at_once_and_keeps_its_card(
    session: Session, view: StyleView, qtbot: QtBot, tmp_path: Path, reading: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.ui.views.style.offer._models", lambda: [StyleModel("reading", reading, True)])
    session.set_value("A", 0, "model", str(reading))
    stand.wait(qtbot, session, view, lambda: view.shelf.styles() == ("my_sea", "my_hill"))
    path = stand.picture(tmp_path / "my_wall.png")
    stand.drop(view.shelf, path)
    assert not view.offer.take_button.isEnabled(), "first it must be known whether the model can"
    stand.wait(qtbot, session, view, view.offer.take_button.isEnabled)
    assert view.offer.text() == AT_ONCE
    QTest.mouseClick(view.offer.take_button, Qt.MouseButton.LeftButton)
    assert value(session, "picture") == str(path)
    stand.wait(qtbot, session, view, lambda: view.shelf.styles() == ("my_sea", "my_hill", str(path)))
    assert view.first() == str(path) and view.shelf.share(str(path)) == 1.0 and view.mix.first.text() == "My wall"
    assert str(path) in view.shelf.pictures()
    # another style, and a blend of the two: the picture stays on the shelf
    stand.click(view.shelf, centre(view.shelf, "my_hill"))
    assert (value(session, "picture"), value(session, "own_style")) == ("", "my_hill")
    stand.drag(view.shelf, centre(view.shelf, "my_hill"), centre(view.shelf, str(path)))
    assert [value(session, name) for name in ("own_style", "second_picture", "blend")] == ["my_hill", str(path), 0.5]
    QTest.mouseClick(view.mix.swap, Qt.MouseButton.LeftButton)
    assert [value(session, name) for name in ("picture", "own_second", "second_picture")] == [str(path), "my_hill", ""]
