"""Binding what is heard to parameters: by a menu, or by dragging a feature onto a row of the inspector."""

from __future__ import annotations

import functools

from PySide6.QtWidgets import QMenu

from studio.control.audio import FEATURES, PRESSES
from studio.control.binding import AUDIO, Source
from studio.control.modulators import FromAudio
from studio.params import Trigger
from studio.session.core import Core
from studio.ui import icons
from studio.ui.kit.menus import heading

DEPTH = 0.35
"""How far sound pushes a parameter that it modulates, as a part of the slider's way."""
OFTEN = ("level", "bass", "mid", "treble", "onset", "beat", "centroid")
"""Features that stand first in menus."""


def bind(session: Core, feature: str, line: str, index: int, name: str) -> None:
    """Let a feature be the knob of a parameter."""
    target = session.controls.target(line, index, name)
    session.controls.bind(Source(AUDIO, address=feature), target)


def modulate(session: Core, feature: str, line: str, index: int, name: str) -> None:
    """Let a feature push a parameter away from its value, as one step of undo."""
    controls = session.controls
    with session.edit(f"Modulate by {FEATURES[feature].lower()}"):
        known = next((item for item in controls.modulators if isinstance(item, FromAudio) and item.feature == feature),
                     None)
        made = known or controls.add_modulator(FromAudio(f"Sound: {FEATURES[feature].lower()}", feature=feature))
        controls.route(made.name, controls.target(line, index, name), DEPTH, bipolar=False)


def use(session: Core, feature: str, line: str, index: int, name: str) -> str:
    """Modulate where that can be, else bind; returns what was done, as a sentence."""
    slot = session.line(line).slots[index]
    param = slot.stage.values.params.get(name) if slot.stage is not None else None
    if param is None or not param.automatable:
        return ""
    word = FEATURES[feature].lower()
    if isinstance(param, Trigger) or not param.live or (feature in PRESSES and param.kind in ("bool", "choice")):
        bind(session, feature, line, index, name)
        return f"{param.label} follows {word}"
    modulate(session, feature, line, index, name)
    return f"{param.label} is pushed by {word}"


def add_features(menu: QMenu, session: Core, line: str, index: int, name: str, *, pushed: bool) -> None:
    """Every feature, for binding or (``pushed``) for modulating a parameter."""
    act = modulate if pushed else bind
    rest = [feature for feature in FEATURES if feature not in OFTEN]
    for group in (OFTEN, rest):
        for feature in group:
            menu.addAction(FEATURES[feature], functools.partial(act, session, feature, line, index, name))
        if group is OFTEN:
            menu.addSeparator()


def fill_use_menu(menu: QMenu, session: Core, feature: str) -> None:
    """What a feature can be used for: the parameters of the selected generator."""
    menu.clear()
    menu.setToolTipsVisible(True)
    chosen = session.selected
    if chosen is None or chosen[1].stage is None:
        menu.addAction("Select a generator first: put one on a deck").setEnabled(False)
        return
    line, slot = chosen
    index = line.slots.index(slot)
    heading(menu, f"{slot.title} in {line.title}")
    params = [param for param in chosen[1].stage.values.params.values() if param.automatable]
    pushed = menu.addMenu(icons.icon("waves", "dim"), "Push a parameter")
    bound = menu.addMenu(icons.icon("faders", "dim"), "Be the knob of")
    for param in params:
        if param.live and not isinstance(param, Trigger):
            pushed.addAction(param.label, functools.partial(modulate, session, feature, line.name, index, param.name))
        bound.addAction(param.label, functools.partial(bind, session, feature, line.name, index, param.name))
    for part in (pushed, bound):
        part.setEnabled(bool(part.actions()))
