"""Networks from elsewhere in the latent explorer: their pictures, classes, noise, mixing by layers, inner transform."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from studio import paths
from studio.engine import Stage, render
from studio.library.adopting import adopt_stylegan
from studio.library.import_worker import read_pickle
from studio.nn.latent import seed_latent
from studio.params import ParamSet
from studio.plugins import discover
from tests.nn import published_stylegan as published
from tests.nn import reference_stylegan as reference

Frame = NDArray[np.uint8]
PLUGIN = discover().get("latent_explorer")
Explorer = PLUGIN.load()


def adopt(net: Any, name: str, folder: Path) -> None:
    """Import a published network under a name, in this process."""
    from safetensors.numpy import save_file

    arrays, report = read_pickle(str(published.dump(net, folder / f"{name}.pkl")))
    path = paths.user_folder("data") / "models" / f"{name}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(arrays, path)
    adopt_stylegan(path, report["network"])


def frames(count: int = 1, *, fps: float = 10.0, **params: Any) -> list[Frame]:
    values = ParamSet(Explorer.params)
    for name, value in {"mode": "still", "size": 64, "truncation": 1.0, "upscaling": "pixels", **params}.items():
        values.set(name, value)
    torch.set_num_threads(1)
    return [np.asarray(frame) for frame in render([Stage(Explorer, values, PLUGIN.folder)], frames=count, fps=fps)]


def levels(picture: torch.Tensor) -> NDArray[np.float64]:
    """A reference's picture in 0..255."""
    return ((picture[0] + 1) / 2 * 255).clamp(0, 255).permute(1, 2, 0).numpy()


def near(frame: Frame, picture: torch.Tensor) -> bool:
    return float(np.abs(frame - levels(picture)).max()) <= 1.01


@pytest.fixture
def faces(tmp_path: Path) -> Any:
    """A StyleGAN2 of 64 pixels under the name faces."""
    net = published.stylegan2(size=64)
    adopt(net, "faces", tmp_path)
    return net


def test_a_stylegan2_shows_its_published_picture(faces: Any) -> None:
    w = reference.mapping(faces, seed_latent(7, 16)[:, :12], psi=0.7)[0]
    (frame,) = frames(model="faces", seed=7, truncation=0.7)
    assert frame.std() > 10 and near(frame, reference.paint2(faces, w.expand(10, -1)))
    (plain,) = frames(model="faces", seed=7, truncation=0.7, grain=False)
    assert near(plain, reference.paint2(faces, w.expand(10, -1), "none")) and not np.array_equal(plain, frame)


def test_styles_mix_by_ranges_of_layers(faces: Any) -> None:
    one, two = (reference.mapping(faces, seed_latent(seed, 16)[:, :12])[0] for seed in (1, 2))
    ws = one.expand(10, -1).clone()
    ws[2:6] = two
    mixed = {"model": "faces", "seed": 1, "detail": 1.0, "detail_seed": 2}
    (frame,) = frames(**mixed, detail_from=0.2, detail_to=0.6)
    assert near(frame, reference.paint2(faces, ws))
    assert np.array_equal(frames(**mixed, detail_from=0.0)[0], frames(model="faces", seed=2)[0])
    assert np.array_equal(frames(**mixed, detail_from=0.6, detail_to=0.2)[0], frames(model="faces", seed=1)[0])


def test_noise_is_fixed_or_moves_and_comes_round(faces: Any) -> None:
    still = frames(3, model="faces")
    assert np.array_equal(still[0], still[2])
    moving = frames(3, model="faces", noise=0.5)
    assert not np.array_equal(moving[0], moving[1])
    # twelve seconds later the texture is where it was
    assert np.abs(frames(13, fps=1.0, model="faces", noise=0.5)[12].astype(int) - moving[0]).max() <= 1


def test_classes_of_a_stylegan2_blend(tmp_path: Path) -> None:
    net = published.stylegan2(size=64, labels=3)
    adopt(net, "kinds", tmp_path)
    picture = {label: reference.paint2(net, reference.mapping(net, seed_latent(4, 16)[:, :12], label)[0].expand(10, -1))
               for label in range(3)}
    for label in (0, 2):
        assert near(frames(model="kinds", seed=4, class_a=str(label))[0], picture[label])
    (between,) = frames(model="kinds", seed=4, class_a="0", class_b="2", class_blend=0.5)
    assert not near(between, picture[0]) and not near(between, picture[2])


def test_a_stylegan3_moves_inside_itself(tmp_path: Path) -> None:
    net = published.stylegan3(size=64, base=512, seed=2)
    adopt(net, "waves", tmp_path)
    (still,) = frames(model="waves", seed=5)
    w = reference.mapping(net, seed_latent(5, 16))[0]
    assert near(still, reference.paint3(net, w.expand(7, -1)))
    assert still.std() > 10
    (moved,) = frames(model="waves", seed=5, inner_shift=(0.25, 0.0))
    shift = np.abs(moved[8:-8, 24:-8].astype(int) - still[8:-8, 8:-24]).mean()
    assert shift < 0.25 * np.abs(moved.astype(int) - still).mean()
    assert np.array_equal(frames(model="waves", seed=5, inner_turn=0.0)[0], still)
    assert not np.array_equal(frames(model="waves", seed=5, inner_turn=20.0)[0], still)
