"""Reading and writing files so that nothing is lost and every failure is a sentence. Standard library only.

``atomic_write`` writes beside the target, syncs and renames: whoever reads the target sees the old file or the new
one, whatever happens (an exception, a full disk, kill -9). ``FileError`` is what every file fault becomes.
"""

from __future__ import annotations

import codecs
import contextlib
import errno
import itertools
import os
import re
import shutil
import stat
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

MAX_TEXT_BYTES = 64 * 1024 * 1024
"""Largest text file (bytes) that ``read_text`` takes."""

STALE_SECONDS = 24 * 3600.0
"""Age after which a temporary file of a killed process is swept away by the next write to the same target."""

_NUMBER = itertools.count()
_DEVICE_NAMES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?\Z", re.IGNORECASE)
_DEAD_DEVICE = {  # by name: not every system knows all of them
    getattr(errno, name, -1) for name in ("EIO", "ESTALE", "ETIMEDOUT", "ENXIO", "ENODEV", "EHOSTDOWN", "ENOTCONN")
}
_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", -1)}


class FileError(ValueError):
    """A file that cannot be read or written; the message is a sentence that names the path, the reason and the cure."""


def is_device_name(name: str) -> bool:
    """Whether Windows takes ``name`` for a device (``CON``, ``aux.wav``), so that no file can have it."""
    return bool(_DEVICE_NAMES.match(name.strip(" .")))


def explain(error: OSError | ValueError, path: Path | str, *, writing: bool = False) -> FileError:
    """The sentence for an error of the operating system that concerns ``path``."""
    shown = short_path(path)
    start = f"cannot {'write' if writing else 'read'} {shown}"
    code = error.errno if isinstance(error, OSError) else None
    if code in _FULL:
        return FileError(f"{start}: the disk is full; free some space or choose another disk")
    if code == errno.EFBIG:
        return FileError(f"{start}: the file grew past what this disk or account allows; choose another disk")
    if code == errno.EROFS:
        return FileError(f"{start}: the disk is mounted read-only; choose another folder")
    if code in (errno.EACCES, errno.EPERM):
        cure = "choose another folder" if writing else "change its permissions or choose another file"
        return FileError(f"{start}: permission denied; {cure}")
    if code == errno.ENOENT:
        if writing and Path(path).parent.is_dir():
            return FileError(f"{start}: this folder takes no files; choose another folder")
        if not Path(path).parent.is_dir():
            return FileError(f"{start}: the folder {short_path(Path(path).parent)} does not exist; create it first")
        return FileError(f"{start}: there is no such file; check the name")
    if code == errno.ENOTDIR:
        return FileError(f"{start}: a part of its path is a file, not a folder; choose another path")
    if code == errno.EISDIR:
        return FileError(f"{start}: it is a folder; name a file")
    if code == errno.ENAMETOOLONG:
        return FileError(f"{start}: the name is too long for this disk; shorten it")
    if code == errno.ELOOP:
        return FileError(f"{start}: its links lead in a circle; name the file itself")
    if code in (errno.EMFILE, errno.ENFILE):
        return FileError(f"{start}: too many files are open; close some programs and try again")
    if code in _DEAD_DEVICE:
        return FileError(f"{start}: the disk or network share does not answer; connect it again or choose another")
    if isinstance(error, ValueError) and "null" in str(error):
        return FileError(f"{start}: the name contains a zero character; choose another name")
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return FileError(f"{start}: {reason}; choose another {'place' if writing else 'file'}")


def own_place(error: BaseException, folder: Path | None) -> str:
    """Where in the code of ``folder`` an error came from, innermost: ``rain.py, line 12``; '' where it touched none.

    What is installed inside the folder counts as somebody else's.
    """
    where = ""
    for frame in traceback.extract_tb(error.__traceback__) if folder is not None else ():
        file = Path(frame.filename)
        if file.is_relative_to(folder) and "site-packages" not in file.relative_to(folder).parts:  # type: ignore[arg-type]
            where = f"{file.name}, line {frame.lineno}"
    return where


def short_path(path: Path | str, limit: int = 160) -> str:
    """A path for a message: printable, and its middle left out when it is very long."""
    text = "".join(c if c.isprintable() else "\ufffd" for c in str(path))
    return text if len(text) <= limit else f"{text[: limit // 2]}…{text[-limit // 2 + 1 :]}"


def _temporary(target: Path) -> Path:
    """A name beside ``target`` with the same ending (writers choose their format by it), at most 255 bytes long."""
    suffix = target.suffix if len(target.suffix.encode("utf-8", "surrogateescape")) <= 32 else ""
    tail = f".{os.getpid()}-{next(_NUMBER)}.part{suffix}"
    room = 255 - len(tail.encode("utf-8", "surrogateescape")) - 1
    stem = target.stem.encode("utf-8", "surrogateescape")[:room].decode("utf-8", "ignore")
    return target.with_name(f".{stem}{tail}")


def _sweep(target: Path) -> None:
    """Remove temporaries that killed processes left for this target. A live one is written to, so it is never old."""
    limit = time.time() - STALE_SECONDS
    pattern = re.compile(re.escape(f".{target.stem}.") + r"\d+-\d+\.part" + re.escape(target.suffix) + r"\Z")
    with contextlib.suppress(OSError):
        for entry in os.scandir(target.parent):
            if pattern.match(entry.name) and entry.stat(follow_symlinks=False).st_mtime < limit:
                Path(entry.path).unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Force a file's bytes to the disk; an error of the disk shows here, before the old file is replaced."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):  # some network shares cannot; the rename itself has happened
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def atomic_write(path: Path | str, *, parents: bool = False) -> Iterator[Path]:
    """Give a temporary file (it exists, empty) beside ``path``; on success it takes the place of ``path`` in one step.

    On any exception, cancellation included, the temporary is removed and an old file stays as it was. ``parents``
    creates missing folders. Raises FileError for a missing or read-only folder (before the block runs, so that no
    work is lost), and for a full disk or the like while the block runs.
    """
    try:
        target = Path(os.path.realpath(path))  # a link keeps pointing at the file that is replaced
    except (OSError, ValueError) as error:
        raise explain(error, path, writing=True) from None
    if os.name == "nt" and is_device_name(target.name):
        raise FileError(f"cannot write {short_path(path)}: Windows keeps this name for a device; choose another name")
    temporary = _temporary(target)
    created = False
    try:
        if parents:
            target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, "is a folder", str(target))
        if target.exists() and not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, "the file is read-only", str(target))
        if len(target.name.encode("utf-8", "surrogateescape")) > 255:
            raise OSError(errno.ENAMETOOLONG, "name too long", str(target))
        _sweep(target)
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        created = True
        yield temporary
        if not temporary.is_file():
            raise FileError(f"cannot write {short_path(path)}: nothing was written; try again")
        sync(temporary)
        if target.exists():
            shutil.copymode(target, temporary)
        temporary.replace(target)
        _sync_folder(target.parent)
    except FileError:
        raise
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and (not created or _concerns(error, temporary)):
            raise explain(error, path, writing=True) from error
        if not created:
            raise explain(error, path, writing=True) from error
        raise
    finally:
        if created:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def _concerns(error: OSError, temporary: Path) -> bool:
    """Whether an error inside the block came from writing the temporary, not from some other file."""
    if error.errno is None or isinstance(error, (TimeoutError, ConnectionError, ChildProcessError)):
        return False
    if not error.filename:
        return error.errno in _FULL | _DEAD_DEVICE | {errno.EFBIG, errno.EROFS, errno.EACCES}
    name = error.filename
    if isinstance(name, bytes):
        name = os.fsdecode(name)
    return Path(str(name)).name == temporary.name


def write_bytes(path: Path | str, data: bytes, *, parents: bool = False) -> None:
    """Write ``data`` atomically. Raises FileError."""
    with atomic_write(path, parents=parents) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path | str, text: str, *, parents: bool = False) -> None:
    """Write ``text`` atomically as UTF-8 with ``\\n`` line ends. Raises FileError."""
    write_bytes(path, text.encode("utf-8", "replace"), parents=parents)


def is_file(path: Path | str) -> bool:
    """Whether there is an ordinary file. Unlike ``Path.is_file`` it is also False for a name that is too long."""
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False


def file_size(path: Path | str) -> int:
    """Bytes of an ordinary file. Raises FileError when there is none, or for a folder, a device or a pipe, which
    opening it would wait for."""
    try:
        about = Path(path).stat()
    except (OSError, ValueError) as error:
        raise explain(error, path) from None
    if stat.S_ISDIR(about.st_mode):
        raise explain(IsADirectoryError(errno.EISDIR, "is a folder"), path)
    if not stat.S_ISREG(about.st_mode):
        raise FileError(f"cannot read {short_path(path)}: it is a device or a pipe; name an ordinary file")
    return about.st_size


def read_bytes(path: Path | str, *, limit: int) -> bytes:
    """All bytes of a regular file of at most ``limit`` bytes; never waits for a pipe or device. Raises FileError."""
    size = file_size(path)
    try:
        with Path(path).open("rb") as file:
            data = file.read(limit + 1) if size <= limit else b""
    except (OSError, ValueError) as error:
        raise explain(error, path) from None
    if size > limit or len(data) > limit:
        raise FileError(
            f"cannot read {short_path(path)}: it has {size / 1e6:,.0f} MB, at most {limit / 1e6:,.0f} MB are read; "
            "use a smaller file"
        )
    return data


def read_text(path: Path | str, *, limit: int = MAX_TEXT_BYTES) -> tuple[str, str]:
    """A text file and a notice about what was changed on the way ('' when nothing was).

    UTF-8 first, UTF-16 and UTF-32 by their mark (UTF-16 also without), else Latin-1 (Windows-1252), with a notice.
    Line ends become ``\\n``; zero characters are dropped; a few broken bytes in UTF-8 become U+FFFD. Raises FileError
    for a missing, oversized (``limit`` bytes) or binary file.
    """
    data = read_bytes(path, limit=limit)
    text, notes = _decode(data)
    zeros = text.count("\0")
    if zeros:
        text = text.replace("\0", "")
        notes.append(f"{zeros:,} zero characters were left out")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    sample = text[:65536]
    odd = sum(1 for c in sample if (ord(c) < 32 and c not in "\n\t\f\v\x1a\x1b") or 0x7F <= ord(c) < 0xA0)
    if odd > 0.05 * max(1, len(sample)) or zeros > 0.3 * max(1, len(text)):
        raise FileError(f"cannot read {short_path(path)}: it is not a text file; choose a plain text file")
    notice = f"{short_path(Path(path).name)}: {'; '.join(notes)}" if notes else ""
    return text, notice


def _decode(data: bytes) -> tuple[str, list[str]]:
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
        (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if data.startswith(mark):
            return _replacing(data[len(mark) :], encoding)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        guess = _utf16_without_mark(data)
        return _replacing(data, guess) if guess else (text, [])
    guess = _utf16_without_mark(data)
    if guess:
        return _replacing(data, guess)
    text, notes = _replacing(data, "utf-8")
    beyond = sum(1 for c in text[:1_000_000] if ord(c) > 127 and c != "\ufffd")
    if beyond > 4 * text[:1_000_000].count("\ufffd"):  # mostly good UTF-8 with some damage
        return text, notes
    try:
        return data.decode("cp1252"), ["it is not UTF-8 and was read as Latin-1 (Windows-1252)"]
    except UnicodeDecodeError:
        return data.decode("latin-1"), ["it is not UTF-8 and was read as Latin-1"]


def _replacing(data: bytes, encoding: str) -> tuple[str, list[str]]:
    before = data.count("\ufffd".encode(encoding))
    text = data.decode(encoding, "replace")
    broken = text.count("\ufffd") - before
    notes = [] if encoding == "utf-8" else [f"read as {encoding[:6].upper()}"]
    return text, notes + ([f"{broken:,} broken characters were replaced"] if broken > 0 else [])


def _utf16_without_mark(data: bytes) -> str:
    """'utf-16-le' or '-be' when nearly every second byte of the beginning is zero (Latin script in UTF-16), else ''."""
    head = data[:4096]
    if len(head) < 8:
        return ""
    even, odd = head[0::2].count(0) / len(head[0::2]), head[1::2].count(0) / len(head[1::2])
    if odd > 0.7 and even < 0.1:
        return "utf-16-le"
    return "utf-16-be" if even > 0.7 and odd < 0.1 else ""
