"""Groups of words with legal weight together: slips, distance, near misses, a file that is wrong."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from policy.concepts import Concepts, read_concepts, shipped_concepts
from policy.escalation import regulatory_reason
from policy.phrases import Topic, normalised_words
from tests.policy.examples import shipped_desk, situation

TEXTS = Path(__file__).parents[2] / "policy" / "regulatory_examples" / "first.csv"
SMALL = """
en:
  groups: {delete: delet* get_rid, mine: my, data: records information}
  says: {deletion: [delete mine data]}
"""
HASTY = """
en:
  slips_from_letters: 5
  shorthand: {ur: your, evt: everything}
  no_slips: border erase
  groups: {drop: erasing order, yours: your_server, all: everything stop, same: erasing}
  says: {deletion: [drop yours, drop all, drop same]}
"""


def topics(*unless: str) -> dict[str, Topic]:
    return {"deletion": Topic(about="asks", unless={"en": unless})}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("delete my records", True, id="as listed"),
        pytest.param("my records must be deleted", True, id="another order"),
        pytest.param("please get rid of my information", True, id="neighbours are one word"),
        pytest.param("delete my infromation", True, id="two letters swapped"),
        pytest.param("delete my imformation", True, id="a wrong letter"),
        pytest.param("delete my informattion", True, id="a doubled letter"),
        pytest.param("delete my recards", True, id="a wrong letter in a word of seven letters"),
        pytest.param("dalete my records", False, id="short stems are taken as written"),
        pytest.param("delete my transformation", False, id="more than a slip apart"),
        pytest.param("delete records", False, id="one group is missing"),
        pytest.param("delete it. I like my records", False, id="not over sentences"),
        pytest.param("delete " + "so " * 15 + "my records", False, id="too far apart"),
        pytest.param("do not delete my records", False, id="cancelled by unless"),
    ],
)
def test_groups_say_it_together_in_one_sentence(text: str, found: bool) -> None:
    answer = read_concepts(SMALL).found_in(normalised_words(text), topics("not delete"))
    assert (answer is not None) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("erasng everything", True, id="one slip in a short word"),
        pytest.param("border everything", False, id="a word in its own right is no slip"),
        pytest.param("erasing evt", True, id="shorthand of a word"),
        pytest.param("erasing ur servr", True, id="shorthand and a slip in neighbours"),
        pytest.param("erasing stup", False, id="too short for slips"),
        pytest.param("erasing", False, id="one word does not stand for two groups"),
    ],
)
def test_texts_written_in_haste(text: str, found: bool) -> None:
    assert (read_concepts(HASTY).found_in(normalised_words(text), topics()) is not None) == found


def test_the_evidence_is_quoted_in_the_order_of_the_text() -> None:
    words = normalised_words("All records of my dog: delete")
    assert read_concepts(SMALL).found_in(words, topics()) == ("deletion", "records … my … delete")


@pytest.mark.parametrize(
    ("written", "message"),
    [
        pytest.param("en: {groups: {a: x}, says: {deletion: [a b]}}", "names no group", id="unknown group"),
        pytest.param("en: {groups: {a: x}, say: {}}", "say", id="unknown key"),
        pytest.param("- en", "mapping of language codes", id="no mapping"),
        pytest.param("en: [", "cannot be read", id="no YAML"),
    ],
)
def test_a_file_that_is_wrong_is_refused(written: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_concepts(written)


def test_shipped_concepts_name_topics_that_the_phrase_book_has() -> None:
    assert isinstance(shipped_concepts(), Concepts)
    assert set(shipped_desk().phrases.regulatory) >= {
        "deletion",
        "access",
        "legal",
        "accessibility",
        "security",
    }


def test_recall_and_false_positives_do_not_fall_behind_what_the_docs_state() -> None:
    """docs/escalation.md: every request of the development set, no near miss."""
    counts: Counter[tuple[str, bool]] = Counter()
    with TEXTS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found = regulatory_reason(shipped_desk(), situation(body=row["text"])) is not None
            counts[row["label"], found] += 1
    assert counts["regulatory", True] / 316 >= 0.99
    assert counts["ordinary", True] / 302 <= 0.01
    assert sum(counts.values()) == 618
