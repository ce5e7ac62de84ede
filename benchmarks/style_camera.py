"""Style camera at 640x480, from decoded frame to displayed array, against the well-known transform network.

The reference is the fast-neural-style network of Johnson et al. (widths 32-64-128, five residual blocks, instance
normalisation) in plain PyTorch: float32, batch 1, as the usual scripts run it on a camera. Ours is the plugin as it
ships, with its default parameters, steadiness and edge detail included. Both get uint8 frames and give uint8 frames.
Speed does not depend on the weights: random ones serve both. The reference gets both cores; ours gets the threads that
a live deck gives it (one core stays free for window and sound). Interleaved, medians of several rounds.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import torch
from torch import Tensor, nn

from studio.engine.convert import to_input
from studio.generator import Context
from studio.media import Frame, to_frame
from studio.nn.device import cores, live_threads, threads
from studio.nn.style import StyleNet
from studio.nn.weights import save_model
from studio.params import ParamSet
from studio.plugins import discover

WIDTH, HEIGHT, ROUNDS, TARGET, CORES = 640, 480, 5, 10.0, 2


def _convolution(inputs: int, outputs: int, side: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.ReflectionPad2d(side // 2), nn.Conv2d(inputs, outputs, side, stride))


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _convolution(width, width, 3), nn.InstanceNorm2d(width, affine=True), nn.ReLU(),
            _convolution(width, width, 3), nn.InstanceNorm2d(width, affine=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.as_tensor(self.body(x))


def reference_network() -> nn.Module:
    """The transform network of fast-neural-style: 1.68 million parameters."""
    def norm(width: int) -> list[nn.Module]:
        return [nn.InstanceNorm2d(width, affine=True), nn.ReLU()]

    return nn.Sequential(
        _convolution(3, 32, 9), *norm(32),
        _convolution(32, 64, 3, 2), *norm(64), _convolution(64, 128, 3, 2), *norm(128),
        *(_Residual(128) for _ in range(5)),
        nn.Upsample(scale_factor=2), _convolution(128, 64, 3), *norm(64),
        nn.Upsample(scale_factor=2), _convolution(64, 32, 3), *norm(32), _convolution(32, 3, 9),
    ).eval()


def _reference(device: str) -> Callable[[Frame], Frame]:
    net = reference_network().to(device)

    def show(frame: Frame) -> Frame:
        with torch.no_grad():
            x = torch.from_numpy(frame).to(device).permute(2, 0, 1)[None].float()
            shown = net(x)[0].clamp(0, 255).permute(1, 2, 0).cpu().numpy()
        return np.asarray(shown, np.uint8)

    return show


def _ours(device: str, folder: Path) -> Callable[[Frame], Frame]:
    net = StyleNet(["one", "two"])
    save_model(folder / "random.safetensors", dict(net.state_dict()), "style_net", net.config)
    plugin = discover().get("style_camera")
    camera = plugin.load()
    values = ParamSet(camera.params)
    values.set("model", str(folder / "random.safetensors"))
    values.set("own_style", "one")
    values.set("own_second", "two")
    generator = camera()
    generator.freeze(values.take())
    ctx = Context(device=device, folder=plugin.folder, size=(WIDTH, HEIGHT), offline=False)
    generator.setup(ctx)

    def show(frame: Frame) -> Frame:
        ctx.input = to_input(frame, camera.wants, ctx)
        shown = to_frame(generator.step(ctx))
        ctx.advance(1 / 30)
        return shown

    return show


def run(device: str = "") -> dict[str, Any]:
    """Frames per second of both; ``device`` '' takes a GPU where there is one, else two CPU cores."""
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8) for _ in range(4)]
    count = min(CORES, cores())
    live = min(count, live_threads())
    with tempfile.TemporaryDirectory() as folder:
        plain, ours = _reference(device), _ours(device, Path(folder))
        times: dict[str, list[float]] = {"plain": [], "ours": []}
        for turn in range(ROUNDS + 1):  # the first warms up
            for name, show, repeat, used in (("plain", plain, 1, count), ("ours", ours, 8, live)):
                with threads(used):
                    start = time.perf_counter()
                    for index in range(repeat):
                        show(frames[index % len(frames)])
                    if turn:
                        times[name].append((time.perf_counter() - start) / repeat)
    reference, mine = (1 / statistics.median(times[name]) for name in ("plain", "ours"))
    return {
        "name": "style_camera", "ratio": mine / reference, "target": TARGET, "ours": mine, "reference": reference,
        "unit": "frames/s",
        "note": f"{WIDTH}x{HEIGHT}, frame to displayed array, {device}, threads: ours {live}, reference {count}",
    }


if __name__ == "__main__":
    result = run()
    print(
        f"{result['name']}: {result['ours']:.1f} against {result['reference']:.2f} {result['unit']} = "
        f"{result['ratio']:.1f}x (target {result['target']:g}x); {result['note']}"
    )
