"""Controller profiles: kept by name in the user's folder, used again, and exchanged as files."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from studio.control.profile import Profile, list_profiles, load_profile, profiles_folder, save_profile
from studio.session.core import Core
from studio.ui import icons, reveal
from studio.ui.background import background
from studio.ui.kit import ask_text, pick_file, tool_button

KINDS = [("Controller profiles", ["*.json"])]


class Profiles(QObject):
    """What can be done with profiles; dialogs open over ``host``."""

    def __init__(self, session: Core, host: QWidget) -> None:
        super().__init__(host)
        self.session, self.host = session, host

    def menu_button(self) -> QToolButton:
        """A button with everything in its menu, which is read when it opens."""
        made = tool_button("gamepad", "Controller profiles", text="Profiles", role="raised",
                           tip="Keep the bindings of a controller for other sessions, and use them again")
        made.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(made)
        menu.setToolTipsVisible(True)
        menu.aboutToShow.connect(partial(self._fill, menu))
        made.setMenu(menu)
        return made

    def _fill(self, menu: QMenu) -> None:
        menu.clear()
        bound = bool(self.session.controls.bindings)
        save = menu.addAction(icons.icon("save"), "Save the bindings as a profile …", self.ask_save)
        save.setEnabled(bound)
        save.setToolTip("" if bound else "There are no bindings yet")
        menu.addSeparator()
        known = list_profiles()
        for path in known[:40]:
            menu.addAction(icons.icon("gamepad"), path.stem.replace("-", " "), partial(self.use, path))
        if not known:
            menu.addAction("No profiles are kept yet").setEnabled(False)
        menu.addSeparator()
        menu.addAction(icons.icon("import"), "Import a file …", self.ask_import)
        menu.addAction(icons.icon("export"), "Export to a file …", self.ask_export).setEnabled(bound)
        menu.addAction(icons.icon("folder"), "Open their folder", self.open_folder)

    def ask_save(self) -> None:
        """Ask for a name and keep all bindings under it; of one port only when all name the same."""
        if not self.session.controls.bindings:
            self.session.notice("There are no bindings yet", cure="bind a knob first", level="warning")
            return
        device = self._device()
        save = partial(self.save, device=device)
        ask_text(self.host, "Save a controller profile", "name", device.split(":")[0], save,
                 text="Its bindings are kept for other sessions.", button_text="Save", check=_fault)

    def _device(self) -> str:
        """The one port that all bindings name, '' when they name several."""
        names = {binding.source.device for binding in self.session.controls.bindings}
        return names.pop() if len(names) == 1 else ""

    def save(self, name: str, device: str = "") -> None:
        """Keep the bindings under a name."""
        profile = self.session.controls.make_profile(name, device)
        self._write(profile, None)

    def _write(self, profile: Profile, path: Path | None) -> None:
        background(self.session, lambda: save_profile(profile, path),
                   lambda place: self.session.notice(f"{profile.name}: {len(profile.bindings)} bindings are kept in "
                                                     f"{place.name}"), owner=self)

    def use(self, path: Path) -> None:
        """Add a profile's bindings."""
        def done(found: Any) -> None:
            profile, report = found
            for text in report:
                self.session.notice(f"{path.name}: {text}", level="warning")
            if not profile.bindings:
                self.session.notice(f"{path.name} has no bindings; nothing was changed", level="warning")
                return
            self.session.controls.use_profile(profile)
            self.session.notice(f"{profile.name}: {len(profile.bindings)} bindings are in use")

        background(self.session, lambda: load_profile(path), done, owner=self)

    def ask_import(self) -> None:
        """Choose a file, use it and keep it."""
        def take(path: Path) -> None:
            def work() -> None:
                profile, _ = load_profile(path)
                save_profile(profile)

            background(self.session, work, lambda _: self.use(path), owner=self)

        pick_file(self.host, "Import a controller profile", take, kinds=KINDS)

    def ask_export(self) -> None:
        """Choose where the bindings go as a file."""
        if not self.session.controls.bindings:
            self.session.notice("There are no bindings yet", cure="bind a knob first", level="warning")
            return
        device = self._device()

        def write(path: Path) -> None:
            self._write(self.session.controls.make_profile(path.stem, device), path)

        pick_file(self.host, "Export the bindings", write, kinds=KINDS, save=True, name="controller.json")

    def open_folder(self) -> None:
        """Show where profiles are kept."""
        folder = profiles_folder()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self.session.notice(f"the folder {folder} cannot be made: {error.strerror}", level="error")
            return
        reveal.open_file(folder)


def _fault(name: str) -> str:
    return "" if any(char.isalnum() and char.isascii() for char in name) else "A name needs letters or digits."
