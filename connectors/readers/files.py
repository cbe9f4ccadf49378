"""Raw files as bytes: unpacked within limits, and as UTF-8 blocks of whole lines whatever their encoding."""

import codecs
import gzip
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

MAX_RECORD_BYTES = 1 << 24
"""A longer record is quarantined but for its beginning (16 MiB: a mail with attachments in it is shorter)."""
BLOCK_BYTES = 1 << 22
MAX_RATIO = 200
"""A packed file may grow this much. CSV and JSON shrink to a tenth, rarely a fiftieth; deflate's limit, only
reached by files made to do harm, is a thousandth."""
ALWAYS_ALLOWED_BYTES = 1 << 28
_FIRST_BYTES = 4096
_BAD = b"\xff"
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    codecs.BOM_UTF8: "utf-8-sig",
}


class ReadError(ValueError):
    """A raw file cannot be read at all. Names the file, what was found and the fix."""


class Readable(Protocol):
    """What is needed of a file: its next bytes, none at its end."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes."""


@dataclass(frozen=True)
class Overlong:
    """A line longer than ``MAX_RECORD_BYTES``: how it begins and how many bytes it has."""

    first: bytes
    length: int


class _Counted:
    """The file on disk; tells how far it was read."""

    def __init__(self, stream: IO[bytes], on_bytes: Callable[[int], object]) -> None:
        self._stream, self._on_bytes = stream, on_bytes

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size)
        self._on_bytes(len(data))
        return data

    def seek(self, position: int, whence: int = 0, /) -> int:
        return self._stream.seek(position, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def seekable(self) -> bool:
        return True


class _Unpacked:
    """A packed stream that stops when it grows out of all proportion."""

    def __init__(self, stream: IO[bytes], path: Path) -> None:
        self._stream, self._path, self._bytes = stream, path, 0
        self._allowed = max(ALWAYS_ALLOWED_BYTES, MAX_RATIO * path.stat().st_size)

    def read(self, size: int, /) -> bytes:
        data = self._stream.read(size)
        self._bytes += len(data)
        if self._bytes > self._allowed:
            raise ReadError(
                f"{self._path} unpacks to more than {self._allowed:,} bytes, over {MAX_RATIO} times its "
                "size: it looks like a decompression bomb; deliver it unpacked if it is not"
            )
        return data


@contextmanager
def opened(path: Path, on_bytes: Callable[[int], object] = lambda count: None) -> Iterator[Readable]:
    """The bytes of ``path``, unpacked if it is ``.gz`` or ``.zip`` (with one file in it).

    Raises ``ReadError`` where the file cannot be opened or unpacked, also later while it is read.
    """
    try:
        with path.open("rb") as raw:
            counted: IO[bytes] = _Counted(raw, on_bytes)  # type: ignore[assignment]
            if path.suffix == ".gz":
                with gzip.GzipFile(fileobj=counted) as unpacked:
                    yield _Unpacked(unpacked, path)  # type: ignore[arg-type]
            elif path.suffix == ".zip":
                with (
                    zipfile.ZipFile(counted) as archive,
                    archive.open(_only_member(archive, path)) as unpacked,
                ):
                    yield _Unpacked(unpacked, path)
            else:
                yield counted
    except (EOFError, gzip.BadGzipFile, zipfile.BadZipFile, zlib.error) as error:
        raise ReadError(
            f"{path}: the compressed file is damaged or cut off ({error}); deliver it again"
        ) from error
    except (RuntimeError, NotImplementedError) as error:
        raise ReadError(f"{path} cannot be unpacked: {error}; deliver it without a password") from error
    except OSError as error:
        raise ReadError(f"{path} cannot be read: {error.strerror}; check the file and its rights") from error


def _only_member(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    members = [
        one for one in archive.infolist() if not one.is_dir() and not one.filename.startswith("__MACOSX/")
    ]
    if len(members) != 1:
        raise ReadError(
            f"{path} holds {len(members)} files, not one: unpack it and deliver the files themselves"
        )
    return members[0]


def utf8_blocks(stream: Readable, path: Path, encoding: str) -> Iterator[bytes]:
    """The text of ``stream`` as UTF-8, some MiB at a time, without byte-order mark; lines end with ``\\n``.

    A byte-order mark wins over ``encoding``. Bytes that are no text in that encoding stay invalid UTF-8, so
    that whoever splits records can blame the right one. Raises ``ReadError`` for an encoding nobody knows.
    """
    first = stream.read(_FIRST_BYTES)
    for mark, marked in _BYTE_ORDER_MARKS.items():
        if first.startswith(mark):
            encoding = marked
            break
    try:
        name = codecs.lookup(encoding).name
    except LookupError as error:
        raise ReadError(
            f"{path}: unknown encoding {encoding!r}; use a Python codec such as cp1252"
        ) from error
    if name in ("utf-8", "utf-8-sig"):
        _refuse_other(first, path)
        first = first.removeprefix(codecs.BOM_UTF8)
        decode = None
    else:
        decode = codecs.getincrementaldecoder(encoding)(errors="replace")
    old_line_ends = b"\r" in first and b"\n" not in first
    data = first
    while data:
        block = data if decode is None else _marked(decode.decode(data))
        yield block.replace(b"\r", b"\n") if old_line_ends else block
        data = stream.read(BLOCK_BYTES)
    if decode is not None and (rest := _marked(decode.decode(b"", final=True))):
        yield rest


def _marked(text: str) -> bytes:
    return text.encode("utf-8").replace("\ufffd".encode(), _BAD)


def _refuse_other(first: bytes, path: Path) -> None:
    if first.count(b"\0") > len(first) // 4:
        raise ReadError(
            f"{path} is not UTF-8 text: every other byte is zero; set the source's `encoding` (utf-16-le?)"
        )


def segments(blocks: Iterator[bytes]) -> Iterator[bytes | Overlong]:
    """``blocks`` cut after whole lines, about ``BLOCK_BYTES`` each; the last line may lack its end."""
    rest = b""
    for block in blocks:
        rest += block
        if len(rest) < BLOCK_BYTES:
            continue
        cut = rest.rfind(b"\n") + 1
        if cut:
            yield rest[:cut]
            rest = rest[cut:]
        elif len(rest) > MAX_RECORD_BYTES:
            overlong, rest = _passed_over(rest, blocks)
            yield overlong
    if rest:
        yield rest


def _passed_over(begun: bytes, blocks: Iterator[bytes]) -> tuple[Overlong, bytes]:
    length = len(begun)
    for block in blocks:
        end = block.find(b"\n")
        if end >= 0:
            return Overlong(begun[:_FIRST_BYTES], length + end), block[end + 1 :]
        length += len(block)
    return Overlong(begun[:_FIRST_BYTES], length), b""


def overlong_reason() -> str:
    """Why a record that is too long was set aside."""
    return f"longer than {MAX_RECORD_BYTES >> 20} MiB"
