"""Intercom: conversations and contacts by search, companies by scroll, admins and teams whole.

From https://developers.intercom.com/docs/references/2.15/rest-api/api.intercom.io (searchConversations,
retrieveConversation, SearchContacts, scrollOverAllCompanies; sorting: docs/build-an-integration/learn-more/
rest-apis/pagination-sorting-search). A search shows no conversation parts: each new version of a
conversation is retrieved on its own (at most its 500 newest parts). Searches compare contacts' times by
calendar day of the workspace's zone. A scroll expires after a minute without use, and only one can be open.
429 carries X-RateLimit-Reset. Written from the documentation, not a recording of an account.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors.pull.access import Credentials
from connectors.pull.clock import Clock, Pace
from connectors.pull.errors import CursorExpired, Declined
from connectors.pull.stream import Cursor, Page, Stream, settled
from connectors.pull.vendor import Environment, Vendor, missing, secret, variable
from connectors.pull.wire import Wire
from connectors.shapes import Record

API_VERSION = "2.15"
PAGE_SIZE = 150
SECOND = timedelta(seconds=1)
DAY = timedelta(hours=25)
"""A search by day starts at the midnight after the moment asked for; the longest day has 25 hours."""
MAX_TIMES_SHORT = 2


@dataclass(frozen=True, kw_only=True)
class Search(Stream):
    """Everything that changed since a moment, in order of change; a cursor leads from page to page."""

    path: str
    records_at: str
    back: timedelta
    """How much earlier to ask, so that ``>`` includes the moment itself."""
    one_path: str = ""
    """Where one record is retrieved whole, if the search leaves something out; ends before the id."""
    overlap: timedelta | None = timedelta(minutes=10)

    def start(self, since: datetime) -> Cursor:
        """A search from a moment on."""
        return {"since": int((since - self.back).timestamp())}

    def page(self, wire: Wire, cursor: Cursor, now: datetime) -> Page:
        """Up to 150 records. A search that ends with fewer records than it counted is made once more."""
        pagination: dict[str, Any] = {"per_page": self.page_size}
        if "after" in cursor:
            pagination["starting_after"] = cursor["after"]
        newer = {"field": "updated_at", "operator": ">", "value": max(cursor["since"], 0)}
        query = {
            "query": {"operator": "AND", "value": [newer]},
            "sort": {"field": "updated_at", "order": "ascending"},
            "pagination": pagination,
        }
        try:
            body = wire.post(self.path, query, wants=self.records_at).body
        except Declined as declined:
            if "after" in cursor and declined.status in (400, 404, 410, 422):
                raise CursorExpired(declined.answer) from declined
            raise
        records = body[self.records_at]
        counted = cursor.get("counted", body.get("total_count") or 0)
        read = cursor.get("read", 0) + len(records)
        after = ((body.get("pages") or {}).get("next") or {}).get("starting_after")
        if after:
            return Page(records, {**cursor, "after": after, "counted": counted, "read": read}, done=False)
        times_short = cursor.get("times_short", 0) + 1
        if read < counted and times_short < MAX_TIMES_SHORT:
            return Page(records, {"since": cursor["since"], "times_short": times_short}, done=False)
        note = f"{self.name}: {counted} were counted, {read} were sent, twice" if read < counted else None
        reached = settled(self.identity(record).changed_at for record in records)
        since = self.start(reached)["since"] if reached else 0
        return Page(records, {"since": max(since, cursor["since"])}, done=True, note=note)

    def expand(self, wire: Wire, record: Record) -> Record:
        """The record itself, with what the search leaves out."""
        if not self.one_path or record.get("id") is None:
            return record
        try:
            whole = wire.get(f"{self.one_path}{record['id']}").body
        except Declined as declined:
            if declined.status == 404:  # deleted since it was listed
                return record
            raise
        return whole if isinstance(whole, dict) else record


@dataclass(frozen=True, kw_only=True)
class Companies(Stream):
    """All companies, every time: the only list of Intercom's that reaches more than 10,000 of them."""

    def start(self, since: datetime) -> Cursor:
        """A new scroll."""
        return {}

    def page(self, wire: Wire, cursor: Cursor, now: datetime) -> Page:
        """The next part of the scroll. An empty one is its end."""
        try:
            body = wire.get("/companies/scroll", cursor, wants="data").body
        except Declined as declined:
            if cursor and declined.status in (400, 404, 410, 422):
                raise CursorExpired(declined.answer) from declined
            raise
        records, scroll = body["data"], body.get("scroll_param")
        if not records or not scroll:
            return Page(records, {}, done=True)
        return Page(records, {"scroll_param": scroll}, done=False)


@dataclass(frozen=True, kw_only=True)
class WholeList(Stream):
    """A short list that Intercom sends in one answer."""

    path: str
    records_at: str

    def start(self, since: datetime) -> Cursor:
        """There is only one place."""
        return {}

    def page(self, wire: Wire, cursor: Cursor, now: datetime) -> Page:
        """All of it."""
        return Page(wire.get(self.path, wants=self.records_at).body[self.records_at], {}, done=True)


@dataclass(frozen=True, kw_only=True)
class Articles(Stream):
    """All articles, every time, the newest change first."""

    def start(self, since: datetime) -> Cursor:
        """The first page."""
        return {"page": 1}

    def page(self, wire: Wire, cursor: Cursor, now: datetime) -> Page:
        """A page by its number. What changes meanwhile comes to the front and pushes nothing off the list."""
        params = {"page": cursor["page"], "per_page": self.page_size}
        body = wire.get("/articles", params, wants="data").body
        total = (body.get("pages") or {}).get("total_pages") or 1
        if cursor["page"] >= total:
            return Page(body["data"], {"page": 1}, done=True)
        return Page(body["data"], {"page": cursor["page"] + 1}, done=False)


def _credentials(environment: Environment, address: str, clock: Clock) -> Credentials:
    name = variable("intercom", "access_token")
    token = secret(environment, name)
    if not token:
        raise missing("intercom", name)
    return Credentials(f"Bearer {token}", name, (token,))


def _streams(page_size: int | None) -> tuple[Stream, ...]:
    size = min(page_size or PAGE_SIZE, PAGE_SIZE)
    return (
        WholeList(name="admins", path="/admins", records_at="admins", page_size=size),
        WholeList(name="teams", path="/teams", records_at="teams", page_size=size),
        Articles(name="articles", page_size=size),
        Companies(name="companies", page_size=size),
        Search(name="contacts", path="/contacts/search", records_at="data", back=DAY, page_size=size),
        Search(
            name="conversations",
            path="/conversations/search",
            records_at="conversations",
            back=SECOND,
            one_path="/conversations/",
            page_size=size,
        ),
    )


VENDOR = Vendor(
    name="intercom",
    address="https://api.intercom.io",
    is_shared_address=True,
    credentials=_credentials,
    streams=_streams,
    pace=lambda: Pace(requests=160, seconds=10.0),
    headers={"Intercom-Version": API_VERSION},
)
