"""A note player: every step returns the notes of the next beat."""

from studio.api import Choice, Float, Generator, Int, Note, Notes

SCALES = {"minor": (0, 2, 3, 5, 7, 8, 10), "major": (0, 2, 4, 5, 7, 9, 11), "dorian": (0, 2, 3, 5, 7, 9, 10)}
CHORDS = {"descent": (0, 6, 5, 4), "circle": (0, 3, 6, 2, 5, 1, 4, 0), "rest": (0, 5)}


class Arpeggio(Generator):
    """Broken chords over a bass, four beats to a chord."""

    id, version, makes = "example.arpeggio", 1, "notes"

    root = Int(57, 36, 72, help="Lowest note of the key, as in MIDI (60 is middle C)")
    scale = Choice("minor", SCALES, help="Which notes belong to the key")
    chords = Choice("descent", CHORDS, help="Which chords follow each other")
    rate = Int(4, 1, 8, unit="notes/beat", help="How fast the chord is broken")
    gaps = Float(0.15, 0.0, 0.9, help="How many notes are left out")
    swell = Float(0.5, 0.0, 1.0, help="How much louder each bar grows")

    def pitch(self, degree):
        octave, step = divmod(degree, 7)
        return min(127, self.root + 12 * octave + SCALES[self.scale][step])

    def step(self, ctx):
        bar, beat = divmod(ctx.frame, 4)
        chord = CHORDS[self.chords][bar % len(CHORDS[self.chords])]
        notes = [Note(self.pitch(chord) - 12, 90, 0.0, 4.0)] if beat == 0 else []
        for place in range(self.rate):
            if ctx.rng.random() >= self.gaps:
                degree = chord + (0, 2, 4, 7, 9, 7, 4, 2)[(beat * self.rate + place) % 8]
                loud = 60 + int(self.swell * 12 * beat) + int(ctx.rng.integers(0, 12))
                notes.append(Note(self.pitch(degree), loud, place / self.rate, 0.9 / self.rate))
        return Notes(tuple(notes), 1.0)
