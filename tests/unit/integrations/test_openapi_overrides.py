from typing import Any

import pytest

from agents.tools.base import CheckSpec, LookupSpec, MoneySpec, TargetSpec, Tool
from approvals.policy.action import Effect
from integrations.openapi.overrides import BadOverrides
from tests.unit.integrations.foreign import document, imported, json_body

STRING, INTEGER = {"type": "string"}, {"type": "integer"}
ORDER_ID = {"name": "order_id", "in": "path", "required": True, "schema": STRING}


def _query(name: str, *, required: bool = True) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": required, "schema": STRING}


SHOP = document(
    {
        "/orders/{order_id}": {"get": {"operationId": "get_order", "parameters": [ORDER_ID]}},
        "/orders/{order_id}/refunds": {
            "post": {
                "operationId": "refund_order",
                "parameters": [ORDER_ID, {"name": "X-Key", "in": "header", "required": True, "schema": STRING}],
                "requestBody": json_body(
                    {
                        "type": "object",
                        "properties": {
                            "amount_minor": INTEGER,
                            "currency": STRING,
                            "price": {"type": "object", "properties": {"minor": INTEGER}},
                        },
                    }
                ),
            }
        },
        "/refunds/search": {
            "post": {
                "operationId": "search.refunds",
                "requestBody": json_body({"type": "object", "properties": {"reference": STRING}}),
            }
        },
        "/refunds": {
            "get": {
                "operationId": "find_refund",
                "parameters": [_query("reference", required=False), _query("page", required=False)],
            }
        },
        "/compare": {"get": {"operationId": "compare", "parameters": [_query("left"), _query("right")]}},
        "/refunds/{refund_id}": {
            "delete": {
                "operationId": "cancel_refund",
                "parameters": [{"name": "refund_id", "in": "path", "required": True, "schema": STRING}],
            }
        },
    }
)
DESIGN = {
    "effect": "keyed",
    "idempotency": {"header": "X-Key", "window_h": 12},
    "money": {"amount": "amount_minor", "currency": "currency"},
    "target": {"argument": "order_id", "by": "get_order", "show": ["customer_name"]},
    "sentence": "Refund {money} for order {order_id}",
    "authority": ["order_id", "amount_minor", "currency"],
    "check": {"by": "get_order", "compare": ["refunded_minor", "status"]},
    "compensate_with": "cancel_refund",
    "timeout_s": 5,
}


def _tool(overrides: dict[str, Any], name: str = "refund_order") -> Tool:
    return imported(SHOP, overrides).tools[f"shop.{name}"]


def _problems(overrides: Any) -> list[str]:
    with pytest.raises(BadOverrides) as caught:
        imported(SHOP, overrides)
    return [str(problem) for problem in caught.value.problems]


def test_override_when_it_says_everything_is_the_tool() -> None:
    tool = _tool({"refund_order": DESIGN})
    assert (tool.effect, tool.window_h, tool.attempts, tool.timeout_s) == (Effect.KEYED, 12, 3, 5)
    assert tool.money == MoneySpec("amount_minor", "currency", "")
    assert tool.target == TargetSpec("order_id", "get_order", ("customer_name",))
    assert tool.check == CheckSpec("get_order", ("refunded_minor", "status"))
    assert (tool.sentence, tool.compensate_with) == ("Refund {money} for order {order_id}", "cancel_refund")
    assert tool.authority == ("order_id", "amount_minor", "currency")


def test_override_when_it_names_the_key_header_takes_it_from_the_model() -> None:
    assert "X-Key" in _tool({}).schema["properties"]
    tool = _tool({"refund_order": DESIGN})
    assert "X-Key" not in tool.schema["properties"] and "X-Key" not in tool.schema["required"]


def test_tool_when_nothing_is_said_reads_by_get_and_is_blind_otherwise_with_every_argument_carrying_power() -> None:
    tools = imported(SHOP).tools
    assert (tools["shop.get_order"].effect, tools["shop.get_order"].authority) == (Effect.READ, ())
    assert (tools["shop.cancel_refund"].effect, tools["shop.cancel_refund"].attempts) == (Effect.BLIND, 1)
    assert set(tools["shop.refund_order"].authority) == set(tools["shop.refund_order"].schema["properties"])


def test_override_of_effect_alone_leaves_every_argument_carrying_power() -> None:
    assert set(_tool({"refund_order": {"effect": "convergent"}}).authority) >= {"order_id", "amount_minor", "currency"}


def test_override_when_a_search_is_posted_may_call_it_a_read() -> None:
    assert _tool({"search_refunds": {"effect": "read"}}, "search_refunds").effect is Effect.READ
    assert _tool({"search.refunds": {"effect": "read"}}, "search_refunds").effect is Effect.READ


def test_override_when_the_currency_is_a_constant_keeps_it() -> None:
    assert _tool({"refund_order": {"money": {"amount": "price.minor", "currency": "EUR"}}}).money == MoneySpec(
        "price.minor", "", "EUR"
    )


def test_override_when_queryable_names_its_look_up() -> None:
    tool = _tool({"refund_order": {"effect": "queryable", "lookup": {"by": "find_refund", "argument": "reference"}}})
    assert (tool.lookup, tool.attempts) == (LookupSpec("find_refund", "reference"), 1)


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ({"effect": "keyed"}, "refund_order.idempotency: a keyed tool needs the header"),
        ({"effect": "queryable"}, "refund_order.lookup: a queryable tool needs"),
        ({"effect": "harmless"}, "refund_order.effect: Input should be 'read', 'keyed'"),
        ({"efect": "read"}, "refund_order.efect: there is no such field. Known: effect"),
        ({"idempotency": {"window_h": 3}}, "refund_order.idempotency.header: is missing"),
        (
            {"idempotency": {"header": "K", "hours": 3}},
            "refund_order.idempotency.hours: there is no such field. Known: header, window_h",
        ),
        ({"idempotency": {"header": "Bad\r\nHeader"}}, "refund_order.idempotency.header: "),
        ({"idempotency": {"header": "authorization"}}, "refund_order.idempotency.header: this header carries"),
        ({"idempotency": {"header": "K", "window_h": 0}}, "refund_order.idempotency.window_h: "),
        (
            {"money": {"amount": "total", "currency": "EUR"}},
            "refund_order.money.amount: the tool has no argument total. It has: order_id",
        ),
        (
            {"money": {"amount": "amount_minor", "currency": "eur"}},
            "refund_order.money.currency: the tool has no argument eur",
        ),
        ({"authority": ["order_id", "recipient"]}, "refund_order.authority: the tool has no argument recipient"),
        (
            {"target": {"argument": "order", "by": "get_order"}},
            "refund_order.target.argument: the tool has no argument order",
        ),
        (
            {"target": {"argument": "order_id", "by": "get_ordr"}},
            "refund_order.target.by: the document has no operation get_ordr",
        ),
        (
            {"target": {"argument": "order_id", "by": "cancel_refund"}},
            "refund_order.target.by: cancel_refund does not only read",
        ),
        (
            {"target": {"argument": "order_id", "by": "compare"}},
            "refund_order.target.by: it is not clear which argument",
        ),
        ({"check": {"by": "get_order", "compare": []}}, "refund_order.check.compare: "),
        ({"check": {"by": "compare", "compare": ["a"]}}, "refund_order.check.by: compare needs arguments"),
        (
            {"effect": "queryable", "lookup": {"by": "find_refund", "argument": "ref"}},
            "refund_order.lookup.argument: find_refund has no argument ref",
        ),
        ({"sentence": "Refund {money}"}, "refund_order.sentence: {money} needs `money`"),
        ({"sentence": "Refund {who}"}, "refund_order.sentence: the tool has no argument who"),
        ({"sentence": "Refund {"}, "refund_order.sentence: a brace is not closed"),
        ({"compensate_with": "undo"}, "refund_order.compensate_with: the document has no operation undo"),
        (
            {"effect": "read", "compensate_with": "cancel_refund"},
            "refund_order.compensate_with: a tool that only reads",
        ),
        ({"timeout_s": 0}, "refund_order.timeout_s: "),
        ({"timeout_s": 3600}, "refund_order.timeout_s: "),
    ],
)
def test_override_when_wrong_names_tool_field_and_what_to_do(part: dict[str, Any], says: str) -> None:
    (problem,) = _problems({"refund_order": part})
    assert problem.startswith(says)
    assert problem.endswith(".")


def test_override_when_the_document_has_no_such_operation_lists_what_it_has() -> None:
    assert _problems({"refund": {}}) == [
        "refund: the document has no such operation. It has: cancel_refund, compare, find_refund, get_order, refund_order, search_refunds."
    ]


def test_overrides_when_several_are_wrong_are_all_told() -> None:
    assert (
        len(_problems({"refund_order": {"effect": "keyed", "authority": ["x", "y"]}, "get_order": {"sentence": "{z}"}}))
        == 4
    )


@pytest.mark.parametrize("overrides", [["refund_order"], "text", 5])
def test_overrides_when_not_an_object_are_refused(overrides: Any) -> None:
    assert _problems(overrides)[0].startswith("tools: must be an object")
