"""What was filed together with a ticket: in the request's ``opening``, or in events pushed with it."""

from features.rows import Rows
from serving.requests import Opening

_COLUMNS = ("event_id", "ticket_id", "kind", "actor_kind", "actor_id", "value", "text", "known_at")
_LAST = "~opening"
"""An event id behind all others of the same moment: what the request itself says counts."""


def filed_with(ticket: Rows, opening: Opening | None, pushed: Rows) -> Rows:
    """Events that came with the one ``ticket``: those ``pushed``, and one for each field of ``opening``."""
    told = list(zip(*(pushed.values(name) for name in _COLUMNS), strict=True)) if len(pushed) else []
    if opening is not None:
        moment, ticket_id = int(ticket.times("known_at")[0]), ticket.values("ticket_id")[0]
        actor = "customer" if opening.agent_id is None else "agent"
        kinds = {"intent_set": opening.intent, "queue_set": opening.queue, "priority_set": opening.priority}
        said: list[tuple[str, str | None, str | None]] = [
            (kind, value, None) for kind, value in kinds.items() if value is not None
        ]
        said += [("note", None, opening.note)] if opening.note is not None or opening.agent_id else []
        told += [
            (_LAST, ticket_id, kind, actor, opening.agent_id, value, text, moment)
            for kind, value, text in said
        ]
    return Rows({name: [row[place] for row in told] for place, name in enumerate(_COLUMNS)}, len(told))
