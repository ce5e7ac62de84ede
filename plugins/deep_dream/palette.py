"""Palettes: the colour statistics that a dream is held to, so that hours of it neither darken nor turn grey."""

from __future__ import annotations

import torch

from studio.nn.imaging import statistics

PALETTES: dict[str, tuple[tuple[str, float], ...]] = {
    "ember": (("#120608", 3), ("#5b1512", 2), ("#c8461c", 2), ("#f3a442", 1.5), ("#ffe9bd", 0.8), ("#27505f", 0.7)),
    "lagoon": (("#04141f", 2.5), ("#0c4a60", 2), ("#1f9a94", 2), ("#9fe0c0", 1.2), ("#fff2d0", 0.8), ("#d9704a", 0.6)),
    "moss": (("#0d130b", 2.5), ("#31451f", 2.2), ("#7c8f3a", 2), ("#d8cf86", 1.3), ("#f7f0d8", 0.7), ("#8a3b2a", 0.6)),
    "dusk": (
        ("#0d0a1f", 2.5), ("#3a2560", 2.2), ("#8f4a8c", 1.8), ("#f08a78", 1.4), ("#ffe0b0", 0.9), ("#2f7f9a", 0.7),
    ),
    "gold": (("#0f0b07", 2.8), ("#4a2f14", 2), ("#a8741f", 2), ("#e9c469", 1.5), ("#fff6dc", 0.9), ("#22454f", 0.8)),
    "orchid": (("#150a14", 2), ("#5c1f4f", 2), ("#c04c8e", 1.8), ("#f5a6bd", 1.3), ("#f6f1e4", 1), ("#3d8f6d", 0.9)),
    "silver": (("#08090a", 2.5), ("#33383c", 2), ("#7d8387", 2), ("#c9cccb", 1.5), ("#fbfaf5", 1)),
    "photo": (
        ("#10130f", 2.2), ("#3c4636", 1.6), ("#86735a", 1.8), ("#7fa3bf", 1.6), ("#d9d2c0", 1.4), ("#b0503a", 0.6),
    ),
}
"""Colours with the share each has of the picture."""

LUMA = (0.299, 0.587, 0.114)


def named(palette: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean ``(3,)`` and covariance ``(3, 3)`` of a palette's colours."""
    colours = torch.tensor([[int(text[k : k + 2], 16) / 255 for k in (1, 3, 5)] for text, _ in PALETTES[palette]])
    shares = torch.tensor([share for _, share in PALETTES[palette]])
    shares = shares / shares.sum()
    mean = shares @ colours
    centred = colours - mean
    return mean, 0.5 * centred.T @ (centred * shares[:, None])  # half: a dream's light and dark lie apart from the mean


def of_picture(picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and covariance of a picture ``(1, 3, H, W)``; a flat one is given some contrast to dream in."""
    mean, covariance = statistics(picture)
    spread = float(covariance.trace() / 3) ** 0.5
    if spread < 0.16:
        # grey contrast on top: what the picture's colours are is kept, and there is light and dark to draw with
        covariance = covariance + (0.16**2 - spread**2) * torch.ones(3, 3, device=covariance.device)
    return mean, covariance


def adjust(
    mean: torch.Tensor, covariance: torch.Tensor, brightness: float, contrast: float, saturation: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """The same palette brighter (added 0..1 value), with more contrast and more colour (factors)."""
    grey = torch.tensor(LUMA, device=mean.device).expand(3, 3)
    change = grey + saturation * (torch.eye(3, device=mean.device) - grey)
    return (change @ mean + brightness).clamp(0.02, 0.98), contrast**2 * change @ covariance @ change.T
