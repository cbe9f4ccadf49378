"""Raw files of every shape are written again without somebody, and without touching anybody else."""

import io
import json
import zipfile

import pandas as pd
import pytest

from connectors.mapping.file import parse_mapping
from pipelines.forget.raw import RawFileError, rewrite_raw
from serving.forget_who import Forgotten

WHO = Forgotten(
    "person",
    "900001",
    contacts=frozenset({"900001"}),
    handles=frozenset({"email:ann@x.example"}),
    tickets=frozenset({"t1"}),
    names=frozenset({"Ann Archer"}),
)
MARKS = WHO.marks("forgotten-1")
COLUMNS = "{ticket_id: id, known_at: at, created_at: at, contact_id: who, body: text}"
AT = "2026-05-31T12:00:00Z"


def mapping(file: str, table: str = "tickets", columns: str = COLUMNS, **spec: str):
    settings = "".join(f"    {name}: {value}\n" for name, value in spec.items())
    written = f"about: a test\nsources:\n  - file: {file}\n{settings}    tables:\n      - table: {table}\n"
    return parse_mapping(f"{written}        columns: {columns}\n", "test.yaml")


def rows(*tickets: tuple[str, str, str]) -> list[dict]:
    return [{"id": ticket, "at": AT, "who": who, "text": text} for ticket, who, text in tickets]


THEIRS, OTHERS = ("t1", "900001", "mine"), ("t2", "900002", "d\u00e9j\u00e0 vu")
MENTIONS = ("t3", "900003", "ask Ann Archer, d\u00e9j\u00e0")


def csv_of(encoding: str, delimiter: str = ",") -> bytes:
    frame = pd.DataFrame(rows(THEIRS, OTHERS, MENTIONS))
    return frame.to_csv(index=False, sep=delimiter, lineterminator="\r\n").encode(encoding)


def test_csv_keeps_its_encoding_delimiter_and_the_bytes_of_others(tmp_path):
    raw = csv_of("cp1252", ";")
    (tmp_path / "t.csv").write_bytes(raw)
    read = mapping("t.csv", format="csv", delimiter="';'", encoding="cp1252")
    counts = rewrite_raw(tmp_path, read, WHO, MARKS, dry_run=False)
    header, _, others, mentions, _ = raw.split(b"\r\n")
    named = mentions.replace(b"Ann Archer", b"forgotten-1").replace(b'"', b"")
    assert (tmp_path / "t.csv").read_bytes() == b"\r\n".join([header, others, named, b""])
    assert counts == {"records deleted": 1, "records reduced": 1, "files written again": 1}
    assert not rewrite_raw(tmp_path, read, WHO, MARKS, dry_run=False), "again there is nothing to do"


def test_a_packed_file_is_packed_again(tmp_path):
    with zipfile.ZipFile(tmp_path / "t.csv.zip", "w") as archive:
        archive.writestr("inside.csv", csv_of("utf-8"))
    read = mapping("t.csv.zip", format="csv")
    rewrite_raw(tmp_path, read, WHO, MARKS, dry_run=False)
    with zipfile.ZipFile(tmp_path / "t.csv.zip") as archive:
        frame = pd.read_csv(io.BytesIO(archive.read("inside.csv")))
    assert frame["id"].tolist() == ["t2", "t3"]


def test_a_parquet_file_loses_rows_and_keeps_its_schema(tmp_path):
    frame = pd.DataFrame(rows(THEIRS, OTHERS, MENTIONS)).assign(n=[1, 2, 3])
    frame.to_parquet(tmp_path / "t.parquet", index=False)
    rewrite_raw(tmp_path, mapping("t.parquet", format="parquet"), WHO, MARKS, dry_run=False)
    after = pd.read_parquet(tmp_path / "t.parquet")
    assert after["id"].tolist() == ["t2", "t3"]
    assert after["text"].tolist()[1].startswith("ask forgotten-1")
    assert after.dtypes.equals(frame.dtypes)


def test_of_a_page_of_an_api_only_their_records_go(tmp_path):
    def ticket(number: int, requester: int, text: str) -> dict:
        told = {"id": number, "requester_id": requester, "description": text, "created_at": AT}
        return told | {"updated_at": AT, "custom_fields": [], "tags": [], "via": {"channel": "email"}}

    page = {"tickets": [ticket(71, 900001, "mine"), ticket(72, 900002, "yours")], "count": 2}
    (tmp_path / "t.jsonl").write_text(json.dumps(page) + "\n" + json.dumps(ticket(73, 900003, "x")) + "\n")
    columns = "{ticket_id: id, known_at: created_at, created_at: created_at, contact_id: requester_id}"
    read = mapping("t.jsonl", columns=columns, format="zendesk_tickets")
    who = Forgotten("person", "900001", contacts=frozenset({"900001"}), tickets=frozenset({"71"}))
    rewrite_raw(tmp_path, read, who, who.marks("forgotten-1"), dry_run=False)
    first, second = map(json.loads, (tmp_path / "t.jsonl").read_text().splitlines())
    assert [one["id"] for one in first["tickets"]] == [72]
    assert second["id"] == 73


def test_an_encoding_that_cannot_be_written_line_by_line_is_refused_before_anything_is_lost(tmp_path):
    raw = csv_of("utf-16")
    (tmp_path / "t.csv").write_bytes(raw)
    read = mapping("t.csv", format="csv", encoding="utf-16")
    with pytest.raises(RawFileError, match="deliver it as UTF-8"):
        rewrite_raw(tmp_path, read, WHO, MARKS, dry_run=False)
    assert (tmp_path / "t.csv").read_bytes() == raw


def test_a_short_id_is_replaced_where_it_names_a_person_and_nowhere_else(tmp_path):
    who = Forgotten("person", "17", contacts=frozenset({"17"}))
    (tmp_path / "u.csv").write_text(f"account,person,day,at,feature,n\nA1,17,2026-05-30,{AT},login,17\n")
    columns = "{account_id: account, contact_id: person, day: day, known_at: at, feature: feature, events: n}"
    read = mapping("u.csv", table="usage", columns=columns, format="csv")
    rewrite_raw(tmp_path, read, who, who.marks("forgotten-1"), dry_run=False)
    assert (tmp_path / "u.csv").read_text().splitlines()[1] == f"A1,forgotten-1.1,2026-05-30,{AT},login,17"
