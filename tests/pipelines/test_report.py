"""The queue's table and page show every decision, and nothing a customer wrote acts in them."""

from datetime import timedelta
from html.parser import HTMLParser

import pytest
from rich.console import Console

from pipelines.report import (
    customer,
    money,
    percent,
    queue_table,
    ranked,
    render_queue,
    until,
    write_queue_report,
)
from tests.pipelines.decisions import NOW, decision

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'>"


class Page(HTMLParser):
    """Tags and attributes of a page, as a browser would see them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def printed(table: object, width: int = 240) -> str:
    console = Console(width=width, force_terminal=False)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def test_most_value_at_risk_comes_first_whatever_the_order_of_arrival():
    queue = [decision("a", 1.0), decision("b", 5.0), decision("c", 1.0)]

    assert [d.ticket_id for d in ranked(queue)] == ["b", "a", "c"]
    text = printed(queue_table(queue))
    assert text.index("b ") < text.index("a ")
    page = render_queue(queue)
    places = [page.index(f"<td>d-{ticket_id}</td>") for ticket_id in "bac"]
    assert places == sorted(places)


def test_the_table_says_who_what_how_sure_why_and_where_to():
    text = printed(queue_table([decision()]))
    for words in ("t1", "001A $412k", "payment_failed 97%", "frustrated", "urgent", "renewal in 20 days"):
        assert words in text
    assert "billing / agent-7" in text
    assert "suggest a reply" in text


@pytest.mark.parametrize("hostile", ["[bold red]x[/bold red]", "\x1b[31mred\x1b[0m", "a\nb\rc\x07"])
def test_what_a_customer_wrote_does_not_act_in_the_terminal(hostile):
    text = printed(queue_table([decision(ticket_id=hostile)]))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[bold red]" not in hostile or hostile in text


def test_what_a_customer_wrote_does_not_act_in_the_page():
    plain = decision()
    attacked = decision(
        ticket_id=HOSTILE,
        release=HOSTILE,
        degraded=[HOSTILE],
        account=plain.account.model_copy(update={"account_id": HOSTILE}),
        route=plain.route.model_copy(update={"agent": HOSTILE, "reason": HOSTILE}),
        suggestion={"reply": HOSTILE, "confidence": 0.5, "sources": [HOSTILE]},
        queue={"value_at_risk": 1.0, "reasons": [HOSTILE]},
        context={
            "summary": HOSTILE,
            "related_tickets": [
                {
                    "ticket_id": HOSTILE,
                    "created_at": NOW,
                    "subject": HOSTILE,
                    "intent": HOSTILE,
                    "resolution": HOSTILE,
                }
            ],
            "usage": {HOSTILE: HOSTILE},
            "account_health": [HOSTILE],
            "similar_solved": [],
        },
    )
    letters = [{"ticket_id": HOSTILE, "subject": HOSTILE, "body": HOSTILE}]

    page = Page(render_queue([attacked], letters))

    assert page.tags.count("script") == 1
    assert "img" not in page.tags
    assert not [name for name, _ in page.attributes if name.startswith("on")]


def test_the_page_loads_nothing_from_elsewhere():
    page = Page(render_queue([decision()]))
    assert not [value for name, value in page.attributes if name in {"src", "href"}]
    assert "default-src 'none'" in str(dict(page.attributes))


def test_the_page_holds_context_gates_suggestion_and_reasons():
    page = render_queue([decision()], [{"ticket_id": "t1", "subject": "Card", "body": "It FAILED again"}])
    for words in (
        "It is her second this month.",
        "intent probability",
        "&gt;= 0.99",
        "please try again.",
        "article 4",
        "renewal in 20 days",
        "Card declined",
        "usage fell by 41%",
        "It FAILED again",
        "in 45 min",
    ):
        assert words in page


def test_an_unknown_customer_without_model_still_has_a_row():
    bare = decision(
        intent={
            "name": None,
            "probability": 0,
            "confidence": "low",
            "out_of_scope": True,
            "alternatives": [],
        },
        account={
            "account_id": None,
            "contract_value": None,
            "renewal_in_days": None,
            "churn_risk": None,
            "health": "unknown",
        },
        sla={"first_response_due_at": None, "resolution_due_at": None, "breach_risk": None},
        suggestion=None,
        gates=[],
        escalations=[],
        follow_ups=[],
        action="human",
        degraded=["no release"],
    )
    assert "Decided with parts missing: no release" in render_queue([bare])
    assert "unknown" in printed(queue_table([bare]))
    assert customer(bare) == "unknown"


def test_an_empty_queue_says_so():
    assert "No tickets in the queue." in render_queue([])


def test_a_report_is_written_whole(tmp_path):
    path = tmp_path / "reports" / "queue.html"
    write_queue_report([decision()], path)
    write_queue_report([decision("t2")], path)

    assert "t2" in path.read_text("utf-8")
    assert [p.name for p in path.parent.iterdir()] == ["queue.html"]


@pytest.mark.parametrize(
    ("share", "words"), [(None, "unknown"), (0, "0%"), (0.974, "97%"), (0.9999, "99%"), (1, "100%")]
)
def test_almost_sure_is_never_shown_as_sure(share, words):
    assert percent(share) == words


@pytest.mark.parametrize(
    ("amount", "words"),
    [(None, "unknown"), (0, "$0"), (950, "$950"), (412000, "$412k"), (1_250_000, "$1.25M")],
)
def test_money(amount, words):
    assert money(amount) == words


@pytest.mark.parametrize(
    ("minutes", "words"), [(None, "no target"), (45, "in 45 min"), (-90, "2 h ago"), (60 * 24 * 3, "in 3 d")]
)
def test_time_left(minutes, words):
    assert until(None if minutes is None else NOW + timedelta(minutes=minutes), NOW) == words
