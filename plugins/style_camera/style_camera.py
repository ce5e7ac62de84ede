"""Live style transfer: any moving picture in the manner of a painting, steady where the scene is still.

One small network holds all styles; which one, how much of it and how much of a second one are just numbers that scale
its channels, so they may change in every frame. Any picture may be a style as well: a second network reads the numbers
off it, once. Flicker is fought in three places, all driven by ``steadiness``: camera noise is averaged away where
nothing moves, the network's statistics are remembered from frame to frame, and the result is averaged where nothing
moves.
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from studio.api import Bool, Choice, Context, Float, Generator, Int, Model, Path, Text, read_image
from studio.nn.device import dtype as working_dtype
from studio.nn.style import load_style
from studio.nn.style_reader import load_any_reader

HOUSE_STYLES = [
    "starry_night", "great_wave", "the_scream", "udnie", "red_circles", "woman_with_a_hat", "grande_jatte",
    "night_over_the_rhone", "self_portrait", "bedroom_in_arles", "pont_neuf", "portrait_of_picasso", "composition_xiii",
    "woodcut", "zigzag", "bricks",
]
LUMA = (0.299, 0.587, 0.114)
MOTION = 0.045
"""A change of this size (0..1, averaged over a small patch) counts as motion; camera noise stays well below."""


class StyleCamera(Generator):
    """A camera, video or deck picture in the manner of a painting."""

    id, version, makes, takes, wants = "reverie.style_camera", 1, "image", "image", "tensor"
    pixel_bytes = 250.0
    title = "Style camera"

    model = Model("house_styles", architecture="style_net", group="Style", help="The network with the styles")
    style = Choice(HOUSE_STYLES[0], HOUSE_STYLES, group="Style",
                   applies={"own_style": False, "picture": False, "blend": "< 1"}, help="The painting")
    second = Choice(HOUSE_STYLES[1], HOUSE_STYLES, label="Second style", group="Style",
                    applies={"own_second": False, "second_picture": False, "blend": True}, help="What blend goes to")
    blend = Float(0.0, 0.0, 1.0, group="Style", help="From the first style to the second")
    strength = Float(1.0, 0.0, 1.5, group="Style", help="0 the plain picture, 1 as trained, above 1 exaggerated")
    picture = Path("", accepts="image", label="Any picture", group="Style", applies={"blend": "< 1"},
                   help="A picture whose style is taken at once, without training; wins over the first style")
    second_picture = Path("", accepts="image", label="Any second picture", group="Style", applies={"blend": True},
                          help="A picture that takes the place of the second style")
    own_style = Text("", group="Style", applies={"picture": False, "blend": "< 1"},
                     help="Name of a style in a model of your own; wins over the first style")
    own_second = Text("", group="Style", applies={"second_picture": False, "blend": True},
                      help="Name of a second style in a model of your own")
    glide = Float(0.5, 0.0, 8.0, unit="s", group="Style", help="Time to glide from one look to another")
    size = Int(512, 128, 1280, unit="px", group="Picture", help="Working size, longer side: smaller has larger strokes")
    colour = Float(0.0, 0.0, 1.0, label="Keep colours", group="Picture", help="The camera's own colours")
    detail = Float(0.25, 0.0, 1.0, group="Picture", help="Fine edges of the camera laid over the strokes")
    saturation = Float(1.0, 0.0, 2.0, group="Picture", help="0 grey, 1 as it is, 2 vivid")
    contrast = Float(1.0, 0.5, 2.0, curve="log", group="Picture", help="Contrast of the result")
    mirror = Bool(False, group="Picture", help="Swap left and right, as in a mirror")
    steadiness = Float(0.6, 0.0, 1.0, group="Motion", help="0 each frame for itself, 1 rock steady where all is still")
    hold = Bool(False, group="Motion", help="Hold the statistics of the picture as they are: nothing pumps")
    boil = Float(0.0, 0.0, 1.0, group="Motion", help="The opposite of steadiness: strokes that seethe")
    boil_rate = Float(8.0, 0.5, 30.0, unit="Hz", curve="log", group="Motion", applies={"boil": True},
                      help="Changes per second while boiling")
    precision = Choice("auto", ["auto", "float32", "half"], group="Motion", live=False, help="Numbers in the network")

    def setup(self, ctx: Context) -> None:
        dtype = torch.float32 if self.precision == "float32" else working_dtype(ctx.device, allow_bf16=True)
        if self.precision == "half" and dtype == torch.float32:
            dtype = torch.bfloat16
        self.stylist = load_style(ctx.model(self.model), device=ctx.device, dtype=dtype)
        self.reader: Any = None  # loaded when a picture is asked for
        self.taken: dict[str, str] = {}
        self.shares: dict[str, float] = {}
        self.told: set[str] = set()
        self.boiling, self.bubbles = 0.0, torch.zeros(0)
        self._forget()

    def _forget(self) -> None:
        self.stylist.forget()
        self.calm: Tensor | None = None
        self.last: Tensor | None = None
        self.edges: Tensor | None = None

    def step(self, ctx: Context) -> Tensor:
        picture = ctx.input
        if picture is None:
            self._tell(ctx, "Style camera has no input and shows a picture of its own; give it a camera, video or deck")
            picture = still(*(ctx.size or (640, 480)))
        with torch.inference_mode():
            return self._stylise(ctx, torch.as_tensor(picture).to(ctx.device, torch.float32))

    def _stylise(self, ctx: Context, picture: Tensor) -> Tensor:
        if self.mirror:
            picture = picture.flip(2)
        height, width = picture.shape[1:]
        factor = self.size / max(height, width)
        shape = (max(16, round(height * factor)), max(16, round(width * factor)))
        small = picture if shape == (height, width) else _resize(picture, shape)
        if ctx.exposes:  # for a look at before and after; the smaller of the two costs half a millisecond
            ctx.expose("input", _to_host(small if factor < 1 else picture))
        if self.last is not None and self.last.shape != small.shape:
            self._forget()
        self._glide(ctx)
        # the share kept per frame follows from a time, so that a slow machine does not smooth for longer
        kept = math.exp(-ctx.dt / (0.02 + 1.2 * self.steadiness**2)) if self.steadiness > 0 else 0.0
        still_share: Tensor | None = None
        if kept > 0:
            if self.calm is None:
                self.calm = small.clone()
            still_share = kept * _stillness(small, self.calm)
            self.calm = torch.lerp(small, self.calm, still_share)
            small = self.calm
        memory = math.exp(-ctx.dt / (0.02 + 2.0 * self.steadiness)) if kept > 0 else 0.0
        self.stylist.memory = 1.0 if self.hold else memory
        self.stylist.every = 1 if self.steadiness < 0.4 else 3
        shown = self.stylist(self._boil(ctx, small) if self.boil > 0 else small)
        if still_share is not None and self.last is not None and self.boil <= 0:
            shown = torch.lerp(shown, self.last, still_share)
        self.last = shown
        shown = self._finish(shown, small)
        if shape != (height, width):
            shown = _resize(shown, (height, width))
            if self.detail > 0:
                # what the working size lost of the camera's edges, as brightness only
                lost = _luma(picture) - _luma(_resize(small, (height, width)))
                if still_share is not None:
                    if self.edges is not None and self.edges.shape == lost.shape:
                        share = F.interpolate(still_share[None], (height, width), mode="nearest")[0]
                        lost = torch.lerp(lost, self.edges, share)
                    self.edges = lost
                shown = shown + self.detail * lost
        return shown.clamp(0.0, 1.0)

    def _finish(self, shown: Tensor, small: Tensor) -> Tensor:
        if self.colour > 0:
            coloured = small + (_luma(shown) - _luma(small))
            shown = torch.lerp(shown, coloured, self.colour)
        if self.saturation != 1.0:
            grey = _luma(shown)
            shown = grey + self.saturation * (shown - grey)
        return shown if self.contrast == 1.0 else 0.5 + self.contrast * (shown - 0.5)

    def _glide(self, ctx: Context) -> None:
        """Move the shares of the styles towards what is asked for."""
        first = self._taken(ctx, self.picture) or self._named(ctx, self.own_style or self.style, 0)
        second = self._taken(ctx, self.second_picture) or self._named(ctx, self.own_second or self.second, 1)
        wanted = dict.fromkeys((*self.shares, first, second), 0.0)
        wanted[first] += self.strength * (1 - self.blend)
        wanted[second] += self.strength * self.blend
        wanted.pop("", None)
        if not self.shares or self.glide <= 0:
            self.shares = wanted
        else:
            step = 1.0 - math.exp(-3.0 * ctx.dt / self.glide)
            before = self.shares
            self.shares = {name: (1 - step) * before.get(name, 0.0) + step * share for name, share in wanted.items()}
        gone = [name for name, share in self.shares.items() if name not in (first, second) and abs(share) < 1e-4]
        for name in gone:
            del self.shares[name]
        self.stylist.mix(self.shares)

    def _taken(self, ctx: Context, path: str) -> str:
        """The name under which the style of a picture is known, '' where there is none to be had."""
        if not path:
            return ""
        if path not in self.taken:
            self.taken[path] = self._take(ctx, path)
        return self.taken[path]

    def _take(self, ctx: Context, path: str) -> str:
        """Read the style off a picture: some hundredths of a second, once."""
        try:
            if self.reader is None:
                self.reader = load_any_reader(ctx.model(self.model), device=ctx.device)
            if self.reader is None:
                self._tell(ctx, f"the model {self.model!r} takes no pictures as styles, only those it was trained on; "
                                "house_styles takes any")
                return ""
            pixels = torch.from_numpy(read_image(path, at_least=768).copy()).to(ctx.device)
            row = self.reader.read(pixels.permute(2, 0, 1).float().div_(255))
        except (OSError, ValueError) as error:  # PictureError among them
            self._tell(ctx, f"no style could be taken from {path}: {error}")
            return ""
        self.stylist.take(path, row)
        return path

    def _named(self, ctx: Context, name: str, place: int) -> str:
        """The style of that name in this model, or the one at ``place`` in it."""
        styles = self.stylist.styles
        if name in styles:
            return name
        if not styles:
            self._tell(ctx, "this model has no styles of its own; name any picture as the style")
            return ""
        instead = styles[min(place, len(styles) - 1)]
        self._tell(ctx, f"this model has no style {name!r}; it shows {instead!r} of {', '.join(styles)}")
        return instead

    def _tell(self, ctx: Context, message: str) -> None:
        if message not in self.told:
            self.told.add(message)
            ctx.notice(message)

    def _boil(self, ctx: Context, small: Tensor) -> Tensor:
        """Soft blotches that change some times per second make the strokes move about."""
        self.boiling += ctx.dt * self.boil_rate
        if self.bubbles.numel() == 0 or self.boiling >= 1.0:
            self.boiling %= 1.0
            grid = ctx.rng.standard_normal((1, 3, 24, 32), np.float32)
            self.bubbles = torch.from_numpy(grid).to(small.device)
        blotches = F.interpolate(self.bubbles, small.shape[1:], mode="bicubic", align_corners=False)[0]
        return (small + 0.09 * self.boil * blotches).clamp(0, 1)


def _resize(picture: Tensor, shape: tuple[int, int]) -> Tensor:
    """To another height and width, smoothly. On the CPU by OpenCV, which is ten times faster there."""
    shrinks = shape[0] < picture.shape[1]
    if picture.device.type != "cpu":
        mode = "bilinear" if shrinks else "bicubic"
        return F.interpolate(picture[None], shape, mode=mode, align_corners=False, antialias=shrinks)[0]
    pixels = picture.permute(1, 2, 0).contiguous().numpy()
    how = cv2.INTER_AREA if shape[0] * 2 <= picture.shape[1] else cv2.INTER_LINEAR if shrinks else cv2.INTER_CUBIC
    return torch.from_numpy(cv2.resize(pixels, (shape[1], shape[0]), interpolation=how)).permute(2, 0, 1)


def _to_host(picture: Tensor) -> Any:
    """``uint8 (H, W, 3)``."""
    return picture.permute(1, 2, 0).clamp(0, 1).mul(255).to(torch.uint8).contiguous().cpu().numpy()


def _luma(picture: Tensor) -> Tensor:
    """Brightness ``(1, H, W)``, exact also inside an autocast: of two nearly equal ones the difference is shown."""
    with torch.autocast(picture.device.type, enabled=False):
        return (picture.permute(1, 2, 0) @ picture.new_tensor(LUMA))[None]


def _stillness(now: Tensor, before: Tensor) -> Tensor:
    """1 where nothing moved, 0 where something did, ``(1, H, W)``. Patches are compared, so that noise cancels out."""
    change = F.avg_pool2d((now - before)[None], 8, ceil_mode=True).abs().amax(1, keepdim=True)
    change = F.max_pool2d(change, 3, 1, 1)
    share = torch.exp(-((change / MOTION) ** 2))
    return F.interpolate(share, now.shape[1:], mode="bilinear", align_corners=False)[0]


def still(width: int, height: int) -> Tensor:
    """A picture to show when there is no input: a low sun over hills and water, ``(3, height, width)``."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    y, x = y / height, x / width
    sky = np.stack([0.95 - 0.55 * (0.6 - y), 0.72 - 0.35 * (0.6 - y), 0.45 + 0.55 * (0.6 - y)])
    reach = (x - 0.62) ** 2 * (width / height) ** 2 + (y - 0.42) ** 2
    sky += np.exp(-reach / 0.01) * np.array([0.5, 0.45, 0.2], np.float32)[:, None, None]
    sky[:, reach < 0.0035] = np.array([[1.0], [0.95], [0.75]], np.float32)
    colours: Any = ((0.46, 0.36, 0.52), (0.28, 0.30, 0.42), (0.14, 0.22, 0.20))
    for number, colour in enumerate(colours):
        line = 0.5 + 0.07 * number - 0.05 * np.sin(x * (5 + 3 * number) + number * 2) - 0.02 * np.sin(x * 23 + number)
        inside = (y > line) & (y < 0.68)
        shade = 0.85 + 0.3 * np.sin(x * 60 + y * 90 + number)
        sky = np.where(inside, np.array(colour, np.float32)[:, None, None] * shade, sky)
    mirrored = np.clip(((1.36 - y) * height).astype(int), 0, height - 1)
    ripple = (np.sin(y * y * 400 + 3 * np.sin(x * 12)) * 0.008 * width).astype(int)
    water = sky[:, mirrored, np.clip((x * width).astype(int) + ripple, 0, width - 1)] * 0.75
    return torch.from_numpy(np.clip(np.where(y >= 0.68, water, sky), 0, 1).astype(np.float32))
