"""Sound inputs: none, lost, back, a flood, channels; through PulseAudio where it runs. Sound files: exact and safe."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.devices import portaudio, sound_in
from studio.devices.inputs import InputError
from studio.devices.listing import quiet_stderr
from studio.devices.sound_file import SoundFile, SoundReader
from studio.devices.sound_in import SoundError, SoundInput, find_input, sound_inputs
from studio.engine.threads import stop_all
from studio.export import open_writer
from studio.media import Audio

RATE = 48_000


def until(true: Callable[[], object], seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.002)


class Card:
    """Stands in for the driver: streams whose callbacks the test calls."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import sounddevice

        self.rows = [{"name": "Desk", "max_input_channels": 4, "max_output_channels": 0, "default_samplerate": 48000.0}]
        self.streams: list[Any] = []
        self.refuses = ""
        card = self

        class Stream:
            latency = 0.01

            def __init__(self, callback: Callable[..., object], channels: int, **options: Any) -> None:
                if card.refuses:
                    raise OSError(card.refuses)
                self.callback, self.channels, self.active, self.options = callback, channels, False, options
                card.streams.append(self)

            def start(self) -> None:
                self.active = True

            def close(self, ignore_errors: bool = True) -> None:
                self.active = False

            def send(self, samples: Any, status: Any = None) -> None:
                block = np.asarray(samples, np.float32).reshape(-1, self.channels)
                self.callback(block, len(block), None, status)

        monkeypatch.setattr(sounddevice, "query_devices", lambda *a, **k: self.rows)
        monkeypatch.setattr(sounddevice, "InputStream", Stream)
        monkeypatch.setattr(sounddevice, "_terminate", lambda: None)
        monkeypatch.setattr(sounddevice, "_initialize", lambda: None)
        monkeypatch.setattr(sound_in, "RETRY", 0.01)


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Iterator[Card]:
    yield Card(monkeypatch)
    assert stop_all(5.0) == []


def test_what_comes_in_is_handed_on_in_its_order(card: Card) -> None:
    heard: list[Any] = []
    ear = SoundInput(lambda samples, rate, when: heard.append((samples.copy(), rate, when)))
    ear.start()
    until(lambda: card.streams and card.streams[0].active)
    numbers = np.arange(30_000, dtype=np.float32)
    for start in range(0, 30_000, 777):
        part = numbers[start : start + 777]
        card.streams[0].send(np.repeat(part[:, None], 4, axis=1))
    until(lambda: sum(len(samples) for samples, _, _ in heard) == 30_000)
    assert np.array_equal(np.concatenate([samples for samples, _, _ in heard])[:, 2], numbers)
    assert heard[0][1] == RATE and abs(heard[-1][2] - time.perf_counter()) < 10.0
    assert card.streams[0].options["samplerate"] == RATE and ear.missed == 0
    card.streams[0].send(np.zeros((8, 4)), status="overflow")
    assert ear.missed == 8
    ear.close(3.0)


def test_no_input_is_a_sentence_with_a_cure_and_one_that_comes_is_taken(card: Card) -> None:
    rows, card.rows = card.rows, []
    told: list[tuple[str, str]] = []
    ear = SoundInput(lambda *_: None, told=lambda reason, cure: told.append((reason, cure)))
    ear.start()
    until(lambda: told)
    assert "no sound input" in told[0][0] and "PulseAudio" in told[0][1] and not ear.running
    card.rows = rows
    until(lambda: ear.running)
    until(lambda: len(told) == 2)
    assert told[1] == ("", "") and ear.reason == ""
    ear.close(3.0)


def test_an_input_that_goes_away_is_said_once_and_taken_up_again(card: Card) -> None:
    told: list[str] = []
    heard: list[int] = []
    ear = SoundInput(lambda samples, *_: heard.append(len(samples)), device="desk",
                     told=lambda reason, cure: told.append(reason))
    ear.start()
    until(lambda: ear.running)
    card.rows = []
    card.streams[0].active = False
    until(lambda: any("no sound input" in reason for reason in told))
    assert told[0] == "the sound input Desk went away"
    card.rows = [{"name": "Other", "max_input_channels": 1, "max_output_channels": 0, "default_samplerate": 44100.0}]
    until(lambda: any("there is no sound input 'desk'" in reason for reason in told))
    card.rows.append({"name": "Desk", "max_input_channels": 2, "max_output_channels": 0, "default_samplerate": 44100.0})
    until(lambda: ear.running and ear.source is not None and ear.source.rate == 44100)
    card.streams[-1].send(np.ones((5, 2)))
    until(lambda: heard)
    assert told[-1] == "" and len(told) == len(set(told))
    ear.close(3.0)


def test_a_device_that_only_pretends_to_run_counts_as_gone(card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound_in, "STALLED", 0.03)
    told: list[str] = []
    ear = SoundInput(lambda *_: None, told=lambda reason, cure: told.append(reason))
    ear.start()
    until(lambda: len(card.streams) >= 2)
    assert "the sound input Desk went away" in told
    ear.close(3.0)


def test_a_device_that_others_use_says_so(card: Card) -> None:
    card.refuses = "Device unavailable"
    told: list[tuple[str, str]] = []
    ear = SoundInput(lambda *_: None, told=lambda *words: told.append(words))
    ear.start()
    until(lambda: told)
    assert "Desk could not be opened (Device unavailable)" in told[0][0] and "close what else" in told[0][1]
    ear.close(3.0)


def test_a_flood_is_cut_and_counted(card: Card) -> None:
    gate, heard = threading.Event(), []

    def take(samples: Any, rate: int, when: float) -> None:
        gate.wait(10.0)
        heard.append(samples)

    ear = SoundInput(take)
    ear.start()
    until(lambda: card.streams and card.streams[0].active)
    card.streams[0].send(np.zeros((100, 4)))
    time.sleep(0.02)
    for number in range(200):
        card.streams[0].send(np.full((1000, 4), number))
    gate.set()
    until(lambda: heard and heard[-1][-1, 0] == 199)
    assert ear.missed > 100_000 and sum(map(len, heard)) + ear.missed == 200_100
    ear.close(3.0)


def test_the_list_is_not_made_anew_while_a_stream_is_open(card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    import sounddevice

    anew: list[int] = []
    monkeypatch.setattr(sounddevice, "_terminate", lambda: anew.append(1))
    ear = SoundInput(lambda *_: None)
    ear.start()
    until(lambda: ear.running)
    sound_inputs(refresh=True)
    assert not anew
    ear.close(3.0)
    until(lambda: not ear.running)
    sound_inputs(refresh=True)
    assert anew


def test_an_unknown_input_names_those_there_are(card: Card) -> None:
    assert find_input("").name == "Desk" and find_input("DES").channels == 4
    with pytest.raises(SoundError, match="there is no sound input 'Moon'") as caught:
        find_input("Moon")
    assert "Desk" in caught.value.cure


def test_threads_may_overlap_in_silence(capfd: pytest.CaptureFixture[str]) -> None:
    first, second = quiet_stderr(), quiet_stderr()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    os.write(2, b"still quiet")
    second.__exit__(None, None, None)
    os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"


def test_the_stage_is_heard_through_the_sound_server() -> None:
    if not os.environ.get("PULSE_SERVER"):
        pytest.skip("no sound server with a monitor (PULSE_SERVER is not set)")
    try:
        names = [device.name for device in sound_inputs(refresh=True)]
    except SoundError as error:
        pytest.skip(f"no sound here: {error}")
    if "stagemon" not in names:
        pytest.skip("there is no monitor named stagemon")
    import sounddevice

    heard: list[Any] = []
    ear = SoundInput(lambda samples, rate, when: heard.append(samples), device="stagemon")
    ear.start()
    wave = 0.25 * np.sin(2 * np.pi * 1000.0 * np.arange(RATE // 2) / RATE)
    try:
        until(lambda: ear.running)
        end = time.monotonic() + 15.0
        while not heard or np.abs(np.concatenate(heard)).max() < 0.2:
            assert time.monotonic() < end, "nothing was heard"
            stream = portaudio.start(lambda sd: sd.OutputStream(
                samplerate=RATE, device="stage", channels=2, dtype="float32"))
            stream.write(np.stack([wave, wave], axis=1).astype(np.float32))
            portaudio.close(stream)
    finally:
        ear.close(3.0)
    assert np.abs(np.concatenate(heard)).max() == pytest.approx(0.25, abs=0.03)
    assert sounddevice is not None


# --- files ---


def wav(path: Path, samples: Any, rate: int = 44_100) -> Path:
    with open_writer(path, options={"bits": "24"}) as writer:
        writer.add(Audio(np.asarray(samples, np.float32), rate))
    return path


def test_a_wav_is_read_to_the_sample(tmp_path: Path) -> None:
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, (30_001, 2)).astype(np.float32)
    path = wav(tmp_path / "a.wav", sound)
    with SoundFile(path) as file:
        assert file.rate == 44_100 and file.seconds == pytest.approx(30_001 / 44_100, abs=0.001)
        assert np.concatenate(list(file)) == pytest.approx(sound, abs=1e-6)
    with SoundFile(path, 48_000) as file:
        assert sum(map(len, file)) == pytest.approx(30_001 * 48 / 44.1, abs=2)


def test_a_mono_file_is_on_both_sides(tmp_path: Path) -> None:
    with SoundFile(wav(tmp_path / "a.wav", np.full((4410, 1), 0.25))) as file:
        sound = np.concatenate(list(file))
    assert sound.shape == (4410, 2) and sound[2000] == pytest.approx([0.25, 0.25], abs=1e-3)


@given(st.lists(st.integers(0, 5000), max_size=12))
@settings(max_examples=10, deadline=None)
def test_a_file_is_read_by_place_and_silent_after_its_end(tmp_path_factory: Any, steps: list[int]) -> None:
    path = tmp_path_factory.getbasetemp() / "steps.wav"
    sound = np.linspace(0.1, 0.5, 8000, dtype=np.float32)[:, None].repeat(2, axis=1)
    if not path.exists():
        wav(path, sound, RATE)
    reader = SoundReader(path)
    places = np.cumsum([0, *steps])
    parts = [reader.read(int(place)) for place in places[1:]]
    reader.close()
    made = np.concatenate([np.zeros((0, 2), np.float32), *parts])
    wanted = np.concatenate([sound, np.zeros((70_000, 2), np.float32)])[: len(made)]
    assert len(made) == places[-1] and made == pytest.approx(wanted, abs=1e-6)


def test_files_that_are_none_say_why(tmp_path: Path) -> None:
    text = tmp_path / "words.wav"
    text.write_text("no sound at all", encoding="utf-8")
    picture = tmp_path / "list.m3u8"
    picture.write_text("#EXTM3U\nhttp://127.0.0.1/a.ts\n", encoding="utf-8")
    whole = wav(tmp_path / "whole.wav", np.zeros((5000, 2)))
    empty = tmp_path / "empty.wav"
    empty.write_bytes(whole.read_bytes()[:20])
    for path in (text, picture, empty, tmp_path, tmp_path / "gone.wav"):
        with pytest.raises(InputError, match="cannot read"):
            SoundReader(path).read(100)
