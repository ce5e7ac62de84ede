"""The preview in a browser, through real sockets: the token, the picture, slow and rude clients, the end."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.devices import preview
from studio.devices.preview import Preview, PreviewError


def until(condition: Callable[[], Any], seconds: float = 10.0) -> bool:
    tick, end = threading.Event(), time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        tick.wait(0.005)
    return bool(condition())


class Show:
    """A programme of one colour; each change is a new picture."""

    def __init__(self) -> None:
        self.asked = 0
        self.set(200)

    def set(self, red: int) -> None:
        frame = np.zeros((90, 160, 3), np.uint8)
        frame[:, :, 0] = red
        self.frame = frame

    def __call__(self) -> np.ndarray:
        self.asked += 1
        return self.frame


@pytest.fixture
def show() -> Show:
    return Show()


@pytest.fixture
def server(show: Show) -> Iterator[Preview]:
    made = Preview(show, lambda: {"bpm": "120.0", "now": "BLACKOUT"})
    made.start(0)
    yield made
    made.stop()
    assert until(lambda: sum("reverie preview" in thread.name for thread in threading.enumerate()) == len(_made))


def get(server: Preview, path: str, token: str | None = None) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("GET", f"{path}?t={server.token if token is None else token}")
    answer = connection.getresponse()
    found = answer.status, dict(answer.getheaders()), answer.read()
    connection.close()
    return found


def stream(server: Preview) -> tuple[socket.socket, Any]:
    one = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    one.sendall(f"GET /stream?t={server.token} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return one, one.makefile("rb")


def picture(pipe: Any) -> np.ndarray:
    """The next picture of a stream, RGB."""
    length = 0
    while (line := pipe.readline().strip()) or not length:
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    decoded = cv2.imdecode(np.frombuffer(pipe.read(length), np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(decoded)[:, :, ::-1]


def test_page_status_and_picture_with_the_token(server: Preview) -> None:
    code, head, body = get(server, "/")
    assert code == 200 and b"<img" in body and b'name="viewport"' in body
    assert head["Referrer-Policy"] == "no-referrer" and head["Cache-Control"] == "no-store"
    assert server.token.encode() not in body
    assert json.loads(get(server, "/status")[2]) == {"bpm": "120.0", "now": "BLACKOUT"}
    code, head, body = get(server, "/frame.jpg")
    shown = np.asarray(cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR))[:, :, ::-1]
    assert code == 200 and shown.shape == (90, 160, 3)
    assert abs(int(shown[45, 80, 0]) - 200) < 6 and shown[45, 80, 2] < 12  # red is red
    assert get(server, "/other")[0] == 404
    assert server.address == f"http://127.0.0.1:{server.port}/?t={server.token}"


@pytest.mark.parametrize("path", ["/", "/status", "/frame.jpg", "/stream", "/other"])
def test_without_the_token_everything_is_refused(server: Preview, path: str) -> None:
    for token in ("", "wrong", server.token[:-1], server.token + "x", server.token.swapcase()):
        code, _, body = get(server, path, token)
        assert code == 403 and b"token" in body


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=200))
def test_whatever_is_sent_it_answers_or_hangs_up(junk: bytes) -> None:
    with contextlib.closing(socket.create_connection(("127.0.0.1", _shared().port), timeout=10)) as one:
        one.sendall(junk + b"\r\n\r\n")
        one.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            while data := one.recv(4096):
                assert b"200 OK" not in data
    assert get(_shared(), "/status")[0] == 200


_made: list[Preview] = []


def _shared() -> Preview:
    if not _made:
        _made.append(Preview(Show()))
        _made[0].start(0)
    return _made[0]


@pytest.fixture(scope="module", autouse=True)
def _end() -> Iterator[None]:
    yield
    for one in _made:
        one.stop()


def test_the_stream_shows_changes_and_costs_nothing_when_nobody_looks(server: Preview, show: Show) -> None:
    assert show.asked == 0
    one, pipe = stream(server)
    assert abs(int(picture(pipe)[45, 80, 0]) - 200) < 6
    show.set(40)
    assert until(lambda: abs(int(picture(pipe)[45, 80, 0]) - 40) < 6)
    assert server.viewers == 1
    pipe.close()
    one.close()
    assert until(lambda: server.viewers == 0)
    assert until(lambda: not any(thread.name == "reverie preview" for thread in threading.enumerate()))
    asked = show.asked
    assert get(server, "/status")[0] == 200 and show.asked == asked


def test_a_browser_that_takes_nothing_holds_nobody_up(
    server: Preview, show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview._Handler, "timeout", 1.5)
    rng = np.random.default_rng(1)
    big = [rng.integers(0, 255, (720, 1280, 3), np.uint8) for _ in range(2)]
    show.frame = big[0]
    stuck = socket.socket()
    stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stuck.connect(("127.0.0.1", server.port))
    stuck.sendall(f"GET /stream?t={server.token} HTTP/1.1\r\n\r\n".encode())
    assert until(lambda: server.viewers == 1)
    one, pipe = stream(server)
    assert until(lambda: server.viewers == 2)
    seen = 0
    while server.viewers == 2:  # until the stuck one is thrown out
        show.frame = big[seen % 2]
        picture(pipe)
        seen += 1
    assert seen >= 2 and server.viewers == 1
    for part in (pipe, one, stuck):
        part.close()


def test_viewers_and_connections_are_limited(server: Preview) -> None:
    parts = [stream(server) for _ in range(preview.MOST_VIEWERS)]
    assert until(lambda: server.viewers == preview.MOST_VIEWERS)
    code, _, body = get(server, "/stream")
    assert code == 503 and b"Too many" in body
    idle = [socket.create_connection(("127.0.0.1", server.port), timeout=10) for _ in range(preview.MOST_CONNECTIONS)]
    assert until(lambda: sum(_hung_up(one) for one in idle) >= preview.MOST_VIEWERS)
    for one, pipe in parts:
        pipe.close()
        one.close()
    for one in idle:
        one.close()
    assert until(lambda: server.viewers == 0)
    assert until(lambda: _answers(server))


def _hung_up(one: socket.socket) -> bool:
    one.setblocking(False)
    try:
        return one.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def _answers(server: Preview) -> bool:
    try:
        return get(server, "/status")[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def test_a_port_in_use_is_named_and_a_free_one_offered(server: Preview) -> None:
    other = Preview(Show())
    with pytest.raises(PreviewError, match=rf"port {server.port} cannot be used .*in use.*; \d+ is free"):
        other.start(server.port)
    assert not other.running and other.address == ""
    with pytest.raises(PreviewError, match="choose another"):
        other.start(99_999)


def test_stop_ends_streams_at_once_and_a_new_start_has_a_new_token(server: Preview) -> None:
    token, port = server.token, server.port
    one, pipe = stream(server)
    picture(pipe)
    server.stop()
    with contextlib.suppress(ConnectionError):
        while pipe.read(65536):
            pass
    one.close()
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=1)
    server.start(port)
    assert server.token != token and len(server.token) >= 20
    assert get(server, "/", token)[0] == 403 and get(server, "/")[0] == 200


def test_it_listens_on_this_computer_only_unless_it_is_opened(server: Preview) -> None:
    assert server._server is not None and server._server.server_address[0] == "127.0.0.1"
    port = server.port
    server.start(port, open_to_all=True)
    assert server._server.server_address[0] == "0.0.0.0" and server.address.startswith(f"http://{preview.lan_address()}:")
    assert get(server, "/")[0] == 200
