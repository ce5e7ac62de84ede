"""Distilling a feature network: a small student learns, from random weights, the activations of a known network.

Every stretch of the student between two matched layers is a regression problem of its own: first it reads the
*teacher's* activations at its start and predicts those at its end, so that all stretches learn at once from one pass of
the teacher (block-wise distillation; Wang et al. 2018, "Progressive blockwise knowledge distillation"). Then the
student runs on its own activations, end to end. Inputs are standardised per channel while training, which makes the
problems well conditioned, and the standardisation is folded into the weights at the end.

DATA is a folder of pictures of any kind. A quarter of each later batch are pictures that the student itself has
dreamt up, where it errs most: a dream lives outside the photographs.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call

from studio.nn import googlenet, vgg
from studio.nn.dream import Settings, Target, dream
from studio.nn.featurenet import FeatureNet, Stage, fold_standardised
from studio.nn.features import ARCHITECTURE, load_features
from studio.nn.imaging import clouds
from studio.training.feature_pictures import crop, read_pictures
from studio.training.loop import Config, Export, Recipe, TrainingError
from studio.training.pictures import save_sheet

PASSED_BACK = 0.1
"""Share of the gradient that one stretch hands on to the one before it when the student runs end to end."""
SLOPE = 0.1
"""The leaky slope of the comparison: a unit that is silent in both still learns how silent it should be."""


@dataclass
class FeatureSettings(Config):
    """Settings of ``reverie train features``."""

    steps: int = 8000
    teacher: str = ""
    """Model file of the network to learn from (GoogLeNet, VGG-16/19 or a distilled VGG, as safetensors)."""
    last: str = ""
    """Layer at which the student ends; empty: 4e of GoogLeNet, relu5_1 of VGG."""
    batch: int = 16
    """Pictures of 128 pixels a side per step (or fewer, larger ones)."""
    lr: float = 2e-3
    """Peak learning rate of Adam."""
    own_share: float = 0.45
    """Share of the steps, at the end, in which the student reads its own activations."""
    max_pictures: int = 5000
    """Most pictures read from the folder."""
    hold_out: int = 48
    """Pictures kept for validation."""


@dataclass(frozen=True)
class Stretch:
    """Student stages from one matched layer to the next."""

    layers: tuple[str, ...]
    target: str
    """The teacher's layer that the last of ``layers`` predicts."""


class _Convolve(nn.Module):
    """A stage's convolutions as a module, to call them with other weights."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.stage = stage

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.stage.convolve(x)


class Student(nn.Module):
    """A feature network in training: its weights see standardised activations and predict normalised ones."""

    def __init__(self, net: FeatureNet, stretches: list[Stretch]) -> None:
        super().__init__()
        self.net, self.stretches = net, stretches
        for index, stretch in enumerate(stretches):
            first, last = net.stage(stretch.layers[0]), net.stage(stretch.layers[-1])
            inputs = first.entry_convs()[0].in_channels
            self.register_buffer(f"mean{index}", torch.zeros(inputs))
            self.register_buffer(f"std{index}", torch.ones(inputs))
            self.register_buffer(f"scale{index}", torch.ones(last.width))

    def part(self, name: str, index: int) -> torch.Tensor:
        """Buffer ``mean``, ``std`` or ``scale`` of a stretch, as ``(1, C, 1, 1)``."""
        return self.get_buffer(f"{name}{index}").view(1, -1, 1, 1)

    def run(self, index: int, x: torch.Tensor) -> torch.Tensor:
        """Normalised activations, before the ReLU, at the end of stretch ``index`` from activations at its start."""
        for position, layer in enumerate(self.stretches[index].layers):
            stage = self.net.stage(layer)
            x = stage.prepare(torch.relu(x) if position else x)
            x = stage.convolve(x) if position else self._convolve_standardised(index, stage, x)
        return x

    def _convolve_standardised(self, index: int, stage: Stage, x: torch.Tensor) -> torch.Tensor:
        """``stage.convolve((x - mean) / std)``, the standardisation moved into the weights: they are smaller."""
        changed: dict[str, torch.Tensor] = {}
        names = {module: name for name, module in stage.named_modules()}
        for conv in stage.entry_convs():
            assert conv.bias is not None
            weight = conv.weight / self.part("std", index)
            changed[f"stage.{names[conv]}.weight"] = weight
            changed[f"stage.{names[conv]}.bias"] = conv.bias - (weight * self.part("mean", index)).sum((1, 2, 3))
        made: torch.Tensor = functional_call(_Convolve(stage), changed, (x,))
        return made

    @torch.no_grad()
    def start_at(self, index: int, mean: torch.Tensor) -> None:
        """Set the last biases of a stretch so that it predicts the ``mean`` of its target from the start."""
        mean = mean / self.get_buffer(f"scale{index}")
        start = 0
        for conv in self.net.stage(self.stretches[index].layers[-1]).exit_convs():
            assert conv.bias is not None
            conv.bias.copy_(mean[start : start + conv.out_channels])
            start += conv.out_channels

    def folded(self) -> FeatureNet:
        """The plain network that computes the same."""
        plain = copy.deepcopy(self)
        with torch.no_grad():
            for index, stretch in enumerate(plain.stretches):
                first, last = plain.net.stage(stretch.layers[0]), plain.net.stage(stretch.layers[-1])
                ones = torch.ones(first.width)
                mean, std = plain.get_buffer(f"mean{index}"), plain.get_buffer(f"std{index}")
                fold_standardised(first, mean, std, ones)
                zeros = torch.zeros(last.entry_convs()[0].in_channels)
                fold_standardised(last, zeros, zeros + 1, plain.get_buffer(f"scale{index}"))
        return plain.net.frozen()


def _student_for(teacher: FeatureNet, last: str) -> tuple[FeatureNet, list[Stretch]]:
    """An untrained student and what each of its layers should predict."""
    if isinstance(teacher, googlenet.GoogLeNet):
        last = last or "4e"
        config = {**teacher.architecture(), "last": last, "classes": 0}
        net = googlenet.from_config(config)
        return net, [Stretch((layer,), layer) for layer in net.layers]
    if isinstance(teacher, vgg.VGG):
        last = (last or "relu5_1").removeprefix("relu")
        if last not in vgg.VGG16:
            raise TrainingError(f"last: {last!r} is not a layer of VGG-16; use one of {', '.join(vgg.VGG16)}")
        names = vgg.VGG16[: vgg.VGG16.index(last) + 1]
        if any(f"relu{name}" not in teacher.layers for name in names):
            raise TrainingError(f"teacher: it ends at {teacher.layers[-1]}, before relu{last}; choose an earlier one")
        config = teacher.architecture()
        config |= {"names": list(names), "widths": [teacher.channels(f"relu{name}") for name in names],
                   "mean": list(googlenet.IMAGENET_MEAN), "std": list(googlenet.IMAGENET_STD)}
        return vgg.from_config(config), _vgg_stretches(names, teacher)
    raise TrainingError(f"teacher: a {teacher.kind} network cannot be distilled; give a GoogLeNet or a VGG")


def _vgg_stretches(names: tuple[str, ...], teacher: FeatureNet) -> list[Stretch]:
    """The first convolution of a block predicts the teacher's first, the last one its last; those between are free."""
    stretches: list[Stretch] = []
    layers: list[str] = []
    for position, name in enumerate(names):
        layers.append(f"relu{name}")
        ends = position == len(names) - 1 or names[position + 1][0] != name[0]
        if name.endswith("_1") or ends:
            block = [layer for layer in teacher.layers if layer.startswith(f"relu{name[0]}_")]
            stretches.append(Stretch(tuple(layers), layers[-1] if name.endswith("_1") else block[-1]))
            layers = []
    return stretches


class FeaturesRecipe(Recipe):
    """Distils GoogLeNet (for dreams) or VGG (for style) into a network of our own."""

    name: ClassVar[str] = "features"
    help: ClassVar[str] = "Distil a feature network for dreams (from GoogLeNet) or style (from VGG)"
    Settings: ClassVar[type[Config]] = FeatureSettings
    config: FeatureSettings

    def prepare(self, data: Path) -> dict[str, Any]:
        if not self.config.teacher:
            raise TrainingError("teacher: name the model file to learn from, like --teacher googlenet.safetensors")
        self.device = torch.device(self.config.device)
        self.teacher = load_features(Path(self.config.teacher), device=self.config.device)
        pictures, skipped = read_pictures(data, self.config.max_pictures, self.rng)
        if len(pictures) < 8:
            raise TrainingError(f"{data}: {len(pictures)} usable pictures found, at least 8 are needed")
        held = min(self.config.hold_out, len(pictures) // 4)
        self.held, self.pictures = pictures[:held], pictures[held:]
        return {"pictures": len(self.pictures), "held_out": held, "skipped": skipped}

    def build(self) -> None:
        net, stretches = _student_for(self.teacher, self.config.last)
        for module in net.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                assert module.bias is not None
                nn.init.zeros_(module.bias)
        self.student = Student(net, stretches).to(self.device)
        self.student.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.pool = self._photos(24, 128)
        self._measure()
        self.modules = {"student": self.student}
        self.optimisers = {"adam": torch.optim.Adam(self.student.parameters(), lr=self.config.lr, betas=(0.9, 0.99))}

    def _measure(self) -> None:
        """Channel means and deviations of the teacher's activations, from 128 crops."""
        sums: dict[str, torch.Tensor] = {}
        rounds = 8
        for _ in range(rounds):
            inputs, targets = self._teach(self._photos(16, 128))
            for index, stretch in enumerate(self.student.stretches):
                x = self.student.net.stage(stretch.layers[0]).prepare(inputs[index]).float()
                y = F.leaky_relu(targets[index].float(), SLOPE)
                bias = targets[index].float().mean((0, 2, 3))
                for key, value in (
                    (f"bias{index}", bias), (f"mean{index}", x.mean((0, 2, 3))),
                    (f"std{index}", x.square().mean((0, 2, 3))),
                    (f"m{index}", y.mean((0, 2, 3))), (f"scale{index}", y.square().mean((0, 2, 3))),
                ):
                    sums[key] = sums.get(key, torch.zeros_like(value)) + value / rounds
        for index in range(len(self.student.stretches)):
            for spread, mean in ((f"std{index}", f"mean{index}"), (f"scale{index}", f"m{index}")):
                deviation = (sums[spread] - sums[mean].square()).clamp_min(0).sqrt()
                # a channel that hardly ever speaks would otherwise be blown up
                self.student.get_buffer(spread).copy_(deviation.clamp_min(float(deviation.median()) * 0.05 + 1e-6))
            self.student.get_buffer(f"mean{index}").copy_(sums[f"mean{index}"])
            self.student.start_at(index, sums[f"bias{index}"])
        if self.student.stretches[0].layers[0] == self.student.net.layers[0]:  # pictures are normalised already
            self.student.get_buffer("mean0").zero_()
            self.student.get_buffer("std0").fill_(1.0)

    @torch.no_grad()
    def _teach(self, x: torch.Tensor) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """Per stretch: the teacher's activations at its start and its pre-ReLU activations at its end."""
        wanted = {stretch.target for stretch in self.student.stretches}
        with self.mixed():
            found: list[torch.Tensor] = []
            hidden = self.teacher.normalise(x)
            for layer in self.teacher.layers:
                pre = self.teacher.stage(layer).linear(hidden)
                hidden = torch.relu(pre)
                if layer in wanted:
                    found.append(pre)
                    if len(found) == len(wanted):
                        break
            first = self.student.net.normalise(x)
            return [first, *(torch.relu(pre) for pre in found[:-1])], found

    def step(self, index: int) -> dict[str, float]:
        own_from = round(self.config.steps * (1 - self.config.own_share))
        own = index >= own_from
        self._set_rate(index, own_from)
        x = self._batch(index, own)
        inputs, targets = self._teach(x)
        losses: list[torch.Tensor] = []
        hidden = inputs[0]
        with self.mixed():
            for position in range(len(self.student.stretches)):
                few = self._enough(position, len(x))
                made = self.student.run(position, hidden if own else inputs[position][:few])
                scale = self.student.part("scale", position)
                if own:
                    hidden = torch.relu(made) * scale.to(made.dtype)
                    # with all of the later errors on it an early stretch forgets its own task
                    hidden = torch.lerp(hidden.detach(), hidden, PASSED_BACK)
                made, wanted = made[:few], targets[position][:few].float() / scale
                losses.append(F.mse_loss(F.leaky_relu(made.float(), SLOPE), F.leaky_relu(wanted, SLOPE)))
        loss = torch.stack(losses).sum()
        self.optimisers["adam"].zero_grad(set_to_none=True)
        self.backward(loss)
        self.update("adam", 5.0)
        return {"loss": float(loss.detach()) / len(losses), "last": float(losses[-1].detach())}

    def _enough(self, position: int, count: int) -> int:
        """How many pictures of a batch a stretch learns from: early layers have plenty of activations in each."""
        stride = self.student.net.stride(self.student.stretches[position].layers[-1])
        return int(max(2, min(count, count * stride // 16)))

    def _set_rate(self, index: int, own_from: int) -> None:
        """Warm up, one cosine while the stretches learn apart, a lower one while they learn together."""
        group = self.optimisers["adam"].param_groups[0]
        if index < own_from:
            rate = min(1.0, (index + 1) / 100) * (0.1 + 0.9 * _cosine(index / own_from))
        else:
            rate = 0.2 * _cosine((index - own_from) / max(1, self.config.steps - own_from)) + 0.002
        group["lr"] = self.config.lr * rate

    def _batch(self, index: int, own: bool) -> torch.Tensor:
        """Crops of photographs, every third step fewer and larger; in the second part a quarter are dreams."""
        if index % 3 == 2:
            return self._photos(max(2, self.config.batch * 3 // 8), 208)
        dreams = self.config.batch // 4 if own else 0
        x = self._photos(self.config.batch - dreams, 128)
        if not dreams:
            return x
        if index % 4 == 0:
            self._dream()
        chosen = torch.from_numpy(self.rng.choice(len(self.pool), dreams, replace=False))
        return torch.cat([x, self.pool[chosen].to(self.device)]).contiguous(memory_format=torch.channels_last)

    def _dream(self) -> None:
        """Move four of the pool's pictures three steps up the student's own activations, or begin them anew."""
        chosen = torch.from_numpy(self.rng.choice(len(self.pool), 4, replace=False))
        x = self.pool[chosen].to(self.device)
        stop = int(self.rng.integers(2, len(self.student.stretches)))
        channel = int(self.rng.integers(self.student.net.channels(self.student.stretches[stop].layers[-1])))
        single = bool(self.rng.random() < 0.5)
        for _ in range(3):
            x.requires_grad_(True)
            with self.mixed():
                hidden = self.student.net.normalise(x)
                for position in range(stop + 1):
                    hidden = torch.relu(self.student.run(position, hidden)) * self.student.part("scale", position)
            goal = hidden[:, channel].float().mean() if single else hidden.float().square().mean()
            gradient, = torch.autograd.grad(goal, x)
            size = gradient.abs().mean((1, 2, 3), keepdim=True) + 1e-12
            x = (x.detach() + 0.02 * gradient / size).clamp(0, 1)
        anew = torch.from_numpy(self.rng.random(4) < 0.12)
        x[anew] = self._photos(4, 128)[anew]
        self.pool[chosen] = x.cpu()

    def _photos(self, count: int, side: int) -> torch.Tensor:
        """Random crops ``(count, 3, side, side)`` in 0..1 with colour jitter."""
        with self.fetching():
            crops = [crop(self.pictures, side, self.rng) for _ in range(count)]
        return torch.stack(crops).to(self.device).contiguous(memory_format=torch.channels_last)

    def validate(self) -> dict[str, float]:
        """R² per layer on pictures never seen, end to end; score is the mean unexplained share."""
        plain = self.student.folded()
        layers = [stretch.layers[-1] for stretch in self.student.stretches]
        wrong, whole = dict.fromkeys(layers, 0.0), dict.fromkeys(layers, 0.0)
        with torch.no_grad(), self.mixed():
            for x in self._held_batches():
                theirs = self.teacher.forward_to(x, [stretch.target for stretch in self.student.stretches])
                ours = plain.forward_to(x, layers)
                for stretch in self.student.stretches:
                    t, s = theirs[stretch.target].float(), ours[stretch.layers[-1]].float()
                    wrong[stretch.layers[-1]] += float((t - s).square().sum())
                    whole[stretch.layers[-1]] += float((t - t.mean((0, 2, 3), keepdim=True)).square().sum())
        figures = {f"r2_{layer}": round(1 - wrong[layer] / max(whole[layer], 1e-12), 4) for layer in wrong}
        return {**figures, "score": 1 - sum(figures.values()) / len(figures)}

    def sample(self, folder: Path, index: int) -> list[Path]:
        """Dreams on the same sky: the teacher's above, the student's below, three layers from left to right."""
        student = self.student.folded()
        layers = [stretch for stretch in self.student.stretches if student.stride(stretch.layers[-1]) >= 4][-5::2]
        rng = torch.Generator().manual_seed(self.config.seed)
        start = clouds((160, 160), rng).to(self.device)
        made = []
        for net in (self.teacher, student):
            for stretch in layers:
                target = Target(stretch.target if net is self.teacher else stretch.layers[-1])
                *_, last = dream(net, start, Settings((target,), octaves=2, steps=6), rng.manual_seed(self.config.seed))
                made.append(last[0].cpu() * 2 - 1)
        path = folder / f"features_{index:06d}.png"
        save_sheet(path, torch.stack(made), len(layers))
        return [path]

    def _held_batches(self) -> Iterator[torch.Tensor]:
        for start in range(0, len(self.held), 8):
            chunk = [F.interpolate(p.float()[None] / 255, (224, 224), mode="bilinear", antialias=True)
                     for p in self.held[start : start + 8]]
            yield torch.cat(chunk).to(self.device).contiguous(memory_format=torch.channels_last)

    def export(self) -> Export:
        net = self.student.folded()
        assert isinstance(net, (googlenet.GoogLeNet, vgg.VGG))
        purpose = "dreams" if net.kind == "googlenet" else "style"
        half = {name: tensor.half() for name, tensor in net.tensors().items()}
        card = {
            "title": f"Features for {purpose} ({net.kind}, to {net.layers[-1]})",
            "layers": {layer: net.channels(layer) for layer in net.layers},
            "parameters": sum(tensor.numel() for tensor in half.values()),
        }
        return Export(half, ARCHITECTURE, net.architecture(), card)

    def extra_state(self) -> dict[str, Any]:
        return {"pool": self.pool}

    def load_extra_state(self, state: dict[str, Any]) -> None:
        self.pool = state["pool"].clone()


def _cosine(part: float) -> float:
    return 0.5 + 0.5 * math.cos(math.pi * min(1.0, max(0.0, part)))
