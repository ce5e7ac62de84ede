"""A recipe to choose on the training page."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from studio.training.recipes import About
from studio.ui import icons, theme
from studio.ui.kit.painting import card_ground, focus_ring

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
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def sizeHint(self) -> QSize:
        return QSize(theme.px(200), self.heightForWidth(theme.px(220)))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.px(120), theme.px(56))

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        """The title, and below it all of what it makes."""
        room = QRect(0, 0, max(40, width - theme.px(20) - theme.space(8)), 1000)
        text = QFontMetrics(theme.font("tiny")).boundingRect(room, Qt.TextFlag.TextWordWrap.value, self._what.makes)
        return max(theme.px(56), text.height() + QFontMetrics(theme.font("strong")).height() + theme.space(4.5))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = card_ground(painter, self, on=self.isChecked())
        ink = theme.kind_color(self._what.kind)
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
