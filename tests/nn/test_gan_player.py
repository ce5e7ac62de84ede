"""Classes by name, and a network as it is played."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.nn.gan_dcgan import DcganConfig, DcganGenerator
from studio.nn.gan_player import Played, mix, parse_classes
from studio.nn.latent import LatentError

NAMES = ("daisy", "red rose", "tulip")
SHARES = st.lists(st.floats(0, 10), min_size=3, max_size=3).filter(lambda given: sum(given) > 0.01)


@pytest.mark.parametrize(("text", "wanted"), [
    ("daisy", [1, 0, 0]), ("Red Rose", [0, 1, 0]), ("3", [0, 0, 1]), ("daisy tulip", [1, 0, 1]),
    ("daisy:0.5, red rose:0.25", [0.5, 0.25, 0]), ("tulip:2 1:1", [1, 0, 2]), (" tulip ", [0, 0, 1]),
])
def test_texts_of_classes(text: str, wanted: list[float]) -> None:
    assert parse_classes(text, NAMES) == wanted


@pytest.mark.parametrize("text", ["violet", "4", "0", "daisy:x", "daisy:-1", "daisy:0", "daisy:nan", ",", "daisy:1e99"])
def test_what_is_no_class_is_a_sentence(text: str) -> None:
    with pytest.raises(LatentError, match=r"class|share"):
        parse_classes(text, NAMES)


@given(SHARES)
@settings(deadline=None, max_examples=60)
def test_what_is_written_is_read(given: list[float]) -> None:
    text = ", ".join(f"{name}:{share!r}" for name, share in zip(NAMES, given, strict=True))
    assert parse_classes(text, NAMES) == given


@given(st.text(max_size=40))
@settings(deadline=None, max_examples=60)
def test_no_text_breaks_it(text: str) -> None:
    try:
        found = parse_classes(text, NAMES)
    except LatentError:
        return
    assert len(found) == 3 and any(found) and all(math.isfinite(share) and share >= 0 for share in found)


@given(SHARES, SHARES, st.floats(-1, 2))
@settings(deadline=None, max_examples=60)
def test_a_fade_has_its_ends_and_keeps_proportions(first: list[float], second: list[float], t: float) -> None:
    assert mix(first, second, 0.0) == first and mix(first, second, 1.0) == second
    made = mix(first, second, t)
    if 0 < t < 1 and first != second:
        assert sum(made) == pytest.approx(1) and min(made) >= 0


def test_a_network_without_layers_noise_or_mapping_is_played() -> None:
    torch.manual_seed(0)
    net = DcganGenerator(DcganConfig(32, 8, 4, NAMES)).eval()
    net.survey(64)
    played = Played(net, "cpu", torch.float32)
    one, two = (played.w(played.z(4), played.shares(text, 0)) for text in ("daisy", "2"))
    assert torch.equal(one, net.seed_w(4, [1, 0, 0])) and not torch.equal(one, two)
    assert played.shares("", 4) == [0, 1, 0] and torch.equal(played.centre([0, 0, 1]), net.class_means[2])
    picture = played.picture(one[:, None], noise=1.0, phase=0.3)
    assert picture.shape == (3, 32, 32) and 0 <= float(picture.min()) and float(picture.max()) <= 1
