"""OSC addresses: how a parameter is called, what its arguments may be, and packets read without trust.

Addresses are compared letter by letter. Patterns are refused: python-osc's own dispatcher turns them into regular
expressions, and 33 bytes then hold the interpreter for 20 seconds. Only its parser of packets is used.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from studio.control.binding import ACTIONS, CHOICES, CONTROLS, SHARES, SWITCHES, Target
from studio.params import Bool, Choice, Color, Float, Int, Param, ParamError, Point, Seed, Text, Trigger

ROOT = "reverie"
MAX_PACKET = 8192
"""Longest packet (bytes) that is read."""
MAX_ADDRESS = 200
_PATTERN = frozenset("*?[]{}")


class OscProblem(ValueError):
    """A packet or message that cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message: ``arguments`` are numbers, text, True, False or None."""

    address: str
    arguments: tuple[Any, ...] = ()

    @property
    def value(self) -> float | None:
        """Its first number as a control's position, for bindings to addresses of other programs; None without one."""
        for item in self.arguments:
            if isinstance(item, (bool, int, float)) and math.isfinite(item):
                return min(1.0, max(0.0, float(item)))
        return 1.0 if not self.arguments else None


def parse_packet(data: bytes) -> list[Message]:
    """The messages of a packet, of nested bundles too; time tags are ignored. Raises OscProblem."""
    if len(data) > MAX_PACKET:
        raise OscProblem(f"a packet of {len(data)} bytes; at most {MAX_PACKET} are read")
    from pythonosc.osc_packet import OscPacket

    try:
        found = [timed.message for timed in OscPacket(data).messages]
        messages = [(str(message.address), tuple(_plain(message.params))) for message in found]
    except RecursionError:
        raise OscProblem("a packet with bundles nested too deeply") from None
    except Exception as error:  # python-osc lets struct, index and decoding errors through
        raise OscProblem(f"a packet that is not OSC ({' '.join(str(error).split())[:80]})") from None
    return [Message(_address(address), arguments) for address, arguments in messages]


def _address(address: str) -> str:
    if not address.startswith("/") or len(address) > MAX_ADDRESS or not address.isprintable():
        raise OscProblem(f"{address[:40]!r} is not an address of at most {MAX_ADDRESS} characters")
    if _PATTERN.intersection(address):
        raise OscProblem(f"{address[:40]}: patterns are not supported; send to each address")
    return address


def _plain(arguments: Iterable[Any]) -> Iterable[Any]:
    for item in arguments:
        if isinstance(item, list):  # an array: as if it stood there without brackets
            yield from _plain(item)
        else:
            yield item if isinstance(item, (bool, int, float, str)) or item is None else str(item)[:60]


def address_of(target: Target, *, norm: bool = False) -> str:
    """The address of a target. Slots are counted from 1, as people do; 0 is the player itself."""
    tail = "/norm" if norm else ""
    if not target.line:
        return f"/{ROOT}/{target.name}{tail}"
    return f"/{ROOT}/{target.line}/{target.slot + 1}/{target.name}{tail}"


def target_of(address: str) -> tuple[Target, bool] | None:
    """The target that an address names and whether a position 0..1 is meant; None for one that is not ours.

    ``/reverie/snapshot`` has its number as argument. Whether line and parameter are there, the session knows.
    """
    parts = address.split("/")
    if len(parts) < 3 or parts[0] or parts[1] != ROOT:
        return None
    norm = parts[-1] == "norm" and len(parts) in (4, 6)
    names = parts[2:-1] if norm else parts[2:]
    if len(names) == 1 and names[0] in CONTROLS:
        return Target(names[0]), norm
    if len(names) == 3 and names[1].isascii() and names[1].isdecimal() and int(names[1][:6]) <= 9999 and (
            int(names[1][:6]) >= 1 or names[0].isdecimal()):  # only players have a place 0
        return Target(names[2], names[0], int(names[1]) - 1), norm
    return None


def value_for(param: Param[Any], arguments: tuple[Any, ...]) -> Any:
    """What ``arguments`` set a parameter to. Raises OscProblem for wrong types and values out of range."""
    name = param.name
    if isinstance(param, Trigger):
        return not arguments or bool(arguments[0])
    wanted = {"point": 2, "color": 3}.get(param.kind, 1)
    if isinstance(param, Color) and len(arguments) == 1 and isinstance(arguments[0], str):
        wanted = 1
    if len(arguments) != wanted:
        raise OscProblem(f"{name} takes {wanted} argument{'s' if wanted > 1 else ''}, not {len(arguments)}")
    numeric = isinstance(param, (Float, Int, Seed, Point)) or (isinstance(param, Color) and wanted == 3)
    if numeric and not all(_is_number(item) for item in arguments):
        raise OscProblem(f"{name} takes numbers, not {_types(arguments)}")
    value: Any = arguments if wanted > 1 else arguments[0]
    if isinstance(param, Choice) and _is_number(value):
        if value != int(value) or not 0 <= value < len(param.choices):
            raise OscProblem(f"{name} has the choices 0..{len(param.choices) - 1}, not {value:g}")
        return param.choices[int(value)]
    if isinstance(param, (Choice, Text)) and not isinstance(value, str):
        raise OscProblem(f"{name} takes text, not {_types(arguments)}")
    if isinstance(param, Bool) and isinstance(value, str):
        raise OscProblem(f"{name} takes true, false, 0 or 1, not text")
    try:
        cleaned, note = param.clean(value)
    except ParamError as error:
        raise OscProblem(str(error)) from None
    if note and not (isinstance(param, (Int, Seed)) and _whole(cleaned, value)):
        raise OscProblem(note.replace(" and was raised to it", "").replace(" and was lowered to it", ""))
    return cleaned


def _whole(cleaned: Any, value: Any) -> bool:
    """A slider that sends floats to a whole number: rounding is what is meant."""
    return isinstance(value, float) and abs(cleaned - value) <= 0.5


def position_of(name: str, arguments: tuple[Any, ...]) -> float:
    """A position 0..1 from arguments. Raises OscProblem."""
    if len(arguments) != 1 or not (_is_number(arguments[0]) or isinstance(arguments[0], bool)):
        raise OscProblem(f"{name}/norm takes one number in 0..1, not {_types(arguments)}")
    value = float(arguments[0])
    if not 0.0 <= value <= 1.0:
        raise OscProblem(f"{name}/norm: {value:g} is outside 0..1")
    return value


def control_value(name: str, arguments: tuple[Any, ...]) -> float | bool | int | str | None:
    """What ``arguments`` mean for a session control; None for an action that is not to be fired (a button let go).

    Raises OscProblem."""
    first = arguments[0] if arguments else None
    if name in ACTIONS and name != "snapshot":
        return True if not arguments or bool(first) else None
    if name in CHOICES:
        if len(arguments) != 1 or not isinstance(first, str):
            raise OscProblem(f"{name} takes one text, not {_types(arguments)}")
        return first
    if len(arguments) != 1 or not (_is_number(first) or isinstance(first, bool)):
        raise OscProblem(f"{name} takes one number, not {_types(arguments)}")
    assert isinstance(first, (int, float))
    if name in SWITCHES:
        return first >= 0.5
    ranges = {"bpm": (20.0, 400.0), "snapshot": (1.0, 9999.0), "fade_length": (0.0, 600.0)}
    low, high = ranges.get(name, (0.0, 1.0))
    if not low <= first <= high:
        raise OscProblem(f"{name}: {first:g} is outside {low:g}..{high:g}")
    return int(first) if name == "snapshot" else float(first)


def arguments_for(param: Param[Any], value: Any) -> list[Any]:
    """A value as OSC arguments."""
    if isinstance(param, (Point, Color)):
        return [float(part) for part in value]
    return [value]


def type_of(param: Param[Any]) -> str:
    """What a page of reference says about the arguments."""
    unit = f" {param.unit}" if param.unit else ""
    if isinstance(param, (Float, Int)):
        kind = "float" if isinstance(param, Float) else "int"
        return f"{kind}, {param.low:g}..{param.high:g}{unit}"
    if isinstance(param, Point):
        return f"2 floats, {param.low:g}..{param.high:g} each"
    if isinstance(param, Choice):
        return f"text ({', '.join(param.choices[:6])}{', …' if len(param.choices) > 6 else ''}) or its number from 0"
    known = {"bool": "true, false, 0 or 1", "color": "3 floats 0..1, or #rrggbb", "seed": "int, 0..2147483647",
             "trigger": "nothing, or 1; 0 is let go"}
    return known.get(param.kind, "text")


CONTROL_TYPES = {
    "crossfade": "float, 0 (deck A)..1 (deck B)", "fade": "float, 0 (full light)..1 (black)", "bpm": "float, 20..400",
    "fade_length": "float, 0..600: how long the timed fades take", "fade_unit": "text (seconds, beats, bars)",
    "fade_start": "text (now, beat, bar, phrase): what the timed fades wait for",
    "blend": "text (mix, add, screen, multiply, difference, luma)",
    "auto": "nothing, or 1: fade to the other deck", "cut": "nothing, or 1: cut to the other deck",
    "go": "nothing, or 1: next look of the set list", "back": "nothing, or 1: the look before",
    "blackout": "0 or 1", "freeze": "0 or 1", "safe": "0 or 1", "tap": "nothing, or 1: a tap on the beat",
    "double": "nothing, or 1: twice the tempo", "halve": "nothing, or 1: half the tempo",
    "align": "nothing, or 1: now is the first beat of a bar", "panic": "nothing, or 1: end every note",
    "snapshot": "int: go to this snapshot, from 1",
}
"""The session's own controls and their arguments."""


def table_of(line: str, slot: int, params: dict[str, Param[Any]]) -> list[tuple[str, str, str]]:
    """(address, arguments, help) of every parameter of one slot (from 0)."""
    rows = []
    for name, param in params.items():
        address = address_of(Target(name, line, slot))
        rows.append((address, type_of(param), param.help))
        if param.automatable and not isinstance(param, Trigger):
            rows.append((f"{address}/norm", "float, 0..1", "its control's position"))
    return rows


def control_table() -> list[tuple[str, str, str]]:
    """(address, arguments, '') of the session's own controls."""
    rows = []
    for name in CONTROLS:
        rows.append((f"/{ROOT}/{name}", CONTROL_TYPES[name], ""))
        if name in SHARES or name in CHOICES:
            rows.append((f"/{ROOT}/{name}/norm", "float, 0..1", "its control's position"))
    return rows


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _types(arguments: tuple[Any, ...]) -> str:
    if not arguments:
        return "nothing"
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    return ", ".join(names.get(type(item), "nothing") for item in arguments[:4])
