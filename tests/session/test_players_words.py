"""What text players write reaches the decks live, and again, at the same moments, in an export and by its recipe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.engine import Job
from studio.engine.threads import stop_all
from studio.export import read_recipe
from studio.media import Words
from studio.plugins import Registry, discover
from studio.session.export_plan import FORMATS, ExportPlan
from studio.session.exporting import export, look_of
from studio.session.playback_words import NEW_PAGE, Spoken, WordsOut, Writing, read_writings
from studio.session.render_job import job_from_recipe
from studio.session.render_job import run as run_job
from studio.session.session import Session
from tests.engine.test_deck import until
from tests.stand import write_plugins

POET = '''
from studio.api import Finished, Generator, Text

class Poet(Generator):
    """Says its line."""
    id, version, makes, title = "test.poet", 1, "text", "Poet"
    line = Text("abcdefghijklmnopqrstuvwxyz")

    def setup(self, ctx):
        self.at = 0

    def step(self, ctx):
        if self.at >= len(self.line):
            raise Finished
        self.at += 1
        return self.line[self.at - 1]
'''

READER = '''
import numpy as np
from studio.api import Generator

class Reader(Generator):
    """As bright as the letters it has read."""
    id, version, makes, title = "test.reader", 1, "image", "Reader"
    reads_words = True

    def setup(self, ctx):
        self.heard = ""

    def step(self, ctx):
        self.heard += "".join(piece.text for piece in ctx.words if piece.player == "1")
        ctx.expose("heard", self.heard)
        return np.full((8, 8, 3), len(self.heard), np.uint8)
'''


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(write_plugins(tmp_path, {"poet": POET, "reader": READER}))


@pytest.fixture
def session(registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setenv("REVERIE_HOME", str(tmp_path / "home"))
    made = Session(registry)
    yield made
    made.close()
    assert not stop_all(5.0)


def pumped(session: Session, true: Any) -> bool:
    return until(lambda: (session.pump(), true())[1], 20)


def play(session: Session) -> None:
    session.load("A", "test.reader")
    session.add_player()
    assert pumped(session, lambda: session.decks["A"].frame() is not None)
    session.load("1", "test.poet")
    assert pumped(session, lambda: session.players["1"].stages())
    session.playback.set_options("1", rate=40.0)


def heard(session: Session) -> str:
    return str(session.decks["A"].details(0).get("heard", ""))


def test_a_deck_hears_every_letter_once_and_in_order(session: Session) -> None:
    play(session)
    assert pumped(session, lambda: heard(session).endswith("z"))
    assert heard(session).replace(NEW_PAGE, "") == "abcdefghijklmnopqrstuvwxyz"


def test_a_text_that_begins_anew_is_a_new_page(session: Session) -> None:
    play(session)
    assert pumped(session, lambda: heard(session).endswith("z"))
    session.restart("1")
    assert pumped(session, lambda: heard(session).count("z") == 2)
    assert heard(session).rpartition(NEW_PAGE)[2] == "abcdefghijklmnopqrstuvwxyz"


def test_who_looks_late_is_told_only_of_what_comes(session: Session) -> None:
    play(session)
    assert pumped(session, lambda: heard(session).endswith("z"))
    assert WordsOut().fresh(list(session.playback.playing.items())) == []


def brightness(frames: list[np.ndarray]) -> list[int]:
    return [int(frame[0, 0, 0]) for frame in frames]


def test_an_export_hears_the_letters_when_they_are_typed(session: Session, tmp_path: Path) -> None:
    from studio.devices.inputs import open_source

    play(session)
    form = next(form for form in FORMATS if form.key == "sequence")
    plan = ExportPlan(form, tmp_path / "words", (8, 8), 10.0, frames=5)
    look = look_of(session, "A")
    assert [writing.rate for writing in look.writings] == [40.0]
    export(session, look, plan, Job("export", lambda job: None))
    made = sorted((tmp_path / "words").glob("*.png"))
    shown = brightness([open_source(str(path), 1.0).__next__() for path in made])
    assert shown == [0, 4, 8, 12, 16]  # 40 letters a second at 10 pictures a second
    recipe = read_recipe(made[0])
    assert recipe is not None and recipe["words"][0]["player"] == "1"
    job = job_from_recipe(recipe, session.registry, [str(tmp_path / "again" / "%05d.png")])
    (tmp_path / "again").mkdir()
    run_job(job)
    again = sorted((tmp_path / "again").glob("*.png"))
    assert brightness([open_source(str(path), 1.0).__next__() for path in again]) == shown


def test_captions_of_a_player_have_its_own_rate(session: Session, tmp_path: Path) -> None:
    play(session)
    form = next(form for form in FORMATS if form.key == "srt")
    look = look_of(session, "1")
    assert look.options == {"rate": 40.0, "per_beat": False}
    plan = ExportPlan(form, tmp_path / "poem.srt", frames=26, options=dict(look.options))
    export(session, look, plan, Job("export", lambda job: None))
    text = (tmp_path / "poem.srt").read_text()
    assert text.startswith("1\n00:00:00,025 --> ") and "abcdefghijklmnopqrstuvwxyz" in text


def test_a_recipes_words_that_cannot_be_used_are_told(registry: Registry) -> None:
    told: list[str] = []
    good = {"player": "1", "seed": 1, "rate": 10.0, "per_beat": True,
            "stages": [{"generator": "test.poet", "version": 1, "params": {}}]}
    bad: list[Any] = [
        {**good, "rate": "fast"}, {**good, "rate": float("nan")}, {**good, "stages": []}, "x", {**good, "seed": -1},
        {**good, "stages": [{"generator": "test.nobody", "version": 1, "params": {}}]},
        {**good, "stages": [{"generator": "test.reader", "version": 1, "params": {}}]},
    ]
    found = read_writings([good, *bad], registry, told.append)
    assert [(one.player, one.rate, one.per_beat) for one in found] == [("1", 10.0, True)]
    assert len(told) == len(bad) and all("left out" in text for text in told)
    assert read_writings({"no": "list"}, registry, told.append) == []


def test_spoken_is_typed_by_time_and_ends_with_its_text(registry: Registry) -> None:
    stages = read_writings(
        [{"player": "1", "seed": 0, "rate": 1.0, "stages": [{"generator": "test.poet", "version": 1, "params": {}}]}],
        registry, lambda text: None)[0].stages
    spoken = Spoken([Writing("1", stages, 0, 5.0, True)], bpm=120.0)
    assert spoken(0.0) == ()
    assert spoken(0.35) == (Words("abc", "1"),)
    assert spoken(0.39) == () and spoken(0.4) == (Words("d", "1"),)
    assert spoken(60.0) == (Words("efghijklmnopqrstuvwxyz", "1"),) and spoken(120.0) == ()


def test_the_built_in_effect_sets_them() -> None:
    plugin = discover(builtin_only=True).get("reverie.words")
    assert plugin.load().reads_words
