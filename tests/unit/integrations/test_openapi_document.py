import json
import socket
import time
from typing import Any

import pytest

from integrations.openapi.document import MAX_BYTES, BadDocument, read_document
from tests.unit.integrations.foreign import document, foreign, json_body

HEAD = "openapi: 3.0.3\ninfo: {title: T, version: '1'}\n"


@pytest.mark.parametrize("name", ["library.yaml", "ledger.json", "garden.json"])
def test_document_when_foreign_and_valid_is_read(name: str) -> None:
    assert read_document(foreign(name)).content["paths"]


def test_yaml_keeps_dates_and_countries_as_text() -> None:
    content = read_document(foreign("library.yaml")).content
    assert content["info"]["version"] == "2024-05-01"
    assert content["components"]["schemas"]["Language"]["enum"] == ["de", "en", "no"]
    assert "200" in content["paths"]["/books"]["get"]["responses"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("swagger: '2.0'", "Convert it"),
        ("openapi: 4.0.0", "3.0 or 3.1"),
        ("just text", "not an OpenAPI document"),
        ("[1, 2]", "not an OpenAPI document"),
        ("{", "not valid JSON"),
        ("a: [", "not valid YAML"),
        ("a: 1\na: 2", "appears twice"),
        ("!!python/object/apply:os.system [id]", "not valid YAML"),
        (HEAD, "paths"),
        (HEAD + "paths: {/a: {get: {}}}", "responses"),
        (HEAD + "paths: {/a: {$ref: 'https://evil.example/a.yaml'}}", "leads outside"),
        (HEAD + "paths: {/a: {$ref: 'file:///etc/passwd'}}", "leads outside"),
        (HEAD + "paths: {/a: {$ref: '#/components/nothing'}}", "names nothing"),
        (HEAD + "paths: {}\nx-when: .nan", "JSON"),
        ("a: &a [*a]", "nested too deeply"),
        ('{"openapi": "3.0.0", "info": {"title": "\\u0000"}}', "a character that is none"),
        ('{"openapi": "3.0.0", "\\ud800": 1}', "a character that is none"),
        ("[" * 3000, "cannot be read"),
        ('{"a":' * 3000, "cannot be read"),
    ],
)
def test_document_when_unusable_is_refused_with_what_to_do(text: str, says: str) -> None:
    with pytest.raises(BadDocument, match=says):
        read_document(text)


def test_document_when_it_is_an_alias_bomb_is_refused_fast() -> None:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"] + [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    began = time.monotonic()
    with pytest.raises(BadDocument, match="too many parts"):
        read_document("\n".join(lines))
    assert time.monotonic() - began < 3


def test_document_when_too_large_is_refused() -> None:
    with pytest.raises(BadDocument, match="larger than"):
        read_document(b" " * (MAX_BYTES + 1))


def test_document_when_it_points_at_addresses_opens_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("a document made us connect")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    schema = {
        "$id": "http://127.0.0.1:9/a",
        "$schema": "http://127.0.0.1:9/b",
        "type": "object",
        "properties": {"x": {"$ref": "#/components/schemas/S"}},
    }
    text = document(
        {"/a": {"post": {"requestBody": json_body(schema)}}}, components={"schemas": {"S": {"type": "string"}}}
    )
    read = json.loads(text)
    for extra in ({}, {"jsonSchemaDialect": "http://127.0.0.1:9/c"}, {"externalDocs": {"url": "http://127.0.0.1:9/d"}}):
        try:
            read_document(json.dumps({**read, **extra}))
        except BadDocument as refused:
            assert "dialect" in refused.message or "resolv" in refused.message.lower()


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
def test_document_when_a_default_meets_an_exploding_pattern_is_read_fast(version: str) -> None:
    schema = {"type": "string", "pattern": "^(a+)+$", "default": "a" * 60 + "!"}
    began = time.monotonic()
    read_document(document({"/a": {"post": {"requestBody": json_body(schema)}}}, version=version))
    assert time.monotonic() - began < 2
