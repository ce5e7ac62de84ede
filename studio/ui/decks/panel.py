"""Both decks beside the programme, with the crossfader below it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QSplitter, QVBoxLayout, QWidget

from studio.session.line import Line
from studio.session.session import Session
from studio.ui import icons, theme
from studio.ui.decks.chain_strip import put_generator
from studio.ui.decks.mix_row import MixRow
from studio.ui.decks.tile import DeckTile
from studio.ui.kit.buttons import tool_button
from studio.ui.kit.menus import heading
from studio.ui.kit.slider import Slider
from studio.ui.listen import listen
from studio.ui.programme import Programme, ProgrammeView


class DecksPanel(QWidget):
    """See the module."""

    dropped = Signal(str, object)
    output_requested = Signal()

    def __init__(self, session: Session, programme: Programme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.space(2), theme.space(2), theme.space(2), theme.space(1))
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setChildrenCollapsible(False)
        self.tiles = {name: DeckTile(session, line, self.menu_for) for name, line in session.decks.items()}
        for tile in self.tiles.values():
            tile.dropped.connect(self.dropped)
        self.programme = ProgrammeView(programme, session)
        self.programme.doubleClicked.connect(self.output_requested)
        middle = QWidget()
        column = QVBoxLayout(middle)
        column.setContentsMargins(theme.space(1), 0, theme.space(1), 0)
        column.setSpacing(theme.space(1))
        column.addWidget(self.programme, 1)
        column.addLayout(self._crossfader())
        self.mix_row = MixRow(session)
        column.addWidget(self.mix_row)
        self.splitter.addWidget(self.tiles["A"])
        self.splitter.addWidget(middle)
        self.splitter.addWidget(self.tiles["B"])
        for place, stretch in enumerate((3, 5, 3)):
            self.splitter.setStretchFactor(place, stretch)
        self.splitter.setSizes([300, 500, 300])
        row.addWidget(self.splitter)
        listen(self, session, "line", self._line_changed)
        listen(self, session, "selection", lambda _: self._repaint_chips())
        listen(self, session, "mix", lambda _: self._show_mix())
        self._show_mix()

    def _crossfader(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(theme.space(2))
        self.to_a = tool_button("deck-a", "Fade to A", clicked=lambda: self._session.fade_to(0.0))
        self.to_b = tool_button("deck-b", "Fade to B", clicked=lambda: self._session.fade_to(1.0))
        self.crossfader = Slider(norm=0.0, origin=0.0)
        self.crossfader.setAccessibleName("Crossfader")
        self.crossfader.setToolTip("Crossfader: left is deck A, right is deck B. Double click: back to A")
        self.crossfader.moved.connect(self._moved)
        self.crossfader.released.connect(self._session.end_gesture)
        self.crossfader.reset.connect(lambda: self._moved(0.0))
        self.share = QLabel("A 100 %")
        self.share.setFont(theme.font("mono"))
        theme.set_role(self.share, "dim")
        self.share.setFixedWidth(theme.px(64))
        self.share.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        for widget in (self.to_a, self.crossfader, self.to_b, self.share):
            row.addWidget(widget, 1 if widget is self.crossfader else 0)
        return row

    def _moved(self, share: float) -> None:
        self._session.set_crossfade(share, gesture=("hold", "crossfade"))

    def _show_mix(self) -> None:
        share = self._session.mix.crossfade
        if not self.crossfader.is_down():
            self.crossfader.set_norm(share)
        deck, part = ("A", 1.0 - share) if share < 0.5 else ("B", share)
        self.share.setText(f"{deck} {part:.0%}".replace("%", " %"))
        for button, name, key in ((self.to_a, "A", 1), (self.to_b, "B", 2)):
            button.setToolTip(f"Fade to deck {name}: {self._session.mix.span.text()} (Ctrl+{key})")

    def menu_for(self, line: Line) -> QMenu:
        """Sources and effects that fit a deck; what cannot be used is greyed with the reason."""
        menu = QMenu(self)
        sources = f"Instead of {line.slots[0].title}" if line.slots else "Generators"
        added = "Effects to add" if line.slots else "Effects, on the input"
        for words, effects in ((sources, False), (added, True)):
            heading(menu, words)
            for plugin in self._session.registry:
                manifest = plugin.manifest
                if manifest is None or manifest.makes != "image" or (manifest.takes is not None) != effects:
                    continue
                action = menu.addAction(icons.icon("effect" if effects else "generator"), plugin.title)
                action.setToolTip(manifest.about)
                if plugin.state in ("failed", "found"):
                    action.setEnabled(False)
                    action.setText(f"{plugin.title}: {plugin.reason or 'not enabled'}"[:90])
                action.triggered.connect(
                    lambda _=False, name=plugin.id: put_generator(self._session, line, name)
                )
        return menu

    def _line_changed(self, line: Line) -> None:
        tile = self.tiles.get(line.name) if line.kind == "deck" else None
        if tile is not None:
            tile.show_line()

    def _repaint_chips(self) -> None:
        for tile in self.tiles.values():
            for chip in tile.strip.chips:
                chip.update()

    def refresh(self, deck: str = "") -> None:
        """Pull the newest picture of the programme and of the named deck."""
        self.programme.refresh()
        if deck in self.tiles:
            self.tiles[deck].refresh()

    def slow_refresh(self) -> None:
        """States and figures."""
        for tile in self.tiles.values():
            tile.slow_refresh()

    def show_previews(self, on: bool) -> None:
        """Show or hide the decks beside the programme."""
        for tile in self.tiles.values():
            tile.setVisible(on)
