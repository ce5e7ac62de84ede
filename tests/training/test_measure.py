"""Models are measured again by the recipes that made them: the same figures, and a sentence where that cannot be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from studio.nn.style import StyleNet
from studio.nn.weights import load_model, save_model
from studio.training import measure as measuring
from studio.training.gan import GanRecipe, GanSettings
from studio.training.loop import train
from studio.training.measure import Entry, Figure, MeasureError, Subject, Target, data_of, entries, measure
from studio.training.measure_kinds import flicker, flicker_panned
from studio.training.roll import RollRecipe, RollSettings
from studio.training.text import TextRecipe, TextSettings

WORDS = "the sea is wide and the night is long, and the wind goes over the sea. "


def subject(path: Path, *, house: bool = False, **changes: Any) -> Subject:
    card = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    return Subject(path.stem, path, {**card, **changes}, house)


@pytest.fixture(scope="module")
def poem(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """A text model, and the folder that has its data somewhere below."""
    folder = tmp_path_factory.mktemp("measure")
    data = folder / "data" / "text" / "poem.txt"
    data.parent.mkdir(parents=True)
    data.write_text(WORDS * 40, encoding="utf-8")
    out = folder / "poem.safetensors"
    settings = TextSettings(steps=8, hidden=16, layers=1, embedding=8, batch=8, window=20, lr=0.02, sample_every=100)
    train(TextRecipe(settings), data, out, command="reverie train text poem.txt -o poem.safetensors --steps 8")
    yield out, folder / "data"


def test_a_model_has_the_figures_of_its_card(poem: tuple[Path, Path]) -> None:
    out, folder = poem
    figures = {figure.name: figure for figure in measure(subject(out), folder)}
    stored = figures["stored_nats_per_character"]
    assert stored.card is not None and stored.measured == pytest.approx(stored.card, rel=1e-5)
    assert not any(figure.fault for figure in figures.values())


def test_a_model_that_was_changed_is_told_from_its_card(poem: tuple[Path, Path], tmp_path: Path) -> None:
    out, folder = poem
    model = load_model(out)
    tensors = {name: torch.zeros_like(tensor) if name == "head.weight" else tensor
               for name, tensor in model.tensors.items()}
    other = tmp_path / "poem.safetensors"
    assert any(name == "head.weight" for name in tensors)
    save_model(other, tensors, model.architecture, model.config)
    figures = measure(Subject("poem", other, subject(out).card), folder)
    assert "is not what its card says" in {figure.fault for figure in figures}


def test_data_is_found_by_the_table_or_by_the_command(poem: tuple[Path, Path]) -> None:
    out, folder = poem
    mine = subject(out)
    assert data_of(mine, Entry(), folder) == folder / "text" / "poem.txt"
    assert data_of(mine, Entry(data="text"), folder) == folder / "text"
    # one's own model may be measured on anything
    assert data_of(mine, Entry(), folder / "text" / "poem.txt") == folder / "text" / "poem.txt"
    with pytest.raises(MeasureError, match="nowhere is not there"):
        data_of(mine, Entry(), folder / "nowhere")
    with pytest.raises(MeasureError, match=r"jsb is not there"):
        data_of(mine, Entry(data="jsb"), folder)
    (folder / "empty").mkdir()
    with pytest.raises(MeasureError, match=r"has no poem\.txt"):
        data_of(subject(out, house=True), Entry(), folder / "empty")


def test_what_cannot_be_measured_is_a_sentence(poem: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    out, folder = poem
    for recipe, why in (("", "names no recipe"), ("oracle", "not here: oracle")):
        with pytest.raises(MeasureError, match=why):
            measure(subject(out, recipe=recipe), folder)
    monkeypatch.setattr(measuring, "entries", lambda: {"poem": Entry(skip="it is a secret")})
    with pytest.raises(MeasureError, match="it is a secret"):
        measure(subject(out, house=True), folder)
    short = folder / "short.txt"
    short.write_text("too short", encoding="utf-8")
    with pytest.raises(MeasureError, match="characters"):
        measure(subject(out), short)


def test_targets_and_tolerances() -> None:
    assert Target(most=1.46).met(1.46) and not Target(most=1.46).met(1.461) and Target().met(9e9)
    assert str(Target(least=0.9)) == "≥ 0.9" and str(Target(most=2)) == "≤ 2" and str(Target()) == ""
    assert Figure("m", "f", 1.0, 1.005).fault == "" and Figure("m", "f", 1.0, 1.05).fault
    assert Figure("m", "f", 1.0, 1.0, Target(most=0.9)).fault == "misses its target"
    assert Figure("m", "f", float("nan"), 1.0).fault == "is no number"
    # a share of some hundred pieces may be one piece off
    assert Figure("m", "accuracy", 0.91, 0.907).fault == ""


def test_rolls_are_measured_with_their_test_pieces(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    pieces = [[[int(p) for p in draw.integers(60, 72, 3)] for _ in range(9)] for _ in range(6)]
    data = tmp_path / "rolls.json"
    data.write_text(json.dumps({"train": pieces[:4], "valid": pieces[4:5], "test": pieces[5:]}), encoding="utf-8")
    out = tmp_path / "choir.safetensors"
    train(RollRecipe(RollSettings(steps=4, hidden=8, batch=2)), data, out, command="reverie train roll rolls.json")
    figures = {figure.name: figure for figure in measure(subject(out), tmp_path)}
    test = figures["stored_test_nats_per_frame"]
    assert test.card == pytest.approx(test.measured, rel=1e-5) and not test.fault


def test_a_generator_is_measured_as_its_file_is(tmp_path: Path) -> None:
    folder = tmp_path / "dots"
    folder.mkdir()
    draw = np.random.default_rng(0)
    for index in range(12):
        colours = draw.integers(0, 255, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(colours).resize((40, 40)).save(folder / f"{index}.png")
    out = tmp_path / "dots.safetensors"
    settings = GanSettings(size=32, latent=8, base=16, batch=2, check=16, steps=2, sample_every=100, features="none")
    train(GanRecipe(settings), folder, out, command="reverie train gan dots -o dots.safetensors")
    figures = {figure.name: figure for figure in measure(subject(out), tmp_path)}
    distance = figures["kernel_distance"]
    assert distance.card is not None and distance.measured == pytest.approx(distance.card, rel=0.05)


def test_flicker_grows_with_what_a_network_makes_of_noise() -> None:
    torch.manual_seed(0)
    net = StyleNet(["one"], 8, 16, 1).eval()
    grey = torch.full((1, 3, 32, 32), 0.5)
    first = flicker(net, grey)
    with torch.no_grad():
        for name, value in net.named_parameters():
            if name == "gamma":
                value.zero_()
    assert 0.0 <= flicker(net, grey) <= first and flicker(net, grey, seed=1) != first


def test_a_pan_flickers_by_what_does_not_move_with_the_things() -> None:
    torch.manual_seed(0)
    net = StyleNet(["one"], 8, 16, 1).eval()
    picture = torch.rand(1, 3, 40, 51)
    with torch.no_grad():
        net.head.weight.mul_(20)
        assert flicker_panned(net, picture) > 0.1, "strokes of a network that works in blocks stay where they were"
        net.head.weight.zero_()
        net.keep.fill_(1.0)
    assert flicker_panned(net, picture) == pytest.approx(0.0, abs=1e-4), "the picture itself moves with the camera"


def test_the_house_table_names_models_and_targets_that_are_read() -> None:
    table = entries()
    assert table["shakespeare"].targets["stored_nats_per_character"].most == 1.46
    assert table["*"].targets["accuracy_author"].least == 0.90
    assert all(entry.data or entry.skip or name == "*" for name, entry in table.items())
