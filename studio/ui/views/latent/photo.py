"""The card of a search: the photograph beside what was found; the search itself is ``studio.session.photos``."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from studio.session.photos import PhotoSearch
from studio.ui import theme
from studio.ui.kit.buttons import tool_button
from studio.ui.kit.painting import to_qimage
from studio.ui.views.latent.tiles import paint_picture


class PhotoCard(QWidget):
    """The photograph beside what was found, how far it is, and a way to end it; hidden while there is nothing."""

    def __init__(self, search: PhotoSearch, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._search = search
        self._shown: tuple[int, float] = (-1, -1.0)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Search for a photograph's place")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, theme.space(1), theme.space(1), 0)
        self.cancel = tool_button("close", "End the search", tip="End the search and keep what was found", size=14,
                                  clicked=search.cancel)
        row.addStretch(1)
        row.addWidget(self.cancel, 0, Qt.AlignmentFlag.AlignTop)
        self.resize(self.sizeHint())
        self.hide()

    def sizeHint(self) -> QSize:
        return QSize(theme.px(186), theme.px(112))

    def refresh(self) -> None:
        """Follow the job."""
        job = self._search.job
        self.setVisible(job is not None)
        if job is not None and self._shown != (self._search.found.count, job.progress):
            self._shown = (self._search.found.count, job.progress)
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        job, found, request = self._search.job, self._search.found, self._search.request
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(theme.color("line"))
        painter.setBrush(theme.color("panel"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), theme.px(8), theme.px(8))
        side, gap = theme.px(64), theme.px(8)
        for index, frame in enumerate((found.target, found.picture)):
            image: QImage | None = to_qimage(frame) if frame is not None else None
            paint_picture(painter, QRectF(gap + index * (side + gap), gap, side, side), image, theme.px(5))
        bar = QRectF(gap, self.height() - gap - theme.px(4), self.width() - 2 * gap, theme.px(4))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("line"))
        painter.drawRoundedRect(bar, 2, 2)
        painter.setBrush(theme.color("image"))
        bar.setWidth(max(theme.px(4), bar.width() * (job.progress if job is not None else 1.0)))
        painter.drawRoundedRect(bar, 2, 2)
        painter.setPen(theme.color("dim"))
        painter.setFont(theme.font("tiny"))
        name = request.path.name if request is not None else ""
        line = QRectF(gap, side + gap + theme.px(4), self.width() - 2 * gap, theme.px(16))
        text = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, int(line.width()))
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, text)
