"""Image-to-image translation live (pix2pix, Isola et al. 2017): what comes in is reduced to a map that a hand could
have drawn, and a network makes a picture of the map.

Lines are found by the same function that the network learned with. They are kept steady where the scene is, so that
the picture does not boil.
"""

from __future__ import annotations

import contextlib
import math
from pathlib import Path as FilePath

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from studio.api import Bool, Choice, Context, Float, Generator, Int, Model, Path, PictureError, read_image
from studio.nn.device import dtype as working_dtype
from studio.nn.maps import KINDS, as_paper, make_map
from studio.nn.pix2pix import fit_to, load_pix2pix

from .cartoon import Cartoon

Frame = NDArray[np.uint8]
Light = NDArray[np.float32]

LOOK_EVERY = 0.5
"""Seconds between two looks whether a drawing was saved again."""


class EdgesToPicture(Generator):
    """A drawing, or what a camera sees, redrawn as lines and painted by a network."""

    id, version, makes, takes, title = "reverie.edges_to_picture", 1, "image", "image", "Edges to picture"
    pixel_bytes = 120.0

    model = Model("lines_to_van_gogh", architecture="pix2pix", group="Map", help="The network that paints")
    begin = Choice("as learned", ("as learned", *KINDS, "drawing"), label="Map", group="Map",
                   help="What is made of the input: the map that the network knows, another one, or nothing: it is a "
                   "drawing already")
    detail = Float(0.5, 0.0, 1.0, group="Map", applies={"begin": ("as learned", *KINDS)},
                   help="0: the boldest forms alone, 1: fine texture too")
    bold = Float(0.0, 0.0, 1.0, group="Map", help="Thicker lines")
    sketch = Path("", accepts="image", group="Map",
                  help="A drawing to paint where nothing comes in; read again whenever it is saved")
    scene_speed = Float(0.5, 0.0, 3.0, label="Scene speed", group="Map", applies={"sketch": False},
                        help="Pace of the drawn landscape that is painted where nothing comes in")

    size = Int(256, 64, 1024, unit="px", group="Picture", help="Working size, longer side: smaller is bolder, faster")
    share = Float(0.0, 0.0, 1.0, label="Input", group="Picture", help="How much of the input itself is mixed in")
    lines_over = Float(0.0, 0.0, 1.0, label="Lines over", group="Picture", help="The map drawn over the picture")
    beside = Bool(False, group="Picture", help="The map on the left, the picture on the right")
    saturation = Float(1.0, 0.0, 2.0, group="Picture", help="0 grey, 1 as made, 2 vivid")
    contrast = Float(1.0, 0.5, 2.0, curve="log", group="Picture", help="Contrast around middle grey")
    mirror = Bool(False, group="Picture", help="Swap left and right, as in a mirror")
    steadiness = Float(0.5, 0.0, 1.0, group="Motion", help="0: each frame for itself, 1: calm where nothing moves")

    def setup(self, ctx: Context) -> None:
        path = ctx.model(self.model)
        if getattr(self, "path", None) == path:
            return  # another size alone
        self.path = path
        self.dtype = working_dtype(ctx.device, allow_bf16=True)
        self.net = load_pix2pix(path, ctx.device, self.dtype)
        self.calm: Light | None = None
        self.cartoon = Cartoon()
        self.file: tuple[str, float, Frame | None] = ("", -1.0, None)
        self.looked = -math.inf
        self.told = ""

    def step(self, ctx: Context) -> Frame | Light:
        if ctx.model(self.model) != self.path:
            self.setup(ctx)
        picture = self._input(ctx)
        if self.mirror:
            picture = np.ascontiguousarray(picture[:, ::-1])
        height, width = picture.shape[:2]
        rows, columns = fit_to(min(self.size, 4096), (height, width), self.net.config.multiple)
        small = cv2.resize(picture, (columns, rows), interpolation=cv2.INTER_AREA)
        drawn = self._map(self._steady(np.asarray(small, np.uint8), ctx.dt))
        made = self._finish(self._paint(ctx, drawn), np.asarray(small, np.uint8), drawn)
        if ctx.exposes:
            ctx.expose("input", drawn)
        if self.beside:
            return self._pair(drawn, made, (width, height))
        return np.asarray(cv2.resize(made, (width, height), interpolation=cv2.INTER_CUBIC), np.float32).clip(0, 1)

    # --- what comes in ---

    def _input(self, ctx: Context) -> Frame:
        """The picture to begin from, ``uint8 (height, width, 3)``."""
        if ctx.input is not None:
            return np.asarray(np.round(np.asarray(ctx.input) * 255), np.uint8)
        size = ctx.size or (640, 480)
        if self.sketch:
            shown = self._from_file(ctx)
            if shown is not None:
                return _cover(shown, size)
        return self.cartoon.draw(size, ctx.dt * self.scene_speed)

    def _from_file(self, ctx: Context) -> Frame | None:
        """The drawing, read again when its file is another than it was."""
        name, written, shown = self.file
        if name == self.sketch and ctx.t - self.looked < LOOK_EVERY:
            return shown
        self.looked, stamp = ctx.t, 0.0
        with contextlib.suppress(OSError, ValueError):
            stamp = FilePath(self.sketch).stat().st_mtime
        if name != self.sketch or stamp != written:
            try:
                shown = read_image(FilePath(self.sketch))
                self.told = ""
            except (PictureError, ValueError) as error:
                # a program that is saving it just now: what was read before stays until it can be read again
                shown = shown if name == self.sketch else None
                if str(error) != self.told:
                    self.told = str(error)
                    ctx.notice(str(error))
            self.file = (self.sketch, stamp, shown)
        return shown

    # --- map and picture ---

    def _steady(self, small: Frame, dt: float) -> Frame:
        """Averaged over time where nothing moves."""
        now = small.astype(np.float32)
        if self.steadiness <= 0 or self.calm is None or self.calm.shape != now.shape:
            self.calm = now
            return small
        kept = math.exp(-dt / (0.02 + 0.8 * self.steadiness**2))
        change = cv2.GaussianBlur(np.abs(now - self.calm).max(2), (0, 0), 2.0)
        share = (kept * np.exp(-((change / 14.0) ** 2)))[:, :, None].astype(np.float32)
        self.calm = now + share * (self.calm - now)
        return np.asarray(np.round(self.calm), np.uint8)

    def _map(self, small: Frame) -> Frame:
        known = self.net.config.source
        kind = self.begin if self.begin != "as learned" else known
        if kind in KINDS:
            drawn = make_map(small, kind, self.detail)
        else:  # a drawing, or a network that learned from pairs: as it comes, on paper where it knows lines
            drawn = as_paper(small) if known in ("lines", "edges") else small
        if self.bold > 0:
            radius = max(1, round(3 * self.bold * min(small.shape[:2]) / 256))
            drawn = np.asarray(cv2.erode(drawn, np.ones((radius + 1, radius + 1), np.uint8)), np.uint8)
        return drawn

    def _paint(self, ctx: Context, drawn: Frame) -> Light:
        tensor = torch.from_numpy(drawn).to(ctx.device).permute(2, 0, 1)[None].float().div_(127.5).sub_(1.0)
        with torch.inference_mode():
            made = self.net(tensor.to(self.dtype).contiguous(memory_format=torch.channels_last))
        return np.asarray((made[0].float().permute(1, 2, 0).cpu().numpy() + 1) / 2, np.float32)

    def _finish(self, made: Light, small: Frame, drawn: Frame) -> Light:
        if self.saturation != 1.0:
            grey = (made @ np.array([0.299, 0.587, 0.114], np.float32))[:, :, None]
            made = grey + np.float32(self.saturation) * (made - grey)
        if self.contrast != 1.0:
            made = 0.5 + np.float32(self.contrast) * (made - 0.5)
        if self.share > 0:
            made = made + np.float32(self.share) * (small * np.float32(1 / 255) - made)
        if self.lines_over > 0:
            made = made * (1 - np.float32(self.lines_over / 255) * (255 - drawn))
        return np.asarray(np.clip(made, 0, 1), np.float32)

    @staticmethod
    def _pair(drawn: Frame, made: Light, size: tuple[int, int]) -> Light:
        width, height = size
        left = cv2.resize(drawn.astype(np.float32) / 255, (width, height), interpolation=cv2.INTER_AREA)
        right = cv2.resize(made, (width, height), interpolation=cv2.INTER_CUBIC)
        # the middle half of each: the same place in both
        part = slice(width // 4, width // 4 + width // 2)
        both = np.concatenate([left[:, part], right[:, part]], 1)
        return np.asarray(np.clip(cv2.resize(both, (width, height)), 0, 1), np.float32)


def _cover(picture: Frame, size: tuple[int, int]) -> Frame:
    """The middle of a picture, filling ``size``."""
    width, height = size
    factor = max(width / picture.shape[1], height / picture.shape[0])
    whole = max(width, round(picture.shape[1] * factor)), max(height, round(picture.shape[0] * factor))
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    big = cv2.resize(picture, whole, interpolation=how)
    top, left = (whole[1] - height) // 2, (whole[0] - width) // 2
    return np.ascontiguousarray(big[top : top + height, left : left + width], np.uint8)
