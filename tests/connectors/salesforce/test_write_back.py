"""A decision in Salesforce's words."""

import pytest

from connectors.live.write_back import WriteBackError
from connectors.salesforce.webhook import parse
from connectors.salesforce.write_back import MAX_COMMENT_BYTES, calls
from tests.connectors.vendors import body_of, fixture
from tests.connectors.write_backs import config, decision

CASE = "500D000000uzmDsIAI"
KNOWN = config(
    queues={"billing": "00GD0000001bcdEMAQ"},
    agents={},
    priorities={"high": "High"},
    solved="Closed",
    fields={"intent": "Intent__c"},
)


def test_one_request_carries_everything_or_nothing() -> None:
    [call] = calls(decision("auto_resolve", ticket_id=CASE), KNOWN)
    assert (call.method, call.path) == ("POST", "/services/data/v62.0/composite")
    assert call.body["allOrNone"] is True
    steps = call.body["compositeRequest"]
    assert [(one["method"], one["url"].rpartition("/sobjects/")[2]) for one in steps] == [
        ("PATCH", f"Case/{CASE}"),
        ("POST", "CaseComment"),
        ("POST", "CaseComment"),
        ("PATCH", f"Case/{CASE}"),
    ]
    assert steps[0]["body"] == {
        "Priority": "High",
        "OwnerId": "00GD0000001bcdEMAQ",
        "Intent__c": "refund_request",
    }
    assert [one["body"].get("IsPublished") for one in steps] == [None, False, True, None]
    assert steps[3]["body"] == {"Status": "Closed"}
    assert len({one["referenceId"] for one in steps}) == len(steps)


def test_our_own_write_is_told_by_change_data_capture_and_passed_over() -> None:
    [call] = calls(decision(ticket_id=CASE), KNOWN)
    client = call.headers["Sforce-Call-Options"]
    event = fixture("salesforce", "webhooks")["case_updated"]["payload"]
    header = event["ChangeEventHeader"] | {"changeOrigin": f"com/salesforce/api/rest/62.0;{client}"}
    assert parse(body_of({"payload": event | {"ChangeEventHeader": header}})).ignored == "our own write"


def test_an_agent_becomes_the_owner_instead_of_the_queue() -> None:
    known = KNOWN.model_copy(update={"agents": config(agents={"ann": "005D0000001n7mEIAQ"}).agents})
    [call] = calls(decision(ticket_id=CASE), known)
    assert call.body["compositeRequest"][0]["body"]["OwnerId"] == "005D0000001n7mEIAQ"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"priorities": {}}, "priority 'high' has no value there"),
        ({"solved": None}, "set `solved`"),
        ({"tags": config(tags={"action:auto_resolve": "x"}).tags}, "no tags"),
    ],
)
def test_nothing_of_an_org_is_assumed(changes: dict[str, object], says: str) -> None:
    with pytest.raises(WriteBackError, match=says):
        calls(decision("auto_resolve", ticket_id=CASE), KNOWN.model_copy(update=changes))


def test_a_long_note_is_cut_with_a_mark_and_a_long_reply_refused() -> None:
    [call] = calls(decision(ticket_id=CASE, reasons=("ж" * 5000,)), KNOWN)
    note = call.body["compositeRequest"][1]["body"]["CommentBody"]
    assert MAX_COMMENT_BYTES - 3 <= len(note.encode()) <= MAX_COMMENT_BYTES
    assert note.endswith("…")
    with pytest.raises(WriteBackError, match="4,000 bytes"):
        calls(decision("auto_resolve", ticket_id=CASE, reply="ж" * 2001), KNOWN)
