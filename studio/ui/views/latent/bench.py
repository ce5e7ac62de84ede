"""What the parts of the latent view share: the generator's values, where its picture is, and how to go somewhere."""

from __future__ import annotations

import time
from typing import Any

from PySide6.QtCore import QObject, Signal

from studio.nn.places import (
    LatentError,
    Place,
    Where,
    as_place,
    combine,
    held,
    of_seed,
    of_vector,
    parse_place,
    parse_point,
)
from studio.session.latent_places import DIRECTIONS, LatentPlaces
from studio.session.line import Line
from studio.session.session import Session
from studio.ui.views.latent.pictures import Pictures

SETTLE_SECONDS = 0.35


class Bench(LatentPlaces, QObject):
    """See the module. ``changed`` comes when the generator's values changed."""

    changed = Signal()

    def __init__(self, session: Session, line: Line, index: int, parent: QObject | None = None) -> None:
        QObject.__init__(self, parent)
        LatentPlaces.__init__(self, session, line, index)
        self.pictures = Pictures(session.device)
        self._truncation: tuple[float, float] = (1.0, 0.0)
        self._settled = 1.0
        self._seen: Any = None
        if (values := self.values) is not None:
            self._settled = round(float(values["truncation"]), 2)
            self._truncation = (self._settled, 0.0)

    # --- values ---

    def fire(self, name: str) -> None:
        """Fire a trigger."""
        index = self.place_in_line()
        if self.values is not None and index >= 0:
            self.session.fire(self.line.name, index, name)

    def refresh(self) -> None:
        """Look whether the values changed; the window calls it about 15 times a second."""
        values = self.values
        if values is None:
            return
        self.pictures.set_model(str(values["model"]))
        now, truncation = time.monotonic(), round(float(values["truncation"]), 2)
        if truncation != self._truncation[0]:
            self._truncation = (truncation, now)
        elif truncation != self._settled and now - self._truncation[1] > SETTLE_SECONDS:
            self._settled = truncation
            self._seen = None
        state = values.dump()
        if state != self._seen:
            self._seen = state
            self.changed.emit()

    @property
    def truncation(self) -> float:
        """The truncation for small pictures: it follows the knob when the hand rests."""
        return self._settled

    # --- places ---

    def details(self) -> dict[str, Any]:
        """What the generator tells of itself."""
        return self.line.details(self.place_in_line())

    def spot(self) -> tuple[float, float] | None:
        """Where the picture is on the map."""
        deviation, space = self.details().get("deviation"), self.pictures.space
        if deviation is None or space is None or len(deviation) != space.length:
            return None
        return space.project(deviation)

    def start(self) -> Place:
        """The seed or place that the values name."""
        seed = int(self.get("seed", 0))
        try:
            text, holds = held(str(self.get("place", "")))
            if text and holds in (None, seed):
                return as_place(parse_point(text, self.points()))
        except LatentError:
            pass
        return of_seed(seed)

    def shifts(self) -> list[tuple[Place, float]]:
        """The directions that are turned up, as if they belonged to the place."""
        truncation = float(self.get("truncation", 1.0))
        if abs(truncation) <= 0.05:
            return []
        pad = self.get("pad", (0.0, 0.0))
        amounts = [float(self.get(name, 0.0)) for name in DIRECTIONS]
        amounts[0] += pad[0]
        amounts[1] += pad[1]
        return [(Place(((name, 1.0),)), amount / truncation)
                for name, amount in zip(DIRECTIONS, amounts, strict=True) if amount]

    def here(self) -> Place:
        """The place of the picture as it is now, with what the directions add."""
        deviation = self.details().get("deviation")
        if self.get("mode") == "still" or deviation is None:
            shifts = self.shifts()
            return combine([(self.start(), 1.0), *shifts]) if shifts else self.start()
        return of_vector(deviation)

    # --- named points ---

    def word_for(self, where: Where, wish: str = "mix") -> tuple[str, dict[str, Where]]:
        """How a place is written in keyframes and arithmetic, and the points as they must be for it: a seed by its
        number, a point by its name, anything else as a new point."""
        place, points = as_place(where), self.points()
        if place.seed is not None:
            return str(place.seed), points
        for name, known in points.items():
            if as_place(known) == place:
                return name, points
        name = self.free_name(wish)
        points[name] = place
        return name, points

    def read(self, text: str) -> Place | None:
        """The place that a text names, None where it names none."""
        try:
            found = parse_point(text, self.points()) if text.strip() else None
        except LatentError:
            return None
        return as_place(found) if found is not None else None

    def read_dropped(self, text: str) -> Place | None:
        """The place that was dragged."""
        try:
            return parse_place(text[:20_000], self.points())
        except LatentError:
            return None
