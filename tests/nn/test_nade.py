"""NADE: the vectorised likelihood against a plain loop over keys, that chances of all frames sum to 1, files."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.nn.lstm import ROLL, RNNSpec, RollMixture, RollRNN, build_roll, expected_shapes, pack, roll_of
from studio.nn.nade import ORDERS, Nade
from studio.nn.weights import WeightsError, load_model, save_model

torch.set_num_threads(1)


def head(keys: int, order: str, units: int = 7) -> Nade:
    torch.manual_seed(2)
    made = Nade(5, keys, units, order)
    with torch.no_grad():
        made.inputs.mul_(40.0)  # far from independent keys
        made.outputs.mul_(40.0)
    return made


def roll(order: str = "rising", keys: int = 6, members: int = 1) -> RollRNN | RollMixture:
    torch.manual_seed(4)
    made = roll_of(RNNSpec(keys, 1, 9, 1, nade=5, order=order), members).eval()
    with torch.no_grad():
        for name, tensor in made.named_parameters():
            if "nade" in name or "head" in name:
                tensor.mul_(10.0)
    return made


def by_hand(made: Nade, seen: torch.Tensor, visible: torch.Tensor, frame: torch.Tensor) -> list[float]:
    """The logits by equations 2 and 3 of the paper, one key after the other, in float64."""
    keys = len(frame)
    inputs, outputs = made.inputs.double(), made.outputs.double()
    bias = made.hidden_bias.weight.double() @ seen.double() + made.hidden_bias.bias.double()
    logits, sounding = [0.0] * keys, torch.zeros(keys, dtype=torch.float64)
    for key in range(keys) if made.order == "rising" else reversed(range(keys)):
        units = torch.sigmoid(bias + sounding @ inputs)
        logits[key] = float(visible[key].double() + outputs[key] @ units)
        sounding[key] = frame[key]
    return logits


@pytest.mark.parametrize("order", ORDERS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_the_likelihood_is_that_of_a_plain_loop_over_keys(order: str, data: st.DataObject) -> None:
    keys = data.draw(st.integers(1, 30))
    rows = data.draw(st.lists(st.lists(st.booleans(), min_size=keys, max_size=keys), min_size=1, max_size=4))
    made = head(keys, order)
    frames = torch.tensor(rows, dtype=torch.float32)
    seen, visible = torch.randn(len(rows), 5), torch.randn(len(rows), keys)
    with torch.no_grad():
        got = made.logits(seen, visible, frames)
        for place in range(len(rows)):
            wanted = torch.tensor(by_hand(made, seen[place], visible[place], frames[place]))
            assert (got[place] - wanted).abs().max() < 1e-4


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("members", [1, 3])
def test_the_chances_of_all_frames_sum_to_one(order: str, members: int) -> None:
    made = roll(order, members=members)
    every = torch.tensor(list(itertools.product((0.0, 1.0), repeat=6)))
    past = (torch.rand(1, 3, 6) < 0.4).float().expand(len(every), -1, -1)
    targets = torch.cat([past[:, 1:], every[:, None]], 1)
    with torch.no_grad():
        chances = made.log_likelihood(past, targets)[:, -1].double().exp()
    assert float(chances.sum()) == pytest.approx(1.0, abs=1e-5)
    pairs = [float(chances[(every[:, a] > 0) & (every[:, b] > 0)].sum()) for a, b in ((0, 1), (2, 5))]
    alone = [float(chances[every[:, key] > 0].sum()) for key in (0, 1, 2, 5)]
    assert abs(pairs[0] - alone[0] * alone[1]) > 1e-3 or abs(pairs[1] - alone[2] * alone[3]) > 1e-3, "not independent"


def test_a_mixture_is_the_mean_of_the_chances_of_frames() -> None:
    made = roll(members=3)
    assert isinstance(made, RollMixture)
    frames = (torch.rand(2, 5, 6) < 0.4).float()
    with torch.no_grad():
        each = torch.stack([m.log_likelihood(frames[:, :-1], frames[:, 1:]) for m in made.members])  # type: ignore[operator]
        assert torch.allclose(made.log_likelihood(frames[:, :-1], frames[:, 1:]).exp(), each.exp().mean(0), atol=1e-6)


def test_gradients_reach_every_weight() -> None:
    made = roll()
    frames = (torch.rand(2, 5, 6) < 0.4).float()
    made.log_likelihood(frames[:, :-1], frames[:, 1:]).sum().backward()  # type: ignore[no-untyped-call]
    assert all(tensor.grad is not None and tensor.grad.abs().sum() > 0 for tensor in made.parameters())


def test_the_frames_to_predict_must_be_known() -> None:
    with pytest.raises(ValueError, match="give the frames"):
        roll()(torch.zeros(1, 2, 6))


@pytest.mark.parametrize("members", [1, 2])
def test_a_model_file_comes_back(tmp_path: Path, members: int) -> None:
    made = roll("falling", keys=88, members=members)
    found = {name: tuple(tensor.shape) for name, tensor in made.state_dict().items()}
    assert expected_shapes(made.spec, roll=True, members=members) == found
    stored = pack(made.state_dict())
    assert {str(t.dtype) for n, t in stored.items() if n.endswith(("nade.inputs", "nade.outputs"))} == {"torch.int8"}
    config = {"network": made.spec.to_json(), "members": members}
    save_model(tmp_path / "m.safetensors", stored, ROLL, config)
    again = build_roll(load_model(tmp_path / "m.safetensors", ROLL))
    assert again.spec == made.spec
    frames = (torch.rand(1, 6, 88) < 0.05).float()
    with torch.no_grad():
        wanted, got = (net.log_likelihood(frames[:, :-1], frames[:, 1:]) for net in (made, again))
    assert (got - wanted).abs().max() < 0.02 * wanted.abs().max()


def test_a_file_from_before_there_was_such_a_head_is_read(tmp_path: Path) -> None:
    torch.manual_seed(0)
    made = RollRNN(RNNSpec(88, 1, 8, 1)).eval()
    tree = made.spec.to_json()
    assert "nade" not in tree and "order" not in tree
    save_model(tmp_path / "m.safetensors", pack(made.state_dict()), ROLL, {"network": tree})
    again = build_roll(load_model(tmp_path / "m.safetensors", ROLL))
    assert isinstance(again, RollRNN) and again.nade is None
    frames = (np.random.default_rng(0).random((1, 4, 88)) < 0.05).astype(np.float32)
    with torch.no_grad():
        difference = again(torch.from_numpy(frames))[0] - made(torch.from_numpy(frames))[0]
    assert float(difference.abs().max()) < 0.02


@pytest.mark.parametrize("change", [{"nade": -1}, {"nade": 10**9}, {"nade": 2.5}, {"order": "sideways"}])
def test_an_impossible_head_is_a_sentence(tmp_path: Path, change: dict[str, object]) -> None:
    made = roll(keys=88)
    config = {"network": {**made.spec.to_json(), **change}}
    save_model(tmp_path / "m.safetensors", pack(made.state_dict()), ROLL, config)
    with pytest.raises(WeightsError, match="network shape"):
        build_roll(load_model(tmp_path / "m.safetensors", ROLL))


def test_a_head_of_another_size_is_a_sentence(tmp_path: Path) -> None:
    made = roll(keys=88)
    config = {"network": {**made.spec.to_json(), "nade": 6}}
    save_model(tmp_path / "m.safetensors", pack(made.state_dict()), ROLL, config)
    with pytest.raises(WeightsError, match=r"nade\.inputs is 88x5, not 88x6"):
        build_roll(load_model(tmp_path / "m.safetensors", ROLL))
