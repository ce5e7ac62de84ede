"""One plugin in full: its state and the reason, its manifest, what a check found."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QStackedWidget, QVBoxLayout, QWidget

from studio.plugins import Finding, Plugin
from studio.ui import reveal, theme
from studio.ui.kit import Badge, EmptyState, Section, button
from studio.ui.pages.parts import Facts, clear, label, rule, scrolled

STATES = {
    "found": ("off", "dim"), "enabled": ("ready", "dim"), "loaded": ("loaded", "accent"),
    "running": ("running", "good"), "failed": ("failed", "danger"),
}
ORIGINS = {"built-in": "came with the studio", "folder": "your own", "installed": "an installed package"}

PLACES = (("A", "Deck A", "deck-a", "primary"), ("B", "Deck B", "deck-b", ""), ("", "As a player", "play", "primary"))
WHY_NOT = {"failed": "It does not work, see below", "found": "Switch it on first, at the left"}


class PluginDetail(QWidget):
    """One plugin in full; ``reload`` and ``check`` are called with it, ``put`` with it and the deck's name ('' for a
    player). ``findings`` by plugin name."""

    def __init__(
        self, reload: Callable[[Plugin], object], check: Callable[[Plugin], object],
        put: Callable[[Plugin, str], object],
    ) -> None:
        super().__init__()
        self.findings: dict[str, list[Finding]] = {}
        self._plugin: Plugin | None = None
        self.title = label("", "title", wrap=True, select=True)
        self.about = label("", "dim", wrap=True)
        self.reason = label("", "danger", wrap=True, select=True)
        self.trace = QPlainTextEdit()
        self.trace.setReadOnly(True)
        self.trace.setProperty("role", "mono")
        self.trace.setAccessibleName("Where it failed")
        self.trace.setMinimumHeight(theme.px(150))
        self.trace.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.more = Section("Where it failed", is_open=True)
        self.more.add(self.trace)
        self.reload = button("Reload", "refresh", tip="Read its files anew; what runs keeps its values",
                             clicked=lambda: self._with(reload))
        self.check = button("Check", "ok", tip="Try it out in a process of its own and say what could be better",
                            clicked=lambda: self._with(check))
        self.folder = button("Open folder", "folder", clicked=lambda: self._with(_show))
        self.places = {
            name: button(text, icon, role=role, clicked=partial(self._put, put, name))
            for name, text, icon, role in PLACES
        }
        self.facts = Facts()
        self.result = label("", "strong", wrap=True)
        self.found = QVBoxLayout()
        self.found.setSpacing(theme.space(1.5))
        buttons = QHBoxLayout()
        buttons.setSpacing(theme.space(2))
        for press in (self.reload, self.check, self.folder):
            buttons.addWidget(press)
        buttons.addStretch(1)
        use = QHBoxLayout()
        use.setSpacing(theme.space(2))
        for place in self.places.values():
            use.addWidget(place)
        use.addStretch(1)
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, theme.space(3), 0)
        column.setSpacing(theme.space(2.5))
        for text in (self.title, self.about, self.reason):
            column.addWidget(text)
        column.addLayout(use)
        column.addLayout(buttons)
        for part in (self.more, rule(), self.facts, rule(), self.result):
            column.addWidget(part)
        column.addLayout(self.found)
        column.addStretch(1)
        self.stack = QStackedWidget()
        self.stack.addWidget(EmptyState("puzzle", "No plugin chosen", "Choose one at the left."))
        self.stack.addWidget(scrolled(inner))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.stack)

    def _with(self, do: Callable[[Plugin], object]) -> None:
        if self._plugin is not None:
            do(self._plugin)

    def _show_places(self, plugin: Plugin) -> None:
        """Where it can go: an effect behind what is in a deck, a source in its place, notes and text in a player."""
        manifest = plugin.manifest
        picture, effect = bool(manifest and manifest.makes == "image"), bool(manifest and manifest.takes)
        why = WHY_NOT.get(plugin.state, "")
        tip = "Behind what is there, as the last effect" if effect else "In place of what is there, until you undo it"
        for name, press in self.places.items():
            press.setVisible(manifest is not None and bool(name) == picture)
            press.setEnabled(not why)
            if name:
                press.setText(f"Effect on deck {name}" if effect else f"Put on deck {name}")
            press.setToolTip(why or (tip if name else "Into a player that is free, else a new one"))

    def _put(self, put: Callable[[Plugin, str], object], place: str) -> None:
        if self._plugin is not None:
            put(self._plugin, place)

    def checking(self, on: bool) -> None:
        """A check runs."""
        self.check.setEnabled(not on)
        if on:
            self.result.setText("It is being tried: a few steps, twice, at the ends of every parameter…")
            theme.set_role(self.result, "dim")
            clear(self.found)

    def show_plugin(self, plugin: Plugin, *, again: bool = False) -> None:
        """Show a plugin."""
        if plugin is not self._plugin or again:
            self._plugin = plugin
            self.check.setEnabled(True)
            self._show_findings(self.findings.get(plugin.name))
        self.stack.setCurrentIndex(1)
        self._show_places(plugin)
        self.title.setText(plugin.title)
        manifest = plugin.manifest
        self.about.setText(manifest.about if manifest else "")
        self.about.setVisible(bool(manifest and manifest.about))
        self.reason.setText(plugin.reason)
        self.reason.setVisible(bool(plugin.reason))
        theme.set_role(self.reason, "danger" if plugin.state == "failed" else "warning")
        text = _trace(plugin)
        self.more.setVisible(bool(text))
        if text != self.trace.toPlainText():
            self.trace.setPlainText(text)
        word, _ = STATES.get(plugin.state, (plugin.state, ""))
        rows = [("State", word), ("From", ORIGINS[plugin.origin])]
        if manifest is not None:
            takes = f", takes {manifest.takes}" if manifest.takes else ""
            rows += [("Id", plugin.id), ("Version", str(manifest.version)), ("Makes", f"{manifest.makes}{takes}"),
                     ("Requires", ", ".join(manifest.requires)),
                     ("Models", ", ".join(weights.name for weights in manifest.weights))]
        rows += [("Looks", str(len(plugin.presets)) if plugin.presets else ""), ("Place", str(plugin.place))]
        self.facts.set((name, text) for name, text in rows if text)

    def _show_findings(self, found: list[Finding] | None) -> None:
        clear(self.found)
        if found is None:
            self.result.setText("")
            return
        faults = sum(finding.level == "fault" for finding in found)
        if not found:
            self.result.setText("Nothing to find fault with.")
        else:
            self.result.setText(f"{faults} to mend, {len(found) - faults} to consider" if faults else
                                f"It works; {len(found)} to consider")
        theme.set_role(self.result, "danger" if faults else "good")
        for finding in found:
            row = QHBoxLayout()
            row.setSpacing(theme.space(2))
            badge = Badge(finding.level, "danger" if finding.level == "fault" else "warning")
            row.addWidget(badge, alignment=Qt.AlignmentFlag.AlignTop)
            row.addWidget(label(f"{finding.where}: {finding.message}", wrap=True, select=True), 1)
            self.found.addLayout(row)


def _show(plugin: Plugin) -> None:
    reveal.show_in_folder(plugin.place)


def _trace(plugin: Plugin) -> str:
    """The traceback of a failed import, '' where there is none."""
    error = plugin.error if plugin.state == "failed" else None
    return "".join(traceback.format_exception(error)).strip() if error is not None else ""
