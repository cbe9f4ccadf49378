"""A decision in Intercom's words: attributes, tags, the team, a note, and for automatic solutions a reply.

https://developers.intercom.com/docs/references/2.15/rest-api/api.intercom.io/conversations:
updateConversation, manageConversation, replyConversation, attachTagToConversation. Its priority flag cannot
be set by the API: show the level in an attribute. Never sent to a live account.
"""

from connectors.live.decided import Decided
from connectors.live.write_back import Chosen, VendorCall, WriteBack, html_text

MAX_REPLY_CHARACTERS = 60_000


def calls(decided: Decided, config: WriteBack) -> list[VendorCall]:
    """The requests that write ``decided``. Raises ``WriteBackError`` before there is any."""
    chosen = Chosen("Intercom", decided, config)
    path = f"/conversations/{chosen.ticket(r'[A-Za-z0-9]+', '64619700005694')}"
    author, team, agent = chosen.author(), chosen.queue(), chosen.agent()
    attributes, tags = chosen.fields(), chosen.tags()
    if config.priorities and "priority" in config.fields:
        attributes[config.fields["priority"]] = chosen.priority({})
    reply = chosen.reply(MAX_REPLY_CHARACTERS)
    chosen.refuse_problems()
    by = {"type": "admin", "admin_id": str(author)}
    made = []
    if attributes:
        shown = {str(name): value for name, value in attributes.items()}
        made.append(VendorCall("PUT", path, {"custom_attributes": shown}, purpose="set"))
    for tag in tags:
        made.append(
            VendorCall("POST", f"{path}/tags", {"id": str(tag), "admin_id": str(author)}, purpose="tag")
        )
    for kind, assignee in (("team", team), ("admin", agent)):
        if assignee is not None:
            body = {**by, "message_type": "assignment", "type": kind, "assignee_id": str(assignee)}
            made.append(VendorCall("POST", f"{path}/parts", body, purpose="assign"))
    note = {**by, "message_type": "note", "body": html_text(decided.note)}
    made.append(VendorCall("POST", f"{path}/reply", note, purpose="note"))
    if reply is not None:
        sent = {**by, "message_type": "comment", "body": html_text(reply.splitlines())}
        made.append(VendorCall("POST", f"{path}/reply", sent, purpose="reply"))
        made.append(VendorCall("POST", f"{path}/parts", {**by, "message_type": "close"}, purpose="solve"))
    return made
