"""Why a ticket is urgent, in words: the features that raised its score most."""

from collections.abc import Callable, Mapping
from typing import Any

SMALLEST_CONTRIBUTION = 0.05
"""Log odds, summed over the steps: less than this is not worth a word."""
MOST_REASONS = 4


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, ..."""
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{({1: 'st', 2: 'nd', 3: 'rd'}).get(number % 10, 'th')}"


def counted(number: float, thing: str) -> str:
    """``1 failed log-in``, ``6 failed log-ins``."""
    return f"{number:,.0f} {thing}" + ("" if number == 1 else "s")


def _repeats(earlier: float) -> str | None:
    return f"{ordinal(int(earlier) + 1)} report of the same issue" if earlier >= 1 else None


def _at_least_one(thing: str, when: str) -> Callable[[float], str | None]:
    return lambda number: f"{counted(number, thing)} {when}" if number >= 1 else None


def _usage(change: float) -> str | None:
    return f"usage down {-change:.0%}" if change <= -0.1 else None


WORDS: dict[str, Callable[[Any], str | None]] = {
    "contract_value_cents": lambda cents: f"contract of ${cents / 100:,.0f}",
    "lifetime_value_cents": lambda cents: f"${cents / 100:,.0f} paid so far",
    "seats": lambda seats: counted(seats, "seat"),
    "renewal_in_days": lambda days: f"renews in {counted(days, 'day')}",
    "similar_text_repeats_30d": _repeats,
    "same_intent_contact_30d": _repeats,
    "same_intent_account_30d": lambda n: (
        f"{counted(n, 'more report')} of it from the same account" if n else None
    ),
    "frustration": lambda share: f"the customer is frustrated ({share:.2f})" if share >= 0.3 else None,
    "failed_logins_24h": _at_least_one("failed log-in", "in 24 hours"),
    "contact_errors_24h": _at_least_one("error", "in 24 hours"),
    "usage_errors_7d": _at_least_one("error", "in 7 days"),
    "usage_change_28d": _usage,
    "account_open_tickets": _at_least_one("ticket", "of the account still open"),
    "account_reopens_90d": _at_least_one("ticket", "reopened in 90 days"),
    "account_csat_last": lambda rating: f"last rating was {rating:.0f} of 5" if rating <= 3 else None,
    "requested_level": lambda level: "the customer asked for {}".format(
        ("low", "normal", "high", "urgent")[int(level)]
    ),
    "plan": lambda plan: f"{plan} plan",
    "intent": lambda intent: f"it is about {intent}",
    "channel": lambda channel: f"came by {channel}",
    "caps_share": lambda share: "written in capitals" if share >= 0.5 else None,
    "exclamation_marks": _at_least_one("exclamation mark", "in the text"),
}


def reasons(contribution: Mapping[str, float], row: Mapping[str, Any]) -> tuple[str, ...]:
    """Up to ``MOST_REASONS`` in words, the strongest first.

    ``contribution``: log odds by feature. ``row``: the known values by feature; unknown ones give no reason.
    """
    raising = sorted(contribution, key=lambda name: (-contribution[name], name))
    told: list[str] = []
    for name in raising:
        if contribution[name] < SMALLEST_CONTRIBUTION or len(told) == MOST_REASONS:
            break
        words = WORDS[name](row[name]) if name in WORDS and name in row else None
        if words is not None and words not in told:
            told.append(words)
    return tuple(told)
