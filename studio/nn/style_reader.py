"""Any picture as a style at once: a small network that reads the row of scales and shifts off a picture.

Ghiasi et al. (2017), "Exploring the structure of a real-time, arbitrary neural artistic stylization network": a style
network's conditional normalisation takes its numbers from a second network, which looks at the style picture once; the
painting itself costs no more than with a style that was learned. Here that network does not see the picture as it lies
but what style losses compare: colours and features of a small VGG by their means, their deviations and, where they are
few, their correlations (the Gram matrix taken apart), so that neither place nor size matters.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from studio.nn import microast, vgg
from studio.nn.style import ARCHITECTURE, READER
from studio.nn.weights import WeightsError, load_model

LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
CORRELATED = 40
"""Layers of at most so many channels tell all their correlations."""
SIDE = 384
"""A style picture is read with this shorter side (pixels); its strokes come out about as large as at this size."""
MAX_PARAMETERS = 1_500_000
"""Most parameters of a network and its reader together."""


class StyleReader(nn.Module):
    """Style pictures ``(N, 3, H, W)`` in 0..1 to rows ``(N, width)`` for ``StyleNet.paint``.

    ``eyes`` are the frozen features it looks with, up to relu4_1; ``hidden`` the size of its two hidden layers.
    """

    centre: Tensor
    spread: Tensor

    def __init__(self, eyes: vgg.VGG, width: int, hidden: int = 128) -> None:
        super().__init__()
        self.eyes = eyes.frozen()
        self.width, self.hidden = width, hidden
        inputs = sum(_told(channels) for channels in (3, *(eyes.channels(layer) for layer in LAYERS)))
        # what is told is brought to one size first, by what it is over many pictures
        self.register_buffer("centre", torch.zeros(inputs))
        self.register_buffer("spread", torch.ones(inputs))
        self.first = nn.Linear(inputs, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.last = nn.Linear(hidden, width)
        nn.init.zeros_(self.last.weight)  # every picture begins with the same row

    @property
    def config(self) -> dict[str, Any]:
        """What a model file needs beside the tensors."""
        return {"eyes": self.eyes.architecture(), "hidden": self.hidden}

    @torch.no_grad()
    def look(self, picture: Tensor) -> Tensor:
        """What there is to tell about pictures ``(N, 3, H, W)``: ``(N, inputs)``, in the units of each."""
        seen = self.eyes.forward_to(picture.contiguous(memory_format=torch.channels_last), LAYERS)
        return torch.cat([_tell(value) for value in (picture, *(seen[layer] for layer in LAYERS))], 1)

    def rows(self, told: Tensor) -> Tensor:
        """The rows for what ``look`` told."""
        value = ((told - self.centre) / self.spread).clamp(-6.0, 6.0)
        value = F.relu(self.first(value))
        value = value + F.relu(self.second(value))
        return torch.as_tensor(self.last(value))

    def forward(self, picture: Tensor) -> Tensor:
        return self.rows(self.look(picture))

    @torch.no_grad()
    def read(self, picture: Tensor) -> Tensor:
        """The row ``(width,)`` of one picture ``(3, H, W)`` of any size and shape, from 32 pixels a side."""
        height, width = picture.shape[1:]
        if min(height, width) < 32:
            raise ValueError(f"a picture of {width}x{height} pixels is too small for a style; it needs 32 each way")
        # of a long strip the middle tells enough
        long = 3 * min(height, width)
        top, left = max(0, height - long) // 2, max(0, width - long) // 2
        picture = picture[:, top : top + long, left : left + long]
        factor = SIDE / min(picture.shape[1:])
        shape = [max(SIDE, round(side * factor)) for side in picture.shape[1:]]
        scaled = F.interpolate(picture[None].float(), shape, mode="bicubic", align_corners=False, antialias=factor < 1)
        with torch.autocast(picture.device.type, enabled=False):
            row: Tensor = self(scaled.clamp(0.0, 1.0).to(self.centre.device))[0]
        return row


def _told(channels: int) -> int:
    """How many numbers are told about so many channels."""
    return 2 * channels + (channels * (channels - 1) // 2 if channels <= CORRELATED else 0)


def _tell(value: Tensor) -> Tensor:
    """Means, deviations (as logarithms) and perhaps correlations of ``(N, C, H, W)``: ``(N, _told(C))``."""
    flat = value.float().flatten(2)
    mean = flat.mean(2)
    centred = flat - mean[:, :, None]
    deviation = centred.square().mean(2).sqrt().clamp_min(1e-3)
    parts = [mean, deviation.log()]
    channels = flat.shape[1]
    if channels <= CORRELATED:
        covariance = centred @ centred.transpose(1, 2) / flat.shape[2]
        correlation = covariance / (deviation[:, :, None] * deviation[:, None, :])
        above = torch.triu_indices(channels, channels, 1, device=value.device)
        parts.append(correlation[:, above[0], above[1]])
    return torch.cat(parts, 1)


def eyes_of(features: vgg.VGG) -> vgg.VGG:
    """A copy of a VGG up to the last layer that is looked at. Raises FeatureError where it has not all layers."""
    names = [layer.removeprefix("relu") for layer in features.layers]
    last = names.index(features.resolve(LAYERS[-1]).removeprefix("relu")) + 1
    config = features.architecture()
    short = vgg.from_config({**config, "names": names[:last], "widths": config["widths"][:last]})
    short.take(features.tensors())
    for layer in LAYERS:
        short.resolve(layer)
    return short


def tensors_of(reader: StyleReader) -> dict[str, Tensor]:
    """The reader's tensors by their names in a model file."""
    return {READER + name: value for name, value in reader.state_dict().items()}


def from_tensors(config: Mapping[str, Any], tensors: Mapping[str, Tensor], width: int) -> StyleReader:
    """The reader whose ``config`` and tensors lie in a model file. Raises KeyError, ValueError or RuntimeError."""
    reader = StyleReader(vgg.from_config(config["eyes"]), width, int(config["hidden"]))
    found = {name.removeprefix(READER): value for name, value in tensors.items() if name.startswith(READER)}
    reader.load_state_dict(found)
    return reader.eval()


def load_reader(path: Path, *, device: str = "cpu") -> StyleReader | None:
    """The reader in the file of our style network; None where it has none. Raises WeightsError when it is damaged."""
    model = load_model(path, ARCHITECTURE)
    if "reader" not in model.config:
        return None
    try:
        width = 2 * int(model.tensors["gamma"].shape[1]) + 1
        return from_tensors(model.config["reader"], model.tensors, width).to(device)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        first = str(error).splitlines()[0]
        raise WeightsError(f"{path}: its reader of styles cannot be built ({first}); train it again") from None


def load_any_reader(path: Path, *, device: str = "cpu") -> StyleReader | microast.MicroReader | None:
    """What reads styles off pictures for the network in a file, ours or imported; None where nothing does."""
    model = load_model(path, ARCHITECTURE)
    if model.config.get("kind") == microast.KIND:
        return microast.MicroReader(model.tensors, device)
    return load_reader(path, device=device)
