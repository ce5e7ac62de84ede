"""Reads one foreign checkpoint in a process of its own and writes safetensors. Run by importer.py as
``python -I import_worker.py SOURCE TARGET MEMORY_MB``. Its answer is one line of JSON.

A file may be hostile. Torch's own format is only ever read with ``weights_only=True`` given explicitly (an environment
variable can turn the default off), with the checks of sparse tensors on (without them a malformed one passes and
crashes later); a plain pickle is read by ``studio.library.pickles``, which can call nothing. All of it happens under a
memory limit, and only plain tensors whose storage really holds their values are copied.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # python -I leaves the studio's own folder out
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from studio.library.pickles import Machine, Refused

CONTAINERS = ("state_dict", "params_ema", "params", "g_ema", "generator", "model_state_dict", "model", "net", "weights")
"""Keys under which training programs keep a network's tensors, the first that fits counts."""

MAX_TENSORS = 20_000

TORCH = (b"PK", b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.")
"""First bytes of torch's formats: an archive, and the one from before version 1.6."""


def limit_memory(megabytes: int) -> None:
    """Cap what this process may allocate beyond what it has now. Only POSIX systems can."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
            now = int(file.read().split()[5]) * resource.getpagesize()
        most = now + megabytes * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def find_tensors(tree: Any, kind: type) -> tuple[dict[str, Any], int]:
    """The tensors (of the class ``kind``) by name in a loaded checkpoint, and how many other entries were left out."""
    for _ in range(4):
        if not isinstance(tree, dict):
            raise Refused(f"it holds a {type(tree).__name__}, not tensors by name")
        if any(isinstance(value, kind) for value in tree.values()):
            break
        inner = next((tree[key] for key in CONTAINERS if isinstance(tree.get(key), dict)), None)
        if inner is None:
            raise Refused("it holds no tensors by name")
        tree = inner
    else:
        raise Refused("its tensors are nested too deep")
    found = {key: value for key, value in tree.items() if isinstance(key, str) and isinstance(value, kind)}
    if len(found) > MAX_TENSORS:
        raise Refused(f"it holds {len(found):,} tensors, at most {MAX_TENSORS:,} are read")
    return found, len(tree) - len(found)


def check(tensors: dict[str, Any]) -> None:
    """Refuse anything but plain dense tensors that own what they show."""
    import torch

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
    """The tensors of a torch checkpoint, checked and copied, and how many other entries it has. Raises Refused."""
    import torch

    with torch.sparse.check_sparse_tensor_invariants(enable=True):  # type: ignore[no-untyped-call]
        loaded = torch.load(source, map_location="cpu", weights_only=True)
    tensors, others = find_tensors(loaded, torch.Tensor)
    check(tensors)
    plain = {name: tensor.detach().contiguous().clone() for name, tensor in tensors.items()}
    for name, tensor in plain.items():
        if tensor.is_floating_point() and tensor.numel() and bool(tensor.isnan().any()):
            raise Refused(f"{name[:60]!r} holds NaN; its training failed or the file is damaged")
    return plain, others


def read_pickle(source: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arrays of a plain pickle by name, and the report: with ``network``, the configuration of a StyleGAN.

    Raises Refused.
    """
    import mmap

    from studio.library import stylegan_pickle
    from studio.library.pickle_forms import CALLS, Array, Thing

    if not Path(source).stat().st_size:
        raise Refused("it is empty")
    with open(source, "rb") as file:  # noqa: PTH123
        # not closed by hand: what is refused may still show into it
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    root = Machine(data, CALLS).load()
    report: dict[str, Any] = {}
    if isinstance(root, Thing) or (isinstance(root, dict) and any(isinstance(v, Thing) for v in root.values())):
        network = stylegan_pickle.generator_of(root)
        report["network"] = stylegan_pickle.config_of(network)
        views = stylegan_pickle.tensors_of(network)
    else:
        arrays, report["left_out"] = find_tensors(root, Array)
        views = {name: array.plain() for name, array in arrays.items()}
    return copied(views, len(data)), report


def copied(views: dict[str, Any], size: int) -> dict[str, Any]:
    """Arrays of their own, in this machine's byte order, from views into a file of ``size`` bytes. Raises Refused."""
    import numpy as np

    if sum(view.nbytes for view in views.values()) > 2 * size + 64 * 1024 * 1024:
        raise Refused("its tensors share memory so that they would grow many times over when they are saved")
    made: dict[str, Any] = {}
    for name, view in views.items():
        # of its own also where it is contiguous: the file is closed afterwards
        made[name] = np.array(view, dtype=view.dtype.newbyteorder("="), order="C", copy=True)
        if view.dtype.kind == "f" and bool(np.isnan(made[name]).any()):
            raise Refused(f"{name[:60]!r} holds NaN; its training failed or the file is damaged")
    return made


def convert(source: str, target: str, megabytes: int) -> dict[str, Any]:
    """Read, check, save; returns the report."""
    with open(source, "rb") as file:  # noqa: PTH123
        head = file.read(16)
    if not head.startswith(TORCH):
        from safetensors.numpy import save_file as save_arrays

        limit_memory(megabytes)
        arrays, report = read_pickle(source)
        save_arrays(arrays, target)
        return {"tensors": len(arrays), **report}
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
        found = re.search(r"GLOBAL ([\w.]+)", text)
        named = f"it would call {found[1]} when it is opened" if found else "it could run a program when it is opened"
        return f"it holds more than tensors: {named}"
    return text[:200] or type(error).__name__


def main() -> None:
    try:
        answer = convert(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    except Exception as error:
        answer = {"refused": sentence(error)}
    sys.stdout.write("\n" + json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
