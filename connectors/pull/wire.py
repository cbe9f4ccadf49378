"""One vendor's API over HTTPS: asks until there is a whole, readable answer, or says why there is none.

Secrets go into one header and nowhere else: not into addresses, logs, errors or the representation of an
object. Redirects are never followed, so that the header cannot leave for another host.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx2

from connectors.pull.access import TIMEOUT, Credentials, checked_address, is_loopback
from connectors.pull.clock import Clock, Pace
from connectors.pull.errors import Declined, PullError, Refused, Unreachable

MAX_FAILURES = 6
"""Times that one request may fail (server error, time-out, broken answer) before the pull stops."""
MAX_REFUSALS = 10
"""Times in a row that a vendor may ask us to wait."""
LONGEST_WAIT_SECONDS = 900.0
LONGEST_ANSWER_SECONDS = 300.0
MAX_ANSWER_BYTES = 64 << 20
_EXCERPT = 300
_PASSING = (408, 425)
"""Refusals that say nothing about the request: time-out, too early."""

LIST = ""
"""As ``wants``: the answer itself is the list of records."""


@dataclass(frozen=True)
class Reply:
    """A whole answer: parsed JSON and the headers, their names in lower case."""

    body: Any
    headers: Mapping[str, str]


@dataclass(frozen=True)
class _Request:
    method: str
    path: str
    params: Mapping[str, Any] | None = None
    json: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class Wire:
    """Requests to one vendor, one after the other.

    ``address`` is the scheme and host of the account's API. Raises ``PullError`` if it is not safe to send
    credentials there.
    """

    def __init__(
        self,
        vendor: str,
        address: str,
        credentials: Credentials,
        pace: Pace,
        clock: Clock,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.vendor = vendor
        self.address = checked_address(vendor, address)
        self._credentials = credentials
        self._pace = pace
        self._clock = clock
        self._client = httpx2.Client(
            base_url=self.address,
            headers={"Accept": "application/json", "User-Agent": "firstline-pull", **(headers or {})},
            timeout=TIMEOUT,
            follow_redirects=False,
            trust_env=not is_loopback(self.address),
        )

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def get(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        wants: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """GET ``path``. ``wants`` names the list that the answer must hold (``LIST``: must be).

        Raises ``Refused``, ``Declined`` or ``Unreachable``.
        """
        return self._ask(_Request("GET", path, params, headers=headers or {}), wants)

    def post(self, path: str, body: Mapping[str, Any], *, wants: str | None = None) -> Reply:
        """POST a search as JSON; likewise."""
        return self._ask(_Request("POST", path, json=body), wants)

    def _ask(self, request: "_Request", wants: str | None) -> Reply:
        failures = refusals = 0
        renewed = False
        while True:
            self._pace.wait(self._clock)
            try:
                status, headers, content = self._once(request)
            except (httpx2.RequestError, TimeoutError) as error:
                reason = f"{type(error).__name__}: {error}"
            else:
                if status == 200:
                    reply, reason = _read(content, headers, wants)
                    if reply is not None:
                        return reply
                elif status == 401 and self._credentials.renew is not None and not renewed:
                    self._credentials, renewed = self._credentials.renew(), True
                    continue
                elif status == 429 or (status == 503 and "retry-after" in headers):
                    refusals += 1
                    self._wait_as_told(request, headers, refusals)
                    continue
                elif status < 500 and status not in _PASSING:
                    raise self._declined(request, status, headers, content)
                else:
                    reason = f"status {status}: {_excerpt(content)}"
            failures += 1
            if failures >= MAX_FAILURES:
                raise Unreachable(
                    f"{self.vendor} failed {failures} times in a row at {request}; last: "
                    f"{self._scrubbed(reason)}. What was fetched is kept: run the same command again later"
                )
            self._clock.sleep(min(2.0**failures, 60.0))

    def _once(self, request: "_Request") -> tuple[int, dict[str, str], bytes]:
        """Status, headers and content. A body that is too large or too slow is not read to its end."""
        started = self._clock.ticks()
        headers = {**request.headers, "Authorization": self._credentials.authorization}
        with self._client.stream(
            request.method, request.path, params=request.params, json=request.json, headers=headers
        ) as response:
            content = bytearray()
            for part in response.iter_bytes():
                content += part
                if len(content) > MAX_ANSWER_BYTES:
                    raise PullError(
                        f"{self.vendor}'s answer to {request} is larger than "
                        f"{MAX_ANSWER_BYTES >> 20} MiB: ask for smaller pages with --page-size"
                    )
                if self._clock.ticks() - started > LONGEST_ANSWER_SECONDS:
                    raise TimeoutError(f"no whole answer within {LONGEST_ANSWER_SECONDS:.0f} s")
            named = {name.lower(): value for name, value in response.headers.items()}
            return response.status_code, named, bytes(content)

    def _wait_as_told(self, request: "_Request", headers: Mapping[str, str], refusals: int) -> None:
        seconds = told_to_wait_seconds(headers, self._clock.now().timestamp())
        if seconds > LONGEST_WAIT_SECONDS or refusals > MAX_REFUSALS:
            raise Unreachable(
                f"{self.vendor} limits the rate of requests at {request} and asks to wait {seconds:.0f} s "
                f"(refusal {refusals} in a row). What was fetched is kept: run the same command again later"
            )
        self._clock.sleep(seconds)

    def _declined(
        self, request: "_Request", status: int, headers: Mapping[str, str], content: bytes
    ) -> PullError:
        answer = self._scrubbed(_excerpt(content))
        asked = f"{self.vendor} answered {request} with status {status}"
        if 300 <= status < 400:
            host = urlsplit(headers.get("location", "")).netloc or "an unnamed place"
            return Declined(
                f"{asked}, a redirect to {host}, which is not followed: credentials go to one host only. "
                "Give the account's own address with --address",
                status,
                answer,
            )
        if status == 401:
            return Refused(f"{asked}: credentials refused ({answer}). Check {self._credentials.named}")
        return Declined(f"{asked}: {answer}", status, answer)

    def _scrubbed(self, text: str) -> str:
        for secret in (*self._credentials.secrets, self._credentials.authorization):
            text = text.replace(secret, "[secret]") if secret else text
        return text


def told_to_wait_seconds(headers: Mapping[str, str], now_unix: float) -> float:
    """How long a 429 asks us to wait: Retry-After (seconds or a date), else a reset time, else a minute.

    Zendesk and Freshdesk send Retry-After in seconds; Intercom sends X-RateLimit-Reset as Unix time.
    """
    text = headers.get("retry-after", "").strip()
    try:
        if text:
            seconds = float(text) if text.replace(".", "", 1).isdigit() else _until(text, now_unix)
        else:
            seconds = float(headers.get("x-ratelimit-reset", now_unix + 60)) - now_unix
    except ValueError:
        seconds = 60.0
    return max(seconds, 1.0)


def _until(http_date: str, now_unix: float) -> float:
    return parsedate_to_datetime(http_date).timestamp() - now_unix


def _read(content: bytes, headers: Mapping[str, str], wants: str | None) -> tuple[Reply | None, str]:
    """The reply, or what is wrong with it."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        kind = headers.get("content-type", "no content type")
        return None, f"an answer of {len(content)} bytes ({kind}) that is not whole JSON"
    if wants is None:
        return Reply(body, headers), ""
    records = body if wants == LIST else body.get(wants) if isinstance(body, dict) else None
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        return None, f"an answer without {f'its list {wants!r}' if wants else 'a list'} of records"
    return Reply(body, headers), ""


def _excerpt(content: bytes) -> str:
    return " ".join(content[:_EXCERPT].decode("utf-8", errors="replace").split())
