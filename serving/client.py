"""A client for Firstline's service in one file: time limits, retries, errors in words.

    client = FirstlineClient("http://127.0.0.1:3000", key=os.environ["FIRSTLINE_KEY"])
    decision = client.triage({"ticket_id": "1", "channel": "email", "subject": "Hello", "body": "..."})

Retrying is safe: a ticket is decided once, and everything else carries an idempotency key.
"""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from http.client import HTTPException
from typing import Any

from serving.decision import Decision

RETRIED_STATUS = frozenset({429, 502, 503, 504})
MAX_WAIT_SECONDS = 10.0
"""The longest that a call waits because the service asked it to."""


class FirstlineError(RuntimeError):
    """The service refused a request or could not be reached. ``status`` is 0 where there was no answer."""

    def __init__(
        self, status: int, thing: str, found: str, fix: str, retry_after_seconds: float = 0.0
    ) -> None:
        super().__init__(f"{status or 'no answer'}: {thing}: {found}; {fix}")
        self.status = status
        self.retry_after_seconds = retry_after_seconds
        self.thing = thing


class FirstlineClient:
    """One service at ``url``, called with an API ``key`` (none in development mode).

    A call is tried up to ``attempts`` times, each within ``timeout_seconds``.
    """

    def __init__(
        self, url: str, timeout_seconds: float = 15.0, attempts: int = 4, key: str | None = None
    ) -> None:
        if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
            raise ValueError(f"url of the service: found {url!r}; use http://host:port or https://host")
        self._url = url.rstrip("/")
        self._timeout_seconds = timeout_seconds
        self._attempts = attempts
        self._headers = {"Content-Type": "application/json"}
        if key is not None:
            self._headers["Authorization"] = f"Bearer {key}"

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
        return str(self._call("POST", "/feedback", said, _once(key))["feedback_id"])

    def triage_batch(self, requests: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """What became of each ticket: ``ticket_id``, ``status``, and ``decision`` or ``error``."""
        answer = self._call("POST", "/triage_batch", {"tickets": list(requests)})
        return list(answer["results"])

    def events(self, rows: Mapping[str, Sequence[Mapping[str, Any]]], key: str | None = None) -> str:
        """Tell canonical rows by table; returns the receipt's id. Raises ``FirstlineError``."""
        return str(self._call("POST", "/events", rows, _once(key))["receipt_id"])

    def outcome(self, ticket_id: str, kind: str, value: str | None = None, key: str | None = None) -> str:
        """Say how a ticket ended (csat, confirmed, reopened); returns the event's id."""
        said = {"ticket_id": ticket_id, "kind": kind} | ({} if value is None else {"value": value})
        return str(self._call("POST", "/outcomes", said, _once(key))["event_id"])

    def queue(self, limit: int = 5000) -> list[Decision]:
        """Decisions about unsolved tickets, largest value at risk first. Raises ``FirstlineError``."""
        return [Decision.model_validate(record) for record in self._pages("/queue", "decisions", limit)]

    def context(self, ticket_id: str) -> dict[str, Any]:
        """A ticket, its newest decision's context, and what happened since. Raises ``FirstlineError``."""
        return dict(self._call("GET", f"/tickets/{urllib.parse.quote(ticket_id, safe='')}/context"))

    def decision(self, decision_id: str) -> Decision:
        """A stored decision. Raises ``FirstlineError``, status 404 where there is none."""
        path = f"/decisions/{urllib.parse.quote(decision_id, safe='')}"
        return Decision.model_validate(self._call("GET", path))

    def replay(self, decision_id: str) -> dict[str, Any]:
        """A stored decision computed again: ``outcome``, and in ``differs`` what is not as stored."""
        return dict(self._call("GET", f"/decisions/{urllib.parse.quote(decision_id, safe='')}/replay"))

    def explain(self, decision_id: str) -> dict[str, Any]:
        """Why the models said what they said in a stored decision. Raises ``FirstlineError``."""
        return dict(self._call("GET", f"/decisions/{urllib.parse.quote(decision_id, safe='')}/explain"))

    def reviews(self, status: str = "open", limit: int = 5000) -> list[dict[str, Any]]:
        """Decisions drawn for leadership to look at: ``open``, of these ``overdue``, or ``done``."""
        return list(self._pages("/reviews", "cases", limit, status=status))

    def review(
        self,
        decision_id: str,
        reviewer: str,
        verdicts: Sequence[Mapping[str, str]],
        key: str | None = None,
    ) -> str:
        """Say what leadership found of a drawn decision; returns the review's id.

        ``verdicts``: ``field``, ``verdict`` (right, wrong), and for what is wrong ``reason`` and ``value``.
        """
        said = {"decision_id": decision_id, "reviewer": reviewer, "verdicts": list(verdicts)}
        return str(self._call("POST", "/reviews", said, _once(key))["review_id"])

    def incidents(self, limit: int = 5000) -> list[dict[str, Any]]:
        """The same issue across customers, newest first. Raises ``FirstlineError``."""
        return list(self._pages("/incidents", "incidents", limit))

    def is_ready(self) -> bool:
        """Whether the service answers and can store decisions. Asks once."""
        try:
            self._once("GET", "/readyz", None, {})
        except (FirstlineError, OSError, HTTPException):
            return False
        return True

    def _pages(self, path: str, rows: str, limit: int, **query: str) -> Iterator[dict[str, Any]]:
        """The first ``limit`` rows of a list that comes in pages."""
        found, cursor = 0, dict[str, str]()
        while found < limit:
            page = {"limit": min(limit - found, 1000)} | query | cursor
            answer = self._call("GET", f"{path}?{urllib.parse.urlencode(page)}")
            yield from answer[rows]
            if answer["next"] is None:
                return
            found, cursor = found + len(answer[rows]), {"cursor": answer["next"]}

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
                time.sleep(error.retry_after_seconds)
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
            self._url + path, data, {**self._headers, **headers}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=self._timeout_seconds) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            raise _refusal(refused) from None


def _once(key: str | None) -> dict[str, str]:
    return {"Idempotency-Key": key or str(uuid.uuid4())}


def _refusal(refused: urllib.error.HTTPError) -> FirstlineError:
    try:
        error = json.load(refused)["error"]
        wait = min(float(refused.headers.get("Retry-After") or 0), MAX_WAIT_SECONDS)
        return FirstlineError(refused.code, error["thing"], f"found {error['found']}", error["fix"], wait)
    except (ValueError, KeyError, TypeError):
        return FirstlineError(refused.code, "service", refused.reason, "see the service's log")
