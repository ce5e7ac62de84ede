"""Plain text with its recipe in a .json beside it."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from studio.export.recipe import pack, sidecar
from studio.export.writers import Writer
from studio.files import atomic_write
from studio.params import Choice
from studio.safe_json import dumps


class TextWriter(Writer):
    """TXT: UTF-8, pieces joined as they come; ``poem.txt`` gets ``poem.txt.json`` with the recipe."""

    kind, takes = "text", ("text",)
    line_ends = Choice("unix", ("unix", "windows"), help="Line ends: LF, or CR LF for old Windows programs")

    def _open(self, stack: contextlib.ExitStack) -> Path:
        self._recipe_file: Path | None = None
        path = super()._open(stack)
        if self.recipe is not None:
            # entered last, so that it is renamed first: a text never stands there with another text's recipe for long
            self._recipe_file = stack.enter_context(atomic_write(sidecar(self.path)))
        return path

    def _begin(self) -> None:
        self._file = self._temporary.open("w", encoding="utf-8", errors="replace", newline="")
        self._characters = 0

    def _add(self, media: Any) -> None:
        self._characters += len(media)
        self._file.write(media.replace("\n", "\r\n") if self.line_ends == "windows" else media)

    def _finish(self) -> None:
        self._file.close()
        if self._recipe_file is not None:
            pack(self.recipe or {})  # the size limit of all recipes
            self._recipe_file.write_text(dumps(self.recipe), encoding="utf-8", newline="\n")
        self.report.update(characters=self._characters)

    def _abort(self) -> None:
        with contextlib.suppress(OSError):
            self._file.close()
