"""Controls of a real session: MIDI through a port, OSC over loopback, modulators, learning, files, undo, MIDI clock."""

from __future__ import annotations

import json
import random
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pythonosc.osc_message_builder import OscMessageBuilder

from studio.control.binding import CONTROLS, Source, Target
from studio.control.modulators import FromPlayer, Happening, Lfo
from studio.control.osc import parse_packet
from studio.control.profile import load_profile, save_profile
from studio.engine import Clock
from studio.engine.threads import stop_all
from studio.params import ParamError
from studio.plugins import Registry
from studio.session.control_sources import MasterClock
from studio.session.mix import KINDS
from studio.session.session import Session
from tests.midi_client import Client, listen_here
from tests.stand import DIM, until, write_plugins

SOURCE = '''
import numpy as np
from studio.api import Bool, Choice, Float, Generator, Int, Point, Text, Trigger

class Shade(Generator):
    """One grey."""
    id, version, makes, title = "test.shade", 1, "image", "Shade"
    level = Float(0.25, 0.0, 1.0)
    steps = Int(3, 1, 9)
    kind = Choice("a", ("a", "b"))
    loud = Bool(False)
    place = Point((0.0, 0.0))
    words = Text("x")
    size = Int(8, 4, 16, live=False)
    go = Trigger()

    def step(self, ctx):
        if self.go:
            ctx.expose("went", True)
        return np.full((8, 8, 3), self.level, np.float32)
'''
PULSE = '''
from studio.api import Generator, Note, Notes

class Pulse(Generator):
    """A note on every beat."""
    id, version, makes, title = "test.pulse", 1, "notes", "Pulse"

    def step(self, ctx):
        return Notes([Note(61, 127, 0.0, 0.5)], 1.0)
'''


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setenv("REVERIE_HOME", str(tmp_path / "home"))
    listen_here(monkeypatch, "Pad 20:0")
    made = Session(Registry(write_plugins(tmp_path, {"shade": SOURCE, "dim": DIM, "pulse": PULSE})))
    made.load("A", "test.shade")
    until(made, lambda: made.decks["A"].state == "running")
    yield made
    made.close()
    assert not stop_all(5.0)


def play(session: Session, *messages: tuple[int, ...]) -> None:
    """The controller sends."""
    open_now = lambda: [c for c in Client.made if c.name and c.callback]  # noqa: E731
    until(session, open_now)
    for message in messages:
        open_now()[-1].callback((list(message), 0.0), None)


def values(session: Session) -> Any:
    return session.decks["A"].stages()[0].values


def level(session: Session) -> float:
    return float(values(session)["level"])


def test_a_flood_from_a_controller_moves_the_picture_and_keeps_the_last_value(session: Session) -> None:
    target = session.controls.target("A", 0, "level")
    session.controls.bind(Source("cc", 7, device="Pad"), target, takeover="jump")
    seen: list[str] = []
    session.on("values", lambda line: seen.append(line.name))
    play(session, *[(0xB0, 7, place % 128) for place in range(5000)], (0xB0, 7, 127))
    until(session, lambda: level(session) == 1.0)
    until(session, lambda: int(session.decks["A"].frame()[0, 0, 0]) == 255 and seen)
    assert session.modified and len(seen) < 100
    session.undo()
    assert not session.bindings and level(session) == 1.0, "undo takes the binding back, not the knob's turns"
    session.redo()
    assert session.bindings[0].target == target


def test_unplug_and_replug_keeps_the_binding(session: Session) -> None:
    session.controls.bind(Source("cc", 7, device="Pad"), session.controls.target("A", 0, "level"), takeover="jump")
    play(session, (0xB0, 7, 127))
    until(session, lambda: level(session) == 1.0)
    Client.ports = []
    until(session, lambda: any("not there any more" in notice.text for notice in session.notices))
    Client.ports = ["Pad 31:0"]
    until(session, lambda: session.controls.ports.inputs.ports == ["Pad"])
    play(session, (0xB0, 7, 0))
    until(session, lambda: level(session) == 0.0)


def test_learning_binds_what_moves_next(session: Session) -> None:
    done: list[Any] = []
    session.controls.learn(session.controls.target("A", 0, "level"), done.append)
    play(session, *[(0xB1, 20, value) for value in (30, 31, 33, 40)])
    until(session, lambda: done)
    assert done[0].source == Source("cc", 20, 2, "Pad") and session.bindings == done
    assert session.controls.bindings_of("A", 0, "level") == done and session.controls.learning_for is None
    session.controls.learn(session.controls.target("A", 0, "steps"))
    session.controls.cancel_learn()
    play(session, (0xB1, 21, 1))
    until(session, lambda: not session.controls.router.learning)
    assert len(session.bindings) == 1


def test_the_panic_row_and_the_transport_from_pads(session: Session) -> None:
    for number, name in enumerate(("blackout", "freeze", "safe", "align", "double")):
        session.controls.bind(Source("note", number), Target(name))
    session.controls.bind(Source("note", 10), session.controls.target("A", 0, "go"))
    session.take_snapshot("one")
    session.controls.bind(Source("program", 3), Target("snapshot", slot=1))
    session.set_value("A", 0, "level", 0.9)
    bpm = session.clock.bpm
    for number in (0, 1, 2, 4, 10):
        play(session, (0x90, number, 100), (0x90, number, 0))
    until(session, lambda: session.mix.blackout and session.mix.freeze and session.mix.safe)
    until(session, lambda: session.clock.bpm == 2 * bpm and session.decks["A"].details(0).get("went"))
    play(session, (0x90, 0, 100), (0xC0, 3))
    until(session, lambda: not session.mix.blackout)
    until(session, lambda: level(session) == pytest.approx(0.25, abs=1e-6))


def test_everything_that_the_mix_has_can_be_bound() -> None:
    assert set(KINDS) <= set(CONTROLS)


def test_a_binding_finds_its_effect_when_it_moves_and_rests_when_it_is_gone(session: Session) -> None:
    session.add_effect("A", "test.dim")
    until(session, lambda: len(session.decks["A"].stages()) == 2)
    board, target = session.controls.board, session.controls.target("A", 1, "by")
    assert target.generator == "test.dim" and board.style(target) == "number"
    session.add_effect("A", "test.dim", at=1)
    until(session, lambda: len(session.decks["A"].stages()) == 3)
    moved = Target("by", "A", 0, "test.dim")
    assert board.find(moved)[1] is session.decks["A"].slots[1]  # type: ignore[index]
    session.clear_line("A")
    assert board.style(target) == "" and "test.dim is not in Deck A" in board.why_not(target)
    assert "no line 7" in board.why_not(Target("by", "7")) and "no snapshot 4" in board.why_not(
        Target("snapshot", slot=4))


def test_both_axes_of_a_pad(session: Session) -> None:
    board = session.controls.board
    y = session.controls.target("A", 0, "place", "y")
    board.write(y, 0.75)
    board.write(session.controls.target("A", 0, "place"), 1.0)
    assert values(session)["place"] == (1.0, 0.5) and board.read(y) == 0.75


def osc(session: Session, address: str, *arguments: object) -> None:
    builder = OscMessageBuilder(address)
    for item in arguments:
        builder.add_arg(item)  # type: ignore[arg-type]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.sendto(builder.build().dgram, ("127.0.0.1", session.controls.ports.server.port))  # type: ignore[union-attr]


def listen(session: Session) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    session.settings.set("osc_port", port)
    session.settings.set("osc", True)
    until(session, lambda: session.controls.ports.server is not None)


def test_osc_sets_values_and_lists_what_it_cannot_use(session: Session) -> None:
    listen(session)
    osc(session, "/reverie/A/1/level", 0.5)
    osc(session, "/reverie/A/1/kind", "b")
    osc(session, "/reverie/A/1/words", "night")
    osc(session, "/reverie/A/1/steps/norm", 1.0)
    osc(session, "/reverie/blackout", True)
    osc(session, "/reverie/blend", "screen")
    osc(session, "/reverie/bpm", 99.0)
    until(session, lambda: level(session) == 0.5 and values(session)["kind"] == "b" and session.clock.bpm == 99.0)
    until(session, lambda: session.mix.blackout and session.mix.blend == "screen" and values(session)["steps"] == 9)
    assert values(session)["words"] == "night"
    osc(session, "/reverie/A/1/level", "loud")
    osc(session, "/reverie/A/1/level/norm", 4.0)
    osc(session, "/reverie/A/1/nothing", 1.0)
    osc(session, "/somebody/else", 1.0)
    osc(session, "/reverie/*/1/level", 1.0)
    osc(session, "/reverie/blend", "wild")
    problems = session.controls.ports.problems
    until(session, lambda: len(problems) == 6)
    assert "takes numbers" in problems["/reverie/A/1/level"] and "outside" in problems["/reverie/A/1/level/norm"]
    assert "no parameter nothing" in problems["/reverie/A/1/nothing"] and "patterns" in problems["packet"]
    assert level(session) == 0.5
    osc(session, "/reverie/A/1/go")
    until(session, lambda: session.decks["A"].details(0).get("went"))


def test_an_osc_address_of_another_program_is_learned(session: Session) -> None:
    listen(session)
    done: list[Any] = []
    session.controls.learn(session.controls.target("A", 0, "level"), done.append)
    osc(session, "/1/fader3", 0.1)
    until(session, lambda: done)
    osc(session, "/1/fader3", 0.75)
    until(session, lambda: level(session) == 0.75)


def test_osc_out_tells_changes_and_no_echo(session: Session) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("127.0.0.1", 0))
        ear.settimeout(10.0)
        session.settings.set("osc_send", f"127.0.0.1:{ear.getsockname()[1]}")
        listen(session)

        def heard(address: str) -> Any:
            while True:
                message = parse_packet(ear.recv(65535))[0]
                if message.address == address:
                    return message.arguments

        assert heard("/reverie/A/1/level") == (0.25,)
        assert heard("/reverie/A/1/place") == (0.0, 0.0)
        osc(session, "/reverie/A/1/level", 0.5)
        until(session, lambda: level(session) == 0.5)
        session.set_value("A", 0, "level", 0.75)
        assert heard("/reverie/A/1/level") == (0.75,), "0.5 came from there: it is not sent back"


def test_a_port_in_use_and_a_wrong_place_are_sentences(session: Session) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        session.settings.set("osc_port", other.getsockname()[1])
        session.settings.set("osc", True)
        session.settings.set("osc_send", "nowhere")
        until(session, lambda: len([n for n in session.notices if n.source == "OSC"]) == 2)
    texts = {notice.text: notice.cure for notice in session.notices if notice.source == "OSC"}
    assert any("another program" in text and "which is free" in cure for text, cure in texts.items())
    assert any("no place to send" in text and "host:port" in cure for text, cure in texts.items())
    assert session.controls.ports.osc_trouble


def test_an_lfo_moves_what_the_worker_sees_and_not_the_value(session: Session) -> None:
    session.controls.add_modulator(Lfo("wave", shape="square", rate=0.0))  # its high half, held
    target = session.controls.target("A", 0, "level")
    route = session.controls.route("wave", target, 0.5, bipolar=False)
    until(session, lambda: int(session.decks["A"].frame()[0, 0, 0]) == round(0.75 * 255))
    assert level(session) == 0.25 and values(session).modulated("level") == pytest.approx(0.75)
    assert session.decks["A"].slots[0].current().params["level"] == 0.25
    with pytest.raises(ParamError, match="restarts"):
        session.controls.route("wave", session.controls.target("A", 0, "size"))
    session.controls.change_modulator("wave", phase=0.5)
    until(session, lambda: values(session).modulated("level") is None)
    session.controls.change_modulator("wave", phase=0.0)
    until(session, lambda: values(session).modulated("level") is not None)
    session.controls.unroute(route)
    until(session, lambda: values(session).modulated("level") is None)
    with pytest.raises(ValueError, match="rate"):
        session.controls.change_modulator("wave", rate=-1.0)
    assert session.controls.add_modulator(Lfo("wave")).name == "wave 2"
    session.controls.remove_modulator("wave")
    assert [modulator.name for modulator in session.modulators] == ["wave 2"]


def test_modulation_leaves_nothing_behind_in_what_is_taken_out(session: Session) -> None:
    controls = session.controls
    controls.add_modulator(Lfo("wave", shape="square", rate=0.0))
    route = controls.route("wave", controls.target("A", 0, "level"), 0.5, bipolar=False)
    double = controls.route("wave", Target("level", "A", 0), 0.1, bipolar=False)  # the same parameter, named otherwise
    old = values(session)
    until(session, lambda: (old.modulated("level") or 0.0) == pytest.approx(0.85))
    session.clear_line("A")
    until(session, lambda: old.modulated("level") is None)
    controls.unroute(route, double)
    session.undo()
    session.undo()  # the generator is here again, and its route
    until(session, lambda: bool(session.decks["A"].stages()) and values(session).modulated("level") is not None)


def test_a_players_notes_move_a_deck_and_press_buttons(session: Session) -> None:
    session.set_bpm(300.0)
    name = session.add_player().name
    session.load(name, "test.pulse")
    session.playback.set_options(name, sink="silent")
    session.controls.add_modulator(FromPlayer("hits", player=name, event="note", fall=5.0))
    session.controls.add_modulator(FromPlayer("class", player=name, event="pitch_class"))
    session.controls.route("hits", session.controls.target("A", 0, "level"), 0.5, bipolar=False)
    session.controls.bind(Source("mod", address="hits"), session.controls.target("A", 0, "loud"), mode="toggle")
    until(session, lambda: (values(session).modulated("level") or 0.0) > 0.6)
    until(session, lambda: session.controls.bank.values["class"] == pytest.approx(1 / 11))
    until(session, lambda: values(session)["loud"])
    until(session, lambda: not values(session)["loud"])  # the next note


def test_words_of_a_text_player(session: Session) -> None:
    from studio.session.control_sources import PlayerEar
    from studio.session.playback_track import Letter

    name = session.add_player().name
    ear = PlayerEar(session.playback)
    known = session.playback.playing[name]
    assert ear.listen(120.0) == []
    known.text.letters += [Letter(c) for c in "The Nig"]
    assert ear.listen(120.0) == [Happening(name, word="the")]
    known.text.letters += [Letter(c) for c in "ht, don't"]
    assert ear.listen(120.0) == [Happening(name, word="night")]
    known.text.replace([Letter(c) for c in "another page "])
    assert ear.listen(120.0) == []
    known.text.letters += [Letter(c) for c in "of it.\n"]
    assert [h.word for h in ear.listen(120.0)] == ["of", "it"]


def test_controls_are_in_the_session_file_and_damage_is_told(session: Session, tmp_path: Path) -> None:
    controls = session.controls
    controls.bind(Source("cc", 7, 1, "Pad"), controls.target("A", 0, "level"), low=0.2, smooth=0.5)
    controls.add_modulator(Lfo("slow", rate=0.1))
    controls.route("slow", controls.target("A", 0, "level"), 0.3)
    dump = json.loads(json.dumps(controls.dump()))
    place = tmp_path / "set.reverie"
    session.save(place)
    session.new()
    assert not session.bindings and not session.modulators and not controls.routes
    assert session.open(place) == [] and json.loads(json.dumps(controls.dump())) == dump
    tree = json.loads(place.read_text())
    tree["controls"]["bindings"][0]["curve"] = "wild"
    tree["controls"]["routes"] = "none"
    tree["controls"]["later"] = 5
    place.write_text(json.dumps(tree))
    report = session.open(place)
    assert any("controls.bindings[0].curve" in line for line in report)
    assert any("controls.routes" in line for line in report) and session.bindings[0].curve == "linear"
    session.save(place)
    assert json.loads(place.read_text())["controls"]["later"] == 5


def test_a_profile_of_a_controller(session: Session) -> None:
    controls = session.controls
    controls.bind(Source("cc", 7, 1, "Pad"), Target("fade"))
    controls.bind(Source("cc", 7, 1, "Other"), Target("crossfade"))
    place = save_profile(controls.make_profile("Pad", "Pad"))
    controls.unbind(*session.bindings)
    profile, report = load_profile(place)
    controls.use_profile(profile)
    controls.use_profile(profile)
    assert [b.target.name for b in session.bindings] == ["fade"] and not report
    session.undo()  # the second time changed nothing: it is no step
    assert session.bindings == []


def test_the_clock_follows_a_midi_clock_in_phase_with_jitter() -> None:
    now = [100.0]
    clock = Clock(120.0, now=lambda: now[0])
    master, chance = MasterClock(clock), random.Random(3)
    now[0] = 103.21
    clock.read()
    master.hear("Box", bytes([0xFA]), now[0])
    period, late, worst = 60 / 97 / 24, 0.0, 0.0
    begin = now[0]
    beats = []
    for pulse in range(24 * 16):
        late = chance.uniform(0.0, 0.005)
        now[0] = begin + pulse * period + late
        master.hear("Box", bytes([0xF8]), now[0])
        beats.append(clock.read().beat)
        if pulse > 24 * 6:
            truth = pulse / 24 + late / period / 24
            worst = max(worst, abs((clock.read().bar * 4 - truth + 2) % 4 - 2))
    assert worst * 60 / 97 < 0.015, "within a frame and a half of the master's bar"
    assert np.all(np.diff(beats) > 0.0), "it never runs backwards"
    assert clock.bpm == pytest.approx(97.0, rel=0.02) and master.state(now[0]) == "following"
    gone = now[0] + 3.0
    assert master.state(gone) == "lost"
    master.hear("Box", bytes([0xFC]), gone)
    for pulse in range(30):
        now[0] = gone + pulse * period
        master.hear("Box", bytes([0xF8]), now[0])
    assert master.state(now[0]) == "stopped"


def test_midi_clock_through_a_port_moves_the_tempo_when_it_is_wanted(session: Session) -> None:
    session.controls.bind(Source("cc", 1), Target("fade"))
    until(session, lambda: any(c.name for c in Client.made))
    play(session, *[(0xF8,)] * 30)
    assert session.clock.bpm == 120.0, "nobody asked for it"
    session.settings.set("midi_clock", True)
    master, begin = session.controls.ports.master, time.perf_counter()
    for pulse in range(60):
        session.controls.ports._midi("Pad", bytes([0xF8]), begin + pulse * 60 / 140 / 24)
    assert session.clock.bpm == pytest.approx(140.0, rel=0.01) and master.state(begin) == "stopped"


