"""Small canonical rows that the serving tests share."""

from datetime import UTC, datetime

import pandas as pd

from features.schema import typed

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def tickets(*rows: dict) -> pd.DataFrame:
    """Canonical tickets; what a row leaves out is a plain e-mail known at NOON."""
    plain = {
        "known_at": NOON,
        "created_at": NOON,
        "account_id": "A1",
        "contact_id": "C1",
        "channel": "email",
        "subject": "Cannot sign in",
        "body": "I forgot my password.",
    }
    return typed("tickets", pd.DataFrame([{**plain, **row} for row in rows]))
