"""A session that is pumped as the window would, for the pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QDialog, QPushButton, QWidget

from studio.engine import threads
from studio.session.session import Session


class Wheels:
    """The window's timer: delivers news and refreshes the pages that are shown."""

    def __init__(self, session: Session) -> None:
        self.session, self.pages = session, []
        self._timer = QTimer()
        self._timer.timeout.connect(self._tick)
        self._timer.start(10)
        self._ticks = 0

    def _tick(self) -> None:
        self.session.pump()
        self._ticks += 1
        if self._ticks % 5 == 0:
            for page in self.pages:
                page.refresh()

    def stop(self) -> None:
        self._timer.stop()
        self.pages.clear()


@pytest.fixture
def wheels() -> Iterator[Wheels]:
    session = Session()
    made = Wheels(session)
    yield made
    made.stop()
    session.close()
    assert not threads.stop_all(15.0)


@pytest.fixture
def show(wheels: Wheels, qtbot):  # type: ignore[no-untyped-def]
    def shown(kind: type, size: tuple[int, int] = (1232, 590)):  # type: ignore[no-untyped-def]
        page = kind(wheels.session)
        qtbot.addWidget(page)
        page.resize(*size)
        page.show()
        wheels.pages.append(page)
        return page

    return shown


def press(page: QWidget, text: str, qtbot) -> None:  # type: ignore[no-untyped-def]
    """Press the button of this text in the open question."""
    from PySide6.QtCore import Qt

    qtbot.waitUntil(lambda: any(d.isVisible() for d in page.findChildren(QDialog)))
    dialog = next(d for d in page.findChildren(QDialog) if d.isVisible())
    found = next(b for b in dialog.findChildren(QPushButton) if b.text() == text)
    qtbot.mouseClick(found, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not any(d.isVisible() for d in page.findChildren(QDialog)))
