"""Texts to learn from, and what is known of each: its author, its mood, a rating...

What is known comes, in this order of strength, from the front matter of a text (lines ``author: Carroll`` between two
lines ``---`` at its very beginning), from a table ``labels.csv`` beside the texts (first column the file, one further
column for each field), or from the sub-folders that it lies in.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from studio.files import FileError, read_text
from studio.nn.lstm import MAX_LABELS
from studio.paths import bundled
from studio.training import text_files
from studio.training.loop import TrainingError

Label = tuple[str, str]
"""A field and its value, such as ``("author", "Carroll")``."""

ENDINGS = (".txt", ".md")
TABLE = "labels.csv"
LONGEST = 60
"""Longest value (characters) of a label."""
_FRONT = re.compile(r"\A---[ \t]*\n((?:[^\n]*\n){1,40}?)---[ \t]*\n+")
_LINE = re.compile(r"([A-Za-z][\w -]{0,30}):[ \t]*(.*)")


@dataclass(frozen=True)
class Document:
    """A text and its labels, at most one for each field."""

    path: Path
    text: str
    labels: tuple[Label, ...] = ()


def read_documents(
    data: Path, how: str = "auto", encoding: str = ""
) -> tuple[list[Document], dict[str, Any]]:
    """The text in ``data``, or those (``.txt``, ``.md``) below the folder ``data`` in order of name; and a report.

    ``how`` says where labels come from: ``auto`` (see the module), ``files`` (each file is a label of its own), the
    path of a table (or the name of one in ``resources/labels``), or ``none``. Texts that cannot be read are left out
    and named in the report. A field of which only one value occurs, or a different one in each of many texts, says
    nothing and is left out too. Raises TrainingError when nothing is left or a table cannot be used.
    """
    files = [data]
    if data.is_dir():
        files = sorted(p for p in data.rglob("*") if p.suffix.lower() in ENDINGS and p.is_file())
    documents: list[Document] = []
    skipped: list[str] = []
    notices: list[str] = []
    counts: Counter[str] = Counter()
    for path in files:
        try:
            text, said, changed = text_files.read_clean(path, encoding)
        except FileError as error:
            skipped.append(str(error))
            continue
        notices += said
        counts += changed
        if not text.strip():
            skipped.append(f"{path.name} has no text in it")
            continue
        documents.append(Document(path, text))
    if not documents:
        nothing = f"{data} holds no .txt files; give a text file or a folder of them"
        raise TrainingError(skipped[0] if skipped else nothing)
    documents, told = _labelled(documents, data if data.is_dir() else data.parent, how)
    report: dict[str, Any] = {
        "files": len(documents), "characters": len(joined(documents)), "skipped": skipped,
        "notices": notices + text_files.told(counts) + told,
    }
    sizes = Counter(dict.fromkeys(labels_of(documents), 0))
    for document in documents:
        sizes.update({label: len(document.text) for label in document.labels})
    if sizes:
        report["labels"] = [f"{field} {value}: {size:,} characters" for (field, value), size in sizes.items()]
    return documents, report


def joined(documents: Iterable[Document]) -> str:
    """The texts as one, an empty line between two."""
    return "\n\n".join(document.text for document in documents)


def labels_of(documents: Iterable[Document]) -> list[Label]:
    """All labels, those of one field together."""
    found = dict.fromkeys(label for document in documents for label in document.labels)
    fields = list(dict.fromkeys(field for field, _ in found))
    return sorted(found, key=lambda label: (fields.index(label[0]), label[1]))


def by_labels(documents: Iterable[Document]) -> dict[tuple[Label, ...], str]:
    """The texts that have the same labels as one text each."""
    groups: dict[tuple[Label, ...], list[Document]] = {}
    for document in documents:
        groups.setdefault(document.labels, []).append(document)
    return {labels: joined(group) for labels, group in groups.items()}


def _labelled(documents: list[Document], folder: Path, how: str) -> tuple[list[Document], list[str]]:
    if how == "none":
        return documents, []
    if how == "files":
        documents = [replace(d, labels=(("file", d.path.stem[:LONGEST]),)) for d in documents]
        return _useful(documents)
    told: list[str] = []
    table = folder / TABLE if how == "auto" else _table(how)
    if how != "auto" or table.is_file():
        rows = read_table(table)
        known = [rows.get(_inside(d.path, folder), rows.get(d.path.name, rows.get(d.path.stem))) for d in documents]
        missing = [d.path.name for d, labels in zip(documents, known, strict=True) if labels is None]
        told += [f"{table.name} does not name {', '.join(missing[:8])}: without labels"] if missing else []
        documents = [replace(d, labels=labels or ()) for d, labels in zip(documents, known, strict=True)]
    else:
        documents = [replace(d, labels=_folders(d.path, folder)) for d in documents]
    documents, dropped = _useful([_with_front_matter(document) for document in documents])
    return documents, told + dropped


def _table(name: str) -> Path:
    """A table by its path, or one of those that come with the studio by its name."""
    path = Path(name)
    ours = bundled("resources") / "labels" / path.name
    return ours if not path.exists() and len(path.parts) == 1 and ours.is_file() else path


def _inside(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name


def _folders(path: Path, folder: Path) -> tuple[Label, ...]:
    parts = path.relative_to(folder).parts[:-1] if path.is_relative_to(folder) else ()
    return tuple((f"folder {depth}" if depth else "folder", part[:LONGEST]) for depth, part in enumerate(parts))


def _with_front_matter(document: Document) -> Document:
    """The text without its front matter, whose lines are labels that override those from elsewhere."""
    found = _FRONT.match(document.text)
    lines = [_LINE.fullmatch(line.rstrip()) for line in found[1].splitlines() if line.strip()] if found else []
    if not found or not all(lines):
        return document
    pairs = {line[1].strip().lower(): line[2].strip(" \t\"'")[:LONGEST] for line in lines if line}
    labels = {**dict(document.labels), **{field: value for field, value in pairs.items() if value}}
    return replace(document, text=document.text[found.end() :], labels=tuple(labels.items()))


def _useful(documents: list[Document]) -> tuple[list[Document], list[str]]:
    """The documents with those labels alone that tell some of them from others, and what was left out."""
    told: list[str] = []
    for field in dict.fromkeys(field for document in documents for field, _ in document.labels):
        values = [value for document in documents for name, value in document.labels if name == field]
        if len(set(values)) < 2:
            why = "all texts have the same" if len(values) == len(documents) else "only one value occurs"
        elif len(values) > 16 and len(set(values)) == len(values):
            why = "each text has its own"
        else:
            continue
        told.append(f"the field {field} is left out: {why}")
        documents = [replace(d, labels=tuple(label for label in d.labels if label[0] != field)) for d in documents]
    count = len(labels_of(documents))
    if count > MAX_LABELS:
        raise TrainingError(f"labels: the texts have {count} different labels, more than {MAX_LABELS}; use fewer")
    return documents, told


def read_table(path: Path) -> dict[str, tuple[Label, ...]]:
    """File (or its name, or its stem) → labels, from a table with commas. Raises TrainingError."""
    try:
        text, _ = read_text(path, limit=4 * 1024 * 1024)
    except FileError as error:
        raise TrainingError(f"labels: {error}") from None
    try:
        head, *rows = [row for row in csv.reader(io.StringIO(text), strict=True) if any(row)]
    except (csv.Error, ValueError) as error:
        raise TrainingError(f"labels: {path} is not a table with commas and a head line ({error})") from None
    fields = [name.strip().lower() for name in head[1:]]
    if not fields or not all(fields) or len(set(fields)) < len(fields):
        raise TrainingError(f"labels: the head line of {path} must be the file and a different name for each field")
    return {
        row[0].strip(): tuple(
            (field, value.strip()[:LONGEST]) for field, value in zip(fields, row[1:], strict=False) if value.strip()
        )
        for row in rows
    }
