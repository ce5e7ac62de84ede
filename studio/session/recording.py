"""Recording the show: the programme with its sound as a video, a take beside it, and what a dead studio left.

``session.recorder`` belongs to the session's thread, as everything of a session does; encoding and writing happen on
others. While it runs a recording is ``NAME.part.mp4``, which plays as it is; at its end a job makes the plain
``NAME.mp4`` of it. A small file in the data folder, locked while the studio lives, says which is not finished yet.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from studio import paths, safe_json
from studio.devices.sound_tap import SoundRing, TapSound, Together
from studio.engine import Job
from studio.export.recording import FLOOR, Progress, Recording, room_for
from studio.export.recording_file import finish
from studio.files import FileError
from studio.session.programme import Composer, look
from studio.session.recovery import try_lock
from studio.session.take_log import TakeLog
from studio.session.takes import ENDING

if TYPE_CHECKING:
    from studio.session.core import Core

log = logging.getLogger("reverie.recording")

WHAT = ("both", "video", "take")
"""What is recorded: the video and a take of it, or one of them."""
PART = ".part.mp4"
KEPT = 200
"""Most recordings that ``recordings`` lists."""


@dataclass(frozen=True)
class RecorderState:
    """How the recorder does. ``state``: off, armed (waits for the bar), recording, ending.

    ``seconds`` is the length by now, ``video`` the figures of the video where there is one, ``take`` the file of the
    take; ``low`` when the disk is nearly full.
    """

    state: str = "off"
    seconds: float = 0.0
    video: Progress | None = None
    take: Path | None = None

    @property
    def low(self) -> bool:
        return self.video is not None and self.video.low


@dataclass
class Recorded:
    """A finished recording: the file to open and to show."""

    path: Path
    report: dict[str, Any]


@dataclass(frozen=True)
class Unfinished:
    """A recording that a studio left when it died; ``part`` is the file, ``final`` what it was to become."""

    part: Path
    final: Path
    note: Path


class Recorder:
    """See the module. News of the kind ``recording`` tell of every change of state."""

    def __init__(self, session: Core) -> None:
        self._session = session
        self._video: Recording | None = None
        self._take: TakeLog | None = None
        self._note: tuple[Path, IO[bytes]] | None = None
        self._final: Path | None = None
        self._recipe: Callable[[], dict[str, Any] | None] = lambda: None
        self._armed: tuple[str, float] | None = None
        self._ending = False
        self.floor = FLOOR
        """Bytes of the disk that stay free."""

    # --- what the user does ---

    @property
    def folder(self) -> Path:
        """Where recordings go: the folder of the settings, else ``Recordings`` where exports go."""
        from studio.session.exporting import export_folder

        chosen = str(self._session.settings["record_folder"] or "")
        return Path(chosen).expanduser() if chosen else export_folder(self._session) / "Recordings"

    def start(self, what: str = "", *, on_bar: bool | None = None, anew: bool | None = None) -> bool:
        """Record ``what`` (one of WHAT); ``on_bar``: from the next bar on; ``anew``: the decks begin with new
        generators, so that the take is exact from its first picture. What is not given is as the settings say. False,
        with a notice, where it cannot begin."""
        settings = self._session.settings
        what = what if what in WHAT else str(settings["record_what"])
        if self.state().state in ("recording", "ending"):
            return False
        folder = self.folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            pass  # room_for says why
        if why := room_for(folder, self.floor):
            self._session.notice(why, level="error", source="Recording")
            return False
        if bool(settings["record_on_bar"]) if on_bar is None else on_bar:
            moment = self._session.clock.read()
            self._armed = what, float(int(moment.bar) + 1)
            self._session.post("recording")
            return True
        self._armed = None
        return self._begin(what, folder, bool(settings["record_anew"]) if anew is None else anew)

    def stop(self) -> None:
        """End the recording and the take, or the wait for the bar; returns at once."""
        self._armed = None
        if self._take is not None:
            take, self._take = self._take, None
            take.close()
            self._say_take(take)
        if self._video is not None:
            self._ending = True
            self._video.stop()
        self._session.post("recording")

    def toggle(self, what: str = "") -> None:
        """Record, or end what is recorded."""
        if self.state().state == "off":
            self.start(what)
        else:
            self.stop()

    def tick(self) -> None:
        """From the session's pump: begins on its bar."""
        if self._armed is not None and self._session.clock.read().bar >= self._armed[1]:
            what, self._armed = self._armed[0], None
            self.start(what, on_bar=False)

    def state(self) -> RecorderState:
        """How it does; cheap."""
        take = self._take
        video = self._video.progress() if self._video is not None else None
        if self._armed is not None:
            return RecorderState("armed")
        if video is None and take is None:
            return RecorderState()
        seconds = video.seconds if video is not None else take.seconds if take is not None else 0.0
        name = "ending" if self._ending or (video is not None and video.state in ("ending", "done", "failed")) else (
            "recording")
        return RecorderState(name, seconds, video, take.path if take is not None else None)

    @property
    def active(self) -> bool:
        """Whether something is recorded or about to be."""
        return self.state().state != "off"

    # --- beginning ---

    def _begin(self, what: str, folder: Path, anew: bool) -> bool:
        session = self._session
        stem = _free_name(folder)
        size, fps = record_size(session), float(session.settings["record_fps"])
        if what in ("both", "take"):
            try:
                self._take = TakeLog(session, folder / f"{stem}{ENDING}", size=size, fps=fps, ended=self._take_lost)
            except FileError as error:
                session.notice(str(error), level="error", source="Recording")
                return False
        if what in ("both", "video"):
            self._begin_video(folder, stem, size, fps)
        if anew:
            for line in session.decks.values():
                if line.slots and not line.stopped:
                    session.restart(line.name)  # type: ignore[attr-defined]
        session.post("recording")
        return True

    def _begin_video(self, folder: Path, stem: str, size: tuple[int, int], fps: float) -> None:
        session = self._session
        part, self._final = folder / f"{stem}{PART}", folder / f"{stem}.mp4"
        take = self._take.path.name if self._take is not None else ""
        self._recipe = _recipe_maker(session, size, fps, take)
        self._note = _write_note(part, self._final)
        sound = Together(TapSound(self._sound_ring()), TapSound(self._file_ring))
        self._ending = False
        self._video = Recording(
            part, Composer(size, lambda: look(session)), size=size, fps=fps, sound=sound, floor=self.floor,
            ended=lambda progress: session.events.call(lambda: self._ended(progress)),
        ).start()

    def _file_ring(self) -> SoundRing | None:
        """Where the sound file is that is played aloud."""
        player = self._session.controls.audio.file
        return player.ring if player is not None and player.aloud else None

    def _sound_ring(self) -> Callable[[], SoundRing | None]:
        """Where the sound of the built-in synth is; silence while it does not play."""
        output = self._session.playback.synth.output
        try:
            ring = output.record()
        except OSError:  # no room for it: the video is silent
            return lambda: None
        return lambda: ring if output.running else None

    # --- the end ---

    def _take_lost(self, reason: str) -> None:
        """From the take's thread: the disk takes no more of it."""
        def tell() -> None:
            self._take = None
            self._session.notice(f"{reason}; the take ended there, everything else goes on", level="error",
                                 source="Recording")
            self._session.post("recording")

        self._session.events.call(tell)

    def _say_take(self, take: TakeLog) -> None:
        if not take.reason and self._video is None:
            self._session.notice(f"Take {take.path.name} of {take.seconds:.0f} s written to {take.path.parent}",
                                 source="Recording")

    def _ended(self, progress: Progress) -> None:
        """The file is closed, as asked or because it had to."""
        session = self._session
        final, note = self._final, self._note
        part = self._video.path if self._video is not None else None
        self._video, self._ending = None, False
        if self._take is not None and progress.reason:
            self._take.close()
            self._take = None
        if progress.reason:
            session.notice(progress.reason, level="error", source="Recording",
                           cure="the show goes on; what was recorded is kept")
        if part is None or final is None or note is None:
            return
        if progress.frames == 0:
            with contextlib.suppress(OSError):
                part.unlink()
            _drop_note(*note)
            session.post("recording")
            return
        recipe = self._recipe
        if not session.closed:
            session.jobs.run(f"Finish {final.name}", lambda job: _finish(part, final, note, job, recipe, self.floor))
        session.post("recording")

    def close(self, seconds: float = 2.5) -> None:
        """The studio ends: end the file, and finish it where that is quick; else it is done at the next start."""
        video, final, note = self._video, self._final, self._note
        if not self.active:
            return
        self.stop()
        if video is None or final is None or note is None or not video.wait(seconds):
            return
        self._video = None
        if video.progress().frames and video.progress().written < 64 * 2**20:
            with contextlib.suppress(FileError, OSError):
                finish(video.path, final, room=_room(final, self.floor))
                _drop_note(*note)

    # --- afterwards ---

    def recordings(self) -> list[Path]:
        """Videos and takes in the folder, the newest first."""
        try:
            found = [(entry.stat().st_mtime, Path(entry.path)) for entry in os.scandir(self.folder)
                     if entry.name.endswith((".mp4", ENDING)) and not entry.name.startswith(".")]
        except OSError:
            return []
        return [path for _, path in sorted(found, reverse=True)[:KEPT]]

    def finish_left(self, item: Unfinished) -> Job[Recorded]:
        """Make a plain file of what a dead studio left, as a job."""
        job: Job[Recorded] = self._session.jobs.run(
            f"Finish {item.final.name}",
            lambda job: _finish(item.part, item.final, (item.note, None), job, lambda: None, self.floor))
        return job


def record_size(session: Core) -> tuple[int, int]:
    """Pixels (width, height) that recordings have, by the settings."""
    width, _, height = str(session.settings["record_size"]).partition("x")
    return int(width), int(height)


def _free_name(folder: Path) -> str:
    stem = f"show {time.strftime('%Y-%m-%d %H-%M-%S')}"
    name, number = stem, 2
    while any((folder / f"{name}{ending}").exists() for ending in (PART, ".mp4", ENDING)):
        name, number = f"{stem} ({number})", number + 1
    return name


def _recipe_maker(session: Core, size: tuple[int, int], fps: float, take: str) -> Callable[[], dict[str, Any] | None]:
    """Makes the recipe of what is seen now, later and elsewhere: hashing models takes its time."""
    from studio.session.export_plan import FORMATS, ExportPlan
    from studio.session.exporting import MIX, full_recipe, look_of
    from studio.session.render_job import JobError

    try:
        seen = look_of(session, MIX)
    except (JobError, ValueError):
        return lambda: None
    plan = ExportPlan(FORMATS[0], Path(), size, fps)

    def make() -> dict[str, Any] | None:
        try:
            recipe = full_recipe(seen, plan)
        except Exception:  # a recipe is a service: without it the recording is whole all the same
            log.exception("the recording has no recipe")
            return None
        return {**recipe, **({"take": take} if take else {})}

    return make


def _finish(
    part: Path, final: Path, note: tuple[Path, IO[bytes] | None], job: Job[Any],
    recipe: Callable[[], dict[str, Any] | None], floor: int,
) -> Recorded:
    try:
        job.check(0.0, f"finishing {final.name}")
        report = finish(part, final, recipe=recipe(), room=_room(final, floor),
                        check=lambda share: job.check(share, f"finishing {final.name}"))
    except BaseException:
        if note[1] is not None:
            note[1].close()  # it is offered again
        raise
    _drop_note(*note)
    return Recorded(final, report)


def _room(final: Path, floor: int) -> int:
    try:
        return max(0, shutil.disk_usage(final.parent).free - floor)
    except OSError:
        return 0


# --- what a dead studio left ----------------------------------------------------------------------------------------


def _notes_folder() -> Path:
    return paths.user_folder("data") / "recordings"


def _write_note(part: Path, final: Path) -> tuple[Path, IO[bytes]] | None:
    """Say which file is not finished; the lock on it ends with this process, however that ends."""
    try:
        folder = _notes_folder()
        folder.mkdir(parents=True, exist_ok=True)
        place = folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}-{time.monotonic_ns() % 10**6}.json"
        file = place.open("wb")
        file.write(json.dumps({"part": str(part), "final": str(final)}).encode())
        file.flush()
        try_lock(file)
    except OSError:
        return None
    return place, file


def _drop_note(place: Path, file: IO[bytes] | None) -> None:
    if file is not None:
        file.close()
    with contextlib.suppress(OSError):
        place.unlink(missing_ok=True)


def unfinished() -> list[Unfinished]:
    """Recordings that studios left when they died, the newest first."""
    found = []
    for note in sorted(_notes_folder().glob("*.json"), reverse=True):
        try:
            with note.open("rb+") as file:
                if not try_lock(file):
                    continue  # a studio that lives writes it
                tree = safe_json.loads(file.read(1 << 16), where=note.name)
            part, final = Path(str(tree["part"])), Path(str(tree["final"]))
        except (OSError, FileError, KeyError, TypeError):
            continue
        if part.is_file() and part.name.endswith(PART):
            found.append(Unfinished(part, final, note))
        else:
            _drop_note(note, None)
    return found


def forget(item: Unfinished) -> None:
    """Leave the file as it is, and do not offer it again."""
    _drop_note(item.note, None)
