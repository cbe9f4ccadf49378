"""Four helpdesks as their documentation describes them: what lists show, how pages follow, what is refused.

Written from the same documentation as the clients (addresses there), never recorded from a live account.
"""

import base64
import json
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.connectors.pull.stub import NOW, Answer, Request

Record = dict[str, Any]


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def token(value: object) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


def untoken(text: str) -> Any:
    return json.loads(base64.b64decode(text))


@dataclass
class Desk(ABC):
    """A vendor's account: ``tickets`` are its main records, in whatever order they came."""

    tickets: list[Record] = field(default_factory=list)
    others: dict[str, list[Record]] = field(default_factory=dict)
    page_size: int = 5
    now: datetime = NOW
    is_expired: bool = False
    """Whether places that were handed out are refused from now on."""

    vendor = ""
    main = ""
    path = ""
    """What is found in the paths at which the main list is asked for."""
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.environment = self.credentials()

    @abstractmethod
    def credentials(self) -> dict[str, str]: ...

    def answer(self, request: Request) -> Answer:
        if request.headers.get("authorization") != self.authorization():
            return Answer({"error": "Couldn't authenticate you"}, 401)
        return self.listed(request)

    @abstractmethod
    def authorization(self) -> str: ...

    @abstractmethod
    def listed(self, request: Request) -> Answer: ...

    @abstractmethod
    def ticket(self, number: int, changed: datetime) -> Record: ...

    @abstractmethod
    def change(self, ticket: Record, changed: datetime) -> None: ...

    def version(self, ticket: Record) -> tuple[str, str]:
        return str(ticket["id"]), str(ticket["updated_at"])

    def fill(self, count: int, step: timedelta = timedelta(hours=1)) -> None:
        """``count`` tickets that changed one after the other, the last an hour ago."""
        begin = self.now - timedelta(hours=1) - step * (count - 1)
        self.tickets += [self.ticket(len(self.tickets) + i + 1, begin + step * i) for i in range(count)]


class Zendesk(Desk):
    vendor, main, path = "zendesk", "tickets", "/incremental/tickets/cursor"

    def credentials(self) -> dict[str, str]:
        return {
            "FIRSTLINE_ZENDESK_EMAIL": "ops@acme.example",
            "FIRSTLINE_ZENDESK_API_TOKEN": "t0ken-of-zendesk",
        }

    def authorization(self) -> str:
        pair = f"ops@acme.example/token:{self.environment['FIRSTLINE_ZENDESK_API_TOKEN']}"
        return "Basic " + base64.b64encode(pair.encode()).decode()

    def ticket(self, number: int, changed: datetime) -> Record:
        record = {"id": number, "subject": f"Printer {number} is on fire", "created_at": iso(changed)}
        return {**record, "updated_at": iso(changed), "generated_timestamp": int(changed.timestamp())}

    def change(self, ticket: Record, changed: datetime) -> None:
        ticket |= {"updated_at": iso(changed), "generated_timestamp": int(changed.timestamp())}

    def listed(self, request: Request) -> Answer:
        name = request.path.removesuffix(".json").removesuffix("/cursor").rpartition("/")[2]
        records = self.tickets if name == "tickets" else self.others.get(name, [])
        if request.path.endswith("/groups.json"):
            return Answer({"groups": records, "meta": {"has_more": False, "after_cursor": None}})
        if name == "articles" and "articles" not in self.others:
            return Answer({"error": "RecordNotFound"}, 404)
        start = int(request.query.get("start_time", 0))
        if start > self.now.timestamp() - 60:
            return Answer({"error": "StartTimeTooRecent"}, 422)
        visible = [r for r in records if _zendesk_time(r) <= self.now.timestamp() - 60]
        visible.sort(key=lambda r: (_zendesk_time(r), r["id"]))
        if "/cursor" in request.path:
            return self._by_cursor(name, visible, start, request)
        page = [r for r in visible if _zendesk_time(r) >= start]
        is_end = len(page) <= self.page_size
        page = page[: self.page_size]
        body = {name: page, "count": len(page), "end_of_stream": is_end}
        return Answer({**body, "end_time": _zendesk_time(page[-1]) if page else None, "next_page": None})

    def _by_cursor(self, name: str, visible: list[Record], start: int, request: Request) -> Answer:
        if "cursor" in request.query:
            if self.is_expired:
                return Answer({"error": "InvalidCursor"}, 400)
            after = tuple(untoken(request.query["cursor"]))
            visible = [r for r in visible if (_zendesk_time(r), r["id"]) > after]
        else:
            visible = [r for r in visible if _zendesk_time(r) >= start]
        page = visible[: self.page_size]
        last = (_zendesk_time(page[-1]), page[-1]["id"]) if page else None
        cursor = token(last) if last else request.query.get("cursor")
        body = {name: page, "after_cursor": cursor, "end_of_stream": len(visible) <= self.page_size}
        if name == "users" and request.query.get("include") == "identities":
            body["identities"] = list(self.others.get("identities", ()))
        return Answer(body)


def _zendesk_time(record: Record) -> int:
    text = record.get("generated_timestamp") or record.get("timestamp") or record["updated_at"]
    return int(text) if isinstance(text, int) else int(datetime.fromisoformat(text).timestamp())


@dataclass
class Freshdesk(Desk):
    is_since_inclusive: bool = True
    last_page: int = 300

    vendor, main, path = "freshdesk", "tickets", "/api/v2/tickets$"

    def credentials(self) -> dict[str, str]:
        return {"FIRSTLINE_FRESHDESK_API_KEY": "key-of-freshdesk"}

    def authorization(self) -> str:
        pair = f"{self.environment['FIRSTLINE_FRESHDESK_API_KEY']}:X"
        return "Basic " + base64.b64encode(pair.encode()).decode()

    def ticket(self, number: int, changed: datetime) -> Record:
        record = {"id": number, "subject": f"Invoice {number}", "status": 2, "priority": 1, "source": 1}
        return {**record, "created_at": iso(changed), "updated_at": iso(changed)}

    def change(self, ticket: Record, changed: datetime) -> None:
        ticket["updated_at"] = iso(changed)

    def listed(self, request: Request) -> Answer:
        if conversation := re.fullmatch(r"/api/v2/tickets/(\d+)/conversations", request.path):
            notes = self.others.get("conversations", [])
            return self._page([n for n in notes if n["ticket_id"] == int(conversation[1])], request)
        if "/solutions/" in request.path:
            parent = request.path.removeprefix("/api/v2/solutions/")
            return self._page(self.others.get(parent, []), request)
        name = request.path.rpartition("/")[2]
        records = self.tickets if name == "tickets" else self.others.get(name, [])
        if "filter" in request.query:
            records = self.others.get(request.query["filter"], [])
        if name == "satisfaction_ratings" and name not in self.others:
            return Answer({"code": "require_feature"}, 403)
        since = request.query.get("updated_since") or request.query.get("_updated_since")
        if since:
            records = [
                r
                for r in records
                if r["updated_at"] > since or (self.is_since_inclusive and r["updated_at"] == since)
            ]
        elif name == "tickets":
            records = [r for r in records if r["updated_at"] >= iso(self.now - timedelta(days=30))]
        if request.query.get("order_by") == "updated_at":
            records = sorted(records, key=lambda r: (r["updated_at"], r["id"]))
        return self._page(records, request)

    def _page(self, records: list[Record], request: Request) -> Answer:
        page, size = int(request.query["page"]), min(int(request.query["per_page"]), 100)
        if page > self.last_page:
            message = f"You cannot access tickets beyond the {self.last_page}th page."
            return Answer({"errors": [{"field": "page", "message": message}]}, 400)
        more = len(records) > page * size
        link = (
            {"Link": f'<https://acme.freshdesk.com{request.path}?page={page + 1}>; rel="next"'}
            if more
            else {}
        )
        return Answer(records[(page - 1) * size : page * size], headers=link)


@dataclass
class Intercom(Desk):
    zone: str = "America/Los_Angeles"
    scrolls: dict[str, int] = field(default_factory=dict)
    left_out_once: set[str] = field(default_factory=set)
    """Conversations that the next search counts but does not send."""

    vendor, main, path = "intercom", "conversations", "/conversations/search"

    def credentials(self) -> dict[str, str]:
        return {"FIRSTLINE_INTERCOM_ACCESS_TOKEN": "token-of-intercom"}

    def authorization(self) -> str:
        return f"Bearer {self.environment['FIRSTLINE_INTERCOM_ACCESS_TOKEN']}"

    def ticket(self, number: int, changed: datetime) -> Record:
        at = int(changed.timestamp())
        return {
            "type": "conversation",
            "id": str(number),
            "created_at": at,
            "updated_at": at,
            "state": "open",
        }

    def change(self, ticket: Record, changed: datetime) -> None:
        ticket["updated_at"] = int(changed.timestamp())

    def listed(self, request: Request) -> Answer:
        if one := re.fullmatch(r"/conversations/(\d+)", request.path):
            found = [t for t in self.tickets if t["id"] == one[1]]
            if not found:
                return Answer({"type": "error.list", "errors": [{"code": "not_found"}]}, 404)
            parts = [{"type": "conversation_part", "id": f"{one[1]}-1", "body": "<p>Thank you</p>"}]
            return Answer({**found[0], "conversation_parts": {"conversation_parts": parts, "total_count": 1}})
        if request.path == "/conversations/search":
            return self._search(request, "conversations", self.tickets, by_day=False)
        if request.path == "/contacts/search":
            return self._search(request, "data", self.others.get("contacts", []), by_day=True)
        if request.path == "/companies/scroll":
            return self._scroll(request)
        name = request.path.strip("/")
        if name == "articles":
            page, articles = int(request.query["page"]), self.others.get("articles", [])
            pages = {"type": "pages", "page": page, "total_pages": -(-len(articles) // self.page_size)}
            begin = (page - 1) * self.page_size
            return Answer({"type": "list", "pages": pages, "data": articles[begin : begin + self.page_size]})
        return Answer({"type": f"{name}.list", name: self.others.get(name, [])})

    def _search(self, request: Request, name: str, records: list[Record], by_day: bool) -> Answer:
        query = request.body
        (condition,) = query["query"]["value"]
        assert query["sort"] == {"field": "updated_at", "order": "ascending"}
        assert (condition["field"], condition["operator"]) == ("updated_at", ">")
        since, cursor = condition["value"], query["pagination"].get("starting_after")
        if by_day:
            since = self._next_midnight(since) - 1
        found = sorted((r for r in records if r["updated_at"] > since), key=_place)
        total = len(found)
        if cursor is not None:
            if self.is_expired:
                return Answer({"type": "error.list", "errors": [{"code": "parameter_invalid"}]}, 400)
            found = [r for r in found if _place(r) > tuple(untoken(cursor))]
        page = found[: self.page_size]
        following = {"starting_after": token(_place(page[-1]))} if len(found) > self.page_size else None
        sent = [r for r in page if r["id"] not in self.left_out_once]
        if following is None:
            self.left_out_once = set()
        return Answer(
            {
                "type": f"{name}.list",
                name: sent,
                "total_count": total,
                "pages": {"type": "pages", "next": following},
            }
        )

    def _next_midnight(self, unix: int) -> int:
        day = datetime.fromtimestamp(unix, ZoneInfo(self.zone)).date() + timedelta(days=1)
        return int(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(self.zone)).timestamp())

    def _scroll(self, request: Request) -> Answer:
        companies = self.others.get("companies", [])
        scroll = request.query.get("scroll_param")
        if scroll is not None and (self.is_expired or scroll not in self.scrolls):
            return Answer({"type": "error.list", "errors": [{"code": "not_found"}]}, 404)
        scroll = scroll or f"scroll-{len(self.scrolls)}"
        begin = self.scrolls.get(scroll, 0)
        self.scrolls[scroll] = begin + self.page_size
        return Answer(
            {"type": "list", "data": companies[begin : begin + self.page_size], "scroll_param": scroll}
        )


def _place(record: Record) -> tuple[int, str]:
    return record["updated_at"], record["id"]


@dataclass
class Salesforce(Desk):
    locators: dict[str, list[Record]] = field(default_factory=dict)
    missing_page: int = 0
    """The number of the page that is left out the next time a locator is followed so far."""

    vendor, main, path = "salesforce", "cases", "/services/data/v62.0/query"

    def credentials(self) -> dict[str, str]:
        return {"FIRSTLINE_SALESFORCE_ACCESS_TOKEN": "token-of-salesforce"}

    def authorization(self) -> str:
        return f"Bearer {self.environment['FIRSTLINE_SALESFORCE_ACCESS_TOKEN']}"

    def version(self, ticket: Record) -> tuple[str, str]:
        return ticket["Id"], ticket["SystemModstamp"]

    def ticket(self, number: int, changed: datetime) -> Record:
        stamp = changed.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
        return {
            "attributes": {"type": "Case", "url": f"/services/data/v62.0/sobjects/Case/500{number:012}AAA"},
            "Id": f"500{number:012}AAA",
            "Subject": f"Contract {number}",
            "Region__c": "EMEA",
            "IsDeleted": False,
            "CreatedDate": stamp,
            "SystemModstamp": stamp,
        }

    def change(self, ticket: Record, changed: datetime) -> None:
        ticket["SystemModstamp"] = changed.strftime("%Y-%m-%dT%H:%M:%S.000+0000")

    def listed(self, request: Request) -> Answer:
        if described := re.fullmatch(r"/services/data/v62.0/sobjects/(\w+)/describe", request.path):
            if described[1] not in OBJECTS:
                return Answer([{"errorCode": "NOT_FOUND", "message": "does not exist"}], 404)
            fields = [{"name": "Id", "type": "id"}, {"name": "CreatedDate", "type": "datetime"}]
            if described[1] != "CaseHistory":
                fields += [
                    {"name": "SystemModstamp", "type": "datetime"},
                    {"name": "IsDeleted", "type": "boolean"},
                ]
            if described[1] == "Case":
                fields += [{"name": "Subject", "type": "string"}, {"name": "Region__c", "type": "picklist"}]
                fields += [{"name": "Mail_Address", "type": "address"}]
            return Answer({"name": described[1], "fields": fields})
        if request.path == "/services/data/v62.0/queryAll":
            found = self._found(request.query["q"])
            return self._rows(found, len(found), 0, f"0r8{len(self.locators):015}")
        if followed := re.fullmatch(r"/services/data/v62.0/query/(\w+)-(\d+)", request.path):
            if self.is_expired or followed[1] not in self.locators:
                return Answer(
                    [{"errorCode": "INVALID_QUERY_LOCATOR", "message": "invalid query locator"}], 400
                )
            found = self.locators[followed[1]]
            return self._rows(found, len(found), int(followed[2]), followed[1])
        raise AssertionError(request.path)

    def _found(self, query: str) -> list[Record]:
        asked = re.fullmatch(
            r"SELECT ([\w,]+) FROM (\w+) WHERE (\w+) >= (\S+) AND \3 < (\S+) ORDER BY \3, Id", query
        )
        assert asked, query
        fields, name, changed, since, until = asked.groups()
        assert "Mail_Address" not in fields
        records = self.tickets if name == "Case" else self.others.get(OBJECTS[name], [])
        low, high = datetime.fromisoformat(since), datetime.fromisoformat(until)
        found = [r for r in records if low <= datetime.fromisoformat(r[changed]) < high]
        return [
            {k: r[k] for k in ("attributes", *fields.split(",")) if k in r} for r in sorted(found, key=_id)
        ]

    def _rows(self, found: list[Record], total: int, begin: int, locator: str) -> Answer:
        self.locators[locator] = found
        page = found[begin : begin + self.page_size]
        end = begin + self.page_size
        if self.missing_page and begin == self.missing_page * self.page_size:
            page, self.missing_page = [], 0
        done = end >= len(found)
        following = {} if done else {"nextRecordsUrl": f"/services/data/v62.0/query/{locator}-{end}"}
        return Answer({"totalSize": total, "done": done, **following, "records": page})


def _id(record: Record) -> tuple[str, str]:
    return record.get("SystemModstamp") or record["CreatedDate"], record["Id"]


OBJECTS = {"Case": "cases", "Account": "accounts", "CaseHistory": "case_history"}

DESKS: tuple[type[Desk], ...] = (Zendesk, Freshdesk, Intercom, Salesforce)
