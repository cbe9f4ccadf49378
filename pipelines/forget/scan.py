"""Whether anything of a forgotten person or account is left in a file, whatever form the bytes have.

Looked for as UTF-8, UTF-16 and UTF-32, escaped as in JSON and in addresses, in base64 at each alignment,
inside gzip, zip and zlib, and in the decoded columns of Parquet. Where a file is text, a mark counts only as
a word of its own; in a binary file wherever its bytes are.
"""

import base64
import gzip
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

from serving.forget_marks import Marks

_BLOCK = 1 << 25
_OVERLAP = 1 << 16
_AROUND = 64
_ESCAPES = re.compile(r"\\[nrtbf]")
_MOST_LAYERS = 3


@dataclass(frozen=True)
class Needles:
    """The bytes by which marks are told."""

    marks: Marks

    @cached_property
    def words(self) -> tuple[bytes, ...]:
        """Forms in which a mark stands as text, in lower case."""
        forms = set()
        cases = {case for text in self.marks.strings for case in (text, text.upper(), text.lower())}
        for text in map(_lower, cases):
            written = (text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
            forms |= {form.encode("utf-8", "surrogatepass") for form in written}
            forms |= {quote(text, safe="").lower().encode(), quote(text).lower().encode()}
        return tuple(sorted(forms))

    @cached_property
    def wide(self) -> tuple[bytes, ...]:
        """Two and four bytes a character, in lower case."""
        kinds = ("utf-16-le", "utf-16-be", "utf-32-le")
        return tuple(
            _lower(text).encode(kind, "surrogatepass") for text in self.marks.strings for kind in kinds
        )

    @cached_property
    def encoded(self) -> tuple[bytes, ...]:
        """Base64 of marks, at each of three alignments without the characters that depend on neighbours."""
        found = set()
        for text in self.marks.strings:
            raw = text.encode("utf-8", "surrogatepass")
            for shift in range(3):
                whole = base64.b64encode(b"\0" * shift + raw)
                start = (0, 2, 3)[shift]
                end = len(whole) - (4 if (shift + len(raw)) % 3 else 0)
                if end - start >= 8:
                    found.add(whole[start:end])
        return tuple(sorted(found))


def is_in_file(path: Path, needles: Needles) -> bool:
    """Whether the file at ``path``, or its name, holds a mark. A file that is gone meanwhile holds none."""
    if needles.marks.is_in(path.name):
        return True
    try:
        with path.open("rb") as file:
            begins = file.read(4)
            if begins == b"PAR1":
                return any(_is_in_text(text, needles) for text in _columns(path))
            if begins[:2] == b"\x1f\x8b" or begins == b"PK\x03\x04":
                return is_in_bytes(begins + file.read(), needles)
            block = begins + file.read(_BLOCK)
            while block:
                if is_in_bytes(block, needles):
                    return True
                more = file.read(_BLOCK)
                block = block[-_OVERLAP:] + more if more else b""
    except FileNotFoundError:
        return False
    return False


def is_in_bytes(data: bytes, needles: Needles, layers: int = _MOST_LAYERS) -> bool:
    """Whether ``data`` holds a mark, also inside what is packed in it."""
    if layers and any(is_in_bytes(inner, needles, layers - 1) for inner in _unpacked(data)):
        return True
    low = data.lower()
    if any(needle in low for needle in needles.wide) or any(needle in data for needle in needles.encoded):
        return True
    is_text = b"\0" not in data[:4096]
    return any(_stands(low, needle, needles.marks, is_text) for needle in needles.words)


def _stands(low: bytes, needle: bytes, marks: Marks, is_text: bool) -> bool:
    at = low.find(needle)
    while at >= 0:
        around = low[max(at - _AROUND, 0) : at + len(needle) + _AROUND]
        told = _ESCAPES.sub("  ", around.decode("utf-8", "replace"))
        digits = needle.isdigit()
        if not is_text and not (digits and _beside_digits(low, at, len(needle))):
            return True
        if is_text and (marks.is_in(told) or (b"\\u" in needle or b"%" in needle)):
            return True
        at = low.find(needle, at + 1)
    return False


def _beside_digits(low: bytes, at: int, length: int) -> bool:
    return low[at - 1 : at].isdigit() or low[at + length : at + length + 1].isdigit()


def _unpacked(data: bytes) -> Iterator[bytes]:
    if data[:2] == b"\x1f\x8b":
        try:
            yield gzip.decompress(data)
        except (OSError, EOFError, zlib.error):
            return
    elif data[:4] == b"PK\x03\x04":
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                yield from (archive.read(name) for name in archive.namelist())
        except zipfile.BadZipFile:
            return
    elif data[:2] in (b"\x78\x01", b"\x78\x9c", b"\x78\xda"):
        try:
            yield zlib.decompress(data)
        except zlib.error:
            return


def _columns(path: Path) -> Iterator[str]:
    """The distinct texts of each column, a batch at a time."""
    file = pq.ParquetFile(path)
    for batch in file.iter_batches():
        for column in batch.columns:
            values = column.flatten() if pa.types.is_nested(column.type) else [column]
            for part in values if isinstance(values, list) else [values]:
                if pa.types.is_string(part.type) or pa.types.is_large_string(part.type):
                    yield "\n".join(text for text in part.unique().to_pylist() if text is not None)


def _is_in_text(text: str, needles: Needles) -> bool:
    low = text.lower()
    return any(mark.lower() in low for mark in needles.marks.strings) and needles.marks.is_in(text)


def files_under(folders: Iterable[Path]) -> Iterator[Path]:
    """Every file in ``folders`` (a file stands for itself), each once, links not followed."""
    seen = set()
    for folder in folders:
        for path in [folder] if folder.is_file() else sorted(folder.rglob("*")) if folder.is_dir() else ():
            if path.is_file() and not path.is_symlink() and path not in seen:
                seen.add(path)
                yield path


def _lower(text: str) -> str:
    return "".join(c.lower() if c.isascii() else c for c in text)
