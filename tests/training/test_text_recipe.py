"""Recipe text: reading, the split, exact resume, roll-back, the model file."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from studio.nn.charset import Charset
from studio.nn.lstm import SEQUENCE, build_sequence
from studio.nn.weights import load_model
from studio.training.loop import TrainingError, train
from studio.training.recurrent import learning_rate, score_stream
from studio.training.text import TextRecipe, TextSettings, read_corpus

torch.set_num_threads(1)  # many tiny products: a second thread only waits

POEM = "the sea the sea the open sea\nit grew so fresh the ever free\n" * 40


def settings(**changes: Any) -> TextSettings:
    small = {
        "steps": 12, "hidden": 16, "embedding": 8, "batch": 4, "window": 10, "validate_every": 4, "sample_every": 12,
        "checkpoint_every": 5, "precision": "float32", "seed": 3, "lr": 0.01,
    }
    return TextSettings(**{**small, **changes})


@pytest.fixture
def poem(tmp_path: Path) -> Path:
    path = tmp_path / "poem.txt"
    path.write_text(POEM, encoding="utf-8")
    return path


def test_the_end_of_the_text_is_kept_for_validation(poem: Path) -> None:
    recipe = TextRecipe(settings())
    report = recipe.prepare(poem)
    assert report["characters"] == len(POEM) and report["validation"] == len(POEM) // 10
    whole = recipe.charset.decode(recipe.training.tolist()) + recipe.charset.decode(recipe.held_out.tolist())
    assert whole == POEM


def test_streams_are_read_in_order_with_carried_state(poem: Path) -> None:
    recipe = TextRecipe(settings())
    recipe.prepare(poem)
    recipe.build()
    seen = []
    forward = recipe.network.forward
    recipe.network.forward = lambda tokens, state=None: (seen.append((tokens, state)), forward(tokens, state))[1]
    for index in range(3):
        recipe.step(index)
    assert seen[0][1] is None and seen[1][1] is not None
    first = torch.cat([tokens for tokens, _ in seen], 1)
    text = recipe.charset.decode(first[1].tolist())
    assert text in POEM and len(text) == 30


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_resuming_gives_the_same_figures(poem: Path, tmp_path: Path, cell: str) -> None:
    whole = train(TextRecipe(settings(cell=cell)), poem, tmp_path / "a.safetensors")
    calls = iter([False] * 6 + [True] * 100)
    stopped = train(TextRecipe(settings(cell=cell)), poem, tmp_path / "b.safetensors", should_stop=lambda: next(calls))
    assert stopped["stopped"] and stopped["step"] == 7
    resumed = train(TextRecipe(settings(cell=cell)), poem, tmp_path / "b.safetensors", resume=True)
    assert resumed == whole
    one, other = (load_model(tmp_path / f"{name}.safetensors").tensors for name in "ab")
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_the_model_file_holds_what_the_card_says(poem: Path, tmp_path: Path) -> None:
    recipe = TextRecipe(settings(source="a poem", licence="mine"))
    figures = train(recipe, poem, tmp_path / "m.safetensors", command="c")
    model = load_model(tmp_path / "m.safetensors", SEQUENCE)
    network, charset = build_sequence(model), Charset(model.config["characters"])
    held_out = torch.from_numpy(charset.encode(POEM[len(POEM) - len(POEM) // 10 :]))
    assert score_stream(network, held_out) == pytest.approx(figures["stored_nats_per_character"], abs=1e-6)
    card = json.loads((tmp_path / "m.json").read_text(encoding="utf-8"))
    assert card["data"] == {"name": "a poem", "licence": "mine"} and card["command"] == "c"
    assert (tmp_path / "samples" / "text-000012.txt").read_text(encoding="utf-8").strip()


def test_a_loss_that_is_not_finite_is_rolled_back_with_half_the_rate(poem: Path, tmp_path: Path) -> None:
    recipe = TextRecipe(settings(checkpoint_every=2))
    events: list[dict[str, Any]] = []
    step = recipe.step

    def broken(index: int) -> dict[str, float]:
        losses = step(index)
        return {"loss": math.nan} if index == 4 and not any(e["kind"] == "rollback" for e in events) else losses

    recipe.step = broken  # type: ignore[method-assign]
    train(recipe, poem, tmp_path / "m.safetensors", on_event=events.append)
    assert [e["to"] for e in events if e["kind"] == "rollback"] == [4]
    assert recipe.scale == 0.5
    assert recipe.rate == pytest.approx(0.5 * learning_rate(11, 12, 0.01))


def test_a_stored_model_is_trained_on(poem: Path, tmp_path: Path) -> None:
    first = train(TextRecipe(settings(steps=30)), poem, tmp_path / "a.safetensors")
    (tmp_path / "other.txt").write_text("the é sea\n" * 90, encoding="utf-8")
    on = TextRecipe(settings(initial=str(tmp_path / "a.safetensors"), dropout=0.1, lr=0.001))
    second = train(on, poem, tmp_path / "b.safetensors")
    assert second["score"] < first["score"]
    other = TextRecipe(settings(initial=str(tmp_path / "a.safetensors")))
    assert any("é → e" in line for line in other.prepare(tmp_path / "other.txt")["notices"])
    with pytest.raises(TrainingError, match="initial"):
        TextRecipe(settings(initial="nothing-here")).prepare(poem)


def test_the_rate_warms_up_and_falls() -> None:
    rates = [learning_rate(i, 1000, 1.0) for i in range(1000)]
    assert rates[0] == 0.01 and max(rates) == pytest.approx(1.0) and rates[-1] == pytest.approx(0.02, abs=1e-3)


def test_folders_are_read_and_what_is_unreadable_is_named(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_bytes(b"second\r\nfile")
    (tmp_path / "a.txt").write_bytes("f\u00efrst".encode("latin-1"))
    (tmp_path / "c.md").write_text("third", encoding="utf-8")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    text, report = read_corpus(tmp_path)
    assert text == "f\u00efrst\n\nsecond\nfile\n\nthird" and report["files"] == 3


def test_data_that_cannot_be_used_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"holds no \.txt files"):
        TextRecipe(settings()).prepare(tmp_path)
    (tmp_path / "short.txt").write_text("short", encoding="utf-8")
    with pytest.raises(TrainingError, match="at least"):
        TextRecipe(settings()).prepare(tmp_path / "short.txt")
    with pytest.raises(TrainingError, match="missing"):
        TextRecipe(settings()).prepare(tmp_path / "missing.txt")
    (tmp_path / "poem.txt").write_text(POEM, encoding="utf-8")
    for wrong, said in (({"cell": "rnn"}, "cell"), ({"hidden": 0}, "hidden"), ({"precision": "int2"}, "precision")):
        with pytest.raises(TrainingError, match=said):
            train(TextRecipe(settings(**wrong)), tmp_path / "poem.txt", tmp_path / "m.safetensors")


@pytest.mark.slow
def test_the_house_voice_has_the_figure_of_its_card(data_folder: Path) -> None:
    path = Path(__file__).resolve().parents[2] / "resources" / "models" / "shakespeare.safetensors"
    model = load_model(path, SEQUENCE)
    text = (data_folder / "text" / "tinyshakespeare.txt").read_text(encoding="utf-8")
    held_out = torch.from_numpy(Charset(model.config["characters"]).encode(text[-111_540:]))
    assert score_stream(build_sequence(model), held_out) <= 1.52
