"""Resampling: flat stays flat, one picture at any size, kernels as their names say."""

from __future__ import annotations

import pytest
import torch

from studio.nn.resample import KERNELS, fit, matrix, resample


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("old", "new"), [(8, 8), (8, 31), (31, 8), (1, 5), (64, 512)])
def test_rows_sum_to_one(kernel: str, old: int, new: int) -> None:
    weights = matrix(old, new, kernel)
    assert weights.shape == (new, old) and torch.allclose(weights.sum(1), torch.ones(new), atol=1e-5)


def test_same_size_is_the_same_picture() -> None:
    picture = torch.rand(3, 16, 16)
    assert torch.equal(resample(picture, (16, 16)), picture) and torch.equal(fit(picture, (16, 16)), picture)


def test_lanczos_keeps_a_smooth_wave() -> None:
    def wave(count: int) -> torch.Tensor:
        x = (torch.arange(count) + 0.5) / count
        return (0.5 + 0.4 * torch.cos(2 * torch.pi * 2 * x)).expand(3, count, count)

    assert (resample(wave(32), (128, 128)) - wave(128)).abs().max() < 0.01
    assert (resample(wave(128), (32, 32)) - wave(32)).abs().max() < 0.01


def test_framings() -> None:
    picture = torch.rand(3, 8, 8) * 0.5 + 0.5
    wide = fit(picture, (8, 20), "contain")
    assert wide.shape == (3, 8, 20) and torch.equal(wide[:, :, 6:14], picture) and not wide[:, :, :6].any()
    mirrored = fit(picture, (8, 20), "mirror")
    assert torch.equal(mirrored[:, :, 6:14], picture) and torch.equal(mirrored[:, :, 5], picture[:, :, 0])
    assert torch.equal(mirrored[:, :, 14], picture[:, :, 7])
    assert fit(picture, (8, 20), "cover").shape == (3, 8, 20) and fit(picture, (20, 8), "mirror").shape == (3, 20, 8)
    assert fit(picture, (3, 50), "mirror").shape == (3, 3, 50)
