"""``reverie take``: what is in a take, and rendering it again; refusals are sentences."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.cli import main
from studio.session.takes import TakeWriter


@pytest.fixture
def take(tmp_path: Path) -> Path:
    """Half a second of the sample scene that comes with the studio."""
    path = tmp_path / "show.take"
    writer = TakeWriter(path, {"size": [64, 48], "fps": 20, "clock": [0.0, 120.0, 0.0, 4], "mix": {"crossfade": 0.0}})
    stage = {"id": 1, "generator": "reverie.sample_scene", "version": 1, "params": {}, "offsets": {}, "bypass": False}
    writer.write([
        {"t": 0.0, "e": "chain", "line": "A", "fresh": True, "seed": 0, "size": [64, 48], "input": None,
         "stages": [stage]},
        {"t": 0.1, "e": "mark", "text": "Hour"}, {"t": 0.1, "e": "set", "id": 1, "name": "hour", "value": 22.0},
        {"t": 0.2, "e": "note", "line": "1", "at": 0.2, "pitch": 60, "velocity": 80, "seconds": 0.1, "channel": 0},
        {"t": 0.5, "e": "end"},
    ])
    writer.close()
    return path


def test_info(take: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["take", "info", str(take)]) == 0
    out = capsys.readouterr().out
    assert "0.5 s" in out and "A: reverie.sample_scene" in out and "1 notes" in out and "Hour" in out
    assert main(["take", "info", str(take), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["whole"] and facts["seconds"] == 0.5 and facts["events"] == {"chain": 1, "set": 1}


def test_two_renders_are_the_same_to_the_bit_at_another_size_and_rate(
    take: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    outs = [tmp_path / "one" / "a.mp4", tmp_path / "two" / "a.mp4"]
    for out in outs:
        out.parent.mkdir()
        assert main(["take", "render", str(take), "-o", str(out), "--size", "96x64", "--fps", "30", "--quiet"]) == 0
    assert outs[0].read_bytes() == outs[1].read_bytes()
    assert "frames 15" in capsys.readouterr().out
    assert main(["take", "render", str(take), "-o", str(tmp_path / "part.gif"), "-o", str(tmp_path / "a.mid"),
                 "--from", "0.1", "--to", "0.4", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["frames"] == 6 and [Path(row["path"]).name for row in told["files"]] == ["part.gif", "a.mid"]


@pytest.mark.parametrize(("arguments", "says"), [
    (["info", "nothing.take"], "there is no such file"),
    (["render", "TAKE", "-o", "a.txt"], "cannot hold a take"),
    (["render", "TAKE", "-o", "a.xyz"], "is not one of"),
    (["render", "TAKE", "-o", "a.mp4", "--from", "9"], "nothing in it"),
    (["render", "TAKE", "-o", "a.mp4", "--size", "7"], "WIDTHxHEIGHT"),
    (["render", "TAKE", "-o", "a.mp4", "--fps", "999"], "1 to 240"),
    (["render", "TAKE"], "-o"),
])
def test_refusals(
    take: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    arguments: list[str], says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        code = main(["take", *(str(take) if word == "TAKE" else word for word in arguments)])
    except SystemExit as end:
        code = int(end.code or 0)
    said = capsys.readouterr().err
    assert code != 0 and says in said and "Traceback" not in said
    assert not list(tmp_path.glob("a.*"))
