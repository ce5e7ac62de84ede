"""The part of the output's menu that leads to other programs, and the dialog of the preview in a browser."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QGuiApplication, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QCheckBox, QDialog, QHBoxLayout, QLabel, QLineEdit, QMenu, QSpinBox, QVBoxLayout, QWidget

from studio.devices.preview import FPS, MOST_VIEWERS, PORT, PreviewError
from studio.session.session import Session
from studio.ui import icons, theme
from studio.ui.kit.buttons import button, tool_button
from studio.ui.kit.menus import heading

Cells = NDArray[np.uint8]

_QUIET = 4
"""Cells of nothing around a QR code, as the standard asks."""


def fill_ways_out(menu: QMenu, session: Session, parent: QWidget) -> None:
    """Add the other programs, greyed with the cure where they are missing, and the preview."""
    heading(menu, "To other programs")
    menu.setToolTipsVisible(True)
    for key, way in session.outputs.ways.items():
        kind = way.kind
        state = {"opening": "  ·  opening", "failed": f"  ·  {way.reason}"[:60]}.get(way.state, "")
        words = f"  ·  {kind.reason}" if kind.reason else state
        action = menu.addAction(icons.icon("broadcast"), f"{kind.title}{words}")
        action.setCheckable(True)
        action.setChecked(way.state in ("opening", "on"))
        action.setEnabled(not kind.reason)
        action.setToolTip(f"{kind.about[:1].upper()}{kind.about[1:]}" + (f"\n{kind.cure}" if kind.cure else ""))
        action.triggered.connect(functools.partial(_toggle, session, key))
    text = "Preview in a browser …"
    if session.outputs.preview.running:
        text += f"  ·  on, {session.outputs.preview.viewers} looking"
    preview = menu.addAction(icons.icon("monitor"), text)
    preview.setToolTip("The programme on a phone or a second machine, over the network, with a token")
    preview.triggered.connect(lambda: PreviewDialog(session, parent).show())


def _toggle(session: Session, key: str, _checked: bool = False) -> None:
    session.outputs.toggle(key)


def qr_cells(text: str) -> Cells | None:
    """A QR code of ``text`` as cells, uint8 ``(rows, columns)`` 0 is dark; None where it cannot be made."""
    import cv2

    try:
        return np.asarray(cv2.QRCodeEncoder.create().encode(text), np.uint8)
    except (cv2.error, AttributeError):
        return None


class QrCode(QWidget):
    """A QR code, dark on white as cameras like it; without a text an empty field."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image: QImage | None = None
        self.setAccessibleName("QR code of the address")
        self.setFixedSize(theme.px(184), theme.px(184))

    def set_text(self, text: str) -> None:
        """What it says; '' for nothing."""
        cells = qr_cells(text) if text else None
        self._image = None
        if cells is not None:
            whole = np.ascontiguousarray(np.pad(_trimmed(cells), _QUIET, constant_values=255))
            self._image = QImage(whole.data, whole.shape[1], whole.shape[0], whole.strides[0],
                                 QImage.Format.Format_Grayscale8).copy()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        area = QRectF(self.rect())
        if self._image is None:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(theme.color("line"))
            painter.setBrush(theme.color("panel"))
            painter.drawRoundedRect(area.adjusted(1, 1, -1, -1), theme.px(6), theme.px(6))
            painter.setPen(theme.color("faint"))
            painter.setFont(theme.font("small"))
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, "The preview is off")
            return
        painter.fillRect(area, QColor("#ffffff"))
        # whole pixels a cell: soft edges are hard to read for a camera
        cell = max(1, int(min(area.width(), area.height()) * self.devicePixelRatioF()) // self._image.width())
        side = cell * self._image.width() / self.devicePixelRatioF()
        painter.drawImage(QRectF((area.width() - side) / 2, (area.height() - side) / 2, side, side), self._image)


def _trimmed(cells: Cells) -> Cells:
    """The code without the empty cells around it."""
    dark = cells < 128
    rows, columns = np.flatnonzero(dark.any(axis=1)), np.flatnonzero(dark.any(axis=0))
    return cells[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


class PreviewDialog(QDialog):
    """Turns the preview on and off; shows its address to type, copy or scan."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Preview in a browser")
        column = QVBoxLayout(self)
        margin = theme.space(5)
        column.setContentsMargins(margin, margin, margin, theme.space(4))
        column.setSpacing(theme.space(3))
        head = QLabel("The programme on a phone or a second machine")
        theme.set_role(head, "title")
        column.addWidget(head)
        row = QHBoxLayout()
        row.setSpacing(theme.space(5))
        self.code = QrCode()
        row.addWidget(self.code, alignment=Qt.AlignmentFlag.AlignTop)
        row.addLayout(self._form(), 1)
        column.addLayout(row)
        self.problem = QLabel("", wordWrap=True)
        theme.set_role(self.problem, "danger")
        self.problem.hide()
        column.addWidget(self.problem)
        ends = QHBoxLayout()
        self.state = QLabel("")
        theme.set_role(self.state, "dim")
        ends.addWidget(self.state, 1)
        ends.addWidget(button("Close", clicked=self.close))
        self.power = button("Turn on", role="primary", clicked=self._toggle)
        ends.addWidget(self.power)
        column.addLayout(ends)
        self.setMinimumWidth(theme.px(600))
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._show_state)
        self._timer.start(500)
        self._show()

    def _form(self) -> QVBoxLayout:
        form = QVBoxLayout()
        form.setSpacing(theme.space(2))
        words = QLabel("Scan the code or type the address. It holds a token that is new each time; without it nothing "
                       f"is shown. At most {MOST_VIEWERS} look at once, at {FPS:.0f} small pictures a second: the show "
                       "goes first.", wordWrap=True)
        theme.set_role(words, "dim")
        form.addWidget(words)
        self.public = QCheckBox("Let other machines in this network look")
        self.public.setToolTip("Off: only browsers on this computer. On: whoever has the address, unencrypted")
        self.public.setChecked(self._session.outputs.preview.open)
        self.public.toggled.connect(self._opened)
        form.addWidget(self.public)
        ports = QHBoxLayout()
        ports.addWidget(QLabel("Port"))
        self.port = QSpinBox()
        self.port.setRange(1024, 65535)
        self.port.setValue(self._session.outputs.preview.port or PORT)
        self.port.setAccessibleName("Port")
        self.port.setToolTip("TCP port that the preview listens at, 1024–65535")
        self.port.setFixedWidth(theme.px(96))
        ports.addWidget(self.port)
        ports.addStretch(1)
        form.addLayout(ports)
        line = QHBoxLayout()
        line.setSpacing(theme.space(1))
        self.address = QLineEdit()
        self.address.setReadOnly(True)
        self.address.setFont(theme.font("mono"))
        self.address.setAccessibleName("Address")
        self.address.setPlaceholderText("The address stands here once it is on")
        self.copy = tool_button("copy", "Copy the address", clicked=self._copy)
        line.addWidget(self.address, 1)
        line.addWidget(self.copy)
        form.addLayout(line)
        form.addStretch(1)
        return form

    def sizeHint(self) -> QSize:
        return QSize(theme.px(640), super().sizeHint().height())

    def _toggle(self) -> None:
        if self._session.outputs.preview.running:
            self._session.outputs.stop_preview()
            self._say("")
            self._show()
        else:
            self._start()

    def _opened(self, _on: bool) -> None:
        if self._session.outputs.preview.running:
            self._start()

    def _start(self) -> None:
        try:
            self._session.outputs.start_preview(self.port.value(), open_to_all=self.public.isChecked())
            self._say("")
        except PreviewError as error:
            text = str(error)
            self._say(f"{text[:1].upper()}{text[1:]}.")
        self._show()

    def _say(self, text: str) -> None:
        self.problem.setText(text)
        self.problem.setVisible(bool(text))

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.address.text())

    def _show(self) -> None:
        preview = self._session.outputs.preview
        self.code.set_text(preview.address)
        self.address.setText(preview.address)
        self.address.setCursorPosition(0)
        self.copy.setEnabled(preview.running)
        self.port.setEnabled(not preview.running)
        self.power.setText("Turn off" if preview.running else "Turn on")
        self._show_state()

    def _show_state(self) -> None:
        preview = self._session.outputs.preview
        if not preview.running:
            self.state.setText("Off")
        else:
            count = preview.viewers
            self.state.setText(f"On · {count} looking" if count else "On · nobody is looking")
