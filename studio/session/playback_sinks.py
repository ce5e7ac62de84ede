"""Where played notes go: the built-in synth, a MIDI port, or nowhere. One small interface for all of them.

Times are seconds of ``time.perf_counter``; a note is handed over ``HORIZON`` seconds before it begins. What
the conductor plays (``Conducted``) is handed over a bar ahead, in beats.
"""

from __future__ import annotations

import functools
import heapq
import itertools
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from studio.devices.conductor.client import Conductor
from studio.devices.mixer import Mixer
from studio.devices.sound import SoundOutput
from studio.engine.threads import spawn
from studio.export.drums import HATS, OPEN_HATS, drum
from studio.export.midi import DRUM_CHANNEL
from studio.export.synth import drum_send, hall_response, placed, voice_send
from studio.export.voices import Voice, piano, strings, voice_for
from studio.media import Audio, Note

HORIZON = 0.3
"""Seconds before its time that a note is handed to a sink: more than is mixed ahead and waits in the device."""
LOUDNESS = 0.48
"""Gain before the limiter: four voices at middle velocity come to about -19 dB."""
MOST_SECONDS = 20.0
"""Longest note that is played (seconds): a player that forgets an end cannot hold a key forever."""
_CACHE_BYTES = 96 * 2**20


class Sink(Protocol):
    """What a player plays into."""

    def prepare(self, player: str, notes: Sequence[Note], bpm: float, programs: Mapping[int, int]) -> None:
        """Notes that will be played soon: what takes time can be done now."""

    def play(self, player: str, note: Note, at: float, seconds: float, programs: Mapping[int, int]) -> None:
        """Begin ``note`` at ``at`` and end it ``seconds`` later."""

    def quiet(self, player: str | None = None) -> None:
        """End all notes of a player, or of all; forget what has not begun."""


class Silence:
    """Takes everything, sounds nothing."""

    def prepare(self, player: str, notes: Sequence[Note], bpm: float, programs: Mapping[int, int]) -> None: ...

    def play(self, player: str, note: Note, at: float, seconds: float, programs: Mapping[int, int]) -> None: ...

    def quiet(self, player: str | None = None) -> None: ...


class Conducted:
    """An output of the conductor's process. It knows the clock, so what was planned follows a new tempo by itself."""

    def __init__(self, conductor: Conductor, out: str) -> None:
        self.conductor, self.out = conductor, out

    def prepare(self, player: str, notes: Sequence[Note], bpm: float, programs: Mapping[int, int]) -> None:
        """Nothing takes time here."""

    def play(self, player: str, note: Note, at: float, seconds: float, programs: Mapping[int, int]) -> None:
        """A note at a time, outside the music's beats."""
        self.conductor.plan_at(self.out, player, note.channel, note.pitch, note.velocity, at, seconds,
                               programs.get(note.channel, -1))

    def plan(self, player: str, note: Note, beat: float, programs: Mapping[int, int]) -> None:
        """A note on a beat of the clock."""
        self.conductor.plan(self.out, player, note.channel, note.pitch, note.velocity, beat, beat + note.duration,
                            programs.get(note.channel, -1))

    def forget(self, player: str, beat: float) -> None:
        """Take back what begins on the beat or later."""
        self.conductor.forget(self.out, player, beat)

    def quiet(self, player: str | None = None) -> None:
        """End all notes of a player, or of all."""
        self.conductor.quiet(self.out, player)


class VoiceChoice:
    """Which voice plays a channel that has no program: strings when its notes are long, else an electric piano."""

    def __init__(self) -> None:
        self._lengths: dict[tuple[str, int], float] = {}

    def voice(self, player: str, channel: int, seconds: float, programs: Mapping[int, int]) -> Voice:
        """The voice for a note of ``seconds``; it changes only when the notes clearly do."""
        if channel in programs:
            return voice_for(programs[channel])
        key = player, channel
        known = self._lengths.get(key)
        mean = seconds if known is None else known + 0.1 * (seconds - known)
        self._lengths[key] = mean
        return strings if mean >= 0.4 else piano


class Synth:
    """The built-in synth: voices are rendered by a thread, ahead of time, and mixed by the sound output's."""

    def __init__(self, *, device: str = "", told: Callable[[str, str], None] | None = None) -> None:
        self.output = SoundOutput(self.make_mixer, device=device, told=told)
        self.late = 0
        self._levels: dict[str, float] = {}
        self._choice = VoiceChoice()
        self._cache: OrderedDict[Any, NDArray[np.float32]] = OrderedDict()
        self._bytes = 0
        self._jobs: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = itertools.count()
        self._condition = threading.Condition()
        self._closed = False
        self._epochs: dict[str, int] = {}
        self._thread: threading.Thread | None = None

    def make_mixer(self, rate: int) -> Mixer:
        """A mixer for a device of ``rate`` Hz, with the levels that were set."""
        mixer = Mixer(rate, hall=hall_response(rate), gain=LOUDNESS)
        for player, level in self._levels.items():
            mixer.set_level(player, level)
        return mixer

    def start(self) -> None:
        """Open the sound output and begin to render; returns at once."""
        if self._thread is None or not self._thread.is_alive():
            self._closed = False
            self._thread = spawn("reverie voices", self._work, self._end)
            self.output.start()

    def close(self) -> None:
        """End the threads; the device is let go."""
        self.output.close()
        self._end()

    def set_level(self, player: str, level: float) -> None:
        """Loudness of a player, 0..2."""
        self._levels[player] = level
        if self.output.mixer is not None:
            self.output.mixer.set_level(player, level)

    # --- the sink ---

    def prepare(self, player: str, notes: Sequence[Note], bpm: float, programs: Mapping[int, int]) -> None:
        """Render what is not in the cache, in the order in which it will be heard."""
        if not self.output.running:
            return
        rate, now = self._rate, time.perf_counter()
        for note in notes:
            if note.channel != DRUM_CHANNEL:
                seconds = note.duration * 60.0 / bpm
                voice = self._choice.voice(player, note.channel, seconds, programs)
                work = functools.partial(self._wave, voice, note, seconds, rate)
                self._submit(now + 0.5 + note.start * 60.0 / bpm, work)

    def play(self, player: str, note: Note, at: float, seconds: float, programs: Mapping[int, int]) -> None:
        """Put a note into the mixer at its sample."""
        output = self.output
        mixer = output.mixer
        if mixer is None or not output.running:
            return
        rate, sample, epoch = mixer.rate, output.sample_at(at), self._epochs.get(player, 0)
        seconds = min(seconds, MOST_SECONDS)
        drums = note.channel == DRUM_CHANNEL
        voice = None if drums else self._choice.voice(player, note.channel, seconds, programs)

        def render() -> None:
            if self._epochs.get(player, 0) != epoch or self.output.mixer is not mixer:
                return
            if voice is None:
                wave = drum(note.pitch, note.velocity / 127.0, rate, take=next(self._numbers))
                if note.pitch in HATS or note.pitch in OPEN_HATS:
                    mixer.choke(player, "open", sample)
                mixer.add(player, wave, sample, send=drum_send(note.pitch),
                          tag="open" if note.pitch in OPEN_HATS else "")
            else:
                wave = self._wave(voice, note, seconds, rate)
                self.late += sample < mixer.position
                mixer.add(player, placed(wave, note.pitch, note.channel), sample, send=voice_send(voice))

        self._submit(at, render)

    def sound(self, player: str, audio: Audio, at: float) -> None:
        """Play samples as they are, at the device's rate."""
        mixer = self.output.mixer
        if mixer is None or not self.output.running:
            return
        sample = self.output.sample_at(at)
        self._submit(at, lambda: mixer.add(player, _stereo(audio, mixer.rate), sample))

    def quiet(self, player: str | None = None) -> None:
        """Fade what sounds."""
        for name in [player] if player is not None else list(self._epochs) + list(self._levels):
            self._epochs[name] = self._epochs.get(name, 0) + 1
        if self.output.mixer is not None:
            self.output.mixer.stop(player)

    # --- rendering ---

    @property
    def _rate(self) -> int:
        mixer = self.output.mixer
        return mixer.rate if mixer is not None else 48_000

    def _wave(self, voice: Voice, note: Note, seconds: float, rate: int) -> NDArray[np.float32]:
        """A voice's sound, from the cache where one of nearly this length and touch is there."""
        length = math.exp(round(math.log(max(0.02, min(seconds, MOST_SECONDS))) * 40.0) / 40.0)
        touch = round(note.velocity / 4) * 4 / 127.0
        key = voice, note.pitch, round(length * 1000), touch, rate
        wave = self._cache.get(key)
        if wave is not None:
            self._cache.move_to_end(key)
            return wave
        wave = voice(440.0 * 2.0 ** ((note.pitch - 69) / 12.0), length, touch, rate)
        self._cache[key] = wave
        self._bytes += wave.nbytes
        while self._bytes > _CACHE_BYTES:
            self._bytes -= self._cache.popitem(last=False)[1].nbytes
        return wave

    def _submit(self, due: float, work: Callable[[], object]) -> None:
        with self._condition:
            heapq.heappush(self._jobs, (due, next(self._numbers), work))
            self._condition.notify()

    def _end(self) -> None:
        with self._condition:
            self._closed = True
            self._condition.notify()

    def _work(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._jobs or self._closed)
                if self._closed:
                    self._jobs.clear()
                    return
                _, _, work = heapq.heappop(self._jobs)
            work()


def _stereo(audio: Audio, rate: int) -> NDArray[np.float32]:
    """Any sound as ``(samples, 2)`` at ``rate``."""
    samples = audio.samples
    sides = np.repeat(samples, 2, axis=1) if samples.shape[1] == 1 else samples[:, :2]
    if audio.rate != rate and len(sides):
        count = max(1, round(len(sides) * rate / audio.rate))
        places = np.arange(count) * (audio.rate / rate)
        sides = np.stack([np.interp(places, np.arange(len(sides)), sides[:, c]) for c in (0, 1)], axis=1)
    return np.ascontiguousarray(sides, np.float32)
