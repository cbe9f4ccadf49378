"""Writing a decision back to a helpdesk: what every vendor's ``write_back`` module shares.

``calls(decided, config)`` is pure: it turns a decision into the vendor's requests or refuses, by name and
before anything is sent, values that the vendor does not know or has disabled. Whoever sends the calls does
so in order and stops at the first failure; every call may be repeated except those that add a note or a
reply.
"""

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

from connectors.live.decided import SENDS_REPLY, Decided

Code = int | str
Outcome = Literal["done", "later", "refused"]
"""What became of a call: carried out; not now, ask again; never in this form."""
_LATER = frozenset({408, 409, 425, 429})
Field = Literal[
    "intent",
    "probability",
    "confidence",
    "priority",
    "queue",
    "language",
    "sentiment",
    "action",
    "decision_id",
    "release",
]
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class WriteBackError(ValueError):
    """A decision cannot be written in the vendor's form. Names every value that does not fit, and the fix."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Option(_Part):
    """One value that the vendor offers: its id or code there, and whether it may be used."""

    code: Code
    enabled: bool = True


def _as_option(value: Any) -> Any:
    return {"code": value} if isinstance(value, int | str) else value


Options = dict[str, Annotated[Option, BeforeValidator(_as_option)]]
"""Our name -> the vendor's value; ``billing: 360001`` is short for ``billing: {code: 360001}``."""


class WriteBack(_Part):
    """How one desk's queues, agents and values are called at its vendor."""

    queues: Options
    """Every queue of desk.yaml -> group, team or owner at the vendor."""
    agents: Options = {}
    """Agent id -> the vendor's id. Empty: decisions name queues only."""
    priorities: Options = {}
    """Our level -> the vendor's. Empty: the vendor's standard levels, where it has such."""
    intents: Options = {}
    """Intent -> the value of a drop-down field. Empty: the field takes any text."""
    fields: dict[Field, Code] = {}
    """What to show -> the custom field to show it in."""
    tags: Options = {}
    """``action:assist``, ``intent:refund``, ``escalated:technical`` -> a tag. Others are not written."""
    author: Code | None = None
    """The vendor's user in whose name notes and replies are written, where the vendor wants one."""
    solved: Code | None = None
    """The status of a solved ticket, where the vendor's is not fixed."""
    ticket_prefix: str = ""
    """What the mapping puts before this vendor's ticket ids."""
    api_version: str = ""
    """Where the vendor wants one in every address."""


@dataclass(frozen=True)
class VendorCall:
    """One request to a vendor's API. ``purpose`` says what it is for; ``path`` begins with ``/``."""

    method: str
    path: str
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)
    purpose: Literal["set", "note", "reply", "solve", "assign", "tag", "all"] = "set"


@dataclass
class Chosen:
    """The vendor's names for the values of one decision; what does not fit gathers in ``problems``."""

    vendor: str
    decided: Decided
    config: WriteBack
    problems: list[str] = field(default_factory=list)

    def option(self, options: Options, name: str, kind: str, key: str) -> Code | None:
        """The vendor's value for ``name``; a problem, and ``None``, where it is unknown or disabled."""
        option = options.get(name)
        if option is None:
            known = ", ".join(sorted(options)) or "none"
            self.problems.append(f"{kind} {name!r} has no value there (known: {known}): add it under `{key}`")
            return None
        if not option.enabled:
            self.problems.append(
                f"{kind} {name!r} is disabled there ({option.code}): enable it or map another"
            )
            return None
        return option.code

    def queue(self) -> Code | None:
        """The group, team or owner of the decision's queue."""
        return self.option(self.config.queues, self.decided.queue, "queue", "queues")

    def agent(self) -> Code | None:
        """The agent, where the decision names one and the configuration knows agents."""
        if self.decided.agent is None or not self.config.agents:
            return None
        return self.option(self.config.agents, self.decided.agent, "agent", "agents")

    def priority(self, standard: Options) -> Code | None:
        """The vendor's priority; ``standard`` is what all its accounts have."""
        return self.option(
            self.config.priorities or standard, self.decided.priority, "priority", "priorities"
        )

    def fields(self) -> dict[Code, Code | None]:
        """Custom field -> its value; an empty value empties the field."""
        values: dict[Code, Code | None] = {}
        for name, place in self.config.fields.items():
            value: Code | None = self.decided.fields[name]
            if name == "intent" and isinstance(value, str) and self.config.intents:
                value = self.option(self.config.intents, value, "intent", "intents")
            values[place] = value
        return values

    def tags(self) -> list[Code]:
        """The tags of the decision's labels that the configuration maps."""
        wanted = [label for label in self.decided.labels if label in self.config.tags]
        codes = (self.option(self.config.tags, label, "tag", "tags") for label in wanted)
        return [code for code in codes if code is not None]

    def author(self) -> Code | None:
        """The author; a problem where the vendor wants one and none is set."""
        if self.config.author is None:
            self.problems.append(f"{self.vendor} wants to know who writes: set `author`")
        return self.config.author

    def ticket(self, pattern: str, example: str) -> str:
        """The vendor's id of the ticket, checked against ``pattern``: nothing else gets into a path."""
        found = self.decided.ticket_id.removeprefix(self.config.ticket_prefix)
        if re.fullmatch(pattern, found, re.ASCII) is None:
            self.problems.append(f"ticket {self.decided.ticket_id!r} has no id of the form {example}")
        return found

    def reply(self, max_characters: int) -> str | None:
        """The reply to send: only where the decision is to resolve, by the desk or as an agent approved."""
        if self.decided.action not in SENDS_REPLY:
            return None
        text = plain_text(self.decided.reply or "").strip()
        if not text:
            self.problems.append("the decision resolves the ticket but holds no reply: nothing to send")
        if len(text) > max_characters:
            self.problems.append(f"the reply has {len(text):,} characters, allowed are {max_characters:,}")
        return text

    def refuse_problems(self) -> None:
        """Raise ``WriteBackError`` if there is any problem."""
        if self.problems:
            said = "; ".join(self.problems)
            raise WriteBackError(f"{self.vendor}, decision {self.decided.decision_id}: {said}")


def outcome(status: int, _body: bytes) -> Outcome:
    """What an answer with this HTTP status means, where a vendor's status is the whole truth."""
    if status >= 500 or status in _LATER:
        return "later"
    return "done" if 200 <= status < 300 else "refused"


def plain_text(text: str) -> str:
    """``text`` without control characters and halves of characters, which APIs refuse or drop."""
    return _CONTROL.sub("", text)


def html_text(lines: Iterable[str]) -> str:
    """Lines as HTML that shows exactly their text.

    Braces are written as entities too: helpdesks fill ``{{placeholders}}`` in what an API writes, and a
    customer's words in a note must not read other tickets.
    """
    escaped = (html.escape(plain_text(line)).replace("{", "&#123;").replace("}", "&#125;") for line in lines)
    return "<br>".join(escaped)
