"""Salesforce's change data capture, as the records its query API would answer with.

Salesforce pushes no webhooks: a subscriber (Pub/Sub API, CometD, an event relay) passes each change event
on as JSON and signs it as ``verify`` says. An event has the fields of the object, all at creation and only
the changed ones later. Our own writes are told by the client name in ``changeOrigin`` and passed over.
Shapes follow
https://developer.salesforce.com/docs/atlas.en-us.change_data_capture.meta/change_data_capture/cdc_message_structure.htm;
examples of both forms of times were recorded by others (github.com/pozil/pub-sub-api-node-client,
TriggerMesh).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.live.payload import Payload, check_signed, check_time, header, json_object
from connectors.shapes import Record, ShapeError, part, require, texts

SIGNATURE = "X-Firstline-Signature"
TIMESTAMP = "X-Firstline-Timestamp"
CLIENT = "Firstline"
"""The client name that ``write_back`` puts into every request."""

_CREATED = {
    "Case": "salesforce_cases",
    "CaseComment": "salesforce_case_comments",
    "EmailMessage": "salesforce_email_messages",
    "Account": "salesforce_accounts",
    "Contact": "salesforce_contacts",
}
_NOT_A_CHANGE = ("LastModifiedDate", "LastModifiedById", "SystemModstamp", "IsClosed", "ClosedDate")


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Raise ``Refusal`` unless the subscriber signed this body a moment before ``now``.

    ``X-Firstline-Signature``: base64(HMAC-SHA256(secret, X-Firstline-Timestamp + body)), the time in ISO
    form.
    """
    timestamp, signature = header(headers, TIMESTAMP), header(headers, SIGNATURE)
    check_signed(secret, timestamp.encode("utf-8", "backslashreplace") + body, signature, SIGNATURE)
    check_time(timestamp, now, TIMESTAMP)


def parse(body: bytes, received_at: datetime | None = None) -> Payload:
    """The records that one change event tells of. Every time is that of the commit.

    Raises ``ShapeError`` for a body of another shape.
    """
    content = json_object(body, "Salesforce")
    kind = "Salesforce change event"
    payload = part(content, kind, "payload") or content
    told = {name.lower(): value for name, value in part(payload, kind, "ChangeEventHeader").items()}
    require(told, kind, "entityname", "changetype", "transactionkey", "committimestamp")
    entity, change = str(told["entityname"]), str(told["changetype"]).upper()
    delivery_id = f"{told['transactionkey']}.{told.get('sequencenumber')}.{entity}"
    ids, committed_at = texts(told, kind, "recordids"), _time(told["committimestamp"])
    if _client(told.get("changeorigin")) == CLIENT:
        return Payload(delivery_id, ignored="our own write")
    if entity not in _CREATED:
        return Payload(delivery_id, ignored=f"{entity} is of no use here")
    if change == "CREATE":
        fields = {name: _value(name, value) for name, value in payload.items() if name != "ChangeEventHeader"}
        fields = {"CreatedDate": committed_at, "SystemModstamp": committed_at, **fields}
        return Payload(delivery_id, {_CREATED[entity]: [{**fields, "Id": one} for one in ids]})
    if entity == "Case" and change == "DELETE":
        gone = [{"Id": one, "IsDeleted": True, "SystemModstamp": committed_at} for one in ids]
        return Payload(delivery_id, {"salesforce_cases": gone})
    if entity == "Case" and change == "UPDATE":
        changes = _changes(payload, texts(told, kind, "changedfields"))
        by = {"CreatedById": told.get("commituser"), "CreatedDate": committed_at}
        history = [
            {"Id": f"{delivery_id}.{one}.{name}", "CaseId": one, **by, "Field": name, "NewValue": value}
            for one in ids
            for name, value in changes.items()
        ]
        if history:
            return Payload(delivery_id, {"salesforce_case_history": history})
        return Payload(delivery_id, ignored="no field changed that is of use here")
    return Payload(delivery_id, ignored=f"{change} of {entity} does not say what it is now: pull it")


def _changes(payload: Record, changed: list[str]) -> dict[str, Any]:
    """Changed field -> new value. ``ClosedDate`` shows closing and reopening by whatever name."""
    found = {name: _value(name, payload.get(name)) for name in changed if name not in _NOT_A_CHANGE}
    if "ClosedDate" in changed:
        status = found.pop("Status", None)
        found["case.reopened" if payload.get("ClosedDate") is None else "case.closed"] = status
    return {name: value for name, value in found.items() if not isinstance(value, dict | list)}


def _client(origin: Any) -> str | None:
    """``com/salesforce/api/rest/62.0;client=Astro`` -> ``Astro``; some APIs put a slash after it."""
    _, found, client = str(origin).partition("client=")
    return client.strip().rstrip("/") if found else None


def _value(name: str, value: Any) -> Any:
    """Times as ISO text (Avro has milliseconds), a compound name as one text."""
    if isinstance(value, int) and not isinstance(value, bool) and name.endswith(("Date", "Modstamp")):
        return _time(value)
    if name == "Name" and isinstance(value, dict):
        words = (value.get(one) for one in ("Salutation", "FirstName", "LastName"))
        return " ".join(word for word in words if isinstance(word, str))
    return value


def _time(milliseconds: Any) -> str:
    try:
        return datetime.fromtimestamp(int(milliseconds) / 1000, tz=UTC).isoformat()
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise ShapeError("Salesforce change event: a time is not in milliseconds") from error
