"""The style recipe on a tiny set: learns, resumes exactly, refuses bad data in sentences."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from studio.nn.style import StyleNet, load_net, load_style, with_rows
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


def test_a_rolled_back_rate_stays_low(data: Path) -> None:
    run = recipe(data)
    run.prepare(data)
    run.build()
    run.step(0)
    for group in run.optimisers["adam"].param_groups:
        group["lr"] *= 0.5  # what the loop does after a loss that was not finite
    run.step(1)
    assert run.optimisers["adam"].param_groups[0]["share"] == 0.5


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
    with pytest.raises(TrainingError, match="17 pictures"):
        choose_styles("", [Path(f"{k}.png") for k in range(17)])
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
    made = load_net(tmp_path / "a.safetensors")
    assert made.styles == ("a",) and made.trunk == 128, "the shape is that of the network it began with"
    assert load_style(tmp_path / "a.safetensors")(torch.rand(3, 40, 50)).shape == (3, 40, 50)
    card = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert str(data) not in json.dumps(card), "the card must not say on whose machine it was made"


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
