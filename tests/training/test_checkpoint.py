"""Checkpoints: one safe file that gives back exactly what was put in."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.training import checkpoint

LEAVES = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(max_size=20)
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None, max_examples=50)
@given(tree=st.dictionaries(st.text(max_size=8) | st.integers(0, 99), TREES, max_size=5))
def test_any_tree_round_trips(tree: dict[object, object], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("ckpt") / "a.ckpt"
    checkpoint.save(path, tree)  # type: ignore[arg-type]
    assert checkpoint.load(path) == tree


def test_tensors_keep_dtype_and_bits(tmp_path: Path) -> None:
    tensors = [torch.randn(3, 4), torch.randn(2).to(torch.bfloat16), torch.arange(5), torch.get_rng_state()]
    checkpoint.save(tmp_path / "a.ckpt", {"nested": {"list": tensors}, 7: "whole-number key"})
    tree = checkpoint.load(tmp_path / "a.ckpt")
    for before, after in zip(tensors, tree["nested"]["list"], strict=True):
        assert before.dtype == after.dtype and torch.equal(before, after)
    assert tree[7] == "whole-number key"


@pytest.mark.parametrize("content", [b"", b"\x00" * 100, b'{"a": 1}', b"\xff" * 4096])
def test_damaged_file_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.ckpt"
    path.write_bytes(content)
    with pytest.raises(checkpoint.CheckpointError, match=r"bad\.ckpt .*without --resume"):
        checkpoint.load(path)


def test_nothing_but_plain_values_is_stored(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"cannot hold a .*Path"):
        checkpoint.save(tmp_path / "a.ckpt", {"path": Path("x")})
    assert list(tmp_path.iterdir()) == []


def _file(header: str, tensors: bytes = b"") -> bytes:
    raw = header.encode()
    return struct.pack("<Q", len(raw)) + raw + tensors


_DEEP = json.dumps('{"list":[' * 50_000 + '{"value":1}' + "]}" * 50_000)
_ENTRY = '"t0": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}'


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (_file(f"{{{_ENTRY}, {_ENTRY}}}", b"1234"), "twice"),
        (_file(f"{{{_ENTRY}}}", b"12345678"), "8 bytes of tensors"),
        (_file(f'{{"__metadata__": {{"reverie.checkpoint": {_DEEP}}}, {_ENTRY}}}', b"1234"), "recursion"),
        (struct.pack("<Q", 2**60) + b"{}", "its header claims"),
    ],
)
def test_a_header_that_lies_is_a_sentence(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "bad.ckpt"
    path.write_bytes(content)
    with pytest.raises(checkpoint.CheckpointError, match=r"bad\.ckpt .*without --resume") as caught:
        checkpoint.load(path)
    assert reason in str(caught.value) and "fetch" not in str(caught.value)
