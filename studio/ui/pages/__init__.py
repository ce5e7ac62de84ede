"""The pages of the window beside the stage. Each is made when it is first shown."""

from studio.ui.pages.about import AboutPage
from studio.ui.pages.log import LogPage
from studio.ui.pages.models import ModelsPage
from studio.ui.pages.plugins import PluginsPage
from studio.ui.pages.preferences import PreferencesPage
from studio.ui.pages.training import TrainingPage

__all__ = ["AboutPage", "LogPage", "ModelsPage", "PluginsPage", "PreferencesPage", "TrainingPage"]
