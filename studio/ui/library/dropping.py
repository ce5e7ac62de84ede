"""Files that are dropped on the window, and the frame that is saved with one key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QWidget

from studio.session import restoring
from studio.session.exporting import FORMATS, MIX, ExportPlan, Look, export_folder, file_name, look_of
from studio.session.render_job import JobError
from studio.session.restoring import Found
from studio.session.session import Session
from studio.ui.background import background
from studio.ui.library.models import import_models


def save_frame(session: Session, line: str = "") -> None:
    """Write the picture that a deck (the selected one) or the mix shows now as a PNG with its recipe, in the
    background; says where it is."""
    name = line or (session.selection[0] if session.selection[0] in session.decks else "A")
    if name != MIX and not session.line(name).slots:
        name = next((deck.name for deck in session.decks.values() if deck.slots), name)
    try:
        look = look_of(session, name)
    except (JobError, ValueError) as error:
        session.notice(f"No frame was saved: {error}", level="warning")
        return
    if look.frame is None:
        session.notice(f"No frame was saved: {look.title} has made no picture yet", level="warning",
                       cure="wait for its first one")
        return
    folder = export_folder(session)

    def work() -> Path:
        return write_frame(look, folder)

    owner = session_owner(session)
    background(
        session, work, lambda path: session.notice(f"Saved {path.name} in {path.parent}"),
        lambda why: session.notice(f"No frame was saved: {why}", level="error",
                                   cure="choose another export folder in the preferences"),
        owner=owner,
    )


def write_frame(look: Look, folder: Path) -> Path:
    """Write a look's picture as a PNG into ``folder``, which is made. Raises FileError."""
    from studio.export import open_writer
    from studio.files import explain
    from studio.session.exporting import full_recipe

    assert look.frame is not None
    form = FORMATS[0]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise explain(error, folder, writing=True) from None
    path = file_name(look, form, folder)
    plan = ExportPlan(form, path, size=look.size, frames=1, screen=True)
    with open_writer(path, recipe=full_recipe(look, plan)) as writer:
        writer.add(look.frame)
    return path


def session_owner(session: Session) -> Any:
    """An object that lives as long as the application: what is done for the session itself outlives each widget."""
    from PySide6.QtCore import QCoreApplication

    return QCoreApplication.instance()


def use_file(window: Any, path: Path, line: str = "") -> None:
    """Do what dropping a file or folder on the window means; ``line`` is the deck it was dropped on, '' for none.

    ``window`` is the main window: it has ``session``, ``files`` (sessions), ``library`` and ``train(recipe, data)``.
    """
    session: Session = window.session

    def found(what: Found) -> None:
        use(window, what, line)

    def failed(why: str) -> None:
        session.notice(why, level="error")

    background(session, lambda: restoring.look_at(path), found, failed, owner=window)


def restore_from_file(session: Session, path: Path, owner: QWidget | None = None) -> None:
    """Bring the look of an exported file back; says why where it carries none."""
    def found(what: Found) -> None:
        if what.kind == "look":
            restoring.use_look(session, what)
        else:
            session.notice(f"{path.name} carries no look", level="warning",
                           cure="only files that the studio exported do")

    background(session, lambda: restoring.look_at(path), found,
               lambda why: session.notice(why, level="error"), owner=owner or session_owner(session))


def use(window: Any, found: Found, line: str = "") -> None:
    """Do what a file means."""
    session: Session = window.session
    path = found.path
    for note in found.notes if found.kind != "look" else ():
        session.notice(f"{path.name}: {note}", level="warning")
    if found.kind == "look":
        restoring.use_look(session, found, line or None)
    elif found.kind == "session":
        window.files.open(path)
    elif found.kind == "preset":
        window.library.store.import_file(path)
    elif found.kind == "model":
        import_models(session, [path])
    elif found.kind in ("picture", "video"):
        where = restoring.use_input(session, path, line or None)
        if not where and found.kind == "picture" and _taken_by_view(window, path, line):
            return
        _said(session, where, path,
              "what is on this deck takes no picture", "add an effect such as Style camera, or drop it on another deck")
    elif found.kind == "score":
        _said(session, restoring.use_score(session, path), path, "nothing here goes on from a MIDI file",
              "load the MIDI sequencer")
    elif found.kind == "folder":
        _train(window, path)
    elif found.kind == "text":
        window.train("text", str(path))
    else:
        session.notice(
            f"{path.name} is of a kind the studio does not know", level="warning",
            cure="it takes pictures, videos, MIDI, text, presets, sessions (.reverie) and models (.safetensors)",
        )


def use_on(view: Any, path: Path) -> None:
    """What a file means that was dropped on the own view of one generator: a picture or video is for it alone."""
    session, line, index = view.session, view.line.name, view.index
    if path.suffix.lower() not in (*restoring.PICTURES, *restoring.VIDEOS) and hasattr(view.window(), "dropped_files"):
        view.window().dropped_files([path], line)
        return
    _said(session, restoring.use_input(session, path, line, index), path, "it takes no such file",
          "drop a picture or a video")


def _taken_by_view(window: Any, path: Path, line: str) -> bool:
    """Whether the own view of a generator in the deck takes the picture: a photograph becomes a place there."""
    session: Session = window.session
    before = session.selection
    target = session.decks.get(line) or session.decks.get(before[0])
    for index in range(len(target.slots)) if target is not None else ():
        session.select(target.name, index)  # type: ignore[union-attr]
        window.own.show_selected()
        take = getattr(window.own.current, "find_photo", None)
        if take is not None:
            take(path)
            return True
    if session.selection != before:
        session.select(*before)
    return False


def _said(session: Session, text: str, path: Path, why: str, cure: str) -> None:
    if text:
        session.notice(text)
    else:
        session.notice(f"{path.name} was not used: {why}", level="warning", cure=cure)


def _train(window: Any, folder: Path) -> None:
    """A folder is what to train on: which recipe, its files say."""
    session: Session = window.session

    def work() -> str:
        return recipe_for(folder)

    def done(recipe: str) -> None:
        if recipe:
            window.train(recipe, str(folder))
        else:
            session.notice(f"There is nothing in {folder.name} to train on", level="warning",
                           cure="a folder of pictures, MIDI files or texts can be dropped here")

    background(session, work, done, lambda why: session.notice(why, level="error"), owner=window)


def recipe_for(folder: Path) -> str:
    """The training recipe that fits most of a folder's files: gan, midi or text; '' for none of them."""
    count = {"gan": 0, "midi": 0, "text": 0}
    kinds = {**dict.fromkeys(restoring.PICTURES, "gan"), **dict.fromkeys(restoring.SCORES, "midi"), ".txt": "text"}
    try:
        for number, file in enumerate(folder.rglob("*")):
            if number > 20_000:
                break
            kind = kinds.get(file.suffix.lower())
            if kind:
                count[kind] += 1
    except OSError as error:
        from studio.files import explain

        raise explain(error, folder) from None
    best = max(count, key=lambda name: count[name])
    return best if count[best] else ""


