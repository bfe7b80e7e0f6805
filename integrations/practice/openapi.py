"""The OpenAPI document of the practice company, made from its operations. `manage.py practice_document` writes it."""

import json
from pathlib import Path
from typing import Any

from integrations.practice.answers import ANSWERS
from integrations.practice.operations.base import Operation
from integrations.practice.operations.catalogue import OPERATIONS

DOCUMENT_PATH = Path(__file__).parent / "practice.openapi.json"
ERRORS = {
    "400": "The request is not JSON.",
    "401": "The bearer token is missing or wrong.",
    "404": "There is no such record.",
    "409": "A rule of the shop forbids it, or the idempotency key was used for another request.",
    "422": "An argument is missing or has the wrong form.",
}


def document() -> dict[str, Any]:
    """Return the OpenAPI 3.1 document."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS.values():
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Practice company",
            "version": "1.0.0",
            "description": "A small shop to let agents work on. Money is in minor units beside its currency.",
        },
        "servers": [{"url": "http://127.0.0.1:8711"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {**ANSWERS, "Error": _ERROR},
        },
    }


_ERROR = {
    "type": "object",
    "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
    "required": ["code", "message"],
}


def document_text() -> str:
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "parameters": _parameters(operation),
        "responses": {"200": _response("Done.", operation.answers), **_error_responses()},
    }
    if not operation.reads and operation.outside_path:
        described["requestBody"] = _body(operation)
    return described


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    found = [_parameter(operation, name, "path") for name in operation.in_path]
    if operation.reads:
        return found + [_parameter(operation, name, "query") for name in operation.outside_path]
    key_schema = {"type": "string", "maxLength": 200}
    return [*found, {"name": "Idempotency-Key", "in": "header", "required": False, "schema": key_schema}]


def _parameter(operation: Operation, name: str, place: str) -> dict[str, Any]:
    schema = dict(operation.arguments[name])
    description = schema.pop("description", "")
    required = place == "path" or name in operation.required
    return {"name": name, "in": place, "required": required, "description": description, "schema": schema}


def _body(operation: Operation) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {name: dict(operation.arguments[name]) for name in operation.outside_path},
        "required": list(operation.required),
        "additionalProperties": False,
    }
    return {"required": bool(operation.required), "content": {"application/json": {"schema": schema}}}


def _response(description: str, component: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{component}"}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _error_responses() -> dict[str, Any]:
    return {status: _response(description, "Error") for status, description in ERRORS.items()}
