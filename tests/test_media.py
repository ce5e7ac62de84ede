"""Media: whatever a generator returns becomes a host frame or a sentence."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.media import Audio, MediaError, Note, Notes, check_audio, check_notes, to_float, to_frame

RNG = np.random.default_rng(1)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_are_rounded_and_clamped(dtype: type) -> None:
    picture = np.array([[[0.0, 0.5, 1.0], [-1.0, 2.0, 0.25]]], dtype)
    assert to_frame(picture).tolist() == [[[0, 128, 255], [0, 255, 64]]]


def test_every_level_survives_the_way_to_floats_and_back() -> None:
    levels = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    assert (to_frame(to_float(levels)) == levels).all()


@pytest.mark.parametrize(
    "odd",
    [
        RNG.random((5, 7)), RNG.random((5, 7, 1)), RNG.random((5, 7, 4)), RNG.random((3, 7, 5)).T,
        np.asfortranarray(RNG.random((5, 7, 3))), RNG.random((10, 14, 3))[::2, ::-2],
        (RNG.random((5, 7, 3)) * 255).astype(np.uint8)[:, ::-1], np.float32(1e30) * np.ones((5, 7, 3), np.float32),
    ],
)
def test_odd_but_usable_pictures_become_contiguous_frames(odd: np.ndarray) -> None:
    frame = to_frame(odd)
    assert frame.shape == (5, 7, 3) and frame.dtype == np.uint8 and frame.flags.c_contiguous


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (None, "NoneType"), ("text", "str"), (np.zeros((0, 4, 3)), "shape"), (np.zeros((4, 4, 2)), "shape"),
        (np.zeros(5), "shape"), (np.zeros((3, 40, 50)), r"transpose\(1, 2, 0\)"),
        (np.zeros((4, 4, 3), np.int32), "int32"),
        (np.zeros((4, 4, 3), complex), "complex"), (np.zeros((4, 4, 3), object), "object"),
        (np.full((4, 4, 3), np.nan, np.float32), "NaN"), (np.full((4, 4, 3), np.inf), "infinity"),
        (np.broadcast_to(np.float32(0), (60_000, 60_000, 3)), "larger than"),
    ],
)
def test_pictures_that_cannot_be_shown_are_a_sentence(bad: object, says: str) -> None:
    with pytest.raises(MediaError, match=says):
        to_frame(bad)


def test_one_nan_among_a_million_is_found() -> None:
    picture = np.zeros((512, 512, 3), np.float32)
    picture[300, 200, 1] = math.nan
    with pytest.raises(MediaError, match="NaN"):
        to_frame(picture)
    with pytest.raises(MediaError, match="NaN"):
        to_float(picture)


def test_a_frame_is_not_the_array_that_the_generator_goes_on_painting() -> None:
    for canvas in (np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4, 3), np.float32)):
        frame, floats = to_frame(canvas), to_float(canvas)
        canvas[:] = 1
        assert frame.max() == 0 and floats.max() == 0


def test_tensors() -> None:
    torch = pytest.importorskip("torch")
    picture = RNG.random((5, 7, 3)).astype(np.float32)
    tensor = torch.from_numpy(picture).permute(2, 0, 1)
    assert (to_frame(tensor) == to_frame(picture)).all()
    assert (to_frame(tensor[None].requires_grad_()) == to_frame(picture)).all()
    assert (to_float(tensor) == picture).all()
    assert to_frame(tensor[:1]).shape == (5, 7, 3)
    assert to_frame(tensor.to(torch.bfloat16)).shape == (5, 7, 3)
    levels = (tensor * 255).byte()
    frame = to_frame(levels)
    levels.zero_()
    assert frame.max() > 0
    whole, nan = torch.zeros(3, 4, 4).long(), torch.full((3, 4, 4), math.nan)
    for bad in (torch.zeros(3, 0, 4), torch.zeros(2, 3, 4), nan, whole):
        with pytest.raises(MediaError):
            to_frame(bad)
    with pytest.raises(MediaError, match="larger than"):
        to_frame(torch.zeros(1).expand(3, 60_000, 60_000))


NOTE = Note(60, 100, 0.0, 1.0)


@pytest.mark.parametrize(
    "note",
    [
        Note(128, 1, 0, 1), Note(-1, 1, 0, 1), Note(60, 0, 0, 1), Note(60, 128, 0, 1), Note(60, 1, -1, 1),
        Note(60, 1, 0, 0), Note(60, 1, math.nan, 1), Note(60, 1, 0, math.inf), Note(60, 1, 0, 1, 16),
        Note(60.5, 1, 0, 1), "C4",
    ],
)
def test_notes_that_cannot_be_played_are_named(note: object) -> None:
    with pytest.raises(MediaError, match="note 1 of a block"):
        check_notes(Notes((NOTE, note), 4.0))


@given(st.floats())
def test_the_length_of_a_block_is_checked(length: float) -> None:
    block = Notes((NOTE,), length)
    if 0 <= length <= 100_000:
        assert check_notes(block) is block
    else:
        with pytest.raises(MediaError, match="length"):
            check_notes(block)


@pytest.mark.parametrize(
    "sound",
    [
        "la", Audio(np.zeros(8, np.float32)), Audio(np.zeros((8, 2))), Audio(np.zeros((8, 0), np.float32)),
        Audio(np.full((8, 1), np.nan, np.float32)), Audio(np.zeros((8, 2), np.float32), 0),
    ],
)
def test_sound_that_cannot_be_played_is_a_sentence(sound: object) -> None:
    with pytest.raises(MediaError):
        check_audio(sound)


def test_good_sound_passes() -> None:
    sound = Audio(np.zeros((8, 2), np.float32))
    assert check_audio(sound) is sound
