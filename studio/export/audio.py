"""Sound -> WAV, 16 or 24 bit with dither; notes are played by the synth first."""

from __future__ import annotations

import contextlib
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.export.midi import parse_pairs
from studio.export.recipe import marked
from studio.export.writers import Writer
from studio.files import FileError
from studio.media import Audio, Note
from studio.params import Choice, Text

_LIMIT = 2**32 - 2**24
_BLOCK = 1 << 16


class WavWriter(Writer):
    """WAV: linear PCM, the recipe in its INFO chunk."""

    kind, takes = "audio", ("audio", "notes")
    bits = Choice("16", ("16", "24"), help="Bits of a sample")
    programs = Text("", help="General MIDI programs by channel for notes, from 0: '0=19' organ, '0=4' electric piano")

    def _begin(self) -> None:
        self._file = self._temporary.open("wb")
        self._rate = self._channels = 0
        self._written = 0
        self._peak = 0.0
        self._notes: list[Note] = []
        self._offset = 0.0
        self._dither = np.random.default_rng(0x5EED)
        self._programs: dict[int, int] = {}
        for channel, value in parse_pairs(self.programs, "programs").items():
            if not value.isdecimal() or not 0 <= int(value) <= 127:
                raise FileError(f"option programs: {value[:20]!r} is not a program number of 0 to 127")
            self._programs[channel] = int(value)

    def _add(self, media: Any) -> None:
        if isinstance(media, Audio):
            if self._notes:
                raise self._fault("notes and sound cannot be mixed in one file")
            self._write(media)
            return
        if self._rate:
            raise self._fault("notes and sound cannot be mixed in one file")
        self._notes.extend(note.shifted(self._offset) for note in media.notes)
        self._offset += media.length

    def _write(self, audio: Audio) -> None:
        samples = np.asarray(audio.samples, np.float32)
        if samples.ndim == 1:
            samples = samples[:, None]
        if samples.ndim != 2 or not 1 <= samples.shape[1] <= 32 or not np.isfinite(samples).all():
            raise self._fault("sound must be finite numbers (frames, channels)")
        if not self._rate:
            self._rate, self._channels = int(audio.rate), samples.shape[1]
            self._file.write(b"\0" * 44)
        elif (self._rate, self._channels) != (audio.rate, samples.shape[1]):
            raise self._fault(
                f"the sound changes from {self._rate} Hz, {self._channels} channels "
                f"to {audio.rate} Hz, {samples.shape[1]} channels"
            )
        for start in range(0, len(samples), _BLOCK):
            self._file.write(self._quantise(samples[start : start + _BLOCK]))
        self._written += samples.size * int(self.bits) // 8
        self._peak = max(self._peak, float(np.abs(samples).max(initial=0.0)))
        if self._written > _LIMIT:
            raise self._fault("a WAV holds at most 4 GB; make it shorter")

    def _quantise(self, samples: NDArray[np.float32]) -> bytes:
        """-1..1 -> little-endian integers with triangular dither of one step; digital silence stays silent."""
        steps = 2.0 ** (int(self.bits) - 1)
        noise = self._dither.random(samples.shape) - self._dither.random(samples.shape)
        noise[samples == 0] = 0.0
        whole = np.clip(np.rint(samples.astype(np.float64) * (steps - 1) + noise), -steps, steps - 1).astype("<i4")
        if self.bits == "16":
            return whole.astype("<i2").tobytes()
        return whole.reshape(-1, 1).view(np.uint8)[:, :3].tobytes()

    def _finish(self) -> None:
        if not self._rate:
            from studio.export.synth import render_notes

            self._write(render_notes(self._notes, self.bpm, programs=self._programs, length=self._offset))
        if self._written % 2:
            self._file.write(b"\0")
        tail = b"" if self.recipe is None else _info(marked(self.recipe))
        self._file.write(tail)
        width = int(self.bits) // 8
        frame = self._channels * width
        self._file.seek(0)
        self._file.write(
            b"RIFF" + struct.pack("<I", 36 + self._written + self._written % 2 + len(tail)) + b"WAVEfmt "
            + struct.pack("<IHHIIHH", 16, 1, self._channels, self._rate, self._rate * frame, frame, width * 8)
            + b"data" + struct.pack("<I", self._written)
        )
        self._file.close()
        if self._peak > 1.0:
            self.notices.append(f"the sound went {20 * np.log10(self._peak):.1f} dB over full scale and was clipped")
        self.report.update(seconds=self._written / frame / self._rate, rate=self._rate, channels=self._channels,
                           peak=self._peak)

    def _abort(self) -> None:
        with contextlib.suppress(OSError):
            self._file.close()


def _info(comment: bytes) -> bytes:
    """LIST INFO chunk: the program that made it, and the comment."""
    body = b"INFO"
    for kind, value in ((b"ISFT", b"Reverie Studio"), (b"ICMT", comment)):
        value += b"\0"
        body += kind + struct.pack("<I", len(value)) + value + b"\0" * (len(value) % 2)
    return b"LIST" + struct.pack("<I", len(body)) + body
