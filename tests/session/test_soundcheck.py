"""The sound check and warming up, of real sessions: each fault is a line with its cure, and nothing raises."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studio.control.binding import Source, Target
from studio.devices.midi_out import MidiError
from studio.devices.sound import SoundDevice, SoundError
from studio.engine import Job
from studio.engine.threads import stop_all
from studio.session import soundcheck, warmup
from studio.session.session import Session
from studio.session.soundcheck import BAD, DOUBTFUL, GOOD, Act, Check, ask, is_ready, run, summary
from studio.session.soundcheck_acts import do
from tests.stand import until, write_plugin
from tests.ui.stand import make_session


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    def none(**_: Any) -> Any:
        raise SoundError("no sound card is connected", "connect one")

    def no_ports() -> Any:
        raise MidiError("no MIDI controller is there", "plug one in")

    monkeypatch.setattr(soundcheck, "sound_outputs", none)
    monkeypatch.setattr(soundcheck, "find_output", lambda name: none())
    monkeypatch.setattr(soundcheck, "sound_inputs", none)
    monkeypatch.setattr(soundcheck, "midi_inputs", no_ports)
    monkeypatch.setattr(soundcheck, "midi_outputs", no_ports)
    made = make_session(tmp_path)
    made.settings.set("export_folder", str(tmp_path))
    yield made
    made.close()
    assert not stop_all(5.0)


def checked(session: Session, **changes: Any) -> dict[str, Check]:
    asked = replace(ask(session), screens=[("HDMI-1", "1920×1080"), ("eDP-1", "1920×1080")], **changes)
    return {check.key: check for check in run(asked)}


def test_an_empty_studio_is_ready_and_says_what_to_look_at(session: Session) -> None:
    found = checked(session)
    assert is_ready(list(found.values())), found
    assert found["screens"].level == GOOD and found["osc"].text == "Off"
    assert found["sound"].level == DOUBTFUL and found["sound"].cure == "connect one"
    assert found["midi in"].level == DOUBTFUL and found["midi out"].level == GOOD
    assert summary(list(found.values())).startswith("Ready")
    assert all(check.to_json()["state"] in ("green", "amber", "red") for check in found.values())


def test_what_is_bound_played_or_followed_and_missing_is_bad(session: Session, monkeypatch: Any) -> None:
    session.controls.bind(Source("cc", 7, 1, "Pad"), Target("fade"))
    assert checked(session)["midi in"].level == BAD
    monkeypatch.setattr(soundcheck, "midi_inputs", lambda: ["Keys 20:0"])
    line = checked(session)["midi in"]
    assert line.level == BAD and "Pad is bound and not there; here: Keys" in line.text
    monkeypatch.setattr(soundcheck, "midi_inputs", lambda: ["Keys 20:0", "Pad 24:0"])
    assert checked(session)["midi in"].level == GOOD
    found = checked(session, midi_players=[("Player 1", "Synth")], synth_players=["Player 2"])
    assert found["midi out"].level == BAD and "Player 1" in found["midi out"].text and found["sound"].level == BAD
    monkeypatch.setattr(soundcheck, "midi_outputs", lambda: ["Synth 128:0"])
    good = checked(session, midi_players=[("Player 1", "Synth")])["midi out"]
    assert good.level == GOOD and good.acts == (Act("note", "Test note to Synth", "Synth"),)
    monkeypatch.setattr(soundcheck, "sound_outputs", lambda **_: [SoundDevice("Card", 0, 48_000)])
    monkeypatch.setattr(soundcheck, "find_output", lambda name: SoundDevice("Card", 0, 48_000))
    assert checked(session)["sound"].acts[0].name == "tone"
    assert checked(session, sound_reason="the card went away")["sound"].level == BAD
    session.clock_sources.choose("midi")
    line = checked(session)["clock"]
    assert line.level == DOUBTFUL and line.text.startswith("MIDI clock: ") and line.cure


def test_one_screen_and_a_missing_one(session: Session) -> None:
    asked = replace(ask(session), screens=[("eDP-1", "1920×1080")])
    assert {check.key: check.level for check in run(asked)}["screens"] == DOUBTFUL
    gone = replace(asked, output_screen="HDMI-1")
    line = {check.key: check for check in run(gone)}["screens"]
    assert line.level == BAD and "HDMI-1" in line.text and [act.name for act in line.acts] == ["pattern", "output"]


def test_a_taken_osc_port_is_mended_with_one_act(session: Session) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        session.settings.set("osc_port", other.getsockname()[1])
        session.settings.set("osc", True)
        session.pump()
        line = checked(session)["osc"]
        assert line.level == BAD and line.acts[0].name == "osc_port"
        assert do(session, line.acts[0])
        assert checked(session)["osc"].level == GOOD
    assert not do(session, Act("pattern", "Test pattern")), "that is the window's"


def test_a_full_disk_is_bad_long_before_it_is_full(session: Session, monkeypatch: Any) -> None:
    for free, level in ((1e9, BAD), (10e9, DOUBTFUL), (100e9, GOOD)):
        monkeypatch.setattr(soundcheck.shutil, "disk_usage", lambda _, free=free: type("U", (), {"free": int(free)}))
        assert checked(session)["disk"].level == level


def test_a_check_that_fails_is_a_line(session: Session, monkeypatch: Any) -> None:
    def broken(**_: Any) -> Any:
        raise RuntimeError("the driver is on holiday")

    monkeypatch.setattr(soundcheck, "sound_outputs", broken)
    line = checked(session)["sound"]
    assert line.level == DOUBTFUL and "on holiday" in line.text


def test_lines_plugins_and_models_that_fail(session: Session, tmp_path: Path) -> None:
    session.load("A", "test.shade")
    until(session, lambda: session.decks["A"].state == "running")
    assert checked(session)["line A"].level == GOOD
    session.set_value("A", 0, "broken", True)
    until(session, lambda: session.decks["A"].state in ("failed", "paused"))
    line = checked(session)["line A"]
    assert line.level == BAD and "broken on purpose" in line.text and line.acts[0] == Act("restart", "Restart", "A")
    session.set_value("A", 0, "broken", False)
    assert do(session, line.acts[0])
    until(session, lambda: session.decks["A"].state == "running")
    bad = tmp_path / "bad.py"
    bad.write_text("from studio.api import Generator\nclass Bad(Generator):\n"
                   "    id, version, makes = 'me.bad', 1, 'image'\n"
                   "    def step(self, ctx)\n        return None\n")
    from studio.plugins import PluginError, read_plugin

    plugin = session.registry.add(read_plugin(bad))
    with pytest.raises(PluginError):
        plugin.load()
    found = checked(session)
    broken = next(check for key, check in found.items() if "bad" in key)
    assert broken.level == DOUBTFUL and broken.acts[0].name == "reload", "failed, but nothing uses it"


def test_a_model_that_is_not_here_is_named_with_the_way_to_it(session: Session, tmp_path: Path) -> None:
    session.registry.add(write_plugin(
        tmp_path, "seer",
        "import numpy as np\nfrom studio.api import Generator, Model\nclass Seer(Generator):\n"
        "    id, version, makes = 'test.seer', 1, 'image'\n"
        "    model = Model('vgg16', architecture='features')\n"
        "    def step(self, ctx):\n        return np.zeros((8, 8, 3), np.float32)\n"))
    session.load("A", "test.seer")
    until(session, lambda: session.decks["A"].slots[0].stage is not None)
    line = checked(session)["model vgg16"]
    assert line.level == BAD and line.acts == (Act("fetch", "Fetch it", "vgg16"),)
    session.set_value("A", 0, "model", "my_own")
    assert checked(session)["model my_own"].acts[0].name == "models"


def test_everything_is_warmed_once_and_said(session: Session) -> None:
    session.load("A", "test.shade")
    session.load("B", "test.shade", params={"level": 0.5})
    player = session.add_player()
    session.load(player.name, "test.count")
    until(session, lambda: all(line.state in ("running", "finished") for line in session.lines()))
    session.setlist.add(session.take_snapshot("Night"))
    looks = warmup.looks_of(session)
    assert [look.title for look in looks][:3] == ["Deck A", "Deck B", "Player 1"]
    cold = checked(session)["warm"]
    assert cold.level == DOUBTFUL and "Deck A" in cold.text and cold.acts[0].name == "warm"
    assert do(session, cold.acts[0])
    job = session.jobs.jobs[0]
    until(session, lambda: job.state == "done")
    warm = checked(session)["warm"]
    assert warm.level == GOOD and all(seconds > 0 for seconds in session.warmed.seconds.values())
    session.set_value("A", 0, "level", 0.1)
    assert checked(session)["warm"].level == GOOD, "a knob makes nothing cold"


def test_an_effect_is_warmed_with_a_picture_and_a_fault_is_remembered(session: Session, tmp_path: Path) -> None:
    from studio.plugins import discover

    session.registry.add(discover(builtin_only=True).get("sample_scene"))
    session.registry.add(write_plugin(
        tmp_path, "sour",
        "from studio.api import Generator\nclass Sour(Generator):\n"
        "    id, version, makes = 'test.sour', 1, 'image'\n"
        "    def step(self, ctx):\n        raise ValueError('too sour')\n"))
    looks = [warmup.Look("Dim", (("test.dim", 1, {}),)), warmup.Look("Sour", (("test.sour", 1, {}),)),
             warmup.Look("Gone", (("test.gone", 1, {}),))]
    job: Job[int] = Job("warm", lambda job: 0)
    assert warmup.warm_all(session, looks, job) == 1
    assert "too sour" in session.warmed.failed["Sour"] and "test.gone" in session.warmed.failed["Gone"]
    line = {check.key: check for check in run(replace(ask(session), looks=looks))}
    assert line["warm"].level == BAD and "too sour" in line["warm"].text and line["plugin Gone"].level == BAD


def test_a_painting_is_warm_with_its_first_preview(session: Session, tmp_path: Path) -> None:
    session.registry.add(write_plugin(
        tmp_path, "slow",
        "import numpy as np\nfrom studio.api import Generator\nclass Slow(Generator):\n"
        "    id, version, makes = 'test.slow', 1, 'image'\n"
        "    def step(self, ctx):\n        for _ in range(10**9):\n"
        "            yield np.zeros((8, 8, 3), np.float32)\n"))
    assert warmup.warm_look(session.registry, warmup.Look("Slow", (("test.slow", 1, {}),)), "cpu")


def test_a_tone_and_a_note_that_cannot_be_heard_say_why(session: Session, monkeypatch: Any) -> None:
    from studio.devices import sound
    from studio.session import soundcheck_acts

    def none(*_: Any, **__: Any) -> Any:
        raise SoundError("no sound card is connected", "connect one")

    monkeypatch.setattr(sound, "find_output", none)
    monkeypatch.setattr(soundcheck_acts, "OPENS", 0.2)

    def said() -> list[str]:
        return [notice.text for notice in session.notices if notice.source == "Sound check"]

    assert do(session, Act("tone", "Test tone"))
    until(session, lambda: len(said()) == 1)
    assert said()[0] in ("no sound card is connected", "the sound output does not open")
    assert do(session, Act("note", "Test note", "Nowhere"))
    until(session, lambda: len(said()) == 2)
    assert said()[1]
