"""The page of all OSC addresses, made from the declarations of the parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.control.osc import control_table, table_of

if TYPE_CHECKING:
    from studio.session.core import Core

Rows = list[tuple[str, str, str]]
Parts = list[tuple[str, Rows]]


def addresses_of(session: Core) -> Parts:
    """(heading, rows of address, arguments, help) of the studio and of what stands in its lines now."""
    parts: Parts = [("The studio", control_table())]
    for line in session.lines():
        for place, slot in enumerate(line.slots):
            if slot.stage is not None:
                rows = table_of(line.name, place, slot.stage.values.params)
                parts.append((f"{slot.title}, {place_text(line.name, place + 1)}", rows))
    return parts


def place_text(line: str, slot: int) -> str:
    """deck A, place 1; player 2, place 1."""
    return f"{'player' if line.isdecimal() else 'deck'} {line}, place {slot}"


def markdown(parts: Parts) -> str:
    """A page of reference."""
    lines = ["# OSC addresses", "", "Addresses are matched letter by letter; patterns are not supported.", ""]
    for title, rows in parts:
        lines += [f"## {title}", "", "| address | arguments | |", "|---|---|---|"]
        lines += [f"| `{a}` | {_cell(b)} | {_cell(c)} |" for a, b, c in rows]
        lines.append("")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
