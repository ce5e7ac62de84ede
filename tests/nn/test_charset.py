"""Characters: any Unicode text is brought to what a model knows."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.nn.charset import Charset

SHAKESPEARE = Charset("\n !$&',-.3:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")


@given(st.text(max_size=80))
@settings(max_examples=300, deadline=None)
def test_any_text_is_mapped(text: str) -> None:
    folded, notice = SHAKESPEARE.fold(text)
    assert all(c in SHAKESPEARE.tokens for c in folded)
    assert SHAKESPEARE.decode(SHAKESPEARE.encode(text)) == folded
    if folded != text:
        assert notice or "\r\n" in text or text != folded


def test_look_alikes() -> None:
    for text, wanted in {
        "Élan": "Elan", "“No”": "'No'", "naïve—so": "naive--so", "Straße": "Strasse", "ﬁre": "fire", "Æther": "Aether",
        "a\tb": "a b", "wait…": "wait...", "日本": "  ",
    }.items():
        assert SHAKESPEARE.fold(text)[0] == wanted
    assert "É → E" in SHAKESPEARE.fold("Élan")[1]
    assert SHAKESPEARE.fold("plain")[1] == ""


def test_case_is_folded_where_there_is_no_other() -> None:
    assert Charset("abc ").fold("ABC")[0] == "abc"


def test_only_digits_known() -> None:
    assert Charset("0123456789").fold("a1b2")[0] == "12"


def test_sets_that_are_none() -> None:
    for wrong in ([], ["a", "a"], ["ab"], [1]):
        with pytest.raises(ValueError):
            Charset(wrong)  # type: ignore[arg-type]
    assert Charset.of("aabbc", least=2).characters == ("a", "b")


def test_a_set_grows_at_its_end() -> None:
    old = Charset.of("an apple, a pear")
    new = old.grown("un café, une pêche, une pâté!", least=2)
    assert new.characters[: len(old)] == old.characters
    assert set(new.characters[len(old) :]) == {"c", "u", "é"}, "seen twice"
    assert old.characters[old.like("é")] == "e" and old.characters[old.like("!")] == " "
    assert old.like("p") == old.tokens["p"]
