"""Enlarging and shrinking by separable kernels, as two matrix products on the picture's own device."""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F

KERNELS = ("lanczos", "bicubic", "smooth", "pixels")


@lru_cache(maxsize=32)
def matrix(old: int, new: int, kernel: str) -> torch.Tensor:
    """Weights ``(new, old)`` of a resampling; rows sum to 1, edges are mirrored into the picture.

    ``lanczos`` (three lobes, sharp), ``bicubic`` (Catmull-Rom), ``smooth`` (cubic B-spline: no grid of the source
    shows), ``pixels`` (nearest). Shrinking widens the kernel, so that nothing aliases.
    """
    scale = old / new
    centres = (torch.arange(new, dtype=torch.float64) + 0.5) * scale - 0.5
    if kernel == "pixels":
        nearest = centres.round().long().clamp(0, old - 1)
        return torch.zeros(new, old).scatter_(1, nearest[:, None], 1.0)
    support = {"lanczos": 3, "bicubic": 2, "smooth": 2}[kernel]
    stretch = max(1.0, scale)
    reach = int(support * stretch) + 1
    places = centres.floor().long()[:, None] + torch.arange(-reach, reach + 2)
    x = ((places - centres[:, None]) / stretch).abs()
    if kernel == "lanczos":
        weights = torch.sinc(x) * torch.sinc(x / 3) * (x < 3)
    elif kernel == "bicubic":
        near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
        weights = torch.where(x < 1, near, torch.where(x < 2, far, torch.zeros_like(x)))
    else:
        near, far = 2 / 3 - x**2 + x**3 / 2, (2 - x).clamp_min(0) ** 3 / 6
        weights = torch.where(x < 1, near, far)
    weights = weights / weights.sum(1, keepdim=True)
    period = 2 * old
    mirrored = places % period
    mirrored = torch.where(mirrored >= old, period - 1 - mirrored, mirrored)
    return torch.zeros(new, old, dtype=torch.float64).scatter_add_(1, mirrored, weights).float()


def resample(x: torch.Tensor, size: tuple[int, int], kernel: str = "lanczos") -> torch.Tensor:
    """Pictures ``(..., H, W)`` at ``size`` (height, width). Sharp kernels may overshoot: clamp afterwards."""
    height, width = x.shape[-2:]
    if (height, width) == size:
        return x
    vertical, horizontal = matrix(height, size[0], kernel).to(x), matrix(width, size[1], kernel).to(x)
    return vertical @ x @ horizontal.T


def fit(x: torch.Tensor, size: tuple[int, int], how: str = "cover", kernel: str = "lanczos") -> torch.Tensor:
    """A picture ``(3, H, W)`` on a frame of ``size`` (height, width), its proportions kept, 0..1.

    ``cover`` fills the frame and crops, ``contain`` leaves black beside it, ``mirror`` continues it in mirror images.
    """
    height, width = size
    if how == "cover":
        scale = max(height / x.shape[1], width / x.shape[2])
    else:
        scale = min(height / x.shape[1], width / x.shape[2])
    inner = (max(1, round(x.shape[1] * scale)), max(1, round(x.shape[2] * scale)))
    x = resample(x, inner, kernel).clamp(0, 1)
    if inner == size:
        return x
    top, left = (inner[0] - height) // 2, (inner[1] - width) // 2
    if how == "cover":
        return x[:, top : top + height, left : left + width]
    if how == "contain":
        return F.pad(x, (-left, width - inner[1] + left, -top, height - inner[0] + top))
    rows, columns = _mirrored(inner[0], height, top, x.device), _mirrored(inner[1], width, left, x.device)
    return x[:, rows][:, :, columns]


def _mirrored(inside: int, outside: int, start: int, device: torch.device) -> torch.Tensor:
    places = (torch.arange(outside, device=device) + start) % (2 * inside)
    return torch.where(places >= inside, 2 * inside - 1 - places, places)
