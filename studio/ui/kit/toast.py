"""Short messages at the foot of a window, which go away by themselves."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QEnterEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from studio.ui import icons, theme
from studio.ui.kit.buttons import button, tool_button

_ROLES = {"info": "accent", "good": "good", "warning": "warning", "error": "danger"}
_ICONS = {"info": "info", "good": "ok", "warning": "warning", "error": "error"}
_MOST = 3


class Toast(QWidget):
    """One message over the window. ``Toast.show_in`` stacks them; an error stays until it is closed."""

    closed = Signal()

    def __init__(
        self, host: QWidget, text: str, level: str = "info", action: tuple[str, Callable[[], object]] | None = None,
        *, seconds: float | None = None,
    ) -> None:
        super().__init__(host)
        self._role = _ROLES.get(level, "accent")
        self.text = text
        self.setAccessibleName(text)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        icon = QLabel()
        icon.setPixmap(icons.icon(_ICONS.get(level, "info"), self._role).pixmap(
            QSize(theme.px(18), theme.px(18)), host.devicePixelRatioF()))
        self._label = QLabel(text, wordWrap=True)
        self._label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        row = self._row = QHBoxLayout(self)
        row.setContentsMargins(theme.space(3), theme.space(2), theme.space(1.5), theme.space(2))
        row.setSpacing(theme.space(2))
        row.addWidget(icon, alignment=Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._label, 1)
        if action is not None:
            label, run = action
            chosen = button(label, role="ghost", clicked=run)
            chosen.clicked.connect(self.close_it)
            row.addWidget(chosen)
        row.addWidget(tool_button("close", "Close the message", size=14, clicked=self.close_it))
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.close_it)
        stay = seconds if seconds is not None else {"error": 0.0, "warning": 12.0}.get(level, 6.0)
        self._timer.setInterval(int(stay * 1000))
        if stay > 0:
            self._timer.start()

    @staticmethod
    def show_in(
        host: QWidget, text: str, level: str = "info", action: tuple[str, Callable[[], object]] | None = None,
        *, seconds: float | None = None,
    ) -> Toast:
        """Show a message at the foot of ``host``; the newest is lowest, the same text is shown once.

        ``level`` is ``info``, ``good``, ``warning`` or ``error``; ``seconds`` 0 stays until it is closed.
        """
        stack = _Stack.of(host)
        for old in stack.toasts:
            if old.text == text:
                old.close_it()
                break
        toast = Toast(host, text, level, action, seconds=seconds)
        stack.add(toast)
        return toast

    def width_wanted(self) -> int:
        """The width on one line, in pixels: a label that may wrap asks for less than that."""
        margins = self._row.contentsMargins()
        widths = [self._label.fontMetrics().horizontalAdvance(self.text) + theme.space(1)]
        for place in range(self._row.count()):
            item = self._row.itemAt(place)
            widget = item.widget() if item is not None else None
            if widget is not None and widget is not self._label:
                widths.append(widget.sizeHint().width())
        gaps = self._row.spacing() * (len(widths) - 1)
        return sum(widths) + gaps + margins.left() + margins.right()

    def close_it(self) -> None:
        """Take the message away."""
        self._timer.stop()
        self.closed.emit()
        self.hide()
        self.deleteLater()

    def enterEvent(self, event: QEnterEvent) -> None:
        self._timer.stop()  # it is being read

    def leaveEvent(self, event: QEvent) -> None:
        if self._timer.interval() > 0:
            self._timer.start()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setBrush(theme.color("raised"))
        painter.setPen(QPen(theme.blend(theme.color("raised"), theme.color(self._role), 0.55), 1))
        painter.drawRoundedRect(rect, theme.px(8), theme.px(8))


class _Stack(QObject):
    """The messages of one window, kept at its foot."""

    def __init__(self, host: QWidget) -> None:
        super().__init__(host)
        self.setObjectName("toasts")
        self._host = host
        self.toasts: list[Toast] = []
        host.installEventFilter(self)

    @staticmethod
    def of(host: QWidget) -> _Stack:
        found = host.findChild(_Stack, "toasts", Qt.FindChildOption.FindDirectChildrenOnly)
        return found if isinstance(found, _Stack) else _Stack(host)

    def add(self, toast: Toast) -> None:
        self.toasts.append(toast)
        toast.closed.connect(lambda: self._remove(toast))
        while len(self.toasts) > _MOST:
            self.toasts[0].close_it()
        self._place()
        toast.show()
        toast.raise_()

    def _remove(self, toast: Toast) -> None:
        if toast in self.toasts:
            self.toasts.remove(toast)
            self._place()

    def _place(self) -> None:
        y = self._host.height() - theme.space(4)
        width = min(self._host.width() - theme.space(8), theme.px(560))
        for toast in reversed(self.toasts):
            wide = min(width, toast.width_wanted())
            height = max(toast.heightForWidth(wide), toast.minimumSizeHint().height())
            y -= height
            toast.setGeometry((self._host.width() - wide) // 2, y, wide, height)
            y -= theme.space(2)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._place()
        return False
