"""What the generators' own views share: the stage they show, its values, and edits as gestures."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from PySide6.QtWidgets import QWidget

from studio.params import ParamSet
from studio.session.line import Line, Slot
from studio.session.session import Session


class StageView(QWidget):
    """A view of one generator: ``line`` (or its name) and the place ``index`` in it.

    Values are read from the stage and written through the session only, so that everything can be undone.
    """

    def __init__(self, session: Session, line: Line | str, index: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.line = session.line(line) if isinstance(line, str) else line
        self.index = index
        self._revision = -1
        self._held: Hashable = None

    @property
    def slot(self) -> Slot | None:
        """The slot, None when it was taken away meanwhile."""
        return self.line.slots[self.index] if self.index < len(self.line.slots) else None

    @property
    def values(self) -> ParamSet | None:
        """The values, None until the plugin is here."""
        slot = self.slot
        return slot.stage.values if slot is not None and slot.stage is not None else None

    def value(self, name: str, default: Any = None) -> Any:
        """One value; ``default`` while the plugin is not here."""
        values = self.values
        return values[name] if values is not None and name in values.params else default

    def details(self) -> dict[str, Any]:
        """What the generator shows of its work."""
        return self.line.details(self.index)

    def changed(self) -> bool:
        """Whether a value changed since this was asked last."""
        values = self.values
        revision = -1 if values is None else values.revision
        if revision == self._revision:
            return False
        self._revision = revision
        return True

    def edit(self, changes: Mapping[str, Any], label: str, *, gesture: str = "") -> None:
        """Set several values as one step of undo. With ``gesture`` the step goes on until ``release``."""
        if self.values is None:
            return
        held = ("hold", id(self), gesture) if gesture else None
        self._held = held
        with self.session.edit(label, held):
            for name, value in changes.items():
                self.session.set_value(self.line.name, self.index, name, value)

    def release(self) -> None:
        """The hand let go: what comes next is a step of its own."""
        if self._held is not None:
            self._held = None
            self.session.end_gesture()

    def close_view(self) -> None:
        """Another view takes this one's place."""
        self.release()
