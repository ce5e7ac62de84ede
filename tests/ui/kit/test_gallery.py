"""The gallery is whole in both themes and at both sizes."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from studio.ui import theme
from studio.ui.kit import Elided, gallery


@pytest.mark.parametrize(("name", "size"), [("dark", (1280, 720)), ("contrast", (1920, 1080))])
def test_gallery_writes_every_page(qapp: QApplication, tmp_path: Path, name: str, size: tuple[int, int]) -> None:
    try:
        theme.apply(qapp, name)
        made = gallery.save(qapp, tmp_path / "g.png", QSize(*size))
    finally:
        theme.apply(qapp, "dark")
    assert {path.name for path in made} >= {f"g-{page}.png" for page in gallery.PAGES}
    for path in made:
        image = QImage(str(path))
        assert not image.isNull()
        if path.stem.removeprefix("g-") in gallery.PAGES:
            assert image.size() / image.devicePixelRatio() == QSize(*size), "a page does not fit"


def test_nothing_is_cut_in_the_smallest_window(qtbot: QtBot) -> None:
    window = gallery.Gallery()
    qtbot.addWidget(window)
    window.resize(1280, 720)
    window.show()
    qtbot.waitExposed(window)
    for page in range(window.tabs.count()):
        window.tabs.setCurrentIndex(page)
        QApplication.processEvents()
        for label in window.tabs.currentWidget().findChildren(QLabel):
            if label.text() and not isinstance(label, Elided) and not label.wordWrap():
                assert label.width() >= label.fontMetrics().horizontalAdvance(label.text()), label.text()
        for one in window.tabs.currentWidget().findChildren(QPushButton):
            if one.isVisible():
                assert one.width() >= one.sizeHint().width(), one.text()
