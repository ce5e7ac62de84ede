"""Bindings and profiles as JSON: what is written is read, what is damaged is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio import safe_json
from studio.control import midi
from studio.control.binding import MODES, TAKEOVERS, Binding, Source, Target, parse_binding, parse_bindings
from studio.control.mapping import CURVES
from studio.control.profile import Profile, list_profiles, load_profile, save_profile
from studio.files import FileError

UNIT = st.floats(0.0, 1.0)
SOURCES = st.builds(Source, st.sampled_from(midi.KINDS), st.integers(0, 31), st.integers(0, 16), st.text(max_size=20),
                    st.just(""), st.sampled_from(midi.ENCODERS))
TARGETS = st.builds(Target, st.text(min_size=1, max_size=20), st.sampled_from(["A", "B", "1"]), st.integers(0, 20))
BINDINGS = st.builds(Binding, SOURCES, TARGETS, UNIT, UNIT, st.booleans(), st.sampled_from(CURVES),
                     st.floats(0.0, 30.0), st.sampled_from(MODES), st.sampled_from(TAKEOVERS), UNIT, st.booleans())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["source", "target", "kind", "name", "line", "low", "mode", "number", "x"]), inner, max_size=5),
    max_leaves=20,
)


@given(BINDINGS)
def test_a_binding_and_back(binding: Binding) -> None:
    text = safe_json.dumps(binding.to_json())
    assert parse_binding(safe_json.loads(text)) == (binding, [])


@given(JSON)
def test_any_json_is_a_binding_or_a_sentence(tree: object) -> None:
    report: list[str] = []
    found = parse_bindings([tree], "bindings", report)
    assert len(found) == 1 or (report and "left out" in report[0])


def test_what_is_wrong_is_told_and_the_rest_kept() -> None:
    good: dict[str, Any] = {"source": {"kind": "cc", "number": 7, "chanel": 3}, "target": {"name": "crossfade"},
                            "low": 4, "curve": "wild", "feedback": 1, "later": True}
    report: list[str] = []
    found = parse_bindings([good, 5, {"source": {"kind": "ccc"}}, {**good, "target": {"name": "explode"}}], "b", report)
    assert len(found) == 1 and found[0].low == 1.0 and found[0].curve == "linear"
    assert found[0].to_json()["later"] is True, "what a newer version wrote is kept"
    text = "\n".join(report)
    assert "b[0].source.chanel: nothing has this name here" in text
    assert "b[0].low: 4 is outside" in text and "b[1]: it is not an object" in text
    assert "'ccc' is not one of" in text and "no session control 'explode'" in text


def test_a_profile_and_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVERIE_HOME", str(tmp_path))
    profile = Profile("My nano ÄÖ", "nanoKONTROL2", [Binding(Source("cc", 3), Target("fade"))])
    place = save_profile(profile)
    assert list_profiles() == [place] and load_profile(place) == (profile, [])
    place.write_text(place.read_text().replace('"cc"', '"dd"'))
    assert "left out" in load_profile(place)[1][0]
    place.write_text('{"format": "other"}')
    with pytest.raises(FileError, match="not a controller profile"):
        load_profile(place)
    with pytest.raises(FileError, match="letters"):
        save_profile(Profile("!?"))
