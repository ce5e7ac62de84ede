"""What a plugin says about itself, read without importing its code.

A plugin folder holds ``plugin.toml``; a lone ``.py`` file needs none, its class constants are read with ``ast``.
Every fault is a sentence that names the field, the reason and the cure.
"""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.files import FileError, read_bytes, short_path
from studio.generator import API_VERSION
from studio.media import MEDIA_KINDS

MANIFEST = "plugin.toml"
MAX_MANIFEST = 64 * 1024
"""Largest plugin.toml (bytes)."""
MAX_SOURCE = 2 * 1024 * 1024
"""Largest Python file (bytes) that is read with ``ast``."""

FIELDS = ("id", "api", "version", "title", "about", "entry", "makes", "takes", "requires", "weights")
_ID = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+\Z")
_ENTRY = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*([^;]*?)\s*(?:;.*)?\Z", re.DOTALL)
_CONDITION = re.compile(r"(>=|<=|==|!=|~=|>|<)\s*([0-9][0-9A-Za-z.+!*-]*)\Z")


class PluginError(ValueError):
    """A plugin that cannot be used; the message is a sentence with the reason and, where there is one, the cure."""


@dataclass(frozen=True)
class Weights:
    """A model that a plugin needs and does not carry.

    Either one of the studio's, by ``name`` and ``architecture``, or a file to fetch: ``url``, ``sha256``, ``license``.
    """

    name: str
    architecture: str = ""
    url: str = ""
    sha256: str = ""
    license: str = ""


@dataclass(frozen=True)
class Manifest:
    """The declaration of a plugin; see docs/plugins.md for the fields of plugin.toml."""

    id: str
    api: int
    version: int
    title: str
    entry: str
    makes: str
    takes: str | None = None
    about: str = ""
    requires: tuple[str, ...] = ()
    weights: tuple[Weights, ...] = ()
    unknown: tuple[str, ...] = ()
    """Fields of plugin.toml that this studio does not know (kept out, named by ``check``)."""

    @property
    def module(self) -> str:
        """The module part of ``entry``."""
        return self.entry.partition(":")[0]

    @property
    def class_name(self) -> str:
        """The class part of ``entry``."""
        return self.entry.partition(":")[2]


def faults(data: Mapping[str, Any]) -> list[str]:
    """Everything that is wrong with the fields of a manifest, a sentence each; empty when it is fine."""
    found: list[str] = []

    def text(name: str, limit: int, *, needed: bool = True) -> str | None:
        value = data.get(name)
        if value is None:
            if needed:
                found.append(f"the field {name!r} is missing")
        elif not isinstance(value, str) or not value.strip():
            found.append(f"the field {name!r} must be text in quotes, not {_short(value)}")
        elif len(value) > limit:
            found.append(f"the field {name!r} has {len(value)} characters, at most {limit} are allowed")
        else:
            return value
        return None

    identity = text("id", 100)
    if identity is not None and not _ID.match(identity):
        found.append(f"the id {_short(identity)} must look like 'author.name': lower case letters, digits and _")
    for name in ("api", "version"):
        value = data.get(name)
        if value is None:
            found.append(f"the field {name!r} is missing; write {name} = 1")
        elif not isinstance(value, int) or isinstance(value, bool) or value < 1:
            found.append(f"the field {name!r} must be a whole number from 1, not {_short(value)}")
        elif name == "api" and value != API_VERSION:
            cure = "update the studio" if value > API_VERSION else f"port the plugin to api = {API_VERSION}"
            found.append(f"it was written for version {value} of the interface, this studio has {API_VERSION}; {cure}")
    text("title", 80)
    text("about", 400, needed=False)
    entry = text("entry", 200)
    if entry is not None and not _ENTRY.match(entry):
        found.append(f"the entry {_short(entry)} must look like 'module:Class'")
    for name in ("makes", "takes"):
        kind = text(name, 20, needed=name == "makes")
        if kind is not None and kind not in MEDIA_KINDS:
            found.append(f"{name} = {_short(kind)} is not one of {', '.join(MEDIA_KINDS)}")
    requires = data.get("requires", [])
    if not isinstance(requires, list) or not all(isinstance(item, str) for item in requires):
        found.append("the field 'requires' must be a list of package names, such as [\"numpy>=2\"]")
    else:
        found.extend(
            f"requires: {_short(item)} is not a package name such as \"numpy>=2\""
            for item in requires if _parse_requirement(item) is None
        )
    found.extend(_weight_faults(data.get("weights", [])))
    return found


def _weight_faults(weights: Any) -> list[str]:
    if not isinstance(weights, list) or not all(isinstance(item, dict) for item in weights):
        return ["'weights' must be written as tables: [[weights]] with name and architecture"]
    found = []
    for number, item in enumerate(weights, 1):
        needed = ("name", "url", "sha256", "license") if "url" in item else ("name", "architecture")
        for name in needed:
            if not isinstance(item.get(name), str) or not item[name]:
                found.append(f"[[weights]] number {number}: the field {name!r} is missing or not text")
        if isinstance(item.get("url"), str) and item["url"] and not item["url"].startswith("https://"):
            found.append(f"[[weights]] number {number}: the url must begin with https://")
        if isinstance(item.get("sha256"), str) and item["sha256"] and not _SHA256.match(item["sha256"]):
            found.append(f"[[weights]] number {number}: the sha256 must be 64 hexadecimal digits in lower case")
        name = item.get("name")
        if isinstance(name, str) and (Path(name).name != name or "\\" in name or name in (".", "..")):
            found.append(f"[[weights]] number {number}: the name must be a plain file name")
    return found


def from_table(data: Mapping[str, Any]) -> Manifest:
    """A manifest from its fields. Raises PluginError that lists every fault."""
    wrong = faults(data)
    if wrong:
        raise PluginError("; ".join(wrong))
    return Manifest(
        id=data["id"], api=data["api"], version=data["version"], title=data["title"], entry=data["entry"],
        makes=data["makes"], takes=data.get("takes"), about=data.get("about", ""),
        requires=tuple(data.get("requires", ())),
        weights=tuple(
            Weights(**{name: str(item.get(name, "")) for name in ("name", "architecture", "url", "sha256", "license")})
            for item in data.get("weights", ())
        ),
        unknown=tuple(name for name in data if name not in FIELDS),
    )


def read_table(path: Path) -> dict[str, Any]:
    """The fields of a plugin.toml, not yet checked. Raises PluginError."""
    try:
        return tomllib.loads(read_bytes(path, limit=MAX_MANIFEST).decode("utf-8-sig"))
    except FileError as error:
        raise PluginError(str(error)) from None
    except UnicodeDecodeError as error:
        raise PluginError(f"{short_path(path.name)} is not UTF-8 text (byte {error.start})") from None
    except tomllib.TOMLDecodeError as error:
        raise PluginError(f"{short_path(path.name)} is not valid TOML: {error}") from None
    except RecursionError:
        raise PluginError(f"{short_path(path.name)} is nested too deep") from None


def parse_source(path: Path) -> ast.Module:
    """The syntax tree of a Python file. Raises PluginError that names file and line."""
    try:
        return ast.parse(read_bytes(path, limit=MAX_SOURCE), filename=path.name)
    except FileError as error:
        raise PluginError(str(error)) from None
    except SyntaxError as error:
        raise PluginError(f"{path.name}, line {error.lineno or 1}: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise PluginError(f"{path.name} cannot be read as Python: {error or type(error).__name__}") from None


def table_from_source(path: Path) -> dict[str, Any] | None:
    """Manifest fields from the class constants of a lone Python file, without running it.

    None when the file declares no Generator. Raises PluginError for a file that cannot be parsed or declares several.
    """
    classes = [node for node in ast.walk(parse_source(path)) if isinstance(node, ast.ClassDef)]
    generators: list[tuple[ast.ClassDef, dict[str, Any]]] = []
    for node in classes:
        if any(_last_name(base) == "Generator" for base in node.bases):
            generators.append((node, _constants(node)))
    named = [(node, table) for node, table in generators if "id" in table] or generators
    if not named:
        return None
    if len(named) > 1:
        names = ", ".join(node.name for node, _ in named)
        raise PluginError(f"{path.name} declares several generators ({names}); put each into a file of its own")
    node, table = named[0]
    words = ast.get_docstring(node) or ""
    found = {
        "api": API_VERSION, "version": 1, "title": _spaced(node.name), "entry": f"{path.stem}:{node.name}",
        "makes": "image", "about": words.partition("\n")[0][:400],
    }
    found.update({name: table[name] for name in ("id", "api", "version", "title", "makes", "takes") if name in table})
    if isinstance(table.get("requires"), (list, tuple)):
        found["requires"] = list(table["requires"])
    return {name: value for name, value in found.items() if value not in (None, "")}


def _constants(node: ast.ClassDef) -> dict[str, Any]:
    """``name = constant`` statements of a class body, also as ``a, b = 1, 2`` and with an annotation."""
    found: dict[str, Any] = {}
    for line in node.body:
        pairs: list[tuple[ast.expr, ast.expr]]
        if isinstance(line, ast.AnnAssign) and line.value is not None:
            pairs = [(line.target, line.value)]
        elif isinstance(line, ast.Assign):
            pairs = [(target, line.value) for target in line.targets]
        else:
            continue
        for target, value in pairs:
            try:
                constant = ast.literal_eval(value)
            except (ValueError, TypeError, MemoryError, RecursionError):
                continue
            if isinstance(target, ast.Name):
                found[target.id] = constant
            elif isinstance(target, ast.Tuple) and isinstance(constant, tuple) and len(constant) == len(target.elts):
                found.update({t.id: c for t, c in zip(target.elts, constant, strict=True) if isinstance(t, ast.Name)})
    return found


def _last_name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _spaced(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).capitalize()


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."


def missing(requires: tuple[str, ...]) -> list[str]:
    """The required packages that are absent or of a wrong version, a sentence each. Nothing is imported."""
    found = []
    for item in requires:
        parsed = _parse_requirement(item)
        if parsed is None:
            continue
        name, conditions = parsed
        cure = f"install it with: pip install \"{item.strip()}\""
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            if not _importable(name):
                found.append(f"it needs {item.strip()}, which is not installed; {cure}")
            continue
        if not all(_holds(version, sign, wanted) for sign, wanted in conditions):
            found.append(f"it needs {item.strip()}, but version {version} is installed; {cure}")
    return found


def _importable(name: str) -> bool:
    """Whether a top-level module of this name exists; the module itself is not run."""
    try:
        return name.isidentifier() and importlib.util.find_spec(name) is not None
    except (ImportError, ValueError, AttributeError):
        return False


def _parse_requirement(text: str) -> tuple[str, list[tuple[str, str]]] | None:
    match = _REQUIREMENT.match(text)
    if not match:
        return None
    conditions = []
    for part in filter(None, (part.strip() for part in match[2].split(","))):
        condition = _CONDITION.match(part)
        if not condition:
            return None
        conditions.append((condition[1], condition[2]))
    return match[1], conditions


def _holds(version: str, sign: str, wanted: str) -> bool:
    """Whether ``version sign wanted``; compares release numbers only, which is enough to give a clear reason early."""
    if wanted.endswith(".*") and sign in ("==", "!="):
        prefix = _release(wanted[:-2])
        same = _release(version)[: len(prefix)] == prefix
        return same == (sign == "==")
    have, want = _release(version), _release(wanted)
    if sign == "~=":
        return have >= want and have[: len(want) - 1] == want[:-1]
    width = max(len(have), len(want))
    have, want = have + (0,) * (width - len(have)), want + (0,) * (width - len(want))
    return {
        ">=": have >= want, "<=": have <= want, "==": have == want, "!=": have != want, ">": have > want,
        "<": have < want,
    }[sign]


def _release(version: str) -> tuple[int, ...]:
    match = re.match(r"(?:\d+!)?(\d+(?:\.\d+)*)", version)
    return tuple(int(part) for part in match[1].split(".")) if match else ()
