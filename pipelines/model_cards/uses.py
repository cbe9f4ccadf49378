"""What each model is for and what it must not be used for: the part of a card that no figure can tell."""

from typing import NamedTuple


class Use(NamedTuple):
    """``purpose`` in a sentence, ``refused`` uses with their reasons."""

    purpose: str
    refused: tuple[str, ...]


_OF_PEOPLE = (
    "Judging agents or customers as people: it reads tickets of one desk, and what it says of a person is an "
    "accident of what that person wrote about."
)
USES: dict[str, Use] = {
    "intent": Use(
        "Says what a ticket is about, how probably that is right, and whether it is about nothing this desk "
        "knows. Its answer is acted on without a person only above thresholds that are proven by intent.",
        (
            "Acting on an intent without a proven threshold, or below it: a probability alone is no proof.",
            "Deciding that a request has no legal weight: policy/escalation reads the words for that.",
            "Another desk's tickets, or a language not named below: train it on that desk's own.",
            _OF_PEOPLE,
        ),
    ),
    "sentiment": Use(
        "Says whether the writer asks, is confused or frustrated, with the signals it read, so that a "
        "frustrated customer is answered sooner and by a person.",
        (
            "Serving a calm customer worse: it may hurry a ticket, never delay one below its promise.",
            "Claims about a person's health, character or emotions: it was taught by reviewers of support "
            "tickets what they call frustrated there, nothing else.",
            "Measuring agents by the mood of the customers they were given.",
        ),
    ),
    "priority": Use(
        "Says how soon a ticket must be answered, as this desk's agents set it; monotone in value at risk.",
        (
            "Replacing a promise: due times come from desk.yaml, whatever the level.",
            "Judging how important a customer is: it never falls with value at risk, but it mostly reads "
            "what happened.",
            _OF_PEOPLE,
        ),
    ),
    "churn": Use(
        "Ranks accounts by the probability of leaving within the horizon, for the success team to call.",
        (
            "Refusing service, or changing the price or the terms of an account.",
            "Forecasting revenue account by account: most of those at the top stay.",
            "People: it is about accounts, their usage and their contracts.",
            "Claiming that a call kept a customer: it was never tested what calling changes.",
        ),
    ),
    "outcomes": Use(
        "Foretells from the features of a new ticket where it will be solved, whether it will be "
        "reassigned, and whether its first answer will be late.",
        (
            "Assigning a ticket to a named person, or judging agents by reassigned or late tickets.",
            "Answering a ticket later because it will be late anyway.",
            "A desk whose queues or promises changed since the training tickets: it tells what was usual.",
        ),
    ),
    "legal_weight": Use(
        "Says how near a ticket comes in meaning to examples of requests of legal weight, so that the "
        "compliance team sees them and no machine answers them.",
        (
            "Deciding that a request has no legal weight: words, intent and people decide beside it, and it "
            "misses some.",
            "Legal advice, or judging whether a request is justified.",
            "A forecast of how many requests come: its score is told among texts like the examples, of which "
            "about half have legal weight.",
            _OF_PEOPLE,
        ),
    ),
}
