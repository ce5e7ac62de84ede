"""House rules that a reader cannot see in one file: what the tree may not call, and hostile files at every door."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from studio.files import FileError

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ("studio", "plugins", "docs", "benchmarks", "main.py", "setup.py", ".ci")

FORBIDDEN_CALLS = {
    "eval": "runs text as code", "exec": "runs text as code", "compile": "runs text as code",
    "__import__": "hides an import",
    "pickle.load": "pickle runs code", "pickle.loads": "pickle runs code", "pickle.Unpickler": "pickle runs code",
    "marshal.loads": "as pickle", "shelve.open": "pickle inside", "joblib.load": "pickle inside",
    "torch.jit.load": "runs a program", "torch.export.load": "runs a program", "torch.hub.load": "fetches and runs",
    "os.system": "a shell", "os.popen": "a shell", "yaml.load": "runs code", "tempfile.mktemp": "a race",
    "zipfile.extractall": "see studio.archives", "shutil.unpack_archive": "see studio.archives",
}
FORBIDDEN_MODULES = {"pickle", "marshal", "shelve", "dill", "joblib", "cloudpickle", "PyQt6", "PyQt5"}
ALLOWED = {("studio/plugins/registry.py", "exec"), ("studio/plugins/registry.py", "compile")}
"""Loading a plugin that the user enabled is running its code; nothing else is."""


def sources() -> list[Path]:
    found: list[Path] = []
    for name in SHIPPED:
        path = ROOT / name
        found += [path] if path.suffix == ".py" else sorted(path.rglob("*.py"))
    return [path for path in found if path.is_file()]


def dotted(node: ast.expr) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join(reversed([*parts, node.id])) if isinstance(node, ast.Name) else ""


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_forbidden_calls(path: Path) -> None:
    where = path.relative_to(ROOT).as_posix()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            bad = FORBIDDEN_MODULES & {name.split(".")[0] for name in names}
            assert not bad, f"{where}:{node.lineno} imports {bad}"
        if not isinstance(node, ast.Call):
            continue
        name = dotted(node.func)
        if (where, name) not in ALLOWED:
            assert name not in FORBIDDEN_CALLS, f"{where}:{node.lineno} calls {name}: {FORBIDDEN_CALLS[name]}"
            assert not name.endswith(".extractall"), f"{where}:{node.lineno}: use studio.archives"
        keywords = {k.arg: k.value for k in node.keywords}
        if name == "torch.load":
            safe = keywords.get("weights_only")
            assert isinstance(safe, ast.Constant) and safe.value is True, f"{where}:{node.lineno}: weights_only=True"
            assert where == "studio/library/import_worker.py", f"{where}:{node.lineno}: only the importer's child may"
        if name in ("np.load", "numpy.load"):
            allowed = keywords.get("allow_pickle")
            assert allowed is None or (isinstance(allowed, ast.Constant) and allowed.value is False)
        shell = keywords.get("shell")
        assert not (isinstance(shell, ast.Constant) and shell.value), f"{where}:{node.lineno}: no shell"


def test_no_archive_escape_no_disabled_guard_and_no_machine_paths_in_the_text() -> None:
    bad = re.compile(r"weights_only\s*=\s*False|allow_pickle\s*=\s*True|TORCH_FORCE_NO_WEIGHTS|verify\s*=\s*False")
    machine = re.compile(r"/(?:work|root)/[a-z]")
    for path in sources():
        text = path.read_text(encoding="utf-8")
        assert not bad.search(text), path
        assert not machine.search(text), path


def test_no_pickles_are_tracked() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    names = listed.stdout.splitlines() if listed.returncode == 0 else []
    assert not [name for name in names if name.endswith((".pkl", ".pt", ".pth", ".ckpt", ".npy", ".onnx", ".bin"))]


def test_models_on_the_shelf_are_what_their_cards_say() -> None:
    from studio.library.models import verify

    for path in sorted((ROOT / "resources" / "models").glob("*.safetensors")):
        assert verify(path) == ""


# --- one table: what a stranger's file may be, and the door it comes through ---


def _image(path: Path) -> object:
    from studio.picture import read_image

    return read_image(path)


def _midi(path: Path) -> object:
    from studio.midi_file import read_midi

    return read_midi(path)


def _text(path: Path) -> object:
    from studio.files import read_text

    return read_text(path)


def _preset(path: Path) -> object:
    from studio.library.presets import load_preset

    return load_preset(path)


def _session(path: Path) -> object:
    from studio.library.session import load_session

    return load_session(path)


def _weights(path: Path) -> object:
    from studio.nn.weights import load_model

    return load_model(path)


def _checkpoint(path: Path) -> object:
    from studio.library.importer import check_container

    return check_container(path)


def _archive(path: Path) -> object:
    from studio.archives import extract_zip

    return extract_zip(path, path.with_name("out"))


DOORS: dict[str, Callable[[Path], object]] = {
    "image": _image, "midi": _midi, "text": _text, "preset": _preset, "session": _session, "weights": _weights,
    "checkpoint": _checkpoint, "archive": _archive,
}


def png(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data))

    head = struct.pack(">LLBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(64))) + chunk(b"IEND", b"")


def gif(cut: int) -> bytes:
    import io

    from PIL import Image

    out = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    frames = [Image.fromarray(np.roll(noise, n)) for n in range(4)]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    return out.getvalue()[:cut]


FILES: dict[str, bytes] = {
    "empty": b"", "random": np.random.default_rng(1).bytes(5000), "zeros": bytes(5000),
    "html": b"<!DOCTYPE html><html>",
    "huge picture": png(30_000, 30_000), "gif cut short": gif(700), "gif header only": gif(20),
    "midi noise": b"MThd\0\0\0\x06\0\1\xff\xff\0\0" + np.random.default_rng(2).bytes(3000),
    "zip header": b"PK\x03\x04" + bytes(100), "json list": b"[]", "deep json": b'{"a":' * 50_000,
    "half json": b'{"format": "rev',
    "nan json": b'{"format": NaN}', "double key": b'{"format": "reverie.preset", "format": "reverie.preset"}',
    "future": json.dumps({"format": "reverie.other", "format_version": 10**9}).encode(),
    "playlist": b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
    "pickle": b"\x80\x04\x95\x10\0\0\0\0\0\0\0\x8c\x02os\x94.",
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", FILES)
def test_every_bad_file_at_every_door_is_fine_or_one_sentence(tmp_path: Path, door: str, kind: str) -> None:
    path = tmp_path / "bad.file"
    path.write_bytes(FILES[kind])
    try:
        DOORS[door](path)
    except ValueError as error:  # FileError, WeightsError, MediaError: sentences all
        assert type(error).__module__.startswith("studio."), repr(error)
        text = str(error)
        assert "bad.file" in text and "\n" not in text and len(text) < 600, text
    else:
        assert door in ("text", "preset", "session", "midi", "checkpoint"), f"{door} took {kind}"
    assert {p.name for p in tmp_path.iterdir()} == {"bad.file"}, "something half-written is left"


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("place", ["missing.file", "missing/missing.file", ".", "x" * 300, "nul\0.file"])
def test_places_that_are_no_files(tmp_path: Path, door: str, place: str) -> None:
    with pytest.raises(ValueError, match=r"\S") as caught:
        DOORS[door](tmp_path / place)
    assert type(caught.value).__module__.startswith("studio."), repr(caught.value)
    assert "\n" not in str(caught.value) and "Errno" not in str(caught.value)


@pytest.mark.parametrize("door", ["midi", "text", "preset", "session"])
def test_half_a_gigabyte_is_refused_without_reading_it(tmp_path: Path, door: str) -> None:
    path = tmp_path / "big.file"
    with path.open("wb") as file:
        file.truncate(500_000_000)
    began = time.perf_counter()
    with pytest.raises(FileError, match="MB"):
        DOORS[door](path)
    assert time.perf_counter() - began < 2.0


@pytest.mark.skipif(os.name != "posix", reason="POSIX pipe")
@pytest.mark.parametrize("door", DOORS)
def test_no_door_waits_for_a_pipe(tmp_path: Path, door: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="pipe"):
        DOORS[door](tmp_path / "pipe")
