"""What the tests of the style and dream views share: a session with a real generator, drops, drags."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from studio import paths
from studio.engine.threads import stop_all
from studio.plugins import Registry, read_plugin
from studio.session.session import Session
from studio.ui.kit import mime

LEFT = Qt.MouseButton.LeftButton
NONE = Qt.KeyboardModifier.NoModifier


def real_session(*names: str) -> Session:
    """A session with the named built-in plugins and the sample scene."""
    folder = paths.bundled("plugins")
    return Session(Registry([read_plugin(folder / name) for name in ("sample_scene", *names)]))


def close(session: Session) -> None:
    """End it with all its threads."""
    session.close()
    assert not stop_all(20.0)


def wait(qtbot: Any, session: Session, view: Any, true: Callable[[], object], timeout: int = 60_000) -> None:
    """Pump and refresh as the window does, until ``true()``."""

    def look() -> bool:
        session.pump()
        view.refresh()
        return bool(true())

    qtbot.waitUntil(look, timeout=timeout)


def picture(path: Path, colour: Sequence[int] = (200, 90, 40), size: tuple[int, int] = (96, 72)) -> Path:
    """A small picture file with some structure."""
    pixels = np.zeros((size[1], size[0], 3), np.uint8) + np.array(colour, np.uint8)
    pixels[::8] //= 2
    pixels[:, ::12] = 255 - pixels[:, ::12]
    Image.fromarray(pixels).save(path)
    return path


def drop(widget: QWidget, *files: Path, at: QPoint | None = None) -> bool:
    """Drop files on a widget; whether it took them."""
    data, where = mime.files(list(files)), at or widget.rect().center()
    enter = QDragEnterEvent(where, Qt.DropAction.CopyAction, data, LEFT, NONE)
    enter.ignore()
    QApplication.sendEvent(widget, enter)
    if enter.isAccepted():
        QApplication.sendEvent(widget, QDropEvent(QPointF(where), Qt.DropAction.CopyAction, data, LEFT, NONE))
    return enter.isAccepted()


def drag(widget: QWidget, *points: QPointF, modifiers: Qt.KeyboardModifier = NONE) -> None:
    """Press at the first point, move over the others, let go at the last."""
    spots = [point.toPoint() for point in points]
    QTest.mousePress(widget, LEFT, modifiers, spots[0])
    for before, after in pairwise(spots):
        for share in (0.25, 0.5, 0.75, 1.0):
            _move(widget, QPointF(before) * (1 - share) + QPointF(after) * share, modifiers)
    QTest.mouseRelease(widget, LEFT, modifiers, spots[-1])


def _move(widget: QWidget, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
    none, there = Qt.MouseButton.NoButton, widget.mapToGlobal(point)
    event = QMouseEvent(QEvent.Type.MouseMove, point, there, none, LEFT, modifiers)
    QApplication.sendEvent(widget, event)


def click(widget: QWidget, point: QPointF, modifiers: Qt.KeyboardModifier = NONE) -> None:
    """A click at a point."""
    QTest.mouseClick(widget, LEFT, modifiers, point.toPoint())
