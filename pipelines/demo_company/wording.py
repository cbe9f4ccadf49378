"""What either side writes in a ticket: the customer's message, and the comments that follow."""

from dataclasses import dataclass

from pipelines.demo_company.chance import stream
from pipelines.demo_company.texts.compose import Message, compose, fill
from pipelines.demo_company.texts.phrasebook import Phrasebook, load_phrasebook
from pipelines.demo_company.texts.synonyms import Vocabulary, in_vocabulary
from pipelines.demo_company.tickets import Ticket


@dataclass(frozen=True)
class Writer:
    """Writes the texts of one company in one vocabulary."""

    seed: int
    vocabulary: Vocabulary = "original"

    def message(self, ticket: Ticket) -> tuple[str, str]:
        """Subject and body of the ticket."""
        rng = stream(self.seed, "text", ticket.key)
        contact = ticket.contact
        message = Message(
            intent=ticket.intent,
            second_intent=ticket.second_intent,
            mood=ticket.mood,
            clarity=ticket.clarity,
            impact=ticket.impact,
            attempt=ticket.attempt,
            channel=ticket.channel,
            sender=contact.name,
            company=ticket.account.name,
            typo_rate=contact.sloppiness,
            shouts=contact.shouts,
        )
        subject, body = compose(rng, load_phrasebook(contact.language), message)
        return self._worded(subject, contact.language), self._worded(body, contact.language)

    def same_request(self, ticket: Ticket, key: str) -> tuple[str, str]:
        """Subject and body that ask in the words which ``key`` names, whoever asks; a mood may be added."""
        contact = ticket.contact
        book = load_phrasebook(contact.language)
        rng = stream(self.seed, "same request", key)
        facts = self._facts(ticket, "")
        request = book.requests[ticket.intent]
        subject, problem = rng.choice(request.subjects), rng.choice(request.problems)
        feeling = rng.choice(book.voice["feelings"][ticket.mood])
        closing = rng.choice(book.voice["closings"]["asking"])
        greeting = rng.choice(book.voice["greetings"])
        body = fill(rng, book, f"{greeting}\n\n{problem} {feeling}\n\n{closing}", facts)
        return self._worded(subject, book.language), self._worded(body, book.language)

    def resolution(self, ticket: Ticket, label: str, agent: str, attempt: int = 0) -> str:
        """The agent's solution for what they take the ticket for, in the customer's language."""
        book = load_phrasebook(ticket.contact.language)
        return self._reply(ticket, book.replies[label], agent, f"resolution{attempt}")

    def question(self, ticket: Ticket, agent: str) -> str:
        """The agent asking for more information."""
        book = load_phrasebook(ticket.contact.language)
        return self._reply(ticket, book.desk_voice["questions"], agent, "question")

    def received(self, ticket: Ticket, agent: str) -> str:
        """The agent's first answer where nothing has to be asked."""
        book = load_phrasebook(ticket.contact.language)
        return self._reply(ticket, book.desk_voice["received"], agent, "received")

    def answer(self, ticket: Ticket) -> str:
        """The customer answering the agent's question: the problem, now clearly said."""
        book = load_phrasebook(ticket.contact.language)
        rng = stream(self.seed, "answer", ticket.key)
        problem = rng.choice(book.requests[ticket.intent].problems)
        frame = rng.choice(book.desk_voice["answers"])
        text = fill(rng, book, frame.replace("{problem}", problem), self._facts(ticket, ""))
        return self._worded(text, book.language)

    def complaint(self, ticket: Ticket) -> str:
        """The customer reopening the ticket."""
        book = load_phrasebook(ticket.contact.language)
        return stream(self.seed, "complaint", ticket.key).choice(book.desk_voice["reopens"])

    def note(self, ticket: Ticket, number: int) -> str:
        """The internal note of a handoff."""
        english = load_phrasebook("en")
        return stream(self.seed, "note", ticket.key, number).choice(english.desk_voice["notes"])

    def _reply(self, ticket: Ticket, choices: tuple[str, ...], agent: str, purpose: str) -> str:
        book: Phrasebook = load_phrasebook(ticket.contact.language)
        rng = stream(self.seed, purpose, ticket.key)
        voice, facts = book.desk_voice, self._facts(ticket, agent)
        thanks = rng.choice(voice["thanks"]) if rng.random() < 0.6 else ""
        parts = (rng.choice(voice["greetings"]), thanks, rng.choice(choices), rng.choice(voice["closings"]))
        return self._worded(" ".join(fill(rng, book, part, facts) for part in parts if part), book.language)

    def _facts(self, ticket: Ticket, agent: str) -> dict[str, str]:
        name = ticket.contact.name
        return {"first": name.split()[0], "sender": name, "company": ticket.account.name, "agent": agent}

    def _worded(self, text: str, language: str) -> str:
        return in_vocabulary(text, language, self.vocabulary)
