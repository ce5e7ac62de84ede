"""The feel of drums: the grid, the network's distributions, and what becomes of notes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.media import Note
from studio.nn.humanise import (
    DRUMS,
    FEEL,
    INPUTS,
    PITCHES,
    Drummer,
    FeelRNN,
    FeelSpec,
    build_feel,
    expected_shapes,
    inputs_of,
    laplace_nats,
    step_of,
)
from studio.nn.weights import WeightsError, load_model, save_model

torch.set_num_threads(1)


def network() -> FeelRNN:
    torch.manual_seed(0)
    return FeelRNN(FeelSpec(8, 1)).eval()


def test_the_laplace_density_is_known_and_sums_to_one() -> None:
    value = torch.linspace(-8.0, 8.0, 16001, dtype=torch.float64)
    nats = laplace_nats(value, torch.tensor(0.3), torch.tensor(0.5))
    assert float(torch.exp(-nats).sum()) * 0.001 == pytest.approx(1.0, abs=1e-4)
    known = float(laplace_nats(torch.tensor(1.0), torch.tensor(0.0), torch.tensor(2.0)))
    assert known == pytest.approx(math.log(4) + 0.5)


def test_a_hit_belongs_to_its_nearest_step() -> None:
    assert [step_of(beat) for beat in (0.0, 0.12, 0.13, 0.25, 0.99, 3.51)] == [0, 0, 1, 1, 4, 14]


def test_inputs_hold_hits_place_and_tempo() -> None:
    hits = np.zeros((6, len(DRUMS)), np.float32)
    hits[2, 4] = 1.0
    rows = inputs_of(hits, 150.0, first=14)
    assert rows.shape == (6, INPUTS) and rows[2, 4] == 1.0 and rows[:, -1].tolist() == [1.0] * 6
    assert rows[:, len(DRUMS) : -1].argmax(1).tolist() == [14, 15, 0, 1, 2, 3]
    waltz = inputs_of(np.zeros((13, 9), np.float32), 110.0, bar=3)
    assert waltz[12, len(DRUMS)] == 1.0, "three beats are a bar"
    five = inputs_of(np.zeros((20, 9), np.float32), 110.0, bar=5)
    assert five[16:, len(DRUMS) : -1].argmax(1).tolist() == [12, 13, 14, 15]


@torch.no_grad()
def test_the_network_reads_in_both_directions_and_stays_in_range() -> None:
    made, inputs = network(), torch.zeros(1, 5, INPUTS)
    before = made(inputs)
    inputs[0, 4, 0] = 1.0
    after = made(inputs)
    assert not torch.allclose(before.velocity[0, 0], after.velocity[0, 0]), "a later hit is heard earlier"
    felt = made(torch.randn(2, 7, INPUTS) * 50)
    assert felt.velocity.min() >= 0 and felt.velocity.max() <= 1 and felt.offset.abs().max() <= 0.5
    assert felt.velocity_width.min() > 0 and felt.offset_width.min() > 0


notes = st.lists(
    st.builds(Note, st.sampled_from([36, 38, 42, 46, 51, 60, 99]), st.integers(1, 127), st.floats(0.0, 12.0),
              st.just(0.1), st.just(9)), max_size=12,
)


@given(notes, st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.floats(40.0, 240.0), st.integers(1, 7))
@settings(max_examples=40, deadline=None)
def test_whatever_is_written_is_played_within_bounds(
    given_notes: list[Note], amount: float, freedom: float, bpm: float, bar: int
) -> None:
    made = Drummer(network()).play(given_notes, bpm, amount=amount, freedom=freedom, bar=bar)
    assert len(made) == len(given_notes)
    for a, b in zip(given_notes, made, strict=True):
        assert (a.pitch, a.duration, a.channel) == (b.pitch, b.duration, b.channel)
        assert 1 <= b.velocity <= 127 and b.start >= 0.0
        assert abs(b.start - a.start) <= 0.25 + 1e-9
        if a.pitch not in PITCHES or amount == 0.0:
            assert a == b


def test_the_amount_goes_from_what_is_written_to_what_the_network_plays() -> None:
    written = [Note(36, 100, 0.0, 0.1, 9), Note(42, 30, 0.5, 0.1, 9), Note(38, 90, 1.02, 0.1, 9)]
    drummer = Drummer(network())
    full, half = (drummer.play(written, 100.0, amount=amount) for amount in (1.0, 0.5))
    for a, b, c in zip(written, half, full, strict=True):
        assert b.velocity == pytest.approx((a.velocity + c.velocity) / 2, abs=1.0)
    assert half[2].start == pytest.approx((written[2].start + full[2].start) / 2)
    assert drummer.play(written, 100.0) == full, "without freedom it is always the same"
    loose = [drummer.play(written, 100.0, freedom=1.0, rng=np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert loose[0] == loose[1] != loose[2]


def test_what_was_played_before_is_heard() -> None:
    written, drummer = [Note(38, 80, 8.0, 0.1, 9)], Drummer(network())
    alone = drummer.play(written, 100.0)
    after = drummer.play(written, 100.0, before=[Note(36, 80, 7.0, 0.1, 9), Note(36, 80, 7.75, 0.1, 9)])
    assert alone != after
    whole = drummer.play([Note(36, 80, 7.0, 0.1, 9), Note(36, 80, 7.75, 0.1, 9), *written], 100.0)
    assert whole[-1] == after[0], "the same as if it had played them"


def test_a_model_file_comes_back_and_a_wrong_one_is_a_sentence(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("feel") / "a.safetensors"
    made = network()
    tensors = dict(made.state_dict())
    assert expected_shapes(made.spec) == {name: tuple(t.shape) for name, t in tensors.items()}
    save_model(path, tensors, FEEL, {"network": made.spec.to_json()})
    assert torch.equal(build_feel(load_model(path, FEEL)).head.weight, made.head.weight)
    save_model(path, tensors, FEEL, {"network": {**made.spec.to_json(), "layers": 2}})
    with pytest.raises(WeightsError, match="does not fit this network"):
        build_feel(load_model(path, FEEL))
