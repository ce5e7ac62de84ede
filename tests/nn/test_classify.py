"""A text model read backwards: nats by label against one call over the whole, pieces, votes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from studio.nn.classify import Judge, candidates, given, nats, pieces_of
from studio.nn.lstm import SEQUENCE, RNNSpec, SequenceRNN, pack
from studio.nn.weights import WeightsError, load_model, save_model

torch.set_num_threads(1)

LABELS = [("mood", "loud"), ("mood", "calm"), ("by", "A"), ("by", "B"), ("by", "C")]


def test_what_a_network_is_told_is_named_by_value_or_field() -> None:
    assert given(LABELS, {"loud": 0.25, " by: b ": 0.75}).tolist() == [0.25, 0, 0, 0.75, 0]
    assert given(LABELS, {"nobody": 1.0}).tolist() == [0] * 5
    assert candidates(LABELS, "by").tolist() == np.eye(5)[2:].tolist()


def test_nats_are_those_of_one_call_over_the_whole() -> None:
    torch.manual_seed(0)
    network = SequenceRNN(RNNSpec(12, 6, 16, 2, labels=5)).eval()
    pieces, told = torch.randint(0, 12, (3, 2050)), candidates(LABELS, "by")
    found = nats(network, pieces, told, before=7)  # longer than a call: memory is carried on
    for row, piece in enumerate(pieces):
        for column, condition in enumerate(torch.from_numpy(told)):
            with torch.no_grad():
                logits = network(torch.cat([torch.tensor([7]), piece[:-1]])[None], None, condition[None])[0][0]
            wanted = float(F.cross_entropy(logits, piece, reduction="sum"))
            assert float(found[row, column]) == pytest.approx(wanted, rel=1e-5)
    assert len(set(found[0].tolist())) == 3


def test_pieces_come_from_all_over_the_text() -> None:
    tokens = torch.arange(105)
    assert pieces_of(tokens, 10).shape == (10, 10)
    assert pieces_of(tokens, 10, 3)[:, 0].tolist() in ([0, 40, 90], [0, 50, 90])
    assert not len(pieces_of(tokens, 200))


def minds(path: Path) -> Path:
    """A model that writes capitals as ``loud`` and small letters as ``calm``, by its weights."""
    characters = "\n abcdefghABCDEFGH"
    torch.manual_seed(1)
    network = SequenceRNN(RNNSpec(len(characters), 8, 8, 1, "rnn", labels=2))
    with torch.no_grad():
        network.rnn.weight_ih_l0[:, 8:] = 0.0
        network.rnn.weight_ih_l0[:2, 8:] = torch.eye(2) * 6.0
        network.head.weight[:, :2] = 0.0
        for token, character in enumerate(characters):
            if character.isalpha():
                network.head.weight[token, 0 if character.isupper() else 1] = 3.0
    labels = [["mood", "loud"], ["mood", "calm"]]
    config = {"network": network.spec.to_json(), "characters": list(characters), "labels": labels}
    save_model(path, pack(network.state_dict()), SEQUENCE, config)
    return path


def test_a_judge_finds_the_label_of_a_text_and_of_its_pieces(tmp_path: Path) -> None:
    judge = Judge(load_model(minds(tmp_path / "m.safetensors"), SEQUENCE))
    found, = judge.judge("ABBA HEAD CAFE " * 4 + "a bad egg " * 2, length=10)
    assert found.field == "mood" and found.values == ("loud", "calm") and found.best == "loud"
    assert found.votes.tolist() == [6, 2] and found.length == 10
    assert found.per_character[0] < found.per_character[1]
    short, = judge.judge("bad", length=200)
    assert short.best == "calm" and short.length == 3 and short.votes.tolist() == [0, 1]
    with pytest.raises(ValueError, match="no characters"):
        judge.judge("")


def test_a_model_without_labels_is_a_sentence(tmp_path: Path) -> None:
    network = SequenceRNN(RNNSpec(2, 8, 8, 1))
    config = {"network": network.spec.to_json(), "characters": ["a", "b"]}
    save_model(tmp_path / "m.safetensors", pack(network.state_dict()), SEQUENCE, config)
    with pytest.raises(WeightsError, match="knows no labels"):
        Judge(load_model(tmp_path / "m.safetensors", SEQUENCE))
    save_model(tmp_path / "m.safetensors", pack(network.state_dict()), SEQUENCE, {**config, "labels": [["x", "y"]]})
    with pytest.raises(WeightsError, match="do not fit"):
        Judge(load_model(tmp_path / "m.safetensors", SEQUENCE))
