"""A look at the GIF before it is made: its colours, before and after, and how large it will be."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from studio.media import Frame
from studio.session.core import Core
from studio.session.exporting import ExportPlan, Look
from studio.session.gif_preview import FRAMES, MOST_SMALL, GifPreview, Trial, preview, trial_frames
from studio.session.memory import text as size_text
from studio.ui import theme
from studio.ui.background import Task, background
from studio.ui.kit.painting import fitted, rounded, to_qimage

WAIT_MS = 350


class Swatches(QWidget):
    """The colours of a palette, in rows."""

    COLUMNS = 32

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._colours: list[QColor] = []
        self.setAccessibleName("Palette")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)

    def show_colours(self, palette: np.ndarray[Any, Any]) -> None:
        """uint8 ``(colours, 3)``."""
        self._colours = [QColor(*(int(part) for part in colour)) for colour in palette]
        self.setAccessibleDescription(f"{len(self._colours)} colours")
        self.setToolTip(f"{len(self._colours)} colours of the palette, by hue")
        self.update()

    def colours(self) -> list[QColor]:
        """What is shown."""
        return self._colours

    def sizeHint(self) -> QSize:
        return QSize(theme.px(240), theme.px(72))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.px(120), theme.px(72))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        painter.setClipPath(rounded(area, theme.px(5)))
        painter.fillRect(area, theme.color("picture_bg"))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        rows = max(1, -(-256 // self.COLUMNS))
        wide, high = area.width() / self.COLUMNS, area.height() / rows
        for place, colour in enumerate(self._colours):
            x, y = place % self.COLUMNS, place // self.COLUMNS
            left, top = round(x * wide), round(y * high)
            painter.fillRect(left, top, round((x + 1) * wide) - left, round((y + 1) * high) - top, colour)


class Wipe(QWidget):
    """Before at the left of a line, after at its right; the line follows the mouse and the arrow keys."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._before: Frame | None = None
        self._after: Frame | None = None
        self.share = 0.5
        self.words = ""
        self.setAccessibleName("Before and after")
        self.setToolTip("Left: as it is, right: as a GIF. Move the mouse or press the arrow keys")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setCursor(Qt.CursorShape.SplitHCursor)

    def show_pair(self, before: Frame, after: Frame) -> None:
        """Two frames of one size."""
        self._before, self._after = before, after
        self.update()

    def set_words(self, words: str) -> None:
        """What to say while there is nothing to show."""
        self.words = words
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(theme.px(240), theme.px(180))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.px(120), theme.px(90))

    def _move(self, share: float) -> None:
        self.share = min(1.0, max(0.0, share))
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._after is not None:
            area = self._picture()
            self._move((event.position().x() - area.left()) / max(1.0, area.width()))

    def keyPressEvent(self, event: Any) -> None:
        step = {Qt.Key.Key_Left: -0.05, Qt.Key.Key_Right: 0.05}.get(event.key())
        if step is None:
            super().keyPressEvent(event)
        else:
            self._move(self.share + step)

    def _picture(self) -> QRectF:
        if self._after is None:
            return QRectF()
        return fitted(QSize(self._after.shape[1], self._after.shape[0]), QRectF(self.rect()))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        whole = QRectF(self.rect())
        painter.setClipPath(rounded(whole, theme.px(6)))
        painter.fillRect(whole, theme.color("picture_bg"))
        area = self._picture()
        if self._after is None or self._before is None:
            painter.setPen(theme.color("faint"))
            painter.setFont(theme.font("small"))
            inner = whole.adjusted(theme.space(3), 0, -theme.space(3), 0)
            painter.drawText(inner, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self.words)
            return
        painter.drawImage(area, to_qimage(self._after))
        line = area.left() + area.width() * self.share
        painter.setClipRect(QRectF(area.left(), area.top(), line - area.left(), area.height()))
        painter.drawImage(area, to_qimage(self._before))
        painter.setClipPath(rounded(whole, theme.px(6)))
        painter.setPen(QPen(theme.color("text"), theme.px(1.5)))
        painter.drawLine(QPointF(line, area.top()), QPointF(line, area.bottom()))
        if self.hasFocus():
            painter.setPen(QPen(theme.color("accent"), theme.px(1.5)))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(whole.adjusted(1, 1, -1, -1), theme.px(6), theme.px(6))


class GifPanel(QWidget):
    """See the module. ``ask(look, plan)`` tries what was chosen a moment after the hand rests."""

    def __init__(self, session: Core, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.result: GifPreview | None = None
        self._wanted: tuple[Look, ExportPlan] | None = None
        self._trial: tuple[tuple[Any, ...], Trial] | None = None
        self._task: Task | None = None
        self._wait = QTimer(self, singleShot=True, interval=WAIT_MS)
        self._wait.timeout.connect(self._start)
        self.wipe = Wipe()
        self.swatches = Swatches()
        self.size_text = QLabel("")
        self.size_text.setFont(theme.font("strong"))
        self.note = QLabel("", wordWrap=True)
        theme.set_role(self.note, "small")
        words = QHBoxLayout()
        sides = QLabel("Before │ after")
        theme.set_role(sides, "small")
        words.addWidget(sides)
        words.addStretch(1)
        words.addWidget(self.size_text)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.space(1.5))
        layout.addLayout(words)
        layout.addWidget(self.wipe, 1)
        layout.addWidget(self.swatches)
        layout.addWidget(self.note)

    def ask(self, look: Look, plan: ExportPlan) -> None:
        """Try this, soon."""
        self._wanted = (look, plan)
        self._wait.start()
        if self.result is None:
            self.wipe.set_words("Trying a few frames …")

    def _start(self) -> None:
        if self._wanted is None:
            return
        if self._task is not None:
            self._task.cancel()
        look, plan = self._wanted
        key = (id(look), plan.fps, plan.size or look.size or (512, 512), min(MOST_SMALL, plan.frames or FRAMES))
        held = self._trial[1] if self._trial is not None and self._trial[0] == key else None
        task = self._task = Task()

        def work() -> tuple[Trial, GifPreview]:
            trial = held or trial_frames(look, plan, task.cancelled)
            return trial, preview(look, plan, trial=trial, cancelled=task.cancelled)

        def done(found: tuple[Trial, GifPreview]) -> None:
            self._trial = (key, found[0])
            self.show_result(found[1])

        background(self.session, work, done, self._failed, owner=self, task=task)

    def _failed(self, why: str) -> None:
        self.wipe.set_words(why)
        self.note.setText(why)

    def show_result(self, found: GifPreview) -> None:
        """Show what the trial gave."""
        self.result = found
        self.wipe.show_pair(found.before, found.after)
        self.swatches.show_colours(found.palette)
        self.size_text.setText(f"about {size_text(found.size)}")
        parts = [f"{len(found.palette)} colours", "one palette for all frames" if found.palettes == "global" else
                 "a palette for each frame where it changes"]
        if found.psnr is not None:
            parts.append(f"{found.psnr:.0f} dB")
        self.note.setText(" · ".join(parts))

    def stop(self) -> None:
        """Forget what is being tried."""
        self._wait.stop()
        if self._task is not None:
            self._task.cancel()
