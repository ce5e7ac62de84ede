"""Messages between the studio and a plugin's process: a JSON object and, for media, raw bytes.

Nothing that arrives is ever executed or unpickled: the other side runs somebody else's code.
"""

from __future__ import annotations

import json
import struct
from typing import Any, BinaryIO

import numpy as np

from studio.media import Audio, MediaError, Note, Notes, check_audio, check_notes, to_frame

_HEAD = struct.Struct(">II")
MAX_JSON = 64 * 1024 * 1024
MAX_BLOB = 8192 * 8192 * 4 + 1024


class WireError(ValueError):
    """The other side said something that is no message."""


def write(pipe: BinaryIO, message: dict[str, Any], blob: bytes | memoryview = b"") -> None:
    """Send one message. Raises OSError when nobody reads any more."""
    text = json.dumps(message, separators=(",", ":")).encode()
    pipe.write(_HEAD.pack(len(text), len(blob)))
    pipe.write(text)
    if len(blob):
        pipe.write(blob)
    pipe.flush()


def read(pipe: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    """The next message, or None at the end. Raises WireError."""
    head = pipe.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    size, extra = _HEAD.unpack(head)
    if size > MAX_JSON or extra > MAX_BLOB:
        raise WireError("a message is too large")
    text, blob = pipe.read(size), pipe.read(extra)
    if len(text) < size or len(blob) < extra:
        return None
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WireError(f"a message is damaged: {error}") from None
    if not isinstance(message, dict):
        raise WireError("a message is no object")
    return message, blob


def pack(part: Any, kind: str) -> tuple[dict[str, Any], bytes | memoryview]:
    """A piece of media as a message's content. Raises MediaError for what is no such media."""
    if kind == "image":
        frame = to_frame(part)
        return {"shape": frame.shape[:2]}, frame.tobytes()
    if kind == "notes":
        block = check_notes(part)
        rows = [[n.pitch, n.velocity, n.start, n.duration, n.channel] for n in block.notes]
        return {"length": block.length, "notes": [[float(value) for value in row] for row in rows]}, b""
    if kind == "audio":
        sound = check_audio(part)
        return {"shape": sound.samples.shape, "rate": sound.rate}, sound.samples.tobytes()
    if not isinstance(part, str):
        raise MediaError(f"a text generator returned {type(part).__name__}; it must return str")
    return {"text": part}, b""


def unpack(message: dict[str, Any], blob: bytes, kind: str) -> Any:
    """The piece of media again. Raises WireError."""
    try:
        if kind == "image":
            height, width = message["shape"]
            return np.frombuffer(blob, np.uint8).reshape(height, width, 3)
        if kind == "notes":
            notes = tuple(Note(int(p), int(v), s, d, int(c)) for p, v, s, d, c in message["notes"])
            return check_notes(Notes(notes, float(message["length"])))
        if kind == "audio":
            samples = np.frombuffer(blob, np.float32).reshape(message["shape"])
            return check_audio(Audio(samples, int(message["rate"])))
        return str(message["text"])
    except (KeyError, TypeError, ValueError) as error:
        raise WireError(f"a piece of {kind} is damaged: {error}") from None


def plain(value: Any, room: int = 4096) -> Any:
    """A detail for a view as JSON data: numbers, texts, lists and dicts; arrays of at most ``room`` numbers."""
    if isinstance(value, np.ndarray):
        return value.tolist() if value.size <= room else None
    if isinstance(value, (np.integer, np.floating)):
        return value.item()
    if isinstance(value, dict):
        return {str(key)[:200]: plain(item, room) for key, item in list(value.items())[:room]}
    if isinstance(value, (list, tuple)):
        return [plain(item, room) for item in value[:room]]
    return value if value is None or isinstance(value, (bool, int, float, str)) else None
