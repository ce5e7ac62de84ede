"""A melody is kept, note for note, and a piano-roll model adds a chord to each frame beneath it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from studio.media import Note
from studio.nn.harmonise import LONGEST, SHORTEST, Harmony, MelodyError
from studio.nn.keys import key_fits, key_names
from studio.nn.music import VoiceNote
from studio.nn.roll_player import RollImproviser
from studio.nn.sampling import Sampling


def chords_beneath(
    player: RollImproviser, melody: Sequence[Note], *, rows: int = 32, temperature: float = 0.9, seed: int = 0,
    check: Callable[[float], None] = lambda share: None,
) -> Harmony:
    """Voices for ``melody`` (one note at a time, beats), which comes back unchanged as voice 0. Raises MelodyError.

    What counts is the note at the beginning of each frame; those between the frames pass over the chord.
    """
    if not melody:
        raise MelodyError("the melody has no notes")
    end, rate = max(n.start + n.duration for n in melody), player.vocabulary.grid
    if end > LONGEST:
        raise MelodyError(f"the melody is {int(end):,} beats long; at most {LONGEST:,} are harmonised")
    times = (np.arange(int(np.ceil(end * rate - 1e-6))) + 0.25) / rate
    tune = [next((n.pitch for n in melody if n.start <= time < n.start + n.duration), None) for time in times]
    player.rng = np.random.default_rng(seed)
    try:
        beneath, nats = player.accompany(tune, Sampling(temperature), rows=rows, check=check)
    except ValueError as error:
        raise MelodyError(str(error)) from None
    heard = np.zeros(12)
    for note in melody:
        heard[note.pitch % 12] += note.duration
    key = key_names(key_fits(heard, final=max(melody, key=lambda n: n.start).pitch % 12))[0]
    given = [VoiceNote(0, n.pitch, n.start, n.duration, n.velocity) for n in melody]
    others = [
        VoiceNote(n.voice, n.pitch, n.start, min(n.duration, end - n.start))
        for n in beneath if n.start < end - SHORTEST
    ]
    return Harmony(tuple(sorted([*given, *others], key=lambda n: (n.start, n.voice))), key, nats / (len(tune) / rate))
