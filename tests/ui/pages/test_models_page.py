"""The models page: cards, check, import, delete, and the catalogue against a server on the loopback interface."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import pytest
import torch
from PySide6.QtCore import Qt

from studio import paths
from studio.library.catalogue import Entry
from studio.nn.weights import save_model
from studio.ui.pages import ModelsPage
from studio.ui.pages import models as module
from studio.ui.pages.model_card import card_rows, kind_of
from tests.library.server import page as web_page
from tests.library.server import serve, whole
from tests.ui.pages.conftest import press

LEFT = Qt.MouseButton.LeftButton


def own(name: str = "mine", title: str = "Übergangslandschaften mit Geschwindigkeitsbegrenzung") -> Path:
    """A model of the user's."""
    path = paths.model_folders()[0] / f"{name}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_model(path, {"a": torch.ones(5)}, "gan", {"size": 64}, {"title": title, "licence": "CC0-1.0"})
    return path


def test_house_models_and_own_ones_with_their_cards(show, qtbot) -> None:  # type: ignore[no-untyped-def]
    own()
    page = show(ModelsPage)
    qtbot.waitUntil(lambda: "flowers" in page.models, timeout=20_000)
    assert page.grid.keys()[0] == "mine", "one's own come first"
    page.grid.select("flowers")
    qtbot.waitUntil(lambda: page.detail.title.text() == "Flowers, 64 pixels")
    rows = dict(page.detail.facts.rows())
    assert rows["Licence"] == "Apache-2.0" and rows["Numbers"] and "kernel distance" in rows["Figures"]
    assert page.detail.picture.isVisible() and not page.detail.delete.isEnabled()
    qtbot.mouseClick(page.detail.check, LEFT)
    qtbot.waitUntil(lambda: page.detail.said.text() == "Every byte is as its card says.", timeout=20_000)
    qtbot.keyClicks(page.search, "bach")
    qtbot.waitUntil(lambda: 0 < len(page.grid.keys()) < 4)
    assert all(kind_of(page.models[name]) == "notes" for name in page.grid.keys())


def test_a_model_whose_bytes_changed_is_found_out(show, qtbot) -> None:  # type: ignore[no-untyped-def]
    path = own()
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    page = show(ModelsPage)
    qtbot.waitUntil(lambda: "mine" in page.models, timeout=20_000)
    page.grid.select("mine")
    qtbot.mouseClick(page.detail.check, LEFT)
    qtbot.waitUntil(lambda: "is not the file its card describes" in page.detail.said.text(), timeout=20_000)


def test_a_file_is_imported_and_deleted_again(show, wheels, qtbot, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    source = tmp_path / "net.pth"
    torch.save({"layer.weight": torch.ones(3, 3)}, source)
    page = show(ModelsPage)
    page.detail.drop.dropped.emit([source])
    qtbot.waitUntil(lambda: "net" in page.models, timeout=60_000)
    assert any("was imported: a network of an unknown layout" in notice.text for notice in wheels.session.notices)
    page.grid.select("net")
    qtbot.mouseClick(page.detail.delete, LEFT)
    press(page, "Delete", qtbot)
    qtbot.waitUntil(lambda: "net" not in page.models, timeout=20_000)
    assert not (paths.model_folders()[0] / "net.safetensors").exists()


def test_a_hostile_file_is_a_failed_job_with_a_sentence(show, wheels, qtbot, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    source = tmp_path / "net.pth"
    torch.save(torch.nn.Linear(2, 2), source)
    page = show(ModelsPage)
    page.bring((source,))
    job = wheels.session.jobs.jobs[0]
    qtbot.waitUntil(lambda: job.state == "failed", timeout=60_000)
    assert "more than tensors" in job.error and "net" not in page.models


def entry_for(url: str, data: bytes) -> Entry:
    digest = hashlib.sha256(data).hexdigest()
    return Entry("tiny-net", "Tiny net", "For a test.", url, len(data), digest, "CC0-1.0", "features")


def test_a_public_model_is_fetched_only_after_a_yes(
    show, wheels, qtbot, monkeypatch: pytest.MonkeyPatch
) -> None:  # type: ignore[no-untyped-def]
    data = io.BytesIO()
    torch.save({"layer.weight": torch.ones(3, 3)}, data)
    with serve(whole(data.getvalue())) as (url, seen):
        monkeypatch.setattr(module, "catalogue", lambda: [entry_for(url, data.getvalue())])
        page = show(ModelsPage)
        qtbot.waitUntil(lambda: "tiny-net" in getattr(page, "rows", {}), timeout=20_000)
        row = page.rows["tiny-net"]
        qtbot.mouseClick(row.get, LEFT)
        press(page, "Cancel", qtbot)
        assert not seen and not wheels.session.jobs.jobs
        qtbot.mouseClick(row.get, LEFT)
        press(page, "Fetch", qtbot)
        qtbot.waitUntil(lambda: "tiny-net" in page.models, timeout=60_000)
    assert len(seen) == 1
    qtbot.waitUntil(lambda: page.rows["tiny-net"].badge.isVisible() and not page.rows["tiny-net"].get.isVisible())
    assert json.loads((paths.model_folders()[0] / "tiny-net.json").read_text())["url"] == url


def test_what_a_server_does_wrong_stands_in_the_row(
    show, wheels, qtbot, monkeypatch: pytest.MonkeyPatch
) -> None:  # type: ignore[no-untyped-def]
    with serve(web_page("<!doctype html>sign in")) as (url, _):
        monkeypatch.setattr(module, "catalogue", lambda: [entry_for(url, b"x" * 1000)])
        page = show(ModelsPage)
        qtbot.waitUntil(lambda: "tiny-net" in getattr(page, "rows", {}), timeout=20_000)
        qtbot.mouseClick(page.rows["tiny-net"].get, LEFT)
        press(page, "Fetch", qtbot)
        qtbot.waitUntil(lambda: "sent a web page" in page.rows["tiny-net"].text.text(), timeout=20_000)
    assert page.rows["tiny-net"].get.text() == "Fetch", "it can be tried again"


def test_using_a_model_loads_the_generator_that_plays_it(show, wheels, qtbot) -> None:  # type: ignore[no-untyped-def]
    page = show(ModelsPage)
    qtbot.waitUntil(lambda: "whitman" in page.models, timeout=20_000)
    page.grid.select("whitman")
    with qtbot.waitSignal(page.show_page):
        qtbot.mouseClick(page.detail.use, LEFT)
    slot = wheels.session.players["1"].slots[0]
    qtbot.waitUntil(lambda: slot.stage is not None, timeout=60_000)
    assert slot.generator == "reverie.text_sequencer" and slot.stage.values["model"] == "whitman"


def test_every_house_card_has_rows(show, qtbot) -> None:  # type: ignore[no-untyped-def]
    page = show(ModelsPage)
    qtbot.waitUntil(lambda: "flowers" in page.models, timeout=20_000)
    for model in page.models.values():
        rows = dict(card_rows(model))
        assert rows["Licence"] == "Apache-2.0", "every house model says under which licence it is"
        assert rows["Kind"] and rows["sha256"] and all(isinstance(text, str) for text in rows.values())
