"""A decision in Zendesk's words."""

from connectors.zendesk.write_back import calls
from tests.connectors.write_backs import config, decision


def test_assist_sets_fields_and_adds_tags_with_a_private_note_in_one_update() -> None:
    known = config(
        fields={"intent": 27648, "confidence": 27649, "decision_id": 27650},
        intents={"refund_request": "intent_refund"},
        tags={"action:assist": "firstline_assist", "intent:other": "never"},
    )
    update, tags = calls(decision(), known)
    assert (update.method, update.path, update.purpose) == ("PUT", "/api/v2/tickets/35436.json", "set")
    ticket = dict(update.body["ticket"])
    comment = ticket.pop("comment")
    assert ticket == {
        "priority": "high",
        "group_id": 360001,
        "assignee_id": 501,
        "custom_fields": [
            {"id": 27648, "value": "intent_refund"},
            {"id": 27649, "value": "medium"},
            {"id": 27650, "value": "d-1"},
        ],
        "metadata": {"firstline_decision": "d-1"},
    }
    assert (comment["public"], comment["author_id"]) == (False, 900)
    assert comment["html_body"].startswith("Firstline: prepared for a person; intent refund_request (medium)")
    assert "Suggested reply:<br>Dear Ann,<br>your refund" in comment["html_body"]
    assert (tags.method, tags.path, tags.body) == (
        "PUT",
        "/api/v2/tickets/35436/tags.json",
        {"tags": ["firstline_assist"]},
    )


def test_automatic_solution_replies_and_solves_in_one_second_update() -> None:
    note, solution = calls(decision("auto_resolve"), config(agents={}))
    assert note.body["ticket"]["comment"]["public"] is False
    assert "status" not in note.body["ticket"]
    assert solution.body["ticket"] == {
        "status": "solved",
        "comment": {
            "html_body": "Dear Ann,<br>your refund is on its way.",
            "public": True,
            "author_id": 900,
        },
        "metadata": {"firstline_decision": "d-1"},
    }


def test_an_intent_nobody_claims_empties_its_field() -> None:
    known = config(fields={"intent": 27648}, intents={"refund_request": "intent_refund"})
    [update] = calls(decision(intent=None), known)
    assert update.body["ticket"]["custom_fields"] == [{"id": 27648, "value": None}]
