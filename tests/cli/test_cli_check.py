"""``reverie check`` as a user runs it: the list, JSON, exit codes, a session's looks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from studio.cli import main
from studio.session import soundcheck
from studio.session.session import Session


@pytest.fixture(autouse=True)
def _parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same parts on every machine: two screens, no sound, no MIDI."""
    from studio.devices.listing import Kind
    from studio.devices.midi_out import MidiError
    from studio.devices.sound import SoundError

    def silent(**_: Any) -> Any:
        raise SoundError("no sound card is connected", "connect one")

    def portless() -> Any:
        raise MidiError("no MIDI port is there", "plug one in")

    monkeypatch.setattr(soundcheck, "screens", lambda: Kind("screens", [("HDMI-1", "1080p"), ("eDP-1", "1080p")]))
    for name, made in (("sound_outputs", silent), ("sound_inputs", silent), ("midi_inputs", portless),
                       ("midi_outputs", portless)):
        monkeypatch.setattr(soundcheck, name, made)


def test_the_list_and_its_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 0
    said = capsys.readouterr().out
    assert "Screens" in said and "HDMI-1" in said and "What helps: connect one." in said and "Ready" in said
    assert main(["check", "--json"]) == 0
    tree = json.loads(capsys.readouterr().out)
    assert tree["ready"] is True and {"check", "title", "state", "text", "cure"} == set(tree["checks"][0])


def test_a_session_with_a_look_that_is_gone_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "set.reverie"
    session = Session()
    try:
        session.load("A", "reverie.sample_scene")
        session.save(place)
    finally:
        session.close()
    assert main(["check", str(place), "--warm", "--json"]) == 0
    tree = json.loads(capsys.readouterr().out)
    warm = next(check for check in tree["checks"] if check["check"] == "warm")
    assert warm["state"] == "green", warm
    place.write_text(place.read_text().replace("reverie.sample_scene", "reverie.gone"))
    assert main(["check", str(place), "--json"]) == 1
    tree = json.loads(capsys.readouterr().out)
    assert any(check["state"] == "red" and "gone" in check["text"] for check in tree["checks"])
    assert main(["check", str(tmp_path / "none.reverie")]) == 1
    assert "there is no session" in capsys.readouterr().err
