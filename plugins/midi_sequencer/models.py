"""The kinds of models that the sequencer plays, each with what plays it."""

from __future__ import annotations

from pathlib import Path

from studio.nn.improvise import Improviser
from studio.nn.lstm import ROLL, build_sequence
from studio.nn.music import EVENTS, EventVocabulary
from studio.nn.roll_player import RollImproviser, load_improviser
from studio.nn.weights import WeightsError, load_model


def improviser_of(path: Path, seed: int, precision: str) -> tuple[Improviser | RollImproviser, bool]:
    """What plays the model in a file, and whether that is drums. Raises WeightsError."""
    model = load_model(path)
    if model.architecture == ROLL:
        return load_improviser(model, seed=seed), False
    if model.architecture != EVENTS:
        raise WeightsError(
            f"{path.name} is a {model.architecture or 'foreign'} model, but {EVENTS} or {ROLL} is wanted; "
            "choose another one"
        )
    try:
        vocabulary = EventVocabulary.from_json(model.config["vocabulary"])
        made = Improviser(
            build_sequence(model), vocabulary, seed=seed, precision="int8" if precision == "int8" else "float32"
        )
    except (KeyError, ValueError) as error:
        if isinstance(error, WeightsError):
            raise
        raise WeightsError(f"{path.name} is no usable event model ({error}); train it again") from None
    return made, model.config.get("kind") == "drums"
