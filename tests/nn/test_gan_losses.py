"""Penalties of a linear discriminator are known exactly; adaptive augmentation goes where the signs point."""

from __future__ import annotations

import math

import pytest
import torch

from studio.nn.gan_augment import augment_some, turn
from studio.nn.gan_losses import Adaptive, gradient_penalty, r1_penalty


def test_penalties_of_a_linear_critic_are_exact() -> None:
    torch.manual_seed(0)
    slope = torch.randn(3 * 8 * 8)
    length = float(slope.norm())

    def critic(x: torch.Tensor) -> torch.Tensor:
        return x.flatten(1) @ slope[:, None]

    real, fake = torch.randn(5, 3, 8, 8), torch.randn(5, 3, 8, 8)
    found = gradient_penalty(critic, real, fake, 10.0), r1_penalty(critic, real, 3.0)
    assert float(found[0].detach()) == pytest.approx(10 * (length - 1) ** 2, rel=1e-5)
    assert float(found[1].detach()) == pytest.approx(1.5 * length**2, rel=1e-5)
    steep = torch.nn.Linear(3 * 8 * 8, 1)
    gradient_penalty(lambda x: steep(x.flatten(1)), real, fake).backward()  # type: ignore[no-untyped-call]
    assert steep.weight.grad is not None and float(steep.weight.grad.abs().sum()) > 0
    unit = gradient_penalty(lambda x: critic(x) / length, real, fake)
    assert float(unit.detach()) == pytest.approx(0, abs=1e-6)


def test_patches_count_by_their_mean() -> None:
    x = torch.randn(2, 3, 4, 4)
    # each of two patches is the sum of all pixels: the mean has a slope of one at each of the 48
    found = r1_penalty(lambda p: p.flatten(1).sum(1, keepdim=True).expand(-1, 2), x, 2.0)
    assert float(found.detach()) == pytest.approx(48)


def test_augmentation_follows_the_signs() -> None:
    adapt = Adaptive(target=0.6, thousands=1.0, every=2)
    for _ in range(4):
        adapt.sense(torch.tensor([1.0, 1.0, 0.5, 2.0]), 50)
    assert float(adapt.overfit) == 1.0 and float(adapt.probability) == pytest.approx(2 * 50 * 2 / 1000)
    adapt.sense(torch.tensor([1.0, -1.0]), 50)
    adapt.sense(torch.tensor([1.0, -1.0]), 50)
    assert float(adapt.overfit) == 0.0 and float(adapt.probability) == pytest.approx(0.1)
    again = Adaptive()
    again.load_state_dict(adapt.state_dict())
    assert float(again.probability) == pytest.approx(0.1)
    for _ in range(40):
        adapt.sense(torch.tensor([-1.0]), 50)
    assert float(adapt.probability) == 0.0


def test_augmentations_happen_as_often_as_they_should() -> None:
    torch.manual_seed(0)
    x = torch.randn(400, 3, 8, 8)
    assert augment_some(x, 0.0) is x
    changed = (augment_some(x, 0.1) != x).flatten(1).any(1).float().mean()
    assert float(changed) == pytest.approx(1 - 0.9**4, abs=0.08)
    wish = x[:4].clone().requires_grad_()
    augment_some(wish, 1.0).sum().backward()  # type: ignore[no-untyped-call]
    assert wish.grad is not None and bool(torch.isfinite(wish.grad).all())


def test_turning_keeps_a_flat_picture_and_what_is_in_the_middle() -> None:
    torch.manual_seed(0)
    flat = torch.full((3, 3, 16, 16), 0.25)
    assert torch.allclose(turn(flat), flat, atol=1e-5)
    ball = torch.exp(-((torch.arange(33.0) - 16) ** 2) / 8)
    ball = (ball[:, None] * ball).expand(2, 3, 33, 33)
    made = turn(ball)
    assert torch.allclose(made[:, :, 16, 16], ball[:, :, 16, 16], atol=0.05) and math.isfinite(float(made.sum()))
