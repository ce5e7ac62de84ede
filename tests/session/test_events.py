"""What a worker says, shown beside its name."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from studio.session.events import without_name


def test_a_worker_is_named_once() -> None:
    assert without_name("deck A is too slow: 4 of 30", "Deck A") == "Too slow: 4 of 30"
    assert without_name("deck A: back to the full picture", "Deck A") == "Back to the full picture"
    assert without_name("player 10 is late", "Player 1") == "player 10 is late"
    assert without_name("the memory is full", "Deck A") == "the memory is full"


@given(st.text(), st.text(min_size=1))
def test_nothing_but_the_name_is_lost(text: str, name: str) -> None:
    made = without_name(text, name)
    assert text.casefold().endswith(made.casefold()) or made == text
