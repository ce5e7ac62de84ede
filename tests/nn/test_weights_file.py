"""Model files: our own header check before the library sees them, shapes before copying, NaN, atomic saving."""

from __future__ import annotations

import json
import struct
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.files import FileError
from studio.nn import weights
from studio.nn.weights import (
    WeightsError,
    check_against,
    load_into,
    load_model,
    read_header,
    save_model,
    sha256,
)


def raw(path: Path, header: Any, data: bytes = b"", *, length: int | None = None) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)
    return path


def entry(begin: int, end: int, shape: list[int], dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "net.safetensors"
    save_model(path, dict(torch.nn.Linear(3, 2).state_dict()), "linear", {"inputs": 3}, {"title": "Net"})
    return path


def test_a_model_round_trips_with_its_card(model: Path) -> None:
    found = load_model(model, "linear", expect={"weight": (2, 3), "bias": (2,)})
    assert found.config == {"inputs": 3} and found.tensors["weight"].dtype == torch.float32
    card = json.loads(model.with_suffix(".json").read_text())
    assert card == {"title": "Net", "architecture": "linear", "sha256": sha256(model)}
    net = torch.nn.Linear(3, 2)
    load_into(net, found)
    assert torch.equal(net.weight, found.tensors["weight"])


def test_half_precision_is_stored_and_widened(tmp_path: Path) -> None:
    path = tmp_path / "h.safetensors"
    save_model(path, {"a": torch.ones(4).half(), "b": torch.ones(2).bfloat16(), "n": torch.tensor([3])}, "x", {})
    found = load_model(path).tensors
    assert [found[k].dtype for k in "abn"] == [torch.float32, torch.float32, torch.int64]


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda p: p.write_bytes(b""), "empty or cut short"),
        (lambda p: p.write_bytes(b"\x08\0\0"), "empty or cut short"),
        (lambda p: p.write_bytes(b"<!DOCTYPE html><html>not found</html>"), "header claims"),
        (lambda p: raw(p, {}, length=2**63), "header claims"),
        (lambda p: raw(p, b"{", length=100), "cut short"),
        (lambda p: raw(p, b'{"a": '), "not valid JSON"),
        (lambda p: raw(p, b"\xff\xfe{}"), "not UTF-8"),
        (lambda p: raw(p, [1]), "not an object"),
        (lambda p: raw(p, b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],'
                          b'"data_offsets":[4,8]}}', bytes(8)), "'a' stands there twice"),
        (lambda p: raw(p, {"a": entry(0, 4, [1]), "b": entry(0, 4, [1])}, bytes(4)), "overlap"),
        (lambda p: raw(p, {"a": entry(4, 8, [1])}, bytes(8)), "overlap or leave gaps"),
        (lambda p: raw(p, {"a": entry(0, 4, [2])}, bytes(4)), "do not fit its shape"),
        (lambda p: raw(p, {"a": entry(0, 4, [1])}, bytes(3)), "has 3 bytes of tensors"),
        (lambda p: raw(p, {"a": entry(0, 4, [1])}, bytes(9)), "has 9 bytes of tensors"),
        (lambda p: raw(p, {"a": entry(0, -4, [-1])}, bytes(4)), "impossible shape"),
        (lambda p: raw(p, {"a": entry(0, 4, [2**62, 2**62])}, bytes(4)), "impossible shape"),
        (lambda p: raw(p, {"a": entry(0, 4, [1] * 20)}, bytes(4)), "impossible shape"),
        (lambda p: raw(p, {"a": entry(0, 4, [1], "F99")}, bytes(4)), "unknown dtype"),
        (lambda p: raw(p, {"a": [1, 2]}), "lacks dtype"),
        (lambda p: raw(p, {"a": entry(0, True, [1])}, bytes(4)), "do not fit"),
        (lambda p: raw(p, {"__metadata__": {"x": 1}}), "not text by name"),
        (lambda p: raw(p, {f"t{n}": entry(0, 0, [0]) for n in range(20_001)}), "20,001 tensors"),
    ],
    ids=range(22),
)
def test_damaged_and_hostile_headers_are_one_sentence(tmp_path: Path, make: Any, word: str) -> None:
    path = tmp_path / "bad.safetensors"
    make(path)
    with pytest.raises(WeightsError, match=word) as caught:
        load_model(path)
    assert "bad.safetensors" in str(caught.value) and "\n" not in str(caught.value) and len(str(caught.value)) < 500


def test_a_huge_header_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """300,000 tensors in a header of 19 MB keep the library busy for seconds."""
    one = '"tensor_%06d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
    path = raw(tmp_path / "many.safetensors", ("{" + ",".join(one % n for n in range(300_000)) + "}").encode())
    assert path.stat().st_size > 19_000_000
    began = time.perf_counter()
    with pytest.raises(WeightsError, match="header claims"):
        load_model(path)
    assert time.perf_counter() - began < 0.2


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no such file"):
        load_model(tmp_path / "none.safetensors")
    with pytest.raises(WeightsError, match="folder"):
        load_model(tmp_path)


def test_another_architecture_and_no_architecture(model: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="is a linear model, this needs a gan model"):
        load_model(model, "gan")
    from safetensors.torch import save_file

    for about in (None, {"reverie": "{"}, {"reverie": "[]"}, {"reverie": '{"architecture": 3, "config": {}}'}):
        save_file({"a": torch.zeros(1)}, tmp_path / "plain.safetensors", about)
        with pytest.raises(WeightsError, match="does not say which network"):
            load_model(tmp_path / "plain.safetensors")


def test_shapes_are_compared_before_anything_is_copied(model: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        load_model(model, expect={"weight": (3, 3), "gain": (1,), "bias": (2,)})
    text = str(caught.value)
    assert "missing: gain" in text and "weight is 2x3, not 3x3" in text and "choose a model made for it" in text
    with pytest.raises(WeightsError, match="not expected: bias; another shape: weight is 2x3, not 1x3"):
        load_into(torch.nn.Linear(3, 1, bias=False), load_model(model))
    with pytest.raises(WeightsError, match="and 95 more"):
        check_against({f"layer{n}": (1,) for n in range(100)}, {})
    check_against({"a": [1, 2]}, {"a": (1, 2)})


def test_nan_weights_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "nan.safetensors"
    save_model(path, {"ok": torch.ones(2), "bad.weight": torch.tensor([1.0, float("nan")])}, "x", {})
    with pytest.raises(WeightsError, match=r"NaN in bad\.weight"):
        load_model(path)


def test_a_save_that_fails_leaves_the_old_model(model: Path) -> None:
    before = model.read_bytes()
    (model.parent / "file").write_text("")
    with pytest.raises(FileError, match="cannot write"):
        save_model(model.parent / "file" / "x.safetensors", {"a": torch.ones(1)}, "x", {})
    with pytest.raises(TypeError):
        save_model(model, {"a": torch.ones(1)}, "x", {"not json": object()})
    assert model.read_bytes() == before
    assert sorted(path.name for path in model.parent.iterdir()) == ["file", "net.json", "net.safetensors"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(at=st.integers(0, 400), junk=st.binary(min_size=1, max_size=24), cut=st.integers(0, 60))
def test_mutated_files_load_or_are_one_sentence(model: Path, at: int, junk: bytes, cut: int) -> None:
    data = bytearray(model.read_bytes())
    data[at : at + len(junk)] = junk
    path = model.with_name("mutant.safetensors")
    path.write_bytes(bytes(data[: len(data) - cut] if cut < 20 else data))
    try:
        load_model(path)
    except WeightsError as error:
        assert "mutant" in str(error)


def test_real_files_of_known_layouts_pass(data_folder: Path) -> None:
    for path in sorted((data_folder / "weights").glob("*.safetensors")):
        header = read_header(path)
        assert header.tensors and len(header.tensors) < weights.MAX_TENSORS
