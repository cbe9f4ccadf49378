"""Intercom's webhooks, as the conversations its API would answer with.

A notification carries the conversation with the part that is new. Up to API version 2.14 texts are HTML as
in the API; from 2.15 on they are plain text and are brought back to HTML here. The older form
(``conversation_message``, ``user``, ``assignee``) is read too. Shapes follow
https://developers.intercom.com/docs/references/webhooks/webhook-models; the older form also what Zulip's
integration recorded (https://github.com/zulip/zulip/tree/main/zerver/webhooks/intercom/fixtures). No live
account of ours was used.
"""

import hashlib
import hmac
import html
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.live.payload import Payload, check_equal, header, json_object, required_secret
from connectors.shapes import Record, part, parts, require

_SIGNATURE = "X-Hub-Signature"
_HTML_UNTIL = (2, 14)
_CONTACT_TOPICS = (
    "contact.created",
    "contact.updated",
    "contact.user.",
    "contact.lead.",
    "contact.signed_up",
)


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Raise ``Refusal`` unless Intercom signed this body with the app's client secret.

    ``sha1=`` and the hex HMAC-SHA1 of the body; no time is signed, so ``now`` does not count and a replay is
    told by its ``delivery_id``: https://developers.intercom.com/docs/webhooks/webhook-notifications
    """
    digest = hmac.new(required_secret(secret), body, hashlib.sha1).hexdigest()
    check_equal(f"sha1={digest}".encode(), header(headers, _SIGNATURE), _SIGNATURE)


def parse(body: bytes, received_at: datetime | None = None, api_version: str = "2.15") -> Payload:
    """The conversation or contact that ``body`` tells of. ``api_version``: that of the app's webhooks.

    Every time is the vendor's own. Raises ``ShapeError`` for a body of another shape.
    """
    content = json_object(body, "Intercom")
    require(content, "Intercom notification", "id", "topic")
    delivery_id, topic = str(content["id"]), str(content["topic"])
    item = part(part(content, "Intercom notification", "data"), "Intercom notification", "item")
    if topic == "conversation.deleted":
        require(item, "Intercom conversation", "id")
        deleted = {"id": item["id"], "deleted": True, "deleted_at": content.get("created_at")}
        return Payload(delivery_id, {"intercom_conversations": [deleted]})
    if topic.startswith("conversation"):
        is_plain = _version(api_version) > _HTML_UNTIL
        told = _conversation(item, is_plain)
        records = {"intercom_conversations": [told], "intercom_conversation_events": [told]}
        return Payload(delivery_id, records)
    if topic.startswith(_CONTACT_TOPICS) and item.get("id") is not None:
        return Payload(delivery_id, {"intercom_contacts": [item]})
    return Payload(delivery_id, ignored=f"{topic} tells nothing of a conversation")


def _version(api_version: str) -> tuple[int, ...]:
    numbers = api_version.split(".")
    return tuple(map(int, numbers)) if all(one.isdecimal() for one in numbers) else (99,)


def _conversation(item: Record, is_plain: bool) -> Record:
    kind = "Intercom conversation"
    require(item, kind, "id", "created_at")
    told = _in_todays_form(item)
    if not is_plain:
        return told
    source = part(told, kind, "source")
    listed = part(told, kind, "conversation_parts")
    return {
        **told,
        "source": {
            **source,
            "subject": _as_html(source.get("subject")),
            "body": _as_html(source.get("body")),
        },
        "conversation_parts": {
            **listed,
            "conversation_parts": [
                {**one, "body": _as_html(one.get("body"))}
                for one in parts(listed, kind, "conversation_parts")
            ],
        },
    }


def _in_todays_form(item: Record) -> Record:
    """The form before API version 2.0 called the source ``conversation_message`` and had one ``user``."""
    if "source" in item or "conversation_message" not in item:
        return item
    kind = "Intercom conversation"
    message = part(item, kind, "conversation_message")
    user = part(item, kind, "user")
    contacts = [{"type": "contact", "id": user["id"]}] if user.get("id") is not None else []
    return {
        **item,
        "source": {**message, "type": "conversation"},
        "contacts": {"type": "contact.list", "contacts": contacts},
    }


def _as_html(text: Any) -> Any:
    return html.escape(text).replace("\n", "<br>") if isinstance(text, str) else text
