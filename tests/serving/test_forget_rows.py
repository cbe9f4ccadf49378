"""A forgotten person or account is nowhere in the store, and nothing else in it has changed."""

import shutil
import sqlite3
import zlib
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import create_engine, make_url, select, text, update
from starlette.testclient import TestClient

from connectors.identity import person_index
from serving import checkpoints
from serving.forget_marks import Marks
from serving.forget_rows import count_rows, erase_rows, mentions, reduce_others
from serving.forget_scrub import scrub
from serving.forget_who import Forgotten, whom
from serving.http import Api
from serving.metrics import Metrics
from serving.releases import Releases
from serving.replay import loaded_release, replay, stored
from serving.settings import Settings
from serving.store import Store
from serving.tables import CONTEXT, decisions, erasures, identities, ledger, metadata
from serving.triage import TriageDesk
from tests.serving import forget_desk
from tests.serving.forget_desk import ANSWER, BOB, CAROL, EMAIL, EMMA, NAME, OFFICE, WORDS
from tests.serving.sample import NOON
from tests.serving.stores import KINDS, new_database
from tests.serving.tiny_release import DESK

PSEUDONYM = "forgotten-0123456789abcdef"
NOWHERE = Path("nowhere")
THEIRS = (EMMA, EMAIL, NAME, "20000771", WORDS, ANSWER, "old-emma", "t-emma")
PRIVATE, _ = checkpoints.new_keys()
KEY = checkpoints.private_key({checkpoints.PRIVATE_KEY: PRIVATE})
Contents = dict[str, dict[tuple, dict]]


class Erased(NamedTuple):
    """A store after Emma was forgotten, and everything that was in it before."""

    store: Store
    url: str
    who: Forgotten
    decided: dict[str, str]
    before: Contents
    counts: dict[str, int]
    state: Path


def contents(store: Store) -> Contents:
    found = {}
    with store.reading() as connection:
        for table in metadata.sorted_tables:
            keys = [column.name for column in table.primary_key.columns]
            rows = [dict(row) for row in connection.execute(select(table)).mappings()]
            found[table.name] = {tuple(row[key] for key in keys): row for row in rows}
    return found


def found_as(store: Store, said: str) -> Forgotten | None:
    with store.reading() as connection:
        return whom(connection, NOWHERE, said)


def with_people(url: str, state: Path, bundle: tuple[Path, str]) -> tuple[Store, dict[str, str]]:
    folder, release_id = bundle
    shutil.copytree(folder, state / "releases" / release_id, dirs_exist_ok=True)
    store = Store(url)
    store.set_pointer("champion", release_id, "test", "trained", NOON)
    return store, forget_desk.lived(TriageDesk(store, Releases(store, state / "releases", DESK, 60)))


@pytest.fixture(scope="module", params=KINDS)
def erased(request, tmp_path_factory, bundle, migrated_file):
    state = tmp_path_factory.mktemp("forgotten")
    if request.param == "sqlite":
        shutil.copy(migrated_file, state / "firstline.db")
        url = f"sqlite:///{state / 'firstline.db'}"
    else:
        server, template = (request.getfixturevalue(name) for name in ("postgres", "migrated_database"))
        url = new_database(server, template)
    store, decided = with_people(url, state, bundle)
    with store.reading() as connection:
        checkpoints.append_checkpoint(connection, state / "checkpoints", KEY, NOON)
    before, who = contents(store), found_as(store, EMAIL)
    counts = erase_rows(store, who, PSEUDONYM, NOON)
    yield Erased(store, url, who, decided, before, counts, state)
    store.close()


@pytest.fixture(scope="module")
def lived_file(tmp_path_factory, bundle, migrated_file):
    state = tmp_path_factory.mktemp("lived")
    shutil.copy(migrated_file, state / "firstline.db")
    store, decided = with_people(f"sqlite:///{state / 'firstline.db'}", state, bundle)
    store.close()
    return state / "firstline.db", decided


@pytest.fixture
def lived(lived_file, tmp_path):
    path, decided = lived_file
    shutil.copy(path, tmp_path / "firstline.db")
    store = Store(f"sqlite:///{tmp_path / 'firstline.db'}")
    yield store, decided
    store.close()


@pytest.mark.parametrize("said", [EMMA, EMAIL, f"email:{EMAIL}", "zendesk:20000771"])
def test_any_name_finds_the_person_and_what_is_theirs_alone(lived, said):
    store, _ = lived
    who = found_as(store, said)
    assert (who.kind, who.key, who.contacts) == ("person", EMMA, {EMMA})
    assert who.handles == {f"email:{EMAIL}", "zendesk:20000771"}, "a shared mailbox is not hers alone"
    assert who.tickets == {"old-emma", "t-emma", "t-emma-2"}
    assert who.names == {NAME}
    assert {WORDS, ANSWER} <= who.texts
    assert found_as(store, "nobody@summit.example") is None


def test_no_cell_of_any_table_holds_a_forgotten_person(erased):
    for name, rows in contents(erased.store).items():
        for row in rows.values():
            told = [cell for cell in row.values() if isinstance(cell, str)]
            assert not [cell for cell in told if any(text in cell for text in THEIRS)], name
    with erased.store.reading() as connection:
        assert not mentions(connection, erased.who.marks(PSEUDONYM))


def test_everything_of_others_is_as_it_was_but_for_mentions(erased):
    after = contents(erased.store)
    gone = {(name, key) for name, rows in erased.before.items() for key in rows if key not in after[name]}
    new = {(name, key) for name, rows in after.items() for key in rows if key not in erased.before[name]}
    changed = {
        (name, key)
        for name, rows in after.items()
        for key, row in rows.items()
        if row != erased.before[name].get(key, row)
    }
    decided = erased.decided
    tickets = {(name,) for name in ("old-emma", "t-emma", "t-emma-2")}
    assert {key for name, key in gone if name == "context_tickets"} == tickets
    assert {key for name, key in gone if name == "decisions"} == {
        (decided["t-emma"],),
        (decided["t-emma-2"],),
    }
    assert changed == {
        ("context_tickets", ("t-carol",)),
        ("context_ticket_events", ("e4",)),
        ("context_ticket_events", ("e5",)),
        *(("decisions", (decided[ticket],)) for ticket in ("t-bob", "t-carol")),
        *(("decision_inputs", (decided[ticket],)) for ticket in ("t-bob", "t-carol")),
        *(("feedback", key) for key, row in after["feedback"].items()),
        *(("context_identities", key) for key in after["context_identities"] if key[0] == OFFICE),
    }
    assert {name for name, _ in new} <= {"context_usage", "ledger", "erasures", "context_identities"}
    assert erased.counts["decisions: deleted"] == 2
    assert erased.counts["feedback: deleted"] == 1


def test_a_decision_about_somebody_else_keeps_what_was_decided(erased):
    before, after = erased.before["decisions"], contents(erased.store)["decisions"]
    kept = ("decision_id", "ticket_id", "at", "release", "account_id", "intent", "queue", "action")
    for ticket_id in ("t-bob", "t-carol"):
        key = (erased.decided[ticket_id],)
        assert {name: after[key][name] for name in kept} == {name: before[key][name] for name in kept}
        assert erased.store.decision(key[0]).ticket_id == ticket_id


def test_the_person_beside_them_keeps_name_history_and_shared_mailbox(erased):
    after = contents(erased.store)
    known = {(row["alias"], row["contact_id"]) for row in after["context_identities"].values()}
    assert {key[0] for key in after["context_contacts"]} == {BOB, CAROL}
    assert (BOB, BOB) in known
    alone = forget_desk.contacts().loc[lambda frame: frame["contact_id"] != EMMA]
    pairs = person_index.who_is_who(alone).identities[["alias", "contact_id"]]
    expected = set(pairs.itertuples(index=False, name=None))
    assert known == expected, "who is who is as if she had never been known"
    assert EMMA not in {contact for _, contact in known}
    assert {(row["handle"]) for row in after["contact_handles"].values() if row["contact_id"] == BOB} >= {
        OFFICE
    }
    uses = {row["contact_id"]: row["events"] for row in after["context_usage"].values()}
    assert set(uses) == {BOB, next(name for name in uses if name.startswith(PSEUDONYM))}
    assert sum(uses.values()) == 6, "uses of the product still count for the account"


def test_the_chain_and_old_checkpoints_hold_and_the_erasing_is_in_it(erased):
    signed = checkpoints.read_checkpoints(erased.state / "checkpoints")
    with erased.store.reading() as connection:
        said = checkpoints.audit(connection, signed, KEY.public_key())
        kinds = set(map(tuple, connection.execute(select(ledger.c.kind, ledger.c.subject))))
    assert said.problems == ()
    assert (said.erased, said.reduced) == (3, 3)
    assert ("forgotten", PSEUDONYM) in kinds


def test_a_past_ticket_shown_beside_a_decision_goes_even_if_nothing_was_written_in_it(lived):
    store, decided = lived
    assert "old-bob" in contents(store)["decisions"][decided["t-emma"],]["record"]
    reduce_others(store, Marks.of(PSEUDONYM, (), {"old-bob"}), NOON)
    after = contents(store)
    assert not [row for row in after["decisions"].values() if '"old-bob"' in row["record"]]
    for row in after["decision_inputs"].values():
        assert b'"old-bob"' not in zlib.decompress(row["inputs"])
    assert store.verify_ledger().intact


def test_replay_answers_erased_for_theirs_and_says_what_it_can_for_others(erased):
    settings = Settings(state=erased.state, desk=DESK)
    outcomes = {}
    with erased.store.reading() as connection:
        for ticket_id, decision_id in erased.decided.items():
            decision, inputs = stored(connection, decision_id)
            loaded = None if decision is None else loaded_release(settings, decision.release)
            outcomes[ticket_id] = "erased" if loaded is None else replay(loaded, decision, inputs).outcome
        assert stored(connection, "no such decision") is None
    assert outcomes == {
        "t-emma": "erased",
        "t-emma-2": "erased",
        "t-bob": "identical",
        "t-carol": "reduced",  # its own text named her
    }


def test_no_page_of_the_database_files_holds_a_deleted_byte(erased):
    scrub(erased.url)
    url = make_url(erased.url)
    if url.get_backend_name() == "sqlite":
        files = list(Path(url.database).parent.glob("firstline.db*"))
    else:
        with erased.store.reading() as connection:
            oid = connection.exec_driver_sql(
                "SELECT oid FROM pg_database WHERE datname = current_database()"
            ).scalar_one()
            folder = connection.exec_driver_sql("SHOW data_directory").scalar_one()
        files = [path for path in Path(folder, "base", str(oid)).iterdir() if path.is_file()]
    assert files
    for path in files:
        held = path.read_bytes()
        assert not [text for text in THEIRS if text.encode() in held], path.name


@pytest.mark.parametrize(
    ("owns", "said"), [(True, {"write-ahead log"}), (False, {"write-ahead log", "VACUUM (FULL)"})]
)
def test_what_a_role_may_not_scrub_is_said(postgres, migrated_database, owns, said):
    """PostgreSQL passes over tables of others with a warning; and its log is a superuser's."""
    url = make_url(new_database(postgres, "template1" if owns else migrated_database))
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE ROLE {url.database} LOGIN"))
        if owns:
            connection.execute(text(f"ALTER DATABASE {url.database} OWNER TO {url.database}"))
    engine.dispose()
    theirs = url.set(username=url.database).render_as_string()
    if owns:
        Store(theirs).close()
    assert {line.partition(":")[0] for line in scrub(theirs)} == said


def test_without_scrubbing_the_files_would_still_hold_them(tmp_path, migrated_file):
    path = tmp_path / "plain.db"
    shutil.copy(migrated_file, path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA secure_delete=OFF")
        connection.execute("INSERT INTO marks VALUES ('x', ?)", (WORDS * 900,))
        connection.commit()
        connection.execute("DELETE FROM marks")
        connection.commit()
    assert WORDS.encode() in b"".join(file.read_bytes() for file in tmp_path.glob("plain.db*"))
    scrub(f"sqlite:///{path}")
    assert WORDS.encode() not in b"".join(file.read_bytes() for file in tmp_path.glob("plain.db*"))


def test_erasing_again_changes_nothing_and_a_row_that_comes_back_is_found_out(lived):
    store, decided = lived
    who = found_as(store, EMAIL)
    row = contents(store)["decisions"][decided["t-emma"],]
    erase_rows(store, who, PSEUDONYM, NOON)
    before = contents(store)
    assert not erase_rows(store, who, PSEUDONYM, NOON)
    assert contents(store) == before
    assert not count_rows(store, who)
    with store.writing() as connection:
        connection.execute(decisions.insert().values(**row))
    assert any("is there again" in problem for problem in store.verify_ledger().problems)


def test_the_service_says_that_a_decision_was_erased(lived, tmp_path):
    store, decided = lived
    erase_rows(store, found_as(store, EMAIL), PSEUDONYM, NOON)
    desk = TriageDesk(store, Releases(store, tmp_path / "releases", DESK, 60))
    app = Api(desk, Settings(state=tmp_path, desk=DESK, development=True), Metrics()).app()
    client = TestClient(app, "http://127.0.0.1", raise_server_exceptions=False)
    said = client.get(f"/decisions/{decided['t-emma']}/replay")
    assert (said.status_code, said.json()["outcome"]) == (200, "erased")
    for part in ("", "/explain"):
        assert client.get(f"/decisions/{decided['t-emma']}{part}").status_code == 404
    assert client.get("/tickets/t-emma/context").status_code == 404
    waiting = client.get("/queue").json()["decisions"]
    assert {decision["ticket_id"] for decision in waiting} == {"t-bob", "t-carol"}


def test_an_erasure_that_the_ledger_does_not_know_is_found_out(lived):
    store, decided = lived
    with store.writing() as connection:
        told = {"subject": f"decision {decided['t-bob']}", "pseudonym": PSEUDONYM, "at": 1}
        connection.execute(erasures.insert().values(**told))
        connection.execute(decisions.delete().where(decisions.c.decision_id == decided["t-bob"]))
    problems = store.verify_ledger().problems
    assert any("has no ledger entry" in problem for problem in problems)
    assert any("recorded but gone" in problem for problem in problems)


def test_a_reduced_record_that_is_edited_afterwards_is_found_out(lived):
    store, decided = lived
    erase_rows(store, found_as(store, EMAIL), PSEUDONYM, NOON)
    with store.writing() as connection:
        where = decisions.c.decision_id == decided["t-bob"]
        connection.execute(update(decisions).where(where).values(action="auto_resolve"))
    assert store.verify_ledger().problems == (
        f"decision {decided['t-bob']} was edited after it was recorded",
    )


def test_an_account_goes_with_its_people_and_leaves_the_other_alone(lived):
    store, _ = lived
    who = found_as(store, "A-summit")
    assert (who.kind, who.contacts) == ("account", {EMMA, BOB})
    erase_rows(store, who, PSEUDONYM, NOON)
    after = contents(store)
    assert {row["ticket_id"] for row in after["decisions"].values()} == {"t-carol"}
    assert {row["account_id"] for row in after["context_accounts"].values()} == {"A-other"}
    assert not after["context_usage"]
    assert store.verify_ledger().intact
    with store.reading() as connection:
        assert not mentions(connection, who.marks(PSEUDONYM))
        assert connection.scalars(select(CONTEXT["contacts"].c.contact_id)).all() == [CAROL]
        assert EMMA not in set(connection.scalars(select(identities.c.contact_id)))
