"""Importing foreign checkpoints: safetensors, torch's ``.pt``/``.pth`` and StyleGAN's ``.pkl``, checked and saved as
safetensors at once.

Such a file is a pickle and may be hostile. Its container is checked here without opening it; it is then read by
import_worker.py in a process of its own with a time and a memory limit. TorchScript and ``.pt2`` are refused: opening
them runs what their maker wrote. A plain pickle is read as data alone. There is no switch for it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio import paths
from studio.files import FileError, atomic_write, explain, file_size, short_path
from studio.library.layouts import Layout, detect, strip_prefix
from studio.library.presets import slug
from studio.nn.weights import WeightsError, read_header, read_tensors, sha256

MAX_BYTES = 4 * 1024**3
"""Largest checkpoint (bytes)."""

MAX_RATIO = 4.0
"""torch stores without compression; a file that inflates more than this is an attack."""

TIMEOUT = 120.0
"""Seconds after which the reading process is ended."""

ENDINGS = (".safetensors", ".pt", ".pth", ".pkl", ".ckpt", ".bin")
"""Endings of files that can be imported, for dialogs; what a file is tells its content."""

PICKLES = (".pkl", ".pickle")
"""Endings of plain pickles: their oldest kind has no mark of its own."""

LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""First bytes of a torch file from before version 1.6."""


@dataclass(frozen=True)
class Imported:
    """A model that was imported; ``layout`` is None for a network that nothing here knows."""

    path: Path
    layout: Layout | None
    tensors: int
    report: list[str]
    about: str = ""
    """A line on a network that the studio can play."""


def import_model(
    source: Path, name: str = "", *, licence: str = "unknown", folder: Path | None = None, replace: bool = False,
    timeout: float = TIMEOUT, cancelled: Callable[[], bool] = lambda: False, wanted: str = "",
    classes: Sequence[str] = (),
) -> Imported:
    """Import a checkpoint as ``<folder>/<name>.safetensors`` with a card; the folder is the user's models by default.

    ``wanted`` names the layout that it must have ('': any); ``classes`` the classes of a StyleGAN, in their order.
    Raises WeightsError when it is refused, FileError when something cannot be read or written; then nothing is left.
    """
    folder = folder or paths.user_folder("data") / "models"
    target = folder / f"{slug(name or source.stem)}.safetensors"
    if target.exists() and not replace:
        raise FileError(f"there is already a model {target.stem!r}; choose another name, or replace it")
    size = file_size(source)
    head = _head(source)
    if size > MAX_BYTES:
        raise WeightsError(f"{short_path(source)} is refused: it has {size / 1e9:.1f} GB, at most 4 GB are imported")
    report: list[str] = []
    network: dict[str, Any] | None = None
    with atomic_write(target, parents=True) as temporary:
        if head[8:9] == b"{" or source.suffix == ".safetensors":
            _copy_safetensors(source, temporary)
        else:
            check_container(source, head)
            answer = _in_own_process(source, temporary, size, timeout, cancelled)
            network = answer.get("network")
            if answer.get("left_out"):
                report.append(f"{answer['left_out']} entries that are not tensors were left out")
        layout, count, about = _finish(temporary, source, target.stem, network, classes, report)
        if wanted and (layout is None or layout.name != wanted):
            found = layout.name if layout else "of an unknown layout"
            raise WeightsError(f"{short_path(source)} is refused: it is {found}, not {wanted}")
    own = _own_card(source)
    about = about or str(own.get("title", ""))
    _write_card(target, source, layout, licence, about, own)
    return Imported(target, layout, count, report, about)


def check_container(path: Path, head: bytes | None = None) -> None:
    """Refuse, without opening it, what is not a plain torch checkpoint or inflates. Raises WeightsError."""
    refused = f"{short_path(path)} is refused"
    size = file_size(path)
    if head is None:
        head = _head(path)
    if head.startswith(LEGACY):
        return
    if not head.startswith(b"PK"):
        if head[:1] == b"\x80" or path.suffix.lower() in PICKLES:
            return  # nothing in it can be known before it is read, and its reader can do nothing
        what = "neither safetensors nor a torch checkpoint nor a StyleGAN pickle"
        raise WeightsError(f"{refused}: it is {what}; choose another file")
    try:
        with path.open("rb") as file:
            file.seek(max(0, size - 65_557))
            tail = file.read()
        place = tail.rfind(b"PK\x05\x06")
        if place >= 0 and int.from_bytes(tail[place + 12 : place + 16], "little") > 64 * 1024 * 1024:
            raise WeightsError(f"{refused}: its table of contents is far too long")
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise WeightsError(f"{refused}: it is damaged ({error}); fetch it again") from None
    names = [entry.filename for entry in entries]
    if any("/code/" in name or name.endswith(("constants.pkl", ".pt2", "archive_format")) for name in names):
        raise WeightsError(f"{refused}: it is a program (TorchScript or .pt2), not weights; ask for its state_dict")
    if not any(name.endswith("data.pkl") for name in names):
        raise WeightsError(f"{refused}: it is a zip archive, but not a torch checkpoint; choose another file")
    total = sum(entry.file_size for entry in entries)
    if total > MAX_RATIO * size + 65_536 or total > MAX_BYTES or len(names) > 4 * 20_000:
        raise WeightsError(f"{refused}: its {size / 1e6:,.2f} MB would inflate to {total / 1e6:,.0f} MB")
    if any(entry.flag_bits & 1 for entry in entries):
        raise WeightsError(f"{refused}: it is encrypted")


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(16)
    except OSError as error:
        raise explain(error, path) from None


def _in_own_process(
    source: Path, target: Path, size: int, timeout: float, cancelled: Callable[[], bool]
) -> dict[str, Any]:
    """Convert in a child; returns its report: ``left_out`` entries, and the ``network`` of a StyleGAN."""
    from studio.generator import Cancelled

    refused = f"{short_path(source)} is refused"
    megabytes = 512 + 3 * size // 1_000_000
    worker = Path(__file__).with_name("import_worker.py")
    # nothing of the environment that changes how torch or Python load; the system's own names stay
    keep = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "LD_LIBRARY_PATH", "HOME", "USERPROFILE", "LANG")
    environment = {name: os.environ[name] for name in keep if name in os.environ} | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-I", str(worker), str(source.resolve()), str(target), str(megabytes)]
    with tempfile.TemporaryFile() as answers:
        with subprocess.Popen(  # noqa: S603 - our own script, no shell
            command, stdin=subprocess.DEVNULL, stdout=answers, stderr=subprocess.DEVNULL, env=environment
        ) as child:
            left = timeout
            try:
                while True:
                    try:
                        child.wait(min(0.2, left))
                        break
                    except subprocess.TimeoutExpired:
                        left -= 0.2
                    if cancelled():
                        raise Cancelled
                    if left <= 0:
                        raise WeightsError(f"{refused}: reading it took longer than {timeout:.0f} seconds")
            finally:
                child.kill()
        answers.seek(0)
        lines = answers.read(1 << 20).decode("utf-8", "replace").strip().splitlines()
    try:
        answer = json.loads(lines[-1])
        said = answer.get("refused")
    except (IndexError, ValueError, AttributeError):
        raise WeightsError(f"{refused}: reading it ended the process that read it (code {child.returncode})") from None
    if said is not None:
        raise WeightsError(f"{refused}: {said}")
    return dict(answer)


def _copy_safetensors(source: Path, target: Path) -> None:
    import shutil

    # also looks for NaN, as the reader of torch's files does
    read_tensors(source, read_header(source))
    try:
        shutil.copyfile(source, target)
    except OSError as error:
        raise explain(error, target, writing=True) from error


def _finish(
    path: Path, source: Path, name: str, network: dict[str, Any] | None, classes: Sequence[str], report: list[str]
) -> tuple[Layout | None, int, str]:
    """Check what was written, take off the prefix of wrapped networks, recognise the layout, and make a model of ours
    of what the studio's generators play."""
    from studio.library.adopting import adopt, adopt_stylegan

    header = read_header(path)
    refused = f"{short_path(source)} is refused"
    if network is not None:
        try:
            made = adopt_stylegan(path, network, classes)
        except WeightsError as error:
            raise WeightsError(f"{refused}: {error}") from None
        return made.layout, len(header.shapes), made.about
    if classes:
        report.append("names of classes were given, but only those of a StyleGAN are kept")
    prefix = strip_prefix(list(header.shapes))
    shapes = {name.removeprefix(prefix): shape for name, shape in header.shapes.items()}
    if prefix:
        from safetensors.torch import load_file, save_file

        tensors = {name.removeprefix(prefix): tensor for name, tensor in load_file(path).items()}
        save_file(tensors, path, header.metadata or None)
        report.append(f"the prefix {prefix!r} was taken off all names")
    found = detect(shapes)
    if found is not None and found.refused:
        raise WeightsError(f"{refused}: {found.refused}")
    if found is not None and found.adopt and "reverie" not in header.metadata:
        try:
            made = adopt(path, found, name)
        except WeightsError as error:
            raise WeightsError(f"{refused}: {error}") from None
        report += made.notes
        return found, len(shapes), made.about
    if found is None and "reverie" not in header.metadata:
        report.append(f"{short_path(source.name)}: no network here has tensors of these names; it is kept as it is")
    return found, len(shapes), ""


def _own_card(source: Path) -> dict[str, Any]:
    """The card beside a model that the studio trained, if it is that file's; else nothing."""
    from studio import safe_json

    try:
        card = safe_json.load_object(source.with_suffix(".json"), max_bytes=1 << 20)
    except (FileError, safe_json.JsonError):
        return {}
    return card if card.get("sha256") == sha256(source) else {}


def _write_card(
    target: Path, source: Path, layout: Layout | None, licence: str, about: str, own: dict[str, Any]
) -> None:
    from studio import safe_json

    # of eyes there is one VGG-16; of generators and styles every file is another
    title = layout.name if layout and layout.architecture == "features" else target.stem
    card = {
        "name": target.stem, "title": title, "licence": licence,
        "architecture": layout.architecture if layout else "", "imported_from": source.name, "sha256": sha256(target),
        "source_sha256": sha256(source), **({"about": about} if about else {}),
    }
    if own:  # what a training wrote says more than can be seen from outside
        given = {} if licence == "unknown" else {"licence": licence}
        card = {**own, **given, "name": target.stem, "imported_from": source.name, "sha256": card["sha256"]}
    try:
        safe_json.save(target.with_suffix(".json"), card)
    except FileError:
        target.unlink(missing_ok=True)  # a model without its card could not be checked later
        raise
