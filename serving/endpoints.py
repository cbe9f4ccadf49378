"""The routes: for each what it does, who may use it, what it takes and what it answers, errors included.

The same table makes the routes, guards them and writes the OpenAPI document, so these cannot disagree.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel
from starlette.responses import Response

from serving.door import Caller
from serving.keys import ROLES, Role
from serving.requests import NoQuery, Request

EVERYBODY: frozenset[Role] = frozenset(ROLES)
HELPDESK: frozenset[Role] = frozenset({"helpdesk", "admin"})
PEOPLE: frozenset[Role] = frozenset({"agent", "lead", "admin"})
SPEAKERS: frozenset[Role] = HELPDESK | PEOPLE
LEADS: frozenset[Role] = frozenset({"lead", "admin"})
WATCHERS: frozenset[Role] = frozenset({"ops", "admin"})
AUDITORS: frozenset[Role] = LEADS | WATCHERS
IDEMPOTENCY_KEY = "idempotency-key"
"""The header under which a repeated request counts once."""


@dataclass(frozen=True)
class Asked:
    """One request that was let in."""

    caller: Caller
    body: Any
    """The parsed body, of the endpoint's ``takes``; ``None`` where it takes none."""
    raw: bytes
    query: Any
    path: Mapping[str, str]
    headers: Mapping[str, str]


Handler = Callable[[Asked], Awaitable[Response]]


@dataclass(frozen=True)
class Endpoint:
    """One route. ``roles`` is ``None`` where no key is needed; ``refuses`` are its own error statuses."""

    method: Literal["GET", "POST"]
    path: str
    handler: Handler
    about: str
    roles: frozenset[Role] | None
    answers: type[BaseModel] | None
    takes: type[Request] | None = None
    query: type[Request] = NoQuery
    refuses: Mapping[int, str] = field(default_factory=dict)
    idempotency: Literal["none", "optional", "required"] = "none"
    signed_by_vendor: bool = False
    """A body of a vendor's own shape, verified by its signature."""
    unready: bool = False
    """Whether 503 is an answer of the same form as 200."""
    not_stored: type[BaseModel] | None = None
    """The form of 503, where it says more than what is wrong."""
    media_type: str = "application/json"
    success: int = 200

    @property
    def name(self) -> str:
        """The operation's id: method and path in words."""
        words = self.path.strip("/").replace("{", "").replace("}", "").replace("/", "_").replace(".", "_")
        return f"{self.method.lower()}_{words}"

    @property
    def has_body(self) -> bool:
        """Whether it reads a body."""
        return self.takes is not None or self.signed_by_vendor


def as_json(answer: BaseModel) -> Response:
    """The answer of a route."""
    return Response(answer.model_dump_json(), media_type="application/json")
