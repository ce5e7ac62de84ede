"""Preferences, log and about."""

from __future__ import annotations

import json
import logging
import threading

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QComboBox, QLabel

from studio.devices.listing import Kind
from studio.library.settings import SETTINGS, load_settings, settings_path
from studio.ui import theme
from studio.ui.pages import AboutPage, LogPage, PreferencesPage
from studio.ui.pages.about import dependencies, diagnostics, read_notice
from studio.ui.pages.log import log_file, parse

LEFT = Qt.MouseButton.LeftButton


def stored() -> dict[str, object]:
    path = settings_path()
    return json.loads(path.read_text())["values"] if path.exists() else {}


def test_every_setting_has_a_widget_that_is_kept_and_used(show, wheels, qtbot) -> None:  # type: ignore[no-untyped-def]
    page = show(PreferencesPage)
    assert set(page.widgets) == set(SETTINGS)
    assert all(w.accessibleName() and w.toolTip() for w in page.widgets.values())
    # plugins are found, and contained or not, when the studio starts
    assert {n for n, w in page.widgets.items() if "next start" in w.toolTip()} == {"contain_plugins", "safe_mode"}
    line = page.widgets["fps"].lineEdit()
    line.selectAll()
    qtbot.keyClicks(line, "48")
    qtbot.keyClick(line, Qt.Key.Key_Tab)
    assert wheels.session.decks["A"].worker.fps == 48.0, "used at once"
    qtbot.waitUntil(lambda: stored().get("fps") == 48, timeout=10_000)
    qtbot.mouseClick(page.widgets["safe_mode"], LEFT)
    qtbot.waitUntil(lambda: stored().get("safe_mode") is True, timeout=10_000)
    values, report = load_settings()
    assert values["fps"] == 48 and values["safe_mode"] is True and report == []
    assert not list(settings_path().parent.glob("*.part*"))


def test_the_theme_and_the_scale_change_at_once(show, wheels, qtbot, qapp: QApplication) -> None:  # type: ignore[no-untyped-def]
    page = show(PreferencesPage)
    combo = page.widgets["theme"]
    assert isinstance(combo, QComboBox)
    try:
        combo.setFocus()
        qtbot.keyClick(combo, Qt.Key.Key_Down)
        combo.activated.emit(combo.currentIndex())
        assert theme.current() == "contrast" and wheels.session.settings["theme"] == "contrast"
        page.change("scale", 1.5)
        assert theme.scale() == 1.5
    finally:
        theme.apply(qapp, "dark")


def test_what_is_missing_is_shown_with_reason_and_cure(show, wheels, qtbot) -> None:  # type: ignore[no-untyped-def]
    page = show(PreferencesPage)
    qtbot.waitUntil(lambda: bool(page.kinds), timeout=60_000)
    page._found([
        Kind("cameras", reason="no camera is connected", cure="plug one in"),
        Kind("audio", [("0: Kopfhörer", "0 in, 2 out, 48000 Hz"), ("1: Mikrofon", "2 in, 0 out, 44100 Hz")]),
        Kind("compute", [("cpu", "2 cores"), ("cuda:0", "a card")]),
    ])
    words = " ".join(part.text() for part in page.findChildren(QLabel))
    assert "No camera is connected" in words and "What helps: plug one in" in words
    device, sound = page.widgets["device"], page.widgets["sound_output"]
    assert [device.itemData(i) for i in range(device.count())] == ["auto", "cpu", "cuda:0"]
    assert [sound.itemData(i) for i in range(sound.count())] == ["", "Kopfhörer"], "only what can play"
    page.change("device", "cuda:7")
    qtbot.waitUntil(lambda: any("cuda" in notice.text for notice in wheels.session.notices), timeout=60_000)


def test_a_camera_is_put_into_the_deck(show, wheels, qtbot) -> None:  # type: ignore[no-untyped-def]
    page = show(PreferencesPage)
    with qtbot.waitSignal(page.show_page):
        page._camera("camera:0")
    assert wheels.session.decks["A"].input == "camera:0"


# --- the log ---


def test_the_log_shows_what_was_and_what_comes(show, qtbot) -> None:  # type: ignore[no-untyped-def]
    log_file().parent.mkdir(parents=True)
    log_file().write_text(
        "2026-01-01 10:00:00,123 INFO reverie.engine: a deck began\n"
        "2026-01-01 10:00:01,123 ERROR reverie.plugins: it failed\nTraceback (most recent call last):\n  here\n"
    )
    page = show(LogPage)
    qtbot.waitUntil(lambda: len(page.model.shown) >= 2)
    assert page.model.entries[1].text.endswith("  here") and page.model.entries[1].level == logging.ERROR

    def write() -> None:
        logging.getLogger("reverie.test").warning("Übergang %d", 7, stacklevel=1)

    other = threading.Thread(target=write)
    other.start()
    other.join()
    qtbot.waitUntil(lambda: any(entry.text == "Übergang 7" for entry in page.model.shown))
    page.level.setCurrentText("Errors")
    assert {entry.level for entry in page.model.shown} == {logging.ERROR}
    page.level.setCurrentText("Everything")
    qtbot.keyClicks(page.search, "bergang")
    qtbot.waitUntil(lambda: [entry.text for entry in page.model.shown] == ["Übergang 7"])
    page.view.setFocus()
    page.view.setCurrentIndex(page.model.index(0))
    assert "reverie.test: Übergang 7" in page.text.toPlainText()
    qtbot.keyClick(page.view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text().endswith("WARNING reverie.test: Übergang 7")


def test_ten_thousand_entries_do_not_grow_for_ever(show, qtbot) -> None:  # type: ignore[no-untyped-def]
    page = show(LogPage)
    for number in range(10_000):
        page.tail.emit(logging.LogRecord("reverie.x", logging.INFO, "", 0, "entry %d", (number,), None))
    qtbot.waitUntil(lambda: len(page.model.entries) == 5000)
    assert page.model.entries[-1].text == "entry 9999" and page.model.rowCount() == 5000


def test_the_page_leaves_no_handler_behind(wheels, qtbot) -> None:  # type: ignore[no-untyped-def]
    before = list(logging.getLogger().handlers)
    page = LogPage(wheels.session)
    assert len(logging.getLogger().handlers) == len(before) + 1
    page.deleteLater()
    qtbot.waitUntil(lambda: logging.getLogger().handlers == before)


def test_lines_before_the_first_entry_are_left_out() -> None:
    assert parse("half a line\n  more\n") == []


# --- about ---


def test_about_names_versions_licences_and_data(show, wheels, qtbot) -> None:  # type: ignore[no-untyped-def]
    page = show(AboutPage)
    qtbot.waitUntil(lambda: page.notice.toPlainText() != "", timeout=20_000)
    inside = dict(page.inside.rows())
    assert any(name.startswith("PySide6-Essentials") and "LGPL" in text for name, text in inside.items())
    assert any(name.lower().startswith("av ") and "GPL" in text for name, text in inside.items())
    assert "CC BY photographs" in dict(page.credits.rows())["Flowers, 64 pixels"]
    assert "Apache License" in page.licence.toPlainText() and "x264" in page.notice.toPlainText()
    qtbot.mouseClick(page.copy, LEFT)
    text = QGuiApplication.clipboard().text()
    assert "Reverie Studio" in text and "torch" in text and "Deck A: empty" in text
    qtbot.waitUntil(lambda: any("copied" in notice.text for notice in wheels.session.notices))


def test_the_parts_of_about() -> None:
    assert len(dependencies()) > 12 and all(text for _, text in dependencies())
    assert "missing" in read_notice("NO-SUCH-FILE")


def test_diagnostics_name_failed_plugins(wheels) -> None:  # type: ignore[no-untyped-def]
    wheels.session.registry.plugins[0].fail("a reason")
    assert "failed a reason" in diagnostics(wheels.session)


def test_preferences_show_what_another_page_changed(show, wheels, qtbot) -> None:  # type: ignore[no-untyped-def]
    from studio.ui.control.keep import change_setting
    from studio.ui.pages import PreferencesPage

    page = show(PreferencesPage)
    change_setting(wheels.session, page, "osc_port", 9777)
    change_setting(wheels.session, page, "osc_send", "127.0.0.1:9000")
    change_setting(wheels.session, page, "midi_clock", True)
    qtbot.waitUntil(lambda: page.widgets["osc_port"].value() == 9777, timeout=20_000)
    assert page.widgets["osc_send"].text() == "127.0.0.1:9000" and page.widgets["midi_clock"].isChecked()
