"""A calm password reset that passes every gate, to be varied by tests; and the desk that ships."""

from dataclasses import replace
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from policy.desk import Desk, load_desk
from policy.desk_schema import WEEKDAYS, Calendar
from policy.resolution import PathRecord
from policy.situation import AccountFacts, Situation

NOW = datetime(2026, 7, 1, 8, tzinfo=UTC)
ACCOUNT = AccountFacts(
    account_id="A-17",
    plan="team",
    contract_value_cents=1_200_000,
    renewal_in_days=200.0,
    churn_risk=0.1,
    usage_change=0.05,
    last_csat=5.0,
)
CALM_RESET = Situation(
    ticket_id="T-1",
    created_at=NOW,
    as_of=NOW,
    channel="email",
    subject="New password",
    body="Hello, I forgot my password. Could you send me a link? Anna",
    language="en",
    language_confidence=0.98,
    intent="password_reset",
    intent_probability=0.99,
    out_of_scope=False,
    sentiment="asking",
    frustration=0.1,
    frustration_signals=(),
    priority_level="normal",
    priority_score=0.4,
    contact_id="C-1",
    contact_name="Anna Berg",
    account=ACCOUNT,
    automation_threshold=0.97,
    automation_evidence="lower bound 0.962 on 140 reviewed cases",
    path=PathRecord(confirmed=60, usage_verified=20, recontacted=20, silent=100),
    path_success=0.722,
)

BERLIN = Calendar.model_validate(
    {
        "time_zone": "Europe/Berlin",
        "hours": {
            "monday": ["09:00-12:00", "13:00-18:00"],
            "tuesday": ["09:00-18:00"],
            "wednesday": ["09:00-18:00"],
            "thursday": ["09:00-18:00"],
            "friday": ["09:00-16:00"],
        },
        "holidays": [date(2026, 12, 25)],
    }
)
ALWAYS_NEW_YORK = Calendar.model_validate(
    {"time_zone": "America/New_York", "hours": {day: ["00:00-24:00"] for day in WEEKDAYS}}
)


def utc(written: str) -> datetime:
    """``"2026-07-01 09:00"`` as a moment in UTC."""
    return datetime.fromisoformat(written).replace(tzinfo=UTC)


@lru_cache(maxsize=1)
def shipped_desk() -> Desk:
    """The desk in ``policy/desk.yaml``."""
    return load_desk(Path(__file__).parents[2] / "policy" / "desk.yaml")


def situation(**changes: Any) -> Situation:
    """The calm reset with ``changes``; those that name a field of the account change its account."""
    fields = {name for name in AccountFacts.__dataclass_fields__ if name not in ("language",)}
    of_account = {name: value for name, value in changes.items() if name in fields}
    of_ticket = {name: value for name, value in changes.items() if name not in fields}
    account = replace(ACCOUNT, **of_account) if of_account else ACCOUNT
    return replace(CALM_RESET, **({"account": account} | of_ticket))
