"""A photograph becomes a place of the latent explorer: a first guess within a second, refined in the background.

The search is a job (progress, time left, cancel). Whatever is better arrives with the next ``pump``: the picture goes
there, and a named point (or a keyframe) stands there from the first guess on and moves along. All of it is one step of
undo. Listeners hear of each guess as the news ``photo``.

    search = PhotoSearch(LatentPlaces(session, session.decks["A"], 0))
    search.start(Path("me.jpg"))
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.engine import Job
from studio.engine.threads import BESIDE, be_nice
from studio.nn.places import LatentError, Place, as_place, of_vector
from studio.session.latent_places import LatentPlaces

FEATURES = "style_features"

PATH = "path"
"""Target of a request whose place becomes a keyframe."""


@dataclass
class Found:
    """The newest of a search: a mailbox of one, written by the job, read by who owns the session."""

    place: Place | None = None
    picture: NDArray[np.uint8] | None = None
    target: NDArray[np.uint8] | None = None
    distance: float = math.inf
    first: float = math.inf
    """Distance of the first guess."""
    count: int = 0
    encoded: bool = False
    """Whether an encoder made the first guess."""
    fault: str = ""
    """Why an encoder that is there could not be used, a sentence."""


@dataclass
class Request:
    """A picture file, and what it is for: '' the picture itself, a slot's letter, or ``path`` for a keyframe at
    ``time`` (none: after the end)."""

    path: Path
    target: str = ""
    time: float | None = None
    gesture: Any = None
    name: str = ""
    """The named point that it has become."""
    sent: tuple[Any, Any] | None = None
    """Where the picture was sent last: the values ``place`` and ``seed``."""


@dataclass(frozen=True)
class Shown:
    """How the place will be shown: the generator's values ``model``, ``truncation``, ``seed``, and its class."""

    model: str
    truncation: float = 1.0
    seed: int = 0
    classes: tuple[str, str] = ("", "")
    blend: float = 0.0


def search(
    job: Job[Any], path: Path, shown: Shown, device: str, found: Found, steps: int | None = None
) -> Place:
    """The work of the job: read the file, guess, descend for ``steps`` (None: as many as usual).

    Raises FileError for a file that is no picture, FileNotFoundError or WeightsError for a model that cannot be used.
    """
    import torch

    from studio.nn.encoder import find_encoder
    from studio.nn.features import FeatureError, load_features
    from studio.nn.gan import load_generator
    from studio.nn.invert import Settings, invert, square
    from studio.nn.weights import WeightsError
    from studio.paths import find_model
    from studio.picture import read_image

    torch.set_num_threads(1)  # the show goes first
    be_nice(BESIDE)
    job.check(0.0, "Reading the picture")
    picture = torch.from_numpy(read_image(path)).permute(2, 0, 1).float().div(255).to(device)
    file = find_model(shown.model)
    net = load_generator(file, device)
    found.target = _frame(square(picture, net.shape.size))
    try:
        encoder = find_encoder(file, device)
    except WeightsError as error:
        encoder, found.fault = None, str(error)
    try:
        features = load_features(find_model(FEATURES), device=device)
    except (FileNotFoundError, FeatureError, WeightsError):
        features = None  # by pixels alone: rougher, and better than nothing
    found.encoded = encoder is not None
    wish, shares = Settings(truncation=shown.truncation), _shares(net.classes, shown)
    if steps is not None:
        wish = replace(wish, steps=steps)
    for guess in invert(net, picture, features, wish, encoder=encoder, shares=shares, check=job.check):
        found.place = of_vector(guess.deviation.cpu().numpy())
        found.picture, found.distance = _frame(guess.picture), guess.distance
        if not found.count:
            found.first = guess.distance
        found.count += 1
        job.check(guess.progress, f"{path.name}: distance {guess.distance:.3f}")
    assert found.place is not None
    return found.place


def _shares(names: tuple[str, ...], shown: Shown) -> list[float] | None:
    """The blend of classes that is shown, as the generator reads it; None for a network without."""
    from studio.nn.gan_base import seed_shares
    from studio.nn.gan_player import mix, parse_classes

    if not names:
        return None
    ends: list[list[float]] = []
    for text in shown.classes:
        try:
            ends.append(parse_classes(text, names) if text.strip() else seed_shares(shown.seed, len(names)))
        except LatentError:
            ends.append(seed_shares(shown.seed, len(names)))
    return mix(ends[0], ends[1], shown.blend if shown.classes[1].strip() else 0.0)


def _frame(picture: Any) -> NDArray[np.uint8]:
    frame = picture.mul(255).round().clamp(0, 255).byte().permute(1, 2, 0).contiguous().cpu().numpy()
    return frame  # type: ignore[no-any-return]


class PhotoSearch:
    """The searches of one latent explorer: one at a time, others wait. Close it with ``close``."""

    def __init__(self, places: LatentPlaces) -> None:
        self._places, self._session = places, places.session
        self.found = Found()
        self.job: Job[Place] | None = None
        self.request: Request | None = None
        self._waiting: list[Request] = []
        self._seen = 0
        self._forget = self._session.on("jobs", lambda _: self.refresh())

    def start(self, path: Path, target: str = "", time: float | None = None) -> Request:
        """Begin with a file, see ``Request``. Another for the same target takes the place of the one before."""
        request = Request(path, target, time, self._places.begin("photograph"))
        self._waiting = [other for other in self._waiting if other.target != target or target == PATH]
        running = self.request if self.job is not None else None
        if self.job is not None and running is not None and running.target == target and target != PATH:
            self.job.cancel()
        self._waiting.append(request)
        if self.job is None:
            self._next()
        return request

    def cancel(self) -> None:
        """End the search; the best so far stays."""
        if self.job is not None:
            self.job.cancel()

    def close(self) -> None:
        """End everything."""
        self._forget()
        self._waiting.clear()
        self.cancel()

    def _next(self) -> None:
        if not self._waiting:
            return
        self.request = request = self._waiting.pop(0)
        self.found, self._seen = Found(), 0
        get, found, device = self._places.get, self.found, self._session.device
        shown = Shown(
            str(get("model")), float(get("truncation", 1.0)), int(get("seed", 0)),
            (str(get("class_a", "")), str(get("class_b", ""))), float(get("class_blend", 0.0)),
        )
        self.job = self._session.jobs.run(
            f"Photograph {request.path.name}", lambda job: search(job, request.path, shown, device, found))

    def refresh(self) -> None:
        """Hand on what is new; called by ``pump`` whenever the job tells of itself."""
        job, request, found = self.job, self.request, self.found
        if job is None or request is None:
            return
        over = job.state not in ("waiting", "running", "paused")
        if found.count != self._seen and found.place is not None:
            if not self._seen and found.fault:
                self._session.notice(f"the first guess came from seeds: {found.fault}", level="warning")
            self._seen = found.count
            self._arrive(request, found.place)
            self._session.post("photo", found)
        if over:
            self.job = None
            if job.state == "failed":
                self._session.notice(job.error, level="warning", cure="drop a picture file (PNG, JPEG, WebP …)")
            self._places.end()
            self._session.post("photo", found)
            self._next()

    def _arrive(self, request: Request, place: Place) -> None:
        """Send the picture to a better place, and its named point, unless a hand has changed either meanwhile."""
        places, label = self._places, f"Photograph {request.path.name}"
        if not request.target and request.sent in (None, (places.get("place"), places.get("seed"))):
            places.go(place, label, gesture=request.gesture, mode="still")
            request.sent = (places.get("place"), places.get("seed"))
        points = places.points()
        if request.name:
            if request.name in points:  # else somebody has removed it
                points[request.name] = place
                places.set_points(points, label, gesture=request.gesture)
            return
        known = next((name for name, where in points.items() if as_place(where) == place), "")
        request.name = known or places.free_name(file_word(request.path))
        points[request.name] = place
        more = {f"point_{request.target}": request.name} if request.target not in ("", PATH) else {}
        if places.set_points(points, label, gesture=request.gesture, **more) and request.target == PATH:
            places.add_keyframe(request.name, place, request.time, request.gesture)


def file_word(path: Path) -> str:
    """What a point of a picture file is called."""
    return path.stem[:24] or "photo"
