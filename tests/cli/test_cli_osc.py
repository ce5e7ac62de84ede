"""``reverie osc`` prints addresses that the studio takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.cli import main
from studio.control.osc import target_of
from studio.library.session import LineData, SessionData, StageData, save_session


def test_the_studios_own_addresses(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["osc", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["The studio"]
    assert all(target_of(row["address"]) for row in rows)
    assert {"/reverie/blackout", "/reverie/tap", "/reverie/snapshot"} <= {row["address"] for row in rows}


def test_a_generator_and_a_session(capsys: pytest.CaptureFixture[str], tmp_path: Path,
                                   monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVERIE_HOME", str(tmp_path))
    assert main(["osc", "deep_dream", "--line", "B", "--slot", "2"]) == 0
    text = capsys.readouterr().out
    assert "/reverie/B/2/" in text and "/norm" in text and "deck B, place 2" in text
    place = tmp_path / "set.reverie"
    save_session(place, SessionData(decks=[LineData("A", [StageData("reverie.deep_dream"), StageData("gone.effect")])]))
    assert main(["osc", str(place), "--markdown"]) == 0
    page = capsys.readouterr().out
    assert page.startswith("# OSC addresses") and "| `/reverie/A/1/" in page and "gone.effect, deck A, place 2" in page


def test_a_generator_that_is_not_here_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["osc", "no_such_thing"]) == 1
    assert "no_such_thing" in capsys.readouterr().err
