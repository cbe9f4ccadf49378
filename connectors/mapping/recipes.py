"""How one canonical value is made of raw columns: the smallest parts of a mapping file.

The docstrings of the keys are what an editor shows: ``mapping_schema`` reads them.
"""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Unmapped = Literal["keep", "empty", "filter", "reject"]
RECEIVED_AT = "(received at)"
"""The raw column that intake adds to the rows of a delivered file: when it was received."""

Scalar = str | bool | int | float


class Part(BaseModel):
    """A part of a mapping file: unknown keys are refused, nothing changes after it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def _as_text(value: Any) -> Any:
    """true, 7 and 1.5 as the text that raw files hold."""
    if value is None:
        raise ValueError('is empty: write "" for an empty cell, or quote the text')
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"unknown time zone {name!r}: use an IANA name such as Europe/Berlin")
    return name


def _known_time_format(pattern: str) -> str:
    if pattern in ("iso", "unix", "unix_ms", "excel"):
        return pattern
    try:
        datetime.strptime("", pattern)  # noqa: DTZ007
    except ValueError as error:
        if "%" not in pattern or "directive" in str(error) or "stray" in str(error):
            raise ValueError(
                f"{pattern!r} is no time format: iso, unix, unix_ms, excel, or a strptime pattern "
                "such as %d.%m.%Y %H:%M"
            ) from error
    return pattern


Text = Annotated[str, BeforeValidator(_as_text, json_schema_input_type=Scalar)]
Values = Annotated[list[Text], BeforeValidator(_as_list, json_schema_input_type=list[Scalar] | Scalar)]
Names = Annotated[list[str], BeforeValidator(_as_list, json_schema_input_type=list[str] | str)]
TimeZone = Annotated[str, AfterValidator(_known_zone)]
TimeFormat = Annotated[str, AfterValidator(_known_time_format)]
TimeFormats = Annotated[list[TimeFormat], BeforeValidator(_as_list, json_schema_input_type=list[str] | str)]
Condition = dict[str, Values]
"""Raw column -> values it may have, in any letter case; "" is an empty cell."""


class Column(Part):
    """One raw column (or a constant) and what is done to it, step by step in the order of these keys."""

    source: str | None = Field(None, alias="from")
    """Raw column; nested JSON by dots, for example ``via.channel``."""
    value: Text | None = None
    """A constant instead of a raw column."""
    received: bool = False
    """Instead of a raw column: when the file was delivered. For sources that say no time."""
    where: Condition = {}
    """Only for rows in which all of these hold; others stay empty, or take the next alternative of a list."""
    same: tuple[str, str] | None = None
    """Only for rows in which these two raw columns are equal."""
    html: bool = False
    """HTML to plain text."""
    whole: bool = False
    """A number that names something, as a data frame or a spreadsheet wrote it: ``123.0`` becomes ``123``."""
    split: str | None = None
    """Cut text into a list at this separator."""
    map: dict[Text, Text] | None = None
    """Label -> label, written here."""
    lookup: str | None = None
    """Label -> label, read from a raw file: a name under ``lookups``."""
    unmapped: Unmapped = "reject"
    """A label that ``map`` or ``lookup`` does not know: ``keep`` it, leave the value ``empty``, ``filter``
    the row out (counted), or ``reject`` the row into quarantine."""
    decimal: Literal[".", ","] | None = None
    """Numbers as people write them: this is the decimal sign, and thousands separators, spaces and currency
    signs are taken away ("1.234,50 €")."""
    scale: float | None = None
    """Multiply a number, for example 100 for dollars to cents."""
    time_format: TimeFormats = []
    """``iso``, ``unix``, ``unix_ms``, ``excel`` (45658.5: days, as a spreadsheet counts them) or a strptime
    pattern; several: tried in order. ``iso`` without it."""
    time_zone: TimeZone | None = None
    """Zone of times that carry no offset (IANA name); the mapping's ``time_zone`` without it."""
    delay: str | None = Field(None, pattern=r"^\d+(s|min|h|D)$")
    """Added to a time (``7D``, ``2h``; units s, min, h, D): for facts learned later than the source says."""
    prefix: str = ""
    """Put before an id so that ids of different kinds or systems cannot collide."""
    default: Text | None = None
    """Where everything above left nothing."""

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if [self.source is not None, self.value is not None, self.received].count(True) != 1:
            raise ValueError(
                "needs exactly one of `from` (a raw column), `value` (a constant) and `received: true`"
            )
        if self.map is not None and self.lookup is not None:
            raise ValueError("has both `map` and `lookup`: keep one")
        return self

    def raw_names(self) -> set[str]:
        """The raw columns that decide about this value."""
        origin = {self.source} if self.source is not None else set()
        return origin | set(self.where) | set(self.same or ())


def _as_columns(value: Any) -> Any:
    """``Name`` is short for ``{from: Name}``, and one column for a list of one."""
    return [{"from": one} if isinstance(one, str) else one for one in _as_list(value)]


Columns = Annotated[
    list[Column],
    BeforeValidator(_as_columns, json_schema_input_type=str | Column | list[str | Column]),
]


class Recipe(Part):
    """One canonical value from several columns."""

    first_of: Columns = []
    """The first of these that yields a value. A column or a list of columns is short for this."""
    all_of: Columns = []
    """All of these as one list."""
    concat: Columns = []
    """All of these as one text. Empty parts are left out; an id needs all of its parts."""
    separator: str = " "
    """Put between the parts of ``concat``."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if [bool(self.first_of), bool(self.all_of), bool(self.concat)].count(True) != 1:
            raise ValueError("needs one or more columns under one of `first_of`, `all_of` and `concat`")
        return self

    @property
    def columns(self) -> list[Column]:
        """Every column that takes part."""
        return self.first_of or self.all_of or self.concat

    def raw_names(self) -> set[str]:
        """The raw columns that decide about this value."""
        return set().union(*(column.raw_names() for column in self.columns))

    def prefixes(self) -> set[str]:
        """What an id made by this recipe may begin with; ``""`` where it begins with the raw value."""
        beginnings = self.concat[:1] or self.columns
        return {column.prefix or (column.value if self.concat else "") or "" for column in beginnings}


def _as_recipe(value: Any) -> Any:
    """A column name, one column or a list of columns are short for ``first_of``."""
    is_recipe = isinstance(value, dict) and ({"first_of", "all_of", "concat"} & set(value))
    return value if is_recipe else {"first_of": value}


AnyRecipe = Annotated[
    Recipe,
    BeforeValidator(_as_recipe, json_schema_input_type=str | Column | list[str | Column] | Recipe),
]


class Order(Part):
    """One raw column that events of a case are sorted by, and how its text is to be read."""

    number: str | None = None
    """Raw column that counts."""
    time: str | None = None
    """Raw column that tells the time."""
    text: str | None = None
    """Raw column that sorts as text."""
    time_format: TimeFormats = []
    """As for a column."""
    time_zone: TimeZone | None = None
    """As for a column."""

    @model_validator(mode="after")
    def _one_column(self) -> Self:
        if [self.number, self.time, self.text].count(None) != 2:
            raise ValueError("needs exactly one of `number`, `time` and `text`: a raw column")
        return self

    @property
    def source(self) -> str:
        """The raw column."""
        return self.number or self.time or self.text or ""


class Case(Part):
    """A source whose rows are the events of cases. Its rules may also name these raw columns: ``case.first``
    and ``case.last`` (true or false), ``case.event`` (000001, 000002, ... within the case), and for any raw
    column ``before.<column>`` (its value in the event before), ``changed.<column>`` (true where it differs
    from the event before; in the first event, where it has a value) and ``first.<column>`` (its value in the
    first event of the case)."""

    id: Names
    """The raw column (or columns) that say which case an event belongs to."""
    order: Annotated[
        list[Order],
        BeforeValidator(_as_list, json_schema_input_type=list[Order] | Order),
    ] = []
    """What events of one case are sorted by; ties, and everything without it, as they lie in the files."""
