"""Reading pictures from strangers: formats by allow-list, sizes checked before anything is decoded.

Every fault is a ``PictureError``, one sentence. What comes back is always a host frame in the studio's convention:
uint8 sRGB ``(height, width, 3)``, upright (EXIF orientation applied), transparent parts over black.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.files import FileError, read_bytes, short_path
from studio.media import MAX_PIXELS, Frame

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
"""Formats that are read, in Pillow's names. PostScript and the like, which run programs, are not among them."""

ENDINGS = (".png", ".jpg", ".jpeg", ".jpe", ".webp", ".gif", ".bmp", ".tif", ".tiff")
"""Endings under which such files go."""

MAX_FILE_BYTES = 512 * 1024 * 1024
"""Largest picture file (bytes)."""

MAX_FRAMES = 10_000
"""Most frames of an animated picture."""

MAX_ANIMATION_PIXELS = 8 * MAX_PIXELS
"""Most pixels x frames of an animated picture: a small file can unpack to gigabytes."""


class PictureError(FileError):
    """A picture that cannot be read; the message is a sentence that names the file, the reason and the cure."""


def read_image(path: Path | str, *, max_pixels: int = MAX_PIXELS, at_least: int = 0) -> Frame:
    """A still picture (the first frame of an animated one) as uint8 RGB ``(height, width, 3)``.

    With ``at_least`` a JPEG may come in a half, a quarter or an eighth of its size, as long as no side falls below so
    many pixels: that is decoded many times faster.

    Raises PictureError for another format, a damaged or truncated file and more than ``max_pixels`` pixels; FileError
    when the file itself cannot be read.
    """
    image = _open(path, max_pixels)
    try:
        if at_least:
            image.draft(None, (at_least, at_least))
        image.load()
        return _frame(image)
    except Exception as error:  # Pillow's decoders raise a dozen types, IndexError and struct.error among them
        raise _damaged(path, error) from None
    finally:
        image.close()


def read_animation(
    path: Path | str, *, max_pixels: int = MAX_PIXELS, max_frames: int = MAX_FRAMES
) -> Iterator[tuple[Frame, float]]:
    """Frames of an animated GIF, WebP or PNG, each with the seconds it is shown (a still has one, shown 0 s).

    One frame is in memory at a time. Raises as ``read_image``, and PictureError for more than ``max_frames`` frames or
    more than ``MAX_ANIMATION_PIXELS`` pixels in all frames together.
    """
    image = _open(path, max_pixels)
    try:
        try:
            count = int(getattr(image, "n_frames", 1))
        except Exception as error:
            raise _damaged(path, error) from None
        total = count * image.width * image.height
        if count > max_frames or total > max(MAX_ANIMATION_PIXELS, image.width * image.height):
            raise PictureError(
                f"cannot read {short_path(path)}: {count} frames of {image.width}x{image.height} are too many; "
                "cut it shorter or make it smaller"
            )
        for index in range(count):
            try:
                image.seek(index)
                image.load()
                frame = _frame(image)
                seconds = float(image.info.get("duration") or 0.0) / 1000.0
            except Exception as error:
                raise _damaged(path, error) from None
            yield frame, max(0.0, seconds)
    finally:
        image.close()


def picture_size(path: Path | str, *, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """``(width, height)`` in pixels as it will be read (upright), from the header alone. Raises as ``read_image``."""
    image = _open(path, max_pixels)
    try:
        turned = image.getexif().get(0x0112) in (5, 6, 7, 8)
    except Exception:  # unreadable EXIF: the picture itself may be sound
        turned = False
    finally:
        image.close()
    return (image.height, image.width) if turned else (image.width, image.height)


def frame_count(path: Path | str, *, max_pixels: int = MAX_PIXELS) -> int:
    """Frames of an animated picture; 1 for a still. Raises as ``read_image``."""
    image = _open(path, max_pixels)
    try:
        # a TIFF's pages are not an animation
        return int(getattr(image, "n_frames", 1)) if image.format in ("GIF", "WEBP", "PNG") else 1
    except Exception as error:
        raise _damaged(path, error) from None
    finally:
        image.close()


def _open(path: Path | str, max_pixels: int) -> Image:
    import warnings

    from PIL import Image as Pillow
    from PIL import UnidentifiedImageError

    data = read_bytes(path, limit=MAX_FILE_BYTES)
    if not data:
        raise PictureError(f"cannot read {short_path(path)}: the file is empty; choose another picture")
    # Pillow only warns about pictures up to twice its own limit; an exception leaves the sentence to us
    warnings.filterwarnings("error", category=Pillow.DecompressionBombWarning)
    try:
        image = Pillow.open(io.BytesIO(data), formats=FORMATS)
    except (Pillow.DecompressionBombError, Pillow.DecompressionBombWarning):
        raise _too_large(path, "", max_pixels) from None
    except UnidentifiedImageError:
        raise PictureError(
            f"cannot read {short_path(path)}: it is not a picture in a known format ({', '.join(FORMATS)}) or it is "
            "damaged; save it as PNG or JPEG"
        ) from None
    except Exception as error:
        raise _damaged(path, error) from None
    if image.width * image.height > max_pixels:
        image.close()
        raise _too_large(path, f" of {image.width}x{image.height}", max_pixels)
    if image.width < 1 or image.height < 1:
        image.close()
        raise PictureError(f"cannot read {short_path(path)}: it has no pixels; choose another picture")
    return image


def _too_large(path: Path | str, size: str, max_pixels: int) -> PictureError:
    return PictureError(
        f"cannot read {short_path(path)}: a picture{size} is larger than {max_pixels / 1e6:,.0f} million pixels; "
        "make it smaller first"
    )


def _damaged(path: Path | str, error: Exception) -> PictureError:
    reason = " ".join(str(error).split())[:100] or type(error).__name__
    if isinstance(error, MemoryError):
        reason = "there is not enough memory for it"
    return PictureError(
        f"cannot read {short_path(path)}: the picture is damaged or cut short ({reason}); choose another copy"
    )


def _frame(image: Image) -> Frame:
    """Pillow picture -> uint8 RGB, upright, sRGB, over black."""
    from PIL import Image as Pillow
    from PIL import ImageOps

    profile = image.info.get("icc_profile")
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":
        return np.repeat(_deep_grey(image)[:, :, None], 3, axis=2)
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        over = image.convert("RGBA")
        image = Pillow.new("RGB", over.size)
        image.paste(over, mask=over.getchannel("A"))
    elif image.mode != "CMYK":
        image = image.convert("RGB")
    image = _to_srgb(image, profile)
    return np.array(image.convert("RGB"), dtype=np.uint8)


def _deep_grey(image: Image) -> Frame:
    """16 and 32 bit grey -> uint8; Pillow's own conversion would cut everything above 255 to white."""
    values: Any = np.nan_to_num(np.asarray(image).astype(np.float32), posinf=0.0, neginf=0.0)
    peak = float(values.max(initial=0.0))
    scale = 255.0 if image.mode == "F" and peak <= 1.0 else 1.0 if peak <= 255.0 else 255.0 / max(65535.0, peak)
    grey: Frame = np.clip(values * scale + 0.5, 0.0, 255.0).astype(np.uint8)
    return grey


def _to_srgb(image: Image, profile: Any) -> Image:
    """Colours of another profile (Display P3 of a telephone, Adobe RGB) brought to sRGB; a bad profile is ignored."""
    if not isinstance(profile, bytes) or not 128 <= len(profile) <= 4_000_000 or image.mode not in ("RGB", "CMYK"):
        return image
    try:
        from PIL import ImageCms

        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "srgb" in ImageCms.getProfileDescription(source).lower():
            return image
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except Exception:  # no colour management in this Pillow, or a profile it cannot use: keep the numbers
        return image
    return converted if converted is not None else image
