"""SVG of strokes: the lines themselves, their recipe, and refusals where there are none."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from studio.export import open_writer, read_recipe
from studio.export.svg import svg_text
from studio.files import FileError
from studio.media import Drawing, Stroke
from studio.nn.pen_files import read_strokes
from tests.export.test_writers import RECIPE


def drawing() -> Drawing:
    x = np.linspace(10.0, 90.0, 9, dtype=np.float32)
    wave = np.stack([x, 40.0 + 10.0 * np.sin(x / 9.0)], 1).astype(np.float32)
    dot = np.array([[50.0, 10.0]], np.float32)
    return Drawing(100, 80, (Stroke(wave, np.full(9, 3.0, np.float32), "#102030"),
                             Stroke(dot, np.array([4.0], np.float32), "#102030")), "#fff8e7")


def write(path: Path, made: Drawing | None = None, **options: str) -> Path:
    with open_writer(path, recipe=RECIPE, options=options) as writer:
        writer.add(np.zeros((80, 100, 3), np.uint8))
        if made is not None:
            writer.draw(made)
    return path


def test_strokes_come_back_as_they_were_drawn(tmp_path: Path) -> None:
    path = write(tmp_path / "a.svg", drawing(), lines="centre")
    pieces, skipped = read_strokes(path)
    assert skipped == []
    wave = pieces[0].strokes[0] * (1.0, -1.0)
    assert np.allclose(wave[::8], drawing().strokes[0].points, atol=0.011), "the curve goes through every point"
    assert read_recipe(path)["seed"] == RECIPE["seed"] and read_recipe(path)["options"]["lines"] == "centre"


def test_ink_has_the_width_of_the_pen(tmp_path: Path) -> None:
    flat = Stroke(np.array([[10, 20], [40, 20], [70, 20]], np.float32), np.array([2, 6, 2], np.float32))
    (path,) = re.findall(r' d="([^"]+)"', svg_text(Drawing(80, 40, (flat,))))
    heights = [float(y) for _, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", path)]
    assert max(heights) == pytest.approx(23.0, abs=0.02)
    assert "23.00" in path and "17.00" in path


def test_it_is_one_valid_picture_with_its_paper(tmp_path: Path) -> None:
    for ink in (True, False):
        root = ElementTree.fromstring(svg_text(drawing(), ink=ink, recipe=RECIPE))  # noqa: S314 - our own text
        assert root.attrib["viewBox"] == "0 0 100 80"
        assert [child.attrib.get("fill") for child in root][1] == "#fff8e7"
    assert "<rect" not in svg_text(drawing(), paper=False)
    assert svg_text(Drawing(5, 5, ())).endswith("</svg>\n")


def test_a_picture_without_strokes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="does not draw with a pen"):
        write(tmp_path / "a.svg")
    assert not (tmp_path / "a.svg").exists()
    with pytest.raises(TypeError, match="writes no strokes"), open_writer(tmp_path / "a.png") as writer:
        writer.draw(drawing())
