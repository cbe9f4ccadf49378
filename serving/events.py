"""What happens at the desk and at customers, pushed: ticket events, usage, CRM changes, outcomes.

A row is known from the moment it is accepted, so no decision made before can have seen it. An account or a
contact is told by its changed fields only: the others stay as they were.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import Field, create_model, model_validator
from sqlalchemy import Connection, func, select

from connectors.rules.contract import breaches
from features.schema import TABLES, typed
from serving import context, records
from serving.codec import to_frame
from serving.moments import moment, time_ordered_id
from serving.problems import Problem, shown
from serving.requests import Id, Moment, Part, Request
from serving.store import Store
from serving.tables import CONTEXT, decisions

MAX_ROWS = 1000
PUSHED = ("ticket_events", "usage", "accounts", "contacts", "agents", "articles")
"""Tables that rows may be pushed to; tickets come by triage."""
VERSIONED = ("accounts", "contacts", "agents", "articles")
CLOCKS_DIFFER = timedelta(minutes=5)
"""How far ahead of ours a clock that says when something happened may be."""
_TRIES = 5
_WHOLE = 2**53
_KINDS: dict[str, Any] = {
    "string": Annotated[str, Field(max_length=100_000)],
    "time": Moment,
    "int": Annotated[int, Field(ge=-_WHOLE, le=_WHOLE)],
    "float": Annotated[float, Field(allow_inf_nan=False)],
    "list": Annotated[list[Annotated[str, Field(max_length=255)]], Field(max_length=100)],
}


def _row_model(name: str) -> type[Part]:
    fields: dict[str, Any] = {}
    for column, spec in TABLES[name].columns.items():
        if column == "known_at":
            continue
        kind = _KINDS[spec.kind]
        if spec.allowed:
            kind = Literal[spec.allowed]
        elif spec.kind == "string" and column.endswith("_id"):
            kind = Id
        needed = spec.required and column != "occurred_at"
        about = Field(description=spec.about) if needed else Field(None, description=spec.about)
        fields[column] = (kind if needed else kind | None, about)
    title = "".join(part.title() for part in name.rstrip("s").split("_"))
    return create_model(f"{title}Row", __base__=Part, __doc__=TABLES[name].grain, **fields)


ROWS = {name: _row_model(name) for name in PUSHED}


class _EventsRequest(Request):
    """Rows of the canonical tables, known from now on; at least one, at most ``MAX_ROWS`` together."""

    @model_validator(mode="after")
    def _some(self) -> "_EventsRequest":
        count = sum(len(getattr(self, name)) for name in PUSHED)
        if not 1 <= count <= MAX_ROWS:
            raise ValueError(f"{count} rows: send 1 to {MAX_ROWS}")
        return self

    def rows(self) -> dict[str, list[Part]]:
        """The rows by table."""
        return {name: getattr(self, name) for name in PUSHED if getattr(self, name)}


EventsRequest = create_model(
    "EventsRequest",
    __base__=_EventsRequest,
    __doc__=_EventsRequest.__doc__,
    **{  # type: ignore[call-overload]  # fields made from the schema
        name: (Annotated[list[model], Field(max_length=MAX_ROWS)], Field(default_factory=list))  # type: ignore[valid-type]
        for name, model in ROWS.items()
    },
)


class OutcomeRequest(Request):
    """How a ticket ended: a satisfaction score from 1 to 5, the customer's confirmation, or a reopening.

    The same outcome said twice counts once: give ``occurred_at`` where it can happen again.
    """

    ticket_id: Id
    kind: Literal["csat", "confirmed", "reopened"]
    value: Literal["1", "2", "3", "4", "5"] | None = None
    occurred_at: Moment | None = None
    contact_id: Id | None = None


def accept_events(store: Store, request: Any, now: datetime, key: str) -> str:
    """Store the rows of ``request`` once per idempotency ``key``; returns the receipt's id.

    Raises ``Problem``: 409 where ``key`` was used for other rows, 422 for a row that breaks the contract.
    """
    receipt = records.Taken(request.body_hash, time_ordered_id(now))
    with store.writing() as connection:
        before = records.take(connection, "events", key, receipt)
        if before is None:
            for name, rows in request.rows().items():
                _append(connection, name, [row.model_dump(exclude_unset=True) for row in rows], now)
            return receipt.answer_id
    if before.body_hash != request.body_hash:
        raise Problem(409, "Idempotency-Key", "a key used for other events", "send a new key for new events")
    return before.answer_id


def accept_outcome(store: Store, request: OutcomeRequest, now: datetime, key: str | None) -> str:
    """Store the outcome once; returns the id of the event that it is.

    Raises ``Problem``: 404 for a ticket that the store does not know, 409 where ``key`` was used for another
    outcome, 422 for a score without a value or a value without a score.
    """
    if (request.kind == "csat") != (request.value is not None):
        raise Problem(422, "value", shown(request.value), "send 1 to 5 with csat, and nothing otherwise")
    event_id = f"outcome:{request.body_hash[:40]}"
    row = {
        "event_id": event_id,
        "ticket_id": request.ticket_id,
        "kind": request.kind,
        "value": request.value,
        "occurred_at": request.occurred_at,
        "actor_kind": "customer",
        "actor_id": request.contact_id,
    }
    with store.writing() as connection:
        ticket_id = CONTEXT["tickets"].c.ticket_id
        if connection.scalar(select(ticket_id).where(ticket_id == request.ticket_id)) is None:
            raise Problem(404, "ticket_id", shown(request.ticket_id), "send a ticket that was triaged")
        if key is not None:
            now_taken = records.Taken(request.body_hash, event_id)
            before = records.take(connection, "outcomes", key, now_taken)
            if before is not None and before.body_hash != request.body_hash:
                raise Problem(409, "Idempotency-Key", "a key used for another outcome", "send a new key")
        _append(connection, "ticket_events", [row], now)
    return event_id


def _append(connection: Connection, name: str, given: list[dict[str, Any]], now: datetime) -> None:
    """Add rows to the context, known from ``now`` on, or a microsecond later where that moment is taken."""
    rows = _PREPARED[name](connection, name, given, now)
    frame = typed(name, pd.DataFrame(rows))
    for reason, broken in breaches(name, frame):
        if broken.any():
            number = int(broken.to_numpy().argmax())
            raise Problem(422, f"{name}.{number}", reason, "send a row that keeps the contract")
    for _ in range(_TRIES):
        attempt = connection.begin_nested()
        if context.append(connection, name, frame) == len(frame) or name == "ticket_events":
            attempt.commit()
            return
        attempt.rollback()
        frame = frame.assign(known_at=frame["known_at"] + pd.Timedelta(1, "us"))
    raise RuntimeError(f"{name}: no free moment to store {len(rows)} rows at")


def _facts(connection: Connection, _name: str, given: list[dict[str, Any]], now: datetime) -> list[dict]:
    """Ticket events; what a clock ahead of ours says will happen in a moment happens now.

    What came later is known later, also where our own clock was set back in between: a ticket that was solved
    and then reopened must never seem solved for good.
    """
    newest = _newest_of(connection, {row["ticket_id"] for row in given})
    rows = []
    for row in given:
        said = row.get("occurred_at") or now
        before = newest.get(row["ticket_id"])
        known_at = now if before is None else max(now, moment(before + 1))
        rows.append(
            {**row, "occurred_at": now if now < said <= now + CLOCKS_DIFFER else said, "known_at": known_at}
        )
    return rows


def _newest_of(connection: Connection, ticket_ids: set[str]) -> dict[str, int]:
    """When the newest thing is known about each ticket that was decided or had an event (microseconds)."""
    events = CONTEXT["ticket_events"]
    newest: dict[str, int] = {}
    for table, at in ((events, events.c.known_at), (decisions, decisions.c.at)):
        known = select(table.c.ticket_id, func.max(at)).where(table.c.ticket_id.in_(ticket_ids))
        for ticket_id, last in connection.execute(known.group_by(table.c.ticket_id)):
            newest[ticket_id] = max(last, newest.get(ticket_id, last))
    return newest


def _uses(_connection: Connection, _name: str, given: list[dict[str, Any]], now: datetime) -> list[dict]:
    """Rows of one account, contact, day and feature as one: rows of a day add up."""
    key = [part for part in TABLES["usage"].key if part != "known_at"]
    summed: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in given:
        at_day = {**row, "day": pd.Timestamp(row["day"]).tz_convert("UTC").floor("D"), "known_at": now}
        same = summed.setdefault(tuple(at_day.get(part) for part in key), at_day)
        if same is at_day:
            continue
        for amount in ("events", "errors", "seconds"):
            if row.get(amount) is not None:
                same[amount] = (same.get(amount) or 0) + row[amount]
    return list(summed.values())


def _versions(connection: Connection, name: str, given: list[dict[str, Any]], now: datetime) -> list[dict]:
    """Whole new versions, later than every one before: what is told over what was known."""
    table, identity = CONTEXT[name], TABLES[name].key[0]
    told: dict[str, dict[str, Any]] = {}
    for row in given:
        told.setdefault(row[identity], {}).update(row)
    stored = select(table).where(table.c[identity].in_(told)).order_by(table.c.known_at)
    known = to_frame(name, connection.execute(stored).all()).to_dict("records")
    before = {row[identity]: {column: _present(value) for column, value in row.items()} for row in known}
    newest = max((row["known_at"] for row in before.values()), default=None)
    at = pd.Timestamp(now) if newest is None else max(pd.Timestamp(now), newest + pd.Timedelta(1, "us"))
    return [{**before.get(key, {}), **row, "known_at": at} for key, row in told.items()]


def _present(value: Any) -> Any:
    return value if isinstance(value, list) or not pd.isna(value) else None


_PREPARED: dict[str, Callable[..., list[dict]]] = {
    "ticket_events": _facts,
    "usage": _uses,
    **dict.fromkeys(VERSIONED, _versions),
}
