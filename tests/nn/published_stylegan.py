"""Small StyleGAN networks in exactly the published form: names, shapes and attributes, and pickles as NVIDIA's
``torch_utils.persistence`` writes them. Nothing is shared with the studio's code. What they compute:
``reference_stylegan``.
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
