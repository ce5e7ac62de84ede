"""``reverie plugins install``: a plugin that somebody sent as a zip archive, put into the user's plugin folder."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from studio.archives import extract_zip
from studio.files import explain, short_path
from studio.plugins.discovery import discover, read_plugin, user_plugins
from studio.plugins.manifest import MANIFEST, PluginError
from studio.plugins.registry import Plugin


def install_plugin(archive: Path) -> Plugin:
    """Unpack a zip that holds one plugin (a folder with plugin.toml, or its content) and return the new plugin.

    None of its code is run. Raises FileError for an archive that is damaged or would write elsewhere, PluginError for
    one that holds no plugin, a broken one, or one that is already there; then nothing is left behind.
    """
    home = user_plugins()
    staging = home / f".install-{os.getpid()}"
    try:
        extract_zip(Path(archive), staging)
        inside = sorted(staging.iterdir())
        root = staging if (staging / MANIFEST).is_file() else inside[0]
        if not (root / MANIFEST).is_file() or (root != staging and len(inside) > 1):
            raise PluginError(f"{short_path(archive)} holds no plugin: it needs one folder with a {MANIFEST} in it")
        found = read_plugin(root)
        if found.manifest is None:
            raise PluginError(f"the plugin in {short_path(archive)} does not work: {found.reason}")
        known = next((plugin for plugin in discover() if plugin.id == found.id), None)
        if known is not None:
            raise PluginError(f"{found.id} is already there, in {short_path(known.place)}; remove it first")
        name = found.id.rpartition(".")[2] if root == staging else root.name
        target = home / name
        if target.exists():
            raise PluginError(f"{short_path(target)} is already there; remove it first")
        root.rename(target)
        return read_plugin(target)
    except OSError as error:
        raise explain(error, home, writing=True) from None
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(staging)
