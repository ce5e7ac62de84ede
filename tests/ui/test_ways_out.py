"""The output menu's other programs and the dialog of the preview."""

from __future__ import annotations

import socket
from typing import Any

import cv2
import numpy as np
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu, QWidget

from studio.session.session import Session
from studio.ui.programme.ways_out import PreviewDialog, fill_ways_out
from studio.ui.window import MainWindow


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_what_is_missing_is_grey_with_reason_and_cure(session: Session, qtbot: Any) -> None:
    menu, parent = QMenu(), QWidget()
    qtbot.addWidget(menu)
    qtbot.addWidget(parent)
    fill_ways_out(menu, session, parent)
    shown = {action.text(): action for action in menu.actions()}
    for way in session.outputs.ways.values():
        action = next(action for text, action in shown.items() if text.startswith(way.kind.title))
        assert action.isEnabled() == (not way.kind.reason)
        assert way.kind.reason in action.text() and way.kind.cure in action.toolTip()
    assert any(text.startswith("Preview in a browser") for text in shown)


def test_the_dialog_turns_the_preview_on_and_its_code_reads_as_the_address(session: Session, qtbot: Any) -> None:
    dialog = PreviewDialog(session)
    qtbot.addWidget(dialog)
    dialog.port.setValue(free_port())
    dialog.power.click()
    address = session.outputs.preview.address
    assert dialog.address.text() == address and "?t=" in address and dialog.power.text() == "Turn off"
    picture = dialog.code.grab().toImage().convertToFormat(dialog.code.grab().toImage().Format.Format_Grayscale8)
    pixels = np.frombuffer(picture.constBits(), np.uint8).reshape(picture.height(), picture.bytesPerLine())
    assert cv2.QRCodeDetector().detectAndDecode(np.ascontiguousarray(pixels[:, : picture.width()]))[0] == address
    dialog.copy.click()
    assert QGuiApplication.clipboard().text() == address
    dialog.power.click()
    assert not session.outputs.preview.running and dialog.address.text() == ""


def test_a_port_in_use_is_said_in_the_dialog(session: Session, qtbot: Any) -> None:
    dialog = PreviewDialog(session)
    qtbot.addWidget(dialog)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        dialog.port.setValue(other.getsockname()[1])
        dialog.power.click()
        assert "is free" in dialog.problem.text() and not dialog.problem.isHidden()
    dialog.power.click()
    assert session.outputs.preview.running and dialog.problem.text() == ""


def test_the_preview_is_a_command_too(session: Session, qtbot: Any) -> None:
    window = MainWindow(session)
    qtbot.addWidget(window)
    window.screens.open_preview()
    dialog = window.findChild(PreviewDialog)
    assert dialog is not None and dialog.isVisible()
    assert any(action.text().replace("&", "") == "Preview in a browser …"
               for menu in window.actions_.menus.values() for action in menu.actions())
    dialog.close()
    window.close_now()
