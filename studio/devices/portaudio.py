"""PortAudio as all sound of the studio uses it: one at a time opens and closes, and its list of devices is made anew
only while nothing of ours is open, because that ends every stream."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from studio.devices.listing import quiet_stderr

LOCK = threading.RLock()
"""Held while streams are opened and closed: PortAudio leaves the order of such calls to its user."""

_open: set[int] = set()


class SoundError(RuntimeError):
    """No sound can be played or heard; the message says why, ``cure`` what helps."""

    def __init__(self, message: str, cure: str = "") -> None:
        super().__init__(message)
        self.cure = cure


def devices(*, refresh: bool = False) -> tuple[list[dict[str, Any]], tuple[int, int]]:
    """The driver's rows, and the places of the system's input and output (-1: none).

    ``refresh`` asks the driver anew where that disturbs nothing. May take a second. Raises SoundError.
    """
    with LOCK, quiet_stderr():
        try:
            import sounddevice

            if refresh and not _open:
                sounddevice._terminate()
                sounddevice._initialize()
            rows = [dict(row) for row in sounddevice.query_devices()]
            return rows, (int(sounddevice.default.device[0]), int(sounddevice.default.device[1]))
        except OSError:
            raise SoundError("the system library PortAudio is missing", "install libportaudio2") from None
        except Exception as error:  # PortAudioError: no server, or a driver that does not answer
            raise SoundError(f"the sound system does not answer ({error})", "start PipeWire or PulseAudio") from None


class Named(Protocol):
    """A device as it is chosen."""

    @property
    def name(self) -> str: ...

    @property
    def default(self) -> bool: ...


D = TypeVar("D", bound=Named)


def find(found: Sequence[D], name: str, what: str) -> D:
    """The device whose name is or holds ``name``; '' is the system's own choice. Raises SoundError, which says that
    there is no such ``what``."""
    if not name:
        return next((device for device in found if device.default), found[0])
    fitting = [device for device in found if device.name == name]
    fitting += [device for device in found if name.lower() in device.name.lower()]
    if fitting:
        return fitting[0]
    names = ", ".join(device.name for device in found[:6])
    raise SoundError(f"there is no {what} {name[:60]!r}", f"connect it, or choose one of: {names}")


def start(make: Callable[[Any], Any], before: Callable[[], object] = lambda: None) -> Any:
    """``make(sounddevice)`` a stream and start it. Raises what the driver raises; nothing is left open then."""
    import sounddevice

    with LOCK, quiet_stderr():
        stream = make(sounddevice)
        try:
            before()
            stream.start()
        except BaseException:
            stream.close(ignore_errors=True)
            raise
        _open.add(id(stream))
        return stream


def close(stream: Any) -> None:
    """Close a stream that ``start`` gave."""
    with LOCK, quiet_stderr():
        _open.discard(id(stream))
        stream.close(ignore_errors=True)
