"""Priority by rules: the fallback without a model, and the baseline that a model must beat."""

from policy.desk_schema import Desk
from policy.escalation import is_surge
from policy.situation import Level, Situation

_URGENCY = {"low": 0.10, "normal": 0.35, "high": 0.60, "urgent": 0.85}
_LEVELS: tuple[tuple[float, Level], ...] = ((0.80, "urgent"), (0.55, "high"), (0.25, "normal"), (0.0, "low"))
_SOON_DAYS = 45


def rule_priority(desk: Desk, situation: Situation) -> tuple[Level, float, tuple[str, ...]]:
    """Level, score (0 low to 1 urgent) and reasons, from the intent's urgency and what makes waiting harmful.

    The urgency that ``desk.yaml`` gives the intent is the start; each circumstance adds a fixed amount. What
    the customer claims about urgency is left out on purpose.
    """
    urgency = desk.intent_policy(situation.intent).urgency
    score = _URGENCY[urgency] + sum(points for points, _ in _circumstances(desk, situation))
    score = min(max(score, 0.0), 1.0)
    level = next(level for least, level in _LEVELS if score >= least)
    return level, score, tuple(priority_reasons(desk, situation))


def priority_reasons(desk: Desk, situation: Situation) -> list[str]:
    """Why this ticket should or should not wait, in words, the strongest reason first."""
    policy = desk.intent_policy(situation.intent)
    circumstances = sorted(_circumstances(desk, situation), key=lambda reason: -reason[0])
    if situation.intent is None:
        first = "no known intent: taken as normal urgency"
    else:
        first = f"'{situation.intent}' is of {policy.urgency} urgency on this desk"
    return [first, *(reason for _, reason in circumstances)]


def _circumstances(desk: Desk, situation: Situation) -> list[tuple[float, str]]:
    account, found = situation.account, list[tuple[float, str]]()
    if is_surge(desk, situation.surge):
        found.append((0.25, f"{situation.surge.accounts_24h} accounts reported it within 24 hours"))
    if situation.repeats_30d:
        times = situation.repeats_30d + 1
        found.append((min(0.08 * situation.repeats_30d, 0.25), f"reported {times} times in 30 days"))
    if situation.frustration > 0:
        found.append((0.20 * situation.frustration, f"frustration {situation.frustration:.0%}"))
    if situation.failed_logins_24h:
        points = min(0.03 * situation.failed_logins_24h, 0.15)
        found.append((points, f"{situation.failed_logins_24h} failed log-ins within 24 hours"))
    if account and (account.contract_value_cents or 0) >= 100 * desk.escalation.valuable_contract_value:
        found.append((0.10, "valuable account"))
    if account and account.renewal_in_days is not None and 0 <= account.renewal_in_days <= _SOON_DAYS:
        found.append((0.08, f"renewal in {account.renewal_in_days:.0f} days"))
    if account and account.churn_risk is not None and account.churn_risk >= desk.escalation.churn_risk:
        found.append((0.08, f"churn risk {account.churn_risk:.0%}"))
    return found
