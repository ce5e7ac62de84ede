"""``reverie train`` with a recipe that learns one number."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
import torch

from studio.cli import main, train_cmd
from studio.training import recipes
from studio.training.describe import describe
from studio.training.loop import Config, Export, Recipe, TrainingError

LENGTH = ["--steps", "1200", "--checkpoint-every", "400", "--validate-every", "600"]


@dataclass
class TinySettings(Config):
    steps: int = 40
    rate: float = 0.05
    """How fast it learns, in 100 % of the usual."""
    kind: Literal["plain", "odd"] = "plain"
    shuffle: bool = True
    widths: tuple[int, ...] = (4, 8)
    limit: int | None = None
    note: str = field(default="", metadata={"help": "From the metadata."})


class TinyRecipe(Recipe):
    name, help = "tiny", "Learns the mean of the numbers in a file."
    Settings = TinySettings

    def prepare(self, data: Path) -> dict[str, Any]:
        try:
            self.target = float(data.read_text())
        except ValueError:
            raise TrainingError(f"{data.name} holds no number; write one into it") from None
        return {"numbers": 1}

    def build(self) -> None:
        self.modules["line"] = torch.nn.Linear(1, 1)
        self.optimisers["sgd"] = torch.optim.SGD(self.modules["line"].parameters(), lr=self.config.rate)

    def step(self, index: int) -> dict[str, float]:
        x = torch.from_numpy(self.rng.random((8, 1), "float32"))
        loss = (self.modules["line"](x) - self.target).square().mean()
        self.optimisers["sgd"].zero_grad()
        loss.backward()
        self.optimisers["sgd"].step()
        return {"loss": float(loss.detach())}

    def validate(self) -> dict[str, float]:
        return {"score": float((self.modules["line"](torch.ones(1, 1)) - self.target).abs().detach())}

    def export(self) -> Export:
        tensors = dict(self.modules["line"].state_dict())
        return Export(tensors, "toy", {"widths": list(self.config.widths)}, {"licence": "CC0-1.0"})


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # for so little work a second thread is only a wait
    monkeypatch.setitem(recipes.RECIPES, "tiny", f"{__name__}:TinyRecipe")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.txt").write_text("2.5")
    yield tmp_path
    torch.set_num_threads(threads)


def test_options_come_from_the_settings(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parser = train_cmd.recipe_parser("tiny", TinyRecipe)
    words = ["d", "-o", "m", "--rate", "0.5", "--kind", "odd", "--no-shuffle", "--widths", "1,2,3", "--limit", "none"]
    options = parser.parse_args(words)
    assert (options.rate, options.kind, options.shuffle) == (0.5, "odd", False)
    assert (options.widths, options.limit) == ((1, 2, 3), None)
    assert parser.parse_args(["d", "-o", "m", "--limit", "9"]).limit == 9
    assert main(["train", "tiny", "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for text in ("100 % of the usual", "From the metadata.", "Optimisation steps", "default 4,8", "{plain,odd}"):
        assert text in shown


def test_a_model_with_its_card_and_no_path_of_this_machine(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tiny / "deep").mkdir()
    assert main(["train", "tiny", str(tiny / "data.txt"), "-o", "deep/m.safetensors", "--widths", "3"]) == 0
    card = json.loads((tiny / "deep/m.json").read_text())
    assert card["command"] == "reverie train tiny data.txt -o m.safetensors --widths 3"
    assert str(tiny) not in json.dumps({**card, "config": None})
    assert card["steps"] == 40 and "score" in capsys.readouterr().out


def test_events_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "tiny", "data.txt", "-o", "m.safetensors", "--json"]) == 0
    kinds = [json.loads(line)["kind"] for line in capsys.readouterr().out.splitlines()]
    assert kinds[0] == "start" and kinds[-1] == "done" and "validate" in kinds


@pytest.mark.parametrize(("arguments", "code", "words"), [
    (["nosuch"], 2, "tiny"),
    (["tiny"], 2, "DATA"),
    (["tiny", "data.txt", "-o", "m.pth"], 2, ".safetensors"),
    (["tiny", "data.txt", "-o", "m.safetensors", "--rate", "fast"], 2, "--rate"),
    (["tiny", "gone.txt", "-o", "m.safetensors"], 1, "gone.txt"),
    (["tiny", "bad.txt", "-o", "m.safetensors"], 1, "holds no number"),
    (["tiny", "data.txt", "-o", "m.safetensors", "--resume"], 1, "--resume"),
    (["tiny", "data.txt", "-o", "m.safetensors", "--device", "cuda:9"], 1, "cuda:9"),
])
def test_faults_are_sentences(
    arguments: list[str], code: int, words: str, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tiny / "bad.txt").write_text("x")
    assert main(["train", *arguments]) == code
    error = capsys.readouterr().err
    assert words in error and "Traceback" not in error
    assert not (tiny / "m.safetensors").exists()


def test_ctrl_c_saves_and_resume_gives_the_same_model(tiny: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv.pop(1))\n"
        "import test_cli_train as t; t.recipes.RECIPES['tiny'] = 'test_cli_train:TinyRecipe'\n"
        "sys.exit(t.main(['train', 'tiny', 'data.txt', '-o', 'm.safetensors', *t.LENGTH, *sys.argv[1:]]))"
    )
    here = Path(__file__).resolve()
    environment = {**os.environ, "PYTHONPATH": str(here.parents[2]), "OMP_NUM_THREADS": "1"}

    def start(*more: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", code, str(here.parent), *more]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)

    process = start("--json")
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line)["kind"] == "checkpoint":
            process.send_signal(signal.SIGINT)
            break
    _, error = process.communicate(timeout=300)
    assert process.returncode == 1 and "go on with" in error and "--resume" in error, error
    assert (tiny / "m.safetensors.ckpt").exists() and not (tiny / "m.safetensors").exists()
    process = start("--resume")
    _, error = process.communicate(timeout=300)
    assert process.returncode == 0, error
    assert main(["train", "tiny", "data.txt", "-o", "whole.safetensors", *LENGTH]) == 0
    assert (tiny / "m.safetensors").read_bytes() == (tiny / "whole.safetensors").read_bytes()


@pytest.mark.parametrize("name", [name for name in recipes.RECIPES if name != "tiny"])
def test_every_recipe_has_options_and_says_what_it_is_about(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        train_cmd.recipe_parser(name, train_cmd.load_recipe(recipes.RECIPES[name])).parse_args(["--help"])
    assert stop.value.code == 0 and "--check-data" in capsys.readouterr().out
    about = recipes.about(name)
    known = {setting.name for setting in describe(train_cmd.load_recipe(recipes.RECIPES[name]).Settings)}
    named = {*about.basics, *about.required, *(setting for setting, _ in about.defaults)}
    assert about.title and about.makes and about.needs and named <= known


def test_events_and_words_over_pipes(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"pause\nfinish\n")
    with os.fdopen(reading) as stdin, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", stdin)
        code = main(["train", "tiny", "data.txt", "-o", "m.safetensors", "--events", "-", "--steps", "100000"])
        os.close(writing)
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert code == 0 and events[0]["kind"] == "preparing" and events[-1]["kind"] == "done"
    assert events[-1]["step"] < 100000 and "events" not in json.loads(Path("m.json").read_text())["command"]


def test_only_the_data_is_looked_at(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "tiny", "data.txt", "--check-data"]) == 0
    assert capsys.readouterr().out == "numbers: 1\n"
    assert main(["train", "tiny", "data.txt"]) == 2, "without it a model must be named"
    assert not list(Path().glob("*.safetensors"))
