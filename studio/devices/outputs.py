"""Pictures for other programs: a virtual camera, Spout, Syphon, NDI. Each needs an extra package, and is imported only
when it is opened; ``kinds`` says what is there and, for what is not, why and what helps."""

from __future__ import annotations

import importlib.util
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from studio.media import Frame

NAME = "Reverie Studio"
"""What other programs list."""


class OutputError(RuntimeError):
    """An output that cannot be opened; the message says why, ``cure`` what helps."""

    def __init__(self, message: str, cure: str = "") -> None:
        super().__init__(message)
        self.cure = cure


@dataclass(frozen=True)
class Kind:
    """A way out. ``reason`` says why it cannot be used here, '' where it can; ``cure`` what helps."""

    key: str
    title: str
    about: str
    reason: str = ""
    cure: str = ""


_PLATFORMS = {"linux": "Linux", "darwin": "macOS", "win32": "Windows"}
# key, title, what for, package, module, platform, extra
_ALL: tuple[tuple[str, str, str, str, str, str], ...] = (
    ("virtualcam", "Virtual camera", "a camera for OBS, browsers and video calls", "pyvirtualcam", "pyvirtualcam", ""),
    ("spout", "Spout", "frames for Resolume, TouchDesigner and OBS on Windows", "SpoutGL", "SpoutGL", "win32"),
    ("syphon", "Syphon", "frames for Resolume, MadMapper and VDMX on macOS", "syphon-python", "syphon", "darwin"),
    ("ndi", "NDI", "frames over the network for vMix, OBS and NDI monitors", "cyndilib", "cyndilib", ""),
)


def kinds() -> list[Kind]:
    """All ways out, with what is missing. Quick: nothing is imported."""
    return [_kind(*one) for one in _ALL]


def _kind(key: str, title: str, about: str, package: str, module: str, platform: str) -> Kind:
    if platform and sys.platform != platform:
        cure = "NDI does the same on every system" if key in ("spout", "syphon") else ""
        return Kind(key, title, about, f"works on {_PLATFORMS[platform]} only", cure)
    if importlib.util.find_spec(module) is None:
        return Kind(key, title, about, f"the package {package} is not installed",
                    f"pip install 'reverie-studio[{key}]' and start the studio again")
    return Kind(key, title, about)


class Sender(ABC):
    """An open way out for frames of one ``size`` (width, height) at ``fps``; used on one thread."""

    def __init__(self, size: tuple[int, int], fps: float) -> None:
        self.size, self.fps = size, fps

    @abstractmethod
    def send(self, frame: Frame) -> None:
        """Hand on a frame, uint8 RGB ``(height, width, 3)`` of the size it was opened with."""

    @abstractmethod
    def close(self) -> None:
        """Let the other programs know that there is no more."""


def open_output(key: str, size: tuple[int, int], fps: float) -> Sender:
    """Open a way out. Raises OutputError with the reason and the cure, KeyError for a key that there is not."""
    kind = next((one for one in kinds() if one.key == key), None)
    if kind is None:
        raise KeyError(key)
    if kind.reason:
        raise OutputError(f"{kind.title}: {kind.reason}", kind.cure)
    made: dict[str, Callable[[tuple[int, int], float], Sender]] = {
        "virtualcam": _VirtualCamera, "spout": _Spout, "syphon": _Syphon, "ndi": _Ndi}
    try:
        return made[key](size, fps)
    except OutputError:
        raise
    except Exception as error:  # drivers and foreign libraries raise what they like
        text = " ".join(str(error).split())[:200] or type(error).__name__
        raise OutputError(f"{kind.title} cannot be opened: {text}", _cure(key)) from error


def _cure(key: str) -> str:
    if key == "virtualcam":
        return {
            "linux": "sudo modprobe v4l2loopback (package v4l2loopback-dkms), then try again",
            "darwin": "install OBS, start its virtual camera once and stop it, then try again",
        }.get(sys.platform, "install OBS, which brings the virtual camera, then try again")
    return "see the message; another program may use the same name"


class _VirtualCamera(Sender):
    def __init__(self, size: tuple[int, int], fps: float) -> None:
        super().__init__(size, fps)
        import pyvirtualcam

        self._camera: Any = pyvirtualcam.Camera(size[0], size[1], fps)

    def send(self, frame: Frame) -> None:
        self._camera.send(frame)

    def close(self) -> None:
        self._camera.close()


class _Spout(Sender):
    """RGB is named to it, so that red and blue are not swapped."""

    def __init__(self, size: tuple[int, int], fps: float) -> None:
        super().__init__(size, fps)
        import SpoutGL

        self._sender: Any = SpoutGL.SpoutSender()
        self._sender.setSenderName(NAME)

    def send(self, frame: Frame) -> None:
        rgb = 0x1907  # GL_RGB
        if not self._sender.sendImage(np.ascontiguousarray(frame), self.size[0], self.size[1], rgb, False, 0):
            raise OutputError("Spout takes no frames", "update the driver of the graphics card")

    def close(self) -> None:
        self._sender.releaseSender()


class _Syphon(Sender):
    def __init__(self, size: tuple[int, int], fps: float) -> None:
        super().__init__(size, fps)
        import syphon
        from syphon.utils.numpy import copy_image_to_mtl_texture
        from syphon.utils.raw import create_mtl_texture

        self._server: Any = syphon.SyphonMetalServer(NAME)
        self._texture: Any = create_mtl_texture(self._server.device, size[0], size[1])
        self._copy: Any = copy_image_to_mtl_texture
        self._rgba = np.full((size[1], size[0], 4), 255, np.uint8)

    def send(self, frame: Frame) -> None:
        self._rgba[:, :, :3] = frame
        self._copy(self._rgba, self._texture)
        self._server.publish_frame_texture(self._texture, is_flipped=True)

    def close(self) -> None:
        self._server.stop()


class _Ndi(Sender):
    def __init__(self, size: tuple[int, int], fps: float) -> None:
        super().__init__(size, fps)
        from cyndilib.sender import Sender as NdiSender
        from cyndilib.video_frame import VideoSendFrame
        from cyndilib.wrapper.ndi_structs import FourCC

        self._sender: Any = NdiSender(NAME)
        video: Any = VideoSendFrame()
        video.set_resolution(*size)
        video.set_frame_rate(Fraction(fps).limit_denominator(1001))
        video.set_fourcc(FourCC.RGBX)
        self._sender.set_video_frame(video)
        self._sender.open()
        self._rgbx = np.full((size[1], size[0], 4), 255, np.uint8)

    def send(self, frame: Frame) -> None:
        self._rgbx[:, :, :3] = frame
        self._sender.write_video(self._rgbx.reshape(-1))

    def close(self) -> None:
        self._sender.close()
