"""Discovery: nothing foreign runs, everything found is a row, the user decides about what came with a package."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
from helpers_plugins import CODE, TOML, write_plugin

from studio.plugins import Plugin, PluginError, Registry, disable, discover, enable, read_plugin, user_plugins
from studio.plugins import trust as trust_module

BOMB = 'raise SystemExit("discovery must not run this")\n'


def row(registry: Registry, name: str) -> Plugin:
    (plugin,) = [plugin for plugin in registry if plugin.name == name]
    return plugin


def test_the_user_folder_paths_and_the_variable_are_searched_and_nothing_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_plugin(user_plugins(), "mine", code=BOMB)
    write_plugin(tmp_path / "many", "first", code=BOMB)
    write_plugin(tmp_path / "many", "second", code=BOMB)
    single = write_plugin(tmp_path, "single", code=BOMB)
    (user_plugins() / "lone.py").write_text(BOMB + CODE.replace("{name}", "lone"))
    (user_plugins() / "helpers.py").write_text("x = 1\n")
    (user_plugins() / "__pycache__").mkdir()
    (user_plugins() / ".hidden").mkdir()
    monkeypatch.setenv("REVERIE_PLUGINS", str(tmp_path / "many"))
    registry = discover([single])
    assert {"mine", "first", "second", "single", "lone"} <= {plugin.name for plugin in registry}
    assert not {"helpers", "__pycache__", ".hidden"} & {plugin.name for plugin in registry}
    assert row(registry, "mine").state == row(registry, "single").state == "enabled"
    assert row(registry, "lone").id == "test.lone" and row(registry, "lone").title == "Made"
    assert not {"mine", "first", "lone"} & {plugin.name for plugin in discover(builtin_only=True)}


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"toml": "id = "}, "not valid TOML"), ({"toml": "id = 'x'"}, "author.name"),
        ({"toml": TOML.replace("api = 1", "api = 9")}, "update the studio"),
        ({"toml": TOML + 'requires = ["no_such_package_here"]'}, "pip install"),
    ],
)
def test_a_broken_plugin_is_a_row_with_a_reason(tmp_path: Path, files: dict[str, str], reason: str) -> None:
    write_plugin(tmp_path, "bad", **files)
    write_plugin(tmp_path, "good")
    registry = discover([tmp_path])
    assert row(registry, "bad").state == "failed" and reason in row(registry, "bad").reason
    assert row(registry, "good").load().id == "test.good"
    with pytest.raises(PluginError, match="does not work"):
        row(registry, "bad").load()


def test_a_folder_without_manifest_and_a_path_to_nothing_are_rows(tmp_path: Path) -> None:
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "odd.py").write_text("x = 1\n")
    (tmp_path / "broken.py").write_text("class A(Generator:\n")
    registry = discover([tmp_path, tmp_path / "absent"])
    assert "plugin.toml" in row(registry, "odd").reason
    assert "line 1" in row(registry, "broken").reason
    assert "there is no plugin" in row(registry, "absent").reason


def test_of_two_with_one_id_the_first_wins(tmp_path: Path) -> None:
    write_plugin(tmp_path / "a", "one")
    write_plugin(tmp_path / "b", "two", toml=TOML.replace("test.{name}", "test.one"))
    registry = discover([tmp_path / "a", tmp_path / "b"])
    assert row(registry, "one").state == "enabled"
    assert row(registry, "two").state == "failed" and "already taken" in row(registry, "two").reason
    assert registry.get("test.one") is row(registry, "one")


def test_the_same_folder_named_twice_is_one_plugin(tmp_path: Path) -> None:
    place = write_plugin(tmp_path, "one")
    assert row(discover([place, tmp_path]), "one").state == "enabled"


def test_get_by_name_id_path_and_with_a_near_match(tmp_path: Path) -> None:
    place = write_plugin(tmp_path, "waves")
    registry = discover([tmp_path])
    assert registry.get("waves") is registry.get("test.waves") is registry.get(str(place))
    with pytest.raises(PluginError, match="did you mean waves"):
        registry.get("wawes")
    other = write_plugin(tmp_path / "elsewhere", "other")
    assert registry.get(str(other)).id == "test.other" and registry.get("other").place == other.resolve()
    with pytest.raises(PluginError, match="there is no plugin"):
        discover(builtin_only=True).get("zzzzzzzz")


def test_disabling_lasts_and_does_no_harm(tmp_path: Path) -> None:
    write_plugin(tmp_path, "one")
    disable(row(discover([tmp_path]), "one"))
    plugin = row(discover([tmp_path]), "one")
    assert (plugin.state, plugin.reason) == ("found", "it was disabled")
    with pytest.raises(PluginError, match=r"reverie plugins enable test\.one"):
        plugin.load()
    enable(plugin)
    assert plugin.load().id == "test.one"
    assert row(discover([tmp_path]), "one").state == "enabled"


def test_every_built_in_plugin_can_be_disabled_and_the_studio_starts() -> None:
    for plugin in discover():
        if plugin.state != "failed":
            disable(plugin)
    assert {plugin.state for plugin in discover()} <= {"found", "failed"}


def test_a_plugin_that_failed_is_not_enabled(tmp_path: Path) -> None:
    write_plugin(tmp_path, "bad", toml="id = ")
    for action in (enable, disable):
        with pytest.raises(PluginError, match="does not work"):
            action(row(discover([tmp_path]), "bad"))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"enabled": 5, "disabled": {}}', '{"enabled": {"a.b": 1}}'])
def test_a_damaged_trust_file_trusts_nobody(text: str) -> None:
    trust_module.trust_file().parent.mkdir(parents=True, exist_ok=True)
    trust_module.trust_file().write_text(text)
    assert trust_module.read_trust() == trust_module.Trust()


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with an entry point, as pip lays it down."""
    site = tmp_path / "site"
    package = site / "moon_pack"
    write_plugin(site, "moon_pack", toml=TOML.replace("{name}:Made", "moon:Made"), code="SECRET = 1\n",
                 moon_py=CODE.replace("test.{name}", "test.moon_pack") + "\nfrom moon_pack.moon_pack import SECRET\n",
                 __init___py="")
    info = site / "moon_pack-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: moon-pack\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[reverie.plugins]\nmoon = moon_pack\ngone = not_there_at_all\n")
    monkeypatch.syspath_prepend(str(site))
    importlib.invalidate_caches()
    return package


def test_an_installed_plugin_waits_until_it_is_enabled_and_again_when_it_changes(installed: Path) -> None:
    plugin = row(discover(), "moon")
    assert plugin.state == "found" and "was not enabled yet" in plugin.reason and plugin.id == "test.moon_pack"
    assert "moon_pack" not in sys.modules
    with pytest.raises(PluginError, match="enable it with"):
        plugin.load()
    enable(plugin)
    plugin = row(discover(), "moon")
    assert plugin.state == "enabled" and plugin.load().__module__ == "moon_pack.moon"
    (installed / "more.py").write_text("x = 1\n")
    plugin = row(discover(), "moon")
    assert plugin.state == "found" and "changed since" in plugin.reason
    disable(plugin)
    assert row(discover(), "moon").reason == "it was disabled"
    for name in [name for name in sys.modules if name.split(".")[0] == "moon_pack"]:
        del sys.modules[name]


def test_a_broken_installation_is_a_row(installed: Path) -> None:
    plugin = row(discover(), "gone")
    assert plugin.state == "failed" and "not_there_at_all" in plugin.reason


def test_an_entry_point_to_a_module_without_manifest_is_read_with_ast(installed: Path) -> None:
    (installed / "plugin.toml").unlink()
    info = next(installed.parent.glob("*.dist-info"))
    (info / "entry_points.txt").write_text("[reverie.plugins]\nmoon = moon_pack.moon:Made\n")
    plugin = row(discover(), "moon")
    assert plugin.id == "test.moon_pack" and plugin.state == "found" and plugin.package == "moon_pack"


def test_read_plugin_never_raises(tmp_path: Path) -> None:
    assert read_plugin(tmp_path).state == "failed"
    assert read_plugin(tmp_path / "absent").state == "failed"
