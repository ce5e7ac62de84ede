"""Sound in renders: heard at each frame's exact time, the same each time, carried by the video, kept in the recipe."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from studio.cli import main
from studio.control.audio import SETTINGS, Analyser
from studio.control.binding import AUDIO, MODULATOR, Binding, Source, Target
from studio.control.modulators import FromAudio, Lfo, Math
from studio.control.routes import Route
from studio.engine import Stage, render
from studio.export import open_writer, read_recipe
from studio.files import FileError
from studio.media import Audio
from studio.params import ParamSet
from studio.plugins import Registry
from studio.session.audio_score import (
    CHAIN,
    AudioScore,
    ScoreError,
    ScoreHearing,
    binding_from_text,
    for_chain,
    parse_score,
)
from studio.session.render_job import JobError, RenderJob, job_from_recipe, make_stage, recipe_of, run
from tests.stand import write_plugin

SHADE = '''
import numpy as np
from studio.api import Bool, Float, Generator, Point, Text, Trigger

class Shade(Generator):
    """One grey, as bright as it is told or as what it hears."""
    id, version, makes, title = "test.shade", 1, "image", "Shade"
    level = Float(0.25, 0.0, 1.0)
    depth = Float(0.0, 0.0, 1.0)
    place = Point((0.0, 0.0))
    loud = Bool(False)
    go = Trigger()
    words = Text("")

    def setup(self, ctx):
        self.fired = 0

    def step(self, ctx):
        self.fired += self.go
        picture = np.zeros((16, 16, 3), np.float32)
        picture[:4] = self.level
        picture[4:8] = self.depth
        picture[8:12] = ctx.audio.get("level", 1.0)
        picture[12:] = min(1.0, self.fired / 16.0)
        return picture
'''
RATE = 48_000


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    monkeypatch.setenv("REVERIE_HOME", str(tmp_path / "home"))
    return Registry([write_plugin(tmp_path, "shade", SHADE)])


def wav(path: Path, sound: Any, rate: int = RATE) -> Path:
    with open_writer(path, options={"bits": "24"}) as writer:
        writer.add(Audio(np.asarray(sound, np.float32).reshape(len(sound), -1), rate))
    return path


def steps(seconds: float = 1.0) -> Any:
    """Louder by 10 dB in each quarter of a second, from -50 dB."""
    wave = np.sin(2.0 * np.pi * 1000.0 * np.arange(round(seconds * RATE)) / RATE)
    return wave * 10.0 ** ((-50.0 + 10.0 * (np.arange(len(wave)) // (RATE // 4))) / 20.0)


def score(path: Path, *bindings: Binding, **settings: Any) -> AudioScore:
    return AudioScore(str(path), settings, list(bindings))


LEVEL = Binding(Source(AUDIO, address="level"), Target("level", CHAIN, 0))


def frames(registry: Registry, made: AudioScore, fps: float = 25.0, count: int = 25) -> Any:
    hearing = ScoreHearing(made)
    try:
        stage = make_stage(registry, "test.shade")
        return np.stack([np.asarray(part) for part in render([stage], frames=count, fps=fps, audio=hearing)])
    finally:
        hearing.close()


@pytest.mark.parametrize("fps", (25.0, 29.97, 60.0))
def test_each_frame_hears_exactly_what_was_before_it(registry: Registry, tmp_path: Path, fps: float) -> None:
    path, count = wav(tmp_path / "a.wav", steps()), int(fps)
    made = frames(registry, score(path, LEVEL, automatic=False), fps, count)
    values = ParamSet(SETTINGS)
    values.set("automatic", False)
    sound = np.asarray(steps(), np.float32)
    known = Analyser(RATE, values).feed(sound)
    for number in range(count):
        end = round(number / fps * RATE)
        before = [frame for frame in known if frame.at <= end]
        wanted = before[-1].values["level"] if before else 0.0
        assert made[number, 0, 0, 0] / 255.0 == pytest.approx(wanted if before else 0.25, abs=0.004)
        assert made[number, 9, 0, 0] / 255.0 == pytest.approx(wanted, abs=0.004)


def test_a_render_is_the_same_each_time(registry: Registry, tmp_path: Path) -> None:
    noise = np.random.default_rng(3).standard_normal(RATE) * np.repeat((0.1, 0.0, 0.3, 0.01), RATE // 4)
    path = wav(tmp_path / "a.wav", noise)
    one, other = (frames(registry, score(path, LEVEL)) for _ in range(2))
    assert np.array_equal(one, other) and len(np.unique(one[:, 0, 0, 0])) > 5


def test_onsets_fire_and_modulation_is_added(registry: Registry, tmp_path: Path) -> None:
    sound = np.zeros(2 * RATE)
    for beat in range(4):
        sound[RATE // 4 + beat * RATE // 3 :][:500] = 0.5 * np.sin(np.arange(500) * 0.5)
    made = AudioScore(
        str(wav(tmp_path / "a.wav", sound)),
        bindings=[Binding(Source(AUDIO, address="onset"), Target("go", CHAIN, 0)),
                  Binding(Source(MODULATOR, address="swell"), Target("level", CHAIN, 0))],
        modulators=[FromAudio("swell", feature="mid")], routes=[Route("swell", Target("depth", CHAIN, 0), 0.5, False)],
    )
    pictures = frames(registry, made, 30.0, 60)
    assert round(pictures[-1, 13, 0, 0] / 255.0 * 16.0) == 4
    assert 110 < pictures[:, 5, 0, 0].max() <= 128 and pictures[0, 5, 0, 0] == 0
    assert pictures[:, 0, 0, 0].max() > 240


@pytest.mark.parametrize("ending", ("mp4", "webm", "mov"))
def test_a_video_carries_the_sound_to_the_sample(registry: Registry, tmp_path: Path, ending: str) -> None:
    sound = np.zeros(RATE)
    sound[RATE // 2 : RATE // 2 + 40] = 0.8
    path = wav(tmp_path / "a.wav", np.stack([sound, -sound], axis=1))
    out = tmp_path / f"a.{ending}"
    result = run(RenderJob([make_stage(registry, "test.shade")], [out], audio=score(path, LEVEL), fps=24.0))
    assert result.count == 24 and result.files[0][1]["sound"] in ("aac", "opus", "pcm_s16le")
    with av.open(str(out)) as container:
        parts = []
        for frame in container.decode(audio=0):
            array = frame.to_ndarray().astype(np.float64)
            parts.append(array if frame.format.is_planar else array.reshape(-1, 2).T)
    made = np.concatenate(parts, axis=1)
    made /= 32768.0 if ending == "mov" else 1.0
    assert made.shape[1] == pytest.approx(RATE, abs=1100)
    centre = int(np.abs(np.convolve(made[0], np.ones(40), "same")).argmax())
    assert centre == pytest.approx(RATE // 2 + 20, abs=3 if ending == "mov" else 24)
    assert made[0].max() > 0.5 and made[1].min() < -0.5


def test_a_recipe_makes_it_again(registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = wav(tmp_path / "a.wav", steps())
    first, second = tmp_path / "one.mp4", tmp_path / "two.mp4"
    made = score(path, LEVEL, release=50.0, file="/home/somebody/a.wav")
    run(RenderJob([make_stage(registry, "test.shade")], [first], frames=12, audio=made))
    recipe = read_recipe(first)
    assert recipe["audio"]["path"] == "a.wav" and "somebody" not in str(recipe)
    run(job_from_recipe(recipe, registry, [second], near=tmp_path))
    assert first.read_bytes() == second.read_bytes()
    path.rename(tmp_path / "b.wav")
    with pytest.raises(JobError, match=r"the recipe's sound a\.wav is not here; name it with --audio FILE"):
        job_from_recipe(recipe, registry, [second], near=tmp_path)
    job = job_from_recipe(recipe, registry, [second], near=tmp_path, sound=str(tmp_path / "b.wav"))
    assert job.audio is not None and job.audio.path.endswith("b.wav")


def test_a_strangers_recipe_cannot_break_a_render(tmp_path: Path) -> None:
    said: list[str] = []
    tree = {"settings": {"gain": "x", "moon": 1}, "bindings": [{"source": 1}, 7], "modulators": 3, "routes": "no"}
    made = parse_score(tree, "a.wav", said.append)
    assert made.bindings == [] and made.routes == [] and len(said) >= 5


def test_only_what_sound_moves_is_taken_along() -> None:
    here = Target("level", "A", 1)
    bindings = [Binding(Source("cc", 1), here), Binding(Source(AUDIO, address="bass"), here),
                Binding(Source(AUDIO, address="bass"), Target("level", "B", 0)),
                Binding(Source(MODULATOR, address="both"), here), Binding(Source(MODULATOR, address="wave"), here)]
    modulators = [FromAudio("ear"), Lfo("wave"), Math("both", first="wave", second="ear")]
    routes = [Route("wave", here), Route("both", here)]
    made = for_chain(lambda target: 3 if target == here else None, bindings, modulators, routes)
    assert [binding.source.address for binding in made.bindings] == ["bass", "both"]
    assert {binding.target for binding in made.bindings} == {Target("level", CHAIN, 3)}
    assert [route.modulator for route in made.routes] == ["both"] and len(made.modulators) == 3
    assert made.modulators[0] is not modulators[0]


def test_bindings_are_written_in_values_of_the_parameter(registry: Registry) -> None:
    stage = make_stage(registry, "test.shade")

    def find(name: str) -> tuple[int, Stage, str]:
        return 0, stage, name

    assert binding_from_text("level=audio.bass:0.2..0.6", find) == Binding(
        Source(AUDIO, address="bass"), Target("level", CHAIN, 0), 0.2, 0.6)
    for bad, why in (("level", "write PARAM"), ("level=smell", "nothing that is heard"), ("moon=bass", "no parameter"),
                     ("words=bass", "cannot be moved"), ("level=bass:1", "LOW..HIGH"), ("level=bass:a..b", "number")):
        with pytest.raises(ScoreError, match=why):
            binding_from_text(bad, find)


def test_the_length_is_that_of_the_sound(registry: Registry, tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", np.zeros(RATE // 2))
    job = RenderJob([make_stage(registry, "test.shade")], [tmp_path / "a.gif"], fps=20.0, audio=score(path))
    assert run(job).count == 10 and "audio" in recipe_of(job)
    with pytest.raises(FileError, match="cannot read"):
        run(RenderJob(job.stages, [tmp_path / "b.gif"], audio=score(tmp_path / "gone.wav")))
    assert not (tmp_path / "b.gif").exists()


def test_the_command_line(registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = str(wav(tmp_path / "a.wav", steps())), str(tmp_path / "a.mp4")
    plugin = str(tmp_path / "shade.py")
    base = ["render", plugin, "--frames", "6", "-o", out]
    heard = ["--audio", path, "--bind", "level=level:0.1..0.9", "--hear", "automatic=off"]
    assert main([*base, *heard]) == 0
    assert "sound aac" in capsys.readouterr().out
    assert read_recipe(out)["audio"]["settings"] == {"automatic": False}
    for wrong, why in itertools.chain(
        [(["--bind", "level=bass"], "need a sound"), (["--audio", path, "--bind", "level=x"], "nothing that is heard")],
        [(["--audio", path, "--hear", "gain"], "NAME=VALUE"), (["--audio", path, "--hear", "channels=q"], "channels")],
        [(["--audio", str(tmp_path / "gone.wav")], "cannot read"), (["--audio", path, "--bind", "a.b=bass"], "effect")],
    ):
        assert main([*base, *wrong]) != 0
        assert why in capsys.readouterr().err
