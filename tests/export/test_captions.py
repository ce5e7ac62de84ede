"""Captions have the times at which the letters are typed; SRT and WebVTT files hold what their readers expect."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.export import open_writer
from studio.export.captions import Caption, captions, clock
from studio.files import FileError


def typed(text: str, rate: float = 10.0) -> list[tuple[str, float]]:
    return [(letter, (place + 1) / rate) for place, letter in enumerate(text)]


def test_a_caption_begins_with_its_first_letter_and_ends_where_the_next_begins() -> None:
    found = list(captions(typed("one two\nthree\n\nfour"), columns=20, lines=2, stay=3.0))
    assert [one.lines for one in found] == [("one two", "three"), ("four",)]
    assert found[0].start == 0.1 and found[0].end == found[1].start == pytest.approx(1.6)
    assert found[1].end == pytest.approx(1.9 + 3.0)


def test_a_long_silence_ends_a_caption_by_itself() -> None:
    text = [*typed("one\n\n"), ("t", 60.0), ("wo"[1], 60.1)]
    first, second = captions(text, stay=2.0)
    assert first.end == pytest.approx(0.3 + 2.0) and second.start == 60.0


@given(st.text(st.characters(codec="utf-8"), max_size=400), st.integers(8, 60), st.integers(1, 4))
def test_no_letter_is_lost_and_times_are_in_order(text: str, columns: int, lines: int) -> None:
    found = list(captions(typed(text), columns=columns, lines=lines, stay=2.0))
    kept = "".join(letter for letter in text if letter.isprintable() and not letter.isspace())
    assert "".join(line.replace(" ", "") for one in found for line in one.lines) == kept
    assert all(0 < len(one.lines) <= lines and all(0 < len(line) <= columns for line in one.lines) for one in found)
    assert all(one.start < one.end for one in found)
    assert all(one.end <= after.start + 0.0011 for one, after in itertools.pairwise(found))


@given(st.floats(0, 359_999))
def test_the_clock_reads_back(seconds: float) -> None:
    hours, minutes, rest = clock(seconds, ".").split(":")
    assert abs(int(hours) * 3600 + int(minutes) * 60 + float(rest) - seconds) <= 0.000501


def test_srt_and_vtt_files_at_the_players_rate(tmp_path: Path) -> None:
    stages = [{"generator": "test.text", "version": 1, "params": {}}]
    recipe = {"format": "reverie.recipe", "format_version": 1, "stages": stages}
    for ending, mark in ((".srt", ","), (".vtt", ".")):
        path = tmp_path / f"poem{ending}"
        with open_writer(path, bpm=120.0, recipe=recipe, options={"rate": 5.0, "per_beat": True}) as writer:
            for piece in ("Tyger <Tyger>", ", burning", " bright\n", "In the forests & the night\n"):
                writer.add(piece)
        text = path.read_text(encoding="utf-8")
        assert writer.report["captions"] == 1
        # 5 letters a beat at 120 bpm are 10 a second: the first after 0.1 s
        assert f"00:00:00{mark}100 --> " in text
        assert ("Tyger <Tyger>, burning bright\nIn the forests & the night" in text) == (ending == ".srt")
        assert text.startswith("WEBVTT\n\n") == (ending == ".vtt")
        assert ("&lt;Tyger&gt;" in text and "&amp;" in text) == (ending == ".vtt")
        assert re.search(r"^1\n\d\d:\d\d:\d\d", text, re.MULTILINE)
        assert json.loads((tmp_path / f"poem{ending}.json").read_text())["format"] == "reverie.recipe"


def test_an_empty_text_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "nothing.srt"
    with pytest.raises(FileError, match="no letters"), open_writer(path) as writer:
        writer.add(" \n\n ")
    assert not path.exists()


def test_captions_are_plain_values() -> None:
    assert Caption(0.0, 1.0, ("a",)) == Caption(0.0, 1.0, ("a",))
