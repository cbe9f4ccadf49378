"""Whoever edits, inserts, reorders or cuts off what was recorded is found out, owning the database or not."""

import json
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, update

from serving import checkpoints
from serving.ledger import GENESIS, _chained
from serving.store import Store
from serving.tables import ledger, pointer_moves
from tests.serving.sample import NOON

ENTRIES, SIGNED = 8, 6
PRIVATE, PUBLIC = checkpoints.new_keys()
KEY = checkpoints.private_key({checkpoints.PRIVATE_KEY: PRIVATE})
CHECK = checkpoints.public_key({checkpoints.PUBLIC_KEY: PUBLIC})


def filled(store, path):
    """A ledger of eight entries, signed after the third and the sixth."""
    for number in range(ENTRIES):
        store.set_pointer("champion", f"r{number}", "ann", "because", NOON)
        if number in (2, SIGNED - 1):
            with store.reading() as connection:
                checkpoints.append_checkpoint(connection, path, KEY, NOON + timedelta(hours=number))
    return store


def found(store, path, key=CHECK):
    with store.reading() as connection:
        return checkpoints.audit(connection, checkpoints.read_checkpoints(path), key)


def rows(connection, table, order):
    return [dict(row) for row in connection.execute(select(table).order_by(order)).mappings()]


def rewrite(connection, entries):
    """The chain anew over ``entries``, as by somebody who has the database and the code, but not the key."""
    connection.execute(delete(ledger))
    previous = GENESIS
    for seq, entry in enumerate(entries, start=1):
        told = {k: entry[k] for k in ("at", "kind", "subject", "digest")} | {"seq": seq}
        row = told | {"previous": previous, "hash": _chained(told, previous)}
        connection.execute(insert(ledger).values(**row))
        previous = row["hash"]


def test_a_whole_ledger_and_its_checkpoints_agree(store, tmp_path):
    said = found(filled(store, tmp_path / "c"), tmp_path / "c")
    assert said == checkpoints.Audit(ENTRIES, 2, ENTRIES - SIGNED, ())


@st.composite
def tamperings(draw):
    kind = draw(st.sampled_from(["edit", "remove", "insert", "swap", "cut off", "edit a column"]))
    place = draw(st.integers(0, SIGNED - 1))
    other = draw(st.integers(0, SIGNED - 1).filter(lambda n: n != place))
    column = draw(st.sampled_from(["at", "kind", "subject", "digest", "previous", "hash"]))
    return kind, place, other, column, draw(st.booleans())


@given(how=tamperings())
@settings(max_examples=40, deadline=None)
def test_no_tampering_with_what_was_signed_goes_unnoticed(tmp_path_factory, migrated_file, how):
    kind, place, other, column, rewrites = how
    folder = tmp_path_factory.mktemp("tampered")
    (folder / "s.db").write_bytes(migrated_file.read_bytes())
    store = filled(Store(f"sqlite:///{folder / 's.db'}"), folder / "c")
    with store.writing() as connection:
        entries = rows(connection, ledger, ledger.c.seq)
        if kind == "edit":
            entries[place]["digest"] = "0" * 64
        elif kind == "remove":
            del entries[place]
        elif kind == "insert":
            entries.insert(place, entries[other] | {"subject": "forged"})
        elif kind == "swap":
            entries[place], entries[other] = entries[other], entries[place]
        elif kind == "cut off":
            del entries[place:]
            gone = [int(e["subject"]) for e in entries]
            connection.execute(delete(pointer_moves).where(pointer_moves.c.move_id.not_in(gone)))
        if kind == "edit a column":
            value = 0 if column == "at" else "f" * 64
            connection.execute(update(ledger).where(ledger.c.seq == place + 1).values({column: value}))
        elif rewrites or kind in ("remove", "insert", "swap"):
            rewrite(connection, entries)
        elif kind == "edit":
            connection.execute(update(ledger).where(ledger.c.seq == place + 1).values(digest="0" * 64))
        else:
            connection.execute(delete(ledger).where(ledger.c.seq > place))
    problems = found(store, folder / "c").problems
    store.close()
    assert problems, how


def test_a_checkpoint_that_somebody_else_signed_is_refused(store, tmp_path):
    filled(store, tmp_path / "c")
    other, _ = checkpoints.new_keys()
    forged = checkpoints.public_key({checkpoints.PRIVATE_KEY: other})
    assert any(
        "not signed by this key" in problem for problem in found(store, tmp_path / "c", forged).problems
    )


@pytest.mark.parametrize("field", ["entries", "head", "at", "previous", "signature"])
def test_an_edited_checkpoint_is_found(store, tmp_path, field):
    path = tmp_path / "c"
    filled(store, path)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[0][field] = 2 if field == "entries" else "AAAA"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert found(store, path).problems


def test_a_removed_checkpoint_is_missed_by_the_next(store, tmp_path):
    path = tmp_path / "c"
    filled(store, path)
    path.write_text(path.read_text().splitlines()[1] + "\n")
    assert any("does not follow" in problem for problem in found(store, path).problems)


def test_nothing_is_signed_twice(store, tmp_path):
    filled(store, tmp_path / "c")
    with store.reading() as connection:
        assert checkpoints.append_checkpoint(connection, tmp_path / "c", KEY, NOON) is not None
        assert checkpoints.append_checkpoint(connection, tmp_path / "c", KEY, NOON) is None


@pytest.mark.parametrize("value", ["x", "AAAA", "not base64!", "=" * 44])
def test_a_key_that_is_none_is_refused_without_showing_it(value):
    with pytest.raises(checkpoints.AuditKeyError, match="audit keys") as refused:
        checkpoints.private_key({checkpoints.PRIVATE_KEY: value})
    assert value == "x" or value not in str(refused.value)
