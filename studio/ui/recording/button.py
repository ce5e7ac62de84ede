"""REC in the transport: records with one press, shows time, size, what was dropped and how long the disk lasts."""

from __future__ import annotations

import functools
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from studio.export.recording import Progress
from studio.library.settings import SETTINGS
from studio.params import Choice
from studio.session.recording import RecorderState
from studio.session.session import Session
from studio.session.takes import ENDING
from studio.ui import icons, reveal, theme
from studio.ui.control.keep import change_setting
from studio.ui.kit import clock_text, pick_folder
from studio.ui.kit.buttons import tool_button
from studio.ui.kit.menus import heading
from studio.ui.listen import listen

WHAT_WORDS = {"both": "Video and take", "video": "Video only", "take": "Take only"}
WHAT_TIPS = {
    "both": "The video with its sound, and the take to render the show again", "video": "The programme and its sound",
    "take": "Every control with its time: renders the show again at any size, and takes hardly any room",
}
LISTED = 10
"""Recordings in the menu."""


def size_text(count: int) -> str:
    """Bytes for a person."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def shown(state: RecorderState, *, compact: bool = False) -> str:
    """What stands on the button; ``compact`` where there is little room: the tooltip has the rest."""
    if state.state in ("off", "armed"):
        return "" if compact else "Rec" if state.state == "off" else "on the bar"
    if state.state == "ending":
        return "…" if compact else "ending"
    parts = [clock_text(state.seconds)]
    if state.video is not None and not compact:
        if state.low:
            parts.append("disk low" if state.video.left is None else f"{clock_text(state.video.left)} left")
        elif state.video.written:
            parts.append(size_text(state.video.written))
        if state.video.dropped:
            parts.append(f"{state.video.dropped} lost")
    return " · ".join(parts)


def figures(state: RecorderState, folder: Path) -> str:
    """The tooltip: all there is to say."""
    if state.state == "off":
        return f"Record the programme (Shift+F9) into {folder}"
    if state.state == "armed":
        return "Begins with the next bar; press to call it off (Shift+F9)"
    lines = [f"Stop recording (Shift+F9), {clock_text(state.seconds)}"]
    if state.video is not None:
        lines += _video_lines(state.video)
    if state.take is not None:
        lines.append(f"Take: {state.take.name}")
    return "\n".join(lines)


def _video_lines(video: Progress) -> list[str]:
    lines = [f"Video: {video.frames} frames, {size_text(video.written)}, {video.encoder}"]
    lines.append(f"{video.dropped} pictures lost: the encoder was too slow; choose a smaller recording size"
                 if video.dropped else "No picture lost")
    if video.free is not None:
        left = f", enough for {clock_text(video.left)}" if video.left is not None else ""
        lines.append(f"Disk: {size_text(video.free)} free{left}{' (low)' if video.low else ''}")
    return lines


class RecordButton(QToolButton):
    """See the module; ``refresh`` is called many times a second."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._look = ("", "")
        self._compact = False
        model = tool_button("record", "Record")
        self.setIconSize(model.iconSize())
        model.deleteLater()
        self.setAccessibleName("Record")
        self.setProperty("role", "danger")
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        self.setIcon(icons.icon("record", "danger", "on_accent"))
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        menu.aboutToShow.connect(lambda: self.fill(menu))
        self.setMenu(menu)
        self.clicked.connect(lambda *_: self.toggle())
        listen(self, session, "recording", lambda _: self.refresh())
        self.refresh()

    def toggle(self, what: str = "") -> None:
        """Record, or end what is recorded."""
        self._session.recorder.toggle(what)
        self.refresh()

    def set_compact(self, on: bool) -> None:
        """Whether there is little room."""
        if on != self._compact:
            self._compact = on
            self.refresh()

    def refresh(self) -> None:
        """Show how the recorder does."""
        state = self._session.recorder.state()
        running = state.state in ("recording", "ending")
        if self.isChecked() != running:
            self.setChecked(running)
        look = (state.state + str(state.low), shown(state, compact=self._compact))
        if look == self._look:
            return
        if look[0] != self._look[0]:
            role = "warning" if state.state == "armed" or state.low else "danger"
            self.setIcon(icons.icon("disk" if state.low else "timer" if state.state == "armed" else "record", role,
                                    "on_accent"))
            self.setFont(theme.font("mono" if running else "body"))
        self._look = look
        self.setText(look[1])
        beside = Qt.ToolButtonStyle.ToolButtonTextBesideIcon if look[1] else Qt.ToolButtonStyle.ToolButtonIconOnly
        self.setToolButtonStyle(beside)
        self.setEnabled(state.state != "ending")
        self.setAccessibleDescription(look[1])
        self.setToolTip(figures(state, self._session.recorder.folder))

    # --- the menu ---

    def fill(self, menu: QMenu) -> None:
        """What is recorded, how large, where to; what was recorded; rendering a take."""
        menu.clear()
        recorder, session = self._session.recorder, self._session
        busy = recorder.active
        heading(menu, "Record")
        group = QActionGroup(menu)
        for what, words in WHAT_WORDS.items():
            action = menu.addAction(words, functools.partial(self._set, "record_what", what))
            action.setToolTip(WHAT_TIPS[what])
            action.setCheckable(True)
            action.setChecked(session.settings["record_what"] == what)
            action.setEnabled(not busy)
            group.addAction(action)
        menu.addSeparator()
        for name, words, icon in (("record_size", "Size", "scale"), ("record_fps", "Frames per second", "gauge")):
            part = menu.addMenu(icons.icon(icon), f"{words}: {session.settings[name]}")
            part.setEnabled(not busy)
            self._choices(part, name)
        for name, words in (("record_on_bar", "Begin on the next bar"), ("record_anew", "Begin with new generators")):
            action = menu.addAction(words, functools.partial(self._set, name, not session.settings[name]))
            action.setToolTip(SETTINGS[name].help)
            action.setCheckable(True)
            action.setChecked(bool(session.settings[name]))
            action.setEnabled(not busy)
        menu.addSeparator()
        menu.addAction(icons.icon("folder"), "Choose the folder …", self._pick_folder).setEnabled(not busy)
        menu.addAction(icons.icon("folder-open"), "Show the folder", self._reveal)
        menu.addAction(icons.icon("film"), "Render a take …", lambda: _dialog(self._session, self.window()))
        self._listed(menu)

    def _choices(self, menu: QMenu, name: str) -> None:
        group = QActionGroup(menu)
        param = SETTINGS[name]
        assert isinstance(param, Choice)
        for value in param.choices:
            action = menu.addAction(value.replace("x", " × "), functools.partial(self._set, name, value))
            action.setCheckable(True)
            action.setChecked(self._session.settings[name] == value)
            group.addAction(action)

    def _listed(self, menu: QMenu) -> None:
        found = self._session.recorder.recordings()[:LISTED]
        heading(menu, "Recorded" if found else "Nothing recorded yet")
        for path in found:
            take = path.suffix == ENDING
            size = "" if take else f"  ·  {_size_of(path)}"
            action = menu.addAction(icons.icon("history" if take else "film"), f"{path.name}{size}",
                                    functools.partial(self._open, path))
            action.setToolTip("Render this take to a file" if take else "Open with the system's player")

    def _open(self, path: Path) -> None:
        if path.suffix == ENDING:
            _dialog(self._session, self.window(), path)
        elif not reveal.open_file(path):
            self._session.notice(f"The system has no program for {path.name}", level="warning", cure=str(path))

    def _set(self, name: str, value: object, _checked: bool = False) -> None:
        change_setting(self._session, self, name, value)
        self.refresh()

    def _pick_folder(self) -> None:
        pick_folder(self.window(), "Folder for recordings", lambda path: self._set("record_folder", str(path)),
                    folder=self._session.recorder.folder)

    def _reveal(self) -> None:
        folder = self._session.recorder.folder
        if not folder.is_dir() or not reveal.open_file(folder):
            self._session.notice(f"The recordings are in {folder}", source="Recording",
                                 cure="" if folder.is_dir() else "it is made with the first recording")


def _size_of(path: Path) -> str:
    try:
        return size_text(path.stat().st_size)
    except OSError:
        return "?"


def _dialog(session: Session, window: QWidget, path: Path | None = None) -> None:
    from studio.ui.recording.take_dialog import open_take

    open_take(session, window, path)
