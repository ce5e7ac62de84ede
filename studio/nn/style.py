"""Feed-forward style transfer: one small network, a style is one row of scales and shifts.

The network follows Johnson et al. (2016) with the conditional instance normalisation of Dumoulin et al. (2017),
arranged for speed: the picture is folded 4x4 into channels (pixel unshuffle), the residual trunk works at an eighth of
its size, and the way back up is two resize-convolutions and a pixel shuffle, so that no convolution runs at full size;
the half-size stage sees the picture's own pixels again, for crisp edges.
The last row of the table is the *plain* style, trained to give the picture back: mixing it in is the strength control.
A row may also come from a network that reads it off any picture (studio/nn/style_reader.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from studio.nn.weights import WeightsError, load_model

ARCHITECTURE = "style_net"
MULTIPLE = 8
"""Height and width of what the network sees must be multiples of this (the trunk works at an eighth)."""
EPSILON = 1e-5
READER = "reader."
"""What the names of a reader's tensors begin with, in the file of the network whose rows it makes."""
MAX_PARAMETERS = 2_000_000


class StyleNet(nn.Module):
    """Pictures ``(N, 3, H, W)`` in 0..1 to pictures of the same shape, by a mix of ``styles`` (not clamped).

    ``stem`` and ``trunk`` are channel counts at a quarter and an eighth of the size (half of ``stem`` at a half of it),
    ``blocks`` the number of residual convolutions in the trunk.
    """

    def __init__(self, styles: Sequence[str], stem: int = 48, trunk: int = 128, blocks: int = 5) -> None:
        super().__init__()
        self.styles, self.stem, self.trunk, self.blocks = tuple(styles), stem, trunk, blocks
        shapes = [(48, stem), (stem, trunk), *[(trunk, trunk)] * blocks, (trunk, stem), (stem + 12, stem // 2)]
        # no bias: the normalisation after each convolution would take it away again
        self.convolutions = nn.ModuleList(
            nn.Conv2d(inputs, outputs, 3, 2 if index == 1 else 1, bias=False)
            for index, (inputs, outputs) in enumerate(shapes)
        )
        self.head = nn.Conv2d(stem // 2, 12, 3)
        self.channels = [o for _, o in shapes]
        rows = len(self.styles) + 1
        self.gamma = nn.Parameter(torch.ones(rows, sum(self.channels)))
        self.beta = nn.Parameter(torch.zeros(rows, sum(self.channels)))
        # starting a little from the picture itself saves the network from learning to draw it first
        self.keep = nn.Parameter(torch.cat([torch.full((rows - 1,), 0.2), torch.ones(1)])[:, None])
        for convolution in self.convolutions:
            nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")  # type: ignore[arg-type]
        # the four pixels of a 2x2 block start alike (ICNR, Aitken et al. 2017): no checkerboard to unlearn
        with torch.no_grad():
            self.head.weight.copy_(torch.randn(3, stem // 2, 3, 3).mul(0.01).repeat_interleave(4, 0))
        nn.init.constant_(self.head.bias, 0.0)  # type: ignore[arg-type]

    @property
    def config(self) -> dict[str, Any]:
        """What a model file needs beside the tensors."""
        return {"styles": list(self.styles), "stem": self.stem, "trunk": self.trunk, "blocks": self.blocks}

    @property
    def width(self) -> int:
        """Numbers in a row: scale and shift of every channel, and how much of the picture itself is kept."""
        return 2 * sum(self.channels) + 1

    def table(self) -> Tensor:
        """All rows ``(rows, width)``; the last is the plain one."""
        return torch.cat([self.gamma, self.beta, self.keep], 1)

    def forward(self, x: Tensor, mix: Tensor) -> Tensor:
        """``mix (N, rows)`` are the shares of each style (the last is plain); each row of it sums to 1."""
        return self.paint(x, mix @ self.table())

    def paint(self, x: Tensor, rows: Tensor) -> Tensor:
        """Pictures with a row ``(N, width)`` for each."""
        whole, channels = sum(self.channels), self.channels
        gamma, beta, keep = torch.split(rows, [whole, whole, 1], 1)
        table = list(zip(torch.split(gamma, channels, 1), torch.split(beta, channels, 1), strict=True))

        def layer(index: int, value: Tensor) -> Tensor:
            value = self.convolutions[index](F.pad(value, (1, 1, 1, 1), mode="reflect"))
            gamma, beta = table[index]
            value = F.instance_norm(value.float(), eps=EPSILON)
            return F.relu(value * gamma[:, :, None, None] + beta[:, :, None, None])

        half = F.pixel_unshuffle(x - 0.5, 2)
        skip = layer(0, F.pixel_unshuffle(half, 2).contiguous(memory_format=torch.channels_last))
        value = layer(1, skip)
        for index in range(2, 2 + self.blocks):
            value = value + layer(index, value)
        value = F.interpolate(value, scale_factor=2.0, mode="nearest")
        value = layer(self.blocks + 2, value) + skip
        value = torch.cat([F.interpolate(value, scale_factor=2.0, mode="nearest"), half], 1)
        value = layer(self.blocks + 3, value)
        value = self.head(F.pad(value, (1, 1, 1, 1), mode="reflect"))
        return smooth(F.pixel_shuffle(value.float(), 2)) + 0.5 + keep[:, :, None, None] * (x - 0.5)


def smooth(picture: Tensor) -> Tensor:
    """Mean over 2x2 pixels: takes exactly the checkerboard away that a pixel shuffle can leave."""
    return F.avg_pool2d(F.pad(picture, (0, 1, 0, 1), mode="replicate"), 2, 1)


class Stylist:
    """A StyleNet made ready for a stream of pictures: half precision where that is fast, remembered statistics.

    Plain instance normalisation takes its statistics from each frame alone: something that enters at the left changes
    the brightness at the far right, and camera noise makes the whole picture flicker. Here the statistics are a moving
    average over frames, whose ``memory`` (share kept per frame, 0..1) may be changed at any time; 1 holds them.
    """

    def __init__(self, net: StyleNet, *, device: str = "cpu", dtype: torch.dtype = torch.float32) -> None:
        self.styles, self.device, self.dtype = net.styles, device, dtype
        self.memory, self.every = 0.0, 1
        self._pictures = 0
        self._blocks, self._channels = net.blocks, net.channels

        def ready(tensor: Tensor) -> Tensor:
            return tensor.detach().to(device, dtype).contiguous(memory_format=torch.channels_last)

        self._weights = [ready(layer.get_parameter("weight")) for layer in net.convolutions]
        self._head = (ready(net.head.weight), net.head.get_parameter("bias").detach().to(device, dtype))
        table = net.table().detach().to(device)
        self._rows = dict(zip(net.styles, table, strict=False))
        self._plain = table[-1]
        self._statistics: list[tuple[Tensor, Tensor]] = []
        self.mix(dict.fromkeys(net.styles[:1], 1.0))

    def mix(self, shares: Mapping[str, float]) -> None:
        """Share of each style by name; what is missing to 1 is the plain picture, and more than 1 exaggerates.

        Raises KeyError for a name that is not in ``styles``.
        """
        rows = [self._rows[name] if name in self._rows else _unknown(name, list(self._rows)) for name in shares]
        parts = list(shares.values())
        vector = torch.tensor([[*parts, 1.0 - sum(parts)]], dtype=torch.float32, device=self.device)
        # exact also inside an autocast: the statistics take their precision from these and outlive the autocast
        with torch.autocast(vector.device.type, enabled=False):
            row = (vector @ torch.stack([*rows, self._plain]))[0]
        whole = sum(self._channels)
        tables = (torch.split(table, self._channels) for table in (row[:whole], row[whole:-1]))
        self._affine = list(zip(*tables, strict=True))
        self._keep = float(row[-1])

    def take(self, name: str, row: Tensor | None) -> None:
        """Add a style by its row ``(width,)``, or forget one that was added so. ``styles`` themselves stay."""
        if name in self.styles:
            raise ValueError(f"{name!r} is a style of the model itself")
        if row is None:
            self._rows.pop(name, None)
        else:
            self._rows[name] = row.detach().to(self.device, torch.float32)

    def forget(self) -> None:
        """Start the statistics afresh at the next picture (another source, a cut)."""
        self._statistics, self._pictures = [], 0

    @torch.inference_mode()
    def __call__(self, picture: Tensor) -> Tensor:
        """Stylise ``(3, H, W)`` in 0..1, from 16 pixels a side; returns float32 of the same shape, in 0..1."""
        height, width = picture.shape[1:]
        if min(height, width) < 16:
            raise ValueError(f"a picture of {width}x{height} pixels is too small to stylise; it needs 16 each way")
        x = picture.to(self.device, torch.float32)[None]
        # a border of reflected picture keeps the edges of the frame free of artefacts
        right, below = (-width) % MULTIPLE + MULTIPLE, (-height) % MULTIPLE + MULTIPLE
        x = F.pad(x, (MULTIPLE, right, MULTIPLE, below), mode="reflect")
        fresh = not self._statistics
        # memory 1 holds the statistics; a long memory does not need every frame measured
        measure = fresh or (self.memory < 1.0 and self._pictures % self.every == 0)
        found: list[tuple[Tensor, Tensor]] = []

        def layer(index: int, value: Tensor) -> Tensor:
            value = F.pad(value, (1, 1, 1, 1), mode="reflect")
            value = F.conv2d(value, self._weights[index], stride=2 if index == 1 else 1)
            gamma, beta = self._affine[index]
            if measure:
                mean, variance = torch.zeros_like(gamma), torch.ones_like(gamma)
                normal = F.batch_norm(value, mean, variance, gamma, beta, training=True, momentum=1.0, eps=EPSILON)
                count = value.shape[2] * value.shape[3]
                variance.mul_((count - 1) / count)  # it is handed out unbiased, but normalised with the biased one
                if not fresh and self.memory > 0.0:
                    kept = self.memory**self.every
                    mean = mean.lerp_(self._statistics[index][0], kept)
                    variance = variance.lerp_(self._statistics[index][1], kept)
                    normal = F.batch_norm(value, mean, variance, gamma, beta, eps=EPSILON)
                found.append((mean, variance))
            else:
                normal = F.batch_norm(value, *self._statistics[index], gamma, beta, eps=EPSILON)
            return F.relu_(normal)

        half = F.pixel_unshuffle((x - 0.5).to(self.dtype), 2)
        skip = layer(0, F.pixel_unshuffle(half, 2).contiguous(memory_format=torch.channels_last))
        value = layer(1, skip)
        for index in range(2, 2 + self._blocks):
            value = value + layer(index, value)
        value = F.interpolate(value, scale_factor=2.0, mode="nearest")
        value = layer(self._blocks + 2, value).add_(skip)
        value = torch.cat([F.interpolate(value, scale_factor=2.0, mode="nearest"), half], 1)
        value = layer(self._blocks + 3, value.contiguous(memory_format=torch.channels_last))
        value = F.conv2d(F.pad(value, (1, 1, 1, 1), mode="reflect"), *self._head).float()
        value = smooth(F.pixel_shuffle(value, 2))
        if measure:
            self._statistics = found
        self._pictures += 1
        value = value.add_(0.5).add_(x - 0.5, alpha=self._keep)
        return value[0, :, MULTIPLE : MULTIPLE + height, MULTIPLE : MULTIPLE + width].clamp(0.0, 1.0)


def _unknown(name: str, styles: Sequence[str]) -> NoReturn:
    raise KeyError(f"there is no style {name!r} in this model; it has {', '.join(styles)}")


def load_net(path: Path) -> StyleNet:
    """The style network in a file. Raises WeightsError with a sentence when it is not one."""
    model = load_model(path, ARCHITECTURE)
    config = model.config
    if "kind" in config:
        raise WeightsError(f"{path} holds a style network from elsewhere, which can be played but not trained further")
    try:
        styles = [str(name) for name in config["styles"]]
        net = StyleNet(styles, int(config["stem"]), int(config["trunk"]), int(config["blocks"]))
        net.load_state_dict({name: value for name, value in model.tensors.items() if not name.startswith(READER)})
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        first = str(error).splitlines()[0]
        raise WeightsError(f"{path}: the style network in it cannot be built ({first}); train it again") from None
    return net


def load_style(path: Path, *, device: str = "cpu", dtype: torch.dtype = torch.float32) -> Stylist:
    """The style model in a file, ours or imported, ready for use. Raises WeightsError when it is not one."""
    from studio.nn import fast_style, microast

    model = load_model(path, ARCHITECTURE)
    if model.config.get("kind") == fast_style.KIND:
        return fast_style.stylist(model.config, model.tensors, device=device, dtype=dtype)
    if model.config.get("kind") == microast.KIND:
        return microast.stylist(model.tensors, device=device, dtype=dtype)
    return Stylist(load_net(path).eval(), device=device, dtype=dtype)


@torch.no_grad()
def with_rows(net: StyleNet, styles: Sequence[str], like: Mapping[str, str] | None = None) -> StyleNet:
    """A network with the convolutions and the plain row of ``net``, for other ``styles``.

    A style that ``net`` has keeps its row. A new one begins as the row that ``like`` names for it, else as the mean of
    all rows. Raises KeyError where ``like`` names a style that ``net`` does not have.
    """
    made = StyleNet(styles, net.stem, net.trunk, net.blocks)
    sources = [name if name in net.styles else (like or {}).get(name) for name in styles]
    state = net.state_dict()
    for name in ("gamma", "beta", "keep"):
        table = state[name]
        rows = [
            table[:-1].mean(0) if source is None
            else table[net.styles.index(source) if source in net.styles else _unknown(source, net.styles)]
            for source in sources
        ]
        state[name] = torch.cat([torch.stack(rows), table[-1:]])
    made.load_state_dict(state)
    return made


@torch.no_grad()
def joined(net: StyleNet, added: StyleNet) -> StyleNet:
    """``net`` with the rows of ``added`` after its own; those of a style that both have are taken from ``added``.

    The two must share their convolutions: ``added`` is what ``with_rows`` made of ``net``, with other numbers in it.
    """
    styles = [*net.styles, *(name for name in added.styles if name not in net.styles)]
    made = StyleNet(styles, net.stem, net.trunk, net.blocks)
    state, other = net.state_dict(), added.state_dict()
    for name in ("gamma", "beta", "keep"):
        rows = [
            other[name][added.styles.index(style)] if style in added.styles else state[name][net.styles.index(style)]
            for style in styles
        ]
        state[name] = torch.stack([*rows, state[name][-1]])
    made.load_state_dict(state)
    return made
