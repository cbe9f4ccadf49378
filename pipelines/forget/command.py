"""``firstline forget``: every step in an order in which a killed run can go on, and a scan that proves it.

Files come first and the store last, because the store is where the person can be found by any name: after a
kill the same command finds them again, does what is left, and steps that are done change nothing.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from connectors.identity.person_index import writer_name
from connectors.mapping.file import load_mapping
from pipelines.artifacts import FEATURES, METRICS
from pipelines.forget import journal, places
from pipelines.forget.raw import rewrite_raw, rewrite_unread
from pipelines.forget.scan import Needles, files_under, is_in_file
from pipelines.forget.tables import rewrite_tables
from pipelines.ingest import FEEDBACK_MAPPING
from pipelines.params import load_params
from pipelines.release import data_revision
from serving.forget_marks import Marks
from serving.forget_rows import count_rows, erase_rows, mentions
from serving.forget_scrub import scrub
from serving.forget_who import Forgotten, whom
from serving.settings import Settings
from serving.store import Store, open_store
from serving.tables import CONTEXT

DRY_PSEUDONYM = "forgotten-0000000000000000"
PAGES = ("reports", "notebooks/executed")
STATE_PAGES = ("embeddings", "mlartifacts", "notebooks")

Say = Callable[[str], None]


class ForgetError(ValueError):
    """Nobody was found, or something was left. Names what was found and the fix."""


@dataclass
class Outcome:
    """What a run did, by place, and what a scan found afterwards."""

    who: Forgotten
    pseudonym: str
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    releases: list[places.Learnt] = field(default_factory=list)
    remote: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """For people; names nobody."""
        who = self.who
        found = (
            f"{who.kind}: {len(who.contacts)} contacts, {len(who.handles)} handles of their own, "
            f"{len(who.tickets)} tickets, {len(who.texts)} texts found nowhere else"
        )
        told = [
            f"{place}: {what} {n:,}" for place, counts in self.counts.items() for what, n in counts.items()
        ]
        remote = [f"delete from every DVC remote: {name}" for name in self.remote]
        left = [f"LEFT: {place}" for place in self.left]
        return [found, *told, *(one.line() for one in self.releases), *remote, *self.notes, *left]


class Forgetting:
    """One erasure in the project at ``project`` with the store and state of ``settings``."""

    def __init__(self, settings: Settings, project: Path = Path()) -> None:
        self._settings, self._project = settings, project
        self._artifacts, self._data = project / "artifacts", project / "data"

    def run(self, said: str, at: datetime, dry_run: bool = False, say: Say = lambda line: None) -> Outcome:
        """Forget whoever goes by ``said``; with ``dry_run`` only count. Raises ``ForgetError``."""
        store = open_store(self._settings)
        try:
            who = self.who(store, said)
            if dry_run:
                return self._dry_run(store, who)
            log = journal.opened(self._settings.state, who.kind, who.key, who.aliases | who.accounts, at)
            outcome = Outcome(who, log.pseudonym, releases=self._releases(store, who))
            self._erase(store, outcome, at, say)
            outcome.left = self.scan(store, who.marks(log.pseudonym), say)
            if not outcome.left:
                log.close()
            return outcome
        finally:
            store.close()

    def who(self, store: Store, said: str) -> Forgotten:
        """Whom ``said`` stands for. Raises ``ForgetError`` where nobody goes by that name."""
        with store.reading() as connection:
            found = whom(connection, self._artifacts / "tables", said)
        if found is not None:
            return found
        name = writer_name(said) or said
        if any(one.knows(name) for one in journal.unfinished(self._settings.state)):
            # the store was done before the run was killed: what is left goes by this name alone
            return Forgotten("person", name, handles=frozenset({name}))
        raise ForgetError(
            f"nobody is known as {said!r}: give a contact id, a handle (email:a@b.example, phone:+49...) or "
            "an account's id; who was forgotten before is looked for with --verify"
        )

    def verify(self, said: str, say: Say = lambda line: None) -> list[str]:
        """Every place where ``said``, as it is written, can still be found."""
        store = open_store(self._settings)
        try:
            value = said.partition(":")[2] if ":" in said else said
            return self.scan(store, Marks.of(DRY_PSEUDONYM, {said, value}), say)
        finally:
            store.close()

    def scan(self, store: Store, marks: Marks, say: Say = lambda line: None) -> list[str]:
        """Places in which a mark can be found: rows of the store by table, and files by path."""
        say("scanning every row of the store and every byte of data, artifacts, reports, state and cache")
        with store.reading() as connection:
            rows = mentions(connection, marks)
        needles = Needles(marks)
        pages = (self._project / page for page in PAGES)
        cache = self._project / ".dvc" / "cache"
        folders = [self._data, self._artifacts, *pages, self._settings.state, cache]
        files = [str(path) for path in files_under(folders) if is_in_file(path, needles)]
        return [*(f"{count} rows of {table}" for table, count in sorted(rows.items())), *files]

    def _erase(self, store: Store, outcome: Outcome, at: datetime, say: Say) -> None:
        who, marks = outcome.who, outcome.who.marks(outcome.pseudonym)
        needles, counts, state = Needles(marks), outcome.counts, self._settings.state
        say("raw data")
        counts["raw data"] = self._raw(who, marks, dry_run=False)
        if counts["raw data"]:
            outcome.notes.append(places.track(self._data, self._project.resolve()))
        say("tables and features")
        counts["artifacts"] = rewrite_tables(self._artifacts, who, marks, dry_run=False)
        say("pages, logs and releases")
        counts["pages"] = places.remove_pages(self._pages(), needles, dry_run=False)
        counts["logs"] = places.mask_logs(sorted(state.rglob("*.log")), needles, dry_run=False)
        counts["releases"] = places.strip_releases(self._release_folders(), needles, dry_run=False)
        say("old versions in DVC's cache")
        cache = self._project / ".dvc" / "cache"
        counts["cache"], outcome.remote = places.forget_cached(cache, needles, dry_run=False)
        say("store")
        counts["store"] = erase_rows(store, who, outcome.pseudonym, at)
        store.close()
        outcome.notes += [f"not done: {one}" for one in scrub(self._settings.database_url)]
        if counts["artifacts"]:
            outcome.notes.append("next: `dvc repro` makes models and pages again from the new data")

    def _dry_run(self, store: Store, who: Forgotten) -> Outcome:
        marks = who.marks(DRY_PSEUDONYM)
        needles, cache = Needles(marks), self._project / ".dvc" / "cache"
        outcome = Outcome(who, DRY_PSEUDONYM, releases=self._releases(store, who))
        cached, outcome.remote = places.forget_cached(cache, needles, dry_run=True)
        outcome.counts = {
            "raw data": self._raw(who, marks, dry_run=True),
            "artifacts": rewrite_tables(self._artifacts, who, marks, dry_run=True),
            "pages": places.remove_pages(self._pages(), needles, dry_run=True),
            "logs": places.mask_logs(sorted(self._settings.state.rglob("*.log")), needles, dry_run=True),
            "releases": places.strip_releases(self._release_folders(), needles, dry_run=True),
            "cache": cached,
            "store": count_rows(store, who),
        }
        return outcome

    def _raw(self, who: Forgotten, marks: Marks, dry_run: bool) -> Counter[str]:
        params = load_params(self._project / "params.yaml").ingest
        counts: Counter[str] = Counter()
        readings: tuple[tuple[str, Any], ...] = (
            (params.source, self._project / params.mapping),
            (f"feedback/{params.source}", self._project / FEEDBACK_MAPPING),
        )
        for folder, mapping in readings:
            if (self._data / folder).is_dir():
                counts.update(rewrite_raw(self._data / folder, load_mapping(mapping), who, marks, dry_run))
        read = [self._data / folder for folder, _ in readings]
        for path in files_under([self._data]):
            if any(folder in path.parents for folder in read):
                continue
            if self._data / "identity" not in path.parents:  # a source that the pipeline does not read now
                counts.update(rewrite_unread(path, who, marks, dry_run))
            elif is_in_file(path, Needles(marks)):  # what people decided about who is who: a file a decision
                counts["decisions about who is who removed"] += 1
                if not dry_run:
                    path.unlink()
        return counts

    def _pages(self) -> list[Path]:
        state = self._settings.state
        return [*(self._project / page for page in PAGES), *(state / page for page in STATE_PAGES)]

    def _release_folders(self) -> list[Path]:
        installed = self._settings.releases
        return [self._artifacts / "release", *(sorted(installed.iterdir()) if installed.is_dir() else ())]

    def _releases(self, store: Store, who: Forgotten) -> list[places.Learnt]:
        tickets = CONTEXT["tickets"]
        with store.reading() as connection:
            known = [
                connection.scalar(select(func.min(tickets.c.known_at)).where(tickets.c.ticket_id.in_(some)))
                for some in _portions(sorted(who.tickets))
            ]
        since = min((at for at in known if at is not None), default=None)
        files = sorted((self._project / FEATURES).glob("*.parquet"))
        ingest = self._project / METRICS / "ingest.json"
        revision = data_revision([*files, ingest]) if files and ingest.is_file() else None
        return places.releases_that_learnt(store, self._settings, since, revision) if who.tickets else []


def _portions(values: list[str]) -> list[list[str]]:
    return [values[start : start + 500] for start in range(0, len(values), 500)]
