"""One player as it is heard: how loud, through what, how fast it types, and what it plays now."""

from __future__ import annotations

import copy
from collections import deque
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from studio.export.midi import parse_pairs
from studio.files import FileError
from studio.params import ParamSet
from studio.session.feel import FEEL, Feel
from studio.session.listening import Call
from studio.session.playback_track import NotesTrack, TextTrack

if TYPE_CHECKING:
    from studio.session.line import Line

SINKS = ("synth", "midi", "silent")
MOST_RATE = 2000.0


@dataclass(frozen=True)
class Options:
    """How a player is heard: ``volume`` 0..1, ``sink`` (synth, midi, silent), ``port`` a MIDI port's name.

    ``rate`` is how fast text is typed: characters per second, or per beat with ``per_beat``.
    """

    volume: float = 0.8
    mute: bool = False
    sink: str = "synth"
    port: str = ""
    rate: float = 24.0
    per_beat: bool = False

    @classmethod
    def of(cls, line: Line) -> Options:
        """What the line's file data say; what cannot be used becomes the default."""
        stored = line.extra.get("playback")
        made = cls()
        if not isinstance(stored, dict):
            return made
        for name, default in asdict(made).items():
            value = stored.get(name, default)
            if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
                value = float(value)
            if type(value) is type(default) and value == value:
                made = replace(made, **{name: value})
        sink = made.sink if made.sink in SINKS else "synth"
        return replace(
            made, volume=min(1.0, max(0.0, made.volume)), rate=min(MOST_RATE, max(0.1, made.rate)), sink=sink,
            port=made.port[:200],
        )

    @property
    def gain(self) -> float:
        """Loudness of the synth: 1 at a volume of 0.8."""
        return 0.0 if self.mute else (self.volume / 0.8) ** 2


class Playing:
    """One player as it is heard; the window looks at it while the playback thread moves it."""

    def __init__(self, line: Line, clock_read: Any) -> None:
        self.line = line
        self.notes, self.text = NotesTrack(), TextTrack()
        self.options = Options.of(line)
        self.feel = ParamSet(FEEL)
        """How it plays: any thread may set (a knob), ``felt`` is what the playback thread took last."""
        self.felt = Feel()
        self.felt_at = 0.0
        self.call = Call()
        """What is played in for it, where its generator listens."""
        self.latched: Any = None
        """Where the music goes on when the bar that is held is released."""
        self.paused = False
        self.programs: dict[int, int] = {}
        self.runs = -1
        self.keep_text = False
        self.failure = ""
        self.spare: deque[float] = deque(maxlen=8)
        """Seconds that the last blocks were there before their time: the least is what is left to the deadline."""
        self.told_late = -1e9
        self._read = clock_read
        self._read_last: Any = object()

    def read(self) -> None:
        """Take what the line's file data say, if that is not what was taken or kept last: a controller may have moved
        something since."""
        stored = self.line.extra.get("playback")
        if stored == self._read_last:
            return
        self._read_last = copy.deepcopy(stored)
        self.options = Options.of(self.line)
        stored = stored.get("feel") if isinstance(stored, dict) else None
        wanted = ParamSet(FEEL)
        wanted.load({**(stored if isinstance(stored, dict) else {}), "volume": self.options.volume,
                     "mute": self.options.mute})
        self.feel.unknown = wanted.unknown
        for name in FEEL:
            self.feel.set(name, wanted[name])

    def keep_feel(self) -> None:
        """Put into the line's file data what differs from the default. On the session's thread."""
        held = self.feel.dump()
        stored = self.line.extra.get("playback")
        made = {**stored} if isinstance(stored, dict) else asdict(self.options)
        made |= {"volume": held.pop("volume"), "mute": held.pop("mute")}
        own = {name: value for name, value in held.items()
               if name not in FEEL or value != FEEL[name].to_json(FEEL[name].default)}
        made.pop("feel", None)
        if own:
            made["feel"] = own
        if own or made != asdict(Options()) or isinstance(stored, dict):
            self.line.extra["playback"] = made
            self._read_last = copy.deepcopy(made)

    @property
    def state(self) -> str:
        """playing, paused, stopped, waiting (nothing has been made yet), finished, or empty."""
        if not self.line.slots:
            return "empty"
        if self.line.stopped:
            return "stopped"
        if self.paused:
            return "paused"
        if self.text.finished or self.notes.finished:
            return "finished"
        return "playing" if self.notes.time.origin is not None or self.text.letters else "waiting"

    def position(self) -> float:
        """Beats since it began, now."""
        return self.notes.time.position(self._read())


def programs_of(line: Line) -> dict[int, int]:
    """The voices that a line's last generator wishes: channel → program."""
    stages = line.stages()
    if not stages:
        return {}
    wished = stages[-1].generator.export_options(stages[-1].values.dump()).get("programs", "")
    try:
        pairs = parse_pairs(str(wished), "programs")
    except FileError:
        return {}
    return {channel: int(text) for channel, text in pairs.items() if text.isdecimal() and int(text) < 128}
