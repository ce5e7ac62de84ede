"""Plain pickles: read as data, hostile ones refused with the name of what they would call; StyleGAN's among them."""

from __future__ import annotations

import collections
import json
import os
import pickle
import random
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.library import import_worker
from studio.library.importer import check_container, import_model
from studio.library.pickle_forms import CALLS, Array, Thing
from studio.library.pickles import Machine, Refused
from studio.nn.gan import load_generator
from studio.nn.weights import WeightsError, load_model
from tests.nn import published_stylegan as published


def load(data: bytes) -> Any:
    return Machine(data, CALLS).load()


def refusal(data: bytes) -> str:
    with pytest.raises(Refused) as caught:
        load(data)
    return str(caught.value)


@pytest.mark.parametrize("protocol", range(1, 6))
def test_plain_values_tensors_and_arrays_come_out_as_they_went_in(protocol: int) -> None:
    base = np.arange(12, dtype=np.float32).reshape(3, 4)
    tree = {
        "whole": [0, 7, -1, 300, -70_000, 2**70, True, None], "real": 1.25, "text": "Lärm", "bytes": b"\0\xff" * 9,
        "long": b"x" * 9000, "pair": (1, "a"), "set": {1, 2}, "frozen": frozenset({3}), "nested": {"a": {"b": [()]}},
        "array": base, "fortran": np.asfortranarray(base), "scalar": np.float64(2.5), "big": base.astype(">f8"),
        "tensor": torch.arange(6.0).view(2, 3).t(), "half": torch.ones(3).half(),
        "brain": torch.full((2,), 1.5).bfloat16(), "parameter": torch.nn.Parameter(torch.ones(2)),
        "flags": torch.tensor([True, False]),
        "ordered": collections.OrderedDict(x=1), "size": torch.Size([1, 2]), "one": torch.tensor(4.0),
    }
    found = load(pickle.dumps(tree, protocol=protocol))
    for name, value in tree.items():
        if isinstance(value, torch.Tensor):
            assert np.array_equal(found[name].plain(), value.detach().float().numpy()), name
        elif isinstance(value, np.ndarray):
            assert np.array_equal(found[name].plain(), value), name
        else:
            assert found[name] == value or bytes(found[name]) == value, name


def test_a_torch_module_is_inert_data() -> None:
    thing = load(pickle.dumps(torch.nn.Linear(3, 2)))
    assert isinstance(thing, Thing) and thing.part("_parameters")["weight"].plain().shape == (2, 3)


class Calls:
    """Pickles as a call of ``what`` with ``arguments``."""

    def __init__(self, what: Any, *arguments: Any) -> None:
        self.what, self.arguments = what, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.what, self.arguments


def named(module: str, name: str) -> bytes:
    """A call of any name, whether or not it is here: protocol 4's STACK_GLOBAL, no arguments."""
    parts = b"".join(b"\x8c" + bytes([len(part)]) + part.encode() for part in (module, name))
    return b"\x80\x04" + parts + b"\x93)R."


BY_NAME = [
    ("os", "system"), ("subprocess", "Popen"), ("builtins", "eval"), ("builtins", "exec"), ("builtins", "getattr"),
    ("builtins", "__import__"), ("builtins", "compile"), ("builtins", "open"), ("builtins", "bytearray"),
    ("torch", "load"), ("torch.serialization", "load"), ("torch.hub", "load"), ("torch.jit", "load"),
    ("torch._inductor.codecache", "PyCodeCache.load"), ("torch.utils._config_module", "load_config"),
    ("numpy", "load"), ("numpy", "fromfile"), ("numpy.core.multiarray", "fromfile"), ("numpy", "memmap"),
    ("numpy.testing._private.utils", "runstring"), ("importlib", "import_module"), ("runpy", "run_path"),
    ("operator", "attrgetter"), ("functools", "partial"), ("types", "CodeType"), ("types", "FunctionType"),
    ("pickle", "loads"), ("_pickle", "loads"), ("shutil", "rmtree"), ("webbrowser", "open"), ("socket", "socket"),
    ("pip", "main"), ("ctypes", "CDLL"), ("torch.nn.modules.linear", "Linear.forward"),
    ("torch_utils.persistence", "_src_to_module"),
    ("dnnlib.util", "call_func_by_name"), ("collections", "defaultdict"), ("__main__", "anything"),
]


@pytest.mark.parametrize(("module", "name"), BY_NAME, ids=lambda part: str(part))
def test_what_a_file_would_call_is_named(module: str, name: str) -> None:
    assert f"it would call {module}.{name} when it is opened" in refusal(named(module, name))


def long(text: bytes) -> bytes:
    return struct.pack("<I", len(text)) + text


def legacy_storage(inner: bytes) -> bytes:
    """A call of torch's own function that unpickles the bytes it is given."""
    return b"\x80\x03ctorch.storage\n_load_from_bytes\nB" + long(inner) + b"\x85R."


def torch_bytes(storage: object) -> bytes:
    import io

    out = io.BytesIO()
    torch.save(storage, out, _use_new_zipfile_serialization=False)
    return out.getvalue()


def inside_a_persistent_object(value: object) -> bytes:
    meta = {"type": "class", "version": 6, "module_src": published.SOURCE, "class_name": "G", "state": {"x": value}}
    with published.published_modules():
        return pickle.dumps(Calls(published._reconstruct_persistent_obj, meta))


def as_state(value: object) -> bytes:
    """A module whose state (what ``__setstate__`` would get) is a call."""
    return b"\x80\x03ctorch.nn.modules.linear\nLinear\n)\x81" + pickle.dumps(value)[2:-1] + b"b."


TRICKS: dict[str, tuple[Callable[[], bytes], str]] = {
    "reduce": (lambda: pickle.dumps(Calls(os.system, "true")), "would call (posix|nt).system"),
    "protocol 0": (lambda: b"cos\nsystem\n(S'true'\ntR.", "would call os.system"),
    "instance": (lambda: b"(S'true'\nios\nsystem\n.", "would call os.system"),
    "object": (lambda: b"(cos\nsystem\nS'true'\no.", "would call os.system"),
    "named only": (lambda: b"\x80\x04cbuiltins\neval\n.", "would call builtins.eval"),
    "new object": (lambda: b"\x80\x04ctypes\nCodeType\n)\x81.", "would call types.CodeType"),
    "nested": (lambda: pickle.dumps({"a": [(1, {"b": Calls(eval, "1")})]}), "would call builtins.eval"),
    "persistent object": (lambda: inside_a_persistent_object(Calls(exec, "1")), "would call builtins.exec"),
    "state": (lambda: as_state(Calls(os.system, "true")), "would call (posix|nt).system"),
    "inside a storage": (
        lambda: legacy_storage(torch_bytes({"a": Calls(os.system, "true")})), "would call (posix|nt).system"),
    "reconstructor": (lambda: b"\x80\x03ccopyreg\n_reconstructor\ncos\nsystem\nc__builtin__\nobject\nN\x87R.",
                      "would call os.system"),
    "unprintable": (lambda: named("os", "sys\ntem\x1b[31m"), r"would call os.sys\?tem\?\[31m"),
    "number for a name": (lambda: b"\x80\x02\x82\x01.", "a number that only its maker's program knows"),
    "text as function": (lambda: b"\x80\x03X" + long(b"system") + b")R.", "would call a str"),
    "state of a list": (lambda: b"\x80\x03]}b.", "gives a state to a list"),
    "state of a tensor": (lambda: pickle.dumps(torch.ones(1))[:-1] + b"}b.", "array"),
    "module with arguments": (lambda: b"\x80\x03ctorch.nn.modules.linear\nLinear\nK\x01K\x02\x86R.", "with arguments"),
    "objects in an array": (
        lambda: pickle.dumps(np.array([Calls(eval, "1")], dtype=object)), "'O8', not plain numbers"),
    "outside values": (lambda: b"\x80\x02X" + long(b"key") + b"Q.", "kept outside"),
    "outside buffers": (lambda: b"\x80\x05\x97.", "kept outside"),
    "deep key": (lambda: b"\x80\x02}" + b"(" * 50 + b"t" * 50 + b"K\x01s.", "as a key"),
    "list as key": (lambda: b"\x80\x02}]K\x01s.", "as a key"),
    "tensorflow": (lambda: b"\x80\x03cdnnlib.tflib.network\nNetwork\n)\x81.", "TensorFlow's StyleGAN"),
}


@pytest.mark.parametrize("kind", TRICKS)
def test_tricks_are_refused(kind: str) -> None:
    make, said = TRICKS[kind]
    before = set(sys.modules)
    with pytest.raises(Refused, match=said) as caught:
        load(make())
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300
    assert not {"webbrowser", "pip", "runpy"} & (set(sys.modules) - before)


def array_of(shape: str, data: bytes) -> bytes:
    return (
        b"\x80\x03cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R(K\x01"
        + shape.encode("latin-1")
        + b"cnumpy\ndtype\nX\x02\0\0\0f4\x85RNB" + long(data) + b"tb."
    )


def tensor_of(size: str, stride: str) -> bytes:
    whole = pickle.dumps(torch.ones(4), protocol=2)
    place = whole.index(b"K\x00K\x04\x85")
    end = whole.index(b"\x89", place)
    return whole[:place] + b"K\x00" + (size + stride).encode("latin-1") + whole[end:]


BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "array": (lambda: array_of("I99999999999\n\x85", b"1234"), "claims 99,999,999,999 numbers but holds 4 bytes"),
    "negative array": (lambda: array_of("I-1\n\x85", b""), "damaged"),
    "tensor": (lambda: tensor_of("I1000000000\n\x85", "K\x01\x85"), "claims 1,000,000,000 numbers but stores 4"),
    "stride 0": (lambda: tensor_of("K\x04\x85", "K\x00\x85"), "claims 4 numbers but stores 4"),
    "far stride": (lambda: tensor_of("K\x02\x85", "K\x09\x85"), "claims 2 numbers but stores 4"),
    "negative stride": (lambda: tensor_of("K\x02\x85", "I-1\n\x85"), "damaged"),
    "long bytes": (lambda: b"\x80\x04\x8e" + struct.pack("<Q", 2**60) + b"x.", "cut short"),
    "long text": (lambda: b"\x80\x04X" + struct.pack("<I", 2**32 - 1) + b"x.", "cut short"),
    "long number": (lambda: b"\x80\x02\x8b" + struct.pack("<i", 100_000) + b"x" * 100_000 + b".", "damaged"),
    "long digits": (lambda: b"L" + b"9" * 4000 + b"L\n.", "damaged"),
    "endless": (lambda: b"\x80\x02" + b"N0" * 1_100_000, "does not come to an end"),
    "marks": (lambda: b"\x80\x02" + b"(" * 3000, "cut short"),
    "empty": (lambda: b"", "cut short"),
    "stop": (lambda: b".", "cut short"),
    "unknown memo": (lambda: b"\x80\x02h\x09.", "damaged"),
    "not a pickle": (lambda: b"\x80\x02<html>", "damaged"),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_bombs_are_refused(kind: str) -> None:
    make, said = BOMBS[kind]
    assert said in refusal(make())


def test_laughter_is_counted_not_expanded() -> None:
    """Lists of lists of lists: 60 objects, 2 to the 60 on paper. And modules that share their children."""
    nest: list[Any] = []
    for _ in range(60):
        nest = [nest, nest]
    assert load(pickle.dumps(nest, protocol=4)) is not None
    module = torch.nn.Module()
    for _ in range(23):
        parent = torch.nn.Module()
        parent.a = parent.b = module
        module = parent
    module.mapping, module.synthesis = torch.nn.Module(), torch.nn.Module()
    from studio.library import stylegan_pickle

    with pytest.raises(Refused, match="nested too deep"):
        stylegan_pickle.tensors_of(stylegan_pickle.generator_of(load(pickle.dumps(module))))


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_a_value_or_a_refusal(data: bytes) -> None:
    try:
        load(b"\x80\x04" + data)
    except Refused as error:
        assert "\n" not in str(error)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("net") / "net.pkl"
    return published.dump(published.stylegan2(size=8, labels=2), path).read_bytes()


@given(seed=st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_damaged_snapshots_are_refused_or_read(
    snapshot: bytes, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    chance = random.Random(seed)
    data = bytearray(snapshot)
    kind = chance.randrange(4)
    for _ in range(chance.randrange(1, 6)):
        place = chance.randrange(len(data))
        if kind == 0:
            data[place] = chance.randrange(256)
        elif kind == 1:
            del data[place:]
            break
        elif kind == 2:
            data[place:place] = chance.randbytes(chance.randrange(1, 9))
        else:
            other = chance.randrange(len(data))
            data[place : place + 40] = data[other : other + 40]
    path = tmp_path_factory.getbasetemp() / "damaged.pkl"
    path.write_bytes(data or b"\0")
    try:
        arrays, report = import_worker.read_pickle(str(path))
    except Refused as error:
        assert "\n" not in str(error) and len(str(error)) < 400
    else:
        assert sum(array.nbytes for array in arrays.values()) < 2 * len(data) + 2**26 and isinstance(report, dict)


# --- whole imports, in a process of its own ---


def test_a_stylegan_pickle_becomes_a_model_that_plays(tmp_path: Path) -> None:
    net = published.stylegan2(labels=2)
    done = import_model(published.dump(net, tmp_path / "My Faces.pkl"), licence="CC BY-NC 4.0", folder=tmp_path / "m")
    assert done.path.name == "my-faces.safetensors" and done.layout is not None and done.layout.name == "StyleGAN2"
    assert done.about == "StyleGAN2, 16 pixels a side, 6 layers, 2 classes" and not done.report
    card = json.loads(done.path.with_suffix(".json").read_text())
    assert card["about"] == done.about and card["licence"] == "CC BY-NC 4.0"
    model = load_model(done.path, "gan")
    assert model.config["network"] == "stylegan2" and model.config["size"] == 16
    made = load_generator(done.path)
    assert made.classes == ("0", "1") and made.synthesis(made.seed_w(3)).shape == (1, 3, 16, 16)
    assert not {"torch_utils", "dnnlib"} & set(sys.modules)


def test_classes_are_named_at_the_import(tmp_path: Path) -> None:
    path = published.dump(published.stylegan2(labels=2), tmp_path / "net.pkl")
    done = import_model(path, folder=tmp_path / "m", classes=["cat", "dog"])
    assert load_generator(done.path).classes == ("cat", "dog")
    with pytest.raises(WeightsError, match="trained with 2 classes, and 3 names were given"):
        import_model(path, "other", folder=tmp_path / "m", classes=["a", "b", "c"])
    assert {file.stem for file in (tmp_path / "m").iterdir()} == {"net"}


def test_a_plain_pickle_of_arrays_is_kept_and_another_ending_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(pickle.dumps({"state_dict": {"w": np.ones((2, 3)), "n": 4}}))
    done = import_model(tmp_path / "a.bin", folder=tmp_path / "m")
    assert done.tensors == 1 and any("1 entries that are not tensors" in line for line in done.report)


def hog() -> bytes:
    """Copies one long list over and over: little in the file, much in memory."""
    whole = b"\x80\x02]q\x01(" + b"K\x01" * 200_000 + b"e0]("
    return whole + b"cbuiltins\nlist\nh\x01\x85R" * 3000 + b"e."


@pytest.mark.parametrize(("make", "said"), [
    (lambda: pickle.dumps(Calls(os.system, "echo > ran")), r"would call (posix|nt)\.system"),
    (lambda: b"\x80\x02" + b"N0" * 1_100_000, "does not come to an end"),
    pytest.param(hog, "more memory than its size allows", marks=pytest.mark.skipif(
        not Path("/proc/self/statm").exists(), reason="the memory limit needs Linux")),
], ids=["call", "endless", "hog"])
def test_hostile_pickles_leave_nothing(tmp_path: Path, make: Callable[[], bytes], said: str) -> None:
    source, folder = tmp_path / "net.pkl", tmp_path / "models"
    source.write_bytes(make())
    with pytest.raises(WeightsError, match=said) as caught:
        import_model(source, folder=folder)
    assert str(caught.value).startswith(f"{source} is refused: ") and "\n" not in str(caught.value)
    assert not (tmp_path / "ran").exists() and (not folder.exists() or not list(folder.iterdir()))


def snapshot_with(tmp_path: Path, net: Any, **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    return import_worker.read_pickle(str(published.dump(net, tmp_path / "net.pkl", **more)))


@pytest.mark.parametrize(("change", "said"), [
    (lambda net: setattr(net.synthesis.b8, "architecture", "resnet"), "has the architecture 'resnet'; only 'skip'"),
    (lambda net: setattr(net.synthesis.b4, "architecture", "orig"), "has the architecture 'orig'"),
    (lambda net: setattr(net, "img_channels", 4), "have 4 channels"),
    (lambda net: setattr(net, "z_dim", "many"), "its z_dim is 'many', not a number"),
    (lambda net: setattr(net, "w_dim", 2.5), "its w_dim is 2.5, not a whole number"),
    (lambda net: setattr(net.synthesis.b8.conv1, "activation", "relu"), "activation 'relu' is not known"),
    (lambda net: net.__delattr__("mapping"), "without mapping and synthesis"),
    (lambda net: net.synthesis.__delattr__("b4"), "of a form that is not known"),
    (lambda net: net.synthesis.b8.__delattr__("conv1"), "b8 has no layer conv1"),
    (lambda net: net.mapping.__delattr__("fc0"), "no layer fc0"),
    (lambda net: net.mapping.w_avg.fill_(float("nan")), "'mapping.w_avg' holds NaN"),
])
def test_networks_that_are_not_known_are_sentences(tmp_path: Path, change: Callable[[Any], None], said: str) -> None:
    net = published.stylegan2()
    change(net)
    with pytest.raises(Refused, match=said):
        snapshot_with(tmp_path, net)


def test_snapshots_without_a_generator_are_sentences(tmp_path: Path) -> None:
    net = published.stylegan2()
    with pytest.raises(Refused, match=r"holds G, D, G_ema.*no network that is known"):
        snapshot_with(tmp_path, net, G=None, G_ema=None, D=torch.nn.Linear(1, 1))
    arrays, _ = snapshot_with(tmp_path, net, G_ema=None)
    assert "mapping.fc0.weight" in arrays
    (tmp_path / "list.pkl").write_bytes(pickle.dumps([1]))
    with pytest.raises(Refused, match="holds a list"):
        import_worker.read_pickle(str(tmp_path / "list.pkl"))


def test_tensors_that_do_not_fit_their_configuration_are_refused(tmp_path: Path) -> None:
    net = published.stylegan2()
    net.synthesis.b8.conv0.weight = torch.nn.Parameter(torch.zeros(8, 7, 3, 3))
    with pytest.raises(WeightsError, match=r"pictures.b8.conv0.weight is 8x7x3x3, not 8x8x3x3"):
        import_model(published.dump(net, tmp_path / "net.pkl"), folder=tmp_path / "m")
    assert not list((tmp_path / "m").iterdir())


def test_the_source_inside_a_pickle_stays_text_and_the_container_check_lets_pickles_pass(tmp_path: Path) -> None:
    path = published.dump(published.stylegan3(), tmp_path / "net.pkl")
    check_container(path)
    assert published.SOURCE.encode() in path.read_bytes()
    tree = load(path.read_bytes())  # SystemExit would end the test run
    assert isinstance(tree["G_ema"], Thing) and tree["G_ema"].cls == "Generator"
    assert isinstance(tree["G_ema"].part("_modules")["synthesis"].part("_modules")["input"].part("_buffers")["freqs"],
                      Array)
