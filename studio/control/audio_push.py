"""Hands what is heard to bindings, the same live and in a render."""

from __future__ import annotations

from studio.control.audio import FEATURES, PRESSES, AudioFrame
from studio.control.binding import AUDIO
from studio.control.router import Router


class AudioPusher:
    """Values of each frame into a router; an onset or a beat is one press."""

    def __init__(self, router: Router) -> None:
        self._router = router
        self._down = dict.fromkeys(PRESSES, False)

    def push(self, frame: AudioFrame, at: float) -> None:
        """One frame, of the moment ``at`` (seconds)."""
        for name in PRESSES:
            happened = bool(getattr(frame, name))
            if happened and self._router.hears(AUDIO, name):  # let go before it is pressed anew
                self._router.push_value(AUDIO, name, frame.values[name], at, on=False)
            self._down[name] = happened or (self._down[name] and frame.values[name] >= 0.5)
        for name in FEATURES:
            if self._router.hears(AUDIO, name):
                self._router.push_value(AUDIO, name, frame.values[name], at, on=self._down.get(name))

    def silence(self, at: float) -> None:
        """Nothing is heard: what is bound falls back."""
        self._down = dict.fromkeys(PRESSES, False)
        for name in FEATURES:
            if self._router.hears(AUDIO, name):
                self._router.push_value(AUDIO, name, 0.0, at, on=False)
