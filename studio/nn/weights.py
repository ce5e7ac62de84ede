"""Model files: safetensors with the architecture in their metadata, and a JSON card beside them.

``NAME.safetensors`` holds the tensors; its metadata key ``reverie`` is JSON
``{"format": 1, "architecture", "config"}``.
``NAME.json`` is the card: title, data, licence, command, steps, seed, figures, date, sha256.

The header is checked by our own parser before the library sees the file: the library takes a name twice (the last one
wins) and spends seconds on a header of many megabytes.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio import safe_json
from studio.files import FileError, atomic_write, explain, file_size, short_path, write_text

if TYPE_CHECKING:
    import torch

FORMAT = 1

MAX_HEADER = 4 * 1024 * 1024
"""Longest safetensors header (bytes)."""

CURE = "train, fetch or import the model again"
"""What helps against a damaged model file; the end of the messages of ``read_header``."""

MAX_TENSORS = 20_000
MAX_DIMENSIONS = 8

_SIZES = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E5M2": 1, "F8_E4M3": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2,
    "I32": 4, "U32": 4, "F32": 4, "F64": 8, "I64": 8, "U64": 8,
}
"""Bytes per value of each dtype that is read."""


class WeightsError(ValueError):
    """A model file that cannot be used; the message names the file, the reason and the cure."""


@dataclass(frozen=True)
class ModelFile:
    """A loaded model file: tensors by name, and what they are for."""

    path: Path
    architecture: str
    config: dict[str, Any]
    tensors: dict[str, torch.Tensor] = field(repr=False)


@dataclass(frozen=True)
class Header:
    """What a safetensors file says about itself: dtype and shape by tensor name, and its text metadata."""

    tensors: dict[str, tuple[str, tuple[int, ...]]]
    metadata: dict[str, str]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: shape for name, (_, shape) in self.tensors.items()}


def sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_header(path: Path) -> Header:
    """Check and return the header of a safetensors file without reading its tensors. Raises WeightsError.

    Refused: a header over MAX_HEADER, more than MAX_TENSORS tensors, a name twice, an unknown dtype, offsets that
    overlap, leave gaps or do not fit shape and dtype, and a file shorter or longer than its header says.
    """
    start = f"{short_path(path)} is not a usable safetensors file"
    try:
        size = file_size(path)
        with path.open("rb") as file:
            head = file.read(8)
            if len(head) < 8:
                raise WeightsError(f"{start} (it is empty or cut short); {CURE}")
            (length,) = struct.unpack("<Q", head)
            if length > MAX_HEADER:
                raise WeightsError(f"{start} (its header claims {length:,} bytes); {CURE}")
            raw = file.read(length)
    except FileError as error:
        raise WeightsError(str(error)) from None
    except OSError as error:
        raise WeightsError(str(explain(error, path))) from None
    if len(raw) < length:
        raise WeightsError(f"{start} (it is cut short); {CURE}")
    try:
        tree = safe_json.loads(raw, where="its header", max_bytes=MAX_HEADER, max_depth=4)
        return _header(tree, size - 8 - length)
    except (FileError, WeightsError) as error:
        raise WeightsError(f"{start} ({error}); {CURE}") from None


def _header(tree: Any, room: int) -> Header:
    if not isinstance(tree, dict):
        raise WeightsError("its header is not an object")
    metadata = tree.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise WeightsError("its metadata is not text by name")
    if len(tree) > MAX_TENSORS:
        raise WeightsError(f"it holds {len(tree):,} tensors, at most {MAX_TENSORS:,} are read")
    tensors: dict[str, tuple[str, tuple[int, ...]]] = {}
    spans: list[tuple[int, int]] = []
    for name, entry in tree.items():
        shown = repr(name[:60])
        try:
            dtype, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
        except (KeyError, TypeError, ValueError):
            raise WeightsError(f"the entry {shown} lacks dtype, shape or offsets") from None
        if dtype not in _SIZES:
            raise WeightsError(f"the entry {shown} has the unknown dtype {str(dtype)[:20]!r}")
        if not isinstance(shape, list) or len(shape) > MAX_DIMENSIONS or not all(_whole(side) for side in shape):
            raise WeightsError(f"the entry {shown} has an impossible shape")
        if not (_whole(begin) and _whole(end)) or end - begin != prod(shape) * _SIZES[dtype]:
            raise WeightsError(f"the entry {shown} has offsets that do not fit its shape {shape}")
        tensors[name] = (dtype, tuple(shape))
        spans.append((begin, end))
    place = 0
    for begin, end in sorted(spans):
        if begin != place:
            raise WeightsError("its tensors overlap or leave gaps")
        place = end
    if place != room:
        raise WeightsError(f"it has {room:,} bytes of tensors where its header says {place:,}")
    return Header(tensors, metadata)


def _whole(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**53


def check_against(
    expected: Mapping[str, Sequence[int]], found: Mapping[str, Sequence[int]], *, where: str = "the model file"
) -> None:
    """Compare tensor names and shapes with what a network expects, before anything is copied.

    Raises WeightsError that lists what is missing, what is too many and what has another shape.
    """
    missing = [name for name in expected if name not in found]
    extra = [name for name in found if name not in expected]
    other = [
        f"{name} is {'x'.join(map(str, found[name]))}, not {'x'.join(map(str, shape))}"
        for name, shape in expected.items() if name in found and tuple(found[name]) != tuple(shape)
    ]
    faults = [
        f"{word}: {', '.join(names[:5])}{f' and {len(names) - 5} more' if len(names) > 5 else ''}"
        for word, names in (("missing", missing), ("not expected", extra), ("another shape", other)) if names
    ]
    if faults:
        raise WeightsError(f"{where} does not fit this network ({'; '.join(faults)}); choose a model made for it")


def load_into(module: torch.nn.Module, model: ModelFile) -> None:
    """Copy a model's tensors into ``module`` after ``check_against`` its state. Raises WeightsError."""
    expected = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in model.tensors.items()}
    check_against(expected, found, where=short_path(model.path))
    module.load_state_dict(model.tensors)


def check_finite(tensors: Mapping[str, torch.Tensor], *, where: str) -> None:
    """Raise WeightsError when weights are NaN: such a network can only make black pictures."""
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and tensor.numel() and bool(tensor.isnan().any()):
            raise WeightsError(f"{where} has NaN in {name}: training failed or the file is damaged; use another one")


def save_model(
    path: Path, tensors: dict[str, torch.Tensor], architecture: str, config: dict[str, Any],
    card: dict[str, Any] | None = None,
) -> None:
    """Write a model and its card atomically (temporary file beside the target, fsync, rename).

    Raises FileError when the place cannot be written to.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    about = json.dumps({"format": FORMAT, "architecture": architecture, "config": config}, sort_keys=True)
    with atomic_write(path, parents=True) as temporary:
        try:
            plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
            save_file(plain, temporary, {"reverie": about})
        except SafetensorError as error:  # it reports a full disk as its own kind of error
            cure = "free some space or choose another disk"
            raise FileError(f"cannot write {short_path(path)}: {error}; {cure}") from None
    if card is not None:
        text = json.dumps({**card, "architecture": architecture, "sha256": sha256(path)}, indent=2, ensure_ascii=False)
        write_text(path.with_suffix(".json"), text + "\n")


def read_about(header: Header, path: Path) -> tuple[str, dict[str, Any]]:
    """Architecture and configuration from a header. Raises WeightsError when the file does not say."""
    try:
        about = safe_json.loads(header.metadata["reverie"], where="its description")
        found, config = about["architecture"], about["config"]
        if not (isinstance(found, str) and isinstance(config, dict)):
            raise TypeError
    except (KeyError, TypeError, FileError):
        raise WeightsError(
            f"{short_path(path)} does not say which network it belongs to; import it with 'reverie models import'"
        ) from None
    return found, config


def load_model(
    path: Path, architecture: str | None = None, *, device: str = "cpu",
    expect: Mapping[str, Sequence[int]] | None = None,
) -> ModelFile:
    """Read a model file as float32 tensors.

    ``expect`` gives the shape of every tensor that the network has; it is compared before any tensor is read.
    Raises WeightsError when the file is damaged, of another architecture, of other shapes, or holds NaN.
    """
    header = read_header(path)
    found, config = read_about(header, path)
    if architecture is not None and found != architecture:
        raise WeightsError(f"{path} is a {found} model, this needs a {architecture} model; choose another one")
    if expect is not None:
        check_against(expect, header.shapes, where=short_path(path))
    return ModelFile(path, found, config, read_tensors(path, header, device=device))


def read_tensors(path: Path, header: Header | None = None, *, device: str = "cpu") -> dict[str, torch.Tensor]:
    """All tensors of a safetensors file, ours or not, as float32 (whole numbers stay what they are).

    Raises WeightsError when the file is damaged or holds NaN.
    """
    from safetensors import SafetensorError, safe_open

    header = header or read_header(path)
    try:
        with safe_open(path, framework="pt", device=device) as file:
            tensors = {name: file.get_tensor(name) for name in header.tensors}
    except (SafetensorError, OSError) as error:
        reason = f"{path} is not a readable safetensors file ({error})"
        raise WeightsError(f"{reason}; train or fetch the model again") from None
    tensors = {name: t.float() if t.is_floating_point() else t for name, t in tensors.items()}
    check_finite(tensors, where=short_path(path))
    return tensors
