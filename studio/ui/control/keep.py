"""Changing settings from the page *Control*: used at once, kept in the background, told to whoever shows them."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject

from studio.library.settings import save_settings
from studio.session.core import Core
from studio.ui.background import background


def change_setting(session: Core, owner: QObject, name: str, value: Any) -> None:
    """Give a setting another value; what was clamped is said."""
    if session.settings[name] != value:
        note = session.settings.set(name, value)
        if note:
            session.notice(note, level="warning")
        keep_settings(session, owner)


def keep_settings(session: Core, owner: QObject) -> None:
    """Write the settings and let all pages show them."""
    session.controls.apply_settings()
    session.post("settings")
    session.post("controls")
    settings = session.settings
    background(session, lambda: save_settings(settings), lambda _: None,
               lambda why: session.notice(why, level="error", source="Preferences"), owner=owner)
