"""What has the keyboard is seen, what is off looks off: for every widget, in both themes."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QPlainTextEdit,
    QPushButton,
    QRadioButton,
    QSlider,
    QSpinBox,
    QTableWidget,
    QTabWidget,
    QTextBrowser,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)
from pytestqt.qtbot import QtBot

from studio.ui import theme
from studio.ui.kit import (
    Card,
    ColorPicker,
    ColorSwatch,
    FrameView,
    SearchField,
    Section,
    Slider,
    Thumb,
    ThumbGrid,
    Toast,
    XYPad,
    ask,
    button,
    tool_button,
)


def combo() -> QComboBox:
    made = QComboBox()
    made.addItems(["Slow", "Fast"])
    return made


def tabs() -> QTabWidget:
    made = QTabWidget()
    for name in ("Map", "Keyframes"):
        made.addTab(QWidget(), name)
    return made


def tree() -> QTreeWidget:
    made = QTreeWidget()
    made.addTopLevelItem(QTreeWidgetItem(["one"]))
    return made


def listed() -> QListWidget:
    made = QListWidget()
    made.addItems(["one", "two"])
    return made


def pressed() -> QPushButton:
    made = button("Blackout", role="danger", checkable=True)
    made.setChecked(True)
    return made


def switched() -> QCheckBox:
    made = QCheckBox("Loop")
    made.setChecked(True)
    return made


STANDARD: dict[str, Callable[[], QWidget]] = {
    "plain": lambda: button("Plain"), "primary": lambda: button("Go", role="primary"),
    "danger": lambda: button("Delete", role="danger"), "danger on": pressed,
    "ghost": lambda: button("Ghost", role="ghost"), "link": lambda: button("More", role="link"),
    "tool": lambda: tool_button("dice", "Dice"), "raised tool": lambda: tool_button("tap", "Tap", role="raised"),
    "line": lambda: QLineEdit("words"), "search": lambda: SearchField(), "text": lambda: QPlainTextEdit("words"),
    "browser": lambda: QTextBrowser(), "spin": lambda: QSpinBox(), "double": lambda: QDoubleSpinBox(), "combo": combo,
    "switch": lambda: QCheckBox("Loop"), "switch on": switched, "radio": lambda: QRadioButton("GIF"),
    "qslider": lambda: QSlider(Qt.Orientation.Horizontal), "vertical": lambda: QSlider(Qt.Orientation.Vertical),
    "list": listed, "tree": tree, "table": lambda: QTableWidget(2, 2),
    "card": lambda: Card("Dream", subtitle="Endless zoom"), "swatch": lambda: ColorSwatch("#4466aa"),
    "frame view": lambda: FrameView(), "slider": lambda: Slider(norm=0.4), "pad": lambda: XYPad(),
}
PARTS: dict[str, Callable[[], tuple[QWidget, QWidget]]] = {
    "tab bar": lambda: (made := tabs(), made.tabBar()),
    "section": lambda: (made := Section("Motion"), made._header),
    "hue": lambda: (made := ColorPicker(), made._hue),
    "shade": lambda: (made := ColorPicker(), made._shade),
}


def look(widget: QWidget) -> np.ndarray:
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGBA8888)
    data = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return data[:, : image.width() * 4].reshape(image.height(), image.width(), 4).astype(int).copy()


def differing(one: np.ndarray, other: np.ndarray) -> int:
    """How many pixels are clearly not the same."""
    return int((np.abs(one - other).max(axis=2) > 24).sum())


@pytest.fixture(params=theme.NAMES)
def dressed(request: pytest.FixtureRequest, qapp: QApplication):
    if request.param != theme.current():
        theme.apply(qapp, request.param)
    yield request.param
    if theme.current() != "dark":
        theme.apply(qapp, "dark")


def placed(qtbot: QtBot, widget: QWidget) -> tuple[QWidget, QLineEdit]:
    host = QWidget()
    row = QHBoxLayout(host)
    other = QLineEdit()  # takes the keyboard away from what is looked at
    row.addWidget(widget)
    row.addWidget(other)
    host.resize(420, 200)
    qtbot.addWidget(host)
    host.show()
    qtbot.waitExposed(host)
    host.activateWindow()
    qtbot.waitUntil(host.isActiveWindow)
    other.setFocus()
    return host, other


def check_focus(qtbot: QtBot, widget: QWidget, part: QWidget) -> None:
    host, other = placed(qtbot, widget)
    blind = look(widget)
    part.setFocus(Qt.FocusReason.TabFocusReason)
    assert part.hasFocus(), "the keyboard cannot reach it"
    assert differing(blind, look(widget)) >= 12, "nothing shows that it has the keyboard"
    other.setFocus()
    assert differing(blind, look(widget)) < 12
    host.close()


@pytest.mark.parametrize("name", STANDARD)
def test_the_keyboard_is_seen(qtbot: QtBot, dressed: str, name: str) -> None:
    widget = STANDARD[name]()
    check_focus(qtbot, widget, widget)


@pytest.mark.parametrize("name", PARTS)
def test_the_keyboard_is_seen_in_parts(qtbot: QtBot, dressed: str, name: str) -> None:
    widget, part = PARTS[name]()
    check_focus(qtbot, widget, part)


def test_the_keyboard_is_seen_in_the_grid(qtbot: QtBot, dressed: str) -> None:
    grid = ThumbGrid(search=False)
    grid.set_items([Thumb("a", "A"), Thumb("b", "B")])
    grid.select("a")
    grid.view.clearSelection()
    check_focus(qtbot, grid, grid.view)


@pytest.mark.parametrize("name", [name for name in STANDARD if name not in ("frame view", "browser")])
def test_off_looks_off(qtbot: QtBot, dressed: str, name: str) -> None:
    widget = STANDARD[name]()
    host, _ = placed(qtbot, widget)
    on = look(widget)
    widget.setEnabled(False)
    assert differing(on, look(widget)) >= 8
    host.close()


def test_fifty_rounds_leave_nothing_behind(qapp: QApplication, qtbot: QtBot) -> None:
    def everything() -> int:
        qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        qapp.processEvents()
        gc.collect()
        return len(qapp.allWidgets())

    def one_round() -> None:
        host = QWidget()
        row = QHBoxLayout(host)
        for make in (*STANDARD.values(), lambda: ThumbGrid(), lambda: Section("Motion"), lambda: ColorPicker()):
            row.addWidget(make())
        host.show()
        Toast.show_in(host, "Saved", "good", ("Show", lambda: None))
        ask(host, "Sure?", "", ["No", "Yes"])
        qapp.processEvents()
        host.close()
        host.deleteLater()

    one_round()
    before, threads = everything(), threading.active_count()
    for _ in range(50):
        one_round()
    assert everything() == before
    assert threading.active_count() == threads
