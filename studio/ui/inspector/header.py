"""The top of the inspector: which stage it is, how it does, its preset, and what is done to all its values at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QByteArray, QMimeData, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication, QImage, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from studio.library.presets import Preset
from studio.params import ParamError
from studio.ui import theme
from studio.ui.background import background
from studio.ui.inspector.choice_rows import PickButton
from studio.ui.inspector.measure import font
from studio.ui.inspector.popup import Entry, PickPopup
from studio.ui.inspector.presets import edited, preset_at, presets_of, wanted
from studio.ui.inspector.tile import sign
from studio.ui.kit.buttons import button, tool_button
from studio.ui.kit.slider import Slider
from studio.ui.kit.small import Badge

if TYPE_CHECKING:
    from studio.session.line import Line, Slot
    from studio.session.session import Session

LOOK = "application/x-reverie-look"
"""Mime type of a copied look: JSON."""
MOST_LOOK = 8_000_000
"""Largest look (bytes) that is taken from the clipboard."""
STRENGTH = 0.35
BACK = 10.0
"""Seconds that the button of the rolling history goes back."""

_SIDE = 80
_STATES = {
    "running": ("running", "good"), "starting": ("starting", "dim"), "hung": ("hanging", "warning"),
    "failed": ("failed", "danger"), "paused": ("fault", "danger"), "stopped": ("stopped", "dim"),
    "finished": ("finished", "dim"), "loading": ("loading", "dim"), "absent": ("not here", "warning"),
}


def _square(jpeg: bytes) -> QImage:
    """The middle of a small picture, on whatever thread; a null image where there is none."""
    picture = QImage.fromData(jpeg) if jpeg else QImage()
    side = min(picture.width(), picture.height())
    if not side:
        return picture
    middle = picture.copy((picture.width() - side) // 2, (picture.height() - side) // 2, side, side)
    smooth = Qt.TransformationMode.SmoothTransformation
    return middle.scaled(_SIDE, _SIDE, Qt.AspectRatioMode.KeepAspectRatio, smooth)


class Title(QWidget):
    """The generator's name beside a bar in the colour of what it makes; a long one ends with dots."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text, self.kind = "", "image"
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def set(self, text: str, kind: str) -> None:
        if (text, kind) != (self.text, self.kind):
            self.text, self.kind = text, kind
            self.setAccessibleName(text)
            self.setToolTip(text)
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(theme.space(20), theme.space(7))

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.kind_color(self.kind))
        tall = theme.px(18)
        painter.drawRoundedRect(QRectF(0, (self.height() - tall) / 2, theme.px(4), tall), 2, 2)
        room = self.rect().adjusted(theme.space(3), 0, 0, 0)
        painter.setFont(font("title"))
        painter.setPen(theme.color("text"))
        text = painter.fontMetrics().elidedText(self.text, Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter), text)


class Header(QWidget):
    """See the module. ``show_slot`` gives it another stage, ``refresh`` brings it up to date."""

    said = Signal(str, str)
    """A sentence for the user, and its level."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.line: Line | None = None
        self.slot: Slot | None = None
        self.index = 0
        self.presets: list[Preset] = []
        self._pictures: dict[str, QImage] = {}
        self._wanted: dict[str, Any] = {}
        self._seen: tuple[Any, ...] = ()
        self._make_parts()
        self._lay_out()
        self.restyle()
        QGuiApplication.clipboard().dataChanged.connect(self._clipboard_changed)

    def _make_parts(self) -> None:
        self.title, self.badge, self.subtitle = Title(), Badge("", "dim"), QLabel()
        theme.set_role(self.subtitle, "dim")
        self.undo = tool_button("undo", "Undo", clicked=self.session.undo)
        self.redo = tool_button("redo", "Redo", clicked=self.session.redo)
        self.back = tool_button(
            "history", "Back to how it looked ten seconds ago", text="10 s", clicked=self.go_back,
            tip="Back to how everything looked ten seconds ago; can be undone",
        )
        self.preset = PickButton()
        self.preset.asked_list.connect(self.open_presets)
        self.preset.stepped.connect(self.step_preset)
        self.preset.reset_wanted.connect(self.reset_all)
        self.preset.setToolTip("Presets of this generator; arrow keys left and right go through them")
        self.copy = tool_button("copy", "Copy the look of this deck or player", clicked=self.copy_look)
        self.paste = tool_button("paste", "Paste a look", clicked=self.paste_look)
        self.reset = tool_button(
            "reset", "Reset all", tip="Every value that is not locked back to its default", clicked=self.reset_all
        )
        self.bypass = tool_button("bypass", "Bypass", clicked=self.toggle_bypass, checkable=True)
        self.randomise = button(
            "Randomise", "dice", clicked=self.do_randomise, role="ghost",
            tip="Move every value that is not locked towards a random one, as far as the slider says",
        )
        self.mutate = button(
            "Mutate", "shuffle", clicked=self.do_mutate, role="ghost",
            tip="Small random steps away from here, as large as the slider says; locked values stay",
        )
        for part in (self.randomise, self.mutate):
            part.setAccessibleName(part.text())
        self.strength = Slider(norm=STRENGTH)
        self.strength.setAccessibleName("Strength of randomise and mutate")
        self.strength.moved.connect(self._show_strength)
        self.strength.reset.connect(self._reset_strength)
        self._show_strength()

    def _lay_out(self) -> None:
        outer = QVBoxLayout(self)
        outer.setContentsMargins(theme.space(3), theme.space(2), theme.space(2), theme.space(1))
        outer.setSpacing(theme.px(2))
        lines: tuple[tuple[QWidget, ...], ...] = (
            (self.title, self.undo, self.redo, self.back), (self.subtitle, self.badge),
            (self.preset, self.copy, self.paste, self.reset, self.bypass),
            (self.randomise, self.strength, self.mutate),
        )
        for parts in lines:
            row = QHBoxLayout()
            row.setSpacing(theme.px(2))
            for part in parts:
                row.addWidget(part, 1 if part in (self.title, self.subtitle, self.preset, self.strength) else 0)
            outer.addLayout(row)
        outer.insertSpacing(2, theme.px(4))
        self.subtitle.setContentsMargins(theme.space(3), 0, 0, 0)
        self.subtitle.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def restyle(self) -> None:
        """Take the sizes of the present theme and scale."""
        self.subtitle.setFont(theme.font("small"))
        side, small = theme.px(18), theme.px(16)
        for tool in (self.undo, self.redo, self.back, self.copy, self.paste, self.reset, self.bypass):
            tool.setIconSize(QSize(side, side))
        for wide in (self.randomise, self.mutate):
            wide.setIconSize(QSize(small, small))
        self._seen = ()

    # --- showing

    def show_slot(self, line: Line, index: int, slot: Slot) -> None:
        """Show another stage."""
        new = slot is not self.slot
        self.line, self.index, self.slot = line, index, slot
        self._seen = ()
        if new:
            self.presets, self._wanted = [], {}
            self.reload_presets()
        self.refresh()

    def reload_presets(self) -> None:
        """Look again which presets there are."""
        slot = self.slot
        if slot is None:
            return
        generator, folder = slot.generator, slot.plugin.folder if slot.plugin is not None else None

        def work() -> list[tuple[Preset, QImage]]:
            return [(shown.preset, _square(shown.jpeg)) for shown in presets_of(generator, folder)]

        def take(found: list[tuple[Preset, QImage]]) -> None:
            if self.slot is slot:
                self.presets = [preset for preset, _ in found]
                self._pictures = {preset.slug: picture for preset, picture in found}
                self._seen = ()
                self.refresh()

        background(self.session, work, take, owner=self)

    def refresh(self) -> None:
        """Bring state, preset and history up to date; costs next to nothing when nothing changed."""
        line, slot = self.line, self.slot
        if line is None or slot is None:
            return
        history = self.session.history
        revision = slot.stage.values.revision if slot.stage is not None else -1
        seen = (
            line.state, slot.state, slot.bypass, slot.preset, revision, self.index, len(line.slots),
            history.undo_label, history.redo_label, history.can_undo, history.can_redo,
        )
        if seen == self._seen:
            return
        self._seen = seen
        self._show_identity(line, slot)
        self._show_history()
        self._show_preset(slot)
        ready = slot.stage is not None
        for part in (self.preset, self.reset, self.randomise, self.mutate, self.strength):
            part.setEnabled(ready)
        self._show_bypass(slot)
        self._clipboard_changed()

    def _show_identity(self, line: Line, slot: Slot) -> None:
        kind = slot.stage.generator.makes if slot.stage is not None else line.makes
        self.title.set(slot.title, kind)
        self.strength.set_accent(theme.kind_color(kind))
        place = "source" if self.index == 0 else f"effect {self.index} of {len(line.slots) - 1}"
        self.subtitle.setText(f"{line.title} · {place}")
        state = line.state if slot.stage is not None else "absent" if slot.state == "absent" else "loading"
        state = "failed" if slot.state == "failed" else state
        words, role = ("bypassed", "warning") if slot.bypass else _STATES.get(state, (state, "dim"))
        self.badge.set(words, role)
        self.badge.setToolTip(line.why())

    def _show_history(self) -> None:
        history = self.session.history
        for part, can, label, word, keys in (
            (self.undo, history.can_undo, history.undo_label, "Undo", "Ctrl+Z"),
            (self.redo, history.can_redo, history.redo_label, "Redo", "Ctrl+Shift+Z"),
        ):
            part.setEnabled(can)
            part.setToolTip(f"{word}: {label} ({keys})" if can else f"There is nothing to {word.lower()}")

    def _show_bypass(self, slot: Slot) -> None:
        takes = slot.stage.generator.takes if slot.stage is not None else None
        self.bypass.setChecked(slot.bypass)
        self.bypass.setEnabled(takes is not None or slot.bypass)
        self.bypass.setToolTip(
            "Bypassed: the picture goes by unchanged. Click to use it again" if slot.bypass
            else "Bypass: hand on what comes in, unchanged" if takes is not None
            else "A source cannot be bypassed: nothing comes before it"
        )

    def _show_preset(self, slot: Slot) -> None:
        preset = self._current(slot)
        if preset is None or slot.stage is None:
            self.preset.set_text("No preset" if not slot.preset else slot.preset)
            self.preset.setAccessibleName(f"Preset: {self.preset.text()}")
            return
        if self._wanted.get("", None) != preset.slug:
            self._wanted = {"": preset.slug, "values": wanted(preset, slot.stage.values, slot.stage.generator)}
        changed = edited(self._wanted["values"], slot.stage.values)
        self.preset.set_text(f"{preset.name}{' · edited' if changed else ''}")
        self.preset.setAccessibleName(f"Preset: {self.preset.text()}")

    def _current(self, slot: Slot) -> Preset | None:
        return next((preset for preset in self.presets if preset.slug == slot.preset), None)

    def _show_strength(self, *_: object) -> None:
        percent = round(self.strength.norm() * 100)
        self.strength.setToolTip(f"Strength of randomise and mutate: {percent} % (0 to 100 %)")

    def _reset_strength(self) -> None:
        self.strength.set_norm(STRENGTH)
        self._show_strength()

    # --- doing

    def _do(self, work: Any) -> None:
        try:
            work()
        except ParamError as error:
            self.said.emit(str(error), "warning")
        self._seen = ()
        self.refresh()

    @property
    def _place(self) -> tuple[str, int]:
        assert self.line is not None
        return self.line.name, self.index

    def do_randomise(self) -> None:
        """New values for all that is not locked."""
        self._do(lambda: self.session.randomise(*self._place, self.strength.norm()))

    def do_mutate(self) -> None:
        """Small steps for all that is not locked."""
        self._do(lambda: self.session.mutate(*self._place, self.strength.norm()))

    def reset_all(self) -> None:
        """Defaults for all that is not locked."""
        self._do(lambda: self.session.reset_all(*self._place))

    def toggle_bypass(self) -> None:
        """Let the picture go by, or use the effect again."""
        if self.slot is not None:
            on = not self.slot.bypass
            self._do(lambda: self.session.set_bypass(*self._place, on))

    def go_back(self) -> None:
        """To the look of ten seconds ago."""
        if not self.session.go_back(BACK):
            self.said.emit("Nothing is known from ten seconds ago yet", "info")

    # --- presets

    def open_presets(self, typed: str = "") -> None:
        """Drop the list of presets down."""
        slot = self.slot
        if slot is None:
            return
        entries = [
            Entry(preset.slug, preset.name, preset.about or ", ".join(preset.tags), self._picture(preset))
            for preset in self.presets
        ]
        empty = "There are no presets for this generator"
        popup = PickPopup(entries, slot.preset, title="Presets", tall=True, empty=empty, parent=self)
        popup.chosen.connect(self.use_preset)
        popup.open_below(self.preset)
        if typed:
            popup.search.setText(typed)

    def _picture(self, preset: Preset) -> QPixmap:
        picture = self._pictures.get(preset.slug)
        return sign(preset.name, "preset") if picture is None or picture.isNull() else QPixmap.fromImage(picture)

    def use_preset(self, slug: str) -> None:
        """Put the values of a preset in."""
        preset = next((preset for preset in self.presets if preset.slug == slug), None)
        if preset is not None:
            self.apply(preset)

    def apply(self, preset: Preset) -> None:
        """Put the values of a preset in."""
        self._do(lambda: self.session.apply_preset(*self._place, preset))

    def step_preset(self, by: int) -> None:
        """The next or previous preset of the list."""
        if not self.presets or self.slot is None:
            return
        slugs = [preset.slug for preset in self.presets]
        place = slugs.index(self.slot.preset) + by if self.slot.preset in slugs else 0
        self.apply(self.presets[place % len(slugs)])

    def use_preset_file(self, path: str) -> None:
        """Put the values of a preset file in."""
        file = Path(path)
        background(
            self.session, lambda: preset_at(file), self.apply, lambda text: self.said.emit(text, "danger"), owner=self
        )

    # --- looks

    def copy_look(self) -> None:
        """Put the look of the whole line on the clipboard."""
        text = json.dumps(self.session.copy_look(self._place[0]))
        data = QMimeData()
        data.setData(LOOK, QByteArray(text.encode()))
        data.setText(text)
        QGuiApplication.clipboard().setMimeData(data)
        self.said.emit(f"The look of {self.line.title if self.line else ''} is on the clipboard", "info")

    def paste_look(self) -> None:
        """Take the look from the clipboard."""
        data = QGuiApplication.clipboard().mimeData()
        try:
            raw = bytes(data.data(LOOK).data())
            look = json.loads(raw) if len(raw) <= MOST_LOOK else None
            if not isinstance(look, dict) or not isinstance(look.get("slots"), list):
                raise ValueError("no look")
        except ValueError:
            self.said.emit("There is no look on the clipboard; copy one first", "warning")
            return
        self.session.paste_look(self._place[0], look)

    def _clipboard_changed(self) -> None:
        data = QGuiApplication.clipboard().mimeData()
        there = data is not None and data.hasFormat(LOOK)
        self.paste.setEnabled(there)
        self.paste.setToolTip(
            "Make this deck or player look like the copied one" if there
            else "No look is on the clipboard; copy one first"
        )


