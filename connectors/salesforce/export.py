"""Salesforce's objects as its query API answers with them, unfolded into rows that a mapping file can name.

A Case is shown *as it is now*; ``case`` passes on a closed list of fields fixed at creation. What was
changed, when and by whom is in CaseHistory for the fields that an administrator has tracked; ``case_state``
tells what the case shows now, known at its last change, for fields that are not. Columns keep Salesforce's
names. Shapes follow
https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_case.htm
and its neighbours, not a recording of a live account. CSV exports of the same objects need no unfolding:
see ``connectors/mappings/salesforce_csv.yaml``.
"""

import re
from collections.abc import Iterator
from typing import Any

from connectors.shapes import Record, check_text, require

_FIXED_AT_CREATION = (
    "Id",
    "CaseNumber",
    "AccountId",
    "ContactId",
    "Subject",
    "Description",
    "Origin",
    "SuppliedEmail",
    "SuppliedName",
    "SuppliedPhone",
    "SuppliedCompany",
    "CreatedDate",
    "CreatedById",
)
_STATE_FIELDS = ("Priority", "Type", "Reason", "OwnerId")
_OWNER_FIELDS = ("Owner", "OwnerId", "ownerAssignment", "ownerAccepted", "ownerEscalated")
_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?", re.ASCII)
_OWNER_KINDS = {"00G": "owner.queue", "005": "owner.user"}
"""The first three characters of an id say what it names: queues are groups."""
_DRAFT = "5"


def case(record: Record, customer_fields: frozenset[str]) -> Iterator[Record]:
    """One row: the case as it was created, with those custom fields that customers fill in, and ``deleted``.

    ``deleted_at`` is the last change of a case that was deleted.
    """
    is_deleted = is_true(record.get("IsDeleted"))
    require(record, "Salesforce Case", *(("Id",) if is_deleted else ("Id", "CreatedDate")))
    check_text(record, "Salesforce Case", *_FIXED_AT_CREATION)
    kept = (*_FIXED_AT_CREATION, *sorted(customer_fields))
    yield {
        **{name: record.get(name) for name in kept},
        "deleted": is_deleted,
        "deleted_at": record.get("SystemModstamp") if is_deleted else None,
    }


def case_state(record: Record) -> Iterator[Record]:
    """One row a field of the case as it was last seen: ``event_id, CaseId, seen_at, field, value``.

    For fields without a history. ``field`` as in ``case_history``, or ``case.closed`` with its own time.
    """
    require(record, "Salesforce Case", "Id", "SystemModstamp")
    changed_at = record["SystemModstamp"]
    custom = [name for name in record if name.endswith("__c")]
    seen = [(name, record.get(name), changed_at) for name in (*_STATE_FIELDS, *custom)]
    if is_true(record.get("IsClosed")):
        seen.append(("case.closed", record.get("Status"), record.get("ClosedDate") or changed_at))
    for name, value, seen_at in seen:
        if value not in (None, "", False) and not isinstance(value, dict | list):
            yield {
                "event_id": f"{record['Id']}.{name}@{seen_at}",
                "CaseId": record["Id"],
                "seen_at": seen_at,
                "field": _field(name, value),
                "value": value,
            }


def case_history(record: Record) -> Iterator[Record]:
    """One row: the change, with ``field``: that of Salesforce, or ``owner.queue``, ``owner.user``,
    ``owner.name``.

    A change of owner is recorded twice, with names and with ids; only ids tell queues from users.
    """
    require(record, "Salesforce CaseHistory", "Id", "CaseId", "CreatedDate", "Field")
    yield {**_plain(record), "field": _field(record["Field"], record.get("NewValue"))}


def case_comment(record: Record) -> Iterator[Record]:
    """One row: the comment, with ``field``: ``reply`` if customers see it, else ``note``."""
    require(record, "Salesforce CaseComment", "Id", "ParentId", "CreatedDate")
    check_text(record, "Salesforce CaseComment", "CommentBody")
    yield {**_plain(record), "field": "reply" if is_true(record.get("IsPublished")) else "note"}


def email_message(record: Record) -> Iterator[Record]:
    """One row: the e-mail, with ``field``: ``email.in``, ``email.out`` or ``email.draft``."""
    require(record, "Salesforce EmailMessage", "Id", "CreatedDate")
    check_text(record, "Salesforce EmailMessage", "TextBody", "HtmlBody")
    sent = "email.draft" if str(record.get("Status")) == _DRAFT else "email.out"
    yield {**_plain(record), "field": "email.in" if is_true(record.get("Incoming")) else sent}


def anything(record: Record) -> Iterator[Record]:
    """One row: the object without what the API says about the answer itself."""
    require(record, "Salesforce object", "Id")
    yield _plain(record)


def is_true(value: Any) -> bool:
    """Whether a flag is set, as JSON and as exports write it."""
    return value is True or (isinstance(value, str) and value.strip().lower() in ("true", "1"))


def _plain(record: Record) -> Record:
    return {name: value for name, value in record.items() if name != "attributes"}


def _field(name: Any, value: Any) -> str:
    if name not in _OWNER_FIELDS:
        return str(name)
    is_id = isinstance(value, str) and _ID.fullmatch(value) is not None
    return _OWNER_KINDS.get(value[:3], "owner.other") if is_id else "owner.name"
