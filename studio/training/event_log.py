"""The file of events beside a model: JSON lines, each there at once, and a full disk that ends nothing."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Any

from studio.files import explain


class EventLog:
    """Writes events; ``more`` goes on behind those of an earlier run. Raises FileError when it cannot be opened."""

    def __init__(self, path: Path, *, more: bool = False) -> None:
        try:
            # no buffer: what could not be written would be tried again, and fail again, when the file is closed
            self._file = path.open("ab" if more else "wb", buffering=0)
        except OSError as error:
            raise explain(error, path, writing=True) from None
        self._torn = more  # the last line may have been cut by a crash

    def __enter__(self) -> EventLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, event: dict[str, Any]) -> None:
        """One line; a disk that is full loses it, not the training."""
        line = json.dumps(event).encode() + b"\n"
        if self._torn:
            line = b"\n" + line  # readers skip what is torn, and lines that are empty
        try:
            self._torn = (self._file.write(line) or 0) < len(line)
        except OSError:
            self._torn = True
