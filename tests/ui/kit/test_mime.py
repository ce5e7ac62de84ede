"""What is dragged comes out as it went in; what the window cannot take is nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray, QMimeData, QUrl

from studio.ui.kit import mime


@pytest.mark.parametrize("kind", mime.OURS)
def test_ours_come_out_as_they_went_in(kind: str) -> None:
    text = "/Über mich/look 1 – ruhig.json"
    assert mime.read(mime.make(kind, text)) == mime.Dropped(kind, text)


def test_a_preset_can_be_dragged_out_as_a_file() -> None:
    data = mime.make(mime.PRESET, "/looks/orchid.json")
    assert [url.toLocalFile() for url in data.urls()] == ["/looks/orchid.json"]


def test_files_keep_their_order() -> None:
    paths = [Path("/b.png"), Path("/a ä.png")]
    assert mime.read(mime.files(paths)) == mime.Dropped("files", "/b.png", tuple(paths))


def test_addresses_and_words_are_nothing() -> None:
    data = QMimeData()
    assert mime.read(data) is None
    data.setText("hello")
    data.setUrls([QUrl("https://example.org/a.png")])
    assert mime.read(data) is None


def test_bytes_that_are_no_text_do_not_raise() -> None:
    data = QMimeData()
    data.setData(mime.GENERATOR, QByteArray(b"\xff\xfe dream"))
    what = mime.read(data)
    assert what is not None and what.text.endswith(" dream")
