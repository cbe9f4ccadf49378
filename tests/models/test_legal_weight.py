"""Legal weight by meaning: across languages, inside mixed tickets, judged on authors that were left out."""

import json
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from models.legal_weight import LearntLegalWeight, LegalWeightModel, learn_legal_weight, parts_of
from models.sentences import EncoderMissingError

REQUESTS = {
    "en": [
        ("Please erase everything you hold about me.", "deletion"),
        ("Send me a copy of all personal data you store about me.", "access"),
        ("My lawyer will contact you if this is not settled.", "legal"),
        ("I am blind and my screen reader cannot read your menu.", "accessibility"),
        ("I found a hole that lets anybody read other customers' files.", "security"),
    ],
    "de": [
        ("Löschen Sie bitte alles, was Sie über mich gespeichert haben.", "deletion"),
        ("Welche Daten haben Sie über mich gespeichert? Bitte um Auskunft.", "access"),
        ("Sonst sehen wir uns vor Gericht.", "legal"),
        ("Ich bin gehörlos und Ihre Videos haben keine Untertitel.", "accessibility"),
        ("Jemand Fremdes hat sich in unser Konto eingeloggt.", "security"),
    ],
}
ORDINARY = {
    "en": [
        "How do I delete a chart from the dashboard?",
        "Where do I find the invoice for March?",
        "The export has been stuck since this morning.",
        "Please reset my password.",
        "Can I add two seats to our plan?",
    ],
    "de": [
        "Wie lösche ich eine Zeile aus der Tabelle?",
        "Wo finde ich die Rechnung vom März?",
        "Der Export hängt seit heute Morgen.",
        "Bitte setzen Sie mein Passwort zurück.",
        "Können wir zwei Plätze hinzubuchen?",
    ],
}


def examples() -> pd.DataFrame:
    rows = [(text, "regulatory", who, concern) for who, told in REQUESTS.items() for text, concern in told]
    rows += [(text, "ordinary", who, "") for who, told in ORDINARY.items() for text in told]
    return pd.DataFrame(rows, columns=["text", "label", "author", "concern"])


@cache
def learnt() -> LearntLegalWeight:
    return learn_legal_weight(examples())


@pytest.mark.parametrize(
    ("text", "concern"),
    [
        pytest.param("Supprimez toutes les données que vous avez sur moi.", "deletion", id="fr"),
        pytest.param("Quiero una copia de todos los datos personales que guardan de mí.", "access", id="es"),
        pytest.param("Se não resolverem, o meu advogado entrará em contacto.", "legal", id="pt"),
        pytest.param("Nothing of mine shall stay on your servers.", "deletion", id="in words of no example"),
    ],
)
def test_a_request_is_known_by_what_it_means_in_languages_without_an_example(text: str, concern: str) -> None:
    read = learnt().model.read(text)
    assert read.concern == concern
    assert read.probability > 0.6


@pytest.mark.parametrize(
    "text",
    [
        "Comment supprimer un graphique ?",
        "¿Dónde está la factura de marzo?",
        "Onde encontro a fatura de março?",
    ],
)
def test_an_ordinary_text_in_another_language_is_none(text: str) -> None:
    assert learnt().model.read(text).probability < 0.4


def test_the_part_of_a_mixed_ticket_that_asks_is_found_and_quoted() -> None:
    around = "Hello, I hope you are well. The export for March is stuck. "
    read = learnt().model.read(f"{around}Also erase everything that you hold about me. Thanks, Rose")
    assert read.part == "Also erase everything that you hold about me."
    assert read.probability > learnt().model.read(f"{around}Thanks, Rose").probability + 0.2


def test_what_an_author_wrote_is_judged_without_anything_that_author_wrote() -> None:
    told = examples()
    mine = told["author"] == "de"
    flipped = told.assign(
        label=told["label"].where(
            ~mine, told["label"].map({"regulatory": "ordinary", "ordinary": "regulatory"})
        )
    )
    before, after = learnt(), learn_legal_weight(flipped)
    told_apart = before.out_of_author[mine & (told["label"] == "regulatory")].mean()
    assert told_apart > before.out_of_author[mine & (told["label"] == "ordinary")].mean() + 0.2
    # scores of the German texts come from English examples alone, which are as they were: same order
    assert before.out_of_author[mine].argsort().tolist() in (
        after.out_of_author[mine].argsort().tolist(),
        after.out_of_author[mine].argsort()[::-1].tolist(),
    )


def test_tickets_of_the_desk_make_their_like_ordinary_but_never_a_request() -> None:
    own = ["Our turbine stopped again.", "Turbine 7 stopped at noon.", "Erase everything you hold about us."]
    desk = learn_legal_weight(examples(), own)
    assert len(desk.model.votes) == len(examples()) + 2  # the request among them was left out
    asked = "The turbine stopped."
    assert desk.model.read(asked).probability < learnt().model.read(asked).probability


def test_a_sentence_that_many_tickets_hold_is_ordinary_whatever_it_is_near_to() -> None:
    said = "Tell me what you need to know about me."
    desk = learn_legal_weight(examples(), stock=[said])
    assert len(desk.model.votes) == len(examples()) + 1
    assert desk.model.read(said).probability < learnt().model.read(said).probability - 0.1


def test_one_author_alone_cannot_be_judged() -> None:
    with pytest.raises(ValueError, match="at least 2 must"):
        learn_legal_weight(examples().assign(author="me"))


@pytest.mark.parametrize("text", ["", "   ", "?!", "🙂"])
def test_a_text_without_words_is_read_without_harm(text: str) -> None:
    assert 0 < learnt().model.read(text).probability < 1


def test_a_text_is_read_whole_and_by_sentences_but_not_by_every_word() -> None:
    assert list(parts_of("Hi. Please delete my data. Thanks!")) == [
        "Hi. Please delete my data. Thanks!",
        "Please delete my data.",
    ]
    assert len(list(parts_of("One two three. " * 200))) == 13


def test_a_saved_model_says_the_same(tmp_path: Path) -> None:
    learnt().model.save(tmp_path)
    text = "Please remove all that you know about me."
    assert LegalWeightModel.load(tmp_path).read(text) == learnt().model.read(text)


def test_a_model_of_another_encoder_is_not_loaded(tmp_path: Path) -> None:
    learnt().model.save(tmp_path)
    document = json.loads((tmp_path / "model.json").read_text("utf-8"))
    document["encoder"]["model_sha256"] = "0" * 64
    (tmp_path / "model.json").write_text(json.dumps(document), "utf-8")
    with pytest.raises(EncoderMissingError, match="train again"):
        LegalWeightModel.load(tmp_path)
