"""``models info`` and ``models measure`` as a person types them: tables, JSON and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.cli import main
from studio.training.loop import train
from studio.training.text import TextRecipe, TextSettings

WORDS = "the sea is wide and the night is long, and the wind goes over the sea. "


@pytest.fixture(scope="module")
def poem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text model beside its data."""
    folder = tmp_path_factory.mktemp("figures")
    data = folder / "poem.txt"
    data.write_text(WORDS * 40, encoding="utf-8")
    out = folder / "poet.safetensors"
    settings = TextSettings(
        steps=4, hidden=16, layers=1, embedding=8, batch=8, window=20, source="a poem", licence="CC0-1.0")
    train(TextRecipe(settings), data, out, command="reverie train text poem.txt -o poet.safetensors --steps 4")
    return out


def test_info_says_what_a_model_is(poem: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "info", str(poem)]) == 0
    shown = capsys.readouterr().out
    for part in ("sequence-rnn", "CC0-1.0", "train text poem.txt", "as its card says", "stored_nats_per", "rnn."):
        assert part in shown
    assert main(["models", "info", str(poem), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["bytes"] == poem.stat().st_size and len(told["sha256"]) == 64 and told["fault"] is None
    assert sum(len(tensor["shape"]) >= 0 for tensor in told["layout"].values()) == len(told["layout"]) > 3


def test_measure_prints_a_table_and_its_exit_code_tells(poem: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "measure", str(poem), "--data", str(poem.parent)]) == 0
    shown = capsys.readouterr().out
    assert "stored_nats_per_character" in shown and "0 off" in shown and " ok" in shown
    card = poem.with_suffix(".json")
    before = card.read_text(encoding="utf-8")
    wrong = json.loads(before)
    wrong["figures"]["stored_nats_per_character"] *= 0.5
    card.write_text(json.dumps(wrong), encoding="utf-8")
    try:
        assert main(["models", "measure", str(poem), "--data", str(poem.parent), "--json"]) == 1
        told = json.loads(capsys.readouterr().out)
    finally:
        card.write_text(before, encoding="utf-8")
    faults = {row["figure"]: row["fault"] for row in told["figures"]}
    assert faults["stored_nats_per_character"] == "is not what its card says"
    assert faults["validation_nats_per_character"] is None


def test_absent_data_is_a_reason_and_no_traceback(
    poem: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "measure", "shakespeare", str(poem), "--data", str(tmp_path)]) == 1
    shown = capsys.readouterr().out
    assert "shakespeare: skipped" in shown and "tinyshakespeare.txt is not there" in shown
    assert "poet: skipped" in shown and "2 models skipped" in shown


def test_training_does_not_write_over_its_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "rolls.json"
    data.write_text("{}", encoding="utf-8")
    assert main(["train", "roll", str(data), "-o", str(tmp_path / "rolls.safetensors")]) == 2
    assert "would replace the data" in capsys.readouterr().err and data.read_text(encoding="utf-8") == "{}"
