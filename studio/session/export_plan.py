"""What an export is: the formats, the look of a line at one moment, and the plan for one file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio.engine import Stage
from studio.generator import Generator
from studio.media import Frame
from studio.params import ParamSet
from studio.session.audio_score import AudioScore
from studio.session.playback_words import Writing
from studio.session.render_job import own_bars


@dataclass(frozen=True)
class Format:
    """What can come out. ``ending`` chooses the writer; ``moving`` ones have a length, ``many`` are a folder."""

    key: str
    title: str
    about: str
    ending: str
    kinds: tuple[str, ...]
    moving: bool = False
    many: bool = False
    pen: bool = False
    """Whether it holds strokes, which only a generator that draws with a pen can give."""

    @property
    def pattern(self) -> str:
        """A name of this format, for the choice of its options."""
        return f"x/%05d{self.ending}" if self.many else f"x{self.ending}"


FORMATS: tuple[Format, ...] = (
    Format("png", "Still picture", "PNG, lossless", ".png", ("image",)),
    Format("jpg", "Photograph", "JPEG, small", ".jpg", ("image",)),
    Format("svg", "Strokes SVG", "the lines of the pen, sharp at any size, for print and plotters", ".svg", ("image",),
           pen=True),
    Format("gif", "GIF", "plays everywhere, 256 colours a frame", ".gif", ("image",), moving=True),
    Format("webp", "Animated WebP", "smaller and finer than GIF, for the web", ".webp", ("image",), moving=True),
    Format("mp4", "Video MP4", "H.264, plays everywhere", ".mp4", ("image",), moving=True),
    Format("webm", "Video WebM", "VP9 or AV1, for the web", ".webm", ("image",), moving=True),
    Format("mov", "Video MOV", "ProRes, for editing and VJ software", ".mov", ("image",), moving=True),
    Format("sequence", "Picture sequence", "a folder of numbered PNGs", ".png", ("image",), moving=True, many=True),
    Format("txt", "Text", "plain text, its recipe beside it", ".txt", ("text",)),
    Format("srt", "Captions SRT", "timed as it is typed, for players and editors", ".srt", ("text",)),
    Format("vtt", "Captions WebVTT", "timed as it is typed, for the web", ".vtt", ("text",)),
    Format("mid", "MIDI", "a score for every sequencer", ".mid", ("notes",), moving=True),
    Format("wav", "Sound WAV", "played by the built-in synthesiser", ".wav", ("notes", "audio"), moving=True),
)


def formats_for(makes: str) -> list[Format]:
    """What a line that makes this kind of media can be written as."""
    return [found for found in FORMATS if makes in found.kinds]


@dataclass
class Look:
    """How a line was at one moment, in copies that nothing moves any more. ``second`` is what is mixed over it by
    ``share`` (0..1), for the programme."""

    name: str
    title: str
    stages: list[Stage]
    seed: int = 0
    bpm: float = 120.0
    source: str | None = None
    live: Callable[[], Frame | None] | None = None
    frame: Frame | None = None
    second: Look | None = None
    share: float = 0.0
    device: str = "cpu"
    heard: AudioScore | None = None
    """What sound moves in it, live; its ``path`` is the file that plays in the session, '' where none does."""
    warnings: list[str] = field(default_factory=list)
    writings: list[Writing] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    """Options of a writer that belong to the line, such as how fast its text is typed."""

    @property
    def makes(self) -> str:
        """The kind of media that comes out."""
        return self.stages[-1].generator.makes

    @property
    def peaks(self) -> list[float]:
        """Memory that each generator takes in its turn, in bytes a pixel."""
        own = [float(stage.generator.pixel_bytes) for stage in self.stages]
        return own + (self.second.peaks if self.second else [])

    @property
    def size(self) -> tuple[int, int] | None:
        """Pixels (width, height) of the picture on screen."""
        return None if self.frame is None else (self.frame.shape[1], self.frame.shape[0])

    def loop_seconds(self) -> float | None:
        """After how many seconds its source comes back to where it began; None where it never does."""
        for stage in self.stages[:1]:
            found = stage.generator.loop_seconds(stage.values.dump(), self.bpm)
            if found is not None and found > 0:
                return float(found)
        return None

    def formats(self) -> list[Format]:
        """What it can be written as."""
        last = self.stages[-1].generator
        draws = last.as_strokes is not Generator.as_strokes and self.second is None
        return [found for found in formats_for(self.makes) if draws or not found.pen]

    def own_bars(self) -> int:
        """Bars after which a player finds an ending of its own; 0 where it plays on."""
        return own_bars(self.stages[-1])


def copy_values(values: ParamSet) -> ParamSet:
    """The same values in a set of their own."""
    made = ParamSet(values.params)
    made.load(values.dump())
    return made


@dataclass
class ExportPlan:
    """What to write: ``frames`` or ``beats`` limit it, ``size`` is (width, height) in pixels or None for the
    generator's own. ``screen`` writes the very picture that was on screen, without rendering. ``sound`` is a sound file
    that the generators hear and that a video carries; '' for silence."""

    format: Format
    path: Path
    size: tuple[int, int] | None = None
    fps: float = 30.0
    frames: int | None = None
    beats: float | None = None
    options: dict[str, Any] = field(default_factory=dict)
    screen: bool = False
    sound: str = ""

    @property
    def out(self) -> str:
        """What the writer is given: a sequence is a pattern inside a folder."""
        return str(self.path / f"%05d{self.format.ending}") if self.format.many else str(self.path)
