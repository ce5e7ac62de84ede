"""The built-in generators from the command line: the same recipe gives the same file, byte for byte."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest

from studio import paths
from studio.cli import main
from studio.params import Model
from studio.picture import read_image
from studio.plugins import discover

CASES = {
    "sample_scene": (["--size", "96x64", "--frames", "2"], "gif"),
    "latent_explorer": (["--size", "64x64", "--frames", "3", "--set", "mode=loop"], "gif"),
    "deep_dream": (["--size", "64x64", "--frames", "2", "--set", "steps=1", "--set", "opening=1"], "gif"),
    "style_camera": (["--size", "96x64", "--input", "in.png", "--frames", "2"], "gif"),
    "style_painting": (["--size", "64x64", "--input", "in.png", "--set", "steps=2", "--set", "levels=1"], "png"),
    "gan_lesson": (["--size", "96x64", "--frames", "2", "--set", "width=8", "--set", "batch=16"], "gif"),
    "digit_lesson": (["--size", "96x64", "--frames", "2", "--set", "width=8", "--set", "batch=8"], "gif"),
    "draw_writer": (["--size", "96x64", "--frames", "3"], "gif"),
    "edges_to_picture": (["--size", "96x64", "--input", "in.png", "--frames", "2"], "gif"),
    "text_sequencer": (["--set", "length=60"], "txt"),
    "midi_sequencer": (["--bars", "1"], "wav"),
}


def content(path: Path) -> bytes:
    """What a file holds besides its recipe."""
    if path.suffix == ".txt":
        return path.read_bytes()
    if path.suffix == ".wav":
        with wave.open(str(path)) as sound:
            return sound.readframes(sound.getnframes())
    return read_image(path).tobytes()


@pytest.mark.parametrize("name", CASES)
def test_made_again_from_its_recipe(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import torch

    generator = discover(builtin_only=True).get(name).load()
    for param in generator.params.values():
        if isinstance(param, Model) and param.default:
            try:
                paths.find_model(param.default)
            except FileNotFoundError as error:
                pytest.skip(str(error))
    monkeypatch.chdir(tmp_path)
    arguments, ending = CASES[name]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        if "in.png" in arguments:
            assert main(["render", "sample_scene", "--size", "96x64", "-o", "in.png"]) == 0
        assert main(["render", name, *arguments, "--seed", "5", "-o", f"a.{ending}"]) == 0
        assert main(["render", "--recipe", f"a.{ending}", "-o", f"b.{ending}"]) == 0
        assert Path(f"a.{ending}").read_bytes() == Path(f"b.{ending}").read_bytes()
        assert main(["render", name, *arguments, "--seed", "6", "-o", f"c.{ending}"]) == 0
    finally:
        torch.set_num_threads(threads)
    if name not in ("style_camera", "style_painting", "edges_to_picture"):  # these have nothing to choose
        assert content(Path(f"a.{ending}")) != content(Path(f"c.{ending}"))
    assert "Traceback" not in capsys.readouterr().err
