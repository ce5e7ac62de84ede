"""Texts and their labels: front matter, tables, sub-folders, what is left out and why."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.training.corpus import by_labels, joined, labels_of, read_documents, read_table
from studio.training.loop import TrainingError


def write(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        path = folder / f"{name.replace('__', '/')}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def test_folders_are_labels(tmp_path: Path) -> None:
    write(tmp_path, carroll__dark__a="one", carroll__light__b="two", milne__light__c="three", d="four")
    documents, report = read_documents(tmp_path)
    assert by_labels(documents) == {
        (("folder", "carroll"), ("folder 1", "dark")): "one", (("folder", "carroll"), ("folder 1", "light")): "two",
        (): "four", (("folder", "milne"), ("folder 1", "light")): "three",
    }
    assert labels_of(documents) == [
        ("folder", "carroll"), ("folder", "milne"), ("folder 1", "dark"), ("folder 1", "light")]
    assert "folder carroll: 6 characters" in report["labels"]
    assert not labels_of(read_documents(tmp_path, "none")[0])
    assert [value for _, value in labels_of(read_documents(tmp_path, "files")[0])] == ["a", "b", "c", "d"]


def test_front_matter_is_read_and_is_no_part_of_the_text(tmp_path: Path) -> None:
    write(
        tmp_path, a="---\nauthor: Lewis Carroll\nrating: 5\nbook: Alice\n---\n\nDown the hole\n",
        b='---\nAuthor: "Milne"\nrating: 3\nbook: Alice\n---\nA bear', c="---\nnot: it\nas this line shows\n---\nend",
        d="--- a dash, and text",
    )
    documents, report = read_documents(tmp_path)
    assert [document.text for document in documents] == [
        "Down the hole\n", "A bear", "---\nnot: it\nas this line shows\n---\nend", "--- a dash, and text"]
    assert documents[0].labels == (("author", "Lewis Carroll"), ("rating", "5"))
    assert documents[1].labels == (("author", "Milne"), ("rating", "3")) and documents[2].labels == ()
    assert any("field book is left out" in line for line in report["notices"])


def test_a_table_names_files_and_front_matter_is_stronger(tmp_path: Path) -> None:
    write(tmp_path, a="one", x__b="two", c="---\nmood: calm\n---\nthree", d="four")
    (tmp_path / "labels.csv").write_text("file,Mood,\"by\"\na.txt,wild,A\nx/b.txt,calm,\nc,wild,B\n", encoding="utf-8")
    documents, report = read_documents(tmp_path)
    assert {document.text: document.labels for document in documents} == {
        "one": (("mood", "wild"), ("by", "A")), "two": (("mood", "calm"),),
        "three": (("mood", "calm"), ("by", "B")), "four": (),
    }
    assert any("does not name d.txt" in line for line in report["notices"])
    other = tmp_path / "elsewhere.csv"
    other.write_text("name,author\na,X\nb,Y\nc,X\nd,Y\n", encoding="utf-8")
    assert labels_of(read_documents(tmp_path, str(other))[0]) == [("author", "X"), ("author", "Y")]


def test_a_table_that_comes_with_the_studio_is_found_by_its_name(tmp_path: Path) -> None:
    write(tmp_path, whitman="grass", alice="rabbit")
    assert labels_of(read_documents(tmp_path, "authors.csv")[0]) == [("author", "Carroll"), ("author", "Whitman")]


@pytest.mark.parametrize("table", ["", "file\na\n", "file,a,a\nx,1,2\n", "file,,b\nx,1,2\n", 'file,a\n"x,1\n'])
def test_a_bad_table_is_a_sentence(tmp_path: Path, table: str) -> None:
    (tmp_path / "labels.csv").write_text(table, encoding="utf-8")
    write(tmp_path, a="one")
    with pytest.raises(TrainingError, match=r"labels\.csv"):
        read_documents(tmp_path)
    with pytest.raises(TrainingError, match="labels"):
        read_documents(tmp_path, str(tmp_path / "missing.csv"))


def test_labels_that_say_nothing_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, **{f"t{i}": f"---\ntitle: Poem {i}\nmood: {'ab'[i % 2]}\n---\nwords" for i in range(20)})
    documents, report = read_documents(tmp_path)
    assert labels_of(documents) == [("mood", "a"), ("mood", "b")]
    assert any("field title is left out: each text has its own" in line for line in report["notices"])
    write(tmp_path / "many", **{f"t{i}": f"---\nmood: {i // 2}\n---\nwords" for i in range(600)})
    with pytest.raises(TrainingError, match="300 different labels"):
        read_documents(tmp_path / "many")


words = st.text(st.characters(blacklist_characters=",\"\r\n", blacklist_categories=("Cs", "Cc")), min_size=1).filter(
    lambda text: text.strip() == text)


@given(st.dictionaries(words, words, min_size=1, max_size=5))
def test_any_plain_table_is_read(tmp_path_factory: pytest.TempPathFactory, rows: dict[str, str]) -> None:
    path = tmp_path_factory.mktemp("table") / "t.csv"
    path.write_text("file,mood\n" + "".join(f"{name},{value}\n" for name, value in rows.items()), encoding="utf-8")
    found = read_table(path)
    assert found == {name: (("mood", value[:60].strip()),) for name, value in rows.items()} or any(
        len(value) > 60 for value in rows.values())


def test_texts_are_joined_by_an_empty_line(tmp_path: Path) -> None:
    documents, report = read_documents(write(tmp_path, a="one", b="two"))
    assert joined(documents) == "one\n\ntwo" and report["characters"] == 8
