"""Contacts, tickets and decisions in a few words, for tests of identity."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from connectors.identity.decisions import Decision
from features.schema import typed

START = datetime(2026, 1, 1, tzinfo=UTC)


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def contacts(*rows: tuple[str, float, str | None, list[str] | None]) -> pd.DataFrame:
    """(contact_id, day known, account_id, handles) as a canonical table."""
    columns = ["contact_id", "known_at", "account_id", "handles"]
    frame = pd.DataFrame([(c, day(d), a, h) for c, d, a, h in rows], columns=columns)
    return typed("contacts", frame)


def asked(*rows: tuple[str | None, float], account_id: str | None = None) -> pd.DataFrame:
    """(contact_id, day known) of tickets."""
    frame = pd.DataFrame(
        [(c, account_id, day(d)) for c, d in rows], columns=["contact_id", "account_id", "known_at"]
    )
    return frame.astype({"contact_id": "str", "account_id": "str"})


def decided(decision_id: str, on_day: float, kind: str, subject: str, other: str | None = None) -> Decision:
    told: dict[str, Any] = {"decision_id": decision_id, "kind": kind, "subject": subject, "other": other}
    return Decision.model_validate({**told, "by": "ann", "why": "they told us", "at": day(on_day)})


def told(values: pd.Series) -> list[str | None]:
    """A column as plain values."""
    return [None if pd.isna(value) else str(value) for value in values]
