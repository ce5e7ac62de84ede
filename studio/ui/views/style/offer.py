"""What can be done with a picture that was dropped on the shelf; and why it is not a style at once, where it is not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QPixmap
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from studio.session.core import Core
from studio.ui import theme
from studio.ui.background import background
from studio.ui.kit.buttons import button, tool_button
from studio.ui.views.feed_row import Elided
from studio.ui.views.slots import read_small

AT_ONCE = "It can be a style at once. Training takes a minute or more and comes closer to it."


@dataclass(frozen=True)
class StyleModel:
    """A style model that is here; ``reads`` if it takes any picture as a style."""

    name: str
    path: Path
    reads: bool


def why_not(models: list[StyleModel], used: str) -> str:
    """Why the model in use (a name or path) cannot take a picture as a style at once; '' if it can."""
    if not models:
        return "There is no style model here at all; train one, or bring one in on the models page."
    mine = next((model for model in models if used in (model.name, str(model.path))), None)
    if mine is not None and mine.reads:
        return ""
    name = mine.name if mine is not None else Path(used).stem
    able = [model.name for model in models if model.reads]
    which = f"{able[0]} takes any picture" if able else "no model here takes any picture"
    return f"Not a style yet: {name} knows only paintings from training, and {which}."


class PictureOffer(QFrame):
    """A strip with the picture and the ways on. Escape or the cross puts it away."""

    take = Signal(str)
    train = Signal(str)
    shown = Signal(bool)
    paint = Signal(str)
    use_input = Signal(str)

    def __init__(self, session: Core, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._path, self._model = session, "", ""
        self.setProperty("role", "card")
        self.setAccessibleName("What to do with the picture")
        self._picture = QLabel()
        self._why = Elided()
        self._why.setProperty("role", "dim")
        self._why.setFont(theme.font("small"))
        self.take_button = button("Use as style", "style", role="primary", clicked=lambda: self._send(self.take))
        self.train_button = button("Train it", "train", clicked=lambda: self._send(self.train),
                                   tip="Opens the training page with this painting")
        self.paint_button = button("Paint a still", "brush", clicked=lambda: self._send(self.paint),
                                   tip="Style painting on the other deck: there any picture is a style, slow but good")
        self.input_button = button("Use as input", "image", clicked=lambda: self._send(self.use_input),
                                   tip="Paint this picture instead: it becomes what comes into the deck")
        shut = tool_button("close", "Put it away", size=14, clicked=self.hide)
        shut.setAutoRaise(True)
        buttons = QHBoxLayout()
        buttons.setSpacing(theme.space(1.5))
        self._buttons = (self.take_button, self.train_button, self.paint_button, self.input_button)
        for part in self._buttons:
            buttons.addWidget(part)
        buttons.addStretch(1)
        texts = QVBoxLayout()
        texts.setSpacing(theme.space(1))
        texts.addWidget(self._why)
        texts.addLayout(buttons)
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.space(1.5), theme.space(1), theme.space(1), theme.space(1))
        row.setSpacing(theme.space(2))
        row.addWidget(self._picture)
        row.addLayout(texts, 1)
        row.addWidget(shut, alignment=Qt.AlignmentFlag.AlignTop)
        self.hide()

    def setVisible(self, visible: bool) -> None:
        super().setVisible(visible)
        self.shown.emit(visible)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
        else:
            super().keyPressEvent(event)

    def path(self) -> str:
        """The picture that is offered."""
        return self._path

    def text(self) -> str:
        """The sentence that is shown."""
        return self._why.full()

    def offer(self, path: str, model: str) -> None:
        """Show what can be done with a picture, where ``model`` (a name or path) paints."""
        self._path, self._model = path, model
        self._picture.clear()
        self._picture.setToolTip(path)
        self.setAccessibleName(f"What to do with {Path(path).name}")
        self._why.set_full("Looking at it…")
        for part in self._buttons:
            part.setEnabled(part is not self.take_button)
        background(self._session, lambda: read_small(path, 96), self._show, self._fail, owner=self)
        background(self._session, _models, self._explain, owner=self)
        self.show()

    def _show(self, image: QImage) -> None:
        side = theme.px(48)
        ratio = self.devicePixelRatioF()
        whole = QSize(round(side * ratio), round(side * ratio))
        picture = QPixmap.fromImage(image.scaled(whole, Qt.AspectRatioMode.KeepAspectRatioByExpanding,
                                                 Qt.TransformationMode.SmoothTransformation))
        picture = picture.copy((picture.width() - whole.width()) // 2, (picture.height() - whole.height()) // 2,
                               whole.width(), whole.height())
        picture.setDevicePixelRatio(ratio)
        self._picture.setPixmap(picture)

    def _fail(self, why: str) -> None:
        self._path = ""
        self._why.set_full(why)
        for part in self._buttons:
            part.setEnabled(False)

    def _explain(self, models: list[StyleModel]) -> None:
        if not self._path:
            return
        why = why_not(models, self._model)
        self._why.set_full(why or AT_ONCE)
        self.take_button.setEnabled(not why)
        self.take_button.setToolTip(why or "Paint like this picture from now on, without training")

    def _send(self, signal: object) -> None:
        signal.emit(self._path)  # type: ignore[attr-defined]
        self.hide()


def _models() -> list[StyleModel]:
    from studio.library.models import list_models

    return [
        StyleModel(model.name, model.path, "reader" in model.config or model.config.get("kind") == "microast")
        for model in list_models("style_net")
    ]
