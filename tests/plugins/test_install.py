"""A plugin from a zip archive: all of it or nothing, never outside its folder, and none of its code is run."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from helpers_plugins import CODE, TOML

from studio.files import FileError
from studio.plugins import PluginError, discover, install_plugin, user_plugins

GOOD = {
    "waves/plugin.toml": TOML.replace("{name}", "waves"),
    "waves/waves.py": "raise SystemExit('not to be run')\n" + CODE.replace("{name}", "waves"),
    "waves/presets/calm.json": "{}",
}


def write_zip(path: Path, files: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


@pytest.mark.parametrize("prefix", ["waves/", ""])
def test_a_folder_or_its_content(tmp_path: Path, prefix: str) -> None:
    files = {name.replace("waves/", prefix, 1): text for name, text in GOOD.items()}
    plugin = install_plugin(write_zip(tmp_path / "x.zip", files))
    assert plugin.place == user_plugins() / "waves" and plugin.state == "enabled"
    assert discover().get("waves").id == "test.waves" and len(plugin.presets) == 1
    with pytest.raises(PluginError, match="already there"):
        install_plugin(tmp_path / "x.zip")
    assert [path.name for path in user_plugins().iterdir()] == ["waves"]


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({**GOOD, "../evil.py": "x"}, "leads out"), ({**GOOD, "/evil.py": "x"}, "absolute"),
        ({**GOOD, "waves/con": ""}, "Windows"),
        ({**GOOD, "waves/WAVES.py": ""}, "case"), ({**GOOD, "waves/bomb.bin": "0" * 50_000_000}, "unpack"),
        ({"readme.txt": "x"}, "holds no plugin"), ({**GOOD, "other/plugin.toml": ""}, "holds no plugin"),
        ({}, "refused"),
        ({**GOOD, "waves/plugin.toml": "id = 5"}, "does not work"),
    ],
)
def test_anything_else_is_refused_as_a_whole(tmp_path: Path, files: dict[str, str], says: str) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    with pytest.raises((PluginError, FileError), match=says):
        install_plugin(path)
    assert not user_plugins().exists() or list(user_plugins().iterdir()) == []
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.zip"]


def test_a_missing_archive_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot read"):
        install_plugin(tmp_path / "absent.zip")
