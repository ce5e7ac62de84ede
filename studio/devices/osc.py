"""OSC over UDP: one thread that reads what comes in, a socket that sends. Loopback unless the user opens it."""

from __future__ import annotations

import contextlib
import errno
import socket
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import Any

from studio.control.osc import MAX_PACKET, Message, OscProblem, parse_packet
from studio.engine.threads import spawn

PORT = 9123
"""Where the studio listens unless told otherwise."""
MOST_PER_SECOND = 8000
"""Messages parsed in a second. Of more, only the newest to each address is kept: the last value is never lost."""
MOST_WAITING = 2048
PROBLEMS = 100
_LOOPBACK = "127.0.0.1"


class OscError(RuntimeError):
    """A port cannot be had; ``cure`` says what helps and ``free`` is a port that can be had, or 0."""

    def __init__(self, message: str, cure: str = "", free: int = 0) -> None:
        super().__init__(message)
        self.cure, self.free = cure, free


def _bound(host: str, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        made.bind((host, port))
    except BaseException:
        made.close()
        raise
    return made


def next_free(port: int, host: str = _LOOPBACK) -> int:
    """The next port after ``port`` that nobody listens at; 0 when none of the next hundred is free."""
    for candidate in range(port + 1, min(65536, port + 101)):
        with contextlib.suppress(OSError):
            _bound(host, candidate).close()
            return candidate
    return 0


class OscServer:
    """Listens at one port. ``heard(messages)`` is called on its thread, once per packet (a bundle stays together).

    ``open_to_network`` lets other machines in; else only this one is heard. Raises OscError when the port is taken.
    """

    def __init__(
        self, heard: Callable[[list[Message]], None], *, port: int = PORT, open_to_network: bool = False,
        problem: Callable[[str], None] | None = None, now: Callable[[], float] = time.monotonic,
    ) -> None:
        host = "0.0.0.0" if open_to_network else _LOOPBACK  # noqa: S104 - only when the user opens it
        self.problems: deque[str] = deque(maxlen=PROBLEMS)
        self.received = self.limited = self.refused = 0
        self._heard, self._told, self._now = heard, problem or (lambda text: None), now
        self._tokens, self._filled = float(MOST_PER_SECOND) / 10.0, now()
        self._waiting: OrderedDict[bytes, bytes] = OrderedDict()
        self._stop = threading.Event()
        if not 0 <= port <= 65535:
            raise OscError(f"there is no port {port}", "choose one in 1024..65535")
        try:
            self._socket = _bound(host, port)
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, getattr(errno, "WSAEADDRINUSE", -1)):
                free = next_free(port, host)
                cure = f"use {free}, which is free" if free else "close the other program"
                raise OscError(f"the OSC port {port} is used by another program", cure, free) from None
            if error.errno == errno.EACCES:
                raise OscError(f"the OSC port {port} is kept for the system", "choose one above 1023",
                               next_free(1024, host)) from None
            raise OscError(f"the OSC port {port} cannot be opened ({error.strerror or error})", "choose another",
                           next_free(port, host)) from None
        self.port: int = self._socket.getsockname()[1]
        self.open_to_network = open_to_network
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._socket.settimeout(0.2)
        self._thread = spawn(f"reverie osc {self.port}", self._work, self.close)

    def close(self) -> None:
        """End; returns at once."""
        self._stop.set()
        with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", (_LOOPBACK, self.port))

    def join(self, seconds: float) -> None:
        """Wait for the end; the port is free then."""
        self._thread.join(seconds)

    def _work(self) -> None:
        try:
            while not self._stop.is_set():
                try:
                    data = self._socket.recv(65535)
                except TimeoutError:
                    data = b""
                except OSError:  # an answer of the system to something that was sent: nothing is lost
                    continue
                self._refill()
                if data:
                    self._take(data)
                self._release()
        finally:
            self._socket.close()

    def _refill(self) -> None:
        now = self._now()
        self._tokens = min(MOST_PER_SECOND / 10.0, self._tokens + max(0.0, now - self._filled) * MOST_PER_SECOND)
        self._filled = now

    def _take(self, data: bytes) -> None:
        self.received += 1
        if len(data) > MAX_PACKET:
            self._refuse(f"a packet of {len(data)} bytes; at most {MAX_PACKET} are read")
        elif self._tokens >= 1.0 and not self._waiting:
            self._tokens -= 1.0
            self._parse(data)
        else:
            self.limited += 1
            address = data[: data.find(b"\0")] if b"\0" in data[:512] else data[:512]
            self._waiting.pop(address, None)
            self._waiting[address] = data  # the newest of an address
            if len(self._waiting) > MOST_WAITING:
                self._waiting.popitem(last=False)

    def _release(self) -> None:
        while self._waiting and self._tokens >= 1.0:
            self._tokens -= 1.0
            self._parse(self._waiting.popitem(last=False)[1])
        # while packets wait, the socket is looked into only for as long as it takes to be allowed the next one
        patience = 0.01 if self._waiting else 0.2
        if self._socket.gettimeout() != patience:
            self._socket.settimeout(patience)

    def _parse(self, data: bytes) -> None:
        try:
            messages = parse_packet(data)
        except OscProblem as error:
            self._refuse(str(error))
            return
        self._tokens -= max(0, len(messages) - 1)  # each message of a bundle counts
        try:
            self._heard(messages)
        except Exception as error:  # whoever hears must not end the thread that reads
            self._refuse(f"a message was not understood ({type(error).__name__}: {error})")

    def forget_problems(self) -> None:
        """Problems that come again are told again."""
        self.problems.clear()

    def _refuse(self, text: str) -> None:
        self.refused += 1
        if text not in self.problems:
            self.problems.append(text)
            self._told(text)


class OscSender:
    """Sends to one address of this or another machine. Nothing is raised while sending: nobody may listen there."""

    def __init__(self, host: str, port: int) -> None:
        """Raises OscError for a host that is not known."""
        if not 1 <= port <= 65535:
            raise OscError(f"there is no port {port}", "choose one in 1..65535")
        try:
            self.place = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_DGRAM)[0][4]
        except OSError:
            raise OscError(f"there is no host {host[:60]!r}", "give an address such as 192.168.1.20") from None
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self.sent = 0

    def send(self, address: str, arguments: Sequence[Any]) -> None:
        """One message; numbers, text, True and False."""
        from pythonosc.osc_message_builder import OscMessageBuilder

        builder = OscMessageBuilder(address)
        for item in arguments:
            if isinstance(item, int) and not isinstance(item, bool) and not -(2**31) <= item < 2**31:
                item = float(item)
            builder.add_arg(item)
        with contextlib.suppress(OSError):
            self._socket.sendto(builder.build().dgram, self.place)
            self.sent += 1

    def close(self) -> None:
        """Let the socket go."""
        self._socket.close()
