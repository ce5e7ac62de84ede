"""The anystyle recipe on a tiny set: the reader learns, the network stays, bad settings are sentences."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from studio.nn.style import StyleNet, load_net
from studio.nn.style_reader import load_reader
from studio.nn.vgg import VGG
from studio.nn.weights import save_model
from studio.training.loop import train
from studio.training.recipe import TrainingError
from studio.training.style import StyleConfig, StyleRecipe
from studio.training.style_any import AnyStyleConfig, AnyStyleRecipe
from studio.training.style_data import read_painting, to_batch

TINY = AnyStyleConfig(
    steps=6, size=64, style_size=64, batch=2, hidden=16, validate_every=3, sample_every=100, checkpoint_every=3,
    known="x=a,y=b", unseen="c",
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photographs, three paintings of different colours, small eyes, and a style network that knows two of them."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for part, names in (("photos", [f"p{k}" for k in range(9)]), ("paintings", ["a", "b", "c"])):
        (folder / part).mkdir()
        for place, name in enumerate(names):
            small = rng.integers(0, 256, (6, 7, 3))
            if part == "paintings":
                small[:, :, place] //= 8
            enlarged = cv2.resize(small.astype(np.uint8), (90, 80), interpolation=cv2.INTER_CUBIC)
            cv2.imwrite(str(folder / part / f"{name}.png"), enlarged)
    torch.manual_seed(0)
    eyes = VGG(["1_1", "2_1", "3_1", "4_1"], [8, 8, 8, 8], padding="reflect")
    save_model(folder / "eyes.safetensors", eyes.tensors(), "features", eyes.architecture())
    net = StyleNet(["x", "y"], 16, 16, 1)
    with torch.no_grad():
        for table in (net.gamma, net.beta):
            table[:-1] += 0.3 * torch.randn_like(table[:-1])
    save_model(folder / "base.safetensors", dict(net.half().state_dict()), "style_net", net.config)
    return folder


def recipe(data: Path, **changes: Any) -> AnyStyleRecipe:
    eyes = str(data / "eyes.safetensors")
    settings = {"features": eyes, "eyes": eyes, "initial": str(data / "base.safetensors"), **changes}
    return AnyStyleRecipe(replace(TINY, **settings))


def test_a_run_adds_a_reader_and_leaves_the_network_as_it_is(data: Path, tmp_path: Path) -> None:
    figures = train(recipe(data), data, tmp_path / "any.safetensors", command="reverie train anystyle DATA")
    assert {"style_seen", "style_unseen", "content_unseen", "score"} <= set(figures)
    before, after = load_net(data / "base.safetensors"), load_net(tmp_path / "any.safetensors")
    assert after.styles == ("x", "y") and all(torch.equal(a, b) for a, b in zip(
        before.state_dict().values(), after.state_dict().values(), strict=True))
    reader = load_reader(tmp_path / "any.safetensors")
    assert reader is not None
    rows = [reader.read(to_batch([read_painting(data / "paintings" / f"{k}.png", 64)])[0]) for k in "abc"]
    assert not torch.allclose(rows[0], rows[1], atol=1e-3) and not torch.allclose(rows[0], rows[2], atol=1e-3)
    card = json.loads((tmp_path / "any.json").read_text(encoding="utf-8"))
    assert card["data_report"]["unseen"] == ["c"] and card["parameters"] < 1_500_000
    assert str(data) not in json.dumps(card)


def test_it_begins_with_the_rows_that_the_network_has(data: Path) -> None:
    run = recipe(data)
    run.prepare(data)
    run.build()
    table = run.net.table()
    for own, name in enumerate("ab"):
        row = run.reader(to_batch([read_painting(data / "paintings" / f"{name}.png", 64)]))[0]
        near, far = (float((row - table[k]).detach().norm()) for k in (own, 1 - own))
        assert near < 0.5 * far, "each known painting gets about the row that was learned for it"


def test_training_brings_pictures_nearer_to_styles_never_seen(data: Path) -> None:
    run = recipe(data, known="", steps=60, learning_rate=5e-3, steady_weight=0.0, partial=0.0)
    run.prepare(data)
    run.build()
    before = run.validate()
    for index in range(60):
        run.step(index)
    after = run.validate()
    assert after["style_seen"] < 0.8 * before["style_seen"] and after["score"] < before["score"]


def test_resuming_gives_the_figures_of_an_uninterrupted_run(data: Path, tmp_path: Path) -> None:
    whole = train(recipe(data, known=""), data, tmp_path / "whole.safetensors")
    done = iter([False, False, False, True])
    assert train(recipe(data, known=""), data, tmp_path / "p.safetensors", should_stop=lambda: next(done))["stopped"]
    assert train(recipe(data, known=""), data, tmp_path / "p.safetensors", resume=True) == whole
    assert (tmp_path / "p.safetensors").read_bytes() == (tmp_path / "whole.safetensors").read_bytes()


def test_a_style_added_later_keeps_the_reader_and_begins_where_it_says(data: Path, tmp_path: Path) -> None:
    train(recipe(data), data, tmp_path / "any.safetensors")
    more = StyleConfig(
        steps=1, styles="z=c", size=64, style_size=64, initial=str(tmp_path / "any.safetensors"),
        features=str(data / "eyes.safetensors"),
    )
    train(StyleRecipe(more), data, tmp_path / "more.safetensors")
    assert load_net(tmp_path / "more.safetensors").styles == ("x", "y", "z")
    first, second = (load_reader(tmp_path / f"{name}.safetensors") for name in ("any", "more"))
    assert first is not None and second is not None
    assert all(torch.equal(a, b) for a, b in zip(first.state_dict().values(), second.state_dict().values(),
                                                 strict=True))
    card = json.loads((tmp_path / "more.json").read_text(encoding="utf-8"))
    assert card["began_as"]["z"] in ("x", "y", "what the reader says")
    again = recipe(data, initial=str(tmp_path / "more.safetensors"))
    again.prepare(data)
    again.build()
    assert all(torch.equal(a, b) for a, b in zip(first.state_dict().values(), again.reader.state_dict().values(),
                                                 strict=True)), "a reader that is there learns on"


def test_samples_show_the_style_first(data: Path, tmp_path: Path) -> None:
    run = recipe(data)
    run.prepare(data)
    run.build()
    (sheet,) = run.sample(tmp_path, 3)
    picture = cv2.imread(str(sheet))
    assert picture is not None and picture.shape == (64 * 4, 64 * 2, 3)  # photographs, two seen styles, one unseen


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"initial": "none"}, "initial: a reader needs a style network"),
        ({"initial": "nothing_here"}, "initial: there is no model"),
        ({"eyes": "nothing_here"}, "eyes: there is no model"),
        ({"photo_share": 1.0}, "photo_share: 1.0 must be"),
        ({"known": "q=a"}, "known: the network has no style 'q'; it has x, y"),
        ({"known": "x=q"}, "no picture 'q'"),
        ({"unseen": "a,b,c"}, "no usable painting to learn from"),
        ({"hidden": 3000}, "hidden: network and reader would have .* at most 1,500,000"),
    ],
)
def test_bad_settings_are_sentences(data: Path, changes: dict[str, Any], words: str) -> None:
    run = recipe(data, **changes)
    with pytest.raises(TrainingError, match=words):
        run.prepare(data)
        run.build()
