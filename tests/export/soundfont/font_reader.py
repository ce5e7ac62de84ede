"""An independent reader of SoundFont 2, after the specification, for the tests of the writer."""

from __future__ import annotations

import itertools
import struct
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Font:
    info: dict[str, str]
    samples: list[dict[str, Any]]
    instruments: list[dict[str, Any]]
    presets: list[dict[str, Any]]
    bags: dict[str, list[dict[int, Any]]] = field(default_factory=dict)


def chunks(data: bytes) -> dict[str, bytes]:
    found, at = {}, 0
    while at < len(data):
        kind, size = struct.unpack_from("<4sI", data, at)
        body = data[at + 8 : at + 8 + size]
        assert len(body) == size, "a chunk is longer than the file"
        name = kind.decode()
        if name == "LIST":
            name, body = body[:4].decode(), body[4:]
        found[name] = body
        at += 8 + size + size % 2
    return found


def read(data: bytes) -> Font:
    kind, size, form = struct.unpack_from("<4sI4s", data)
    assert (kind, form, size) == (b"RIFF", b"sfbk", len(data) - 8)
    lists = chunks(data[12:])
    info = {name: body.rstrip(b"\0").decode() for name, body in chunks(lists["INFO"]).items() if name != "ifil"}
    pcm, hydra = chunks(lists["sdta"])["smpl"], chunks(lists["pdta"])
    samples = []
    for row in struct.iter_unpack("<20sIIIIIBbHH", hydra["shdr"]):
        name, start, end, first, last, rate, root, cents, _, kind = row
        samples.append({"name": text(name), "data": pcm[2 * start : 2 * end], "loop": (first - start, last - start),
                        "rate": rate, "root": root, "cents": cents, "kind": kind,
                        "after": pcm[2 * end : 2 * end + 92]})
    zones = bags(hydra["ibag"], hydra["igen"])
    rows = list(struct.iter_unpack("<20sH", hydra["inst"]))
    instruments = [{"name": text(a[0]), "zones": zones[a[1] : b[1]]} for a, b in itertools.pairwise(rows)]
    zones = bags(hydra["pbag"], hydra["pgen"])
    rows = list(struct.iter_unpack("<20sHHHIII", hydra["phdr"]))
    presets = [{"name": text(a[0]), "program": a[1], "bank": a[2], "zones": zones[a[3] : b[3]]}
               for a, b in itertools.pairwise(rows)]
    assert len(hydra["pmod"]) == len(hydra["imod"]) == 10
    return Font(info, samples[:-1], instruments, presets)


def bags(bag: bytes, gen: bytes) -> list[dict[int, Any]]:
    starts = [row[0] for row in struct.iter_unpack("<HH", bag)]
    rows = list(struct.iter_unpack("<H2s", gen))
    made = []
    for first, last in itertools.pairwise(starts):
        zone: dict[int, Any] = {}
        for number, raw in rows[first:last]:
            zone[number] = tuple(raw) if number in (43, 44) else struct.unpack("<h", raw)[0]
        made.append(zone)
    return made


def text(raw: bytes) -> str:
    return raw.split(b"\0")[0].decode()
