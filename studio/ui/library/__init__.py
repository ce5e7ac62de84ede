"""The library: generators, presets, snapshots and models, to look through, open and drag to a deck."""

from studio.ui.library.dock import LibraryDock

__all__ = ["LibraryDock"]
