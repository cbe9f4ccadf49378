"""A decision in Intercom's words."""

import pytest

from connectors.intercom.write_back import calls
from connectors.live.write_back import WriteBackError
from tests.connectors.write_backs import config, decision


def test_assist_shows_attributes_tags_assigns_and_notes() -> None:
    known = config(
        fields={"intent": "Intent", "priority": "Urgency"},
        priorities={"high": "High"},
        tags={"action:assist": "7522907"},
    )
    made = calls(decision(), known)
    assert [(call.method, call.path, call.purpose) for call in made] == [
        ("PUT", "/conversations/35436", "set"),
        ("POST", "/conversations/35436/tags", "tag"),
        ("POST", "/conversations/35436/parts", "assign"),
        ("POST", "/conversations/35436/parts", "assign"),
        ("POST", "/conversations/35436/reply", "note"),
    ]
    assert made[0].body == {"custom_attributes": {"Intent": "refund_request", "Urgency": "High"}}
    assert made[1].body == {"id": "7522907", "admin_id": "900"}
    assert made[2].body == {
        "type": "team",
        "admin_id": "900",
        "message_type": "assignment",
        "assignee_id": "360001",
    }
    assert (made[3].body["type"], made[3].body["assignee_id"]) == ("admin", "501")
    assert (made[4].body["message_type"], made[4].body["type"]) == ("note", "admin")


def test_automatic_solution_comments_before_it_closes() -> None:
    *_, reply, close = calls(decision("auto_resolve"), config())
    assert (reply.body["message_type"], reply.body["body"]) == (
        "comment",
        "Dear Ann,<br>your refund is on its way.",
    )
    assert close.body == {"type": "admin", "admin_id": "900", "message_type": "close"}


def test_intercom_wants_to_know_who_writes() -> None:
    with pytest.raises(WriteBackError, match="set `author`"):
        calls(decision(), config(author=None))
