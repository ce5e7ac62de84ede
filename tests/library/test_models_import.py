"""Models: listing, cards, hashes; foreign checkpoints, hostile ones among them, read in a process of their own."""

from __future__ import annotations

import json
import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from studio import paths
from studio.api import Cancelled
from studio.files import FileError
from studio.library import import_worker, importer
from studio.library.importer import check_container, import_model
from studio.library.layouts import LAYOUTS, detect, strip_prefix
from studio.library.models import list_models, read_model, verify
from studio.nn.weights import WeightsError, load_model, read_header, save_model


def test_listing_knows_house_and_user_models_and_faults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(paths, "bundled", lambda name: tmp_path / name)
    house, own = paths.model_folders()[1], paths.model_folders()[0]
    save_model(house / "flowers.safetensors", {"a": torch.zeros(2, 3)}, "gan", {"z": 8}, {"title": "Flowers"})
    save_model(house / "voice.safetensors", {"a": torch.zeros(1)}, "text", {}, {})
    save_model(own / "voice.safetensors", {"a": torch.zeros(5)}, "text", {}, {"title": "Mine"})
    (own / "broken.safetensors").write_bytes(b"x")
    (own / "voice.json").write_text((own / "voice.json").read_text())
    found = {model.name: model for model in list_models()}
    assert list(found) == ["broken", "flowers", "voice"]
    assert (found["flowers"].house, found["flowers"].parameters, found["flowers"].config) == (True, 6, {"z": 8})
    assert found["voice"].title == "Mine" and not found["voice"].house
    assert "cut short" in found["broken"].fault
    assert [model.name for model in list_models("text")] == ["voice"] and list_models("none") == []
    assert [model.name for model in list_models(("gan", "text"))] == ["flowers", "voice"]


def test_verify_compares_with_the_card(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    save_model(path, {"a": torch.zeros(3)}, "x", {}, {})
    assert verify(path) == ""
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert "is not the file its card describes" in verify(path)
    path.with_suffix(".json").write_text("{")
    assert "cannot be checked" in verify(path) and "card cannot be read" in read_model(path).fault
    path.with_suffix(".json").unlink()
    assert "no card" in verify(path)
    assert "cannot be checked" in verify(tmp_path / "none.safetensors")


class Evil:
    """Would run a program when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"echo > '{self.mark}'",)


def sparse_crasher(path: Path) -> None:
    """Loads even with weights_only=True; the first product with it ends the process."""
    rows, columns = torch.tensor([0, 2, 4]), torch.tensor([0, 1, 0, 1_000_000])
    bad = torch.sparse_csr_tensor(rows, columns, torch.ones(4), size=(2, 2), check_invariants=False)
    torch.save({"a": bad}, path)


def bomb(path: Path) -> None:
    stored = path.with_suffix(".plain")
    torch.save({"a": torch.zeros(15_000_000)}, stored)
    with zipfile.ZipFile(stored) as plain, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for info in plain.infolist():
            packed.writestr(info.filename, plain.read(info.filename))
    stored.unlink()


def shared(path: Path) -> None:
    one = torch.zeros(4_000_000)
    torch.save({f"a{n}": one for n in range(20)}, path)


def old_format(tree: object, path: Path) -> None:
    torch.save(tree, path, _use_new_zipfile_serialization=False)


HOSTILE: dict[str, tuple[Callable[[Path], object], str]] = {
    "program": (lambda p: torch.save({"a": Evil(p.parent / "ran")}, p), "would call (posix|nt).system"),
    "legacy program": (lambda p: old_format({"a": Evil(p.parent / "ran")}, p), "would call (posix|nt).system"),
    "module": (lambda p: torch.save(torch.nn.Linear(2, 2), p), "would call torch.nn.modules.linear.Linear"),
    "sparse": (sparse_crasher, "refused"),
    "bomb": (bomb, "0.06 MB would inflate to 60 MB"),
    "stride 0": (lambda p: torch.save({"a": torch.ones(1).as_strided((10**6, 10**3), (0, 0))}, p), "claims 4,000.0 MB"),
    "expanded": (lambda p: torch.save({"a": torch.ones(10, 1).expand(10, 3)}, p), "claims 0.0 MB"),
    "shared": (shared, "share memory"),
    "quantised": (
        lambda p: torch.save({"a": torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8)}, p), "refused",
    ),
    "complex": (lambda p: torch.save({"a": torch.ones(3, dtype=torch.complex64)}, p), "complex"),
    "nan": (lambda p: torch.save({"a": torch.tensor([float("nan")])}, p), "holds NaN"),
    "script": (lambda p: torch.jit.script(torch.nn.Linear(2, 2)).save(str(p)), "TorchScript"),
    "list": (lambda p: torch.save([torch.zeros(2)], p), "holds a list"),
    "no tensors": (lambda p: torch.save({"epoch": 3}, p), "no tensors"),
    "html": (lambda p: p.write_bytes(b"<!DOCTYPE html>"), "neither safetensors nor a torch checkpoint nor a StyleGAN"),
    "empty": (lambda p: p.write_bytes(b""), "neither"),
    "truncated": (lambda p: (torch.save({"a": torch.zeros(9999)}, p), p.write_bytes(p.read_bytes()[:9000])), "damaged"),
    "zip": (lambda p: zipfile.ZipFile(p, "w").writestr("a.txt", "x"), "not a torch checkpoint"),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_checkpoints_are_refused(tmp_path: Path, kind: str) -> None:
    """By the container's check or by what the reading process does; that process itself is tested below."""
    make, word = HOSTILE[kind]
    source = tmp_path / "file.pt"
    make(source)
    before = sorted(tmp_path.iterdir())
    try:
        check_container(source)
        with pytest.raises(Exception, match=r"\S") as caught:
            import_worker.read(str(source))
        text = import_worker.sentence(caught.value)
    except WeightsError as error:
        text = str(error)
    assert re.search(word, f"refused: {text}"), text
    assert "\n" not in text and sorted(tmp_path.iterdir()) == before


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["program", "sparse", "stride 0"])
def test_the_whole_import_refuses_and_leaves_nothing(tmp_path: Path, kind: str) -> None:
    make, word = HOSTILE[kind]
    source, folder = tmp_path / "file.pt", tmp_path / "models"
    make(source)
    with pytest.raises(WeightsError, match=word) as caught:
        import_model(source, folder=folder)
    assert str(caught.value).startswith(f"{source} is refused: ") and "\n" not in str(caught.value)
    assert not (tmp_path / "ran").exists()
    assert not folder.exists() or not list(folder.iterdir())


def test_an_environment_that_turns_the_guard_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    torch.save({"a": Evil(tmp_path / "ran")}, tmp_path / "f.pt")
    with pytest.raises(WeightsError, match="more than tensors"):
        import_model(tmp_path / "f.pt", folder=tmp_path / "m")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("legacy", [False, True])
def test_a_real_checkpoint_becomes_safetensors_with_a_card(tmp_path: Path, legacy: bool) -> None:
    net = torch.nn.Linear(3, 2)
    inner = {f"module.{name}": tensor for name, tensor in net.state_dict().items()}
    save = old_format if legacy else torch.save
    save({"state_dict": inner, "epoch": 7, "lr": 0.1}, tmp_path / "My Net.pth")
    done = import_model(tmp_path / "My Net.pth", licence="CC0")
    assert done.path == paths.user_folder("data") / "models" / "my-net.safetensors"
    assert done.tensors == 2 and done.layout is None and any("'module.'" in line for line in done.report)
    assert read_header(done.path).shapes == {"bias": (2,), "weight": (2, 3)}
    assert verify(done.path) == ""
    card = json.loads(done.path.with_suffix(".json").read_text())
    assert card["licence"] == "CC0" and card["imported_from"] == "My Net.pth"
    with pytest.raises(FileError, match="already a model 'my-net'"):
        import_model(tmp_path / "My Net.pth")
    assert import_model(tmp_path / "My Net.pth", replace=True).path == done.path


def test_known_layouts_are_recognised_from_files(tmp_path: Path) -> None:
    layout = next(layout for layout in LAYOUTS if layout.name.startswith("SqueezeNet"))
    tensors = {f"module.{name}": torch.zeros(shape) for name, shape in layout.telling.items()}
    torch.save(tensors, tmp_path / "sq.pth")
    done = import_model(tmp_path / "sq.pth", folder=tmp_path)
    found = read_model(done.path)
    assert done.layout == layout and found.architecture == "features" and not found.fault
    assert detect({}) is None and strip_prefix([]) == "" and strip_prefix(["model.a", "b"]) == ""


def test_layouts_of_the_real_files(data_folder: Path) -> None:
    names = {
        path.name.split("_")[0] + path.name.count("encoders") * " encoders": detect(read_header(path).shapes)
        for path in (data_folder / "weights").glob("*.safetensors")
    }
    assert {name: layout.name for name, layout in names.items() if layout} == {
        "googlenet": "GoogLeNet (Caffe)", "microast": "MicroAST", "squeezenet1": "SqueezeNet 1.1 (torchvision)",
        "vgg19 encoders": "VGG-19, distilled 16 times",
    }


def test_safetensors_are_checked_copied_and_ours_keep_their_metadata(tmp_path: Path) -> None:
    save_model(tmp_path / "ours.safetensors", {"a": torch.ones(2)}, "gan", {"z": 1})
    done = import_model(tmp_path / "ours.safetensors", "copy", folder=tmp_path)
    assert load_model(done.path, "gan").config == {"z": 1} and done.report == []
    save_model(tmp_path / "nan.safetensors", {"a": torch.tensor([1.0, float("nan")])}, "gan", {})
    with pytest.raises(WeightsError, match=r"nan.safetensors has NaN in a"):
        import_model(tmp_path / "nan.safetensors", folder=tmp_path / "m")
    (tmp_path / "bad.safetensors").write_bytes(b"\xff" * 100)
    with pytest.raises(WeightsError, match="header claims"):
        import_model(tmp_path / "bad.safetensors", folder=tmp_path / "m")
    assert not list((tmp_path / "m").iterdir())


def test_a_model_that_the_studio_trained_keeps_its_card(tmp_path: Path) -> None:
    source = tmp_path / "garden.safetensors"
    save_model(source, {"a": torch.ones(2)}, "gan", {}, {"title": "Flowers of June", "figures": {"score": 0.5}})
    done = import_model(source, name="june")
    card = json.loads(done.path.with_suffix(".json").read_text())
    assert done.about == card["title"] == "Flowers of June" and card["figures"] == {"score": 0.5}
    assert card["name"] == "june" and card["imported_from"] == "garden.safetensors" and verify(done.path) == ""
    source.with_suffix(".json").write_text(json.dumps({**card, "sha256": "0" * 64}))
    other = json.loads(import_model(source, name="other").path.with_suffix(".json").read_text())
    assert "figures" not in other, "that card is another file's"


def test_absent_files_and_folders(tmp_path: Path) -> None:
    for path, word in ((tmp_path / "none.pt", "no such file"), (tmp_path, "no such file|folder")):
        with pytest.raises(FileError, match=word):
            import_model(path)


def test_a_reader_that_takes_too_long_or_is_not_wanted_is_ended(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(3)}, tmp_path / "a.pt")
    with pytest.raises(WeightsError, match="longer than 0 seconds"):
        import_model(tmp_path / "a.pt", folder=tmp_path / "m", timeout=0.01)
    with pytest.raises(Cancelled):
        import_model(tmp_path / "a.pt", folder=tmp_path / "m", cancelled=lambda: True)
    assert not list((tmp_path / "m").iterdir())


def test_a_reader_that_dies_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save({"a": torch.zeros(3)}, tmp_path / "a.pt")
    crash = tmp_path / "import_worker.py"
    crash.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    monkeypatch.setattr(importer, "__file__", str(tmp_path / "importer.py"))
    with pytest.raises(WeightsError, match="ended the process that read it"):
        import_model(tmp_path / "a.pt", folder=tmp_path / "m")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the memory limit needs Linux")
def test_the_reader_has_a_memory_limit() -> None:
    import subprocess
    import sys

    code = (
        "import sys; sys.path.insert(0, 'studio/library'); import import_worker\n"
        "import_worker.limit_memory(64)\ntry: bytearray(300_000_000)\nexcept MemoryError: print('limited')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.stdout.strip() == "limited", done.stderr


def test_the_container_check_alone(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(3)}, tmp_path / "a.pt")
    check_container(tmp_path / "a.pt")
