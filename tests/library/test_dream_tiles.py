"""Pictures of what layers dream: made, ranked, kept by the network's hash, shipped with the studio."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio import paths
from studio.files import atomic_write
from studio.generator import Cancelled
from studio.library import dream_tiles
from studio.library.dream_tiles import DreamTiles, make_set
from studio.media import Frame
from studio.nn import dream_tiles as maker
from studio.nn.featurenet import FeatureNet


@pytest.fixture
def tiles(tmp_path: Path) -> DreamTiles:
    """The house network with an empty cache and nothing that came along."""
    return DreamTiles("dream_features", cache=tmp_path / "cache", bundled=tmp_path / "none")


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures of 16 pixels, for what does not depend on their size."""
    real = maker.tile

    def made(net: FeatureNet, layer: str, channel: int | None = None, *, check: Any = lambda _: None) -> Frame:
        return real(net, layer, channel, side=16, check=check)

    monkeypatch.setattr(maker, "tile", made)


def excitement(tiles: DreamTiles, layer: str, channel: int, picture: np.ndarray) -> float:
    import torch

    x = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        return float(tiles.net.forward_to(x, layer)[layer][0, channel].mean())


def test_every_layer_of_the_house_network_has_its_picture_along() -> None:
    tiles = DreamTiles("dream_features")
    folder = dream_tiles.bundled_folder()
    assert sum(path.stat().st_size for path in folder.rglob("*.*")) <= 400_000
    layers = tiles.layers()
    assert layers == {name: tiles.net.channels(name) for name in tiles.net.layers}
    for layer in layers:
        found = tiles.find(layer)
        assert found is not None and found.shape == (maker.SIDE, maker.SIDE, 3)
        channels = list((folder / tiles.key).glob(f"{layer}-*.jpg"))
        assert len(channels) == dream_tiles.TOP


def test_a_tile_excites_its_channel_far_more_than_noise(tiles: DreamTiles) -> None:
    made = maker.tile(tiles.net, "3a", 20, side=48)
    assert made.shape == (48, 48, 3) and made.dtype == np.uint8
    noise = np.random.default_rng(0).integers(60, 200, (48, 48, 3), np.uint8)
    assert excitement(tiles, "3a", 20, made) > 3 * excitement(tiles, "3a", 20, noise)
    assert np.array_equal(made, maker.tile(tiles.net, "3a", 20, side=48))  # the same on every run


def test_it_is_made_once_and_kept(tiles: DreamTiles, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[str, int | None]] = []
    real = maker.tile

    def counted(net: object, layer: str, channel: int | None = None, **more: object) -> object:
        made.append((layer, channel))
        return real(net, layer, channel, side=32, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(maker, "tile", counted)
    assert tiles.find("conv1", 3) is None
    first = tiles.get("conv1", 3)
    again = tiles.get("conv1", 3)
    assert made == [("conv1", 3)]
    assert np.corrcoef(first.flatten(), again.flatten())[0, 1] > 0.85  # but for the JPEG, hard on so small a picture
    place = tiles._cache / "conv1-3.jpg"
    place.write_bytes(b"\xff\xd8\xff cut short")
    assert tiles.find("conv1", 3) is None  # damaged: made again
    tiles.get("conv1", 3)
    assert len(made) == 2


def test_making_can_be_stopped_and_leaves_nothing(tiles: DreamTiles) -> None:
    def stop(share: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        tiles.get("conv2", check=stop)
    assert tiles.find("conv2") is None


def test_another_network_has_other_pictures(tiles: DreamTiles, tmp_path: Path) -> None:
    from safetensors import safe_open
    from safetensors.torch import save_file

    with safe_open(tiles.path, "pt") as stored:
        tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        about = stored.metadata()
    name = sorted(tensors)[0]
    tensors[name] = tensors[name] * 1.01
    other = tmp_path / "other.safetensors"
    save_file(tensors, other, about)
    assert DreamTiles(str(other)).key != tiles.key
    assert DreamTiles(str(other)).find("3a") is None


@pytest.mark.parametrize("layer", ["conv2", "3b", "4c"])
def test_channels_are_ranked_by_what_fires_on_the_picture(layer: str) -> None:
    """The dream of a channel puts this channel among the very first of its layer."""
    tiles = DreamTiles("dream_features")
    for path in (dream_tiles.bundled_folder() / tiles.key).glob(f"{layer}-*.jpg"):
        channel = int(path.stem.partition("-")[2])
        order = tiles.rank(layer, tiles.find(layer, channel))
        assert sorted(order) == list(range(tiles.layers()[layer]))
        assert order.index(channel) < 10


def test_the_list_of_layers_is_remembered_and_checked(tiles: DreamTiles) -> None:
    layers = tiles.layers()
    assert list(layers)[:3] == ["conv1", "conv2", "3a"]
    index = tiles._cache / dream_tiles.INDEX
    index.write_text('{"layers": {"conv1": -4}}')
    assert tiles.layers() == layers


@pytest.mark.usefixtures("tiny")
def test_a_set_is_made_in_a_folder(tmp_path: Path) -> None:
    told: list[str] = []
    made = make_set("dream_features", tmp_path / "set", channels=0, progress=lambda share, text: told.append(text))
    assert made["pictures"] == 9 and made["bytes"] > 1000 and told[0] == "conv1"
    assert (tmp_path / "set" / DreamTiles("dream_features").key / "4e.jpg").is_file()


@pytest.mark.usefixtures("tiny")
def test_a_cache_that_cannot_be_written_costs_nothing_but_time(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    with atomic_write(blocked) as part:
        part.write_text("not a folder")
    tiles = DreamTiles("dream_features", cache=blocked, bundled=tmp_path / "none")
    assert tiles.get("conv1").shape == (16, 16, 3)
    assert tiles.layers()["conv1"] == 64


def test_a_network_that_is_not_there_is_a_sentence() -> None:
    with pytest.raises(FileNotFoundError, match="there is no model"):
        DreamTiles("nothing_of_the_kind")
    assert paths.find_model("dream_features").is_file()
