"""Modulators: shapes, envelopes, players, arithmetic; the same moments give the same values at any rate of steps."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio import safe_json
from studio.control.binding import Target
from studio.control.modulators import (
    OPERATIONS,
    SHAPES,
    Bank,
    Envelope,
    FromPlayer,
    Happening,
    Hold,
    Lfo,
    Math,
    Modulator,
    Step,
    Walk,
    chance,
    parse_modulators,
    plain,
    to_json,
    wave,
)
from studio.control.routes import Route, offsets, parse_routes


def run(modulator: Modulator, seconds: float, steps: int, *happenings: Happening) -> float:
    """Go on for so long, with what happens at the beginning; 120 bpm."""
    for place in range(steps):
        modulator.step(Step(seconds / steps, seconds / steps * 2.0, happenings if place == 0 else ()), {})
    return modulator.value


@given(st.sampled_from(SHAPES), st.floats(0.0, 1000.0), st.integers(0, 2**32))
def test_every_shape_stays_inside(shape: str, phase: float, seed: int) -> None:
    assert 0.0 <= wave(shape, phase, seed) <= 1.0


def test_shapes() -> None:
    quarters = (0.0, 0.25, 0.5, 0.75)
    assert [wave("sine", q) for q in quarters] == pytest.approx([0, 0.5, 1, 0.5])
    assert [wave("triangle", q) for q in quarters] == [0, 0.5, 1, 0.5]
    assert [wave("saw", q) for q in quarters] == list(quarters)
    assert [wave("square", q) for q in quarters] == [1, 1, 0, 0]
    assert wave("random", 3.0, 5) == wave("random", 3.9, 5) != wave("random", 4.0, 5)
    assert wave("smooth", 3.999999, 5) == pytest.approx(wave("smooth", 4.0, 5), abs=1e-4)


def test_chance_is_even_and_differs_by_seed() -> None:
    numbers = [chance(1, index) for index in range(2000)]
    assert abs(sum(numbers) / 2000 - 0.5) < 0.03 and min(numbers) < 0.01 and max(numbers) > 0.99
    assert numbers[:50] != [chance(2, index) for index in range(50)]


@settings(max_examples=40)
@given(st.sampled_from(SHAPES), st.floats(0.1, 9.0), st.integers(1, 200))
def test_an_lfo_is_the_same_at_any_frame_rate(shape: str, rate: float, steps: int) -> None:
    one, many = Lfo("a", 3, shape=shape, rate=rate), Lfo("b", 3, shape=shape, rate=rate)
    run(one, 1.37, 1)
    run(many, 1.37, steps)
    assert many.turns == pytest.approx(one.turns)
    if shape not in ("square", "saw", "random"):  # these jump, where rounding may fall to either side
        assert many.value == pytest.approx(one.value, abs=1e-6)


def test_another_rate_goes_on_from_where_it_is() -> None:
    lfo = Lfo("a", shape="saw", rate=1.0)
    run(lfo, 60.25, 10)
    lfo.rate = 2.0
    assert lfo.step(Step(0.0, 0.0), {}) == pytest.approx(0.25, abs=1e-6)


def test_a_synced_lfo_follows_beats_and_aligns() -> None:
    lfo = Lfo("a", shape="saw", rate=0.25, synced=True)
    assert run(lfo, 1.0, 7) == pytest.approx(0.5), "two of four beats"
    lfo.align(9.0)
    assert lfo.step(Step(0.0, 0.0), {}) == pytest.approx(0.25)


@settings(max_examples=30)
@given(st.integers(0, 9), st.integers(1, 150))
def test_a_walk_is_the_same_at_any_frame_rate_and_stays_inside(seed: int, steps: int) -> None:
    one, many = Walk("a", seed, rate=7.0, size=0.9), Walk("b", seed, rate=7.0, size=0.9)
    assert run(many, 3.3, steps) == pytest.approx(run(one, 3.3, 1), abs=1e-6)
    assert 0.0 <= many.value <= 1.0


def test_an_envelope_opens_holds_and_closes() -> None:
    note = Happening("1", 60, 100, 1.0)
    envelope = Envelope("e", attack=0.1, decay=0.2, sustain=0.5, release=0.4)
    assert run(envelope, 0.05, 3, note) == pytest.approx(0.5)
    assert run(envelope, 0.05, 3) == pytest.approx(1.0)
    assert run(envelope, 0.1, 3) == pytest.approx(0.75)
    assert run(envelope, 0.7, 3) == pytest.approx(0.5)
    assert run(envelope, 0.3, 3) == pytest.approx(0.25)
    assert run(envelope, 0.3, 3) == 0.0


@settings(max_examples=60)
@given(*[st.floats(0.0, 0.5) for _ in range(4)], st.floats(0.0, 1.0), st.integers(1, 60))
def test_an_envelope_is_the_same_at_any_frame_rate(
    attack: float, decay: float, release: float, length: float, sustain: float, steps: int
) -> None:
    note = Happening("1", 60, 100, length)
    made = [Envelope(name, attack=attack, decay=decay, sustain=sustain, release=max(0.01, release)) for name in "ab"]
    assert run(made[0], 0.8, 1, note) == pytest.approx(run(made[1], 0.8, steps, note), abs=1e-4)
    assert 0.0 <= made[0].value <= 1.0


def test_a_struck_envelope_starts_where_it_is_and_hears_only_its_player() -> None:
    envelope = Envelope("e", player="2", attack=0.1, sustain=1.0, release=1.0)
    run(envelope, 0.5, 1, Happening("1", 60, 100, 0.2))
    assert envelope.value == 0.0
    run(envelope, 0.7, 1, Happening("2", 60, 100, 0.2))
    half = envelope.value
    assert half == pytest.approx(0.5)
    envelope.step(Step(0.001, 0.0, (Happening("2", 60, 100, 0.2),)), {})
    assert envelope.value == pytest.approx(half + 0.01, abs=0.001)


def test_what_players_emit() -> None:
    note = Happening("1", 66, 127, 0.5)
    values = {event: run(FromPlayer("p", player="1", event=event), 0.0, 1, note)
              for event in ("note", "velocity", "pitch", "pitch_class")}
    assert values == {"note": 1.0, "velocity": 1.0, "pitch": 66 / 127, "pitch_class": 6 / 11}
    word = FromPlayer("w", event="word", word="Night", fall=0.5)
    assert run(word, 0.1, 1, Happening("2", word="day")) == 0.0 and not word.pressed
    assert run(word, 0.0, 1, Happening("2", word=plain("night,"))) == 1.0 and word.pressed
    assert run(word, 0.25, 2) == pytest.approx(0.5) and not word.pressed


def test_sample_and_hold_and_arithmetic() -> None:
    bank = Bank()
    bank.set([Lfo("saw", shape="saw", rate=0.1), Hold("held", source="saw", rate=1.0),
              Math("sum", operation="add", first="saw", second="held"), Math("gone", first="saw", second="nobody")])
    for _ in range(250):
        bank.step(Step(0.01, 0.02))
    assert bank.values["saw"] == pytest.approx(0.25) and bank.values["held"] == pytest.approx(0.2, abs=0.002)
    assert bank.values["sum"] == pytest.approx(0.45, abs=0.002) and bank.values["gone"] == pytest.approx(0.125)
    struck = Hold("h", 4, rate=0.0)
    first = run(struck, 1.0, 9)
    assert run(struck, 1.0, 9, Happening("1", 60, 90)) != first


def test_a_circle_of_arithmetic_is_no_loop() -> None:
    bank = Bank()
    bank.set([Math("a", first="b", second="b"), Math("b", first="a", second="a"),
              Math("c", operation="add", first="c", second="c")])
    for _ in range(5):
        assert all(0.0 <= value <= 1.0 for value in bank.step(Step(0.1, 0.1)).values())


@given(st.sampled_from(OPERATIONS), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_arithmetic_stays_inside(operation: str, a: float, b: float) -> None:
    made = Math("m", operation=operation, first="a", second="b")
    assert 0.0 <= made.step(Step(0.0, 0.0), {"a": a, "b": b}) <= 1.0


def test_a_bank_starts_anew_for_a_take() -> None:
    bank = Bank()
    bank.set([Lfo("l"), Walk("w", 3), Hold("h", 5), Envelope("e"), FromPlayer("p")])

    def play() -> list[dict[str, float]]:
        bank.reset()
        return [dict(bank.step(Step(0.02, 0.04, (Happening("1", 60, 90, 0.3),) if n == 9 else ()))) for n in range(80)]

    assert play() == play()


def test_files() -> None:
    made = [Lfo("l", 7, shape="smooth", rate=2.0, synced=True), Walk("w"), Envelope("e", player="1"), Hold("h"),
            FromPlayer("p", event="word", word="rain"), Math("m", operation="least", first="l", second="w")]
    report: list[str] = []
    tree = safe_json.loads(safe_json.dumps([to_json(modulator) for modulator in made]))
    assert parse_modulators(tree, "m", report) == made and not report
    bad = [{"kind": "lfo"}, {"kind": "fly", "name": "x"}, 4, {"kind": "lfo", "name": "l", "rate": -4, "shape": "cube"}]
    assert [m.name for m in parse_modulators(bad, "m", report)] == ["l"]
    assert len(report) == 5 and {line.split(":")[0] for line in report[3:]} == {"m[3].shape", "m[3].rate"}
    report.clear()
    assert parse_modulators([{"kind": "lfo", "name": "l", "speed": 3}], "m", report)
    assert report == ["m[0].speed: a Lfo has nothing of this name; it was left out"]
    routes = [Route("l", Target("speed", "A"), -0.5, False)]
    report = []
    assert parse_routes([route.to_json() for route in routes], "r", report) == routes and not report
    assert parse_routes([{"modulator": "l", "target": {"name": "fade"}}, 3], "r", report) == [] and len(report) == 2


def test_routes_add_up() -> None:
    target = Target("speed", "A")
    routes = [Route("a", target, 0.5), Route("b", target, 0.2, False), Route("nobody", target, 1.0)]
    assert offsets(routes, {"a": 0.0, "b": 0.5}) == {target: pytest.approx(-0.4)}
