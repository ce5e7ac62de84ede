"""Sound in a session: the device or file that is heard, what it says to bindings, modulators, generators and the clock.

Settings belong to the session's thread and are steps of undo; sound is analysed on the thread that brings it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from studio.control.audio import (
    DEVICE,
    FILE,
    OFF,
    SETTINGS,
    SILENT,
    Analyser,
    AudioFrame,
    mixed,
    parse_channels,
)
from studio.control.audio_push import AudioPusher
from studio.control.router import Router
from studio.devices.sound_file import Samples
from studio.devices.sound_in import SoundInput, SoundSource
from studio.params import ParamSet
from studio.session.audio_clock import SETTING as CLOCK
from studio.session.audio_clock import AudioClock
from studio.session.audio_play import FilePlayer

if TYPE_CHECKING:
    from studio.session.core import Core

HISTORY = 600
"""Frames that are kept for drawing: six seconds."""
STALE = 0.3
"""Seconds without a frame after which nothing is heard any more."""
_OPENS = ("source", "device", "file", "aloud")


class AudioIn:
    """See the module. ``values`` are the newest features, 0..1; ``frame`` is the newest frame."""

    def __init__(self, session: Core, router: Router) -> None:
        self.session, self._pusher = session, AudioPusher(router)
        self.settings = ParamSet(SETTINGS)
        self.values: Mapping[str, float] = SILENT
        self.frame: AudioFrame | None = None
        self.history: deque[AudioFrame] = deque(maxlen=HISTORY)
        self.count = 0
        """Frames that were heard since the start."""
        self.reason = self.cure = ""
        """Why nothing is heard, and what helps; '' when all is well."""
        self.clock = AudioClock(session.clock)
        self.source: SoundSource | None = None
        self._port: SoundInput | FilePlayer | None = None
        self._analyser: Analyser | None = None
        self._channels: tuple[int, ...] = ()
        self._wanted: tuple[Any, ...] = ()
        self._heard_at = 0.0
        self._lock = threading.Lock()
        self._closed = False

    # --- the session's thread ---

    @property
    def on(self) -> bool:
        """Whether something is to be heard."""
        return bool(self.settings["source"] != OFF)

    @property
    def file(self) -> FilePlayer | None:
        """The file that plays, if one does."""
        return self._port if isinstance(self._port, FilePlayer) else None

    @property
    def running(self) -> bool:
        """Whether sound comes in."""
        return time.perf_counter() - self._heard_at < STALE

    def frames(self) -> list[AudioFrame]:
        """The frames of the last six seconds, the newest last; from any thread."""
        with self._lock:
            return list(self.history)

    @property
    def latency(self) -> float:
        """Seconds that the device says it takes."""
        return self._port.latency if isinstance(self._port, SoundInput) else 0.0

    def set(self, gesture: Any = None, **values: Any) -> None:
        """Change settings by name, as one step of undo. Raises ParamError, and ValueError for channels."""
        for name, value in values.items():
            SETTINGS[name].clean(value)
        if "channels" in values:
            parse_channels(str(values["channels"]))
        label = SETTINGS[next(iter(values))].label.lower() if values else ""
        with self.session.edit(f"Sound in: {label}", gesture):
            for name, value in values.items():
                self.settings.set(name, value)
            self.session.controls.forget_tree()
        self.apply()
        self.session.post("audio")

    def dump(self) -> dict[str, Any]:
        """What differs from the defaults, for the session file."""
        values = self.settings.dump()
        return {name: value for name, value in values.items()
                if name not in SETTINGS or value != SETTINGS[name].to_json(SETTINGS[name].default)}

    def load(self, tree: Any, report: list[str]) -> None:
        """Settings from a file, in place of those of now; what cannot be used is reported."""
        for name in SETTINGS:
            self.settings.reset(name)
        self.settings.unknown = {}
        if isinstance(tree, dict):
            report += [f"controls.audio.{line}" for line in self.settings.load(tree)]
        elif tree is not None:
            report.append("controls.audio: not an object; the sound input is off")
        try:
            parse_channels(self.settings["channels"])
        except ValueError as error:
            report.append(f"controls.audio.channels: {error}; all are used")
            self.settings.reset("channels")
        self.apply()
        self.session.post("audio")

    def apply(self) -> None:
        """Open and close what the settings ask for; cheap when nothing changed."""
        self._channels = parse_channels(self.settings["channels"])
        output = str(self.session.settings["sound_output"])
        wanted = (*(self.settings[name] for name in _OPENS), output)
        if self.settings["source"] == OFF:
            wanted = (OFF,)
        if wanted == self._wanted or self._closed:
            return
        self._wanted = wanted
        self._shut()
        self.reason = self.cure = ""
        kind = self.settings["source"]
        port: SoundInput | FilePlayer | None = None
        if kind == DEVICE:
            port = SoundInput(lambda *heard: self._hear(port, *heard), device=self.settings["device"],
                              opened=self._opened, told=lambda *words: self._told(port, *words))
        elif kind == FILE and self.settings["file"]:
            port = FilePlayer(self.settings["file"], lambda *heard: self._hear(port, *heard),
                              lambda *words: self._told(port, *words), aloud=self.settings["aloud"], output=output)
        elif kind == FILE:
            self.reason, self.cure = "no sound file is chosen", "choose one, or drop one on the panel"
        self._port = port
        if port is not None:
            port.start()

    def _shut(self) -> None:
        port, self._port = self._port, None
        if port is not None:
            port.close()
        self.source = None
        self._silence()

    def rewind(self) -> None:
        """Play the file from its beginning."""
        if self.file is not None:
            self.file.rewind()

    def close(self) -> None:
        """Stop; returns at once."""
        self._closed = True
        port, self._port = self._port, None
        if port is not None:
            port.close()

    # --- the thread of the sound ---

    def _opened(self, source: SoundSource) -> None:
        self.source = source
        self.session.post("audio")

    def _told(self, port: Any, reason: str, cure: str) -> None:
        if port is not self._port:
            return
        was, self.reason, self.cure = self.reason, reason, cure
        if reason:
            self._silence()
            self.session.notice(reason, level="warning", cure=cure, source="Sound in")
        elif was:
            self.session.notice("the sound input is back", source="Sound in")
        self.session.post("audio")

    def _hear(self, port: Any, samples: Samples, rate: int, when: float) -> None:
        """Samples ``(frames, channels)`` of which the last was heard at ``when``."""
        if port is not self._port:
            return
        analyser = self._analyser
        if analyser is None or analyser.rate != rate:
            analyser = self._analyser = Analyser(rate, self.settings)
            self._end = 0
        self._end += len(samples)
        for frame in analyser.feed(mixed(samples, self._channels)):
            self._publish(frame, when - (self._end - frame.at) / rate - self.latency)

    def _publish(self, frame: AudioFrame, at: float) -> None:
        with self._lock:
            self.frame, self.values = frame, frame.values
            self.history.append(frame)
            self.count += 1
            self._heard_at = time.perf_counter()
        for line in self.session.lines():
            line.worker.audio = dict(frame.values)
        self._pusher.push(frame, at)
        if self.session.settings[CLOCK]:
            self.clock.hear(frame, at)

    def _silence(self) -> None:
        """What is bound falls back, as in silence."""
        with self._lock:
            self._analyser, self.values, self.frame = None, SILENT, None
            self._heard_at = 0.0
        self.clock.end()
        for line in self.session.lines():
            line.worker.audio = {}
        self._pusher.silence(time.perf_counter())

    _end = 0
