"""The beginning of a raw file, read without being told how: format, delimiter and encoding are guessed."""

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice, takewhile
from pathlib import Path

import pandas as pd

from connectors.mapping.file import RawFile
from connectors.readers import Chunk, ReadError, read_chunks
from connectors.readers.files import opened
from connectors.rules.raw_rows import without_missing

SAMPLE_ROWS = 5_000
_HEAD_BYTES = 1 << 18
_PACKED = (".gz", ".zip")
_BY_SUFFIX = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
}
_DELIMITERS = ",;\t|"
_MISSING = ("?", "n/a", "#n/a", "null", "nan", "-", "--", "(null)", "\\n", "(empty)", "(blank)")


@dataclass(frozen=True)
class Sample:
    """The first rows of raw files of one kind: cells are text; ``pattern`` names the files in a mapping."""

    pattern: str
    spec: RawFile
    rows: pd.DataFrame
    reasons: tuple[str, ...] = ()
    """Why the file is read as it is, for people."""


def samples(paths: Sequence[Path]) -> list[Sample]:
    """One sample for each kind of file: files with the same columns are one kind.

    Raises ``ReadError`` for a file that cannot be read or has no rows, with the fix.
    """
    found: dict[tuple[str, ...], list[Sample]] = {}
    for path in paths:
        one = _sample(path)
        found.setdefault((one.spec.format, *map(str, one.rows.columns)), []).append(one)
    return [replace(kind[0], pattern=_pattern([one.pattern for one in kind])) for kind in found.values()]


def _pattern(names: Sequence[str]) -> str:
    """One name, or the names' common beginning and end with ``*`` between."""
    if len(names) == 1:
        return names[0]
    start = _common(names)
    rests = [name[len(start) :] for name in names]
    return f"{start}*{_common([rest[::-1] for rest in rests])[::-1]}"


def _common(names: Sequence[str]) -> str:
    signs = zip(*names, strict=False)
    return "".join(same[0] for same in takewhile(lambda same: len(set(same)) == 1, signs))


def _sample(path: Path) -> Sample:
    if not path.is_file():
        raise ReadError(f"{path} is not a file: give the raw files that a mapping is to be drafted for")
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in _PACKED]
    if suffixes[-1:] in ([".xlsx"], [".xls"], [".ods"]):
        raise ReadError(f"{path} is a spreadsheet: save it as CSV (UTF-8) and give that file")
    with opened(path) as stream:
        head = stream.read(_HEAD_BYTES)
    how: dict[str, str] = {"file": path.name, "format": _format(suffixes, head)}
    reasons = []
    if how["format"] == "csv":
        how |= _csv_options(head)
        if "encoding" in how:
            reasons.append("not UTF-8: read as Western European (check letters such as é and ü)")
    spec = RawFile.model_validate(how)
    rows = _first_rows(read_chunks(path, spec))
    if rows.empty:
        raise ReadError(f"{path} has no rows to guess from: give a file with some")
    missing = _missing_labels(rows)
    if missing:
        spec = spec.model_copy(update={"missing": missing})
        rows = without_missing(Chunk(rows, rows.index.to_numpy()), missing).rows
        reasons.append(f"cells that say {', '.join(map(repr, missing))} are taken as empty")
    return Sample(path.name, spec, rows, tuple(reasons))


def _first_rows(chunks: Iterable[Chunk]) -> pd.DataFrame:
    taken, count = [], 0
    for chunk in islice(chunks, 50):
        taken.append(chunk.rows)
        count += len(chunk.rows)
        if count >= SAMPLE_ROWS:
            break
    rows = pd.concat(taken, ignore_index=True) if taken else pd.DataFrame()
    return rows.iloc[:SAMPLE_ROWS]


def _format(suffixes: Sequence[str], head: bytes) -> str:
    named = _BY_SUFFIX.get(suffixes[-1]) if suffixes else None
    text = head.lstrip(b"\xef\xbb\xbf \r\n\t")
    if named == "parquet" or head.startswith(b"PAR1"):
        return "parquet"
    if named == "csv" or (named is None and not text.startswith((b"{", b"["))):
        return "csv"
    return "jsonl" if text.startswith(b"{") and _is_object(text.splitlines()[0]) else named or "json"


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _csv_options(head: bytes) -> dict[str, str]:
    options = {}
    try:
        text = head.decode("utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        is_cut = error.start >= len(head) - 4
        text = (
            head.decode("utf-8-sig", errors="ignore") if is_cut else head.decode("cp1252", errors="replace")
        )
        options = {} if is_cut else {"encoding": "cp1252"}
    delimiter = max(_DELIMITERS, key=lambda sign: _cells_in_step(text, sign))
    return options | ({} if delimiter == "," else {"delimiter": delimiter})


def _cells_in_step(text: str, delimiter: str) -> int:
    """How many cells a row has, if most rows have as many as the header; 0 otherwise."""
    rows = [row for row in islice(csv.reader(text.splitlines(), delimiter=delimiter), 50) if row]
    if not rows or len(rows[0]) < 2:
        return 0
    same = sum(len(row) == len(rows[0]) for row in rows)
    return len(rows[0]) if same * 2 > len(rows) else 0


def _missing_labels(rows: pd.DataFrame) -> list[str]:
    """Cells that say nothing, and are found in some column beside other values."""
    found: set[str] = set()
    for name in rows:
        if rows[name].dtype != object:
            folded = rows[name].dropna().str.strip().str.casefold()
            found |= set(folded.unique()) & set(_MISSING)
    return sorted(found)
