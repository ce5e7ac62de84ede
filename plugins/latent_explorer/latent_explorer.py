"""The latent explorer: every way of moving through what a generator network can make."""

from __future__ import annotations

from typing import Any

import torch

from studio.api import Bool, Choice, Context, Float, Generator, Int, Model, Point, Seed, Text, Trigger
from studio.nn import latent
from studio.nn.gan import load_generator
from studio.nn.gan_player import Played, mix
from studio.nn.imaging import fold, graded, move
from studio.nn.resample import KERNELS, fit

COMPONENTS = 8
NOISE_PERIOD = 12.0  # seconds after which the living texture comes round

MODES = ("still", "interpolate", "walk", "loop", "keyframes", "arithmetic", "grid")
SEEDED = ("still", "interpolate", "walk", "loop")  # out from the seed or the place
ON_THE_WAY = ("interpolate", "walk", "loop", "keyframes")
MOVES: list[dict[str, Any]] = [{"mode": ON_THE_WAY}, {"mode": "grid", "grid_moves": True}]


def _direction(number: int) -> Float:
    return Float(0.0, -4.0, 4.0, unit="σ", group="Directions", label=f"Direction {number}",
                 help=f"Along principal direction {number} of the latent space, in standard deviations")


class LatentExplorer(Generator):
    """A generator network as an instrument. One seed is one picture in every mode."""

    id, version, title, makes = "reverie.latent_explorer", 1, "Latent explorer", "image"
    pixel_bytes = 40.0

    mode = Choice("walk", MODES, group="Latent",
                  help="still: one seed; interpolate: seed to end seed and back; walk: endless; loop: closed; "
                  "keyframes: your path; arithmetic: A − B + C; grid: many seeds as one picture")
    seed = Seed(1, group="Latent", applies={"mode": (*SEEDED, "grid")},
                help="The picture: the same number is the same picture in every mode")
    place = Text("", group="Latent", place_of="seed", names_in="points", applies={"mode": SEEDED},
                 help="Taken instead of the seed: a mixture such as 12:0.7 40:0.5 pc1:-1 (seeds, named points and "
                 "directions with weights); with @7 at its end it holds while the seed is 7; empty: the seed")
    end_seed = Seed(2, group="Latent", applies={"mode": "interpolate"}, help="Where interpolate goes")
    truncation = Float(0.85, -1.0, 2.0, group="Latent",
                       help="1: as trained, towards 0: more typical, above 1: stranger, below 0: the opposite")
    detail = Float(0.0, 0.0, 1.0, group="Latent", help="How much of the detail seed's texture and colour is taken on")
    detail_seed = Seed(3, group="Latent", applies={"detail": True}, help="Whose texture and colour; the shape stays")
    detail_from = Float(0.5, 0.0, 1.0, group="Latent", applies={"detail": True},
                        help="Where in the network the detail begins: 0 at the coarsest layer (pose, shape), 1 nowhere")
    detail_to = Float(1.0, 0.0, 1.0, group="Latent", applies={"detail": True},
                      help="Where in the network the detail ends: 1 at the finest layer (colour, texture)")

    class_a = Text("", group="Class", label="Class",
                   help="Of a network that learned classes, the one to make: a name, a number, or a mixture such as "
                   "rose:0.7 tulip:0.3; empty: every seed has its own")
    class_b = Text("", group="Class", label="Other class", help="Where class blend goes; empty: nowhere")
    class_blend = Float(0.0, 0.0, 1.0, group="Class", applies={"class_b": True},
                        help="From the class (0) to the other one (1), through all that lies between")

    speed = Float(0.4, -8.0, 8.0, unit="1/s", group="Motion",
                  applies=[{"mode": ("interpolate", "walk")}, {"mode": "grid", "grid_moves": True}],
                  help="Ways per second (or per beat) in interpolate and walk; below 0 backwards")
    unit = Choice("seconds", ("seconds", "beats"), group="Motion", applies=MOVES,
                  help="What speed, loop length and keyframe times count in")
    interpolation = Choice("slerp", ("slerp", "linear"), group="Motion", applies=MOVES,
                           help="slerp: along the sphere of z, every picture on the way as likely as the ends; "
                           "linear: straight in w, calmer")
    easing = Choice("smooth", tuple(latent.EASINGS), group="Motion", applies={"mode": "interpolate"},
                    help="How interpolate travels its way")
    walk_step = Float(0.8, 0.0, 1.0, group="Motion",
                      applies=[{"mode": ("walk", "loop")}, {"mode": "grid", "grid_moves": True}],
                      help="How far walk and loop stray from the seed: 0 stays, 1 goes anywhere")
    stops = Int(4, 2, 32, group="Motion", applies={"mode": "loop"}, help="Pictures that a loop passes")
    loop_length = Float(8.0, 0.25, 256.0, curve="log", unit="s", group="Motion", applies={"mode": "loop"},
                        help="Seconds (or beats) after which a loop closes")
    restart = Trigger(group="Motion", help="Back to the beginning of the path")

    keyframes = Text("1@0 7@2 23@4:smooth 1@6", group="Keyframes", applies={"mode": "keyframes"},
                     help="seed@time, as 12@0 40@2:smooth rose@4:in; easings: " + ", ".join(latent.EASINGS))
    repeat = Bool(True, group="Keyframes", applies={"mode": "keyframes"}, help="Begin again after the last keyframe")
    points = Text("", group="Keyframes",
                  applies=[{"mode": ("keyframes", "arithmetic")}, {"mode": SEEDED, "place": True}],
                  help="Names for seeds and places, as rose=12 dusk=40:0.8+7:0.5; usable in keyframes and arithmetic")

    point_a = Text("1", group="Arithmetic", applies={"mode": "arithmetic"},
                   help="A of A − B + C: a seed, a named point or a mixture")
    point_b = Text("2", group="Arithmetic", applies={"mode": "arithmetic"}, help="B, what is taken away")
    point_c = Text("3", group="Arithmetic", applies={"mode": "arithmetic"}, help="C, what is put in its place")
    amount = Float(1.0, -2.0, 2.0, group="Arithmetic", applies={"mode": "arithmetic"}, help="How much of C − B")

    pad = Point((0.0, 0.0), -3.0, 3.0, unit="σ", group="Directions", help="Both first principal directions by hand")
    pc1, pc2, pc3, pc4, pc5, pc6, pc7, pc8 = (_direction(number) for number in range(1, COMPONENTS + 1))

    rows = Int(4, 1, 16, group="Grid", applies={"mode": "grid"}, help="Rows of seeds")
    columns = Int(4, 1, 16, group="Grid", applies={"mode": "grid"}, help="Columns of seeds")
    gap = Int(4, 0, 64, unit="px", group="Grid", applies={"mode": "grid"}, help="Black between the pictures")
    grid_moves = Bool(False, group="Grid", applies={"mode": "grid"},
                      help="Every picture of the grid walks, instead of standing still")

    size = Int(512, 64, 4096, curve="log", unit="px", group="Picture",
               help="Side of the picture, unless the output has a size of its own")
    framing = Choice("cover", ("cover", "contain", "mirror"), group="Picture",
                     applies={"mode": (*SEEDED, "keyframes", "arithmetic")},
                     help="A square on a wide output: cropped, with black beside it, or continued in mirror images")
    upscaling = Choice("lanczos", KERNELS, group="Picture",
                       help="How the network's pixels are enlarged: sharp to soft, or as squares")
    noise = Float(0.0, 0.0, 2.0, group="Picture",
                  help="Living texture: noise among the network's features, which moves slowly")
    grain = Bool(True, group="Picture", help="The fixed noise that a StyleGAN2 learned with; off: smoother")
    mirrors = Int(0, 0, 16, group="Picture", help="1: left mirrors right; 2 and more: a kaleidoscope of so many parts")
    zoom = Float(1.0, 0.5, 4.0, curve="log", group="Picture", help="Nearer")
    spin = Float(0.0, -180.0, 180.0, unit="°/s", group="Picture",
                 help="Turning; a loop makes whole turns, so that it closes")
    contrast = Float(1.0, 0.3, 2.0, group="Picture", help="Contrast around middle grey")
    saturation = Float(1.0, 0.0, 2.5, group="Picture", help="0: grey, 1: as made, above: richer")

    inner_shift = Point((0.0, 0.0), -1.0, 1.0, group="Inside", help="Moves a StyleGAN3's picture within the network, "
                        "where it goes on beyond its edges; in widths of the picture")
    inner_turn = Float(0.0, -180.0, 180.0, unit="°", group="Inside", help="Turns a StyleGAN3's picture likewise")
    inner_zoom = Float(1.0, 0.5, 4.0, curve="log", group="Inside", help="Brings a StyleGAN3's picture nearer likewise")

    model = Model("flowers", architecture="gan", group="Network", help="The generator network")

    @classmethod
    def loop_seconds(cls, values: dict[str, Any], bpm: float) -> float | None:
        unit = 60.0 / bpm if values["unit"] == "beats" else 1.0
        if values["mode"] == "loop":
            return float(values["loop_length"]) * unit
        if values["spin"] or values["noise"]:
            return None  # they turn at their own pace
        if values["mode"] == "interpolate" and values["speed"]:
            return 2.0 * unit / abs(float(values["speed"]))
        if values["mode"] == "keyframes" and values["repeat"]:
            try:
                frames = latent.parse_keyframes(values["keyframes"], latent.parse_points(values["points"]))
            except latent.LatentError:
                return None
            return (frames[-1].time - frames[0].time) * unit
        return None

    def setup(self, ctx: Context) -> None:
        path = ctx.model(self.model)
        if getattr(self, "_path", None) != path:
            self._net = Played(load_generator(path, ctx.device), ctx.device, ctx.dtype)
            self._path = path
            self._last: tuple[object, torch.Tensor] | None = None
            # texts that were read, which another network may not be able to follow
            self._read: tuple[tuple[str, str], list[latent.Keyframe] | None] = (("", ""), None)
            self._mixed: tuple[tuple[str, str], latent.Where | None, int | None] = (("", ""), None, None)
        if not hasattr(self, "_phase"):
            self._rewind()
            self._said: set[str] = set()
            self._anchor: tuple[str, int, str] | None = None

    def _rewind(self) -> None:
        self._phase = self._circle = self._time = self._angle = self._breath = 0.0
        self._begun = False

    def step(self, ctx: Context) -> torch.Tensor:
        if self.restart:
            self._rewind()
        if self._begun:
            self._advance(ctx)
        self._begun = True
        self._shares: list[float] = self._class_of(ctx, self.seed)
        anchor = (self.place, self.seed, self.points if self.place else "")
        if self.mode == "grid" and self._anchor is not None:
            anchor = (self._anchor[0], self.seed, self._anchor[2])  # a grid goes out from seeds alone
        if anchor != self._anchor:
            # who is sent somewhere arrives there, and wanders on from there; who is on the way strays less and less
            if self._anchor is not None and latent.straying(self.place) is None:
                self._phase = self._circle = 0.0
            self._anchor = anchor
        width, height = ctx.size or (self.size, self.size)
        if self.mode == "grid":
            self._show(ctx, self._home(ctx))
            return self._grid(ctx, (height, width))
        w = self._place(ctx)
        self._show(ctx, w)
        return self._picture(ctx, w, (height, width))

    def _show(self, ctx: Context, w: torch.Tensor) -> None:
        """Tell the view where the picture is: ``w`` before truncation, without the mean, as if the directions that are
        turned up belonged to the place; ``time`` on the keyframes' path; how far along the walk or loop it is."""
        if not ctx.exposes:
            return
        deviation = w - self._net.centre(self._shares)
        moved = self._moved(torch.zeros_like(deviation))
        if abs(self.truncation) > 0.05:
            deviation = deviation + moved / self.truncation
        ctx.expose("deviation", deviation[0].numpy().copy())
        ctx.expose("time", self._time)

    def _advance(self, ctx: Context) -> None:
        """Move every phase on by this step's time; a changed speed changes the pace, never the place."""
        units = ctx.dt * ctx.bpm / 60 if self.unit == "beats" else ctx.dt
        self._phase += self.speed * units
        self._circle = (self._circle + units / self.loop_length) % 1.0
        self._time += units
        self._angle = (self._angle + self.spin * ctx.dt) % 360.0
        self._breath = (self._breath + ctx.dt / NOISE_PERIOD) % 1.0

    # Places in the latent space: (1, length) in w

    def _class_of(self, ctx: Context, where: latent.Where) -> list[float]:
        """The blend of classes at a seed or place; a text that cannot be read is said once."""
        seed = where if isinstance(where, int) else self.seed
        return self._net.blend(self.class_a, self.class_b, self.class_blend, seed, lambda line: self._say(ctx, line))

    def _w(self, z: torch.Tensor) -> torch.Tensor:
        return self._net.w(z, self._shares)

    def _w_of(self, where: latent.Where) -> torch.Tensor:
        """The w of a seed or place. Raises LatentError."""
        if isinstance(where, int):
            return self._w(self._net.z(where))
        net = self._net
        return latent.place_w(
            where, net.centre(self._shares), net.directions, net.sigmas, lambda seed: self._w(self._net.z(seed))
        )

    def _between(self, ctx: Context, first: latent.Where, second: latent.Where, t: float) -> torch.Tensor:
        self._shares = mix(self._class_of(ctx, first), self._class_of(ctx, second), t)
        if self.interpolation == "slerp" and isinstance(first, int) and isinstance(second, int):
            return self._w(latent.slerp(self._net.z(first), self._net.z(second), t))
        return latent.lerp(self._w_of(first), self._w_of(second), t)

    def _start(self, ctx: Context) -> latent.Where:
        """The seed, or the place that stands in its stead; a place that cannot be read is said once."""
        if not self.place.strip():
            return self.seed
        key = (self.place, self.points)
        if key != self._mixed[0]:
            where, holds = self._mixed[1:]
            try:
                text, holds = latent.held(self.place)
                wished = latent.parse_point(text, latent.parse_points(self.points))
                self._w_of(wished)
                where = wished
            except latent.LatentError as error:
                self._say(ctx, f"place: {error}")
            self._mixed = (key, where, holds)
        _, where, holds = self._mixed
        return self.seed if where is None or holds not in (None, self.seed) else where

    def _home(self, ctx: Context) -> torch.Tensor:
        """The w where still stands and where walk and loop begin."""
        return self._w_of(self._start(ctx))

    def _from_home(self, ctx: Context, w: torch.Tensor) -> torch.Tensor:
        """A walk or loop of the seed, moved so that it begins at the place, if there is one."""
        start = self._start(ctx)
        if isinstance(start, int) and start == self.seed:
            return w
        keeps = latent.straying(self.place)
        strayed = w - self._w(self._net.z(self.seed))
        return self._w_of(start) + (strayed if keeps is None else strayed * keeps)

    def _stop(self, ctx: Context, seed: int, index: int) -> torch.Tensor:
        """Way point of a walk or loop, in z (slerp) or w (linear)."""
        z = latent.wander(self._net.z(seed), ctx.seed * 0x9E3779B1 + seed, index, self.walk_step)
        return z if self.interpolation == "slerp" else self._w(z)

    def _arrive(self, point: torch.Tensor) -> torch.Tensor:
        return self._w(point) if self.interpolation == "slerp" else point

    def _walk(self, ctx: Context, seed: int) -> torch.Tensor:
        return self._arrive(latent.along(lambda index: self._stop(ctx, seed, index), self._phase))

    def _place(self, ctx: Context) -> torch.Tensor:
        if self.mode == "interpolate":
            way = latent.ease(self.easing, latent.there_and_back(self._phase))
            return self._between(ctx, self._start(ctx), self.end_seed, way)
        if self.mode == "walk":
            return self._from_home(ctx, self._walk(ctx, self.seed))
        if self.mode == "loop":
            stops = [self._stop(ctx, self.seed, index) for index in range(self.stops)]
            return self._from_home(ctx, self._arrive(latent.around(stops, self._circle)))
        if self.mode == "keyframes":
            frames = self._path_frames(ctx)
            if frames is not None:
                start, end = frames[0].time, frames[-1].time
                time = start + (self._time % (end - start)) if self.repeat else start + self._time
                return self._between(ctx, *latent.at_time(frames, time))
        if self.mode == "arithmetic":
            try:
                names = latent.parse_points(self.points)
                texts = (self.point_a, self.point_b, self.point_c)
                a, b, c = (self._w_of(latent.parse_point(text, names)) for text in texts)
            except latent.LatentError as error:
                self._say(ctx, f"arithmetic shows the seed alone: {error}")
            else:
                return a + (c - b) * self.amount
        return self._home(ctx)

    def _path_frames(self, ctx: Context) -> list[latent.Keyframe] | None:
        """The parsed keyframes; a text that cannot be read is said once and the last good path goes on."""
        key = (self.keyframes, self.points)
        if key != self._read[0]:
            frames = self._read[1]
            try:
                parsed = latent.parse_keyframes(self.keyframes, latent.parse_points(self.points))
                for frame in parsed:
                    if not isinstance(frame.seed, int):
                        self._w_of(frame.seed)
                frames = parsed
            except latent.LatentError as error:
                self._say(ctx, f"keyframes: {error}")
            self._read = (key, frames)
        return self._read[1]

    def _say(self, ctx: Context, message: str) -> None:
        if message not in self._said:
            if len(self._said) > 100:
                self._said.clear()
            self._said.add(message)
            ctx.notice(message)

    def _shaped(self, w: torch.Tensor) -> torch.Tensor:
        """Truncated, moved along the directions, with another's detail: ``(1, layers, length)``."""
        centre, net = self._net.centre(self._shares), self._net
        w = self._moved(latent.truncate(w, centre, self.truncation))
        other, amount = w, self.detail if net.layers > 1 else 0.0  # one w that makes everything has no detail
        if amount > 0:
            other = latent.truncate(self._w(net.z(self.detail_seed)), centre, self.truncation)
        return net.layered(w, other, amount, self.detail_from, self.detail_to)

    def _moved(self, w: torch.Tensor) -> torch.Tensor:
        """Moved along the principal directions by the sliders and the pad."""
        amounts = (self.pc1, self.pc2, self.pc3, self.pc4, self.pc5, self.pc6, self.pc7, self.pc8)
        directions, sigmas = self._net.directions, self._net.sigmas
        return latent.offset(latent.offset(w, directions, sigmas, amounts), directions, sigmas, self.pad)

    # Pictures

    def _raw(self, w: torch.Tensor) -> torch.Tensor:
        """The network's own picture ``(3, side, side)`` in 0..1."""
        phase = self._circle if self.mode == "loop" else self._breath
        self._net.move(*self.inner_shift, self.inner_turn, self.inner_zoom)
        return self._net.picture(self._shaped(w), self.noise, phase, grain=self.grain)

    def _finished(self, picture: torch.Tensor) -> torch.Tensor:
        """Contrast and saturation, turning, zoom and mirrors, on a picture of any size."""
        picture = graded(picture, self.saturation, self.contrast)
        angle = self._angle
        if self.mode == "loop":
            seconds = self.loop_length * (60 / self._bpm if self.unit == "beats" else 1.0)
            angle = 360.0 * self._circle * round(self.spin * seconds / 360.0)
        batch = move(picture[None], zoom=self.zoom, degrees=angle)
        return fold(batch, self.mirrors)[0].clamp(0, 1)

    def _picture(self, ctx: Context, w: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        self._bpm = ctx.bpm
        key = self._key(size)
        still = key is not None and self._last is not None and self._last[0] == key and torch.equal(self._last_w, w)
        if still and self._last is not None:
            return self._last[1]
        enlarged = fit(self._raw(w), size, self.framing, self.upscaling)
        made = self._finished(enlarged)
        self._last, self._last_w = (key, made), w
        return made

    def _key(self, size: tuple[int, int]) -> object:
        """What a picture depends on besides w, or None while something moves in it."""
        if self.noise or self.spin:
            return None
        names = ("truncation", "detail", "detail_seed", "detail_from", "detail_to", "pad",
                 *(f"pc{number}" for number in range(1, COMPONENTS + 1)), "grain", "inner_shift", "inner_turn",
                 "inner_zoom", "framing", "upscaling", "mirrors", "zoom", "contrast", "saturation")
        return (size, self._angle, self._path, *self._shares, *(getattr(self, name) for name in names))

    def _grid(self, ctx: Context, size: tuple[int, int]) -> torch.Tensor:
        """Seeds from ``seed`` on, row by row."""
        self._bpm = ctx.bpm
        height, width = size
        tall = max(1, (height - (self.rows - 1) * self.gap) // self.rows)
        wide = max(1, (width - (self.columns - 1) * self.gap) // self.columns)
        count = self.rows * self.columns
        key = self._key(size)
        if key is not None and not self.grid_moves:
            key = ("grid", key, self.class_a, self.seed, self.rows, self.columns, self.gap)
            if self._last is not None and self._last[0] == key:
                return self._last[1]
        top = max(0, height - (tall + self.gap) * self.rows + self.gap) // 2
        left = max(0, width - (wide + self.gap) * self.columns + self.gap) // 2
        sheet = torch.zeros(3, height, width, device=ctx.device)
        for index in range(count):
            ctx.check(index / count)
            seed = (self.seed + index) % (Seed.LIMIT + 1)
            self._shares = self._class_of(ctx, seed)
            w = self._walk(ctx, seed) if self.grid_moves else self._w(self._net.z(seed))
            made = self._finished(fit(self._raw(w), (tall, wide), "cover", self.upscaling))
            row, column = divmod(index, self.columns)
            y, x = top + row * (tall + self.gap), left + column * (wide + self.gap)
            part = sheet[:, y : y + tall, x : x + wide]
            part.copy_(made[:, : part.shape[1], : part.shape[2]])
        self._last = (None if self.grid_moves else key, sheet)
        return sheet
