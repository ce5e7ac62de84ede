"""The built-in synth: players' voices, one mixer with its hall and limiter, one sound output.

The voices are a native sound-font player's (``devices.soundfont``) where it is installed, else the studio's own
(``wave_voices``). It lives in the conductor's process; a script may use one as well.
"""

from __future__ import annotations

import mmap
import threading
from pathlib import Path
from typing import Any

import numpy as np

from studio.devices.mixer import Mixer
from studio.devices.sound import LEAD, SoundOutput
from studio.devices.sound_tap import SoundRing, ring_bytes
from studio.devices.soundfont import Font, FontProblem, FontVoices
from studio.export.soundfont.make import house_font
from studio.export.synth import hall_response
from studio.media import Audio
from studio.session.wave_voices import Renderer, WaveVoices

LOUDNESS = 0.9
"""Gain before the limiter: four voices at middle velocity come to about -20 dB."""
WAVE_LOUDNESS = 0.48
"""The same for the studio's own voices."""
Voices = FontVoices | WaveVoices


class SynthEngine:
    """Notes with their times in, sound out. Any thread may call; nothing here takes longer than an event's place in a
    queue, except ``__init__`` and ``close``.

    ``device`` is an output by name, '' the system's choice; ``font`` a path, '' the house font, 'none' our own voices.
    """

    def __init__(self, device: str = "", font: str = "") -> None:
        self.state: tuple[bool, str, str] = (False, "", "")
        self.missing = ""
        """Why the sound font is not played, with the cure; '' where it is."""
        self._font = self._load(font)
        self._lock = threading.Lock()
        self._voices: dict[str, Voices] = {}
        self._levels: dict[str, float] = {}
        self._mixer: Mixer | None = None
        self._renderer: Renderer | None = None
        self._tap: mmap.mmap | None = None
        self.output = SoundOutput(self.make_mixer, device=device, told=self._told)

    def _load(self, font: str) -> Font | None:
        if font == "none":
            return None
        try:
            return Font(Path(font) if font else house_font())
        except FontProblem as error:
            self.missing = f"{error}; our own voices play instead. {error.cure}".strip()
            return None

    @property
    def player(self) -> str:
        """What makes the sound: ``sound font`` or ``own voices``."""
        return "sound font" if self._font is not None else "own voices"

    def start(self) -> None:
        """Open the output, on a thread of its own."""
        self.output.start()

    def make_mixer(self, rate: int) -> Mixer:
        """A mixer for a device of ``rate`` Hz with all levels; what was planned for the one before is forgotten."""
        mixer = Mixer(rate, hall=hall_response(rate), gain=LOUDNESS if self._font is not None else WAVE_LOUDNESS)
        with self._lock:
            for player, level in self._levels.items():
                mixer.set_level(player, level)
            self._mixer, self._voices = mixer, {}
        return mixer

    # --- notes ---

    def note_on(self, player: str, channel: int, pitch: int, velocity: int, at: float) -> None:
        """Begin a note at a time of ``perf_counter``."""
        if (voices := self._of(player)) is not None:
            voices.note_on(channel, pitch, velocity, self.output.sample_at(at))

    def note_off(self, player: str, channel: int, pitch: int, at: float) -> None:
        """End one."""
        if (voices := self._of(player)) is not None:
            voices.note_off(channel, pitch, self.output.sample_at(at))

    def control(self, player: str, channel: int, number: int, value: int, at: float) -> None:
        """Move a controller."""
        if (voices := self._of(player)) is not None:
            voices.control(channel, number, value, self.output.sample_at(at))

    def program(self, player: str, channel: int, number: int, at: float) -> None:
        """Choose a General MIDI voice for a channel."""
        if (voices := self._of(player)) is not None:
            voices.program(channel, number, self.output.sample_at(at))

    def sound(self, player: str, audio: Audio, at: float) -> None:
        """Play samples as they are."""
        mixer = self._mixer
        if mixer is not None and self.output.running:
            mixer.add(player, stereo(audio, mixer.rate), self.output.sample_at(at))

    def quiet(self, player: str | None = None) -> None:
        """End everything of a player, or of all, and forget what waits."""
        with self._lock:
            voices = [made for name, made in self._voices.items() if player in (None, name)]
            mixer = self._mixer
        for made in voices:
            made.quiet()
        if mixer is not None:
            mixer.stop(player)

    def level(self, player: str, gain: float) -> None:
        """Loudness of a player, 0..2, along a ramp."""
        with self._lock:
            self._levels[player] = gain
            if self._mixer is not None:
                self._mixer.set_level(player, gain)

    def _of(self, player: str) -> Voices | None:
        mixer = self._mixer
        if mixer is None:
            return None
        with self._lock:
            made = self._voices.get(player)
            if made is None:
                if self._font is not None:
                    made = FontVoices(self._font, mixer.rate)
                    mixer.attach(player, made)
                else:
                    self._renderer = self._renderer or Renderer()
                    made = WaveVoices(mixer, player, self._renderer)
                self._voices[player] = made
            return made

    # --- the output ---

    def choose(self, device: str) -> None:
        """Go over to another output."""
        self.output.choose(device)

    def tap(self, path: str) -> None:
        """Keep what is played in a file of ``sound_tap.ring_bytes`` that another process maps too; '' ends it."""
        self.output.tap = None
        if path:
            with Path(path).open("r+b") as file:
                self._tap = mmap.mmap(file.fileno(), ring_bytes())
            self.output.tap = SoundRing(self._tap)

    @property
    def lead(self) -> float:
        """Seconds before its time that an event has to come: more than is mixed ahead and waits in the device."""
        return LEAD + max(0.1, self.output.latency) + 0.06

    def figures(self) -> dict[str, Any]:
        """What is worth showing."""
        output, mixer = self.output, self._mixer
        return {
            "device": output.name, "latency": round(output.latency, 4), "missed": output.missed,
            "rate": mixer.rate if mixer is not None else 0, "peak": round(mixer.peak, 4) if mixer is not None else 0.0,
            "player": self.player, "missing": self.missing,
        }

    def look(self) -> None:
        """Say whether it sounds, in ``state``."""
        if self.output.running:
            self.state = (True, "", "")
        elif self.state[0]:
            self.state = (False, self.output.reason or "the sound output is being opened", "")

    def _told(self, reason: str, cure: str) -> None:
        if reason:
            self.state = (False, reason, cure)

    def close(self, seconds: float = 0.4) -> None:
        """End; the device is let go."""
        self.output.close(seconds)
        if self._renderer is not None:
            self._renderer.close()


def stereo(audio: Audio, rate: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Any sound as ``(samples, 2)`` at ``rate``."""
    samples = audio.samples
    sides = np.repeat(samples, 2, axis=1) if samples.shape[1] == 1 else samples[:, :2]
    if audio.rate != rate and len(sides):
        count = max(1, round(len(sides) * rate / audio.rate))
        places = np.arange(count) * (audio.rate / rate)
        sides = np.stack([np.interp(places, np.arange(len(sides)), sides[:, c]) for c in (0, 1)], axis=1)
    return np.ascontiguousarray(sides, np.float32)
