"""The window's actions: what is in the menus, and the keys."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from studio.ui import layouts
from studio.ui.actions import Palette, ShortcutsDialog
from studio.ui.control_commands import add_control_commands
from studio.ui.library.placing import ways_to_put
from studio.ui.listen import listen
from studio.ui.recording.commands import add_recording
from studio.ui.welcome import WayCard

if TYPE_CHECKING:
    from studio.ui.window import MainWindow


def add_commands(window: MainWindow) -> None:
    """Fill the menus."""
    _session_menu(window)
    _edit_menu(window)
    _play_menu(window)
    add_control_commands(window)
    _view_menu(window)
    _help_menu(window)


def _session_menu(window: MainWindow) -> None:
    from studio.ui.library.dropping import save_frame
    from studio.ui.sessions import SessionFiles

    add = window.actions_.add
    window.files = SessionFiles(window.session, window)
    files = window.files
    window.ask_before_close = files.ask_before_close
    files.opened.connect(lambda: window.own.hide_welcome())  # what came back shall be seen
    menu = "&Session"
    add(menu, "&New", files.new, "Ctrl+N", icon="new", tip="Begin an empty session")
    add(menu, "&Open …", files.open, "Ctrl+O", icon="open", tip="Open a session file")
    window.actions_.menus[menu].addMenu(files.recent_menu)
    add(menu, "&Save", files.save, "Ctrl+S", icon="save", tip="Save the session")
    add(menu, "Save &as …", files.save_as, "Ctrl+Shift+S", tip="Save the session under another name")
    window.actions_.separator(menu)
    add(menu, "&Export …", lambda: open_export(window), "Ctrl+E", icon="export",
        tip="Make a picture, GIF, video, text, MIDI or sound file of the selected line")
    add(menu, "Save this &look as a preset …", lambda: _save_look(window), icon="preset",
        tip="Keep the selected generator's values as a preset in the library")
    add(menu, "Save this &frame", lambda: save_frame(window.session), "F9", icon="photo",
        tip="The picture of the selected deck as a PNG, with its recipe")
    window.actions_.separator(menu)
    add(menu, "&Quit", window.close, "Ctrl+Q", icon="power", tip="Close the studio")


def _save_look(window: MainWindow) -> None:
    if window.session.selected is None:
        window.session.notice("No generator is selected; put one on a deck first", level="warning")
        return
    window.show_page("stage")
    window.docks["library"].show()
    window.library.show_tab("presets")
    window.library.presets.ask_name()


def open_export(window: MainWindow) -> None:
    """The export dialog for the selected line."""
    from studio.ui.export import ExportDialog

    name = window.session.selection[0]
    dialog = ExportDialog(window.session, name, window)
    dialog.show()


def _edit_menu(window: MainWindow) -> None:
    add, session = window.actions_.add, window.session
    menu = "&Edit"
    undo = add(menu, "Undo", session.undo, "Ctrl+Z", icon="undo")
    redo = add(menu, "Redo", session.redo, ["Ctrl+Shift+Z", "Ctrl+Y"], icon="redo")

    def show_history(_: object) -> None:
        history = session.history
        undo.setEnabled(history.can_undo)
        undo.setText(f"Undo: {history.undo_label}" if history.can_undo else "Undo")
        redo.setEnabled(history.can_redo)
        redo.setText(f"Redo: {history.redo_label}" if history.can_redo else "Redo")

    listen(window, session, "history", show_history)
    show_history(None)
    add(menu, "Back &ten seconds", lambda: _back(window, 10.0, "ten seconds"), "Ctrl+Backspace", icon="history",
        tip="Everything as it was ten seconds ago; can be undone")
    add(menu, "Back one &minute", lambda: _back(window, 60.0, "a minute"), "Ctrl+Shift+Backspace", icon="history",
        tip="Everything as it was a minute ago; can be undone")
    window.actions_.separator(menu)
    add(menu, "&Copy the look", lambda: _copy(window), "Ctrl+Shift+C", icon="copy",
        tip="Remember the selected line's generators and values")
    add(menu, "&Paste the look", lambda: _paste(window), "Ctrl+Shift+V", icon="paste",
        tip="Give the remembered look to the selected line")
    add(menu, "&Randomise", lambda: _stir(window, "randomise"), "Ctrl+R", icon="dice",
        tip="Random values for all that is not locked")
    add(menu, "&Mutate", lambda: _stir(window, "mutate"), "Ctrl+M", icon="shuffle",
        tip="A small random step away from here")


def _back(window: MainWindow, seconds: float, words: str) -> None:
    """To an earlier look; says so, since the pictures may need a moment to follow, or may have been the same."""
    if window.session.go_back(seconds):
        window.session.notice(f"Everything as it was {words} ago", level="info", cure="Ctrl+Z takes this back")
    else:
        window.session.notice("Nothing is known from so long ago yet", level="info")


def _copy(window: MainWindow) -> None:
    window.look = window.session.copy_look(window.session.selection[0])


def _paste(window: MainWindow) -> None:
    if window.look is None:
        window.session.notice("No look was copied yet", cure="copy one with Ctrl+Shift+C")
    else:
        window.session.paste_look(window.session.selection[0], window.look)


def _stir(window: MainWindow, what: str) -> None:
    chosen = window.session.selected
    if chosen is not None and chosen[1].stage is not None:
        getattr(window.session, what)(*window.session.selection)


def _play_menu(window: MainWindow) -> None:
    add, transport, session = window.actions_.add, window.transport, window.session
    menu = "&Play"
    add(menu, "Run or stop everything", transport.toggle_all, "Space", icon="play", plain=True)
    add(menu, "Restart the selected line", lambda: session.restart(session.selection[0]), "Ctrl+Return", icon="refresh")
    add(menu, "End all notes", session.playback.panic, "Ctrl+.", icon="mute", tip="Panic: every note ends now")
    add(menu, "Tap the tempo", transport.tap_tempo, "T", icon="tap", plain=True)
    window.actions_.separator(menu)
    add(menu, "Fade to deck A", lambda: session.fade_to(0.0), "Ctrl+1", icon="deck-a")
    add(menu, "Fade to deck B", lambda: session.fade_to(1.0), "Ctrl+2", icon="deck-b")
    add(menu, "Cut to the other deck", lambda: session.fade_over(cut=True), "Ctrl+3", icon="swap",
        tip="At once, or on the beat or bar that fades wait for")
    add(menu, "Take a snapshot", window.take_snapshot, "F5", icon="snapshot")
    add(menu, "Set list: go", session.setlist.go, "Ctrl+PgDown", icon="next", tip="To the next look of the set list")
    add(menu, "Set list: back", session.setlist.back, "Ctrl+PgUp", icon="previous",
        tip="To the look before in the set list")
    window.actions_.separator(menu)
    add(menu, "Output on the second screen", window.screens.toggle, "F8", icon="projector",
        tip="The programme on the screen of the last time, else on one that the controls are not on")
    add(menu, "Test pattern on the output", window.screens.toggle_pattern, "Ctrl+F8", icon="grid")
    add(menu, "Which screen is which", window.screens.identify, "Shift+F8", icon="eye",
        tip="Shows number, name and size on every screen for a moment")
    add(menu, "Preview in a &browser …", window.screens.open_preview, icon="broadcast",
        tip="The programme on a phone or a second machine, with a token")
    add_recording(window)
    switches = (("F10", "blackout", "Blackout"), ("F11", "freeze", "Freeze"), ("F12", "safe", "Safe look"))
    for key, name, title in switches:
        add(menu, title, functools.partial(transport.toggle, name), key, icon=name)


def _view_menu(window: MainWindow) -> None:
    from studio.ui.rail import PAGES

    add = window.actions_.add
    menu = "&View"
    for key, name, title in (("F2", layouts.EXPLORE, "Layout: explore"), ("F3", layouts.PERFORM, "Layout: perform"),
                             ("F4", layouts.TRAIN, "Layout: train")):
        add(menu, title, functools.partial(window.layout_as, name), key, icon="layout")
    add(menu, "Library", functools.partial(window.toggle_dock, "library"), "F6", icon="library",
        tip="Show or hide the library")
    add(menu, "Inspector", functools.partial(window.toggle_dock, "inspector"), "F7", icon="sliders",
        tip="Show or hide the inspector")
    add(menu, "Set list", functools.partial(window.toggle_dock, "setlist"), "Ctrl+F6", icon="rows",
        tip="Show or hide the set list")
    add(menu, "Sound in", functools.partial(window.toggle_dock, "sound"), "Shift+F6", icon="microphone",
        tip="Show or hide the sound that is heard: level, bands, onsets, tempo, and what they move")
    add(menu, "Own view", window.toggle_own, "Ctrl+F7", icon="window",
        tip="Show or hide the selected generator's own view below the decks")
    window.actions_.separator(menu)
    for place, (name, title, icon, _) in enumerate(PAGES, 1):
        add(menu, f"Page: {title}", functools.partial(window.show_page, name), f"Alt+{place}", icon=icon)


def _help_menu(window: MainWindow) -> None:
    add = window.actions_.add
    menu = "&Help"
    add(menu, "Welcome", lambda: _welcome(window), "F1", icon="welcome")
    add(menu, "Shortcuts", lambda: ShortcutsDialog(window.actions_, window).open(), "?", icon="keyboard", plain=True)
    add(menu, "Commands …", lambda: _palette(window), "Ctrl+K", icon="search", tip="Find an action by its name")
    add(menu, "About Reverie", lambda: window.show_page("about"), icon="info")


def _welcome(window: MainWindow) -> None:
    """The first page with the keys on its first card: whoever asks for it by a key goes on with keys."""
    window.welcome()
    page = window.own.welcome
    card = None if page is None else page.findChild(WayCard)
    if card is not None:
        card.setFocus(Qt.FocusReason.ShortcutFocusReason)


def _palette(window: MainWindow) -> None:
    palette = Palette(window.actions_, window, ways_to_put(window.session))
    palette.move(window.mapToGlobal(window.rect().center()) - palette.rect().center())
    palette.show()
