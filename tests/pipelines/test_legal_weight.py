"""Examples of legal weight as files, one an author; and which tickets of the desk count as ordinary."""

from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from features.text import normalise
from pipelines.legal_weight import (
    FEWEST_TICKETS,
    MOST_ORDINARY,
    figures,
    ordinary_texts,
    read_examples,
    stock_sentences,
)
from tests.models.test_legal_weight import examples, learnt
from tests.policy.examples import shipped_desk


def test_shipped_examples_hold_both_labels_in_five_languages_and_name_topics_that_exist() -> None:
    told = read_examples()
    counts = Counter(zip(told["language"], told["label"], strict=True))
    assert set(counts) == {
        (code, label) for code in ["en", "de", "fr", "es", "pt"] for label in ("regulatory", "ordinary")
    }
    assert min(counts.values()) > 300
    assert told["author"].nunique() >= 4
    concerns = set(told.loc[told["label"] == "regulatory", "concern"])
    assert concerns <= set(shipped_desk().phrases.regulatory)


def test_a_file_that_a_desk_adds_is_another_author_and_a_text_twice_counts_once(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\nForget me,regulatory\nHello,ordinary\n", "utf-8")
    (tmp_path / "ours.csv").write_text(
        "label,text,extra\nregulatory,Forget me,1\nregulatory,Sue you,2\n", "utf-8"
    )
    told = read_examples(tmp_path)
    assert told[["text", "author"]].to_numpy().tolist() == [
        ["Forget me", "a"],
        ["Hello", "a"],
        ["Sue you", "ours"],
    ]
    assert told["concern"].tolist() == ["", "", ""]


def test_more_examples_than_memory_bears_are_thinned_of_each_author_and_label_alike() -> None:
    every, some = read_examples(), read_examples(most=500)
    assert 400 < len(some) <= 500
    shares = [told.groupby(["author", "label"]).size() / len(told) for told in (every, some)]
    assert (shares[0] - shares[1]).abs().max() < 0.01
    assert set(some["language"]) == set(every["language"])


def test_a_folder_without_examples_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"holds no \.csv"):
        read_examples(tmp_path)


def test_only_training_tickets_without_a_sign_of_legal_weight_are_ordinary() -> None:
    rows = [
        ("train", "password_reset", "My link does not arrive"),
        ("train", "data_access_request", "What do you know of us"),  # an intent of legal weight
        ("train", None, "Please delete all my personal data"),  # its words
        ("evaluation", "password_reset", "Not to be learnt from"),
        ("train", None, "My link does not arrive"),  # the same again
        ("train", None, ""),
    ]
    tickets = pd.DataFrame(rows, columns=["split", "intent_label", "body"]).assign(subject=None)
    assert ordinary_texts(tickets, shipped_desk()) == ["My link does not arrive"]
    assert ordinary_texts(tickets.iloc[:0], shipped_desk()) == []
    many = pd.DataFrame(
        {"split": "train", "intent_label": None, "subject": None, "body": map(str, range(5000))}
    )
    assert len(ordinary_texts(many, shipped_desk())) == MOST_ORDINARY


def test_figures_are_told_for_each_author_that_was_left_out() -> None:
    told = figures(examples(), learnt(), shipped_desk())
    assert (told["examples"], set(told["left_out_author"])) == (20, {"en", "de"})
    english = told["left_out_author"]["en"]
    assert english["doubt"]["recall"] >= english["sure"]["recall"]


def test_what_many_tickets_say_word_by_word_is_how_people_write_here_unless_its_words_are_legal() -> None:
    closing, request = "Tell me what you need of me.", "Please delete all my personal data."
    rows = [("train", None, f"Export {n} fails. {closing} {request}") for n in range(FEWEST_TICKETS)]
    rare = [("train", None, "It is slow today. It is slow today. Hello again there.")]
    legal = [("train", "legal_question", f"Case {n} here. Our terms differ, I fear.") for n in range(9)]
    later = [("evaluation", None, f"Order {n} came. Not to be learnt from.") for n in range(9)]
    columns = ["split", "intent_label", "body"]
    tickets = pd.DataFrame(rows + rare + legal + later, columns=columns).assign(subject=None)
    assert stock_sentences(tickets, shipped_desk()) == [normalise(closing)]
    assert stock_sentences(tickets.iloc[1:], shipped_desk()) == []
