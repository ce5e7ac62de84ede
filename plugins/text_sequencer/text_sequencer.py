"""The text sequencer: a character network writes, one character (or a block of them) per step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studio.api import Bool, Choice, Context, Finished, Float, Generator, Int, Model, Seed, Text
from studio.nn.charset import Charset
from studio.nn.classify import Label, given
from studio.nn.lstm import SEQUENCE, build_sequence
from studio.nn.mixture import Mixture, shared
from studio.nn.sampling import Choice as Chosen
from studio.nn.sampling import Drawn, Sampling, best, chances, draw
from studio.nn.stepper import Precision, Stepper
from studio.nn.weights import WeightsError, load_model

from .words import Writer

CLOSERS = "'\")]”’"
"""May stand between the end of a sentence and the space after it."""
OVERTIME = 400
"""Most characters beyond ``length`` that a tidy end may take."""
REREAD = 1024
"""Characters that a model reads which joins."""
HISTORY = 2048
"""Characters that are remembered for the repetition penalty."""


class TextSequencer(Generator):
    """Writes in the voice of the text its model was trained on."""

    id, version, title, makes = "reverie.text_sequencer", 1, "Text sequencer", "text"

    model = Model("shakespeare", architecture=SEQUENCE, group="Model", help="Whose voice it is")
    second = Model("", architecture=SEQUENCE, group="Model", live=True,
                   help="A model to fade to; empty: none. Both read all that is written")
    mix = Float(0.0, 0.0, 1.0, group="Model", applies={"second": True},
                help="0: the first model decides, 1: the second; between: both, by their log-probabilities")
    precision = Choice("float32", ("float32", "int8"), group="Model", live=False,
                       help="float32: as trained; int8: faster with models that are not stored in 8-bit rows")
    seed = Seed(1, group="Model", live=False, help="The same number writes the same text")

    label = Text("", group="Label",
                 help="What it writes as, for models that know: a label such as Carroll, or several with commas")
    to_label = Text("", group="Label", help="Labels to fade to; empty: none")
    blend = Float(0.0, 0.0, 1.0, group="Label", applies={"to_label": True},
                  help="0: as the first label says, 1: as the second; between: both at once")

    prime = Text("", group="Beginning", live=False,
                 help="What the model reads before it writes; any Unicode text, unknown characters are mapped")
    show_prime = Bool(True, group="Beginning", live=False, applies={"prime": True},
                      help="Begin the text with the prime")

    temperature = Float(0.7, 0.05, 2.0, curve="log", group="Choice",
                        help="Low: safe and repetitive, 1: as the book, high: wild spelling")
    top_k = Int(0, 0, 200, group="Choice", help="Choose among the k most likely characters; 0: among all")
    nucleus = Float(1.0, 0.05, 1.0, group="Choice",
                    help="Choose among the likeliest characters that together reach this")
    repetition_penalty = Float(1.0, 1.0, 4.0, group="Choice",
                               help="Above 1: going on with a run of four or more characters again gets unlikely")
    penalty_window = Int(400, 16, HISTORY, curve="log", unit="characters", group="Choice",
                         applies={"repetition_penalty": "> 1"},
                         help="How far back repetitions are looked for")

    length = Int(600, 0, 20_000, curve="exp", unit="characters", group="End",
                 help="How much is written; 0: without end")
    tidy = Bool(True, group="End", applies={"length": True},
                help="Go on beyond the length to the end of the sentence or line")
    stop = Choice("none", ("none", "line", "sentence", "paragraph", "custom"), group="End",
                  help="End earlier, where this many of these are complete")
    stop_count = Int(1, 1, 64, group="End", applies={"stop": ("line", "sentence", "paragraph")},
                     help="How many lines, sentences or paragraphs")
    stop_text = Text("", group="End", applies={"stop": "custom"},
                     help="With stop = custom: end where this text has been written")

    block = Int(1, 1, 200, curve="log", unit="characters", group="Motion", help="Characters per step")

    def setup(self, ctx: Context) -> None:
        self.alone = _load(ctx, self.model, "int8" if self.precision == "int8" else "float32")
        self.other: Voice | None = None
        self.charset, self.joined = self.alone.charset, ""
        self.stepper: Stepper | Mixture = self.alone.stepper
        self.twin: Stepper | Mixture = self.stepper
        self.told: tuple[str, str, float] | None = None
        self.history: list[int] = []
        self._tell(ctx)
        self.rng = np.random.default_rng(self.seed)
        prime, notice = self.charset.fold(self.prime)
        if notice:
            ctx.notice(f"prime: {notice}")
        self._read(prime)
        self.waiting = prime if self.show_prime else ""

    def _join(self, ctx: Context) -> None:
        """Let the second model write along as much as it is wished."""
        if self.second != self.joined:
            self.joined = self.second
            text = self.charset.decode(self.history[-REREAD:])
            self.charset, self.stepper, self.other = self.alone.charset, self.alone.stepper, None
            if self.second:
                try:
                    self.other = _load(ctx, self.second, "int8" if self.precision == "int8" else "float32")
                    self.charset, maps = shared(self.charset, self.other.charset)
                    self.stepper = Mixture(self.alone.stepper, self.other.stepper, mix=self.mix, maps=maps)
                except (OSError, WeightsError) as error:
                    ctx.notice(f"second: {error}. {self.model} writes alone")
            self.told = None
            self._tell(ctx)
            self.stepper.reset(1)
            reading = self.charset.encode(text)
            self.logits, self.history = self.stepper.prime(reading)[0], list(map(int, reading))
        if isinstance(self.stepper, Mixture) and self.mix != self.stepper.mix:
            self.stepper.mix = self.mix
            self.logits = self.stepper.again()[0]
            self.twin = self.stepper.twin()

    def _tell(self, ctx: Context) -> None:
        """Tell the models what they write, where that has changed; they follow from the next character but one."""
        wanted = (self.label, self.to_label, self.blend if self.to_label.strip() else 0.0)
        if wanted == self.told:
            return
        named = (self.told or ("", "", 0.0))[:2] != wanted[:2]
        self.told = wanted
        shares: dict[str, float] = {}
        for text, share in ((self.label, 1.0 - wanted[2]), (self.to_label, wanted[2])):
            for name in text.split(","):
                if name.strip():
                    shares[name.strip()] = shares.get(name.strip(), 0.0) + share
        voices = [self.alone, *([self.other] if self.other else [])]
        for voice in voices:
            voice.stepper.give(given(voice.labels, shares) if voice.labels else None)
        for name in shares if named else ():
            if not any(given(voice.labels, {name: 1.0}).any() for voice in voices):
                known = ", ".join(value for voice in voices for _, value in voice.labels[:40])
                known = f"it knows {known}" if known else "it has none"
                ctx.notice(f"label: {self.model} knows no {name!r}; {known}")
        self.twin = self.stepper.twin()

    def _read(self, text: str) -> None:
        """Go on from ``text``, in known characters, as if nothing else had been written."""
        self.stepper.reset()
        # a model that has read nothing would begin inside a word: a line end is where texts begin
        reading = self.charset.encode(text or "\n")
        self.logits = self.stepper.prime(reading)[0]
        self.history = list(map(int, reading[-HISTORY:]))
        self.written, self.done, self.found = 0, False, 0
        self.tail = "" if text else "\n"

    def step(self, ctx: Context) -> str:
        self._join(ctx)
        self._tell(ctx)
        if "continue_from" in ctx.wishes:  # the view was edited, or asks for another character
            self._read(self.charset.fold(str(ctx.wishes["continue_from"]))[0])
            self.waiting = ""
        if self.done:
            raise Finished
        if ctx.exposes:
            ctx.expose("writer", Writer(self.twin, self.charset, Sampling(self.temperature, self.top_k, self.nucleus)))
        self.chosen: list[Chosen | None] | None = [None] * len(self.waiting) if ctx.exposes else None
        made = self._piece(ctx)
        return Drawn(made, self.chosen) if self.chosen is not None else made

    def _piece(self, ctx: Context) -> str:
        made = [self.waiting] if self.waiting else []
        self.waiting = ""
        if made and self.block == 1:
            return made[0]
        for _ in range(self.block):
            ctx.check()
            made.append(self._character())
            if self._ends():
                self.done = True
                break
        return "".join(made)

    def _character(self) -> str:
        sampling = Sampling(
            self.temperature, self.top_k, self.nucleus, self.repetition_penalty, self.penalty_window,
        )
        history = np.array(self.history) if self.repetition_penalty > 1.0 else None
        odds = chances(self.logits, sampling, history=history)
        token = draw(odds, float(self.rng.random()))
        if self.chosen is not None:
            self.chosen.append((float(odds[token]), best(odds, self.charset.characters)))
        self.logits = self.stepper.step(token)[0]
        self.history.append(token)
        del self.history[:-HISTORY]
        self.written += 1
        character = self.charset.characters[token]
        self.tail = (self.tail + character)[-256:]
        return character

    def _ends(self) -> bool:
        """Whether the text is complete with the character just written."""
        if self.stop == "custom":
            if self.stop_text and self.tail.endswith(self.stop_text[-256:]):
                return True
        elif self.stop != "none" and self._complete(self.stop):
            self.found += 1
            if self.found >= self.stop_count:
                return True
        if not self.length or self.written < self.length:
            return False
        whole = self._complete("sentence") or self._complete("line")
        return not self.tidy or whole or self.written >= self.length + OVERTIME

    def _complete(self, unit: str) -> bool:
        """Whether the text just came to the end of a ``line``, ``sentence`` or ``paragraph``."""
        tail = self.tail
        if unit == "line":
            return tail.endswith("\n") and tail.strip(" \n") != "" and not tail.endswith("\n\n")
        if unit == "paragraph":
            return tail.endswith("\n\n") and not tail.endswith("\n\n\n") and tail.strip(" \n") != ""
        before = tail[:-1].rstrip(CLOSERS)
        return tail[-1:].isspace() and not tail[-2:-1].isspace() and before.endswith((".", "!", "?"))


@dataclass(frozen=True)
class Voice:
    """A model, ready to write: its characters, the labels that it knows, its network."""

    charset: Charset
    labels: tuple[Label, ...]
    stepper: Stepper


def _load(ctx: Context, name: str, precision: Precision) -> Voice:
    """Raises WeightsError."""
    model = load_model(ctx.model(name), SEQUENCE)
    try:
        charset = Charset(model.config["characters"])
        labels = tuple((str(field), str(value)) for field, value in model.config.get("labels", ()))
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{model.path.name} has no usable characters ({error}); train it again") from None
    network = build_sequence(model)
    if (network.spec.vocabulary, network.spec.labels) != (len(charset), len(labels)):
        spec = network.spec
        raise WeightsError(
            f"{model.path.name} has {len(charset)} characters and {len(labels)} labels for {spec.vocabulary} outputs "
            f"and {spec.labels} label inputs"
        )
    return Voice(charset, labels, Stepper(network, precision=precision))
