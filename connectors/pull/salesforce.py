"""Salesforce: SOQL queries over everything that changed since a moment, deleted rows included.

From https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/ (resources_queryall,
resources_query_more_results, resources_sobject_describe, errorcodes) and, for the locator's life of two days,
https://help.salesforce.com/s/articleView?id=000004410. SystemModstamp is set when a transaction writes and
seen when it commits, so each query looks back over the last minutes. An answer counts its rows
(``totalSize``); a query that sends fewer is made again. Written from the documentation, not a recording.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.pull.access import Credentials, access_token
from connectors.pull.clock import Clock, Pace
from connectors.pull.errors import CursorExpired, Declined, NotOffered, PullError, Unreachable
from connectors.pull.stream import ById, Cursor, Page, Stream
from connectors.pull.vendor import Environment, Vendor, missing, secret, variable
from connectors.pull.wire import Wire

API = "/services/data/v62.0"
PAGE_SIZE = 2000
SMALLEST_PAGE = 200
LOOK_BACK = timedelta(minutes=10)
MAX_QUERY_CHARACTERS = 14_000
"""An address may have about 16,000 characters."""
MAX_TIMES_SHORT = 2
_NOT_SELECTED = frozenset({"base64", "address", "location", "complexvalue"})
"""Files, and fields that only repeat the parts that are selected themselves."""


@dataclass(frozen=True, kw_only=True)
class Rows(Stream):
    """All rows of one object that changed since a moment, in order of change."""

    object: str
    overlap: timedelta | None = LOOK_BACK

    def start(self, since: datetime) -> Cursor:
        """A query from a moment on."""
        return {"since": _iso(since)}

    def page(self, wire: Wire, cursor: Cursor, now: datetime) -> Page:
        """Up to 2,000 rows: the first of a query, or the next by its locator."""
        if "next" in cursor:
            place = cursor
            try:
                body = self._asked(wire, cursor["next"], None)
            except Declined as declined:
                if "QUERY_LOCATOR" in declined.answer or declined.status == 404:
                    raise CursorExpired(declined.answer) from declined
                raise
        else:
            place = {**cursor, "until": _iso(now)}
            body = self._asked(wire, f"{API}/queryAll", {"q": self._query(wire, place)})
        records, read = body["records"], place.get("read", 0) + len(body["records"])
        following = body.get("nextRecordsUrl")
        if not body.get("done", True) and following:
            if not str(following).startswith("/services/data/"):
                raise PullError(
                    f"salesforce: {following!r} as the place of the next rows is not a place of its API"
                )
            return Page(records, {**place, "next": following, "read": read}, done=False)
        counted = body.get("totalSize", read)
        times_short = place.get("times_short", 0) + 1
        if read < counted and times_short < MAX_TIMES_SHORT:
            return Page(records, {"since": place["since"], "times_short": times_short}, done=False)
        note = f"{self.name}: {counted} were counted, {read} were sent, twice" if read < counted else None
        until = max(
            datetime.fromisoformat(place["until"]) - LOOK_BACK, datetime.fromisoformat(place["since"])
        )
        return Page(records, self.start(until), done=True, note=note)

    def _query(self, wire: Wire, place: Cursor) -> str:
        """The fields are those that the integration user may see, custom ones included."""
        try:
            described = wire.get(f"{API}/sobjects/{self.object}/describe", wants="fields").body["fields"]
        except Declined as declined:
            if declined.status == 404:
                raise NotOffered(f"no object {self.object} that this user may see") from declined
            raise
        names = [field["name"] for field in described if field.get("type") not in _NOT_SELECTED]
        changed = next((name for name in self.by.changed if name in names), None)
        if changed is None:
            raise NotOffered(f"{self.object} shows none of {', '.join(self.by.changed)} to this user")
        query = (
            f"SELECT {','.join(names)} FROM {self.object} WHERE {changed} >= {place['since']} "
            f"AND {changed} < {place['until']} ORDER BY {changed}, Id"
        )
        if len(query) > MAX_QUERY_CHARACTERS:
            raise PullError(
                f"salesforce {self.object}: the {len(names)} fields that this user sees make a query of "
                f"{len(query)} characters, {MAX_QUERY_CHARACTERS} fit: hide fields nobody needs from the "
                "integration user (field-level security)"
            )
        return query

    def _asked(self, wire: Wire, path: str, params: dict[str, Any] | None) -> dict[str, Any]:
        try:
            options = {"Sforce-Query-Options": f"batchSize={self.page_size}"}
            return dict(wire.get(path, params, wants="records", headers=options).body)
        except Declined as declined:
            if "REQUEST_LIMIT_EXCEEDED" in declined.answer:
                raise Unreachable(
                    "salesforce: the org's limit of API requests is used up (REQUEST_LIMIT_EXCEEDED). What "
                    "was fetched is kept: run the same command again within 24 hours, when it is reset"
                ) from declined
            raise


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _credentials(environment: Environment, address: str, clock: Clock) -> Credentials:
    """An access token, or the client credentials of a connected app, from which tokens are got as needed."""
    names = {part: variable("salesforce", part) for part in ("access_token", "client_id", "client_secret")}
    token, client, client_secret = (secret(environment, name) for name in names.values())
    if token:
        return Credentials(f"Bearer {token}", names["access_token"], (token,))
    if not (client and client_secret):
        raise missing(
            "salesforce", f"{names['client_id']} and {names['client_secret']}", names["access_token"]
        )
    named = f"{names['client_id']} and {names['client_secret']}"
    form = {"grant_type": "client_credentials", "client_id": client, "client_secret": client_secret}

    def fresh() -> Credentials:
        got = access_token("salesforce", address, "/services/oauth2/token", form, named)
        return Credentials(f"Bearer {got}", named, (got, client, client_secret), renew=fresh)

    return fresh()


def _streams(page_size: int | None) -> tuple[Stream, ...]:
    size = max(min(page_size or PAGE_SIZE, PAGE_SIZE), SMALLEST_PAGE)
    by = ById(id="Id", changed=("SystemModstamp", "LastModifiedDate", "CreatedDate"))
    objects = {
        "accounts": "Account",
        "contacts": "Contact",
        "users": "User",
        "groups": "Group",
        "cases": "Case",
        "case_history": "CaseHistory",
        "case_comments": "CaseComment",
        "email_messages": "EmailMessage",
    }
    return tuple(Rows(name=name, object=object, by=by, page_size=size) for name, object in objects.items())


VENDOR = Vendor(
    name="salesforce",
    address="https://MYDOMAIN.my.salesforce.com",
    is_shared_address=False,
    credentials=_credentials,
    streams=_streams,
    pace=lambda: Pace(requests=100, seconds=20.0),
)
