"""GANs small enough to learn while one watches: a few layers, a step of training in a millisecond or some.

The game is that of Goodfellow et al. (2014); ``LOSSES`` names its usual forms. Everything random comes from a torch
generator that is handed in, so that the same seed plays the same game.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LOSSES = ("non-saturating", "minimax", "least squares", "hinge", "wasserstein")
PENALTY = 10.0
"""Weight of the gradient penalty of wasserstein (Gulrajani et al. 2017)."""


def judge_loss(real: Tensor, fake: Tensor, loss: str) -> Tensor:
    """What a discriminator minimises, given its scores (before any sigmoid) of real and generated samples."""
    if loss in ("non-saturating", "minimax"):
        return F.softplus(-real).mean() + F.softplus(fake).mean()
    if loss == "least squares":  # Mao et al. 2017, a = 0, b = c = 1
        return 0.5 * ((real - 1).square().mean() + fake.square().mean())
    if loss == "hinge":
        return F.relu(1 - real).mean() + F.relu(1 + fake).mean()
    if loss == "wasserstein":
        return fake.mean() - real.mean()
    raise ValueError(f"there is no loss {loss!r}; there are: {', '.join(LOSSES)}")


def maker_loss(fake: Tensor, loss: str) -> Tensor:
    """What a generator minimises, given the scores of its samples."""
    if loss == "non-saturating":
        return F.softplus(-fake).mean()
    if loss == "minimax":
        return -F.softplus(fake).mean()
    if loss == "least squares":
        return 0.5 * (fake - 1).square().mean()
    if loss in ("hinge", "wasserstein"):
        return -fake.mean()
    raise ValueError(f"there is no loss {loss!r}; there are: {', '.join(LOSSES)}")


def chance_of_real(scores: Tensor, loss: str) -> Tensor:
    """Scores as 0 (generated) to 1 (real). Only the first two losses mean a chance; the others are squeezed to look
    like one: least squares is cut, hinge and wasserstein go through a sigmoid around their middle."""
    if loss == "least squares":
        return scores.clamp(0, 1)
    if loss == "wasserstein":  # only differences mean anything
        return torch.sigmoid(2.0 * (scores - scores.mean()))
    return torch.sigmoid(scores if loss != "hinge" else 2.0 * scores)


def begin(module: nn.Module, draw: torch.Generator) -> None:
    """New weights for every layer, from ``draw`` alone (He et al. 2015)."""
    for layer in module.modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d, nn.Embedding)):
            if isinstance(layer, nn.Embedding):
                nn.init.normal_(layer.weight, 0.0, 0.02, generator=draw)
                continue
            nn.init.kaiming_normal_(layer.weight, 0.2, nonlinearity="leaky_relu", generator=draw)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def perceptron(inputs: int, width: int, layers: int, outputs: int) -> nn.Sequential:
    """``layers`` hidden layers of ``width``, with a smooth activation (SiLU): what it draws has no corners."""
    parts: list[nn.Module] = []
    for index in range(layers):
        parts += [nn.Linear(width if index else inputs, width), nn.SiLU()]
    return nn.Sequential(*parts, nn.Linear(width, outputs))


class DigitMaker(nn.Module):
    """Noise ``(N, latent)`` and classes to pictures ``(N, 1, 28, 28)`` in -1..1, after DCGAN (Radford et al. 2016)."""

    def __init__(self, latent: int, width: int, classes: int) -> None:
        super().__init__()
        self.latent, self.classes, self.width = latent, classes, width
        self.first = nn.Linear(latent + classes, 2 * width * 49, bias=False)
        self.body = nn.Sequential(
            nn.BatchNorm2d(2 * width), nn.ReLU(),  # 7x7
            nn.ConvTranspose2d(2 * width, width, 4, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),  # 14x14
            nn.ConvTranspose2d(width, 1, 4, 2, 1), nn.Tanh(),  # 28x28
        )

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        if self.classes:
            z = torch.cat([z, F.one_hot(labels, self.classes).to(z.dtype)], 1)
        return self.body(self.first(z).view(-1, 2 * self.width, 7, 7))  # type: ignore[no-any-return]


class DigitJudge(nn.Module):
    """Pictures ``(N, 1, 28, 28)`` to scores ``(N,)``; classes by projection (Miyato and Koyama 2018)."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, width, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(width, 2 * width, 4, 2, 1), nn.LeakyReLU(0.2),
            nn.Flatten(), nn.Linear(2 * width * 49, 64), nn.LeakyReLU(0.2),
        )
        self.last = nn.Linear(64, 1)
        self.projection = nn.Embedding(classes, 64) if classes else None

    def forward(self, pictures: Tensor, labels: Tensor) -> Tensor:
        found = self.body(pictures)
        score = self.last(found)[:, 0]
        if self.projection is not None:
            score = score + (found * self.projection(labels)).sum(1)
        return torch.as_tensor(score)


@dataclass
class Round:
    """What one round of the game gave: the two losses and the mean scores."""

    judge: float
    maker: float
    real: float
    fake: float


class Game:
    """Generator and discriminator taking turns. The functions take whatever the networks take: ``maker()`` draws a
    batch of generated samples, ``judge(samples)`` scores them."""

    def __init__(self, maker: nn.Module, judge: nn.Module, momentum: float = 0.5) -> None:
        self.maker, self.judge = maker, judge
        self.optimisers = {
            "maker": torch.optim.Adam(maker.parameters(), 1e-3, (momentum, 0.99)),
            "judge": torch.optim.Adam(judge.parameters(), 1e-3, (momentum, 0.99)),
        }

    def rates(self, maker: float, judge: float) -> None:
        """Learning rates from now on."""
        for name, rate in (("maker", maker), ("judge", judge)):
            for group in self.optimisers[name].param_groups:
                group["lr"] = rate

    def play(
        self, real: Callable[[], Tensor], fake: Callable[[], Tensor], score: Callable[[Tensor], Tensor], *,
        loss: str = "non-saturating", turns: int = 1, mix: Callable[[], Tensor] | None = None,
    ) -> Round:
        """One round: ``turns`` steps of the discriminator, then one of the generator.

        ``real`` and ``fake`` give a batch each time they are called, ``score`` its scores; ``mix`` gives shares 0..1
        for the gradient penalty of wasserstein, ``(batch, 1, ...)``.
        """
        for _ in range(max(1, turns)):
            with torch.no_grad():
                made = fake()
            shown = real()
            on_real, on_fake = score(shown), score(made)
            judged = judge_loss(on_real, on_fake, loss)
            total = judged
            if loss == "wasserstein" and mix is not None:
                total = judged + PENALTY * gradient_penalty(shown, made, score, mix())
            self._step("judge", total)
        self.judge.requires_grad_(False)
        scores = score(fake())
        deceived = maker_loss(scores, loss)
        self._step("maker", deceived)
        self.judge.requires_grad_(True)
        return Round(float(judged.detach()), float(deceived.detach()), float(on_real.detach().mean()),
                     float(on_fake.detach().mean()))

    def _step(self, name: str, loss: Tensor) -> None:
        optimiser = self.optimisers[name]
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        # a knob turned to a wild rate must not end the game in numbers that are none
        module = self.maker if name == "maker" else self.judge
        norm = torch.nn.utils.clip_grad_norm_(module.parameters(), 10.0)
        if bool(torch.isfinite(norm)):
            optimiser.step()

    def sane(self) -> bool:
        """Whether all weights are numbers still."""
        return all(bool(torch.isfinite(p).all()) for net in (self.maker, self.judge) for p in net.parameters())


def gradient_penalty(real: Tensor, fake: Tensor, score: Callable[[Tensor], Tensor], mix: Tensor) -> Tensor:
    """Mean of (|gradient| - 1)² at points between real and generated samples (Gulrajani et al. 2017, equation 3)."""
    between = torch.lerp(fake, real, mix.expand_as(real)).requires_grad_(True)
    (slope,) = torch.autograd.grad(score(between).sum(), between, create_graph=True)
    return torch.as_tensor((slope.flatten(1).norm(dim=1) - 1).square().mean())
