"""The presets that there are, kept up to date in the background, and what can be done with the user's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import shiboken6
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from studio import paths
from studio.files import FileError
from studio.library.presets import Preset, find_presets, load_preset, save_preset, slug
from studio.media import Frame
from studio.session.core import Core
from studio.session.thumbnails import Thumbnails
from studio.ui.background import background


def own_folder() -> Path:
    """Where the user's presets are; each plugin has a folder in it."""
    return paths.user_folder("data") / "presets"


@dataclass(frozen=True)
class Known:
    """A preset with what the window shows of it."""

    preset: Preset
    kind: str
    own: bool

    @property
    def key(self) -> str:
        """Unique: its path."""
        return str(self.preset.path)


def free_path(generator: str, plugin: str, name: str) -> Path:
    """A file name for a new preset that is not taken."""
    folder = own_folder() / (slug(plugin) if plugin else slug(generator.rpartition(".")[2]))
    place, number = folder / f"{slug(name)}.json", 2
    while place.exists():
        place = folder / f"{slug(name)}-{number}.json"
        number += 1
    return place


class PresetStore(QObject):
    """All presets of all plugins. ``changed`` comes when there are others; pictures are asked for one by one."""

    changed = Signal()

    def __init__(self, session: Core, parent: QObject) -> None:
        super().__init__(parent)
        self.session = session
        self.known: dict[str, Known] = {}
        self.pictures: dict[str, QImage] = {}
        self.loaded = False
        self.thumbnails = Thumbnails(session.registry, session.events.call)
        self.destroyed.connect(_Stop(self.thumbnails))
        self._reading = self._again = False
        self._changes = 0

    # --- reading ---

    def reload(self) -> None:
        """Read all preset files anew, in the background."""
        if self._reading:
            self._again = True
            return
        self._reading = True
        begun = self._changes
        plugins = [
            (plugin.id, plugin.manifest.makes, plugin.folder / "presets")
            for plugin in self.session.registry if plugin.manifest is not None
        ]

        def work() -> dict[str, Known]:
            found: dict[str, Known] = {}
            own = own_folder()
            for name, makes, folder in plugins:
                for preset in find_presets(name, [folder]):
                    mine = preset.path is not None and preset.path.is_relative_to(own)
                    found[str(preset.path)] = Known(preset, makes, mine)
            return found

        background(self.session, work, lambda found: self._read(found, begun), self._failed, owner=self)

    def _read(self, found: dict[str, Known], begun: int) -> None:
        self._reading, self.loaded = False, True
        if begun != self._changes:  # something was changed while this was read: it is older than what is known
            self.reload()
            return
        gone = [key for key in self.pictures if key not in found or _differs(found[key], self.known.get(key))]
        for key in gone:
            del self.pictures[key]
        self.known = found
        self.changed.emit()
        if self._again:
            self._again = False
            self.reload()

    def _failed(self, why: str) -> None:
        self._reading = False
        self.session.notice(f"The presets could not be read: {why}", level="error")

    def ask_picture(self, key: str, done: Callable[[str, QImage], None]) -> None:
        """Have the small picture of a preset delivered; nothing comes where there is none."""
        known = self.known.get(key)
        if known is None:
            return
        if key in self.pictures:
            done(key, self.pictures[key])
            return

        def show(data: bytes) -> None:
            image = QImage.fromData(data)
            if shiboken6.isValid(self) and not image.isNull():
                self.pictures[key] = image
                done(key, image)

        self.thumbnails.ask(known.preset, show)

    # --- the user's own ---

    def named(self, name: str, generator: str) -> bool:
        """Whether one of the user's presets for a generator has this name."""
        return any(known.own and known.preset.generator == generator
                   and known.preset.name.casefold() == name.casefold() for known in self.known.values())

    def _plugin(self, generator: str) -> str:
        return next((plugin.name for plugin in self.session.registry if plugin.id == generator), "")

    def _write(self, preset: Preset, path: Path, then: Callable[[], None] = lambda: None) -> None:
        """Write one file in the background, then read all anew."""
        self._changes += 1

        def work() -> None:
            save_preset(path, preset)

        def done(_: None) -> None:
            then()
            self.reload()

        background(self.session, work, done, owner=self)

    def add(self, preset: Preset, frame: Frame | None = None) -> Path:
        """Keep a new preset; ``frame`` becomes its picture. Returns its path; the file is written soon."""
        path = free_path(preset.generator, self._plugin(preset.generator), preset.name)
        made = replace(preset, path=None, read_only=False)
        if frame is not None:
            self.thumbnails.keep(made, frame)
        self._write(made, path)
        return path

    def duplicate(self, key: str, name: str = "") -> Path | None:
        """A copy that belongs to the user."""
        known = self.known.get(key)
        if known is None:
            return None
        return self.add(replace(known.preset, name=name or f"{known.preset.name} (copy)", path=None))

    def rename(self, key: str, name: str) -> None:
        """Give one of the user's presets another name; one of the house is copied under that name."""
        known = self.known.get(key)
        if known is None or not name:
            return
        if not known.own:
            self.duplicate(key, name)
            self.session.notice(f"{known.preset.name} came with the studio; {name} is a copy of your own")
            self.changed.emit()
            return
        self._change(known, replace(known.preset, name=name))

    def set_tags(self, key: str, tags: list[str]) -> None:
        """Other tags for one of the user's presets."""
        known = self.known.get(key)
        if known is not None and known.own:
            self._change(known, replace(known.preset, tags=list(dict.fromkeys(tags))))

    def set_about(self, key: str, about: str) -> None:
        """What a preset of the user is about, in a sentence."""
        known = self.known.get(key)
        if known is not None and known.own:
            self._change(known, replace(known.preset, about=about))

    def _change(self, known: Known, preset: Preset) -> None:
        assert known.preset.path is not None
        self.known[known.key] = replace(known, preset=preset)
        self.changed.emit()
        self._write(preset, known.preset.path)

    def remove(self, key: str) -> Callable[[], None] | None:
        """Delete one of the user's presets; returns what brings it back."""
        known = self.known.get(key)
        if known is None or not known.own or known.preset.path is None:
            return None
        path, preset = known.preset.path, known.preset
        del self.known[key]
        self._changes += 1
        self.changed.emit()
        background(self.session, lambda: path.unlink(missing_ok=True), lambda _: self.reload(), owner=self)
        return lambda: self._write(preset, path)

    def import_file(self, path: Path) -> None:
        """Take a preset file in: it is checked and copied. Says what was changed, or why it cannot be used."""
        def work() -> tuple[Preset, list[str]]:
            preset, report = load_preset(path)
            target = free_path(preset.generator, self._plugin(preset.generator), preset.name)
            save_preset(target, replace(preset, path=None))
            return preset, report

        def done(found: tuple[Preset, list[str]]) -> None:
            preset, report = found
            for line in report:
                self.session.notice(f"{path.name}: {line}", level="warning")
            here = self._plugin(preset.generator)
            rest = "" if here else f"; its generator {preset.generator} is not here yet"
            self.session.notice(f"The preset {preset.name} was imported{rest}",
                                level="info" if here else "warning")
            self.reload()

        background(self.session, work, done, lambda why: self.session.notice(why, level="error"), owner=self)

    def export_file(self, key: str, path: Path) -> None:
        """Write a preset to a file of the user's choice."""
        known = self.known.get(key)
        if known is None:
            return
        copy = replace(known.preset, path=None, read_only=False)

        def work() -> None:
            if path.exists() and path.is_dir():
                raise FileError(f"cannot write {path}: it is a folder; name a file")
            save_preset(path, copy)

        background(self.session, work, lambda _: self.session.notice(f"The preset is in {path.name}"),
                   lambda why: self.session.notice(why, level="error"), owner=self)


def _differs(new: Known, old: Known | None) -> bool:
    def values(known: Known) -> str:
        return json.dumps(known.preset.params, sort_keys=True, default=str)

    return old is None or values(new) != values(old)


class _Stop:
    def __init__(self, thumbnails: Thumbnails) -> None:
        self._thumbnails = thumbnails

    def __call__(self, *_: object) -> None:
        self._thumbnails.stop()
