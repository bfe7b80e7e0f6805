import time
from decimal import Decimal
from typing import Any

import pytest

from agents.tools.arguments import MAX_PROBLEMS, BadSchema, check_schema, is_linear_pattern, problems_of

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "order_id": {"type": "string", "minLength": 2, "maxLength": 4},
        "amount": {"type": "number", "maximum": 500, "multipleOf": 0.01},
        "count": {"type": "integer", "minimum": 1},
        "currency": {"enum": ["EUR", "NOK"]},
        "on": {"type": "string", "format": "date"},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 2, "uniqueItems": True},
        "node": {"$ref": "#/$defs/Node"},
        "either": {"oneOf": [{"type": "string"}, {"type": "null"}]},
    },
    "required": ["order_id"],
    "additionalProperties": False,
    "$defs": {
        "Node": {"type": "object", "properties": {"child": {"$ref": "#/$defs/Node"}, "size": {"type": "integer"}}}
    },
}


def test_problems_when_arguments_fit_is_empty() -> None:
    fitting = {
        "order_id": "A1",
        "amount": Decimal("499.99"),
        "count": 3,
        "currency": "EUR",
        "on": "2026-11-21",
        "tags": ["a"],
        "either": None,
    }
    assert problems_of(SCHEMA, {**fitting, "node": {"child": {"child": {"size": 1}}}}) == []


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"order_id": None}, "`order_id` must be string, but is null."),
        ({"order_id": "A"}, '`order_id` must have at least 2 characters, but is "A".'),
        ({"amount": Decimal("500.01")}, "`amount` must be at most 500, but is 500.01."),
        ({"amount": Decimal("1.001")}, "`amount` must be a multiple of 0.01, but is 1.001."),
        ({"count": 0}, "`count` must be at least 1, but is 0."),
        ({"count": Decimal("1.5")}, "`count` must be integer, but is 1.5."),
        ({"currency": "USD"}, '`currency` must be "EUR" or "NOK", but is "USD".'),
        ({"on": "tomorrow"}, '`on` must be a valid date, but is "tomorrow".'),
        ({"tags": ["a", "b", "c"]}, '`tags` must have at most 2 items, but is ["a", "b", "c"].'),
        ({"tags": [1]}, "`tags[0]` must be string, but is 1."),
        ({"node": {"child": {"size": "big"}}}, '`node.child.size` must be integer, but is "big".'),
        ({"either": 5}, "`either` must fit exactly one of the forms in the schema, but is 5."),
        ({"recipient": "x"}, "`recipient` is not an argument of this tool: leave it out."),
    ],
)
def test_problems_when_one_argument_is_wrong_names_it_and_what_to_do(wrong: dict[str, Any], sentence: str) -> None:
    assert problems_of(SCHEMA, {"order_id": "A1", **wrong}) == [sentence]


def test_problems_when_a_required_argument_is_missing_says_so() -> None:
    assert problems_of(SCHEMA, {}) == ["`order_id` is missing: it is required."]


@pytest.mark.parametrize("arguments", [None, [], "text", 3])
def test_problems_when_not_an_object_says_so(arguments: Any) -> None:
    assert problems_of(SCHEMA, arguments) == ["The arguments must be a JSON object."]


def test_problems_when_there_are_many_stops_counting_out() -> None:
    found = problems_of(SCHEMA, {f"field_{number}": 1 for number in range(100)})
    assert len(found) == MAX_PROBLEMS + 1 and found[-1] == "… and 89 more problems."


def test_problems_when_a_value_is_huge_shows_its_beginning_only() -> None:
    assert len(problems_of(SCHEMA, {"order_id": "x" * 100_000})[0]) < 200


def test_pattern_that_explodes_elsewhere_is_matched_in_linear_time() -> None:
    began = time.monotonic()
    assert problems_of({"properties": {"a": {"pattern": "^(a+)+$"}}}, {"a": "a" * 5000 + "!"})
    assert time.monotonic() - began < 0.5


@pytest.mark.parametrize("pattern", ["(?=x)", "(?<!a)b", r"(a)\1", "[", "(a{1000}){1000}"])
def test_pattern_when_not_linear_is_known_as_such(pattern: str) -> None:
    assert not is_linear_pattern(pattern)


@pytest.mark.parametrize(
    "schema", [{"$ref": "http://127.0.0.1:1/s"}, {"type": "nonsense"}, {"pattern": "["}, {"$ref": "#/$defs/Nowhere"}]
)
def test_schema_when_unusable_is_refused_and_nothing_is_fetched(schema: dict[str, Any]) -> None:
    with pytest.raises(BadSchema):
        check_schema(schema)
