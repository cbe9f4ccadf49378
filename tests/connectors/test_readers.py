"""Raw files of any kind and condition -> rows: one bad record costs one record, memory stays bounded."""

import gzip
import io
import json
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.mapping.file import RawFile
from connectors.readers import (
    ReadError,
    columns_of,
    csv_rows,
    files,
    json_rows,
    parquet_rows,
    read_chunks,
    rows,
)

HEADER = "id,n\n"
Found = tuple[dict[int, str], dict[int, str]]


def read(path: Path, format_: str = "csv", encoding: str = "utf-8", column: str = "n") -> Found:
    """({record number: text of a column}, {record number: why it was set aside})."""
    good: dict[int, str] = {}
    bad: dict[int, str] = {}
    for chunk in read_chunks(path, RawFile(file=path.name, format=format_, encoding=encoding)):
        if len(chunk.rows):
            good |= dict(zip(map(int, chunk.row_numbers), chunk.rows[column].fillna(""), strict=True))
        bad |= {row.row_number: row.reason for row in chunk.malformed}
    return good, bad


def written(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.fixture(params=[16, 256, 1 << 22], ids=["tiny blocks", "small blocks", "usual blocks"])
def any_block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Blocks of several sizes: records straddle them."""
    monkeypatch.setattr(files, "BLOCK_BYTES", request.param)
    monkeypatch.setattr(files, "_FIRST_BYTES", request.param)
    return int(request.param)


OPEN = "a quotation mark is left open or misplaced"
CSV_HAZARDS = [
    ("nothing wrong", "1,a\n2,b\n", {1: "a", 2: "b"}, {}),
    ("one byte that is no text", b"1,a\n2,K\xf6ln\n3,c\n", {1: "a", 3: "c"}, {2: "n: not utf-8 text"}),
    ("the same beside quotes", b'1,"a"\n2,K\xf6ln\n3,"c,d"\n', {1: "a", 3: "c,d"}, {2: "n: not utf-8 text"}),
    ("too few cells", "1,a\n2\n3,c\n", {1: "a", 3: "c"}, {2: "1 columns instead of 2"}),
    ("too many beside quotes", '1,"a"\n2,b,c\n3,"c"\n', {1: "a", 3: "c"}, {2: "3 columns instead of 2"}),
    ("line in a cell", '1,"a\nb"\n2,c\n', {1: "a\nb", 2: "c"}, {}),
    ("quotation mark left open at the end", '1,a\n2,"b\n3,c\n', {1: "a", 3: "c"}, {2: OPEN}),
    ("left open, closed by a later one", '1,a\n2,"b\n3,"c"\n4,d\n', {1: "a", 3: "c", 4: "d"}, {2: OPEN}),
    ("left open, closed where rows merge", '1,"a\n2,b"\n3,c\n', {1: "a\n2,b", 2: "c"}, {}),
    ("empty lines", "\n1,a\n\n\n2,b\n\n", {1: "a", 2: "b"}, {}),
    ("Windows line ends", "1,a\r\n2,b\r\n", {1: "a", 2: "b"}, {}),
    ("a lone carriage return", "1,a\n2,b\rc\n3,d\n", {1: "a", 3: "d"}, {2: OPEN}),
    ("a zero byte", "1,a\0b\n", {1: "a\0b"}, {}),
    ("formula", "1,=cmd|' /C calc'!A0\n", {1: "=cmd|' /C calc'!A0"}, {}),
]


@pytest.mark.parametrize(("hazard", "content", "good", "bad"), CSV_HAZARDS, ids=[h[0] for h in CSV_HAZARDS])
def test_one_bad_csv_row_costs_one_row(
    tmp_path: Path,
    any_block: int,
    hazard: str,
    content: bytes | str,
    good: dict[int, str],
    bad: dict[int, str],
) -> None:
    raw = content if isinstance(content, bytes) else content.encode()
    assert read(written(tmp_path, "t.csv", HEADER.encode() + raw)) == (good, bad)


@pytest.mark.parametrize(
    ("hazard", "raw", "encoding"),
    [
        ("UTF-8 with mark", b"\xef\xbb\xbf" + (HEADER + "1,Köln\n").encode(), "utf-8"),
        ("UTF-16 with mark", (HEADER + "1,Köln\n").encode("utf-16"), "utf-8"),
        ("UTF-16 big-endian", b"\xfe\xff" + (HEADER + "1,Köln\n").encode("utf-16-be"), "utf-8"),
        ("UTF-32 with mark", (HEADER + "1,Köln\n").encode("utf-32"), "utf-8"),
        ("mark wins over what is said", b"\xef\xbb\xbf" + (HEADER + "1,Köln\n").encode(), "cp1252"),
        ("Windows", (HEADER + "1,Köln\n").encode("cp1252"), "cp1252"),
        ("old Macintosh", (HEADER + "1,Köln\n").replace("\n", "\r").encode("mac-roman"), "mac-roman"),
    ],
)
def test_encodings_and_byte_order_marks(tmp_path: Path, hazard: str, raw: bytes, encoding: str) -> None:
    assert read(written(tmp_path, "t.csv", raw), encoding=encoding) == ({1: "Köln"}, {}), hazard


def test_a_byte_that_the_stated_encoding_does_not_have_costs_its_row(tmp_path: Path) -> None:
    path = written(tmp_path, "t.csv", b"id,n\n1,a\n2,\x81\n3,\x80\n")
    assert read(path, encoding="cp1252") == ({1: "a", 3: "€"}, {2: "n: not cp1252 text"})


@pytest.mark.parametrize(
    ("hazard", "name", "content", "format_", "expected"),
    [
        ("unknown encoding", "t.csv", "id,n\n", "csv", "unknown encoding 'klingon'"),
        ("header is no text", "t.csv", b"id,n\xf6\n1,2\n", "csv", "header is not"),
        ("column twice", "t.csv", "id,id\n1,2\n", "csv", "'id' is in the header twice"),
        (
            "UTF-16 without mark",
            "t.csv",
            "id,n\n1,a\n".encode("utf-16-le"),
            "csv",
            "every other byte is zero",
        ),
        ("gz cut off", "t.csv.gz", gzip.compress(b"id,n\n1,a\n" * 9)[:-9], "csv", "damaged or cut off"),
        ("gz that is none", "t.csv.gz", b"id,n\n1,a\n", "csv", "damaged or cut off"),
        ("zip that is none", "t.csv.zip", b"PK\3\4id,n\n", "csv", "damaged or cut off"),
        ("Parquet that is none", "t.parquet", b"PAR1id,n", "parquet", "not a complete Parquet file"),
        ("JSON cut off", "t.json", '[{"n": 1}, {"n"', "json", "not one complete JSON document"),
        ("JSON lines called JSON", "t.json", '{"n": []}\n{"n": []}\n', "json", "format: jsonl"),
        ("JSON without records", "t.json", '{"n": 1}', "json", "exactly one list"),
        ("JSON with two lists", "t.json", '{"a": [], "b": []}', "json", "exactly one list"),
        ("JSON not UTF-8", "t.json", b'[{"n": "\xf6"}]', "json", "not one complete JSON document"),
    ],
)
def test_file_damaged_as_a_whole_is_one_error_with_name_and_fix(
    tmp_path: Path, hazard: str, name: str, content: bytes | str, format_: str, expected: str
) -> None:
    encoding = "klingon" if hazard == "unknown encoding" else "utf-8"
    with pytest.raises(ReadError, match=name) as error:
        read(written(tmp_path, name, content), format_, encoding)
    assert expected in str(error.value), hazard


def test_a_folder_in_place_of_a_file_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="cannot be read"):
        read(tmp_path)


JSON_LINES = [
    ("nothing wrong", b'{"n": "a"}\n', {1: "a"}, {}),
    ("cut off", b'{"n": "a"}\n{"n": "b', {1: "a"}, {2: "not JSON"}),
    ("no text", b'{"n": "\xf6"}\n{"n": "b"}\n', {2: "b"}, {1: "not UTF-8"}),
    (
        "half a character",
        b'{"n": "\\ud800"}\n{"n": "b"}\n',
        {2: "b"},
        {1: "half a character (a lone surrogate)"},
    ),
    ("whole character, escaped", b'{"n": "\\ud83d\\ude00"}\n', {1: "😀"}, {}),
    ("no object", b'[1]\n{"n": "b"}\n', {2: "b"}, {1: "not a JSON object"}),
    (
        "nested a hundred thousand times",
        b"[" * 100_000 + b'\n{"n": "b"}\n',
        {2: "b"},
        {1: "nested too deeply"},
    ),
    ("empty lines", b'\n\n{"n": "c"}\n', {3: "c"}, {}),
    ("Windows line ends", b'{"n": "a"}\r\n{"n": "b"}\r\n', {1: "a", 2: "b"}, {}),
    ("number as number", b'{"n": 12}\n', {1: "12"}, {}),
]


@pytest.mark.parametrize(("hazard", "content", "good", "bad"), JSON_LINES, ids=[h[0] for h in JSON_LINES])
def test_one_bad_json_line_costs_one_line(
    tmp_path: Path, any_block: int, hazard: str, content: bytes, good: dict[int, str], bad: dict[int, str]
) -> None:
    assert read(written(tmp_path, "t.jsonl", content), "jsonl") == (good, bad)


def test_record_of_another_shape_than_its_format_is_set_aside(tmp_path: Path) -> None:
    lines = [{"id": 1, "created_at": "x", "custom_fields": "none", "via": 3}, {"id": 2, "created_at": "x"}]
    path = written(tmp_path, "t.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    good, bad = read(path, "zendesk_tickets", column="id")
    assert (good, list(bad)) == ({2: "2"}, [1])
    assert bad[1]


def test_a_line_longer_than_the_limit_is_set_aside_but_for_its_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_RECORD_BYTES", 1 << 16)
    monkeypatch.setattr(files, "BLOCK_BYTES", 1 << 12)
    path = written(tmp_path, "t.csv", HEADER + "1,a\n2," + "x" * 2_000_000 + "\n3,c\n")
    chunks = list(read_chunks(path, RawFile(file="t.csv", format="csv")))
    assert read(path) == ({1: "a", 3: "c"}, {2: "longer than 0 MiB"})
    (malformed,) = [row for chunk in chunks for row in chunk.malformed]
    assert malformed.raw.startswith("2,xxx")
    assert len(malformed.raw) <= rows.RAW_CHARACTERS
    lines = written(tmp_path, "t.jsonl", '{"n": "a"}\n{"n": "' + "x" * 2_000_000 + '"}\n{"n": "c"}\n')
    assert read(lines, "jsonl") == ({1: "a", 3: "c"}, {2: "longer than 0 MiB"})


def test_an_open_quotation_mark_is_not_carried_further_than_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_rows, "MAX_RECORD_BYTES", 500)
    monkeypatch.setattr(files, "BLOCK_BYTES", 200)
    monkeypatch.setattr(files, "_FIRST_BYTES", 200)
    path = written(tmp_path, "t.csv", HEADER + '1,"a\n' + "".join(f"{n},b\n" for n in range(2, 900)))
    good, bad = read(path)
    assert bad == {1: OPEN}
    assert good == dict.fromkeys(range(2, 900), "b")


def test_a_long_record_inside_a_json_document_is_one_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_rows, "MAX_RECORD_BYTES", 1 << 12)
    monkeypatch.setattr(json_rows, "BLOCK_BYTES", 1 << 12)
    monkeypatch.setattr(files, "BLOCK_BYTES", 1 << 12)
    many = json.dumps({"page": {"next": None}, "cases": [{"n": "x" * 100}] * 1_000})
    assert len(read(written(tmp_path, "many.json", many), "json")[0]) == 1_000
    with pytest.raises(ReadError, match=r"long\.json has a record longer than"):
        read(written(tmp_path, "long.json", json.dumps([{"n": "x" * 100_000}])), "json")


@pytest.mark.parametrize("suffix", [".gz", ".zip"])
def test_a_decompression_bomb_is_one_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr(files, "ALWAYS_ALLOWED_BYTES", 1 << 20)
    content = HEADER.encode() + b"1,a\n" * 2_000_000
    packed = gzip.compress(content) if suffix == ".gz" else zipped({"t.csv": content})
    with pytest.raises(ReadError, match="decompression bomb"):
        read(written(tmp_path, f"t.csv{suffix}", packed))


def zipped(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def test_zip_with_one_file_is_read_and_with_several_refused(tmp_path: Path) -> None:
    one = zipped({"t.csv": b"id,n\n1,a\n", "__MACOSX/t.csv": b"?"})
    assert read(written(tmp_path, "t.csv.zip", one)) == ({1: "a"}, {})
    two = zipped({"t.csv": b"id,n\n", "u.csv": b"id,n\n"})
    with pytest.raises(ReadError, match="holds 2 files"):
        read(written(tmp_path, "u.csv.zip", two))


def test_records_that_all_name_other_fields_do_not_become_a_huge_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "MAX_CHUNK_CELLS", 400)
    path = written(tmp_path, "t.jsonl", "".join(f'{{"c{n}": "x"}}\n' for n in range(500)))
    sizes = [chunk.rows.size for chunk in read_chunks(path, RawFile(file="t.jsonl", format="jsonl"))]
    assert max(sizes) <= 441


def test_a_parquet_file_is_cut_by_what_its_rows_weigh_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_rows, "BLOCK_BYTES", 500_000)
    frame = pd.DataFrame({"id": range(3_000), "n": "the same long text " * 60})
    frame.to_parquet(tmp_path / "t.parquet")
    spec = RawFile(file="t.parquet", format="parquet")
    chunks = list(read_chunks(tmp_path / "t.parquet", spec))
    assert max(len(chunk.rows) for chunk in chunks) < 1_000
    assert [int(n) for chunk in chunks for n in chunk.row_numbers] == list(range(1, 3_001))


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("format_", ["csv", "jsonl", "json", "zendesk_tickets"])
def test_an_empty_file_has_no_rows(tmp_path: Path, content: bytes, format_: str) -> None:
    assert read(written(tmp_path, "t", content), format_) == ({}, {})


def test_columns_of_the_header(tmp_path: Path) -> None:
    path = written(tmp_path, "t.csv", '"id","the\nname",\n1,2,3\n')
    assert columns_of(path, RawFile(file="t.csv", format="csv")) == ["id", "the\nname", "(column 3)"]


def test_row_numbers_skip_over_malformed_rows_across_blocks(tmp_path: Path, any_block: int) -> None:
    bad = {5, 6, 77, 200}
    lines = "".join("broken\n" if n in bad else f"x,{n}\n" for n in range(1, 201))
    good, set_aside = read(written(tmp_path, "many.csv", HEADER + lines))
    assert good == {n: str(n) for n in range(1, 201) if n not in bad}
    assert set(set_aside) == bad


CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)


@settings(max_examples=60, deadline=None)
@given(
    table=st.lists(st.tuples(st.integers(1, 99), CELLS), max_size=12),
    block=st.integers(5, 60),
    delimiter=st.sampled_from(",;\t"),
)
def test_what_a_csv_writer_wrote_is_read_back_whatever_the_blocks(
    tmp_path_factory: pytest.TempPathFactory, table: list[tuple[int, str]], block: int, delimiter: str
) -> None:
    import csv

    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(["id", "n"])
    writer.writerows(table)
    path = written(tmp_path_factory.mktemp("csv"), "t.csv", text.getvalue())
    spec = RawFile(file="t.csv", format="csv", delimiter=delimiter)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "BLOCK_BYTES", block)
        patch.setattr(files, "_FIRST_BYTES", block)
        chunks = list(read_chunks(path, spec))
    cells = [cell for chunk in chunks for cell in chunk.rows["n"].fillna("")]
    assert cells == [cell.replace("\r\n", "\n") for _, cell in table]
    assert not any(chunk.malformed for chunk in chunks)
