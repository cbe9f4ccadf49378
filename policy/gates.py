"""May the desk act by itself? Every gate must hold, each has a name, what was found and what is required.

Gates rest on evidence outside the text: calibrated probability, proven precision, the account's events, the
rollout phase. What the text says can only close a gate, never open one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from policy.desk_schema import AUTOMATED_PHASES, LEAST_AUTOMATION_PROBABILITY, Desk
from policy.escalation import EscalationCall, is_surge
from policy.phases import RIGHTS, Action, allowed_action, phase_in_force, rights_of
from policy.phrases import normalised_words
from policy.plain_text import oddities
from policy.regulatory import legal_call
from policy.situation import Situation

PERSON_FIRST = frozenset(
    {"customer_calm", "no_failed_attempts", "nothing_sensitive", "no_incident", "no_human_request"}
)
"""Gates whose failure means that a person starts from the ticket itself and not from a drafted answer."""


@dataclass(frozen=True)
class GateCall:
    """One gate: whether it holds, what was found, what is required; the last two in words."""

    name: str
    passed: bool
    value: str
    required: str


def gates(desk: Desk, situation: Situation, escalations: Sequence[EscalationCall]) -> list[GateCall]:
    """Every gate between this ticket and automatic resolution, in a fixed order."""
    return [
        _confidence(desk, situation),
        _in_scope(desk, situation),
        _proven_precision(situation),
        _proven_path(desk, situation),
        _action_reversible(desk, situation),
        _rollout_phase(desk, situation),
        _customer_calm(desk, situation),
        _customer_clear(situation),
        _no_failed_attempts(desk, situation),
        _nothing_sensitive(desk, situation, escalations),
        _no_renewal_at_stake(desk, situation),
        _no_incident(desk, situation, escalations),
        _no_human_request(desk, situation),
        _known_language(desk, situation),
        _plain_text(desk, situation),
    ]


def action(desk: Desk, situation: Situation, gates: Sequence[GateCall]) -> Action:
    """What happens: resolved only if every gate holds; else a person, with a draft where that helps.

    A draft (``assist``) needs an intent that is listed, sure enough and past the intelligence phase, and none
    of the circumstances in which a person should start from the ticket itself (``PERSON_FIRST``).
    """
    rights = rights_of(desk, situation)
    failed = {gate.name for gate in gates if not gate.passed}
    if gates and not failed:
        return allowed_action(rights, "auto_resolve")
    known = situation.intent in desk.intents and not situation.out_of_scope
    sure = situation.intent_probability >= desk.automation.assist_probability
    drafted = known and sure and not failed & PERSON_FIRST
    return allowed_action(rights, "assist" if drafted else "human")


def required_probability(desk: Desk, situation: Situation) -> float | None:
    """The probability from which this intent may be automated; ``None`` where no threshold was proven."""
    if situation.automation_threshold is None:
        return None
    return max(LEAST_AUTOMATION_PROBABILITY, desk.automation.min_probability, situation.automation_threshold)


def _confidence(desk: Desk, situation: Situation) -> GateCall:
    least, value = required_probability(desk, situation), situation.intent_probability
    if least is None:
        return GateCall("confidence", False, f"{value:.4f}", "a proven threshold, and there is none")
    return GateCall("confidence", value >= least, f"{value:.4f}", f"at least {least:.4f}")


def _in_scope(desk: Desk, situation: Situation) -> GateCall:
    listed = situation.intent is not None and situation.intent in desk.intents
    value = "out of scope" if situation.out_of_scope else (situation.intent or "no intent")
    return GateCall("in_scope", listed and not situation.out_of_scope, value, "an intent listed in desk.yaml")


def _proven_precision(situation: Situation) -> GateCall:
    proven = situation.automation_threshold is not None and bool(situation.automation_evidence.strip())
    value = situation.automation_evidence.strip() or "no evidence"
    return GateCall("proven_precision", proven, value, "evidence that the precision is at least 95 %")


def _proven_path(desk: Desk, situation: Situation) -> GateCall:
    least, path, bound = desk.automation.min_path_success, situation.path, situation.path_success
    required = f"confirmed or verified in surely more than {least:.0%} of the tickets of known outcome"
    if path is None or bound is None:
        return GateCall("proven_path", False, "no outcomes known", required)
    value = f"at least {bound:.1%}: {path.in_words()}"
    return GateCall("proven_path", path.successes > 0 and bound > least, value, required)


def _action_reversible(desk: Desk, situation: Situation) -> GateCall:
    name, defined = desk.intent_policy(situation.intent).action, desk.action_for(situation.intent)
    value = "no action" if defined is None else f"{name}, undone by: {defined.undo}"
    passed = defined is not None and defined.reversible
    return GateCall("action_reversible", passed, value, "a defined action that can be undone")


def _rollout_phase(desk: Desk, situation: Situation) -> GateCall:
    phase = phase_in_force(desk, situation)
    value = f"{phase}: {situation.demoted_because}" if situation.demoted_because else phase
    return GateCall("rollout_phase", RIGHTS[phase].resolves, value, " or ".join(AUTOMATED_PHASES))


def _customer_calm(desk: Desk, situation: Situation) -> GateCall:
    limit = desk.automation.max_frustration
    calm = situation.sentiment != "frustrated" and situation.frustration <= limit
    value = f"{situation.sentiment}, frustration {situation.frustration:.2f}"
    if situation.frustration_signals:
        value += f" ({', '.join(situation.frustration_signals)})"
    return GateCall("customer_calm", calm, value, f"not frustrated, at most {limit:.2f}")


def _customer_clear(situation: Situation) -> GateCall:
    return GateCall("customer_clear", situation.sentiment != "confused", situation.sentiment, "not confused")


def _no_failed_attempts(desk: Desk, situation: Situation) -> GateCall:
    rules = desk.automation
    few_failures = situation.failed_logins_24h <= rules.max_failed_logins_24h
    few_repeats = situation.repeats_30d <= rules.max_repeats_30d
    return GateCall(
        "no_failed_attempts",
        few_failures and few_repeats,
        f"{situation.failed_logins_24h} failed log-ins in 24 hours, "
        f"{situation.repeats_30d} earlier reports in 30 days",
        f"at most {rules.max_failed_logins_24h} failed log-ins and {rules.max_repeats_30d} earlier reports",
    )


def _nothing_sensitive(desk: Desk, situation: Situation, escalations: Sequence[EscalationCall]) -> GateCall:
    sensitive = [c for c in escalations if c.kind in ("regulatory", "account") and not c.internal]
    said = [f"{call.kind}: {call.reason}" for call in sensitive]
    if not any(call.kind == "regulatory" for call in sensitive):
        doubt = legal_call(desk, situation)
        said += [f"unsure: {doubt.reason}"] if doubt is not None else []
    value = "; ".join(said) or "nothing"
    return GateCall(
        "nothing_sensitive", not said, value, "no legal weight, not even perhaps, and no account at risk"
    )


def _no_renewal_at_stake(desk: Desk, situation: Situation) -> GateCall:
    account, days = situation.account, desk.automation.hands_on_renewal_days
    contract = (account.contract_value_cents or 0) / 100 if account else 0.0
    renewal = account.renewal_in_days if account else None
    large = contract >= desk.escalation.valuable_contract_value
    near = renewal is not None and renewal <= days
    when = "renewal date unknown" if renewal is None else f"renewal in {renewal:.0f} days"
    return GateCall(
        "no_renewal_at_stake",
        not (large and near),
        f"contract of {contract:,.0f} a year, {when}" if contract else "contract value unknown",
        f"no contract of {desk.escalation.valuable_contract_value:,.0f} renewing within {days:.0f} days",
    )


def _no_incident(desk: Desk, situation: Situation, escalations: Sequence[EscalationCall]) -> GateCall:
    incident = is_surge(desk, situation.surge) or any(call.kind == "crisis" for call in escalations)
    value = f"{situation.surge.accounts_24h} accounts reported it within 24 hours"
    return GateCall("no_incident", not incident, value, "no open incident on the issue")


def _no_human_request(desk: Desk, situation: Situation) -> GateCall:
    found = desk.phrases.human_request.found_in(_words(situation))
    value = "not asked for" if found is None else f'"{found}"'
    return GateCall("no_human_request", found is None, value, "the customer did not ask for a person")


def _known_language(desk: Desk, situation: Situation) -> GateCall:
    rules = desk.automation
    replied = situation.language in desk.replies.get(situation.intent or "", {})
    sure = situation.language_confidence >= rules.min_language_confidence
    return GateCall(
        "known_language",
        situation.language in rules.languages and replied and sure,
        f"{situation.language} ({situation.language_confidence:.2f})"
        + ("" if replied else ", no reply written"),
        f"{', '.join(rules.languages)}, at least {rules.min_language_confidence:.2f}, with a written reply",
    )


def _plain_text(desk: Desk, situation: Situation) -> GateCall:
    text = f"{situation.subject}\n\n{situation.body}"
    found = oddities(text, desk.phrases.instructions, desk.automation.max_words)
    empty = not any(character.isalpha() for character in text)
    value = "no words" if empty else ("; ".join(found) or "a plain request")
    return GateCall(
        "plain_text", not (found or empty), value, "a short request with nothing hidden or quoted"
    )


def _words(situation: Situation) -> str:
    return normalised_words(f"{situation.subject}\n\n{situation.body}")
