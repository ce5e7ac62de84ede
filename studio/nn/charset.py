"""The characters a text model knows, and how any other Unicode text is brought to them."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

MAX_CHARACTERS = 4096
"""Largest set of characters of a text model."""

_ALIKE = {
    "\t": " ", "\r": "\n", "\u2028": "\n", "\u2029": "\n", "\u2018": "'", "\u2019": "'", "\u201a": "'", "\u2032": "'",
    "`": "'", "\u00b4": "'", "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u00ab": '"', "\u00bb": '"', '"': "'",
    "\u2013": "-", "\u2014": "--", "\u2015": "--", "\u2212": "-", "_": "-", "~": "-", "\u2026": "...",
    "[": "(", "]": ")", "{": "(", "}": ")", "(": ",", ")": ",", "\u00df": "ss", "\u00e6": "ae", "\u00c6": "Ae",
    "\u0153": "oe", "\u0152": "Oe", "\u00f8": "o", "\u00d8": "O", "\u0142": "l", "\u0141": "L", "\u00f0": "d",
    "\u00d0": "D", "\u00fe": "th", "\u00de": "Th", "\u0131": "i", "&": "and", ";": ",", ":": ".", "*": "'",
}
"""What stands in for a character that is missing; tried again until a known character is met."""


class Charset:
    """An ordered set of characters; a character's token is its place in it."""

    def __init__(self, characters: Iterable[str]) -> None:
        """Raises ValueError when ``characters`` are not different single characters."""
        self.characters = tuple(characters)
        if not 1 <= len(self.characters) <= MAX_CHARACTERS:
            raise ValueError(f"a character set has {len(self.characters)} characters, not 1 to {MAX_CHARACTERS}")
        if not all(isinstance(c, str) and len(c) == 1 for c in self.characters):
            raise ValueError("a character set must be made of single characters")
        self.tokens = {character: token for token, character in enumerate(self.characters)}
        if len(self.tokens) != len(self.characters):
            raise ValueError("a character set must not hold a character twice")
        self._mapped: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self.characters)

    @classmethod
    def of(cls, text: str, *, least: int = 1) -> Charset:
        """The characters that occur at least ``least`` times in ``text``, in order of their code points."""
        counts = Counter(text)
        kept = sorted(c for c, n in counts.items() if n >= least)
        return cls((kept or sorted(counts))[:MAX_CHARACTERS])

    def grown(self, text: str, *, least: int = 1) -> Charset:
        """This set, and after it the characters that occur at least ``least`` times in ``text`` and are not in it."""
        counts = Counter(c for c in text if c not in self.tokens)
        new = sorted(c for c, n in counts.items() if n >= least)
        return Charset((*self.characters, *new[: MAX_CHARACTERS - len(self)]))

    def like(self, character: str) -> int:
        """The token that is read in place of ``character``: its own, that of a look-alike, or that of a space."""
        return self.tokens.get((self.stand_in(character) or " ")[0], self.tokens.get(" ", 0))

    def stand_in(self, character: str) -> str:
        """Known characters for any character: itself, a look-alike, without accents, in other case, or a space.

        '' only for marks and controls that carry nothing of their own.
        """
        if character in self.tokens:
            return character
        if character not in self._mapped:
            self._mapped[character] = self._find(character)
        return self._mapped[character]

    def _find(self, character: str, depth: int = 0) -> str:
        if character in self.tokens:
            return character
        if depth < 4:
            plain = unicodedata.normalize("NFKD", character)
            candidates = [plain[:8]] if plain != character else []
            candidates += [_ALIKE[character]] if character in _ALIKE else []
            candidates += [c for c in (character.lower(), character.upper()) if c != character]
            for candidate in candidates:
                found = "".join(self._find(c, depth + 1) for c in candidate)
                if found.strip() or (found and candidate.isspace()):
                    return found
        if unicodedata.category(character) in ("Mn", "Me", "Cf", "Cc", "Cs"):
            return ""
        if character.isalnum() or character.isspace() or unicodedata.category(character)[0] in "SPLZC":
            return " " if " " in self.tokens else ("\n" if "\n" in self.tokens else "")
        return ""

    def fold(self, text: str) -> tuple[str, str]:
        """``text`` in known characters only, and a sentence about what was mapped ('' when nothing was)."""
        if all(c in self.tokens for c in text):
            return text, ""
        composed = unicodedata.normalize("NFC", text.replace("\r\n", "\n"))
        folded = "".join(self.stand_in(c) for c in composed)
        unknown = Counter(c for c in composed if c not in self.tokens)
        if not unknown:
            return folded, ""
        shown = ", ".join(f"{_show(c)} → {_show(self.stand_in(c))}" for c, _ in unknown.most_common(8))
        more = f" and {len(unknown) - 8} more" if len(unknown) > 8 else ""
        return folded, f"characters the model does not know were mapped: {shown}{more}"

    def encode(self, text: str) -> NDArray[np.int64]:
        """Tokens of ``text``, int64 ``(characters,)``; unknown characters are mapped as ``fold`` does."""
        return np.array([self.tokens[c] for c in self.fold(text)[0]], np.int64)

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of ``tokens``."""
        return "".join(self.characters[token] for token in tokens)


def _show(text: str) -> str:
    if not text:
        return "nothing"
    if all(c.isprintable() and not c.isspace() for c in text):
        return text
    return "space" if text == " " else "+".join(f"U+{ord(c):04X}" for c in text)
