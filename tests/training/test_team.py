"""Several processes that train together: real ones over gloo, started by the command as a user starts them."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from studio.training import checkpoint
from studio.training.loop import TrainingError, train
from studio.training.team import Team, assemble
from studio.training.text import TextRecipe, TextSettings
from tests.conftest import ROOT
from tests.training.line import LineRecipe, config

SETTINGS = {"steps": 12, "hidden": 16, "embedding": 8, "layers": 1, "batch": 8, "window": 16, "dropout": 0.0}


@pytest.fixture
def words(tmp_path: Path) -> Path:
    chosen = random.Random(1)
    path = tmp_path / "rain.txt"
    path.write_text(" ".join(chosen.choice("rain falls on the old town and nobody sings".split()) for _ in range(400)))
    return path


def losses(model: Path) -> list[float]:
    lines = model.with_name(model.name + ".events.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    return [event["figures"]["score"] for event in events if event["kind"] == "validate"]


def test_two_processes_have_the_curve_of_one(words: Path, tmp_path: Path) -> None:
    """The same global batch: weights, carried state and validation agree to rounding at every point."""
    options = [f"--{name}={value}" for name, value in SETTINGS.items()]
    command = [sys.executable, "-m", "studio.cli", "train", "text", str(words), "-o", "two.safetensors", *options]
    ran = subprocess.run(
        [*command, "--validate-every=3", "--precision=float32", "--devices=2", "--json"], cwd=tmp_path, timeout=300,
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
    )
    assert ran.returncode == 0, ran.stderr
    told = [json.loads(line) for line in ran.stdout.splitlines()]
    assert told[0]["processes"] == 2 and sum(event["kind"] == "done" for event in told) == 1, "one of them speaks"
    settings = TextSettings(**SETTINGS, validate_every=3, precision="float32")  # type: ignore[arg-type]
    train(TextRecipe(settings), words, tmp_path / "one.safetensors")
    one, two = losses(tmp_path / "one.safetensors"), losses(tmp_path / "two.safetensors")
    assert len(one) == 4 and two == pytest.approx(one, rel=1e-5) and one[-1] < one[0]
    states = [checkpoint.load(tmp_path / f"{name}.safetensors.ckpt")["state"] for name in ("one", "two")]
    for name, tensor in states[0]["modules"]["network"].items():
        torch.testing.assert_close(states[1]["modules"]["network"][name], tensor)
    for ours, theirs in zip(*(state["extra"]["carried"] for state in states), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_one_process_is_a_team_of_its_own() -> None:
    team = assemble(LineRecipe, config())
    assert type(team) is Team and team.chief and team.size == 1
    assert team.told([1.5, float("inf")]) == [1.5, float("inf")] == team.mean([1.5, float("inf")])


@pytest.mark.parametrize(("changes", "words"), [
    ({"devices": 0}, "devices: 0"), ({"nodes": 0}, "nodes: 0"), ({"devices": 3}, "batch of 8 cannot be cut into 3"),
    ({"devices": 2, "device": "mps"}, "needs cpu or cuda"), ({"devices": 2, "device": "cuda"}, "GPUs here, not 2"),
])
def test_teams_that_cannot_be_are_sentences(changes: dict[str, object], words: str) -> None:
    if changes.get("device") == "cuda" and torch.cuda.device_count() >= 2:
        pytest.skip("there are two GPUs here")
    with pytest.raises(TrainingError, match=words):
        assemble(LineRecipe, config(**changes))


def test_a_team_is_started_by_the_command_alone(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="use reverie train"):
        train(LineRecipe(config(devices=2)), tmp_path / "x", tmp_path / "m.safetensors")
