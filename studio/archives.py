"""Unpacking archives of presets and plugins: everything is checked first, and it is all written or nothing.

``zipfile.extractall`` is not used: it turns ``../x`` into ``x``, writes ``CON`` and knows no limit. Stdlib only.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import struct
import unicodedata
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from studio.files import FileError, explain, file_size, is_device_name, short_path, sync

MAX_ARCHIVE = 256 * 1024 * 1024
MAX_FILES = 2_000
MAX_BYTES = 512 * 1024 * 1024
MAX_RATIO = 200.0
"""Most bytes that one compressed byte may become; JSON and text stay below 30, 1000 is a bomb."""

_BAD = set('<>:"|?*\\') | {chr(code) for code in range(32)} | {"\x7f"}


def check_name(name: str) -> PurePosixPath:
    """A name inside an archive as a safe relative path. Raises FileError saying what is wrong with it."""
    shown = repr(name[:80])
    if not name or name.startswith(("/", "\\")) or (len(name) > 1 and name[1] == ":"):
        raise FileError(f"the entry {shown} has an absolute path")
    if _BAD & set(name):
        raise FileError(f"the entry {shown} has characters that not every system can store")
    parts = name.rstrip("/").split("/")
    for part in parts:
        if part == "..":
            raise FileError(f"the entry {shown} leads out of the folder")
        if part in ("", ".") or part != part.rstrip(" ."):
            raise FileError(f"the entry {shown} has a name that not every system can store")
        if is_device_name(part):
            raise FileError(f"the entry {shown} has a name that Windows keeps for a device")
        if len(part.encode("utf-8", "surrogatepass")) > 200:
            raise FileError(f"the entry {shown} has too long a name")
    if len(parts) > 12 or len(name) > 400:
        raise FileError(f"the entry {shown} is nested too deep")
    return PurePosixPath(*parts)


def _check_directory(path: Path) -> None:
    """Refuse an archive whose table of contents alone would fill the memory, before zipfile reads it."""
    size = file_size(path)
    if size > MAX_ARCHIVE:
        raise FileError(f"it has {size / 1e6:,.0f} MB, at most {MAX_ARCHIVE / 1e6:,.0f} MB are taken")
    with path.open("rb") as file:
        file.seek(max(0, size - 65_557))
        tail = file.read()
    place = tail.rfind(b"PK\x05\x06")
    if place < 0 or len(tail) - place < 22:
        raise FileError("it is not a zip archive")
    count, length = struct.unpack_from("<HL", tail, place + 10)
    if count > MAX_FILES or length > MAX_FILES * 1024:
        raise FileError(f"it holds more than {MAX_FILES} files")


def check_zip(archive: zipfile.ZipFile) -> list[tuple[zipfile.ZipInfo, PurePosixPath]]:
    """Every file entry with its safe path. Raises FileError at the first entry that is not harmless."""
    entries: list[tuple[zipfile.ZipInfo, PurePosixPath]] = []
    files: set[str] = set()
    folders: set[str] = set()
    spelled: dict[str, str] = {}
    total = packed = 0
    if len(archive.infolist()) > MAX_FILES:
        raise FileError(f"it holds more than {MAX_FILES} files")
    for info in archive.infolist():
        path = check_name(info.filename)
        mode = info.external_attr >> 16
        if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise FileError(f"the entry {info.filename[:80]!r} is a link or a device")
        if info.flag_bits & 0x1:
            raise FileError(f"the entry {info.filename[:80]!r} is encrypted")
        for depth in range(1, len(path.parts) + 1):
            exact = "/".join(path.parts[:depth])
            folded = unicodedata.normalize("NFC", exact).casefold()
            if spelled.setdefault(folded, exact) != exact:
                raise FileError(f"{spelled[folded]!r} and {exact!r} differ only in case")
            if depth < len(path.parts) or info.is_dir():
                folders.add(folded)
        if info.is_dir():
            continue
        if folded in files:
            raise FileError(f"the entry {info.filename[:80]!r} stands there twice")
        files.add(folded)
        total, packed = total + info.file_size, packed + info.compress_size
        if info.file_size > MAX_RATIO * max(1024, info.compress_size) or total > MAX_BYTES:
            raise FileError(f"it would unpack to {total / 1e6:,.0f} MB from {packed / 1e6:,.2f} MB")
        entries.append((info, path))
    both = files & folders
    if both:
        raise FileError(f"{sorted(both)[0]!r} is both a file and a folder")
    if not entries:
        raise FileError("it holds no files")
    return entries


def extract_zip(source: Path, target: Path) -> list[Path]:
    """Unpack ``source`` as the new folder ``target``; returns the files written, relative to it.

    Refused as a whole, with nothing written: ``..``, absolute paths, links, devices, names that other systems cannot
    store, names that differ only in case, entries twice, encryption, too many files or bytes, and entries that inflate
    beyond MAX_RATIO or beyond the size they state. Raises FileError; also when ``target`` is already there.
    """
    refused = f"the archive {short_path(source)} is refused"
    if target.exists() or target.is_symlink():
        place = f"cannot unpack into {short_path(target)}"
        raise FileError(f"{place}: it is already there; remove it or choose another name")
    staging = target.with_name(f".{target.name[:100]}.{os.getpid()}.part")
    try:
        _check_directory(source)
        with zipfile.ZipFile(source) as archive:
            entries = check_zip(archive)
            try:
                staging.mkdir(parents=True)
                for info, path in entries:
                    _write(archive, info, staging / path)
                staging.rename(target)
            except OSError as error:
                raise explain(error, target, writing=True) from error
    except FileError as error:
        raise error if str(error).startswith("cannot ") else FileError(f"{refused}: {error}") from error
    except OSError as error:
        raise explain(error, source) from error
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError, struct.error) as error:
        raise FileError(f"{refused}: it is damaged ({error})") from error
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(staging)
    return [Path(path) for _, path in entries]


def _write(archive: zipfile.ZipFile, info: zipfile.ZipInfo, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    left = info.file_size
    with archive.open(info) as packed, place.open("xb") as file:
        while block := packed.read(1 << 16):
            left -= len(block)
            if left < 0:
                raise FileError(f"the entry {info.filename[:80]!r} is longer than it says")
            file.write(block)
    sync(place)
