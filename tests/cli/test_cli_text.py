"""``reverie text classify``: texts, folders with known labels, bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from studio.cli import main
from studio.nn.lstm import SEQUENCE, RNNSpec, SequenceRNN, pack
from studio.nn.weights import save_model


@pytest.fixture
def minds(tmp_path: Path) -> str:
    """A model that writes capitals as ``loud`` and small letters as ``calm``, by its weights."""
    torch.manual_seed(1)
    characters = "\n abcdefghABCDEFGH"
    network = SequenceRNN(RNNSpec(len(characters), 8, 8, 1, "rnn", labels=2))
    with torch.no_grad():
        network.rnn.weight_ih_l0[:, 8:] = 0.0
        network.rnn.weight_ih_l0[:2, 8:] = torch.eye(2) * 6.0
        network.head.weight[:, :2] = 0.0
        network.head.weight[2:10, 1] = network.head.weight[10:, 0] = 3.0
    path = tmp_path / "minds.safetensors"
    labels = [["folder", "loud"], ["folder", "calm"]]
    config = {"network": network.spec.to_json(), "characters": list(characters), "labels": labels}
    save_model(path, pack(network.state_dict()), SEQUENCE, config)
    return str(path)


def test_a_text_and_a_folder_of_them(minds: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = tmp_path / "texts"
    for name, text in (("loud/a", "HEAD CAFE "), ("calm/b", "a bad egg "), ("calm/c", "a BADGE   ")):
        (texts / name).parent.mkdir(parents=True, exist_ok=True)
        (texts / f"{name}.txt").write_text(text * 4, encoding="utf-8")
    assert main(["text", "classify", minds, str(texts / "loud" / "a.txt"), "--piece", "10"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("a.txt: folder loud") and "4 of 4 pieces" in said
    assert main(["text", "classify", minds, str(texts), "--piece", "10", "--last", "0.5", "--json"]) == 0
    tree = json.loads(capsys.readouterr().out)
    assert [(text["file"], text["best"], text["pieces"]) for text in tree["texts"]] == [
        ("b.txt", "calm", 2), ("c.txt", "loud", 2), ("a.txt", "loud", 2)]
    assert tree["accuracy"] == {"folder": pytest.approx(4 / 6)}
    assert main(["text", "classify", minds, str(texts), "--piece", "10"]) == 0
    assert "found for 66.7 % of the pieces of 10 characters" in capsys.readouterr().out


def test_what_cannot_be_judged_is_a_sentence(
    minds: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty.txt").write_text("", encoding="utf-8")
    for arguments, said in (
        ([minds, str(tmp_path / "empty.txt")], "no text"), ([minds, str(tmp_path / "gone.txt")], "gone.txt"),
        (["whitman", str(tmp_path / "empty.txt")], "knows no labels"), (["nobody", str(tmp_path)], "nobody"),
        ([minds, str(tmp_path / "empty.txt"), "--last", "0"], "--last"),
    ):
        assert main(["text", "classify", *arguments]) != 0
        assert said in capsys.readouterr().err
