"""What all tests share: the repository root on the path, the user's folders redirected, optional development data."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

import studio  # noqa: E402, F401 - says how torch's threads wait, which must be known before torch is loaded


def shared_data() -> Path | None:
    """Development data (real texts, MIDI, pictures, weights), or None; it never comes with the project."""
    for candidate in (os.environ.get("REVERIE_DATA"), ROOT.parent / "shared" / "data"):
        if candidate and Path(candidate).is_dir():
            return Path(candidate)
    return None


@pytest.fixture
def data_folder() -> Path:
    """The development data; skips where it is absent."""
    folder = shared_data()
    if folder is None:
        pytest.skip("development data is not here; set REVERIE_DATA to its folder")
    return folder


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """torch computes in one thread while a module's tests run: for so little work a second one is only a wait."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's real settings, models or plugins."""
    monkeypatch.setenv("REVERIE_HOME", str(tmp_path_factory.mktemp("home")))
