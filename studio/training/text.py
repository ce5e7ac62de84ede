"""Recipe ``text``: a character model (LSTM or GRU) from a text file, or from a folder of them.

Truncated back-propagation through time over parallel streams with carried state: the text is cut into ``batch`` long
streams, and each step reads the next ``window`` characters of all of them. The last part of the text is kept for
validation as one piece, and scored as one stream with carried state, in nats per character.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F

from studio.files import FileError, read_text, write_text
from studio.nn.charset import Charset
from studio.nn.lstm import SEQUENCE, SequenceRNN, State, detach
from studio.training.loop import Config, Export, TrainingError
from studio.training.recurrent import RecurrentRecipe, score_stream


@dataclass
class TextSettings(Config):
    """Settings of ``reverie train text``."""

    steps: int = 4000
    cell: str = "lstm"
    """Kind of recurrent cell: lstm or gru."""
    layers: int = 2
    """Recurrent layers on top of each other."""
    hidden: int = 256
    """Units per layer."""
    embedding: int = 64
    """Numbers that stand for a character at the input."""
    dropout: float = 0.3
    """Share of activations dropped between layers while training."""
    batch: int = 50
    """Streams read at the same time."""
    window: int = 100
    """Characters per step and stream: how far gradients reach back."""
    lr: float = 2e-3
    """Peak learning rate of Adam; it warms up over 100 steps and falls along a cosine."""
    weight_decay: float = 0.0
    """Decay of the weights (AdamW)."""
    clip: float = 1.0
    """Largest norm of the gradient."""
    precision: str = "auto"
    """Arithmetic of training: auto (bfloat16 where the processor has it), float32 or bfloat16."""
    validation: float = 0.1
    """Share of the text, at its end, that is kept for validation."""
    rare: int = 1
    """Characters seen fewer times than this are mapped to similar ones."""
    initial: str = ""
    """Text model to go on from; its characters and the size of its network are kept. Empty: from scratch."""
    source: str = ""
    """Name of the text for the model's card."""
    licence: str = ""
    """Licence of the text for the model's card."""


def read_corpus(data: Path) -> tuple[str, dict[str, Any]]:
    """The text of a file, or of all ``.txt`` and ``.md`` files below a folder in order of name, and a report.

    Files that cannot be read are left out and named in the report. Raises TrainingError when nothing is left.
    """
    files = [data]
    if data.is_dir():
        files = sorted(p for p in data.rglob("*") if p.suffix.lower() in (".txt", ".md") and p.is_file())
    parts: list[str] = []
    skipped: list[str] = []
    notices: list[str] = []
    for path in files:
        try:
            text, notice = read_text(path)
        except FileError as error:
            skipped.append(str(error))
            continue
        notices += [notice] if notice else []
        parts.append(text.replace("\r\n", "\n").replace("\r", "\n"))
    if not parts:
        nothing = f"{data} holds no .txt files; give a text file or a folder of them"
        raise TrainingError(skipped[0] if skipped else nothing)
    text = "\n\n".join(parts)
    return text, {"files": len(parts), "characters": len(text), "skipped": skipped, "notices": notices}


class TextRecipe(RecurrentRecipe):
    """See the module."""

    name = "text"
    help = "a character model from a text file or a folder of text files"
    Settings: ClassVar[type[Config]] = TextSettings

    config: TextSettings
    network: SequenceRNN

    def prepare(self, data: Path) -> dict[str, Any]:
        config = self.config
        text, report = read_corpus(data)
        if not 0.0 < config.validation < 0.9:
            raise TrainingError(f"validation: {config.validation} is not between 0 and 0.9")
        self.initial = self.initial_model(SEQUENCE)
        self.charset = self._charset(text)
        text, notice = self.charset.fold(text)
        cut = round(len(text) * (1 - config.validation))
        tokens = torch.from_numpy(self.charset.encode(text))
        self.training, self.held_out = tokens[:cut], tokens[cut:]
        if len(self.training) < 2 * config.batch or len(self.held_out) < 2:
            need = math.ceil(2 * config.batch / (1 - config.validation)) + 2
            raise TrainingError(f"{data} has {len(text)} characters; at least {need} are needed: use more text")
        self.length = (len(self.training) - 1) // config.batch
        self.window = min(config.window, self.length)
        if notice:
            report["notices"].append(notice)
        report |= {"symbols": len(self.charset), "training": len(self.training), "validation": len(self.held_out)}
        return report

    def _charset(self, text: str) -> Charset:
        if self.initial is None:
            return Charset.of(text, least=self.config.rare)
        try:
            return Charset(self.initial.config["characters"])
        except (KeyError, TypeError, ValueError) as error:
            raise TrainingError(f"initial: {self.config.initial} has no usable characters ({error})") from None

    def build(self) -> None:
        self.begin_with(self.initial, len(self.charset))
        self.state: State | None = None
        self.position, self.offset = self.length, 0  # as at the end of a round: the first step begins one

    def step(self, index: int) -> dict[str, float]:
        config = self.config
        if self.position + self.window > self.length:
            # the streams start elsewhere in each round, so that the windows never fall on the same places
            self.position, self.state = 0, None
            self.offset = int(self.rng.integers(0, len(self.training) - self.length * config.batch))
        starts = self.offset + self.length * torch.arange(config.batch)[:, None]
        places = starts + self.position + torch.arange(self.window + 1)[None]
        batch = self.training[places].to(config.device)
        self.position += self.window
        self.network.train()
        with self.mixed():
            logits, after = self.network(batch[:, :-1], self.state)
        self.state = detach(after)
        loss = F.cross_entropy(logits.flatten(0, 1).float(), batch[:, 1:].flatten())
        self.descend(loss, index)
        return {"loss": float(loss.detach())}

    def validate(self) -> dict[str, float]:
        nats = score_stream(self.network, self.held_out, self.config.device)
        bits = nats / math.log(2)
        return {"score": nats, "validation_nats_per_character": nats, "validation_bits_per_character": bits}

    def export(self) -> Export:
        stored = self.store()
        nats = score_stream(self.network, self.held_out, self.config.device)
        spec = self.network.spec
        card = {
            "title": f"Characters of {self.config.source or 'a text'}",
            "data": {"name": self.config.source, "licence": self.config.licence},
            "note": "weights are stored in 8-bit rows; 'stored_nats_per_character' is the figure of the file. "
                    "Validation reads the last part of the text as one stream with carried state.",
            "parameters": sum(tensor.numel() for tensor in self.network.parameters()),
            "figures": {"stored_nats_per_character": nats},
        }
        return Export(stored, SEQUENCE, {
            "network": spec.to_json(), "kind": "text", "characters": list(self.charset.characters),
        }, card)

    def sample(self, folder: Path, index: int) -> list[Path]:
        text = continue_text(self.network, self.charset, 600, seed=self.config.seed, device=self.config.device)
        path = folder / "samples" / f"{self.name}-{index:06d}.txt"
        write_text(path, text + "\n", parents=True)
        return [path]

    def extra_state(self) -> dict[str, Any]:
        place = {"position": self.position, "offset": self.offset, "carried": list(self.state or ())}
        return {**super().extra_state(), **place}

    def load_extra_state(self, state: dict[str, Any]) -> None:
        self.position, self.offset = state["position"], state["offset"]
        self.state = tuple(part.clone().to(self.config.device) for part in state["carried"]) or None
        super().load_extra_state(state)


@torch.no_grad()
def continue_text(
    network: SequenceRNN, charset: Charset, length: int, *, prime: str = "\n", temperature: float = 0.8, seed: int = 0,
    device: str = "cpu",
) -> str:
    """A look at what the network writes while it trains; the plugin samples with ``studio.nn.stepper``."""
    network.eval()
    rng = np.random.default_rng(seed)
    tokens = charset.encode(prime)
    reading = torch.from_numpy(tokens if len(tokens) else np.zeros(1, np.int64))[None].to(device)
    state: State | None = None
    written: list[int] = []
    for _ in range(length):
        logits, state = network(reading, state)
        chances = torch.softmax(logits[0, -1].double() / temperature, 0).cpu().numpy()
        written.append(int(rng.choice(len(chances), p=chances / chances.sum())))
        reading = torch.tensor([[written[-1]]], device=device)
    return charset.decode(written)
