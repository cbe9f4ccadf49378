"""Freshdesk's knowledge base: the articles of every folder of every category, folders in folders included.

From https://developers.freshdesk.com/api/ (solution categories, folders, subfolders, articles). There is no
list of all articles, and none by time: the tree is walked every time, and what changed is written.
"""

from dataclasses import dataclass
from datetime import datetime

from connectors.pull.errors import Declined, NotOffered
from connectors.pull.stream import Cursor, Page, Stream
from connectors.pull.wire import LIST, Wire
from connectors.shapes import Record

SOLUTIONS = "/api/v2/solutions"
MAX_PAGES = 1000


@dataclass(frozen=True, kw_only=True)
class Articles(Stream):
    """Articles, a folder at a time. The cursor is what is still to be looked into: kind and id."""

    def start(self, since: datetime) -> Cursor:
        """Nothing is known of the tree yet."""
        return {}

    def page(self, wire: Wire, cursor: Cursor, now: datetime) -> Page:
        """The articles of one folder, or none where the way led through a category."""
        if "to_do" not in cursor:
            try:
                categories = self._whole(wire, f"{SOLUTIONS}/categories")
            except Declined as declined:
                if declined.status in (403, 404):
                    raise NotOffered(f"status {declined.status}") from declined
                raise
            to_do = [["categories", one["id"]] for one in categories]
            return Page([], {"to_do": to_do} if to_do else {}, done=not to_do)
        (kind, number), *to_do = cursor["to_do"]
        if kind == "categories":
            articles, found = [], self._within(wire, f"{SOLUTIONS}/categories/{number}/folders")
        else:
            articles = self._within(wire, f"{SOLUTIONS}/folders/{number}/articles")
            found = self._within(wire, f"{SOLUTIONS}/folders/{number}/subfolders")
        known = {one for _, one in cursor["to_do"]}
        to_do += [["folders", one["id"]] for one in found if one["id"] not in known]
        return Page(articles, {"to_do": to_do} if to_do else {}, done=not to_do)

    def _within(self, wire: Wire, path: str) -> list[Record]:
        """All of a list inside the tree; none where its parent was deleted meanwhile."""
        try:
            return self._whole(wire, path)
        except Declined as declined:
            if declined.status == 404:
                return []
            raise

    def _whole(self, wire: Wire, path: str) -> list[Record]:
        """All pages of a list; a list that ignores page numbers sends the same page again, and ends there."""
        records: list[Record] = []
        for page in range(1, MAX_PAGES + 1):
            part = wire.get(path, {"per_page": self.page_size, "page": page}, wants=LIST).body
            if not part or part == records[-len(part) :]:
                break
            records += part
            if len(part) < self.page_size:
                break
        return records
