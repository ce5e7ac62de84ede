"""DRAW, a recurrent network for image generation (Gregor, Danihelka, Graves, Rezende, Wierstra 2015).

A picture is made in ``steps`` glimpses. In each one a decoder LSTM chooses where on the canvas to write, how closely,
and what; training runs an encoder LSTM beside it, which sees the picture and what is still missing. Where to read and
to write is a grid of N×N Gaussian filters (section 3.2), differentiable in its centre, stride, width and gain. The
numbers of equations below are the paper's.

Here beyond the paper: a class may be given to both LSTMs, so that one can say which digit is to be drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from studio.files import short_path
from studio.nn.weights import WeightsError, load_into, load_model

ARCHITECTURE = "draw"
_LIMITS = {"size": (8, 256), "channels": (1, 3), "steps": (1, 256), "latent": (1, 1024), "hidden": (8, 4096),
           "read": (1, 64), "write": (1, 64)}


@dataclass(frozen=True)
class DrawConfig:
    """Shape of a network. ``read`` and ``write`` are the sides N of the two attention windows, in filters;
    ``classes`` the names of what can be asked for (none: it draws what it likes)."""

    size: int = 28
    channels: int = 1
    steps: int = 24
    latent: int = 16
    hidden: int = 192
    read: int = 5
    write: int = 5
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, (least, most) in _LIMITS.items():
            value = getattr(self, name)
            if type(value) is not int or not least <= value <= most:
                raise ValueError(f"{name}: {value!r} is not a whole number from {least} to {most}")
        if self.channels == 2:
            raise ValueError("channels: 2 is neither 1 (grey) nor 3 (colour)")

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "classes": list(self.classes)}

    @classmethod
    def from_dict(cls, tree: dict[str, Any]) -> DrawConfig:
        """Back from JSON. Raises KeyError, TypeError or ValueError."""
        values = {field.name: tree[field.name] for field in fields(cls)}
        return cls(**{**values, "classes": tuple(str(name) for name in values["classes"])})


@dataclass
class Window:
    """An attention window for each picture of a batch, all ``(batch,)``: centre in pixels counted from 1, stride in
    pixels, variance in pixels², gain."""

    x: Tensor
    y: Tensor
    stride: Tensor
    variance: Tensor
    gain: Tensor
    count: int

    def _index(self) -> Tensor:
        return torch.arange(1, self.count + 1, device=self.x.device, dtype=self.x.dtype)

    def places(self, centre: Tensor) -> Tensor:
        """Means of the filters along one side, ``(batch, N)`` (equations 19 and 20)."""
        return centre[:, None] + (self._index() - self.count / 2 - 0.5) * self.stride[:, None]

    def edges(self) -> Tensor:
        """The window as a rectangle: left, top, right, bottom in pixels counted from 0, ``(batch, 4)``."""
        half = 0.5 * self.count * self.stride
        return torch.stack([self.x - half, self.y - half, self.x + half, self.y + half], 1) - 0.5

    def filters(self, width: int, height: int) -> tuple[Tensor, Tensor]:
        """The filterbank matrices F_X ``(batch, N, width)`` and F_Y ``(batch, N, height)`` (equations 25 and 26)."""
        both = self._banks(torch.stack([self.x, self.y]), max(width, height))
        if width == height:
            return both[0], both[1]
        return _normal(both[0, :, :, :width]), _normal(both[1, :, :, :height])

    def _banks(self, centres: Tensor, side: int) -> Tensor:
        """For centres ``(2, batch)`` the two matrices ``(2, batch, N, side)``, in one go: small steps are slow."""
        pixels = torch.arange(1, side + 1, device=centres.device, dtype=centres.dtype)
        places = torch.stack([self.places(centre) for centre in centres])
        distance = pixels - places[..., None]
        return _normal(torch.exp(distance * distance * (-0.5 / self.variance)[:, None, None]))


def _normal(bank: Tensor) -> Tensor:
    # a filter wholly outside of the picture has nothing to be normalised by, and sees nothing
    return bank / bank.sum(-1, keepdim=True).clamp_min(1e-8)


def attend(numbers: Tensor, count: int, width: int, height: int) -> Window:
    """The five numbers ``(batch, 5)`` of a linear layer as a window of ``count`` x ``count`` filters (21 to 24).

    All zero: a window over the whole picture, one filter at its very corners, of variance and gain 1.
    """
    gx, gy, log_variance, log_stride, log_gain = numbers.float().unbind(1)
    return Window(
        x=(width + 1) / 2 * (gx + 1), y=(height + 1) / 2 * (gy + 1),
        stride=(max(width, height) - 1) / max(1, count - 1) * torch.exp(log_stride),
        # a deviation under a twentieth of a pixel falls between two pixels and has no gradient
        variance=torch.exp(log_variance).clamp_min(0.0025), gain=torch.exp(log_gain), count=count,
    )


def read_through(window: Window, picture: Tensor) -> Tensor:
    """What a window sees of ``(batch, channels, height, width)``: ``gain F_Y x F_X^T``, ``(batch, channels, N, N)``
    (equation 27, one of its two halves)."""
    across, down = window.filters(picture.shape[3], picture.shape[2])
    return down[:, None] @ picture @ (window.gain[:, None, None] * across)[:, None].transpose(2, 3)


def write_through(window: Window, patch: Tensor, width: int, height: int) -> Tensor:
    """A patch ``(batch, channels, N, N)`` laid on a picture: ``1/gain F_Y^T w F_X`` (equation 29)."""
    across, down = window.filters(width, height)
    return down[:, None].transpose(2, 3) @ (patch / window.gain[:, None, None, None]) @ across[:, None]


def kl_divergence(mean: Tensor, log_deviation: Tensor) -> Tensor:
    """KL(N(mean, deviation²) || N(0, 1)) in nats for each row (one term of equation 11)."""
    return 0.5 * (mean.square() + torch.exp(2 * log_deviation) - 2 * log_deviation - 1).sum(1)


@dataclass
class Stroke:
    """One step of a drawing: the canvas before its sigmoid ``(batch, channels, size, size)``, and where it wrote."""

    canvas: Tensor
    window: Window


class DrawNet(nn.Module):
    """The network of the paper, with attention. Pictures are ``(batch, channels, size, size)`` in 0..1."""

    def __init__(self, config: DrawConfig) -> None:
        super().__init__()
        self.config = c = config
        extra = len(c.classes)
        self.encoder = nn.LSTMCell(2 * c.channels * c.read**2 + c.hidden + extra, c.hidden)
        self.decoder = nn.LSTMCell(c.latent + extra, c.hidden)
        self.to_mean = nn.Linear(c.hidden, c.latent)  # equation 1
        self.to_log_deviation = nn.Linear(c.hidden, c.latent)  # equation 2
        self.to_read = nn.Linear(c.hidden, 5)  # equation 21
        self.to_write = nn.Linear(c.hidden, 5)
        self.to_patch = nn.Linear(c.hidden, c.channels * c.write**2)  # equation 28
        self.first = nn.Parameter(torch.zeros(2, c.hidden))  # learned h_0 of encoder and decoder
        if extra:  # a class is one number among many: heard from the start, it is learned several times sooner
            with torch.no_grad():
                self.encoder.weight_ih[:, -extra:] *= 4
                self.decoder.weight_ih[:, -extra:] *= 4

    def _labels(self, labels: Tensor | None, count: int, like: Tensor) -> Tensor:
        """One-hot rows ``(count, classes)``; rows of shares are taken as they are, so that classes can be mixed."""
        classes = len(self.config.classes)
        if not classes:
            return like.new_zeros(count, 0)
        if labels is None:
            raise ValueError("this network draws classes; say which")
        return labels.to(like.dtype) if labels.is_floating_point() else F.one_hot(labels, classes).to(like.dtype)

    def _start(self, count: int) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        c, like = self.config, self.first
        canvas = like.new_zeros(count, c.channels, c.size, c.size)
        encoder, decoder = (row.expand(count, -1) for row in self.first)
        return canvas, encoder, torch.zeros_like(encoder), decoder, torch.zeros_like(decoder)

    def _write(self, canvas: Tensor, decoder: Tensor) -> Stroke:
        c = self.config
        window = attend(self.to_write(decoder), c.write, c.size, c.size)
        patch = self.to_patch(decoder).view(-1, c.channels, c.write, c.write)
        return Stroke(canvas + write_through(window, patch, c.size, c.size), window)

    def forward(self, pictures: Tensor, labels: Tensor | None = None, noise: Tensor | None = None) -> tuple[
        Tensor, Tensor, list[Stroke]
    ]:
        """Reconstruct: the two losses in nats ``(batch,)`` each (equations 9 and 11) and the strokes.

        Their sum is an upper bound of -log p(picture), for pictures of zeros and ones exactly, for greys as the
        expected coding cost of a coin with that chance. ``noise (steps, batch, latent)`` replaces the random draw.
        """
        c, count = self.config, len(pictures)
        told = self._labels(labels, count, pictures)
        canvas, encoder, encoder_cell, decoder, decoder_cell = self._start(count)
        latent_loss = pictures.new_zeros(count)
        strokes: list[Stroke] = []
        if noise is None:
            noise = torch.randn(c.steps, count, c.latent).to(pictures.device)
        for step in range(c.steps):
            missing = pictures - torch.sigmoid(canvas)  # equation 3
            window = attend(self.to_read(decoder), c.read, c.size, c.size)
            seen = torch.cat([read_through(window, pictures), read_through(window, missing)], 1).flatten(1)
            encoder, encoder_cell = self.encoder(torch.cat([seen, decoder, told], 1), (encoder, encoder_cell))
            mean, log_deviation = self.to_mean(encoder), self.to_log_deviation(encoder)
            latent_loss = latent_loss + kl_divergence(mean, log_deviation)
            z = mean + torch.exp(log_deviation) * noise[step]
            decoder, decoder_cell = self.decoder(torch.cat([z, told], 1), (decoder, decoder_cell))
            stroke = self._write(canvas, decoder)
            strokes.append(stroke)
            canvas = stroke.canvas
        picture_loss = F.binary_cross_entropy_with_logits(canvas, pictures, reduction="none").flatten(1).sum(1)
        return picture_loss, latent_loss, strokes

    @torch.no_grad()
    def draw(self, z: Tensor, labels: Tensor | None = None) -> Iterator[Stroke]:
        """Generate (section 2.3), a stroke at a time; ``z (steps, batch, latent)`` from a standard normal."""
        count = z.shape[1]
        told = self._labels(labels, count, z)
        canvas, _, _, decoder, cell = self._start(count)
        for now in z:
            decoder, cell = self.decoder(torch.cat([now, told], 1), (decoder, cell))
            stroke = self._write(canvas, decoder)
            yield stroke
            canvas = stroke.canvas


def load_draw(path: Path, device: str = "cpu") -> DrawNet:
    """A trained network, frozen. Raises WeightsError with a sentence."""
    model = load_model(path, ARCHITECTURE)
    try:
        net = DrawNet(DrawConfig.from_dict(model.config))
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{short_path(path)} has no usable network shape ({error}); train it again") from None
    load_into(net, model)
    return net.eval().requires_grad_(False).to(device)


