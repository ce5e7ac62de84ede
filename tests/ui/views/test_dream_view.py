"""DeepDream's view with the real network: layers, channels, weights, flight, pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import stage_stand as stand
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from studio.session.session import Session
from studio.ui.views.dream import DreamView
from studio.ui.views.dream.geometry import Flight
from studio.ui.views.tiles import TileView

SHIFT = Qt.KeyboardModifier.ShiftModifier
SMALL = {"size": 64, "opening": 1, "steps": 1, "octaves": 1, "layer": "3a"}


@pytest.fixture
def session() -> Iterator[Session]:
    made = stand.real_session("deep_dream")
    made.load("A", "reverie.deep_dream", params=dict(SMALL))
    yield made
    stand.close(made)


@pytest.fixture
def view(session: Session, qtbot: QtBot) -> Iterator[DreamView]:
    made = DreamView(session, session.decks["A"], 0)
    qtbot.addWidget(made)
    made.resize(900, 300)
    made.show()
    stand.wait(qtbot, session, made, lambda: made.vision.channels.tiles() and made.picture.frame() is not None)
    yield made
    made.close_view()


def values(session: Session, *names: str) -> list[object]:
    stage = session.decks["A"].slots[0].stage
    assert stage is not None
    return [stage.values[name] for name in names]


def spot(tiles: TileView, key: str) -> QPointF:
    return tiles.tile_rect([tile.key for tile in tiles.tiles()].index(key)).center()


def test_every_layer_has_a_picture_at_the_first_start(qtbot: QtBot, session: Session, view: DreamView) -> None:
    names = [tile.key for tile in view.vision.layers.tiles() if not tile.why]
    assert names == ["conv1", "conv2", "3a", "3b", "4a", "4b", "4c", "4d", "4e"]
    stand.wait(qtbot, session, view, lambda: all(view.vision.layers.picture(name) is not None for name in names))


def test_layers_the_network_lacks_are_greyed_with_the_reason(session: Session, view: DreamView) -> None:
    absent = [tile for tile in view.vision.layers.tiles() if tile.why]
    assert [tile.key for tile in absent] == ["5a", "5b"] and "ends at 4e" in absent[0].why
    stand.click(view.vision.layers, spot(view.vision.layers, "5a"))
    assert values(session, "layer") == ["3a"]


def test_a_click_chooses_shift_adds_with_a_weight(qtbot: QtBot, session: Session, view: DreamView) -> None:
    layers = view.vision.layers
    stand.click(layers, spot(layers, "4a"))
    assert values(session, "layer", "channel", "weight_b") == ["4a", -1, 0.0]
    stand.click(layers, spot(layers, "conv2"), SHIFT)
    assert values(session, "layer", "layer_b", "weight_b") == ["4a", "conv2", 1.0]
    _, second = view.chips.sliders()
    second.setFocus()
    QTest.keyClick(second, Qt.Key.Key_Home)
    assert values(session, "weight_b") == [-2.0]
    stand.click(layers, spot(layers, "3b"), SHIFT)
    assert values(session, "targets") == ["4a - conv2*2.00 + 3b"]
    assert len(view.chips.sliders()) == 3
    for _ in range(3):
        session.undo()
    view.refresh()
    assert values(session, "layer", "weight_b", "targets") == ["4a", 0.0, ""]
    assert len(view.chips.sliders()) == 1


def test_channels_of_the_layer_ranked_and_chosen(qtbot: QtBot, session: Session, view: DreamView) -> None:
    vision = view.vision
    stand.click(vision.layers, spot(vision.layers, "conv1"))
    stand.wait(qtbot, session, view, lambda: "64 channels of conv1" in vision.words.full())
    keys = [tile.key for tile in vision.channels.tiles()]
    assert keys[0] == "conv1" and sorted(keys[1:]) == sorted(f"conv1:{k}" for k in range(64))
    stand.click(vision.channels, spot(vision.channels, keys[2]))
    channel = int(keys[2].partition(":")[2])
    assert values(session, "layer", "channel") == ["conv1", channel]
    stand.wait(qtbot, session, view, lambda: vision.channels.picture(keys[2]) is not None)
    QTest.mouseClick(vision.ranking, Qt.MouseButton.LeftButton)
    assert [tile.title for tile in vision.channels.tiles()][:3] == ["all", "0", "1"]
    assert vision.channels.visible_keys() != [tile.key for tile in vision.channels.tiles()]
    last = vision.channels.tiles()[-1].key
    vision.channels.setFocus()
    QTest.keyClick(vision.channels, Qt.Key.Key_End)
    assert last in vision.channels.visible_keys()


def test_the_flight_is_one_gesture_of_three_parameters(session: Session, view: DreamView) -> None:
    QTest.mouseClick(view._buttons["flight"], Qt.MouseButton.LeftButton)
    assert view.flight.isVisible() and not view.vision.isVisible()
    corner, middle = view.flight.corner_points()[2], view.flight.centre_point()
    away = corner - middle
    stand.drag(view.flight, corner, middle + QPointF(away.x() * 0.6 - away.y() * 0.3, away.y() * 0.6 + away.x() * 0.3))
    zoom, rotation = values(session, "zoom", "rotation")
    assert isinstance(zoom, float) and zoom > 0.5 and isinstance(rotation, float) and rotation > 10
    stand.drag(view.flight, view.flight.centre_point(), view.flight.centre_point() + QPointF(20, 10))
    assert values(session, "drift") != [(0.0, 0.0)]
    assert session.undo() == "Flight"
    assert values(session, "drift", "zoom", "rotation") == [(0.0, 0.0), zoom, rotation]
    session.undo()
    assert values(session, "zoom", "rotation") == [0.3, 0.0]
    spot = view.flight.centre_point().toPoint()
    QTest.mouseDClick(view.flight, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, spot)
    assert view.flight.flight() == Flight()
    assert values(session, "zoom", "rotation", "drift") == [0.0, 0.0, (0.0, 0.0)]


def test_octaves_are_written_as_one_step(session: Session, view: DreamView) -> None:
    view.show_pane("flight")
    stand.click(view.octaves, view.octaves._buttons()[1].center())
    stand.drag(view.octaves, view.octaves.handle(), view.octaves.handle() + QPointF(-12, 12))
    count, scale = values(session, "octaves", "octave_scale")
    assert count == 2 and isinstance(scale, float) and scale > 1.45
    session.undo()
    assert values(session, "octaves", "octave_scale") == [2, 1.4]
    session.undo()
    assert values(session, "octaves") == [1]


def test_pictures_are_dropped_where_they_belong(
    qtbot: QtBot, session: Session, view: DreamView, tmp_path: Path
) -> None:
    view.show_pane("sources")
    path = stand.picture(tmp_path / "sea.png", (20, 90, 160))
    for slot, name in ((view.sources.start, "picture"), (view.sources.guide, "guide"),
                       (view.sources.palette_slot, "palette_picture")):
        assert stand.drop(slot, path)
        assert values(session, name) == [str(path)]
    view.refresh()
    assert view.sources.guide_weight.isEnabled()
    view.sources.guide_weight.setFocus()
    QTest.keyClick(view.sources.guide_weight, Qt.Key.Key_Home)
    assert values(session, "guide_weight") == [0.0]
    view.sources.starts.setFocus()
    QTest.keyClick(view.sources.starts, Qt.Key.Key_Down)
    assert values(session, "start", "picture") == ["clouds", ""]
    session.undo()
    assert values(session, "start", "picture") == ["input", str(path)]


def test_another_photograph_begins_the_dream_anew(
    qtbot: QtBot, session: Session, view: DreamView, tmp_path: Path
) -> None:
    def start_is_red() -> bool:
        before = session.decks["A"].details(0).get("before")
        return before is not None and float(before[..., 0].mean()) - float(before[..., 2].mean()) > 120

    assert not start_is_red()
    view.feed.choose(str(stand.picture(tmp_path / "rose.png", (250, 10, 10))))
    stand.wait(qtbot, session, view, start_is_red, 20_000)


def test_a_dream_that_follows_the_input_is_compared_with_it(qtbot: QtBot, session: Session, view: DreamView) -> None:
    assert not session.decks["A"].details(0)["follows"]
    session.set_value("A", 0, "live", 0.5)
    stand.wait(qtbot, session, view, lambda: session.decks["A"].details(0)["follows"])
    first = session.decks["A"].details(0)["before"]
    stand.wait(qtbot, session, view, lambda: session.decks["A"].details(0)["before"] is not first)
    assert view.picture.compares()


def test_much_room_shows_all_panes_at_once(view: DreamView) -> None:
    view.resize(1500, 620)
    assert all(part.isVisible() for part in (view.vision, view.flight, view.octaves, view.sources))
    view.resize(900, 300)
    assert view.vision.isVisible() and not view.flight.isVisible() and not view.sources.isVisible()
    view.show_pane("sources")
    assert view.sources.isVisible() and not view.vision.isVisible()


def test_a_journey_keeps_its_other_stops(session: Session, view: DreamView) -> None:
    session.set_value("A", 0, "targets", "3a + 3b | conv2")
    view.refresh()
    assert len(view.chips.sliders()) == 2
    view.chips.sliders()[0].setFocus()
    QTest.keyClick(view.chips.sliders()[0], Qt.Key.Key_End)
    assert values(session, "targets") == ["3a*2.00 + 3b | conv2"]
    stand.click(view.vision.layers, spot(view.vision.layers, "4a"))  # a plain choice is this one alone
    assert values(session, "targets", "layer") == ["", "4a"]


def test_many_visions_make_the_view_no_wider(session: Session, view: DreamView) -> None:
    session.set_value("A", 0, "targets", "conv1 + conv2 + 3a + 3b + 4a + 4b | 4c")
    view.refresh()
    assert len(view.chips.sliders()) == 6
    assert view.minimumSizeHint().width() <= 900
    view.chips.sliders()[-1].setFocus()
    QTest.keyClick(view.chips.sliders()[-1], Qt.Key.Key_End)
    assert values(session, "targets") == ["conv1 + conv2 + 3a + 3b + 4a + 4b*2.00 | 4c"]


def test_targets_that_cannot_be_read_do_no_harm(qtbot: QtBot, session: Session, view: DreamView) -> None:
    session.set_value("A", 0, "targets", "4c ++ nonsense")
    stand.wait(qtbot, session, view, lambda: view.picture.state() == "failed")
    assert "targets: cannot read" in session.decks["A"].why()
    stand.click(view.vision.layers, spot(view.vision.layers, "3b"))
    assert values(session, "targets", "layer") == ["", "3b"]


def test_a_network_that_is_not_there_is_a_sentence(qtbot: QtBot, session: Session, view: DreamView) -> None:
    session.set_value("A", 0, "model", "no_such_network")
    stand.wait(qtbot, session, view, lambda: "no_such_network" in view.vision.words.full())
