"""The API's own description, for programs and, drawn as a page from the same, for people."""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator

_METHODS = ("get", "post", "put", "patch", "delete")


@login_not_required
@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    """Return the OpenAPI 3.1 document. It tells what could be asked, and nothing of what is there."""
    return HttpResponse(_schema_text(), content_type="application/vnd.oai.openapi+json")


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """Draw the document as a page: every call with what it takes and answers."""
    document = json.loads(_schema_text())
    calls: dict[str, list[Mapping[str, Any]]] = {}
    for call in _calls(document):
        calls.setdefault(call["tag"], []).append(call)
    return render(request, "api/docs.html", {"groups": list(calls.items()), "title": document["info"]["title"]})


@lru_cache(maxsize=1)
def _schema_text() -> str:
    """The description follows from the code, so one process makes it once."""
    document = SchemaGenerator(urlconf="config.api_urls").get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return json.dumps(document, ensure_ascii=False, default=str)


def _calls(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield _call(document, path, method, item[method])


def _call(document: Mapping[str, Any], path: str, method: str, said: Mapping[str, Any]) -> Mapping[str, Any]:
    body = said.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    return {
        "tag": said["tags"][0],
        "method": method.upper(),
        "path": path,
        "about": said.get("description", ""),
        "parameters": said.get("parameters", []),
        "body": list(_fields(document, body)),
        "answers": [_answer(document, status, found) for status, found in said["responses"].items()],
    }


def _answer(document: Mapping[str, Any], status: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
    body = found.get("content", {}).get("application/json", {}).get("schema")
    return {"status": status, "about": found.get("description", ""), "body": list(_fields(document, body))}


def _fields(document: Mapping[str, Any], schema: Mapping[str, Any] | None) -> Iterator[tuple[str, str, bool]]:
    """Yield name, type and whether it must be given, of each field of an object."""
    shape = _followed(document, schema or {})
    for name, field in shape.get("properties", {}).items():
        yield name, _type(document, field), name in shape.get("required", ())


def _type(document: Mapping[str, Any], field: Mapping[str, Any]) -> str:
    if "$ref" in field:
        shape = _followed(document, field)
        return _type(document, shape) if "enum" in shape else str(field["$ref"]).rpartition("/")[2]
    if field.get("type") == "array":
        return f"list of {_type(document, field.get('items', {}))}"
    if "enum" in field:
        return " or ".join(str(value) for value in field["enum"])
    choices = field.get("anyOf") or field.get("oneOf") or field.get("allOf")
    if choices:
        return " or ".join(dict.fromkeys(_type(document, choice) for choice in choices))
    kind = field.get("type", "any")
    return " or ".join(kind) if isinstance(kind, list) else str(field.get("format") or kind)


def _followed(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = schema.get("$ref")
    if not reference:
        return schema
    found: Mapping[str, Any] = document
    for part in str(reference).removeprefix("#/").split("/"):
        found = found[part]
    return found
