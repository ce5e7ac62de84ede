"""The text sequencer: streaming, stop conditions, any Unicode, live values, reproducible."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from studio.engine import GeneratorError, Stage, render
from studio.files import read_text
from studio.nn.lstm import SEQUENCE, RNNSpec, SequenceRNN, pack
from studio.nn.weights import save_model
from studio.params import ParamSet
from studio.plugins import discover
from tests.plugins_builtin.preset_stand import presets_of, stage_of_preset

torch.set_num_threads(1)

CHARACTERS = "\n !',.?abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    network = SequenceRNN(RNNSpec(len(CHARACTERS), 8, 24, 2))
    path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    config = {"network": network.spec.to_json(), "kind": "text", "characters": list(CHARACTERS)}
    save_model(path, pack(network.state_dict()), SEQUENCE, config)
    return path


@pytest.fixture(scope="module")
def plugin() -> Any:
    return discover().get("text_sequencer")


def write(plugin: Any, model: Path, *, frames: int | None = None, automate: Any = None, **sets: Any) -> list[str]:
    generator = plugin.load()
    values = ParamSet(generator.params)
    for name, value in {"model": str(model), **sets}.items():
        assert values.set(name, value) == ""
    notices: list[str] = []
    parts = list(render(
        [Stage(generator, values, plugin.folder)], frames=frames, on_notice=notices.append, automate=automate
    ))
    write.notices = notices  # type: ignore[attr-defined]
    return parts


def test_a_step_is_a_character_or_a_block(plugin: Any, model: Path) -> None:
    single = write(plugin, model, frames=60, length=0)
    assert all(len(part) == 1 for part in single)
    blocks = write(plugin, model, frames=6, length=0, block=10)
    assert "".join(blocks) == "".join(single)
    assert write(plugin, model, frames=60, length=0) == single
    assert write(plugin, model, frames=60, length=0, seed=2) != single


def test_two_models_are_faded_whatever_their_characters(plugin: Any, model: Path, tmp_path: Path) -> None:
    characters = "\n abcdefghijklmnop0123"
    torch.manual_seed(4)
    network = SequenceRNN(RNNSpec(len(characters), 8, 24, 1))
    other = tmp_path / "other.safetensors"
    config = {"network": network.spec.to_json(), "kind": "text", "characters": list(characters)}
    save_model(other, pack(network.state_dict()), SEQUENCE, config)
    sets: dict[str, Any] = {"frames": 80, "length": 0}
    alone = "".join(write(plugin, model, **sets))
    assert "".join(write(plugin, model, second=str(other), mix=0.0, **sets)) == alone
    assert set("".join(write(plugin, model, second=str(other), mix=1.0, **sets))) <= set(characters)
    assert set("".join(write(plugin, model, second=str(other), mix=0.5, **sets))) & set(characters)

    def automate(step: int, values: list[ParamSet]) -> None:
        if step == 20:
            values[0].set("second", str(other))
        values[0].set("mix", 1.0 if 30 <= step < 60 else 0.0)
        if step == 70:
            values[0].set("second", "")

    text = "".join(write(plugin, model, automate=automate, **sets))
    assert text[:20] == alone[:20] and len(text) == 80
    assert set(text[30:60]) <= set(characters), "with mix 1 only the second one writes"
    assert set(text[70:]) <= set(CHARACTERS)
    write(plugin, model, second="nowhere", mix=1.0, **sets)
    assert "writes alone" in write.notices[0]  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def two_minds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose first label makes it write capitals and whose second small letters: by its weights, untrained."""
    torch.manual_seed(1)
    network = SequenceRNN(RNNSpec(len(CHARACTERS), 8, 24, 1, "rnn", labels=2))
    with torch.no_grad():
        network.rnn.weight_ih_l0[:, 8:] = 0.0
        network.rnn.weight_ih_l0[:2, 8:] = torch.eye(2) * 6.0
        network.head.weight[:, :2] = 0.0
        for token, character in enumerate(CHARACTERS):
            if character.isalpha():
                network.head.weight[token, 0 if character.isupper() else 1] = 14.0
    path = tmp_path_factory.mktemp("models") / "minds.safetensors"
    config = {"network": network.spec.to_json(), "characters": list(CHARACTERS),
              "labels": [["mood", "loud"], ["mood", "calm"]]}
    save_model(path, pack(network.state_dict()), SEQUENCE, config)
    return path


def test_it_writes_as_its_label_says_and_follows_live(plugin: Any, two_minds: Path, model: Path) -> None:
    sets: dict[str, Any] = {"frames": 60, "length": 0}
    assert "".join(write(plugin, two_minds, label="loud", **sets)).isupper()
    assert "".join(write(plugin, two_minds, label="Mood: Calm", **sets)).islower()
    plain = "".join(write(plugin, two_minds, **sets))
    assert not write.notices  # type: ignore[attr-defined]
    assert "".join(write(plugin, two_minds, label="loud", to_label="calm", blend=1.0, **sets)).islower()
    halves = "".join(write(plugin, two_minds, label="loud", to_label="calm", blend=0.5, **sets))
    assert any(c.isupper() for c in halves) and any(c.islower() for c in halves)

    def automate(step: int, values: list[ParamSet]) -> None:
        values[0].set("blend", 0.0 if step < 20 else 1.0)
        values[0].set("label", "loud" if step < 40 else "")
        values[0].set("to_label", "calm" if step < 40 else "")

    text = "".join(write(plugin, two_minds, automate=automate, **sets))
    assert text[:20].isupper() and text[22:40].islower() and not text[42:].islower()
    assert "".join(write(plugin, two_minds, label="angry", **sets)) == plain
    assert "it knows loud, calm" in write.notices[0]  # type: ignore[attr-defined]
    write(plugin, model, label="angry", **sets)
    assert "it has none" in write.notices[0]  # type: ignore[attr-defined]
    both = "".join(write(plugin, model, second=str(two_minds), mix=1.0, label="calm", **sets))
    assert both[1:].islower(), "the second model knows the label"


def test_any_unicode_primes(plugin: Any, model: Path) -> None:
    text = "".join(write(plugin, model, prime="Élan \U0001f3ad 日本 ROMÉO", length=20, tidy=False))
    assert text.startswith("Elan") and "ROMEO" in text
    assert any("É → E" in line for line in write.notices)  # type: ignore[attr-defined]
    hidden = "".join(write(plugin, model, prime="Élan \U0001f3ad 日本 ROMÉO", length=20, tidy=False, show_prime=False))
    assert text.endswith(hidden) and len(hidden) == 20


@pytest.mark.parametrize(("stop", "count"), [("line", 1), ("line", 3), ("sentence", 2), ("paragraph", 1)])
def test_stop_conditions(plugin: Any, model: Path, stop: str, count: int) -> None:
    text = "".join(write(plugin, model, stop=stop, stop_count=count, length=0, temperature=1.2))
    if stop == "line":
        assert sum(1 for line in text.splitlines() if line.strip()) == count and text.endswith("\n")
    elif stop == "paragraph":
        assert text.endswith("\n\n") and "\n\n" not in text.strip("\n")
    else:
        assert text[-1].isspace() and text.rstrip().rstrip("'")[-1] in ".!?"


def test_a_custom_stop_and_a_length(plugin: Any, model: Path) -> None:
    text = "".join(write(plugin, model, stop="custom", stop_text="q", length=0, temperature=1.5))
    assert text.endswith("q") and "q" not in text[:-1]
    assert len("".join(write(plugin, model, length=77, tidy=False))) == 77
    tidy = "".join(write(plugin, model, length=77, temperature=1.3))
    assert 77 <= len(tidy) <= 477


def test_values_change_while_it_writes(plugin: Any, model: Path) -> None:
    def automate(step: int, values: list[ParamSet]) -> None:
        values[0].set("temperature", 0.05 if step < 50 else 2.0)

    text = "".join(write(plugin, model, frames=100, length=0, automate=automate))
    assert len(set(text[50:])) > len(set(text[20:50]))


def test_top_k_one_and_the_penalty(plugin: Any, model: Path) -> None:
    loop = "".join(write(plugin, model, length=300, tidy=False, top_k=1, block=50))
    assert len({loop[i : i + 8] for i in range(150, 290)}) < 100
    broken = "".join(write(plugin, model, length=300, tidy=False, temperature=0.2, repetition_penalty=4.0, block=50))
    assert len({broken[i : i + 8] for i in range(150, 290)}) > 100


def test_a_wrong_model_is_a_sentence(plugin: Any, tmp_path: Path, model: Path) -> None:
    with pytest.raises(GeneratorError, match="there is no model"):
        write(plugin, Path("nothing"), frames=1)
    torch.manual_seed(0)
    network = SequenceRNN(RNNSpec(9, 8, 24, 1))
    for config in ({"network": network.spec.to_json()}, {"network": network.spec.to_json(), "characters": ["a"]}):
        save_model(tmp_path / "m.safetensors", pack(network.state_dict()), SEQUENCE, config)
        with pytest.raises(GeneratorError, match="characters"):
            write(plugin, tmp_path / "m.safetensors", frames=1)


PRESETS = presets_of("text_sequencer")


def test_there_are_presets() -> None:
    assert len(PRESETS) >= 6


@pytest.mark.parametrize("path", PRESETS, ids=lambda p: p.stem)
def test_presets_write(plugin: Any, path: Path) -> None:
    text = "".join(render([stage_of_preset(plugin, path)], frames=40))
    assert len(text.strip()) > 10


def test_a_book_in_the_data_folder_can_be_read(data_folder: Path) -> None:
    text, _ = read_text(data_folder / "text" / "alice.txt")
    assert "Alice" in text
