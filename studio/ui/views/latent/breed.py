"""Breeding: nine children of a picture, pick one, its children follow; two can be mixed; ancestors stay in a row."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from studio.nn.places import Place, combine, of_seed
from studio.params import Seed
from studio.ui import theme
from studio.ui.kit.buttons import button, tool_button
from studio.ui.kit.slider import Slider
from studio.ui.views.latent.bench import Bench
from studio.ui.views.latent.tiles import Tile

CHILDREN = 9
ANCESTORS = 24
STRENGTH = 0.5


def child(parents: list[Place], strength: float, dice: random.Random) -> Place:
    """A child of one parent or of two: a share ``strength`` (0..1) of a new seed, the rest of the parents.

    The parts' squares add up to 1: a child is as far from the average as its parents are.
    """
    old = math.sqrt(1.0 - strength**2)
    parts: list[tuple[Place | int, float]] = [(of_seed(dice.randrange(Seed.LIMIT)), strength)]
    if len(parents) > 1:
        angle = dice.uniform(0.15, math.pi / 2 - 0.15)
        parts += [(parents[0], old * math.cos(angle)), (parents[1], old * math.sin(angle))]
    else:
        parts.append((parents[0], old))
    return combine(parts)


class Board(QWidget):
    """Three by three squares, as large as there is room for."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tiles: list[Tile] = []
        self.setMinimumSize(theme.px(120), theme.px(120))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def resizeEvent(self, event: QResizeEvent) -> None:
        gap = theme.space(1)
        side = (min(self.width(), self.height()) - 2 * gap) // 3
        left, top = (self.width() - 3 * side - 2 * gap) // 2, 0
        for number, tile in enumerate(self.tiles):
            tile.setGeometry(left + number % 3 * (side + gap), top + number // 3 * (side + gap), side, side)


class BreedPage(QWidget):
    """The page. Click a child to make it the parent; Shift and click marks two that are mixed."""

    def __init__(self, bench: Bench, parent: QWidget | None = None, *, dice: random.Random | None = None) -> None:
        super().__init__(parent)
        self._bench, self._dice = bench, dice or random.Random()
        self.parents: list[Place] = []
        self.children_places: list[Place] = []
        self.lineage: list[list[Place]] = []
        self._marked: list[int] = []
        self._behind = False
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.space(3))
        side = QWidget()
        side.setLayout(self._make_side())
        side.setFixedWidth(theme.px(132))
        row.addWidget(side)
        self.board = Board()
        self.tiles = [self._tile(f"Child {number + 1}", self._picked(number)) for number in range(CHILDREN)]
        for tile in self.tiles:
            tile.setToolTip("Click: this becomes the parent. Shift and click two: their children. Drag it elsewhere")
            tile.setParent(self.board)
        self.board.tiles = self.tiles
        row.addWidget(self.board, 1)
        self.setAccessibleName("Breeding")

    def _make_side(self) -> QVBoxLayout:
        side = QVBoxLayout()
        side.setContentsMargins(0, 0, 0, 0)
        side.setSpacing(theme.space(2))
        pair = QHBoxLayout()
        pair.setSpacing(theme.space(1))
        self.parent_tiles = [self._tile(name, lambda _: self._again()) for name in ("Parent", "Second parent")]
        for tile in self.parent_tiles:
            tile.setFixedSize(theme.px(56), theme.px(56))
            tile.setToolTip("The parent; click for other children of it")
            pair.addWidget(tile)
        pair.addStretch(1)
        side.addLayout(pair)
        self.now = button("From now", "refresh", tip="Make the picture of now the parent",
                          clicked=self.begin_here)
        side.addWidget(self.now)
        buttons = QHBoxLayout()
        buttons.setSpacing(theme.space(1))
        self.back = tool_button("undo", "Step back", tip="Back to the parent before, and to its picture",
                                clicked=self.step_back, role="raised")
        self.dice_button = tool_button("dice", "Other children", tip="Nine other children of the same parent",
                                       clicked=self._again, role="raised")
        self.mix = tool_button("heart", "Mix two", tip="Mark two children with Shift and click: their children fill "
                               "the grid; with one marked, it and the parent", clicked=self.mix_marked, role="raised")
        buttons.addWidget(self.back)
        buttons.addWidget(self.dice_button)
        buttons.addWidget(self.mix)
        buttons.addStretch(1)
        side.addLayout(buttons)
        self._label = QLabel()
        theme.set_role(self._label, "small")
        side.addWidget(self._label)
        self.strength = Slider(norm=STRENGTH, step=0.05)
        self.strength.setAccessibleName("Strength")
        self.strength.setToolTip("How far children are from their parents: 0 % the same, 100 % unrelated")
        self.strength.moved.connect(lambda _: self._say())
        self.strength.released.connect(self._again)
        self.strength.reset.connect(self._reset_strength)
        side.addWidget(self.strength)
        self.line = QHBoxLayout()
        self.line.setSpacing(theme.space(1))
        self.ancestors: list[Tile] = []
        side.addStretch(1)
        side.addLayout(self.line)
        for _ in range(4):
            tile = self._tile("Ancestor", lambda _: None)
            tile.setFixedSize(theme.px(28), theme.px(28))
            self.line.addWidget(tile)
            self.ancestors.append(tile)
        for index, tile in enumerate(self.ancestors):
            tile.picked.connect(lambda _, index=index: self._to_ancestor(index))
        self.line.addStretch(1)
        self._say()
        return side

    @staticmethod
    def _tile(name: str, picked: Callable[[bool], object]) -> Tile:
        tile = Tile(name)
        tile.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        tile.picked.connect(picked)
        return tile

    def _picked(self, number: int) -> Callable[[bool], None]:
        return lambda shift: self._mark(number) if shift else self.pick(number)

    # --- breeding ---

    def begin_here(self) -> None:
        """Make the picture of now the parent."""
        self._new_parents([self._bench.here()])

    def pick(self, number: int) -> None:
        """A child becomes the picture and the parent."""
        if number < len(self.children_places):
            place = self.children_places[number]
            self._bench.go(place, "Breed")
            self._new_parents([place])

    def _mark(self, number: int) -> None:
        if number in self._marked:
            self._marked.remove(number)
        else:
            self._marked = [*self._marked[-1:], number]
        self._show()
        if len(self._marked) == 2:
            self.mix_marked()

    def mix_marked(self) -> None:
        """The two that are marked, or the parent and the one that is, become the parents."""
        marked = [self.children_places[number] for number in self._marked]
        if len(marked) == 1:
            marked = [*self.parents[:1], *marked]
        if len(marked) == 2:
            half = math.sqrt(0.5)
            self._bench.go(combine([(marked[0], half), (marked[1], half)]), "Mix two")
            self._new_parents(marked)
        else:
            self._bench.session.notice("mark two children first: hold Shift and click them")

    def step_back(self) -> None:
        """Back to the parents before."""
        if not self.lineage:
            return
        self.parents = self.lineage.pop()
        share = math.sqrt(1.0 / len(self.parents))
        self._bench.go(combine([(place, share) for place in self.parents]), "Step back")
        self._again()

    def _to_ancestor(self, index: int) -> None:
        """Back to one of the ancestors that are shown, the newest of which is the last tile in use."""
        shown = self.lineage[-len(self.ancestors):]
        if index < len(shown):
            del self.lineage[len(self.lineage) - len(shown) + index + 1:]
            self.step_back()

    def _new_parents(self, parents: list[Place]) -> None:
        if self.parents and parents != self.parents:
            self.lineage = [*self.lineage, self.parents][-ANCESTORS:]
        self.parents = parents
        self._again()

    def _again(self) -> None:
        """Nine new children."""
        if not self.parents:
            return
        strength = max(0.02, self.strength.norm())
        self.children_places = [child(self.parents, strength, self._dice) for _ in range(CHILDREN)]
        self._marked = []
        self._wish()
        self._show()

    def _reset_strength(self) -> None:
        self.strength.set_norm(STRENGTH)
        self._say()
        self._again()

    # --- showing ---

    def _say(self) -> None:
        self._label.setText(f"Strength {round(self.strength.norm() * 100)} %")

    def _wish(self) -> None:
        if not self.isVisible():
            self._bench.pictures.wish("breed", [])
            return
        wanted = [*self.parents, *self.children_places, *(line[0] for line in self.lineage[-len(self.ancestors):])]
        self._bench.pictures.wish("breed", [(str(place), self._bench.truncation) for place in wanted], 1)

    def _show(self) -> None:
        def put(tile: Tile, place: Place | None) -> None:
            text = str(place) if place is not None else ""
            tile.show_place(text, self._bench.pictures.image(text, self._bench.truncation) if text else None)

        for number, tile in enumerate(self.tiles):
            put(tile, self.children_places[number] if number < len(self.children_places) else None)
            tile.set_marked(number in self._marked)
        for number, tile in enumerate(self.parent_tiles):
            put(tile, self.parents[number] if number < len(self.parents) else None)
            tile.setVisible(number < max(1, len(self.parents)))
        shown = self.lineage[-len(self.ancestors):]
        for number, tile in enumerate(self.ancestors):
            put(tile, shown[number][0] if number < len(shown) else None)
            tile.setEnabled(number < len(shown))
            tile.setToolTip("An ancestor; click to go back to it" if number < len(shown) else "No ancestor yet")
        self.back.setEnabled(bool(self.lineage))
        self.mix.setEnabled(bool(self._marked))

    def refresh(self, fresh: bool) -> None:
        """New small pictures may be there."""
        if not self.parents and self.isVisible() and self._bench.spot() is not None:
            self.begin_here()
        if fresh:
            self._wish()
            self._show()

    def showEvent(self, event: object) -> None:
        self._wish()
        self._show()

    def hideEvent(self, event: object) -> None:
        self._bench.pictures.wish("breed", [])

    def keyPressEvent(self, event: object) -> None:
        key = event.key()  # type: ignore[attr-defined]
        tile = self.focusWidget()
        arrows = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -3, Qt.Key.Key_Down: 3}
        if key in arrows and tile in self.tiles:
            to = self.tiles.index(tile) + arrows[key]
            if 0 <= to < CHILDREN:
                self.tiles[to].setFocus()
        elif key == Qt.Key.Key_Backspace:
            self.step_back()
        else:
            super().keyPressEvent(event)  # type: ignore[arg-type]
