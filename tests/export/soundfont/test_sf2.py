"""The writer of sound fonts: what it writes is read back by another reader, and nothing impossible is written."""

from __future__ import annotations

import numpy as np
import pytest
from font_reader import read
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.export.soundfont.sf2 import (
    GENERATORS,
    FontError,
    Instrument,
    Preset,
    Sample,
    Zone,
    encode,
    pitchcents,
    timecents,
)


def tone(name: str = "tone", length: int = 100, **more: object) -> Sample:
    data = (8000 * np.sin(np.arange(length) / 5.0)).astype(np.int16)
    return Sample(name, data, 32_000, 60, **more)  # type: ignore[arg-type]


spans = st.tuples(st.integers(0, 127), st.integers(0, 127)).map(lambda pair: (min(pair), max(pair)))


@st.composite
def fonts(draw: st.DrawFn) -> list[Preset]:
    samples = [
        tone(f"s{number}", length, loop=draw(st.sampled_from((None, (7, length)))), cents=draw(st.integers(-50, 50)))
        for number, length in enumerate(draw(st.lists(st.integers(48, 200), min_size=1, max_size=4)))
    ]
    amounts = st.dictionaries(st.sampled_from(sorted(GENERATORS)), st.integers(-32_768, 32_767), max_size=4)
    zone = st.builds(Zone, st.sampled_from(samples), spans, spans, amounts)
    instruments = draw(st.lists(st.builds(Instrument, st.text("abc ", min_size=1, max_size=30),
                                          st.lists(zone, min_size=1, max_size=4)), min_size=1, max_size=3))
    places = draw(st.lists(st.tuples(st.integers(0, 128), st.integers(0, 127)), min_size=1, max_size=4, unique=True))
    return [Preset(f"p{bank} {number}", number, draw(st.sampled_from(instruments)), bank, draw(amounts))
            for bank, number in places]


@settings(max_examples=40)
@given(fonts())
def test_what_is_written_is_read_back(presets: list[Preset]) -> None:
    data = encode(presets, name="Test", copyright="nobody")
    assert data == encode(presets, name="Test", copyright="nobody")
    font = read(data)
    assert font.info["INAM"] == "Test"
    assert [(p["bank"], p["program"]) for p in font.presets] == sorted((p.bank, p.program) for p in presets)
    for found in font.presets:
        meant = next(p for p in presets if (p.bank, p.program) == (found["bank"], found["program"]))
        (zone,) = found["zones"]
        instrument = font.instruments[zone.pop(41)]
        assert zone == {GENERATORS[name]: amount for name, amount in meant.amounts.items()}
        assert instrument["name"] == meant.instrument.name[:19]
        for wrote, stored in zip(meant.instrument.zones, instrument["zones"], strict=True):
            read_back = dict(stored)
            assert next(iter(read_back)) == 43 and list(read_back)[-1] == 53, "the specification's order"
            assert (read_back.pop(43), read_back.pop(44)) == (wrote.keys, wrote.velocities)
            sample = font.samples[read_back.pop(53)]
            assert read_back == {GENERATORS[name]: amount for name, amount in wrote.amounts.items()}
            assert sample["data"] == wrote.sample.data.tobytes() and sample["after"] == bytes(92)
            assert sample["loop"] == (wrote.sample.loop or (0, len(wrote.sample.data)))
            assert (sample["cents"], sample["root"], sample["rate"]) == (wrote.sample.cents, 60, 32_000)


def test_times_and_pitches_are_in_the_units_of_the_format() -> None:
    assert timecents(1.0) == 0 and timecents(0.5) == -1200 and timecents(0.0) == -11_959
    assert pitchcents(8.176) == 0 and pitchcents(440.0) == 6900


@pytest.mark.parametrize(("presets", "why"), [
    ([], "needs a preset"),
    ([Preset("a", 1, Instrument("i", [Zone(tone())])), Preset("b", 1, Instrument("i", [Zone(tone())]))], "of its own"),
    ([Preset("a", 1, Instrument("hollow", []))], "hollow.*no sample"),
    ([Preset("a", 1, Instrument("i", [Zone(tone(), keys=(9, 3))]))], "range 9..3"),
    ([Preset("a", 1, Instrument("i", [Zone(tone(length=20))]))], "tone.*48 samples"),
    ([Preset("a", 1, Instrument("i", [Zone(tone(loop=(5, 4)))]))], "tone.*loop"),
    ([Preset("a", 1, Instrument("i", [Zone(tone(), amounts={"pan": 40_000})]))], "pan = 40000"),
])
def test_what_cannot_be_written_is_said(presets: list[Preset], why: str) -> None:
    with pytest.raises(FontError, match=why):
        encode(presets, name="Test", copyright="nobody")
