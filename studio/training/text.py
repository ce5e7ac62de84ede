"""Recipe ``text``: a character model (LSTM, GRU or plain RNN) from a text file, or from a folder of them.

Truncated back-propagation through time over parallel streams with carried state: the text is cut into ``batch`` long
streams, and each step reads the next ``window`` characters of all of them. The last part of the text is kept for
validation as one piece, and scored as one stream with carried state, in nats per character.

Where the texts have labels (author, mood, rating...: see ``corpus``), the network is told them at every step, with
some of them hidden at times, so that it also writes without. The last part of what has the same labels is kept for
validation each. A network that writes by labels also tells them from a text (``classify``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F

from studio.files import write_text
from studio.nn import classify
from studio.nn.charset import Charset
from studio.nn.lstm import SEQUENCE, SequenceRNN, State, build_sequence, detach, grown
from studio.training.corpus import Label, by_labels, joined, labels_of, read_documents
from studio.training.loop import Config, Export, TrainingError
from studio.training.recurrent import RecurrentRecipe, score_stream, spec_of

ANEW = 0.125
"""Chance that a stream of labelled text begins anew with a window: with other fields hidden, and another memory."""
JUDGED = 24
"""Pieces of each group of texts that a validation classifies."""
JUDGED_AT_THE_END = 150


@dataclass
class TextSettings(Config):
    """Settings of ``reverie train text``."""

    steps: int = 4000
    cell: str = "lstm"
    """Kind of recurrent cell: lstm, gru or rnn (plain, with tanh)."""
    layers: int = 2
    """Recurrent layers on top of each other."""
    hidden: int = 256
    """Units per layer."""
    embedding: int = 64
    """Numbers that stand for a character at the input."""
    dropout: float = 0.3
    """Share of activations dropped between layers while training."""
    weight_dropout: float = 0.0
    """Share of the recurrent weights left out while training; helps large networks on little text."""
    average: float = 0.0
    """Memory of the average of the weights that becomes the model, such as 0.998; 0: the last weights themselves."""
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
    validation: float = 0.1
    """Share of the text, at its end, that is kept for validation."""
    encoding: str = ""
    """Encoding of the texts, such as cp1251 or shift_jis; empty: found out."""
    rare: int = 1
    """Characters seen fewer times than this are mapped to similar ones."""
    labels: str = "auto"
    """Where authors, moods, ratings... come from: auto (front matter, labels.csv or sub-folders), files (each file is a
    label), the path of a table, or none."""
    unlabelled: float = 0.15
    """Chance that a label is hidden for a while in training, so that the model also writes without."""
    initial: str = ""
    """Text model to go on from; its size is kept, new characters and labels are added. Empty: from scratch."""
    source: str = ""
    """Name of the text for the model's card."""
    licence: str = ""
    """Licence of the text for the model's card."""


def read_corpus(data: Path) -> tuple[str, dict[str, Any]]:
    """The text of a file, or of all ``.txt`` and ``.md`` files below a folder in order of name, and a report.

    Files that cannot be read are left out and named in the report. Raises TrainingError when nothing is left.
    """
    documents, report = read_documents(data, "none")
    return joined(documents), report


@dataclass(frozen=True)
class Group:
    """Text that has the same labels: what the network is told of it ``(labels,)``, and its tokens by split."""

    labels: tuple[Label, ...]
    given: torch.Tensor
    training: torch.Tensor
    held_out: torch.Tensor


class TextRecipe(RecurrentRecipe):
    """See the module."""

    name = "text"
    help = "a character model from a text file or a folder of text files"
    Settings: ClassVar[type[Config]] = TextSettings
    shares: ClassVar[bool] = True

    config: TextSettings
    network: SequenceRNN
    result: SequenceRNN

    def prepare(self, data: Path) -> dict[str, Any]:
        config = self.config
        if not 0.0 < config.validation < 0.9:
            raise TrainingError(f"validation: {config.validation} is not between 0 and 0.9")
        if not 0.0 <= config.unlabelled <= 1.0:
            raise TrainingError(f"unlabelled: {config.unlabelled} is not from 0 to 1")
        self.initial = self.initial_model(SEQUENCE)
        documents, report = read_documents(data, config.labels, config.encoding)
        texts = by_labels(documents)
        whole = "\n\n".join(texts.values())
        known, self.old_characters = self._known(report)
        new = [label for label in labels_of(documents) if label not in known]
        self.labels, self.new_labels = [*known, *new], len(new)
        self.charset = self._charset(whole, report)
        notice = self.charset.fold(whole)[1]
        report["notices"] += [notice] if notice else []
        self.groups = [self._group(labels, text) for labels, text in texts.items()]
        self.training = torch.cat([group.training for group in self.groups])
        self.kinds = torch.cat([
            torch.full((len(group.training),), kind) for kind, group in enumerate(self.groups)
        ])
        self.given = torch.stack([group.given for group in self.groups]).to(config.device)
        held_out = sum(len(group.held_out) for group in self.groups)
        if len(self.training) < 2 * config.batch or held_out < 2:
            need = math.ceil(2 * config.batch / (1 - config.validation)) + 2
            raise TrainingError(f"{data} has {len(whole)} characters; at least {need} are needed: use more text")
        self.length = (len(self.training) - 1) // config.batch
        self.window = min(config.window, self.length)
        report |= {"symbols": len(self.charset), "training": len(self.training), "validation": held_out}
        return report

    def _known(self, report: dict[str, Any]) -> tuple[list[Label], Charset | None]:
        """Labels and characters of the model that training goes on from."""
        if self.initial is None:
            return [], None
        try:
            characters = Charset(self.initial.config["characters"])
            return [(str(field), str(value)) for field, value in self.initial.config.get("labels", ())], characters
        except (KeyError, TypeError, ValueError) as error:
            raise TrainingError(f"initial: {self.config.initial} has no usable characters ({error})") from None

    def _charset(self, text: str, report: dict[str, Any]) -> Charset:
        if self.old_characters is None:
            return Charset.of(text, least=self.config.rare)
        charset = self.old_characters.grown(text, least=self.config.rare)
        new = charset.characters[len(self.old_characters) :]
        if new:
            shown = " ".join(new[:40]) + (f" and {len(new) - 40} more" if len(new) > 40 else "")
            report["notices"].append(f"characters that {self.config.initial} did not know were added: {shown}")
        return charset

    def _group(self, labels: tuple[Label, ...], text: str) -> Group:
        tokens = torch.from_numpy(self.charset.encode(text))
        cut = round(len(tokens) * (1 - self.config.validation))
        given = torch.tensor([float(label in labels) for label in self.labels])
        return Group(labels, given, tokens[:cut], tokens[cut:])

    def build(self) -> None:
        if self.initial is None or self.old_characters is None:
            self.start(SequenceRNN(spec_of(len(self.charset), self.config, len(self.labels))))
        else:
            new = self.charset.characters[len(self.old_characters) :]
            network = build_sequence(self.initial)
            if new or self.new_labels:
                network = grown(network, [self.old_characters.like(c) for c in new], self.new_labels)
            network.set_dropout(self.config.dropout)
            self.start(network)
        self.fields = list(dict.fromkeys(field for field, _ in self.labels))
        # which field each label belongs to, (fields, labels): a stream's fields are hidden or shown
        belongs = [[float(label[0] == field) for label in self.labels] for field in self.fields]
        self.belongs = torch.tensor(belongs).view(len(self.fields), len(self.labels))
        self.shown = torch.ones(self.config.batch, len(self.fields))
        self.state: State | None = None
        self.position, self.offset = self.length, 0  # as at the end of a round: the first step begins one

    def step(self, index: int) -> dict[str, float]:
        config = self.config
        if self.shard.first:
            self._turn()
        rows = self.shard.of(config.batch)
        starts = self.offset + self.length * torch.arange(config.batch)[rows, None]
        places = starts + self.position + torch.arange(self.window + 1)[None]
        with self.fetching():
            batch = self.training[places].to(config.device)
        given = None
        if self.labels:
            shown = (self.shown[rows] @ self.belongs).to(config.device)
            given = self.given[self.kinds[places[:, 1:]].to(config.device)] * shown[:, None]
        self.network.train()
        with self.mixed():
            carried = None if self.state is None else tuple(part[:, rows].contiguous() for part in self.state)
            logits, after = self.network(batch[:, :-1], carried, given)
        loss = F.cross_entropy(logits.flatten(0, 1).float(), batch[:, 1:].flatten())
        self.descend(loss, index)
        self._carry(rows, detach(after))
        if self.shard.last:
            self.position += self.window
        return {"loss": float(loss.detach())}

    def _turn(self) -> None:
        """What a step begins with: at the end of the streams a new round, and now and then other labels."""
        if self.position + self.window > self.length:
            # the streams start elsewhere in each round, so that the windows never fall on the same places
            self.position, self.state = 0, None
            self.offset = int(self.rng.integers(0, len(self.training) - self.length * self.config.batch))
        if self.labels:
            self._begin_anew()

    def _carry(self, rows: slice, after: State) -> None:
        """Keep the state of the streams ``rows``; it is that of all streams, also where this process knows a part."""
        if self.shard.count == 1:
            self.state = after
            return
        if self.state is None:
            self.state = tuple(part.new_zeros(part.shape[0], self.config.batch, part.shape[2]) for part in after)
        for whole, part in zip(self.state, after, strict=True):
            whole[:, rows] = part

    def _begin_anew(self) -> None:
        """Some streams go on with other fields hidden, and with no memory or that of another stream.

        So the network learns to begin by its labels alone, and to follow them when they change while it writes.
        """
        batch = self.config.batch
        chosen = self.rng.random(batch) < (1.0 if self.state is None else ANEW)
        hidden = self.rng.random((batch, len(self.fields))) < self.config.unlabelled
        shown = torch.from_numpy(~hidden).float()
        self.shown[chosen] = shown[chosen]
        if self.state is not None:
            others, kept = self.rng.permutation(batch), self.rng.random(batch) < 0.5
            place = torch.from_numpy(np.where(chosen & kept, others, np.arange(batch))).to(self.config.device)
            blank = torch.from_numpy(chosen & ~kept).to(self.config.device)
            whole = [self.gather(part, 1) for part in self.state]
            self.state = tuple(part[:, place].masked_fill(blank[None, :, None], 0.0) for part in whole)

    def _score(self, *, told: bool) -> float:
        """Nats per character over what is held out, each group of texts read as one stream."""
        groups = [group for group in self.groups if len(group.held_out) > 1]
        total = sum(
            score_stream(self.result, group.held_out, self.config.device, group.given if told and self.labels else None)
            * (len(group.held_out) - 1) for group in groups
        )
        return total / sum(len(group.held_out) - 1 for group in groups)

    def _accuracy(self, most: int) -> dict[str, float]:
        """Share of held-out pieces whose label is found again, by field; of each group ``most`` pieces at the most."""
        found: dict[str, float] = {}
        before = self.charset.like("\n")
        for field in self.fields:
            values = [label for label in self.labels if label[0] == field]
            told = classify.candidates(self.labels, field)
            right: list[bool] = []
            for group in self.groups:
                true = [values.index(label) for label in group.labels if label[0] == field]
                pieces = classify.pieces_of(group.held_out, most=most)
                if true and len(pieces):
                    nats = classify.nats(self.result, pieces, told, before=before)
                    right += (nats.argmin(1) == true[0]).tolist()
            if right:
                found[f"accuracy_{field.replace(' ', '_')}"] = sum(right) / len(right)
        return found

    def validate(self) -> dict[str, float]:
        nats = self._score(told=True)
        bits = nats / math.log(2)
        figures = {"score": nats, "validation_nats_per_character": nats, "validation_bits_per_character": bits}
        if self.labels:
            figures |= {"validation_nats_without_labels": self._score(told=False), **self._accuracy(JUDGED)}
        return figures

    def export(self) -> Export:
        stored = self.store()
        figures = {"stored_nats_per_character": self._score(told=True), **self._accuracy(JUDGED_AT_THE_END)}
        note = ("weights are stored in 8-bit rows; 'stored_nats_per_character' is the figure of the file. "
                "Validation reads the last part of the text as one stream with carried state.")
        if self.labels:
            note += (f" Texts with the same labels are a stream each; 'accuracy' is the share of held-out pieces of "
                     f"{classify.PIECE} characters whose label the network finds again, read backwards.")
        card = {
            "title": f"Characters of {self.config.source or 'a text'}",
            "data": {"name": self.config.source, "licence": self.config.licence},
            "note": note, "parameters": sum(tensor.numel() for tensor in self.result.parameters()), "figures": figures,
        }
        config = {
            "network": self.result.spec.to_json(), "kind": "text", "characters": list(self.charset.characters),
            "labels": [list(label) for label in self.labels],
        }
        return Export(stored, SEQUENCE, config, card)

    def sample(self, folder: Path, index: int) -> list[Path]:
        config, texts = self.config, []
        for group in self.groups[:6]:
            given = group.given if self.labels else None
            title = ", ".join(value for _, value in group.labels)
            texts += [f"[{title or 'without labels'}]"] if self.labels else []
            texts.append(
                continue_text(self.result, self.charset, 600, seed=config.seed, device=config.device, given=given))
        path = folder / "samples" / f"{self.name}-{index:06d}.txt"
        write_text(path, "\n\n".join(texts) + "\n", parents=True)
        return [path]

    def extra_state(self) -> dict[str, Any]:
        carried = [self.gather(part, 1) for part in self.state or ()]
        place = {"position": self.position, "offset": self.offset, "carried": carried}
        return {**super().extra_state(), **place, "shown": self.shown}

    def load_extra_state(self, state: dict[str, Any]) -> None:
        self.position, self.offset = state["position"], state["offset"]
        self.state = tuple(part.clone().to(self.config.device) for part in state["carried"]) or None
        self.shown = state.get("shown", self.shown).clone()
        super().load_extra_state(state)


@torch.no_grad()
def continue_text(
    network: SequenceRNN, charset: Charset, length: int, *, prime: str = "\n", temperature: float = 0.8, seed: int = 0,
    device: str = "cpu", given: torch.Tensor | None = None,
) -> str:
    """A look at what the network writes while it trains; the plugin samples with ``studio.nn.stepper``."""
    network.eval()
    rng = np.random.default_rng(seed)
    tokens = charset.encode(prime)
    reading = torch.from_numpy(tokens if len(tokens) else np.zeros(1, np.int64))[None].to(device)
    told = None if given is None else given[None].to(device)
    state: State | None = None
    written: list[int] = []
    for _ in range(length):
        logits, state = network(reading, state, told)
        chances = torch.softmax(logits[0, -1].double() / temperature, 0).cpu().numpy()
        written.append(int(rng.choice(len(chances), p=chances / chances.sum())))
        reading = torch.tensor([[written[-1]]], device=device)
    return charset.decode(written)
