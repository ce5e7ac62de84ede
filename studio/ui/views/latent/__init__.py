"""The latent explorer's own view: a map, pins, a path of keyframes, breeding, arithmetic, directions, photographs."""

from studio.ui.views.latent.view import LatentView

__all__ = ["LatentView"]
