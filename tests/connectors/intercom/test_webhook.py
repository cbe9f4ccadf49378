"""What Intercom pushes: only what it signed, and the same canonical rows as from its API."""

import contextlib
import hashlib
import hmac
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.intercom.webhook import parse, verify
from connectors.live.payload import Payload, Refusal
from connectors.shapes import ShapeError
from tests.connectors.vendors import body_of, damaged, every_damage, fixture, quarantined, rows_of, took_in

EXPORT, WEBHOOKS = fixture("intercom", "export"), fixture("intercom", "webhooks")
NOW = datetime(2026, 2, 2, 3, 0, tzinfo=UTC)
SECRET = "client-secret"


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"x-hub-signature": f"sha1={hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()}"}


def test_signature_is_the_one_of_rfc_2202() -> None:
    """Test case 2 of https://www.rfc-editor.org/rfc/rfc2202#section-3"""
    headers = {"X-Hub-Signature": "sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"}
    verify("Jefe", headers, b"what do ya want for nothing?", NOW)


@pytest.mark.parametrize(
    ("hazard", "secret", "headers", "body"),
    [
        ("other secret", "wrong", signed(b"{}"), b"{}"),
        ("changed body", SECRET, signed(b"{}"), b"{ }"),
        ("no signature", SECRET, {}, b"{}"),
        ("digest without its name", SECRET, {"X-Hub-Signature": signed(b"{}")["x-hub-signature"][5:]}, b"{}"),
        ("no secret set here", "", signed(b"{}", ""), b"{}"),
    ],
)
def test_anything_else_is_refused_without_telling_the_secret(
    hazard: str, secret: str, headers: dict[str, str], body: bytes
) -> None:
    with pytest.raises(Refusal) as refused:
        verify(secret, headers, body, NOW)
    assert SECRET not in str(refused.value)


def test_live_and_retrieved_form_of_one_conversation_give_the_same_canonical_row(tmp_path: Path) -> None:
    new = parse(body_of(WEBHOOKS["user_created"])).records["intercom_conversations"]
    old = parse(body_of(WEBHOOKS["user_created_old_form"]), api_version="1.4").records[
        "intercom_conversations"
    ]
    rows = [
        rows_of(took_in(tmp_path / str(number), "intercom", {"conversations": records}), "tickets")
        for number, records in enumerate((new, old, [EXPORT["conversation"]]))
    ]
    assert rows[0] == rows[2]
    without_company = [{key: row[key] for key in row if key != "account_id"} for row in rows[2]]
    assert rows[1] == without_company


def test_plain_text_is_not_mistaken_for_html(tmp_path: Path) -> None:
    sent = WEBHOOKS["user_created"]["data"]["item"]
    sent = sent | {"source": sent["source"] | {"body": "if a<b and b>c\nthen <p>"}}
    payload = WEBHOOKS["user_created"] | {"data": {"item": sent}}
    for version in ("2.15", "2.16", "3.0", "Preview"):
        records = parse(body_of(payload), api_version=version).records["intercom_conversations"]
        intake = took_in(tmp_path / version, "intercom", {"conversations": records})
        assert [row["body"] for row in rows_of(intake, "tickets")] == ["if a<b and b>c\nthen <p>"]


def test_a_reply_pushed_and_retrieved_is_one_event(tmp_path: Path) -> None:
    live = parse(body_of(WEBHOOKS["admin_replied"])).records
    assert live["intercom_conversations"] == live["intercom_conversation_events"]
    both = {"conversations": [*live["intercom_conversations"], EXPORT["conversation"]]}
    intake = took_in(tmp_path, "intercom", both)
    assert not quarantined(intake)
    replies = [row for row in rows_of(intake, "ticket_events") if row["event_id"] == "part:2"]
    assert [row["text"] for row in replies] == ["Yes, under Plan."]
    assert len(rows_of(intake, "tickets")) == 1


def test_deletion_is_told_with_its_time(tmp_path: Path) -> None:
    deleted = parse(body_of(WEBHOOKS["deleted"])).records["intercom_conversations"]
    intake = took_in(tmp_path, "intercom", {"conversations": [EXPORT["conversation"], *deleted]})
    [event] = [row for row in rows_of(intake, "ticket_events") if row["kind"] == "deleted"]
    assert (event["ticket_id"], event["known_at"].timestamp()) == ("1295", 1770100000)


def test_contacts_are_taken_in_and_other_topics_passed_over_with_the_reason() -> None:
    assert list(parse(body_of(WEBHOOKS["contact_updated"])).records) == ["intercom_contacts"]
    ping = parse(body_of(WEBHOOKS["ping"] | {"id": "notif_1"}))
    assert (dict(ping.records), ping.ignored) == ({}, "ping tells nothing of a conversation")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"{}", "without id, topic"),
        (body_of(WEBHOOKS["user_created"] | {"data": []}), "data is not an object"),
        (body_of(WEBHOOKS["user_created"] | {"data": {}}), "without id, created_at"),
        (body_of(WEBHOOKS["deleted"] | {"data": {}}), "without id"),
    ],
)
def test_a_body_of_another_shape_is_one_clear_error(body: bytes, says: str) -> None:
    with pytest.raises(ShapeError, match=says):
        parse(body)


def check(payload: dict[str, Any], api_version: str) -> None:
    with contextlib.suppress(ShapeError):
        assert isinstance(parse(body_of(payload), api_version=api_version), Payload)


@pytest.mark.parametrize("api_version", ["1.4", "2.15"])
def test_every_damage_of_a_payload_is_taken_in_or_one_clear_error(api_version: str) -> None:
    for payload in every_damage(WEBHOOKS):
        check(payload, api_version)


@given(data=st.data())
def test_any_damages_of_a_payload_are_taken_in_or_one_clear_error(data: st.DataObject) -> None:
    check(data.draw(damaged(WEBHOOKS[data.draw(st.sampled_from(sorted(WEBHOOKS)))])), "2.15")
