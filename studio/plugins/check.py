"""``reverie plugins check``: everything that is wrong with a plugin, a sentence each.

First what can be read (manifest, imports), then what shows when it runs: a few steps, twice, at the ends of every
parameter, with every preset. The plugin runs in a process of its own: it may hang, crash or exit without harm.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from studio.files import short_path
from studio.plugins.discovery import discover
from studio.plugins.findings import Finding, advice, fault
from studio.plugins.manifest import (
    FIELDS,
    MANIFEST,
    Manifest,
    PluginError,
    faults,
    from_table,
    missing,
    read_table,
    table_from_source,
)
from studio.plugins.source_check import check_sources

TIMEOUT = 240.0
"""Seconds that the trial may take altogether."""


def check_plugin(place: Path, *, run: bool = True, timeout: float = TIMEOUT) -> list[Finding]:
    """Check the plugin at ``place``, a folder or a lone ``.py``; an empty list means that all is well.

    Where there is nothing at ``place``, the name or id of a plugin that is known will do. ``run=False`` only reads.
    Never raises because of the plugin.
    """
    place = Path(place).expanduser()
    if not place.exists() and len(place.parts) == 1:
        known = (plugin for plugin in discover() if place.name in (plugin.name, plugin.id))
        place = next((plugin.place for plugin in known), place)
    place = place.resolve()
    if not place.exists():
        return [fault(short_path(place), "there is nothing at this path; give a plugin's folder or its .py file")]
    found, manifest = _check_manifest(place)
    found.extend(check_sources(place, manifest))
    blocked = manifest is None or any(f.level == "fault" and f.where.startswith(MANIFEST) for f in found)
    broken = any(f.level == "fault" and "invalid syntax" in f.message for f in found)
    if run and not blocked and not broken:
        found.extend(_try_out(place, timeout))
    unique = {(f.where, f.message): f for f in found}
    return sorted(unique.values(), key=lambda finding: finding.level == "advice")


def _check_manifest(place: Path) -> tuple[list[Finding], Manifest | None]:
    where = MANIFEST if place.is_dir() else place.name
    try:
        if place.is_dir():
            if not (place / MANIFEST).is_file():
                cure = "'reverie plugins new NAME' writes one; docs/plugins.md explains its fields"
                return [fault(where, f"the file is missing from {short_path(place)}; {cure}")], None
            table = read_table(place / MANIFEST)
        else:
            read = table_from_source(place)
            if read is None:
                return [fault(where, "it declares no class derived from studio.api.Generator")], None
            table = read
    except PluginError as error:
        return [fault(where, str(error))], None
    found = [fault(where, text) for text in faults(table)]
    if found:
        return found, None
    manifest = from_table(table)
    for name in manifest.unknown:
        near = difflib.get_close_matches(name, FIELDS, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        found.append(advice(where, f"the field {name!r} is not known{hint}"))
    if place.is_dir():
        inside = place.joinpath(*manifest.module.split("."))
        package = manifest.module in ("__init__", place.name) and (place / "__init__.py").is_file()
        if not (inside.with_suffix(".py").is_file() or (inside / "__init__.py").is_file() or package):
            found.append(fault(where, f"the entry names {manifest.module}.py, which is not there"))
    found.extend(fault(where, text) for text in missing(manifest.requires))
    return found, manifest


def _try_out(place: Path, timeout: float) -> list[Finding]:
    """Run the probe in a child process and collect what it found, also when it did not come to its end."""
    root = Path(__file__).resolve().parent.parent.parent
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))}
    # what the plugin prints must not mix with our own output, and its child must not wait for a keyboard
    with tempfile.TemporaryDirectory(prefix="reverie-check-", ignore_cleanup_errors=True) as folder:
        report = Path(folder) / "report.jsonl"
        command = [sys.executable, "-m", "studio.plugins.probe", str(place), str(report)]
        late = False
        with (Path(folder) / "output").open("wb") as output:
            child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
            try:
                child.wait(timeout)
            except subprocess.TimeoutExpired:
                late = True
            finally:
                child.kill()
                child.wait()
        lines = report.read_text(encoding="utf-8").splitlines() if report.is_file() else []
        printed = (Path(folder) / "output").read_text(encoding="utf-8", errors="replace").strip()
    found: list[Finding] = []
    stage, done = "starting", False
    for line in lines:
        with contextlib.suppress(ValueError):  # the last line of a process that died may be cut short
            entry = json.loads(line)
            stage, done = entry.get("stage", stage), done or "done" in entry
            if "finding" in entry:
                found.append(Finding(*entry["finding"]))
    if late and stage.startswith("trying "):
        found.append(advice(place.name, f"{stage}: this takes so long that the check was ended after {timeout:.0f} s"))
    elif late:
        found.append(fault(place.name, f"{stage}: it did not come to an end within {timeout:.0f} s"))
    elif not done:
        found.append(fault(place.name, f"{stage}: it ended the whole process ({_ending(child.returncode, printed)})"))
    return found


def _ending(code: int, printed: str) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    last = printed.splitlines()[-1][:200] if printed else ""
    return f"exit code {code}" + (f": {last}" if last else "")
