"""Rows that are dragged: one step of undo for a drag, Escape gives it up, and a value that is not live waits for its
end: it would be set up anew at every pixel."""

from __future__ import annotations

from typing import Any

from studio.ui.inspector.row import ParamRow


class DraggedRow(ParamRow):
    """Call ``_grab`` when a drag begins, ``_drag_to`` while it goes on, then ``_drop`` or ``_cancel``."""

    _before: Any = None
    _held: Any = None

    def _grab(self) -> None:
        self._before, self._held = self.value, None
        self.new_gesture()

    def _drag_to(self, value: Any) -> None:
        if not self.param.live:
            self._held = value
        elif value != self.value:
            self.commit(value, self._gesture)

    def _drop(self) -> None:
        if self._held is not None and self._held != self.value:
            self.commit(self._held, self._gesture)
        self._held = None
        self.refresh_value()

    def _cancel(self) -> None:
        self._held = None
        if self.value != self._before:
            self.commit(self._before, self._gesture)
        self.refresh_value()
