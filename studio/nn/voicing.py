"""Which voice sings which pitch of a chord: nobody crosses another, and all together move as little as they can."""

from __future__ import annotations

from collections.abc import Sequence

REST_COST = 6.0
"""A voice that falls silent, or begins again, counts as a step of this many semitones."""
DOUBLING_COST = 0.5
"""Two voices on one pitch count this much more, so that the nearer of two voices joins the other."""


def voiced_chord(
    pitches: Sequence[int], before: Sequence[int | None], *, full: bool = True
) -> tuple[int | None, ...]:
    """The pitch of each voice, the highest voice first; None: it rests.

    ``pitches`` are those of the chord, at most as many as there are voices; ``before`` what each voice sang last (None:
    nothing yet). Every pitch is sung, no voice goes above a higher one, and the sum of the steps is the smallest. With
    ``full`` a voice without a pitch of its own joins a neighbour in unison, else it rests. Raises ValueError.
    """
    chord = sorted(set(pitches), reverse=True)
    voices, count = len(before), len(chord)
    if count > voices:
        raise ValueError(f"{count} pitches are too many for {voices} voices")
    if not chord:
        return (None,) * voices
    # costs[i]: of the voices so far having sung the i highest pitches; with how they did it
    costs: list[tuple[float, tuple[int | None, ...]] | None] = [(0.0, ())] + [None] * count
    for last in before:
        after: list[tuple[float, tuple[int | None, ...]] | None] = [None] * (count + 1)
        for sung in reversed(range(count + 1)):  # of equal ways the one in which the higher voices sing
            known = costs[sung]
            if known is None:
                continue
            cost, line = known
            if sung < count:
                _better(after, sung + 1, cost + _step(chord[sung], last), (*line, chord[sung]))
            if full and sung:
                _better(after, sung, cost + _step(chord[sung - 1], last) + DOUBLING_COST, (*line, chord[sung - 1]))
            if not full:
                _better(after, sung, cost + REST_COST, (*line, None))
        costs = after
    found = costs[count]
    assert found is not None  # there are enough voices
    return found[1]


def _step(pitch: int, last: int | None) -> float:
    return 0.0 if last is None else float(abs(pitch - last))


def _better(
    row: list[tuple[float, tuple[int | None, ...]] | None], place: int, cost: float, line: tuple[int | None, ...]
) -> None:
    known = row[place]
    if known is None or cost < known[0]:
        row[place] = (cost, line)
