"""Pictures of what the layers and channels of a feature network dream: those that came along, and those made here.

They are kept by the sha256 of the network's file, so that another network, or the same one trained on, gets its own.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio import paths, safe_json
from studio.files import FileError, atomic_write
from studio.media import Frame
from studio.picture import read_image

if TYPE_CHECKING:
    from studio.nn.featurenet import FeatureNet

INDEX = "layers.json"
QUALITY = 72
TOP = 5
"""Channels of each layer whose pictures come with the studio."""


def bundled_folder() -> Path:
    """Where the pictures that came with the studio are, a folder per network."""
    return paths.bundled("resources") / "dream_layers"


class DreamTiles:
    """The pictures of one network. Slow (reading: milliseconds, making: seconds): for a background thread only, one at
    a time. Raises FileNotFoundError, WeightsError or FeatureError with a sentence where the network cannot be used."""

    def __init__(self, model: str, *, cache: Path | None = None, bundled: Path | None = None) -> None:
        from studio.nn.weights import sha256

        self.path = paths.find_model(model)
        self.key = sha256(self.path)[:16]
        self._ready = (bundled or bundled_folder()) / self.key
        self._cache = (cache or paths.user_folder("cache") / "dream_layers") / self.key
        self._net: FeatureNet | None = None

    @property
    def net(self) -> FeatureNet:
        """The network, loaded when it is first needed."""
        if self._net is None:
            from studio.nn.features import load_features

            self._net = load_features(self.path)
        return self._net

    def layers(self) -> dict[str, int]:
        """Number of channels by layer, from the picture on; known without loading the network if asked before."""
        for folder in (self._ready, self._cache):
            try:
                found = safe_json.load_object(folder / INDEX, max_bytes=1 << 16)
            except FileError:
                continue
            known = found.get("layers")
            if isinstance(known, dict) and known and all(type(count) is int and count > 0 for count in known.values()):
                return {str(name): int(count) for name, count in known.items()}
        made = {name: self.net.channels(name) for name in self.net.layers}
        with contextlib.suppress(FileError):
            safe_json.save(self._cache / INDEX, {"layers": made}, parents=True)
        return made

    def find(self, layer: str, channel: int | None = None) -> Frame | None:
        """The picture if there is one already; a damaged file counts as none."""
        for folder in (self._ready, self._cache):
            place = folder / _name(layer, channel)
            if place.is_file():
                try:
                    return read_image(place)
                except FileError:
                    continue
        return None

    def get(self, layer: str, channel: int | None = None, *, check: Callable[[float], None] = lambda _: None) -> Frame:
        """The picture, made and kept where there is none yet; ``check`` may raise to stop."""
        found = self.find(layer, channel)
        if found is not None:
            return found
        from studio.nn.dream_tiles import tile

        made = tile(self.net, layer, channel, check=check)
        with contextlib.suppress(FileError):  # a full or read-only disk: it is made again next time
            write(self._cache / _name(layer, channel), made)
        return made

    def rank(self, layer: str, picture: Frame | None = None) -> list[int]:
        """Channels of ``layer``, first those that fire most on ``picture``, or on the layer's own dream."""
        from studio.nn.dream_tiles import rank

        return rank(self.net, self.get(layer) if picture is None else picture, layer)


def _name(layer: str, channel: int | None) -> str:
    safe = "".join(letter if letter.isalnum() else "_" for letter in layer)
    return f"{safe}.jpg" if channel is None else f"{safe}-{channel}.jpg"


def write(path: Path, picture: Frame, quality: int = QUALITY) -> None:
    """Keep a picture as JPEG. Raises FileError."""
    from PIL import Image

    data = io.BytesIO()
    Image.fromarray(picture).save(data, "JPEG", quality=quality, optimize=True)
    with atomic_write(path, parents=True) as temporary:
        temporary.write_bytes(data.getvalue())


def make_set(
    model: str, folder: Path, *, channels: int = TOP, quality: int = QUALITY,
    progress: Callable[[float, str], None] = lambda share, text: None,
) -> dict[str, Any]:
    """Make the pictures of every layer, and of the ``channels`` that its dream shows most, in ``folder``/KEY.

    Returns the number of pictures and of bytes, and the folder.
    """
    tiles = DreamTiles(model, cache=folder, bundled=folder)
    names = list(tiles.net.layers)
    place = folder / tiles.key
    place.mkdir(parents=True, exist_ok=True)
    safe_json.save(place / INDEX, {"layers": {name: tiles.net.channels(name) for name in names}}, parents=True)
    for number, layer in enumerate(names):
        progress(number / len(names), layer)
        tiles.get(layer)
        for channel in tiles.rank(layer)[:channels]:
            tiles.get(layer, channel)
    made = sorted(place.glob("*.jpg"))
    return {"folder": str(place), "pictures": len(made), "bytes": sum(path.stat().st_size for path in made)}
