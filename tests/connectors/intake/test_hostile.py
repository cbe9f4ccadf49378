"""What companies really deliver: each hazard ends as rows in quarantine with a reason, or one clear error."""

import json
import random
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.deliveries import record_delivery
from connectors.intake.spool import ROW_GROUP_ROWS, Sorter, SortError, frames
from connectors.intake.take_in import Intake, TableIntake, take_in
from connectors.mapping.file import Mapping, MappingError, RawFile, parse_mapping
from connectors.readers import Chunk, ReadError, read_chunks
from tests.connectors.exports import WriteFolder

COLUMNS = "ticket_id: id, known_at: at, created_at: at, requested_priority: urgency, body: body"
HEADER = "id,at,urgency,body\n"


def mapping(format_: str = "csv", columns: str = COLUMNS, file: str = "tickets*") -> Mapping:
    return parse_mapping(
        f"about: test\nsources:\n  - file: '{file}'\n    format: {format_}\n    tables:\n"
        f"      - table: tickets\n        columns: {{{columns}}}\n",
        "test.yaml",
    )


def read(folder: Path, how: Mapping) -> Intake:
    return take_in(folder, how, lambda line: None)


def is_even(table: TableIntake) -> bool:
    found = table.rows_kept + table.rows_quarantined + table.filtered.total()
    return table.rows_in + table.from_tickets == found + table.duplicates + table.to_events


def test_five_per_cent_garbage_is_exactly_what_is_quarantined(write_folder: WriteFolder) -> None:
    chance = random.Random(5)
    garbage = [b"\x00\xff\xfe,,,\n", b'"open\n', b"a,b\n", b"\xf6,2026-01-01,,x\n", b"9,never,,x\n", b",,,\n"]
    lines = [f"{n},2026-01-01T00:00:00Z,high,text {n}\n".encode() for n in range(4_000)]
    bad = chance.sample(range(4_000), 200)
    for number in bad:
        lines[number] = chance.choice(garbage)
    table = read(write_folder({"tickets.csv": HEADER.encode() + b"".join(lines)}), mapping()).tables[
        "tickets"
    ]
    assert sorted(table.quarantine["row_number"] - 1) == sorted(bad)
    assert table.rows_kept == 3_800
    assert is_even(table)


RENAMED = {
    "tickets-2026-01.csv": HEADER + "1,2026-01-01,high,a\n",
    "tickets-2026-07.csv": "id,at,urgency_level,body\n2,2026-07-01,high,b\n3,2026-07-01,low,c\n",
}


def test_a_column_renamed_in_the_middle_of_the_year_sets_that_files_rows_aside(
    write_folder: WriteFolder,
) -> None:
    table = read(write_folder(RENAMED), mapping()).tables["tickets"]
    assert table.kept["ticket_id"].tolist() == ["1"]
    assert table.reasons() == {"no column 'urgency' in this file (renamed to 'urgency_level'?)": 2}
    assert table.quarantine[["source_file", "row_number"]].to_numpy().tolist() == [
        ["tickets-2026-07.csv", 1],
        ["tickets-2026-07.csv", 2],
    ]


def test_a_derived_column_that_one_file_cannot_have_sets_only_that_files_rows_aside(
    write_folder: WriteFolder,
) -> None:
    how = parse_mapping(
        "about: test\nsources:\n  - file: 'tickets*'\n    format: csv\n    derive: {level: urgency}\n"
        "    tables:\n      - table: tickets\n        columns: {ticket_id: id, known_at: at, created_at: at, "
        "requested_priority: level}\n",
        "test.yaml",
    )
    table = read(write_folder(RENAMED), how).tables["tickets"]
    assert table.kept["requested_priority"].tolist() == ["high"]
    assert table.reasons() == {"no column 'urgency' in this file (renamed to 'urgency_level'?)": 2}


def test_a_column_that_no_file_has_is_a_mistake_of_the_mapping(write_folder: WriteFolder) -> None:
    with pytest.raises(MappingError, match="no column 'urgence'"):
        read(write_folder(RENAMED), mapping(columns=COLUMNS.replace("urgency", "urgence")))


def test_a_field_that_json_files_stop_having_is_said(write_folder: WriteFolder) -> None:
    def line(number: int, **more: str) -> str:
        return json.dumps({"id": str(number), "at": "2026-01-01", "urgency": "high", **more}) + "\n"

    folder = write_folder({"tickets-1.jsonl": line(1, body="a"), "tickets-2.jsonl": line(2, text="b")})
    intake = read(folder, mapping("jsonl"))
    assert intake.tables["tickets"].rows_kept == 2
    assert intake.notes == [
        "tickets-2.jsonl: no record has 'body', as other files do (renamed to 'text'?)",
    ]
    nowhere = read(folder, mapping("jsonl", COLUMNS.replace("urgency", "urgence")))
    assert "tickets*: no record has 'urgence', which the mapping names" in nowhere.notes


TIMES = [
    ("mixed offsets", "2026-07-01T12:00:00+02:00", "2026-07-01T10:00:00Z"),
    ("another offset in the same file", "2026-07-01T12:00:00-0500", "2026-07-01T17:00:00Z"),
    ("no offset: the mapping's zone", "2026-07-01 12:00:00", "2026-07-01T12:00:00Z"),
    ("no such day", "2026-02-30", None),
    ("no such hour", "2026-02-01T25:00:00Z", None),
    ("seconds read as a date", "1767261600", None),
    ("nothing's date", "0000-00-00 00:00:00", None),
    ("1970, an empty date of some systems", "1970-01-01T00:00:00Z", None),
    ("the far future", "9999-12-31T00:00:00Z", None),
    ("a number of a spreadsheet", "46023.5", None),
]


@pytest.mark.parametrize(("hazard", "raw", "expected"), TIMES, ids=[case[0] for case in TIMES])
def test_times(write_folder: WriteFolder, hazard: str, raw: str, expected: str | None) -> None:
    rows = f"1,2026-01-01T00:00:00Z,,first\n2,{raw},,\n"
    table = read(write_folder({"tickets.csv": HEADER + rows}), mapping()).tables["tickets"]
    found = table.kept.loc[table.kept["ticket_id"] == "2", "known_at"].tolist()
    assert found == ([] if expected is None else [pd.Timestamp(expected)])
    assert all(reason.startswith("known_at:") for reason in table.reasons())
    assert is_even(table)


def test_a_formula_is_kept_as_the_text_it_is(write_folder: WriteFolder) -> None:
    rows = '1,2026-01-01,,"=HYPERLINK(""http://evil.example"")"\n2,2026-01-01,=1+1,x\n'
    table = read(write_folder({"tickets.csv": HEADER + rows}), mapping()).tables["tickets"]
    assert table.kept["body"].tolist() == ['=HYPERLINK("http://evil.example")']
    assert table.reasons() == {"requested_priority: not an allowed value": 1}


def test_an_empty_file_among_others_costs_nothing_and_is_named(write_folder: WriteFolder) -> None:
    folder = write_folder(
        {"tickets-1.csv": HEADER + "1,2026-01-01,,a\n", "tickets-2.csv": b"", "tickets-3.csv": HEADER}
    )
    intake = read(folder, mapping())
    assert intake.tables["tickets"].kept["ticket_id"].tolist() == ["1"]
    assert intake.notes == [f"tickets-{number}.csv: there is no record in it" for number in (2, 3)]


def test_the_time_of_receipt_is_known_where_the_source_has_none(write_folder: WriteFolder) -> None:
    how = mapping(columns="ticket_id: id, known_at: {received: true}, created_at: at, body: body")
    folder = write_folder(
        {"tickets-1.csv": HEADER + "1,2026-01-01,,a\n", "tickets-2.csv": HEADER + "2,2026-01-01,,b\n"}
    )
    received = pd.Timestamp("2026-02-01T00:00Z")
    record_delivery(folder, ["tickets-1.csv"], received)
    table = read(folder, how).tables["tickets"]
    assert table.kept[["ticket_id", "known_at"]].to_numpy().tolist() == [["1", received]]
    assert table.reasons() == {"known_at: missing": 1}
    assert json.loads(table.quarantine["raw"][0]) == {"id": "2", "at": "2026-01-01", "body": "b"}


def test_rows_come_back_in_order_of_being_known_some_at_a_time(write_folder: WriteFolder) -> None:
    days = [5, 3, 4, 1, 2]
    rows = "".join(f"{day},2026-01-0{day},,\n" for day in days)
    table = read(write_folder({"tickets.csv": HEADER + rows}), mapping()).tables["tickets"]
    parts = [frame["ticket_id"].tolist() for frame in frames(table.path, "tickets", rows=2)]
    assert parts == [["1", "2"], ["3", "4"], ["5"]]
    assert ROW_GROUP_ROWS > 2


def test_the_same_rows_in_other_files_give_the_same_bytes(write_folder: WriteFolder, tmp_path: Path) -> None:
    rows = [f"{n},2026-01-01T00:00:00Z,,text {n}\n" for n in range(50)]
    one = read(write_folder({"tickets.csv": HEADER + "".join(rows)}), mapping()).tables["tickets"]
    for name, part in (("tickets-a.csv", rows[30:]), ("tickets-b.csv", rows[:30])):
        (tmp_path / "other").mkdir(exist_ok=True)
        (tmp_path / "other" / name).write_text(HEADER + "".join(part))
    other = read(tmp_path / "other", mapping()).tables["tickets"]
    assert one.path.read_bytes() == other.path.read_bytes()


def test_rows_known_after_their_file_was_delivered_are_told(write_folder: WriteFolder) -> None:
    rows = "1,2026-01-01T12:00:00,,\n2,2026-01-01T14:00:00,,\n3,2026-01-01T13:02:00,,\n"
    folder = write_folder({"tickets.csv": HEADER + rows})
    record_delivery(folder, ["tickets.csv"], pd.Timestamp("2026-01-01T13:00Z"))
    intake = read(folder, mapping())
    assert intake.tables["tickets"].rows_kept == 3
    (note,) = intake.notes
    assert "1 rows of tickets" in note
    assert "0 days 01:00:00" in note
    assert "time_zone" in note


def test_sorting_that_fails_is_one_error(tmp_path: Path) -> None:
    sorter = Sorter(tmp_path)
    with pytest.raises(SortError, match="is there room on that disk"):
        sorter.run(f"SELECT * FROM read_parquet('{tmp_path / 'lost'}')")
    sorter.close()


def test_a_list_where_text_is_meant_costs_no_other_row_and_no_traceback(write_folder: WriteFolder) -> None:
    """As a cell that is HTML, and as the key and the value of a look-up."""
    at = "2026-01-01T00:00:00Z"
    records = [
        {"id": n, "at": at, "by": "u1", "body": body} for n, body in enumerate((["<p>a</p>"], "<p>b</p>"))
    ]
    users = [{"id": ["u1"], "name": "Ann"}, {"id": "u1", "name": ["Ann"]}, {"id": "u1", "name": "Bob"}]
    how = parse_mapping(
        "about: test\nlookups:\n  name_of: {file: users.jsonl, format: jsonl, key: id, value: name}\n"
        "sources:\n  - file: tickets.jsonl\n    format: jsonl\n    tables:\n      - table: tickets\n"
        "        columns: {ticket_id: id, known_at: at, created_at: at, body: {from: body, html: true},\n"
        "          contact_id: {from: by, lookup: name_of}}\n",
        "test.yaml",
    )
    files = {"tickets.jsonl": records, "users.jsonl": users}
    lines = {name: "".join(json.dumps(one) + "\n" for one in rows) for name, rows in files.items()}
    kept = read(write_folder(lines), how).tables["tickets"].kept
    assert kept["body"].tolist() == ["a", "b"]
    assert kept["contact_id"].tolist() == ["Bob", "Bob"]


def test_customer_fields_are_named_by_number_or_by_name(write_folder: WriteFolder) -> None:
    ticket = {
        "id": 1,
        "created_at": "2026-01-01T00:00:00Z",
        "custom_fields": {"cf_area": "kiln", "cf_topic": "x"},
    }
    how = parse_mapping(
        "about: test\nsources:\n  - file: tickets.jsonl\n    format: freshdesk_tickets\n"
        "    customer_fields: [27642, cf_area]\n    tables:\n      - table: tickets\n"
        "        columns: {ticket_id: id, known_at: created_at, created_at: created_at,\n"
        "          product_area: custom_field.cf_area, subject: custom_field.cf_topic}\n",
        "test.yaml",
    )
    kept = read(write_folder({"tickets.jsonl": json.dumps(ticket) + "\n"}), how).tables["tickets"].kept
    assert kept["product_area"].tolist() == ["kiln"]
    assert kept["subject"].isna().all(), "a field that agents fill in is no input"


SOUND = {
    "csv": (HEADER + '1,2026-01-01,high,"a ""b"" c\nd"\n2,2026-01-02,,Köln\n').encode(),
    "jsonl": b'{"id": 1, "at": "2026-01-01", "urgency": "low", "body": "a\\u00e4"}\n{"id": 2, "at": "x"}\n',
    "json": b'{"n": 2, "rows": [{"id": 1, "at": "2026-01-01", "body": {"a": [1, 2]}}, {"id": null}]}',
    "zendesk_tickets": b'{"id": 1, "created_at": "2026-01-01", "via": {"channel": "email"}, "tags": []}\n',
}


def chunks_or_error(path: Path, spec: RawFile) -> list[Chunk] | str:
    try:
        return list(read_chunks(path, spec))
    except ReadError as error:
        return str(error)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    format_=st.sampled_from(sorted(SOUND)),
    cut=st.integers(0, 120),
    noise=st.binary(max_size=6),
    times=st.integers(1, 3),
)
def test_whatever_the_bytes_are_rows_are_counted_or_one_error_names_the_file(
    tmp_path: Path, format_: str, cut: int, noise: bytes, times: int
) -> None:
    sound = SOUND[format_]
    path = tmp_path / "tickets.raw"
    path.write_bytes((sound[:cut] + noise + sound[cut:]) * times)
    found = chunks_or_error(path, RawFile.model_validate({"file": path.name, "format": format_}))
    if isinstance(found, str):
        assert path.name in found
        return
    for chunk in found:
        assert len(chunk.rows) == len(chunk.row_numbers)
        json.dumps(chunk.rows.to_dict("list"), ensure_ascii=False, default=str).encode("utf-8")
        json.dumps([row.raw for row in chunk.malformed], ensure_ascii=False).encode("utf-8")
