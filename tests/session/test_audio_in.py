"""Sound in a real session: knobs, switches, modulators and generators hear it; files, undo, loss, the clock."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.control.audio import FEATURES, SETTINGS, SILENT, Analyser
from studio.control.binding import AUDIO, MODULATOR, Source
from studio.control.modulators import FromAudio
from studio.devices import portaudio
from studio.devices.inputs import open_source
from studio.devices.sound_in import SoundSource
from studio.engine import Clock
from studio.engine.threads import stop_all
from studio.export import open_writer, read_recipe
from studio.media import Audio
from studio.params import ParamError
from studio.plugins import Registry
from studio.session import audio_in
from studio.session.audio_clock import AudioClock
from studio.session.audio_play import FilePlayer
from studio.session.control_status import asleep
from studio.session.exporting import FORMATS, ExportPlan, look_of, start_export
from studio.session.session import Session
from tests.stand import until, write_plugin

SHADE = '''
import numpy as np
from studio.api import Bool, Float, Generator, Trigger

class Shade(Generator):
    """One grey."""
    id, version, makes, title = "test.shade", 1, "image", "Shade"
    level = Float(0.25, 0.0, 1.0)
    other = Float(0.5, 0.0, 1.0)
    loud = Bool(False)
    go = Trigger()

    def step(self, ctx):
        ctx.expose("audio", dict(ctx.audio))
        return np.full((8, 8, 3), self.level, np.float32)
'''
RATE = 48_000


class Port:
    """A sound input whose samples the test sends."""

    latency = 0.0
    made: list[Port] = []  # noqa: RUF012

    def __init__(self, take: Callable[..., object], *, device: str, opened: Callable[..., object],
                 told: Callable[[str, str], object]) -> None:
        self.take, self.device, self.opened, self.told, self.closed = take, device, opened, told, False
        Port.made.append(self)

    def start(self) -> None:
        self.opened(SoundSource(self.device or "Desk", 0, RATE, 4))

    def close(self, seconds: float = 0.0) -> None:
        self.closed = True

    def send(self, sound: Any) -> None:
        sound = np.asarray(sound, np.float32)
        self.take(sound if sound.ndim == 2 else sound[:, None], RATE, time.perf_counter())


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setenv("REVERIE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(audio_in, "SoundInput", Port)
    Port.made.clear()
    folder = tmp_path / "plugins"
    folder.mkdir()
    made = Session(Registry([write_plugin(folder, "shade", SHADE)]))
    made.load("A", "test.shade")
    until(made, lambda: made.decks["A"].state == "running")
    yield made
    made.close()
    assert stop_all(5.0) == []


def values(session: Session) -> Any:
    return session.decks["A"].slots[0].stage.values  # type: ignore[union-attr]


def tone(level: float, seconds: float = 0.3, hertz: float = 1000.0) -> Any:
    wave = np.sin(2.0 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)
    return 10.0 ** (level / 20.0) * wave


def hit() -> Any:
    """A click after a pause."""
    sound = np.zeros(RATE // 4)
    sound[8000:8400] = 0.5 * np.sin(np.arange(400) * 0.4) * np.linspace(1.0, 0.0, 400)
    return sound


def test_what_is_heard_moves_a_parameter_like_a_knob(session: Session) -> None:
    ear, controls = session.controls.audio, session.controls
    controls.bind(Source(AUDIO, address="level"), controls.target("A", 0, "level"), low=0.2, high=0.8)
    ear.set(source="device", automatic=False, gate=-60.0)
    Port.made[0].send(tone(-30.0))
    until(session, lambda: values(session)["level"] == pytest.approx(0.5, abs=0.01))
    Port.made[0].send(tone(0.0))
    until(session, lambda: values(session)["level"] == pytest.approx(0.8, abs=0.01))
    assert ear.running and ear.frame is not None and ear.frame.level == pytest.approx(0.0, abs=0.2)
    assert session.decks["A"].worker.audio["level"] > 0.95
    until(session, lambda: session.decks["A"].slots[0].stage.details.get("audio", {}).get("level", 0.0) > 0.95)
    Port.made[0].told("the sound input Desk went away", "connect it again")
    until(session, lambda: values(session)["level"] == pytest.approx(0.2, abs=0.01))
    assert ear.reason.endswith("went away") and ear.values == SILENT and session.decks["A"].worker.audio == {}
    until(session, lambda: any("went away" in notice.text for notice in session.notices))


def test_onsets_switch_and_fire(session: Session) -> None:
    controls = session.controls
    controls.bind(Source(AUDIO, address="onset"), controls.target("A", 0, "loud"))
    controls.audio.set(source="device")
    Port.made[0].send(np.zeros(RATE // 2))
    for number in range(3):
        Port.made[0].send(hit())
        until(session, lambda number=number: values(session)["loud"] == (number % 2 == 0))


def test_modulation_by_sound_leaves_the_value_alone(session: Session) -> None:
    controls = session.controls
    target = controls.target("A", 0, "other")
    controls.add_modulator(FromAudio("thump", feature="bass"))
    controls.route("thump", target, 0.4, bipolar=False)
    controls.bind(Source(MODULATOR, address="thump"), controls.target("A", 0, "level"))
    controls.audio.set(source="device")
    Port.made[0].send(tone(-6.0, hertz=100.0))
    until(session, lambda: (values(session).modulated("other") or 0.0) > 0.88)
    assert values(session)["other"] == 0.5
    until(session, lambda: values(session)["level"] > 0.9)
    controls.audio.set(source="off")
    until(session, lambda: values(session).modulated("other") is None)
    assert Port.made[0].closed


def test_settings_are_saved_undone_and_survive_damage(session: Session, tmp_path: Path) -> None:
    ear = session.controls.audio
    assert ear.dump() == {} and session.to_data().extra.get("controls") is None
    ear.set(source="device", device="Desk", channels="3+4")
    ear.set(gain=6.0)
    assert session.history.undo_label == "Sound in: gain"
    session.undo()
    assert ear.settings["gain"] == 0.0 and ear.settings["device"] == "Desk" and len(Port.made) == 1
    session.redo()
    place = tmp_path / "a.reverie"
    session.save(place)
    session.new()
    assert not ear.on and Port.made[0].closed
    assert session.open(place) == []
    assert ear.dump() == {"source": "device", "device": "Desk", "channels": "3+4", "gain": 6.0}
    assert Port.made[-1].device == "Desk" and not Port.made[-1].closed
    tree = json.loads(place.read_text(encoding="utf-8"))
    tree["controls"]["audio"] = {"source": "moon", "channels": "x", "gain": 99, "later": 1}
    place.write_text(json.dumps(tree), encoding="utf-8")
    report = "\n".join(session.open(place))
    assert "'moon' is not one of off, device, file" in report and "gain: 99 is above 40" in report
    assert "names no channels" in report and "later: unknown" in report
    assert ear.settings["gain"] == 40.0 and ear.settings["channels"] == "" and ear.dump()["later"] == 1
    tree["controls"]["audio"] = 7
    place.write_text(json.dumps(tree), encoding="utf-8")
    assert any("the sound input is off" in line for line in session.open(place))
    with pytest.raises(ValueError, match="names no channels"):
        ear.set(channels="left")
    with pytest.raises(ParamError):
        ear.set(source="moon")


def test_only_the_chosen_channels_are_heard(session: Session) -> None:
    ear = session.controls.audio
    ear.set(source="device", channels="2", automatic=False)
    sound = np.stack([tone(0.0), tone(-40.0), tone(0.0), tone(0.0)], axis=1)
    Port.made[0].send(sound)
    assert ear.frame is not None and ear.frame.level == pytest.approx(-40.0, abs=0.2)
    ear.set(channels="1")
    assert len(Port.made) == 1
    Port.made[0].send(sound)
    assert ear.frame.level == pytest.approx(0.0, abs=0.2)


def test_a_binding_says_why_it_rests(session: Session) -> None:
    controls = session.controls
    known = controls.bind(Source(AUDIO, address="level"), controls.target("A", 0, "level"))
    strange = controls.bind(Source(AUDIO, address="smell"), controls.target("A", 0, "other"))
    assert "no sound is listened to" in asleep(session, known) and "nothing that is heard" in asleep(session, strange)
    controls.audio.set(source="file")
    assert "no sound file is chosen" in asleep(session, known)
    controls.audio.set(source="device")
    assert asleep(session, known) == ""


# --- files ---


def wav(path: Path, sound: Any) -> Path:
    with open_writer(path) as writer:
        writer.add(Audio(np.asarray(sound, np.float32)[:, None], RATE))
    return path


def test_a_file_plays_in_time_around_and_around(tmp_path: Path) -> None:
    ramp = np.linspace(0.0, 0.5, RATE // 5)
    heard: list[tuple[Any, float]] = []
    player = FilePlayer(str(wav(tmp_path / "a.wav", ramp)), lambda samples, rate, when: heard.append((samples, when)),
                        lambda *_: None, aloud=False)
    player.start()
    end = time.monotonic() + 15.0
    while sum(len(samples) for samples, _ in heard) < RATE // 2:
        assert time.monotonic() < end
        time.sleep(0.002)
    player.close(5.0)
    made = np.concatenate([samples for samples, _ in heard])[:, 0]
    assert made[: len(ramp)] == pytest.approx(ramp, abs=1e-3) and player.seconds == pytest.approx(0.2, abs=0.01)
    first = next(when for samples, when in heard if samples[-1, 0] > 0.49)
    assert heard[0][1] == pytest.approx(first - 0.2 + len(heard[0][0]) / RATE, abs=0.005)
    assert made[RATE // 10 * 3 :].max() > 0.3


def test_a_file_in_a_session_is_heard_and_one_that_is_none_says_so(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ear = session.controls.audio
    ear.set(source="file", file=str(wav(tmp_path / "a.wav", tone(-12.0, 1.0))), aloud=False)
    until(session, lambda: ear.frame is not None and abs(ear.frame.level + 12.0) < 0.5)
    assert ear.file is not None
    ear.rewind()
    ear.set(file=str(tmp_path / "gone.wav"))
    until(session, lambda: ear.reason)
    assert "gone.wav" in ear.reason and ear.cure and not ear.running


def test_a_file_without_a_sound_output_is_heard_all_the_same(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*, refresh: bool = False) -> Any:
        raise portaudio.SoundError("no sound card", "connect one")

    monkeypatch.setattr(portaudio, "devices", none)
    ear = session.controls.audio
    ear.set(source="file", file=str(wav(tmp_path / "a.wav", tone(-12.0, 1.0))))
    until(session, lambda: ear.running)
    assert ear.reason == ""


def test_an_export_moves_as_the_show_did_and_carries_the_sound(session: Session, tmp_path: Path) -> None:
    controls = session.controls
    controls.bind(Source(AUDIO, address="level"), controls.target("A", 0, "level"))
    controls.add_modulator(FromAudio("thump", feature="mid"))
    controls.route("thump", controls.target("A", 0, "other"), 0.4, bipolar=False)
    path = wav(tmp_path / "song.wav", np.concatenate([tone(-9.0, 0.4), np.zeros(RATE * 6 // 10)]))
    controls.audio.set(source="file", file=str(path), aloud=False, automatic=False)
    look = look_of(session, "A")
    assert look.heard is not None and look.heard.path == str(path)
    form = next(form for form in FORMATS if form.key == "mp4")
    plan = ExportPlan(form, tmp_path / "out.mp4", None, 20.0, 20, sound=look.heard.path)
    job = start_export(session, look, plan)
    until(session, lambda: job.state not in ("waiting", "running"))
    assert job.state == "done", job.error
    frames = list(open_source(plan.path))
    assert frames[6].mean() > 200 > 30 > frames[-1].mean() and job.result().report["sound"] == "aac"
    recipe = read_recipe(plan.path)
    assert recipe["audio"]["path"] == "song.wav" and len(recipe["audio"]["bindings"]) == 1
    assert recipe["audio"]["routes"][0]["modulator"] == "thump"
    silent = ExportPlan(form, tmp_path / "silent.mp4", None, 20.0, 4)
    job = start_export(session, look, silent)
    until(session, lambda: job.state not in ("waiting", "running"))
    assert "sound" not in job.result().report and "audio" not in read_recipe(silent.path)


# --- the clock ---


class Time:
    now = 50.0

    def __call__(self) -> float:
        return self.now


def clicks(bpm: float, seconds: float) -> Any:
    sound = np.zeros(round(seconds * RATE))
    click = 0.5 * np.sin(np.arange(900) * 0.3) * np.linspace(1.0, 0.0, 900) ** 2
    for beat in range(int((seconds - 0.2) * bpm / 60.0)):
        place = round((0.1 + beat * 60.0 / bpm) * RATE)
        sound[place : place + 900] += click
    return sound.astype(np.float32)


@pytest.mark.parametrize(("bpm", "begin", "wanted"), [(132.0, 120.0, 132.0), (160.0, 84.0, 80.0), (70.0, 140.0, 140.0)])
def test_the_clock_follows_the_beat_and_the_octave_that_it_has(bpm: float, begin: float, wanted: float) -> None:
    now = Time()
    clock = Clock(begin, now=now)
    follower, ear = AudioClock(clock, now), Analyser(RATE)
    start = now.now
    last = clock.read().beat
    frames = ear.feed(clicks(bpm, 14.0))
    errors = []
    for frame in frames:
        now.now = start + frame.at / RATE
        follower.hear(frame, now.now)
        beat = clock.read().beat
        assert beat >= last
        last = beat
        if frame.at > 12 * RATE:
            place = (frame.at / RATE - 0.1) * bpm / 60.0
            errors.append((place * wanted / bpm - beat + 0.5) % 1.0 - 0.5 if wanted >= bpm else 0.0)
    assert follower.leading and clock.bpm == pytest.approx(wanted, abs=0.5)
    assert max(map(abs, errors)) < 0.08
    for frame in ear.feed(np.zeros(9 * RATE, np.float32)) if wanted == 132.0 else ():
        now.now = start + frame.at / RATE
        follower.hear(frame, now.now)
    assert wanted != 132.0 or not follower.leading
    assert clock.bpm == pytest.approx(wanted, abs=2.0)


def test_the_sound_is_among_the_sources_of_tempo(session: Session) -> None:
    sources = session.clock_sources
    assert sources.choose("audio") == ["audio_clock"]
    assert sources.state().word == "waiting" and "Sound in" in sources.state().cure
    session.controls.audio.set(source="device")
    assert sources.state().word == "unsure"
    Port.made[-1].send(clicks(132.0, 9.0))
    assert sources.state().word == "following" and session.clock.bpm == pytest.approx(132.0, abs=1.0)
    assert sources.choose("internal") == ["audio_clock"]


def test_every_setting_and_feature_has_words() -> None:
    assert all(param.help for param in SETTINGS.values()) and all(FEATURES.values())
