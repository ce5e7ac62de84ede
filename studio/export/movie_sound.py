"""Puts sound to a video that was written without: the pictures are copied as they are, the sound is coded as AAC."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from studio.media import Audio

_BLOCK = 1024


def join(video: Path, audio: Audio, out: Path) -> None:
    """Write ``video`` (MP4 or MOV, its metadata too) with ``audio`` into ``out``; the same input, the same bytes."""
    import av

    sides = np.asarray(audio.samples, np.float32)
    sides = np.repeat(sides, 2, axis=1) if sides.shape[1] == 1 else sides[:, :2]
    format_name = "mov" if video.suffix.lower() == ".mov" else "mp4"
    options = {"movflags": "+faststart+use_metadata_tags", "fflags": "+bitexact"}
    with av.open(str(video)) as source, av.open(str(out), "w", format=format_name, options=options) as target:
        for key, value in source.metadata.items():
            if key not in ("major_brand", "minor_version", "compatible_brands"):
                target.metadata[key] = value
        pictures = target.add_stream_from_template(source.streams.video[0])
        sound = target.add_stream("aac", rate=audio.rate, options={"b": "192000"})
        sound.codec_context.layout = "stereo"
        sound.codec_context.flags |= av.codec.context.Flags.bitexact
        done = 0

        def sound_until(seconds: float) -> None:
            nonlocal done
            while done < len(sides) and done / audio.rate <= seconds:
                block = np.zeros((_BLOCK, 2), np.float32)
                part = sides[done : done + _BLOCK]
                block[: len(part)] = part
                frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block.T), format="fltp", layout="stereo")
                frame.sample_rate, frame.pts, frame.time_base = audio.rate, done, Fraction(1, audio.rate)
                target.mux(sound.encode(frame))
                done += _BLOCK

        for packet in source.demux(source.streams.video[0]):
            if packet.dts is None:
                continue
            sound_until(float(packet.dts * packet.time_base))
            packet.stream = pictures
            target.mux(packet)
        sound_until(float("inf"))
        target.mux(sound.encode(None))
