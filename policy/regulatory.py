"""Whether a ticket has legal weight: by its words, by examples that mean the same, by its intent.

Words are listed wordings and groups of words that mean it together. Without a model of legal weight they are
enough alone. With it, words and meaning have to agree, or the meaning has to be clear by itself; where only
one of them says it, the ticket may have legal weight, and people stay in charge of it.
"""

from collections.abc import Mapping
from typing import NamedTuple

from policy.concepts import concepts_in
from policy.desk_schema import Desk
from policy.phrases import Phrasebook, Topic, normalised_words
from policy.situation import LegalWeight, Situation
from policy.wording import sure


class LegalCall(NamedTuple):
    """Why a ticket has, or may have, legal weight. ``certain``: it goes to compliance; else it is only never
    automated."""

    reason: str
    certain: bool


def legal_call(desk: Desk, situation: Situation) -> LegalCall | None:
    """What speaks for legal weight; ``None`` if nothing does.

    The intent counts from a low probability on, because a missed legal request costs more than a needless
    look by the compliance team.
    """
    call = call_of_text(desk, f"{situation.subject}\n\n{situation.body}", situation.legal_weight)
    if call is not None and call.certain:
        return call
    probable = situation.intent_probability >= desk.escalation.regulatory_probability
    if desk.intent_policy(situation.intent).regulatory and probable:
        said = f"'{situation.intent}' ({sure(situation.intent_probability)}) has legal weight"
        return LegalCall(said, certain=True)
    return call


def call_of_text(desk: Desk, text: str, meant: LegalWeight | None) -> LegalCall | None:
    """What the words of ``text`` and its meaning say together; the desk's own wordings are enough alone."""
    book, rules, words = desk.phrases, desk.escalation.legal_weight, normalised_words(text)
    asked = listed_wording(book.own_regulatory, words)
    if asked is not None:
        return LegalCall(asked, certain=True)
    worded = wording_of_legal_weight(book.regulatory, words, book.concepts)
    if meant is None:
        return LegalCall(worded, certain=True) if worded is not None else None
    if worded is not None:
        agreed = meant.probability >= rules.doubt
        return LegalCall(worded if agreed else f"perhaps {worded}", certain=agreed)
    if meant.probability < rules.doubt:
        return None
    certain = meant.probability >= rules.sure
    said = _like_examples(book, meant)
    return LegalCall(said if certain else f"perhaps {said}", certain)


def _like_examples(book: Phrasebook, meant: LegalWeight) -> str:
    topic = book.regulatory.get(meant.concern)
    about = topic.about if topic is not None else "has legal weight"
    evidence = f'"{meant.part}" is near in meaning to "{meant.like}", score {meant.probability:.2f}'
    return f"the text {about} ({evidence})"


def wording_of_legal_weight(topics: Mapping[str, Topic], words: str, concepts: str = "") -> str | None:
    """What normalised ``words`` ask for, with the words that say it; ``None`` if nothing does.

    ``concepts``: the file that counts, as text; empty: the platform's.
    """
    found = listed_wording(topics, words)
    if found is not None:
        return found
    meant = concepts_in(concepts).found_in(words, topics)
    if meant is None:
        return None
    name, evidence = meant
    return f'the text {topics[name].about} ("{evidence}")'


def listed_wording(topics: Mapping[str, Topic], words: str) -> str | None:
    """What normalised ``words`` ask for by a wording that is listed; ``None`` if none does."""
    for topic in topics.values():
        found = topic.found_in(words)
        if found is not None:
            return f'the text {topic.about} ("{found}")'
    return None
