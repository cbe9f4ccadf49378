"""The JSON schema of a mapping file, for editors: generated from the models, so that both say the same."""

import ast
import inspect
import json
import textwrap
from itertools import pairwise
from pathlib import Path
from typing import Any

from connectors.mapping.file import Lookup, Mapping, Rule, Source
from connectors.mapping.recipes import Case, Column, Order, Part, Recipe
from features.schema import TABLES

SCHEMA_FILE = Path(__file__).parents[1] / "mapping.schema.json"
"""The schema as it lies in the project, equal to ``schema_text()`` (a test keeps it so)."""

PARTS: tuple[type[Part], ...] = (Mapping, Source, Rule, Column, Recipe, Case, Order, Lookup)
_RECIPE = {"$ref": "#/$defs/AnyRecipe"}


def mapping_schema() -> dict[str, Any]:
    """JSON schema (draft 2020-12) of a mapping file, with the canonical columns of every table."""
    schema = Mapping.model_json_schema(by_alias=True, mode="validation")
    for part in PARTS:
        properties = schema["properties"] if part is Mapping else schema["$defs"][part.__name__]["properties"]
        for name, about in key_docs(part).items():
            properties[name]["description"] = about
    rule, source = schema["$defs"]["Rule"]["properties"], schema["$defs"]["Source"]["properties"]
    schema["$defs"]["AnyRecipe"] = rule["columns"]["additionalProperties"]
    rule["columns"]["additionalProperties"] = source["derive"]["additionalProperties"] = dict(_RECIPE)
    rule["table"]["enum"] = list(TABLES)
    schema["$defs"]["Rule"]["allOf"] = [
        {
            "if": {"properties": {"table": {"const": name}}, "required": ["table"]},
            "then": {"properties": {"columns": _columns_of(name)}},
        }
        for name in TABLES
    ]
    schema = _without_titles(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Firstline mapping", **schema}


def key_docs(part: type[Part]) -> dict[str, str]:
    """Key -> what it means, from the docstrings below the fields of ``part`` and of what it is made of."""
    told: dict[str, str] = {}
    for cls in reversed(part.__mro__):
        if issubclass(cls, Part):
            told |= _field_docs(cls)
    return {field.alias or name: told[name] for name, field in part.model_fields.items() if name in told}


def _field_docs(cls: type[Part]) -> dict[str, str]:
    body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    assert isinstance(body, ast.ClassDef)
    told = {}
    for field, below in pairwise(body.body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            match below:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    told[field.target.id] = inspect.cleandoc(text)
    return told


def schema_text() -> str:
    """The schema as text: the same models, the same bytes."""
    return json.dumps(mapping_schema(), indent=1, ensure_ascii=False) + "\n"


def _columns_of(table: str) -> dict[str, Any]:
    columns = TABLES[table].columns
    return {
        "properties": {
            name: {"description": _about(spec.kind, spec.about, spec.allowed), **_RECIPE}
            for name, spec in columns.items()
        },
        "required": [name for name, spec in columns.items() if spec.required],
        "additionalProperties": False,
    }


def _without_titles(part: Any) -> Any:
    """Titles that pydantic makes of the names of keys tell nobody anything."""
    if isinstance(part, list):
        return [_without_titles(item) for item in part]
    if not isinstance(part, dict):
        return part
    return {
        name: _without_titles(item)
        for name, item in part.items()
        if not (name == "title" and isinstance(item, str))
    }


def _about(kind: str, about: str, allowed: tuple[str, ...]) -> str:
    return f"{kind}: {about}" + (f" ({', '.join(allowed)})" if allowed else "")
