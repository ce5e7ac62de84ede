"""The style recipe on a tiny set: learns, resumes exactly, refuses bad data in sentences."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from studio import paths
from studio.nn.style import StyleNet, joined, load_net, load_style, with_rows
from studio.nn.vgg import VGG
from studio.nn.weights import save_model
from studio.training.loop import TrainingError, train
from studio.training.style import StyleConfig, StyleRecipe
from studio.training.style_data import choose_styles, find_paintings, own_photos, read_painting

TINY = StyleConfig(
    steps=6, styles="wave=b,a", size=64, style_size=64, batch=2, stem=16, trunk=16, blocks=1, validate_every=3,
    sample_every=100, checkpoint_every=3, initial="none",
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for part, names in (("photos", [f"p{k}" for k in range(9)]), ("paintings", ["a", "b"])):
        (folder / part).mkdir()
        for name in names:
            small = rng.integers(0, 256, (6, 7, 3), np.uint8)
            cv2.imwrite(str(folder / part / f"{name}.png"), cv2.resize(small, (90, 80), interpolation=cv2.INTER_CUBIC))
    (folder / "photos" / "broken.jpg").write_bytes(b"not a picture")
    torch.manual_seed(0)
    net = VGG(["1_1", "2_1", "3_1", "4_1"], [8, 8, 8, 8], padding="reflect")
    save_model(folder / "features.safetensors", net.tensors(), "features", net.architecture())
    return folder


def recipe(data: Path, **changes: object) -> StyleRecipe:
    return StyleRecipe(replace(TINY, features=str(data / "features.safetensors"), **changes))  # type: ignore[arg-type]


def test_a_run_makes_a_model_with_its_styles(data: Path, tmp_path: Path) -> None:
    figures = train(recipe(data), data, tmp_path / "m.safetensors", command="reverie train style DATA")
    assert {"style_wave", "style_a", "content", "plain_mae", "score"} <= set(figures)
    stylist = load_style(tmp_path / "m.safetensors")
    assert stylist.styles == ("wave", "a")
    assert stylist(torch.rand(3, 40, 50)).shape == (3, 40, 50)
    card = json.loads((tmp_path / "m.json").read_text(encoding="utf-8"))
    assert card["data_report"]["skipped"] == ["broken.jpg"] and card["parameters"] <= 2_000_000


def test_resuming_gives_the_figures_of_an_uninterrupted_run(data: Path, tmp_path: Path) -> None:
    whole = train(recipe(data), data, tmp_path / "whole.safetensors")
    done: list[int] = []

    def stop() -> bool:
        done.append(1)
        return len(done) == 4

    first = train(recipe(data), data, tmp_path / "parts.safetensors", should_stop=stop)
    assert first["stopped"] and first["step"] == 4
    parts = train(recipe(data), data, tmp_path / "parts.safetensors", resume=True)
    assert parts == whole
    assert (tmp_path / "parts.safetensors").read_bytes() == (tmp_path / "whole.safetensors").read_bytes()


def test_samples_are_pictures(data: Path, tmp_path: Path) -> None:
    run = recipe(data)
    run.prepare(data)
    run.build()
    (sheet,) = run.sample(tmp_path, 7)
    picture = cv2.imread(str(sheet))
    assert picture is not None and picture.shape[0] == 64 * 4  # photographs, two styles, plain


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"size": 70}, "multiple of 8"),
        ({"styles": "c"}, "no picture 'c'.*a, b"),
        ({"styles": "x=a,x=b"}, "used twice"),
        ({"trunk": 900}, "more than 2,000,000 parameters"),
        ({"features": "nothing_here"}, "features: there is no model"),
        ({"initial": "nothing_here"}, "initial: there is no model.*'none' begins from nothing"),
    ],
)
def test_bad_settings_are_sentences(data: Path, changes: dict[str, object], words: str) -> None:
    run = StyleRecipe(replace(TINY, **{"features": str(data / "features.safetensors"), **changes}))  # type: ignore[arg-type]
    with pytest.raises(TrainingError, match=words):
        run.prepare(data)
        run.build()


def test_missing_folders_and_too_few_pictures_are_sentences(data: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="holds no picture; give one painting, or a folder of paintings"):
        recipe(data).prepare(tmp_path)
    (tmp_path / "paintings").symlink_to(data / "paintings")
    (tmp_path / "photos").mkdir()
    with pytest.raises(TrainingError, match="0 usable photographs; at least 4 are needed, or give none"):
        recipe(data).prepare(tmp_path)
    with pytest.raises(TrainingError, match="nowhere is not a folder"):
        recipe(data, photos=str(tmp_path / "nowhere")).prepare(data)
    with pytest.raises(TrainingError, match="65 pictures"):
        choose_styles("", [Path(f"{k}.png") for k in range(65)])
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    with pytest.raises(TrainingError, match=r"bad\.jpg.*a painting is a picture"):
        recipe(data, styles="").prepare(tmp_path / "bad.jpg")


def test_one_painting_is_enough(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, count in (("SCENES", 2), ("FLOWERS", 2), ("PARTS", 2)):
        monkeypatch.setattr(f"studio.training.style_data.{name}", count)
    run = recipe(data, styles="", initial="house_styles")
    report = run.prepare(data / "paintings" / "a.png")
    assert report["styles"] == {"a": "a.png"} and report["photos"] == 5 and report["held_out"] == 1
    assert "sample scene" in report["photos_from"] and "photographs of your own" in report["helps"]
    figures = train(recipe(data, styles="", initial="house_styles", steps=2), data / "paintings" / "a.png",
                    tmp_path / "a.safetensors")
    assert figures["style_a"] > 0
    house, made = load_net(paths.find_model("house_styles")), load_net(tmp_path / "a.safetensors")
    assert made.styles == (*house.styles, "a") and made.trunk == house.trunk
    assert load_style(tmp_path / "a.safetensors")(torch.rand(3, 40, 50)).shape == (3, 40, 50)
    card = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert card["learned_parameters"] == 2 * sum(house.channels) + 1 == 1777 and card["began_as"]["a"] in house.styles
    assert str(data) not in json.dumps(card), "the card must not say on whose machine it was made"


@pytest.fixture(scope="module")
def base(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network of two styles to add others to."""
    path = tmp_path_factory.mktemp("base") / "base.safetensors"
    train(recipe(data, steps=2), data, path)
    return path


def test_adding_a_style_moves_nothing_but_its_row(data: Path, base: Path, tmp_path: Path) -> None:
    train(recipe(data, initial=str(base), styles="new=a"), data, tmp_path / "more.safetensors")
    before, after = load_net(base), load_net(tmp_path / "more.safetensors")
    assert after.styles == ("wave", "a", "new")
    for name, value in before.state_dict().items():
        now = after.state_dict()[name]
        if name in ("gamma", "beta", "keep"):
            assert torch.equal(value, now[[0, 1, 3]]), f"{name}: the other styles and the plain picture paint as before"
            assert not any(torch.equal(now[2], row) for row in value), f"{name}: the new row is as it began"
        else:
            assert torch.equal(value, now), f"{name}: all styles share it, so it must not move"


def test_learning_a_style_again_leaves_the_others_alone(data: Path, base: Path, tmp_path: Path) -> None:
    train(recipe(data, initial=str(base), styles="wave=a"), data, tmp_path / "again.safetensors")
    before, after = load_net(base), load_net(tmp_path / "again.safetensors")
    assert after.styles == before.styles and torch.equal(after.gamma[1:], before.gamma[1:])
    assert not torch.equal(after.gamma[0], before.gamma[0])


def test_adding_a_style_resumes_exactly(data: Path, base: Path, tmp_path: Path) -> None:
    settings = {"initial": str(base), "styles": "new=a"}
    whole = train(recipe(data, **settings), data, tmp_path / "whole.safetensors")
    done = iter([False, False, True])
    assert train(recipe(data, **settings), data, tmp_path / "p.safetensors", should_stop=lambda: next(done))["stopped"]
    assert train(recipe(data, **settings), data, tmp_path / "p.safetensors", resume=True) == whole
    assert (tmp_path / "p.safetensors").read_bytes() == (tmp_path / "whole.safetensors").read_bytes()


def test_a_new_style_begins_as_the_one_that_comes_nearest(data: Path, base: Path) -> None:
    run = recipe(data, initial=str(base), styles="new=a")
    run.prepare(data)
    run.build()
    (nearest,) = run.like.values()
    start = run.validate()["score"]
    for other in run.base.styles if run.base else ():
        run.average.load_state_dict(with_rows(load_net(base), ["new"], {"new": other}).state_dict())
        assert other == nearest or run.validate()["score"] >= start * 0.98, "the held-out photographs agree, about"


def test_tuning_the_whole_network_knows_the_new_styles_alone(data: Path, base: Path, tmp_path: Path) -> None:
    train(recipe(data, initial=str(base), styles="new=a,wave=b", learn="all"), data, tmp_path / "all.safetensors")
    before, after = load_net(base), load_net(tmp_path / "all.safetensors")
    assert after.styles == ("new", "wave")
    assert not torch.equal(before.head.weight, after.head.weight)


def test_photos_may_lie_elsewhere_and_paintings_need_no_folder_of_their_own(data: Path) -> None:
    run = recipe(data, photos=str(data / "photos"), styles="")
    report = run.prepare(data / "paintings")
    assert sorted(report["styles"]) == ["a", "b"] and report["photos"] == 8 and report["photos_from"] == "photos"
    assert report["skipped"] == ["broken.jpg"] and "50 or more" in report["helps"]
    assert find_paintings(data) == find_paintings(data / "paintings")


def test_own_photographs_are_many_kinds_and_always_the_same(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, count in (("SCENES", 3), ("FLOWERS", 2), ("PARTS", 2)):
        monkeypatch.setattr(f"studio.training.style_data.{name}", count)
    painting = read_painting(data / "paintings" / "a.png", 64)
    first, again = own_photos([painting], 64, 3), own_photos([painting], 64, 3)
    assert len(first) == 7 and all(picture.shape == (64, 64, 3) for picture in first)
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
    assert len({picture.tobytes() for picture in first}) == 7
    monkeypatch.setattr("studio.training.style_data.paths.find_model", _nothing)
    assert len(own_photos([painting], 64, 3)) == 5, "without the house generator the others have to do"


def _nothing(name: str) -> Path:
    raise FileNotFoundError(f"there is no model {name!r}")


def test_a_network_with_other_rows_paints_the_plain_picture_as_before() -> None:
    torch.manual_seed(1)
    net = StyleNet(["x", "y"], 16, 16, 1)
    torch.nn.init.normal_(net.gamma)
    torch.nn.init.normal_(net.keep)
    made = with_rows(net, ["one", "two", "three"])
    picture = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        plain = net(picture, torch.tensor([[0.0, 0.0, 1.0]]))
        mean = net(picture, torch.tensor([[0.5, 0.5, 0.0]]))
        assert torch.allclose(made(picture, torch.tensor([[0.0, 0.0, 0.0, 1.0]])), plain, atol=1e-5)
        assert torch.allclose(made(picture, torch.tensor([[0.0, 1.0, 0.0, 0.0]])), mean, atol=1e-5)


def test_a_new_row_begins_as_the_one_it_is_said_to_be_like_and_known_ones_stay() -> None:
    torch.manual_seed(2)
    net = StyleNet(["x", "y"], 16, 16, 1)
    torch.nn.init.normal_(net.gamma)
    made = with_rows(net, ["y", "new"], {"new": "x"})
    assert torch.equal(made.gamma, net.gamma[[1, 0, 2]])
    with pytest.raises(KeyError, match="no style 'z'"):
        with_rows(net, ["new"], {"new": "z"})


def test_joining_puts_new_rows_behind_and_replaces_those_of_the_same_name() -> None:
    torch.manual_seed(3)
    net = StyleNet(["x", "y"], 16, 16, 1)
    torch.nn.init.normal_(net.beta)
    added = with_rows(net, ["new", "x"])
    torch.nn.init.normal_(added.beta)
    made = joined(net, added)
    assert made.styles == ("x", "y", "new")
    assert torch.equal(made.beta, torch.stack([added.beta[1], net.beta[1], added.beta[0], net.beta[2]]))
    assert torch.equal(made.head.weight, net.head.weight)
