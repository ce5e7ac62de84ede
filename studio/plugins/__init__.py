"""The plugin host: what plugins there are, in which state, and their code when it is wanted.

``discover()`` runs no plugin code. ``Registry.get(name).load()`` does, and turns whatever goes wrong into a state
with a reason. Nothing here imports torch.
"""

from studio.plugins.check import check_plugin
from studio.plugins.discovery import disable, discover, enable, read_plugin, user_plugins
from studio.plugins.findings import Finding
from studio.plugins.install import install_plugin
from studio.plugins.manifest import Manifest, PluginError
from studio.plugins.registry import Plugin, Registry
from studio.plugins.template import create_plugin

__all__ = [
    "Finding", "Manifest", "Plugin", "PluginError", "Registry", "check_plugin", "create_plugin", "disable", "discover",
    "enable", "install_plugin", "read_plugin", "user_plugins",
]
