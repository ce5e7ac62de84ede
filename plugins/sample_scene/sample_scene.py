"""A lake between mountains, with clouds, a windmill, a house, a sailing boat and birds, at any hour and season.

Everything is computed: no picture is read. Still parts are drawn once (``land``); each frame lights them, mirrors them
in the water and draws what moves. The same parameters and seed give the same frames.
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.api import Bool, Choice, Context, Float, Generator, Int, Seed

from . import land
from .land import HORIZON, Picture

Frame = NDArray[np.uint8]

# hour, zenith, horizon, light on the land, sun
SKY: tuple[tuple[float, ...], ...] = (
    (0.0, 0.02, 0.04, 0.14, 0.06, 0.11, 0.26, 0.20, 0.26, 0.46, 0.80, 0.85, 0.95),
    (5.0, 0.07, 0.11, 0.30, 0.42, 0.32, 0.42, 0.30, 0.32, 0.48, 0.95, 0.60, 0.50),
    (6.8, 0.30, 0.42, 0.68, 0.98, 0.66, 0.46, 0.86, 0.70, 0.60, 1.00, 0.76, 0.48),
    (9.0, 0.24, 0.48, 0.82, 0.72, 0.86, 0.95, 1.00, 0.97, 0.90, 1.00, 0.97, 0.86),
    (15.0, 0.20, 0.44, 0.80, 0.70, 0.85, 0.94, 1.02, 1.00, 0.92, 1.00, 0.97, 0.86),
    (17.8, 0.26, 0.42, 0.72, 0.98, 0.80, 0.52, 1.06, 0.88, 0.66, 1.00, 0.86, 0.52),
    (19.2, 0.22, 0.22, 0.50, 0.99, 0.46, 0.24, 0.78, 0.52, 0.46, 1.00, 0.56, 0.24),
    (20.6, 0.09, 0.09, 0.28, 0.46, 0.24, 0.38, 0.34, 0.30, 0.48, 0.95, 0.45, 0.35),
    (22.0, 0.02, 0.04, 0.14, 0.06, 0.11, 0.26, 0.20, 0.26, 0.46, 0.80, 0.85, 0.95),
    (24.0, 0.02, 0.04, 0.14, 0.06, 0.11, 0.26, 0.20, 0.26, 0.46, 0.80, 0.85, 0.95),
)


class SampleScene(Generator):
    """A landscape that moves: hills, a lake, a windmill, a boat, birds."""

    id, version, makes, title = "reverie.sample_scene", 1, "image", "Sample scene"
    pixel_bytes = 40.0

    hour = Float(17.6, 0.0, 24.0, unit="h", group="Light", help="Time of day; 19 is sunset, 0 is night")
    day_speed = Float(0.0, 0.0, 4.0, unit="h/s", group="Light", help="Hours that pass in a second")
    clouds = Float(0.45, 0.0, 1.0, group="Weather", help="How much of the sky is clouded")
    wind = Float(0.4, 0.0, 1.0, group="Weather", help="Drives clouds, windmill, trees, boat and smoke")
    waves = Float(0.4, 0.0, 1.0, group="Weather", help="Height of the ripples on the lake")
    season = Choice("summer", list(land.SEASONS), group="Land", live=False, help="Colours of the land")
    boat = Bool(True, group="Life", help="A boat sails on the lake")
    birds = Int(7, 0, 24, group="Life", help="Number of birds")
    sway = Float(0.25, 0.0, 1.0, group="Camera", help="A slow drift of the viewpoint")
    grain = Float(0.0, 0.0, 0.1, group="Camera", help="Camera noise, as a share of full brightness")
    seed = Seed(3, group="Land", live=False, help="Another landscape")

    def setup(self, ctx: Context) -> None:
        self.width, self.height = ctx.size or (640, 480)
        if not hasattr(self, "drift"):
            self.drift = self.turn = self.ripple = self.sail = self.flight = self.look = self.day = 0.0
        rng = np.random.default_rng([self.seed, 1])
        self.land = land.paint(self.width, self.height, self.season, self.seed)
        self.cloud = land.noise(rng, 256, 512, 8, 6)
        self.stars = rng.random((110, 3))
        self.flock = rng.random((24, 4))
        horizon = round(HORIZON * self.height)
        rows = np.arange(self.height - horizon, dtype=np.float32)
        self.depth = (rows + 1.5) / max(1, self.height - horizon)
        # waves get finer towards the horizon
        self.crests = np.log(self.depth) * 16.0
        self.columns = np.arange(self.width, dtype=np.float32)
        chop = land.noise(rng, max(8, self.height - horizon), self.width, 40, 3)
        self.chop = np.asarray(chop[: self.height - horizon] - 0.5, np.float32)

    def step(self, ctx: Context) -> Frame:
        dt, wind = ctx.dt, self.wind
        self.drift += dt * (0.002 + 0.025 * wind)
        self.turn += dt * (0.15 + 1.9 * wind)
        self.ripple += dt * (0.6 + 1.6 * self.waves)
        self.sail += dt * (0.004 + 0.030 * wind)
        self.flight += dt
        self.look += dt * 0.25
        self.day += dt * self.day_speed
        light = self._light((self.hour + self.day) % 24.0)
        picture = np.empty((self.height, self.width, 3), np.float32)
        horizon = round(HORIZON * self.height)
        picture[:horizon] = self._sky(light, horizon)
        self._water(picture, light, horizon)
        # from here on in 8 bits: OpenCV draws smooth edges on those only
        frame: Frame = cv2.convertScaleAbs(picture, alpha=255.0)
        if self.boat:
            self._boat(frame, light)
        self._near(frame, light)
        self._fly(frame, light)
        frame = self._camera(frame)
        if self.grain > 0:
            dots = ctx.rng.standard_normal(frame.shape, np.float32) * np.float32(self.grain * 255)
            frame = np.clip(frame + dots, 0, 255).astype(np.uint8)
        return frame

    def _light(self, hour: float) -> dict[str, Any]:
        table = np.array(SKY, np.float32)
        values = np.array([np.interp(hour, table[:, 0], table[:, column]) for column in range(1, 13)], np.float32)
        zenith, low, ambient, sun = values.reshape(4, 3)
        day = (hour - 5.6) / (20.2 - 5.6)  # 0 sunrise, 1 sunset
        night = not 0.0 <= day <= 1.0
        if night:
            arc = ((hour - 20.2) % 24.0) / 9.4
            place = (0.18 + 0.6 * arc, HORIZON - 0.06 - 0.36 * math.sin(math.pi * min(1.0, arc)))
        else:
            place = (0.14 + 0.62 * day, HORIZON + 0.03 - 0.42 * math.sin(math.pi * day))
        dark = float(np.clip((0.75 - float(ambient.mean())) / 0.4, 0, 1))
        return {
            "zenith": zenith,
            "low": low,
            "ambient": ambient,
            "sun": sun,
            "place": place,
            "night": night,
            "dark": dark,
        }

    def _sky(self, light: dict[str, Any], horizon: int) -> Picture:
        width = self.width
        small = (max(16, width // 2), max(8, horizon // 2))
        y = np.linspace(0, 1, small[1], dtype=np.float32)[:, None]
        ramp = y**1.6
        sky = light["zenith"] * (1 - ramp)[:, :, None] + light["low"] * ramp[:, :, None]
        x = np.linspace(0, 1, small[0], dtype=np.float32)[None, :]
        px, py = light["place"]
        reach = ((x - px) * self.width / self.height) ** 2 + ((y * HORIZON) - py) ** 2
        glow = np.exp(-reach / 0.045) * 0.55 + np.exp(-reach / 0.006) * 0.45
        sky = sky + (glow * (0.35 if light["night"] else 0.9))[:, :, None] * light["sun"] * (1.05 - sky)
        sky = self._clouds(sky, x, y, light, glow)
        sky = cv2.resize(np.asarray(sky, np.float32), (width, horizon), interpolation=cv2.INTER_LINEAR)
        if light["dark"] > 0.5:
            self._stars(sky, light)
        radius = 0.030 * self.height
        top, left = max(0, int(py * self.height - radius - 2)), max(0, int(px * width - radius - 2))
        patch = sky[top : top + int(2 * radius) + 5, left : left + int(2 * radius) + 5]
        rows, columns = np.ogrid[top : top + patch.shape[0], left : left + patch.shape[1]]
        inside = np.clip(radius + 0.5 - np.hypot(columns - px * width, rows - py * self.height), 0, 1)[:, :, None]
        patch += inside.astype(np.float32) * (np.minimum(1.0, light["sun"] * 1.05) - patch)
        part, mask, haze = self.land.mountains, self.land.mountain_mask, self.land.haze
        lit = part * light["ambient"]
        lit += haze[:, :, None] * (light["low"] * 0.92 - lit)
        sky += mask[:, :, None] * (lit - sky)
        return np.asarray(sky, np.float32)

    def _clouds(self, sky: Any, x: Picture, y: Picture, light: dict[str, Any], glow: Picture) -> Any:
        if self.clouds <= 0:
            return sky
        # seen from below: squeezed towards the horizon
        far = 1.0 / (1.25 - y)
        u = ((x - 0.5) * far * 0.75 + self.drift) * 512
        v = np.broadcast_to(far * 190.0 + self.drift * 60, u.shape)
        shape = np.float32(u % 512), np.float32(v % 256)
        field = cv2.remap(self.cloud, *shape, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
        above = cv2.remap(self.cloud, shape[0], np.float32((v - 9) % 256), cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
        edge = 0.78 - 0.5 * self.clouds
        cover = np.clip((field - edge) / 0.16, 0, 1) * np.clip(1.15 - y * 0.5, 0, 1)
        lit = np.clip(0.62 + 2.4 * (field - above) + 0.5 * glow, 0.25, 1.15)[:, :, None]
        base = 0.45 * light["low"] + 0.55 * light["ambient"]
        colour = lit * base * np.float32(1.08)
        return sky + (cover * 0.92)[:, :, None] * (colour - sky)

    def _stars(self, sky: Picture, light: dict[str, Any]) -> None:
        strength = (light["dark"] - 0.5) * 2.0
        height = sky.shape[0]
        for x, y, size in self.stars:
            behind = sky[min(height - 1, int(y * 0.8 * height)), min(self.width - 1, int(x * self.width))]
            twinkle = 0.6 + 0.4 * math.sin(self.flight * (2 + 5 * size) + 40 * x)
            value = strength * twinkle * (0.4 + 0.6 * size) * max(0.0, 1.0 - 3.0 * float(behind[1]))
            colour = np.minimum(1.0, behind + value * np.array((1.0, 1.0, 0.94), np.float32))
            radius = round((0.5 + size * 0.9) * self.height / 480 * 16)
            cv2.circle(sky, _fixed(x * self.width, y * 0.8 * height), radius, colour.tolist(), -1, cv2.LINE_8, 4)

    def _water(self, picture: Picture, light: dict[str, Any], horizon: int) -> None:
        rows = self.height - horizon
        depth = self.depth[:, None]
        phase = self.crests[:, None] - self.ripple * 2.2
        swell = np.sin(phase + self.columns[None, :] * 0.012) + 0.6 * np.sin(
            1.7 * phase + 2.0 - self.columns[None, :] * 0.021
        )
        shift = round(self.ripple * self.width * 0.03) % self.width
        rough = swell * 0.5 + np.roll(self.chop, shift, 1) * 2.4
        tall = (0.15 + self.waves) * depth * self.height * 0.045
        map_y = (horizon - 2 - np.arange(rows, dtype=np.float32)[:, None] * 0.98) + rough * tall
        map_x = self.columns[None, :] + rough * tall * 0.35
        mirror = cv2.remap(
            np.ascontiguousarray(picture[:horizon]),
            np.float32(map_x),
            np.float32(np.clip(map_y, 0, horizon - 1)),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        deep = (light["zenith"] * 0.45 + light["ambient"] * np.array((0.02, 0.10, 0.14), np.float32)) * 0.9
        share = (0.22 + 0.45 * depth)[:, :, None]
        water = mirror + share * (deep - mirror)
        px = light["place"][0] * self.width
        road = np.exp(-(((self.columns[None, :] - px) / (self.width * (0.025 + 0.10 * depth))) ** 2))
        glint = np.clip(rough * 1.6 - 0.75, 0, 1) * road * (0.5 if light["night"] else 1.0)
        water += glint[:, :, None] * light["sun"] * 0.85
        water += (np.clip(rough - 0.95, 0, 1) * 0.35 * self.waves)[:, :, None] * light["ambient"]
        picture[horizon:] = water

    def _boat(self, picture: Frame, light: dict[str, Any]) -> None:
        width, height = self.width, self.height
        x = (0.62 + self.sail) % 1.3 - 0.15
        bob = 0.006 * (0.3 + self.waves) * math.sin(self.ripple * 1.3)
        y, tilt, size = 0.665 + bob, 0.10 * self.wind + 0.05 * math.sin(self.ripple), 0.17
        cos, sin = math.cos(tilt), math.sin(tilt)

        def place(points: list[tuple[float, float]], mirror: bool = False) -> NDArray[np.int32]:
            found = []
            for px, py in points:
                up = -py * 0.62 if mirror else py
                wobble = 0.05 * math.sin(self.ripple * 3 + py * 14) * abs(py) if mirror else 0.0
                sx, sy = px * cos - py * sin + wobble, px * sin + up * cos
                found.append((x * width + sx * size * height, y * height + sy * size * height))
            return np.round(np.array(found) * 16).astype(np.int32)

        parts: list[tuple[list[tuple[float, float]], tuple[float, float, float]]] = [
            ([(-0.03, -0.12), (-0.01, -1.02), (0.42, -0.16)], (0.97, 0.93, 0.82)),
            ([(-0.06, -0.14), (-0.04, -0.92), (-0.36, -0.12)], (0.84, 0.28, 0.20)),
            ([(-0.46, -0.10), (0.48, -0.12), (0.36, 0.06), (-0.34, 0.06)], (0.34, 0.18, 0.12)),
            ([(-0.46, -0.10), (0.48, -0.12), (0.465, -0.08), (-0.445, -0.06)], (0.92, 0.82, 0.60)),
        ]
        for points, colour in parts:
            shade = np.array(colour, np.float32) * light["ambient"]
            dim = _tuple(shade * 0.6 + light["zenith"] * 0.2)
            layer = picture[round(HORIZON * height) :]
            target = layer.copy()
            offset = np.array([0, round(HORIZON * height) * 16], np.int32)
            cv2.fillPoly(target, [place(points, True) - offset], dim, cv2.LINE_AA, 4)
            cv2.addWeighted(layer, 0.45, target, 0.55, 0, layer)
        for points, colour in parts:
            shade = np.minimum(1.0, np.array(colour, np.float32) * light["ambient"] * 1.1)
            cv2.fillPoly(picture, [place(points)], _tuple(shade), cv2.LINE_AA, 4)

    def _near(self, picture: Frame, light: dict[str, Any]) -> None:
        width, height = self.width, self.height
        top = round(0.36 * height)
        part, mask = self.land.near[top:], self.land.near_mask[top:]
        lit = part * light["ambient"]
        glow = light["dark"] * self.land.lamps[top:]
        lit += glow[:, :, None] * np.array((1.0, 0.72, 0.30), np.float32)
        view = picture[top:]
        # the lit land as 8 bits, then one rounded mix: three times faster than in floats
        land8 = cv2.convertScaleAbs(lit, alpha=255.0)
        view[...] = cv2.blendLinear(land8, view, mask, 1.0 - mask)
        self._smoke(picture, light)
        for number, (x, y, size) in enumerate(self.land.trees):
            self._tree(picture, light, x, y, size, number)
        hub, reach = self.land.mill, 0.185 * height
        dark = _tuple(np.array((0.36, 0.25, 0.17), np.float32) * light["ambient"])
        cloth = _tuple(np.minimum(1.0, np.array((0.96, 0.92, 0.82), np.float32) * light["ambient"]))
        middle = np.array((hub[0] * width, hub[1] * height))
        for blade in range(4):
            angle = self.turn + blade * math.pi / 2
            along, across = np.array((math.cos(angle), math.sin(angle))), np.array((-math.sin(angle), math.cos(angle)))
            corners = [
                along * reach * 0.2,
                along * reach,
                along * reach + across * reach * 0.2,
                along * reach * 0.2 + across * reach * 0.16,
            ]
            points = np.round((np.array(corners) + middle) * 16).astype(np.int32)
            cv2.fillPoly(picture, [points], cloth, cv2.LINE_AA, 4)
            for share in (0.36, 0.52, 0.68, 0.84):
                start = middle + along * reach * share
                cv2.line(picture, _fixed(*start), _fixed(*(start + across * reach * 0.18)), dark, 1, cv2.LINE_AA, 4)
            cv2.line(
                picture,
                _fixed(*middle),
                _fixed(*(middle + along * reach)),
                dark,
                max(1, round(height / 200)),
                cv2.LINE_AA,
                4,
            )
        cv2.circle(picture, _fixed(*middle), round(0.012 * height * 16), dark, -1, cv2.LINE_AA, 4)

    def _tree(self, picture: Frame, light: dict[str, Any], x: float, y: float, size: float, number: int) -> None:
        width, height = self.width, self.height
        lean = (0.03 + 0.10 * self.wind) * math.sin(self.flight * (0.9 + self.wind) + number * 1.7)
        base = np.array(land.SEASONS[self.season]["tree"], np.float32)
        trunk = _tuple(np.array((0.30, 0.20, 0.13), np.float32) * light["ambient"])
        foot = (x * width, y * height)
        crown = (foot[0] + lean * size * height, foot[1] - size * height)
        cv2.line(picture, _fixed(*foot), _fixed(*crown), trunk, max(1, round(size * height / 11)), cv2.LINE_AA, 4)
        for ring, (share, radius, tone) in enumerate(
            ((0.55, 0.34, 0.62), (0.75, 0.36, 0.85), (0.95, 0.30, 1.1), (1.15, 0.2, 1.3))
        ):
            for k in range(5):
                angle = k * 1.2566 + ring * 0.7 + number
                px = foot[0] + (lean * share + 0.22 * math.cos(angle) * (1.3 - share)) * size * height
                py = foot[1] - (share + 0.10 * math.sin(angle)) * size * height
                colour = base * light["ambient"] * (tone * (0.85 + 0.18 * math.cos(angle + 2.2)))
                shade = _tuple(np.minimum(1.0, colour))
                cv2.circle(
                    picture, _fixed(px, py), round(radius * 0.55 * size * height * 16), shade, -1, cv2.LINE_AA, 4
                )

    def _smoke(self, picture: Frame, light: dict[str, Any]) -> None:
        x0, y0 = self.land.chimney
        colour = np.minimum(1.0, light["ambient"] * 0.85 + 0.1)
        for k in range(7):
            age = (k + (self.flight * 0.8) % 1.0) / 7
            px = (x0 + age * (0.03 + 0.16 * self.wind) + 0.008 * math.sin(age * 9 + self.flight)) * self.width
            py = (y0 - 0.16 * age) * self.height
            radius = int((0.010 + 0.034 * age) * self.height)
            left, top = max(0, int(px) - radius - 2), max(0, int(py) - radius - 2)
            patch = picture[top : int(py) + radius + 2, left : int(px) + radius + 2]
            if patch.size == 0:
                continue
            layer = patch.copy()
            cv2.circle(layer, (int(px) - left, int(py) - top), radius, _tuple(colour), -1, cv2.LINE_AA)
            share = 0.5 * (1 - age)
            cv2.addWeighted(patch, 1 - share, layer, share, 0, patch)

    def _fly(self, picture: Frame, light: dict[str, Any]) -> None:
        colour = _tuple(0.12 + 0.25 * light["low"])
        for a, b, c, d in self.flock[: self.birds]:
            x = (a * 1.3 + self.flight * (0.018 + 0.02 * b)) % 1.3 - 0.15
            y = 0.10 + 0.26 * b + 0.02 * math.sin(self.flight * (0.5 + c) + 6 * d)
            span = (0.010 + 0.014 * c) * self.height
            flap = 0.25 + 0.75 * math.sin(self.flight * (7 + 4 * d) + 6.28 * c)
            px, py = x * self.width, y * self.height
            wings = [
                (-span, -flap * span * 0.55),
                (-span * 0.4, -abs(flap) * span * 0.25),
                (0, 0.0),
                (span * 0.4, -abs(flap) * span * 0.25),
                (span, -flap * span * 0.55),
            ]
            points = np.round((np.array(wings) + np.array((px, py))) * 16).astype(np.int32)
            cv2.polylines(picture, [points], False, colour, max(1, round(self.height / 320)), cv2.LINE_AA, 4)

    def _camera(self, picture: Frame) -> Frame:
        if self.sway <= 0:
            return picture
        zoom = 1.0 + self.sway * (0.06 + 0.04 * math.sin(self.look * 0.7))
        dx = self.sway * 0.03 * math.sin(self.look) * self.width
        dy = self.sway * 0.02 * math.sin(self.look * 1.3 + 1) * self.height
        matrix = np.array(
            [[zoom, 0, self.width * (1 - zoom) / 2 + dx], [0, zoom, self.height * (1 - zoom) / 2 + dy]], np.float32
        )
        moved = cv2.warpAffine(
            picture, matrix, (self.width, self.height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        )
        return np.asarray(moved, np.uint8)


def _fixed(x: float, y: float) -> tuple[int, int]:
    """A point in sixteenths of a pixel, as OpenCV's ``shift=4`` wants it."""
    return round(float(x) * 16), round(float(y) * 16)


def _tuple(colour: Picture) -> tuple[float, float, float]:
    """A colour 0..1 as OpenCV's drawing on 8-bit pictures wants it."""
    red, green, blue = (min(255.0, max(0.0, float(part) * 255)) for part in colour)
    return red, green, blue
