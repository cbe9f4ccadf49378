"""The grammar: puts openings, problems, details, moods and closings together into what a customer writes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from pipelines.demo_company.catalogue import INTENTS
from pipelines.demo_company.texts.noise import shout, with_typos
from pipelines.demo_company.texts.phrasebook import Phrasebook

_BRACES = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class Message:
    """What is to be said. ``clarity``: clear, blurred (only what rival intents say too) or vague."""

    intent: str
    second_intent: str | None
    mood: str
    clarity: str
    impact: int
    attempt: int
    channel: str
    sender: str
    company: str
    typo_rate: float
    shouts: bool


def fill(rng: Random, book: Phrasebook, phrase: str, facts: Mapping[str, str]) -> str:
    """``phrase`` with ``{one|or another}`` decided and each ``{slot}`` filled: a fact, a phrase, a number."""

    def decide(match: re.Match[str]) -> str:
        inside = match.group(1)
        if "|" in inside:
            return rng.choice(inside.split("|"))
        if inside in facts:
            return facts[inside]
        if inside in book.slots:
            return rng.choice(book.slots[inside])
        return _number(rng, inside)

    return _BRACES.sub(decide, phrase)


def _number(rng: Random, slot: str) -> str:
    """A made-up invoice, amount, code, count, clock time or day."""
    if slot == "invoice":
        return f"INV-{rng.randint(2024, 2026)}-{rng.randint(100, 99999):05d}"
    if slot == "amount":
        return f"{rng.randint(9, 4800)}.{rng.choice(('00', '00', '50', '90'))}"
    if slot == "code":
        return rng.choice(("403", "500", "502", "E-1042", "E-2210", "504", "0x80", "E-77", "429", "401"))
    if slot == "count":
        return str(rng.choice((2, 3, 4, 5, 8, 12, 20, 35, 60, 140)))
    if slot == "clock":
        return f"{rng.randint(6, 19)}:{rng.choice(('00', '10', '15', '30', '45', '50'))}"
    if slot == "day":
        return f"{rng.randint(1, 28)}.{rng.randint(1, 12)}."
    raise KeyError(f"the grammar has no slot {{{slot}}}")


def compose(rng: Random, book: Phrasebook, message: Message) -> tuple[str, str]:
    """Subject (empty where the channel has none) and body."""
    facts = {"sender": message.sender, "company": message.company, "first": message.sender.split()[0]}
    parts = [fill(rng, book, part, facts) for part in _sentences(rng, book, message)]
    body = " ".join(_capitalised(part) for part in parts if part)
    body = with_typos(rng, body, message.typo_rate * (2.5 if message.channel in ("chat", "social") else 1.0))
    subject = "" if message.channel in ("chat", "social") else _subject(rng, book, message, facts)
    if message.mood == "frustrated" and message.shouts:
        subject, body = shout(rng, subject), shout(rng, body)
    return subject, _framed(rng, book, message, facts, body)


def _sentences(rng: Random, book: Phrasebook, message: Message) -> list[str]:
    """The sentences between greeting and signature, unfilled."""
    voice, mood = book.voice, message.mood
    short = message.channel in ("chat", "social")
    sentences = []
    if rng.random() < (0.25 if short else 0.45):
        sentences.append(rng.choice(voice["openings"][mood]))
    if message.attempt > 1 and rng.random() < 0.75:
        sentences.append(rng.choice(voice["again"]))
    sentences.extend(_problem(rng, book, message))
    if message.impact and message.clarity != "vague" and rng.random() < 0.5:
        sentences.append(rng.choice(voice["impact"]["team" if message.impact == 1 else "company"]))
    if rng.random() < {"asking": 0.25, "confused": 0.7, "frustrated": 0.7}[mood]:
        sentences.append(rng.choice(voice["feelings"][mood]))
    if message.second_intent and message.clarity != "vague":
        second = rng.choice(book.requests[message.second_intent].problems)
        sentences.append(rng.choice(voice["also"]).replace("{second}", second))
    return sentences


def _problem(rng: Random, book: Phrasebook, message: Message) -> list[str]:
    """The problem: said clearly, only as its rivals would say it too, or hardly at all."""
    request = book.requests[message.intent]
    shared = book.shared[INTENTS[message.intent].cluster]
    if message.clarity == "vague":
        return [rng.choice(book.voice["vague"])]
    if message.clarity == "blurred":
        return [rng.choice(shared), *([rng.choice(request.details)] if rng.random() < 0.3 else [])]
    said = [rng.choice(request.problems)]
    if rng.random() < 0.22:
        said.insert(rng.randrange(2), rng.choice(shared))
    if rng.random() < (0.25 if message.channel in ("chat", "social") else 0.5):
        said.append(rng.choice(request.details))
    return said


def _subject(rng: Random, book: Phrasebook, message: Message, facts: Mapping[str, str]) -> str:
    """A subject line: sometimes about the issue, sometimes about nothing."""
    if message.clarity == "clear" and rng.random() < 0.7:
        subject = rng.choice(book.requests[message.intent].subjects)
    elif rng.random() < 0.12:
        return ""
    else:
        subject = rng.choice(book.voice["subjects"][message.mood])
    return _capitalised(fill(rng, book, subject, facts))


def _framed(rng: Random, book: Phrasebook, message: Message, facts: Mapping[str, str], body: str) -> str:
    """The body with what its channel puts around it."""
    voice = book.voice
    if message.channel == "phone":
        return f"{fill(rng, book, rng.choice(voice['phone']), facts)} {body}"
    if message.channel == "social":
        return f"@vendor {body}"
    if message.channel == "chat":
        return (
            f"{fill(rng, book, rng.choice(voice['greetings']), facts)} {body}" if rng.random() < 0.4 else body
        )
    lines = []
    if rng.random() < (0.5 if message.mood == "frustrated" else 0.85):
        lines.append(fill(rng, book, rng.choice(voice["greetings"]), facts))
    lines.append(body)
    if rng.random() < 0.8:
        lines.append(fill(rng, book, rng.choice(voice["closings"][message.mood]), facts))
    return "\n\n".join(lines)


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
