"""The process of one plugin: ``python -m studio.plugins.hosting.child PLACE``. Ends when the studio does."""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import threading
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from studio.generator import Cancelled, Context, Finished, Generator
from studio.media import Note, Words, is_tensor
from studio.params import Trigger
from studio.params.described import to_dict
from studio.plugins.discovery import read_plugin
from studio.plugins.hosting import wire
from studio.plugins.manifest import PluginError
from studio.plugins.registry import explain

MEMORY_SHARE = 0.5
"""The plugin may fill this part of the machine's memory, 2 GB at least; then it gets a MemoryError. The environment
variable REVERIE_PLUGIN_MEMORY names another limit, in megabytes."""


def limit_memory() -> None:
    """Let a leak end here and not in the whole machine."""
    with contextlib.suppress(ImportError, OSError, ValueError, AttributeError):
        import resource

        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        own = os.environ.get("REVERIE_PLUGIN_MEMORY", "")
        most = int(own) * 2**20 if own.isdigit() else max(2 * 2**30, int(total * MEMORY_SHARE))
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


class Child:
    """Reads requests on one thread, so that a cancel is heard during a step; works on the main one."""

    def __init__(self, inbox: BinaryIO, outbox: BinaryIO, place: Path) -> None:
        self._in, self._out = inbox, outbox
        self._requests: queue.Queue[tuple[dict[str, Any], bytes] | None] = queue.Queue()
        self._cancel = threading.Event()
        self._sending = threading.Lock()
        self.plugin = read_plugin(place)
        self.generator: Generator | None = None
        self.ctx: Context | None = None
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while True:
            found = wire.read(self._in)
            if found is None:
                os._exit(0)  # the studio is gone
            if found[0].get("op") == "cancel":
                self._cancel.set()
            else:
                self._requests.put(found)

    def send(self, op: str, content: dict[str, Any] | None = None, blob: bytes | memoryview = b"") -> None:
        with self._sending:
            wire.write(self._out, {"op": op, **(content or {})}, blob)

    def _cancelled(self) -> bool:
        self.send("alive")
        return self._cancel.is_set()

    def run(self) -> None:
        """Say what the plugin declares, then serve."""
        try:
            made = self.plugin.load()
        except PluginError as error:
            self.send("error", {"text": str(error), "when": "load"})
            return
        self.send("declared", {
            "id": made.id, "version": made.version, "title": made.title or self.plugin.title, "makes": made.makes,
            "takes": made.takes, "wants": made.wants, "doc": (made.__doc__ or "")[:2000],
            "params": {name: to_dict(param) for name, param in made.params.items()},
        })
        while (request := self._requests.get()) is not None:
            message, blob = request
            if message["op"] == "close":
                break
            self._serve(made, message, blob)
        if self.generator is not None:
            self.generator.close()

    def _serve(self, made: type[Generator], message: dict[str, Any], blob: bytes) -> None:
        self._cancel.clear()
        try:
            if message["op"] == "setup":
                self._setup(made, message)
            else:
                self._step(made, message, blob)
        except Cancelled:
            self.send("cancelled")
        except Finished:
            self.send("finished")
        except (Exception, SystemExit) as error:
            self.send("error", {
                "text": explain(error, self.plugin.folder), "when": message["op"],
                "memory": isinstance(error, MemoryError),
            })
        else:
            self.send("end")

    def _values(self, made: type[Generator], given: dict[str, Any]) -> dict[str, Any]:
        values = {name: param.clean(given[name])[0] for name, param in made.params.items()
                  if not isinstance(param, Trigger)}
        return values | {name: bool(given[name]) for name, p in made.params.items() if isinstance(p, Trigger)}

    def _setup(self, made: type[Generator], message: dict[str, Any]) -> None:
        if self.generator is None:
            self.generator = made()
            size = message["size"]
            self.ctx = Context(
                seed=message["seed"], device=message["device"], folder=self.plugin.folder,
                size=tuple(size) if size else None, fps=message["fps"], bpm=message["bpm"],
                beats_per_bar=message["beats_per_bar"], offline=message["offline"], cancelled=self._cancelled,
                on_progress=lambda done: self.send("progress", {"done": done}),
                on_notice=lambda text: self.send("notice", {"text": str(text)[:2000]}),
                on_detail=lambda name, value: self.send("detail", {"name": name, "value": wire.plain(value)}),
            )
        assert self.ctx is not None
        self.generator.freeze(self._values(made, message["values"]))
        self.generator.setup(self.ctx)

    def _step(self, made: type[Generator], message: dict[str, Any], blob: bytes) -> None:
        assert self.generator is not None and self.ctx is not None
        ctx = self.ctx
        for name in ("t", "dt", "frame", "beat", "bar", "bpm", "audio"):
            setattr(ctx, name, message[name])
        ctx.notes = tuple(Note(int(p), int(v), s, d, int(c)) for p, v, s, d, c in message["notes"])
        ctx.words = tuple(Words(str(text), str(player)) for player, text in message.get("words") or ())
        ctx.wishes = dict(message.get("wishes") or {})
        if message.get("size_now"):
            ctx.size = tuple(message["size_now"])
        ctx.input = self._input(made, message, blob)
        self.generator.freeze(self._values(made, message["values"]))
        result = self.generator.step(ctx)
        if hasattr(result, "__next__"):
            for part in result:
                if part is not None:
                    self._part(made, part)
                ctx.check()
        elif result is not None:
            self._part(made, result)

    def _part(self, made: type[Generator], part: Any) -> None:
        content, blob = wire.pack(part, made.makes)
        self.send("part", content, blob)

    @staticmethod
    def _input(made: type[Generator], message: dict[str, Any], blob: bytes) -> Any:
        if made.takes is None or message.get("input") is None:
            return None
        value = wire.unpack(message["input"], blob, made.takes)
        if made.takes != "image":
            return value
        picture = value.astype(np.float32) / np.float32(255)
        if made.wants == "array":
            return picture
        import torch

        tensor = torch.from_numpy(picture).permute(2, 0, 1)
        assert is_tensor(tensor)
        return tensor.contiguous()


def main() -> None:
    """Take the real standard output for messages; what the plugin prints goes to standard error."""
    inbox = os.fdopen(os.dup(0), "rb")
    outbox = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    limit_memory()
    with contextlib.suppress(BrokenPipeError):
        Child(inbox, outbox, Path(sys.argv[1])).run()
    os._exit(0)


if __name__ == "__main__":
    main()
