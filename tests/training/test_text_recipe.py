"""Recipe text: reading, the split, exact resume, roll-back, the model file."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from studio.nn import classify
from studio.nn.charset import Charset
from studio.nn.lstm import SEQUENCE, build_sequence
from studio.nn.weights import load_model
from studio.training.loop import TrainingError, train
from studio.training.recurrent import learning_rate, score_stream
from studio.training.text import TextRecipe, TextSettings, continue_text, read_corpus

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
    whole = recipe.charset.decode(recipe.training.tolist()) + recipe.charset.decode(recipe.groups[0].held_out.tolist())
    assert whole == POEM


def test_streams_are_read_in_order_with_carried_state(poem: Path) -> None:
    recipe = TextRecipe(settings())
    recipe.prepare(poem)
    recipe.build()
    seen = []
    forward = recipe.network.forward
    recipe.network.forward = lambda *inputs: (seen.append(inputs), forward(*inputs))[1]
    for index in range(3):
        recipe.step(index)
    assert seen[0][1] is None and seen[1][1] is not None
    first = torch.cat([tokens for tokens, *_ in seen], 1)
    text = recipe.charset.decode(first[1].tolist())
    assert text in POEM and len(text) == 30


def test_the_memory_that_is_carried_is_exact_and_has_no_past_to_learn_from(poem: Path) -> None:
    recipe = TextRecipe(settings(dropout=0.0, lr=1e-9))
    recipe.prepare(poem)
    recipe.build()
    for index in range(3):
        recipe.step(index)
    assert recipe.state is not None and not any(part.requires_grad for part in recipe.state)
    starts = recipe.offset + recipe.length * torch.arange(4)[:, None]
    with torch.no_grad():
        whole = recipe.network(recipe.training[starts + torch.arange(30)[None]])[1]
    assert all(torch.allclose(one, other, atol=1e-4) for one, other in zip(recipe.state, whole, strict=True))


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_resuming_gives_the_same_figures(poem: Path, tmp_path: Path, cell: str) -> None:
    more = {"average": 0.9, "weight_dropout": 0.3} if cell == "gru" else {}
    whole = train(TextRecipe(settings(cell=cell, **more)), poem, tmp_path / "a.safetensors")
    calls = iter([False] * 6 + [True] * 100)
    part = tmp_path / "b.safetensors"
    stopped = train(TextRecipe(settings(cell=cell, **more)), poem, part, should_stop=lambda: next(calls))
    assert stopped["stopped"] and stopped["step"] == 7
    resumed = train(TextRecipe(settings(cell=cell, **more)), poem, part, resume=True)
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
    assert [e["factor"] for e in events if e["kind"] == "rollback"] == [0.5]
    assert recipe.optimisers["adam"].param_groups[0]["lr"] == pytest.approx(learning_rate(11, 12, 0.01)), "the schedule"


def test_a_stored_model_is_trained_on(poem: Path, tmp_path: Path) -> None:
    first = train(TextRecipe(settings(steps=30)), poem, tmp_path / "a.safetensors")
    on = TextRecipe(settings(initial=str(tmp_path / "a.safetensors"), dropout=0.1, lr=0.001))
    second = train(on, poem, tmp_path / "b.safetensors")
    assert second["score"] < first["score"]
    with pytest.raises(TrainingError, match="initial"):
        TextRecipe(settings(initial="nothing-here")).prepare(poem)


def test_new_text_brings_new_characters_to_a_stored_model(poem: Path, tmp_path: Path) -> None:
    train(TextRecipe(settings(steps=30)), poem, tmp_path / "a.safetensors")
    other = tmp_path / "other.txt"
    other.write_text("the é sea ñ\n" * 90, encoding="utf-8")
    recipe = TextRecipe(settings(initial=str(tmp_path / "a.safetensors"), steps=60, lr=0.02))
    assert any("were added: é ñ" in line for line in recipe.prepare(other)["notices"])
    recipe.build()
    old = load_model(tmp_path / "a.safetensors", SEQUENCE)
    before, charset = build_sequence(old), Charset(old.config["characters"])
    assert recipe.charset.characters == (*charset.characters, "é", "ñ")
    tokens = torch.from_numpy(charset.encode(POEM[:200]))[None]
    with torch.no_grad():
        said, says = before(tokens)[0], recipe.network.eval()(tokens)[0]
        assert torch.allclose(says[..., : len(charset)], said, atol=1e-5), "old characters are written as they were"
        assert float(torch.softmax(says, 2)[..., len(charset) :].sum(2).max()) < 0.021
    train(recipe, other, tmp_path / "b.safetensors")
    model = load_model(tmp_path / "b.safetensors", SEQUENCE)
    learned = build_sequence(model)
    with torch.no_grad():
        place = recipe.charset.encode("the ")
        chances = torch.softmax(learned(torch.from_numpy(place)[None])[0][0, -1], 0)
    assert float(chances[recipe.charset.tokens["é"]]) > 0.06, "it began with a hundredth"


def test_the_average_of_the_weights_is_what_is_scored_and_written(poem: Path, tmp_path: Path) -> None:
    recipe = TextRecipe(settings(average=0.5, steps=3, validate_every=3, lr=0.5))
    seen: list[torch.Tensor] = []
    step = recipe.step

    def watched(index: int) -> dict[str, float]:
        seen.append(recipe.network.head.bias.detach().clone())
        return step(index)

    recipe.step = watched  # type: ignore[method-assign]
    figures = train(recipe, poem, tmp_path / "m.safetensors")
    seen.append(recipe.network.head.bias.detach())
    wanted = seen[0]
    for index, weights in enumerate(seen[1:]):
        keep = min(0.5, (1 + index) / (10 + index))
        wanted = keep * wanted + (1 - keep) * weights
    stored = load_model(tmp_path / "m.safetensors").tensors["head.bias"].float()
    assert (stored - wanted).abs().max() < 2e-4 < (stored - seen[-1]).abs().max()
    assert figures["stored_nats_per_character"] == pytest.approx(figures["score"], abs=0.02)


SEA = "the sea the sea the open sea\nit grew so fresh the ever free\n" * 50
TOWN = "9 o'clock in 4 streets, 27 cars\nand 6 buses at 85 stops\n" * 55


def labelled(folder: Path) -> Path:
    for name, text in (("sea", SEA), ("town", TOWN)):
        (folder / name).mkdir()
        (folder / name / "one.txt").write_text(text, encoding="utf-8")
    return folder


def test_a_model_that_knows_labels_writes_by_them_and_tells_them_from_a_text(tmp_path: Path) -> None:
    data = labelled(tmp_path)
    recipe = TextRecipe(settings(steps=120, lr=0.02, validate_every=60, unlabelled=0.3, batch=8, sample_every=120))
    figures = train(recipe, data, tmp_path / "m.safetensors")
    assert figures["accuracy_folder"] == 1.0
    assert figures["validation_nats_per_character"] <= figures["validation_nats_without_labels"] + 0.05
    model = load_model(tmp_path / "m.safetensors", SEQUENCE)
    assert model.config["labels"] == [["folder", "sea"], ["folder", "town"]]
    network, charset = build_sequence(model), Charset(model.config["characters"])
    given = torch.eye(2)
    texts = [continue_text(network, charset, 200, given=row) for row in given]
    digits = [sum(c.isdigit() for c in text) for text in texts]
    assert digits[0] < 3 < digits[1]
    pieces = torch.stack([torch.from_numpy(charset.encode(text))[:200] for text in (SEA, TOWN)])
    nats = classify.nats(network, pieces, given.numpy(), before=charset.like("\n"))
    assert nats.argmin(1).tolist() == [0, 1]
    held = tmp_path / "samples" / "text-000120.txt"
    assert held.read_text(encoding="utf-8").startswith("[sea]")


def test_held_out_text_is_the_end_of_each_label(tmp_path: Path) -> None:
    recipe = TextRecipe(settings(unlabelled=0.3, batch=8))
    report = recipe.prepare(labelled(tmp_path))
    assert report["labels"] == [f"folder sea: {len(SEA):,} characters", f"folder town: {len(TOWN):,} characters"]
    for group, text in zip(recipe.groups, (SEA, TOWN), strict=True):
        assert recipe.charset.decode(torch.cat([group.training, group.held_out]).tolist()) == text
        assert abs(len(group.held_out) - 0.1 * len(text)) <= 1
    recipe.build()
    seen: list[Any] = []
    forward = recipe.network.forward
    recipe.network.forward = lambda *inputs: (seen.append(inputs), forward(*inputs))[1]
    for index in range(60):
        recipe.step(index)
    town = recipe.charset.tokens["9"]
    hidden = 0
    for tokens, _, given in seen:
        shown = given.sum(2)
        hidden += int((shown.amax(1) == 0).sum())
        rows = (tokens == town).any(1) & ~(tokens == recipe.charset.tokens["h"]).any(1)
        assert not given[rows][..., 0].any(), "a town is never called a sea"
    assert 0.1 < hidden / (60 * 8) < 0.5
    assert any(state is not None and bool((state[0] == 0).all(2).any()) for _, state, _ in seen), "some begin anew"


def test_labels_are_added_to_a_stored_model(poem: Path, tmp_path: Path) -> None:
    train(TextRecipe(settings(steps=30)), poem, tmp_path / "a.safetensors")
    (tmp_path / "more").mkdir()
    recipe = TextRecipe(settings(initial=str(tmp_path / "a.safetensors"), steps=4))
    recipe.prepare(labelled(tmp_path / "more"))
    recipe.build()
    assert recipe.network.spec.labels == 2
    train(recipe, tmp_path / "more", tmp_path / "b.safetensors")
    again = TextRecipe(settings(initial=str(tmp_path / "b.safetensors"), steps=4))
    again.prepare(poem)
    assert again.labels == [("folder", "sea"), ("folder", "town")], "plain text keeps the labels of the model"


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
    for wrong, said in (
        ({"cell": "tree"}, "cell"), ({"average": 1.0}, "average"), ({"labels": "no.csv"}, "labels"),
        ({"hidden": 0}, "hidden"), ({"precision": "int2"}, "precision"),
    ):
        with pytest.raises(TrainingError, match=said):
            train(TextRecipe(settings(**wrong)), tmp_path / "poem.txt", tmp_path / "m.safetensors")


@pytest.mark.slow
def test_the_house_voice_has_the_figure_of_its_card(data_folder: Path) -> None:
    path = Path(__file__).resolve().parents[2] / "resources" / "models" / "shakespeare.safetensors"
    model = load_model(path, SEQUENCE)
    text = (data_folder / "text" / "tinyshakespeare.txt").read_text(encoding="utf-8")
    held_out = torch.from_numpy(Charset(model.config["characters"]).encode(text[-111_540:]))
    assert score_stream(build_sequence(model), held_out) <= 1.46
