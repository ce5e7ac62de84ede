"""What a file that is dropped on the studio means, and bringing back the look that an exported file carries.

``look_at`` reads (on any thread); ``use`` acts (on the session's thread, as one step of undo).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio import paths
from studio.export import RecipeError, read_recipe
from studio.files import FileError, short_path
from studio.library.presets import Preset, load_preset
from studio.params import Path as PathParam
from studio.plugins import Plugin
from studio.session.edits import Edits
from studio.session.feed import SCENE, SCENE_PLUGIN
from studio.session.line import Line, Slot, begin_anew

log = logging.getLogger("reverie.session")

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")
VIDEOS = (".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".mpg", ".mpeg", ".ogv")
SCORES = (".mid", ".midi")
CHECKPOINTS = (".safetensors", ".pt", ".pth")
EXPORTED = (".png", ".jpg", ".jpeg", ".svg", ".webp", ".gif", ".mp4", ".m4v", ".mov", ".webm", ".txt", ".srt", ".vtt",
            ".mid", ".midi", ".wav")
LIVE_SIDE = 960
"""Longest side (pixels) that a look comes back with: an export of 8K must not bring the stage to a halt."""


@dataclass
class Found:
    """What a file is: ``look`` (it carries a recipe), ``session``, ``preset``, ``model``, ``picture``, ``video``,
    ``score``, ``folder`` or ``unknown``. ``notes`` are sentences about what is missing or not as it was."""

    kind: str
    path: Path
    recipe: dict[str, Any] | None = None
    preset: Preset | None = None
    source: str | None = None
    notes: list[str] = field(default_factory=list)


def look_at(path: Path) -> Found:
    """Find out what a file or folder is. Raises FileError with a sentence; slow, so not for the session's thread."""
    ending = path.suffix.lower()
    if path.is_dir():
        found = _with_recipe(path)
        return found or Found("folder", path)
    if not path.is_file():
        raise FileError(f"cannot read {short_path(path)}: there is no such file; check the name")
    if ending == ".reverie":
        return Found("session", path)
    if ending in CHECKPOINTS:
        return Found("model", path)
    if ending == ".json":
        return _json(path)
    notes: list[str] = []
    if ending in EXPORTED:
        found = _with_recipe(path, notes)
        if found is not None:
            return found
    kind = (
        "picture" if ending in PICTURES else "video" if ending in VIDEOS else "score" if ending in SCORES else
        "text" if ending == ".txt" else "unknown"
    )
    return Found(kind, path, notes=notes)


def _json(path: Path) -> Found:
    from studio import safe_json

    tree = safe_json.load_object(path)
    if tree.get("format") == "reverie.recipe":
        found = _with_recipe(path)
        assert found is not None
        return found
    if tree.get("format") == "reverie.session":
        return Found("session", path)
    preset, notes = load_preset(path)
    return Found("preset", path, preset=preset, notes=notes)


def _with_recipe(path: Path, notes: list[str] | None = None) -> Found | None:
    """The look in a file; None where it carries none. A damaged one is a note: the file may still be a good picture."""
    try:
        recipe = read_recipe(path)
    except RecipeError as error:
        if notes is not None and "carries no recipe" not in str(error) and "has no recipe" not in str(error):
            notes.append(str(error))
        if path.suffix.lower() == ".json":
            raise
        return None
    found = Found("look", path, recipe=recipe)
    for part in (recipe, second_of(recipe)):
        if part is not None:
            _check_models(part, found.notes)
    found.source = find_input(recipe, path.parent, found.notes)
    return found


def second_of(recipe: dict[str, Any]) -> dict[str, Any] | None:
    """The recipe of the second deck of a mix, if it is one."""
    mix = recipe.get("mix")
    second = mix.get("second") if isinstance(mix, dict) else None
    if not isinstance(second, dict):
        return None
    from studio.export import check_recipe

    try:
        return check_recipe(second, where="the second deck of the recipe")
    except RecipeError:
        return None


def _check_models(recipe: dict[str, Any], notes: list[str]) -> None:
    from studio.nn.weights import sha256

    for name, digest in (recipe.get("models") or {}).items():
        try:
            same = sha256(paths.find_model(str(name))) == digest
        except OSError as error:
            notes.append(f"{error}; import it on the models page, or drop its .safetensors file here")
        else:
            if not same:
                notes.append(f"the model {name} is not the one it was made with; it will look different")


def find_input(recipe: dict[str, Any], near: Path, notes: list[str]) -> str | None:
    """The input of a recipe: ``camera:N`` or a file beside the exported one; None where it has none or it is gone."""
    entry = recipe.get("input")
    if not isinstance(entry, dict):
        return None
    name = str(entry.get("path") or "")
    if name.startswith("camera:"):
        return name
    bare = Path(name.replace("\\", "/")).name  # a stranger's recipe names no folder of ours
    for folder in (near, Path.cwd()):
        candidate = folder / bare
        if bare and candidate.is_file():
            from studio.nn.weights import sha256

            if entry.get("sha256") and sha256(candidate) != entry["sha256"]:
                notes.append(f"{bare} beside it is not the file it was made with; it will look different")
            return str(candidate)
    notes.append(f"its input {short_path(bare)} is not beside it; drop that file on the deck")
    return None


# --- acting ---------------------------------------------------------------------------------------------------------


def use_look(session: Edits, found: Found, line: str | None = None) -> list[str]:
    """Bring back the look of an exported file, in the chosen line or one that fits; returns the lines' names."""
    assert found.recipe is not None
    recipe, second = found.recipe, second_of(found.recipe)
    with session.edit(f"Look of {found.path.name}"):
        if second is not None:
            session.paste_look("A", as_look(recipe, "deck", found.source))
            session.paste_look("B", as_look(second, "deck", None))
            share = recipe["mix"].get("crossfade")
            if isinstance(share, (int, float)) and not isinstance(share, bool):
                session.mix.set("crossfade", float(share))
            names = ["A", "B"]
        else:
            target = _target(session, _makes(session, recipe), line)
            session.paste_look(target.name, as_look(recipe, target.kind, found.source))
            names = [target.name]
        others = [known for known in session.lines() if known.slots and known.name not in names]
        bpm = recipe.get("bpm")
        if not others and isinstance(bpm, (int, float)) and 20 <= bpm <= 400:
            session.clock.bpm = float(bpm)
    for text in found.notes:
        session.notice(f"{found.path.name}: {text}", level="warning")
    absent = [slot for name in names for slot in session.line(name).slots if slot.state == "absent"]
    for slot in absent:
        session.notice(f"{found.path.name}: the generator {slot.generator} is not here; its values are kept",
                       level="warning", cure="install its plugin and it comes back")
    session.select(names[0], len(session.line(names[0]).slots) - 1 if second is None else 0)
    where = " and ".join(session.line(name).title for name in names)
    session.notice(f"The look of {found.path.name} is back in {where}")
    return names


def as_look(recipe: dict[str, Any], kind: str, source: str | None) -> dict[str, Any]:
    """A recipe in the form of ``Edits.paste_look``."""
    slots = [
        {"generator": stage["generator"], "version": stage["version"], "params": dict(stage["params"])}
        for stage in recipe["stages"]
    ]
    spec = source or ""
    if len(slots) > 1 and slots[0]["generator"].endswith(SCENE_PLUGIN) and not source:
        slots, spec = slots[1:], SCENE  # the scene was its input
    size = recipe.get("size")
    return {
        "kind": kind, "input": spec, "seed": recipe.get("seed", 0), "size": _live_size(size) if size else None,
        "slots": slots,
    }


def _live_size(size: list[int]) -> tuple[int, int]:
    scale = min(1.0, LIVE_SIDE / max(size))
    if scale == 1.0:
        return size[0], size[1]
    return max(16, round(size[0] * scale / 8) * 8), max(16, round(size[1] * scale / 8) * 8)


def _makes(session: Edits, recipe: dict[str, Any]) -> str:
    name = recipe["stages"][-1]["generator"]
    plugin = next((known for known in session.registry if known.id == name), None)
    return plugin.manifest.makes if plugin is not None and plugin.manifest is not None else "image"


def _target(session: Edits, makes: str, line: str | None) -> Line:
    kind = "deck" if makes == "image" else "player"
    for name in (line, session.selection[0]):
        known = session.decks.get(name or "") or session.players.get(name or "")
        if known is not None and known.kind == kind:
            return known
    if kind == "deck":
        empty = [deck for deck in session.decks.values() if not deck.slots]
        return empty[0] if empty else session.decks["A"]
    empty = [player for player in session.players.values() if not player.slots]
    return empty[0] if empty else session.add_player()


def use_input(session: Edits, path: Path, line: str | None = None, index: int | None = None) -> str:
    """Let a picture or video be what a deck works on; returns where it went, as a sentence ('' when nowhere).

    With ``index`` it is meant for one generator of the deck; else for the first that can take it.
    """
    name = line if line in session.decks else session.selection[0]
    target = session.decks.get(name or "") or session.decks["A"]
    if not target.slots:
        effect = _effect(session)
        if effect is None:
            return ""
        with session.edit(f"Open {path.name}"):
            session.set_input(target.name, str(path))
            session.add_effect(target.name, effect.id)
        return f"{path.name} goes into {target.title}, through {effect.title}"
    kind = "picture" if path.suffix.lower() in PICTURES else "video"
    order = [index] if index is not None else range(len(target.slots))
    for place in order:
        slot = target.slots[place]
        manifest = slot.plugin.manifest if slot.plugin is not None else None
        direct = place == 0 and manifest is not None and manifest.takes == "image"
        changes = _for_drop(slot, str(path), kind, direct)
        if changes or direct:
            return _seen_at_once(session, target, place, changes, path)
    for place in order:
        slot = target.slots[place]
        if slot.stage is None:
            continue
        param = _file_param(slot.stage.values.params, "image")
        if param and path.suffix.lower() in PICTURES:
            session.set_value(target.name, place, param, str(path))
            return f"{path.name} is now the {slot.stage.values.params[param].label.lower()} of {slot.title}"
    return ""


def _for_drop(slot: Slot, path: str, kind: str, direct: bool) -> dict[str, Any]:
    """What a generator wants changed for a file that is dropped on it; names it does not have are left out."""
    if slot.stage is None:
        return {}
    values = slot.stage.values
    try:
        found = slot.stage.generator.for_drop({n: values[n] for n in values.params}, path, kind, direct)
        return {name: value for name, value in found.items() if name in values.params}
    except Exception:  # a plugin's own code: then the file comes in as input
        log.exception("%s does not say what a dropped file is to it", slot.title)
        return {}


def _seen_at_once(session: Edits, target: Line, place: int, changes: dict[str, Any], path: Path) -> str:
    slot = target.slots[place]
    named = next((name for name, value in changes.items() if value == str(path)), "")
    with session.edit(f"Open {path.name}"):
        for name, value in changes.items():
            session.set_value(target.name, place, name, value)
        if not named and target.input == str(path):
            begin_anew(target)  # it shows this one already, and shall begin with it
        elif not named:
            session.set_input(target.name, str(path))
    if not named or slot.stage is None:
        return f"{path.name} is now the input of {target.title}"
    return f"{path.name} is now the {slot.stage.values.params[named].label.lower()} of {slot.title}"


def _effect(session: Edits) -> Plugin | None:
    """The effect that a picture goes through where nobody chose one."""
    able = [
        plugin for plugin in session.registry
        if plugin.manifest is not None and plugin.manifest.takes == "image" and plugin.state not in ("failed", "found")
    ]
    return next((plugin for plugin in able if plugin.name == "style_camera"), able[0] if able else None)


def _file_param(params: dict[str, Any], accepts: str) -> str:
    for name, param in params.items():
        if isinstance(param, PathParam) and param.accepts == accepts:
            return name
    return ""


def use_score(session: Edits, path: Path) -> str:
    """Let a MIDI file be what a player goes on from; returns where it went, '' when nowhere."""
    ordered = sorted(session.players.values(), key=lambda player: player.name != session.selection[0])
    for player in ordered:
        for index, slot in enumerate(player.slots):
            param = _file_param(slot.stage.values.params, "midi") if slot.stage is not None else ""
            if param:
                session.set_value(player.name, index, param, str(path))
                return f"{slot.title} in {player.title} goes on from {path.name}"
    plugin = next((known for known in session.registry if known.name == "midi_sequencer"), None)
    if plugin is None or plugin.state in ("failed", "found"):
        return ""
    with session.edit(f"Open {path.name}"):
        player = next((known for known in session.players.values() if not known.slots), None) or session.add_player()
        session.load(player.name, plugin.id, params={"primer": str(path)})
    return f"{plugin.title} in {player.title} goes on from {path.name}"
