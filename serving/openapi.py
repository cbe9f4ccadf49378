"""The OpenAPI document of the service, made from the table of its endpoints."""

import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from serving.answers import Refused
from serving.endpoints import Endpoint

REFERENCE = "#/components/schemas/{model}"
EVERYWHERE = {
    421: "the Host header names another host",
    500: "a bug: report it with its time of day",
    504: "not done within FIRSTLINE_REQUEST_SECONDS: send the same request again",
}
WITH_KEY = {
    401: "no API key, or one that is not valid",
    403: "the key's role may not do this",
    429: "more requests than the key may make; Retry-After says when to call again",
}
WITH_BODY = {
    400: "the body is no JSON in UTF-8",
    413: "the body is larger than FIRSTLINE_MAX_BODY_BYTES",
    415: "the content type is not application/json",
}
FROM_STORE = {503: "out of reach or overloaded: nothing was stored; Retry-After says when to call again"}
WRONG_FIELD = {422: "a field or parameter is missing, unknown or wrong"}
_PARAMETER = re.compile(r"{(\w+)}")


def document(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """OpenAPI 3.1: every route with every answer that it can give."""
    used = {model for e in endpoints for model in (e.answers, e.takes, e.not_stored)} | {Refused}
    models = sorted((m for m in used if m is not None), key=lambda model: model.__name__)
    _, schemas = models_json_schema([(model, "validation") for model in models], ref_template=REFERENCE)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Firstline",
            "version": "1",
            "description": "Scores, routes, escalates and resolves support tickets, with people in charge.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas.get("$defs", {}),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "an API key"}},
        },
    }


def answers_of(endpoint: Endpoint) -> dict[int, str]:
    """Every status of ``endpoint`` that is not its success, with what it means."""
    told: dict[int, str] = {**EVERYWHERE, **WRONG_FIELD, **FROM_STORE}
    if endpoint.roles is not None:
        told |= WITH_KEY
    if endpoint.has_body:
        told |= WITH_BODY
    told |= dict(endpoint.refuses)
    return dict(sorted(told.items()))


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.about,
        "responses": {str(endpoint.success): _success(endpoint)}
        | {str(status): _refusal(status, about) for status, about in answers_of(endpoint).items()},
        "parameters": _parameters(endpoint),
        "security": [{"key": []}] if endpoint.roles is not None else [],
    }
    if endpoint.not_stored is not None:
        told = operation["responses"]["503"]["content"]["application/json"]
        told["schema"] = _reference(endpoint.not_stored)
    if endpoint.unready:
        operation["responses"]["503"] = _success(endpoint) | {"description": "not ready"}
    if endpoint.roles is not None:
        operation["description"] = f"For keys with the role {', '.join(sorted(endpoint.roles))}."
    if endpoint.has_body:
        schema = {"type": "object"} if endpoint.takes is None else _reference(endpoint.takes)
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return operation


def _success(endpoint: Endpoint) -> dict[str, Any]:
    schema = {"type": "string"} if endpoint.media_type.startswith("text/") else {"type": "object"}
    shape = schema if endpoint.answers is None else _reference(endpoint.answers)
    return {"description": "done", "content": {endpoint.media_type: {"schema": shape}}}


def _refusal(status: int, about: str) -> dict[str, Any]:
    refused: dict[str, Any] = {
        "description": about,
        "content": {"application/json": {"schema": _reference(Refused)}},
    }
    if status in (429, 503):
        refused["headers"] = {
            "Retry-After": {"required": True, "schema": {"type": "string", "pattern": "^[0-9]+$"}}
        }
    if status == 401:
        refused["headers"] = {"WWW-Authenticate": {"required": True, "schema": {"type": "string"}}}
    return refused


def _parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in _PARAMETER.findall(endpoint.path)
    ]
    if endpoint.idempotency != "none":
        schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
        required = endpoint.idempotency == "required"
        found.append({"name": "Idempotency-Key", "in": "header", "required": required, "schema": schema})
    for name, shape in (
        endpoint.query.model_json_schema()["properties"].items() if endpoint.query.model_fields else ()
    ):
        found.append({"name": name, "in": "query", "required": False, "schema": shape})
    return found


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": REFERENCE.format(model=model.__name__)}
