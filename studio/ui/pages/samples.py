"""What a training has made so far: a sheet of pictures, a text, or notes, the newest first, with the earlier ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPlainTextEdit, QSlider, QStackedWidget, QVBoxLayout, QWidget

from studio.session.core import Core
from studio.ui import reveal, theme
from studio.ui.background import Task, background
from studio.ui.kit import EmptyState, tool_button
from studio.ui.kit.painting import fitted, rounded

Notes = list[tuple[float, float, int, int]]
MAX_NOTES = 4000


class Picture(QWidget):
    """An image, whole, as large as there is room."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image = QImage()
        self.setMinimumSize(theme.px(80), theme.px(80))

    def set_image(self, image: QImage, name: str) -> None:
        """Show an image."""
        self._image = image
        self.setAccessibleName(name)
        self.update()

    def image(self) -> QImage:
        """What is shown."""
        return self._image

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        area = QRectF(self.rect())
        painter.fillPath(rounded(area, theme.px(6)), theme.color("picture_bg"))
        if not self._image.isNull():
            edge = theme.px(6)
            inner = area.adjusted(edge, edge, -edge, -edge)
            painter.drawImage(fitted(self._image.size(), inner), self._image)


class Roll(QWidget):
    """Notes as bars: time to the right, pitch up, loudness as brightness."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._notes: Notes = []
        self.setMinimumSize(theme.px(80), theme.px(80))

    def set_notes(self, notes: Notes, name: str) -> None:
        """Show notes: start and length in beats, pitch, velocity."""
        self._notes = notes
        self.setAccessibleName(f"{name}: {len(notes)} notes")
        self.update()

    def notes(self) -> Notes:
        """What is shown."""
        return self._notes

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        painter.fillPath(rounded(area, theme.px(6)), theme.color("picture_bg"))
        if not self._notes:
            return
        edge = theme.px(8)
        inner = area.adjusted(edge, edge, -edge, -edge)
        end = max(start + length for start, length, _, _ in self._notes)
        low, high = min(n[2] for n in self._notes) - 1, max(n[2] for n in self._notes) + 2
        row = inner.height() / (high - low)
        for beat in range(0, int(end) + 1, 4):
            x = inner.left() + beat / end * inner.width()
            painter.fillRect(QRectF(x, inner.top(), 1, inner.height()), theme.color("line"))
        painter.setPen(Qt.PenStyle.NoPen)
        for start, length, pitch, velocity in self._notes:
            ink = QColor(theme.color("notes"))
            ink.setAlphaF(0.35 + 0.65 * velocity / 127)
            painter.setBrush(ink)
            x, width = inner.left() + start / end * inner.width(), max(2.0, length / end * inner.width() - 1)
            y = inner.bottom() - (pitch - low + 1) * row
            painter.drawRoundedRect(QRectF(x, y, width, max(1.5, row - 1)), 1.5, 1.5)


def load_sample(path: Path) -> Any:
    """A sample as it is shown: an image, text or notes. Raises FileError or OSError."""
    from studio.files import FileError, read_text
    from studio.midi_file import read_midi

    if path.suffix == ".mid":
        notes = read_midi(path).notes[:MAX_NOTES]
        return [(note.start, note.duration, note.pitch, note.velocity) for note in notes]
    if path.suffix == ".txt":
        return read_text(path)[0]
    image = QImage(str(path))
    if image.isNull():
        raise FileError(f"{path.name} cannot be shown")
    side = 1600
    if max(image.width(), image.height()) > side:
        image = image.scaled(QSize(side, side), Qt.AspectRatioMode.KeepAspectRatio,
                             Qt.TransformationMode.SmoothTransformation)
    return image


class Samples(QWidget):
    """The samples of a training with a slider through their history."""

    def __init__(self, session: Core, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._files: list[Path] = []
        self._task: Task | None = None
        self._empty = EmptyState("image", "No sample yet", "The first comes at the step set as “Sample every”.")
        self.picture, self.roll = Picture(), Roll()
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setAccessibleName("Sample text")
        self.stack = QStackedWidget()
        for widget in (self._empty, self.picture, self.text, self.roll):
            self.stack.addWidget(widget)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName("Earlier samples")
        self.slider.setToolTip("Earlier samples: the newest is at the right")
        self.slider.valueChanged.connect(self._show)
        self.name = QLabel()
        self.name.setProperty("role", "small")
        self.open = tool_button("external", "Open this sample", size=14, clicked=self._open)
        self._foot = QWidget()
        foot = QHBoxLayout(self._foot)
        foot.setContentsMargins(0, 0, 0, 0)
        foot.setSpacing(theme.space(2))
        foot.addWidget(self.name)
        foot.addWidget(self.slider, 1)
        foot.addWidget(self.open)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.space(1))
        layout.addWidget(self.stack, 1)
        layout.addWidget(self._foot)
        self._foot.hide()

    def show_files(self, files: list[Path]) -> None:
        """Samples in the order they were made; a new one is shown at once unless an earlier one is being looked at."""
        if files == self._files:
            return
        newest = self.slider.value() == self.slider.maximum() or not self._files
        self._files = list(files)
        self._foot.setVisible(bool(files))
        self.slider.setVisible(len(files) > 1)
        self.slider.blockSignals(True)
        self.slider.setRange(0, max(0, len(files) - 1))
        if newest:
            self.slider.setValue(self.slider.maximum())
        self.slider.blockSignals(False)
        if not files:
            self.stack.setCurrentWidget(self._empty)
        elif newest:
            self._show()

    def _current(self) -> Path | None:
        place = self.slider.value()
        return self._files[place] if 0 <= place < len(self._files) else None

    def _show(self, _: int = 0) -> None:
        path = self._current()
        if path is None:
            return
        self.name.setText(f"{self.slider.value() + 1} of {len(self._files)}")
        self.name.setToolTip(path.name)
        if self._task is not None:
            self._task.cancel()
        self._task = background(self._session, lambda: load_sample(path), lambda got: self._loaded(path, got),
                                lambda why: self._failed(why), owner=self)

    def _loaded(self, path: Path, got: Any) -> None:
        if isinstance(got, str):
            self.text.setPlainText(got)
            self.stack.setCurrentWidget(self.text)
        elif isinstance(got, list):
            self.roll.set_notes(got, path.name)
            self.stack.setCurrentWidget(self.roll)
        else:
            self.picture.set_image(got, path.name)
            self.stack.setCurrentWidget(self.picture)

    def _failed(self, why: str) -> None:
        self._empty.set("warning", "This sample cannot be shown", why)
        self.stack.setCurrentWidget(self._empty)

    def _open(self) -> None:
        path = self._current()
        if path is not None:
            reveal.open_file(path)
