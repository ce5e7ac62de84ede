"""DRAW as an animation: every cell of a sheet is drawn stroke by stroke, and a frame shows where the network writes.

A drawing follows from the seed, its cell and how many came before it there, never from the time: the pace may change in
the middle and the same drawings come.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from studio.api import Bool, Choice, Color, Context, Float, Generator, Int, Model, Seed, Text, Trigger
from studio.nn.draw import load_draw

Frame = NDArray[np.uint8]
Light = NDArray[np.float32]

BLANK = -1
"""A cell in which nothing is drawn."""


@dataclass
class Drawing:
    """One drawing: the canvas after each stroke ``(strokes + 1, size, size, channels)`` in 0..1, where each stroke was
    written as left, top, right, bottom in pixels, and how much it changed, 0..1."""

    canvases: Light
    windows: NDArray[np.float32]
    force: NDArray[np.float32]


class DrawWriter(Generator):
    """A hand that draws, and the attention that guides it."""

    id, version, makes, title = "reverie.draw_writer", 1, "image", "Draw writer"
    pixel_bytes = 60.0

    model = Model("draw_digits", architecture="draw", group="Drawing", help="The network that draws")
    order = Choice("any", ("any", "text", "counting"), group="Drawing",
                   help="Which signs: any, those of the text, or a number that counts up")
    text = Text("2026", group="Drawing", applies={"order": "text"},
                help="Signs to draw, one in each cell; those that the network does not know stay empty")
    first = Int(0, 0, 9999, group="Drawing", applies={"order": "counting"}, help="Where the counting begins")
    wildness = Float(1.0, 0.0, 2.0, group="Drawing", help="0: always the plainest, 1: as learned, above: wilder")
    seed = Seed(1, group="Drawing", help="Chooses among all drawings")

    pace = Float(10.0, 0.25, 120.0, curve="log", unit="strokes", group="Motion",
                 help="Strokes per second, or per beat")
    unit = Choice("seconds", ("seconds", "beats"), group="Motion", help="What pace and rest count in")
    rest = Float(1.5, 0.0, 30.0, curve="exp", group="Motion",
                 help="Seconds, or beats, that a finished drawing stands")
    stagger = Float(0.0, 0.0, 1.0, group="Motion",
                    help="0: all cells at once, 1: one after the other through the whole round")
    restart = Trigger(group="Motion", help="Begin the first drawings again")

    rows = Int(3, 1, 12, group="Picture", help="Rows of cells")
    columns = Int(6, 1, 20, group="Picture", help="Columns of cells")
    gap = Float(0.2, 0.0, 1.0, group="Picture", help="Room between cells, as a share of a cell")
    attention = Float(0.6, 0.0, 1.0, group="Picture", help="How bright the frame around the attention is")
    trail = Int(1, 0, 8, group="Picture", applies={"attention": True}, help="Earlier strokes whose frames stay")
    filters = Bool(True, group="Picture", applies={"attention": True}, help="A dot for every filter in the frame")
    ink = Color((0.93, 0.91, 0.86), group="Picture", help="Colour of what is drawn, where the network has no colours")
    ground = Color((0.02, 0.02, 0.035), group="Picture", help="Colour of the paper")
    frame = Color((0.95, 0.50, 0.70), label="Attention colour", group="Picture", applies={"attention": True},
                  help="Colour of the attention")

    def setup(self, ctx: Context) -> None:
        path = ctx.model(self.model)
        if getattr(self, "path", None) == path:
            return  # another size alone: what is drawn goes on
        self.path = path
        self.net = load_draw(path, ctx.device)
        self.round, self.at = 0, 0.0  # rounds that are over, and strokes in the present one: no knob makes it jump
        self.drawn: dict[int, tuple[tuple[object, ...], Drawing | None]] = {}
        self.told = ""

    def step(self, ctx: Context) -> Frame:
        if ctx.model(self.model) != self.path:  # another network, live
            self.setup(ctx)
        if self.restart:
            self.round, self.at = 0, 0.0
        strokes = self.net.config.steps
        self.at += ctx.dt * self.pace * (ctx.bpm / 60.0 if self.unit == "beats" else 1.0)
        # one round of a cell, in strokes: the drawing, and the rest in which it stands and goes
        whole = strokes + 2.0 + self.rest * self.pace
        if self.at >= whole:
            self.round += int(self.at // whole)
            self.at %= whole
        asked: dict[int, tuple[int, float]] = {}
        cells = self.rows * self.columns
        for cell in range(cells):
            number, at = self.round, self.at - self.stagger * whole * cell / cells
            if at < 0:  # still in the round before
                number, at = number - 1, at + whole
            if number >= 0:
                asked[cell] = (number, at)
        self._draw(ctx, {cell: number for cell, (number, _) in asked.items()})
        return self._paint(ctx.size or (960, 540), {cell: at for cell, (_, at) in asked.items()}, whole)

    # --- which drawing is where ---

    def _draw(self, ctx: Context, numbers: dict[int, int]) -> None:
        """See to it that every cell has its drawing; those that begin together are drawn together."""
        names = self.net.config.classes
        due: dict[int, tuple[int, int]] = {}
        for cell, number in numbers.items():
            sign = self._sign(ctx, cell, number)
            key = (self.seed, number, sign, self.wildness)
            before = self.drawn.get(cell)
            # values that change count for the next drawing in the cell: the one that is being drawn is not torn up
            if before is None or before[0][1] != number or before[0][0] != self.seed:
                self.drawn[cell] = (key, None)
                if sign != BLANK:
                    due[cell] = (number, sign)
        for cell in [cell for cell in self.drawn if cell not in numbers]:
            del self.drawn[cell]
        if not due:
            return
        strokes, latent = self.net.config.steps, self.net.config.latent
        noise = [torch.randn(strokes, latent, generator=ctx.torch_rng(self.seed, cell, number))
                 for cell, (number, _) in due.items()]
        z = self.wildness * torch.stack(noise, 1)
        labels = torch.tensor([sign for _, sign in due.values()]) if names else None
        made = self._trace(z.to(ctx.device), None if labels is None else labels.to(ctx.device))
        for cell, drawing in zip(due, made, strict=True):
            self.drawn[cell] = (self.drawn[cell][0], drawing)

    def _sign(self, ctx: Context, cell: int, number: int) -> int:
        """The class that a cell draws in its round ``number``; BLANK: nothing."""
        names, cells = self.net.config.classes, self.rows * self.columns
        if not names:
            return 0
        if self.order == "counting":
            shown = str((self.first + number) % 10**cells).zfill(cells)[cell]
        elif self.order == "text" and self.text.strip():
            shown = self.text[(cell + number * cells) % len(self.text)]
        else:
            return int(np.random.default_rng([self.seed, cell, number]).integers(len(names)))
        if shown in names:
            return names.index(shown)
        if not shown.isspace() and shown != self.told:
            self.told = shown
            ctx.notice(f"Draw writer: this network does not know {shown!r}; it draws {' '.join(names)[:200]}")
        return BLANK

    def _trace(self, z: torch.Tensor, labels: torch.Tensor | None) -> list[Drawing]:
        canvases, windows = [], []
        for stroke in self.net.draw(z, labels):
            canvases.append(stroke.canvas)
            windows.append(stroke.window.edges())
        whole = torch.sigmoid(torch.stack([torch.zeros_like(canvases[0]), *canvases], 1)).permute(0, 1, 3, 4, 2)
        change = torch.stack([torch.zeros_like(canvases[0]), *canvases], 1).diff(dim=1).abs().mean((2, 3, 4))
        force = change / change.amax(1, keepdim=True).clamp_min(1e-6)
        places = torch.stack(windows, 1)
        return [
            Drawing(*(part.float().cpu().numpy() for part in parts)) for parts in zip(whole, places, force, strict=True)
        ]

    # --- the picture ---

    def _paint(self, size: tuple[int, int], at: dict[int, float], whole: float) -> Frame:
        width, height = size
        ground, ink, colour = (np.array(value, np.float32) for value in (self.ground, self.ink, self.frame))
        picture = np.empty((height, width, 3), np.float32)
        picture[:] = ground
        step = min(width / (self.columns + self.gap), height / (self.rows + self.gap))
        side = max(2, round(step * (1 - self.gap)))
        left, top = (width - step * self.columns) / 2, (height - step * self.rows) / 2
        frames = np.zeros((height, width), np.uint8)
        for cell, now in at.items():
            drawing = self.drawn[cell][1]
            if drawing is None:
                continue
            row, column = divmod(cell, self.columns)
            x, y = round(left + column * step + (step - side) / 2), round(top + row * step + (step - side) / 2)
            strokes = len(drawing.windows)
            shown = self._canvas(drawing, now)
            # at the end of its rest a drawing gives way
            leaving = min(1.0, max(0.0, (whole - now) / 2.0))
            big = cv2.resize(shown, (side, side), interpolation=cv2.INTER_CUBIC)
            rows, columns = slice(max(0, y), min(height, y + side)), slice(max(0, x), min(width, x + side))
            part = np.clip(big[rows.start - y : rows.stop - y, columns.start - x : columns.stop - x], 0, 1) * leaving
            area = picture[rows, columns]
            if part.ndim == 2:
                area += part[:, :, None] * (ink - area)
            else:
                arrived = leaving * min(1.0, now / 3.0)
                area += arrived * (part / max(leaving, 1e-6) - area)
            if self.attention > 0 and now < strokes + 2:
                self._attend(frames, drawing, now, (x, y, side))
        if self.attention > 0:
            self._lay_frames(picture, frames, colour)
        return np.asarray(np.round(np.clip(picture, 0, 1) * 255), np.uint8)

    @staticmethod
    def _canvas(drawing: Drawing, now: float) -> Light:
        """The canvas between two strokes. Undrawn paper is grey to the network; here it begins as paper."""
        strokes = len(drawing.windows)
        if now >= strokes:
            shown = drawing.canvases[-1]
        else:
            before = int(now)
            share = now - before
            share = share * share * (3 - 2 * share)
            shown = drawing.canvases[before] + share * (drawing.canvases[before + 1] - drawing.canvases[before])
        if shown.shape[2] > 1:
            return np.asarray(shown, np.float32)
        floor = 0.5 * max(0.0, 1.0 - now / strokes)
        return np.asarray(np.maximum(0.0, (shown[:, :, 0] - floor) / (1 - floor)), np.float32)

    def _attend(self, frames: Frame, drawing: Drawing, now: float, cell: tuple[int, int, int]) -> None:
        """Draw the frame of the present stroke, gliding on to the next, and those of the strokes before."""
        x, y, side = cell
        scale = side / drawing.canvases.shape[1]
        strokes = len(drawing.windows)
        before = min(int(now), strokes - 1)
        after = min(before + 1, strokes - 1)
        share = min(1.0, now - before)
        glide = share * share * (3 - 2 * share)
        ending = min(1.0, max(0.0, (strokes + 2 - now) / 2.0))
        # the oldest first: the present one lies over them
        windows = [(drawing.windows[before - back], 0.28 * 0.75**back)
                   for back in range(self.trail, 0, -1) if before - back >= 0]
        windows.append((drawing.windows[before] + glide * (drawing.windows[after] - drawing.windows[before]),
                        0.45 + 0.55 * float(drawing.force[before])))
        pen = max(1, round(side / 100))
        for number, (window, strength) in enumerate(windows):
            corners = (np.clip(window, -200, 400) * scale + (x, y, x, y)) * 16
            one, two = (tuple(int(value) for value in np.round(corners[part])) for part in (slice(0, 2), slice(2, 4)))
            cv2.rectangle(frames, one, two, int(255 * strength * ending), pen, cv2.LINE_AA, 4)
            if self.filters and number == len(windows) - 1:
                self._dots(frames, corners, int(110 * ending), max(0.7, side / 130))

    def _dots(self, layer: Frame, corners: NDArray[np.float32], light: int, radius: float) -> None:
        count = self.net.config.write
        steps = (np.arange(count) + 0.5) / count
        for across in corners[0] + (corners[2] - corners[0]) * steps:
            for down in corners[1] + (corners[3] - corners[1]) * steps:
                cv2.circle(layer, (round(float(across)), round(float(down))), round(radius * 16), light, -1,
                           cv2.LINE_AA, 4)

    def _lay_frames(self, picture: Light, frames: Frame, colour: NDArray[np.float32]) -> None:
        height, width = frames.shape
        small = cv2.resize(frames, (max(1, width // 4), max(1, height // 4)), interpolation=cv2.INTER_AREA)
        halo = cv2.GaussianBlur(small.astype(np.float32), (0, 0), max(0.6, min(width, height) / 260))
        glow = cv2.resize(halo, (width, height), interpolation=cv2.INTER_LINEAR)
        picture += (self.attention / 255 * 0.6 * glow)[:, :, None] * colour
        share = (self.attention / 255 * frames.astype(np.float32))[:, :, None]
        picture += share * (colour - picture)
