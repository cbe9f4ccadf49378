"""The mapping file: which raw files a company delivers, and what each of their columns means.

A mapping is YAML, checked before any row is read: ``docs/mapping-files.md`` explains it by example,
``mapping.schema.json`` is its schema for editors.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from connectors.mapping.checks import (
    CASE_COLUMNS,
    column_problems,
    id_problems,
    later_problems,
    step_problems,
    system_problems,
)
from connectors.mapping.errors import (
    Location,
    MappingError,
    MappingProblem,
    Problem,
    mapping_error,
    problem_at,
    problems_of,
    refuse,
)
from connectors.mapping.recipes import (
    AnyRecipe,
    Case,
    Column,
    Condition,
    Names,
    Part,
    Recipe,
    TimeZone,
    Values,
)
from connectors.mapping.yaml_places import YamlError, read_yaml
from features.schema import TABLES

__all__ = [
    "Case",
    "Column",
    "Condition",
    "Format",
    "Lookup",
    "Mapping",
    "MappingError",
    "MappingProblem",
    "RawFile",
    "Recipe",
    "Rule",
    "Source",
    "load_mapping",
    "parse_mapping",
]

Format = Literal[
    "csv",
    "json",
    "jsonl",
    "parquet",
    "labels",
    "zendesk_tickets",
    "zendesk_ticket_events",
    "zendesk_users",
    "zendesk_user_handles",
    "zendesk_articles",
    "zendesk_ticket_state",
    "freshdesk_tickets",
    "freshdesk_ticket_state",
    "freshdesk_conversations",
    "freshdesk_activities",
    "intercom_conversations",
    "intercom_conversation_events",
    "intercom_contacts",
    "salesforce_cases",
    "salesforce_case_state",
    "salesforce_case_history",
    "salesforce_case_comments",
    "salesforce_email_messages",
    "salesforce_accounts",
    "salesforce_contacts",
]
"""``labels`` is one JSON object of label -> label, for look-ups; a format named after a vendor reads that
vendor's own objects, one JSON object a line (``docs/vendors.md``)."""


def _by_column(value: Any) -> Any:
    """A plain list of columns says nothing about when each is known."""
    return {name: [] for name in value} if isinstance(value, list) else value


KnownLater = Annotated[
    dict[str, Names],
    BeforeValidator(_by_column, json_schema_input_type=list[str] | dict[str, list[str] | str]),
]


class Rule(Part):
    """One canonical table made from the rows of one source: at most one canonical row per raw row."""

    table: str
    """The canonical table."""
    keep_where: Condition = Field({})
    """Only rows in which all of these columns have one of their values; others are filtered (counted)."""
    skip_where: Condition = Field({})
    """Filter rows (counted) in which any of these columns has one of its values."""
    deleted_where: Condition = Field({})
    """Rows in which all of these hold say that what they name was deleted."""
    restates: bool = False
    """usage only: the source states a day's total again instead of adding to it."""
    columns: dict[str, AnyRecipe]
    """Canonical column -> how its value is made."""

    @model_validator(mode="after")
    def _known_and_complete(self) -> Self:
        if self.table not in TABLES:
            refuse("Rule", [(("table",), f"unknown table {self.table!r}: one of {', '.join(TABLES)}")])
        problems = list(column_problems(self))
        if self.restates and self.table != "usage":
            problems.append((("restates",), "only usage adds up, so only usage can be restated: remove it"))
        refuse("Rule", problems)
        return self

    def recipes(self) -> Iterator[tuple[Location, Recipe]]:
        """Every recipe, and where it stands in the rule."""
        return ((("columns", name), recipe) for name, recipe in self.columns.items())

    def raw_names(self) -> set[str]:
        """Every raw column that decides about these rows."""
        named = (recipe.raw_names() for _, recipe in self.recipes())
        return set(self.keep_where).union(self.skip_where, self.deleted_where, *named)


class RawFile(Part):
    """Where raw rows are, and how to read them."""

    file: str
    """Path inside the raw folder; may be a glob. ``.gz`` is opened as such."""
    format: Format
    """How the file is read. ``labels`` is one JSON object of label -> label, for look-ups."""
    delimiter: str = Field(",", min_length=1, max_length=1)
    """CSV: what separates the cells."""
    encoding: str = "utf-8"
    """CSV: how letters are written, for example cp1252."""
    missing: Values = Field([])
    """Cells that mean "nothing", for example "?" or N/A, in any letter case; empty cells always do."""
    customer_fields: Values = Field([])
    """The vendor's custom fields that only the customer fills in, when opening a ticket: ids in Zendesk,
    names in the others."""
    reviewer_tag: str | None = None
    """Zendesk: the user tag of the quality team."""


class Source(RawFile):
    """Raw files of one kind, and the canonical tables they feed."""

    system: str | None = None
    """The system that numbers these rows; a vendor's format says it. Ids of two systems need a ``prefix``."""
    case: Case | None = None
    """The rows are an event log: several rows about one case."""
    known_later: KnownLater = Field({})
    """Raw columns whose value is only known later than the row: column -> the time column from which on it is
    known (or a plain list of such columns). Refused wherever a row would be known earlier."""
    derive: dict[str, AnyRecipe] = Field({})
    """Extra raw columns, usually by a look-up, that conditions and columns may then name."""
    tables: list[Rule] = Field(min_length=1)
    """The canonical tables that these rows feed."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = [*later_problems(self.tables, self.derive, self.known_later), *id_problems(self.tables)]
        for name, recipe in self.derive.items():
            problems += [(("derive", name, *where), said) for where, said in step_problems(recipe, "string")]
        if self.case is None:
            problems += [
                (("tables", number), f"{name} needs `case:` on the source: say which column holds the case")
                for number, rule in enumerate(self.tables)
                for name in sorted(rule.raw_names() & set(CASE_COLUMNS))
            ]
        refuse("Source", problems)
        return self

    def recipes(self) -> Iterator[tuple[Location, Recipe]]:
        """Every recipe, and where it stands in the source."""
        yield from ((("derive", name), recipe) for name, recipe in self.derive.items())
        for number, rule in enumerate(self.tables):
            yield from ((("tables", number, *where), recipe) for where, recipe in rule.recipes())

    def raw_names(self) -> set[str]:
        """Every raw column that decides about any row."""
        named = (recipe.raw_names() for recipe in self.derive.values())
        return set().union(*named, *(rule.raw_names() for rule in self.tables))

    @property
    def from_system(self) -> str | None:
        """The system that numbers these rows, where it is known."""
        vendor, underscore, _ = self.format.partition("_")
        return self.system or (vendor if underscore else None)


class Lookup(RawFile):
    """Label -> label from raw files. ``labels`` files need no ``key`` and ``value``."""

    key: str | None = None
    """The raw column to look up."""
    value: str | None = None
    """The raw column to return."""
    split: str | None = None
    """Cut the key at this separator: one entry per part."""

    @model_validator(mode="after")
    def _key_and_value(self) -> Self:
        if self.format != "labels" and (self.key is None or self.value is None):
            raise ValueError("needs `key` and `value`: the raw columns to look up and to return")
        return self


class Mapping(Part):
    """A whole mapping file."""

    about: str
    """What this is, for people."""
    time_zone: TimeZone = "UTC"
    """Zone of times that carry no offset (IANA name)."""
    lookups: dict[str, Lookup] = Field({})
    """Label -> label from raw files, by a name that columns refer to."""
    sources: list[Source] = Field(min_length=1)
    """The raw files, and what they feed."""

    @model_validator(mode="after")
    def _references(self) -> Self:
        rules = [
            (("sources", number, "tables", place), source.from_system, rule)
            for number, source in enumerate(self.sources)
            for place, rule in enumerate(source.tables)
        ]
        refuse("Mapping", [*self._unknown_lookups(), *system_problems(rules)])
        return self

    def _unknown_lookups(self) -> Iterator[Problem]:
        for number, source in enumerate(self.sources):
            for where, recipe in source.recipes():
                for column in recipe.columns:
                    if column.lookup is not None and column.lookup not in self.lookups:
                        known = ", ".join(self.lookups) or "none"
                        yield (
                            ("sources", number, *where),
                            f"no lookup {column.lookup!r} (there are: {known})",
                        )

    def file_patterns(self) -> list[str]:
        """Every file pattern that the mapping reads, sorted, each once."""
        return sorted({part.file for part in [*self.sources, *self.lookups.values()]})


def parse_mapping(text: str, name: str) -> Mapping:
    """Check a mapping. Raises ``MappingError``: ``name``, then line, column, key and fix of each problem."""
    try:
        document = read_yaml(text)
    except YamlError as error:
        raise mapping_error(name, [problem_at(error.place, "", str(error))]) from error
    try:
        return Mapping.model_validate(document.content)
    except ValidationError as error:
        raise mapping_error(name, problems_of(error, document, _all_keys())) from error


def load_mapping(path: Path) -> Mapping:
    """Read and check a mapping file. Raises ``MappingError``."""
    if not path.is_file():
        raise MappingError(f"{path} not found: give a mapping file, for example one of connectors/mappings/")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise MappingError(f"{path} is not UTF-8 ({error}): save it as UTF-8") from error
    return parse_mapping(text, str(path))


def _all_keys() -> list[str]:
    parts: tuple[type[Part], ...] = (Mapping, Source, Lookup, Rule, Case, Column, Recipe)
    return sorted({field.alias or name for part in parts for name, field in part.model_fields.items()})
