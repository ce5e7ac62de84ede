"""Colours of voices, names of drums and keys, and the faces to read in."""

from __future__ import annotations

from PySide6.QtGui import QColor, QFont, QFontDatabase

from studio.ui import theme

DRUMS = 9
_VOICES = ("notes", "text_media", "audio", "image", "accent", "good", "warning", "dim")
KEYS = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")
BLACK = frozenset({1, 3, 6, 8, 10})

DRUM_NAMES = {
    35: "Bass drum 2", 36: "Bass drum", 37: "Side stick", 38: "Snare", 39: "Clap", 40: "Snare rim", 41: "Floor tom",
    42: "Hi-hat", 43: "Floor tom 2", 44: "Hi-hat pedal", 45: "Low tom", 46: "Open hi-hat", 47: "Mid tom",
    48: "High-mid tom", 49: "Crash", 50: "High tom", 51: "Ride", 52: "China", 53: "Ride bell", 54: "Tambourine",
    55: "Splash", 56: "Cowbell", 57: "Crash 2", 58: "Tom rim", 59: "Ride 2", 22: "Hi-hat edge", 26: "Open hat edge",
    60: "High bongo", 61: "Low bongo", 62: "Muted conga", 63: "Open conga", 64: "Low conga", 69: "Cabasa",
    70: "Maracas", 75: "Claves", 76: "Wood block", 77: "Low block", 80: "Muted triangle", 81: "Triangle", 82: "Shaker",
}

_SERIF = ("Source Serif 4", "Source Serif Pro", "Charter", "Iowan Old Style", "Noto Serif", "Georgia", "Cambria",
          "Libertinus Serif", "Liberation Serif", "DejaVu Serif")


def channel_color(channel: int) -> QColor:
    """The colour of a channel's notes."""
    return theme.color(_VOICES[channel % len(_VOICES)] if channel != DRUMS else "notes")


def key_name(pitch: int) -> str:
    """C4 is the middle one."""
    return f"{KEYS[pitch % 12]}{pitch // 12 - 1}"


def drum_name(pitch: int) -> str:
    """The drum that a pitch is on every General MIDI kit."""
    return DRUM_NAMES.get(pitch, f"Drum {pitch}")


def drum_color(pitch: int) -> QColor:
    """Drums in families: skins, metal that is closed or open, cymbals, the rest."""
    if pitch in (35, 36):
        return theme.color("notes")
    if pitch in (37, 38, 39, 40):
        return theme.color("text_media")
    if pitch in (22, 26, 42, 44, 46):
        return theme.color("audio")
    if pitch in (41, 43, 45, 47, 48, 50, 58):
        return theme.color("accent")
    if pitch in (49, 51, 52, 53, 55, 57, 59):
        return theme.color("image")
    return theme.color("good")


def reading_font(mono: bool = False) -> QFont:
    """A face to read pages in."""
    if mono:
        font = theme.font("mono")
        font.setPixelSize(theme.px(14))
        return font
    there = set(QFontDatabase.families())
    font = QFont()
    face = next((name for name in _SERIF if name in there), "")
    if face:
        font.setFamily(face)
    font.setStyleHint(QFont.StyleHint.Serif)
    font.setPixelSize(theme.px(15 if face == "DejaVu Serif" else 17))
    return font


def chance_color(chance: float | None) -> QColor:
    """Sure is calm, a surprise is warm; None (given, not chosen) is neutral."""
    if chance is None:
        return theme.color("edge")
    calm, warm, hot = theme.color("audio"), theme.color("text_media"), theme.color("danger")
    share = min(1.0, max(0.0, chance)) ** 0.5
    return theme.blend(warm, calm, (share - 0.5) * 2) if share > 0.5 else theme.blend(hot, warm, share * 2)


def shown(character: str) -> str:
    """A character as something that can be seen."""
    return {"\n": "⏎", " ": "␣", "\t": "⇥"}.get(character, character)
