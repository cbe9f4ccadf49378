"""Raw exports without a forgotten person or account: new versions of the files that hold them.

Which records are theirs is told by the mapping, as in ingest: a record goes if everything it says in
canonical rows is about them. Of a record about others too (a page of an API, a conversation) only their parts
go, and from everything else their marks. Untouched records keep their bytes.
"""

import csv
import gzip
import io
import json
import zipfile
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from connectors.deliveries import matching_files, raw_files, received_at_of
from connectors.mapping.file import Mapping as MappingFile
from connectors.mapping.file import MappingError, RawFile, Rule, Source
from connectors.readers import Chunk
from connectors.readers.files import BLOCK_BYTES, opened
from connectors.readers.json_rows import is_lines
from connectors.rules.feed import Feed
from connectors.rules.lookups import read_lookup
from connectors.rules.raw_rows import source_rows
from connectors.rules.rule_rows import rule_rows
from pipelines.forget.tables import rewrite_table
from serving.forget_marks import SHORTEST, Marks
from serving.forget_who import Forgotten

_ONE_BYTE_LINE_ENDS = ("utf-8", "utf-8-sig", "ascii", "cp1252", "latin-1", "iso-8859-1", "iso-8859-15")


class RawFileError(ValueError):
    """A raw file that cannot be written again. Names the file, what was found and the fix."""


@dataclass
class Verdicts:
    """Record numbers of one raw file: about them, about others, and what nothing canonical is made of."""

    theirs: set[int] = field(default_factory=set)
    others: set[int] = field(default_factory=set)
    spec: RawFile | None = None
    person_columns: set[str] = field(default_factory=set)
    """Raw columns that say who used the product: a name of any length is replaced in them."""

    def fate(self, number: int) -> str:
        """``delete``, ``mixed`` (about both), ``keep`` (about others) or ``loose`` (about nobody known)."""
        if number in self.theirs:
            return "mixed" if number in self.others else "delete"
        return "keep" if number in self.others else "loose"


def rewrite_raw(
    folder: Path, mapping: MappingFile, who: Forgotten, marks: Marks, dry_run: bool
) -> Counter[str]:
    """Write every file of ``folder`` that holds them again; returns records by what happens to them.

    Each file is replaced whole or not at all. Raises ``RawFileError``, ``ReadError`` or ``MappingError``.
    """
    found = judged(folder, mapping, who)
    editor = _Editor(who, marks)
    counts: Counter[str] = Counter()
    for path in raw_files(folder):
        done = _rewritten(path, found.get(path, Verdicts()), editor, who, marks, dry_run)
        counts.update(done)
        if done and not dry_run:
            counts["files written again"] += 1
    return counts


def rewrite_unread(path: Path, who: Forgotten, marks: Marks, dry_run: bool) -> Counter[str]:
    """As ``rewrite_raw``, for a file that no mapping reads now: a record is theirs if it is named by them."""
    return _rewritten(path, Verdicts(), _Editor(who, marks), who, marks, dry_run)


def judged(folder: Path, mapping: MappingFile, who: Forgotten) -> dict[Path, Verdicts]:
    """Whom the records of each raw file are about, as the mapping reads them."""
    received = received_at_of(folder)
    lookups = {
        name: read_lookup(folder, one, name, lambda count: None) for name, one in mapping.lookups.items()
    }
    found: dict[Path, Verdicts] = {}
    for source in mapping.sources:
        paths = matching_files(folder, source.file)
        feed = Feed(source, folder, paths, mapping.time_zone, lookups, received, None)
        with TemporaryDirectory(prefix="firstline-forget-") as spool:

            def read(feed: Feed = feed) -> Iterator[tuple[Path, Chunk]]:
                return (
                    (path, chunk) for path in feed.paths for chunk in feed.chunks(path, lambda count: None)
                )

            for path, chunk in source_rows(read, source, mapping.time_zone, Path(spool)):
                verdicts = found.setdefault(path, Verdicts())
                verdicts.spec = verdicts.spec or source
                verdicts.person_columns |= _person_columns(source)
                _judge(chunk, path, feed, who, verdicts)
    for lookup in mapping.lookups.values():
        for path in matching_files(folder, lookup.file):
            verdicts = found.setdefault(path, Verdicts())
            verdicts.spec = verdicts.spec or lookup
    return found


def _person_columns(source: Source) -> set[str]:
    recipes = (rule.columns.get("contact_id") for rule in source.tables if rule.table == "usage")
    return set().union(*(recipe.raw_names() for recipe in recipes if recipe is not None))


def _judge(chunk: Chunk, path: Path, feed: Feed, who: Forgotten, verdicts: Verdicts) -> None:
    if not len(chunk.rows):
        return
    numbers, places = chunk.row_numbers, np.arange(len(chunk.rows))
    file = str(path.relative_to(feed.folder))
    try:
        rows = feed.derived(chunk.rows, file)
    except MappingError:
        rows = chunk.rows
    for rule in feed.source.tables:
        try:
            kept = rule_rows(rows, places, rule, feed.reading(file), file).kept
        except MappingError:  # a file that lacks a column: ingest quarantines it whole
            continue
        at, theirs = kept["row_number"].to_numpy(dtype=np.int64), _theirs(rule.table, kept, who)
        verdicts.theirs.update(numbers[at[theirs]].tolist())
        verdicts.others.update(numbers[at[~theirs]].tolist())
        untold = np.setdiff1d(places, at)
        said = _says_so(chunk.rows.iloc[untold], rule, who)
        verdicts.theirs.update(numbers[untold[said]].tolist())


def _theirs(table: str, rows: pd.DataFrame, who: Forgotten) -> np.ndarray:
    columns = {
        "accounts": {"account_id": who.accounts},
        "contacts": {"contact_id": who.contacts, "account_id": who.accounts},
        "tickets": {"ticket_id": who.tickets, "account_id": who.accounts},
        "ticket_events": {"ticket_id": who.tickets},
        "usage": {"account_id": who.accounts},
    }.get(table, {})
    found = np.zeros(len(rows), dtype=bool)
    for name, values in columns.items():
        found |= rows[name].isin(list(values)).to_numpy(dtype=bool)
    return found


def _says_so(rows: pd.DataFrame, rule: Rule, who: Forgotten) -> np.ndarray:
    """Rows that no canonical row is made of, but that name one of their tickets as ``rule`` reads it."""
    found = np.zeros(len(rows), dtype=bool)
    recipe = rule.columns.get("ticket_id")
    for name in recipe.raw_names() if recipe is not None else ():
        if name in rows and rows[name].dtype != object:
            found |= rows[name].isin(list(who.tickets)).to_numpy(dtype=bool)
    return found


class _Editor:
    """What becomes of one record."""

    def __init__(self, who: Forgotten, marks: Marks) -> None:
        self._marks = marks
        own = who.aliases | {handle.partition(":")[2] for handle in who.handles} | who.accounts
        self._own = {name for name in own if len(name) >= SHORTEST}
        self._tickets = who.tickets
        self._every_name = who.pseudonyms(marks.pseudonym)
        self._names = {name: new for name, new in self._every_name.items() if len(name) >= SHORTEST}

    def record(self, fate: str, record: Any) -> tuple[str, Any]:
        """(``deleted``, ``reduced`` or ``kept``; the record as it stays)."""
        if fate == "delete" or (fate == "loose" and isinstance(record, dict) and self._is_named_by(record)):
            return "deleted", None
        after = self._without_parts(record) if fate == "mixed" else record
        after = self._marks.masked_value(self._renamed(after))
        return ("kept", record) if after == record else ("reduced", after)

    def cells(self, fate: str, cells: list[str], persons: Collection[int] = ()) -> tuple[str, list[str]]:
        """As ``record``, for the cells of a row; those at the places ``persons`` say who used the product."""
        if fate == "delete" or (fate == "loose" and any(cell in self._own for cell in cells)):
            return "deleted", []
        after = [
            self._marks.masked((self._every_name if at in persons else self._names).get(cell, cell))
            for at, cell in enumerate(cells)
        ]
        return ("kept", cells) if after == cells else ("reduced", after)

    def may_be_in(self, raw: str) -> bool:
        """Whether ``raw`` has to be looked into: quick, and wrong only towards yes."""
        told = raw.casefold()
        return any(text in told for text in self._forms)

    @property
    def _forms(self) -> tuple[str, ...]:
        if not hasattr(self, "_found"):
            plain = {text.casefold() for text in (*self._marks.strings, *self._every_name, *self._own)}
            escaped = {json.dumps(text, ensure_ascii=only)[1:-1] for text in plain for only in (True, False)}
            self._found = tuple(sorted(plain | escaped))
        return self._found

    def _is_named_by(self, record: Mapping[str, Any]) -> bool:
        return any(str(value) in self._own for value in record.values() if isinstance(value, str | int))

    def _renamed(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._names.get(value, value)
        if isinstance(value, list):
            return [self._renamed(part) for part in value]
        return {k: self._renamed(v) for k, v in value.items()} if isinstance(value, dict) else value

    def _without_parts(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._without_parts(part) for name, part in value.items()}
        if not isinstance(value, list):
            return value
        return [
            self._without_parts(part)
            for part in value
            if not (isinstance(part, dict) and self._is_part(part))
        ]

    def _is_part(self, part: Mapping[str, Any]) -> bool:
        ids = {
            str(value) for name, value in part.items() if name.endswith("id") and not isinstance(value, dict)
        }
        inner = {str(value) for one in part.values() if isinstance(one, dict) for value in one.values()}
        return bool(ids & (self._tickets | self._own) or inner & self._own)


def _rewritten(
    path: Path, verdicts: Verdicts, editor: _Editor, who: Forgotten, marks: Marks, dry_run: bool
) -> Counter[str]:
    spec = verdicts.spec
    plain = path.with_suffix("") if path.suffix in (".gz", ".zip") else path
    form = spec.format if spec is not None else plain.suffix.lstrip(".")
    counts: Counter[str] = Counter()
    if form == "parquet":
        gone = [number - 1 for number in verdicts.theirs if verdicts.fate(number) == "delete"]
        return rewrite_table(path, who, marks, dry_run, gone)
    if spec is not None and spec.format == "csv" and spec.encoding.lower() not in _ONE_BYTE_LINE_ENDS:
        raise RawFileError(
            f"{path}: cannot be written again in {spec.encoding}: deliver it as UTF-8, and repeat"
        )
    with opened(path) as stream:
        data = b"".join(iter(lambda: stream.read(BLOCK_BYTES), b""))
    if form == "csv":
        pieces: Iterable[bytes] = _csv(data, path, spec, verdicts, editor, counts)
    elif form == "jsonl" or (form != "json" and is_lines(path)):
        pieces = _lines(data, verdicts, editor, counts)
    else:
        pieces = _document(data, verdicts, editor, counts)
    after = b"".join(pieces)
    if +counts and not dry_run:
        _replace(path, after)
    return +counts


def _lines(data: bytes, verdicts: Verdicts, editor: _Editor, counts: Counter[str]) -> Iterator[bytes]:
    for number, line in enumerate(io.BytesIO(data), start=1):
        fate = verdicts.fate(number)
        text = line.decode("utf-8", "replace")
        if fate not in ("delete", "mixed") and not editor.may_be_in(text):
            yield line
            continue
        try:
            record = json.loads(text.lstrip("\ufeff"))
        except ValueError:
            counts["records deleted"] += 1  # it cannot be read, and names them
            continue
        done, after = editor.record(fate, record)
        if done == "kept":
            yield line
            continue
        counts[f"records {done}"] += 1
        if done == "reduced":
            spaced = ", " if '": ' in text[:200] else ","
            told = json.dumps(after, ensure_ascii=False, separators=(spaced, ": " if spaced == ", " else ":"))
            yield told.encode() + line[len(line.rstrip(b"\r\n")) :]


def _document(data: bytes, verdicts: Verdicts, editor: _Editor, counts: Counter[str]) -> Iterator[bytes]:
    text = data.decode("utf-8-sig", "replace")
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    if content is None:  # a note, a licence: no records
        done, after = editor.cells("keep", [text])
        if done == "reduced":
            counts["records reduced"] += 1
        yield data if done == "kept" else after[0].encode()
        return
    lists = (
        [value for value in content.values() if isinstance(value, list)] if isinstance(content, dict) else []
    )
    records = content if isinstance(content, list) else lists[0] if len(lists) == 1 else [content]
    kept = []
    for number, record in enumerate(records, start=1):
        done, after = editor.record(verdicts.fate(number), record)
        counts.update({f"records {done}": 1} if done != "kept" else {})
        if done != "deleted":
            kept.append(after)
    if not +counts:
        yield data
        return
    if isinstance(content, list):
        content = kept
    elif len(lists) == 1:
        content = {name: kept if value is lists[0] else value for name, value in content.items()}
    else:
        content = kept[0] if kept else {}
    yield json.dumps(content, ensure_ascii=False).encode()


def _csv(
    data: bytes, path: Path, spec: RawFile | None, verdicts: Verdicts, editor: _Editor, counts: Counter[str]
) -> Iterator[bytes]:
    encoding = spec.encoding if spec is not None else "utf-8"
    delimiter = spec.delimiter if spec is not None else ","
    number, persons = -1, set[int]()
    for raw in _csv_records(data):
        if not raw.strip():
            yield raw
            continue
        number += 1
        text = raw.decode(encoding, "surrogateescape")
        fate = verdicts.fate(number) if number else "keep"
        if number == 0:
            header = next(csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=delimiter))
            persons = {at for at, name in enumerate(header) if name in verdicts.person_columns}
        if number == 0 or (fate not in ("delete", "mixed") and not editor.may_be_in(text)):
            yield raw
            continue
        cells = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
        done, after = editor.cells(fate, cells, persons)
        if done == "kept":
            yield raw
            continue
        counts[f"records {done}"] += 1
        if done == "reduced":
            written = io.StringIO(newline="")
            end = "\r\n" if text.endswith("\r\n") else "\n" if text.endswith("\n") else ""
            csv.writer(written, delimiter=delimiter, lineterminator=end).writerow(after)
            yield written.getvalue().encode(encoding, "surrogateescape")


def _csv_records(data: bytes) -> Iterator[bytes]:
    """Records with their line ends: lines, joined while a quotation mark is open."""
    begun, quotes = b"", 0
    for line in data.splitlines(keepends=True) if b"\r" in data else io.BytesIO(data):
        begun, quotes = begun + line, quotes + line.count(b'"')
        if quotes % 2 == 0:
            yield begun
            begun, quotes = b"", 0
    if begun:
        yield begun


def _replace(path: Path, data: bytes) -> None:
    beside = path.with_name(f".{path.name}.forgetting")
    if path.suffix == ".gz":
        data = gzip.compress(data, mtime=0)
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            name = next(one.filename for one in archive.infolist() if not one.is_dir())
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo(name), data)
        data = packed.getvalue()
    beside.write_bytes(data)
    beside.replace(path)
