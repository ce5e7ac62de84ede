"""One DeepDream ascent step at 512x512 on inception 4c of GoogLeNet: ours against a plain hook-based implementation.

The reference is what the usual scripts do: a forward hook on the layer, the whole network run to its logits, gradients
for the weights computed along with the picture's, float32, channels first. Both have the same (random) weights and
objective. Interleaved, medians of several rounds.
"""

from __future__ import annotations

import copy
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
import torch.nn.functional as F
from torch import nn

from studio.nn.device import cpu_bf16
from studio.nn.dream import Objective, Settings, Target, gradient
from studio.nn.googlenet import First, GoogLeNet, Inception, Second

LAYER, SIDE, ROUNDS, TARGET = "4c", 512, 7, 1.5


class _PlainModule(nn.Module):
    """One module as the usual ports of GoogLeNet write it."""

    def __init__(self, stage: nn.Module) -> None:
        super().__init__()
        self.stage = stage

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        stage = self.stage
        if isinstance(stage, Inception):
            if stage.lrn:
                x = F.local_response_norm(x, 5, alpha=1e-4, beta=0.75, k=1.0)
            if stage.pool:
                x = F.max_pool2d(x, stage.pool, 2, ceil_mode=True)
            return torch.cat([
                F.relu(stage.one(x)), F.relu(stage.three(F.relu(stage.reduce3(x)))),
                F.relu(stage.five(F.relu(stage.reduce5(x)))), F.relu(stage.project(F.max_pool2d(x, 3, 1, 1))),
            ], 1)
        if isinstance(stage, Second):
            x = F.local_response_norm(F.max_pool2d(x, 3, 2, ceil_mode=True), 5, alpha=1e-4, beta=0.75, k=1.0)
            return F.relu(stage.conv(F.relu(stage.reduce(x))))
        assert isinstance(stage, First)
        return F.relu(stage.conv(x))


class _Plain(nn.Module):
    """The whole network, its modules open to hooks."""

    def __init__(self, net: GoogLeNet) -> None:
        super().__init__()
        self.modules_by_name = nn.ModuleDict({layer: _PlainModule(net.stage(layer)) for layer in net.layers})
        self.fc = net.fc
        self.normalise = net.normalise

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.normalise(x)
        for module in self.modules_by_name.values():
            x = module(x)
        assert self.fc is not None
        return torch.as_tensor(self.fc(x.mean((2, 3))))


def _reference(net: GoogLeNet) -> Callable[[torch.Tensor], torch.Tensor]:
    plain = _Plain(copy.deepcopy(net)).to(memory_format=torch.contiguous_format)
    kept: dict[str, torch.Tensor] = {}
    plain.modules_by_name[LAYER].register_forward_hook(lambda _m, _i, out: kept.__setitem__("out", out))

    def step(picture: torch.Tensor) -> torch.Tensor:
        x = picture.clone().requires_grad_(True)
        plain.zero_grad()
        plain(x)
        (0.5 * kept["out"].square().sum()).backward()
        assert x.grad is not None
        return picture + 0.01 * x.grad / x.grad.abs().mean()

    return step


def _ours(net: GoogLeNet, dtype: torch.dtype) -> Callable[[torch.Tensor], torch.Tensor]:
    frozen = copy.deepcopy(net).frozen().to(memory_format=torch.channels_last).lowered(dtype)  # type: ignore[call-overload]
    objective = Objective(frozen, Settings(targets=(Target(LAYER),)), None)

    def step(picture: torch.Tensor) -> torch.Tensor:
        found = gradient(objective, picture, 2048, lambda: None)
        return picture + 0.01 * found / found.abs().mean()

    return step


def run() -> dict[str, Any]:
    """Measure; ``ours`` and ``reference`` are seconds per step, ``ratio`` how many times quicker ours is."""
    torch.manual_seed(0)
    net = GoogLeNet(classes=1000)
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
    picture = torch.rand(1, 3, SIDE, SIDE)
    quick = torch.bfloat16 if cpu_bf16() else torch.float32
    steps = {"reference": _reference(net), "ours": _ours(net, quick), "float32": _ours(net, torch.float32)}
    results = {name: step(picture) for name, step in steps.items()}  # the first round warms up
    change = (results["reference"] - picture).flatten()
    same = {n: float(torch.cosine_similarity((results[n] - picture).flatten(), change, 0)) for n in ("ours", "float32")}
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(ROUNDS):
        for name, step in steps.items():
            began = time.perf_counter()
            step(picture)
            times[name].append(time.perf_counter() - began)
    median = {name: statistics.median(values) for name, values in times.items()}
    exact = median["reference"] / median["float32"]
    return {
        "name": "dream_step", "ratio": median["reference"] / median["ours"], "target": TARGET, "ours": median["ours"],
        "reference": median["reference"], "unit": "s per step",
        "note": f"ours in {str(quick).removeprefix('torch.')}, the same direction to a cosine of {same['ours']:.4f}; "
                f"in float32 {exact:.2f}x, cosine {same['float32']:.6f}; {torch.get_num_threads()} threads",
    }


if __name__ == "__main__":
    print(run())
