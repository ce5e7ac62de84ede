"""The view as a whole: the map with its pins, pages beside it, the path of keyframes below where there is room."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from studio.picture import ENDINGS
from studio.session.line import Line
from studio.session.photos import PATH, PhotoSearch
from studio.session.session import Session
from studio.ui import theme
from studio.ui.kit import mime
from studio.ui.kit.buttons import button, tool_button
from studio.ui.kit.dialogs import pick_file
from studio.ui.views.latent.arithmetic import ArithmeticPage
from studio.ui.views.latent.bench import Bench
from studio.ui.views.latent.breed import BreedPage
from studio.ui.views.latent.directions import DirectionsPage
from studio.ui.views.latent.keyframes import KeyframeStrip
from studio.ui.views.latent.map_view import MapView
from studio.ui.views.latent.photo import PhotoCard
from studio.ui.views.latent.pins import PinStrip
from studio.ui.views.slots import first_picture

TALL = 430
"""Height (at scale 1) from which the path has a row of its own."""

PAGES = (("path", "Path", "keyframe"), ("breed", "Breed", "breed"), ("sum", "A − B + C", "plus"),
         ("directions", "Directions", "sliders"))


class LatentView(QWidget):
    """See ``studio.ui.views`` for what the window expects of a view."""

    def __init__(self, session: Session, line: Line, index: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bench = Bench(session, line, index, self)
        self._session = session
        self._stamp = -1
        self._tall: bool | None = None
        self.setAcceptDrops(True)
        self.setAccessibleName("Latent explorer")
        # a search goes on while the view is hidden, and what it finds arrives
        self.search = PhotoSearch(self.bench)
        self.map = MapView(self.bench)
        self.map.pin_wanted.connect(self._pin)
        self.pins = PinStrip(self.bench, self._uses)
        self.pins.photo_wanted.connect(self.choose_photo)
        self.path = KeyframeStrip(self.bench)
        self.path.track.photo_dropped.connect(lambda path, time: self.search.start(path, PATH, time))
        self.breed = BreedPage(self.bench)
        self.arithmetic = ArithmeticPage(self.bench)
        self.arithmetic.photo_wanted.connect(self.find_photo)
        self.directions = DirectionsPage(self.bench)
        self._build()
        self.bench.refresh()

    def _build(self) -> None:
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(theme.space(2), theme.space(2), theme.space(2), theme.space(2))
        self._column.setSpacing(theme.space(2))
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(self._make_left())
        self.splitter.addWidget(self._make_right())
        self.splitter.setStretchFactor(0, 11)
        self.splitter.setStretchFactor(1, 10)
        self._column.addWidget(self.splitter, 1)
        self.card = PhotoCard(self.search, self.map)
        corner = QWidget(self.map)
        box = QVBoxLayout(corner)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(theme.space(1))
        for icon, name, tip, act in (
            ("zoom-in", "Nearer", "Nearer (+ or the wheel)", lambda: self.map.zoom(1.5)),
            ("zoom-out", "Further", "Further (− or the wheel)", lambda: self.map.zoom(1 / 1.5)),
            ("scale", "Everything", "The whole map (Home)", self.map.show_all),
            ("target", "Where am I", "Bring the picture's place to the middle", self.map.find_head),
        ):
            box.addWidget(tool_button(icon, name, tip=tip, clicked=act, role="raised", size=14))
        corner.adjustSize()
        self._corner = corner

    def _make_left(self) -> QWidget:
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, theme.space(1), 0)
        column.setSpacing(theme.space(2))
        column.addWidget(self.map, 1)
        column.addWidget(self.pins)
        return left

    def _make_right(self) -> QWidget:
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(theme.space(1), 0, 0, 0)
        column.setSpacing(theme.space(2))
        head = QHBoxLayout()
        head.setSpacing(theme.space(1))
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        self.pages = QStackedWidget()
        self.tabs = {}
        widgets = {"path": QWidget(), "breed": self.breed, "sum": self.arithmetic, "directions": self.directions}
        self._path_page = widgets["path"]
        page = QVBoxLayout(self._path_page)
        page.setContentsMargins(0, 0, 0, 0)
        for name, title, icon in PAGES:
            tab = button(title, icon, role="ghost", checkable=True, clicked=partial(self.show_page, name))
            tab.setToolTip({"path": "Keyframes: pictures in time", "breed": "Children of the picture, pick and go on",
                            "sum": "Latent arithmetic", "directions": "The eight strongest directions"}[name])
            self._group.addButton(tab)
            self.tabs[name] = tab
            self.pages.addWidget(widgets[name])
            head.addWidget(tab)
        head.addStretch(1)
        column.addLayout(head)
        column.addWidget(self.pages, 1)
        self._pages = widgets
        self.show_page("breed")
        return right

    def show_page(self, name: str) -> None:
        """Bring a page forward: path, breed, sum or directions."""
        self.tabs[name].setChecked(True)
        self.pages.setCurrentWidget(self._pages[name])

    # --- arrangement ---

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._arrange()

    def showEvent(self, event: QEvent) -> None:
        self._arrange()

    def _arrange(self) -> None:
        """Give the path a row of its own where there is the height for it, else a page."""
        tall = self.height() >= theme.px(TALL)
        if tall != self._tall:
            self._tall = tall
            self.path.set_compact(tall)
            if tall:
                self._column.addWidget(self.path)
                self.path.setFixedHeight(theme.px(124))
                if self.pages.currentWidget() is self._path_page:
                    self.show_page("breed")
            else:
                self.path.setMinimumHeight(0)
                self.path.setMaximumHeight(16_777_215)
                layout = self._path_page.layout()
                assert layout is not None
                layout.addWidget(self.path)
            self.path.show()
            self.tabs["path"].setVisible(not tall)
        if sum(self.splitter.sizes()) <= 0 or not getattr(self, "_split", False):
            self._split = True
            width = self.width()
            self.splitter.setSizes([round(width * 0.52), round(width * 0.48)])
        self._place_overlays()

    def _place_overlays(self) -> None:
        inset = theme.px(8)
        self._corner.move(self.map.width() - self._corner.width() - inset, inset)
        self.card.move(inset, self.map.height() - self.card.height() - inset)

    # --- photographs ---

    def choose_photo(self) -> None:
        """Ask for a picture file."""
        kinds = (("Pictures", tuple(f"*{ending}" for ending in ENDINGS)),)
        pick_file(self, "From a photograph", lambda path: self.find_photo(path), kinds=kinds)

    def find_photo(self, path: Path, target: str = "") -> None:
        """Look for the place of a picture file; ``target`` is a slot of the arithmetic, '' the picture itself."""
        self.search.start(Path(path), target)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if first_picture(mime.read(event.mimeData())) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        path = first_picture(mime.read(event.mimeData()))
        if path is not None:
            event.acceptProposedAction()
            self.find_photo(path)

    # --- the rest ---

    def _pin(self) -> None:
        self.pins.pin_here()

    def _uses(self) -> list[tuple[str, str, Callable[[str], object]]]:
        def term(letter: str) -> Callable[[str], object]:
            return lambda name: self.arithmetic.put_text(letter, name)

        def key(name: str) -> None:
            where = self.bench.points().get(name)
            if where is not None:
                self.path.track.add(where)

        return [("Add to the path", "keyframe", key), ("Use as A", "plus", term("a")), ("Use as B", "minus", term("b")),
                ("Use as C", "plus", term("c"))]

    def refresh(self) -> None:
        """Follow the generator; the window calls it about 15 times a second while the view is visible."""
        self.bench.refresh()
        self.search.refresh()
        stamp = self.bench.pictures.stamp
        fresh, self._stamp = stamp != self._stamp, stamp
        self.map.refresh(fresh)
        self.path.refresh(fresh)
        self.breed.refresh(fresh)
        self.directions.refresh(fresh)
        self.arithmetic.refresh(fresh)
        if fresh:
            self.pins.refresh()
        self.card.refresh()
        self._place_overlays()

    def hideEvent(self, event: QEvent) -> None:
        self._place_overlays()

    def close_view(self) -> None:
        """End the threads of this view."""
        self.search.close()
        self.bench.pictures.close()
