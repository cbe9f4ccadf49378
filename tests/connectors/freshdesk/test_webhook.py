"""What Freshdesk's rules push: only with the password, and the same canonical rows as its lists."""

import base64
import contextlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.freshdesk.export import activity
from connectors.freshdesk.webhook import parse, verify
from connectors.live.payload import Payload, Refusal
from connectors.shapes import ShapeError
from tests.connectors.vendors import body_of, damaged, every_damage, fixture, quarantined, rows_of, took_in

EXPORT, WEBHOOKS = fixture("freshdesk", "export"), fixture("freshdesk", "webhooks")
NOW = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
SECRET = "firstline:s3cret"


def parsed(name: str) -> Payload:
    return parse(body_of(WEBHOOKS[name]), received_at=NOW)


def basic(secret: str) -> str:
    return base64.b64encode(secret.encode()).decode()


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
def test_the_password_is_accepted(scheme: str) -> None:
    verify(SECRET, {"authorization": f"{scheme} {basic(SECRET)}"}, b"{}", NOW)


@pytest.mark.parametrize(
    ("hazard", "secret", "headers"),
    [
        ("other password", SECRET, {"Authorization": f"Basic {basic('firstline:guess')}"}),
        ("other scheme", SECRET, {"Authorization": f"Bearer {basic(SECRET)}"}),
        ("not encoded", SECRET, {"Authorization": f"Basic {SECRET}"}),
        ("no password", SECRET, {}),
        ("empty", SECRET, {"Authorization": " "}),
        ("no secret set here", "", {"Authorization": "Basic "}),
    ],
)
def test_anything_else_is_refused_without_telling_the_secret(
    hazard: str, secret: str, headers: dict[str, str]
) -> None:
    with pytest.raises(Refusal) as refused:
        verify(secret, headers, b"{}", NOW)
    assert "s3cret" not in str(refused.value)


def test_live_and_listed_form_of_one_ticket_give_the_same_canonical_row(tmp_path: Path) -> None:
    people = {"contacts": [EXPORT["contact"]]}
    live = {"tickets": parsed("created").records["freshdesk_tickets"], **people}
    listed = {"tickets": [EXPORT["ticket"]], **people}
    rows = [
        rows_of(took_in(tmp_path / name, "freshdesk", files), "tickets")
        for name, files in {"live": live, "listed": listed}.items()
    ]
    assert rows[0] == rows[1]


def test_time_of_arrival_stands_in_where_the_rule_sends_none() -> None:
    sent = WEBHOOKS["created"]["freshdesk_webhook"] | {"ticket_created_at": ""}
    [ticket] = parse(body_of({"freshdesk_webhook": sent}), NOW).records["freshdesk_tickets"]
    assert ticket["created_at"] == NOW.isoformat()
    with pytest.raises(ShapeError, match="ticket_created_at"):
        parse(body_of({"freshdesk_webhook": sent}))


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("status_changed", "status.reopened", "2"),
        ("resolved", "status.resolved", "4"),
        ("priority_changed", "priority", "4"),
    ],
)
def test_a_change_is_an_activity_when_it_arrives(name: str, field: str, value: str) -> None:
    [told] = parsed(name).records["freshdesk_activities"]
    assert [
        (row["ticket_id"], row["performed_at"], row["field"], row["value"]) for row in activity(told)
    ] == [(20, NOW.isoformat(), field, value)]


@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [("private_note", "note", "third ring this week"), ("reply", "reply", "Please hold it still.")],
)
def test_a_comment_is_taken_without_the_name_before_it(
    tmp_path: Path, name: str, kind: str, text: str
) -> None:
    intake = took_in(
        tmp_path, "freshdesk", {"conversations": parsed(name).records["freshdesk_conversations"]}
    )
    assert not quarantined(intake)
    [event] = rows_of(intake, "ticket_events")
    assert (event["kind"], event["text"], event["actor_kind"]) == (kind, text, "agent")


def test_a_duplicate_delivery_is_told_by_its_body_or_by_the_rules_own_id() -> None:
    body = body_of(WEBHOOKS["resolved"])
    assert parse(body, NOW) == parse(body, NOW)
    named = {"freshdesk_webhook": WEBHOOKS["resolved"]["freshdesk_webhook"] | {"delivery_id": 7}}
    assert parse(body_of(named), NOW).delivery_id == "7"


def test_what_is_of_no_use_is_passed_over_with_the_reason() -> None:
    payload = parsed("of_no_use")
    assert (dict(payload.records), payload.ignored) == ({}, "the event is of no use here")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"{}", "without ticket_id"),
        (body_of({"freshdesk_webhook": []}), "freshdesk_webhook is not an object"),
        (body_of({"freshdesk_webhook": {"ticket_id": "INC"}}), "does not end in a number"),
    ],
)
def test_a_body_of_another_shape_is_one_clear_error(body: bytes, says: str) -> None:
    with pytest.raises(ShapeError, match=says):
        parse(body, NOW)


def check(payload: dict[str, Any]) -> None:
    with contextlib.suppress(ShapeError):
        assert isinstance(parse(body_of(payload), NOW), Payload)


def test_every_damage_of_a_payload_is_taken_in_or_one_clear_error() -> None:
    for payload in every_damage(WEBHOOKS):
        check(payload)


@given(data=st.data())
def test_any_damages_of_a_payload_are_taken_in_or_one_clear_error(data: st.DataObject) -> None:
    check(data.draw(damaged(WEBHOOKS[data.draw(st.sampled_from(sorted(WEBHOOKS)))])))


@given(event=st.text(alphabet="{}:,fromtstatus 24", max_size=60))
def test_any_wording_of_the_event_is_taken_in_or_one_clear_error(event: str) -> None:
    check({"freshdesk_webhook": {"ticket_id": 1, "triggered_event": event}})
