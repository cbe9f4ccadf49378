"""Wordings: what they match, and that disguising the letters changes nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.phrases import Topic, normalised_words


def topic(*wordings: str, unless: tuple[str, ...] = ()) -> Topic:
    return Topic(asks={"en": wordings}, unless={"en": unless})


@pytest.mark.parametrize(
    ("wording", "text", "found"),
    [
        pytest.param("close account", "please close account 5", True, id="words in a row"),
        pytest.param("close account", "close the account", False, id="a word between"),
        pytest.param("close .. account", "close all of our old account", True, id="gap of four"),
        pytest.param("close .. account", "close all of our very old account", False, id="gap of five"),
        pytest.param("close .. account", "We close. My account is new", False, id="gap over a sentence"),
        pytest.param("close .. account", "close my\naccount", True, id="gap over a line break"),
        pytest.param("close .. account", "close\n\naccount", False, id="gap over a paragraph"),
        pytest.param("close my? account", "close account", True, id="optional left out"),
        pytest.param("close|shut account", "shut account", True, id="alternative"),
        pytest.param("clos* account", "closing account", True, id="any ending"),
        pytest.param("clos account", "closing account", False, id="whole words only"),
        pytest.param("account", "accounts", False, id="whole word at the end"),
        pytest.param("*konto", "Kundenkonto", True, id="any beginning"),
        pytest.param("dont|don_t close", "Don't close", True, id="apostrophe"),
        pytest.param("art_17", "Art. 17", True, id="abbreviation before a number ends no sentence"),
        pytest.param("löschen", "LOESCHEN", True, id="umlaut spelt out"),
        pytest.param("löschen", "loschen", True, id="umlaut dropped"),
        pytest.param("straße", "STRASSE", True, id="sharp s"),
        pytest.param("ação", "acao", True, id="accents dropped"),
    ],
)
def test_a_wording_matches_what_it_reads_like(wording: str, text: str, found: bool) -> None:
    assert (topic(wording).found_in(normalised_words(text)) is not None) == found


@pytest.mark.parametrize(
    "disguised",
    [
        "DELETE my data",
        "d\u200belete m\u00ady da\u2060ta",
        "dеletе my dаtа",  # Cyrillic е and а
        "ｄｅｌｅｔｅ ｍｙ ｄａｔａ",
        "𝐝𝐞𝐥𝐞𝐭𝐞 𝐦𝐲 𝐝𝐚𝐭𝐚",
        "dèlétë my dåta",
        "d3lete my d4ta",
        "delete... \ndelete   my\t\tdata",
        "delete-my_data",
        "»delete my data«",
    ],
)
def test_disguised_letters_are_read_all_the_same(disguised: str) -> None:
    assert topic("delete my data").found_in(normalised_words(disguised)) == "delete my data"


def test_unless_cancels_only_what_it_overlaps() -> None:
    talk = topic("delete .. data", unless=("not delete",))
    assert talk.found_in(normalised_words("do not delete the data")) is None
    assert talk.found_in(normalised_words("do not delete the file but delete my data")) == "delete my data"


@pytest.mark.parametrize("wording", ["..", "my?", "| a", "!!"])
def test_a_wording_without_words_is_refused(wording: str) -> None:
    with pytest.raises(ValueError, match=r"has no word|would match every text"):
        topic(wording)


@given(st.text(max_size=300))
def test_normalising_any_text_keeps_its_form(text: str) -> None:
    words = normalised_words(text)
    assert words.startswith(" ")
    assert words.endswith(" ")
    assert "\n" not in words
    assert "   " not in words
