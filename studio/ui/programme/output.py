"""The programme alone, on a screen of its own; and the large numbers that say which screen is which."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QGuiApplication, QKeyEvent, QPainter, QPaintEvent, QScreen
from PySide6.QtWidgets import QWidget

from studio.session.core import Core
from studio.ui import theme
from studio.ui.programme.compose import SCALINGS, Programme
from studio.ui.programme.pattern import paint_pattern

IDENTIFY_SECONDS = 4.0
"""How long the numbers stay."""


def describe(screen: QScreen) -> str:
    """Size, rate and make of a screen, as a person reads it."""
    size, ratio = screen.size(), screen.devicePixelRatio()
    parts = [f"{round(size.width() * ratio)} × {round(size.height() * ratio)}", f"{screen.refreshRate():.0f} Hz"]
    make = " ".join(part for part in (screen.manufacturer(), screen.model()) if part)
    return " · ".join([*parts, make] if make else parts)


def find_screen(name: str) -> QScreen | None:
    """The screen of this name, if it is there."""
    return next((screen for screen in QGuiApplication.screens() if screen.name() == name), None)


class OutputWindow(QWidget):
    """Full screen, without decoration, cursor, menu or dialog; Escape closes it.

    When its screen is unplugged the system would move it over the controls: it hides at once instead, and comes back
    with the screen of the same name. ``changed`` tells that it came, went, or waits for its screen.
    """

    changed = Signal()

    def __init__(self, programme: Programme, session: Core) -> None:
        super().__init__(None, Qt.WindowType.Window | Qt.WindowType.FramelessWindowHint)
        self._programme, self._session = programme, session
        self._painted = -1
        self.screen_name = ""
        self.scaling = "fit"
        self.pattern = False
        self.on_key: Callable[[QKeyEvent], bool] = lambda event: False
        """Asked about keys that are pressed here: the panic row works wherever the keyboard is."""
        self.setWindowTitle("Reverie output")
        self.setAccessibleName("Output")
        self.setCursor(Qt.CursorShape.BlankCursor)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAttribute(Qt.WidgetAttribute.WA_NativeWindow)
        self.windowHandle().screenChanged.connect(self._moved_away)
        application = QGuiApplication.instance()
        assert isinstance(application, QGuiApplication)
        application.screenRemoved.connect(self._screen_removed)
        application.screenAdded.connect(self._screen_added)

    @property
    def waiting(self) -> bool:
        """Whether its screen is not there."""
        return bool(self.screen_name) and not self.isVisible()

    def show_on(self, screen: QScreen, *, focus: bool = False) -> None:
        """Fill this screen; with ``focus`` the keyboard goes there too (it covers the controls)."""
        if self.screen_name and self.screen_name != screen.name():
            self.hide()  # else some window managers leave it on the screen where it was full screen
        self.screen_name = screen.name()
        self._fill(screen, focus=focus)
        self.changed.emit()

    def _fill(self, screen: QScreen, *, focus: bool = False) -> None:
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating, not focus)
        self.windowHandle().setScreen(screen)
        self.setGeometry(screen.geometry())
        self.showFullScreen()
        screen.geometryChanged.connect(self._refit, Qt.ConnectionType.UniqueConnection)

    def close_output(self) -> None:
        """Put it away."""
        self.screen_name = ""
        self.hide()
        self.changed.emit()

    def set_scaling(self, scaling: str) -> None:
        """One of SCALINGS. Raises ValueError for another."""
        if scaling not in SCALINGS:
            raise ValueError(f"the picture is scaled by {', '.join(SCALINGS)}, not by {scaling!r}")
        self.scaling = scaling
        self.update()

    def set_pattern(self, on: bool) -> None:
        """Show the test pattern in place of the programme."""
        self.pattern = on
        self.update()

    # --- screens come and go ---

    def _moved_away(self, screen: QScreen | None) -> None:
        """The system has put it on another screen, because ours is gone: not over the controls."""
        if self.screen_name and (screen is None or screen.name() != self.screen_name):
            self._vanish()

    def _screen_removed(self, screen: QScreen) -> None:
        if screen.name() == self.screen_name:
            self._vanish()

    def _vanish(self) -> None:
        if self.isVisible():
            self.hide()
            self.changed.emit()

    def _screen_added(self, screen: QScreen) -> None:
        if screen.name() == self.screen_name:
            # a turn later: its place among the others is told right after its coming
            QTimer.singleShot(0, self, self._return)

    def _return(self) -> None:
        screen = find_screen(self.screen_name)
        if screen is not None:
            self._fill(screen)
            self.changed.emit()

    def _refit(self) -> None:
        screen = find_screen(self.screen_name)
        if screen is not None and self.isVisible() and self.geometry() != screen.geometry():
            self.setGeometry(screen.geometry())

    # --- painting and keys ---

    def refresh(self) -> None:
        """Repaint when there is something new."""
        if self.isVisible() and self._programme.revision != self._painted:
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        self._painted = self._programme.revision
        painter = QPainter(self)
        area = QRectF(self.rect())
        if self.pattern and not self._session.mix.blackout:
            screen = self.screen()
            paint_pattern(painter, area, screen.name(), describe(screen))
        else:
            self._programme.paint(painter, area, scaling=self.scaling)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close_output()
        elif not self.on_key(event):
            super().keyPressEvent(event)


class ScreenLabel(QWidget):
    """Number, name and size of one screen, on it, for a moment; takes neither keyboard nor mouse."""

    def __init__(self, number: int, screen: QScreen) -> None:
        flags = (Qt.WindowType.Tool | Qt.WindowType.FramelessWindowHint | Qt.WindowType.WindowStaysOnTopHint
                 | Qt.WindowType.WindowDoesNotAcceptFocus | Qt.WindowType.WindowTransparentForInput
                 | Qt.WindowType.BypassWindowManagerHint)
        super().__init__(None, flags)
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAccessibleName(f"Screen {number}: {screen.name()}")
        self._texts = (str(number), screen.name(), describe(screen))
        area = screen.geometry()
        width, height = min(area.width(), theme.px(420)), min(area.height(), theme.px(220))
        self.setScreen(screen)
        self.setGeometry(area.center().x() - width // 2, area.center().y() - height // 2, width, height)
        QTimer.singleShot(round(IDENTIFY_SECONDS * 1000), self, self.close)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor("#000000"))
        painter.setPen(QColor("#ffffff"))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        for text, top, part in zip(self._texts, (0.06, 0.58, 0.79), (0.52, 0.2, 0.14), strict=True):
            font = theme.font("title")
            font.setPixelSize(max(9, round(self.height() * part * 0.8)))
            painter.setFont(font)
            room = QRectF(0, self.height() * top, self.width(), self.height() * part)
            shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(room.width()) - 16)
            painter.drawText(room, Qt.AlignmentFlag.AlignCenter, shown)


def identify() -> list[ScreenLabel]:
    """Show on every screen which one it is."""
    labels = [ScreenLabel(number, screen) for number, screen in enumerate(QGuiApplication.screens(), 1)]
    for label in labels:
        label.show()
    return labels
