"""Movement, colour statistics and made-up skies."""

from __future__ import annotations

import pytest
import torch

from studio.nn.imaging import (
    blur,
    clouds,
    fold,
    fractal,
    move,
    natural_colours,
    recolour,
    resize,
    soft_clip,
    statistics,
)


def picture(height: int = 48, width: int = 64, seed: int = 0) -> torch.Tensor:
    return blur(torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed)), 2.0)


def test_still_is_still() -> None:
    x = picture()
    assert move(x) is x
    torch.testing.assert_close(move(x, zoom=1.0, shift=(1e-9, 0.0)), x, rtol=1e-3, atol=1e-3)


def test_shift_is_in_frames_and_moves_the_view() -> None:
    x = picture()
    moved = move(x, shift=(0.25, 0.0))  # 16 pixels to the right
    torch.testing.assert_close(moved[..., 8:40], x[..., 24:56], rtol=1e-3, atol=1e-3)
    moved = move(x, shift=(0.0, 0.25))
    torch.testing.assert_close(moved[:, :, 4:30], x[:, :, 16:42], rtol=1e-3, atol=1e-3)


def test_zoom_enlarges_about_the_centre_and_inverts() -> None:
    x = picture(64, 64)
    near = move(x, zoom=2.0)
    wanted = resize(x, (128, 128))[:, :, 32:96, 32:96]
    torch.testing.assert_close(near[:, :, 8:-8, 8:-8], wanted[:, :, 8:-8, 8:-8], rtol=0.05, atol=0.02)
    back = move(move(x, zoom=1.1), zoom=1 / 1.1)
    assert float((back - x)[:, :, 12:-12, 12:-12].abs().mean()) < 0.01


def test_a_quarter_turn_counter_clockwise() -> None:
    x = picture(64, 64)
    torch.testing.assert_close(move(x, degrees=90), x.rot90(1, (2, 3)), rtol=1e-3, atol=1e-3)


def test_rotation_does_not_shear_a_wide_picture() -> None:
    x = torch.zeros(1, 3, 60, 120)
    x[:, :, 29:31, 60:80] = 1.0  # a bar of 20 pixels to the right
    turned = move(x, degrees=90)
    assert float(turned[0, 0, 10:30, 59:61].mean()) > 0.8
    middle = turned[:, :, :, 30:90]  # beyond it is what was mirrored at the upper and lower edge
    assert float(middle.sum()) == pytest.approx(float(x.sum()), rel=0.05)


def test_recolour_reaches_the_wished_statistics() -> None:
    x, other = picture(seed=1), picture(seed=2) * 0.4 + 0.3
    mean, covariance = statistics(other)
    made_mean, made = statistics(recolour(x, mean, covariance))
    torch.testing.assert_close(made_mean, mean, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(made, covariance, rtol=0.2, atol=2e-4)
    assert recolour(x, mean, covariance, 0.0) is x


def test_recolour_of_a_flat_picture_stays_finite() -> None:
    flat = torch.full((1, 3, 16, 16), 0.5)
    made = recolour(flat, *statistics(picture()))
    assert torch.isfinite(made).all()


def test_soft_clip_is_monotone_and_bounded() -> None:
    x = torch.linspace(-2, 3, 501)
    made = soft_clip(x)
    assert (made.diff() >= 0).all()
    assert made.min() >= 0
    assert made.max() <= 1
    inner = torch.linspace(0.12, 0.88, 50)
    torch.testing.assert_close(soft_clip(inner), inner)


@pytest.mark.parametrize("parts", [1, 2, 3, 6])
def test_folds_are_symmetric(parts: int) -> None:
    x = picture(65, 65)
    made = fold(x, parts)
    assert made.shape == x.shape
    torch.testing.assert_close(made, made.flip(3), rtol=1e-3, atol=2e-3)
    assert fold(x, 0) is x


def test_fold_of_an_odd_width_keeps_the_left() -> None:
    x = picture(8, 9)
    assert torch.equal(fold(x, 1)[..., :5], x[..., :5])


def test_natural_colours_calm_green_against_red() -> None:
    gradient = torch.zeros(1, 3, 4, 4)
    gradient[:, 0], gradient[:, 1] = 1.0, -1.0
    grey = torch.ones(1, 3, 4, 4)
    assert natural_colours(gradient, 0.0) is gradient
    assert natural_colours(gradient, 1.0).abs().mean() < 0.2 * natural_colours(grey, 1.0).abs().mean()


def test_noise_and_clouds_are_the_seeds() -> None:
    def rng(seed: int) -> torch.Generator:
        return torch.Generator().manual_seed(seed)

    for make in (lambda r: fractal((40, 56), r), lambda r: clouds((40, 56), r)):
        assert torch.equal(make(rng(1)), make(rng(1)))
        assert not torch.equal(make(rng(1)), make(rng(2)))
        assert make(rng(1)).shape == (1, 3, 40, 56)
    sky = clouds((64, 64), rng(4))
    assert 0 <= sky.min() < sky.max() <= 1
    assert float(sky.std()) > 0.05
    assert float(fractal((64, 64), rng(0)).std()) == pytest.approx(1.0, rel=0.01)


def test_blur_keeps_the_mean_and_small_pictures() -> None:
    x = picture()
    assert float(blur(x, 3.0).mean()) == pytest.approx(float(x.mean()), rel=0.01)
    assert blur(torch.rand(1, 3, 2, 2), 5.0).shape == (1, 3, 2, 2)
    assert blur(torch.rand(1, 3, 1, 5), 5.0).shape == (1, 3, 1, 5)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("sigma", [1.0, 2.5, 5.0])
def test_a_blur_inside_an_autocast_is_exact_and_comes_back(sigma: float) -> None:
    x = torch.rand(1, 3, 40, 64, generator=torch.Generator().manual_seed(3))
    x = x.contiguous(memory_format=torch.channels_last)  # in bfloat16 oneDNN never came back
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = blur(x, sigma)
    assert inside.dtype == torch.float32
    torch.testing.assert_close(inside, blur(x, sigma))
