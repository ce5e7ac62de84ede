"""The house sound font: complete, in tune, seamless, and the one that its script makes."""

from __future__ import annotations

import hashlib
import itertools
import json

import numpy as np
import pytest
from font_reader import Font, read

from studio.export.drums import KIT
from studio.export.soundfont.instruments import presets
from studio.export.soundfont.make import MOST_BYTES, house_font
from studio.export.soundfont.tones import RATE, band_tone, frequency, ranges, string_tone


@pytest.fixture(scope="module")
def font() -> Font:
    return read(house_font().read_bytes())


def test_the_card_is_that_of_the_font() -> None:
    data = house_font().read_bytes()
    card = json.loads(house_font().with_suffix(".json").read_text())
    assert card["sha256"] == hashlib.sha256(data).hexdigest() and card["bytes"] == len(data) <= MOST_BYTES
    assert card["data"]["licence"] == "Apache-2.0"


def test_the_script_makes_this_font(font: Font) -> None:
    made = presets()
    samples = {zone.sample.name[:19]: zone.sample for preset in made for zone in preset.instrument.zones}
    assert {sample["name"] for sample in font.samples} == set(samples)
    for sample in font.samples:
        own = samples[sample["name"]]
        stored = np.frombuffer(sample["data"], np.int16)
        # another processor rounds sines and transforms in its own way
        assert stored.shape == own.data.shape and np.abs(stored.astype(int) - own.data).max() <= 3, sample["name"]


def test_every_program_and_drum_has_a_sound_for_every_touch(font: Font) -> None:
    assert {(p["bank"], p["program"]) for p in font.presets} == {(0, n) for n in range(128)} | {(128, 0)}
    for preset in font.presets:
        zones = font.instruments[preset["zones"][0][41]]["zones"]
        keys = range(128) if preset["bank"] == 0 else sorted(KIT)
        for key in keys:
            for velocity in (1, 40, 41, 47, 48, 64, 87, 88, 127):
                fits = [z for z in zones if z[43][0] <= key <= z[43][1] and z[44][0] <= velocity <= z[44][1]]
                assert fits, (preset["name"], key, velocity)


def test_loops_have_no_seam(font: Font) -> None:
    looped = {zone[53] for made in font.instruments for zone in made["zones"] if zone.get(54) == 1}
    assert len(looped) > 60
    for number in looped:
        sample = font.samples[number]
        wave = np.frombuffer(sample["data"], np.int16).astype(float)
        first, last = sample["loop"]
        around = np.concatenate([wave[last - 4 : last], wave[first : first + 4]])
        seam = np.abs(np.diff(around, 2)).max()
        inside = np.abs(np.diff(wave[first:last], 2)).max()
        assert seam <= 1.5 * inside + 40, sample["name"]
        assert np.array_equal(wave[last : last + 8], wave[first : first + 8])


@pytest.mark.parametrize("key", [40, 57, 81])
def test_tones_are_in_tune(key: int) -> None:
    band = band_tone(key, lambda number, hertz: number**-1.0, count=8192, cents=0.0, seed=1)
    string = string_tone(key, 0.6, level=lambda number, hertz: number**-1.0, ring=lambda hertz: 2.0)
    for tone in (band, string):
        wave = np.tile(tone.wave, 4) if tone.loop == (0, len(tone.wave)) else tone.wave
        spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave)), 1 << 19))
        hertz = np.arange(len(spectrum)) * RATE / (1 << 19)
        near = np.abs(1200 * np.log2(np.maximum(hertz, 1e-3) / frequency(key))) < 60
        heard = hertz[near][spectrum[near].argmax()] * 2 ** (tone.cents / 1200)
        assert abs(1200 * np.log2(heard / frequency(key))) < 3.0


def test_samples_share_the_keyboard() -> None:
    found = ranges((40, 52, 60))
    assert found[0][0] == 0 and found[-1][1] == 127
    assert all(a[1] + 1 == b[0] for a, b in itertools.pairwise(found))
    assert all(low <= key <= high for (low, high), key in zip(found, (40, 52, 60), strict=True))
