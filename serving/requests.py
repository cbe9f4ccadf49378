"""What may be asked of the service, and how a body that asks something else is told so."""

import hashlib
from datetime import UTC, datetime
from typing import Annotated, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator

from features.schema import CHANNELS, LEVELS
from serving.problems import Problem, shown
from serving.records import request_text

Id = Annotated[str, Field(min_length=1, max_length=255)]
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def _storable_text(cls, value: object) -> object:
        """PostgreSQL stores no NUL character, and nobody means one."""
        return value.replace("\x00", "\ufffd") if isinstance(value, str) else value

    @property
    def text(self) -> str:
        """The request as the store keeps it: canonical JSON without empty fields."""
        return request_text(self.model_dump(mode="json"))

    @property
    def body_hash(self) -> str:
        """SHA-256 of ``text``: the same for the same request, however its JSON was written."""
        return hashlib.sha256(self.text.encode()).hexdigest()


class TriageRequest(_Request):
    """One ticket to decide. ``created_at`` is now where it is left out; ``contact_handle`` is kind:value."""

    ticket_id: Id
    channel: Literal[CHANNELS]  # type: ignore[valid-type]
    subject: str | None = None
    body: str | None = None
    created_at: AwareDatetime | None = None
    account_id: Id | None = None
    contact_id: Id | None = None
    contact_handle: Annotated[str, Field(pattern=r"^[a-z_]+:.+", max_length=255)] | None = None
    language: Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$")] | None = None
    """What the source declares; it counts where the text is too short to tell."""
    product_area: Id | None = None
    requested_priority: Literal[LEVELS] | None = None  # type: ignore[valid-type]
    as_of: AwareDatetime | None = None

    @field_validator("created_at", "as_of")
    @classmethod
    def _plausible(cls, at: datetime | None) -> datetime | None:
        if at is not None and not _EARLIEST <= at < _LATEST:
            raise ValueError(f"a moment from {_EARLIEST:%Y} to {_LATEST:%Y} is required")
        return at


class FeedbackRequest(_Request):
    """What an agent says about a decision; ``field`` and ``value`` where the verdict changes something."""

    decision_id: Id
    verdict: Literal["approve", "modify", "reject", "override"]
    field: Id | None = None
    value: Annotated[str, Field(max_length=20_000)] | None = None
    reason: Annotated[str, Field(max_length=5_000)] | None = None
    agent_id: Id
    as_of: AwareDatetime | None = None
    """When it was said, where the desk is replayed; refused by a service that decides only as of now."""


R = TypeVar("R", bound=_Request)


def parsed(kind: type[R], body: bytes) -> R:
    """The request in ``body``. Raises ``Problem``: 400 for no JSON, 422 for no such request."""
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        if first["type"] == "json_invalid":
            raise Problem(400, "body", first["msg"], "send one JSON object in UTF-8") from None
        where = ".".join(str(part) for part in first["loc"]) or "body"
        if first["type"] == "extra_forbidden":
            known = ", ".join(kind.model_fields)
            raise Problem(422, where, "an unknown field", f"leave it out; known fields are {known}") from None
        if first["type"] == "missing":
            raise Problem(422, where, "nothing", "this field is required") from None
        raise Problem(422, where, shown(first["input"]), first["msg"]) from None
