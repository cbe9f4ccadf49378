"""What holds for every vendor's write-back: refused by name before anything is sent, nothing unescaped."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.freshdesk.write_back import calls as freshdesk
from connectors.intercom.write_back import calls as intercom
from connectors.live.decided import Decided
from connectors.live.write_back import VendorCall, WriteBack, WriteBackError, html_text
from connectors.salesforce.write_back import calls as salesforce
from connectors.zendesk.write_back import calls as zendesk
from tests.connectors.write_backs import config, decision

Calls = Callable[[Decided, WriteBack], list[VendorCall]]
SALESFORCE: dict[str, Any] = {"priorities": {"high": "High"}, "solved": "Closed"}
VENDORS: dict[str, tuple[Calls, dict[str, Any], dict[str, Any]]] = {
    "zendesk": (zendesk, {}, {}),
    "freshdesk": (freshdesk, {}, {}),
    "intercom": (intercom, {}, {}),
    "salesforce": (salesforce, {"ticket_id": "500000000000001AAA"}, SALESFORCE),
}
every_vendor = pytest.mark.parametrize("vendor", VENDORS)


def called(
    vendor: str, action: Any = "assist", settings: dict[str, Any] | None = None, **changes: Any
) -> str:
    """The requests as one text of JSON."""
    calls, decided, known = VENDORS[vendor]
    made = calls(decision(action, **(decided | changes)), config(**(known | (settings or {}))))
    return json.dumps([[call.method, call.path, call.body] for call in made])


@every_vendor
@pytest.mark.parametrize(
    ("hazard", "changes", "settings", "says"),
    [
        (
            "unknown queue",
            {"queue": "sales"},
            {},
            r"queue 'sales' has no value there \(known: access, billing\)",
        ),
        ("disabled queue", {"queue": "access"}, {}, r"queue 'access' is disabled there \(360002\)"),
        ("unknown agent", {"agent": "bob"}, {}, "agent 'bob' has no value"),
        ("disabled agent", {"agent": "gone"}, {}, "agent 'gone' is disabled"),
        (
            "unknown intent",
            {},
            {"fields": {"intent": 7}, "intents": {"other": "o"}},
            "intent 'refund_request' has no",
        ),
        (
            "disabled intent",
            {},
            {"fields": {"intent": 7}, "intents": {"refund_request": {"code": "r", "enabled": False}}},
            "intent 'refund_request' is disabled",
        ),
        ("somebody else's ticket", {"ticket_id": "1/../../users/1"}, {}, "has no id of the form"),
        ("empty ticket", {"ticket_id": ""}, {}, "has no id of the form"),
        ("ticket id of other digits", {"ticket_id": "٣"}, {}, "has no id of the form"),
    ],
    ids=lambda value: value if isinstance(value, str) and "'" not in value else "",
)
def test_values_that_do_not_exist_or_are_disabled_are_refused_by_name(
    vendor: str, hazard: str, changes: dict[str, Any], settings: dict[str, Any], says: str
) -> None:
    with pytest.raises(WriteBackError, match=says) as refused:
        called(vendor, settings=settings, **changes)
    assert "decision d-1" in str(refused.value)


@every_vendor
def test_every_problem_is_told_at_once(vendor: str) -> None:
    with pytest.raises(WriteBackError, match=r"queue 'sales'.*agent 'bob'"):
        called(vendor, queue="sales", agent="bob")


SHOWN_TO_THE_CUSTOMER = {
    "zendesk": {("public", True), ("status", "solved")},
    "freshdesk": {("path", "/api/v2/tickets/35436/reply"), ("status", 4)},
    "intercom": {("message_type", "comment"), ("message_type", "close")},
    "salesforce": {("IsPublished", True), ("Status", "Closed")},
}
"""Per vendor: what in a request the customer gets to see, a reply and a solved ticket."""


def settings_in(value: Any) -> set[tuple[str, Any]]:
    """Every key with its plain value, at any depth."""
    if isinstance(value, list):
        return set().union(*map(settings_in, value))
    if not isinstance(value, dict):
        return set()
    plain = {(key, one) for key, one in value.items() if not isinstance(one, dict | list)}
    return plain.union(*map(settings_in, value.values()))


@every_vendor
@pytest.mark.parametrize(
    ("action", "is_shown"), [("human", False), ("assist", False), ("auto_resolve", True)]
)
def test_the_customer_sees_something_only_if_the_decision_resolves(
    vendor: str, action: Any, is_shown: bool
) -> None:
    calls, decided, known = VENDORS[vendor]
    made = calls(decision(action, **decided), config(**known))
    said = settings_in([{"path": call.path, **call.body} for call in made])
    assert said & SHOWN_TO_THE_CUSTOMER[vendor] == (SHOWN_TO_THE_CUSTOMER[vendor] if is_shown else set())


@every_vendor
def test_resolving_replies_before_it_solves_and_a_reply_is_needed(vendor: str) -> None:
    made = called(vendor, "auto_resolve")
    assert made.index("Firstline: answered and solved") < made.index("refund is on its way")
    for empty in (None, "", " \n\x00"):
        with pytest.raises(WriteBackError, match="holds no reply"):
            called(vendor, "auto_resolve", reply=empty)
    with pytest.raises(WriteBackError, match="the reply has"):
        called(vendor, "auto_resolve", reply="x" * 100_000)


@every_vendor
def test_what_a_customer_wrote_is_escaped_where_the_vendor_shows_html(vendor: str) -> None:
    made = called(vendor, "auto_resolve", reply="Dear {{user.email}}, <b>hello</b>")
    assert "\\ud800" not in made
    assert "\\u0000" not in made
    assert "\\u0416" in made
    if vendor != "salesforce":  # a case comment is plain text
        for sign in ("<script", "<b>", "{{"):
            assert sign not in made


@every_vendor
def test_without_agents_decisions_name_queues_only(vendor: str) -> None:
    assert "501" not in called(vendor, settings={"agents": {}}, agent="anybody")


@every_vendor
def test_the_prefix_of_our_ticket_ids_is_taken_away(vendor: str) -> None:
    ticket_id = VENDORS[vendor][1].get("ticket_id", "35436")
    made = called(vendor, settings={"ticket_prefix": "desk2:"}, ticket_id=f"desk2:{ticket_id}")
    assert made == called(vendor)


@every_vendor
def test_the_same_decision_makes_the_same_requests(vendor: str) -> None:
    assert called(vendor, "auto_resolve") == called(vendor, "auto_resolve")


@given(lines=st.lists(st.text(max_size=30), max_size=4))
def test_html_shows_exactly_the_text_and_holds_no_other_tag(lines: list[str]) -> None:
    written = html_text(lines)
    assert "<" not in written.replace("<br>", "")
    assert "{" not in written
    written.encode("utf-8")


def test_a_configuration_with_an_unknown_key_or_field_is_refused() -> None:
    for wrong in ({"queue": {}}, {"fields": {"mood": 1}}, {"queues": {"billing": {"id": 1}}}):
        with pytest.raises(ValueError, match=r"queue|fields|billing"):
            config(**wrong)
