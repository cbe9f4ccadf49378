"""Replies are found, never invented, and never carry another customer's data."""

from datetime import UTC, datetime
from typing import Any

import pytest

from policy.past_reply import common_language, reusable_part
from policy.replies import suggest_reply
from policy.situation import PastTicket
from tests.policy.examples import shipped_desk, situation

ADVICE = "Please open the settings and choose Sync. Then sign in again and start the import with the new key."
GERMAN_ADVICE = (
    "Bitte öffnen Sie die Einstellungen und wählen Sie Abgleich. Danach ist die Verbindung wieder da."
)


def solved(resolution: str | None, similarity: float = 0.8, ticket_id: str = "T-9") -> PastTicket:
    when = datetime(2026, 6, 1, tzinfo=UTC)
    return PastTicket(ticket_id, when, "Sync", "crm_sync_broken", True, resolution, False, similarity)


def asked(**changes: Any) -> Any:
    return situation(**({"intent": "crm_sync_broken", "intent_probability": 0.9} | changes))


@pytest.mark.parametrize(
    ("language", "greeting", "signature"),
    [
        ("en", "Hello Anna Berg,", "Your Larkfield support team"),
        ("de", "Guten Tag Anna Berg,", "Ihr Support-Team von Larkfield"),
        ("fr", "Bonjour Anna Berg,", "Votre équipe d'assistance Larkfield"),
        ("es", "Hola Anna Berg,", "Su equipo de soporte de Larkfield"),
        ("pt", "Olá Anna Berg,", "A sua equipa de suporte Larkfield"),
    ],
)
def test_a_template_is_used_in_the_customers_language(language: str, greeting: str, signature: str) -> None:
    suggestion = suggest_reply(shipped_desk(), situation(language=language))
    assert suggestion is not None
    assert suggestion.reply.startswith(greeting)
    assert suggestion.reply.endswith(signature)
    assert shipped_desk().replies["password_reset"][language] in suggestion.reply
    assert suggestion.sources == (f"template password_reset, {language}",)
    assert suggestion.confidence == 0.99


def test_the_most_similar_past_answer_is_used_and_named() -> None:
    past = (solved(ADVICE.replace("key", "token"), 0.5, "T-7"), solved(ADVICE, 0.8, "T-8"))
    suggestion = suggest_reply(shipped_desk(), asked(similar_solved=past))
    assert suggestion is not None
    assert suggestion.reply == f"Hello Anna Berg,\n\n{ADVICE}\n\nYour Larkfield support team"
    assert suggestion.sources == ("answer to ticket T-8",)
    assert suggestion.confidence == pytest.approx(0.8 * 0.9)


def test_an_article_is_used_where_it_is_better_than_the_past() -> None:
    article = (("42", "Sync", ADVICE),)
    suggestion = suggest_reply(shipped_desk(), asked(articles=article, similar_solved=(solved(ADVICE, 0.4),)))
    assert suggestion is not None
    assert suggestion.sources == ("article 42: Sync",)
    assert suggestion.confidence == pytest.approx(0.6 * 0.9)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="no source at all"),
        pytest.param({"similar_solved": (solved(None),)}, id="solved without an answer"),
        pytest.param({"similar_solved": (solved("Done."),)}, id="too short to help"),
        pytest.param({"similar_solved": (solved(ADVICE, 0.2),)}, id="not similar"),
        pytest.param({"similar_solved": (solved(GERMAN_ADVICE),)}, id="another language"),
        pytest.param({"articles": (("42", "Sync", GERMAN_ADVICE),)}, id="article in another language"),
        pytest.param(
            {"articles": (("42", "Sync", ADVICE),), "out_of_scope": True}, id="article, out of scope"
        ),
        pytest.param(
            {"similar_solved": (solved(ADVICE),), "body": "We take legal action"}, id="legal weight: no draft"
        ),
    ],
)
def test_without_a_sound_source_there_is_no_reply(changes: dict[str, Any]) -> None:
    assert suggest_reply(shipped_desk(), asked(**changes)) is None


def test_without_an_intent_a_past_answer_counts_half() -> None:
    suggestion = suggest_reply(
        shipped_desk(), asked(intent=None, intent_probability=0.0, similar_solved=(solved(ADVICE),))
    )
    assert suggestion is not None
    assert suggestion.confidence == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("written", "secret"),
    [
        (f"Hi Marion,\n\n{ADVICE}\n\nBest regards,\nTom Fischer", "Marion"),
        (f"Hi Marion, {ADVICE}", "Marion"),
        (f"Dear Ms Dupont: {ADVICE}", "Dupont"),
        (f"{ADVICE}\nKind regards\nTom\nLarkfield", "Tom"),
        (f"{ADVICE}\n\nTom Fischer", "Tom"),
        (f"{ADVICE}\nKind regards\nTom Fischer, who takes care of the Dupont group for us.", "Dupont"),
        (f"{ADVICE} I have written to marion@dupont.example too.", "dupont"),
        (f"{ADVICE} I call you on +49 171 234 56 78.", "171"),
        (f"{ADVICE} Your contract AC-20331 is active.", "20331"),
        (f"{ADVICE} See https://app.example/reset?token=abc", "token"),
        (f"{ADVICE} I have told Mrs. Dupont.", "Dupont"),
        (f"{ADVICE} This was ticket #4711.", "4711"),
    ],
)
def test_a_past_answer_loses_every_sign_of_the_earlier_customer(written: str, secret: str) -> None:
    kept = reusable_part(shipped_desk().phrases, written)
    assert secret in written
    assert secret not in kept
    assert kept == ADVICE


def test_an_answer_that_is_mostly_personal_is_not_used() -> None:
    personal = (
        "I have sent the key to marion@dupont.example just now. Ring Marion on 0171 2345678 if it fails."
    )
    assert reusable_part(shipped_desk().phrases, f"{personal} {ADVICE[:41]}") == ""


def test_a_public_help_link_survives() -> None:
    written = f"{ADVICE} More: https://help.example/articles/sync"
    assert reusable_part(shipped_desk().phrases, written) == written


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (ADVICE, "en"),
        (GERMAN_ADVICE, "de"),
        ("Veuillez ouvrir les paramètres et choisir la synchronisation dans le menu.", "fr"),
        ("Por favor abra los ajustes y elija la sincronización en el menú para su cuenta.", "es"),
        ("Por favor abra as definições e escolha a sincronização no menu da sua conta.", "pt"),
        ("設定を開いてください。", None),
        ("", None),
    ],
)
def test_the_language_of_a_past_answer_is_told_by_common_words(text: str, language: str | None) -> None:
    assert common_language(shipped_desk().phrases, text) == language


def test_the_reply_never_greets_by_a_name_with_line_breaks() -> None:
    suggestion = suggest_reply(shipped_desk(), situation(contact_name="Anna\n\nBerg\r\nX"))
    assert suggestion is not None
    assert suggestion.reply.startswith("Hello Anna Berg X,\n\n")
