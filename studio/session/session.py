"""The studio without a window: decks, players, the mix, undo, snapshots, jobs and files.

One thread owns a session: the window's, or that of a script. It calls the methods, which return at once, and ``pump``
from time to time. Generators run and load on other threads; what they have to say comes back through ``pump``.
"""

from __future__ import annotations

from studio.session.storage import Storage


class Session(Storage):
    """See ``core`` (lines, news, undo), ``edits`` (what a user does) and ``storage`` (files, recovery)."""
