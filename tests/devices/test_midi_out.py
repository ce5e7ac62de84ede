"""Which MIDI ports are there: names, and a sentence where there is no service."""

from __future__ import annotations

import pytest

from studio.devices.midi_out import MidiError, bare, list_outputs


def test_names_without_their_numbers() -> None:
    assert bare("Synth:Port 128:0") == "Synth:Port" and bare("Synth") == "Synth" and bare("in 2") == "in"


def test_no_service_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    import rtmidi

    monkeypatch.setattr(rtmidi, "get_compiled_api", lambda: [])
    with pytest.raises(MidiError) as caught:
        list_outputs()
    assert caught.value.cure
