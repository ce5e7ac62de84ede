"""The MIDI sequencer: an event network improvises, a bar (or a beat) per step."""

from __future__ import annotations

import copy
from collections import deque
from dataclasses import replace
from typing import Any

import numpy as np

from studio.api import (
    Bool,
    Choice,
    Context,
    Finished,
    Float,
    Generator,
    Int,
    Model,
    Note,
    Notes,
    Path,
    Seed,
    Text,
    Trigger,
    read_midi,
)
from studio.nn.improvise import voiced
from studio.nn.keys import transposed, way_to
from studio.nn.lstm import ROLL
from studio.nn.music import EVENTS, KEYS, SCALES, Limits, VoiceNote
from studio.nn.sampling import Sampling

from .answering import Answering, key_of
from .branches import KEPT, Branch, Option, Watched, chances_of
from .feeling import FEEL, Feeling
from .form import Forming
from .melody import Harmonising
from .models import improviser_of
from .second import network_of
from .shaping import GENERAL_MIDI_KIT, INSTRUMENTS, SHORTEST, Touch, channel_of, played, programs_of, shaped, untangled

PACES = {"half": 2.0, "normal": 1.0, "double": 0.5}
VOICES = ("Soprano", "Alto", "Tenor", "Bass")
OVERTIME = 4
"""Most bars beyond ``bars`` that a piece may take to find its cadence."""


def _indifferent(notes: list[VoiceNote], ended: bool) -> float:
    return 0.0


class MidiSequencer(Answering, Feeling, Forming, Harmonising, Generator):
    """Polyphonic music from a recurrent network; every note knows its own end."""

    id, version, title, makes = "reverie.midi_sequencer", 1, "MIDI sequencer", "notes"

    model = Model("chorales", architecture=EVENTS, also=(ROLL,), group="Model", help="What it learned from")
    second = Model("", architecture=EVENTS, group="Model", live=True,
                   help="A model to fade to, trained on the same symbols; empty: none. Both read all that is played")
    mix = Float(0.0, 0.0, 1.0, group="Model", applies={"second": True},
                help="0: the first model decides, 1: the second; between: both, by their log-probabilities")
    precision = Choice("float32", ("float32", "int8"), group="Model", live=False,
                       help="float32: as trained; int8: faster with models that are not stored in 8-bit rows")
    seed = Seed(1, group="Model", live=False, help="The same number plays the same music")
    restart = Trigger(group="Model", help="Begin a new piece at the next bar")

    primer = Path("", accepts="midi", group="Beginning", live=False, help="A .mid file that the music goes on from")
    primer_bars = Int(4, 1, 64, unit="bars", group="Beginning", live=False, applies={"primer": True},
                      help="How much of the primer is read")
    play_primer = Bool(True, group="Beginning", live=False, applies={"primer": True},
                       help="Play the primer first")
    style = Text("", group="Beginning", live=False,
                 help="A label of the model, such as jazz or funk for drums; empty: by the key, or as it comes")

    melody = Path("", accepts="midi", group="Melody", live=False,
                  help="A .mid file whose top line is kept, note for note; the model's other voices go with it")
    colour = Float(0.1, 0.0, 1.0, group="Melody", applies=[{"melody": True}, {"respond": "harmonise"}],
                   help="How freely the added voices leave the key and its chords: 0 hardly, 1 as the model likes")

    temperature = Float(0.9, 0.05, 2.0, curve="log", group="Choice",
                        help="Low: plain and safe, 1: as learned, high: wild")
    top_k = Int(0, 0, 200, group="Choice", help="Choose among the k most likely symbols; 0: among all")
    nucleus = Float(0.97, 0.05, 1.0, group="Choice", help="Choose among the likeliest symbols that together reach this")
    repetition_penalty = Float(1.0, 1.0, 4.0, group="Choice", help="Above 1: phrases that come back get unlikely")
    candidates = Int(1, 1, 8, group="Choice",
                     help="Ways that each bar is tried; the one the network likes best is kept")

    root = Choice("any", ("any", *KEYS), group="Harmony", live=False, help="Keynote; any: chosen by the seed")
    scale = Choice("off", tuple(SCALES), group="Harmony", live=False, help="Scale above the keynote; off: free")
    lock = Bool(True, group="Harmony", applies={"scale": tuple(name for name in SCALES if name != "off")},
                help="Only notes of the scale can be chosen")
    low = Int(0, 0, 127, unit="pitch", group="Harmony", help="Lowest note")
    high = Int(127, 0, 127, unit="pitch", group="Harmony", help="Highest note")
    transpose = Int(0, -24, 24, unit="semitones", group="Harmony", help="Moves all that is played, within the range")

    notes_per_beat = Int(64, 1, 64, curve="log", group="Density", help="Most notes that begin in a beat")
    polyphony = Int(32, 1, 32, group="Density", help="Most notes that sound together")
    full = Bool(True, group="Density", help="No voice of a model with voices falls silent")

    bars = Int(0, 0, 512, curve="exp", unit="bars", group="Form",
               help="After this many bars the piece looks for its cadence and ends; 0: without end")
    block = Choice("bar", ("bar", "beat"), group="Form", help="How much is decided at once: beats react faster")
    pace = Choice("normal", tuple(PACES), group="Form", help="The tempo's half, whole or double speed")
    hold = Float(2.0, 0.0, 8.0, unit="beats", group="Form", applies={"bars": True},
                 help="How much longer the last chord sounds")

    respond = Choice("off", ("off", "answer", "harmonise", "loop", "mutate"), group="Call and response",
                     help="Listens to what you play in over MIDI, then answers it, plays it with voices beneath it, or "
                     "repeats it, ever differently")
    call_bars = Int(2, 1, 8, unit="bars", group="Call and response",
                    applies={"respond": ("answer", "harmonise", "loop", "mutate")},
                    help="How long it listens, from the bar of your first note; an answer is as long")
    mutation = Float(0.25, 0.0, 1.0, group="Call and response", applies={"respond": "mutate"},
                     help="How much of the call is another each time")

    velocity = Int(76, 1, 127, group="Sound", help="Middle loudness")
    dynamics = Float(1.0, 0.0, 2.0, group="Sound", help="How far the loudness moves, by the drummer or the phrase")
    humanise = Float(0.15, 0.0, 1.0, group="Sound", help="Looseness of time and touch (pitched models)")
    feel = Float(0.0, 0.0, 1.0, group="Sound",
                 help="Drums: from their model's own dynamics and timing to those of the feel model")
    feel_model = Model("house_feel", architecture=FEEL, group="Sound", live=True, applies={"feel": True},
                       help="Whose feel it is: see train humanise")
    instrument = Choice("as the player chooses", tuple(INSTRUMENTS), group="Sound", live=False,
                        help="General MIDI instruments of the voices")
    programs = Text("", group="Sound", live=False,
                    help="General MIDI programs by channel, as 0=52 1=48; set over the instrument")
    channel = Int(0, 0, 15, group="Sound", help="Channel of the first voice; drums are always on channel 9")
    kit = Choice("general midi", ("general midi", "as played"), group="Sound",
                 help="general midi: every pad sounds on every kit; as played: also the rims and edges of the original")

    def setup(self, ctx: Context) -> None:
        self.improviser, self.drums = improviser_of(ctx.model(self.model), self.seed, self.precision)
        self.vocabulary = self.improviser.vocabulary
        self.joined = ""
        self.made = object()  # branches of another model are of no use
        self.given: list[Notes] = []
        self.watching, self.pieces, self.fresh = False, 0, True
        self.watched: Watched = []
        self.past: deque[tuple[Notes, Any, Any]] = deque(maxlen=KEPT)
        self.touch_rng = np.random.default_rng([self.seed, 1])
        self.waiting: list[VoiceNote] = []
        self.sounding: dict[tuple[int, int], float] = {}
        self.start = self.origin = 0.0
        self.done = False
        self._begin(ctx)
        if self.primer:
            self._prime(ctx)
        self._set_melody(ctx)

    def _begin(self, ctx: Context) -> None:
        """Open a piece: choose its label, and the keynote of the scale."""
        labels = self.vocabulary.labels
        keyed = self.keyed = bool(labels) and labels[0].partition(" ")[0] in KEYS
        rng = np.random.default_rng([self.seed, 2, round(self.start)])
        root, label = self.root, self.style.strip()
        if keyed and not label:
            minor = 4 not in SCALES[self.scale] if self.scale != "off" else bool(rng.random() < 0.5)
            common = ("C", "D", "Eb", "E", "F", "G", "A", "Bb") if not minor else ("C", "D", "E", "F#", "G", "A", "B")
            root = root if root != "any" else str(rng.choice(common))
            label = f"{root} {'minor' if minor else 'major'}"
        elif labels and not label and not self.primer:
            label = str(rng.choice([name for name in labels if name != "fill"]))
        if root == "any":
            root = label.partition(" ")[0] if keyed else "C"
        self._open(ctx, label, KEYS.index(root) if root in KEYS else 0)

    def _open(self, ctx: Context, label: str, keynote: int) -> None:
        """Open a piece with ``label``. What is heard lies ``moved`` semitones above what a model of one key plays."""
        labels, self.moved, known = self.vocabulary.labels, 0, label
        if label and label not in labels:
            shift = way_to(label, labels)
            if shift is None:
                near = ", ".join(labels[:24]) or "none"
                ctx.notice(f"style: the model has no label {label!r}; it has: {near}")
            else:
                self.moved, known = -shift, transposed(label, shift)
        self.home = SCALES["melodic minor" if label.endswith("minor") else "major"]
        self.keynote = (keynote - self.moved) % 12  # as the model sees it
        self.improviser.begin(known)
        self.label = label
        self.origin = self.start

    @property
    def lift(self) -> int:
        """Semitones from what the model plays to what is heard."""
        return 0 if self.drums else int(self.transpose) + self.moved

    def _prime(self, ctx: Context) -> None:
        song = read_midi(self.primer)
        words = self.vocabulary
        beats = min(self.primer_bars * self._bar(ctx), max(1, int(np.ceil(song.length - 1e-6))))
        beats = -(-beats // words.bar) * words.bar
        given = [n for n in voiced(song, words.voices, drums=self.drums) if n.start < beats]
        if self.keyed and not self.style.strip() and self.root == "any" and given:  # a piece goes on in its own key
            label = key_of([Note(n.pitch, 80, n.start, n.duration) for n in given])
            self._open(ctx, label, KEYS.index(label.partition(" ")[0]))
        given = [replace(n, pitch=n.pitch - self.lift) for n in given]
        heard = self.improviser.read(given, beats)
        if len(heard) < len(given):
            ctx.notice(f"primer: {len(given) - len(heard)} of {len(given)} notes are outside what the model knows")
        for line in song.repairs:
            ctx.notice(f"primer: {line}")
        if self.play_primer:
            heard = [replace(note, pitch=note.pitch + self.moved) for note in heard]
            self.waiting += [shaped(note, self._touch(ctx), self.touch_rng) for note in heard]
        else:
            self.origin = -float(beats)

    def step(self, ctx: Context) -> Notes:
        begin_anew = self._heed(ctx.wishes)
        if self.given:
            return self._shown(ctx, self.given.pop(0), 0.0, 0.0)
        if self.done:
            raise Finished
        if self.restart or begin_anew:
            self._begin(ctx)
            if self.melody:
                self.start, self.pieces = 0.0, self.pieces + 1
                self._set_melody(ctx)
        self._join(ctx)
        self.watching = ctx.exposes
        if self.harmony:
            return self._shown(ctx, self._harmony_block(ctx), 0.0, 0.0)
        begin, block = self.start, self.taking_turns(ctx)
        return self._shown(ctx, self._block(ctx) if block is None else block, begin, self.start)

    def _join(self, ctx: Context) -> None:
        """Let the second model play along as much as it is wished."""
        if self.second != self.joined:
            self.joined = self.second
            network = network_of(ctx, self.second, self.model, self.vocabulary) if self.second else None
            self.improviser.join(network, precision="int8" if self.precision == "int8" else "float32")
        self.improviser.mix(self.mix)

    # --- for the view ---

    def fork(self) -> MidiSequencer:
        """Another player that has played the same; what one plays on changes nothing in the other."""
        made = copy.copy(self)
        made.improviser, made.touch_rng = self.improviser.twin(), copy.deepcopy(self.touch_rng)
        made.waiting, made.sounding, made.given = list(self.waiting), dict(self.sounding), list(self.given)
        made.watched, made.past = [], deque(maxlen=KEPT)
        return made

    def _heed(self, wishes: dict[str, Any]) -> bool:
        """Go to where the view wants it to be; whether a new piece is to begin there."""
        fresh, self.fresh = self.fresh, False
        if fresh:
            return False  # it begins anyway, perhaps with a primer
        branch, option = wishes.get("resume"), wishes.get("take")
        if isinstance(option, Option) and option.end.made is self.made:
            self._adopt(option.end)
            self.given = list(option.blocks)
        elif isinstance(branch, Branch) and branch.player.made is self.made:
            self._adopt(branch.player)
        if wishes.get("restart"):
            self.waiting, self.given, self.pieces = [], [], self.pieces + 1
            self.improviser.rng = np.random.default_rng([self.seed, 3, self.pieces])
            return True
        return False

    def _adopt(self, other: MidiSequencer) -> None:
        fork = other.fork()
        for name in ("improviser", "touch_rng", "waiting", "sounding", "given", "start", "origin", "done", "label",
                     "keyed", "keynote", "moved", "home", "joined", "call", "left", "turned", "felt"):
            setattr(self, name, getattr(fork, name))
        self.watched = []

    def _shown(self, ctx: Context, block: Notes, begin: float, stop: float) -> Notes:
        """Let the view see where else it could go, and what was chosen from."""
        if not ctx.exposes:
            return block
        words = self.vocabulary
        kit = GENERAL_MIDI_KIT if self.drums and self.kit == "general midi" else {}
        shift = self.lift
        heard = np.array([min(127, max(0, kit.get(int(p), int(p)) + shift)) for p in words.pitches])
        odds = chances_of(self.watched, heard, begin, stop, PACES[self.pace])
        self.watched = [item for item in self.watched if item[0] >= stop]
        self.past.append((block, Branch(self.fork(), ctx.bpm, ctx.beats_per_bar), odds))
        ctx.expose("branches", tuple((made, branch) for made, branch, _ in self.past))
        ctx.expose("chances", tuple((made, *odds) for made, _, odds in self.past))
        ctx.expose("label", self.label)
        ctx.expose("drums", self.drums)
        if not self.drums and words.voices == len(VOICES):
            ctx.expose("voices", {channel_of(self.channel, voice): name for voice, name in enumerate(VOICES)})
        return block

    # --- playing ---

    def _block(self, ctx: Context) -> Notes:
        bar = self._bar(ctx)
        size = float(bar if self.block == "bar" else 1)
        stop = self.start + size
        pace = PACES[self.pace]
        # an early note of the next bar sounds in this one: look one step ahead where the model knows micro-timing
        ahead = stop + (1.0 / self.vocabulary.grid if len(self.vocabulary.offsets) > 1 else 0.0)
        ended = False
        while not ended and self.origin + self.improviser.now < ahead:
            self._play(ctx, ahead, bar)
            if self.improviser.ended:
                if self.bars:
                    ended = True
                else:
                    self._go_on(ctx, bar)
        now = [n for n in self.waiting if n.start < stop or ended]
        self.waiting = [n for n in self.waiting if not (n.start < stop or ended)]
        begin = self.start
        if ended or (self.bars and begin + size >= (self.bars + OVERTIME) * bar):
            self.done = True
            now = self._last(now, begin + size) if not self.drums else now
        notes = [
            replace(n, start=(n.start - begin) * pace, duration=n.duration * pace) for n in self._heard(now, begin)
        ]
        length = size * pace
        if self.done and notes:
            length = max(length, np.ceil(max(n.start + n.duration for n in notes)))
        self.start += size
        return Notes(tuple(notes), float(length))

    def _heard(self, notes: list[VoiceNote], begin: float) -> list[Note]:
        """On their channels; none starts before this block, or where its key still sounds from an earlier one."""
        made = untangled(played(
            [replace(n, start=max(n.start, begin)) for n in notes], drums=self.drums, channel=self.channel,
            kit=self.kit == "general midi", shift=self.transpose,
        ))
        self.sounding = {key: end for key, end in self.sounding.items() if end > begin}
        result = []
        for note in made:
            start = max(note.start, self.sounding.get((note.channel, note.pitch), 0.0))
            if note.start + note.duration - start >= SHORTEST:
                result.append(replace(note, start=start, duration=note.start + note.duration - start))
        for note in result:
            self.sounding[note.channel, note.pitch] = note.start + note.duration
        return result

    def _play(self, ctx: Context, ahead: float, bar: int) -> None:
        words, place = self.vocabulary, self.origin + self.improviser.now
        closing = self.bars > 0 and place >= (self.bars - 1) * bar
        scale = SCALES[self.scale] if self.lock and not self.drums else SCALES["off"]
        if closing and self.keyed and len(scale) == 12:
            scale = self.home  # free music comes home in its key
        classes = frozenset((self.keynote + self.lift + step) % 12 for step in scale)
        limits = Limits(
            classes, 0 if self.drums else min(self.low, self.high), 127 if self.drums else max(self.low, self.high),
            self.notes_per_beat, self.polyphony, self.full, self.lift,
        )
        sampling = Sampling(self.temperature, self.top_k, self.nucleus, self.repetition_penalty, shortest=12)
        candidates, judge, wish = self.candidates, _indifferent, 0.0
        earliest = float(self.bars * bar - 2 if self.bars else 8 * bar)
        if self.keyed and place - self.origin < 1e-6:  # a piece begins at home: several first chords are tried
            ahead, candidates, judge = min(ahead, place + 1.0), max(8, candidates), self._opening
        elif closing:  # the whole ending at once: it has to come home
            ahead, candidates = float((self.bars + OVERTIME) * bar), max(16, candidates)
            judge, wish = self._closing, 1.5
        self.improviser.watch = [] if self.watching else None
        notes = self.improviser.play(
            ahead - self.origin, sampling, limits, candidates=candidates, check=ctx.check, judge=judge,
            wish_to_end=wish, may_end=lambda beat: self.origin + beat >= earliest and beat >= 4 * words.bar,
        )
        if self.improviser.watch:
            self.watched += [(beat + self.origin, odds) for beat, odds in self.improviser.watch]
        touch = self._touch(ctx)
        notes = self._felt(ctx, notes, bar) if self.drums else notes
        self.waiting += [
            shaped(replace(n, pitch=n.pitch + self.moved, start=n.start + self.origin), touch, self.touch_rng)
            if not self.drums else replace(self._hit(n, touch), start=n.start + self.origin) for n in notes
        ]

    def _go_on(self, ctx: Context, bar: int) -> None:
        """The piece is over and there is no last bar: a new one begins at the next bar line."""
        finish = max([self.origin + self.improviser.now + 1.0, *(n.start + n.duration for n in self.waiting)])
        keep, self.start = self.start, float(-(-finish // bar) * bar)
        self._begin(ctx)
        self.start = keep

    def _touch(self, ctx: Context) -> Touch:
        return Touch(self.velocity, self.dynamics, self.humanise, len(self.vocabulary.velocities) > 1, self._bar(ctx))

    def _bar(self, ctx: Context) -> int:
        """Beats per bar: the model's, or the studio's where the model does not know."""
        return self.vocabulary.bar if self.vocabulary.bar > 1 else ctx.beats_per_bar

    @classmethod
    def export_options(cls, values: dict[str, object]) -> dict[str, object]:
        """General MIDI programs by channel for a file made with these values."""
        pairs = ", ".join(f"{channel}={program}" for channel, program in sorted(programs_of(values).items()))
        return {"programs": pairs} if pairs else {}
