"""A take rendered beside the show, as a job of the session; and what is in a take, in short."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from studio.engine import Job
from studio.session.core import Core
from studio.session.take_render import TakeResult, render_take
from studio.session.takes import Take


def start_take_render(
    session: Core, take: Take, name: str, out: Path, *, size: tuple[int, int], fps: float, start: float = 0.0,
    end: float | None = None,
) -> Job[TakeResult]:
    """Render ``take`` (``name`` is its file's) into ``out``; returns at once. What is on stage is not touched: the take
    has generators of its own."""
    def work(job: Job[Any]) -> TakeResult:
        return render_take(
            take, [out], session.registry, size=size, fps=fps, start=start, end=end, device=session.device, name=name,
            cancelled=job.cancelled, on_progress=lambda share: job.check(share, f"rendering {out.name}"),
            notice=lambda text: session.notice(text, source=job.title),
        )

    job: Job[TakeResult] = session.jobs.run(f"Render {out.name}", work)
    return job


def summary(take: Take) -> dict[str, Any]:
    """What is in a take, as plain data."""
    decks: dict[str, list[str]] = {}
    for event in take.of("chain"):
        used = decks.setdefault(event["line"], [])
        used += [item["generator"] for item in event["stages"] if item["generator"] not in used]
    tempos = [float(take.header["clock"][1]), *(float(event["clock"][1]) for event in take.of("clock"))]
    return {
        "made": take.header.get("made", ""), "studio": take.header.get("studio", ""), "seconds": take.seconds,
        "size": list(take.size), "fps": take.fps, "whole": take.whole, "decks": decks,
        "tempo": sorted({round(min(tempos), 2), round(max(tempos), 2)}),
        "events": dict(Counter(event["e"] for event in take.events if event["e"] not in ("mark", "end", "note"))),
        "notes": sum(1 for _ in take.of("note")),
        "marks": [{"t": event["t"], "text": event["text"]} for event in take.of("mark")], "report": take.report,
    }
