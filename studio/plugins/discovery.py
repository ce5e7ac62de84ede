"""Finding plugins without running any of their code.

Order, and with it who keeps an id that two claim: built-in, paths given by the caller, ``REVERIE_PLUGINS`` (paths
separated as in PATH), the user's folder (``data/plugins``), installed packages with an entry point in the group
``reverie.plugins``. A path is a plugin folder, a lone ``.py`` file, or a folder of these.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from studio import paths
from studio.files import short_path
from studio.plugins.manifest import MANIFEST, PluginError, from_table, missing, read_table, table_from_source
from studio.plugins.registry import Origin, Plugin, Registry
from studio.plugins.trust import Trust, digest, read_trust, write_trust

GROUP = "reverie.plugins"
VARIABLE = "REVERIE_PLUGINS"


def discover(extra: Iterable[Path] = (), *, builtin_only: bool = False, contain: bool = False) -> Registry:
    """Find every plugin; never raises because of one. ``builtin_only`` leaves out all foreign code (safe mode).

    With ``contain`` plugins in folders run in processes of their own (see ``studio.plugins.hosting``); built-in and
    installed ones do not.
    """
    found = list(_in_folder(paths.bundled("plugins"), "built-in"))
    if not builtin_only:
        for place in extra:
            found.extend(_at(Path(place).expanduser()))
        for text in os.environ.get(VARIABLE, "").split(os.pathsep):
            if text.strip():
                found.extend(_at(Path(text.strip()).expanduser()))
        found.extend(_in_folder(user_plugins(), "folder"))
        found.extend(_installed())
    unique: dict[Path, Plugin] = {}
    for plugin in found:
        unique.setdefault(plugin.place.resolve(), plugin)
    trust = read_trust()
    for plugin in unique.values():
        _decide(plugin, trust)
        plugin.contained = contain and plugin.origin == "folder" and not plugin.package
    return Registry(list(unique.values()))


def user_plugins() -> Path:
    """The user's own plugin folder; what lies there is enabled."""
    return paths.user_folder("data") / "plugins"


def read_plugin(place: Path, origin: Origin = "folder") -> Plugin:
    """The plugin at a path: a folder with plugin.toml or a lone ``.py``. Faults are in its state, never raised."""
    lone = place.is_file()
    if place.resolve().parent == paths.bundled("plugins"):
        origin = "built-in"
    plugin = Plugin(
        name=place.stem if lone else place.name, folder=place.parent if lone else place, manifest=None, origin=origin,
        file=place if lone else None,
    )
    try:
        if lone:
            table = table_from_source(place)
            if table is None:
                raise PluginError(f"{short_path(place)} declares no class derived from Generator")
        elif not (place / MANIFEST).is_file():
            raise PluginError(f"{short_path(place)} holds no {MANIFEST}; see docs/plugins.md, or: reverie plugins new")
        else:
            table = read_table(place / MANIFEST)
        plugin.manifest = from_table(table)
        lacking = missing(plugin.manifest.requires)
        if lacking:
            raise PluginError("; ".join(lacking))
    except PluginError as error:
        plugin.fail(str(error))
    except OSError as error:
        plugin.fail(f"its files cannot be read: {error.strerror or error}")
    return plugin


def enable(plugin: Plugin) -> None:
    """Remember that the user wants this plugin as it now is. Raises FileError when that cannot be written."""
    if plugin.state == "failed":
        raise PluginError(f"the plugin {plugin.id or plugin.name} does not work: {plugin.reason}")
    trust = read_trust()
    trust.disabled.discard(plugin.id)
    if plugin.origin == "installed":
        trust.enabled[plugin.id] = digest(_trusted(plugin))
    write_trust(trust)
    if plugin.state == "found":
        plugin.state, plugin.reason = "enabled", ""


def disable(plugin: Plugin) -> None:
    """Remember that the user does not want this plugin. Raises FileError when that cannot be written."""
    if not plugin.id:
        raise PluginError(f"the plugin {plugin.name} does not work anyway: {plugin.reason}")
    trust = read_trust()
    trust.enabled.pop(plugin.id, None)
    trust.disabled.add(plugin.id)
    write_trust(trust)
    if plugin.state != "failed":
        plugin.state, plugin.reason = "found", "it was disabled"


def _trusted(plugin: Plugin) -> Path:
    """What enabling covers: the whole package, since a module may import the others of it."""
    return plugin.folder if plugin.package else plugin.place


def _decide(plugin: Plugin, trust: Trust) -> None:
    if plugin.state == "failed" or not plugin.id:
        return
    if plugin.id in trust.disabled:
        plugin.state, plugin.reason = "found", "it was disabled"
    elif plugin.origin == "installed":
        known = trust.enabled.get(plugin.id)
        if known is None:
            plugin.state, plugin.reason = "found", "it came with an installed package and was not enabled yet"
        elif known != digest(_trusted(plugin)):
            plugin.state, plugin.reason = "found", "its files have changed since it was enabled"


def _at(place: Path) -> Iterator[Plugin]:
    """Plugins at a path that somebody named: nothing there is a fault worth a row."""
    if place.is_file() or (place / MANIFEST).is_file():
        yield read_plugin(place)
    elif place.is_dir():
        yield from _in_folder(place, "folder")
    else:
        gone = Plugin(name=place.name or str(place), folder=place, manifest=None)
        gone.fail(f"there is no plugin at {short_path(place)}; check the path")
        yield gone


def _in_folder(folder: Path, origin: Origin) -> Iterator[Plugin]:
    try:
        entries = sorted(folder.iterdir()) if folder.is_dir() else []
    except OSError as error:
        broken = Plugin(name=folder.name, folder=folder, manifest=None, origin=origin)
        broken.fail(f"the folder {short_path(folder)} cannot be read: {error.strerror or error}")
        yield broken
        return
    for entry in entries:
        if entry.name.startswith((".", "_")):
            continue
        if entry.is_dir():
            if (entry / MANIFEST).is_file() or any(entry.glob("*.py")):
                yield read_plugin(entry, origin)
        elif entry.suffix == ".py" and not entry.name.startswith(("test_", "conftest")):
            plugin = read_plugin(entry, origin)
            # a file beside the plugins that declares no generator is somebody's helper module
            if plugin.manifest is not None or "declares no class" not in plugin.reason:
                yield plugin


def _installed() -> Iterator[Plugin]:
    for entry in importlib.metadata.entry_points(group=GROUP):
        try:
            yield _from_entry_point(entry)
        except Exception as error:  # a broken installation of one package must not hide the others
            plugin = Plugin(name=entry.name, folder=Path(entry.name), manifest=None, origin="installed")
            plugin.fail(f"its installation is broken: {error}")
            yield plugin


def _from_entry_point(entry: importlib.metadata.EntryPoint) -> Plugin:
    """A plugin of an installed package; its place is found without importing the package.

    The entry point names the package that holds plugin.toml (``pkg``), or a module of it (``pkg.module:Class``).
    """
    folder = _package_folder(entry)
    parts = entry.module.split(".")
    while True:
        place = folder.joinpath(*parts[1:])
        if (place / MANIFEST).is_file():
            plugin = read_plugin(place, "installed")
            plugin.name, plugin.package = entry.name, ".".join(parts)
            return plugin
        if len(parts) == 1:
            break
        parts = parts[:-1]
    lone = folder.joinpath(*entry.module.split(".")[1:]).with_suffix(".py")
    plugin = read_plugin(lone if lone.is_file() else folder, "installed")
    plugin.name, plugin.package = entry.name, entry.module.rpartition(".")[0]
    return plugin


def _package_folder(entry: importlib.metadata.EntryPoint) -> Path:
    top = entry.module.partition(".")[0]
    spec = importlib.util.find_spec(top)  # finds, does not run, a top-level name
    if spec is not None and spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations)))
    if spec is not None and spec.origin:
        return Path(spec.origin)
    raise PluginError(f"the package {top} is not there")
