"""The one build step that pyproject.toml cannot say: plugins/, presets/ and resources/ go into the wheel."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

BUNDLED = ("plugins", "presets", "resources")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.py[cod]", ".*", "*.ckpt", "*.events.jsonl")


class BuildWithBundles(build_py):
    """Copies the bundled folders to where ``studio.paths.bundled`` looks for them in an installed copy."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return  # an editable install runs from the checkout, where the folders are
        root = Path(__file__).resolve().parent
        target = Path(self.build_lib) / "studio" / "_bundled"
        shutil.rmtree(target, ignore_errors=True)  # an old build folder must not bring deleted plugins back
        for name in BUNDLED:
            if (root / name).is_dir():
                shutil.copytree(root / name, target / name, ignore=LEFT_OUT)


setup(cmdclass={"build_py": BuildWithBundles})
