"""Exports beside the live picture, what files dropped on the studio mean, and small pictures of presets."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from studio import picture
from studio.engine.threads import stop_all
from studio.export import read_recipe
from studio.files import FileError
from studio.library.presets import Preset, load_preset, save_preset
from studio.plugins import Registry, discover
from studio.session import memory, restoring, thumbnails
from studio.session.exporting import (
    FORMATS,
    MIX,
    ExportPlan,
    Format,
    export_folder,
    file_name,
    formats_for,
    look_of,
    refuse,
    start_export,
)
from studio.session.gif_preview import preview, trial_size
from studio.session.render_job import JobError, job_from_recipe, run
from studio.session.session import Session
from tests.stand import until, write_plugins

SOURCE = '''
import numpy as np
from studio.api import Choice, Float, Generator, Model, Path

class Ramp(Generator):
    """Goes from dark to light and back, over a period."""
    id, version, makes, title = "test.ramp", 1, "image", "Ramp"
    level = Float(0.5, 0.0, 1.0)
    period = Float(2.0, 0.1, 10.0, unit="s")
    mode = Choice("loop", ("loop", "still"))
    photo = Path("", accepts="image")

    @classmethod
    def loop_seconds(cls, values, bpm):
        return values["period"] if values["mode"] == "loop" else None

    def step(self, ctx):
        width, height = ctx.size or (32, 24)
        x = np.linspace(0.0, 1.0, width, dtype=np.float32)
        wave = 0.5 + 0.5 * np.cos(2 * np.pi * (x + ctx.t / self.period))
        row = np.stack([wave * self.level, x * self.level, np.full_like(x, self.level)], axis=1)
        return np.repeat(row[None], height, axis=0)
'''

EFFECT = '''
from studio.api import Float, Generator

class Half(Generator):
    id, version, makes, takes, title = "test.half", 1, "image", "image", "Half"
    by = Float(0.5, 0.0, 1.0)

    def step(self, ctx):
        return ctx.input * self.by
'''

PLAYER = '''
from studio.api import Generator, Int, Path, Seed
from studio.media import Note, Notes

class Beep(Generator):
    id, version, makes, title = "test.beep", 1, "notes", "Beep"
    pitch = Int(60, 0, 127)
    primer = Path("", accepts="midi", live=False)

    def step(self, ctx):
        return Notes(tuple(Note(self.pitch, 90, float(b), 0.9) for b in range(4)), 4.0)
'''

TEXT = '''
from studio.api import Finished, Generator, Int

class Count(Generator):
    id, version, makes, title = "test.count", 1, "text", "Count"
    until = Int(5, 1, 100)

    def setup(self, ctx):
        self.at = 0

    def step(self, ctx):
        if self.at >= self.until:
            raise Finished
        self.at += 1
        return f"{self.at} "
'''


GROWING = '''
import numpy as np
from studio.api import Choice, Generator, Path, Trigger

class Growing(Generator):
    """Shows the first picture it saw, for ever."""
    id, version, makes, takes, title = "test.growing", 1, "image", "image", "Growing"
    guide = Path("", accepts="image")
    own = Path("", accepts="image", live=False)
    restart = Trigger()

    @classmethod
    def begins_with_input(cls, values):
        return not values["own"]

    @classmethod
    def for_drop(cls, values, path, kind, direct):
        return {} if direct and not values["own"] else {"own": path}

    def setup(self, ctx):
        self.kept = None

    def step(self, ctx):
        if self.kept is None or self.restart:
            self.kept = ctx.input
        return self.kept
'''


DRIFT = '''
import numpy as np
from studio.api import Choice, Context, Generator


class Drift(Generator):
    """Discs that move faster and faster, or grain."""
    id, version, makes, title = "test.drift", 1, "image", "Drift"
    kind = Choice("discs", ("discs", "grain"))

    def setup(self, ctx):
        self.at = 0.0

    def step(self, ctx):
        width, height = ctx.size or (64, 48)
        y, x = np.mgrid[0:1:height * 1j, 0:1:width * 1j]
        self.at += ctx.dt * 0.3 * ctx.t
        wave = 0.5 + 0.5 * np.sin(20 * (x + self.at)) * np.cos(14 * (y - self.at))
        picture = np.stack([wave, wave ** 2, 1 - wave], 2)
        if self.kind == "grain":
            picture = picture + ctx.rng.normal(0, 0.06, picture.shape)
        return picture.clip(0, 1).astype(np.float32)
'''


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    registry = Registry([plugin for plugin in discover(builtin_only=True) if plugin.name == "sample_scene"])
    sources = {"ramp": SOURCE, "half": EFFECT, "beep": PLAYER, "count": TEXT, "growing": GROWING, "drift": DRIFT}
    for plugin in write_plugins(tmp_path, sources):
        registry.add(plugin)
    made = Session(registry)
    made.settings.set("export_folder", str(tmp_path / "out"))
    (tmp_path / "out").mkdir()
    yield made
    made.close()
    assert not stop_all(5.0)


def form(key: str) -> Format:
    return next(found for found in FORMATS if found.key == key)


def loaded(session: Session, line: str = "A", generator: str = "test.ramp", **params: object) -> None:
    session.load(line, generator, params=dict(params))
    until(session, lambda: session.line(line).stages() and session.line(line).slots[0].state == "ready")
    if session.line(line).kind == "deck":
        until(session, lambda: session.line(line).frame() is not None)


def finished(session: Session, name: str, key: str, out: Path, **rest: object) -> Path:
    job = start_export(session, look_of(session, name), ExportPlan(form(key), out, **rest))  # type: ignore[arg-type]
    until(session, lambda: job.state != "running")
    assert job.state == "done", job.error
    return job.result().path


def test_what_a_line_can_become() -> None:
    assert [found.key for found in formats_for("text")] == ["txt", "srt", "vtt"]
    assert [found.key for found in formats_for("notes")] == ["mid", "wav"]
    assert {"png", "gif", "webp", "mp4", "webm", "mov", "sequence"} <= {found.key for found in formats_for("image")}


def test_an_export_is_the_look_at_the_click_while_the_deck_goes_on(session: Session, tmp_path: Path) -> None:
    loaded(session, level=1.0)
    look = look_of(session, "A")
    session.set_value("A", 0, "level", 0.0)
    job = start_export(session, look, ExportPlan(form("png"), tmp_path / "a.png", size=(64, 48), frames=1))
    until(session, lambda: job.state == "done")
    made = picture.read_image(tmp_path / "a.png")
    assert made.shape == (48, 64, 3) and made[0, 0, 2] == 255
    until(session, lambda: session.decks["A"].frame()[0, 0, 2] == 0)  # type: ignore[index]
    assert session.decks["A"].state == "running"
    recipe = read_recipe(tmp_path / "a.png")
    assert recipe["stages"][0]["params"]["level"] == 1.0 and recipe["size"] == [64, 48]


@pytest.mark.parametrize("key", ["gif", "webp", "mp4", "webm", "mov"])
def test_moving_pictures(session: Session, tmp_path: Path, key: str) -> None:
    loaded(session)
    out = finished(session, "A", key, tmp_path / f"a.{key}", size=(32, 32), fps=10.0, frames=5)
    assert out.stat().st_size > 100 and read_recipe(out)["frames"] == 5


def test_a_sequence_is_a_folder(session: Session, tmp_path: Path) -> None:
    loaded(session)
    out = finished(session, "A", "sequence", tmp_path / "frames", size=(32, 32), fps=10.0, frames=3)
    assert out == tmp_path / "frames" and sorted(p.name for p in out.iterdir()) == [
        "00000.png", "00001.png", "00002.png"]
    assert read_recipe(out)["frames"] == 3


def test_a_loop_closes(session: Session, tmp_path: Path) -> None:
    loaded(session, period=1.0)
    look = look_of(session, "A")
    assert look.loop_seconds() == 1.0
    out = finished(session, "A", "sequence", tmp_path / "loop", size=(64, 8), fps=8.0, frames=9)
    first, last = picture.read_image(out / "00000.png"), picture.read_image(out / "00008.png")
    assert np.abs(first.astype(int) - last.astype(int)).max() <= 1
    loaded(session, mode="still")
    assert look_of(session, "A").loop_seconds() is None


def test_the_mix_is_both_decks(session: Session, tmp_path: Path) -> None:
    loaded(session, level=1.0)
    loaded(session, "B", level=0.0)
    session.set_crossfade(0.25)
    out = finished(session, MIX, "png", tmp_path / "mix.png", size=(32, 24), frames=1)
    assert abs(int(picture.read_image(out)[0, 0, 2]) - 191) <= 1
    recipe = read_recipe(out)
    assert recipe["mix"]["crossfade"] == 0.25 and recipe["mix"]["second"]["stages"][0]["params"]["level"] == 0.0
    again = tmp_path / "again.png"
    run(job_from_recipe(recipe, session.registry, [again]))
    assert np.array_equal(picture.read_image(again), picture.read_image(out)) and read_recipe(again)["mix"]
    session.new()
    session.pump()
    found = restoring.look_at(out)
    assert restoring.use_look(session, found) == ["A", "B"]
    until(session, lambda: all(session.decks[name].stages() for name in "AB"))
    assert session.mix.crossfade == 0.25 and session.decks["A"].stages()[0].values["level"] == 1.0
    session.undo()
    assert not session.decks["A"].slots and not session.decks["B"].slots


def test_the_mix_of_pictures_of_different_shape_keeps_them_whole(session: Session, tmp_path: Path) -> None:
    loaded(session, level=0.0)
    loaded(session, "B", level=1.0)
    session.set_size("B", (24, 48))
    session.set_crossfade(0.5)
    out = finished(session, MIX, "png", tmp_path / "mix.png", frames=1)
    made = picture.read_image(out)
    assert made.shape == (24, 32, 3)


def test_an_effect_on_the_scene_can_be_rendered_again(session: Session, tmp_path: Path) -> None:
    session.add_effect("A", "test.half")
    until(session, lambda: session.decks["A"].frame() is not None)
    out = finished(session, "A", "png", tmp_path / "scene.png", size=(64, 48), frames=1)
    recipe = read_recipe(out)
    assert [stage["generator"] for stage in recipe["stages"]] == ["reverie.sample_scene", "test.half"]
    session.clear_line("A")
    restoring.use_look(session, restoring.look_at(out))
    assert [slot.generator for slot in session.decks["A"].slots] == ["test.half"]
    assert session.decks["A"].input == "scene" and session.decks["A"].size == (64, 48)


def test_an_input_file_travels_by_name(session: Session, tmp_path: Path) -> None:
    loaded(session)
    photo = finished(session, "A", "png", tmp_path / "photo.png", size=(40, 30), frames=1)
    session.clear_line("A")
    session.set_input("A", str(photo))
    session.add_effect("A", "test.half")
    until(session, lambda: session.decks["A"].frame() is not None)
    out = finished(session, "A", "png", tmp_path / "half.png", frames=1)
    assert read_recipe(out)["input"]["path"] == "photo.png"
    found = restoring.look_at(out)
    assert found.source == str(photo) and not found.notes
    photo.unlink()
    gone = restoring.look_at(out)
    assert gone.source is None and any("photo.png" in note for note in gone.notes)
    restoring.use_look(session, gone, "B")
    until(session, lambda: any("photo.png" in notice.text for notice in session.notices))


def test_what_a_camera_sees_is_recorded_first(session: Session, tmp_path: Path) -> None:
    session.set_input("A", "camera:99")  # not there: the scene stands in, and what is seen is what is exported
    session.add_effect("A", "test.half")
    until(session, lambda: session.decks["A"].frame() is not None)
    job = start_export(session, look_of(session, "A"),
                       ExportPlan(form("sequence"), tmp_path / "cam", size=(64, 48), fps=10.0, frames=4))
    until(session, lambda: job.state != "running")
    assert job.state == "done", job.error
    frames = sorted((tmp_path / "cam").iterdir())
    assert len(frames) == 4 and picture.read_image(frames[0]).max() <= 129
    recipe = read_recipe(frames[0])
    assert recipe["input"]["path"] == "camera:99" and [s["generator"] for s in recipe["stages"]] == ["test.half"]
    session.clear_line("A")
    session.set_input("A", "")
    restoring.use_look(session, restoring.look_at(frames[0]))
    assert session.decks["A"].input == "camera:99"


def test_notes_and_text(session: Session, tmp_path: Path) -> None:
    notes, text = session.add_player(), session.add_player()
    loaded(session, notes.name, "test.beep", pitch=72)
    loaded(session, text.name, "test.count", until=3)
    score = finished(session, notes.name, "mid", tmp_path / "a.mid", beats=8.0)
    from studio.midi_file import read_midi

    assert len(read_midi(score).notes) == 8
    assert finished(session, notes.name, "wav", tmp_path / "a.wav", beats=2.0).stat().st_size > 40_000
    page = finished(session, text.name, "txt", tmp_path / "a.txt", frames=100)
    assert page.read_text() == "1 2 3 "
    session.new()
    restoring.use_look(session, restoring.look_at(score))
    player = next(iter(session.players.values()))
    until(session, lambda: player.stages())
    assert player.stages()[0].values["pitch"] == 72
    restoring.use_look(session, restoring.look_at(page))
    assert len(session.players) == 2 or player.slots[0].generator == "test.count"


def test_the_picture_on_screen_is_written_as_it_is(session: Session, tmp_path: Path) -> None:
    loaded(session)
    look = look_of(session, "A")
    assert look.frame is not None
    out = finished(session, "A", "png", tmp_path / "now.png", screen=True)
    again = start_export(session, look, ExportPlan(form("png"), tmp_path / "same.png", screen=True))
    until(session, lambda: again.state == "done")
    assert np.array_equal(picture.read_image(tmp_path / "same.png"), look.frame) and out.exists()


def test_a_cancelled_export_leaves_nothing(session: Session, tmp_path: Path) -> None:
    loaded(session)
    plan = ExportPlan(form("mp4"), tmp_path / "long.mp4", size=(640, 480), frames=100_000)
    job = start_export(session, look_of(session, "A"), plan)
    until(session, lambda: job.progress > 0)
    job.cancel()
    until(session, lambda: job.state == "cancelled")
    assert not list(tmp_path.glob("*.mp4")) and not list(tmp_path.glob(".long*"))


def test_what_memory_does_not_allow_is_refused_with_a_cure(session: Session) -> None:
    loaded(session)
    look = look_of(session, "A")
    plan = ExportPlan(form("mp4"), Path("x.mp4"), size=(7680, 4320))
    why = refuse(look, plan, free=1_000_000_000)
    assert "7680x4320" in why and "1.0 GB" in why and "choose " in why
    width, height = (int(side) for side in why.split("choose ")[1].split(" ")[0].split("x"))
    smaller = ExportPlan(form("mp4"), Path("x.mp4"), size=(width, height))
    assert refuse(look, smaller, free=1_000_000_000) == ""
    assert refuse(look, plan, free=64_000_000_000) == ""
    assert (memory.available() or 1) > 0


def test_an_empty_line_says_so(session: Session) -> None:
    with pytest.raises(JobError, match="empty"):
        look_of(session, "A")
    with pytest.raises(JobError, match="both decks are empty"):
        look_of(session, MIX)


def test_names_are_free_and_in_the_chosen_folder(session: Session, tmp_path: Path) -> None:
    loaded(session)
    look = look_of(session, "A")
    folder = export_folder(session)
    assert folder == tmp_path / "out"
    first = file_name(look, form("png"), folder, when=0.0)
    first.write_bytes(b"x")
    second = file_name(look, form("png"), folder, when=0.0)
    assert first.name.startswith("ramp ") and second != first and second.suffix == ".png"


def test_a_gif_is_tried_before_it_is_made(session: Session, tmp_path: Path) -> None:
    loaded(session)
    plan = ExportPlan(form("gif"), tmp_path / "a.gif", size=(128, 96), fps=10.0, frames=20, options={"colours": 16})
    made = preview(look_of(session, "A"), plan)
    assert trial_size((1280, 720)) == (256, 144)
    assert 2 <= len(made.palette) <= 16 and made.before.shape == made.after.shape == (96, 128, 3)
    assert len(np.unique(made.after.reshape(-1, 3), axis=0)) <= 16
    real = finished(session, "A", "gif", plan.path, size=plan.size, fps=10.0, frames=20, options={"colours": 16})
    assert 0.5 < made.size / real.stat().st_size < 2.0


# --- files that are dropped ------------------------------------------------------------------------------------------


def test_foreign_files_are_recognised(session: Session, tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (8, 8)).save(tmp_path / "x.png")
    (tmp_path / "x.bin").write_bytes(b"1")
    (tmp_path / "x.safetensors").write_bytes(b"1")
    assert restoring.look_at(tmp_path / "x.png").kind == "picture"
    assert restoring.look_at(tmp_path / "x.bin").kind == "unknown"
    assert restoring.look_at(tmp_path / "x.safetensors").kind == "model"
    assert restoring.look_at(tmp_path).kind == "folder"
    session.save(tmp_path / "s.reverie")
    assert restoring.look_at(tmp_path / "s.reverie").kind == "session"
    save_preset(tmp_path / "p.json", Preset("test.ramp", "P", {"level": 1.0}))
    assert restoring.look_at(tmp_path / "p.json").kind == "preset"
    with pytest.raises(FileError, match="no such file"):
        restoring.look_at(tmp_path / "no.png")
    (tmp_path / "q.json").write_text(json.dumps({"format": "reverie.recipe"}))
    with pytest.raises(FileError):
        restoring.look_at(tmp_path / "q.json")


@pytest.mark.parametrize(("generator", "params", "size"), [
    ("reverie.sample_scene", {}, (240, 180)), ("test.drift", {"kind": "discs"}, (240, 160)),
    ("test.drift", {"kind": "grain"}, (240, 180)),
])
def test_the_size_of_a_gif_is_known_beforehand(
    session: Session, tmp_path: Path, generator: str, params: dict[str, str], size: tuple[int, int]
) -> None:
    loaded(session, "A", generator, **params)
    plan = ExportPlan(form("gif"), tmp_path / "a.gif", size=size, fps=10.0, frames=16)
    found = preview(look_of(session, "A"), plan)
    real = finished(session, "A", "gif", plan.path, size=size, fps=10.0, frames=16)
    assert 0.75 < found.size / real.stat().st_size < 1.25


def test_a_picture_goes_where_it_can(session: Session, tmp_path: Path) -> None:
    photo = tmp_path / "x.png"
    from PIL import Image

    Image.new("RGB", (8, 8), (255, 0, 0)).save(photo)
    said = restoring.use_input(session, photo)  # an empty deck: through an effect
    assert "Deck A" in said and session.decks["A"].input == str(photo)
    until(session, lambda: session.decks["A"].frame() is not None
          and session.decks["A"].frame()[0, 0].tolist() == [128, 0, 0])  # type: ignore[index]
    loaded(session, "B")
    session.select("B", 0)
    assert "photo of Ramp" in restoring.use_input(session, photo)
    assert session.decks["B"].stages()[0].values["photo"] == str(photo)


def growing(session: Session) -> Callable[[int], bool]:
    """A deck that would show its first picture for ever; whether it shows that level of red now."""
    session.load("A", "test.growing")
    until(session, lambda: session.decks["A"].stages())
    return lambda red: session.decks["A"].frame() is not None and session.decks["A"].frame()[0, 0, 0] == red


def photos(tmp_path: Path, *reds: int) -> list[Path]:
    from PIL import Image

    made = []
    for red in reds:
        made.append(tmp_path / f"{red}.png")
        Image.new("RGB", (8, 8), (red, 0, 0)).save(made[-1])
    return made


def test_what_grows_out_of_a_picture_begins_with_each_that_is_dropped(session: Session, tmp_path: Path) -> None:
    first, second = photos(tmp_path, 255, 90)
    shows = growing(session)
    assert "input of Deck A" in restoring.use_input(session, first, "A")
    until(session, lambda: shows(255))
    restoring.use_input(session, second, "A")
    until(session, lambda: shows(90))
    session.set_value("A", 0, "own", str(first))
    assert "own of Growing" in restoring.use_input(session, second, "A")
    assert session.decks["A"].stages()[0].values["own"] == str(second)


def test_a_picture_for_an_effect_behind_a_source_goes_where_it_is_seen(session: Session, tmp_path: Path) -> None:
    first, _ = photos(tmp_path, 255, 90)
    growing(session)
    loaded(session, "B")
    session.add_effect("B", "test.growing")
    until(session, lambda: len(session.decks["B"].stages()) == 2)
    assert "own of Growing" in restoring.use_input(session, first, "B", 1)
    assert session.decks["B"].stages()[1].values["own"] == str(first) and session.decks["B"].input == ""


def test_a_score_is_a_primer(session: Session, tmp_path: Path) -> None:
    player = session.add_player()
    loaded(session, player.name, "test.beep")
    score = finished(session, player.name, "mid", tmp_path / "a.mid", beats=4.0)
    assert "goes on from a.mid" in restoring.use_score(session, score)
    assert player.stages()[0].values["primer"] == str(score)


def test_a_look_of_an_absent_generator_is_kept(session: Session, tmp_path: Path) -> None:
    loaded(session)
    out = finished(session, "A", "png", tmp_path / "a.png", frames=1)
    other = Session(Registry([]))
    restoring.use_look(other, restoring.look_at(out))
    until(other, lambda: any("test.ramp" in notice.text for notice in other.notices))
    assert other.decks["A"].state == "absent" and other.decks["A"].slots[0].data.params["level"] == 0.5
    other.close()


# --- small pictures ---------------------------------------------------------------------------------------------------


def test_a_preset_gets_a_picture_once(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    preset = Preset("test.ramp", "Bright", {"level": 1.0}, path=tmp_path / "bright.json")
    made = thumbnails.Thumbnails(session.registry, session.events.call)
    seen: list[bytes] = []
    made.ask(preset, seen.append)
    until(session, lambda: seen)
    assert seen[0].startswith(b"\xff\xd8")
    kept = list(thumbnails.cache_folder().glob("*.jpg"))
    assert len(kept) == 1 and kept[0].stem == thumbnails.key_of(preset)
    monkeypatch.setattr(thumbnails, "render_thumb", lambda *a: pytest.fail("rendered again"))
    again = thumbnails.Thumbnails(session.registry, session.events.call)
    again.ask(preset, seen.append)
    until(session, lambda: len(seen) == 2)
    assert seen[0] == seen[1]


def test_a_changed_preset_or_model_has_another_key(tmp_path: Path) -> None:
    one = Preset("test.ramp", "x", {"level": 1.0})
    assert thumbnails.key_of(one) == thumbnails.key_of(Preset("test.ramp", "renamed", {"level": 1.0}))
    assert thumbnails.key_of(one) != thumbnails.key_of(Preset("test.ramp", "x", {"level": 0.9}))
    from studio import paths

    model = Preset("test.ramp", "x", {"model": "mine"})
    before = thumbnails.key_of(model)
    folder = paths.user_folder("data") / "models"
    folder.mkdir(parents=True)
    shutil.copy(paths.bundled("resources") / "models" / "whitman.safetensors", folder / "mine.safetensors")
    assert thumbnails.key_of(model) != before


def test_a_preset_that_cannot_be_shown_has_a_reason(session: Session) -> None:
    made = thumbnails.Thumbnails(session.registry, session.events.call)
    bad = Preset("nobody.here", "x", {})
    made.ask(bad, lambda data: pytest.fail("there is no such generator"))
    until(session, lambda: made.reason(bad))
    assert "nobody.here" in made.reason(bad)


def test_every_built_in_preset_has_its_ready_made_picture() -> None:
    registry = discover(builtin_only=True)
    presets = thumbnails.house_presets(registry)
    missing = [p.slug for p in presets if not (thumbnails.house_folder() / f"{thumbnails.key_of(p)}.jpg").is_file()]
    assert not missing, f"run: python -m studio.session.house_thumbs   (missing: {', '.join(missing)})"
    files = list(thumbnails.house_folder().glob("*.jpg"))
    assert len(files) <= len({thumbnails.key_of(p) for p in presets})
    assert sum(file.stat().st_size for file in files) <= 900_000
    assert load_preset(registry.get("latent_explorer").presets[0])[0].generator == "reverie.latent_explorer"
