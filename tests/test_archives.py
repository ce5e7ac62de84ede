"""Archives of presets and plugins: unpacked whole into their folder, or refused with nothing written."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio import archives
from studio.archives import check_name, extract_zip
from studio.files import FileError


def make(path: Path, *entries: tuple[str | zipfile.ZipInfo, bytes], packed: bool = True) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return path


def link(name: str, target: str) -> tuple[zipfile.ZipInfo, bytes]:
    info = zipfile.ZipInfo(name)
    info.external_attr = 0o120777 << 16
    return info, target.encode()


def test_a_good_archive(tmp_path: Path) -> None:
    code = b"x = 1\n" * 999
    entries = ("plugin/plugin.toml", b"id"), ("plugin/sub/code.py", code), ("read me.txt", b"")
    source = make(tmp_path / "a.zip", *entries)
    written = extract_zip(source, tmp_path / "out")
    assert sorted(path.as_posix() for path in written) == ["plugin/plugin.toml", "plugin/sub/code.py", "read me.txt"]
    assert (tmp_path / "out/plugin/sub/code.py").read_bytes() == code
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "out"]


BAD_NAMES = [
    ("../x", "leads out"), ("a/../../x", "leads out"), ("/etc/x", "absolute"), ("C:/x", "absolute"),
    ("C:x", "absolute"), ("\\\\host\\x", "absolute"), ("..\\win.txt", "characters"), ("a\\b", "characters"),
    ("CON", "device"), ("a/aux.json", "device"), ("ab:c.txt", "characters"), ("a/./b", "not every"),
    ("a//b", "not every"), ("name.", "not every"), ("name ", "not every"), ("x" * 250, "too long"),
    ("a/" * 14 + "x", "too deep"), ("a\nb", "characters"), ('q"', "characters"),
]


@pytest.mark.parametrize(("name", "word"), BAD_NAMES)
def test_a_bad_name_refuses_the_whole_archive(tmp_path: Path, name: str, word: str) -> None:
    source = make(tmp_path / "a.zip", ("good.txt", b"1"), ("x" * len(name), b"2"))
    # zipfile itself cleans some names when it writes: put the bytes in by hand
    source.write_bytes(source.read_bytes().replace(b"x" * len(name), name.encode()))
    with pytest.raises(FileError, match=word) as caught:
        extract_zip(source, tmp_path / "out")
    assert "is refused: " in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


@pytest.mark.parametrize(
    ("entries", "word"),
    [
        ([("a.txt", b"1"), link("b", "/etc/passwd")], "link"),
        ([("Look.json", b"1"), ("look.json", b"2")], "differ only in case"),
        ([("A/x", b"1"), ("a/y", b"2")], "differ only in case"),
        ([("e\u0301.txt", b"1"), ("\u00e9.txt", b"2")], "differ only"),
        ([("a", b"1"), ("a/b", b"2")], "both a file and a folder"),
        ([("bomb", bytes(30_000_000))], "unpack to"),
        ([("dir/", b"")], "no files"),
        ([], "no files"),
        ([(f"{n}.txt", b"") for n in range(archives.MAX_FILES + 1)], "more than 2000 files"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_bad_contents_refuse_the_whole_archive(
    tmp_path: Path, entries: list[tuple[str | zipfile.ZipInfo, bytes]], word: str
) -> None:
    source = make(tmp_path / "a.zip", *entries)
    with pytest.raises(FileError, match=word):
        extract_zip(source, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_entry_twice(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="twice"):
        extract_zip(make(tmp_path / "a.zip", ("a", b"1"), ("a", b"2")), tmp_path / "out")


def test_a_bomb_that_lies_about_its_size(tmp_path: Path) -> None:
    source = make(tmp_path / "a.zip", ("a", bytes(9_000_000)))
    data = bytearray(source.read_bytes())
    for mark, at in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
        struct.pack_into("<L", data, data.index(mark) + at, 1000)
    source.write_bytes(data)
    with pytest.raises(FileError, match=r"longer than it says|damaged"):
        extract_zip(source, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_a_table_of_contents_that_would_fill_the_memory(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK\5\6" + struct.pack("<4H2LH", 0, 0, 65535, 65535, 2**31, 0, 0))
    with pytest.raises(FileError, match="more than"):
        extract_zip(tmp_path / "a.zip", tmp_path / "out")


def test_an_encrypted_entry(tmp_path: Path) -> None:
    source = make(tmp_path / "a.zip", ("a", b"x"))
    data = bytearray(source.read_bytes())
    for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(mark) + at] |= 1
    source.write_bytes(data)
    with pytest.raises(FileError, match="encrypted"):
        extract_zip(source, tmp_path / "out")


def test_truncation_damage_and_absence(tmp_path: Path) -> None:
    whole = make(tmp_path / "a.zip", ("a.txt", b"hello" * 5000), packed=False).read_bytes()
    for data in (whole[: len(whole) // 2], b"", b"<html>", whole.replace(b"hello", b"jello", 3)):
        (tmp_path / "a.zip").write_bytes(data)
        with pytest.raises(FileError, match="is refused"):
            extract_zip(tmp_path / "a.zip", tmp_path / "out")
    with pytest.raises(FileError, match="no such file"):
        extract_zip(tmp_path / "none.zip", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(FileError, match="already there"):
        extract_zip(make(tmp_path / "a.zip", ("a", b"1")), tmp_path / "out")


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="cannot write"):
        extract_zip(make(tmp_path / "a.zip", ("a", b"1")), tmp_path / "file/out")


@given(st.text(max_size=30))
def test_any_name_is_safe_or_refused(name: str) -> None:
    try:
        path = check_name(name)
    except FileError:
        return
    assert not path.is_absolute() and ".." not in path.parts and (Path("/base") / path).is_relative_to("/base")


@given(st.binary(max_size=60), st.integers(0, 400))
def test_damaged_archives_never_give_another_error(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes, at: int
) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/b.txt", b"hello " * 20)
        archive.writestr("c.txt", b"there")
    data = bytearray(buffer.getvalue())
    data[at : at + len(junk)] = junk
    folder = tmp_path_factory.mktemp("zip")
    (folder / "a.zip").write_bytes(data)
    try:
        extract_zip(folder / "a.zip", folder / "out")
    except FileError:
        assert [path.name for path in folder.iterdir()] == ["a.zip"]
