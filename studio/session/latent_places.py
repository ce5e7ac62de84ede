"""A latent explorer in a line, driven by places: where its picture is sent, and under which names places are kept."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

from studio.nn.places import (
    Keyframe,
    LatentError,
    Where,
    as_place,
    format_keyframes,
    format_points,
    hold,
    is_name,
    parse_keyframes,
    parse_points,
)
from studio.params import ParamError, ParamSet
from studio.session.line import Line

if TYPE_CHECKING:
    from studio.session.session import Session

DIRECTIONS = tuple(f"pc{number}" for number in range(1, 9))
STEERED = ("still", "walk", "loop", "interpolate")
"""Modes that begin at the seed or the place; others become ``still`` when the picture is sent somewhere."""

MAX_POINTS_TEXT = 19_000


class LatentPlaces:
    """The values of the generator in slot ``index`` of a line; it is followed when slots are moved."""

    def __init__(self, session: Session, line: Line, index: int) -> None:
        self.session, self.line, self.index = session, line, index
        self._uid = line.slots[index].uid if index < len(line.slots) else -1
        self._gesture = 0
        self._points: tuple[str, dict[str, Where]] = ("", {})

    # --- values ---

    @property
    def values(self) -> ParamSet | None:
        """The generator's values; None while it is not loaded."""
        for slot in self.line.slots:
            if slot.uid == self._uid and slot.stage is not None:
                return slot.stage.values
        return None

    def place_in_line(self) -> int:
        """The number of the slot now, -1 when it is gone."""
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
        values, index = self.values, self.place_in_line()
        if values is None or index < 0:
            return
        with self.session.edit(label, gesture):
            for name, value in wanted.items():
                if values[name] != value:
                    try:
                        self.session.set_value(self.line.name, index, name, value)
                    except ParamError as error:
                        self.session.notice(str(error), level="warning")

    def begin(self, what: str) -> tuple[str, str, int]:
        """The name of a new gesture (a drag); end it with ``end``."""
        self._gesture += 1
        return ("hold", f"latent {what}", self._gesture)

    def end(self) -> None:
        """The drag is over."""
        self.session.end_gesture()

    # --- places ---

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

    def add_keyframe(self, word: str, where: Where, time: float | None, gesture: Hashable = None) -> None:
        """Put a named place into the path at a time, by default after its end; a path that cannot be read is left."""
        try:
            frames = parse_keyframes(str(self.get("keyframes", "")), self.points())
        except LatentError as error:
            self.session.notice(f"the path cannot be changed here: {error}", level="warning",
                                cure="mend the text of keyframes in the inspector")
            return
        if time is None:
            time = frames[-1].time + 2.0 if frames else 0.0
        while any(abs(frame.time - time) < 0.025 for frame in frames):
            time = round(time + 0.05, 3)
        frames.append(Keyframe(time, as_place(where), "smooth", word))
        self.set("Add a keyframe", gesture=gesture, keyframes=format_keyframes(frames))

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
