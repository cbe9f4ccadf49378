"""A decision in Freshdesk's words."""

import pytest

from connectors.freshdesk.write_back import calls
from connectors.live.write_back import WriteBackError
from tests.connectors.write_backs import config, decision


@pytest.mark.parametrize(("level", "code"), [("low", 1), ("normal", 2), ("high", 3), ("urgent", 4)])
def test_assist_sets_codes_and_adds_a_private_note(level: str, code: int) -> None:
    update, note = calls(decision(priority=level), config(fields={"intent": "cf_intent"}))
    assert (update.method, update.path) == ("PUT", "/api/v2/tickets/35436")
    assert update.body == {
        "priority": code,
        "group_id": 360001,
        "responder_id": 501,
        "custom_fields": {"cf_intent": "refund_request"},
    }
    assert (note.method, note.path) == ("POST", "/api/v2/tickets/35436/notes")
    assert (note.body["private"], note.body["user_id"]) == (True, 900)


def test_automatic_solution_replies_before_the_status_is_resolved() -> None:
    made = calls(decision("auto_resolve"), config())
    assert [(call.method, call.path.removeprefix("/api/v2/tickets/35436")) for call in made] == [
        ("PUT", ""),
        ("POST", "/notes"),
        ("POST", "/reply"),
        ("PUT", ""),
    ]
    assert made[2].body == {"body": "Dear Ann,<br>your refund is on its way.", "user_id": 900}
    assert made[3].body == {"status": 4}


def test_tags_are_written_only_together_with_those_the_ticket_has() -> None:
    known = config(tags={"action:assist": "firstline", "intent:refund_request": "refund"})
    with pytest.raises(WriteBackError, match="replaces all tags"):
        calls(decision(), known)
    update, _ = calls(decision(), known, tags_now=["vip", "refund"])
    assert update.body["tags"] == ["vip", "refund", "firstline"]
