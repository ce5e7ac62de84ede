"""Questions and file dialogs that never block: they open, and call back with the answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QDialog, QFileDialog, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from studio.ui import icons, theme
from studio.ui.kit import folders
from studio.ui.kit.buttons import button

Kinds = Sequence[tuple[str, Sequence[str]]]


def _frame(parent: QWidget | None, title: str, text: str, icon: str, role: str) -> tuple[QDialog, QVBoxLayout]:
    dialog = QDialog(parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setWindowTitle(title)
    dialog.setModal(True)
    layout = QVBoxLayout(dialog)
    margin = theme.space(5)
    layout.setContentsMargins(margin, margin, margin, theme.space(4))
    layout.setSpacing(theme.space(4))
    picture = QLabel()
    side = theme.px(28)
    picture.setPixmap(icons.icon(icon, role).pixmap(QSize(side, side), dialog.devicePixelRatioF()))
    head = QLabel(title, wordWrap=True)
    head.setProperty("role", "title")
    words = QVBoxLayout()
    words.setSpacing(theme.space(2))
    words.addWidget(head)
    if text:
        body = QLabel(text, wordWrap=True)
        body.setProperty("role", "dim")
        body.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        words.addWidget(body)
    row = QHBoxLayout()
    row.setSpacing(theme.space(4))
    row.addWidget(picture, alignment=Qt.AlignmentFlag.AlignTop)
    row.addLayout(words, 1)
    layout.addLayout(row)
    return dialog, layout


def _open(dialog: QDialog, layout: QVBoxLayout) -> None:
    """Open it as wide as its words need, and as high as they then are: labels that wrap ask for neither."""
    longest = whole = 0
    for label in dialog.findChildren(QLabel):
        metrics = label.fontMetrics()
        whole = max(whole, metrics.horizontalAdvance(label.text()))
        longest = max([longest, *(metrics.horizontalAdvance(word) for word in label.text().split())])
    beside = theme.px(28) + theme.space(14)  # the icon, the gap and the margins
    wide = max(theme.px(400), min(theme.px(620), round(whole / 2) + beside), longest + beside + theme.space(2))
    wide = max(wide, layout.minimumSize().width())
    dialog.setMinimumSize(wide, layout.totalHeightForWidth(wide))
    dialog.resize(dialog.minimumSize())
    dialog.open()


def ask(
    parent: QWidget | None, title: str, text: str, buttons: Sequence[str],
    answered: Callable[[str | None], object] | None = None, *, danger: str = "", icon: str = "",
) -> QDialog:
    """Ask a question and return at once; ``answered`` gets the button's text, or None after Escape.

    The last button is the main one and takes Enter; ``danger`` names one that destroys something, which is then red
    and never takes Enter.
    """
    role, icon = ("danger", icon or "warning") if danger else ("accent", icon or "help")
    dialog, layout = _frame(parent, title, text, icon, role)
    answer: list[str] = []
    row = QHBoxLayout()
    row.setSpacing(theme.space(2))
    row.addStretch(1)

    def choose(label: str) -> None:
        answer.append(label)
        dialog.accept()

    for place, label in enumerate(buttons):
        role = "danger" if label == danger else "primary" if place == len(buttons) - 1 else ""
        made = button(label, role=role, clicked=partial(choose, label), parent=dialog)
        if role == "primary" or (label != danger and place == 0 and buttons[-1] == danger):
            made.setDefault(True)
            made.setFocus()
        row.addWidget(made)
    layout.addLayout(row)
    if answered is not None:
        dialog.finished.connect(lambda _: answered(answer[0] if answer else None))
    _open(dialog, layout)
    return dialog


def ask_text(
    parent: QWidget | None, title: str, label: str, value: str, answered: Callable[[str], object], *,
    text: str = "", button_text: str = "OK", check: Callable[[str], str] | None = None,
) -> QDialog:
    """Ask for one line and return at once; ``answered`` gets it, and is not called after Escape.

    ``check(text)`` returns what is wrong with it as a sentence, or an empty string; the button waits for that.
    """
    dialog, layout = _frame(parent, title, text, "edit", "accent")
    field = QLineEdit(value)
    field.setAccessibleName(label)
    field.setPlaceholderText(label)
    field.selectAll()
    wrong = QLabel("", wordWrap=True)
    wrong.setProperty("role", "danger")
    wrong.hide()
    layout.addWidget(field)
    layout.addWidget(wrong)
    row = QHBoxLayout()
    row.setSpacing(theme.space(2))
    row.addStretch(1)
    row.addWidget(button("Cancel", clicked=dialog.reject, parent=dialog))
    good = button(button_text, role="primary", clicked=dialog.accept, parent=dialog)
    good.setDefault(True)
    row.addWidget(good)
    layout.addLayout(row)

    def look(now: str) -> None:
        problem = check(now.strip()) if check is not None and now.strip() else ""
        wrong.setText(problem)
        wrong.setVisible(bool(problem))
        good.setEnabled(bool(now.strip()) and not problem)
        if dialog.isVisible():  # the sentence takes its room from the screen, not from the words above it
            dialog.setMinimumHeight(layout.totalHeightForWidth(dialog.width()))

    field.textChanged.connect(look)
    look(value)
    dialog.accepted.connect(lambda: answered(field.text().strip()))
    _open(dialog, layout)
    field.setFocus()
    return dialog


def pick_file(
    parent: QWidget | None, title: str, picked: Callable[[Path], object], *, folder: Path | None = None,
    kinds: Kinds = (), save: bool = False, name: str = "",
) -> QFileDialog:
    """Let a file be chosen and return at once; ``picked`` gets its path, and is not called after Escape.

    ``kinds`` are ``("Pictures", ("*.png", "*.jpg"))``; with ``save`` a name may be new, and what exists is asked about.
    Without ``folder`` it opens where the last file of the first kind was, else in the exports folder.
    """
    dialog = _files(parent, title, folder, kinds)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave if save else QFileDialog.AcceptMode.AcceptOpen)
    dialog.setFileMode(QFileDialog.FileMode.AnyFile if save else QFileDialog.FileMode.ExistingFile)
    if save and kinds:
        dialog.setDefaultSuffix(kinds[0][1][0].removeprefix("*."))
    if name:
        dialog.selectFile(name)
    kind = kinds[0][0] if kinds else ""

    def take(path: str) -> None:
        folders.remember(kind, Path(path).parent)
        picked(Path(path))

    dialog.fileSelected.connect(take)
    dialog.open()
    return dialog


def pick_folder(
    parent: QWidget | None, title: str, picked: Callable[[Path], object], *, folder: Path | None = None
) -> QFileDialog:
    """Let a folder be chosen and return at once; ``picked`` gets its path, and is not called after Escape."""
    dialog = _files(parent, title, folder, ())
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly)
    dialog.fileSelected.connect(lambda path: picked(Path(path)))
    dialog.open()
    return dialog


def _files(parent: QWidget | None, title: str, folder: Path | None, kinds: Kinds) -> QFileDialog:
    dialog = QFileDialog(parent, title)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setDirectory(str(folder if folder is not None else folders.start(kinds[0][0] if kinds else "")))
    if kinds:
        dialog.setNameFilters([f"{label} ({' '.join(patterns)})" for label, patterns in kinds])
    return dialog
