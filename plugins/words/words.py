"""What text players write, or a text of one's own, set over the picture or on black; each letter in time with the beat.

The words of players come as ``ctx.words``: in a show as they are typed, in an export at the same moments. Until the
first of them comes, and wherever there is no player, the effect's own text is set.
"""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from studio.api import Bool, Choice, Color, Context, Float, Generator, Int, Path, Point, Text

from .faces import FACES, WEIGHTS, find
from .glyphs import Glyphs
from .page import Page, balanced
from .setting import ALIGNS, ENTRANCES, LEAVING, MOVES, Look, Setter

CASES = ("as written", "capitals", "small letters")
REST = 1.0
"""Beats between a line of the own text and the next."""


class Words(Generator):
    """Type over the picture: what a text player writes, letter by letter in time."""

    id, version, makes, takes, title = "reverie.words", 1, "image", "image", "Words"
    pixel_bytes = 40.0
    reads_words = True

    source = Choice("players", ("players", "own text"), group="Words",
                    help="Whose words: those of the text players, or the text below")
    player = Text("", group="Words", applies={"source": "players"},
                  help="Only of this player, by its name such as 1; empty hears all of them")
    text = Text("we are the music makers\nand we are the dreamers of dreams", group="Words",
                help="Set until a player writes; a line end or / begins a line, an empty one a page")
    repeat = Bool(True, group="Words", help="Begin the own text again at its end")
    by = Choice("letter", ("letter", "word", "line"), group="Words", help="What appears at once")
    rate = Float(8.0, 0.25, 64.0, curve="log", unit="per beat", group="Words",
                 help="Letters, words or lines of the own text in a beat")
    lines = Int(2, 1, 12, group="Words", help="Lines that stand; when another begins, the oldest leaves")
    columns = Int(28, 4, 80, group="Words", help="Letters in a line at the most; a line never leaves the picture")
    stay = Float(0.0, 0.0, 64.0, unit="beats", group="Words", help="How long a line stays after its last letter; "
                 "0: until there is no room")

    face = Choice("grotesque", FACES, group="Type", help="Typeface")
    weight = Choice("bold", WEIGHTS, group="Type", help="Weight of the strokes; condensed has one only")
    font_file = Path("", group="Type", applies={"face": "own file"}, help="The font of \"own file\"")
    size = Float(0.085, 0.02, 0.5, curve="log", unit="of height", group="Type", help="Size of the letters")
    case = Choice("as written", CASES, group="Type", help="Capitals, small letters, or as they come")
    tracking = Float(0.0, -0.08, 0.6, unit="em", group="Type", help="Room between letters")
    leading = Float(1.2, 0.8, 2.5, unit="em", group="Type", help="From line to line")

    place = Point((0.5, 1.0), group="Place", help="Where the block stands: the picture's corners are those of the pad")
    align = Choice("centre", ALIGNS, group="Place", help="Which side of the lines is at the place")

    colour = Color("#ffffff", group="Colour", help="Colour of the letters")
    opacity = Float(1.0, 0.0, 1.0, group="Colour", help="How much of the words is seen")
    shadow = Float(0.55, 0.0, 1.0, group="Colour", help="A soft dark ground around the letters")
    outline = Float(0.0, 0.0, 0.2, unit="em", group="Colour", help="Width of the outline")
    outline_colour = Color("#000000", group="Colour", applies={"outline": True}, help="Colour of the outline")
    ground = Choice("picture", ("picture", "black"), group="Colour", help="Over the picture, or on black")
    dim = Float(0.0, 0.0, 1.0, group="Colour", applies={"ground": "picture"},
                help="How much darker the picture is under the words")

    entrance = Choice("rise", ENTRANCES, group="Motion", help="How a letter comes")
    entry = Float(0.5, 0.0, 4.0, curve="exp", unit="beats", group="Motion",
                  applies={"entrance": ENTRANCES[1:]}, help="How long it takes to come")
    move = Choice("still", MOVES, group="Motion", help="What the letters do in time")
    amount = Float(0.5, 0.0, 1.0, group="Motion", applies={"move": MOVES[1:]}, help="How much they do it")
    hits = Choice("beats", ("beats", "notes"), group="Motion",
                  applies={"move": tuple(move for move in MOVES if move not in ("still", "wave"))},
                  help="What they move to: beats, or notes of players")
    caret = Bool(False, group="Motion", help="A bar after the last letter, as on a typewriter's page")

    def setup(self, ctx: Context) -> None:
        self.setter = Setter()
        if hasattr(self, "page"):  # only the size is another: what stands there goes on
            self.page.resized()
            return
        self.page = Page()
        self.now = 0.0
        self.heard = False
        self.pending: dict[str, str] = {}
        self.next_line, self.ended = 0, False
        self.written = ""
        self.glyphs: tuple[Any, Glyphs] | None = None
        self.told = ""
        self.hit_at = -1e9

    def step(self, ctx: Context) -> Any:
        frame = self._ground(ctx)
        height, width = frame.shape[:2]
        glyphs, look = self._glyphs(ctx, height), self._look()
        room = self.setter.room(look, (width, height))

        def fits(text: str) -> bool:
            return len(text) <= self.columns and glyphs.width(text, look.tracking * glyphs.pixels) <= room

        self._hear(ctx, fits)
        if self.source == "own text" or not self.heard:
            self._recite(ctx, fits)
        self.page.keep(self.lines, self.now)
        self.page.age(self.now, self.stay, LEAVING)
        self.setter.paint(frame, self.page, look, glyphs, self.now, ctx.dt, self._hit(ctx))
        self.now += ctx.dt * ctx.bpm / 60.0
        return frame

    # --- what is written ---

    def _hear(self, ctx: Context, fits: Any) -> None:
        if self.source != "players":
            return
        for piece in ctx.words:
            if self.player and piece.player != self.player.strip():
                continue
            if not self.heard:  # the own text gives way
                self.heard = True
                self.page.clear(self.now)
            self._write(piece.player, piece.text, fits)

    def _write(self, player: str, text: str, fits: Any) -> None:
        """Put letters on the page at once, or keep them until the word or the line is whole."""
        waiting = self.pending.get(player, "") + text
        whole = len(waiting)
        if self.by == "word":
            whole = max(waiting.rfind(mark) for mark in " \n\f") + 1
        elif self.by == "line":
            whole = max(waiting.rfind(mark) for mark in "\n\f") + 1
            if len(waiting) - whole > self.columns * self.lines:
                whole = waiting.rfind(" ") + 1 or len(waiting)
        ready, self.pending[player] = waiting[:whole], waiting[whole:][-500:]
        self.page.write(self._cased(ready), lambda _: self.now, fits)

    def _recite(self, ctx: Context, fits: Any) -> None:
        """Write the next line of the own text when the one before has been read."""
        if self.text != self.written:  # another text: from its beginning
            self.written, self.next_line, self.ended = self.text, 0, False
            self.page.clear(self.now)
        texts = [line.strip() for line in re.split(r"\n| / ", self.text)]
        if not any(texts) or self.now < self.page.last_born + REST or self.ended:
            return
        if self.next_line >= len(texts):
            if not self.repeat:
                self.ended = True
                return
            self.next_line = 0
        line = texts[self.next_line]
        self.next_line += 1
        if not line:  # a blank line turns the page
            self.page.clear(self.now)
            return
        # on the next beat of the clock, not of this effect
        begin = self.now + (math.ceil(ctx.beat - 1e-3) - ctx.beat)
        words = [0]
        for character in line:
            words.append(words[-1] + (character == " "))
        count = {"letter": lambda i: i, "word": lambda i: words[i], "line": lambda i: 0}[self.by]
        most = balanced(self._cased(line), fits)
        self.page.write(self._cased(line) + "\n", lambda i: begin + count(min(i, len(line) - 1)) / self.rate,
                        lambda text: len(text) <= most and fits(text))

    def _cased(self, text: str) -> str:
        if self.case == "capitals":
            return "".join(letter.upper() if len(letter.upper()) == 1 else letter for letter in text)
        return text.lower() if self.case == "small letters" else text

    # --- how it looks ---

    def _ground(self, ctx: Context) -> Any:
        if self.ground == "black" or ctx.input is None:
            width, height = ctx.size or (1280, 720)
            if ctx.input is not None:
                height, width = ctx.input.shape[:2]
            return np.zeros((height, width, 3), np.float32)
        # the engine made this picture for this step: it may be painted over, which saves a copy
        frame = ctx.input if ctx.input.flags.writeable else np.array(ctx.input, np.float32)
        if self.dim > 0:
            np.multiply(frame, np.float32(1.0 - self.dim), out=frame)
        return frame

    def _glyphs(self, ctx: Context, height: int) -> Glyphs:
        face = find(self.face, self.weight, str(self.font_file))
        if face.missing and face.missing != self.told:
            self.told = face.missing
            ctx.notice(face.missing)
        pixels = max(8, round(self.size * height))
        key = (face, pixels, round(self.outline * pixels))
        if self.glyphs is None or self.glyphs[0] != key:
            self.glyphs = (key, Glyphs(face, pixels, key[2]))
        return self.glyphs[1]

    def _look(self) -> Look:
        return Look(
            self.size, self.leading, self.tracking, tuple(self.place), self.align, tuple(self.colour), self.opacity,
            self.shadow, tuple(self.outline_colour), self.entrance, self.entry, self.move, self.amount, self.caret,
        )

    def _hit(self, ctx: Context) -> float:
        """1 on a beat (or note), fading until the next."""
        if self.hits == "notes":
            if ctx.notes:
                self.hit_at = self.now
            return math.exp(-4.0 * (self.now - self.hit_at))
        return math.exp(-4.0 * (ctx.beat % 1.0))
