"""What tells a forgotten person or account in texts and records of others, and how it is taken out.

A mark is a contact id, a handle's value, a name that nobody else has, or a whole text of theirs. Marks
shorter than ``SHORTEST`` (an id like "17") occur by chance everywhere: they are found by their column, never
in text.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

SHORTEST = 6
"""Characters of the shortest mark that is looked for inside texts."""
ANSWER_TO = "answer to ticket "
"""How a suggestion names the past ticket that it was taken from (``policy.replies``)."""
_BEFORE, _AFTER = r"(?<![\w.+@-])", r"(?!-?\w|\.\w|@)"


@dataclass(frozen=True)
class Marks:
    """Marks and tickets of whoever is forgotten, and the ``pseudonym`` that stands for all of them now."""

    pseudonym: str
    strings: tuple[str, ...]
    tickets: frozenset[str] = frozenset()

    @classmethod
    def of(cls, pseudonym: str, strings: Iterable[str], tickets: Iterable[str] = ()) -> "Marks":
        """Marks without those that are too short, the longest first: a name may be part of a text."""
        long = {text for text in strings if len(text) >= SHORTEST}
        return cls(pseudonym, tuple(sorted(long, key=lambda text: (-len(text), text))), frozenset(tickets))

    @cached_property
    def _within(self) -> re.Pattern[str]:
        either = "|".join(map(re.escape, self.strings)) or r"(?!)"
        return re.compile(f"{_BEFORE}(?:{either}){_AFTER}", re.IGNORECASE)

    def is_in(self, text: str) -> bool:
        """Whether one of them is in ``text``, not as a part of a longer word, number or address."""
        return self._within.search(text) is not None

    def masked(self, text: str) -> str:
        """``text`` with the pseudonym in the place of each."""
        return self._within.sub(self.pseudonym, text)

    def masked_value(self, value: Any) -> Any:
        """A record (parsed JSON) of somebody else without them.

        A past ticket of theirs loses its id, subject and resolution, and a suggestion taken from one is gone.
        """
        if isinstance(value, str):
            return self.masked(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return None if self._within.fullmatch(str(value)) else value
        if isinstance(value, list | tuple):
            return [self.masked_value(part) for part in value]
        if not isinstance(value, Mapping):
            return value
        if value.get("ticket_id") in self.tickets and "subject" in value:
            value = {**value, "ticket_id": self.pseudonym, "subject": "", "resolution": None}
        if self._is_their_answer(value):
            return None
        if isinstance(value.get("ticket_ids"), list):
            ids = [self.pseudonym if one in self.tickets else one for one in value["ticket_ids"]]
            value = {**value, "ticket_ids": ids}
        return {self.masked(name): self.masked_value(part) for name, part in value.items()}

    def masked_cell(self, cell: str) -> str:
        """A text or a JSON document as it is stored; one without them comes back as it was."""
        try:
            content = json.loads(cell) if cell[:1] in ("{", "[") else None
        except ValueError:
            content = None
        if content is None:
            return self.masked(cell)
        without = self.masked_value(content)
        return cell if without == content else json.dumps(without, ensure_ascii=False, separators=(",", ":"))

    def _is_their_answer(self, value: Mapping[str, Any]) -> bool:
        sources = value.get("sources")
        if not isinstance(sources, list):
            return False
        named = (str(source).removeprefix(ANSWER_TO) for source in sources if ANSWER_TO in str(source))
        return any(ticket_id in self.tickets for ticket_id in named)
