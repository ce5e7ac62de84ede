"""The look: every text is legible on every ground, one call dresses the application, nothing is missing."""

from __future__ import annotations

import re
import socket
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontInfo, QFontMetricsF, QIcon, QImage
from PySide6.QtWidgets import QApplication, QCheckBox, QLabel, QProgressBar, QPushButton, QSlider
from pytestqt.qtbot import QtBot

from studio.ui import icons, theme
from studio.ui.theme import fonts, images, tokens

LEAST = {"dark": 4.5, "contrast": 7.0}


def pairs() -> list[tuple[str, str, str]]:
    every = [(name, text, ground) for name in tokens.NAMES for text in tokens.TEXT_ROLES for ground in tokens.GROUNDS]
    every += [(name, "on_accent", ground) for name in tokens.NAMES for ground in tokens.BRIGHT]
    # the only coloured texts that are ever put on the ground of failures
    return every + [(name, text, "danger_soft") for name in tokens.NAMES for text in ("text", "danger")]


def needed(name: str, text: str, ground: str) -> float:
    # a red that still says danger is not 7:1 on a red ground or a violet one
    soft = ground in ("accent_soft", "danger_soft")
    return 4.5 if soft else LEAST[name]


@pytest.mark.parametrize(("name", "text", "ground"), pairs())
def test_text_is_legible(name: str, text: str, ground: str) -> None:
    colors = tokens.load(name).colors
    assert tokens.contrast(colors[text], colors[ground]) >= needed(name, text, ground)


@pytest.mark.parametrize("name", tokens.NAMES)
def test_disabled_text_can_still_be_made_out(name: str) -> None:
    colors = tokens.load(name).colors
    for ground in ("window", "panel", "field", "raised"):
        assert tokens.contrast(colors["disabled"], colors[ground]) >= 3.0


def test_contrast_variant_has_borders_that_are_seen() -> None:
    colors = tokens.load("contrast").colors
    for ground in ("window", "panel", "field", "raised"):
        assert tokens.contrast(colors["line"], colors[ground]) >= 3.0
        assert tokens.contrast(colors["accent"], colors[ground]) >= 3.0


def test_contrast_ratio_is_the_one_of_wcag() -> None:
    assert tokens.contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert tokens.contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=0.001)


def test_the_picture_is_the_brightest_thing() -> None:
    colors = tokens.load("dark").colors
    for ground in tokens.GROUNDS:
        assert tokens.luminance(colors[ground]) < 0.03
    assert tokens.luminance(colors["text"]) < 0.8  # white text would outshine it


def test_a_kind_of_media_has_a_colour_of_its_own() -> None:
    found = {theme.kind_color(kind).name() for kind in ("image", "notes", "text", "audio")}
    assert len(found) == 4
    assert theme.kind_color("something else") == theme.color("accent")


def test_colour_is_a_copy_and_unknown_roles_are_refused() -> None:
    theme.color("text").setAlpha(0)
    assert theme.color("text").alpha() == 255
    with pytest.raises(KeyError):
        theme.color("no such role")


def test_unknown_theme_is_a_sentence() -> None:
    with pytest.raises(ValueError, match="there is no theme 'pink'; there are: dark, contrast"):
        tokens.load("pink")


def test_broken_theme_names_file_role_and_cure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = (tokens.folder() / "dark.toml").read_text(encoding="utf-8")
    (tmp_path / "dark.toml").write_text(re.sub(r'faint = "#\w+"', 'faint = "grey"', text), encoding="utf-8")
    monkeypatch.setattr(tokens, "folder", lambda: tmp_path)
    with pytest.raises(ValueError, match=r"dark\.toml: colors\.faint is 'grey'; write it as \"#rrggbb\""):
        tokens.load("dark")


@pytest.mark.parametrize("name", tokens.NAMES)
def test_style_sheet_is_complete_and_its_pictures_are_there(name: str) -> None:
    sheet = theme.style_sheet(name)
    assert "$" not in sheet
    used = set(re.findall(rf"url\(theme{name}:([^)]+)\)", sheet))
    assert used
    assert used <= {path.name for path in (tokens.folder() / name).iterdir()}
    assert sheet.count("{") == sheet.count("}")
    # a state before a part (QSlider:focus::handle) is read by Qt as a rule for the whole widget
    assert not re.search(r"Q\w+:(focus|hover|disabled|checked)::", sheet)


@pytest.mark.parametrize("name", tokens.NAMES)
def test_pictures_are_drawn_from_the_tokens(name: str) -> None:
    for file, text in images.draw(tokens.load(name)).items():
        assert (tokens.folder() / name / file).read_text(encoding="utf-8") == text, "run studio.ui.theme.images"


def test_sizes_follow_the_scale() -> None:
    assert "border-radius: 6px" in theme.style_sheet("dark", 1.0)
    assert "border-radius: 12px" in theme.style_sheet("dark", 2.0)
    assert "border: 1px solid" in theme.style_sheet("dark", 0.75)
    assert "margin: -10px 0px" in theme.style_sheet("dark", 2.0)


def spots(image: QImage, role: str) -> list[tuple[int, int]]:
    """Where a picture has exactly this colour."""
    ink = theme.color(role)
    return [(x, y) for x in range(image.width()) for y in range(image.height()) if image.pixelColor(x, y) == ink]


@pytest.mark.parametrize("scale", [0.75, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0])
def test_round_things_are_round_at_every_scale(qapp: QApplication, qtbot: QtBot, scale: float) -> None:
    slider, bar = QSlider(Qt.Orientation.Horizontal), QProgressBar()
    for widget in (slider, bar):
        qtbot.addWidget(widget)
    slider.setValue(50)
    bar.setValue(100)
    try:
        theme.apply(qapp, "dark", scale)
        for widget in (slider, bar):
            widget.resize(200, theme.px(24))
            widget.show()
        image = slider.grab().toImage()
        knob = spots(image, "text")
        left, top = min(x for x, _ in knob), min(y for _, y in knob)
        assert (left, top) not in knob, "the knob has corners"
        assert max(x for x, _ in knob) - left >= 8 * scale
        full = spots(bar.grab().toImage(), "accent")
        assert full and min(full) != (0, min(y for _, y in full)), "the bar has corners"
    finally:
        theme.apply(qapp, "dark", 1.0)


def test_apply_dresses_and_changes_what_is_open(qapp: QApplication, qtbot: QtBot) -> None:
    button, label = QPushButton("Render"), QLabel("words")
    for widget in (button, label):
        qtbot.addWidget(widget)
        widget.show()
    theme.set_role(button, "primary")
    button.resize(120, 28)
    small = button.sizeHint()
    try:
        def ground() -> QColor:
            return button.grab().toImage().pixelColor(8, 14)

        assert ground() == theme.color("accent")
        theme.apply(qapp, "contrast", 1.5)
        assert theme.current() == "contrast"
        assert ground() == QColor(tokens.load("contrast").colors["accent"])
        assert button.sizeHint().height() > small.height() * 1.3
        assert theme.space(2) == 12
        theme.apply(qapp, "dark", 99)
        assert theme.scale() == 2.0
    finally:
        theme.apply(qapp, "dark", 1.0)


def test_fonts_are_installed_faces_in_a_scale() -> None:
    sizes = {role: theme.font(role).pixelSize() for role in ("display", "title", "body", "small", "tiny", "mono")}
    assert sizes["display"] > sizes["title"] > sizes["body"] >= sizes["small"] >= sizes["tiny"] >= 10
    for role in ("body", "mono"):
        assert QFontInfo(theme.font(role)).family() in fonts.families(role == "mono")


def test_digits_of_numbers_have_one_width() -> None:
    for role in ("number", "mono"):
        metrics = QFontMetricsF(theme.font(role))
        assert len({metrics.horizontalAdvance(digit * 8) for digit in "0123456789"}) == 1


def test_on_colour_is_legible_on_every_role() -> None:
    for role in tokens.ROLES:
        ground = theme.color(role)
        if role not in ("edge", "disabled"):
            assert tokens.contrast(theme.on_color(ground).name(), ground.name()) >= 4.5, role


def test_check_box_is_a_switch(qtbot: QtBot) -> None:
    box = QCheckBox("Loop")
    qtbot.addWidget(box)
    box.show()
    off = box.grab().toImage()
    box.setChecked(True)
    assert box.grab().toImage() != off
    assert box.sizeHint().width() > 60


# ---- icons


def inked(icon: QIcon, mode: QIcon.Mode = QIcon.Mode.Normal, state: QIcon.State = QIcon.State.Off) -> QImage:
    return icon.pixmap(QSize(24, 24), 1.0, mode, state).toImage()


@pytest.mark.parametrize("name", icons.names())
def test_every_icon_is_drawn(name: str) -> None:
    image = inked(icons.icon(name))
    drawn = sum(image.pixelColor(x, y).alpha() > 60 for x in range(24) for y in range(24))
    assert 8 < drawn < 400
    shape = icons.outline(name)
    if shape is not None:
        assert QRectF(0, 0, 1, 1).contains(shape.boundingRect()), "it is cut off"


def test_the_names_that_the_window_asks_for() -> None:
    asked = (
        "play stop record tap blackout freeze safe deck effect camera image film text note dream style latent dice "
        "lock unlock undo redo reset link bind lfo search plus minus close folder file save export download upload "
        "warning error info ok settings plug model train chart log help history heart pin trash copy paste edit "
        "fullscreen swap mirror eye drag chevron-up chevron-down chevron-left chevron-right pause next previous "
        "midi sound mute keyboard clock power projector grid breed compass keyframe wand stack layers "
    )
    assert set(asked.split()) <= set(icons.names())


def test_unknown_icon_is_refused() -> None:
    with pytest.raises(KeyError, match="there is no icon 'unicorn'"):
        icons.icon("unicorn")


def strongest(image: QImage) -> str:
    spots = [image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())]
    return max(spots, key=lambda c: c.alpha()).name()


@pytest.mark.parametrize("name", ["stop", "midi"])
def test_icons_follow_theme_and_state(qapp: QApplication, name: str) -> None:
    made = icons.icon(name, "text", "accent")
    assert strongest(inked(made)) == theme.css("text")
    assert strongest(inked(made, state=QIcon.State.On)) == theme.css("accent")
    assert strongest(inked(made, QIcon.Mode.Disabled)) == theme.css("disabled")
    try:
        theme.apply(qapp, "contrast")
        assert strongest(inked(made)) == "#ffffff"
    finally:
        theme.apply(qapp, "dark")


def test_icons_are_sharp_at_twice_the_size() -> None:
    picture = icons.icon("camera").pixmap(QSize(16, 16), 2.0)
    assert picture.size() == QSize(32, 32)
    assert picture.devicePixelRatio() == 2.0


def test_icons_need_no_network_and_not_the_whole_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("an icon asked the network")

    monkeypatch.setattr(socket, "socket", refuse)
    icons._face.cache_clear()
    icons.outline.cache_clear()
    assert icons.outline("play") is not None
    assert "qtawesome" not in sys.modules
