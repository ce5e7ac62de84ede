"""A photograph becomes a place: the search runs as a job, the first guess is there within a second, then it refines."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from studio.engine import Job
from studio.nn.places import Place, of_vector
from studio.session.session import Session
from studio.ui import theme
from studio.ui.kit.buttons import tool_button
from studio.ui.kit.painting import to_qimage
from studio.ui.views.latent.pictures import quiet_thread
from studio.ui.views.latent.tiles import paint_picture

FEATURES = "style_features"


@dataclass
class Found:
    """The newest of a search: a mailbox of one, written by the job, read by the window."""

    place: Place | None = None
    picture: NDArray[np.uint8] | None = None
    target: NDArray[np.uint8] | None = None
    distance: float = math.inf
    first: float = math.inf
    count: int = 0


def search(job: Job[Any], path: Path, model: str, device: str, truncation: float, found: Found) -> Place:
    """The work of the job: read the file, look at seeds, descend. Raises FileError for a file that is no picture."""
    import torch

    from studio.nn.features import FeatureError, load_features
    from studio.nn.gan import load_generator
    from studio.nn.invert import Settings, invert, square
    from studio.nn.weights import WeightsError
    from studio.paths import find_model
    from studio.picture import read_image

    quiet_thread()
    job.check(0.0, "Reading the picture")
    picture = torch.from_numpy(read_image(path)).permute(2, 0, 1).float().div(255).to(device)
    net = load_generator(find_model(model), device)
    target = square(picture, net.config.size)
    found.target = _frame(target)
    try:
        features = load_features(find_model(FEATURES), device=device)
    except (FileNotFoundError, FeatureError, WeightsError):
        features = None  # by pixels alone: rougher, and better than nothing
    for guess in invert(net, picture, features, Settings(truncation=truncation), check=job.check):
        found.place = of_vector(guess.deviation.cpu().numpy())
        found.picture, found.distance = _frame(guess.picture), guess.distance
        found.first = min(found.first, guess.distance) if math.isfinite(found.first) else guess.distance
        found.count += 1
        job.check(guess.progress, f"{path.name}: distance {guess.distance:.3f}")
    assert found.place is not None
    return found.place


def _frame(picture: Any) -> NDArray[np.uint8]:
    frame = picture.mul(255).round().clamp(0, 255).byte().permute(1, 2, 0).contiguous().cpu().numpy()
    return frame  # type: ignore[no-any-return]


class PhotoSearch(QObject):
    """One search at a time; others wait. ``guessed`` comes with each better place, ``ended`` with the last, or None."""

    guessed = Signal(object, object)  # request, place
    ended = Signal(object, object)

    @dataclass
    class Request:
        """A picture file, and what it is for: '' the picture itself, or a slot's letter."""

        path: Path
        target: str = ""
        gesture: Any = None

    def __init__(self, session: Session, values: Callable[[str], Any], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._value = session, values
        self.found = Found()
        self.job: Job[Place] | None = None
        self.request: PhotoSearch.Request | None = None
        self._waiting: list[PhotoSearch.Request] = []
        self._seen = 0

    def start(self, request: PhotoSearch.Request) -> None:
        """Begin with a file. Another for the same target takes the place of the one before."""
        self._waiting = [other for other in self._waiting if other.target != request.target]
        if self.job is not None and self.request is not None and self.request.target == request.target:
            self.job.cancel()
        self._waiting.append(request)
        if self.job is None:
            self._next()

    def cancel(self) -> None:
        """End the search; the best so far stays."""
        if self.job is not None:
            self.job.cancel()

    def stop(self) -> None:
        """End everything: the view closes."""
        self._waiting.clear()
        self.cancel()

    def _next(self) -> None:
        if not self._waiting:
            return
        self.request = request = self._waiting.pop(0)
        self.found, self._seen = Found(), 0
        found, model, truncation = self.found, str(self._value("model")), float(self._value("truncation"))
        device = self._session.device
        self.job = self._session.jobs.run(
            f"Photograph {request.path.name}", lambda job: search(job, request.path, model, device, truncation, found))

    def refresh(self) -> None:
        """Hand on what is new; called by the window's timer."""
        job, request = self.job, self.request
        if job is None or request is None:
            return
        over = job.state not in ("waiting", "running", "paused")
        if self.found.count != self._seen and self.found.place is not None:
            self._seen = self.found.count
            self.guessed.emit(request, self.found.place)
        if over:
            self.job = None
            if job.state == "failed":
                self._session.notice(job.error, level="warning", cure="drop a picture file (PNG, JPEG, WebP …)")
            self.ended.emit(request, self.found.place)
            self._next()


class PhotoCard(QWidget):
    """The photograph beside what was found, how far it is, and a way to end it; hidden while there is nothing."""

    def __init__(self, search: PhotoSearch, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._search = search
        self._shown: tuple[int, float] = (-1, -1.0)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Search for a photograph's place")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, theme.space(1), theme.space(1), 0)
        self.cancel = tool_button("close", "End the search", tip="End the search and keep what was found", size=14,
                                  clicked=search.cancel)
        row.addStretch(1)
        row.addWidget(self.cancel, 0, Qt.AlignmentFlag.AlignTop)
        self.resize(self.sizeHint())
        self.hide()

    def sizeHint(self) -> QSize:
        return QSize(theme.px(186), theme.px(112))

    def refresh(self) -> None:
        """Follow the job."""
        job = self._search.job
        self.setVisible(job is not None)
        if job is not None and self._shown != (self._search.found.count, job.progress):
            self._shown = (self._search.found.count, job.progress)
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        job, found, request = self._search.job, self._search.found, self._search.request
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(theme.color("line"))
        painter.setBrush(theme.color("panel"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), theme.px(8), theme.px(8))
        side, gap = theme.px(64), theme.px(8)
        for index, frame in enumerate((found.target, found.picture)):
            image: QImage | None = to_qimage(frame) if frame is not None else None
            paint_picture(painter, QRectF(gap + index * (side + gap), gap, side, side), image, theme.px(5))
        bar = QRectF(gap, self.height() - gap - theme.px(4), self.width() - 2 * gap, theme.px(4))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("line"))
        painter.drawRoundedRect(bar, 2, 2)
        painter.setBrush(theme.color("image"))
        bar.setWidth(max(theme.px(4), bar.width() * (job.progress if job is not None else 1.0)))
        painter.drawRoundedRect(bar, 2, 2)
        painter.setPen(theme.color("dim"))
        painter.setFont(theme.font("tiny"))
        name = request.path.name if request is not None else ""
        line = QRectF(gap, side + gap + theme.px(4), self.width() - 2 * gap, theme.px(16))
        text = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, int(line.width()))
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, text)
