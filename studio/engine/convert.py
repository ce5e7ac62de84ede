"""Media between two stages and at the end of a chain: in the form that the next one wants, checked."""

from __future__ import annotations

from typing import Any

import numpy as np

from studio.generator import Context
from studio.media import Audio, Frame, MediaError, Notes, check_audio, check_notes, is_tensor, to_float, to_frame

Media = Frame | Notes | str | Audio


def to_input(value: Any, wants: str, ctx: Context) -> Any:
    """A picture in the form a generator ``wants``: ``"array"`` float32 ``(height, width, 3)`` or ``"tensor"`` float
    ``(3, height, width)`` of ``ctx.dtype`` on ``ctx.device``, both 0..1. Raises MediaError for NaN or a wrong shape."""
    if value is None:
        return None
    if wants == "array":
        return _to_array(value)
    import torch

    if not is_tensor(value):
        frame = value if isinstance(value, np.ndarray) and value.dtype == np.uint8 and value.ndim == 3 else None
        if frame is None or frame.shape[2] != 3:
            tensor = torch.from_numpy(_to_array(value)).to(ctx.device)
        else:  # a quarter of the bytes travel
            tensor = torch.from_numpy(np.ascontiguousarray(frame)).to(ctx.device)
        value = tensor.permute(2, 0, 1)
    value = _picture(value.detach()).to(ctx.device)
    if value.dtype == torch.uint8:
        return value.to(ctx.dtype).div_(255.0)
    _finite(*value.aminmax())
    return value.to(ctx.dtype).clamp(0.0, 1.0)


def _to_array(value: Any) -> Any:
    if is_tensor(value):
        value = _picture(value.detach())
        if value.is_floating_point():
            value = value.float().cpu().permute(1, 2, 0).numpy()
        else:
            value = to_frame(value)
    if isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size:
        if value.ndim == 2:
            value = np.repeat(value[:, :, None], 3, axis=2)
        _finite(value.min(), value.max())
        if value.ndim == 3 and value.shape[2] == 3:
            return np.ascontiguousarray(np.clip(value, 0.0, 1.0), np.float32)
    return to_float(value)


def _picture(tensor: Any) -> Any:
    if tensor.ndim == 4 and tensor.shape[0] == 1:
        tensor = tensor[0]
    if tensor.ndim != 3 or tensor.shape[0] not in (1, 3) or 0 in tensor.shape:
        raise MediaError(f"an image tensor must have the shape (3, height, width), this one has {tuple(tensor.shape)}")
    return tensor.expand(3, -1, -1) if tensor.shape[0] == 1 else tensor


def _finite(low: Any, high: Any) -> None:
    if not (np.isfinite(float(low)) and np.isfinite(float(high))):
        raise MediaError("the image contains NaN or infinity")


def host(value: Any, kind: str) -> Media:
    """Media for the host: a picture becomes ``uint8 (height, width, 3)``; the rest is checked. Raises MediaError."""
    if kind == "image":
        return to_frame(value)
    if kind == "notes":
        return check_notes(value)
    if kind == "audio":
        return check_audio(value)
    if not isinstance(value, str):
        raise MediaError(f"a text generator returned {type(value).__name__}; it must return str")
    return value
