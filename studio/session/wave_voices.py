"""What one player plays where there is no sound-font player: the studio's own voices, rendered as whole waves.

A thread renders, because a wave takes milliseconds; the mixer puts it where it belongs.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections import OrderedDict
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from studio.devices.mixer import Mixer
from studio.engine.threads import spawn
from studio.export.drums import HATS, OPEN_HATS, drum
from studio.export.synth import drum_send, placed, voice_send
from studio.export.voices import Voice, strings, voice_for

DRUMS = 9
LONGEST = 6.0
"""Seconds that a key sounds at most."""
RELEASE = 0.22
_CACHE_BYTES = 128 * 2**20
_TOUCHES = 12


class Renderer:
    """One thread that makes waves for all players, in the order in which they are heard."""

    def __init__(self) -> None:
        self._jobs: list[tuple[int, int, Callable[[], object]]] = []
        self._numbers = itertools.count()
        self._condition = threading.Condition()
        self._closed = False
        self._cache: OrderedDict[tuple[Voice, int, int, int], NDArray[np.float32]] = OrderedDict()
        self._bytes = 0
        self.thread = spawn("reverie voices", self._work, self.close)

    def submit(self, due: int, work: Callable[[], object]) -> None:
        """Do ``work`` before what is due later."""
        with self._condition:
            heapq.heappush(self._jobs, (due, next(self._numbers), work))
            self._condition.notify()

    def close(self) -> None:
        """End; what waits is forgotten."""
        with self._condition:
            self._closed = True
            self._jobs.clear()
            self._condition.notify()

    def wave(self, voice: Voice, pitch: int, velocity: int, rate: int) -> NDArray[np.float32]:
        """A voice's sound for a key that is held, from the cache where it is there."""
        touch = max(1, round(velocity / 127.0 * _TOUCHES))
        key = voice, pitch, touch, rate
        wave = self._cache.get(key)
        if wave is not None:
            self._cache.move_to_end(key)
            return wave
        wave = voice(440.0 * 2.0 ** ((pitch - 69) / 12.0), LONGEST, touch / _TOUCHES, rate)
        self._cache[key] = wave
        self._bytes += wave.nbytes
        while self._bytes > _CACHE_BYTES:
            self._bytes -= self._cache.popitem(last=False)[1].nbytes
        return wave

    def _work(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._jobs or self._closed)
                if self._closed:
                    return
                _, _, work = heapq.heappop(self._jobs)
            work()


class WaveVoices:
    """One player's notes into a mixer; the same methods as ``devices.soundfont.FontVoices``."""

    def __init__(self, mixer: Mixer, player: str, renderer: Renderer) -> None:
        self._mixer, self._player, self._renderer = mixer, player, renderer
        self._programs: dict[int, Voice] = {}
        self._takes = itertools.count()
        self._epoch = 0

    def note_on(self, channel: int, pitch: int, velocity: int, sample: int) -> None:
        """Begin a note at a sample."""
        mixer, player, epoch = self._mixer, self._player, self._epoch
        voice = self._programs.get(channel, strings)

        def render() -> None:
            if epoch != self._epoch:
                return
            if channel == DRUMS:
                if pitch in HATS or pitch in OPEN_HATS:
                    mixer.choke(player, "open", sample)
                mixer.add(player, drum(pitch, velocity / 127.0, mixer.rate, take=next(self._takes)), sample,
                          send=drum_send(pitch), tag="open" if pitch in OPEN_HATS else "")
                return
            wave = self._renderer.wave(voice, pitch, velocity, mixer.rate)
            mixer.add(player, placed(wave, pitch, channel), sample, send=voice_send(voice), tag=f"{channel} {pitch}")

        self._renderer.submit(sample, render)

    def note_off(self, channel: int, pitch: int, sample: int) -> None:
        """End one; drums ring out."""
        if channel != DRUMS:
            self._renderer.submit(sample, lambda: self._mixer.choke(
                self._player, f"{channel} {pitch}", sample, RELEASE))

    def control(self, channel: int, number: int, value: int, sample: int) -> None:
        """These voices have no controllers."""

    def program(self, channel: int, number: int, sample: int) -> None:
        """Choose the voice nearest to a General MIDI program."""
        self._programs[channel] = voice_for(number)

    def quiet(self) -> None:
        """End everything now; forget what waits."""
        self._epoch += 1
        self._mixer.stop(self._player)
