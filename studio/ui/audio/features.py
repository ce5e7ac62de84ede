"""The features as rows: a name, its value now, a button for what it can move; dragged onto a parameter as well."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QContextMenuEvent, QDrag, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QApplication, QMenu, QSizePolicy, QWidget

from studio.control.audio import FEATURES
from studio.control.modulators import FromAudio
from studio.session.core import Core
from studio.ui import icons, theme
from studio.ui.audio.use import fill_use_menu
from studio.ui.kit import mime
from studio.ui.kit.painting import focus_ring

SHOWN = ("level", "envelope", "bass", "mid", "treble", "onset", "beat", "centroid")


class FeatureRow(QWidget):
    """One feature. Click, Enter or Space: what it can move. Drag it onto a parameter of the inspector."""

    def __init__(self, session: Core, feature: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session, self.feature = session, feature
        self.value = 0.0
        self._pressed: QPoint | None = None
        self.setAccessibleName(FEATURES[feature])
        self.setToolTip(f"{FEATURES[feature]}: drag it onto a parameter, or click for what it can move (0–1)")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(theme.px(22))

    def sizeHint(self) -> QSize:
        return QSize(theme.px(200), theme.px(22))

    def show_value(self, value: float) -> None:
        """Draw another value, 0..1."""
        if abs(value - self.value) > 0.004:
            self.value = value
            self.update()

    def used(self) -> int:
        """How many bindings and modulators listen to it."""
        controls = self.session.controls
        bound = sum(b.source.kind == "audio" and b.source.address == self.feature for b in controls.bindings)
        return bound + sum(isinstance(m, FromAudio) and m.feature == self.feature for m in controls.modulators)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        hot = self.underMouse() or self.hasFocus()
        painter.setFont(theme.font("small"))
        painter.setPen(theme.color("text" if hot else "dim"))
        name = QRectF(theme.px(2), 0, theme.px(86), self.height())
        painter.drawText(name, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, FEATURES[self.feature])
        side = theme.px(14)
        sign = QRectF(self.width() - side - theme.px(3), (self.height() - side) / 2, side, side)
        used = self.used()
        role = "accent" if used else "text" if hot else "faint"
        icons.paint(painter, "link" if used else "plus", sign, theme.color(role))
        bar = QRectF(name.right(), 0, sign.left() - name.right() - theme.px(8), theme.px(6))
        bar.moveTop(self.height() / 2 - theme.px(3))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("raised"))
        painter.drawRoundedRect(bar, theme.px(3), theme.px(3))
        if self.value > 0.0:
            painter.setBrush(theme.color("audio"))
            painter.drawRoundedRect(QRectF(bar.left(), bar.top(), bar.width() * self.value, bar.height()),
                                    theme.px(3), theme.px(3))
        if self.hasFocus():
            focus_ring(painter, QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), theme.px(4))

    def open_menu(self, at: QPoint | None = None) -> QMenu:
        """The menu of what it can move."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        fill_use_menu(menu, self.session, self.feature)
        menu.popup(at or self.mapToGlobal(QPoint(self.width() // 2, self.height())))
        return menu

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed = event.position().toPoint()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        far = QApplication.startDragDistance()
        if self._pressed is None or (event.position().toPoint() - self._pressed).manhattanLength() < far:
            return
        self._pressed = None
        drag = QDrag(self)
        drag.setMimeData(mime.make(mime.AUDIO, self.feature))
        drag.setPixmap(self._token())
        drag.exec(Qt.DropAction.LinkAction | Qt.DropAction.CopyAction)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._pressed is not None:
            self._pressed = None
            self.open_menu(event.globalPosition().toPoint())

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.open_menu(event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space, Qt.Key.Key_Menu):
            self.open_menu()
        else:
            super().keyPressEvent(event)

    def _token(self) -> QPixmap:
        """What hangs at the hand while it is dragged."""
        text = FEATURES[self.feature]
        metrics = self.fontMetrics()
        size = QSize(metrics.horizontalAdvance(text) + theme.px(20), theme.px(22))
        picture = QPixmap(size * self.devicePixelRatioF())
        picture.setDevicePixelRatio(self.devicePixelRatioF())
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("audio"))
        painter.drawRoundedRect(QRectF(0, 0, size.width(), size.height()), theme.px(11), theme.px(11))
        painter.setPen(theme.on_color(theme.color("audio")))
        painter.drawText(QRectF(0, 0, size.width(), size.height()), Qt.AlignmentFlag.AlignCenter, text)
        painter.end()
        return picture
