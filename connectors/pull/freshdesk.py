"""Freshdesk: tickets in order of change with their conversations; people, companies and names in full lists.

From https://developers.freshdesk.com/api/ (list_all_tickets, list_all_ticket_notes, list_all_contacts,
list_all_companies, list_all_agents, satisfaction ratings; pagination by page and the Link header; 429 with
Retry-After). Two limits shape this client: without ``updated_since`` only the last 30 days are listed, and
"You cannot access tickets beyond the 300th page" (github.com/airbytehq/airbyte/issues/3858). Page numbers
also shift while tickets change. So tickets are not read by page number but from the last change on: each
request starts a window at the last change seen; only a page full of one second goes on to its next page.
Written from the documentation, not a recording of an account.
"""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.pull.access import Credentials
from connectors.pull.clock import Clock, Pace
from connectors.pull.errors import Declined, NotOffered, PullError, Unreachable
from connectors.pull.freshdesk_solutions import Articles
from connectors.pull.stream import Cursor, Page, Stream, settled
from connectors.pull.vendor import Environment, Vendor, missing, secret, variable
from connectors.pull.wire import LIST, Reply, Wire
from connectors.shapes import Record

PAGE_SIZE = 100
LAST_PAGE = 300
MAX_TIMES_ANOTHER = 3
_BACK = timedelta(seconds=1)
"""Whether ``updated_since`` includes its own second is not documented; from a second earlier it does."""


@dataclass(frozen=True, kw_only=True)
class Tickets(Stream):
    """Tickets in order of change, each with all its conversations.

    ``filter`` lists instead those that the list leaves out: ``deleted`` or ``spam``, as they are.
    """

    filter: str = ""
    overlap: timedelta | None = timedelta(minutes=10)

    def start(self, since: datetime) -> Cursor:
        """The window of everything that changed since a moment."""
        return {"since": _iso(since), "page": 1}

    def page(self, wire: Wire, cursor: Cursor, now: datetime) -> Page:
        """A page of the window, and the window from the last change of the page on."""
        params = {
            "updated_since": cursor["since"],
            "order_by": "updated_at",
            "order_type": "asc",
            "include": "description,requester,stats",
            "per_page": self.page_size,
            "page": cursor["page"],
            **({"filter": self.filter} if self.filter else {}),
        }
        reply = wire.get("/api/v2/tickets", params, wants=LIST)
        records = reply.body
        since = datetime.fromisoformat(cursor["since"])
        changes = [at for record in records if (at := self.identity(record).changed_at) is not None]
        if _is_another_page(cursor, records) or min(changes, default=since) < since:
            return _asked_again(self.name, cursor, records)
        reached = settled(changes) or since
        if _is_end(reply, self.page_size):
            return Page(records, self.start(max(reached - _BACK, since)), done=True)
        if reached - _BACK > since:
            return Page(records, self.start(reached - _BACK), done=False)
        if cursor["page"] < LAST_PAGE:
            return Page(records, _next_page(cursor, records), done=False)
        if reached > since:
            return Page(records, self.start(reached), done=False)
        raise PullError(
            f"freshdesk {self.name}: {LAST_PAGE} pages changed in the one second {cursor['since']}; "
            "Freshdesk lists no more of them. Take them from its own export (Admin, Account exports)"
        )

    def expand(self, wire: Wire, record: Record) -> Record:
        """The ticket with ``conversations``, all pages of them: replies and notes, each with its own time."""
        if record.get("id") is None or self.filter:
            return record
        conversations: list[Record] = []
        page = 1
        while True:
            try:
                reply = wire.get(
                    f"/api/v2/tickets/{record['id']}/conversations",
                    {"per_page": PAGE_SIZE, "page": page},
                    wants=LIST,
                )
            except Declined as declined:
                if declined.status == 404:  # deleted since it was listed
                    return record
                raise
            conversations += reply.body
            if _is_end(reply, PAGE_SIZE):
                return {**record, "conversations": conversations}
            page += 1


@dataclass(frozen=True, kw_only=True)
class FullList(Stream):
    """A list that is read whole every time; what changed since the last time is written.

    ``since_name``: the parameter that leaves out older records, where the list has one. The next run then
    asks for what changed since this one began; so a list of several pages is read a second time at once:
    a record deleted meanwhile pulls another one onto a page that was read already.
    """

    path: str
    since_name: str = ""
    is_optional: bool = False

    def start(self, since: datetime) -> Cursor:
        """The first page."""
        return {"since": _iso(since), "page": 1}

    def page(self, wire: Wire, cursor: Cursor, now: datetime) -> Page:
        """A page by its number."""
        began = cursor.get("began", _iso(now))
        params: dict[str, Any] = {"per_page": self.page_size, "page": cursor["page"]}
        if self.since_name:
            params[self.since_name] = cursor["since"]
        try:
            reply = wire.get(self.path, params, wants=LIST)
        except Declined as declined:
            if self.is_optional and declined.status in (403, 404):
                raise NotOffered(f"status {declined.status}") from declined
            raise
        if _is_another_page(cursor, reply.body):
            return _asked_again(self.name, cursor, reply.body)
        if (
            _is_end(reply, self.page_size)
            and self.since_name
            and cursor["page"] > 1
            and "again" not in cursor
        ):
            again = {"since": cursor["since"], "page": 1, "began": began, "again": True}
            return Page(reply.body, again, done=False)
        if _is_end(reply, self.page_size):
            following = datetime.fromisoformat(began) - timedelta(minutes=10)
            since = max(following, datetime.fromisoformat(cursor["since"]))
            return Page(reply.body, self.start(since), done=True)
        return Page(reply.body, {**cursor, **_next_page(cursor, reply.body), "began": began}, done=False)


def _next_page(cursor: Cursor, records: list[Record]) -> Cursor:
    last = records[-1].get("id") if records else None
    return {"since": cursor["since"], "page": cursor["page"] + 1, "last": last}


def _is_another_page(cursor: Cursor, records: list[Record]) -> bool:
    """Whether the page before was sent again (by a cache, say): to go on would lose the page asked for."""
    return cursor["page"] > 1 and bool(records) and records[-1].get("id") == cursor.get("last")


def _asked_again(name: str, cursor: Cursor, records: list[Record]) -> Page:
    times = cursor.get("times", 0) + 1
    if times > MAX_TIMES_ANOTHER:
        raise Unreachable(
            f"freshdesk {name}: another page than the one asked for, {times} times in a row. What was "
            "fetched is kept: run the same command again later"
        )
    return Page(records, {**cursor, "times": times}, done=False)


def _is_end(reply: Reply, page_size: int) -> bool:
    """Whether no page follows: no link to one, and not even a full page (a proxy may drop the link)."""
    return 'rel="next"' not in reply.headers.get("link", "") and len(reply.body) < page_size


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _credentials(environment: Environment, address: str, clock: Clock) -> Credentials:
    """The API key, as the user name of HTTP Basic."""
    name = variable("freshdesk", "api_key")
    key = secret(environment, name)
    if not key:
        raise missing("freshdesk", name)
    basic = base64.b64encode(f"{key}:X".encode()).decode()
    return Credentials(f"Basic {basic}", name, (key, basic))


def _streams(page_size: int | None) -> tuple[Stream, ...]:
    size = min(page_size or PAGE_SIZE, PAGE_SIZE)
    return (
        FullList(name="groups", path="/api/v2/groups", page_size=size),
        FullList(name="agents", path="/api/v2/agents", page_size=size),
        FullList(name="companies", path="/api/v2/companies", page_size=size),
        FullList(name="contacts", path="/api/v2/contacts", since_name="_updated_since", page_size=size),
        Articles(name="articles", page_size=size),
        Tickets(name="tickets", page_size=size),
        Tickets(name="tickets_deleted", filter="deleted", page_size=size),
        Tickets(name="tickets_spam", filter="spam", page_size=size),
        FullList(
            name="satisfaction_ratings",
            path="/api/v2/surveys/satisfaction_ratings",
            since_name="created_since",
            is_optional=True,
            page_size=size,
        ),
    )


VENDOR = Vendor(
    name="freshdesk",
    address="https://DOMAIN.freshdesk.com",
    is_shared_address=False,
    credentials=_credentials,
    streams=_streams,
    pace=lambda: Pace(requests=200, seconds=60.0),
)
