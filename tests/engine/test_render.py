"""Offline render: what goes in, what comes out, in which order, and every failure as a sentence."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from studio.api import (
    Audio,
    Bool,
    Cancelled,
    Context,
    Finished,
    Float,
    Generator,
    Int,
    MediaError,
    Note,
    Notes,
    Trigger,
)
from studio.engine import GeneratorError, Stage, render
from studio.engine.chain import is_out_of_memory
from studio.engine.convert import to_input
from studio.params import ParamSet

ROOT = Path(__file__).resolve().parents[2]


def stage(generator: type[Generator], **values: Any) -> Stage:
    found = ParamSet(generator.params)
    for name, value in values.items():
        found.set(name, value)
    return Stage(generator, found)


class Ramp(Generator):
    id = "test.ramp"
    title = "Ramp"
    speed = Float(0.1, 0.0, 1.0)
    size = Int(8, 2, 64, live=False)
    flash = Trigger()

    def setup(self, ctx: Context) -> None:
        self.level, self.setups = 0.0, getattr(self, "setups", 0) + 1

    def step(self, ctx: Context) -> np.ndarray:
        self.level = (self.level + self.speed) % 1.0
        picture = np.full((self.size, self.size, 3), 1.0 if self.flash else self.level, np.float32)
        picture[0, 0] = self.setups / 10
        return picture


class Noise(Generator):
    id = "test.noise"

    def step(self, ctx: Context) -> torch.Tensor:
        return torch.rand(3, 6, 5, generator=ctx.torch_rng(ctx.frame)) * 0.5 + float(ctx.rng.random()) * 0.5


class Invert(Generator):
    id = "test.invert"
    title = "Invert"
    takes = "image"
    wants = "tensor"
    seen: tuple[Any, ...] = ()

    def step(self, ctx: Context) -> torch.Tensor:
        Invert.seen = (ctx.input.dtype, tuple(ctx.input.shape), ctx.input.device.type)
        return 1.0 - ctx.input


class Array(Generator):
    id = "test.array"
    takes = "image"
    seen: tuple[Any, ...] = ()

    def step(self, ctx: Context) -> Any:
        if ctx.input is None:
            return np.zeros((2, 2, 3), np.uint8)
        Array.seen = (ctx.input.dtype, ctx.input.shape, ctx.input.flags["C_CONTIGUOUS"])
        return ctx.input


class Words(Generator):
    id = "test.words"
    title = "Words"
    makes = "text"

    def step(self, ctx: Context) -> Iterator[str]:
        for letter in "abc":
            yield f"{letter}{ctx.frame}"
        if ctx.frame == 2:
            raise Finished


class Shout(Generator):
    id = "test.shout"
    makes = takes = "text"

    def step(self, ctx: Context) -> str:
        return ctx.input.upper() + "!"


class Bars(Generator):
    id = "test.bars"
    makes = "notes"

    def step(self, ctx: Context) -> Notes:
        return Notes((Note(60, 100, 0.0, 1.0),), 4.0) if ctx.beat == 4.0 * ctx.frame else Notes((), 0.0)


class Painting(Generator):
    id = "test.painting"

    def step(self, ctx: Context) -> Iterator[np.ndarray]:
        for level in range(1, 6):
            ctx.check(level / 5)
            yield np.full((2, 2, 3), level * 10, np.uint8)
        raise Finished


class Broken(Generator):
    id = "test.broken"
    title = "Broken"
    takes = "image"
    how = Int(0, 0, 20)
    closed = 0

    def step(self, ctx: Context) -> Any:
        def parts() -> Iterator[Any]:
            yield np.zeros((2, 2, 3))
            raise KeyError("layer4")

        results: list[Any] = [
            lambda: {}["x"], lambda: np.full((4, 4, 3), np.nan), lambda: np.zeros((0, 4, 3), np.uint8),
            lambda: "text", lambda: np.zeros((4, 4, 7)), lambda: 1 / 0, lambda: torch.full((3, 4, 4), float("inf")),
            lambda: torch.zeros(9, 9), lambda: np.zeros((4, 4, 3), np.int64), lambda: [].pop(),
            lambda: (_ for _ in ()).throw(MemoryError()), parts,
            lambda: (_ for _ in ()).throw(FileNotFoundError("the model flowers is missing; train it")),
            lambda: np.zeros((4, 4, 3), object), lambda: torch.zeros(2, 3, 4, 4), lambda: [1, 2, 3],
        ]
        return results[self.how]()

    def close(self) -> None:
        Broken.closed += 1


class Silent(Generator):
    id = "test.silent"
    title = "Silent"
    makes = "text"

    def step(self, ctx: Context) -> None:
        return None


def test_frames_are_uint8_rgb_and_counted() -> None:
    frames = list(render([stage(Ramp)], frames=5))
    assert len(frames) == 5
    assert all(f.dtype == np.uint8 and f.shape == (8, 8, 3) and f.flags["C_CONTIGUOUS"] for f in frames)
    assert [int(f[1, 1, 0]) for f in frames] == [26, 51, 77, 102, 128]


def test_the_same_seed_gives_the_same_bits_and_another_seed_others() -> None:
    def run(seed: int) -> list[bytes]:
        return [f.tobytes() for f in render([stage(Noise), stage(Invert)], frames=4, seed=seed)]

    assert run(3) == run(3)
    assert run(3) != run(4)
    assert len(set(run(3))) == 4


def test_effects_get_their_form_and_see_each_other() -> None:
    plain = list(render([stage(Ramp)], frames=2))
    twice = list(render([stage(Ramp), stage(Invert), stage(Array), stage(Invert)], frames=2))
    assert all(np.array_equal(a, b) for a, b in zip(plain, twice, strict=True))
    assert Invert.seen == (torch.float32, (3, 8, 8), "cpu")
    assert Array.seen == (np.float32, (8, 8, 3), True)


def test_precision_survives_the_chain() -> None:
    """A tensor that is handed to an array effect is not rounded to 8 bits on the way."""
    ctx = Context()
    fine = torch.full((3, 4, 4), 0.12345)
    assert np.allclose(to_input(fine, "array", ctx), 0.12345)
    assert torch.allclose(to_input(np.full((4, 4, 3), 0.12345, np.float32), "tensor", ctx), fine)


@pytest.mark.parametrize("wants", ["array", "tensor"])
@pytest.mark.parametrize(
    "value",
    [
        np.full((4, 6, 3), 255, np.uint8), np.ones((4, 6), np.float32), np.ones((4, 6, 3), np.float64)[::-1, ::-1],
        torch.ones(3, 4, 6), torch.ones(1, 4, 6), torch.ones(1, 3, 4, 6).half(), torch.full((3, 4, 6), 255).byte(),
        np.full((4, 6), 255, np.uint8), np.full((4, 6, 4), 255, np.uint8), torch.ones(3, 4, 6) * 7,
        np.ones((4, 6, 1), np.float32),
    ],
    ids=str,
)
def test_every_picture_becomes_every_input(wants: str, value: Any) -> None:
    found = to_input(value, wants, Context())
    assert tuple(found.shape) == ((4, 6, 3) if wants == "array" else (3, 4, 6))
    assert float(found.min()) == float(found.max()) == 1.0 and str(found.dtype).endswith("float32")


@pytest.mark.parametrize("wants", ["array", "tensor"])
@pytest.mark.parametrize("value", [np.full((4, 4, 3), np.nan), torch.full((3, 2, 2), torch.inf), torch.zeros(5, 4, 4)])
def test_bad_pictures_do_not_reach_an_effect(wants: str, value: Any) -> None:
    with pytest.raises(MediaError):
        to_input(value, wants, Context())


def test_source_pictures_feed_the_first_effect_until_they_end() -> None:
    def pictures() -> Iterator[np.ndarray]:
        for level in (0, 100, 200):
            yield np.full((3, 4, 3), level, np.uint8)

    notices: list[str] = []
    assert [int(f[0, 0, 0]) for f in render([stage(Invert)], source=pictures())] == [255, 155, 55]
    held = render([stage(Invert)], source=pictures(), frames=5, on_notice=notices.append)
    assert [int(f[0, 0, 0]) for f in held] == [255, 155, 55, 55, 55]
    assert notices == ["the input ended after 3 pictures; its last one is held"]
    with pytest.raises(MediaError, match="holds no pictures"):
        list(render([stage(Invert)], source=iter([]), frames=2))


def test_an_effect_without_a_source_gets_none_and_a_source_is_told_it_is_unused() -> None:
    assert len(list(render([stage(Array)], frames=1))) == 1
    notices: list[str] = []
    list(render([stage(Ramp)], frames=1, source=iter([np.zeros((2, 2, 3), np.uint8)]), on_notice=notices.append))
    assert notices == ["the input is not used: the first generator takes no picture"]


def test_parts_of_text_stream_until_finished() -> None:
    assert list(render([stage(Words)])) == ["a0", "b0", "c0", "a1", "b1", "c1", "a2", "b2", "c2"]
    assert list(render([stage(Words), stage(Shout)], frames=4)) == ["A0!", "B0!", "C0!", "A1!"]


def test_notes_move_the_beat_by_their_length() -> None:
    blocks = list(render([stage(Bars)], frames=4, bpm=90.0))
    assert [len(block.notes) for block in blocks] == [1, 1, 1, 1]


def test_previews_progress_and_the_last_picture() -> None:
    previews: list[int] = []
    progress: list[float] = []
    frames = list(render(
        [stage(Painting)], on_preview=lambda f: previews.append(int(f[0, 0, 0])), on_progress=progress.append
    ))
    assert [int(f[0, 0, 0]) for f in frames] == [50]
    assert previews == [10, 20, 30, 40, 50]
    assert progress == sorted(progress) and progress[-1] == 1.0


def test_progress_over_frames_never_goes_back() -> None:
    progress: list[float] = []
    list(render([stage(Ramp)], frames=8, on_progress=progress.append))
    assert progress == [n / 8 for n in range(1, 9)]


def test_a_value_that_is_not_live_sets_up_again_and_automation_comes_before_each_step() -> None:
    def automate(frame: int, values: list[ParamSet]) -> None:
        values[0].set("speed", frame / 10)
        if frame == 2:
            values[0].set("size", 4)
        if frame == 1:
            values[0].fire("flash")

    frames = list(render([stage(Ramp)], frames=4, automate=automate))
    assert [f.shape[0] for f in frames] == [8, 8, 4, 4]
    assert [int(f[0, 0, 0]) for f in frames] == [26, 26, 51, 51]
    assert [int(f[1, 1, 0]) for f in frames] == [0, 255, 51, 128]


def test_a_trigger_fired_before_the_start_is_not_lost() -> None:
    flashing = stage(Ramp)
    flashing.values.fire("flash")
    assert [int(f[1, 1, 0]) for f in render([flashing], frames=2)] == [255, 51]


@pytest.mark.parametrize("how", range(16))
def test_every_failure_names_the_generator_and_keeps_its_cause(how: int) -> None:
    before = Broken.closed
    with pytest.raises(GeneratorError) as caught:
        list(render([stage(Ramp), stage(Broken, how=how)], frames=1))
    text = str(caught.value)
    assert text.startswith("Broken stopped: ") and "\n" not in text and len(text) < 400
    assert caught.value.generator == "test.broken" and caught.value.stage == 1
    assert caught.value.__cause__ is not None
    assert Broken.closed == before + 1


def test_out_of_memory_is_recognised_and_has_a_cure() -> None:
    assert is_out_of_memory(RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"))
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory."))
    assert not is_out_of_memory(ValueError("out of memory lane"))
    with pytest.raises(GeneratorError, match="choose a smaller size") as caught:
        list(render([stage(Broken, how=10)], frames=1))
    assert caught.value.out_of_memory


def test_setup_and_constructor_errors() -> None:
    class Late(Generator):
        id = "test.late"

        def setup(self, ctx: Context) -> None:
            raise ValueError("the model is missing; train it")

        def step(self, ctx: Context) -> None: ...

    class Early(Generator):
        id = "test.early"

        def __init__(self) -> None:
            raise RuntimeError("no")

        def step(self, ctx: Context) -> None: ...

    with pytest.raises(GeneratorError, match=r"test\.late could not be set up: the model is missing; train it"):
        list(render([stage(Late)], frames=1))
    with pytest.raises(GeneratorError, match=r"test\.early could not be set up: RuntimeError: no"):
        list(render([stage(Early)], frames=1))


@pytest.mark.parametrize(
    ("stages", "word"),
    [
        ([], "nothing to run"), ([Ramp, Noise], "test.noise takes no input, so it cannot follow Ramp"),
        ([Words, Invert], "Invert takes image, but Words before it makes text"),
    ],
)
def test_stages_that_do_not_fit(stages: list[type[Generator]], word: str) -> None:
    with pytest.raises(GeneratorError, match=word):
        list(render([stage(g) for g in stages], frames=1))


@pytest.mark.parametrize(
    "wrong", [{"fps": 0.0}, {"fps": float("nan")}, {"bpm": -1.0}, {"size": (0, 5)}, {"size": (9, 99999)}, {"seed": -1}]
)
def test_impossible_settings_are_sentences(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        list(render([stage(Ramp)], frames=1, **wrong))


def test_cancel_between_frames_and_within_a_step() -> None:
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > 3

    with pytest.raises(Cancelled):
        list(render([stage(Ramp)], frames=100, cancelled=cancelled))
    assert asked == 4
    asked = 0
    with pytest.raises(Cancelled):
        list(render([stage(Painting)], cancelled=cancelled))
    assert asked == 4


def test_a_generator_that_never_makes_anything_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    # the package's name ``render`` is the function
    monkeypatch.setattr(sys.modules["studio.engine.render"], "MAX_IDLE", 50)
    with pytest.raises(GeneratorError, match="Silent made nothing in 50 steps"):
        list(render([stage(Silent)], frames=1))


def test_an_abandoned_render_closes_its_generators_and_source() -> None:
    closed: list[str] = []

    class Closing(Ramp):
        id = "test.closing"
        takes = "image"

        def close(self) -> None:
            closed.append("generator")
            raise RuntimeError("only logged")

    def pictures() -> Iterator[np.ndarray]:
        try:
            while True:
                yield np.zeros((2, 2, 3), np.uint8)
        finally:
            closed.append("source")

    frames = render([stage(Closing)], source=pictures())
    next(frames)
    frames.close()  # type: ignore[attr-defined]
    assert closed == ["generator", "source"]


def test_none_means_that_the_picture_stands() -> None:
    class Seldom(Generator):
        id = "test.seldom"

        def step(self, ctx: Context) -> np.ndarray | None:
            return np.full((2, 2, 3), ctx.frame, np.uint8) if ctx.frame % 2 == 0 else None

    assert [int(f[0, 0, 0]) for f in render([stage(Seldom)], frames=5)] == [0, 0, 2, 2, 4]


def test_sound_is_checked() -> None:
    class Tone(Generator):
        id = "test.tone"
        makes = "audio"
        bad = Bool(False)

        def step(self, ctx: Context) -> Audio:
            return Audio(np.full((480, 2), np.nan if self.bad else 0.5, np.float32))

    assert len(list(render([stage(Tone)], frames=2))) == 2
    with pytest.raises(GeneratorError, match="NaN"):
        list(render([stage(Tone, bad=True)], frames=1))


def test_the_engine_and_a_numpy_render_import_no_torch_and_no_qt() -> None:
    code = (
        "import sys, numpy as np\nimport studio.engine, studio.library.presets, studio.library.session\n"
        "from studio.api import Generator\nfrom studio.engine import Deck, Stage, render\n"
        "from studio.params import ParamSet\n"
        "class G(Generator):\n    id = 'a.b'\n    def step(self, ctx): return np.zeros((2, 2, 3), np.uint8)\n"
        "assert len(list(render([Stage(G, ParamSet({}))], frames=2))) == 2\n"
        "bad = {'torch', 'cv2', 'av', 'mido', 'sounddevice', 'PySide6', 'PyQt6'} & set(sys.modules)\n"
        "assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
