"""docs/models.md: every command of the page is run, and what it says of a hostile file is what the studio says."""

from __future__ import annotations

import io
import os
import pickle
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.cli import main
from studio.library import catalogue as module
from studio.library.catalogue import Entry
from studio.nn.gan import load_generator
from studio.paths import find_model
from tests.library.server import serve, whole
from tests.nn import published_stylegan as published

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "models.md"


def commands() -> list[list[str]]:
    lines = re.findall(r"^reverie (.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return [shlex.split(line, comments=True) for line in lines]


class Hostile:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("true",)


def test_the_commands_of_the_page_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import hashlib

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    published.dump(published.stylegan2(size=8), tmp_path / "FILE")
    published.dump(published.stylegan2(size=8, labels=3), tmp_path / "animals.pkl")
    data = pickle.dumps({"weights": np.ones(3)})
    ran = commands()
    assert len(ran) >= 7
    with serve(whole(data)) as (url, _):
        entry = Entry("googlenet", "GoogLeNet", "", url, len(data), hashlib.sha256(data).hexdigest(), "CC0", "features")
        monkeypatch.setattr(module, "catalogue", lambda path=None: [entry])
        for words in ran:
            yes = ["--yes"] if words[1] in ("fetch", "remove") else []
            assert main([*words, *yes]) == 0, (words, capsys.readouterr().err)
    assert load_generator(find_model("animals")).classes == ("cat", "dog", "fox")
    assert find_model("faces").with_suffix(".json").read_text().count("CC BY-NC 4.0") == 1


@pytest.mark.skipif(os.name != "posix", reason="the page shows a POSIX system's name")
def test_what_the_page_says_of_a_hostile_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "it.pkl").write_bytes(pickle.dumps(Hostile()))
    assert main(["models", "import", "it.pkl"]) == 1
    said = capsys.readouterr().err
    shown = re.search(r"^it\.pkl (is refused: it would call .*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert shown is not None and shown[1] in said
