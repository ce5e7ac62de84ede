"""From a picture to a first guess of its place: a small convolutional encoder that belongs to one generator network.

Zhu et al. 2020 ("In-Domain GAN Inversion", arXiv 2004.00049): an encoder guesses, and a descent from its guess refines
(``studio.nn.invert``). It is trained by the recipe ``encoder``. Its file names the generator by checksum, because the
same numbers mean nothing to another network. Pictures are RGB 0..1 ``(N, 3, height, width)`` here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from studio.files import short_path
from studio.nn.weights import WeightsError, load_into, load_model, read_about, read_header, sha256
from studio.paths import model_folders

ARCHITECTURE = "encoder"
ENDING = ".encoder.safetensors"
"""``flowers.encoder.safetensors`` is looked for first as the encoder of ``flowers.safetensors``."""

MAX_LATENT = 4096
MAX_WIDTH = 2048


@dataclass(frozen=True)
class EncoderSpec:
    """Shape of an encoder: pictures of ``side`` pixels become ``latent`` numbers; ``widths`` are the channels at
    side/2, side/4, side/8 ...; ``generator`` and ``checksum`` (sha256 of its file) say whose places they are."""

    latent: int
    side: int = 64
    widths: tuple[int, ...] = (32, 64, 96, 160)
    neck: int = 64
    generator: str = ""
    checksum: str = ""

    def __post_init__(self) -> None:
        halvings = len(self.widths)
        if not 1 <= self.latent <= MAX_LATENT or not all(1 <= w <= MAX_WIDTH for w in (*self.widths, self.neck)):
            raise ValueError(f"an encoder has 1 to {MAX_LATENT} numbers and at most {MAX_WIDTH} channels")
        if not 1 <= halvings <= 8 or not 2**halvings <= self.side <= 1024 or self.side % 2**halvings:
            raise ValueError(f"a side of {self.side} pixels cannot be halved {halvings} times")

    @property
    def last(self) -> int:
        """Pixels per side after the last halving."""
        return int(self.side >> len(self.widths))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> EncoderSpec:
        """Back from JSON. Raises TypeError or ValueError."""
        known = {field.name for field in fields(cls)}
        picked = {key: value for key, value in values.items() if key in known}
        picked["widths"] = tuple(int(width) for width in picked.get("widths", cls.widths))
        return cls(**picked)

    def to_dict(self) -> dict[str, Any]:
        """For the model file."""
        return {**asdict(self), "widths": list(self.widths)}


class Down(nn.Module):
    """One convolution halves, another looks again, beside a plain way: ``(N, inputs, r, r)`` to
    ``(N, outputs, r/2, r/2)``."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        # by groups and not by batch: a lone photograph is seen as it was in training
        self.norms = nn.ModuleList(nn.GroupNorm(_groups(outputs), outputs) for _ in range(2))
        self.beside = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        seen = F.silu(self.norms[0](self.first(x)))
        return F.silu(self.norms[1](self.second(seen)) + self.beside(F.avg_pool2d(x, 2)))


def _groups(channels: int) -> int:
    return next(count for count in (8, 4, 2, 1) if channels % count == 0)


class Encoder(nn.Module):
    """Pictures to deviations of *w* from its mean ``(N, latent)``.

    ``spreads`` ``(latent,)`` are the standard deviations of the generator's w: what the network itself gives is in
    units of them, so that every number matters alike.
    """

    spreads: torch.Tensor

    def __init__(self, spec: EncoderSpec) -> None:
        super().__init__()
        self.spec = spec
        self.stem = nn.Conv2d(3, spec.widths[0], 5, stride=2, padding=2)  # halved at once: half of the work is here
        self.stages = nn.ModuleList(Down(i, o) for i, o in pairwise(spec.widths))
        self.neck = nn.Conv2d(spec.widths[-1], spec.neck, 1)
        self.head = nn.Linear(spec.neck * spec.last**2, spec.latent)
        nn.init.normal_(self.head.weight, 0.0, 0.1 / (spec.neck * spec.last**2) ** 0.5)
        nn.init.zeros_(self.head.bias)  # an untrained encoder guesses the mean
        self.register_buffer("spreads", torch.ones(spec.latent))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        side = self.spec.side
        if pictures.shape[2:] != (side, side):
            pictures = F.interpolate(pictures, (side, side), mode="bilinear", antialias=True)
        x = F.silu(self.stem(pictures * 2 - 1))
        for stage in self.stages:
            x = stage(x)
        flat = F.silu(self.neck(x)).flatten(1)
        return self.head(flat).float() * self.spreads  # type: ignore[no-any-return]


def load_encoder(path: Path, generator: Path, device: str = "cpu") -> Encoder:
    """The encoder in ``path``, frozen, for the generator in the file ``generator``.

    Raises WeightsError when the file is damaged, no encoder, or belongs to another generator.
    """
    model = load_model(path, ARCHITECTURE)
    try:
        encoder = Encoder(EncoderSpec.from_dict(model.config))
    except (TypeError, ValueError) as error:
        raise WeightsError(f"{short_path(path)} does not describe an encoder ({error}); train it again") from None
    if encoder.spec.checksum != sha256(generator):
        raise WeightsError(
            f"{short_path(path)} was trained for another generator than {short_path(generator)}: their checksums "
            f"differ; train one for it with 'reverie train encoder {generator.name} -o {generator.stem}{ENDING}'"
        )
    load_into(encoder, model)
    encoder.eval().requires_grad_(False)
    return encoder.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def find_encoder(generator: Path, device: str = "cpu") -> Encoder | None:
    """The encoder of the generator in a file: by name beside it or among the models, else any that was trained for it.

    None when there is none. Raises WeightsError when the only one of its name is damaged or another generator's.
    """
    fault: WeightsError | None = None
    folders = list(dict.fromkeys((generator.parent, *model_folders())))
    for folder in folders:
        named = folder / f"{generator.stem}{ENDING}"
        if named.is_file():
            try:
                return load_encoder(named, generator, device)
            except WeightsError as error:
                fault = fault or error
    checksum = ""
    for path, wanted in _encoders(folders):
        checksum = checksum or sha256(generator)
        if wanted == checksum:
            return load_encoder(path, generator, device)
    if fault is not None:
        raise fault
    return None


def _encoders(folders: list[Path]) -> Iterator[tuple[Path, str]]:
    """Encoder files and the checksums of their generators; from the headers alone."""
    for folder in folders:
        for path in sorted(folder.glob("*.safetensors")) if folder.is_dir() else ():
            try:
                architecture, config = read_about(read_header(path), path)
            except WeightsError:
                continue
            if architecture == ARCHITECTURE:
                yield path, str(config.get("checksum", ""))
