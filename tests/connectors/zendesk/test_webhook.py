"""What Zendesk pushes: only what it signed, and the same canonical rows as from its export."""

import base64
import contextlib
import hashlib
import hmac
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.live.payload import Payload, Refusal
from connectors.shapes import ShapeError
from connectors.zendesk.webhook import parse, verify
from tests.connectors.vendors import body_of, damaged, every_damage, fixture, quarantined, rows_of, took_in

EXPORT, WEBHOOKS = fixture("zendesk", "export"), fixture("zendesk", "webhooks")
NOW = datetime(2026, 5, 20, 14, 0, 30, tzinfo=UTC)
SECRET = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="
"""The secret that Zendesk's documentation gives for testing."""


def parsed(name: str, **changes: Any) -> Payload:
    return parse(body_of(WEBHOOKS[name] | changes))


def signed(body: bytes, at: str = "2026-05-20T14:00:10Z", secret: str = SECRET) -> dict[str, str]:
    digest = hmac.new(secret.encode(), at.encode() + body, hashlib.sha256).digest()
    return {
        "x-zendesk-webhook-signature": base64.b64encode(digest).decode(),
        "X-Zendesk-Webhook-Signature-Timestamp": at,
    }


@pytest.mark.parametrize("body", [b"", b'{"a": 1}', '{"a": "é"}'.encode()])
def test_a_signed_body_is_accepted_also_an_empty_one(body: bytes) -> None:
    verify(SECRET, signed(body), body, NOW)


def test_signature_is_what_another_implementation_computes() -> None:
    """printf '2026-05-20T14:00:10Z{"a":1}' | openssl dgst -sha256 -hmac s3cret -binary | base64"""
    headers = {
        "X-Zendesk-Webhook-Signature": "OGe/Bdj5KWLAbuiERptey+PKZiVyxSoUKUbb/+YPUQU=",
        "X-Zendesk-Webhook-Signature-Timestamp": "2026-05-20T14:00:10Z",
    }
    verify("s3cret", headers, b'{"a":1}', NOW)


GOOD = signed(b"{}")
MOVED = GOOD | {"X-Zendesk-Webhook-Signature-Timestamp": "2026-05-20T14:00:11Z"}


@pytest.mark.parametrize(
    ("hazard", "secret", "headers", "body", "says"),
    [
        ("other secret", "wrong", GOOD, b"{}", "does not match"),
        ("changed body", SECRET, GOOD, b"{ }", "does not match"),
        ("moved time", SECRET, MOVED, b"{}", "does not match"),
        ("no signature", SECRET, {}, b"{}", "not signed"),
        ("empty signature", SECRET, GOOD | {"x-zendesk-webhook-signature": ""}, b"{}", "not signed"),
        ("not base64", SECRET, GOOD | {"x-zendesk-webhook-signature": "ä\ud800"}, b"{}", "does not match"),
        ("no secret here", "", signed(b"{}", secret=""), b"{}", "no secret"),
        ("replayed", SECRET, signed(b"{}", "2026-05-20T13:55:00Z"), b"{}", "more than 5 minutes"),
        ("from the future", SECRET, signed(b"{}", "2026-05-20T14:06:00Z"), b"{}", "more than 5 minutes"),
        ("no time", SECRET, signed(b"{}", "yesterday"), b"{}", "not a time"),
        ("time without zone", SECRET, signed(b"{}", "2026-05-20T14:00:10"), b"{}", "not a time"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)  # fmt: skip
def test_anything_else_is_refused_without_telling_the_secret(
    hazard: str, secret: str, headers: dict[str, str], body: bytes, says: str
) -> None:
    with pytest.raises(Refusal, match=says) as refused:
        verify(secret, headers, body, NOW)
    assert SECRET not in str(refused.value)


def test_live_and_exported_form_of_one_ticket_give_the_same_canonical_row(tmp_path: Path) -> None:
    live = took_in(tmp_path / "live", "zendesk", {"tickets": parsed("created").records["zendesk_tickets"]})
    trigger = parse(body_of(WEBHOOKS["trigger"]))
    written = took_in(tmp_path / "trigger", "zendesk", {"tickets": trigger.records["zendesk_tickets"]})
    exported = took_in(tmp_path / "export", "zendesk", {"tickets": [EXPORT["ticket"]]})
    assert rows_of(live, "tickets") == rows_of(exported, "tickets") == rows_of(written, "tickets")


def test_live_facts_are_the_events_of_the_export_at_their_own_time(tmp_path: Path) -> None:
    names = ["comment_added", "status_changed", "status_reopened", "priority_changed"]
    names += ["group_assignment_changed", "agent_assignment_changed", "custom_field_changed"]
    audits = [audit for name in names for audit in parsed(name).records["zendesk_ticket_events"]]
    people = {"users": [EXPORT["end_user"], EXPORT["agent"]], "groups": [EXPORT["group"]]}
    intake = took_in(tmp_path, "zendesk", {"ticket_events": audits[::-1], **people})
    assert not quarantined(intake)
    said = [
        (row["known_at"].isoformat(), row["kind"], row.get("value"), row.get("actor_kind"))
        for row in rows_of(intake, "ticket_events")
    ]
    assert said == [
        ("2026-05-21T08:30:00+00:00", "reply", None, "agent"),
        ("2026-05-21T08:30:01+00:00", "solved", "solved", "agent"),
        ("2026-05-21T08:30:02+00:00", "priority_set", "urgent", "agent"),
        ("2026-05-21T08:30:03+00:00", "queue_set", "Fire brigade", "system"),
        ("2026-05-21T08:30:04+00:00", "assigned", "235323", "agent"),
        ("2026-05-22T08:30:01+00:00", "reopened", "open", "customer"),
    ]


def test_a_comment_pushed_and_exported_is_one_event(tmp_path: Path) -> None:
    live = parsed("comment_added").records["zendesk_ticket_events"]
    users = {"users": [EXPORT["end_user"], EXPORT["agent"]]}
    intake = took_in(tmp_path, "zendesk", {"ticket_events": [*live, EXPORT["audit_update"]], **users})
    replies = [row for row in rows_of(intake, "ticket_events") if row["kind"] == "reply"]
    assert [row["event_id"] for row in replies] == ["91048994488"]


def test_a_duplicate_delivery_is_told_by_its_id() -> None:
    assert parsed("created").delivery_id == WEBHOOKS["created"]["id"]
    trigger = body_of(WEBHOOKS["trigger"])
    assert parse(trigger).delivery_id == parse(trigger).delivery_id != parse(trigger + b" ").delivery_id


def test_deletion_is_told_with_its_time() -> None:
    [deleted] = parsed("soft_deleted").records["zendesk_tickets"]
    assert (deleted["id"], deleted["status"], deleted["updated_at"]) == (
        "35437",
        "deleted",
        "2026-05-23T10:00:00Z",
    )


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("first_comment_added", "the ticket's own first message"),
        ("tags_changed", "of no use"),
        ("user_created", "nothing of a ticket"),
    ],
)
def test_what_is_of_no_use_is_passed_over_with_the_reason(name: str, why: str) -> None:
    payload = parsed(name)
    assert (dict(payload.records), payload.delivery_id) == ({}, WEBHOOKS[name]["id"])
    assert why in payload.ignored


def test_the_same_words_written_again_later_are_a_reply() -> None:
    again = WEBHOOKS["first_comment_added"] | {"time": "2026-05-21T09:00:00Z"}
    assert parse(body_of(again)).records["zendesk_ticket_events"]


def test_a_trigger_that_says_no_time_is_known_when_it_arrives() -> None:
    sent = {
        "ticket": {key: value for key, value in WEBHOOKS["trigger"]["ticket"].items() if key != "created_at"}
    }
    [ticket] = parse(body_of(sent), received_at=NOW).records["zendesk_tickets"]
    assert ticket["created_at"] == NOW.isoformat()


def test_a_rating_that_a_trigger_sends_becomes_the_customer_s_csat(tmp_path: Path) -> None:
    rating = parsed("rating").records["zendesk_ticket_events"]
    ticket = parsed("trigger").records["zendesk_tickets"]
    users = [
        {"id": 20978392, "role": "end-user", "created_at": "2026-01-01T00:00:00Z"}
        | {"updated_at": "2026-01-01T00:00:00Z"}
    ]
    intake = took_in(tmp_path, "zendesk", {"tickets": ticket, "ticket_events": rating, "users": users})
    [event] = rows_of(intake, "ticket_events")
    assert (event["kind"], event["value"], event["actor_kind"]) == ("csat", "5", "customer")
    assert event["occurred_at"] == pd.Timestamp("2026-05-20T14:00:00Z")


@pytest.mark.parametrize("said", ["", " - ", "Offered"])
def test_a_rating_that_was_only_asked_for_is_none(said: str) -> None:
    sent = WEBHOOKS["rating"]["satisfaction"] | {"rating": said}
    assert "has given none" in parse(body_of({"satisfaction": sent}), received_at=NOW).ignored


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not JSON"),
        (b"\xff", "not JSON"),
        (b'{"a": "\\ud800"}', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not a JSON object"),
        (b"{}", "ticket without id"),
        (body_of(WEBHOOKS["created"] | {"detail": []}), "detail is not an object"),
        (body_of(WEBHOOKS["created"] | {"detail": {}}), "detail without id"),
        (body_of(WEBHOOKS["status_changed"] | {"time": "soon"}), "not an ISO time"),
        (body_of(WEBHOOKS["comment_added"] | {"event": {}}), "comment without id"),
        (body_of(WEBHOOKS["custom_field_changed"] | {"event": {"current": 1}}), "custom field without id"),
    ],
)
def test_a_body_of_another_shape_is_one_clear_error(body: bytes, says: str) -> None:
    with pytest.raises(ShapeError, match=says):
        parse(body)


def test_every_damage_of_a_payload_is_taken_in_or_one_clear_error() -> None:
    for payload in every_damage(WEBHOOKS):
        with contextlib.suppress(ShapeError):
            assert isinstance(parse(body_of(payload)), Payload)


@given(data=st.data())
def test_any_damages_of_a_payload_are_taken_in_or_one_clear_error(data: st.DataObject) -> None:
    payload = data.draw(damaged(WEBHOOKS[data.draw(st.sampled_from(sorted(WEBHOOKS)))]))
    with contextlib.suppress(ShapeError):
        assert isinstance(parse(body_of(payload)), Payload)
