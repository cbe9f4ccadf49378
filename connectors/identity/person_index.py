"""One person, one contact: whom every contact id and handle stands for, from which moment on, and why.

``identities`` works it out from contacts and from what people decided; ``PersonIndex`` asks it. What a name
stands for at T follows from facts known strictly before T alone, so a longer history never changes what an
earlier row was told, and contacts that arrive in two deliveries give the same answer as in one.
"""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from connectors.identity.decisions import Decision, in_order
from connectors.identity.evidence import Evidence, evidence_of
from connectors.identity.handles import handle_in, names_nobody, tells_people_apart
from connectors.identity.people import MOST_RECORDS, NOBODY, Meaning, Neighbourhood, Owner
from features.schema import ACCOUNT_REVISIONS, FROM_WRITER, IDENTITIES, spec_of, typed

_MEANINGS = ("alias", "known_at", *Meaning._fields)
_REVISIONS = ("alias", "known_at", "came_after", "account_id")
Row: TypeAlias = tuple[object, ...]
"""A row of one of the derived tables, in the order of its columns; times are microseconds."""


class PersonIndex:
    """Whom names stand for, for many (name, moment) pairs at once."""

    def __init__(
        self, contacts: pd.DataFrame, decisions: Sequence[Decision] = (), phone_region: str = ""
    ) -> None:
        self.identities, self.account_revisions = who_is_who(contacts, decisions, phone_region)
        """The derived tables: the evidence of every answer, and what it changed about earlier tickets."""
        self._phone_region = phone_region
        self._names = pd.Index(self.identities["alias"].unique())
        known_at = _microseconds(self.identities["known_at"])
        self._moments = np.unique(known_at)
        self._places = self._place(self._names.get_indexer(self.identities["alias"]), known_at)

    def resolve(self, rows: pd.DataFrame) -> pd.DataFrame:
        """``contact_id, account_id, account_from, writer`` of ``rows``, same index.

        ``rows``: contact_id, account_id, known_at, as the source gives them. ``writer`` is the name as the
        source gives it, a handle in its one form; ``contact_id`` the person it stood for just before
        ``known_at``, or the name itself; ``account_id`` is filled in only where empty, and ``account_from``
        says so.
        """
        writer = writers(rows["contact_id"], self._phone_region)
        found = self._rows_before(writer, _microseconds(rows["known_at"]))
        is_known = found >= 0
        persons = self.identities["contact_id"].array.take(found, allow_fill=True)
        accounts = self.identities["account_id"].array.take(found, allow_fill=True)
        account = rows["account_id"].where(rows["account_id"].notna(), pd.Series(accounts, rows.index))
        is_filled = rows["account_id"].isna() & account.notna()
        return pd.DataFrame(
            {
                "contact_id": pd.Series(persons, rows.index).where(is_known, writer),
                "account_id": account,
                "account_from": pd.Series(FROM_WRITER, rows.index, dtype="str").where(is_filled),
                "writer": writer,
            }
        ).astype("str")

    def _rows_before(self, names: pd.Series, moments: np.ndarray) -> np.ndarray:
        """Position in ``identities`` of the newest row of each name known before its moment, else -1."""
        codes = self._names.get_indexer(names)
        before = np.searchsorted(self._places, self._place(codes, moments)) - 1
        is_own = (codes >= 0) & (before >= 0)
        own = (
            self._places[np.maximum(before, 0)] // (len(self._moments) + 1) == codes
            if is_own.any()
            else is_own
        )
        return np.where(is_own & own, before, -1)

    def _place(self, codes: np.ndarray, moments: np.ndarray) -> np.ndarray:
        return codes.astype(np.int64) * (len(self._moments) + 1) + np.searchsorted(self._moments, moments)


def writers(contact_ids: pd.Series, phone_region: str = "") -> pd.Series:
    """Contact ids as names: a handle in its one form, missing where it names nobody."""
    forms = {name: writer_name(name, phone_region) for name in contact_ids.dropna().unique()}
    return contact_ids.map(forms).astype("str")


def writer_name(name: str, phone_region: str = "") -> str | None:
    """A contact id as a name: a handle in its one form, ``None`` where it names nobody."""
    return handle_in(name, phone_region) or (None if names_nobody(name) else name)


class WhoIsWho(NamedTuple):
    """The derived tables, sorted by their keys."""

    identities: pd.DataFrame
    """For every contact id and handle a row whenever its meaning changes; a name without one is itself."""
    account_revisions: pd.DataFrame
    """A row for the account of tickets that a change of meaning moves after they came."""


def who_is_who(
    contacts: pd.DataFrame, decisions: Sequence[Decision] = (), phone_region: str = ""
) -> WhoIsWho:
    """Whom every name stands for over time, and which accounts of earlier tickets that changes."""
    evidence = evidence_of(contacts, phone_region)
    decided = in_order(decisions)
    ids = pd.Index(evidence.first_known.index).union(sorted(_names_in(decided)), sort=False)
    holdings = _ranked(evidence.holdings).assign(code=ids.get_indexer(evidence.holdings["contact_id"]))
    label = _neighbourhoods(holdings, decided, ids)
    is_simple = np.bincount(label, minlength=label.max(initial=0) + 1) == 1
    is_simple[label[ids.get_indexer(holdings.loc[holdings["holders"] > 1, "contact_id"])]] = False
    is_simple[label[ids.get_indexer(sorted(_names_in(decided)))]] = False
    meanings, revisions = _simple(evidence, holdings, set(ids[is_simple[label]]))
    places = _places(evidence, holdings, decided, ids, label, is_simple)
    changes: list[Row] = []
    moves: list[Row] = []
    for place in places:
        found, moved = _changes(place)
        changes += found
        moves += moved
    return WhoIsWho(_table(IDENTITIES, meanings, changes), _table(ACCOUNT_REVISIONS, revisions, moves))


def _table(name: str, simple: pd.DataFrame, rows: Sequence[tuple[object, ...]]) -> pd.DataFrame:
    both = pd.concat([simple, pd.DataFrame(rows, columns=simple.columns)], ignore_index=True)
    for column, spec in spec_of(name).columns.items():
        if spec.kind == "time":
            both[column] = pd.to_datetime(both[column].astype("int64"), unit="us", utc=True)
    return typed(name, both.sort_values(list(spec_of(name).key), ignore_index=True))


def _ranked(holdings: pd.DataFrame) -> pd.DataFrame:
    """``holdings`` with the number of contacts that ever had the handle, and which of them (0: the first) has
    it in this row."""
    comes_back = holdings.duplicated(["handle", "contact_id"])
    order = (~comes_back).groupby(holdings["handle"]).cumsum() - 1
    rank = order.groupby([holdings["handle"], holdings["contact_id"]]).transform("first")
    return holdings.assign(rank=rank, holders=order.groupby(holdings["handle"]).transform("max") + 1)


def _names_in(decisions: Sequence[Decision]) -> set[str]:
    names = {name for d in decisions if d.kind != "undo" for name in (d.subject, d.other)}
    return {name for name in names if name is not None}


def _neighbourhoods(holdings: pd.DataFrame, decisions: Sequence[Decision], ids: pd.Index) -> np.ndarray:
    """For each of ``ids`` the number of its neighbourhood: who could ever be one with whom."""
    apart = {handle: tells_people_apart(handle) for handle in holdings["handle"].unique()}
    joins = holdings[holdings["handle"].map(apart).astype(bool) & (holdings["rank"] <= MOST_RECORDS)]
    first = joins.groupby("handle")["code"].transform("first")
    owner = holdings.drop_duplicates("handle").set_index("handle")["code"]
    edges = [np.column_stack([first.to_numpy(np.int64), joins["code"].to_numpy(np.int64)])]
    for decision in decisions:
        names = [name for name in (decision.subject, decision.other) if name is not None]
        if decision.kind != "undo":
            codes = [ids.get_loc(name) for name in names] + [owner[n] for n in names if n in owner.index]
            edges.append(np.array([(codes[0], code) for code in codes], dtype=np.int64))
    pairs = np.concatenate(edges)
    ones = np.ones(len(pairs), np.int8)
    graph = coo_array((ones, (pairs[:, 0], pairs[:, 1])), shape=(len(ids), len(ids)))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def _places(
    evidence: Evidence,
    holdings: pd.DataFrame,
    decisions: Sequence[Decision],
    ids: pd.Index,
    label: np.ndarray,
    is_simple: np.ndarray,
) -> list[Neighbourhood]:
    """The neighbourhoods in which something has to be weighed, with all their facts."""
    wanted = {int(number): Neighbourhood() for number in np.flatnonzero(~is_simple)}
    of_id = dict(zip(ids, label.tolist(), strict=True))
    versions: dict[str, list[tuple[int, str]]] = {}
    columns = (evidence.accounts[name].tolist() for name in ("contact_id", "known_at", "account_id"))
    for contact, at, account in zip(*columns, strict=True):
        versions.setdefault(contact, []).append((at, account))
    for contact, at in evidence.first_known.items():
        if (place := wanted.get(of_id[contact])) is not None:
            place.first_known[str(contact)] = at
            place.accounts[str(contact)] = versions.get(str(contact), [])
    some = holdings[holdings["rank"] <= MOST_RECORDS]
    numbers = label[some.groupby("handle")["code"].transform("first").to_numpy(np.int64)] if len(some) else ()
    spans = (some[name].tolist() for name in ("handle", "start", "end", "contact_id"))
    for number, handle, start, end, contact in zip(numbers, *spans, strict=True):
        if (place := wanted.get(int(number))) is not None:
            place.spans.setdefault(handle, []).append((start, end, contact))
            place.accounts.setdefault(contact, versions.get(contact, []))
    for decision in decisions:
        if decision.kind != "undo":
            wanted[of_id[decision.subject]].decisions.append(decision)
    undone = {decision.decision_id: place for place in wanted.values() for decision in place.decisions}
    for decision in decisions:
        if decision.kind == "undo" and decision.subject in undone:
            undone[decision.subject].decisions.append(decision)
            undone[decision.decision_id] = undone[decision.subject]
    return list(wanted.values())


def _changes(place: Neighbourhood) -> tuple[list[Row], list[Row]]:
    """A row of ``identities`` whenever what a name stands for, or why, is another than before; and rows of
    ``account_revisions`` where that makes earlier tickets those of another account."""
    meanings: list[Row] = []
    revisions: list[Row] = []
    before: dict[str, Meaning] = {}
    owners: dict[str, Owner] = {}
    for moment in place.moments():
        now, their_owners = place.meanings(moment)
        for name, meaning in now.items():
            if before.get(name) != meaning:
                meanings.append((name, moment, *meaning[:4], list(meaning.records), meaning.because))
        for name in sorted(before.keys() - now.keys()):
            meanings.append((name, moment, name, None, "own", None, [], None))
        for name in sorted({*owners, *their_owners}):
            was, owner = owners.get(name, NOBODY), their_owners.get(name, NOBODY)
            if was != owner:
                account = now[name].account_id if name in now else None
                revised = _revised(place, was, owner, moment, account)
                revisions += [(name, moment, *step) for step in revised]
        before, owners = now, their_owners
    return meanings, revisions


def _revised(
    place: Neighbourhood, was: Owner, owner: Owner, moment: int, account: str | None
) -> list[tuple[int, str | None]]:
    """The company of ``owner`` over the time before ``moment``, where it is not what ``was`` had: (since,
    company), up to ``account``, the company from then on. Nothing where it is the same."""
    had, has = place.accounts_before(was, moment), place.accounts_before(owner, moment)
    steps: list[tuple[int, str | None]] = []
    differs = False
    before: str | None = None
    now: str | None = None
    for at in sorted({*had, *has}):
        before, now = had.get(at, before), has.get(at, now)
        differs |= before != now
        if not steps or steps[-1][1] != now:
            steps.append((at, now))
    if steps and steps[-1][1] != account:
        steps.append((moment, account))
    return steps if differs else []


def _simple(
    evidence: Evidence, holdings: pd.DataFrame, contacts: set[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of both tables about contacts that share nothing with anybody, and about their handles."""
    alone = evidence.first_known.index.isin(list(contacts))
    known = evidence.first_known[alone].rename("since").reset_index()
    accounts = evidence.accounts[evidence.accounts["contact_id"].isin(contacts)]
    opened = known.assign(known_at=known["since"], account_id=None)[["contact_id", "known_at", "account_id"]]
    versions = pd.concat([opened, accounts]).drop_duplicates(["contact_id", "known_at"], keep="last")
    held = holdings[holdings["contact_id"].isin(contacts)].drop_duplicates(["handle", "contact_id"])
    held = held[["handle", "contact_id", "start"]]
    itself = known.assign(handle=None, start=known["since"])[["handle", "contact_id", "start"]]
    rows = pd.concat([itself, held]).merge(versions, on="contact_id")
    rows["alias"] = rows["handle"].where(rows["handle"].notna(), rows["contact_id"])
    came_before = (rows["known_at"] < rows["start"]) & rows["account_id"].notna()
    revisions = rows[came_before].rename(columns={"known_at": "came_after", "start": "known_at"})
    rows["known_at"] = np.maximum(rows["start"], rows["known_at"])
    rows = rows.drop_duplicates(["alias", "known_at"], keep="last")
    rows["rule"] = np.where(rows["handle"].notna(), "handle", "own")
    records = pd.Series([[contact] for contact in rows["contact_id"]], index=rows.index, dtype="object")
    return rows.assign(records=records, because=None)[list(_MEANINGS)], revisions[list(_REVISIONS)]


def _microseconds(times: pd.Series) -> np.ndarray:
    return times.to_numpy("datetime64[us]").view(np.int64)
