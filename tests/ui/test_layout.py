"""The real layout with long names: nothing is cut without dots, and everything that takes the focus has a name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractScrollArea,
    QApplication,
    QLabel,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QScrollArea,
    QSpinBox,
    QTabBar,
    QWidget,
)

from studio.session.session import Session
from studio.ui.export import ExportDialog
from studio.ui.inspector.group import GroupTitle
from studio.ui.kit import Elided
from studio.ui.rail import PAGES
from studio.ui.window import MainWindow
from tests.stand import write_plugin
from tests.ui.clipped import clipped
from tests.ui.stand import level

LONG = "Übergangslandschaftsgeschwindigkeitsregler mit Farbverlaufsbegrenzung"
PLUGIN = f'''
import numpy as np
from studio.api import Bool, Choice, Float, Generator, Path, Point, Seed, Trigger

class Long(Generator):
    """{LONG}: {LONG}."""
    id, version, makes, title = "test.long", 1, "image", "{LONG}"
    geschwindigkeitsbegrenzung_der_landschaft = Float(1.0, 0.0, 1.0, unit="Hz", help="{LONG}")
    farbverlaufsrichtungsumkehrung_im_uhrzeigersinn = Bool(False, group="{LONG}", help="{LONG}")
    verfahren = Choice("überblendungsverfahren mit weichzeichner",
                       ("überblendungsverfahren mit weichzeichner", "zufallsverfahren ohne weichzeichner"))
    ausgangsbilddatei_der_farbverlaufsberechnung = Path("")
    mittelpunkt_der_geschwindigkeitsmessung = Point((0.5, 0.5))
    zufallszahlengeneratorinitialisierung = Seed(1)
    zuruecksetzungsausloeser_der_landschaft = Trigger()

    def step(self, ctx):
        return np.ones((24, 32, 3), np.float32)
'''


@pytest.fixture
def session(session: Session, tmp_path: Path) -> Session:
    session.registry.add(write_plugin(tmp_path, "long", PLUGIN))
    return session


@pytest.fixture
def window(window: MainWindow, session: Session, qtbot: Any) -> MainWindow:
    session.load("A", "test.long")
    qtbot.waitUntil(lambda: level(session) == 255, timeout=20_000)
    session.take_snapshot(LONG)
    return window


def _each(window: MainWindow) -> Iterator[str]:
    """Every page and panel, one after the other."""
    for dock in ("setlist", "sound"):
        window.toggle_dock(dock)
        yield dock
        window.toggle_dock(dock)
    for tab in ("presets", "snapshots", "models", "generators"):
        window.library.show_tab(tab)
        yield f"library, {tab}"
    for name, _, _, _ in PAGES[1:]:
        page: Any = window.show_page(name)
        if name == "control":
            for part in ("bindings", "modulators", "osc", "clock"):
                page.show_part(part)
                yield f"control, {part}"
        else:
            yield name


@pytest.mark.parametrize("size", [(1280, 720), (3840, 2160)])
def test_long_names_are_cut_with_dots_and_no_words_are_lost(
    window: MainWindow, qtbot: Any, size: tuple[int, int]
) -> None:
    window.resize(*size)
    for place in _each(window):

        def words_fit(place: str = place) -> None:
            assert not (found := clipped(window)), f"{place}: {found}"

        qtbot.waitUntil(words_fit, timeout=10_000)  # lists are filled in the background
        assert (window.width(), window.height()) == size, f"{place} forces the window to be larger"


def test_the_audit_finds_what_is_cut(qtbot: Any) -> None:
    holder = QWidget()
    qtbot.addWidget(holder)
    holder.resize(400, 200)
    parts = (QLabel(LONG, holder), QLabel(LONG, holder, wordWrap=True), QPushButton(LONG, holder), Elided(LONG, holder))
    for row, part in enumerate(parts):
        part.setGeometry(0, row * 40, 90, 20)
    beyond = QLabel("a", holder)
    beyond.setGeometry(395, 170, 40, 20)
    holder.show()
    QApplication.processEvents()
    found = clipped(holder)
    assert len(found) == 4 and not any(line.startswith("Elided") for line in found), found
    for part in parts:
        part.setGeometry(0, part.y(), 900, 20)
    holder.resize(1000, 200)
    assert clipped(holder) == []


def test_all_that_takes_the_focus_has_a_name_for_screen_readers(window: MainWindow) -> None:
    for place in _each(window):
        QApplication.processEvents()
        nameless = [widget for widget in window.findChildren(QWidget) if _wants_name(widget, window)]
        assert not nameless, f"{place}: {[(found, found.parent()) for found in nameless]}"


class _Windows(QObject):
    """What is shown as a window of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[QWidget] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
            self.seen.append(watched)
        return False


def test_no_part_of_a_page_is_a_window_for_a_moment(
    window: MainWindow, session: Session, qapp: QApplication, qtbot: Any
) -> None:
    windows = _Windows()
    qapp.installEventFilter(windows)
    try:
        session.clear_line("A")
        session.load("A", "test.long")
        session.select("A", 0)
        qtbot.waitUntil(lambda: window.inspector.findChild(GroupTitle) is not None, timeout=20_000)
        for place in _each(window):
            QApplication.processEvents()
            assert not windows.seen, f"{place}: {windows.seen} was shown alone and took the focus"
        dialog = ExportDialog(session, "A", window)
        for key in ("mp4", "gif"):
            dialog.choose_format(key)
            QApplication.processEvents()
        assert not windows.seen, f"export: {windows.seen}"
    finally:
        qapp.removeEventFilter(windows)


def test_the_tab_key_reaches_everything_and_is_caught_by_nothing(window: MainWindow, qtbot: Any) -> None:
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    for place in _each(window):
        QApplication.processEvents()
        window.transport.bpm.setFocus()
        seen: list[QWidget] = []
        while (now := QApplication.focusWidget()) is not None and now not in seen:
            seen.append(now)
            qtbot.keyClick(now, Qt.Key.Key_Tab)
        wanted = [
            widget for widget in window.findChildren(QWidget)
            if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.isVisible() and widget.isEnabled()
            and widget.focusProxy() is None and not isinstance(widget, (QRadioButton, QScrollArea))
            and not (isinstance(widget, QAbstractButton) and widget.group())  # one of a group; arrows go on
        ]
        missed = [widget for widget in wanted if widget not in seen]
        assert len(seen) > 20 and not missed, f"{place}: {len(seen)} reached, at last {seen[-1:]}; missed {missed[:5]}"


def _wants_name(widget: QWidget, window: MainWindow) -> bool:
    if not (widget.focusPolicy() & Qt.FocusPolicy.TabFocus) or not widget.isVisibleTo(window):
        return False
    if widget.objectName().startswith("qt_") or isinstance(widget.parent(), (QTabBar, QSpinBox)):
        return False  # small parts of Qt's own
    if isinstance(widget, QLineEdit) and widget.parentWidget() is not None and widget.parentWidget().focusProxy():
        return False
    if isinstance(widget, QAbstractScrollArea) and not isinstance(widget, QAbstractItemView) and type(
        widget).__name__ == "QScrollArea":
        return False  # only scrolled by keys; what is in it has names
    text = getattr(widget, "text", str)()
    return not (widget.accessibleName() or (isinstance(text, str) and text and not isinstance(widget, QLineEdit)))
