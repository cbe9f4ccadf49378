"""What change data capture tells: only signed, never our own writes, and the same canonical rows."""

import base64
import contextlib
import hashlib
import hmac
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.live.payload import Payload, Refusal
from connectors.salesforce.webhook import parse, verify
from connectors.shapes import ShapeError
from tests.connectors.vendors import body_of, damaged, every_damage, fixture, quarantined, rows_of, took_in

EXPORT, EVENTS = fixture("salesforce", "export"), fixture("salesforce", "webhooks")
NOW = datetime(2026, 4, 1, 10, 0, 30, tzinfo=UTC)
SECRET = "relay-secret"


def parsed(name: str) -> Payload:
    return parse(body_of(EVENTS[name]))


def signed(body: bytes, at: str = "2026-04-01T10:00:00+00:00", secret: str = SECRET) -> dict[str, str]:
    digest = hmac.new(secret.encode(), at.encode() + body, hashlib.sha256).digest()
    return {"X-Firstline-Signature": base64.b64encode(digest).decode(), "X-Firstline-Timestamp": at}


def test_a_signed_event_is_accepted() -> None:
    verify(SECRET, signed(b"{}"), b"{}", NOW)


@pytest.mark.parametrize(
    ("hazard", "headers", "body"),
    [
        ("other secret", signed(b"{}", secret="x"), b"{}"),
        ("changed body", signed(b"{}"), b"[]"),
        ("no signature", {}, b"{}"),
        ("replayed", signed(b"{}", at="2026-04-01T09:00:00+00:00"), b"{}"),
    ],
)
def test_anything_else_is_refused(hazard: str, headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(Refusal):
        verify(SECRET, headers, body, NOW)


@pytest.mark.parametrize("name", ["case_created", "case_created_by_pub_sub"])
def test_live_and_queried_form_of_one_case_give_the_same_canonical_row(tmp_path: Path, name: str) -> None:
    live = took_in(tmp_path / "live", "salesforce", {"cases": parsed(name).records["salesforce_cases"]})
    queried = took_in(tmp_path / "queried", "salesforce", {"cases": [EXPORT["case"]]})
    assert not quarantined(live)
    assert rows_of(live, "tickets") == rows_of(queried, "tickets")


def test_changes_are_events_whatever_the_statuses_are_called(tmp_path: Path) -> None:
    names = ("case_reopened", "case_closed", "case_updated")  # out of order
    history = [one for name in names for one in parsed(name).records["salesforce_case_history"]]
    files = {"case_history": history, "users": EXPORT["users"], "groups": [EXPORT["group"]]}
    intake = took_in(tmp_path, "salesforce", files)
    assert not quarantined(intake)
    assert [
        (f"{row['known_at']:%d %H}", row["kind"], row["value"], row["actor_kind"])
        for row in rows_of(intake, "ticket_events")
    ] == [
        ("02 09", "queue_set", "Electrics", "agent"),
        ("02 09", "priority_set", "high", "agent"),
        ("02 12", "solved", "Erledigt", "agent"),
        ("02 13", "reopened", "Offen", "customer"),
    ]


def test_a_comment_told_and_queried_is_one_event(tmp_path: Path) -> None:
    live = parsed("comment_created").records["salesforce_case_comments"]
    both = {"case_comments": [*live, EXPORT["comments"][0]], "users": EXPORT["users"]}
    intake = took_in(tmp_path, "salesforce", both)
    assert not quarantined(intake)
    assert [row["text"] for row in rows_of(intake, "ticket_events")] == ["Tighten the screw."]


def test_deletion_is_told_with_its_time(tmp_path: Path) -> None:
    deleted = parsed("case_deleted").records["salesforce_cases"]
    intake = took_in(tmp_path, "salesforce", {"cases": [EXPORT["case"], *deleted]})
    [event] = rows_of(intake, "ticket_events")
    assert (event["kind"], event["known_at"].timestamp()) == ("deleted", 1775224800)


def test_a_compound_name_is_one_text() -> None:
    [contact] = parsed("contact_created").records["salesforce_contacts"]
    assert (contact["Name"], contact["Id"]) == ("Dr. Ann Sun", "003D000000QYVhLIAX")


@pytest.mark.parametrize(
    ("name", "why"),
    [("own_write", "our own write"), ("gap", "pull it"), ("lead_created", "Lead is of no use here")],
)
def test_what_must_not_be_taken_in_is_passed_over_with_the_reason(name: str, why: str) -> None:
    payload = parsed(name)
    assert (dict(payload.records), why in payload.ignored) == ({}, True)


@pytest.mark.parametrize("origin", ["com/salesforce/api/rest/62.0;client=Firstline2", "Firstline", "", None])
def test_only_our_own_client_name_is_ours(origin: str | None) -> None:
    event = EVENTS["own_write"]["payload"]
    changed = event | {"ChangeEventHeader": event["ChangeEventHeader"] | {"changeOrigin": origin}}
    assert parse(body_of({"payload": changed})).records


def test_a_duplicate_delivery_is_told_by_its_id() -> None:
    assert parsed("case_created").delivery_id == parsed("case_created_by_pub_sub").delivery_id
    assert parsed("case_created").delivery_id != parsed("case_updated").delivery_id


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"{}", "without entityname"),
        (body_of({"payload": {"ChangeEventHeader": []}}), "ChangeEventHeader is not an object"),
    ],
)
def test_a_body_of_another_shape_is_one_clear_error(body: bytes, says: str) -> None:
    with pytest.raises(ShapeError, match=says):
        parse(body)


def check(payload: dict[str, Any]) -> None:
    with contextlib.suppress(ShapeError):
        assert isinstance(parse(body_of(payload)), Payload)


def test_every_damage_of_an_event_is_taken_in_or_one_clear_error() -> None:
    for payload in every_damage(EVENTS):
        check(payload)


@given(data=st.data())
def test_any_damages_of_an_event_are_taken_in_or_one_clear_error(data: st.DataObject) -> None:
    check(data.draw(damaged(EVENTS[data.draw(st.sampled_from(sorted(EVENTS)))])))
