"""What the audience sees: decks A and B crossfaded, under fade, blackout, freeze and safe look.

Painting happens on the GUI thread from the last good frames, so it works whatever the generators do.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QLinearGradient, QMouseEvent, QPainter, QPaintEvent, QScreen
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.media import Frame
from studio.session.core import Core
from studio.ui import theme
from studio.ui.kit.painting import covering, fitted, pill, to_qimage

SMALL_PICTURE = (256, 144)
"""Pixels of the small pictures that snapshots and the like keep."""


class Programme:
    """Composes the programme; several widgets may paint from one."""

    def __init__(self, session: Core) -> None:
        self._session = session
        self._frames: dict[str, Frame | None] = {"A": None, "B": None}
        self._images: dict[str, QImage | None] = {"A": None, "B": None}
        self.revision = 0
        self.off = session.on("mix", lambda _: self._touch())

    def _touch(self) -> None:
        self.revision += 1

    def refresh(self) -> bool:
        """Pull the newest frames (unless frozen); returns whether there is anything new to paint."""
        before = self.revision
        if not self._session.mix.freeze:
            for name, line in self._session.decks.items():
                frame = line.frame()
                if frame is not self._frames[name]:
                    self._frames[name] = frame
                    self._images[name] = None if frame is None else to_qimage(frame)
                    self.revision += 1
        return self.revision != before

    @property
    def empty(self) -> bool:
        """Whether no deck has a picture."""
        return not any(self._images.values())

    def size(self) -> QSize:
        """Pixels of the larger picture that is seen."""
        sizes = [image.size() for image in self._images.values() if image is not None]
        return max(sizes, key=lambda size: size.width() * size.height(), default=QSize(512, 512))

    def paint(self, painter: QPainter, area: QRectF, *, cover: bool = False) -> None:
        """Paint into ``area``; with ``cover`` the picture fills it and what stands over is cut."""
        painter.fillRect(area, Qt.GlobalColor.black)
        mix = self._session.mix
        if mix.blackout:
            return
        if mix.safe:
            self._safe_look(painter, area)
        else:
            painter.save()
            painter.setClipRect(area)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            share_a, share_b = mix.weights()
            if self._images["A"] is None or self._images["B"] is None:  # a fade to or from nothing
                for name, share in (("A", share_a), ("B", share_b)):
                    self._draw(painter, name, share, area, cover)
            else:  # over an opaque A, B at its share: exactly the linear mix where both cover the same place
                self._draw(painter, "A", 1.0 if share_a > 0 else 0.0, area, cover)
                self._draw(painter, "B", share_b, area, cover)
            painter.restore()
        if mix.fade > 0:
            painter.fillRect(area, QColor.fromRgbF(0, 0, 0, mix.fade))

    def _draw(self, painter: QPainter, name: str, share: float, area: QRectF, cover: bool) -> None:
        image = self._images[name]
        if image is None or share <= 0:
            return
        painter.setOpacity(share)
        if cover:
            painter.drawImage(area, image, covering(image.size(), area))
        else:
            painter.drawImage(fitted(image.size(), area), image)
        painter.setOpacity(1.0)

    @staticmethod
    def _safe_look(painter: QPainter, area: QRectF) -> None:
        """A dim, calm gradient that needs no generator."""
        gradient = QLinearGradient(area.topLeft(), area.bottomRight())
        for at, color in ((0.0, "#0b1026"), (0.5, "#241a3a"), (1.0, "#06070d")):
            gradient.setColorAt(at, QColor(color))
        painter.fillRect(area, gradient)

    def picture(self, width: int = SMALL_PICTURE[0], height: int = SMALL_PICTURE[1]) -> QImage:
        """The programme as an image of this size, covered."""
        image = QImage(width, height, QImage.Format.Format_RGB888)
        painter = QPainter(image)
        self.paint(painter, QRectF(0, 0, width, height), cover=True)
        painter.end()
        return image


class ProgrammeView(QWidget):
    """The programme in the window."""

    doubleClicked = Signal()  # noqa: N815 - Qt's own spelling

    def __init__(self, programme: Programme, session: Core, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._programme, self._session = programme, session
        self._painted = -1
        self.label = "PROGRAMME"
        self.setAccessibleName("Programme")
        self.setToolTip("What the audience sees. Double click: to the output screen")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(theme.px(160), theme.px(90))

    def sizeHint(self) -> QSize:
        return QSize(theme.px(560), theme.px(315))

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

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.doubleClicked.emit()


class OutputWindow(QWidget):
    """The programme alone, on a screen of its own. Escape closes it; it never covers the controls.

    When its screen is unplugged the system would move it over the controls: it hides instead, and comes back with the
    screen of the same name.
    """

    closed = Signal()

    def __init__(self, programme: Programme, session: Core) -> None:
        super().__init__(None, Qt.WindowType.Window | Qt.WindowType.FramelessWindowHint)
        self._programme, self._session = programme, session
        self._painted = -1
        self.screen_name = ""
        self.setWindowTitle("Reverie output")
        self.setAccessibleName("Output")
        self.setCursor(Qt.CursorShape.BlankCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def show_on(self, screen: QScreen) -> None:
        """Fill this screen."""
        self.screen_name = screen.name()
        self.setScreen(screen)
        self.setGeometry(screen.geometry())
        self.showFullScreen()

    def follow(self, screens: list[QScreen]) -> None:
        """Screens came or went: hide while ours is gone, return with it."""
        ours = next((screen for screen in screens if screen.name() == self.screen_name), None)
        if ours is None:
            self.hide()
        elif not self.isVisible() or self.geometry() != ours.geometry():
            QTimer.singleShot(0, lambda: self.show_on(ours))

    def refresh(self) -> None:
        """Repaint when there is something new."""
        if self.isVisible() and self._programme.revision != self._painted:
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        self._painted = self._programme.revision
        painter = QPainter(self)
        self._programme.paint(painter, QRectF(self.rect()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
            self.screen_name = ""
            self.closed.emit()
        else:
            super().keyPressEvent(event)
