"""What can be said about a plugin's Python files without running them: their imports and a few known traps."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from studio.plugins.findings import Finding, advice, fault
from studio.plugins.manifest import Manifest, PluginError, parse_source

ALLOWED = ("studio.api", "studio.nn")
PROVIDED = {"numpy", "torch", "cv2", "mido", "PIL", "safetensors"}
"""Modules that every studio brings along; they need not stand in ``requires``."""
_WINDOWS = {"PySide2", "PySide6", "PyQt5", "PyQt6", "tkinter", "wx"}
_PICKLES = {"pickle", "cPickle", "dill", "joblib", "cloudpickle", "shelve", "marshal"}
_KINDS = {"Float", "Int", "Point"}


def python_files(place: Path) -> list[Path]:
    """The plugin's own modules: no tests, no hidden files."""
    if place.is_file():
        return [place]
    return [
        path for path in sorted(place.rglob("*.py"))
        if not path.name.startswith(("test_", "conftest"))
        and not any(part.startswith(".") or part == "__pycache__" for part in path.relative_to(place).parts)
    ]


def check_sources(place: Path, manifest: Manifest | None) -> list[Finding]:
    """Findings of all files of the plugin."""
    found: list[Finding] = []
    for path in python_files(place):
        name = path.name if place.is_file() else path.relative_to(place).as_posix()
        try:
            tree = parse_source(path)
        except PluginError as error:
            found.append(fault(name, str(error)))
            continue
        found.extend(_imports(tree, name, place, manifest))
        found.extend(_traps(tree, name))
    return found


def _imported(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Absolute module names with their lines; ``from studio import api`` counts as ``studio.api``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            if node.module == "studio":
                yield from ((f"studio.{alias.name}", node.lineno) for alias in node.names)
            else:
                yield node.module, node.lineno


def _imports(tree: ast.Module, name: str, place: Path, manifest: Manifest | None) -> Iterator[Finding]:
    requires = manifest.requires if manifest else ()
    required = {_plain(re.split(r"[^\w.-]", item.strip(), maxsplit=1)[0]) for item in requires}
    own = {path.stem for path in place.glob("*.py")} if place.is_dir() else {place.stem}
    for module, line in _imported(tree):
        where, top = f"{name}, line {line}", module.partition(".")[0]
        if top == "studio":
            if not any(module == allowed or module.startswith(f"{allowed}.") for allowed in ALLOWED):
                what = f"it imports {module}, an internal part of the studio that changes without notice"
                yield fault(where, f"{what}; use only studio.api and studio.nn")
        elif top in _WINDOWS:
            yield fault(where, f"it imports {top}; a generator draws no window, the studio shows what step returns")
        elif top in _PICKLES:
            yield advice(where, f"it imports {top}, which runs code that is hidden in files; use JSON or safetensors")
        elif top in own and place.is_dir():
            yield fault(where, f"it imports its own file {top}.py as if it were installed; write: from .{top} import …")
        elif top == "plugins":
            yield fault(where, "it imports from another plugin, which may not be there; copy what you need")
        elif top not in sys.stdlib_module_names and top not in PROVIDED and not _named(top, required):
            field = "'requires' of plugin.toml" if place.is_dir() else "a class constant requires = [\"…\"]"
            yield fault(where, f"it imports {top}, which does not come with the studio; name it in {field}")


def _named(module: str, required: set[str]) -> bool:
    if _plain(module) in required:
        return True
    return any(_plain(dist) in required for dist in importlib.metadata.packages_distributions().get(module, ()))


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _traps(tree: ast.Module, name: str) -> Iterator[Finding]:
    declared = {
        target.id
        for node in ast.walk(tree) if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
        and getattr(node.value.func, "id", getattr(node.value.func, "attr", "")) in _KINDS
        for target in node.targets if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            sides = {ast.unparse(node.left), ast.unparse(node.right)}
            knobs = {f"self.{knob}" for knob in declared} & sides
            if "ctx.t" in sides and knobs:
                knob = knobs.pop()
                cure = f"add {knob} * ctx.dt to a phase in every step instead"
                what = f"{knob} * ctx.t makes the picture jump when the knob turns"
                yield advice(f"{name}, line {node.lineno}", f"{what}; {cure}")
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
            safe = any(k.arg == "weights_only" and getattr(k.value, "value", None) is True for k in node.keywords)
            if not safe:
                cure = "add weights_only=True, or better use safetensors"
                yield fault(f"{name}, line {node.lineno}", f"torch.load runs code that is hidden in the file; {cure}")
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("eval", "exec"):
            cure = "a preset could bring it code; parse the text instead"
            what = f"{ast.unparse(node.func)}() runs any text as code"
            yield advice(f"{name}, line {node.lineno}", f"{what}; {cure}")
