"""Learning by clicks: click any control of the window, move a knob; the next click binds the next one. Escape ends it.

While it lasts a click on a control that can be bound presses nothing: it chooses what is learned.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import shiboken6
from PySide6.QtCore import QEvent, QObject, QRect, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QApplication, QWidget

from studio.control.binding import Binding, Target
from studio.session.control_status import title_of
from studio.ui import theme
from studio.ui.inspector.row import ParamRow
from studio.ui.kit import Toast

if TYPE_CHECKING:
    from studio.ui.window import MainWindow


class Halo(QWidget):
    """Frames around what can be bound; the one under the pointer and the one that is learned stand out."""

    def __init__(self, mode: LearnMode, window: QWidget) -> None:
        super().__init__(window)
        self._mode, self._window = mode, window
        self.hot: QWidget | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setGeometry(window.rect())
        self.raise_()
        self.show()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        learned = self._mode.session.controls.learning_for
        for widget, target in self._mode.places():
            seen = widget.visibleRegion().boundingRect()  # a row may be half scrolled away
            rect = QRectF(QRect(widget.mapTo(self._window, seen.topLeft()), seen.size())).adjusted(0.5, 0.5, -0.5, -0.5)
            waits = target == learned
            ink = theme.color("warning" if waits else "accent")
            painter.setPen(QPen(ink, theme.px(2 if waits or widget is self.hot else 1)))
            ink.setAlphaF(0.3 if waits or widget is self.hot else 0.08)
            painter.setBrush(ink)
            painter.drawRoundedRect(rect, theme.px(5), theme.px(5))


class LearnMode(QObject):
    """See the module. One for a window; ``toggle`` begins and ends it."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.window_, self.session = window, window.session
        self.on = False
        self._halo: Halo | None = None
        self._toast: Toast | None = None
        transport = window.transport
        self._fixed: list[tuple[QWidget, Target]] = [
            (transport.blackout, Target("blackout")), (transport.freeze, Target("freeze")),
            (transport.safe, Target("safe")), (transport.master, Target("fade")), (transport.bpm, Target("bpm")),
            (transport.tap, Target("tap")), (transport.half, Target("halve")), (transport.double, Target("double")),
            (transport.one, Target("align")), (window.decks.crossfader, Target("crossfade")),
            (window.decks.mix_row.cut, Target("cut")), (window.decks.mix_row.blend, Target("blend")),
            (window.setlist.go, Target("go")), (window.setlist.back, Target("back")),
        ]

    def toggle(self) -> bool:
        """Begin or end; returns whether it is on now."""
        self.end() if self.on else self.begin()
        return self.on

    def begin(self) -> None:
        """Wait for clicks."""
        self.on = True
        application = QApplication.instance()
        assert application is not None
        application.installEventFilter(self)
        self._halo = Halo(self, self.window_)
        self._say("Click a control, then move a knob, press a pad or send OSC. Escape ends it.")

    def end(self) -> None:
        """Clicks do what they always do."""
        if not self.on:
            return
        self.on = False
        application = QApplication.instance()
        if application is not None:
            application.removeEventFilter(self)
        if self.session.controls.learning_for is not None:
            self.session.controls.cancel_learn()
        if self._halo is not None:
            self._halo.hide()
            self._halo.deleteLater()
            self._halo = None
        self._close_toast()

    def places(self) -> Iterator[tuple[QWidget, Target]]:
        """Widgets in sight that can be bound, with what they move."""
        for widget, target in self._fixed:
            if widget.isVisible():
                yield widget, target
        for row in self.window_.inspector.findChildren(QWidget):
            bindable = isinstance(row, ParamRow) and row.param.automatable
            if bindable and row.isVisible() and not row.visibleRegion().isEmpty():
                assert isinstance(row, ParamRow)
                yield row, self.session.controls.target(row.edits.line, row.edits.index, row.name)

    def _at(self, widget: QObject | None) -> tuple[QWidget, Target] | None:
        known = {id(place): (place, target) for place, target in self.places()}
        while isinstance(widget, QWidget):
            if id(widget) in known:
                return known[id(widget)]
            widget = widget.parentWidget()
        return None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind == QEvent.Type.KeyPress and isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            self.end()
            return True
        if kind == QEvent.Type.Resize and watched is self.window_ and self._halo is not None:
            self._halo.setGeometry(self.window_.rect())
        if not isinstance(watched, QWidget) or not isinstance(event, QMouseEvent):
            return False
        if kind == QEvent.Type.MouseMove and self._halo is not None:
            self._halo.hot = (self._at(watched) or (None,))[0]
            self._halo.update()
            return False
        presses = (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonRelease, QEvent.Type.MouseButtonDblClick)
        found = self._at(watched) if kind in presses and event.button() == Qt.MouseButton.LeftButton else None
        if found is None:
            return False
        if kind == QEvent.Type.MouseButtonPress:
            self._learn(found[1])
        return True

    def _learn(self, target: Target) -> None:
        controls = self.session.controls
        if controls.learning_for is not None:
            controls.cancel_learn()
        controls.learn(target, self._learned)
        self._say(f"Move a knob, press a pad or send OSC for {title_of(self.session, target)}")
        if self._halo is not None:
            self._halo.update()

    def _learned(self, binding: Binding) -> None:
        if shiboken6.isValid(self) and self.on:
            title = title_of(self.session, binding.target)
            self._say(f"{title} follows {binding.source.text()}. Click the next control; Escape ends it.")
            if self._halo is not None:
                self._halo.update()

    def _say(self, text: str) -> None:
        self._close_toast()
        self._toast = Toast.show_in(self.window_, text, "info", ("Done", self.end), seconds=0)

    def _close_toast(self) -> None:
        toast, self._toast = self._toast, None
        if toast is not None and shiboken6.isValid(toast):
            toast.close_it()
