"""The keyframe strip: pictures in time, with how the way to each is travelled. Its text parameter stays the truth."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QDragEnterEvent,
    QDropEvent,
    QKeyEvent,
    QMouseEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QVBoxLayout, QWidget

from studio.nn.places import EASINGS, Keyframe, LatentError, Where, as_place, format_keyframes, parse_keyframes
from studio.ui import icons, theme
from studio.ui.kit import mime
from studio.ui.kit.buttons import button, tool_button
from studio.ui.views.latent.bench import Bench
from studio.ui.views.latent.tiles import dropped_place
from studio.ui.views.latent.track_ground import SNAP, TrackGround
from studio.ui.views.slots import first_picture

LEAST_GAP = 0.05


class KeyframeTrack(TrackGround):
    """The painted track. Drag a picture in time (Shift: without snapping), click it to go there, click a way to choose
    its easing; Delete removes, arrows move the chosen one. The wheel zooms time. A picture file that is dropped is told
    as ``photo_dropped(path, time)``."""

    photo_dropped = Signal(object, float)

    def __init__(self, bench: Bench, parent: QWidget | None = None) -> None:
        super().__init__(bench, parent)
        bench.changed.connect(self.read)
        self.read()

    # --- the text ---

    def _written(self) -> tuple[str, str]:
        return str(self._bench.get("keyframes", "")), str(self._bench.get("points", ""))

    @property
    def stale(self) -> bool:
        """Whether the text is another than the one that was read."""
        return self._written() != self._text

    def read(self) -> None:
        """Read the text, which may have been written elsewhere."""
        text = self._written()
        if text != self._text:
            self._text = text
            try:
                self.frames, self.fault = parse_keyframes(text[0], self._bench.points()), ""
            except LatentError as error:
                self.fault = str(error)
            self.chosen = min(self.chosen, len(self.frames) - 1)
        self._wish()
        self.update()

    def write(self, frames: list[Keyframe], label: str, *, points: dict[str, Where] | None = None) -> None:
        """Write the text."""
        text = format_keyframes(frames)
        if points is not None and points != self._bench.points():
            self._bench.set_points(points, label, gesture=self._gesture, keyframes=text)
        else:
            self._bench.set(label, gesture=self._gesture, keyframes=text)
        self.read()

    def add(self, where: Where, time: float | None = None) -> None:
        """Put a place into the path, by default after its end."""
        word, points = self._bench.word_for(where, "key")
        steps = [b.time - a.time for a, b in zip(self.frames, self.frames[1:], strict=False)]
        if time is None:
            time = self.frames[-1].time + (steps[-1] if steps else 2.0) if self.frames else 0.0
        time = self._free(max(0.0, time), -1)
        frame = Keyframe(time, as_place(where), "smooth", word)
        self.write([*self.frames, frame], "Add a keyframe", points=points)
        self.chosen = next((index for index, known in enumerate(self.frames) if known.time == frame.time), -1)

    def remove(self, index: int) -> None:
        """Take a keyframe out; a path keeps two."""
        if len(self.frames) <= 2:
            self._bench.session.notice("a path needs two keyframes; add another before you remove this one")
            return
        if 0 <= index < len(self.frames):
            self.write([frame for at, frame in enumerate(self.frames) if at != index], "Remove a keyframe")

    def set_easing(self, index: int, easing: str) -> None:
        """How the way to a keyframe is travelled."""
        frames = list(self.frames)
        frames[index] = replace(frames[index], easing=easing)
        self.write(frames, "Easing")

    def move_to(self, index: int, time: float) -> int:
        """Move a keyframe in time; returns its new number."""
        time = self._free(max(0.0, min(1e6, time)), index)
        if time == self.frames[index].time:
            return index
        frames = list(self.frames)
        frames[index] = replace(frames[index], time=time)
        moved = frames[index]
        self.write(frames, "Move a keyframe")
        return next(at for at, frame in enumerate(self.frames) if frame.time == moved.time)

    def _free(self, time: float, index: int) -> float:
        """The nearest time that no other keyframe has."""
        others = {round(frame.time, 6) for at, frame in enumerate(self.frames) if at != index}
        time = round(time, 3)
        while any(abs(time - other) < LEAST_GAP / 2 for other in others):
            time = round(time + LEAST_GAP, 3)
        return time

    def go(self, index: int) -> None:
        """Send the picture to a keyframe."""
        self._bench.go(self.frames[index].seed, "Go to a keyframe")

    # --- hands ---

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        self._pressed, self._moved = event.position(), False
        index = self.frame_at(event.position())
        self.chosen = index
        if index >= 0:
            self._span = self._range()[1] * self._zoom
            self._dragged = index
            self._grip = event.position().x() - self.to_x(self.frames[index].time)
            self._gesture = self._bench.begin("keyframe")
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        point = event.position()
        if self._dragged < 0:
            hover = (self.frame_at(point), self.way_at(point))
            if hover != self._hover:
                self._hover = hover
                self.setCursor(Qt.CursorShape.PointingHandCursor if max(hover) >= 0 else Qt.CursorShape.ArrowCursor)
                self.update()
            return
        if not self._moved and (point - self._pressed).manhattanLength() < 5:
            return
        self._moved = True
        time = self.to_time(point.x() - self._grip)
        if not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            time = round(time / SNAP) * SNAP
        self._dragged = self.chosen = self.move_to(self._dragged, time)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        index, self._dragged = self._dragged, -1
        if index >= 0:
            self._gesture = None
            self._bench.end()
            if not self._moved:
                self.go(index)
        else:
            way = self.way_at(event.position())
            if way > 0:
                self.easing_menu(way).popup(event.globalPosition().toPoint())
        self.update()

    def easing_menu(self, index: int) -> QMenu:
        """The easings for the way to a keyframe."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for name in EASINGS:
            action = menu.addAction(name, lambda name=name: self.set_easing(index, name))  # type: ignore[misc]
            action.setCheckable(True)
            action.setChecked(self.frames[index].easing == name)
        return menu

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        point = QPointF(event.pos())
        index, way = self.frame_at(point), self.way_at(point)
        if index >= 0:
            menu = QMenu(self)
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.addAction(icons.icon("target"), "Go there", lambda: self.go(index))
            if index > 0:
                easings = menu.addMenu(icons.icon("ease"), "Easing")
                for name in EASINGS:
                    easings.addAction(name, lambda name=name: self.set_easing(index, name))  # type: ignore[misc]
            menu.addAction(icons.icon("trash"), "Remove", lambda: self.remove(index))
            menu.popup(event.globalPos())
        elif way > 0:
            self.easing_menu(way).popup(event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, count = event.key(), len(self.frames)
        step = (0.05 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else SNAP)
        control = event.modifiers() & Qt.KeyboardModifier.ControlModifier
        if key in (Qt.Key.Key_Left, Qt.Key.Key_Right) and count:
            way = 1 if key == Qt.Key.Key_Right else -1
            if control and self.chosen >= 0:
                self.chosen = self.move_to(self.chosen, self.frames[self.chosen].time + way * step)
            else:
                self.chosen = max(0, min(count - 1, self.chosen + way))
            self.update()
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and self.chosen >= 0:
            self.remove(self.chosen)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.chosen >= 0:
            self.go(self.chosen)
        elif key == Qt.Key.Key_E and self.chosen > 0:
            names = list(EASINGS)
            self.set_easing(self.chosen, names[(names.index(self.frames[self.chosen].easing) + 1) % len(names)])
        else:
            super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        turns, point = event.angleDelta().y() / 120, event.position().x()
        before = self.to_time(point)
        self._zoom = max(1.0, min(40.0, self._zoom * 1.2**turns))
        self._scroll = 0.0 if self._zoom == 1.0 else max(0.0, self._scroll + before - self.to_time(point))
        event.accept()
        self.update()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if dropped_place(event.mimeData()) or first_picture(mime.read(event.mimeData())) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        place = self._bench.read_dropped(dropped_place(event.mimeData()))
        time = max(0.0, round(self.to_time(event.position().x()) / SNAP) * SNAP)
        photo = first_picture(mime.read(event.mimeData()))
        if place is not None or photo is not None:
            event.acceptProposedAction()
        if place is not None:
            self.add(place, time)
        elif photo is not None:
            self.photo_dropped.emit(photo, time)


class KeyframeStrip(QWidget):
    """The track with its buttons: follow the path, add the picture of now, begin again after the end."""

    asked = Signal()

    def __init__(self, bench: Bench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.space(2))
        column = QVBoxLayout()
        column.setSpacing(theme.space(1))
        self.track = KeyframeTrack(bench)
        self.play = button("Follow", "play", checkable=True, tip="Travel the path; off: stand still where it is")
        self.play.clicked.connect(lambda on: self.follow(on))
        self.add = button("Add", "diamond-add", tip="Put the picture of now at the end of the path",
                          clicked=lambda: self.track.add(bench.here()))
        pair = QHBoxLayout()
        pair.setSpacing(theme.space(1))
        self.repeat = tool_button("loop", "Begin again", tip="Begin again after the last keyframe", checkable=True,
                                  role="raised")
        self.repeat.clicked.connect(lambda on: bench.set("Repeat", repeat=on))
        self.remove = tool_button("trash", "Remove the chosen keyframe", role="raised",
                                  clicked=lambda: self.track.remove(self.track.chosen))
        pair.addWidget(self.repeat)
        pair.addWidget(self.remove)
        for item in (self.play, self.add):
            column.addWidget(item)
        column.addLayout(pair)
        column.addStretch(1)
        row.addLayout(column)
        right = QVBoxLayout()
        right.setSpacing(theme.space(2))
        right.addWidget(self.track, 1)
        self.text = QLineEdit()
        self.text.setAccessibleName("Keyframes as text")
        self.text.setToolTip("The path as text: seed@time, such as 12@0 40@2:smooth rose@4:in")
        self.text.setMaxLength(20_000)
        self.text.editingFinished.connect(self._written)
        right.addWidget(self.text)
        row.addLayout(right, 1)
        bench.changed.connect(self._values_changed)
        self._values_changed()

    def follow(self, on: bool) -> None:
        """Travel the path from its beginning, or stand still where it is."""
        if on:
            self._bench.set("Follow the path", mode="keyframes")
            self._bench.fire("restart")
        else:
            self._bench.go(self._bench.here(), "Stand still", mode="still")

    def set_compact(self, on: bool) -> None:
        """Without the text, where the strip has a row of its own."""
        self.text.setVisible(not on)

    def _written(self) -> None:
        text = self.text.text().strip()
        if text != str(self._bench.get("keyframes", "")).strip():
            self._bench.set("Keyframes", keyframes=text)

    def _values_changed(self) -> None:
        if not self.text.hasFocus():
            self.text.setText(str(self._bench.get("keyframes", "")))
            self.text.setCursorPosition(0)
        self.play.setChecked(self._bench.get("mode") == "keyframes")
        self.repeat.setChecked(bool(self._bench.get("repeat", True)))

    def refresh(self, fresh: bool) -> None:
        """Follow the path's text and its time."""
        if self.track.stale:
            self.track.read()
        self.track.refresh(fresh)
        self.remove.setEnabled(self.track.chosen >= 0)
