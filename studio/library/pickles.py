"""A pickle read as data: an interpreter of its opcodes that builds plain values and can do nothing else.

Python's own reader imports and calls whatever a file names. Here a name is looked up in a table of our own functions
(``Calls``) and nowhere else: nothing is imported, no attribute is fetched, no method of a value is called. A name that
is not in the table refuses the file, with that name in the sentence. Opcodes: protocols 0 to 5 (CPython's pickletools).

What comes out: None, bool, int, float, str, bytes or memoryview (long ones; views into the file), tuple, list, dict,
set, frozenset, and what the table's functions return. Every opcode makes at most one value and consumes its own bytes
of the file, so memory stays in proportion to the file; the number of opcodes is limited.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

MAX_STEPS = 2_000_000
"""Most opcodes of one pickle; a network's snapshot has a few ten thousand."""

MAX_LINE = 4096
"""Longest line of text in protocol 0 (bytes)."""

MAX_DIGITS = 512
"""Longest whole number (bytes)."""

SHORT = 4096
"""Byte strings up to this length are copied, longer ones are views."""

Call = Callable[..., Any]
Calls = Mapping[str, Call]
"""What a file may name, as ``module.name``, and our function that stands for it; it gets the file's arguments."""


class Refused(Exception):  # noqa: N818 - not a fault of ours
    """The file is refused; the text completes 'is refused: …'."""


@dataclass(frozen=True)
class Name:
    """A class or function that a file names, known to the table; ``call`` stands for it."""

    text: str
    call: Call


class Built:
    """A value that takes its state after it was made; ``build`` is given that state."""

    def build(self, state: Any) -> None:
        raise Refused(f"it gives a state to a {type(self).__name__.lower()}, which takes none")


_MARK = object()
_UNSET = object()
_BAD = "it is damaged or not a pickle; fetch it again"


def refuse_call(name: str) -> Refused:
    """The refusal of a name that is not in the table."""
    shown = "".join(sign if sign.isprintable() else "?" for sign in name)[:100]
    return Refused(
        f"it would call {shown} when it is opened; only tensors, arrays and plain containers are admitted"
    )


class Machine:
    """Reads one pickle after another from ``data``, from ``place`` on.

    ``calls`` is what may be named; ``persistent`` turns a persistent id into a value (none: they are refused).
    """

    def __init__(
        self, data: bytes | mmap.mmap | memoryview, calls: Calls, persistent: Call | None = None, place: int = 0,
        steps: int = MAX_STEPS,
    ) -> None:
        self.view = memoryview(data)
        self.place = place
        self._calls, self._persistent, self._steps = calls, persistent, steps
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def load(self) -> Any:
        """The value of the next pickle; ``place`` is behind it afterwards. Raises Refused."""
        self._stack, self._memo = [], {}
        try:
            while True:
                self._steps -= 1
                if self._steps < 0:
                    raise Refused(f"it has more than {MAX_STEPS:,} steps and does not come to an end")
                code = self.view[self.place]
                self.place += 1
                if code == 0x2E:  # STOP
                    return self._pop()
                step = _STEPS.get(code)
                if step is None:
                    raise Refused(_BAD)
                step(self)
        except (IndexError, struct.error):
            if self.place >= len(self.view):
                raise Refused("it is cut short; fetch it again") from None
            raise Refused(_BAD) from None
        except (UnicodeDecodeError, ValueError, TypeError, KeyError, OverflowError, AttributeError):
            raise Refused(_BAD) from None

    # Bytes

    def _take(self, count: int) -> memoryview:
        if count < 0 or self.place + count > len(self.view):
            self.place = len(self.view)
            raise Refused("it is cut short; fetch it again")
        part = self.view[self.place : self.place + count]
        self.place += count
        return part

    def _number(self, form: str) -> Any:
        return struct.unpack(form, self._take(struct.calcsize(form)))[0]

    def _line(self) -> str:
        part = bytes(self.view[self.place : self.place + MAX_LINE])
        end = part.find(b"\n")
        if end < 0:
            self.place = min(len(self.view), self.place + MAX_LINE)
            raise Refused("it is cut short; fetch it again" if len(part) < MAX_LINE else _BAD)
        self.place += end + 1
        return part[:end].decode("utf-8")

    def _escaped(self) -> None:
        self._push(self._line().encode("utf-8").decode("raw-unicode-escape"))

    # The stack

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _pop(self) -> Any:
        value = self._stack.pop()
        if value is _MARK:
            raise Refused(_BAD)
        return value

    def _top(self) -> Any:
        if self._stack[-1] is _MARK:
            raise Refused(_BAD)
        return self._stack[-1]

    def _since_mark(self) -> list[Any]:
        for index in range(len(self._stack) - 1, -1, -1):
            if self._stack[index] is _MARK:
                found = self._stack[index + 1 :]
                del self._stack[index:]
                return found
        raise Refused(_BAD)

    def _remember(self, key: int) -> None:
        self._memo[key] = self._top()

    # What opcodes do

    def _name(self, module: str, name: str) -> None:
        text = f"{module}.{name}"
        call = self._calls.get(text)
        if call is None:
            group = f"{module.rpartition('.')[0]}.*"
            call = self._calls.get(group) if name.isidentifier() else None
        if call is None:
            raise refuse_call(text)
        self._push(Name(text, call))

    def _global(self) -> None:
        module = self._line()
        self._name(module, self._line())

    def _stack_global(self) -> None:
        name, module = self._pop(), self._pop()
        if not isinstance(name, str) or not isinstance(module, str):
            raise Refused(_BAD)
        self._name(module, name)

    def _apply(self, what: Any, arguments: Any) -> None:
        if not isinstance(what, Name):
            raise Refused(f"it would call a {type(what).__name__}, which is no class or function")
        if type(arguments) is not tuple:
            raise Refused(_BAD)
        try:
            self._push(what.call(*arguments))
        except TypeError:
            raise Refused(f"it calls {what.text} in a way that is not known here") from None

    def _reduce(self) -> None:
        arguments = self._pop()
        self._apply(self._pop(), arguments)

    def _new_with_names(self) -> None:
        if self._pop():
            raise Refused("it makes an object with named arguments, which no known network does")
        self._reduce()

    def _inst(self) -> None:
        arguments = tuple(self._since_mark())
        self._global()
        self._apply(self._pop(), arguments)

    def _obj(self) -> None:
        what, *arguments = self._since_mark()
        self._apply(what, tuple(arguments))

    def _build(self) -> None:
        state, target = self._pop(), self._top()
        if isinstance(target, Built):
            target.build(state)
        elif not isinstance(target, dict):
            raise Refused(f"it gives a state to a {type(target).__name__}, which takes none")
        # a dictionary's own attributes (the notes of a state_dict) are not needed

    def _append(self, values: list[Any]) -> None:
        target = self._top()
        if type(target) is not list:
            raise Refused(_BAD)
        target.extend(values)

    def _add(self, values: list[Any]) -> None:
        target = self._top()
        if type(target) is not set:
            raise Refused(_BAD)
        target.update(_key(value) for value in values)

    def _set(self, values: list[Any]) -> None:
        target = self._top()
        if type(target) is not dict or len(values) % 2:
            raise Refused(_BAD)
        for index in range(0, len(values), 2):
            target[_key(values[index])] = values[index + 1]

    def _dict(self) -> None:
        values = self._since_mark()
        self._push({})
        self._set(values)

    def _persist(self, key: Any) -> None:
        if self._persistent is None:
            raise Refused("it refers to values that are kept outside of it")
        self._push(self._persistent(key))

    def _long(self, length: int) -> None:
        if not 0 <= length <= MAX_DIGITS:
            raise Refused(_BAD)
        self._push(int.from_bytes(self._take(length), "little", signed=True))

    def _long_text(self) -> None:
        text = self._line().rstrip("L")
        if len(text) > MAX_DIGITS:
            raise Refused(_BAD)
        self._push({"00": False, "01": True}.get(text, _UNSET))
        if self._stack[-1] is _UNSET:
            self._stack[-1] = int(text)

    def _float_text(self) -> None:
        self._push(float(self._line()))

    def _text(self, length: int) -> None:
        self._push(str(self._take(length), "utf-8", "surrogatepass"))

    def _old_text(self, length: int) -> None:
        self._push(str(self._take(length), "latin-1"))

    def _quoted(self) -> None:
        line = self._line().strip()
        if len(line) < 2 or line[0] != line[-1] or line[0] not in "'\"" or "\\" in line:
            raise Refused(_BAD)
        self._push(line[1:-1])

    def _bytes(self, length: int) -> None:
        part = self._take(length)
        self._push(bytes(part) if length <= SHORT else part)

    def _no_code(self) -> None:
        raise Refused("it names what it calls by a number that only its maker's program knows")

    def _no_buffer(self) -> None:
        raise Refused("its arrays are kept outside of it")


def _key(value: Any) -> Any:
    """A value that may be a key: nothing whose hash could be deep or slow. Raises Refused."""
    plain = (str, int, float, bool, bytes, Name, type(None))
    if isinstance(value, plain) or (
        type(value) is tuple and len(value) <= 16 and all(isinstance(item, plain) for item in value)
    ):
        return value
    raise Refused(f"it uses a {type(value).__name__} as a key")


def _tuple(machine: Machine, count: int) -> None:
    values = [machine._pop() for _ in range(count)]
    machine._push(tuple(reversed(values)))


_Step = Callable[[Machine], object]
_STEPS: dict[int, _Step] = {
    ord("("): lambda m: m._push(_MARK), ord("0"): lambda m: m._stack.pop(), ord("1"): lambda m: m._since_mark(),
    ord("2"): lambda m: m._push(m._top()), ord("N"): lambda m: m._push(None),
    ord("F"): Machine._float_text, ord("I"): Machine._long_text, ord("L"): Machine._long_text,
    ord("J"): lambda m: m._push(m._number("<i")), ord("K"): lambda m: m._push(m._number("<B")),
    ord("M"): lambda m: m._push(m._number("<H")), ord("G"): lambda m: m._push(m._number(">d")),
    ord("S"): Machine._quoted, ord("V"): Machine._escaped,
    ord("T"): lambda m: m._old_text(m._number("<i")), ord("U"): lambda m: m._old_text(m._number("<B")),
    ord("X"): lambda m: m._text(m._number("<I")), 0x8C: lambda m: m._text(m._number("<B")),
    0x8D: lambda m: m._text(m._number("<Q")),
    ord("B"): lambda m: m._bytes(m._number("<I")), ord("C"): lambda m: m._bytes(m._number("<B")),
    0x8E: lambda m: m._bytes(m._number("<Q")), 0x96: lambda m: m._bytes(m._number("<Q")),
    ord("P"): lambda m: m._persist(m._line()), ord("Q"): lambda m: m._persist(m._pop()),
    ord("R"): Machine._reduce, 0x81: Machine._reduce, 0x92: Machine._new_with_names,
    ord("i"): Machine._inst, ord("o"): Machine._obj, ord("c"): Machine._global, 0x93: Machine._stack_global,
    ord("b"): Machine._build,
    ord("]"): lambda m: m._push([]), ord("l"): lambda m: m._push(m._since_mark()),
    ord("a"): lambda m: m._append([m._pop()]), ord("e"): lambda m: m._append(m._since_mark()),
    ord("}"): lambda m: m._push({}), ord("d"): Machine._dict,
    ord("s"): lambda m: m._set([m._pop(), m._pop()][::-1]), ord("u"): lambda m: m._set(m._since_mark()),
    ord(")"): lambda m: m._push(()), ord("t"): lambda m: m._push(tuple(m._since_mark())),
    0x85: lambda m: _tuple(m, 1), 0x86: lambda m: _tuple(m, 2), 0x87: lambda m: _tuple(m, 3),
    0x8F: lambda m: m._push(set()), 0x90: lambda m: m._add(m._since_mark()),
    0x91: lambda m: m._push(frozenset(_key(value) for value in m._since_mark())),
    ord("g"): lambda m: m._push(m._memo[int(m._line())]), ord("h"): lambda m: m._push(m._memo[m._number("<B")]),
    ord("j"): lambda m: m._push(m._memo[m._number("<I")]),
    ord("p"): lambda m: m._remember(int(m._line())), ord("q"): lambda m: m._remember(m._number("<B")),
    ord("r"): lambda m: m._remember(m._number("<I")), 0x94: lambda m: m._remember(len(m._memo)),
    0x80: lambda m: m._number("<B"), 0x95: lambda m: m._number("<Q"),
    0x88: lambda m: m._push(True), 0x89: lambda m: m._push(False),
    0x8A: lambda m: m._long(m._number("<B")), 0x8B: lambda m: m._long(m._number("<i")),
    0x82: Machine._no_code, 0x83: Machine._no_code, 0x84: Machine._no_code,
    0x97: Machine._no_buffer, 0x98: Machine._no_buffer,
}
"""What each opcode does."""
