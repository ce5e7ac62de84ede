"""Generator: what a plugin author writes. Context: all that a generator sees of the studio."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from studio import paths
from studio.media import MEDIA_KINDS, Drawing, Note, Words
from studio.params import Param
from studio.params import applies as conditions

if TYPE_CHECKING:
    import torch

API_VERSION = 1
"""Version of this interface; plugin.toml names the one it was written for."""

_ID = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+\Z")


class Cancelled(Exception):  # noqa: N818 - it reports a wish, not an error
    """Raised by ``ctx.check()`` when the work is no longer wanted. Let it pass."""


class Finished(Exception):  # noqa: N818
    """Raise from ``step`` when there is nothing more to make (a text reached its stop condition)."""


class Context:
    """What a step may know. One object lives as long as its generator runs; the engine moves it on before each step.

    ``t`` seconds since the start, ``dt`` seconds since the last step, ``frame`` steps so far, ``beat`` beats since the
    start (fractional), ``bar`` bars (fractional), ``bpm`` tempo. ``size`` is the wished ``(width, height)`` in pixels
    or None. ``input`` is the upstream or camera picture of an effect, in the form its class attribute ``wants`` names.
    ``notes`` are the notes that began since the last step, ``words`` what the text players wrote since then; ``audio``
    maps feature names (``level``, ``onset``...) to 0..1. ``wishes`` are what the generator's own view asks of this one
    step (see ``expose``), by names of their own; empty in a render. ``offline`` is True in a render, where time does
    not matter and nothing may be dropped; ``still`` where a single picture is all that is wanted of it: then show the
    finished work.
    """

    def __init__(
        self, *, seed: int = 0, device: str = "cpu", folder: Path | None = None, size: tuple[int, int] | None = None,
        fps: float = 30.0, bpm: float = 120.0, beats_per_bar: int = 4, offline: bool = True,
        cancelled: Callable[[], bool] | None = None, on_progress: Callable[[float], None] | None = None,
        on_notice: Callable[[str], None] | None = None, on_detail: Callable[[str, Any], None] | None = None,
        logger: logging.Logger | None = None,
    ) -> None:
        if not 0 <= seed < 2**63:
            raise ValueError(f"seed: {seed} is not a whole number from 0 to 2**63 - 1")
        self.seed, self.device, self.size, self.bpm = seed, device, size, bpm
        self.beats_per_bar, self.offline, self.folder = beats_per_bar, offline, folder
        self.still = False
        self.t, self.dt, self.frame = 0.0, 1.0 / fps, 0
        self.beat, self.bar = 0.0, 0.0
        self.rng = np.random.default_rng(seed)
        self.input: Any = None
        self.notes: tuple[Note, ...] = ()
        self.words: tuple[Words, ...] = ()
        self.audio: dict[str, float] = {}
        self.wishes: dict[str, Any] = {}
        self.log = logger or logging.getLogger("reverie.generator")
        self._cancelled = cancelled
        self._on_progress = on_progress
        self._on_notice = on_notice
        self._on_detail = on_detail

    @property
    def dtype(self) -> torch.dtype:
        """Working precision: half where the device computes it well, else float32."""
        import torch

        return torch.float16 if self.device.startswith("cuda") else torch.float32

    def torch_rng(self, *key: int) -> torch.Generator:
        """A CPU torch generator seeded from this run's seed and ``key``: the same call gives the same numbers."""
        import torch

        mixed = np.random.SeedSequence([self.seed, *(part % 2**64 for part in key)]).generate_state(2, np.uint32)
        return torch.Generator().manual_seed(int(mixed[0]) << 32 | int(mixed[1]))

    def check(self, progress: float | None = None) -> None:
        """Call often in long work: raises Cancelled when the work is no longer wanted; ``progress`` is 0..1."""
        if self._cancelled is not None and self._cancelled():
            raise Cancelled
        if progress is not None and self._on_progress is not None:
            self._on_progress(min(1.0, max(0.0, progress)))

    def notice(self, message: str) -> None:
        """Tell the user something in a sentence (an unknown character was mapped, a model is missing)."""
        self.log.info("%s", message)
        if self._on_notice is not None:
            self._on_notice(message)

    @property
    def exposes(self) -> bool:
        """Whether anybody looks at what ``expose`` is given; costly details can be left out where nobody does."""
        return self._on_detail is not None

    def expose(self, name: str, value: Any) -> None:
        """Show a detail of the work to the generator's own view: plain data or an array that is not changed later.

        Only the newest value of each name is kept. In an offline render nobody looks and nothing is kept.
        """
        if self._on_detail is not None:
            self._on_detail(name, value)

    def asset(self, name: str) -> Path:
        """A file that came with the plugin. Raises FileNotFoundError; names that leave the folder are refused."""
        if self.folder is None:
            raise FileNotFoundError(f"asset {name!r}: this generator has no folder")
        if "\0" in name:
            raise FileNotFoundError(f"asset {name!r} is not a file name")
        path = (self.folder / name).resolve()
        if not path.is_relative_to(self.folder.resolve()):
            raise FileNotFoundError(f"asset {name!r} lies outside the plugin's folder")
        if not path.exists():
            raise FileNotFoundError(f"asset {name!r} is missing from {self.folder}")
        return path

    def model(self, name: str) -> Path:
        """The file of a model, by the value of a Model parameter."""
        return paths.find_model(name)

    def advance(self, dt: float) -> None:
        """Engine only: move the clock on by one step."""
        self.frame += 1
        self.t += dt
        self.dt = dt
        self.beat += dt * self.bpm / 60.0
        self.bar = self.beat / self.beats_per_bar


class Generator:
    """Base of every generator and effect. See docs/plugins.md.

    A subclass declares ``id`` (``author.name``), ``version`` (a whole number, raised when parameters change meaning),
    ``makes`` (image, notes, text, audio) and, for an effect, ``takes``. ``wants`` is the form of ``ctx.input``:
    ``"array"`` float32 ``(height, width, 3)`` or ``"tensor"`` float ``(3, height, width)`` on ``ctx.device``.

    ``step`` returns one piece of media, or yields: for images each yield is a preview and the last one is the picture;
    for notes and text each yield is the next part. It may return None: nothing new.
    """

    id: ClassVar[str] = ""
    version: ClassVar[int] = 1
    title: ClassVar[str] = ""
    makes: ClassVar[str] = "image"
    takes: ClassVar[str | None] = None
    wants: ClassVar[str] = "array"
    pixel_bytes: ClassVar[float] = 120.0
    """Memory at its peak, in bytes for each pixel of its picture: exports too large for the machine are refused."""
    reads_words: ClassVar[bool] = False
    """Whether it uses ``ctx.words``: then an export has the session's text players write again for it."""
    params: ClassVar[dict[str, Param[Any]]] = {}

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        found: dict[str, Param[Any]] = {}
        for base in reversed(cls.__mro__):
            for name, value in vars(base).items():
                if isinstance(value, Param):
                    found[name] = value
                else:
                    found.pop(name, None)
        reserved = {name for name in dir(Generator) if not name.startswith("__")} & set(found)
        for name, param in found.items():
            param.declare(cls, name)
        for param in found.values():
            conditions.check(param, found)
        if reserved:
            raise TypeError(f"{cls.__name__}: the parameter name {sorted(reserved)[0]!r} is used by Generator itself")
        cls.params = found
        if not cls.id:
            return  # an abstract base
        if not _ID.match(cls.id):
            raise TypeError(f"{cls.__name__}.id: {cls.id!r} must look like 'author.name', in lower case")
        if cls.makes not in MEDIA_KINDS:
            raise TypeError(f"{cls.__name__}.makes: {cls.makes!r} is not one of {', '.join(MEDIA_KINDS)}")
        if cls.takes is not None and cls.takes not in MEDIA_KINDS:
            raise TypeError(f"{cls.__name__}.takes: {cls.takes!r} is not one of {', '.join(MEDIA_KINDS)}")
        if cls.wants not in ("array", "tensor"):
            raise TypeError(f"{cls.__name__}.wants: {cls.wants!r} is not 'array' or 'tensor'")
        if not isinstance(cls.version, int) or cls.version < 1:
            raise TypeError(f"{cls.__name__}.version: must be a whole number from 1")
        if cls.step is Generator.step:
            raise TypeError(f"{cls.__name__}: a generator needs a step(self, ctx) method")

    def __new__(cls, *args: Any, **keywords: Any) -> Self:
        made = super().__new__(cls)  # not in __init__: an author who writes one need not know of it
        made._values = made.__built = {name: param.default for name, param in cls.params.items()}
        made.__begun = False
        return made

    _values: dict[str, Any]
    __built: dict[str, Any]
    __begun: bool

    def freeze(self, values: dict[str, Any]) -> bool:
        """Engine only: take the values of the next step. True when setup is due: a ``live=False`` value that has an
        effect is another than at the last setup."""
        changed = any(
            not p.live and values[name] != self.__built[name] and not conditions.missing(p, values)
            for name, p in self.params.items()
        )
        if changed or not self.__begun:
            self.__built, self.__begun = values, True
        self._values = values
        return changed

    def in_use(self) -> dict[str, Any]:
        """The values of this step that have an effect (see ``applies`` of a parameter), by name: two equal ones make
        the same, so that work need not begin again because of a value that does nothing."""
        return {n: self._values[n] for n, p in self.params.items() if not conditions.missing(p, self._values)}

    @classmethod
    def choices_now(cls, values: dict[str, Any], model: Callable[[str], Path]) -> dict[str, tuple[str, ...]]:
        """For a Choice whose names do not all make sense with these values (the layers of one network): those that do,
        by parameter. Randomise and mutate keep to them. ``model`` is ``ctx.model``. Runs on the window's thread: read
        no more than a file's header."""
        return {}

    @classmethod
    def begins_with_input(cls, values: dict[str, Any]) -> bool:
        """Whether it grows out of the first picture that comes in and would never show another one: its trigger
        ``restart`` is then fired when somebody chooses another input."""
        return False

    @classmethod
    def for_drop(cls, values: dict[str, Any], path: str, kind: str, direct: bool) -> dict[str, Any]:
        """Changes of values with which a ``picture`` or ``video`` that is dropped on it is seen at once. ``direct``: it
        can come in as its input, which is tried where no change names ``path``."""
        return {}

    @classmethod
    def migrate(cls, params: dict[str, Any], version: int) -> dict[str, Any]:
        """Turn parameters stored by an older ``version`` of this generator into today's; pure, dict to dict."""
        return params

    @classmethod
    def export_options(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Wishes for the writer of a file made with these values, such as MIDI programs; the user's own go first."""
        return {}

    @classmethod
    def loop_seconds(cls, values: dict[str, Any], bpm: float) -> float | None:
        """Seconds after which its media come back to where they began, with these values; None: never, or unknown."""
        return None

    def setup(self, ctx: Context) -> None:
        """Prepare: load models, allocate. Runs on the worker, and again when a ``live=False`` value changed."""

    def step(self, ctx: Context) -> Any | Iterator[Any]:
        """Make the next piece of media."""
        raise TypeError(f"{type(self).__name__} has no step")

    def as_strokes(self) -> Drawing | None:
        """What stands on its picture now as strokes of a pen, for an SVG; None: it does not draw with a pen."""
        return None

    def close(self) -> None:
        """Let go of files and devices. Runs once, on the worker."""
