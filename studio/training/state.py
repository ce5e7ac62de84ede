"""The state of a recipe as a tree for ``checkpoint``: weights, optimisers, random numbers, and what the recipe adds."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import torch

from studio.training.recipe import Recipe


def state_of(recipe: Recipe) -> dict[str, Any]:
    """Everything that steps change. The tensors are the living ones: ``copied`` keeps them as they are."""
    return {
        "modules": weights_of(recipe),
        "optimisers": {name: optimiser.state_dict() for name, optimiser in recipe.optimisers.items()},
        **random_state(recipe), "extra": recipe.extra_state(),
    }


def weights_of(recipe: Recipe) -> dict[str, dict[str, Any]]:
    """The weights and buffers of all of a recipe's networks."""
    return {name: dict(module.state_dict()) for name, module in recipe.modules.items()}


def load_state(recipe: Recipe, state: dict[str, Any], *, randomness: bool = True) -> None:
    """Take back what ``state_of`` gave; without ``randomness`` the random numbers go on as they are.

    Raises KeyError, ValueError or RuntimeError when it is the state of other networks.
    """
    for name, module in recipe.modules.items():
        module.load_state_dict(state["modules"][name])
    for name, optimiser in recipe.optimisers.items():
        optimiser.load_state_dict(state["optimisers"][name])
    if randomness:
        set_random_state(recipe, state)
    recipe.load_extra_state(state["extra"])


def random_state(recipe: Recipe) -> dict[str, Any]:
    """The recipe's random numbers and torch's, those of the GPU included."""
    state: dict[str, Any] = {"rng": json.dumps(recipe.rng.bit_generator.state), "torch_rng": torch.get_rng_state()}
    if recipe.config.device.startswith("cuda"):
        state["cuda_rng"] = torch.cuda.get_rng_state(recipe.config.device)
    return state


def set_random_state(recipe: Recipe, state: dict[str, Any]) -> None:
    """Take back what ``random_state`` gave."""
    recipe.rng.bit_generator.state = json.loads(state["rng"])
    torch.set_rng_state(state["torch_rng"].to(torch.uint8))
    if "cuda_rng" in state and recipe.config.device.startswith("cuda"):
        torch.cuda.set_rng_state(state["cuda_rng"].to(torch.uint8), recipe.config.device)


@contextlib.contextmanager
def untouched_randomness(recipe: Recipe) -> Iterator[None]:
    """What is thrown inside changes nothing outside: looking at a training leaves it as it is."""
    before = random_state(recipe)
    try:
        yield
    finally:
        set_random_state(recipe, before)


def copied(tree: Any) -> Any:
    """A copy in main memory: what is kept for a roll-back must not take the room of the next batch on a GPU."""
    if isinstance(tree, torch.Tensor):
        return tree.detach().to("cpu", copy=True)
    if isinstance(tree, dict):
        return {key: copied(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [copied(value) for value in tree]
    return tree


def expected_bytes(recipe: Recipe) -> int:
    """About how large a checkpoint will be: two copies of the weights (present and best) and two moments of Adam."""
    tensors = [tensor for module in recipe.modules.values() for tensor in module.state_dict().values()]
    groups = [group for optimiser in recipe.optimisers.values() for group in optimiser.param_groups]
    tensors += [parameter for group in groups for parameter in group["params"]]
    return 2 * sum(int(tensor.numel()) * int(tensor.element_size()) for tensor in tensors)
