"""A decision in Zendesk's words: one update with fields and a private note; reply and solution in another.

https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#update-ticket and
https://developer.zendesk.com/api-reference/ticketing/ticket-management/tags/#add-tags (which adds; setting
``tags`` on a ticket would replace what others set). Never sent to a live account.
"""

from typing import Any

from connectors.live.decided import Decided
from connectors.live.write_back import Chosen, Option, Options, VendorCall, WriteBack, html_text

PRIORITIES: Options = {level: Option(code=level) for level in ("low", "normal", "high", "urgent")}
MAX_REPLY_CHARACTERS = 60_000
"""Zendesk keeps 64 KiB of a comment; escaping makes it a little longer."""


def calls(decided: Decided, config: WriteBack) -> list[VendorCall]:
    """The requests that write ``decided``. Raises ``WriteBackError`` before there is any."""
    chosen = Chosen("Zendesk", decided, config)
    ticket_id = chosen.ticket(r"\d+", "123")
    fields = {"priority": chosen.priority(PRIORITIES), "group_id": chosen.queue()}
    agent, custom, tags = chosen.agent(), chosen.fields(), chosen.tags()
    reply = chosen.reply(MAX_REPLY_CHARACTERS)
    chosen.refuse_problems()
    author = {} if config.author is None else {"author_id": config.author}
    origin = {"metadata": {"firstline_decision": decided.decision_id}}
    update: dict[str, Any] = {
        **fields,
        **({} if agent is None else {"assignee_id": agent}),
        **(
            {"custom_fields": [{"id": place, "value": value} for place, value in custom.items()]}
            if custom
            else {}
        ),
        "comment": {"html_body": html_text(decided.note), "public": False, **author},
        **origin,
    }
    path = f"/api/v2/tickets/{ticket_id}.json"
    made = [VendorCall("PUT", path, {"ticket": update}, purpose="set")]
    if tags:
        made.append(
            VendorCall("PUT", f"/api/v2/tickets/{ticket_id}/tags.json", {"tags": tags}, purpose="tag")
        )
    if reply is not None:
        comment = {"html_body": html_text(reply.splitlines()), "public": True, **author}
        solved = {"status": config.solved or "solved", "comment": comment, **origin}
        made.append(VendorCall("PUT", path, {"ticket": solved}, purpose="reply"))
    return made
