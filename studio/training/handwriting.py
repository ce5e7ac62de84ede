"""Recipe ``handwriting``: a network that writes any text by hand, as pen strokes (``studio.nn.handwriting``).

DATA is a file or folder of strokes with their texts (IAM-OnDB lineStrokes, Quick-Draw ``.ndjson``, our own ``.json``,
SVG: see ``studio.nn.pen_files``), or a text file: then the studio's own pen (``handwriting_pen``) writes lines of it,
each in another hand, and the network learns from those.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from studio.files import FileError, read_text, write_text
from studio.nn.charset import Charset
from studio.nn.handwriting import HANDWRITING, PenRNN, PenSpec, Scribe, log_likelihood
from studio.nn.pen_files import Written, pen_points, read_strokes, unit_of
from studio.training.handwriting_pen import own_lines
from studio.training.loop import Config, Export, TrainingError
from studio.training.recurrent import RecurrentRecipe

END = "\x03"
"""Stands after every text; while the window rests on it the pen is still."""
STILL = 3
"""Points almost without movement after every piece, so that the network learns to stop."""
REST = 0.03
"""How far they move (x-heights, standard deviation)."""

Points = NDArray[np.float32]
Piece = tuple[Points, NDArray[np.int64]]
"""Points ``(n, 3)`` in x-heights, and the characters that they spell."""


@dataclass
class HandwritingSettings(Config):
    """Settings of ``reverie train handwriting``."""

    steps: int = 3000
    hidden: int = 200
    """Units of each of the two recurrent layers."""
    mixtures: int = 12
    """Gaussians of the output."""
    windows: int = 5
    """Gaussians of the window that reads the text."""
    batch: int = 32
    """Pieces per step."""
    longest: int = 320
    """Points of a piece at the most; longer ones are left out."""
    lines: int = 6000
    """Lines that the studio's own pen writes where DATA is a text."""
    lr: float = 3e-3
    """Peak learning rate of Adam; it warms up over 100 steps and falls along a cosine."""
    weight_decay: float = 0.0
    """Decay of the weights (AdamW)."""
    clip: float = 1.0
    """Largest norm of the gradient."""
    rare: int = 3
    """Characters seen in fewer pieces than this are mapped to similar ones."""
    source: str = ""
    """Name of the handwriting for the model's card."""
    licence: str = ""
    """Licence of the handwriting for the model's card."""


class HandwritingRecipe(RecurrentRecipe):
    """See the module."""

    name = "handwriting"
    help = "a hand that writes any text as pen strokes, from strokes or in the studio's own alphabet"
    Settings: ClassVar[type[Config]] = HandwritingSettings
    shares = True

    config: HandwritingSettings
    network: PenRNN

    def prepare(self, data: Path) -> dict[str, Any]:
        pieces, report, even = self._pieces(data)
        if len(pieces) < 8:
            why = (report.get("skipped") or ["give more of it"])[0]
            raise TrainingError(f"{data} holds {len(pieces)} usable pieces of writing, at least 8 are needed; {why}")
        unit = unit_of(pieces) if even else 1.0
        letters = "".join(c for piece in pieces for c in set(piece.text))
        self.charset = Charset([*Charset.of(letters + " " * self.config.rare, least=self.config.rare).characters, END])
        read: list[Piece] = []
        still = np.random.default_rng([self.config.seed, 6])
        long = 0
        for piece in pieces:
            points = pen_points(piece.strokes, unit, even=even)
            if len(points) + STILL > self.config.longest:
                long += 1
            else:
                # a rest that is perfectly still would be learned with endless certainty
                rest = np.hstack([still.normal(0.0, REST, (STILL, 2)), np.ones((STILL, 1))]).astype(np.float32)
                read.append((np.vstack([points, rest]), self.charset.encode(piece.text)))
        if long:
            report["skipped"] = [*report.get("skipped", []), f"{long} pieces of more than {self.config.longest} points"]
        if len(read) < 8:
            raise TrainingError(f"{data}: {long} pieces are longer than {self.config.longest} points; raise --longest")
        offsets = np.concatenate([points[1:, :2] for points, _ in read])
        self.scale = float(max(offsets.std(), 1e-6))
        order = np.random.default_rng(self.config.seed).permutation(len(read))
        held = min(400, max(1, len(read) // 20))
        self.held_out = [read[i] for i in order[:held]]
        self.training = sorted((read[i] for i in order[held:]), key=lambda pair: len(pair[0]))
        characters = sum(len(text) for _, text in read)
        self.pace = round(sum(len(points) for points, _ in read) / max(1, characters), 2)
        report |= {
            "pieces": len(read), "characters": characters, "symbols": len(self.charset),
            "points": sum(len(points) for points, _ in read), "x_height": round(unit, 4),
            "points_per_character": self.pace,
        }
        return report

    def _pieces(self, data: Path) -> tuple[list[Written], dict[str, Any], bool]:
        """Pieces, what is said of them, and whether they have to be brought to our size and pace."""
        if data.suffix.lower() in (".txt", ".md"):
            try:
                text, notice = read_text(data)
            except FileError as error:
                raise TrainingError(str(error)) from None
            made = own_lines(text, self.config.lines, np.random.default_rng([self.config.seed, 5]))
            return made, {"written": f"{len(made)} lines in the studio's own alphabet",
                          "notices": [notice] if notice else [], "skipped": []}, False
        pieces, skipped = read_strokes(data)
        silent = [piece for piece in pieces if not piece.text]
        skipped += [f"{piece.where}: it has no text" for piece in silent]
        return [piece for piece in pieces if piece.text], {"skipped": skipped}, True

    def build(self) -> None:
        try:
            spec = PenSpec(len(self.charset), self.config.hidden, self.config.windows, self.config.mixtures)
        except ValueError as error:
            raise TrainingError(str(error)) from None
        self.start(PenRNN(spec))

    def _batch(self, chosen: list[Piece]) -> tuple[torch.Tensor, ...]:
        """Points ``(b, t, 3)`` in the network's units, texts one-hot ``(b, u, v)``, and 1 for points that count."""
        longest = max(len(points) for points, _ in chosen)
        width = max(len(text) for _, text in chosen) + 1
        points = np.zeros((len(chosen), longest, 3), np.float32)
        weight = np.zeros((len(chosen), longest), np.float32)
        texts = torch.zeros(len(chosen), width, len(self.charset))
        points[:, :, 2] = 1.0
        for row, (one, text) in enumerate(chosen):
            points[row, : len(one)] = one
            weight[row, : len(one)] = 1.0
            texts[row, torch.arange(len(text) + 1), torch.from_numpy(np.append(text, len(self.charset) - 1))] = 1.0
        points[:, :, :2] /= self.scale
        device = self.config.device
        return torch.from_numpy(points).to(device), texts.to(device), torch.from_numpy(weight).to(device)

    def _nats(self, chosen: list[Piece]) -> torch.Tensor:
        """Nats of all points of the pieces together."""
        points, texts, weight = self._batch(chosen)
        begin = torch.zeros_like(points[:, :1])
        begin[:, :, 2] = 1.0
        with self.mixed():
            mixture, _, _ = self.network(torch.cat([begin, points[:, :-1]], 1), texts)
        # the first offset is (0, 0) by definition and would be learned with endless certainty
        weight[:, 0] = 0.0
        return -(log_likelihood(mixture, points) * weight).sum()

    def step(self, index: int) -> dict[str, float]:
        self.network.train()
        # neighbours in length, so that little is padding
        whole = self.config.batch
        width = min(len(self.training), 4 * whole)
        begin = int(self.rng.integers(0, len(self.training) - width + 1))
        chosen = [self.training[begin + place] for place in self.rng.choice(width, whole, replace=width < whole)]
        # by the points of the whole batch, so that it makes no difference how it is cut
        loss = self._nats(self.share(chosen)) * self.shard.count / _count(chosen)
        self.descend(loss, index)
        return {"loss": float(loss.detach())}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        self.network.eval()
        groups = [self.held_out[begin : begin + 64] for begin in range(0, len(self.held_out), 64)]
        nats = sum(float(self._nats(group)) for group in groups) / _count(self.held_out)
        return {"score": nats, "validation_nats_per_point": nats}

    def export(self) -> Export:
        card = {
            "title": f"Handwriting of {self.config.source or 'strokes'}",
            "data": {"name": self.config.source, "licence": self.config.licence},
            "note": "network of arXiv 1308.0850, section 5; nats per point of offsets divided by their standard "
                    "deviation, on held-out pieces",
            "parameters": sum(tensor.numel() for tensor in self.network.parameters()),
        }
        tensors = {name: tensor.cpu().half() for name, tensor in self.network.state_dict().items()}
        return Export(tensors, HANDWRITING, {
            "network": self.network.spec.to_json(), "kind": "handwriting", "characters": list(self.charset.characters),
            "scale": self.scale, "points_per_character": self.pace, "primers": self._primers(),
        }, card)

    def _primers(self) -> list[dict[str, Any]]:
        """Held-out pieces in which hands differ most: what a player may ask the network to write like."""
        fitting = [(p, t) for p, t in self.held_out if 40 <= len(p) <= 200] or self.held_out[:1]
        chosen = [fitting[0]]
        traits = [_traits(points) for points, _ in fitting]
        while len(chosen) < min(12, len(fitting)):
            taken = [traits[next(i for i, f in enumerate(fitting) if f is c)] for c in chosen]
            far = [min(float(np.abs(trait - other).sum()) for other in taken) for trait in traits]
            chosen.append(fitting[int(np.argmax(far))])
        return [
            {"text": self.charset.decode(text), "points": np.round(points[:-STILL].astype(float), 3).tolist()}
            for points, text in chosen
        ]

    def sample(self, folder: Path, index: int) -> list[Path]:
        from PIL import Image

        from studio.training.handwriting_sheet import picture, sheet

        path = folder / "samples" / f"{self.name}-{index:06d}.png"
        self.network.eval()
        network = self.network.cpu() if self.config.device != "cpu" else self.network
        lines = [
            write(network, self.charset, line, self.scale, bias=0.6, seed=seed) for seed, line in enumerate(SAMPLE)
        ]
        network.to(self.config.device)
        write_text(path.with_suffix(".svg"), sheet(lines), parents=True)
        Image.fromarray(picture(lines)).save(path)
        return [path]


SAMPLE = ("the quick brown fox", "jumps over a lazy dog,", "and Quietly sings", "of love and zinc 1926")


def _count(pieces: list[Piece]) -> int:
    """Points that are predicted."""
    return sum(len(points) - 1 for points, _ in pieces)


def _traits(points: Points) -> NDArray[np.float64]:
    """Slant, width, roughness of a piece, in units in which people differ by about one."""
    dx, dy = points[1:, 0].astype(float), points[1:, 1].astype(float)
    down = dy < -0.2
    slant = float(np.median(dx[down] / dy[down])) if down.any() else 0.0
    return np.array([slant / 0.15, float(dx.mean()) / 0.012, float(dy.std()) / 0.05])


def write(
    network: PenRNN, charset: Charset, text: str, scale: float, *, bias: float, seed: int
) -> Points:
    """A look at what the network writes while it trains: points ``(n, 3)`` in x-heights."""
    scribe, rng = Scribe(network), np.random.default_rng(seed)
    tokens = [int(token) for token in charset.encode(text)]
    scribe.begin([*tokens, len(charset) - 1])
    made = [np.zeros(3, np.float32)]
    for _ in range(30 * len(text) + 60):
        made.append(scribe.write(bias, rng))
        if scribe.finished:
            break
    points = np.array(made, np.float32)
    points[:, :2] *= scale
    return points
