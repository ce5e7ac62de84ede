"""The plugin host: what plugins there are, in which state, and their code when it is wanted.

``discover()`` runs no plugin code. ``Registry.get(name).load()`` does, and turns whatever goes wrong into a state
with a reason. Nothing here imports torch.
"""

from studio.plugins.discovery import disable, discover, enable, read_plugin, user_plugins
from studio.plugins.manifest import Manifest, PluginError
from studio.plugins.registry import Plugin, Registry

__all__ = [
    "Manifest", "Plugin", "PluginError", "Registry", "disable", "discover", "enable", "read_plugin", "user_plugins",
]
