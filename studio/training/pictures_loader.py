"""Batches of pictures, made ready on threads while the networks compute.

Batch *n* is a function of the seed and *n* alone: how far ahead the threads are never changes what is learned, and a
resumed run goes on with exactly the batch that would have come. Each epoch shows every picture once.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from studio.nn.device import cores
from studio.training.pictures import PictureSet, stream_seed
from studio.training.recipe import Shard

AHEAD = 3
"""Batches that are ready or being made."""


@dataclass(frozen=True)
class Batch:
    """Pictures ``uint8 (N, 3, size, size)`` and the numbers of their classes ``(N,)``."""

    pictures: NDArray[np.uint8]
    labels: NDArray[np.int64]


class Loader:
    """Endless batches of the ``chosen`` pictures of a set."""

    def __init__(
        self, pictures: PictureSet, chosen: NDArray[np.int64], batch: int, *, seed: int = 0, flip: bool = True
    ) -> None:
        self._pictures, self._chosen, self._batch, self._flip = pictures, chosen, batch, flip
        self._order_seed, self._picture_seed = stream_seed(seed, "order"), stream_seed(seed, "picture")
        self._orders: dict[int, NDArray[np.int64]] = {}
        self._ready: dict[tuple[int, int, int], Future[Batch]] = {}
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()
        self._first = 0

    def at(self, position: int, shard: Shard | None = None) -> Batch:
        """Batch number ``position``, or the part of it that ``shard`` is for; the next ones are begun."""
        shard = shard or Shard()
        if self._pool is None:
            self._pool = ThreadPoolExecutor(max(1, min(AHEAD, cores())), thread_name_prefix="loader")
        if shard.first:
            self._first = shard.index
        key = (position, shard.index, shard.count)
        wanted = [key]
        for _ in range(AHEAD - 1):
            at, index, count = wanted[-1]
            # after the last shard of this process comes the first of its next batch
            ends = index == shard.index if shard.last else index + 1 == count
            wanted.append((at + 1, self._first, count) if ends else (at, index + 1, count))
        for old in [old for old in self._ready if old not in wanted]:
            self._ready.pop(old).cancel()
        for new in wanted:
            if new not in self._ready:
                self._ready[new] = self._pool.submit(self._make, *new)
        return self._ready.pop(key).result()

    def close(self) -> None:
        """Let the threads go; they come back when they are needed."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None
        self._ready.clear()

    def _make(self, position: int, index: int, count: int) -> Batch:
        part = Shard(index, count).of(self._batch)
        places = range(position * self._batch + part.start, position * self._batch + part.stop)
        numbers = np.array([self._number(place) for place in places], np.int64)
        made = np.empty((len(numbers), 3, self._pictures.size, self._pictures.size), np.uint8)
        for row, (place, number) in enumerate(zip(places, numbers, strict=True)):
            rng = np.random.default_rng([self._picture_seed, place])
            square = self._pictures.square(int(number), rng)
            made[row] = square[:, :, ::-1] if self._flip and rng.random() < 0.5 else square
        return Batch(made, self._pictures.labels[numbers])

    def _number(self, place: int) -> int:
        """Which picture comes at ``place`` of the endless row: a new shuffle each epoch."""
        epoch, index = divmod(place, len(self._chosen))
        with self._lock:
            order = self._orders.get(epoch)
        if order is None:
            order = np.random.default_rng([self._order_seed, epoch]).permutation(len(self._chosen))
            with self._lock:
                self._orders = {old: kept for old, kept in self._orders.items() if abs(old - epoch) <= 2}
                self._orders[epoch] = order
        return int(self._chosen[order[index]])
