"""Photographs become places without a window: at once, then better; undone as one, ended at will, bad ones said."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from studio.engine import Job
from studio.engine.threads import stop_all
from studio.nn.encoder import ARCHITECTURE, Encoder, EncoderSpec
from studio.nn.gan import ARCHITECTURE as GAN
from studio.nn.gan import GanConfig, GeneratorNet
from studio.nn.invert import paint
from studio.nn.places import as_place, parse_keyframes
from studio.nn.weights import save_model, sha256
from studio.session import photos
from studio.session.latent_places import LatentPlaces
from studio.session.photos import PATH, Found, PhotoSearch
from studio.session.session import Session


class Studio:
    """A session with a tiny generator in deck A."""

    def __init__(self, folder: Path) -> None:
        torch.manual_seed(5)
        self.net = GeneratorNet(GanConfig(size=32, latent=16, base=16, widths=(16, 16), last=4))
        with torch.no_grad():
            self.net(torch.randn(32, 16))
            self.net.paint.weight.mul_(4)
        self.net.eval().survey(512)
        self.model, self.folder = folder / "tiny.safetensors", folder
        save_model(self.model, self.net.state_dict(), GAN, self.net.config.to_dict())
        self.session = Session()
        self.session.load("A", "reverie.latent_explorer", params={
            "mode": "walk", "seed": 1, "size": 64, "model": str(self.model), "truncation": 1.0})
        self.line = self.session.decks["A"]
        self.until(lambda: self.line.slots[0].stage is not None)
        self.line.worker.fps = 2
        self.places = LatentPlaces(self.session, self.line, 0)
        self.search = PhotoSearch(self.places)

    def photo(self, seed: int = 7001, name: str = "my garden.png") -> Path:
        with torch.no_grad():
            made = paint(self.net, self.net.seed_w(seed) - self.net.w_mean)[0]
        path = self.folder / name
        Image.fromarray((made * 255).round().byte().permute(1, 2, 0).numpy()).save(path)
        return path

    def until(self, true: Callable[[], object], seconds: float = 200.0) -> None:
        end = time.monotonic() + seconds
        while not true():
            self.session.pump()
            time.sleep(0.005)
            assert time.monotonic() < end, [notice.text for notice in self.session.notices]

    def value(self, name: str) -> object:
        return self.places.get(name)


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    monkeypatch.setattr("studio.nn.encoder.model_folders", list)
    made = Studio(tmp_path)
    yield made
    made.search.close()
    made.session.close()
    assert not stop_all(8.0)


def test_a_photograph_is_a_place_at_once_and_gets_better(studio: Studio) -> None:
    heard: list[float] = []
    off = studio.session.on("photo", lambda found: heard.append(found.distance))
    studio.search.start(studio.photo())
    studio.until(lambda: studio.search.found.count)
    studio.until(lambda: studio.places.points())
    assert list(studio.places.points()) == ["my_garden"] and studio.value("mode") == "still"
    studio.until(lambda: studio.search.job is None)
    studio.session.pump()
    found = studio.search.found
    assert heard == sorted(heard, reverse=True) and heard[-1] == found.distance < found.first
    assert list(studio.places.points()) == ["my_garden"]
    assert as_place(studio.places.points()["my_garden"]).text() in str(studio.value("place"))
    off()
    studio.session.undo()
    assert studio.value("points") == "" and studio.value("place") == "" and studio.value("mode") == "walk"
    studio.session.redo()
    assert list(studio.places.points()) == ["my_garden"]


def test_a_keyframe_stands_in_the_path_from_the_first_guess_on(studio: Studio) -> None:
    before = parse_keyframes(str(studio.value("keyframes")))
    studio.search.start(studio.photo(), PATH, 3.0)
    studio.until(lambda: studio.search.job is None)
    frames = parse_keyframes(str(studio.value("keyframes")), studio.places.points())
    assert len(frames) == len(before) + 1
    (key,) = [frame for frame in frames if frame.word == "my_garden"]
    assert key.time == 3.0 and key.seed == studio.places.points()["my_garden"]
    assert studio.value("place") == "" and studio.value("mode") == "walk"  # the picture itself goes on
    studio.session.undo()
    assert parse_keyframes(str(studio.value("keyframes"))) == before


def test_the_encoder_is_heeded_and_a_strange_one_is_refused_aloud(studio: Studio) -> None:
    torch.manual_seed(0)
    spec = EncoderSpec(16, side=32, widths=(8, 16), neck=4, generator="tiny", checksum=sha256(studio.model))
    beside = studio.folder / "tiny.encoder.safetensors"
    save_model(beside, Encoder(spec).state_dict(), ARCHITECTURE, spec.to_dict())
    studio.search.start(studio.photo())
    studio.until(lambda: studio.search.job is None)
    assert studio.search.found.encoded and not studio.search.found.fault
    save_model(beside, Encoder(spec).state_dict(), ARCHITECTURE, {**spec.to_dict(), "checksum": "0" * 64})
    studio.search.start(studio.photo(name="other.png"))
    studio.until(lambda: studio.search.job is None)
    assert not studio.search.found.encoded and studio.search.found.distance < studio.search.found.first
    studio.until(lambda: any("another generator" in notice.text for notice in studio.session.notices))


def test_a_search_that_is_ended_keeps_the_best_so_far(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[Found] = []
    never = threading.Event()

    def slow(job: Job[object], path: Path, shown: photos.Shown, device: str, found: Found) -> object:
        held.append(found)
        found.place = as_place(10 + len(held))
        found.count += 1
        while not never.wait(0.02):
            job.check(0.1, "looking")  # raises when it is cancelled
        return found.place

    monkeypatch.setattr(photos, "search", slow)
    request = studio.search.start(studio.photo())
    studio.until(lambda: studio.places.points())
    job = studio.search.job
    assert job is not None
    studio.search.cancel()
    studio.until(lambda: studio.search.job is None)
    assert job.state == "cancelled" and request.name == "my_garden" and studio.value("seed") == 11
    # what a hand has removed or moved meanwhile is left alone
    studio.search.start(studio.photo(name="second.png"))
    studio.until(lambda: "second" in studio.places.points())
    studio.places.set_points({}, "Remove")
    studio.places.go(77, "Go")
    held[-1].place, held[-1].count = as_place(99), 2
    studio.until(lambda: studio.search._seen == 2)
    assert studio.places.points() == {} and studio.value("seed") == 77


def test_a_bad_file_is_said_and_the_next_one_is_looked_for(studio: Studio) -> None:
    bad = studio.folder / "bad.png"
    bad.write_bytes(b"no picture")
    studio.search.start(bad, "a")
    studio.search.start(studio.photo(), "b")
    studio.until(lambda: studio.search.job is None)
    assert any("bad.png" in notice.text for notice in studio.session.notices)
    assert studio.value("point_b") == "my_garden" and studio.value("place") == ""
    grey = np.full((40, 30), 128, np.uint8)
    Image.fromarray(grey).save(studio.folder / "1×1 grey.png")
    studio.search.start(studio.folder / "1×1 grey.png", "c")
    studio.until(lambda: studio.search.job is None)
    assert studio.value("point_c") in studio.places.points()
