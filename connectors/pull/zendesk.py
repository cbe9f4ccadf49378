"""Zendesk's incremental exports: tickets and users by cursor, ticket events and organizations by time.

From https://developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports/ and
https://developer.zendesk.com/documentation/ticketing/managing-tickets/using-the-incremental-export-api:
10 requests a minute for all of them together; the last minute is left out; time-based pages repeat records of
the second they end in. Articles: https://developer.zendesk.com/documentation/help_center/help-center-api/
understanding-incremental-article-exports/. Written from the documentation, not a recording of an account.
"""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.pull.access import Credentials
from connectors.pull.clock import Clock, Pace
from connectors.pull.errors import CursorExpired, Declined, NotOffered
from connectors.pull.stream import ById, Cursor, Page, Stream
from connectors.pull.vendor import Environment, Vendor, missing, secret, variable
from connectors.pull.wire import Wire
from connectors.shapes import Record

PAGE_SIZE = 1000
LEFT_OUT = timedelta(seconds=70)
"""Zendesk refuses a start less than a minute ago; a little more allows for clocks that differ."""
OVERLAP = timedelta(minutes=10)
MAX_TIMES_ANOTHER = 3
HELP_CENTER_BEGAN = datetime(2010, 1, 1, tzinfo=UTC)
"""A start in 1970 made some accounts answer 502 (github.com/cloudbees-oss/zendesk-java-client/pull/82)."""


@dataclass(frozen=True, kw_only=True)
class CursorExport(Stream):
    """Tickets or users: an opaque cursor leads on, also into the next run."""

    path: str
    include: str = ""
    overlap: timedelta | None = OVERLAP

    def start(self, since: datetime) -> Cursor:
        """From a moment, as Unix seconds."""
        return {"start_time": int(since.timestamp())}

    def page(self, wire: Wire, cursor: Cursor, now: datetime) -> Page:
        """Up to 1,000 records. ``end_of_stream`` says that there are no more for now."""
        if _too_recent(cursor.get("start_time"), now):
            return Page([], cursor, done=True)
        try:
            body = wire.get(self.path, _params(self, cursor), wants=self.name).body
        except Declined as declined:
            # What Zendesk answers to an expired cursor is not documented: any refusal of one counts as that.
            if "cursor" in cursor and declined.status in (400, 404, 410, 422):
                raise CursorExpired(declined.answer) from declined
            raise
        after = body.get("after_cursor")
        return Page(
            _with_identities(body, self.name),
            {"cursor": after} if after else cursor,
            done=bool(body.get("end_of_stream")) or not after,
        )


@dataclass(frozen=True, kw_only=True)
class TimeExport(Stream):
    """Ticket events, organizations or articles: each page says when the next one starts."""

    path: str
    include: str = ""
    is_optional: bool = False
    earliest: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    overlap: timedelta | None = OVERLAP

    def start(self, since: datetime) -> Cursor:
        """From a moment, as Unix seconds."""
        since = max(since, self.earliest)
        return {"start_time": int(since.timestamp())}

    def page(self, wire: Wire, cursor: Cursor, now: datetime) -> Page:
        """Up to 1,000 records. A page that cannot end later than it starts is stepped over, with a note."""
        start = cursor["start_time"]
        if _too_recent(start, now):
            return Page([], cursor, done=True)
        try:
            body = wire.get(self.path, _params(self, cursor), wants=self.name).body
        except Declined as declined:
            if self.is_optional and declined.status in (403, 404):
                raise NotOffered(f"status {declined.status}") from declined
            raise
        records, end = body[self.name], body.get("end_time")
        if bool(body.get("end_of_stream", len(records) < self.page_size)) or end is None:
            return Page(records, {"start_time": max(int(end or start), start)}, done=True)
        if int(end) > start:
            return Page(records, {"start_time": int(end)}, done=False)
        changes = [at for record in records if (at := self.identity(record).changed_at) is not None]
        if min(changes, default=now).timestamp() < start and cursor.get("times", 0) < MAX_TIMES_ANOTHER:
            # The page before was sent again (by a cache, say): stepping over it would lose the one asked for.
            return Page(records, {**cursor, "times": cursor.get("times", 0) + 1}, done=False)
        at = datetime.fromtimestamp(start, UTC)
        note = (
            f"{self.name}: more than {self.page_size} records of the one second {at:%Y-%m-%d %H:%M:%S} UTC; "
            "Zendesk's time-based export cannot show the rest of them"
        )
        return Page(records, {"start_time": start + 1}, done=False, note=note)


@dataclass(frozen=True, kw_only=True)
class Groups(Stream):
    """The groups, all of them every time: they are few, and names for their ids are what is wanted."""

    def start(self, since: datetime) -> Cursor:
        """The first page."""
        return {}

    def page(self, wire: Wire, cursor: Cursor, now: datetime) -> Page:
        """Up to 100 groups, by Zendesk's cursor pagination."""
        params: dict[str, Any] = {"page[size]": self.page_size}
        if cursor.get("after"):
            params["page[after]"] = cursor["after"]
        body = wire.get("/api/v2/groups.json", params, wants=self.name).body
        meta = body.get("meta") or {}
        more = bool(meta.get("has_more")) and bool(meta.get("after_cursor"))
        return Page(body[self.name], {"after": meta["after_cursor"]} if more else {}, done=not more)


def _params(stream: CursorExport | TimeExport, cursor: Cursor) -> dict[str, Any]:
    included = {"include": stream.include} if stream.include else {}
    place: dict[str, Any] = {name: cursor[name] for name in ("start_time", "cursor") if name in cursor}
    return {**place, "per_page": stream.page_size, **included}


def _too_recent(start_time: int | None, now: datetime) -> bool:
    return start_time is not None and start_time > (now - LEFT_OUT).timestamp()


def _with_identities(body: Record, name: str) -> list[Record]:
    """The records; identities that were loaded beside users go into their user, as in the users' own list."""
    identities: dict[Any, list[Record]] = {}
    for identity in body.get("identities") or ():
        identities.setdefault(identity.get("user_id"), []).append(identity)
    if not identities:
        return list(body[name])
    return [{**record, "identities": identities.get(record.get("id"), [])} for record in body[name]]


def _credentials(environment: Environment, address: str, clock: Clock) -> Credentials:
    """An API token with the agent's e-mail address, or an OAuth token."""
    names = {part: variable("zendesk", part) for part in ("oauth_token", "email", "api_token")}
    oauth, email, token = (secret(environment, name) for name in names.values())
    if oauth:
        return Credentials(f"Bearer {oauth}", names["oauth_token"], (oauth,))
    if email and token:
        basic = base64.b64encode(f"{email}/token:{token}".encode()).decode()
        return Credentials(f"Basic {basic}", f"{names['email']} and {names['api_token']}", (token, basic))
    raise missing("zendesk", f"{names['email']} and {names['api_token']}", names["oauth_token"])


def _streams(page_size: int | None) -> tuple[Stream, ...]:
    size = min(page_size or PAGE_SIZE, PAGE_SIZE)
    incremental = "/api/v2/incremental"
    return (
        Groups(name="groups", page_size=min(size, 100)),
        TimeExport(name="organizations", path=f"{incremental}/organizations.json", page_size=size),
        CursorExport(
            name="users", path=f"{incremental}/users/cursor.json", include="identities", page_size=size
        ),
        CursorExport(name="tickets", path=f"{incremental}/tickets/cursor.json", page_size=size),
        TimeExport(
            name="ticket_events",
            path=f"{incremental}/ticket_events.json",
            include="comment_events",
            by=ById(changed=("created_at", "timestamp")),
            page_size=size,
        ),
        TimeExport(
            name="articles",
            path="/api/v2/help_center/incremental/articles.json",
            is_optional=True,
            earliest=HELP_CENTER_BEGAN,
            page_size=size,
        ),
    )


VENDOR = Vendor(
    name="zendesk",
    address="https://SUBDOMAIN.zendesk.com",
    is_shared_address=False,
    credentials=_credentials,
    streams=_streams,
    pace=lambda: Pace(requests=10, seconds=60.0),
)
