"""The picture: newest frame, its shape, states, clicks, drops and drags."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QColor, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from studio.ui import theme
from studio.ui.kit import FrameView, mime


def plain(color: tuple[int, int, int], width: int = 64, height: int = 32) -> np.ndarray:
    return np.full((height, width, 3), color, np.uint8)


@pytest.fixture
def view(qtbot: QtBot) -> FrameView:
    made = FrameView()
    qtbot.addWidget(made)
    made.resize(200, 200)
    made.show()
    return made


def test_pulls_only_new_frames(qtbot: QtBot) -> None:
    box = [plain((200, 10, 10))]
    view = FrameView(lambda: box[0])
    qtbot.addWidget(view)
    assert view.refresh()
    assert not view.refresh()
    box[0] = plain((10, 200, 10))
    assert view.refresh()
    assert view.frame() is box[0]


def test_keeps_the_shape_and_letterboxes(view: FrameView) -> None:
    view.set_frame(plain((200, 10, 10)))
    image = view.grab().toImage()
    assert image.pixelColor(100, 100) == QColor(200, 10, 10)
    assert image.pixelColor(100, 20) == theme.color("picture_bg")
    assert image.pixelColor(2, 100) == QColor(200, 10, 10)
    assert view.picture_rect().getRect() == (0, 50, 200, 100)
    assert view.to_picture(QPointF(100, 75)) == (0.5, 0.25)
    assert view.to_picture(QPointF(100, 20)) is None


def test_a_picture_of_the_screens_size_is_shown_pixel_by_pixel(view: FrameView) -> None:
    view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    view.clearFocus()  # the ring would cover the border
    frame = np.random.default_rng(3).integers(0, 255, (200, 200, 3), np.uint8)
    view.set_frame(frame)
    ratio = view.devicePixelRatioF()
    if ratio != 1.0:
        pytest.skip("this screen has more than one pixel to a point")
    image = view.grab().toImage()
    for x, y in ((0, 0), (199, 199), (57, 123)):
        assert image.pixelColor(x, y) == QColor(*(int(v) for v in frame[y, x]))


def test_one_pixel_and_long_frames(view: FrameView) -> None:
    for frame in (plain((9, 200, 9), 1, 1), plain((9, 200, 9), 2000, 1), plain((9, 200, 9), 1, 3000)):
        view.set_frame(frame)
        assert view.grab().toImage().pixelColor(100, 100) == QColor(9, 200, 9)


def test_no_frame_shows_why(view: FrameView) -> None:
    view.set_state("failed", "The camera is used by another program", button="Try again")
    button = view.findChild(QPushButton)
    assert isinstance(button, QPushButton) and button.isVisible()
    image = view.grab().toImage()
    assert any(image.pixelColor(x, y) == theme.color("danger") for x in range(200) for y in range(200))
    assert view.accessibleDescription() == "The camera is used by another program"
    assert view.rect().contains(button.geometry())


def test_button_of_the_placeholder_is_the_cure(qtbot: QtBot, view: FrameView) -> None:
    view.set_state("empty", "Drop a generator here", button="Choose")
    button = view.findChild(QPushButton)
    with qtbot.waitSignal(view.activated, timeout=1000):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    view.set_frame(plain((1, 2, 3)))
    view.set_state("running")
    assert not button.isVisible()


def test_failure_is_a_strip_beside_the_last_good_frame(view: FrameView) -> None:
    view.set_frame(plain((10, 200, 10), 64, 64))
    view.set_state("failed", "dream.py raised ZeroDivisionError", button="Restart")
    image = view.grab().toImage()
    assert image.pixelColor(100, 20) == QColor(10, 200, 10)
    assert image.pixelColor(2, 190).red() > image.pixelColor(2, 190).green()


@pytest.mark.parametrize("size", [(64, 48), (90, 60), (160, 110), (640, 360)])
@pytest.mark.parametrize("state", ["empty", "loading", "failed", "paused", "absent", "running"])
def test_states_paint_at_every_size(view: FrameView, size: tuple[int, int], state: str) -> None:
    view.resize(*size)
    view.set_overlay("A · 30 fps")
    view.set_state(state, "Geschwindigkeitsbegrenzungseinstellungen sind nicht vorhanden", button="Öffnen")
    assert not view.grab().isNull()
    view.set_frame(plain((1, 2, 3)))
    assert not view.grab().isNull()


def test_loading_ring_turns_without_frames(qtbot: QtBot, view: FrameView) -> None:
    view.set_state("loading", "Faces 256")
    first = view.grab().toImage()

    def moved() -> bool:
        view.refresh()
        return view.grab().toImage() != first

    qtbot.waitUntil(moved, timeout=2000)


def test_clicks_and_keys(qtbot: QtBot, view: FrameView) -> None:
    with qtbot.waitSignal(view.clicked, timeout=1000):
        qtbot.mouseClick(view, Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(view.doubleClicked, timeout=1000):
        qtbot.mouseDClick(view, Qt.MouseButton.LeftButton)
    view.setFocus()
    with qtbot.waitSignal(view.clicked, timeout=1000):
        qtbot.keyClick(view, Qt.Key.Key_Return)
    with qtbot.assertNotEmitted(view.clicked):
        qtbot.mousePress(view, Qt.MouseButton.LeftButton)
        qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(400, 400))


def drop_on(view: FrameView, data: QMimeData) -> bool:
    """Whether it was taken."""
    where, none = QPoint(50, 50), Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(where, Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, none)
    enter.ignore()
    QApplication.sendEvent(view, enter)
    if not enter.isAccepted():
        return False
    QApplication.sendEvent(
        view, QDropEvent(QPointF(where), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, none))
    return True


def test_takes_what_the_window_drags(qtbot: QtBot, view: FrameView) -> None:
    for kind, text in ((mime.GENERATOR, "dream"), (mime.PRESET, "/looks/dream/orchid.json"), (mime.SNAPSHOT, "s-7")):
        with qtbot.waitSignal(view.dropped, timeout=1000) as got:
            assert drop_on(view, mime.make(kind, text))
        assert got.args == [mime.Dropped(kind, text)]


def test_takes_nothing_where_nobody_listens(view: FrameView) -> None:
    assert not drop_on(view, mime.make(mime.GENERATOR, "dream"))


def test_takes_files_and_only_what_it_accepts(qtbot: QtBot, view: FrameView) -> None:
    with qtbot.waitSignal(view.dropped, timeout=1000) as got:
        assert drop_on(view, mime.files([Path("/a/one.png"), Path("/a/two words.png")]))
    assert got.args[0].files == (Path("/a/one.png"), Path("/a/two words.png"))
    web = QMimeData()
    web.setUrls([QUrl("https://example.org/x.png")])
    words = QMimeData()
    words.setText("hello")
    view.accepts = lambda what: what.kind == mime.GENERATOR
    with qtbot.assertNotEmitted(view.dropped):
        for data in (web, words, mime.files([Path("/a/one.png")])):
            assert not drop_on(view, data)


def test_starts_a_drag_only_after_some_way(qtbot: QtBot, view: FrameView, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    monkeypatch.setattr("PySide6.QtGui.QDrag.exec", lambda self, *_: started.append(self.mimeData()))
    view.set_frame(plain((1, 2, 3)))
    view.set_drag(lambda: mime.make(mime.SNAPSHOT, "now"))
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(50, 50))
    qtbot.mouseMove(view, QPoint(52, 51))
    assert not started
    with qtbot.assertNotEmitted(view.clicked):
        qtbot.mouseMove(view, QPoint(120, 90))
        qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(120, 90))
    assert [mime.read(data) for data in started] == [mime.Dropped(mime.SNAPSHOT, "now")]
