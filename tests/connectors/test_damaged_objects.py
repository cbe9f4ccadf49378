"""A vendor's object with any of its values broken becomes rows or one clear error, never a traceback."""

import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.freshdesk import export as freshdesk
from connectors.intercom import export as intercom
from connectors.salesforce import export as salesforce
from connectors.shapes import ShapeError
from connectors.zendesk import export as zendesk
from tests.connectors.vendors import damaged, every_damage, fixture

Record = dict[str, Any]


class Vendor(NamedTuple):
    """Whole objects of a vendor by name, and the functions that unfold one into rows."""

    objects: Mapping[str, Record]
    unfolds: tuple[Callable[[Record], Iterable[Record]], ...]


_FRESHDESK, _SALESFORCE = fixture("freshdesk", "export"), fixture("salesforce", "export")
VENDORS = {
    "zendesk": Vendor(
        fixture("zendesk", "export"),
        (
            lambda record: zendesk.ticket(record, frozenset({"27642"})),
            zendesk.ticket_state,
            zendesk.ticket_events,
            lambda record: zendesk.user(record, "quality"),
            zendesk.user_handles,
            zendesk.article,
        ),
    ),
    "freshdesk": Vendor(
        {
            **{name: _FRESHDESK[name] for name in ("ticket", "listed_ticket")},
            "conversation": _FRESHDESK["ticket"]["conversations"][0],
            **{
                f"activity {n}": one for n, one in enumerate(_FRESHDESK["activities_file"]["activities_data"])
            },
        },
        (
            lambda record: freshdesk.ticket(record, frozenset({"cf_urgency"})),
            freshdesk.ticket_state,
            freshdesk.conversations,
            freshdesk.activity,
        ),
    ),
    "intercom": Vendor(
        fixture("intercom", "export"),
        (
            lambda record: intercom.conversation(record, frozenset({"urgency"})),
            intercom.events,
            intercom.contact,
        ),
    ),
    "salesforce": Vendor(
        {name: one[0] if isinstance(one, list) else one for name, one in _SALESFORCE.items()},
        (
            lambda record: salesforce.case(record, frozenset({"ProductArea__c"})),
            salesforce.case_state,
            salesforce.case_history,
            salesforce.case_comment,
            salesforce.email_message,
            salesforce.anything,
        ),
    ),
}


def becomes_rows_or_a_clear_error(vendor: Vendor, record: Record) -> None:
    for unfold in vendor.unfolds:
        with contextlib.suppress(ShapeError):
            assert all(isinstance(row, dict) for row in unfold(record))


@pytest.mark.parametrize("vendor", VENDORS.values(), ids=list(VENDORS))
def test_every_damage_of_an_object_becomes_rows_or_one_clear_error(vendor: Vendor) -> None:
    for record in every_damage(dict(vendor.objects)):
        becomes_rows_or_a_clear_error(vendor, record)


@pytest.mark.parametrize("vendor", VENDORS.values(), ids=list(VENDORS))
@given(data=st.data())
def test_any_damages_of_an_object_become_rows_or_one_clear_error(vendor: Vendor, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(vendor.objects)))
    becomes_rows_or_a_clear_error(vendor, data.draw(damaged(vendor.objects[name])))
