"""Manifests: read without importing, every fault a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.plugins.manifest import (
    Manifest,
    PluginError,
    _holds,
    faults,
    from_table,
    missing,
    read_table,
    table_from_source,
)

GOOD = {"id": "me.waves", "api": 1, "version": 3, "title": "Waves", "entry": "waves:Waves", "makes": "image"}


def test_a_good_manifest() -> None:
    weights = {"name": "w.safetensors", "url": "https://example.org/w", "sha256": "a" * 64, "license": "MIT"}
    made = from_table({**GOOD, "takes": "image", "requires": ["librosa>=0.10,<2", "a.b-c[x]"], "weights": [weights]})
    assert isinstance(made, Manifest) and made.module == "waves" and made.class_name == "Waves"
    assert made.weights[0].license == "MIT" and made.requires[0] == "librosa>=0.10,<2"
    house = from_table({**GOOD, "weights": [{"name": "flowers", "architecture": "gan"}]})
    assert house.weights[0].architecture == "gan" and house.weights[0].url == ""
    assert from_table({**GOOD, "colour": 1}).unknown == ("colour",)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"id": None}, "'id' is missing"), ({"id": "waves"}, "author.name"), ({"id": "Me.Waves"}, "lower case"),
        ({"id": 5}, "must be text"), ({"api": 2}, "update the studio"), ({"api": "1"}, "whole number"),
        ({"api": True}, "whole number"), ({"version": 0}, "whole number"), ({"version": None}, "write version = 1"),
        ({"title": ""}, "must be text"), ({"title": "x" * 99}, "99 characters"), ({"entry": "waves"}, "module:Class"),
        ({"entry": "../evil:X"}, "module:Class"), ({"entry": "os.path;x:Y"}, "module:Class"),
        ({"makes": "smell"}, "not one of"),
        ({"takes": "smell"}, "not one of"), ({"requires": "numpy"}, "list of package names"),
        ({"requires": [1]}, "list of package names"), ({"requires": ["a b"]}, "not a package name"),
        ({"requires": ["numpy>=x"]}, "not a package name"), ({"weights": {"name": "x"}}, r"\[\[weights\]\]"),
        ({"weights": [{}]}, "'name' is missing"),
        ({"weights": [{"name": "w", "url": "https://x"}]}, "'sha256' is missing"),
        ({"weights": [{"name": "w"}]}, "'architecture' is missing"),
        ({"weights": [{"name": "../w", "url": "http://x", "sha256": "0", "license": "MIT"}]}, "https"),
    ],
)
def test_every_fault_is_a_sentence(change: dict[str, object], says: str) -> None:
    table = {name: value for name, value in {**GOOD, **change}.items() if value is not None}
    with pytest.raises(PluginError, match=says):
        from_table(table)


def test_all_faults_are_told_at_once() -> None:
    assert len(faults({})) == 6


@given(st.dictionaries(
    st.sampled_from(["id", "api", "version", "title", "about", "entry", "makes", "takes", "requires", "weights", "x"]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "url", "sha256", "license"]), inner),
        max_leaves=5,
    ),
))
def test_any_table_is_a_manifest_or_a_sentence(table: dict[str, object]) -> None:
    try:
        assert isinstance(from_table(table), Manifest)
    except PluginError as error:
        assert str(error)


@given(st.binary(max_size=300))
def test_any_file_is_a_table_or_a_sentence(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("toml") / "plugin.toml"
    path.write_bytes(data)
    try:
        assert isinstance(read_table(path), dict)
    except PluginError as error:
        assert "plugin.toml" in str(error)


def test_a_huge_manifest_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "plugin.toml").write_bytes(b"#" * 10_000_000)
    with pytest.raises(PluginError, match="MB"):
        read_table(tmp_path / "plugin.toml")


LONE = '''
"""A lone file."""
from studio.api import Generator, Float
raise SystemExit("this file must not be run")
class RedSky(Generator):
    """Red from edge to edge.

    And more."""
    id, version, makes = "me.red_sky", 4, "image"
    takes: str = "image"
    requires = ["librosa"]
    level = Float(0.5, 0, 1)
'''


def test_a_lone_file_is_read_without_running_it(tmp_path: Path) -> None:
    path = tmp_path / "red.py"
    path.write_text(LONE)
    assert table_from_source(path) == {
        "id": "me.red_sky", "api": 1, "version": 4, "title": "Red sky", "entry": "red:RedSky", "makes": "image",
        "takes": "image", "about": "Red from edge to edge.", "requires": ["librosa"],
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"class A(Generator:\n", "line 1"), (b"x = '\\0'\0", "null bytes"), (b"(" * 5000, "red.py"),
        (b"\xff\xfe\x00", "red.py"), (b"-" * 200_000 + b"1", "red.py"),
        (b"class A(Generator):\n id='a.b'\nclass B(api.Generator):\n id='a.c'\n", "several generators"),
    ],
)
def test_a_lone_file_that_cannot_be_read_is_a_sentence(tmp_path: Path, text: bytes, says: str) -> None:
    path = tmp_path / "red.py"
    path.write_bytes(text)
    with pytest.raises(PluginError, match=says):
        table_from_source(path)


def test_a_file_without_a_generator_is_no_plugin(tmp_path: Path) -> None:
    path = tmp_path / "red.py"
    path.write_text("class A: id = 'a.b'\n")
    assert table_from_source(path) is None


def test_missing_packages_are_named_with_the_cure() -> None:
    assert missing(("numpy>=1.2", "json", "pytest==*")) == []
    (absent,) = missing(("no_such_package_here>=2",))
    assert "not installed" in absent and 'pip install "no_such_package_here>=2"' in absent
    (old,) = missing(("numpy>=999",))
    assert "but version" in old


@pytest.mark.parametrize(
    ("version", "sign", "wanted", "holds"),
    [
        ("2.13.0+cpu", ">=", "2.8", True), ("2.7", ">=", "2.8", False), ("2.10", ">", "2.9", True),
        ("1.0", "==", "1", True),
        ("1.4.2", "~=", "1.4", True), ("2.0", "~=", "1.4", False), ("1.2.9", "==", "1.2.*", True),
        ("1.3", "!=", "1.2.*", True),
        ("3", "<", "3.0", False), ("3rc1", "<=", "3", True),
    ],
)
def test_versions_are_compared_by_their_numbers(version: str, sign: str, wanted: str, holds: bool) -> None:
    assert _holds(version, sign, wanted) is holds
