"""Small pictures of presets: ready-made for the house's own, rendered in the background for everybody else's.

A picture is known by the hash of what it shows (generator, version, values, the bytes of the models it names), so a
changed preset gets a new one. They are kept in the user's cache folder as JPEG, with those that nobody asked for
longest going first.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np

from studio import paths, safe_json
from studio.engine import Stage, render
from studio.engine.threads import BESIDE, be_nice, spawn
from studio.files import FileError, read_bytes, write_bytes
from studio.generator import Cancelled
from studio.library.presets import Preset
from studio.media import Frame, Notes
from studio.params import Int, ParamSet
from studio.plugins import Registry
from studio.session.feed import SCENE_PLUGIN

log = logging.getLogger("reverie.session")

SIZE = (192, 144)
"""Pixels (width, height) of a small picture."""
WORK = (384, 288)
"""Pixels it is rendered at: what looks at pictures with a network needs that many."""
MOMENT, RATE = 12, 8.0
"""The picture shown is this frame, at that many frames a second: motion has begun, loops have opened."""
QUALITY = 72
MAX_BYTES = 200_000
KEPT = 2000
"""Most small pictures in the cache."""
IN_MEMORY = 400
VERSION = 2
"""Raised when the way of rendering changes, so that older pictures are made anew."""


def key_of(preset: Preset, version: int = VERSION) -> str:
    """The hash of what a preset shows: its values, its generator's version, and its models' bytes."""
    models = {name: _model_mark(value) for name, value in sorted(preset.params.items())
              if isinstance(value, str) and name.endswith("model")}
    text = json.dumps(
        [version, preset.generator, preset.generator_version, preset.params, models], sort_keys=True,
        separators=(",", ":"), default=str,
    )
    return sha256(text.encode()).hexdigest()[:32]


def _model_mark(name: str) -> str:
    """What tells one model of a name from another, without reading all its bytes."""
    try:
        place = paths.find_model(name)
        card = place.with_suffix(".json")
        if card.is_file():
            digest = safe_json.load_object(card, max_bytes=1 << 20).get("sha256")
            if isinstance(digest, str):
                return digest
        about = place.stat()
    except (OSError, FileError):
        return ""
    return f"{about.st_size}-{int(about.st_mtime)}"


def cache_folder() -> Path:
    """Where small pictures are kept."""
    return paths.user_folder("cache") / "thumbs"


def house_folder() -> Path:
    """The ready-made pictures of the built-in presets."""
    return paths.bundled("resources") / "thumbs"


def read_thumb(key: str) -> bytes:
    """A picture by its hash, from the house or the cache; b'' when there is none."""
    for folder in (house_folder(), cache_folder()):
        place = folder / f"{key}.jpg"
        with contextlib.suppress(FileError):
            if place.is_file():
                return read_bytes(place, limit=MAX_BYTES)
    return b""


def write_thumb(key: str, data: bytes) -> None:
    """Keep a picture in the cache. Raises FileError."""
    write_bytes(cache_folder() / f"{key}.jpg", data, parents=True)


def to_jpeg(frame: Frame, size: tuple[int, int] = SIZE, quality: int = QUALITY) -> bytes:
    """A frame as a small JPEG of exactly ``size``, filled and cut in the middle."""
    from PIL import Image, ImageOps

    small = ImageOps.fit(Image.fromarray(frame), size, Image.Resampling.LANCZOS)
    out = io.BytesIO()
    small.save(out, "JPEG", quality=quality, optimize=True)
    return out.getvalue()


def render_thumb(registry: Registry, preset: Preset, cancelled: Callable[[], bool] = lambda: False) -> bytes:
    """The picture of a preset as JPEG. Raises PluginError, GeneratorError and their kin, and Cancelled."""
    from studio.session.render_job import make_stage

    plugin = registry.get(preset.generator)
    generator = plugin.load()
    values = ParamSet(generator.params)
    preset.apply(values, generator)
    stages = [Stage(generator, values, plugin.folder)]
    if generator.takes == "image":
        stages.insert(0, make_stage(registry, SCENE_PLUGIN))
    if generator.makes == "notes":
        return to_jpeg(_roll(_take(stages, 16.0, cancelled)))
    if generator.makes == "text":
        return to_jpeg(_page(_write(stages, cancelled)))
    frame = None
    frames = 1 if _is_slow(values) else MOMENT
    for made in render(stages, frames=frames, fps=RATE, size=WORK, cancelled=cancelled):
        frame = made
    if frame is None or not isinstance(frame, np.ndarray):
        raise FileError(f"{preset.name} made no picture")
    return to_jpeg(frame)


def _is_slow(values: ParamSet) -> bool:
    """Whether one picture is a long optimisation of its own (it counts its steps by the dozen)."""
    steps = values.params.get("steps")
    return isinstance(steps, Int) and values["steps"] > 20


def _take(stages: list[Stage], beats: float, cancelled: Callable[[], bool]) -> list[tuple[float, float, int, int]]:
    """(start, length, pitch, velocity) of the first beats of music."""
    found: list[tuple[float, float, int, int]] = []
    at = 0.0
    for block in render(stages, frames=400, cancelled=cancelled):
        assert isinstance(block, Notes)
        found += [(at + note.start, note.duration, note.pitch, note.velocity) for note in block.notes]
        at += block.length
        if at >= beats:
            break
    return [note for note in found if note[0] < beats]


def _roll(notes: list[tuple[float, float, int, int]], beats: float = 16.0) -> Frame:
    """A piano roll: time to the right, pitch upwards, louder is brighter."""
    from PIL import Image, ImageDraw

    width, height = WORK
    ground, ink = (8, 9, 14), np.array((237, 149, 188))
    picture = Image.new("RGB", WORK, ground)
    draw = ImageDraw.Draw(picture)
    for beat in range(4, int(beats), 4):
        x = round(beat / beats * width)
        draw.line((x, 0, x, height), fill=(32, 33, 42), width=2)
    low = min((note[2] for note in notes), default=60) - 3
    high = max(max((note[2] for note in notes), default=60) + 3, low + 24)
    row = height / (high - low + 1)
    for start, length, pitch, velocity in notes:
        left, top = start / beats * width, (high - pitch) * row
        right = min(width, left + max(5.0, length / beats * width - 3))
        colour = tuple(int(v) for v in np.array(ground) + (ink - np.array(ground)) * (0.4 + 0.6 * velocity / 127))
        draw.rounded_rectangle((left, top, right, top + max(4.0, row - 1)), 3, fill=colour)
    return np.asarray(picture, np.uint8)


def _write(stages: list[Stage], cancelled: Callable[[], bool]) -> str:
    """The first words of a text."""
    parts: list[str] = []
    for part in itertools.islice(render(stages, frames=260, cancelled=cancelled), 260):
        parts.append(str(part))
        if sum(map(len, parts)) > 240:
            break
    return "".join(parts)


def _page(text: str) -> Frame:
    """The beginning of a text on a dark page."""
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.new("RGB", WORK, (8, 9, 14))
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(30)
    y, left, room = 20, 26, WORK[0] - 40
    for line in text.strip().splitlines():
        words, row = line.split(), ""
        for word in [*words, ""]:
            wider = f"{row} {word}".strip()
            if word and draw.textlength(wider, font=font) <= room:
                row = wider
                continue
            draw.text((left, y), row, font=font, fill=(224, 183, 108))
            y, row = y + 38, word
        if not words:
            y -= 12
        if y > WORK[1]:
            break
    return np.asarray(picture, np.uint8)


class Thumbnails:
    """Small pictures on demand, on one thread that ends when there is nothing to do.

    ``ask(preset, done)`` calls ``done(jpeg)`` through ``deliver`` (the session's ``events.call``); those asked for last
    come first, because they are what is on screen. ``reason(preset)`` says why there is none.
    """

    def __init__(self, registry: Registry, deliver: Callable[[Callable[[], None]], None]) -> None:
        self._registry, self._deliver = registry, deliver
        self._lock = threading.Lock()
        self._wanted: OrderedDict[str, tuple[Preset, Callable[[bytes], None]]] = OrderedDict()
        self._ready: OrderedDict[str, bytes] = OrderedDict()
        self._failed: dict[str, str] = {}
        self._busy = False
        self._stop = threading.Event()

    def ask(self, preset: Preset, done: Callable[[bytes], None]) -> None:
        """Have a preset's picture delivered, once; nothing comes where it cannot be made."""
        with self._lock:
            self._wanted[_name(preset)] = (preset, done)
            self._wanted.move_to_end(_name(preset))
            if self._busy or self._stop.is_set():
                return
            self._busy = True
        spawn("reverie thumbnails", self._run, self.stop)

    def keep(self, preset: Preset, frame: Frame) -> None:
        """Take a live frame as a preset's picture, on another thread."""
        def work() -> None:
            try:
                write_thumb(key_of(preset), to_jpeg(frame))
            except (FileError, OSError, ValueError) as error:
                log.warning("the picture of %s could not be kept: %s", preset.name, error)

        spawn("reverie thumbnail", work, lambda: None)

    def reason(self, preset: Preset) -> str:
        """Why a preset has no picture; '' where it has one or was not tried."""
        return self._failed.get(_name(preset), "")

    def stop(self) -> None:
        """End soon; returns at once."""
        self._stop.set()
        with self._lock:
            self._wanted.clear()

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._wanted or self._stop.is_set():
                    self._busy = False
                    return
                name, (preset, done) = self._wanted.popitem(last=True)
            try:
                data = self._find(preset)
            except Cancelled:
                continue
            except Exception as error:  # a plugin's code may raise anything; its preset then has no picture
                self._failed[name] = str(error) or type(error).__name__
                log.info("no picture of the preset %s: %s", preset.name, error)
            else:
                self._deliver(lambda done=done, data=data: done(data))  # type: ignore[misc]

    def _find(self, preset: Preset) -> bytes:
        key = key_of(preset)
        if key in self._ready:
            self._ready.move_to_end(key)
            return self._ready[key]
        data = read_thumb(key)
        if not data:
            be_nice(BESIDE)
            data = render_thumb(self._registry, preset, self._stop.is_set)
            with contextlib.suppress(FileError):
                write_thumb(key, data)
                _prune()
        self._ready[key] = data
        while len(self._ready) > IN_MEMORY:
            self._ready.popitem(last=False)
        return data


def _name(preset: Preset) -> str:
    return str(preset.path) if preset.path is not None else f"{preset.generator}/{preset.name}"


def _prune() -> None:
    files = list(cache_folder().glob("*.jpg"))
    if len(files) <= KEPT:
        return
    found: list[tuple[float, Path]] = []
    for file in files:
        with contextlib.suppress(OSError):
            found.append((file.stat().st_mtime, file))
    for _, file in sorted(found)[: len(files) - KEPT]:
        with contextlib.suppress(OSError):
            file.unlink()


def house_presets(registry: Registry) -> list[Preset]:
    """The presets that came with the studio, of built-in generators."""
    from studio.library.presets import load_preset

    found = []
    for plugin in registry:
        if plugin.origin == "built-in" and plugin.manifest is not None:
            found += [load_preset(file)[0] for file in plugin.presets]
    return found

