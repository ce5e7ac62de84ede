"""The catalogue of well-known public weights, and fetching one into the user's models. Nothing is fetched unasked."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio import paths, safe_json
from studio.files import FileError, read_bytes, short_path
from studio.library.fetch import STALL, FetchError, fetch
from studio.library.importer import Imported, import_model
from studio.library.layouts import LAYOUTS
from studio.library.models import read_card
from studio.nn.weights import WeightsError

FORMAT = "reverie.catalogue"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*\Z")
_HASH = re.compile(r"[0-9a-f]{8,64}\Z")
WHOLE_HASH = 64
"""Digits of a whole sha256."""


@dataclass(frozen=True)
class Entry:
    """One model that can be fetched."""

    name: str
    title: str
    about: str
    url: str
    size: int
    """Bytes of the download."""
    sha256: str
    """Its hash, or the first eight digits or more where its publisher names no more."""
    licence: str
    architecture: str
    layout: str = ""
    """The name of the layout its tensors have; '': whatever it is."""

    @property
    def host(self) -> str:
        """Where it comes from."""
        return self.url.split("/")[2]

    @property
    def present(self) -> bool:
        """Whether a model of this name is among the user's."""
        return (paths.model_folders()[0] / f"{self.name}.safetensors").is_file()

    def question(self) -> str:
        """What to ask before anything is fetched."""
        return (
            f"Fetch {self.title} ({self.size / 1e6:,.0f} MB) from {self.host}? Licence: {self.licence}. {self.checked} "
            "It is converted to safetensors and kept among your models."
        )

    @property
    def checked(self) -> str:
        """A sentence on how far its hash goes."""
        digits = len(self.sha256)
        if digits >= WHOLE_HASH:
            return "Its sha256 is checked."
        return (
            f"Only the first {digits} of the {WHOLE_HASH} digits of its sha256 are published: they are checked, which "
            "tells a damaged file but not a forged one."
        )


def catalogue(path: Path | None = None) -> list[Entry]:
    """Every entry. Raises FileError when the file is damaged."""
    place = path or paths.bundled("resources") / "catalogue.toml"
    try:
        tree = tomllib.loads(read_bytes(place, limit=1 << 20).decode("utf-8", "replace"))
    except tomllib.TOMLDecodeError as error:
        raise FileError(f"{short_path(place)} is not valid TOML ({error}); install the studio again") from None
    found = tree.get("models")
    if tree.get("format") != FORMAT or not isinstance(found, list):
        raise FileError(f"{short_path(place)} is not a catalogue of models; install the studio again")
    return [_entry(item, place) for item in found]


def _entry(item: Any, place: Path) -> Entry:
    layouts = {layout.name: layout for layout in LAYOUTS}
    try:
        layout = layouts[str(item["layout"])]
        entry = Entry(
            str(item["name"]), str(item["title"]), str(item.get("about", "")), str(item["url"]), int(item["bytes"]),
            str(item["sha256"]), str(item["licence"]), layout.architecture, layout.name,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FileError(f"{short_path(place)}: an entry lacks or misstates {error}; install the studio again") from None
    if not _NAME.match(entry.name) or not _HASH.match(entry.sha256):
        raise FileError(f"{short_path(place)}: the name or sha256 of {entry.name!r} is not valid")
    if not entry.url.startswith("https://") or entry.size <= 0:
        raise FileError(f"{short_path(place)}: the address or size of {entry.name!r} is not valid")
    return entry


def find_entry(name: str, path: Path | None = None) -> Entry:
    """An entry by name. Raises FetchError with what there is."""
    entries = catalogue(path)
    for entry in entries:
        if entry.name == name:
            return entry
    raise FetchError(f"the catalogue has no {name!r}; it has: {', '.join(entry.name for entry in entries)}")


def fetch_model(
    entry: Entry, *, check: Callable[[float, str], None] = lambda share, line: None,
    cancelled: Callable[[], bool] = lambda: False, stall: float = STALL,
) -> Imported:
    """Fetch a model of the catalogue and import it. ``check`` is told the progress and may raise Cancelled.

    Raises FetchError, FileError or WeightsError. What was fetched is deleted once it is imported.
    """
    file = paths.user_folder("cache") / "downloads" / Path(entry.url).name
    if not file.is_file():
        fetch(
            entry.url, file, sha256=entry.sha256, size=entry.size, stall=stall,
            tell=lambda share, line: check(0.9 * share, line),
        )
    check(0.92, "reading it in a process of its own")
    try:
        done = import_model(
            file, entry.name, licence=entry.licence, replace=True, cancelled=cancelled, wanted=entry.layout
        )
    except (WeightsError, FileError):
        file.unlink(missing_ok=True)  # after a cancel it stays, to be imported the next time
        raise
    file.unlink(missing_ok=True)
    card = read_card(done.path)
    card.update({"title": entry.title, "about": entry.about, "url": entry.url})
    safe_json.save(done.path.with_suffix(".json"), card)
    return done


def remove_model(path: Path) -> None:
    """Delete one of the user's own models and its card. Raises FileError; house models are never deleted."""
    own = paths.model_folders()[0].resolve()
    if path.resolve().parent != own:
        raise FileError(f"{short_path(path)} came with the studio or lies elsewhere; only your own models are deleted")
    try:
        path.unlink(missing_ok=True)
        path.with_suffix(".json").unlink(missing_ok=True)
    except OSError as error:
        raise FileError(f"cannot delete {short_path(path)}: {error.strerror}; close what uses it") from None
