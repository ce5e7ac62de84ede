"""The views of the two style generators."""

from studio.ui.views.style.camera_view import StyleView
from studio.ui.views.style.painting_view import PaintingView

__all__ = ["PaintingView", "StyleView"]
