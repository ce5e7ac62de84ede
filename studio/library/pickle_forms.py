"""What a foreign pickle may name: torch's tensors, numpy's arrays, plain containers, and objects kept as inert data.

Each function here stands for one that a file names and makes a value of ours in its place. Tensors and arrays become
``Array`` (a view into the file until it is copied); objects of StyleGAN's ``torch_utils.persistence`` and torch's own
modules become ``Thing``: a class name and a state. The source code that a persistent object carries is not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.library.pickles import Built, Calls, Machine, Name, Refused

MAX_DIMENSIONS = 8

DTYPES = frozenset({
    "b1", "?", "bool", "u1", "uint8", "i1", "int8", "i2", "int16", "u2", "uint16", "i4", "int32", "u4", "uint32",
    "i8", "int64", "u8", "uint64", "f2", "float16", "f4", "float32", "f8", "float64",
})
"""Kinds of numbers that an array may hold; objects are none."""

STORAGES = {
    "FloatStorage": "<f4", "DoubleStorage": "<f8", "HalfStorage": "<f2", "BFloat16Storage": "bfloat16",
    "LongStorage": "<i8", "IntStorage": "<i4", "ShortStorage": "<i2", "CharStorage": "<i1", "ByteStorage": "<u1",
    "BoolStorage": "|b1",
}
"""Torch's storages and what they hold."""

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_PROTOCOL = 1001


class Array(Built):
    """A tensor or array; ``value`` may be a view with strides. Numpy's take their values in ``build``."""

    def __init__(self, value: NDArray[Any] | None = None) -> None:
        self.value = value

    def build(self, state: Any) -> None:
        """``(version, shape, dtype, in Fortran's order, bytes)``. Raises Refused."""
        if type(state) is not tuple or len(state) != 5 or self.value is not None:
            raise Refused("one of its arrays is damaged")
        self.value = _array(state[4], state[2], state[1], fortran=bool(state[3]))

    def plain(self) -> NDArray[Any]:
        """The numbers. Raises Refused when they never came."""
        if self.value is None:
            raise Refused("one of its arrays is without values")
        return self.value


class Dtype(Built):
    """The kind of an array's numbers."""

    def __init__(self, code: str) -> None:
        self.dtype = np.dtype(code)

    def build(self, state: Any) -> None:
        """``(version, byte order, …)``. Raises Refused."""
        if type(state) is not tuple or len(state) < 2 or state[1] not in ("<", ">", "|", "="):
            raise Refused("one of its arrays has a byte order that is not known")
        self.dtype = self.dtype.newbyteorder(state[1])


class Thing(Built):
    """An object as data: the name of its class and its attributes."""

    def __init__(self, cls: str, state: Mapping[str, Any] | None = None) -> None:
        self.cls, self.state = cls, dict(state or {})

    def build(self, state: Any) -> None:
        """Take attributes. Raises Refused."""
        if not isinstance(state, dict) or not all(isinstance(key, str) for key in state):
            raise Refused(f"the state of its {self.cls} is not known here")
        self.state.update(state)

    def part(self, group: str) -> dict[str, Any]:
        """A dictionary among the attributes, such as ``_modules``; empty where it is not there."""
        found = self.state.get(group)
        return found if isinstance(found, dict) else {}


class Storage:
    """The numbers under a tensor, in one dimension."""

    def __init__(self, values: NDArray[Any]) -> None:
        self.values = values


def _array(data: Any, dtype: Any, shape: Any, *, fortran: bool = False) -> NDArray[Any]:
    if not isinstance(dtype, Dtype) or not _sides(shape):
        raise Refused("one of its arrays is damaged")
    if not isinstance(data, bytes | memoryview):
        raise Refused("one of its arrays holds objects, not numbers")
    if prod(shape) * dtype.dtype.itemsize != len(data):
        raise Refused(f"one of its arrays claims {prod(shape):,} numbers but holds {len(data):,} bytes")
    return np.frombuffer(data, dtype.dtype).reshape(shape, order="F" if fortran else "C")


def _sides(shape: Any) -> bool:
    return type(shape) is tuple and len(shape) <= MAX_DIMENSIONS and all(
        type(side) is int and 0 <= side < 2**40 for side in shape
    )


# What stands for torch's and numpy's functions


def _dtype(code: Any, *_: Any) -> Dtype:
    text = str(code).lstrip("<>|=")
    if text not in DTYPES:
        raise Refused(f"one of its arrays holds {str(code)[:20]!r}, not plain numbers")
    return Dtype(text)


def _reconstruct(kind: Any, shape: Any, code: Any) -> Array:
    if not isinstance(kind, Name) or kind.text != "numpy.ndarray":
        raise Refused("one of its arrays is of a class of its own")
    return Array()


def _from_buffer(data: Any, dtype: Any, shape: Any, order: Any) -> Array:
    return Array(_array(data, dtype, shape, fortran=order == "F"))


def _scalar(dtype: Any, data: Any) -> Any:
    return _array(data, dtype, ()).item()


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> Array:
    if not isinstance(storage, Storage) or not _sides(size) or not _sides(stride) or len(size) != len(stride):
        raise Refused("one of its tensors is damaged")
    if type(offset) is not int or offset < 0:
        raise Refused("one of its tensors begins before its numbers")
    values, count = storage.values, prod(size)
    last = offset + sum((side - 1) * step for side, step in zip(size, stride, strict=True)) if count else offset
    repeats = any(step == 0 and side > 1 for side, step in zip(size, stride, strict=True))
    if count > len(values) or (count and last >= len(values)) or repeats:
        raise Refused(f"one of its tensors claims {count:,} numbers but stores {len(values):,}")
    item = values.itemsize
    strides = tuple(step * item for step in stride)
    return Array(np.lib.stride_tricks.as_strided(values[offset:], size, strides, writeable=False))


def _size(sides: Any = ()) -> tuple[int, ...]:
    if type(sides) not in (list, tuple) or not _sides(tuple(sides[: MAX_DIMENSIONS + 1])):
        raise Refused("one of its tensors is damaged")
    return tuple(sides)


def _parameter(data: Any, *_: Any) -> Array:
    if not isinstance(data, Array):
        raise Refused("one of its parameters is no tensor")
    return data


def _storage(blob: Any) -> Storage:
    """A storage as torch pickles it: bytes in torch's old format, with one storage and nothing else in it."""
    if not isinstance(blob, bytes | memoryview):
        raise Refused("one of its storages is damaged")
    claimed: list[tuple[str, str, int]] = []

    def persistent(key: Any) -> Any:
        kind, storage, name, _, count, *_ = key if type(key) is tuple and len(key) >= 5 else (None,) * 5
        if kind != "storage" or not isinstance(storage, Name) or not isinstance(name, str) or type(count) is not int:
            raise Refused("one of its storages is damaged")
        claimed.append((storage.text.rpartition(".")[2], name, count))
        return claimed[-1]

    names = {f"torch.{name}": _inert for name in STORAGES} | {"collections.OrderedDict": _ordered}
    machine = Machine(blob, names, persistent, steps=200)
    if machine.load() != LEGACY_MAGIC or machine.load() != LEGACY_PROTOCOL:
        raise Refused("one of its storages is not in torch's format")
    machine.load()  # byte order and sizes of the machine that wrote it: always the same
    found = machine.load()
    keys = machine.load()
    if len(claimed) != 1 or found != claimed[0] or keys != [claimed[0][1]]:
        raise Refused("one of its storages holds more than numbers")
    form, _, count = claimed[0]
    start = machine.place + 8
    code = STORAGES.get(form, "")
    size = 2 if code == "bfloat16" else np.dtype(code).itemsize
    stored = int.from_bytes(machine.view[start - 8 : start], "little", signed=True)
    if stored != count or count < 0 or start + count * size > len(machine.view):
        raise Refused(f"one of its storages claims {max(count, stored):,} numbers and is cut short")
    raw = machine.view[start : start + count * size]
    if code == "bfloat16":
        # the upper half of a float32
        return Storage((np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32))
    return Storage(np.frombuffer(raw, code))


def _inert(*_: Any) -> Any:
    raise Refused("it uses a name as a function that is only a name")


def _ordered(items: Any = ()) -> dict[Any, Any]:
    if type(items) not in (list, tuple) or not all(type(pair) in (list, tuple) and len(pair) == 2 for pair in items):
        raise Refused("one of its dictionaries is damaged")
    machine = Machine(b"", {})
    machine._push({})
    machine._set([value for pair in items for value in pair])
    found: dict[Any, Any] = machine._pop()
    return found


def _many(kind: type) -> Any:
    def make(items: Any = ()) -> Any:
        if type(items) not in (list, tuple):
            raise Refused(f"one of its {kind.__name__}s is damaged")
        if kind in (set, frozenset):
            machine = Machine(b"", {})
            machine._push(set())
            machine._add(list(items))
            return kind(machine._pop())
        return kind(items)
    return make


def _encode(text: Any, code: Any) -> bytes:
    if not isinstance(text, str) or code not in ("latin1", "latin-1"):
        raise Refused("it holds bytes in an encoding that is not known")
    return text.encode("latin-1")


def _reconstructor(cls: Any, base: Any, state: Any) -> Any:
    if not isinstance(cls, Name) or state not in (None, ()):
        raise Refused("it makes an object in a way that is not known here")
    return cls.call()


def _new_object(cls: Any, *arguments: Any) -> Any:
    if not isinstance(cls, Name):
        raise Refused("it makes an object in a way that is not known here")
    return cls.call(*arguments)


def _persistent(meta: Any) -> Thing:
    """An object of ``torch_utils.persistence``: its class by name and its state; its source stays text."""
    if not isinstance(meta, dict) or meta.get("type") != "class" or not isinstance(meta.get("state"), dict):
        raise Refused("it holds a persistent object of a form that is not known here")
    thing = Thing(str(meta.get("class_name"))[:100])
    thing.build(meta["state"])
    return thing


def _module(*arguments: Any) -> Thing:
    if arguments:
        raise Refused("it makes a module of torch with arguments")
    return Thing("module of torch")


def _tensorflow(*_: Any) -> Any:
    raise Refused(
        "it is a network of TensorFlow's StyleGAN; convert it with the legacy.py of stylegan2-ada-pytorch, in a "
        "container, and import what that writes"
    )


def _calls() -> dict[str, Any]:
    calls: dict[str, Any] = {
        "torch._utils._rebuild_tensor_v2": _tensor, "torch._utils._rebuild_tensor": _tensor,
        "torch._utils._rebuild_parameter": _parameter, "torch.storage._load_from_bytes": _storage,
        "torch.Size": _size, "torch.device": lambda *_: None, "torch.nn.modules.*": _module,
        "torch_utils.persistence._reconstruct_persistent_obj": _persistent,
        "numpy.dtype": _dtype, "numpy.ndarray": _inert, "_codecs.encode": _encode,
        "collections.OrderedDict": _ordered, "dnnlib.util.EasyDict": _ordered, "dnnlib.EasyDict": _ordered,
        "dnnlib.tflib.network.Network": _tensorflow,
    }
    for core in ("numpy.core", "numpy._core"):
        calls |= {f"{core}.multiarray._reconstruct": _reconstruct, f"{core}.multiarray.scalar": _scalar,
                  f"{core}.numeric._frombuffer": _from_buffer}
    for copied in ("copyreg", "copy_reg"):
        calls |= {f"{copied}._reconstructor": _reconstructor, f"{copied}.__newobj__": _new_object}
    for built in ("builtins", "__builtin__"):
        calls |= {f"{built}.{kind.__name__}": _many(kind) for kind in (list, tuple, set, frozenset)}
        calls |= {f"{built}.dict": _ordered, f"{built}.object": _inert}
    kinds = ("float16", "bfloat16", "float32", "float64", "uint8", "int8", "int16", "int32", "int64", "bool")
    return calls | {f"torch.{name}": _inert for name in (*STORAGES, *kinds)}


CALLS: Calls = _calls()
"""Everything that a foreign pickle may name."""
