"""The programme in the window, with what the operator has to know about it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.session.core import Core
from studio.ui import theme
from studio.ui.kit.painting import pill
from studio.ui.programme.compose import Programme


class ProgrammeView(QWidget):
    """See the module. ``set_label`` says where the programme goes."""

    doubleClicked = Signal()  # noqa: N815 - Qt's own spelling

    def __init__(self, programme: Programme, session: Core, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._programme, self._session = programme, session
        self._painted = -1
        self.label = "PROGRAMME"
        self.on_painted: Callable[[], object] = lambda: None
        """Called after each painting."""
        self.setAccessibleName("Programme")
        self.setToolTip("What the audience sees. Double click: to the output screen")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(theme.px(160), theme.px(90))

    def sizeHint(self) -> QSize:
        return QSize(theme.px(560), theme.px(315))

    def set_label(self, text: str) -> None:
        """What stands in the corner."""
        if text != self.label:
            self.label = text
            self.update()

    def refresh(self) -> None:
        """Repaint when there is something new."""
        if self._programme.revision != self._painted:
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        self._painted = self._programme.revision
        painter = QPainter(self)
        area = QRectF(self.rect())
        painter.fillRect(area, theme.color("picture_bg"))
        self._programme.paint(painter, area)
        mix = self._session.mix
        painter.setFont(theme.font("small"))
        words = [word for word, on in (("BLACKOUT", mix.blackout), ("FROZEN", mix.freeze), ("SAFE", mix.safe)) if on]
        corner = QPointF(theme.px(8), theme.px(8))
        ground = theme.color("picture_bg")
        ground.setAlpha(190)
        pill(painter, self.label, corner, ground, theme.color("dim"))
        if words:
            corner = QPointF(self.width() - theme.px(8), theme.px(8))
            pill(painter, "  ".join(words), corner, theme.color("danger"), theme.on_color(theme.color("danger")),
                 right=True)
        painter.end()
        self.on_painted()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.doubleClicked.emit()
