"""The view of DeepDream."""

from studio.ui.views.dream.view import DreamView

__all__ = ["DreamView"]
