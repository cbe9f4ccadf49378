"""The mapping file: which raw files a company delivers, and what each of their columns means.

A mapping is YAML, checked before any row is read. ``docs/data-contract.md`` explains it by example.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import available_timezones

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from features.schema import TABLES

Format = Literal[
    "csv",
    "json",
    "jsonl",
    "parquet",
    "labels",
    "zendesk_tickets",
    "zendesk_ticket_events",
    "zendesk_users",
    "zendesk_articles",
]
"""``labels`` is one JSON object of label -> label, for look-ups; ``zendesk_*`` unfold Zendesk's objects."""

Unmapped = Literal["keep", "empty", "filter", "reject"]


class MappingError(ValueError):
    """A mapping file says something that cannot be carried out. Names the file, the key and the fix."""


def _as_text(value: Any) -> Any:
    """YAML's true, 7 and 1.5 as the text that raw files hold."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


Text = Annotated[str, BeforeValidator(_as_text)]
Values = Annotated[list[Text], BeforeValidator(_as_list)]
Condition = dict[str, Values]
"""Raw column -> values it may have, in any letter case; "" is an empty cell."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Column(_Part):
    """How one canonical value is made. Steps apply in the order of the fields below."""

    source: str | None = Field(None, alias="from")
    """Raw column; nested JSON by dots, for example ``via.channel``."""
    value: Text | None = None
    """A constant instead of a raw column."""
    where: Condition = {}
    """Only for these rows; others stay empty (or take the next alternative of a list)."""
    same: tuple[str, str] | None = None
    """Only for rows in which these two raw columns are equal."""
    html: bool = False
    """HTML to plain text."""
    split: str | None = None
    """Cut text into a list at this separator."""
    map: dict[Text, Text] | None = None
    """Label -> label, written here."""
    lookup: str | None = None
    """Label -> label, read from a raw file: a name under ``lookups``."""
    unmapped: Unmapped = "reject"
    """A label that ``map`` or ``lookup`` does not know: keep it, leave the value empty, filter the row out
    (counted), or reject the row into quarantine."""
    scale: float | None = None
    """Multiply a number, for example 100 for dollars to cents."""
    time_format: str | None = None
    """``unix``, ``unix_ms`` or a strptime pattern; ISO 8601 without it."""
    time_zone: str | None = None
    """Zone of times that carry no offset (IANA name); the mapping's ``time_zone`` without it."""
    delay: str | None = Field(None, pattern=r"^\d+(s|min|h|D)$")
    """Added to a time (``7D``, ``2h``; units s, min, h, D): for facts learned later than the source says."""
    prefix: str = ""
    """Put before an id so that ids of different kinds cannot collide."""
    default: Text | None = None
    """Where everything above left nothing."""

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.source is None) == (self.value is None):
            raise ValueError("needs exactly one of `from` (a raw column) and `value` (a constant)")
        if self.map is not None and self.lookup is not None:
            raise ValueError("has both `map` and `lookup`: keep one")
        if self.time_zone is not None and self.time_zone not in available_timezones():
            raise ValueError(f"unknown time zone {self.time_zone!r}: use an IANA name such as Europe/Berlin")
        return self


def _as_alternatives(value: Any) -> Any:
    """``Name`` is short for ``{from: Name}``; several columns are tried in order."""
    return [{"from": one} if isinstance(one, str) else one for one in _as_list(value)]


class Recipe(_Part):
    """One canonical value from several columns: the first that yields a value, or all of them as a list."""

    first_of: Annotated[list[Column], BeforeValidator(_as_alternatives)] = []
    all_of: Annotated[list[Column], BeforeValidator(_as_alternatives)] = []

    @model_validator(mode="after")
    def _not_both(self) -> Self:
        if bool(self.first_of) == bool(self.all_of):
            raise ValueError("needs one or more columns under either `first_of` or `all_of`")
        return self

    @property
    def columns(self) -> list[Column]:
        """Every column that takes part."""
        return self.first_of or self.all_of


def _as_recipe(value: Any) -> Any:
    """A column name, one column or a list of columns are short for ``first_of``."""
    is_recipe = isinstance(value, dict) and ({"first_of", "all_of"} & set(value))
    return value if is_recipe else {"first_of": value}


AnyRecipe = Annotated[Recipe, BeforeValidator(_as_recipe)]


class Rule(_Part):
    """One canonical table made from the rows of one source: at most one canonical row per raw row."""

    table: str
    keep_where: Condition = {}
    """Only rows in which all of these columns have one of their values; others are filtered (counted)."""
    skip_where: Condition = {}
    """Filter rows (counted) in which any of these columns has one of its values."""
    columns: dict[str, AnyRecipe]

    @model_validator(mode="after")
    def _known_and_complete(self) -> Self:
        if self.table not in TABLES:
            raise ValueError(f"unknown table {self.table!r}: one of {', '.join(TABLES)}")
        columns = TABLES[self.table].columns
        unknown = sorted(set(self.columns) - set(columns))
        if unknown:
            raise ValueError(f"{self.table} has no column {', '.join(unknown)}: one of {', '.join(columns)}")
        missing = [name for name, spec in columns.items() if spec.required and name not in self.columns]
        if missing:
            raise ValueError(f"{self.table} requires {', '.join(missing)}: say where they come from")
        return self


class RawFile(_Part):
    """Where raw rows are, and how to read them."""

    file: str
    """Path inside the raw folder; may be a glob. ``.gz`` is opened as such."""
    format: Format
    delimiter: str = Field(",", min_length=1, max_length=1)
    encoding: str = "utf-8"
    customer_fields: list[int] = []
    """Zendesk: custom fields that the customer fills in when opening a ticket."""
    reviewer_tag: str | None = None
    """Zendesk: the user tag of the quality team."""


class Source(RawFile):
    """Raw files of one kind, and the canonical tables they feed."""

    derive: dict[str, AnyRecipe] = {}
    """Extra raw columns, usually by a look-up, that conditions and columns may then name."""
    tables: list[Rule] = Field(min_length=1)


class Lookup(RawFile):
    """Label -> label from raw files. ``labels`` files need no ``key`` and ``value``."""

    key: str | None = None
    value: str | None = None
    split: str | None = None
    """Cut the key at this separator: one entry per part."""

    @model_validator(mode="after")
    def _key_and_value(self) -> Self:
        if self.format != "labels" and (self.key is None or self.value is None):
            raise ValueError("needs `key` and `value`: the raw columns to look up and to return")
        return self


class Mapping(_Part):
    """A whole mapping file."""

    about: str
    time_zone: str = "UTC"
    lookups: dict[str, Lookup] = {}
    sources: list[Source] = Field(min_length=1)

    @model_validator(mode="after")
    def _references(self) -> Self:
        if self.time_zone not in available_timezones():
            raise ValueError(f"unknown time zone {self.time_zone!r}: use an IANA name such as Europe/Berlin")
        for source in self.sources:
            for where, column in _columns_of(source):
                if column.lookup is not None and column.lookup not in self.lookups:
                    known = ", ".join(self.lookups) or "none"
                    raise ValueError(
                        f"{source.file}, {where}: no lookup {column.lookup!r} (there are: {known})"
                    )
        return self

    def file_patterns(self) -> list[str]:
        """Every file pattern that the mapping reads, sorted, each once."""
        return sorted({part.file for part in [*self.sources, *self.lookups.values()]})


def _columns_of(source: Source) -> list[tuple[str, Column]]:
    recipes = [(f"derive.{name}", recipe) for name, recipe in source.derive.items()]
    for rule in source.tables:
        recipes += [(f"{rule.table}.{name}", recipe) for name, recipe in rule.columns.items()]
    return [(where, column) for where, recipe in recipes for column in recipe.columns]


def parse_mapping(text: str, name: str) -> Mapping:
    """Check a mapping. Raises ``MappingError`` naming ``name``, each wrong key and the fix."""
    try:
        return Mapping.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise MappingError(f"{name} is not valid YAML: {error}") from error
    except ValidationError as error:
        problems = [_problem(dict(detail)) for detail in error.errors()]
        raise MappingError(f"{name}:\n  " + "\n  ".join(problems)) from error


def load_mapping(path: Path) -> Mapping:
    """Read and check a mapping file. Raises ``MappingError``."""
    if not path.is_file():
        raise MappingError(f"{path} not found: give a mapping file, for example one of connectors/mappings/")
    return parse_mapping(path.read_text(encoding="utf-8-sig"), str(path))


def _problem(detail: dict[str, Any]) -> str:
    key = ".".join(str(part) for part in detail["loc"] if part not in ("first_of",)) or "(file)"
    if detail["type"] == "extra_forbidden":
        return f"{key}: unknown key; remove it or correct its spelling (see docs/data-contract.md)"
    if detail["type"] == "missing":
        return f"{key}: missing; add it"
    found = "" if isinstance(detail["input"], dict | list) else f" (found {detail['input']!r})"
    return f"{key}: {detail['msg'].removeprefix('Value error, ')}{found}"
