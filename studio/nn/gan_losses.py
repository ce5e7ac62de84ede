"""Losses of discriminators that are gradients themselves, and the rate at which augmentation adapts."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

Scores = Callable[[torch.Tensor], torch.Tensor]


def _slopes(scores: Scores, pictures: torch.Tensor) -> torch.Tensor:
    """Gradient of each picture's score (the mean of its patches) to its pixels, ``(N, pixels)``, differentiable."""
    pictures = pictures.detach().requires_grad_(True)
    made = scores(pictures).float().flatten(1).mean(1).sum()
    return torch.autograd.grad(made, pictures, create_graph=True)[0].flatten(1)


def gradient_penalty(critic: Scores, real: torch.Tensor, fake: torch.Tensor, weight: float = 10.0) -> torch.Tensor:
    """weight * E[(|gradient| - 1)^2] between real and made pictures (Gulrajani et al. 2017, equation 3).

    ``real`` and ``fake`` are ``(N, 3, H, W)``; the place between the two of a pair is drawn from torch's generator.
    """
    share = torch.rand(len(real), 1, 1, 1, device=real.device, dtype=real.dtype)
    length: torch.Tensor = _slopes(critic, real * share + fake.detach() * (1 - share)).norm(dim=1)
    return (length - 1).square().mean() * weight


def r1_penalty(discriminator: Scores, real: torch.Tensor, weight: float) -> torch.Tensor:
    """weight / 2 * E[|gradient|^2] at real pictures (Mescheder et al. 2018, equation 9)."""
    return _slopes(discriminator, real).square().sum(1).mean() * (0.5 * weight)


class Adaptive(nn.Module):
    """How likely each augmentation is, so that the discriminator does not learn the pictures by heart (Karras et al.
    2020, "Training GANs with Limited Data", section 3).

    ``sense`` sees scores of real pictures; the mean of their signs is the heuristic r_t: 0 where the discriminator is
    undecided, 1 where it knows every training picture. Above ``target`` the probability rises, below it falls, from end
    to end in ``thousands`` thousand pictures.
    """

    probability: torch.Tensor
    overfit: torch.Tensor

    def __init__(self, target: float = 0.6, thousands: float = 100.0, every: int = 4) -> None:
        super().__init__()
        self.target, self.thousands, self.every = target, thousands, every
        self.register_buffer("probability", torch.zeros(()))
        self.register_buffer("overfit", torch.zeros(()))
        self.register_buffer("_sum", torch.zeros(()))
        self.register_buffer("_seen", torch.zeros(2))  # scores, and steps since the last change

    @torch.no_grad()
    def sense(self, scores: torch.Tensor, pictures: int) -> None:
        """Scores of ``pictures`` real pictures, augmented like all; every few steps the probability follows."""
        total, seen = self.get_buffer("_sum"), self.get_buffer("_seen")
        total += scores.float().sign().sum().to(total.device)
        seen += torch.tensor([float(scores.numel()), 1.0], device=seen.device)
        if float(seen[1]) < self.every:
            return
        self.overfit.copy_(total / seen[0])
        pace = pictures * self.every / (self.thousands * 1000)
        self.probability += torch.sign(self.overfit - self.target) * pace
        self.probability.clamp_(0.0, 1.0)
        total.zero_()
        seen.zero_()
