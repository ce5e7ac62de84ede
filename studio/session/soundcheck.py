"""The sound check: what the show needs, each thing good, doubtful or bad, with the cure. The same list with a window
(page *Sound check*) and without (``reverie check``).

``ask`` takes what the session knows, on its thread; ``run`` asks the system, which may take seconds, on another.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio import paths
from studio.control import midi
from studio.devices import soundfont
from studio.devices.listing import Kind, screens
from studio.devices.midi_out import MidiError, bare
from studio.devices.midi_ports import midi_inputs, midi_outputs
from studio.devices.sound import SoundError, find_output, sound_outputs
from studio.devices.sound_in import sound_inputs
from studio.plugins import PluginError, Registry
from studio.session.clock_sources import ClockState
from studio.session.exporting import export_folder
from studio.session.memory import available
from studio.session.memory import text as size_text
from studio.session.warmup import Look, Warmed, key_of, looks_of, stages_of

if TYPE_CHECKING:
    from studio.session.core import Core

GOOD, DOUBTFUL, BAD = "good", "warning", "danger"
LEAST_DISK, LITTLE_DISK = 2e9, 20e9
"""Bytes free below which recordings are in danger, and below which it is said."""
RECORDING = 2.5e6
"""Bytes that a second of recording takes, about."""
LEAST_MEMORY, LITTLE_MEMORY = 0.5e9, 2e9
LEAST_GPU, LITTLE_GPU = 0.5e9, 1.5e9


@dataclass(frozen=True)
class Act:
    """Something that can be done about a check: see ``soundcheck_acts`` and the page for the names."""

    name: str
    label: str
    value: str = ""


@dataclass(frozen=True)
class Check:
    """One line of the list. ``level`` is good, warning or danger."""

    key: str
    title: str
    level: str
    text: str
    cure: str = ""
    acts: tuple[Act, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """For programs: ``state`` is green, amber or red."""
        state = {GOOD: "green", DOUBTFUL: "amber", BAD: "red"}[self.level]
        return {"check": self.key, "title": self.title, "state": state, "text": self.text, "cure": self.cure}


@dataclass
class LineState:
    """A deck or player as it is now."""

    name: str
    title: str
    state: str
    why: str
    slots: list[tuple[str, str, str, str]] = field(default_factory=list)
    """Title, state, reason and generator of each."""


@dataclass
class Asked:
    """What the session knows. ``screens`` may be put in by the window, which knows them better."""

    registry: Registry
    folder: Path
    device: str
    output_name: str
    sound_reason: str
    sound_runs: bool
    synth_players: list[str]
    midi_players: list[tuple[str, str]]
    audio_in: tuple[bool, str, str]
    bound_ports: set[str]
    midi_bound: bool
    midi_open: list[str]
    osc: tuple[bool, str, int, int]  # on, trouble, port, free
    clock: tuple[str, ClockState]
    clock_port: str
    lines: list[LineState]
    looks: list[Look]
    warmed: Warmed
    screens: list[tuple[str, str]] | None = None
    output_screen: str = ""


def ask(session: Core) -> Asked:
    """Take what the session knows; on its thread, and quick."""
    settings, ports, playback = session.settings, session.controls.ports, session.playback

    def setting(name: str, default: Any) -> Any:
        return settings[name] if name in settings.params else default

    bindings = [b for b in session.controls.bindings if b.source.kind in midi.KINDS]
    audio = session.controls.audio
    source = session.clock_sources.chosen
    playing = list(playback.playing.values())
    return Asked(
        registry=session.registry, folder=export_folder(session), device=session.device,
        output_name=str(setting("sound_output", "")), sound_reason=playback.synth.output.reason,
        sound_runs=playback.synth.output.running or audio.on,
        synth_players=[k.line.title for k in playing if k.options.sink == "synth" and k.line.slots],
        midi_players=[(k.line.title, k.options.port) for k in playing if k.options.sink == "midi" and k.line.slots],
        audio_in=(bool(audio.on), audio.reason, audio.cure),
        bound_ports={b.source.device for b in bindings if b.source.device}, midi_bound=bool(bindings),
        midi_open=list(ports.inputs.ports) if ports.inputs is not None else [],
        osc=(bool(setting("osc", False)), ports.osc_trouble, int(setting("osc_port", 0)), ports.osc_free),
        clock=(source.title, source.state()),
        clock_port=str(setting("clock_out_port", "")) if setting("clock_out", False) else "",
        lines=[LineState(line.name, line.title, line.state, line.why(), [
            (slot.title, slot.state, slot.reason, slot.generator) for slot in line.slots]) for line in session.lines()],
        looks=looks_of(session), warmed=session.warmed,
    )


def run(asked: Asked) -> list[Check]:
    """All checks; may take seconds. Nothing here raises: a check that fails is itself a line."""
    found: list[Check] = []
    for key, title, work in CHECKS:
        try:
            found += work(asked)
        except Exception as error:
            brief = " ".join(str(error).split())[:160] or type(error).__name__
            found.append(Check(key, title, DOUBTFUL, f"Asking failed ({brief})", "see the log; check again"))
    return found


def is_ready(checks: list[Check]) -> bool:
    """Whether nothing is bad."""
    return all(check.level != BAD for check in checks)


def summary(checks: list[Check]) -> str:
    """All of it in a sentence."""
    bad = sum(check.level == BAD for check in checks)
    doubtful = sum(check.level == DOUBTFUL for check in checks)
    if bad:
        return f"Not ready: {bad} to be mended" + (f", {doubtful} to be looked at" if doubtful else "")
    return f"Ready, {doubtful} to be looked at" if doubtful else "Ready"


# --- the checks ---


def _screens(asked: Asked) -> list[Check]:
    kind = Kind("screens", found=list(asked.screens)) if asked.screens is not None else screens()
    acts = (Act("pattern", "Test pattern"), Act("output", "Show the output"))
    names = ", ".join(f"{name} {size}".strip() for name, size in kind.found)
    here = {name for name, _ in kind.found}
    if not kind.found:
        return [Check("screens", "Screens", BAD, sentence(kind.reason), kind.cure)]
    if asked.output_screen and asked.output_screen not in here:
        text = f"{asked.output_screen}, which the output is for, is not there. {names}"
        return [Check("screens", "Screens", BAD, text, "connect it, or choose another under Output", acts)]
    if len(kind.found) < 2:
        return [Check("screens", "Screens", DOUBTFUL, f"Only one: {names}",
                      "plug in the projector and extend the desktop to it", acts)]
    return [Check("screens", "Screens", GOOD, names, acts=acts)]


def _sound_out(asked: Asked) -> list[Check]:
    needed = bool(asked.synth_players)
    preferences = Act("preferences", "Choose another")
    try:
        outputs = sound_outputs(refresh=not asked.sound_runs)
        chosen = find_output(asked.output_name)
    except SoundError as error:
        level = BAD if needed or asked.output_name else DOUBTFUL
        return [Check("sound", "Sound out", level, sentence(str(error)), error.cure, (preferences,))]
    if asked.sound_reason:
        return [Check("sound", "Sound out", BAD, sentence(asked.sound_reason), "connect it again, or choose another",
                      (preferences,))]
    rate, more = f"{chosen.rate / 1000:g} kHz", f", {len(outputs) - 1} more" if len(outputs) > 1 else ""
    acts, why = (Act("tone", "Test tone"), preferences), soundfont.absent()
    without = [Check("synth", "Synth", DOUBTFUL, sentence(why), soundfont.CURE)] if why else []
    return [Check("sound", "Sound out", GOOD, f"{chosen.name}, {rate}{more}", acts=acts), *without]


def _sound_in(asked: Asked) -> list[Check]:
    on, why, cure = asked.audio_in
    try:
        names = [source.name for source in sound_inputs(refresh=not asked.sound_runs)]
    except SoundError as error:
        if on and why:
            return [Check("audio in", "Sound in", BAD, sentence(why), cure)]
        if on:  # a file is heard
            return [Check("audio in", "Sound in", GOOD, "A file is heard")]
        return [Check("audio in", "Sound in", GOOD, f"Not used; {error}")]
    if on and why:
        return [Check("audio in", "Sound in", BAD, sentence(why), cure)]
    return [Check("audio in", "Sound in", GOOD, "It is heard" if on else f"Not used; there are {', '.join(names[:4])}")]


def _midi_in(asked: Asked) -> list[Check]:
    open_control = Act("bindings", "Show the bindings")
    try:
        names = sorted({bare(name) for name in midi_inputs()} | set(asked.midi_open))
    except MidiError as error:
        level = BAD if asked.midi_bound else DOUBTFUL
        return [Check("midi in", "MIDI in", level, sentence(str(error)), error.cure, (open_control,))]
    missing = sorted(asked.bound_ports - set(names))
    if missing:
        text = f"{', '.join(missing)} is bound and not there; here: {', '.join(names)}"
        cure = "connect it; its bindings are kept and work at once"
        return [Check("midi in", "MIDI in", BAD, text, cure, (open_control,))]
    return [Check("midi in", "MIDI in", GOOD, ", ".join(names), acts=(open_control,))]


def _midi_out(asked: Asked) -> list[Check]:
    wanted = [*asked.midi_players, *((("The clock", asked.clock_port),) if asked.clock_port else ())]
    try:
        names = [bare(name) for name in midi_outputs()]
    except MidiError as error:
        if not wanted:
            return [Check("midi out", "MIDI out", GOOD, f"Not used; {error}")]
        who = ", ".join(title for title, _ in wanted)
        return [Check("midi out", "MIDI out", BAD, f"{sentence(str(error))}, and {who} would play to one", error.cure)]
    lost = [f"{title} plays to {port or 'no port'}" for title, port in wanted if bare(port) not in names]
    here = sorted({port for _, port in wanted if bare(port) in names})
    acts = tuple(Act("note", f"Test note to {port}", port) for port in here)
    if lost:
        return [Check("midi out", "MIDI out", BAD, f"{'; '.join(lost)}, which is not there",
                      "connect it, or choose another port in the player's view", acts)]
    if not wanted:
        return [Check("midi out", "MIDI out", GOOD, f"Not used; there are {', '.join(names[:4])}",
                      acts=(Act("note", f"Test note to {names[0]}", names[0]),))]
    text = "; ".join(f"{title} plays to {port}" for title, port in wanted)
    return [Check("midi out", "MIDI out", GOOD, text, acts=acts)]


def _osc(asked: Asked) -> list[Check]:
    on, trouble, port, free = asked.osc
    show = Act("osc", "Show OSC")
    if trouble:
        acts = (Act("osc_port", f"Use {free}", str(free)), show) if free else (show,)
        return [Check("osc", "OSC", BAD, sentence(trouble), f"use {free}, which is free" if free else
                      "choose another port", acts)]
    return [Check("osc", "OSC", GOOD, f"Listens at port {port}" if on else "Off", acts=(show,))]


def _clock(asked: Asked) -> list[Check]:
    title, state = asked.clock
    act = Act("clock", "Show the clock")
    return [Check("clock", "Clock", state.level, f"{title}: {state.text}", state.cure, (act,))]


def _disk(asked: Asked) -> list[Check]:
    place = next((folder for folder in (asked.folder, *asked.folder.parents) if folder.is_dir()), Path("/"))
    free = shutil.disk_usage(place).free
    hours = free / RECORDING / 3600.0
    time_text = f"about {hours:.0f} h" if hours >= 2 else f"about {hours * 60:.0f} min"
    text = f"{size_text(free)} free where recordings and exports go, {time_text} of recording"
    level = BAD if free < LEAST_DISK else DOUBTFUL if free < LITTLE_DISK else GOOD
    cure = "" if level == GOOD else "make room, or choose another folder in the preferences"
    return [Check("disk", "Disk", level, text, cure, (Act("preferences", "Choose another"),))]


def _memory(asked: Asked) -> list[Check]:
    free = available()
    if free is None:
        return []
    level = BAD if free < LEAST_MEMORY else DOUBTFUL if free < LITTLE_MEMORY else GOOD
    cure = "" if level == GOOD else "close other programs; give the decks a smaller working size"
    return [Check("memory", "Memory", level, f"{size_text(free)} free", cure)]


def _gpu(asked: Asked) -> list[Check]:
    if not asked.device.startswith("cuda"):
        where = {"cpu": "the processor", "mps": "the Apple GPU"}.get(asked.device, asked.device)
        slow = asked.device == "cpu"
        return [Check("gpu", "GPU", DOUBTFUL if slow else GOOD, f"Networks run on {where}",
                      "fine for small pictures; “reverie devices” says whether a GPU could be used" if slow else "")]
    import torch

    free, whole = torch.cuda.mem_get_info(asked.device)
    level = BAD if free < LEAST_GPU else DOUBTFUL if free < LITTLE_GPU else GOOD
    cure = "" if level == GOOD else "close other programs that use the GPU; give the decks a smaller working size"
    name = torch.cuda.get_device_properties(asked.device).name
    return [Check("gpu", "GPU", level, f"{name}: {size_text(free)} of {size_text(whole)} free", cure)]


def _lines(asked: Asked) -> list[Check]:
    found = []
    for line in asked.lines:
        if not line.slots:
            continue
        key = f"line {line.name}"
        wrong = [(title, why, plugin) for title, state, why, plugin in line.slots if state in ("failed", "absent")]
        restart = Act("restart", "Restart", line.name)
        if wrong:
            found.append(Check(key, line.title, BAD, "; ".join(f"{title}: {why}" for title, why, _ in wrong),
                               "reload the plugin, or take it out of the line",
                               (Act("reload", "Reload", wrong[0][2]), Act("plugins", "Show the plugins"))))
        elif line.state in ("failed", "paused", "hung") and line.why:
            found.append(Check(key, line.title, BAD, sentence(line.why), "restart it", (restart,)))
        else:
            loading = any(state in ("loading", "importing") for _, state, _, _ in line.slots)
            titles = " → ".join(title for title, _, _, _ in line.slots)
            found.append(Check(key, line.title, DOUBTFUL if loading else GOOD,
                               f"{titles}: {'is loading' if loading else line.state}",
                               "wait until it is here" if loading else ""))
    return found


def _models(asked: Asked) -> list[Check]:
    """Models that looks name and that are not here, then how many looks are warm."""
    warm, cold = 0, list[str]()
    missing: dict[str, tuple[str, str]] = {}
    for look in asked.looks:
        try:
            stages = stages_of(asked.registry, look)
        except PluginError as error:
            cold.append(look.title)
            missing.setdefault(str(error), (look.title, ""))
            continue
        for stage in stages:
            for name, param in stage.generator.params.items():
                wish = str(stage.values[name])
                if param.kind == "model" and wish:
                    try:
                        paths.find_model(wish)
                    except OSError as error:
                        missing.setdefault(str(error), (look.title, wish))
        if key_of(stages, look.size) in asked.warmed.seconds:
            warm += 1
        else:
            cold.append(look.title)
    found = [_missing(why, who, wish) for why, (who, wish) in missing.items()]
    total, act = len(asked.looks), (Act("warm", "Warm everything up"),)
    broken = [f"{title}: {why}" for title, why in asked.warmed.failed.items() if title in cold]
    if not total:
        found.append(Check("warm", "Warm-up", GOOD, "Nothing to warm up: decks, players and snapshots are empty"))
    elif broken:
        found.append(Check("warm", "Warm-up", BAD, "; ".join(broken[:4]), "mend or take out what fails", act))
    elif cold:
        names = ", ".join(cold[:4]) + (f" and {len(cold) - 4} more" if len(cold) > 4 else "")
        found.append(Check("warm", "Warm-up", DOUBTFUL, f"{warm} of {total} looks are warm; cold: {names}",
                           "warm everything up, so that nothing loads on stage", act))
    else:
        found.append(Check("warm", "Warm-up", GOOD, f"All {total} looks are warm", acts=act))
    return found


def _missing(why: str, who: str, wish: str) -> Check:
    from studio.library.catalogue import catalogue

    known = any(entry.name == wish for entry in catalogue()) if wish else False
    acts = (Act("fetch", "Fetch it", wish),) if known else (Act("models", "Show the models"),) if wish else (
        Act("plugins", "Show the plugins"),)
    cure = "it is in the catalogue: fetch it" if known else "import it on the models page" if wish else (
        "install the plugin, or take it out of the look")
    key, title = (f"model {wish}", "Model") if wish else (f"plugin {who}", "Plugin")
    return Check(key, title, BAD, f"{who}: {why}", cure, acts)


def _plugins(asked: Asked) -> list[Check]:
    failed = [plugin for plugin in asked.registry if plugin.state == "failed"]
    used = {name for look in asked.looks for name, _, _ in look.slots}
    found = [Check(f"plugin {plugin.name}", f"Plugin {plugin.title}", BAD if plugin.id in used else DOUBTFUL,
                   sentence(plugin.reason), "mend its file and reload it, or leave it aside",
                   (Act("reload", "Reload", plugin.id or plugin.name), Act("plugins", "Show the plugins")))
             for plugin in failed]
    if not found:
        count = sum(plugin.state != "found" for plugin in asked.registry)
        found.append(Check("plugins", "Plugins", GOOD, f"{count} are in use, none failed",
                           acts=(Act("plugins", "Show the plugins"),)))
    return found


def sentence(text: str) -> str:
    """With a capital at its beginning, unless that is a name such as nanoKONTROL."""
    first = text.split(" ", 1)[0]
    return text[:1].upper() + text[1:] if first.islower() and first.isalpha() else text


CHECKS: tuple[tuple[str, str, Callable[[Asked], list[Check]]], ...] = (
    ("screens", "Screens", _screens), ("sound", "Sound out", _sound_out), ("audio in", "Sound in", _sound_in),
    ("midi in", "MIDI in", _midi_in), ("midi out", "MIDI out", _midi_out), ("osc", "OSC", _osc),
    ("clock", "Clock", _clock), ("disk", "Disk", _disk), ("memory", "Memory", _memory), ("gpu", "GPU", _gpu),
    ("lines", "Decks and players", _lines), ("models", "Models", _models), ("plugins", "Plugins", _plugins),
)
