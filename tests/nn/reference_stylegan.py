"""What StyleGAN2 and StyleGAN3 compute by the papers' definitions, on the modules of ``published_stylegan``.

In float64, one picture at a time, in the slowest and plainest way: filters as sums of shifted pictures, zeros inserted
by hand, weights modulated for each picture. Nothing is shared with the studio's code.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn


def dense(layer: Any, x: torch.Tensor) -> torch.Tensor:
    y = x @ (layer.weight.double() * layer.weight_gain).T + layer.bias.double() * layer.bias_gain
    return torch.where(y < 0, 0.2 * y, y) * np.sqrt(2) if layer.activation == "lrelu" else y


def second_moment(x: torch.Tensor) -> torch.Tensor:
    return x / (x.square().mean(1, keepdim=True) + 1e-8).sqrt()


def mapping(net: Any, z: torch.Tensor, label: int | None = None, psi: float = 1.0) -> torch.Tensor:
    """w ``(N, w)`` under truncation."""
    part = net.mapping
    x = second_moment(z.double())
    if label is not None:
        c = torch.zeros(len(z), part.c_dim, dtype=torch.float64)
        c[:, label] = 1
        x = torch.cat([x, second_moment(dense(part.embed, c))], 1)
    for index in range(part.num_layers):
        x = dense(getattr(part, f"fc{index}"), x)
    return part.w_avg.double() + psi * (x - part.w_avg.double())


def fir(x: torch.Tensor, f: torch.Tensor | None, up: int, down: int, pad: tuple[int, int], gain: float) -> torch.Tensor:
    """The papers' upfirdn, as a sum of shifted pictures."""
    n, c, h, w = x.shape
    y = torch.zeros(n, c, h * up, w * up, dtype=x.dtype)
    y[:, :, ::up, ::up] = x
    size = h * up + sum(pad)
    wide = torch.zeros(n, c, size, size, dtype=x.dtype)
    kept = [i for i in range(h * up) if 0 <= i + pad[0] < size]
    a, b = kept[0], kept[-1] + 1
    wide[:, :, a + pad[0] : b + pad[0], a + pad[0] : b + pad[0]] = y[:, :, a:b, a:b]
    if f is None:
        return wide[:, :, ::down, ::down]
    f, k, left = f.double(), len(f), size - len(f) + 1
    made = torch.zeros(n, c, left, left, dtype=x.dtype)
    if f.ndim == 1:
        rows = sum(f[i] * wide[:, :, k - 1 - i : k - 1 - i + left] for i in range(k))
        made = sum(f[j] * rows[..., k - 1 - j : k - 1 - j + left] for j in range(k))  # type: ignore[index, assignment]
    else:
        for i in range(k):
            for j in range(k):
                made += f[i, j] * wide[:, :, k - 1 - i : k - 1 - i + left, k - 1 - j : k - 1 - j + left]
    return made[:, :, ::down, ::down] * gain


def lrelu(x: torch.Tensor, clamp: float | None) -> torch.Tensor:
    y = torch.where(x < 0, 0.2 * x, x) * np.sqrt(2)
    return y if clamp is None else y.clamp(-clamp, clamp)


def conv2(layer: Any, x: torch.Tensor, w: torch.Tensor, noise: torch.Tensor | None) -> torch.Tensor:
    """One StyleGAN2 layer for one picture: its weights are modulated and demodulated."""
    weight = layer.weight.double() * dense(layer.affine, w[None])[0][None, :, None, None]
    weight = weight / (weight.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
    if layer.up == 2:
        x = nn.functional.conv2d(fir(x, layer.resample_filter, 2, 1, (3, 2), 4.0), weight.flip(2, 3))
    else:
        x = nn.functional.conv2d(x, weight, padding=1)
    if noise is not None:
        x = x + noise.double() * layer.noise_strength.double()
    return lrelu(x + layer.bias.double()[:, None, None], layer.conv_clamp)


def paint2(net: Any, ws: torch.Tensor, noise: str | list[torch.Tensor] = "const") -> torch.Tensor:
    """The picture of W+ ``(layers, w)``; ``noise``: const, none, or a map for each layer."""
    part, place, picture = net.synthesis, 0, None
    x = part.b4.const.double()[None]
    maps = iter(noise) if isinstance(noise, list) else None
    for index in range(int(np.log2(net.img_resolution)) - 1):
        block = getattr(part, f"b{4 << index}")
        for layer in ([block.conv0] if index else []) + [block.conv1]:
            given = layer.noise_const if noise == "const" else None if maps is None else next(maps)
            x = conv2(layer, x, ws[place], given)
            place += 1
        weight = block.torgb.weight.double() * (
            dense(block.torgb.affine, ws[place][None])[0] * block.torgb.weight_gain)[None, :, None, None]
        y = nn.functional.conv2d(x, weight) + block.torgb.bias.double()[:, None, None]
        y = y if block.torgb.conv_clamp is None else y.clamp(-block.torgb.conv_clamp, block.torgb.conv_clamp)
        picture = y if picture is None else fir(picture, block.resample_filter, 2, 1, (2, 1), 4.0) + y
    assert picture is not None
    return picture


def waves(part: Any, w: torch.Tensor) -> torch.Tensor:
    """StyleGAN3's input for one picture, as published: a grid of places times frequencies."""
    t = dense(part.affine, w[None])[0]
    t = t / t[:2].norm()
    turned, moved = torch.eye(3, dtype=torch.float64), torch.eye(3, dtype=torch.float64)
    turned[0, 0], turned[0, 1], turned[1, 0], turned[1, 1] = t[0], -t[1], t[1], t[0]
    moved[0, 2], moved[1, 2] = -t[2], -t[3]
    whole = turned @ moved @ part.transform.double()
    phases = part.phases.double() + part.freqs.double() @ whole[:2, 2]
    freqs = part.freqs.double() @ whole[:2, :2]
    loud = (1 - (freqs.norm(dim=1) - part.bandwidth) / (part.sampling_rate / 2 - part.bandwidth)).clamp(0, 1)
    theta = torch.eye(2, 3, dtype=torch.float64) * 0.5 * float(part.size[0]) / part.sampling_rate
    side = int(part.size[0])
    grid = nn.functional.affine_grid(theta[None], [1, 1, side, side], align_corners=False)[0]
    x = torch.sin((grid @ freqs.T + phases) * 2 * np.pi) * loud
    return (x @ (part.weight.double() / np.sqrt(part.channels)).T).permute(2, 0, 1)[None]


def conv3(layer: Any, x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    """One StyleGAN3 layer for one picture."""
    styles, weight = dense(layer.affine, w[None])[0], layer.weight.double()
    if layer.is_torgb:
        weight = weight * (styles / np.sqrt(layer.in_channels))[None, :, None, None]
    else:
        weight = weight / weight.square().mean((1, 2, 3), keepdim=True).sqrt()
        weight = weight * (styles / styles.square().mean().sqrt())[None, :, None, None]
        weight = weight / (weight.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
    weight = weight / layer.magnitude_ema.double().sqrt()
    x = nn.functional.conv2d(x, weight, padding=layer.conv_kernel - 1) + layer.bias.double()[:, None, None]
    pad = (layer.padding[0], layer.padding[1])
    x = fir(x, layer.up_filter, layer.up_factor, 1, pad, layer.up_factor**2)
    x = x.clamp(-256, 256) if layer.is_torgb else lrelu(x, 256)
    return fir(x, layer.down_filter, 1, layer.down_factor, (0, 0), 1.0)


def paint3(net: Any, ws: torch.Tensor) -> torch.Tensor:
    """The picture of W+ ``(layers, w)``."""
    x = waves(net.synthesis.input, ws[0])
    for name, w in zip(net.synthesis.layer_names, ws[1:], strict=True):
        x = conv3(getattr(net.synthesis, name), x, w)
    return x * net.synthesis.output_scale
