"""Reads one foreign torch checkpoint in a process of its own and writes safetensors. Run by importer.py as
``python -I import_worker.py SOURCE TARGET MEMORY_MB``; imports nothing of the studio. Its answer is one line of JSON.

A file may be hostile: it is only ever read with ``weights_only=True`` given explicitly (an environment variable can
turn the default off), with the checks of sparse tensors on (without them a malformed one passes and crashes later),
under a memory limit, and only plain tensors whose storage really holds their values are copied.
"""

from __future__ import annotations

import contextlib
import json
import sys
from typing import Any

CONTAINERS = ("state_dict", "params_ema", "params", "g_ema", "generator", "model_state_dict", "model", "net", "weights")
"""Keys under which training programs keep a network's tensors, the first that fits counts."""

MAX_TENSORS = 20_000


class Refused(Exception):  # noqa: N818 - not a fault of ours
    """The file is refused; the text completes 'is refused: …'."""


def limit_memory(megabytes: int) -> None:
    """Cap what this process may allocate beyond what it has now. Only POSIX systems can."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
            now = int(file.read().split()[5]) * resource.getpagesize()
        most = now + megabytes * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def find_tensors(tree: Any) -> tuple[dict[str, Any], int]:
    """The tensors by name in a loaded checkpoint, and how many other entries were left out."""
    import torch

    for _ in range(4):
        if not isinstance(tree, dict):
            raise Refused(f"it holds a {type(tree).__name__}, not tensors by name")
        if any(isinstance(value, torch.Tensor) for value in tree.values()):
            break
        inner = next((tree[key] for key in CONTAINERS if isinstance(tree.get(key), dict)), None)
        if inner is None:
            raise Refused("it holds no tensors by name")
        tree = inner
    else:
        raise Refused("its tensors are nested too deep")
    found = {key: value for key, value in tree.items() if isinstance(key, str) and isinstance(value, torch.Tensor)}
    return found, len(tree) - len(found)


def check(tensors: dict[str, Any]) -> None:
    """Refuse anything but plain dense tensors that own what they show."""
    import torch

    if len(tensors) > MAX_TENSORS:
        raise Refused(f"it holds {len(tensors):,} tensors, at most {MAX_TENSORS:,} are read")
    stored: dict[int, int] = {}
    total = 0
    for name, tensor in tensors.items():
        shown = repr(name[:60])
        if type(tensor) not in (torch.Tensor, torch.nn.Parameter):
            raise Refused(f"{shown} is a {type(tensor).__name__}, not a plain tensor")
        if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_meta or tensor.is_complex():
            raise Refused(f"{shown} is sparse, quantised, complex or empty of data; only plain tensors are taken")
        storage = tensor.untyped_storage()
        need = tensor.numel() * tensor.element_size()
        if need > storage.nbytes() or (tensor.numel() > 1 and any(
            stride == 0 and size > 1 for size, stride in zip(tensor.shape, tensor.stride(), strict=True)
        )):
            raise Refused(f"{shown} claims {need / 1e6:,.1f} MB but stores {storage.nbytes() / 1e6:,.1f} MB")
        stored[storage.data_ptr()] = storage.nbytes()
        total += need
    if total > 2 * sum(stored.values()) + 64 * 1024 * 1024:
        raise Refused("its tensors share memory so that they would grow many times over when they are saved")


def read(source: str) -> tuple[dict[str, Any], int]:
    """The tensors of a checkpoint, checked and copied, and how many other entries it has. Raises Refused."""
    import torch

    with torch.sparse.check_sparse_tensor_invariants(enable=True):  # type: ignore[no-untyped-call]
        loaded = torch.load(source, map_location="cpu", weights_only=True)
    tensors, others = find_tensors(loaded)
    check(tensors)
    plain = {name: tensor.detach().contiguous().clone() for name, tensor in tensors.items()}
    for name, tensor in plain.items():
        if tensor.is_floating_point() and tensor.numel() and bool(tensor.isnan().any()):
            raise Refused(f"{name[:60]!r} holds NaN; its training failed or the file is damaged")
    return plain, others


def convert(source: str, target: str, megabytes: int) -> dict[str, Any]:
    """Read, check, save; returns the report."""
    import torch
    from safetensors.torch import save_file

    torch.set_num_threads(1)
    limit_memory(megabytes)
    plain, others = read(source)
    save_file(plain, target)
    return {"tensors": len(plain), "left_out": others}


def sentence(error: BaseException) -> str:
    """Why a file is refused, completing 'is refused: …'."""
    text = " ".join(str(error).split())
    if isinstance(error, Refused):
        return text
    if isinstance(error, MemoryError) or "allocate memory" in text:
        return "it needs more memory than its size allows"
    if "eights only load failed" in text or "unsupported global" in text.lower():
        return "it holds more than tensors (it could run a program when opened)"
    return text[:200] or type(error).__name__


def main() -> None:
    try:
        answer = convert(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    except Exception as error:
        answer = {"refused": sentence(error)}
    sys.stdout.write("\n" + json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
