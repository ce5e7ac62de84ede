"""Texts of any encoding are read and cleaned, and everything that was changed is counted."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.files import FileError
from studio.training.corpus import read_documents
from studio.training.loop import TrainingError
from studio.training.text import TextRecipe, TextSettings
from studio.training.text_files import clean, guess, read_clean

VOICES = {
    "cp1251": "Ветер гуляет над морем, а ночь длинна, и никто не знает дороги домой. Так говорили старые люди.",
    "koi8-r": "Ветер гуляет над морем, а ночь длинна, и никто не знает дороги домой. Так говорили старые люди.",
    "shift_jis": "夜はながく、かぜは海のうえをわたる。だれもかえる道をしらないと、ふるい人たちはいった。",
    "euc_jp": "夜はながく、かぜは海のうえをわたる。だれもかえる道をしらないと、ふるい人たちはいった。",
    "gb18030": "夜很长，风在海上，他们说这个地方的人不知道回来的路，可是我们在这里。",
    "big5": "夜很長，風在海上，他們說這個地方的人不知道回來的路，可是我們在這裡。",
    "euc_kr": "밤은 길고 바람은 바다 위를 간다. 그 길을 아는 사람은 이 도시에 없다고 하는 이야기이다.",
    "iso8859-7": "Η νύχτα είναι μεγάλη και ο άνεμος περνά πάνω από τη θάλασσα.",
    "cp1255": "הלילה ארוך והרוח עוברת על הים ואיש אינו יודע את הדרך הביתה",
    "cp1250": "Noc jest długa, a wiatr idzie nad morzem; nikt już nie pamięta, którędy się wraca. Żółć, ćma, ślad.",
}
WESTERN = (
    "Die Nacht ist lang, und der Wind geht über das Meer; „Grüße“ – sagte er.", "L’été est à nous, où qu’il soit.",
    "El niño añora la mañana en la montaña.", "När natten är lång går vinden över sjön.", "Ærø, blåbær og rødgrød.",
    "Perché così è più lì che là, e però la città è già lassù.", "Não há coração que não põe à prova a canção do mês.",
)


@pytest.mark.parametrize("encoding", list(VOICES))
def test_an_encoding_is_told_by_its_letters(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "voice.txt"
    path.write_bytes((VOICES[encoding] * 4).encode(encoding))
    text, notices, _ = read_clean(path)
    assert text == VOICES[encoding] * 4 and encoding in notices[0]


@pytest.mark.parametrize("text", WESTERN)
def test_western_texts_and_unicode_are_not_mistaken(text: str, tmp_path: Path) -> None:
    path = tmp_path / "voice.txt"
    for data in (text.encode("cp1252"), text.encode(), codecs.BOM_UTF8 + text.encode(), text.encode("utf-16")):
        assert guess(data) == ""
        path.write_bytes(data)
        assert read_clean(path)[0] == text


def test_an_encoding_may_be_named(tmp_path: Path) -> None:
    path = tmp_path / "voice.txt"
    path.write_bytes("søvn og drøm".encode("cp865"))
    assert read_clean(path, "cp865")[0] == "søvn og drøm"
    with pytest.raises(FileError, match=r"'klingon' is not known; give one such as utf-8"):
        read_clean(path, "klingon")
    path.write_bytes(VOICES["cp1251"].encode("cp1251"))
    with pytest.raises(FileError, match=r"as utf-8: .* broken; name another"):
        read_clean(path, "utf-8")


def test_what_cannot_be_read_is_removed_and_counted() -> None:
    text, counts = clean("\ufeffa\u00adb\u200bc\x07\u00a0d\r\ne\x0cf\u2028g cafe\u0301 \ufffd")
    assert text == "abc d\ne\nf\ng café "
    assert counts == {
        "byte order marks removed": 1, "soft hyphens removed": 1, "zero-width spaces removed": 1,
        "control characters removed": 1, "odd spaces replaced by plain ones": 1, "foreign line ends replaced": 1,
        "page and line separators replaced by line ends": 2, "letters put together from base and accent": 1,
        "broken characters removed": 1,
    }
    # what belongs to a voice stays: indents, blank lines, signs, and joiners where a script needs them
    for voice in ("\t“No,” he said—\n\n\n   never…", "क्\u200dष", "👩\u200d🚀"):
        assert clean(voice) == (voice, {})


@given(st.text())
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    once, counts = clean(text)
    again, more = clean(once)
    assert again == once and not more
    assert (once == text) == (not counts)


def test_the_report_says_what_was_cleaned_and_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("soft\u00adly " * 3, encoding="utf-8")
    (tmp_path / "b.txt").write_bytes(VOICES["koi8-r"].encode("koi8-r"))
    (tmp_path / "c.txt").write_text(" \n\n", encoding="utf-8")
    (tmp_path / "d.txt").write_bytes(bytes(range(256)) * 20)
    documents, report = read_documents(tmp_path, "none")
    assert [document.path.name for document in documents] == ["a.txt", "b.txt"]
    assert documents[0].text == "softly " * 3
    assert "3 soft hyphens removed" in report["notices"] and any("koi8-r" in line for line in report["notices"])
    assert any("c.txt has no text" in line for line in report["skipped"])
    assert any("d.txt" in line and "not a text file" in line for line in report["skipped"])


def test_a_text_shorter_than_a_window_is_learned_or_refused_with_what_is_needed(tmp_path: Path) -> None:
    path = tmp_path / "short.txt"
    path.write_text("ab " * 40, encoding="utf-8")
    made = TextRecipe(TextSettings(window=500, batch=2))
    made.prepare(path)
    assert made.window <= 54  # what a stream has
    path.write_text("ab", encoding="utf-8")
    with pytest.raises(TrainingError, match=r"2 characters; at least \d+ are needed"):
        TextRecipe(TextSettings(batch=2)).prepare(path)
    path.write_text(" \n ", encoding="utf-8")
    with pytest.raises(TrainingError, match=r"short\.txt has no text in it"):
        TextRecipe(TextSettings(batch=2)).prepare(path)
