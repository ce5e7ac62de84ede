"""A small polyphonic synth: notes -> sound, offline, the same samples every time.

Voices and drums are mixed dry, sent through a synthetic hall, brought to an even loudness and limited. It is not meant
to replace a sampler, but to let one hear at once, and pleasantly, what a network played.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from studio.export.drums import HATS, OPEN_HATS, drum
from studio.export.midi import DRUM_CHANNEL, TICKS, to_ticks
from studio.export.voices import Voice, bass, piano, strings, voice_for
from studio.media import Audio, MediaError, Note

MAX_SECONDS = 1800.0
"""Longest sound (seconds) that is rendered at once: it is held in memory."""
CEILING = 10 ** (-1.0 / 20.0)
"""The limiter keeps peaks below -1 dB of full scale."""
LOUDNESS = 10 ** (-19.0 / 20.0)
"""Root mean square to which the louder parts are brought."""

_HALL = 2.2
_PREDELAY = 0.018

Mix = NDArray[np.float32]


def render_notes(
    notes: Iterable[Note], bpm: float, rate: int = 48_000, *, programs: Mapping[int, int] | None = None,
    length: float = 0.0,
) -> Audio:
    """Notes (times in beats) -> stereo float32 at ``rate`` Hz, no sample above -1 dB.

    ``programs`` gives General MIDI programs (0..127) by channel; a channel without one is played by strings when its
    notes are long, by an electric piano when they are short. Channel 9 is the drum kit. The sound lasts at least
    ``length`` beats and rings out. Raises MediaError when it would be longer than half an hour.
    """
    events = to_ticks(notes)
    beat = 60.0 / bpm
    last = max([length, *(end / TICKS for _, end, *_ in events)], default=0.0) * beat
    if last > MAX_SECONDS:
        raise MediaError(f"{last:,.0f} seconds of music are too long to play at once; the limit is {MAX_SECONDS:,.0f}")
    total = np.zeros((round((last + _HALL + 1.0) * rate), 2), np.float32)
    send = np.zeros_like(total)
    voices = _voices(events, beat, programs or {})
    # open hi-hats end where the next closed one begins
    chokes = np.array([start for start, _, channel, pitch, _ in events if channel == DRUM_CHANNEL and pitch in HATS])
    for number, (start, end, channel, pitch, velocity) in enumerate(events):
        at = round(start / TICKS * beat * rate)
        touch = velocity / 127.0
        if channel == DRUM_CHANNEL:
            wave = drum(pitch, touch, rate, take=number)
            if pitch in OPEN_HATS:
                wave = _choke(wave, chokes, start, beat, rate)
            amount = drum_send(pitch)
        else:
            voice = voices[channel]
            frequency = 440.0 * 2.0 ** ((pitch - 69) / 12.0)
            wave = voice(frequency, min((end - start) / TICKS * beat, 120.0), touch, rate)
            wave = placed(wave, pitch, channel)
            amount = voice_send(voice)
        stop = min(len(total), at + len(wave))
        total[at:stop] += wave[: stop - at]
        send[at:stop] += amount * wave[: stop - at]
    total += _hall(send, rate)
    return Audio(_trim(_limit(_level(total, rate), rate), rate, round(length * beat * rate)), rate)


def drum_send(pitch: int) -> float:
    """How much of a drum goes into the hall."""
    return 0.10 if pitch in (35, 36) else 0.30


def voice_send(voice: Voice) -> float:
    """How much of a voice goes into the hall."""
    return 0.15 if voice is bass else 0.55


def _voices(events: list[tuple[int, int, int, int, int]], beat: float, programs: Mapping[int, int]) -> dict[int, Voice]:
    chosen: dict[int, Voice] = {}
    for channel in {event[2] for event in events} - {DRUM_CHANNEL}:
        if channel in programs:
            chosen[channel] = voice_for(programs[channel])
            continue
        own = [(end - start) / TICKS * beat for start, end, c, _, _ in events if c == channel]
        chosen[channel] = strings if np.median(own) >= 0.4 else piano
    return chosen


def placed(wave: Mix, pitch: int, channel: int) -> Mix:
    """Low notes a little to the left, high ones to the right, as at a keyboard; constant power."""
    angle = (np.clip((pitch - 62) / 80.0, -0.25, 0.25) + 0.06 * ((channel % 4) - 1.5) + 1.0) * np.pi / 4.0
    sides = np.array([np.cos(angle), np.sin(angle)], np.float32) * np.float32(np.sqrt(2.0))
    placed: Mix = wave * sides
    return placed


def _choke(wave: Mix, chokes: NDArray[np.int64], start: int, beat: float, rate: int) -> Mix:
    following = chokes[np.searchsorted(chokes, start, side="right") :]
    if not len(following):
        return wave
    keep = round((following[0] - start) / TICKS * beat * rate)
    fade = rate // 60
    if keep + fade >= len(wave):
        return wave
    cut = wave[: keep + fade].copy()
    cut[keep:] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)[:, None]
    return cut


def _hall(send: Mix, rate: int) -> Mix:
    """Reverberation: convolution with decaying noise whose high frequencies die first; overlap-add in blocks."""
    response = hall_response(rate)
    block = 1 << 17
    size = 1 << (block + len(response) - 2).bit_length()
    out = np.zeros_like(send)
    for side in range(2):
        spectrum = np.fft.rfft(response[:, side], size)
        for start in range(0, len(send), block):
            part = send[start : start + block, side]
            if not part.any():
                continue
            wet = np.fft.irfft(np.fft.rfft(part, size) * spectrum, size)
            stop = min(len(out), start + size)
            out[start:stop, side] += wet[: stop - start].astype(np.float32)
    return out


def hall_response(rate: int) -> NDArray[np.float64]:
    """The hall's impulse response, float64 ``(samples, 2)``; the same for the same rate."""
    count = round(_HALL * rate)
    t = np.arange(count) / rate
    rng = np.random.default_rng(1969)
    total = np.zeros((count, 2))
    size = 1 << (count - 1).bit_length()
    f = np.fft.rfftfreq(size, 1.0 / rate) + 1e-9
    for low, high, decay in ((180, 700, 0.42), (700, 2500, 0.34), (2500, 6500, 0.20)):
        band = 1.0 / (1.0 + (low / f) ** 4) / (1.0 + (f / high) ** 4)
        for side in range(2):
            noise = np.fft.irfft(np.fft.rfft(rng.standard_normal(size)) * band, size)[:count]
            total[:, side] += noise * np.exp(-t / decay)
    onset = np.minimum(1.0, t / 0.02)
    total *= onset[:, None]
    for delay, level, side in ((0.011, 0.5, 0), (0.017, 0.45, 1), (0.023, 0.35, 0), (0.031, 0.3, 1)):
        total[round(delay * rate), side] += level * 2.0
    total *= 0.5 / np.sqrt(np.sum(total * total, axis=0))
    total[-rate // 10 :] *= np.linspace(1.0, 0.0, rate // 10)[:, None]
    delayed = np.zeros((count + round(_PREDELAY * rate), 2))
    delayed[-count:] = total
    return delayed


def _level(mix: Mix, rate: int) -> Mix:
    """Bring the louder parts to an even loudness, by at most 9 dB either way: a soft piece stays softer."""
    window = rate // 5
    blocks = mix[: len(mix) // window * window].reshape(-1, window * 2)
    power = np.mean(blocks.astype(np.float64) ** 2, axis=1) if len(blocks) else np.zeros(1)
    loud = power[power > 0.1 * power.max(initial=0.0)]
    if not len(loud):
        return mix
    gain = np.clip(LOUDNESS / np.sqrt(loud.mean()), 10 ** (-9 / 20), 10 ** (9 / 20))
    return mix * np.float32(gain)


def _limit(mix: Mix, rate: int) -> Mix:
    """Look-ahead limiter: the gain is low before a peak comes and recovers within a tenth of a second."""
    block = 64
    count = -(-len(mix) // block)
    padded = np.zeros((count * block, 2), np.float32)
    padded[: len(mix)] = mix
    peaks = np.abs(padded).reshape(count, block * 2).max(axis=1)
    if float(peaks.max(initial=0.0)) <= CEILING:
        return mix
    need = np.minimum(1.0, CEILING / np.maximum(peaks, 1e-9)).astype(np.float64)
    reach = 4  # blocks: about five milliseconds at 48 kHz
    spread = np.lib.stride_tricks.sliding_window_view(np.pad(need, reach, mode="edge"), 2 * reach + 1).min(axis=1)
    recover = 1.0 - np.exp(-block / (0.1 * rate))
    gain = np.empty(count)
    level = 1.0
    for index in range(count):
        level = min(spread[index], level + (1.0 - level) * recover)
        gain[index] = level
    # averaging over no more than the reach keeps every gain below what its own block needs
    smooth = np.convolve(np.pad(gain, reach - 1, mode="edge"), np.ones(2 * reach - 1) / (2 * reach - 1), mode="valid")
    centres = (np.arange(count) + 0.5) * block
    curve = np.interp(np.arange(len(mix)), centres, smooth).astype(np.float32)
    limited: Mix = np.clip(mix * curve[:, None], -CEILING, CEILING)
    return limited


def _trim(mix: Mix, rate: int, least: int) -> Mix:
    """End when the hall has faded below -72 dB (not before ``least`` samples), with a short fade."""
    loud = np.flatnonzero(np.abs(mix).max(axis=1) > 10 ** (-72 / 20))
    end = min(len(mix), max(least, (int(loud[-1]) if len(loud) else 0) + rate // 20, rate // 20))
    kept = mix[:end].copy()
    fade = min(end, rate // 25)
    kept[end - fade :] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)[:, None]
    return kept
