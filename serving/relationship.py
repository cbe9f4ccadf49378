"""Telling whoever is in charge of an account: that it is at risk, or that it may want more.

An action of the outbox, once a calendar month for each account and reason, however many tickets say so. It
goes to the queue and agent of the escalation, never to a helpdesk's ticket.
"""

import hashlib

from sqlalchemy import Connection

from serving.decision import Decision, Escalation
from serving.ledger import append_entry
from serving.outbox import Action, put_new

KIND = "account"


def tell_relationship_manager(connection: Connection, decision: Decision) -> bool:
    """Put the account escalation of ``decision`` into outbox and ledger; returns whether it is news."""
    account_id = decision.account.account_id
    found = [call for call in decision.escalations if call.kind == "account"]
    return account_id is not None and any(_told(connection, decision, account_id, call) for call in found)


def _told(connection: Connection, decision: Decision, account_id: str, call: Escalation) -> bool:
    about = "expansion" if call.internal else "risk"
    account = hashlib.sha256(account_id.encode()).hexdigest()[:24]
    action_id = f"{KIND}:{about}:{account}:{decision.at:%Y-%m}"
    payload = {
        "about": about,
        "account_id": account_id,
        "ticket_id": decision.ticket_id,
        "queue": call.queue,
        "agent": call.agent,
        "evidence": call.reason,
    }
    new = put_new(connection, Action(action_id, decision.decision_id, decision.at, KIND, payload))
    if new:
        append_entry(connection, KIND, action_id, payload, decision.at)
    return new
