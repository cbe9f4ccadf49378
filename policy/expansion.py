"""Does the account want more than it has? Evidence for the relationship manager, and for nobody else.

Three things speak for it, each with its figures: somebody asks for more seats, a larger plan or a higher
limit; nearly all paid seats are in use; the account uses the product much more than before. All are as of the
ticket. A customer never reads of it: replies, notes and tags are made without it
(``tests/policy/test_expansion.py``).
"""

from policy.desk_schema import Desk
from policy.phrases import normalised_words
from policy.situation import AccountFacts, Situation

_GONE = frozenset({"churned", "cancelled", "canceled"})


def expansion_evidence(desk: Desk, situation: Situation) -> tuple[str, ...]:
    """What speaks for it, in words; empty where nothing does or the account is unknown or has left."""
    account, rules = situation.account, desk.expansion
    if account is None or rules is None or (account.status or "").casefold() in _GONE:
        return ()
    found = (
        _asks(desk, situation),
        _seats_in_use(account, rules.seats_in_use_share),
        _growth(account, rules.usage_growth, rules.least_uses_28d),
    )
    return tuple(one for one in found if one is not None)


def _asks(desk: Desk, situation: Situation) -> str | None:
    words = desk.phrases.expansion.found_in(normalised_words(f"{situation.subject}\n\n{situation.body}"))
    return None if words is None else f'the text {desk.phrases.expansion.about} ("{words}")'


def _seats_in_use(account: AccountFacts, share: float) -> str | None:
    seats, people = account.seats, account.active_people_28d
    if not seats or people is None or people < share * seats:
        return None
    return f"{people} people used the product in 28 days, {seats} seats are paid for"


def _growth(account: AccountFacts, growth: float, least_uses: int) -> str | None:
    seen, uses = account.usage_growth, account.uses_28d
    if seen is None or uses is None or seen < growth or uses < least_uses:
        return None
    return f"use of the product grew by {seen:.0%} in 28 days against the 56 before, to {uses:,} uses"
