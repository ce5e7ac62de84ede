"""Ways out of the session: other programs (greyed with the cure where they are missing) and the preview's facts."""

from __future__ import annotations

import http.client
import importlib
import json
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from studio.devices import outputs
from studio.devices.outputs import OutputError, kinds, open_output
from studio.devices.preview import PreviewError
from studio.engine.threads import stop_all
from studio.session.session import Session
from tests.engine.test_deck import until
from tests.ui.stand import level, make_session


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setenv("REVERIE_HOME", str(tmp_path / "home"))
    made = make_session(tmp_path)
    yield made
    made.close()
    assert not stop_all(5.0)


def pumped(session: Session, true: Any) -> bool:
    return until(lambda: (session.pump(), true())[1], 20)


def test_every_way_is_listed_and_what_is_missing_says_why_and_what_helps() -> None:
    found = {kind.key: kind for kind in kinds()}
    assert list(found) == ["virtualcam", "spout", "syphon", "ndi"]
    for kind in found.values():
        assert kind.title and kind.about
        assert not kind.reason or kind.cure
    if sys.platform != "darwin":
        assert found["syphon"].reason == "works on macOS only"
    with pytest.raises(KeyError):
        open_output("telepathy", (16, 16), 30.0)


def test_looking_what_is_there_imports_nothing() -> None:
    before = set(sys.modules)
    kinds()
    assert not {"pyvirtualcam", "SpoutGL", "syphon", "cyndilib"} & (set(sys.modules) - before)


def test_a_package_that_is_missing_is_a_sentence_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(OutputError, match="NDI: the package cyndilib is not installed") as caught:
        open_output("ndi", (16, 16), 30.0)
    assert "pip install" in caught.value.cure and "[ndi]" in caught.value.cure


class Camera:
    """Stands in for the driver, which no test machine has: takes frames, or fails as it does without one."""

    frames: list[np.ndarray] = []  # noqa: RUF012
    closed = 0
    fail = ""

    def __init__(self, width: int, height: int, fps: float) -> None:
        if Camera.fail:
            raise RuntimeError(Camera.fail)
        self.shape = (height, width, 3)

    def send(self, frame: np.ndarray) -> None:
        assert frame.shape == self.shape and frame.dtype == np.uint8
        Camera.frames.append(frame.copy())
        del Camera.frames[:-5]

    def close(self) -> None:
        Camera.closed += 1


@pytest.fixture
def camera(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("pyvirtualcam")
    module.Camera = Camera  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pyvirtualcam", module)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object() if name == "pyvirtualcam" else None)
    Camera.frames.clear()
    Camera.closed, Camera.fail = 0, ""


def test_the_programme_goes_out_and_stops_when_asked(session: Session, camera: None) -> None:
    session.load("A", "test.shade", params={"level": 0.5})
    assert pumped(session, lambda: level(session) == 128)
    session.outputs.start("virtualcam")
    way = session.outputs.ways["virtualcam"]
    assert pumped(session, lambda: way.state == "on" and way.sent > 3)
    assert Camera.frames[-1].shape == (720, 1280, 3) and int(Camera.frames[-1][360, 640, 0]) == 128
    session.mix.set("blackout", True)
    assert pumped(session, lambda: int(Camera.frames[-1].max()) == 0)
    session.outputs.toggle("virtualcam")
    assert pumped(session, lambda: Camera.closed == 1) and way.state == "off"


def test_one_that_cannot_be_opened_says_so_and_stops_alone(session: Session, camera: None) -> None:
    Camera.fail = "No v4l2 loopback device found"
    session.outputs.start("virtualcam")
    assert pumped(session, lambda: session.outputs.ways["virtualcam"].state == "failed")
    assert pumped(session, lambda: any("No v4l2 loopback" in notice.text and notice.cure for notice in session.notices))
    Camera.fail = ""
    session.outputs.start("virtualcam")
    assert pumped(session, lambda: session.outputs.ways["virtualcam"].sent > 0)


def test_ndi_for_real_where_it_is_installed() -> None:
    pytest.importorskip("cyndilib", reason="the NDI extra is not installed")
    sender = outputs.open_output("ndi", (64, 36), 30.0)
    for shade in range(5):
        sender.send(np.full((36, 64, 3), shade * 50, np.uint8))
    sender.close()


def test_the_preview_shows_the_programme_and_how_the_show_does(session: Session) -> None:
    session.load("A", "test.shade")
    assert pumped(session, lambda: level(session) == 255)
    address = session.outputs.start_preview(0)
    preview = session.outputs.preview

    def get(path: str) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", preview.port, timeout=10)
        connection.request("GET", f"{path}?t={preview.token}")
        body = connection.getresponse().read()
        connection.close()
        return body

    assert address.startswith("http://127.0.0.1:") and preview.token in address
    shown = np.asarray(cv2.imdecode(np.frombuffer(get("/frame.jpg"), np.uint8), cv2.IMREAD_COLOR))
    assert shown.shape == (360, 640, 3) and int(shown[180, 320].min()) > 245
    session.mix.set("blackout", True)
    said = json.loads(get("/status"))
    assert said["now"] == "BLACKOUT" and said["A"].startswith("Shade") and said["mix"] == "A 100%"
    session.outputs.stop_preview()
    assert preview.address == "" and not preview.running


def test_safe_mode_opens_no_port(session: Session) -> None:
    session.settings.set("safe_mode", True)
    with pytest.raises(PreviewError, match="safe mode"):
        session.outputs.start_preview(0)
