"""Takes: the file, whatever happens to it; what is written while a show runs; the same show again, exactly."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.engine.threads import stop_all
from studio.export import read_recipe
from studio.files import FileError
from studio.midi_file import read_midi
from studio.session.mix import Span
from studio.session.session import Session
from studio.session.take_log import TakeLog
from studio.session.take_render import render_take
from studio.session.take_replay import Musical, Pace, Replay
from studio.session.takes import KINDS, Take, TakeError, TakeWriter, read_take
from tests.session.take_stand import live, make_session, registry
from tests.stand import until

HEADER: dict[str, Any] = {"size": [80, 40], "fps": 20, "clock": [0.0, 120.0, 0.0, 4], "mix": {"crossfade": 0.0}}
STAGE = {"id": 1, "generator": "test.teller", "version": 1, "params": {"level": 0.5, "speed": 1.0}, "offsets": {},
         "bypass": False}
CHAIN = {"t": 0.0, "e": "chain", "line": "A", "fresh": True, "seed": 0, "size": None, "input": None, "stages": [STAGE]}


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    made = make_session(tmp_path)
    made.load("A", "test.teller", params={"speed": 1.0})
    until(made, lambda: made.decks["A"].frame() is not None)
    yield made
    made.close()
    assert not stop_all(5.0)


def write(path: Path, *events: dict[str, Any], **header: Any) -> Path:
    writer = TakeWriter(path, {**HEADER, **header})
    writer.write([dict(event) for event in events])
    writer.close()
    return path


def played(take: Take, folder: Path, **options: Any) -> list[np.ndarray[Any, Any]]:
    return list(Replay(take, registry(folder), **options).frames())


def rows(frame: np.ndarray[Any, Any]) -> list[float]:
    """Level, phase, hits, beat and chance, as the teller drew them in the middle of the picture."""
    height, width = frame.shape[:2]
    return [frame[round((row + 0.5) * height / 5), width // 2, 0] / 255.0 for row in range(5)]


# --- the file ---

SCALARS = st.one_of(st.booleans(), st.integers(-9, 9), st.floats(allow_nan=False, allow_infinity=False), st.text())
EVENTS = st.lists(st.one_of(
    st.fixed_dictionaries({"e": st.just("set"), "id": st.integers(1, 5), "name": st.text(), "value": SCALARS}),
    st.fixed_dictionaries({"e": st.just("mod"), "id": st.integers(1, 5), "name": st.text(),
                           "offset": st.one_of(st.none(), st.floats(-1, 1))}),
    st.fixed_dictionaries({"e": st.just("mix"), "name": st.text(), "value": SCALARS}),
    st.fixed_dictionaries({"e": st.just("mark"), "text": st.text()}),
    st.fixed_dictionaries({"e": st.just("of another version"), "anything": SCALARS}),
), max_size=20)


@settings(deadline=None, max_examples=40)
@given(EVENTS, st.lists(st.floats(0, 1000), min_size=20, max_size=20))
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, events: list[Any], times: list[float],
) -> None:
    path = tmp_path_factory.mktemp("take") / "a.take"
    rows_ = [{"t": t, **event} for event, t in zip(events, sorted(times), strict=False)]
    write(path, *rows_, {"t": 2000.0, "e": "end"})
    take = read_take(path)
    assert take.whole and not take.report and take.seconds == 2000.0
    assert [{k: v for k, v in event.items() if k != "t"} for event in take.events[:-1]] == events
    assert all(abs(event["t"] - row["t"]) < 1e-5 for event, row in zip(take.events, rows_, strict=False))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2000))
def test_torn_anywhere_all_before_is_read(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.mktemp("take") / "a.take"
    marks = ({"t": index / 10, "e": "mark", "text": f"mark {index}"} for index in range(20))
    write(path, *marks, {"t": 9.0, "e": "end"})
    data = path.read_bytes()
    path.write_bytes(data[:cut])
    whole = data[:cut].count(b"\n")
    if not whole:
        if cut < len(data.split(b"\n")[0]):
            with pytest.raises(TakeError):
                read_take(path)
        return
    take = read_take(path)
    assert len(take.events) == whole - 1 and take.whole == (cut >= len(data))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.one_of(
    st.binary(max_size=60), st.text(max_size=60).map(lambda text: text.encode("utf-8", "ignore")),
    st.sampled_from([b"[]", b"{}", b'{"t":1}', b'{"t":-1,"e":"mark","text":"a"}', b'{"t":NaN,"e":"mark","text":"a"}',
                     b'{"t":1e999,"e":"end"}', b'{"t":1,"e":"chain"}', b'{"t":true,"e":"end"}']),
), max_size=12))
def test_strange_lines_are_left_out(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    path = tmp_path_factory.mktemp("take") / "a.take"
    write(path)
    with path.open("ab") as file:
        for line in lines:
            file.write(line.replace(b"\n", b" ") + b"\n")
        file.write(b'{"t":5.0,"e":"mark","text":"good"}\n')
    take = read_take(path)
    assert take.events[-1]["text"] == "good" and take.events[-1]["t"] >= 5.0
    assert all(event["t"] >= 0 for event in take.events)


@pytest.mark.parametrize("data", [
    b"", b"\n", b"hello", b"[]\n", b'{"format":"reverie.session"}\n', b'{"format":"reverie.take"}\n', b"\x89PNG\r\n",
    b'{"format":"reverie.take","format_version":1}\n',
    b'{"format":"reverie.take","format_version":1,"size":[1,2],"fps":30,"clock":[0,120,0,4],"mix":{}}\n',
    b'{"format":"reverie.take","format_version":1,"size":[64,64],"fps":30,"clock":[0,0,0,4],"mix":{}}\n',
])
def test_what_is_no_take_is_a_sentence(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.take"
    path.write_bytes(data)
    with pytest.raises(FileError, match=r"cannot read a\.take: "):
        read_take(path)


def test_a_newer_version_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.take"
    path.write_text(json.dumps({"format": "reverie.take", "format_version": 9}) + "\n")
    with pytest.raises(TakeError, match="newer version"):
        read_take(path)


def test_a_full_disk_is_a_sentence_and_what_is_there_can_be_read(tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("a quota by RLIMIT_FSIZE is of Unix")
    program = (
        "import resource, sys; from pathlib import Path; from studio.session.takes import TakeWriter\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
        f"writer = TakeWriter(Path(sys.argv[1]), {HEADER!r})\n"
        "try:\n"
        "    for index in range(5000): writer.write([{'t': index / 10, 'e': 'mark', 'text': 'x' * 40}])\n"
        "except ValueError as error: print(error)\n"
        "writer.close()\n"
    )
    path = tmp_path / "a.take"
    run = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True,
                         cwd=Path(__file__).parents[2])
    assert "choose another disk" in run.stdout and not run.stderr
    take = read_take(path)
    assert len(take.events) > 100 and not take.whole


# --- time ---


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0.05, 2.0), st.floats(30.0, 300.0)), min_size=1, max_size=8))
def test_the_beat_is_unbroken_and_passes_through_every_point(points: list[tuple[float, float]]) -> None:
    t, beat = 0.0, 0.0
    events = []
    for gap, bpm in points:
        t, beat = t + gap, beat + gap * bpm / 60.0
        events.append({"t": t, "e": "clock", "clock": [beat, bpm, 0.0, 4]})
    take = Take({**HEADER}, events, t)
    clock = Musical(take)
    for event in events:
        assert clock.at(event["t"])[0] == pytest.approx(event["clock"][0])
    beats = [clock.at(float(when))[0] for when in np.linspace(0.0, t, 200)]
    assert np.all(np.diff(beats) >= -1e-9) and clock.at(t)[1] == pytest.approx(beat / 4)


def test_standstills_and_slow_steps_are_played_as_they_were() -> None:
    take = Take({**HEADER}, [
        {"t": 3.0, "e": "pace", "line": "A", "took": 2.0, "moved": 0.1},
        {"t": 3.0, "e": "pace", "line": "B", "took": 1.0, "moved": 0.1},
        {"t": 4.0, "e": "hold", "line": "A", "on": True}, {"t": 5.0, "e": "hold", "line": "A", "on": False},
    ], 6.0)
    pace = Pace(take, "A")
    assert pace.moved(1.0) == pytest.approx(1.0) and pace.moved(2.0) == pytest.approx(1.05)
    assert pace.moved(3.0) == pytest.approx(1.1) and pace.moved(4.5) == pytest.approx(2.1)
    assert pace.moved(6.0) == pytest.approx(3.1)
    assert Pace(Take({**HEADER}, [], 1.0), "A").moved(0.7) == pytest.approx(0.7)


# --- the replay ---


def test_values_come_at_their_times_and_two_replays_are_the_same(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.take", CHAIN, {"t": 0.5, "e": "set", "id": 1, "name": "level", "value": 1.0},
        {"t": 0.75, "e": "mod", "id": 1, "name": "level", "offset": -0.5},
        {"t": 1.0, "e": "mod", "id": 1, "name": "level", "offset": None},
        {"t": 1.0, "e": "set", "id": 1, "name": "hit", "value": True},
        {"t": 1.25, "e": "notes", "line": "A", "notes": [[60, 90, 0.5, 0], [64, 90, 0.5, 0]]},
        {"t": 1.5, "e": "mix", "name": "blackout", "value": True},
        {"t": 1.75, "e": "mix", "name": "blackout", "value": False},
        {"t": 2.0, "e": "end"})
    take = read_take(path)
    frames = played(take, tmp_path)
    assert len(frames) == 40 and frames[0].shape == (40, 80, 3)
    level = [rows(frame)[0] for frame in frames]
    assert level[9] == pytest.approx(0.5, abs=0.01) and level[10] == 1.0
    assert level[16] == pytest.approx(0.5, abs=0.01) and level[20] == 1.0
    hits = [rows(frame)[2] for frame in frames]
    assert hits[19] == 0.0 and hits[20] == pytest.approx(1 / 8, abs=0.01) and hits[25] == pytest.approx(3 / 8, abs=0.01)
    assert frames[30].max() == 0 and frames[35].max() > 0
    assert rows(frames[35])[3] == pytest.approx(1.75 * 2 % 1.0, abs=0.01)  # 120 beats a minute
    again = played(take, tmp_path)
    assert all(np.array_equal(one, two) for one, two in zip(frames, again, strict=True))


def test_the_same_timeline_at_another_size_and_rate(tmp_path: Path) -> None:
    take = read_take(write(
        tmp_path / "a.take", CHAIN, {"t": 0.0, "e": "shape", "line": "A", "size": [40, 40]},
        {"t": 0.4, "e": "set", "id": 1, "name": "level", "value": 1.0},
        {"t": 0.6, "e": "set", "id": 1, "name": "speed", "value": 0.25}, {"t": 1.0, "e": "end"}))
    small, large = played(take, tmp_path), played(take, tmp_path, size=(320, 160), fps=80)
    assert len(large) == 80 and large[0].shape == (160, 320, 3)
    for index, frame in enumerate(small):
        one, two = rows(frame), rows(large[index * 4])
        assert one[0] == pytest.approx(two[0], abs=0.01) and one[3] == pytest.approx(two[3], abs=0.01)
        assert min(abs(one[1] - two[1]), 1 - abs(one[1] - two[1])) < 0.06  # the phase, within a step of the slow one
    # the deck works at the size of its part of the programme: as square as it was live
    assert large[0][:, :70].max() == 0 and large[40][20, 160].max() == 255


def test_of_a_part_everything_before_has_happened(tmp_path: Path) -> None:
    take = read_take(write(tmp_path / "a.take", CHAIN, {"t": 0.1, "e": "set", "id": 1, "name": "level", "value": 0.75},
                           {"t": 1.0, "e": "end"}))
    everything = played(take, tmp_path)
    part = list(Replay(take, registry(tmp_path)).frames(0.5, 0.8))
    assert len(part) == 6
    assert all(np.array_equal(one, two) for one, two in zip(part, everything[10:16], strict=True))


def test_freeze_hold_clear_and_another_chain(tmp_path: Path) -> None:
    dim = {"id": 2, "generator": "test.dim", "version": 1, "params": {"by": 0.5}, "offsets": {}, "bypass": False}
    take = read_take(write(
        tmp_path / "a.take", CHAIN, {"t": 0.2, "e": "mix", "name": "freeze", "value": True},
        {"t": 0.25, "e": "set", "id": 1, "name": "level", "value": 1.0},
        {"t": 0.5, "e": "mix", "name": "freeze", "value": False}, {"t": 0.6, "e": "hold", "line": "A", "on": True},
        {"t": 0.8, "e": "hold", "line": "A", "on": False},
        {**CHAIN, "t": 1.0, "fresh": False, "stages": [{**STAGE, "params": {"level": 1.0, "speed": 1.0}}, dim]},
        {"t": 1.2, "e": "bypass", "id": 2, "on": True}, {"t": 1.5, "e": "clear", "line": "A"}, {"t": 1.7, "e": "end"}))
    frames = played(take, tmp_path)
    assert all(np.array_equal(frames[4], frames[index]) for index in (5, 8, 9))
    assert rows(frames[10])[0] == 1.0
    assert all(np.array_equal(frames[13], frames[index]) for index in (14, 15))
    assert rows(frames[21])[0] == pytest.approx(0.5, abs=0.01) and rows(frames[24])[0] == 1.0
    before, after = rows(frames[19])[1], rows(frames[24])[1]
    assert (after - before) % 1.0 == pytest.approx(0.25, abs=0.02)  # it went on with the same generator
    assert frames[30].max() == 0


@pytest.mark.parametrize("change", [
    {"e": "set", "id": 1, "name": "nothing", "value": 1}, {"e": "set", "id": 1, "name": "level", "value": "loud"},
    {"e": "mod", "id": 1, "name": "hit", "offset": 0.5}, {"e": "mix", "name": "fade", "value": "x"},
    {"e": "mix", "name": "nothing", "value": 1}, {"e": "set", "id": 99, "name": "level", "value": 1},
])
def test_what_cannot_be_used_is_said_and_the_rest_plays(tmp_path: Path, change: dict[str, Any]) -> None:
    take = read_take(write(tmp_path / "a.take", CHAIN, {"t": 0.1, **change}, {"t": 0.3, "e": "end"}))
    said: list[str] = []
    frames = played(take, tmp_path, notice=said.append)
    assert len(frames) == 6 and rows(frames[5])[0] == pytest.approx(0.5, abs=0.01)
    assert len(said) == (0 if change["e"] == "set" and change["id"] == 99 else 1)


def test_a_generator_that_is_not_here_is_named(tmp_path: Path) -> None:
    other = {**CHAIN, "stages": [{**STAGE, "generator": "nobody.nothing"}]}
    take = read_take(write(tmp_path / "a.take", other, {"t": 1.0, "e": "end"}))
    with pytest.raises(TakeError, match=r"nobody\.nothing"):
        played(take, tmp_path)


def test_every_kind_that_is_written_is_checked_and_played() -> None:
    played_ = {name.removeprefix("_do_") for name in dir(Replay) if name.startswith("_do_")}
    assert played_ <= set(KINDS) and set(KINDS) - played_ == {"clock", "pace", "hold", "shape", "note", "mark", "end"}


# --- a show, written and played again ---


def test_a_show_is_played_again_as_it_was(session: Session, tmp_path: Path) -> None:
    """Everything that moves a picture live, and the same picture at the same time afterwards."""
    log = TakeLog(session, tmp_path / "a.take", size=(80, 40), fps=100)
    session.restart("A")
    seen: list[tuple[float, list[float]]] = []
    last: Any = None

    def watch() -> None:
        nonlocal last
        frame = session.decks["A"].frame()
        if frame is not None and frame is not last:
            last = frame
            seen.append((log.now(), rows(frame)))

    def go(seconds: float) -> None:
        end = log.now() + seconds
        until(session, lambda: (watch(), log.now() >= end)[1])

    go(0.3)
    session.set_value("A", 0, "level", 0.75)
    go(0.2)
    session.stop("A")
    go(0.25)
    session.start("A")
    session.set_bpm(180.0)
    session.fire("A", 0, "hit")
    go(0.2)
    session.clock.nudge(0.2)
    session.decks["A"].slots[0].stage.values.modulate("level", -0.5)  # type: ignore[union-attr]
    go(0.4)
    session.add_effect("A", "test.dim", params={"by": 1.0})
    until(session, lambda: len(session.decks["A"].worker.stages) == 2)
    go(0.3)
    session.fade_to(1.0, Span(0.2))
    go(0.3)
    log.close()
    take = read_take(tmp_path / "a.take")
    assert take.whole and not take.report and {event["text"] for event in take.of("mark")} >= {"Level", "Tempo"}
    frames = list(Replay(take, registry(tmp_path), fps=200).frames())
    settled = [(t, live_rows) for t, live_rows in seen if 0.2 < t < take.seconds - 0.55]
    assert len(settled) > 8
    far = 0
    for t, live_rows in settled:
        # the machine may show a picture a little after the step that made it: it must be found just before
        near = [rows(frame) for frame in frames[max(0, int((t - 0.12) * 200)) : int(t * 200) + 2]]

        def distance(other: list[float], live_rows: list[float] = live_rows) -> float:
            phase = abs(other[1] - live_rows[1])
            beat = abs(other[3] - live_rows[3])
            still = abs(other[0] - live_rows[0]), abs(other[2] - live_rows[2])
            return max(*still, min(phase, 1 - phase), min(beat, 1 - beat))

        far += min(distance(other) for other in near) > 0.06
    assert far <= len(settled) // 5, far
    assert frames[-1].max() == 0  # faded to the empty deck


def test_players_notes_become_midi_and_sound(session: Session, tmp_path: Path) -> None:
    session.add_player()
    session.load("1", "test.count")
    known = session.playback.playing["1"]
    until(session, lambda: known.notes.time.origin is not None)
    log = TakeLog(session, tmp_path / "a.take", size=(80, 40), fps=10)
    until(session, lambda: known.position() > 6.0)
    log.close()
    take = read_take(tmp_path / "a.take")
    notes = list(take.of("note"))
    assert len(notes) >= 4 and [note["pitch"] for note in notes[:4]] == [
        60 + (notes[0]["pitch"] - 60 + step) % 4 for step in range(4)]
    gaps = np.diff([note["at"] for note in notes])
    assert np.allclose(gaps, 0.25, atol=0.01)  # 240 beats a minute
    outs = [tmp_path / "a.mid", tmp_path / "a.wav", tmp_path / "a.mp4"]
    result = render_take(take, outs, registry(tmp_path), name="a.take")
    assert [path for path, _ in result.files] == outs and result.path == outs[0]
    song = read_midi(outs[0])
    inside = sum(note["at"] < take.seconds for note in notes)
    assert sum(1 for _ in song.notes) == inside
    import av

    with av.open(str(outs[2])) as container:
        assert len(container.streams.audio) == 1 and container.streams.video[0].frames == result.frames
        heard = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    assert np.abs(heard).max() > 0.05
    assert read_recipe(outs[2])["take"] == "a.take" and not list(tmp_path.glob(".*"))
    first = outs[2].read_bytes()
    render_take(take, outs[2:], registry(tmp_path), name="a.take")
    assert outs[2].read_bytes() == first


def test_nothing_half_made_is_left(tmp_path: Path) -> None:
    from studio.generator import Cancelled

    take = read_take(write(tmp_path / "a.take", CHAIN, {"t": 0.1, "e": "note", "line": "1", "at": 0.1, "pitch": 60,
                                                        "velocity": 80, "seconds": 0.2, "channel": 0},
                           {"t": 1.0, "e": "end"}))
    count = 0

    def cancelled() -> bool:
        nonlocal count
        count += 1
        return count > 6

    with pytest.raises(Cancelled):
        render_take(take, [tmp_path / "out.mp4"], registry(tmp_path), cancelled=cancelled)
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".py") == ["a.take"]
    for start, end in ((2.0, None), (0.5, 0.5)):
        with pytest.raises(TakeError, match="nothing in it"):
            render_take(take, [tmp_path / "out.mp4"], registry(tmp_path), start=start, end=end)
    with pytest.raises(TakeError, match="cannot hold a take"):
        render_take(take, [tmp_path / "out.txt"], registry(tmp_path))


def test_a_take_that_is_not_written_costs_nothing(session: Session, tmp_path: Path) -> None:
    log = TakeLog(session, tmp_path / "a.take", size=(80, 40), fps=30)
    live(session, 0.1)
    log.close()
    values = session.decks["A"].slots[0].stage.values  # type: ignore[union-attr]
    assert values.heard is None and session.mix.heard is None
    size = (tmp_path / "a.take").stat().st_size
    session.set_value("A", 0, "level", 0.9)
    live(session, 0.1)
    assert (tmp_path / "a.take").stat().st_size == size


def test_a_flood_of_changes_is_written_at_a_bounded_rate_and_keeps_the_last(session: Session, tmp_path: Path) -> None:
    log = TakeLog(session, tmp_path / "a.take", size=(80, 40), fps=30)
    values = session.decks["A"].slots[0].stage.values  # type: ignore[union-attr]
    end = log.now() + 0.5
    count = 0
    while log.now() < end:
        count += 1
        values.set("level", count % 100 / 100)
    values.set("level", 0.125)
    log.close()
    take = read_take(tmp_path / "a.take")
    written = list(take.of("set"))
    assert count > 1000 and len(written) <= 1.5 * take.seconds / 0.008 and written[-1]["value"] == 0.125
