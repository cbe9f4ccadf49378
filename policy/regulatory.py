"""Whether a wording has legal weight: listed wordings first, then groups of words that mean it together."""

from collections.abc import Mapping

from policy.concepts import concepts_in
from policy.phrases import Topic


def wording_of_legal_weight(topics: Mapping[str, Topic], words: str, concepts: str = "") -> str | None:
    """What normalised ``words`` ask for, with the words that say it; ``None`` if nothing does.

    ``concepts``: the file that counts, as text; empty: the platform's.
    """
    for topic in topics.values():
        found = topic.found_in(words)
        if found is not None:
            return f'the text {topic.about} ("{found}")'
    meant = concepts_in(concepts).found_in(words, topics)
    if meant is None:
        return None
    name, evidence = meant
    return f'the text {topics[name].about} ("{evidence}")'
