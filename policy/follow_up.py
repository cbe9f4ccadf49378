"""Looking back: ask whether it worked, check in, and see in the product whether it really did."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from policy.desk_schema import Desk
from policy.gates import Action
from policy.situation import Situation


@dataclass(frozen=True)
class FollowUpCall:
    """One thing to do later; ``due_at`` is aware."""

    kind: Literal["confirmation", "check_in", "usage_check"]
    due_at: datetime
    reason: str


def follow_ups(desk: Desk, situation: Situation, action: Action) -> list[FollowUpCall]:
    """What to do after deciding ``action`` at ``situation.as_of``, in order of time."""
    rules = {
        "human": desk.follow_ups.human,
        "assist": desk.follow_ups.assist,
        "auto_resolve": desk.follow_ups.auto_resolve,
    }[action]
    name, defined = desk.intent_policy(situation.intent).action, desk.action_for(situation.intent)
    if action == "auto_resolve" and name in desk.follow_ups.by_action:
        rules = desk.follow_ups.by_action[name]
    now = situation.as_of
    asked = "ask whether it worked" if action == "auto_resolve" else "confirm that the ticket has arrived"
    check_in = now + timedelta(hours=rules.check_in_hours)
    calls = [
        FollowUpCall("confirmation", now, asked),
        FollowUpCall("check_in", check_in, f"no word from the customer after {rules.check_in_hours:g} hours"),
    ]
    if rules.usage_check_days is not None:
        sign = (
            f"'{defined.proven_by}' in use"
            if defined and defined.proven_by
            else "use of the product back to normal"
        )
        usage_check = now + timedelta(days=rules.usage_check_days)
        calls.append(FollowUpCall("usage_check", usage_check, f"expected: {sign}"))
    return sorted(calls, key=lambda call: call.due_at)
