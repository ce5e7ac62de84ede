# ruff: noqa: F811 - fixtures of another file
"""The panel of how a player plays: rows that change it, bind it and follow a controller."""

from __future__ import annotations

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from test_sequencer import session  # noqa: F401

from studio.control.binding import PLAYER, Binding, Source
from studio.session.session import Session
from studio.ui.kit.toast import Toast
from studio.ui.views.sequencer import NotesView


def test_rows_change_what_is_played_and_follow_controllers(qtbot: QtBot, session: Session) -> None:
    session.add_player()
    session.playback.set_options("1", sink="silent")
    session.load("1", "test.steps")
    qtbot.waitUntil(lambda: (session.pump(), session.players["1"].slots[0].stage is not None)[1], timeout=20_000)
    view = NotesView(session, "1", 0)
    qtbot.addWidget(view)
    view.resize(1280, 400)
    view.show()
    button = view.bar.feel
    assert not button.button.isChecked() and "Swing" in button.button.toolTip()
    qtbot.mouseClick(button.button, Qt.MouseButton.LeftButton)
    panel = button.panel
    assert panel is not None and panel.isVisible() and "volume" not in panel.rows
    panel.rows["swing"].commit(62.0)
    feel = session.playback.playing["1"].feel
    assert feel["swing"] == 62.0 and session.history.undo_label == "Swing of Player 1"
    view.refresh()
    assert button.button.isChecked() and "Swing 62.0" in button.button.toolTip()
    session.controls.board.write(session.controls.target("1", PLAYER, "transpose"), 1.0)
    qtbot.waitUntil(lambda: panel.rows["transpose"].value == 24, timeout=20_000)
    names = [action.text() for action in panel.rows["chance"].menu().actions()]
    assert "Bind to controller…" in names and "Modulate" in names
    session.undo()
    assert feel["swing"] == 50.0
    panel.rows["humanise"].bind_requested.emit("humanise")
    target = session.controls.target("1", PLAYER, "humanise")
    assert session.controls.learning_for == target and view.findChildren(Toast)
    session.controls.cancel_learn()
    binding = session.controls.bind(Source("cc", 3), target)
    assert isinstance(binding, Binding) and session.controls.bindings_of("1", PLAYER, "humanise") == [binding]
    view.close_view()
