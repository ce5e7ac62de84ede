"""JSON from strangers: capped in size and depth, no key twice, no NaN; every fault is a sentence. Stdlib only."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from studio.files import FileError, read_bytes, short_path, write_text

MAX_BYTES = 16 * 1024 * 1024
"""Largest JSON file (bytes); our own sessions stay below a hundredth of it."""

MAX_DEPTH = 64
"""Deepest nesting of lists and objects."""


class JsonError(FileError):
    """JSON that cannot be used; the message names the file, the place and the reason."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise JsonError(f"the key {name[:60]!r} stands there twice")
            seen.add(name)
    return found


def _constant(name: str) -> Any:
    raise JsonError(f"{name} is not a JSON number")


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise JsonError(f"the number {text[:40]} is too large")
    return number


def _check_depth(tree: Any, most: int) -> None:
    level, depth = [tree], 0
    while level:
        level = [
            child for node in level if isinstance(node, (dict, list))
            for child in (node.values() if isinstance(node, dict) else node)
        ]
        depth += 1
        if depth > most + 1:
            raise JsonError(f"it is nested deeper than {most} levels")


def loads(data: bytes | str, *, where: str = "JSON", max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> Any:
    """Parse JSON text. ``where`` names it in messages. Raises JsonError."""
    if len(data) > max_bytes:
        raise JsonError(f"{where} has {len(data) / 1e6:,.0f} MB of JSON, at most {max_bytes / 1e6:,.0f} MB are read")
    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
        tree = json.loads(text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_float)
        _check_depth(tree, max_depth)
    except JsonError as error:
        raise JsonError(f"{where} cannot be used: {error}") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise JsonError(f"{where} is not valid JSON ({error.msg} at {place}); it may be cut short or damaged") from None
    except UnicodeDecodeError as error:
        raise JsonError(f"{where} is not valid JSON (byte {error.start} is not UTF-8); it may be damaged") from None
    except RecursionError:
        raise JsonError(f"{where} cannot be used: it is nested deeper than {max_depth} levels") from None
    except ValueError as error:  # a whole number of more digits than Python converts
        raise JsonError(f"{where} cannot be used: {error}") from None
    return tree


def load(path: Path | str, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> Any:
    """Read a JSON file. Raises JsonError, or FileError when the file itself cannot be read."""
    data = read_bytes(path, limit=max_bytes)
    return loads(data, where=short_path(path), max_bytes=max_bytes, max_depth=max_depth)


def load_object(path: Path | str, *, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """Read a JSON file whose top is an object ``{...}``. Raises JsonError or FileError."""
    tree = load(path, max_bytes=max_bytes)
    if not isinstance(tree, dict):
        found = f"{short_path(path)} holds {kind(tree)} where an object {{…}} is needed"
        raise JsonError(f"{found}; it is not one of our files")
    return tree


def kind(value: Any) -> str:
    """What a JSON value is, in words."""
    for types, word in (
        (bool, "true or false"), ((int, float), "a number"), (str, "text"), (list, "a list"), (dict, "an object"),
    ):
        if isinstance(value, types):
            return word
    return "nothing" if value is None else type(value).__name__


def dumps(tree: Any) -> str:
    """Readable JSON with a final line end. Raises JsonError for NaN, infinity or a value that JSON cannot hold."""
    try:
        text = json.dumps(tree, indent=2, ensure_ascii=False, allow_nan=False)
        text.encode("utf-8")
    except UnicodeEncodeError:  # half a surrogate pair: keep it as an escape, so that nothing is lost
        text = json.dumps(tree, indent=2, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise JsonError(f"this cannot be written as JSON: {error}") from None
    return text + "\n"


def save(path: Path | str, tree: Any, *, parents: bool = False) -> None:
    """Write JSON atomically. Raises JsonError or FileError."""
    write_text(path, dumps(tree), parents=parents)
