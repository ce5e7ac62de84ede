"""How a model's weights get into the recipe that measures them, and the figures that no recipe has: see ``measure``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from studio.nn.encoder import load_encoder
from studio.nn.features import FeatureError
from studio.nn.gan import load_generator
from studio.nn.lstm import unpack
from studio.nn.style import StyleNet, load_net
from studio.nn.weights import ModelFile, WeightsError, load_model
from studio.training.gan_common import PictureRecipe
from studio.training.loop import Config, TrainingError

if TYPE_CHECKING:
    from studio.training.measure import Subject

NOISE = 5 / 255
"""Standard deviation of a camera's noise, of which the flicker is measured."""


def figures(name: str, recipe: Any, settings: Config, model: Subject, data: Path) -> dict[str, Any]:
    """What a recipe says of a model's weights on its data. Raises TrainingError."""
    made = recipe(settings)
    pictures = isinstance(made, PictureRecipe)
    if hasattr(settings, "initial") and not pictures:
        settings.initial = str(model.path)
    if name == "style":
        settings.learn = "all"  # type: ignore[attr-defined]
    try:
        made.prepare(data)
        made.build()
        if pictures:
            net = load_generator(model.path, settings.device)
            made.settle = lambda: net  # the file as it is, not settled once more
            return dict(made.validate())
        if name == "style":
            return {**made.validate(), **style_figures(made, model)}
        if name == "encoder":
            load_encoder(model.path, made.path)  # which refuses it where the generator is another one now
        if not hasattr(settings, "initial"):
            _fill(made, load_model(model.path), name)
        # some figures are computed when the file is written
        figures_at_end = {} if name == "encoder" else made.export().card.get("figures", {})
        return {**made.validate(), **figures_at_end}
    except (WeightsError, FeatureError, FileNotFoundError) as error:
        raise TrainingError(str(error)) from None
    finally:
        if getattr(made, "loader", None) is not None:
            made.loader.close()


def _fill(made: Any, model: ModelFile, name: str) -> None:
    """Give a model's weights to the networks of its recipe that have its shapes. Raises TrainingError."""
    tensors = unpack(model.tensors)
    shapes = {key: tensor.shape for key, tensor in tensors.items()}
    fitting = [net for net in made.modules.values()
               if {key: tensor.shape for key, tensor in net.state_dict().items()} == shapes]
    if not fitting:
        raise TrainingError(f"its weights fit no network that the recipe {name} builds of its card's settings")
    for net in fitting:
        net.load_state_dict(tensors)


def kernel_figures(recipe: Any, settings: Config, model: Subject, data: Path, eyes: Path) -> dict[str, float]:
    """Kernel distance (Binkowski et al. 2018) of a generator's pictures on features of the network in ``eyes``, beside
    that of pictures it learned from, which is the best there is; and how many times that of a plain DCGAN it is, where
    the card has that."""
    settings.features = str(eyes)  # type: ignore[attr-defined]
    seen = figures("gan", recipe, settings, model, data)
    name = f"kernel_distance_{eyes.stem.split('_')[0]}"
    best = seen["kernel_distance_of_training_pictures"]
    found = {name: seen["kernel_distance"], f"{name}_of_training_pictures": best}
    plain = model.card.get("figures", {}).get(f"{name}_of_plain_dcgan")
    if isinstance(plain, (int, float)) and plain > 0:
        found["times_plain_dcgan"] = found[name] / float(plain)
    return found


@torch.no_grad()
def style_figures(recipe: Any, model: Subject) -> dict[str, float]:
    """How much styled pictures change where nothing moves but a camera's noise, and where the camera pans over a still
    picture, in levels of 255; and how many times the losses are of those of networks with a single style, on average
    over the styles that the card has them for (``single_style``: style → weighted sum of losses)."""
    net = load_net(model.path)
    picture = recipe.held_out[:4]
    found = {"flicker": flicker(net, picture), "flicker_panned": flicker_panned(net, picture)}
    single = model.card.get("single_style", {})
    if single:
        own = recipe.by_style()
        ratios = [own[name]["total"] / float(score) for name, score in single.items() if name in own]
        found["times_single_style"] = float(np.mean(ratios))
    return found


@torch.no_grad()
def flicker(net: StyleNet, pictures: torch.Tensor, seed: int = 0) -> float:
    """Mean absolute change (of 255) between two styled views of pictures 0..1 ``(N, 3, H, W)`` that differ by noise
    alone, over all styles. The noise itself changes a picture by 5.6."""
    draw = torch.Generator().manual_seed(seed)
    first, second = (
        (pictures + NOISE * torch.randn(pictures.shape, generator=draw)).clamp(0, 1) for _ in range(2)
    )
    return _change(net, first, second, slice(None), slice(None))


@torch.no_grad()
def flicker_panned(net: StyleNet, pictures: torch.Tensor, move: int = 3) -> float:
    """The same for a pan: two views, the second ``move`` pixels further to the right, compared where both see the same
    thing. No noise: only what moves with the frame instead of with the things changes."""
    edge = 8  # what the border of the frame does to the picture beside it is no flicker
    wide = pictures.shape[3] - move
    first, second = pictures[..., :wide // 8 * 8], pictures[..., move : move + wide // 8 * 8]
    return _change(net, first, second, slice(edge + move, -edge), slice(edge, -edge - move))


def _change(net: StyleNet, first: torch.Tensor, second: torch.Tensor, one: slice, other: slice) -> float:
    """Mean absolute difference (of 255) of columns ``one`` of the first and ``other`` of the second styled view."""
    changes = []
    for row in net.table()[:-1]:
        a, b = (net.paint(view, row.expand(len(view), -1)) for view in (first, second))
        changes.append(float((a[..., one] - b[..., other]).abs().mean()) * 255)
    return float(np.mean(changes))
