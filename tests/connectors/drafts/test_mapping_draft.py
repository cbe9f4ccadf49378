"""`firstline mapping new`: a draft of files nobody described loads, says what to check, and reads them."""

import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.drafts.mapping_draft import draft, write_new
from connectors.intake.take_in import Intake, take_in
from connectors.mapping.file import parse_mapping
from connectors.readers import ReadError
from tests.connectors.exports import WriteFolder

ROOT = Path(__file__).parents[3]
TICKETS = """Ticket No;Created;Resolved at;Channel;Subject;Body;Category;Priority;Group;Email;CSAT;Status
1001;03.01.2026 09:15;04.01.2026 10:00;Mail;Login;<p>Hilfe für</p>;Zugang;hoch;Support;an@a.example;5;zu
1002;03.01.2026 10:30;;Telefon;Rechnung;<p>Bitte</p>;Rechnung;mittel;Billing;ben@b.example;;offen
1003;14.01.2026 11:00;15.01.2026 11:05;Fax;Adresse;<p>Wo?</p>;Konto;niedrig;Support;an@a.example;4;zu
"""
ACCOUNTS = """Id,Account Name,Plan,ARR,Seats,Renewal Date
A1,Acme,pro,"12,500.00",10,12/31/2026
A2,Bolt,basic,"1,200.50",3,6/30/2026
"""
USAGE = [
    {"account": {"id": "A1"}, "date": "2026-01-01", "feature": "export", "count": 5},
    {"account": {"id": "A2"}, "date": "2026-01-02", "feature": "login", "count": 7},
]
REPLIES = """id,ticket_id,created_at,author_role,author,body
1,1001,2026-01-03T10:00:00Z,agent,bo,<b>Hello</b>
2,1001,2026-01-03T11:00:00Z,end-user,anna,<b>Thanks</b>
3,1003,2026-01-15T11:00:00Z,agent,bo,<b>Done</b>
"""
CONTACTS = """user_id,name,email,phone,company_id,updated_at
7,Anna,an@a.example,+49 30 1234567,A1,2026-01-01T00:00:00Z
8,Ben,ben@b.example,+49 30 7654321,A2,2026-01-01T00:00:00Z
"""
LOG = """incident,changed,opened,status,team,resolved_at,resolution_code
I1,2026-01-01 09:00,2026-01-01 08:55,new,desk,2026-01-02 12:00,fixed
I1,2026-01-01 10:00,2026-01-01 08:55,open,network,2026-01-02 12:00,fixed
I1,2026-01-02 12:00,2026-01-01 08:55,resolved,network,2026-01-02 12:00,fixed
I2,2026-01-03 09:00,2026-01-03 08:00,new,desk,2026-01-03 12:00,duplicate
I2,2026-01-03 12:00,2026-01-03 08:00,resolved,desk,2026-01-03 12:00,duplicate
"""


def drafted(folder: Path, *names: str) -> tuple[Intake, str]:
    """The draft of these files, and what the same files become through it."""
    made = draft([folder / name for name in names])
    assert made.missing == []
    return take_in(folder, parse_mapping(made.text, "draft"), print), made.text


def test_tickets_in_their_final_state_become_tickets_and_what_was_set_later_events(
    write_folder: WriteFolder,
) -> None:
    intake, text = drafted(write_folder({"tickets.csv": TICKETS}), "tickets.csv")
    tickets, events = (
        intake.tables[name].kept.set_index("ticket_id") for name in ("tickets", "ticket_events")
    )
    first = tickets.loc["1001"].dropna().to_dict()
    assert first == {
        "known_at": pd.Timestamp("2026-01-03T09:15Z"),
        "created_at": pd.Timestamp("2026-01-03T09:15Z"),
        "contact_id": "email:an@a.example",
        "channel": "email",
        "subject": "Login",
        "body": "Hilfe für",
    }
    assert pd.isna(tickets.loc["1003", "channel"])
    said = events.loc["1001"].set_index("kind")["value"].fillna("").to_dict()
    assert said == {
        "solved": "",
        "intent_set": "Zugang",
        "priority_set": "high",
        "queue_set": "Support",
        "csat": "5",
    }
    assert set(events.loc["1001", "known_at"]) == {pd.Timestamp("2026-01-04T10:00Z")}
    assert "1002" not in events.index  # nothing says when its facts were known
    assert all(not table.quarantined for table in intake.tables.values())
    assert "known_later:" in text
    assert "CHECK: no channel guessed for 'Fax'" in text


def test_event_log_becomes_first_events_and_changes(write_folder: WriteFolder) -> None:
    intake, text = drafted(write_folder({"incidents.csv": LOG}), "incidents.csv")
    tickets, events = (intake.tables[name].kept for name in ("tickets", "ticket_events"))
    assert tickets["ticket_id"].tolist() == ["I1", "I2"]
    assert tickets["created_at"].dt.strftime("%H:%M").tolist() == ["08:55", "08:00"]
    moved = events[events["kind"] == "queue_set"]
    assert list(zip(moved["ticket_id"], moved["value"], strict=True)) == [
        ("I1", "desk"),
        ("I1", "network"),
        ("I2", "desk"),
    ]
    assert (events["kind"] == "solved").sum() == 2
    assert "resolution_code: resolved_at" in text


def test_customers_usage_people_and_messages_are_told_apart(write_folder: WriteFolder) -> None:
    lines = "\n".join(map(json.dumps, USAGE))
    files = {"crm.csv": ACCOUNTS, "usage.jsonl": lines, "people.csv": CONTACTS, "comments.csv": REPLIES}
    folder = write_folder(files)
    made = draft([folder / name for name in files])
    assert made.missing == []
    fed = {
        source.file: [rule.table for rule in source.tables]
        for source in parse_mapping(made.text, "x").sources
    }
    assert fed == {
        "crm.csv": ["accounts"],
        "usage.jsonl": ["usage"],
        "people.csv": ["contacts"],
        "comments.csv": ["ticket_events"],
    }
    tables = take_in(
        folder, parse_mapping(made.text.replace("{received: true}", "Renewal Date"), "x"), print
    ).tables
    assert tables["usage"].kept["events"].tolist() == [5, 7]
    replies = tables["ticket_events"].kept
    assert list(zip(replies["actor_kind"], replies["text"], strict=True)) == [
        ("agent", "Hello"),
        ("customer", "Thanks"),
        ("agent", "Done"),
    ]
    assert tables["contacts"].kept["handles"].tolist()[0] == ["email:an@a.example", "phone:+49 30 1234567"]
    assert 'decimal: ".", scale: 100' in made.text


@pytest.mark.parametrize(
    ("hazard", "times", "expected"),
    [
        ("iso", ["2026-01-31T10:00:00Z"], "created: created"),
        ("no zone", ["2026-01-31 10:00"], "no zone stated"),
        ("day first", ["31/01/2026 10:00", "01/02/2026 10:00"], "'%d/%m/%Y %H:%M'"),
        ("month first", ["01/31/2026 10:00", "01/02/2026 10:00"], "'%m/%d/%Y %H:%M'"),
        (
            "nobody can tell",
            ["01/02/2026 10:00", "03/04/2026 11:00"],
            "CHECK: day first? No value decides it",
        ),
        ("afternoon", ["01/31/2026 01:00 PM"], "'%m/%d/%Y %I:%M %p'"),
        ("month by name", ["31 Jan 2026"], "'%d %b %Y'"),
        ("seconds since 1970", ["1767261600"], "unix"),
        ("milliseconds", ["1767261600123"], "unix_ms"),
        (
            "a spreadsheet's days",
            ["45658.395833", "45659"],
            "time_format: excel}   # like '45658.395833', CHECK",
        ),
        ("named zone", ["2026-01-31 10:00:00 UTC"], "%Z"),
        ("two formats", ["2026-01-31 10:00", "31.01.2026 10:00"] * 3, "[iso, '%d.%m.%Y %H:%M']"),
    ],
)
def test_times_are_recognised_and_doubt_is_said(
    write_folder: WriteFolder, hazard: str, times: list[str], expected: str
) -> None:
    rows = "".join(f"{number},{time}\n" for number, time in enumerate(times))
    folder = write_folder({"tickets.csv": "id,created\n" + rows})
    intake, text = drafted(folder, "tickets.csv")
    assert len(intake.tables["tickets"].kept) == len(times), hazard
    said = text.replace('"', "'").replace("created_at: created", "created: created")
    assert expected in said, (hazard, text)


@pytest.mark.parametrize(
    ("hazard", "column", "rows", "kept"),
    [
        ("two brands with numbers of their own", "Brand", ["1,Nord", "1,Sud", "2,Nord", "2,Sud"], 4),
        ("a log in which the state differs", "Status", ["1,open", "1,done", "2,open", "2,done"], 2),
        ("a log of two brands", "Brand", ["1,Nord", "1,Nord", "2,Sud", "2,Sud"], 2),
    ],
)
def test_numbers_of_two_brands_are_no_log(
    write_folder: WriteFolder, hazard: str, column: str, rows: list[str], kept: int
) -> None:
    lines = "".join(f"{row},2026-01-0{day + 1}T10:00:00Z,text {day}\n" for day, row in enumerate(rows))
    intake, _ = drafted(
        write_folder({"tickets.csv": f"Ticket,{column},Created,Subject\n{lines}"}), "tickets.csv"
    )
    ids = intake.tables["tickets"].kept["ticket_id"]
    assert (len(ids), ids.is_unique) == (kept, True), hazard


def test_ids_that_a_data_frame_made_numbers_meet_those_of_another_file(write_folder: WriteFolder) -> None:
    folder = write_folder(
        {
            "tickets.csv": "id,created,account id,subject\n1.0,2026-01-01,7.0,a\n2.0,2026-01-02,8.0,b\n",
            "accounts.csv": "account id,plan,updated at\n7,pro,2026-01-01\n8,basic,2026-01-01\n",
        }
    )
    made = draft([folder / "tickets.csv", folder / "accounts.csv"])
    intake = take_in(folder, parse_mapping(made.text, "x"), print)
    assert intake.tables["tickets"].kept["ticket_id"].tolist() == ["1", "2"]
    assert intake.tables["tickets"].kept["account_id"].tolist() == ["7", "8"]
    assert not intake.notes


@pytest.mark.parametrize(
    ("hazard", "content", "option"),
    [
        ("semicolons", TICKETS.encode(), 'delimiter: ";"'),
        ("tabs", TICKETS.replace(";", "\t").encode(), 'delimiter: "\\t"'),
        ("Western European", TICKETS.encode("cp1252"), "encoding: cp1252"),
        ("byte-order mark", b"\xef\xbb\xbf" + TICKETS.encode(), "Ticket No"),
        ("UTF-16", TICKETS.encode("utf-16"), "Ticket No"),
        ("cells for nothing", TICKETS.replace(";;", ";N/A;").encode(), "missing: [n/a]"),
    ],
)
def test_how_a_file_is_written_is_found(
    write_folder: WriteFolder, hazard: str, content: bytes, option: str
) -> None:
    intake, text = drafted(write_folder({"tickets.csv": content}), "tickets.csv")
    assert option in text, hazard
    assert len(intake.tables["tickets"].kept) == 3


@pytest.mark.parametrize(
    ("record", "mapping"),
    [
        (
            {"id": 1, "requester_id": 2, "via": {"channel": "web"}, "created_at": "2026-01-01T00:00:00Z"},
            "zendesk",
        ),
        ({"id": 1, "ticket_id": 2, "timestamp": 1767261600, "child_events": [{}]}, "zendesk"),
        ({"id": 1, "requester_id": 2, "responder_id": 3, "source": 1}, "freshdesk"),
        ({"id": "1", "created_at": 1767261600, "source": {"type": "email", "body": "x"}}, "intercom"),
        (
            {"Id": "5", "CaseNumber": "1", "Status": "New", "SystemModstamp": "2026-01-01T00:00:00Z"},
            "salesforce",
        ),
    ],
)
def test_export_of_a_vendor_is_recognised_and_its_ready_mapping_named(
    write_folder: WriteFolder, record: dict[str, object], mapping: str
) -> None:
    made = draft([write_folder({"export.jsonl": json.dumps(record) + "\n"}) / "export.jsonl"])
    assert f"connectors/mappings/{mapping}.yaml reads those" in made.text
    assert (ROOT / f"connectors/mappings/{mapping}.yaml").is_file()


def test_files_of_one_kind_become_one_pattern(write_folder: WriteFolder) -> None:
    folder = write_folder({f"tickets-2026-{month}.csv": TICKETS for month in ("01", "02", "11")})
    made = draft(sorted(folder.glob("*.csv")))
    assert [source.file for source in parse_mapping(made.text, "x").sources] == ["tickets-2026-*.csv"]


def test_what_nothing_was_found_for_is_named(write_folder: WriteFolder) -> None:
    made = draft([write_folder({"tickets.csv": "a,b\n1,x\n2,y\n"}) / "tickets.csv"])
    assert made.missing == [
        "tickets.csv: tickets.known_at: a column of times",
        "tickets.csv: tickets.created_at: a column of times",
    ]
    assert "# MISSING tickets.created_at" in made.text


@pytest.mark.parametrize(
    ("hazard", "name", "content", "expected"),
    [
        ("empty", "t.csv", "", "has no rows"),
        ("header only", "t.csv", "id,created\n", "has no rows"),
        ("spreadsheet", "t.xlsx", "PK", "save it as CSV"),
        ("not there", "other.csv", "", "is not a file"),
    ],
)
def test_file_that_cannot_be_guessed_from_is_one_clear_error(
    write_folder: WriteFolder, hazard: str, name: str, content: str, expected: str
) -> None:
    folder = write_folder({"t.csv" if hazard == "not there" else name: content})
    with pytest.raises(ReadError, match=expected):
        draft([folder / name])


def test_a_corrected_mapping_is_not_overwritten(tmp_path: Path) -> None:
    write_new(tmp_path / "new" / "mine.yaml", "about: x")
    with pytest.raises(FileExistsError, match="there already"):
        write_new(tmp_path / "new" / "mine.yaml", "about: y")
    assert (tmp_path / "new" / "mine.yaml").read_text() == "about: x"


NAMES = st.lists(
    st.sampled_from(
        ["id", "Ticket ID", "created_at", "closed", "status", "channel", "no", "true", "a: b", "#x", "{y}",
         "'q'",
         "email", "company", "plan", "text", "Größe", "case.first", "before.x", "priority", "day", "body"]
    ),
    min_size=1, max_size=7, unique=True,
)  # fmt: skip
CELLS = st.sampled_from(
    ["", "1", "2", "x", "2026-01-01", "2026-01-01T10:00:00Z", "1/2/2026", "a@b.example",
     "<p>hi</p>", "high",
     "open", "?", "1.234,5", "{", "null", "no", "31.12.2026 10:00", "Email", "=1+1", "💥"]
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=NAMES, data=st.data())
def test_draft_of_any_table_loads_or_says_what_is_missing(
    write_folder: WriteFolder, names: list[str], data: st.DataObject
) -> None:
    rows = data.draw(
        st.lists(st.lists(CELLS, min_size=len(names), max_size=len(names)), min_size=1, max_size=6)
    )
    text = pd.DataFrame(rows, columns=names).to_csv(index=False)
    folder = write_folder({"export.csv": text})
    if all(set(row) == {""} for row in rows):  # nothing to guess from
        return
    made = draft([folder / "export.csv"])
    if not made.missing:
        mapping = parse_mapping(made.text, "draft")
        for table in take_in(folder, mapping, print).tables.values():
            assert table.rows_in >= 1


def test_a_customer_file_without_a_telling_name_is_no_ticket_file(write_folder: WriteFolder) -> None:
    """A date in it is no moment at which anybody wrote: as a ticket's `known_at` it would be the future."""
    lines = "Company No;Company;Service level;Yearly contract;Contract ends;Changed on\n" + "".join(
        f"K-{n};Pottery {n};Basic;{n}.500,00;20.03.2027;02.01.2026 09:00\n" for n in range(1, 9)
    )
    intake, text = drafted(write_folder({"export.csv": lines}), "export.csv")
    assert list(intake.tables) == ["accounts"]
    kept = intake.tables["accounts"].kept
    assert kept["contract_value_cents"].tolist() == [n * 100_000 + 50_000 for n in range(1, 9)]
    assert str(kept["known_at"].max()).startswith("2026")
    assert "CHECK" in text
