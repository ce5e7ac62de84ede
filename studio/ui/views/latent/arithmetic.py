"""Latent arithmetic: A − B + C, with anything that is a place in the slots, and a picture of what comes out."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from studio.nn.places import Place, Where, combine
from studio.ui import theme
from studio.ui.kit import mime
from studio.ui.kit.buttons import button, tool_button
from studio.ui.kit.slider import Slider
from studio.ui.views.latent.bench import Bench
from studio.ui.views.latent.tiles import Tile, dropped_place
from studio.ui.views.slots import first_picture

LOW, HIGH = -2.0, 2.0


class TermSlot(QWidget):
    """One term: its picture, its text (a seed, a point or a mixture), a dice; takes places and picture files."""

    written = Signal(str)
    place_dropped = Signal(object)
    file_dropped = Signal(object)
    here_wanted = Signal()

    def __init__(self, letter: str, meaning: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.letter = letter
        self.setAcceptDrops(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.space(1))
        self.tile = Tile(f"Picture of {letter}", hint="plus", side=48)
        self.tile.setToolTip(f"{letter}, {meaning}: drop a picture of the map, a pin or a picture file here; "
                             "click to take the picture of now")
        self.tile.picked.connect(lambda _: self.here_wanted.emit())
        self.field = QLineEdit()
        self.field.setAccessibleName(f"{letter}, {meaning}")
        self.field.setToolTip(f"{letter}, {meaning}: a seed (0 to 2147483647), a pin's name or "
                              "a mixture as 12:0.7 40:0.5")
        self.field.setMaxLength(20_000)
        self.field.setMinimumWidth(theme.px(40))
        self.field.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.field.editingFinished.connect(self._finished)
        self._text = ""
        column.addWidget(self.tile)
        column.addWidget(self.field)

    def show_text(self, text: str, good: bool) -> None:
        """Show what is in the slot, unless a hand is typing there."""
        self._text = text
        if not self.field.hasFocus() and self.field.text() != text:
            self.field.setText(text)
            self.field.setCursorPosition(0)
        theme.set_role(self.field, "" if good else "wrong")

    def _finished(self) -> None:
        text = self.field.text().strip()
        if text and text != self._text:
            self.written.emit(text)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if dropped_place(event.mimeData()) or first_picture(mime.read(event.mimeData())) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        text, path = dropped_place(event.mimeData()), first_picture(mime.read(event.mimeData()))
        if text:
            event.acceptProposedAction()
            self.place_dropped.emit(text)
        elif path is not None:
            event.acceptProposedAction()
            self.file_dropped.emit(path)


class ArithmeticPage(QWidget):
    """Three slots, how much, and the result. ``photo_wanted`` asks for a file's place, for a slot's letter."""

    photo_wanted = Signal(object, str)

    def __init__(self, bench: Bench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        self._gesture: tuple[str, str, int] | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.space(2))
        row = QGridLayout()
        row.setHorizontalSpacing(theme.space(2))
        meanings = {"a": "what you begin with", "b": "what is taken away", "c": "what is put in its place"}
        self.slots: dict[str, TermSlot] = {}
        for place, (letter, meaning) in enumerate(meanings.items()):
            if place:
                row.addWidget(self._sign("−" if letter == "b" else "+"), 0, place * 2 - 1)
            slot = self.slots[letter] = TermSlot(letter.upper(), meaning)
            slot.written.connect(lambda text, letter=letter: self.put_text(letter, text))
            slot.place_dropped.connect(lambda text, letter=letter: self._dropped(letter, text))
            slot.file_dropped.connect(lambda path, letter=letter: self.photo_wanted.emit(path, letter))
            slot.here_wanted.connect(lambda letter=letter: self.put(letter, self._bench.here()))
            row.addWidget(slot, 0, place * 2)
            row.setColumnStretch(place * 2, 1)
        row.addWidget(self._sign("="), 0, 5)
        row.addLayout(self._make_result(), 0, 6)
        row.setColumnStretch(6, 1)
        column.addLayout(row)
        column.addLayout(self._make_amount())
        hint = QLabel("Drop pictures of the map, pins or picture files into the slots, or write a seed or a "
                      "pin's name.")
        hint.setWordWrap(True)
        theme.set_role(hint, "small")
        column.addWidget(hint)
        column.addStretch(1)
        self.setAccessibleName("Arithmetic")
        bench.changed.connect(self._values_changed)
        self._values_changed()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The pictures are as large as there is room for."""
        beside = 3 * theme.px(20) + 6 * theme.space(2)
        side = min((self.width() - beside) // 4, self.height() - theme.px(120))
        for tile in (*(slot.tile for slot in self.slots.values()), self.result):
            tile.wish_side(max(theme.px(48), side))
        for widget in (*(slot.field for slot in self.slots.values()), self.live):
            widget.setMaximumWidth(max(theme.px(48), side))

    @staticmethod
    def _sign(text: str) -> QLabel:
        sign = QLabel(text)
        sign.setProperty("role", "title")
        sign.setFixedWidth(theme.px(20))
        sign.setAlignment(Qt.AlignmentFlag.AlignCenter)
        return sign

    def _make_result(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(theme.space(1))
        self.result = Tile("Result", side=48)
        self.result.setToolTip("What comes out; click to show it, drag it to a slot, the pins or the path")
        self.result.picked.connect(lambda _: self.show_result())
        column.addWidget(self.result)
        self.live = button("Show", checkable=True, tip="Let the generator show this sum, and follow it")
        self.live.setMinimumWidth(theme.px(40))
        self.live.clicked.connect(lambda on: self.set_live(on))
        column.addWidget(self.live)
        return column

    def _make_amount(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(theme.space(2))
        label = QLabel("Amount")
        self.amount = Slider(norm=0.75, origin=0.5, step=0.0125)
        self.amount.setAccessibleName("Amount")
        self.amount.setToolTip("How much of C − B is added to A: −2 to 2; double click: 1")
        self.amount.pressed.connect(self._begin)
        self.amount.moved.connect(self._moved)
        self.amount.released.connect(self._end)
        self.amount.reset.connect(lambda: self._bench.set("Amount", amount=1.0))
        self._number = QLabel("1.00")
        self._number.setFont(theme.font("number"))
        self._number.setMinimumWidth(theme.px(40))
        swap = tool_button("swap", "Swap B and C", tip="Swap B and C: the opposite change", clicked=self.swap,
                           role="raised")
        row.addWidget(label)
        row.addWidget(self.amount, 1)
        row.addWidget(self._number)
        row.addWidget(swap)
        return row

    # --- edits ---

    def put_text(self, letter: str, text: str) -> None:
        """Write into a slot."""
        self._bench.set(f"Point {letter.upper()}", **{f"point_{letter}": text})

    def put(self, letter: str, where: Where, wish: str = "mix") -> None:
        """Put a place into a slot; one that is no seed becomes a named point."""
        word, points = self._bench.word_for(where, wish)
        name = f"point_{letter}"
        if points != self._bench.points():
            self._bench.set_points(points, f"Point {letter.upper()}", **{name: word})
        else:
            self._bench.set(f"Point {letter.upper()}", **{name: word})

    def _dropped(self, letter: str, text: str) -> None:
        place = self._bench.read_dropped(text)
        if place is not None:
            self.put(letter, place)

    def swap(self) -> None:
        """B in place of C."""
        self._bench.set("Swap B and C", point_b=self._bench.get("point_c"), point_c=self._bench.get("point_b"))

    def set_live(self, on: bool) -> None:
        """Show the sum, or stand still at it."""
        if on:
            self._bench.set("Arithmetic", mode="arithmetic")
        else:
            self.show_result()

    def show_result(self) -> None:
        """Send the picture to the result."""
        place = self.sum()
        if place is not None:
            self._bench.go(place, "Arithmetic", mode="still")

    def sum(self) -> Place | None:
        """The place of A − B + C, None while a slot cannot be read."""
        found = [self._bench.read(str(self._bench.get(f"point_{letter}", ""))) for letter in self.slots]
        a, b, c = found
        amount = float(self._bench.get("amount", 1.0))
        if a is None or b is None or c is None:
            return None
        return combine([(a, 1.0), (b, -amount), (c, amount)])

    def _begin(self) -> None:
        self._gesture = self._bench.begin("amount")

    def _moved(self, norm: float) -> None:
        self._bench.set("Amount", gesture=self._gesture, amount=round(LOW + norm * (HIGH - LOW), 3))
        self._values_changed()

    def _end(self) -> None:
        self._gesture = None
        self._bench.end()

    # --- showing ---

    def _values_changed(self) -> None:
        amount = float(self._bench.get("amount", 1.0))
        if not self.amount.is_down():
            self.amount.set_norm((amount - LOW) / (HIGH - LOW))
        self._number.setText(f"{amount:.2f}")
        self.live.setChecked(self._bench.get("mode") == "arithmetic")
        self._show()

    def _show(self) -> None:
        truncation, wanted = self._bench.truncation, []
        for letter, slot in self.slots.items():
            text = str(self._bench.get(f"point_{letter}", ""))
            place = self._bench.read(text)
            slot.show_text(text, place is not None)
            wanted.append((slot.tile, str(place) if place is not None else ""))
        result = self.sum()
        wanted.append((self.result, str(result) if result is not None else ""))
        visible = self.isVisible()
        self._bench.pictures.wish("sum", [(text, truncation) for _, text in wanted if text] if visible else [], 0)
        for tile, text in wanted:
            tile.show_place(text, self._bench.pictures.image(text, truncation) if text else None)

    def refresh(self, fresh: bool) -> None:
        """New small pictures may be there."""
        if fresh:
            self._show()

    def showEvent(self, event: object) -> None:
        self._show()

    def hideEvent(self, event: object) -> None:
        self._bench.pictures.wish("sum", [])
