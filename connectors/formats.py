"""Raw record formats: how one record of a format becomes flat raw rows that a mapping file can name.

``unfold_of`` is the one registry. A format named after a vendor reads that vendor's own objects, one JSON
object a line; a live payload becomes records of the same formats, so both take the same path.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from connectors.freshdesk import export as freshdesk
from connectors.intercom import export as intercom
from connectors.mapping.file import RawFile
from connectors.salesforce import export as salesforce
from connectors.shapes import Record, ShapeError, parts
from connectors.zendesk import export as zendesk

__all__ = ["Record", "ShapeError", "Unfold", "unfold_of"]

Unfold = Callable[[Record], Iterable[Record]]
"""One record -> raw rows, possibly none. Raises ``ShapeError`` for a record that is not of its kind."""


def unfold_of(spec: RawFile) -> Unfold:
    """How records of the file's format become raw rows; a format no vendor owns passes unchanged.

    A vendor's record may also be a whole page of its API (``{"tickets": [...], "after_cursor": ...}``).
    """
    customer_fields = frozenset(spec.customer_fields)
    unfolds: dict[str, tuple[str, Unfold]] = {
        "zendesk_tickets": ("tickets", partial(zendesk.ticket, customer_fields=customer_fields)),
        "zendesk_ticket_state": ("tickets", zendesk.ticket_state),
        "zendesk_ticket_events": ("ticket_events", zendesk.ticket_events),
        "zendesk_users": ("users", partial(zendesk.user, reviewer_tag=spec.reviewer_tag)),
        "zendesk_user_handles": ("users", zendesk.user_handles),
        "zendesk_articles": ("articles", zendesk.article),
        "freshdesk_tickets": ("results", partial(freshdesk.ticket, customer_fields=customer_fields)),
        "freshdesk_ticket_state": ("results", freshdesk.ticket_state),
        "freshdesk_conversations": ("results", freshdesk.conversations),
        "freshdesk_activities": ("activities_data", freshdesk.activity),
        "intercom_conversations": (
            "conversations",
            partial(intercom.conversation, customer_fields=customer_fields),
        ),
        "intercom_conversation_events": ("conversations", intercom.events),
        "intercom_contacts": ("data", intercom.contact),
        "salesforce_cases": ("records", partial(salesforce.case, customer_fields=customer_fields)),
        "salesforce_case_state": ("records", salesforce.case_state),
        "salesforce_case_history": ("records", salesforce.case_history),
        "salesforce_case_comments": ("records", salesforce.case_comment),
        "salesforce_email_messages": ("records", salesforce.email_message),
        "salesforce_accounts": ("records", salesforce.anything),
        "salesforce_contacts": ("records", salesforce.anything),
    }
    if spec.format not in unfolds:
        return _unchanged
    listed_under, unfold = unfolds[spec.format]
    return partial(_each, listed_under=listed_under, unfold=unfold)


def _unchanged(record: Record) -> Iterable[Record]:
    return (record,)


def _each(record: Record, listed_under: str, unfold: Unfold) -> Iterator[Record]:
    """The rows of the record, or of all records of a page. One bad record costs its page."""
    if isinstance(record.get(listed_under), list) and "id" not in record:
        for one in parts(record, "page", listed_under):
            yield from unfold(one)
    else:
        yield from unfold(record)
