"""Records of JSON lines and of JSON documents, unfolded into flat rows."""

import json
from collections.abc import Iterator
from pathlib import Path

import ijson

from connectors.formats import Unfold
from connectors.readers.files import (
    BLOCK_BYTES,
    MAX_RECORD_BYTES,
    Overlong,
    Readable,
    ReadError,
    opened,
    overlong_reason,
    segments,
    utf8_blocks,
)
from connectors.readers.rows import Chunk, ChunkOfRecords, Malformed, as_json, beginning, flat
from connectors.shapes import Record, ShapeError

Parsed = tuple[int, Record | Malformed, int]
"""Number of the record, the record, and roughly its size in bytes."""

_TOO_DEEP = "nested too deeply"


def is_lines(path: Path) -> bool:
    """Whether a vendor's JSON file has one object a line (not one document over many lines, or a list)."""
    with opened(path) as stream:
        begins = next(utf8_blocks(stream, path, "utf-8"), b"").lstrip()
    first, newline, _ = begins.partition(b"\n")
    return first.startswith(b"{") and (not newline or not isinstance(_parsed_line(1, first), Malformed))


def line_records(stream: Readable, path: Path, encoding: str) -> Iterator[Parsed]:
    """One object a line; empty lines are passed over but counted."""
    number = 0
    for segment in segments(utf8_blocks(stream, path, encoding)):
        if isinstance(segment, Overlong):
            number += 1
            yield number, Malformed(number, overlong_reason(), beginning(segment.first)), len(segment.first)
            continue
        for line in segment.split(b"\n"):
            number += 1
            if line.strip():
                yield number, _parsed_line(number, line), len(line)
        number -= segment.endswith(b"\n")


def _parsed_line(number: int, line: bytes) -> Record | Malformed:
    try:
        record = json.loads(line.decode("utf-8"))
        if b"\\u" in line:
            json.dumps(record, ensure_ascii=False).encode("utf-8")
    except RecursionError:
        return Malformed(number, _TOO_DEEP, beginning(line))
    except UnicodeDecodeError:
        return Malformed(number, "not UTF-8", beginning(line))
    except UnicodeEncodeError:
        return Malformed(number, "half a character (a lone surrogate)", beginning(line))
    except ValueError:
        return Malformed(number, "not JSON", beginning(line))
    return record if isinstance(record, dict) else Malformed(number, "not a JSON object", beginning(line))


def document_records(stream: Readable, path: Path, encoding: str) -> Iterator[Parsed]:
    """Records of one JSON document: a list, or an object with exactly one list of records in it.

    Raises ``ReadError`` for a document that is cut off or has another shape: nobody can know what it lost.
    """
    with opened(path) as again:
        place = _place_of_records(_Document(again, path, encoding), path)
    if place is None:
        return
    document = _Document(stream, path, encoding)
    try:
        for number, record in enumerate(ijson.items(document, place), start=1):
            size = document.since_last_record()
            if not isinstance(record, dict):
                record = Malformed(number, "not a JSON object", as_json(record))
            yield number, record, size
    except (ijson.JSONError, UnicodeError) as error:
        raise _not_a_document(path, error) from error


def _place_of_records(document: "_Document", path: Path) -> str | None:
    """ijson's name of the records of a document: reads all of it, so that a cut-off one is refused first."""
    depth, key = 0, ""
    top: str | None = None
    lists: list[str] = []
    try:
        for event, value in ijson.basic_parse(document):
            if event == "map_key" and depth == 1:
                key = value
            elif event in ("start_map", "start_array"):
                top = top or event
                if depth == 1 and top == "start_map" and event == "start_array":
                    lists.append(key)
                depth += 1
            elif event in ("end_map", "end_array"):
                depth -= 1
            if depth <= 2:
                document.since_last_record()
    except (ijson.JSONError, UnicodeError) as error:
        if document.is_blank:
            return None
        raise _not_a_document(path, error) from error
    if top == "start_array":
        return "item"
    if top != "start_map" or len(lists) != 1:
        raise ReadError(f"{path} must hold a list of records, or an object with exactly one list in it")
    return f"{lists[0]}.item"


def _not_a_document(path: Path, error: Exception) -> ReadError:
    said = (str(error).splitlines() or [""])[0].removeprefix("b'").strip()
    return ReadError(
        f"{path} is not one complete JSON document: {said}; deliver it again, "
        "or say `format: jsonl` if it has one record a line"
    )


class _Document:
    """The text of a document for ijson; stops at a record that is too long to be held."""

    def __init__(self, stream: Readable, path: Path, encoding: str) -> None:
        self._blocks = utf8_blocks(stream, path, encoding)
        self._path, self._rest, self._since_last = path, b"", 0
        self.is_blank = True

    def read(self, size: int = BLOCK_BYTES, /) -> bytes:
        if not size:
            return b""
        data = self._rest or next(self._blocks, b"")
        data, self._rest = data[:size], data[size:]
        self.is_blank = self.is_blank and not data.strip()
        self._since_last += len(data)
        if self._since_last > MAX_RECORD_BYTES + BLOCK_BYTES:
            raise ReadError(
                f"{self._path} has a record {overlong_reason()} in one JSON document; "
                "deliver one record a line (format: jsonl), where a single record can be set aside"
            )
        return data

    def since_last_record(self) -> int:
        """Bytes read since the last call."""
        count, self._since_last = self._since_last, 0
        return count


def unfolded(parsed: Iterator[Parsed], unfold: Unfold) -> Iterator[Chunk]:
    """Chunks of flat rows; records of another shape than their format has are set aside."""
    chunk = ChunkOfRecords(2 * BLOCK_BYTES)
    for number, record, size_bytes in parsed:
        if isinstance(record, Malformed):
            chunk.set_aside(record)
        else:
            try:
                chunk.add(number, [flat(row) for row in unfold(record)], size_bytes)
            except ShapeError as error:
                chunk.set_aside(Malformed(number, str(error), as_json(record)))
            except RecursionError:
                chunk.set_aside(Malformed(number, _TOO_DEEP, ""))
            except (AttributeError, LookupError, TypeError, ValueError) as error:
                reason = f"not the shape that its format has ({type(error).__name__})"
                chunk.set_aside(Malformed(number, reason, as_json(record)))
        if chunk.is_full:
            yield from chunk.take()
    yield from chunk.take()
