"""Errors the service answers with: each names the thing, what was found, and the fix."""

from collections.abc import Mapping, Sequence
from typing import Any

MAX_SHOWN_CHARS = 80
RETRY_AFTER_SECONDS = "5"
"""When to call again after the store could not be reached."""


class Problem(Exception):
    """A request that cannot be served, as an HTTP status and ``{"error": {thing, found, fix}}``."""

    def __init__(
        self, status: int, thing: str, found: str, fix: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{thing}: found {found}; {fix}")
        self.status = status
        self.headers = dict(headers or {})
        self.error = {"thing": thing, "found": found, "fix": fix}

    @property
    def body(self) -> dict[str, Any]:
        """The JSON body of the answer."""
        return {"error": self.error}


def shown(value: Any) -> str:
    """``value`` for an error message: its type, and its beginning as a Python literal."""
    text = repr(value)
    cut = text if len(text) <= MAX_SHOWN_CHARS else f"{text[:MAX_SHOWN_CHARS]}..."
    return "null" if value is None else f"{type(value).__name__} {cut}"


def one_of(values: Sequence[str]) -> str:
    """``values`` as the end of a fix."""
    return f"use one of {', '.join(values)}"
