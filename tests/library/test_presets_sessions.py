"""Presets, sessions and settings: round trips, damage, strangers, newer versions; always a report or a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio import paths, safe_json
from studio.api import Choice, Color, Context, Float, Generator, Int, Point, Seed, Text, Trigger
from studio.files import FileError
from studio.library import migrations
from studio.library.presets import (
    FORMAT,
    Preset,
    find_preset,
    find_presets,
    load_preset,
    parse_preset,
    save_preset,
    slug,
)
from studio.library.session import LineData, SessionData, StageData, load_session, parse_session, save_session
from studio.library.settings import load_settings, save_settings, settings_path
from studio.params import ParamSet


class Every(Generator):
    """One parameter of many kinds; version 2 renamed ``speed`` to ``rate``."""

    id = "test.every"
    version = 2
    rate = Float(1.0, 0.0, 10.0)
    count = Int(3, 1, 9)
    mode = Choice("soft", ("soft", "hard"))
    words = Text("")
    tint = Color((1.0, 0.5, 0.0))
    place = Point((0.0, 0.0))
    seed = Seed(0)
    go = Trigger()

    @classmethod
    def migrate(cls, params: dict[str, Any], version: int) -> dict[str, Any]:
        if version < 2 and "speed" in params:
            params["rate"] = params.pop("speed") * 2
        return params

    def step(self, ctx: Context) -> None: ...


NAMES = st.text(st.characters(blacklist_categories=("Cs",)), min_size=1, max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, allow_infinity=False) | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8,
)
PARAMS = st.dictionaries(NAMES, JSON, max_size=5)
OWN_PRESET = {"format", "format_version", "generator", "generator_version", "name", "about", "tags", "params"}
EXTRA = st.dictionaries(NAMES.filter(lambda name: name not in OWN_PRESET), JSON, max_size=3)
no_fixture_check = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)


@no_fixture_check
@given(st.builds(Preset, st.just("test.every"), NAMES, PARAMS, st.integers(1, 99), NAMES, st.lists(NAMES), EXTRA))
def test_presets_round_trip_with_everything_unknown(tmp_path: Path, before: Preset) -> None:
    path = tmp_path / "look.json"
    save_preset(path, before)
    first = path.read_bytes()
    after, report = load_preset(path)
    assert report == [] and after == before
    save_preset(path, after)
    assert path.read_bytes() == first


def test_a_preset_is_applied_clamped_and_reported() -> None:
    values = ParamSet(Every.params)
    preset = Preset("test.every", "Loud", {"rate": 99, "count": "x", "mode": "HARD", "glow": 3, "tint": "#ff0000"}, 2)
    report = preset.apply(values, Every)
    assert (values["rate"], values["count"], values["mode"], values["tint"]) == (10.0, 3, "hard", (1.0, 0.0, 0.0))
    assert any("lowered" in line for line in report) and any("glow: unknown" in line for line in report)
    assert any("count" in line for line in report)
    assert values.dump()["glow"] == 3  # kept for whoever knows it


def test_generator_versions_old_new_and_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    values = ParamSet(Every.params)
    old = {"speed": 2.0}
    assert Preset("test.every", "Old", old, 1).apply(values, Every) == [] and values["rate"] == 4.0
    assert old == {"speed": 2.0}
    report = Preset("test.every", "New", {"rate": 1.0}, 3).apply(values, Every)
    assert "made with its version 3, this is 2" in report[0] and values["rate"] == 1.0
    report = Preset("test.every", "Odd", {"speed": [], "count": 5}, 1).apply(values, Every)
    assert values["count"] == 5 and report
    monkeypatch.setattr(Every, "migrate", classmethod(lambda cls, params, version: 1 / 0))
    report = Preset("test.every", "Odd", {"count": 7}, 1).apply(values, Every)
    assert values["count"] == 7 and "could not be brought up to date" in report[0]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "not valid JSON"), ("[]", "a list"), ("{}", "does not say what it is"), ('{"format": "x"}', "is 'x'"),
        (json.dumps({"format": FORMAT, "format_version": 1}), "which generator"), ('{"format": "reve', "damaged"),
        (json.dumps({"format": FORMAT, "format_version": 1, "generator": 5}), "which generator"),
        ('{"format": "reverie.preset", "format": "reverie.preset"}', "twice"), ('{"format": NaN}', "NaN"),
        (json.dumps({"format": FORMAT, "x": "y" * 10_000_000}), "10 MB"),
    ],
    ids=range(10),
)
def test_files_that_are_no_presets(tmp_path: Path, text: str, word: str) -> None:
    path = tmp_path / "look.json"
    path.write_text(text)
    with pytest.raises(FileError, match=word) as caught:
        load_preset(path)
    assert "look.json" in str(caught.value) and "\n" not in str(caught.value)


def test_wrong_types_open_with_a_report(tmp_path: Path) -> None:
    path = tmp_path / "look.json"
    path.write_text(json.dumps({
        "format": FORMAT, "format_version": "one", "generator": "test.every", "generator_version": 1.5, "name": 7,
        "about": "x" * 5000, "tags": ["a", 1], "params": [], "glow": {"keep": None},
    }))
    preset, report = load_preset(path)
    assert preset.name == "look" and preset.params == {} and preset.tags == ["a"] and len(preset.about) == 2000
    assert preset.extra == {"glow": {"keep": None}}
    for word in ("format_version", "name", "about", "tags", "params", "generator_version"):
        assert any(word in line for line in report), word


def test_a_newer_preset_opens_and_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "look.json"
    tree = {"format": FORMAT, "format_version": 9, "generator": "a.b", "name": "N", "params": {"x": 1}}
    path.write_text(json.dumps(tree))
    before = path.read_bytes()
    preset, report = load_preset(path)
    assert preset.params == {"x": 1} and preset.read_only and "newer Reverie" in report[0]
    with pytest.raises(FileError, match="update the studio"):
        save_preset(path, preset)
    assert path.read_bytes() == before


def test_finding_presets_by_name_title_and_path(tmp_path: Path) -> None:
    folder = paths.user_folder("data") / "presets" / "every"
    for name in ("Slow Burn", "Fast", "Über alles"):
        save_preset(folder / f"{slug(name)}.json", Preset("test.every", name, {}))
    save_preset(folder / "other.json", Preset("test.other", "Other", {}))
    (folder / "broken.json").write_text("{")
    own = tmp_path / "presets"
    save_preset(own / "mine.json", Preset("test.every", "Mine", {}))
    report: list[str] = []
    found = find_presets("test.every", [own], report=report)
    assert [preset.name for preset in found] == ["Fast", "Mine", "Slow Burn", "Über alles"]
    assert len(report) == 1 and "broken.json" in report[0]
    assert find_preset("test.every", "slow-burn").name == find_preset("test.every", "SLOW BURN").name == "Slow Burn"
    assert find_preset("test.every", str(own / "mine.json")).name == "Mine"
    with pytest.raises(FileError, match="did you mean slow-burn"):
        find_preset("test.every", "slow-bern")
    with pytest.raises(FileError, match=r"is a preset for test\.other"):
        find_preset("test.every", str(folder / "other.json"))


@given(st.text(max_size=200))
def test_any_name_gives_a_file_name(name: str) -> None:
    made = slug(name)
    assert made and len(made) <= 70 and made == slug(made)
    assert all(c.isascii() and (c.isalnum() or c == "-") for c in made)


def test_device_names_are_no_slugs() -> None:
    assert slug("CON") == "preset-con" and slug("???") == "preset"


BUNDLED = sorted(paths.bundled("presets").glob("*/*.json"))


@pytest.mark.parametrize("path", BUNDLED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_bundled_presets_open_without_a_word(path: Path) -> None:
    preset, report = load_preset(path)
    assert report == [] and preset.about and not preset.read_only


# --- sessions ---

stages = st.builds(StageData, NAMES, st.integers(1, 9), PARAMS, st.just({}) | st.just({"mute": [True, None]}))
lines = st.builds(
    LineData, NAMES, st.lists(stages, max_size=3), st.integers(0, 2**31 - 1),
    st.none() | st.tuples(st.integers(1, 9999), st.integers(1, 9999)), NAMES, st.just({}) | st.just({"colour": "#fff"}),
)
sessions = st.builds(
    SessionData, NAMES, st.lists(lines, max_size=3), st.lists(lines, max_size=2), st.floats(20, 400), st.floats(0, 1),
    st.just({}) | st.just({"bindings": {"cc": {"1": ["deep", 2.5e-8]}}}),
)


@no_fixture_check
@given(session=sessions)
def test_sessions_round_trip_byte_for_byte(tmp_path: Path, session: SessionData) -> None:
    path = tmp_path / "show.reverie"
    save_session(path, session)
    first = path.read_bytes()
    again, report = load_session(path)
    assert report == [] and again == session
    save_session(path, again)
    assert path.read_bytes() == first


def test_a_stage_of_a_missing_plugin_is_written_back_unchanged(tmp_path: Path) -> None:
    stage = {"generator": "gone.plugin", "version": 7, "params": {"deep": {"a": [1, 2.5, None, "ü"]}}, "window": [1, 2]}
    text = {
        "format": "reverie.session", "format_version": 1, "studio": "0.0.1", "name": "Gig", "bpm": 101.5,
        "crossfade": 0.25,
        "decks": [{"name": "A", "stages": [stage], "seed": 5, "size": [640, 480], "input": "camera:0", "note": "mine"}],
        "players": [], "takes": [{"at": 1}],
    }
    path = tmp_path / "gig.reverie"
    path.write_text(json.dumps(text))
    session, report = load_session(path)
    assert report == []
    save_session(path, session)
    again = json.loads(path.read_text())
    assert again.pop("studio") != text.pop("studio")
    assert again == text and not (tmp_path / "gig.reverie.bak").exists()


def test_values_of_a_known_plugin_are_applied_and_stored() -> None:
    values = ParamSet(Every.params)
    stage = StageData("test.every", 2, {"rate": 50.0, "future": [1]})
    assert any("lowered" in line for line in stage.apply(Every, values))
    values.set("count", 8)
    stored = StageData.of(Every, values)
    assert stored.params["rate"] == 10.0 and stored.params["count"] == 8 and stored.params["future"] == [1]
    assert stored.version == 2 and "go" not in stored.params


def test_a_damaged_session_opens_with_a_report_and_a_backup_before_it_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "gig.reverie"
    path.write_text(json.dumps({
        "format": "reverie.session", "format_version": 1, "name": [], "bpm": 1e9, "crossfade": "left",
        "decks": [5, {"stages": [None, {"generator": 3}, {"generator": "a.b", "params": 1}], "size": [0], "seed": -4}],
        "players": {"x": 1},
    }))
    before = path.read_bytes()
    session, report = load_session(path)
    assert session.bpm == 400.0 and session.crossfade == 0.0 and len(session.decks) == 1
    assert [stage.generator for stage in session.decks[0].stages] == ["a.b"] and session.decks[0].seed == 0
    assert len(report) == 10 and all("\n" not in line for line in report), report
    save_session(path, session)
    assert (tmp_path / "gig.reverie.bak").read_bytes() == before
    assert load_session(path)[1] == []


def test_a_newer_session_is_read_only_with_everything_kept(tmp_path: Path) -> None:
    path = tmp_path / "gig.reverie"
    path.write_text(json.dumps({"format": "reverie.session", "format_version": 2, "name": "N", "scenes": [1]}))
    session, report = load_session(path)
    assert session.read_only and session.extra["scenes"] == [1] and "read-only" in report[0]
    with pytest.raises(FileError, match="read-only"):
        save_session(path, session)


def test_a_truncated_session_names_its_backup(tmp_path: Path) -> None:
    path = tmp_path / "gig.reverie"
    save_session(path, SessionData(name="G", decks=[LineData("A")]))
    migrations.keep_backup(path)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(FileError, match=r"damaged; a backup of it is .*gig\.reverie\.bak"):
        load_session(path)
    assert load_session(migrations.backup_path(path))[0].name == "G"


@no_fixture_check
@given(data=st.dictionaries(st.sampled_from(["name", "decks", "players", "bpm", "crossfade", "x"]), JSON))
def test_any_object_is_a_session_with_a_report(data: dict[str, Any]) -> None:
    report: list[str] = []
    session = parse_session(data, report)
    safe_json.dumps(session.to_json())
    again: list[str] = []
    assert parse_session(session.to_json(), again).to_json() == session.to_json() and again == []


@given(data=st.dictionaries(st.sampled_from(sorted(OWN_PRESET - {"format", "format_version"})), JSON))
def test_any_object_is_a_preset_or_a_sentence(data: dict[str, Any]) -> None:
    try:
        preset = parse_preset(data, [])
    except FileError:
        return
    preset.apply(ParamSet(Every.params), Every)
    safe_json.dumps(preset.to_json())


def test_migrations_run_in_order_leave_the_input_alone_and_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(migrations.CURRENT, "reverie.session", 3)
    monkeypatch.setitem(migrations.MIGRATIONS, "reverie.session", {
        1: lambda d: {"bpm": d.pop("tempo"), **d}, 2: lambda d: {**d, "name": d["name"].upper()},
    })
    old = {"format": "reverie.session", "format_version": 1, "tempo": 90, "name": "x"}
    document = migrations.upgrade(old, "reverie.session", where="gig")
    assert document.data == {"format": "reverie.session", "format_version": 3, "bpm": 90, "name": "X"}
    assert document.report == ["the file was brought from format 1 to 3"] and old["tempo"] == 90
    with pytest.raises(FileError, match="gig is of format 1 and could not be brought up to date"):
        migrations.upgrade({"format": "reverie.session", "format_version": 1}, "reverie.session", where="gig")


# --- settings ---


def test_settings_are_kept_and_clamped() -> None:
    values, report = load_settings()
    assert report == [] and values["device"] == "auto" and values["fps"] == 30
    values.set("fps", 60)
    values.unknown["glow"] = "soft"
    save_settings(values)
    again, report = load_settings()
    assert again["fps"] == 60 and again.unknown["glow"] == "soft"
    tree = json.loads(settings_path().read_text())
    tree["values"]["fps"] = 9999
    settings_path().write_text(json.dumps(tree))
    again, report = load_settings()
    assert again["fps"] == 240 and any("lowered" in line for line in report)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": "reverie.preset"}', "\0\0", '{"a": 1, "a": 2}'])
def test_damaged_settings_are_put_aside_and_the_studio_starts(text: str) -> None:
    settings_path().parent.mkdir(parents=True, exist_ok=True)
    settings_path().write_text(text)
    values, report = load_settings()
    assert values["fps"] == 30 and "the defaults are used" in report[0]
    assert settings_path().with_name("settings.json.damaged").read_text() == text
    assert load_settings()[1] == []


def test_settings_whose_values_are_no_object() -> None:
    safe_json.save(settings_path(), {"format": "reverie.settings", "format_version": 1, "values": 3}, parents=True)
    assert "defaults are used" in load_settings()[1][0]
