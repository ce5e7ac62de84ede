"""Events of a training that somebody should read, as sentences. Standard library only."""

from __future__ import annotations

from typing import Any


def remark(event: dict[str, Any]) -> str:
    """What happened; '' for an event that is nothing out of the ordinary."""
    kind = event.get("kind")
    if kind == "rollback":
        times = f"{float(event.get('factor', 0.5)):g} times the learning rate"
        return f"{event.get('reason')}; back to step {event.get('to')} at {times}"
    if kind == "memory":
        return (
            f"out of memory ({event.get('reason')}); a batch of {event.get('batch')} is worked through in "
            f"{event.get('pieces')} pieces from now on: the same batch, in more time"
        )
    if kind == "early":
        count = event.get("validations")
        for_long = "since the last validation" if count == 1 else f"for {count} validations"
        return f"nothing better {for_long}; it ends here, with the best weights"
    if kind in ("unsaved", "warning"):
        return str(event.get("message", ""))
    return ""
