"""The plugins page: states, switch, check, new, install; with real plugin files."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QDialog, QLineEdit

from studio.plugins import discover, user_plugins
from studio.plugins.trust import read_trust
from studio.ui import reveal
from studio.ui.pages import PluginsPage
from tests.ui.pages.conftest import press

LEFT = Qt.MouseButton.LeftButton
BROKEN = '''
from studio.api import Generator


class Broken(Generator):
    id, version, makes = "me.broken", 1, "image"

    def step(self, ctx)
        return None
'''


@pytest.fixture(autouse=True)
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """What would have been opened in the file manager."""
    found: list[Path] = []
    monkeypatch.setattr(reveal, "open_file", lambda path: found.append(path))
    monkeypatch.setattr(reveal, "show_in_folder", lambda path: found.append(path))
    return found


def row_of(page: PluginsPage, name: str):  # type: ignore[no-untyped-def]
    return next(row for row in page.rows if name in (row.plugin.id, row.plugin.name))


def test_built_in_plugins_are_listed_and_switched(show, wheels, qtbot) -> None:  # type: ignore[no-untyped-def]
    page = show(PluginsPage)
    row = row_of(page, "reverie.sample_scene")
    qtbot.mouseClick(row.title, LEFT)
    assert page.detail.title.text() == "Sample scene" and dict(page.detail.facts.rows())["Makes"] == "image"
    row.switch.setFocus()
    qtbot.keyClick(row.switch, Qt.Key.Key_Space)
    assert read_trust().disabled == {"reverie.sample_scene"}
    assert row_of(page, "reverie.sample_scene").badge.text() == "off"
    qtbot.mouseClick(row_of(page, "reverie.sample_scene").switch, LEFT)
    assert read_trust().disabled == set()
    qtbot.keyClicks(page.search, "dream")
    qtbot.waitUntil(lambda: not row_of(page, "reverie.sample_scene").isVisible())
    assert row_of(page, "reverie.deep_dream").isVisible()


def test_every_kind_of_plugin_is_put_where_it_belongs(show, wheels, qtbot) -> None:  # type: ignore[no-untyped-def]
    page = show(PluginsPage)
    decks, players = wheels.session.decks, wheels.session.players

    def press_place(plugin: str, place: str, text: str) -> None:
        page.choose(row_of(page, plugin).plugin)
        button = page.detail.places[place]
        assert button.isVisible() and button.isEnabled() and button.text() == text
        with qtbot.waitSignal(page.show_page) as shown:
            qtbot.mouseClick(button, LEFT)
        assert shown.args == ["stage"]

    press_place("reverie.sample_scene", "B", "Put on deck B")
    assert [slot.generator for slot in decks["B"].slots] == ["reverie.sample_scene"] and not decks["A"].slots
    press_place("reverie.style_camera", "B", "Effect on deck B")
    assert [slot.generator for slot in decks["B"].slots] == ["reverie.sample_scene", "reverie.style_camera"]
    press_place("reverie.midi_sequencer", "", "As a player")
    assert [slot.generator for slot in players["1"].slots] == ["reverie.midi_sequencer"]
    row = row_of(page, "reverie.deep_dream")
    page.choose(row.plugin)
    row.switch.click()
    assert not page.detail.places["A"].isEnabled() and "Switch it on" in page.detail.places["A"].toolTip()
    row_of(page, "reverie.deep_dream").switch.click()
    assert page.detail.places["A"].isEnabled()
    for line in list(wheels.session.lines()):
        wheels.session.clear_line(line.name)


def test_every_plugin_can_be_disabled_and_the_rest_found_again(show, qtbot) -> None:  # type: ignore[no-untyped-def]
    page = show(PluginsPage)
    for plugin in list(page.session.registry):
        page.switch(plugin, False)
    assert {plugin.state for plugin in discover()} == {"found"}
    for plugin in list(page.session.registry):
        page.switch(plugin, True)
    assert {plugin.state for plugin in discover()} == {"enabled"}


def test_a_broken_file_is_a_row_with_its_reason_and_mending_it_helps(show, wheels, qtbot) -> None:  # type: ignore[no-untyped-def]
    place = user_plugins() / "broken.py"
    place.parent.mkdir(parents=True)
    place.write_text(BROKEN)
    wheels.session.registry.add(next(p for p in discover() if p.name == "broken"))
    page = show(PluginsPage)
    assert page.current is not None and page.current.name == "broken", "what failed is shown first"
    assert "broken.py, line 8" in page.detail.reason.text() and row_of(page, "broken").badge.text() == "failed"
    assert not row_of(page, "broken").switch.isEnabled()
    place.write_text(BROKEN.replace("(self, ctx)", "(self, ctx):"))
    qtbot.mouseClick(page.detail.reload, LEFT)
    qtbot.waitUntil(lambda: row_of(page, "broken").badge.text() in ("ready", "loaded"), timeout=30_000)
    assert not page.detail.reason.isVisible()


def test_a_new_plugin_is_written_used_and_checked(show, wheels, qtbot, opened: list[Path]) -> None:  # type: ignore[no-untyped-def]
    page = show(PluginsPage)
    qtbot.mouseClick(page.new, LEFT)
    qtbot.waitUntil(lambda: any(d.isVisible() for d in page.findChildren(QDialog)))
    field = next(d for d in page.findChildren(QDialog) if d.isVisible()).findChild(QLineEdit)
    qtbot.keyClicks(field, "Soft Light")  # as a person writes it; the folder gets a plain name
    press(page, "Write it", qtbot)
    qtbot.waitUntil(lambda: page.current is not None and page.current.id == "my.soft_light", timeout=20_000)
    assert opened == [user_plugins() / "soft_light"]
    qtbot.mouseClick(page.detail.check, LEFT)
    assert wheels.session.jobs.jobs[0].title == "Check Soft light"
    qtbot.waitUntil(lambda: page.detail.result.text() == "Nothing to find fault with.", timeout=120_000)


def test_findings_are_shown(show, qtbot) -> None:  # type: ignore[no-untyped-def]
    from studio.plugins import Finding

    page = show(PluginsPage)
    plugin = page.session.registry.get("sample_scene")
    page.choose(plugin)
    found = [Finding("fault", "a.py, line 3", "it opens a socket"), Finding("advice", "speed", "no help")]
    page._checked(plugin, found)
    assert page.detail.result.text() == "1 to mend, 1 to consider" and page.detail.found.count() == 2


def test_a_zip_that_is_dropped_is_installed(show, wheels, qtbot, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    from studio.plugins import create_plugin

    files = create_plugin("mist", tmp_path / "made")
    archive = tmp_path / "mist.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for file in files:
            packed.write(file, file.relative_to(tmp_path / "made"))
    page = show(PluginsPage)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(archive))])
    copy, none = Qt.DropAction.CopyAction, Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(page, QDragEnterEvent(QPoint(5, 5), copy, data, LEFT, none))
    QApplication.sendEvent(page, QDropEvent(QPointF(5, 5), copy, data, LEFT, none))
    qtbot.waitUntil(lambda: page.current is not None and page.current.id == "my.mist", timeout=20_000)
    page.install(archive)
    qtbot.waitUntil(lambda: any("already there" in notice.text for notice in wheels.session.notices))
