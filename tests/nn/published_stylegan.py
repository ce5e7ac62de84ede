"""Small StyleGAN networks in exactly the published form, and what they compute by the papers' definitions.

The modules have the published names, shapes and attributes and pickle as NVIDIA's ``torch_utils.persistence`` does.
The functions below compute in float64, one picture at a time, in the slowest and plainest way: filters as sums of
shifted pictures, zeros inserted by hand, weights modulated for each picture. Nothing is shared with the studio's code.
"""

from __future__ import annotations

import contextlib
import pickle
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

SOURCE = "raise SystemExit('the source code of a pickle was run')\n"
"""What every persistent object here carries as its module's source."""


class EasyDict(dict):  # type: ignore[type-arg]
    """dnnlib's dictionary with attributes."""


EasyDict.__module__ = "dnnlib.util"


def _reconstruct_persistent_obj(meta: Any) -> Any:
    raise AssertionError("the pickle was unpickled")


_reconstruct_persistent_obj.__module__ = "torch_utils.persistence"


@contextlib.contextmanager
def published_modules() -> Iterator[None]:
    """Modules under the published names, as long as something is being pickled."""
    names = ("dnnlib", "dnnlib.util", "torch_utils", "torch_utils.persistence")
    made = {name: types.ModuleType(name) for name in names}
    made["dnnlib.util"].EasyDict = EasyDict  # type: ignore[attr-defined]
    made["torch_utils.persistence"]._reconstruct_persistent_obj = (  # type: ignore[attr-defined]
        _reconstruct_persistent_obj)
    sys.modules.update(made)
    try:
        yield
    finally:
        for name in made:
            del sys.modules[name]


class Persistent(nn.Module):
    """As ``persistent_class`` makes of a class: the state travels beside the source code of its module."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__()
        self._init_args: tuple[Any, ...] = ()
        self._init_kwargs = EasyDict(kwargs)

    def __reduce__(self) -> Any:
        meta = {"type": "class", "version": 6, "module_src": SOURCE, "class_name": type(self).__name__,
                "state": self.__dict__}
        return _reconstruct_persistent_obj, (meta,), None


def dump(net: nn.Module, path: Path, protocol: int = 4, **more: Any) -> Path:
    """A snapshot as the training scripts write it."""
    with published_modules(), path.open("wb") as file:
        tree = {"G": net, "D": None, "G_ema": net, "augment_pipe": None, "training_set_kwargs": EasyDict(path="x.zip")}
        pickle.dump(tree | more, file, protocol=protocol)
    return path


class FullyConnectedLayer(Persistent):
    def __init__(self, inputs: int, outputs: int, rate: float = 1.0, bias: float = 0.0, act: str = "linear") -> None:
        super().__init__()
        self.activation = act
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = nn.Parameter(torch.full((outputs,), bias) + torch.randn(outputs) * 0.1 / rate)
        self.weight_gain = rate / np.sqrt(inputs)
        self.bias_gain = rate


class MappingNetwork(Persistent):
    def __init__(self, z: int, c: int, w: int, num_ws: int, layers: int) -> None:
        super().__init__()
        self.z_dim, self.c_dim, self.w_dim, self.num_ws = z, c, w, num_ws
        self.num_layers, self.w_avg_beta = layers, 0.995
        if c:
            self.embed = FullyConnectedLayer(c, w)
        widths = [z + (w if c else 0)] + [w] * layers
        for index in range(layers):
            setattr(self, f"fc{index}", FullyConnectedLayer(widths[index], widths[index + 1], 0.01, act="lrelu"))
        self.register_buffer("w_avg", torch.randn(w) * 0.1)


def fir4() -> torch.Tensor:
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    return torch.outer(taps, taps) / 64


class Synthesis2Layer(Persistent):
    def __init__(self, inputs: int, outputs: int, w: int, side: int, up: int, clamp: float | None) -> None:
        super().__init__()
        self.resolution, self.up, self.use_noise, self.activation, self.conv_clamp = side, up, True, "lrelu", clamp
        self.register_buffer("resample_filter", fir4())
        self.padding, self.act_gain = 1, np.sqrt(2)
        self.affine = FullyConnectedLayer(w, inputs, bias=1.0)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.register_buffer("noise_const", torch.randn(side, side))
        self.noise_strength = nn.Parameter(torch.randn(()) * 0.3)
        self.bias = nn.Parameter(torch.randn(outputs) * 0.1)


class ToRGBLayer(Persistent):
    def __init__(self, inputs: int, colours: int, w: int, clamp: float | None) -> None:
        super().__init__()
        self.conv_clamp = clamp
        self.affine = FullyConnectedLayer(w, inputs, bias=1.0)
        self.weight = nn.Parameter(torch.randn(colours, inputs, 1, 1))
        self.bias = nn.Parameter(torch.randn(colours) * 0.1)
        self.weight_gain = 1 / np.sqrt(inputs)


class SynthesisBlock(Persistent):
    def __init__(
        self, inputs: int, outputs: int, w: int, side: int, colours: int, clamp: float | None, form: str
    ) -> None:
        super().__init__()
        self.in_channels, self.w_dim, self.resolution, self.architecture = inputs, w, side, form
        self.register_buffer("resample_filter", fir4())
        if inputs:
            self.conv0 = Synthesis2Layer(inputs, outputs, w, side, 2, clamp)
        else:
            self.const = nn.Parameter(torch.randn(outputs, side, side))
        self.conv1 = Synthesis2Layer(outputs, outputs, w, side, 1, clamp)
        self.torgb = ToRGBLayer(outputs, colours, w, clamp)


class Synthesis2Network(Persistent):
    def __init__(self, w: int, size: int, colours: int, widths: list[int], clamp: float | None, form: str) -> None:
        super().__init__(channel_base=64, channel_max=8)
        self.w_dim, self.img_resolution, self.img_channels = w, size, colours
        self.num_ws = 2 * len(widths)
        for index, width in enumerate(widths):
            block = SynthesisBlock(widths[index - 1] if index else 0, width, w, 4 << index, colours, clamp, form)
            setattr(self, f"b{4 << index}", block)


class Generator(Persistent):
    def __init__(
        self, z: int, c: int, w: int, size: int, colours: int, synthesis: nn.Module, layers: int, **kw: Any
    ) -> None:
        super().__init__(z_dim=z, c_dim=c, w_dim=w, img_resolution=size, img_channels=colours, **kw)
        self.z_dim, self.c_dim, self.w_dim, self.img_resolution, self.img_channels = z, c, w, size, colours
        self.synthesis = synthesis
        self.num_ws = synthesis.num_ws
        self.mapping = MappingNetwork(z, c, w, int(self.num_ws), layers)


def stylegan2(
    *, z: int = 12, w: int = 16, labels: int = 0, size: int = 16, colours: int = 3, clamp: float | None = 256.0,
    form: str = "skip", seed: int = 0,
) -> Generator:
    """A StyleGAN2-ADA generator with random weights."""
    torch.manual_seed(seed)
    widths = [8, 8, 6, 4, 4][: int(np.log2(size)) - 1]
    net = Generator(z, labels, w, size, colours, Synthesis2Network(w, size, colours, widths, clamp, form), 3,
                    mapping_kwargs=EasyDict(num_layers=3), synthesis_kwargs=EasyDict(channel_base=64, conv_clamp=clamp))
    return net.eval().requires_grad_(False)  # type: ignore[return-value]


# --- StyleGAN3 ---


def kaiser(taps: int, cutoff: float, width: float, rate: float, *, radial: bool = False) -> torch.Tensor | None:
    """The low-pass filter of section 3 of the paper: sinc or jinc, times a Kaiser window."""
    if taps == 1:
        return None
    loss = 2.285 * (taps - 1) * np.pi * (width / (rate / 2)) + 7.95
    low = 0.5842 * (loss - 21) ** 0.4 + 0.07886 * (loss - 21) if loss > 21 else 0.0
    beta = 0.1102 * (loss - 8.7) if loss > 50 else low
    window = np.kaiser(taps, beta)
    x = (np.arange(taps) - (taps - 1) / 2) / rate
    if not radial:
        f = np.sinc(2 * cutoff * x) * window
        return torch.as_tensor(f / f.sum(), dtype=torch.float32)
    r = np.hypot(*np.meshgrid(x, x))
    t = np.linspace(0, np.pi, 20_001)[:, None]
    bessel = np.trapezoid(np.cos(t - 2 * np.pi * cutoff * r.reshape(1, -1) * np.sin(t)), t, axis=0) / np.pi
    f = bessel.reshape(r.shape) / (np.pi * r) * np.outer(window, window)
    return torch.as_tensor(f / f.sum(), dtype=torch.float32)


class SynthesisInput(Persistent):
    def __init__(self, w: int, channels: int, size: int, rate: Any, band: Any) -> None:
        super().__init__()
        self.w_dim, self.channels, self.size = w, channels, np.broadcast_to(np.asarray(size), [2])
        self.sampling_rate, self.bandwidth = rate, band
        freqs = torch.randn(channels, 2)
        radii = freqs.square().sum(1, keepdim=True).sqrt()
        freqs = freqs / (radii * radii.square().exp().pow(0.25)) * float(band)
        self.weight = nn.Parameter(torch.randn(channels, channels))
        self.affine = FullyConnectedLayer(w, 4)
        self.affine.bias.data += torch.tensor([1.0, 0, 0, 0])
        self.register_buffer("transform", torch.eye(3, 3))
        self.register_buffer("freqs", freqs)
        self.register_buffer("phases", torch.rand(channels) - 0.5)


class SynthesisLayer(Persistent):
    def __init__(
        self, w: int, last: bool, critical: bool, shape: tuple[int, ...], rates: Any, cutoffs: Any, halves: Any,
        kernel: int, radial: bool,
    ) -> None:
        super().__init__()
        inputs, outputs, in_size, out_size = shape
        self.w_dim, self.is_torgb, self.in_channels, self.out_channels = w, last, inputs, outputs
        self.in_size = np.broadcast_to(np.asarray(in_size), [2])
        self.out_size = np.broadcast_to(np.asarray(out_size), [2])
        self.tmp_sampling_rate = max(rates) * (1 if last else 2)
        self.conv_kernel, self.conv_clamp = 1 if last else kernel, 256
        self.affine = FullyConnectedLayer(w, inputs, bias=1.0)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, self.conv_kernel, self.conv_kernel))
        self.bias = nn.Parameter(torch.randn(outputs) * 0.1)
        self.register_buffer("magnitude_ema", torch.rand(()) + 0.5)
        self.up_factor, self.down_factor = (int(np.rint(self.tmp_sampling_rate / rate)) for rate in rates)
        up = 6 * self.up_factor if self.up_factor > 1 and not last else 1
        down = 6 * self.down_factor if self.down_factor > 1 and not last else 1
        fs = self.tmp_sampling_rate
        self.register_buffer("up_filter", kaiser(up, cutoffs[0], halves[0] * 2, fs))
        self.register_buffer("down_filter", kaiser(down, cutoffs[1], halves[1] * 2, fs, radial=radial and not critical))
        total = (self.out_size - 1) * self.down_factor + 1 - (self.in_size + self.conv_kernel - 1) * self.up_factor
        total = total + up + down - 2
        low = (total + self.up_factor) // 2
        self.padding = [int(low[0]), int((total - low)[0])] * 2


class SynthesisNetwork(Persistent):
    def __init__(
        self, w: int, size: int, colours: int, layers: int, base: int, most: int, kernel: int, radial: bool
    ) -> None:
        super().__init__(num_layers=layers, channel_base=base, channel_max=most, conv_kernel=kernel,
                         use_radial_filters=radial)
        self.w_dim, self.num_ws, self.img_resolution = w, layers + 2, size
        self.num_layers, self.num_critical = layers, 2
        self.margin_size, self.output_scale, self.num_fp16_res = 10, 0.25, 4
        last = size / 2
        way = np.minimum(np.arange(layers + 1) / (layers - 2), 1)
        cutoffs = 2 * (last / 2) ** way
        stops = 2**2.1 * (last * 2**0.3 / 2**2.1) ** way
        rates = np.exp2(np.ceil(np.log2(np.minimum(stops * 2, size))))
        halves = np.maximum(stops, rates / 2) - cutoffs
        sizes = rates + 20
        sizes[-2:] = size
        channels = np.rint(np.minimum((base / 2) / cutoffs, most))
        channels[-1] = colours
        self.input = SynthesisInput(w, int(channels[0]), int(sizes[0]), rates[0], cutoffs[0])
        self.layer_names = []
        for i in range(layers + 1):
            p = max(i - 1, 0)
            shape = (int(channels[p]), int(channels[i]), int(sizes[p]), int(sizes[i]))
            layer = SynthesisLayer(w, i == layers, i >= layers - 2, shape, (int(rates[p]), int(rates[i])),
                                   (cutoffs[p], cutoffs[i]), (halves[p], halves[i]), kernel, radial)
            self.layer_names.append(f"L{i}_{layer.out_size[0]}_{layer.out_channels}")
            setattr(self, self.layer_names[-1], layer)


def stylegan3(
    *, radial: bool = False, size: int = 16, labels: int = 0, layers: int = 5, base: int = 64, seed: int = 0
) -> Generator:
    """A StyleGAN3 generator with random weights: T, or R with ``radial`` filters and 1x1 convolutions."""
    torch.manual_seed(seed)
    arguments = {"num_layers": layers, "channel_base": base, "channel_max": 8, "conv_kernel": 1 if radial else 3,
                 "use_radial_filters": radial}
    synthesis = SynthesisNetwork(16, size, 3, layers, base, 8, 1 if radial else 3, radial)
    net = Generator(16, labels, 16, size, 3, synthesis, 2, mapping_kwargs=EasyDict(), magnitude_ema_beta=0.999,
                    **arguments)
    return net.eval().requires_grad_(False)  # type: ignore[return-value]


# --- what they compute ---


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
