"""The programme in a browser: a small HTTP server for a phone or a second machine, with a token.

It costs nothing until a browser looks: pictures are composed and encoded while somebody is there, once for all who
look. Whoever is slow misses pictures and holds nobody up. Without the token nothing is answered but a refusal.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from studio.devices.preview_page import PAGE
from studio.engine.threads import BESIDE, spawn
from studio.media import Frame

log = logging.getLogger("reverie.preview")

PORT = 9180
FPS = 12.0
"""Most pictures in a second."""
SIZE = (640, 360)
"""Pixels (width, height) of the picture."""
QUALITY = 72
MOST_VIEWERS, MOST_CONNECTIONS = 4, 24
"""Streams at one time, and connections of any kind."""
PATIENCE = 5.0
"""Seconds after which a silent or stuck connection is closed."""
PORTS_TRIED = 20

Picture = Callable[[], Frame]
Facts = Callable[[], dict[str, Any]]


class PreviewError(RuntimeError):
    """The preview cannot be started; the message says why and what helps."""


class _Encoder:
    """The newest picture as JPEG, made while somebody waits for it."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._condition = threading.Condition()
        self._stop = self._working = False
        self._viewers = 0
        self._number, self._data = 0, b""
        self._made_of: Frame | None = None
        self.encoded = 0

    def enter(self) -> bool:
        """One more viewer; False when there are too many."""
        with self._condition:
            if self._stop or self._viewers >= MOST_VIEWERS:
                return False
            self._viewers += 1
            if not self._working:
                self._working = True
                spawn("reverie preview", self._work, self.stop, nice=BESIDE)
            return True

    def leave(self) -> None:
        """A viewer went away."""
        with self._condition:
            self._viewers -= 1
            self._condition.notify_all()

    def stop(self) -> None:
        """No more pictures; who waits is told."""
        with self._condition:
            self._stop = True
            self._condition.notify_all()

    @property
    def viewers(self) -> int:
        """How many look."""
        return self._viewers

    def after(self, number: int, timeout: float) -> tuple[int, bytes]:
        """The newest picture once it is another than ``number``; after the timeout the same once more."""
        with self._condition:
            self._condition.wait_for(lambda: self._stop or (self._number != number and self._data), timeout)
            return (self._number, b"") if self._stop else (self._number, self._data)

    def _work(self) -> None:
        while True:
            began = time.monotonic()
            with self._condition:
                if self._stop or not self._viewers:
                    self._working, self._data, self._made_of = False, b"", None
                    return
            try:
                self._encode()
            except Exception:
                log.exception("the preview could not be encoded")
            with self._condition:
                self._condition.wait_for(lambda: self._stop or not self._viewers,
                                         max(0.01, 1.0 / FPS - (time.monotonic() - began)))

    def _encode(self) -> None:
        frame = self._picture()
        if frame is self._made_of:
            return  # nothing new: the browser keeps what it has
        import cv2

        done, data = cv2.imencode(".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        if done:
            with self._condition:
                self._made_of, self._data = frame, data.tobytes()
                self._number += 1
                self.encoded += 1
                self._condition.notify_all()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = os.name == "posix"  # on Windows it would let a second program take the port
    block_on_close = False

    def __init__(self, address: tuple[str, int], token: str, encoder: _Encoder, facts: Facts) -> None:
        self.token, self.encoder, self.facts = token.encode("ascii"), encoder, facts
        self._room = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        with self._lock:
            self._sockets.add(request)
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                self._sockets.discard(request)
            self._room.release()

    def hang_up(self) -> None:
        """End every connection."""
        with self._lock:
            for one in self._sockets:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.debug("a browser went away", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = PATIENCE
    server_version, sys_version = "Reverie", ""

    def log_message(self, format: str, *args: Any) -> None:
        pass  # the address holds the token

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        try:
            given = parse_qs(parts.query, max_num_fields=8).get("t", [""])[0]
        except ValueError:
            given = ""
        if not hmac.compare_digest(given.encode("utf-8", "replace"), self.server.token):
            self._answer(403, "text/plain; charset=utf-8", b"The address lacks its token: copy it from the studio.\n")
            return
        routes = {"/": self._page, "/status": self._status, "/frame.jpg": self._frame, "/stream": self._stream}
        route = routes.get(parts.path)
        if route is None:
            self._answer(404, "text/plain; charset=utf-8", b"There is no such page.\n")
        else:
            route()

    def _head(self, code: int, kind: str, length: int | None = None) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in (
            ("Cache-Control", "no-store"), ("Referrer-Policy", "no-referrer"), ("X-Content-Type-Options", "nosniff"),
            ("Content-Security-Policy", "default-src 'none'; img-src 'self' data:; connect-src 'self'; "
             "style-src 'unsafe-inline'; script-src 'unsafe-inline'; frame-ancestors 'none'"),
            ("Connection", "close"),
        ):
            self.send_header(name, value)
        self.end_headers()

    def _answer(self, code: int, kind: str, body: bytes) -> None:
        self._head(code, kind, len(body))
        self.wfile.write(body)

    def _page(self) -> None:
        self._answer(200, "text/html; charset=utf-8", PAGE.encode("utf-8"))

    def _status(self) -> None:
        self._answer(200, "application/json", json.dumps(self.server.facts()).encode("utf-8"))

    def _frame(self) -> None:
        encoder = self.server.encoder
        if not encoder.enter():
            self._full()
            return
        try:
            _, data = encoder.after(-1, PATIENCE)
        finally:
            encoder.leave()
        if data:
            self._answer(200, "image/jpeg", data)
        else:
            self._answer(503, "text/plain; charset=utf-8", b"There is no picture yet.\n")

    def _full(self) -> None:
        self._answer(503, "text/plain; charset=utf-8", b"Too many look already; close another browser.\n")

    def _stream(self) -> None:
        encoder = self.server.encoder
        if not encoder.enter():
            self._full()
            return
        try:
            self._head(200, "multipart/x-mixed-replace; boundary=reverie")
            number = -1
            while True:
                number, data = encoder.after(number, 1.0)
                if not data:
                    return
                # the socket's timeout ends a browser that takes nothing; it holds up nobody but itself
                head = f"--reverie\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
                self.wfile.write(head.encode("ascii") + data + b"\r\n")
        finally:
            encoder.leave()


class Preview:
    """The server. ``picture`` gives the programme, uint8 ``(height, width, 3)``, and the same object while nothing
    changes; ``facts`` what the page says below it. Both are called on threads of the server."""

    def __init__(self, picture: Picture, facts: Facts = dict) -> None:
        self._picture, self._facts = picture, facts
        self._server: _Server | None = None
        self._encoder: _Encoder | None = None
        self.token = ""
        self.open = False

    @property
    def running(self) -> bool:
        """Whether it answers."""
        return self._server is not None

    @property
    def viewers(self) -> int:
        """How many browsers look."""
        return self._encoder.viewers if self._encoder is not None else 0

    @property
    def port(self) -> int:
        """The port it listens at, 0 when it is off."""
        return int(self._server.server_address[1]) if self._server is not None else 0

    @property
    def address(self) -> str:
        """What to type into a browser, with the token; '' when it is off."""
        if self._server is None:
            return ""
        host = lan_address() if self.open else "127.0.0.1"
        return f"http://{host}:{self.port}/?t={self.token}"

    def start(self, port: int = PORT, *, open_to_all: bool = False) -> None:
        """Listen on this computer only, or with ``open_to_all`` on the network too; 0 takes any free port.

        A new token is made each time. Raises PreviewError where the port is in use, with one that is free.
        """
        self.stop()
        host = "" if open_to_all else "127.0.0.1"
        encoder = _Encoder(self._picture)
        token = secrets.token_urlsafe(16)
        try:
            server = _Server((host, port), token, encoder, self._facts)
        except (OSError, OverflowError) as error:
            free = next((other for other in range(port + 1, port + PORTS_TRIED) if _is_free(host, other)), 0)
            reason = (getattr(error, "strerror", None) or str(error)).lower()
            cure = f"; {free} is free" if free else "; choose another"
            raise PreviewError(f"port {port} cannot be used ({reason}){cure}") from None
        self._server, self._encoder, self.token, self.open = server, encoder, token, open_to_all
        spawn("reverie preview server", lambda: server.serve_forever(0.05), self.stop)

    def stop(self) -> None:
        """Stop listening and close what is open; returns soon. May be called twice."""
        server, self._server = self._server, None
        encoder, self._encoder = self._encoder, None
        if encoder is not None:
            encoder.stop()
        if server is not None:
            server.shutdown()
            server.server_close()
            server.hang_up()


def _is_free(host: str, port: int) -> bool:
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        try:
            if os.name == "posix":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
        except (OSError, OverflowError):
            return False
        return True


def lan_address() -> str:
    """This computer's address in its network, as other machines reach it; nothing is sent to find out."""
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # reserved for documentation: no packet leaves
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"
