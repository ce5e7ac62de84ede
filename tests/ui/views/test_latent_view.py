"""The latent explorer's view with a real session, the real generator and the house network: what hands do to it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage, QWheelEvent
from PySide6.QtWidgets import QAbstractButton, QAbstractSlider, QApplication, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from studio.engine.threads import stop_all
from studio.nn.places import as_place, parse_place
from studio.session.session import Session
from studio.ui.views.latent import LatentView
from studio.ui.views.latent.tiles import Tile, place_mime

PATH = "1@0 7@2:in 23@4"


class Studio:
    """A session with the latent explorer in deck A, and its view; pumped as the window does."""

    def __init__(self, qtbot: QtBot, size: tuple[int, int] = (1000, 520)) -> None:
        self.qtbot, self.session = qtbot, Session()
        self.session.load("A", "reverie.latent_explorer", params={
            "mode": "still", "seed": 1, "size": 64, "keyframes": PATH, "truncation": 0.8})
        self.timer = QTimer(interval=15)
        self.timer.timeout.connect(self.session.pump)
        self.timer.start()
        self.line = self.session.decks["A"]
        self.until(lambda: self.line.slots[0].stage is not None)
        self.line.worker.fps = 20
        self.view = LatentView(self.session, self.line, 0)
        qtbot.addWidget(self.view)
        self.refresher = QTimer(self.view, interval=40)
        self.refresher.timeout.connect(self.view.refresh)
        self.refresher.start()
        self.view.resize(*size)
        self.view.show()
        self.until(lambda: self.view.map._spot is not None and self.line.frame() is not None)

    def until(self, true: Callable[[], object], ms: int = 30_000) -> None:
        self.qtbot.waitUntil(lambda: bool(true()), timeout=ms)

    def value(self, name: str) -> object:
        return self.line.stages()[0].values[name]

    def frame(self) -> NDArray[np.uint8]:
        frame = self.line.frame()
        assert frame is not None
        return np.asarray(frame)

    def made(self, place: str) -> NDArray[np.uint8]:
        """The small picture of a place."""
        key = (place, self.view.bench.truncation)
        self.view.bench.pictures.wish("test", [key], 0)
        self.until(lambda: self.view.bench.pictures.image(*key) is not None)
        return pixels(self.view.bench.pictures.image(*key))

    def shows(self, place: str) -> None:
        """Wait until the deck shows that place."""
        wanted = self.made(place)
        self.until(lambda: gap(self.frame(), wanted) < 3.0)

    def drag(self, widget: QWidget, start: QPointF, *way: QPointF) -> None:
        left = Qt.MouseButton.LeftButton
        self.qtbot.mousePress(widget, left, pos=start.toPoint())
        for point in way:
            self.qtbot.mouseMove(widget, point.toPoint())
            self.qtbot.wait(30)  # a hand takes time
        self.qtbot.mouseRelease(widget, left, pos=way[-1].toPoint())

    def close(self) -> None:
        self.timer.stop()
        self.refresher.stop()
        self.view.close_view()
        self.session.close()
        assert not stop_all(8.0)


def pixels(image: QImage | None) -> NDArray[np.uint8]:
    assert image is not None
    plain = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(plain.constBits(), np.uint8).reshape(plain.height(), plain.bytesPerLine())
    return rows[:, : plain.width() * 3].reshape(plain.height(), plain.width(), 3).copy()


def gap(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    return float(np.abs(a.astype(np.float64) - b).mean())


def spot(view: LatentView, seed: int) -> QPointF:
    """Where a seed is on the screen."""
    space = view.bench.pictures.space
    assert space is not None
    return view.map.to_screen(*space.seeds[seed])


def drop(widget: QWidget, data: QMimeData, at: QPointF | None = None) -> None:
    point = at or QPointF(widget.width() / 2, widget.height() / 2)
    how = (Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    enter = QDragEnterEvent(point.toPoint(), *how)
    QApplication.sendEvent(widget, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(widget, QDropEvent(point, *how))


@pytest.fixture
def studio(qtbot: QtBot) -> Iterator[Studio]:
    made = Studio(qtbot)
    yield made
    made.close()


# --- the map ---


def test_the_map_shows_seeds_where_they_are(studio: Studio) -> None:
    view, pictures = studio.view, studio.view.bench.pictures
    studio.until(lambda: not pictures.busy)
    seeds = view.map.shown()
    assert len(seeds) > 30 and pictures.space is not None
    ground = view.map.grab().toImage()
    middle = view.map.rect().center()
    near = [seed for seed in seeds if (spot(view, seed) - QPointF(middle)).manhattanLength() < 120]
    for seed in near[:5]:
        point = spot(view, seed)
        assert view.map.seed_at(point) >= 0 and ground.pixelColor(point.toPoint()).lightness() > 2
        shot = pictures.shot(str(seed), view.bench.truncation)
        assert shot is not None and shot.x == pytest.approx(pictures.space.seeds[seed][0], abs=1e-3)


def test_clicking_a_picture_goes_there_and_undo_comes_back(studio: Studio) -> None:
    view = studio.view
    here = view.map.to_screen(*view.bench.spot() or (0, 0))
    inside = view.map.rect().adjusted(40, 40, -60, -40)
    seed = next(int(seed) for seed in view.map.shown()
                if inside.contains(spot(view, seed).toPoint()) and view.map.seed_at(spot(view, seed)) == seed
                and (spot(view, seed) - here).manhattanLength() > 60)
    point = spot(view, seed)
    studio.qtbot.mouseClick(view.map, Qt.MouseButton.LeftButton, pos=point.toPoint())
    assert studio.value("seed") == seed and studio.value("place") == ""
    studio.shows(str(seed))
    studio.session.undo()
    assert studio.value("seed") == 1
    studio.shows("1")


def test_dragging_the_ring_steers_the_picture_in_one_step_of_undo(studio: Studio) -> None:
    view = studio.view
    before = studio.frame().copy()
    start = view.map.to_screen(*view.bench.spot() or (0, 0))
    goal = QPointF(view.map.width() * 0.3, view.map.height() * 0.7)
    studio.drag(view.map, start, start + QPointF(6, 6), (start + goal) / 2, goal)
    x, y = view.map.to_plane(QPointF(goal.toPoint()))
    studio.until(lambda: np.hypot(*np.subtract(view.bench.spot() or (9, 9), (x, y))) < 0.05)
    studio.until(lambda: gap(studio.frame(), before) > 6)
    place = str(view.bench.start())
    assert parse_place(place).seed is None and studio.value("place") == f"{place} @1"
    studio.shows(place)
    studio.session.undo()
    assert studio.value("place") == "" and studio.value("seed") == 1
    studio.until(lambda: gap(studio.frame(), before) < 1)


def test_whoever_turns_the_seed_gets_the_seed(studio: Studio) -> None:
    studio.view.bench.go(parse_place("9:0.7 4:0.6"), "Steer")
    studio.shows("9:0.7 4:0.6")
    studio.session.set_value("A", 0, "seed", 40)  # the dice of the inspector
    studio.shows("40")
    assert studio.view.bench.start().seed == 40
    studio.session.undo()
    studio.shows("9:0.7 4:0.6")


def test_a_ring_dragged_onto_a_picture_shows_that_picture(studio: Studio) -> None:
    view = studio.view
    space = view.bench.pictures.space
    assert space is not None
    seed = int(view.map.shown()[12])
    view.map.steer(*space.seeds[seed])
    assert studio.value("seed") == seed and studio.value("place") == ""
    studio.shows(str(seed))


def test_a_walk_goes_on_from_where_the_hand_let_go_and_leaves_a_trail(studio: Studio) -> None:
    view = studio.view
    view.bench.set("Walk", mode="walk", speed=2.0)
    studio.until(lambda: len(view.map._trail) > 5)
    view.map.steer(1.0, -1.0)
    studio.until(lambda: np.hypot(*np.subtract(view.bench.spot() or (9, 9), (1.0, -1.0))) < 1.0)
    assert studio.value("mode") == "walk"
    first = view.bench.spot()
    studio.until(lambda: view.bench.spot() != first)


def test_zooming_in_shows_more_seeds_and_keeps_the_place_under_the_pointer(studio: Studio) -> None:
    view = studio.view
    space = view.bench.pictures.space
    assert space is not None
    box = view.map.to_plane(QPointF(0, 0))
    point = QPointF(view.map.width() * 0.4, view.map.height() * 0.6)
    before, around = view.map.to_plane(point), len(view.map.shown())
    assert around and box
    near = np.hypot(*(space.seeds[view.map.shown()] - before).T) < 0.4
    for _ in range(6):
        QApplication.sendEvent(view.map, QWheelEvent(
            point, view.map.mapToGlobal(point), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False))
    assert view.map.to_plane(point) == pytest.approx(before, abs=1e-6)
    assert (np.hypot(*(space.seeds[view.map.shown()] - before).T) < 0.4).sum() > near.sum()
    center = view.map.to_plane(QPointF(view.map.rect().center()))
    empty = next(QPointF(x, y) for x in range(60, view.map.width(), 3) for y in range(10, view.map.height(), 3)
                 if view.map.seed_at(QPointF(x, y)) < 0 and not view.map.head_at(QPointF(x, y)))
    studio.drag(view.map, empty, empty + QPointF(20, 0), empty + QPointF(50, 20))
    moved = view.map.to_plane(QPointF(view.map.rect().center()))
    assert moved[0] < center[0] and moved[1] > center[1] and studio.value("seed") == 1
    studio.qtbot.keyClick(view.map, Qt.Key.Key_Home)
    assert view.map.to_plane(QPointF(view.map.rect().center())) == pytest.approx((0, 0), abs=0.05)


def test_keys_steer_zoom_and_pin(studio: Studio) -> None:
    view = studio.view
    view.map.setFocus()
    x, _ = view.bench.spot() or (0, 0)
    studio.qtbot.keyClick(view.map, Qt.Key.Key_Right)
    studio.until(lambda: (view.bench.spot() or (x, 0))[0] > x + 0.05)
    scale = view.map.scale()
    studio.qtbot.keyClick(view.map, Qt.Key.Key_Plus)
    assert view.map.scale() > scale
    studio.qtbot.keyClick(view.map, Qt.Key.Key_P)
    assert len(view.bench.points()) == 1
    studio.qtbot.keyClick(view.map, Qt.Key.Key_Return)
    assert studio.value("place") == ""


def test_nothing_is_made_while_the_view_is_hidden(studio: Studio) -> None:
    view, pictures = studio.view, studio.view.bench.pictures
    studio.until(lambda: not pictures.busy)
    view.hide()
    assert not pictures._wishes
    stamp = pictures.stamp
    studio.session.set_value("A", 0, "truncation", 0.5)
    studio.qtbot.wait(600)
    assert pictures.stamp == stamp and not pictures.busy
    view.show()
    studio.until(lambda: pictures.stamp > stamp)


def test_a_network_that_is_missing_is_said_on_the_map(studio: Studio) -> None:
    pictures = studio.view.bench.pictures
    studio.session.set_value("A", 0, "model", "nowhere")
    studio.until(lambda: "no model 'nowhere'" in pictures.reason)
    assert pictures.space is None and not studio.view.map.grab().isNull()
    studio.view.map.steer(0.5, 0.5)  # nothing to steer on: nothing happens
    assert studio.value("place") == ""
    studio.session.undo()
    studio.until(lambda: pictures.space is not None and not pictures.reason)
    studio.shows("1")


# --- pins ---


def test_pins_are_kept_in_the_session_and_lead_back(studio: Studio, tmp_path: Path) -> None:
    view = studio.view
    view.bench.set("Look", pc3=1.5)
    studio.until(lambda: gap(studio.frame(), studio.made("1")) > 3)
    studio.qtbot.mouseClick(view.pins.pin, Qt.MouseButton.LeftButton)
    studio.until(lambda: list(view.pins.tiles) == ["pin1"])
    wanted = studio.frame().copy()
    view.bench.go(40, "Away")
    studio.until(lambda: gap(studio.frame(), wanted) > 5)
    tile = view.pins.tiles["pin1"]
    studio.until(lambda: tile.image() is not None)
    studio.qtbot.mouseClick(tile, Qt.MouseButton.LeftButton)
    studio.until(lambda: gap(studio.frame(), wanted) < 3)
    assert studio.value("pc3") == 0.0
    view.pins.set_name("pin1", "Abend_röte")
    assert list(view.bench.points()) == ["Abend_röte"]
    path = tmp_path / "set.reverie"
    studio.session.save(path)
    other = Session()
    try:
        assert other.open(path) == []
        assert "Abend_röte=" in other.decks["A"].slots[0].data.params["points"]
    finally:
        other.close()
    studio.until(lambda: "Abend_röte" in view.pins.tiles)
    view.pins.tiles["Abend_röte"].setFocus()
    studio.qtbot.keyClick(view.pins.tiles["Abend_röte"], Qt.Key.Key_Delete)
    studio.until(lambda: not view.pins.tiles)
    studio.session.undo()
    studio.until(lambda: list(view.pins.tiles) == ["Abend_röte"])


def test_a_renamed_pin_is_followed_by_path_and_arithmetic(studio: Studio) -> None:
    view = studio.view
    view.bench.set("Text", points="rose=12 rosette=3", keyframes="rose@0 rosette@1 rose@2:in", point_a="rose")
    view.pins.set_name("rose", "tulip")
    assert studio.value("points") == "tulip=12 rosette=3" and studio.value("point_a") == "tulip"
    assert studio.value("keyframes") == "tulip@0 rosette@1 tulip@2:in"


# --- the path ---


def test_keyframes_are_dragged_in_time_and_the_text_follows(studio: Studio) -> None:
    track = studio.view.path.track
    start = track.rect_of(1).center()
    studio.drag(track, start, start + QPointF(10, 0), QPointF(track.to_x(3.0), start.y()))
    assert studio.value("keyframes") == "1@0 7@3:in 23@4"
    studio.session.undo()
    assert studio.value("keyframes") == PATH
    studio.until(lambda: track.frames[1].time == 2.0)
    studio.qtbot.mouseClick(track, Qt.MouseButton.LeftButton, pos=track.rect_of(2).center().toPoint())
    assert studio.value("seed") == 23
    studio.shows("23")


def test_keyframes_are_added_removed_and_eased(studio: Studio) -> None:
    strip, track = studio.view.path, studio.view.path.track
    studio.qtbot.mouseClick(strip.add, Qt.MouseButton.LeftButton)
    assert studio.value("keyframes") == "1@0 7@2:in 23@4 1@6"
    track.setFocus()
    studio.qtbot.keyClick(track, Qt.Key.Key_Delete)
    assert studio.value("keyframes") == PATH
    way = QPointF((track.rect_of(1).right() + track.rect_of(2).left()) / 2, track.rect_of(1).center().y())
    assert track.way_at(way) == 2
    menu = track.easing_menu(2)
    next(action for action in menu.actions() if action.text() == "hold").trigger()
    menu.deleteLater()
    assert studio.value("keyframes") == "1@0 7@2:in 23@4:hold"
    track.chosen = 1
    studio.qtbot.keyClick(track, Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
    assert studio.value("keyframes") == "1@0 7@2.25:in 23@4:hold"
    drop(track, place_mime("9:0.7 4:0.6"), QPointF(track.to_x(1.0), 30))
    assert studio.value("keyframes") == "1@0 key@1 7@2.25:in 23@4:hold" and studio.value("points") == "key=9:0.7+4:0.6"
    for _ in range(5):
        track.remove(0)
    assert len(track.frames) == 2


def test_following_the_path_moves_along_it(studio: Studio) -> None:
    strip = studio.view.path
    studio.qtbot.mouseClick(strip.play, Qt.MouseButton.LeftButton)
    assert studio.value("mode") == "keyframes"
    studio.until(lambda: (strip.track._time or 0) > 0.2)
    studio.qtbot.mouseClick(strip.repeat, Qt.MouseButton.LeftButton)
    assert studio.value("repeat") is False
    studio.qtbot.mouseClick(strip.play, Qt.MouseButton.LeftButton)
    assert studio.value("mode") == "still" and studio.value("place") != ""


def test_a_text_that_cannot_be_read_is_said_and_left_alone(studio: Studio) -> None:
    track = studio.view.path.track
    studio.session.set_value("A", 0, "keyframes", "1@0 7@x")
    studio.until(lambda: "not a time" in track.fault)
    assert studio.value("keyframes") == "1@0 7@x" and not track.grab().isNull()
    studio.session.set_value("A", 0, "keyframes", PATH)
    studio.until(lambda: not track.fault)


# --- breeding ---


def test_breeding_picks_mixes_and_steps_back(studio: Studio) -> None:
    page = studio.view.breed
    studio.view.show_page("breed")
    studio.until(lambda: len(page.children_places) == 9 and all(tile.image() is not None for tile in page.tiles))
    parent = page.parents[0]
    assert parent.seed == 1 and len({pixels(tile.image()).tobytes() for tile in page.tiles}) == 9
    picked = page.children_places[4]
    studio.qtbot.mouseClick(page.tiles[4], Qt.MouseButton.LeftButton)
    assert page.parents == [picked] and studio.view.bench.start() == picked
    studio.shows(str(picked))
    assert page.children_places[4] != picked and page.lineage == [[parent]]
    marked = [page.children_places[0], page.children_places[8]]
    for number in (0, 8):
        studio.qtbot.mouseClick(page.tiles[number], Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier)
    assert page.parents == marked and len(page.lineage) == 2
    mixed = {source for source, _ in as_place(page.children_places[0]).terms}
    assert mixed & {source for source, _ in marked[0].terms} and len(page.children_places) == 9
    studio.qtbot.mouseClick(page.back, Qt.MouseButton.LeftButton)
    assert page.parents == [picked]
    studio.shows(str(picked))
    studio.qtbot.mouseClick(page.back, Qt.MouseButton.LeftButton)
    assert page.parents == [parent] and studio.value("seed") == 1 and studio.value("place") == ""
    assert not page.back.isEnabled()


def test_weak_children_are_nearer_to_their_parent(studio: Studio) -> None:
    page = studio.view.breed
    studio.until(lambda: len(page.children_places) == 9)

    def away(strength: float) -> float:
        page.strength.set_norm(strength)
        page.strength.released.emit()
        parent = studio.made("1")
        return float(np.mean([gap(studio.made(str(place)), parent) for place in page.children_places]))

    assert away(0.1) < 0.6 * away(0.8)


# --- arithmetic and directions ---


def test_arithmetic_takes_seeds_pins_and_dragged_pictures(studio: Studio) -> None:
    view, page = studio.view, studio.view.arithmetic
    view.show_page("sum")
    view.bench.set("Text", points="rose=12")
    field = page.slots["a"].field
    field.setFocus()
    field.selectAll()
    studio.qtbot.keyClicks(field, "rose")
    studio.qtbot.keyClick(field, Qt.Key.Key_Return)
    assert studio.value("point_a") == "rose"
    drop(page.slots["b"], place_mime("40"))
    drop(page.slots["c"], place_mime("9:0.7 4:0.6"))
    assert studio.value("point_b") == "40" and studio.value("point_c") == "mix"
    assert studio.value("points") == "rose=12 mix=9:0.7+4:0.6"
    studio.until(lambda: page.result.image() is not None and page.result.place == str(page.sum()))
    studio.qtbot.mouseClick(page.live, Qt.MouseButton.LeftButton)
    assert studio.value("mode") == "arithmetic"
    studio.shows(str(page.sum()))
    wide, y = page.amount.width(), page.amount.height() / 2
    studio.drag(page.amount, QPointF(wide * 0.75, y), QPointF(wide * 0.5, y))
    assert studio.value("amount") == pytest.approx(0.0, abs=0.05)
    studio.session.undo()
    assert studio.value("amount") == 1.0
    field.setFocus()
    field.selectAll()
    studio.qtbot.keyClicks(field, "nobody")
    studio.qtbot.keyClick(field, Qt.Key.Key_Return)
    studio.until(lambda: field.property("role") == "wrong")
    assert page.sum() is None


def test_directions_have_their_ends_and_follow_the_base(studio: Studio) -> None:
    view, page = studio.view, studio.view.directions
    view.show_page("directions")
    studio.until(lambda: all(tile.image() is not None for ends in page.ends for tile in ends))
    low, high = page.ends[0]
    assert gap(pixels(low.image()), pixels(high.image())) > 5
    before = pixels(page.ends[4][1].image())
    slider = page.sliders[1]
    wide, y = slider.width(), slider.height() / 2
    studio.drag(slider, QPointF(wide / 2, y), QPointF(wide * 0.6, y), QPointF(wide * 0.8, y))
    assert float(studio.value("pc2")) > 1.5  # type: ignore[arg-type]
    studio.until(lambda: gap(pixels(page.ends[4][1].image()), before) > 2)
    studio.session.undo()
    assert studio.value("pc2") == 0.0
    studio.until(lambda: gap(pixels(page.ends[4][1].image()), before) < 0.5)
    studio.until(lambda: view.bench.pictures.image(high.place, view.bench.truncation) is high.image())
    studio.qtbot.mouseClick(high, Qt.MouseButton.LeftButton)
    assert studio.value("pc1") == 3.0
    wanted = pixels(high.image())
    studio.until(lambda: gap(studio.frame(), wanted) < 4)


# --- photographs ---


def test_a_dropped_picture_of_the_network_is_found_again(studio: Studio, tmp_path: Path) -> None:
    view = studio.view
    wanted = studio.made("5002")
    path = tmp_path / "Blüte im Garten.png"
    QImage(wanted.data, 64, 64, 192, QImage.Format.Format_RGB888).save(str(path))
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    drop(view, data)
    assert view.search.job is not None
    studio.until(lambda: view.search.found.count > 0)
    first = view.search.found.distance
    studio.until(lambda: view.search.job is None, 240_000)
    assert view.search.found.distance < 0.2 * first
    studio.until(lambda: gap(studio.frame(), wanted) < 12)
    studio.until(lambda: not view.card.isVisible())
    assert list(view.bench.points()) == ["Blüte_im_Garten"]
    assert view.bench.points()["Blüte_im_Garten"] == view.bench.start()
    studio.session.undo()
    assert studio.value("place") == "" and studio.value("points") == ""


def test_a_search_can_be_ended_and_a_bad_file_is_a_sentence(studio: Studio, tmp_path: Path) -> None:
    view = studio.view
    path = tmp_path / "noise.png"
    noise = np.random.default_rng(1).integers(0, 255, (80, 90, 3), np.uint8)
    QImage(noise.data, 90, 80, 270, QImage.Format.Format_RGB888).save(str(path))
    view.find_photo(path, "b")
    studio.until(lambda: view.search.found.count > 0)
    job = view.search.job
    assert job is not None
    studio.until(lambda: view.card.isVisible())
    studio.qtbot.mouseClick(view.card.cancel, Qt.MouseButton.LeftButton)
    studio.until(lambda: view.search.job is None)
    assert job.state == "cancelled" and studio.value("point_b") == "noise" and studio.value("place") == ""
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    view.find_photo(bad)
    studio.until(lambda: any("bad.png" in notice.text for notice in studio.session.notices))
    assert studio.value("place") == ""


def test_a_picture_dropped_on_the_path_is_a_keyframe_from_the_first_guess_on(studio: Studio, tmp_path: Path) -> None:
    view = studio.view
    path = tmp_path / "dusk.png"
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8)
    QImage(noise.data, 64, 64, 192, QImage.Format.Format_RGB888).save(str(path))
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    track = view.path.track
    drop(track, data, QPointF(track.to_x(3.0), track.height() / 2))
    studio.until(lambda: any(frame.word == "dusk" for frame in track.frames), 120_000)
    (key,) = [frame for frame in track.frames if frame.word == "dusk"]
    assert key.time == pytest.approx(3.0, abs=0.3) and studio.value("place") == ""
    view.search.cancel()
    studio.until(lambda: view.search.job is None, 120_000)
    studio.session.undo()
    assert studio.value("keyframes") == PATH and studio.value("points") == ""


# --- the whole ---


@pytest.mark.parametrize("size", [(900, 300), (640, 290), (1480, 560)])
def test_it_fits_and_can_be_used_by_keyboard(qtbot: QtBot, size: tuple[int, int]) -> None:
    studio = Studio(qtbot, size)
    try:
        view = studio.view
        assert view.size().toTuple() == size
        for name in ("path", "breed", "sum", "directions"):
            if view.tabs[name].isVisible():
                view.show_page(name)
            for widget in view.findChildren(QWidget):
                if not widget.isVisible():
                    continue
                if isinstance(widget, (QAbstractButton, QAbstractSlider, QLineEdit, Tile)):
                    assert widget.accessibleName() or getattr(widget, "text", str)(), widget
                    assert widget.toolTip() or isinstance(widget, Tile), widget.accessibleName()
                    corner = widget.mapTo(view, widget.rect().bottomRight())
                    if not view.pins.isAncestorOf(widget):
                        assert view.rect().contains(corner), (name, widget.accessibleName(), corner)
        least = view.minimumSizeHint()
        assert least.width() <= 640 and least.height() <= (420 if size[1] > 430 else 290), least
    finally:
        studio.close()


def test_opening_and_closing_leaves_nothing_running(studio: Studio) -> None:
    for _ in range(5):
        view = LatentView(studio.session, studio.line, 0)
        studio.qtbot.addWidget(view)
        view.show()
        studio.qtbot.wait(20)
        view.refresh()
        view.close_view()
        view.close()
        assert view.bench.pictures._closed


def test_the_view_brings_no_torch_to_the_windows_thread() -> None:
    code = "import sys, studio.ui.views.latent; raise SystemExit(any(n in sys.modules for n in ('torch', 'cv2', 'av')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
