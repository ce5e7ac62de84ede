"""The losses of the small GANs at known values, the gradient penalty, and plots that are where they should be."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from studio.nn.plot import Plot, Trace, curves
from studio.nn.tiny_gan import (
    LOSSES,
    Game,
    begin,
    chance_of_real,
    gradient_penalty,
    judge_loss,
    maker_loss,
    perceptron,
)

ZERO, SURE = torch.zeros(4), torch.full((4,), 12.0)


@pytest.mark.parametrize(("loss", "undecided", "right"), [
    ("non-saturating", 2 * math.log(2), 0.0), ("minimax", 2 * math.log(2), 0.0), ("hinge", 2.0, 0.0),
    ("least squares", 0.5, 0.5 * (11**2 + 12**2)), ("wasserstein", 0.0, -24.0),
])
def test_what_a_discriminator_pays(loss: str, undecided: float, right: float) -> None:
    assert float(judge_loss(ZERO, ZERO, loss)) == pytest.approx(undecided, abs=1e-6)
    assert float(judge_loss(SURE, -SURE, loss)) == pytest.approx(right, abs=1e-4)


@pytest.mark.parametrize(("loss", "undecided"), [
    ("non-saturating", math.log(2)), ("minimax", -math.log(2)), ("least squares", 0.5), ("hinge", 0.0),
    ("wasserstein", 0.0),
])
def test_what_a_generator_pays_and_which_way_it_is_pulled(loss: str, undecided: float) -> None:
    scores = torch.zeros(3, requires_grad=True)
    paid = maker_loss(scores, loss)
    paid.backward()
    assert float(paid.detach()) == pytest.approx(undecided, abs=1e-6)
    assert scores.grad is not None and (scores.grad < 0).all()  # a better score costs less, for every loss


def test_minimax_saturates_where_the_other_does_not() -> None:
    """The reason for the non-saturating loss (Goodfellow et al. 2014, section 3)."""
    pulls = {}
    for loss in ("minimax", "non-saturating"):
        scores = torch.tensor([-8.0], requires_grad=True)
        maker_loss(scores, loss).backward()
        pulls[loss] = abs(float(scores.grad)) if scores.grad is not None else 0.0
    assert pulls["minimax"] < 0.001 < 0.9 < pulls["non-saturating"]


def test_unknown_losses_are_refused() -> None:
    for function in (lambda: judge_loss(ZERO, ZERO, "x"), lambda: maker_loss(ZERO, "x")):
        with pytest.raises(ValueError, match="non-saturating"):
            function()


def test_the_penalty_of_a_line_is_known() -> None:
    def score(x: Tensor) -> Tensor:
        return x @ torch.tensor([3.0, 4.0])  # a slope of five everywhere

    real, fake, mix = torch.randn(6, 2), torch.randn(6, 2), torch.rand(6, 1)
    assert float(gradient_penalty(real, fake, score, mix)) == pytest.approx(16.0, rel=1e-5)


def test_chances_are_between_none_and_sure() -> None:
    for loss in LOSSES:
        chance = chance_of_real(torch.linspace(-9, 9, 21), loss)
        assert (chance.diff() >= 0).all() and float(chance.min()) >= 0 and float(chance.max()) <= 1


def where_it_ends() -> float:
    """The mean of what a game makes whose real numbers lie around three."""
    draw = torch.Generator().manual_seed(0)
    maker, judge = perceptron(1, 8, 1, 1), perceptron(1, 8, 1, 1)
    for net in (maker, judge):
        begin(net, draw)
    game = Game(maker, judge)
    game.rates(0.03, 0.03)
    for _ in range(90):
        game.play(lambda: 3 + 0.3 * torch.randn(32, 1, generator=draw),
                  lambda: maker(torch.randn(32, 1, generator=draw)), judge)
    with torch.no_grad():
        return float(maker(torch.randn(200, 1, generator=torch.Generator().manual_seed(1))).mean())


def test_a_game_learns_where_a_point_is_and_repeats_itself() -> None:
    place = where_it_ends()
    assert place == where_it_ends() and abs(place - 3) < 1.2


def test_light_is_where_it_was_put_and_adds_up() -> None:
    plot = Plot(160, 90, (0.0, 0.0, 0.0))
    plot.fill(np.array([[20.0, 20], [60, 20], [60, 60], [20, 60]]), (0.3, 0.0, 0.0), 1.0)
    plot.fill(np.array([[40.0, 20], [80, 20], [80, 60], [40, 60]]), (0.0, 0.4, 0.0), 1.0)
    frame = plot.frame()
    assert frame[40, 30].tolist() == [76, 0, 0] and frame[40, 70].tolist() == [0, 102, 0]
    assert frame[40, 50].tolist() == [76, 102, 0] and frame[80, 100].tolist() == [0, 0, 0]


def test_nothing_that_is_drawn_outside_or_is_no_number_fails() -> None:
    plot = Plot(64, 36)
    before = plot.frame()
    far = np.array([[1e9, -1e9], [1e9, 1e9 + 1]])
    plot.line(far, (1, 1, 1), glow=1.0)
    plot.dots(np.zeros((0, 2)), (1, 1, 1))
    plot.lines([], (1, 1, 1))
    plot.text("far away", 5000, 5000)
    assert np.array_equal(plot.frame(), before)
    plot.line(np.array([[0, 0], [np.nan, 10], [60, 30]]), (1, 1, 1), glow=1.0)
    plot.text("words", 10, 20)
    assert plot.frame().std() > before.std()


def test_brighter_than_white_is_white() -> None:
    plot = Plot(32, 18)
    for _ in range(9):
        plot.add(np.ones((18, 32)), (1.0, 1.0, 1.0), 1.0)
    assert plot.frame().min() >= 254


def test_a_trace_keeps_all_of_the_past_in_its_room() -> None:
    trace = Trace(16)
    for value in range(1000):
        trace.add(float(value))
    assert len(trace.values) < 16 and trace.every == 64
    assert trace.values == pytest.approx([31.5 + 64 * place for place in range(len(trace.values))])


def test_curves_share_a_scale_and_stay_in_their_box() -> None:
    low, high = Trace(), Trace()
    for step in range(50):
        low.add(0.0 + 0.01 * step)
        high.add(2.0)
    plot = Plot(200, 100, (0.0, 0.0, 0.0))
    curves(plot, [(low, (1, 0, 0)), (high, (0, 0, 1))], (20, 40, 180, 80))
    frame = plot.frame().astype(int)
    red, blue = frame[:, :, 0].sum(1), frame[:, :, 2].sum(1)
    assert red.argmax() > 65 and abs(int(blue.argmax()) - 40) <= 1
    curves(plot, [(Trace(), (1, 1, 1))], (0, 0, 9, 9))  # nothing yet: nothing is drawn
