"""Hearing a session's news for as long as a widget lives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import shiboken6
from PySide6.QtCore import QObject

from studio.session.core import Core


def listen(owner: QObject, session: Core, kind: str, callback: Callable[[Any], object]) -> Callable[[], None]:
    """Call ``callback(subject)`` for each news of ``kind`` until ``owner`` is gone; what is returned ends it now."""

    def hear(subject: Any) -> None:
        if shiboken6.isValid(owner):
            callback(subject)
        else:
            off()

    off = session.on(kind, hear)
    owner.destroyed.connect(lambda *_: off())
    return off
