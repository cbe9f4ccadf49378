"""What may be asked of the service, and how a body that asks something else is told so."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    field_validator,
)

from features.schema import CHANNELS, LEVELS
from serving.problems import Problem, shown
from serving.records import request_text

_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)
MAX_BATCH = 100
MAX_PAGE = 5000


def _plausible(at: datetime) -> datetime:
    if not _EARLIEST <= at < _LATEST:
        raise ValueError(f"a moment from {_EARLIEST:%Y} to {_LATEST:%Y} is required")
    return at


Id = Annotated[str, Field(min_length=1, max_length=255)]
_WRITTEN = (
    r"^(199[1-9]|20[0-8][0-9])-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"([.][0-9]{1,6})?(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])$"
)


def _as_written(value: object) -> object:
    if isinstance(value, str | datetime):
        return value
    raise ValueError("a time is written as text, for example 2026-01-31T09:30:00+01:00")


Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_as_written),
    AfterValidator(_plausible),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": _WRITTEN}),
]
"""A time with an offset that no misread format gives."""


class Part(BaseModel):
    """What every body and query keeps to: no unknown field, no character that a database cannot hold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def _storable_text(cls, value: object) -> object:
        """PostgreSQL stores no NUL character, and nobody means one."""
        if isinstance(value, list):
            return [part.replace("\x00", "\ufffd") if isinstance(part, str) else part for part in value]
        return value.replace("\x00", "\ufffd") if isinstance(value, str) else value


class Request(Part):
    """A whole request: what is stored of it, and what makes two the same."""

    @property
    def text(self) -> str:
        """The request as the store keeps it: canonical JSON without empty fields."""
        return request_text(self.model_dump(mode="json"))

    @property
    def body_hash(self) -> str:
        """SHA-256 of ``text``: the same for the same request, however its JSON was written."""
        return hashlib.sha256(self.text.encode()).hexdigest()


class Opening(Part):
    """What whoever filed the ticket wrote into the desk's form beside the text, in the desk's own names.

    The outcome models read it as ``features.opening`` defines it: what was filed together with the ticket.
    """

    intent: Id | None = None
    queue: Id | None = None
    priority: Id | None = None
    note: Annotated[str, Field(max_length=20_000)] | None = None
    agent_id: Id | None = None
    """The agent who filed it for somebody; left out where a customer or a rule did."""


class TriageRequest(Request):
    """One ticket to decide. ``created_at`` is now where it is left out; ``contact_handle`` is kind:value."""

    ticket_id: Id
    channel: Literal[CHANNELS]  # type: ignore[valid-type]
    subject: str | None = None
    body: str | None = None
    created_at: Moment | None = None
    account_id: Id | None = None
    contact_id: Id | None = None
    contact_handle: Annotated[str, Field(pattern=r"^[a-z_]+:.+", max_length=255)] | None = None
    language: Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$")] | None = None
    """What the source declares; it counts where the text is too short to tell."""
    product_area: Id | None = None
    requested_priority: Literal[LEVELS] | None = None  # type: ignore[valid-type]
    opening: Opening | None = None
    as_of: Moment | None = None


class BatchRequest(Request):
    """Several tickets to decide, each for itself: what fails of one does not keep another back."""

    tickets: Annotated[list[TriageRequest], Field(min_length=1, max_length=MAX_BATCH)]


class FeedbackRequest(Request):
    """What an agent says about a decision; ``field`` and ``value`` where the verdict changes something."""

    decision_id: Id
    verdict: Literal["approve", "modify", "reject", "override"]
    field: Id | None = None
    value: Annotated[str, Field(max_length=20_000)] | None = None
    reason: Annotated[str, Field(max_length=5_000)] | None = None
    agent_id: Id
    as_of: Moment | None = None
    """When it was said, where the desk is replayed; refused by a service that decides only as of now."""


class NoQuery(Request):
    """No parameters."""


class PageQuery(Request):
    """``limit`` rows from where ``cursor`` (the ``next`` of the page before) points."""

    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 100
    cursor: Annotated[str, Field(max_length=255)] | None = None


R = TypeVar("R", bound=Request)


def parsed(kind: type[R], body: bytes) -> R:
    """The request in ``body``. Raises ``Problem``: 400 for no JSON, 422 for no such request."""
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise _refusal(kind, error) from None


def parsed_query(kind: type[R], pairs: Sequence[tuple[str, str]]) -> R:
    """The parameters of a query. Raises ``Problem`` (422), also for one that is said twice."""
    said = dict(pairs)
    if len(said) != len(pairs):
        twice = next(name for name, _ in pairs if [other for other, _ in pairs].count(name) > 1)
        raise Problem(422, twice, "the parameter more than once", "send it once")
    try:
        return kind.model_validate_strings(said)
    except ValidationError as error:
        raise _refusal(kind, error) from None


def _refusal(kind: type[Request], error: ValidationError) -> Problem:
    first = error.errors(include_url=False)[0]
    if first["type"] == "json_invalid":
        return Problem(400, "body", first["msg"], "send one JSON object in UTF-8")
    where = ".".join(str(part) for part in first["loc"]) or "body"
    if first["type"] == "extra_forbidden":
        known = f"known are {', '.join(kind.model_fields)}" if len(first["loc"]) == 1 else "see /openapi.json"
        return Problem(422, where, "an unknown field", f"leave it out; {known}")
    if first["type"] == "missing":
        return Problem(422, where, "nothing", "this field is required")
    return Problem(422, where, shown(first["input"]), first["msg"])
