"""One output: in order, counted, capped, taken back, never late in a burst, nothing hanging."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from studio.devices.conductor.part import LATE, LONGEST, Control, Note, Part
from studio.devices.conductor.tempo import Tempo

LINE = Tempo(0.0, 0.0, 2.0)  # 120 bpm from time 0


class Ear:
    """An instrument that writes down what it is told."""

    lead = 0.0
    shared = True

    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []
        self.there = True

    @property
    def state(self) -> tuple[bool, str, str]:
        return self.there, "", ""

    def note_on(self, player: str, channel: int, pitch: int, velocity: int, at: float) -> None:
        self.heard.append(("on", channel, pitch, at))

    def note_off(self, player: str, channel: int, pitch: int, at: float) -> None:
        self.heard.append(("off", channel, pitch, at))

    def control(self, player: str, channel: int, number: int, value: int, at: float) -> None:
        self.heard.append(("control", channel, number, value))

    def program(self, player: str, channel: int, number: int, at: float) -> None:
        self.heard.append(("program", channel, number, at))

    def raw(self, message: bytes) -> None: ...

    def quiet(self, player: str | None) -> None:
        self.heard.append(("quiet", player, 0, 0.0))

    def level(self, player: str, gain: float) -> None: ...

    def set(self, settings: dict[str, Any]) -> None: ...

    def tend(self, now: float, slack: float) -> None: ...

    def figures(self) -> dict[str, Any]:
        return {}

    def close(self) -> None: ...


class Stage:
    """A part whose time a test moves; every event is fired at its own moment, as the process does it."""

    def __init__(self) -> None:
        self.now, self.ear = 0.0, Ear()
        self.part = Part(self.ear, lambda: self.now)
        self.tempo = LINE

    def until(self, when: float) -> None:
        while (due := self.part.due(self.tempo)) is not None and due <= when:
            self.now = max(self.now, due)
            self.part.fire(self.tempo, self.now)
        self.now = max(self.now, when)

    def play(self, pitch: int, begin: float, end: float, player: str = "1", channel: int = 0) -> None:
        self.part.plan(Note(player, channel, pitch, 90), begin, end, beats=True)

    def words(self) -> list[tuple[Any, ...]]:
        return [row[:3] for row in self.ear.heard]


def test_notes_begin_and_end_at_their_beats_ends_first() -> None:
    stage = Stage()
    stage.part.plan(Note("1", 2, 60, 90, program=19), 1.0, 2.0, beats=True)
    stage.play(61, 2.0, 3.0, channel=2)
    stage.until(9.0)
    assert stage.ear.heard == [
        ("program", 2, 19, 0.5), ("on", 2, 60, 0.5), ("off", 2, 60, 1.0), ("on", 2, 61, 1.0), ("off", 2, 61, 1.5)]
    assert stage.part.due(LINE) is None and stage.part.sounding == 0 and stage.part.worst < 1e-9


def test_another_tempo_moves_what_waits() -> None:
    stage = Stage()
    stage.play(60, 2.0, 4.0)
    stage.until(0.5)
    stage.tempo = Tempo(0.5, 1.0, 4.0)
    stage.until(9.0)
    assert [row[3] for row in stage.ear.heard] == [0.75, 1.25]


def test_a_key_struck_again_is_let_go_first_and_ends_with_the_last_end() -> None:
    stage = Stage()
    stage.play(60, 0.0, 2.0)
    stage.play(60, 1.0, 1.5)
    stage.play(60, 4.0, 6.0)
    stage.play(60, 5.0, 8.0)
    stage.until(20.0)
    assert [row[:1] + row[3:] for row in stage.ear.heard] == [
        ("on", 0.0), ("off", 0.5), ("on", 0.5), ("off", 1.0), ("on", 2.0), ("off", 2.5), ("on", 2.5), ("off", 4.0)]


def test_what_was_missed_is_left_out_and_never_a_burst() -> None:
    stage = Stage()
    for beat in range(20):
        stage.play(60 + beat, float(beat), beat + 0.5)
    stage.now = 5.01  # a standstill of five seconds
    stage.part.fire(stage.tempo, stage.now)
    assert stage.words() == [("on", 0, 70)] and stage.part.dropped == 10
    stage.until(20.0)
    assert Counter(row[0] for row in stage.ear.heard) == {"on": 10, "off": 10}
    assert LATE < 0.1


def test_quiet_ends_a_player_with_its_pedals_and_leaves_the_others() -> None:
    stage = Stage()
    stage.play(60, 0.0, 50.0)
    stage.play(64, 0.0, 50.0, "2")
    stage.play(62, 4.0, 50.0)
    stage.part.plan_control(Control("1", 0, 64, 127), 0.5)
    stage.until(1.0)
    stage.part.quiet("1", stage.now)
    assert stage.words()[-3:] == [("off", 0, 60), ("control", 0, 64), ("quiet", "1", 0)]
    assert stage.ear.heard[-2] == ("control", 0, 64, 0)
    stage.until(9.0)
    assert stage.part.sounding == 1 and stage.part.waiting == 1
    stage.part.quiet(None, stage.now)
    assert stage.words()[-2:] == [("off", 0, 64), ("quiet", None, 0)] and stage.part.waiting == 0


def test_what_has_not_begun_can_be_taken_back() -> None:
    stage = Stage()
    stage.play(60, 0.0, 8.0)
    stage.play(61, 3.0, 9.0)
    stage.play(62, 4.0, 5.0)
    stage.play(63, 4.0, 5.0, "2")
    stage.until(1.0)
    stage.part.forget("1", 4.0)
    stage.until(20.0)
    assert [row[2] for row in stage.ear.heard if row[0] == "on"] == [60, 61, 63]
    assert [row[2] for row in stage.ear.heard if row[0] == "off"] == [63, 60, 61]


def test_no_note_outlasts_the_longest() -> None:
    stage = Stage()
    stage.play(60, 0.0, 1e9)
    stage.until(LONGEST)
    assert stage.part.end_too_long(stage.now) == 0
    stage.now = LONGEST + 1.0
    assert stage.part.end_too_long(stage.now) == 1 and stage.words()[-1] == ("off", 0, 60)
    stage.play(60, 2 * (LONGEST + 1.0), 2 * LONGEST + 4.0)
    stage.until(2 * LONGEST)
    assert Counter(row[0] for row in stage.ear.heard) == {"on": 2, "off": 2}


def test_an_output_that_is_away_takes_nothing() -> None:
    stage = Stage()
    stage.ear.there = False
    stage.play(60, 1.0, 2.0)
    assert stage.part.waiting == 0 and stage.part.dropped == 1


def test_players_with_keys_of_their_own_do_not_cut_each_other() -> None:
    stage = Stage()
    stage.ear.shared = False
    stage.play(60, 0.0, 4.0, "1")
    stage.play(60, 1.0, 2.0, "2")
    stage.until(9.0)
    assert [row[:1] + row[3:] for row in stage.ear.heard] == [("on", 0.0), ("on", 0.5), ("off", 1.0), ("off", 2.0)]


SIXTEENTHS = st.integers(0, 64).map(lambda n: n / 4.0)
DEEDS = st.lists(st.one_of(
    st.tuples(st.just("note"), st.sampled_from("12"), st.integers(60, 62), SIXTEENTHS, SIXTEENTHS),
    st.tuples(st.just("go"), SIXTEENTHS),
    st.tuples(st.just("tempo"), st.floats(0.4, 6.0)),
    st.tuples(st.just("forget"), st.sampled_from("12"), SIXTEENTHS),
    st.tuples(st.just("quiet"), st.sampled_from(["1", "2", None])),
), max_size=40)


@given(DEEDS)
@settings(max_examples=150, deadline=None)
def test_whatever_happens_every_note_ends_and_no_end_is_one_too_many(deeds: list[tuple[Any, ...]]) -> None:
    stage = Stage()
    for deed, *rest in deeds:
        if deed == "note":
            player, pitch, begin, length = rest
            stage.play(pitch, begin, begin + length, player)
        elif deed == "go":
            stage.until(stage.now + rest[0])
        elif deed == "tempo":
            stage.tempo = Tempo(stage.now, stage.tempo.beat_at(stage.now), rest[0])
        elif deed == "forget":
            stage.part.forget(*rest)
        else:
            stage.part.quiet(rest[0], stage.now)
    stage.until(stage.now + 1000.0)
    assert stage.part.sounding == 0 and stage.part.waiting == 0
    down: Counter[int] = Counter()
    for word, _, pitch, *_ in stage.ear.heard:
        if word == "on":
            assert not down[pitch], "a key that is down is not struck"
            down[pitch] += 1
        elif word == "off":
            assert down[pitch] == 1, "nothing is let go that is not down"
            down[pitch] -= 1
    assert not any(down.values())
