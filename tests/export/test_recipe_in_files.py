"""Reading recipes: from files that carry none, from damaged ones, from other programs' files; always a sentence."""

from __future__ import annotations

import copy
import json
import wave
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from studio.export import RecipeError, check_recipe, media_kind, open_writer, read_recipe
from studio.export.recipe import MAX_BYTES
from studio.files import FileError
from studio.media import Audio, Note, Notes

RECIPE: dict[str, Any] = {
    "format": "reverie.recipe", "format_version": 1, "studio": "0.1.0",
    "stages": [{"generator": "reverie.x", "version": 1, "params": {"a": 0.25}}],
    "seed": 7, "fps": 30.0, "frames": 3, "size": None, "bpm": 120.0, "input": None, "models": {}, "options": {},
}
NAMES = ["a.png", "a.jpg", "a.webp", "b.webp", "a.gif", "a.mp4", "a.webm", "a.mov", "a.txt", "a.mid", "a.wav"]


def make(path: Path, recipe: dict[str, Any] | None = RECIPE) -> Path:
    with open_writer(path, recipe=recipe) as writer:
        for index in range(1 if path.name == "b.webp" else 3):
            kind = media_kind(path)
            if kind == "text":
                writer.add("hello\n")
            elif kind == "notes":
                writer.add(Notes((Note(60, 80, 0, 1),), 1.0))
            elif kind == "audio":
                writer.add(Audio(np.full((480, 1), 0.25, np.float32)))
            else:
                writer.add(np.full((32, 48, 3), 60 * index + 40, np.uint8))
    return path


@pytest.mark.parametrize("name", NAMES)
def test_a_file_without_a_recipe_is_a_sentence(tmp_path: Path, name: str) -> None:
    path = make(tmp_path / name, None)
    with pytest.raises(RecipeError, match=r"carries no recipe|has no recipe: the file a\.txt\.json is not beside it"):
        read_recipe(path)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_cut_short_gives_its_recipe_or_a_sentence(tmp_path: Path, name: str) -> None:
    path = make(tmp_path / name)
    if name == "a.txt":
        path = tmp_path / "a.txt.json"
    data = path.read_bytes()
    for part in (0.0, 0.01, 0.1, 0.3, 0.6, 0.9):
        path.write_bytes(data[: int(len(data) * part)])
        try:
            assert read_recipe(path)["seed"] == 7
        except RecipeError as error:
            assert path.name in str(error)


@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_recipe_is_a_sentence(tmp_path: Path, name: str) -> None:
    path = make(tmp_path / name)
    if name == "a.txt":
        path = tmp_path / "a.txt.json"
    data = path.read_bytes()
    for good, bad in ((b'"seed"', b'"seed!'), (b'"reverie.recipe"', b'"reverie.rezept"')):
        spoiled = data.replace(good, bad)
        assert spoiled != data
        path.write_bytes(spoiled)
        with pytest.raises(RecipeError, match=r"the recipe in|recipe.* cannot be used|damaged"):
            read_recipe(path)


def test_names_do_not_matter_content_does(tmp_path: Path) -> None:
    path = make(tmp_path / "a.png").rename(tmp_path / "photo.bin")
    assert read_recipe(path)["seed"] == 7


def test_files_of_other_programs(tmp_path: Path) -> None:
    picture = Image.new("RGB", (8, 8))
    for ending in ("png", "jpg", "webp", "gif", "bmp"):
        picture.save(tmp_path / f"o.{ending}")
    song = mido.MidiFile(tracks=[mido.MidiTrack([mido.MetaMessage("text", text="mine")])])
    song.save(tmp_path / "o.mid")
    with wave.open(str(tmp_path / "o.wav"), "wb") as sound:
        sound.setnchannels(1), sound.setsampwidth(2), sound.setframerate(8000)
        sound.writeframes(b"\0" * 100)
    (tmp_path / "o.bin").write_bytes(b"\x00" * 64)
    (tmp_path / "empty").write_bytes(b"")
    for path in tmp_path.iterdir():
        with pytest.raises(RecipeError, match="carries no recipe"):
            read_recipe(path)
    with pytest.raises(FileError, match="there is no such file"):
        read_recipe(tmp_path / "none.png")
    (tmp_path / "folder").mkdir()
    with pytest.raises(RecipeError, match="no picture in this folder"):
        read_recipe(tmp_path / "folder")


def test_a_recipe_saved_as_json_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text(json.dumps(RECIPE), encoding="utf-8")
    assert read_recipe(tmp_path / "r.json") == RECIPE


def test_a_long_recipe_fits_everywhere_and_a_gigantic_one_nowhere(tmp_path: Path) -> None:
    recipe = copy.deepcopy(RECIPE)
    recipe["stages"][0]["params"]["prime"] = "ä€😀<&>" * 30_000
    for name in NAMES:
        assert read_recipe(make(tmp_path / name, recipe))["stages"] == recipe["stages"], name
    recipe["stages"][0]["params"]["prime"] = "x" * MAX_BYTES
    with pytest.raises(RecipeError, match=r"at most 4\.2 MB"):
        make(tmp_path / "huge.png", recipe)
    assert not (tmp_path / "huge.png").exists()


@pytest.mark.parametrize(("change", "reason"), [
    ({"format": "x"}, "its format is not 'reverie.recipe'"), ({"format_version": 2}, "newer version of the studio"),
    ({"format_version": True}, "format_version"), ({"format_version": 0}, "format_version"),
    ({"stages": []}, "stages is not a list"), ({"stages": {}}, "stages is not a list"),
    ({"stages": [{"generator": 3}]}, r"stages\[0\] needs a generator"), ({"seed": -1}, "seed"), ({"seed": 1.5}, "seed"),
    ({"fps": 0}, "fps"), ({"fps": "30"}, "fps"), ({"bpm": None}, "bpm"), ({"frames": -3}, "frames"),
    ({"size": [1]}, "size"), ({"size": [0, 5]}, "size"), ({"input": 4}, "input"), ({"models": []}, "models"),
    ({"options": 1}, "options"), ({"studio": 1}, "studio"),
])
def test_fields_are_checked(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(RecipeError, match=f"x cannot be used: .*{reason}"):
        check_recipe({**RECIPE, **change}, where="x")
    assert check_recipe({**RECIPE, "unknown": 1}, where="x")["unknown"] == 1
    with pytest.raises(RecipeError):
        check_recipe([], where="x")


_SOURCES: dict[str, bytes] = {}


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from([n for n in NAMES if n != "a.txt"]), data=st.data())
def test_mutated_files_give_a_recipe_or_a_sentence(tmp_path: Path, name: str, data: st.DataObject) -> None:
    if name not in _SOURCES:
        _SOURCES[name] = make(tmp_path / f"source-{name}").read_bytes()
    body = bytearray(_SOURCES[name])
    for _ in range(data.draw(st.integers(1, 5))):
        body[data.draw(st.integers(0, min(len(body), 3000) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "fuzz"
    path.write_bytes(bytes(body))
    try:
        check_recipe(read_recipe(path), where="x")
    except FileError as error:
        assert "fuzz" in str(error)
