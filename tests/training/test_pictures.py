"""Pictures to learn from: any format, nested, damaged, doubled, moving; prepared once, the same for ever."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from studio import paths
from studio.training import pictures_prepare as prepare
from studio.training.pictures import (
    DecodedPictures,
    PictureSettings,
    StoredPictures,
    open_pictures,
    read_pictures,
)
from studio.training.pictures_hash import NEAR, difference_hash, near_groups
from studio.training.pictures_loader import Loader
from studio.training.pictures_video import moving_frames
from studio.training.recipe import Shard, TrainingError


def noise(seed: int, height: int = 40, width: int = 50) -> NDArray[np.uint8]:
    """A picture unlike any other."""
    cells = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(cells).resize((width, height), Image.Resampling.BICUBIC))


def fill(folder: Path, count: int = 6, start: int = 0) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(start, start + count):
        Image.fromarray(noise(number)).save(folder / f"{number:03d}.png")
    return folder


def opened(data: Path, **changes: Any) -> Any:
    return open_pictures(data, PictureSettings(**{"size": 32, **changes}))


def test_every_kind_of_picture_becomes_a_square(tmp_path: Path) -> None:
    folder = fill(tmp_path / "a" / "deep" / "down", 1)
    colour = Image.fromarray(noise(50, 64, 64))
    colour.convert("CMYK").save(folder / "cmyk.jpg", quality=95)
    Image.fromarray(noise(51)[:, :, 0].astype(np.uint16) * 257).save(folder / "deep.png")
    colour.save(folder / "one.gif", save_all=True, append_images=[Image.fromarray(noise(52, 64, 64))], duration=100)
    Image.fromarray(noise(53)).convert("P").save(folder / "palette.png")
    rgba = Image.fromarray(noise(54)).convert("RGBA")
    rgba.putalpha(128)
    rgba.save(folder / "clear.webp")
    Image.new("RGB", (1, 1)).save(folder / "dot.png")
    Image.fromarray(noise(55)).save(folder / "cut.png")
    (folder / "cut.png").write_bytes((folder / "cut.png").read_bytes()[:200])
    (folder / "broken.jpg").write_bytes(b"nothing")
    (folder / "._hidden.png").write_bytes(b"nothing")
    (folder / "words.txt").write_text("nothing")
    found = opened(tmp_path / "a")
    assert len(found) == 6 and found.report["skipped"] == 3
    listed = " ".join(found.report["skipped_first"])
    assert "cut.png" in listed and "broken.jpg" in listed and "dot.png: 1x1 pixels are too few" in listed
    names = [found.report["pictures"], [Path(name).name for name in _names(found)]]
    assert names == [6, ["000.png", "clear.webp", "cmyk.jpg", "deep.png", "one.gif", "palette.png"]]
    squares = found.squares(np.arange(6), 0)
    assert squares.shape == (6, 3, 32, 32)
    deep = noise(51)[:, 5:45, 0]
    assert abs(float(squares[3].mean()) - float(deep.mean())) < 2, "16 bits are not cut off"
    assert abs(float(squares[2].mean()) - float(noise(50, 64, 64).mean())) < 6, "CMYK is not inverted"
    assert abs(float(squares[4].mean()) - float(noise(50, 64, 64).mean())) < 6, "the first frame of an animation"


def _names(found: Any) -> list[str]:
    import json

    about = next((paths.user_folder("cache") / "pictures").glob("*.json"))
    return list(json.loads(about.read_text(encoding="utf-8"))["names"])


def test_turned_photographs_stand_upright(tmp_path: Path) -> None:
    tmp_path = fill(tmp_path, 1)
    frame = np.zeros((40, 40, 3), np.uint8)
    frame[:, :20] = 255  # left half white, and to be turned by 90 degrees: white is above
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(frame).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    square = opened(tmp_path).square(1, np.random.default_rng(0))
    assert square[:, 2:14].mean() > 240 and square[:, 18:30].mean() < 15


def test_crops_keep_the_wished_part(tmp_path: Path) -> None:
    fill(tmp_path / "a", 3)
    frame = np.zeros((100, 200, 3), np.uint8)
    frame[25:75, 75:125] = 255  # exactly the middle half of the central square
    Image.fromarray(frame).save(tmp_path / "a" / "z.png")
    half = opened(tmp_path / "a", crop_factor=0.5).square(3, np.random.default_rng(0))
    assert half.min() > 250
    assert 0.2 < (opened(tmp_path / "a").square(3, np.random.default_rng(0)) > 128).mean() < 0.3
    anywhere = opened(tmp_path / "a", crop="random", crop_factor=0.4)
    assert isinstance(anywhere, DecodedPictures)
    shares = [(anywhere.square(3, np.random.default_rng(seed)) > 128).mean() for seed in range(30)]
    assert min(shares) < 0.1 and max(shares) > 0.7
    assert np.array_equal(*(anywhere.square(3, np.random.default_rng(7)) for _ in range(2)))


@given(st.integers(8, 60), st.integers(8, 60), st.floats(0.05, 1), st.booleans(), st.sampled_from([8, 32]))
@settings(deadline=None, max_examples=60)
def test_a_square_is_a_square(height: int, width: int, factor: float, anywhere: bool, size: int) -> None:
    rng = np.random.default_rng(1) if anywhere else None
    made = prepare.square_of(np.full((height, width, 3), 77, np.uint8), size, factor, rng)
    assert made.shape == (3, size, size) and made.dtype == np.uint8 and bool((made == 77).all())


def test_prepared_pictures_are_found_again_until_something_changes(tmp_path: Path) -> None:
    folder = fill(tmp_path / "a")
    first = opened(folder)
    file = next((paths.user_folder("cache") / "pictures").glob("*.squares"))
    stamp = file.stat().st_ino
    second = opened(folder)
    assert isinstance(second, StoredPictures) and file.stat().st_ino == stamp
    assert np.array_equal(first.squares(np.arange(6), 0), second.squares(np.arange(6), 0))
    file.write_bytes(b"cut")
    assert len(opened(folder)) == 6 and file.stat().st_size == 6 * 3 * 32 * 32, "a damaged one is made anew"
    fill(folder, 1, start=90)
    assert len(opened(folder)) == 7


def test_a_full_disk_means_decoding_while_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = fill(tmp_path / "a")
    stored = opened(folder)
    monkeypatch.setattr(prepare, "_room", lambda folder, wanted: False)
    found = opened(folder)
    assert isinstance(found, DecodedPictures) and "no room" in found.report["notices"][0]
    assert np.array_equal(found.squares(np.arange(6), 0), stored.squares(np.arange(6), 0))
    (folder / "000.png").unlink()
    again = found.square(0, np.random.default_rng(0))
    assert np.array_equal(again, stored.square(0, np.random.default_rng(0))) and not found.faults, "held in memory"


def test_pictures_that_go_away_are_told_and_replaced(tmp_path: Path) -> None:
    folder = fill(tmp_path / "a", 3)
    found = opened(folder, crop="random")
    (folder / "000.png").unlink()
    found.square(0, np.random.default_rng(0))
    found.square(0, np.random.default_rng(1))
    assert len(found.faults) == 1 and "000.png" in found.faults[0]
    for path in folder.iterdir():
        path.unlink()
    with pytest.raises(TrainingError, match="put them back"):
        opened_again = DecodedPictures(prepare.prepare(fill(tmp_path / "b", 2), prepare.Wish(32, random=True)),
                                       np.arange(2), tmp_path / "c", PictureSettings(size=32, crop="random"))
        opened_again.square(0, np.random.default_rng(0))


def test_near_duplicates_are_counted_and_can_be_left_out(tmp_path: Path) -> None:
    folder = fill(tmp_path / "a", 5)
    again = Image.fromarray(noise(2, 80, 100))
    again.save(folder / "smaller copy.jpg", quality=80)
    found = opened(folder)
    assert len(found) == 6 and found.report["near_duplicates"] == 1
    assert found.report["near_duplicates_first"] == ["002.png = smaller copy.jpg"]
    assert any("nearly the same" in notice for notice in found.report["notices"])
    assert len(opened(folder, drop_duplicates=True)) == 5
    same = tmp_path / "same"
    same.mkdir()
    for number in range(4):
        Image.fromarray(noise(3)).save(same / f"{number}.png")
    with pytest.raises(TrainingError, match=r"all 4 pictures of .* are the same one"):
        opened(same)


def test_flat_pictures_of_other_colours_are_not_the_same() -> None:
    flat = [difference_hash(np.full((20, 20, 3), level, np.uint8)) for level in (0, 120, 255)]
    assert near_groups(np.array([f[0] for f in flat], np.uint64), np.array([f[1] for f in flat], np.float32)) == []


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=30, unique=True), st.randoms())
@settings(deadline=None, max_examples=60)
def test_near_groups_are_those_of_all_pairs(hashes: list[int], random: Any) -> None:
    for _ in range(len(hashes) // 2):  # some that differ in a few bits
        bits = sum(1 << random.randrange(64) for _ in range(random.randrange(7))) % 2**64
        hashes.append(random.choice(hashes) ^ bits)
    found = near_groups(np.array(hashes, np.uint64), np.zeros((len(hashes), 3), np.float32))
    joined = {index: {index} for index in range(len(hashes))}
    for a in range(len(hashes)):
        for b in range(a):
            if (hashes[a] ^ hashes[b]).bit_count() <= NEAR and joined[a] is not joined[b]:
                joined[a] |= joined[b]
                for member in joined[b]:
                    joined[member] = joined[a]
    wanted = sorted({tuple(sorted(group)) for group in joined.values() if len(group) > 1})
    assert [tuple(group) for group in found] == wanted


def test_folders_are_classes(tmp_path: Path) -> None:
    fill(tmp_path / "red rose" / "inner", 3)
    fill(tmp_path / "daisy", 2, start=10)
    Image.fromarray(noise(99)).save(tmp_path / "stray.png")
    found = opened(tmp_path, by_class=True)
    assert found.classes == ("daisy", "red rose") and found.labels.tolist() == [0, 0, 1, 1, 1]
    assert found.report["classes"] == "daisy 2, red rose 3" and "1 left out" in found.report["skipped_first"][0]
    assert opened(tmp_path).classes == () and len(opened(tmp_path)) == 6
    with pytest.raises(TrainingError, match="only 'inner' of the two or more sub-folders"):
        opened(tmp_path / "red rose", by_class=True)
    squares, labels, names, _ = read_pictures(tmp_path, 32, by_class=True)
    assert squares.shape == (5, 3, 32, 32) and labels.tolist() == [0, 0, 1, 1, 1] and names == found.classes


@pytest.mark.parametrize(("changes", "reason"), [
    ({"crop_factor": 0.0}, "crop_factor"), ({"size": 4}, "size"), ({"frame_rate": 0.0}, "frame_rate"),
])
def test_settings_that_cannot_be(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(TrainingError, match=reason):
        opened(fill(tmp_path / "a"), **changes)


def test_wrong_places_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="not a folder of pictures"):
        opened(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(TrainingError, match=r"no picture that can be read; choose"):
        opened(tmp_path / "empty")
    with pytest.raises(TrainingError, match="is one file, not a folder"):
        opened(fill(tmp_path / "a") / "000.png")
    (tmp_path / "film.mp4").write_bytes(b"nothing at all")
    with pytest.raises(TrainingError, match=r"no picture .*film\.mp4.* damaged"):
        opened(tmp_path / "film.mp4")


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Two seconds at 10 frames a second."""
    import av

    path = tmp_path / "film.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for number in range(20):
            for packet in stream.encode(av.VideoFrame.from_ndarray(noise(number, 64, 96), format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def test_frames_of_a_video_are_pictures(film: Path, tmp_path: Path) -> None:
    assert [len(list(moving_frames(film, rate))) for rate in (2.0, 5.0, 100.0)] == [4, 10, 20]
    found = opened(film, frame_rate=5.0)
    assert len(found) == 10
    first = prepare.square_of(noise(2, 64, 96), 32, 1.0)
    shown = found.square(1, np.random.default_rng(0))
    assert np.abs(first.astype(float) - shown).mean() < 12, "the frame at 0.2 s"
    anywhere = opened(film, frame_rate=5.0, crop="random", crop_factor=0.5)
    assert isinstance(anywhere, StoredPictures) and anywhere.square(0, np.random.default_rng(0)).shape == (3, 32, 32)
    fill(film.parent, 2)
    assert len(opened(film.parent, frame_rate=5.0)) == 12


def test_an_animation_is_a_film(tmp_path: Path) -> None:
    frames = [Image.fromarray(noise(number)) for number in range(6)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=100)
    assert [len(opened(tmp_path / "a.gif", frame_rate=rate)) for rate in (10.0, 5.0)] == [6, 3]


def test_batches_depend_on_seed_and_number_alone(tmp_path: Path) -> None:
    found = opened(fill(tmp_path / "a", 7), crop="random", crop_factor=0.5)
    chosen = np.arange(7)
    loader = Loader(found, chosen, 4, seed=3)
    batches = [loader.at(position) for position in range(6)]
    again = Loader(found, chosen, 4, seed=3)
    for position in (4, 1, 5):
        assert np.array_equal(again.at(position).pictures, batches[position].pictures)
    assert not np.array_equal(Loader(found, chosen, 4, seed=4).at(0).pictures, batches[0].pictures)
    halves = Loader(found, chosen, 4, seed=3)
    for position in range(3):
        parts = [halves.at(position, Shard(index, 2, index == 0, index == 1)).pictures for index in range(2)]
        assert np.array_equal(np.concatenate(parts), batches[position].pictures)
    loader.close()


def test_an_epoch_shows_every_picture_once(tmp_path: Path) -> None:
    found = opened(fill(tmp_path / "a", 6))
    chosen = np.array([0, 2, 3, 5])
    loader = Loader(found, chosen, 2, flip=False)
    rows = found.squares(np.arange(6), 0)
    seen = [int(np.flatnonzero((rows == square).all((1, 2, 3)))[0])
            for position in range(4) for square in loader.at(position).pictures]
    assert sorted(seen[:4]) == sorted(seen[4:]) == [0, 2, 3, 5]
    flipped = Loader(found, chosen, 2)
    mirrored = [not (rows == square).all((1, 2, 3)).any()
                for position in range(10) for square in flipped.at(position).pictures]
    assert any(mirrored) and not all(mirrored)
    # the next batches are made while this one is used
    assert len(flipped._ready) == 2 and all(future.result() for future in flipped._ready.values())
