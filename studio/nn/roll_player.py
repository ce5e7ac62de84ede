"""Playing from a piano-roll model: frames become voices, and a pitch that a voice keeps is one long note.

``RollImproviser`` is to a piano roll what ``improvise.Improviser`` is to events, with the same methods: the player need
not know which of the two it has.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from studio.files import short_path
from studio.nn.lstm import KEYS, LOWEST_KEY, RollMixture, RollRNN, build_roll
from studio.nn.music import KEYS as TONICS
from studio.nn.music import EventVocabulary, Limits, VoiceNote
from studio.nn.roll_sampling import Bounds, Drawn, RollSampler, read_together
from studio.nn.sampling import Sampling
from studio.nn.voicing import voiced_chord
from studio.nn.weights import ModelFile, WeightsError

LONGEST = 4
"""Most beats of a note. A note's end must be known when it begins, so this is how far the music is thought ahead."""
MAX_VOICES = 16
MAX_RATE = 24
"""Most frames per beat."""
MAX_LIFT = 127 - (LOWEST_KEY + KEYS - 1)
"""Most semitones, up or down, from the pitches that a model learned to those that are played."""
TRIADS = {"major": (0, 4, 7), "minor": (0, 3, 7)}

Chord = tuple[int | None, ...]
"""The pitch of each voice in a frame, the highest voice first; None: it rests."""


def roll_vocabulary(voices: int = 4, frames_per_beat: int = 1, lowest: int = LOWEST_KEY) -> EventVocabulary:
    """What a piano roll can say, as the player knows it from event models: every pitch from ``lowest`` on in every
    voice, all keys."""
    return EventVocabulary(
        frames_per_beat, 1, tuple((voice, key + lowest) for voice in range(voices) for key in range(KEYS)),
        tuple(range(1, LONGEST * frames_per_beat + 1)), (), (),
        tuple(f"{tonic} {mode}" for mode in TRIADS for tonic in TONICS),
    )


def load_improviser(model: ModelFile, *, seed: int = 0) -> RollImproviser:
    """The player of a model file. Raises WeightsError where it is none that can be played."""
    network, name = build_roll(model), short_path(model.path)
    if not network.spec.nade:
        raise WeightsError(
            f"{name} takes every key for itself, which makes no chords; train it again with --nade 128 to play it"
        )
    if network.spec.vocabulary != KEYS:
        raise WeightsError(f"{name} has {network.spec.vocabulary} keys, not the {KEYS} of a piano; train it again")
    voices, rate = model.config.get("voices", 4), model.config.get("frames_per_beat", 1)
    if type(voices) is not int or not 1 <= voices <= MAX_VOICES:
        raise WeightsError(f"{name} names {voices!r} voices, not 1 to {MAX_VOICES}; train it again")
    if type(rate) is not int or not 1 <= rate <= MAX_RATE:
        raise WeightsError(f"{name} names {rate!r} frames per beat, not 1 to {MAX_RATE}; train it again")
    lift = model.config.get("lift", 0)
    if type(lift) is not int or not -MAX_LIFT <= lift <= MAX_LIFT:
        raise WeightsError(f"{name} is played {lift!r} semitones higher, not {-MAX_LIFT} to {MAX_LIFT}; train it again")
    return RollImproviser(network, voices=voices, frames_per_beat=rate, lift=lift, seed=seed)


class RollImproviser:
    """A network, the frames it has played, and the notes they make. Times are beats since the start."""

    def __init__(
        self, network: RollRNN | RollMixture, *, voices: int = 4, frames_per_beat: int = 1, lift: int = 0,
        seed: int = 0,
    ) -> None:
        self.lowest = LOWEST_KEY + lift
        """The pitch that the first key is played as."""
        self.vocabulary = roll_vocabulary(voices, frames_per_beat, self.lowest)
        self.sampler = RollSampler(network)
        self.rng = np.random.default_rng(seed)
        self.watch: list[tuple[float, NDArray[np.float64]]] | None = None
        """Where a list is put here, ``play`` adds the beat and the chances of each note symbol whenever it chose."""
        self.begin("")

    def twin(self) -> RollImproviser:
        """Another improviser that has played the same: what one plays on changes nothing in the other."""
        made = self._copy()
        made.rng, made.watch = copy.deepcopy(self.rng), None
        return made

    def _copy(self) -> RollImproviser:
        made = copy.copy(self)
        made.sampler, made._chords, made._busy = self.sampler.twin(), list(self._chords), list(self._busy)
        made._marks, made.watch = dict(self._marks), None if self.watch is None else list(self.watch)
        return made

    def join(self, network: object, *, precision: str = "float32") -> None:
        """As of an event model; there is none that could join a piano roll."""

    def mix(self, amount: float) -> None:
        """As of an event model: nothing without a second one."""

    def begin(self, label: str) -> None:
        """Forget everything and open a piece; its first chord is that of the key ``label``, as ``D minor``."""
        self.sampler.reset()
        self.sampler.read(())
        tonic, _, mode = label.partition(" ")
        self._home = TRIADS.get(mode, range(12)) if tonic in TONICS else range(12)
        self._tonic = TONICS.index(tonic) if tonic in TONICS else 0
        self._chords: list[Chord] = []
        self._told = 0
        """Frames whose notes were given out; those after it are known already, for the ends of notes."""
        self._busy = [0] * self.vocabulary.voices
        """The frame from which each voice is free for another note."""
        self._last: Chord = (None,) * self.vocabulary.voices
        """What each voice sang last, rests left out."""
        self._keys: tuple[int, ...] = ()
        self._marks: dict[int, tuple[RollSampler, Chord, tuple[int, ...]]] = {}
        """What was known before each frame that is thought ahead."""
        self._final: int | None = None
        self.ended = False

    def rethink(self) -> None:
        """Forget what was thought ahead, so that the music may go another way at once; notes that were given out and
        still sound are kept."""
        mark = self._marks.get(self._told)
        if mark is not None:
            self.sampler, self._last, self._keys = mark[0].twin(), mark[1], mark[2]
            del self._chords[self._told :]
            self._marks, self._final = {}, None

    @property
    def now(self) -> float:
        """Beats played."""
        return self._told / self.vocabulary.grid

    def read(self, notes: Sequence[VoiceNote], beats: int) -> list[VoiceNote]:
        """Read ``beats`` beats of music as what has been played so far; returns what of it is on the keyboard."""
        known = [note for note in notes if 0 <= note.pitch - self.lowest < KEYS]
        for _ in range(beats * self.vocabulary.grid):
            middle = (len(self._chords) + 0.5) / self.vocabulary.grid
            sounding = {n.pitch for n in known if n.start <= middle < n.start + n.duration}
            self._take(tuple(sorted(pitch - self.lowest for pitch in sounding)), full=False)
            self.sampler.read(self._keys)
        self._told = len(self._chords)
        self._busy = [self._told] * self.vocabulary.voices
        return known

    def play(
        self, until: float, sampling: Sampling, limits: Limits, *, candidates: int = 1,
        may_end: Callable[[float], bool] = lambda beat: True, wish_to_end: float = 0.0,
        judge: Callable[[list[VoiceNote], bool], float] = lambda notes, ended: 0.0,
        check: Callable[[], None] = lambda: None,
    ) -> list[VoiceNote]:
        """Play on until everything before beat ``until`` is decided, or the piece ends (``ended``).

        With several ``candidates`` that many continuations are tried, and the one is kept that the model itself finds
        most likely (nats per choice) after adding ``judge(notes, ended)``. ``wish_to_end`` is added to the log-chance
        of the end where the piece may end.
        """
        tried = [self._copy() for _ in range(max(1, candidates))]
        nats, choices = np.zeros(len(tried)), np.zeros(len(tried))
        target = math.ceil(until * self.vocabulary.grid - 1e-9)
        known = target + self.vocabulary.durations[-1] - 1
        while active := [row for row, one in enumerate(tried) if one._final is None and len(one._chords) < known]:
            check()
            for row in active:
                drawn = tried[row]._next(sampling, limits, may_end, wish_to_end)
                nats[row], choices[row] = nats[row] + drawn.nats, choices[row] + len(drawn.keys) + 1
            going = [tried[row] for row in active if tried[row]._final is None]
            if going:
                read_together([one.sampler for one in going], [one._keys for one in going])
        notes = [one._notes(target) for one in tried]
        worth = [judge(row, one.ended) for row, one in zip(notes, tried, strict=True)]
        best = int(np.argmax(nats / np.maximum(choices, 1) + np.array(worth)))
        self.__dict__.update(tried[best].__dict__)
        return notes[best]

    def accompany(
        self, tune: Sequence[int | None], sampling: Sampling, *, rows: int = 32,
        check: Callable[[float], None] = lambda share: None,
    ) -> tuple[list[VoiceNote], float]:
        """Voices beneath a melody, in a piece that begins with it; ``tune`` is its pitch in each frame (None: all
        rest). With the notes come the nats of their frames. Raises ValueError for a pitch off the keyboard.

        ``rows`` harmonies go on side by side. Each chord is drawn with the melody's key held; a row counts the more,
        the likelier its chords are by the model (importance weights), and rows that count little make way for copies of
        the others: particles (Doucet, de Freitas and Gordon 2001, "Sequential Monte Carlo methods in practice"). So a
        chord is chosen also by what it lets follow.
        """
        if any(pitch is not None and not 0 <= pitch - self.lowest < KEYS for pitch in tune):
            raise ValueError(f"the melody leaves the range {self.lowest} to {self.lowest + KEYS - 1} of the model")
        self.begin("")
        tried, weights, nats = [self._copy() for _ in range(rows)], np.zeros(rows), np.zeros(rows)
        for frame, pitch in enumerate(tune):
            check(frame / len(tune))
            for row, one in enumerate(tried):
                keys: tuple[int, ...] = ()
                if pitch is not None:
                    key = pitch - self.lowest
                    drawn = one.sampler.draw(self.rng, sampling, Bounds(
                        allowed=np.arange(KEYS) < key, most=self.vocabulary.voices, held=frozenset({key})))
                    keys, weights[row] = drawn.keys, weights[row] + drawn.nats - drawn.drawn
                    nats[row] -= drawn.nats
                one._take(keys, full=True)
            read_together([one.sampler for one in tried], [one._keys for one in tried])
            shares = np.exp(weights - weights.max())
            shares /= shares.sum()
            if 1.0 / (shares**2).sum() < rows / 2:
                chosen = np.searchsorted(np.cumsum(shares), (np.arange(rows) + self.rng.random()) / rows)
                chosen = np.minimum(chosen, rows - 1)
                tried, weights, nats = [tried[int(row)]._copy() for row in chosen], np.zeros(rows), nats[chosen]
        # a piece ends here: how likely silence is after each of them
        weights += [one.sampler.draw(self.rng, sampling, Bounds(most=0)).nats for one in tried]
        best = int(np.argmax(weights))
        self.__dict__.update(tried[best].__dict__)
        return [note for note in self._notes(len(tune)) if note.voice], float(nats[best])

    def _next(
        self, sampling: Sampling, limits: Limits, may_end: Callable[[float], bool], wish_to_end: float
    ) -> Drawn:
        """Draw a frame and take it; where nothing sounds in it the piece is over."""
        place = len(self._chords)
        end = place > 0 and may_end(place / self.vocabulary.grid)
        heard = np.arange(KEYS) + self.lowest + limits.shift
        classes = np.isin(heard % 12, list(limits.pitch_classes))
        if place == 0:
            own = np.isin((heard - limits.shift - self._tonic) % 12, list(self._home))
            classes = classes & own if (classes & own).any() else classes
        fresh = np.ones(KEYS, np.bool_)
        fresh[list(self._keys)] = False
        self._marks[place] = self.sampler.twin(), self._last, self._keys
        held = {pitch - self.lowest for pitch, end in zip(self._last, self._busy, strict=True)
                if pitch is not None and end > place}
        end = end and not held
        begun = sum(place // self.vocabulary.grid == start // self.vocabulary.grid for start in self._starts(place))
        drawn = self.sampler.draw(self.rng, sampling, Bounds(
            allowed=classes & (heard >= limits.low) & (heard <= limits.high), least=0 if end else 1,
            most=min(limits.polyphony, self.vocabulary.voices), fresh=fresh,
            most_fresh=max(0, limits.per_beat - begun), silence=wish_to_end if end else 0.0, held=frozenset(held),
        ))
        if self.watch is not None:
            room = np.zeros(len(self.vocabulary.notes) - KEYS)
            self.watch += [(place / self.vocabulary.grid, np.append(odds, room)) for odds in drawn.odds]
        if not drawn.keys and end:
            self._final = place
        else:
            self._take(drawn.keys, full=limits.full and limits.polyphony >= self.vocabulary.voices)
        return drawn

    def _starts(self, place: int) -> list[int]:
        """The frames of the beat of ``place`` in which a key began, once for each such key."""
        first = place - place % self.vocabulary.grid
        begun = []
        for frame in range(first, place):
            before = set(self._chords[frame - 1]) if frame else set()
            begun += [frame] * len({pitch for pitch in self._chords[frame] if pitch is not None} - before)
        return begun

    def _take(self, keys: tuple[int, ...], *, full: bool) -> None:
        """Go on by a frame in which these keys sound; the network has to read it yet."""
        pitches = [key + self.lowest for key in keys]
        # what was read may have more pitches than there are voices: the outer ones are heard best
        while len(pitches) > self.vocabulary.voices:
            del pitches[len(pitches) // 2]
        chord = voiced_chord(pitches, self._last, full=full)
        self._last = tuple(last if pitch is None else pitch for pitch, last in zip(chord, self._last, strict=True))
        self._chords.append(chord)
        self._keys = keys

    def _notes(self, target: int) -> list[VoiceNote]:
        """The notes that begin before frame ``target``, or before the end; they count as given out."""
        stop = target if self._final is None else min(target, self._final)
        rate, longest, notes = self.vocabulary.grid, self.vocabulary.durations[-1], []
        for frame in range(self._told, stop):
            for voice, pitch in enumerate(self._chords[frame]):
                if pitch is None or self._busy[voice] > frame:
                    continue
                finish = frame + 1
                while finish < min(len(self._chords), frame + longest) and self._chords[finish][voice] == pitch:
                    finish += 1
                self._busy[voice] = finish
                notes.append(VoiceNote(voice, pitch, frame / rate, (finish - frame) / rate))
        self._told = max(self._told, stop)
        self._marks = {frame: mark for frame, mark in self._marks.items() if frame >= self._told}
        self.ended = self._final is not None and self._told >= self._final
        return notes
