"""The description is true, complete and drawn without anybody else's server; and what it does not name is not taken."""

import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.factories import person
from tests.integration.api.conftest import program

pytestmark = pytest.mark.django_db
ODD_FIELDS = ("is_admin", "state", "package", "level", "approved_by", "role", "team_id", "id", "pk", "__class__", "x")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Client().get("/api/schema/").content)
    return found


def bodies(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method.upper(), path, call["requestBody"]["content"]["application/json"]["schema"])
        for path, item in document["paths"].items()
        for method, call in item.items()
        if method in ("post", "put") and "requestBody" in call
    ]


def test_it_is_openapi_3_1_and_names_every_call_of_the_contract(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    calls = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    single = "runs/ requests/ teams/ providers/ agents/ versions/ connections/ tools/ sources/ triggers/ policy/ people/ groups/ audit/ halts/"
    assert {("GET", f"/api/v1/{path}") for path in single.split()} <= calls
    assert {
        ("POST", "/api/v1/events/"),
        ("POST", "/api/v1/runs/"),
        ("POST", "/api/v1/runs/{run_id}/cancel/"),
        ("GET", "/api/v1/actions/{action_id}/"),
        ("POST", "/api/v1/requests/{request_id}/decide/"),
        ("POST", "/api/v1/halts/"),
    } <= calls


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for reference in re.findall(r'"\$ref": "([^"]+)"', json.dumps(document)):
        found: Any = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


def test_lists_name_their_filters(document: dict[str, Any]) -> None:
    names = {parameter["name"] for parameter in document["paths"]["/api/v1/runs/"]["get"]["parameters"]}
    assert {"state", "agent", "started_at", "limit", "cursor"} <= names


def test_no_field_is_taken_that_the_description_does_not_name(document: dict[str, Any]) -> None:
    api = program(person("root", "admin"))
    tried = 0
    for method, path, schema in bodies(document):
        known = shape(document, schema).get("properties", {})
        for name in ODD_FIELDS:
            if name in known:
                continue
            address = re.sub(r"\{[a-z]+_id\}", "00000000-0000-0000-0000-000000000000", path).replace("{name}", "x")
            answer = api.call(method, address, {**example(document, schema), name: "x"})
            # an address of one thing that is not there may say so first
            assert answer.status in (400, 404), f"{method} {path} took {name}: {answer.status} {answer.body}"
            if answer.status == 400:
                assert name in json.dumps(answer.body["extra"]), answer.body
                tried += 1
    assert tried > 80


def shape(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = document["components"]["schemas"][name] if name else schema
    return found


def example(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Return values of the right type for the fields that must be there."""
    found = shape(document, schema)
    values = {"string": "x", "integer": 1, "number": 1, "boolean": True, "array": [], "object": {}}
    required = found.get("required", [])
    return {name: values.get(str(found["properties"][name].get("type")), "x") for name in required}


def test_the_page_draws_every_call_and_needs_nobody_else(operator: User, document: dict[str, Any]) -> None:
    client = Client()
    assert client.get("/api/docs/").status_code == 302
    client.force_login(operator)
    answer = client.get("/api/docs/")
    page = answer.content.decode()
    assert answer.status_code == 200
    for path in document["paths"]:
        assert path in page
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', page)
    assert "<script>" not in page
    assert "style=" not in page


def test_it_is_valid(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(document).validate()
    ids = [call["operationId"] for item in document["paths"].values() for call in item.values()]
    assert len(ids) == len(set(ids))
    assert {"token": []} in document["paths"]["/api/v1/runs/"]["get"]["security"]
    assert "Scope: run." in document["paths"]["/api/v1/runs/"]["post"]["description"]


def test_a_forgotten_slash_is_sent_on_with_method_and_body(operator: User) -> None:
    answer = program(operator).call("POST", "/api/v1/runs?x=1", {})
    assert (answer.status, answer.headers["Location"]) == (308, "/api/v1/runs/?x=1")


def test_an_unknown_address_and_method_have_the_one_shape(operator: User) -> None:
    api = program(operator)
    missing = api.get("nothing/")
    assert (missing.status, missing.body["code"]) == (404, "NOT_FOUND")
    assert program(operator, ["run"]).call("HEAD", "runs/").status == 403
    assert api.call("OPTIONS", "runs/").status == 405
    refused = api.call("PATCH", "runs/", {})
    assert (refused.status, refused.body["code"]) == (405, "NO_SUCH_METHOD")
    assert set(refused.body) == {"code", "message", "extra"}
