"""Text and language: one normal form, bounded work, honest about what cannot be told."""

import numpy as np
import pytest

from features.language import UNDETERMINED, detect_language
from features.text import MAX_CHARS, folded, normalise, text_signals, ticket_text


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("pass\u200bword\ufeff", "password"),
        ("ｆｕｌｌ　ｗｉｄｔｈ", "full width"),
        ("a \t b\r\n\n\n c ", "a b\nc"),
        ("\u202eevil", "evil"),
        ("", ""),
        ("é", "é"),
        ("x" * (MAX_CHARS + 1), "x" * MAX_CHARS),
        ("\u200b" * MAX_CHARS + "never read", ""),
    ],
)
def test_normal_form_hides_no_characters_and_has_a_limit(written, normal):
    assert normalise(written) == normal


@pytest.mark.parametrize(
    ("subject", "body", "text"),
    [(None, None, ""), ("Help", None, "Help"), ("", "body", "body"), ("Help", "me", "Help\nme")],
)
def test_ticket_text_needs_neither_part(subject, body, text):
    assert ticket_text(subject, body) == text


def test_folding_forgets_case_accents_and_marks():
    assert folded("Où EST, ma Straße?!") == "ou est ma strasse"


def test_capitals_are_a_share_of_letters_that_have_case():
    signals = text_signals(["", "x", " "], ["HELP me!!", "日本語?", ""])
    np.testing.assert_allclose(signals.caps_share, [4 / 6, np.nan, np.nan])
    assert signals.exclamation_marks.tolist() == [2, 0, 0]
    assert signals.question_marks.tolist() == [0, 1, 0]
    assert signals.subject_empty.tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("I cannot log in to my account, please help me reset my password", "en"),
        ("Ich kann mich nicht anmelden, bitte setzen Sie mein Passwort zurück", "de"),
        ("Je n'arrive pas à me connecter, pouvez-vous m'aider ?", "fr"),
        ("No puedo iniciar sesión en mi cuenta, ayúdenme por favor", "es"),
        ("Não consigo entrar na minha conta, podem ajudar por favor?", "pt"),
        ("ログインできません。助けてください。", "ja"),
        ("", UNDETERMINED),
        ("?! 12345 😀", UNDETERMINED),
        ("hi", UNDETERMINED),
        ("𐌀𐌁𐌂 𐌀𐌁𐌂", UNDETERMINED),
    ],
)
def test_language_is_told_or_said_to_be_unknown(text, language):
    row = detect_language([text]).iloc[0]
    assert row["language"] == language
    assert 0 <= row["language_confidence"] <= 1


def test_no_texts_have_no_languages():
    assert detect_language([]).empty
