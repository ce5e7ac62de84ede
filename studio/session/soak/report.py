"""How a soak went, as a table for people and as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from studio.session.soak.figures import Levels, Pace

GROWTH = 0.05
"""Share by which memory may grow from the second to the last quarter, in shows of ten minutes and more."""
SETTLED = 600.0
SPARE = 4
"""Threads and open files that may be more at the end than at the beginning: jobs that end just then."""


@dataclass
class Report:
    """``failures`` are sentences about what was not survived; ``stuck`` notes that sounded after the end."""

    seed: int
    planned: float
    seconds: float = 0.0
    acts: dict[str, int] = field(default_factory=dict)
    survived: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    programme: Pace | None = None
    decks: dict[str, Pace] = field(default_factory=dict)
    notes: dict[str, dict[str, Any]] = field(default_factory=dict)
    levels: Levels = field(default_factory=Levels)
    stuck: int = 0
    left_behind: list[str] = field(default_factory=list)

    def count(self, act: str) -> None:
        """An act has begun."""
        self.acts[act] = self.acts.get(act, 0) + 1

    def take(self, programme: Pace, decks: dict[str, Pace], levels: Levels) -> None:
        """What was measured."""
        self.programme, self.decks, self.levels = programme, decks, levels

    @property
    def growth(self) -> float:
        """How much more memory is held in the last quarter than in the second, as a share; 0 where it is not known."""
        rows = self.levels.rows
        if len(rows) < 8:
            return 0.0
        quarter = len(rows) // 4
        first = sorted(held.memory for _, held in rows[quarter : 2 * quarter])[quarter // 2]
        last = sorted(held.memory for _, held in rows[-quarter:])[quarter // 2]
        return last / first - 1.0 if first else 0.0

    @property
    def faults(self) -> list[str]:
        """Sentences about everything that is not as it must be; none is a good evening."""
        found = list(self.failures)
        if self.stuck:
            found.append(f"{self.stuck} notes sounded on after the end")
        if self.left_behind:
            found.append(f"threads did not end: {', '.join(self.left_behind)}")
        if self.planned >= SETTLED and self.growth > GROWTH:
            found.append(f"memory grew by {100 * self.growth:.1f} %, more than {100 * GROWTH:.0f} %")
        if self.planned >= SETTLED and self.levels.rows:
            first, last = self.levels.settled(0.25), self.levels.settled(0.1, low=False)
            for name in ("threads", "files", "children"):
                before, after = getattr(first, name), getattr(last, name)
                if after > before + SPARE:
                    found.append(f"{name}: {before} at first, {after} at the end")
        return found

    def rows(self) -> list[tuple[str, str]]:
        """The table: what, and how it was."""
        found = [("played", f"{self.seconds / 60:.1f} minutes, seed {self.seed}, {sum(self.acts.values())} acts")]
        if self.programme is not None:
            found.append(("programme", _pace(self.programme)))
        found += [(f"deck {name}", _pace(pace)) for name, pace in self.decks.items()]
        for out, figures in self.notes.items():
            if figures.get("sent"):
                found.append((f"notes to {out}", f"{figures['sent']} sent, {figures.get('late', 0)} late, "
                                                 f"worst {1000 * float(figures.get('worst_ever', 0.0)):.1f} ms"))
        found.append(("stuck notes", str(self.stuck)))
        survived = ", ".join(f"{what} {count}x" for what, count in sorted(self.survived.items()))
        found.append(("faults survived", survived or "none"))
        if self.levels.rows:
            first, last = self.levels.rows[0][1], self.levels.rows[-1][1]
            found.append(("memory", f"{first.memory:.0f} MiB at first, {last.memory:.0f} at the end; "
                                    f"{100 * self.growth:+.1f} % from the second quarter to the last"))
            found.append(("threads, files, children",
                          f"{first.threads}, {first.files}, {first.children} at first; "
                          f"{last.threads}, {last.files}, {last.children} at the end"))
        found += [("left out", f"{act}: {why}") for act, why in sorted(self.skipped.items())]
        found += [("NOT SURVIVED", text) for text in self.faults]
        return found

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "seed": self.seed, "seconds": round(self.seconds, 1), "acts": self.acts, "survived": self.survived,
            "skipped": self.skipped, "faults": self.faults, "stuck_notes": self.stuck,
            "programme": vars(self.programme) if self.programme else {},
            "decks": {name: {"count": p.count, "late": p.late, "worst": p.worst} for name, p in self.decks.items()},
            "notes": self.notes, "growth": self.growth,
            "levels": [{"at": round(at, 1), **vars(held)} for at, held in self.levels.rows],
        }


def _pace(pace: Pace) -> str:
    share = 100.0 * pace.late / pace.count if pace.count else 0.0
    return f"{pace.count} pictures, {pace.late} late ({share:.1f} %), worst gap {1000 * pace.worst:.0f} ms"
