"""A client for Firstline's service in one file: time limits, retries, errors in words.

    client = FirstlineClient("http://127.0.0.1:3000")
    decision = client.triage({"ticket_id": "1", "channel": "email", "subject": "Hello", "body": "..."})

Retrying is safe: a ticket is decided once, and feedback carries an idempotency key.
"""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Mapping
from datetime import datetime
from http.client import HTTPException
from typing import Any

from serving.decision import Decision

RETRIED_STATUS = frozenset({429, 502, 503, 504})


class FirstlineError(RuntimeError):
    """The service refused a request or could not be reached. ``status`` is 0 where there was no answer."""

    def __init__(self, status: int, thing: str, found: str, fix: str) -> None:
        super().__init__(f"{status or 'no answer'}: {thing}: {found}; {fix}")
        self.status = status
        self.thing = thing


class FirstlineClient:
    """One service at ``url``. A call is tried up to ``attempts`` times, each within ``timeout_seconds``."""

    def __init__(self, url: str, timeout_seconds: float = 15.0, attempts: int = 4) -> None:
        if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
            raise ValueError(f"url of the service: found {url!r}; use http://host:port or https://host")
        self._url = url.rstrip("/")
        self._timeout_seconds = timeout_seconds
        self._attempts = attempts

    def triage(self, request: Mapping[str, Any]) -> Decision:
        """The decision about one ticket. Raises ``FirstlineError``."""
        return Decision.model_validate(self._call("POST", "/triage", request))

    def feedback(
        self,
        decision_id: str,
        verdict: str,
        agent_id: str,
        field: str | None = None,
        value: str | None = None,
        reason: str | None = None,
        key: str | None = None,
        as_of: datetime | None = None,
    ) -> str:
        """Tell what a person thinks of a decision; returns the feedback's id.

        A call repeated with the same ``key`` counts once: give one of your own where the caller itself may be
        interrupted. ``as_of`` is for a replayed desk. Raises ``FirstlineError``.
        """
        said: dict[str, Any] = {"decision_id": decision_id, "verdict": verdict, "agent_id": agent_id}
        more = {"field": field, "value": value, "reason": reason, "as_of": as_of and as_of.isoformat()}
        said |= {k: v for k, v in more.items() if v is not None}
        once = {"Idempotency-Key": key or str(uuid.uuid4())}
        return str(self._call("POST", "/feedback", said, once)["feedback_id"])

    def queue(self, limit: int = 5000) -> list[Decision]:
        """Decisions about unsolved tickets, largest value at risk first. Raises ``FirstlineError``."""
        answer = self._call("GET", f"/queue?limit={limit}")
        return [Decision.model_validate(record) for record in answer["decisions"]]

    def decision(self, decision_id: str) -> Decision:
        """A stored decision. Raises ``FirstlineError``, status 404 where there is none."""
        path = f"/decisions/{urllib.parse.quote(decision_id, safe='')}"
        return Decision.model_validate(self._call("GET", path))

    def is_ready(self) -> bool:
        """Whether the service answers and can store decisions. Asks once."""
        try:
            self._once("GET", "/readyz", None, {})
        except (FirstlineError, OSError, HTTPException):
            return False
        return True

    def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        for attempt in range(1, self._attempts + 1):
            try:
                return self._once(method, path, body, headers or {})
            except FirstlineError as error:
                if error.status not in RETRIED_STATUS or attempt == self._attempts:
                    raise
            except (OSError, HTTPException) as error:
                if attempt == self._attempts:
                    raise FirstlineError(
                        0, self._url, f"{type(error).__name__}: {error}", "is the service running there?"
                    ) from error
            time.sleep(0.2 * 2**attempt)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _once(
        self, method: str, path: str, body: Mapping[str, Any] | None, headers: Mapping[str, str]
    ) -> Any:
        data = None if body is None else json.dumps(body, default=str).encode()
        request = urllib.request.Request(  # noqa: S310 - the constructor allows http and https only
            self._url + path, data, {"Content-Type": "application/json", **headers}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=self._timeout_seconds) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            raise _refusal(refused) from None


def _refusal(refused: urllib.error.HTTPError) -> FirstlineError:
    try:
        error = json.load(refused)["error"]
        return FirstlineError(refused.code, error["thing"], f"found {error['found']}", error["fix"])
    except (ValueError, KeyError, TypeError):
        return FirstlineError(refused.code, "service", refused.reason, "see the service's log")
