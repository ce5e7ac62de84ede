"""The pages of the window beside the stage; each is imported when it is first wanted."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from studio.ui.pages.about import AboutPage
    from studio.ui.pages.control import ControlPage
    from studio.ui.pages.log import LogPage
    from studio.ui.pages.models import ModelsPage
    from studio.ui.pages.plugins import PluginsPage
    from studio.ui.pages.preferences import PreferencesPage
    from studio.ui.pages.soundcheck import SoundcheckPage
    from studio.ui.pages.training import TrainingPage

__all__ = ["AboutPage", "ControlPage", "LogPage", "ModelsPage", "PluginsPage", "PreferencesPage", "SoundcheckPage",
           "TrainingPage"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{name.removesuffix('Page').lower()}"), name)
