"""Raw record formats: how one record of a format becomes flat raw rows that a mapping file can name.

``unfold_of`` is the one registry. A format named after a vendor reads that vendor's own objects, one JSON
object a line; a live payload becomes records of the same formats, so both take the same path.
"""

from collections.abc import Callable, Iterable
from functools import partial

from connectors.mapping import RawFile
from connectors.shapes import Record, ShapeError
from connectors.zendesk import export as zendesk

__all__ = ["Record", "ShapeError", "Unfold", "unfold_of"]

Unfold = Callable[[Record], Iterable[Record]]
"""One record -> raw rows, possibly none. Raises ``ShapeError`` for a record that is not of its kind."""


def unfold_of(spec: RawFile) -> Unfold:
    """How records of the file's format become raw rows; a format no vendor owns passes unchanged."""
    customer_fields = frozenset(map(str, spec.customer_fields))
    unfolds: dict[str, Unfold] = {
        "zendesk_tickets": partial(zendesk.ticket, customer_fields=customer_fields),
        "zendesk_ticket_events": zendesk.ticket_events,
        "zendesk_users": partial(zendesk.user, reviewer_tag=spec.reviewer_tag),
        "zendesk_articles": zendesk.article,
    }
    return unfolds.get(spec.format, _unchanged)


def _unchanged(record: Record) -> Iterable[Record]:
    return (record,)
