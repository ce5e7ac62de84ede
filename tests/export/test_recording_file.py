"""Recordings: constant rate, sound in its place, flat memory, a killed process, a full disk, finishing afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.export import read_recipe, recording_file
from studio.export.recording import QUEUE, Progress, Recording, room_for
from studio.export.recording_file import SOUND_RATE, MovieFile, best_encoder, finish
from studio.files import FileError

CHILD = Path(__file__).with_name("recording_child.py")
RECIPE = {"format": "reverie.recipe", "format_version": 1, "stages": [
    {"generator": "test.shade", "version": 1, "params": {"level": 0.5}}]}


def grey(level: int, size: tuple[int, int] = (64, 48)) -> np.ndarray[Any, Any]:
    return np.full((size[1], size[0], 3), level, np.uint8)


def write(path: Path, pictures: int, *, sound: bool = True, fps: int = 30) -> None:
    movie = MovieFile(path, size=(64, 48), fps=Fraction(fps), sound=sound)
    for index in range(pictures):
        movie.add(grey(index * 7 % 256))
        movie.add_sound(np.zeros((SOUND_RATE // fps, 2), np.float32))
    movie.close()


def frames_of(path: Path) -> list[tuple[float, int]]:
    """(time, mean grey) of every picture."""
    import av

    with av.open(str(path)) as container:
        return [(float(frame.time or 0.0), int(frame.to_ndarray(format="gray").mean()))
                for frame in container.decode(video=0)]


def loudness(path: Path) -> np.ndarray[Any, Any]:
    """The left side of the sound."""
    import av

    with av.open(str(path)) as container:
        return np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])


class Watched:
    """A picture that the test changes, and how often it was asked for."""

    def __init__(self, level: int = 0) -> None:
        self.picture = grey(level)
        self.asked = 0
        self.hold: threading.Event | None = None

    def __call__(self) -> np.ndarray[Any, Any]:
        self.asked += 1
        if self.hold is not None:
            self.hold.wait(5.0)
        return self.picture


def until(true: Any, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    wait = threading.Event()
    while not true():
        assert time.monotonic() < end, "it did not come"
        wait.wait(0.01)


def ended(recording: Recording) -> Progress:
    recording.stop()
    assert recording.wait(20.0)
    return recording.progress()


def test_the_rate_is_constant_though_the_programme_stands_and_is_late(tmp_path: Path) -> None:
    source = Watched(40)
    recording = Recording(tmp_path / "a.mp4", source, size=(64, 48), fps=50).start()
    until(lambda: recording.progress().frames >= 20)
    source.hold = threading.Event()  # the timeline is held up for a while: places without a look at the programme
    asked = source.asked
    until(lambda: source.asked > asked)
    threading.Timer(0.3, source.hold.set).start()
    source.hold.wait(5.0)
    source.picture = grey(200)
    seen = recording.progress().frames
    until(lambda: recording.progress().frames >= seen + 25)
    progress = ended(recording)
    found = frames_of(tmp_path / "a.mp4")
    assert progress.state == "done" and not progress.reason and progress.dropped == 0
    assert len(found) == progress.frames and progress.repeated >= 30
    assert np.allclose([when for when, _ in found], np.arange(len(found)) / 50.0, atol=1e-4)
    levels = [level for _, level in found]
    change = next(index for index, level in enumerate(levels) if level > 120)
    assert abs(np.mean(levels[:change]) - 40) < 4 and abs(np.mean(levels[change:]) - 200) < 4


def test_an_encoder_that_is_too_slow_drops_pictures_and_says_so(tmp_path: Path, monkeypatch: Any) -> None:
    gate = threading.Event()
    real = MovieFile.add

    def slow(self: MovieFile, picture: Any) -> None:
        if self.frames == 5:
            assert gate.wait(10.0)
        real(self, picture)

    monkeypatch.setattr(MovieFile, "add", slow)
    source = Watched()
    level = iter(range(10_000))

    def always_new() -> np.ndarray[Any, Any]:
        source.asked += 1
        return grey(next(level) % 256)

    recording = Recording(tmp_path / "a.mp4", always_new, size=(64, 48), fps=100).start()
    until(lambda: recording.progress().dropped >= 10)
    assert recording._queue.qsize() <= QUEUE  # never more than that in memory
    gate.set()
    seen = recording.progress().frames
    until(lambda: recording.progress().frames > seen + 60)
    progress = ended(recording)
    found = frames_of(tmp_path / "a.mp4")
    assert len(found) == progress.frames  # the rate is kept all the same
    assert np.allclose(np.diff([when for when, _ in found]), 0.01, atol=1e-4)


def test_sound_stands_where_it_was_heard(tmp_path: Path) -> None:
    clicks: list[float] = []

    class Clicks:
        """A loud sample each half second, at known times."""

        def read(self, when: float, count: int) -> np.ndarray[Any, Any]:
            made = np.zeros((count, 2), np.float32)
            for index in range(count):
                half = (when + index / SOUND_RATE) * 2.0
                if int(half) != int(half - 2.0 / SOUND_RATE):
                    made[index] = 0.9
                    clicks.append(when + index / SOUND_RATE)
            return made

    recording = Recording(tmp_path / "a.mp4", Watched(), size=(64, 48), fps=30, sound=Clicks()).start()
    until(lambda: recording.progress().frames >= 70)
    began = recording.began
    progress = ended(recording)
    assert began is not None and progress.state == "done"
    assert frames_of(tmp_path / "a.mp4")[0][0] == 0.0
    finish(tmp_path / "a.mp4", tmp_path / "b.mp4")
    assert frames_of(tmp_path / "b.mp4")[0][0] == 0.0
    left = loudness(tmp_path / "b.mp4")
    heard = 0
    for click in clicks:
        place = round((click - began) * SOUND_RATE)
        if 2048 < place < len(left) - 2048:
            heard += 1
            assert abs(int(np.abs(left[place - 1500 : place + 1500]).argmax()) - 1500) < 64
    assert heard >= 3 and abs(len(left) / SOUND_RATE - progress.seconds) < 0.1


def test_memory_is_flat(tmp_path: Path) -> None:
    psutil_free = Path("/proc/self/statm")
    if not psutil_free.exists():
        pytest.skip("the memory of a process is read from /proc")
    path = tmp_path / "a.mp4"
    movie = MovieFile(path, size=(320, 240), fps=Fraction(30), sound=True)
    noise = np.random.default_rng(1).integers(0, 256, (8, 240, 320, 3), dtype=np.uint8)

    def resident() -> int:
        return int(psutil_free.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    early = 0
    for index in range(600):
        movie.add(noise[index % 8])
        movie.add_sound(np.zeros((1600, 2), np.float32))
        if index == 200:
            early = resident()
    grown = resident() - early
    movie.close()
    assert path.stat().st_size > 2 * 2**20
    assert grown < 4 * 2**20  # 400 pictures are 92 MB raw, and more than a megabyte coded


def test_killed_it_is_readable_to_about_the_last_second(tmp_path: Path) -> None:
    part, final = tmp_path / "a.part.mp4", tmp_path / "a.mp4"
    seconds = 0.0
    with subprocess.Popen([sys.executable, str(CHILD), str(part), "60"], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if line.startswith("{"):
                seconds = json.loads(line)["seconds"]
                if seconds > 2.0:
                    break
        child.kill()
    report = finish(part, final, recipe=RECIPE)
    assert report["seconds"] > seconds - 1.1 and not part.exists()
    found = frames_of(final)
    assert len(found) == report["frames"] and np.allclose(np.diff([when for when, _ in found]), 1 / 30, atol=1e-4)
    sound = loudness(final)
    assert len(sound) / SOUND_RATE > seconds - 1.3 and np.abs(sound[5000:]).max() > 0.4
    assert read_recipe(final)["stages"] == RECIPE["stages"]


def test_a_full_disk_ends_it_with_a_sentence_and_what_there_is_can_be_read(tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("a quota by RLIMIT_FSIZE is of Unix")
    part = tmp_path / "a.part.mp4"
    run = subprocess.run(
        [sys.executable, str(CHILD), str(part), "30", "250000"], capture_output=True, text=True, timeout=60, check=True)
    last = json.loads(run.stdout.splitlines()[-1])
    assert last["state"] == "failed" and "choose another disk" in last["reason"] and "a.part.mp4" in last["reason"]
    assert "Traceback" not in run.stderr
    report = finish(part, tmp_path / "a.mp4")
    assert report["seconds"] > last["seconds"] - 2.5 and len(frames_of(tmp_path / "a.mp4")) == report["frames"] > 5


def test_it_ends_before_the_disk_is_full(tmp_path: Path, monkeypatch: Any) -> None:
    class Usage:
        free = 10**12

    monkeypatch.setattr("shutil.disk_usage", lambda folder: Usage)
    told: list[Progress] = []
    source = Watched(90)
    recording = Recording(tmp_path / "a.mp4", source, size=(64, 48), fps=30, ended=told.append).start()
    until(lambda: recording.progress().free == 10**12)
    assert not recording.progress().low
    Usage.free = 2 * 2**30
    until(lambda: recording.progress().low)
    assert recording.progress().state == "recording"
    Usage.free = 100 * 2**20
    assert recording.wait(20.0)
    assert told == [recording.progress()]
    assert "nearly full" in told[0].reason and "everything until now is kept" in told[0].reason
    assert len(frames_of(tmp_path / "a.mp4")) == told[0].frames  # a clean end: nothing is lost


def test_no_room_no_folder_no_beginning(tmp_path: Path, monkeypatch: Any) -> None:
    assert room_for(tmp_path) == ""
    assert "does not exist" in room_for(tmp_path / "nowhere")

    class Usage:
        free = 10**8

    monkeypatch.setattr("shutil.disk_usage", lambda folder: Usage)
    assert "only 100 MB are free" in room_for(tmp_path) and "choose another folder" in room_for(tmp_path)
    recording = Recording(tmp_path / "none" / "a.mp4", Watched(), size=(64, 48)).start()
    assert recording.wait(20.0)
    assert recording.progress().state == "failed" and "does not exist" in recording.progress().reason


@pytest.mark.parametrize("size", [(63, 48), (64, 49), (8, 8), (10_000, 64)])
def test_impossible_sizes_are_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    with pytest.raises(FileError, match="even"):
        Recording(tmp_path / "a.mp4", Watched(), size=size)


def test_a_picture_that_cannot_be_made_does_not_end_it(tmp_path: Path) -> None:
    calls = iter(range(10_000))

    def picture() -> np.ndarray[Any, Any]:
        if next(calls) % 2:
            raise ValueError("on purpose")
        return grey(100)

    recording = Recording(tmp_path / "a.mp4", picture, size=(64, 48), fps=50).start()
    until(lambda: recording.progress().frames >= 15)
    assert ended(recording).state == "done"


def test_finishing_makes_a_plain_file_with_its_recipe_and_loses_no_picture(tmp_path: Path) -> None:
    part, final = tmp_path / "a.part.mp4", tmp_path / "a.mp4"
    write(part, 100)
    before = frames_of(part)
    shares: list[float] = []
    report = finish(part, final, recipe=RECIPE, check=shares.append)
    assert report["plain"] and report["frames"] == 100 and not report["cut"] and not part.exists()
    assert frames_of(final) == before
    assert b"moof" not in final.read_bytes() and read_recipe(final)["stages"] == RECIPE["stages"]
    assert shares and all(0.0 <= share <= 1.0 for share in shares)


def test_without_room_for_a_copy_it_stays_as_it_was_recorded(tmp_path: Path) -> None:
    part, final = tmp_path / "a.part.mp4", tmp_path / "a.mp4"
    write(part, 30)
    report = finish(part, final, recipe=RECIPE, room=1000)
    assert not report["plain"] and report["frames"] == 30 and not part.exists()
    assert len(frames_of(final)) == 30


def test_a_cancelled_finish_loses_nothing(tmp_path: Path) -> None:
    part, final = tmp_path / "a.part.mp4", tmp_path / "a.mp4"
    write(part, 100)

    def stop(share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        finish(part, final, check=stop)
    assert part.exists() and not final.exists() and len(frames_of(part)) == 100


@pytest.mark.parametrize("share", [0.9, 0.5])
def test_a_torn_file_gives_what_is_whole(tmp_path: Path, share: float) -> None:
    part = tmp_path / "a.part.mp4"
    write(part, 120)
    data = part.read_bytes()
    part.write_bytes(data[: int(len(data) * share)])
    report = finish(part, tmp_path / "a.mp4")
    assert 120 * share - 40 < report["frames"] < 120
    assert len(frames_of(tmp_path / "a.mp4")) == report["frames"]


@pytest.mark.parametrize("data", [b"", b"\0" * 500, b"ftyp garbage" * 50])
def test_what_is_no_recording_is_a_sentence(tmp_path: Path, data: bytes) -> None:
    part = tmp_path / "a.part.mp4"
    part.write_bytes(data)
    with pytest.raises(FileError, match=r"nothing in it can be played|has no picture"):
        finish(part, tmp_path / "a.mp4")
    assert part.exists() and not (tmp_path / "a.mp4").exists()


def test_an_encoder_counts_only_when_it_works(monkeypatch: Any) -> None:
    best_encoder.cache_clear()
    found = best_encoder()
    assert found == recording_file.SOFTWARE or recording_file._works(found)
    monkeypatch.setattr(recording_file, "HARDWARE", ("h264_no_such_chip",))
    best_encoder.cache_clear()
    assert best_encoder() == "libx264"
    best_encoder.cache_clear()
