"""The little pictures that the style sheet needs (arrows, switches): drawn from the tokens.

``python -m studio.ui.theme.images`` writes them again after a colour was changed; a test compares.
"""

from __future__ import annotations

from studio.ui.theme import tokens

_CHEVRONS = {"down": "M4 6l4 4 4-4", "up": "M4 10l4-4 4 4", "right": "M6 4l4 4-4 4", "left": "M10 4L6 8l4 4"}


def _svg(width: int, height: int, body: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">{body}</svg>\n'
    )


def _stroke(path: str, color: str, width: float = 1.5) -> str:
    return (
        f'<path d="{path}" fill="none" stroke="{color}" stroke-width="{width}" '
        'stroke-linecap="round" stroke-linejoin="round"/>'
    )


def _switch(track: str, border: str, knob: str, on: bool) -> str:
    return _svg(
        30, 18,
        f'<rect x="0.75" y="0.75" width="28.5" height="16.5" rx="8.25" fill="{track}" stroke="{border}" '
        f'stroke-width="1.5"/><circle cx="{20.5 if on else 9.5}" cy="9" r="5.25" fill="{knob}"/>',
    )


def _radio(ground: str, border: str, dot: str) -> str:
    ring = f'<circle cx="8" cy="8" r="7" fill="{ground}" stroke="{border}" stroke-width="1.5"/>'
    return _svg(16, 16, ring + (f'<circle cx="8" cy="8" r="3.5" fill="{dot}"/>' if dot else ""))


def _box(ground: str, border: str, mark: str, path: str = "M4.5 8.2l2.4 2.4 4.6-5") -> str:
    box = f'<rect x="1" y="1" width="14" height="14" rx="4" fill="{ground}" stroke="{border}" stroke-width="1.5"/>'
    return _svg(16, 16, box + (_stroke(path, mark, 1.8) if mark else ""))


def draw(theme: tokens.Tokens) -> dict[str, str]:
    """File name → SVG text."""
    c = theme.colors
    images: dict[str, str] = {}
    for name, path in _CHEVRONS.items():
        images[f"chevron-{name}.svg"] = _svg(16, 16, _stroke(path, c["dim"]))
        images[f"chevron-{name}-hover.svg"] = _svg(16, 16, _stroke(path, c["text"]))
        images[f"chevron-{name}-disabled.svg"] = _svg(16, 16, _stroke(path, c["disabled"]))
    images["switch-off.svg"] = _switch(c["field"], c["edge"], c["dim"], False)
    images["switch-off-hover.svg"] = _switch(c["field"], c["dim"], c["text"], False)
    images["switch-off-focus.svg"] = _switch(c["field"], c["accent"], c["text"], False)
    images["switch-off-disabled.svg"] = _switch(c["panel"], c["line"], c["disabled"], False)
    images["switch-on.svg"] = _switch(c["accent"], c["accent"], c["on_accent"], True)
    images["switch-on-hover.svg"] = _switch(c["accent"], c["text"], c["on_accent"], True)
    images["switch-on-focus.svg"] = images["switch-on-hover.svg"]
    images["switch-on-disabled.svg"] = _switch(c["pressed"], c["line"], c["disabled"], True)
    images["radio-off.svg"] = _radio(c["field"], c["edge"], "")
    images["radio-off-hover.svg"] = _radio(c["field"], c["dim"], "")
    images["radio-off-focus.svg"] = _radio(c["field"], c["accent"], "")
    images["radio-off-disabled.svg"] = _radio(c["panel"], c["line"], "")
    images["radio-on.svg"] = _radio(c["accent"], c["accent"], c["on_accent"])
    images["radio-on-focus.svg"] = _radio(c["accent"], c["text"], c["on_accent"])
    images["radio-on-disabled.svg"] = _radio(c["pressed"], c["line"], c["disabled"])
    images["box-off.svg"] = _box(c["field"], c["edge"], "")
    images["box-off-hover.svg"] = _box(c["field"], c["dim"], "")
    images["box-off-disabled.svg"] = _box(c["panel"], c["line"], "")
    images["box-on.svg"] = _box(c["accent"], c["accent"], c["on_accent"])
    images["box-on-disabled.svg"] = _box(c["pressed"], c["line"], c["disabled"])
    images["box-partly.svg"] = _box(c["accent"], c["accent"], c["on_accent"], "M5 8h6")
    for name, path in (("closed", "M8.5 7l3 3-3 3"), ("open", "M7 8.5l3 3 3-3")):
        images[f"branch-{name}.svg"] = _svg(20, 20, _stroke(path, c["dim"], 1.3))
    images["check.svg"] = _svg(16, 16, _stroke("M3.5 8.5l3 3 6-7", c["accent"], 1.8))
    images["close.svg"] = _svg(16, 16, _stroke("M4.5 4.5l7 7M11.5 4.5l-7 7", c["dim"]))
    images["close-hover.svg"] = _svg(16, 16, _stroke("M4.5 4.5l7 7M11.5 4.5l-7 7", c["text"]))
    images["float.svg"] = _svg(16, 16, _stroke("M6.5 3.5h6v6M12.5 3.5l-7 7M9.5 12.5h-6v-6", c["dim"]))
    images["grip.svg"] = _svg(
        16, 16, "".join(f'<circle cx="{x}" cy="{y}" r="1" fill="{c["faint"]}"/>' for x in (6, 10) for y in (4, 8, 12))
    )
    return images


def write() -> None:
    """Write every variant's pictures beside its tokens."""
    for name in tokens.NAMES:
        target = tokens.folder() / name
        target.mkdir(exist_ok=True)
        for file, text in draw(tokens.load(name)).items():
            (target / file).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
