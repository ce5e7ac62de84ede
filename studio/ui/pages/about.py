"""About: what this is, whose work is inside and under which licences, and what to send with a report of a fault."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import sys
from pathlib import Path

from PySide6.QtCore import qVersion
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPlainTextEdit, QTabWidget, QWidget

from studio import __version__, paths
from studio.library.models import list_models
from studio.session.core import Core
from studio.ui.background import background
from studio.ui.kit import button
from studio.ui.pages.model_card import flat
from studio.ui.pages.parts import Facts, Page, column, scrolled

NAME = "reverie-studio"
ATTENTION = {
    "pyside6-essentials": "LGPL-3.0; Qt is used as separate libraries that you may replace",
    "shiboken6": "LGPL-3.0",
    "av": "BSD-3-Clause; its wheels hold FFmpeg with x264 and x265, which are GPL-2.0 or later",
    "opencv-python-headless": "Apache-2.0; its wheels hold FFmpeg under the LGPL-2.1",
}
"""What a licence field does not say."""
WINDOW = ("PySide6-Essentials", "shiboken6", "pyqtgraph", "superqt", "qtawesome")
"""What the window stands on, also where an older installation does not name it."""


def read_notice(name: str) -> str:
    """NOTICE or LICENSE, beside the code or in the installed package; a sentence where neither is."""
    place = Path(__file__).resolve().parents[3] / name
    if place.is_file():
        return place.read_text(encoding="utf-8")
    try:
        distribution = importlib.metadata.distribution(NAME)
    except importlib.metadata.PackageNotFoundError:
        return f"The file {name} is missing from this installation."
    for inside in (f"licenses/{name}", name):
        if text := distribution.read_text(inside):
            return text
    return f"The file {name} is missing from this installation."


def dependencies() -> list[tuple[str, str]]:
    """What the studio stands on: (name and version, licence). Reads many small files: not for the GUI thread."""
    known = Path(__file__).resolve().parents[3] / "pyproject.toml"
    try:
        wanted = importlib.metadata.requires(NAME) or []
    except importlib.metadata.PackageNotFoundError:
        text = known.read_text(encoding="utf-8") if known.is_file() else ""
        wanted = re.findall(r'^    "([A-Za-z0-9].*?)",$', text, re.M)
    found: dict[str, str] = {}
    for text in [*wanted, *WINDOW]:
        name = re.split(r"[^A-Za-z0-9._-]", text, maxsplit=1)[0]
        if "extra ==" in text or name.lower().replace("_", "-") in {key.split()[0].lower() for key in found}:
            continue
        try:
            about = importlib.metadata.metadata(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        found[f"{about['Name'].replace('_', '-')} {about['Version']}"] = ATTENTION.get(name.lower(), _licence(about))
    return sorted(found.items(), key=lambda pair: pair[0].casefold())


def _licence(about: importlib.metadata.PackageMetadata) -> str:
    """The licence of a package from its metadata, in one line."""
    kinds = [text.rpartition(" :: ")[2] for text in about.get_all("Classifier") or [] if text.startswith("License ::")]
    said = next((about[key] for key in ("License-Expression",) if key in about), "") or ", ".join(kinds)
    said = said or (about["License"] if "License" in about else "")
    return said.strip().splitlines()[0][:100] if said.strip() else "see its project"


def credits() -> list[tuple[str, str]]:
    """What each model was made from, by its card."""
    rows = []
    for model in list_models():
        parts = [flat(model.card[key]) for key in ("data", "teacher", "loss_network", "features") if key in model.card]
        parts.append(f"licence of the model: {model.card.get('licence', 'not said')}")
        rows.append((model.title, "\n".join(parts)))
    return rows


def diagnostics(session: Core) -> str:
    """What somebody who mends a fault wants to know; nothing personal but the paths."""
    lines = [
        f"Reverie Studio {__version__}", f"Python {platform.python_version()}, Qt {qVersion()}",
        f"{platform.platform()}, {os.cpu_count()} cores", f"device: {session.device}",
        f"screens: {', '.join(_screens())}",
        f"platform: {QGuiApplication.platformName()}",
    ]
    for package in ("torch", "numpy", "PySide6_Essentials", "av", "opencv-python-headless", "python-rtmidi"):
        try:
            lines.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            lines.append(f"{package} is not installed")
    lines += [f"{line.title}: {line.state}, {[slot.generator for slot in line.slots]} {line.why()}".rstrip()
              for line in session.lines()]
    lines += [f"plugin {p.name}: {p.state} {p.reason}".rstrip() for p in session.registry if p.origin != "built-in"
              or p.state == "failed"]
    lines += [f"settings: {session.settings.dump()}", f"log: {paths.user_folder('log')}"]
    lines += [f"{notice.level}: {notice.text}" for notice in session.notices[-12:]]
    return "\n".join(lines)


def _screens() -> list[str]:
    sizes = [(screen.size(), screen.devicePixelRatio()) for screen in QGuiApplication.screens()]
    return [f"{size.width()}x{size.height()} at {ratio:g}" for size, ratio in sizes]


class AboutPage(Page):
    """See the module."""

    widest = 1400

    def __init__(self, session: Core, parent: QWidget | None = None) -> None:
        line = f"Version {__version__}. An instrument for art made with neural networks, under Apache-2.0."
        super().__init__(session, "Reverie Studio", line, parent)
        self.setAccessibleName("About")
        self.copy = button("Copy diagnostics", "copy", clicked=self._copy, tip="Copy what helps whoever mends a fault: "
                           "versions, devices, plugins, the last messages")
        self.tools.addWidget(self.copy)
        self.tabs = QTabWidget()
        self.tabs.setAccessibleName("About")
        self.inside, self.credits = Facts(name_width=240), Facts(name_width=240)
        self.body.addWidget(self.tabs, 1)
        self.tabs.addTab(scrolled(column(self.inside, margins=(4, 4, 4, 4), stretch=True)), "What is inside")
        self.tabs.addTab(scrolled(column(self.credits, margins=(4, 4, 4, 4), stretch=True)), "Models and their data")
        self.notice, self.licence = self._text("Notice"), self._text("Licence")
        self.tabs.addTab(self.notice, "Notice")
        self.tabs.addTab(self.licence, "Licence")
        self.tabs.addTab(scrolled(column(Facts(self._places()), margins=(4, 4, 4, 4), stretch=True)), "Places")
        background(session, self._read, self._known, owner=self)

    def _text(self, name: str) -> QPlainTextEdit:
        made = QPlainTextEdit()
        made.setReadOnly(True)
        made.setProperty("role", "mono")
        made.setAccessibleName(name)
        return made

    @staticmethod
    def _places() -> list[tuple[str, str]]:
        return [
            ("Program", str(Path(__file__).resolve().parents[3])), ("Python", sys.executable),
            ("Settings", str(paths.user_folder("config"))),
            ("Models, plugins, trainings", str(paths.user_folder("data"))),
            ("Cache", str(paths.user_folder("cache"))), ("Log", str(paths.user_folder("log"))),
        ]

    @staticmethod
    def _read() -> tuple[list[tuple[str, str]], list[tuple[str, str]], str, str]:
        return dependencies(), credits(), read_notice("NOTICE"), read_notice("LICENSE")

    def _known(self, found: tuple[list[tuple[str, str]], list[tuple[str, str]], str, str]) -> None:
        inside, data, notice, licence = found
        self.inside.set(inside)
        self.credits.set(data)
        self.notice.setPlainText(notice)
        self.licence.setPlainText(licence)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(diagnostics(self.session))
        self.session.notice("Diagnostics were copied; paste them into your report")
