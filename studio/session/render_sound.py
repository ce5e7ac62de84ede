"""The sound of a render, beside its pictures: to the sample as long as they are."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from studio.export import Writer

if TYPE_CHECKING:
    from studio.session.render_job import RenderJob


class SoundTrack:
    """Reads the job's sound file anew and hands each picture's part to the writers that carry sound."""

    def __init__(self, job: RenderJob, writers: Sequence[Writer], stack: contextlib.ExitStack) -> None:
        """Before the first picture. The file is closed with ``stack``. Raises InputError."""
        self._writers = [writer for writer in writers if writer.carries_sound]
        if job.audio is None or not self._writers:
            self._writers = []
            return
        from studio.devices.sound_file import SoundReader
        from studio.session.audio_score import RATE

        self._reader = SoundReader(job.audio.path, RATE)
        stack.callback(self._reader.close)
        for writer in self._writers:
            writer.with_sound(RATE)
        self._samples = Fraction(RATE) / self._writers[0].fps

    def follow(self, count: int) -> None:
        """``count`` pictures were written."""
        if self._writers:
            samples = self._reader.read(round(count * self._samples))
            for writer in self._writers:
                writer.add_sound(samples)
