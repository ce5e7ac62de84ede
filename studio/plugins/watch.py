"""Noticing that a plugin's files were changed, on a thread of its own."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from studio import paths
from studio.plugins.discovery import read_plugin, user_plugins
from studio.plugins.registry import Plugin, Registry

log = logging.getLogger("reverie.plugins")

QUIET_MS = 150
"""An editor writes a file in several steps: changes are told once it has been quiet for so long."""


Spawn = Callable[[str, Callable[[], None], Callable[[], None]], object]
"""Starts a thread by name with its work and what asks it to end."""


def _matters(change: object, path: str) -> bool:
    return path.endswith((".py", ".toml")) and "__pycache__" not in path


class PluginWatcher:
    """Tells which files of plugins have changed. ``changed(paths)`` is called on a thread of the watcher."""

    def __init__(self, registry: Registry, changed: Callable[[set[Path]], None]) -> None:
        self._registry, self._changed = registry, changed
        self._stop = threading.Event()

    def start(self, spawn: Spawn) -> None:
        """Begin; ``spawn`` makes the threads. A system that cannot watch files is noted in the log; then only the
        reload button is left."""
        with contextlib.suppress(OSError):
            user_plugins().mkdir(parents=True, exist_ok=True)
        for number, (places, deep) in enumerate(self._places()):
            if places:
                spawn(f"reverie plugins watch {number}", partial(self._watch, places, deep), self.stop)

    def stop(self) -> None:
        """End soon; returns at once."""
        self._stop.set()

    def _places(self) -> list[tuple[list[Path], bool]]:
        """Folders to watch with all below them, and folders of lone files, of which only the files themselves."""
        deep = {paths.bundled("plugins").resolve(), user_plugins().resolve()}
        flat: set[Path] = set()
        for plugin in self._registry:
            place = plugin.folder.resolve()
            if plugin.origin == "folder" and not any(place.is_relative_to(root) for root in deep):
                (flat if plugin.file is not None else deep).add(place)
        return [([place for place in found if place.is_dir()], whole) for found, whole in ((deep, True), (flat, False))]

    def _watch(self, places: Iterable[Path], deep: bool) -> None:
        from watchfiles import watch

        try:
            for changes in watch(
                *places, watch_filter=_matters, debounce=1600, step=QUIET_MS, stop_event=self._stop, recursive=deep,
                rust_timeout=500, raise_interrupt=False,
            ):
                self._changed({Path(path) for _, path in changes})
        except Exception:
            log.warning("changed plugins are not noticed by themselves; use the reload button", exc_info=True)


def plugins_at(registry: Registry, files: Iterable[Path]) -> list[Plugin]:
    """The plugins that these files belong to."""
    touched = [path.resolve() for path in files]
    return [
        plugin for plugin in registry
        if any(path == plugin.place.resolve() or (plugin.file is None and path.is_relative_to(plugin.folder.resolve()))
               for path in touched)
    ]


def read_again(plugin: Plugin) -> None:
    """Take over a manifest that has changed. One that cannot be read leaves the plugin as it is, unless it had none."""
    fresh = read_plugin(plugin.place, plugin.origin)
    if fresh.manifest is None:
        if plugin.manifest is None:
            plugin.reason = fresh.reason
        return
    if plugin.manifest is not None and fresh.manifest.id != plugin.manifest.id:
        log.warning("the id of %s is now %s: it is used after a restart", plugin.id, fresh.manifest.id)
        return
    plugin.manifest = fresh.manifest
    if plugin.state == "failed":
        plugin.state, plugin.reason = fresh.state, fresh.reason


def find_new(registry: Registry) -> list[Plugin]:
    """Plugins that now lie in the user's folder and are not known yet; they are added to the registry."""
    from studio.plugins.discovery import discover

    known = {plugin.place.resolve() for plugin in registry}
    return [registry.add(plugin) for plugin in discover() if plugin.place.resolve() not in known]
