"""A reply to start from: the desk's own template, a proven past answer or an article. Nothing is invented."""

from dataclasses import dataclass

from policy.desk_schema import Brand, Desk
from policy.escalation import regulatory_reason
from policy.past_reply import common_language, reusable_part
from policy.situation import Situation

_LEAST_SIMILARITY = 0.3
_ARTICLE_EVIDENCE = 0.6
_UNKNOWN_INTENT_PROBABILITY = 0.5
"""What a past answer to a similar ticket is worth where no intent backs it up."""
_ARTICLE_CHARACTERS = 700


@dataclass(frozen=True)
class SuggestionCall:
    """A reply in the customer's language, how far to trust it (0 to 1), and where it comes from."""

    reply: str
    confidence: float
    sources: tuple[str, ...]


def suggest_reply(desk: Desk, situation: Situation) -> SuggestionCall | None:
    """The best-founded reply; ``None`` where there is no source in the customer's language.

    ``confidence`` is the probability of the intent times the evidence for the text: 1 for the desk's
    template, the similarity for a past answer, 0.6 for an article. Tickets of legal weight get no
    draft: every word of such an answer is the compliance team's.
    """
    if regulatory_reason(desk, situation) is not None:
        return None
    candidates = [*_templates(desk, situation), *_past_answers(desk, situation), *_articles(desk, situation)]
    if not candidates:
        return None
    evidence, body, source = max(candidates, key=lambda candidate: candidate[0])
    known = situation.intent is not None and not situation.out_of_scope
    probability = situation.intent_probability if known else _UNKNOWN_INTENT_PROBABILITY
    reply = _in_brand_voice(desk.brand, situation, body)
    return SuggestionCall(reply, round(min(evidence * probability, 1.0), 4), (source,))


def _templates(desk: Desk, situation: Situation) -> list[tuple[float, str, str]]:
    if situation.intent is None or situation.out_of_scope:
        return []
    written = desk.replies.get(situation.intent, {}).get(situation.language)
    return [(1.0, written.strip(), f"template {situation.intent}, {situation.language}")] if written else []


def _past_answers(desk: Desk, situation: Situation) -> list[tuple[float, str, str]]:
    found = []
    for past in situation.similar_solved:
        text = reusable_part(desk.phrases, past.resolution or "")
        if text and past.similarity >= _LEAST_SIMILARITY and _fits(desk, situation, text):
            found.append((min(past.similarity, 0.99), text, f"answer to ticket {past.ticket_id}"))
    return found


def _articles(desk: Desk, situation: Situation) -> list[tuple[float, str, str]]:
    if situation.intent is None or situation.out_of_scope:
        return []
    found = []
    for article_id, title, body in situation.articles:
        text = _shortened(" ".join(body.split()))
        if text and _fits(desk, situation, text):
            found.append((_ARTICLE_EVIDENCE, text, f"article {article_id}: {title}"))
    return found[:1]


def _fits(desk: Desk, situation: Situation, text: str) -> bool:
    """Whether ``text`` is in the ticket's language, as far as common words can tell."""
    language = common_language(desk.phrases, text)
    return (
        language == situation.language
        if situation.language in desk.phrases.common_words
        else language is None
    )


def _shortened(text: str) -> str:
    """``text`` up to the last full sentence within the limit."""
    if len(text) <= _ARTICLE_CHARACTERS:
        return text
    cut = text[:_ARTICLE_CHARACTERS]
    end = cut.rfind(". ")
    return cut[: end + 1] if end > 0 else f"{cut.rsplit(' ', 1)[0]} …"


def _in_brand_voice(brand: Brand, situation: Situation, body: str) -> str:
    """``body`` with greeting and signature in the same language, or only the brand's name if it has none."""
    name = " ".join((situation.contact_name or "").split())
    greeting = brand.greeting.get(situation.language)
    opening = [f"{greeting} {name}".strip() + ","] if greeting else []
    return "\n\n".join([*opening, body, brand.signature.get(situation.language, brand.name)])
