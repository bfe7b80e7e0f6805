"""Documents of strangers, each in its own style, become tools without a line written for them."""

import json
from dataclasses import replace
from typing import Any

import pytest

from agents.tools.arguments import check_schema, problems_of
from approvals.policy.action import Effect
from tests.unit.integrations.foreign import account, document, foreign, imported, json_body, only


def test_library_gives_its_tools_and_says_what_it_left_out() -> None:
    offered = imported(foreign("library.yaml"))
    assert {name: tool.effect for name, tool in offered.tools.items()} == {
        "shop.books_search": Effect.READ,
        "shop.get_books_bookId": Effect.READ,
        "shop.lend": Effect.BLIND,
        "shop.take_back": Effect.BLIND,
    }
    assert [(left.what, "multipart" in left.why) for left in offered.left_out] == [("POST /covers/{bookId}", True)]
    assert offered.title == "City Library"


def test_library_search_has_its_query_parameters_in_modern_form() -> None:
    schema = imported(foreign("library.yaml")).tools["shop.books_search"].schema
    assert schema["properties"] == {
        "q": {"type": "string"},
        "filter_language": {"type": "string", "enum": ["de", "en", "no"], "description": "Two letters."},
        "limit": {"type": "integer", "maximum": 100, "exclusiveMinimum": 0, "default": 20},
        "X-Trace": {"type": "string"},
    }
    assert (schema["required"], schema["additionalProperties"]) == (["q"], False)


def test_library_lend_merges_path_and_body_and_keeps_the_key_and_read_only_fields_out() -> None:
    tool = imported(foreign("library.yaml")).tools["shop.lend"]
    assert list(tool.schema["properties"]) == [
        "bookId",
        "reader",
        "due",
        "language",
        "note",
        "colour",
        "deposit",
        "body_bookId",
    ]
    assert tool.schema["required"] == ["bookId", "reader", "due", "language"]
    assert tool.schema["properties"]["note"] == {"type": ["string", "null"], "maxLength": 200}
    assert tool.schema["properties"]["colour"]["enum"] == ["red", "blue", None]
    assert tool.schema["properties"]["deposit"] == {"anyOf": [{"allOf": [{"$ref": "#/$defs/Money"}]}, {"type": "null"}]}
    assert tool.description == "Lend a book. The reader gets a mail."
    assert tool.authority == tuple(tool.schema["properties"])


def test_library_lend_checks_what_its_document_says() -> None:
    schema = imported(foreign("library.yaml")).tools["shop.lend"].schema
    fitting: dict[str, Any] = {"bookId": "AB-1", "reader": "r", "due": "2026-12-01", "language": "no"}
    assert problems_of(schema, {**fitting, "note": None, "deposit": None}) == []
    assert problems_of(schema, {**fitting, "deposit": {"amount": -1, "currency": "EUR"}})
    assert problems_of(schema, {**fitting, "bookId": "../1"})


def test_ledger_merges_all_of_and_keeps_recursion_as_definitions() -> None:
    schema = imported(foreign("ledger.json")).tools["shop.create-entry"].schema
    assert list(schema["properties"]) == ["on", "amount", "currency", "code", "account", "parent"]
    assert schema["required"] == ["on", "amount", "currency", "account"]
    assert schema["$defs"]["Node"]["properties"]["children"]["items"] == {"$ref": "#/$defs/Node"}
    json.dumps(schema)
    assert problems_of(
        schema,
        {
            "on": "2026-01-01",
            "amount": 1,
            "currency": "EUR",
            "account": "a",
            "parent": {"label": "x", "children": [{}]},
        },
    )


def test_ledger_texts_lose_what_nobody_sees_and_patterns_that_could_stall_us() -> None:
    properties = imported(foreign("ledger.json")).tools["shop.create-entry"].schema["properties"]
    assert properties["amount"]["description"] == "What moves, in units"
    assert "pattern" not in properties["code"] and "(?!X)" in properties["code"]["description"]


def test_ledger_body_that_is_a_choice_or_a_list_is_one_argument() -> None:
    tools = imported(foreign("ledger.json")).tools
    assert list(tools["shop.pay"].schema["properties"]) == ["body"]
    assert problems_of(tools["shop.pay"].schema, {"body": {"card": None}}) == []
    assert problems_of(tools["shop.pay"].schema, {"body": {"card": None, "iban": "x"}})
    assert tools["shop.change_batch"].schema["properties"]["body"]["maxItems"] == 5


def test_garden_gives_names_to_the_nameless_and_leaves_head_out() -> None:
    offered = imported(foreign("garden.json"))
    assert list(offered.tools) == [
        "shop.findPlantsByStatus",
        "shop.post_plants",
        "shop.getPlantById",
        "shop.updatePlantWithForm",
    ]
    assert [left.what for left in offered.left_out] == ["HEAD /plants/{plantId}"]
    price = offered.tools["shop.post_plants"].schema["properties"]["price"]
    assert price == {"type": "number", "minimum": 0, "exclusiveMaximum": 1000}


@pytest.mark.parametrize("name", ["library.yaml", "ledger.json", "garden.json"])
def test_every_schema_is_closed_valid_and_every_version_repeatable(name: str) -> None:
    first, second = imported(foreign(name)), imported(foreign(name))
    for tool_name, tool in first.tools.items():
        check_schema(tool.schema)
        assert tool.schema["additionalProperties"] is False
        assert tool.version == second.tools[tool_name].version


def test_names_when_they_collide_stay_apart_and_the_same_every_time() -> None:
    parameters = [
        {"name": "id", "in": place, "required": place == "path", "schema": {"type": "string"}}
        for place in ("header", "query", "path")
    ]
    body = json_body({"type": "object", "properties": {"id": {"type": "string"}, "body_id": {"type": "string"}}})
    tool = only(
        imported(document({"/a/{id}": {"post": {"operationId": "x", "parameters": parameters, "requestBody": body}}}))
    )
    assert list(tool.schema["properties"]) == ["id", "query_id", "header_id", "body_id", "body_body_id"]


def test_names_when_long_or_strange_are_made_fit() -> None:
    paths: dict[str, Any] = {
        "/a": {"get": {"operationId": "Größe/ändern!"}},
        "/b": {"get": {"operationId": "x" * 200}},
        "/c": {"get": {"operationId": "a.b"}},
        "/d": {"get": {"operationId": "a_b"}},
    }
    names = list(imported(document(paths)).tools)
    assert names[0] == "shop.Gr_e_ndern" and len(names[1]) <= 53 and names[2:] == ["shop.a_b", "shop.a_b_2"]


def test_optional_body_asks_for_none_of_its_fields() -> None:
    body = json_body({"type": "object", "required": ["why"], "properties": {"why": {"type": "string"}}}, required=False)
    assert only(imported(document({"/a": {"post": {"requestBody": body}}}))).schema["required"] == []


def test_texts_when_endless_are_cut() -> None:
    operation = {
        "operationId": "x",
        "description": "d" * 100_000,
        "parameters": [{"name": "q", "in": "query", "description": "p" * 100_000, "schema": {"type": "string"}}],
    }
    tool = only(imported(document({"/a": {"get": operation}})))
    assert len(tool.description) <= 900 and len(tool.schema["properties"]["q"]["description"]) <= 400


def test_schema_when_too_large_for_a_model_is_left_out() -> None:
    body = json_body(
        {
            "type": "object",
            "properties": {f"field_{n}": {"type": "string", "description": "d" * 300} for n in range(500)},
        }
    )
    offered = imported(document({"/a": {"post": {"requestBody": body}}}))
    assert not offered.tools and "too large" in offered.left_out[0].why


def test_auth_header_is_never_an_argument() -> None:
    parameters = [
        {"name": "X-Api-Key", "in": "header", "required": True, "schema": {"type": "string"}},
        {"name": "Authorization", "in": "header", "schema": {"type": "string"}},
    ]
    text = document({"/a": {"get": {"parameters": parameters}}})
    tool = only(imported(text, account=account(auth_header="x-api-key", auth_secret="env:K")))
    assert tool.schema["properties"] == {} and tool.schema["required"] == []


def test_version_changes_with_everything_that_changes_meaning() -> None:
    def version(text: str, overrides: Any = None, **more: Any) -> str:
        return only(imported(text, overrides, **more)).version

    def text(path: str = "/a", method: str = "post", kind: str = "string") -> str:
        return document(
            {
                path: {
                    method: {
                        "operationId": "x",
                        "requestBody": json_body({"type": "object", "properties": {"v": {"type": kind}}}),
                    }
                }
            }
        )

    versions = {
        version(text()),
        version(text(path="/b")),
        version(text(method="put")),
        version(text(kind="integer")),
        version(text(), {"x": {"effect": "convergent"}}),
        version(text(), {"x": {"authority": []}}),
        version(text(), account=account("http://127.0.0.1:1/v2")),
    }
    assert len(versions) == 7
    assert version(text()) == version(text())


def test_account_names_host_and_credential_and_never_the_secret() -> None:
    tool = only(
        imported(
            document({"/a": {"get": {}}}),
            account=account("https://api.example", auth_header="A", auth_secret="env:SHOP_TOKEN"),
        )
    )
    assert tool.account == "api.example:443#env:SHOP_TOKEN"
    assert "enc:" not in repr(replace(account(auth_secret="enc:token"), connection="x"))
