"""A training step of the main recipes against a plain PyTorch loop of the same network, losses and batch.

The plain loops are written below as tutorials write them: float32, channels first, batches cut from tensors that are in
memory already, the networks called directly. Ours is all that ``reverie train`` does between two events: batches from
the loader, precision as the recipe chooses it, the guard, the accounts, the random state. A few steps of ours and a few
of theirs take turns; the ratio is the median of the pairs. With a GPU both run there, and our networks are compiled.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from studio.nn.augment import diff_augment
from studio.nn.gan import GanConfig, GeneratorNet, PlainDiscriminator
from studio.nn.gan_dcgan import DcganConfig, DcganDiscriminator, DcganGenerator
from studio.nn.lstm import RNNSpec, SequenceRNN
from studio.training.gan import GanRecipe, GanSettings, widths_for
from studio.training.gan_dcgan import DcganRecipe, DcganSettings
from studio.training.guard import Guard
from studio.training.pace import Pace
from studio.training.recipe import Config, Recipe
from studio.training.state import random_state
from studio.training.stepping import Stepper, compile_networks, tune
from studio.training.team import Team
from studio.training.text import TextRecipe, TextSettings

PAIRS, STEPS = 7, 2
CPU_TARGET, GPU_TARGET = 1.0, 1.5
SIDE = 64
Step = Callable[[int], object]


class Ours:
    """Steps of a recipe, with all that the loop does around them."""

    def __init__(self, kind: type[Recipe], config: Config, data: Path) -> None:
        tune(config)
        torch.manual_seed(0)
        self.recipe = kind(config)
        self.recipe.prepare(data)
        self.recipe.build()
        if config.compile:
            compile_networks(self.recipe)
        self.stepper, self.guard = Stepper(self.recipe, Team()), Guard(self.recipe.watched)
        self.pace = Pace(self.recipe)

    def __call__(self, index: int) -> None:
        random_state(self.recipe)  # kept for the case that the memory does not suffice
        with self.pace.stepping():
            losses = self.stepper.step(index)
        assert not self.guard.see(losses)
        self.pace.step(index, 10**6, False)


def text_step(settings: TextSettings, text: str) -> Step:
    """Characters: truncated back-propagation through time with carried state."""
    symbols = sorted(set(text))
    tokens = torch.tensor([symbols.index(c) for c in text[: round(len(text) * 0.9)]])
    s = settings
    net = SequenceRNN(RNNSpec(len(symbols), s.embedding, s.hidden, s.layers, s.cell, s.dropout)).to(s.device).train()
    optimiser = torch.optim.AdamW(net.parameters(), lr=s.lr, weight_decay=0.0)
    length = len(tokens) // s.batch
    streams = tokens[: length * s.batch].view(s.batch, length).to(s.device)
    carried: list[Any] = [None]

    def step(index: int) -> float:
        at = index * s.window % (length - s.window - 1)
        batch = streams[:, at : at + s.window + 1]
        state = carried[0] if at else None
        logits, after = net(batch[:, :-1], state)
        carried[0] = tuple(part.detach() for part in after)
        loss = F.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(net.parameters(), s.clip)
        optimiser.step()
        return loss.item()

    return step


def pictures_of(data: Path, device: str) -> torch.Tensor:
    """All pictures in memory, -1..1, on the device."""
    arrays = [np.asarray(Image.open(path), np.float32) for path in sorted(data.glob("*.png"))]
    return torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2).div(127.5).sub(1).contiguous().to(device)


def gan_step(settings: GanSettings, data: Path) -> Step:
    """The ``gan`` recipe's networks, hinge loss, augmentation and weight average."""
    s = settings
    shape = GanConfig(size=s.size, latent=s.latent, base=s.base, widths=widths_for(s.size, s.base))
    generator, average = GeneratorNet(shape).to(s.device).train(), GeneratorNet(shape).to(s.device)
    judge = PlainDiscriminator(s.size).to(s.device).train()
    makers = torch.optim.Adam(generator.parameters(), s.rate, (0.0, 0.99))
    judges = torch.optim.Adam(judge.parameters(), s.judge_rate, (0.0, 0.99))
    pictures = pictures_of(data, s.device)

    def step(index: int) -> tuple[float, float]:
        real = pictures[torch.randint(len(pictures), (s.batch,))]
        real = torch.where(torch.rand(s.batch, 1, 1, 1, device=s.device) < 0.5, real.flip(3), real)
        fake = diff_augment(generator(torch.randn(s.batch, s.latent, device=s.device)), s.augment)
        judged = F.relu(1 - judge(diff_augment(real, s.augment))).mean() + F.relu(1 + judge(fake.detach())).mean()
        judges.zero_grad()
        judged.backward()  # type: ignore[no-untyped-call]
        judges.step()
        made = -judge(fake).mean()
        makers.zero_grad()
        made.backward()
        makers.step()
        with torch.no_grad():
            for mean, now in zip(average.parameters(), generator.parameters(), strict=True):
                mean.lerp_(now, 0.01)
            for kept, fresh in zip(average.buffers(), generator.buffers(), strict=True):
                kept.copy_(fresh)
        return judged.item(), made.item()

    return step


def dcgan_step(settings: DcganSettings, data: Path) -> Step:
    """DCGAN as in PyTorch's tutorial: binary cross-entropy, batches of real and made pictures apart."""
    s = settings
    shape = DcganConfig(s.size, s.latent, s.base, ())
    generator, judge = DcganGenerator(shape).to(s.device).train(), DcganDiscriminator(shape).to(s.device).train()
    makers = torch.optim.Adam(generator.parameters(), s.rate, (s.momentum, 0.999))
    judges = torch.optim.Adam(judge.parameters(), s.judge_rate, (s.momentum, 0.999))
    pictures = pictures_of(data, s.device)
    ones, zeros = torch.ones(s.batch, device=s.device), torch.zeros(s.batch, device=s.device)
    entropy = F.binary_cross_entropy_with_logits

    def step(index: int) -> tuple[float, float]:
        real = pictures[torch.randint(len(pictures), (s.batch,))]
        fake = generator(torch.randn(s.batch, s.latent, device=s.device))
        judges.zero_grad()
        judged = entropy(judge(real).flatten(), ones) + entropy(judge(fake.detach()).flatten(), zeros)
        judged.backward()  # type: ignore[no-untyped-call]
        judges.step()
        makers.zero_grad()
        made = entropy(judge(fake).flatten(), ones)
        made.backward()  # type: ignore[no-untyped-call]
        makers.step()
        return judged.item(), made.item()

    return step


def _write_pictures(folder: Path, count: int) -> Path:
    folder.mkdir()
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    for number in range(count):
        waves = [np.sin(2 * np.pi * (a * x + b * y) + c) for a, b, c in rng.uniform(-3, 3, (3, 3))]
        pixels = (np.stack(waves, 2) * 100 + 127).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:04d}.png")
    return folder


def _text() -> str:
    chosen, words = random.Random(1), "rain falls on the old town and nobody sings any more".split()
    return " ".join(chosen.choice(words) for _ in range(40_000))


def compare(name: str, ours: Step, theirs: Step, target: float, batch: int) -> dict[str, Any]:
    """Steps in turn; ``ratio`` is how many times quicker ours are."""
    def timed(step: Step, first: int) -> float:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        began = time.perf_counter()
        for index in range(first, first + STEPS):
            step(index)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return (time.perf_counter() - began) / STEPS

    timed(ours, 0), timed(theirs, 0)  # the first round warms up
    pairs = []
    for number in range(1, PAIRS + 1):
        order = (ours, theirs) if number % 2 else (theirs, ours)
        seconds = {id(step): timed(step, number * STEPS) for step in order}
        pairs.append((seconds[id(ours)], seconds[id(theirs)]))
    ratios = [b / a for a, b in pairs]
    mine, plain = (statistics.median(pair[side] for pair in pairs) for side in (0, 1))
    return {
        "name": f"train_throughput {name}", "ratio": statistics.median(ratios), "target": target, "ours": mine,
        "reference": plain, "unit": "s per step",
        "note": f"{batch / mine:.0f} items a second; quartiles of the ratio "
                f"{np.quantile(ratios, 0.25):.2f} and {np.quantile(ratios, 0.75):.2f}",
    }


def run() -> list[dict[str, Any]]:
    """Measure the recipes; once more in float32 on a CPU, where nothing but the loop differs."""
    gpu = torch.cuda.is_available()
    common: dict[str, Any] = {"device": "cuda:0" if gpu else "cpu", "compile": gpu, "steps": 10**6}
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        pictures = _write_pictures(Path(folder) / "pictures", 160)
        words = Path(folder) / "text.txt"
        words.write_text(_text(), encoding="utf-8")
        for precision in ("auto",) if gpu else ("auto", "float32"):
            target = GPU_TARGET if gpu else CPU_TARGET if precision == "auto" else None
            setting = {**common, "precision": precision}
            text = TextSettings(**setting)
            gan = GanSettings(**setting, size=SIDE, features="none")
            dcgan = DcganSettings(**setting, size=SIDE, batch=32)
            for name, ours, theirs, batch in (
                ("text", Ours(TextRecipe, text, words), text_step(text, _text()), text.batch * text.window),
                ("gan", Ours(GanRecipe, gan, pictures), gan_step(gan, pictures), gan.batch),
                ("dcgan", Ours(DcganRecipe, dcgan, pictures), dcgan_step(dcgan, pictures), dcgan.batch),
            ):
                row = compare(name, ours, theirs, target or CPU_TARGET, batch)
                rows.append({**row, "name": f"{row['name']} {precision}", "target": target})
    return rows


if __name__ == "__main__":
    for line in run():
        print(line)
