"""The ready-made small pictures of the built-in presets.

``python -m studio.session.house_thumbs`` renders those that are missing or no longer fit their preset, and removes
the rest. A test says when it is time.
"""

from __future__ import annotations

import sys
import time

from studio.files import write_bytes
from studio.plugins import discover
from studio.session.thumbnails import house_folder, house_presets, key_of, render_thumb

MOST_BYTES = 900_000
"""All of them together."""


def make() -> int:
    """Bring the folder up to date; returns how many were rendered."""
    registry = discover(builtin_only=True)
    folder = house_folder()
    folder.mkdir(parents=True, exist_ok=True)
    keys, made = set(), 0
    for preset in house_presets(registry):
        key = key_of(preset)
        keys.add(key)
        place = folder / f"{key}.jpg"
        if place.exists():
            continue
        begun = time.monotonic()
        data = render_thumb(registry, preset)
        write_bytes(place, data)
        made += 1
        print(f"{preset.generator} {preset.slug}: {len(data):,} bytes, {time.monotonic() - begun:.1f} s", flush=True)
    for place in folder.glob("*.jpg"):
        if place.stem not in keys:
            place.unlink()
    return made


def main() -> int:
    made = make()
    total = sum(place.stat().st_size for place in house_folder().glob("*.jpg"))
    print(f"{made} rendered, {total:,} bytes in all")
    return 0 if total <= MOST_BYTES else 1


if __name__ == "__main__":
    sys.exit(main())
