"""Gets the pictures of layers and channels, one by one in the background, those that are seen first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtGui import QImage

from studio.media import Frame
from studio.session.core import Core
from studio.ui.background import Task, background
from studio.ui.views.slots import small

Key = tuple[str, int | None]
"""A layer, and one of its channels or None for the whole."""


class TileMaker:
    """``opened`` gets the channels by layer, ``got`` each picture, ``failed`` a sentence; all on the GUI thread."""

    def __init__(
        self, session: Core, owner: QObject, opened: Callable[[dict[str, int]], None],
        got: Callable[[Key, QImage], None], failed: Callable[[str], None],
    ) -> None:
        self._session, self._owner = session, owner
        self._opened, self._got, self._failed = opened, got, failed
        self._tiles: Any = None  # library.dream_tiles.DreamTiles, used in the background only
        self._wanted: list[Key] = []
        self._have: set[Key] = set()
        self._task: Task | None = None
        self._round = 0

    @property
    def busy(self) -> bool:
        """Whether a picture is being made."""
        return self._task is not None

    def open(self, model: str) -> None:
        """Take another network."""
        self.stop()
        self._tiles, self._have = None, set()
        self._round += 1
        mine = self._round

        def work() -> tuple[Any, dict[str, int]]:
            from studio.library.dream_tiles import DreamTiles

            tiles = DreamTiles(model)
            return tiles, tiles.layers()

        def done(found: tuple[Any, dict[str, int]]) -> None:
            if mine == self._round:
                self._tiles = found[0]
                self._opened(found[1])
                self._next()

        background(self._session, work, done, self._failed, owner=self._owner)

    def want(self, keys: Sequence[Key]) -> None:
        """What is seen now, most wanted first; takes the place of what was wanted before."""
        self._wanted = [key for key in keys if key not in self._have]
        self._next()

    def stop(self) -> None:
        """Nobody looks any more: leave off, also in the midst of a picture."""
        self._wanted = []
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def rank(self, layer: str, picture: Frame | None, done: Callable[[list[int]], None]) -> None:
        """Channels of a layer, first those that fire on ``picture`` (on the layer's own dream without one)."""
        tiles, mine = self._tiles, self._round
        if tiles is None:
            return
        copy = None if picture is None else picture.copy()
        background(self._session, lambda: tiles.rank(layer, copy),
                   lambda order: done(order) if mine == self._round else None, self._failed, owner=self._owner)

    def _next(self) -> None:
        if self._task is not None or self._tiles is None or not self._wanted:
            return
        tiles, wanted, task, mine = self._tiles, list(self._wanted), Task(), self._round
        self._task = task

        def work() -> dict[Key, QImage]:
            there = {key: small(found) for key in wanted if (found := tiles.find(*key)) is not None}
            if there:
                return there
            return {wanted[0]: small(tiles.get(*wanted[0], check=lambda _: task.check()))}

        def done(made: dict[Key, QImage]) -> None:
            self._task = None
            if mine != self._round:
                return
            self._have.update(made)
            self._wanted = [key for key in self._wanted if key not in made]
            for key, image in made.items():
                self._got(key, image)
            self._next()

        def failed(why: str) -> None:
            self._task, self._wanted = None, []
            self._failed(why)

        background(self._session, work, done, failed, owner=self._owner, task=task)
