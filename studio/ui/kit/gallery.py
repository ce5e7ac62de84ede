"""Every widget in every state, to look at: ``python -m studio.ui.kit.gallery [--theme NAME] [--save PICTURE.png]``.

With ``--save`` each page is written beside the given name and nothing is shown.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QDialog,
    QDockWidget,
    QFormLayout,
    QMainWindow,
    QMenu,
    QTabWidget,
    QWidget,
)

from studio.ui import icons, theme
from studio.ui.kit import (
    ColorPicker,
    DockTitle,
    Toast,
    ask,
    ask_text,
)
from studio.ui.kit.gallery_pages import LONG, PAGES


class Gallery(QMainWindow):
    """A window with a page for each kind of widget."""

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("Gallery")
        self.tabs = QTabWidget()
        for name, make in PAGES.items():
            self.tabs.addTab(make(), name.capitalize())
        self.setCentralWidget(self.tabs)
        for title in ("File", "Edit", "View"):
            self._fill(self.menuBar().addMenu(title))
        dock = QDockWidget("Inspector", self)
        form = QWidget()
        rows = QFormLayout(form)
        rows.addRow("Theme", self._theme_box())
        rows.addRow("Colour", ColorPicker("#b4a6f0"))
        dock.setWidget(form)
        dock.setTitleBarWidget(DockTitle(dock))
        self.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
        self.statusBar().showMessage("CPU · 2 cores · 512 × 512 · 8.3 ms")

    def _fill(self, menu: QMenu) -> None:
        for text, icon, keys in (
            ("Open session…", "open", "Ctrl+O"), ("Save", "save", "Ctrl+S"), ("Export…", "export", "Ctrl+E"),
        ):
            menu.addAction(icons.icon(icon), text).setShortcut(keys)
        menu.addSeparator()
        checked = menu.addAction("Show the map")
        checked.setCheckable(True)
        checked.setChecked(True)
        menu.addAction("Not now").setEnabled(False)
        menu.addMenu("Recent").addAction("evening.reverie")

    def _theme_box(self) -> QWidget:
        box = QComboBox()
        for name in theme.NAMES:
            box.addItem(theme.title(name), name)
        box.setCurrentIndex(box.findData(theme.current()))
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        box.currentIndexChanged.connect(lambda _: theme.apply(app, box.currentData(), theme.scale()))
        return box


def _settle(app: QApplication) -> None:
    for _ in range(3):
        app.processEvents()


def save(app: QApplication, target: Path, size: QSize) -> list[Path]:
    """Write each page and each popup beside ``target``; returns the files."""
    window = Gallery()
    window.resize(size)
    window.show()
    made: list[Path] = []

    def keep(widget: QWidget, name: str) -> None:
        _settle(app)
        path = target.with_name(f"{target.stem}-{name}.png")
        widget.grab().save(str(path))
        made.append(path)

    centre = window.tabs
    for place, name in enumerate(PAGES):
        window.tabs.setCurrentIndex(place)
        toasts = [
            Toast.show_in(centre, "Saved as flowers.gif", "good", ("Show", lambda: None), seconds=0),
            Toast.show_in(centre, f"The camera stopped: {LONG}. Plug it in again.", "error", seconds=0),
        ] if name == "controls" else []
        keep(window, name)
        for toast in toasts:
            toast.close_it()
    dialogs: list[QDialog] = [
        ask(window, "Delete “Orchid, slow”?", "It cannot be brought back.", ["Cancel", "Delete"], danger="Delete"),
        ask(window, "Save the session first?", LONG + " has changes.", ["Discard", "Cancel", "Save"]),
        ask_text(window, "Rename", "Name", "Orchid", lambda _: None, check=lambda _: "There is a preset of this name."),
    ]
    for place, dialog in enumerate(dialogs):
        keep(dialog, f"dialog{place + 1}")
        dialog.reject()
    menu = next(m for m in window.findChildren(QMenu) if len(m.actions()) > 4)
    menu.popup(window.mapToGlobal(window.rect().center()))
    menu.setActiveAction(menu.actions()[1])
    keep(menu, "menu")
    menu.close()
    combo = next(c for c in window.findChildren(QComboBox) if c.count() == 3)
    combo.showPopup()
    keep(combo.view().window(), "combo")
    combo.hidePopup()
    window.close()
    window.deleteLater()
    _settle(app)
    return made


def main(arguments: list[str] | None = None) -> int:
    """Show the gallery, or write it as pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--theme", choices=theme.NAMES, default=theme.NAMES[0])
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--size", default="1280x720", help="width x height in pixels")
    parser.add_argument("--save", type=Path, metavar="PICTURE.png")
    options = parser.parse_args(arguments)
    existing = QApplication.instance()
    app = existing if isinstance(existing, QApplication) else QApplication(sys.argv[:1])
    theme.apply(app, options.theme, options.scale)
    width, height = (int(part) for part in options.size.split("x"))
    if options.save is not None:
        options.save.parent.mkdir(parents=True, exist_ok=True)
        save(app, options.save, QSize(width, height))
        return 0
    window = Gallery()
    window.resize(width, height)
    window.show()
    return app.exec()


if __name__ == "__main__":
    sys.exit(main())
