"""Recurrent networks: shapes, storing in 8-bit rows, and the stepper against nn.LSTM and nn.GRU."""

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
from studio.nn.lstm import SEQUENCE, RNNSpec, RollRNN, SequenceRNN, build_sequence, expected_shapes, pack, unpack
from studio.nn.sampling import Sampling, chances, draw
from studio.nn.stepper import Stepper
from studio.nn.weights import WeightsError, load_model, save_model

torch.set_num_threads(1)  # many tiny products: a second thread only waits


def network(cell: str = "lstm", weights: str = "float32", hidden: int = 48, layers: int = 2) -> SequenceRNN:
    torch.manual_seed(3)
    made = SequenceRNN(RNNSpec(20, 12, hidden, layers, cell)).eval()
    tensors = {name: tensor * (3.0 if name == "head.weight" else 1.0) for name, tensor in made.state_dict().items()}
    if weights == "float16":
        tensors = {name: tensor.half().float() for name, tensor in tensors.items()}
    if weights == "rows8":
        tensors = unpack(pack(tensors))
    made.load_state_dict(tensors)
    return made


@pytest.mark.parametrize("weights", ["float32", "float16", "rows8"])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_logits_are_those_of_the_sequence_network(cell: str, weights: str, layers: int) -> None:
    made = network(cell, weights, layers=layers)
    tokens = np.random.default_rng(0).integers(0, 20, 60)
    with torch.no_grad():
        wanted = made(torch.from_numpy(tokens)[None])[0][0].numpy()
    stepper = Stepper(made)
    got = np.concatenate([stepper.step(int(token)) for token in tokens])
    assert np.abs(got - wanted).max() < 5e-6


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
    made = network(weights="rows8")
    path = tmp_path / "m.safetensors"
    save_model(path, pack(made.state_dict()), SEQUENCE, {"network": made.spec.to_json()})
    again = build_sequence(load_model(path, SEQUENCE))
    for name, tensor in made.state_dict().items():
        close = torch.allclose(tensor, again.state_dict()[name], atol=1e-3 if "bias" in name or "emb" in name else 0)
        assert close, name
    assert expected_shapes(made.spec)["head.weight"] == (20, 48)


@pytest.mark.parametrize("kind", [SequenceRNN, RollRNN])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("layers", [1, 3])
def test_shapes_are_known_without_a_network(
    kind: type[SequenceRNN] | type[RollRNN], cell: str, layers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = RNNSpec(20, 12, 48, layers, cell)
    found = {name: tuple(tensor.shape) for name, tensor in kind(spec).state_dict().items()}

    def built(*_: object, **__: object) -> None:
        raise AssertionError("a network was built: on the device meta that loads torch's compiler")

    monkeypatch.setattr(torch.nn.Module, "__init__", built)
    assert expected_shapes(spec, roll=kind is RollRNN) == found


@pytest.mark.parametrize(
    "change", [{"hidden": 0}, {"hidden": "big"}, {"cell": "rnn"}, {"layers": 10**9}, {"dropout": 2.0}, None]
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
