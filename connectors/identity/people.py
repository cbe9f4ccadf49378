"""Who is who among a few contacts and handles as of one moment: a pure function of the facts known before it.

Contacts that held the same handle at the same time are one person, where the handle tells people apart, is
held by few contacts and by those of one company only. What people decided counts above all records.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from connectors.identity.decisions import Decision, Name, Standing, standing
from connectors.identity.evidence import NEVER
from connectors.identity.handles import is_role_mailbox, normal_handle, tells_people_apart

MOST_RECORDS = 25
"""A handle on more contacts than this is a placeholder or a switchboard, not a person."""

Span = tuple[int, int, Name]
"""From when until when (microseconds) a contact holds a handle without a break, and the contact."""


class Owner(NamedTuple):
    """Whose company tickets under a name are for: a person's, or the one that all of some contacts share."""

    contacts: tuple[Name, ...]
    is_person: bool

    def account(self, accounts: Mapping[Name, str | None]) -> str | None:
        """By the company of each contact: that of the person's first record, else the only one there is."""
        companies = {accounts.get(contact) for contact in self.contacts}
        if not self.is_person:
            return companies.pop() if len(companies) == 1 else None
        first = accounts.get(self.contacts[0])
        companies -= {None}
        return first or (companies.pop() if len(companies) == 1 else None)


NOBODY = Owner((), is_person=False)


class Meaning(NamedTuple):
    """What a name stands for, and why: the columns of the canonical table ``identities``."""

    contact_id: Name
    account_id: str | None
    rule: str
    handle: Name | None
    records: tuple[Name, ...]
    because: str | None


@dataclass
class Neighbourhood:
    """Contacts that could be one person at some time, with their handles, oldest facts first.

    A handle that merges nobody may also be held by contacts of other neighbourhoods: their spans and accounts
    are here, they themselves are not in ``first_known``.
    """

    first_known: dict[Name, int] = field(default_factory=dict)
    accounts: dict[Name, list[tuple[int, str]]] = field(default_factory=dict)
    spans: dict[Name, list[Span]] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)

    def moments(self) -> list[int]:
        """Every moment at which a fact becomes known."""
        found = set(self.first_known.values()) | {decision.known_at for decision in self.decisions}
        found |= {at for versions in self.accounts.values() for at, _ in versions}
        for spans in self.spans.values():
            found |= {start for start, _, _ in spans} | {end for _, end, _ in spans if end != NEVER}
        return sorted(found)

    def meanings(self, moment: int) -> tuple[dict[Name, Meaning], dict[Name, Owner]]:
        """What every name stands for after ``moment``, and whose company it is for: from facts known at it or
        before."""
        people = _People(self, moment)
        return people.meanings(), people.owners

    def accounts_before(self, owner: Owner, moment: int) -> dict[int, str | None]:
        """The company of ``owner`` over time: by moment, whenever a fact known before ``moment`` tells it."""
        facts = {at for who in owner.contacts for at, _ in self.accounts.get(who, ()) if at < moment}
        return {
            at: owner.account({who: account_at(self.accounts.get(who, ()), at) for who in owner.contacts})
            for at in sorted(facts)
        }


def account_at(versions: Sequence[tuple[int, str]], moment: int) -> str | None:
    """The newest company of ``versions`` (oldest first) known at ``moment``."""
    return next((account for at, account in reversed(versions) if at <= moment), None)


class _People:
    """One neighbourhood as of one moment."""

    def __init__(self, place: Neighbourhood, moment: int) -> None:
        self._moment = moment
        self.said: Standing = standing([d for d in place.decisions if d.known_at <= moment])
        self.accounts = {name: account_at(versions, moment) for name, versions in place.accounts.items()}
        self.spans = {h: self._spans(h, spans) for h, spans in place.spans.items()}
        self.spans = {handle: spans for handle, spans in self.spans.items() if spans}
        self.known = {name: at for name, at in place.first_known.items() if at <= moment}
        self._records = set(self.known)
        for names, decision in self.said.joined.items():
            for name in sorted(names - set(self.known) - set(self.spans)):
                self.known[name] = decision.known_at
        self.unclear: dict[Name, tuple[str, tuple[Name, ...]]] = {}
        self._between: dict[Name, str] = {}
        self.owners: dict[Name, Owner] = {}
        """Filled by ``meanings``."""

    def _spans(self, handle: Name, spans: Iterable[Span]) -> list[Span]:
        known = [(start, end if end <= self._moment else NEVER, c) for start, end, c in spans]
        return [span for span in known if span[0] <= self._moment and (handle, span[2]) not in self.said.cut]

    def meanings(self) -> dict[Name, Meaning]:
        """What every contact and every handle stands for."""
        records = self._connected_by_records()
        parents = dict(records)
        for names in self.said.joined:
            one, other = sorted(names)
            _join(parents, one, other)
        people: dict[Name, list[Name]] = {}
        for name in self.known:
            people.setdefault(_root(parents, name), []).append(name)
        found = {}
        for name in sorted({*self.known, *self.spans, *self.said.alone}):
            members = sorted(people.get(_root(parents, name), [name]), key=self._seniority)
            same_record = _root(records, name) == _root(records, members[0])
            found[name] = self._meaning(name, members, same_record)
        return found

    def _seniority(self, name: Name) -> tuple[bool, int, Name]:
        is_no_contact = name not in self._records
        return is_no_contact, self.known.get(name, NEVER), name

    def _meaning(self, name: Name, members: list[Name], same_record: bool) -> Meaning:
        first, some = members[0], tuple(members[:MOST_RECORDS])
        is_unclear = name in self.unclear and first == name
        self.owners[name] = self._shared_by(name) if is_unclear else Owner(tuple(members), is_person=True)
        account = self.owners[name].account(self.accounts)
        if is_unclear:
            why, holders = self.unclear[name]
            return Meaning(name, account, "ambiguous", None, holders[:MOST_RECORDS], why)
        decided = self._decided(name, members)
        if decided is not None and not (same_record and first != name):
            return Meaning(first, account, "decision", None, some, decided)
        if name in self.spans and name not in self.known:
            return Meaning(first, account, "handle", name, some, None)
        if len(members) > 1:
            shared_handle = next((h for h in sorted(self.spans) if self._ties(h, name)), None)
            return Meaning(first, account, "shared handle", shared_handle, some, None)
        between = self._between.get(name)
        return Meaning(first, account, "ambiguous" if between else "own", None, some, between)

    def _shared_by(self, handle: Name) -> Owner:
        """All who have an unclear handle: whoever of them wrote, it was for the one company of all."""
        _, holders = self.unclear[handle]
        return Owner(holders, is_person=False) if len(holders) <= MOST_RECORDS else NOBODY

    def _decided(self, name: Name, members: Iterable[Name]) -> str | None:
        among = {name, *members}
        about = [d for names, d in self.said.joined.items() if names & among]
        about += [self.said.alone[name]] if name in self.said.alone else []
        about += [d for (handle, _), d in self.said.cut.items() if handle == name]
        return max(about, key=lambda d: (d.known_at, d.decision_id)).said() if about else None

    def _ties(self, handle: Name, name: Name) -> bool:
        holders = {contact for _, _, contact in self.spans[handle]}
        return handle not in self.unclear and name in holders and len(holders) > 1

    def _connected_by_records(self) -> dict[Name, Name]:
        """Who is one with whom by handles alone, as parents of a forest of names."""
        loners = set(self.said.alone)
        while True:
            parents = {name: name for name in (*self.known, *self.spans)}
            self.unclear = {}
            for handle in self.spans:
                self._connect(parents, handle, loners)
            torn = self._between_companies(parents) - loners
            if not torn:
                return parents
            loners |= torn

    def _connect(self, parents: dict[Name, Name], handle: Name, loners: set[Name]) -> None:
        own = {name for names in self.said.joined if handle in names for name in names - {handle}}
        if any(name in self._records or normal_handle(name) != name for name in own):
            return  # a person said whose handle it is
        spans = self.spans[handle]
        everyone = tuple(dict.fromkeys(contact for _, _, contact in spans))
        if handle in loners:
            self.unclear[handle] = (self.said.alone[handle].said(), everyone)
            return
        if len(everyone) > 1:
            spans = [span for span in spans if span[2] not in loners]
        if not spans:
            self.unclear[handle] = ("every contact that has it stands alone", everyone)
            return
        if len(everyone) > MOST_RECORDS:
            self.unclear[handle] = (f"more than {MOST_RECORDS} contacts have it", everyone)
            return
        groups = _at_the_same_time(spans) if tells_people_apart(handle) else [[span[2] for span in spans]]
        for group in groups:
            objection = self._objection(handle, group)
            if objection is None:
                for contact in group:
                    if contact in parents:
                        _join(parents, group[0], contact)
                if group is groups[-1] and group[0] in parents:
                    _join(parents, handle, group[0])
            elif group is groups[-1]:
                self.unclear[handle] = (objection, tuple(group))

    def _objection(self, handle: Name, group: list[Name]) -> str | None:
        """Why ``handle`` does not make the contacts in ``group`` one person."""
        if len(group) == 1:
            return None
        if is_role_mailbox(handle):
            return "several contacts have this role mailbox"
        if not tells_people_apart(handle):
            return "several contacts have it, and this kind of handle does not tell people apart"
        companies = sorted({account for c in group if (account := self.accounts.get(c)) is not None})
        if len(companies) > 1:
            return f"contacts of several accounts have it: {', '.join(companies)}"
        return None

    def _between_companies(self, parents: Mapping[Name, Name]) -> set[Name]:
        """Contacts without a company whose handles would join those of several companies."""
        groups: dict[Name, list[Name]] = {}
        for name in self.known:
            groups.setdefault(_root(parents, name), []).append(name)
        torn = set()
        for members in groups.values():
            companies = sorted({account for m in members if (account := self.accounts.get(m)) is not None})
            if len(companies) > 1:
                homeless = [m for m in members if self.accounts.get(m) is None]
                torn |= set(homeless)
                for name in homeless:
                    self._between[name] = f"its handles are those of several accounts: {', '.join(companies)}"
        return torn


def _at_the_same_time(spans: Sequence[Span]) -> list[list[Name]]:
    """Contacts whose spans overlap, in groups that follow one another; ``spans`` are ordered by start."""
    groups: list[list[Name]] = []
    until = -NEVER
    for start, end, contact in spans:
        if start >= until:
            groups.append([])
        if contact not in groups[-1]:
            groups[-1].append(contact)
        until = max(until, end)
    return groups


def _root(parents: Mapping[Name, Name], name: Name) -> Name:
    while (above := parents.get(name, name)) != name:
        name = above
    return name


def _join(parents: dict[Name, Name], one: Name, other: Name) -> None:
    roots = sorted((_root(parents, one), _root(parents, other)))
    parents[roots[1]] = roots[0]
