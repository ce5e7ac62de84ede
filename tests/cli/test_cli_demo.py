"""The demo's machinery with small parts; the page; the benchmark runner."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from studio.cli import bench_cmd, demo_cmd, main
from studio.cli.demo_cmd import Part, Step
from studio.cli.gallery import Exhibit, Section, page, piano_roll

SMALL = {
    "text": Part("Words", "text", "Some.", (Step("letters --set length=9 -o text.txt", "Nine <letters>."),)),
    "rings": Part(
        "Rings", "video", "Round & round.",
        (Step("rings --frames 4 -o clip.mp4 -o clip.gif", "4."), Step("invert --input clip.mp4 -o last.png", "One.")),
    ),
    "tune": Part("Tune", "music", "Short.", (Step("tune --bars 1 -o tune.mid -o tune.wav", "A bar."),)),
    "broken": Part("Broken", "picture", "Fails.", (Step("broken -o never.png", "Never."),)),
}


class Balanced(HTMLParser):
    """Checks that elements close in order, and collects what the page refers to."""

    VOID = ("meta", "img", "br", "line", "rect")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value for name, value in attrs if name in ("src", "href") and value]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value for name, value in attrs if name in ("src", "href") and value]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture
def small(plugins: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(demo_cmd, "PARTS", SMALL)
    return Path.cwd()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_gallery_is_whole_and_the_same_twice(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--out", "one"]) == 1  # one part is broken: the others are there, and it is said
    shown = capsys.readouterr()
    assert "3 of 4 parts" in shown.out and "left out" in shown.err
    assert main(["demo", "--out", "two"]) == 1
    first, second = contents(small / "one"), contents(small / "two")
    made = ["text.txt", "text.txt.json", "clip.mp4", "clip.gif", "last.png", "tune.mid", "tune.wav", "index.html"]
    assert sorted(first) == sorted(made)
    assert first == second
    html = first["index.html"].decode()
    parser = Balanced()
    parser.feed(html)
    assert parser.open == []
    assert set(parser.links) <= set(first)
    assert "Nine &lt;letters&gt;." in html and "Not made:" in html and "--seed 7" in html
    assert "http" not in html.replace("http-equiv", "")
    assert str(small) not in html
    assert main(["demo", "--out", "three", "--seed", "8", "--part", "text"]) == 0
    assert contents(small / "three")["text.txt"] != first["text.txt"]


@pytest.mark.slow
@pytest.mark.parametrize("part", list(demo_cmd.PARTS))
def test_a_real_part_is_the_same_twice(part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        assert main(["demo", "--out", name, "--part", part]) == 0
    first, second = contents(tmp_path / "one"), contents(tmp_path / "two")
    assert first == second
    assert {file for step in demo_cmd.PARTS[part].steps for file in step.files} <= set(first)


def test_the_smallest_part_and_json(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--part", "smallest", "--json", "--out", "g"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["files"] == {"text": ["text.txt"]} and answer["skipped"] == {}
    Path("file").write_text("")
    assert main(["demo", "--out", "file/g"]) == 1
    assert main(["demo", "--seed", "-1"]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_the_real_parts_are_well_formed() -> None:
    from studio.cli import Parser, render_cmd
    from studio.cli.gallery import ACCENTS
    from studio.library.presets import find_preset
    from studio.plugins import discover

    assert demo_cmd.SMALLEST in demo_cmd.PARTS and set(demo_cmd.ON_PAGE) == set(demo_cmd.PARTS)
    parser = Parser()
    render_cmd.add(parser)
    seen: set[str] = set()
    for part in demo_cmd.PARTS.values():
        assert part.medium in ACCENTS
        for step in part.steps:
            parsed = parser.parse_args(step.words(7))
            assert parsed.out == step.files and not seen & set(step.files)
            assert parsed.input is None or parsed.input in seen | {f for s in part.steps for f in s.files}
            seen |= set(step.files)
            plugin = discover(builtin_only=True).get(parsed.generator)
            if parsed.preset:
                find_preset(plugin.id, parsed.preset)
            declared = plugin.load().params
            assert {text.split("=")[0] for text in parsed.sets} <= set(declared)


def test_texts_on_the_page_are_only_text(tmp_path: Path) -> None:
    (tmp_path / "evil.txt").write_text("<script>alert(1)</script>\n" * 500)
    section = Section("<b>", "text", "&", [Exhibit(["evil.txt"], "\"'<i>", "a <b>")])
    html = page([section], tmp_path, seed=1, command="x")
    assert "<script>" not in html and "<i>" not in html and "<b>" not in html and "…" in html


def test_a_piano_roll_of_nothing_is_nothing(tmp_path: Path) -> None:
    import mido

    mido.MidiFile(tracks=[mido.MidiTrack()]).save(tmp_path / "empty.mid")
    assert piano_roll(tmp_path / "empty.mid") == ""


def test_benchmarks_are_run_and_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench_cmd, "folder", lambda: tmp_path)
    assert main(["bench"]) == 1
    assert "source of Reverie" in capsys.readouterr().err
    good = "def run():\n    return dict(name='good', ratio=12.5, target=10.0, ours=25.0, reference=2.0, unit='fps')\n"
    (tmp_path / "good.py").write_text(good)
    (tmp_path / "poor.py").write_text(good.replace("12.5", "2.5").replace("good", "poor"))
    (tmp_path / "ill.py").write_text("def run():\n    raise RuntimeError('no model')\n")
    (tmp_path / "_helper.py").write_text("raise SystemExit\n")
    assert main(["bench", "good", "--check"]) == 0
    assert main(["bench"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "12.50×" in shown and "MISSED" in shown and "no model" in shown
    assert main(["bench", "--check"]) == 1
    capsys.readouterr()
    assert main(["bench", "nosuch"]) == 2
    assert main(["bench", "poor", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["ratio"] == 2.5
