"""The mixer (no clicks, no clipping, levels, hall), the synth as it is heard, and a real device where there is one."""

from __future__ import annotations

import importlib.util
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from studio.devices import sound
from studio.devices.mixer import BLOCK, CEILING, Mixer
from studio.devices.sound import SoundError, SoundOutput, find_output, sound_outputs
from studio.engine.threads import stop_all
from studio.export import open_writer
from studio.export.synth import hall_response
from studio.media import Audio
from studio.session.synth_engine import SynthEngine

RATE = 48_000


def until(true: Callable[[], object], seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.002)


def mixed(mixer: Mixer, blocks: int) -> NDArray[np.float32]:
    return np.concatenate([mixer.mix() for _ in range(blocks)])


def tone(seconds: float = 1.0, level: float = 0.5) -> NDArray[np.float32]:
    """220 Hz at a steady level: any cut in it is a click."""
    wave = level * np.sin(2 * np.pi * 220.0 * np.arange(round(seconds * RATE)) / RATE)
    return np.stack([wave, wave], axis=1).astype(np.float32)


def step(sound: NDArray[np.float32]) -> float:
    """Largest jump between two samples."""
    return float(np.abs(np.diff(sound, axis=0)).max())


SMOOTH = step(tone(level=0.7)) * 1.1


def test_a_wave_begins_at_its_sample() -> None:
    mixer = Mixer(RATE)
    mixer.add("a", tone(0.2), 3 * BLOCK + 100)
    made = mixed(mixer, 30)[BLOCK:]  # the limiter looks one block ahead
    assert not made[: 3 * BLOCK + 100].any()
    assert np.allclose(made[3 * BLOCK + 100 :][: round(0.2 * RATE)], tone(0.2), atol=1e-6)
    assert mixer.voices == 0


def test_a_late_wave_begins_at_once_with_its_attack() -> None:
    mixer = Mixer(RATE)
    mixed(mixer, 10)
    mixer.add("a", tone(0.1), 0)
    made = mixed(mixer, 12)[BLOCK:]
    assert np.allclose(made[: round(0.1 * RATE)], tone(0.1), atol=1e-6)


def test_stopping_and_levels_make_no_click() -> None:
    mixer = Mixer(RATE)
    mixer.add("a", tone(3.0), 0)
    mixer.add("b", tone(3.0, 0.2), 0)
    parts = [mixed(mixer, 20)]
    mixer.set_level("b", 0.0)
    parts.append(mixed(mixer, 20))
    mixer.set_level("b", 1.0)
    parts.append(mixed(mixer, 20))
    mixer.stop("a")
    parts.append(mixed(mixer, 20))
    assert mixer.voices == 1
    mixer.stop()
    parts.append(mixed(mixer, 10))
    made = np.concatenate(parts)
    assert step(made) < SMOOTH
    assert np.abs(made[-BLOCK:]).max() == 0.0 and mixer.voices == 0


def test_a_closed_hat_ends_an_open_one() -> None:
    mixer = Mixer(RATE)
    mixer.add("a", tone(1.0), 0, tag="open")
    mixer.choke("a", "open", 5000)
    made = mixed(mixer, 40)[BLOCK:]
    assert np.abs(made[4500:5000]).max() > 0.4 and not made[5000 + round(0.04 * RATE) :].any()
    assert step(made) < SMOOTH


def test_nothing_is_louder_than_the_ceiling_and_peaks_do_not_crackle() -> None:
    mixer = Mixer(RATE, gain=4.0)
    for start in range(0, RATE, 9000):
        mixer.add("a", tone(0.1, 0.9), start)
    made = mixed(mixer, 120)
    assert CEILING * 0.8 < np.abs(made).max() <= CEILING + 1e-6
    assert step(made[2 * BLOCK :]) < step(tone()) * 2.6  # as loud as the ceiling allows, not chopped


def test_the_hall_is_a_convolution() -> None:
    rng = np.random.default_rng(1)
    response = rng.standard_normal((7000, 2)) * 0.01
    mixer = Mixer(RATE, hall=response)
    wave = (rng.standard_normal((9000, 2)) * 0.01).astype(np.float32)
    mixer.add("a", wave, 0, send=1.0)
    made = mixed(mixer, 60)[BLOCK:]
    dry = np.zeros_like(made)
    dry[: len(wave)] = wave
    late = 4 * BLOCK  # it answers one partition later
    wet = np.stack([np.convolve(wave[:, side], response[:, side]) for side in (0, 1)], axis=1)
    assert np.allclose((made - dry)[late : late + len(wet)], wet, atol=1e-5)


class Card:
    """A sound output that a test mixes itself."""

    latency = 0.0

    def __init__(self, engine: SynthEngine, rate: int = RATE) -> None:
        self.mixer = engine.make_mixer(rate)
        self.running, self.reason, self.name, self.device, self.tap = True, "", "test", "", None

    def sample_at(self, when: float) -> int:
        return round(when * self.mixer.rate)

    def start(self) -> None: ...

    def close(self, seconds: float = 0.0) -> None: ...


CHORALE = [(0.0, (72, 67, 64, 48)), (1.0, (74, 67, 62, 47)), (2.0, (76, 67, 60, 48)), (3.0, (74, 65, 59, 43)),
           (4.0, (72, 64, 55, 48))]
FONTS = ["none"] + ([""] if importlib.util.find_spec("tinysoundfont") else [])


def engine_of(font: str) -> tuple[SynthEngine, Any]:
    engine = SynthEngine(font=font)
    card: Any = Card(engine)
    engine.output = card
    return engine, card


def rendered(engine: SynthEngine) -> None:
    """Wait for the thread of the studio's own voices."""
    renderer = engine._renderer
    if renderer is not None:
        done = threading.Event()
        renderer.submit(1 << 60, done.set)
        assert done.wait(15.0)


@pytest.mark.parametrize("font", FONTS)
def test_a_chorale_through_the_synth_is_heard_without_clipping_or_clicks(tmp_path: Path, font: str) -> None:
    engine, card = engine_of(font)
    for voice in range(4):
        engine.program("1", voice, 48, 0.0)
    for beat, pitches in CHORALE:
        for voice, pitch in enumerate(pitches):
            engine.note_on("1", voice, pitch, 84, 0.2 + beat * 0.6)
            engine.note_off("1", voice, pitch, 0.2 + beat * 0.6 + 0.58)
    rendered(engine)
    made = mixed(card.mixer, round(3.4 * RATE / BLOCK))
    path = tmp_path / "chorale.wav"
    with open_writer(path) as writer:
        writer.add(Audio(made, RATE))
    assert path.stat().st_size > made.nbytes / 4
    loud = made[round(0.4 * RATE) : round(3.0 * RATE)]
    level = 20 * np.log10(np.sqrt(np.mean(loud.astype(np.float64) ** 2)))
    assert -26.0 < level < -13.0, level
    assert np.abs(made).max() <= CEILING + 1e-6
    assert step(made) < 0.16  # steady tones of this loudness move by less; a cut one jumps by several tenths
    engine.quiet("1")
    rest = mixed(card.mixer, round(0.2 * RATE / BLOCK))
    assert step(np.concatenate([made[-BLOCK:], rest])) < 0.16 and card.mixer.voices == 0
    engine.close()
    assert not stop_all(5.0)


@pytest.mark.parametrize("font", FONTS)
def test_drums_choke_and_quiet_forgets_what_has_not_begun(font: str) -> None:
    engine, card = engine_of(font)
    engine.note_on("1", 9, 46, 110, 0.05)
    rendered(engine)
    alone = mixed(card.mixer, 60)
    engine.note_on("1", 9, 46, 110, 0.05 + 60 * BLOCK / RATE)
    engine.note_on("1", 9, 42, 1, 0.15 + 60 * BLOCK / RATE)
    rendered(engine)
    choked = mixed(card.mixer, 60)
    late = slice(round(0.3 * RATE), round(0.5 * RATE))
    assert np.abs(choked[: round(0.2 * RATE)]).max() > 0.03
    assert np.abs(choked[late]).mean() < 0.5 * np.abs(alone[late]).mean(), "a closed hat ends an open one"
    engine.note_on("1", 9, 36, 110, card.mixer.position / RATE + 0.5)
    rendered(engine)
    mixed(card.mixer, 200)  # the kick was heard, and its hall is over
    engine.note_on("1", 9, 36, 110, card.mixer.position / RATE + 0.5)
    rendered(engine)
    engine.quiet()
    assert np.abs(mixed(card.mixer, 100)).max() < 0.01
    engine.close()
    assert not stop_all(5.0)


@pytest.mark.parametrize("font", FONTS)
def test_a_volume_of_nothing_is_silence(font: str) -> None:
    engine, card = engine_of(font)
    engine.level("1", 0.0)
    engine.note_on("1", 0, 60, 100, 0.0)
    rendered(engine)
    mixed(card.mixer, 4)
    assert not mixed(card.mixer, 40).any()
    engine.close()
    assert not stop_all(5.0)


# --- without a device, and with one ---


def test_no_output_is_a_sentence_with_a_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    import sounddevice

    monkeypatch.setattr(sounddevice, "query_devices", lambda *a, **k: [])
    with pytest.raises(SoundError, match="no sound card") as caught:
        sound_outputs()
    assert "PulseAudio" in caught.value.cure
    told: list[tuple[str, str]] = []
    output = SoundOutput(lambda rate: Mixer(rate), told=lambda *said: told.append(said))
    output.start()
    until(lambda: told)
    assert "no sound card" in told[0][0] and not output.running and output.sample_at(1.0) == 0
    output.close(5.0)
    assert len(told) == 1 and not stop_all(5.0)


def test_an_output_that_breaks_is_said_and_taken_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    import sounddevice

    class Stream:
        active, latency = True, 0.02
        made: list[Any] = []  # noqa: RUF012

        def __init__(self, **options: Any) -> None:
            self.options = options
            Stream.made.append(self)

        def start(self) -> None:
            self.options["callback"](np.zeros((300, 2), np.float32), 300, None, None)

        def close(self, ignore_errors: bool = True) -> None:
            self.active = False

    card = {"name": "Card", "max_output_channels": 2, "default_samplerate": 44100.0}
    monkeypatch.setattr(sounddevice, "query_devices", lambda *a, **k: [card])
    monkeypatch.setattr(sounddevice, "OutputStream", Stream)
    monkeypatch.setattr(sound, "RETRY", 0.01)
    told: list[str] = []
    output = SoundOutput(lambda rate: Mixer(rate), told=lambda reason, cure: told.append(reason))
    output.start()
    until(lambda: output.running)
    assert output.mixer is not None and output.mixer.rate == 44100 and output.name == "Card"
    assert abs(output.sample_at(time.perf_counter()) - output._read) < 44100
    Stream.made[0].active = False
    until(lambda: len(Stream.made) > 1 and output.running)
    assert "went away" in told[0] and told[-1] == ""
    output.close(5.0)
    assert not Stream.made[-1].active and not stop_all(5.0)


def test_an_unknown_output_names_those_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    import sounddevice

    card = {"name": "Card", "max_output_channels": 2, "default_samplerate": 44100.0}
    monkeypatch.setattr(sounddevice, "query_devices", lambda *a, **k: [card])
    assert find_output("car").name == "Card" and find_output("").index == 0
    with pytest.raises(SoundError, match="Oboe") as caught:
        find_output("Oboe")
    assert "Card" in caught.value.cure


def loopback() -> str:
    """An input that hears what the default output plays, or a skip."""
    try:
        sound_outputs(refresh=True)
        import sounddevice

        names = [str(row["name"]) for row in sounddevice.query_devices() if row["max_input_channels"] >= 2]
    except SoundError as error:
        pytest.skip(f"no sound output: {error}")
    found = [name for name in names if "mon" in name.lower()]
    if not found:
        pytest.skip("no monitor of a sound output is there to listen to")
    return found[0]


def test_what_a_device_plays_is_not_silent_and_has_no_gap() -> None:
    name = loopback()
    import sounddevice

    output = SoundOutput(lambda rate: Mixer(rate, hall=hall_response(rate)))
    output.start()
    until(lambda: output.running or output.reason)
    if not output.running:
        pytest.skip(f"the sound output does not play: {output.reason}")
    mixer = output.mixer
    assert mixer is not None
    heard: list[NDArray[np.float32]] = []
    with sounddevice.InputStream(
        device=name, channels=2, samplerate=mixer.rate, latency="high",
        callback=lambda data, frames, when, status: heard.append(data.copy()),
    ):
        until(lambda: len(heard) > 20)
        begin = output.sample_at(time.perf_counter() + 0.3)
        long = 1.5
        wave = 0.4 * np.sin(2 * np.pi * 220.0 * np.arange(round(long * mixer.rate)) / mixer.rate)
        ramp = np.minimum(1.0, np.minimum(np.arange(len(wave)), np.arange(len(wave))[::-1]) / 2000.0)
        mixer.add("a", np.stack([wave * ramp] * 2, axis=1).astype(np.float32), begin)
        until(lambda: output._read > begin + (long + 0.7) * mixer.rate)
    output.close(5.0)
    assert not stop_all(5.0)
    made = np.concatenate(heard)
    loud = np.flatnonzero(np.abs(made[:, 0]) > 0.02)
    assert len(loud), "nothing was heard"
    assert 0.35 < np.abs(made).max() <= CEILING
    if output.missed:
        pytest.skip(f"this machine was too busy to play: {output.missed} blocks came late")
    part = made[loud[0] : loud[-1], 0]
    assert len(part) == pytest.approx(long * mixer.rate, rel=0.02)
    assert np.abs(np.diff(part)).max() < 0.4 * 2 * np.pi * 220.0 / mixer.rate * 2.0
