"""The synth's engine: with the sound font and without it, and as an instrument in a process of its own."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from studio.devices import sound
from studio.devices.mixer import BLOCK, CEILING, Mixer
from studio.devices.sound_tap import SoundRing, ring_bytes
from studio.engine.threads import stop_all
from studio.media import Audio
from studio.session.conducted_synth import make
from studio.session.synth_engine import SynthEngine
from studio.session.wave_voices import Renderer, WaveVoices

RATE = 48_000
FONTS = ["none"] + ([""] if importlib.util.find_spec("tinysoundfont") else [])


def until(true: Callable[[], object], seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.002)


class Card:
    """A sound card that takes what it is given, in real time, and keeps it."""

    latency = 0.02

    def __init__(self, callback: Callable[..., None]) -> None:
        self.active, self._callback, self.heard = True, callback, [np.zeros((0, 2), np.float32)]

    def pull(self, frames: int = 480) -> None:
        out = np.zeros((frames, 2), np.float32)
        self._callback(out, frames, None, None)
        self.heard.append(out)

    @property
    def wave(self) -> NDArray[np.float32]:
        return np.concatenate(self.heard)


@pytest.fixture
def cards(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Card]]:
    made: list[Card] = []

    class Driver:
        @staticmethod
        def OutputStream(**options: Any) -> Card:  # noqa: N802 - sounddevice's own name
            made.append(Card(options["callback"]))
            return made[-1]

    def start(build: Callable[[Any], Card], before: Callable[[], None]) -> Card:
        card = build(Driver)
        before()
        return card

    monkeypatch.setattr(sound, "find_output", lambda name, refresh=False: sound.SoundDevice("Card", 0, RATE, True))
    monkeypatch.setattr(sound.portaudio, "start", start)
    monkeypatch.setattr(sound.portaudio, "close", lambda stream: None)
    yield made
    assert not stop_all(8.0)


def play(card: Card, seconds: float) -> None:
    """As a card does it: so many frames in so much time."""
    begun, frames = time.perf_counter(), 0
    while frames < seconds * RATE:
        while frames < (time.perf_counter() - begun) * RATE:
            card.pull()
            frames += 480
        time.sleep(0.002)


@pytest.mark.slow  # it judges real time, which a machine with much else to do does not keep
@pytest.mark.parametrize("font", FONTS)
def test_notes_are_heard_when_they_are_meant_to(cards: list[Card], font: str) -> None:
    engine = SynthEngine(font=font)
    engine.start()
    until(lambda: cards)
    card = cards[0]
    play(card, 0.2)
    assert engine.output.running
    zero = time.perf_counter() - sum(map(len, card.heard)) / RATE  # when the card's first sample was taken
    times = [time.perf_counter() + engine.lead + 0.1 + 0.15 * index for index in range(5)]
    for at in times:
        engine.note_on("drums", 9, 37, 110, at)
        engine.note_off("drums", 9, 37, at + 0.05)
    play(card, engine.lead + 1.2)
    loud = np.flatnonzero(np.abs(card.wave).max(axis=1) > 0.05)
    onsets = loud[np.flatnonzero(np.diff(loud, prepend=-RATE) > 0.08 * RATE)]
    assert len(onsets) == 5
    wanted = np.array([(at - zero - card.latency) * RATE for at in times])
    assert np.abs(np.diff(onsets) - np.diff(wanted)).max() < 0.003 * RATE
    # where the stream stands is known to some milliseconds: the limiter's block, and when this test took its samples
    assert np.abs(onsets - wanted).max() < 0.03 * RATE
    assert np.abs(card.wave).max() <= CEILING * (1 + 1e-6) and not engine.output.missed
    engine.close()


@pytest.mark.parametrize("font", FONTS)
def test_levels_quiet_and_a_recording(cards: list[Card], font: str, tmp_path: Path) -> None:
    engine = SynthEngine(font=font)
    engine.level("one", 0.0)
    engine.start()
    until(lambda: cards)
    card = cards[0]
    play(card, 0.2)
    place = tmp_path / "ring"
    place.write_bytes(bytes(ring_bytes()))
    engine.tap(str(place))
    for player in ("one", "two"):
        engine.program(player, 0, 19, 0.0)
    engine.note_on("one", 0, 60, 127, time.perf_counter() + 0.05)
    play(card, 0.6)
    assert not np.abs(card.wave).max() > 1e-4, "a player at level 0 is heard"
    engine.note_on("two", 0, 60, 100, time.perf_counter() + 0.05)
    play(card, 0.6)
    assert np.abs(card.wave[-4800:]).max() > 0.02
    engine.quiet("one")
    play(card, 0.3)
    assert np.abs(card.wave[-4800:]).max() > 0.02, "another player was ended"
    loud = np.abs(card.wave[-4800:]).max()
    engine.quiet()
    play(card, 1.8)
    assert np.abs(card.wave[-4800:]).max() < 0.3 * loud, "more than the hall, which rings on for two seconds"
    ring = SoundRing(bytearray(place.read_bytes()))
    assert ring.rate == RATE and ring.end > RATE and np.abs(ring.at(ring.end - 2 * RATE, 2 * RATE)).max() > 0.02
    engine.sound("two", Audio(np.full((4800, 1), 0.5, np.float32), 24_000), time.perf_counter() + 0.05)
    play(card, 0.5)
    assert np.abs(card.wave[-24_000:]).max() > 0.2
    assert engine.figures()["player"] == ("own voices" if font == "none" else "sound font")
    engine.tap("")
    engine.close()


def test_without_a_player_the_reason_and_the_cure_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tinysoundfont", None)
    engine = SynthEngine()
    assert engine.player == "own voices"
    assert "not installed" in engine.missing and "pip install --no-deps tinysoundfont" in engine.missing


def test_own_voices_begin_and_end_with_their_keys() -> None:
    mixer = Mixer(RATE, gain=0.48)
    renderer = Renderer()
    voices = WaveVoices(mixer, "a", renderer)
    voices.program(0, 19, 0)
    voices.note_on(0, 60, 100, 4800)
    until(lambda: mixer.voices == 1)
    voices.note_off(0, 60, 24_000)
    voices.note_off(0, 61, 24_000)
    renderer.submit(10**9, lambda: None)
    until(lambda: not renderer._jobs)
    wave = np.abs(np.concatenate([mixer.mix() for _ in range(100)])[BLOCK:]).max(axis=1)
    assert not wave[:4800].any() and wave[9600:24_000].max() > 0.05
    assert wave[24_000 + 12_000 :].max() < 1e-4
    renderer.close()
    renderer.thread.join(5.0)
    assert not stop_all(5.0)


def test_the_instrument_is_there_at_once_and_says_when_it_sounds(cards: list[Card]) -> None:
    begun = time.perf_counter()
    instrument = make({"device": "", "font": "none"})
    assert time.perf_counter() - begun < 0.05
    instrument.level("a", 0.5)
    instrument.note_on("a", 0, 60, 90, begun)  # too early: nobody is there to play it
    until(lambda: cards)
    play(cards[0], 0.1)
    until(lambda: (instrument.tend(0.0, 1.0), instrument.state == (True, "", ""))[1])
    assert instrument.figures()["rate"] == RATE
    cards[0].active = False  # the card is pulled out
    until(lambda: (instrument.tend(0.0, 1.0), not instrument.state[0] and "went away" in instrument.state[1])[1])
    until(lambda: len(cards) > 1)
    play(cards[1], 0.1)
    until(lambda: (instrument.tend(0.0, 1.0), instrument.state[0])[1])
    instrument.quiet(None)
    instrument.close()


def test_the_process_plays_without_torch_and_qt() -> None:
    """In a fresh interpreter, as the conductor has it: what is loaded, and how it answers without a card."""
    code = (
        "import json, sys, time\n"
        "from studio.session.conducted_synth import make\n"
        "early = 'numpy' in sys.modules\n"
        "made = make({})\n"
        "end = time.monotonic() + 15\n"
        "while made._engine is None and made.state == (False, '', '') and time.monotonic() < end: time.sleep(0.01)\n"
        "while made.state == (False, '', '') and time.monotonic() < end: time.sleep(0.01); made.tend(0, 1)\n"
        "made.close()\n"
        "print(json.dumps([early, made.state, sorted({m.split('.')[0] for m in sys.modules} & "
        "{'torch', 'PySide6', 'cv2', 'av'})]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    early, state, heavy = json.loads(done.stdout)
    assert not early and heavy == []
    assert state[0] or state[1], "it neither sounds nor says why not"


def test_what_was_planned_while_the_synth_was_opened_is_planned_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from studio.engine import Clock
    from studio.session.playback_ports import PortsOut

    class Nobody:
        settings: Any = type("Settings", (), {"params": {}})()

    ports = PortsOut(Nobody())  # type: ignore[arg-type]
    states = {"synth": (False, "", "")}
    monkeypatch.setattr(ports.conductor, "outputs", lambda: ["synth"])
    monkeypatch.setattr(ports.conductor, "state", lambda out: states[out])
    ports.tick(Clock(120.0), [], 0.0)
    assert not ports.renewed
    states["synth"] = (True, "", "")
    ports.tick(Clock(120.0), [], 0.1)
    assert ports.renewed == {"synth"}
    ports.renewed.clear()
    ports.tick(Clock(120.0), [], 0.2)
    assert not ports.renewed
