"""The phrase books are complete, and the texts are neither trivial nor hopeless."""

import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_union

from pipelines.demo_company import write_company
from pipelines.demo_company.catalogue import INTENTS, LANGUAGES
from pipelines.demo_company.chance import stream
from pipelines.demo_company.texts.compose import fill
from pipelines.demo_company.texts.phrasebook import load_phrasebook
from pipelines.demo_company.texts.synonyms import in_vocabulary
from pipelines.params import DemoCompanyParams

from .conftest import Written

FACTS = {"sender": "Ann Lee", "first": "Ann", "company": "Lee Ltd", "agent": "Bo"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_can_ask_and_answer_everything(language: str) -> None:
    book, english = load_phrasebook(language), load_phrasebook("en")
    assert set(book.requests) == set(book.replies) == set(INTENTS)
    assert set(book.shared) == {intent.cluster for intent in INTENTS.values()}
    assert (set(book.voice), set(book.slots)) == (set(english.voice), set(english.slots))
    assert "password_reset" in book.articles
    phrases = [p for r in book.requests.values() for p in (*r.subjects, *r.problems, *r.details)]
    for phrase in (*phrases, *(p for shared in book.shared.values() for p in shared)):
        assert "{" not in fill(stream(phrase), book, phrase, FACTS)


@pytest.mark.parametrize(
    ("text", "language", "reworded"),
    [
        ("I forgot my Password", "en", "I forgot my Passphrase"),
        ("MY PASSWORD", "en", "MY PASSPHRASE"),
        ("log in now", "en", "sign on now"),
        ("Bitte kündigen Sie", "de", "Bitte beenden Sie"),
        ("nothing of the kind", "en", "nothing of the kind"),
    ],
)
def test_synonyms_replace_content_words_and_keep_capitals(text: str, language: str, reworded: str) -> None:
    assert in_vocabulary(text, language, "synonyms") == reworded
    assert in_vocabulary(text, language, "original") == text


def test_a_linear_model_on_n_grams_finds_the_intents_neither_trivial_nor_hopeless(tmp_path: Path) -> None:
    params = DemoCompanyParams(seed=2, accounts=300, months=6, tickets=7000, end=date(2026, 7, 1))
    write_company(params, tmp_path / "data", tmp_path / "truth")
    company = Written(tmp_path / "data", tmp_path / "truth")
    truth = company.ticket_truth()
    tickets = company.json_lines("zendesk/tickets-*.jsonl")
    texts = np.array([f"{t['subject']}\n{t['description']}" for t in tickets])
    labels = np.array(
        [next(f["value"] for f in t["custom_fields"] if f["id"] == 1003) or "" for t in tickets]
    )
    right = np.array([truth[t["id"]]["intent"] for t in tickets])
    is_new = np.arange(len(tickets)) >= int(0.8 * len(tickets))
    learnt = ~is_new & (labels != "")
    n_grams = make_union(
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), max_features=20_000, sublinear_tf=True),
    )
    model = SGDClassifier(loss="log_loss", alpha=3e-6, max_iter=6, tol=None, random_state=0)
    model.fit(n_grams.fit_transform(texts[learnt]), labels[learnt])
    accuracy = np.mean(model.predict(n_grams.transform(texts[is_new])) == right[is_new])
    assert 0.70 < accuracy < 0.92, f"n-gram accuracy {accuracy:.3f}"


def test_the_company_can_be_written_in_other_words(tmp_path: Path) -> None:
    params = DemoCompanyParams(seed=2, accounts=30, months=3, tickets=400, end=date(2026, 7, 1))
    write_company(params, tmp_path / "data", tmp_path / "truth", vocabulary="synonyms")
    bodies = [
        json.loads(line)["description"].lower()
        for path in sorted((tmp_path / "data/zendesk").glob("tickets-*"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    assert sum("passphrase" in body for body in bodies) > 3
    assert not [body for body in bodies if " password " in body]
