"""Small pictures of places, made on a thread of their own: only those that somebody wishes, the most urgent first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage

from studio.engine.chain import reason
from studio.engine.threads import BESIDE, be_nice, spawn
from studio.nn.places import LatentError, parse_place
from studio.ui.kit.painting import to_qimage

SEEDS = 4096
"""Seeds that the map knows."""

MOST_BYTES = 96 << 20
"""Memory for the pictures that are kept."""

SIDE = 160
"""Longest side (pixels) of a picture that is kept."""

BATCH_PIXELS = 8 * 64 * 64
"""Pixels that are made at a time: the wishes are looked at again in between."""

Key = tuple[str, float]
"""A place as text, and the truncation."""


@dataclass(frozen=True)
class Shot:
    """One picture, and where its place lies on the map (first two principal directions, standard deviations)."""

    image: QImage
    x: float
    y: float


@dataclass(frozen=True)
class Space:
    """What the window must know of a network: ``seeds`` ``(SEEDS, 2)`` places of the seeds on the map; ``plane``
    ``(2, length)`` maps a deviation from the mean onto it; ``levels`` which seeds to show at which distance."""

    length: int
    seeds: NDArray[np.float32]
    plane: NDArray[np.float32]
    levels: tuple[tuple[float, NDArray[np.int64]], ...]

    def project(self, deviation: NDArray[Any]) -> tuple[float, float]:
        """Where a deviation from the mean lies on the map."""
        x, y = self.plane @ deviation
        return float(x), float(y)


def quiet_thread() -> None:
    """Let this thread wait for those of the show: one core, and a lower priority where the system knows it."""
    import torch

    torch.set_num_threads(1)
    be_nice(BESIDE)


def scatter(seeds: NDArray[np.float32], count: int = 26) -> tuple[tuple[float, NDArray[np.int64]], ...]:
    """Levels of detail: (least distance, seeds none of which are nearer to each other), each level within the next.

    Seeds with low numbers are preferred, so that the map looks the same every time.
    """
    levels: list[tuple[float, NDArray[np.int64]]] = []
    chosen: list[int] = []
    nearest = np.full(len(seeds), np.inf)
    for level in range(count):
        distance = 1.6 * 2.0 ** (-level / 4)
        while (free := nearest >= distance).any():
            index = int(free.argmax())
            chosen.append(index)
            nearest = np.minimum(nearest, np.hypot(*(seeds - seeds[index]).T))
        levels.append((distance, np.array(chosen, np.int64)))
    return tuple(levels)


def _small(frame: NDArray[np.uint8]) -> QImage:
    image = to_qimage(frame)
    if image.width() <= SIDE:
        return image.copy()
    return image.scaledToWidth(SIDE, Qt.TransformationMode.SmoothTransformation)


class Pictures:
    """See the module. All methods are called on the GUI thread and return at once; ``stamp`` rises with what is new."""

    def __init__(self, device: str = "cpu") -> None:
        self.space: Space | None = None
        self.reason = ""
        self.stamp = 0
        self._device = device
        self._model = ""
        self._ready = threading.Condition()
        self._wishes: dict[str, tuple[int, list[Key]]] = {}
        self._made: OrderedDict[Key, Shot | None] = OrderedDict()
        self._most = 1000
        self._closed = False
        self._thread: threading.Thread | None = None

    def set_model(self, name: str) -> None:
        """The network by name or path; another one empties everything."""
        if name == self._model:
            return
        with self._ready:
            self._model, self.space, self.reason = name, None, ""
            self._made.clear()
            self.stamp += 1
            self._ready.notify()

    def wish(self, owner: str, keys: Sequence[Key], priority: int = 5) -> None:
        """What ``owner`` shows now, in place of its wishes before; small ``priority`` goes first. Empty: nothing."""
        with self._ready:
            if not keys:
                self._wishes.pop(owner, None)
                return
            self._wishes[owner] = (priority, list(keys))
            if self._thread is None and not self._closed:
                self._thread = spawn("reverie latent pictures", self._run, self.close)
            self._ready.notify()

    def shot(self, place: str, truncation: float) -> Shot | None:
        """A picture, if it is made."""
        return self._made.get((place, truncation))

    def image(self, place: str, truncation: float) -> QImage | None:
        """A picture's image, if it is made."""
        shot = self.shot(place, truncation)
        return shot.image if shot is not None else None

    @property
    def busy(self) -> bool:
        """Whether something that was wished is not made yet."""
        return bool(self._next(1)) if self._thread is not None else False

    def close(self) -> None:
        """End the thread; returns at once."""
        with self._ready:
            self._closed = True
            self._wishes.clear()
            self._ready.notify()

    # --- the thread ---

    def _next(self, count: int) -> list[Key]:
        found: list[Key] = []
        for _, keys in sorted(self._wishes.values(), key=lambda wish: wish[0]):
            for key in keys:
                if key not in self._made and key not in found:
                    found.append(key)
                    if len(found) == count:
                        return found
        return found

    def _can_work(self, loaded: str) -> bool:
        failed = bool(self.reason) and loaded == self._model
        return bool(self._model) and not failed and bool(self._next(1))

    def _run(self) -> None:
        quiet_thread()
        loaded, painter, batch = "", None, 1
        while True:
            with self._ready:
                while not self._closed and not self._can_work(loaded):
                    self._ready.wait()
                if self._closed:
                    return
                model = self._model
                keys = self._next(batch)
            try:
                if loaded != model:
                    loaded = model
                    painter = _Painter(model, self._device)
                    space, batch = painter.survey(), painter.batch
                    with self._ready:
                        if self._model == model:
                            self.space = space
                            self.stamp += 1
                assert painter is not None
                shots = painter.paint(keys)
            except Exception as error:
                with self._ready:
                    if self._model == model:
                        self.reason = reason(error)
                        self.stamp += 1
                continue
            with self._ready:
                if self._model == model:
                    self._made.update(zip(keys, shots, strict=True))
                    self._most = painter.most
                    while len(self._made) > self._most:
                        self._made.popitem(last=False)
                    self.stamp += 1


class _Painter:
    """The network, on the thread of the pictures."""

    def __init__(self, model: str, device: str) -> None:
        from studio.nn.gan import load_generator
        from studio.paths import find_model

        self._net = load_generator(find_model(model), device)
        self._device = device
        side = self._net.config.size
        self.batch = max(1, min(8, BATCH_PIXELS // side**2))
        self.most = MOST_BYTES // (min(side, SIDE) ** 2 * 3)
        self._mean, self._directions, self._sigmas = (
            tensor.float().cpu() for tensor in (self._net.w_mean, self._net.directions, self._net.sigmas))
        self._plane = (self._directions[:2] / self._sigmas[:2, None].clamp_min(1e-6)).numpy()
        self._w: OrderedDict[int, Any] = OrderedDict()

    def survey(self) -> Space:
        """Where the seeds lie."""
        import torch

        from studio.nn.latent import seed_latent

        length = self._net.config.latent
        z = torch.cat([seed_latent(seed, length) for seed in range(SEEDS)])
        with torch.inference_mode():
            w = self._net.seeds_w(z.to(self._device)).float().cpu()
        seeds = ((w - self._mean).numpy() @ self._plane.T).astype(np.float32)
        return Space(length, seeds, self._plane, scatter(seeds))

    def _seed(self, seed: int) -> Any:
        import torch

        if seed not in self._w:
            with torch.inference_mode():
                self._w[seed] = self._net.seed_w(seed).float().cpu()
            while len(self._w) > 4 * SEEDS:
                self._w.popitem(last=False)
        return self._w[seed]

    def paint(self, keys: Sequence[Key]) -> list[Shot | None]:
        """A picture for each key; None for a place that this network cannot make."""
        import torch

        from studio.nn.latent import place_w, truncate

        found, good = [], []
        for place, truncation in keys:
            try:
                w = place_w(parse_place(place), self._mean, self._directions, self._sigmas, self._seed)
            except LatentError:
                good.append(False)
                continue
            good.append(True)
            found.append((w, truncate(w, self._mean, truncation)))
        shots: list[Shot | None] = []
        if found:
            with torch.inference_mode():
                made = self._net.synthesis(torch.cat([w for _, w in found]).to(self._device)).float()
            frames = ((made + 1) * 127.5).clamp(0, 255).byte().permute(0, 2, 3, 1).contiguous().cpu().numpy()
            for (w, _), frame in zip(found, frames, strict=True):
                x, y = self._plane @ (w - self._mean)[0].numpy()
                shots.append(Shot(_small(frame), float(x), float(y)))
        rest = iter(shots)
        return [next(rest) if fine else None for fine in good]
