"""A decision in Salesforce's words: one composite request that is carried out whole or not at all.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_composite_post.htm.
Priorities, statuses and owners are every desk's own, so none is assumed. The reply is a published case
comment. The client name in every request lets change data capture tell our writes. Never sent to a live
account.
"""

import json
from typing import Any

from connectors.live.decided import Decided
from connectors.live.write_back import Chosen, Outcome, VendorCall, WriteBack, plain_text
from connectors.live.write_back import outcome as outcome_by_status
from connectors.salesforce.webhook import CLIENT

MAX_COMMENT_BYTES = 4000
API_VERSION = "v62.0"
_NOT_NOW = frozenset({"UNABLE_TO_LOCK_ROW", "REQUEST_LIMIT_EXCEEDED", "SERVER_UNAVAILABLE"})
_NOT_THE_CAUSE = "PROCESSING_HALTED"
"""The error of every part that was rolled back because another one failed."""


def calls(decided: Decided, config: WriteBack) -> list[VendorCall]:
    """The one request that writes ``decided``. Raises ``WriteBackError`` before there is any."""
    chosen = Chosen("Salesforce", decided, config)
    case_id = chosen.ticket(r"500[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?", "500000000000001AAA")
    queue, agent = chosen.queue(), chosen.agent()
    fields: dict[str, Any] = {"Priority": chosen.priority({}), "OwnerId": queue if agent is None else agent}
    fields |= {str(name): value for name, value in chosen.fields().items()}
    if chosen.tags():
        chosen.problems.append("a Case has no tags: show the values in `fields`")
    reply = chosen.reply(MAX_COMMENT_BYTES)
    if reply is not None:
        if len(reply.encode("utf-8")) > MAX_COMMENT_BYTES:
            chosen.problems.append(
                f"the reply has more than {MAX_COMMENT_BYTES:,} bytes, a comment holds no more"
            )
        if config.solved is None:
            chosen.problems.append("which status a solved case has is yours: set `solved`")
    chosen.refuse_problems()
    base = f"/services/data/{config.api_version or API_VERSION}"
    case = f"{base}/sobjects/Case/{case_id}"
    comment = f"{base}/sobjects/CaseComment"
    note = {"ParentId": case_id, "IsPublished": False, "CommentBody": _shortened("\n".join(decided.note))}
    parts = [_part("PATCH", case, "fields", fields), _part("POST", comment, "note", note)]
    if reply is not None:
        sent = {"ParentId": case_id, "IsPublished": True, "CommentBody": reply}
        parts.append(_part("POST", comment, "reply", sent))
        parts.append(_part("PATCH", case, "solve", {"Status": config.solved}))
    body = {"allOrNone": True, "compositeRequest": parts}
    headers = {"Sforce-Call-Options": f"client={CLIENT}"}
    return [VendorCall("POST", f"{base}/composite", body, headers, purpose="all")]


def outcome(status: int, body: bytes) -> Outcome:
    """What an answer means: a composite request that failed as a whole is answered with 200 as well.

    Each part then has its own status and error codes:
    https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/responses_composite.htm
    """
    try:
        content = json.loads(body)
    except ValueError:
        return outcome_by_status(status, body)
    parts = content.get("compositeResponse") if isinstance(content, dict) else None
    parts = [part for part in parts or () if isinstance(part, dict)]
    statuses = [status, *(int(part.get("httpStatusCode") or status) for part in parts)]
    told = [content, *(part.get("body") for part in parts)]
    errors = [one for listed in told if isinstance(listed, list) for one in listed if isinstance(one, dict)]
    codes = {str(error.get("errorCode")) for error in errors} - {_NOT_THE_CAUSE}
    if codes and codes <= _NOT_NOW:
        return "later"
    return outcome_by_status(max(statuses), body)


def _part(method: str, url: str, reference: str, body: dict[str, Any]) -> dict[str, Any]:
    return {"method": method, "url": url, "referenceId": reference, "body": body}


def _shortened(note: str) -> str:
    """The note, cut with a visible mark where it is longer than a comment may be."""
    said = plain_text(note)
    if len(said.encode("utf-8")) <= MAX_COMMENT_BYTES:
        return said
    return said.encode("utf-8")[: MAX_COMMENT_BYTES - len("…".encode())].decode("utf-8", "ignore") + "…"
