"""Folders of pictures as arrays, and sheets of generated ones, for the recipes that learn from pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps

from studio.files import FileError
from studio.picture import ENDINGS, read_image
from studio.training.loop import TrainingError


def read_pictures(folder: Path, size: int) -> tuple[NDArray[np.uint8], dict[str, Any]]:
    """All pictures below ``folder`` as ``uint8 (N, 3, size, size)`` (central square, resampled), and a report.

    Files that cannot be read are skipped and counted with their reasons. Raises TrainingError when none is left.
    """
    if not folder.is_dir():
        raise TrainingError(f"{folder} is not a folder of pictures; give the folder that holds them")
    pictures: list[NDArray[np.uint8]] = []
    skipped: list[str] = []
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS and path.is_file()):
        try:
            frame = read_image(path)
        except FileError as error:
            skipped.append(str(error))
            continue
        square = ImageOps.fit(Image.fromarray(frame), (size, size), Image.Resampling.LANCZOS)
        pictures.append(np.asarray(square, np.uint8).transpose(2, 0, 1))
    if not pictures:
        reason = f"; the first of {len(skipped)} faults: {skipped[0]}" if skipped else ""
        raise TrainingError(f"{folder} holds no picture that can be read{reason}")
    return np.stack(pictures), {"pictures": len(pictures), "skipped": len(skipped), "skipped_first": skipped[:10]}


def save_sheet(path: Path, pictures: torch.Tensor, columns: int, gap: int = 2) -> None:
    """Write pictures ``(N, 3, H, W)`` in -1..1 as one PNG of ``columns`` columns on black."""
    count, _, height, width = pictures.shape
    rows = -(-count // columns)
    sheet = np.zeros((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), np.uint8)
    frames = ((pictures.float().clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    for index, frame in enumerate(frames):
        top, left = index // columns * (height + gap), index % columns * (width + gap)
        sheet[top : top + height, left : left + width] = frame
    Image.fromarray(sheet).save(path)
