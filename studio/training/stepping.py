"""One optimisation step behind a recipe's ``step``: shards of a batch, accumulation, several processes, float16.

Each optimiser's ``step`` is taken over. While a shard is not the last of its process, the gradients are put aside
instead; at the last one all of them are averaged, here and over the processes (one flat tensor per optimiser, as in
StyleGAN3's training loop, so that networks need no wrapper and may be used in any way), clipped, and the optimiser
moves. With one shard nothing is between the recipe and its optimiser.

After a roll-back the rate is lowered here, for the length of the optimiser's own step: schedules need not know.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from studio.training.recipe import Config, Recipe, Shard, TrainingError, check_parts
from studio.training.state import random_state, set_random_state
from studio.training.team import Team

_Gradients = dict[torch.nn.Parameter, torch.Tensor]


class Stepper:
    """Steps a recipe. ``pieces`` is how many shards this process takes one after the other; ``factor`` multiplies all
    learning rates; ``tries`` gives the shards other random numbers after a roll-back."""

    def __init__(self, recipe: Recipe, team: Team, pieces: int = 1) -> None:
        self.recipe, self.team = recipe, team
        self.pieces, self.factor, self.tries = pieces, 1.0, 0
        self.moved = False
        """Whether an optimiser has moved in the present step."""
        self._aside: dict[tuple[int, int], _Gradients] = {}
        self._calls = 0
        self._clip = 0.0
        self._whole = int(getattr(recipe.config, "batch", 0))
        self.scale = LossScale() if recipe.config.precision == "float16" else None
        recipe.move = self._asked
        recipe.gather = team.gather
        for optimiser in recipe.optimisers.values():
            self._take_over(optimiser)
        recipe.loss_scale = self.scale
        check_parts(recipe.name, recipe.config, recipe.least, self.shards)

    @property
    def shards(self) -> int:
        """How many parts a batch is cut into."""
        return self.pieces * self.team.size

    @property
    def part(self) -> int:
        """Rows of a shard; 0 where the recipe has no ``batch``."""
        return self._whole // self.shards

    def cut_finer(self) -> bool:
        """Work through each batch in more pieces, for want of memory; False when it cannot be cut any finer."""
        for pieces in range(2 * self.pieces, self._whole // self.team.size + 1):
            if self._whole % (pieces * self.team.size) == 0:
                if self._whole // (pieces * self.team.size) < self.recipe.least:
                    return False
                self.pieces = pieces
                return True
        return False

    def step(self, index: int) -> dict[str, float]:
        """The recipe's step ``index``, in as many pieces as it takes; returns the means of its losses."""
        self.moved = False
        self.recipe.shard = Shard()
        if self.shards == 1:
            self._calls = 0
            losses = self.recipe.step(index)
        else:
            losses = self._in_pieces(index)
        if self.scale is not None:
            if not self.scale.used:
                raise TrainingError(
                    f"precision: the recipe {self.recipe.name} does not scale its losses for float16; use bfloat16"
                )
            self.scale.adapt()
        return losses

    def _in_pieces(self, index: int) -> dict[str, float]:
        recipe, config = self.recipe, self.recipe.config
        self._aside.clear()
        before = after = random_state(recipe)
        sums: dict[str, float] = {}
        first = self.team.rank * self.pieces
        try:
            for number in range(first, first + self.pieces):
                shard = Shard(number, self.shards, number == first, number == first + self.pieces - 1)
                self._calls, recipe.shard = 0, shard
                self._randomness(index, shard, before)
                if not recipe.shares:
                    config.batch = self.part  # type: ignore[attr-defined]
                for name, value in recipe.step(index).items():
                    sums[name] = sums.get(name, 0.0) + value / self.pieces
                if shard.first:
                    after = random_state(recipe)
            if recipe.shares:  # what has been drawn for the whole batch has been drawn once
                set_random_state(recipe, after)
        finally:
            recipe.shard = Shard()
            if not recipe.shares:
                config.batch = self._whole  # type: ignore[attr-defined]
            self._aside.clear()
        return sums

    def _randomness(self, index: int, shard: Shard, before: dict[str, Any]) -> None:
        """Random numbers that depend on step and shard alone: the same in whatever process it is computed, and after
        resuming. What is drawn for a whole batch is the same in all of its shards."""
        throw = np.random.SeedSequence([self.recipe.config.seed, index, shard.index, self.tries])
        if self.recipe.shares:
            set_random_state(self.recipe, before)
        else:
            self.recipe.rng.bit_generator.state = np.random.default_rng(throw).bit_generator.state
        torch.manual_seed(int(throw.generate_state(1)[0]))

    # --- behind the optimisers ---

    def _take_over(self, optimiser: torch.optim.Optimizer) -> None:
        own = optimiser.step

        @functools.wraps(own)  # a scheduler of torch looks for its mark on it
        def step(closure: Callable[[], float] | None = None) -> Any:
            return self._step(optimiser, own, closure)

        optimiser.step = step  # type: ignore[method-assign]

    def _asked(self, optimiser: torch.optim.Optimizer, clip: float) -> None:
        self._clip = clip
        try:
            optimiser.step()
        finally:
            self._clip = 0.0

    def _step(
        self, optimiser: torch.optim.Optimizer, own: Callable[..., Any], closure: Callable[[], float] | None
    ) -> Any:
        if closure is not None:
            self.moved = True
            return own(closure)
        call, self._calls = self._calls, self._calls + 1
        params = [p for group in optimiser.param_groups for p in group["params"] if p.grad is not None]
        if self.shards > 1:
            if not self._collect(optimiser, call):
                return None
            params = [p for group in optimiser.param_groups for p in group["params"] if p.grad is not None]
            if self.team.size > 1:
                self.team.average(p.grad for p in params if p.grad is not None)
        if self.scale is not None and not self.scale.undo([p.grad for p in params if p.grad is not None]):
            return None  # too large a scale: this step is left out
        self.moved = True
        if self._clip > 0:
            torch.nn.utils.clip_grad_norm_(params, self._clip)
        return self._at_factor(optimiser, own)

    def _collect(self, optimiser: torch.optim.Optimizer, call: int) -> bool:
        """Add this shard's gradients to those put aside at the same call; True when they are complete, and in place.

        Copies, for a recipe clears its gradients as it likes: what another network's loss left in them is not meant.
        """
        key = (id(optimiser), call)
        aside = self._aside.setdefault(key, {})
        for p in (p for group in optimiser.param_groups for p in group["params"]):
            if p.grad is not None:
                if p in aside:
                    aside[p].add_(p.grad, alpha=1 / self.pieces)
                else:
                    aside[p] = p.grad / self.pieces
                p.grad = None  # a recipe may clear its gradients at the first shard only
        if not self.recipe.shard.last:
            return False
        for p, gradient in self._aside.pop(key).items():
            p.grad = gradient
        return True

    def _at_factor(self, optimiser: torch.optim.Optimizer, own: Callable[..., Any]) -> Any:
        if self.factor == 1.0:
            return own()
        given = [group["lr"] for group in optimiser.param_groups]
        for group in optimiser.param_groups:
            group["lr"] = group["lr"] * self.factor
        try:
            return own()
        finally:
            for group, rate in zip(optimiser.param_groups, given, strict=True):
                group["lr"] = rate


class LossScale:
    """Keeps float16 gradients from vanishing (Micikevicius et al. 2018, "Mixed precision training", section 3.2): the
    loss is multiplied by a power of two before its backward pass. It is halved when a gradient overflows, and doubled
    after 2000 steps without. Called on a loss, it scales it. Torch's own scaler allows an optimiser one step at a time,
    and its state is no part of a checkpoint of plain values."""

    PATIENCE = 2000

    def __init__(self) -> None:
        self.value, self.good = 2.0**14, 0
        self.used = self._overflow = False

    def __call__(self, loss: torch.Tensor) -> torch.Tensor:
        self.used = True
        return loss * self.value

    def undo(self, gradients: list[torch.Tensor]) -> bool:
        """Divide gradients by the scale, in place; False when one of them is not finite."""
        if not self.used or not gradients:
            return True
        for gradient in gradients:
            gradient.div_(self.value)
        finite = bool(torch.stack([gradient.isfinite().all() for gradient in gradients]).all())
        self._overflow = self._overflow or not finite
        return finite

    def adapt(self) -> None:
        """A step is over: the scale for the next."""
        self.good = 0 if self._overflow else self.good + 1
        if self._overflow:
            self.value = max(1.0, self.value / 2)
        elif self.good % self.PATIENCE == 0:
            self.value *= 2
        self._overflow = False


def out_of_memory(error: BaseException) -> str:
    """What an allocator said, in a line; '' for any other error. Torch has a type for GPUs, for the CPU a sentence."""
    text = str(error).strip().splitlines()[0] if str(error).strip() else "no memory left"
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return text[:200]
    said = ("can't allocate memory", "not enough memory", "out of memory", "CUBLAS_STATUS_ALLOC_FAILED")
    return text[:200] if any(words in str(error) for words in said) else ""


def tune(config: Config) -> None:
    """Let a GPU choose its quickest ways, as far as the wished precision allows."""
    if config.device.startswith("cuda"):
        torch.backends.cudnn.benchmark = True  # the shapes stay what they are
        torch.set_float32_matmul_precision("highest" if config.precision == "float32" else "high")


def compile_networks(recipe: Recipe) -> None:
    """Compile the networks that learn, in place: their tensors keep their names. What cannot be compiled stays."""
    import torch._dynamo

    torch._dynamo.config.suppress_errors = True
    for module in recipe.modules.values():
        if any(parameter.requires_grad for parameter in module.parameters()):
            module.compile()
