"""Recipe ``encoder``: a first guess of a photograph's place, for one generator network.

DATA is the generator's model file: the encoder then learns from the pictures that the generator makes, whose places are
known. Or DATA is a folder of pictures like those that the generator learned from, with ``--generator NAME``: half of
every step are real pictures then, judged by what the generator makes of the guess, in pixels and features
(Zhu et al. 2020, arXiv 2004.00049; the latent loss on own pictures after Larsen et al. 2016, arXiv 1512.09300).
Every tenth picture, the same that recipe ``gan`` keeps for its figures with this seed, is held out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from studio.nn.encoder import ARCHITECTURE, Encoder, EncoderSpec
from studio.nn.featurenet import FeatureError, FeatureNet
from studio.nn.features import load_features
from studio.nn.gan import load_generator
from studio.nn.invert import Eyes, Settings, invert, paint
from studio.nn.latent import seed_latent
from studio.nn.weights import WeightsError, sha256
from studio.paths import find_model
from studio.training.loop import Config, Export, Recipe, TrainingError
from studio.training.pictures import PictureSet, PictureSettings, open_pictures, save_sheet
from studio.training.recurrent import learning_rate

CHECKED = 200
"""Most held-out pictures that the figures compare."""


@dataclass
class EncoderSettings(Config):
    """Settings of the ``encoder`` recipe."""

    steps: int = 1500
    generator: str = ""
    """Generator model, by name or path, whose places are guessed; needed when DATA is a folder of pictures."""
    features: str = "style_features"
    """Feature network that compares pictures, by name or path; 'none': pixels alone."""
    batch: int = 16
    """Pictures of the generator in a step; as many real ones where there are some."""
    rate: float = 1.5e-3
    """Peak learning rate of Adam; it warms up over 50 steps and falls along a cosine."""
    places: float = 0.5
    """Weight of the known places of the generator's own pictures against how pictures look."""
    stay: float = 2.0
    """How strongly guesses for real pictures are kept among places that the generator knows."""
    rough: float = 1.0
    """How strongly the generator's pictures are roughened (light, blur, noise), so that photographs are no surprise."""
    refined: int = 6
    """Held-out pictures that are refined to the end for the card's figures; each takes seconds."""
    validate_every: int = 250
    sample_every: int = 250
    checkpoint_every: int = 250


class EncoderRecipe(Recipe):
    """See the module."""

    name: ClassVar[str] = "encoder"
    help: ClassVar[str] = "a first guess of a photograph's place in a generator's latent space"
    Settings: ClassVar[type[Config]] = EncoderSettings

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        if not isinstance(config, EncoderSettings):
            raise TrainingError("the encoder recipe needs EncoderSettings")
        self.settings = config
        self.features: FeatureNet | None = None

    def prepare(self, data: Path) -> dict[str, Any]:
        s = self.settings
        if s.batch < 1:
            raise TrainingError(f"batch must be at least 1, not {s.batch}")
        named = s.generator or ("" if data.is_dir() else str(data))
        if not named:
            raise TrainingError("generator: say whose places are guessed, as --generator flowers")
        try:
            self.path = find_model(named)
            self.generator = load_generator(self.path, s.device)
            if s.features not in ("", "none"):
                self.features = load_features(find_model(s.features), device=s.device)
        except (OSError, FeatureError, WeightsError) as error:
            raise TrainingError(str(error)) from None
        size = self.generator.shape.size
        self.pictures: PictureSet | None = None
        self.held = self.order = np.zeros(0, np.int64)
        report: dict[str, Any] = {"generator": self.path.stem, "pictures": 0}
        if data.is_dir():
            self.pictures = open_pictures(data, PictureSettings(size=size, seed=s.seed))
            count = len(self.pictures)
            report |= self.pictures.report
            if count < 4:
                raise TrainingError(f"{data} has {count} usable pictures; at least 4 are needed, or give the "
                                    "generator's file instead of a folder")
            order = np.random.default_rng(s.seed).permutation(count)
            held = max(2, count // 10)
            self.held, self.order = order[:held], order[held:]
        return {**report, "train": len(self.order), "held_out": len(self.held)}

    def build(self) -> None:
        s, net = self.settings, self.generator
        neck = max(16, min(64, 8192 // net.shape.latent))  # the head stays small where places have many numbers
        spec = EncoderSpec(net.shape.latent, neck=neck, generator=self.path.stem, checksum=sha256(self.path))
        self.encoder = Encoder(spec)
        draw = torch.Generator().manual_seed(s.seed)
        self.spread = 1.0
        with torch.no_grad():
            places = self._places(torch.randn(4096, net.shape.latent, generator=draw).to(s.device))
            self.encoder.spreads.copy_(places.std(0).clamp_min(1e-4))
        # how far from the mean the network's own places lie, in units of their spreads
        self.radius = float((places.cpu() / self.encoder.spreads).norm(dim=1).quantile(0.9))
        self.modules = {"encoder": self.encoder}
        self.encoder.to(s.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimisers = {"adam": torch.optim.Adam(self.encoder.parameters(), learning_rate(0, s.steps, s.rate, 50))}

    def _places(self, z: torch.Tensor) -> torch.Tensor:
        """Deviations of w from its mean; of a network with classes evenly from all of them."""
        net = self.generator
        labels = torch.arange(len(z), device=z.device) % len(net.classes) if net.classes else None
        w: torch.Tensor = net.mapping(z) if labels is None else net.mapping(z, labels)
        return w.float() - net.w_mean

    def _paint(self, places: torch.Tensor) -> torch.Tensor:
        with self.mixed():
            return paint(self.generator, places).float()

    def _looks(self, made: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        """How far pictures look from those that are wanted, one number each."""
        with self.mixed():
            return Eyes(wanted, self.features).distance(made).float()

    def _reals(self) -> torch.Tensor:
        """A batch of real pictures 0..1, half of them mirrored."""
        chosen = self._squares(self.rng.choice(self.order, self.settings.batch))
        flip = self.rng.random(len(chosen)) < 0.5
        chosen[flip] = chosen[flip][:, :, :, ::-1]
        return self._tensor(chosen)

    def _squares(self, numbers: NDArray[np.int64]) -> NDArray[np.uint8]:
        assert self.pictures is not None
        with self.fetching():
            return self.pictures.squares(numbers, self.settings.seed)

    def _tensor(self, pictures: NDArray[np.uint8]) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(pictures)).to(self.settings.device).float().div_(255)

    def step(self, index: int) -> dict[str, float]:
        s = self.settings
        self.encoder.train()
        known = self._places(torch.randn(s.batch, self.generator.shape.latent).to(s.device))
        with torch.no_grad():
            own = self._paint(known)
        wanted = self._reals() if len(self.order) else own
        seen = [roughened(own, s.rough), *([wanted] if len(self.order) else [])]
        with self.mixed():
            guesses = self.encoder(torch.cat(seen))
        guessed = guesses / self.encoder.spreads
        places = (guessed[: s.batch] - known / self.encoder.spreads).square().mean()
        far = F.relu(guessed.norm(dim=1) / self.radius - 1).square().mean()
        looks = self._looks(self._paint(guesses[-len(wanted) :]), wanted).mean()
        loss = s.places * places + looks + s.stay * far
        rate = learning_rate(index, s.steps, s.rate, 50)
        for group in self.optimisers["adam"].param_groups:
            group["lr"] = rate
        self.optimisers["adam"].zero_grad(set_to_none=True)
        self.backward(loss)
        self.update("adam", clip=1.0)
        return {"places": float(places.detach()), "looks": float(looks.detach()), "far": float(far.detach())}

    @torch.no_grad()
    def _unseen(self) -> torch.Tensor:
        """Pictures for the figures: held-out ones, or where there are none the generator's own of certain seeds."""
        if len(self.held):
            return self._tensor(self._squares(self.held[:CHECKED]))
        return self._paint(self._own())

    def _own(self) -> torch.Tensor:
        """The places of 32 seeds that training never draws."""
        z = torch.cat([seed_latent(seed, self.generator.shape.latent) for seed in range(7001, 7033)])
        return self._places(z.to(self.settings.device))

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        self.encoder.eval()
        first: list[torch.Tensor] = []
        mean: list[torch.Tensor] = []
        for part in torch.split(self._unseen(), 32):
            guess = self._guess(part)
            first.append(self._looks(self._paint(guess), part))
            mean.append(self._looks(self._paint(torch.zeros_like(guess)), part))
        known = self._own()
        missed = (self._guess(self._paint(known)) - known).norm(dim=1) / known.norm(dim=1)
        distance = float(torch.cat(first).mean())
        return {
            "score": distance, "first_guess_distance": distance, "mean_place_distance": float(torch.cat(mean).mean()),
            "own_places_missed_by": float(missed.mean()),
            "own_places_nearer_than_mean": float((missed < 1).float().mean()),
        }

    def _guess(self, pictures: torch.Tensor) -> torch.Tensor:
        guess: torch.Tensor = self.encoder(pictures)
        return guess

    @torch.no_grad()
    def sample(self, folder: Path, index: int) -> list[Path]:
        """Eight pairs: the picture, and below it what the generator makes of the guess."""
        self.encoder.eval()
        wanted = self._unseen()[:8]
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"sample_{index:06d}.png"
        save_sheet(path, torch.cat([wanted, self._paint(self._guess(wanted))]) * 2 - 1, len(wanted))
        return [path]

    def export(self) -> Export:
        self.encoder.eval()
        spec = self.encoder.spec
        tensors = {name: tensor.half() for name, tensor in self.encoder.state_dict().items()}
        self.encoder.load_state_dict(tensors)
        kind = "held-out pictures" if len(self.held) else "own pictures of unseen seeds"
        return Export(tensors, ARCHITECTURE, spec.to_dict(), {
            "title": f"First guesses for {spec.generator}",
            "about": f"Guesses the place of a photograph in the latent space of {spec.generator}.",
            "generator": {"name": spec.generator, "sha256": spec.checksum},
            "parameters": sum(parameter.numel() for parameter in self.encoder.parameters()),
            "figures": self._refined(),
            "notes": [
                "Distances: features and pixels together, the mean over " + kind + "; 0 is the same picture. "
                "mean_place: the generator's mean picture; best_of_seeds: the nearest of 96 seeds; refined: after "
                "the descent that the latent explorer makes, with this encoder and without.",
                "own_places_missed_by: distance of the guess from the known place, where 1 is that of the mean place.",
            ],
        })

    def _refined(self) -> dict[str, float]:
        """What the whole search reaches on a few held-out pictures, with this encoder and with seeds alone."""
        ends: dict[str, list[float]] = {"refined_distance": [], "refined_from_seeds": [], "best_of_seeds_distance": []}
        for picture in self._unseen()[: self.settings.refined]:
            found = list(invert(self.generator, picture, self.features, encoder=self.encoder))
            ends["refined_distance"].append(found[-1].distance)
            found = list(invert(self.generator, picture, self.features))
            ends["refined_from_seeds"].append(found[-1].distance)
            seeds = list(invert(self.generator, picture, self.features, Settings(steps=0)))
            ends["best_of_seeds_distance"].append(seeds[-1].distance)
        return {name: float(np.mean(values)) for name, values in ends.items() if values}


def roughened(pictures: torch.Tensor, strength: float) -> torch.Tensor:
    """Pictures 0..1 ``(N, 3, H, W)`` in another light, softer and with noise, each by its own throw of torch's dice."""
    if strength <= 0:
        return pictures
    count = len(pictures)

    def throw(reach: float) -> torch.Tensor:
        return (torch.rand(count, 1, 1, 1) * 2 - 1).to(pictures) * reach * strength

    grey = pictures.mean((1, 2, 3), keepdim=True)
    lit = (pictures - grey) * (1 + throw(0.25)) + grey + throw(0.1)
    soft = F.avg_pool2d(F.pad(lit, (1, 1, 1, 1), mode="replicate"), 3, 1)
    mixed = torch.lerp(lit, soft, throw(0.5).abs())
    return (mixed + torch.randn(pictures.shape).to(pictures) * throw(0.04).abs()).clamp(0, 1)
