"""Image-to-image translation with conditional adversarial networks (pix2pix, Isola, Zhu, Zhou, Efros 2017).

``UNet`` is the paper's generator (section 6.1.1): C64-C128-C256-C512-C512-C512-C512-C512 down by strided 4x4
convolutions, and back up with a skip connection at every size. ``LightUNet`` has the same plan for live use on a CPU:
fewer channels, and resize-convolutions on the way up (Odena et al. 2016: no checkerboard). ``PatchDiscriminator``
judges 70x70 patches of map and picture together (section 6.1.2).

Pictures and maps are ``(batch, 3, height, width)`` in -1..1.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from studio.files import short_path
from studio.nn.weights import WeightsError, load_into, load_model

ARCHITECTURE = "pix2pix"
NETWORKS = ("light", "paper")


@dataclass(frozen=True)
class Pix2PixConfig:
    """``network`` is light or paper; ``width`` the channels of the first level (paper: 64), ``levels`` how often the
    size is halved (paper: 8, which needs 256 pixels). ``source`` is the map it learned from, a kind of ``maps`` or
    ``pairs``; ``size`` the pixels per side at which it learned."""

    network: str = "light"
    width: int = 24
    levels: int = 6
    dropout: float = 0.0
    source: str = "lines"
    size: int = 128

    def __post_init__(self) -> None:
        if self.network not in NETWORKS:
            raise ValueError(f"network: {self.network!r} is not light or paper")
        for name, (least, most) in {"width": (4, 256), "levels": (3, 10), "size": (16, 4096)}.items():
            value = getattr(self, name)
            if type(value) is not int or not least <= value <= most:
                raise ValueError(f"{name}: {value!r} is not a whole number from {least} to {most}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout: {self.dropout!r} is not from 0 to below 1")

    @property
    def multiple(self) -> int:
        """Height and width of what the network sees must be multiples of this."""
        return 1 << self.levels

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, tree: dict[str, Any]) -> Pix2PixConfig:
        """Back from JSON. Raises KeyError, TypeError or ValueError."""
        return cls(**{field.name: tree[field.name] for field in fields(cls)})


def _widths(config: Pix2PixConfig, most: int) -> list[int]:
    return [min(most, config.width << level) for level in range(config.levels)]


class UNet(nn.Module):
    """The generator of the paper: 54.4 million weights at its own width and levels."""

    def __init__(self, config: Pix2PixConfig) -> None:
        super().__init__()
        self.config = config
        widths = _widths(config, 8 * config.width)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for level, width in enumerate(widths):
            first, last = level == 0, level == config.levels - 1
            # no normalisation at the first level (the paper) nor the last (1x1 pixels would all become zero)
            plain = first or last
            inputs = 3 if first else widths[level - 1]
            self.down.append(_block(nn.Conv2d(inputs, width, 4, 2, 1, bias=False), 0 if plain else width,
                                    None if first else nn.LeakyReLU(0.2)))
        for level in reversed(range(config.levels)):
            inputs = widths[level] if level == config.levels - 1 else 2 * widths[level]
            outputs = widths[level - 1] if level else 3
            dropout = config.dropout if config.levels - 4 <= level < config.levels - 1 else 0.0
            self.up.append(_block(nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=not level),
                                  outputs if level else 0, nn.ReLU(), dropout))
        self.apply(_begin)

    def forward(self, x: Tensor) -> Tensor:
        return _through(self.down, self.up, x)


class LightUNet(nn.Module):
    """The same plan with about 1.3 million weights at width 24, for pictures live on one core."""

    def __init__(self, config: Pix2PixConfig) -> None:
        super().__init__()
        self.config = config
        widths = _widths(config, 5 * config.width)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for level, width in enumerate(widths):
            inputs = widths[level - 1] if level else 3
            self.down.append(_block(nn.Conv2d(inputs, width, 4, 2, 1, bias=not level), width if level else 0,
                                    nn.LeakyReLU(0.2) if level else None))
        for level in reversed(range(config.levels)):
            inputs = widths[level] * (1 if level == config.levels - 1 else 2)
            outputs = widths[level - 1] if level else 3
            dropout = config.dropout if config.levels - 4 <= level < config.levels - 1 else 0.0
            resize = nn.Upsample(scale_factor=2, mode="nearest")
            convolution = nn.Sequential(resize, nn.Conv2d(inputs, outputs, 3, 1, 1, bias=not level))
            self.up.append(_block(convolution, outputs if level else 0, nn.ReLU(), dropout))
        self.apply(_begin)

    def forward(self, x: Tensor) -> Tensor:
        return _through(self.down, self.up, x)


def _through(down: nn.ModuleList, up: nn.ModuleList, x: Tensor) -> Tensor:
    kept: list[Tensor] = []
    for block in down:
        x = block(x)
        kept.append(x)
    x = up[0](kept.pop())
    for block in up[1:]:
        x = block(torch.cat([x, kept.pop()], 1))
    return torch.tanh(x.float())


def _block(convolution: nn.Module, normed: int, activation: nn.Module | None, dropout: float = 0.0) -> nn.Sequential:
    """Activation, convolution, batch normalisation of ``normed`` channels, dropout: each where there is one."""
    parts: list[nn.Module] = [] if activation is None else [activation]
    parts.append(convolution)
    if normed:
        parts.append(nn.BatchNorm2d(normed))
    if dropout:
        parts.append(nn.Dropout(dropout))
    return nn.Sequential(*parts)


def _begin(module: nn.Module) -> None:
    """The paper's first weights: Gaussian, deviation 0.02."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)


class PatchDiscriminator(nn.Module):
    """C64-C128-C256-C512: each number of the result ``(batch, 1, rows, columns)``, before its sigmoid, judges a patch
    of 70x70 pixels. 2.77 million weights at the paper's ``width``."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(6, width, 4, 2, 1), nn.LeakyReLU(0.2)]
        for inputs, outputs, stride in ((1, 2, 2), (2, 4, 2), (4, 8, 1)):
            layers += [nn.Conv2d(inputs * width, outputs * width, 4, stride, 1, bias=False),
                       nn.BatchNorm2d(outputs * width), nn.LeakyReLU(0.2)]
        self.body = nn.Sequential(*layers, nn.Conv2d(8 * width, 1, 4, 1, 1))
        self.apply(_begin)

    def forward(self, drawn: Tensor, picture: Tensor) -> Tensor:
        """``drawn``: the map, ``picture``: real or made from it."""
        return self.body(torch.cat([drawn, picture], 1))  # type: ignore[no-any-return]


def make_net(config: Pix2PixConfig) -> UNet | LightUNet:
    """A new network of this shape."""
    return UNet(config) if config.network == "paper" else LightUNet(config)


def fit_to(size: int, shape: tuple[int, int], multiple: int) -> tuple[int, int]:
    """Height and width near ``size`` on the longer side, in the proportions of ``shape``, both multiples."""
    factor = size / max(shape)
    height, width = (max(multiple, round(side * factor / multiple) * multiple) for side in shape)
    return height, width


def load_pix2pix(path: Path, device: str = "cpu", dtype: torch.dtype = torch.float32) -> UNet | LightUNet:
    """A trained network, frozen, for inference: its normalisations are folded into the convolutions before them.

    Raises WeightsError with a sentence.
    """
    model = load_model(path, ARCHITECTURE)
    try:
        net = make_net(Pix2PixConfig.from_dict(model.config))
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{short_path(path)} has no usable network shape ({error}); train it again") from None
    load_into(net, model)
    net.eval().requires_grad_(False)
    for block in (*net.down, *net.up):
        _fold(block)
    return net.to(device, dtype).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _fold(block: nn.Module) -> None:
    """Put a batch normalisation's scale and shift into its convolution: the same result with less to compute."""
    assert isinstance(block, nn.Sequential)
    norms = [(index, part) for index, part in enumerate(block) if isinstance(part, nn.BatchNorm2d)]
    for index, norm in norms:
        found = block[index - 1]
        convolution = found[1] if isinstance(found, nn.Sequential) else found
        assert isinstance(convolution, (nn.Conv2d, nn.ConvTranspose2d))
        assert norm.running_mean is not None and norm.running_var is not None
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        outputs_at = 1 if isinstance(convolution, nn.ConvTranspose2d) else 0
        shape = [1] * 4
        shape[outputs_at] = -1
        convolution.weight.data *= scale.view(shape)
        shift = norm.bias - norm.running_mean * scale
        convolution.bias = nn.Parameter(shift, requires_grad=False)
        block[index] = nn.Identity()


def adversarial(scores: Tensor, real: bool) -> Tensor:
    """The paper's GAN loss: cross entropy of patch scores with one answer for all."""
    return F.binary_cross_entropy_with_logits(scores, torch.full_like(scores, 1.0 if real else 0.0))
