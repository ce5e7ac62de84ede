"""Set-up on a copy of the checkout's few files, with a real environment but no packages from the network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from studio import bootstrap

ROOT = Path(bootstrap.__file__).resolve().parents[1]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose only dependency is a package that lies beside it."""
    (tmp_path / "studio" / "cli").mkdir(parents=True)
    for name in ("main.py", "studio/__init__.py", "studio/bootstrap.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "studio/cli/__init__.py").write_text("")
    (tmp_path / "studio/cli/__main__.py").write_text(
        "import os, sys, tiny_dependency\nprint('studio', *sys.argv[1:], os.environ['REVERIE_COMMAND'])\nsys.exit(7)\n"
    )
    _wheel(tmp_path / "wheels", "tiny_dependency")
    (tmp_path / "pyproject.toml").write_text(
        '[project]\ndependencies = ["tiny_dependency"]\n[project.optional-dependencies]\ntest = []\n'
    )
    (tmp_path / "constraints.txt").write_text("tiny_dependency==1.0\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    return tmp_path


def _wheel(folder: Path, name: str) -> None:
    import zipfile

    folder.mkdir(exist_ok=True)
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}.py", "")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


def start(checkout: Path, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(checkout / "main.py"), *arguments], capture_output=True, text=True, cwd=cwd or checkout,
        stdin=subprocess.DEVNULL, env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
    )


def test_first_start_second_start_half_made_and_changed(checkout: Path) -> None:
    first = start(checkout, "demo", "--part", "x", cwd=checkout.parent)
    assert first.returncode == 7, first.stderr
    assert first.stdout.startswith("studio demo --part x python")
    assert "Setting up" in first.stderr and "Set up in" in first.stderr
    assert "tiny_dependency" in (checkout / "setup.log").read_text()

    second = start(checkout, "render")
    assert (second.returncode, second.stderr) == (7, "")

    # interrupted between the packages and the stamp: only the packages are looked at again
    (checkout / ".venv/reverie-setup.json").unlink()
    python = next((checkout / ".venv").glob("*/python*"))
    made = python.lstat().st_ctime_ns
    assert start(checkout).returncode == 7
    assert python.lstat().st_ctime_ns == made

    # interrupted while the environment was being made: it is made anew
    shutil.rmtree(next((checkout / ".venv").glob("[Ll]ib")))
    (checkout / ".venv/reverie-setup.json").unlink()
    (checkout / ".venv/reverie-unfinished").touch()
    third = start(checkout)
    assert third.returncode == 7, third.stderr
    assert "half-made" in third.stderr

    # other pins: set up again
    (checkout / "constraints.txt").write_text("tiny_dependency==1.0\n# changed\n")
    assert "Setting up" in start(checkout).stderr


def test_a_missing_package_is_a_sentence_and_can_be_tried_again(checkout: Path) -> None:
    (checkout / "pyproject.toml").write_text(
        '[project]\ndependencies = ["no_such_package_here"]\n[project.optional-dependencies]\ntest = []\n'
    )
    failed = start(checkout)
    assert failed.returncode == 1
    assert "pip could not install" in failed.stderr and "no_such_package_here" in failed.stderr
    assert "Traceback" not in failed.stderr
    (checkout / "pyproject.toml").write_text(
        '[project]\ndependencies = ["tiny_dependency"]\n[project.optional-dependencies]\ntest = []\n'
    )
    assert start(checkout).returncode == 7


def test_a_folder_that_is_no_environment_is_left_alone(checkout: Path) -> None:
    (checkout / ".venv").mkdir()
    (checkout / ".venv/precious.txt").write_text("mine")
    refused = start(checkout)
    assert refused.returncode == 1 and "not a Python environment" in refused.stderr
    assert (checkout / ".venv/precious.txt").read_text() == "mine"


def test_a_stamp_that_is_damaged_counts_for_nothing(checkout: Path) -> None:
    setup = bootstrap.Setup(checkout)
    setup.venv.mkdir()
    for text in ("", "[]", "{", json.dumps({"hash": setup.hash}), json.dumps({"hash": 1, "extras": []})):
        setup.stamp.write_text(text)
        assert setup.done() is None


def test_the_one_command_for_missing_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap.sys, "platform", "linux")
    monkeypatch.setattr(bootstrap.ctypes.util, "find_library", lambda name: None)
    missing = bootstrap.missing_libraries(["sounddevice", "pyside6-essentials"])
    assert {library.find for library in missing} >= {"portaudio", "EGL", "GL", "xkbcommon", "xcb-cursor"}
    own = bootstrap.Setup(Path(__file__).resolve().parents[1]).dependencies
    names = {bootstrap.re.split(r"[^\w-]", package)[0] for package in own}
    assert {library.package for library in bootstrap.LIBRARIES} <= names  # as _libraries asks for them
    assert bootstrap.missing_libraries(["numpy"]) == []
    for manager in bootstrap.INSTALL:
        monkeypatch.setattr(bootstrap.shutil, "which", lambda name, manager=manager: name if name == manager else None)
        command = bootstrap.install_command(missing)
        assert command[0] == manager and len(set(command)) == len(command)
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: None)
    assert bootstrap.install_command(missing) == []


@pytest.mark.parametrize(("line", "stage"), [
    ("Collecting torch>=2.8 (from x)", "finding torch"),
    ("  Downloading https://a.b/pillow-13.0.0-cp311-any.whl (7.1 MB)", "downloading pillow (7.1 MB)"),
    ("Installing collected packages: a, b, c", "installing 3 packages"),
    ("Requirement already satisfied: a", ""),
    ("", ""),
])
def test_pip_lines_for_people(line: str, stage: str) -> None:
    assert bootstrap._stage(line) == stage


def test_only_the_standard_library_is_imported() -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import studio.bootstrap; "
        "names = {m.split('.')[0] for m in sys.modules}; "
        "print(names - sys.stdlib_module_names - {'studio', '__main__'})"
    )
    command = [sys.executable, "-I", "-S", "-c", code, str(ROOT)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "set()"


def test_the_whole_suite_runs_on_several_cores_and_named_tests_on_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert bootstrap.spread(["--cov", "--cov-report=term"])[:2] == ["-n", "2"]
    assert bootstrap.spread(["tests/test_bootstrap.py", "-x"]) == []
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert bootstrap.spread([])[:2] == ["-n", "4"]  # each has torch in its memory
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert bootstrap.spread([]) == []
