"""``reverie render`` and ``reverie recipe`` from arguments to files, with real writers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from studio.cli import main
from studio.picture import frame_count, read_image

pytestmark = pytest.mark.usefixtures("plugins")
ROOT = Path(__file__).resolve().parents[2]


def recipe(path: str, capsys: pytest.CaptureFixture[str]) -> dict:
    capsys.readouterr()
    assert main(["recipe", path, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_still_is_made_again_from_its_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    wanted = ["--preset", "quick", "--set", "look=wild", "--seed", "9", "--size", "40x24"]
    assert main(["render", "rings", *wanted, "-o", "a.png"]) == 0
    out = capsys.readouterr()
    assert "a.png" in out.out and "gone" in out.err
    assert read_image("a.png").shape == (24, 40, 3)
    found = recipe("a.png", capsys)
    assert found["stages"][0]["params"] == {"speed": 3.5, "seed": 9, "centre": [0.0, 0.0], "look": "wild", "gone": 1}
    assert (found["seed"], found["frames"], found["size"]) == (9, 1, [40, 24])
    assert main(["render", "--recipe", "a.png", "-o", "b.png"]) == 0
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()
    assert main(["render", "rings", "--seed", "9", "--size", "40x24", "-o", "c.png"]) == 0
    assert not np.array_equal(read_image("a.png"), read_image("c.png"))


@pytest.mark.parametrize("ending", ["gif", "webp", "mp4", "webm", "mov"])
def test_animations_of_every_format_are_made_again(ending: str, capsys: pytest.CaptureFixture[str]) -> None:
    import av

    assert main(["render", "rings", "--frames", "6", "--fps", "12", "--size", "64x48", "-o", f"a.{ending}"]) == 0
    assert recipe(f"a.{ending}", capsys)["frames"] == 6
    assert main(["render", "--recipe", f"a.{ending}", "-o", f"b.{ending}"]) == 0
    if ending == "webp":
        assert frame_count("a.webp") == 6
        assert Path("a.webp").read_bytes() == Path("b.webp").read_bytes()
        return
    frames = []
    for name in ("a", "b"):
        with av.open(f"{name}.{ending}") as container:
            frames.append([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
    assert len(frames[0]) == 6 and np.array_equal(frames[0], frames[1])


def test_chain_input_and_several_outputs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["render", "rings", "--frames", "5", "--fps", "10", "-o", "clip.mp4"]) == 0
    arguments = [
        "render", "invert", "--input", "clip.mp4", "--fps", "10", "--chain", "invert:", "--set", "amount=0.25",
        "-o", "again.gif", "-o", "last.png",
    ]
    assert main(arguments) == 0
    found = recipe("again.gif", capsys)
    assert [stage["params"]["amount"] for stage in found["stages"]] == [0.25, 1.0]
    assert found["input"]["path"] == "clip.mp4" and len(found["input"]["sha256"]) == 64
    assert frame_count("again.gif") == 5 and read_image("last.png").shape == (32, 48, 3)
    assert main(["render", "--recipe", "again.gif", "-o", "b.gif"]) == 0
    assert Path("again.gif").read_bytes() == Path("b.gif").read_bytes()
    Path("clip.mp4").unlink()
    assert main(["render", "--recipe", "again.gif", "-o", "c.gif"]) == 1
    assert "--input" in capsys.readouterr().err and not Path("c.gif").exists()


def test_a_player_with_bars_of_its_own_finds_its_own_end(capsys: pytest.CaptureFixture[str]) -> None:
    from studio.midi_file import read_midi

    for arguments, bars in ((["--bars", "3"], 4), (["--set", "bars=5"], 6), ([], 8), (["--bars", "1.5"], 1.5)):
        assert main(["render", "piece", *arguments, "-o", "p.mid"]) == 0
        assert max(note.start + note.duration for note in read_midi("p.mid").notes) == pytest.approx(4 * bars)
        assert main(["render", "--recipe", "p.mid", "-o", "again.mid"]) == 0
        assert recipe("p.mid", capsys) == recipe("again.mid", capsys)
        assert read_midi("p.mid").notes == read_midi("again.mid").notes


def test_one_quality_for_every_lossy_format(capsys: pytest.CaptureFixture[str]) -> None:
    sizes = {}
    for quality in ("20", "95"):
        outs = [f"q{quality}.{ending}" for ending in ("mp4", "webm", "jpg", "webp")]
        arguments = ["render", "rings", "--frames", "4", "--size", "96x64", "--quality", quality]
        assert main([*arguments, *[word for out in outs for word in ("-o", out)]]) == 0
        sizes[quality] = [Path(out).stat().st_size for out in outs]
    assert all(small < large for small, large in zip(sizes["20"], sizes["95"], strict=True))
    assert recipe("q20.mp4", capsys)["options"]["crf"] == round(51 * 0.8)
    assert main(["render", "rings", "--quality", "good", "-o", "x.mp4"]) == 1
    assert main(["render", "rings", "--quality", "50", "-o", "x.gif"]) == 2


def test_the_input_of_a_recipe_never_leads_out_of_the_folder(capsys: pytest.CaptureFixture[str]) -> None:
    secret = Path.cwd().parent / "secret.png"
    secret.write_bytes(b"\x89PNG that nobody shall read")
    base = {
        "format": "reverie.recipe", "format_version": 1, "studio": "0.1.0", "seed": 0, "fps": 30.0, "frames": 1,
        "size": None, "bpm": 120.0, "models": {}, "options": {},
        "stages": [{"generator": "cli.invert", "version": 1, "params": {}}],
    }
    for path in (str(secret), "../secret.png", "..\\secret.png", "", ".."):
        Path("evil.json").write_text(json.dumps({**base, "input": {"path": path, "sha256": None}}))
        assert main(["render", "--recipe", "evil.json", "-o", "x.png"]) == 1
        assert not Path("x.png").exists()


def test_text_and_notes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["render", "letters", "--set", "length=12", "-o", "a.txt"]) == 0
    assert len(Path("a.txt").read_text().strip()) == 12
    assert main(["render", "--recipe", "a.txt", "-o", "b.txt"]) == 0
    assert Path("a.txt").read_text() == Path("b.txt").read_text()
    assert main(["render", "tune", "--bars", "2", "--bpm", "90", "-o", "a.mid", "-o", "a.wav"]) == 0
    from studio.midi_file import read_midi

    song = read_midi(Path("a.mid"))
    assert song.bpm == pytest.approx(90, abs=0.01)
    assert max(note.start + note.duration for note in song.notes) <= 8.0 + 1e-6
    assert recipe("a.mid", capsys)["beats"] == 8.0
    assert main(["render", "--recipe", "a.mid", "-o", "b.mid", "-o", "b.wav"]) == 0
    assert read_midi(Path("b.mid")).notes == song.notes
    assert Path("a.wav").read_bytes() == Path("b.wav").read_bytes()


@pytest.mark.parametrize(("arguments", "code", "words"), [
    (["render", "rings"], 2, "-o FILE"),
    (["render", "-o", "x.png"], 2, "name a generator"),
    (["render", "rings", "--set", "speed", "-o", "x.png"], 2, "NAME=VALUE"),
    (["render", "rings", "--set", "sped=1", "-o", "x.png"], 2, "did you mean speed"),
    (["render", "rings", "--set", "look=odd", "-o", "x.png"], 2, "calm"),
    (["render", "rings", "--set", "other.look=odd", "-o", "x.png"], 2, "other"),
    (["render", "rings", "--size", "1x1", "-o", "x.png"], 2, "640x360"),
    (["render", "rings", "--frames", "0", "-o", "x.gif"], 2, "whole number"),
    (["render", "rings", "--fps", "nan", "-o", "x.gif"], 2, "between"),
    (["render", "rings", "--seconds", "2", "--frames", "3", "-o", "x.gif"], 2, "not allowed"),
    (["render", "rings", "--recipe", "y", "-o", "x.gif"], 2, "leave those out"),
    (["render", "rings", "--palette", "frame", "-o", "x.png"], 2, "palette"),
    (["render", "letters", "--seconds", "2", "-o", "x.txt"], 2, "no seconds"),
    (["render", "ring", "-o", "x.png"], 1, "rings"),
    (["render", "rings", "--preset", "quik", "-o", "x.png"], 1, "quick"),
    (["render", "rings", "-o", "x.wav"], 1, ".png"),
    (["render", "rings", "-o", "x.bmp"], 1, ".png"),
    (["render", "rings", "-o", "nowhere/x.png"], 1, "nowhere"),
    (["render", "rings", "--input", "x.png", "-o", "y.png"], 1, "takes no pictures"),
    (["render", "invert", "--input", "gone.png", "-o", "y.png"], 1, "gone.png"),
    (["render", "invert", "--input", "https://a.b/c.mp4", "-o", "y.png"], 1, "no addresses"),
    (["render", "invert", "--input", "camera:77", "-o", "y.png"], 1, "no such camera"),
    (["render", "tune", "--chain", "invert", "-o", "y.png"], 1, "notes"),
    (["render", "broken", "-o", "y.png"], 1, "reverie.log"),
    (["recipe", "gone.png"], 1, "gone.png"),
])
def test_what_cannot_be_is_one_sentence(
    arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == code
    error = capsys.readouterr().err
    assert words in error and "Traceback" not in error
    assert list(Path.cwd().iterdir()) == []


def test_ctrl_c_leaves_nothing(plugins: Path) -> None:
    command = [sys.executable, "-m", "studio.cli", "render", "slow", "--frames", "9", "-o", "slow.mp4"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "stopped after 1 frame; nothing was written" in error and "Traceback" not in error
    assert list(Path.cwd().iterdir()) == []
