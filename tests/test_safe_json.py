"""JSON from strangers: parsed within limits or refused with a sentence; our own round-trips."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio import safe_json
from studio.safe_json import JsonError

TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('{"a": 1, "a": 2}', "'a' stands there twice"),
        ('{"x": {"b": 1, "b": 1}}', "twice"),
        ("[NaN]", "NaN"), ("[-Infinity]", "Infinity"), ("[1e999]", "too large"),
        ("[" * 100, "valid JSON"), ("[" * 100 + "]" * 100, "deeper than 64"), ("[" * 200_000, "deeper"),
        ('{"a":' * 100_000, "deeper"),
        ('{"a": ', "cut short or damaged"), ("", "not valid JSON"), ('{"a": 1} x', "not valid JSON"),
        ('"' + "1" * 10, "not valid"), ("[" + "9" * 5000 + "]", "cannot be used"),
    ],
)
def test_bad_json_is_one_sentence(text: str, word: str) -> None:
    with pytest.raises(JsonError, match=word) as caught:
        safe_json.loads(text, where="look.json")
    assert str(caught.value).startswith("look.json ") and "\n" not in str(caught.value)


def test_bytes_that_are_not_utf8() -> None:
    with pytest.raises(JsonError, match="byte 1 is not UTF-8"):
        safe_json.loads(b'"\xff"')
    assert safe_json.loads(b"\xef\xbb\xbf[1]") == [1]


def test_a_hundred_megabytes_are_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "big.json"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    with pytest.raises(ValueError, match="100 MB"):
        safe_json.load(path)


def test_the_top_must_be_an_object(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for text, word in (("[]", "a list"), ("3", "a number"), ('"x"', "text"), ("null", "nothing"), ("true", "true or")):
        path.write_text(text)
        with pytest.raises(JsonError, match=f"holds {word}"):
            safe_json.load_object(path)


@given(TREES)
def test_what_is_saved_is_what_is_loaded(tree: Any) -> None:
    text = safe_json.dumps(tree)
    assert safe_json.loads(text.encode()) == tree
    assert safe_json.dumps(safe_json.loads(text)) == text


def test_half_a_surrogate_pair_survives() -> None:
    tree = json.loads('["\\ud800"]')
    assert safe_json.loads(safe_json.dumps(tree).encode()) == tree


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, object()])
def test_what_json_cannot_hold_is_not_written(tmp_path: Path, value: object) -> None:
    with pytest.raises(JsonError, match="cannot be written"):
        safe_json.save(tmp_path / "a.json", {"x": value})
    assert not list(tmp_path.iterdir())


@given(st.binary(max_size=200) | st.text('{}[]",:0123456789.eE+-truefalsn \\u', max_size=80))
def test_any_input_is_json_or_a_sentence(data: bytes | str) -> None:
    with contextlib.suppress(JsonError):
        safe_json.loads(data)
