"""What a recipe's settings are, read from its dataclass: names, kinds, defaults and the text below each field.

The command line makes its options of it and the window its form. Standard library only.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import itertools
import textwrap
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Setting:
    """One setting of a recipe. ``kind`` is int, float, bool, choice, list, or text; ``hint`` its Python type."""

    name: str
    kind: str
    default: Any
    help: str
    choices: tuple[str, ...] = ()
    hint: Any = str
    optional: bool = False
    """Whether None (written as nothing) is a value."""

    @property
    def label(self) -> str:
        """What a form calls it."""
        text = self.name.replace("_", " ")
        return text[:1].upper() + text[1:]

    def read(self, text: str) -> Any:
        """A value from text. Raises ValueError with a sentence."""
        if self.kind == "choice" and text not in self.choices:
            raise ValueError(f"{self.name}: {text!r} is not one of {', '.join(self.choices)}")
        if self.kind == "bool":
            if text.lower() not in ("true", "false", "yes", "no", "1", "0"):
                raise ValueError(f"{self.name}: {text!r} is not yes or no")
            return text.lower() in ("true", "yes", "1")
        try:
            return reader(self.hint)(text)
        except ValueError:
            wanted = {"int": "a whole number", "float": "a number", "list": "numbers with commas"}
            raise ValueError(f"{self.name}: {text!r} is not {wanted.get(self.kind, 'text')}") from None


def load_recipe(where: str) -> Any:
    """The recipe class behind ``module:Class``. Imports torch."""
    module, _, name = where.partition(":")
    return getattr(importlib.import_module(module), name)


def describe(settings: type) -> list[Setting]:
    """The fields of a recipe's Settings, in their order."""
    hints, texts = typing.get_type_hints(settings), field_docs(settings)
    found: list[Setting] = []
    for field in dataclasses.fields(settings):
        hint = hints[field.name]
        if field.default is not dataclasses.MISSING:
            default = field.default
        else:
            default = field.default_factory() if field.default_factory is not dataclasses.MISSING else None
        text = str(field.metadata.get("help") or texts.get(field.name, "")).replace("``", "'")
        choices = typing.get_args(hint) if typing.get_origin(hint) is typing.Literal else ()
        optional = type(None) in typing.get_args(hint)
        found.append(Setting(field.name, _kind(hint, default), default, text, choices, hint, optional))
    return found


def _kind(hint: Any, default: Any) -> str:
    origin = typing.get_origin(hint)
    if origin is typing.Literal:
        return "choice"
    if isinstance(default, bool) or hint is bool:
        return "bool"
    if origin in (types.UnionType, typing.Union):
        return _kind(next(kind for kind in typing.get_args(hint) if kind is not type(None)), None)
    if origin in (tuple, list):
        return "list"
    return {int: "int", float: "float"}.get(hint, "text")


def reader(hint: Any) -> Callable[[str], Any]:
    """How to read a value of this type from text; lists are written with commas."""
    if hint in (int, float, str, Path):
        return typing.cast("Callable[[str], Any]", hint)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        inner = reader(next(kind for kind in arguments if kind is not type(None)))
        return lambda text: None if text.lower() in ("none", "") else inner(text)
    if origin in (tuple, list):
        inner = reader(next((kind for kind in arguments if kind is not Ellipsis), str))
        return lambda text: origin(inner(part.strip()) for part in text.split(",") if part.strip())
    return str


def shown(value: Any) -> str:
    """A value as it is written on the command line."""
    if isinstance(value, (tuple, list)):
        return ",".join(map(str, value)) or "none"
    return "none" if value in (None, "") else str(value)


def field_docs(settings: type) -> dict[str, str]:
    """The docstring below each field, of the class and those it builds on."""
    found: dict[str, str] = {}
    for kind in reversed(settings.__mro__):
        if not dataclasses.is_dataclass(kind):
            continue
        try:
            body = typing.cast(ast.ClassDef, ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]).body
        except (OSError, SyntaxError):
            continue
        for here, after in itertools.pairwise(body):
            if (
                isinstance(here, ast.AnnAssign) and isinstance(here.target, ast.Name) and isinstance(after, ast.Expr)
                and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str)
            ):
                found[here.target.id] = " ".join(after.value.value.split())
    return found
