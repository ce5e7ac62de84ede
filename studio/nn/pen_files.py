"""Handwriting from files: strokes with the text that they spell, from four layouts, each checked piece by piece.

* **IAM On-Line** ``lineStrokes`` XML (``<StrokeSet><Stroke><Point x= y=>``), the text from ``…/ascii/….txt`` (the lines
  after ``CSR:``) or from a ``.txt`` of the same name beside it;
* **Quick, Draw!** simplified ``.ndjson``: a drawing spells the name of what it shows;
* **our own** ``.json``: ``{"format": "reverie.handwriting", "format_version": 1, "pieces": [{"text", "strokes"}]}``, a
  stroke a list of ``[x, y]``;
* **SVG**: the paths and polylines of a file; its ``<title>``, else its name, is the text.

All of them have y downwards. Nothing of a file is run, and entities of XML are refused.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.parsers import expat

import numpy as np
from numpy.typing import NDArray

from studio import safe_json
from studio.files import FileError, read_bytes, read_text
from studio.nn.svg_paths import PathFault, path_strokes

Array = NDArray[np.float64]

MAX_BYTES = 256 * 1024 * 1024
MAX_PIECES = 200_000
MAX_POINTS = 20_000
"""Most points of one piece."""
ENDINGS = (".xml", ".ndjson", ".json", ".svg")


class PieceFault(ValueError):
    """One piece that cannot be learned from, and why."""


@dataclass(frozen=True)
class Written:
    """A text and its strokes, each ``(n, 2)`` with y upwards, in the units of its file."""

    text: str
    strokes: tuple[Array, ...]
    where: str


def read_strokes(data: Path) -> tuple[list[Written], list[str]]:
    """All pieces of a file or a folder, and what was left out with its reason."""
    files = [data]
    if data.is_dir():
        files = sorted(p for p in data.rglob("*") if p.suffix.lower() in ENDINGS and p.is_file())
    pieces: list[Written] = []
    skipped: list[str] = []
    for path in files:
        try:
            for piece in _of_file(path):
                if isinstance(piece, str):
                    skipped.append(piece)
                else:
                    pieces.append(piece)
                if len(pieces) >= MAX_PIECES:
                    return pieces, [*skipped, f"all after the first {MAX_PIECES:,} pieces"]
        except (FileError, PieceFault) as error:
            skipped.append(str(error) if path.name in str(error) else f"{path.name}: {error}")
    return pieces, skipped


def _of_file(path: Path) -> Iterator[Written | str]:
    """Pieces of one file; a text stands for one that is left out."""
    readers = {".xml": _iam, ".ndjson": _drawings, ".json": _own, ".svg": _svg}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise PieceFault(f"{path.suffix or 'a name without an ending'} is not one of {', '.join(ENDINGS)}")
    for number, (text, strokes) in enumerate(reader(path), 1):
        where = f"{path.name} {number}"
        try:
            yield Written(" ".join(text.split()), checked(strokes), where)
        except PieceFault as error:
            yield f"{where}: {error}"


def checked(strokes: Any) -> tuple[Array, ...]:
    """Strokes ``[[[x, y], …], …]`` with y downwards as arrays with y upwards. Raises PieceFault."""
    made: list[Array] = []
    if not isinstance(strokes, (list, tuple)):
        raise PieceFault("strokes is not a list")
    for stroke in strokes:
        try:
            points = np.array(stroke, np.float64)
        except (TypeError, ValueError, OverflowError):
            raise PieceFault("a stroke is not a list of [x, y]") from None
        if points.ndim != 2 or points.shape[1] < 2 or not len(points):
            raise PieceFault("a stroke is not a list of [x, y]")
        points = points[:, :2] * (1.0, -1.0)
        if not np.isfinite(points).all() or np.abs(points).max() > 1e7:
            raise PieceFault("a point is not a usable number")
        made.append(points)
    count = sum(map(len, made))
    if count < 3:
        raise PieceFault(f"it has {count} points; three are the least")
    if count > MAX_POINTS:
        raise PieceFault(f"it has {count:,} points, at most {MAX_POINTS:,} are read")
    if max(float(np.ptp(np.vstack(made)[:, k])) for k in (0, 1)) <= 0.0:
        raise PieceFault("all its points are one")
    return tuple(made)


def _own(path: Path) -> Iterator[tuple[str, Any]]:
    tree = safe_json.load(path, max_bytes=MAX_BYTES)
    pieces = tree.get("pieces") if isinstance(tree, dict) and tree.get("format") == "reverie.handwriting" else None
    if not isinstance(pieces, list):
        raise PieceFault('it is not {"format": "reverie.handwriting", "pieces": […]}')
    for piece in pieces:
        if isinstance(piece, dict) and isinstance(piece.get("text"), str):
            yield piece["text"], piece.get("strokes")
        else:
            yield "", None


def _drawings(path: Path) -> Iterator[tuple[str, Any]]:
    for line in read_bytes(path, limit=MAX_BYTES).splitlines():
        if not line.strip():
            continue
        try:
            tree = safe_json.loads(line, where="a line", max_bytes=4 * 1024 * 1024)
            strokes = [list(zip(*stroke[:2], strict=True)) for stroke in tree["drawing"]]
            yield str(tree["word"]), strokes
        except (FileError, KeyError, TypeError, ValueError, IndexError):
            yield "", None


Element = tuple[str, dict[str, str], list[str]]
"""Name without its namespace, attributes, the texts in it."""


def _elements(path: Path) -> list[Element]:
    """All elements of an XML file in the order in which they begin. Raises PieceFault for entities and faults."""
    found: list[Element] = []
    inside: list[Element] = []

    def refuse(*_: Any) -> None:
        raise PieceFault("it defines entities, which are not read")

    def begin(name: str, attributes: dict[str, str]) -> None:
        found.append((name.rpartition(":")[2], attributes, []))
        inside.append(found[-1])

    parser = expat.ParserCreate()
    parser.EntityDeclHandler = refuse  # and so nothing can grow without bounds
    parser.StartElementHandler = begin
    parser.EndElementHandler = lambda name: inside.pop()
    parser.CharacterDataHandler = lambda text: inside[-1][2].append(text) if inside else None
    try:
        parser.Parse(read_bytes(path, limit=16 * 1024 * 1024), True)
    except expat.ExpatError as error:
        raise PieceFault(f"it is no readable XML ({error})") from None
    return found


def _iam(path: Path) -> Iterator[tuple[str, Any]]:
    strokes: list[list[tuple[float, float]]] = []
    for tag, attributes, _ in _elements(path):
        if tag == "Stroke":
            strokes.append([])
        elif tag == "Point" and strokes:
            try:
                strokes[-1].append((float(attributes["x"]), float(attributes["y"])))
            except (KeyError, ValueError):
                raise PieceFault("a Point has no x and y") from None
    if not strokes:
        raise PieceFault("it has no <Stroke>")
    yield _transcript(path), [stroke for stroke in strokes if stroke]


def _transcript(path: Path) -> str:
    """The text of an IAM line: ``lineStrokes/a01/a01-000/a01-000u-03.xml`` is line 3 of ``ascii/…/a01-000u.txt``."""
    beside = path.with_suffix(".txt")
    if beside.is_file():
        return read_text(beside)[0].strip()
    form, _, number = path.stem.rpartition("-")
    parts = ["ascii" if part == "lineStrokes" else part for part in path.parent.parts]
    table = Path(*parts) / f"{form}.txt"
    if number.isdecimal() and table.is_file():
        lines = read_text(table)[0].partition("CSR:")[2].strip().splitlines()
        if 1 <= int(number) <= len(lines):
            return lines[int(number) - 1].strip()
    raise PieceFault(f"there is no text for it: neither {beside.name} beside it nor a line of {table.name} below ascii")


def _svg(path: Path) -> Iterator[tuple[str, Any]]:
    strokes: list[list[tuple[float, float]]] = []
    title = path.stem
    for tag, attributes, texts in _elements(path):
        if "transform" in attributes and tag in ("g", "path", "polyline", "svg"):
            raise PieceFault(f"its <{tag}> is transformed; apply transformations when you export it")
        try:
            if tag == "title":
                title = "".join(texts).strip() or title
            elif tag == "path":
                strokes += path_strokes(attributes.get("d", ""))
            elif tag == "polyline":
                numbers = [float(word) for word in attributes.get("points", "").replace(",", " ").split()]
                strokes.append(list(zip(numbers[::2], numbers[1::2], strict=True)))
        except PathFault as error:
            raise PieceFault(str(error)) from None
        except ValueError:
            raise PieceFault("a polyline has something that is no number") from None
    yield title, [stroke for stroke in strokes if stroke]


def to_json(pieces: list[tuple[str, list[Array]]]) -> str:
    """Our own layout of pieces whose strokes have y upwards."""
    tree = [
        {"text": text, "strokes": [[[round(float(x), 3), round(-float(y), 3)] for x, y in s] for s in strokes]}
        for text, strokes in pieces
    ]
    return json.dumps({"format": "reverie.handwriting", "format_version": 1, "pieces": tree}, separators=(",", ":"))


# --- to what the network reads ---------------------------------------------------------------------------------------

STEP = 0.4
"""Length that an average step between two points is brought to, in heights of a small x."""
TALL = 1.45
"""Standard heights of a small x between the 8th and the 92nd hundredth of a writing's points."""


def unit_of(pieces: list[Written]) -> float:
    """About the height of a small x in the units of these pieces."""
    spreads = []
    for piece in pieces[:2000]:
        low, high = np.percentile(np.vstack(piece.strokes)[:, 1], (8, 92))
        spreads.append(float(high - low))
    return max(float(np.median(spreads)) / TALL, 1e-6)


def pen_points(strokes: tuple[Array, ...], unit: float, *, even: bool = True) -> NDArray[np.float32]:
    """Offsets ``(n, 3)``: dx, dy in x-heights and 1 where the pen leaves the paper. The first offset is (0, 0).

    With ``even`` points that lie closer than usual are thinned, at even times, and longer steps divided.
    """
    rows: list[tuple[float, float, float]] = []
    lengths = [np.hypot(*np.diff(s / unit, axis=0).T) for s in strokes if len(s) > 1]
    mean = float(np.mean(np.concatenate(lengths))) if lengths else STEP
    for stroke in strokes:
        spots = stroke / unit
        if even:
            spots = _paced(spots, mean)
        rows += [(x, y, 0.0) for x, y in spots]
        rows[-1] = (*rows[-1][:2], 1.0)
    points = np.array(rows)
    points[:, :2] = np.diff(points[:, :2], axis=0, prepend=points[:1, :2])
    return points.astype(np.float32)


def _paced(spots: Array, mean: float) -> Array:
    if len(spots) < 2:
        return spots
    if mean < 0.7 * STEP:  # many points a letter: fewer, evenly in time, so that slow places keep theirs
        count = max(2, round((len(spots) - 1) * mean / STEP) + 1)
        at = np.linspace(0.0, len(spots) - 1.0, count)
        return np.stack([np.interp(at, np.arange(len(spots)), spots[:, k]) for k in (0, 1)], 1)
    parts = [spots[:1]]
    for a, b in itertools.pairwise(spots):
        count = max(1, math.ceil(float(np.hypot(*(b - a))) / (2.0 * STEP)))
        parts.append(a + (b - a) * (np.arange(1, min(count, 64) + 1) / min(count, 64))[:, None])
    return np.vstack(parts)
