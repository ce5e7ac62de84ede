"""A plugin and its state; the registry of all of them.

States: ``found`` (known, not enabled) → ``enabled`` → ``loaded`` (its code is imported) → ``running``; or ``failed``
with a reason. A failure stays with its plugin: nothing else stops.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
import importlib.util
import logging
import sys
import threading
import types
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Literal

from studio import paths
from studio.files import own_place, short_path
from studio.generator import Cancelled, Finished, Generator
from studio.plugins.manifest import Manifest, PluginError, missing

State = Literal["found", "enabled", "loaded", "running", "failed"]
Origin = Literal["built-in", "folder", "installed"]

_SPACE = "reverie_plugins"
"""The import namespace of plugin folders, so that a plugin called ``random`` hides no module of Python."""
_LOG = logging.getLogger("reverie.plugins")


@dataclass(eq=False)
class Plugin:
    """One plugin: its manifest, where it is, and how it is doing.

    ``folder`` holds its files (for a lone file, the folder it lies in). ``manifest`` is None only when it could not be
    read; the state is then ``failed``. ``package`` is the import name of an installed plugin's package, else ''.
    The code of a ``contained`` one is imported and run only in a process of its own.
    """

    name: str
    folder: Path
    manifest: Manifest | None
    origin: Origin = "folder"
    state: State = "enabled"
    reason: str = ""
    file: Path | None = None
    package: str = ""
    contained: bool = False
    error: BaseException | None = field(default=None, repr=False)
    """What its code raised when it failed, with the traceback; None where the reason is all there is."""
    _class: type[Generator] | None = field(default=None, repr=False)
    _running: int = field(default=0, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    @property
    def id(self) -> str:
        """The id of the manifest, '' when there is none."""
        return self.manifest.id if self.manifest else ""

    @property
    def title(self) -> str:
        """What a person sees."""
        return self.manifest.title if self.manifest else self.name

    @property
    def place(self) -> Path:
        """The folder or the lone file."""
        return self.file or self.folder

    @property
    def presets(self) -> list[Path]:
        """The preset files that came with it."""
        if self.file is not None:
            return []
        own = paths.bundled("presets") / self.name if self.origin == "built-in" else self.folder / "presets"
        return sorted(own.glob("*.json")) if own.is_dir() else []

    def fail(self, reason: str) -> PluginError:
        """Put it into the state ``failed`` and return the error to raise."""
        self.state, self.reason, self.error = "failed", reason, None
        return PluginError(f"the plugin {self.id or self.name} does not work: {reason}")

    def load(self) -> type[Generator]:
        """Import the code and return the generator class. Raises PluginError; the plugin is then ``failed``."""
        with self._lock:
            if self._class is not None:
                return self._class
            if self.manifest is None or self.state == "failed":
                raise PluginError(f"the plugin {self.id or self.name} does not work: {self.reason}")
            if self.state == "found":
                why = self.reason or "it is not enabled"
                cure = f"enable it with: reverie plugins enable {self.id}"
                raise PluginError(f"the plugin {self.id} is not used: {why}; {cure}")
            lacking = missing(self.manifest.requires)
            if lacking:
                raise self.fail("; ".join(lacking))
            try:
                self._class = self._import(self.manifest)
            except PluginError as error:
                self._forget()
                raise self.fail(str(error).removeprefix(f"the plugin {self.id} does not work: ")) from None
            except (Exception, SystemExit) as error:
                _LOG.warning("plugin %s could not be imported", self.id, exc_info=True)
                self._forget()
                fault = self.fail(explain(error, self.folder))
                self.error = error
                raise fault from error
            self.state, self.reason = "loaded", ""
            return self._class

    def reload(self) -> type[Generator]:
        """Import the code anew after its files changed; running instances keep the old code. Raises PluginError."""
        with self._lock:
            if self.manifest is None:
                raise PluginError(f"the plugin {self.name} does not work: {self.reason}")
            self._class = None
            self._forget()
            for source in self.folder.rglob("*.py") if self.file is None else [self.file]:
                # the cache tells files apart by second and size: an edit within the second would go unseen
                Path(importlib.util.cache_from_source(str(source))).unlink(missing_ok=True)
            importlib.invalidate_caches()
            self.state, self.reason = "enabled", ""
            return self.load()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Mark it as running for the length of a ``with`` block; an error in the block makes it ``failed``.

        The error itself is passed on; ``Cancelled`` and ``Finished`` are no errors. An error that names another
        generator (the engine's ``GeneratorError.generator``, in a chain of several) is not this plugin's.
        """
        with self._lock:
            self._running += 1
            self.state, self.reason = "running", ""
        try:
            yield
        except (Cancelled, Finished):
            raise
        except Exception as error:
            if getattr(error, "generator", "") in ("", self.id):
                self.fail(explain(error.__cause__ or error, self.folder))
                self.error = error.__cause__ or error
            raise
        finally:
            with self._lock:
                self._running -= 1
                if self._running == 0 and self.state == "running":
                    self.state = "loaded"

    @property
    def _module_name(self) -> str:
        digest = sha256(str(self.place).encode("utf-8", "surrogateescape")).hexdigest()[:8]
        safe = "".join(c if c.isascii() and c.isalnum() else "_" for c in self.name)
        return f"{_SPACE}.{safe}_{digest}"

    def _forget(self) -> None:
        prefix = f"{self.package}.{self.manifest.module}" if self.package and self.manifest else self._module_name
        for name in [name for name in sys.modules if name == prefix or name.startswith(prefix + ".")]:
            del sys.modules[name]

    def _import(self, manifest: Manifest) -> type[Generator]:
        if self.contained:
            from studio.plugins.hosting import load_hosted

            return load_hosted(self.place)
        module = self._import_module(manifest)
        made = getattr(module, manifest.class_name, None)
        if made is None:
            raise PluginError(f"{manifest.module}.py has no class {manifest.class_name}, which its entry names")
        if not (isinstance(made, type) and issubclass(made, Generator)):
            raise PluginError(f"{manifest.entry} is not a class derived from studio.api.Generator")
        for name in ("id", "makes", "takes", "version"):
            said, has = getattr(manifest, name), getattr(made, name)
            if said != has:
                both = f"plugin.toml says {name} = {said!r}, but the class {made.__name__} has {has!r}"
                raise PluginError(f"{both}; make them equal")
        if not made.title:
            made.title = manifest.title
        return made

    def _import_module(self, manifest: Manifest) -> types.ModuleType:
        if self.package:
            inside = manifest.module
            return importlib.import_module(self.package if inside == "__init__" else f"{self.package}.{inside}")
        if _SPACE not in sys.modules:
            space = types.ModuleType(_SPACE, "Where plugin folders are imported.")
            space.__path__ = []
            sys.modules[_SPACE] = space
        name = self._module_name
        if self.file is not None:
            return _execute(name, self.file, None)
        start = self.folder / "__init__.py"
        if start.is_file():
            package = _execute(name, start, self.folder)
        else:
            package = types.ModuleType(name)
            package.__path__ = [str(self.folder)]
            sys.modules[name] = package
        inside = manifest.module
        place = self.folder.joinpath(*inside.split("."))
        if inside != "__init__" and (place.with_suffix(".py").is_file() or (place / "__init__.py").is_file()):
            return importlib.import_module(f"{name}.{inside}")
        if start.is_file() and inside in ("__init__", self.folder.name):
            return package
        raise PluginError(f"the entry names {inside}.py, which is not in {short_path(self.folder)}")


def _execute(name: str, file: Path, folder: Path | None) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(
        name, file, submodule_search_locations=[str(folder)] if folder is not None else None
    )
    if spec is None or spec.loader is None:
        raise PluginError(f"{file.name} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def explain(error: BaseException, folder: Path) -> str:
    """An error of a plugin's code in one sentence that begins with the file and line where it happened."""
    if isinstance(error, SyntaxError):
        return f"{Path(error.filename or '?').name}, line {error.lineno or 1}: {error.msg}"
    words = str(error).strip().partition("\n")[0][:300]
    if getattr(error, "told", False):
        return words  # the sentence that the plugin's own process made
    own = own_place(error, folder)
    where = f"{own}: " if own else ""
    if isinstance(error, ModuleNotFoundError) and error.name:
        top = error.name.partition(".")[0]
        if (folder / f"{top}.py").is_file():
            return f"{where}it imports its own file {top}.py as if it were installed; write: from .{top} import …"
        if top != "studio":
            cure = "add it to 'requires' and install it"
            return f"{where}it needs the module {error.name}, which is not installed; {cure}"
    if isinstance(error, SystemExit):
        return f"{where}it tried to end the program"
    return f"{where}{type(error).__name__}: {words}" if words else f"{where}{type(error).__name__}"


class Registry:
    """Every plugin that was found, in the order of discovery: built-in ones first."""

    def __init__(self, plugins: list[Plugin]) -> None:
        self.plugins: list[Plugin] = []
        for plugin in plugins:
            self.add(plugin)

    def __iter__(self) -> Iterator[Plugin]:
        return iter(self.plugins)

    def add(self, plugin: Plugin) -> Plugin:
        """Take a plugin in. An id that is taken makes the newcomer ``failed``; the first one stays as it is."""
        first = next((known for known in self.plugins if plugin.id and known.id == plugin.id), None)
        if first is not None:
            plugin.fail(f"its id {plugin.id!r} is already taken by {short_path(first.place)}; give it another id")
        self.plugins.append(plugin)
        return plugin

    def get(self, name: str) -> Plugin:
        """The plugin of this id or name, or the one at this path. Raises PluginError with a near match.

        A name that several plugins share means the first of them that has not failed.
        """
        for plugin in self.plugins:
            if plugin.id == name and plugin.id:
                return plugin
        same = [plugin for plugin in self.plugins if plugin.name == name]
        if same:
            return next((plugin for plugin in same if plugin.state != "failed"), same[0])
        place = Path(name).expanduser()
        if place.exists() and (place.is_dir() or place.suffix == ".py"):
            return self._at(place.resolve())
        known = [p.name for p in self.plugins] + [p.id for p in self.plugins if p.id]
        near = difflib.get_close_matches(name, known, 1, cutoff=0.5)
        if near:
            raise PluginError(f"there is no plugin {name!r}; did you mean {near[0]}?")
        names = ", ".join(p.name for p in self.plugins) or "none"
        raise PluginError(f"there is no plugin {name!r}; there are: {names}")

    def _at(self, place: Path) -> Plugin:
        for plugin in self.plugins:
            if plugin.place.resolve() == place:
                return plugin
        from studio.plugins.discovery import read_plugin

        return self.add(read_plugin(place))
