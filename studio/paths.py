"""Where things are: bundled plugins, presets and resources, and the user's own folders.

In a checkout the bundled folders stand beside ``studio/``; in a wheel they are inside it.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

from studio.files import is_file

_HERE = Path(__file__).resolve().parent


def bundled(name: str) -> Path:
    """A bundled folder: ``plugins``, ``presets`` or ``resources``."""
    inside = _HERE / "_bundled" / name
    return inside if inside.is_dir() else _HERE.parent / name


def user_folder(kind: str) -> Path:
    """The user's folder for ``config``, ``data``, ``cache`` or ``log``; REVERIE_HOME puts all of them in one place."""
    home = os.environ.get("REVERIE_HOME")
    if home:
        return Path(home).expanduser() / kind
    import platformdirs

    finders = {
        "config": platformdirs.user_config_path, "data": platformdirs.user_data_path,
        "cache": platformdirs.user_cache_path, "log": platformdirs.user_log_path,
    }
    return finders[kind]("reverie", appauthor=False)


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")


def model_folders() -> list[Path]:
    """Where models are looked for by name, the user's first."""
    return [user_folder("data") / "models", bundled("resources") / "models"]


def find_model(name: str) -> Path:
    """A model file by name (``flowers``) or by path. Raises FileNotFoundError with a sentence."""
    if _NAME.match(name):
        for folder in model_folders():
            candidate = folder / (name if name.endswith(".safetensors") else f"{name}.safetensors")
            if is_file(candidate):
                return candidate
    if not name.strip() or (_NAME.match(name) and not name.endswith(".safetensors")):
        known = sorted({p.stem for folder in model_folders() if folder.is_dir() for p in folder.glob("*.safetensors")})
        start = f"there is no model {name!r}" if name.strip() else "no model is chosen"
        raise FileNotFoundError(f"{start}; there are: {', '.join(known) or 'none'}")
    path = Path(name)
    with contextlib.suppress(RuntimeError):  # ~somebody who is not a user here
        path = path.expanduser()
    if not is_file(path):
        raise FileNotFoundError(f"there is no model file {name}; give a path to a .safetensors file or a model's name")
    return path
