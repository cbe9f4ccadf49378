"""Files in which several brands or systems number their own tickets: a number is there once for each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from connectors.drafts.parts import flow, quoted
from connectors.drafts.profile import Profile
from connectors.drafts.vocabulary import Words, named

KEY = "ticket of its system"
"""The raw column that the draft derives from both."""
_SYSTEMS = (
    "brand", "brand_name", "tenant", "instance", "system", "workspace", "helpdesk", "shop", "site", "region",
    "marke", "mandant", "standort", "marque", "enseigne", "marca", "tienda", "loja",
)  # fmt: skip
_MOST_SYSTEMS = 50


@dataclass(frozen=True)
class NumberedApart:
    """The column of the system, that of its numbers, and all columns with one for both instead."""

    system: Profile
    number: Profile
    columns: list[Profile]

    def options(self) -> list[str]:
        """The lines of the source that derive the column for both."""
        recipe = flow({"concat": [self.system.name, self.number.name], "separator": "-"})
        return ["derive:   # each of them numbers its own tickets", f"  {quoted(KEY)}: {recipe}"]


def numbered_apart(columns: Sequence[Profile], words: Words) -> NumberedApart | None:
    """Whether ids repeat only because a column called like a system says whose they are, else ``None``."""
    number = named([p for p in columns if p.time is None], words.columns["tickets"]["ticket_id"])
    system = named([p for p in columns if p.distinct <= _MOST_SYSTEMS], _SYSTEMS)
    if number is None or number.is_unique or system is None or system.filled < 1 or number.filled < 1:
        return None
    both = system.values + "-" + number.values
    if both.duplicated().any():
        return None
    key = replace(
        number,
        name=KEY,
        values=both,
        distinct=len(both),
        mean_length=float(both.str.len().mean()),
        decimal=None,
    )
    return NumberedApart(system, number, [key, *(p for p in columns if p not in (number, system))])
