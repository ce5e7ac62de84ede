"""Fetching one file over HTTP, only when somebody asked for it: resumed after a break, checked against its sha256.

What arrives is kept in ``NAME.part`` until it is whole and right; a later try goes on from there. Nothing that a server
sends is believed: not its length, not its type, not that it is the file that was asked for.
"""

from __future__ import annotations

import hashlib
import http.client
import shutil
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from studio import __version__
from studio.files import FileError, explain, short_path, sync

MAX_BYTES = 4 * 1024**3
"""Most bytes of any file."""
STALL = 10.0
"""Seconds without a byte after which a server counts as stalled."""
TRIES = 4
"""Connections in a row that may bring next to nothing (less than ``MIN_RATE`` in the time of a stall)."""
MIN_RATE = 512.0
"""Bytes a second below which, over ``STALL`` seconds, a server counts as stalled too."""
BLOCK = 1 << 16

Tell = Callable[[float, str], None]
"""Called with the share that is here (0..1) and a line; may raise Cancelled."""


class FetchError(RuntimeError):
    """A file could not be fetched; the message says why and what to do."""


class _Broken(Exception):  # noqa: N818 - not a fault of ours
    """The connection broke; another may go on."""


def fetch(
    url: str, target: Path, *, sha256: str, size: int = 0, max_bytes: int = MAX_BYTES, stall: float = STALL,
    tell: Tell = lambda share, line: None,
) -> Path:
    """Fetch ``url`` to ``target``; ``sha256`` is its hash or at least the first eight digits of it.

    ``size`` is what the catalogue says (bytes, 0: unknown); beyond ``max_bytes`` it is refused. Raises FetchError,
    FileError (the disk), or what ``tell`` raises; what arrived until then waits in ``<target>.part``.
    """
    _check_address(url)
    part = target.with_name(target.name + ".part")
    host = urlsplit(url).hostname or url
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise explain(error, target, writing=True) from None
    idle, why = 0, ""
    while True:
        before = _here(part)
        try:
            if _connect(url, part, size, max_bytes, stall, tell):
                break
        except _Broken as broken:
            why = str(broken)
            idle = idle + 1 if _here(part) - before < MIN_RATE * stall else 0
            if idle >= TRIES:
                raise FetchError(_gave_up(host, why, part, size)) from None
            tell(_share(_here(part), size), f"{why}; trying again")
            time.sleep(0.05 * 2**idle)
    tell(1.0, "checking")
    _check_hash(part, sha256, host)
    try:
        sync(part)
        part.replace(target)
    except OSError as error:
        raise explain(error, target, writing=True) from None
    return target


def _check_address(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")):
        return
    raise FetchError(f"{url[:120]} is refused: only https addresses are fetched from")


class _Redirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        try:
            _check_address(newurl)
        except FetchError:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _here(part: Path) -> int:
    try:
        return part.stat().st_size
    except OSError:
        return 0


def _share(done: int, whole: int) -> float:
    return min(0.999, done / whole) if whole else 0.0


def _gave_up(host: str, why: str, part: Path, size: int) -> str:
    done = _here(part)
    if not done:
        return f"{host} cannot be reached: {why}; check the network and try again"
    whole = f" of {size / 1e6:,.1f}" if size else ""
    return f"{host}: {why} after {done / 1e6:,.1f}{whole} MB; try again later, it goes on from there"


def _connect(url: str, part: Path, size: int, max_bytes: int, stall: float, tell: Tell) -> bool:
    """One connection; True when the file is whole. Raises _Broken when it is worth another."""
    start = _here(part)
    if size and start == size:
        return True  # whole already: only the check was missing
    headers = {"User-Agent": f"Reverie/{__version__}", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    host = urlsplit(url).hostname
    opener = urllib.request.build_opener(_Redirects())
    try:
        with opener.open(urllib.request.Request(url, headers=headers), timeout=stall) as answer:  # noqa: S310 - checked
            return _receive(answer, part, start, host or "", size, max_bytes, stall, tell)
    except urllib.error.HTTPError as error:
        code = error.code
        error.close()
        if code == 416:  # what is here is longer than the file: begin anew
            part.unlink(missing_ok=True)
            raise _Broken("the server has another file than before") from None
        if 300 <= code < 400:
            raise FetchError(f"{host} sends from one address to the next without end; try again later") from None
        if code in (408, 425, 429) or code >= 500:
            raise _Broken(f"the server is busy (HTTP {code})") from None
        cure = "it may have been moved; see whether a newer version of the studio knows its place"
        raise FetchError(f"{host} does not give the file (HTTP {code}); {cure}") from None
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            what = "its certificate is not valid"
            raise FetchError(f"{host} is refused: {what}; check the clock of this computer and the network") from None
        if isinstance(error.reason, TimeoutError):
            raise _Broken(f"nothing came for {stall:.0f} s") from None
        raise _Broken(_network(error.reason)) from None
    except TimeoutError:
        raise _Broken(f"nothing came for {stall:.0f} s") from None
    except (http.client.HTTPException, ConnectionError, ssl.SSLError) as error:
        raise _Broken(_network(error)) from None


def _network(error: Any) -> str:
    if isinstance(error, socket.gaierror):
        return "its name is not known, so there may be no network"
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused"
    return "the connection broke"


def _receive(
    answer: Any, part: Path, start: int, host: str, size: int, max_bytes: int, stall: float, tell: Tell
) -> bool:
    kind = str(answer.headers.get("Content-Type", "")).lower()
    said_length = str(answer.headers.get("Content-Length", ""))
    length = int(said_length) if said_length.isdigit() else 0
    if answer.status == 206:
        said = str(answer.headers.get("Content-Range", ""))
        if not said.startswith(f"bytes {start}-"):
            part.unlink(missing_ok=True)
            raise _Broken("the server answered for another part of the file")
    elif start:
        start = 0  # it does not know ranges: the whole file comes again
    whole = start + length if length else size
    most = min(max_bytes, int(size * 1.02) + 65_536) if size else max_bytes
    if whole > most:
        raise FetchError(f"{host} would send {whole / 1e6:,.0f} MB where {most / 1e6:,.0f} MB are expected; refused")
    free = shutil.disk_usage(part.parent).free
    if whole and free < (whole - start) * 1.05:
        room = f"it needs {whole / 1e6:,.0f} MB and {free / 1e6:,.0f} MB are free; free some space"
        raise FileError(f"cannot write {short_path(part)}: {room}")
    try:
        done = _write(answer, part, start, whole, kind, host, most, stall, tell)
    except (TimeoutError, ConnectionError, ssl.SSLError):
        raise
    except OSError as error:
        raise explain(error, part, writing=True) from None
    # without a length only the catalogue can tell whether it broke off
    if done - start < length or (not length and done < 0.98 * size):
        raise _Broken("the connection ended early")
    return True


def _write(
    answer: Any, part: Path, start: int, whole: int, kind: str, host: str, most: int, stall: float, tell: Tell
) -> int:
    """Append what comes to ``part``; returns how long it is then."""
    done, began = start, time.monotonic()
    watched, watched_at = done, began
    with part.open("ab" if start else "wb") as file:
        while block := answer.read1(BLOCK):
            if done == 0 and ("text/html" in kind or block.lstrip()[:5].lower() in (b"<!doc", b"<html")):
                cure = "the network may want you to sign in first, or the file has moved"
                raise FetchError(f"{host} sent a web page instead of the file; {cure}")
            done += len(block)
            if done > most:
                raise FetchError(f"{host} sends more than the {most / 1e6:,.0f} MB that are expected; refused")
            file.write(block)
            now = time.monotonic()
            if now - watched_at >= stall:
                if (done - watched) / (now - watched_at) < MIN_RATE:
                    raise TimeoutError
                watched, watched_at = done, now
            rate = (done - start) / max(0.05, now - began)
            tell(_share(done, whole), f"{done / 1e6:,.1f} of {whole / 1e6:,.1f} MB, {rate / 1e6:,.1f} MB/s")
    return done


def _check_hash(part: Path, wanted: str, host: str) -> None:
    with part.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if not found.startswith(wanted.lower()) or len(wanted) < 8:
        part.unlink(missing_ok=True)
        raise FetchError(
            f"what {host} sent is not the file that was asked for (sha256 {found[:12]}…, not {wanted[:12]}…) and was "
            "deleted; try again later, or import the file from elsewhere"
        )
