"""Making the house sound font: ``python -m studio.export.soundfont.make`` writes ``resources/soundfont``.

All of it is computed from the formulas in this folder and in ``voices`` and ``drums``; nothing was recorded.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

from studio import paths
from studio.export.soundfont.instruments import presets
from studio.export.soundfont.sf2 import encode
from studio.files import write_bytes

NAME = "reverie.sf2"
MOST_BYTES = 6_000_000


def house_font() -> Path:
    """Where the house sound font lies."""
    return paths.bundled("resources") / "soundfont" / NAME


def render() -> bytes:
    """The font's bytes, the same every time on one machine."""
    return encode(presets(), name="Reverie house font", copyright="2026 the Reverie Studio authors, Apache-2.0",
                  comment="Synthesised by python -m studio.export.soundfont.make; no recordings.")


def main() -> int:
    """Write the font and its card."""
    data, place = render(), house_font()
    place.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(place, data)
    card = {
        "name": "reverie", "title": "House sound font: 17 instruments on the 128 programs of General MIDI, and a kit",
        "data": {"name": "none: every sample is computed", "licence": "Apache-2.0"},
        "command": "python -m studio.export.soundfont.make", "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    write_bytes(place.with_suffix(".json"), (json.dumps(card, indent=2) + "\n").encode())
    print(f"{place.name}: {len(data):,} bytes")
    return 0 if len(data) <= MOST_BYTES else 1


if __name__ == "__main__":
    sys.exit(main())
