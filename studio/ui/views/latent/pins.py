"""Pins: the named points of the generator, as pictures in a row."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenu, QScrollArea, QSizePolicy, QWidget

from studio.nn.places import Where, as_place, is_name
from studio.ui import icons, theme
from studio.ui.kit.buttons import tool_button
from studio.ui.kit.dialogs import ask_text
from studio.ui.views.latent.bench import Bench
from studio.ui.views.latent.tiles import Tile, dropped_place


class PinTile(Tile):
    """One pin, with its name below the picture."""

    menu_wanted = Signal(QPoint)
    remove_wanted = Signal()
    rename_wanted = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(f"Pin {name}", side=44, parent=parent)
        self.name = name
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setToolTip(f"{name}: click to go there, drag into a slot or onto the path; F2 renames, Delete removes")

    def sizeHint(self) -> QSize:
        return QSize(theme.px(60), theme.px(44) + theme.px(15))

    def square(self) -> QRectF:
        side = theme.px(44)
        return QRectF((self.width() - side) / 2, 0, side, side)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setFont(theme.font("tiny"))
        painter.setPen(theme.color("dim"))
        line = QRectF(0, theme.px(45), self.width(), theme.px(14))
        text = painter.fontMetrics().elidedText(self.name, Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(line, Qt.AlignmentFlag.AlignCenter, text)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.menu_wanted.emit(event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.remove_wanted.emit()
        elif event.key() == Qt.Key.Key_F2:
            self.rename_wanted.emit()
        else:
            super().keyPressEvent(event)


class PinStrip(QWidget):
    """The row of pins. ``uses`` are more things to do with a pin: (label, icon, what to do with its name)."""

    photo_wanted = Signal()

    def __init__(
        self, bench: Bench, uses: Callable[[], list[tuple[str, str, Callable[[str], object]]]],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._bench, self._uses = bench, uses
        self.tiles: dict[str, PinTile] = {}
        self.setAcceptDrops(True)
        self.setAccessibleName("Pins")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.space(1))
        self.pin = tool_button("pin", "Pin this place", tip="Keep the picture of now as a pin (P on the map)",
                               clicked=self.pin_here)
        self.photo = tool_button("photo", "From a photograph", tip="Find the place that comes nearest to a picture "
                                 "file; or drop one anywhere here", clicked=self.photo_wanted.emit)
        row.addWidget(self.pin, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.photo, 0, Qt.AlignmentFlag.AlignTop)
        self._area = QScrollArea(widgetResizable=True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self._area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inner = QWidget()
        inner.setProperty("role", "page")
        self._row = QHBoxLayout(inner)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(theme.space(1))
        self._hint = QLabel("Keep the picture of now with the pin, or drop a photograph here.")
        self._hint.setWordWrap(True)
        theme.set_role(self._hint, "small")
        self._hint.setMinimumWidth(1)
        self._row.addWidget(self._hint, 1)
        self._row.addStretch(0)
        self._area.setWidget(inner)
        row.addWidget(self._area, 1)
        self.setFixedHeight(theme.px(60))
        bench.changed.connect(self.rebuild)
        self.rebuild()

    # --- edits ---

    def pin_here(self) -> None:
        """Keep the place of now."""
        self.keep(self._bench.here())

    def keep(self, where: Where, wish: str = "pin") -> None:
        """Keep a place under a free name."""
        points = self._bench.points()
        points[self._bench.free_name(wish)] = where
        self._bench.set_points(points, "Pin")

    def go(self, name: str) -> None:
        """Send the picture to a pin."""
        where = self._bench.points().get(name)
        if where is not None:
            self._bench.go(where, f"Go to {name}")

    def remove(self, name: str) -> None:
        """Take a pin away."""
        points = self._bench.points()
        if points.pop(name, None) is not None:
            self._bench.set_points(points, f"Remove the pin {name}")

    def rename(self, name: str) -> None:
        """Ask for another name."""
        ask_text(self, "Rename the pin", "Name", name, lambda new: self.set_name(name, new), button_text="Rename",
                 check=lambda new: self._wrong(name, new))

    def _wrong(self, old: str, new: str) -> str:
        if not is_name(new):
            return "A name begins with a letter and has only letters, digits, _ and -."
        return "Another pin has this name." if new != old and new in self._bench.points() else ""

    def set_name(self, old: str, new: str) -> None:
        """Give a pin another name; keyframes and arithmetic that name it follow."""
        points = self._bench.points()
        if old not in points or self._wrong(old, new) or old == new:
            return
        renamed = {new if name == old else name: where for name, where in points.items()}
        more = {name: new for name in ("point_a", "point_b", "point_c") if str(self._bench.get(name)).strip() == old}
        words = str(self._bench.get("keyframes")).split()
        more["keyframes"] = " ".join(new + word[len(old):] if word.startswith(f"{old}@") else word for word in words)
        self._bench.set_points(renamed, f"Rename the pin {old}", **more)

    # --- showing ---

    def rebuild(self) -> None:
        """The points changed."""
        points = self._bench.points()
        for name in [name for name in self.tiles if name not in points]:
            tile = self.tiles.pop(name)
            self._row.removeWidget(tile)
            tile.hide()
            tile.deleteLater()
        for place, name in enumerate(points):
            if name not in self.tiles:
                self.tiles[name] = self._make(name)
            if self._row.indexOf(self.tiles[name]) != place:
                self._row.insertWidget(place, self.tiles[name])
        fault = self._bench.points_fault()
        self._hint.setVisible(not points)
        if fault:
            self._hint.setText(f"The text of points cannot be read: {fault}")
        self.refresh()

    def _make(self, name: str) -> PinTile:
        tile = PinTile(name)
        tile.picked.connect(lambda _: self.go(name))
        tile.menu_wanted.connect(lambda at: self._menu(name, at))
        tile.remove_wanted.connect(lambda: self.remove(name))
        tile.rename_wanted.connect(lambda: self.rename(name))
        return tile

    def _menu(self, name: str, at: QPoint) -> None:
        menu = QMenu(self)
        menu.addAction(icons.icon("target"), "Go there", lambda: self.go(name))
        for label, icon, use in self._uses():
            menu.addAction(icons.icon(icon), label, lambda use=use: use(name))
        menu.addSeparator()
        menu.addAction(icons.icon("rename"), "Rename…", lambda: self.rename(name))
        menu.addAction(icons.icon("trash"), "Remove", lambda: self.remove(name))
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(at)

    def refresh(self) -> None:
        """Show pictures that are made; the map shows pins too, so these are wished while anything is shown."""
        points, truncation = self._bench.points(), self._bench.truncation
        keys = [(str(as_place(where)), truncation) for where in points.values()] if self.isVisible() else []
        self._bench.pictures.wish("pins", keys, 2)
        start = str(self._bench.start())
        for name, tile in self.tiles.items():
            place = str(as_place(points[name])) if name in points else ""
            tile.show_place(place, self._bench.pictures.image(place, truncation))
            tile.set_chosen(place == start)

    def hideEvent(self, event: object) -> None:
        self._bench.pictures.wish("pins", [])

    def dragEnterEvent(self, event: object) -> None:
        if dropped_place(event.mimeData()):  # type: ignore[attr-defined]
            event.acceptProposedAction()  # type: ignore[attr-defined]

    def dropEvent(self, event: object) -> None:
        place = self._bench.read_dropped(dropped_place(event.mimeData()))  # type: ignore[attr-defined]
        if place is not None:
            event.acceptProposedAction()  # type: ignore[attr-defined]
            self.keep(place)
