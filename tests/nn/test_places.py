"""Places as text: they come back as they were written, mix as they should, and no text breaks the parsers."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.nn import places
from studio.nn.places import LatentError, Place, parse_place

weights = st.floats(-5, 5).map(lambda weight: float(f"{weight:.4g}")).filter(lambda weight: abs(weight) > 0.01)
sources = st.one_of(st.integers(0, 2**31 - 1).map(str), st.integers(1, 16).map("pc{}".format))
made = st.dictionaries(sources, weights, min_size=1, max_size=10).map(lambda found: Place(tuple(found.items())))


@settings(deadline=None)
@given(made)
def test_a_place_comes_back_from_its_text(place: Place) -> None:
    assert parse_place(place.text()) == place and parse_place(place.text("+")) == place
    points = places.parse_points(places.format_points({"here": place, "rose": 12}))
    assert places.as_place(points["here"]) == place and points["rose"] == 12


@settings(deadline=None)
@given(st.lists(st.floats(-8, 8, width=32), min_size=1, max_size=300))
def test_a_vector_comes_back_to_eight_bits(numbers: list[float]) -> None:
    place = parse_place(str(places.of_vector(np.array(numbers))))
    source, weight = place.terms[0]
    found = places.vector_of(source)
    assert found is not None and np.allclose(found * weight, numbers, atol=max(map(abs, numbers)) / 200)


def test_mixing_adds_equal_sources_joins_vectors_and_drops_what_cannot_be_seen() -> None:
    mixed = places.combine([(12, 0.5), (Place((("12", 1.0), ("40", 1.0))), 0.5), (7, 0.001)])
    assert mixed == Place((("12", 1.0), ("40", 0.5)))
    assert places.combine([(12, 1.0)]).seed == 12 and places.combine([]).terms == (("pc1", 0.0),)
    one, two = places.of_vector(np.array([1.0, 0.0])), places.of_vector(np.array([0.0, 2.0]))
    source, weight = places.combine([(one, 1.0), (two, 0.5)]).terms[0]
    found = places.vector_of(source)
    assert found is not None and (found * weight).tolist() == pytest.approx([1.0, 1.0], abs=0.01)
    many = places.combine([(seed, 1.0 + seed / 100) for seed in range(100)])
    assert len(many.terms) == places.KEPT_TERMS and many.terms[0][0] == "99"


def test_a_place_may_hold_for_a_seed() -> None:
    place = parse_place("12:0.5 7")
    assert places.held(places.hold(place, 3)) == (str(place), 3) and places.held("12:0.5") == ("12:0.5", None)
    with pytest.raises(LatentError, match="not a seed"):
        places.held("12 @rose")


def test_names_stand_for_places_and_may_be_weighted() -> None:
    points = places.parse_points("rose=12 dusk=40:0.5+7:0.5 äußerst-schön=3")
    assert parse_place("dusk:2 rose", points) == Place((("40", 1.0), ("7", 1.0), ("12", 1.0)))
    assert places.parse_point("äußerst-schön", points) == 3 and places.parse_point("12:1", points) == 12
    assert places.is_name("rose_2") and not places.is_name("pc3") and not places.is_name("2x")


def test_keyframes_keep_their_words() -> None:
    points = places.parse_points("dusk=40:0.5+7:0.5")
    text = "12@0 dusk@1.25:in 40@2"
    frames = places.parse_keyframes(text, points)
    assert places.format_keyframes(frames) == text and frames[1].seed == points["dusk"]
    assert places.format_keyframes([frames[2], frames[0]]) == "12@0 40@2"


@pytest.mark.parametrize(("text", "reason"), [
    ("", "at least one seed"), ("12:x", "not a weight"), ("12:nan", "not a weight"), ("12:1e9", "not a weight"),
    ("rose", "no point 'rose'"), ("99999999999", "not a seed"), ("w.%", "not a seed"), ("w.A", "not a vector"),
    (" ".join("1" for _ in range(65)), "at most 64"), ("w." + "A" * 8000, "not a vector"),
])
def test_a_wrong_place_is_refused_in_a_sentence(text: str, reason: str) -> None:
    with pytest.raises(LatentError, match=reason):
        parse_place(text)


@settings(deadline=None)
@given(st.text(alphabet="0123456789:+-. pcw@=,ArosePC\u0663\ud800", max_size=60))
def test_no_text_breaks_the_parsers(text: str) -> None:
    for parse in (parse_place, places.parse_points, places.parse_keyframes, lambda word: places.parse_point(word, {})):
        try:
            parse(text)
        except LatentError as error:
            assert str(error)


def test_reading_places_needs_no_torch() -> None:
    code = "import sys, studio.nn.places; raise SystemExit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
