"""Words for what controls can be set to, in one place."""

from __future__ import annotations

from studio.control import midi
from studio.control.binding import AUDIO, MODULATOR, OSC, Binding, Source

MODES = (
    ("as it fits", "auto"), ("absolute", "absolute"), ("toggle", "toggle"), ("momentary", "momentary"),
)
MODE_TIPS = ("A pad switches switches over and fires actions, everything else follows the control. Toggle: each press "
             "goes to the other end. Momentary: as long as it is held")
TAKEOVERS = (("pick up", "pickup"), ("scale", "scale"), ("jump", "jump"))
TAKEOVER_TIP = ("What a knob does that stands elsewhere than the value. Pick up: nothing until it passes the value. "
                "Scale: moves at once, and arrives at the ends together. Jump: at once to where the knob is")
CURVES = (("linear", "linear"), ("fine at the low end", "exp"), ("fine at the high end", "log"),
          ("fine at both ends", "s"))
ENCODERS = (("a knob or fader", ""), ("encoder, two's complement", "twos"), ("encoder, offset from 64", "offset"),
            ("encoder, sign bit", "sign"))


def port_text(source: Source) -> str:
    """Where a source comes from, for people."""
    if source.kind in midi.KINDS:
        return source.device or "any port"
    return {OSC: "OSC", AUDIO: "audio in", MODULATOR: "modulator"}.get(source.kind, source.kind)


def options_text(binding: Binding) -> str:
    """What differs from a plain binding, in a few words."""
    plain = Binding(binding.source, binding.target)
    parts = []
    if (binding.low, binding.high) != (plain.low, plain.high):
        parts.append(f"{100 * binding.low:.0f}–{100 * binding.high:.0f} %")
    if binding.invert:
        parts.append("inverted")
    if binding.curve != plain.curve:
        parts.append({"exp": "fine low", "log": "fine high", "s": "S curve"}.get(binding.curve, binding.curve))
    if binding.smooth:
        parts.append(f"{binding.smooth:g} s")
    if binding.mode != plain.mode:
        parts.append(binding.mode)
    if binding.takeover != plain.takeover:
        parts.append(binding.takeover)
    if not binding.feedback:
        parts.append("no feedback")
    return " · ".join(parts)
