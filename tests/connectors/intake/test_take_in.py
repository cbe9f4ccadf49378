"""Raw files of any kind -> canonical rows, with every row accounted for."""

import gzip
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.intake.take_in import TableIntake, take_in
from connectors.mapping.file import Mapping, MappingError, parse_mapping
from connectors.readers import ReadError
from tests.connectors.exports import WriteFolder

HEADER = "id,at,urgency,body\n"
GOOD_ROW = "1,2026-01-01T10:00:00Z,high,hello\n"
CUT_OFF_GZIP = gzip.compress((HEADER + GOOD_ROW * 9).encode(), mtime=0)[:-9]


def mapping(
    format_: str = "csv", file: str = "tickets*", top: str = "", rule: str = "", **columns: str
) -> Mapping:
    recipes = {
        "ticket_id": "id",
        "known_at": "at",
        "created_at": "at",
        "requested_priority": "urgency",
        "body": "body",
        **columns,
    }
    lines = "\n".join(f"          {name}: {recipe}" for name, recipe in recipes.items())
    return parse_mapping(
        f"about: test\n{top}\nsources:\n  - file: '{file}'\n    format: {format_}\n    tables:\n"
        f"      - table: tickets\n        {rule}\n        columns:\n{lines}\n",
        "test.yaml",
    )


def tickets(folder: Path, how: Mapping) -> TableIntake:
    return take_in(folder, how, print).tables["tickets"]


def accounted(table: TableIntake) -> int:
    found = len(table.kept) + len(table.quarantine) + table.filtered.total()
    return found + table.duplicates + table.to_events - table.from_tickets


@pytest.mark.parametrize(
    ("hazard", "content", "kept", "reasons"),
    [
        ("byte order mark", b"\xef\xbb\xbf" + (HEADER + GOOD_ROW).encode(), 1, {}),
        ("Windows line ends", (HEADER + GOOD_ROW).replace("\n", "\r\n"), 1, {}),
        ("no newline at the end", (HEADER + GOOD_ROW).rstrip("\n"), 1, {}),
        ("newline inside a cell", HEADER + '1,2026-01-01T10:00:00Z,high,"two\nlines"\n', 1, {}),
        ("header only", HEADER, 0, {}),
        ("empty file", "", 0, {}),
        ("empty lines", "\n" + HEADER + "\n" + GOOD_ROW + "\n", 1, {}),
        ("row cut off", HEADER + GOOD_ROW + "2,2026-01", 1, {"2 columns instead of 4": 1}),
        ("too many cells", HEADER + "1,2026-01-01,high,a,b\n", 0, {"5 columns instead of 4": 1}),
        ("no id", HEADER + GOOD_ROW.replace("1", "", 1), 0, {"ticket_id: missing": 1}),
        ("unreadable time", HEADER + "1,31.12.2026,high,a\n", 0, {"known_at: not a time": 1}),
        ("no time", HEADER + "1,,high,a\n", 0, {"known_at: missing": 1}),
        ("bad level", HEADER + "1,2026-01-01,asap,a\n", 0, {"requested_priority: not an allowed value": 1}),
        ("same row twice", HEADER + GOOD_ROW * 2, 1, {}),
        ("same id, other text", HEADER + GOOD_ROW + "1,2026-01-01T10:00:00Z,high,bye\n", 1,
         {"key repeated with other content": 1}),
    ],
)  # fmt: skip
def test_csv_hazards(
    write_folder: WriteFolder, hazard: str, content: str | bytes, kept: int, reasons: dict[str, int]
) -> None:
    table = tickets(write_folder({"tickets.csv": content}), mapping())
    assert (len(table.kept), table.reasons()) == (kept, reasons), hazard
    assert accounted(table) == table.rows_in


@pytest.mark.parametrize(
    ("hazard", "line", "reason"),
    [
        ("cut-off line", b'{"id": 2, "at": "2026', "not JSON"),
        ("not UTF-8", b'{"id": "\xff"}', "not UTF-8"),
        ("not an object", b"[1, 2]", "not a JSON object"),
    ],
)
def test_malformed_json_line_is_quarantined_with_its_line_number(
    write_folder: WriteFolder, hazard: str, line: bytes, reason: str
) -> None:
    good = b'{"id": 1, "at": "2026-01-01", "urgency": null, "body": ""}\n'
    table = tickets(write_folder({"tickets.jsonl": b"\xef\xbb\xbf" + good + b"\n" + line}), mapping("jsonl"))
    assert len(table.kept) == 1, hazard
    assert table.quarantine[["row_number", "reason"]].to_numpy().tolist() == [[3, reason]]
    assert table.rows_in == 2


@pytest.mark.parametrize(
    ("hazard", "name", "content", "format_", "expected"),
    [
        ("compressed file cut off", "tickets.csv.gz", CUT_OFF_GZIP, "csv", "cut off"),
        ("JSON document cut off", "tickets.json", '[{"id": 1}', "json", "not one complete JSON document"),
        ("JSON without records", "tickets.json", '{"a": 1}', "json", "must hold a list"),
        ("Parquet cut off", "tickets.parquet", b"PAR1abc", "parquet", "not a complete Parquet file"),
        ("column twice", "tickets.csv", "id,at,id\n", "csv", "'id' is in the header twice"),
    ],
)  # fmt: skip
def test_file_damaged_as_a_whole_stops_with_its_name(
    write_folder: WriteFolder, hazard: str, name: str, content: Any, format_: str, expected: str
) -> None:
    with pytest.raises(ReadError, match=name) as error:
        tickets(write_folder({name: content}), mapping(format_))
    assert expected in str(error.value), hazard


def test_missing_column_names_it_and_what_there_is(write_folder: WriteFolder) -> None:
    folder = write_folder({"tickets.csv": HEADER + GOOD_ROW})
    with pytest.raises(
        MappingError, match=r"no column 'text' in the file; found id, at, urgency, body. Correct"
    ):
        tickets(folder, mapping(body="text"))
    with pytest.raises(MappingError, match=r"csv, tickets: no column 'Body' .* did you mean 'body'\?"):
        tickets(folder, mapping(body="Body"))
    assert tickets(folder, mapping(body="{from: text, default: none}")).kept["body"].tolist() == ["none"]


def test_missing_raw_folder_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="firstline ingest"):
        take_in(tmp_path / "nowhere", mapping(), print)


@pytest.mark.parametrize(
    ("hazard", "raw", "recipe", "expected"),
    [
        ("offset", "2026-07-01T12:00:00+02:00", "at", "2026-07-01T10:00:00Z"),
        ("naive is UTC unless said", "2026-07-01 12:00", "at", "2026-07-01T12:00:00Z"),
        ("summer time", "2026-07-01 12:00", "{from: at, time_zone: Europe/Berlin}", "2026-07-01T10:00:00Z"),
        ("winter time", "2026-01-01 12:00", "{from: at, time_zone: Europe/Berlin}", "2026-01-01T11:00:00Z"),
        (
            "hour that happens twice",
            "2026-10-25 02:30",
            "{from: at, time_zone: Europe/Berlin}",
            "2026-10-25T01:30Z",
        ),
        (
            "hour that never happens",
            "2026-03-29 02:30",
            "{from: at, time_zone: Europe/Berlin}",
            "2026-03-29T01:00Z",
        ),
        (
            "offset wins",
            "2026-07-01T12:00:00Z",
            "{from: at, time_zone: Europe/Berlin}",
            "2026-07-01T12:00:00Z",
        ),
        ("day first", "1/2/2026 09:05", "{from: at, time_format: '%d/%m/%Y %H:%M'}", "2026-02-01T09:05:00Z"),
        ("unix", "1767261600", "{from: at, time_format: unix}", "2026-01-01T10:00:00Z"),
        (
            "unix in milliseconds",
            "1767261600250",
            "{from: at, time_format: unix_ms}",
            "2026-01-01T10:00:00.25Z",
        ),
        ("learnt later", "2026-07-01", "{from: at, delay: 7D}", "2026-07-08T00:00:00Z"),
    ],
)
def test_time_hazards(write_folder: WriteFolder, hazard: str, raw: str, recipe: str, expected: str) -> None:
    folder = write_folder({"tickets.csv": HEADER + f"1,{raw},,\n"})
    table = tickets(folder, mapping(known_at=recipe, created_at=recipe))
    assert table.kept["known_at"].tolist() == [pd.Timestamp(expected)], hazard


def test_ticket_known_before_it_was_written_is_quarantined(write_folder: WriteFolder) -> None:
    folder = write_folder({"tickets.csv": "id,at,written,urgency,body\n1,2026-01-01,2026-01-02,,\n"})
    assert tickets(folder, mapping(created_at="written")).reasons() == {"known_at: before created_at": 1}


@pytest.mark.parametrize(
    ("unmapped", "kept", "urgencies", "quarantined", "filtered"),
    [
        ("reject", 1, ["high"], 1, 0),
        ("filter", 1, ["high"], 0, 1),
        ("empty", 2, ["high", None], 0, 0),
        ("keep", 2, ["high", "low"], 0, 0),
    ],
)
def test_label_that_no_map_knows_goes_where_the_mapping_says(
    write_folder: WriteFolder, unmapped: str, kept: int, urgencies: list[str], quarantined: int, filtered: int
) -> None:
    folder = write_folder({"tickets.csv": HEADER + "1,2026-01-01,P1,\n2,2026-01-02,low,\n"})
    table = tickets(
        folder, mapping(requested_priority=f"{{from: urgency, map: {{P1: high}}, unmapped: {unmapped}}}")
    )
    found = (
        table.kept["requested_priority"]
        .astype("object")
        .where(table.kept["requested_priority"].notna(), None)
    )
    assert (len(table.kept), found.tolist()) == (kept, urgencies)
    assert (len(table.quarantine), table.filtered.total()) == (quarantined, filtered)


def test_rows_the_mapping_skips_are_counted_by_reason(write_folder: WriteFolder) -> None:
    rows = "1,2026-01-01,high,a\n2,2026-01-01,low,b\n3,2026-01-01,mid,c\n4,2026-01-01,,d\n"
    how = mapping(rule='skip_where: {urgency: [LOW, ""], body: c}')
    table = tickets(write_folder({"tickets.csv": HEADER + rows}), how)
    assert table.kept["ticket_id"].tolist() == ["1"]
    assert table.filtered == {"urgency is LOW or empty": 2, "body is c": 1}


def test_a_key_with_several_labels_is_told_because_the_last_one_counts_for_earlier_rows(
    write_folder: WriteFolder,
) -> None:
    firms = "lookups: {owner: {file: owners.csv, format: csv, key: firm, value: who}}"
    files = {"tickets.csv": HEADER + "1,2026-01-01,x,a\n", "owners.csv": "firm,who\nx,ann\nx,bob\ny,cem\n"}
    how = mapping(top=firms, account_id="{from: urgency, lookup: owner}")
    intake = take_in(write_folder(files), how, lambda line: None)
    (note,) = intake.notes
    assert "1 keys have several labels ('x' had 'ann', now 'bob')" in note


def test_labels_and_alternatives(write_folder: WriteFolder) -> None:
    top = "lookups: {fold: {file: fold.json, format: labels}}"
    recipe = "[{from: urgency, lookup: fold, unmapped: empty}, {from: body, where: {id: 2}}, {value: low}]"
    folder = write_folder(
        {
            "fold.json": json.dumps({"P1": "urgent"}),
            "tickets.csv": HEADER + "1,2026-01-01,P1,\n2,2026-01-02,P9,high\n3,2026-01-03,P9,high\n",
        }
    )
    table = tickets(folder, mapping(top=top, file="tickets.csv", requested_priority=recipe))
    assert table.kept["requested_priority"].tolist() == ["urgent", "high", "low"]


def test_label_that_a_later_alternative_does_not_know_is_quarantined_too(write_folder: WriteFolder) -> None:
    recipe = "[{from: urgency, where: {id: 1}}, {from: body, map: {P1: high}}]"
    folder = write_folder({"tickets.csv": HEADER + "1,2026-01-01,low,\n2,2026-01-02,,P1\n3,2026-01-03,,P9\n"})
    table = tickets(folder, mapping(requested_priority=recipe))
    assert table.kept["requested_priority"].tolist() == ["low", "high"]
    assert table.reasons() == {"requested_priority: value not in its map": 1}


def test_lookup_of_a_column_that_is_not_there_names_it(write_folder: WriteFolder) -> None:
    top = "lookups: {team: {file: teams.csv, format: csv, key: id, value: queue}}"
    folder = write_folder({"tickets.csv": HEADER + GOOD_ROW, "teams.csv": "id,name\n1,access\n"})
    with pytest.raises(MappingError, match=r"lookup team: no column 'queue' in teams.csv; found id, name"):
        tickets(folder, mapping(top=top))


def test_files_nobody_reads_and_files_nobody_delivered_are_named(write_folder: WriteFolder) -> None:
    intake = take_in(
        write_folder({"notes.txt": "hello", "tickets.csv": HEADER}), mapping(file="cases*"), print
    )
    assert (intake.tables, intake.missing_files) == ({}, ["cases*"])
    assert intake.unread_files == ["notes.txt", "tickets.csv"]


@pytest.mark.parametrize("format_", ["csv", "csv.gz", "jsonl", "json", "parquet"])
def test_every_format_gives_the_same_rows(write_folder: WriteFolder, tmp_path: Path, format_: str) -> None:
    frame = pd.DataFrame(
        {"id": [1, 2], "at": ["2026-01-01", "2026-01-02"], "urgency": ["high", None], "body": ["", "Grüße"]}
    )
    name = f"tickets.{format_}"
    path = write_folder({name: ""}) / name
    if format_.startswith("csv"):
        frame.to_csv(path, index=False)
    elif format_ == "parquet":
        frame.to_parquet(path)
    else:
        frame.to_json(path, orient="records", lines=format_ == "jsonl", force_ascii=False)
    kept = tickets(path.parent, mapping(format_.removesuffix(".gz"))).kept
    assert kept["ticket_id"].tolist() == ["1", "2"]
    assert kept["body"].fillna("").tolist() == ["", "Grüße"]


CELLS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["1", "2", "3", ""]),
        st.sampled_from(["2026-01-01", "2026-01-02T00:00:00Z", "soon", ""]),
        st.sampled_from(["high", "low", "asap", ""]),
        CELLS,
    ),
    max_size=30,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, extra_cells=st.integers(0, 3))
def test_rows_in_are_always_kept_quarantined_filtered_or_duplicates(
    write_folder: WriteFolder, rows: list[tuple[str, ...]], extra_cells: int
) -> None:
    frame = pd.DataFrame(rows, columns=["id", "at", "urgency", "body"])
    text = frame.to_csv(index=False) + "1,2,3,4,5\n" * extra_cells
    table = tickets(write_folder({"tickets.csv": text}), mapping(rule="skip_where: {urgency: low}"))
    assert accounted(table) == table.rows_in == len(rows) + extra_cells
    assert table.kept["ticket_id"].is_unique
    assert table.quarantine["row_number"].between(1, len(rows) + extra_cells).all()
