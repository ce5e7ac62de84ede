"""Small pictures of a frame in every style of a model, made in the background."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtGui import QImage

from studio.media import Frame
from studio.session.core import Core
from studio.ui.background import Task, background
from studio.ui.views.slots import small

SIDE = 208
"""Longer side (pixels) of a preview; about ten milliseconds each on one core."""
LEAST_READ = 768
"""Sides (pixels) to which a JPEG may be decoded smaller before its style is read."""


@dataclass(frozen=True)
class Batch:
    """The styles of a model, those that it took from pictures (by path), and the frame in each as far as made."""

    model: str
    styles: tuple[str, ...]
    pictures: dict[str, QImage] = field(default_factory=dict)


class Previews:
    """Makes one batch at a time. ``done`` gets a Batch, ``failed`` a sentence, both on the GUI thread."""

    def __init__(
        self, session: Core, owner: QObject, done: Callable[[Batch], None], failed: Callable[[str], None],
    ) -> None:
        self._session, self._owner, self._done, self._failed = session, owner, done, failed
        self._task: Task | None = None
        self._loaded: tuple[str, Any] = ("", None)  # touched by the background only, one task at a time
        self._reader: Any = None
        self._taken: set[str] = set()

    @property
    def busy(self) -> bool:
        """Whether a batch is being made."""
        return self._task is not None

    def ask(self, model: str, frame: Frame | None, taken: tuple[str, ...] = ()) -> bool:
        """Make a batch from ``frame`` (only the list of styles without one), also in the styles of the pictures
        ``taken``. False while the last is still made."""
        if self._task is not None:
            return False
        task = self._task = Task()

        def done(batch: Batch) -> None:
            self._task = None
            self._done(batch)

        def failed(why: str) -> None:
            self._task = None
            self._failed(why)

        background(
            self._session, lambda: self._make(model, frame, taken, task), done, failed, owner=self._owner, task=task
        )
        return True

    def cancel(self) -> None:
        """Forget the batch that is being made."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def _make(self, model: str, frame: Frame | None, taken: tuple[str, ...], task: Task) -> Batch:
        import torch

        from studio import paths
        from studio.nn.imaging import resize
        from studio.nn.style import load_style

        if self._loaded[0] != model:
            self._loaded = (model, load_style(paths.find_model(model)))
            self._reader, self._taken = None, set()
        stylist = self._loaded[1]
        batch = Batch(model, (*stylist.styles, *(path for path in taken if self._take(path))))
        if frame is None:
            return batch
        with torch.inference_mode():
            picture = torch.from_numpy(frame.copy()).permute(2, 0, 1)[None].float().div_(255)
            factor = min(1.0, SIDE / max(frame.shape[:2]))
            height, width = (max(16, round(side * factor)) for side in frame.shape[:2])
            picture = resize(picture, (height, width))
            for name in batch.styles:
                task.check()
                stylist.forget()
                stylist.mix({name: 1.0})
                shown = stylist(picture[0].clamp(0, 1)).mul(255).round().to(torch.uint8)
                batch.pictures[name] = small(shown.permute(1, 2, 0).contiguous().numpy())
        return batch

    def _take(self, path: str) -> bool:
        """Whether the style of a picture could be read, now or before."""
        import torch

        from studio import paths
        from studio.nn.style_reader import load_any_reader
        from studio.picture import read_image

        model, stylist = self._loaded
        if path not in self._taken:
            try:
                self._reader = self._reader or load_any_reader(paths.find_model(model))
                if self._reader is None:
                    return False
                pixels = torch.from_numpy(read_image(path, at_least=LEAST_READ).copy()).permute(2, 0, 1)
                stylist.take(path, self._reader.read(pixels.float().div_(255)))
            except (OSError, ValueError):  # the deck says what is wrong with the picture
                return False
            self._taken.add(path)
        return True
