"""Where the letters come from: the typefaces that are installed with the studio, and a font file of the user's own."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

WEIGHTS = ("light", "regular", "bold", "black")

_PACKAGES: dict[str, tuple[str, dict[str, str]]] = {
    "grotesque": ("font_manrope", {
        "light": "Manrope-Light.ttf", "regular": "Manrope-Medium.ttf", "bold": "Manrope-Bold.ttf",
        "black": "Manrope-ExtraBold.ttf"}),
    "serif": ("font_source_serif_pro", {
        "light": "SourceSerifPro-Light.ttf", "regular": "SourceSerifPro-Regular.ttf",
        "bold": "SourceSerifPro-Semibold.ttf", "black": "SourceSerifPro-Black.ttf"}),
    "italic": ("font_source_serif_pro", {
        "light": "SourceSerifPro-LightIt.ttf", "regular": "SourceSerifPro-It.ttf",
        "bold": "SourceSerifPro-SemiboldIt.ttf", "black": "SourceSerifPro-BlackIt.ttf"}),
    "condensed": ("font_fjallaone", dict.fromkeys(WEIGHTS, "FjallaOne-Regular.ttf")),
}
FACES = (*_PACKAGES, "own file")
"""Manrope, Source Serif Pro upright and italic, Fjalla One (all SIL Open Font License), and a file."""

Font = ImageFont.FreeTypeFont


@dataclass(frozen=True)
class Face:
    """A typeface at one weight. ``missing`` says why another one stands in for it, '' where it is the wished one."""

    path: Path | None
    missing: str = ""

    def at(self, pixels: int) -> Font:
        """The font at so many pixels to the em."""
        if self.path is None:
            font = ImageFont.load_default(pixels)
            assert isinstance(font, ImageFont.FreeTypeFont)
            return font
        return ImageFont.truetype(self.path, pixels, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=64)
def find(face: str, weight: str, own: str = "") -> Face:
    """The face by its name in FACES; ``own`` is the font file of "own file". Never fails."""
    if face == "own file":
        return _own(own)
    package, files = _PACKAGES[face]
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "files" / files[weight]
        if path.is_file():
            return Face(path)
    cure = f"install {package.replace('_', '-')} with pip, or choose a font file of your own"
    return Face(None, f"the typeface for {face} is not installed; a plain one stands in for it: {cure}")


def _own(own: str) -> Face:
    if not own:
        return Face(find("grotesque", "bold").path, "no font file is chosen; choose a .ttf or .otf file")
    path = Path(own).expanduser()
    try:
        ImageFont.truetype(path, 12).getmask("a")
    except (OSError, ValueError) as error:
        reason = "there is no such file" if not path.exists() else f"it is not a font that can be read ({error})"
        return Face(find("grotesque", "bold").path, f"{path.name}: {reason}; another stands in for it")
    return Face(path)


@lru_cache(maxsize=1)
def stand_ins() -> tuple[Face, ...]:
    """Faces for letters that the chosen one does not have: the widest of ours, then what systems usually bring."""
    found = [find("grotesque", "bold"), find("serif", "regular")]
    for path in (
        "/usr/share/fonts/truetype/noto/NotoSans-Bold.ttf", "/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf",
        "/usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc", "/System/Library/Fonts/Supplemental/Arial Unicode.ttf",
        "C:/Windows/Fonts/seguisb.ttf", "C:/Windows/Fonts/msyh.ttc",
    ):
        if Path(path).is_file():
            found.append(Face(Path(path)))
    return tuple(found)
