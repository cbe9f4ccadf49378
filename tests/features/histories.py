"""Random multi-table histories with everything that is awkward about time, for tests."""

import numpy as np
import pandas as pd

from features.schema import CHANNELS, EVENT_KINDS, typed

START = pd.Timestamp("2026-01-01", tz="UTC")
ASKS = (
    "I cannot reset my password",
    "please send me the invoice for march",
    "Die Anmeldung schlägt fehl, bitte helfen",
    "¿Dónde puedo descargar la factura?",
    "THE EXPORT IS BROKEN AGAIN!!!",
    "",
)


def history(seed: int, tickets: int = 600, accounts: int = 8, days: int = 200) -> dict[str, pd.DataFrame]:
    """Canonical tables: whole-hour clocks (many ties), late rows, missing keys, repeated texts."""
    rng = np.random.default_rng(seed)

    def moments(n: int) -> pd.Series:
        return pd.Series(START + pd.to_timedelta(rng.integers(0, days * 24, n), unit="h"))

    def late(n: int) -> pd.TimedeltaIndex:
        hours = np.where(rng.random(n) < 0.1, rng.integers(0, 60 * 24, n), rng.integers(0, 2, n))
        return pd.to_timedelta(hours, unit="h")

    def some(prefix: str, upto: int, n: int, missing: float = 0.1) -> list[str | None]:
        return [None if rng.random() < missing else f"{prefix}{k}" for k in rng.integers(0, upto, n)]

    created = moments(tickets)
    account = some("a", accounts, tickets)
    contact = [
        None if rng.random() < 0.1 else f"{a or 'a0'}-c{k}"
        for a, k in zip(account, rng.integers(0, 3, tickets), strict=True)
    ]
    ticket_id = pd.Series([f"t{k:05}" for k in rng.permutation(tickets)])
    n_events, n_usage, n_versions = tickets * 4, tickets * 10, accounts * 6
    of = rng.integers(0, tickets, n_events)
    occurred = created[of].reset_index(drop=True) + pd.to_timedelta(
        rng.integers(0, 24 * 20, n_events), unit="h"
    )
    kind = rng.choice(EVENT_KINDS, n_events)
    value = np.where(kind == "csat", rng.integers(1, 6, n_events).astype(str), "x")
    value[rng.random(n_events) < 0.02] = "very good"
    usage_account = rng.integers(0, accounts, n_usage)
    day = moments(n_usage).dt.floor("D")
    versions = moments(n_versions)
    return {
        "tickets": typed(
            "tickets",
            pd.DataFrame(
                {
                    "ticket_id": ticket_id,
                    "created_at": created,
                    "known_at": created + late(tickets),
                    "account_id": account,
                    "contact_id": contact,
                    "channel": rng.choice(CHANNELS, tickets),
                    "subject": rng.choice(["", "help", "Question"], tickets),
                    "body": [f"{rng.choice(ASKS)} {rng.integers(0, 9)}" for _ in range(tickets)],
                }
            ),
        ),
        "ticket_events": typed(
            "ticket_events",
            pd.DataFrame(
                {
                    "event_id": [f"e{k}" for k in rng.permutation(n_events)],
                    "ticket_id": ticket_id[of].to_numpy(),
                    "occurred_at": occurred,
                    "known_at": occurred + late(n_events),
                    "kind": kind,
                    "value": value,
                    "actor_kind": "agent",
                    "actor_id": "g1",
                }
            ),
        ),
        "usage": typed(
            "usage",
            pd.DataFrame(
                {
                    "account_id": [f"a{k}" for k in usage_account],
                    "contact_id": [
                        f"a{a}-c{k}" if k < 3 else None
                        for a, k in zip(usage_account, rng.integers(0, 9, n_usage), strict=True)
                    ],
                    "day": day,
                    "known_at": day
                    + pd.Timedelta(hours=26)
                    + late(n_usage)
                    - pd.to_timedelta(rng.integers(0, 20, n_usage), unit="h"),
                    "feature": rng.choice(["login", "reports", "export", "api"], n_usage),
                    "events": rng.integers(0, 50, n_usage),
                    "errors": rng.integers(0, 4, n_usage),
                    "seconds": 10,
                }
            ),
        ),
        "accounts": typed(
            "accounts",
            pd.DataFrame(
                {
                    "account_id": [f"a{k % (accounts - 1)}" for k in range(n_versions)],
                    "known_at": versions,
                    "plan": rng.choice(["starter", "enterprise"], n_versions),
                    "status": "active",
                    "contract_value_cents": pd.array(rng.integers(0, 10**9, n_versions), dtype="Int64"),
                    "seats": pd.array([None, 5, 50] * (n_versions // 3), dtype="Int64"),
                    "signed_up_at": START,
                    "renewal_at": versions + pd.Timedelta(days=100),
                    "churned_at": [None] * n_versions,
                }
            ).drop_duplicates(["account_id", "known_at"]),
        ),
    }


def served(
    history: dict[str, pd.DataFrame], account_id: str | None, contact_id: str | None
) -> dict[str, pd.DataFrame]:
    """What a store hands to the service: rows of one account or contact only, in another order."""

    def rows(frame: pd.DataFrame) -> pd.DataFrame:
        mine = pd.Series(False, index=frame.index)
        for key, value in (("account_id", account_id), ("contact_id", contact_id)):
            if value is not None and key in frame:
                mine |= (frame[key] == value).to_numpy()
        return frame[mine][::-1].reset_index(drop=True)

    tables = {name: rows(history[name]) for name in ("tickets", "usage", "accounts")}
    events = history["ticket_events"]
    tables["ticket_events"] = events[events["ticket_id"].isin(tables["tickets"]["ticket_id"])][
        ::-1
    ].reset_index(drop=True)
    return tables
