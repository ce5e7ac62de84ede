"""Strokes from files: every layout, what is left out and why; SVG paths; bringing them to one size and pace."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.nn.pen_files import PieceFault, Written, checked, pen_points, read_strokes, to_json, unit_of
from studio.nn.svg_paths import PathFault, path_strokes

IAM = """<?xml version="1.0"?><WhiteboardCaptureSession><StrokeSet>
<Stroke colour="black"><Point x="10" y="20" time="0.1"/><Point x="12" y="25" time="0.2"/></Stroke>
<Stroke><Point x="15" y="20" time="0.3"/></Stroke></StrokeSet></WhiteboardCaptureSession>"""


def own(*pieces: Any) -> str:
    return json.dumps({"format": "reverie.handwriting", "format_version": 1, "pieces": list(pieces)})


def test_every_layout_is_read_with_its_text(tmp_path: Path) -> None:
    lines, ascii_ = tmp_path / "lineStrokes" / "a01" / "a01-000", tmp_path / "ascii" / "a01" / "a01-000"
    lines.mkdir(parents=True)
    ascii_.mkdir(parents=True)
    (lines / "a01-000u-02.xml").write_text(IAM)
    (ascii_ / "a01-000u.txt").write_text("OCR:\n\nx\n\nCSR:\n\nfirst line\nsecond one\n")
    drawing = {"word": "cat", "drawing": [[[0, 5, 9], [0, 4, 1]], [[3], [3]]]}
    (tmp_path / "cats.ndjson").write_text(json.dumps(drawing) + "\n\nbroken\n")
    (tmp_path / "mine.json").write_text(own({"text": "  an  a ", "strokes": [[[0, 0], [1, 2], [3, 1]]]}, {"text": "b"}))
    (tmp_path / "hi.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg"><title>hi you</title><path d="M0,0 10,5 h5"/>'
        '<g><polyline points="1,2 3,4"/></g></svg>'
    )
    pieces, skipped = read_strokes(tmp_path)
    found = {piece.text: [stroke.tolist() for stroke in piece.strokes] for piece in pieces}
    assert found["second one"] == [[[10.0, -20.0], [12.0, -25.0]], [[15.0, -20.0]]], "y grows upwards"
    assert found["cat"] == [[[0.0, 0.0], [5.0, -4.0], [9.0, -1.0]], [[3.0, -3.0]]]
    assert found["an a"] == [[[0.0, 0.0], [1.0, -2.0], [3.0, -1.0]]]
    assert found["hi you"] == [[[0.0, 0.0], [10.0, -5.0], [15.0, -5.0]], [[1.0, -2.0], [3.0, -4.0]]]
    assert len(skipped) == 2 and skipped[0].startswith("cats.ndjson 2:") and skipped[1].startswith("mine.json 2:")


@pytest.mark.parametrize(("name", "content", "why"), [
    ("a.xml", IAM, "there is no text for it"),
    ("a.xml", "<a><b></a>", "no readable XML"),
    ("a.xml", '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "defines entities"),
    ("a.xml", "<a/>", "has no <Stroke>"),
    ("a.svg", '<svg><path d="M0 0 A 1 1 0 0 0 5 5"/></svg>', "has an arc"),
    ("a.svg", '<svg><g transform="scale(2)"/></svg>', "is transformed"),
    ("a.svg", "<svg/>", "it has 0 points"),
    ("a.json", "[]", "it is not"),
    ("a.json", own({"text": "a", "strokes": [[[0, 0], [0, 0], [0, 0]]]}), "all its points are one"),
    ("a.json", own({"text": "a", "strokes": [[[0, 0], [1e300, 0], [0, 0]]]}), "no usable|not a usable"),
    ("a.json", own({"text": "a", "strokes": [[[0], [1], [2]]]}), "not a list of"),
    ("a.bin", "", "not one of"),
])
def test_what_cannot_be_used_is_a_sentence(tmp_path: Path, name: str, content: str, why: str) -> None:
    (tmp_path / name).write_text(content)
    pieces, skipped = read_strokes(tmp_path / name)
    assert pieces == [] and len(skipped) == 1
    assert skipped[0].startswith(name) and re.search(why, skipped[0])


def test_entities_in_another_encoding_are_refused_too(tmp_path: Path) -> None:
    (tmp_path / "a.svg").write_bytes('<!DOCTYPE a [<!ENTITY x "y">]><svg>&x;</svg>'.encode("utf-16"))
    assert "entities" in read_strokes(tmp_path / "a.svg")[1][0]


strokes = st.lists(
    st.lists(st.tuples(st.floats(-100, 100), st.floats(-100, 100)), min_size=1, max_size=6), min_size=1, max_size=4
)


@given(strokes)
@settings(max_examples=60, deadline=None)
def test_our_own_layout_goes_out_and_in(made: list[list[tuple[float, float]]]) -> None:
    try:
        given_strokes = checked(made)
    except PieceFault:
        return
    text = json.loads(to_json([("x", list(given_strokes))]))["pieces"][0]["strokes"]
    for a, b in zip(given_strokes, (np.array(s) for s in text), strict=True):
        assert np.allclose(a * (1.0, -1.0), b, atol=6e-4)


@given(st.text(alphabet="MmLlHhVvCcSsQqTtZz0123456789.,- eE", max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_path_is_read_or_refused(d: str) -> None:
    try:
        found = path_strokes(d)
    except PathFault:
        return
    assert all(len(stroke) > 1 for stroke in found)


def test_curves_of_paths_are_those_of_the_standard() -> None:
    (line,) = path_strokes("M0,0 C0,4 4,4 4,0 s4-4 4,0")
    assert line[4] == pytest.approx((2.0, 3.0)) and line[8] == pytest.approx((4.0, 0.0))
    assert line[12] == pytest.approx((6.0, -3.0)), "the mirrored handle"
    assert path_strokes("m1 1 2 0 0 2z")[0] == [(1, 1), (3, 1), (3, 3), (1, 1)]
    assert path_strokes("M0 0 Q1 2 2 0 T4 0")[0][12] == pytest.approx((3.0, -1.0))


def test_offsets_add_up_to_the_strokes_and_mark_the_lifts() -> None:
    strokes = (np.array([[5.0, 5.0], [5.3, 5.2], [5.6, 5.0]]), np.array([[7.0, 4.0], [7.3, 4.4]]))
    points = pen_points(strokes, 1.0, even=False)
    assert points[0].tolist() == [0.0, 0.0, 0.0] and points[:, 2].tolist() == [0, 0, 1, 0, 1]
    assert np.allclose(np.cumsum(points[:, :2], 0) + strokes[0][0], np.vstack(strokes), atol=1e-5)


def test_dense_strokes_are_thinned_and_long_steps_divided() -> None:
    slow = np.stack([np.linspace(0, 4, 400), np.zeros(400)], 1)
    assert 8 <= len(pen_points((slow,), 1.0)) <= 14
    far = np.array([[0.0, 0.0], [8.0, 0.0]])
    steps = pen_points((far,), 1.0)[1:, 0]
    assert len(steps) == 10 and steps.sum() == pytest.approx(8.0)


def test_the_unit_is_the_height_of_a_small_x() -> None:
    from studio.training.handwriting_pen import Hand, write_line

    rng = np.random.default_rng(0)
    hand = Hand(drift=0.0, swell=0.0)
    texts = ("the day lights", "figures of joy")
    made = [Written("", tuple(s * 37.0 for s in write_line(text, hand, rng)), "") for text in texts]
    assert unit_of(made) == pytest.approx(37.0, rel=0.15)
