"""What the parts of the latent view share: the generator's values, where its picture is, and how to go somewhere."""

from __future__ import annotations

import time
from collections.abc import Hashable, Mapping
from typing import Any

from PySide6.QtCore import QObject, Signal

from studio.nn.places import (
    LatentError,
    Place,
    Where,
    as_place,
    combine,
    format_points,
    held,
    hold,
    is_name,
    of_seed,
    of_vector,
    parse_place,
    parse_point,
    parse_points,
)
from studio.params import ParamError, ParamSet
from studio.session.line import Line
from studio.session.session import Session
from studio.ui.views.latent.pictures import Pictures

DIRECTIONS = tuple(f"pc{number}" for number in range(1, 9))
STEERED = ("still", "walk", "loop", "interpolate")
"""Modes that begin at the seed or the place; others become ``still`` when the picture is sent somewhere."""

MAX_POINTS_TEXT = 19_000
SETTLE_SECONDS = 0.35


class Bench(QObject):
    """See the module. ``changed`` comes when the generator's values changed."""

    changed = Signal()

    def __init__(self, session: Session, line: Line, index: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session, self.line, self.index = session, line, index
        self.pictures = Pictures(session.device)
        self._uid = line.slots[index].uid if index < len(line.slots) else -1
        self._truncation: tuple[float, float] = (1.0, 0.0)
        self._settled = 1.0
        self._gesture = 0
        self._seen: Any = None
        self._points: tuple[str, dict[str, Where]] = ("", {})
        if (values := self.values) is not None:
            self._settled = round(float(values["truncation"]), 2)
            self._truncation = (self._settled, 0.0)

    # --- values ---

    @property
    def values(self) -> ParamSet | None:
        """The generator's values; None while it is not loaded."""
        for slot in self.line.slots:
            if slot.uid == self._uid and slot.stage is not None:
                return slot.stage.values
        return None

    def _place_in_line(self) -> int:
        for index, slot in enumerate(self.line.slots):
            if slot.uid == self._uid:
                return index
        return -1

    def get(self, name: str, otherwise: Any = None) -> Any:
        """One value."""
        values = self.values
        return otherwise if values is None else values[name]

    def set(self, label: str, *, gesture: Hashable = None, **wanted: Any) -> None:
        """Set values as one step of undo."""
        values, index = self.values, self._place_in_line()
        if values is None or index < 0:
            return
        with self.session.edit(label, gesture):
            for name, value in wanted.items():
                if values[name] != value:
                    try:
                        self.session.set_value(self.line.name, index, name, value)
                    except ParamError as error:
                        self.session.notice(str(error), level="warning")

    def fire(self, name: str) -> None:
        """Fire a trigger."""
        index = self._place_in_line()
        if self.values is not None and index >= 0:
            self.session.fire(self.line.name, index, name)

    def begin(self, what: str) -> tuple[str, str, int]:
        """The name of a new gesture (a drag); end it with ``end``."""
        self._gesture += 1
        return ("hold", f"latent {what}", self._gesture)

    def end(self) -> None:
        """The drag is over."""
        self.session.end_gesture()

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
        return self.line.details(self._place_in_line())

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

    def go(
        self, where: Where, label: str, *, gesture: Hashable = None, keep: tuple[str, ...] = (), mode: str = "",
    ) -> None:
        """Send the picture to a place; the directions go back to 0 but for those in ``keep``. ``mode`` may be chosen;
        else one that begins at a place stays, and others become ``still``."""
        place = as_place(where)
        wanted: dict[str, Any] = {"pad": (0.0, 0.0)}
        if place.seed is not None:
            wanted |= {"seed": place.seed, "place": ""}
        else:  # it holds until somebody turns the seed
            wanted["place"] = hold(place, int(self.get("seed", 0)))
        wanted |= {name: 0.0 for name in DIRECTIONS if name not in keep}
        if mode or self.get("mode") not in STEERED:
            wanted["mode"] = mode or "still"
        self.set(label, gesture=gesture, **wanted)

    # --- named points ---

    def points(self) -> dict[str, Where]:
        """The named points; those of a text that cannot be read are none."""
        text = str(self.get("points", ""))
        if text != self._points[0]:
            try:
                self._points = (text, parse_points(text))
            except LatentError:
                self._points = (text, {})
        return dict(self._points[1])

    def points_fault(self) -> str:
        """Why the text of the points cannot be read, ''."""
        try:
            parse_points(str(self.get("points", "")))
        except LatentError as error:
            return str(error)
        return ""

    def set_points(self, points: Mapping[str, Where], label: str, *, gesture: Hashable = None, **more: Any) -> bool:
        """Replace the named points; False, and a notice, where they do not fit."""
        fault = self.points_fault()
        if fault:
            self.session.notice(f"the named points cannot be changed here: {fault}", level="warning",
                                cure="mend the text of points in the inspector")
            return False
        text = format_points(points)
        if len(text) > MAX_POINTS_TEXT:
            self.session.notice("there is no room for another named point", level="warning",
                                cure="remove some pins first")
            return False
        self.set(label, gesture=gesture, points=text, **more)
        return True

    def free_name(self, wish: str = "pin") -> str:
        """A name that no point has yet."""
        stem = "".join(letter if letter.isalnum() or letter in "_-" else "_" for letter in wish).strip("_-")[:32]
        if not is_name(stem):
            stem = f"p_{stem}" if stem and is_name(f"p_{stem}") else "pin"
        points = self.points()
        if stem not in points and not stem[-1:].isdigit() and wish != "pin":
            return stem
        return next(name for number in range(1, 10_000) if (name := f"{stem}{number}") not in points)

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
