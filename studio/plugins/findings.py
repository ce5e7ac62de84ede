"""What ``check`` finds: faults, which must be mended, and advice, which may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """One sentence about a plugin. ``where`` is a file (with its line), a field or a parameter."""

    level: Literal["fault", "advice"]
    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.level}: {self.where}: {self.message}"


def fault(where: str, message: str) -> Finding:
    """Something that does not work, or will not work elsewhere."""
    return Finding("fault", where, message)


def advice(where: str, message: str) -> Finding:
    """Something that works but could be better."""
    return Finding("advice", where, message)
