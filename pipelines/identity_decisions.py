"""`firstline identity`: look at who is who, and decide it where records cannot.

A decision is a file of its own in ``data/identity/<source>/``, where the next ingest reads it; it also goes
into the service's store, if there is one, where it counts from the next request on.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pandas as pd
from pydantic import ValidationError
from sqlalchemy import make_url

from connectors.identity.decisions import Decision, DecisionError, read_decisions, write_decision
from connectors.identity.handles import normal_handle
from connectors.identity.person_index import writer_name
from features.schema import IDENTITIES
from features.tables import read_table
from pipelines.params import load_params
from serving.people import learn_decision, stored_names
from serving.settings import Settings
from serving.store import Store

TABLES_FOLDER = Path("artifacts/tables")
DECISIONS_FOLDER = Path("data/identity")
SHOWN_HANDLES = 20


class Decided(NamedTuple):
    """A decision that was written, and whom its names stand for now; ``None`` where there is no store."""

    decision: Decision
    path: Path
    stand_for: dict[str, str] | None

    @property
    def body(self) -> dict[str, Any]:
        """For programs."""
        told = json.loads(self.decision.model_dump_json(exclude_none=True))
        return {"decision": told, "file": str(self.path), "stand_for": self.stand_for}


class People:
    """What is known of who is who on this machine: the store's rows where there is a store, else ingest's."""

    def __init__(self, folder: Path, tables: Path, store: Store | None, phone_region: str = "") -> None:
        self._folder, self._tables, self._store = folder, tables, store
        self._phone_region = phone_region

    def show(self, said: str) -> dict[str, Any]:
        """The person behind a handle or contact id now, every name of theirs, the history and the decisions.

        Raises ``DecisionError`` where nobody goes by that name.
        """
        name = self._name(said)
        rows = self._rows(name)
        if rows.empty:
            raise self._unknown(said, name)
        person = str(rows.iloc[-1]["contact_id"])
        everybody = self._rows_about(person)
        now = everybody.drop_duplicates("alias", keep="last")
        names = sorted(now.loc[now["contact_id"] == person, "alias"])
        about = {name, person, *names}
        return {
            "name": name,
            "person": person,
            "account": _told(rows.iloc[-1]["account_id"]),
            "names": names,
            "history": [_record(row) for row in rows.to_dict("records")],
            "decisions": [
                json.loads(d.model_dump_json(exclude_none=True))
                for d in self.decisions()
                if d.kind == "undo" or about & {d.subject, d.other}
            ],
        }

    def ambiguous(self) -> list[dict[str, Any]]:
        """Every name that merges nobody because records disagree, as of the last ingest, and why."""
        newest = read_table(self._tables, IDENTITIES).drop_duplicates("alias", keep="last")
        unclear = newest[newest["rule"] == "ambiguous"]
        return [_record(row) for row in unclear.to_dict("records")]

    def decisions(self) -> list[Decision]:
        """Every decision, oldest first."""
        return read_decisions(self._folder)

    def merge(self, one: str, other: str, by: str, why: str, at: datetime) -> Decided:
        """From ``at`` on both names are one person. At least one of them must be known."""
        names = [self._name(one), self._name(other)]
        if all(self._rows(name).empty for name in names):
            raise self._unknown(one, names[0])
        return self._decide("merge", names[0], names[1], by, why, at)

    def split(self, name: str, contact: str | None, by: str, why: str, at: datetime) -> Decided:
        """From ``at`` on a contact is nobody else, a handle nobody's; or a handle is not that contact's."""
        subject = self._name(name)
        if self._rows(subject).empty:
            raise self._unknown(name, subject)
        if contact is not None and normal_handle(subject, self._phone_region) is None:
            raise DecisionError(
                f"{name} is a contact, and only a handle can be taken from one contact: "
                f"split {name} without --from, and it is nobody else"
            )
        return self._decide("split", subject, None if contact is None else self._name(contact), by, why, at)

    def undo(self, decision_id: str, by: str, why: str, at: datetime) -> Decided:
        """From ``at`` on an earlier decision no longer counts."""
        if decision_id not in {decision.decision_id for decision in self.decisions()}:
            raise DecisionError(
                f"no decision {decision_id!r}: `firstline identity show NAME` lists them by id"
            )
        return self._decide("undo", decision_id, None, by, why, at)

    def _decide(self, kind: str, subject: str, other: str | None, by: str, why: str, at: datetime) -> Decided:
        told = {"kind": kind, "subject": subject, "other": other, "by": by, "why": why, "at": at}
        try:
            decision = Decision.model_validate({"decision_id": uuid4().hex[:12], **told})
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise DecisionError(f"{kind} {subject}: {first['msg'].removeprefix('Value error, ')}") from error
        path = write_decision(self._folder, decision)
        if self._store is None:
            return Decided(decision, path, None)
        with self._store.writing() as connection:
            learn_decision(connection, decision)
        names = [name for name in (subject, other) if name is not None and kind != "undo"]
        return Decided(decision, path, {name: self._now(name) for name in names})

    def _now(self, name: str) -> str:
        rows = self._rows(name)
        return name if rows.empty else str(rows.iloc[-1]["contact_id"])

    def _name(self, said: str) -> str:
        """A name in its one form. Raises ``DecisionError`` where it names nobody."""
        name = writer_name(said, self._phone_region)
        name = normal_handle(name, self._phone_region) or name if name and ":" in name else name
        if not name:
            raise DecisionError(
                f"{said!r} names nobody: give a contact id or a handle such as email:a@b.example"
            )
        return name if not self._rows(name).empty or self._rows(said).empty else said

    def _rows(self, name: str) -> pd.DataFrame:
        return self._select("alias", [name])

    def _rows_about(self, person: str) -> pd.DataFrame:
        aliases = self._select("contact_id", [person])["alias"].unique().tolist()
        return self._select("alias", aliases)

    def _select(self, column: str, values: Sequence[str]) -> pd.DataFrame:
        if self._store is not None:
            with self._store.reading() as connection:
                found = stored_names(connection, column, values)
            if len(found):
                return found
        rows = read_table(self._tables, IDENTITIES)
        return rows[rows[column].isin(values)].reset_index(drop=True)

    def _unknown(self, said: str, name: str) -> DecisionError:
        written = "" if said == name else f" (in one form: {name})"
        return DecisionError(
            f"nobody is known as {said!r}{written}: no contact has it in {self._tables}/; is the handle "
            "complete (email:a@b.example, phone:+49...)? was it ingested (`dvc repro ingest`)?"
        )


def people_here(settings: Settings) -> People:
    """The people of the project in the working directory, and of its store where there is one."""
    params = load_params().ingest
    url = make_url(settings.database_url)
    exists = url.get_backend_name() != "sqlite" or (url.database is not None and Path(url.database).exists())
    store = Store(settings.database_url) if exists else None
    return People(DECISIONS_FOLDER / params.source, TABLES_FOLDER, store, params.phone_region)


def shown(found: dict[str, Any]) -> list[str]:
    """``People.show`` for people."""
    account = f" of account {found['account']}" if found["account"] else ", account unknown"
    names = found["names"]
    more = f" and {len(names) - SHOWN_HANDLES} more" if len(names) > SHOWN_HANDLES else ""
    lines = [
        f"{found['name']} stands for {found['person']}{account}",
        f"also known as: {', '.join(names[:SHOWN_HANDLES])}{more}",
        "since:",
        *(f"  {_line(row)}" for row in found["history"]),
    ]
    if found["decisions"]:
        lines += ["decisions:", *(f"  {_decision_line(d)}" for d in found["decisions"])]
    return lines


def decided_lines(decided: Decided) -> list[str]:
    """What ``People.merge``, ``split`` and ``undo`` did, for people."""
    told, counts = decided.body, "no store here: it counts from the next ingest on"
    if decided.stand_for is not None:
        counts = "the service counts it from now on"
    return [
        f"decided: {_decision_line(told['decision'])}",
        f"written to {decided.path}",
        counts,
        *(f"{name} stands for {person}" for name, person in (decided.stand_for or {}).items()),
        "next: dvc add data, and dvc repro when convenient",
        f"take it back: firstline identity undo {decided.decision.decision_id} --why ...",
    ]


def ambiguous_lines(rows: Sequence[dict[str, Any]]) -> list[str]:
    """``People.ambiguous`` for people."""
    if not rows:
        return ["nothing is ambiguous"]
    lines = [f"  {row['alias']}: {row['because']} ({', '.join(row['records'])})" for row in rows]
    fix = "decide with `firstline identity merge NAME CONTACT --why ...`, or leave it: each stays for itself"
    return [f"{len(rows):,} names merge nobody:", *lines, fix]


def _line(row: dict[str, Any]) -> str:
    why = {"own": "its own", "handle": f"handle of {', '.join(row['records'])}"}.get(row["rule"], row["rule"])
    parts = [why, row.get("handle") if row["rule"] == "shared handle" else None, row.get("because")]
    return f"{row['known_at']}  {row['contact_id']}: {', '.join(part for part in parts if part)}"


def _decision_line(decision: dict[str, Any]) -> str:
    other = f" {decision['other']}" if decision.get("other") else ""
    return (
        f"{decision['decision_id']}  {decision['at']}  {decision['kind']} {decision['subject']}{other}, "
        f"{decision['by']}: {decision['why']}"
    )


def _record(row: dict[Any, Any]) -> dict[str, Any]:
    told = {
        name: text for name, value in row.items() if name != "records" and (text := _told(value)) is not None
    }
    return {**told, "known_at": row["known_at"].isoformat(), "records": list(row["records"])}


def _told(value: Any) -> str | None:
    return None if value is None or pd.isna(value) else str(value)
