"""The pages of the gallery."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QAbstractButton,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QGroupBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QListWidget,
    QMenu,
    QPlainTextEdit,
    QProgressBar,
    QRadioButton,
    QScrollArea,
    QSlider,
    QSpinBox,
    QSplitter,
    QTableView,
    QTabWidget,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from studio.ui import icons, theme
from studio.ui.kit import (
    Badge,
    Card,
    ColorField,
    Combo,
    Elided,
    EmptyState,
    FlowLayout,
    FrameView,
    SearchField,
    Section,
    Slider,
    Thumb,
    ThumbGrid,
    TimeText,
    XYPad,
    button,
    tool_button,
)

LONG = "Geschwindigkeitsbegrenzungseinstellungen für Übergänge"


def picture(seed: int, width: int = 384, height: int = 288) -> np.ndarray[Any, Any]:
    """A soft picture made of a few waves, ``uint8 (height, width, 3)``, the same for the same seed."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / height
    field = np.zeros((height, width))
    for _ in range(5):
        fx, fy, phase = rng.uniform(-5, 5), rng.uniform(-5, 5), rng.uniform(0, 6.28)
        field += np.sin(fx * x * 3 + fy * y * 3 + phase + 1.5 * np.sin(field))
    shades = [0.5 + 0.5 * np.cos(field * 1.1 + rng.uniform(0, 6.28) + shift) for shift in (0.0, 0.7, 1.6)]
    return (np.stack(shades, 2) ** 1.4 * 235).astype(np.uint8)


def _group(title: str, *rows: QWidget | tuple[QWidget, ...]) -> QGroupBox:
    box = QGroupBox(title)
    layout = QVBoxLayout(box)
    layout.setContentsMargins(*(theme.space(n) for n in (3, 3, 3, 3)))
    layout.setSpacing(theme.space(2))
    for row in rows:
        if isinstance(row, tuple):
            line = QHBoxLayout()
            line.setSpacing(theme.space(2))
            for part in row:
                line.addWidget(part)
            line.addStretch(1)
            layout.addLayout(line)
        else:
            layout.addWidget(row)
    layout.addStretch(1)
    return box


def _off(widget: QWidget) -> QWidget:
    widget.setEnabled(False)
    return widget


def _on(widget: QAbstractButton) -> QWidget:
    widget.setChecked(True)
    return widget


def _tabs_demo() -> QTabWidget:
    tabs = QTabWidget()
    for title in ("Map", "Keyframes", "Breeding", "Arithmetic"):
        page = QLabel(f"{title}: what belongs to it", alignment=Qt.AlignmentFlag.AlignCenter)
        page.setProperty("role", "faint")
        tabs.addTab(page, title)
    tabs.setTabEnabled(3, False)
    tabs.setTabsClosable(False)
    return tabs


def _combo(*items: str, editable: bool = False) -> QComboBox:
    combo = Combo(items)
    combo.setEditable(editable)
    return combo


def controls_page() -> QWidget:
    """Buttons, inputs, sliders, switches."""
    page = QWidget()
    grid = QGridLayout(page)
    grid.setContentsMargins(*(theme.space(n) for n in (4, 3, 4, 4)))
    grid.setHorizontalSpacing(theme.space(2))
    grid.setVerticalSpacing(theme.space(1))
    menu_button = button("Output", "projector")
    menu_button.setMenu(QMenu(menu_button))
    grid.addWidget(_group(
        "Buttons",
        (button("Plain"), button("Export", "export"), button("Render", "film", role="primary")),
        (button("Delete", "trash", role="danger"), _on(button("Blackout", "blackout", role="danger", checkable=True)),
         button("Ghost", role="ghost")),
        (_on(button("Loop", "loop", checkable=True)), button("Sync", checkable=True), _off(button("Plain")),
         _off(button("Render", role="primary"))),
        (menu_button, tool_button("tap", "Tap", text="Tap", role="raised"), button("Learn more", role="link")),
        (tool_button("play", "Play"), tool_button("stop", "Stop"), _on(tool_button("record", "Record", checkable=True)),
         tool_button("dice", "Randomise"), _on(tool_button("lock", "Lock", checkable=True)),
         tool_button("undo", "Undo"),
         _off(tool_button("redo", "Redo"))),
    ), 0, 0)
    failed = QLineEdit("-3")
    failed.setProperty("role", "wrong")
    placeholder = QLineEdit()
    placeholder.setPlaceholderText("Name of the preset")
    frames, seconds = QSpinBox(), QDoubleSpinBox()
    for field in (failed, placeholder):
        field.setMinimumWidth(theme.px(90))
    frames.setRange(0, 9999)
    frames.setValue(240)
    seconds.setSuffix(" s")
    seconds.setValue(2.5)
    grid.addWidget(_group(
        "Inputs",
        (QLineEdit("Orchid, slow"), placeholder),
        (failed, _off(QLineEdit("disabled"))),
        (frames, seconds, _off(QSpinBox())),
        (_combo("Slow", "Medium", "Fast"), _combo("512", "1024", editable=True), _off(_combo("No camera"))),
        SearchField("Search presets"),
    ), 0, 1)
    box = QCheckBox("With sound")
    box.setProperty("role", "box")
    partly = QCheckBox("All styles")
    partly.setProperty("role", "box")
    partly.setTristate(True)
    partly.setCheckState(Qt.CheckState.PartiallyChecked)
    grid.addWidget(_group(
        "Switches",
        (QCheckBox("Seamless loop"), _on(QCheckBox("Colours"))),
        (_off(QCheckBox("Off, disabled")), _off(_on(QCheckBox("On, disabled")))),
        (_on(QRadioButton("Video")), QRadioButton("GIF"), _off(QRadioButton("WAV"))),
        (_on(box), partly),
        (ColorField("#e0784f"), _off(ColorField("#4466aa"))),
    ), 0, 2)
    grid.addWidget(_sliders_group(), 1, 0)
    grid.addWidget(_states_group(), 1, 1)
    pad = XYPad()
    pad.set_point(0.62, 0.7)
    pad.set_ghost((0.4, 0.35))
    text = QPlainTextEdit("The sea was the colour of a sky\nthat had forgotten its own name.")
    text.setMaximumHeight(theme.px(64))
    grid.addWidget(_group("Pad and text", pad, text), 1, 2)
    for column in range(3):
        grid.setColumnStretch(column, 1)
    grid.setRowStretch(2, 1)
    return page


def _sliders_group() -> QWidget:
    group = QWidget()
    form = QGridLayout()
    form.setHorizontalSpacing(theme.space(3))
    form.setVerticalSpacing(theme.space(1))
    rows: list[tuple[str, Slider, str, dict[str, object]]] = [
        ("Truncation", Slider(norm=0.7), "0.70", {}),
        ("Drift", Slider(norm=0.35, origin=0.5), "−0.30", {}),
        ("Zoom", Slider(norm=0.45), "1.04 ×", {"ghost": 0.72, "kind": "image"}),
        ("Temperature", Slider(norm=0.55), "0.85", {"kind": "notes"}),
        (LONG, Slider(norm=0.2), "1 250 ms", {"kind": "audio"}),
        ("Disabled", Slider(norm=0.5), "4 bars", {"off": True}),
    ]
    for row, (name, slider, value, more) in enumerate(rows):
        label = Elided(name)
        label.setProperty("role", "dim")
        label.setMinimumWidth(theme.px(76))
        label.setMaximumWidth(theme.px(110))
        number = QLabel(value, alignment=Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        number.setFont(theme.font("number"))
        number.setMinimumWidth(theme.px(56))
        if "ghost" in more:
            slider.set_ghost(0.72)
        if "kind" in more:
            slider.set_accent(theme.kind_color(str(more["kind"])))
        for column, part in enumerate((label, slider, number)):
            part.setEnabled("off" not in more)
            form.addWidget(part, row, column)
    plain = QSlider(Qt.Orientation.Horizontal)
    plain.setValue(40)
    form.addWidget(QLabel("Qt’s own"), len(rows), 0)
    form.addWidget(plain, len(rows), 1)
    group.setLayout(form)
    form.setContentsMargins(0, 0, 0, 0)
    return _group("Sliders", group)


def _states_group() -> QWidget:
    badges = QWidget()
    flow = FlowLayout(badges, spacing=theme.space(1.5))
    for text, role, filled in (
        ("LIVE", "danger", True), ("GPU", "good", False), ("30 fps", "dim", False), ("slow", "warning", False),
        ("failed", "danger", False), ("image", "image", False), ("notes", "notes", False),
        ("text", "text_media", False),
        ("audio", "audio", False), ("new", "accent", True),
    ):
        flow.addWidget(Badge(text, role, filled=filled))
    bars = []
    for value, role in ((35, ""), (100, "good"), (60, "danger"), (0, "")):
        bar = QProgressBar()
        bar.setValue(value)
        if role:
            bar.setProperty("role", role)
        bars.append(bar)
    left, elapsed = TimeText(), TimeText()
    left.set_left(130)
    elapsed.set_elapsed(42, 180)
    bars[3].setRange(0, 0)
    return _group("Badges, progress, time", badges, *bars, (elapsed, left))


def pictures_page() -> QWidget:
    """Pictures in all their states, cards, the grid."""
    page = QWidget()
    grid = QGridLayout(page)
    grid.setContentsMargins(*(theme.space(n) for n in (4, 4, 4, 4)))
    grid.setSpacing(theme.space(2))
    frames = [picture(seed) for seed in range(12)]
    states: list[tuple[str, str, str, bool]] = [
        ("running", "", "", True),
        ("failed", "dream.py raised ZeroDivisionError in step(); mend it and save", "Restart", True),
        ("loading", "Faces 256 is being loaded", "", False),
        ("empty", "Drop a generator here, or press A to choose one", "Choose", False),
        ("failed", "The camera is used by another program; close it there", "Try again", False),
        ("absent", "This needs the plugin “Kaleidoscope”, which is not installed", "Open plugins", False),
    ]
    for place, (state, reason, cure, has_frame) in enumerate(states):
        view = FrameView()
        view.set_frame(frames[place] if has_frame else None)
        view.set_state(state, reason, button=cure)
        view.set_overlay("A · 30 fps" if place == 0 else "")
        grid.addWidget(view, place // 3, place % 3)
    cards = QHBoxLayout()
    cards.setSpacing(theme.space(2))
    for title, subtitle, kind, icon, seed in (
        ("Explore faces", "A map of the latent space", "image", "latent", 3),
        ("Continue a text", "The model writes on", "text", "text", None),
        ("Play a chorale", "Four voices, through the synth", "notes", "notes", None),
        ("Dream", "Endless zoom into a photo", "image", "dream", 7),
    ):
        image = picture(seed) if seed is not None else None
        cards.addWidget(Card(title, image, subtitle=subtitle, kind=kind, icon=icon))
    cards.addWidget(_off(Card("Camera", None, subtitle="No camera is plugged in", kind="image", icon="no-camera")))
    grid.addLayout(cards, 2, 0, 1, 3)
    thumbs = ThumbGrid(name="Presets")
    kinds = ("image", "notes", "text", "audio")
    thumbs.set_items(
        Thumb(str(n), LONG if n == 4 else f"Look {n + 1}", f"{n + 2} values", frames[n % 12] if n % 5 else None,
              kind=kinds[n % 4], badge="4 s" if n % 3 == 0 else "", reason="needs Kaleidoscope" if n == 6 else "")
        for n in range(60)
    )
    thumbs.select("1")
    grid.addWidget(thumbs, 0, 3, 3, 1)
    for column, stretch in enumerate((3, 3, 3, 4)):
        grid.setColumnStretch(column, stretch)
    for row, stretch in enumerate((4, 4, 3)):
        grid.setRowStretch(row, stretch)
    return page


def lists_page() -> QWidget:
    """Lists, trees, tables, tabs, sections, empty page."""
    plain = QListWidget()
    plain.addItems([f"Layer {n}: mixed4{chr(97 + n)}" for n in range(14)])
    plain.setCurrentRow(2)
    tree, model = QTreeView(), QStandardItemModel(0, 2)
    model.setHorizontalHeaderLabels(["Plugin", "Version"])
    for group, children in (("Generators", ("Latent", "Dream", "Chorale")), ("Effects", ("Mirror", "Feedback"))):
        top = QStandardItem(group)
        for child in children:
            item = QStandardItem(child)
            item.setCheckable(True)
            item.setCheckState(Qt.CheckState.Checked if child != "Dream" else Qt.CheckState.Unchecked)
            top.appendRow([item, QStandardItem("1.2")])
        model.appendRow([top, QStandardItem("")])
    tree.setModel(model)
    tree.expandAll()
    tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    tree.header().setStretchLastSection(False)
    tree.setCurrentIndex(model.index(0, 0, model.index(0, 0)))
    table, cells = QTableView(), QStandardItemModel(0, 3)
    cells.setHorizontalHeaderLabels(["Parameter", "Source", "Range"])
    for row in (
        ("Zoom", "LFO 1 · sine", "1.0 … 1.2"), ("Truncation", "MIDI CC 21", "0 … 1"), (LONG, "Audio · bass", "0 … 8"),
    ):
        cells.appendRow([QStandardItem(text) for text in row])
    table.setModel(cells)
    table.setSortingEnabled(True)
    table.verticalHeader().hide()
    table.horizontalHeader().setStretchLastSection(True)
    table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    table.selectRow(0)
    sections = QWidget()
    column = QVBoxLayout(sections)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    motion = Section("Motion")
    motion.add_to_header(tool_button("reset", "Reset the group", size=14))
    for name in ("Loop", "Follow the beat"):
        motion.add(QCheckBox(name))
    column.addWidget(motion)
    column.addWidget(Section("Colour", is_open=False))
    column.addWidget(Section(LONG, is_open=False))
    column.addStretch(1)
    scroll = QScrollArea()
    scroll.setWidget(sections)
    scroll.setWidgetResizable(True)
    split = QSplitter()
    for part in (plain, tree, scroll):
        split.addWidget(part)
    lower = QSplitter()
    lower.addWidget(_tabs_demo())
    lower.addWidget(table)
    lower.addWidget(EmptyState("camera", "No camera", "Plug one in, or play the sample clip instead.", "Play the clip"))
    page = QWidget()
    layout = QVBoxLayout(page)
    layout.setContentsMargins(*(theme.space(n) for n in (4, 4, 4, 4)))
    both = QSplitter(Qt.Orientation.Vertical)
    both.addWidget(split)
    both.addWidget(lower)
    layout.addWidget(both)
    return page


def icons_page() -> QWidget:
    """Every icon, every colour, every size of type."""
    inside = QWidget()
    layout = QVBoxLayout(inside)
    layout.setContentsMargins(*(theme.space(n) for n in (4, 4, 4, 4)))
    swatches = QWidget()
    flow = FlowLayout(swatches, spacing=theme.space(1))
    for role in theme.ROLES:
        label = QLabel(role, alignment=Qt.AlignmentFlag.AlignCenter)
        label.setFixedSize(theme.px(92), theme.px(34))
        ground = theme.color(role)
        label.setStyleSheet(
            f"background: {ground.name()}; color: {theme.on_color(ground).name()};"
            f"border: 1px solid {theme.css('line')}; border-radius: 5px; font-size: {theme.px(11)}px;"
        )
        flow.addWidget(label)
    layout.addWidget(swatches)
    type_row = QHBoxLayout()
    for role in ("display", "title", "strong", "body", "number", "small", "tiny", "mono"):
        label = QLabel(f"{role} 0123")
        label.setFont(theme.font(role))
        type_row.addWidget(label)
    layout.addLayout(type_row)
    all_icons = QWidget()
    flow = FlowLayout(all_icons, spacing=theme.space(0.5))
    for name in icons.names():
        one = tool_button(name, name, text=name)
        one.setFixedWidth(theme.px(124))
        flow.addWidget(one)
    layout.addWidget(all_icons)
    layout.addStretch(1)
    scroll = QScrollArea()
    scroll.setWidget(inside)
    scroll.setWidgetResizable(True)
    return scroll


PAGES: dict[str, Callable[[], QWidget]] = {
    "controls": controls_page, "pictures": pictures_page, "lists": lists_page, "icons": icons_page,
}
