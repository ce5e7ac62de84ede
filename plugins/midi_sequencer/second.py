"""The model that the music fades to."""

from __future__ import annotations

from studio.api import Context
from studio.nn.lstm import SequenceRNN, build_sequence
from studio.nn.music import EVENTS, EventVocabulary
from studio.nn.weights import WeightsError, load_model


def network_of(ctx: Context, name: str, first: str, vocabulary: EventVocabulary) -> SequenceRNN | None:
    """The network of a model that speaks the same symbols; None, with a notice that says why, where it cannot join."""
    try:
        model = load_model(ctx.model(name), EVENTS)
        theirs = EventVocabulary.from_json(model.config["vocabulary"])
        if theirs != vocabulary:
            raise WeightsError(
                f"{name} was trained on other symbols ({theirs.size}, not the {vocabulary.size} of {first}: voices, "
                "range, grid or labels differ); choose a model that was trained like the first"
            )
        return build_sequence(model)
    except (OSError, WeightsError, KeyError, ValueError) as error:
        ctx.notice(f"second: {error}. {first} plays alone")
        return None
