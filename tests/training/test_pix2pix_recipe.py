"""The pix2pix recipe on a tiny scale: pairs in every layout, computed maps, exact resume, wrong data in sentences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from studio.nn.maps import make_map
from studio.nn.pix2pix import load_pix2pix
from studio.training import pix2pix
from studio.training.loop import TrainingError, train
from studio.training.pairs import Pairs, find_pairs

TINY = {"size": 64, "width": 4, "judge_width": 4, "batch": 2, "steps": 4, "validate_every": 4, "sample_every": 4,
        "checkpoint_every": 2}


def _recipe(**changes: Any) -> pix2pix.Pix2PixRecipe:
    return pix2pix.Pix2PixRecipe(pix2pix.Pix2PixSettings(**{**TINY, **changes}))


def _picture(seed: int, width: int = 90, height: int = 80) -> Image.Image:
    blocks = np.random.default_rng(seed).integers(0, 255, (4, 5, 3), dtype=np.uint8)
    return Image.fromarray(blocks).resize((width, height), Image.Resampling.NEAREST)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plain")
    for seed in range(6):
        _picture(seed).save(folder / f"{seed}.png")
    (folder / "broken.png").write_bytes(b"no picture")
    Image.new("RGB", (4, 4)).save(folder / "tiny.png")
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pairs")
    for name in ("A", "B"):
        (folder / name).mkdir()
    for seed in range(4):
        picture = _picture(seed, 64, 64)
        picture.save(folder / "B" / f"{seed}.png")
        # a map at another size and in another format is still its map
        Image.fromarray(255 - np.asarray(picture)).resize((128, 128), 0).save(folder / "A" / f"{seed}.bmp")
    _picture(9).save(folder / "B" / "alone.png")
    return folder


def test_resumed_run_equals_an_uninterrupted_one(plain: Path, tmp_path: Path) -> None:
    whole = train(_recipe(), plain, tmp_path / "whole.safetensors")
    steps = iter([False, True])
    stopped = train(_recipe(), plain, tmp_path / "parts.safetensors", should_stop=lambda: next(steps))
    assert stopped["stopped"]
    parts = train(_recipe(), plain, tmp_path / "parts.safetensors", resume=True)
    assert parts["l1"] == whole["l1"]
    one, two = load_file(tmp_path / "whole.safetensors"), load_file(tmp_path / "parts.safetensors")
    assert all(torch.equal(one[name], two[name]) for name in one)
    net = load_pix2pix(tmp_path / "whole.safetensors")
    assert net.config.source == "lines" and net.config.network == "light"
    assert net(torch.zeros(1, 3, 64, 128)).shape == (1, 3, 64, 128) and (tmp_path / "sample_000004.png").is_file()


def test_two_folders_are_matched_by_name(folders: Path) -> None:
    pairs, report = find_pairs(folders, source="auto", size=64, swapped=False)
    assert report["source"] == "folders" and report["pictures"] == 4 and report["without_partner_first"] == ["alone"]
    drawn, picture = pairs.still(0)
    assert np.abs(drawn.astype(int) - (255 - picture)).mean() < 2  # the map is the negative, by construction
    back, _ = find_pairs(folders, source="auto", size=64, swapped=True)
    assert np.array_equal(back.still(0)[1], drawn) and np.array_equal(back.still(0)[0], picture)
    maps, pictures = pairs.draw(np.random.default_rng(0), np.arange(4), 6)
    assert np.abs(maps.astype(int) - (255 - pictures)).mean() < 2  # cut out and mirrored alike


def test_pictures_side_by_side_are_seen(tmp_path: Path) -> None:
    for seed in range(3):
        picture = np.asarray(_picture(seed, 64, 64))
        Image.fromarray(np.concatenate([255 - picture, picture], 1)).save(tmp_path / f"{seed}.png")
    pairs, report = find_pairs(tmp_path, source="auto", size=64, swapped=False)
    drawn, picture = pairs.still(0)
    assert report["source"] == "beside" and np.abs(drawn.astype(int) - (255 - picture)).mean() < 2


def test_maps_are_those_of_their_picture(plain: Path) -> None:
    pairs, report = find_pairs(plain, source="edges", size=64, swapped=False)
    assert report["pictures"] == 6 and report["skipped"] == 2
    drawn, picture = pairs.still(2)
    assert np.array_equal(drawn, make_map(picture, "edges", 0.5))
    one, two = (pairs.draw(np.random.default_rng(3), np.arange(6), 5) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


def test_what_does_not_fit_in_memory_is_read_again(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.training.pairs.MEMORY", 30_000)
    pairs, _ = find_pairs(plain, source="lines", size=64, swapped=False)
    assert pairs.bytes <= 30_000 and len(pairs.kept) < len(pairs.files)
    monkeypatch.undo()
    whole, _ = find_pairs(plain, source="lines", size=64, swapped=False)
    good = np.arange(6)
    spare = Pairs([pairs.files[i] for i in good if pairs.files[i][0].stem.isdigit()], "lines", 64, least=192)
    one, two = (found.draw(np.random.default_rng(1), np.arange(6), 4)[1] for found in (spare, whole))
    assert np.array_equal(one, two)


def test_a_picture_that_goes_while_it_trains_is_listed_and_another_taken(tmp_path: Path) -> None:
    for seed in range(3):
        _picture(seed).save(tmp_path / f"{seed}.png")
    pairs, _ = find_pairs(tmp_path, source="lines", size=64, swapped=False)
    pairs.kept.clear()
    (tmp_path / "1.png").unlink()
    maps, _ = pairs.draw(np.random.default_rng(0), np.arange(3), 12)
    assert len(maps) == 12 and len(pairs.skipped) == 1 and "1.png" in pairs.skipped[0]


def test_a_colour_is_learned_from_its_pairs(folders: Path) -> None:
    """The negative of a picture tells everything about it: the difference must fall."""
    torch.manual_seed(0)
    recipe = _recipe(steps=60, rate=2e-3, width=8)
    recipe.prepare(folders)
    recipe.build()
    before = recipe.validate()["l1"]
    for index in range(30):
        recipe.step(index)
    assert recipe.validate()["l1"] < 0.8 * before


@pytest.mark.parametrize(("changes", "words"), [
    ({"size": 100}, "multiple of 64"), ({"network": "paper", "size": 128}, "multiple of 256"),
    ({"source": "folders"}, "two folders of pairs"), ({"batch": 0}, "at least 1"), ({"width": 1}, "width: 1"),
    ({"dropout": 1.0}, "dropout"),
])
def test_wrong_settings_are_sentences(changes: dict[str, Any], words: str, plain: Path) -> None:
    with pytest.raises(TrainingError, match=words):
        _recipe(**changes).prepare(plain)


def test_wrong_data_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="holds no pictures"):
        _recipe().prepare(tmp_path)
    _picture(0).save(tmp_path / "0.png")
    with pytest.raises(TrainingError, match="at least 2"):
        _recipe().prepare(tmp_path)
    with pytest.raises(TrainingError, match="not a folder"):
        _recipe().prepare(tmp_path / "0.png")
    for name in ("maps", "pictures"):
        (tmp_path / name).mkdir()
    _picture(1, 90, 80).save(tmp_path / "pictures" / "a.png")
    _picture(1, 40, 80).save(tmp_path / "maps" / "a.png")
    with pytest.raises(TrainingError, match="different proportions"):
        _recipe().prepare(tmp_path)
