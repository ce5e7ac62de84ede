"""Fetching from a server on the loopback interface that misbehaves in every way that is known."""

from __future__ import annotations

import hashlib
import json
import pickle
import random
import socket
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from studio import paths
from studio.api import Cancelled
from studio.files import FileError
from studio.library.catalogue import Entry, catalogue, fetch_model, find_entry, remove_model
from studio.library.fetch import FetchError, fetch
from studio.library.models import list_models, verify
from studio.nn.weights import WeightsError
from tests.library.server import (
    broken,
    circle,
    dripping,
    endless,
    page,
    redirect,
    serve,
    short,
    stalled,
    unmeasured,
    whole,
)

DATA = random.Random(3).randbytes(1_000_000)
HASH = hashlib.sha256(DATA).hexdigest()


def bring(url: str, folder: Path, **options: object) -> Path:
    return fetch(url, folder / "net.pth", sha256=HASH, **{"size": len(DATA), "stall": 0.3, **options})  # type: ignore[arg-type]


def test_a_file_arrives_with_progress(tmp_path: Path) -> None:
    told: list[tuple[float, str]] = []
    with serve(whole(DATA)) as (url, seen):
        got = bring(url, tmp_path / "new" / "folder", tell=lambda share, line: told.append((share, line)))
    assert got.read_bytes() == DATA and len(seen) == 1
    shares = [share for share, _ in told]
    assert shares == sorted(shares) and shares[-1] == 1.0 and any("of 1.0 MB" in line for _, line in told)
    assert [path.name for path in got.parent.iterdir()] == ["net.pth"]


def test_a_dropped_connection_goes_on_where_it_broke(tmp_path: Path) -> None:
    with serve(broken(DATA, 300_000), broken_range(DATA, 300_000, 600_000), whole(DATA)) as (url, seen):
        assert bring(url, tmp_path).read_bytes() == DATA
    assert [request.get("range") for request in seen] == [None, "bytes=300000-", "bytes=600000-"]


def broken_range(data: bytes, start: int, end: int):  # type: ignore[no-untyped-def]
    def answer(handler) -> None:  # type: ignore[no-untyped-def]
        said = f"bytes {start}-{len(data) - 1}/{len(data)}"
        handler.head(206, Content_Length=len(data) - start, Content_Range=said)
        handler.wfile.write(data[start:end])
        handler.close_connection = True
    return answer


def test_a_second_try_goes_on_from_the_first(tmp_path: Path) -> None:
    with serve(broken(DATA, 300_000), page("", 503)) as (url, _), pytest.raises(FetchError) as caught:
        bring(url, tmp_path)
    assert "the server is busy (HTTP 503) after 0.3 of 1.0 MB" in str(caught.value) and "goes on" in str(caught.value)
    assert not (tmp_path / "net.pth").exists()
    with serve(whole(DATA)) as (url, seen):
        assert bring(url, tmp_path).read_bytes() == DATA
    assert seen[0]["range"] == "bytes=300000-"


def test_a_server_without_ranges_sends_it_all_again(tmp_path: Path) -> None:
    (tmp_path / "net.pth.part").write_bytes(b"x" * 400_000)

    def ignores(handler) -> None:  # type: ignore[no-untyped-def]
        handler.head(200, Content_Length=len(DATA))
        handler.wfile.write(DATA)

    with serve(ignores) as (url, _):
        assert bring(url, tmp_path).read_bytes() == DATA


def test_a_server_that_says_no_length_is_enough_and_a_break_is_noticed(tmp_path: Path) -> None:
    with serve(unmeasured(DATA)) as (url, seen):
        assert bring(url, tmp_path).read_bytes() == DATA and len(seen) == 1
    with serve(unmeasured(DATA, 400_000), unmeasured(DATA)) as (url, seen):
        assert bring(url, tmp_path).read_bytes() == DATA
    assert [request.get("range") for request in seen] == [None, "bytes=400000-"]


def test_a_length_that_is_too_long_ends_in_going_on(tmp_path: Path) -> None:
    with serve(short(DATA, len(DATA) + 1000), whole(DATA)) as (url, seen):
        assert bring(url, tmp_path).read_bytes() == DATA
    assert len(seen) in (1, 2)


def test_a_part_that_is_longer_than_the_file_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "net.pth.part").write_bytes(DATA + b"more")
    with serve(whole(DATA)) as (url, _):
        assert bring(url, tmp_path).read_bytes() == DATA


@pytest.mark.parametrize(("answer", "said"), [
    (page("<!DOCTYPE html><p>Sign in"), "sent a web page instead of the file"),
    (page("  <html>", kind="application/octet-stream"), "sent a web page instead of the file"),
    (page("gone", 404), "does not give the file (HTTP 404)"),
    (page("no", 403), "does not give the file (HTTP 403)"),
    (whole(DATA[:-1] + b"?"), "is not the file that was asked for"),
    (whole(DATA[:500_000]), "is not the file that was asked for"),
    (whole(DATA * 3), "would send 3 MB where 1 MB are expected"),
    (endless, "sends more than the 1 MB that are expected"),
    (stalled(DATA, 1000), "nothing came for 0 s after 0.0 of 1.0 MB"),
    (broken(DATA, 0), "cannot be reached: the connection"),
    (page("oh", 500), "the server is busy (HTTP 500)"),
    (dripping(DATA), "nothing came for 0 s after 0.0 of 1.0 MB"),
    (short(DATA, 500_000), "is not the file that was asked for"),
    (short(DATA, 20_000_000), "would send 20 MB where 1 MB are expected"),
    (unmeasured(DATA[:-1] + b"?"), "is not the file that was asked for"),
    (circle, "sends from one address to the next without end"),
    (redirect("http://example.invalid/x"), "only https addresses"),
    (redirect("file:///etc/passwd"), "only https addresses"),
], ids=lambda value: value[:30] if isinstance(value, str) else "")
def test_what_a_server_does_wrong_is_a_sentence(tmp_path: Path, answer, said: str) -> None:  # type: ignore[no-untyped-def]
    with serve(answer) as (url, _), pytest.raises((FetchError, Exception), match=r"\w") as caught:
        bring(url, tmp_path)
    if "only https" in said:
        assert isinstance(caught.value, FetchError) or "not allowed" in str(caught.value)
    else:
        assert isinstance(caught.value, FetchError) and said in str(caught.value)
    assert not (tmp_path / "net.pth").exists()
    if "not the file" in said:
        assert not list(tmp_path.iterdir()), "a wrong file is not gone on with"


def test_no_server_and_no_https_are_sentences(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(FetchError, match=r"cannot be reached: the connection was refused; check the network"):
        bring(f"http://127.0.0.1:{port}/a.pth", tmp_path)
    with pytest.raises(FetchError, match="only https"):
        bring("http://example.org/a.pth", tmp_path)


def test_a_cancelled_fetch_is_gone_on_with(tmp_path: Path) -> None:
    def stop(share: float, line: str) -> None:
        if share > 0.4:
            raise Cancelled

    with serve(whole(DATA)) as (url, seen):
        with pytest.raises(Cancelled):
            bring(url, tmp_path, tell=stop)
        assert 400_000 <= (tmp_path / "net.pth.part").stat().st_size < len(DATA)
        assert bring(url, tmp_path).read_bytes() == DATA
    assert seen[1]["range"].startswith("bytes=")


def test_no_room_on_the_disk_is_said_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=10))
    with serve(whole(DATA)) as (url, _), pytest.raises(FileError, match="it needs 1 MB and 0 MB are free"):
        bring(url, tmp_path)


# --- the catalogue ---


def test_the_catalogue_names_what_torchvision_publishes() -> None:
    entries = {entry.name: entry for entry in catalogue()}
    assert {"vgg16", "vgg19", "googlenet", "squeezenet1-1"} <= set(entries)
    for entry in entries.values():
        prefix = Path(entry.url).stem.rpartition("-")[2]
        assert entry.url.startswith("https://download.pytorch.org/models/") and entry.sha256.startswith(prefix)
        assert entry.size > 1e6 and entry.licence and entry.about and entry.host in entry.question()
    with pytest.raises(FetchError, match="the catalogue has no 'vgg99'; it has: googlenet"):
        find_entry("vgg99")


def test_a_catalogue_that_is_damaged_is_a_sentence(tmp_path: Path) -> None:
    place = tmp_path / "catalogue.toml"
    sound = paths.bundled("resources") / "catalogue.toml"
    for text, said in (
        ("format = ", "is not valid TOML"), ('format = "x"', "is not a catalogue"),
        (sound.read_text().replace("1378be20a8", "not hex"), "name or sha256 of 'googlenet'"),
        (sound.read_text().replace("https://", "http://"), "address or size of 'googlenet'"),
        (sound.read_text().replace('layout = "VGG-16', 'layout = "VGG-17'), "misstates 'VGG-17"),
        (sound.read_text().replace('licence = "BSD', 'permit = "BSD'), "lacks or misstates 'licence'"),
    ):
        place.write_text(text)
        with pytest.raises(FileError, match=said):
            catalogue(place)


def test_a_hash_of_a_few_digits_is_said_to_be_one() -> None:
    assert "first 8 of the 64 digits" in find_entry("mobilenet-v3-large").question()
    assert "Its sha256 is checked" in find_entry("googlenet").question()


def entry_for(url: str, data: bytes) -> Entry:
    digest = hashlib.sha256(data).hexdigest()
    return Entry("tiny-net", "Tiny net", "For a test.", url, len(data), digest, "CC0-1.0", "features")


def test_a_fetched_model_is_imported_with_its_card(tmp_path: Path) -> None:
    source = tmp_path / "net.pth"
    torch.save({"layer.weight": torch.ones(3, 3)}, source)
    lines: list[str] = []
    with serve(whole(source.read_bytes())) as (url, _):
        entry = entry_for(url, source.read_bytes())
        assert not entry.present
        done = fetch_model(entry, check=lambda share, line: lines.append(line))
    assert entry.present and done.path.parent == paths.model_folders()[0]
    card = json.loads(done.path.with_suffix(".json").read_text())
    assert card["title"] == "Tiny net" and card["licence"] == "CC0-1.0" and card["url"] == entry.url
    assert verify(done.path) == "" and not list((paths.user_folder("cache") / "downloads").iterdir())
    remove_model(done.path)
    assert "tiny-net" not in {model.name for model in list_models()} and not done.path.with_suffix(".json").exists()
    with pytest.raises(FileError, match="only your own models"):
        remove_model(paths.find_model("flowers"))


def test_a_hostile_file_with_the_right_hash_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "net.pth"
    torch.save(torch.nn.Linear(2, 2), source)
    with serve(whole(source.read_bytes())) as (url, _), pytest.raises(WeightsError, match="more than tensors"):
        fetch_model(entry_for(url, source.read_bytes()))
    assert "tiny-net" not in {model.name for model in list_models()}


def test_another_network_than_the_catalogue_says_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "net.pkl"
    source.write_bytes(pickle.dumps({"layer.weight": np.ones((3, 3))}))
    with serve(whole(source.read_bytes())) as (url, _):
        entry = replace(entry_for(url, source.read_bytes()), layout="VGG-16 (torchvision)")
        with pytest.raises(WeightsError, match="it is of an unknown layout, not VGG-16"):
            fetch_model(entry)
    assert not entry.present


def test_the_command_asks_before_it_fetches(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    from studio.cli import main
    from studio.library import catalogue as module

    data = io.BytesIO()
    torch.save({"layer.weight": torch.ones(3, 3)}, data)
    with serve(whole(data.getvalue())) as (url, seen):
        monkeypatch.setattr(module, "catalogue", lambda path=None: [entry_for(url, data.getvalue())])
        monkeypatch.setattr("sys.stdin", io.StringIO())
        assert main(["models", "fetch", "tiny-net"]) == 1 and not seen
        assert "Licence: CC0-1.0" in capsys.readouterr().err
        assert main(["models", "fetch", "tiny-net", "--yes"]) == 0 and len(seen) == 1
    assert main(["models", "catalogue"]) == 0 and "here" in capsys.readouterr().out
    assert main(["models", "remove", "tiny-net", "--yes"]) == 0
    assert main(["models", "remove", "flowers", "--yes"]) == 1
    assert "only your own models" in capsys.readouterr().err
