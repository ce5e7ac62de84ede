"""Files: written whole or not at all, whatever happens; every fault is a sentence that names the path."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio import files
from studio.files import FileError, atomic_write, explain, read_bytes, read_text, write_bytes, write_text

ROOT = Path(__file__).resolve().parent.parent
POSIX = os.name == "posix"


@contextlib.contextmanager
def tmpfs(folder: Path, options: str) -> Iterator[Path]:
    """A small file system of its own; skips where mounting is not allowed."""
    if not POSIX or os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting needs root")
    folder.mkdir(exist_ok=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("mounting is not permitted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_write_replaces_the_old_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    write_text(target, "one")
    target.chmod(0o640)
    with atomic_write(target) as temporary:
        assert temporary.parent == tmp_path and temporary.suffix == ".json" and temporary.exists()
        temporary.write_text("two")
        assert target.read_text() == "one"
    assert target.read_text() == "two" and names(tmp_path) == ["a.json"]
    if POSIX:
        assert target.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("error", [RuntimeError("x"), KeyboardInterrupt(), GeneratorExit(), OSError(2, "no", "other")])
def test_an_exception_leaves_the_old_file(tmp_path: Path, error: BaseException) -> None:
    target = tmp_path / "a.bin"
    write_bytes(target, b"old")
    with pytest.raises(type(error)) as caught, atomic_write(target) as temporary:
        temporary.write_bytes(b"half")
        raise error
    assert caught.value is error
    assert target.read_bytes() == b"old" and names(tmp_path) == ["a.bin"]


def test_a_link_keeps_pointing_at_the_file(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("1")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_text(tmp_path / "link", "2")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_text() == "2"


ODD_NAMES = ["🎛️ наше.txt", "שלום.txt", "a" * 251 + ".txt", "ひ" * 83 + ".txt", " spaced .txt", "-o.txt"]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_work(tmp_path: Path, name: str) -> None:
    write_text(tmp_path / name, "x")
    assert names(tmp_path) == [name]


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("missing/a.txt", "does not exist"), ("file/a.txt", "is a file, not a folder"), ("x" * 300, "too long"),
        ("", "is a folder"), ("a\0b", "zero character"), ("/proc/reverie/x", "does not exist"),
    ],
)
def test_an_impossible_place_is_told_before_any_work(tmp_path: Path, path: str, word: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match=word) as caught, atomic_write(tmp_path / path):
        pytest.fail("the block must not run")
    assert str(caught.value).startswith("cannot write ") and "\n" not in str(caught.value)
    assert names(tmp_path) == ["file"]


def test_parents_are_made_on_request(tmp_path: Path) -> None:
    write_text(tmp_path / "a/b/c.txt", "x", parents=True)
    assert (tmp_path / "a/b/c.txt").read_text() == "x"


def test_nothing_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="nothing was written"), atomic_write(tmp_path / "a") as temporary:
        temporary.unlink()
    assert names(tmp_path) == []


def test_a_writer_that_renames_over_the_temporary_is_fine(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "a") as temporary:
        (tmp_path / "b").write_text("x")
        (tmp_path / "b").replace(temporary)
    assert (tmp_path / "a").read_text() == "x"


def test_leftovers_of_killed_processes_are_swept(tmp_path: Path) -> None:
    old, fresh, other = (tmp_path / f".a.{n}.part.txt" for n in ("999-0", "999-1", "x"))
    for path in (old, fresh, other):
        path.write_text("left")
    os.utime(old, (0, time.time() - 2 * files.STALE_SECONDS))
    write_text(tmp_path / "a.txt", "new")
    assert names(tmp_path) == sorted([fresh.name, other.name, "a.txt"])


def test_a_full_disk_keeps_the_old_file(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "small", "size=1m") as folder:
        target = folder / "a.bin"
        write_bytes(target, b"old" * 1000)
        with pytest.raises(FileError, match="the disk is full; free some space"):
            write_bytes(target, bytes(5_000_000))
        assert target.read_bytes() == b"old" * 1000 and names(folder) == ["a.bin"]


def test_a_file_size_limit_keeps_the_old_file(tmp_path: Path) -> None:
    """The same as a full disk where mounting is not allowed: the system refuses to let a file grow."""
    if not POSIX:
        pytest.skip("RLIMIT_FSIZE is POSIX")
    (tmp_path / "a").write_bytes(b"old")
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))\n"
        "from studio.files import *\n"
        "try: write_bytes(sys.argv[1], bytes(200000))\n"
        "except FileError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "a"], cwd=ROOT, capture_output=True, text=True)
    assert "cannot write" in done.stdout and "choose another disk" in done.stdout, done.stderr
    assert (tmp_path / "a").read_bytes() == b"old" and names(tmp_path) == ["a"]


def test_a_read_only_disk(tmp_path: Path) -> None:
    with (
        tmpfs(tmp_path / "small", "size=1m,ro") as folder,
        pytest.raises(FileError, match=r"read-only|permission"), atomic_write(folder / "a"),
    ):
        pytest.fail("the block must not run")


@pytest.mark.skipif(not POSIX or os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(FileError, match="permission denied"), atomic_write(tmp_path / "a"):
            pytest.fail("the block must not run")
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_kill_during_save_never_damages_the_file(tmp_path: Path) -> None:
    """Processes that do nothing but save are killed at all moments; each time the file is one of those they wrote."""
    target = tmp_path / "session.json"
    write_text(target, json.dumps({"n": -1, "fill": []}))
    code = (
        "import json, sys\nfrom studio.files import write_text\nn = 0\nprint('go', flush=True)\n"
        "while True:\n    n += 1\n    write_text(sys.argv[1], json.dumps({'n': n, 'fill': [n] * 20000}))"
    )
    for turn in range(12):
        with subprocess.Popen([sys.executable, "-c", code, target], cwd=ROOT, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            child.stdout.readline()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(0.004 * turn + 0.001)
            child.kill()
        found = json.loads(target.read_text())
        assert set(found["fill"]) <= {found["n"]} and len(found["fill"]) in (0, 20000)


@pytest.mark.parametrize("code", [e for e in errno.errorcode if e > 0])
def test_every_error_number_becomes_one_sentence(code: int, tmp_path: Path) -> None:
    for writing in (False, True):
        text = str(explain(OSError(code, os.strerror(code)), tmp_path / "x.png", writing=writing))
        assert str(tmp_path) in text and ";" in text and "Errno" not in text and "\n" not in text


def test_short_path_keeps_both_ends() -> None:
    assert files.short_path("/a\nb") == "/a\ufffdb"
    long = files.short_path("/start/" + "x" * 500 + "/end.png")
    assert long.startswith("/start/") and long.endswith("/end.png") and len(long) <= 160


@pytest.mark.parametrize("name", ["CON", "con.txt", "aux", "LPT1.json", "com9", "nul .txt"])
def test_device_names(name: str) -> None:
    assert files.is_device_name(name) or name == "nul .txt"


def test_plain_names_are_no_devices() -> None:
    assert not any(map(files.is_device_name, ["console", "auxiliary.txt", "com", "com10", "lpt", "a.con"]))


# --- text ---


@pytest.mark.parametrize(
    ("data", "text", "notice"),
    [
        (b"plain", "plain", ""),
        ("Grüße, 世界 🎹".encode(), "Grüße, 世界 🎹", ""),
        (b"\xef\xbb\xbfmark", "mark", ""),
        ("Grüße".encode("utf-16"), "Grüße", "UTF-16"),
        ("plain english text".encode("utf-16-le"), "plain english text", "UTF-16"),
        ("plain english text".encode("utf-16-be"), "plain english text", "UTF-16"),
        ("x".encode("utf-32"), "x", "UTF-32"),
        ("Grüße aus Köln".encode("latin-1"), "Grüße aus Köln", "Latin-1"),
        (b"\x93quoted\x94 \x96 caf\xe9", "“quoted” – café", "Latin-1"),
        ("Grüße, schöne Größe ".encode() * 20 + b"\xff", "Grüße, schöne Größe " * 20 + "\ufffd", "1 broken"),
        (b"a\0b" + b"c" * 20, "ab" + "c" * 20, "1 zero"),
        (b"a\r\nb\rc\n", "a\nb\nc\n", ""),
        (b"", "", ""),
        ("\u202eright to left\u202c".encode(), "\u202eright to left\u202c", ""),
    ],
)
def test_text_in_many_encodings(tmp_path: Path, data: bytes, text: str, notice: str) -> None:
    path = tmp_path / "t.txt"
    path.write_bytes(data)
    found, said = read_text(path)
    assert found == text
    assert notice in said and bool(notice) == bool(said)


def test_text_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    for data in (bytes(1000), bytes(range(256)) * 40, os.urandom(4000)):
        path.write_bytes(data)
        with pytest.raises(FileError, match="not a text file"):
            read_text(path)


def test_a_huge_text_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "huge.txt"
    with path.open("wb") as file:
        file.truncate(500_000_000)  # 500 MB without using the disk
    began = time.perf_counter()
    with pytest.raises(FileError, match="500 MB, at most 67 MB are read; use a smaller file"):
        read_text(path)
    assert time.perf_counter() - began < 0.5


@pytest.mark.skipif(not POSIX, reason="POSIX devices")
def test_devices_and_pipes_are_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (Path("/dev/zero"), tmp_path / "pipe"):
        with pytest.raises(FileError, match="device or a pipe"):
            read_text(path)
    for path, word in ((tmp_path, "folder"), (tmp_path / "no", "no such file"), (tmp_path / "no/no", "does not exist")):
        with pytest.raises(FileError, match=word):
            read_bytes(path, limit=10)


@given(st.binary(max_size=3000))
def test_any_bytes_are_text_or_a_sentence(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.txt"
    path.write_bytes(data)
    with contextlib.suppress(FileError):
        text, notice = read_text(path)
        assert "\0" not in text and "\r" not in text
        text.encode("utf-8")
        assert "\n" not in notice


@given(st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=300))
def test_utf8_text_round_trips(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "round.txt"
    write_text(path, text)
    assert read_text(path)[0] == text.removeprefix("\ufeff")
