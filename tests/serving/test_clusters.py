"""Texts that are nearly the same are one issue; texts that say too little, or something else, are not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.clusters import TOPIC, clustered

BROKEN = "The purple widget shows error 0x88F since this morning"
LIKE = [
    BROKEN,
    "the purple widget shows error 0x88F since this morning!!!",
    "Hello, the purple widget shows error 0x88F since this morning. Thanks, Ann",
]


@pytest.mark.parametrize("text", LIKE)
def test_what_joins(text):
    assert clustered([("1", BROKEN), ("2", text)], 0.5)["2"] == TOPIC + "1"


@pytest.mark.parametrize(
    "text",
    [
        "How do I invite a colleague to our workspace?",
        "The invoice of May shows a wrong address",
        BROKEN + ". " + "Apart from that I would like to know when our contract ends and who signed it. " * 3,
    ],
)
def test_what_does_not_join(text):
    assert clustered([("1", BROKEN), ("2", text)], 0.5)["2"] == TOPIC + "2"


def test_short_texts_have_no_topic():
    assert clustered([("1", "Help!"), ("2", "Help!"), ("3", "")], 0.5) == {}


def test_an_open_incident_is_joined_first():
    assert clustered([("9", BROKEN)], 0.5, [("1", LIKE[1])]) == {"9": TOPIC + "1"}


@settings(max_examples=30)
@given(st.lists(st.sampled_from([*LIKE, "Where is my invoice of May, please?", "Hi", ""]), max_size=12))
def test_every_topic_is_a_ticket_of_its_own_and_a_longer_list_changes_nothing_before(texts):
    numbered = [(str(n), text) for n, text in enumerate(texts)]
    topics = clustered(numbered, 0.5)
    for ticket_id, topic in topics.items():
        leader = topic.removeprefix(TOPIC)
        assert int(leader) <= int(ticket_id)
        assert topics[leader] == topic
    for until in range(len(numbered)):
        earlier = clustered(numbered[:until], 0.5)
        assert earlier == {t: topics[t] for t in earlier}
