"""Who is who, on disk: the last step of ingest, over the canonical tables that it wrote."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from connectors.identity.decisions import RULES_FILE, Decision, Rules
from connectors.identity.person_index import PersonIndex
from features.schema import ACCOUNT_REVISIONS, IDENTITIES, empty_table, typed
from features.tables import read_table, write_tables


@dataclass(frozen=True)
class Identified:
    """What was found out about contacts and tickets."""

    contacts: int
    people: int
    ambiguous: int
    tickets: int
    renamed: int
    """Tickets whose contact is another than the source's id or handle says."""
    accounts_filled: int

    def lines(self) -> list[str]:
        """For people."""
        if not self.contacts:
            return ["  identity: no contacts, so handles stand for themselves"]
        lines = [
            f"  identity: {self.contacts:,} contacts are {self.people:,} people; of {self.tickets:,} tickets "
            f"{self.renamed:,} went to the person behind a handle or a second contact, "
            f"{self.accounts_filled:,} got that person's account"
        ]
        if self.ambiguous:
            lines.append(
                f"  identity: {self.ambiguous:,} names are ambiguous and merge nobody: "
                "see `firstline identity ambiguous`"
            )
        return lines


def identify(tables: Path, decisions: Sequence[Decision], phone_region: str) -> Identified:
    """Write ``identities`` into the folder ``tables`` and the person into every ticket there.

    Tickets are rewritten a row group at a time, in their order; the same tables and decisions give the same
    bytes.
    """
    contacts = read_table(tables, "contacts")
    index = PersonIndex(contacts, decisions, phone_region)
    write_tables(tables, {IDENTITIES: index.identities, ACCOUNT_REVISIONS: index.account_revisions})
    told = Rules(phone_region=phone_region, decisions=list(decisions))
    (tables / RULES_FILE).write_text(told.model_dump_json(indent=2) + "\n", encoding="utf-8")
    tickets, renamed, filled = _rewritten(tables / "tickets.parquet", index)
    newest = index.identities.drop_duplicates("alias", keep="last")
    of_contacts = newest[newest["alias"].isin(contacts["contact_id"])]
    return Identified(
        contacts=len(of_contacts),
        people=of_contacts["contact_id"].nunique(),
        ambiguous=int((newest["rule"] == "ambiguous").sum()),
        tickets=tickets,
        renamed=renamed,
        accounts_filled=filled,
    )


def _rewritten(path: Path, index: PersonIndex) -> tuple[int, int, int]:
    """Rewrite the tickets in ``path``; returns rows, rows with another contact, and accounts filled in."""
    if not path.exists():
        return 0, 0, 0
    source = pq.ParquetFile(path)
    part = path.with_suffix(".part")
    schema = pa.Schema.from_pandas(empty_table("tickets"), preserve_index=False)
    counts = [0, 0, 0]
    with pq.ParquetWriter(part, schema, compression="zstd") as target:
        for number in range(source.num_row_groups):
            before = typed("tickets", source.read_row_group(number).to_pandas())
            after = with_persons(before, index)
            target.write_table(pa.Table.from_pandas(after, schema=schema, preserve_index=False))
            counts[0] += len(after)
            counts[1] += int((after["contact_id"].notna() & (after["contact_id"] != after["writer"])).sum())
            counts[2] += int(after["account_from"].notna().sum())
    part.replace(path)
    return counts[0], counts[1], counts[2]


def with_persons(tickets: pd.DataFrame, index: PersonIndex) -> pd.DataFrame:
    """``tickets`` with the person who wrote, the account where it was empty, and the name the source gave.

    What was filled in before is asked again, so that doing this twice is doing it once.
    """
    said = tickets["writer"].where(tickets["writer"].notna(), tickets["contact_id"])
    given = tickets["account_id"].where(tickets["account_from"].isna())
    found = index.resolve(tickets.assign(contact_id=said, account_id=given))
    return tickets.assign(**found)
