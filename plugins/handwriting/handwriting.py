"""Handwriting: a pen moves over paper, stroke by stroke, as a network learned it.

What it writes is the own text, or what text players write. A word is written by the network as a whole before the pen
draws it, so it is known whether it still fits the line; the network works ahead a little in every step.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from studio.api import (
    Bool,
    Choice,
    Color,
    Context,
    Drawing,
    Float,
    Generator,
    Int,
    Model,
    Path,
    Seed,
    Stroke,
    Text,
    Trigger,
)
from studio.nn.handwriting import HANDWRITING
from studio.nn.ink import FINE
from studio.nn.weights import load_model

from .hand import Hand, Manner, Word, manner_of
from .sheet import AIR, Canvas, Line, Look, Sheet, pen_over

AHEAD = 24
"""Points that the network makes in a step, live, while words wait to be drawn."""
WAITING = 3
"""Words that are kept ready."""
TURN = 1.0
"""Beats in which a full page fades."""
MOST_MANNERS = 12
PATTERNS = ("plain", "ruled", "squares", "dots")
TALL = 3.8
"""Height of a single line, from the tip of an l to that of a g (x-heights)."""
NEW_LINE, NEW_PAGE = "\n", "\f"


class Handwriting(Generator):
    """Writes your text by hand, in time."""

    id, version, makes, title = "reverie.handwriting", 1, "image", "Handwriting"
    pixel_bytes = 40.0
    reads_words = True

    source = Choice("own text", ("own text", "players"), group="Text",
                    help="Whose words: the text below, or those of the text players once they write")
    text = Text("Shall I compare thee to a summer's day? / Thou art more lovely and more temperate: / "
                "Rough winds do shake the darling buds of May, / And summer's lease hath all too short a date.",
                group="Text", help="A line end or / begins a line, an empty one a page")
    repeat = Bool(True, group="Text", help="Begin again on a new page when all is written")
    rest = Float(4.0, 0.0, 64.0, unit="beats", group="Text", help="How long a full page stays")
    restart = Trigger(group="Text", help="Begin again on a new page, now")

    model = Model("house_hand", architecture=HANDWRITING, group="Hand", help="Who taught the hand")
    seed = Seed(1, group="Hand", live=False, help="The same number writes the same strokes")
    manner = Int(1, 0, MOST_MANNERS, group="Hand", applies={"primer": False},
                 help="One of the manners that the model brings; 0: each word as it comes")
    primer = Path("", accepts="any", group="Hand", live=False,
                  help="Strokes of your own that it goes on from: .svg, .json, .ndjson or .xml")
    primer_text = Text("", group="Hand", live=False, applies={"primer": True},
                       help="What those strokes spell; empty: what the file says")
    neatness = Float(0.9, 0.0, 3.0, group="Hand", help="0: as loosely as people write, 1: careful, 3: engraved")
    slant = Float(0.0, -0.6, 0.6, group="Hand", help="Leans the writing, beyond what the hand does by itself")

    speed = Float(6.0, 0.25, 64.0, curve="log", unit="letters per beat", group="Motion", help="How fast the pen goes")
    start_on = Choice("flowing", ("flowing", "beat", "bar"), group="Motion",
                      help="Flowing, or each word waits for its beat, or each line for its bar")
    pen_shown = Choice("nib", ("nib", "point", "none"), group="Motion", help="What moves over the paper")

    size = Float(0.036, 0.015, 0.3, curve="log", unit="of height", group="Page", help="Height of a small x")
    leading = Float(3.9, 2.4, 7.0, unit="x-heights", group="Page", help="From line to line")
    margin = Float(0.09, 0.01, 0.3, unit="of height", group="Page", help="Empty edge of the paper")
    pattern = Choice("plain", PATTERNS, group="Page", help="What is printed on the paper")
    paper_colour = Color("#f6f0e2", group="Page", help="Colour of the paper")

    ink_colour = Color("#1f2f63", group="Ink", help="Colour of the ink")
    width = Float(0.11, 0.03, 0.6, curve="log", unit="x-heights", group="Ink", help="Width of the line")
    pressure = Float(0.7, 0.0, 1.0, group="Ink", help="How much the line swells where the pen presses")

    def setup(self, ctx: Context) -> None:
        built = (self.model, self.seed, str(self.primer), self.primer_text)
        self.canvas: Canvas | None = None
        if getattr(self, "built", None) == built:  # only the size is another: what stands there goes on
            return
        self.built = built
        self.hand = Hand(load_model(ctx.model(self.model), HANDWRITING))
        self.own: Manner | None = None
        if self.primer:
            try:
                self.own = manner_of(str(self.primer), self.primer_text)
            except (OSError, ValueError) as error:
                ctx.notice(f"primer: {error}. The model's own manner is used")
        self.rng = np.random.default_rng(self.seed)
        self.told = ""
        self.heard = False
        self._begin()

    def _begin(self) -> None:
        """An empty page, and the text from its beginning."""
        self.sheet: Sheet | None = None
        self.queue: deque[str] = deque()
        self.ready: deque[Word | str] = deque()
        self.writing: Iterator[Word | None] | None = None
        self.pending, self.given = "", ""
        self.lines: deque[Line] = deque()
        self.tip: tuple[float, float] | None = None
        self.aim: tuple[float, float] | None = None
        self.raised, self.fuel, self.now = 1.0, 0.0, 0.0
        self.left_at: float | None = None
        self.ended = False
        self.wait_for = 0.0

    def step(self, ctx: Context) -> Any:
        if self.restart or (self.source == "own text" and self.given and self.text != self.given):
            self._begin()
            self.canvas = None
        canvas = self._canvas(ctx)
        self._hear(ctx)
        if ctx.still:
            self._finish(ctx, canvas)
            return canvas.frame
        self.now += ctx.dt * ctx.bpm / 60.0
        self._think(ctx, AHEAD)
        self.fuel += ctx.dt * ctx.bpm / 60.0 * self.speed * self.hand.pace * FINE
        self._draw(ctx, canvas)
        frame = self._turn(canvas)
        if self.pen_shown != "none" and self.tip is not None and self.left_at is None and not self.ended:
            x, y = canvas.pixels(np.array([self.tip], np.float32))[0]
            look = canvas.look
            frame = pen_over(frame, (float(x), float(y)), look.unit, self.raised, self.pen_shown, look.ink)
        return frame

    # --- what is to be written ---

    def _hear(self, ctx: Context) -> None:
        if self.source == "players" and ctx.words:
            if not self.heard:  # the own text gives way
                self._begin()
                self.heard, self.canvas = True, None
                self._canvas(ctx)
            self._take(ctx, "".join(piece.text for piece in ctx.words))
        elif self.source == "own text" or not self.heard:
            self.heard = False
            if self.text != self.given:
                self.given = self.text
                self._take(ctx, re.sub(r" / ", NEW_LINE, self.text) + NEW_LINE)

    def _take(self, ctx: Context, text: str) -> None:
        """Put words into the queue; the last one waits until something follows it."""
        whole = self.pending + text
        cut = max((place for place, c in enumerate(whole) if c.isspace()), default=-1) + 1
        _, notice = self.hand.fold(whole[:cut])
        self.pending = whole[cut:][-200:]
        if notice and notice != self.told:
            self.told = notice
            ctx.notice(f"text: {notice}")
        for item in re.findall(r"[^\s]+|\n|\f", re.sub(r"\n[ \t]*\n\s*", NEW_PAGE, whole[:cut])):
            if item in (NEW_LINE, NEW_PAGE):
                self.queue.append(item)
            else:
                folded = self.hand.fold(item)[0].strip()
                self.queue += [part for part in folded.split() if part]

    def _think(self, ctx: Context, points: int) -> None:
        """Let the network write ahead: so many points, in a render as many as words need."""
        for _ in range(10**9 if ctx.offline else points):
            if self.writing is None:
                if len(self.ready) >= WAITING or not self.queue:
                    return
                item = self.queue.popleft()
                if item in (NEW_LINE, NEW_PAGE):
                    self.ready.append(item)
                    continue
                self.writing = self.hand.write(item[:40], self.neatness, self._manner(), self.rng)
            made = next(self.writing)
            if made is not None:
                self.ready.append(made)
                self.writing = None
            if ctx.offline:
                ctx.check()

    def _manner(self) -> Manner | None:
        if self.own is not None:
            return self.own
        known = self.hand.manners
        return known[(self.manner - 1) % len(known)] if self.manner and known else None

    # --- how it comes onto the paper ---

    def _look(self, height: int) -> Look:
        return Look(self.size * height, self.margin * height, self.leading, self.slant, self.width, self.pressure,
                    self.ink_colour, self.paper_colour, self.pattern)

    def _canvas(self, ctx: Context) -> Canvas:
        """The pixels for the look of this moment; what is drawn already is drawn again where that has changed."""
        width, height = ctx.size or (1280, 720)
        look = self._look(height)
        canvas = self.canvas
        if canvas is None or replace(canvas.look, slant=0.0, contrast=0.0) != replace(look, slant=0.0, contrast=0.0):
            canvas = self.canvas = Canvas(width, height, look)
            if self.sheet is not None:
                canvas.again(self.sheet.lines)
        canvas.look = look
        room = max(4.0, (width - 2 * look.margin) / look.unit)
        rows = max(1, int(((height - 2 * look.margin) / look.unit - TALL) / look.leading) + 1)
        if self.sheet is None:
            self.sheet = Sheet(room, rows)
        self.sheet.room, self.sheet.rows = room, rows
        return canvas

    def _draw(self, ctx: Context, canvas: Canvas) -> None:
        """Let the pen go as far as its time allows."""
        while self.fuel >= 1.0 and self.left_at is None:
            if not self.lines and not self._next_word(ctx, canvas):
                self.fuel = 0.0
                return
            line = self.lines[0]
            if self.aim is not None:
                if not self._fly(self.aim):
                    continue
                self.aim = None
            self.raised = max(0.0, self.raised - 0.2)
            reach = min(len(line.points), line.drawn + max(1, int(self.fuel)))
            self.fuel -= reach - line.drawn
            canvas.draw(line, reach)
            x, y = line.points[reach - 1]
            self.tip = (float(x), float(y))
            if reach == len(line.points):
                self.lines.popleft()
                self._aim()

    def _aim(self) -> None:
        """Where the pen goes next, above the paper."""
        self.aim = None
        if self.lines:
            x, y = self.lines[0].points[0]
            self.aim = (float(x), float(y))

    def _fly(self, aim: tuple[float, float]) -> bool:
        """Move above the paper as far as the time allows; whether it is there."""
        if self.tip is None:
            self.tip = aim
        way = np.subtract(aim, self.tip)
        long = float(np.hypot(*way))
        reach = max(AIR, 0.12 * long)
        self.fuel -= 1.0
        self.raised = min(1.0, self.raised + 0.25) if long > reach else self.raised
        if long <= reach:
            self.tip = aim
            return True
        x, y = np.add(self.tip, way * (reach / long))
        self.tip = (float(x), float(y))
        return False

    def _next_word(self, ctx: Context, canvas: Canvas) -> bool:
        """Place the next word; False where none is ready, its beat has not come, or the page is full."""
        sheet = self.sheet
        assert sheet is not None
        while self.ready:
            item = self.ready[0]
            if item == NEW_PAGE:
                if sheet.lines:
                    self._leave()
                    return False
                self.ready.popleft()
                continue
            if item == NEW_LINE:
                self.ready.popleft()
                if sheet.x > 0.0:
                    sheet.next_line()
                continue
            assert isinstance(item, Word)
            if not sheet.fits(item):
                if sheet.lines:
                    self._leave()
                    return False
                sheet.row, sheet.x = 0, 0.0
            if self._early(ctx, sheet):
                return False
            self.ready.popleft()
            self.lines += sheet.place(item, canvas.look)
            self._aim()
            return True
        if not self.queue and self.writing is None and sheet.lines and self.source == "own text":
            self._leave()
        return False

    def _early(self, ctx: Context, sheet: Sheet) -> bool:
        """Whether the next word still has to wait for its beat, or for the bar of its line."""
        if self.start_on == "flowing" or (self.start_on == "bar" and sheet.x > 0.0):
            return False
        size = 1.0 if self.start_on == "beat" else float(ctx.beats_per_bar)
        place = int(ctx.beat / size + 1e-6)
        if self.wait_for <= place:
            self.wait_for = place + 1
            return False
        return True

    def _leave(self) -> None:
        """The page is full, or the text at its end."""
        if self.left_at is None:
            more = bool(self.ready or self.queue or self.writing is not None)
            if not more and not self.repeat:
                self.ended = True
                return
            self.left_at = self.now

    def _turn(self, canvas: Canvas) -> Any:
        """The picture; a page that was left fades after its rest, and the next one begins."""
        if self.left_at is None:
            return canvas.frame
        gone = (self.now - self.left_at - self.rest) / TURN
        if gone <= 0.0:
            return canvas.frame
        if gone < 1.0:
            return cv2.addWeighted(canvas.ground, gone, canvas.frame, 1.0 - gone, 0.0)
        if not (self.ready or self.queue or self.writing is not None):
            self._begin()
        else:
            if self.ready and self.ready[0] == NEW_PAGE:
                self.ready.popleft()
            self.sheet, self.left_at, self.tip, self.fuel = None, None, None, 0.0
        self.canvas = None
        return canvas.ground

    def _finish(self, ctx: Context, canvas: Canvas) -> None:
        """A still: all that fits the page, at once."""
        assert self.sheet is not None
        while self.left_at is None and not self.ended:
            self._think(ctx, 0)
            before, self.fuel, self.wait_for = len(self.sheet.lines), 1e9, -1
            self._draw(ctx, canvas)
            if len(self.sheet.lines) == before and not (self.ready or self.queue or self.writing):
                return

    def as_strokes(self) -> Drawing | None:
        """What stands on the page, for an SVG."""
        canvas = getattr(self, "canvas", None)
        if canvas is None or self.sheet is None:
            return None
        look = canvas.look
        strokes = tuple(
            Stroke(canvas.pixels(line.points[: line.drawn : FINE]),
                   (line.widths * look.pen * look.unit)[: line.drawn : FINE], _hex(look.ink))
            for line in self.sheet.lines if line.drawn
        )
        return Drawing(canvas.width, canvas.height, strokes, _hex(look.paper))


def _hex(colour: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in colour)
