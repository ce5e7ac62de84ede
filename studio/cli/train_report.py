"""What ``reverie train`` says on a terminal while it runs: settings, data, progress, files, and what happened."""

from __future__ import annotations

import dataclasses
from typing import Any

from studio.cli.progress import Bar
from studio.training.describe import shown
from studio.training.remarks import remark

SKIPPED_SHOWN = 5
"""Skipped files that are named; the others are counted, and stand in the events."""


def settings_line(name: str, config: Any) -> str:
    """Every setting with its value."""
    values = (f"{field.name} {shown(getattr(config, field.name))}" for field in dataclasses.fields(config))
    return f"recipe {name}: " + ", ".join(values)


def show_event(event: dict[str, Any], bar: Bar) -> None:
    """A line for an event, or the bar moved on."""
    kind, step = event["kind"], event["step"]
    if kind == "start":
        _show_data(event["data"], bar)
        if event.get("processes", 1) > 1:
            bar.say(f"{event['processes']} processes train together")
    elif kind == "step":
        bar.to(step, f"{show_numbers(event['losses'])}  {_speed(event)}")
    elif kind == "validate":
        bar.say(f"step {step}: {show_numbers(event['figures'])}")
    elif kind == "sample" and event["files"]:
        bar.say(f"step {step}: wrote {', '.join(event['files'])}")
    elif words := remark(event):
        bar.say(f"step {step}: {words}")
    elif kind == "done" and event.get("throughput"):
        bar.say(_throughput(event["throughput"]))


def _show_data(report: dict[str, Any], bar: Bar) -> None:
    """Counts and sizes, then what was skipped and why, and notices."""
    plain = {key: value for key, value in report.items() if isinstance(value, (int, float, str))}
    bar.say("data: " + (", ".join(f"{key.replace('_', ' ')} {value}" for key, value in plain.items()) or "read"))
    for key, value in report.items():
        if isinstance(value, list) and value and key in ("skipped", "skipped_first", "notices"):
            word = "note" if key == "notices" else "skipped"
            for line in value[:SKIPPED_SHOWN]:
                bar.say(f"  {word}: {line}")
            if len(value) > SKIPPED_SHOWN:
                bar.say(f"  and {len(value) - SKIPPED_SHOWN} more, which the events name")


def _speed(event: dict[str, Any]) -> str:
    words = f"{event['rate']:.1f} steps/s" if event["rate"] >= 0.1 else f"{60 * event['rate']:.1f} steps/min"
    if "items" in event:
        words += f", {event['items']:.0f} items/s"
    if event.get("data_share", 0.0) >= 0.2:
        words += f", waits for data {event['data_share']:.0%}"
    return words


def _throughput(found: dict[str, Any]) -> str:
    words = [f"{found['steps_per_second']:.3g} steps a second"]
    if "items_per_second" in found:
        words.append(f"{found['items_per_second']:.3g} items a second")
    if "waits" in found:
        words.append(found["waits"])
    return "throughput: " + "; ".join(words)


def show_numbers(figures: dict[str, Any]) -> str:
    """Figures by name, four digits each."""
    return ", ".join(f"{key} {value:.4g}" for key, value in figures.items() if isinstance(value, (int, float)))
