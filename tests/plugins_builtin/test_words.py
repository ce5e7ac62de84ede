"""Words on stage: breaking into lines, coming in time, faces and their stand-ins, the same frames each time."""

from __future__ import annotations

import itertools
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.api import Words
from studio.engine import Stage, render
from studio.params import ParamSet
from studio.plugins import discover

PLUGIN = discover(builtin_only=True).get("reverie.words")
MADE = PLUGIN.load()
PACKAGE = MADE.__module__.rpartition(".")[0]
faces, glyphs, page, setting = (sys.modules[f"{PACKAGE}.{name}"] for name in ("faces", "glyphs", "page", "setting"))


def stage(**values: Any) -> Stage:
    found = ParamSet(MADE.params)
    for name, value in values.items():
        found.set(name, value)
    return Stage(MADE, found, PLUGIN.folder)


def frames(count: int, spoken: Any = None, dims: tuple[int, int] = (640, 360), **values: Any) -> list[np.ndarray]:
    return list(render([stage(**values)], frames=count, fps=30.0, size=dims, bpm=120.0, spoken=spoken))  # type: ignore[arg-type]


def ink(frame: np.ndarray) -> float:
    """How much of a picture is lit."""
    return float(frame.mean())


def box(frame: np.ndarray) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what is lit."""
    lit = frame.max(axis=2) > 60
    rows, columns = np.flatnonzero(lit.any(axis=1)), np.flatnonzero(lit.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])


STILL: dict[str, Any] = {"source": "own text", "entrance": "typewriter", "rate": 64.0, "ground": "black"}


# --- breaking into lines ---


def written(text: str, columns: int, lines: int = 100) -> list[str]:
    made = page.Page()
    made.write(text, lambda i: 0.0, lambda line: len(line) <= columns)
    made.keep(lines, 1.0)
    return [line.text for line in made.standing]


def test_words_are_not_torn_and_the_oldest_lines_leave() -> None:
    assert written("the quick brown fox jumps", 10) == ["the quick", "brown fox", "jumps"]
    assert written("the quick brown fox jumps", 10, lines=2) == ["brown fox", "jumps"]
    assert written("one\ntwo\n\nthree", 10) == ["one", "two", "three"]
    assert written("incomprehensibilities", 8) == ["incompre", "hensibil", "ities"]
    assert written("old\fnew", 10) == ["new"]


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=200), st.integers(1, 40))
def test_every_printable_letter_stands_once_and_no_line_is_too_long(text: str, columns: int) -> None:
    made = page.Page()
    made.write(text.replace("\f", " "), lambda i: i / 4, lambda line: len(line) <= columns)
    kept = "".join(line.text.replace(" ", "") for line in made.standing)
    wanted = "".join(letter for letter in text if letter.isprintable() and letter != " " and letter != "\f")
    assert kept == "".join(wanted.split()) or kept.split() == wanted.split()
    assert all(len(line.text) <= columns for line in made.standing)
    births = [letter.born for line in made.standing for letter in line.letters]
    assert births == sorted(births)


def test_lines_are_balanced_so_that_no_word_stands_alone() -> None:
    fits = lambda text: len(text) <= 28  # noqa: E731
    most = page.balanced("and we are the dreamers of dreams", fits)
    assert written("and we are the dreamers of dreams", most) == ["and we are the", "dreamers of dreams"]


def test_a_line_that_has_not_begun_takes_no_place_of_one_that_stands() -> None:
    made = page.Page()
    made.write("one\n", lambda i: 0.0, lambda line: True)
    made.write("two\n", lambda i: 8.0, lambda line: True)
    made.keep(1, 4.0)
    assert [line.text for line in made.begun(4.0)] == ["one"]
    made.keep(1, 8.0)
    assert [line.text for line in made.begun(8.0)] == ["two"] and made.leaving[0].text == "one"


# --- in time ---


def test_letters_come_on_their_beats() -> None:
    shown = frames(60, **{**STILL, "rate": 2.0}, text="iiii", repeat=False, shadow=0.0)
    # two letters a beat at 120 bpm: one every quarter of a second
    lit = [ink(shown[frame]) for frame in (2, 10, 17, 25, 40)]
    assert lit == sorted(lit) and len({round(one, 3) for one in lit[:4]}) == 4 and lit[3] == lit[4]
    assert ink(shown[2]) == pytest.approx(ink(shown[25]) / 4, rel=0.1)


@pytest.mark.parametrize("entrance", setting.ENTRANCES)
def test_every_entrance_ends_at_the_same_place(entrance: str) -> None:
    values = {**STILL, "entrance": entrance, "entry": 0.5, "text": "Reverie", "repeat": False, "shadow": 0.0}
    shown = frames(50, **values)
    rest = frames(50, **{**values, "entrance": "typewriter"})[-1]
    assert np.abs(shown[-1].astype(int) - rest).max() <= 2
    assert entrance == "typewriter" or any(np.abs(frame.astype(int) - rest).max() > 100 for frame in shown[4:10])


@pytest.mark.parametrize("move", [move for move in setting.MOVES if move != "still"])
def test_every_movement_moves_and_comes_back(move: str) -> None:
    shown = frames(61, **STILL, text="Reverie", repeat=False, move=move, amount=1.0)
    assert any(np.abs(one.astype(int) - two).max() > 20 for one, two in itertools.pairwise(shown[30:45]))
    assert frames(61, **STILL, text="Reverie", repeat=False, move=move, amount=0.0)[45].any()


def test_players_are_heard_and_the_own_text_gives_way() -> None:
    said = iter([(), (Words("Tyger", "2"), Words("no", "3"))])
    shown = frames(40, lambda t: next(said, ()), source="players", player="2", text="", entrance="typewriter",
                   ground="black", shadow=0.0)
    alone = frames(40, lambda t: (Words("Tyger", "2"),) if t < 0.01 else (), source="players", text="",
                   entrance="typewriter", ground="black", shadow=0.0)
    assert not shown[0].any() and shown[5].any()
    assert np.array_equal(shown[-1], alone[-1])


def test_by_word_a_word_comes_whole() -> None:
    pieces = iter(["hel", "lo", " wor"])
    shown = frames(4, lambda t: (Words(next(pieces, ""), "1"),), source="players", text="", by="word",
                   entrance="typewriter", ground="black")
    assert [frame.any() for frame in shown[:3]] == [False, False, True]


def test_another_size_in_a_show_does_not_begin_the_text_again() -> None:
    from studio.engine.chain import Chain, Context

    chain = Chain([stage(**STILL, text="Reverie", repeat=False, shadow=0.0, place=(0.5, 0.5))],
                  lambda one: Context(size=(640, 360), fps=30.0))
    chain.setup()
    for _ in range(45):
        frame = next(chain.step())
        chain.advance(1 / 30)
    chain.resize((320, 180))
    small = next(chain.step())
    assert isinstance(frame, np.ndarray) and isinstance(small, np.ndarray) and small.shape == (180, 320, 3)
    assert np.abs(np.array(box(small)) * 2 - box(frame)).max() <= 6
    chain.close()


# --- where and how ---


@pytest.mark.parametrize("place", [(0.0, 0.0), (0.5, 0.5), (1.0, 1.0), (0.0, 1.0)])
@pytest.mark.parametrize("size", [(640, 360), (200, 400)])
def test_whatever_the_place_the_words_stay_in_the_picture(place: tuple[float, float], size: tuple[int, int]) -> None:
    for align in setting.ALIGNS:
        shown = frames(60, **STILL, text="we are the music makers", repeat=False, place=place, align=align, lines=8,
                       shadow=0.0, size=0.08, dims=size)[-1]
        left, top, right, bottom = box(shown)
        assert left > 0 and top > 0 and right < size[0] - 1 and bottom < size[1] - 1


def test_at_the_middle_it_is_in_the_middle() -> None:
    left, top, right, bottom = box(frames(45, **STILL, text="HHH", repeat=False, place=(0.5, 0.5), shadow=0.0)[-1])
    assert abs((left + right) / 2 - 320) < 3 and abs((top + bottom) / 2 - 180) < 12


def test_over_a_picture_only_the_words_change_it() -> None:
    picture = np.full((360, 640, 3), 90, np.uint8)
    shown = list(render([stage(source="own text", text="hi", repeat=False, shadow=0.8, place=(0.5, 0.5))], frames=40,
                        fps=30.0, size=(640, 360), bpm=120.0, source=iter([picture])))[-1]
    assert isinstance(shown, np.ndarray)
    assert (shown[:40] == 90).all() and shown.max() > 240
    assert shown.min() < 70  # the shadow


def test_the_same_frames_each_time() -> None:
    values = {"source": "own text", "text": "again and again", "entrance": "scatter", "move": "shake"}
    one, two = frames(30, **values), frames(30, **values)
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


def test_an_unreadable_font_file_is_told_and_another_stands_in(tmp_path: Path) -> None:
    bad = tmp_path / "bad.ttf"
    bad.write_bytes(b"no font")
    told: list[str] = []
    shown = list(render([stage(**STILL, face="own file", font_file=str(bad), text="hi")], frames=20, fps=30.0,
                        size=(320, 180), on_notice=told.append))
    assert isinstance(shown[-1], np.ndarray) and shown[-1].any()
    assert len(told) == 1 and "bad.ttf" in told[0] and "stands in" in told[0]
    assert "no font file is chosen" in faces.find("own file", "bold", "").missing


def test_a_typeface_that_is_not_installed_has_a_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    faces.find.cache_clear()
    monkeypatch.setattr(faces.importlib.util, "find_spec", lambda name: None)
    found = faces.find("serif", "bold")
    assert found.path is None and "pip" in found.missing and found.at(40).getmask("a").getbbox()
    faces.find.cache_clear()


def test_letters_the_face_lacks_come_from_another() -> None:
    made = glyphs.Glyphs(faces.find("condensed", "bold"), 40)
    assert made.glyph("Ж") is not None and made.advance("Ж") > 5
    assert made.glyph(" ") is None and made.glyph("\x07") is None
    assert made.width("AV") < made.width("A") + made.width("V") + 0.01


@pytest.mark.slow
def test_a_frame_of_720p_costs_little_more_than_going_over_the_picture() -> None:
    from studio.api import Context

    made, values = MADE(), ParamSet(MADE.params)
    values.set("entry", 4.0)
    made.freeze(values.take())
    ctx = Context(size=(1280, 720), fps=30.0)
    made.setup(ctx)
    picture = np.full((720, 1280, 3), 0.5, np.float32)
    took, plain = [], []
    for _ in range(120):
        began = time.thread_time()
        ctx.input = picture * np.float32(0.9)
        between = time.thread_time()
        made.step(ctx)
        took.append(time.thread_time() - between)
        plain.append(between - began)
        ctx.advance(1 / 30)
    # 2 to 3 ms where one multiplication of the picture takes 0.7 ms
    assert np.median(took) < 7 * np.median(plain)
