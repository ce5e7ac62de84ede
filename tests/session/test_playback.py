"""Playing a session's players: the right notes at the right time into the right sink, and steering them meanwhile."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from studio.engine import Clock
from studio.engine.threads import stop_all
from studio.export import open_writer
from studio.export.recipe import read_recipe
from studio.media import Note, Notes
from studio.midi_file import read_midi
from studio.plugins import Registry, discover
from studio.session.playback import Options
from studio.session.playback_files import save_played, save_text
from studio.session.playback_track import Letter
from studio.session.session import Session
from tests.stand import until, write_plugin, write_plugins

NOTES = '''
from studio.api import Float, Generator, Int, Note, Notes

class Branch:
    def __init__(self, count): self.count = count
    def options(self, count, beats, seed, check):
        check()
        return [Option((Notes((Note(100 + n, 90, 0.0, 1.0),), beats),), self.count + 1) for n in range(count)]

class Option:
    def __init__(self, blocks, count): self.blocks, self.count = blocks, count

class Steps(Generator):
    """A note per beat, a block per bar."""
    id, version, makes, title = "test.steps", 1, "notes", "Steps"
    pitch = Int(60, 0, 90)

    def setup(self, ctx):
        self.count, self.past, self.given = 0, [], []

    def step(self, ctx):
        if "resume" in ctx.wishes:
            self.count = ctx.wishes["resume"].count
        if "restart" in ctx.wishes:
            self.count = 0
        if "take" in ctx.wishes:
            self.given, self.count = list(ctx.wishes["take"].blocks), ctx.wishes["take"].count
        if self.given:
            made = self.given.pop(0)
        else:
            made = Notes(tuple(Note(self.pitch, 40 + self.count, float(b), 0.5) for b in range(4)), 4.0)
            self.count += 1
        self.past = [*self.past[-7:], (made, Branch(self.count))]
        ctx.expose("branches", tuple(self.past))
        return made

    @classmethod
    def export_options(cls, values):
        return {"programs": "0=19"}
'''

TEXT = '''
from studio.api import Generator, Text

class Count(Generator):
    """Counts letters of what it goes on from."""
    id, version, makes, title = "test.count", 1, "text", "Count"
    first = Text("abc", live=False)

    def setup(self, ctx):
        self.place, self.base = 0, self.first

    def step(self, ctx):
        if "continue_from" in ctx.wishes:
            self.base, self.place = str(len(ctx.wishes["continue_from"])), 0
        self.place += 1
        return self.base[(self.place - 1) % len(self.base)]
'''

HUM = '''
import numpy as np
from studio.api import Audio, Generator

class Hum(Generator):
    """A quarter of a second of a tone."""
    id, version, makes, title = "test.hum", 1, "audio", "Hum"

    def step(self, ctx):
        return Audio(np.full((6000, 1), 0.25, np.float32), 24_000)
'''

EAR = '''
import numpy as np
from studio.api import Generator

class Ear(Generator):
    """Shows what it hears."""
    id, version, makes, title = "test.ear", 1, "image", "Ear"

    def setup(self, ctx):
        self.heard = 0

    def step(self, ctx):
        self.heard += len(ctx.notes)
        ctx.expose("heard", self.heard)
        return np.zeros((4, 4, 3), np.float32)
'''


class Recorder:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.notes: list[tuple[float, Note, float, dict[int, int]]] = []
        self.quieted: list[str | None] = []

    def prepare(self, player: str, notes: Sequence[Note], bpm: float, programs: Mapping[int, int]) -> None: ...

    def play(self, player: str, note: Note, at: float, seconds: float, programs: Mapping[int, int]) -> None:
        self.notes.append((at, note, seconds, dict(programs)))

    def quiet(self, player: str | None = None) -> None:
        self.quieted.append(player)


class Time:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setenv("REVERIE_HOME", str(tmp_path / "home"))
    sources = {"steps": NOTES, "count": TEXT, "ear": EAR, "hum": HUM}
    made = Session(Registry(write_plugins(tmp_path, sources)))
    yield made
    made.close()
    assert not stop_all(8.0)


@pytest.fixture
def stage(session: Session, monkeypatch: pytest.MonkeyPatch) -> tuple[Session, Recorder, Time, Clock]:
    """A session whose time the test moves, and whose notes a recorder takes."""
    now, recorder = Time(), Recorder()
    clock = Clock(120.0, now=now)
    playback = session.playback
    playback.clock, playback.now = clock, now
    monkeypatch.setattr(playback, "_start", lambda: None)
    monkeypatch.setattr(playback, "_sink_of", lambda options: recorder)
    return session, recorder, now, clock


def run(session: Session, now: Time, seconds: float) -> None:
    """Let musical time pass; the generators' threads get real time to keep up."""
    playback = session.playback
    for _ in range(round(seconds / 0.01)):
        for known in playback.playing.values():
            if known.line.makes == "notes" and known.notes.wants(playback.clock.read()):
                until(session, lambda known=known: len(known.line.worker.parts) > 0)  # type: ignore[union-attr]
            elif known.line.makes == "text" and known.text.wants(known.options.rate):
                until(session, lambda known=known: len(known.line.worker.parts) > 0)  # type: ignore[union-attr]
        now.seconds += 0.01
        playback.tick()


def test_notes_are_handed_over_at_their_time_and_a_new_tempo_moves_the_rest(
    stage: tuple[Session, Recorder, Time, Clock]
) -> None:
    session, recorder, now, clock = stage
    session.add_player()
    session.load("1", "test.steps")
    run(session, now, 3.0)
    first = [at for at, *_ in recorder.notes]
    assert len(first) >= 5 and first == pytest.approx([first[0] + 0.5 * n for n in range(len(first))])
    place = (first[0] - 100.0) / 0.5
    assert place == pytest.approx(round(place)), "the first note falls on a beat of the clock"
    handed = len(recorder.notes)
    clock.bpm = 240.0
    run(session, now, 2.0)
    later = [at for at, *_ in recorder.notes[handed:]]
    steps = [late - early for early, late in itertools.pairwise(later)]
    assert steps == pytest.approx([0.25] * len(steps)) and len(steps) >= 6
    assert recorder.notes[-1][2] == pytest.approx(0.125) and recorder.notes[0][3] == {0: 19}
    assert [note.velocity for _, note, *_ in recorder.notes[:8]] == [40] * 4 + [41] * 4


def test_pause_stop_and_panic_end_notes(stage: tuple[Session, Recorder, Time, Clock]) -> None:
    session, recorder, now, _ = stage
    session.add_player()
    session.load("1", "test.steps")
    run(session, now, 2.0)
    playback = session.playback
    known = playback.playing["1"]
    playback.toggle("1")
    assert known.state == "paused" and recorder.quieted[-1] == "1"
    count, place = len(recorder.notes), known.notes.time.position(playback.clock.read())
    run(session, now, 3.0)
    assert len(recorder.notes) == count
    playback.toggle("1")
    run(session, now, 3.0)
    assert known.state == "playing" and len(recorder.notes) > count
    assert known.notes.time.position(playback.clock.read()) >= place
    steps = {round((at - recorder.notes[0][0]) * 1000) % 500 for at, *_ in recorder.notes}
    assert steps <= {0, 1, 499}, "the phase of the beat is kept"
    playback.stop("1")
    assert known.state == "stopped" and not known.notes.played
    playback.play("1")
    run(session, now, 2.0)
    assert known.state == "playing"
    assert recorder.notes[-1][1].velocity <= 42, "it began anew"


def test_decks_hear_the_notes(session: Session) -> None:
    session.load("A", "test.ear")
    session.add_player()
    session.load("1", "test.steps")
    session.playback.set_options("1", sink="silent")
    session.set_bpm(240.0)
    until(session, lambda: session.decks["A"].details(0).get("heard", 0) >= 3)
    assert session.playback.playing["1"].state == "playing"


def test_a_changed_value_is_heard_from_the_next_bar_on(stage: tuple[Session, Recorder, Time, Clock]) -> None:
    session, _, now, _ = stage
    session.add_player()
    session.load("1", "test.steps")
    until(session, lambda: session.players["1"].stages())
    session.pump()
    run(session, now, 2.5)
    known = session.playback.playing["1"]
    placed = known.notes.current(known.notes.time.position(session.playback.clock.read()))
    assert placed is not None
    session.set_value("1", 0, "pitch", 72)
    session.pump()
    run(session, now, 5.0)
    notes = [item for item in known.notes.played if item.note.pitch == 72]
    assert notes and notes[0].beat <= placed.end + 4.0
    heard = [item.note.velocity for item in known.notes.played]
    assert heard == sorted(heard) and set(heard) >= {40, 41, 42}, "no bar is lost or played twice"
    assert all(item.note.pitch == 72 for item in known.notes.played if item.beat >= notes[0].beat)


def test_one_of_several_ways_to_go_on_plays_next(stage: tuple[Session, Recorder, Time, Clock]) -> None:
    session, _, now, _ = stage
    session.add_player()
    session.load("1", "test.steps")
    run(session, now, 2.0)
    found: list[Any] = []
    session.playback.propose("1", 3, 8.0, lambda options, after: found.append((options, after)), found.append)
    until(session, lambda: found)
    options, after = found[0]
    assert [option.blocks[0].notes[0].pitch for option in options] == [100, 101, 102]
    session.playback.take("1", options[2], after)
    run(session, now, 8.0)
    played = session.playback.playing["1"].notes.played
    picked = next(item for item in played if item.note.pitch == 102)
    assert picked.beat == after.end
    following = [item for item in played if item.beat >= picked.beat + 8.0]
    assert following and following[0].beat == picked.beat + 8.0


def test_a_new_piece_begins_after_the_bar(stage: tuple[Session, Recorder, Time, Clock]) -> None:
    session, _, now, _ = stage
    session.add_player()
    session.load("1", "test.steps")
    run(session, now, 5.0)
    known = session.playback.playing["1"]
    session.playback.new_piece("1")
    placed = known.notes.blocks[-1]
    run(session, now, 4.0)
    begun = [item for item in known.notes.played if item.beat >= placed.end]
    assert begun[0].note.velocity == 40 and begun[0].beat == placed.end


def test_text_goes_on_from_the_cursor_and_nothing_stale_is_typed(
    stage: tuple[Session, Recorder, Time, Clock]
) -> None:
    session, _, now, _ = stage
    session.add_player()
    session.load("1", "test.count")
    until(session, lambda: session.players["1"].stages())
    session.playback.set_options("1", rate=50.0)
    run(session, now, 0.3)
    known = session.playback.playing["1"]
    assert known.text.text.startswith("abcabc")
    for size in (7, 3, 12):
        session.playback.continue_from("1", [Letter("z")] * size)
        run(session, now, 0.2)
        rest = known.text.text[size:]
        assert known.text.text.startswith("z" * size)
        assert rest and set(rest) == set(str(size))
    session.playback.force("1", "!")
    text = known.text.text
    run(session, now, 0.2)
    assert text.endswith("!") and known.text.text.startswith(text + str(len(text))[0])


def test_another_prime_is_another_page(stage: tuple[Session, Recorder, Time, Clock]) -> None:
    session, _, now, _ = stage
    session.add_player()
    session.load("1", "test.count")
    until(session, lambda: session.players["1"].stages())
    session.pump()
    run(session, now, 1.0)
    known = session.playback.playing["1"]
    assert len(known.text.text) > 10
    session.set_value("1", 0, "first", "xyz")
    session.pump()
    run(session, now, 1.0)
    assert known.text.text.startswith("xyzxyz") and "a" not in known.text.text


def test_sound_is_played_without_gaps(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    playback = session.playback
    now = Time()
    playback.clock, playback.now = Clock(120.0, now=now), now
    monkeypatch.setattr(playback, "_start", lambda: None)
    heard: list[tuple[float, float]] = []
    monkeypatch.setattr(playback.synth, "sound", lambda player, audio, at: heard.append(
        (at, len(audio.samples) / audio.rate)))
    session.add_player()
    session.load("1", "test.hum")
    until(session, lambda: session.players["1"].stages())
    worker = session.players["1"].worker
    for _ in range(300):
        if playback.playing["1"].notes.wants(playback.clock.read()):
            until(session, lambda: len(worker.parts) > 0)  # type: ignore[union-attr]
        now.seconds += 0.01
        playback.tick()
    assert len(heard) > 8
    for (at, long), (following, _) in itertools.pairwise(heard):
        assert following == pytest.approx(at + long, abs=1e-6)


def test_options_are_saved_undone_and_cleaned(session: Session, tmp_path: Path) -> None:
    session.add_player()
    session.playback.set_options("1", volume=0.3, sink="silent", rate=77.0)
    session.playback.set_options("1", mute=True)
    path = tmp_path / "s.reverie"
    session.save(path)
    assert session.history.undo_label == "Mute of Player 1"
    session.undo()
    assert not session.playback.playing["1"].options.mute
    session.redo()
    assert session.playback.playing["1"].options.mute
    session.new()
    session.open(path)
    options = session.playback.playing["1"].options
    assert (options.volume, options.sink, options.rate, options.mute) == (0.3, "silent", 77.0, True)
    line = session.players["1"]
    line.extra["playback"] = {"volume": 99, "sink": "bell", "rate": "fast", "mute": 1, "port": None}
    assert Options.of(line) == Options(volume=1.0)
    line.extra["playback"] = {"volume": float("nan"), "rate": -5.0}
    assert Options.of(line) == Options(rate=0.1)


def test_without_a_sound_card_everything_else_goes_on(session: Session) -> None:
    session.playback.choose_output("No such card")
    session.add_player()
    session.load("1", "test.steps")
    session.set_bpm(240.0)
    until(session, lambda: session.playback.playing["1"].notes.played and session.notices)
    notice = session.notices[0]
    # which of them depends on the machine
    sentences = ("there is no sound output 'No such card'", "no sound card", "sound system", "PortAudio is missing")
    assert any(sentence in notice.text for sentence in sentences), notice
    assert notice.cure and notice.level == "warning" and notice.source == "Sound"
    assert any(sentence in session.playback.trouble("1") for sentence in sentences)
    before = len(session.playback.playing["1"].notes.played)
    until(session, lambda: len(session.playback.playing["1"].notes.played) > before + 3)


def test_a_port_that_is_not_there_is_said(session: Session) -> None:
    session.add_player()
    session.load("1", "test.steps")
    session.playback.set_options("1", sink="midi", port="No such synth")
    until(session, lambda: session.playback.trouble("1"))
    assert "No such synth" in session.playback.trouble("1") or "MIDI" in session.playback.trouble("1") or (
        "sequencer" in session.playback.trouble("1"))
    until(session, lambda: session.playback.playing["1"].notes.played)


def test_players_that_go_leave_nothing(session: Session) -> None:
    session.add_player()
    session.load("1", "test.steps")
    session.playback.set_options("1", sink="silent")
    until(session, lambda: session.playback.playing["1"].notes.played)
    session.remove_player("1")
    assert "1" not in session.playback.playing
    session.undo()
    until(session, lambda: session.playback.playing["1"].notes.played)
    assert session.playback.playing["1"].options.sink == "silent"


def test_what_was_played_becomes_a_file_with_its_recipe(
    stage: tuple[Session, Recorder, Time, Clock], tmp_path: Path
) -> None:
    session, _, now, _ = stage
    session.add_player()
    session.load("1", "test.steps")
    run(session, now, 6.0)
    job = save_played(session, session.players["1"], tmp_path / "p.mid")
    until(session, lambda: job.state not in ("waiting", "running"))
    assert job.state == "done", job.message
    song = read_midi(tmp_path / "p.mid")
    played = session.playback.playing["1"].notes.played
    assert [(note.start, note.velocity) for note in song.notes] == [
        (pytest.approx(item.beat - played[0].beat), item.note.velocity) for item in played]
    recipe = read_recipe(tmp_path / "p.mid")
    assert recipe is not None and recipe["stages"][0]["generator"] == "test.steps"


def test_text_becomes_a_file_with_its_recipe(stage: tuple[Session, Recorder, Time, Clock], tmp_path: Path) -> None:
    session, _, now, _ = stage
    session.add_player()
    session.load("1", "test.count")
    run(session, now, 1.0)
    job = save_text(session, session.players["1"], tmp_path / "t.txt")
    until(session, lambda: job.state not in ("waiting", "running"))
    assert (tmp_path / "t.txt").read_text() == session.playback.playing["1"].text.text != ""
    assert (tmp_path / "t.txt.json").exists()


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setenv("REVERIE_HOME", str(tmp_path / "home"))
    made = Session(discover(builtin_only=True))
    yield made
    made.close()
    assert not stop_all(20.0)


def test_the_midi_sequencer_is_turned_elsewhere(house: Session) -> None:
    session = house
    session.add_player()
    session.load("1", "reverie.midi_sequencer", params={"model": "drums", "style": "funk"})
    session.playback.set_options("1", sink="silent")
    session.set_bpm(300.0)
    until(session, lambda: session.playback.playing["1"].notes.played, 120.0)
    details = session.players["1"].details(0)
    block, times, rows = details["chances"][-1]
    assert rows.shape == (len(times), 128) and (rows.max(axis=1) > 0.0).all() and rows.max() <= 1.0 + 1e-6
    likely = [note for note in block.notes if rows[:, note.pitch].max() > 0.0]
    assert len(likely) >= len(block.notes) - 2, "a hit at the bar line may have been chosen in the bar before"
    found: list[Any] = []
    session.playback.propose("1", 3, 4.0, lambda options, after: found.append((options, after)), found.append, seed=5)
    until(session, lambda: found, 60.0)
    options, after = found[0]
    assert len({tuple(option.blocks[0].notes) for option in options}) > 1
    session.playback.take("1", options[1], after)
    first = options[1].blocks[0]
    known = session.playback.playing["1"]
    until(session, lambda: any(placed.block is first for placed in known.notes.blocks))
    placed = next(placed for placed in known.notes.blocks if placed.block is first)
    until(session, lambda: known.position() > placed.end + 4.0)
    heard = [item for item in known.notes.played if placed.beat <= item.beat < placed.end]
    assert [item.note for item in heard] == sorted(first.notes, key=lambda note: note.start)
    assert not known.notes.late


def test_the_text_sequencer_offers_words_and_letters(house: Session) -> None:
    session = house
    session.add_player()
    session.load("1", "reverie.text_sequencer", params={"length": 40, "tidy": False})
    session.playback.set_options("1", rate=400.0)
    known = session.playback.playing["1"]
    until(session, lambda: known.state == "finished", 120.0)
    letter = known.text.letters[-1]
    assert letter.chance is not None and 0.0 < letter.chance <= 1.0
    assert [chance for _, chance in letter.choices] == sorted((c for _, c in letter.choices), reverse=True)
    writer = session.players["1"].details(0)["writer"]
    words = writer.words("To be or not to b", 4, lambda: None)
    assert words[0][0] == "e" and words[0][1] > 0.5 and sum(chance for _, chance in words) <= 1.0 + 1e-6
    before = known.text.text
    session.playback.force("1", "\nROMEO:\n")  # it had ended: it is started again, and goes on from there
    until(session, lambda: len(known.text.text) > len(before) + 20)
    assert known.text.text.startswith(before + "\nROMEO:\n")


def test_a_primer_chosen_while_it_plays_is_heard(house: Session, tmp_path: Path) -> None:
    session = house
    primer = tmp_path / "primer.mid"
    chord = (72, 67, 64, 48)
    with open_writer(primer, bpm=100) as writer:
        writer.add(Notes(tuple(Note(p, 80, float(b), 1.0, v) for b in range(8) for v, p in enumerate(chord)), 8.0))
    session.add_player()
    session.load("1", "reverie.midi_sequencer", params={"model": "chorales", "primer_bars": 2})
    session.playback.set_options("1", sink="silent")
    session.set_bpm(240.0)
    known = session.playback.playing["1"]
    until(session, lambda: len(known.notes.played) > 12, 120.0)
    session.set_value("1", 0, "primer", str(primer))
    begun = known.position()

    def heard() -> bool:
        on = [item for item in known.notes.played if item.beat > begun]
        beats = {round(item.beat) for item in on}
        return any(sum(sorted(i.note.pitch for i in on if round(i.beat) == beat) == sorted(chord)
                       for beat in range(first, first + 8)) >= 7 for first in beats)

    until(session, heard, 60.0)
    assert min(item.beat for item in known.notes.played if item.beat > begun) < begun + 9.0


def test_a_users_plugin_in_its_own_process_hears_where_to_go_on(tmp_path: Path) -> None:
    plugin = write_plugin(tmp_path, "count", TEXT)
    plugin.contained = True
    session = Session(Registry([plugin]))
    try:
        session.add_player()
        session.load("1", "test.count")
        session.playback.set_options("1", rate=100.0)
        known = session.playback.playing["1"]
        until(session, lambda: known.text.text.startswith("abcabc"))
        session.playback.continue_from("1", [Letter("z")] * 7)
        until(session, lambda: len(known.text.text) > 12)
        assert set(known.text.text[7:]) == {"7"}
    finally:
        session.close()
        assert not stop_all(8.0)
