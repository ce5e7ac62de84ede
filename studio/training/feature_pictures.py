"""Pictures for distilling feature networks: read from a folder, cropped at random, their colours jittered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from studio.media import MAX_PIXELS
from studio.training.loop import TrainingError

PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}


def crop(pictures: list[torch.Tensor], side: int, rng: np.random.Generator) -> torch.Tensor:
    """A random part of a random picture as ``(3, side, side)`` in 0..1, perhaps mirrored, with colour jitter."""
    picture = pictures[int(rng.integers(len(pictures)))]
    smaller = min(picture.shape[1:])
    size = int(min(smaller, max(48, smaller * rng.uniform(0.45, 1.0))))
    top, left = (int(rng.integers(extent - size + 1)) for extent in picture.shape[1:])
    x = picture[:, top : top + size, left : left + size].float()[None] / 255
    x = F.interpolate(x, (side, side), mode="bilinear", antialias=size > side)[0]
    if rng.random() < 0.5:
        x = x.flip(2)
    return jitter(x, rng)


def jitter(x: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Contrast, saturation, brightness and cast of ``(3, H, W)``; now and then noise of some coarseness on top."""
    gain, shift = rng.uniform(0.7, 1.4), rng.uniform(-0.12, 0.12)
    grey = x.mean(0, keepdim=True)
    x = grey + (x - grey) * rng.uniform(0.5, 1.6)
    cast = torch.tensor(rng.uniform(-0.05, 0.05, (3, 1, 1)), dtype=x.dtype)
    x = (x - x.mean()) * gain + x.mean() + shift + cast
    luck = rng.random()
    if luck < 0.2:
        coarse = int(rng.choice([1, 1, 2, 4, 8, 16]))
        side = max(2, x.shape[1] // coarse)
        noise = torch.tensor(rng.standard_normal((1, 3, side, side)), dtype=x.dtype)
        noise = F.interpolate(noise, x.shape[1:], mode="bilinear", align_corners=False)[0]
        x = x * rng.uniform(0.0, 1.0) if luck < 0.04 else x
        x = x + noise * rng.uniform(0.02, 0.25)
    return x.clamp(0, 1)


def read_pictures(folder: Path, most: int, rng: np.random.Generator) -> tuple[list[torch.Tensor], int]:
    """Pictures below ``folder`` as uint8 ``(3, H, W)``, at most 256 pixels on the shorter side, in random order."""
    from PIL import Image, UnidentifiedImageError

    if not folder.is_dir():
        raise TrainingError(f"{folder} is not a folder; give a folder of pictures")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURES)
    chosen = [paths[index] for index in rng.permutation(len(paths))[:most]]
    pictures, skipped = [], 0
    for path in chosen:
        try:
            with Image.open(path) as image:
                if image.width * image.height > MAX_PIXELS or min(image.size) < 64:
                    raise ValueError("size")
                image.draft("RGB", (256, 256))
                ratio = 256 / min(image.size)
                picture = image.convert("RGB")
                if ratio < 1:
                    picture = picture.resize((round(picture.width * ratio), round(picture.height * ratio)))
                pictures.append(torch.from_numpy(np.array(picture)).permute(2, 0, 1).contiguous())
        except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError):
            skipped += 1
    return pictures, skipped
