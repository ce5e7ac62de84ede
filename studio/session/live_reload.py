"""A plugin whose file is saved is read anew, with its values; what it shows goes on until the new code works."""

from __future__ import annotations

from pathlib import Path

from studio.engine.threads import spawn
from studio.plugins import Plugin, user_plugins
from studio.plugins.watch import PluginWatcher, find_new, plugins_at, read_again
from studio.session.core import Core


class LiveReload:
    """Watches the plugins' files for a session. Make it, and it runs; ``stop`` ends it."""

    def __init__(self, session: Core) -> None:
        self.session = session
        self._watcher = PluginWatcher(session.registry, self._changed)
        self._off = session.on("library", self._look)
        self._watcher.start(spawn)

    def stop(self) -> None:
        """End soon; returns at once."""
        self._watcher.stop()
        self._off()

    def _changed(self, files: set[Path]) -> None:
        """On the watcher's thread."""
        if not self.session.settings["live_reload"]:
            return
        touched = plugins_at(self.session.registry, files)
        for plugin in touched:
            read_again(plugin)
        home = user_plugins().resolve()
        added = []
        if not self.session.settings["safe_mode"] and any(path.resolve().is_relative_to(home) for path in files):
            added = find_new(self.session.registry)
        self.session.events.call(lambda: self._use(touched, added))

    def _use(self, touched: list[Plugin], added: list[Plugin]) -> None:
        """On the session's thread."""
        for plugin in added:
            fault = f": {plugin.reason}" if plugin.state == "failed" else ""
            self.session.notice(f"the plugin {plugin.title} was found{fault}", level="warning" if fault else "info")
        for plugin in touched:
            if self._used(plugin) or plugin.state in ("loaded", "running", "failed"):
                if plugin.id and plugin.state != "found":
                    self.session.reload_plugin(plugin.id)
        if touched or added:
            self.session.post("library")

    def _used(self, plugin: Plugin) -> bool:
        return any(slot.plugin is plugin for line in self.session.lines() for slot in line.slots)

    def _look(self, _: object) -> None:
        """Say beside the picture that the new code does not work, as long as it does not."""
        for line in self.session.lines():
            for slot in line.slots:
                if slot.stage is None or slot.plugin is None:
                    continue
                failed = slot.plugin.state == "failed" and slot.plugin._class is None
                why = f"the new code does not work, the version before goes on: {slot.plugin.reason}" if failed else ""
                if slot.state == "ready" and slot.reason != why:
                    slot.reason = why
                    self.session.post("line", line)
