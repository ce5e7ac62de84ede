"""A recipe to choose on the training page."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from studio.training.recipes import About
from studio.ui import icons, theme
from studio.ui.kit.painting import focus_ring

KIND_ICONS = {"image": "image", "notes": "notes", "text": "text"}
ICONS = {"style": "brush", "features": "dream", "drums": "note", "roll": "piano"}


class RecipeCard(QAbstractButton):
    """A recipe to choose: its icon in the colour of what it makes, its title, what comes out."""

    def __init__(self, name: str, what: About, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name, self._what = name, what
        self.setCheckable(True)
        self.setText(what.title)
        self.setAccessibleName(what.title)
        self.setAccessibleDescription(f"{what.makes}. Needs: {what.needs}")
        self.setToolTip(f"{what.makes}\nNeeds: {what.needs}")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        metrics = QFontMetrics(theme.font("tiny"))
        flags = Qt.TextFlag.TextWordWrap.value
        room = QRect(0, 0, theme.px(210) - theme.space(7.5) - theme.px(20), 1000)
        text = metrics.boundingRect(room, flags, self._what.makes).height()
        height = text + QFontMetrics(theme.font("strong")).height() + theme.space(4) + theme.px(2)
        return QSize(theme.px(200), max(theme.px(58), height))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        ink = theme.kind_color(self._what.kind)
        on, hot = self.isChecked(), self.underMouse() or self.isDown()
        ground = "accent_soft" if on else "hover" if hot else "raised"
        painter.setBrush(theme.color(ground))
        painter.setPen(QPen(theme.color("accent" if on else "edge" if hot else "line"), 1))
        painter.drawRoundedRect(rect, theme.px(8), theme.px(8))
        side = theme.px(20)
        icon = QRectF(rect.left() + theme.space(3), rect.top() + theme.space(2.5), side, side)
        icons.paint(painter, ICONS.get(self.name, KIND_ICONS.get(self._what.kind, "model")), icon, ink)
        room = rect.adjusted(side + theme.space(5.5), theme.space(2), -theme.space(2), -theme.space(1.5))
        painter.setFont(theme.font("strong"))
        painter.setPen(theme.color("text"))
        line = painter.fontMetrics().height()
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, self.text())
        painter.setFont(theme.font("tiny"))
        painter.setPen(theme.color("dim"))
        flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap
        painter.drawText(room.adjusted(0, line + theme.px(1), 0, 0), flags, self._what.makes)
        if self.hasFocus():
            focus_ring(painter, rect, theme.px(8))
