"""What each rollout phase allows, whoever asks: which parts a record has, and what may leave the house.

The phase of an intent is the desk's own (``desk.yaml``), never the caller's; a demotion for an exhausted
error budget can only take away. ``docs/policy.md`` shows this table.
"""

from dataclasses import dataclass
from typing import Literal

from policy.desk_schema import AUTOMATED_PHASES, Desk, Phase
from policy.situation import Situation

Action = Literal["human", "assist", "auto_resolve"]
DEMOTED_TO: Phase = "assisted"


@dataclass(frozen=True)
class Rights:
    """What a phase allows."""

    drafts_replies: bool
    """The record may have a suggested reply; an agent decides whether to send it."""
    resolves: bool
    """A ticket that passes every gate may be resolved without a person."""
    acts_unasked: bool
    """Customers who have not written may be told of an issue known to concern them."""


RIGHTS: dict[Phase, Rights] = {
    "intelligence": Rights(drafts_replies=False, resolves=False, acts_unasked=False),
    "assisted": Rights(drafts_replies=True, resolves=False, acts_unasked=False),
    "selective": Rights(drafts_replies=True, resolves=True, acts_unasked=False),
    "proactive": Rights(drafts_replies=True, resolves=True, acts_unasked=True),
}


def phase_in_force(desk: Desk, situation: Situation) -> Phase:
    """The phase of the ticket's intent; an automated one that is demoted is ``DEMOTED_TO``."""
    phase = desk.intent_policy(situation.intent).phase
    return DEMOTED_TO if situation.demoted_because and phase in AUTOMATED_PHASES else phase


def rights_of(desk: Desk, situation: Situation) -> Rights:
    """What may happen with this ticket. An unknown or unlisted intent has the rights of ``intelligence``."""
    return RIGHTS[phase_in_force(desk, situation)]


def allowed_action(rights: Rights, chosen: Action) -> Action:
    """``chosen``, or the most that ``rights`` allow instead."""
    if chosen == "auto_resolve" and not rights.resolves:
        chosen = "assist"
    return "human" if chosen == "assist" and not rights.drafts_replies else chosen
