"""A made-up desk for tests of models: texts from word pools, so that truth and difficulty are known."""

import numpy as np
import pandas as pd

from features.account import ACCOUNT_CATEGORIES, ACCOUNT_FEATURES
from features.ticket import TICKET_CATEGORIES, TICKET_FEATURES
from models.encoded import EncodedTickets, encode_tickets
from models.encoders import NgramEncoder

TOPICS = {
    "delivery_late": "parcel courier delayed tracking shipment doorstep depot waybill",
    "broken_item": "cracked shattered faulty scratched defective dented snapped leaking",
    "wrong_size": "smaller larger sleeve waist fitting sizing exchange tight",
    "card_declined": "visa declined checkout terminal charge bank authorisation payment",
    "gift_voucher": "voucher coupon redeem giftcard balance code promotional discount",
    "login_help": "password signin username locked authenticate session credentials forgot",
}
FILLER = (
    "hello",
    "please",
    "help",
    "me",
    "with",
    "my",
    "order",
    "the",
    "and",
    "since",
    "it",
    "for",
    "today",
    "we",
)


def tickets(
    n: int, seed: int = 0, blur: float = 0.0, topics: tuple[str, ...] = tuple(TOPICS)
) -> pd.DataFrame:
    """``n`` tickets in order of time with their true ``intent``; ``blur``: share without a telling word."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        topic = topics[rng.integers(len(topics))]
        words = rng.choice(FILLER, 6).tolist()
        if rng.random() >= blur:
            words += rng.choice(TOPICS[topic].split(), 3).tolist()
        rng.shuffle(words)
        rows.append(
            {
                "ticket_id": f"t{i}",
                "created_at": pd.Timestamp("2025-01-01", tz="UTC") + pd.Timedelta(hours=i),
                "account_id": f"a{rng.integers(max(2, n // 5))}",
                "contact_id": f"c{i % 97}",
                "subject": " ".join(words[:3]),
                "body": " ".join(words[3:]),
                "channel": str(rng.choice(["email", "chat"])),
                "plan": str(rng.choice(["small", "large"])),
                "failed_logins_24h": float(rng.integers(1, 6) if topic == "login_help" else 0),
                "intent": topic,
            }
        )
    return pd.DataFrame(rows)


def encoded(frame: pd.DataFrame) -> EncodedTickets:
    """``frame`` through the n-gram encoder."""
    return encode_tickets(frame, NgramEncoder())


def ticket_features(n: int, seed: int = 0) -> pd.DataFrame:
    """Random ticket features, repeats, intent and frustration: everything the priority model reads."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({name: rng.gamma(1.0, 3.0, n).round(2) for name in TICKET_FEATURES})
    frame = frame.assign(**{name: rng.choice(["a", "b", "c"], n) for name in TICKET_CATEGORIES})
    return frame.assign(
        requested_priority=rng.choice(["low", "normal", "high", "urgent"], n),
        contract_value_cents=rng.gamma(1.0, 4e6, n).round(),
        renewal_in_days=rng.integers(-30, 365, n).astype(float),
        caps_share=rng.beta(1, 8, n),
        failed_logins_24h=rng.poisson(0.5, n).astype(float),
        account_csat_last=rng.integers(1, 6, n).astype(float),
        same_intent_contact_30d=rng.poisson(0.7, n).astype(float),
        same_intent_account_30d=rng.poisson(1.0, n).astype(float),
        hours_since_same_intent=rng.gamma(2.0, 50.0, n),
        intent=rng.choice(list(TOPICS), n),
        frustration=rng.beta(1, 3, n),
    )


def levels_by_stake(features: pd.DataFrame, seed: int = 0) -> pd.Series:
    """Priorities as agents might set them: raised by money, renewal, repeats, frustration; with noise."""
    stake = (
        features["contract_value_cents"] / 4e6
        + (features["renewal_in_days"] < 45) * 1.0
        + features["same_intent_contact_30d"] * 0.5
        + features["frustration"] * 2
        + np.random.default_rng(seed).normal(0, 0.4, len(features))
    )
    return pd.cut(stake, [-np.inf, 1, 2, 4, np.inf], labels=["low", "normal", "high", "urgent"]).astype("str")


def account_features(n: int, seed: int = 0) -> pd.DataFrame:
    """Random snapshots, and in ``churned_90d`` who left: those whose usage fell, mostly."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({name: rng.gamma(1.0, 3.0, n) for name in ACCOUNT_FEATURES})
    frame = frame.assign(**{name: rng.choice(["a", "b"], n) for name in ACCOUNT_CATEGORIES})
    frame = frame.assign(usage_change_28d=rng.uniform(-1, 1, n))
    left = rng.random(n) < 1 / (1 + np.exp(3 + 4 * frame["usage_change_28d"]))
    months = pd.date_range("2025-01-01", periods=12, freq="MS", tz="UTC")
    return frame.assign(
        account_id=[f"a{i % max(2, n // 6)}" for i in range(n)],
        as_of=months[np.sort(rng.integers(0, len(months), n))],
        churned_90d=left.astype("int8"),
    )
