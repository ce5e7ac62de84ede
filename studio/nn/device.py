"""Which device to compute on, how precisely, and with how many threads."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch


class DeviceError(ValueError):
    """A device that is not here; the message says which ones are."""


@dataclass(frozen=True)
class Device:
    """A place to compute. ``name`` is torch's (``cpu``, ``cuda:0``, ``mps``), ``memory`` in bytes (0: unknown)."""

    name: str
    title: str
    memory: int = 0
    fast_half: bool = False
    """Whether float16 is computed faster than float32."""
    fast_bf16: bool = False


def devices() -> list[Device]:
    """All devices that are here, the best first; the CPU is always the last."""
    found: list[Device] = []
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            about = torch.cuda.get_device_properties(index)
            found.append(Device(f"cuda:{index}", about.name, about.total_memory, about.major >= 6, about.major >= 8))
    if torch.backends.mps.is_available():
        found.append(Device("mps", "Apple GPU", 0, True, False))
    found.append(Device("cpu", f"CPU, {cores()} cores", memory(), False, cpu_bf16()))
    return found


def choose(wish: str = "auto") -> str:
    """The device to use: ``auto`` takes the best, ``gpu`` the best that is not the CPU, else torch's name for it.

    Raises DeviceError when the wished one is not here.
    """
    here = devices()
    word = wish.strip().lower()
    if word in ("auto", ""):
        return here[0].name
    if word == "cuda":
        word = "cuda:0"
    for device in here:
        if device.name == word or (word == "gpu" and device.name != "cpu"):
            return device.name
    names = ", ".join(device.name for device in here)
    raise DeviceError(f"there is no device {wish[:40]!r} here; there are: {names} (or 'auto')")


def dtype(device: str, *, allow_bf16: bool = False) -> torch.dtype:
    """Working precision for a network's inference: float16 on a CUDA or Apple GPU, else float32.

    With ``allow_bf16`` a CPU that computes bfloat16 in hardware uses it; results then differ slightly from other CPUs.
    """
    if device.startswith(("cuda", "mps")):
        return torch.float16
    return torch.bfloat16 if allow_bf16 and cpu_bf16() else torch.float32


def cpu_bf16() -> bool:
    """Whether this CPU multiplies bfloat16 in hardware (AVX-512 BF16, AMX, ARM BF16); elsewhere it is slower."""
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        probe = getattr(torch.cpu, name, None)
        if probe is not None and probe():
            return True
    with contextlib.suppress(OSError):
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")[:20_000]
        return any(flag in flags for flag in ("avx512_bf16", "amx_bf16", " bf16 "))
    return False


def cores() -> int:
    """CPU cores this process may use: its affinity and its container's quota, not what the machine has."""
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    with contextlib.suppress(OSError, ValueError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()[:2]
        if quota != "max":
            count = min(count, max(1, int(int(quota) / int(period))))
    return max(1, count)


def memory() -> int:
    """Bytes of main memory; 0 where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 0


def live_threads() -> int:
    """Torch threads while live: one core stays free for the window, MIDI and sound."""
    return max(1, cores() - 1)


@contextlib.contextmanager
def threads(count: int) -> Iterator[None]:
    """Use ``count`` torch threads inside the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, count))
    try:
        yield
    finally:
        torch.set_num_threads(before)
