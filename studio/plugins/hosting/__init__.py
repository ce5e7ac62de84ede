"""Other people's plugins in a process of their own: a crash, a hang or a leak there does not reach the show."""

from studio.plugins.hosting.hosted import load_hosted

__all__ = ["load_hosted"]
