"""What StyleGAN2 and StyleGAN3 share: dense layers with equalised rates, the mapping network, finite filters.

Own code after Karras et al. 2019 ("A Style-Based Generator Architecture"), 2020 ("Analyzing and Improving the Image
Quality of StyleGAN", "Training GANs with Limited Data") and 2021 ("Alias-Free GANs"). Tensors have the names of the
published networks, except that ``synthesis.`` is ``pictures.`` here. Pictures are RGB -1..1.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping as Map
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from studio.nn.gan_base import PictureGenerator

ROOT2 = math.sqrt(2.0)
MAX_SIZE = 2048
MAX_LABELS = 1024
MAX_WIDTH = 2048
"""Most numbers of z, w and the layers between them: what is surveyed grows with them."""
HALF_STEPS = 4
"""So many of the highest resolutions compute in half precision where that is asked for, as in the papers."""


@dataclass(frozen=True)
class StyleShape:
    """What both families need. ``size`` in pixels; ``z`` and ``w`` lengths; ``classes`` names of the labels."""

    size: int
    z: int
    w: int
    classes: tuple[str, ...]
    colours: int
    layers: int
    """Dense layers of the mapping network."""
    rate: float
    """Their equalised learning rate."""
    values: Map[str, Any]
    """The whole configuration, as a model file holds it."""

    @property
    def latent(self) -> int:
        """Length of z and w for whoever plays: a shorter z is the beginning of it."""
        return self.w

    def to_dict(self) -> dict[str, Any]:
        return dict(self.values)

    @classmethod
    def of(cls, values: Map[str, Any]) -> StyleShape:
        """From a configuration. Raises ValueError, TypeError or KeyError."""
        mapping = values["mapping"]
        size, z, w = (int(values[name]) for name in ("size", "z", "w"))
        count = int(values.get("labels", 0))
        names = tuple(str(name)[:100] for name in values.get("classes", ()))
        if not 8 <= size <= MAX_SIZE or size & (size - 1):
            raise ValueError(f"its pictures have {size} pixels a side; powers of two from 8 to {MAX_SIZE} are known")
        if not (1 <= w <= MAX_WIDTH and 1 <= z <= w):
            raise ValueError(f"z of {z} and w of {w} numbers: z may not be longer than w, w not than {MAX_WIDTH}")
        if not 0 <= count <= MAX_LABELS:
            raise ValueError(f"it has {count} labels, at most {MAX_LABELS} are read")
        if names and len(names) != count:
            raise ValueError(f"it has {count} labels but {len(names)} names for them")
        layers = int(mapping["layers"])
        if not 1 <= layers <= 16:
            raise ValueError(f"a mapping network of {layers} layers is not known")
        return cls(size, z, w, names or tuple(str(index) for index in range(count)),
                   int(values["colours"]), layers, float(mapping["rate"]), values)


class Dense(nn.Module):
    """A dense layer whose stored weights have unit variance (Karras et al. 2018, equalised learning rate)."""

    def __init__(self, inputs: int, outputs: int, rate: float = 1.0, *, bent: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.gain, self.rate, self.bent = rate / math.sqrt(inputs), rate, bent

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(N, inputs)`` to ``(N, outputs)``, always in full precision."""
        with torch.autocast(x.device.type, enabled=False):
            y = F.linear(x.float(), self.weight.float() * self.gain, self.bias.float() * self.rate)
        return F.leaky_relu(y, 0.2) * ROOT2 if self.bent else y


def clamp_of(value: Any) -> float | None:
    """A configuration's clamp: None, or a number above 0. Raises ValueError or TypeError."""
    if value is None:
        return None
    if not 0 < float(value) < math.inf:
        raise ValueError(f"its values are clamped to {value}, which leaves nothing")
    return float(value)


def unit(x: torch.Tensor) -> torch.Tensor:
    """Rows brought to unit mean square."""
    return x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-8)


class StyleMapping(nn.Module):
    """z and a label to w: ``fc0`` ... ``fcN``, with labels also ``embed``; ``w_avg`` is the mean of w."""

    w_avg: torch.Tensor

    def __init__(self, shape: StyleShape, embedded: int, hidden: int) -> None:
        super().__init__()
        self.z, self.labels, self.layers = shape.z, len(shape.classes), shape.layers
        self.embed = Dense(self.labels, embedded) if self.labels else None
        widths = [shape.z + (embedded if self.labels else 0), *[hidden] * (shape.layers - 1), shape.w]
        for index in range(shape.layers):
            setattr(self, f"fc{index}", Dense(widths[index], widths[index + 1], shape.rate, bent=True))
        self.register_buffer("w_avg", torch.zeros(shape.w))

    def forward(self, z: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        """w ``(N, w)``; ``labels (N,)`` are numbers of classes, none: the mean over all."""
        if self.embed is not None and labels is None:
            every = torch.arange(self.labels, device=z.device)
            return torch.stack([self(row.expand(self.labels, -1), every).mean(0) for row in z])
        x = unit(z[:, : self.z].float())
        if self.embed is not None and labels is not None:
            x = torch.cat([x, unit(self.embed(F.one_hot(labels.long(), self.labels)))], 1)
        for index in range(self.layers):
            x = getattr(self, f"fc{index}")(x)
        return x


class StyleGan(PictureGenerator):
    """z -> w -> picture. ``pictures`` is the synthesis network; the subclass makes it."""

    mapping: StyleMapping

    def __init__(self, shape: StyleShape, tensors: Map[str, tuple[int, ...]]) -> None:
        super().__init__(shape)
        self.config = shape
        hidden = tensors.get("mapping.fc0.weight", (shape.w,))[0]
        embedded = tensors.get("mapping.embed.weight", (shape.w,))[0]
        if max(hidden, embedded) > MAX_WIDTH:
            wide = max(hidden, embedded)
            raise ValueError(f"its mapping network is {wide:,} numbers wide, at most {MAX_WIDTH} are read")
        self.mapping = StyleMapping(shape, embedded, hidden)

    @abstractmethod
    def paint(self, w: torch.Tensor, noise: Sequence[torch.Tensor | None] | None) -> torch.Tensor:
        """Pictures ``(N, colours, size, size)`` from a w for each layer ``(N, layers, w)``."""

    def synthesis(self, w: torch.Tensor, noise: Sequence[torch.Tensor | None] | None = None) -> torch.Tensor:
        """Pictures ``(N, 3, size, size)`` in about -1..1 from w ``(N, w)`` or W+ ``(N, layers, w)``.

        ``noise``: one map per place of ``noise_shapes``, None for a place without; none at all: as trained, fixed.
        """
        per_layer = w.unsqueeze(1).expand(-1, self.layers, -1) if w.ndim == 2 else w
        made = self.paint(per_layer.float(), noise).float()
        return made.expand(-1, 3, -1, -1) if made.shape[1] == 1 else made

    def low(self, resolution: float) -> torch.dtype:
        """The precision of a layer with so many pixels a side: half only near the end, where it is wanted at all."""
        return self.dtype if resolution * 2**HALF_STEPS > self.config.size else torch.float32

    @torch.no_grad()
    def survey(self, samples: int = 8192) -> None:
        """As of every generator, but the mean of w is the one that was kept in training, if it was."""
        super().survey(samples)
        if bool(self.mapping.w_avg.any()):
            self.w_mean.copy_(self.mapping.w_avg)


def resample(
    x: torch.Tensor, taps: torch.Tensor | None, *, up: int = 1, down: int = 1, pad: tuple[int, int] = (0, 0),
    gain: float = 1.0,
) -> torch.Tensor:
    """Insert ``up - 1`` zeros after each pixel, pad (below 0: crop), filter, keep every ``down``-th, on both axes.

    ``x (N, C, H, W)``; ``taps (K,)`` is a separable filter, ``(K, K)`` a filter in two dimensions, None the identity.
    The filter is convolved (turned round), and the result shrinks by its length less one (the papers' upfirdn).
    """
    count, channels, height, width = x.shape
    if up > 1 and taps is not None and taps.ndim == 1:
        x = enlarged(enlarged(x, taps * math.sqrt(gain), up, pad, 3), taps * math.sqrt(gain), up, pad, 2)
        return x[:, :, ::down, ::down]
    if up > 1:
        wide = x.new_zeros(count, channels, height, up, width, up)
        wide[:, :, :, 0, :, 0] = x
        x = wide.view(count, channels, height * up, width * up)
    if pad != (0, 0):
        x = F.pad(x, (*pad, *pad))
    if taps is None:
        return x[:, :, ::down, ::down] * gain if gain != 1.0 or down > 1 else x
    kernel = (taps.float() * gain ** (taps.ndim / 2)).to(x.dtype)
    if taps.ndim == 2:
        whole = kernel.flip(0, 1).expand(channels, 1, *kernel.shape)
        return F.conv2d(x, whole, stride=down, groups=channels)
    row = kernel.flip(0).view(1, 1, 1, -1).expand(channels, 1, 1, -1)
    x = F.conv2d(x, row, stride=(1, down), groups=channels)
    return F.conv2d(x, row.transpose(2, 3), stride=(down, 1), groups=channels)


def enlarged(x: torch.Tensor, taps: torch.Tensor, up: int, pad: tuple[int, int], axis: int) -> torch.Tensor:
    """``resample`` with ``up`` > 1 along one ``axis`` (2 or 3) of ``x (N, C, H, W)``, without the inserted zeros.

    Every ``up``-th result is made by every ``up``-th tap (a polyphase filter): a fraction of the work.
    """
    channels = x.shape[1]
    length = x.shape[axis] * up + sum(pad) - len(taps) + 1
    phase = -(-len(taps) // up)  # taps of one phase
    kernel = F.pad(taps.float(), (0, phase * up - len(taps))).view(phase, up).flip(0).to(x.dtype)
    shape = (1, phase) if axis == 3 else (phase, 1)
    parts = [
        F.conv2d(x, kernel[:, index].reshape(1, 1, *shape).expand(channels, 1, *shape), groups=channels,
                 padding=(0, phase - 1) if axis == 3 else (phase - 1, 0))
        for index in range(up)
    ]
    whole = torch.stack(parts, axis + 1).flatten(axis, axis + 1)
    # the full convolution is cut, or continued with zeros, to what the padding leaves of it
    first = len(taps) - 1 - pad[0]
    if first >= 0 and first + length <= whole.shape[axis]:
        return whole.narrow(axis, first, length)
    sides = (-first, first + length - whole.shape[axis])
    return F.pad(whole, sides if axis == 3 else (0, 0, *sides))
