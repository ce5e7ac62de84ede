"""The synth as an instrument of the conductor's process (``devices.conductor.outputs``), which finds it by its name.

``make`` returns at once: numpy, the sound font and the sound system are loaded by a thread, and until they are there
the instrument says that it does not sound.
"""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.devices.conductor.outputs import OutputError

if TYPE_CHECKING:
    from studio.session.synth_engine import SynthEngine

OPENING = (False, "", "")


class ConductedSynth:
    """See ``outputs.Instrument``. Settings: ``device`` (an output's name), ``font`` (a path), ``tap`` (a path)."""

    shared = False

    def __init__(self, settings: dict[str, Any]) -> None:
        self._settings = dict(settings)
        self._engine: SynthEngine | None = None
        self._levels: dict[str, float] = {}
        self._failed: tuple[bool, str, str] | None = None
        self._closed = False
        threading.Thread(target=self._load, name="reverie synth", daemon=True).start()

    def _load(self) -> None:
        try:
            from studio.session.synth_engine import SynthEngine

            engine = SynthEngine(str(self._settings.get("device", "")), str(self._settings.get("font", "")))
            for player, gain in list(self._levels.items()):
                engine.level(player, gain)
            engine.start()
        except Exception as error:  # whatever a machine lacks: the other outputs go on
            self._failed = (False, f"the synth cannot be used ({error})", "install the studio's requirements again")
            return
        self._engine = engine
        self._apply()
        if self._closed:
            engine.close()

    def _apply(self) -> None:
        engine = self._engine
        if engine is not None:
            engine.choose(str(self._settings.get("device", "")))
            try:
                engine.tap(str(self._settings.get("tap", "")))
            except (OSError, ValueError) as error:
                raise OutputError(f"what is played cannot be recorded ({error})", "make room on the disk") from None

    @property
    def lead(self) -> float:
        """Seconds before its time that an event is handed over."""
        return self._engine.lead if self._engine is not None else 0.25

    @property
    def state(self) -> tuple[bool, str, str]:
        """Whether it sounds; else the reason and the cure."""
        if self._engine is None:
            return self._failed or OPENING
        return self._engine.state

    def note_on(self, player: str, channel: int, pitch: int, velocity: int, at: float) -> None:
        """Begin a note."""
        if self._engine is not None:
            self._engine.note_on(player, channel, pitch, velocity, at)

    def note_off(self, player: str, channel: int, pitch: int, at: float) -> None:
        """End one."""
        if self._engine is not None:
            self._engine.note_off(player, channel, pitch, at)

    def control(self, player: str, channel: int, number: int, value: int, at: float) -> None:
        """Move a controller."""
        if self._engine is not None:
            self._engine.control(player, channel, number, value, at)

    def program(self, player: str, channel: int, number: int, at: float) -> None:
        """Choose a voice."""
        if self._engine is not None:
            self._engine.program(player, channel, number, at)

    def sound(self, player: str, path: str, channels: int, rate: int, at: float) -> None:
        """Play a file of samples and delete it."""
        threading.Thread(target=self._read, args=(player, path, channels, rate, at), name="reverie sound in",
                         daemon=True).start()

    def _read(self, player: str, path: str, channels: int, rate: int, at: float) -> None:
        import numpy as np

        from studio.media import Audio

        with contextlib.suppress(OSError, ValueError):
            samples = np.fromfile(path, "<f4").reshape(-1, channels)
            if self._engine is not None and len(samples):
                self._engine.sound(player, Audio(samples, rate), at)
        with contextlib.suppress(OSError):
            Path(path).unlink()

    def raw(self, message: bytes) -> None:
        """A synth follows no clock."""

    def quiet(self, player: str | None) -> None:
        """End everything now."""
        if self._engine is not None:
            self._engine.quiet(player)

    def level(self, player: str, gain: float) -> None:
        """Loudness of a player, 0..2."""
        self._levels[player] = gain
        if self._engine is not None:
            self._engine.level(player, gain)

    def set(self, settings: dict[str, Any]) -> None:
        """Another device or tap. Raises OutputError."""
        self._settings.update(settings)
        self._apply()

    def tend(self, now: float, slack: float) -> None:
        """Look whether the device is still there."""
        if self._engine is not None:
            self._engine.look()

    def figures(self) -> dict[str, Any]:
        """What is worth showing."""
        return self._engine.figures() if self._engine is not None else {}

    def close(self) -> None:
        """End all notes and let the device go."""
        self._closed = True
        if self._engine is not None:
            self._engine.close()


def make(settings: dict[str, Any]) -> ConductedSynth:
    """The instrument ``synth``."""
    return ConductedSynth(settings)
