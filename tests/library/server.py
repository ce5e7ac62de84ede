"""A server on the loopback interface that misbehaves on demand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Each request is answered by the next of ``answers``; the last one repeats."""

    answers: list[Answer]
    seen: list[dict[str, str]]
    stop: threading.Event

    def do_GET(self) -> None:
        self.seen.append({key.lower(): value for key, value in self.headers.items()})
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        answer(self)

    def log_message(self, *_: object) -> None:
        pass

    def head(self, code: int, **headers: object) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()


def whole(data: bytes) -> Answer:
    """Everything, or the part that was asked for."""
    def answer(handler: Handler) -> None:
        asked = handler.headers.get("Range", "")
        if asked:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            if start >= len(data):
                handler.head(416, Content_Length=0)
                return
            size = f"bytes {start}-{len(data) - 1}/{len(data)}"
            handler.head(206, Content_Length=len(data) - start, Content_Range=size)
            handler.wfile.write(data[start:])
        else:
            handler.head(200, Content_Length=len(data))
            handler.wfile.write(data)
    return answer


def broken(data: bytes, after: int) -> Answer:
    """Promises everything and hangs up after some bytes."""
    def answer(handler: Handler) -> None:
        handler.head(200, Content_Length=len(data))
        handler.wfile.write(data[:after])
        handler.close_connection = True
    return answer


def stalled(data: bytes, after: int) -> Answer:
    """Sends a little and then nothing, holding the line."""
    def answer(handler: Handler) -> None:
        asked = handler.headers.get("Range", "")
        if asked:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            size = f"bytes {start}-{len(data) - 1}/{len(data)}"
            handler.head(206, Content_Length=len(data) - start, Content_Range=size)
        else:
            handler.head(200, Content_Length=len(data))
            handler.wfile.write(data[:after])
            handler.wfile.flush()
        handler.stop.wait(30)
    return answer


def dripping(data: bytes) -> Answer:
    """Sends a few bytes at a time, for ever, and knows ranges."""
    def answer(handler: Handler) -> None:
        asked = handler.headers.get("Range", "")
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        size = f"bytes {start}-{len(data) - 1}/{len(data)}"
        handler.head(206 if asked else 200, Content_Length=len(data) - start, Content_Range=size)
        try:
            for place in range(start, len(data), 3):
                handler.wfile.write(data[place : place + 3])
                if handler.stop.wait(0.02):
                    return
        except OSError:
            pass
    return answer


def unmeasured(data: bytes, after: int | None = None) -> Answer:
    """Says no length, and ends the connection behind the last byte, or before it."""
    def answer(handler: Handler) -> None:
        asked = handler.headers.get("Range", "")
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        if start:
            handler.head(206, Content_Range=f"bytes {start}-{len(data) - 1}/{len(data)}")
        else:
            handler.head(200)
        handler.wfile.write(data[start:after])
        handler.close_connection = True
    return answer


def short(data: bytes, claimed: int) -> Answer:
    """Claims another length than it has."""
    def answer(handler: Handler) -> None:
        handler.head(200, Content_Length=claimed)
        handler.wfile.write(data)
        handler.close_connection = True
    return answer


def circle(handler: Handler) -> None:
    """Leads to itself."""
    handler.head(302, Location=handler.path, Content_Length=0)


def page(text: str, code: int = 200, kind: str = "text/html") -> Answer:
    """A web page, or an error."""
    def answer(handler: Handler) -> None:
        handler.head(code, Content_Length=len(text), Content_Type=kind)
        handler.wfile.write(text.encode())
    return answer


def redirect(to: str) -> Answer:
    """Leads elsewhere."""
    def answer(handler: Handler) -> None:
        handler.head(302, Location=to, Content_Length=0)
    return answer


def endless(handler: Handler) -> None:
    """Never says how much there is, and never stops."""
    handler.head(200)
    try:
        while not handler.stop.is_set():
            handler.wfile.write(bytes(65536))
    except OSError:
        pass


@contextmanager
def serve(*answers: Answer) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """The address of a server with these answers, and the headers of the requests it saw."""
    seen: list[dict[str, str]] = []
    stop = threading.Event()
    made = type("Made", (Handler,), {"answers": list(answers), "seen": seen, "stop": stop})
    server = ThreadingHTTPServer(("127.0.0.1", 0), made)
    server.daemon_threads = False  # so that closing waits for every answer
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/net-12345678.pth", seen
    finally:
        stop.set()
        server.shutdown()
        server.server_close()
        thread.join()
