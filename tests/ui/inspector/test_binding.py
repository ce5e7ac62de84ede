"""Binding and modulating from a row's menu: the toast, the knob, the second mark on the slider, undo."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from helpers_inspector import Desk
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from studio.ui.kit.toast import Toast
from tests.midi_client import listen_here


@pytest.fixture(autouse=True)
def no_ports(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A system whose MIDI service has no ports: the test is the controller."""

    listen_here(monkeypatch)
    yield


def entry(desk: Desk, name: str, *path: str) -> QAction:
    """An entry of a row's menu."""
    menu = desk.row(name).menu()
    desk.menus = [*getattr(desk, "menus", []), menu]  # type: ignore[attr-defined]
    for step in path[:-1]:
        found = next(a for a in menu.actions() if a.text().startswith(step)).menu()
        assert isinstance(found, QMenu)
        menu = found
    return next(a for a in menu.actions() if a.text().startswith(path[-1]))


def toasts(desk: Desk) -> list[str]:
    return [toast.text for toast in desk.inspector.window().findChildren(Toast) if toast.isVisible()]


def turn(desk: Desk, *values: int) -> None:
    for value in values:
        desk.session.controls.ports._midi("Pad", bytes([0xB0, 20, value]), 0.0)


def test_the_knob_that_moves_next_is_bound(zoo: Desk) -> None:
    entry(zoo, "speed", "Bind").trigger()
    assert zoo.session.controls.learning_for is not None
    assert any("Move a knob" in text and "Speed" in text for text in toasts(zoo))
    zoo.until(lambda: zoo.session.controls.router.learning)
    turn(zoo, 5, 6, 8, 11)
    zoo.until(lambda: len(zoo.session.bindings) == 1)
    assert toasts(zoo) == ["Speed follows CC 20, channel 1"]
    turn(zoo, 0, 127)  # past its value, in less than a tick
    zoo.until(lambda: zoo.values["speed"] == 4.0)
    zoo.until(lambda: zoo.row("speed").slider.position == 1.0)
    entry(zoo, "speed", "Unbind CC 20").trigger()
    assert not zoo.session.bindings


def test_waiting_for_a_knob_can_be_cancelled(zoo: Desk) -> None:
    for _ in range(2):  # asked for again, it waits no more
        entry(zoo, "speed", "Bind").trigger()
    assert zoo.session.controls.learning_for is None and toasts(zoo) == []
    entry(zoo, "scale", "Bind").trigger()
    entry(zoo, "speed", "Bind").trigger()
    assert [text for text in toasts(zoo) if "Speed" in text] and len(toasts(zoo)) == 1
    zoo.inspector.window().findChildren(Toast)[-1].close_it()
    assert zoo.session.controls.learning_for is None and not zoo.session.controls.router.learning


def test_a_quick_lfo_moves_the_second_mark_and_is_one_step(zoo: Desk) -> None:
    row = zoo.row("speed")
    before = zoo.values["speed"]
    zoo.values.set("speed", 2.0)
    entry(zoo, "speed", "Modulate", "Wave, once a beat").trigger()
    seen: set[float | None] = set()
    zoo.until(lambda: (seen.add(row.slider.ghost), len(seen) > 4)[1])
    assert zoo.values["speed"] == 2.0 and row.slider.position == pytest.approx(0.5)
    assert all(mark is None or 0.24 <= mark <= 0.76 for mark in seen)
    assert entry(zoo, "speed", "Modulate", "Beat wave").isChecked()
    entry(zoo, "speed", "Modulate", "No modulation").trigger()
    zoo.until(lambda: row.slider.ghost is None)
    assert not entry(zoo, "speed", "Modulate", "Beat wave").isChecked()
    zoo.session.undo()
    zoo.until(lambda: row.slider.ghost is not None)
    zoo.session.undo()
    zoo.until(lambda: row.slider.ghost is None)
    assert not zoo.session.modulators and before != 2.0


def test_what_restarts_its_generator_is_not_modulated(zoo: Desk) -> None:
    assert not entry(zoo, "size", "Modulate").isEnabled()
    assert not [a for a in zoo.row("fire").menu().actions() if a.text().startswith("Modulate")]
