"""docs/plugins.md and docs/examples: every snippet is written to its file and run, every command is called."""

from __future__ import annotations

import re
import shlex
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from studio.cli import main
from studio.plugins import check_plugin, read_plugin

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "plugins.md"
EXAMPLES = sorted(path.parent for path in (ROOT / "docs" / "examples").glob("*/plugin.toml"))
_FENCE = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass
class Snippet:
    language: str
    file: str
    text: str


def snippets() -> list[Snippet]:
    return [Snippet(match[1], match[2] or "", match[3]) for match in _FENCE.finditer(PAGE.read_text(encoding="utf-8"))]


def write_all(folder: Path) -> None:
    for snippet in snippets():
        if snippet.file:
            path = folder / snippet.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(snippet.text, encoding="utf-8")


def test_no_snippet_escapes() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text.count("```") == 2 * len(snippets()) > 20
    for snippet in snippets():
        assert snippet.language in ("python", "toml", "json", "sh")
        assert snippet.file or snippet.language in ("toml", "sh"), f"not run: {snippet.text}"


def test_the_commands_of_the_page_work_from_top_to_bottom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_all(tmp_path)
    for snippet in snippets():
        if snippet.language != "sh":
            continue
        for line in snippet.text.splitlines():
            words = shlex.split(line)
            assert words[0] == "reverie"
            code = main(words[1:])
            printed = capsys.readouterr()
            assert code == 0, f"{line}\n{printed.out}\n{printed.err}"
            if "-o" in words:
                name = words[words.index("-o") + 1]
                made = [path for path in tmp_path.iterdir() if path.stem.startswith(Path(name).stem)]
                assert any(path.stat().st_size > 100 for path in made), f"{line} made nothing"


@pytest.mark.parametrize("file", sorted({s.file for s in snippets() if s.language == "python" and "/" not in s.file}))
def test_every_plugin_of_the_page_has_no_faults(tmp_path: Path, file: str) -> None:
    write_all(tmp_path)
    assert [str(finding) for finding in check_plugin(tmp_path / file)] == []


def test_the_folder_plugin_of_the_page_has_no_faults(tmp_path: Path) -> None:
    write_all(tmp_path)
    assert [str(finding) for finding in check_plugin(tmp_path / "veil")] == []


def test_the_packaging_snippet_names_the_group_that_is_read() -> None:
    from studio.plugins.discovery import GROUP

    loose = [tomllib.loads(s.text) for s in snippets() if s.language == "toml" and not s.file]
    assert [list(table["project"]["entry-points"]) for table in loose] == [[GROUP]]


@pytest.mark.parametrize("place", EXAMPLES, ids=lambda place: place.name)
def test_the_examples_are_short_and_have_no_faults(place: Path) -> None:
    for path in place.glob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 40
    assert [str(finding) for finding in check_plugin(place)] == []


def test_there_are_a_source_an_effect_and_a_player() -> None:
    kinds = {(m.takes, m.makes) for m in (read_plugin(place).manifest for place in EXAMPLES) if m}
    assert kinds == {(None, "image"), ("image", "image"), (None, "notes")}
