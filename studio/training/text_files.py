"""Texts of strangers as clean text: whatever their encoding, with a count of everything that was changed.

What is removed or replaced carries nothing that one reads: invisible marks, control characters, odd spaces, letters
written as a base and an accent. Blank lines, indents and typographic signs stay: they are part of a voice.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from pathlib import Path

from studio.files import MAX_TEXT_BYTES, FileError, read_bytes, read_text, short_path

_INVISIBLE = {
    "\ufeff": "byte order marks", "\u200b": "zero-width spaces", "\u200c": "zero-width joiners",
    "\u200d": "zero-width joiners", "\u2060": "zero-width joiners", "\u00ad": "soft hyphens",
    "\u200e": "direction marks", "\u200f": "direction marks", "\u202a": "direction marks", "\u202b": "direction marks",
    "\u202c": "direction marks", "\u202d": "direction marks", "\u202e": "direction marks",
}
_LINES = {"\f": "page and line separators", "\v": "page and line separators", "\u0085": "page and line separators",
          "\u2028": "page and line separators", "\u2029": "page and line separators"}
_SPACES = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
# joiners are part of how these scripts and emoji are written
_JOINED = re.compile("[\u0600-\u06ff\u0900-\u0dff\u1000-\u109f\u1780-\u17ff\U0001f000-\U0001faff]")

_COMMON = {
    "cp1251": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфё", "koi8-r": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфё",
    "iso8859-7": "αοιετσηνυρπκμλωδγθςχάέήίόύώβφξζψ", "cp1255": "יוהלאמרתבשנכעחדפקטגצסזםןךףץ",
    "cp1256": "اليمنوترهبدسعفكقحجشطصخضذثةغئءزىأإ",
    "shift_jis": "のにはをたがでてとしれさあいうえおかきくけこなるりもっんよすらどま、。",
    "euc_jp": "のにはをたがでてとしれさあいうえおかきくけこなるりもっんよすらどま、。",
    "gb18030": "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对，。",
    "big5": "的一是不了在人有我他這個們中來上大為和國地到以說時要就出會可也你對，。",
    "euc_kr": "이다는을에의가고한하를은로도지기사나리어그자있것",
}
"""Letters that make up most of a text in each encoding that is guessed."""
_CENTRAL = (("ł", "ąćęłńśźż"), ("ř", "čďěňřšťůž"), ("ž", "čšžćđ"), ("ű", "őű"), ("ţ", "ăşţ"))
"""Letters of the languages of cp1250 that Latin-1 lacks; the first has to be there, and two more."""
SAMPLE = 100_000
CERTAIN = 0.35
"""Share of the letters beyond ASCII that must be common ones for a guess."""


def read_clean(path: Path, encoding: str = "") -> tuple[str, list[str], Counter[str]]:
    """A text file cleaned, notices about its encoding, and how much of what was changed.

    ``encoding`` names one (such as ``shift_jis``); '' finds it out: Unicode by its marks and form, else the encoding in
    which most letters are those that its languages use, else Latin-1. Raises FileError.
    """
    if not encoding:
        encoding = guess(read_bytes(path, limit=MAX_TEXT_BYTES))
        how = "was guessed to be"
    else:
        how = "was read as"
    if not encoding:
        text, notice = read_text(path)
        notices = [notice] if notice else []
    else:
        data = read_bytes(path, limit=MAX_TEXT_BYTES)
        try:
            text = data.decode(encoding, "replace")
        except LookupError:
            cure = "give one such as utf-8, cp1251, koi8-r, shift_jis, gb18030"
            raise FileError(f"encoding: {encoding!r} is not known; {cure}") from None
        broken = text.count("\ufffd")
        if broken > max(8, 0.02 * len(text)):
            raise FileError(f"cannot read {short_path(path)} as {encoding}: {broken:,} of {len(text):,} characters are "
                            "broken; name another encoding, or none")
        notices = [f"{path.name}: {how} {encoding}" + (f"; {broken:,} broken characters" if broken else "")]
    cleaned, counts = clean(text)
    return cleaned, notices, counts


def clean(text: str) -> tuple[str, Counter[str]]:
    """Text without what cannot be read, and how much of what was removed or replaced. Clean text stays as it is."""
    counts: Counter[str] = Counter()
    breaks = text.count("\r\n") + text.replace("\r\n", "").count("\r")
    if breaks:
        counts["foreign line ends replaced"] = breaks
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    joins = bool(_JOINED.search(text))
    for mark, name in _INVISIBLE.items():
        found = text.count(mark)
        if found and not (joins and name == "zero-width joiners"):
            counts[f"{name} removed"] += found
            text = text.replace(mark, "")
    for mark, name in _LINES.items():
        found = text.count(mark)
        if found:
            counts[f"{name} replaced by line ends"] += found
            text = text.replace(mark, "\n")
    spaces = sum(text.count(space) for space in _SPACES)
    if spaces:
        counts["odd spaces replaced by plain ones"] += spaces
        text = text.translate(dict.fromkeys(map(ord, _SPACES), " "))
    controls = re.findall("[\x00-\x08\x0e-\x1f\x7f-\x9f]", text)
    if controls:
        counts["control characters removed"] += len(controls)
        text = re.sub("[\x00-\x08\x0e-\x1f\x7f-\x9f]", "", text)
    composed = unicodedata.normalize("NFC", text)
    if composed != text:
        counts["letters put together from base and accent"] += max(1, len(text) - len(composed))
    broken = composed.count("\ufffd")
    if broken:
        counts["broken characters removed"] += broken
        composed = composed.replace("\ufffd", "")
    return composed, counts


def told(counts: Counter[str]) -> list[str]:
    """Counts as lines of a report, the largest first."""
    return [f"{count:,} {what}" for what, count in counts.most_common()]


def guess(data: bytes) -> str:
    """The encoding of a text that is not Unicode, where its letters tell; '' for Unicode and for Latin-1."""
    sample = data[:SAMPLE]
    if sample[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in sample or _is_utf8(sample):
        return ""
    best, name = CERTAIN, ""
    for encoding, letters in _COMMON.items():
        share = _share(sample, encoding, letters)
        if share > best:
            best, name = share, encoding
    return name or ("cp1250" if _is_central(sample) else "")


def _is_central(sample: bytes) -> bool:
    """Whether it is in a language of cp1250, with letters that Latin-1 lacks, between plain ones."""
    text = sample.decode("cp1250", "replace")
    if sum(ord(character) > 127 for character in text) > sum(c.isascii() and c.isalpha() for c in text):
        return False
    return any(
        sure in text and sum(letter in text for letter in letters) >= min(3, len(letters)) for sure, letters in _CENTRAL
    )


def _is_utf8(sample: bytes) -> bool:
    """Whether it is UTF-8, or mostly."""
    beyond = sum(byte > 127 for byte in sample)
    if not beyond:
        return True
    return sample.decode("utf-8", "replace").count("\ufffd") < 0.05 * beyond


def _share(sample: bytes, encoding: str, letters: str) -> float:
    """Share of the characters beyond ASCII that are common letters of the encoding; 0 where it does not fit."""
    text = sample.decode(encoding, "replace")
    beyond = [character for character in text if ord(character) > 127]
    if not beyond or sum(character == "\ufffd" for character in beyond) > 0.02 * len(beyond) + 1:
        return 0.0
    known = set(letters)
    plain = sum(character.isascii() and character.isalpha() for character in text)
    # scripts of their own: most letters are theirs
    return sum(character in known for character in beyond) / len(beyond) if len(beyond) > plain else 0.0
