"""`firstline identity`: what a person decides is a new file, counts at once, and can be taken back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.identity.decisions import DecisionError, read_decisions
from features.tables import write_tables
from pipelines.identity import identify
from pipelines.identity_decisions import People, ambiguous_lines, decided_lines, shown
from serving.backfill import backfill
from serving.settings import store_url
from serving.store import Store
from tests.connectors.people import contacts, day, decided
from tests.pipelines.test_identity import tickets

MAIL, CALL = "email:ann@x.example", "phone:+4930123456"
WHO = {"by": "ann", "why": "they told us"}


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    rows = [("C1", 0, "A", [MAIL]), ("C2", 1, "A", [MAIL, CALL]), ("C3", 2, "B", ["email:hr@x.example"])]
    folder = tmp_path / "tables"
    write_tables(
        folder, {"contacts": contacts(*rows, ("C4", 3, "B", ["email:hr@x.example"])), "tickets": tickets()}
    )
    identify(folder, [], "DE")
    return folder


@pytest.fixture
def store(tmp_path: Path, tables: Path) -> Iterator[Store]:
    opened = Store(store_url(tmp_path / "state"))
    backfill(opened, tables, lambda *_: None)
    yield opened
    opened.close()


def person(people: People, name: str) -> str:
    return str(people.show(name)["person"])


def test_show_names_the_person_every_name_and_why(tmp_path: Path, tables: Path) -> None:
    people = People(tmp_path / "decisions", tables, None, "DE")
    found = people.show("phone:030 123456")
    assert (found["person"], found["account"], found["names"]) == ("C1", "A", ["C1", "C2", MAIL, CALL])
    lines = shown(people.show("c2".upper()))
    assert "C2 stands for C1 of account A" in lines[0]
    assert any("shared handle" in line and MAIL in line for line in lines)


def test_a_decision_counts_at_once_where_there_is_a_store(tmp_path: Path, tables: Path, store: Store) -> None:
    people = People(tmp_path / "decisions", tables, store, "DE")
    done = people.split("C2", None, at=day(10), **WHO)
    assert {"the service counts it from now on", "C2 stands for C2"} < set(decided_lines(done))
    assert done.body["stand_for"] == {"C2": "C2"}
    assert person(people, "C2") == "C2"
    (first,) = people.decisions()
    people.undo(first.decision_id, at=day(11), **WHO)
    assert person(people, "C2") == "C1"
    people.undo(people.decisions()[-1].decision_id, at=day(12), **WHO)
    assert person(people, "C2") == "C2"
    people.merge("C3", "C1", at=day(13), **WHO)
    assert person(people, "C3") == "C1"
    people.merge(CALL, "C4", at=day(13.5), **WHO)
    assert person(people, CALL) == "C4"
    people.split("Ann@x.example", "C1", at=day(14), **WHO)
    assert "they told us" in "\n".join(shown(people.show("C2")))


def test_decisions_are_new_files_that_the_next_ingest_and_a_new_store_honour(
    tmp_path: Path, tables: Path
) -> None:
    folder = tmp_path / "decisions"
    people = People(folder, tables, None)
    done = people.split("C2", None, at=day(10), **WHO)
    assert "no store here: it counts from the next ingest on" in decided_lines(done)
    assert (done.body["file"], done.body["stand_for"]) == (str(next(folder.iterdir())), None)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    people.merge("C3", "C4", at=day(11), **WHO)
    assert {path: path.read_bytes() for path in before} == before
    assert len(list(folder.iterdir())) == 2
    identify(tables, read_decisions(folder), "")
    assert (person(people, "C2"), person(people, "C4")) == ("C2", "C3")
    store = Store(store_url(tmp_path / "new"))
    backfill(store, tables, lambda *_: None)
    assert person(People(folder, tables, store), "C4") == "C3"
    store.close()


def test_ambiguous_names_are_listed_with_the_reason(tmp_path: Path, tables: Path) -> None:
    people = People(tmp_path / "decisions", tables, None)
    (found,) = people.ambiguous()
    assert (found["alias"], found["records"]) == ("email:hr@x.example", ["C3", "C4"])
    assert "role mailbox" in "\n".join(ambiguous_lines([found]))
    assert ambiguous_lines([]) == ["nothing is ambiguous"]


@pytest.mark.parametrize(
    ("hazard", "act", "message"),
    [
        ("unknown name", lambda p: p.show("C9"), "nobody is known as 'C9'"),
        (
            "unknown handle",
            lambda p: p.split("email:Zoe@x.example", None, at=day(1), **WHO),
            "in one form: email:zoe",
        ),
        ("two strangers", lambda p: p.merge("C8", "C9", at=day(1), **WHO), "nobody is known as 'C8'"),
        ("no handle", lambda p: p.split("C1", "C2", at=day(1), **WHO), "only a handle can be taken"),
        ("oneself", lambda p: p.merge("C1", "C1", at=day(1), **WHO), "two different names"),
        ("a placeholder", lambda p: p.show("phone:anonymous"), "names nobody"),
        ("unknown decision", lambda p: p.undo("d9", at=day(1), **WHO), "no decision 'd9'"),
        ("no reason", lambda p: p.split("C1", None, by="ann", why="", at=day(1)), "at least 1 character"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_written(tmp_path, tables, hazard, act, message):
    people = People(tmp_path / "decisions", tables, None)
    with pytest.raises(DecisionError, match=message):
        act(people)
    assert not (tmp_path / "decisions").exists(), hazard


@pytest.mark.parametrize(
    ("hazard", "text", "message"),
    [
        ("half a line", '{"decision_id": "d1", "kind"', "line 1"),
        ("unknown kind", decided("d1", 1, "split", "C1").model_dump_json().replace("split", "guess"), "kind"),
        ("no time zone", decided("d1", 1, "split", "C1").model_dump_json().replace('00Z"', '00"'), "at"),
        (
            "one id, two contents",
            "\n".join(decided("d1", 1, "split", name).model_dump_json() for name in ("C1", "C2")),
            "d1 is there already",
        ),
    ],
)
def test_a_damaged_file_of_decisions_is_named_with_its_line(tmp_path, hazard, text, message):
    (tmp_path / "x.jsonl").write_text(text)
    with pytest.raises(DecisionError, match=rf"x\.jsonl line \d: .*{message}"):
        read_decisions(tmp_path)
