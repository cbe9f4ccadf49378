"""A decision in Freshdesk's words: an update with codes, a private note, and for automatic solutions a reply.

https://developers.freshdesk.com/api/#update_ticket, #add_note_to_ticket, #reply_ticket. An update replaces
all tags of a ticket, so tags are written only together with those it has. Never sent to a live account.
"""

from collections.abc import Sequence
from typing import Any

from connectors.live.decided import Decided
from connectors.live.write_back import Chosen, Option, Options, VendorCall, WriteBack, html_text

PRIORITIES: Options = {
    level: Option(code=code) for code, level in enumerate(("low", "normal", "high", "urgent"), start=1)
}
RESOLVED = 4
MAX_REPLY_CHARACTERS = 60_000


def tags_path(decided: Decided, config: WriteBack) -> str:
    """Where the tags are read that the ticket has, under ``tags``. Raises ``WriteBackError``."""
    chosen = Chosen("Freshdesk", decided, config)
    path = _path(chosen)
    chosen.refuse_problems()
    return path


def calls(decided: Decided, config: WriteBack, tags_now: Sequence[str] | None = None) -> list[VendorCall]:
    """The requests that write ``decided``. ``tags_now``: the tags that the ticket has already.

    Raises ``WriteBackError`` before there is any request.
    """
    chosen = Chosen("Freshdesk", decided, config)
    path = _path(chosen)
    fields: dict[str, Any] = {"priority": chosen.priority(PRIORITIES), "group_id": chosen.queue()}
    agent, custom, tags = chosen.agent(), chosen.fields(), chosen.tags()
    reply = chosen.reply(MAX_REPLY_CHARACTERS)
    if tags and tags_now is None:
        chosen.problems.append("an update replaces all tags: give those that the ticket has (`tags_now`)")
    chosen.refuse_problems()
    if agent is not None:
        fields["responder_id"] = agent
    if custom:
        fields["custom_fields"] = custom
    if tags and tags_now is not None:
        fields["tags"] = list(dict.fromkeys([*tags_now, *map(str, tags)]))
    author = {} if config.author is None else {"user_id": config.author}
    note = {"body": html_text(decided.note), "private": True, **author}
    made = [
        VendorCall("PUT", path, fields, purpose="set"),
        VendorCall("POST", f"{path}/notes", note, purpose="note"),
    ]
    if reply is not None:
        sent = {"body": html_text(reply.splitlines()), **author}
        made.append(VendorCall("POST", f"{path}/reply", sent, purpose="reply"))
        made.append(VendorCall("PUT", path, {"status": config.solved or RESOLVED}, purpose="solve"))
    return made


def _path(chosen: Chosen) -> str:
    return f"/api/v2/tickets/{chosen.ticket(r'[0-9]+', '123')}"
