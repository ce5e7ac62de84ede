"""What the audience sees of decks A and B: crossfader, master fade, blackout, freeze, safe look."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_SHARES = ("crossfade", "fade")
_SWITCHES = ("blackout", "freeze", "safe")


class Mix:
    """The state of the programme; painting is the window's work.

    ``crossfade`` 0 is deck A, 1 is deck B; ``fade`` 0 is full light, 1 is black. ``blackout``, ``freeze`` (hold the
    last picture) and ``safe`` (the safe look) are switches that work whatever the generators do.
    """

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self._changed = changed
        self.crossfade = self.fade = 0.0
        self.blackout = self.freeze = self.safe = False

    def set(self, name: str, value: float | bool) -> None:
        """Set one of them; shares are clamped to 0..1. Raises KeyError for another name."""
        if name in _SHARES:
            share = float(value)
            new: float | bool = min(1.0, max(0.0, share)) if share == share else 0.0
        elif name in _SWITCHES:
            new = bool(value)
        else:
            raise KeyError(name)
        if getattr(self, name) != new:
            setattr(self, name, new)
            self._changed()

    def weights(self) -> tuple[float, float]:
        """How much of deck A and of deck B is seen, 0..1, before fade and blackout."""
        return 1.0 - self.crossfade, self.crossfade

    def state(self) -> dict[str, Any]:
        """What a session keeps: a show does not begin black or frozen because the last one ended so."""
        return {"crossfade": self.crossfade}
