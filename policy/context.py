"""What an agent should know before the first word: three sentences, usage, account health."""

import unicodedata
from typing import Literal

from policy.desk_schema import Desk
from policy.situation import AccountFacts, PastTicket, Situation
from policy.wording import counted, sure

Health = Literal["good", "watch", "poor", "unknown"]
_LONGEST_QUOTE = 60
_HARMLESS_MARKS = frozenset("-_'’,/&@#+()%")
_USAGE_DROP = -0.5
_ERRORS_A_WEEK = 20
_OPEN_TICKETS = 3
_LOW_CSAT = 2.0


def summary(situation: Situation) -> str:
    """Exactly three sentences on one line: who writes, what came before, what seems to be wrong now.

    Every clause is a field of ``situation``; what is unknown is left out or called unknown. Names and
    subjects lose every character that could end a sentence.
    """
    return " ".join((_who(situation), _history(situation), _now(situation)))


def usage_facts(situation: Situation) -> dict[str, float | int | str | None]:
    """Facts about the use of the product, ``None`` where unknown."""
    account = situation.account
    return {
        "seats": account.seats if account else None,
        "usage_change_7d": account.usage_change if account else None,
        "errors_7d": account.errors_7d if account else None,
        "busiest_feature": account.busiest_feature if account else None,
        "failed_logins_24h": situation.failed_logins_24h,
    }


def account_health(desk: Desk, situation: Situation) -> tuple[Health, list[str]]:
    """Health of the account and why: poor from two warnings or a high churn risk on, watch from one on."""
    account = situation.account
    if account is None:
        return "unknown", ["no account is known"]
    warnings = _warnings(desk, account)
    measured = (account.churn_risk, account.usage_change, account.last_csat)
    if not warnings and all(value is None for value in measured):
        return "unknown", ["neither churn risk nor usage nor satisfaction is known"]
    high_risk = account.churn_risk is not None and account.churn_risk >= desk.escalation.churn_risk
    if high_risk or len(warnings) > 1:
        return "poor", warnings
    return ("watch", warnings) if warnings else ("good", _good_signs(account))


def _warnings(desk: Desk, account: AccountFacts) -> list[str]:
    found = []
    if account.churn_risk is not None and account.churn_risk >= desk.escalation.churn_risk / 2:
        found.append(f"churn risk {account.churn_risk:.0%}")
    if account.usage_change is not None and account.usage_change <= _USAGE_DROP:
        found.append(f"usage fell by {-account.usage_change:.0%} in a week")
    if account.errors_7d >= _ERRORS_A_WEEK:
        found.append(f"{account.errors_7d} errors in 7 days")
    if account.open_tickets >= _OPEN_TICKETS:
        found.append(f"{account.open_tickets} open tickets")
    if account.last_csat is not None and account.last_csat <= _LOW_CSAT:
        found.append(f"last satisfaction {account.last_csat:g} of 5")
    return found


def _good_signs(account: AccountFacts) -> list[str]:
    signs = []
    if account.churn_risk is not None:
        signs.append(f"churn risk {account.churn_risk:.0%}")
    if account.usage_change is not None:
        signs.append(f"usage changed by {account.usage_change:+.0%} in a week")
    if account.last_csat is not None:
        signs.append(f"last satisfaction {account.last_csat:g} of 5")
    return signs


def _who(situation: Situation) -> str:
    name = _in_a_sentence(situation.contact_name or "") or "A contact whose name is unknown"
    channel = _in_a_sentence(situation.channel) or "an unknown channel"
    account = situation.account
    if account is None:
        return f"{name} wrote by {channel} and belongs to no known account."
    facts = [f"{_in_a_sentence(account.plan)} plan" if account.plan else "unknown plan"]
    if account.contract_value_cents is not None:
        facts.append(f"a contract of {account.contract_value_cents // 100:,} a year")
    if account.renewal_in_days is not None:
        days = round(account.renewal_in_days)
        facts.append(f"renewal in {days} days" if days >= 0 else f"renewal overdue by {-days} days")
    if account.churn_risk is not None:
        facts.append(f"churn risk {account.churn_risk:.0%}")
    return f"{name} of account {_in_a_sentence(account.account_id)} ({', '.join(facts)}) wrote by {channel}."


def _history(situation: Situation) -> str:
    account = situation.account
    if situation.repeats_30d:
        times = counted(situation.repeats_30d, "time")
        first = f"This person reported the same issue {times} before in the last 30 days"
    else:
        first = "This person has not reported this issue in the last 30 days"
    clauses = [first]
    if account is not None:
        wrote = counted(account.tickets_90d, "ticket")
        clauses.append(f"the account wrote {wrote} in 90 days and has {account.open_tickets} open")
    if latest := _latest(situation.past_tickets):
        state = "solved" if latest.solved else "not solved"
        subject = _in_a_sentence(latest.subject)
        called = f"“{subject}”" if subject else f"ticket {_in_a_sentence(latest.ticket_id)}"
        clauses.append(f"the latest earlier one, {called} of {latest.created_at:%Y-%m-%d}, is {state}")
    return f"{'; '.join(clauses)}."


def _latest(past: tuple[PastTicket, ...]) -> PastTicket | None:
    return max(past, key=lambda ticket: ticket.created_at, default=None)


def _now(situation: Situation) -> str:
    if situation.intent is None or situation.out_of_scope:
        about = "What it is about could not be told"
    else:
        name = _in_a_sentence(situation.intent.replace("_", " "))
        about = f"It seems to be about {name} ({sure(situation.intent_probability)})"
    signals = ", ".join(filter(None, map(_in_a_sentence, situation.frustration_signals)))
    clauses = [about, f"the customer is {situation.sentiment}" + (f" ({signals})" if signals else "")]
    if situation.failed_logins_24h:
        clauses.append(f"{counted(situation.failed_logins_24h, 'log-in')} failed in 24 hours")
    if situation.account is not None and situation.account.errors_7d:
        clauses.append(f"the account met {counted(situation.account.errors_7d, 'error')} in 7 days")
    if situation.surge.accounts_24h > 1:
        clauses.append(f"{situation.surge.accounts_24h} accounts reported the same within 24 hours")
    return f"{', '.join(clauses[:-1])} and {clauses[-1]}."


def _in_a_sentence(text: str) -> str:
    """``text`` as a short run of words: letters, digits and marks that cannot end a sentence or a line."""
    plain = unicodedata.normalize("NFKC", text)
    safe = "".join(c if unicodedata.category(c)[0] in "LMN" or c in _HARMLESS_MARKS else " " for c in plain)
    words = " ".join(safe.split())
    return words[:_LONGEST_QUOTE].rstrip()
