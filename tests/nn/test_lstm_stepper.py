"""Recurrent networks: shapes, storing in 8-bit rows, and the stepper against nn.LSTM, nn.GRU and nn.RNN."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.nn import rows8
from studio.nn.device import threads
from studio.nn.lstm import (
    ROLL,
    SEQUENCE,
    RNNSpec,
    RollRNN,
    SequenceRNN,
    build_roll,
    build_sequence,
    detach,
    expected_shapes,
    grown,
    pack,
    roll_of,
    unpack,
)
from studio.nn.sampling import Sampling, chances, draw
from studio.nn.stepper import Stepper
from studio.nn.weights import WeightsError, load_model, save_model

torch.set_num_threads(1)  # many tiny products: a second thread only waits


def network(
    cell: str = "lstm", weights: str = "float32", hidden: int = 48, layers: int = 2, labels: int = 0
) -> SequenceRNN:
    torch.manual_seed(3)
    made = SequenceRNN(RNNSpec(20, 12, hidden, layers, cell, labels=labels)).eval()
    tensors = {name: tensor * (3.0 if name == "head.weight" else 1.0) for name, tensor in made.state_dict().items()}
    if weights == "float16":
        tensors = {name: tensor.half().float() for name, tensor in tensors.items()}
    if weights == "rows8":
        tensors = unpack(pack(tensors))
    made.load_state_dict(tensors)
    return made


@pytest.mark.parametrize("weights", ["float32", "float16", "rows8"])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_logits_are_those_of_the_sequence_network(cell: str, weights: str, layers: int) -> None:
    made = network(cell, weights, layers=layers)
    tokens = np.random.default_rng(0).integers(0, 20, 60)
    with torch.no_grad():
        wanted = made(torch.from_numpy(tokens)[None])[0][0].numpy()
    stepper = Stepper(made)
    got = np.concatenate([stepper.step(int(token)) for token in tokens])
    assert np.abs(got - wanted).max() < 5e-6


def own_cell(cell: str, weights: dict[str, torch.Tensor], inputs: torch.Tensor) -> torch.Tensor:
    """One layer by the formulas of torch's pages, in float64: ``(time, inputs)`` → ``(time, hidden)``."""
    w_ih, w_hh, b_ih, b_hh = (weights[f"rnn.{name}_l0"].double() for name in (
        "weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    hidden = memory = torch.zeros(w_hh.shape[1], dtype=torch.float64)
    made = []
    for row in inputs.double():
        given, own = w_ih @ row + b_ih, w_hh @ hidden + b_hh
        if cell == "rnn":
            hidden = torch.tanh(given + own)
        elif cell == "gru":
            (r, z, n), (hr, hz, hn) = given.chunk(3), own.chunk(3)
            z = torch.sigmoid(z + hz)
            hidden = (1 - z) * torch.tanh(n + torch.sigmoid(r + hr) * hn) + z * hidden
        else:
            i, f, g, o = (given + own).chunk(4)
            memory = torch.sigmoid(f) * memory + torch.sigmoid(i) * torch.tanh(g)
            hidden = torch.sigmoid(o) * torch.tanh(memory)
        made.append(hidden)
    return torch.stack(made)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_cells_are_those_of_the_formulas(cell: str) -> None:
    made = network(cell, layers=1)
    tokens = torch.arange(20).repeat(2)
    weights = made.state_dict()
    hidden = own_cell(cell, weights, weights["embedding.weight"][tokens])
    wanted = hidden @ weights["head.weight"].double().t() + weights["head.bias"]
    stepper = Stepper(made)
    got = np.concatenate([stepper.step(int(token)) for token in tokens])
    with torch.no_grad():
        assert (made(tokens[None])[0][0] - wanted).abs().max() < 2e-6
    assert np.abs(got - wanted.numpy()).max() < 5e-6


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_labels_stand_beside_every_symbol_and_may_change_on_the_way(cell: str) -> None:
    made = network(cell, labels=3)
    tokens = np.random.default_rng(0).integers(0, 20, 30)
    given = np.zeros((30, 3), np.float32)
    given[5:15, 1] = 1.0
    given[15:, 0], given[15:, 2] = 0.25, 0.75
    with torch.no_grad():
        wanted = made(torch.from_numpy(tokens)[None], None, torch.from_numpy(given)[None])[0][0].numpy()
        without = made(torch.from_numpy(tokens)[None])[0][0].numpy()
        # the same numbers as one more part of what is read: the definition
        rows = torch.cat([made.embedding.weight[tokens], torch.from_numpy(given)], 1)
        assert np.allclose(made.head(made.rnn(rows[None])[0])[0].numpy(), wanted, atol=1e-6)
    assert np.allclose(without[:5], wanted[:5], atol=1e-6) and np.abs(without[5:] - wanted[5:]).max() > 1e-3
    stepper = Stepper(made)
    got = []
    for token, row in zip(tokens, given, strict=True):
        stepper.give(row if row.any() else None)
        got.append(stepper.step(int(token))[0])
    assert np.abs(np.stack(got) - wanted).max() < 5e-6
    with pytest.raises(ValueError, match="labels"):
        stepper.give(np.zeros(2))


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_a_network_grows_and_says_of_old_symbols_what_it_said(cell: str) -> None:
    made = network(cell)
    more = grown(made, [4, 4, 11], labels=2).eval()
    tokens = torch.from_numpy(np.random.default_rng(0).integers(0, 20, 50))[None]
    with torch.no_grad():
        before, after = made(tokens)[0], more(tokens)[0]
        assert torch.equal(after, more(tokens, None, torch.ones(1, 2))[0]), "a new label says nothing yet"
        read_new = more(torch.where(tokens == 4, 20, tokens))[0]
    assert torch.allclose(after[..., :20], before, atol=1e-6)
    shares = torch.softmax(after, 2)
    assert bool((shares[..., :20].sum(2) > 0.98).all()) and bool((shares[..., 20:] > 0).all())
    assert torch.allclose(read_new, after, atol=1e-6), "a new symbol is read as the one it resembles"


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_recurrent_weights_are_left_out_in_training_alone(cell: str) -> None:
    made, tokens = network(cell), torch.arange(20)[None]
    state = detach(made(tokens)[1])
    plain = made(tokens, state)[0]
    made.weight_dropout = 0.5
    assert torch.equal(made(tokens, state)[0], plain)
    made.train()
    torch.manual_seed(0)
    one, after = made(tokens, state)
    torch.manual_seed(0)
    again = made(tokens, state)[0]
    assert torch.equal(one, again) and not torch.allclose(one, made(tokens, state)[0])
    assert not torch.allclose(one, plain) and [part.shape for part in after] == [part.shape for part in state]
    one.sum().backward()
    left_out = (made.rnn.weight_hh_l0.grad == 0).float().mean()
    assert 0.4 < float(left_out) < 0.6
    torch.manual_seed(0)
    mask = torch.nn.functional.dropout(made.rnn.weight_hh_l0.detach(), 0.5)
    assert torch.equal(mask == 0, made.rnn.weight_hh_l0.grad == 0), "the same weights at every step of the call"


def plain_samples(made: SequenceRNN, uniforms: np.ndarray) -> list[int]:
    """What everybody writes: one call of ``nn.LSTM`` per symbol."""
    symbols: list[int] = []
    reading, state = torch.zeros(1, 1, dtype=torch.long), None
    with torch.no_grad():
        for uniform in uniforms:
            logits, state = made(reading, state)
            symbols.append(draw(chances(logits[0, -1].numpy(), Sampling()), uniform))
            reading = torch.tensor([[symbols[-1]]])
    return symbols


def stepped_samples(made: SequenceRNN, uniforms: np.ndarray) -> list[int]:
    stepper, token, symbols = Stepper(made), 0, []
    for uniform in uniforms:
        token = draw(chances(stepper.step(token)[0], Sampling()), uniform)
        symbols.append(token)
    return symbols


@pytest.mark.parametrize("weights", ["float32", "float16", "rows8"])
def test_same_samples_as_a_plain_loop(weights: str) -> None:
    made = network("lstm", weights)
    uniforms = np.random.default_rng(1).random(400)
    assert stepped_samples(made, uniforms) == plain_samples(made, uniforms)


def test_a_long_run_of_a_large_network_is_the_same_on_every_path(monkeypatch: pytest.MonkeyPatch) -> None:
    made = network("lstm", "rows8", hidden=512)
    uniforms = np.random.default_rng(2).random(1200)
    wanted = plain_samples(made, uniforms)
    assert len(set(wanted)) > 10
    for usable in (rows8.exact(), False):  # whatever a measurement would choose here
        monkeypatch.setattr(rows8, "usable", lambda usable=usable: usable)
        assert stepped_samples(made, uniforms) == wanted


def test_a_slow_product_is_not_taken() -> None:
    def slow(weight: torch.Tensor) -> Callable[[np.ndarray], np.ndarray]:
        return lambda x: x @ sum(weight.numpy().T for _ in range(20))

    assert rows8.quicker(lambda weight: lambda x: x)
    assert not rows8.quicker(slow)


def test_a_step_uses_one_thread_and_leaves_the_setting_as_it_was() -> None:
    stepper, seen = Stepper(network()), []
    product = stepper._products[0]
    stepper._products[0] = lambda x: seen.append(torch.get_num_threads()) or product(x)
    with threads(2):
        stepper.step(1)
        stepper.reset()
        assert torch.get_num_threads() == 2
    assert seen == [1, 1]


@pytest.mark.parametrize("weights", ["float32", "float16", "rows8"])
def test_large_networks_take_the_same_numbers_another_way(weights: str) -> None:
    made = network("lstm", weights, hidden=512)
    tokens = np.random.default_rng(0).integers(0, 20, 24)
    with torch.no_grad():
        wanted = made(torch.from_numpy(tokens)[None])[0][0].numpy()
    exact, quick = Stepper(made, batch=2), Stepper(made, precision="int8")
    got = np.stack([exact.step(int(token)) for token in tokens])
    assert np.abs(got[:, 0] - wanted).max() < 5e-6 and np.abs(got[:, 1] - wanted).max() < 5e-6
    coarse = np.concatenate([quick.step(int(token)) for token in tokens])
    assert 0 < np.abs(coarse - wanted).max() < 0.3


def test_rows_of_a_batch_do_not_touch_each_other() -> None:
    made = network("lstm", "rows8")
    alone = [Stepper(made) for _ in range(3)]
    together = Stepper(made, batch=3)
    for step in range(5):
        tokens = np.array([step, step + 5, 19 - step])
        logits = together.step(tokens)
        for row in range(3):
            assert np.abs(logits[row] - alone[row].step(int(tokens[row]))[0]).max() < 5e-6
    together.keep(1, 2)
    assert together.batch == 2
    assert np.abs(together.step(4)[0] - alone[1].step(4)[0]).max() < 5e-6


def test_state_can_be_taken_and_put_back() -> None:
    stepper = Stepper(network("gru"))
    stepper.prime(np.arange(10))
    saved = stepper.state
    first = stepper.step(7)
    stepper.step(8)
    stepper.state = saved
    assert np.array_equal(stepper.step(7), first)
    stepper.reset()
    assert np.array_equal(stepper.step(0), Stepper(network("gru")).step(0))


def test_int8_is_near_and_not_the_same() -> None:
    made = network()
    exact, quick = Stepper(made), Stepper(made, precision="int8")
    differences = [np.abs(exact.step(token) - quick.step(token)).max() for token in range(20)]
    assert 0 < max(differences) < 0.3


@given(st.integers(1, 40), st.integers(1, 70), st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_rounded_rows_are_found_again(rows: int, columns: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(rows, columns, generator=generator) * torch.rand(rows, 1, generator=generator)
    rounded = rows8.rounded(weight)
    found = rows8.rows_of(rounded)
    assert found is not None
    assert torch.equal(found[0].float() * found[1][:, None], rounded)
    peak = weight.abs().amax(1, keepdim=True)
    assert bool(((rounded - weight).abs() <= peak / 253).all())


def test_products_are_as_exact_as_float32() -> None:
    if not rows8.exact():
        pytest.skip("this processor has no 8-bit products without overflow")
    generator = torch.Generator().manual_seed(0)
    whole, scale = rows8.round_rows(torch.randn(200, 300, generator=generator))
    x = torch.rand(4, 300, generator=generator) * 2 - 1
    x[0, 0], x[0, 1] = 1.0, -1.0
    product = torch.from_numpy(rows8.ExactRows(whole, scale)(x.numpy()))
    wanted = x.double() @ (whole.double() * scale.double()[:, None]).t()
    plain = x @ (whole.float() * scale[:, None]).t()
    assert (product - wanted).abs().max() < 2 * (plain - wanted).abs().max() + 1e-6


def test_a_model_file_comes_back(tmp_path: Path) -> None:
    made = network(weights="rows8", labels=3)
    path = tmp_path / "m.safetensors"
    save_model(path, pack(made.state_dict()), SEQUENCE, {"network": made.spec.to_json()})
    again = build_sequence(load_model(path, SEQUENCE))
    for name, tensor in made.state_dict().items():
        close = torch.allclose(tensor, again.state_dict()[name], atol=1e-3 if "bias" in name or "emb" in name else 0)
        assert close, name
    assert expected_shapes(made.spec)["head.weight"] == (20, 48)


@pytest.mark.parametrize("kind", [SequenceRNN, RollRNN])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("layers", [1, 3])
def test_shapes_are_known_without_a_network(
    kind: type[SequenceRNN] | type[RollRNN], cell: str, layers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = RNNSpec(20, 12, 48, layers, cell, labels=2 if kind is SequenceRNN else 0)
    found = {name: tuple(tensor.shape) for name, tensor in kind(spec).state_dict().items()}

    def built(*_: object, **__: object) -> None:
        raise AssertionError("a network was built: on the device meta that loads torch's compiler")

    monkeypatch.setattr(torch.nn.Module, "__init__", built)
    assert expected_shapes(spec, roll=kind is RollRNN) == found


@pytest.mark.parametrize(
    "change",
    [{"hidden": 0}, {"hidden": "big"}, {"cell": "tree"}, {"labels": -1}, {"layers": 10**9}, {"dropout": 2.0}, None],
)
def test_a_model_file_with_an_impossible_shape_is_a_sentence(tmp_path: Path, change: dict[str, object] | None) -> None:
    made = network()
    config = {"network": {**made.spec.to_json(), **change} if change else 3}
    save_model(tmp_path / "m.safetensors", pack(made.state_dict()), SEQUENCE, config)
    with pytest.raises(WeightsError, match="network shape"):
        build_sequence(load_model(tmp_path / "m.safetensors", SEQUENCE))


def test_a_model_file_of_another_size_is_a_sentence(tmp_path: Path) -> None:
    made = network()
    config = {"network": {**made.spec.to_json(), "hidden": 64}}
    save_model(tmp_path / "m.safetensors", pack(made.state_dict()), SEQUENCE, config)
    with pytest.raises(WeightsError, match="does not fit"):
        build_sequence(load_model(tmp_path / "m.safetensors", SEQUENCE))


def test_a_mixture_of_rolls_says_the_mean_of_the_chances(tmp_path: Path) -> None:
    torch.manual_seed(0)
    spec = RNNSpec(88, 1, 10, 1)
    made = roll_of(spec, 3).eval()
    frames = (torch.rand(2, 7, 88) < 0.05).float()
    with torch.no_grad():
        wanted = torch.stack([torch.sigmoid(member(frames)[0]) for member in made.members]).mean(0)
        logits = made(frames)[0]
        assert torch.allclose(torch.sigmoid(logits), wanted, atol=1e-6)
        halves = made(frames[:, :4])
        again = torch.cat([halves[0], made(frames[:, 4:], halves[1])[0]], 1)
    assert torch.allclose(again, logits, atol=1e-5), "each goes on from its own memory"
    save_model(tmp_path / "m.safetensors", pack(made.state_dict()), ROLL, {"network": spec.to_json(), "members": 3})
    read = build_roll(load_model(tmp_path / "m.safetensors", ROLL))
    with torch.no_grad():
        assert (torch.sigmoid(read(frames)[0]) - wanted).abs().max() < 0.01
    save_model(tmp_path / "m.safetensors", pack(made.state_dict()), ROLL, {"network": spec.to_json(), "members": 0})
    with pytest.raises(WeightsError, match="0 members"):
        build_roll(load_model(tmp_path / "m.safetensors", ROLL))
