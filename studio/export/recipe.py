"""The recipe in every exported file: how it is checked, packed and found again.

A recipe says everything that is needed to make the file again (generators, versions, parameters, seed, rates, hashes).
Each format holds it as compact JSON under the key ``reverie_recipe``, where other programs keep such things too; see
docs/formats.md for the places. Readers here walk the file's own structure with limits; nothing is decoded.
"""

from __future__ import annotations

import html
import json
import math
import os
import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from studio.files import FileError, explain, short_path
from studio.safe_json import JsonError, loads

KEY = "reverie_recipe"
FORMAT = "reverie.recipe"
FORMAT_VERSION = 1
MAX_BYTES = 4 * 1024 * 1024
"""Longest recipe (bytes of JSON)."""
MAX_SVG = 256 * 1024 * 1024
"""Longest SVG (bytes) in which a recipe is looked for."""
_MAX_CHUNKS = 2_000_000
_MARK = f"{KEY}:".encode()
_XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    'xmlns:reverie="urn:reverie-studio:recipe:1"><reverie:recipe>{}</reverie:recipe></rdf:Description></rdf:RDF>'
    '</x:xmpmeta><?xpacket end="r"?>'
)
_XMP_RECIPE = re.compile(r"<reverie:recipe>([^<]*)</reverie:recipe>")


class RecipeError(FileError):
    """A file without a recipe, or with one that cannot be used; the message is a sentence."""


def pack(recipe: dict[str, Any]) -> str:
    """Recipe -> compact JSON in plain ASCII, so that every container carries it unchanged. Raises RecipeError."""
    try:
        text = json.dumps(recipe, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise RecipeError(f"the recipe cannot be written as JSON: {error}") from None
    if len(text) > MAX_BYTES:
        raise RecipeError(f"the recipe has {len(text) / 1e6:.1f} MB, at most {MAX_BYTES / 1e6:.1f} MB fit into a file")
    return text


def marked(recipe: dict[str, Any]) -> bytes:
    """Recipe for places without a key of their own (comments): ``reverie_recipe:{...}``."""
    return _MARK + pack(recipe).encode()


def xmp_packet(recipe: dict[str, Any]) -> bytes:
    """Recipe as an XMP packet (WebP)."""
    return _XMP.format(html.escape(pack(recipe), quote=False)).encode()


def check_recipe(recipe: Any, *, where: str) -> dict[str, Any]:
    """Return ``recipe`` when its fields have the types that everyone relies on. Raises RecipeError naming the field."""
    def fail(reason: str) -> RecipeError:
        return RecipeError(f"{where} cannot be used: {reason}")

    if not isinstance(recipe, dict) or recipe.get("format") != FORMAT:
        raise fail(f"its format is not {FORMAT!r}")
    version = recipe.get("format_version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise fail("format_version is not a whole number from 1")
    if version > FORMAT_VERSION:
        raise fail(f"it was made by a newer version of the studio (format {version}); update the studio")
    stages = recipe.get("stages")
    if not isinstance(stages, list) or not 1 <= len(stages) <= 64:
        raise fail("stages is not a list of 1 to 64 generators")
    for index, stage in enumerate(stages):
        good = (
            isinstance(stage, dict) and isinstance(stage.get("generator"), str) and _whole(stage.get("version"))
            and isinstance(stage.get("params"), dict)
        )
        if not good:
            raise fail(f"stages[{index}] needs a generator, a version and params")
    checks: dict[str, tuple[Callable[[Any], bool], str]] = {
        "seed": (lambda v: _whole(v) and 0 <= v < 2**63, "a whole number from 0"),
        "fps": (lambda v: _number(v) and 0.01 <= v <= 1000, "a number between 0.01 and 1000"),
        "bpm": (lambda v: _number(v) and 1 <= v <= 1000, "a number between 1 and 1000"),
        "frames": (lambda v: v is None or (_whole(v) and 0 <= v <= 10_000_000), "a whole number or null"),
        "size": (
            lambda v: v is None
            or (isinstance(v, (list, tuple)) and len(v) == 2 and all(_whole(n) and n > 0 for n in v)),
            "two whole numbers or null",
        ),
        "input": (lambda v: v is None or isinstance(v, dict), "an object or null"),
        "models": (lambda v: isinstance(v, dict), "an object"),
        "options": (lambda v: isinstance(v, dict), "an object"),
        "studio": (lambda v: isinstance(v, str), "text"),
    }
    for name, (good_value, wanted) in checks.items():
        if name in recipe and not good_value(recipe[name]):
            raise fail(f"{name} is not {wanted}")
    return recipe


def read_recipe(path: Path | str) -> dict[str, Any]:
    """The recipe inside a file that the studio exported (or the .json beside a .txt).

    The file is recognised by its first bytes, not its name. Raises RecipeError when there is none or it is damaged,
    FileError when the file cannot be read.
    """
    shown = short_path(path)
    target = Path(path)
    try:
        if target.is_dir():
            target = _first_of_sequence(target)
        if target.suffix.lower() in (".txt", ".srt", ".vtt"):
            target = sidecar(target)
            if not target.is_file():
                raise RecipeError(f"{shown} has no recipe: the file {target.name} is not beside it")
        if not target.is_file() and target.exists():
            raise RecipeError(f"cannot read {shown}: it is a device or a pipe; name an ordinary file")
        with target.open("rb") as file:
            found = _find(file, target, shown)
    except (OSError, ValueError) as error:
        raise (error if isinstance(error, FileError) else explain(error, path)) from None
    if found is None:
        raise RecipeError(f"{shown} carries no recipe; only files that the studio exported do")
    try:
        recipe = loads(found, where=f"the recipe in {shown}", max_bytes=MAX_BYTES)
    except JsonError as error:
        raise RecipeError(str(error)) from None
    return check_recipe(recipe, where=f"the recipe in {shown}")


def sidecar(path: Path) -> Path:
    """The recipe's file beside a text: ``poem.txt`` -> ``poem.txt.json``."""
    return path.with_name(path.name + ".json")


def _first_of_sequence(folder: Path) -> Path:
    best = min(
        (entry.name for entry in os.scandir(folder) if entry.name.lower().endswith((".png", ".jpg", ".jpeg", ".webp"))),
        default=None,
    )
    if best is None:
        raise RecipeError(f"{short_path(folder)} carries no recipe: there is no picture in this folder")
    return folder / best


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


# --- where each format keeps it -------------------------------------------------------------------------------------


class _Damaged(Exception):
    """The structure of the file ends or lies."""


def _find(file: BinaryIO, path: Path, shown: str) -> bytes | None:
    head = file.read(16)
    file.seek(0)
    try:
        if head.startswith(b"\x89PNG\r\n\x1a\n"):
            return _png(file)
        if head.startswith(b"\xff\xd8"):
            return _jpeg(file)
        if head[:6] in (b"GIF87a", b"GIF89a"):
            return _gif(file)
        if head[:4] == b"RIFF" and head[8:12] in (b"WEBP", b"WAVE"):
            return _riff(file)
        if head.startswith(b"MThd"):
            return _midi(path)
        if head[4:8] in (b"ftyp", b"moov", b"wide", b"mdat", b"free"):
            return _video(file, "mov")
        if head.startswith(b"\x1a\x45\xdf\xa3"):
            return _video(file, "matroska")
        if head.startswith((b"<svg", b"<?xml")):
            text = _read(file, os.fstat(file.fileno()).st_size, most=MAX_SVG).decode("utf-8", "replace")
            match = _XMP_RECIPE.search(text)
            return html.unescape(match[1]).encode() if match else None
        if head.lstrip().startswith(b"{"):
            return _read(file, os.fstat(file.fileno()).st_size)
    except (_Damaged, struct.error) as error:
        raise RecipeError(f"cannot read the recipe in {shown}: the file is damaged or cut short ({error})") from None
    return None


def _read(file: BinaryIO, length: int, *, most: int = 2 * MAX_BYTES) -> bytes:
    if length > most:
        raise _Damaged("a text in it is too long")
    data = file.read(length)
    if len(data) < length:
        raise _Damaged("it ends too early")
    return data


def _png(file: BinaryIO) -> bytes | None:
    """iTXt chunk with our keyword, uncompressed."""
    file.seek(8)
    for _ in range(_MAX_CHUNKS):
        head = file.read(8)
        if len(head) < 8:
            raise _Damaged("it ends too early")
        length, kind = struct.unpack(">I4s", head)
        if kind == b"IEND":
            return None
        if kind == b"iTXt" and length <= 2 * MAX_BYTES:
            body = _read(file, length)
            keyword, _, rest = body.partition(b"\0")
            if keyword == KEY.encode() and rest[:1] == b"\0":
                return rest[2:].split(b"\0", 2)[-1]
            file.seek(4, os.SEEK_CUR)
        else:
            file.seek(length + 4, os.SEEK_CUR)
    return None


def jpeg_segments(recipe: dict[str, Any]) -> bytes:
    """Comment segments that hold the recipe, as many as it needs."""
    data = marked(recipe)
    parts = [data[i : i + 65_000] for i in range(0, len(data), 65_000)]
    return b"".join(b"\xff\xfe" + struct.pack(">H", len(part) + 2) + part for part in parts)


def _jpeg(file: BinaryIO) -> bytes | None:
    file.seek(2)
    found: list[bytes] = []
    for _ in range(10_000):
        marker = file.read(2)
        if len(marker) < 2:
            raise _Damaged("it ends too early")
        if marker[0] != 0xFF:
            raise _Damaged("a segment has no marker")
        if marker[1] in (0xDA, 0xD9):
            break
        if marker[1] == 0x01 or 0xD0 <= marker[1] <= 0xD8:
            continue
        (length,) = struct.unpack(">H", _read(file, 2))
        body = _read(file, max(0, length - 2))
        if marker[1] == 0xFE and (found or body.startswith(_MARK)):
            found.append(body)
            if sum(map(len, found)) > 2 * MAX_BYTES:
                raise _Damaged("a text in it is too long")
    return b"".join(found)[len(_MARK) :] if found else None


def _gif(file: BinaryIO) -> bytes | None:
    """A comment extension; ours stands before the first frame, but any place will do."""
    head = _read(file, 13)
    if head[10] & 0x80:
        file.seek(3 << (head[10] & 7) + 1, os.SEEK_CUR)
    for _ in range(_MAX_CHUNKS):
        kind = file.read(1)
        if kind == b"!":
            label = _read(file, 1)
            text = b"".join(_sub_blocks(file, keep=label == b"\xfe"))
            if text.startswith(_MARK):
                return text[len(_MARK) :]
        elif kind == b",":
            flags = _read(file, 9)[8]
            file.seek((3 << (flags & 7) + 1 if flags & 0x80 else 0) + 1, os.SEEK_CUR)
            for _ in _sub_blocks(file, keep=False):
                pass
        elif kind == b";":
            return None
        else:
            raise _Damaged("a block has no kind" if kind else "it ends too early")
    return None


def _sub_blocks(file: BinaryIO, *, keep: bool) -> Iterator[bytes]:
    total = 0
    while True:
        length = _read(file, 1)[0]
        if not length:
            return
        if keep:
            total += length
            if total > 2 * MAX_BYTES:
                raise _Damaged("a text in it is too long")
            yield _read(file, length)
        else:
            file.seek(length, os.SEEK_CUR)


def _riff(file: BinaryIO) -> bytes | None:
    """WebP: XMP chunk. WAV: ICMT in the LIST INFO chunk."""
    size = os.fstat(file.fileno()).st_size
    position = 12
    for _ in range(_MAX_CHUNKS):
        if position + 8 > size:
            return None
        file.seek(position)
        kind, length = struct.unpack("<4sI", _read(file, 8))
        if position + 8 + length > size:
            raise _Damaged("it ends too early")
        if kind == b"XMP " and length <= 2 * MAX_BYTES:
            match = _XMP_RECIPE.search(_read(file, length).decode("utf-8", "replace"))
            if match:
                return html.unescape(match[1]).encode()
        if kind == b"LIST" and length <= 2 * MAX_BYTES:
            found = _info(_read(file, length))
            if found is not None:
                return found
        position += 8 + length + length % 2
    return None


def _info(body: bytes) -> bytes | None:
    position = 4 if body.startswith(b"INFO") else len(body)
    while position + 8 <= len(body):
        kind, length = struct.unpack_from("<4sI", body, position)
        value = body[position + 8 : position + 8 + length].rstrip(b"\0")
        if kind == b"ICMT" and value.startswith(_MARK):
            return value[len(_MARK) :]
        position += 8 + length + length % 2
    return None


def _midi(path: Path) -> bytes | None:
    from studio.midi_file import MidiFileError, read_midi

    try:
        song = read_midi(path)
    except MidiFileError as error:
        raise _Damaged(str(error).split(": ", 1)[-1]) from None
    for text in song.texts:
        if text.startswith(_MARK.decode()):
            return text[len(_MARK) :].encode()
    return None


def _video(file: BinaryIO, demuxer: str) -> bytes | None:
    """Container metadata. The demuxer is named and reads this one file object, so no link in it can be followed."""
    import av

    try:
        with av.open(file, "r", format=demuxer, metadata_errors="replace") as container:
            metadata = {key.lower(): value for key, value in container.metadata.items()}
    except (av.FFmpegError, OSError, ValueError, IndexError, UnicodeError) as error:
        raise _Damaged(" ".join(str(error).split())[:80] or type(error).__name__) from None
    value = metadata.get(KEY)
    return None if value is None else value.encode()
